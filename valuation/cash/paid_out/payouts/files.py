"""The file of a payout run for the bank: written once, sealed, fetched as often as needed."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from licensing.money import rounded
from talent import envelope
from talent.models import User
from valuation.bank_files import nacha, pain001
from valuation.bank_files.payments import LONGEST_TEXT, NotPayable, Payment, PaymentBatch
from valuation.models import BankDetails, PayoutPayment, PayoutRun
from valuation.words import PaymentScheme, PayoutRunState, PayoutStepKind

from .. import bank_details
from .refusals import FileChanged
from .runs import locked, step

PURPOSE = "payout-file"


@transaction.atomic
def fetch(*, run_id: int, by: User, at: datetime) -> bytes:
    """Return the file for the bank, always the same bytes, and note who fetched it when.

    Raises NotItsTurn, FileChanged.
    """
    states = (PayoutRunState.APPROVED, PayoutRunState.SENT, PayoutRunState.SETTLED)
    run = locked(run_id, *states)
    try:
        content = envelope.open_envelope(bytes(run.file or b""), key=key(), about=run.reference)
    except envelope.EnvelopeBroken:
        content = b""
    if hashlib.sha256(content).hexdigest() != run.file_sha256:
        raise FileChanged(
            _("The file that was approved cannot be opened. Cancel the run, and draw it up anew.")
        )
    step(run, PayoutStepKind.DOWNLOADED, by, at)
    return content


def changed_since(run: PayoutRun) -> list[PayoutPayment]:
    """Return the payments in transit whose payee has other bank details by now than the file."""
    now = bank_details.in_force(agency_id=run.agency_id, currency=run.currency)
    rows = run.payments.in_transit().select_related("beneficiary")
    return [row for row in rows if now.get(row.beneficiary_id) != row.details]


def file_name(run: PayoutRun) -> str:
    return f"{run.reference}.{'ach' if run.scheme == PaymentScheme.NACHA else 'xml'}"


def written(run: PayoutRun, payments: Sequence[PayoutPayment], at: datetime | None = None) -> bytes:
    """Return the file that pays these. Raises NotPayable."""
    batch = PaymentBatch(
        reference=run.reference,
        made_at=at or run.drawn_up_at,
        execute_on=run.pay_on,
        currency=run.currency,
        debtor=bank_details.account_of(run.account),
        payments=tuple(
            Payment(
                end_to_end=payment.end_to_end,
                to=bank_details.account_of(_details_of(payment)),
                amount=rounded(payment.amount, run.currency),
                text=f"{run.agency.name} {payment.end_to_end}"[:LONGEST_TEXT],
            )
            for payment in payments
        ),
    )
    if run.scheme == PaymentScheme.NACHA:
        return nacha.write(batch, company_id=bank_details.company_id_of(run.account))
    return pain001.write(batch)


def _details_of(payment: PayoutPayment) -> BankDetails:
    if payment.details is None:
        raise NotPayable(_("%s has no bank details.") % payment.beneficiary)
    return payment.details


def key() -> bytes:
    return envelope.key_for(PURPOSE, key_encryption_key=settings.KEY_ENCRYPTION_KEY)
