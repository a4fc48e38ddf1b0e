from placevec.config import TownRenderConfig
from placevec.networks.photos import draw_photos
from placevec.sources import open_places


def test_draws_each_place_by_day_and_in_other_weather(tmp_path):
    town = TownRenderConfig(
        image_size=(32, 48), num_streets=1, num_validation_streets=1, places_per_street=16,
        points=False, num_workers=1,
    )  # fmt: skip
    (tmp_path / "photos" / "old").mkdir(parents=True)
    out = draw_photos(tmp_path / "photos", town=town, num_places=3)
    photos = open_places(f"folder:{out}")
    assert len(photos.queries) == 3
    assert 1 <= len(photos.database) <= 3
    assert not (out / "old").exists()
    for query in photos.queries:
        apart_m = abs(photos.positions_m[photos.database] - photos.positions_m[query]).max(axis=1)
        assert apart_m.min() < 10
