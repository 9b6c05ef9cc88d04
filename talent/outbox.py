"""The outbox: mail is stored in the transaction that causes it, and sent by a periodic task."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from smtplib import SMTPDataError, SMTPNotSupportedError, SMTPRecipientsRefused

from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction

from talent.errors import Refused
from talent.models import OutboxMessage
from talent.words import Delivery

logger = logging.getLogger(__name__)

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(minutes=15)
# How often a mail is tried that the mail server refuses for good (“no such mailbox”): a server
# that was set up wrongly says so too, and is mended within hours.
REFUSALS = 8
# How long a mail is tried that cannot be sent now: as long as mail servers themselves try.
KEPT_TRYING = timedelta(days=5)
# How long a claim on a mail lasts; if its worker was killed, it is sent again after that.
LEASE = timedelta(minutes=5)
IN_A_ROUND = 80
CONNECTIONS = 4
FEWEST_FOR_A_CONNECTION = 10
# No round begins later than this, and none lasts longer, so that a sweep ends within a task's
# limit however slow the server is.
ROUNDS_BEGIN_WITHIN = timedelta(seconds=20)
ROUND_SECONDS = 10.0
# What a try changes.
TRIED = ["status", "attempts", "refusals", "next_attempt_at", "sent_at", "last_error"]


class MailNotFailed(Refused):
    """A mail was to be sent again that waits to be sent, or was sent."""

    code = "mail_not_failed"


class _Came(Enum):
    """What came of sending a mail."""

    SENT = auto()
    # The server takes no mail now; the mails after it need not be tried.
    SERVER_AWAY = auto()
    # This one cannot be sent now, such as to a full mailbox.
    NOT_NOW = auto()
    REFUSED = auto()
    # Left for the next round.
    NOT_TRIED = auto()


@dataclass(frozen=True, slots=True)
class _Outcome:
    came: _Came
    error: str = ""


def post(*, recipient: str, subject: str, body: str, at: datetime) -> OutboxMessage:
    """Store a mail in the current transaction; the next `deliver_due` sends it."""
    return OutboxMessage.objects.create(
        recipient=recipient,
        subject=" ".join(subject.split())[:200],
        body=body,
        created_at=at,
        next_attempt_at=at,
        give_up_at=at + KEPT_TRYING,
    )


def deliver_due(*, clock: Callable[[], datetime]) -> dict[str, int]:
    """Send the mails that are due, side by side over a few connections. Return counts by outcome.

    A mail is claimed before it is sent, so that two sweeps never send it both, and no transaction
    is open while it is. One that fails, however it fails, stops no other: it is tried again after
    a wait that doubles, for days if the server is away. A sweep ends when the server is away.
    """
    counts = {Delivery.SENT.value: 0, Delivery.WAITING.value: 0, Delivery.FAILED.value: 0}
    started, away = clock(), False
    while not away and clock() - started < ROUNDS_BEGIN_WITHIN and (mails := _claim(clock())):
        for mail, outcome in _send_all(mails):
            away = away or outcome.came is _Came.SERVER_AWAY
            if status := _record(mail, outcome, clock()):
                counts[status] += 1
    return counts


@transaction.atomic
def send_again(*, message_id: int, at: datetime) -> OutboxMessage:
    """Send a mail that was given up once more, as long as a new one. Raises MailNotFailed."""
    message = OutboxMessage.objects.select_for_update().get(pk=message_id)
    if message.status != Delivery.FAILED.value:
        raise MailNotFailed("Only a mail that failed can be sent again.")
    message.status, message.attempts, message.refusals = Delivery.WAITING.value, 0, 0
    message.next_attempt_at, message.give_up_at = at, at + KEPT_TRYING
    message.let_be_at = None
    message.save(update_fields=[*TRIED, "give_up_at", "let_be_at"])
    return message


@transaction.atomic
def let_be(*, message_id: int, at: datetime) -> OutboxMessage:
    """Leave a mail that was given up as it is. Raises MailNotFailed."""
    message = OutboxMessage.objects.select_for_update().get(pk=message_id)
    if message.status != Delivery.FAILED.value:
        raise MailNotFailed("Only a mail that failed can be let be.")
    message.let_be_at = at
    message.save(update_fields=["let_be_at"])
    return message


@transaction.atomic
def _claim(at: datetime) -> list[OutboxMessage]:
    due = OutboxMessage.objects.due(at).order_by("next_attempt_at", "pk")
    claimed = list(due.select_for_update(skip_locked=True)[:IN_A_ROUND])
    OutboxMessage.objects.filter(pk__in=[mail.pk for mail in claimed]).update(
        next_attempt_at=at + LEASE
    )
    return claimed


# Sending: no database here, since it is done by threads


def _send_all(mails: Sequence[OutboxMessage]) -> Iterator[tuple[OutboxMessage, _Outcome]]:
    size = max(FEWEST_FOR_A_CONNECTION, -(-len(mails) // CONNECTIONS))
    shares = [mails[start : start + size] for start in range(0, len(mails), size)]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for share, outcomes in zip(
            shares, pool.map(_send_over_one_connection, shares), strict=True
        ):
            yield from zip(share, outcomes, strict=True)


def _send_over_one_connection(mails: Sequence[OutboxMessage]) -> list[_Outcome]:
    connection = get_connection()
    until = time.monotonic() + ROUND_SECONDS
    outcomes: list[_Outcome] = []
    for mail in mails:
        is_away = bool(outcomes) and outcomes[-1].came in (_Came.SERVER_AWAY, _Came.NOT_TRIED)
        if is_away or time.monotonic() > until:
            outcomes.append(_Outcome(_Came.NOT_TRIED))
        else:
            outcomes.append(_send(connection, mail))
    try:
        connection.close()
    except OSError as failure:
        # All that was to be sent is sent: what comes of a farewell changes nothing.
        logger.info("The mail server took no farewell: %s", _in_words(failure))
    return outcomes


def _send(connection: BaseEmailBackend, mail: OutboxMessage) -> _Outcome:
    try:
        connection.open()
        message = EmailMessage(
            mail.subject, mail.body, None, [mail.recipient], connection=connection
        )
        if not message.send():
            return _Outcome(_Came.REFUSED, "Nobody to send it to.")
    # Whatever a mail fails by, such as an address that no header holds, is this mail's own matter.
    except Exception as failure:  # noqa: BLE001
        return _Outcome(_came_of(failure), _in_words(failure))
    return _Outcome(_Came.SENT)


def _came_of(failure: Exception) -> _Came:
    """Tell apart what concerns the server, what passes, and what the server refuses for good."""
    if isinstance(failure, SMTPRecipientsRefused):
        codes = [code for code, _text in failure.recipients.values()]
        return _Came.NOT_NOW if all(map(_passes, codes)) else _Came.REFUSED
    if isinstance(failure, SMTPDataError):
        return _Came.NOT_NOW if _passes(failure.smtp_code) else _Came.REFUSED
    if isinstance(failure, SMTPNotSupportedError):
        return _Came.REFUSED
    # A refused connection, greeting, sign-in or sender, too: none of them is this mail's.
    return _Came.SERVER_AWAY if isinstance(failure, OSError) else _Came.REFUSED


def _passes(code: int) -> bool:
    """Tell whether an answer of a mail server means “not now” (RFC 5321 §4.2.1)."""
    return 400 <= code < 500


def _in_words(failure: Exception) -> str:
    """Return what failed as text that a database holds."""
    text = f"{type(failure).__name__}: {failure}"
    return "".join(letter if letter.isprintable() else " " for letter in text)[:200]


# What came of it


def _record(mail: OutboxMessage, outcome: _Outcome, at: datetime) -> str:
    """Record what came of a mail and when it is tried next; return its status, if it was tried."""
    if outcome.came is _Came.NOT_TRIED:
        OutboxMessage.objects.filter(pk=mail.pk).update(next_attempt_at=at)
        return ""
    mail.last_error = outcome.error
    if outcome.came is _Came.SENT:
        mail.status, mail.sent_at = Delivery.SENT.value, at
    else:
        mail.attempts += 1
        mail.refusals += outcome.came is _Came.REFUSED
        mail.status = _status_after_failure(mail, outcome, at).value
        mail.next_attempt_at = at + min(FIRST_WAIT * 2 ** min(mail.attempts - 1, 9), LONGEST_WAIT)
    mail.save(update_fields=TRIED)
    return str(mail.status)


def _status_after_failure(mail: OutboxMessage, outcome: _Outcome, at: datetime) -> Delivery:
    refused_for_good = outcome.came is _Came.REFUSED and mail.refusals >= REFUSALS
    if not refused_for_good and at < (mail.give_up_at or mail.created_at + KEPT_TRYING):
        return Delivery.WAITING
    logger.error("Mail %s was given up: %s", mail.pk, outcome.error)
    return Delivery.FAILED
