"""Weather and visits: the light, sky, air and date of photos."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

SEASONS = ("spring", "summer", "autumn", "winter")
_FIRST_DAY_S = 1709251200  # 1 March 2024, 00:00 UTC


@dataclass(frozen=True)
class Weather:
    """Light, sky, air and camera of one kind of weather. Colors are RGB factors, about 0 to 1.

    Args:
        name: str. The note in file names.
        hour: float. Time of day, in hours.
        sun_azimuth_deg: float. Direction of the sun, clockwise from north.
        sun_elevation_deg: float. Its height above the horizon.
        sun: (r, g, b). Light of the sun; black if it does not shine.
        ambient: (r, g, b). Light from all around.
        zenith: (r, g, b). Color of the sky overhead.
        horizon: (r, g, b). Color of the sky at the horizon, and of haze and fog.
        clouds: float. Share of clouds, 0 to 1.
        haze: float. Share of light that the air absorbs per metre.
        lamps: float. How strongly street lamps and windows shine, 0 to 1.
        gamma: float. Exponent of the tone curve; above 1 darkens the shadows.
        noise: float. Standard deviation of the camera's noise, in gray levels.
        bloom: float. How far bright lights shine into their surroundings, 0 to 1.
        wetness: float. How wet the ground is, 0 to 1.
        snow: float. How much snow covers surfaces that face up, 0 to 1.
    """

    name: str
    hour: float
    sun_azimuth_deg: float = 180.0
    sun_elevation_deg: float = 45.0
    sun: tuple[float, float, float] = (0.0, 0.0, 0.0)
    ambient: tuple[float, float, float] = (0.6, 0.6, 0.62)
    zenith: tuple[float, float, float] = (0.3, 0.5, 0.8)
    horizon: tuple[float, float, float] = (0.75, 0.84, 0.93)
    clouds: float = 0.3
    haze: float = 0.0008
    lamps: float = 0.0
    gamma: float = 1.0
    noise: float = 2.0
    bloom: float = 0.0
    wetness: float = 0.0
    snow: float = 0.0

    @property
    def to_sun(self) -> NDArray[np.float64]:
        """(3,) float64. Unit vector to the sun: east, north, up."""
        azimuth, elevation = np.deg2rad([self.sun_azimuth_deg, self.sun_elevation_deg])
        level = np.cos(elevation)
        return np.array([level * np.sin(azimuth), level * np.cos(azimuth), np.sin(elevation)])

    @property
    def earth(self) -> tuple[float, float, float]:
        """(r, g, b) in [0, 1]. Color of the plain far away."""
        bare, snowy = np.array([0.42, 0.44, 0.38]), np.array([0.9, 0.92, 0.95])
        earth = (bare + (snowy - bare) * self.snow) * self.ambient
        return tuple(np.clip(earth, 0, 1).tolist())


WEATHERS = {
    weather.name: weather
    for weather in (
        Weather("day", 11.0, 150.0, 52.0, (0.66, 0.62, 0.55), (0.66, 0.68, 0.72), clouds=0.35),
        Weather("afternoon", 16.0, 245.0, 34.0, (0.74, 0.62, 0.44), (0.58, 0.6, 0.66), clouds=0.5),
        Weather(
            "overcast",
            13.0,
            ambient=(0.82, 0.84, 0.88),
            zenith=(0.62, 0.66, 0.7),
            horizon=(0.8, 0.82, 0.84),
            clouds=0.9,
            haze=0.002,
        ),
        Weather(
            "fog",
            9.0,
            ambient=(0.74, 0.76, 0.78),
            zenith=(0.72, 0.74, 0.76),
            horizon=(0.76, 0.78, 0.8),
            clouds=0.0,
            haze=0.011,
            noise=3.0,
        ),
        Weather(
            "dusk",
            20.5,
            sun_azimuth_deg=295.0,
            sun_elevation_deg=5.0,
            sun=(0.4, 0.2, 0.06),
            ambient=(0.54, 0.49, 0.56),
            zenith=(0.2, 0.24, 0.45),
            horizon=(0.86, 0.62, 0.5),
            clouds=0.45,
            haze=0.002,
            lamps=0.55,
            noise=3.5,
            bloom=0.35,
        ),
        Weather(
            "night",
            23.0,
            ambient=(0.36, 0.36, 0.45),
            zenith=(0.02, 0.03, 0.08),
            horizon=(0.1, 0.1, 0.16),
            clouds=0.1,
            haze=0.002,
            lamps=1.0,
            noise=4.5,
            bloom=0.8,
        ),
        Weather(
            "rain",
            15.0,
            ambient=(0.6, 0.63, 0.68),
            zenith=(0.42, 0.45, 0.49),
            horizon=(0.6, 0.63, 0.66),
            clouds=0.9,
            haze=0.004,
            lamps=0.3,
            noise=3.5,
            bloom=0.25,
            wetness=1.0,
        ),
        Weather(
            "snow",
            12.0,
            ambient=(0.8, 0.83, 0.9),
            zenith=(0.72, 0.74, 0.78),
            horizon=(0.82, 0.84, 0.87),
            clouds=0.8,
            haze=0.004,
            noise=2.5,
            snow=1.0,
        ),
    )
}


@dataclass(frozen=True)
class Visit:
    """One trip through a scenery, in one kind of weather.

    Args:
        weather: Weather. The weather of the visit.
        seed: tuple of int. Seed of parked cars, passers-by, clouds and the camera's jitter.
        time_s: float. Start of the visit, in seconds since 1970, UTC.
    """

    weather: Weather
    seed: tuple[int, ...]
    time_s: float

    @property
    def season(self) -> str:
        """One of `SEASONS`, by the date on the northern hemisphere; with snow always winter."""
        if self.weather.snow > 0:
            return "winter"
        month = int(np.datetime64(int(self.time_s), "s").astype("datetime64[M]").astype(int)) % 12
        return SEASONS[(month - 2) % 12 // 3]


def plan_visit(name: str, seed: tuple[int, ...], day: int) -> Visit:
    """Plans a visit: a kind of weather with small random changes.

    Args:
        name: str. One of `WEATHERS`.
        seed: tuple of int. Equal seeds give equal visits.
        day: int. Day of the visit, counted from 1 March 2024.

    Returns:
        A `Visit`.
    """
    if name not in WEATHERS:
        names = ", ".join(sorted(WEATHERS))
        raise ValueError(f"`name` must be one of {names}. Received: name={name!r}")
    rng = np.random.default_rng(seed)
    kind = WEATHERS[name]
    exposure, warmth = rng.uniform(0.86, 1.12), rng.uniform(-0.06, 0.06)
    balance = exposure * np.array([1 + warmth, 1.0, 1 - warmth])
    hour = kind.hour + float(rng.uniform(-0.6, 0.6))
    weather = replace(
        kind,
        hour=hour,
        sun_azimuth_deg=kind.sun_azimuth_deg + float(rng.uniform(-20, 20)),
        sun_elevation_deg=kind.sun_elevation_deg + float(rng.uniform(-4, 4)),
        sun=_times(kind.sun, balance),
        ambient=_times(kind.ambient, balance),
        zenith=_times(kind.zenith, balance),
        horizon=_times(kind.horizon, balance),
        haze=kind.haze * float(rng.uniform(0.8, 1.25)),
        gamma=kind.gamma * float(rng.uniform(0.9, 1.1)),
    )
    return Visit(weather, tuple(seed), float(_FIRST_DAY_S + day * 86400 + round(hour * 3600)))


def _times(color: tuple, balance: NDArray[np.float64]) -> tuple:
    return tuple(float(v) for v in np.asarray(color) * balance)
