"""The demo: it loads once, is the same everywhere, and stands beside nobody real."""

import hashlib
from datetime import UTC, datetime, time
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count, Max, Sum
from django.utils import timezone

from licensing.agreements.document import pdf
from licensing.agreements.signing import papers
from licensing.log.entry import commitment, entry, month_tag
from licensing.models import (
    Agreement,
    ApiKey,
    Audit,
    DeadLetter,
    EventKey,
    OfferTaking,
    SigningRound,
    StandingOffer,
    Transfer,
    UsageBatch,
    UsageEvent,
)
from licensing.usage.events.canonical import canonical_event
from licensing.usage.events.cloudevents import Envelope
from licensing.words import SignatoryRole
from likenessdesk.demo import scale, summer
from likenessdesk.demo.deals_under_way import begin_deals
from likenessdesk.demo.money_in_full import tell_in_full
from likenessdesk.demo.money_under_way import move_money
from likenessdesk.demo.seed import NotADemoDesk, seed
from likenessdesk.demo.terms import DEALS
from talent.models import Agency, DigitalTwin, Membership, Performer
from talent.words import Life, Role, Tier
from tests import remembered
from valuation.invoices import papers as invoice_papers
from valuation.invoices import settled
from valuation.models import (
    CashAllocation,
    DunningLetter,
    Invoice,
    LateInterest,
    Opening,
    PaperLink,
    PaymentDirection,
    PeriodClose,
    Posting,
)
from valuation.tax_year import payments
from valuation.words import InvoiceState

SUMMER_OF_2026 = "d7ff00fd4611447c8642307872cf7d4806fb936f69680686322f55153e7e64a6"
NIGHTFALL = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def test_every_summer_is_the_same():
    texts = [
        canonical_event(envelope, prompt_key=b"")
        for deal in DEALS
        for envelope in summer.envelopes(deal.reference)
    ]

    assert len(texts) == 538
    assert hashlib.sha256(b"".join(texts)).hexdigest() == SUMMER_OF_2026


@pytest.fixture
def seeded(db):
    remembered.stand_seeded(NIGHTFALL)


@pytest.mark.django_db
class TestSeeding:
    def test_every_kind_of_performer_and_twin_is_there(self, seeded):
        assert set(Performer.objects.values_list("life", flat=True)) == set(Life.codes())
        assert set(DigitalTwin.objects.values_list("tier", flat=True)) == set(Tier.codes())
        assert DigitalTwin.objects.filter(tier=Tier.PERSONA, sources=None).get().owner
        assert DigitalTwin.objects.get(name="Vesper").sources.count() == 3

    def test_every_role_has_a_seat_and_two_people_may_approve(self, seeded):
        for agency in Agency.objects.all():
            seats = dict(
                Membership.objects.filter(agency=agency)
                .values_list("role")
                .annotate(people=Count("pk"))
            )
            assert set(seats) == set(Role.codes())
            assert seats[Role.ACCOUNTING] == 2

    def test_the_summers_use_is_kept_and_received_now_and_seeding_again_changes_nothing(
        self, short_papers
    ):
        first = seed(NIGHTFALL)

        kept = UsageEvent.objects.count()
        assert first.events == kept + DeadLetter.objects.count()
        assert set(UsageBatch.objects.values_list("received_at", flat=True)) == {NIGHTFALL}
        assert UsageEvent.objects.aggregate(at=Max("occurred_at"))["at"] < NIGHTFALL

        assert seed(NIGHTFALL).events == 0
        assert (UsageEvent.objects.count(), ApiKey.objects.count()) == (kept, len(first.keys))

    def test_it_does_not_stand_beside_real_agencies(self):
        Agency.objects.create(slug="real", name="A Real Agency", country="US")

        with pytest.raises(NotADemoDesk):
            seed(NIGHTFALL)
        with pytest.raises(CommandError, match="agencies of its own"):
            call_command("seed_demo")

    def test_the_command_shows_the_keys_once(self, short_papers, capsys):
        call_command("seed_demo")
        first = capsys.readouterr().out
        call_command("seed_demo")

        assert first.count("desk_") == ApiKey.objects.count() > 0
        assert "desk_" not in capsys.readouterr().out


@pytest.mark.django_db
class TestScale:
    def test_grown_events_are_what_the_door_would_have_kept(self, seeded):
        before = UsageEvent.objects.aggregate(last=Max("pk"))["last"]

        assert list(scale.grow(700, NIGHTFALL))[-1] == 700

        for event in UsageEvent.objects.filter(pk__gt=before).select_related("record")[::97]:
            agreement = Agreement.objects.get(pk=event.agreement_id)
            record = event.record
            kept = commitment(bytes(record.salt), bytes(record.canonical))
            tag = month_tag(bytes(agreement.tag_key), NIGHTFALL)
            assert bytes(event.entry) == entry(tag, kept)

    def test_a_grown_events_key_holds_the_digest_of_its_content(self, seeded):
        list(scale.grow(7, NIGHTFALL))
        key = EventKey.objects.get(key="NOR-2026-003-scale-000000000001")
        event = UsageEvent.objects.get(pk=key.event_id)
        sent = Envelope(
            id=key.key,
            source=key.source,
            type="org.likenessdesk.usage.v1",
            time=event.occurred_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            data={
                "twin": "Milo Stand-In, body",
                "agreement": "NOR-2026-003",
                "production": "The Glass Harbour",
                "right": "body",
                "use": "stunt",
                "territory": "GB",
                "channel": "streaming",
                "prompt_class": "scripted",
                "quantities": {"shots": str(int(event.shots))},
            },
        )

        content = canonical_event(sent, prompt_key=b"")

        assert bytes(key.digest) == hashlib.sha256(content).digest()

    def test_batches_and_seats_add_up(self, seeded, monkeypatch):
        monkeypatch.setattr(scale, "EVENTS_A_CHUNK", 50)
        monkeypatch.setattr(scale, "EVENTS_A_BATCH", 20)
        before = UsageBatch.objects.aggregate(last=Max("pk"))["last"]

        list(scale.grow(333, NIGHTFALL))

        batches = UsageBatch.objects.filter(pk__gt=before)
        assert batches.aggregate(size=Sum("size"))["size"] == 333
        for batch in batches:
            seats = UsageEvent.objects.filter(batch=batch).values_list("seat", flat=True)
            assert sorted(seats) == list(range(batch.size))

    def test_growing_again_goes_on_from_where_it_stopped(self, seeded):
        list(scale.grow(100, NIGHTFALL))
        before = EventKey.objects.count()

        list(scale.grow(100, NIGHTFALL))

        assert EventKey.objects.count() == before + 100


@pytest.fixture
def light_papers(monkeypatch):
    monkeypatch.setattr(pdf, "draw", remembered.draw_shortly)
    monkeypatch.setattr(papers, "sealed", lambda paper, *_who, **_about: bytes(paper.pdf))
    monkeypatch.setattr(papers, "signed", lambda pdf, one, **_about: pdf + one.field.encode())


@pytest.mark.django_db
def test_deals_under_way_begin_once_and_wait_for_somebody(light_papers, sealing, seeded):
    assert begin_deals(NIGHTFALL)
    assert not begin_deals(NIGHTFALL)

    offer = StandingOffer.objects.open_at(NIGHTFALL).get()
    assert set(OfferTaking.objects.values_list("offer", "try_out")) == {
        (offer.pk, True), (offer.pk, False),
    }  # fmt: skip
    transfer = Transfer.objects.waiting().get()
    assert transfer.asked_at.date() < NIGHTFALL.date() < transfer.answer_due_on
    audit = Audit.objects.open().get()
    assert audit.opens_on <= NIGHTFALL.date()
    sent = SigningRound.objects.open().get()
    assert sent.turn.role == SignatoryRole.AGENCY


def test_money_under_way_is_there_once_and_waits_for_somebody(demo):
    """Invoices in each state, one paid short, a close that is asked for, balances to approve."""
    # At this hour it is the same day at both agencies.
    at = datetime.combine(timezone.now().date(), time(20), UTC)
    with mock.patch.object(invoice_papers, "draw", remembered.draw_shortly):
        assert move_money(at)
    assert not move_money(at)

    states = {
        (one.kind, one.licensee and one.licensee.slug): one.state
        for one in Invoice.objects.with_state().select_related("licensee")
    }
    assert states == {
        ("invoice", "tin-rocket"): InvoiceState.ISSUED,
        ("invoice", "lanternfish"): InvoiceState.APPROVED,
        ("invoice", "copperleaf"): InvoiceState.DRAFT,
        ("commission", None): InvoiceState.ISSUED,
    }
    issued = Invoice.objects.issued().get(kind="invoice")
    assert settled.left_of(issued, at.date()) == issued.total - 9000
    assert PaperLink.objects.get().invoice == issued
    assert CashAllocation.objects.get().held == 250
    assert PeriodClose.objects.waiting().get().agency == issued.agency
    assert Opening.objects.waiting().get().agency != issued.agency
    assert Posting.objects.aggregate(all=Sum("amount"))["all"] == 0

    with (
        mock.patch.object(invoice_papers, "draw", remembered.draw_shortly),
        remembered.papers_drawn_shortly(),
    ):
        assert tell_in_full(at)
    assert not tell_in_full(at)
    assert DunningLetter.objects.get().invoices.get() == LateInterest.objects.get().invoice
    kinds = Invoice.objects.issued().values_list("kind", flat=True)
    assert {"credit_note", "self_billed"} <= set(kinds)
    own, by_studio = Invoice.objects.filter(kind="self_billed").order_by("pk")
    assert (own.statement.number[:10], by_studio.number) == ("NORTHLIGHT", "PBF-SELF-0007")
    assert PaymentDirection.objects.approved().get().percent == 10
    agency = Agency.objects.get(slug="meridian")
    assert payments.paid_in(agency, payments.tax_year(agency, at.year)[0])
    assert Posting.objects.aggregate(all=Sum("amount"))["all"] == 0
