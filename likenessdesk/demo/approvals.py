"""Writes what waits for an answer in the demo, as studios asked for it when it was seeded."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from licensing.approvals.description import Description
from licensing.approvals.requests import open_request
from licensing.clearance import ask
from licensing.clearance.sent_request import SentRequest
from licensing.models import Agreement, LicenseeTerms
from licensing.wire.names import Prefix, name_of
from licensing.words import Channel, Meter, Outcome
from talent.words import Right, Use


@dataclass(frozen=True)
class Wish:
    """A use that a studio describes; the hours are those in which it wants to know."""

    reference: str
    right: Right
    use: Use
    channel: Channel
    territories: tuple[str, ...]
    scene: str
    lines: str
    amount: str
    basis: str
    units: tuple[tuple[Meter, int], ...]
    campaign: str = ""
    languages: tuple[str, ...] = ("en",)
    hours: int = 72


WISHES = (
    Wish(
        "MER-2026-002", Right.FACE, Use.AGE_CHANGE, Channel.CINEMA, ("US", "CA", "GB"),
        "Scene 41",
        "Captain Moss at twenty on the pier: six lines rewritten, no close-up.",
        "2566.00", "two equivalent days at scale",
        ((Meter.EQUIVALENT_DAYS, 2), (Meter.SECONDS, 38)),
    ),
    Wish(
        "MER-2026-001", Right.VOICE, Use.PROMO, Channel.ONLINE, ("US",),
        "", "The ship's computer answers three questions of players on the launch page.",
        "1170.00", "flat for twelve lines in two languages",
        ((Meter.LINES, 12),),
        campaign="Launch of Orbit Garden, season two", languages=("en", "fr"), hours=20,
    ),
    Wish(
        "MER-2026-004", Right.FACE, Use.PROMO, Channel.ONLINE, ("US",),
        "", "The photograph on the mantelpiece winks once in the teaser of episode 4.",
        "900.00", "flat for ten finished seconds",
        ((Meter.SECONDS, 10),),
        campaign="Teaser of Nine Lanterns, episode 4",
    ),
    Wish(
        "NOR-2026-004", Right.VOICE, Use.SERIES, Channel.STREAMING, ("GB",),
        "Episode 5, scene 2", "The narrator reads the letter that closes the fifth episode.",
        "156.00", "forty lines at 3.90", ((Meter.LINES, 40),),
    ),
)  # fmt: skip


def ask_for_approvals(at: datetime) -> int:
    """Ask for every wish that its agreement still covers; return how many wait now."""
    return sum(_asked(wish, at) for wish in WISHES)


def _asked(wish: Wish, at: datetime) -> bool:
    agreement = Agreement.objects.get(reference=wish.reference)
    terms = LicenseeTerms.objects.get(
        agency_id=agreement.agency_id, licensee_id=agreement.licensee_id
    )
    asked = SentRequest(
        twin=name_of(Prefix.TWIN, agreement.twin_id),
        right=wish.right.value,
        use=wish.use.value,
        at=at + timedelta(days=10),
        agreement=wish.reference,
        territory=wish.territories[0],
        language=wish.languages[0],
        channel=wish.channel.value,
        production=agreement.productions.order_by("pk").get().title,
        units=tuple((meter.value, Decimal(quantity)) for meter, quantity in wish.units),
    )
    decision = ask.ask(
        asked, terms=terms, asked_at=at, idempotency_key=f"demo approval {wish.reference}"
    )
    if decision.outcome != Outcome.NEEDS_APPROVAL:
        return False
    description = Description(
        scene=wish.scene,
        campaign=wish.campaign,
        lines=wish.lines,
        territories=wish.territories,
        languages=wish.languages,
        starts_at=at + timedelta(days=7),
        ends_at=at + timedelta(days=97),
        amount=Decimal(wish.amount),
        currency=agreement.currency,
        basis=wish.basis,
        answer_by=at + timedelta(hours=wish.hours),
    )
    open_request(decision=decision, description=description, at=at)
    return True
