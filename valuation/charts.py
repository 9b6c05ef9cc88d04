"""Charts of usage as Vega-Lite specifications; pages and documents share their style."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from talent import locales

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
FONT = "Source Sans 3"
INK, SOFT, RULE = "#1c2530", "#5b6773", "#d5dbe1"
# Dark to light, so that the order of the legend holds in greyscale too.
BLUES = ("#1f4e79", "#4a86b8", "#9cc3e2", "#cfdfec")
OUTSIDE = "#d1812f"
CONFIG = {
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 10.5,
        "titleFontSize": 10.5,
        "titleFontWeight": "normal",
        "labelColor": SOFT,
        "titleColor": SOFT,
        "gridColor": RULE,
        "tickColor": RULE,
    },
    "legend": {"labelFontSize": 10.5, "labelColor": INK, "symbolSize": 90, "rowPadding": 3},
}


def config_for(locale: str) -> dict[str, Any]:
    """Return the style of a chart whose axes are written as in a reader's locale."""
    return {**CONFIG, "locale": locales.chart_locale(locale)}


def short_labels(locale: str) -> str:
    """Return the expression of an axis' labels that are as short as a reader writes them: 1.5M."""
    text = "format(datum.value, ',.6~r')"
    for by, before, after in reversed(locales.compact_scale(locale)):
        shortened = f"format(datum.value / {by}, ',.4~r')"
        words = f"{json.dumps(before)} + {shortened} + {json.dumps(after)}"
        text = f"abs(datum.value) >= {by} ? {words} : {text}"
    return f"datum.value === 0 ? '0' : {text}"


ROW_HEIGHT = 26
SMALLEST_HEIGHT = 60


@dataclass(frozen=True, slots=True)
class UsageBar:
    """The number of uses under one name (a month, use or territory), within consent and outside."""

    name: str
    within: int
    outside: int

    @property
    def total(self) -> int:
        return self.within + self.outside


def spec(bars: Sequence[UsageBar], *, within: str, outside: str, axis: str) -> dict[str, Any]:
    """Return a stacked bar chart of the bars in their order, as wide as its container.

    `within` and `outside` name the two series, `axis` the scale of uses.
    """
    values = [
        {"name": bar.name, "series": series, "place": place, "uses": count}
        for bar in bars
        for place, (series, count) in enumerate(((within, bar.within), (outside, bar.outside)))
        if count
    ]
    y = {
        "field": "name",
        "type": "nominal",
        "sort": [bar.name for bar in bars],
        "axis": {"title": None, "domain": False, "ticks": False, "labelColor": INK},
        "scale": {"paddingInner": 0.42, "paddingOuter": 0.12},
    }
    x = {
        "field": "uses",
        "type": "quantitative",
        "stack": "zero",
        "axis": {"title": axis, "tickCount": 4, "format": "~s", "grid": True, "domain": False},
    }
    color = {
        "field": "series",
        "type": "nominal",
        "scale": {"domain": [within, outside], "range": [BLUES[1], OUTSIDE]},
        "legend": {"title": None, "orient": "top", "symbolType": "square"},
    }
    return {
        "$schema": SCHEMA,
        "width": "container",
        "height": max(SMALLEST_HEIGHT, ROW_HEIGHT * len(bars)),
        "background": None,
        "data": {"values": values},
        "mark": {"type": "bar"},
        "encoding": {"y": y, "x": x, "color": color, "order": {"field": "place"}},
        "config": CONFIG,
    }
