"""Valuations: V of a scenario on a day, itemised from agreements, usage and assumptions."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Sum

from licensing.words import Channel
from talent.models import Build
from valuation.models import (
    Reading,
    Recoupment,
    Scenario,
    UsageTotal,
    Valuation,
    ValuationTerm,
)
from valuation.words import EntryKind, ReadingKind, Term
from valuation.worth.exposure import ChannelWeight, Curve, SeenHours, depreciation, exposure_of
from valuation.worth.formula import Item, TwinValue, value

# Change this whenever the same inputs would give another figure.
CODE_VERSION = "2026-11"

SECONDS_IN_AN_HOUR = Decimal(3600)
YEAR = timedelta(days=365)

# Half-lives in weeks: published adstock figures are 2 to 5 for fast channels and 7 to 12 for
# screen work (secondary sources); none was measured on replicas. Weights are the desk's own.
LASTING = ChannelWeight(weight=Decimal(1), half_life_days=Decimal(12 * 7))
FLEETING = ChannelWeight(weight=Decimal(1), half_life_days=Decimal("2.5") * 7)
CHANNELS = {
    channel.value: LASTING if channel in (Channel.CINEMA, Channel.STREAMING) else FLEETING
    for channel in Channel
}
CURVE = Curve(half_at=Decimal(200))


@transaction.atomic
def value_scenario(*, scenario_id: int, as_of: date, now: datetime) -> Valuation:
    """Value a scenario as of a day, and store the valuation with its inputs.

    If the same day was already valued with the same inputs, returns that valuation. Amounts are in
    the scenario's currency; agreements and builds in another one are left out and listed in the
    inputs.
    """
    scenario = Scenario.objects.select_related("twin", "agreement").get(pk=scenario_id)
    build = _newest_build(scenario, as_of)
    build_here = build if build and build.training_cost_currency == scenario.currency else None
    items = [
        *_assumptions(scenario),
        *_licence_fees(scenario, as_of),
        *_training(build_here),
        *_gpu_time(scenario, build_here, as_of),
        *_depreciation_items(scenario, as_of),
    ]
    inputs = {
        "items": [[item.term.value, item.label, str(item.amount), item.source] for item in items],
        "curve": [str(CURVE.half_at), str(CURVE.steepness), str(CURVE.floor)],
        "left_out": list(_in_another_currency(scenario, build)),
    }
    same = Valuation.objects.filter(
        scenario=scenario, as_of=as_of, code_version=CODE_VERSION, inputs=inputs
    ).first()
    return same or _store(scenario, as_of, inputs, value(items, scenario.currency), now)


def _store(
    scenario: Scenario, as_of: date, inputs: dict[str, Any], worth: TwinValue, now: datetime
) -> Valuation:
    valuation = Valuation.objects.create(
        scenario=scenario,
        as_of=as_of,
        computed_at=now,
        code_version=CODE_VERSION,
        inputs=inputs,
        total=worth.total,
        currency=worth.currency,
    )
    ValuationTerm.objects.bulk_create(
        ValuationTerm(
            valuation=valuation,
            term=item.term.value,
            label=item.label,
            amount=item.amount,
            source=item.source,
        )
        for item in worth.items
    )
    return valuation


def _assumptions(scenario: Scenario) -> Iterator[Item]:
    for row in scenario.assumptions.order_by("term", "pk"):
        amount = row.quantity * row.unit_amount * row.probability
        yield Item(Term(row.term), row.label, amount, f"Assumption: {row.source}")


def _licence_fees(scenario: Scenario, as_of: date) -> Iterator[Item]:
    """Yield what the scenario's agreement has cost so far, one item for each rate line label.

    Beside them stand true-ups and advances, less what use has paid back of those.
    """
    if scenario.agreement is None:
        return
    readings = Reading.objects.filter(
        agreement=scenario.agreement, currency=scenario.currency, period_on__lte=as_of
    )
    source = f"Agreement {scenario.agreement.reference}"
    lines = readings.of_use().values_list("rate_line__label").annotate(gross=Sum("gross"))
    for label, gross in lines.order_by("rate_line__label"):
        if gross:
            yield Item(Term.LICENSING, label, gross, source)
    beside = readings.exclude(kind=ReadingKind.USE.value).values_list("kind")
    for kind, gross in beside.annotate(gross=Sum("gross")).order_by("kind"):
        if gross:
            yield Item(Term.LICENSING, ReadingKind(kind).label, gross, source)
    recouped = Recoupment.objects.filter(reading__in=readings).aggregate(sum=Sum("amount"))["sum"]
    if recouped:
        yield Item(Term.LICENSING, EntryKind.RECOUPMENT.label, -recouped, source)


def _newest_build(scenario: Scenario, as_of: date) -> Build | None:
    builds = Build.objects.filter(twin=scenario.twin, built_on__lte=as_of)
    return builds.order_by("-built_on", "-pk").first()


def _in_another_currency(scenario: Scenario, build: Build | None) -> Iterator[str]:
    """Yield texts on the agreement and build, where their currency is not the scenario's."""
    if scenario.agreement and scenario.agreement.currency != scenario.currency:
        yield f"Agreement {scenario.agreement.reference}: {scenario.agreement.currency}"
    if build and build.training_cost and build.training_cost_currency != scenario.currency:
        yield f"Build {build.version}: {build.training_cost_currency}"


def _training(build: Build | None) -> Iterator[Item]:
    """Yield the whole training cost of the twin's newest build, not shared between titles."""
    if build and build.training_cost:
        label = f"Training of build {build.version}"
        yield Item(Term.COMPUTE, label, build.training_cost, f"Build {build.version}")


def _gpu_time(scenario: Scenario, build: Build | None, as_of: date) -> Iterator[Item]:
    """Yield the GPU time reported under the agreement, at the build's training cost per hour."""
    if scenario.agreement is None or build is None or not (build.gpu_hours and build.training_cost):
        return
    totals = UsageTotal.objects.happened_by(as_of)
    seconds = totals.filter(agreement=scenario.agreement, month_on__lte=as_of).aggregate(
        sum=Sum("gpu_seconds", default=Decimal(0))
    )["sum"]
    if seconds:
        hours, price = seconds / SECONDS_IN_AN_HOUR, build.training_cost / build.gpu_hours
        yield Item(
            Term.COMPUTE,
            f"GPU time of {scenario.agreement.reference}",
            hours * price,
            f"Usage log: {hours:.2f} GPU hours at {price:.2f}, as build {build.version} cost",
        )


def _depreciation_items(scenario: Scenario, as_of: date) -> Iterator[Item]:
    """Yield the loss that the agreement's exposure causes, on the twin's fees of the last year."""
    if scenario.agreement is None:
        return
    own = _exposure(scenario, as_of, agreement=scenario.agreement)
    others = _exposure(scenario, as_of) - own
    fees = Reading.objects.filter(
        agreement__twin=scenario.twin,
        currency=scenario.currency,
        period_on__gt=as_of - YEAR,
        period_on__lte=as_of,
    ).aggregate(sum=Sum("gross", default=Decimal(0)))["sum"]
    loss = depreciation(fees, others, own, CURVE).loss
    if loss:
        yield Item(
            Term.DEPRECIATION,
            f"Exposure by {scenario.agreement.reference}",
            loss,
            f"Usage log: {own:.1f} weighted hours on top of {others:.1f}; mild default curve",
        )


def _exposure(scenario: Scenario, as_of: date, **conditions: object) -> Decimal:
    rows = UsageTotal.objects.happened_by(as_of).filter(
        agreement__twin=scenario.twin, seconds__gt=0, month_on__lte=as_of, **conditions
    )
    seen = [
        SeenHours(month, channel, seconds / SECONDS_IN_AN_HOUR)
        for month, channel, seconds in rows.values_list("month_on", "channel").annotate(
            hours=Sum("seconds")
        )
    ]
    return sum(exposure_of(seen, CHANNELS, as_of).values(), Decimal(0))
