"""The photo formats that placevec reads, by the suffixes of file names."""

PHOTO_SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".png",
    ".bmp",
    ".webp",
    ".tif",
    ".tiff",
    ".jpe",
    ".jfif",
    ".ppm",
    ".pgm",
    ".pbm",
    ".pnm",
    ".heic",
    ".heif",
    ".hif",
    ".avif",
)
"""Suffixes of photos in lower case, the most common first. `read_image` reads all of them."""


def is_photo(name: str) -> bool:
    """Returns whether a file is a photo, according to the suffix of its name."""
    return name.lower().endswith(PHOTO_SUFFIXES)
