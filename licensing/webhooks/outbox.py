"""The outbox of webhooks: news is written in the transaction that makes it; a sweep delivers it."""

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction

from licensing.models import WebhookDelivery, WebhookEndpoint, WebhookMessage
from licensing.words import Announcement
from talent.errors import Refused
from talent.words import Delivery


class EndpointOff(Refused):
    """Nothing is sent to an endpoint that is switched off."""

    code = "endpoint_off"


def announce(
    *,
    kind: Announcement,
    agency_id: int,
    licensee_id: int | None = None,
    data: Mapping[str, object],
    at: datetime,
) -> int:
    """Write news for every endpoint that hears it; return how many that are.

    To be called in the transaction that makes the news. `data` holds ids, codes and links, no
    names and no wording; news of a whole batch is one announcement.
    """
    hearing = WebhookEndpoint.objects.hearing(
        kind.value, agency_id=agency_id, licensee_id=licensee_id
    )
    return _written(list(hearing), kind, agency_id, data, at)


@transaction.atomic
def test(*, endpoint_id: int, at: datetime) -> None:
    """Send a message that says only that it is a test. Raises EndpointOff."""
    endpoint = _running(endpoint_id)
    _written([endpoint], Announcement.TEST, endpoint.agency_id, {"endpoint": endpoint.pk}, at)


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


def _written(
    endpoints: Iterable[WebhookEndpoint],
    kind: Announcement,
    agency_id: int,
    data: Mapping[str, object],
    at: datetime,
) -> int:
    hearing = list(endpoints)
    if not hearing:
        return 0
    message = WebhookMessage.objects.create(
        agency_id=agency_id,
        code=f"msg_{secrets.token_urlsafe(18)}",
        kind=kind.value,
        data=dict(data),
        announced_at=at,
    )
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(endpoint=endpoint, message=message, created_at=at, next_attempt_at=at)
        for endpoint in hearing
    )
    return len(hearing)
