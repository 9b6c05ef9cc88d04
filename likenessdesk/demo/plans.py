"""The demo's production scenarios: what using a twin would save, open, cost and wear."""

from dataclasses import dataclass
from decimal import Decimal

from licensing.models import Agreement, Production
from talent.models import Agency, DigitalTwin
from valuation.models import Assumption, Scenario
from valuation.words import Term


@dataclass(frozen=True)
class Guess:
    """One assumption: quantity × unit amount × probability, and where it comes from."""

    term: Term
    label: str
    quantity: str
    unit_amount: str
    source: str
    probability: str = "1"


@dataclass(frozen=True)
class Plan:
    """A scenario for one twin in one production."""

    name: str
    reference: str
    guesses: tuple[Guess, ...]


SHOOTING_DAY = "USD 250,000 to 1 million a feature's day: remembered, not verified"
SHOT_CHECK = "USD 40 to 150 a shot: remembered, not verified"

PLANS = (
    Plan(
        "Captain Moss without pickup days",
        "MER-2026-002",
        (
            Guess(Term.SAVINGS, "Shooting days avoided", "2", "250000", SHOOTING_DAY, "0.6"),
            Guess(Term.SAVINGS, "Second unit and travel", "1", "40000", "Line producer, demo"),
            Guess(
                Term.EXPANSION,
                "A longer cut for streaming",
                "1",
                "120000",
                "Distributor's estimate, demo",
                "0.35",
            ),
            Guess(Term.COMPUTE, "Checking of altered shots", "64", "95", SHOT_CHECK),
            Guess(Term.COMPUTE, "Graphics hours", "340", "2.95", "Median price of an H100 hour"),
            Guess(
                Term.DEPRECIATION,
                "Fewer cameos next year",
                "1",
                "30000",
                "Agent's estimate, demo",
                "0.25",
            ),
        ),
    ),
    Plan(
        "Lady Bracknell in Italian",
        "MER-2026-007",
        (
            Guess(
                Term.SAVINGS,
                "Minutes of human dubbing",
                "28",
                "100",
                "50 to 150 a minute and language: remembered, not verified",
            ),
            Guess(
                Term.EXPANSION,
                "Italian streaming window",
                "1",
                "9000",
                "Distributor's estimate, demo",
                "0.5",
            ),
            Guess(Term.COMPUTE, "Minutes of synthetic speech", "28", "0.33", "Published price"),
        ),
    ),
    Plan(
        "A guide who never sleeps",
        "NOR-2026-001",
        (
            Guess(
                Term.SAVINGS, "Studio days for a live guide", "6", "4000", "Producer's figure, demo"
            ),
            Guess(
                Term.EXPANSION,
                "Players who stay for a second season",
                "1500",
                "12",
                "Publisher's estimate, demo",
                "0.4",
            ),
            Guess(Term.COMPUTE, "Seconds of real-time avatar", "118800", "0.05", "Published price"),
        ),
    ),
)


def write_plans() -> None:
    for plan in PLANS:
        agreement = Agreement.objects.get(reference=plan.reference)
        scenario = Scenario.objects.create(
            agency=Agency.objects.get(pk=agreement.agency_id),
            twin=DigitalTwin.objects.get(pk=agreement.twin_id),
            production=Production.objects.filter(agreements=agreement).first(),
            agreement=agreement,
            name=plan.name,
            currency=agreement.currency,
        )
        Assumption.objects.bulk_create(
            Assumption(
                scenario=scenario,
                term=guess.term.value,
                label=guess.label,
                quantity=Decimal(guess.quantity),
                unit_amount=Decimal(guess.unit_amount),
                probability=Decimal(guess.probability),
                source=guess.source,
            )
            for guess in plan.guesses
        )
