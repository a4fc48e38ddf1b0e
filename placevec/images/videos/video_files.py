"""Recognizes videos by the suffix of the name and by the first bytes."""

from pathlib import Path

from placevec.input_file import open_input

VIDEO_SUFFIXES = (
    ".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".f4v", ".mkv", ".webm", ".avi", ".divx",
    ".wmv", ".asf", ".flv", ".ogv", ".ogg", ".ogm", ".mpg", ".mpeg", ".mpe", ".m1v", ".m2v",
    ".mpv", ".vob", ".ts", ".mts", ".m2ts", ".m2t", ".mxf", ".dv", ".nut", ".rm", ".rmvb", ".y4m",
    ".ivf", ".h264", ".264", ".avc", ".h265", ".265", ".hevc",
)  # fmt: skip
"""File name suffixes, in lower case, of the videos that `read_frame` reads."""

ANY_SIZE = 1 << 62
"""Largest size of a file that is read piece by piece."""

_BOXES = (b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"pnot")
_SIGNATURES = (
    b"\x1a\x45\xdf\xa3",  # Matroska, WebM
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF: .wmv
    b"FLV\x01",
    b"OggS",
    b"\x00\x00\x01\xb0",  # MPEG-4 part 2, raw
    b"\x00\x00\x01\xb3",  # MPEG-1 and 2, raw
    b"\x00\x00\x01\xba",  # MPEG program stream: .mpg, .vob
    b"\x00\x00\x01\x67",  # H.264, raw
    b"\x00\x00\x00\x01",  # H.264, H.265, raw
    b"\x06\x0e\x2b\x34\x02\x05\x01\x01",  # MXF
    b"\x1f\x07\x00",  # DV
    b"nut/multimedia container\x00",
    b".RMF",
    b"YUV4MPEG2 ",
    b"DKIF",  # IVF
)
_RIFF_KINDS = (b"AVI ", b"AVIX", b"AMV ")
_TS_SYNC = 0x47
_TS_PACKETS = ((0, 188), (4, 192), (0, 204))  # position of the sync byte, bytes of a packet
_NUM_LOOKED_AT = 600  # bytes to read, which hold the sync bytes of three packets


def begins_like_a_video(path: Path) -> bool:
    """Returns whether the first bytes of a file are those of a video's container.

    It keeps FFmpeg away from playlists that are named like videos, because these lead to other
    files and to the network.

    Args:
        path: Path. A regular file.

    Raises:
        ValueError: If it is not a regular file.
        OSError: If it cannot be opened.
    """
    with open_input(path, max_bytes=ANY_SIZE) as file:
        start = file.read(_NUM_LOOKED_AT)
    if start.startswith(_SIGNATURES) or start[4:8] in _BOXES:
        return True
    if start.startswith(b"RIFF"):
        return start[8:12] in _RIFF_KINDS
    return any(
        {*start[first::size]} == {_TS_SYNC} and len(start) > first + 2 * size
        for first, size in _TS_PACKETS
    )
