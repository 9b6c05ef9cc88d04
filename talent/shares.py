"""Shares: who has a part in earnings, changed from a day on; for days that passed, by two people.

A share counts for use on the days it is dated. From today on, whoever may edit shares changes them.
What would change who is paid for days that have passed is written down instead, is asked for with
its reason, and counts once somebody else approves it: money that was posted is then clawed back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from talent import four_eyes
from talent.errors import Refused
from talent.models import (
    Agency,
    CompositeSource,
    DigitalTwin,
    EarlierOwner,
    EstateShare,
    Performer,
    ShareChange,
    ShareChangeStep,
    User,
)
from talent.words import Life, ShareChangeState, ShareChangeStepKind, ShareSubject

APPROVES = "talent.approve_sharechange"
ALWAYS = date.min

# A share as JSON: the row's id where it is one, whose it is, its weight and its days.
Row = Mapping[str, Any]


class HoldsNoMore(Refused):
    """The shares are not any more what they were when the change was written."""

    code = "holds_no_more"


class NotItsTurn(Refused):
    """The change was asked for, approved or rejected before."""

    code = "not_its_turn"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose shares: a composite's sources, an estate's heirs, or a persona's earlier owners."""

    about: ShareSubject
    pk: int  # of the twin, or of the performer who died

    @property
    def column(self) -> str:
        return "performer" if self.about == ShareSubject.ESTATE else "twin"

    @property
    def named(self) -> dict[str, int]:
        return {f"{self.column}_id": self.pk}


MODELS: Mapping[ShareSubject, Any] = {
    ShareSubject.SOURCES: CompositeSource,
    ShareSubject.ESTATE: EstateShare,
    ShareSubject.OWNERS: EarlierOwner,
}
HOLDERS = {
    ShareSubject.SOURCES: "performer_id",
    ShareSubject.ESTATE: "beneficiary_id",
    ShareSubject.OWNERS: "beneficiary_id",
}


def subject_of(row: CompositeSource | EstateShare | EarlierOwner) -> Subject:
    """Return whose shares a row belongs to."""
    if isinstance(row, EstateShare):
        return Subject(ShareSubject.ESTATE, row.performer_id)
    about = ShareSubject.SOURCES if isinstance(row, CompositeSource) else ShareSubject.OWNERS
    return Subject(about, row.twin_id)


def lock(subjects: Iterable[Subject]) -> None:
    """Lock whose shares are to change, so that two changes follow one another."""
    for subject in sorted(subjects, key=lambda one: (one.about, one.pk)):
        model: Any = Performer if subject.about == ShareSubject.ESTATE else DigitalTwin
        list(model.objects.select_for_update(no_key=True).filter(pk=subject.pk).values_list("pk"))


def rows_of(subject: Subject) -> list[Row]:
    """Return all shares of a subject as JSON, in a fixed order."""
    model, holder = MODELS[subject.about], HOLDERS[subject.about]
    rows = model.objects.filter(**subject.named).order_by("pk")
    return [
        {
            "id": row.pk,
            "holder": getattr(row, holder),
            "weight": f"{Decimal(getattr(row, 'weight', 1)).normalize():f}",
            "starts_on": _text(getattr(row, "starts_on", None)),
            "ends_on": _text(row.ends_on),
        }
        for row in rows
    ]


def nobody_was_paid_before(subject: Subject) -> bool:
    """Tell whether a subject without shares paid nobody else: its first shares take from no one."""
    if subject.about == ShareSubject.OWNERS:
        return False
    if subject.about == ShareSubject.SOURCES:
        owned = EarlierOwner.objects.filter(twin=subject.pk).exists()
        return not owned and DigitalTwin.objects.get(pk=subject.pk).owner_id is None
    performer = Performer.objects.get(pk=subject.pk)
    earns = DigitalTwin.objects.of_performers([performer]).exists()
    return performer.life != Life.DECEASED or not earns


def first_day_changed(
    about: ShareSubject, before: Sequence[Row], after: Sequence[Row]
) -> date | None:
    """Return the first day of use whose shares differ; None if those of all days are the same."""
    return _first_difference(_stretches(about, before), _stretches(about, after))


def first_day_inherited_otherwise(
    performer: Performer, *, life: str, died_on: date | None
) -> date | None:
    """Return the first day of use that another day of death would pay to others; None if none.

    Nothing changes where a performer earns nothing, or has no heirs of such days.
    """
    if not DigitalTwin.objects.of_performers([performer]).exists():
        return None
    kept = Performer.objects.get(pk=performer.pk)
    return _first_difference(
        _inherited(performer.pk, kept.life, kept.died_on), _inherited(performer.pk, life, died_on)
    )


# Shares of one holder: whose, weight, first day, first day after; None is without end.
Stretch = tuple[int, str, date, date | None]


def _inherited(performer_id: int, life: str, died_on: date | None) -> list[Stretch]:
    """Return when heirs inherit: from the death on, or from a later day that their share names."""
    if life != Life.DECEASED:
        return []
    rows = _stretches(ShareSubject.ESTATE, rows_of(Subject(ShareSubject.ESTATE, performer_id)))
    return [
        (holder, weight, max(begins, died_on or ALWAYS), ends)
        for holder, weight, begins, ends in rows
    ]


def _first_difference(then: Sequence[Stretch], now: Sequence[Stretch]) -> date | None:
    days = sorted({ALWAYS, *_edges(then), *_edges(now)})
    return next((day for day in days if _on(then, day) != _on(now, day)), None)


def _stretches(about: ShareSubject, rows: Sequence[Row]) -> list[Stretch]:
    if about != ShareSubject.OWNERS:
        return [
            (row["holder"], row["weight"], _day(row["starts_on"]) or ALWAYS, _day(row["ends_on"]))
            for row in rows
        ]
    stretches: list[Stretch] = []
    begins = ALWAYS
    for row in sorted(rows, key=lambda row: row["ends_on"]):
        ends = _day(row["ends_on"])
        stretches.append((row["holder"], row["weight"], begins, ends))
        begins = ends or begins
    return stretches


def _edges(stretches: Iterable[Stretch]) -> set[date]:
    days = {day for _holder, _weight, *ends in stretches for day in ends}
    return {day for day in days if day is not None}


def _on(stretches: Iterable[Stretch], day: date) -> set[tuple[int, str]]:
    return {
        (holder, weight)
        for holder, weight, begins, ends in stretches
        if begins <= day and (ends is None or day < ends)
    }


# A change for days that have passed


def write(
    subject: Subject, before: Sequence[Row], after: Sequence[Row], *, by: User, at: datetime
) -> ShareChange:
    """Write down shares that are to be others for days that have passed; nothing changes yet."""
    known = {row["id"] for row in before}
    day = first_day_changed(subject.about, before, after)
    return ShareChange.objects.create(
        about=subject.about.value,
        **subject.named,
        before=list(before),
        after=[row if row["id"] in known else {**row, "id": None} for row in after],
        counts_from=None if day == ALWAYS else day,
        written_at=at,
        written_by=by,
    )


@transaction.atomic
def ask(*, change_id: int, by: User, at: datetime, reason: str) -> ShareChange:
    """Ask for a change that was written; somebody else approves it.

    Raises NotItsTurn, HoldsNoMore, four_eyes.NobodyToApprove.
    """
    change = _locked(change_id, ShareChangeState.WRITTEN)
    _refuse_without_approver(change, by)
    _step(change, ShareChangeStepKind.ASKED, by=by, at=at, reason=reason)
    return change


@transaction.atomic
def approve(*, change_id: int, by: User, at: datetime, reason: str = "") -> ShareChange:
    """Approve what others wrote and asked for: it counts from now on.

    Raises NotItsTurn, HoldsNoMore, four_eyes.FourEyes.
    """
    change = _locked(change_id, ShareChangeState.WAITING)
    asked = change.steps.get(kind=ShareChangeStepKind.ASKED.value)
    four_eyes.refuse_same_person(by=by, before=[change.written_by_id, asked.by_id])
    put_in_force(change)
    _step(change, ShareChangeStepKind.APPROVED, by=by, at=at, reason=reason)
    return change


@transaction.atomic
def reject(*, change_id: int, by: User, at: datetime, reason: str) -> ShareChange:
    """Reject a change, or take it back, with the reason. Raises NotItsTurn, four_eyes.FourEyes."""
    change = _locked(change_id, ShareChangeState.WRITTEN, ShareChangeState.WAITING, holds=False)
    asked = change.steps.filter(kind=ShareChangeStepKind.ASKED.value)
    four_eyes.refuse_to_reject(
        by=by,
        asked_by=[change.written_by_id, *asked.values_list("by", flat=True)],
        permission=APPROVES,
        agency_ids=_agencies_of(change),
    )
    _step(change, ShareChangeStepKind.REJECTED, by=by, at=at, reason=reason)
    return change


def put_in_force(change: ShareChange) -> None:
    """Make the shares what a change says that was found to hold, under its lock."""
    subject = subject_of_change(change)
    model = MODELS[subject.about]
    kept = [row["id"] for row in change.after if row["id"] is not None]
    model.objects.filter(**subject.named).exclude(pk__in=kept).delete()
    changed = [row for row in change.after if row not in change.before]
    # Days that are given up are taken over by others, whatever their order.
    taken_over = [row["id"] for row in changed if row["id"] is not None]
    model.objects.filter(pk__in=taken_over).delete()
    model.objects.bulk_create(_unsaved(subject, row) for row in changed)


def rows_after(change: ShareChange) -> list[Any]:
    """Return what the rows would be after a change, unsaved."""
    subject = subject_of_change(change)
    return [_unsaved(subject, row) for row in change.after]


def _unsaved(subject: Subject, row: Row) -> Any:
    values: dict[str, Any] = {
        HOLDERS[subject.about]: row["holder"],
        "ends_on": _day(row["ends_on"]),
        **subject.named,
    }
    if subject.about != ShareSubject.OWNERS:
        values |= {"weight": Decimal(row["weight"]), "starts_on": _day(row["starts_on"])}
    return MODELS[subject.about](**values)


def refuse_outdated(change: ShareChange) -> None:
    """Raise HoldsNoMore where the shares were changed since a change was written."""
    if rows_of(subject_of_change(change)) != list(change.before):
        raise HoldsNoMore(_("These shares were changed since. Reject this, and write it anew."))


def subject_of_change(change: ShareChange) -> Subject:
    """Return whose shares a change is about."""
    return Subject(ShareSubject(change.about), change.twin_id or change.performer_id)


def twins_of(change: ShareChange) -> list[DigitalTwin]:
    """Return the twins whose earnings a change divides anew."""
    if change.twin is not None:
        return [change.twin]
    return list(DigitalTwin.objects.of_performers([change.performer]).distinct().order_by("pk"))


def _locked(change_id: int, *states: ShareChangeState, holds: bool = True) -> ShareChange:
    change = ShareChange.objects.select_related("twin", "performer").get(pk=change_id)
    lock([subject_of_change(change)])
    if change.state not in states:
        raise NotItsTurn(
            _("%(change)s: %(state)s.") % {"change": change, "state": change.state.label.lower()}
        )
    if holds:
        refuse_outdated(change)
    return change


def _refuse_without_approver(change: ShareChange, by: User) -> None:
    agencies = list(_agencies_of(change))
    for agency in agencies:
        try:
            four_eyes.refuse_without_approver(asked_by=by, permission=APPROVES, agency_id=agency)
        except four_eyes.NobodyToApprove:
            if agency == agencies[-1]:
                raise
        else:
            return


def _agencies_of(change: ShareChange) -> Iterable[int]:
    if change.twin is not None and change.twin.agency_id is not None:
        return [change.twin.agency_id]
    terms = Agency.objects.filter(representations__performer=change.performer_id)
    return terms.distinct().order_by("pk").values_list("pk", flat=True)


def _step(
    change: ShareChange, kind: ShareChangeStepKind, *, by: User, at: datetime, reason: str
) -> None:
    ShareChangeStep.objects.create(
        change=change, kind=kind.value, by=by, at=at, reason=reason.strip()
    )


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
