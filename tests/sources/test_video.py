import cv2
import numpy as np
import pytest

from placevec.sources.video import VideoFrames

pytestmark = pytest.mark.one_backend

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
    write_video(tmp_path / f"walk{suffix}", 120)
    frames = VideoFrames(tmp_path)
    assert frames.counts.tolist() == [120]
    numbers = [*np.random.default_rng(0).permutation(120)[:30].tolist(), 5, 6, 7, 119, 0]
    assert [number_of(frames.read(0, number)) for number in numbers] == numbers


def test_sorts_videos_and_leaves_other_files(tmp_path):
    write_video(tmp_path / "b.mkv", 20)
    write_video(tmp_path / "a.mp4", 30)
    (tmp_path / "notes.txt").write_text("notes")
    frames = VideoFrames(tmp_path)
    assert [path.name for path in frames.paths] == ["a.mp4", "b.mkv"]
    assert frames.counts.tolist() == [30, 20]


def test_gives_rgb_or_grey_of_the_size_that_is_asked_for(tmp_path):
    write_video(tmp_path / "walk.mkv", 3)
    frames = VideoFrames(tmp_path)
    colour = frames.read(0, 1)
    assert colour.shape == (48, 64, 3) and colour.dtype == np.uint8
    np.testing.assert_allclose(colour[:12].mean(axis=(0, 1)), RED, atol=12)
    assert frames.read(0, 1, image_size=(24, 40)).shape == (24, 40, 3)
    grey = frames.read(0, 1, image_size=(96, 128), channels=1)
    assert grey.shape == (96, 128, 1)
    np.testing.assert_allclose(grey[:24].mean(), 0.299 * 255, atol=8)


def test_counts_only_frames_that_are_there(tmp_path, monkeypatch):
    write_video(tmp_path / "walk.mkv", 20)
    real = cv2.VideoCapture

    class Boastful:
        def __init__(self, path):
            self.capture = real(path)

        def get(self, what):
            return self.capture.get(what) + 7 * (what == cv2.CAP_PROP_FRAME_COUNT)

        def __getattr__(self, name):
            return getattr(self.capture, name)

    monkeypatch.setattr(cv2, "VideoCapture", Boastful)
    frames = VideoFrames(tmp_path)
    assert frames.counts.tolist() == [20]
    assert number_of(frames.read(0, 19)) == 19


def test_refuses_frames_beyond_the_end(tmp_path):
    write_video(tmp_path / "walk.mkv", 3)
    frames = VideoFrames(tmp_path)
    for number in (-1, 3):
        with pytest.raises(ValueError, match=f"Frame {number} of .*walk.mkv.* 3 frames"):
            frames.read(0, number)


def test_refuses_folders_without_videos_and_broken_videos(tmp_path, refuses):
    with refuses(FileNotFoundError, match="nowhere does not exist"):
        VideoFrames(tmp_path / "nowhere")
    with refuses(ValueError, match="No videos in"):
        VideoFrames(tmp_path)
    (tmp_path / "walk.mp4").write_bytes(b"no video")
    with refuses(ValueError, match="walk.mp4 is no whole video"):
        VideoFrames(tmp_path)
