"""People in the admin: invited by mail, by those who may, and let in by the mailed link."""

import re

import pytest
from django.apps import apps
from django.db.models import CharField
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from talent import outbox
from talent.models import (
    Agency,
    Beneficiary,
    DigitalTwin,
    Membership,
    OutboxMessage,
    Performer,
    Representation,
    User,
)
from talent.models.columns import CodeOfATable
from talent.words import Role
from tests.factories import (
    admin_page,
    make_agency,
    make_member,
    make_performer,
    make_twin,
    run_action,
    sign_in,
    take_step,
)
from tests.pages import form_on

pytestmark = pytest.mark.django_db


def staff(agency, role):
    return sign_in(make_member(agency, role))


def mailed_link():
    body = OutboxMessage.objects.latest("pk").body
    return re.search(r"https?://[^/]+(/\S+)", body).group(1)


def let_in(link):
    """Follow the mailed link and choose a password; return who is signed in then."""
    client = Client()
    page = client.get(link, follow=True)
    address = page.redirect_chain[-1][0] if page.redirect_chain else link
    password = "harbour-lights-42"  # noqa: S105 (of nobody)
    client.post(address, {"new_password1": password, "new_password2": password})
    return User.objects.get(pk=client.session["_auth_user_id"])


def test_an_agent_invites_a_performer_who_then_gets_in(agency, performer):
    answer = take_step(staff(agency, Role.AGENT), "invite", performer, email="ada@example.com")

    assert answer.status_code == 302
    performer.refresh_from_db()
    assert let_in(mailed_link()) == performer.user


def test_an_auditor_invites_nobody(agency, performer):
    invite = reverse("admin:talent_performer_invite", args=[performer.pk])

    answer = staff(agency, Role.AUDITOR).post(invite, {"email": "ada@example.com"})

    assert answer.status_code == 403
    assert not OutboxMessage.objects.exists()


def test_another_agencys_performer_is_not_there(agency, performer):
    other = make_agency("elsewhere")
    invite = reverse("admin:talent_performer_invite", args=[performer.pk])

    assert staff(other, Role.AGENT).get(invite).status_code == 404


def test_the_operator_invites_staff_by_adding_them(db):
    operator = Client()
    operator.force_login(User.objects.create_superuser("operator@example.com"))

    form = {"email": "new@harbour.example", "time_zone": "UTC", "is_staff": "on"}
    answer = operator.post(reverse("admin:talent_user_add"), form)

    assert answer.status_code == 302
    assert let_in(mailed_link()).email == "new@harbour.example"


def seat(agency, email, **changed):
    form = {"email": email, "agency": agency.pk, "role": "agent", "starts_on": "2026-01-01"}
    return form | changed


def test_business_affairs_invite_staff_to_their_agency(agency):
    answer = staff(agency, Role.BUSINESS_AFFAIRS).post(
        reverse("admin:talent_membership_add"), seat(agency, "new@harbour.example")
    )

    assert answer.status_code == 302
    newcomer = let_in(mailed_link())
    assert newcomer.is_staff
    assert list(newcomer.memberships.values_list("agency", "role")) == [(agency.pk, "agent")]


def test_who_has_an_account_gets_the_seat_and_a_mail(agency):
    known = User.objects.create_user("known@harbour.example", "harbour-lights-42")

    staff(agency, Role.BUSINESS_AFFAIRS).post(
        reverse("admin:talent_membership_add"), seat(agency, "Known@harbour.example")
    )

    known.refresh_from_db()
    assert known.is_staff
    assert known.memberships.exists()
    assert "/welcome/" not in OutboxMessage.objects.get(recipient=known.email).body


def test_nobody_gets_a_second_seat_at_the_same_time(agency):
    client = staff(agency, Role.BUSINESS_AFFAIRS)
    add = reverse("admin:talent_membership_add")
    client.post(add, seat(agency, "new@harbour.example"))

    answer = client.post(add, seat(agency, "new@harbour.example", role="auditor"))

    assert answer.status_code == 200
    assert "already" in answer.content.decode()
    assert Membership.objects.filter(user__email="new@harbour.example").count() == 1


def test_no_one_invites_staff_to_an_agency_where_they_have_no_seat(agency):
    other = make_agency("elsewhere")

    answer = staff(agency, Role.BUSINESS_AFFAIRS).post(
        reverse("admin:talent_membership_add"), seat(other, "new@elsewhere.example")
    )

    assert answer.status_code == 200
    assert not Membership.objects.filter(agency=other).exists()
    assert not User.objects.filter(email="new@elsewhere.example").exists()


def test_an_agent_invites_a_delegate(agency, performer):
    answer = staff(agency, Role.AGENT).post(
        reverse("admin:talent_delegation_add"),
        {
            "email": "counsel@example.com",
            "performer": performer.pk,
            "kind": "counsel",
            "powers": ["see_twins", "see_usage"],
            "starts_on": "2026-01-01",
        },
    )

    assert answer.status_code == 302
    delegate = let_in(mailed_link())
    assert not delegate.is_staff
    assert list(delegate.delegations.values_list("performer", "powers")) == [
        (performer.pk, ["see_twins", "see_usage"])
    ]


def test_an_operator_sees_which_mails_failed_and_sends_them_again(operator):
    at = timezone.now()
    failed, waiting = (
        outbox.post(recipient=to, subject="Hello", body="https://desk.example/welcome/1", at=at)
        for to in ("ada@example.com", "bea@example.com")
    )
    OutboxMessage.objects.filter(pk=failed.pk).update(status="failed", last_error="550 Unknown")
    client = sign_in(operator)
    listed = reverse("admin:talent_outboxmessage_changelist")

    index = client.get(reverse("admin:index")).content.decode()
    page = client.get(reverse("admin:talent_outboxmessage_change", args=[failed.pk]))
    run_action(client, "send_again", failed, waiting)

    assert f"{listed}?left=yes" in index
    assert "550 Unknown" in page.content.decode()
    assert "/welcome/" not in page.content.decode()
    failed.refresh_from_db()
    assert (failed.status, failed.attempts) == ("waiting", 0)


# What an agency adds stays with it


def adding(client, model, **fields):
    url = admin_page(model)
    return client.post(url, form_on(client, url) | fields)


def test_a_performer_whom_an_agency_adds_is_represented_by_it(agency):
    client = staff(agency, Role.AGENT)

    refused = adding(client, Performer, name="Bo Example")
    assert "commission_percent" in str(refused.context["errors"])
    assert not Performer.objects.exists()
    added = adding(
        client, Performer, name="Bo Example", **{"representations-0-commission_percent": "10"}
    )

    assert added.status_code == 302, added.context["errors"]
    term = Representation.objects.get(performer__name="Bo Example")
    assert (term.agency, term.starts_on) == (agency, timezone.localdate())
    assert client.get(admin_page(Performer, term.performer_id)).status_code == 200


@pytest.mark.parametrize(
    "term",
    [
        {"representations-TOTAL_FORMS": "0"},
        {"representations-0-starts_on": "2999-01-01"},
        {"representations-0-starts_on": "2020-01-01", "representations-0-ends_on": "2021-01-01"},
    ],
)
def test_no_agency_adds_a_performer_whom_it_would_not_see(agency, term):
    commission = {"representations-0-commission_percent": "10"}
    refused = adding(staff(agency, Role.AGENT), Performer, name="Bo", **commission, **term)

    assert "enter your agency’s representation" in str(refused.context["errors"])
    assert not Performer.objects.exists()


def test_no_agency_adds_a_performer_for_another(agency, elsewhere):
    term = {
        "representations-0-commission_percent": "10",
        "representations-0-agency": str(elsewhere.pk),
    }
    refused = adding(staff(agency, Role.AGENT), Performer, name="Bo Example", **term)

    assert refused.status_code == 200
    assert not Performer.objects.exists()


def test_an_heir_whom_an_agency_adds_is_seen_by_it(agency, performer):
    client = staff(agency, Role.ACCOUNTING)

    refused = adding(client, Beneficiary, name="Cy Example")
    assert "Say whose money this is" in str(refused.context["errors"])
    share = {"estates-0-performer": str(performer.pk), "estates-0-weight": "1"}
    assert adding(client, Beneficiary, name="Cy Example", **share).status_code == 302

    heir = Beneficiary.objects.get(name="Cy Example")
    assert client.get(admin_page(Beneficiary, heir.pk)).context["has_change_permission"]


def test_a_replica_is_added_with_what_its_page_presets(agency, performer):
    client = staff(agency, Role.AGENT)
    given = {
        "name": "Ada's voice",
        "performer": str(performer.pk),
        "tier": "dynamic_behavioral_emulator",
        "legal_class": "independently_created",
    }
    added = adding(client, DigitalTwin, **given)

    assert added.status_code == 302, added.context["errors"]


# Codes and names


@pytest.mark.parametrize(
    ("field", "wrong"), [("time_zone", "Mars/Olympus"), ("time_zone", "../etc"), ("country", "ZZ")]
)
def test_zones_and_countries_are_looked_up_in_their_tables(operator, agency, field, wrong):
    client, url = sign_in(operator), admin_page(Agency, agency.pk)
    refused = client.post(url, form_on(client, url) | {field: wrong})

    assert field in refused.context["adminform"].form.errors


def test_two_agencies_may_call_their_twins_the_same(agency, elsewhere, performer):
    other = make_performer("Bo Example", elsewhere)
    make_twin(other, name="The voice")
    given = {
        "name": "The voice",
        "performer": str(performer.pk),
        "tier": "dynamic_behavioral_emulator",
        "legal_class": "independently_created",
    }
    client = staff(agency, Role.AGENT)

    assert adding(client, DigitalTwin, **given).status_code == 302
    again = adding(client, DigitalTwin, **given)
    assert "This performer has a twin of that name" in str(again.context["errors"])


def test_every_time_zone_currency_and_country_is_looked_up():
    """Whatever form a column stands in, it is checked: the column itself does it."""
    plain = [
        f"{model.__name__}.{column.name}"
        for model in apps.get_models()
        if model._meta.app_label in {"talent", "licensing", "valuation"}
        and not model.__name__.endswith("Event")
        for column in model._meta.concrete_fields
        if isinstance(column, CharField)
        and column.name.endswith(("time_zone", "currency", "country"))
        and not isinstance(column, CodeOfATable)
    ]

    assert plain == []


def test_identifiers_of_other_schemes_are_rows_of_a_scheme_and_an_identifier(agent, performer):
    client, url = sign_in(agent), admin_page(Performer, performer.pk)
    Performer.objects.filter(pk=performer.pk).update(external_ids={"house": "A-7"})

    sent = form_on(client, url)
    assert {"external_ids_0": ["house"], "external_ids_1": ["A-7"]}.items() <= sent.items()
    client.post(url, sent | {"external_ids_2": "imdb", "external_ids_3": "NM0000001"})
    performer.refresh_from_db()
    assert performer.external_ids == {"house": "A-7", "imdb": "nm0000001"}

    client.post(url, form_on(client, url) | {"name": "Ada Anew"})
    performer.refresh_from_db()
    assert performer.external_ids == {"house": "A-7", "imdb": "nm0000001"}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (("imdb", "x"), "is not a person of IMDb"),
        (("", "nm0000001"), "Choose a scheme"),
        (("house", "B"), "two identifiers of one scheme"),
    ],
)
def test_an_identifier_that_its_scheme_does_not_have_is_refused(agent, performer, row, told):
    client, url = sign_in(agent), admin_page(Performer, performer.pk)
    Performer.objects.filter(pk=performer.pk).update(external_ids={"house": "A-7"})
    scheme, text = row

    answer = client.post(
        url, form_on(client, url) | {"external_ids_2": scheme, "external_ids_3": text}
    )

    assert told in answer.text
    performer.refresh_from_db()
    assert performer.external_ids == {"house": "A-7"}
