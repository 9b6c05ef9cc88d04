"""Capture sessions, and items that others hold."""

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDateWidget,
    UnfoldAdminSelectWidget,
)

from talent.custody import captures, destruction, elsewhere
from talent.models import (
    Agency,
    CaptureSession,
    CustodyItem,
    HeldElsewhere,
    HeldElsewhereStep,
    Performer,
)
from talent.words import CustodyKind, CustodyPurpose, CustodyStepKind, ElsewhereStepKind

from ..base import DeskAdmin
from ..forms import DeskForm
from ..parts import FactInline
from ..steps import NoteForm, ReasonForm, step


class OfAPerformer(DeskForm):
    """A form of what is of one performer, whom its agency represents."""

    def clean(self):
        given = super().clean()
        agency, performer = given.get("agency"), given.get("performer")
        if agency and performer:
            represented = Performer.objects.represented_by(Agency.objects.filter(pk=agency.pk))
            if not represented.filter(pk=performer.pk).exists():
                self.add_error("performer", _now("This agency does not represent them."))
        return given


class AddedOnce(DeskAdmin):
    """Rows that people add and nobody edits."""

    agency_path = "agency"

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def save_model(self, request, obj, form, change):
        """Say who added it, and when."""
        obj.at, obj.by = timezone.now(), request.user
        super().save_model(request, obj, form, change)


class SessionForm(OfAPerformer):
    kinds = forms.MultipleChoiceField(
        choices=CustodyKind.choices(), widget=UnfoldAdminCheckboxSelectMultipleWidget
    )
    purposes = forms.MultipleChoiceField(
        choices=CustodyPurpose.choices(), widget=UnfoldAdminCheckboxSelectMultipleWidget
    )

    class Meta:
        model = CaptureSession
        exclude = ["at", "by"]


class ArrivedInline(FactInline):
    model = CustodyItem
    fields = readonly_fields = ["name", "kind", "captured_on", "what_became", "how_outside"]
    verbose_name_plural = _("what arrived")
    ordering = ["pk"]
    per_page = 20
    show_change_link = True

    def get_queryset(self, request):
        return super().get_queryset(request).with_state().select_related("session__agency")

    @admin.display(description=_("state"))
    def what_became(self, item):
        return CustodyStepKind(item.state).label

    @admin.display(description=_("outside what was agreed"))
    def how_outside(self, item):
        if item.state not in captures.QUARANTINE:
            return "–"
        steps = item.steps.all()
        return next(
            (one.note for one in reversed(steps) if one.kind == CustodyStepKind.QUARANTINED), "–"
        )


@admin.register(CaptureSession)
class CaptureSessionAdmin(AddedOnce):
    form = SessionForm
    list_display = ["name", "performer", "starts_on", "ends_on", "arrived"]
    list_filter = ["agency"]
    list_select_related = ["performer"]
    search_fields = ["name", "performer__name", "business_reason"]
    ordering = ["-pk"]
    autocomplete_fields = ["agency", "performer"]
    readonly_fields = ["arrived"]
    fieldsets = [
        (None, {"fields": ["name", "agency", "performer", "starts_on", "ends_on"]}),
        (_("What was agreed"), {"fields": ["kinds", "purposes", "items_at_most"]}),
        (
            _("Why, and when it was asked for"),
            {"fields": ["business_reason", "reason_given_at", "asked_at", "notice_hours"]},
        ),
        (_("What came of it"), {"fields": ["arrived"]}),
    ]
    inlines = [ArrivedInline]
    when_empty = _("No session is on record. Enter what is agreed before anything is captured.")

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("items")

    @admin.display(description=_("items that arrived"))
    def arrived(self, session):
        return len(session.items.all()) if session.pk else 0


class HeldForm(OfAPerformer):
    class Meta:
        model = HeldElsewhere
        exclude = ["at", "by"]

    def clean_sha256(self):
        return self.cleaned_data["sha256"].lower()

    def clean(self):
        given = super().clean()
        item = given.get("item")
        if item and (item.agency_id, item.performer_id) != (
            getattr(given.get("agency"), "pk", None),
            getattr(given.get("performer"), "pk", None),
        ):
            raise ValidationError({"item": _now("That item is another performer's or agency's.")})
        return given


class SaidForm(ReasonForm):
    """What a holder said, and when."""

    kind = forms.ChoiceField(
        label=_("What the holder says"),
        choices=[
            (one.value, one.label) for one in (ElsewhereStepKind.ATTESTED, *elsewhere.ANSWERS)
        ],
        widget=UnfoldAdminSelectWidget,
    )
    on = forms.DateField(label=_("On"), widget=UnfoldAdminDateWidget)
    field_order = ("kind", "on", "reason")

    def about(self, _rows):
        """Begin with today."""
        self.fields["on"].initial = timezone.localdate()


class HeldStepInline(FactInline):
    model = HeldElsewhereStep
    fields = readonly_fields = ["kind", "on", "note", "at", "by"]
    ordering = ["-pk"]
    per_page = 20

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("by")


class OwesFilter(admin.SimpleListFilter):
    title = _("owes a word")
    parameter_name = "owes"

    def lookups(self, request, model_admin):
        return [("yes", _("Yes"))]

    def queryset(self, request, queryset):
        return queryset.owing(timezone.localdate()) if self.value() == "yes" else queryset


def _held_facts(held):
    return [
        (_("Item"), held.name),
        (_("Who holds it"), held.holder),
        (_("Where"), held.place),
        (_("Who is told"), held.contact),
    ]


@admin.register(HeldElsewhere)
class HeldElsewhereAdmin(AddedOnce):
    form = HeldForm
    list_display = ["name", "performer", "holder", "attested_label", "due_label", "owes_label"]
    list_filter = [OwesFilter, "kind", "agency"]
    list_select_related = ["performer"]
    search_fields = ["name", "performer__name", "holder", "place", "sha256"]
    ordering = ["-pk"]
    autocomplete_fields = ["agency", "performer", "item", "provider"]
    readonly_fields = ["attested_label", "due_label", "owes_label"]
    fieldsets = [
        (None, {"fields": ["name", "agency", "performer", "kind", "item", "sha256"]}),
        (_("Who holds it"), {"fields": ["holder", "provider", "place", "contact"]}),
        (
            _("What they say"),
            {"fields": ["attest_every_days", "attested_label", "due_label", "owes_label"]},
        ),
    ]
    inlines = [HeldStepInline]
    actions_detail = ["note_word", "ask_holder", "tell_holder"]
    when_empty = _(
        "Nothing is registered that others hold. A studio or vendor that captured somebody has a"
        " vault of its own: enter what lies there."
    )

    def get_queryset(self, request):
        return super().get_queryset(request).with_state()

    @admin.display(description=_("last attested"))
    def attested_label(self, held):
        return getattr(held, "attested_on", None) or "–"

    @admin.display(description=_("to be destroyed by"))
    def due_label(self, held):
        return getattr(held, "due_on", None) or "–"

    @display(description=_("owes a word"), label={"Owes a word": "danger", "Destroyed": "info"})
    def owes_label(self, held):
        if held.pk is None:
            return "–"
        if held.is_gone:
            return "Destroyed"
        return "Owes a word" if held.owes_on(timezone.localdate()) else "–"

    @step(
        label=_("Note what the holder says"),
        says=_("It is kept with the item. Until when the next word is due follows from it."),
        done=_("Noted."),
        permission="talent.add_heldelsewhere",
        form=SaidForm,
        offered=lambda held: not held.is_gone,
        facts=_held_facts,
        icon="fact_check",
    )
    def note_word(self, held, given):
        elsewhere.note(
            held_id=held.pk, kind=ElsewhereStepKind(given.values["kind"]), on=given.values["on"],
            note=given.reason, by=given.by, at=given.at,
        )  # fmt: skip

    @step(
        label=_("Ask to have it destroyed"),
        says=_("Once somebody else agrees, its holder gets a mail with a deadline of 30 days."),
        done=_("Asked for: somebody else tells the holder."),
        permission=destruction.ASKS,
        form=ReasonForm,
        offered=lambda held: not held.is_gone and held.due_on is None and held.state != "asked",
        facts=_held_facts,
        icon="delete_forever",
    )
    def ask_holder(self, held, given):
        elsewhere.ask(held_id=held.pk, reason=given.reason, by=given.by, at=given.at)

    @step(
        label=_("Tell the holder to destroy it"),
        says=_("Its holder gets a mail now, with a deadline of 30 days. Note the answer here."),
        done=_("Told. The index says if no answer comes in time."),
        permission=destruction.APPROVES,
        form=NoteForm,
        offered=lambda held: held.due_on is None and held.state == "asked",
        facts=_held_facts,
        step_up=True,
        icon="outgoing_mail",
    )
    def tell_holder(self, held, given):
        elsewhere.tell(held_id=held.pk, by=given.by, at=given.at, reason=given.reason)
