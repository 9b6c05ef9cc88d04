"""Raising a dispute: by a payee on a line of a statement, by staff for a licensee."""

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from talent import locales
from talent.models import Agency, User
from talent.periods import local_day
from talent.plain_text import UNSEEN_CHARACTERS, has_unseen
from valuation.models import Dispute, Reading, Statement, StatementLine, StatementStep
from valuation.models.disputes import LONGEST_TEXT, DisputeQuerySet
from valuation.words import (
    DisputeOutcome,
    DisputeReason,
    DisputeSide,
    StatementKind,
    StatementStepKind,
)

from . import holding, telling
from .periods import ObjectionPeriod, agreed_period, objection_period
from .refusals import AlreadyDisputed, NoSuchLine, NoText, ObjectionPeriodOver

RAISES = "valuation.raise_dispute"
ZERO = Decimal(0)


def checked_text(text: str) -> str:
    """Return what somebody wrote, without spaces around it. Raises NoText."""
    text = text.strip()
    if not text:
        raise NoText(_("Say what is wrong, and what would be right."))
    if len(text) > LONGEST_TEXT or has_unseen(text):
        raise NoText(
            UNSEEN_CHARACTERS
            if has_unseen(text)
            else _("Say it in at most %d characters.") % LONGEST_TEXT
        )
    return text


def stated_on(statement: Statement) -> date:
    """Return the day on which a statement was issued, in its agency's zone."""
    issued = StatementStep.objects.filter(
        statement=statement, kind=StatementStepKind.ISSUED.value
    ).order_by("pk")
    at = issued.values_list("at", flat=True).first()
    zone = statement.agency.time_zone
    return local_day(at, zone) if at else statement.period_ends_on


def period_of(statement: Statement, agreement: str = "") -> ObjectionPeriod | None:
    """Return until when a statement's lines under an agreement may be disputed; None: nothing says.

    What the agreement names counts as the statement says it, before any rule. Without an agreement
    it is about the statement as a whole.
    """
    day = stated_on(statement)
    agreed = agreed_period(statement.content, stated_on=day, agreement=agreement)
    return agreed or objection_period(statement.agency, stated_on=day)


def amounts_of(statement: Statement) -> dict[int, Decimal]:
    """Return what a statement says of each reading, in all. One query."""
    lines = StatementLine.objects.filter(statement=statement, residual_line__isnull=False)
    sums = lines.order_by().values_list("residual_line__reading").annotate(Sum("amount"))
    return dict(sums)


@transaction.atomic
def raise_on_statement(
    *,
    statement_id: int,
    reading_id: int | None,
    reason: DisputeReason,
    text: str,
    by: User,
    at: datetime,
) -> Dispute:
    """Dispute a line of an issued statement for its payee; only the line's money is held.

    Without a reading it is about what the statement does not have, or what was taken off: a claim
    that holds nothing. The caller looks that `by` speaks for the payee. Raises NoSuchLine,
    ObjectionPeriodOver, AlreadyDisputed, NoText.
    """
    text = checked_text(text)
    statement = (
        Statement.objects.issued()
        .filter(kind=StatementKind.BENEFICIARY.value)
        .select_related("agency", "beneficiary")
        .get(pk=statement_id)
    )
    # Locked, so that no run pays meanwhile what is to be held, nor the same is disputed twice.
    Agency.objects.select_for_update(no_key=True).get(pk=statement.agency_id)
    same = Dispute.objects.filter(statement=statement, reading=reading_id)
    label, amount, agreement = str(_("The statement as a whole")), ZERO, ""
    if reading_id is not None:
        amounts = amounts_of(statement)
        if reading_id not in amounts:
            raise NoSuchLine(_("%s has no such line.") % statement)
        amount = amounts[reading_id]
        reading = Reading.objects.select_related("rate_line", "advance", "agreement").get(
            pk=reading_id
        )
        label, agreement = _label(reading), reading.agreement.reference
    _refuse_late(statement, at, agreement)
    _refuse_again(same)
    return _store(
        Dispute(
            agency=statement.agency,
            side=DisputeSide.PAYEE.value,
            statement=statement,
            reading_id=reading_id,
            beneficiary=statement.beneficiary,
            label=label,
            amount=amount,
            currency=statement.currency,
            reason=reason.value,
            text=text,
            raised_at=at,
            raised_by=by,
        )
    )


@transaction.atomic
def raise_for_licensee(
    *, reading_id: int, reason: DisputeReason, text: str, by: User, at: datetime
) -> Dispute:
    """Dispute what a licensee owes for a reading, as it said; each payee's part of it is held.

    Raises NoSuchLine, AlreadyDisputed, NoText.
    """
    text = checked_text(text)
    rows = Reading.objects.select_related(
        "agreement__agency", "agreement__licensee", "rate_line", "advance"
    )
    reading = rows.get(pk=reading_id)
    agency = reading.agreement.agency
    # Locked, so that no run pays meanwhile what is to be held, nor the same is disputed twice.
    Agency.objects.select_for_update(no_key=True).get(pk=agency.pk)
    if reading.gross <= 0:
        raise NoSuchLine(_("Nothing is owed for this: there is nothing to dispute."))
    _refuse_again(Dispute.objects.filter(reading=reading, side=DisputeSide.LICENSEE.value))
    return _store(
        Dispute(
            agency=agency,
            side=DisputeSide.LICENSEE.value,
            reading=reading,
            licensee=reading.agreement.licensee,
            label=_label(reading),
            amount=reading.gross,
            currency=reading.currency,
            reason=reason.value,
            text=text,
            raised_at=at,
            raised_by=by,
        )
    )


def _label(reading: Reading) -> str:
    """Name a line as its statement does, by number and words."""
    return f"R{reading.pk} {reading.label}"[:300]


def _store(dispute: Dispute) -> Dispute:
    dispute.save()
    if dispute.reading is not None:
        holding.follow([dispute.reading.agreement_id], now=dispute.raised_at, by=dispute.raised_by)
    telling.raised(dispute)
    return dispute


def _refuse_late(statement: Statement, at: datetime, agreement: str) -> None:
    period = period_of(statement, agreement)
    if period and local_day(at, statement.agency.time_zone) > period.last_day:
        raise ObjectionPeriodOver(
            _(
                "The lines of %(statement)s could be disputed until %(day)s (%(rule)s). Write to "
                "%(agency)s if you see it otherwise."
            )
            % {
                "statement": statement,
                "day": locales.day(period.last_day, "en"),
                "rule": period.rule,
                "agency": statement.agency,
            }
        )


def _refuse_again(same: DisputeQuerySet) -> None:
    for one in same.with_state():
        if one.last_outcome != DisputeOutcome.WITHDRAWN:
            raise AlreadyDisputed(
                _("This line was disputed already, as %s. Write there what is new.") % one.reference
            )
