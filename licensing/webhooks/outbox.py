"""The outbox of webhooks: a message of a test, and a message sent once more."""

from datetime import datetime

from django.db import transaction

from licensing import news
from licensing.models import WebhookDelivery, WebhookEndpoint
from licensing.words import Announcement
from talent.errors import Refused
from talent.words import Delivery


class EndpointOff(Refused):
    """Nothing is sent to an endpoint that is switched off."""

    code = "endpoint_off"


@transaction.atomic
def test(*, endpoint_id: int, at: datetime) -> None:
    """Send a message that says only that it is a test. Raises EndpointOff."""
    endpoint = _running(endpoint_id)
    news.write([endpoint], Announcement.TEST, endpoint.agency_id, {"endpoint": endpoint.pk}, at)


@transaction.atomic
def replay(*, delivery_id: int, at: datetime) -> WebhookDelivery:
    """Send a message once more, under its own number, so that its receiver can tell it is known.

    Raises EndpointOff.
    """
    delivery = WebhookDelivery.objects.select_for_update().get(pk=delivery_id)
    _running(delivery.endpoint_id)
    delivery.status, delivery.attempts = Delivery.WAITING.value, 0
    delivery.next_attempt_at = at
    delivery.save(update_fields=["status", "attempts", "next_attempt_at"])
    return delivery


def _running(endpoint_id: int) -> WebhookEndpoint:
    endpoint = WebhookEndpoint.objects.get(pk=endpoint_id)
    if endpoint.disabled_at:
        raise EndpointOff("This endpoint is switched off; switch it on first.")
    return endpoint
