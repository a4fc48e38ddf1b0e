import csv
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from placevec.checking import check
from placevec.cli import main
from placevec.sources import write_splits
from placevec.sources.tables.exif import NUM_LOOKED_AT


def one_sample(**settings):
    """Returns settings that draw one sample, as a picture of many takes long."""
    return {"samples": 1, **settings}


@pytest.fixture
def kinds(tmp_path):
    """Returns a function that checks a set and returns how often each kind of fault was found."""

    def found(root, **settings):
        out = tmp_path / "check.html"
        report = check(root, **one_sample(out=out, overwrite=True, **settings))
        return {finding.kind: finding.count for finding in report.findings}

    return found


def listed(folder):
    with open(folder / "check.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_clean_set_has_no_findings(town, kinds, tmp_path):
    assert kinds(town) == {}
    assert listed(tmp_path) == []
    page = (tmp_path / "check.html").read_text()
    assert "None." in page
    assert page.count("<svg") == 2
    assert "data:image/jpeg;base64," in page


def test_finds_broken_photos_and_lists_each(town, kinds, tmp_path):
    whole = (town / "photos/3.jpg").read_bytes()
    (town / "photos/3.jpg").write_bytes(whole[:500])
    (town / "photos/4.jpg").write_text("no photo")
    assert kinds(town) == {"unreadable photos": 2}
    rows = listed(tmp_path)
    assert [row["file"] for row in rows] == ["photos/3.jpg", "photos/4.jpg"]
    assert "cut off" in rows[0]["detail"]
    assert kinds(town, quick=True) == {"unreadable photos": 2}


def test_finds_equal_and_nearly_equal_photos(town, kinds, draw, tmp_path):
    (town / "photos/1.jpg").write_bytes((town / "photos/0.jpg").read_bytes())
    draw(town / "photos/7.jpg", seed=6, quality=70)
    assert kinds(town) == {"equal photos": 1, "nearly equal photos": 1}
    assert [(row["file"], row["detail"]) for row in listed(tmp_path)] == [
        ("photos/1.jpg", "equals photos/0.jpg"),
        ("photos/7.jpg", "looks like photos/6.jpg"),
    ]
    assert kinds(town, quick=True) == {"equal photos": 1}


def test_finds_photos_without_positions_and_goes_on_with_the_others(town, kinds, rewrite, tmp_path):
    rewrite(town, "photos/11.jpg,1005,3", "photos/11.jpg,,")
    found = kinds(town)
    assert found["photos without positions"] == 1
    assert found["queries without a positive"] == 1
    assert found["places of one photo"] == 1
    assert listed(tmp_path)[0]["file"] == "photos/11.jpg"


def test_names_photos_at_zero(tmp_path, draw):
    for i in range(4):
        draw(tmp_path / f"{i}.jpg", seed=i)
    rows = ["0.jpg,52,4", "1.jpg,0,0", "2.jpg,52,4.0001", "3.jpg,0,0"]
    (tmp_path / "t.csv").write_text("\n".join(["file,lat,lon", *rows]) + "\n")
    report = check(f"table:{tmp_path / 't.csv'}", **one_sample(out=tmp_path / "check.html"))
    (finding,) = (each for each in report.findings if each.kind == "photos without positions")
    assert (finding.count, list(finding.names)) == (2, ["1.jpg", "3.jpg"])
    assert "2 of them at 0, 0" in finding.message


def test_finds_jumps_and_times_out_of_order(town, kinds, rewrite, tmp_path):
    rewrite(town, "photos/2.jpg,400,3,60,20", "photos/2.jpg,400,3,60,11")
    assert kinds(town) == {"jumps": 1}
    assert listed(tmp_path)[0]["detail"] == "200.0 m/s from photos/1.jpg"
    assert kinds(town, max_speed_m_s=201) == {}
    rewrite(town, "photos/2.jpg,400,3,60,11", "photos/2.jpg,400,3,60,2")
    assert kinds(town, max_speed_m_s=201) == {"times out of order": 1}


def test_finds_queries_without_a_positive(town, kinds):
    assert kinds(town, radius_m=5) == {}
    assert kinds(town, radius_m=4.9) == {"queries without a positive": 12}


def test_refuses_a_missing_folder_for_the_report_before_it_reads_photos(town, tmp_path, capsys):
    assert run(town, "--out", tmp_path / "gone" / "report.html") == 2
    written = capsys.readouterr().err
    assert "There is no folder" in written and "Opened" not in written


def test_a_folder_for_the_report_is_made_if_there_are_photos_to_check(town, tmp_path):
    assert run(tmp_path / "gone", "--out", tmp_path / "reports") == 2
    assert not (tmp_path / "reports").exists()
    assert run(town, "--out", tmp_path / "reports") == 0
    assert (tmp_path / "reports" / "check.html").is_file()


def test_finds_missing_photos_by_name_but_absence_once(town, kinds, tmp_path):
    (town / "photos/5.jpg").unlink()
    (town / "photos/6.jpg").write_bytes(b"")
    assert kinds(town) == {"missing photos": 2}
    assert {row["file"] for row in listed(tmp_path)} == {"photos/5.jpg", "photos/6.jpg"}
    for photo in (town / "photos").iterdir():
        photo.unlink()
    assert kinds(town) == {"photos absent": 12}
    (row,) = listed(tmp_path)
    assert "12 of 12" in row["detail"]
    assert "<svg" in (tmp_path / "check.html").read_text()


def test_finds_leaks_between_splits(town, kinds, draw):
    def split(of):
        rows = [f"photos/{i}.jpg,{of(i)},both" for i in range(12)]
        (town / "splits.csv").write_text("\n".join(["file,split,role", *rows]) + "\n")

    split(lambda i: "train" if i % 6 < 3 else "val")
    assert kinds(town) == {}
    assert kinds(town, buffer_m=201) == {"splits too close": 4}
    split(lambda i: "train" if i < 6 else "val")
    assert kinds(town) == {"places in two splits": 12, "splits too close": 12}
    split(lambda i: "train" if i % 6 < 3 else "val")
    draw(town / "photos/5.jpg", seed=0, quality=70)
    assert kinds(town) == {"nearly equal photos": 1, "equal photos in two splits": 1}


def test_a_photo_in_two_splits_is_a_finding(town, kinds):
    (town / "splits.csv").write_text(
        "file,split,role\nphotos/0.jpg,val,\nphotos/0.jpg,test,\nother.jpg,val,\n"
    )
    assert kinds(town) == {"photos in two splits": 1}


def test_checks_one_split_alone(town, tmp_path):
    rows = [f"photos/{i}.jpg,{'train' if i % 6 < 3 else 'val'}," for i in range(12)]
    (town / "splits.csv").write_text("\n".join(["file,split,role", *rows]))
    report = check(f"{town}#val", **one_sample(out=tmp_path))
    assert dict(report.facts)["photos"] == "6"
    assert dict(report.facts)["splits"] == "train 0, val 6, test 0"
    assert not report.findings


def test_shows_a_bar_over_all_photos(town, tmp_path):
    bars = []

    def progress(photos, **kwargs):
        bars.append((kwargs["total"], kwargs["unit"]))
        return photos

    check(town, **one_sample(out=tmp_path), progress=progress)
    assert bars == [(12, "photo")]


def test_says_what_it_found_and_why(town, tmp_path):
    text = str(check(town, **one_sample(out=tmp_path)))
    assert re.search(r"^format +table: images.csv with the columns file, east, north$", text, re.M)
    assert re.search(r"^photos +12$", text, re.M)
    assert re.search(r"^rows x columns +48x64 \(12\)$", text, re.M)
    assert re.search(r"^sequences +2, of 12 photos$", text, re.M)
    assert "findings: none" in text
    named = str(check(f"table:{town}", **one_sample(out=tmp_path, quick=True)))
    assert "table: images.csv" in named


def run(*arguments):
    """Carries out the verb on the command line and returns its exit code."""
    try:
        main(["check", *map(str, arguments), "--samples", "1"])
    except SystemExit as ended:
        return ended.code
    return 0


def test_the_exit_code_says_clean_findings_or_unreadable(town, tmp_path, capsys):
    assert run(town, "--out", tmp_path) == 0
    assert "findings: none" in capsys.readouterr().out
    (town / "photos/1.jpg").unlink()
    assert run(town, "--out", tmp_path) == 1
    assert "missing photos" in capsys.readouterr().out
    (town / "images.csv").write_text("file,east,north\nphotos/0.jpg,here,1\n")
    assert run(town, "--out", tmp_path) == 2
    assert run(tmp_path / "gone", "--out", tmp_path) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert len([line for line in written.err.splitlines() if "placevec: " in line]) == 2


def test_writes_nothing_among_the_photos_unless_told(town, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(town / "photos")
    assert run(town) == 2
    assert "among the photos" in capsys.readouterr().err
    assert not list(town.rglob("check.*"))
    monkeypatch.chdir(tmp_path)
    assert run(town) == 0
    assert (tmp_path / "check.html").is_file()
    assert run(town, "--out", town / "mine.html") == 0
    assert (town / "mine.csv").is_file()


def test_never_writes_over_another_table(town, tmp_path, capsys):
    table = (town / "images.csv").read_text()
    assert run(town, "--out", town / "images.html") == 2
    assert "would replace" in capsys.readouterr().err
    assert (town / "images.csv").read_text() == table
    assert not (town / "images.html").exists()
    out = ["--out", tmp_path / "mine.html"]
    assert run(town, *out) == 0
    assert run(town, *out) == 2
    assert "mine.html already exists. Replace it with `--overwrite`" in capsys.readouterr().err
    assert run(town, *out, "--overwrite") == 0


def test_an_earlier_report_stays_beside_the_next(town, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [check(town, **one_sample(quick=True)).out.name for _ in range(3)]
    assert names == ["check.html", "check-2.html", "check-3.html"]
    (tmp_path / "check.csv").unlink()
    assert check(town, **one_sample(out=tmp_path, quick=True)).out.name == "check-4.html"
    assert check(town, **one_sample(overwrite=True, quick=True)).out.name == "check.html"


def test_names_that_steer_a_terminal_or_are_no_text_are_shown_by_their_codes(town, tmp_path, draw):
    for name in ("red\x1b[31m.jpg", "latin\udce9.jpg"):
        draw(town / "@1@2@.jpg", seed=0)
        (town / "@1@2@.jpg").rename(town / f"@1@2@{name}")
    draw(town / "@1@2@.jpg", seed=0)
    report = check(f"folder:{town}", **one_sample(out=tmp_path / "check.html"))
    assert "left out: 2 names in" in str(report)
    assert "red\\x1b[31m.jpg" in str(report)
    assert "latin\\udce9.jpg" in (tmp_path / "check.html").read_text()
    assert "latin\\udce9.jpg" in (tmp_path / "check.csv").read_text()


def test_needs_no_keras(town, tmp_path):
    code = (
        "import sys; from placevec.cli import main; main(sys.argv[1:]); "
        "print(sorted({'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)))"
    )
    arguments = ["check", str(town), "--out", str(tmp_path), "--samples", "1"]
    answer = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines()[-1] == "[]"


class Tags(HTMLParser):
    """The tags and texts of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data):
        self.texts.append(data)


def test_names_of_foreign_photos_are_text_and_never_tags(town, tmp_path, draw, rewrite):
    name = "photos/<script>alert(1)<&.jpg".replace("/", "_").replace("photos_", "")
    draw(town / "<script>alert(1)<&.jpg", seed=0)  # a copy of another photo
    with open(town / "images.csv", "a") as file:
        file.write(f"{name},9000,3,0,5000,77,5\n")
    report = check(town, **one_sample(out=tmp_path))
    assert "equal photos" in {finding.kind for finding in report.findings}
    page = Tags((tmp_path / "check.html").read_text())
    assert "script" not in page.tags
    assert any("<script>alert(1)<&.jpg" in text for text in page.texts)


def test_a_page_of_many_photos_stays_small(tmp_path):
    rng = np.random.default_rng(0)
    positions = rng.random((20_000, 2)) * 1000
    lines = [f"{i}.jpg,{east:.1f},{north:.1f}" for i, (east, north) in enumerate(positions)]
    (tmp_path / "set").mkdir()
    (tmp_path / "set/images.csv").write_text("\n".join(["file,east,north", *lines]))
    report = check(tmp_path / "set", **one_sample(out=tmp_path / "check.html", radius_m=1))
    kinds = {finding.kind: finding.count for finding in report.findings}
    assert kinds["photos absent"] == 20_000
    assert kinds["queries without a positive"] > 10_000
    assert (tmp_path / "check.html").stat().st_size < 1_500_000
    assert len(listed(tmp_path)) == 1 + kinds["queries without a positive"]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
def test_memory_stays_below_a_gigabyte_for_a_million_rows(tmp_path):
    table = tmp_path / "set" / "images.csv"
    table.parent.mkdir()
    with open(table, "w") as file:
        file.write("file,east,north,heading_deg,time,place,sequence\n")
        for i in range(1_000_000):
            drive, step = divmod(i, 1000)
            file.write(
                f"drive_{drive}/{step}.jpg,{8.5 * step},{20 * drive},7,{i},{i // 4},{drive}\n"
            )
    code = (
        "import sys; from pathlib import Path; from placevec.checking import check; "
        "print(check(sys.argv[1], out=sys.argv[2])); "
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, str(table), str(tmp_path / "check.html")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = answer.stdout.splitlines()
    assert "photos absent" in answer.stdout
    assert any(re.fullmatch(r"photos +1000000", line) for line in lines)
    assert int(lines[-1]) < 1_000_000  # kilobytes


@pytest.mark.parametrize(
    ("name", "queries", "database"),
    [("pitts30k_val", 7608, 10000), ("tokyoTM_val", 7186, 49056), ("tokyo247", 315, 75984)],
)
def test_the_official_files_lack_their_photos_and_nothing_else(
    shared_data, tmp_path, name, queries, database
):
    report = check(shared_data("dbstruct", f"{name}.mat"), **one_sample(out=tmp_path))
    assert [finding.kind for finding in report.findings] == ["photos absent"]
    assert dict(report.facts)["roles"] == f"{queries} queries, {database} in the database"
    assert len(listed(tmp_path)) == 1


def test_the_corridor_is_clean_and_cambridge_has_copies(shared_data, tmp_path):
    assert not check(shared_data("corridor"), **one_sample(out=tmp_path)).findings
    report = check(shared_data("cambridge", "val"), **one_sample(out=tmp_path))
    found = {finding.kind: finding.count for finding in report.findings}
    assert found == {"equal photos": 16, "queries without a positive": 8}


def test_equal_photos_of_one_split_are_no_leak(town, kinds, draw):
    rows = [f"photos/{i}.jpg,{'train' if i % 6 < 3 else 'val'}," for i in range(12)]
    (town / "splits.csv").write_text("\n".join(["file,split,role", *rows]))
    draw(town / "photos/1.jpg", seed=0, quality=70)
    assert kinds(town) == {"nearly equal photos": 1}


def test_the_buffer_is_that_which_the_split_was_made_with_unless_told(town, kinds):
    splits = ["train" if i % 6 < 3 else "val" for i in range(12)]
    names = [f"photos/{i}.jpg" for i in range(12)]
    for buffer_m, found in ((250, {"splits too close": 4}), (1, {})):
        write_splits(town, names, splits, [""] * 12, buffer_m)
        assert kinds(town) == found
    assert kinds(town, buffer_m=201) == {"splits too close": 4}


def test_a_report_may_lie_beside_the_folder_of_the_photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    cv2.imwrite("photos/10.0.png", np.zeros((48, 64, 3), np.uint8))
    (tmp_path / "track.txt").write_text("10.0 0 0 0 -0.7071 0 0 0.7071\n")
    run("tum:track.txt,images=photos")
    assert (tmp_path / "check.html").is_file()


@pytest.mark.parametrize("make", [None, b"no video"])
def test_says_first_what_is_wrong_with_a_path(tmp_path, monkeypatch, capsys, make):
    monkeypatch.chdir(tmp_path)
    if make:
        (tmp_path / "there.mp4").write_bytes(make)
    assert run("exif:there.mp4") == 2
    said = capsys.readouterr().err
    assert ("is a file, not a folder" if make else "does not exist") in said
    assert "among the photos" not in said


def test_positions_in_the_exif_of_late_photos_are_read(tmp_path):
    folder = tmp_path / "walk"
    folder.mkdir()
    for number in range(NUM_LOOKED_AT):
        cv2.imwrite(str(folder / f"{number:02d}.jpg"), np.zeros((4, 6, 3), np.uint8))
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (52.0, 12.0, 18.0), 3: "E", 4: (0.0, 7.0, 12.0)}
    (folder / "z").mkdir()  # subfolders come after the photos beside them
    Image.new("RGB", (6, 4)).save(folder / "z" / "last.jpg", exif=exif.tobytes())
    report = check(folder, samples=0, quick=True, out=tmp_path / "check.html")
    assert "No positions in the EXIF of 20 of 21 photos" in str(report)
    assert "exif" in dict(report.facts)["format"]


def test_photos_without_positions_are_looked_at_all_the_same(tmp_path):
    folder = tmp_path / "heap"
    folder.mkdir()
    photo = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    for name in ("a.jpg", "b.jpg"):
        cv2.imwrite(str(folder / name), photo)
    (folder / "c.jpg").write_bytes(b"no photo")
    report = check(folder, **one_sample(out=tmp_path / "check.html"))
    assert [finding.kind for finding in report.findings] == [
        "photos without positions", "unreadable photos", "equal photos"
    ]  # fmt: skip
    assert "format          no reader recognizes it: photos without positions" in str(report)
