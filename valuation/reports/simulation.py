"""Simulation in money: what other rates, or another consent, would have made of the last months.

Consent is judged by the simulation of licensing, prices are those of the night, deductions those
of a receipt today. Nothing is stored.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from licensing.clearance import simulation as consent
from licensing.clearance.simulation import Effect, Progress
from licensing.models import RateCard
from licensing.money import rounded
from licensing.usage.totals.statements import DIMENSIONS, METERS
from licensing.words import Standing
from talent.beneficiaries import shares_on
from talent.consent.matrix import Cell
from talent.models import Beneficiary, ConsentMatrix, Performer, User
from talent.periods import months_later
from valuation.cash.released.deductions import rates_on
from valuation.cash.waterfall import Payee, Received, amounts_by_step, waterfall
from valuation.reports import alternatives
from valuation.reports.alternatives import Money, Priced, Row, Terms
from valuation.words import ReleaseStep

ZERO, ONE = Decimal(0), Decimal(1)
MONTHS = (3, 6, 12, 24)


@dataclass(frozen=True, slots=True)
class Change:
    """What one beneficiary earned of an agreement in a month, and would have earned."""

    month_on: date
    agreement: str
    beneficiary: str
    currency: str
    before: Decimal
    after: Decimal

    @property
    def difference(self) -> Decimal:
        return self.after - self.before


@dataclass(slots=True)
class Net:
    """What a beneficiary's earnings in a currency come to once received: before and after."""

    beneficiary: str
    currency: str
    before: dict[ReleaseStep, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    after: dict[ReleaseStep, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    @property
    def steps(self) -> list[tuple[str, Decimal, Decimal, Decimal]]:
        """Each step by name, with what it was, would be, and the difference."""
        return [
            (step.label, self.before[step], self.after[step], self.after[step] - self.before[step])
            for step in ReleaseStep
            if self.before[step] or self.after[step]
        ]


@dataclass(frozen=True, slots=True)
class Stopped:
    """Uses that a consent would have stopped or asked about, and what they earned."""

    effect: Effect
    agreement: str
    uses: int
    currency: str
    earned: Decimal


@dataclass(slots=True)
class Outcome:
    """What a change would have made of the months since a day, in money."""

    since: date
    as_of: date
    changes: list[Change] = field(default_factory=list)
    nets: list[Net] = field(default_factory=list)
    stopped: list[Stopped] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    @property
    def totals(self) -> list[tuple[str, Decimal, Decimal, Decimal]]:
        """By currency: earned, would have earned, and the difference."""
        sums: dict[str, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
        for change in self.changes:
            sums[change.currency][0] += change.before
            sums[change.currency][1] += change.after
        return [(currency, b, a, a - b) for currency, (b, a) in sorted(sums.items())]


# Rates


def of_card(card: RateCard, *, months: int, now: datetime) -> Outcome:
    """Say what an agreement's last months would have earned by a card, drafted or agreed.

    The card takes the place of all that counted since the first day of the rating period in which
    those months begin.
    """
    as_of = now.astimezone(UTC).date()
    (draft,) = alternatives.complete(RateCard.objects.filter(pk=card.pk))
    terms = alternatives.terms_of([card.agreement_id], with_shares=True)[card.agreement_id]
    since = alternatives.whole_periods_since(terms.agreement, _months_ago(as_of, months))
    changed = copy(draft)
    changed.effective_from = since
    earlier = [one for one in terms.cards if one.effective_from < since]
    other = Terms(terms.agreement, [*earlier, changed], terms.splits)
    rows = alternatives.facts_of([card.agreement_id], since)[card.agreement_id]
    outcome = Outcome(since, as_of)
    before = alternatives.price(terms, rows, since, as_of)
    after = alternatives.price(other, rows, since, as_of)
    _tell(outcome, [(terms, before, after)], now)
    return outcome


# Consent


def _nobody_watches(_done: int, _steps: int) -> None:
    pass


def of_consent(
    *,
    matrix: ConsentMatrix,
    cells: Sequence[Cell],
    months: int,
    user: User,
    at: datetime,
    progress: Progress = _nobody_watches,
) -> Outcome:
    """Say what the last months would have earned, had a matrix with these cells counted.

    A use that it would have refused, or asked about, would not have been; one that it would have
    let in would have been licensed. Covers what the user may see. Of its steps one half are the
    uses that are decided, the other the agreements that are priced.
    """
    as_of = at.astimezone(UTC).date()
    moved: dict[int, dict[Effect, list[Row]]] = defaultdict(lambda: defaultdict(list))

    def notice(effect: Effect, group: Mapping[str, Any]) -> None:
        if group["agreement"] is not None:
            moved[group["agreement"]][effect].append(_row(group))

    consent.simulate(
        matrix=matrix,
        cells=cells,
        months=months,
        user=user,
        at=at,
        notice=notice,
        apart=alternatives.some_rate_rounds_events(),
        progress=lambda done, groups: progress(done, 2 * groups),
    )
    first = _months_ago(as_of, months)
    outcome = Outcome(first, as_of)
    told = []
    all_terms = alternatives.terms_of(list(moved), with_shares=True)
    for number, (pk, terms) in enumerate(sorted(all_terms.items()), start=1):
        since = alternatives.whole_periods_since(terms.agreement, first)
        rows = alternatives.facts_of([pk], since)[pk]
        before = alternatives.price(terms, rows, since, as_of)
        after = alternatives.price(terms, [*rows, *_moves(moved[pk])], since, as_of)
        told.append((terms, before, after))
        for effect in (Effect.BLOCKED, Effect.ASKED):
            if gone := moved[pk][effect]:
                without = alternatives.price(
                    terms, [*rows, *map(alternatives.opposite, gone)], since, as_of
                )
                outcome.stopped.append(_stopped(terms, effect, gone, before, without))
        progress(len(all_terms) + number, 2 * len(all_terms))
    _tell(outcome, told, at)
    return outcome


def _row(group: Mapping[str, Any]) -> Row:
    """Return a group of equal uses as the row of usage totals that holds them.

    Of uses that crossed a cap it is the part within, all meters in the proportion of the cap's.
    """
    within = ONE
    if group["over_meter"] and group["standing"] == Standing.CLEARED.value:
        whole = group[f"sum_{group['over_meter']}"]
        within = (whole - group["sum_over"]) / whole if whole else ONE
    named = {"production_id": group["production"]}
    row = {name: named.get(name, group.get(name)) for name in DIMENSIONS}
    for meter in METERS:
        quantity = group[f"sum_{meter}"]
        row[meter] = quantity if quantity is None else round(quantity * within, 6)
    return {
        **row,
        **alternatives.NO_SPAN,
        "agreement_id": group["agreement"],
        "month_on": group["local_month"],
        "events": group["count"],
        "leaves": group["count"],
        "uniform": "over" in group,
        "counts_from": None,
        "whole": alternatives.whole_of(group) if within != ONE else None,
    }


def _moves(by_effect: Mapping[Effect, Sequence[Row]]) -> Iterator[Row]:
    for effect, rows in by_effect.items():
        for row in rows:
            yield alternatives.opposite(row)
            if effect is Effect.ALLOWED:
                yield {**row, "standing": Standing.CLEARED.value, "treatment": ""}


def _stopped(
    terms: Terms, effect: Effect, gone: Sequence[Row], before: Priced, without: Priced
) -> Stopped:
    return Stopped(
        effect,
        terms.agreement.reference,
        sum(row["events"] for row in gone),
        terms.agreement.currency,
        before.gross - without.gross,
    )


# Telling


def _tell(outcome: Outcome, told: Sequence[tuple[Terms, Priced, Priced]], now: datetime) -> None:
    """Add to an outcome what each agreement earned before and after, and what is left of it."""
    ids = {seat[1] for _, before, after in told for seat in (*before.parts, *after.parts)}
    beneficiaries = Beneficiary.objects.in_bulk(ids)
    nets: dict[tuple[int, str], Net] = {}
    for terms, before, after in told:
        outcome.reasons += dict.fromkeys([*before.reasons, *after.reasons])
        currency = terms.agreement.currency
        for month_on, payee in sorted(before.parts.keys() | after.parts.keys()):
            was, is_ = (
                priced.parts.get((month_on, payee), Money()).amount for priced in (before, after)
            )
            if was or is_:
                outcome.changes.append(
                    Change(month_on, terms.agreement.reference, beneficiaries[payee].name,
                           currency, was, is_)
                )  # fmt: skip
        for pk, payees, sources in _payees(terms, [before, after], beneficiaries, now):
            name = beneficiaries[pk].name
            net = nets.setdefault((pk, currency), Net(name, currency))
            for steps, priced in ((net.before, before), (net.after, after)):
                for step, amount in _divided(priced, pk, payees, currency).items():
                    steps[step] += amount
            outcome.reasons += [text for _, text in sources if "not verified" in text]
    outcome.changes.sort(key=lambda one: (one.month_on, one.agreement, one.beneficiary))
    outcome.reasons = list(dict.fromkeys(outcome.reasons))
    outcome.nets = sorted(nets.values(), key=lambda net: (net.beneficiary, net.currency))


# Who is paid, by the part of a price that is guild scale: commission depends on it.
Payees = Mapping[Decimal, Payee]


def _payees(
    terms: Terms, both: Sequence[Priced], beneficiaries: Mapping[int, Beneficiary], now: datetime
) -> Iterator[tuple[int, Payees, Sequence[tuple[str, str]]]]:
    """Yield who earns, with the deductions of a receipt today and where these come from."""
    day = now.astimezone(UTC).date()
    performers = _performers(terms, both)
    scales: dict[int, set[Decimal]] = defaultdict(set)
    for priced in both:
        for (_month_on, pk), money in priced.parts.items():
            scales[pk] |= money.by_scale.keys()
    for pk in sorted(scales):
        payees: dict[Decimal, Payee] = {}
        sources: list[tuple[str, str]] = []
        for portion in sorted(scales[pk]):
            rates = rates_on(
                day,
                agreement=terms.agreement,
                beneficiary=beneficiaries[pk],
                performer=performers.get(pk),
                scale_portion=portion,
            )
            payees[portion] = Payee(
                key=pk,
                commission=rates.commission,
                scale_carries_commission=rates.scale_carries_commission,
                minor_trust=rates.minor_trust,
                withholding=rates.withholding,
            )
            sources += rates.sources
        yield pk, payees, sources


def _performers(terms: Terms, both: Sequence[Priced]) -> dict[int, Performer]:
    months = {seat[0] for priced in both for seat in priced.parts}
    ids = {
        share.beneficiary_id: share.performer_id
        for month_on in months
        for share in shares_on(terms.splits, month_on)
        if share.performer_id is not None
    }
    performers = Performer.objects.in_bulk(ids.values())
    return {beneficiary: performers[performer] for beneficiary, performer in ids.items()}


def _divided(
    priced: Priced, beneficiary_id: int, payees: Payees, currency: str
) -> dict[ReleaseStep, Decimal]:
    """Divide what a beneficiary earned, as if the studio had paid all of it at once."""
    received: dict[Payee, Decimal] = defaultdict(Decimal)
    for (_month_on, pk), money in priced.parts.items():
        if pk == beneficiary_id:
            for portion, amount in money.by_scale.items():
                received[payees[portion]] += amount
    sums: dict[ReleaseStep, Decimal] = defaultdict(Decimal)
    for payee, amount in received.items():
        if due := rounded(amount, currency):
            steps = waterfall(Received(due), [payee], currency)
            for (_key, step), part in amounts_by_step(steps).items():
                sums[step] += part
    return sums


def _months_ago(day: date, months: int) -> date:
    return months_later(day.replace(day=1), -months)
