"""Twins as assets: what each is worth at its agency on a day, kept night by night with its inputs.

Relief from royalty with a tax amortisation benefit, as a range: every figure at the end of its own
range that is worst for the twin, at its middle, and at the end that is best.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from django.db import transaction

from licensing.models import Agreement
from licensing.money import rounded
from licensing.words import AgreementStatus
from talent.errors import Refused
from valuation.models import TwinValuation
from valuation.worth.twin.depreciation import sources_of
from valuation.worth.twin.exposure import ZERO, wear_of
from valuation.worth.twin.figures import Case
from valuation.worth.twin.known_twin import YEAR, KnownTwin, known_twin
from valuation.worth.twin.royalty_relief import (
    DAYS_A_MONTH,
    TwinInputs,
    Worth,
    forecast,
    seen_then,
    worth_of,
)

logger = logging.getLogger(__name__)

# Change this whenever the same inputs would give another figure.
CODE_VERSION = "2026-11"
METHOD = (
    "Income approach, relief from royalty (IVS 210, ISO 10668), with a tax amortisation benefit. "
    "Standard of value: market value; premise: highest and best use in continued licensing."
)
# After so many months without use it is told what a rest would do.
RESTS = (3, 6, 12)
SOURCES = "sources"
EXPOSURE_STEP, PRICE_STEP = Decimal("0.0001"), Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Range:
    """A twin's worth: the smallest and largest of its cases, and the one between. Not rounded."""

    low: Decimal
    base: Decimal
    high: Decimal
    tax_benefit: Decimal


def value_twins(*, as_of: date, now: datetime) -> int:
    """Value each twin at each agency that signed an agreement for it; return how many were.

    One that is refused, as for want of an exchange rate, is logged and stops no other.
    """
    signed = Agreement.objects.exclude(status=AgreementStatus.DRAFT.value)
    pairs = signed.order_by("agency", "twin").values_list("agency", "twin").distinct()
    valued = 0
    for agency_id, twin_id in pairs:
        try:
            value_twin(agency_id=agency_id, twin_id=twin_id, as_of=as_of, now=now)
            valued += 1
        except Refused as refusal:
            logger.warning("Twin %s at agency %s: %s", twin_id, agency_id, refusal)
    return valued


@transaction.atomic
def value_twin(*, agency_id: int, twin_id: int, as_of: date, now: datetime) -> TwinValuation:
    """Value a twin at one agency as of a day, and store it with all that it stood on.

    If the same day was already valued from the same inputs, returns that valuation. Raises NoRate,
    MissingFigure, BadExposureParameters, BadForecast.
    """
    known = known_twin(agency_id=agency_id, twin_id=twin_id, as_of=as_of, known_at=now)
    cases = {case: known.inputs(case) for case in Case}
    found = range_of(cases)
    stands_on = _stands_on(known, cases)
    digest = _digest_of(stands_on)
    valuation, _ = TwinValuation.objects.get_or_create(
        agency_id=agency_id,
        twin_id=twin_id,
        as_of=as_of,
        digest=digest,
        code_version=CODE_VERSION,
        defaults={
            "currency": known.currency,
            "low": rounded(found.low, known.currency),
            "base": rounded(found.base, known.currency),
            "high": rounded(found.high, known.currency),
            "tax_benefit": rounded(found.tax_benefit, known.currency),
            "exposure": known.wear().exposure.quantize(EXPOSURE_STEP),
            "price_left": known.price_left().quantize(PRICE_STEP),
            "inputs": stands_on | {SOURCES: [METHOD, *sources_of(known)]},
            "computed_at": now,
        },
    )
    return valuation


def range_of(cases: Mapping[Case, TwinInputs]) -> Range:
    """Return a twin's range of worth from its inputs. Raises as `worth_of`."""
    worths: dict[Case, Worth] = {case: worth_of(inputs) for case, inputs in cases.items()}
    values = [worth.value for worth in worths.values()]
    base = worths[Case.BASE]
    return Range(min(values), base.value, max(values), base.tax_benefit)


def reckoned_again(valuation: TwinValuation) -> Range:
    """Return the range of a stored valuation from its stored inputs alone."""
    cases = msgspec.convert(valuation.inputs["cases"], dict[Case, TwinInputs])
    return range_of(cases)


def what_differs(valuation: TwinValuation) -> str:
    """Return what a stored valuation, reckoned again, has otherwise than it says; empty: nothing.

    Only one of today's CODE_VERSION can be asked: another reckoned otherwise.
    """
    if _digest_of(valuation.inputs) != bytes(valuation.digest):
        return "its inputs have another digest"
    again = reckoned_again(valuation)
    return ", ".join(
        name
        for name in ("low", "base", "high", "tax_benefit")
        if rounded(getattr(again, name), valuation.currency) != getattr(valuation, name)
    )


def _digest_of(inputs: Mapping[str, Any]) -> bytes:
    """Return the SHA-256 of what a valuation stands on. What its sources say is not among it."""
    stands_on = {name: told for name, told in inputs.items() if name != SOURCES}
    return hashlib.sha256(json.dumps(stands_on, sort_keys=True).encode()).digest()


def _stands_on(known: KnownTwin, cases: Mapping[Case, TwinInputs]) -> dict[str, Any]:
    return {
        "cases": msgspec.to_builtins({case.value: inputs for case, inputs in cases.items()}),
        "figures": [figure.as_json() for figure in known.figures.shown()],
        "earned": [
            [one.agreement.reference, *(str(rounded(year, known.currency)) for year in one.years)]
            for one in known.earned
        ],
        "told": _told(known, cases[Case.BASE]),
    }


def _told(known: KnownTwin, inputs: TwinInputs) -> dict[str, Any]:
    """Return what its performer asks: what last year's uses did, and what a rest would do."""
    return {
        "earned_last_year": str(rounded(known.last_year, known.currency)),
        "worn_last_year": str(rounded(_worn(known, inputs), known.currency)),
        "hours_last_year": {name: str(told) for name, told in known.hours_last_year.items()},
        "price_left_a_year_ago": str(known.price_left(on=known.as_of - YEAR).quantize(PRICE_STEP)),
        "rests": [[months, str(_after_a_rest(inputs, months))] for months in RESTS],
        "unmeasured": known.seen.unmeasured,
    }


def _worn(known: KnownTwin, inputs: TwinInputs) -> Decimal:
    """Return how much more the twin were worth, had it not been seen in the last year."""
    earlier = [told for told in known.seen.hours if told.on <= known.as_of - YEAR]
    rested = replace(inputs.outlook, levels=wear_of(earlier, inputs.rules, known.as_of).by_channel)
    without = forecast(inputs.incomes, rested, (), inputs.rules, inputs.terms)
    now = forecast(inputs.incomes, inputs.outlook, (), inputs.rules, inputs.terms)
    return without.value - now.value


def _after_a_rest(inputs: TwinInputs, months: int) -> Decimal:
    """Return the price left after some months in which nobody sees the twin."""
    resting = replace(inputs.outlook, pace=dict.fromkeys(inputs.outlook.pace, ZERO))
    _, left = seen_then(months * DAYS_A_MONTH, resting, (), inputs.rules)
    return left.quantize(PRICE_STEP)
