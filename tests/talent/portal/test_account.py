"""Accounts: invited, activated, a new password, and what people say of themselves."""

import re
from datetime import UTC, datetime

import pytest
from django.core import mail
from django.urls import reverse

from talent import outbox
from talent.accounts import invitations
from talent.models import OutboxMessage, Performer

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PASSWORD = "a long enough phrase"  # noqa: S105 (of a test's own account)


@pytest.fixture
def ada(ada):
    ada.set_password(PASSWORD)
    ada.save()
    return ada


def link(code, token):
    return "http://testserver" + reverse("activate", args=[code, token])


def test_an_invited_performer_activates_and_is_in(client, ada):
    ben = Performer.objects.create(name="Ben Sample")
    invitations.invite(
        email="Ben@Desk.example", by=ada, at=NOW, performer=ben, link=link, agency="Northlight"
    )
    address = re.search(r"/welcome/\S+", OutboxMessage.objects.get().body)[0]

    answer = client.post(address, {"new_password1": PASSWORD, "new_password2": PASSWORD})

    assert answer.url == reverse("portal:home")
    assert "Ben Sample" in client.get(answer.url).content.decode()
    assert client.get(address).status_code == 410


def test_who_has_an_account_is_not_invited_again(ada):
    with pytest.raises(invitations.AlreadyActive):
        invitations.invite(email=ada.email, by=None, at=NOW, link=link)


@pytest.mark.parametrize("code", ["", "MQ", "%%%", "bm90IGEgbnVtYmVy"])
def test_an_invitation_that_is_not_whole_is_refused(db, code):
    with pytest.raises(invitations.InvitationNotValid):
        invitations.invited_user(code, "token")


def test_a_forgotten_password_is_mailed_through_the_outbox(client, ada):
    client.post(reverse("password_reset"), {"email": ada.email})

    message = OutboxMessage.objects.get()
    assert message.recipient == ada.email
    assert "/password/reset/" in message.body
    outbox.deliver_due(clock=lambda: message.created_at)
    assert [sent.to for sent in mail.outbox] == [[ada.email]]


@pytest.mark.parametrize(("field", "value"), [("time_zone", "Moon/Base"), ("locale", "klingon-KL")])
def test_an_account_refuses_places_that_do_not_exist(client, ada, field, value):
    client.force_login(ada)
    values = {"first_name": "Ada", "last_name": "", "locale": "", "time_zone": "UTC", field: value}

    page = client.post(reverse("portal:account"), values)

    assert "No such" in page.content.decode()
    ada.refresh_from_db()
    assert getattr(ada, field) != value
