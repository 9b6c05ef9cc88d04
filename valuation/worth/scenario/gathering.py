"""Gathering: what a scenario's worth stands on, read once and frozen as a plan."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache, partial
from itertools import groupby

import numpy as np
from django.db.models import Exists, OuterRef, Sum

from licensing.models import Agreement
from talent.errors import Refused
from talent.models import DigitalTwin
from valuation.ledger import rates
from valuation.models import (
    PlannedExposure,
    ResidualLine,
    Scenario,
    ScenarioInput,
    ScenarioItem,
)
from valuation.words import InputRole, SourceStanding, Spreading, Term, View
from valuation.worth.draw.distributions import ImpossibleDistribution
from valuation.worth.draw.formula import Conversion
from valuation.worth.draw.points import BadDraws, factor_of
from valuation.worth.legal.assessments import assessed
from valuation.worth.legal.paths import paths_of
from valuation.worth.legal.risks import Path
from valuation.worth.scenario.input_figures import InputFigures
from valuation.worth.scenario.plan_charges import PlanPrices
from valuation.worth.scenario.plans import (
    PastFees,
    Plan,
    PlanInput,
    PlanItem,
    PricedBy,
    Together,
    TwinForecast,
    UnsoundPlan,
)
from valuation.worth.twin.depreciation import PlanDepreciation, plan_depreciation
from valuation.worth.twin.royalty_relief import PlannedHours

HUNDRED = Decimal(100)
NO_SOURCE = "No source named"


def gather(scenario: Scenario, *, as_of: date, now: datetime) -> Plan:
    """Read a scenario's items, inputs and prices as of a day, in a constant number of queries.

    Nothing of another agency is read, and nothing in another currency is left out: it is converted
    by the stored rate of the day, or refused by name. Raises UnsoundPlan.
    """
    twins = list(scenario.twins.select_related("performer").order_by("name", "pk"))
    agreements = list(scenario.agreements.filter(agency=scenario.agency_id).order_by("reference"))
    items = _items(scenario, agreements, as_of, now)
    worn = list(_worn(scenario, as_of, now))
    return Plan(
        scenario=scenario.name,
        agency=scenario.agency.name,
        view=View(scenario.view),
        twins=tuple(twin.name for twin in twins),
        production=scenario.production.title if scenario.production else "",
        agreements=tuple(agreement.reference for agreement in agreements),
        currency=scenario.currency,
        begins_on=scenario.begins_on,
        months=scenario.months,
        discount=scenario.discount_percent / HUNDRED,
        discount_source=scenario.discount_source,
        draws=scenario.draws,
        seed=scenario.seed,
        items=(*items, *(_wear(twin, wear, scenario) for twin, wear in worn)),
        together=tuple(_together(scenario, items)),
        past_fees=tuple(_past_fees(agreements, as_of)),
        legal_paths=tuple(legal_paths(scenario, as_of=as_of, now=now)),
        forecasts=tuple(_forecast(twin, wear) for twin, wear in worn if wear.before),
    )


def legal_paths(scenario: Scenario, *, as_of: date, now: datetime) -> list[Path]:
    """Return what a scenario rests on in law as of a day, and what was said of it by then.

    Raises UnsoundPlan where what is at risk cannot be converted.
    """
    converted = cache(partial(_conversion, into=scenario.currency, as_of=as_of, now=now))
    return [
        path
        if path.assessment is None
        else replace(
            path,
            assessment=replace(
                path.assessment,
                conversion=_converted(path.name, path.assessment.currency, converted),
            ),
        )
        for path in assessed(
            found_paths(scenario, as_of=as_of, now=now),
            agency_id=scenario.agency_id,
            as_of=as_of,
            known_at=now,
        )
    ]


def found_paths(scenario: Scenario, *, as_of: date, now: datetime) -> list[Path]:
    """Return what a scenario rests on in law as of a day; nothing that was said of it."""
    agreements = scenario.agreements.filter(agency=scenario.agency_id).order_by("reference")
    twins = scenario.twins.select_related("performer").order_by("name", "pk")
    return list(
        paths_of(
            list(twins),
            list(agreements),
            agency_id=scenario.agency_id,
            begins_on=scenario.begins_on,
            until=month_of(scenario.begins_on, scenario.months),
            as_of=as_of,
            known_at=now,
        )
    )


def what_hinders(scenario: Scenario, *, as_of: date, now: datetime) -> str:
    """Return why a scenario cannot be valued as it stands; empty: nothing is seen that hinders it.

    It reads what people fill in and whether money can be converted, and forecasts nothing. What
    else stops a valuation, its run says.
    """
    agreements = list(scenario.agreements.filter(agency=scenario.agency_id).order_by("reference"))
    try:
        _items(scenario, agreements, as_of, now)
        for currency in _currencies_of_income(scenario):
            rates.rate_on(as_of, of=currency, in_=scenario.currency, known_at=now)
    except Refused as refusal:
        return str(refusal)
    return ""


def _currencies_of_income(scenario: Scenario) -> list[str]:
    """Return the other currencies in which twins earned that the scenario has seen."""
    seen = scenario.exposures.values("twin")
    earning = Agreement.objects.filter(agency=scenario.agency_id, twin__in=seen).exclude(
        currency=scenario.currency
    )
    earned = ResidualLine.objects.filter(agreement=OuterRef("pk"))
    found = earning.filter(Exists(earned)).order_by("currency").distinct()
    return list(found.values_list("currency", flat=True))


def _items(
    scenario: Scenario, agreements: list[Agreement], as_of: date, now: datetime
) -> list[PlanItem]:
    rows = scenario.items.select_related("rate_line__card").prefetch_related("inputs")
    stored = list(rows.order_by("term", "begins_in", "pk"))
    prices = PlanPrices(scenario, agreements, stored, as_of)
    converted = cache(partial(_conversion, into=scenario.currency, as_of=as_of, now=now))
    items = [_item(item, scenario, prices, converted) for item in stored]
    return items + [
        replace(promised, conversion=_converted(promised.label, currency, converted))
        for promised, currency in prices.promised()
    ]


def figures_of(row: ScenarioInput) -> InputFigures:
    """Return a stored input's figures; the distribution may be impossible."""
    return InputFigures(
        Spreading(row.spreading), row.low, row.middle, row.high, row.deviation, row.values
    )


def _item(
    item: ScenarioItem,
    scenario: Scenario,
    prices: PlanPrices,
    converted: Callable[[str], Conversion | None],
) -> PlanItem:
    if item.begins_in - 1 + item.months > scenario.months:
        raise UnsoundPlan(
            f"“{item.label}” falls due after the scenario's {scenario.months} months: look further "
            "ahead, or let it end sooner."
        )
    inputs = tuple(
        _input(row, item) for row in sorted(item.inputs.all(), key=lambda row: row.place)
    )
    priced_by = prices.of(item, item.rate_line) if item.rate_line else None
    _refuse_without_amount(item, inputs, priced_by)
    currency = priced_by.currency if priced_by else item.currency or scenario.currency
    return PlanItem(
        term=Term(item.term),
        label=item.label,
        begins=item.begins_in - 1,
        months=item.months,
        inputs=inputs,
        row=item.pk,
        priced_by=priced_by,
        conversion=_converted(item.label, currency, converted),
    )


def _converted(
    label: str, currency: str, converted: Callable[[str], Conversion | None]
) -> Conversion | None:
    try:
        return converted(currency)
    except rates.NoRate as missing:
        raise UnsoundPlan(f"“{label}” is in {currency}. {missing}") from missing


def _input(row: ScenarioInput, item: ScenarioItem) -> PlanInput:
    figures = figures_of(row).only_needed()
    try:
        figures.distribution()
    except ImpossibleDistribution as impossible:
        raise UnsoundPlan(f"“{row.name}” of “{item.label}”: {impossible}") from impossible
    return PlanInput(
        key=str(row.pk),
        role=InputRole(row.role),
        name=row.name,
        unit=row.unit,
        figures=figures,
        source=row.source or NO_SOURCE,
        standing=SourceStanding(row.standing) if row.source else SourceStanding.ASSUMPTION,
    )


def _refuse_without_amount(
    item: ScenarioItem, inputs: Iterable[PlanInput], priced_by: PricedBy | None
) -> None:
    roles = {one.role for one in inputs}
    if priced_by and InputRole.QUANTITY not in roles:
        raise UnsoundPlan(f"“{item.label}” is priced by a rate line and needs a quantity.")
    if priced_by and InputRole.RATE in roles:
        raise UnsoundPlan(f"“{item.label}” has a rate and a rate line: take one of them out.")
    if not roles:
        raise UnsoundPlan(f"“{item.label}” has no figures yet: give it a quantity and a rate.")


def month_of(begins_on: date, month: int) -> date:
    """Return the first day of a scenario's month (0 is its first)."""
    years, month_of_year = divmod(begins_on.month - 1 + month, 12)
    return date(begins_on.year + years, month_of_year + 1, 1)


def _conversion(currency: str, *, into: str, as_of: date, now: datetime) -> Conversion | None:
    if currency == into:
        return None
    rate = rates.rate_on(as_of, of=currency, in_=into, known_at=now)
    return Conversion(rate.of, rate.numerator, rate.denominator, rate.on, rate.source)


def _together(scenario: Scenario, items: Iterable[PlanItem]) -> Iterator[Together]:
    known = {one.key for item in items for one in item.inputs}
    for row in scenario.correlations.order_by("pk"):
        one, other = str(row.one_id), str(row.other_id)
        if {one, other} <= known:
            yield Together(one, other, float(row.coefficient), row.source or NO_SOURCE)


def _worn(
    scenario: Scenario, as_of: date, now: datetime
) -> Iterator[tuple[DigitalTwin, PlanDepreciation]]:
    """Yield each twin that a plan has seen, with its worth with and without the plan."""
    exposures = scenario.exposures.select_related("twin").order_by("twin__name", "twin", "pk")
    for twin, rows in groupby(exposures, key=lambda row: row.twin):
        wear = plan_depreciation(
            agency_id=scenario.agency_id,
            twin_id=twin.pk,
            planned=[_hours(row, scenario, as_of) for row in rows],
            as_of=as_of,
            known_at=now,
            currency=scenario.currency,
        )
        yield twin, wear


def _wear(twin: DigitalTwin, wear: PlanDepreciation, scenario: Scenario) -> PlanItem:
    """Return R_depreciation of a twin: due with the last month, spread as its own figures are."""
    label = f"Exposure of {twin.name}"
    known = PlanInput(
        key=f"wear-{twin.pk}",
        role=InputRole.QUANTITY,
        name=label,
        unit="",
        figures=_between(wear.low, wear.loss, wear.high),
        source="; ".join(wear.sources),
        standing=_standing_of(wear),
    )
    return PlanItem(Term.DEPRECIATION, label, scenario.months - 1, 1, (known,), twin=twin.name)


def _forecast(twin: DigitalTwin, wear: PlanDepreciation) -> TwinForecast:
    """Return a twin's forecast to the cent, as it is shown and stored."""
    pairs = list(zip(wear.without.months, wear.with_plan.months, strict=True))
    return TwinForecast(
        twin=twin.name,
        before=round(wear.before, 2),
        after=round(wear.after, 2),
        without=tuple(round(without.income, 2) for without, _ in pairs),
        with_plan=tuple(round(with_plan.income, 2) for _, with_plan in pairs),
        lost=tuple(round(one.present - other.present, 2) for one, other in pairs),
    )


def _standing_of(wear: PlanDepreciation) -> SourceStanding:
    """Use and income are measured; what exposure does to a price mostly is not."""
    assumed = any(figure.is_assumption for figure in wear.figures)
    return SourceStanding.ASSUMPTION if assumed else SourceStanding.MEASURED


def _hours(row: PlannedExposure, scenario: Scenario, as_of: date) -> PlannedHours:
    begins = month_of(scenario.begins_on, row.begins_in - 1)
    ends = month_of(scenario.begins_on, row.begins_in - 1 + row.months)
    return PlannedHours(
        channel=row.channel,
        hours=row.hours,
        congruence=row.congruence,
        begins_in=max(0, (begins - as_of).days),
        lasts=max(0, (ends - max(begins, as_of)).days),
    )


def _between(low: Decimal, middle: Decimal, high: Decimal) -> InputFigures:
    """Return a loss with its cases as a distribution, to the cent: nothing else is finer."""
    low, middle, high = (round(one, 2) for one in (low, middle, high))
    if low <= middle <= high and low < high:
        return InputFigures(Spreading.PERT, low, middle, high)
    return InputFigures(Spreading.FIXED, middle=middle)


def _past_fees(agreements: list[Agreement], as_of: date) -> Iterator[PastFees]:
    """Yield what each agreement has cost, by the nights up to a day."""
    lines = ResidualLine.objects.filter(agreement__in=agreements, run__as_of__lte=as_of)
    sums = lines.order_by().values_list("agreement", "currency").annotate(sum=Sum("amount"))
    names = {agreement.pk: agreement.reference for agreement in agreements}
    for agreement, currency, amount in sorted(sums):
        if amount:
            yield PastFees(names[agreement], amount, currency)


def correlations_hold(pairs: list[tuple[ScenarioInput, ScenarioInput, Decimal]]) -> str:
    """Return why correlations cannot stand together; empty: they can."""
    if not pairs:
        return ""
    columns = {
        row.pk: column for column, row in enumerate({one for pair in pairs for one in pair[:2]})
    }
    matrix = np.eye(len(columns))
    for one, other, coefficient in pairs:
        fixed = next((row for row in (one, other) if figures_of(row).is_fixed), None)
        if fixed is not None:
            return f"“{fixed}” is fixed, so it moves with nothing: give it a distribution first."
        at = columns[one.pk], columns[other.pk]
        matrix[at] = matrix[at[::-1]] = float(coefficient)
    try:
        factor_of(matrix)
    except BadDraws as impossible:
        return str(impossible)
    return ""
