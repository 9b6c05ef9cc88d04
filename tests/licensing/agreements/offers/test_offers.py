"""Packages that a performer approved are taken by studios without a negotiation, each once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import jwt
import pytest
from django.db import connection
from django.utils import timezone

from licensing.agreements import document, offers
from licensing.agreements.agreements import GrantsExceedConsent
from licensing.agreements.offers import (
    NotYoursToApprove,
    OfferIsFixed,
    OfferIsUnsound,
    OfferNotOpen,
    OfferReadsOtherwise,
)
from licensing.agreements.signing import kept, takings
from licensing.models import (
    Agreement,
    AgreementDocument,
    ApiKey,
    FindingSet,
    OfferTaking,
    StandingOffer,
)
from licensing.words import OfferState
from talent.consent.scope import Scope
from talent.models import OutboxMessage
from talent.papers.seal import signatures_of
from tests.factories import (
    admin_page,
    make_agency,
    make_licensee,
    make_studio,
    make_terms,
    sign_in,
    take_step,
)
from tests.licensing.agreements.papers import text_of

pytestmark = pytest.mark.django_db
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def draft(agency, twin, consent, performer):
    consent(performer=performer)
    offer = StandingOffer.objects.create(
        agency=agency, twin=twin, name="Ten dubbed lines", kind="dubbing_adr", meter="lines",
        description="Ten lines of dialogue of one episode, dubbed from English into French.",
        units=10, price=250, currency="USD", times=2, try_out_units=3, offered_from=LONG_AGO,
    )  # fmt: skip
    offer.grants.create(right="voice", use="dubbing", channels=["streaming", "other"])
    return offer


@pytest.fixture
def shown(draft, agent):
    return offers.propose(offer=draft, at=timezone.now(), by=agent)


@pytest.fixture
def offer(shown, performer, ada):
    return offers.approve(
        offer=shown, performer=performer, shown=offers.digest_of(shown), at=timezone.now(), by=ada
    )


def post(studio, offer, *, door="take", key="take-1", **fields):
    sent = {"digest": offers.digest_of(offer), "signatory": "Dana Example", "title": "Producer"}
    return studio.post(
        f"/api/v1/offers/O{offer.pk}/{door}", sent | fields, content_type="application/json",
        headers={"Idempotency-Key": key},
    )  # fmt: skip


def ask(studio, twin, reference, **fields):
    body = {
        "twin": f"T{twin.pk}", "agreement": reference, "right": "voice", "use": "dubbing",
        "at": timezone.now().isoformat(), "territory": "FR", "language": "fr",
        "channel": "streaming", "quantities": {"lines": "2"}, "reserve": True,
    }  # fmt: skip
    return studio.post("/api/v1/clearances", body | fields, content_type="application/json").json()


class TestApproval:
    def test_it_is_open_once_its_performer_has_approved_what_they_read(self, offer, ada):
        step = offer.steps.get(kind="approved")

        assert offer.state is OfferState.OPEN
        assert (step.by, step.digest, step.text) == (
            ada, offers.digest_of(offer), offers.text_of(offer),
        )  # fmt: skip

    def test_other_words_are_not_approved(self, shown, performer, ada):
        with pytest.raises(OfferReadsOtherwise):
            offers.approve(
                offer=shown, performer=performer, shown="0" * 64, at=timezone.now(), by=ada
            )

    def test_nobody_approves_for_somebody_else(self, shown, performer, agent, stranger):
        told = {"performer": performer, "shown": offers.digest_of(shown), "at": timezone.now()}
        for user in (agent, stranger):
            with pytest.raises(NotYoursToApprove):
                offers.approve(offer=shown, by=user, **told)

    def test_it_is_fixed_once_it_was_shown(self, shown, agent):
        with pytest.raises(OfferIsFixed):
            offers.propose(offer=shown, at=timezone.now(), by=agent)
        page = sign_in(agent).get(admin_page(StandingOffer, shown.pk))
        assert not page.context["has_change_permission"]

    def test_an_offer_beyond_the_consent_is_not_shown(self, draft, agent):
        draft.grants.create(right="face", use="advertising")

        with pytest.raises(GrantsExceedConsent):
            offers.propose(offer=draft, at=timezone.now(), by=agent)
        assert StandingOffer.objects.get().state is OfferState.DRAFT
        assert not Agreement.objects.exists()

    def test_a_consent_for_certain_studios_only_makes_no_offer_for_all(
        self, draft, agent, consent, performer
    ):
        only = Scope(licensees_allowed=frozenset({"paper-moon"}))
        consent(performer=performer, scope=only, at=datetime(2026, 2, 1, tzinfo=UTC))

        with pytest.raises(GrantsExceedConsent):
            offers.propose(offer=draft, at=timezone.now(), by=agent)

    def test_an_offer_of_nothing_is_not_shown(self, draft, agent):
        draft.grants.all().delete()
        with pytest.raises(OfferIsUnsound):
            offers.propose(offer=draft, at=timezone.now(), by=agent)

    def test_declining_closes_it(self, shown, performer, ada, studio):
        declined = offers.decline(
            offer=shown, performer=performer, at=timezone.now(), by=ada, reason="Not radio."
        )
        assert declined.state is OfferState.DECLINED
        assert post(studio, shown).status_code == 422
        assert OutboxMessage.objects.filter(body="Not radio.").exists()

    def test_the_performer_is_told_that_it_waits(self, ada, shown):
        assert OutboxMessage.objects.filter(recipient=ada.email, subject__contains="waits").exists()


class TestTaking:
    def test_a_taking_is_a_signed_agreement_with_its_price_and_its_limit(
        self, offer, studio, terms, twin
    ):
        answer = post(studio, offer)

        assert answer.status_code == 201, answer.content
        agreement = Agreement.objects.get(reference=answer.json()["reference"])
        assert (agreement.status, agreement.licensee) == ("signed", terms.licensee)
        assert agreement.advances.get().amount == 250
        assert (agreement.caps.get().limit, agreement.caps.get().hard) == (D(10), True)
        line = agreement.rate_cards.get().lines.get()
        assert (line.unit_price, line.label) == (D(0), "Included in the package")
        assert agreement.deal.kind == "dubbing_adr"
        asked = FindingSet.objects.get(agreement=agreement)
        assert (asked.occasion, asked.document_digest) == ("signing", offers.digest_of(offer))
        assert ask(studio, twin, agreement.reference)["outcome"] == "cleared"

    def test_it_licenses_within_the_bounds_that_were_approved(
        self, draft, agent, performer, ada, studio
    ):
        bounds = {
            "territories": ["FR"], "languages": ["fr"], "channels": ["streaming"],
            "exclusions": ["tobacco"],
        }  # fmt: skip
        draft.grants.update(**bounds)
        shown = offers.propose(offer=draft, at=timezone.now(), by=agent)
        offer = offers.approve(
            offer=shown, performer=performer, shown=offers.digest_of(shown), at=timezone.now(),
            by=ada,
        )  # fmt: skip

        taken = Agreement.objects.get(reference=post(studio, offer).json()["reference"])

        assert {name: getattr(taken.grants.get(), name) for name in bounds} == bounds

    def test_it_keeps_who_accepted_which_words_by_which_key(self, offer, studio, terms):
        post(studio, offer)

        taking = OfferTaking.objects.get()
        assert (taking.signatory, taking.signatory_title) == ("Dana Example", "Producer")
        assert taking.api_key == ApiKey.objects.get(terms=terms)
        assert (taking.text, taking.digest) == (offers.text_of(offer), offers.digest_of(offer))

    def test_more_than_the_package_is_refused(self, offer, studio, twin):
        reference = post(studio, offer).json()["reference"]

        answer = ask(studio, twin, reference, quantities={"lines": "11"})

        assert answer["outcome"] == "refused"

    def test_the_same_key_takes_it_once(self, offer, studio):
        first, again = post(studio, offer), post(studio, offer)

        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        assert OfferTaking.objects.count() == 1
        assert post(studio, offer, signatory="Eve Example").status_code == 409

    def test_a_key_is_needed(self, offer, studio):
        answer = studio.post(
            f"/api/v1/offers/O{offer.pk}/take",
            {"digest": offers.digest_of(offer), "signatory": "Dana Example"},
            content_type="application/json",
        )
        assert answer.status_code == 400

    def test_what_is_taken_so_many_times_is_gone(self, offer, studio):
        answers = [post(studio, offer, key=f"take-{number}") for number in range(3)]

        assert [answer.status_code for answer in answers] == [201, 201, 422]
        assert answers[2].json()["code"] == "offer_is_taken"

    def test_other_words_are_not_accepted(self, offer, studio):
        answer = post(studio, offer, digest="0" * 64)
        assert answer.json()["code"] == "offer_reads_otherwise"

    def test_it_lasts_its_months_in_the_agencys_zone(self, offer, terms):
        key = ApiKey.objects.create(terms=terms, label="x", prefix="desk_x", digest=b"x" * 32,
                                    created_at=LONG_AGO)  # fmt: skip
        accepted = offers.Acceptance(key, "Dana", "", offers.digest_of(offer), "k", bytes(32))

        taking = offers.take(
            offer_id=offer.pk, accepted=accepted, at=datetime(2026, 11, 30, 12, tzinfo=UTC)
        )

        assert taking.agreement.ends_at == datetime(2027, 2, 28, tzinfo=UTC)

    def test_a_consent_taken_back_stops_takings_to_come(self, offer, studio, consent, performer):
        assert post(studio, offer).status_code == 201
        consent("deny", performer=performer, at=timezone.now())

        assert post(studio, offer, key="take-2").status_code == 422
        assert OfferTaking.objects.count() == 1

    def test_a_withdrawn_offer_leaves_what_was_taken(self, offer, studio, performer, ada, twin):
        reference = post(studio, offer).json()["reference"]
        offers.decline(offer=offer, performer=performer, at=timezone.now(), by=ada, reason="")

        assert post(studio, offer, key="take-2").json()["code"] == "offer_not_open"
        assert ask(studio, twin, reference)["outcome"] == "cleared"
        assert studio.get("/api/v1/offers").json()["results"] == []

    @pytest.mark.parametrize(("hours", "status"), [(1, 422), (-1, 201)])
    def test_it_is_taken_from_its_first_instant_on(self, offer, studio, hours, status):
        since = timezone.now() + timedelta(hours=hours)
        StandingOffer.objects.filter(pk=offer.pk).update(offered_from=since)
        offer.refresh_from_db()
        assert post(studio, offer).status_code == status

    @pytest.mark.parametrize(("hours", "status"), [(1, 201), (-1, 422)])
    def test_it_is_taken_until_its_last_instant(self, offer, studio, hours, status):
        until = timezone.now() + timedelta(hours=hours)
        StandingOffer.objects.filter(pk=offer.pk).update(offered_until=until)
        offer.refresh_from_db()
        assert post(studio, offer).status_code == status

    def test_an_offer_that_waits_is_not_taken(self, shown, studio):
        assert post(studio, shown).json()["code"] == "offer_not_open"

    def test_a_free_package_owes_nothing(self, draft, agent, performer, ada, studio):
        StandingOffer.objects.filter(pk=draft.pk).update(price=0)
        draft.refresh_from_db()
        shown = offers.propose(offer=draft, at=timezone.now(), by=agent)
        offers.approve(
            offer=shown, performer=performer, shown=offers.digest_of(shown), by=ada,
            at=timezone.now(),
        )  # fmt: skip
        post(studio, shown)

        assert not Agreement.objects.get().advances.exists()

    def test_it_may_be_for_one_of_the_studios_productions(self, offer, studio, production):
        assert post(studio, offer, production=production.title).status_code == 201
        assert Agreement.objects.get().productions.get() == production
        assert post(studio, offer, key="take-2", production="Unknown").status_code == 404

    def test_a_sandbox_key_takes_nothing(self, offer, terms):
        trial = make_studio(terms, at=timezone.now(), sandbox=True)

        assert post(trial, offer).status_code == 201
        assert not OfferTaking.objects.exists()

    def test_another_agencys_studio_finds_nothing(self, offer):
        theirs = make_terms(make_agency("elsewhere"), make_licensee("far"))
        far = make_studio(theirs, at=timezone.now())

        assert far.get("/api/v1/offers").json()["results"] == []
        assert post(far, offer).status_code == 404

    def test_what_is_left_is_listed(self, offer, studio):
        post(studio, offer)
        (told,) = studio.get("/api/v1/offers").json()["results"]

        assert (told["id"], told["left"], told["digest"]) == (
            f"O{offer.pk}", 1, offers.digest_of(offer),
        )  # fmt: skip


class TestDocument:
    """What came of a taking is a document of its own, sealed, with what both sides said."""

    def test_it_says_the_words_and_who_approved_and_accepted_them(self, offer, studio, sealing):
        post(studio, offer)
        at = timezone.now()

        assert takings.draw_all(at=at) == 1
        assert takings.draw_all(at=at) == 0

        paper = AgreementDocument.objects.get()
        assert (paper.kind, paper.content["taken"]["accepted"]["by"]) == ("taken", "Dana Example")
        assert document.is_current(paper, at=at)
        told = " ".join(text_of(bytes(paper.pdf)).split())
        assert "Ten lines of dialogue of one episode" in told
        assert offers.digest_of(offer)[:20] in told.replace(" ", "")
        assert "Dana Example, Producer" in told
        assert "signed in at the portal" in told
        (seal,) = signatures_of(bytes(paper.pdf))
        assert (seal.intact, seal.valid, seal.lawfully_changed) == (True, True, True)
        assert list(kept.faults()) == []
        sent = studio.get(f"/api/v1/agreements/A{paper.agreement_id}/document")
        assert b"".join(sent) == bytes(paper.pdf)

    def test_without_a_certificate_it_waits(self, offer, studio):
        post(studio, offer)

        assert takings.draw_all(at=timezone.now()) == 0


class TestTryOut:
    def test_it_is_free_and_capped_and_says_so(self, offer, studio, twin, client):
        answer = post(studio, offer, door="try").json()
        agreement = Agreement.objects.get(reference=answer["reference"])
        cleared = ask(studio, twin, answer["reference"], channel="other")

        assert (answer["try_out"], agreement.try_out) == (True, True)
        assert agreement.rate_cards.get().lines.get().label == (
            "Try-out: free, watermarked, never published"
        )
        assert not agreement.advances.exists()
        assert cleared["outcome"] == "cleared"
        assert "as a try-out: watermark it, and publish nothing of it." in str(cleared["trace"])
        claims = jwt.decode(cleared["permit"], options={"verify_signature": False})
        assert claims["try_out"] is True
        more = ask(studio, twin, answer["reference"], channel="other")
        assert more["outcome"] == "refused"

    def test_no_audience_may_meet_it(self, offer, studio, twin):
        reference = post(studio, offer, door="try").json()["reference"]

        answer = ask(studio, twin, reference, channel="streaming")

        assert answer["outcome"] == "refused"
        assert "is a try-out, of which nothing is published" in str(answer)

    def test_a_permit_of_a_package_says_nothing_of_trying(self, offer, studio, twin):
        reference = post(studio, offer).json()["reference"]
        permit = ask(studio, twin, reference)["permit"]

        assert "try_out" not in jwt.decode(permit, options={"verify_signature": False})

    def test_each_studio_tries_once(self, offer, studio):
        assert post(studio, offer, door="try").status_code == 201
        again = post(studio, offer, door="try", key="try-2")

        assert (again.status_code, again.json()["code"]) == (422, "no_try_out")

    def test_it_takes_no_package(self, offer, studio):
        post(studio, offer, door="try")
        assert offers.left_of(offer) == 2

    def test_an_offer_without_free_units_is_not_tried(self, offer, studio):
        StandingOffer.objects.filter(pk=offer.pk).update(try_out_units=0)
        offer.refresh_from_db()
        assert post(studio, offer, door="try").json()["code"] == "no_try_out"


class TestPortal:
    def test_the_performer_reads_and_approves_it(self, shown, ada):
        client = sign_in(ada)
        page = client.get("/offers/")
        assert "Ten dubbed lines" in page.text
        assert "Ten lines of dialogue of one episode" in page.text

        client.post(f"/offers/{shown.pk}/approve/", {"shown": page.context["waiting"][0].digest})

        assert StandingOffer.objects.get().state is OfferState.OPEN
        assert "2 packages left" in client.get("/offers/").text

    def test_the_performer_withdraws_it(self, offer, ada):
        sign_in(ada).post(f"/offers/{offer.pk}/decline/", {"reason": "Enough."})
        assert StandingOffer.objects.get().state is OfferState.WITHDRAWN

    def test_nobody_else_reads_it(self, shown, agency, stranger):
        from tests.factories import make_performer, make_user

        other = make_performer("Bo Example", agency)
        bo = make_user("bo@performers.example", performer=other)
        assert "Ten dubbed lines" not in sign_in(bo).get("/offers/").text
        url = f"/offers/{shown.pk}/approve/"
        assert sign_in(bo).post(url, {"shown": "x"}).status_code == 404

    def test_a_draft_is_not_shown_yet(self, draft, ada):
        assert "Ten dubbed lines" not in sign_in(ada).get("/offers/").text


class TestInTheAdmin:
    def test_staff_show_and_withdraw_it(self, draft, affairs, studio):
        client = sign_in(affairs)
        assert take_step(client, "propose", draft).status_code == 302
        assert StandingOffer.objects.get().state is OfferState.PROPOSED
        assert take_step(client, "withdraw", draft, reason="Wrong price.").status_code == 302
        assert StandingOffer.objects.get().state is OfferState.WITHDRAWN
        assert "Wrong price." in client.get(admin_page(StandingOffer, draft.pk)).text

    def test_takings_stand_on_its_page(self, offer, studio, affairs):
        reference = post(studio, offer).json()["reference"]
        assert reference in sign_in(affairs).get(admin_page(StandingOffer, offer.pk)).text

    def test_a_stranger_sees_nothing_of_it(self, draft, stranger):
        answer = sign_in(stranger).get(admin_page(StandingOffer, draft.pk))
        assert answer.status_code in (302, 403, 404)


@pytest.mark.django_db(transaction=True)
def test_the_last_package_is_taken_once_by_many_at_once(offer, terms):
    StandingOffer.objects.filter(pk=offer.pk).update(times=1)
    offer.refresh_from_db()
    key = ApiKey.objects.create(
        terms=terms, label="x", prefix="desk_x", digest=b"x" * 32, created_at=LONG_AGO
    )
    shown = offers.digest_of(offer)

    def take(number):
        try:
            accepted = offers.Acceptance(key, "Dana", "", shown, f"key-{number}", bytes(32))
            offers.take(offer_id=offer.pk, accepted=accepted, at=timezone.now())
        except offers.OfferIsTaken:
            return False
        except OfferNotOpen:
            return None
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(take, range(6)))

    assert sorted(told) == [False] * 5 + [True]
    assert OfferTaking.objects.count() == 1
