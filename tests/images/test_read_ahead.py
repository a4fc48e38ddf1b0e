import itertools
import threading
import time

import pytest

from placevec.images import read_ahead


def slow_square(number):
    time.sleep(0.003 * (number % 3))  # later ones finish before earlier ones
    return number * number


@pytest.mark.parametrize("num_workers", [1, 2, 5])
@pytest.mark.parametrize("ahead", [0, 1, 4, 100])
def test_results_come_in_the_order_of_the_items(num_workers, ahead):
    results = read_ahead(slow_square, range(12), num_workers=num_workers, ahead=ahead)
    assert list(results) == [number * number for number in range(12)]


def test_no_items_give_no_results():
    assert list(read_ahead(slow_square, [], num_workers=2, ahead=2)) == []


def test_works_on_several_items_at_once():
    together = threading.Barrier(3)

    def wait_for_the_others(item):
        together.wait(timeout=20)
        return item

    assert list(read_ahead(wait_for_the_others, "abc", num_workers=3, ahead=3)) == ["a", "b", "c"]


def test_no_more_results_wait_than_asked_for():
    done = []

    def note(item):
        done.append(item)
        return item

    results = read_ahead(note, itertools.count(), num_workers=2, ahead=3)
    for taken in range(10):
        assert next(results) == taken
        time.sleep(0.005)
        assert len(done) <= taken + 1 + 3
    results.close()


def test_an_error_is_raised_in_its_turn():
    def fail_at_two(item):
        if item == 2:
            raise ValueError("item 2 is bad")
        return item

    results = read_ahead(fail_at_two, range(5), num_workers=2, ahead=4)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="item 2 is bad"):
        next(results)
    assert list(results) == []


def test_an_error_of_the_items_is_raised_too():
    def items():
        yield 1
        raise OSError("the list broke off")

    with pytest.raises(OSError, match="the list broke off"):
        list(read_ahead(abs, items(), num_workers=2, ahead=4))


def workers():
    return [thread for thread in threading.enumerate() if "read_ahead" in thread.name]


def test_no_thread_is_left_over_when_the_taker_stops_early():
    results = read_ahead(slow_square, itertools.count(), num_workers=3, ahead=5)
    assert next(results) == 0
    assert workers()
    results.close()
    assert not workers()


def test_nothing_starts_before_the_first_result_is_taken():
    done = []
    results = read_ahead(done.append, [1, 2], num_workers=1, ahead=1)
    time.sleep(0.01)
    assert done == []
    assert list(results) == [None, None]


def test_refuses_no_workers():
    with pytest.raises(ValueError, match="max_workers must be greater than 0"):
        list(read_ahead(abs, [1], num_workers=0, ahead=1))
