"""Writes what waits for an answer in the demo: what studios and staff asked for at the seeding."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from licensing.agreements import amendments
from licensing.approvals.description import Description
from licensing.approvals.requests import open_request
from licensing.clearance import ask
from licensing.clearance.sent_request import SentRequest
from licensing.models import Agreement, Cap, LicenseeTerms
from licensing.wire.names import Prefix, name_of
from licensing.words import Channel, Meter, Outcome
from talent.words import Right, Role, Use


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


def ask_for_amendment(at: datetime) -> None:
    """Have an agent ask for more of a cap: twice as much, which is rejected, then a quarter."""
    cap = Cap.objects.filter(agreement__status="signed").select_related("agreement").earliest("pk")
    seats = cap.agreement.agency.memberships.order_by("pk").select_related("user")
    agent, affairs = (
        seats.filter(role=role.value)[0].user for role in (Role.AGENT, Role.BUSINESS_AFFAIRS)
    )
    twice, a_quarter_more = (
        amendments.ask(
            agreement=cap.agreement,
            change=amendments.Change(
                amendments.CAP,
                {**amendments.cap_terms(cap), "limit": str(int(cap.limit * factor))},
                cap.pk,
            ),
            counts_from=(at + timedelta(days=30)).date(),
            reason="The studio has ordered a second season.",
            by=agent,
            at=at,
        )
        for factor in (2, Decimal("1.25"))
    )
    reason = f"Twice is too much; {a_quarter_more} will do."
    amendments.reject(amendment_id=twice.pk, by=affairs, at=at, reason=reason)


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
        content=(),
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
