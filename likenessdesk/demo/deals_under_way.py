"""The demo's deals under way: an offer taken, a transfer asked for, an audit, a round of signing.

They come after the first night, so that the summer's figures are the same with and without them.
All people, companies and titles are invented.
"""

import hashlib
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from licensing import api_keys
from licensing.agreements import audits, offers, transfers
from licensing.agreements.clauses.clause_library import templates
from licensing.agreements.signing import acts, rounds, signatories
from licensing.agreements.wizard import drafting
from licensing.models import (
    Agreement,
    ApiKey,
    DealTerms,
    Grant,
    Licensee,
    LicenseeTerms,
    Production,
    RateCard,
    RateLine,
    StandingOffer,
)
from licensing.words import (
    AuditSide,
    AuditStepKind,
    DealKind,
    Identified,
    Meter,
    Pricing,
    SignatoryRole,
)
from likenessdesk.demo.terms import LINE_PRICE
from talent.models import Agency, DigitalTwin, User
from talent.papers import certificate
from talent.words import Channel, RepresentedBy, Right, Role, Use

HOUSE = "meridian"
NOTICE_RUN = timedelta(days=40)  # longer than any notice of an audit in the demo


def begin_deals(at: datetime) -> bool:
    """Write what is under way at an instant; False: it is there already.

    The document goes out for signature only where the desk has a certificate to seal it with.
    """
    if StandingOffer.objects.exists():
        return False
    with transaction.atomic():
        agency = Agency.objects.get(slug=HOUSE)
        offer_dubbing(agency, at)
        ask_to_transfer(agency, at)
        begin_audit(agency, at)
        draft = draft_a_game(agency, at)
    if certificate.is_there():
        send_and_sign_once(draft, at)
    return True


def offer_dubbing(agency: Agency, at: datetime) -> None:
    """Show an offer of Hana's voice to her, have it approved, tried by one studio and taken."""
    twin = DigitalTwin.objects.get(name="Hana Dummy, voice")
    offer = StandingOffer.objects.create(
        agency=agency, twin=twin, name="Forty lines for a radio spot",
        description="Forty spoken lines in English for one radio or online advertisement of one "
        "product, from a script that is sent with each use.",
        kind=DealKind.COMMERCIAL.value, governing_law="US-CA",
        represented_by=RepresentedBy.COUNSEL.value, counsel_name="Piet Proviso",
        meter=Meter.LINES.value, units=40, price=480, currency="USD", months=3, times=12,
        try_out_units=5, offered_from=at - timedelta(days=20),
    )  # fmt: skip
    offer.grants.create(
        right=Right.VOICE.value, use=Use.ADVERTISING.value, territories=["US", "CA"],
        languages=["en"], channels=[Channel.BROADCAST.value, Channel.ONLINE.value,
                                    Channel.OTHER.value],
        exclusions=["political", "tobacco", "gambling", "hate"],
    )  # fmt: skip
    shown = offers.propose(offer=offer, at=at - timedelta(days=20), by=seat(agency, Role.AGENT))
    performer = twin.performer
    offers.approve(
        offer=shown, performer=performer, shown=offers.digest_of(shown),
        at=at - timedelta(days=19), by=performer.user,
    )  # fmt: skip
    for number, (days, try_out) in enumerate(((12, True), (3, False)), start=1):
        take(offer, "copperleaf", number, at=at - timedelta(days=days), try_out=try_out)


def take(offer: StandingOffer, studio: str, number: int, *, at: datetime, try_out: bool) -> None:
    terms = LicenseeTerms.objects.get(agency=offer.agency_id, licensee__slug=studio)
    key = f"demo taking {number}"
    accepted = offers.Acceptance(
        api_key=key_of(terms, at), signatory="Tessa Leafwright", title="Head of production",
        shown=offers.digest_of(offer), idempotency_key=key,
        request_digest=hashlib.sha256(key.encode()).digest(),
    )  # fmt: skip
    offers.take(offer_id=offer.pk, accepted=accepted, at=at, try_out=try_out)


def key_of(terms: LicenseeTerms, at: datetime) -> ApiKey:
    """Return a key of a studio; one is issued where the demo has not issued any."""
    key = ApiKey.objects.filter(terms=terms).order_by("pk").first()
    if key is None:
        api_keys.issue(terms=terms, label="Demo pipeline", at=at, by=None)
        key = ApiKey.objects.filter(terms=terms).latest("pk")
    return key


def ask_to_transfer(agency: Agency, at: datetime) -> None:
    """Ask that an agreement pass to another studio; the union has its days to answer."""
    agreement = Agreement.objects.get(reference="MER-2026-001")
    studio = Licensee.objects.get(slug="lanternfish")
    LicenseeTerms.objects.get_or_create(agency=agency, licensee=studio)
    for title in agreement.productions.all():
        Production.objects.get_or_create(
            licensee=studio, title=title.title,
            defaults={"kind": title.kind, "photography_starts_on": title.photography_starts_on},
        )  # fmt: skip
    effect = (at + timedelta(days=120)).date()
    quarter = effect.replace(month=(effect.month - 1) // 3 * 3 + 1, day=1)
    transfers.ask(
        agreement=agreement, licensee=studio, takes_effect_on=quarter,
        reason="Tin Rocket sells the game Orbit Garden to Lanternfish Pictures.",
        by=seat(agency, Role.AGENT), at=at - timedelta(days=6),
    )  # fmt: skip


def begin_audit(agency: Agency, at: datetime) -> None:
    """Have a performer's side audit what was used of it; the notice has run, one finding stands."""
    agreement = Agreement.objects.get(reference="MER-2026-002")
    asked_at = at - NOTICE_RUN
    started_on = agreement.starts_at.date()
    by = seat(agency, Role.BUSINESS_AFFAIRS)
    audit = audits.ask(
        agreement=agreement, side=AuditSide.TALENT, period_from=started_on,
        period_to=min(asked_at.date(), started_on + timedelta(days=92)),
        reason="More seconds were seen in the trailer than the summer's report has.",
        at=asked_at, by=by,
    )  # fmt: skip
    audits.note(
        audit=audit, kind=AuditStepKind.FOUND, at=at - timedelta(days=2), by=by,
        text="The log of 14 August has 40 seconds that the report of that week leaves out.",
    )  # fmt: skip


def draft_a_game(agency: Agency, at: datetime) -> Agreement:
    """Draft an agreement that misses nothing for a signature."""
    twin = DigitalTwin.objects.get(name="Ada Sample, voice")
    licensee = Licensee.objects.get(slug="tin-rocket")
    kind = templates()[DealKind.GAME.value]
    by = seat(agency, Role.AGENT)
    draft = drafting.begin(
        agency=agency, licensee=licensee, twin=twin,
        productions=Production.objects.filter(licensee=licensee),
        reference=drafting.next_reference(agency, at.date()), at=at - timedelta(days=4), by=by,
    )  # fmt: skip
    draft.description = (
        "The voice of the ship's computer in the second chapter of the game Orbit Garden, in "
        "English, as scripted."
    )
    draft.ends_at = draft.starts_at + timedelta(days=365)
    draft.engagement = "voice"
    draft.save(update_fields=["description", "ends_at", "engagement"])
    Grant.objects.create(
        agreement=draft, right=Right.VOICE.value, use=Use.GAME.value, languages=["en"],
        channels=[Channel.GAME.value],
    )  # fmt: skip
    card = RateCard.objects.create(
        agreement=draft, effective_from=draft.starts_at.date().replace(day=1), source=LINE_PRICE
    )
    RateLine.objects.create(
        card=card, code="line", label="Generated line", meter=Meter.LINES.value,
        pricing=Pricing.PER_UNIT.value, unit_price=Decimal("3.90"),
    )  # fmt: skip
    DealTerms.objects.create(
        agreement=draft, kind=DealKind.GAME.value, governing_law="US-CA",
        represented_by=RepresentedBy.UNION.value,
        **{one.field: one.value for one in kind.defaults if one.field != "ai_label"},
    )  # fmt: skip
    return draft


def send_and_sign_once(draft: Agreement, at: datetime) -> None:
    """Send a draft out for signature, and have its performer sign it; the agency is next."""
    by = seat(draft.agency, Role.BUSINESS_AFFAIRS)
    sent_at = at - timedelta(days=2)
    sent = rounds.send(
        agreement=draft,
        signatories=signatories.proposed(
            draft, licensee_name="Ravi Thruster", licensee_email="legal@tin-rocket.example",
            at=sent_at,
        ),
        expires_at=at + timedelta(days=28), at=sent_at, by=by,
    )  # fmt: skip
    first = sent.signatories.get(role=SignatoryRole.PERFORMER.value)
    actor = acts.Actor(first.user, Identified.SECOND_FACTOR, "192.0.2.40")
    shown = {"signatory_id": first.pk, "shown": sent.digest, "actor": actor,
             "at": at - timedelta(days=1)}  # fmt: skip
    acts.read(**shown)
    acts.agree(**shown)
    acts.initial(initials="A. S.", **shown)
    acts.sign(name=first.name, **shown)


def seat(agency: Agency, role: Role) -> User:
    """Return the first of an agency's staff with a role."""
    return agency.memberships.filter(role=role.value).order_by("pk")[0].user
