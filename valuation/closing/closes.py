"""Closing a period: asked for on figures that were seen, approved by a second person, reopened.

A period that is closed takes no entry any more: what is of its days counts in the first open period
(`valuation/ledger/closed_periods.py`). Issued statements close their days by themselves, and
reopening changes nothing about them.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from talent import four_eyes
from talent.errors import Refused
from talent.models import Agency, User
from talent.periods import Days, label, local_day
from valuation.models import PeriodClose, PeriodCloseStep
from valuation.models.closing import CLOSED
from valuation.words import CloseItem, CloseStepKind

from .checklist import Checklist, checklist, period_of

ASKS = "valuation.ask_periodclose"
APPROVES = "valuation.approve_periodclose"
LONGEST = 300
K = CloseStepKind


class NoPeriod(Refused):
    """What was to be closed is no statement period of the agency, or has not ended."""

    code = "no_period_to_close"


class NotTheTurn(Refused):
    """The period is closed, or another step waits: what was tried is not its next step."""

    code = "not_the_turn_of_a_close"


class LeftToDo(Refused):
    """Something is left that no explanation takes the place of, or is not explained."""

    code = "left_to_do"


class FiguresChanged(Refused):
    """What was seen is not what the facts say now."""

    code = "figures_changed"


class LaterPeriodClosed(Refused):
    """A later period is closed, which keeps all before it closed."""

    code = "later_period_closed"


class NoReason(Refused):
    """Whoever reopens a period, or does not close it, says why."""

    code = "no_reason"


@transaction.atomic
def ask(
    *,
    agency: Agency,
    currency: str,
    days: Days,
    seen: str,
    why: Mapping[CloseItem, str],
    by: User,
    at: datetime,
) -> PeriodClose:
    """Ask to close a period as it was seen: `seen` is the digest of its checklist.

    `why` says of each thing that is left why it stays. Raises NoPeriod, NotTheTurn, LeftToDo,
    FiguresChanged, four_eyes.NobodyToApprove.
    """
    if period_of(agency, days.starts_on) != days:
        raise NoPeriod(_("This is no period of the agency's statements."))
    if days.ends_on > local_day(at, agency.time_zone):
        raise NoPeriod(_("The period %s has not ended.") % label(days))
    # Locked, so that two people do not ask at once.
    Agency.objects.select_for_update(no_key=True).get(pk=agency.pk)
    later = PeriodClose.objects.closed().filter(
        agency=agency, currency=currency, period_on__gte=days.starts_on
    )
    if later.exists():
        raise NotTheTurn(_("This period is closed, by itself or by a later one."))
    close, _made = PeriodClose.objects.get_or_create(
        agency=agency, currency=currency, period_on=days.starts_on, period_ends_on=days.ends_on
    )
    _check_turn(close, K.NOT_CLOSED, K.REOPENED, None)
    found = checklist(agency=agency, currency=currency, days=days, user=by, now=at)
    if found.digest != seen:
        raise FiguresChanged(_("The figures have changed since you opened this page."))
    four_eyes.refuse_without_approver(asked_by=by, permission=APPROVES, agency_id=agency.pk)
    _add(close, K.ASKED, by, at, figures=_explained(found, why), digest=found.digest)
    return close


@transaction.atomic
def approve(*, close_id: int, by: User, at: datetime, note: str = "") -> PeriodClose:
    """Close a period as the second person, if its figures are those that were asked about.

    Raises NotTheTurn, FiguresChanged, LeftToDo, four_eyes.FourEyes.
    """
    close = _locked(close_id)
    asked = _check_turn(close, K.ASKED)
    four_eyes.refuse_same_person(by=by, before=[asked.by_id])
    now = current(close, by=by, at=at)
    if now.digest != asked.digest:
        raise FiguresChanged(
            _("The figures have changed since the close was asked for. Have it asked for anew.")
        )
    _add(close, K.CLOSED, by, at, note, figures=asked.figures, digest=asked.digest)
    return close


@transaction.atomic
def refuse(*, close_id: int, by: User, at: datetime, note: str) -> None:
    """Leave a period open, or closed where reopening was asked for; who asked takes back so.

    Raises NotTheTurn, NoReason, four_eyes.FourEyes.
    """
    close = _locked(close_id)
    asked = _check_turn(close, K.ASKED, K.REOPEN_ASKED)
    four_eyes.refuse_to_reject(
        by=by, asked_by=[asked.by_id], permission=APPROVES, agency_ids=[close.agency_id]
    )
    _add(close, K.NOT_CLOSED if asked.kind == K.ASKED else K.KEPT_CLOSED, by, at, _reason(note))


@transaction.atomic
def ask_to_reopen(*, close_id: int, by: User, at: datetime, note: str) -> None:
    """Ask to reopen a period, with the reason.

    Raises NotTheTurn, LaterPeriodClosed, NoReason, four_eyes.NobodyToApprove.
    """
    close = _locked(close_id)
    _check_turn(close, K.CLOSED, K.KEPT_CLOSED)
    _refuse_under_a_later_one(close)
    four_eyes.refuse_without_approver(asked_by=by, permission=APPROVES, agency_id=close.agency_id)
    _add(close, K.REOPEN_ASKED, by, at, _reason(note))


@transaction.atomic
def reopen(*, close_id: int, by: User, at: datetime, note: str) -> None:
    """Reopen a period as the second person, with a reason of one's own.

    Issued statements stay as they are, and keep their days closed for those whom they are for.
    Raises NotTheTurn, LaterPeriodClosed, NoReason, four_eyes.FourEyes.
    """
    close = _locked(close_id)
    asked = _check_turn(close, K.REOPEN_ASKED)
    four_eyes.refuse_same_person(by=by, before=[asked.by_id])
    _refuse_under_a_later_one(close)
    _add(close, K.REOPENED, by, at, _reason(note))


def current(close: PeriodClose, *, by: User, at: datetime) -> Checklist:
    """Return the checklist of a period as it is now."""
    return checklist(agency=close.agency, currency=close.currency, days=close.days, user=by, now=at)


def is_closed(close: PeriodClose) -> bool:
    """Tell whether a close holds; its rows are loaded by `with_state`."""
    return close.state in CLOSED


def _explained(found: Checklist, why: Mapping[CloseItem, str]) -> list[dict[str, Any]]:
    """Return the figures with why what is left stays. Raises LeftToDo."""
    blocking = [item.what.label for item in found.left if item.must]
    if blocking:
        raise LeftToDo(_("First: %s.") % "; ".join(blocking))
    silent = [item.what.label for item in found.left if not why.get(item.what, "").strip()]
    if silent:
        raise LeftToDo(_("Say why this stays as it is: %s.") % "; ".join(silent))
    return [
        {**told, "why": why.get(item.what, "").strip()[:LONGEST] if item.is_open else ""}
        for item, told in zip(found.items, found.to_json(), strict=True)
    ]


def _locked(close_id: int) -> PeriodClose:
    # Locked, so that two people do not decide at once.
    rows = PeriodClose.objects.select_for_update(of=["self"]).select_related("agency")
    return rows.get(pk=close_id)


def _check_turn(close: PeriodClose, *turns: CloseStepKind | None) -> Any:
    """Return the last step, if it is one of these. Raises NotTheTurn."""
    last = close.steps.order_by("-pk").first()
    if (CloseStepKind(last.kind) if last else None) not in turns:
        state = last.get_kind_display() if last else _("open")
        raise NotTheTurn(_("This is not the next step of %(close)s: %(state)s.") % {
            "close": close, "state": state,
        })  # fmt: skip
    return last


def _refuse_under_a_later_one(close: PeriodClose) -> None:
    later = PeriodClose.objects.closed().filter(
        agency=close.agency_id, currency=close.currency, period_on__gt=close.period_on
    )
    if newest := later.order_by("-period_on").first():
        raise LaterPeriodClosed(_("%s is closed, and keeps all before it closed.") % newest)


def _reason(note: str) -> str:
    if not note.strip():
        raise NoReason(_("Say why: others read it."))
    return note.strip()[:LONGEST]


def _add(
    close: PeriodClose,
    kind: CloseStepKind,
    by: User,
    at: datetime,
    reason: str = "",
    *,
    figures: list[dict[str, Any]] | None = None,
    digest: str = "",
) -> None:
    PeriodCloseStep.objects.create(
        close=close, kind=kind.value, at=at, by=by, reason=reason.strip()[:LONGEST],
        figures=figures or [], digest=digest,
    )  # fmt: skip
