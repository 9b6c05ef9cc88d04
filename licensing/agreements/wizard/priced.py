"""Priced: which prices a draft could begin with, what floors ask for, and what it will come to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from licensing.agreements.rates import line_floors
from licensing.agreements.rates.floors import Floor
from licensing.agreements.rules.rulebook import Rule
from licensing.models import Agreement, RateCard, RateLine
from licensing.pricing import ONE, PriceBracket, PriceTerms, price_period
from licensing.quantities import measured
from licensing.words import AgreementStatus, Factor, Meter, Pricing
from talent import locales
from talent.periods import MONTHS, local_day
from talent.words import Period

from .drafting import PriceSought, card_of, is_plain, line_of
from .kinds import KindOfDeal

# A price in any deal may count these; the first are what most deals count.
METERS = (
    Meter.LINES, Meter.SESSIONS, Meter.SECONDS, Meter.SHOTS, Meter.EQUIVALENT_DAYS, Meter.RUNS,
    Meter.COPIES,
)  # fmt: skip
SOME = Decimal(100)  # units a month, of a meter for which a kind of deal has no example
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Proposed:
    """A price to begin with, and where it comes from."""

    amount: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class PricedMeter:
    """One meter in the step of the prices: its line, what floors ask for, what is proposed."""

    meter: Meter
    line: RateLine | None
    floors: tuple[Floor, ...]
    proposed: Proposed | None
    by_default: bool
    elsewhere: bool

    @property
    def highest_floor(self) -> Floor | None:
        """The highest floor without real time; one that may be relied on before any other."""
        floors = [floor for floor in self.floors if not floor.real_time]
        return max(floors, key=lambda one: (one.may_be_relied_on, one.amount), default=None)


def meters_of(agreement: Agreement, kind: KindOfDeal | None) -> list[PricedMeter]:
    """Return the meters to price, those that this kind of deal counts first."""
    card = card_of(agreement)
    rules = line_floors.floor_rules()
    day = local_day(agreement.starts_at, agreement.time_zone)
    usual = list(kind.meters) if kind else []
    own = [line.meter for line in card.lines.all()] if card else []
    codes = dict.fromkeys([*usual, *own, *(meter.value for meter in METERS)])
    before = _prices_before(agreement, list(codes))
    found = []
    for code in codes:
        floors = tuple(
            floor
            for floor in line_floors.floors_for(agreement, code, rules, used_on=day)
            if floor.currency == agreement.currency
        )
        line = line_of(card, code)
        row = PricedMeter(
            meter=Meter(code),
            line=line,
            floors=floors,
            proposed=before.get(code),
            by_default=code in usual[:1] and card is None,
            elsewhere=line is None and code in own,
        )
        found.append(row if row.proposed else _with_floor(row))
    return found


def _with_floor(row: PricedMeter) -> PricedMeter:
    floor = row.highest_floor
    if floor is None:
        return row
    source = f"{floor.rule.title} ({floor.confidence.label.lower()}: {floor.source})"
    proposed = Proposed(floor.amount, source)
    return PricedMeter(row.meter, row.line, row.floors, proposed, row.by_default, row.elsewhere)


def _prices_before(agreement: Agreement, meters: Sequence[str]) -> dict[str, Proposed]:
    """Return for what a unit of each meter of this twin was last agreed at its agency."""
    lines = (
        RateLine.objects.filter(
            card__agreement__agency=agreement.agency_id,
            card__agreement__twin=agreement.twin_id,
            card__agreement__currency=agreement.currency,
            card__agreement__status__in=[AgreementStatus.SIGNED, AgreementStatus.ENDED],
            card__proposed=False,
            meter__in=meters,
            pricing=Pricing.PER_UNIT,
            unlicensed=False,
            unit_price__gt=0,
        )
        .exclude(card__agreement=agreement)
        .select_related("card__agreement")
        .order_by("meter", "-card__effective_from", "-pk")
        .distinct("meter")
    )
    return {
        line.meter: Proposed(line.unit_price, _("agreed in %s") % line.card.agreement.reference)
        for line in lines
    }


def real_time_factor(agreement: Agreement, rules: Sequence[Rule]) -> Proposed | None:
    """Return by what a guild's rule multiplies scale in real time; None: no rule says."""
    day = local_day(agreement.starts_at, agreement.time_zone)
    for rule in rules:
        values = rule.values
        if (
            values.get("real_time")
            and values.get("times_scale")
            and values.get("guild") == agreement.guild
            and rule.counts_on(day)
        ):
            source = f"{rule.title} ({rule.confidence.label.lower()}: {rule.source.name})"
            return Proposed(Decimal(str(values["times_scale"])), source)
    return None


def factor_of(card: RateCard | None, dimension: Factor) -> Decimal | None:
    """Return a card's factor on uses of a dimension; None: it has none."""
    rows = card.multipliers.all() if card else ()
    return next(
        (row.factor for row in rows if row.dimension == dimension and row.value == "yes"), None
    )


def prices_of(card: RateCard | None) -> list[PriceSought]:
    """Return the prices that stand on a card, those with conditions left out."""
    if card is None:
        return []
    return [
        PriceSought(
            meter=line.meter,
            unit_price=line.unit_price,
            brackets=tuple(
                (bracket.up_to, bracket.unit_price)
                for bracket in sorted(
                    line.brackets.all(), key=lambda row: (row.up_to is None, row.up_to or 0)
                )
            ),
            minimum=line.minimum,
            scale_portion=line.scale_portion,
        )
        for line in card.lines.all()
        if is_plain(line)
    ]


# What it will come to


@dataclass(frozen=True, slots=True)
class ComesTo:
    """What an example month's use comes to in a rating period, in words and in money."""

    quantities: str
    amount: str
    real_time: str = ""
    real_time_amount: str = ""


_PERIODS: Mapping[str, Any] = {
    Period.MONTH.value: gettext_lazy("a month"),
    Period.QUARTER.value: gettext_lazy("a quarter"),
    Period.YEAR.value: gettext_lazy("a year"),
}


def comes_to(
    agreement: Agreement,
    prices: Iterable[PriceSought],
    kind: KindOfDeal | None,
    *,
    factor: Decimal | None,
    in_real_time: bool,
    locale: str,
) -> ComesTo | None:
    """Work out what an example's use costs a period; None: nothing is priced yet.

    The example is no forecast: so many units a month as the kind of deal usually has.
    """
    prices = [price for price in prices if price.unit_price or price.brackets or price.minimum]
    if not prices:
        return None
    months = MONTHS[agreement.rating_period]
    usual = kind.meters if kind else {}
    counts = {one.meter: usual.get(one.meter, SOME) * months for one in prices}
    plain = sum((_cost(agreement, one, {ONE: counts[one.meter]}) for one in prices), ZERO)
    words = locales.listed(
        [measured(count, meter, locale) for meter, count in counts.items()], locale
    )
    told = ComesTo(words, locales.money(plain, agreement.currency, locale))
    live = kind.real_time * months if kind and in_real_time and factor else ZERO
    if not live or not factor:
        return told
    total = ZERO
    first = prices[0].meter
    for one in prices:
        part = min(live, counts[one.meter]) if one.meter == first else ZERO
        split = {ONE: counts[one.meter] - part}
        if part and factor != ONE:
            split[factor] = part
        total += _cost(agreement, one, split)
    return ComesTo(
        told.quantities,
        told.amount,
        measured(min(live, counts[first]), first, locale),
        locales.money(total, agreement.currency, locale),
    )


def period_in_words(agreement: Agreement) -> str:
    """Say how long a rating period of an agreement is."""
    return str(_PERIODS[agreement.rating_period])


def _cost(
    agreement: Agreement, sought: PriceSought, quantities: Mapping[Decimal, Decimal]
) -> Decimal:
    terms = PriceTerms(
        kind=sought.pricing,
        currency=agreement.currency,
        unit_price=sought.unit_price,
        brackets=tuple(PriceBracket(up_to, unit) for up_to, unit in sought.brackets),
        minimum=sought.minimum or None,
    )
    return sum((one.gross for one in price_period(terms, quantities).values()), ZERO)
