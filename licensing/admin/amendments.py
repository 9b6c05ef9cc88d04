"""Amendments: asked for on the page of what they change, approved by somebody else on their own."""

from copy import copy

from django import forms
from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldBooleanWidget,
)

from licensing.agreements import amendments
from licensing.agreements.amendments import CAP, GRANT, RATE_CARD, Change
from licensing.agreements.deals import DEAL
from licensing.agreements.money_terms import ADVANCE, GUARANTEE, MONEY
from licensing.models import Amendment, AmendmentStep, Cap, Grant
from licensing.words import AgreementStatus, AmendmentState, Channel, Meter
from talent.admin import lists
from talent.admin.base import FactAdmin
from talent.admin.columns import html_table
from talent.admin.parts import FactInline
from talent.admin.steps import NoteForm, ReasonForm, step
from talent.words import Right, Use

from .terms_in_words import told, worded

ASKS = "licensing.ask_amendment"
NEXT = _("%(row)s: asked for. Somebody else approves it, on the amendment's page.")


def is_signed(agreement):
    return agreement is not None and agreement.status == AgreementStatus.SIGNED


# Asking


class Amends(ReasonForm):
    """From which day, beside why."""

    counts_from = forms.DateField(
        label=_("Counts from"),
        widget=UnfoldAdminSingleDateWidget,
        help_text=_("Today or later, in the agreement's time zone."),
    )


class CapForm(Amends):
    """A cap that is to be added."""

    meter = forms.ChoiceField(label=_("Meter"), choices=Meter.choices(),
                              widget=UnfoldAdminSelectWidget)  # fmt: skip
    limit = forms.DecimalField(
        label=_("Limit a fiscal year"), max_digits=20, decimal_places=6,
        widget=UnfoldAdminDecimalFieldWidget,
    )  # fmt: skip
    channels = forms.MultipleChoiceField(
        label=_("Channels"), choices=Channel.choices(), required=False,
        widget=UnfoldAdminSelectMultipleWidget, help_text=_("None chosen: every channel."),
    )  # fmt: skip
    hard = forms.BooleanField(
        label=_("Refuse past the limit"), required=False, initial=True, widget=UnfoldBooleanWidget
    )
    starts_on = forms.DateField(
        label=_("Counts use since"), widget=UnfoldAdminSingleDateWidget,
        help_text=_("All that is in force since this day counts, also what was reported before."),
    )  # fmt: skip
    ends_on = forms.DateField(label=_("Ends"), required=False, widget=UnfoldAdminSingleDateWidget)


class CapChangeForm(Amends):
    """What may change of a cap that counts; left empty, it stays."""

    limit = forms.DecimalField(
        label=_("New limit a fiscal year"), required=False, max_digits=20, decimal_places=6,
        widget=UnfoldAdminDecimalFieldWidget, help_text=_("Empty: as it is."),
    )  # fmt: skip
    past_limit = forms.ChoiceField(
        label=_("Past the limit"), required=False, widget=UnfoldAdminSelectWidget,
        choices=[("", _("as it is")), ("hard", _("refuse")), ("soft", _("grant as overage"))],
    )  # fmt: skip
    ends = forms.BooleanField(
        label=_("The cap ends on that day"), required=False, widget=UnfoldBooleanWidget
    )


class GrantForm(Amends):
    """A right for a use, as it is to be granted; one that is granted already is changed."""

    right = forms.ChoiceField(label=_("Right"), choices=Right.choices(),
                              widget=UnfoldAdminSelectWidget)  # fmt: skip
    use = forms.ChoiceField(label=_("Use"), choices=Use.choices(), widget=UnfoldAdminSelectWidget)
    territories = lists.places(
        label=_("Territories"), required=False, nullable=True,
        help_text=_("As France, California, EU. Empty: anywhere."),
    )  # fmt: skip
    languages = lists.languages(
        label=_("Languages"), required=False, nullable=True,
        help_text=_("As English, French (Canada). Empty: any."),
    )  # fmt: skip
    channels = forms.MultipleChoiceField(
        label=_("Channels"), choices=Channel.choices(), required=False,
        widget=UnfoldAdminSelectMultipleWidget, help_text=_("None chosen: every channel."),
    )  # fmt: skip
    real_time = forms.BooleanField(
        label=_("Real-time generation"), required=False, widget=UnfoldBooleanWidget
    )
    ends = forms.BooleanField(
        label=_("It is no longer granted from that day"), required=False,
        widget=UnfoldBooleanWidget,
    )  # fmt: skip


def _new_cap(values):
    terms = ("meter", "limit", "hard", "starts_on", "ends_on")
    cap = Cap(channels=values["channels"] or None, **{name: values[name] for name in terms})
    return Change(CAP, amendments.cap_terms(cap))


def _changed_cap(cap, values):
    if values["ends"]:
        return Change(CAP, None, cap.pk)
    changed = copy(cap)
    if values["limit"] is not None:
        changed.limit = values["limit"]
    if values["past_limit"]:
        changed.hard = values["past_limit"] == "hard"
    return Change(CAP, amendments.cap_terms(changed), cap.pk)


def _changed_grant(agreement, values):
    granted = agreement.grants.filter(right=values["right"], use=values["use"]).first()
    grant = Grant(
        right=values["right"],
        use=values["use"],
        territories=values["territories"],
        languages=values["languages"],
        channels=values["channels"] or None,
        real_time=values["real_time"],
    )
    after = None if values["ends"] else amendments.grant_terms(grant)
    return Change(GRANT, after, granted and granted.pk)


class AsksForAmendments:
    """Of an agreement's page: the steps that ask for another cap or grant."""

    @step(
        label=_("Ask for a cap"),
        icon="speed",
        permission=ASKS,
        says=_(
            "Nothing changes yet: somebody else approves it. The cap then counts from the log all "
            "that is in force since its start. Its meter, channels and start stay as they are."
        ),
        done=NEXT,
        form=CapForm,
        offered=is_signed,
    )
    def ask_for_cap(self, agreement, given):
        ask(agreement, _new_cap(given.values), given)

    @step(
        label=_("Ask to change a grant"),
        icon="rule",
        permission=ASKS,
        says=_(
            "Nothing changes yet: somebody else approves it. A grant lies within the consent that "
            "is in force when it is asked for, approved and applied."
        ),
        done=NEXT,
        form=GrantForm,
        offered=is_signed,
    )
    def ask_for_grant(self, agreement, given):
        ask(agreement, _changed_grant(agreement, given.values), given)


class AsksToChangeCap:
    """Of a cap's page: the step that asks for another limit, or its end."""

    @step(
        label=_("Ask to change it"),
        icon="speed",
        permission=ASKS,
        says=_(
            "Nothing changes yet: somebody else approves it. What was used and reserved this year "
            "counts against the new limit."
        ),
        done=NEXT,
        form=CapChangeForm,
        offered=lambda cap: is_signed(cap.agreement),
        facts=lambda cap: told(amendments.cap_terms(cap)),
    )
    def ask_to_change(self, cap, given):
        ask(cap.agreement, _changed_cap(cap, given.values), given)


class AsksForRates:
    """Of a rate card's page: the step that asks for it, once its prices stand."""

    @step(
        label=_("Ask for it"),
        icon="payments",
        permission=ASKS,
        says=_(
            "Nothing changes yet: somebody else approves the card as it is now. Once its prices "
            "change it has to be asked for anew. From its day on the night rates by it."
        ),
        done=NEXT,
        form=ReasonForm,
        offered=lambda card: card.proposed,
        facts=lambda card: [
            (_("Currency"), card.agreement.currency),
            *told(amendments.card_terms(card)),
        ],
    )
    def ask_for_rates(self, card, given):
        change = Change(RATE_CARD, amendments.card_terms(card), card.pk)
        ask(card.agreement, change, given, counts_from=card.effective_from)


def ask(agreement, change, given, *, counts_from=None):
    amendments.ask(
        agreement=agreement,
        change=change,
        counts_from=counts_from or given.values["counts_from"],
        reason=given.reason,
        by=given.by,
        at=given.at,
    )


# Deciding


class AmendmentStepInline(FactInline):
    model = AmendmentStep
    fields = readonly_fields = ["kind", "at", "by", "reason"]
    ordering = ["at", "pk"]


class AmendmentInline(FactInline):
    """Of an agreement's page: what was asked for and what became of it."""

    model = Amendment
    fields = readonly_fields = [
        "number",
        "what",
        "counts_from",
        "asked_by",
        "asked_at",
        "state_now",
    ]
    ordering = ["-number"]
    show_change_link = True

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("asked_by").prefetch_related("steps")

    @admin.display(description=_("what"))
    def what(self, amendment):
        return what_changes(amendment)

    @admin.display(description=_("state"))
    def state_now(self, amendment):
        return amendment.state.label


class Waiting(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("waiting", AmendmentState.WAITING.label)]

    def queryset(self, request, queryset):
        return queryset.waiting() if self.value() == "waiting" else queryset


@admin.register(Amendment)
class AmendmentAdmin(FactAdmin):
    """Amendments are asked for elsewhere; here another person approves or rejects them."""

    agency_path = "agreement__agency"
    list_display = ["__str__", "agreement", "what", "state_label", "counts_from", "asked_by",
                    "asked_at"]  # fmt: skip
    list_filter = [Waiting]
    list_select_related = ["agreement", "asked_by"]
    search_fields = ["agreement__reference", "reason"]
    ordering = ["-pk"]
    inlines = [AmendmentStepInline]
    actions = ["approve"]
    fields = readonly_fields = [
        "of", "what", "state_label", "before_and_after", "in_money", "counts_from", "reason",
        "asked_by", "asked_at",
    ]  # fmt: skip
    actions_detail = ["approve", "reject"]
    when_empty = _(
        "Nobody has asked for an amendment yet. Ask on the page of a signed agreement, of its cap "
        "or of its rate card."
    )

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("steps")

    @admin.display(description=_("agreement"))
    def of(self, amendment):
        url = reverse("admin:licensing_agreement_change", args=[amendment.agreement_id])
        return format_html('<a href="{}">{}</a>', url, amendment.agreement)

    @admin.display(description=_("what"))
    def what(self, amendment):
        return what_changes(amendment)

    @display(
        description=_("state"),
        label={
            "Waits for approval": "warning", "Approved, counts later": "info",
            "In force": "success", "Rejected": "danger", "Not applied": "danger",
        },
    )  # fmt: skip
    def state_label(self, amendment):
        return amendment.state.label

    @admin.display(description=_("before and after"))
    def before_and_after(self, amendment):
        before, after = dict(told(amendment.before)), dict(told(amendment.after))
        names = list(dict.fromkeys([*before, *after]))
        rows = [(name, before.get(name, ""), after.get(name, "")) for name in names]
        marked = [
            (format_html("<strong>{}</strong>", name) if was != is_ else name, was, is_)
            for name, was, is_ in rows
        ]
        return html_table(_("Before and after"), [_("Term"), _("Before"), _("After")], marked)

    @admin.display(description=_("in money"))
    def in_money(self, amendment):
        """Lead from other rates to what the last months would have earned by them."""
        if amendment.about != RATE_CARD or amendment.row is None:
            return "–"
        url = reverse("admin:simulate_rates", args=[amendment.row])
        text = _("What would it have earned?")
        return format_html('<a class="desk-link" href="{}">{}</a>', url, text)

    @step(
        label=_("Approve"),
        icon="check",
        permission=amendments.APPROVES,
        step_up=True,
        says=_(
            "You approve, as the second person, what somebody else asked for. It is checked once "
            "more against what holds now, and holds from its day on."
        ),
        done=_("%(row)s is approved."),
        form=NoteForm,
        offered=lambda amendment: amendment.state is AmendmentState.WAITING,
        facts=lambda amendment: _about(amendment),
        order=["pk"],
    )
    def approve(self, amendment, given):
        amendments.approve(amendment_id=amendment.pk, by=given.by, at=given.at, reason=given.reason)

    @step(
        label=_("Reject"),
        icon="block",
        permission=ASKS,
        says=_("Nothing changes. Who asked reads why; who asked may take it back so, too."),
        done=_("%(row)s is rejected. Nothing has changed."),
        form=ReasonForm,
        offered=lambda amendment: amendment.state is AmendmentState.WAITING,
        facts=lambda amendment: _about(amendment),
    )
    def reject(self, amendment, given):
        amendments.reject(amendment_id=amendment.pk, by=given.by, at=given.at, reason=given.reason)


def what_changes(amendment):
    """Say in a few words what an amendment does."""
    about = amendment.get_about_display()
    terms = amendment.after or amendment.before or {}
    named = {
        CAP: lambda: worded("meter", terms["meter"]),
        GRANT: lambda: f"{worded('right', terms['right'])} × {worded('use', terms['use'])}",
        RATE_CARD: lambda: terms["effective_from"],
        GUARANTEE: lambda: f"{worded('period', terms['period'])}, {terms['amount']}",
        ADVANCE: lambda: f"{terms['label']}, {terms['amount']}",
        MONEY: lambda: _("changed"),
        DEAL: lambda: _("changed"),
    }[amendment.about]()
    if amendment.after is None:
        return f"{about}: {named}, {_('ends')}"
    if amendment.before is None and amendment.about != RATE_CARD:
        return f"{about}: {named}, {_('new')}"
    return f"{about}: {named}"


def _about(amendment):
    yield _("Agreement"), amendment.agreement
    yield _("What"), what_changes(amendment)
    yield _("Counts from"), amendment.counts_from
    yield _("Asked by"), amendment.asked_by
    yield _("Why"), amendment.reason
    if amendment.about == RATE_CARD:
        yield _("Currency"), amendment.agreement.currency
    before = dict(told(amendment.before))
    for name, value in told(amendment.after):
        was = before.get(name)
        yield name, value if was in (None, value) else f"{was} → {value}"
