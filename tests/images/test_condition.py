import zlib

import cv2
import numpy as np
import pytest

from placevec.images import frame_name, read_image
from placevec.images.condition import condition_of, conditions_of


def texture(seed, size=(48, 64)):
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.resize(noise, size[::-1], interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def folder(tmp_path):
    for seed, name in enumerate(("a.jpg", "b.png", "c.jpg")):
        cv2.imwrite(str(tmp_path / name), texture(seed))
    return tmp_path


def test_clean_photos_have_sizes_and_no_problems(folder):
    found = conditions_of(folder, ["a.jpg", "b.png", "c.jpg"], num_workers=2)
    assert found.sizes.tolist() == [[48, 64]] * 3
    assert found.num_bytes.tolist() == [
        (folder / name).stat().st_size for name in ("a.jpg", "b.png", "c.jpg")
    ]
    assert found.is_decoded.all()
    assert found.problems == {}
    assert found.equal_files() == []
    assert found.nearly_equal(31).shape == (0, 2)


def test_finds_files_that_are_cut_off_empty_missing_or_no_photos(folder):
    whole = (folder / "a.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.jpg").write_text("no photo")
    found = conditions_of(
        folder, ["a.jpg", "cut.jpg", "empty.jpg", "text.jpg", "gone.jpg"], num_workers=2
    )
    assert sorted(found.problems) == [1, 2, 3, 4]
    assert "cut off" in found.problems[1]
    assert "empty" in found.problems[2]
    assert "is not a JPEG" in found.problems[3]
    assert "cannot be opened: No such file" in found.problems[4]
    quick = conditions_of(folder, ["a.jpg", "cut.jpg"], decode=False, num_workers=2)
    assert sorted(quick.problems) == [1]


def test_only_decoding_finds_a_bmp_that_is_cut_off(folder):
    cv2.imwrite(str(folder / "d.bmp"), texture(3))
    whole = (folder / "d.bmp").read_bytes()
    (folder / "d.bmp").write_bytes(whole[: len(whole) // 2])
    assert condition_of(folder / "d.bmp", decode=False).problem == ""
    assert "cannot be decoded" in condition_of(folder / "d.bmp").problem


def test_finds_equal_files_and_nearly_equal_photos(folder):
    (folder / "copy.jpg").write_bytes((folder / "a.jpg").read_bytes())
    cv2.imwrite(str(folder / "small.jpg"), texture(0), [cv2.IMWRITE_JPEG_QUALITY, 60])
    names = ["a.jpg", "b.png", "copy.jpg", "small.jpg"]
    found = conditions_of(folder, names, num_workers=2)
    assert [group.tolist() for group in found.equal_files()] == [[0, 2]]
    assert found.nearly_equal(31).tolist() == [[0, 3]]
    quick = conditions_of(folder, names, decode=False, num_workers=2)
    assert [group.tolist() for group in quick.equal_files()] == [[0, 2]]
    assert not len(quick.nearly_equal(31))


def test_broken_files_are_no_copies_of_each_other(tmp_path):
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"the same")
    found = conditions_of(tmp_path, ["a.jpg", "b.jpg"], num_workers=2)
    assert len(found.problems) == 2
    assert found.equal_files() == []


def test_no_files_have_no_findings(tmp_path):
    found = conditions_of(tmp_path, [], num_workers=2)
    assert found.equal_files() == []
    assert not len(found.nearly_equal(31))


def test_a_bomb_is_not_decoded(tmp_path, monkeypatch):
    cv2.imwrite(str(tmp_path / "large.png"), np.zeros((10, 10, 3), np.uint8))
    bomb = bytearray((tmp_path / "large.png").read_bytes())
    bomb[16:24] = (60_000).to_bytes(4, "big") * 2
    bomb[29:33] = zlib.crc32(bytes(bomb[12:29])).to_bytes(4, "big")
    (tmp_path / "large.png").write_bytes(bytes(bomb))
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    found = condition_of(tmp_path / "large.png")
    assert found.size == (60_000, 60_000)
    assert "declares 60000 x 60000 pixels" in found.problem


def write_video(path, seeds):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 30, (64, 48))
    for seed in seeds:
        writer.write(texture(seed))
    writer.release()


def test_frames_of_a_video_are_photos_with_the_digest_of_their_pixels(tmp_path):
    write_video(tmp_path / "walk.mkv", [0, 1, 2, 1])
    names = [frame_name("walk.mkv", i) for i in range(4)]
    found = conditions_of(tmp_path, names, num_workers=2)
    assert found.problems == {}
    assert found.sizes.tolist() == [[48, 64]] * 4
    assert found.is_decoded.all() and not found.num_bytes.any()
    pixels = [read_image(tmp_path / name) for name in names]
    assert np.array_equal(pixels[1], pixels[3])
    assert [group.tolist() for group in found.equal_files()] == [[1, 3]]


def test_frames_are_not_decoded_where_photos_are_not(tmp_path):
    write_video(tmp_path / "walk.mkv", [0, 0])
    (tmp_path / "bad.mp4").write_bytes(b"no video at all")
    names = ["walk.mkv#000000", "walk.mkv#000001", "walk.mkv#000002", "bad.mp4#000000"]
    for decode in (True, False):
        found = conditions_of(tmp_path, [*names, "gone.mp4#000000"], decode=decode, num_workers=2)
        assert sorted(found.problems) == [2, 3, 4]
        assert "announces 2 frames" in found.problems[2]
        assert found.problems[3] == "is not a complete video"
        assert "There is no video" in found.problems[4]
        assert found.is_decoded.any() == decode
    assert found.equal_files() == []
