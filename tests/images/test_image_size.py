import pytest

from placevec.images import input_name, size_in_name


@pytest.mark.parametrize("size", [(32, 32), (240, 320), (12345, 1)])
def test_finds_the_size_in_the_name(size):
    assert size_in_name(input_name(size)) == size


def test_knows_nothing_of_no_size():
    assert input_name(None) == "photos"


@pytest.mark.parametrize(
    "name", ["photos", "images", "photos_240", "photos_0x5", "photos_1x2x3", "my_photos_2x3"]
)
def test_other_names_hold_no_size(name):
    assert size_in_name(name) is None
