"""People in the admin: invited by mail, by those who may, and let in by the mailed link."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from talent import outbox
from talent.models import Membership, OutboxMessage, User
from talent.words import Role
from tests.factories import make_agency, make_member, run_action, sign_in, take_step

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

    assert f"{listed}?status__exact=failed" in index
    assert "550 Unknown" in page.content.decode()
    assert "/welcome/" not in page.content.decode()
    failed.refresh_from_db()
    assert (failed.status, failed.attempts) == ("waiting", 0)
