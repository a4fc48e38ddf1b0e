"""Draws plots as SVG, without scripts or network."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import ArrayLike, NDArray

COLORS = ("#2b6cb0", "#dd7a00", "#2a9d3f", "#8e44ad", "#c0392b", "#16807a")
RIGHT, WRONG, OUTSIDE = "#2a9d3f", "#d1372c", "#dd7a00"
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 400, 270, 46, 12, 12, 40
_MOST_POINTS = 400  # points of a line
_MAP_SIDE = 620
_MANY_DOTS = 2000


@dataclass(frozen=True, eq=False)
class Line:
    """One line of a plot.

    Args:
        label: str.
        x: (n,) float.
        y: (n,) float; NaN breaks the line.
        color: str.
        is_dashed: bool. A dashed line has no entry in the legend: it belongs to the solid line of
            its color.
    """

    label: str
    x: ArrayLike
    y: ArrayLike
    color: str
    is_dashed: bool = False


def draw_lines(
    lines: Sequence[Line],
    x_label: str,
    y_label: str,
    *,
    is_log: bool = False,
) -> str:
    """Draws lines of percentages over a common axis, with a legend below.

    Args:
        lines: sequence of Line.
        x_label: str.
        y_label: str.
        is_log: bool. Whether to draw x on a logarithmic axis; x must then be above 0.

    Returns:
        str. An `<svg>` element. A point shows its values when the mouse is over it.
    """
    every_x = np.concatenate([np.asarray(line.x, float) for line in lines] or [np.zeros(1)])
    low, high = float(np.min(every_x, initial=math.inf)), float(np.max(every_x, initial=-math.inf))
    if not math.isfinite(low):
        low, high = 0.0, 1.0
    high = high if high > low else low + 1
    scale = _Scale((low, high), (_lowest(lines), 100), is_log)
    shapes = [scale.axes(x_label, y_label)]
    for line in lines:
        x, y = (np.asarray(values, float) for values in (line.x, line.y))
        kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), _MOST_POINTS)).astype(int))
        kept = kept[np.isfinite(y[kept])] if len(x) else kept[:0]
        points = list(zip(scale.x(x[kept]), scale.y(y[kept]), strict=True))
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        dash = ' stroke-dasharray="5 4"' if line.is_dashed else ""
        shapes.append(
            f'<polyline points="{path}" fill="none" stroke="{line.color}" '
            f'stroke-width="1.8"{dash}/>'
        )
        shapes += [
            f'<circle cx="{a:.1f}" cy="{b:.1f}" r="{2.5 if len(points) < 40 else 4}" '
            f'fill="{line.color}" fill-opacity="{1 if len(points) < 40 else 0}">'
            f"<title>{escape(line.label)}: {x[at]:g}, {y[at]:.1f}</title></circle>"
            for (a, b), at in zip(points, kept.tolist(), strict=True)
        ]
    named = [line for line in lines if not line.is_dashed]
    for below, line in enumerate(named):
        y = _HEIGHT + 10 + 15 * below
        shapes.append(
            f'<path d="M{_LEFT} {y - 4}h18" stroke="{line.color}" stroke-width="2"/>'
            f'<text x="{_LEFT + 24}" y="{y}" font-size="11">{escape(line.label)}</text>'
        )
    height = _HEIGHT + 15 * len(named) + 6
    return _svg(_WIDTH, height, f"{y_label} over {x_label}", shapes)


def _lowest(lines: Sequence[Line]) -> float:
    """Returns the largest multiple of ten percent below all lines."""
    every = np.concatenate([np.asarray(line.y, float) for line in lines] or [np.zeros(1)])
    lowest = float(np.min(every[np.isfinite(every)], initial=90))
    return 10 * math.floor(lowest / 10)


def draw_histogram(
    groups: Sequence[tuple[str, NDArray[np.floating], str]], x_label: str, *, num_bins: int = 30
) -> str:
    """Draws how the values of several groups are distributed, one over the other.

    Args:
        groups: sequence of (label, values, color).
        x_label: str.
        num_bins: int.

    Returns:
        str. An `<svg>` element.
    """
    every = np.concatenate([values for _, values, _ in groups] or [np.zeros(0)])
    low, high = (float(every.min()), float(every.max())) if len(every) else (0.0, 1.0)
    high = high if high > low else low + 1
    edges = np.linspace(low, high, num_bins + 1)
    counts = [np.histogram(values, edges)[0] for _, values, _ in groups]
    most = max((int(count.max()) for count in counts), default=1) or 1
    scale = _Scale((low, high), (0, most))
    shapes = [scale.axes(x_label, "queries")]
    for number, ((label, values, color), count) in enumerate(zip(groups, counts, strict=True)):
        left, width = scale.x(edges[:-1]), scale.x(edges[1:2])[0] - scale.x(edges[:1])[0]
        top, base = scale.y(count.astype(float)), scale.y(np.zeros(1))[0]
        shapes += [
            f'<rect x="{a:.1f}" y="{b:.1f}" width="{width:.1f}" height="{base - b:.1f}" '
            f'fill="{color}" fill-opacity="0.5"><title>{escape(label)}: {n}</title></rect>'
            for a, b, n in zip(left, top, count.tolist(), strict=True)
            if n
        ]
        shapes.append(
            f'<text x="{_WIDTH - _RIGHT - 4}" y="{_TOP + 14 + 15 * number}" font-size="11" '
            f'text-anchor="end" fill="{color}">{escape(label)}: {len(values)}</text>'
        )
    return _svg(_WIDTH, _HEIGHT, f"distribution of {x_label}", shapes)


def draw_answers_map(
    places_m: NDArray[np.floating],
    colors: Sequence[str],
    titles: Sequence[str],
    database_m: NDArray[np.floating],
    unit: str,
) -> str:
    """Draws queries on a map in the color of their answer, over the database.

    North is up; a bar shows the scale.

    Args:
        places_m: (Q, 2) float. East and north of the queries.
        colors: Q of str.
        titles: Q of str. Text that a dot shows when the mouse is over it.
        database_m: (M, 2) float. East and north of the database photos.
        unit: str. Unit of the positions.

    Returns:
        str. An `<svg>` element. The attribute `data-query` of a dot is the number of the query.
    """
    every = np.concatenate([places_m, database_m])
    low, extents_m = every.min(axis=0), np.ptp(every, axis=0)
    extent_m = max(float(extents_m.max()), 1e-9)
    scale = (_MAP_SIDE - 40) / extent_m
    width, height = (extents_m * scale + (40, 64)).tolist()

    def at(points_m: NDArray[np.floating]) -> list[tuple[float, float]]:
        x, y = ((points_m - low) * scale).T
        return list(zip((x + 20).tolist(), (height - 44 - y).tolist(), strict=True))

    gray = {(round(x), round(y)) for x, y in at(database_m)}
    below = "".join(f"M{x - 1} {y}h2" for x, y in sorted(gray))
    bar_m = 10 ** math.floor(math.log10(extent_m / 2))
    shapes = [f'<path d="{below}" stroke="#bbb" stroke-width="2"/>']
    radius = 3.5 if len(places_m) < _MANY_DOTS else 2
    shapes += [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{color}" data-query="{number}">'
        f"<title>{escape(title)}</title></circle>"
        for number, ((x, y), color, title) in enumerate(
            zip(at(places_m), colors, titles, strict=True)
        )
    ]
    shapes.append(
        f'<path d="M20 {height - 10:.1f}h{bar_m * scale:.1f}" stroke="#333"/>'
        f'<text x="20" y="{height - 15:.1f}" font-size="11">{bar_m:g} {escape(unit)}, north is up'
        "</text>"
    )
    return _svg(max(round(width), _MAP_SIDE // 3), round(height), "map of the queries", shapes)


class _Scale:
    """Converts values to pixels of a plot."""

    def __init__(
        self, x_range: tuple[float, float], y_range: tuple[float, float], is_log: bool = False
    ):
        self._x_range, self._y_range, self._is_log = x_range, y_range, is_log

    def x(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        low, high = self._x_range
        if self._is_log:
            values, low, high = np.log(values), math.log(low), math.log(high)
        return _LEFT + (values - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        low, high = self._y_range
        return _HEIGHT - _BOTTOM - (values - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    def axes(self, x_label: str, y_label: str) -> str:
        parts = []
        for value in _ticks(*self._y_range):
            y = float(self.y(np.array([value]))[0])
            parts.append(
                f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="#e3e3e3"/>'
                f'<text x="{_LEFT - 5}" y="{y + 4:.1f}" font-size="10" text-anchor="end">'
                f"{value:g}</text>"
            )
        for value in (_log_ticks if self._is_log else _ticks)(*self._x_range):
            x = float(self.x(np.array([value]))[0])
            parts.append(
                f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 14}" font-size="10" '
                f'text-anchor="middle">{value:g}</text>'
            )
        middle = (_LEFT + _WIDTH - _RIGHT) / 2
        parts.append(
            f'<text x="{middle}" y="{_HEIGHT - 6}" font-size="11" text-anchor="middle">'
            f"{escape(x_label)}</text>"
            f'<text x="12" y="{(_HEIGHT - _BOTTOM) / 2}" font-size="11" text-anchor="middle" '
            f'transform="rotate(-90 12 {(_HEIGHT - _BOTTOM) / 2})">{escape(y_label)}</text>'
        )
        return "".join(parts)


def _ticks(low: float, high: float) -> list[float]:
    """Returns three to six round values from low to high."""
    power = 10 ** math.floor(math.log10((high - low) / 5))
    step = next(each * power for each in (1, 2, 2.5, 5, 10, 20) if (high - low) / each / power <= 5)
    return [round(n * step, 12) for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    """Returns the values 1, 2 and 5 of each power of ten from low to high."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    return [value for value in every if low <= value <= high]


def _svg(width: int, height: int, label: str, shapes: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'role="img" aria-label="{escape(label)}">{"".join(shapes)}</svg>'
    )
