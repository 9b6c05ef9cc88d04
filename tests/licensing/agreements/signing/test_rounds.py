"""A round: sent out, signed by each in order, and then the agreement holds."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from licensing.agreements import agreements
from licensing.agreements.signing import acts, deadlines, rounds, signatories
from licensing.models import Agreement, SigningEvent, SigningRound
from licensing.words import AgreementStatus, RoundState
from talent.models import Delegation, OutboxMessage
from talent.papers import certificate
from tests.factories import NOW, make_delegate, make_member, make_user, record_consent
from tests.licensing.agreements.signing import rounds_of_tests as flow

pytestmark = pytest.mark.usefixtures("light_papers")


def again(found):
    return SigningRound.objects.defer(None).get(pk=found.pk)


def mails_to(address):
    return list(OutboxMessage.objects.filter(recipient=address).order_by("pk"))


def kinds(found):
    return list(
        SigningEvent.objects.filter(round=found).order_by("pk").values_list("kind", flat=True)
    )


def sign_all(found, star, lawyer):
    flow.do_all(found, "performer", flow.signed_in(star))
    flow.do_all(found, "agency", flow.signed_in(lawyer))
    return flow.do_all(found, "licensee", flow.BY_LINK)


# The way to a signed agreement


def test_it_goes_from_one_to_the_next_and_then_the_agreement_holds(out, star, lawyer):
    assert [(one.role, one.name) for one in out.signatories.order_by("position")] == [
        ("performer", "Ada Example"), ("agency", "Northlight Example"), ("licensee", "Sam Studio"),
    ]  # fmt: skip

    flow.do_all(out, "performer", flow.signed_in(star))
    assert again(out).agreement.status == AgreementStatus.DRAFT
    flow.do_all(out, "agency", flow.signed_in(lawyer))
    assert again(out).agreement.status == AgreementStatus.DRAFT
    flow.do_all(out, "licensee", flow.BY_LINK)

    ended = again(out)
    assert (ended.state, ended.agreement.status) == (RoundState.SIGNED, AgreementStatus.SIGNED)
    assert ended.agreement.signed_at == NOW
    assert kinds(out) == [
        "sent", "read", "agreed", "initialled", "signed", "read", "agreed", "signed", "read",
        "agreed", "signed",
    ]  # fmt: skip


def test_each_is_asked_by_mail_once_it_is_their_turn(out, star, lawyer):
    [asked] = mails_to(star.email)
    assert f"/documents/sign/{flow.signatory(out, 'performer').pk}/" in asked.body
    assert not mails_to("sam@paper-moon.example")

    flow.do_all(out, "performer", flow.signed_in(star))
    assert "/admin/licensing/signinground/" in mails_to(lawyer.email)[-1].body
    flow.do_all(out, "agency", flow.signed_in(lawyer))
    [linked] = mails_to("sam@paper-moon.example")
    assert "/signing/" in linked.body
    flow.do_all(out, "licensee", flow.BY_LINK)

    for address in (star.email, lawyer.email, "sam@paper-moon.example"):
        assert mails_to(address)[-1].subject.startswith("Signed by all")


# Order, and two at once


def test_nobody_signs_before_it_is_their_turn(out, lawyer):
    with pytest.raises(acts.NotTheirTurn, match="waits for Ada Example"):
        flow.read(out, "agency", flow.signed_in(lawyer))
    with pytest.raises(acts.NotTheirTurn):
        flow.read(out, "licensee", flow.BY_LINK)


def test_nobody_signs_twice(out, star):
    flow.do_all(out, "performer", flow.signed_in(star))

    with pytest.raises(acts.NotTheirTurn):
        flow.sign(out, "performer", flow.signed_in(star))


def test_what_somebody_saw_is_what_they_sign(out, star):
    flow.prepare(out, "performer", flow.signed_in(star))

    with pytest.raises(acts.ShownIsOld, match="Read it once more"):
        flow.sign(out, "performer", flow.signed_in(star), shown="0" * 64)


@pytest.mark.parametrize("left_out", ["read", "agreed", "initialled"])
def test_nothing_that_comes_before_a_signature_is_left_out(out, star, left_out):
    one, actor = flow.signatory(out, "performer"), flow.signed_in(star)
    about = {"signatory_id": one.pk, "shown": out.digest, "actor": actor, "at": NOW}
    if left_out != "read":
        acts.read(**about)
        if left_out != "agreed":
            acts.agree(**about)
    with pytest.raises(acts.NotReady):
        acts.sign(name="Ada Example", **about)


@pytest.mark.parametrize("words", ["", "   "])
def test_initials_and_a_name_are_written(out, star, words):
    one, actor = flow.signatory(out, "performer"), flow.signed_in(star)
    about = {"signatory_id": one.pk, "shown": out.digest, "actor": actor, "at": NOW}
    acts.read(**about)
    with pytest.raises(acts.NotReady):
        acts.initial(initials=words, **about)
    acts.agree(**about)
    acts.initial(initials="AE", **about)
    with pytest.raises(acts.NotReady):
        acts.sign(name=words, **about)


# Who


def test_only_who_was_asked_signs(out, star, lawyer):
    for actor in (flow.signed_in(lawyer), flow.BY_LINK):
        with pytest.raises(signatories.NotTheirs):
            flow.read(out, "performer", actor)
    flow.do_all(out, "performer", flow.signed_in(star))
    agent = make_member(out.agreement.agency, "agent")
    elsewhere = make_member(make_agency_elsewhere(), "business_affairs")
    for actor in (flow.signed_in(agent), flow.signed_in(elsewhere), flow.signed_in(star)):
        with pytest.raises(signatories.NotTheirs):
            flow.read(out, "agency", actor)


def make_agency_elsewhere():
    from tests.factories import make_agency

    return make_agency("elsewhere")


def test_somebody_who_may_no_longer_decide_does_not_sign(deal, lawyer):
    deal.deal.minor_trust_percent = 15
    deal.deal.save()
    performer = deal.twin.performer
    performer.life, performer.born_on = "minor", "2015-05-05"
    performer.save()
    guardian = make_delegate(performer, "guardian", "decide", email="guardian@family.example")
    out = flow.send(deal, lawyer)
    flow.prepare(out, "guardian", flow.signed_in(guardian))

    Delegation.objects.update(ends_on=NOW.date())

    with pytest.raises(signatories.NotTheirs):
        flow.sign(out, "guardian", flow.signed_in(guardian))


def test_a_minors_agreement_is_signed_by_the_guardian(deal, lawyer, star):
    deal.deal.minor_trust_percent = 15
    deal.deal.save()
    performer = deal.twin.performer
    performer.life, performer.born_on = "minor", "2015-05-05"
    performer.save()
    with pytest.raises(signatories.NobodyToSign, match="give the guardian a delegation"):
        flow.send(deal, lawyer)
    make_delegate(performer, "guardian", "see_usage", email="aunt@family.example")
    with pytest.raises(signatories.NobodyToSign):
        flow.send(deal, lawyer)
    make_delegate(performer, "guardian", "decide", email="guardian@family.example")

    out = flow.send(deal, lawyer)

    assert [one.role for one in out.signatories.order_by("position")] == [
        "guardian", "agency", "licensee",
    ]  # fmt: skip


def test_counsel_with_an_account_signs_after_the_performer(deal, star, lawyer):
    deal.deal.represented_by, deal.deal.counsel_name = "counsel", "Cleo Counsel"
    deal.deal.save()
    make_delegate(deal.twin.performer, "counsel", "see_usage", email="cleo@law.example")

    out = flow.send(deal, lawyer)

    assert [one.role for one in out.signatories.order_by("position")] == [
        "performer", "counsel", "agency", "licensee",
    ]  # fmt: skip


# Several guardians


@pytest.fixture
def mother(deal):
    deal.deal.minor_trust_percent = 15
    deal.deal.save()
    performer = deal.twin.performer
    performer.life, performer.born_on = "minor", "2015-05-05"
    performer.save()
    return make_delegate(performer, "guardian", "decide", email="mother@family.example")


def second_guardian(deal, *powers):
    return make_delegate(deal.twin.performer, "guardian", *powers, email="father@family.example")


def sign_as(found, user):
    one = found.signatories.get(user=user)
    about = {"signatory_id": one.pk, "shown": flow.digest_now(found), "at": NOW}
    about["actor"] = flow.signed_in(user)
    acts.read(**about)
    acts.agree(**about)
    acts.initial(initials="G.", **about)
    return acts.sign(name=one.name, **about)


def test_each_guardian_on_record_signs_in_turn(deal, mother, lawyer):
    father = second_guardian(deal, "decide")
    out = flow.send(deal, lawyer)
    with pytest.raises(acts.NotTheirTurn, match="waits for mother"):
        sign_as(out, father)

    sign_as(out, mother)

    assert again(out).turn.user == father
    assert mails_to(father.email)[-1].subject.startswith("Please sign")
    deadlines.remind(round_id=out.pk, at=NOW + timedelta(hours=2), by=lawyer)
    assert mails_to(father.email)[-1].subject.startswith("Still to be signed")
    assert len(mails_to(mother.email)) == 1
    with pytest.raises(acts.NotTheirTurn):
        flow.read(out, "agency", flow.signed_in(lawyer))
    sign_as(out, father)
    assert again(out).turn.role == "agency"


def test_one_guardian_declines_for_all(deal, mother, lawyer):
    father = second_guardian(deal, "decide")
    out = flow.send(deal, lawyer)
    sign_as(out, mother)

    acts.decline(
        signatory_id=out.signatories.get(user=father).pk, reason="Not this role",
        actor=flow.signed_in(father), at=NOW,
    )  # fmt: skip

    assert again(out).state == RoundState.DECLINED


def test_a_guardian_who_only_looks_does_not_sign(deal, mother, lawyer):
    second_guardian(deal, "see_usage")

    out = flow.send(deal, lawyer)

    assert [one.user for one in out.signatories.filter(role="guardian")] == [mother]


def test_a_guardian_who_is_recorded_after_it_was_sent_is_not_left_out(deal, mother, lawyer):
    out = flow.send(deal, lawyer)
    flow.prepare(out, "guardian", flow.signed_in(mother))
    second_guardian(deal, "decide")

    with pytest.raises((signatories.NobodyToSign, acts.TermsChanged)):
        flow.sign(out, "guardian", flow.signed_in(mother))


# Without an account

ADA = "ada@post.example"


def test_a_performer_without_an_account_signs_by_link(deal, lawyer):
    with pytest.raises(signatories.NobodyToSign, match="name their mail address"):
        flow.send(deal, lawyer)

    out = flow.send(deal, lawyer, mails={deal.twin.performer_id: ADA})

    one = flow.signatory(out, "performer")
    assert (one.user, one.email, one.initials) == (None, ADA, True)
    assert "/signing/" in mails_to(ADA)[0].body
    with pytest.raises(signatories.NotTheirs):
        flow.read(out, "performer", flow.signed_in(lawyer))
    flow.do_all(out, "performer", flow.BY_LINK)
    assert again(out).turn.role == "agency"


@pytest.mark.parametrize("address", ["Lawyer@northlight.example", "sam@paper-moon.example"])
def test_a_link_for_the_performer_reaches_nobody_of_another_side(deal, lawyer, address):
    with pytest.raises(signatories.NobodyToSign, match="address of"):
        flow.send(deal, lawyer, mails={deal.twin.performer_id: address})


def test_who_died_meanwhile_signs_by_no_link(deal, lawyer):
    out = flow.send(deal, lawyer, mails={deal.twin.performer_id: ADA})
    performer = deal.twin.performer
    performer.life, performer.died_on = "deceased", NOW.date()
    performer.save()

    with pytest.raises(signatories.NotTheirs):
        flow.read(out, "performer", flow.BY_LINK)


def test_a_guardian_who_was_invited_and_never_came_signs_by_link_while_they_may(
    deal, mother, lawyer
):
    mother.set_unusable_password()
    mother.save()
    out = flow.send(deal, lawyer)
    assert flow.signatory(out, "guardian").user is None
    flow.prepare(out, "guardian", flow.BY_LINK)
    Delegation.objects.update(powers=["see_usage"])

    with pytest.raises(signatories.NotTheirs):
        flow.sign(out, "guardian", flow.BY_LINK)


def test_somebody_whose_account_was_closed_signs_by_no_link(deal, star, lawyer):
    star.is_active = False
    star.save()

    with pytest.raises(signatories.NobodyToSign):
        flow.send(deal, lawyer, mails={deal.twin.performer_id: ADA})


def test_the_licensees_signatory_is_named_or_the_contact_of_its_terms(deal, star, lawyer):
    with pytest.raises(signatories.NobodyToSign, match="Name who signs for"):
        flow.send(deal, lawyer, licensee_name="", licensee_email="")
    from licensing.models import LicenseeTerms

    LicenseeTerms.objects.update(contact="Dana Desk <dana@paper-moon.example>")

    out = flow.send(deal, lawyer, licensee_name="", licensee_email="")

    one = flow.signatory(out, "licensee")
    assert (one.name, one.email) == ("Dana Desk", "dana@paper-moon.example")


# What changes meanwhile


def test_changed_terms_have_to_be_read_anew(out, star, lawyer):
    flow.prepare(out, "performer", flow.signed_in(star))
    Agreement.objects.filter(pk=out.agreement_id).update(description="Another description")

    with pytest.raises(acts.TermsChanged):
        flow.sign(out, "performer", flow.signed_in(star))
    rounds.cancel(round_id=out.pk, reason="Other terms", at=NOW, by=lawyer)
    new = flow.send(out.agreement, lawyer, at=NOW + timedelta(minutes=1))

    assert new.document_id != out.document_id
    with pytest.raises(acts.NotReady, match="read the document first"):
        flow.sign(new, "performer", flow.signed_in(star), at=NOW + timedelta(minutes=2))


def test_terms_changed_after_the_first_signature_stop_the_second(out, star, lawyer):
    flow.do_all(out, "performer", flow.signed_in(star))
    Agreement.objects.filter(pk=out.agreement_id).update(description="Another description")

    with pytest.raises(acts.TermsChanged):
        flow.read(out, "agency", flow.signed_in(lawyer))


@pytest.mark.parametrize("role", ["performer", "agency", "licensee"])
def test_consent_that_is_withdrawn_meanwhile_stops_the_next_step(out, star, lawyer, role):
    people = {"performer": flow.signed_in(star), "agency": flow.signed_in(lawyer),
              "licensee": flow.BY_LINK}  # fmt: skip
    for one, actor in people.items():
        if one == role:
            break
        flow.do_all(out, one, actor)
    later = NOW + timedelta(hours=1)
    flow.prepare(out, role, people[role])
    record_consent(performer=out.agreement.twin.performer, stance="deny", at=later)

    with pytest.raises(agreements.GrantsExceedConsent):
        flow.sign(out, role, people[role], at=later + timedelta(minutes=1))
    assert again(out).agreement.status == AgreementStatus.DRAFT


# Ends


def test_declining_ends_the_round_and_tells_everybody_why(out, star, lawyer):
    flow.do_all(out, "performer", flow.signed_in(star))

    acts.decline(
        signatory_id=flow.signatory(out, "licensee").pk, reason="Too dear", actor=flow.BY_LINK,
        at=NOW,
    )  # fmt: skip

    assert again(out).state == RoundState.DECLINED
    for address in (star.email, lawyer.email, "sam@paper-moon.example"):
        last = mails_to(address)[-1]
        assert last.subject.startswith("Declined")
        assert "Too dear" in last.body
    with pytest.raises(rounds.RoundIsOver):
        flow.read(out, "agency", flow.signed_in(lawyer))


def test_who_declines_says_why(out, star):
    one = flow.signatory(out, "performer")
    with pytest.raises(acts.NotReady, match="Say why"):
        acts.decline(signatory_id=one.pk, reason=" ", actor=flow.signed_in(star), at=NOW)


def test_a_round_that_was_taken_back_binds_nobody(out, star, lawyer):
    flow.do_all(out, "performer", flow.signed_in(star))

    rounds.cancel(round_id=out.pk, reason="A slip", at=NOW, by=lawyer)

    with pytest.raises(rounds.RoundIsOver, match="cancelled"):
        flow.read(out, "agency", flow.signed_in(lawyer))
    with pytest.raises(rounds.RoundIsOver):
        rounds.cancel(round_id=out.pk, reason="Twice", at=NOW, by=lawyer)
    assert again(out).agreement.status == AgreementStatus.DRAFT


def test_nothing_is_signed_at_the_instant_when_the_time_is_over(out, star):
    flow.prepare(out, "performer", flow.signed_in(star))

    with pytest.raises(rounds.RoundIsOver, match="time to sign is over"):
        flow.sign(out, "performer", flow.signed_in(star), at=out.expires_at)
    flow.sign(out, "performer", flow.signed_in(star), at=out.expires_at - timedelta(seconds=1))


# Sending


def test_one_round_at_a_time(out, lawyer):
    with pytest.raises(rounds.NotToBeSent, match="out for signature already"):
        flow.send(out.agreement, lawyer)


@pytest.mark.parametrize("days", [0, 366])
def test_there_is_time_to_sign_but_not_for_ever(deal, star, lawyer, days):
    with pytest.raises(rounds.NotToBeSent, match="between an hour and a year"):
        flow.send(deal, lawyer, days=days)


def test_without_a_certificate_nothing_is_sent_and_it_is_said_what_to_do(
    deal, star, lawyer, settings
):
    settings.SEAL_CERTIFICATE = ""

    with pytest.raises(certificate.NoSeal, match="SEAL_CERTIFICATE"):
        flow.send(deal, lawyer)


def test_what_goes_further_than_the_consent_is_not_sent(deal, star, lawyer):
    record_consent(performer=deal.twin.performer, stance="deny")

    with pytest.raises(agreements.GrantsExceedConsent):
        flow.send(deal, lawyer)
    assert not SigningRound.objects.exists()


def test_what_was_sent_and_signed_stays_as_it_was(out):
    for change in ({"digest": "x", "pdf": b"%PDF-other"}, {"expires_at": NOW + timedelta(days=99)}):
        with pytest.raises(DatabaseError), transaction.atomic():
            SigningRound.objects.filter(pk=out.pk).update(**change)
    rounds.cancel(round_id=out.pk, reason="x", at=NOW, by=out.sent_by)
    with pytest.raises(DatabaseError), transaction.atomic():
        SigningRound.objects.filter(pk=out.pk).update(state="open", ended_at=None)


def test_strangers_see_nothing_of_it(out, star, lawyer):
    seen = SigningRound.objects.visible_to
    assert out in seen(star)
    assert out in seen(lawyer)
    assert not seen(make_user("stranger@desk.example", is_staff=True)).exists()
    assert not seen(make_member(make_agency_elsewhere(), "business_affairs")).exists()
