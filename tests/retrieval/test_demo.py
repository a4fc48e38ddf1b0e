import cv2
import pytest

from placevec.retrieval import demo


def test_finds_most_places_again_and_draws_them(tmp_path, monkeypatch):
    monkeypatch.setenv("PLACEVEC_CACHE", str(tmp_path / "cache"))
    shown = demo(tmp_path / "demo", "tiny")
    assert shown.num_queries == 12
    assert 6 <= shown.num_right <= 12
    assert str(shown).startswith(f"{shown.num_right} of 12 photos")
    assert str(shown.picture) in str(shown)
    assert cv2.imread(str(shown.picture)).shape[0] > 300
    assert demo(tmp_path / "demo", "tiny") == shown  # once more, over the same store


def test_refuses_a_store_of_another_model(tmp_path, monkeypatch):
    monkeypatch.setenv("PLACEVEC_CACHE", str(tmp_path / "cache"))
    demo(tmp_path / "demo", "tiny")
    with pytest.raises(ValueError, match="model_id"):
        demo(tmp_path / "demo", "small")


def test_a_picture_of_yours_stays(tmp_path):
    (tmp_path / "matches.png").write_text("mine")
    with pytest.raises(FileExistsError, match="was not written by a demo. Name another folder"):
        demo(tmp_path, "tiny")
    assert [each.name for each in tmp_path.iterdir()] == ["matches.png"]
