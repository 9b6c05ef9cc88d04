"""Failures: staff are told by mail when the desk itself failed to decide, once a minute at most."""

import logging
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import caches
from django.db import transaction

from licensing.decision.decision import Decision
from licensing.models import LicenseeTerms
from licensing.recipients import operators, staff_of
from talent import outbox
from talent.words import Role

logger = logging.getLogger(__name__)

QUIET_SECONDS = 60


@dataclass(frozen=True, slots=True)
class FailureMail:
    """Subject and body of the mail about one kind of failure."""

    subject: str
    body: str


REQUEST_FAILED = FailureMail(
    "A clearance failed",
    """\
The desk could not decide a request of {licensee} and refused it.

{text}

The reference stands in the log beside the cause. The studio was told to ask again later.
Further failures at {agency} within a minute are in the log only.
""",
)
USE_FAILED = FailureMail(
    "A reported use could not be judged",
    """\
The desk could not judge a use that {licensee} reported. It is kept as uncleared, and so it stays.

{text}

The reference stands in the log beside the cause. Once that is mended, rule on the use.
Further failures at {agency} within a minute are in the log only.
""",
)


def report_failure(
    decision: Decision, *, terms: LicenseeTerms, at: datetime, mail: FailureMail = REQUEST_FAILED
) -> int:
    """Mail the operators and the agency's business affairs; return how many mails were written.

    None within a minute of the last ones at this agency, so that a broken deploy fills the log and
    not everybody's mailbox. If the mails cannot be written, that is logged and breaks nothing.
    """
    try:
        if not caches["redis"].add(f"failure_reported:{terms.agency_id}", 1, QUIET_SECONDS):
            return 0
        # A savepoint, so that an error here leaves the caller's transaction usable.
        with transaction.atomic():
            return _write_mails(decision, terms, at, mail)
    except Exception:
        logger.exception("Nobody could be told that a clearance was not decided")
        return 0


def _write_mails(decision: Decision, terms: LicenseeTerms, at: datetime, mail: FailureMail) -> int:
    body = mail.body.format(
        licensee=terms.licensee.name, agency=terms.agency.name, text=decision.deciding.rule
    )
    recipients = list(operators() | staff_of([terms.agency_id], Role.BUSINESS_AFFAIRS))
    for user in recipients:
        outbox.post(recipient=user.email, subject=mail.subject, body=body, at=at)
    return len(recipients)
