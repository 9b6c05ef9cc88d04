"""News: what happened, written for whoever listens; `webhooks` delivers it."""

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
    """Write news for every endpoint that hears it; return how many that are.

    To be called in the transaction that makes the news. `data` holds ids, codes and links, no
    names and no wording; news of a whole batch is one announcement.
    """
    hearing = WebhookEndpoint.objects.hearing(
        kind.value, agency_id=agency_id, licensee_id=licensee_id
    )
    return write(hearing, kind, agency_id, data, at)


def write(
    endpoints: Iterable[WebhookEndpoint],
    kind: Announcement,
    agency_id: int,
    data: Mapping[str, object],
    at: datetime,
) -> int:
    """Write one message to the outbox of each of these endpoints; return how many they are."""
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
