"""Prompts in the admin: read once for a purpose, erased for a reason; who did is on record."""

from django import forms
from django.contrib import admin
from django.db.models import OuterRef, Subquery
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from licensing.models import PromptErasure, PromptReveal, PromptText, UsageEvent
from licensing.usage import prompts
from licensing.words import RevealPurpose
from talent.admin.base import FactAdmin
from talent.admin.columns import moment, once_a_row
from talent.admin.steps import ShownOnce, step

LONGEST_NOTE = 500


class RevealForm(forms.Form):
    purpose = forms.ChoiceField(
        label=_("Read for"), choices=RevealPurpose.choices(), widget=UnfoldAdminSelectWidget
    )
    note = forms.CharField(
        label=_("Which case"),
        max_length=LONGEST_NOTE,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("A reference or a sentence that somebody will understand in three years."),
    )


class ErasureForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_NOTE,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("This stays in place of the text. Do not repeat the text here."),
    )


class PromptActions:
    """What may be done with the prompt of an event, by a seat at the event's own agency."""

    actions_detail = ("reveal_prompt", "erase_prompt")

    @admin.display(description=_("prompt"))
    @once_a_row
    def prompt_state(self, event):
        """Say what is left of the prompt; never the text."""
        if PromptText.objects.filter(event=event).exists():
            return _("Kept under seal")
        if erasure := PromptErasure.objects.filter(event=event).first():
            url = reverse("admin:licensing_prompterasure_change", args=[erasure.pk])
            return format_html(
                '<a class="desk-link" href="{}">{}</a>', url, _("Erased; its commitment stays")
            )
        return _("Not sent")

    @step(
        label=_("Read the prompt"),
        icon="visibility",
        permission="licensing.reveal_prompt",
        step_up=True,
        says=_(
            "The text is shown once, on the next page. That you read it, when and what for goes on "
            "record and stays there."
        ),
        done="",
        form=RevealForm,
        offered=lambda event: _is_kept(event),
    )
    def reveal_prompt(self, event, given):
        """Put on record who reads the text and what for, and show it in this one answer."""
        prompt = prompts.reveal(
            event_id=event.pk,
            by=given.by,
            purpose=RevealPurpose(given.values["purpose"]),
            note=given.values["note"],
            at=given.at,
        )
        return ShownOnce(
            _("The prompt"),
            prompt.text,
            _(
                "Whoever holds text and salt can check the commitment: SHA-256 of the salt "
                "followed by the text in UTF-8."
            ),
            [(_("Salt"), prompt.salt.hex()), (_("Commitment"), prompt.commitment.hex())],
        )

    @step(
        label=_("Erase the prompt"),
        icon="ink_eraser",
        permission="licensing.erase_prompt",
        step_up=True,
        says=_(
            "The text and its key are destroyed, and nobody can bring them back. The commitment, "
            "the event and every proof stay."
        ),
        done=_("The prompt of %(row)s is erased. Its commitment and its proof stay."),
        form=ErasureForm,
        offered=lambda event: _is_kept(event),
    )
    def erase_prompt(self, event, given):
        prompts.erase(event_id=event.pk, by=given.by, reason=given.reason, at=given.at)


def _is_kept(event):
    """Tell whether an event's text is there still."""
    return PromptText.objects.filter(pk=event.pk).exists()


@admin.register(PromptReveal)
class PromptRevealAdmin(FactAdmin):
    list_display = ["event_link", "purpose", "note", "by", "agency", "revealed_at"]
    list_filter = ["purpose", "agency"]
    list_select_related = ["by", "agency"]
    search_fields = ["=event__id", "note", "by__email"]
    ordering = ["-pk"]
    when_empty = _("Nobody has read a prompt. Whoever does stands here, with when and what for.")
    fields = ["event_link", "purpose", "note", "by", "agency", "revealed_at"]
    readonly_fields = ["event_link"]

    def get_queryset(self, request):
        return _with_its_event(super().get_queryset(request))

    @admin.display(description=_("event"), ordering="event_id")
    def event_link(self, row):
        return _to_event(row)


@admin.register(PromptErasure)
class PromptErasureAdmin(FactAdmin):
    list_display = ["event_link", "reason", "by", "agency", "erased_at"]
    list_filter = ["agency"]
    list_select_related = ["by", "agency"]
    search_fields = ["=event__id", "reason", "by__email"]
    ordering = ["-pk"]
    when_empty = _("No prompt was erased.")
    fields = ["event_link", "reason", "by", "agency", "erased_at"]
    readonly_fields = ["event_link"]

    def get_queryset(self, request):
        return _with_its_event(super().get_queryset(request))

    @admin.display(description=_("event"), ordering="event_id")
    def event_link(self, row):
        return _to_event(row)


def _with_its_event(rows):
    """Annotate what names an event, which may have left its table for an archive."""
    event = UsageEvent.objects.filter(pk=OuterRef("event_id"))
    return rows.annotate(
        twin=Subquery(event.values("twin__name")[:1]),
        used_at=Subquery(event.values("occurred_at")[:1]),
    )


def _to_event(row):
    url = reverse("admin:licensing_usageevent_change", args=[row.event_id])
    is_archived = row.used_at is None
    name = _("A use in an archive") if is_archived else f"{row.twin}, {moment(row.used_at)}"
    return format_html('<a class="desk-link" href="{}">{}</a>', url, name)
