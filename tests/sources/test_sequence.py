import numpy as np
import pytest

from placevec.sources.sequence import read_sequence


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


def test_refuses_traverses_that_do_not_pair(photos, refuses):
    root = photos("query/1.jpg", "query/2.jpg")
    with refuses(FileNotFoundError, "one of the folders ref, reference, database. Received: none"):
        read_sequence(root)
    photos("ref/1.jpg")
    with refuses(ValueError, "2 queries, 1 in the database"):
        read_sequence(root)
    photos("reference/1.jpg")
    with refuses(FileNotFoundError, "Received: ref, reference"):
        read_sequence(root)
    with refuses(FileNotFoundError, "does not exist"):
        read_sequence(root / "absent")


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
