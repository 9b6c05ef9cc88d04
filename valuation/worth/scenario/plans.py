"""Plans: a scenario frozen with all that its worth stands on, and the model that is drawn from it.

A plan is data: it goes into a valuation as JSON and comes back the same, so that a valuation can be
computed again when the scenario, a rate card or a rate of exchange has changed since.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np

from licensing.pricing import PriceBracket, PriceTerms, Rise, Rises
from licensing.words import Pricing, RoundQuantity
from talent.errors import Refused
from valuation.words import InputRole, SourceStanding, Spreading, Term, View
from valuation.worth.draw.distributions import Draws
from valuation.worth.draw.formula import Conversion
from valuation.worth.draw.plan_prices import compiled
from valuation.worth.draw.planned_lines import (
    PlannedLine,
    PlannedPeriod,
    PlannedUse,
    PricedAmount,
    Product,
    ToppedUp,
)
from valuation.worth.draw.simulation import Amount, Input, Item, Model
from valuation.worth.legal.risks import Assessment, Path, PathState
from valuation.worth.scenario.input_figures import InputFigures

MOST_VARYING = 200


class UnsoundPlan(Refused):
    """A plan cannot be valued; the text says which item or input, and what to do."""

    code = "unsound_plan"


@dataclass(frozen=True, slots=True)
class PlanInput:
    """A figure of an item; `key` is its own in the plan."""

    key: str
    role: InputRole
    name: str
    unit: str
    figures: InputFigures
    source: str
    standing: SourceStanding


@dataclass(frozen=True, slots=True)
class PlanCharge:
    """A rate line's terms in the plan's months [begins, ends), at factor 1.

    They are a rating period of the agreement, or the part of it under one card; `period_on` is the
    period's first day. `once`: what it owes counts once for the period, whichever card it is under.
    """

    period_on: date
    begins: int
    ends: int
    terms: PriceTerms
    once: bool = False


@dataclass(frozen=True, slots=True)
class PricedBy:
    """The rate line that prices an item's quantity, by the rating periods of its months.

    `factors` are the card's multipliers for such use, each as dimension, value and factor; their
    product is `factor`. `left_out` says in sentences what of the agreement's prices a plan does not
    know how to count.
    """

    agreement: str
    line: str
    code: str
    currency: str
    charges: tuple[PlanCharge, ...]
    factor: Decimal = Decimal(1)
    factors: tuple[tuple[str, str, str], ...] = ()
    unlicensed: bool = False
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Guaranteed:
    """A guarantee of an agreement for the days [begins_on, ends_on), in its currency.

    `earned` is what use of the agreement's consent had earned of it by the valuation. It tops up
    over the plan's months [begins, ends). No day is kept: each night's plan would be another one.
    """

    agreement: str
    currency: str
    promised: Decimal
    earned: Decimal
    begins_on: date
    ends_on: date
    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class PlanItem:
    """An item of a term; it begins in month `begins` (the first is 0), and lasts `months`.

    `row` is the scenario's item; None: the desk itself knew it, as of an agreement or a `twin`.
    """

    term: Term
    label: str
    begins: int
    months: int
    inputs: tuple[PlanInput, ...]
    row: int | None = None
    priced_by: PricedBy | None = None
    conversion: Conversion | None = None
    guaranteed: Guaranteed | None = None
    twin: str = ""


@dataclass(frozen=True, slots=True)
class Together:
    """Two inputs by their keys, and how they move together."""

    one: str
    other: str
    coefficient: float
    source: str


@dataclass(frozen=True, slots=True)
class PastFees:
    """What an agreement has cost by a day; it is paid and stands beside V."""

    agreement: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class TwinForecast:
    """What a twin's other licences are expected to bring, without the plan's exposure and with it.

    By month from the day it was gathered, in the plan's currency: `without` and `with_plan` are
    nominal, `lost` is the difference in today's money. `before` and `after` are what the twin is
    worth.
    """

    twin: str
    before: Decimal
    after: Decimal
    without: tuple[Decimal, ...]
    with_plan: tuple[Decimal, ...]
    lost: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All that V of a scenario stands on, in `currency`; `discount` is a yearly rate."""

    scenario: str
    agency: str
    view: View
    twins: tuple[str, ...]
    production: str
    agreements: tuple[str, ...]
    currency: str
    begins_on: date
    months: int
    discount: Decimal
    discount_source: str
    draws: int
    seed: int
    items: tuple[PlanItem, ...]
    together: tuple[Together, ...] = ()
    past_fees: tuple[PastFees, ...] = field(default=())
    # Beside V: nothing that is drawn reads them.
    legal_paths: tuple[Path, ...] = ()
    forecasts: tuple[TwinForecast, ...] = ()

    def inputs(self) -> Iterator[PlanInput]:
        for item in self.items:
            yield from item.inputs

    def varying(self) -> list[PlanInput]:
        """Return the inputs that are not fixed, in the order of the model's columns."""
        return [one for one in self.inputs() if not one.figures.is_fixed]


# The model that is drawn


def model_of(plan: Plan) -> Model:
    """Return what is drawn: a column for each input that varies. Raises UnsoundPlan."""
    varying = plan.varying()
    if len(varying) > MOST_VARYING:
        raise UnsoundPlan(
            f"{len(varying)} inputs vary, and at most {MOST_VARYING} can. Fix those that matter "
            "least: the tornado shows which."
        )
    amounts = _amounts(plan.items)
    return Model(
        inputs=tuple(Input(one.key, one.figures.distribution()) for one in varying),
        items=tuple(
            Item(item.term, amount, begins=item.begins, months=item.months)
            for item, amount in zip(plan.items, amounts, strict=True)
        ),
        correlation=_correlation(plan, [one.key for one in varying]),
    )


def _amounts(items: Sequence[PlanItem]) -> list[Amount]:
    """Return each item's amount; those of one rate line are priced together."""
    by_line: dict[tuple[str, str], dict[int, PlanItem]] = defaultdict(dict)
    for place, item in enumerate(items):
        if item.priced_by:
            by_line[item.priced_by.agreement, item.priced_by.code][place] = item
    priced: dict[int, PricedAmount] = {}
    for together in by_line.values():
        priced |= _priced_together(together)
    return [
        priced[place] if place in priced else _unpriced(item, items, priced)
        for place, item in enumerate(items)
    ]


def _priced_together(items: Mapping[int, PlanItem]) -> dict[int, PricedAmount]:
    uses, quantities = {}, {}
    charges: dict[tuple[date, int], PlanCharge] = {}
    for place, item in items.items():
        if item.priced_by is None:
            continue
        charges |= {(one.period_on, one.begins): one for one in item.priced_by.charges}
        uses[place] = PlannedUse(item.begins, item.months, item.priced_by.factor)
        quantities[place] = _product([one for one in item.inputs if one.role in PRICED])
    compile_once = cache(compiled)
    line = PlannedLine(
        periods=tuple(
            PlannedPeriod(one.begins, one.ends, compile_once(one.terms), one.period_on, one.once)
            for _, one in sorted(charges.items(), key=lambda told: told[0])
        ),
        uses=uses,
    )
    return {
        place: PricedAmount(
            line,
            place,
            quantities,
            _product([one for one in item.inputs if one.role not in PRICED], _converted(item)),
        )
        for place, item in items.items()
    }


def _unpriced(
    item: PlanItem, items: Sequence[PlanItem], priced: Mapping[int, PricedAmount]
) -> Amount:
    if item.guaranteed is None:
        return _product(item.inputs, _converted(item))
    return ToppedUp(
        promised=float(item.guaranteed.promised),
        earned=float(item.guaranteed.earned),
        begins=item.guaranteed.begins,
        ends=item.guaranteed.ends,
        items=tuple(
            amount.unconverted()
            for place, amount in priced.items()
            if _counts_towards(items[place].priced_by, item.guaranteed)
        ),
        converted=_converted(item),
    )


def _counts_towards(priced_by: PricedBy | None, guaranteed: Guaranteed) -> bool:
    """Tell whether a line's use earns a guarantee: that outside the consent pays for none."""
    return (
        priced_by is not None
        and priced_by.agreement == guaranteed.agreement
        and not priced_by.unlicensed
    )


def _converted(item: PlanItem) -> float:
    if item.conversion is None:
        return 1.0
    return float(item.conversion.rate)


PRICED = {InputRole.QUANTITY, InputRole.TIMES}


def _product(inputs: Iterable[PlanInput], converted: float = 1.0) -> Product:
    constant, keys = 1.0, []
    for one in inputs:
        if one.figures.is_fixed:
            constant *= float(one.figures.middle or 0)
        else:
            keys.append(one.key)
    return Product(constant, tuple(keys), converted)


def _correlation(plan: Plan, keys: list[str]) -> Draws | None:
    if not plan.together:
        return None
    place = {key: column for column, key in enumerate(keys)}
    matrix = np.eye(len(keys))
    for pair in plan.together:
        if pair.one not in place or pair.other not in place:
            raise UnsoundPlan("A fixed input moves with nothing: take its correlation out.")
        one, other = place[pair.one], place[pair.other]
        matrix[one, other] = matrix[other, one] = pair.coefficient
    return matrix


# As JSON and back


def to_json(plan: Plan) -> dict[str, Any]:
    """Return a plan as plain JSON: decimals and days as text."""
    return {key: _plain(value) for key, value in asdict(plan).items()}


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case tuple() | list():
            return [_plain(inner) for inner in value]
        case Decimal():
            return f"{value.normalize():f}"
        case date():
            return value.isoformat()
        case Term() | View() | InputRole() | Spreading() | SourceStanding():
            return value.value
        case Pricing() | RoundQuantity() | PathState():
            return value.value
        case _:
            return value


def digest_of(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a plan's JSON, in hexadecimal."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def from_json(content: Mapping[str, Any]) -> Plan:
    """Return the plan that `to_json` wrote."""
    return Plan(
        **{
            **content,
            "view": View(content["view"]),
            "twins": tuple(content["twins"]),
            "agreements": tuple(content["agreements"]),
            "begins_on": date.fromisoformat(content["begins_on"]),
            "discount": Decimal(content["discount"]),
            "items": tuple(map(_item, content["items"])),
            "together": tuple(Together(**pair) for pair in content["together"]),
            "past_fees": tuple(
                PastFees(**{**fees, "amount": Decimal(fees["amount"])})
                for fees in content["past_fees"]
            ),
            # Plans from before they were kept have none.
            "legal_paths": tuple(map(_path, content.get("legal_paths", ()))),
            "forecasts": tuple(map(_forecast, content.get("forecasts", ()))),
        }
    )


def _path(content: Mapping[str, Any]) -> Path:
    on = content["on"] and date.fromisoformat(content["on"])
    # Plans from before assessments name no key, and nobody had said what could be claimed.
    said = content.get("assessment")
    return Path(
        content["name"],
        PathState(content["state"]),
        key=content.get("key", ""),
        source=content["source"],
        on=on,
        assessment=said and _assessment(said),
    )


def _assessment(content: Mapping[str, Any]) -> Assessment:
    return Assessment(
        probability=Decimal(content["probability"]),
        at_risk=Decimal(content["at_risk"]),
        currency=content["currency"],
        source=content["source"],
        on=date.fromisoformat(content["on"]),
        conversion=content["conversion"] and _conversion(content["conversion"]),
    )


def _forecast(content: Mapping[str, Any]) -> TwinForecast:
    months = {name: tuple(map(Decimal, content[name])) for name in ("without", "with_plan", "lost")}
    return TwinForecast(
        content["twin"], Decimal(content["before"]), Decimal(content["after"]), **months
    )


def _item(content: Mapping[str, Any]) -> PlanItem:
    return PlanItem(
        **{
            **content,
            "term": Term(content["term"]),
            "inputs": tuple(map(_input, content["inputs"])),
            "priced_by": content["priced_by"] and _priced_by(content["priced_by"]),
            "conversion": content["conversion"] and _conversion(content["conversion"]),
            # Plans from before guarantees were counted have none.
            "guaranteed": _guaranteed(content.get("guaranteed")),
        }
    )


def _input(content: Mapping[str, Any]) -> PlanInput:
    return PlanInput(
        **{
            **content,
            "role": InputRole(content["role"]),
            "figures": _figures(content["figures"]),
            "standing": SourceStanding(content["standing"]),
        }
    )


def _figures(content: Mapping[str, Any]) -> InputFigures:
    decimals = {name: _maybe(content[name]) for name in ("low", "middle", "high", "deviation")}
    return InputFigures(Spreading(content["spreading"]), values=content["values"], **decimals)


def _conversion(content: Mapping[str, Any]) -> Conversion:
    return Conversion(
        content["of"],
        Decimal(content["numerator"]),
        Decimal(content["denominator"]),
        date.fromisoformat(content["on"]),
        content["source"],
    )


def _guaranteed(content: Mapping[str, Any] | None) -> Guaranteed | None:
    if content is None:
        return None
    days = {name: date.fromisoformat(content[name]) for name in DAYS_OF_GUARANTEE}
    amounts = {name: Decimal(content[name]) for name in ("promised", "earned")}
    return Guaranteed(**{**content, **days, **amounts})


DAYS_OF_GUARANTEE = ("begins_on", "ends_on")


def _priced_by(content: Mapping[str, Any]) -> PricedBy:
    if "charges" not in content:
        # From before its rating periods were kept: it can be read, and not computed again.
        currency = content["terms"]["currency"]
        left_out = tuple(content.get("left_out", ()))
        return PricedBy(content["agreement"], content["line"], "", currency, (), left_out=left_out)
    return PricedBy(
        **{
            **content,
            "charges": tuple(map(_charge, content["charges"])),
            "factor": Decimal(content["factor"]),
            "factors": tuple(map(tuple, content["factors"])),
            "left_out": tuple(content["left_out"]),
        }
    )


def _charge(content: Mapping[str, Any]) -> PlanCharge:
    on = date.fromisoformat(content["period_on"])
    return PlanCharge(**{**content, "period_on": on, "terms": _terms(content["terms"])})


def _terms(content: Mapping[str, Any]) -> PriceTerms:
    amounts = ("unit_price", "package_size", "free_quantity", "factor", "discount", "step")
    return PriceTerms(
        **{
            **content,
            **{name: Decimal(content[name]) for name in amounts},
            "kind": Pricing(content["kind"]),
            "brackets": tuple(map(_bracket, content["brackets"])),
            "minimum": _maybe(content["minimum"]),
            "maximum": _maybe(content["maximum"]),
            "rounding": RoundQuantity(content["rounding"]),
            "rises": Rises(**{name: _rise(rise) for name, rise in content["rises"].items()}),
        }
    )


def _bracket(content: Mapping[str, Any]) -> PriceBracket:
    price, flat = Decimal(content["unit_price"]), Decimal(content["flat"])
    return PriceBracket(_maybe(content["up_to"]), price, flat)


def _rise(content: Mapping[str, Any]) -> Rise:
    return Rise(Decimal(content["times"]), content["name"])


def _maybe(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
