from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import cv2
import numpy as np

from placevec.rendering.photos.contact_sheet import CONTACT_SHEET, write_contact_sheet

SVG = "{http://www.w3.org/2000/svg}"


def shot(folder, place, visit, view=0):
    path = Path(f"{place}_{visit}_{view}.jpg")
    cv2.imwrite(str(folder / path), np.full((6, 8, 3), 20 * place, np.uint8))
    when = SimpleNamespace(seed=(visit,), weather=SimpleNamespace(name=f"w{visit}"))
    return SimpleNamespace(root=Path(), part="", place=place, path=path, visit=when, role="both")


def test_shows_places_from_all_over_a_visit_a_column(tmp_path):
    shots = [shot(tmp_path, place, visit) for visit in range(3) for place in range(11)]
    shots.append(shot(tmp_path, 0, 1, view=1))  # the place and the visit already exist
    write_contact_sheet(tmp_path, shots)
    sheet = ElementTree.parse(tmp_path / CONTACT_SHEET).getroot()
    assert [text.text for text in sheet.iter(f"{SVG}text")] == [
        "w0, both",
        "w1, both",
        "w2, both",
    ] * 6
    images = list(sheet.iter(f"{SVG}image"))
    assert (images[0].get("width"), images[0].get("height")) == ("200", "150")
    assert len({image.get("href") for image in images}) == 6
    first = (tmp_path / CONTACT_SHEET).read_bytes()
    write_contact_sheet(tmp_path, shots)
    assert (tmp_path / CONTACT_SHEET).read_bytes() == first


def test_shows_the_one_photo_that_there_is(tmp_path):
    write_contact_sheet(tmp_path, [shot(tmp_path, 0, 0)])
    assert (tmp_path / CONTACT_SHEET).read_text().count("<image") == 1
