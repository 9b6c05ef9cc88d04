"""A licence passes to another studio: asked for, assumed in writing, approved, at one instant."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from licensing.agreements import transfers
from licensing.agreements.agreements import GrantsExceedConsent
from licensing.agreements.rules.rulesets import load_rules
from licensing.agreements.transfers import (
    AssumedOtherWords,
    NoDayForIt,
    NotAssumed,
    NotTransferable,
    TermsInTheWay,
    TransferIsDecided,
    UnionMayAnswer,
)
from licensing.models import (
    Advance,
    Agreement,
    Cap,
    CapYear,
    Guarantee,
    Permit,
    Production,
    RateCard,
    RateLine,
    Transfer,
    UsageEvent,
)
from licensing.usage.recording.messages import BatchOrigin
from licensing.usage.recording.record import record_events
from licensing.words import Door, TransferState
from talent.consent.scope import Scope
from talent.four_eyes import FourEyes
from talent.models import OutboxMessage
from talent.words import Role
from tests.factories import (
    admin_page,
    make_licensee,
    make_member,
    make_studio,
    make_terms,
    sign_in,
    take_step,
)

pytestmark = pytest.mark.django_db

AT = datetime(2026, 6, 10, 12, tzinfo=UTC)
JULY, OCTOBER = date(2026, 7, 1), date(2026, 10, 1)
AT_JULY = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def consented(consent, performer):
    consent(performer=performer)


@pytest.fixture
def buyer(agency):
    return make_licensee("buyer", billing_email="legal@buyer.example")


@pytest.fixture
def buyer_terms(agency, buyer):
    return make_terms(agency, buyer)


@pytest.fixture
def other(agency):
    """The second person."""
    return make_member(agency, Role.BUSINESS_AFFAIRS, email="second@northlight.example")


@pytest.fixture
def asked(agreement, buyer, buyer_terms, affairs, other, terms):
    def ask(*, day=JULY, at=AT, agreement=agreement, to=buyer):
        return transfers.ask(
            agreement=agreement, licensee=to, takes_effect_on=day, reason="The series was sold.",
            by=affairs, at=at,
        )  # fmt: skip

    return ask


def assumed(transfer, *, signatory="Dana Example", at=AT):
    shown = transfers.digest_of(transfers.assumption_text(transfer))
    return transfers.assume(
        transfer=transfer, shown=shown, signatory=signatory, title="Head", at=at
    )


def passed(transfer, by, *, at=AT):
    assumed(transfer, at=at)
    return transfers.approve(transfer=transfer, by=by, at=at)


def test_the_new_agreement_says_what_the_old_one_said_from_the_instant_on(asked, other, agreement):
    card = RateCard.objects.create(agreement=agreement, effective_from="2026-01-01")
    RateLine.objects.create(card=card, code="line", label="Line", meter="lines",
                            pricing="per_unit", unit_price="3.9")  # fmt: skip

    new = passed(asked(), other)

    agreement.refresh_from_db()
    assert (agreement.status, agreement.ends_at) == ("ended", AT_JULY)
    assert (new.status, new.starts_at, new.reference) == ("signed", AT_JULY, "NA-1/T1")
    assert new.ends_at == datetime(2027, 1, 1, tzinfo=UTC)
    assert [str(grant) for grant in new.grants.all()] == ["Voice × Dubbing"]
    assert new.rate_cards.get().lines.get().unit_price == D("3.9")
    assert Agreement.objects.get(pk=agreement.pk).licensee_id != new.licensee_id
    words = transfers.assumption_text(Transfer.objects.get())
    assert new.finding_sets.get(at=AT).document_digest == transfers.digest_of(words)


def test_uses_before_are_the_old_studios_and_after_the_new_ones(
    asked, other, agreement, use, terms, buyer_terms
):
    new = passed(asked(), other)
    second = timedelta(seconds=1)
    later = datetime(2026, 8, 1, tzinfo=UTC)

    def report(whose, about, when, key):
        origin = BatchOrigin(whose, Door.API, later, actor="test")
        told = {"agreement": about.reference}
        record_events([use(key, time=when.isoformat(), data=told)], origin)
        return UsageEvent.objects.latest("pk").standing

    assert report(terms, agreement, AT_JULY - second, "a") == "cleared"
    assert report(terms, agreement, AT_JULY, "b") == "out_of_scope"
    assert report(buyer_terms, new, AT_JULY, "c") == "cleared"
    assert report(buyer_terms, new, AT_JULY - second, "d") == "out_of_scope"


class TestDays:
    def test_a_day_that_has_begun_is_too_late(self, asked):
        with pytest.raises(NoDayForIt, match="has begun"):
            asked(at=AT_JULY)
        assert asked(at=AT_JULY - timedelta(seconds=1))

    @pytest.mark.parametrize("day", [date(2026, 7, 2), date(2026, 8, 1), date(2026, 9, 30)])
    def test_a_period_is_not_cut(self, asked, day):
        with pytest.raises(NoDayForIt, match="Choose 2026-10-01"):
            asked(day=day)

    @pytest.mark.parametrize("day", [date(2027, 1, 1), date(9999, 1, 1)])
    def test_a_day_on_which_it_does_not_run_is_refused(self, asked, day):
        with pytest.raises(NoDayForIt, match="does not run"):
            asked(day=day)

    def test_the_instant_is_that_of_the_agreements_zone(self, asked, other, agreement):
        Agreement.objects.filter(pk=agreement.pk).update(time_zone="America/Los_Angeles")
        agreement.refresh_from_db()

        new = passed(asked(agreement=agreement), other)

        assert new.starts_at == datetime(2026, 7, 1, 7, tzinfo=UTC)

    def test_it_is_asked_for_once_at_a_time(self, asked):
        asked()
        with pytest.raises(NotTransferable, match="waits already"):
            asked()


class TestTheUnion:
    @pytest.fixture
    def covered(self, agreement, licensee):
        load_rules()
        Agreement.objects.filter(pk=agreement.pk).update(guild="sag_aftra")
        film = Production.objects.create(
            licensee=licensee, title="Harbor Nine", kind="feature",
            photography_starts_on=date(2026, 7, 1),
        )  # fmt: skip
        agreement.productions.add(film)
        agreement.refresh_from_db()
        return agreement

    @pytest.fixture(autouse=True)
    def same_film(self, buyer):
        Production.objects.create(licensee=buyer, title="Harbor Nine", kind="feature")

    def test_it_has_21_days_by_the_rule(self, asked, covered):
        transfer = asked(agreement=covered, at=datetime(2026, 6, 9, tzinfo=UTC))

        assert transfer.answer_due_on == date(2026, 6, 30)
        assert "39.I" in transfer.rule

    def test_a_day_within_its_days_is_too_early(self, asked, covered):
        with pytest.raises(NoDayForIt, match="The union may answer until"):
            asked(agreement=covered, at=datetime(2026, 6, 10, tzinfo=UTC))

    def test_a_production_begun_before_the_rule_has_no_such_days(self, asked, covered):
        Production.objects.filter(title="Harbor Nine").update(photography_starts_on="2026-06-30")

        assert asked(agreement=covered).answer_due_on is None

    def test_it_waits_for_the_answer_or_until_the_days_have_run(self, asked, other, covered):
        transfer = assumed(asked(agreement=covered, day=OCTOBER))
        due = datetime(2026, 7, 1, tzinfo=UTC)  # 21 days after 10 June

        with pytest.raises(UnionMayAnswer):
            transfers.approve(transfer=transfer, by=other, at=due)
        transfers.approve(transfer=transfer, by=other, at=due + timedelta(days=1))
        assert not Transfer.objects.get().releases

    def test_with_its_yes_the_old_studio_is_free(self, asked, other, affairs, covered):
        transfer = assumed(asked(agreement=covered, day=OCTOBER))
        transfers.note_union(
            transfer=transfer, approved=True, by=affairs, at=AT, reason="By letter."
        )
        transfers.approve(transfer=transfer, by=other, at=AT)

        assert Transfer.objects.get().releases

    @pytest.mark.parametrize("approved", [True, False])
    def test_it_answers_once(self, asked, affairs, covered, approved):
        transfer = asked(agreement=covered, day=OCTOBER)
        told = {"transfer": transfer, "by": affairs, "at": AT, "reason": "By letter."}
        transfers.note_union(approved=approved, **told)

        with pytest.raises(TransferIsDecided):
            transfers.note_union(approved=not approved, **told)

    def test_without_a_guild_nobody_asks_it(self, asked, affairs):
        with pytest.raises(TransferIsDecided):
            transfers.note_union(
                transfer=asked(), approved=True, by=affairs, at=AT, reason="By letter."
            )


class TestParties:
    def test_the_consent_must_allow_the_new_studio(self, asked, consent, performer, licensee):
        only = Scope(licensees_allowed=frozenset({licensee.slug}))
        consent(performer=performer, scope=only, at=datetime(2026, 2, 1, tzinfo=UTC))

        with pytest.raises(GrantsExceedConsent):
            asked()
        assert not Transfer.objects.exists()
        assert Agreement.objects.count() == 1

    def test_a_consent_withdrawn_meanwhile_stops_it(self, asked, other, consent, performer):
        transfer = assumed(asked())
        consent("deny", performer=performer, at=AT)

        with pytest.raises(GrantsExceedConsent):
            transfers.approve(transfer=transfer, by=other, at=AT)
        assert Agreement.objects.get().status == "signed"

    def test_a_studio_without_terms_takes_nothing_over(self, asked):
        with pytest.raises(NotTransferable, match="no terms"):
            asked(to=make_licensee("third"))

    def test_the_studio_that_has_it_takes_nothing_over(self, asked, licensee):
        with pytest.raises(NotTransferable, match="already"):
            asked(to=licensee)

    def test_the_new_studio_needs_the_same_productions(self, asked, agreement, production):
        agreement.productions.add(production)

        with pytest.raises(NotTransferable, match="no production “Harbor Nine”"):
            asked()

    def test_the_performer_and_both_studios_are_told(self, asked, other, ada, licensee):
        licensee.billing_email = "legal@moon.example"
        licensee.save()
        passed(asked(), other)

        told = set(OutboxMessage.objects.values_list("recipient", flat=True))
        assert told >= {"legal@moon.example", "legal@buyer.example", ada.email}
        assert OutboxMessage.objects.filter(recipient=ada.email).count() == 2


class TestFourEyes:
    def test_who_asked_does_not_approve(self, asked, affairs):
        with pytest.raises(FourEyes):
            passed(asked(), affairs)

    def test_nothing_passes_before_the_new_studio_has_signed(self, asked, other):
        with pytest.raises(NotAssumed):
            transfers.approve(transfer=asked(), by=other, at=AT)

    def test_it_passes_once(self, asked, other):
        transfer = asked()
        passed(transfer, other)

        with pytest.raises(TransferIsDecided):
            transfers.approve(transfer=transfer, by=other, at=AT)
        assert Agreement.objects.count() == 2

    def test_who_asked_takes_it_back(self, asked, affairs, other):
        transfer = asked()
        transfers.reject(transfer=transfer, by=affairs, at=AT, reason="Not sold.")

        assert Transfer.objects.get().state is TransferState.TAKEN_BACK
        with pytest.raises(TransferIsDecided):
            assumed(transfer)
        assert asked()


class TestMoney:
    def test_a_guarantee_for_the_whole_term_is_in_the_way(self, asked, agreement):
        Guarantee.objects.create(agreement=agreement, amount=100, period="term")

        with pytest.raises(TermsInTheWay, match="whole term"):
            asked()

    def test_a_guarantees_year_is_not_cut(self, asked, agreement):
        Guarantee.objects.create(agreement=agreement, amount=100, period="year")

        with pytest.raises(TermsInTheWay, match="would be cut"):
            asked()

    def test_a_guarantee_of_whole_periods_goes_over(self, asked, other, agreement):
        Guarantee.objects.create(agreement=agreement, amount=100, period="quarter")

        assert passed(asked(), other).guarantees.get().amount == 100

    @pytest.mark.parametrize(("due_on", "stops"), [("2026-06-30", False), ("2026-07-01", True)])
    def test_an_advance_due_after_the_day_is_in_the_way(self, asked, agreement, due_on, stops):
        Advance.objects.create(agreement=agreement, label="On delivery", amount=10, due_on=due_on)

        if stops:
            with pytest.raises(TermsInTheWay, match="On delivery"):
                asked()
        else:
            assert asked()


class TestCaps:
    @pytest.fixture
    def cap(self, agreement):
        return Cap.objects.create(
            agreement=agreement, meter="lines", limit=10, starts_on="2026-01-01"
        )

    def test_the_new_studio_gets_what_the_year_has_left(self, cap, asked, other):
        CapYear.objects.create(cap=cap, starts_on="2026-01-01", used=4)

        new = passed(asked(), other)

        rest = list(new.caps.order_by("starts_on").values_list("limit", "starts_on", "ends_on"))
        assert rest == [
            (D(6), JULY, date(2027, 1, 1)),
            (D(10), date(2027, 1, 1), None),
        ]

    def test_what_is_used_until_the_day_is_taken_off_on_the_day(self, cap, asked, other):
        year = CapYear.objects.create(cap=cap, starts_on="2026-01-01", used=4)
        new = passed(asked(), other)
        year.used = 9
        year.save()

        assert transfers.divide_caps(at=AT_JULY - timedelta(seconds=1)) == 0
        assert transfers.divide_caps(at=AT_JULY) == 1
        assert transfers.divide_caps(at=AT_JULY) == 0
        assert new.caps.order_by("starts_on").first().limit == 1

    def test_a_cap_that_is_full_leaves_nothing(self, cap, asked, other):
        CapYear.objects.create(cap=cap, starts_on="2026-01-01", used=10)

        new = passed(asked(), other)

        assert new.caps.order_by("starts_on").first().limit < D("0.001")

    def test_a_soft_cap_stays_soft(self, cap, asked, other):
        Cap.objects.filter(pk=cap.pk).update(hard=False)

        assert not any(one.hard for one in passed(asked(), other).caps.all())


class TestAtTheDoors:
    """Of now, since doors read the clock."""

    @pytest.fixture
    def agreement(self, agreement):
        Agreement.objects.filter(pk=agreement.pk).update(
            rating_period="month", ends_at=None, starts_at=datetime(2026, 1, 1, tzinfo=UTC)
        )
        agreement.refresh_from_db()
        return agreement

    @pytest.fixture
    def soon(self):
        today = timezone.now().date()
        return date(today.year + today.month // 12, today.month % 12 + 1, 1)

    @pytest.fixture
    def waiting(self, asked, agreement, soon):
        return asked(agreement=agreement, day=soon, at=timezone.now())

    def test_it_is_asked_for_on_the_agreements_page(
        self, affairs, other, agreement, buyer, buyer_terms, soon
    ):
        client = sign_in(affairs)
        sent = {
            "licensee": buyer.name.upper(),
            "takes_effect_on": soon.isoformat(),
            "reason": "Sold",
        }

        assert take_step(client, "ask_to_transfer", agreement, **sent).status_code == 302
        transfer = Transfer.objects.get()
        assert (transfer.licensee, transfer.asked_by) == (buyer, affairs)
        assert "Waits for the new studio" in client.get(admin_page(Transfer, transfer.pk)).text

    def test_a_studio_of_another_agency_is_not_found(self, affairs, other, agreement, buyer, soon):
        sent = {"licensee": buyer.name, "takes_effect_on": soon.isoformat(), "reason": "Sold"}

        page = take_step(sign_in(affairs), "ask_to_transfer", agreement, **sent)

        assert "no terms with a studio named" in page.text

    def test_who_approves_sees_what_it_ends_and_splits(
        self, waiting, other, studio, twin, agreement
    ):
        Cap.objects.create(agreement=agreement, meter="lines", limit=10, starts_on="2026-01-01")
        assumed(waiting, at=timezone.now())
        client = sign_in(other)

        page = client.get(admin_page(Transfer, waiting.pk, name="approve"))

        assert "Permits that end then" in page.text
        assert "Left of its cap" in page.text
        assert take_step(client, "approve", waiting).status_code == 302
        assert Transfer.objects.get().state is TransferState.TRANSFERRED

    def test_a_permit_that_runs_on_ends_at_the_instant(
        self, waiting, other, studio, twin, agreement
    ):
        Cap.objects.create(agreement=agreement, meter="lines", limit=10, starts_on="2026-01-01")
        body = {
            "twin": f"T{twin.pk}", "agreement": agreement.reference, "right": "voice",
            "use": "dubbing", "at": timezone.now().isoformat(), "territory": "FR",
            "language": "fr", "channel": "streaming", "quantities": {"lines": "6"},
            "reserve": True, "reserve_minutes": 44_000,
        }  # fmt: skip
        answer = studio.post("/api/v1/clearances", body, content_type="application/json").json()
        assert answer["permit"], answer

        assumed(waiting, at=timezone.now())
        transfers.approve(transfer=waiting, by=other, at=timezone.now())

        instant = transfers.takes_effect_at(waiting)
        assert Permit.objects.get().revocation.revoked_at == instant
        beat = studio.get(f"/api/v1/permits/{answer['id']}").json()
        assert beat["status"] == "valid"  # until then

    def test_the_new_studio_signs_by_its_key(self, waiting, buyer_terms):
        studio = make_studio(buyer_terms, at=timezone.now())
        (told,) = studio.get("/api/v1/transfers").json()["results"]
        assert "assumes" not in told["state"]
        assert told["state"] == "asked"
        sent = {"digest": told["digest"], "signatory": "Dana Example", "title": "Head"}
        url = f"/api/v1/transfers/{told['id']}/assume"

        for _again in range(2):
            answer = studio.post(url, sent, content_type="application/json")
            assert (answer.status_code, answer.json()["state"]) == (200, "assumed")
        step = Transfer.objects.get().steps.get()
        assert (step.signatory, step.api_key.terms, step.text) == (
            "Dana Example", buyer_terms, told["text"],
        )  # fmt: skip
        somebody_else = sent | {"signatory": "Eve Example"}
        assert studio.post(url, somebody_else, content_type="application/json").status_code == 422

    def test_other_words_are_not_signed(self, waiting, buyer_terms):
        with pytest.raises(AssumedOtherWords):
            transfers.assume(
                transfer=waiting, shown="0" * 64, signatory="Dana", title="", at=timezone.now()
            )

    def test_the_old_studio_reads_it_and_cannot_sign(self, waiting, studio):
        (told,) = studio.get("/api/v1/transfers").json()["results"]
        sent = {"digest": told["digest"], "signatory": "Dana Example"}

        answer = studio.post(
            f"/api/v1/transfers/{told['id']}/assume", sent, content_type="application/json"
        )

        assert answer.status_code == 404

    def test_a_third_studio_reads_nothing_of_it(self, waiting, agency):
        third = make_studio(make_terms(agency, make_licensee("third")), at=timezone.now())

        assert third.get("/api/v1/transfers").json()["results"] == []

    def test_a_sandbox_key_signs_nothing(self, waiting, buyer_terms):
        trial = make_studio(buyer_terms, at=timezone.now(), sandbox=True)
        (told,) = trial.get("/api/v1/transfers").json()["results"]
        sent = {"digest": told["digest"], "signatory": "Dana Example"}

        trial.post(f"/api/v1/transfers/{told['id']}/assume", sent, content_type="application/json")

        assert not Transfer.objects.get().steps.exists()

    def test_staff_vouch_for_a_signature_on_paper(self, waiting, affairs):
        sent = {"signatory": "Dana Example", "signatory_title": "Head", "reason": "In the file."}

        assert take_step(sign_in(affairs), "assumed_on_paper", waiting, **sent).status_code == 302
        step = Transfer.objects.get().steps.get()
        assert (step.by, step.reason) == (affairs, "In the file.")

    def test_a_stranger_sees_nothing_of_it(self, waiting, stranger):
        assert sign_in(stranger).get(admin_page(Transfer, waiting.pk)).status_code in (
            302,
            403,
            404,
        )
