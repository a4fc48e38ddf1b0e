import numpy as np

from placevec.checking.findings import Finding, findings_of_missing, printable
from placevec.sources.missing import Missing


def note(names, count, of_files=True):
    return Missing(np.array(names), count, f"{len(names)} of {count}", of_files)


def test_nothing_noted_is_no_finding():
    assert findings_of_missing([]) == []


def test_absence_is_one_finding_that_lists_no_photo():
    (finding,) = findings_of_missing([note(["a", "b"], 2), note(["c"], 1)])
    assert (finding.kind, finding.count, len(finding.names)) == ("photos absent", 3, 0)


def test_some_missing_files_and_positions_are_listed():
    files, positions = findings_of_missing([note(["a"], 3), note(["b", "c"], 3, of_files=False)])
    assert (files.kind, files.names.tolist()) == ("missing photos", ["a"])
    assert (positions.kind, positions.names.tolist()) == ("photos without positions", ["b", "c"])


def test_many_notes_are_one_short_message():
    (finding,) = findings_of_missing([note([f"{i}"], 2) for i in range(23)])
    assert finding.count == 23
    assert finding.message.count("1 of 2") == 3
    assert finding.message.endswith("and 20 more of this kind")


def test_shows_the_first_few():
    finding = Finding("odd", 9, "", np.arange(9).astype(str), lambda i: f"no. {i}")
    assert finding.first() == [(str(i), f"no. {i}") for i in range(5)]


def test_letters_of_any_language_are_printable_and_controls_are_not():
    assert printable("Straße 東京") == "Straße 東京"
    assert printable("a\nb\x1b[2J\udcff\u202e1") == "a\\nb\\x1b[2J\\udcff\\u202e1"
