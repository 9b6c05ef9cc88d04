"""Signing in the portal, in the admin and by a mailed link: who gets there, what they see."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from licensing.agreements.signing import links, rounds
from licensing.models import Signatory, SigningEvent, SigningLink, SigningRound
from talent.models import Delegation, OutboxMessage, TryCount
from tests import signing
from tests.factories import (
    make_agency,
    make_delegate,
    make_member,
    make_user,
    messages_of,
    sign_in,
    take_step,
)
from tests.licensing.agreements.signing import rounds_of_tests as flow

SAM = "sam@paper-moon.example"
BESIDE = "What the agency takes"


@pytest.fixture
def out(light_papers, deal, star, lawyer):
    return flow.send(deal, lawyer, at=timezone.now())


@pytest.fixture
def for_sam(out, star, lawyer):
    """The round once it is the studio's turn."""
    now = timezone.now()
    flow.do_all(out, "performer", flow.signed_in(star), at=now)
    flow.do_all(out, "agency", flow.signed_in(lawyer), at=now)
    return out


def page_of(found, user):
    return reverse("portal:sign", args=[found.signatories.get(user=user).pk])


def act_of(found, user, act):
    return reverse("portal:sign-act", args=[found.signatories.get(user=user).pk, act])


def file_of(found, name="document"):
    return reverse("portal:signing-file", args=[found.pk, name])


def test_all_sign_through_the_doors(out, star, lawyer):
    assert "Read and sign" in sign_in(star).get(reverse("portal:documents")).text
    assert "The next one is asked now" in messages_of(signing.sign_in_the_portal(star, out))
    signing.sign_for_the_agency(lawyer, out)
    last = signing.sign_by_link(SAM, out)

    assert "the agreement holds from now on" in messages_of(last)
    signed = out.events.filter(kind="signed")
    assert dict(signed.values_list("signatory__role", "identified")) == {
        "performer": "second_factor", "agency": "second_factor", "licensee": "mailed_code",
    }  # fmt: skip
    assert set(signed.values_list("address", flat=True)) == {"127.0.0.1"}
    assert "Signed by all" in sign_in(star).get(reverse("portal:documents")).text


def test_the_page_says_what_is_signed_and_what_comes_first(out, star):
    page = sign_in(star).get(page_of(out, star)).text

    assert "Before you sign" in page
    assert out.digest in page
    assert "I have opened and read it" in page
    assert "Write your full name" not in page, "Reading comes first."


def test_after_each_act_the_page_opens_at_what_comes_next(out, star):
    client = sign_in(star)
    led_to = [
        client.post(act_of(out, star, act), {"shown": out.digest, **given}).url.partition("#")[2]
        for act, given in signing.ACTS.items()
    ]

    assert led_to == ["agree", "initial", "sign", ""]
    too_early = client.post(act_of(out, star, "read"), {"shown": "another"}).url
    assert "#" not in too_early, "A refusal stands at the top."


def test_looking_changes_nothing(out, star):
    client, before = sign_in(star), SigningEvent.objects.count()

    for url in (page_of(out, star), file_of(out), reverse("portal:documents")):
        assert client.get(url).status_code == 200
    assert SigningEvent.objects.count() == before
    assert client.get(act_of(out, star, "sign")).status_code == 405


def test_a_document_is_sent_as_the_bytes_that_its_digest_names(out, star, lawyer):
    in_admin = reverse("admin:licensing_signinground_file", args=[out.pk, "document"])
    for user, url in ((star, file_of(out)), (lawyer, in_admin)):
        answer = sign_in(user).get(url)

        assert rounds.digest_of(answer.content) == out.digest
        assert answer["content-type"] == "application/pdf"
    assert sign_in(star).get(file_of(out, "record")).status_code == 404


def test_nobody_else_gets_there(out, star):
    stranger = make_user("stranger@desk.example")
    rival = make_member(make_agency("elsewhere"), "business_affairs")
    in_admin = reverse("admin:licensing_signinground_file", args=[out.pk, "document"])
    for user in (stranger, rival):
        client = sign_in(user)
        assert client.get(page_of(out, star)).status_code == 404
        sent = {"shown": out.digest}
        assert client.post(act_of(out, star, "read"), sent).status_code == 404
        assert client.get(file_of(out)).status_code == 404
        assert client.get(in_admin).status_code in (302, 403, 404)
    assert Client().get(page_of(out, star)).status_code == 302


def test_agreeing_is_ticked(out, star):
    client = sign_in(star)
    client.post(act_of(out, star, "read"), {"shown": out.digest})

    answer = client.post(act_of(out, star, "agree"), {"shown": out.digest})

    assert "Tick that you agree" in messages_of(answer)
    assert not out.events.filter(kind="agreed").exists()


def test_whoever_declines_says_why_and_nobody_is_bound(out, star):
    sign_in(star).post(act_of(out, star, "decline"), {"reason": "Not this role"})

    assert SigningRound.objects.get().state == "declined"


def test_what_is_out_for_signature_is_not_offered_for_import(light_papers, deal, lawyer):
    client, url = sign_in(lawyer), reverse("admin:licensing_signedscan_take_in")
    assert f"?agreement={deal.pk}" in client.get(url).text

    flow.send(deal, lawyer, at=timezone.now(), mails={deal.twin.performer_id: "ada@post.example"})

    assert f"?agreement={deal.pk}" not in client.get(url).text


# By a mailed link


def test_a_performer_without_an_account_gets_the_link_at_the_address_that_is_named(
    light_papers, deal, lawyer
):
    field, ada = f"mail_{deal.twin.performer_id}", "ada@post.example"
    sam = {"licensee_name": "Sam", "licensee_email": SAM, "days": "30"}
    unnamed = take_step(sign_in(lawyer), "send", deal, **sam)
    assert field in unnamed.text
    assert not SigningRound.objects.exists()

    take_step(sign_in(lawyer), "send", deal, **sam, **{field: ada})

    signing.sign_by_link(ada, out := SigningRound.objects.get(), initials=True)
    known = out.events.get(kind="signed").identified
    assert (known, SigningRound.objects.get().turn.role) == ("mailed_code", "agency")


def test_only_the_performers_side_reads_what_is_between_it_and_the_agency(
    light_papers, deal, lawyer
):
    ada = "ada@post.example"
    out = flow.send(deal, lawyer, at=timezone.now(), mails={deal.twin.performer_id: ada})
    link = signing.link_in_the_mail(ada)
    assert BESIDE not in Client().get(link).text, "Before the code, anybody may look."

    page = signing.prove_by_code(Client(), link, ada)
    assert BESIDE in page.text

    signing.sign_by_link(ada, out, initials=True)
    signing.sign_for_the_agency(lawyer, out)
    assert BESIDE not in signing.prove_by_code(Client(), signing.link_in_the_mail(SAM), SAM).text


def test_the_portals_page_shows_what_only_the_performer_reads(out, star):
    assert BESIDE in sign_in(star).get(page_of(out, star)).text


@pytest.mark.parametrize(
    ("powers", "shown"),
    [(["decide"], False), (["decide", "see_money"], True), (["see_money"], False)],
)
def test_a_guardian_reads_of_the_money_what_their_delegation_lets_them(
    light_papers, deal, lawyer, powers, shown
):
    deal.deal.minor_trust_percent = 15
    deal.deal.save()
    performer = deal.twin.performer
    performer.life, performer.born_on = "minor", "2015-05-05"
    performer.save()
    mother = make_delegate(performer, "guardian", "decide", email="mother@family.example")
    out = flow.send(deal, lawyer, at=timezone.now())
    Delegation.objects.update(powers=powers)

    page = sign_in(mother).get(page_of(out, mother))

    assert (BESIDE in page.text) is shown


def test_a_link_shows_nothing_before_the_code(for_sam):
    client, link = Client(), signing.link_in_the_mail(SAM)

    page = client.get(link)
    assert "Mail me a code" in page.text
    assert "Ada" not in page.text
    assert client.get(f"{link}document.pdf").status_code == 302
    client.post(f"{link}read/", {"shown": signing.digest_of(for_sam)})
    assert not for_sam.events.filter(signatory__role="licensee").exists()


def test_looking_at_a_link_changes_nothing(for_sam):
    client, link = Client(), signing.link_in_the_mail(SAM)
    counted = (SigningEvent, OutboxMessage, TryCount)
    before = [model.objects.count() for model in counted]

    assert client.get(link).status_code == 200
    assert [model.objects.count() for model in counted] == before


def test_only_the_digest_of_a_link_is_kept(for_sam):
    secret = signing.link_in_the_mail(SAM).strip("/").split("/")[-1]

    assert SigningLink.objects.get().secret_sha256 == rounds.digest_of(secret.encode())


def test_a_wrong_code_opens_nothing_and_few_are_tried(for_sam):
    client, link = Client(), signing.link_in_the_mail(SAM)
    client.post(f"{link}mail-code/")
    right = signing.code_in_the_mail(SAM)
    wrong = "00000000" if right != "00000000" else "00000001"

    said = [messages_of(client.post(f"{link}code/", {"code": wrong})) for _try in range(9)]

    assert "This is not the code" in said[0]
    assert "Too many tries" in said[-1]
    late = client.post(f"{link}code/", {"code": right})
    assert "Too many tries" in messages_of(late)


def test_a_code_is_good_for_a_quarter_of_an_hour(for_sam, monkeypatch):
    client, link = Client(), signing.link_in_the_mail(SAM)
    client.post(f"{link}mail-code/")
    late = timezone.now() + links.CODE_LASTS
    monkeypatch.setattr(timezone, "now", lambda: late)

    said = messages_of(client.post(f"{link}code/", {"code": signing.code_in_the_mail(SAM)}))

    assert "its time is over" in said


def test_a_code_opens_only_in_the_browser_that_asked_for_it(for_sam):
    link = signing.link_in_the_mail(SAM)
    Client().post(f"{link}mail-code/")

    other = Client()
    other.post(f"{link}code/", {"code": signing.code_in_the_mail(SAM)})

    assert "Mail me a code" in other.get(link).text


def test_a_link_that_is_opened_after_its_time_is_not_there(for_sam, monkeypatch):
    link, client = signing.link_in_the_mail(SAM), Client()
    signing.prove_by_code(client, link, SAM)
    late = for_sam.expires_at + timedelta(seconds=1)
    monkeypatch.setattr(timezone, "now", lambda: late)

    assert client.get(link).status_code == 404
    sent = {"shown": signing.digest_of(for_sam), "name": "Sam"}
    assert client.post(f"{link}sign/", sent).status_code == 404


def test_a_link_of_a_round_that_was_taken_back_is_not_there(for_sam, lawyer):
    link = signing.link_in_the_mail(SAM)
    rounds.cancel(round_id=for_sam.pk, reason="x", at=timezone.now(), by=lawyer)

    assert Client().get(link).status_code == 404


@pytest.mark.parametrize("secret", ["x", "a" * 43, "a" * 2_000, "%00"])
def test_a_made_up_link_is_not_there(db, secret):
    assert Client().get(f"/signing/{secret}/").status_code == 404


def test_a_link_leads_to_what_was_signed_afterwards(for_sam):
    signing.sign_by_link(SAM, for_sam)
    client, link = Client(), signing.link_in_the_mail(SAM)

    page = signing.prove_by_code(client, link, SAM)

    assert "You have signed" in page.text
    assert client.get(f"{link}record.pdf").content == b"%PDF record"


# In the admin


def test_a_round_is_reminded_of_and_taken_back_by_staff(out, star, lawyer):
    client = sign_in(lawyer)
    early = take_step(client, "remind", out)
    assert "within the last hour" in early.text

    cancelled = take_step(client, "cancel", out, reason="Other terms")

    assert "Nobody is bound" in messages_of(cancelled)
    last = OutboxMessage.objects.filter(recipient=star.email).order_by("pk").last()
    assert last.subject.startswith("Taken back")
    assert "Other terms" in last.body


def test_an_agent_sends_but_does_not_sign_for_the_agency(out, star):
    flow.do_all(out, "performer", flow.signed_in(star), at=timezone.now())
    agent = sign_in(make_member(out.agreement.agency, "agent"))

    answer = take_step(agent, "sign_for_agency", out, read="on", agreed="on", full_name="x")

    assert answer.status_code == 403
    assert Signatory.objects.filter(round=out, events__kind="signed").count() == 1
