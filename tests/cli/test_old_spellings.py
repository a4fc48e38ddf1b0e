import pytest

from placevec.cli.old_spellings import in_new_spelling


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("search town a.jpg --within-m 9 --of 1 2", "search town a.jpg --radius-m 9 --of 1 2"),
        ("search town a.jpg --within_m=9", "search town a.jpg --radius-m=9"),
        ("collect mapillary --within-m 15", "collect mapillary --radius-m 15"),
    ],
)
def test_an_old_flag_is_understood_and_the_new_one_named(old, new, capsys):
    assert in_new_spelling(old.split()) == new.split()
    assert capsys.readouterr().err == "placevec: `--within-m` is now `--radius-m`\n"


def test_the_picture_of_a_search_is_one_of_its_files(capsys):
    old = "search town a.jpg --picture found.jpg".split()
    assert in_new_spelling(old) == "search town a.jpg --out found.jpg".split()
    assert capsys.readouterr().err == "placevec: `--picture` is now `--out`\n"


def test_weights_in_16_bits_are_a_precision(capsys):
    old = "export small --float16 --out town".split()
    assert in_new_spelling(old) == "export small --precision float16 --out town".split()
    assert capsys.readouterr().err == "placevec: `--float16` is now `--precision float16`\n"


@pytest.mark.parametrize(
    "arguments", [[], ["--help"], ["search", "--radius-m", "9"], ["check", "--within-m", "9"]]
)
def test_other_arguments_stay_as_they_are_without_a_line(arguments, capsys):
    assert in_new_spelling(arguments) == arguments
    assert capsys.readouterr().err == ""
