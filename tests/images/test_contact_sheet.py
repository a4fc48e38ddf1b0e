import resource

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from placevec.images.contact_sheet import draw_tuples, read_thumbnail, save_figure

GREEN, RED = (0x2A, 0x9D, 0x3F), (0xD1, 0x37, 0x2C)


def read_picture(path):
    """Returns a picture as (H, W, 3) RGB, and checks that its size is sane."""
    pixels = cv2.imread(str(path))[..., ::-1]
    assert 100 <= min(pixels.shape[:2])
    assert max(pixels.shape[:2]) <= 2000
    return pixels


def count(pixels, color):
    return int((np.abs(pixels.astype(int) - color).max(axis=2) < 12).sum())


@pytest.mark.parametrize("channels", [1, 3])
def test_draws_a_contact_sheet_of_tuples(tmp_path, channels):
    tuples = np.full((2, 6, 24, 32, channels), 128, np.uint8)
    draw_tuples(tuples, tmp_path / "tuples.png", num_positives=2)
    pixels = read_picture(tmp_path / "tuples.png")
    # Two positives and three negatives in each row, framed alike.
    assert count(pixels, RED) == pytest.approx(1.5 * count(pixels, GREEN), rel=0.3)
    assert count(pixels, GREEN) > 500
    assert count(pixels, (128, 128, 128)) > 12 * 1000


def test_tuples_may_differ_in_length(tmp_path):
    photo = np.zeros((24, 32, 3), np.uint8)
    draw_tuples([[photo] * 4, [photo] * 2], tmp_path / "tuples.png", num_positives=1)
    read_picture(tmp_path / "tuples.png")


def test_refuses_to_draw_no_tuple(tmp_path):
    with pytest.raises(ValueError, match="at least one tuple"):
        draw_tuples([], tmp_path / "tuples.png", num_positives=1)


def test_titles_stand_above_the_photos_and_are_no_mathematics(tmp_path):
    photo = np.full((24, 32, 3), 128, np.uint8)
    for name, title in (("short", "x"), ("long", "$5 m, 90$")):
        draw_tuples(
            [[photo, photo]], tmp_path / f"{name}.png", num_positives=1, titles=[["", title]]
        )
    short, long = (read_picture(tmp_path / f"{name}.png") for name in ("short", "long"))
    assert (short != long).any()


def test_thumbnails_let_go_of_the_large_photo(tmp_path):
    cv2.imwrite(str(tmp_path / "large.png"), np.zeros((1282, 900, 3), np.uint8))
    thumbnail = read_thumbnail(tmp_path / "large.png")
    assert thumbnail.shape == (428, 300, 3)
    assert thumbnail.base is None


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    for name in ("one", "other"):
        figure = Figure(figsize=(1, 1))
        figure.add_subplot().scatter([1], [2])
        (tmp_path / name).mkdir()
        save_figure(figure, tmp_path / name / "map.svg", dpi=80)
    one, other = ((tmp_path / name / "map.svg").read_bytes() for name in ("one", "other"))
    assert one == other and b"<dc:date>" not in one


def test_a_disk_that_is_full_before_the_end_of_a_picture_is_told(tmp_path):
    figure = Figure(figsize=(1, 1))
    figure.add_subplot().scatter([1], [2])
    save_figure(figure, tmp_path / "map.jpg", dpi=80)
    size = (tmp_path / "map.jpg").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size - 1, hard))
    try:
        with pytest.raises(OSError, match="other.jpg could not be written"):
            save_figure(figure, tmp_path / "other.jpg", dpi=80)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in tmp_path.iterdir()] == ["map.jpg"]
