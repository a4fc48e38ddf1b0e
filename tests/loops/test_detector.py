import threading

import cv2
import pytest

from placevec.loops import LoopDetector, find_loops


@pytest.mark.parametrize(
    "settings", [{}, {"consistency": 3}, {"normalize": "none", "hubness": "csls"}]
)
def test_equals_the_whole_run(two_laps, engine, settings):
    whole = find_loops(two_laps, engine, threshold=0.5, exclusion_frames=12, **settings)
    detector = LoopDetector(engine, threshold=0.5, exclusion=12, **settings)
    found = [loop for path in two_laps.paths() for loop in detector.add(path)]
    assert found == whole.accepted and len(found) > 30
    assert len(detector) == 80


def test_takes_pixels_and_times(two_laps, engine):
    whole = find_loops(two_laps, engine, threshold=0.5, exclusion_s=20.0)
    detector = LoopDetector(engine, threshold=0.5, exclusion=20.0)
    found = []
    for path, time_s in zip(two_laps.paths(), two_laps.times_s, strict=True):
        found += detector.add(cv2.imread(str(path))[..., ::-1].copy(), time_s=time_s)
    assert [(one.query, one.match) for one in found] == [
        (one.query, one.match) for one in whole.accepted
    ]


def test_threads_do_not_lose_photos(two_laps, engine):
    detector, paths = LoopDetector(engine, threshold=0.5), two_laps.paths()
    threads = [
        threading.Thread(target=lambda part=part: [detector.add(path) for path in paths[part::4]])
        for part in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(detector) == 80


def test_refuses_times_for_some_photos_only(two_laps, engine):
    detector = LoopDetector(engine, threshold=0.5)
    detector.add(two_laps.path(0))
    with pytest.raises(ValueError, match="for all photos of a run or for none"):
        detector.add(two_laps.path(1), time_s=1.0)
    assert len(detector) == 1


@pytest.mark.parametrize("time", [1.7e12, 1.7e18])  # today in milliseconds and nanoseconds
def test_refuses_times_that_are_not_seconds(two_laps, engine, time):
    detector = LoopDetector(engine, threshold=0.5)
    with pytest.raises(ValueError, match="`time_s` must be seconds. Received: 1.7e"):
        detector.add(two_laps.path(0), time_s=time)
    assert detector.add(two_laps.path(0), time_s=1.7e9) == []


def test_refuses_an_older_photo(two_laps, engine):
    detector = LoopDetector(engine, threshold=0.5, exclusion=5.0)
    detector.add(two_laps.path(0), time_s=10.0)
    with pytest.raises(ValueError, match="in the order of the run"):
        detector.add(two_laps.path(1), time_s=9.0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"threshold": float("nan")}, "`threshold` must be at least 0"),
        ({"threshold": float("inf")}, "`threshold` must be finite"),
        ({"threshold": -0.1}, "`threshold` must be at least 0"),
        ({"precision": 1.0}, "`precision` must be below 1"),
        ({"normalize": "own"}, "`normalize` must be running or none"),
        ({"normalize": "map"}, "`normalize` must be running, own or none: a run has no map"),
        ({"hubness": "csls_batch"}, "`hubness` must be csls or none"),
        ({"exclusion": float("inf")}, "`exclusion` must be positive and finite"),
    ],
)
def test_refuses_settings_out_of_range(engine, changed, message):
    with pytest.raises(ValueError, match=message):
        LoopDetector(engine, **changed)
