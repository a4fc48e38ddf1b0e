import re

from placevec.pages.page import Card, Gallery, Photo, Section, page

EVIL = '<img src=x onerror="alert(1)">\x1b[31m'


def test_what_names_hold_is_shown_as_text():
    photo = Photo("QUJD", EVIL, "right")
    gallery = Gallery(EVIL, EVIL, {"a": EVIL}, [Card(3, EVIL, ["a"], [photo])])
    section = Section(EVIL, [EVIL], [EVIL], [[EVIL]])
    text = page(EVIL, [section], gallery, [section])
    assert "<img src=x" not in text and "\x1b" not in text
    assert "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;\\x1b[31m" in text
    assert text.count("data:image/jpeg;base64,QUJD") == 1


def test_lines_lie_over_their_photo():
    photo = Photo("QUJD", "a", lines=[(0.25, 0, 0.5, 1)])
    text = page("a", [], Gallery("b", "c", {}, [Card(0, "d", [], [photo])]), [])
    assert '<figure class="joined"><div><img' in text and "M0.250 0.000L0.500 1.000" in text


def test_a_section_has_small_print_and_strips_of_photos():
    section = Section("a", rows=[["b", ("<c>", "<d>")]], strips=[[Photo("QUJD", EVIL)] * 2])
    text = page("a", [section], Gallery("b", "c"), [])
    assert "<td>&lt;c&gt;<small>&lt;d&gt;</small></td>" in text
    assert text.count("QUJD") == 2 and "<img src=x" not in text


def test_needs_no_other_file():
    text = page("a", [], Gallery("b", "c", {}, [Card(0, "d", [], [Photo("", "e")])]), [])
    assert not re.search(r"(src|href)=\"(?!data:)", text) and "http" not in text
    assert "file of this photo is missing" in text
