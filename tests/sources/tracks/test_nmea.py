import numpy as np
import pytest

from placevec.sources.tracks.nmea import read_nmea

MIDNIGHT_S = 1714953600.0  # 2024-05-06T00:00:00Z


def sentence(body):
    total = 0
    for each in body:
        total ^= ord(each)
    return f"${body}*{total:02X}"


def rmc(clock, date="060524", lat="5212.0000,N", lon="00007.2000,E", status="A", talker="GP"):
    return sentence(f"{talker}RMC,{clock},{status},{lat},{lon},1.2,90.0,{date},,,A")


def gga(clock, altitude="14.5", quality="1", lat="5212.0000,N"):
    return sentence(f"GNGGA,{clock},{lat},00007.2000,E,{quality},08,0.9,{altitude},M,47,M,,")


def read(tmp_path, *lines):
    path = tmp_path / "walk.nmea"
    path.write_text("\r\n".join(lines) + "\r\n")
    (piece,) = read_nmea(path)
    return piece


def test_a_sentence_of_the_standards_text_is_read(tmp_path):
    piece = read(tmp_path, "$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A")
    assert piece.times_s.tolist() == [764426119.0]  # 1994-03-23T12:35:19Z
    np.testing.assert_allclose(piece.degrees, [[48 + 7.038 / 60, 11 + 31 / 60]])


def test_sentences_of_one_time_make_one_fix(tmp_path):
    piece = read(tmp_path, rmc("000001.00"), gga("000001.00"), gga("000002.50"), rmc("000002.50"))
    assert (piece.times_s - MIDNIGHT_S).tolist() == [1.0, 2.5]
    np.testing.assert_allclose(piece.degrees, [[52.2, 0.12]] * 2)
    assert piece.altitudes_m.tolist() == [14.5, 14.5]


def test_midnight_begins_a_day(tmp_path):
    lines = [gga("235958"), rmc("235959"), gga("235959"), gga("000000"), rmc("000000", "070524"),
             gga("000001")]  # fmt: skip
    times_s = read(tmp_path, *lines).times_s - MIDNIGHT_S
    assert times_s.tolist() == [86398, 86399, 86400, 86401]
    before = read(tmp_path, gga("235959"), rmc("000000", "060524")).times_s - MIDNIGHT_S
    assert before.tolist() == [-1, 0]


def test_south_and_west_are_negative(tmp_path):
    piece = read(tmp_path, rmc("000001", lat="3330.0000,S", lon="15100.0000,W", talker="GN"))
    assert piece.degrees.tolist() == [[-33.5, -151.0]]


def test_what_stands_before_a_sentence_is_passed_over(tmp_path):
    piece = read(tmp_path, "# log", f"12:00:01.5 {rmc('000001')}", "$GPGSV,3,1,11*00", "noise")
    assert len(piece.times_s) == 1


def test_a_sentence_without_a_checksum_is_read(tmp_path):
    assert len(read(tmp_path, rmc("000001").partition("*")[0]).times_s) == 1


def test_wrong_checksums_and_lost_fixes_are_left_out_and_counted(tmp_path, caplog):
    wrong = rmc("000002").replace("5212", "5312")
    piece = read(tmp_path, rmc("000001"), wrong, rmc("000003", status="V"),
                 gga("000004", quality="0"), rmc("000005", lat=",")
                 , rmc("000006", date="310224"))  # fmt: skip
    assert len(piece.times_s) == 1
    assert "1 sentence with a wrong checksum in " in caplog.text
    assert "4 sentences without a fix in " in caplog.text


@pytest.mark.parametrize(
    ("lines", "match"),
    [
        (["hello"], "must hold NMEA sentences with fixes .RMC, GGA, GNS.. Received: none"),
        ([rmc("000001", status="V")], "Received: 1 without a fix"),
        ([gga("000001")], "must hold RMC sentences, which have the date"),
        ([rmc("250001")], "1 without a fix"),
        ([rmc("000001", lat="9960.0000,N")], "1 without a fix"),
    ],
)
def test_refuses_what_holds_no_fix(tmp_path, refuses, lines, match):
    with refuses(ValueError, match):
        read(tmp_path, *lines)


def test_survives_noise(tmp_path):
    rng = np.random.default_rng(0)
    good = "\n".join(rmc(f"0000{second:02}") for second in range(20)).encode()
    for _ in range(50):
        data = bytearray(good)
        for at in rng.integers(0, len(data), 20):
            data[at] = rng.integers(0, 256)
        (tmp_path / "walk.nmea").write_bytes(data)
        (piece,) = read_nmea(tmp_path / "walk.nmea")
        assert np.isfinite(piece.times_s).all() and np.isfinite(piece.degrees).all()
