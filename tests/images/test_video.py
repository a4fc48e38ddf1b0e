import threading
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from placevec.images import UnreadableImageError, count_frames, frame_name, read_image, video
from placevec.images.video import parse_frame_name

CODECS = {".mkv": "MJPG", ".mp4": "mp4v"}
RED = np.array([255.0, 0.0, 0.0])


def write_video(path, count, size=(48, 64)):
    """Writes frames that tell their number: hundreds and tens left, ones right; a red strip."""
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter_fourcc(*CODECS[path.suffix]), 30, (size[1], size[0])
    )
    for number in range(count):
        frame = np.empty((*size, 3), np.uint8)
        frame[:, :32] = number // 10 * 20
        frame[:, 32:] = number % 10 * 20
        frame[: size[0] // 3] = (0, 0, 255)  # BGR
        writer.write(frame)
    writer.release()


def number_of(photo):
    bottom = photo[photo.shape[0] // 2 :].mean(axis=(0, 2))
    left, right = bottom[: len(bottom) // 2 - 2].mean(), bottom[len(bottom) // 2 + 2 :].mean()
    return round(left / 20) * 10 + round(right / 20)


@pytest.mark.parametrize("suffix", CODECS)
def test_reads_the_frame_of_the_number_in_any_order(tmp_path, suffix):
    film = tmp_path / f"walk{suffix}"
    write_video(film, 120)
    assert count_frames(film) == 120
    far = video._FARTHEST_WALK
    numbers = np.random.default_rng(0).permutation(120)[:30].tolist()
    numbers += [5, 6, 7, 119, 0, far - 1, 2 * far + 1, 2 * far, 2 * far]
    read = [number_of(read_image(frame_name(str(film), number))) for number in numbers]
    assert read == numbers


def test_gives_rgb_or_grey_of_the_size_that_is_asked_for(tmp_path):
    write_video(tmp_path / "walk.mkv", 3)
    name = tmp_path / "walk.mkv#000001"
    colour = read_image(name)
    assert colour.shape == (48, 64, 3) and colour.dtype == np.uint8
    np.testing.assert_allclose(colour[:12].mean(axis=(0, 1)), RED, atol=12)
    assert read_image(name, image_size=(24, 40)).shape == (24, 40, 3)
    grey = read_image(name, image_size=(96, 128), channels=1)
    assert grey.shape == (96, 128, 1)
    np.testing.assert_allclose(grey[:24].mean(), 0.299 * 255, atol=8)


def test_threads_read_side_by_side(tmp_path):
    films = [tmp_path / f"{n}.mp4" for n in range(6)]  # more than a thread keeps open
    for film in films:
        write_video(film, 40)
    wanted = [(film, number) for number in (3, 30, 4, 31, 12) for film in films]

    def read(item):
        return number_of(read_image(frame_name(str(item[0]), item[1])))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read, wanted)) == [number for _, number in wanted]


def test_keeps_few_films_open(tmp_path):
    opened = []

    def read():
        for n in range(video._MOST_OPEN + 2):
            write_video(tmp_path / f"{n}.mkv", 2)
            read_image(tmp_path / f"{n}.mkv#0")
        opened.append(len(video._open.films))

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert opened == [video._MOST_OPEN]


def test_reads_a_film_anew_that_was_replaced(tmp_path):
    write_video(tmp_path / "walk.mkv", 3)
    assert read_image(tmp_path / "walk.mkv#2").shape == (48, 64, 3)
    write_video(tmp_path / "walk.mkv", 3, size=(32, 64))
    assert read_image(tmp_path / "walk.mkv#2").shape == (32, 64, 3)


def test_goes_on_from_the_last_frame_instead_of_seeking(tmp_path, monkeypatch):
    write_video(tmp_path / "walk.mp4", 100)
    film = video._Film(tmp_path / "walk.mp4")
    sought = []

    class Watched:
        def __init__(self, capture):
            self.capture = capture

        def set(self, what, value):
            sought.append(value)
            return self.capture.set(what, value)

        def __getattr__(self, name):
            return getattr(self.capture, name)

    film._capture = Watched(film._capture)
    for number in (0, 10, 20, 90, 91, 5):
        film.read(number)
    assert sought == [90, 5]


def test_counts_only_frames_that_are_there(tmp_path, monkeypatch):
    write_video(tmp_path / "walk.mkv", 20)
    real = cv2.VideoCapture

    class Boastful:
        def __init__(self, *args):
            self.capture = real(*args)

        def get(self, what):
            return self.capture.get(what) + 7 * (what == cv2.CAP_PROP_FRAME_COUNT)

        def __getattr__(self, name):
            return getattr(self.capture, name)

    monkeypatch.setattr(cv2, "VideoCapture", Boastful)
    assert count_frames(tmp_path / "walk.mkv") == 20
    assert number_of(read_image(tmp_path / "walk.mkv#19")) == 19
    with pytest.raises(UnreadableImageError, match="Frame 22 of .* announces 27 frames"):
        read_image(tmp_path / "walk.mkv#22")
    assert number_of(read_image(tmp_path / "walk.mkv#3")) == 3


def test_refuses_frames_that_are_not_there(tmp_path):
    write_video(tmp_path / "walk.mkv", 3)
    with pytest.raises(UnreadableImageError, match="Frame 3 of .*walk.mkv.* 3 frames"):
        read_image(tmp_path / "walk.mkv#3")
    with pytest.raises(FileNotFoundError, match="There is no film .*gone.mkv"):
        read_image(tmp_path / "gone.mkv#3")
    with pytest.raises(UnreadableImageError, match="declares 48 x 64 pixels, more than 3000"):
        read_image(tmp_path / "walk.mkv#0", max_pixels=3000)


def test_refuses_what_is_no_film(tmp_path):
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile other.mp4\n")
    (tmp_path / "short.mkv").write_bytes(b"\x1a\x45\xdf\xa3 no film")
    write_video(tmp_path / "cut.mp4", 30)
    data = (tmp_path / "cut.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
    for name in ("folder.mp4", "list.mp4", "short.mkv", "cut.mp4"):
        with pytest.raises(ValueError, match=f"{name} is no whole film"):
            count_frames(tmp_path / name)


def test_a_photo_may_be_named_like_a_frame(tmp_path):
    cv2.imwrite(str(tmp_path / "photo.png"), np.full((4, 5, 3), 7, np.uint8))
    (tmp_path / "photo.png").rename(tmp_path / "walk.mp4#000003")
    assert read_image(tmp_path / "walk.mp4#000003").max() == 7


def test_names_of_frames_are_told_from_those_of_photos():
    assert parse_frame_name("a/walk.MP4#000120") == ("a/walk.MP4", 120)
    assert parse_frame_name("a#1.mkv#7") == ("a#1.mkv", 7)
    for name in ("walk.mp4", "walk.mp4#", "walk.mp4#x", "walk.mp4#-1", "photo.jpg#3", "#3",
                 "walk.mp4#1.jpg"):  # fmt: skip
        assert parse_frame_name(name) is None
