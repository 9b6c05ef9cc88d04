"""The usage chart of a statement as a Vega-Lite specification: months down, quantity across."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from talent.words import Use
from valuation.charts import BLUES, CONFIG, INK, OUTSIDE, SCHEMA
from valuation.statements.snapshot import ZERO, MonthChart

NAMED_USES = 3


def spec(
    chart: MonthChart,
    *,
    use_names: Mapping[Use, str],
    other: str,
    outside: str,
    axis: str,
    month: Callable[[date], str],
    quantity: Callable[[Decimal], str],
    width: int = 280,
) -> dict[str, Any]:
    """Return the specification of a stacked bar chart.

    The uses with the largest quantities are series of their own, the rest is one named `other`. Use
    outside consent, named `outside`, comes last. `month` and `quantity` write labels in
    the reader's locale; `width` is in pixels.
    """
    series = _series(chart, use_names=use_names, other=other, outside=outside)
    months = sorted({bar.month for bar in chart.bars})
    names = list(dict.fromkeys(name for name, _ in sorted(series, key=lambda s: s[1])))
    values = _values(chart, series, month)
    totals = [
        {"month": month(start), "quantity": float(total), "text": quantity(total)}
        for start, total in _totals(chart).items()
    ]
    y = {
        "field": "month",
        "type": "nominal",
        "sort": [month(start) for start in months],
        "axis": {"title": None, "domain": False, "ticks": False, "labelColor": INK},
        "scale": {"paddingInner": 0.42, "paddingOuter": 0.12},
    }
    x = {
        "field": "quantity",
        "type": "quantitative",
        "stack": "zero",
        "axis": {"title": axis, "tickCount": 4, "format": "~s", "grid": True, "domain": False},
    }
    color = {
        "field": "series",
        "type": "nominal",
        "scale": {"domain": names, "range": _colours(names, outside)},
        "legend": {"title": None, "orient": "right", "symbolType": "square", "offset": 34},
    }
    bars = {
        "data": {"values": values},
        "mark": {"type": "bar"},
        "encoding": {"y": y, "x": x, "color": color, "order": {"field": "place"}},
    }
    sums = {
        "data": {"values": totals},
        "mark": {"type": "text", "align": "left", "dx": 5, "color": INK, "fontSize": 10.5},
        "encoding": {
            "y": y,
            "x": {"field": "quantity", "type": "quantitative"},
            "text": {"field": "text", "type": "nominal"},
        },
    }
    return {
        "$schema": SCHEMA,
        "width": width,
        "height": max(34, 26 * len(months)),
        "background": None,
        "layer": [bars, sums],
        "config": CONFIG,
    }


def _series(
    chart: MonthChart, *, use_names: Mapping[Use, str], other: str, outside: str
) -> list[tuple[str, int]]:
    """Return the series name and legend position of each bar, in the order of the bars."""
    sums: dict[Use, Decimal] = {}
    for bar in chart.bars:
        if not bar.outside_consent:
            sums[bar.use] = sums.get(bar.use, ZERO) + bar.quantity
    largest = sorted(sums, key=lambda use: (-sums[use], use))
    named = largest if len(largest) <= NAMED_USES + 1 else largest[:NAMED_USES]
    places = {use: place for place, use in enumerate(named)}
    result = []
    for bar in chart.bars:
        if bar.outside_consent:
            result.append((outside, len(BLUES)))
        elif bar.use in places:
            result.append((use_names[bar.use], places[bar.use]))
        else:
            result.append((other, NAMED_USES))
    return result


def _values(
    chart: MonthChart, series: list[tuple[str, int]], month: Callable[[date], str]
) -> list[dict[str, Any]]:
    return [
        {
            "month": month(bar.month),
            "series": name,
            "place": place,
            "quantity": float(bar.quantity),
        }
        for bar, (name, place) in zip(chart.bars, series, strict=True)
    ]


def _totals(chart: MonthChart) -> dict[date, Decimal]:
    totals: dict[date, Decimal] = {}
    for bar in chart.bars:
        totals[bar.month] = totals.get(bar.month, ZERO) + bar.quantity
    return totals


def _colours(names: list[str], outside: str) -> list[str]:
    return [OUTSIDE if name == outside else BLUES[place] for place, name in enumerate(names)]
