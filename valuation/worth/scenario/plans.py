"""Plans: a scenario frozen with all that its worth stands on, and the model that is drawn from it.

A plan is data: it goes into a valuation as JSON and comes back the same, so that a valuation can be
computed again when the scenario, a rate card or a rate of exchange has changed since.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from licensing.pricing import PriceBracket, PriceTerms
from licensing.words import Pricing, RoundQuantity
from talent.errors import Refused
from valuation.words import InputRole, SourceStanding, Spreading, Term, View
from valuation.worth.draw.distributions import Draws
from valuation.worth.draw.plan_prices import PlanPrice, compiled
from valuation.worth.draw.simulation import Input, Item, Model
from valuation.worth.legal.risks import Path, PathState
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
class Conversion:
    """The stored rate by which an item's amount becomes the scenario's currency: a fraction."""

    of: str
    numerator: Decimal
    denominator: Decimal
    on: date
    source: str


@dataclass(frozen=True, slots=True)
class PricedBy:
    """The rate line that prices an item's quantity, evenly over `periods` rating periods.

    `left_out` says in sentences what of the agreement's prices a plan does not know how to count.
    """

    agreement: str
    line: str
    periods: int
    terms: PriceTerms
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanItem:
    """An item of a term; it begins in month `begins` (the first is 0), and lasts `months`.

    `row` is the scenario's item; None: the desk itself knew it.
    """

    term: Term
    label: str
    begins: int
    months: int
    inputs: tuple[PlanInput, ...]
    row: int | None = None
    priced_by: PricedBy | None = None
    conversion: Conversion | None = None


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


@dataclass(frozen=True, slots=True)
class PlanAmount:
    """An item's amount: fixed figures in one constant, the keys of what varies, perhaps a price."""

    constant: float
    keys: tuple[str, ...]
    planned: float
    planned_keys: tuple[str, ...]
    price: PlanPrice | None
    periods: int

    def of(self, values: Mapping[str, Draws]) -> Draws:
        amount: Draws | float = self.constant
        if self.price is not None:
            quantity = _times(self.planned / self.periods, self.planned_keys, values)
            amount = amount * self.price.of(np.atleast_1d(np.asarray(quantity))) * self.periods
        return np.asarray(_times(amount, self.keys, values), dtype=float)


def _times(
    amount: Draws | float, keys: tuple[str, ...], values: Mapping[str, Draws]
) -> Draws | float:
    for key in keys:
        amount = amount * values[key]
    return amount


def model_of(plan: Plan) -> Model:
    """Return what is drawn: a column for each input that varies. Raises UnsoundPlan."""
    varying = plan.varying()
    if len(varying) > MOST_VARYING:
        raise UnsoundPlan(
            f"{len(varying)} inputs vary, and at most {MOST_VARYING} can. Fix those that matter "
            "least: the tornado shows which."
        )
    return Model(
        inputs=tuple(Input(one.key, one.figures.distribution()) for one in varying),
        items=tuple(
            Item(item.term, _amount_of(item), begins=item.begins, months=item.months)
            for item in plan.items
        ),
        correlation=_correlation(plan, [one.key for one in varying]),
    )


def _amount_of(item: PlanItem) -> PlanAmount:
    """Sort an item's inputs into what is priced by a rate line, and what multiplies the price."""
    priced = [one for one in item.inputs if item.priced_by and one.role in PRICED]
    others = [one for one in item.inputs if one not in priced]
    constant, keys = _factors(others)
    if item.conversion:
        constant *= float(item.conversion.numerator / item.conversion.denominator)
    if item.priced_by is None:
        return PlanAmount(constant, keys, 1.0, (), None, 1)
    planned, planned_keys = _factors(priced)
    price = compiled(item.priced_by.terms)
    return PlanAmount(constant, keys, planned, planned_keys, price, item.priced_by.periods)


PRICED = {InputRole.QUANTITY, InputRole.TIMES}


def _factors(inputs: list[PlanInput]) -> tuple[float, tuple[str, ...]]:
    constant = 1.0
    for one in inputs:
        if one.figures.is_fixed:
            constant *= float(one.figures.middle or 0)
    return constant, tuple(one.key for one in inputs if not one.figures.is_fixed)


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
    figures = {
        name: None if content[name] is None else Decimal(content[name])
        for name in ("probability", "at_risk")
    }
    on = content["on"] and date.fromisoformat(content["on"])
    return Path(**{**content, "state": PathState(content["state"]), **figures, "on": on})


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


def _priced_by(content: Mapping[str, Any]) -> PricedBy:
    terms = content["terms"]
    brackets = tuple(
        PriceBracket(
            _maybe(bracket["up_to"]), Decimal(bracket["unit_price"]), Decimal(bracket["flat"])
        )
        for bracket in terms["brackets"]
    )
    # A plan has whole periods, and does not foresee what escalators make of prices.
    made = PriceTerms(
        kind=Pricing(terms["kind"]),
        currency=terms["currency"],
        unit_price=Decimal(terms["unit_price"]),
        brackets=brackets,
        package_size=Decimal(terms["package_size"]),
        free_quantity=Decimal(terms["free_quantity"]),
        factor=Decimal(terms["factor"]),
        discount=Decimal(terms["discount"]),
        minimum=_maybe(terms["minimum"]),
        maximum=_maybe(terms["maximum"]),
        rounding=RoundQuantity(terms["rounding"]),
        step=Decimal(terms["step"]),
    )
    # Plans from before it was said say nothing of it.
    left_out = tuple(content.get("left_out", ()))
    return PricedBy(content["agreement"], content["line"], content["periods"], made, left_out)


def _maybe(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
