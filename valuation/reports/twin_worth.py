"""What people read of a twin's worth: its range and change, what wore it, and what a rest does."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext as _

from licensing.models import RuleSet
from licensing.words import Channel, Confidence
from talent import locales
from valuation.models import TwinValuation
from valuation.words import WorthParameter as Parameter
from valuation.worth.pictures import Axis, Picture, band, curves
from valuation.worth.twin.exposure import ZERO
from valuation.worth.twin.figures import Case
from valuation.worth.twin.royalty_relief import DAYS_A_MONTH, Outlook, TwinInputs, seen_then

ONE, HUNDRED = Decimal(1), Decimal(100)
# What a value is compared with: the newest that was at least so many days before.
COMPARED_WITH = timedelta(days=30)
MONTHS_AHEAD = 24
DAYS_SHOWN = 400
ANCHORS = "anchor."


@dataclass(frozen=True, slots=True)
class FigureRow:
    """A figure as its reader reads it."""

    title: str
    value: str
    worst: str
    best: str
    source: str
    confidence: str
    is_assumption: bool


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of an unseen twin's price after some months at rest."""

    months: int
    left: str


@dataclass(frozen=True)
class TwinWorth:
    """One twin's worth at one agency; `until_now` has its valuations to draw a course of."""

    valuation: TwinValuation
    locale: str
    until_now: Sequence[TwinValuation] = ()

    @property
    def inputs(self) -> Mapping[str, Any]:
        told: Mapping[str, Any] = self.valuation.inputs
        return told

    @property
    def told(self) -> Mapping[str, Any]:
        facts: Mapping[str, Any] = self.inputs.get("told", {})
        return facts

    @property
    def earned_last_year(self) -> Decimal:
        return Decimal(self.told.get("earned_last_year", 0))

    @property
    def worn_last_year(self) -> Decimal:
        return Decimal(self.told.get("worn_last_year", 0))

    @property
    def rests(self) -> list[Rest]:
        return [
            Rest(months, self._percent(Decimal(left)))
            for months, left in self.told.get("rests", [])
        ]

    @property
    def rest_changes_nothing(self) -> bool:
        """Whether every rest leaves, as written, what is left today."""
        return all(rest.left == self.left_text for rest in self.rests)

    @property
    def hours(self) -> list[tuple[str, Decimal]]:
        """What was seen in the last year, in hours by channel, the most first."""
        told = [(Channel(name).label, Decimal(hours))
                for name, hours in self.told.get("hours_last_year", {}).items()]  # fmt: skip
        return sorted(told, key=lambda one: -one[1])

    @property
    def hours_in_all(self) -> Decimal:
        return sum((hours for _, hours in self.hours), ZERO)

    @property
    def unmeasured(self) -> int:
        return int(self.told.get("unmeasured", 0))

    @property
    def sources(self) -> list[str]:
        return list(self.inputs.get("sources", []))

    @property
    def figures(self) -> list[FigureRow]:
        return [self._figure(row) for row in self.inputs.get("figures", [])]

    def _figure(self, row: Mapping[str, str]) -> FigureRow:
        confidence = Confidence(row["confidence"])
        values = (locales.quantity(Decimal(row[case.value]), self.locale) for case in Case)
        worst, value, best = values
        name = Parameter(row["parameter"]).label
        channel = row["channel"] and Channel(row["channel"]).label
        return FigureRow(
            title=f"{name} · {channel}" if channel else name,
            value=value,
            worst=worst,
            best=best,
            source=row["source"],
            confidence=confidence.label,
            is_assumption=confidence in (Confidence.UNVERIFIED, Confidence.CONFLICTING),
        )

    @property
    def earned(self) -> list[tuple[str, Decimal]]:
        """What each agreement earned in the last year, net of commission."""
        return [(row[0], Decimal(row[1])) for row in self.inputs.get("earned", [])]

    def money(self, amount: Decimal) -> str:
        return locales.money(amount, self.valuation.currency, self.locale)

    # As its reader writes them

    @property
    def low(self) -> str:
        return self._about(self.valuation.low)

    @property
    def base(self) -> str:
        return self._about(self.valuation.base)

    @property
    def high(self) -> str:
        return self._about(self.valuation.high)

    def _about(self, amount: Decimal) -> str:
        """Write an estimate to three figures: its cents are nothing that anybody knows."""
        return locales.about(amount, self.valuation.currency, self.locale)

    @property
    def tax_text(self) -> str:
        return self.money(self.valuation.tax_benefit)

    @property
    def earned_text(self) -> str:
        return self.money(self.earned_last_year)

    @property
    def worn_text(self) -> str:
        return self.money(self.worn_last_year)

    @property
    def hours_text(self) -> str:
        return locales.quantity(self.hours_in_all.quantize(Decimal("0.1")), self.locale)

    @property
    def left_text(self) -> str:
        return self._percent(self.valuation.price_left)

    @property
    def before_text(self) -> str:
        return self._percent(Decimal(self.told.get("price_left_a_year_ago", 1)))

    @property
    def earned_rows(self) -> list[tuple[str, str]]:
        return [(reference, self.money(amount)) for reference, amount in self.earned]

    # Pictures

    def pictures(self, *, ahead: str = "ahead", over: str = "over-time") -> list[Picture]:
        """Return the price left in the months to come, and what it was worth until now.

        One valuation alone is no course: it is drawn from the second on.
        """
        until_now = self._over_time(over)
        return [self._ahead(ahead), *([until_now] if len(until_now.rows) > 1 else [])]

    def _ahead(self, slug: str) -> Picture:
        """Draw the price left where use goes on as last year, and where the twin rests."""
        case = self.inputs.get("cases", {}).get(Case.BASE.value)
        points: list[tuple[str, int, Decimal]] = []
        going_on, resting = _("As last year"), _("At rest")
        if case:
            inputs = msgspec.convert(case, TwinInputs)
            for months in range(MONTHS_AHEAD + 1):
                points.append((going_on, months, _left(inputs, inputs.outlook, months)))
                rest = Outlook(inputs.outlook.levels, {}, inputs.outlook.congruence,
                               inputs.outlook.concentration)  # fmt: skip
                points.append((resting, months, _left(inputs, rest, months)))
        rows = [
            [str(months), *(self._percent(left) for _, at, left in points if at == months)]
            for months in range(0, MONTHS_AHEAD + 1, 3)
        ]
        return Picture(
            slug,
            _("What is left of an unseen twin’s price"),
            curves(
                [(series, months, float(left)) for series, months, left in points],
                Axis(_("months from now")),
                Axis(_("price left"), format=".0%"),
                self.locale,
            ),
            [_("Months from now"), going_on, resting],
            rows if points else [],
        )

    def _percent(self, part: Decimal) -> str:
        return locales.percent((part * HUNDRED).quantize(Decimal("0.1")), self.locale)

    def _over_time(self, slug: str) -> Picture:
        rows = self.until_now
        points = [
            (row.as_of.isoformat(), float(row.low), float(row.base), float(row.high))
            for row in rows
        ]
        table = [
            [locales.day(row.as_of, self.locale),
             *(self.money(amount) for amount in (row.low, row.base, row.high))]
            for row in reversed(rows[-MONTHS_AHEAD:])
        ]  # fmt: skip
        return Picture(
            slug,
            _("What it was worth, with its range"),
            band(points, Axis("", of_days=True), Axis(self.valuation.currency), self.locale),
            [_("As of"), _("Low"), _("Base"), _("High")],
            table,
        )


def _left(inputs: TwinInputs, outlook: Outlook, months: int) -> Decimal:
    return seen_then(months * DAYS_A_MONTH, outlook, (), inputs.rules)[1]


def told(valuations: Sequence[TwinValuation], locale: str) -> list[TwinWorth]:
    """Return what is read of some valuations, each with those of the same twin before it.

    The course of all is one query; of a day's several valuations the newest counts.
    """
    if not valuations:
        return []
    days = [one.as_of for one in valuations]
    rows = (
        TwinValuation.objects.filter(
            agency__in={one.agency_id for one in valuations},
            twin__in={one.twin_id for one in valuations},
            as_of__lte=max(days),
            as_of__gt=min(days) - timedelta(days=DAYS_SHOWN),
        )
        .defer("inputs")
        .order_by("agency", "twin", "currency", "as_of", "-pk")
        .distinct("agency", "twin", "currency", "as_of")
    )
    courses = defaultdict(list)
    for row in rows:
        courses[_course_of(row)].append(row)
    return [
        TwinWorth(one, locale, [row for row in courses[_course_of(one)] if _is_before(row, one)])
        for one in valuations
    ]


def _course_of(valuation: TwinValuation) -> tuple[int, int, str]:
    return valuation.agency_id, valuation.twin_id, valuation.currency


def _is_before(row: TwinValuation, valuation: TwinValuation) -> bool:
    return timedelta(0) <= valuation.as_of - row.as_of < timedelta(days=DAYS_SHOWN)


def newest(rows: QuerySet[TwinValuation]) -> QuerySet[TwinValuation]:
    """Return the newest valuation of each twin at each agency, of those that are given.

    Each with `earlier`, the base of the newest that was at least a month before, if any.
    """
    last = rows.order_by("agency", "twin", "-as_of", "-pk").distinct("agency", "twin")
    before = TwinValuation.objects.filter(
        agency=OuterRef("agency"),
        twin=OuterRef("twin"),
        currency=OuterRef("currency"),
        as_of__lte=OuterRef("as_of") - COMPARED_WITH,
    ).order_by("-as_of", "-pk")
    found = TwinValuation.objects.filter(pk__in=last.values("pk"))
    return found.annotate(
        earlier=Subquery(before.values("base")[:1]), change=F("base") - F("earlier")
    )


@dataclass(frozen=True, slots=True)
class Anchor:
    """A price that the market was told to have paid, with how sure that is."""

    title: str
    summary: str
    amount: str
    source: str
    confidence: str


def anchors(locale: str) -> Iterator[Anchor]:
    """Yield what was told of prices of likenesses: to compare with, never reckoned with."""
    for rule in RuleSet.objects.filter(code__startswith=ANCHORS).order_by("code"):
        amount = Decimal(str(rule.values["amount"]))
        yield Anchor(
            rule.title,
            rule.summary,
            locales.money(amount, str(rule.values["currency"]), locale),
            rule.source,
            Confidence(rule.confidence).label,
        )
