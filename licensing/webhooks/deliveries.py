"""Deliveries: due messages are claimed, sent side by side, and what came back is put on record."""

import logging
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
from django.conf import settings
from django.db import transaction

from licensing.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from licensing.recipients import staff_of
from talent import outbox
from talent.words import Delivery, Role

from . import endpoints, sending, signing, targets
from .sending import Reply

logger = logging.getLogger(__name__)

ATTEMPTS = 12
FIRST_WAIT = timedelta(minutes=1)
JITTER = 0.2
# How long a claim on a message lasts; if its worker was killed, it is sent again after that.
LEASE = timedelta(minutes=2)
AT_ONCE = 8
# No round begins later than this, so that even the slowest ends well within a task's limit.
ROUNDS_BEGIN_WITHIN = timedelta(seconds=15)

GIVEN_UP = "{attempts} attempts failed, and nothing was delivered in between."
GONE = "The receiver answered 410: it wants no more."
MAIL = """\
The desk has stopped sending webhooks to {url}.

{because}

Once the receiver works again, switch the endpoint on in the admin: what waits leaves then.
"""


@dataclass(frozen=True, slots=True)
class _OutgoingRequest:
    """All that one request needs, so that it is sent without the database.

    `fault` says why it cannot be sent at all, such as a secret that does not open.
    """

    delivery_id: int
    url: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    fault: str = ""


def deliver_due(
    *, clock: Callable[[], datetime], chance: Callable[[], float] = random.random
) -> dict[str, int]:
    """Send what is due and return counts by what became of it.

    A message is claimed before it is sent, so that two sweeps never send it both, and no
    transaction is open while it is. One that fails is tried again after a wait that doubles, a
    little earlier or later by chance, twelve times in all.
    """
    counts = {Delivery.SENT.value: 0, Delivery.WAITING.value: 0, Delivery.FAILED.value: 0}
    started = clock()
    while clock() - started < ROUNDS_BEGIN_WITHIN and (requests := _claim(clock())):
        for delivery_id, reply in _send_all(requests):
            counts[_record(delivery_id, reply, clock(), chance())] += 1
    return counts


@transaction.atomic
def _claim(at: datetime) -> list[_OutgoingRequest]:
    due = (
        WebhookDelivery.objects.due(at)
        .select_related("endpoint", "message")
        .select_for_update(of=("self",), skip_locked=True)
        .order_by("next_attempt_at", "pk")
    )
    claimed = list(due[:AT_ONCE])
    for delivery in claimed:
        delivery.next_attempt_at = at + LEASE
        delivery.attempts += 1
    WebhookDelivery.objects.bulk_update(claimed, ["next_attempt_at", "attempts"])
    return [_request_or_fault(delivery, at) for delivery in claimed]


def _request_or_fault(delivery: WebhookDelivery, at: datetime) -> _OutgoingRequest:
    """Return a delivery's request. Whatever keeps it from being written stops no other."""
    try:
        return _request_for(delivery, at)
    except Exception as failure:
        logger.exception("Webhook delivery %s cannot be written", delivery.pk)
        fault = f"The desk could not write it: {type(failure).__name__}."
        return _OutgoingRequest(delivery.pk, delivery.endpoint.url, fault=fault)


def _request_for(delivery: WebhookDelivery, at: datetime) -> _OutgoingRequest:
    message, endpoint = delivery.message, delivery.endpoint
    body = msgspec.json.encode(
        {"type": message.kind, "timestamp": message.announced_at, "data": message.data}
    )
    signed = signing.headers(
        message_id=message.code,
        timestamp=int(at.timestamp()),
        body=body,
        keys=endpoints.secrets_of(endpoint, at=at),
    )
    named = {"Content-Type": "application/json", "User-Agent": "LikenessDesk-Webhooks/1"}
    return _OutgoingRequest(delivery.pk, endpoint.url, body, named | signed)


def _send_all(requests: Sequence[_OutgoingRequest]) -> Iterator[tuple[int, Reply]]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        deliveries: dict[Future[Reply], int] = {
            pool.submit(_send, request, settings.WEBHOOK_PRIVATE_TARGETS): request.delivery_id
            for request in requests
        }
        for future in as_completed(deliveries):
            yield deliveries[future], future.result()


def _send(request: _OutgoingRequest, private: bool) -> Reply:  # noqa: FBT001 (the setting)
    if request.fault:
        return Reply(None, error=request.fault)
    try:
        target = targets.target_in(request.url, private=private)
        return sending.send(target, request.body, request.headers, private=private)
    except targets.TargetRefused as refusal:
        return Reply(None, error=str(refusal))
    except Exception as failure:
        logger.exception("Webhook delivery %s cannot be sent", request.delivery_id)
        return Reply(None, error=f"The desk could not send it: {type(failure).__name__}.")


@transaction.atomic
def send_again(*, delivery_id: int, at: datetime) -> WebhookDelivery:
    """Send a message once more, under its own number, so that its receiver can tell it is known.

    It is tried as often as a new one. Raises EndpointOff.
    """
    delivery = WebhookDelivery.objects.select_for_update().get(pk=delivery_id)
    endpoints.active_endpoint(delivery.endpoint_id)
    delivery.status, delivery.attempts = Delivery.WAITING.value, 0
    delivery.next_attempt_at, delivery.let_be_at = at, None
    delivery.save(update_fields=["status", "attempts", "next_attempt_at", "let_be_at"])
    return delivery


def let_be(*, delivery_id: int, at: datetime) -> None:
    """Leave a message that was given up as it is."""
    WebhookDelivery.objects.failed().filter(pk=delivery_id).update(let_be_at=at)


# What came back


@transaction.atomic
def _record(delivery_id: int, reply: Reply, at: datetime, chance: float) -> str:
    """Record what came back and when it is tried next; return the delivery's status."""
    delivery = (
        WebhookDelivery.objects.select_related("endpoint")
        .select_for_update(of=("self",))
        .get(pk=delivery_id)
    )
    WebhookAttempt.objects.create(
        delivery=delivery,
        attempted_at=at,
        status=reply.status,
        milliseconds=reply.milliseconds,
        answer=reply.body[:500],
        error=reply.error[:200],
    )
    if reply.is_delivered:
        status = Delivery.SENT
        WebhookEndpoint.objects.filter(pk=delivery.endpoint_id).update(last_delivered_at=at)
    elif reply.is_gone or delivery.attempts >= ATTEMPTS:
        status = Delivery.FAILED
        _switch_off_if_dead(delivery, reply, at)
    else:
        status = Delivery.WAITING
        delivery.next_attempt_at = at + _wait(delivery.attempts, chance)
    delivery.status = status.value
    delivery.save(update_fields=["status", "next_attempt_at"])
    return status.value


def _wait(attempts: int, chance: float) -> timedelta:
    """Return the wait after so many attempts: doubled each time, spread by the jitter.

    `chance` is from 0 to 1.
    """
    doubled: int = 2 ** (attempts - 1)
    return FIRST_WAIT * doubled * (1 - JITTER + 2 * JITTER * chance)


def _switch_off_if_dead(delivery: WebhookDelivery, reply: Reply, at: datetime) -> None:
    """Switch the endpoint off if it is gone, or took nothing while this message was tried."""
    endpoint = delivery.endpoint
    last = endpoint.last_delivered_at
    if not reply.is_gone and last is not None and last >= delivery.created_at:
        return
    because = GONE if reply.is_gone else GIVEN_UP.format(attempts=delivery.attempts)
    if endpoints.disable(endpoint_id=endpoint.pk, because=because, at=at):
        _tell_staff(endpoint, because, at)


def _tell_staff(endpoint: WebhookEndpoint, because: str, at: datetime) -> None:
    body = MAIL.format(url=endpoint.url, because=because)
    for user in staff_of([endpoint.agency_id], Role.BUSINESS_AFFAIRS):
        outbox.post(recipient=user.email, subject="Webhooks switched off", body=body, at=at)
