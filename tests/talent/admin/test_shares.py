"""Shares in the admin: from today on at once; what reaches back waits for two people."""

from datetime import timedelta

import pytest
from django.utils import timezone

from talent.models import Beneficiary, DigitalTwin, EarlierOwner, Performer, ShareChange
from tests.factories import (
    admin_page,
    make_performer,
    make_persona,
    make_twin,
    messages_of,
    sign_in,
)
from tests.pages import form_on

TODAY = timezone.localdate()


@pytest.fixture
def chorus(agency):
    persona = make_persona(agency, name="Chorus")
    persona.sources.create(performer=make_performer("Bo", agency), weight=3)
    return persona


def saved(user, page, **fields):
    client = sign_in(user)
    return client.post(page, form_on(client, page) | fields)


def test_another_weight_from_today_on_is_another_row(agent, chorus):
    bo = Performer.objects.get(name="Bo")
    answer = saved(
        agent,
        admin_page(DigitalTwin, chorus.pk),
        **{
            "sources-TOTAL_FORMS": "2",
            "sources-0-ends_on": str(TODAY),
            "sources-1-performer": str(bo.pk),
            "sources-1-weight": "5",
            "sources-1-starts_on": str(TODAY),
        },
    )

    assert answer.status_code == 302, answer.context["errors"]
    assert list(chorus.sources.order_by("pk").values_list("weight", "ends_on")) == [
        (3, TODAY),
        (5, None),
    ]
    assert not ShareChange.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"sources-0-weight": "4"},
        {"sources-0-ends_on": str(TODAY - timedelta(days=1))},
        {"sources-0-DELETE": "on"},
    ],
    ids=["overwritten", "ended yesterday", "deleted"],
)
def test_what_reaches_back_is_written_down_and_changes_nothing(agent, chorus, fields):
    chorus.sources.create(performer=make_performer("Cy", chorus.agency), weight=1)

    answer = saved(agent, admin_page(DigitalTwin, chorus.pk), **fields)

    assert answer.status_code == 302, answer.context["errors"]
    assert list(chorus.sources.order_by("pk").values_list("weight", "ends_on")) == [
        (3, None),
        (1, None),
    ]
    change = ShareChange.objects.get()
    assert (change.twin, change.written_by) == (chorus, agent)
    assert "would divide anew what was earned on days that have passed" in messages_of(answer)
    assert admin_page(ShareChange, change.pk) in messages_of(answer)


def test_first_sources_are_entered_at_once(agent, agency):
    persona = make_persona(agency, name="Chorus")
    bo = make_performer("Bo", agency)

    saved(
        agent,
        admin_page(DigitalTwin, persona.pk),
        **{
            "sources-TOTAL_FORMS": "1",
            "sources-0-performer": str(bo.pk),
            "sources-0-weight": "1",
        },
    )

    assert persona.sources.count() == 1


def test_first_sources_of_what_had_an_owner_take_from_the_owner_and_wait(agent, agency):
    owner = Beneficiary.objects.create(name="Owner", agency=agency)
    persona = make_persona(agency, name="Chorus", owner=owner)
    bo = make_performer("Bo", agency)
    source = {
        "sources-TOTAL_FORMS": "1", "sources-0-performer": str(bo.pk), "sources-0-weight": "1",
    }  # fmt: skip
    page = admin_page(DigitalTwin, persona.pk)

    saved(agent, page, **source)
    assert (persona.sources.count(), ShareChange.objects.count()) == (0, 1)

    saved(agent, page, **source, **{"sources-0-starts_on": str(TODAY)})
    assert (persona.sources.count(), ShareChange.objects.count()) == (1, 1)


def test_an_untouched_page_writes_no_change(agent, chorus):
    saved(agent, admin_page(DigitalTwin, chorus.pk))

    assert not ShareChange.objects.exists()


def test_heirs_are_dated_from_either_page(affairs, performer, agency):
    heir = Beneficiary.objects.create(name="Heir", agency=agency)
    other = Beneficiary.objects.create(name="Other", agency=agency)
    performer.estate_shares.create(beneficiary=heir, weight=1)
    Performer.objects.filter(pk=performer.pk).update(life="deceased", died_on="2026-01-01")
    page = admin_page(Performer, performer.pk)

    answer = saved(
        affairs,
        page,
        **{
            "estate_shares-TOTAL_FORMS": "2",
            "estate_shares-1-beneficiary": str(other.pk),
            "estate_shares-1-weight": "1",
        },
    )
    assert answer.status_code == 302, answer.context["errors"]

    assert performer.estate_shares.count() == 1
    assert ShareChange.objects.get().performer == performer


def test_a_new_owner_is_paid_from_today_on(agent, agency):
    first, second = (
        Beneficiary.objects.create(name=name, agency=agency) for name in ("First", "Second")
    )
    persona = make_persona(agency, name="Nobody", owner=first)
    page = admin_page(DigitalTwin, persona.pk)

    saved(agent, page, owner=str(second.pk))
    saved(agent, page, owner=str(first.pk))

    persona.refresh_from_db()
    # Twice on one day: until today it was the first's.
    earlier = EarlierOwner.objects.get(twin=persona)
    assert (earlier.beneficiary, earlier.ends_on, persona.owner) == (first, TODAY, first)


@pytest.fixture
def estate(agency, performer):
    """A living performer who earns, and has named an heir already."""
    make_twin(performer)
    heir = Beneficiary.objects.create(name="Heir", agency=agency)
    performer.estate_shares.create(beneficiary=heir, weight=1)
    return performer


def died(on):
    return {"life": "deceased", "died_on": str(on)}


def test_a_death_of_today_lets_heirs_earn_from_today_on(affairs, estate):
    answer = saved(affairs, admin_page(Performer, estate.pk), **died(TODAY))

    assert answer.status_code == 302, answer.context["errors"]
    assert Performer.objects.get(pk=estate.pk).died_on == TODAY


def test_a_day_of_death_pays_nobody_anew_for_days_that_have_passed(affairs, estate):
    page = admin_page(Performer, estate.pk)
    last_month = TODAY - timedelta(days=30)

    refused = saved(affairs, page, **died(last_month))

    assert "divide anew what was earned" in refused.context["errors"].as_text()
    assert Performer.objects.get(pk=estate.pk).life == "living"
    # Dated from today on, the heirs' share has nothing to do with the day; what it should have had
    # of the time between is a change of shares, which two people make.
    estate.estate_shares.update(starts_on=TODAY)
    assert saved(affairs, page, **died(last_month)).status_code == 302
    assert not ShareChange.objects.exists()
    saved(affairs, page, **{"estate_shares-0-starts_on": str(last_month)})
    assert ShareChange.objects.get().counts_from == last_month
