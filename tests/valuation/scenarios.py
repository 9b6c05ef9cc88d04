"""Scenarios for tests: each is complete and plain unless the test says what is different."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D

from licensing.models import LicenseeTerms, RateCard
from tests.factories import make_agreement, represent
from tests.valuation.world import TONIGHT
from valuation import night
from valuation.models import Scenario, ScenarioInput, ScenarioItem
from valuation.worth.twin.seen_days import add_new_leaves

NAMES = {"quantity": "how many", "times": "times each", "rate": "at", "share": "chance"}


def make_scenario(world, *, name="No pickup days", agreement=None, **fields):
    """Return a studio's scenario of the world's twin over 24 months from November."""
    agency = fields.pop("agency", world.agency)
    defaults = {"currency": "USD", "begins_on": date(2026, 11, 1), "draws": 1_024}
    scenario = Scenario.objects.create(agency=agency, name=name, **{**defaults, **fields})
    scenario.twins.add(world.twin)
    scenario.agreements.add(agreement or world.agreement)
    return scenario


def add_item(scenario, term, label, *, source="the test", standing="published", **given):
    """Add an item; its inputs are told by role: a figure, or the figures of a distribution."""
    columns = ("begins_in", "months", "currency", "rate_line", "territory", "language", "real_time")
    kept = {key: given.pop(key) for key in columns if key in given}
    item = ScenarioItem.objects.create(scenario=scenario, term=term, label=label, **kept)
    for role, figures in given.items():
        if not isinstance(figures, dict):
            figures = {"spreading": "fixed", "middle": D(figures)}
        ScenarioInput.objects.create(
            item=item,
            role=role,
            **{
                "name": f"{label}, {NAMES[role]}",
                "source": source,
                "standing": standing,
                **figures,
            },
        )
    return item


def expose(world, scenario):
    """Have the twin earn 12,000 in July, and the scenario show it for 200 hours in cinemas."""
    world.line(unit_price=D(120))
    world.use("100")
    night.run_night(as_of=TONIGHT.date(), now=TONIGHT)
    add_new_leaves(now=TONIGHT)
    scenario.exposures.create(twin=world.twin, channel="cinema", hours=D(200))
    return scenario


def pert(low, middle, high):
    return {"spreading": "pert", "low": D(low), "middle": D(middle), "high": D(high)}


def at_another(world, agency):
    """Return a world like the given one, of the same twin, at another agency."""
    represent(agency, world.performer)
    terms = LicenseeTerms.objects.create(agency=agency, licensee=world.licensee)
    agreement = make_agreement(
        agency, world.licensee, world.twin, reference="EL-1", ends_at=None,
        signed_at=world.agreement.signed_at, starts_at=world.agreement.starts_at,
    )  # fmt: skip
    card = RateCard.objects.create(agreement=agreement, effective_from=world.card.effective_from)
    return replace(world, agency=agency, terms=terms, agreement=agreement, card=card)
