"""One sign-in for everybody: its page, its doors, its counts, and what a proxy tells."""

import base64
import time

import pytest
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from redis.connection import AbstractConnection

from talent.accounts import tries
from talent.models import OutboxMessage, User

PASSWORD = "a long enough phrase"  # noqa: S105 (of a test's own account)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # noqa: S105
SIGN_IN = "/sign-in/"


@pytest.fixture
def ada(ada):
    ada.set_password(PASSWORD)
    ada.save()
    return ada


def sign_in(client, email, password=PASSWORD, **more):
    return client.post(SIGN_IN, {"login": email, "password": password}, **more)


def who(client):
    return client.session.get("_auth_user_id")


def test_a_performer_comes_in_by_mail_address_and_password(client, ada):
    answer = sign_in(client, ada.email.upper(), follow=True)

    assert answer.redirect_chain == [(reverse("portal:home"), 302)]
    assert who(client) == str(ada.pk)


def test_the_page_remembers_where_somebody_wanted_to_go(client, ada):
    page = client.get(SIGN_IN, {"next": "/usage/"})
    assert '<input type="hidden" name="next" value="/usage/">' in page.text

    values = {"login": ada.email, "password": PASSWORD, "next": "https://elsewhere.example/"}
    assert client.post(SIGN_IN, values).url == reverse("portal:home")


@pytest.mark.parametrize("email", ["ada@performers.example", "nobody@desk.example"])
def test_a_wrong_password_and_a_wrong_address_get_the_same_answer(client, ada, email):
    page = sign_in(client, email, "wrong")

    assert "do not belong together" in page.text
    assert who(client) is None


def test_a_closed_account_is_not_told_from_a_wrong_password(client, ada):
    ada.is_active = False
    ada.save()

    assert "do not belong together" in sign_in(client, ada.email).text


def test_a_session_ends_when_its_account_is_closed(client, ada):
    sign_in(client, ada.email)
    User.objects.filter(pk=ada.pk).update(is_active=False)

    assert client.get(reverse("portal:account")).status_code == 302


def test_after_eight_wrong_passwords_the_right_one_waits_too(client, ada):
    for _try in range(tries.ACCOUNT_FROM_ADDRESS.tries):
        sign_in(client, ada.email, "wrong")

    assert "Too many tries" in sign_in(client, ada.email).text
    assert who(client) is None


def test_who_signs_in_all_day_is_not_kept_out(ada):
    """Ten browsers that do not know each other: only what goes wrong counts."""
    for _browser in range(tries.ACCOUNT_FROM_ADDRESS.tries + 2):
        assert sign_in(Client(), ada.email).status_code == 302


def test_a_strangers_guessing_keeps_nobody_out_of_the_browser_they_use(ada):
    home, stranger = Client(), Client()
    sign_in(home, ada.email)
    home.post("/sign-out/")
    for _try in range(tries.ADDRESS.tries + 1):
        sign_in(stranger, ada.email, "wrong")

    assert "Too many tries" in sign_in(stranger, ada.email).text
    sign_in(home, ada.email)
    assert who(home) == str(ada.pk)


def test_a_forged_cookie_makes_no_browser_known(client, ada):
    client.cookies["known_browser"] = "0" * 32 + ":one:sig"
    for _try in range(tries.ACCOUNT_FROM_ADDRESS.tries):
        sign_in(client, ada.email, "wrong")

    assert "Too many tries" in sign_in(client, ada.email).text


def test_behind_a_proxy_visitors_are_told_apart(ada, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    guesser = {"headers": {"X-Forwarded-For": "10.0.0.1, 198.51.100.7"}}
    for number in range(tries.ADDRESS.tries):
        sign_in(Client(), f"p{number}@desk.example", "wrong", **guesser)

    assert "Too many tries" in sign_in(Client(), ada.email, **guesser).text
    forging = {"headers": {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}}
    assert "Too many tries" in sign_in(Client(), ada.email, **forging).text
    other = {"headers": {"X-Forwarded-For": "203.0.113.9"}}
    assert sign_in(Client(), ada.email, **other).status_code == 302


def test_without_a_proxy_nobody_says_where_they_come_from(ada):
    for number in range(tries.ADDRESS.tries):
        said = {"headers": {"X-Forwarded-For": f"198.51.100.{number}"}}
        sign_in(Client(), f"p{number}@desk.example", "wrong", **said)

    assert "Too many tries" in sign_in(Client(), ada.email).text


def test_who_comes_past_a_proxy_is_no_error(client, ada, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    answer = sign_in(client, ada.email, headers={"X-Forwarded-For": "203.0.113.9"})

    assert answer.status_code == 302


def test_signing_in_works_while_redis_is_away(client, ada, monkeypatch):
    """With a code, too: that it was used is kept where Redis is not needed."""

    def away(_connection):
        raise ConnectionError("Redis is away.")

    monkeypatch.setattr(AbstractConnection, "connect", away)
    with pytest.raises(ConnectionError):
        caches["redis"].get("anything")
    TOTP.activate(ada, SECRET)
    code = format_hotp_value(hotp_value(SECRET, int(time.time()) // 30))

    assert sign_in(client, ada.email, "wrong").status_code == 200
    assert sign_in(client, ada.email).url == "/sign-in/code/"
    client.post("/sign-in/code/", {"code": code})
    assert who(client) == str(ada.pk)


def test_ones_session_stays_in_the_list_after_a_new_password(client, ada):
    sign_in(client, ada.email)
    other = Client()
    sign_in(other, ada.email)
    new = "another long phrase"
    values = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    client.post(reverse("password_change"), values)

    shown = client.get("/account/safety/").context["sessions"]
    assert [session.is_this for session in shown if session.is_this] == [True]
    assert other.get(reverse("portal:home")).status_code == 302, "all others end"
    assert "was changed" in OutboxMessage.objects.get().body


@pytest.mark.parametrize("session", ["0", "-1", "9" * 30, "x", "\x00", "¹"])
def test_no_session_but_ones_own_is_ended(client, ada, agent, session):
    agent.set_password(PASSWORD)
    agent.save()
    others = Client()
    sign_in(others, agent.email)
    sign_in(client, ada.email)

    of_others = str(UserSession.objects.get(user=agent).pk)
    for asked in (session, of_others):
        assert client.post("/account/sessions/", {"session": asked}).status_code == 302
    assert who(others) == str(agent.pk)
    assert UserSession.objects.filter(user=agent).exists()
    assert client.get("/account/sessions/").status_code == 405


# The doors beside it


def test_the_admins_own_form_is_no_side_door(ada, agent):
    values = {"username": agent.email, "password": "wrong"}
    for _try in range(3):
        answer = Client().post(reverse("admin:login"), values)
        assert answer.url == "/sign-in/?next=%2Fadmin%2F"
    client = Client()
    client.force_login(ada)
    assert client.post(reverse("admin:login"), values).status_code == 403


def test_the_admin_leads_to_the_one_page_and_back(client, agent):
    agent.set_password(PASSWORD)
    agent.save()
    wanted = reverse("admin:talent_performer_changelist")
    page = client.get(wanted, follow=True)
    assert page.request["PATH_INFO"] == SIGN_IN
    assert "Forgot your password?" in page.text

    values = {"login": agent.email, "password": PASSWORD, "next": wanted}
    assert client.post(SIGN_IN, values).url == wanted


def test_the_api_takes_no_password(client, accounting):
    accounting.set_password(PASSWORD)
    accounting.save()
    told = base64.b64encode(f"{accounting.email}:{PASSWORD}".encode()).decode()
    for name in ("statements", "twins"):
        answer = client.get(reverse(name), headers={"Authorization": f"Basic {told}"})
        assert answer.status_code in {401, 403}, name
        assert "Basic" not in answer.headers.get("WWW-Authenticate", "")


@pytest.mark.parametrize("path", ["/sign-up/", "/signup/", "/accounts/signup/", "/sign-in/signup/"])
def test_nobody_signs_up(client, db, path):
    assert client.get(path).status_code == 404
    assert client.post(path, {"email": "new@desk.example"}).status_code == 404
    assert not User.objects.filter(email="new@desk.example").exists()


def test_what_allauth_keeps_is_no_row_of_the_admin():
    registered = {model._meta.app_label for model in admin.site._registry}

    assert not registered & {"account", "mfa", "socialaccount", "usersessions"}


# A new password by mail


def ask(email, **more):
    return Client().post(reverse("password_reset"), {"email": email}, **more)


def test_mails_with_a_link_are_limited_and_the_answer_tells_nothing(ada):
    answers = {ask(ada.email).url for _try in range(6)} | {ask("nobody@desk.example").url}

    assert answers == {reverse("password_reset_done")}
    assert OutboxMessage.objects.count() == tries.RESET_OF_ACCOUNT.tries


def test_one_address_asks_for_no_flood_of_mails(agency):
    people = [User.objects.create_user(f"p{n}@desk.example", PASSWORD) for n in range(14)]
    for person in people:
        ask(person.email)

    assert OutboxMessage.objects.count() == tries.RESET_FROM_ADDRESS.tries


def test_the_policy_asks_for_twelve_characters_that_nobody_guesses():
    for weak in ("elevenchars", "123456789012", "password1234", "adaperformers"):
        with pytest.raises(ValidationError):
            validate_password(
                weak, User(email="ada@performers.example", first_name="adaperformers")
            )
    validate_password("harbour-lights-42")


def test_a_visitor_costs_no_session_row(client, db):
    client.get(SIGN_IN)
    assert not Session.objects.exists()
