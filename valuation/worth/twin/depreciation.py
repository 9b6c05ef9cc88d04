"""R_depreciation: what a plan's exposure takes off a twin's worth, with and without the plan.

“With and without” is IVS 210's method: the twin's other income is forecast twice, once with the
plan's hours and once without, and the difference is the plan's. The plan's own fees are in neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from valuation.worth.twin.figures import Case, Figure
from valuation.worth.twin.known_twin import KnownTwin, known_twin
from valuation.worth.twin.royalty_relief import Forecast, PlannedHours, compare_for

METHOD = "Income approach, with and without (IVS 210); relief from royalty (ISO 10668)"


@dataclass(frozen=True, slots=True)
class PlanDepreciation:
    """A twin's worth before and after a plan, in `currency` and not rounded; `loss` is R.

    `low` and `high` are the smaller and the larger loss of two cases: that where every figure is at
    the end that is best for the twin's worth, and that where it is at the worst.
    """

    before: Decimal
    after: Decimal
    low: Decimal
    high: Decimal
    currency: str
    without: Forecast
    with_plan: Forecast
    exposure: Decimal
    planned: tuple[PlannedHours, ...]
    figures: tuple[Figure, ...]
    sources: tuple[str, ...]

    @property
    def loss(self) -> Decimal:
        return self.before - self.after


def plan_depreciation(
    *,
    agency_id: int,
    twin_id: int,
    planned: Sequence[PlannedHours],
    as_of: date,
    known_at: datetime,
    currency: str = "",
) -> PlanDepreciation:
    """Return what a plan's hours take off a twin's worth at one agency, as known at an instant.

    What another agency licenses of the twin is never in it. Without income in the last years there
    is nothing to lose: all amounts are zero, and `sources` says so. Raises NoRate where income is
    in a currency without a stored rate, BadForecast, BadExposureParameters, MissingFigure.
    """
    known = known_twin(
        agency_id=agency_id, twin_id=twin_id, as_of=as_of, known_at=known_at, currency=currency
    )
    return depreciation_of(known, planned)


def depreciation_of(known: KnownTwin, planned: Sequence[PlannedHours]) -> PlanDepreciation:
    """Return what a plan's hours take off the worth of a twin that is known already."""
    base, *others = (
        compare_for(known.inputs(case), planned) for case in (Case.BASE, Case.LOW, Case.HIGH)
    )
    worth, losses = base.depreciation, [found.depreciation.loss for found in others]
    return PlanDepreciation(
        before=worth.before,
        after=worth.after,
        low=min(losses),
        high=max(losses),
        currency=known.currency,
        without=base.without,
        with_plan=base.with_plan,
        exposure=known.wear().exposure,
        planned=tuple(planned),
        figures=tuple(known.figures.shown()),
        sources=(METHOD, *sources_of(known)),
    )


def sources_of(known: KnownTwin) -> list[str]:
    """Say where the income, the exposure and the rights come from."""
    agreements = ", ".join(sorted(one.agreement.reference for one in known.earned))
    income = (
        f"Net residuals of the last years, as posted by the nights: {agreements}"
        if agreements
        else "No residuals were posted in the last years: there is no income to lose."
    )
    log = f"Usage log, leaves 0 to {known.seen.leaves}"
    if known.seen.unmeasured:
        log += f"; {known.seen.unmeasured} uses say nothing of time and are not in it"
    return [income, log, known.rights.source, *known.rates]
