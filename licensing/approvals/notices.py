"""Notices: the mails around a request for approval; the sweep that reminds and records lapses."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from licensing.models import ApprovalAnswer, ApprovalNotice, ApprovalPart
from licensing.news import announce
from licensing.recipients import address_in, staff_of
from licensing.wire.names import Prefix, name_of
from licensing.words import Announcement, ApprovalAnswerKind, ApprovalNoticeKind, ApprovalState
from talent import outbox
from talent.principals import deciders
from talent.words import Role

from .wording import wording_for, wording_of

# How long before the deadline reminders go out; half time is midway from asking to deadline.
BEFORE_DUE = {
    ApprovalNoticeKind.LAST_DAY: timedelta(hours=24),
    ApprovalNoticeKind.LAST_HOURS: timedelta(hours=4),
}
PARTS_IN_A_SWEEP = 500

SUBJECTS = {
    ApprovalNoticeKind.OPENED: "Needs you",
    ApprovalNoticeKind.HALF_TIME: "Waits for you, half of the time is over",
    ApprovalNoticeKind.LAST_DAY: "Waits for you, 24 hours are left",
    ApprovalNoticeKind.LAST_HOURS: "Waits for you, 4 hours are left",
    ApprovalNoticeKind.LAPSED: "Not answered, so vetoed",
}


def reminders_due(
    opened_at: datetime, due_at: datetime, at: datetime
) -> tuple[ApprovalNoticeKind, ...]:
    """Return the reminders whose time has come, in the order of their times.

    A reminder that would come before half time is left out: whoever was just asked needs none.
    """
    half = opened_at + (due_at - opened_at) / 2
    times = {ApprovalNoticeKind.HALF_TIME: half}
    times |= {kind: due_at - before for kind, before in BEFORE_DUE.items()}
    return tuple(kind for kind, when in times.items() if half <= when <= at)


def notify_of_request(parts: Collection[int], *, at: datetime) -> None:
    """Mail everybody who may decide these parts of a new request; agents where nobody may."""
    for part in _with_names(ApprovalPart.objects.filter(pk__in=parts)):
        _notify_deciders(part, ApprovalNoticeKind.OPENED, at)


def notify_of_answer(answer: ApprovalAnswer, *, state: ApprovalState, at: datetime) -> None:
    """Mail the agency's agents an answer, and the studio once `state` says that all is decided."""
    part = _with_names(ApprovalPart.objects.filter(pk=answer.part_id)).get()
    headline = f"{part.performer.name}: {ApprovalAnswerKind(answer.kind).label.lower()}"
    _mail_agents(part, headline, at, answer=answer)
    _notify_studio(part, state, answer, at)


def sweep(*, at: datetime) -> dict[str, int]:
    """Send the reminders that are due and record what lapsed; return how many of each.

    Each part is a transaction of its own, claimed with a lock, and each notice a unique row: two
    sweeps at once, or one that was killed, notify nobody twice.
    """
    counts = {"reminded": 0, "lapsed": 0}
    parts = (
        ApprovalPart.objects.unanswered()
        .select_related("request")
        .prefetch_related("notices")
        .order_by("request__due_at", "pk")
    )
    for part in parts[:PARTS_IN_A_SWEEP]:
        if part.request.due_at <= at:
            counts["lapsed"] += _lapse(part.pk, at)
        elif _reminders_left(part, at):
            counts["reminded"] += _remind(part.pk, at)
    return counts


def _with_names(parts: QuerySet[ApprovalPart]) -> QuerySet[ApprovalPart]:
    return parts.select_related(
        "request__terms__licensee", "request__terms__agency", "request__production",
        "request__twin", "performer",
    ).order_by("pk")  # fmt: skip


def _reminders_left(part: ApprovalPart, at: datetime) -> list[ApprovalNoticeKind]:
    """Return the reminders that are due and were not sent yet."""
    sent = {notice.kind for notice in part.notices.all()}
    due = reminders_due(part.request.opened_at, part.request.due_at, at)
    return [kind for kind in due if kind.value not in sent]


@transaction.atomic
def _remind(part_id: int, at: datetime) -> bool:
    """Remind of a part if that is still to be done; tell whether it was."""
    part = _lock_unanswered(part_id)
    reminders = _reminders_left(part, at) if part else []
    if part is None or not reminders:
        return False
    # Of several whose time has come, after a pause of the sweep, the last one says it all.
    ApprovalNotice.objects.bulk_create(
        ApprovalNotice(part=part, kind=kind.value, told_at=at) for kind in reminders[:-1]
    )
    _notify_deciders(part, reminders[-1], at)
    return True


@transaction.atomic
def _lapse(part_id: int, at: datetime) -> bool:
    """Record that nobody answered a part in time, and notify all; False if somebody did."""
    part = _lock_unanswered(part_id)
    if part is None:
        return False
    answer = ApprovalAnswer.objects.create(
        part=part, kind=ApprovalAnswerKind.LAPSED.value, answered_at=at, by=None
    )
    _notify_deciders(part, ApprovalNoticeKind.LAPSED, at)
    headline = _("%(name)s: nobody answered in time") % {"name": part.performer.name}
    _mail_agents(part, headline, at, answer=answer)
    _notify_studio(part, ApprovalState.LAPSED, answer, at)
    return True


def _lock_unanswered(part_id: int) -> ApprovalPart | None:
    """Lock a part that still waits; None if somebody answered it or another sweep holds it."""
    parts = _with_names(ApprovalPart.objects.unanswered().filter(pk=part_id))
    part = parts.select_for_update(of=("self",), skip_locked=True).first()
    # Looked at again, since an answer may have come before the lock.
    return None if part is None or part.answers.exists() else part


# To those who may decide


def _notify_deciders(part: ApprovalPart, kind: ApprovalNoticeKind, at: datetime) -> None:
    ApprovalNotice.objects.create(part=part, kind=kind.value, told_at=at)
    users = deciders([part.performer_id], on=at.date())[part.performer_id]
    for user in users:
        wording = wording_for(part, user)
        outbox.post(
            recipient=user.email,
            subject=f"{SUBJECTS[kind]}: {wording.short}",
            body=render_to_string(
                "emails/approval.txt",
                {"user": user, "wording": wording, "kind": kind.value, "link": _page_of(part.pk)},
            ),
            at=at,
        )
    if not users and kind is ApprovalNoticeKind.OPENED:
        headline = _("Nobody may decide for %(name)s") % {"name": part.performer.name}
        _mail_agents(part, headline, at)


def _page_of(part_id: int) -> str:
    """Return the address of the page that answers a part."""
    return f"{settings.DESK_URL}{reverse('portal:approval', args=[part_id])}"


# To agents


def _mail_agents(
    part: ApprovalPart, headline: str, at: datetime, *, answer: ApprovalAnswer | None = None
) -> None:
    for user in staff_of([part.request.terms.agency_id], Role.AGENT):
        wording = wording_of(
            part, locale=user.locale or "en-GB", time_zone=user.time_zone, whose=part.performer.name
        )
        outbox.post(
            recipient=user.email,
            subject=headline,
            body=render_to_string(
                "emails/approval_agents.txt",
                {"wording": wording, "part": part, "headline": headline, "answer": answer},
            ),
            at=at,
        )


# To the studio


def _notify_studio(
    part: ApprovalPart, state: ApprovalState, answer: ApprovalAnswer, at: datetime
) -> None:
    """Tell the studio how a request ended, never who said what: as news, and by mail if its terms
    name an address."""
    if state is ApprovalState.WAITING:
        return
    clearances = [
        name_of(Prefix.CLEARANCE, pk)
        for pk in part.request.askings.order_by("decision").values_list("decision", flat=True)
    ]
    terms = part.request.terms
    announce(
        kind=Announcement.APPROVAL_DECIDED,
        agency_id=terms.agency_id,
        licensee_id=terms.licensee_id,
        data={
            "request": part.request_id,
            "state": state.value,
            "links": [f"/api/v1/clearances/{name}" for name in clearances],
        },
        at=at,
    )
    if recipient := address_in(terms.contact):
        _mail_studio(recipient, part, state, answer, clearances, at)


def _mail_studio(
    recipient: str,
    part: ApprovalPart,
    state: ApprovalState,
    answer: ApprovalAnswer,
    clearances: list[str],
    at: datetime,
) -> None:
    outbox.post(
        recipient=recipient,
        subject=_("Approval: %(state)s") % {"state": state.label.lower()},
        body=render_to_string(
            "emails/approval_studio.txt",
            {
                "wording": wording_of(part, locale="en-GB", time_zone="UTC"),
                "state": state.value,
                "reason": answer.reason if answer.reason_shown else "",
                "clearances": clearances,
            },
        ),
        at=at,
    )
