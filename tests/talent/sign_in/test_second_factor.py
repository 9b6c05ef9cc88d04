"""The second factor: who needs one, how it is set up, asked for, and lost."""

import re
import subprocess
import sys
import time
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from licensing.models import ApiKey
from talent.accounts import tries
from talent.models import FactorRemoval, OutboxMessage, User
from talent.sign_in import proofs
from talent.words import Role
from tests import factories

PASSWORD = "a long enough phrase"  # noqa: S105 (of a test's own account)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # noqa: S105
SAFETY = "/account/safety/"


def code_now(secret=SECRET, *, steps=0):
    """The code that an authenticator app shows now, or some steps of 30 s away."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def with_password(user):
    user.set_password(PASSWORD)
    user.save()
    return user


def with_app(user):
    TOTP.activate(with_password(user), SECRET)
    return user


def come_in(user):
    """Sign in on the page, as far as the password goes; return the browser and its answer."""
    browser = Client()
    return browser, browser.post("/sign-in/", {"login": user.email, "password": PASSWORD})


def who(browser):
    return browser.session.get("_auth_user_id")


# Who needs one


@pytest.mark.parametrize(
    ("role", "needs"),
    [
        (Role.BUSINESS_AFFAIRS, True),
        (Role.ACCOUNTING, True),
        (Role.AGENT, False),
        (Role.AUDITOR, False),
    ],
)
def test_who_moves_money_or_rights_gets_nowhere_without_one(agency, role, needs):
    browser, _answer = come_in(with_password(factories.make_member(agency, role)))

    pages = ["/admin/", reverse("admin:talent_performer_changelist"), reverse("portal:account")]
    sent = [browser.get(page) for page in pages]
    assert [answer.status_code == 302 and answer.url == SAFETY for answer in sent] == [needs] * 3
    answer = browser.get(reverse("statements"))
    assert (answer.status_code == 403) == needs
    assert not needs or answer.json()["code"] == "second_factor_needed"


def test_the_operator_needs_one(operator):
    browser, _answer = come_in(with_password(operator))

    assert browser.get("/admin/").url == SAFETY
    page = browser.get(SAFETY)
    assert "Set one up" in page.text


def test_a_performer_needs_none(ada):
    browser, _answer = come_in(with_password(ada))

    assert browser.get(reverse("portal:home")).status_code == 200


def test_an_agency_may_ask_more_of_its_own_seats(agency, elsewhere, agent):
    agency.second_factor_roles = [Role.AGENT.value]
    agency.save()
    other = factories.make_member(elsewhere, Role.AGENT)

    assert come_in(with_password(agent))[0].get("/admin/").url == SAFETY
    assert come_in(with_password(other))[0].get("/admin/").status_code == 200


def test_a_seat_that_is_over_asks_nothing(accounting):
    seat = accounting.memberships.get()
    seat.starts_on, seat.ends_on = "2020-01-01", "2021-01-01"
    seat.save()

    assert come_in(with_password(accounting))[0].get(reverse("portal:account")).status_code == 200


def test_no_post_passes_either(accounting):
    browser, _answer = come_in(with_password(accounting))

    answer = browser.post(reverse("portal:account"), {"first_name": "Eve", "time_zone": "UTC"})
    assert answer.url == SAFETY
    accounting.refresh_from_db()
    assert accounting.first_name != "Eve"


def test_a_session_from_before_the_seat_is_stopped_by_the_seat(agency, stranger):
    browser, _answer = come_in(with_password(stranger))
    assert browser.get("/admin/").status_code == 200
    factories.make_member(agency, Role.ACCOUNTING, email=stranger.email)

    assert browser.get("/admin/").url == SAFETY


def test_in_production_no_setting_lets_anybody_off(environment):
    asked = "from likenessdesk import settings; print(sorted(settings.SECOND_FACTOR_ROLES))"
    for production, roles in (("", []), ("1", ["accounting", "business_affairs", "operator"])):
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", asked],
            env={
                **environment, "SECOND_FACTOR_ROLES": "none", "PRODUCTION": production,
                "SECRET_KEY": "x" * 64, "KEY_ENCRYPTION_KEY": "y" * 64, "EMAIL_URL": "smtp://localhost",
                "ALLOWED_HOSTS": "desk.example",
            },
            capture_output=True,
            text=True,
            check=True,
        )  # fmt: skip
        assert done.stdout.strip() == str(roles)


# Setting it up


def test_who_is_sent_to_set_one_up_can_go_on_at_once(
    accounting, django_capture_on_commit_callbacks
):
    browser, _answer = come_in(with_password(accounting))
    page = browser.get(reverse("mfa_activate_totp"))
    assert page.status_code == 200, "the password was typed a moment ago"
    secret = page.context["form"].secret

    with django_capture_on_commit_callbacks(execute=True):
        answer = browser.post(reverse("mfa_activate_totp"), {"code": code_now(secret)})

    assert answer.url == reverse("mfa_view_recovery_codes")
    assert browser.get("/admin/").status_code == 200
    told = OutboxMessage.objects.get()
    assert (told.recipient, "authenticator app was added" in told.body) == (accounting.email, True)


def test_a_wrong_first_code_sets_nothing_up(accounting):
    browser, _answer = come_in(with_password(accounting))
    browser.get(reverse("mfa_activate_totp"))

    page = browser.post(reverse("mfa_activate_totp"), {"code": "000000"})

    assert "not right" in page.text
    assert not Authenticator.objects.exists()
    assert browser.get("/admin/").url == SAFETY


def test_the_secret_lies_sealed(ada):
    with_app(ada)

    assert SECRET not in str(Authenticator.objects.get().data)
    assert Authenticator.objects.get().wrap().validate_code(code_now())


def test_recovery_codes_are_shown_when_asked_and_each_opens_once(ada, settings):
    with_app(ada)
    browser, _answer = come_in(ada)
    browser.post("/sign-in/code/", {"code": code_now()})
    browser.post(reverse("mfa_generate_recovery_codes"))
    looked_at = Authenticator.objects.get(type="recovery_codes").data
    page = browser.get(reverse("mfa_view_recovery_codes"))
    assert "10 codes are left" in page.text
    assert Authenticator.objects.get(type="recovery_codes").data == looked_at

    shown = browser.post(reverse("mfa_view_recovery_codes"))
    codes = re.findall(r"<li><code>(\d{8})</code>", shown.text)
    assert (len(codes), "no-store" in shown.headers["Cache-Control"]) == (10, True)

    other, _answer = come_in(ada)
    other.post("/sign-in/code/", {"code": codes[0]})
    assert who(other) == str(ada.pk)
    again, _answer = come_in(ada)
    assert "not right" in again.post("/sign-in/code/", {"code": codes[0]}).text
    assert who(again) is None


# Signing in with it


def test_a_password_alone_opens_nothing(ada):
    browser, answer = come_in(with_app(ada))

    assert answer.url == "/sign-in/code/"
    assert who(browser) is None
    assert browser.get(reverse("portal:home")).status_code == 302
    assert browser.post("/sign-in/code/", {"code": code_now()}).url == reverse("portal:home")
    assert who(browser) == str(ada.pk)


def test_a_code_opens_once(ada):
    with_app(ada)
    code = code_now()
    for opens in (True, False):
        browser, _answer = come_in(ada)
        browser.post("/sign-in/code/", {"code": code})
        assert bool(who(browser)) is opens


def test_a_clock_may_be_half_a_minute_wrong_and_no_more(ada):
    with_app(ada)
    for steps, opens in ((-1, True), (1, True), (-3, False), (3, False)):
        browser, _answer = come_in(ada)
        browser.post("/sign-in/code/", {"code": code_now(steps=steps)})
        assert bool(who(browser)) is opens, steps


def test_codes_are_guessed_eight_times_and_no_more(ada):
    browser, _answer = come_in(with_app(ada))
    for number in range(tries.CODE.tries):
        browser.post("/sign-in/code/", {"code": f"{number:06}"})

    assert "Too many tries" in browser.post("/sign-in/code/", {"code": code_now()}).text
    other, _answer = come_in(ada)
    assert "Too many tries" in other.post("/sign-in/code/", {"code": code_now()}).text


def test_who_stops_half_way_is_not_in(ada):
    browser, _answer = come_in(with_app(ada))
    browser.post("/sign-out/", {"next": "/sign-in/"})

    assert browser.get("/sign-in/code/").url == "/sign-in/"


def test_a_new_password_by_mail_goes_round_no_second_factor(ada):
    with_app(ada)
    browser = Client()
    browser.post(reverse("password_reset"), {"email": ada.email})
    link = re.search(r"/password/reset/\S+", OutboxMessage.objects.get().body)[0]
    form = browser.get(link).url
    new = "another long phrase"
    browser.post(form, {"new_password1": new, "new_password2": new})

    assert who(browser) is None
    answer = browser.post("/sign-in/", {"login": ada.email, "password": new})
    assert answer.url == "/sign-in/code/"


# Once more, before what matters


def make_old(browser):
    """Let everything that a session proved be long ago."""
    session = browser.session
    for proof in session["account_authentication_methods"]:
        proof["at"] -= proofs.RECENT_SECONDS + 1
    session.save()


def test_a_factor_is_added_only_by_who_has_just_proved_who_they_are(ada):
    browser, _answer = come_in(with_password(ada))
    make_old(browser)

    again = browser.get(reverse("mfa_activate_totp")).url
    assert again == "/sign-in/again/?next=%2Faccount%2Fapp%2F"
    assert "not your password" in browser.post(again, {"password": "wrong"}).text
    answer = browser.post(again, {"password": PASSWORD, "next": "/account/app/"})
    assert answer.url == "/account/app/"
    assert browser.get("/account/app/").status_code == 200


def test_who_has_a_second_factor_proves_that_and_not_a_password(ada):
    with_app(ada)
    browser, _answer = come_in(ada)
    browser.post("/sign-in/code/", {"code": code_now(steps=-1)})
    make_old(browser)

    again = browser.get(reverse("mfa_deactivate_totp")).url
    assert again.startswith("/sign-in/again/code/")
    assert browser.post("/sign-in/again/", {"password": PASSWORD}).status_code == 302
    assert browser.get(reverse("mfa_deactivate_totp")).status_code == 302
    browser.post(again, {"code": code_now()})
    assert browser.get(reverse("mfa_deactivate_totp")).status_code == 200


def test_ones_own_password_is_guessed_eight_times_once_more(ada):
    browser, _answer = come_in(with_password(ada))
    for _try in range(tries.CODE.tries):
        browser.post("/sign-in/again/", {"password": "wrong"})

    assert "Too many tries" in browser.post("/sign-in/again/", {"password": PASSWORD}).text


@pytest.fixture
def hours_later(affairs):
    """Somebody of business affairs who signed in with their app, hours ago."""
    with_app(affairs)
    browser, _answer = come_in(affairs)
    browser.post("/sign-in/code/", {"code": code_now(steps=-1)})
    make_old(browser)
    return browser


def next_of(address):
    return parse_qs(urlsplit(address).query)["next"][0]


def sent_on(browser, again):
    """Prove who one is where one is asked; send on what waits there and return the answer."""
    page = browser.post(again, {"code": code_now(), "next": next_of(again)}, follow=True)
    waiting = page.context["waiting"]
    return browser.post(waiting.address, dict(waiting.fields))


def test_a_step_that_matters_asks_once_more_and_then_goes_on(terms, hours_later):
    step = reverse("admin:licensing_licenseeterms_issue_key", args=[terms.pk])
    assert hours_later.get(step).url == f"/sign-in/again/code/?next={quote(step, safe='')}"
    again = hours_later.post(step, {"seen": "nothing"}).url
    assert again.startswith("/sign-in/again/code/")
    assert not ApiKey.objects.exists()

    page = sent_on(hours_later, again)
    assert "seen" in page.context, "what was sent had not been seen, so its page comes first"
    shown = hours_later.post(step, {"seen": page.context["seen"]})
    assert shown.status_code == 200
    assert ApiKey.objects.count() == 1


def test_what_was_sent_and_never_proved_does_not_go_on_from_a_link(terms, hours_later):
    step = reverse("admin:licensing_licenseeterms_issue_key", args=[terms.pk])
    hours_later.post(step, {"seen": "whatever"})
    again = hours_later.get(step).url

    answer = hours_later.post(again, {"code": code_now(), "next": step})
    assert answer.url == step
    assert not ApiKey.objects.exists()


def test_a_step_goes_on_with_what_its_address_said(terms, hours_later):
    step = reverse("admin:licensing_licenseeterms_issue_key", args=[terms.pk])
    sent = f"{step}?_changelist_filters=q%3Dnorth"
    again = hours_later.post(sent, {"seen": "nothing"}).url

    answer = sent_on(hours_later, again)

    assert answer.status_code == 200
    assert answer.request["QUERY_STRING"] == "_changelist_filters=q%3Dnorth"


def test_a_form_with_mistakes_that_waited_is_shown_where_it_was_sent(agency, hours_later):
    """From any other address it would be sent there when its mistakes are mended."""
    add = reverse("admin:talent_membership_add")
    again = hours_later.post(add, {"agency": agency.pk, "role": "agent"}).url

    answer = sent_on(hours_later, again)

    assert (answer.status_code, answer.request["PATH_INFO"]) == (200, add)
    assert "email" in answer.context["adminform"].form.errors


def test_saving_who_may_do_what_asks_once_more(agency, hours_later):
    add = reverse("admin:talent_membership_add")
    values = {
        "email": "new@northlight.example", "agency": agency.pk, "role": "agent",
        "starts_on": "2026-11-01",
    }  # fmt: skip
    assert hours_later.get(add).status_code == 200
    answer = hours_later.post(add, values)
    assert answer.url.startswith("/sign-in/again/code/")
    assert not User.objects.filter(email="new@northlight.example").exists()

    sent_on(hours_later, answer.url)
    assert User.objects.filter(email="new@northlight.example").exists()


# At an agency, and for who has lost it


def test_an_agencys_own_people_say_which_seats_need_one(client, agency, elsewhere, affairs, agent):
    client.force_login(affairs)
    ask = reverse("admin:talent_agency_ask_for_second_factor", args=[agency.pk])
    client.post(ask, {"seen": client.get(ask).context["seen"], "roles": ["auditor"]})
    agency.refresh_from_db()
    assert agency.second_factor_roles == ["auditor"]

    other = reverse("admin:talent_agency_ask_for_second_factor", args=[elsewhere.pk])
    assert client.get(other).status_code == 404
    client.force_login(agent)
    assert client.get(ask).status_code == 403


def test_the_operator_takes_a_lost_factor_away_and_its_owner_is_told(client, operator, ada):
    browser, _answer = come_in(with_app(ada))
    browser.post("/sign-in/code/", {"code": code_now()})
    client.force_login(operator)
    step = reverse("admin:talent_user_take_second_factor", args=[ada.pk])
    page = client.get(step)
    assert "Authenticator app" in page.text

    client.post(step, {"seen": page.context["seen"], "reason": "Phone lost, called back"})

    assert not Authenticator.objects.exists()
    assert "Phone lost" in OutboxMessage.objects.get(recipient=ada.email).body
    kept = FactorRemoval.objects.get(user=ada)
    assert (kept.names, kept.reason, kept.by) == (
        "Authenticator app",
        "Phone lost, called back",
        operator,
    )
    assert "Phone lost, called back" in client.get(factories.admin_page(User, ada.pk)).text
    assert browser.get(reverse("portal:home")).status_code == 302
    assert come_in(ada)[1].url == reverse("portal:home")


def test_whatever_moves_money_rights_or_keys_asks_once_more():
    """By what the steps say: who may approve, issue, sign, rule, reveal, or touch a key."""
    steps = [
        made
        for model_admin in admin.site._registry.values()
        for name in dir(type(model_admin))
        if (made := getattr(getattr(type(model_admin), name, None), "step", None))
    ]
    verbs = ("approve", "issue", "sign_", "rule_", "reveal", "erase", "apikey", "pay")
    lax = {one.name for one in steps if any(v in one.permission for v in verbs) and not one.step_up}

    assert len(steps) > 20
    assert lax == set()


def test_removing_the_last_factor_takes_the_codes_along_and_tells_its_owner(
    ada, django_capture_on_commit_callbacks
):
    with_app(ada)
    browser, _answer = come_in(ada)
    browser.post("/sign-in/code/", {"code": code_now()})
    with django_capture_on_commit_callbacks(execute=True):
        browser.post(reverse("mfa_generate_recovery_codes"))
    browser.post(reverse("mfa_deactivate_totp"))

    assert not Authenticator.objects.exists()
    bodies = " ".join(OutboxMessage.objects.values_list("body", flat=True))
    assert "new recovery codes" in bodies
    assert "was removed" in bodies
