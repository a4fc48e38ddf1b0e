import pytest


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
        ("gone", "There is no folder gone. Give one, or READER:PATH"),
        ("foldr:x", "Did you mean folder:"),
        ("folder:gone", "gone"),
    ],
)
def test_describe_refuses_photos_that_are_not_there(
    model_path, tmp_path, refused_in_one_line, photos, match
):
    command = ["describe", photos, "--model", model_path, "--out", tmp_path / "d.npz"]
    assert match in refused_in_one_line(command)
