import json
import logging
import os
import signal
import subprocess
import sys
import traceback
from pathlib import Path
from unittest.mock import Mock
from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placevec.collecting.client.errors import (
    RefusedError,
    ServiceError,
    TryAgainError,
    UnavailableError,
)
from placevec.collecting.streetview import (
    Panorama,
    _choose,
    _file_name,
    collect_streetview,
    read_metadata,
    sign,
    write_metadata,
)
from placevec.config import StreetviewConfig
from placevec.sources import open_places
from placevec.sources.tables.rows.rows import read_csv

REPOSITORY = Path(__file__).resolve().parents[2]
FAST = {"requests_per_second": 1000.0, "timeout_s": 20.0, "image_size": (48, 64), "retries": 2}


@pytest.fixture
def points(tmp_path):
    """The three panoramas, one of them twice, and a place without any."""
    path = tmp_path / "points.csv"
    path.write_text("lat,lon\n52.0,4.0\n52.0001,4.0\n52.0009,4.0\n52.0018,4.0\n53,5\n")
    return path


@pytest.fixture
def config(server, points, tmp_path):
    def make(**changes):
        given = {"points": points, "out": tmp_path / "photos", "base_url": server.url, **FAST}
        return StreetviewConfig(**{**given, **changes})

    return make


def in_a_process(config, timeout_s=60):
    """Starts `placevec collect streetview` with the settings of a config.

    Ctrl-C reaches it also where the tests run in the background, whose processes ignore it.
    """
    run = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    run += "from placevec.cli import main; main()"
    command = [
        sys.executable, "-c", run, "collect", "streetview", "--points", config.points,
        "--out", config.out, "--base-url", config.base_url, "--image-size", "48", "64",
        "--requests-per-second", "1000", "--threads", "3", "--timeout-s", timeout_s,
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(list(map(str, command)), env=environment, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)  # fmt: skip


def test_the_signature_is_that_of_the_documented_recipe():
    """The signature is what `openssl dgst -sha1 -mac HMAC -macopt hexkey:ffef` prints."""
    signed = sign("https://maps.googleapis.com/maps/api/streetview?a=1&key=k", "_-8=")
    assert signed == (
        "https://maps.googleapis.com/maps/api/streetview?a=1&key=k"
        "&signature=yWZP7HTHvmfYKd307iLqrsH1KCs="
    )


def test_photos_open_as_places(server, config, tmp_path):
    collected = collect_streetview(config())
    assert (collected.photos, collected.new, collected.failed, collected.left) == (12, 12, 0, 0)
    assert collected.requests == 5 + 12
    places = open_places(f"folder:{tmp_path / 'photos'}")
    assert len(places.names) == 12
    assert sorted(set(places.headings_deg)) == [0.0, 90.0, 180.0, 270.0]
    assert len(set(places.place_ids)) == 3
    assert set(places.fields_of_view_deg) == {90.0}
    assert places.frame == "UTM 31U"
    north_m = np.unique(places.positions_m[:, 1].round())
    assert np.diff(north_m) == pytest.approx([100.0, 100.0], abs=1.0)


def test_each_photo_keeps_whose_it_is(config, tmp_path):
    collect_streetview(config())
    cells = read_csv(tmp_path / "photos" / "positions.csv")
    assert set(cells["attribution"]) == {"© Google"}
    assert set(cells["licence"]) == {"Google Maps Platform Terms of Service"}
    assert set(cells["source_id"]) == {"pano_A", "pano_B", "pano_C"}
    assert set(cells["time"]) == {"2019-05-01", "2021-11-01", "2023-02-01"}


def test_the_readers_do_not_wonder_about_the_columns(config, tmp_path, caplog):
    collect_streetview(config())
    caplog.clear()
    open_places(f"folder:{tmp_path / 'photos'}")
    assert caplog.text == ""


def test_a_second_run_fetches_nothing(server, config):
    collect_streetview(config())
    before = server.delivered.copy()
    collected = collect_streetview(config())
    assert server.delivered == before
    assert (collected.photos, collected.new) == (12, 0)


def test_panoramas_are_found_by_their_ids(server, config, tmp_path):
    (tmp_path / "ids.txt").write_text("pano_B\n\npano_B\nnobody\n")
    collected = collect_streetview(config(points=None, pano_ids=tmp_path / "ids.txt"))
    assert collected.photos == 4
    assert set(server.delivered) == {f"pano_B@{heading}" for heading in (0, 90, 180, 270)}


def test_other_dates_are_left_out_by_their_month(config):
    collected = collect_streetview(config(from_date="2021-11-30", to_date="2023-01-31"))
    assert collected.photos == 4


def test_a_dry_run_asks_for_no_photo_and_writes_nothing(server, config, tmp_path):
    plan = collect_streetview(config(dry_run=True))
    assert (plan.photos, plan.present, plan.requests) == (12, 0, 12)
    assert plan.cost_usd == pytest.approx(12 * 7.0 / 1000)
    assert "12 requests, 0.08 USD" in str(plan)
    assert not server.delivered
    assert not (tmp_path / "photos").exists()


def test_the_plan_is_told_before_the_first_photo(server, config, caplog):
    caplog.set_level(logging.INFO)
    collect_streetview(config())
    lines = [record.getMessage() for record in caplog.records]
    plan = next(i for i, line in enumerate(lines) if "12 requests" in line)
    assert plan < next(i for i, line in enumerate(lines) if "photos fetched" in line)


def test_the_quota_ends_a_run_and_the_next_one_goes_on(server, config):
    collected = collect_streetview(config(max_requests=10))
    assert (collected.photos, collected.left, collected.requests) == (5, 7, 10)
    assert sum(server.asked.values()) == 10
    assert collect_streetview(config(max_requests=100)).photos == 12
    assert set(server.delivered.values()) == {1}


def test_a_quota_that_the_lookups_use_up_is_refused(server, config):
    with pytest.raises(ValueError, match="`max_requests` must be larger than 5"):
        collect_streetview(config(max_requests=5))
    assert not server.asked


@pytest.mark.parametrize(
    "fault", [500, 503, 429, (429, {"Retry-After": "0"}), "half", "slow", "damaged", "drop"]
)
def test_what_fails_by_chance_is_asked_again(server, config, fault):
    server.faults["pano_A@90"] = [fault, fault]
    server.faults["52.000000,4.000000"] = [fault]
    if fault in ("half", "slow"):
        server.faults["pano_A@90"] = [fault]
    if fault == "damaged":
        server.faults["52.000000,4.000000"] = ["half"]
    collected = collect_streetview(config(**({"timeout_s": 1.0} if fault == "slow" else {})))
    assert (collected.photos, collected.failed) == (12, 0)
    assert set(server.delivered.values()) == {1}


def test_a_photo_that_is_not_given_is_counted_and_asked_for_next_time(server, config, caplog):
    server.faults["pano_A@90"] = [404]
    server.faults["pano_B@0"] = [500] * 3
    server.faults["pano_C@0"] = ["html"]
    collected = collect_streetview(config())
    assert (collected.photos, collected.failed) == (9, 3)
    assert "pano_A_090.0.jpg is left out" in caplog.text
    assert collect_streetview(config()).photos == 12


def test_ten_failures_of_the_service_in_a_row_end_the_run(server, config):
    for pano in "ABC":
        for heading in (0, 90, 180, 270):
            server.faults[f"pano_{pano}@{heading}"] = [503] * 9
    with pytest.raises(UnavailableError, match="10 photos in a row"):
        collect_streetview(config(threads=1, retries=0))


def test_photos_that_were_removed_do_not_block_the_others(server, config):
    for heading in range(0, 360, 30):
        server.faults[f"pano_A@{heading}"] = [404] * 9
    collected = collect_streetview(config(threads=1, num_headings=12))
    assert (collected.photos, collected.failed) == (24, 12)


def test_a_body_beyond_the_limit_is_not_kept(config, monkeypatch, tmp_path, caplog):
    monkeypatch.setattr("placevec.collecting.streetview.MAX_PHOTO_BYTES", 1000)
    with pytest.raises(ServiceError, match="None of 12 photos could be fetched: .* more than 1000"):
        collect_streetview(config())
    assert "sent more than 1000 bytes" in caplog.text
    assert not list((tmp_path / "photos").glob("*.jpg"))


def test_no_place_is_asked_for_twice(server, config):
    """The quota of a further run is left to the photos, also where the lookups broke off."""
    server.faults["53.000000,5.000000"] = [404]
    with pytest.raises(ServiceError, match="404"):
        collect_streetview(config(threads=1))
    assert collect_streetview(config(max_requests=7)).photos == 6
    collected = collect_streetview(config(max_requests=7))
    assert (collected.photos, collected.requests) == (12, 6)
    places = {name: count for name, count in server.asked.items() if "," in name}
    assert places == {"52.000000,4.000000": 1, "52.000100,4.000000": 1, "52.000900,4.000000": 1,
                      "52.001800,4.000000": 1, "53.000000,5.000000": 2}  # fmt: skip


def test_a_place_is_asked_for_again_with_another_radius(server, config):
    collect_streetview(config())
    collect_streetview(config(radius_m=40))
    assert server.asked["53.000000,5.000000"] == 2


def test_a_dry_run_reads_what_was_looked_up_and_writes_nothing(server, config, tmp_path):
    collect_streetview(config())
    (tmp_path / "photos" / "positions.csv").unlink()
    lookups = tmp_path / "photos" / "lookups.jsonl"
    lookups.write_bytes(b"".join(lookups.read_bytes().splitlines(keepends=True)[:3]))
    before = {path: path.read_bytes() for path in (tmp_path / "photos").iterdir()}
    asked = server.asked.total()
    assert collect_streetview(config(dry_run=True)).present == 12
    assert server.asked.total() == asked + 2
    assert {path: path.read_bytes() for path in (tmp_path / "photos").iterdir()} == before


def test_the_table_is_there_also_where_the_lookups_fail(server, config, points, tmp_path):
    collect_streetview(config())
    (tmp_path / "photos" / "positions.csv").unlink()
    points.write_text("lat,lon\n54,5\n")
    server.faults["54.000000,5.000000"] = [404]
    with pytest.raises(ServiceError, match="404"):
        collect_streetview(config())
    assert len(read_csv(tmp_path / "photos" / "positions.csv")["file"]) == 12


def test_as_many_headings_as_are_allowed_have_names_of_their_own():
    panorama = Panorama("a", 1.0, 2.0, "", "")
    for count in (7, 359, 360):
        assert len({_file_name(panorama, 360.0 * i / count) for i in range(count)}) == count


@pytest.mark.parametrize("keep_row", [True, False])
def test_a_torn_ledger_costs_no_photo(server, config, tmp_path, keep_row):
    collect_streetview(config())
    ledger = tmp_path / "photos" / "collected.jsonl"
    data = ledger.read_bytes()
    ledger.write_bytes(data[:-20] if keep_row else data[: data[:-1].rfind(b"\n") + 1])
    assert collect_streetview(config()).photos == 12
    assert set(server.delivered.values()) == {1}
    assert len(read_csv(tmp_path / "photos" / "positions.csv")["file"]) == 12
    assert collect_streetview(config()).new == 0


def test_after_a_kill_each_photo_is_delivered_once(server, config, tmp_path):
    server.hang_after = 5
    process = in_a_process(config())
    server.wait_until(lambda: server.hanging == 3)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert len(list((tmp_path / "photos").glob("*.jpg"))) == 5
    half_sent = server.asked.copy()
    server.hang_after = 99
    process = in_a_process(config())
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "12 photos in" in out and "7 of them new" in out
    assert set(server.delivered.values()) == {1} and len(server.delivered) == 12
    twice = [name for name in server.delivered if server.asked[name] == 2]
    assert len(twice) == 3 and all(half_sent[name] == 1 for name in twice)
    assert len(open_places(f"folder:{tmp_path / 'photos'}").names) == 12


def test_ctrl_c_leaves_the_table_of_what_is_there(server, config, tmp_path):
    server.hang_after = 5
    process = in_a_process(config(), timeout_s=1)
    server.wait_until(lambda: server.hanging >= 3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "placevec: stopped" in err and "Traceback" not in err
    assert len(open_places(f"folder:{tmp_path / 'photos'}").names) == 5


def test_no_key_is_seen_anywhere(server, config, tmp_path, caplog):
    """Not in files, logs, or errors and what they were raised from."""
    hidden = {form for key in (server.key, server.secret) for form in (key, quote(key, safe=""))}
    caplog.set_level(logging.DEBUG)
    logging.getLogger("urllib3").setLevel(logging.DEBUG)
    collect_streetview(config())
    texts = [path.read_bytes().decode("latin-1") for path in (tmp_path / "photos").iterdir()]
    assert "GET /maps/api/streetview" in caplog.text
    for fault in (500, 404, 403, "half", "drop", "html", "damaged"):
        (tmp_path / "photos" / "lookups.jsonl").unlink()
        server.faults["52.000000,4.000000"] = [fault] * 9
        with pytest.raises(OSError) as caught:
            collect_streetview(config())
        error = caught.value
        while error is not None:
            texts += [str(error), repr(error), "".join(traceback.format_exception(error))]
            error = error.__cause__ or error.__context__
    server.server_close()
    for each in hidden:
        assert each not in caplog.text
        assert not any(each in text for text in texts)


def test_what_cannot_be_reached_is_told_without_the_key(server, config, caplog):
    with pytest.raises(ServiceError, match="cannot be reached") as caught:
        collect_streetview(config(base_url="http://127.0.0.1:9"))
    assert caught.value.__context__ is None
    assert quote(server.key, safe="") not in str(caught.value)


def test_a_refused_key_ends_the_run_at_once(server, config, monkeypatch):
    monkeypatch.setenv("GOOGLE_MAPS_API_KEY", "another")
    with pytest.raises(RefusedError, match="answered 403: bad signature"):
        collect_streetview(config(threads=1))
    assert sum(server.asked.values()) == 1


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        ("GOOGLE_MAPS_API_KEY", "", "GOOGLE_MAPS_API_KEY must hold a key"),
        ("GOOGLE_MAPS_API_KEY", "a b", "without white space"),
        ("GOOGLE_MAPS_SIGNING_SECRET", "!!!", "secret in base64"),
    ],
)
def test_refuses_bad_keys_without_showing_them(config, monkeypatch, name, value, match):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=match) as caught:
        collect_streetview(config())
    assert not value or f"{value}" not in str(caught.value)


def test_refuses_a_folder_with_positions_of_another_origin(config, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "positions.csv").write_text("file,lat,lon\n")
    with pytest.raises(FileExistsError, match="not written by `placevec collect`"):
        collect_streetview(config())


def test_of_an_answer_nothing_but_what_is_read_is_kept(server, config, tmp_path):
    server.panoramas["pano_A"]["request"] = f"...?key={server.key}"
    collect_streetview(config())
    kept = (tmp_path / "photos" / "lookups.jsonl").read_text()
    assert "pano_A" in kept and server.key not in kept and "request" not in kept


def test_what_is_kept_reads_as_what_was_answered():
    for found in (Panorama("a", 1.5, -2.0, "2019-05", "© A"), Panorama("b", 0, 0, "", ""), None):
        assert read_metadata(write_metadata(found).encode()) == found


def metadata(**answer):
    return read_metadata(json.dumps(answer).encode())


def test_the_documented_states_of_metadata():
    place = {"lat": 1.5, "lng": -2.0}
    found = metadata(status="OK", pano_id="a", location=place, date="2019-05", copyright="© A\nB")
    assert found == Panorama("a", 1.5, -2.0, "2019-05", "© A B")
    assert metadata(status="OK", pano_id="a", location=place).month == ""
    assert metadata(status="ZERO_RESULTS") is None
    assert metadata(status="NOT_FOUND") is None
    for status in ("OVER_QUERY_LIMIT", "UNKNOWN_ERROR", "OTHER"):
        with pytest.raises(TryAgainError, match=status):
            metadata(status=status)
    with pytest.raises(RefusedError, match="refuses the key: No billing"):
        metadata(status="REQUEST_DENIED", error_message="No billing")
    with pytest.raises(ServiceError, match="malformed"):
        metadata(status="INVALID_REQUEST")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
answers = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["OK", "ZERO_RESULTS", "REQUEST_DENIED"]) | anything,
        "location": st.fixed_dictionaries({"lat": anything, "lng": anything}) | anything,
        "pano_id": anything, "date": anything, "copyright": anything, "error_message": anything,
    },
)  # fmt: skip


@given(st.binary(max_size=50) | answers.map(lambda answer: json.dumps(answer).encode()))
def test_any_answer_ends_in_one_line(body):
    try:
        found = read_metadata(body)
    except (ServiceError, TryAgainError) as error:
        assert "\n" not in str(error)
    else:
        assert found is None or (abs(found.lat) <= 90 and "\n" not in found.attribution)
        assert read_metadata(write_metadata(found).encode()) == found


def test_panoramas_at_zero_are_left_out_and_counted():
    found = [Panorama("a", 0.0, 0, "", ""), Panorama("b", 1.0, 0.0, "", "")]
    wanted, note = _choose(found, Mock(), StreetviewConfig(bbox=(0, 0, 1, 1), num_headings=1))
    assert [each.name for each in wanted] == ["b_000.0.jpg"]
    assert note.startswith("1 panorama, 0 of them of other dates, 1 left out at 0, 0.")
