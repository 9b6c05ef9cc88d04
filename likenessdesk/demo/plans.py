"""The demo's scenarios: what twins are worth to a studio, and to an independent producer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from licensing.models import Agreement, Production, RateLine
from licensing.words import Channel, Confidence
from talent.models import Agency, DigitalTwin
from talent.words import Role, Tier, Use
from valuation.models import (
    Congruence,
    InputCorrelation,
    LegalAssessment,
    Scenario,
    ScenarioInput,
    ScenarioItem,
    WorthParameter,
)
from valuation.words import InputRole, SourceStanding, Spreading, Term
from valuation.words import WorthParameter as WorthParameters
from valuation.worth.scenario import editing, valuations

BEGINS = date(2026, 12, 1)


@dataclass(frozen=True)
class Guess:
    """A figure: low, most likely and high (PERT), or only the middle one (fixed)."""

    name: str
    figures: tuple[str, ...]
    source: str
    unit: str = ""
    standing: SourceStanding = SourceStanding.ASSUMPTION


@dataclass(frozen=True)
class Priced:
    """A planned quantity that a rate line of the agreement prices."""

    line: str
    label: str
    quantity: Guess
    months: int = 6
    language: str = ""


@dataclass(frozen=True)
class Worked:
    """An item of a term with its figures by what they are to it."""

    term: Term
    label: str
    figures: Mapping[InputRole, Guess]
    months: int = 3


@dataclass(frozen=True)
class Plan:
    """A scenario about an agreement's twin and production; with a tier, its template fills it."""

    name: str
    reference: str
    tier: Tier | None = None
    priced: tuple[Priced, ...] = ()
    items: tuple[Worked, ...] = ()
    # Names of inputs that move together, and by how much.
    together: tuple[tuple[str, str, str], ...] = ()
    # Channels on which the twin is to be seen, with hours as the audience gets them.
    seen: tuple[tuple[Channel, str], ...] = ()
    has_independent: bool = False
    months: int = 24


PRODUCER = "The line producer's schedule, demo"

PLANS = (
    Plan(
        "Captain Moss without pickup days",
        "MER-2026-002",
        tier=Tier.EMULATOR,
        priced=(
            Priced("equivalent-day", "Equivalent days of Captain Moss",
                   Guess("Equivalent days", ("3", "5", "9"), PRODUCER, "days")),
            Priced("hero-second", "Finished seconds of face",
                   Guess("Finished seconds", ("90", "140", "260"), PRODUCER, "seconds")),
        ),
        seen=((Channel.CINEMA, "12"), (Channel.STREAMING, "40")),
        together=(("Minutes seen close", "Finished seconds", "0.6"),),
        has_independent=True,
    ),
    Plan(
        "Lady Bracknell in Italian",
        "MER-2026-007",
        priced=(
            Priced("dubbed-line", "Dubbed lines",
                   Guess("Dubbed lines", ("240", "288", "330"), "Lines of act three, demo", "lines",
                         SourceStanding.MEASURED), language="it"),
        ),
        items=(
            Worked(
                Term.SAVINGS, "Human dubbing avoided",
                {
                    InputRole.QUANTITY: Guess("Minutes of dialogue", ("24", "28", "33"), PRODUCER,
                                              "minutes"),
                    InputRole.RATE: Guess("Human dubbing, a minute", ("50", "90", "150"),
                                          "50 to 150 a minute: remembered, not verified"),
                },
            ),
            Worked(
                Term.EXPANSION, "Italian streaming window",
                {
                    InputRole.RATE: Guess("Revenue of the window", ("4000", "9000", "16000"),
                                          "The distributor's estimate, demo"),
                    InputRole.SHARE: Guess("Chance that it is sold", ("0.3", "0.5", "0.8"),
                                           "The distributor's estimate, demo"),
                },
                months=12,
            ),
        ),
    ),
    Plan(
        "The harbour master in French",
        "MER-2026-008",
        priced=(
            Priced("dubbed-line", "Dubbed lines of the harbour master",
                   Guess("Dubbed lines", ("180", "220", "300"), PRODUCER, "lines"),
                   language="fr"),
        ),
        items=(
            Worked(
                Term.SAVINGS, "Human dubbing avoided",
                {
                    InputRole.QUANTITY: Guess("Minutes of dialogue", ("20", "24", "30"), PRODUCER,
                                              "minutes"),
                    InputRole.RATE: Guess("Human dubbing, a minute", ("80", "120", "180"),
                                          "50 to 150 a minute: remembered, not verified"),
                },
            ),
        ),
        months=12,
    ),
    Plan(
        "A guide who never sleeps",
        "NOR-2026-001",
        tier=Tier.PERSONA,
        priced=(
            Priced("avatar-second", "Seconds of avatar",
                   Guess("Seconds of avatar", ("20000", "60000", "118800"), PRODUCER, "seconds"),
                   months=12),
        ),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Known:
    """A figure that an agency records beside the rulebook's: what it takes, its worst, its best."""

    house: str
    parameter: WorthParameters
    value: str
    worst: str
    best: str
    source: str


@dataclass(frozen=True)
class Fit:
    """How well a use fits a twin, as its agency judges; without a twin, any of its twins."""

    house: str
    twin: str
    use: Use
    fit: str
    source: str


# Northlight's twins are known to few, who tire of them soon: there a cap pays.
OFFERS = "Offers for the same twin before and after its busiest month, demo"
KNOWN = (
    Known("northlight", WorthParameters.HALF_AT, "15", "10", "30", OFFERS),
    Known("northlight", WorthParameters.FLOOR, "0.05", "0", "0.1", OFFERS),
)
FITS = (
    Fit("meridian", "Ada Sample, face", Use.FEATURE, "0.7", "The agent's judgement, demo"),
    Fit("meridian", "", Use.ADVERTISING, "-0.3", "Comments counted under two campaigns, demo"),
    Fit("northlight", "Halcyon", Use.PROMO, "0.8", "A persona made for it, demo"),
)
KNOWN_SINCE = date(2026, 1, 1)


# What counsel of a house says could be claimed for what a twin was built from.
COUNSEL = "Counsel's note on recordings of unknown origin, demo"
CLAIMS = (("meridian", "Ada Sample, face", "2", "400000", "USD"),)


def write_figures(at: datetime) -> None:
    """Write what agencies know of exposure and fit themselves, and of claims."""
    for house, name, percent, at_risk, currency in CLAIMS:
        told = _recorded(house, COUNSEL, at)
        del told["confidence"]
        twin = DigitalTwin.objects.get(name=name)
        LegalAssessment.objects.create(
            **told,
            path=f"provenance {twin.pk}",
            name=f"Datasets, captures and base models of {twin}",
            probability_percent=Decimal(percent),
            at_risk=Decimal(at_risk),
            currency=currency,
        )
    for known in KNOWN:
        WorthParameter.objects.create(
            **_recorded(known.house, known.source, at),
            parameter=known.parameter.value,
            value=Decimal(known.value),
            worst=Decimal(known.worst),
            best=Decimal(known.best),
        )
    for one in FITS:
        Congruence.objects.create(
            **_recorded(one.house, one.source, at),
            twin=DigitalTwin.objects.get(name=one.twin) if one.twin else None,
            use=one.use.value,
            fit=Decimal(one.fit),
        )


def _recorded(house: str, source: str, at: datetime) -> dict[str, Any]:
    agency = Agency.objects.get(slug=house)
    seats = agency.memberships.filter(role=Role.BUSINESS_AFFAIRS.value)
    return {
        "agency": agency,
        "counts_from": KNOWN_SINCE,
        "source": source,
        "confidence": Confidence.SECONDARY.value,
        "recorded_at": at,
        "recorded_by": seats.select_related("user").earliest("pk").user,
    }


def write_plans() -> None:
    """Write the scenarios; they are valued once there is usage to look at."""
    for plan in PLANS:
        scenario = _write(plan)
        if plan.has_independent:
            editing.independent_of(scenario)


def value_plans(at: datetime) -> None:
    """Value each scenario of the demo as of a moment's day."""
    for scenario in Scenario.objects.order_by("pk"):
        valuations.value_scenario(scenario_id=scenario.pk, as_of=timezone.localdate(at), now=at)


def _write(plan: Plan) -> Scenario:
    agreement = Agreement.objects.get(reference=plan.reference)
    scenario = Scenario.objects.create(
        agency=Agency.objects.get(pk=agreement.agency_id),
        production=Production.objects.filter(agreements=agreement).first(),
        name=plan.name,
        currency=agreement.currency,
        begins_on=BEGINS,
        months=plan.months,
    )
    scenario.twins.add(DigitalTwin.objects.get(pk=agreement.twin_id))
    scenario.agreements.add(agreement)
    if plan.tier:
        editing.fill(scenario=scenario, tier=plan.tier, as_of=BEGINS)
    for priced in plan.priced:
        line = RateLine.objects.get(card__agreement=agreement, code=priced.line)
        worked = Worked(
            Term.LICENSING, priced.label, {InputRole.QUANTITY: priced.quantity}, priced.months
        )
        _add(scenario, worked, line, priced.language)
    for worked in plan.items:
        _add(scenario, worked)
    for channel, hours in plan.seen:
        scenario.exposures.create(
            twin_id=agreement.twin_id,
            channel=channel.value,
            hours=Decimal(hours),
            begins_in=7,
            months=6,
            source="The distributor's plan, demo",
        )
    for one, other, coefficient in plan.together:
        inputs = ScenarioInput.objects.filter(item__scenario=scenario)
        InputCorrelation.objects.create(
            scenario=scenario,
            one=inputs.get(name=one),
            other=inputs.get(name=other),
            coefficient=Decimal(coefficient),
            source="The editor's: what is longer on screen is seen closer, demo",
        )
    return scenario


def _add(
    scenario: Scenario, worked: Worked, line: RateLine | None = None, language: str = ""
) -> None:
    item = ScenarioItem.objects.create(
        scenario=scenario,
        term=worked.term.value,
        label=worked.label,
        months=worked.months,
        rate_line=line,
        language=language,
    )
    for role, guess in worked.figures.items():
        figures = [Decimal(one) for one in guess.figures]
        low, middle, high = figures if len(figures) == 3 else (None, figures[0], None)
        ScenarioInput.objects.create(
            item=item,
            role=role.value,
            name=guess.name,
            unit=guess.unit,
            spreading=(Spreading.FIXED if low is None else Spreading.PERT).value,
            low=low,
            middle=middle,
            high=high,
            source=guess.source,
            standing=guess.standing.value,
        )
