"""Prompts in the admin: read once for a purpose, erased for a reason; who did is on record."""

from django import forms
from django.contrib import admin
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from licensing.models import PromptErasure, PromptReveal, PromptText
from licensing.usage import prompts
from licensing.words import RevealPurpose
from talent.admin.base import FactAdmin, seats_with
from talent.errors import Refused

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

    @action(description=_("Read the prompt"), permissions=["reveal_prompt"], icon="visibility")
    def reveal_prompt(self, request, object_id):
        """Ask what for, put it on record, and show the text in this one answer.

        Nothing keeps it: the admin forbids caching for all of its pages.
        """
        event, form = self.get_object(request, object_id), RevealForm(request.POST or None)
        prompt = None
        if request.method == "POST" and form.is_valid():
            try:
                prompt = prompts.reveal(
                    event_id=event.pk,
                    by=request.user,
                    purpose=RevealPurpose(form.cleaned_data["purpose"]),
                    note=form.cleaned_data["note"],
                    at=timezone.now(),
                )
            except Refused as refusal:
                form.add_error(None, str(refusal))
        title = _("Read the prompt of %s") % event
        return self._form_page(request, "reveal_prompt", event, form, title, prompt=prompt)

    @action(description=_("Erase the prompt"), permissions=["erase_prompt"], icon="ink_eraser")
    def erase_prompt(self, request, object_id):
        event, form = self.get_object(request, object_id), ErasureForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            erased = self.attempt(
                request,
                event,
                lambda: prompts.erase(
                    event_id=event.pk,
                    by=request.user,
                    reason=form.cleaned_data["reason"],
                    at=timezone.now(),
                ),
                _("The prompt of %(row)s is erased. Its commitment and its proof stay."),
            )
            if erased:
                return redirect("admin:licensing_usageevent_change", event.pk)
        title = _("Erase the prompt of %s") % event
        return self._form_page(request, "erase_prompt", event, form, title)

    def _form_page(self, request, page, event, form, title, **more):
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "original": event,
            "form": form,
            **more,
        }
        return TemplateResponse(request, f"admin/{page}.html", context)

    def has_reveal_prompt_permission(self, request, object_id=None):
        return _may(request.user, "licensing.reveal_prompt", object_id)

    def has_erase_prompt_permission(self, request, object_id=None):
        return _may(request.user, "licensing.erase_prompt", object_id)


def _may(user, permission, event_id):
    """Tell whether a text is there and the user's seat at its agency has the permission."""
    if not user.has_perm(permission):
        return False
    if event_id is None:
        return True
    texts = PromptText.objects.filter(agency__in=seats_with(user, permission))
    return texts.filter(pk=event_id).exists()


@admin.register(PromptReveal)
class PromptRevealAdmin(FactAdmin):
    list_display = ["event_number", "purpose", "note", "by", "agency", "revealed_at"]
    list_filter = ["purpose", "agency"]
    list_select_related = ["by", "agency"]
    search_fields = ["=event__id", "note", "by__email"]
    ordering = ["-pk"]
    when_empty = _("Nobody has read a prompt. Whoever does stands here, with when and what for.")
    fields = ["event_number", "purpose", "note", "by", "agency", "revealed_at"]
    readonly_fields = ["event_number"]

    @admin.display(description=_("event"), ordering="event_id")
    def event_number(self, row):
        return _to_event(row)


@admin.register(PromptErasure)
class PromptErasureAdmin(FactAdmin):
    list_display = ["event_number", "reason", "by", "agency", "erased_at"]
    list_filter = ["agency"]
    list_select_related = ["by", "agency"]
    search_fields = ["=event__id", "reason", "by__email"]
    ordering = ["-pk"]
    when_empty = _("No prompt was erased.")
    fields = ["event_number", "reason", "by", "agency", "erased_at"]
    readonly_fields = ["event_number"]

    @admin.display(description=_("event"), ordering="event_id")
    def event_number(self, row):
        return _to_event(row)


def _to_event(row):
    url = reverse("admin:licensing_usageevent_change", args=[row.event_id])
    return format_html('<a class="desk-link" href="{}">{}</a>', url, row.event_id)
