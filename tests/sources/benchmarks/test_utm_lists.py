import io
import logging
import pickle
import zipfile

import numpy as np
import pytest

from placevec.sources import open_places
from placevec.sources.benchmarks.utm_lists import read_utm_lists, recognize_utm_lists

QUERIES = {"q/1.jpg": (585001.0, 4477241.5), "q/2.jpg": (585101.0, 4477241.5)}
DATABASE = {"db/1.jpg": (585000.0, 4477240.0), "db/2.jpg": (585100.0, 4477240.0),
            "db/3.jpg": (585200.0, 4477240.0)}  # fmt: skip


@pytest.fixture
def lists(photos):
    """Returns a function that writes a set and returns its .npz."""

    def write(name="pitts30k", queries=QUERIES, database=DATABASE, **arrays):
        root = photos(*queries, *database)
        (root / f"{name}_query.txt").write_text("\n".join(queries) + "\n")
        (root / f"{name}_index.txt").write_text("\n".join(database))
        arrays = {
            "utmQ": np.array(list(queries.values())), "utmDb": np.array(list(database.values())),
            "posDistThr": 25, **arrays,
        }  # fmt: skip
        np.savez(root / f"{name}.npz", **arrays)
        return root / f"{name}.npz"

    return write


def test_reads_two_lists_and_their_positions(lists, caplog):
    path = lists()
    with caplog.at_level(logging.INFO):
        dataset = open_places(f"utm_lists:{path}")
    wanted = DATABASE | QUERIES
    assert dataset.names.tolist() == list(wanted)
    np.testing.assert_array_equal(dataset.positions_m, list(wanted.values()))
    assert dataset.queries.tolist() == [3, 4] and dataset.database.tolist() == [0, 1, 2]
    assert dataset.frame == "UTM"
    assert "within 25 m as right" in caplog.text


@pytest.mark.parametrize("form", ["fortran", "float32", "compressed", "threshold of one"])
def test_reads_arrays_in_every_form(lists, form):
    positions = np.array(list(DATABASE.values()))
    arrays = {
        "fortran": {"utmDb": np.asfortranarray(positions)},
        "float32": {"utmDb": positions.astype(np.float32)},
        "threshold of one": {"posDistThr": np.array([25.0])},
    }.get(form, {})
    path = lists(**arrays)
    if form == "compressed":
        with np.load(path) as content:
            np.savez_compressed(path, **content)
    np.testing.assert_allclose(read_utm_lists(path).positions_m[:3], positions, atol=0.5)


def test_lists_and_photos_may_lie_elsewhere(lists, photos, tmp_path):
    path = lists()
    for role in ("query", "index"):
        list_path = path.with_name(f"pitts30k_{role}.txt")
        photos(*(f"elsewhere/{name}" for name in list_path.read_text().split()))
        list_path.rename(tmp_path / "elsewhere" / f"{role}.list")
    elsewhere = tmp_path / "elsewhere"
    dataset = read_utm_lists(
        f"{path},query={elsewhere / 'query.list'},database={elsewhere / 'index.list'},"
        f"images={elsewhere}"
    )
    assert dataset.root == elsewhere and len(dataset) == 5


def test_lists_of_the_files_own_name_go_first(lists, refuses):
    path = lists()
    other = lists("tokyo", database={"db/1.jpg": (1.0, 2.0)})
    assert len(read_utm_lists(path)) == 5 and len(read_utm_lists(other)) == 3
    with refuses(FileNotFoundError, "hold one .npz. Received: pitts30k.npz, tokyo.npz"):
        read_utm_lists(path.parent)
    with refuses(FileNotFoundError, r"\*_query.txt must be beside .*Received: 0. Name it"):
        read_utm_lists(path.rename(path.with_name("new.npz")))


def test_a_photo_in_both_lists_has_both_roles(lists, refuses, caplog):
    both = {"db/1.jpg": (585000.0, 4477240.0)}
    dataset = read_utm_lists(lists(queries=both))
    assert (len(dataset), len(dataset.queries), len(dataset.database)) == (3, 1, 3)
    assert "1 of 3 photos of" in caplog.text and "query and database at once" in caplog.text
    with refuses(ValueError, "gives db/1.jpg two places, 50 m apart"):
        read_utm_lists(lists(queries={"db/1.jpg": (585050.0, 4477240.0)}))


def test_goes_on_without_photos_that_lack(lists, refuses, caplog):
    path = lists(utmQ=np.array([[np.nan, 1.0], [2.0, 3.0]]))
    (path.parent / "db/3.jpg").unlink()
    with refuses(FileNotFoundError, "1 of 5 photos of .*first: db/3.jpg"):
        read_utm_lists(path)
    assert read_utm_lists(path, skip_unreadable=True).names.tolist() == [
        "db/1.jpg", "db/2.jpg", "q/2.jpg"
    ]  # fmt: skip
    assert caplog.text.count("left out") == 2


def test_refuses_what_does_not_fit(lists, refuses):
    with refuses(ValueError, r"`utmDb` of .* shape \(3, 2\).* Received: float64 of shape \(2, 2\)"):
        read_utm_lists(lists(utmDb=np.zeros((2, 2))))
    with refuses(ValueError, r"Received: <U1 of shape"):
        read_utm_lists(lists(utmQ=np.array([["a", "b"]] * 2)))
    path = lists()
    with np.load(path) as content:
        np.savez(path, utmQ=content["utmQ"])
    with refuses(ValueError, "must hold utmQ and utmDb"):
        read_utm_lists(path)
    path = lists()
    (path.parent / "pitts30k_query.txt").write_text("q/1.jpg\nq/1.jpg\n")
    with refuses(ValueError, "names q/1.jpg more than once"):
        read_utm_lists(path)
    (path.parent / "pitts30k_query.txt").write_text("q/1.jpg\n../../secret.jpg\n")
    with refuses(ValueError, "stay inside"):
        read_utm_lists(path)
    (path.parent / "pitts30k_query.txt").write_text("\n")
    with refuses(ValueError, "at least one photo"):
        read_utm_lists(path)
    path.write_bytes(path.read_bytes()[:-30])
    with refuses(ValueError, "at least one photo|not a complete .npz"):
        read_utm_lists(path)


class Trap:
    def __reduce__(self):
        return pytest.fail, ("was unpickled",)


def test_never_unpickles(lists, refuses):
    path = lists()
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|O", "fortran_order": False, "shape": (2, 2)}
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("utmQ.npy", header.getvalue() + pickle.dumps([Trap()]))
    with refuses(ValueError, "Received: object of shape"):
        read_utm_lists(path)


def test_unpacks_no_more_than_the_lists_tell(lists, refuses):
    path = lists()
    for shape in ((10**9, 2), (2, 2)):
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            header, {"descr": "<f8", "fortran_order": False, "shape": shape}
        )
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("utmQ.npy", header.getvalue() + bytes(24))
        with refuses(ValueError, r"shape \(1000000000, 2\)|`utmQ` breaks off"):
            read_utm_lists(path)


def test_recognizes_positions_with_their_lists(lists, tmp_path):
    assert recognize_utm_lists(tmp_path) == ""
    path = lists()
    assert recognize_utm_lists(path.parent).startswith("pitts30k.npz with utmQ and utmDb")
    (path.parent / "pitts30k_index.txt").unlink()
    assert recognize_utm_lists(path) == ""


def test_survives_damage(lists, survives_damage):
    path = lists()
    texts = [path.with_name(f"pitts30k_{role}.txt") for role in ("query", "index")]
    survives_damage(lambda: read_utm_lists(path, skip_unreadable=True), path, *texts)


def test_zero_metres_among_utm_positions_are_no_position(lists, refuses):
    path = lists(database=DATABASE | {"db/3.jpg": (0.0, 0.0)})
    with refuses(ValueError, "No positions for 1 of 5 .*, 1 of them at 0, 0 .first: db/3.jpg"):
        read_utm_lists(path)
    local = {name: (5.0 * i, 0.0) for i, name in enumerate(DATABASE)}
    path = lists("local", queries={"q/1.jpg": (1.0, 0.0)}, database=local)
    assert len(read_utm_lists(path)) == 4
