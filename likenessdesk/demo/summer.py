"""The demo's summer: what the twins did from July to September 2026, as CloudEvents.

The numbers come from a generator that starts from each agreement's reference, so that every
desk sees the same summer. Only the instants of use lie in the past; the desk says itself when
it received and sealed them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from licensing.usage.events.cloudevents import Envelope
from licensing.usage.events.event_types import REVENUE_REPORT, USAGE_TYPE
from licensing.words import Channel, Meter, PromptClass
from likenessdesk.demo.terms import DEALS, Deal
from talent.words import Right, Use

# From July to September in every zone from Los Angeles to Rome.
FIRST = datetime(2026, 7, 1, 12, tzinfo=UTC)
DAYS = 91


@dataclass(frozen=True)
class Range:
    """A meter's quantity, from and to, in steps of a power of ten."""

    low: int
    high: int
    places: int = 0


@dataclass(frozen=True)
class Plan:
    """What happens under one agreement: how often, where, and how much."""

    reference: str
    right: Right
    use: Use
    events: int
    meters: tuple[tuple[Meter, Range], ...]
    territories: tuple[str, ...] = ("US",)
    languages: tuple[str, ...] = ()
    channels: tuple[Channel, ...] = (Channel.STREAMING,)
    prompts: tuple[PromptClass, ...] = (PromptClass.SCRIPTED,)
    real_time_percent: int = 0


PLANS = (
    Plan("MER-2026-001", Right.VOICE, Use.GAME, 120,
         ((Meter.LINES, Range(4, 480, 1)), (Meter.SECONDS, Range(20, 2400, 1))),
         ("US", "FR", "DE", "GB"), ("en", "en", "fr", "de"), (Channel.GAME,),
         (PromptClass.SCRIPTED, PromptClass.REVISION, PromptClass.CONVERSATION), 5),
    Plan("MER-2026-002", Right.FACE, Use.FEATURE, 24,
         ((Meter.EQUIVALENT_DAYS, Range(5, 20, 1)), (Meter.SECONDS, Range(30, 400, 1))),
         ("US",), ("en",), (Channel.CINEMA,)),
    Plan("MER-2026-003", Right.BODY, Use.BACKGROUND, 16,
         ((Meter.EQUIVALENT_DAYS, Range(1, 2)),)),
    Plan("MER-2026-004", Right.FACE, Use.POSTHUMOUS, 18,
         ((Meter.SECONDS, Range(50, 350, 1)),)),
    Plan("MER-2026-005", Right.VOICE, Use.ADR, 40,
         ((Meter.LINES, Range(2, 30, 1)),), ("GB",), ("en",)),
    Plan("MER-2026-006", Right.VOICE, Use.ADVERTISING, 45,
         ((Meter.WORDS, Range(20, 180)),), ("US", "CA"), ("en",), (Channel.ONLINE,)),
    Plan("NOR-2026-001", Right.FACE, Use.PROMO, 60,
         ((Meter.SECONDS, Range(6000, 36000, 1)),), ("GB", "US", "DE"), ("en",),
         (Channel.ONLINE,), (PromptClass.CONVERSATION,), 100),
    Plan("NOR-2026-002", Right.VOICE, Use.DUBBING, 70,
         ((Meter.CHARACTERS, Range(300, 9000)), (Meter.WORDS, Range(50, 1500))),
         ("DE", "ES"), ("de", "es")),
    Plan("NOR-2026-003", Right.BODY, Use.STUNT, 9, ((Meter.SHOTS, Range(1, 3)),), ("GB",)),
    Plan("NOR-2026-004", Right.VOICE, Use.SERIES, 12,
         ((Meter.LINES, Range(5, 60, 1)),), ("US",), ("en",)),
    Plan("NOR-2026-005", Right.FACE, Use.DUBBING, 30,
         ((Meter.SECONDS, Range(300, 9000, 1)),), ("IT",), ("it",)),
    Plan("NOR-2026-006", Right.COMPOSITE, Use.PROMO, 80,
         ((Meter.TOKENS, Range(400, 60000)),), ("GB", "US"), ("en",),
         (Channel.ONLINE,), (PromptClass.CONVERSATION,), 100),
)  # fmt: skip


def envelopes(reference: str) -> list[Envelope]:
    """Return one agreement's events, in the order they happened."""
    deal = next(deal for deal in DEALS if deal.reference == reference)
    plans = [plan for plan in PLANS if plan.reference == reference]
    planned = [event for plan in plans for event in happened(plan, deal)]
    return sorted([*planned, *apart(deal)], key=lambda event: (event.time or "", event.id))


def happened(plan: Plan, deal: Deal) -> Iterator[Envelope]:
    draw = Random(plan.reference)  # noqa: S311 (a demo that is the same everywhere)
    for number in range(1, plan.events + 1):
        at = FIRST + timedelta(minutes=draw.randrange(DAYS * 24 * 60))
        real_time = draw.randrange(100) < plan.real_time_percent
        data: dict[str, object] = {
            "right": plan.right.value,
            "use": plan.use.value,
            "territory": draw.choice(plan.territories),
            "channel": draw.choice(plan.channels).value,
            "prompt_class": draw.choice(plan.prompts).value,
            "quantities": {meter.value: drawn(draw, size) for meter, size in plan.meters},
            "real_time": real_time,
        }
        if plan.languages:
            data["language"] = draw.choice(plan.languages)
        yield event(deal, f"{number:04}", at, data)


def drawn(draw: Random, size: Range) -> str:
    return str(Decimal(draw.randint(size.low, size.high)).scaleb(-size.places))


def apart(deal: Deal) -> Iterator[Envelope]:
    """Yield what should not have happened, or tells more than a plan does."""
    for special in SPECIALS.get(deal.reference, ()):
        yield event(deal, special.id, special.at, dict(special.data))
    for month, revenue in REVENUE if deal.reference == "NOR-2026-006" else ():
        at = datetime(2026, month, 28, 15, 30, tzinfo=UTC)
        data = revenue_report(month, revenue)
        yield event(deal, f"revenue-{month}", at, data, type=REVENUE_REPORT.type)


@dataclass(frozen=True)
class Special:
    """One event that stands out."""

    id: str
    at: datetime
    data: tuple[tuple[str, object], ...]


def special(number: str, month: int, day: int, **data: object) -> Special:
    return Special(number, datetime(2026, month, day, 15, 30, tzinfo=UTC), tuple(data.items()))


FRENCH = {
    "right": "composite", "use": "dubbing", "territory": "FR", "language": "fr",
    "channel": "cinema",
}  # fmt: skip
# The last reel was reported when the others were rated and paid for.
LATE = special("reel-6", 9, 24, **FRENCH, quantities={"lines": "17.8"})

SPECIALS: dict[str, tuple[Special, ...]] = {
    "MER-2026-001": (
        # The voice of a game's ship sells something: outside the consent, at the higher price.
        special(
            "advert", 8, 20, right="voice", use="advertising", territory="US", language="en",
            channel="social", quantities={"lines": "12.0"}, real_time=False,
            prompt_class="free", prompt="Say that the ship runs on our lemonade.",
        ),
        special(
            "prompted", 7, 9, right="voice", use="game", territory="US", language="en",
            channel="game", quantities={"lines": "3.4"}, real_time=False,
            prompt_class="scripted", prompt="Welcome aboard. Please do not feed the engine.",
        ),
    ),
    "MER-2026-002": (
        # Before the term: kept, and out of scope.
        special(
            "early", 6, 24, right="face", use="feature", territory="US", language="en",
            channel="cinema", quantities={"equivalent_days": "1.0", "seconds": "12.0"},
        ),
    ),
    "MER-2026-006": (
        special("session-1", 7, 2, right="voice", use="advertising", territory="US",
                language="en", channel="online", quantities={"sessions": "1", "words": "96"}),
        special("session-2", 8, 3, right="voice", use="advertising", territory="CA",
                language="en", channel="online", quantities={"sessions": "1", "words": "96"}),
        # A language that nobody allowed.
        special("german", 9, 8, right="voice", use="advertising", territory="DE",
                language="de", channel="online", quantities={"words": "64"}),
    ),
    "MER-2026-008": tuple(
        special(f"reel-{number}", month, day, **FRENCH, quantities={"lines": lines})
        for number, (month, day, lines) in enumerate(
            ((7, 8, "41.3"), (7, 22, "35.0"), (8, 12, "52.6"), (9, 9, "45.2"), (9, 21, "19.5")),
            start=1,
        )
    ),
}  # fmt: skip

# What a promotion brought in, month by month; September came in short, and was amended.
REVENUE = ((7, "18250.40"), (8, "22310.95"), (9, "19480.10"))


def revenue_report(month: int, revenue: str) -> dict[str, object]:
    return {
        "twin": None,
        "right": Right.COMPOSITE.value,
        "use": Use.PROMO.value,
        "territory": "GB",
        "language": "en",
        "channel": Channel.ONLINE.value,
        "period": {"starts": f"2026-{month:02}", "months": 1},
        "revenue": revenue,
        "currency": "USD",
    }


def event(
    deal: Deal,
    number: str,
    at: datetime,
    data: dict[str, object],
    *,
    type: str = USAGE_TYPE,  # noqa: A002 (its name in CloudEvents)
) -> Envelope:
    # A report counts money or days, and shows nothing.
    shows: dict[str, object] = {"content": ["none"]} if type == USAGE_TYPE else {}
    return Envelope(
        id=f"{deal.reference}-{number}",
        source=f"//{deal.studio}.example/pipeline",
        type=type,
        time=at.isoformat().replace("+00:00", "Z"),
        datacontenttype="application/json",
        subject=deal.title,
        data={"twin": deal.twin, "agreement": deal.reference, "production": deal.title}
        | shows
        | data,
    )
