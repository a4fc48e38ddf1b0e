"""Videos as sequences of frames."""

from pathlib import Path

import numpy as np

from placevec.images.formats import is_photo
from placevec.images.videos.frame_names import frame_name
from placevec.images.videos.video import count_frames, frame_times_s, lost_end
from placevec.images.videos.video_files import VIDEO_SUFFIXES, begins_like_a_video
from placevec.input_file import shown
from placevec.places.dataset import PlaceDataset
from placevec.sources.missing import Missing, go_on_without, noted_missing
from placevec.sources.path_options import split_options
from placevec.sources.walk import LeftOut, leads_out, require_folder

FRAMES_APART = 10_000_000
"""Distance between the videos of a data set, in frames: longer than any video."""

SECONDS_APART = 10_000_000.0
"""Time between the videos of a data set, in seconds."""


def read_video(path: Path | str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Reads videos as sequences of frames, which are only decoded when they are needed.

    A photo is a frame such as `walk.mp4#000120`: the n-th frame that can be decoded, however the
    frames are spaced in time. Its position is its number along the video in the frame `"frames"`,
    so a radius of 30 is 30 frames, whatever the stride. Its time is the time since the first frame
    of its video. The videos of a folder are far apart, in frames and in time, so that frames of two
    videos are never positives, and always negatives, of each other. For several videos of one
    route, extract the frames into folders, see `read_sequence`. Every frame is both query and
    database.

    Args:
        path: Path. A video, or a folder of videos; subfolders are not read. `PATH,stride=10` reads
            every tenth frame. Without it, all frames are read.
        skip_unreadable: bool. Leave out broken videos and log how many they are. Defaults to
            `False`.

    Returns:
        PlaceDataset, video by video in the order of their names; `sequence_ids` number the videos.

    Raises:
        FileNotFoundError: If the path does not exist.
        ValueError: If it has no video, a video is broken, or the stride is not a positive
            integer.
    """
    top, options = split_options(path, ["stride"])
    stride = stride_of(options)
    videos, counts = countable_videos(top, skip_unreadable=skip_unreadable)
    numbers = [np.arange(0, count, stride) for count in counts]
    video_ids = np.repeat(np.arange(len(videos)), [len(each) for each in numbers])
    times_s = [
        frame_times_s(video)[frames] + place * SECONDS_APART
        for place, (video, frames) in enumerate(zip(videos, numbers, strict=True))
    ]
    frames = np.concatenate(numbers)
    names = [
        frame_name(videos[video].name, frame)
        for video, frame in zip(video_ids.tolist(), frames.tolist(), strict=True)
    ]
    return PlaceDataset(
        videos[0].parent,
        np.array(names),
        positions_m=np.stack([frames, video_ids * FRAMES_APART], axis=1).astype(np.float64),
        times_s=np.concatenate(times_s),
        sequence_ids=video_ids,
        frame="frames",
    )


def recognize_video(path: Path) -> str:
    """Names the video at a path, or returns `""`."""
    if path.is_file():
        return f"the video {path.name}" if is_video(path) else ""
    video = next(filter(is_video, path.iterdir()), None) if path.is_dir() else None
    return f"videos such as {video.name}" if video else ""


def list_videos(folder: Path) -> list[Path]:
    """Lists the videos in a folder, sorted by name, and logs the other photos and videos.

    Raises:
        FileNotFoundError: If the folder does not exist.
        ValueError: If it has no video.
    """
    require_folder(folder)
    videos, left_out = [], LeftOut(folder)
    for path in sorted(p for p in folder.iterdir() if not p.name.startswith(".")):
        reason = _why_left_out(path, folder)
        if reason:
            left_out.add(reason, path.name)
        elif is_video(path):
            videos.append(path)
    if not videos:
        why = str(left_out) or f"A video's name ends in {', '.join(VIDEO_SUFFIXES)}"
        raise ValueError(f"No videos in {shown(folder)}. {why}")
    left_out.warn()
    return videos


def is_video(path: Path) -> bool:
    """Returns whether a path is a file with the name of a video."""
    hidden = path.name.startswith(".")
    return path.suffix.lower() in VIDEO_SUFFIXES and not hidden and path.is_file()


def countable_videos(top: Path, *, skip_unreadable: bool) -> tuple[list[Path], list[int]]:
    """Finds the videos at a path and counts their frames.

    Args:
        top: Path. A video, or a folder of videos.
        skip_unreadable: bool. Leave out broken videos and log how many they are.

    Returns:
        The videos that can be decoded, and the number of frames of each.

    Raises:
        FileNotFoundError: If the path does not exist.
        ValueError: If it has no video, or a video is broken.
    """
    if top.is_file() and not is_video(top):
        raise ValueError(
            f"A video's name must end in {', '.join(VIDEO_SUFFIXES)}, and not begin with a dot. "
            f"Received: {shown(top)}. Rename it if it is a video"
        )
    videos = [top] if top.is_file() else list_videos(top)
    counts, problems = {}, []
    for video in videos:
        try:
            counts[video] = count_frames(video)
        except (ValueError, OSError) as error:
            problems.append((video.name, str(error)))
    notes = noted_missing()
    if notes is not None and counts:
        losses = [(video.name, lost_end(video)) for video in counts] + problems
        notes += [
            Missing(np.array([name]), 1, loss, of_files=True, left_out=True)
            for name, loss in losses
            if loss
        ]
        return list(counts), list(counts.values())
    go_on_without(
        [name for name, _ in problems],
        len(videos),
        what="video",
        problem=f"Unreadable: {{}} of {shown(top)}",
        detail=problems[0][1] if problems else "",
        way_out="Fetch or export them again",
        skip_unreadable=skip_unreadable,
    )
    return list(counts), list(counts.values())


def stride_of(options: dict[str, str]) -> int:
    """Returns the option `stride` of a path, 1 without one.

    Raises:
        ValueError: If it is not a positive integer.
    """
    text = options.get("stride", "1")
    if not text.isdecimal() or not 0 < int(text[:9]) or len(text) > 9:
        raise ValueError(f"`stride` must be a positive integer. Received: stride={text}")
    return int(text)


def _why_left_out(path: Path, folder: Path) -> str:
    """Returns why `LeftOut` counts an entry that may be a photo or video, `""` for others."""
    if leads_out(path, folder):
        return "link"
    if path.is_dir():
        return "below" if recognize_video(path) else ""
    if is_video(path):
        return ""
    if is_photo(path.name):
        return "photo"
    if not path.is_file():
        return "odd" if path.suffix.lower() in VIDEO_SUFFIXES else ""
    return "renamed" if _looks_like_a_video(path) else ""


def _looks_like_a_video(path: Path) -> bool:
    try:
        return begins_like_a_video(path)
    except (ValueError, OSError):
        return False
