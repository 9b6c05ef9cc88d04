"""Seeds the demo: people, business and a summer's usage, once, in one transaction."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from licensing import api_keys
from licensing.agreements.findings import nightly
from licensing.agreements.rules.rulesets import load_rules
from licensing.clearance import ask
from licensing.clearance.sent_request import SentRequest
from licensing.models import Agreement, Licensee, LicenseeTerms
from licensing.usage.recording.messages import BatchOrigin
from licensing.usage.recording.record import record_events
from licensing.usage.sheets.imports import import_sheet
from licensing.usage.sheets.rows import ColumnMapping
from licensing.wire.names import Prefix, name_of
from licensing.words import Channel, Door, Meter
from likenessdesk.demo import studio
from likenessdesk.demo.approvals import ask_for_amendment, ask_for_approvals
from likenessdesk.demo.business import write_business
from likenessdesk.demo.cast import HOUSES
from likenessdesk.demo.corrections import correct
from likenessdesk.demo.dialogue import MAPPING, SHEET
from likenessdesk.demo.glass_harbour import write_screenplay
from likenessdesk.demo.people import write_people
from likenessdesk.demo.plans import value_plans, write_figures, write_plans
from likenessdesk.demo.prompts import read_and_erase
from likenessdesk.demo.schedule_plan import write_schedule_plan
from likenessdesk.demo.strikes import strike_and_settle
from likenessdesk.demo.summer import envelopes
from likenessdesk.demo.terms import DEALS
from talent.errors import Refused
from talent.models import Agency
from talent.words import Right, Role, Use
from valuation.cash.received import remittances


class NotADemoDesk(Refused):
    """The desk holds agencies that the demo does not know."""

    code = "not_a_demo_desk"


@dataclass(frozen=True)
class Seeded:
    """What seeding did. Everything is empty when the demo was there already.

    `keys` are (agency, licensee, secret): the secrets are nowhere else.
    """

    events: int = 0
    keys: tuple[tuple[str, str, str], ...] = ()


@transaction.atomic
def seed(at: datetime) -> Seeded:
    """Write the demo if it is not there. `at` is when the desk receives the usage.

    Raises NotADemoDesk: the demo's passwords are public, so it never stands beside real people.
    """
    slugs = [house.slug for house in HOUSES]
    if Agency.objects.exclude(slug__in=slugs).exists():
        raise NotADemoDesk("This desk has agencies of its own. The demo is for an empty desk.")
    if Agency.objects.exists():
        return Seeded()
    load_rules()
    write_people()
    write_business()
    write_plans()
    screenplay = write_screenplay(at)
    strike_and_settle()
    secrets = tuple(issued(terms, at) for terms in LicenseeTerms.objects.order_by("pk"))
    studio.listen(at)
    events = sum(send(deal.reference, at) for deal in DEALS) + import_dialogue(at) + correct(at)
    receive_money(at)
    ask_first(at)
    read_and_erase(at)
    ask_for_approvals(at)
    ask_for_amendment(at)
    trial = studio.try_out(at)
    studio.stop_listening(at)
    write_figures(at)
    value_plans(at)
    write_schedule_plan(screenplay, at)
    nightly.check_in_force(at=at)
    return Seeded(events, (*secrets, trial))


def issued(terms: LicenseeTerms, at: datetime) -> tuple[str, str, str]:
    key = api_keys.issue(terms=terms, label="Demo pipeline", at=at, by=None)
    return terms.agency.name, terms.licensee.name, key.secret


def send(reference: str, at: datetime) -> int:
    deal = next(deal for deal in DEALS if deal.reference == reference)
    terms = LicenseeTerms.objects.get(agency__slug=deal.house, licensee__slug=deal.studio)
    origin = BatchOrigin(terms=terms, door=Door.API, received_at=at, actor="demo")
    return len(record_events(envelopes(reference), origin))


# What studios ask before they use a twin: agreement, right, use, territory, channel.
QUESTIONS = (
    ("MER-2026-001", Right.VOICE, Use.GAME, "US", Channel.GAME),
    ("MER-2026-001", Right.FACE, Use.PROMO, "US", Channel.ONLINE),
    ("MER-2026-002", Right.FACE, Use.FEATURE, "US", Channel.STREAMING),
    ("MER-2026-002", Right.FACE, Use.ADVERTISING, "FR", Channel.BROADCAST),
    ("NOR-2026-001", Right.FACE, Use.GAME, "GB", Channel.GAME),
    ("NOR-2026-002", Right.VOICE, Use.ADVERTISING, "GB", Channel.ONLINE),
    ("NOR-2026-004", Right.VOICE, Use.SERIES, "GB", Channel.STREAMING),
)


def ask_first(at: datetime) -> None:
    """Ask for some uses as studios would, so that answers and their reasons can be read."""
    for reference, right, use, territory, channel in QUESTIONS:
        agreement = Agreement.objects.get(reference=reference)
        production = agreement.productions.order_by("pk").first()
        terms = LicenseeTerms.objects.get(
            agency_id=agreement.agency_id, licensee_id=agreement.licensee_id
        )
        asked = SentRequest(
            twin=name_of(Prefix.TWIN, agreement.twin_id),
            right=right.value,
            use=use.value,
            at=at,
            agreement=reference,
            territory=territory,
            language="en",
            channel=channel.value,
            production=production and production.title,
            units=((Meter.LINES.value, Decimal(6)), (Meter.SECONDS.value, Decimal(38))),
            reserve=True,
        )
        ask.ask(asked, terms=terms, asked_at=at, idempotency_key=f"demo {reference} {use}")


def import_dialogue(at: datetime) -> int:
    """Import the dubbing sheet of Lady Bracknell as its studio would have it imported."""
    terms = LicenseeTerms.objects.get(agency__slug="meridian", licensee__slug="saltmarsh")
    mapping = ColumnMapping(**json.loads(MAPPING.read_text(encoding="utf-8")))
    with SHEET.open("rb") as file:
        report = import_sheet(
            file, file_name=SHEET.name, terms=terms, mapping=mapping, at=at, by=None
        )
    return report.accepted


@dataclass(frozen=True)
class Wire:
    """Money that a studio sent to Meridian."""

    reference: str
    studio: str
    amount: str
    currency: str
    on: date


WIRES = (
    Wire("DEMO-WIRE-0001", "lanternfish", "75000.00", "USD", date(2026, 9, 25)),
    Wire("DEMO-WIRE-0002", "lanternfish", "15000.00", "USD", date(2026, 9, 28)),
    Wire("DEMO-WIRE-0003", "paper-boat", "617.38", "EUR", date(2026, 7, 20)),
    Wire("DEMO-WIRE-0004", "paper-boat", "382.62", "EUR", date(2026, 9, 21)),
)


def receive_money(at: datetime) -> None:
    """Record what two studios paid Meridian: most of what one owes, all that the other advances.

    It came while the summer was still being counted, so the quarter's statements show it.
    """
    agency = Agency.objects.get(slug="meridian")
    by = agency.memberships.filter(role=Role.ACCOUNTING.value).order_by("pk").first().user
    for wire in WIRES:
        remittances.record(
            agency_id=agency.pk,
            licensee_id=Licensee.objects.get(slug=wire.studio).pk,
            amount=Decimal(wire.amount),
            currency=wire.currency,
            received_on=wire.on,
            reference=wire.reference,
            by=by,
            now=at,
        )
