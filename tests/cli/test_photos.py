import shutil

import pytest

from placevec.cli.photos import open_photos


def test_describe_refuses_an_impossible_output_before_the_long_work(
    places, tmp_path, refused_in_one_line
):
    """The model is not there either: it would have been read next."""
    command = ["describe", places, "--model", tmp_path / "gone.keras", "--out"]
    line = refused_in_one_line([*command, tmp_path / "gone" / "d.npz"])
    assert line == f"placevec: There is no folder {tmp_path / 'gone'} for d.npz. Make it"
    line = refused_in_one_line([*command, tmp_path / "d.txt"])
    assert "ends in .npz. Received" in line


@pytest.mark.parametrize(
    ("photos", "match"),
    [
        ("gone", "There is no folder or photo gone. Give one, or READER:PATH"),
        ("gone.jpg", "There is no folder or photo gone.jpg. Give one, or READER:PATH"),
        ("foldr:x", "Did you mean folder:"),
        ("folder:gone", "gone"),
    ],
)
def test_describe_refuses_photos_that_are_not_there(
    model_path, tmp_path, refused_in_one_line, photos, match
):
    command = ["describe", photos, "--model", model_path, "--out", tmp_path / "d.npz"]
    assert match in refused_in_one_line(command)


def test_a_photo_alone_is_one_of_its_folder(places):
    root, names, dataset = open_photos(str(places / "@0@0@.jpg"))
    assert (root, names.tolist(), dataset) == (places, ["@0@0@.jpg"], None)


def test_a_file_that_a_reader_recognizes_needs_no_name(places, tmp_path):
    table = tmp_path / "photos.csv"
    shutil.copy(places / "@0@0@.jpg", tmp_path / "a.jpg")
    table.write_text("file,east,north\na.jpg,1,2\n")
    _, names, dataset = open_photos(str(table))
    assert len(names) == 1 and dataset.positions_m.tolist() == [[1.0, 2.0]]
