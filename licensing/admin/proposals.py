"""What agencies propose to the operator: licensees and productions, which all agencies share."""

from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import transaction
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from licensing import proposals
from licensing.models import Licensee, Production, Proposal
from licensing.models.proposals import ProposalQuerySet
from licensing.words import LicenseeKind, ProductionKind, Proposed
from talent.admin.as_read import locale_of_reader
from talent.admin.base import FactAdmin
from talent.admin.steps import NoteForm, ReasonForm, step
from talent.admin.tenancy import seats_with
from talent.admin.waiting import Waiting
from talent.errors import Refused
from talent.models import Agency
from talent.plain_text import MORE_THAN_A_LINE, UNSEEN_CHARACTERS, has_unseen, is_line

# Whoever may draft an agreement may ask for whom it is with.
PROPOSES = "licensing.add_agreement"


def may_propose(user):
    """Tell whether somebody has a seat to propose at; the operator adds instead."""
    return user.is_active and not user.is_superuser and user.has_perm(PROPOSES)


class _ProposalForm(forms.Form):
    """At which agency, and a remark for the operator."""

    agency = forms.ModelChoiceField(
        Agency.objects.none(), label=_("For the agency"), widget=UnfoldAdminSelectWidget
    )
    note = forms.CharField(
        label=_("Remark"),
        required=False,
        max_length=300,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=_("May be left empty. The operator reads it."),
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        seats = seats_with(user, PROPOSES)
        self.fields["agency"].queryset = seats
        self.fields["agency"].initial = seats.first() if seats.count() == 1 else None
        self.order_fields([*(name for name in self.fields if name != "note"), "note"])

    def clean_note(self):
        note = self.cleaned_data["note"].strip()
        if has_unseen(note):
            raise ValidationError(UNSEEN_CHARACTERS)
        return note

    def _line(self, name):
        text = self.cleaned_data[name]
        if not is_line(text):
            raise ValidationError(MORE_THAN_A_LINE)
        return " ".join(text.split())


class LicenseeProposal(_ProposalForm):
    """A licensee. Whether another agency knows it already is not told."""

    name = forms.CharField(label=_("Name"), max_length=200, widget=UnfoldAdminTextInputWidget)
    kind = forms.ChoiceField(
        label=_("Kind"), choices=LicenseeKind.choices(), widget=UnfoldAdminSelectWidget
    )
    country = forms.ChoiceField(label=_("Country"), widget=UnfoldAdminSelectWidget)

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, user=user, **kwargs)
        column = Licensee._meta.get_field("country")
        self.fields["country"].choices = [("", "–"), *column.offered(locale_of_reader())]

    def clean_name(self):
        return self._line("name")

    def prefilled(self):
        """Return what the page that adds it is filled with."""
        values = {name: self.cleaned_data[name] for name in ("name", "kind", "country")}
        return values | {"slug": slugify(values["name"])[:50]}


class ProductionProposal(_ProposalForm):
    """A production of a licensee that the agency has terms with."""

    licensee = forms.ModelChoiceField(
        Licensee.objects.none(), label=_("Licensee"), widget=UnfoldAdminSelectWidget
    )
    title = forms.CharField(label=_("Title"), max_length=200, widget=UnfoldAdminTextInputWidget)
    kind = forms.ChoiceField(
        label=_("Kind"), choices=ProductionKind.choices(), widget=UnfoldAdminSelectWidget
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, user=user, **kwargs)
        mine = Licensee.objects.filter(terms__agency__in=seats_with(user, PROPOSES))
        self.fields["licensee"].queryset = mine.distinct().order_by("name")

    def clean_title(self):
        return self._line("title")

    def clean(self):
        data = super().clean()
        title, licensee, agency = (data.get(name) for name in ("title", "licensee", "agency"))
        if licensee and agency and not licensee.terms.filter(agency=agency).exists():
            self.add_error("licensee", _("This agency has no terms with it."))
        elif title and licensee and licensee.productions.filter(title__iexact=title).exists():
            self.add_error("title", _("It is here already: choose it in the agreement."))
        return data

    def prefilled(self):
        """Return what the page that adds it is filled with."""
        data = self.cleaned_data
        return {"licensee": data["licensee"].pk, "title": data["title"], "kind": data["kind"]}


class TakesProposals:
    """A list that the operator keeps and agencies propose rows for."""

    proposal_form: type[_ProposalForm]
    actions_list = ("propose", "export_list", "export_workbook")

    def add_view(self, request, form_url="", extra_context=None):
        """Answer who may propose and not add with the page for that."""
        if may_propose(request.user) and not self.has_add_permission(request):
            return self.propose(request)
        return super().add_view(request, form_url, extra_context)

    @transaction.atomic
    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if not change:
            proposals.settle(
                asks_for=Proposed(self.opts.model_name),
                name=str(getattr(obj, "name", "") or obj.title),
                by=request.user,
                at=timezone.now(),
            )

    def has_propose_permission(self, request):
        return may_propose(request.user)

    @action(description=_("Propose"), permissions=["propose"], icon="outgoing_mail")
    def propose(self, request):
        """Ask what is proposed, and tell the operator."""
        form = self.proposal_form(request.POST or None, user=request.user)
        if request.method == "POST" and form.is_valid():
            try:
                self._propose(request, form)
                return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
            except Refused as refusal:
                form.add_error(None, str(refusal))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Propose a %s") % self.opts.verbose_name,
            "opts": self.opts,
            "form": form,
        }
        return TemplateResponse(request, "admin/propose.html", context)

    def _propose(self, request, form):
        data, filled = form.cleaned_data, form.prefilled()
        adds = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_add")
        proposals.propose(
            agency=data["agency"],
            asks_for=Proposed(self.opts.model_name),
            name=filled.get("name") or filled["title"],
            link=request.build_absolute_uri(f"{adds}?{urlencode(filled)}"),
            note=data["note"],
            afterwards=self._afterwards(request, data["agency"]),
            by=request.user,
            at=timezone.now(),
        )
        text = _(
            "The operator is told and adds it, or writes to you to ask. Once it is here you can "
            "choose it in an agreement."
        )
        self.message_user(request, text)

    def _afterwards(self, request, agency):
        """Say what comes after a licensee is added: its agency sees it by their terms."""
        if self.model is not Licensee:
            return ""
        terms = f"{reverse('admin:licensing_licenseeterms_add')}?agency={agency.pk}"
        link = request.build_absolute_uri(terms)
        return f"Then add its terms with {agency.name}, by which the agency sees it:\n{link}\n"


class LeadsToProposals:
    """A form that chooses licensees or productions: it says how one comes that is not there."""

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        model = db_field.related_model
        if field and model in (Licensee, Production) and may_propose(request.user):
            link = '{} <a class="desk-link" href="{}">{}</a>'
            told = (field.help_text, _page(model), _("Not there? Propose it to the operator."))
            field.help_text = format_html(link, *told)
        return field


def _page(model):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_propose")


class ToDecide(Waiting):
    label = _("Waits")
    narrow = ProposalQuerySet.waiting


@admin.register(Proposal)
class ProposalAdmin(FactAdmin):
    list_display = ["name", "asks_for", "agency", "proposed_by", "proposed_at", "state"]
    list_filter = [ToDecide, "asks_for", "agency"]
    list_select_related = ["agency", "proposed_by"]
    search_fields = ["name", "note"]
    ordering = ["-pk"]
    when_empty = _("No agency has proposed a licensee or a production.")
    actions_detail = ["note_that_it_is_here", "decline"]
    fields = readonly_fields = [
        "asks_for", "name", "agency", "note", "proposed_by", "proposed_at", "state", "reason",
        "decided_by", "decided_at", "adds_it",
    ]  # fmt: skip

    @admin.display(description=_("the page that adds it"))
    def adds_it(self, proposal):
        page = reverse(f"admin:licensing_{proposal.asks_for}_add")
        return format_html(
            '<a class="desk-link" href="{}?{}">{}</a>',
            page,
            proposal.filled_in,
            _("Add it, with what was proposed filled in"),
        )

    @step(
        label=_("It is here"),
        icon="check",
        permission="licensing.change_proposal",
        form=NoteForm,
        says=_("Who proposed it is told that it is on the desk. Nothing is added by this."),
        done=_("%(row)s is settled."),
        offered=lambda proposal: proposal.decided_at is None,
    )
    def note_that_it_is_here(self, proposal, given):
        proposals.note_that_it_is_here(
            proposal=proposal, by=given.by, at=given.at, reason=given.reason
        )

    @step(
        label=_("Decline"),
        icon="block",
        permission="licensing.change_proposal",
        form=ReasonForm,
        says=_("Nothing is added, and who proposed it reads why."),
        done=_("%(row)s is declined."),
        offered=lambda proposal: proposal.decided_at is None,
    )
    def decline(self, proposal, given):
        proposals.decline(proposal=proposal, by=given.by, at=given.at, reason=given.reason)
