"""Messages not understood: found, put right, read again, or closed with a reason."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from licensing.admin import as_sent
from licensing.models import DeadLetter
from licensing.usage import corrections
from licensing.usage.corrections import SaysWhatIsKnown, StillNotUnderstood
from licensing.usage.sheets.put_right import MAY_BE_PUT_RIGHT, event_in_question
from licensing.wire.faults import Fault
from licensing.words import Meter
from talent.admin.base import FactAdmin
from talent.admin.steps import step
from talent.errors import Refused
from talent.plain_text import as_line

from .fields import FIELD_LABELS, choice_field, choices_by_field

MAY_CORRECT = "licensing.add_usageimport"
READ_AT_ONCE = 1_000
NEEDED = ("time", "twin", "right", "use", "territory", "channel")
ASKED_FOR = (
    "time", "twin", "agreement", "production", "build", "right", "use", "territory", "language",
    "channel", "prompt_class", "real_time", "currency",
)  # fmt: skip


class WaitingFilter(admin.SimpleListFilter):
    title = _("waiting")
    parameter_name = "waiting"

    def lookups(self, request, model_admin):
        return [("yes", _("waiting")), ("no", _("dealt with"))]

    def queryset(self, request, queryset):
        match self.value():
            case "yes":
                return queryset.open()
            case "no":
                return queryset.exclude(resolved_at=None)
        return queryset


# A field of the form below that stands there only once it is asked.
WHICH_USE = "which_use"
ANOTHER = "another"


class CorrectionForm(forms.Form):
    """The message's fields as sent, to be put right, and why."""

    def __init__(self, *args, dead_letter, **kwargs):
        super().__init__(*args, **kwargs)
        self._names = list(ASKED_FOR)
        said = _fields_as_sent(dead_letter)
        lists = choices_by_field(dead_letter.terms)
        if dead_letter.code == "key_conflict" or dead_letter.pointer == "/id":
            self._names.append("id")
        for name in self._names:
            self.fields[name] = choice_field(
                lists.get(name),
                label=FIELD_LABELS[name],
                said=said.get(name, ""),
                empty="–",
                required=name in NEEDED,
            )
        self.fields["time"].help_text = _("As 2026-07-14 or 2026-07-14T10:31:00+02:00")
        for meter in Meter:
            self.fields[meter.value] = forms.CharField(
                label=meter.label,
                required=False,
                initial=said.get(meter.value, ""),
                widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
            )
        if dead_letter.code == MAY_BE_PUT_RIGHT:
            self.ask_which_use(event_in_question(dead_letter))
        elif WHICH_USE in self.data:
            asked = self.data[WHICH_USE]
            self.ask_which_use(int(asked) if asked.isdecimal() else None)
        self.fields["reason"] = forms.CharField(
            label=_("Why it is corrected so"),
            max_length=corrections.LONGEST_REASON,
            help_text=_("For instance: told by the studio's post supervisor on the phone"),
            widget=UnfoldAdminTextInputWidget,
        )

    def parts(self):
        return [self[name] for name in self._names]

    def quantities(self):
        """The meters' fields, those with a value or a fault first; the page folds away the rest."""
        meters = [self[meter.value] for meter in Meter]
        return sorted(meters, key=lambda field: not (field.value() or field.errors))

    def fields_as_put_right(self) -> dict[str, str]:
        asked = ("reason", WHICH_USE)
        return {name: self.cleaned_data[name] for name in self.fields if name not in asked}

    def ask_which_use(self, event: int | None) -> None:
        """Ask what only staff can tell: whether this is another use than one that is known.

        With an event, it may also be that one, whose place it takes.
        """
        choices = [("", "–"), (ANOTHER, _("Another use, which counts too"))]
        shown = ""
        if event is not None:
            choices.insert(1, (str(event), _("That of event %d: this takes its place") % event))
            shown = format_html(
                '<a class="desk-link" href="{}">{}</a>',
                reverse("admin:licensing_usageevent_change", args=[event]),
                _("Look at event %d") % event,
            )
        self.fields[WHICH_USE] = forms.ChoiceField(
            label=_("Which use this is"),
            choices=choices,
            widget=UnfoldAdminSelectWidget,
            help_text=shown,
        )

    def use_as_told(self) -> dict[str, Any]:
        """Return what `correct` takes of the answer."""
        told = self.cleaned_data.get(WHICH_USE, "")
        return {
            "is_another": told == ANOTHER,
            "in_place_of": int(told) if told.isdecimal() else None,
        }

    def show_faults(self, faults: tuple[Fault, ...]) -> None:
        for fault in faults:
            name = fault.pointer.rsplit("/", 1)[-1]
            self.add_error(name if name in self.fields else None, fault.detail)


def _fields_as_sent(dead_letter) -> dict[str, str]:
    data = dead_letter.envelope.get("data")
    data = data if isinstance(data, dict) else {}
    quantities = data.get("quantities")
    quantities = quantities if isinstance(quantities, dict) else {}
    said = {
        **data,
        **quantities,
        "time": dead_letter.envelope.get("time") or "",
        "id": dead_letter.key,
    }
    return {name: _text(value) for name, value in said.items()}


def _text(value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class ClosingForm(forms.Form):
    """Why a message is no use."""

    reason = forms.CharField(
        label=_("Why it is no use, or known already"),
        max_length=corrections.LONGEST_REASON,
        widget=UnfoldAdminTextInputWidget,
    )


@admin.register(DeadLetter)
class DeadLetterAdmin(FactAdmin):
    for_programs = ("code",)
    agency_path = "terms__agency"
    list_display = ["__str__", "licensee", "detail", "where", "usage_import", "received_at",
                    "became"]  # fmt: skip
    list_filter = [WaitingFilter, "code", "door", "terms__licensee", "usage_import"]
    list_select_related = ["terms__licensee", "terms__agency", "usage_import"]
    search_fields = ["key", "source", "code"]
    search_help_text = _("The studio's id or source of a message, or a code")
    ordering = ["-pk"]
    when_empty = _("Every message was understood. One that is not waits here to be put right.")
    actions = ["replay"]
    actions_detail = ["correct_letter"]
    fieldsets = [
        (None, {"fields": ["detail", "where", "code", "became", "steps_taken"]}),
        (_("How it came"), {
            "fields": ["terms", "door", "usage_import", "received_at", "source", "its_id"],
        }),
        (_("The message"), {"fields": ["said", "message_json"]}),
    ]  # fmt: skip
    readonly_fields = ["where", "became", "steps_taken", "said", "message_json", "its_id"]

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/correct/", view(self.correct), name="licensing_deadletter_correct"),
            *super().get_urls(),
        ]

    @admin.display(description=_("licensee"))
    def licensee(self, dead_letter):
        return dead_letter.terms.licensee

    @admin.display(description=_("id"))
    def its_id(self, dead_letter):
        return as_line(dead_letter.key)

    @admin.display(description=_("where"))
    def where(self, dead_letter):
        if dead_letter.sheet_row is None:
            return dead_letter.pointer or "–"
        row = _("row %d") % dead_letter.sheet_row
        return f"{row}, {dead_letter.sheet_column}" if dead_letter.sheet_column else row

    @admin.display(description=_("became"))
    def became(self, dead_letter):
        if dead_letter.resolved_at is None:
            return _("waits")
        if dead_letter.resolved_event_id is None:
            return _("closed, not a use")
        url = reverse("admin:licensing_usageevent_change", args=[dead_letter.resolved_event_id])
        text = _("event %d") % dead_letter.resolved_event_id
        return format_html('<a class="desk-link" href="{}">{}</a>', url, text)

    @admin.display(description=_("what was done"))
    def steps_taken(self, dead_letter):
        steps = dead_letter.steps.select_related("by")
        return format_html_join(
            "",
            "<div>{} – {}, {:%Y-%m-%d %H:%M}: {}</div>",
            ((one.get_kind_display(), one.by or "–", one.at, one.reason) for one in steps),
        ) or _("Nothing yet.")

    @admin.display(description=_("what it says"))
    def said(self, dead_letter):
        return as_sent.in_words(dead_letter.envelope)

    @admin.display(description=_("as sent"))
    def message_json(self, dead_letter):
        return as_sent.as_json(dead_letter.envelope)

    @action(description=_("Put it right, or close it"), permissions=["replay"], icon="edit")
    def correct_letter(self, request, object_id):
        return redirect("admin:licensing_deadletter_correct", object_id)

    def correct(self, request, pk):
        dead_letter = self._dead_letter(request, pk)
        form = CorrectionForm(_posted(request, "correct"), dead_letter=dead_letter)
        closing = ClosingForm(_posted(request, "close"), prefix="closing")
        if dead_letter.resolved_at is None and request.method == "POST":
            if "again" in request.POST:
                return self._read_again(request, dead_letter)
            act = self._close if "close" in request.POST else self._correct
            if act(request, dead_letter, closing if "close" in request.POST else form):
                return redirect(self._next(dead_letter))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Put right: %s") % dead_letter,
            "opts": self.opts,
            "original": dead_letter,
            "dead_letter": dead_letter,
            "where": self.where(dead_letter),
            "sent": self.said(dead_letter),
            "form": form,
            "closing": closing,
            "correctable": corrections.can_be_corrected(dead_letter),
            "unknown_fields": corrections.unknown_fields(dead_letter),
            "became": self.became(dead_letter),
        }
        return TemplateResponse(request, "admin/correct_dead_letter.html", context)

    def _correct(self, request, dead_letter, form) -> bool:
        if not form.is_valid():
            return False
        try:
            outcome = corrections.correct(
                dead_letter_id=dead_letter.pk,
                fields=form.fields_as_put_right(),
                time_zone=_zone(dead_letter),
                at=timezone.now(),
                by=request.user,
                reason=form.cleaned_data["reason"],
                **form.use_as_told(),
            )
        except StillNotUnderstood as refusal:
            form.show_faults(refusal.faults)
            return False
        except SaysWhatIsKnown as refusal:
            form.ask_which_use(refusal.event)
            form.add_error(None, str(refusal))
            return False
        except Refused as refusal:
            form.add_error(None, str(refusal))
            return False
        text = _("%(letter)s is now event %(event)d: %(standing)s.")
        values = {"letter": dead_letter, "event": outcome.event_id, "standing": outcome.standing}
        self.message_user(request, text % values)
        return True

    def _close(self, request, dead_letter, form) -> bool:
        if not form.is_valid():
            return False
        reason = form.cleaned_data["reason"]
        try:
            corrections.close(
                dead_letter_id=dead_letter.pk, at=timezone.now(), by=request.user, reason=reason
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
            return False
        self.message_user(request, _("%s is closed: not a use.") % dead_letter)
        return True

    def _read_again(self, request, dead_letter):
        corrections.read_again(dead_letter_ids=[dead_letter.pk], at=timezone.now())
        dead_letter.refresh_from_db()
        if dead_letter.resolved_at is None:
            text = _("It is not understood yet: what it names is still unknown.")
            self.message_user(request, text, messages.WARNING)
            return redirect(request.path)
        self.message_user(request, _("%s is understood now.") % dead_letter)
        return redirect(self._next(dead_letter))

    def _next(self, dead_letter) -> str:
        """Return the address of the sheet's next open dead letter, or else of the list."""
        waiting = DeadLetter.objects.open().filter(usage_import=dead_letter.usage_import)
        if dead_letter.usage_import_id and (after := waiting.order_by("sheet_row", "pk").first()):
            return reverse("admin:licensing_deadletter_correct", args=[after.pk])
        return reverse("admin:licensing_deadletter_changelist") + "?waiting=yes"

    def _dead_letter(self, request, pk) -> DeadLetter:
        """Return the dead letter. Raises Http404, or PermissionDenied without a seat that may."""
        if not self.has_replay_permission(request):
            raise PermissionDenied
        rows = self.get_queryset(request).select_related(
            "terms__agency", "terms__licensee", "usage_import"
        )
        if (dead_letter := rows.filter(pk=pk).first()) is None:
            raise Http404
        if not self.rows_allowed(request, rows.filter(pk=pk), MAY_CORRECT).exists():
            raise PermissionDenied
        return dead_letter

    @step(
        label=_("Read again"),
        icon="replay",
        permission=MAY_CORRECT,
        says=_(
            "Each message is read once more as it was sent, now that what it names may be known. "
            "What is understood becomes a use, and is rated tonight."
        ),
        done="",
        offered=lambda dead_letter: dead_letter.resolved_at is None,
        facts=lambda dead_letter: [(_("What was wrong"), dead_letter.detail)],
        order=["pk"],
        together=True,
    )
    def replay(self, dead_letters, given):
        waiting = [dead_letter.pk for dead_letter in dead_letters]
        for start in range(0, len(waiting), READ_AT_ONCE):
            corrections.read_again(
                dead_letter_ids=waiting[start : start + READ_AT_ONCE], at=given.at
            )
        left = DeadLetter.objects.open().filter(pk__in=waiting).count()
        text = _("%(done)d understood now, %(left)d still not.")
        return text % {"done": len(waiting) - left, "left": left}

    def has_replay_permission(self, request, object_id=None):
        return request.user.has_perm(MAY_CORRECT)


def _posted(request, name):
    return request.POST if request.method == "POST" and name in request.POST else None


def _zone(dead_letter) -> str:
    report = dead_letter.usage_import
    return report.mapping.get("time_zone", "UTC") if report else "UTC"
