import logging
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import cv2
import numpy as np
import pytest

from placevec.images import (
    UnreadableImageError,
    count_frames,
    frame_name,
    frame_times_s,
    read_image,
)
from placevec.images.videos import open_video as videos
from placevec.images.videos.video import frame_size

CODECS = {
    ".mkv": "MJPG", ".mp4": "mp4v", ".mov": "mp4v", ".avi": "MJPG", ".m4v": "mp4v",
    ".mpg": "PIM1", ".webm": "VP80", ".ts": "mp4v", ".flv": "FLV1", ".wmv": "WMV2",
    ".3gp": "mp4v", ".ogv": "THEO", ".mts": "mp4v",
}  # fmt: skip
RED = np.array([255.0, 0.0, 0.0])


def write_video(path, count, size=(48, 64)):
    """Writes frames that tell their number: hundreds and tens left, ones right; a red strip."""
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter_fourcc(*CODECS[path.suffix]), 30, (size[1], size[0])
    )
    if not writer.isOpened():
        pytest.skip(f"this OpenCV writes no {path.suffix}")
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


def numbers_in(video, frames):
    return [number_of(read_image(frame_name(str(video), frame))) for frame in frames]


def vary_the_rate(path, *parts):
    """Gives the frames of an .mp4 of `cv2.VideoWriter` other durations: (count, ticks) a part."""
    data = bytearray(path.read_bytes())
    table = struct.pack(">II", 0, len(parts)) + b"".join(struct.pack(">II", *p) for p in parts)
    at = data.index(b"stts") - 4
    old = struct.unpack_from(">I", data, at)[0]
    box = struct.pack(">I", 8 + len(table)) + b"stts" + table
    data[at : at + old] = box
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):  # `moov` is behind the frames
        start = data.rindex(name, 0, at) - 4
        size = struct.unpack_from(">I", data, start)[0]
        struct.pack_into(">I", data, start, size + len(box) - old)
    path.write_bytes(data)


def count_seeks(monkeypatch):
    """Counts how often any video is sought and how often it is opened."""
    calls = {"sought": [], "opened": 0}
    real = cv2.VideoCapture

    class Watched:
        def __init__(self, *args):
            calls["opened"] += 1
            self.capture = real(*args)

        def set(self, what, value):
            calls["sought"].append(value)
            return self.capture.set(what, value)

        def __getattr__(self, name):
            return getattr(self.capture, name)

    monkeypatch.setattr(cv2, "VideoCapture", Watched)
    return calls


@pytest.mark.parametrize("suffix", [*CODECS, ".MOV"])
def test_reads_the_frame_of_the_number_in_any_order(tmp_path, suffix):
    video = tmp_path / f"walk{suffix.lower()}"
    write_video(video, 120)
    video = video.rename(tmp_path / f"walk{suffix}")
    in_order = numbers_in(video, range(120))
    assert in_order == list(range(120))
    far = videos._FARTHEST_WALK
    numbers = np.random.default_rng(0).permutation(120)[:20].tolist()
    numbers += [5, 6, 7, 119, 0, far - 1, 2 * far + 1, 2 * far, 2 * far]
    assert numbers_in(video, numbers) == numbers
    assert count_frames(video) == 120


def test_reads_at_random_before_anything_was_read_in_order(tmp_path):
    write_video(tmp_path / "walk.mp4", 120)
    assert numbers_in(tmp_path / "walk.mp4", [100, 3, 119, 60]) == [100, 3, 119, 60]


def test_frames_of_uneven_length_have_the_number_at_which_they_are_decoded(tmp_path):
    write_video(tmp_path / "walk.mp4", 120)
    vary_the_rate(tmp_path / "walk.mp4", (40, 896), (40, 128), (40, 512))  # 512 each before
    numbers = [70, 5, 110, 41, 79, 0, 119, 80, 39]
    assert numbers_in(tmp_path / "walk.mp4", numbers) == numbers
    assert count_frames(tmp_path / "walk.mp4") == 120
    assert numbers_in(tmp_path / "walk.mp4", numbers) == numbers
    steps_s = np.diff(frame_times_s(tmp_path / "walk.mp4"))
    np.testing.assert_allclose(steps_s[[0, 50, 100]] / steps_s[50], [7, 1, 4])


def test_times_are_seconds_since_the_first_frame(tmp_path):
    write_video(tmp_path / "walk.mp4", 10)
    np.testing.assert_allclose(frame_times_s(tmp_path / "walk.mp4"), np.arange(10) / 30)


def test_times_follow_from_the_frame_rate_if_time_stamps_do_not_rise(tmp_path, monkeypatch):
    monkeypatch.setattr(videos.Video, "_time_ms", lambda self: 0.0)
    write_video(tmp_path / "walk.avi", 80)
    np.testing.assert_allclose(frame_times_s(tmp_path / "walk.avi"), np.arange(80) / 30)
    assert numbers_in(tmp_path / "walk.avi", [70, 3, 60, 79]) == [70, 3, 60, 79]


@pytest.mark.parametrize("suffix", [".mkv", ".avi", ".mpg"])
def test_a_video_that_was_cut_off_ends_where_it_can_no_longer_be_decoded(tmp_path, suffix, caplog):
    video = tmp_path / f"walk{suffix}"
    write_video(video, 120)
    data = video.read_bytes()
    video.write_bytes(data[: len(data) * 6 // 10])
    capture, truth = cv2.VideoCapture(str(video)), 0
    announced = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    while capture.grab():
        truth += 1
    assert 20 < truth < 100
    assert count_frames(video) == truth
    told = [record for record in caplog.records if record.levelno == logging.WARNING]
    if announced == 120:  # of .mpg the bytes tell the length
        assert f"announces 120 frames, but only {truth} can be decoded" in told[0].getMessage()
    assert numbers_in(video, [truth - 2, 3]) == [truth - 2, 3]  # the last may be cut, too
    for frame in (truth, 119):
        with pytest.raises(UnreadableImageError, match=f"Frame {frame} of .* it holds {truth} "):
            read_image(f"{video}#{frame}")


def test_a_frame_that_looks_different_after_a_seek_is_decoded_from_the_beginning(
    tmp_path, monkeypatch
):
    write_video(tmp_path / "walk.mp4", 120)
    count_frames(tmp_path / "walk.mp4")
    real = videos.Video._land

    def land(self, frame):  # as the leading frames of an open group of pictures: gray
        landed = real(self, frame)
        self._capture = Gray(self._capture)
        return landed

    class Gray:
        def __init__(self, capture):
            self.capture = capture

        def retrieve(self):
            return True, np.full((48, 64, 3), 128, np.uint8)

        def __getattr__(self, name):
            return getattr(self.capture, name)

    monkeypatch.setattr(videos.Video, "_land", land)
    assert numbers_in(tmp_path / "walk.mp4", [100, 20]) == [100, 20]


def test_a_seek_that_lands_behind_the_frame_is_not_believed(tmp_path, monkeypatch):
    write_video(tmp_path / "walk.mp4", 120)
    count_frames(tmp_path / "walk.mp4")
    real = videos.Video._land
    monkeypatch.setattr(videos.Video, "_land", lambda self, frame: real(self, frame + 9))
    assert numbers_in(tmp_path / "walk.mp4", [100, 20, 70]) == [100, 20, 70]


def test_refuses_interlaced_videos_which_opencv_does_not_convert(tmp_path, monkeypatch):
    write_video(tmp_path / "walk.mp4", 4)

    @contextmanager
    def listening():
        yield ["[swscaler @ 0x55] Cannot convert interlaced to progressive frames or vice versa."]

    monkeypatch.setattr(videos, "listening", listening)
    for read in (count_frames, frame_times_s, lambda video: read_image(f"{video}#0")):
        with pytest.raises(ValueError, match="walk.mp4 must not be interlaced.*bwdif"):
            read(tmp_path / "walk.mp4")


def test_gives_rgb_or_gray_of_the_size_that_is_asked_for(tmp_path):
    write_video(tmp_path / "walk.mkv", 3)
    name = tmp_path / "walk.mkv#000001"
    color = read_image(name)
    assert color.shape == (48, 64, 3) and color.dtype == np.uint8
    np.testing.assert_allclose(color[:12].mean(axis=(0, 1)), RED, atol=12)
    assert read_image(name, image_size=(24, 40)).shape == (24, 40, 3)
    gray = read_image(name, image_size=(96, 128), channels=1)
    assert gray.shape == (96, 128, 1)
    np.testing.assert_allclose(gray[:24].mean(), 0.299 * 255, atol=8)


def test_threads_read_side_by_side(tmp_path):
    walks = [tmp_path / f"{n}.mp4" for n in range(6)]  # more than a thread keeps open
    for video in walks:
        write_video(video, 40)
    wanted = [(video, number) for number in (3, 30, 4, 31, 12) for video in walks]

    def read(item):
        return number_of(read_image(frame_name(str(item[0]), item[1])))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read, wanted)) == [number for _, number in wanted]


def test_keeps_few_videos_open(tmp_path):
    opened = []

    def read():
        for n in range(videos._MOST_OPEN + 2):
            write_video(tmp_path / f"{n}.mkv", 2)
            read_image(tmp_path / f"{n}.mkv#0")
        opened.append(len(videos._open.videos))

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert opened == [videos._MOST_OPEN]


def test_reads_a_video_again_that_was_replaced(tmp_path):
    write_video(tmp_path / "walk.mkv", 3)
    assert read_image(tmp_path / "walk.mkv#2").shape == (48, 64, 3)
    write_video(tmp_path / "walk.mkv", 3, size=(32, 64))
    assert read_image(tmp_path / "walk.mkv#2").shape == (32, 64, 3)


def test_goes_on_from_the_last_frame_instead_of_seeking(tmp_path, monkeypatch):
    write_video(tmp_path / "walk.mp4", 100)
    calls = count_seeks(monkeypatch)
    count_frames(tmp_path / "walk.mp4")
    calls["opened"] = 0
    numbers = (0, 10, 20, 90, 91, 91, 5)
    assert numbers_in(tmp_path / "walk.mp4", numbers) == list(numbers)
    assert calls == {"sought": [0, 90, 5], "opened": 0}


def test_is_decoded_once_to_be_counted(tmp_path, monkeypatch):
    write_video(tmp_path / "walk.mp4", 20)
    calls = count_seeks(monkeypatch)
    assert [count_frames(tmp_path / "walk.mp4") for _ in range(3)] == [20] * 3
    assert len(frame_times_s(tmp_path / "walk.mp4")) == 20
    assert calls == {"sought": [], "opened": 1}


def test_refuses_frames_that_are_not_there(tmp_path):
    write_video(tmp_path / "walk.mkv", 3)
    with pytest.raises(UnreadableImageError, match="Frame 3 of .*walk.mkv.* 3 frames"):
        read_image(tmp_path / "walk.mkv#3")
    with pytest.raises(FileNotFoundError, match="There is no video .*gone.mkv"):
        read_image(tmp_path / "gone.mkv#3")
    with pytest.raises(UnreadableImageError, match="declares 48 x 64 pixels, more than 3000"):
        read_image(tmp_path / "walk.mkv#0", max_pixels=3000)


def test_refuses_what_is_not_a_video(tmp_path):
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile other.mp4\n")
    (tmp_path / "short.mkv").write_bytes(b"\x1a\x45\xdf\xa3 no video")
    write_video(tmp_path / "cut.mp4", 30)
    data = (tmp_path / "cut.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
    (tmp_path / "list.ts").write_text("#EXTM3U\n#EXTINF:1,\n/etc/passwd\n")
    (tmp_path / "code.ts").write_text("export const G = 'G';\n" * 30)
    for name in ("list.mp4", "short.mkv", "cut.mp4", "list.ts", "code.ts"):
        with pytest.raises(ValueError, match=f"{name} is not a complete video"):
            count_frames(tmp_path / name)
    with pytest.raises(ValueError, match="folder.mp4 must be a regular file. Received: a folder"):
        count_frames(tmp_path / "folder.mp4")


def test_refuses_a_video_without_a_frame(tmp_path):
    write_video(tmp_path / "walk.avi", 3)
    data = (tmp_path / "walk.avi").read_bytes()
    (tmp_path / "walk.avi").write_bytes(data[: data.index(b"movi") + 4])
    with pytest.raises(ValueError, match="(must hold at least one frame|is not a complete)"):
        count_frames(tmp_path / "walk.avi")


def test_a_video_of_one_frame(tmp_path):
    write_video(tmp_path / "walk.mp4", 1)
    assert count_frames(tmp_path / "walk.mp4") == 1
    assert frame_times_s(tmp_path / "walk.mp4").tolist() == [0.0]
    assert read_image(tmp_path / "walk.mp4#0").shape == (48, 64, 3)


def test_a_video_that_declares_too_many_pixels_is_not_decoded_to_be_counted(tmp_path):
    write_video(tmp_path / "walk.mp4", 3)
    for read in (count_frames, frame_times_s, lambda path, **limit: frame_size(path, 0, **limit)):
        with pytest.raises(ValueError, match="declares 48 x 64 pixels, more than 3000"):
            read(tmp_path / "walk.mp4", max_pixels=3000)


def test_a_photo_may_be_named_like_a_frame(tmp_path):
    cv2.imwrite(str(tmp_path / "photo.png"), np.full((4, 5, 3), 7, np.uint8))
    (tmp_path / "photo.png").rename(tmp_path / "walk.mp4#000003")
    assert read_image(tmp_path / "walk.mp4#000003").max() == 7
