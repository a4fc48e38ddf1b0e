import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placevec.config import TupleConfig
from placevec.places import TupleSampler
from placevec.sources.tables.sequence import read_sequence, recognize_sequence


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
    sampler = TupleSampler(
        dataset,
        **vars(
            TupleConfig(num_positives=1, num_negatives=1, positive_radius_m=2, negative_radius_m=5)
        ),
    )
    for query in (0, 47, 119):
        frame = query % 40
        expected = [other * 40 + near for other in range(3) if other != query // 40
                    for near in range(max(frame - 2, 0), min(frame + 3, 40))]  # fmt: skip
        assert sampler.positives(query).tolist() == expected


def test_refuses_traverses_that_do_not_pair(photos, refuses):
    root = photos("query/1.jpg", "query/2.jpg")
    with refuses(FileNotFoundError, "two folders of photos or more, .*Received: query"):
        read_sequence(root)
    photos("ref/a.jpg")
    with refuses(ValueError, "2 in query, 1 in ref.*,query=NAME,database=NAME.*table:"):
        read_sequence(root)
    with refuses(FileNotFoundError, "one traverse to look up, day. Received: query, ref"):
        read_sequence(f"{root},query=day")
    photos("queries/1.jpg")
    with refuses(FileNotFoundError, "query or queries. Received: queries, query, ref"):
        read_sequence(root)
    with refuses(FileNotFoundError, "does not exist"):
        read_sequence(root / "absent")


def frames_of(dataset):
    return dict(zip(dataset.names.tolist(), dataset.positions_m[:, 0].tolist(), strict=True))


@pytest.mark.parametrize(
    ("query", "ref"),
    [
        ("{:05d}.jpg", "{:05d}.jpg"),
        ("{}.jpg", "{:07d}.png"),
        ("cam1_{:03d}.jpg", "cam2_{:03d}_night.jpg"),
        ("IMG_{}.JPG", "img_{}.jpg"),
        ("sub/{:02d}.jpg", "{:02d}.jpg"),
    ],
)
def test_photos_of_equal_number_show_the_same_place(photos, caplog, query, ref):
    expected = {f"query/{query.format(n)}": n for n in (0, 1, 5, 6, 7, 8, 9, 10, 11)}
    expected |= {f"ref/{ref.format(n)}": n for n in (0, 1, 2, 3, 4, 5, 6, 7, 11)}
    assert frames_of(read_sequence(photos(*expected))) == expected
    assert "6 of 18 photos" in caplog.text and "first: query/" in caplog.text


def test_traverses_of_other_lengths_are_aligned_by_number(photos):
    root = photos("query/7.jpg", "ref/5.jpg", "ref/7.jpg", "ref/11.jpg")
    assert frames_of(read_sequence(root)) == {
        "query/7.jpg": 2, "ref/5.jpg": 0, "ref/7.jpg": 2, "ref/11.jpg": 6,
    }  # fmt: skip


def test_a_counter_beside_times_numbers_the_frames(photos):
    root = photos("query/f1_1005.jpg", "query/f2_1017.jpg", "query/f3_1018.jpg", "ref/f2_88.jpg",
                  "ref/f3_90.jpg", "ref/f4_99.jpg")  # fmt: skip
    assert frames_of(read_sequence(root))["ref/f2_88.jpg"] == 1


@pytest.mark.parametrize(
    ("query", "ref"),
    [
        (("1.jpg", "2.jpg", "4.jpg"), ("a.jpg", "b.jpg", "c.jpg")),
        (("IMG_101.jpg", "IMG_103.jpg"), ("IMG_901.jpg", "IMG_902.jpg")),
        (("12-01-59.jpg", "12-02-03.jpg"), ("08-01-59.jpg", "08-02-09.jpg")),
        (("1.jpg", "01.jpg"), ("1.jpg", "2.jpg")),
        (("left1.jpg", "right2.jpg"), ("left2.jpg", "right1.jpg")),
        ((f"{10**30}.jpg", f"{10**30 + 5}.jpg"), (f"{10**30}.jpg", f"{10**30 + 9}.jpg")),
    ],
)
def test_names_that_number_no_frames_in_common_pair_by_rank(photos, query, ref):
    root = photos(*(f"query/{name}" for name in query), *(f"ref/{name}" for name in ref))
    frames = list(range(len(query)))
    assert read_sequence(root).positions_m[:, 0].tolist() == frames * 2


def test_the_order_is_natural_whatever_the_case(photos):
    names = ["a1.jpg", "A2.JPG", "a10.jpg", "B1.jpg"]
    root = photos(*(f"{folder}/{name}" for folder in ("query", "ref") for name in names))
    assert read_sequence(root).names[:4].tolist() == [f"query/{name}" for name in names]


def test_two_of_many_traverses_are_named(photos, refuses):
    root = photos("day2/1.jpg", "day2/2.jpg", "day10/1.jpg", "day10/2.jpg", "query/a.jpg")
    dataset = read_sequence(f"{root},query=day10,database=day2")
    assert dataset.names.tolist() == ["day10/1.jpg", "day10/2.jpg", "day2/1.jpg", "day2/2.jpg"]
    assert dataset.queries.tolist() == [0, 1] and dataset.database.tolist() == [2, 3]
    with refuses(FileNotFoundError, "must hold day2 and night, .*Received: day10, day2, query"):
        read_sequence(f"{root},query=day2,database=night")
    with refuses(FileNotFoundError, "must hold day2 and day2, two folders"):
        read_sequence(f"{root},query=day2,database=day2")
    photos("queries/1.jpg")
    with refuses(FileNotFoundError, "one traverse to look up, query or queries.*PATH,query=NAME"):
        read_sequence(f"{root},database=day2")


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
    except (ValueError, FileNotFoundError) as error:
        assert "\n" not in str(error)
    else:
        assert len(dataset.queries) == len(dataset.database) >= 1
