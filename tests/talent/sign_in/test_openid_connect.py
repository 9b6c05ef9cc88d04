"""Sign-in through an organisation's own provider: for its own people, whom the desk has invited."""

from datetime import UTC, datetime

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import reverse

from likenessdesk import settings as desk
from talent.accounts import invitations
from talent.models import OutboxMessage, User
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
