import math
import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placevec.collecting.client.answers import (
    json_object,
    latitude_longitude,
    number,
    safe_name,
    text,
    whole_photo,
)
from placevec.collecting.client.errors import TryAgainError


@pytest.mark.parametrize("body", [b"", b"[]", b"3", b"{", b"\xff", b"[" * 200_000, b"<html>"])
def test_refuses_what_is_no_json_object(body):
    with pytest.raises(TryAgainError, match="other than a JSON object"):
        json_object(body)


def test_numbers_are_finite_and_bearable():
    assert number(3) == 3.0
    for value in (True, "3", None, [], math.inf, math.nan, 10**400, -(10**20)):
        assert math.isnan(number(value))


def test_texts_are_one_short_line():
    assert text("a\n\tb\x00c\u2028d") == "a b c d"
    assert len(text("x" * 1000)) == 300
    assert (text(5), text(None), text(True), text(10**5000), text(["a"])) == ("5", "", "", "", "")


def test_places_are_on_earth():
    assert latitude_longitude(-90, 180.0) == (-90.0, 180.0)
    for place in ((91, 0), (0, 181), (math.nan, 0), ("1", 2), (None, None)):
        assert latitude_longitude(*place) is None


@given(st.text(min_size=1))
def test_any_id_is_a_safe_name(identity):
    name = safe_name(identity)
    assert name and name.isascii() and not set(name) & set("./\\ \0")
    assert len(name) <= 100


def test_different_ids_have_different_names():
    assert len({safe_name(each) for each in ("a", "a/", "a.", "../a", "A" * 101, "A" * 102)}) == 6


@pytest.mark.parametrize("body", [b"", b"photo", b"\xff\xd8\xff\xe0", b"<html>"])
def test_refuses_what_is_no_whole_photo(body):
    with pytest.raises(TryAgainError, match="sent a photo that"):
        whole_photo(body)


def test_refuses_a_photo_of_too_many_pixels():
    body = bytearray(cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes())
    assert whole_photo(bytes(body)) == body
    frame = body.index(b"\xff\xc0")
    body[frame + 5 : frame + 9] = struct.pack(">HH", 20_000, 20_000)
    with pytest.raises(TryAgainError, match="20000 x 20000 pixels"):
        whole_photo(bytes(body))
