"""Amendments: a signed agreement's caps, grants and rates change when two people say so.

One asks, another approves, and from its day on the change holds. It is checked three times, when it
is asked for, approved and applied, each time against what holds by then.
"""

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from licensing.caps.years import raise_alerts_of_new_limits
from licensing.models import (
    Advance,
    Agreement,
    AgreementStep,
    Amendment,
    AmendmentStep,
    Cap,
    DealTerms,
    Grant,
    Guarantee,
    RateCard,
)
from licensing.words import (
    AgreementStatus,
    AgreementStepKind,
    AmendmentState,
    AmendmentStepKind,
    AmendmentSubject,
)
from talent import four_eyes, outbox
from talent.errors import Refused
from talent.models import User
from talent.periods import local_day, starts_at

from . import agreements, deals, money_terms
from .counted_caps import begin_to_count
from .rates.escalators import in_words

APPROVES = "licensing.approve_amendment"

CAP, GRANT, RATE_CARD = (
    AmendmentSubject.CAP,
    AmendmentSubject.GRANT,
    AmendmentSubject.RATE_CARD,
)

Terms = Mapping[str, Any]  # of a cap, a grant or a rate card, as JSON


class NotAmendable(Refused):
    """Only a signed agreement is amended; a draft is edited."""

    code = "not_amendable"


class WrongTerms(Refused):
    """What is asked for is no cap, grant or rate card that could stand, or changes nothing."""

    code = "wrong_terms"


class CountsInThePast(Refused):
    """What was allowed stays allowed: a cap or grant changes from today on, or later."""

    code = "counts_in_the_past"


class AlreadyDecided(Refused):
    """The amendment was approved, rejected or taken back before."""

    code = "already_decided"


class HoldsNoMore(Refused):
    """What the amendment was to change is not any more what it was when it was asked for."""

    code = "holds_no_more"


@dataclass(frozen=True, slots=True)
class Change:
    """A change that is asked for: of a row, or of none where it adds one; null ends the row."""

    about: AmendmentSubject
    after: Terms | None
    row: int | None = None


# Asking


@transaction.atomic
def ask(
    *,
    agreement: Agreement,
    change: Change,
    counts_from: date,
    reason: str,
    by: User,
    at: datetime,
) -> Amendment:
    """Ask for a change of a signed agreement; somebody else approves it.

    Raises NotAmendable, WrongTerms, CountsInThePast, four_eyes.NobodyToApprove, and what forbids
    signing such a grant or rate card.
    """
    locked = agreements.lock(agreement)
    if locked.status != AgreementStatus.SIGNED:
        raise NotAmendable(_("Only a signed agreement is amended."))
    if not reason.strip():
        raise WrongTerms(_("Say why: whoever approves it reads it."))
    four_eyes.refuse_without_approver(asked_by=by, permission=APPROVES, agency_id=locked.agency_id)
    before = None if change.row is None else _terms_now(locked, change.about, change.row)
    after = None if change.after is None else dict(change.after)
    if change.about == RATE_CARD:
        before = None  # The card itself waits; what it says is in `after`.
    if before == after:
        raise WrongTerms(_("Nothing would change."))
    amendment = Amendment(
        agreement=locked,
        number=locked.amendments.count() + 1,
        about=change.about,
        row=change.row,
        before=before,
        after=after,
        counts_from=counts_from,
        reason=reason.strip(),
        asked_at=at,
        asked_by=by,
    )
    _check(amendment, at)
    amendment.save(force_insert=True)
    return amendment


# Deciding


@transaction.atomic
def approve(*, amendment_id: int, by: User, at: datetime, reason: str = "") -> Amendment:
    """Approve what somebody else asked for; what counts from today or before is applied at once.

    Raises AlreadyDecided, HoldsNoMore, four_eyes.FourEyes, and what `ask` raises.
    """
    amendment = _waiting(amendment_id)
    four_eyes.refuse_same_person(by=by, before=[amendment.asked_by_id])
    _check(amendment, at)
    _step(amendment, AmendmentStepKind.APPROVED, at, by=by, reason=reason)
    if _is_due(amendment, at):
        _apply(amendment, at)
    return amendment


@transaction.atomic
def reject(*, amendment_id: int, by: User, at: datetime, reason: str) -> Amendment:
    """Reject an amendment, with the reason; who asked for it takes it back so.

    Raises AlreadyDecided, WrongTerms, four_eyes.FourEyes.
    """
    if not reason.strip():
        raise WrongTerms(_("Say why: whoever asked reads it."))
    amendment = _waiting(amendment_id)
    four_eyes.refuse_to_reject(
        by=by,
        asked_by=[amendment.asked_by_id],
        permission=APPROVES,
        agency_ids=[amendment.agreement.agency_id],
    )
    own = amendment.asked_by_id == by.pk
    kind = AmendmentStepKind.TAKEN_BACK if own else AmendmentStepKind.REJECTED
    _step(amendment, kind, at, by=by, reason=reason)
    return amendment


def apply_due(*, at: datetime) -> dict[str, int]:
    """Apply the approved amendments whose day has come; return how many, and how many could not be.

    One that does not hold any more is not applied, and both people are told.
    """
    # A day begins first in the east.
    soon = (at + timedelta(days=1)).date()
    counts = {"applied": 0, "failed": 0}
    for pk in list(Amendment.objects.due(soon).order_by("pk").values_list("pk", flat=True)):
        if (applied := _apply_one(pk, at)) is not None:
            counts["applied" if applied else "failed"] += 1
    return counts


@transaction.atomic
def _apply_one(amendment_id: int, at: datetime) -> bool | None:
    """Return whether it was applied; None where it is not its day, or somebody else did it."""
    amendment = _locked(amendment_id)
    if amendment.state is not AmendmentState.APPROVED or not _is_due(amendment, at):
        return None
    try:
        with transaction.atomic():
            _check(amendment, at)
            _apply(amendment, at)
    except Refused as refusal:
        _step(amendment, AmendmentStepKind.FAILED, at, reason=str(refusal)[:500])
        _tell_of_failure(amendment, str(refusal), at)
        return False
    return True


def _locked(amendment_id: int) -> Amendment:
    """Return an amendment under the lock of its agreement, which everybody takes who changes it."""
    amendment = Amendment.objects.select_related("agreement").get(pk=amendment_id)
    amendment.agreement = agreements.lock(amendment.agreement)
    return amendment


def _waiting(amendment_id: int) -> Amendment:
    amendment = _locked(amendment_id)
    if amendment.state is not AmendmentState.WAITING:
        raise AlreadyDecided(
            _("%(amendment)s is decided: %(state)s.")
            % {"amendment": amendment, "state": amendment.state.label.lower()}
        )
    return amendment


def _is_due(amendment: Amendment, at: datetime) -> bool:
    return amendment.counts_from <= local_day(at, amendment.agreement.time_zone)


def _step(
    amendment: Amendment,
    kind: AmendmentStepKind,
    at: datetime,
    *,
    by: User | None = None,
    reason: str = "",
) -> None:
    AmendmentStep.objects.create(
        amendment=amendment, kind=kind.value, at=at, by=by, reason=reason.strip()
    )


def _tell_of_failure(amendment: Amendment, why: str, at: datetime) -> None:
    approval = amendment.steps.filter(kind=AmendmentStepKind.APPROVED.value).get()
    for person in {amendment.asked_by, approval.by}:
        if person is not None:
            outbox.post(
                recipient=person.email,
                subject=_("%(amendment)s of %(agreement)s was not applied")
                % {"amendment": amendment, "agreement": amendment.agreement},
                body=why,
                at=at,
            )


# What holds, and whether the change still can


def _check(amendment: Amendment, at: datetime) -> None:
    """Refuse an amendment that can not stand on what holds now."""
    agreement = amendment.agreement
    if agreement.status != AgreementStatus.SIGNED:
        raise NotAmendable(_("Only a signed agreement is amended."))
    if amendment.row is not None:
        now = _terms_now(agreement, amendment.about, amendment.row)
        known = amendment.after if amendment.about == RATE_CARD else amendment.before
        if now != known:
            raise HoldsNoMore(_("It was changed since this was asked for. Ask anew."))
    is_new = amendment.pk is None
    today = local_day(at, agreement.time_zone)
    if is_new and amendment.about != RATE_CARD and amendment.counts_from < today:
        raise CountsInThePast(
            _("Only rates change from a day that is past; all else from today on.")
        )
    if amendment.after is None and amendment.about == deals.DEAL:
        deals.refuse_to_end()
    elif amendment.after is None:
        money_terms.refuse_to_end(amendment, at)
    else:
        _CHECKS[amendment.about](amendment, at)


def _check_cap(amendment: Amendment, at: datetime) -> None:
    cap = _cap_of(amendment)
    _refuse_invalid(cap)
    if amendment.row is not None:
        before, after = amendment.before or {}, amendment.after or {}
        if any(before[name] != after[name] for name in FIXED):
            raise WrongTerms(
                _("A cap keeps its meter, channels and start. End it, and ask for another.")
            )
        ended = _read_day(before["ends_on"])
        has_ended = ended is not None and ended <= local_day(at, cap.time_zone)
        if has_ended and before["ends_on"] != after["ends_on"]:
            raise WrongTerms(
                _("This cap has ended, and has counted no use since. Ask for another.")
            )


def _check_grant(amendment: Amendment, at: datetime) -> None:
    grant = _grant_of(amendment)
    _refuse_invalid(grant)
    agreement = copy(amendment.agreement)
    begins = starts_at(amendment.counts_from, agreement.time_zone)
    agreement.starts_at = max(agreement.starts_at, begins)
    agreements.refuse_excess(agreement, [grant], at=at)


def _check_rate_card(amendment: Amendment, at: datetime) -> None:
    card = RateCard.objects.get(pk=_row_of(amendment))
    if not card.proposed:
        raise AlreadyDecided(_("This rate card is agreed already."))
    agreements.refuse_unclear(card)


_CHECKS: dict[str, Callable[[Amendment, datetime], None]] = {
    CAP: _check_cap,
    GRANT: _check_grant,
    RATE_CARD: _check_rate_card,
    money_terms.GUARANTEE: money_terms.check,
    money_terms.ADVANCE: money_terms.check,
    money_terms.MONEY: money_terms.check,
    deals.DEAL: deals.check,
}


def _refuse_invalid(row: Cap | Grant | RateCard) -> None:
    try:
        row.full_clean()
    except ValidationError as error:
        raise WrongTerms(" ".join(error.messages)) from error


# Terms as JSON

FIXED = ("meter", "channels", "starts_on")


def cap_terms(cap: Cap) -> dict[str, Any]:
    """Return the terms of a cap that an amendment shows and changes."""
    return {
        "meter": cap.meter,
        "limit": _plain(cap.limit),
        "channels": cap.channels and sorted(cap.channels),
        "hard": cap.hard,
        "starts_on": _day(cap.starts_on),
        "ends_on": _day(cap.ends_on),
    }


def grant_terms(grant: Grant) -> dict[str, Any]:
    """Return the terms of a grant that an amendment shows and changes."""
    return {
        "right": grant.right,
        "use": grant.use,
        "territories": grant.territories and sorted(grant.territories),
        "languages": grant.languages and sorted(grant.languages),
        "channels": grant.channels and sorted(grant.channels),
        "territories_excluded": sorted(grant.territories_excluded),
        "languages_in": grant.languages_in,
        "brands": grant.brands and sorted(grant.brands),
        "exclusions": sorted(grant.exclusions),
        "real_time": grant.real_time,
    }


def card_terms(card: RateCard) -> dict[str, Any]:
    """Return all that a rate card says, so that what is approved is what was asked for."""
    escalators = [
        _columns(row, without=("id", "card_id")) | {"named": in_words(row)}
        for row in card.escalators.select_related("index").order_by("first_on", "pk")
    ]
    return {
        "effective_from": _day(card.effective_from),
        "source": card.source,
        "lines": [
            {
                **_columns(line, without=("id", "card_id")),
                "brackets": [
                    _columns(bracket, without=("id", "line_id"))
                    for bracket in line.brackets.order_by("up_to", "pk")
                ],
            }
            for line in card.lines.order_by("code")
        ],
        "multipliers": [
            _columns(factor, without=("id", "card_id"))
            for factor in card.multipliers.order_by("dimension", "value")
        ],
        # What was asked for before there were any says nothing of them.
        **({"escalators": escalators} if escalators else {}),
    }


def _columns(row: Any, *, without: Iterable[str]) -> dict[str, Any]:
    names = (field.attname for field in row._meta.concrete_fields)
    return {name: _json(getattr(row, name)) for name in names if name not in without}


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return _plain(value)
    if isinstance(value, date):
        return _day(value)
    return sorted(value) if isinstance(value, list) else value


def _plain(quantity: Decimal) -> str:
    return f"{Decimal(quantity).normalize():f}"


def _day(day: date | str | None) -> str | None:
    return None if day is None else str(day)


def _terms_now(agreement: Agreement, about: str, row: int) -> dict[str, Any]:
    """Return what a row of the agreement says now. Raises HoldsNoMore where it is gone."""
    rows, terms = _TERMS[about]
    is_itself = about == money_terms.MONEY
    own = rows.filter(pk=agreement.pk) if is_itself else rows.filter(agreement=agreement)
    found = own.filter(pk=row).first()
    if found is None:
        raise HoldsNoMore(_("What this was to change is not there any more."))
    return terms(found)


_TERMS: dict[str, tuple[Any, Callable[[Any], dict[str, Any]]]] = {
    CAP: (Cap.objects, cap_terms),
    GRANT: (Grant.objects, grant_terms),
    RATE_CARD: (RateCard.objects, card_terms),
    money_terms.GUARANTEE: (Guarantee.objects, money_terms.guarantee_terms),
    money_terms.ADVANCE: (Advance.objects, money_terms.advance_terms),
    money_terms.MONEY: (Agreement.objects, money_terms.terms_of_agreement),
    deals.DEAL: (DealTerms.objects, deals.deal_terms),
}


# Applying


def _apply(amendment: Amendment, at: datetime) -> None:
    """Let an approved amendment hold from now on, and note it in the agreement's history."""
    _APPLY[amendment.about](amendment, at)
    _step(amendment, AmendmentStepKind.APPLIED, at)
    AgreementStep.objects.create(
        agreement=amendment.agreement,
        kind=AgreementStepKind.AMENDED.value,
        at=at,
        by=amendment.asked_by,
        reason=f"{amendment}: {amendment.reason}"[:500],
    )


def _apply_cap(amendment: Amendment, at: datetime) -> None:
    if amendment.after is None:
        Cap.objects.filter(pk=_row_of(amendment)).update(ends_on=amendment.counts_from)
        return
    cap = _cap_of(amendment)
    cap.save()
    if amendment.row is None:
        begin_to_count([cap.pk], at=at)
    else:
        raise_alerts_of_new_limits([cap.pk], at=at)


def _apply_grant(amendment: Amendment, at: datetime) -> None:
    if amendment.after is None:
        Grant.objects.filter(pk=_row_of(amendment)).delete()
    else:
        _grant_of(amendment).save()


def _apply_rate_card(amendment: Amendment, at: datetime) -> None:
    RateCard.objects.filter(pk=_row_of(amendment)).update(proposed=False, agreed_at=at)


_APPLY: dict[str, Callable[[Amendment, datetime], None]] = {
    CAP: _apply_cap,
    GRANT: _apply_grant,
    RATE_CARD: _apply_rate_card,
    money_terms.GUARANTEE: money_terms.apply,
    money_terms.ADVANCE: money_terms.apply,
    money_terms.MONEY: money_terms.apply,
    deals.DEAL: deals.apply,
}


def _cap_of(amendment: Amendment) -> Cap:
    after = dict(amendment.after or {})
    days = {name: _read_day(after.pop(name)) for name in ("starts_on", "ends_on")}
    terms = {**after, **days, "limit": Decimal(after["limit"])}
    cap: Cap = _row_with(Cap, amendment, terms)
    return cap


def _grant_of(amendment: Amendment) -> Grant:
    grant: Grant = _row_with(Grant, amendment, dict(amendment.after or {}))
    return grant


def _row_with(model: Any, amendment: Amendment, terms: dict[str, Any]) -> Any:
    """Return the row that an amendment changes, or a new one, with its terms; nothing is saved."""
    if amendment.row is None:
        return model(agreement=amendment.agreement, **terms)
    row = model.objects.get(pk=amendment.row)
    for name, value in terms.items():
        setattr(row, name, value)
    return row


def _row_of(amendment: Amendment) -> int:
    if amendment.row is None:
        raise HoldsNoMore(_("It names nothing that it changes."))
    return amendment.row


def _read_day(day: str | None) -> date | None:
    return None if day is None else date.fromisoformat(day)
