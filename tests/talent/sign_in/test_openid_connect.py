"""Sign-in through an organisation's own provider: for its own people, whom the desk has invited."""

import html
import re
import time
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import reverse

from likenessdesk import settings as desk
from talent.accounts import invitations
from talent.models import Membership, OutboxMessage, User
from talent.sign_in import proofs
from talent.words import Role
from tests import factories

from . import provider as judge

BEGIN = "/sign-in/with/northlight/"
FILE = """
[[provider]]
id = "northlight"
name = "Northlight"
server = "{server}"
client_id = "{client}"
client_secret = "{secret}"
mail_domains = ["Northlight.example"]
second_factor = {second_factor}
"""


@pytest.fixture(scope="module")
def provider():
    with judge.running() as provider:
        yield provider


@pytest.fixture
def configured(provider, settings, tmp_path):
    """Name the provider in the settings, as a file does."""

    def configure(*, second_factor="true"):
        file = tmp_path / "oidc.toml"
        values = {"server": provider.issuer, "client": judge.CLIENT, "secret": judge.SECRET}
        file.write_text(FILE.format(second_factor=second_factor, **values))
        settings.OIDC_PROVIDERS = desk.oidc_providers(str(file))
        settings.SOCIALACCOUNT_PROVIDERS = desk.openid_connect(settings.OIDC_PROVIDERS)

    configure()
    return configure


@pytest.fixture
def come(provider, configured):
    """Sign in through the provider as somebody; return the browser and where it ends."""

    def come(*, browser=None, wanted="", **claims):
        browser = browser or Client()
        asked = browser.post(BEGIN, {"next": wanted} if wanted else {})
        back = provider.sign_in(asked.url, **claims)
        return browser, browser.get(f"{BEGIN}back/", back)

    return come


def claims(email, **more):
    known_there = f"number of {email.lower()}"
    return {"sub": known_there, "email": email, "email_verified": True, **more}


def who(browser):
    return browser.session.get("_auth_user_id")


def test_an_invited_person_comes_in_and_is_told(agent, come):
    browser, answer = come(**claims("Agent@Northlight.example"), wanted="/admin/")

    assert (who(browser), answer.url) == (str(agent.pk), "/admin/")
    assert "organisation" in OutboxMessage.objects.get(recipient=agent.email).body
    come(**claims(agent.email))
    assert SocialAccount.objects.count() == OutboxMessage.objects.count() == 1


def test_the_page_offers_it(client, configured, db):
    page = client.get("/sign-in/").text
    assert "Sign in through Northlight" in page
    assert BEGIN in page


def test_who_was_invited_and_has_no_password_yet_needs_none(come, operator):
    invitations.invite(
        email="new@northlight.example", by=operator, at=datetime(2026, 11, 28, tzinfo=UTC),
        link=lambda code, token: "",
    )  # fmt: skip
    browser, _answer = come(**claims("new@northlight.example"))

    assert who(browser) == str(User.objects.get(email="new@northlight.example").pk)


@pytest.mark.parametrize(
    "told",
    [
        claims("nobody@northlight.example"),
        claims("operator@desk.example"),
        claims("agent@northlight.example", email_verified=False),
        claims("agent@northlight.example.evil.example"),
        {"sub": "without an address"},
    ],
    ids=["not invited", "another domain", "not verified", "a longer domain", "no address"],
)
def test_nobody_else_comes_in(agent, operator, come, told):
    before = User.objects.count()
    browser, answer = come(**told)

    assert (who(browser), answer.url) == (None, reverse("login"))
    assert "Ask your agency" in browser.get(answer.url).text
    assert (User.objects.count(), SocialAccount.objects.count()) == (before, 0)


@pytest.mark.parametrize("said", ["Ag\u202eent", "Ag\nent", "Ag\x00ent"])
def test_a_providers_names_are_kept_nowhere_whatever_they_hold(agent, come, said):
    names = {"name": said, "given_name": said, "family_name": said, "nickname": said}
    browser, answer = come(**claims(agent.email, **names))

    assert (who(browser), answer.status_code) == (str(agent.pk), 302)
    agent.refresh_from_db()
    assert (agent.first_name, agent.last_name) == ("", "")
    assert SocialAccount.objects.get().extra_data == {}


@pytest.mark.parametrize("wrong", [{"sub": "a\x00b"}, {"email": "age\x00nt@northlight.example"}])
def test_what_no_text_can_hold_lets_nobody_in_and_fails_at_nothing(agent, come, wrong):
    browser, answer = come(**(claims(agent.email) | wrong))

    assert (who(browser), answer.status_code) == (None, 302)


def test_whose_address_moved_to_another_domain_is_not_the_providers_any_more(agent, come):
    come(**claims(agent.email))
    User.objects.filter(pk=agent.pk).update(email="agent@elsewhere.example")

    browser, _answer = come(**claims("agent@northlight.example"))

    assert who(browser) is None


def test_a_closed_account_stays_closed(agent, come):
    come(**claims(agent.email))
    User.objects.filter(pk=agent.pk).update(is_active=False)

    assert who(come(**claims(agent.email))[0]) is None


def test_another_at_the_provider_is_another(agency, agent, come):
    """The provider's own number of somebody counts from then on, not the address it tells."""
    come(**claims(agent.email))
    other = factories.make_member(agency, Role.AUDITOR)

    browser, _answer = come(**(claims(other.email) | {"sub": claims(agent.email)["sub"]}))

    assert who(browser) == str(agent.pk)


def test_who_got_somebodys_address_does_not_get_their_account(agent, come):
    come(**claims(agent.email))
    browser, _answer = come(**(claims(agent.email) | {"sub": "the next one with this address"}))

    assert who(browser) is None


def test_a_provider_that_asks_twice_spares_the_desks_own_second_factor(accounting, come):
    browser, _answer = come(**claims(accounting.email))

    assert browser.get("/admin/").status_code == 200


def test_one_that_does_not_spares_nothing(accounting, come, configured):
    configured(second_factor="false")
    browser, _answer = come(**claims(accounting.email))

    assert browser.get("/admin/").url == "/account/safety/"


def test_an_answer_that_nobody_asked_for_is_refused(client, configured, agent):
    answer = client.get(f"{BEGIN}back/", {"code": "code-0", "state": "forged"})

    assert answer.status_code in {302, 401}
    assert who(client) is None


def test_an_unknown_provider_is_not_found(client, db):
    assert client.post("/sign-in/with/nobody/").status_code == 404


def test_a_file_with_too_little_in_it_is_refused(tmp_path):
    file = tmp_path / "oidc.toml"
    file.write_text('[[provider]]\nid = "northlight"\n')

    with pytest.raises(ImproperlyConfigured, match="too little or too much"):
        desk.oidc_providers(str(file))


# Once more, before what matters

AGAIN = "/sign-in/again/organisation/"


def make_old(browser):
    """Let everything that a session proved be long ago."""
    session = browser.session
    for proof in session["account_authentication_methods"]:
        proof["at"] -= proofs.RECENT_SECONDS + 1
    session.save()


@pytest.fixture
def hours_later(affairs, come):
    """Somebody of business affairs whom only the provider knows, hours after they came in."""
    affairs.set_unusable_password()
    affairs.save()
    browser, _answer = come(**claims(affairs.email))
    make_old(browser)
    return browser


@pytest.fixture
def asked(provider, affairs):
    """Have the provider ask somebody once more; return the browser's way back."""

    def asked(browser, again, **told):
        assert "Go on through Northlight" in browser.get(again).text
        back = parse_qs(urlsplit(again).query)["next"][0]
        sent = browser.post(AGAIN, {"provider": "northlight", "next": back})
        query = parse_qs(urlsplit(sent.url).query)
        assert (query["prompt"], query["max_age"]) == (["login"], ["0"])
        answer = provider.sign_in(sent.url, **(claims(affairs.email) | told))
        return browser.get(f"{BEGIN}back/", answer)

    return asked


def typed_on(page):
    """Return where a page sends what on, as a browser does."""
    form = re.search(
        r'<form[^>]* method="post" action="([^"]+)">(.*?)</form>', page.text.split("<main")[1]
    )
    fields = re.findall(r'name="(\w+)" value="([^"]*)"', form[2])
    return html.unescape(form[1]), {name: html.unescape(value) for name, value in fields}


def test_whom_only_a_provider_knows_it_asks_once_more_and_what_was_sent_goes_on(
    agency, hours_later, asked
):
    add = f"{reverse('admin:talent_membership_add')}?starts_on=2026-11-02"
    values = {
        "email": "new@northlight.example", "agency": str(agency.pk), "role": "agent",
        "starts_on": "2026-11-01", "name": "“Night” & day",
    }  # fmt: skip
    again = hours_later.post(add, values).url
    assert again.startswith(AGAIN)
    page = hours_later.get(asked(hours_later, again, auth_time=int(time.time())).url, follow=True)

    assert "no-store" in page["Cache-Control"]
    assert not Membership.objects.filter(user__email="new@northlight.example").exists()
    address, fields = typed_on(page)
    assert address == add
    assert values.items() <= fields.items()
    assert hours_later.post(address, fields).status_code == 302
    assert Membership.objects.filter(user__email="new@northlight.example").exists()
    # It is sent on once: from a second look at the page nothing goes on.
    (_go_on, _code), (opened, _code) = hours_later.get(again, follow=True).redirect_chain
    assert opened == reverse("admin:talent_membership_add")


def test_a_page_that_is_opened_comes_after_the_proof(terms, hours_later, asked):
    step = reverse("admin:licensing_licenseeterms_issue_key", args=[terms.pk])
    again = hours_later.get(step).url

    assert hours_later.get(asked(hours_later, again).url).url == step
    assert "seen" in hours_later.get(step).context


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"sub": "somebody else"}, "Somebody else signed in there"),
        ({"auth_time": 1_700_000_000}, "did not ask you anew"),
        ({"auth_time": "now"}, "did not ask you anew"),
    ],
    ids=["somebody else", "asked long ago", "no time"],
)
def test_who_was_not_proved_there_is_asked_again_and_loses_nothing(
    terms, hours_later, asked, affairs, told, why
):
    step = reverse("admin:licensing_licenseeterms_issue_key", args=[terms.pk])
    again = hours_later.post(step, {"seen": "something"}).url

    back = asked(hours_later, again, **told)
    assert (back.url, who(hours_later)) == (again, str(affairs.pk))
    page = hours_later.get(again)
    assert why in page.text
    assert "Go on through Northlight" in page.text
    address, fields = typed_on(hours_later.get(asked(hours_later, again).url, follow=True))
    assert (address, fields["seen"]) == (step, "something")


def test_who_stops_at_the_provider_is_where_they_were(hours_later, provider):
    sent = hours_later.post(AGAIN, {"provider": "northlight", "next": "/admin/"})
    state = parse_qs(urlsplit(sent.url).query)["state"][0]

    back = hours_later.get(f"{BEGIN}back/", {"error": "access_denied", "state": state})

    assert back.url == f"{AGAIN}?next=%2Fadmin%2F"
    assert "did not say that it is you" in hours_later.get(back.url).text


@pytest.mark.parametrize("gone", ["from the settings", "for the address"])
def test_whose_provider_is_gone_is_told_to_choose_a_password(
    terms, hours_later, affairs, settings, gone
):
    if gone == "from the settings":
        settings.OIDC_PROVIDERS = []
    else:
        settings.OIDC_PROVIDERS = [settings.OIDC_PROVIDERS[0] | {"mail_domains": ["other.example"]}]
    # They came in with a second factor, else they would be sent to set one up.
    settings.SECOND_FACTOR_ROLES = set()
    again = hours_later.get(reverse("admin:licensing_licenseeterms_issue_key", args=[terms.pk])).url
    page = hours_later.get(again)
    assert "Choose a password instead" in page.text
    assert hours_later.post(AGAIN, {"provider": "northlight"}).status_code == 200

    address, fields = typed_on(page)
    before = OutboxMessage.objects.count()
    hours_later.post(address, fields)

    assert OutboxMessage.objects.count() == before + 1
    link = re.search(r"/password/reset/\S+", OutboxMessage.objects.latest("pk").body)[0]
    form = hours_later.get(link).url
    new = {"new_password1": "a long enough phrase", "new_password2": "a long enough phrase"}
    hours_later.post(form, new)
    affairs.refresh_from_db()
    assert affairs.check_password("a long enough phrase")


def test_whom_a_provider_lets_in_gets_no_password_by_mail(hours_later, affairs, operator):
    page = hours_later.get("/account/safety/").text
    assert "you sign in through Northlight" in page
    assert reverse("password_reset") not in page
    invited = User.objects.create_user("new@northlight.example")
    before = OutboxMessage.objects.count()

    for user in (affairs, invited):
        hours_later.post(reverse("password_reset"), {"email": user.email})

    assert OutboxMessage.objects.count() == before


def test_a_provider_that_is_away_is_said_to_be(client, hours_later, settings):
    away = "http://127.0.0.1:9"
    for one in settings.OIDC_PROVIDERS:
        one["server"] = away
    settings.SOCIALACCOUNT_PROVIDERS = desk.openid_connect(settings.OIDC_PROVIDERS)

    assert "did not work" in client.post(BEGIN).text
    page = hours_later.post(AGAIN, {"provider": "northlight", "next": "/admin/"}, follow=True)
    assert "cannot be reached" in page.text
    assert "Go on through Northlight" in page.text


def test_who_has_a_password_proves_that(client, agent, configured):
    client.force_login(agent)
    agent.set_password("a long enough phrase")
    agent.save()
    client.force_login(agent)
    make_old(client)

    assert client.get(f"{AGAIN}?next=/admin/").url == "/sign-in/again/?next=%2Fadmin%2F"


def test_a_next_that_is_no_address_fails_at_nothing(client, agent):
    client.force_login(agent)

    assert client.get(f"{AGAIN}?next=1").status_code == 302
    assert client.get(f"{AGAIN}?next=//evil.example").url == reverse("portal:home")
