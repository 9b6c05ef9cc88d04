"""Twins: what an agency knows of a twin's use, income and rights on a day, ready to be forecast."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from functools import cached_property

from django.db.models import Min, Sum

from licensing.models import Agreement, RuleSet, SignedCommission
from licensing.words import Channel
from talent.models import DigitalTwin, Performer
from talent.periods import local_day
from talent.words import Life
from valuation.ledger.rates import rate_on
from valuation.models import ResidualLine
from valuation.models.residuals import ResidualLineQuerySet
from valuation.words import ReadingKind
from valuation.words import WorthParameter as Parameter
from valuation.worth.twin.exposure import DIGITS, ZERO, Wear, price_left, wear_of
from valuation.worth.twin.figures import Case, Figures, figures_on
from valuation.worth.twin.royalty_relief import (
    DAYS_A_MONTH,
    DAYS_A_YEAR,
    Income,
    Outlook,
    Rights,
    TwinInputs,
)
from valuation.worth.twin.seen_days import SeenDays, seen_days

YEAR = timedelta(days=365)
# What is forecast from: so many years, each of which counts half of the one after it.
YEARS_BACK = 3
POINTS_A_YEAR = 4
HUNDRED = Decimal(100)
EARNED = (ReadingKind.USE.value, ReadingKind.TRUE_UP.value)
OTHERWISE = "USD"


@dataclass(frozen=True, slots=True)
class Earned:
    """What an agreement brought in the last years, net of commission, the newest year first."""

    agreement: Agreement
    years: tuple[Decimal, ...]


@dataclass(frozen=True)
class KnownTwin:
    """A twin as one agency knows it on a day; amounts are in `currency`, not rounded."""

    twin: DigitalTwin
    agency_id: int
    as_of: date
    known_at: datetime
    currency: str
    figures: Figures
    seen: SeenDays
    earned: tuple[Earned, ...]
    rates: tuple[str, ...]

    def wear(self, case: Case = Case.BASE, *, on: date | None = None) -> Wear:
        """Return how much it was seen at the end of a day; of its own day, if none is named."""
        return wear_of(self.seen.hours, self.figures.wear_rules(case), on or self.as_of)

    def price_left(self, case: Case = Case.BASE, *, on: date | None = None) -> Decimal:
        """Return the part of an unseen twin's price that is left at the end of a day."""
        worn = self.wear(case, on=on)
        return price_left(
            worn.exposure, worn.congruence, worn.concentration, self.figures.wear_rules(case)
        )

    def outlook(self, case: Case = Case.BASE) -> Outlook:
        """Return exposure now, and that use goes on as in the last year."""
        worn, channels = self.wear(case), self.figures.wear_rules(case).channels
        pace = dict.fromkeys(channels, ZERO)
        for told in self.seen.hours:
            if self.as_of - YEAR < told.on <= self.as_of:
                pace[told.channel] += told.hours * channels[told.channel].weight / YEAR.days
        return Outlook(worn.by_channel, pace, worn.congruence, worn.concentration)

    def incomes(self, case: Case = Case.BASE) -> list[Income]:
        """Return what each agreement would bring a year, had nobody seen the twin."""
        return [
            Income(unseen, _ends_in(earned.agreement, self.as_of))
            for earned in self.earned
            if (unseen := self._unseen(earned.years, case))
        ]

    def _unseen(self, years: Sequence[Decimal], case: Case) -> Decimal:
        """Return the mean of some years' income, each without the wear of its time."""
        with localcontext(prec=DIGITS):
            weights = [Decimal("0.5") ** back for back in range(len(years))]
            parts = (
                weight * year / self._left_in_year(back, case)
                for back, (weight, year) in enumerate(zip(weights, years, strict=True))
                if year
            )
            return sum(parts, ZERO) / sum(weights, ZERO)

    def _left_in_year(self, back: int, case: Case) -> Decimal:
        if (back, case) not in self._lefts:
            middle = YEAR / POINTS_A_YEAR / 2
            days = [
                self.as_of - YEAR * back - middle * (2 * point + 1)
                for point in range(POINTS_A_YEAR)
            ]
            lefts = [self.price_left(case, on=day) for day in days]
            self._lefts[back, case] = sum(lefts, ZERO) / POINTS_A_YEAR
        return self._lefts[back, case]

    @cached_property
    def _lefts(self) -> dict[tuple[int, Case], Decimal]:
        return {}

    def inputs(self, case: Case = Case.BASE) -> TwinInputs:
        """Return all that its worth is reckoned from, in one case."""
        return TwinInputs(
            rules=self.figures.wear_rules(case),
            incomes=tuple(self.incomes(case)),
            outlook=self.outlook(case),
            discount=self.figures.of(self._discount).at(case),
            growth=self.figures.of(Parameter.GROWTH).at(case),
            renewal=self.figures.of(Parameter.RENEWAL).at(case),
            rights=self.rights,
            age_of_death=self.figures.of(Parameter.AGE_OF_DEATH).at(case),
            age_spread=self.figures.of(Parameter.AGE_SPREAD).at(case),
            years=int(self.figures.of(Parameter.ECONOMIC_LIFE).at(case)),
            tax=self.figures.of(Parameter.TAX).at(case),
            tax_years=int(self.figures.of(Parameter.TAX_YEARS).at(case)),
        )

    @property
    def _discount(self) -> Parameter:
        performer = self.twin.performer
        lives = performer is not None and performer.life != Life.DECEASED
        return Parameter.DISCOUNT_LIVING if lives else Parameter.DISCOUNT_ESTATE

    @cached_property
    def rights(self) -> Rights:
        return rights_of(self.twin.performer, self.as_of)

    @property
    def last_year(self) -> Decimal:
        """What the twin's uses of the last year earned, net of commission."""
        return sum((one.years[0] for one in self.earned), ZERO)

    @property
    def hours_last_year(self) -> dict[str, Decimal]:
        """Hours seen in the last year, by channel, as they were reported."""
        hours: dict[str, Decimal] = dict.fromkeys(Channel.codes(), ZERO)
        for told in self.seen.hours:
            if self.as_of - YEAR < told.on <= self.as_of:
                hours[told.channel] += told.hours
        return {channel: told for channel, told in hours.items() if told}


def known_twin(
    *, agency_id: int, twin_id: int, as_of: date, known_at: datetime, currency: str = ""
) -> KnownTwin:
    """Return what one agency knew of a twin at an instant, of days until `as_of`.

    What another agency licenses is not in it. Without a currency it is that of most of the
    agency's agreements for the twin. Raises NoRate for money in a currency without a stored rate.
    """
    twin = DigitalTwin.objects.select_related("performer").get(pk=twin_id)
    currency = currency or usual_currency(agency_id, twin_id)
    rates: list[str] = []
    earned = tuple(_earned(agency_id, twin, as_of, known_at, currency, rates))
    return KnownTwin(
        twin=twin,
        agency_id=agency_id,
        as_of=as_of,
        known_at=known_at,
        currency=currency,
        figures=figures_on(as_of, agency_id=agency_id, known_at=known_at),
        seen=seen_days(agency_id=agency_id, twin_id=twin_id, as_of=as_of, known_at=known_at),
        earned=earned,
        rates=tuple(rates),
    )


def usual_currency(agency_id: int, twin_id: int) -> str:
    """Return the currency of most of an agency's agreements for a twin."""
    agreements = Agreement.objects.filter(agency=agency_id, twin=twin_id)
    counts: dict[str, int] = defaultdict(int)
    for currency in agreements.values_list("currency", flat=True):
        counts[currency] += 1
    return max(sorted(counts), key=lambda code: counts[code], default=OTHERWISE)


# What was earned


def _earned(
    agency_id: int,
    twin: DigitalTwin,
    as_of: date,
    known_at: datetime,
    currency: str,
    rates: list[str],
) -> Iterator[Earned]:
    """Yield what each agreement brought, from the lines that nights had posted by then."""
    lines = ResidualLine.objects.filter(
        agency=agency_id,
        twin=twin,
        reading__kind__in=EARNED,
        month_on__lte=as_of,
        run__started_at__lte=known_at,
    )
    firsts = dict(lines.values_list("agreement").annotate(Min("month_on")).order_by("agreement"))
    agreements = Agreement.objects.in_bulk(firsts)
    commissions = _commissions(twin, agreements)
    for pk, first_on in sorted(firsts.items()):
        agreement = agreements[pk]
        gross = _by_year(lines.filter(agreement=pk), as_of, first_on)
        factor = (HUNDRED - commissions.get(pk, ZERO)) / HUNDRED
        if agreement.currency != currency:
            rate = rate_on(as_of, of=agreement.currency, in_=currency, known_at=known_at)
            rates.append(str(rate))
            factor *= rate.numerator / rate.denominator
        yield Earned(agreement, tuple(amount * factor for amount in gross))


def _by_year(lines: ResidualLineQuerySet, as_of: date, first_on: date) -> list[Decimal]:
    """Return the sums of the years back from a day, of those in which there can be any."""
    sums = []
    for back in range(YEARS_BACK):
        ends = as_of - YEAR * back
        if back and first_on > ends:
            break
        year = lines.filter(month_on__gt=ends - YEAR, month_on__lte=ends)
        sums.append(year.aggregate(sum=Sum("amount", default=ZERO))["sum"])
    return sums


def _commissions(twin: DigitalTwin, agreements: Mapping[int, Agreement]) -> dict[int, Decimal]:
    signed = SignedCommission.objects.filter(
        agreement__in=list(agreements), performer=twin.performer_id
    )
    return dict(signed.values_list("agreement", "percent"))


def _ends_in(agreement: Agreement, as_of: date) -> Decimal | None:
    """Return in how many months an agreement ends; below zero: it has ended."""
    if agreement.ends_at is None:
        return None
    days = (local_day(agreement.ends_at, agreement.time_zone) - as_of).days
    return days / DAYS_A_MONTH


# How long there are rights


def rights_of(performer: Performer | None, as_of: date) -> Rights:
    """Return how long the right in a performer's likeness stands; a persona's has no end."""
    if performer is None:
        return Rights(source="A persona has no life that ends.")
    dies_on = performer.died_on or as_of
    rule = (
        RuleSet.objects.on(dies_on)
        .filter(code__startswith="post_mortem.", jurisdiction=performer.domicile)
        .exclude(jurisdiction="")
        .first()
    )
    years = rule and int(rule.values["years"])
    source = f"{rule.title}: {rule.source}" if rule else "No right after death is known here."
    if performer.died_on is not None:
        since = Decimal((as_of - performer.died_on).days) / DAYS_A_YEAR
        return Rights(ends_in=None if years is None else max(ZERO, years - since), source=source)
    born_on = performer.born_on
    age = None if born_on is None else Decimal((as_of - born_on).days) / DAYS_A_YEAR
    if age is None and years is None:
        source = f"{source} The date of birth is not known, so that no death is reckoned with."
    return Rights(age=age, years_after_death=years, source=source)
