"""In a real browser: signing in with a passkey, with a code, and without JavaScript."""

import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

from talent.models import Membership, User
from talent.sign_in import proofs
from talent.words import Role
from tests import factories

pytestmark = [pytest.mark.judge("chromium"), pytest.mark.django_db(transaction=True)]

PASSWORD = "a long enough phrase"  # noqa: S105 (of a test's own account)
PHONE = {"width": 390, "height": 844}
# A phone that asks for a finger each time, and whose owner holds it out.
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def accountant(transactional_db):
    user = factories.make_member(factories.make_agency("northlight"), Role.ACCOUNTING)
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def window(browser, live_server):
    """Open a page of a window of its own; allauth's keys belong to the server's name."""
    opened = []

    def window(**options):
        opened.append(browser.new_context(base_url=live_server.url, locale="en-US", **options))
        return opened[-1].new_page()

    yield window
    for one in opened:
        one.close()


def type_password(page, user):
    page.goto("/admin/")
    page.fill("input[name=login]", user.email)
    page.fill("input[name=password]", PASSWORD)
    page.click("button:has-text('Sign in') >> nth=0")


def code_of(secret):
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def path_of(page):
    return page.url.partition("//")[2].partition("/")[2]


def test_a_passkey_is_added_and_signs_in_by_itself(window, accountant, barriers):
    page = window(viewport=PHONE, color_scheme="dark")
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    met = {}

    page.goto("/admin/")
    met["sign in"] = barriers(page)
    type_password(page, accountant)
    assert path_of(page) == "account/safety/", "accounting needs a second factor"
    met["safety"] = barriers(page)
    page.get_by_role("link", name="Add a passkey").click()
    met["add a passkey"] = barriers(page)
    page.fill("input[name=name]", "My phone")
    page.click("#mfa_webauthn_add")
    page.wait_for_url("**/account/codes/")
    page.click("text=Show them")
    met["codes"] = barriers(page)
    assert page.locator(".codes li").count() == 10
    page.goto("/account/safety/")
    met["safety with a passkey"] = barriers(page)
    assert page.get_by_text("My phone").count()

    page.click("text=Sign out")
    page.goto("/admin/")
    page.click("#passkey_login")
    page.wait_for_url("**/admin/")
    assert path_of(page) == "admin/"
    assert {name: found for name, found in met.items() if found} == {}


def test_a_passkey_that_is_not_there_is_said_in_words(window, accountant):
    page = window()
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    page.goto("/sign-in/")
    assert not page.locator("#passkey-failed").is_visible()

    page.click("#passkey_login")

    page.locator("#passkey-failed").wait_for(state="visible")
    assert "Try again, or go another way" in page.locator("#passkey-failed").inner_text()


def test_without_javascript_a_code_signs_in(window, accountant):
    """The page judged by axe needs JavaScript; the way through it does not."""
    page = window(java_script_enabled=False)
    type_password(page, accountant)
    page.click("text=Set up an authenticator app")
    secret = page.locator(".key").inner_text()
    page.fill("input[name=code]", code_of(secret))
    page.click("button:has-text('Set it up')")
    page.click("text=Show them")
    recovery = page.locator(".codes li").first.inner_text()
    page.goto("/admin/")
    assert path_of(page) == "admin/"

    page.goto("/account/safety/")
    page.click("text=Sign out")
    assert not page.locator("#passkey_login").is_visible(), "it would not work here"
    type_password(page, accountant)
    assert path_of(page) == "sign-in/code/"
    page.fill("input[name=code]", recovery)
    page.click("button:has-text('Sign in') >> nth=0")
    assert path_of(page) == "admin/"


def test_a_session_elsewhere_is_ended_from_here(window, accountant, settings):
    settings.SECOND_FACTOR_ROLES = set()
    here, elsewhere = window(), window()
    for page in (here, elsewhere):
        type_password(page, accountant)
    here.goto("/account/safety/")
    assert here.locator("main strong").all_inner_texts() == ["Chrome on Linux"] * 2

    here.click("button:has-text('End it')")

    assert "One session is ended" in here.inner_text("main")
    elsewhere.goto("/admin/")
    assert path_of(elsewhere).startswith("sign-in/")
    here.goto("/admin/")
    assert path_of(here) == "admin/"
    assert User.objects.count() == 1


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_form_with_mistakes_that_waited_for_a_proof_is_mended_where_it_was_sent(
    window, accountant, settings, monkeypatch, scripts
):
    settings.SECOND_FACTOR_ROLES = set()
    Membership.objects.update(role=Role.BUSINESS_AFFAIRS.value)
    page, add = window(java_script_enabled=scripts), "admin/talent/membership/add/"
    type_password(page, accountant)
    page.goto(f"/{add}")
    page.select_option("[name=role]", "agent")
    page.fill("[name=starts_on]", "2026-11-01")
    with monkeypatch.context() as hours_later:
        hours_later.setattr(proofs, "RECENT_SECONDS", -1)
        page.click("[name=_save]")
    assert path_of(page).startswith("sign-in/again/?")

    page.fill("input[name=password]", PASSWORD)
    page.click("button:has-text('Go on') >> nth=0")
    if not scripts:
        page.click("button:has-text('Go on with it')")
    page.wait_for_url(f"**/{add}")
    page.fill("[name=email]", "new@northlight.example")
    page.click("[name=_save]")

    page.wait_for_url("**/admin/talent/membership/")
    assert User.objects.filter(email="new@northlight.example").exists()


def test_the_other_pages_of_the_sign_in_keep_nobody_out(window, accountant, barriers):
    page = window()
    type_password(page, accountant)
    page.goto("/account/app/")
    met = {"app": barriers(page)}
    secret = page.locator(".key").inner_text()
    page.fill("input[name=code]", code_of(secret))
    page.click("button:has-text('Set it up')")
    for path in ("account/codes/new/", "account/app/remove/", "password/", "sign-in/again/code/"):
        page.goto(f"/{path}")
        met[path] = [*barriers(page), *([] if path_of(page) == path else [page.url])]
    page.click("text=Sign out")
    type_password(page, accountant)
    met["code"] = barriers(page)
    page.goto("/password/reset/")
    met["reset"] = barriers(page)

    assert {name: found for name, found in met.items() if found} == {}
