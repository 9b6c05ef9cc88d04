"""Pictures of worth as Vega-Lite specifications, each with the table that says the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from valuation.charts import BLUES, INK, OUTSIDE, SCHEMA, SOFT, config_for, short_labels

HEIGHT = 220
COLOURS = (BLUES[1], OUTSIDE, BLUES[2], SOFT)
DASHES = ([1, 0], [6, 3], [2, 2], [8, 2, 2, 2])


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart, and the rows of a table with the same figures as a reader writes them."""

    slug: str
    title: str
    spec: dict[str, Any]
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def chart_id(self) -> str:
        """The id of the specification's element on the page."""
        return f"chart-{self.slug}"


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis is called, how its figures are written (d3), and what it is a scale of.

    Without a format figures are as short as the reader writes them.
    """

    title: str
    format: str = ""
    of_days: bool = False
    is_log: bool = False


Point = tuple[str, Any, float]


def curves(
    points: Sequence[Point],
    x: Axis,
    y: Axis,
    locale: str,
    *,
    marks: Sequence[Point] = (),
    width: int | str = "container",
) -> dict[str, Any]:
    """Return a chart of lines.

    A point is (series, where, how much); `marks` are points that a dot stands on, with its text.
    """
    names = list(dict.fromkeys(series for series, _, _ in points))
    legend = {"title": None, "orient": "top", "symbolType": "stroke"} if len(names) > 1 else None
    color = {
        "field": "series",
        "type": "nominal",
        "scale": {"domain": names, "range": list(COLOURS[: len(names)])},
        "legend": legend,
    }
    dash = {
        "field": "series",
        "type": "nominal",
        "scale": {"domain": names, "range": list(DASHES[: len(names)])},
        # The same, so that both are one legend.
        "legend": legend,
    }
    line = {
        "data": {"values": _values(points)},
        "mark": {"type": "line", "strokeWidth": 2.5},
        "encoding": {**_places(x, y, locale), "color": color, "strokeDash": dash},
    }
    return _spec([line, *_dots(marks, x, y, locale)], locale, width=width)


def band(
    points: Sequence[tuple[Any, float, float, float]], x: Axis, y: Axis, locale: str
) -> dict[str, Any]:
    """Return a chart of a line within its range: points are (where, low, base, high)."""
    values = [
        {"x": where, "low": low, "y": base, "high": high} for where, low, base, high in points
    ]
    places = _places(x, y, locale)
    area = {
        "mark": {"type": "area", "color": BLUES[3]},
        "encoding": {
            "x": places["x"],
            "y": {**places["y"], "field": "low"},
            "y2": {"field": "high"},
        },
    }
    line = {
        "mark": {
            "type": "line",
            "color": BLUES[1],
            "strokeWidth": 2.5,
            "point": {"color": BLUES[1]},
        },
        "encoding": places,
    }
    return _spec([area, line], locale, values)


def _values(points: Sequence[Point]) -> list[dict[str, Any]]:
    return [{"series": series, "x": where, "y": much} for series, where, much in points]


def _places(x: Axis, y: Axis, locale: str) -> dict[str, Any]:
    below: dict[str, Any] = {"title": x.title, "grid": False}
    if not x.of_days:
        below |= {**_labels(x, locale), "tickCount": 6, "labelOverlap": "greedy"}
    return {
        "x": {
            "field": "x",
            "type": "temporal" if x.of_days else "quantitative",
            "axis": below,
            **({"scale": {"type": "log"}} if x.is_log else {}),
        },
        "y": {
            "field": "y",
            "type": "quantitative",
            "axis": {"title": y.title, **_labels(y, locale), "tickCount": 5, "domain": False},
            "scale": {"zero": True},
        },
    }


def _labels(axis: Axis, locale: str) -> dict[str, Any]:
    return {"format": axis.format} if axis.format else {"labelExpr": short_labels(locale)}


def _dots(marks: Sequence[Point], x: Axis, y: Axis, locale: str) -> list[dict[str, Any]]:
    if not marks:
        return []
    data = {"values": _values(marks)}
    places = _places(x, y, locale)
    dot = {"data": data, "mark": {"type": "point", "filled": True, "size": 90, "color": OUTSIDE}}
    text = {
        "data": data,
        "mark": {"type": "text", "dy": -12, "color": INK, "fontWeight": "bold", "fontSize": 11.5},
    }
    return [
        {**dot, "encoding": places},
        {**text, "encoding": {**places, "text": {"field": "series"}}},
    ]


def _spec(
    layers: list[dict[str, Any]], locale: str, values: Any = None, width: int | str = "container"
) -> dict[str, Any]:
    data = {} if values is None else {"data": {"values": values}}
    return {
        "$schema": SCHEMA,
        "width": width,
        "height": HEIGHT,
        "background": None,
        **data,
        "layer": layers,
        "config": config_for(locale),
    }
