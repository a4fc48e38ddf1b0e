"""Measures how fast frames are read from a video, compared with unpacked JPEGs.

    python benchmarks/video_frames.py

docs/lab/performance.md has what it printed.

It makes a video of moving noise in a temporary folder and also writes its frames as JPEGs. It reads
both with `read_image`, as training does: one frame after the other, by strides, and at random. It
prints a table of frames per second, the median of several rounds that take turns.
"""

import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import tyro
from machine import describe_machine

from placevec.images import frame_name, read_image


def main(
    frames: int = 600, size: tuple[int, int] = (480, 640), rounds: int = 5, short: bool = False
) -> None:
    """Reads a newly made video, and its frames as JPEGs.

    Args:
        frames: Number of frames of the video.
        size: Rows and columns of a frame.
        rounds: Number of times that each way is timed.
        short: A video of 100 frames and one round, to see whether it runs.
    """
    if short:
        frames, rounds = 100, 1
    print(describe_machine())
    with tempfile.TemporaryDirectory() as folder:
        video = write_video(Path(folder), frames, size)
        rng = np.random.default_rng(0)
        ways = {
            "every frame": range(0, frames),
            "every 10th": range(0, frames, 10),
            "every 100th": range(0, frames, 100),
            "at random": rng.permutation(frames)[:40].tolist(),
        }
        speeds: dict[tuple[str, str], list[float]] = {}
        for _ in range(rounds):
            for way, numbers in ways.items():
                for form in ("video", "JPEGs"):
                    start = time.perf_counter()
                    for number in numbers:
                        name = frame_name(video, number)
                        read_image(name if form == "video" else f"{name}.jpg")
                    seconds = time.perf_counter() - start
                    speeds.setdefault((way, form), []).append(len(numbers) / seconds)
        megabytes = [sum(p.stat().st_size for p in Path(folder).glob(kind)) / 1e6
                     for kind in ("*.mp4", "*.jpg")]  # fmt: skip
    print(f"video {megabytes[0]:.1f} MB, JPEGs {megabytes[1]:.1f} MB")
    print("| frames/s | from the video | from JPEGs | ratio |\n|---|---|---|---|")
    for way in ways:
        video_speed, jpeg_speed = (np.median(speeds[way, form]) for form in ("video", "JPEGs"))
        print(f"| {way} | {video_speed:.0f} | {jpeg_speed:.0f} | {video_speed / jpeg_speed:.2f} |")


def write_video(folder: Path, frames: int, size: tuple[int, int]) -> str:
    """Writes a video and its frames as JPEGs, and returns the video's path."""
    video = str(folder / "walk.mp4")
    writer = cv2.VideoWriter(video, cv2.VideoWriter_fourcc(*"mp4v"), 30, size[::-1])
    world = np.random.default_rng(0).integers(0, 256, (60, 100, 3), np.uint8)
    world = cv2.resize(world, (size[1] + 2 * frames, size[0]), interpolation=cv2.INTER_CUBIC)
    for number in range(frames):
        frame = np.ascontiguousarray(world[:, 2 * number : 2 * number + size[1]])
        writer.write(frame)
        cv2.imwrite(f"{frame_name(video, number)}.jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 90])
    writer.release()
    return video


if __name__ == "__main__":
    tyro.cli(main)
