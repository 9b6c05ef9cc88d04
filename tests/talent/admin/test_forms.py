"""One form of the admin: what it leaves alone, and what it tells the second of two editors."""

from datetime import UTC, date, datetime

import pytest

from licensing.models import Agreement, Cap, Grant, Production
from talent.models import CompositeSource, Performer, Representation
from talent.words import Role
from tests.factories import (
    NOW,
    admin_page,
    make_agreement,
    make_build,
    make_member,
    make_performer,
    make_persona,
    messages_of,
    record_consent,
    represent,
    sign_in,
    sign_on_paper,
)
from tests.pages import fields_of, form_on


@pytest.fixture
def draft(terms, twin):
    return make_agreement(
        terms.agency,
        terms.licensee,
        twin,
        status="draft",
        signed_at=None,
        description="First wording.",
    )


def error_of(answer):
    assert answer.status_code == 409
    return " ".join(answer.context["adminform"].form.non_field_errors())


# What nobody touched


def test_a_page_saved_untouched_keeps_what_it_cannot_show(agent, draft):
    odd = {
        "starts_at": datetime(2026, 1, 1, 9, 30, 15, 123456, tzinfo=UTC),
        "description": "  First line.\nSecond line.\n",
    }
    Agreement.objects.filter(pk=draft.pk).update(**odd)
    client, url = sign_in(agent), admin_page(Agreement, draft.pk)

    assert client.post(url, form_on(client, url) | {"reference": "NA-9"}).status_code == 302
    draft.refresh_from_db()
    assert (draft.reference, draft.starts_at) == ("NA-9", odd["starts_at"])
    assert draft.description == odd["description"]


def test_a_performer_keeps_the_portal_when_an_agent_saves(agent, performer, ada):
    client, url = sign_in(agent), admin_page(Performer, performer.pk)
    sent = form_on(client, url)

    assert client.post(url, sent | {"guild_number": "7", "user": ""}).status_code == 302
    performer.refresh_from_db()
    assert (performer.user, performer.guild_number) == (ada, "7")


def test_staff_let_nobody_into_a_performers_portal_by_choosing_them(agent, performer):
    client, url = sign_in(agent), admin_page(Performer, performer.pk)
    client.post(url, form_on(client, url) | {"user": str(agent.pk)})

    performer.refresh_from_db()
    assert performer.user is None


def test_a_build_is_saved_with_its_provider(agent, twin):
    build = make_build(twin, "1")
    client, url = sign_in(agent), admin_page(type(build), build.pk)

    assert client.post(url, form_on(client, url) | {"version": "1b"}).status_code == 302
    build.refresh_from_db()
    assert (build.version, build.provider.name) == ("1b", "Render Barn")


def test_a_link_to_what_one_does_not_see_stays_and_is_named(agent, draft, terms, production):
    draft.productions.add(production)
    terms.delete()  # From now on the agency sees neither the studio nor its titles.
    client, url = sign_in(agent), admin_page(Agreement, draft.pk)

    assert client.post(url, form_on(client, url) | {"reference": "NA-9"}).status_code == 302
    draft.refresh_from_db()
    assert (draft.reference, draft.licensee) == ("NA-9", production.licensee)
    assert list(draft.productions.all()) == [production]


# Parts of others


def test_a_rivals_representation_is_neither_shown_nor_needed_nor_taken(
    agent, agency, performer, elsewhere
):
    theirs = represent(elsewhere, performer, commission_percent="33.3")
    client, url = sign_in(agent), admin_page(Performer, performer.pk)
    page = client.get(url)
    assert "33.3" not in page.text
    sent = fields_of(page)
    assert sent["representations-TOTAL_FORMS"] == ["1"]

    taken = {
        "representations-TOTAL_FORMS": "2",
        "representations-INITIAL_FORMS": "2",
        "representations-1-id": str(theirs.pk),
        "representations-1-agency": str(agency.pk),
        "representations-1-commission_percent": "0",
        "representations-1-starts_on": "2026-01-01",
    }
    assert client.post(url, sent | taken).status_code == 200
    assert client.post(url, sent | taken | {"representations-1-DELETE": "on"}).status_code != 500
    assert client.post(url, sent | {"guild_number": "7"}).status_code == 302
    theirs.refresh_from_db()
    assert (theirs.agency, str(theirs.commission_percent)) == (elsewhere, "33.300")


def test_who_only_reads_parts_reads_them_in_words(auditor, performer, agency):
    """Also those that list no fields of their own: a commission was 10.00 there."""
    page = sign_in(auditor).get(admin_page(Performer, performer.pk)).text

    assert '<span class="desk-amount">10%</span>' in page
    assert "10.00" not in page


def test_a_part_of_an_agency_where_the_seat_only_reads_stays(agent, performer, elsewhere):
    make_member(elsewhere, Role.AUDITOR, email=agent.email)
    theirs = represent(elsewhere, performer, commission_percent="33.3")
    client, url = sign_in(agent), admin_page(Performer, performer.pk)
    sent = form_on(client, url)
    place = next(
        name.removesuffix("-id")
        for name, values in sent.items()
        if name.endswith("-id") and values == [str(theirs.pk)]
    )
    client.post(
        url, sent | {f"{place}-commission_percent": "0", f"{place}-starts_on": "2026-01-01"}
    )
    client.post(url, sent | {f"{place}-DELETE": "on"})

    theirs.refresh_from_db()
    assert str(theirs.commission_percent) == "33.300"


def test_a_composites_other_sources_are_not_shown(agent, performer, elsewhere):
    other = make_performer("Bo Example", elsewhere)
    persona = make_persona(elsewhere)
    CompositeSource.objects.create(twin=persona, performer=performer, weight="0.25")
    CompositeSource.objects.create(twin=persona, performer=other, weight="0.123456")

    page = sign_in(agent).get(admin_page(type(persona), persona.pk))

    assert "0.25" in page.text
    assert "0.123456" not in page.text
    assert "Bo Example" not in page.text


# Two editors


def test_the_second_editor_is_told_and_nothing_is_written_over(agent, affairs, draft):
    first, second, url = sign_in(agent), sign_in(affairs), admin_page(Agreement, draft.pk)
    ours, theirs = form_on(first, url), form_on(second, url)
    first.post(url, ours | {"description": "Only trailers."})

    answer = second.post(url, theirs | {"fiscal_year_start_month": "4"})

    told = error_of(answer)
    assert "agent@northlight.example changed this page since you opened it" in told
    assert "“First wording.” became “Only trailers.”" in told
    draft.refresh_from_db()
    assert (draft.description, draft.fiscal_year_start_month) == ("Only trailers.", 1)
    # The page comes back with both; who saves it again, keeps both.
    both = fields_of(answer)
    assert second.post(url, both).status_code == 302
    draft.refresh_from_db()
    assert (draft.description, draft.fiscal_year_start_month) == ("Only trailers.", 4)


def test_who_changed_the_same_field_sees_both_and_chooses(agent, affairs, draft):
    first, second, url = sign_in(agent), sign_in(affairs), admin_page(Agreement, draft.pk)
    ours, theirs = form_on(first, url), form_on(second, url)
    first.post(url, ours | {"description": "Only trailers."})

    answer = second.post(url, theirs | {"description": "Only posters."})

    assert "You typed “Only posters.”, which stands below." in error_of(answer)
    assert second.post(url, fields_of(answer)).status_code == 302
    draft.refresh_from_db()
    assert draft.description == "Only posters."


def test_a_productions_title_is_not_written_back(operator, production):
    client, url = sign_in(operator), admin_page(Production, production.pk)
    sent = form_on(client, url)
    client.post(url, sent | {"title": "Harbor Ten"})

    told = error_of(client.post(url, sent | {"isan": "0000-0000-3A8D-0000-Z-0000-0000-6"}))

    assert "“Harbor Nine” became “Harbor Ten”" in told
    production.refresh_from_db()
    assert production.title == "Harbor Ten"


def test_parts_that_came_and_went_are_told_and_the_rest_stays_at_its_place(agent, affairs, draft):
    kept = Grant.objects.get(agreement=draft)
    gone = Grant.objects.create(agreement=draft, right="face", use="feature")
    last = Grant.objects.create(agreement=draft, right="face", use="series")
    client, url = sign_in(affairs), admin_page(Agreement, draft.pk)
    sent = form_on(client, url)
    gone.delete()
    Cap.objects.create(agreement=draft, meter="lines", limit=300, starts_on="2026-01-01")

    answer = client.post(url, sent | {"grants-2-territories": "FR"})

    told = error_of(answer)
    assert "Added meanwhile: cap – NA-1: 300 lines a year" in told
    assert "Removed or fixed meanwhile: grant (face, feature)" in told
    assert client.post(url, fields_of(answer)).status_code == 302
    last.refresh_from_db()
    kept.refresh_from_db()
    assert (last.territories, kept.territories) == (["FR"], None)
    assert draft.grants.count() == 2
    assert draft.caps.count() == 1


def test_who_saves_what_was_signed_meanwhile_is_told(agent, affairs, draft):
    record_consent(performer=draft.twin.performer, by=None)
    client, url = sign_in(agent), admin_page(Agreement, draft.pk)
    sent = form_on(client, url)
    sign_on_paper(agreement=draft, at=NOW, by=affairs)

    answer = client.post(url, sent | {"description": "Only trailers."})

    assert "it is fixed now" in messages_of(answer)
    draft.refresh_from_db()
    assert draft.description == "First wording."


@pytest.mark.parametrize("read", ["", "made up"])
def test_a_page_of_which_it_is_not_known_what_was_seen_saves_nothing(agent, draft, read):
    client, url = sign_in(agent), admin_page(Agreement, draft.pk)
    sent = form_on(client, url) | {"description": "Only trailers.", "_as_read": read}

    assert "Open the page anew" in error_of(client.post(url, sent))
    draft.refresh_from_db()
    assert draft.description == "First wording."


def test_a_representation_is_told_by_its_key_not_by_its_place(agent, performer, agency):
    old = Representation.objects.get(performer=performer)
    old.ends_on = date(2025, 1, 1)
    old.save()
    new = represent(agency, performer, starts_on="2025-01-01")
    client, url = sign_in(agent), admin_page(Performer, performer.pk)
    sent = form_on(client, url)
    Representation.objects.filter(pk=new.pk).update(commission_percent=12)

    answer = client.post(url, sent | {"guild_number": "7"})

    assert "“10” became “12”" in error_of(answer)
    assert client.post(url, fields_of(answer)).status_code == 302
    new.refresh_from_db()
    assert new.commission_percent == 12
