from placevec.sources.files import readable
from placevec.sources.missing import go_on_without, note_missing


def test_says_nothing_if_nothing_is_missing(caplog):
    go_on_without([], 3, problem="{}", way_out="", skip_unreadable=False)
    assert not caplog.text


def test_notes_what_is_missing_instead_of_refusing_it(photos, caplog):
    root = photos("a.jpg")
    with note_missing() as notes:
        there = readable(root, ["a.jpg", "x.jpg"], source=root, skip_unreadable=False)
        go_on_without(["b.jpg"], 2, problem="No light in {}", way_out="", skip_unreadable=False)
    assert there.tolist() == [True, True]
    assert [note.names.tolist() for note in notes] == [["x.jpg"], ["b.jpg"]]
    assert [note.of_files for note in notes] == [True, False]
    assert [note.count for note in notes] == [2, 2]
    assert notes[1].message == "No light in 1 of 2 photos (first: b.jpg)"
    assert not caplog.text


def test_refuses_again_after_notes_and_if_nothing_is_known_of_any_photo(photos, refuses):
    root = photos("a.jpg")
    with note_missing() as notes:
        assert readable(root, ["x.jpg"], source=root, skip_unreadable=False).all()
        with refuses(ValueError, "No light in 1 of 1"):
            go_on_without(["b.jpg"], 1, problem="No light in {}", way_out="", skip_unreadable=True)
    assert len(notes) == 1
    with refuses(FileNotFoundError, "1 of 1"):
        readable(root, ["x.jpg"], source=root, skip_unreadable=True)


def test_a_photo_whose_file_is_missing_is_noted_once(photos):
    root = photos("a.jpg", "c.jpg")
    names = ["a.jpg", "b.jpg", "c.jpg"]
    with note_missing() as notes:
        readable(root, names, source=root, skip_unreadable=False)
        for unlit in (names[1:], names[1:2]):
            go_on_without(unlit, 3, problem="No light in {}", way_out="", skip_unreadable=False)
    assert [note.names.tolist() for note in notes] == [["b.jpg"], ["c.jpg"]]
