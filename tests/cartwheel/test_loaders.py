import cv2
import numpy as np
import pytest
from scipy.io import savemat

from placevec.cartwheel.loaders import (
    PittsburgRenderer,
    TimeMachineRender,
    WalksRenderer,
    WalksRendererOnline,
    load_tuples,
)
from placevec.images import UnreadableImageError

pytestmark = pytest.mark.one_backend

NUM_PANORAMAS = 8


def write_photo(path, rgb, size=(24, 32)):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((*size, 3), rgb[::-1], np.uint8))


def column(texts):
    cells = np.empty((len(texts), 1), dtype=object)
    cells[:, 0] = texts
    return cells


@pytest.fixture
def cutouts(tmp_path):
    """Cut-outs whose red tells the panorama, green the yaw, blue the pitch."""
    for panorama in range(NUM_PANORAMAS):
        folder = panorama // 4
        for pitch in (1, 2):
            for yaw in range(1, 13):
                name = f"{folder:03d}/{folder:03d}{panorama:03d}_pitch{pitch}_yaw{yaw}.jpg"
                write_photo(tmp_path / name, (panorama * 30, yaw * 20, pitch * 100))
    return tmp_path


def cutouts_of(photos):
    red, green, blue = photos.mean(axis=(1, 2)).T
    views = np.stack([red / 30, green / 20, blue / 100], axis=1)
    assert np.abs(views - views.round()).max() < 0.2
    return views.round().astype(int).tolist()


def give_positions(root):
    """Puts panoramas 10 m apart, in a .mat beside the photos."""
    names = sorted(str(path.relative_to(root)) for path in root.glob("*/*.jpg"))
    east = [10.0 * int(name[7:10]) for name in names]
    struct = {
        "dbImageFns": column(names),
        "utmDb": np.array([east, np.zeros(len(names))]),
        "qImageFns": column(names[:1]),
        "utmQ": np.array([[9e5], [9e5]]),
    }
    savemat(root / "set.mat", {"dbStruct": struct})


MONTHS = {200907: 60, 201306: 140, 201501: 220}


@pytest.fixture
def tokyo(tmp_path):
    """Six places, 20 m apart; red tells the place, green the direction, blue the month."""
    names, positions_m, months = [], [], []
    for place in range(6):
        for month, blue in MONTHS.items():
            for heading_deg in range(0, 360, 30):
                name = f"p{place}/{month}/p{place}_{month}_35.6_139.6_{heading_deg:03d}_012.jpg"
                rgb = (place * 40, heading_deg // 30 * 20, blue)
                write_photo(tmp_path / "images" / name, rgb)
                names.append(name)
                positions_m.append((20.0 * place, 0.0))
                months.append(month)
    chosen = range(0, len(names), 12)
    struct = {
        "dbImageFns": column(names),
        "utmDb": np.array(positions_m).T,
        "dbTimeStamp": np.array([months]),
        "qImageFns": column([names[i] for i in chosen]),
        "utmQ": np.array([positions_m[i] for i in chosen]).T,
        "qTimeStamp": np.array([[months[i] for i in chosen]]),
    }
    savemat(tmp_path / "tokyoTM_train.mat", {"dbStruct": struct})
    return tmp_path


def tokyo_views(photos):
    red, green, blue = photos.mean(axis=(1, 2)).T
    months = (blue - 60) / 80
    return list(zip((red / 40).round(), (green / 20).round(), months.round(), strict=True))


@pytest.fixture
def walks(tmp_path):
    """Two videos; gray levels left and right tell the frame, the top tells the video."""
    for video, count in enumerate((450, 300)):
        writer = cv2.VideoWriter(
            str(tmp_path / f"{video}.mkv"), cv2.VideoWriter_fourcc(*"MJPG"), 30, (64, 48)
        )
        for number in range(count):
            frame = np.empty((48, 64, 3), np.uint8)
            frame[:, :32], frame[:, 32:] = number // 20 * 10, number % 20 * 12
            frame[:16] = (0, 0, 250) if video else (250, 0, 0)  # BGR
            writer.write(frame)
        writer.release()
    return tmp_path


def frames_of(photos):
    top = photos[:, :60].mean(axis=(1, 2))
    left, right = photos[:, 120:, 20:140].mean((1, 2, 3)), photos[:, 120:, 180:300].mean((1, 2, 3))
    frames = 20 * (left / 10).round() + (right / 12).round()
    return list(zip((top[:, 0] > top[:, 2]).astype(int), frames.astype(int), strict=True))


def side(first, second):
    return min((first - second) % 12, (second - first) % 12)


def test_pittsburgh_positives_overlap_and_negatives_are_other_panoramas(cutouts):
    loader = PittsburgRenderer(cutouts)
    alike = 0
    for _ in range(40):
        photos, zeros = loader.step(nP=5, nN=6)
        assert photos.shape == (12, 24, 32, 3) and photos.dtype == np.float32
        assert zeros.shape == (12, 4) and not zeros.any()
        query, *others = cutouts_of(photos)
        positives, negatives = others[:5], others[5:]
        expected = [
            [query[0], (query[1] - 1 + step) % 12 + 1, pitch]
            for pitch in (1, 2)
            for step in (-1, 0, 1)
        ]
        assert sorted(positives) == sorted(view for view in expected if view != query)
        assert all(panorama != query[0] for panorama, _, _ in negatives)
        alike += sum(view[1] == query[1] or view[2] == query[2] for view in negatives)
    assert alike > 40  # yaw and pitch no longer tell negatives apart


def test_pittsburgh_negatives_are_farther_than_25_m_where_positions_are_known(cutouts):
    give_positions(cutouts)
    loader = PittsburgRenderer(cutouts)
    for _ in range(40):
        query, *others = cutouts_of(loader.step(3, 4)[0])
        assert all(view[0] == query[0] and side(view[1], query[1]) <= 1 for view in others[:3])
        assert all(abs(view[0] - query[0]) >= 3 for view in others[3:])


def test_pittsburgh_honors_size_and_gray(cutouts):
    loader = PittsburgRenderer(cutouts)
    assert loader.step(2, 2, resize=(40, 30))[0].shape == (5, 30, 40, 3)
    assert loader.step(2, 2, return_gray=True)[0].shape == (5, 24, 32, 1)
    samples = loader.step_n_times(n_samples=3, nP=1, nN=2, return_gray=True, resize=(48, 20))
    assert [sample.shape for sample in samples] == 3 * [(4, 20, 48, 1)]
    assert [sample.shape for sample in loader.step_n_times(1, 1, 1)] == [(3, 240, 320, 3)]


def test_pittsburgh_preloads_folders(cutouts):
    loader = PittsburgRenderer(cutouts)
    with pytest.raises(ValueError, match="Call `preload_all_images` first"):
        loader.preload_step(1, 1)
    with pytest.raises(ValueError, match=r"none of the folders. Received: folder_list=\[7\]"):
        loader.preload_all_images([7])
    loader.preload_all_images(folder_list=[1])
    for path in cutouts.glob("*/*.jpg"):
        path.unlink()  # from memory, then
    photos, zeros = loader.preload_step(nP=2, nN=3, apply_distortions=False)
    assert photos.shape == (6, 240, 320, 3) and zeros.shape == (6, 4)
    assert all(4 <= panorama < 8 for panorama, _, _ in cutouts_of(photos))
    assert loader.preload_step(2, 3, return_gray=True)[0].shape == (6, 240, 320, 1)


def test_distortions_change_every_photo_of_the_tuple(cutouts):
    plain, distorted = (
        PittsburgRenderer(cutouts).step(2, 2, apply_distortions=flag, resize=(64, 48))[0]
        for flag in (False, True)
    )
    for before, after in zip(plain, distorted, strict=True):
        assert np.abs(before - after).mean() > 1


def test_a_seed_repeats_the_tuples(cutouts):
    first, again, other = (PittsburgRenderer(cutouts, seed=s).step(3, 3)[0] for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_imshow_draws_a_picture_in_place_of_a_window(cutouts, monkeypatch):
    monkeypatch.chdir(cutouts)
    PittsburgRenderer(cutouts).step(1, 1, ENABLE_IMSHOW=True)
    assert cv2.imread("PittsburgRenderer.png") is not None


def test_unreadable_photos_raise(cutouts):
    for path in cutouts.glob("*/*.jpg"):
        path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(UnreadableImageError):
        PittsburgRenderer(cutouts).step(1, 1)


def test_tokyo_positives_are_of_other_times_and_near_directions(tokyo):
    loader = TimeMachineRender(tokyo)
    assert len(loader.dataset.database) == 6 * 3 * 12
    places = set()
    for _ in range(60):
        photos, zeros = loader.step(4, 5)
        assert photos.shape == (10, 24, 32, 3) and zeros.shape == (10, 4)
        query, *others = tokyo_views(photos)
        for place, turn, month in others[:4]:
            assert place == query[0] and side(turn, query[1]) <= 1 and month != query[2]
        assert all(abs(place - query[0]) >= 2 for place, _, _ in others[4:])
        places |= {place for place, _, _ in others[4:]}
    assert places == set(range(6))


def test_tokyo_keeps_its_signature(tokyo, monkeypatch):
    loader = TimeMachineRender(tokyo, nP=2, nN=3)
    assert loader.step()[0].shape == (6, 24, 32, 3)
    assert loader.step(1, 1, (40, 30), False, True, False)[0].shape == (3, 30, 40, 1)
    photos, zeros = loader.step_random(7)
    assert photos.shape == (7, 24, 32, 3) and zeros.shape == (7, 4)
    with pytest.raises(ValueError, match="There are 216 photos. Received: count=217"):
        loader.step_random(217)
    monkeypatch.chdir(tokyo)
    loader.debug_display_image_samples()
    assert cv2.imread("TimeMachineRender.png") is not None


def test_tokyo_does_without_directions_in_the_names(tmp_path):
    for number in range(6):
        write_photo(tmp_path / f"images/{number}.jpg", (number * 40, 0, 0))
    struct = {
        "dbImageFns": column([f"{number}.jpg" for number in range(6)]),
        "utmDb": np.array([[0.0, 0, 0, 90, 90, 90], 6 * [0.0]]),
        "dbTimeStamp": np.array([3 * [200907, 201306]]),
        "qImageFns": column(["0.jpg"]),
        "utmQ": np.array([[0.0], [0.0]]),
        "qTimeStamp": np.array([[200907]]),
    }
    savemat(tmp_path / "tokyoTM_train.mat", {"dbStruct": struct})
    photos, _ = TimeMachineRender(tmp_path).step(1, 3)
    numbers = (photos[..., 0].mean(axis=(1, 2)) / 40).round().tolist()
    assert numbers[:2] == [0, 1] and sorted(numbers[2:]) == [3, 4, 5]


@pytest.mark.parametrize("loader_class", [WalksRenderer, WalksRendererOnline])
def test_walks_positives_lie_within_200_frames_and_negatives_beyond(walks, loader_class):
    loader = loader_class(walks)
    for _ in range(10):
        photos, zeros = loader.step(nP=3, nN=4)
        assert photos.shape == (8, 240, 320, 3) and photos.dtype == np.float32
        assert zeros.shape == (8, 4)
        (video, frame), *others = frames_of(photos)
        for other_video, other_frame in others[:3]:
            assert other_video == video and 0 < abs(other_frame - frame) <= 200
        for other_video, other_frame in others[3:]:
            assert other_video != video or abs(other_frame - frame) > 200
    assert loader.step(1, 1, return_gray=True)[0].shape == (3, 240, 320, 1)


def test_loads_tuples_of_those_data_sets_that_are_wanted(cutouts, tmp_path):
    missing = tmp_path / "nowhere"
    tuples = load_tuples(
        [(TimeMachineRender, missing, 0), (PittsburgRenderer, cutouts, 3)], nP=1, nN=2
    )
    assert tuples.shape == (3, 4, 240, 320, 3) and tuples.dtype == np.float32
    assert len({tuple(map(tuple, cutouts_of(photos))) for photos in tuples}) == 3
    with pytest.raises(ValueError, match="At least one tuple must be asked for"):
        load_tuples([(TimeMachineRender, missing, -1)], nP=1, nN=2)
    with pytest.raises(FileNotFoundError):
        load_tuples([(TimeMachineRender, missing, 1)], nP=1, nN=2)
