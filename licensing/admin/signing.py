"""Signing in the admin: sending a draft out, where a round stands, the agency's own signature."""

from datetime import timedelta

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from licensing.agreements import document
from licensing.agreements.rates import line_floors
from licensing.agreements.signing import acts, deadlines, rounds, signatories
from licensing.agreements.signing.acts import Actor
from licensing.models import (
    Agreement,
    Signatory,
    SigningEvent,
    SigningRound,
)
from licensing.words import (
    DocumentKind,
    Identified,
    RoundState,
    SignatoryRole,
    SigningEventKind,
)
from talent.admin.base import FactAdmin
from talent.admin.columns import moment
from talent.admin.parts import FactInline
from talent.admin.steps import ReasonForm, step
from talent.errors import Refused
from talent.papers import certificate
from talent.sign_in import proofs

from . import money_terms
from .drafts import is_draft

SENDS = "licensing.send_agreement"
DAYS_TO_SIGN = 30


class SendForm(forms.Form):
    """Who signs for the licensee, and until when."""

    licensee_name = forms.CharField(
        label=_("Who signs for the licensee"),
        max_length=200,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Left empty: the contact of its terms."),
    )
    licensee_email = forms.EmailField(
        label=_("Their mail address"),
        required=False,
        widget=UnfoldAdminEmailInputWidget,
        help_text=_("A link is mailed there, and a code once they follow it."),
    )
    days = forms.IntegerField(
        label=_("Days to sign"),
        min_value=1,
        max_value=365,
        initial=DAYS_TO_SIGN,
        widget=UnfoldAdminIntegerFieldWidget,
    )

    def about(self, rows):
        """Ask for the mail address of each performer whom no account reaches."""
        for performer in signatories.without_account(rows[0], at=timezone.now()):
            self.fields[f"mail_{performer.pk}"] = forms.EmailField(
                label=_("Mail address of %s") % performer,
                widget=UnfoldAdminEmailInputWidget,
                help_text=_("They have no account: a link is mailed there, and a code."),
            )
        self.order_fields([name for name in self.fields if name.startswith("mail_")])


class SendsForSignature:
    """Of an agreement's page: sends a draft out, or keeps a signature on paper."""

    @step(
        label=_("Send for signature"),
        icon="draw",
        permission=SENDS,
        step_up=True,
        says=_(
            "The document is drawn and sealed, and each is asked in turn to read and sign it. "
            "Nothing holds before all have signed; then its studio can ask for clearances under "
            "it. Whoever changes the terms meanwhile has to send it anew."
        ),
        done=_("%(row)s is out for signature. Its round says whose turn it is."),
        form=SendForm,
        offered=lambda agreement: is_draft(agreement) and not _is_out(agreement),
        facts=lambda agreement: _of_sending(agreement),
        prefetch=["grants", "rate_cards__lines", "caps", "guarantees", "advances"],
    )
    def send(self, agreement, given):
        values = given.values
        rounds.send(
            agreement=agreement,
            signatories=signatories.proposed(
                agreement,
                licensee_name=values["licensee_name"],
                licensee_email=values["licensee_email"],
                mails=mails_in(values),
                at=given.at,
            ),
            expires_at=given.at + timedelta(days=values["days"]),
            at=given.at,
            by=given.by,
        )

    @step(
        label=_("Draw to sign on paper"),
        icon="print",
        permission=SENDS,
        says=_(
            "The document is drawn from the terms as they are now, to be printed and signed on "
            "paper. Nobody is bound before its scan is handed in and somebody else approves it."
        ),
        done=_("%(row)s: the document is drawn, and stands among its documents. Print that one."),
        offered=lambda agreement: is_draft(agreement) and not _is_out(agreement),
        facts=lambda agreement: _of_sending(agreement),
    )
    def draw_to_sign(self, agreement, given):
        rounds.refuse_unlawful(agreement, at=given.at)
        document.draw(agreement=agreement, kind=DocumentKind.TO_SIGN, at=given.at, by=given.by)

    @action(
        description=_("Signed on paper"), permissions=["signed_on_paper"], icon="document_scanner"
    )
    def signed_on_paper(self, request, object_id):
        """Redirect to the page that keeps a scan of a signature on paper."""
        return redirect(
            f"{reverse('admin:licensing_signedscan_hand_in')}?agreement={int(object_id)}"
        )

    @action(
        description=_("Signed elsewhere"), permissions=["signed_on_paper"], icon="move_to_inbox"
    )
    def signed_elsewhere(self, request, object_id):
        """Redirect to the page that takes in the PDF of what was signed elsewhere."""
        return redirect(
            f"{reverse('admin:licensing_signedscan_take_in')}?agreement={int(object_id)}"
        )

    @action(
        description=_("Import one signed elsewhere"), permissions=["import_signed"],
        icon="move_to_inbox",
    )  # fmt: skip
    def import_signed(self, request):
        """Redirect to the page that says how an agreement that was signed elsewhere comes in."""
        return redirect("admin:licensing_signedscan_take_in")

    def has_import_signed_permission(self, request, object_id=None):
        return request.user.has_perm(SENDS)

    def has_signed_on_paper_permission(self, request, object_id=None):
        may = request.user.has_perm(SENDS)
        if object_id is None or not may:
            return may
        agreement = self.get_object(request, object_id)
        waits = is_draft(agreement) and not _is_out(agreement)
        return waits and self.has_seat(request, SENDS, agreement)


class CallsBack:
    """An admin of what a draft's document says: a change of it calls back what is out."""

    def agreement_of(self, row):
        """Return the agreement whose terms a row is part of; None: it is of none."""
        return row.agreement

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        """Warn before anything is typed."""
        agreement = self.agreement_of(obj) if obj else None
        found = out(agreement) if agreement else None
        may = found is not None and self.has_change_permission(request, obj)
        if may and request.method == "GET":
            self.message_user(request, warning_of(found), messages.WARNING)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        agreement = self.agreement_of(form.instance)
        if agreement is not None:
            tell_called_back(self, request, agreement)


def out(agreement):
    """Return the round in which a draft is out for signature; None: it is not out."""
    return rounds.out_for_signature(agreement, at=timezone.now()) if agreement.pk else None


def warning_of(found):
    """Say what a change does to what is out for signature."""
    waiting = found.turn
    return _(
        "This draft is out for signature; it waits for %(who)s. A change of what its document "
        "says calls it back: nobody is bound, all are told, and you send it anew for all to read."
    ) % {"who": waiting.name if waiting else "–"}


def tell_called_back(model_admin, request, agreement):
    """Call back what is out, if a change made it old, and say so."""
    agreement = Agreement.objects.get(pk=agreement.pk)
    if not is_draft(agreement):
        return
    if rounds.call_back(agreement=agreement, at=timezone.now(), by=request.user):
        text = _("%s was called back, since its terms were changed. Send it for signature anew.")
        model_admin.message_user(request, text % agreement, messages.WARNING)


def mails_in(values):
    """Return the addresses that `SendForm` asked for, by the performers' ids."""
    return {
        int(name.removeprefix("mail_")): email
        for name, email in values.items()
        if name.startswith("mail_")
    }


def _is_out(agreement):
    """Tell whether an agreement is out for signature; asked once, however many steps ask."""
    if not hasattr(agreement, "_out"):
        agreement._out = SigningRound.objects.open().filter(agreement=agreement).exists()
    return agreement._out


def _of_sending(agreement):
    """Yield who signs, and what stands in the way of it."""
    if not certificate.is_there():
        yield _("In the way"), certificate.SAYS_WHAT_TO_DO
    at = timezone.now()
    yield _("Licensee"), agreement.licensee
    yield _("Digital twin"), agreement.twin
    yield _("Starts"), moment(agreement.starts_at)
    yield _("Ends"), moment(agreement.ends_at) if agreement.ends_at else _("open")
    yield _("Currency"), agreement.currency
    yield _("Grants"), _listed(agreement.grants.all())
    for finding in line_floors.below_floors(agreement):
        yield _("At risk"), finding
    lines = [line for card in agreement.rate_cards.all() for line in card.lines.all()]
    yield _("Rates"), _listed(lines)
    yield _("Caps"), _listed(agreement.caps.all())
    yield from money_terms.told(agreement)
    name, email = signatories.licensees_contact(agreement)
    try:
        proposed = signatories.proposed(
            agreement,
            licensee_name=name or str(_("named below")),
            licensee_email=email or str(_("by their address below")),
            mails={
                one.pk: _("by the address of %s below") % one
                for one in signatories.without_account(agreement, at=at)
            },
            at=at,
        )
    except Refused as refusal:
        yield _("In the way"), str(refusal)
        proposed = []
    for number, one in enumerate(proposed, start=1):
        reached = f", {one.email}" if one.email else ""
        yield f"{number}. {one.role.label}", f"{one.name}{reached}"
    try:
        rounds.refuse_unlawful(agreement, at=at)
    except Refused as refusal:
        yield _("In the way"), str(refusal)


def _listed(rows):
    return "; ".join(sorted(map(str, rows))) or _("none")


class SigningRoundInline(FactInline):
    """Of an agreement's page: the rounds in which it was sent out."""

    model = SigningRound
    fields = readonly_fields = ["state", "sent_at", "sent_by", "expires_at", "ended_at"]
    ordering = ["-sent_at"]
    show_change_link = True

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("sent_by", "agreement")


class SignatoryInline(FactInline):
    model = Signatory
    fields = readonly_fields = ["position", "role", "name", "email", "initials", "signed"]
    ordering = ["position"]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("events").select_related("round")

    @admin.display(description=_("signed"))
    def signed(self, signatory):
        kinds = {event.kind: event for event in signatory.events.all()}
        event = kinds.get(SigningEventKind.SIGNED.value)
        return moment(event.at) if event else "–"


class SigningEventInline(FactInline):
    model = SigningEvent
    fields = readonly_fields = ["at", "kind", "who", "identified", "address", "words", "digest"]
    ordering = ["at", "pk"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("signatory__round", "by", "round")

    @admin.display(description=_("who"))
    def who(self, event):
        return event.signatory.name if event.signatory else event.by or _("the desk")


class SignForm(forms.Form):
    """What the agency's own signatory says: read, agreed, and their name."""

    read = forms.BooleanField(
        label=_("I have opened and read the document"), widget=UnfoldBooleanWidget
    )
    agreed = forms.BooleanField(
        label=_("I agree to sign it electronically, for the agency"), widget=UnfoldBooleanWidget
    )
    full_name = forms.CharField(
        label=_("Your full name"), max_length=200, widget=UnfoldAdminTextInputWidget
    )


class AgencysTurn(admin.SimpleListFilter):
    title = _("turn")
    parameter_name = "turn"

    def lookups(self, request, model_admin):
        return [("agency", _("of the agency"))]

    def queryset(self, request, queryset):
        return queryset.for_the_agency() if self.value() == "agency" else queryset


@admin.register(SigningRound)
class SigningRoundAdmin(FactAdmin):
    """Rounds are begun on a draft's page; here stands who has done what, and what is next."""

    agency_path = "agreement__agency"
    list_display = ["agreement", "state_label", "turn", "sent_at", "sent_by", "expires_at"]
    list_filter = ["state", AgencysTurn, "agreement__agency"]
    list_select_related = ["agreement", "sent_by"]
    search_fields = ["agreement__reference", "signatories__name"]
    ordering = ["-sent_at", "-pk"]
    inlines = [SignatoryInline, SigningEventInline]
    actions_detail = ["sign_for_agency", "remind", "cancel"]
    fields = readonly_fields = [
        "of", "state_label", "turn", "files", "sent_at", "sent_by", "expires_at", "ended_at",
        "what_rules_said", "digest", "record_digest",
    ]  # fmt: skip
    when_empty = _(
        "Nothing was sent for signature yet. Send a draft from its page, by “Send for signature”."
    )

    def get_queryset(self, request):
        rows = super().get_queryset(request).select_related("agreement", "findings")
        return rows.prefetch_related("signatories", "events")

    @admin.display(description=_("agreement"))
    def of(self, found):
        url = reverse("admin:licensing_agreement_change", args=[found.agreement_id])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, found.agreement)

    @display(
        description=_("state"),
        ordering="state",
        label={"Out for signature": "warning", "Signed by all": "success", "Declined": "danger",
               "Expired": "danger", "Cancelled": "info"},
    )  # fmt: skip
    def state_label(self, found):
        return found.get_state_display()

    @admin.display(description=_("waits for"))
    def turn(self, found):
        waiting = found.turn
        return f"{waiting.name} ({waiting.get_role_display()})" if waiting else "–"

    @admin.display(description=_("files"))
    def files(self, found):
        names = [("document", _("Document with its signatures"))]
        if found.state == RoundState.SIGNED:
            names.append(("record", _("Signature record")))
        links = (
            (reverse("admin:licensing_signinground_file", args=[found.pk, name]), label)
            for name, label in names
        )
        return format_html_join(" · ", '<a class="desk-link" href="{}">{}</a>', links)

    @admin.display(description=_("what the rules said when it was sent"))
    def what_rules_said(self, found):
        url = reverse("admin:licensing_findingset_change", args=[found.findings_id])
        link = format_html('<a class="desk-link" href="{}">{}</a>', url, _("All that they said"))
        return format_html("{} · {}", found.findings.get_worst_display(), link)

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/<slug:name>.pdf", view(self.file), name="licensing_signinground_file"),
            *super().get_urls(),
        ]

    def file(self, request, pk, name):
        """Send the document as it is signed so far, or the signature record."""
        found = SigningRound.objects.visible_to(request.user).filter(pk=pk).first()
        content = {"document": found.pdf, "record": found.record}.get(name) if found else None
        if content is None or not self.has_view_permission(request, found):
            raise Http404(_("There is no such file for you."))
        return pdf_response(content, f"agreement-{found.agreement_id}-{name}")

    @step(
        label=_("Sign for the agency"),
        icon="draw",
        permission=signatories.SIGNS,
        step_up=True,
        says=_(
            "You sign for the agency, in the desk's document, with your name. Open and read it "
            "first. It cannot be taken back; before all have signed, the round can be cancelled."
        ),
        done=_("%(row)s. Your signature stands in the document."),
        form=SignForm,
        offered=lambda found: _is_the_agencys_turn(found),
        facts=lambda found: _of_round(found),
    )
    def sign_for_agency(self, found, given):
        signatory, shown = found.turn, found.digest
        known = proofs.has_second_factor(given.request)
        actor = Actor(
            given.by,
            Identified.SECOND_FACTOR if known else Identified.PASSWORD,
            given.request.META.get("REMOTE_ADDR"),
        )
        about = {"signatory_id": signatory.pk, "shown": shown, "actor": actor, "at": given.at}
        acts.read(**about)
        acts.agree(**about)
        acts.sign(name=given.values["full_name"], **about)

    @step(
        label=_("Remind"),
        icon="notifications",
        permission=SENDS,
        says=_("A mail goes to whom it waits for."),
        done=_("%(row)s. A reminder is on its way."),
        offered=lambda found: found.state == RoundState.OPEN,
        facts=lambda found: _of_round(found),
    )
    def remind(self, found, given):
        deadlines.remind(round_id=found.pk, at=given.at, by=given.by)

    @step(
        label=_("Cancel"),
        icon="cancel",
        permission=SENDS,
        says=_(
            "The round ends and nobody is bound by what was signed in it. All who were to sign "
            "are told, with the reason. The draft can be changed and sent anew."
        ),
        done=_("%(row)s. Nobody is bound."),
        form=ReasonForm,
        offered=lambda found: found.state == RoundState.OPEN,
        facts=lambda found: _of_round(found),
    )
    def cancel(self, found, given):
        rounds.cancel(round_id=found.pk, reason=given.reason, at=given.at, by=given.by)


def _is_the_agencys_turn(found):
    turn = found.turn
    return turn is not None and turn.role == SignatoryRole.AGENCY


def _of_round(found):
    yield _("Agreement"), found.agreement
    turn = found.turn
    yield _("Waits for"), turn.name if turn else "–"
    yield _("To be signed by"), moment(found.expires_at)
    yield _("SHA-256 of the document"), found.digest


def pdf_response(content, name):
    return HttpResponse(
        bytes(content),
        content_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{name}.pdf"'},
    )
