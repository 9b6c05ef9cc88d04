"""News: what happened, written for the endpoints that listen; `webhooks` delivers it."""

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime

from licensing.models import WebhookDelivery, WebhookEndpoint, WebhookMessage
from licensing.words import Announcement


def announce(
    *,
    kind: Announcement,
    agency_id: int,
    licensee_id: int | None = None,
    data: Mapping[str, object],
    at: datetime,
) -> int:
    """Write news to every endpoint that listens to it; return how many endpoints.

    To be called in the transaction that makes the news. `data` holds ids, codes and links, no
    names and no wording; news of a whole batch is one announcement.
    """
    endpoints = WebhookEndpoint.objects.listening_to(
        kind.value, agency_id=agency_id, licensee_id=licensee_id
    )
    return write_message(endpoints, kind=kind, agency_id=agency_id, data=data, at=at)


def write_message(
    endpoints: Iterable[WebhookEndpoint],
    *,
    kind: Announcement,
    agency_id: int,
    data: Mapping[str, object],
    at: datetime,
) -> int:
    """Write one message, and a delivery of it to each of these endpoints; return how many.

    Where there is no endpoint, nothing is written.
    """
    listeners = list(endpoints)
    if not listeners:
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
        for endpoint in listeners
    )
    return len(listeners)
