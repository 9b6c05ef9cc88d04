"""Mails about disputes. No amounts: each side reads on its own pages what it may see."""

from collections.abc import Iterable
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from licensing import recipients
from talent import outbox
from talent.beneficiaries import reader_of
from talent.models import Beneficiary
from talent.words import Role
from valuation.models import Dispute, DisputeMessage, DisputeMove
from valuation.words import DisputeOutcome, DisputeSide

DECIDED = {
    DisputeOutcome.UPHELD: gettext_lazy(
        "%s was found right. What is wrong is put right; until then the line is held."
    ),
    DisputeOutcome.REJECTED: gettext_lazy(
        "%s was not found right. What was held of the line is free again."
    ),
    DisputeOutcome.SETTLED: gettext_lazy(
        "%s is settled: the line was put right, and nothing of it is held any more."
    ),
    DisputeOutcome.WITHDRAWN: gettext_lazy(
        "%s was withdrawn. What was held of the line is free again."
    ),
}


def raised(dispute: Dispute) -> None:
    """Tell the agency of a payee's dispute; confirm a licensee's, and tell whose part waits."""
    if dispute.side == DisputeSide.PAYEE:
        _tell_agency(dispute, _("%s disputes a line") % dispute.beneficiary, dispute.raised_at)
        return
    _tell_licensee(dispute, _("was noted"), dispute.raised_at)
    held = DisputeMove.objects.filter(dispute=dispute).values("beneficiary")
    payees = Beneficiary.objects.filter(pk__in=held).select_related("user", "performer__user")
    _tell_payees(
        dispute,
        payees,
        _("A studio disputes a line of yours"),
        _("A studio disputes what it owes for one of your lines. Your part of it waits."),
        dispute.raised_at,
    )


def written(dispute: Dispute, message: DisputeMessage) -> None:
    """Tell the other side that there is an answer; a note of the agency's own tells nobody."""
    if message.is_internal:
        return
    if not message.is_from_agency:
        _tell_agency(dispute, _("%s wrote about a dispute") % dispute.beneficiary, message.at)
    elif dispute.side == DisputeSide.PAYEE:
        _tell_own_payee(
            dispute, _("%s answered your dispute") % dispute.agency, message.text, message.at
        )
    else:
        _tell_licensee(dispute, message.text, message.at)


def decided(dispute: Dispute, outcome: DisputeOutcome, note: str, at: datetime) -> None:
    """Tell the party what was decided and why, and of a licensee's those whose money waited."""
    what = str(DECIDED[outcome]) % dispute.reference
    if dispute.side == DisputeSide.PAYEE:
        subject = _("Your dispute at %s was decided") % dispute.agency
        _tell_own_payee(dispute, subject, f"{what}\n\n{note}", at)
        return
    _tell_licensee(dispute, f"{what}\n\n{note}", at)
    ids = DisputeMove.objects.filter(dispute=dispute).values("beneficiary")
    payees = Beneficiary.objects.filter(pk__in=ids).select_related("user", "performer__user")
    subject = _("A studio's dispute of a line of yours was decided")
    _tell_payees(dispute, payees, subject, what, at)


def withdrawn(dispute: Dispute, at: datetime) -> None:
    _tell_agency(dispute, _("%s withdrew a dispute") % dispute.beneficiary, at)


def _tell_agency(dispute: Dispute, subject: str, at: datetime) -> None:
    body = _("%(dispute)s\n%(subject)s. Answer it under Money, Disputes.\n") % {
        "dispute": dispute, "subject": subject,
    }  # fmt: skip
    for user in recipients.staff_of([dispute.agency_id], Role.ACCOUNTING, Role.BUSINESS_AFFAIRS):
        outbox.post(recipient=user.email, subject=subject, body=body, at=at)


def _tell_own_payee(dispute: Dispute, subject: str, text: str, at: datetime) -> None:
    if dispute.beneficiary is not None:
        _tell_payees(dispute, [dispute.beneficiary], subject, text, at)


def _tell_payees(
    dispute: Dispute, payees: Iterable[Beneficiary], subject: str, text: str, at: datetime
) -> None:
    for payee in payees:
        if reader := reader_of(payee):
            body = _("%(text)s\n\nThe line: %(line)s\nSign in to the portal to read it.\n") % {
                "text": text, "line": dispute.label,
            }  # fmt: skip
            outbox.post(recipient=reader.email, subject=subject, body=body, at=at)


def _tell_licensee(dispute: Dispute, text: str, at: datetime) -> None:
    """Write to the licensee's billing address, where one is kept; no payee is named."""
    if dispute.licensee is None or not dispute.licensee.billing_email:
        return
    outbox.post(
        recipient=dispute.licensee.billing_email,
        subject=_("%(agency)s: your dispute %(reference)s")
        % {"agency": dispute.agency, "reference": dispute.reference},
        body=_("Your dispute of “%(line)s”: %(text)s\n") % {"line": dispute.label, "text": text},
        at=at,
    )
