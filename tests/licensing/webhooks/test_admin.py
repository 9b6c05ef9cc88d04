"""Webhooks in the admin: who enters endpoints, and what the pages never show."""

import pytest
from django.urls import reverse
from django.utils import timezone

from licensing import news
from licensing.models import WebhookDelivery, WebhookEndpoint
from licensing.webhooks import deliveries, endpoints
from licensing.words import Announcement
from talent.words import Role
from tests.factories import admin_page, make_member, run_action, shown_once, sign_in
from tests.pages import form_on

pytestmark = pytest.mark.django_db
URL = "http://127.0.0.1:1029/hooks"


@pytest.fixture(autouse=True)
def _private(settings):
    settings.WEBHOOK_PRIVATE_TARGETS = True


@pytest.fixture
def affairs(affairs):
    return sign_in(affairs)


@pytest.fixture
def endpoint(agency):
    return entered(agency).endpoint


def entered(agency):
    return endpoints.add(
        agency_id=agency.pk,
        terms=None,
        url=URL,
        kinds=list(Announcement),
        at=timezone.now(),
        by=None,
    )


def given(agency, **fields):
    return {"agency": agency.pk, "terms": "", "url": URL, "kinds": ["cap.alert"], **fields}


def test_an_endpoint_is_entered_and_its_secret_shown_once(affairs, agency, terms):
    sent = affairs.post(admin_page(WebhookEndpoint), given(agency, terms=terms.pk))

    made = WebhookEndpoint.objects.get()
    assert (made.url, made.kinds, made.terms) == (URL, ["cap.alert"], terms)
    assert shown_once(sent).startswith("whsec_")
    assert b"whsec_" not in affairs.get(admin_page(WebhookEndpoint, made.pk)).content


def test_a_form_says_what_is_wrong_with_an_address(affairs, agency, settings):
    settings.WEBHOOK_PRIVATE_TARGETS = False

    sent = affairs.post(admin_page(WebhookEndpoint), given(agency, url="https://10.0.0.1/"))

    assert "webhooks do not go to" in str(sent.context["adminform"].form.errors["url"])
    assert not WebhookEndpoint.objects.exists()


def test_a_licensee_is_not_told_of_statements(affairs, agency, terms):
    sent = affairs.post(
        admin_page(WebhookEndpoint), given(agency, terms=terms.pk, kinds=["statement.issued"])
    )

    assert "kinds" in sent.context["adminform"].form.errors


def test_an_endpoint_hears_something_else(affairs, agency, endpoint):
    url = admin_page(WebhookEndpoint, endpoint.pk)
    affairs.post(url, form_on(affairs, url) | {"kinds": ["usage.ruling"]})

    endpoint.refresh_from_db()
    assert endpoint.kinds == ["usage.ruling"]


@pytest.mark.parametrize("role", [Role.AGENT, Role.ACCOUNTING, Role.AUDITOR])
def test_other_roles_enter_and_change_nothing(agency, endpoint, role):
    client = sign_in(make_member(agency, role))

    assert client.post(admin_page(WebhookEndpoint), given(agency)).status_code == 403
    run_action(client, "switch_off", endpoint)
    endpoint.refresh_from_db()
    assert endpoint.disabled_at is None


def test_a_seat_elsewhere_takes_no_step(agency, elsewhere, endpoint):
    user = make_member(elsewhere, Role.BUSINESS_AFFAIRS)
    make_member(agency, Role.AUDITOR, email=user.email)
    client = sign_in(user)

    for step in ("send_test", "renew_secret", "switch_off"):
        run_action(client, step, endpoint)

    endpoint.refresh_from_db()
    assert (endpoint.disabled_at, endpoint.sealed_previous) == (None, None)
    assert not WebhookDelivery.objects.exists()


def test_the_steps_of_an_endpoint(affairs, endpoint):
    run_action(affairs, "send_test", endpoint)
    renewed = run_action(affairs, "renew_secret", endpoint)
    run_action(affairs, "switch_off", endpoint)
    endpoint.refresh_from_db()
    off = endpoint.disabled_because
    run_action(affairs, "switch_on", endpoint)
    endpoint.refresh_from_db()

    assert WebhookDelivery.objects.get().message.kind == "test"
    assert shown_once(renewed).startswith("whsec_")
    assert (off, endpoint.disabled_at) == ("Switched off by staff.", None)


def test_deliveries_show_what_came_back_and_are_sent_again(affairs, agency):
    made = entered(agency)
    news.announce(
        kind=Announcement.CAP_ALERT, agency_id=agency.pk, data={"cap": 7}, at=timezone.now()
    )
    deliveries.deliver_due(clock=timezone.now)
    delivery = WebhookDelivery.objects.get()

    shown = affairs.get(admin_page(WebhookDelivery, delivery.pk)).content.decode()
    WebhookDelivery.objects.update(status="failed")
    run_action(affairs, "send_again", delivery)

    delivery.refresh_from_db()
    assert "The connection was refused" in shown
    assert "&quot;cap&quot;: 7" in shown
    assert made.secret not in shown
    assert delivery.status == "waiting"


def test_lists_of_endpoints_hold_no_secret(affairs, agency):
    made = entered(agency)

    for model in ("webhookendpoint", "webhookdelivery"):
        listed = affairs.get(reverse(f"admin:licensing_{model}_changelist"))
        assert listed.status_code == 200
        assert made.secret not in listed.content.decode()
