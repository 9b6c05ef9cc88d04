"""The portal's door to standing offers: what waits for the reader, what is open, what was taken."""

from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from licensing.agreements import offers
from licensing.models import StandingOffer
from licensing.words import OfferState, OfferStepKind
from talent.errors import Refused
from talent.models import DigitalTwin, Performer
from talent.portal.reader import portal_page, render_page
from talent.sign_in import proofs
from talent.words import Power


@dataclass(frozen=True)
class OfferShown:
    """An offer as the reader decides on it: its words, and whether it is their turn."""

    offer: StandingOffer
    paragraphs: list[str]
    digest: str
    left: int
    is_open: bool
    is_mine_to_decide: bool


@require_GET
@portal_page(Power.DECIDE)
def list_offers(request: HttpRequest) -> HttpResponse:
    """Show the offers about the reader's twins, those that wait first."""
    rows = [_shown(offer, request.reader.principal.performer_id) for offer in _offers(request)]
    waiting = [row for row in rows if row.is_mine_to_decide]
    values = {"waiting": waiting, "others": [row for row in rows if not row.is_mine_to_decide]}
    return render_page(request, "portal/offers.html", "offers", values)


@require_POST
@portal_page(Power.DECIDE)
def approve(request: HttpRequest, offer_id: int) -> HttpResponse:
    """Approve an offer, bound to the words that were shown."""
    offer = get_object_or_404(_offers(request), pk=offer_id)
    if asked := proofs.step_up(request):
        return asked
    performer = get_object_or_404(Performer, pk=request.reader.principal.performer_id)
    try:
        offers.approve(
            offer=offer, performer=performer, shown=request.POST.get("shown", "")[:64],
            at=timezone.now(), by=request.user,
        )  # fmt: skip
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Approved. Withdraw it here whenever you like."))
    return redirect("portal:offers")


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=300, required=False)


@require_POST
@portal_page(Power.DECIDE)
def decline(request: HttpRequest, offer_id: int) -> HttpResponse:
    """Decline an offer that waits, or withdraw one that is open; it is never held up."""
    offer = get_object_or_404(_offers(request), pk=offer_id)
    performer = get_object_or_404(Performer, pk=request.reader.principal.performer_id)
    form = ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    try:
        offers.decline(
            offer=offer, performer=performer, at=timezone.now(), by=request.user, reason=reason
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("No studio can take it. What was taken stays as agreed."))
    return redirect("portal:offers")


def _offers(request: HttpRequest):
    """Return the offers that were shown, about the twins of whom the reader acts for."""
    twins = DigitalTwin.objects.of_performers([request.reader.principal.performer_id])
    return (
        StandingOffer.objects.filter(twin__in=twins, steps__kind=OfferStepKind.PROPOSED.value)
        .select_related("agency", "twin")
        .prefetch_related("steps", "takings__terms__licensee", "takings__agreement")
        .order_by("-pk")
    )


def _shown(offer: StandingOffer, performer_id: int) -> OfferShown:
    approved = {
        step.performer_id for step in offer.steps.all() if step.kind == OfferStepKind.APPROVED
    }
    text = offers.text_of(offer)
    taken = [taking for taking in offer.takings.all() if not taking.try_out]
    return OfferShown(
        offer,
        text.splitlines(),
        offers.digest_of(offer),
        max(0, offer.times - len(taken)),
        offer.state is OfferState.OPEN,
        offer.state is OfferState.PROPOSED and performer_id not in approved,
    )


urlpatterns = [
    path("offers/", list_offers, name="offers"),
    path("offers/<int:offer_id>/approve/", approve, name="offer-approve"),
    path("offers/<int:offer_id>/decline/", decline, name="offer-decline"),
]
