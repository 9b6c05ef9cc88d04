"""Self-billing agreements: entered by one person, approved by another, withdrawn from a day on."""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from talent import four_eyes
from talent.models import Agency, User
from talent.periods import local_day
from valuation.models import Invoice, SelfBillingAgreement, SelfBillingStep
from valuation.words import InvoiceKind, SelfBillingState, SelfBillingStepKind

from .refusals import NoReason, NotItsTurn, NotThatDay

ENTERS = "valuation.add_selfbillingagreement"
APPROVES = "valuation.approve_selfbillingagreement"
SELF_BILLED = [InvoiceKind.SELF_BILLED.value, InvoiceKind.SELF_BILLED_CREDIT.value]


def in_force(
    *, agency: Agency, beneficiary_id: int, on: date, licensee_id: int | None = None
) -> SelfBillingAgreement | None:
    """Return what is agreed with a payee on a day: by the agency, or by a licensee; the newest."""
    found = SelfBillingAgreement.objects.in_force(on).filter(
        agency=agency, beneficiary=beneficiary_id, licensee=licensee_id
    )
    return found.order_by("-starts_on", "-pk").first()


def lock(*, agency_id: int, beneficiary_id: int | None, licensee_id: int | None = None) -> None:
    """Let nobody decide on what a buyer agreed with a payee until the transaction ends."""
    rows = SelfBillingAgreement.objects.filter(
        agency=agency_id, beneficiary=beneficiary_id, licensee=licensee_id
    )
    list(rows.order_by("pk").select_for_update().values_list("pk"))


@transaction.atomic
def ask(*, agreement: SelfBillingAgreement, by: User, at: datetime) -> SelfBillingAgreement:
    """Keep an agreement that was signed, which counts once somebody else approves it.

    Raises four_eyes.NobodyToApprove.
    """
    four_eyes.refuse_without_approver(
        asked_by=by, permission=APPROVES, agency_id=agreement.agency_id
    )
    agreement.written_by, agreement.written_at = by, at
    agreement.save()
    return agreement


@transaction.atomic
def approve(*, agreement_id: int, by: User, at: datetime, note: str = "") -> None:
    """Record a second person's approval. Raises NotItsTurn, four_eyes.FourEyes."""
    agreement = _locked(agreement_id, SelfBillingState.WAITING)
    four_eyes.refuse_same_person(by=by, before=[agreement.written_by_id])
    _step(agreement, SelfBillingStepKind.APPROVED, by, at, note)


@transaction.atomic
def reject(*, agreement_id: int, by: User, at: datetime, note: str) -> None:
    """Record that it is not approved; who entered it takes it back so.

    Raises NoReason, NotItsTurn, four_eyes.FourEyes.
    """
    if not note.strip():
        raise NoReason(_("Say why: others read it."))
    agreement = _locked(agreement_id, SelfBillingState.WAITING)
    four_eyes.refuse_to_reject(
        by=by,
        asked_by=[agreement.written_by_id],
        permission=APPROVES,
        agency_ids=[agreement.agency_id],
    )
    own = by.pk == agreement.written_by_id
    kind = SelfBillingStepKind.TAKEN_BACK if own else SelfBillingStepKind.REJECTED
    _step(agreement, kind, by, at, note.strip())


@transaction.atomic
def withdraw(*, agreement_id: int, on: date, by: User, at: datetime, note: str) -> None:
    """Record that one of the parties ends an approved agreement from a day on.

    One person does it: from then on nothing is written by it. What was issued stays. Raises
    NoReason, NotItsTurn, NotThatDay.
    """
    if not note.strip():
        raise NoReason(_("Say who withdrew it and how: others read it."))
    agreement = _locked(agreement_id, SelfBillingState.APPROVED)
    issued = (
        Invoice.objects.issued()
        .live()
        .filter(
            kind__in=SELF_BILLED,
            agency=agreement.agency_id,
            beneficiary=agreement.beneficiary_id,
            licensee=agreement.licensee_id,
        )
    )
    last = issued.order_by("-issued_on").values_list("issued_on", flat=True).first()
    if on < agreement.starts_on or (last and on <= last):
        raise NotThatDay(
            _("An invoice was written by it on %s. Choose a later day.") % last
            if last
            else _("It had not begun by then. Choose a later day.")
        )
    if on > max(local_day(at, agreement.agency.time_zone), agreement.ends_on):
        raise NotThatDay(_("It has ended by then."))
    _step(agreement, SelfBillingStepKind.WITHDRAWN, by, at, note.strip(), on=on)


def _locked(agreement_id: int, state: SelfBillingState) -> SelfBillingAgreement:
    # Locked, so that two people cannot take the same step.
    SelfBillingAgreement.objects.select_for_update().get(pk=agreement_id)
    found = SelfBillingAgreement.objects.with_state().select_related("agency").get(pk=agreement_id)
    if found.state is not state:
        raise NotItsTurn(
            _("%(agreement)s is: %(state)s. Open it anew to see what is next.")
            % {"agreement": found, "state": found.state.label}
        )
    return found


def _step(
    agreement: SelfBillingAgreement,
    kind: SelfBillingStepKind,
    by: User,
    at: datetime,
    note: str,
    *,
    on: date | None = None,
) -> None:
    SelfBillingStep.objects.create(
        agreement=agreement, kind=kind.value, by=by, at=at, note=note, on=on
    )
