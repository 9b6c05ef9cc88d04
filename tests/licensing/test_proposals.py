"""Proposals: an agency asks the operator for what all agencies share, once."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse

from licensing.models import Agreement, Licensee, Production, Proposal
from talent.models import OutboxMessage
from talent.words import Role
from tests.factories import admin_page, make_member, messages_of, sign_in, take_step

PROPOSE = reverse("admin:licensing_licensee_propose")
ATLAS = {"name": "Atlas & Co", "kind": "studio", "country": "US", "note": "They call on Friday."}


def test_an_agency_proposes_a_licensee_and_the_operator_finds_it_filled_in(
    agency, agent, operator, terms
):
    client = sign_in(agent)
    assert "Tell the operator" in client.get(admin_page(Licensee)).text
    assert PROPOSE in client.get(admin_page(Licensee, name="changelist")).text
    assert PROPOSE in client.get(admin_page(Agreement)).text
    assert client.get(PROPOSE).context["form"]["agency"].value() == agency.pk

    told = messages_of(client.post(PROPOSE, ATLAS | {"agency": agency.pk}))

    assert "The operator is told and adds it" in told
    assert not Licensee.objects.filter(name="Atlas & Co").exists()
    mail = OutboxMessage.objects.get()
    assert (mail.recipient, mail.subject) == (operator.email, "Proposed licensee: Atlas & Co")
    for text in (agent.email, agency.name, "They call on Friday."):
        assert text in mail.body
    filled, its_terms = re.findall(r"https?://\S+", mail.body)
    form = sign_in(operator).get(filled).context["adminform"].form
    values = {name: form[name].value() for name in ("name", "slug", "kind", "country")}
    assert values == {"name": "Atlas & Co", "slug": "atlas-co", "kind": "studio", "country": "US"}
    assert parse_qs(urlsplit(its_terms).query) == {"agency": [str(agency.pk)]}


def test_the_same_proposal_is_one_mail_until_that_mail_fails(agency, agent, affairs, operator):
    sent = ATLAS | {"agency": agency.pk}
    sign_in(agent).post(PROPOSE, sent)
    again = sign_in(affairs).post(PROPOSE, sent)
    assert "The operator was told of this on" in again.text
    assert OutboxMessage.objects.count() == 1

    OutboxMessage.objects.update(status="failed")
    sign_in(affairs).post(PROPOSE, sent)
    assert OutboxMessage.objects.count() == 2


def test_a_production_is_proposed_for_a_licensee_of_the_agency_itself(
    agency, elsewhere, agent, operator, licensee, terms, production
):
    foreign = Licensee.objects.create(name="Elsewhere Film", slug="elsewhere-film", kind="studio")
    client, url = sign_in(agent), admin_page(Production, name="propose")
    sent = {"agency": agency.pk, "licensee": licensee.pk, "title": "Night Ferry", "kind": "series"}

    for wrong in ({"licensee": foreign.pk}, {"agency": elsewhere.pk}, {"title": production.title},
                  {"title": "Night\u202eFerry"}):  # fmt: skip
        assert client.post(url, sent | wrong).context["form"].errors.keys() == wrong.keys()
    assert not OutboxMessage.objects.exists()
    assert "The operator is told" in messages_of(client.post(url, sent))
    filled = re.search(r"https?://\S+", OutboxMessage.objects.get().body).group()
    form = sign_in(operator).get(filled).context["adminform"].form
    assert (form["title"].value(), form["licensee"].value()) == ("Night Ferry", str(licensee.pk))


@pytest.mark.parametrize("who", ["auditor", "accounting", "operator"])
def test_who_drafts_no_agreements_or_adds_by_themselves_proposes_nothing(who, request, agency):
    client = sign_in(request.getfixturevalue(who))

    assert client.post(PROPOSE, ATLAS | {"agency": agency.pk}).status_code == 403
    assert not OutboxMessage.objects.exists()


def test_where_nobody_runs_the_desk_that_is_said(agency, agent):
    answer = sign_in(agent).post(PROPOSE, ATLAS | {"agency": agency.pk})

    assert "Nobody runs this desk who could be told" in answer.text


def test_nobody_learns_what_licensees_other_agencies_have(agency, agent, operator):
    Licensee.objects.create(name="Atlas & Co", slug="atlas-co", kind="studio", country="US")

    told = messages_of(sign_in(agent).post(PROPOSE, ATLAS | {"agency": agency.pk}))

    assert "The operator is told" in told


def test_an_agency_proposes_twenty_a_day_and_another_is_not_kept_from_it(
    agency, elsewhere, agent, operator
):
    client = sign_in(agent)
    for number in range(21):
        sent = ATLAS | {"agency": agency.pk, "name": f"Atlas {number}"}
        answer = client.post(PROPOSE, sent)
    assert "has proposed 20 within a day" in answer.text
    assert OutboxMessage.objects.count() == 20

    other = make_member(elsewhere, Role.AGENT)
    sign_in(other).post(PROPOSE, ATLAS | {"agency": elsewhere.pk})
    assert OutboxMessage.objects.count() == 21


# On the operator's desk


@pytest.fixture
def proposed(agency, agent, operator):
    """Propose Atlas & Co, and return what the operator then finds."""
    sign_in(agent).post(PROPOSE, ATLAS | {"agency": agency.pk})
    return Proposal.objects.get()


def tile(client):
    tiles = client.get(reverse("admin:index")).context["tiles"]
    return next((tile for tile in tiles if tile.model is Proposal), None)


def listed(client, url):
    return list(client.get(url).context["cl"].queryset)


def test_a_proposal_waits_on_the_operators_desk_until_what_it_asks_for_is_added(
    proposed, operator, agent
):
    client = sign_in(operator)
    found = tile(client)
    assert (found.count, listed(client, found.url)) == (1, [proposed])
    page = client.get(admin_page(Proposal, proposed.pk))
    (adds,) = re.findall(r'href="(/admin/licensing/licensee/add/\?[^"]+)"', page.text)
    form = client.get(adds.replace("&amp;", "&")).context["adminform"].form
    values = {name: form[name].value() or "" for name in form.fields}
    inline = {f"productions-{kind}_FORMS": 0 for kind in ("TOTAL", "INITIAL")}

    sent = client.post(admin_page(Licensee), values | inline)

    assert sent.status_code == 302, sent.context["errors"]
    proposed.refresh_from_db()
    assert (proposed.state, proposed.decided_by) == ("added", operator)
    assert tile(client) is None
    mail = OutboxMessage.objects.latest("pk")
    assert (mail.recipient, mail.subject) == (agent.email, "Added: Atlas & Co")


@pytest.mark.parametrize(
    ("step", "reason", "state", "subject"),
    [
        ("decline", {"reason": "It is Atlas Ltd."}, "declined", "Not added: Atlas & Co"),
        ("note_that_it_is_here", {"reason": "As Atlas Ltd."}, "added", "Added: Atlas & Co"),
    ],
)
def test_the_operator_decides_it_once_and_who_proposed_it_reads_why(
    proposed, operator, agent, agency, step, reason, state, subject
):
    client = sign_in(operator)
    take_step(client, step, proposed, **reason)

    proposed.refresh_from_db()
    assert (proposed.state, proposed.reason) == (state, reason["reason"])
    assert tile(client) is None
    mail = OutboxMessage.objects.latest("pk")
    assert (mail.recipient, mail.subject) == (agent.email, subject)
    assert reason["reason"] in mail.body
    take_step(client, step, proposed, **reason)
    assert OutboxMessage.objects.latest("pk") == mail
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        Proposal.objects.update(state="waiting", decided_at=None, decided_by=None)

    # What was decided may be proposed anew.
    sign_in(agent).post(PROPOSE, ATLAS | {"agency": agency.pk})
    assert tile(client).count == 1


def test_agencies_have_no_such_tile_and_read_no_proposal(proposed, agent):
    client = sign_in(agent)

    assert tile(client) is None
    assert client.get(admin_page(Proposal, proposed.pk)).status_code in {302, 403, 404}
    assert not Proposal.objects.visible_to(agent).exists()
