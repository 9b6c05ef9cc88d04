"""The portal's door to withdrawal: what it would stop, and its confirmation."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from licensing.models import Agreement, Licensee
from licensing.withdrawals import confirm
from licensing.withdrawals.form import WithdrawalForm
from licensing.withdrawals.preview import preview
from talent.consent.withdrawals import plan
from talent.errors import Refused
from talent.models import DigitalTwin, Performer
from talent.portal.reader import portal_page, render_page
from talent.words import Power, Right, Use


@require_http_methods(["GET", "POST"])
@portal_page(Power.DECIDE)
def withdraw(request: HttpRequest, twin_id: int) -> HttpResponse:
    """Show what a withdrawal would do; record it once that was seen and confirmed."""
    reader = request.reader
    twin = get_object_or_404(reader.principal.twins(reader.user), pk=twin_id)
    performer = get_object_or_404(Performer, pk=reader.principal.performer_id)
    form = _form(request, twin, performer)
    values = {"twin": twin, "form": form, "cell": request.GET.get("cell", "")}
    if form.is_bound and form.is_valid():
        owner = twin if form.cleaned_data["whose"] == "twin" else performer
        try:
            if request.method == "POST":
                return _confirm(request, owner, form, twin)
            planned = plan(owner=owner, withdrawal=form.withdrawal, at=timezone.now())
            values["preview"] = preview(planned, at=timezone.now(), user=reader.user)
        except Refused as refusal:
            form.add_error(None, str(refusal))
    return render_page(request, "portal/withdraw.html", "consents", values)


def _form(request: HttpRequest, twin: DigitalTwin, performer: Performer) -> WithdrawalForm:
    """Return the form as sent, or ready for the cell that the reader came from."""
    sent = request.POST if request.method == "POST" else request.GET
    agreements = Agreement.objects.visible_to(request.user).filter(
        twin__in=DigitalTwin.objects.of_performers([performer.pk])
    )
    licensees = Licensee.objects.filter(pk__in=agreements.values("licensee")).order_by("name")
    form = WithdrawalForm(
        sent if "extent" in sent else None,
        licensees=licensees,
        initial={"extent": "cell", "whose": "twin", **_cell_of(request)},
    )
    # In a composite, only one's own consent is one's own to withdraw.
    if twin.performer_id != performer.pk:
        form.fields["whose"].choices = form.fields["whose"].choices[1:]
    return form


def _cell_of(request: HttpRequest) -> dict[str, str]:
    right, _dot, use = request.GET.get("cell", "").partition(".")
    known = right in Right.codes() and use in Use.codes()
    return {"right": right, "use": use} if known else {}


def _confirm(
    request: HttpRequest, owner: DigitalTwin | Performer, form: WithdrawalForm, twin: DigitalTwin
) -> HttpResponse:
    withdrawal = confirm.confirm(
        owner=owner,
        withdrawal=form.withdrawal,
        shown=request.POST.get("shown", ""),
        at=timezone.now(),
        by=request.user,
        reason=form.cleaned_data["reason"],
    )
    studios = ", ".join(duty.licensee for duty in withdrawal.told)
    done = _("Withdrawn: %(what)s.") % {"what": withdrawal.plan.withdrawal.what}
    told = _("Written to %(studios)s.") % {"studios": studios} if studios else ""
    messages.success(request, f"{done} {told}".strip())
    return redirect(reverse("portal:consent", args=[twin.pk]))


urlpatterns = [path("twins/<int:twin_id>/withdraw/", withdraw, name="withdraw")]
