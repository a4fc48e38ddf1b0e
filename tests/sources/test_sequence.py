import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placevec.places import TupleSampler
from placevec.sources.sequence import read_sequence, recognize_sequence


def test_gives_photos_of_equal_rank_one_position(photos):
    root = photos(
        "query/2.jpg", "query/10.jpg", "query/1.jpg", "ref/a.jpg", "ref/b.jpg", "ref/c.png"
    )
    dataset = read_sequence(root)
    queries = ["query/1.jpg", "query/2.jpg", "query/10.jpg"]
    assert dataset.names.tolist() == [*queries, "ref/a.jpg", "ref/b.jpg", "ref/c.png"]
    assert dataset.positions_m.tolist() == [[0, 0], [1, 0], [2, 0]] * 2
    assert dataset.queries.tolist() == [0, 1, 2]
    assert dataset.database.tolist() == [3, 4, 5]
    assert dataset.frame == "frames"


@pytest.mark.parametrize("folder", ["ref", "reference", "database"])
def test_knows_the_names_of_the_reference_folder(photos, folder):
    assert len(read_sequence(photos("queries/1.jpg", f"{folder}/1.jpg"))) == 2


def test_sorts_words_and_numbers_together(photos):
    names = ["frame2b.jpg", "frame2a.jpg", "frame10.jpg", "1.jpg", "x/3.jpg", "01.jpg"]
    root = photos(*(f"{folder}/{name}" for folder in ("query", "ref") for name in names))
    order = ["01.jpg", "1.jpg", "frame2a.jpg", "frame2b.jpg", "frame10.jpg", "x/3.jpg"]
    assert read_sequence(root).names[:6].tolist() == [f"query/{name}" for name in order]


def test_any_number_of_traverses_is_searched(photos):
    root = photos("query/1.jpg", "query/2.jpg", "day/a.jpg", "day/b.jpg", "night/1.jpg",
                  "night/x/2.jpg", "notes/read.txt", "leaf.jpg")  # fmt: skip
    dataset = read_sequence(root)
    assert dataset.names[2:].tolist() == ["day/a.jpg", "day/b.jpg", "night/1.jpg", "night/x/2.jpg"]
    assert dataset.queries.tolist() == [0, 1] and dataset.database.tolist() == [2, 3, 4, 5]
    assert dataset.sequence_ids.tolist() == [0, 0, 1, 1, 2, 2]
    assert dataset.times_s is None
    assert dataset.positions_m[:, 0].tolist() == [0, 1] * 3


def test_a_traverse_may_be_named_as_the_query(photos):
    root = photos("query/1.jpg", "day/1.jpg", "night/1.jpg")
    assert read_sequence(f"{root},query=night").names.tolist() == [
        "night/1.jpg", "day/1.jpg", "query/1.jpg"
    ]  # fmt: skip


def test_without_a_query_positives_are_of_other_traverses(photos):
    root = photos(*(f"{folder}/{n}.jpg" for folder in ("day", "night", "rain") for n in range(40)))
    dataset = read_sequence(root)
    assert dataset.is_query.all() and dataset.is_database.all()
    sampler = TupleSampler(dataset, num_positives=1, num_negatives=1, positive_radius_m=2,
                           negative_radius_m=5)  # fmt: skip
    for query in (0, 47, 119):
        frame = query % 40
        expected = [other * 40 + near for other in range(3) if other != query // 40
                    for near in range(max(frame - 2, 0), min(frame + 3, 40))]  # fmt: skip
        assert sampler.positives(query).tolist() == expected


def test_refuses_traverses_that_do_not_pair(photos, refuses):
    root = photos("query/1.jpg", "query/2.jpg")
    with refuses(FileNotFoundError, "two folders of photos or more, .*Received: query"):
        read_sequence(root)
    photos("ref/1.jpg")
    with refuses(ValueError, "2 in query, 1 in ref"):
        read_sequence(root)
    with refuses(FileNotFoundError, "one traverse to look up, day. Received: query, ref"):
        read_sequence(f"{root},query=day")
    photos("queries/1.jpg")
    with refuses(FileNotFoundError, "query or queries. Received: queries, query, ref"):
        read_sequence(root)
    with refuses(FileNotFoundError, "does not exist"):
        read_sequence(root / "absent")


def test_recognizes_only_traverses_of_equal_length(photos):
    root = photos("query/1.jpg", "query/2.jpg", "database/1.jpg")
    assert recognize_sequence(root) == ""
    photos("database/2.jpg")
    assert recognize_sequence(root).startswith("the folders query and database")
    photos("database/@1@2@.jpg", "query/@1@2@.jpg")
    assert recognize_sequence(root) == ""


def test_recognizes_the_corridor_and_not_the_toy_set(shared_data):
    assert recognize_sequence(shared_data("corridor"))
    assert recognize_sequence(shared_data("toy")) == ""


def test_keeps_the_count_where_a_photo_is_skipped(photos, refuses):
    root = photos(
        "query/1.jpg", "query/2.jpg", "query/3.jpg", "ref/1.jpg", "ref/2.jpg", "ref/3.jpg"
    )
    photos("query/2.jpg", content=b"")
    with refuses(FileNotFoundError, "1 of 6 photos"):
        read_sequence(root)
    dataset = read_sequence(root, skip_unreadable=True)
    assert dataset.positions_m[dataset.queries, 0].tolist() == [0, 2]


def test_reads_the_corridor_with_its_published_tolerance(shared_data):
    from placevec.places.ground_truth import relevant_database

    dataset = read_sequence(shared_data("corridor"))
    assert (len(dataset.queries), len(dataset.database)) == (111, 111)
    truth = np.load(shared_data("corridor", "ground_truth_new.npy"), allow_pickle=True)
    found = relevant_database(dataset, radius_m=2.0)
    # The published lists agree with two frames but for a few at the ends.
    agree = [list(wanted) == have.tolist() for (_, wanted), have in zip(truth, found, strict=True)]
    assert np.mean(agree) > 0.9


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(st.sampled_from("0123456789ab²٣.-東\udcff"), max_size=300), max_size=5))
def test_survives_any_names(tmp_path_factory, names):
    root = tmp_path_factory.mktemp("sequence")
    for folder in ("query", "ref"):
        (root / folder).mkdir()
        for name in ["1", *names]:
            with contextlib.suppress(OSError):  # longer than a name may be
                (root / folder / f"{name}.jpg").write_bytes(b"photo")
    try:
        dataset = read_sequence(root)
    except ValueError as error:
        assert "\n" not in str(error)
    else:
        assert len(dataset.queries) == len(dataset.database) >= 1
