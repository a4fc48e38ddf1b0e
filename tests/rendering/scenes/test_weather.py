import numpy as np
import pytest

from placevec.rendering.scenes.weather import WEATHERS, Weather, plan_visit


def test_the_sun_stands_where_its_angles_say():
    sun = Weather("it", 12.0, sun_azimuth_deg=90.0, sun_elevation_deg=30.0).to_sun
    np.testing.assert_allclose(sun, [np.cos(np.pi / 6), 0.0, 0.5], atol=1e-12)


@pytest.mark.parametrize("name", sorted(WEATHERS))
def test_equal_seeds_give_equal_visits(name):
    assert plan_visit(name, (1, 2), 3) == plan_visit(name, (1, 2), 3)
    assert plan_visit(name, (1, 2), 3).weather != plan_visit(name, (1, 3), 3).weather


def test_visits_take_place_at_their_hour_of_their_day():
    visit = plan_visit("night", (0,), 4)
    when = np.datetime64(int(visit.time_s), "s")
    assert str(when).startswith("2024-03-05T2")
    assert abs(visit.weather.hour - 23.0) <= 0.6


@pytest.mark.parametrize(
    ("day", "season"),
    [(0, "spring"), (91, "spring"), (92, "summer"), (183, "summer"), (184, "autumn")]
    + [(274, "autumn"), (275, "winter"), (364, "winter"), (365, "spring")],
)
def test_seasons_change_with_the_date(day, season):
    assert plan_visit("day", (0,), day).season == season


def test_snow_makes_it_winter():
    assert plan_visit("snow", (0,), 100).season == "winter"


def test_the_plain_is_white_under_snow():
    assert min(plan_visit("snow", (0,), 300).weather.earth) > 0.6
    assert max(plan_visit("overcast", (0,), 300).weather.earth) < 0.5


def test_refuses_unknown_weather():
    with pytest.raises(ValueError, match="name='hail'"):
        plan_visit("hail", (0,), 0)
