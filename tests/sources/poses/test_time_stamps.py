import numpy as np
import pytest

from placevec.sources.poses.time_stamps import (
    Stamps,
    dates_of_stamps,
    photos_by_stamp,
    read_frame_list,
    seconds_together,
    stamps_of,
)


def together(photos, poses, unit=None):
    photos, poses = (stamps_of(map(str, each)) for each in (photos, poses))
    return [each.tolist() for each in seconds_together(photos, poses, unit=unit, source="t.txt")]


@pytest.mark.parametrize("unit", [1, 1000, 10**6, 10**9])
def test_the_size_of_a_date_tells_its_unit(unit):
    stamps = Stamps(np.array([1403636578.5, 1403636579.5, np.nan]) * unit, whole=unit > 1)
    np.testing.assert_allclose(
        dates_of_stamps(stamps), [1403636578.5, 1403636579.5, np.nan], rtol=1e-15
    )
    assert dates_of_stamps(Stamps(np.array([12.5, 0.0]), False)) is None


@pytest.mark.parametrize("unit", [1000, 10**6, 10**9])
@pytest.mark.parametrize("start", [0, 1403636579])
def test_photos_and_poses_may_count_other_units(unit, start):
    """Seconds from zero beside milliseconds from zero cannot be told from frame numbers."""
    seconds = [start + 0.25, start + 0.5, start + 0.75]
    counts = [round(second * unit) for second in seconds]
    if start == 0 and unit == 1000:
        with pytest.raises(ValueError, match="a frame number is not a time"):
            together(counts, seconds)
        assert together(counts, seconds, "ms") == [seconds, seconds]
    else:
        np.testing.assert_allclose(together(counts, seconds), [seconds, seconds])
        np.testing.assert_allclose(together(seconds, counts), [seconds, seconds])


def test_the_stamps_of_a_file_have_one_unit():
    """A simulator's nanoseconds pass the size of milliseconds after 100 s."""
    seconds, _ = together([0, 99_000_000_000, 100_000_000_000, 110_000_000_000], [0, 10**10])
    assert seconds == [0, 99, 100, 110]


@pytest.mark.parametrize(("unit", "step"), [(1000, 50), (10**6, 50_000), (10**9, 50_000_000)])
def test_whole_counts_from_zero_are_told_by_their_steps(unit, step, caplog):
    photos, poses = [0, step, 2 * step], [row * step // 10 for row in range(30)]
    np.testing.assert_allclose(together(photos, poses)[0], [0, 0.05, 0.1], atol=1e-9)
    np.testing.assert_allclose(together(photos, poses)[1], np.arange(30) / 200, atol=1e-9)
    assert ("read as milliseconds" in caplog.text) == (unit == 1000)


def test_frame_numbers_on_both_sides_are_compared_as_they_are():
    assert together(range(4), [0, 2, 3]) == [[0, 1, 2, 3], [0, 2, 3]]


@pytest.mark.parametrize("step", [33, 33_000, 33_000_000])
def test_frame_numbers_beside_whole_times_are_refused(step):
    """Else all photos lie within 29 ns of the first pose."""
    times = [row * step for row in range(30)]
    with pytest.raises(ValueError, match="a frame number is not a time. Received: 0"):
        together(range(30), times)
    with pytest.raises(ValueError, match="which may be a frame number"):
        together(times, range(30))
    with pytest.raises(ValueError, match="a frame number is not a time. Received: 4"):
        together([4], times)
    with pytest.raises(ValueError, match="a frame number is not a time"):
        together(range(0, 30, 10), times)
    with pytest.raises(ValueError, match="a frame number is not a time"):
        together([0, 200, 400], [row * 33_000_000 for row in range(30)])


def test_a_single_photo_takes_the_unit_of_the_poses():
    assert together([50_000_000], [0, 25_000_000, 50_000_000])[0] == [0.05]


def test_refuses_frame_numbers_as_times_of_poses():
    with pytest.raises(ValueError, match="Times of t.txt must be seconds.*frame number.*unit=ms"):
        together([0.1, 0.2], [0, 1, 2])
    assert together([0.1, 1.0], [0, 1], "s") == [[0.1, 1.0], [0, 1]]


def test_refuses_a_unit_that_contradicts_the_size():
    dates = [1403636579000, 1403636579050]
    assert together(dates, dates, "ms")[0] == [1403636579, 1403636579.05]
    with pytest.raises(ValueError, match="`unit` must fit .* which count ms.*Received: unit=s"):
        together(dates, dates, "s")


def test_dates_of_sparse_and_dense_photos_are_dates():
    for step in (0.005, 0.1, 3600.0, 86400.0):
        seconds = [1.6e9 + row * step for row in range(5)]
        assert together(seconds, seconds) == [seconds, seconds]


def test_lists_photos_in_the_order_of_time(photos, refuses):
    root = photos("b/10.5.png", "b/9.5.jpg", "b/1403636579.5.png")
    names, times_s = photos_by_stamp(root, skip_unreadable=False)
    assert names.tolist() == ["b/9.5.jpg", "b/10.5.png", "b/1403636579.5.png"]
    assert times_s.values.tolist() == [9.5, 10.5, 1403636579.5]
    photos("nan.png", "view.png")
    with refuses(ValueError, "No time stamps as names of 2 of 5 photos.*first: nan.png"):
        photos_by_stamp(root, skip_unreadable=False)
    assert len(photos_by_stamp(root, skip_unreadable=True)[0]) == 3


def test_reads_lists_with_blanks_or_commas(tmp_path):
    (tmp_path / "list.txt").write_text("time,file\n1.5 rgb/a b.png\n\n2.5, rgb/c.png\n")
    names, stamps = read_frame_list(tmp_path / "list.txt")
    assert names.tolist() == ["rgb/a b.png", "rgb/c.png"]
    assert stamps.values.tolist() == [1.5, 2.5]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("# nothing\n", "must name photos. Received: no line"),
        ("1.5\n", "Line 1 of .* must be a time stamp and a file. Received: '1.5'"),
        ("1 a.png\nsoon b.png\n", "Line 2"),
        ("inf a.png\n", "Line 1"),
        ("1400000000,5 a.png\n", "Line 1 .* Received: decimal commas"),
        ("1 ../a.png\n", "stay inside"),
        ("1 /a.png\n", "stay inside"),
        ("1 " + "a" * 20000, "too long"),
        ("1 a.png\n2 a.png", "must name each photo once. Received: a.png in lines 1 and 2"),
    ],
)
def test_refuses_a_bad_list(tmp_path, refuses, text, match):
    (tmp_path / "list.txt").write_text(text)
    with refuses(ValueError, match):
        read_frame_list(tmp_path / "list.txt")
