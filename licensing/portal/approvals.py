"""The portal's door to approvals: what waits for an answer, the answer, and what was answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from django import forms
from django.contrib import messages
from django.core.validators import MinValueValidator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from licensing.approvals.answers import Narrowing, record_answer
from licensing.approvals.wording import Wording, languages, places, quantities, wording_of
from licensing.clearance import refusals
from licensing.models import ApprovalAnswer, ApprovalPart, ApprovalRequest
from licensing.words import ApprovalAnswerKind, Meter
from talent import locales
from talent.consent import overview, sentences
from talent.errors import Refused
from talent.models import DigitalTwin
from talent.portal.consent import set_by
from talent.portal.reader import Reader, act_as, portal_page, render_page
from talent.sign_in import proofs
from talent.words import Power, Right, Use

ANSWERS_SHOWN = 50

CONFIRMATIONS = {
    ApprovalAnswerKind.APPROVE: gettext_lazy("Approved. The studio may use it as described."),
    ApprovalAnswerKind.ONCE: gettext_lazy("Approved once. The first use of it is the only one."),
    ApprovalAnswerKind.NARROW: gettext_lazy("Approved as far as you said, and no further."),
    ApprovalAnswerKind.VETO: gettext_lazy("Vetoed. The use is refused."),
}


@dataclass(frozen=True)
class WaitingPart:
    """A part that waits for the reader."""

    id: int
    wording: Wording
    mine: bool


def waiting_parts(reader: Reader, *, at: datetime) -> list[WaitingPart]:
    """Return what waits for the reader's answer, the nearest deadline first."""
    if not reader.may(Power.DECIDE):
        return []
    parts = _parts(reader).unanswered().filter(request__due_at__gt=at)
    return [
        WaitingPart(part.pk, _wording(part, reader), mine=not reader.principal.as_)
        for part in parts.order_by("request__due_at", "pk")
    ]


@require_GET
@portal_page(Power.DECIDE)
def approvals(request: HttpRequest) -> HttpResponse:
    """Show what waits, what was cleared without asking the reader, and what they answered."""
    reader, now = request.reader, timezone.now()
    answers = (
        ApprovalAnswer.objects.visible_to(reader.user)
        .filter(part__performer=reader.principal.performer_id)
        .select_related(*(f"part__{name}" for name in _WITH), "by")
        .order_by("-answered_at", "-pk")
    )
    return render_page(
        request,
        "portal/approvals.html",
        "approvals",
        {
            "waiting": waiting_parts(reader, at=now),
            "answers": [_answer_row(answer, reader) for answer in answers[:ANSWERS_SHOWN]],
            "cleared": _cleared_by_consent(reader, now),
        },
    )


def _cleared_by_consent(reader: Reader, now: datetime) -> refusals.Summary | None:
    """Return what matched a “yes” this month, for those who may see usage."""
    if not reader.may(Power.SEE_USAGE):
        return None
    twins = DigitalTwin.objects.of_performers([reader.principal.performer_id]).distinct()
    return refusals.clearances_by_consent_since(reader.user, twins, reader.month_start(now))


@require_GET
@portal_page()
def approval(request: HttpRequest, part_id: int) -> HttpResponse:
    """Show one request to those who may decide it, whomever else they act for."""
    part = _part_of(request, part_id)
    return _page(request, part, AnswerForm(part.request))


@require_POST
@portal_page()
def answer_approval(request: HttpRequest, part_id: int) -> HttpResponse:
    part = _part_of(request, part_id)
    form = AnswerForm(part.request, request.POST)
    if not form.is_valid():
        return _page(request, part, form)
    kind = ApprovalAnswerKind(form.cleaned_data["kind"])
    # A veto is never held up.
    if kind is not ApprovalAnswerKind.VETO and (asked := proofs.step_up(request)):
        return asked
    try:
        record_answer(
            part_id=part.pk,
            kind=kind,
            by=request.user,
            at=timezone.now(),
            replaces=form.cleaned_data["replaces"],
            narrowing=form.narrowing() if kind is ApprovalAnswerKind.NARROW else None,
            reason=form.cleaned_data["reason"],
            reason_shown=form.cleaned_data["reason_shown"],
            each_use=form.cleaned_data["each_use"],
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, CONFIRMATIONS[kind])
    return redirect("portal:approval", part.pk)


class AnswerForm(forms.Form):
    """An answer to one part; what was not touched is as it was asked."""

    kind = forms.ChoiceField(
        choices=[choice for choice in ApprovalAnswerKind.choices() if choice[0] != "lapsed"]
    )
    replaces = forms.IntegerField(required=False)
    reason = forms.CharField(max_length=500, required=False)
    reason_shown = forms.BooleanField(required=False)
    each_use = forms.BooleanField(required=False)
    territories = forms.MultipleChoiceField(required=False)
    languages = forms.MultipleChoiceField(required=False)
    last_day = forms.DateField(required=False)

    def __init__(self, approval_request: ApprovalRequest, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.approval_request = approval_request
        self.fields["territories"].choices = [(code, code) for code in approval_request.territories]
        self.fields["languages"].choices = [(tag, tag) for tag in approval_request.languages or ()]
        for meter in approval_request.units:
            self.fields[_field(meter)] = forms.DecimalField(
                required=False, max_digits=20, decimal_places=6, validators=[MinValueValidator(0)]
            )

    def narrowing(self) -> Narrowing:
        """Return what the approver leaves of the request."""
        values = self.cleaned_data
        units = {meter: values[_field(meter)] for meter in self.approval_request.units}
        return Narrowing(
            territories=self._chosen("territories", self.approval_request.territories),
            languages=self._chosen("languages", self.approval_request.languages),
            ends_at=self._ends_at(values["last_day"]),
            units={meter: left for meter, left in units.items() if left is not None},
        )

    def _chosen(self, name: str, requested: Sequence[str] | None) -> tuple[str, ...] | None:
        """Return the chosen values; None, nothing narrowed, where fewer than two were requested."""
        return tuple(self.cleaned_data[name]) if requested and len(requested) > 1 else None

    def _ends_at(self, last_day: date | None) -> datetime | None:
        if last_day is None or last_day >= _last_day(self.approval_request):
            return None
        return datetime.combine(last_day + timedelta(days=1), time(), UTC)


def _field(meter: str) -> str:
    return f"units_{meter}"


def _last_day(approval_request: ApprovalRequest) -> date:
    return (approval_request.ends_at - timedelta(microseconds=1)).astimezone(UTC).date()


_WITH = ("request__terms__licensee", "request__production", "request__twin", "performer")


def _parts(reader: Reader):
    parts = ApprovalPart.objects.visible_to(reader.user).select_related(*_WITH)
    return parts.filter(performer=reader.principal.performer_id)


def _part_of(request: HttpRequest, part_id: int) -> ApprovalPart:
    """Find a part of anybody the reader decides for, and act for them from here on."""
    deciding = {
        principal.performer_id: principal
        for principal in request.reader.principals
        if principal.performer_id and Power.DECIDE in principal.powers
    }
    parts = ApprovalPart.objects.visible_to(request.user).select_related(*_WITH)
    part = get_object_or_404(parts, pk=part_id, performer__in=deciding)
    act_as(request, deciding[part.performer_id])
    return part


def _wording(part: ApprovalPart, reader: Reader) -> Wording:
    whose = reader.principal.name if reader.principal.as_ else ""
    return wording_of(part, locale=reader.locale, time_zone=reader.time_zone, whose=whose)


def _page(request: HttpRequest, part: ApprovalPart, form: AnswerForm) -> HttpResponse:
    reader, now = request.reader, timezone.now()
    answers = list(part.answers.select_related("by").order_by("pk"))
    current = answers[-1] if answers else None
    late = now >= part.request.due_at
    return render_page(
        request,
        "portal/approval.html",
        "approvals",
        {
            "part": part,
            "approval_request": part.request,
            "wording": _wording(part, reader),
            "mine": not reader.principal.as_,
            "form": form,
            "others": part.request.parts.exclude(pk=part.pk).count(),
            "consent": _consent(part, reader, now),
            "answers": [_answer_row(answer, reader, part) for answer in answers],
            "current": current,
            "late": late,
            "may_answer": _may_answer(current, late=late),
            "may_approve": not late,
            "choices": _choices(part.request, form, reader),
        },
    )


def _may_answer(current: ApprovalAnswer | None, *, late: bool) -> bool:
    """Silence is final; an answer may be changed, after the deadline only to a veto."""
    if current is None:
        return not late
    if current.kind == ApprovalAnswerKind.LAPSED:
        return False
    return not late or current.kind != ApprovalAnswerKind.VETO


def _consent(part: ApprovalPart, reader: Reader, now: datetime) -> dict[str, str]:
    """Say what the consent says today, and since when: it may have changed since the request."""
    view = overview.overview_of(part.request.twin, part.performer, at=now)
    cell = view.cells[Right(part.request.right), Use(part.request.use)]
    return {
        "sentence": sentences.sentence(cell),
        "stance": cell.stance.value,
        "by": set_by(cell, reader),
    }


def _answer_row(
    answer: ApprovalAnswer, reader: Reader, part: ApprovalPart | None = None
) -> dict[str, object]:
    part = part or answer.part
    return {
        "id": part.pk,
        "wording": _wording(part, reader),
        "kind": answer.get_kind_display(),
        "chip": {"approve": "yes", "approve_once": "yes", "narrow": "ask"}.get(answer.kind, "no"),
        "at": answer.answered_at,
        "by": (answer.by.get_full_name() or answer.by.email) if answer.by else "",
        "reason": answer.reason,
        "reason_shown": answer.reason_shown,
        "left": _limits_left(answer, reader),
        "each_use": answer.each_use,
    }


def _limits_left(answer: ApprovalAnswer, reader: Reader) -> list[str]:
    """Say what a narrower approval left of the request."""
    left = []
    if answer.territories is not None:
        left.append(places(answer.territories, reader.locale))
    if answer.languages is not None:
        left.append(languages(answer.languages, reader.locale))
    if answer.ends_at is not None:
        last = (answer.ends_at - timedelta(microseconds=1)).date()
        left.append(_("until %(day)s") % {"day": locales.short_day(last, reader.locale)})
    if answer.units:
        left.append(_("at most %(most)s") % {"most": quantities(answer.units, reader.locale)})
    return left


def _choices(
    approval_request: ApprovalRequest, form: AnswerForm, reader: Reader
) -> dict[str, object]:
    """Return what may be narrowed, with what the approver chose already."""
    chosen_territories = form["territories"].value() or approval_request.territories
    chosen_languages = form["languages"].value() or approval_request.languages or ()
    return {
        "territories": [
            (code, locales.territory(code, reader.locale), code in chosen_territories)
            for code in approval_request.territories
        ],
        "languages": [
            (tag, locales.language(tag, reader.locale), tag in chosen_languages)
            for tag in approval_request.languages or ()
        ],
        "last_day": form["last_day"].value() or _last_day(approval_request).isoformat(),
        "first_day": approval_request.starts_at.astimezone(UTC).date().isoformat(),
        "latest_day": _last_day(approval_request).isoformat(),
        "units": [
            {
                "name": _field(meter),
                "label": Meter(meter).label,
                "most": f"{Decimal(most).normalize():f}",
                "value": form[_field(meter)].value() or f"{Decimal(most).normalize():f}",
            }
            for meter, most in sorted(approval_request.units.items())
        ],
    }


urlpatterns = [
    path("approvals/", approvals, name="approvals"),
    path("approvals/<int:part_id>/", approval, name="approval"),
    path("approvals/<int:part_id>/answer/", answer_approval, name="answer-approval"),
]
