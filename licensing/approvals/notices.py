"""Notices: the mails around a request for approval; the sweep that reminds and notes lapses."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from licensing.models import ApprovalAnswer, ApprovalNotice, ApprovalPart, ApprovalRequest
from licensing.news import announce
from licensing.recipients import staff_of
from licensing.wire.names import Prefix, name_of
from licensing.words import Announcement, ApprovalAnswerKind, ApprovalNoticeKind, ApprovalState
from talent import outbox
from talent.principals import deciders
from talent.words import Role

from .wording import worded, worded_for

# When reminders leave, told from the deadline; half time lies between asking and deadline.
BEFORE_DUE = {
    ApprovalNoticeKind.LAST_DAY: timedelta(hours=24),
    ApprovalNoticeKind.LAST_HOURS: timedelta(hours=4),
}
A_SWEEP = 500


def reminders_due(
    opened_at: datetime, due_at: datetime, at: datetime
) -> tuple[ApprovalNoticeKind, ...]:
    """Return the reminders whose time has come, in the order of their times.

    A reminder that would come before half time is none: who was just asked needs no reminding.
    """
    half = opened_at + (due_at - opened_at) / 2
    times = {ApprovalNoticeKind.HALF_TIME: half}
    times |= {kind: due_at - before for kind, before in BEFORE_DUE.items()}
    return tuple(kind for kind, when in times.items() if half <= when <= at)


def opened(request: ApprovalRequest, parts: Sequence[int], *, at: datetime) -> None:
    """Tell everybody who may decide a part of a new request; tell agents where nobody may."""
    for part in _with_words(ApprovalPart.objects.filter(pk__in=parts)):
        _tell(part, ApprovalNoticeKind.OPENED, at)


def sweep(*, at: datetime) -> dict[str, int]:
    """Send the reminders that are due and record what lapsed; return how many of each.

    Each part is a transaction of its own, claimed with a lock, and each notice a unique row: two
    sweeps at once, or one that was killed, tell nobody twice.
    """
    counts = {"reminded": 0, "lapsed": 0}
    open_parts = (
        ApprovalPart.objects.unanswered()
        .select_related("request")
        .prefetch_related("notices")
        .order_by("request__due_at", "pk")
    )
    for part in open_parts[:A_SWEEP]:
        if part.request.due_at <= at:
            counts["lapsed"] += _lapse(part.pk, at)
        elif _untold(part, at):
            counts["reminded"] += _remind(part.pk, at)
    return counts


def answered(answer: ApprovalAnswer, *, state: ApprovalState, at: datetime) -> None:
    """Tell the agency's agents of an answer, and the studio once the request is settled."""
    part = _with_words(ApprovalPart.objects.filter(pk=answer.part_id)).get()
    said = f"{part.performer.name}: {ApprovalAnswerKind(answer.kind).label.lower()}"
    _tell_agents(part, said, at, answer=answer)
    _tell_studio(part, state, answer, at)


def _with_words(parts):
    return parts.select_related(
        "request__terms__licensee", "request__terms__agency", "request__production",
        "request__twin", "performer",
    ).order_by("pk")  # fmt: skip


def _untold(part: ApprovalPart, at: datetime) -> list[ApprovalNoticeKind]:
    told = {notice.kind for notice in part.notices.all()}
    due = reminders_due(part.request.opened_at, part.request.due_at, at)
    return [kind for kind in due if kind.value not in told]


@transaction.atomic
def _remind(pk: int, at: datetime) -> bool:
    part = _claimed(pk)
    untold = _untold(part, at) if part else []
    if not untold:
        return False
    # Of several whose time has come, after a pause of the sweep, the last one says it all.
    ApprovalNotice.objects.bulk_create(
        ApprovalNotice(part=part, kind=kind.value, told_at=at) for kind in untold[:-1]
    )
    _tell(part, untold[-1], at)
    return True


@transaction.atomic
def _lapse(pk: int, at: datetime) -> bool:
    part = _claimed(pk)
    if part is None:
        return False
    answer = ApprovalAnswer.objects.create(
        part=part, kind=ApprovalAnswerKind.LAPSED.value, answered_at=at, by=None
    )
    _tell(part, ApprovalNoticeKind.LAPSED, at)
    said = _("%(name)s: nobody answered in time") % {"name": part.performer.name}
    _tell_agents(part, said, at, answer=answer)
    _tell_studio(part, ApprovalState.LAPSED, answer, at)
    return True


def _page_of(part_id: int) -> str:
    """Return the address of the page that answers a part."""
    return f"{settings.DESK_URL}{reverse('portal:approval', args=[part_id])}"


def _claimed(pk: int) -> ApprovalPart | None:
    """Lock a part that still waits; None if somebody answered it or holds it."""
    parts = _with_words(ApprovalPart.objects.unanswered().filter(pk=pk))
    part = parts.select_for_update(of=("self",), skip_locked=True).first()
    # Looked at again, since an answer may have come before the lock.
    return None if part is None or part.answers.exists() else part


def _tell(part: ApprovalPart, kind: ApprovalNoticeKind, at: datetime) -> None:
    ApprovalNotice.objects.create(part=part, kind=kind.value, told_at=at)
    people = deciders([part.performer_id], on=at.date())[part.performer_id]
    for user in people:
        said = worded_for(part, user)
        outbox.post(
            recipient=user.email,
            subject=f"{_SUBJECTS[kind]}: {said.short}",
            body=render_to_string(
                "emails/approval.txt",
                {"user": user, "said": said, "kind": kind.value, "link": _page_of(part.pk)},
            ),
            at=at,
        )
    if not people and kind is ApprovalNoticeKind.OPENED:
        said = _("Nobody may decide for %(name)s") % {"name": part.performer.name}
        _tell_agents(part, said, at)


_SUBJECTS = {
    ApprovalNoticeKind.OPENED: "Needs you",
    ApprovalNoticeKind.HALF_TIME: "Waits for you, half of the time is over",
    ApprovalNoticeKind.LAST_DAY: "Waits for you, 24 hours are left",
    ApprovalNoticeKind.LAST_HOURS: "Waits for you, 4 hours are left",
    ApprovalNoticeKind.LAPSED: "Not answered, so vetoed",
}


def _tell_agents(
    part: ApprovalPart, headline: str, at: datetime, *, answer: ApprovalAnswer | None = None
) -> None:
    for user in staff_of([part.request.terms.agency_id], Role.AGENT):
        said = worded(
            part, locale=user.locale or "en-GB", time_zone=user.time_zone, whose=part.performer.name
        )
        outbox.post(
            recipient=user.email,
            subject=headline,
            body=render_to_string(
                "emails/approval_agents.txt",
                {"said": said, "part": part, "headline": headline, "answer": answer},
            ),
            at=at,
        )


def _tell_studio(
    part: ApprovalPart, state: ApprovalState, answer: ApprovalAnswer, at: datetime
) -> None:
    """Tell the studio how it ended, where its terms name an address; never who said what."""
    if state is ApprovalState.WAITING:
        return
    _announce(part.request, state, _clearances(part), at)
    recipient = part.request.terms.contact.strip()
    if not _is_address(recipient):
        return
    said = worded(part, locale="en-GB", time_zone="UTC")
    outbox.post(
        recipient=recipient,
        subject=_("Approval: %(state)s") % {"state": state.label.lower()},
        body=render_to_string(
            "emails/approval_studio.txt",
            {
                "said": said,
                "state": state.value,
                "reason": answer.reason if answer.reason_shown else "",
                "clearances": [name_of(Prefix.CLEARANCE, pk) for pk in _clearances(part)],
            },
        ),
        at=at,
    )


def _announce(
    request: ApprovalRequest, state: ApprovalState, clearances: Sequence[int], at: datetime
) -> None:
    announce(
        kind=Announcement.APPROVAL_DECIDED,
        agency_id=request.terms.agency_id,
        licensee_id=request.terms.licensee_id,
        data={
            "request": request.pk,
            "state": state.value,
            "links": [f"/api/v1/clearances/C{pk}" for pk in clearances],
        },
        at=at,
    )


def _clearances(part: ApprovalPart) -> Sequence[int]:
    return part.request.askings.order_by("decision").values_list("decision", flat=True)


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True
