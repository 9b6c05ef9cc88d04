"""Bank details: entered by one person, approved by another, and paid to after some days.

An account number leaves its envelope only for the file that a bank gets. Pages, mails, logs and
histories have its last signs.
"""

import json
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from talent import envelope, four_eyes, outbox
from talent.beneficiaries import reader_of
from talent.errors import Refused
from talent.models import Agency, Beneficiary, User
from talent.periods import local_day
from valuation.bank_files.payments import Address, BankAccount, refuse_account
from valuation.models import Account, BankDetails, BankDetailsDecision
from valuation.words import BankDetailsOutcome

APPROVES = "valuation.approve_bankdetails"
PURPOSE = "bank-details"
# Whoever had an account changed by a forged letter is told, and has so long to say so.
COOLING_OFF = timedelta(days=5)
SIGNS_SHOWN = 4


class NoPayeeOfTheAgency(Refused):
    """The agency has nothing to pay to that beneficiary."""

    code = "no_payee_of_the_agency"


class DetailsWait(Refused):
    """Other details of the same payee wait for a second person."""

    code = "bank_details_wait"


class AlreadyDecided(Refused):
    """The details were approved, rejected or taken back before."""

    code = "already_decided"


class OtherAccount(Refused):
    """What the second person read from the payee's paper is another account."""

    code = "other_account"


class CannotBeOpened(Refused):
    """The desk's key was lost since, or somebody moved an envelope to another payee."""

    code = "bank_details_cannot_be_opened"


class NoReason(Refused):
    """Whoever rejects details says why."""

    code = "no_reason"


def payees_of(agency: Agency) -> QuerySet[Beneficiary]:
    """Return whom an agency may come to pay: its clients, their heirs, whoever it ever owed."""
    owed = Account.objects.filter(agency=agency, beneficiary__isnull=False)
    return Beneficiary.objects.filter(
        Q(agency=agency)
        | Q(payee_of=agency)
        | Q(performer__representations__agency=agency)
        | Q(estates__performer__representations__agency=agency)
        | Q(pk__in=owed.values("beneficiary"))
    ).distinct()


@transaction.atomic
def write(
    *,
    agency: Agency,
    beneficiary: Beneficiary | None,
    currency: str,
    account: BankAccount,
    company_id: str = "",
    by: User,
    at: datetime,
) -> BankDetails:
    """Keep details for a second person to approve; without a beneficiary they are the agency's own.

    `company_id` is by what a bank of the United States knows the agency. Raises NotPayable for an
    account that cannot be, NoPayeeOfTheAgency, DetailsWait, four_eyes.NobodyToApprove.
    """
    refuse_account(account)
    # Locked, so that two people do not enter two accounts at once.
    Agency.objects.select_for_update(no_key=True).get(pk=agency.pk)
    if beneficiary and not payees_of(agency).filter(pk=beneficiary.pk).exists():
        raise NoPayeeOfTheAgency(_("%s is nobody whom this agency pays.") % beneficiary)
    whose: dict[str, Any] = {
        "agency": agency, "beneficiary": beneficiary, "currency": currency,
    }  # fmt: skip
    if BankDetails.objects.waiting().filter(**whose).exists():
        raise DetailsWait(
            _("Other details of this payee wait for approval. Have them decided on first.")
        )
    four_eyes.refuse_without_approver(asked_by=by, permission=APPROVES, agency_id=agency.pk)
    return BankDetails.objects.create(
        **whose,
        holder=account.holder,
        masked=masked(account),
        sealed=sealed(account, company_id, **whose),
        written_at=at,
        written_by=by,
    )


def sealed(
    account: BankAccount,
    company_id: str,
    *,
    agency: Agency,
    beneficiary: Beneficiary | None,
    currency: str,
) -> bytes:
    """Put an account into an envelope that opens only for whose it is."""
    content = json.dumps({"account": asdict(account), "company_id": company_id})
    about = _about(agency, beneficiary, currency)
    return envelope.seal(content.encode(), key=_key(), about=about)


@transaction.atomic
def approve(*, details_id: int, again: str, by: User, at: datetime, note: str = "") -> BankDetails:
    """Have details count, and tell the payee; `again` is the account as the approver knows it.

    Raises AlreadyDecided, OtherAccount, four_eyes.FourEyes.
    """
    details = _waiting(details_id)
    four_eyes.refuse_same_person(by=by, before=[details.written_by_id])
    account = account_of(details)
    if "".join(again.split()).upper() != (account.iban or account.number).upper():
        raise OtherAccount(_("This is not the account that was entered. Have it entered anew."))
    _decide(details, BankDetailsOutcome.APPROVED, by, at, note)
    if reader := reader_of(details.beneficiary):
        paid_from = payable_from(details)
        outbox.post(
            recipient=reader.email,
            subject=_("Your account at %s was changed") % details.agency,
            body=_(
                "From %(day)s on, what %(agency)s pays you in %(currency)s goes to this account:\n"
                "%(holder)s, %(account)s\n\n"
                "If you have not asked for this, call your agency at once, by a number that you "
                "know.\n"
            )
            % {
                "day": paid_from,
                "agency": details.agency,
                "currency": details.currency,
                "holder": details.holder,
                "account": details.masked,
            },
            at=at,
        )
    return details


@transaction.atomic
def reject(*, details_id: int, by: User, at: datetime, note: str) -> None:
    """Leave things as they are; who entered the details takes them back so.

    Raises NoReason, AlreadyDecided, four_eyes.FourEyes.
    """
    if not note.strip():
        raise NoReason(_("Say why: whoever entered it reads it."))
    details = _waiting(details_id)
    four_eyes.refuse_to_reject(
        by=by,
        asked_by=[details.written_by_id],
        permission=APPROVES,
        agency_ids=[details.agency_id],
    )
    own = details.written_by_id == by.pk
    outcome = BankDetailsOutcome.TAKEN_BACK if own else BankDetailsOutcome.REJECTED
    _decide(details, outcome, by, at, note)


def in_force(*, agency_id: int, currency: str) -> dict[int | None, BankDetails]:
    """Return the details that count, by beneficiary; under None the agency's own. One query."""
    approved = BankDetails.objects.approved().filter(agency=agency_id, currency=currency)
    rows = approved.select_related("decision", "agency").order_by("decision__at", "pk")
    return {row.beneficiary_id: row for row in rows}


def payable_from(details: BankDetails) -> date:
    """Return the first day on which money may go to approved details; to an own account at once."""
    approved_on = local_day(details.decision.at, details.agency.time_zone)
    return approved_on + (COOLING_OFF if details.beneficiary_id else timedelta())


def account_of(details: BankDetails) -> BankAccount:
    """Open the envelope. Raises CannotBeOpened if another key or row sealed it."""
    told = _opened(details)["account"]
    return BankAccount(**{**told, "address": Address(**told["address"])})


def company_id_of(details: BankDetails) -> str:
    """Return by what its bank in the United States knows an agency; empty: nobody said."""
    return str(_opened(details)["company_id"])


def masked(account: BankAccount) -> str:
    """Return what people read of an account: its kind, and its last signs."""
    if account.iban:
        return f"IBAN {account.iban[:2]} … {account.iban[-SIGNS_SHOWN:]}"
    shown = account.number[-SIGNS_SHOWN:] if len(account.number) > 2 * SIGNS_SHOWN else ""
    return f"{_('account')} … {shown}".strip()


def _opened(details: BankDetails) -> dict[str, Any]:
    about = _about(details.agency, details.beneficiary, details.currency)
    try:
        content = envelope.open_envelope(bytes(details.sealed), key=_key(), about=about)
    except envelope.EnvelopeBroken as broken:
        raise CannotBeOpened(
            _("%s cannot be opened: the desk’s key is another one. Have it entered anew.") % details
        ) from broken
    opened: dict[str, Any] = json.loads(content)
    return opened


def _about(agency: Agency, beneficiary: Beneficiary | None, currency: str) -> str:
    return f"{agency.pk}:{beneficiary.pk if beneficiary else ''}:{currency}"


def _key() -> bytes:
    return envelope.key_for(PURPOSE, key_encryption_key=settings.KEY_ENCRYPTION_KEY)


def _waiting(details_id: int) -> BankDetails:
    # Locked, so that two people do not decide at once.
    details = BankDetails.objects.select_for_update(of=["self"]).get(pk=details_id)
    if BankDetailsDecision.objects.filter(details=details).exists():
        raise AlreadyDecided(_("It was decided before."))
    return details


def _decide(
    details: BankDetails, outcome: BankDetailsOutcome, by: User, at: datetime, note: str
) -> None:
    BankDetailsDecision.objects.create(
        details=details, outcome=outcome.value, at=at, by=by, note=note.strip()
    )
