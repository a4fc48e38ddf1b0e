import pytest

from placevec.cli import main


@pytest.mark.parametrize(
    ("service", "flags"),
    [
        ("streetview", ["--bbox", "--pano-ids", "--fov-deg", "--dry-run", "--max-requests"]),
        ("mapillary", ["--track", "--radius-m", "--thumb", "--from-date", "--graph-url"]),
    ],
)
def test_help_names_what_a_service_takes(service, flags, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["collect", service, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert all(flag in text for flag in flags)


def test_collecting_needs_a_key_in_the_environment(refused_in_one_line, monkeypatch, tmp_path):
    monkeypatch.delenv("MAPILLARY_ACCESS_TOKEN", raising=False)
    arguments = ["collect", "mapillary", "--bbox", "1", "2", "3", "4", "--out", tmp_path / "a"]
    assert "MAPILLARY_ACCESS_TOKEN" in refused_in_one_line(arguments)
    assert not (tmp_path / "a").exists()
