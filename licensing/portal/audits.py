"""The portal's door to audits: the reader's right, what they asked for, and what came of it."""

from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from licensing.agreements import audits
from licensing.models import Agreement, Audit, DealTerms
from licensing.words import AuditSide, AuditState, AuditStepKind
from talent.errors import Refused
from talent.models import DigitalTwin
from talent.portal.reader import Reader, portal_page, render_page
from talent.words import Power

CONDUCTED = (AuditState.UNDER_WAY, AuditState.PROPOSED)


@dataclass(frozen=True)
class AuditShown:
    """An audit with how far it is."""

    audit: Audit
    state: AuditState
    has_evidence: bool
    is_under_way: bool
    is_own: bool


class AskForm(forms.Form):
    """Which agreement and days the reader wants to audit, and why."""

    agreement = forms.ModelChoiceField(Agreement.objects.none(), label=gettext_lazy("Agreement"))
    period_from = forms.DateField(
        label=gettext_lazy("From"), widget=forms.DateInput(attrs={"type": "date"})
    )
    period_to = forms.DateField(
        label=gettext_lazy("Until, this day not included"),
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    reason = forms.CharField(
        label=gettext_lazy("Why"), max_length=300, widget=forms.Textarea(attrs={"rows": 2})
    )


@require_http_methods(["GET", "POST"])
@portal_page(Power.SEE_USAGE)
def list_audits(request: HttpRequest) -> HttpResponse:
    """Show the audits of the reader's agreements, and ask for one."""
    with_right = _agreements(request).filter(
        pk__in=DealTerms.objects.filter(audit_notice_days__isnull=False).values("agreement")
    )
    sent = request.POST if request.method == "POST" else None
    form = AskForm(sent, initial={"period_to": timezone.localdate().replace(day=1)})
    form.fields["agreement"].queryset = with_right
    if form.is_bound and form.is_valid():
        try:
            audits.ask(
                side=AuditSide.TALENT, at=timezone.now(), by=request.user, **form.cleaned_data
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The audit is asked for. Its notice runs."))
            return redirect("portal:audits")
    values = {
        "audits": [_shown(audit, request.reader) for audit in _audits(request)],
        "form": form,
        "may_ask": with_right.exists(),
    }
    return render_page(request, "portal/audits.html", "usage", values)


@require_POST
@portal_page(Power.SEE_USAGE)
def note_finding(request: HttpRequest, audit_id: int) -> HttpResponse:
    """Keep what the reader found in their audit, or replies to the studio's."""
    audit = get_object_or_404(_audits(request), pk=audit_id)
    own = audit.side == AuditSide.TALENT
    kind = AuditStepKind.FOUND if own else AuditStepKind.REPLIED
    try:
        text = request.POST.get("text", "")[:5_000]
        audits.note(audit=audit, kind=kind, text=text, at=timezone.now(), by=request.user)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("It is noted. Your agency reads it."))
    return redirect("portal:audits")


def _agreements(request: HttpRequest):
    """Return the agreements about the twins of whom the reader acts for, as they may see them."""
    twins = DigitalTwin.objects.of_performers([request.reader.principal.performer_id])
    return (
        Agreement.objects.visible_to(request.user)
        .filter(twin__in=twins, signed_at__isnull=False)
        .order_by("reference")
    )


def _audits(request: HttpRequest):
    rows = Audit.objects.filter(agreement__in=_agreements(request))
    return rows.select_related("agreement__licensee").prefetch_related("steps").order_by("-pk")


def _shown(audit: Audit, reader: Reader) -> AuditShown:
    state, own = audits.state_of(audit, at=timezone.now()), audit.side == AuditSide.TALENT
    opened = state not in (AuditState.NOTICE, AuditState.DROPPED)
    evidence = own and opened and reader.may(Power.SEE_MONEY)
    return AuditShown(audit, state, evidence, state in CONDUCTED, own)


urlpatterns = [
    path("audits/", list_audits, name="audits"),
    path("audits/<int:audit_id>/note/", note_finding, name="audit-note"),
]
