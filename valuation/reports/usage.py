"""Uses counted by month, use and territory, from the totals of the nights."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q, QuerySet, Subquery, Sum
from django.utils.translation import gettext as _

from licensing.words import Standing
from talent import locales
from talent.words import Use
from valuation.charts import UsageBar, spec
from valuation.models import NightRun, UsageTotal
from valuation.models.residuals import UsageTotalQuerySet

MOST_MONTHS = 24
MOST_NAMES = 12
CLEARED = Q(standing=Standing.CLEARED.value)


@dataclass(frozen=True)
class ChartWithTable:
    """A chart, and the rows of a table with the same figures."""

    slug: str
    title: str
    name: str
    bars: list[UsageBar]
    spec: dict[str, Any]

    @property
    def chart_id(self) -> str:
        """The id of the specification's element on the page."""
        return f"chart-{self.slug}"


def charts(totals: UsageTotalQuerySet, locale: str) -> list[ChartWithTable]:
    """Return charts by month, use and territory, in the reader's locale; none without use."""
    last_night = NightRun.objects.order_by("-pk").values("as_of")[:1]
    totals = totals.happened_by(Subquery(last_night))
    months = _bars(
        totals, "month_on", lambda on: locales.month(on, locale), "-month_on", MOST_MONTHS
    )
    if not months:
        return []
    most = "-sum"
    uses = _bars(totals, "use", lambda code: Use(code).label, most, MOST_NAMES)
    places = _bars(totals, "territory", lambda c: locales.territory(c, locale), most, MOST_NAMES)
    return [
        _chart("month", _("By month"), _("Month"), months[::-1]),
        _chart("use", _("By use"), _("Use"), uses),
        _chart("territory", _("By territory"), _("Territory"), places),
    ]


def _chart(slug: str, title: str, name: str, bars: list[UsageBar]) -> ChartWithTable:
    drawn = spec(bars, within=_("Within consent"), outside=_("Outside consent"), axis=_("uses"))
    return ChartWithTable(slug, title, name, bars, drawn)


def _bars(
    totals: QuerySet[UsageTotal], field: str, named: Callable[[Any], str], order: str, most: int
) -> list[UsageBar]:
    rows = (
        totals.order_by()
        .values(name=F(field))
        .annotate(
            within=Sum("events", filter=CLEARED, default=0),
            outside=Sum("events", filter=~CLEARED, default=0),
            sum=Sum("events"),
        )
        .order_by(order.replace(field, "name"), "name")
    )
    return [UsageBar(named(row["name"]), row["within"], row["outside"]) for row in rows[:most]]
