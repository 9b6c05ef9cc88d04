"""Consent withdrawn: shown before, recorded as shown, told to studios and staff, refused after."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from licensing.approvals import answers
from licensing.clearance import heartbeat
from licensing.clearance.ask import ask
from licensing.clearance.sent_request import SentRequest
from licensing.models import (
    Agreement,
    Cap,
    Grant,
    Licensee,
    LicenseeTerms,
    PermitRevocation,
    UsageBatch,
    UsageEvent,
)
from licensing.withdrawals.confirm import Manner, confirm
from licensing.withdrawals.pending import LiveReservation, OpenRequest
from licensing.withdrawals.preview import preview
from licensing.words import ApprovalAnswerKind
from talent.consent.consents import Evidence, matrix_of, record
from talent.consent.matrix import Cell
from talent.consent.scope import Scope
from talent.consent.withdrawal_rules import Withdrawal
from talent.consent.withdrawals import NothingToWithdraw, PlanHasChanged, plan
from talent.models import (
    CompositeSource,
    ConsentVersion,
    DigitalTwin,
    Membership,
    OutboxMessage,
    User,
)
from talent.words import Role
from tests.factories import make_agency, make_licensee, make_terms
from tests.licensing.approvals.requests import DUE, opened

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)
DUBBING = Withdrawal("voice", "dubbing")

pytestmark = pytest.mark.django_db


@pytest.fixture
def cleared(terms, twin, agreement):
    """Tell how a use of the twin at an instant is decided, as known then."""

    def decided(at, *, territory="FR"):
        asked = SentRequest(
            twin=twin.name, right="voice", use="dubbing", at=at, agreement=agreement.reference,
            territory=territory, channel="cinema",
        )  # fmt: skip
        return ask(asked, terms=terms, asked_at=at).outcome == "cleared"

    return decided


def withdrawn(owner, by, withdrawal=DUBBING, at=MARCH, **given):
    shown = plan(owner=owner, withdrawal=withdrawal, at=at, at_once=given.get("at_once", False))
    return confirm(
        owner=owner, withdrawal=withdrawal, shown=shown.digest, at=at, by=by,
        reason="I changed my mind.", manner=Manner(**given),
    )  # fmt: skip


def used(terms, twin, *, count=1, licensee=None):
    batch = UsageBatch.objects.create(terms=terms, door="api", received_at=MARCH, size=count)
    for seat in range(count):
        UsageEvent.objects.create(
            batch=batch, seat=seat, agency=terms.agency, licensee=licensee or terms.licensee,
            twin=twin, occurred_at=MARCH, right="voice", use="dubbing", territory="FR",
            channel="cinema", standing="cleared", entry=b"",
        )  # fmt: skip


class TestRecording:
    def test_a_use_is_refused_from_the_end_of_the_notice_on(self, consent, performer, ada, cleared):
        consent(performer=performer, scope=Scope(withdrawal_notice_hours=72))
        withdrawn(performer, ada)
        end = MARCH + timedelta(hours=72)
        assert cleared(end - timedelta(seconds=1))
        assert not cleared(end)

    def test_the_law_sets_the_notice_aside(self, consent, performer, ada, cleared):
        consent(performer=performer, scope=Scope(withdrawal_notice_hours=72))
        withdrawn(performer, ada, at_once=True)
        assert not cleared(MARCH)

    def test_the_guilds_longer_notice_counts(self, consent, performer, ada, cleared):
        consent(performer=performer, scope=Scope(withdrawal_notice_hours=24))
        consent(guild="equity_uk", scope=Scope(withdrawal_notice_hours=48))
        withdrawn(performer, ada)
        assert cleared(MARCH + timedelta(hours=47))
        assert not cleared(MARCH + timedelta(hours=48))

    def test_a_version_says_who_why_and_what_was_read(self, consent, performer, ada):
        consent(performer=performer)
        (version,) = withdrawn(performer, ada).versions
        assert (version.recorded_by, version.recorded_at) == (ada, MARCH)
        assert version.reason == "I changed my mind."
        assert version.text_shown == (
            "I withdraw my consent to Voice in Dubbing, for all twins of Ada Example. "
            "It ends at once."
        )

    def test_one_twin_is_withdrawn_and_the_others_go_on(self, consent, performer, ada, twin):
        consent(performer=performer)
        other = DigitalTwin.objects.create(
            name="Ada's other voice", performer=performer, tier="dynamic_behavioral_emulator",
            legal_class="independently_created",
        )  # fmt: skip
        withdrawn(twin, ada)
        assert plan(owner=other, withdrawal=DUBBING, at=JUNE).ending
        assert not plan(owner=performer, withdrawal=DUBBING, at=JUNE).ending.get(
            (twin.pk, ("voice", "dubbing"))
        )

    def test_a_studio_is_shut_out_of_what_the_twin_and_what_a_default_allows(
        self, consent, performer, ada, agency, twin, cleared, licensee
    ):
        consent(agency=agency)
        consent(twin=twin)
        assert cleared(MARCH)
        withdrawn(performer, ada, Withdrawal(licensee="paper-moon"))
        assert not cleared(MARCH)
        (cell,) = ConsentVersion.objects.filter(matrix__twin=twin).latest("pk").cells.all()
        assert (cell.stance, cell.licensees_excluded) == ("allow", ["paper-moon"])

    def test_what_changed_since_it_was_shown_is_shown_again(self, consent, performer, ada, twin):
        consent(performer=performer)
        shown = plan(owner=performer, withdrawal=DUBBING, at=MARCH).digest
        consent(performer=performer, at=MARCH, scope=Scope(withdrawal_notice_hours=10))
        with pytest.raises(PlanHasChanged):
            confirm(owner=performer, withdrawal=DUBBING, shown=shown, at=MARCH, by=ada, reason="")
        assert ConsentVersion.objects.count() == 2
        assert not OutboxMessage.objects.exists()

    def test_twice_is_once(self, consent, performer, ada):
        consent(performer=performer)
        withdrawn(performer, ada)
        with pytest.raises(NothingToWithdraw):
            plan(owner=performer, withdrawal=DUBBING, at=JUNE)

    def test_a_source_withdraws_from_a_composite(self, consent, performer, ada, agency):
        persona = DigitalTwin.objects.create(
            name="Chorus", agency=agency, tier="autonomous_generative_persona",
            legal_class="synthetic", union_notice_on="2025-01-01",
        )  # fmt: skip
        CompositeSource.objects.create(twin=persona, performer=performer, weight=1)
        consent(twin=persona)
        assert not plan(owner=performer, withdrawal=DUBBING, at=MARCH).ending
        consent(performer=performer)
        assert plan(owner=performer, withdrawal=DUBBING, at=MARCH).ending
        withdrawn(performer, ada)
        assert not plan(owner=performer, withdrawal=Withdrawal(right="voice"), at=JUNE).ending


class TestPreview:
    def shown(self, owner, user, withdrawal=DUBBING):
        return preview(plan(owner=owner, withdrawal=withdrawal, at=MARCH), at=MARCH, user=user)

    def test_it_says_what_stops_when_and_what_goes_on(
        self, consent, performer, ada, agreement, terms, twin, licensee
    ):
        consent(performer=performer, scope=Scope(withdrawal_notice_hours=72))
        Grant.objects.create(agreement=agreement, right="voice", use="adr")
        licensee.billing_email = "billing@paper-moon.example"
        licensee.save()
        used(terms, twin, count=3)
        found = self.shown(performer, ada)
        (stop,) = found.stops
        assert (stop.licensee, stop.agreement, stop.what, stop.stops_at) == (
            "Paper Moon Pictures", "NA-1", "Voice in Dubbing", MARCH + timedelta(hours=72),
        )  # fmt: skip
        (stay,) = found.stays
        assert stay.what == ("Voice in ADR",)
        (duty,) = found.duties
        assert duty.address == "billing@paper-moon.example"
        assert found.used == 3

    def test_an_agreement_that_ends_within_the_notice_runs_out(
        self, consent, performer, ada, agreement
    ):
        consent(performer=performer, scope=Scope(withdrawal_notice_hours=72))
        Agreement.objects.update(ends_at=MARCH + timedelta(hours=72))
        found = self.shown(performer, ada)
        assert found.stops == ()
        assert found.stays[0].ends_at == MARCH + timedelta(hours=72)

    def test_a_studio_acts_by_the_first_of_what_ends(self, consent, performer, ada, agreement):
        record(
            matrix=matrix_of(performer=performer),
            cells=[
                Cell("voice", "dubbing", "allow", Scope(withdrawal_notice_hours=72)),
                Cell("voice", "adr", "allow", Scope(withdrawal_notice_hours=24)),
            ],
            in_force_from=JANUARY,
            recorded_at=JANUARY,
            by=None,
            evidence=Evidence("Dubbing and ADR."),
        )
        Grant.objects.create(agreement=agreement, right="voice", use="adr")
        (duty,) = self.shown(performer, ada, Withdrawal("voice")).duties
        assert duty.stops_at == MARCH + timedelta(hours=24)

    def test_what_has_not_begun_stops_as_it_would_begin(self, consent, performer, ada, agreement):
        consent(performer=performer)
        Agreement.objects.update(starts_at=JUNE)
        (stop,) = self.shown(performer, ada).stops
        assert stop.stops_at == JUNE

    def test_drafts_and_agreements_that_are_over_are_not_concerned(
        self, consent, performer, ada, agreement
    ):
        consent(performer=performer)
        Agreement.objects.update(status="draft", signed_at=None)
        assert self.shown(performer, ada).stops == ()
        Agreement.objects.update(status="signed", signed_at=JANUARY, ends_at=MARCH)
        found = self.shown(performer, ada)
        assert (found.stops, found.stays) == ((), ())

    def test_only_the_studio_meant_is_named(self, consent, performer, ada, agreement, agency, twin):
        consent(performer=performer)
        harbor = make_licensee("harbor")
        other = Agreement.objects.create(
            agency=agency, licensee=harbor, twin=twin, reference="NA-2", status="signed",
            signed_at=JANUARY, starts_at=JANUARY, currency="USD",
        )  # fmt: skip
        Grant.objects.create(agreement=other, right="voice", use="dubbing")
        assert len(self.shown(performer, ada).stops) == 2
        (stop,) = self.shown(performer, ada, Withdrawal(licensee="harbor")).stops
        assert stop.agreement == "NA-2"

    def test_another_agencys_agreement_is_not_shown_to_staff_but_its_studio_is_told(
        self, consent, performer, agreement, agency, agent, licensee, twin
    ):
        consent(performer=performer)
        elsewhere = make_agency("elsewhere")
        harbor = Licensee.objects.create(
            name="Harbor", slug="harbor", kind="studio", country="US",
            billing_email="desk@harbor.example",
        )  # fmt: skip
        theirs = Agreement.objects.create(
            agency=elsewhere, licensee=harbor, twin=twin, reference="EL-1", status="signed",
            signed_at=JANUARY, starts_at=JANUARY, currency="USD",
        )  # fmt: skip
        Grant.objects.create(agreement=theirs, right="voice", use="dubbing")
        used(make_terms(elsewhere, harbor), twin)
        assert [stop.agreement for stop in self.shown(performer, agent).stops] == ["NA-1"]
        assert self.shown(performer, agent).used == 0
        withdrawn(performer, agent)
        mails = {mail.recipient: mail.body for mail in OutboxMessage.objects.all()}
        assert "EL-1" in mails["desk@harbor.example"]
        assert "Harbor" not in mails[agent.email]

    def test_open_requests_about_the_use_are_listed(self, asking, performer, ada, question, terms):
        request = opened(question, terms)
        (listed,) = self.shown(performer, ada).requests
        assert listed == OpenRequest(
            licensee=terms.licensee.name,
            twin=request.twin.name,
            what="Voice in Dubbing",
            about=f"{request.production.title}, Scene 41",
            due_at=DUE,
            stops_at=MARCH,
        )
        assert not self.shown(performer, ada, Withdrawal("voice", "adr")).requests

    def test_a_request_whose_use_is_over_before_the_end_is_not_stopped(
        self, consent, performer, ada, question, terms
    ):
        consent("ask", performer=performer, scope=Scope(withdrawal_notice_hours=24 * 105))
        opened(question, terms, ends_at=question.at + timedelta(hours=12))
        for days, stopped in ((0, True), (2, False)):
            at = MARCH + timedelta(days=days)
            planned = plan(owner=performer, withdrawal=DUBBING, at=at)
            assert bool(preview(planned, at=at, user=ada).requests) is stopped

    def test_an_answered_request_waits_no_more(self, asking, performer, ada, question, terms):
        (part,) = opened(question, terms).parts.all()
        answers.record_answer(
            part_id=part.pk, kind=ApprovalAnswerKind.VETO, by=ada, at=MARCH, reason="No."
        )
        assert not self.shown(performer, ada).requests

    def test_reservations_are_summed_until_their_last_and_a_meter_of_two_caps_once(
        self, consent, performer, ada, terms, twin, agreement
    ):
        consent(performer=performer, scope=Scope(withdrawal_notice_hours=24))
        asked = SentRequest(
            twin=twin.name, right="voice", use="dubbing", at=MARCH, agreement=agreement.reference,
            territory="FR", channel="cinema", reserve=True,
        )  # fmt: skip
        for on in ({"agreement": agreement}, {"twin": twin}):
            Cap.objects.create(meter="lines", limit=100, starts_on="2026-01-01", **on)
        for lines, hours in ((10, 24 * 60), (5, 48 * 60), (7, 72 * 60)):
            held = replace(asked, units=(("lines", Decimal(lines)),), reserve_minutes=hours)
            ask(held, terms=terms, asked_at=MARCH)
        (listed,) = self.shown(performer, ada).reservations
        assert listed == LiveReservation(
            licensee=terms.licensee.name,
            agreement=agreement.reference,
            twin=twin.name,
            what="Voice in Dubbing",
            units=(("lines", Decimal(12)),),
            until=MARCH + timedelta(hours=72),
            stops_at=MARCH + timedelta(hours=24),
        )

    def test_what_another_agency_was_asked_and_holds_is_not_shown_to_staff(
        self, asking, performer, question, terms
    ):
        opened(question, terms)
        stranger = User.objects.create_user("stranger@desk.example")
        assert not self.shown(performer, stranger).requests

    def test_it_takes_a_fixed_number_of_queries(
        self, consent, performer, ada, agreement, django_assert_max_num_queries
    ):
        consent(performer=performer)
        for use in ("adr", "game", "series"):
            Grant.objects.create(agreement=agreement, right="voice", use=use)
        with django_assert_max_num_queries(16):
            self.shown(performer, ada, Withdrawal())


class TestTelling:
    @pytest.mark.parametrize(
        ("contact", "recipient"),
        [
            ("Dana Desk <dana@paper-moon.example>", "dana@paper-moon.example"),
            ("dana@paper-moon.example", "dana@paper-moon.example"),
            ("Dana Desk, third floor", "billing@paper-moon.example"),
            ("", "billing@paper-moon.example"),
        ],
    )
    def test_the_studios_contact_is_told_and_else_its_billing(
        self, consent, performer, ada, agreement, licensee, terms, contact, recipient
    ):
        consent(performer=performer)
        LicenseeTerms.objects.update(contact=contact)
        Licensee.objects.update(billing_email="billing@paper-moon.example")
        withdrawn(performer, ada)
        (mail,) = OutboxMessage.objects.filter(recipient__endswith="paper-moon.example")
        assert mail.recipient == recipient
        assert "NA-1" in mail.body
        assert "I changed my mind" not in mail.body

    def test_each_studio_reads_of_its_own_agreement_only(
        self, consent, performer, ada, agency, agreement, licensee, terms, twin
    ):
        consent(performer=performer)
        other = make_licensee("other")
        make_terms(agency, other)
        theirs = Agreement.objects.get(pk=agreement.pk)
        theirs.pk, theirs.licensee, theirs.reference = None, other, "NA-2"
        theirs.save()
        Grant.objects.create(agreement=theirs, right="voice", use="dubbing")
        LicenseeTerms.objects.filter(licensee=licensee).update(contact="dana@paper-moon.example")
        LicenseeTerms.objects.filter(licensee=other).update(contact="otto@other.example")

        withdrawn(performer, ada)

        told = dict(OutboxMessage.objects.values_list("recipient", "body"))
        assert "NA-1" in told["dana@paper-moon.example"]
        assert "NA-2" not in told["dana@paper-moon.example"]
        assert "NA-2" in told["otto@other.example"]
        assert "NA-1" not in told["otto@other.example"]

    def test_agents_and_business_affairs_are_told_and_nobody_else_of_the_agency(
        self, consent, performer, ada, agency, agreement
    ):
        consent(performer=performer)
        for role in Role:
            user = User.objects.create_user(f"{role.value}@desk.example")
            seat = {"user": user, "role": role.value, "starts_on": "2020-01-01"}
            Membership.objects.create(agency=agency, **seat)

        withdrawn(performer, ada)

        told = set(OutboxMessage.objects.values_list("recipient", flat=True))
        assert told == {"agent@desk.example", "business_affairs@desk.example"}

    def test_staff_learn_of_a_studio_without_an_address(
        self, consent, performer, ada, agreement, agent, terms
    ):
        consent(performer=performer)
        found = withdrawn(performer, ada)
        assert [duty.licensee for duty in found.without_address] == ["Paper Moon Pictures"]
        (mail,) = OutboxMessage.objects.all()
        assert mail.recipient == agent.email
        assert "tell them yourself: Paper Moon Pictures" in mail.body
        assert "I changed my mind." in mail.body


class TestPermits:
    @pytest.fixture
    def permit(self, consent, performer, terms, twin, agreement):
        """A permit from the first of March on, under a consent with three days' notice."""
        consent(performer=performer, scope=Scope(withdrawal_notice_hours=72))
        Cap.objects.create(agreement=agreement, meter="lines", limit=9, starts_on="2026-01-01")
        asked = SentRequest(
            twin=twin.name, right="voice", use="dubbing", at=MARCH, agreement=agreement.reference,
            territory="FR", channel="cinema", units=(("lines", Decimal(3)),), reserve=True,
        )  # fmt: skip
        return ask(asked, terms=terms, asked_at=MARCH).permit

    def test_a_permit_that_runs_on_is_shown_and_taken_back_from_the_end_on(
        self, permit, performer, ada
    ):
        at = permit.expires_at - timedelta(hours=72, seconds=1)
        shown = preview(plan(owner=performer, withdrawal=DUBBING, at=at), at=at, user=ada)
        assert shown.permits == 1
        stranger = User.objects.create_user("stranger@desk.example")
        assert preview(shown.plan, at=at, user=stranger).permits == 0
        withdrawn(performer, ada, at=at)
        revocation = PermitRevocation.objects.get()
        assert revocation.revoked_at == permit.expires_at - timedelta(seconds=1)
        assert heartbeat.heartbeat(permit=permit, at=revocation.revoked_at).status == "withdrawn"

    def test_a_studio_that_is_not_meant_keeps_its_permit(self, permit, performer, ada):
        harbor = make_licensee("harbor")
        withdrawn(performer, ada, Withdrawal(licensee=harbor.slug), at_once=True)
        assert not PermitRevocation.objects.exists()
        later = MARCH + timedelta(seconds=1)
        withdrawn(performer, ada, Withdrawal(licensee="paper-moon"), at=later, at_once=True)
        assert PermitRevocation.objects.get().permit == permit

    def test_a_permit_that_is_over_by_then_stays(self, permit, performer, ada):
        withdrawn(performer, ada, at=permit.expires_at)
        assert not PermitRevocation.objects.exists()
