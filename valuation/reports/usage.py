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
from valuation.models import NightRun
from valuation.models.residuals import AddedUpQuerySet

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


def charts(
    *,
    months: AddedUpQuerySet,
    totals: AddedUpQuerySet,
    locale: str,
) -> list[ChartWithTable]:
    """Return charts by month, use and territory, in the reader's locale; none without use.

    Of what nights have read of the given usage months and totals, which tell of the same uses.
    """
    last_night = NightRun.objects.order_by("-pk").values("as_of")[:1]
    months, totals = (rows.read().happened_by(Subquery(last_night)) for rows in (months, totals))
    by_month = _bars(
        months, "month_on", lambda on: locales.month(on, locale), "-month_on", MOST_MONTHS
    )
    if not by_month:
        return []
    most = "-sum"
    uses = _bars(months, "use", lambda code: Use(code).label, most, MOST_NAMES)
    places = _bars(totals, "territory", lambda c: locales.territory(c, locale), most, MOST_NAMES)
    return [
        _chart("month", _("By month"), _("Month"), by_month[::-1]),
        _chart("use", _("By use"), _("Use"), uses),
        _chart("territory", _("By territory"), _("Territory"), places),
    ]


def _chart(slug: str, title: str, name: str, bars: list[UsageBar]) -> ChartWithTable:
    drawn = spec(bars, within=_("Within consent"), outside=_("Outside consent"), axis=_("uses"))
    return ChartWithTable(slug, title, name, bars, drawn)


def _bars(
    rows: QuerySet[Any], field: str, named: Callable[[Any], str], order: str, most: int
) -> list[UsageBar]:
    sums = (
        rows.order_by()
        .values(name=F(field))
        .annotate(
            within=Sum("events", filter=CLEARED, default=0),
            outside=Sum("events", filter=~CLEARED, default=0),
            sum=Sum("events"),
        )
        .order_by(order.replace(field, "name"), "name")
    )
    return [UsageBar(named(row["name"]), row["within"], row["outside"]) for row in sums[:most]]
