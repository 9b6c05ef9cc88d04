"""The outbox: mail is stored in the transaction that causes it, and sent by a periodic task."""

from datetime import datetime, timedelta
from smtplib import SMTPException

from django.core.mail import send_mail
from django.db import transaction

from talent.models import OutboxMessage
from talent.words import Delivery

ATTEMPTS = 8
FIRST_WAIT = timedelta(minutes=1)


def post(*, recipient: str, subject: str, body: str, at: datetime) -> OutboxMessage:
    """Store a mail in the current transaction; the next `deliver_due` sends it."""
    return OutboxMessage.objects.create(
        recipient=recipient,
        subject=" ".join(subject.split())[:200],
        body=body,
        created_at=at,
        next_attempt_at=at,
    )


def deliver_due(*, at: datetime, limit: int = 50) -> dict[str, int]:
    """Send the mails that are due, each in its own transaction. Return counts by outcome.

    A message is claimed before it is sent, so that two sweeps never send it both; one that
    cannot be sent is tried again after a wait that doubles, eight times in all.
    """
    counts = {Delivery.SENT.value: 0, Delivery.WAITING.value: 0, Delivery.FAILED.value: 0}
    due = OutboxMessage.objects.due(at).order_by("next_attempt_at", "pk")
    for pk in list(due.values_list("pk", flat=True)[:limit]):
        if status := _deliver(pk, at):
            counts[status] += 1
    return counts


@transaction.atomic
def _deliver(pk: int, at: datetime) -> str:
    waiting = OutboxMessage.objects.due(at).select_for_update(skip_locked=True)
    message = waiting.filter(pk=pk).first()
    if message is None:
        return ""
    message.attempts += 1
    try:
        send_mail(message.subject, message.body, None, [message.recipient])
    except (OSError, SMTPException) as failure:
        message.last_error = f"{type(failure).__name__}: {failure}"[:200]
        message.next_attempt_at = at + FIRST_WAIT * 2 ** (message.attempts - 1)
        failed = message.attempts >= ATTEMPTS
        message.status = Delivery.FAILED.value if failed else Delivery.WAITING.value
    else:
        message.status, message.sent_at, message.last_error = Delivery.SENT.value, at, ""
    message.save()
    return str(message.status)
