"""The charts of a valuation as Vega-Lite, and the small curves of inputs as SVG.

One specification each for page and paper; labels come written in the reader's locale.
"""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from valuation.charts import BLUES, INK, RULE, SCHEMA, SOFT, config_for, short_labels

GAIN, COST, NET = "#2c6cb0", "#bf5a2b", "#1f4e79"
# Seen on white and on black alike.
RANGE = "#64748b"
NARROW = 420
# Longer names of inputs go on in a second line.
NAME_WIDTH = 20
NAME_ROOM = 125
# What V's amount needs beside its bar.
ROOM_RIGHT = {"left": 5, "top": 5, "right": 36, "bottom": 5}
CURVE_WIDTH, CURVE_HEIGHT = 132, 36

Short = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Look:
    """For whom a chart is drawn: in which currency and locale, and how wide."""

    currency: str
    locale: str
    width: int | str


@dataclass(frozen=True, slots=True)
class Step:
    """A bar of the waterfall: what it is called, what it adds, a word below it, where it leads."""

    name: str
    amount: float
    below: str
    href: str


def waterfall(
    steps: Sequence[Step],
    net: Step,
    low: float,
    high: float,
    short: Short,
    look: Look,
) -> dict[str, Any]:
    """Return the bars that lead from nothing to V, and V with its range from P5 to P95."""
    bars, links, sum_ = [], [], 0.0
    for place, step in enumerate(steps):
        begins, sum_ = sum_, sum_ + step.amount
        bars.append(_bar(step, begins, sum_, short, "gain" if step.amount >= 0 else "cost"))
        after = steps[place + 1].name if place + 1 < len(steps) else net.name
        links.append({"from": step.name, "to": after, "at": sum_})
    worth = _bar(net, 0.0, net.amount, short, "net")
    names = [step.name for step in (*steps, net)]
    x = {
        "field": "name",
        "type": "nominal",
        "sort": None,
        "axis": {
            "title": None, "ticks": False, "labelColor": INK, "labelPadding": 6, "domain": False,
            "labelOverlap": False,
            # On a phone the names of neighbours would run into each other.
            "labelAngle": {"expr": f"width < {NARROW} ? -40 : 0"},
            "labelAlign": {"expr": f"width < {NARROW} ? 'right' : 'center'"},
            "labelBaseline": {"expr": f"width < {NARROW} ? 'middle' : 'top'"},
        },
        "scale": {"domain": names, "paddingInner": 0.35, "paddingOuter": 0.15},
    }  # fmt: skip
    y = {"type": "quantitative", "axis": _money_axis(look)}
    amounts = {
        "data": {"values": [*bars, worth]},
        "mark": {"type": "bar", "cornerRadius": 2},
        "encoding": {
            "x": x,
            "y": {**y, "field": "begins"},
            "y2": {"field": "ends"},
            "href": {"field": "href"},
            "tooltip": [{"field": "name"}, {"field": "text"}],
            "color": {
                "field": "kind",
                "type": "nominal",
                "scale": {"domain": ["gain", "cost", "net"], "range": [GAIN, COST, NET]},
                "legend": None,
            },
        },
    }
    # What costs is written below its bar, so that neighbours do not touch on a phone.
    rises = [bar for bar in bars if bar["kind"] == "gain"]
    falls = [{**bar, "top": min(bar["begins"], bar["ends"])} for bar in bars if bar not in rises]
    texts = [_texts(rises, x, y), _texts(falls, x, y, dy=12)]
    # Beside its range, at the height of V: at the end of the range it would be read as that end.
    net_text = _texts([worth], x, y, align="left", dx=8)
    ranges = {
        "data": {"values": [{"name": net.name, "low": low, "high": high}]},
        "mark": {"type": "bar", "size": 3, "color": RANGE},
        "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
    }
    joints = {
        "data": {"values": links},
        "mark": {"type": "rule", "color": RULE, "strokeDash": [3, 3]},
        "encoding": {
            "x": {**x, "field": "from"},
            "x2": {"field": "to"},
            "y": {**y, "field": "at"},
        },
    }
    chart = _chart([joints, amounts, *texts, ranges, net_text], look, 300)
    return {**chart, "padding": ROOM_RIGHT}


def _texts(
    bars: Sequence[dict[str, Any]], x: dict[str, Any], y: dict[str, Any], **placed: Any
) -> dict[str, Any]:
    return {
        "data": {"values": list(bars)},
        "mark": {"type": "text", "dy": -8, "fontWeight": "bold", "color": INK,
                 "fontSize": {"expr": f"width < {NARROW} ? 10 : 12"}, **placed},
        "encoding": {
            "x": x,
            "y": {**y, "field": "top"},
            "text": {"field": "text", "type": "nominal"},
        },
    }  # fmt: skip


def _bar(step: Step, begins: float, ends: float, short: Short, kind: str) -> dict[str, Any]:
    sign = "+" if kind == "gain" and step.amount > 0 else ""
    return {
        "name": step.name,
        "begins": begins,
        "ends": ends,
        "top": max(begins, ends),
        "text": f"{sign}{short(step.amount)}",
        "kind": kind,
        "href": step.href,
    }


@dataclass(frozen=True, slots=True)
class Swung:
    """V with one input at its P10 and at its P90."""

    name: str
    low: float
    high: float


def tornado(swings: Sequence[Swung], middle: float, look: Look) -> dict[str, Any]:
    """Return a bar for each input from V at its P10 to V at its P90, the widest on top."""
    names = {one: "\n".join(textwrap.wrap(one.name, NAME_WIDTH)) for one in swings}
    values = [
        {"name": names[one], "from": middle, "to": end, "kind": "gain" if end >= middle else "cost"}
        for one in swings
        for end in (one.low, one.high)
    ]
    y = {
        "field": "name",
        "type": "nominal",
        "sort": list(names.values()),
        "axis": {"title": None, "domain": False, "ticks": False, "labelColor": INK,
                 "minExtent": NAME_ROOM,
                 "labelExpr": r"split(datum.label, '\n')"},
        "scale": {"paddingInner": 0.45},
    }  # fmt: skip
    x = {"type": "quantitative", "axis": _money_axis(look, 3), "scale": {"zero": False}}
    bars = {
        "data": {"values": values},
        "mark": {"type": "bar"},
        "encoding": {
            "y": y,
            "x": {**x, "field": "from"},
            "x2": {"field": "to"},
            "color": {
                "field": "kind",
                "type": "nominal",
                "scale": {"domain": ["gain", "cost"], "range": [GAIN, COST]},
                "legend": None,
            },
        },
    }
    return _chart([bars], look, max(60, 30 * len(swings)))


def histogram(
    edges: Sequence[float], counts: Sequence[int], axis: str, look: Look
) -> dict[str, Any]:
    """Return how often V came to how much; what costs more than it brings has the other colour."""
    values = [
        {"from": low, "to": high, "count": count, "kind": "cost" if high <= 0 else "gain"}
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    bars = {
        "data": {"values": values},
        "mark": {"type": "bar", "binSpacing": 0},
        "encoding": {
            "x": {"field": "from", "type": "quantitative", "axis": _money_axis(look, 5),
                  "bin": {"binned": True}},
            "x2": {"field": "to"},
            "y": {"field": "count", "type": "quantitative",
                  "axis": {"title": axis, "tickCount": 3, "domain": False}},
            "color": {
                "field": "kind",
                "type": "nominal",
                "scale": {"domain": ["gain", "cost"], "range": [BLUES[1], COST]},
                "legend": None,
            },
        },
    }  # fmt: skip
    return _chart([bars], look, 140)


def flows(
    months: Sequence[str], amounts: Sequence[float], so_far: str, look: Look
) -> dict[str, Any]:
    """Return V's mean by month as bars, and what it has come to by then as a line."""
    values, sum_ = [], 0.0
    for place, (month, amount) in enumerate(zip(months, amounts, strict=True)):
        sum_ += amount
        values.append({"month": month, "place": place, "amount": amount, "sum": sum_,
                       "kind": "gain" if amount >= 0 else "cost"})  # fmt: skip
    x = {
        "field": "month",
        "type": "ordinal",
        "sort": list(months),
        "axis": {
            "title": None,
            "labelAngle": 0,
            "labelOverlap": "greedy",
            "labelSeparation": 14,
            "ticks": False,
        },
    }
    y = {"type": "quantitative", "axis": _money_axis(look)}
    bars = {
        "mark": {"type": "bar"},
        "encoding": {
            "x": x,
            "y": {**y, "field": "amount"},
            "color": {
                "field": "kind",
                "type": "nominal",
                "scale": {"domain": ["gain", "cost"], "range": [BLUES[1], COST]},
                "legend": None,
            },
        },
    }
    line = {
        "mark": {"type": "line", "color": RANGE, "strokeWidth": 2, "interpolate": "step-after"},
        "encoding": {"x": x, "y": {**y, "field": "sum"}},
    }
    chart = _chart([bars, line], look, 160)
    return {**chart, "data": {"values": values}, "title": {"text": so_far, "anchor": "start",
            "fontSize": 10.5, "fontWeight": "normal", "color": SOFT}}  # fmt: skip


def _money_axis(look: Look, ticks: int = 5) -> dict[str, Any]:
    return {"title": look.currency, "tickCount": ticks, "grid": True, "domain": False,
            "ticks": False, "labelExpr": short_labels(look.locale)}  # fmt: skip


def _chart(layers: list[dict[str, Any]], look: Look, height: int) -> dict[str, Any]:
    return {
        "$schema": SCHEMA,
        "width": look.width,
        "height": height,
        "background": None,
        "layer": layers,
        "config": config_for(look.locale),
    }


def curve_path(points: Sequence[tuple[float, float]]) -> str:
    """Return the path of a small SVG of CURVE_WIDTH × CURVE_HEIGHT for a distribution's points.

    Single values are upright lines, densities a filled shape.
    """
    low, high = points[0][0], points[-1][0]
    spread = high - low

    def place(value: float, height: float) -> str:
        x = (value - low) / spread * (CURVE_WIDTH - 4) + 2 if spread else CURVE_WIDTH / 2
        return f"{x:.1f} {CURVE_HEIGHT - 2 - height * (CURVE_HEIGHT - 4):.1f}"

    if len(points) < 3 or points[0][1]:
        return " ".join(f"M{place(value, 0)}L{place(value, height)}" for value, height in points)
    return "M" + "L".join(place(value, height) for value, height in points) + "Z"
