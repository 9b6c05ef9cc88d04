"""The vault: what is held of performers, uploads by tus 1.0, grants of two, and who read what."""

import base64
import binascii
from collections.abc import Iterator
from datetime import timedelta
from typing import ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDateWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
)

from talent.custody import destruction, grants, keys, places, uploads
from talent.custody.age import AgeBroken
from talent.errors import Refused
from talent.models import (
    Agency,
    CustodyGrant,
    CustodyGrantStep,
    CustodyItem,
    CustodyRead,
    CustodyStep,
    CustodyUpload,
    Destruction,
    DestructionStep,
    LegalHold,
    Performer,
)
from talent.plain_text import is_line
from talent.sign_in import proofs
from talent.words import (
    CustodyKind,
    CustodyPurpose,
    CustodyStepKind,
    DestructionCause,
    DestructionState,
    GrantState,
)

from .base import FactAdmin
from .parts import FactInline
from .steps import NoteForm, ReasonForm, step
from .tenancy import seats_with

ADDS = "talent.add_custodyitem"
BREAKS = "talent.break_custodyglass"
WINDOW = timedelta(hours=24)

STATE_COLOURS = {
    CustodyStepKind.BEGUN.label: "warning",
    CustodyStepKind.STORED.label: "info",
    CustodyStepKind.PROVEN.label: "success",
    CustodyStepKind.BROKEN.label: "danger",
}
GRANT_COLOURS = {
    GrantState.WAITING.label: "warning",
    GrantState.OPEN.label: "success",
    GrantState.AHEAD.label: "info",
    GrantState.REJECTED.label: "danger",
}


class StoreForm(forms.Form):
    """What is about to be uploaded, and what it may be read for."""

    agency = forms.ModelChoiceField(
        Agency.objects.none(), label=_("Agency"), widget=UnfoldAdminSelectWidget
    )
    performer = forms.ModelChoiceField(
        Performer.objects.none(), label=_("Whose it is"), widget=UnfoldAdminSelectWidget
    )
    kind = forms.ChoiceField(
        label=_("What it is"), choices=CustodyKind.choices(), widget=UnfoldAdminSelectWidget
    )
    name = forms.CharField(label=_("Name"), max_length=200, widget=UnfoldAdminTextInputWidget)
    purposes = forms.MultipleChoiceField(
        label=_("It may be read"),
        choices=CustodyPurpose.choices(),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("Fixed from now on: nothing else can be asked for."),
    )
    captured_on = forms.DateField(
        label=_("Captured on"), required=False, widget=UnfoldAdminDateWidget
    )
    sha256 = forms.RegexField(
        r"\A[0-9a-fA-F]{64}\Z",
        label=_("SHA-256"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("If whoever made the file told one: what arrives is held against it."),
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        agencies = seats_with(user, ADDS).order_by("name")
        self.fields["agency"].queryset = agencies
        self.fields["agency"].initial = agencies.first()
        self.fields["performer"].queryset = Performer.objects.represented_by(agencies).order_by(
            "name"
        )

    def clean_name(self):
        if not is_line(self.cleaned_data["name"]):
            raise forms.ValidationError(_now("A name is one line."))
        return self.cleaned_data["name"]

    def clean(self):
        given = super().clean()
        agency, performer = given.get("agency"), given.get("performer")
        if agency and performer:
            represented = Performer.objects.represented_by(Agency.objects.filter(pk=agency.pk))
            if not represented.filter(pk=performer.pk).exists():
                self.add_error("performer", _now("This agency does not represent them."))
        return given


class AskForm(forms.Form):
    """For what somebody asks to read an item, and when."""

    purpose = forms.ChoiceField(label=_("For what"), widget=UnfoldAdminSelectWidget)
    reason = forms.CharField(
        label=_("Why"),
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Whoever approves reads it, and so does the performer."),
    )
    starts_at = forms.SplitDateTimeField(label=_("From"), widget=UnfoldAdminSplitDateTimeWidget)
    ends_at = forms.SplitDateTimeField(label=_("Until"), widget=UnfoldAdminSplitDateTimeWidget)

    def about(self, rows):
        """Offer what the item may be read for, and a day from now on."""
        (item,) = rows
        self.fields["purpose"].choices = [
            (code, label) for code, label in CustodyPurpose.choices() if code in item.purposes
        ]
        now = timezone.localtime().replace(second=0, microsecond=0)
        self.fields["starts_at"].initial = now
        self.fields["ends_at"].initial = now + WINDOW


class DestroyForm(ReasonForm):
    """Why an item is to be destroyed."""

    cause = forms.ChoiceField(
        label=_("Cause"), choices=DestructionCause.choices(), widget=UnfoldAdminSelectWidget
    )
    field_order: ClassVar = ["cause", "reason"]


class StateFilter(admin.SimpleListFilter):
    title = _("what became of it")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return CustodyStepKind.choices()

    def queryset(self, request, queryset):
        known = self.value() in CustodyStepKind.codes()
        return queryset.filter(state=self.value()) if known else queryset


class StepInline(FactInline):
    model = CustodyStep
    fields = readonly_fields = ["kind", "at", "by", "note"]
    ordering = ["pk"]
    per_page = 20

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("by")


class GrantInline(FactInline):
    model = CustodyGrant
    fields = readonly_fields = ["asked_by", "purpose", "reason", "starts_at", "ends_at", "how_far"]
    ordering = ["-pk"]
    per_page = 20
    show_change_link = True

    def get_queryset(self, request):
        return super().get_queryset(request).with_state().select_related("asked_by")

    @admin.display(description=_("how far"))
    def how_far(self, grant):
        return grant.state_at(timezone.now()).label


class ReadInline(FactInline):
    model = CustodyRead
    fields = readonly_fields = ["at", "by", "cause", "purpose", "reason", "address", "came_of_it"]
    ordering = ["-pk"]
    per_page = 20

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("by", "end")

    @admin.display(description=_("what came of it"))
    def came_of_it(self, read):
        return came_of(read)


class HoldInline(FactInline):
    model = LegalHold
    fields = readonly_fields = ["kind", "reason", "at", "by"]
    ordering = ["-pk"]
    per_page = 20

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("by")


def _is_there(item: CustodyItem) -> bool:
    return item.state not in (CustodyStepKind.BEGUN, *destruction.DESTROYED_STATES)


def _item_facts(item: CustodyItem) -> list:
    return [
        (_("Item"), item),
        (_("Performer"), item.performer),
        (_("Size"), filesizeformat(item.size)),
    ]


def came_of(read: CustodyRead) -> str:
    """Say how a read ended, and after how much."""
    if not hasattr(read, "end"):
        return _now("Under way, or cut off with its server")
    return f"{read.end.get_ending_display()}: {filesizeformat(read.end.sent)}"


@admin.register(CustodyItem)
class CustodyItemAdmin(FactAdmin):
    agency_path = "agency"
    list_display = ["name", "performer", "kind", "state_label", "in_bytes", "begun_at"]
    list_filter = ["kind", StateFilter, "agency"]
    list_select_related = ["performer"]
    search_fields = ["name", "performer__name"]
    ordering = ["-pk"]
    readonly_fields = ["state_label", "in_bytes", "go_on", "proven_sha256", "file_sha256"]
    for_programs = ("place",)
    fieldsets = [
        (None, {"fields": ["name", "performer", "agency", "kind", "state_label", "go_on"]}),
        (_("What it may be read for"), {"fields": ["purposes"]}),
        (_("Where it came from"), {"fields": ["captured_on", "begun_at", "begun_by", "in_bytes"]}),
        (None, {"fields": ["proven_sha256", "file_sha256", "told_sha256", "place"]}),
    ]
    inlines = [ReadInline, GrantInline, HoldInline, StepInline]
    actions_list = ["store_item", "export_list", "export_workbook"]
    actions_detail = [
        "ask_to_read",
        {
            "title": _("More"),
            "items": ["ask_to_destroy", "place_hold", "lift_hold", "read_without_grant"],
        },
    ]
    when_empty = _(
        "Nothing is held yet. Store a scan or a recording: it is encrypted before it touches a"
        " disk, and nobody reads it without two others who agree."
    )

    def get_queryset(self, request):
        return super().get_queryset(request).with_state()

    @display(description=_("state"), label=STATE_COLOURS)
    def state_label(self, item):
        return CustodyStepKind(item.state).label

    @admin.display(description=_("size"), ordering="size")
    def in_bytes(self, item):
        return filesizeformat(item.size)

    @admin.display(description=_("SHA-256 of its content, as it was read back"))
    def proven_sha256(self, item):
        return next((step.sha256 for step in item.steps.all() if step.sha256), "–")

    @admin.display(description=_("SHA-256 of its encrypted file"))
    def file_sha256(self, item):
        return next((step.file_sha256 for step in item.steps.all() if step.file_sha256), "–")

    @admin.display(description=_("upload"))
    def go_on(self, item):
        if item.state != CustodyStepKind.BEGUN:
            return "–"
        url = reverse("admin:store_item")
        return format_html(
            '<a class="desk-link" href="{}?go_on={}">{}</a>', url, item.pk, _now("Go on with it")
        )

    def get_urls(self):
        view = self.admin_site.admin_view
        own = [
            path("store/", view(self.store), name="store_item"),
            path("uploads/", view(self.begin_upload), name="custody_uploads"),
            path("uploads/<int:item_id>/", view(self.upload), name="custody_upload"),
            path("<int:item_id>/glass/", view(self.glass), name="custody_glass"),
        ]
        return [*own, *super().get_urls()]

    # Storing

    def has_store_permission(self, request, obj=None):
        return seats_with(request.user, ADDS).exists()

    @action(description=_("Store an item"), permissions=["store"], icon="upload_file")
    def store_item(self, request):
        return redirect("admin:store_item")

    def store(self, request: HttpRequest) -> HttpResponse:
        """Show the page that uploads a file by parts; its script speaks tus to `begin_upload`."""
        if not self.has_store_permission(request):
            raise PermissionDenied
        going_on = None
        if asked := request.GET.get("go_on", ""):
            mine = CustodyUpload.objects.visible_to(request.user).select_related("item__performer")
            going_on = mine.filter(item=asked).first() if asked.isdecimal() else None
            if going_on is None:
                raise Http404(_now("This upload has ended, or somebody else began it."))
        context = {
            **self.admin_site.each_context(request),
            "title": _now("Store an item"),
            "opts": self.opts,
            "form": None if going_on else StoreForm(user=request.user),
            "going_on": going_on,
            "uploads": reverse("admin:custody_uploads"),
            "items": reverse("admin:talent_custodyitem_changelist"),
        }
        return TemplateResponse(request, "admin/store_item.html", context)

    @method_decorator(never_cache)
    def begin_upload(self, request: HttpRequest) -> HttpResponse:
        """Create an upload, as tus 1.0 says; its metadata are the fields of `StoreForm`."""
        if not self.has_store_permission(request):
            raise PermissionDenied
        if request.method == "OPTIONS":
            return _tus(status=204, **{"Tus-Max-Size": str(uploads.LARGEST)})
        if request.method != "POST":
            return _tus(status=405, Allow="OPTIONS, POST")
        length = request.headers.get("Upload-Length", "")
        if not _is_number(length) or int(length) == 0:
            return _refused(_now("An empty file is nothing to keep."), status=400)
        form = StoreForm(_told(request.headers.get("Upload-Metadata", "")), user=request.user)
        if not form.is_valid():
            return _tus(JsonResponse({"errors": form.errors}, status=422))
        told = form.cleaned_data
        try:
            item = uploads.begin(
                agency=told["agency"], performer=told["performer"],
                kind=CustodyKind(told["kind"]), name=told["name"],
                purposes=[CustodyPurpose(code) for code in told["purposes"]],
                captured_on=told["captured_on"], told_sha256=told["sha256"],
                size=int(length), by=request.user, at=timezone.now(),
            )  # fmt: skip
        except uploads.TooLarge as refusal:
            return _refused(str(refusal), status=413)
        except Refused as refusal:
            return _refused(str(refusal), status=503)
        return _tus(status=201, Location=reverse("admin:custody_upload", args=[item.pk]))

    @method_decorator(never_cache)
    def upload(self, request: HttpRequest, item_id: int) -> HttpResponse:
        """Tell how much of an upload has arrived, take a part of it, or abandon it (tus 1.0)."""
        mine = CustodyUpload.objects.visible_to(request.user).select_related("item")
        upload = mine.filter(item=item_id).first()
        if upload is None:
            return _refused(_now("This upload has ended, or somebody else began it."), status=404)
        if not self.has_seat(request, ADDS, upload.item):
            raise PermissionDenied
        if request.method == "HEAD":
            told = {"Upload-Offset": str(upload.arrived), "Upload-Length": str(upload.item.size)}
            return _tus(status=200, **told)
        if request.method == "DELETE":
            uploads.abandon(item_id=item_id, at=timezone.now(), by=request.user)
            return _tus(status=204)
        if request.method != "PATCH":
            return _tus(status=405, Allow="DELETE, HEAD, PATCH")
        return self._receive(request, item_id)

    def _receive(self, request: HttpRequest, item_id: int) -> HttpResponse:
        offset = request.headers.get("Upload-Offset", "")
        if request.content_type != "application/offset+octet-stream" or not _is_number(offset):
            return _refused(_now("A part of an upload says where it begins."), status=415)
        try:
            arrived = uploads.receive(
                item_id=item_id, offset=int(offset), source=request, by=request.user,
                at=timezone.now(),
            )  # fmt: skip
        except Refused as refusal:
            return _refused(str(refusal), status=REFUSED.get(type(refusal), 503))
        return _tus(status=204, **{"Upload-Offset": str(arrived)})

    # Reading

    @step(
        label=_("Ask to read it"),
        says=_(
            "Two others have to approve it. You may then read it once, within the window; the"
            " performer sees who read what, when and why."
        ),
        done=_("Asked for: two others approve it. It stands under “Grants”."),
        permission=grants.ASKS,
        form=AskForm,
        offered=lambda item: item.state == CustodyStepKind.PROVEN,
        facts=_item_facts,
        icon="key",
    )
    def ask_to_read(self, item, given):
        grants.ask(
            item_id=item.pk, purpose=CustodyPurpose(given.values["purpose"]), reason=given.reason,
            starts_at=given.values["starts_at"], ends_at=given.values["ends_at"], by=given.by,
            at=given.at,
        )  # fmt: skip

    @step(
        label=_("Ask to destroy it"),
        says=_(
            "Once somebody else approves it, its key is destroyed, then its file, and a certificate"
            " is issued. Nothing brings it back, no backup either."
        ),
        done=_("Asked for: somebody else approves it. It stands under “Destructions”."),
        permission=destruction.ASKS,
        form=DestroyForm,
        offered=_is_there,
        facts=_item_facts,
        icon="delete_forever",
    )
    def ask_to_destroy(self, item, given):
        destruction.ask(
            item_id=item.pk, cause=DestructionCause(given.values["cause"]), reason=given.reason,
            by=given.by, at=given.at,
        )  # fmt: skip

    @step(
        label=_("Place a legal hold"),
        says=_("Nobody can destroy it until somebody else lifts the hold. Name court and number."),
        done=_("%(row)s is held."),
        permission=destruction.HOLDS,
        form=ReasonForm,
        offered=lambda item: _is_there(item) and not LegalHold.objects.holds(item),
        facts=_item_facts,
        icon="gavel",
    )
    def place_hold(self, item, given):
        destruction.hold(item_id=item.pk, reason=given.reason, by=given.by, at=given.at)

    @step(
        label=_("Lift the legal hold"),
        says=_("It can be destroyed again. Whoever placed the hold cannot lift it."),
        done=_("%(row)s is held no more."),
        permission=destruction.HOLDS,
        form=ReasonForm,
        offered=lambda item: LegalHold.objects.holds(item) is not None,
        facts=lambda item: [*_item_facts(item), (_("Held"), LegalHold.objects.holds(item))],
        icon="lock_open",
    )
    def lift_hold(self, item, given):
        destruction.lift(item_id=item.pk, reason=given.reason, by=given.by, at=given.at)

    @action(description=_("Read without a grant"), icon="emergency", url_path="read-without-grant")
    def read_without_grant(self, request, object_id):
        return redirect("admin:custody_glass", item_id=object_id)

    def get_actions_detail(self, request, object_id):
        actions = super().get_actions_detail(request, object_id)
        row = self.get_object(request, object_id)
        may = row.state == CustodyStepKind.PROVEN and self.has_seat(request, BREAKS, row)
        return [one for one in actions if may or "read_without_grant" not in one.action_name]

    def glass(self, request: HttpRequest, item_id: int) -> HttpResponse:
        """Ask why, and send an item without a grant; its performer and the agency are told."""
        item = self.get_object(request, str(item_id))
        if not self.has_seat(request, BREAKS, item):
            raise PermissionDenied
        if asked := proofs.step_up(request):
            return asked
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            return _sent(
                lambda: grants.break_glass(
                    item_id=item.pk, reason=form.cleaned_data["reason"], by=request.user,
                    clock=timezone.now, address=_address(request),
                ),
                item,
            )  # fmt: skip
        says = _(
            "Only where waiting would do harm. The performer and everybody who may approve get a "
            "mail at once, with your name and the reason."
        )
        return self.reading_page(request, item, says=says, form=form, back=item)

    def reading_page(self, request, item, *, says, form, back) -> HttpResponse:
        """Show what is about to be read; only its button reads it."""
        context = {
            **self.admin_site.each_context(request),
            "title": _now("Read %(item)s") % {"item": item},
            "opts": back._meta,
            "says": says,
            "form": form,
            "item": item,
            "size": filesizeformat(item.size),
            "back": reverse(f"admin:talent_{back._meta.model_name}_change", args=[back.pk]),
        }
        return TemplateResponse(request, "admin/read_item.html", context)


class GrantStepInline(FactInline):
    model = CustodyGrantStep
    fields = readonly_fields = ["kind", "at", "by", "reason"]
    ordering = ["pk"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("by")


class GrantReadInline(ReadInline):
    fields = readonly_fields = ["at", "by", "address", "came_of_it"]


def _facts_of(grant):
    return [
        (_("Who"), grant.asked_by),
        (_("Item"), grant.item),
        (_("For what"), grant.get_purpose_display()),
        (_("Why"), grant.reason),
        (_("From"), grant.starts_at),
        (_("Until"), grant.ends_at),
    ]


def _is(*states):
    return lambda grant: grant.state_at(timezone.now()) in states


@admin.register(CustodyGrant)
class CustodyGrantAdmin(FactAdmin):
    agency_path = "item__agency"
    list_display = ["item", "asked_by", "purpose", "starts_at", "ends_at", "state_label"]
    list_filter = ["purpose", "item__agency"]
    list_select_related = ["item", "asked_by"]
    search_fields = ["item__name", "item__performer__name", "asked_by__email", "reason"]
    ordering = ["-pk"]
    readonly_fields = ["state_label", "next_step"]
    fieldsets = [
        (None, {"fields": ["item", "asked_by", "asked_at", "state_label", "next_step"]}),
        (_("What for"), {"fields": ["purpose", "reason"]}),
        (_("When"), {"fields": ["starts_at", "ends_at"]}),
    ]
    inlines = [GrantStepInline, GrantReadInline]
    actions = ["approve_grants"]
    actions_detail = ["read_now", "approve_grants", "reject_grant"]
    when_empty = _("Nobody has asked to read anything. On an item's page is how to ask.")

    def get_queryset(self, request):
        return super().get_queryset(request).with_state()

    @display(description=_("how far"), label=GRANT_COLOURS)
    def state_label(self, grant):
        return grant.state_at(timezone.now()).label

    @admin.display(description=_("what is next"))
    def next_step(self, grant):
        return NEXT[grant.state_at(timezone.now())]

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("<int:grant_id>/read/", view(self.read), name="custody_read_by_grant"),
            *super().get_urls(),
        ]

    @step(
        label=_("Approve"),
        says=_("It opens once two people have approved it who did not ask for it."),
        done=_("%(row)s: approved by you."),
        permission=grants.APPROVES,
        form=NoteForm,
        offered=_is(GrantState.WAITING),
        facts=_facts_of,
        step_up=True,
        icon="check",
    )
    def approve_grants(self, grant, given):
        grants.approve(grant_id=grant.pk, by=given.by, at=given.at, reason=given.reason)

    @step(
        label=_("Reject, or take back"),
        says=_("It opens nothing from then on."),
        done=_("%(row)s: closed."),
        permission=grants.ASKS,
        form=ReasonForm,
        offered=_is(GrantState.WAITING, GrantState.AHEAD, GrantState.OPEN),
        facts=_facts_of,
        icon="block",
    )
    def reject_grant(self, grant, given):
        grants.reject(grant_id=grant.pk, by=given.by, at=given.at, reason=given.reason)

    @action(description=_("Read it"), icon="download", url_path="read-now")
    def read_now(self, request, object_id):
        return redirect("admin:custody_read_by_grant", grant_id=object_id)

    def get_actions_detail(self, request, object_id):
        actions = super().get_actions_detail(request, object_id)
        row = self.get_object(request, object_id)
        may = _is(GrantState.OPEN)(row) and row.asked_by_id == request.user.pk
        return [one for one in actions if may or "read_now" not in one.action_name]

    def read(self, request: HttpRequest, grant_id: int) -> HttpResponse:
        """Ask whether to use a grant up, and send its item."""
        grant = self.get_object(request, str(grant_id))
        if grant.asked_by_id != request.user.pk:
            raise PermissionDenied
        if request.method == "POST":
            return _sent(
                lambda: grants.read(
                    grant_id=grant.pk, by=request.user, clock=timezone.now,
                    address=_address(request),
                ),
                grant.item,
            )  # fmt: skip
        says = _(
            "This uses the grant up, also if you leave before the end. That you read it is written "
            "down before the first byte comes. The file bears no mark of yours."
        )
        items = self.admin_site._registry[CustodyItem]
        return items.reading_page(request, grant.item, says=says, form=None, back=grant)


class DestructionStepInline(FactInline):
    model = DestructionStep
    fields = readonly_fields = ["kind", "at", "by", "reason"]
    ordering = ["pk"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("by")


def _destruction_facts(row):
    return [
        *_item_facts(row.item),
        (_("Cause"), row.get_cause_display()),
        (_("Why"), row.reason),
        (_("Asked for by"), row.asked_by),
    ]


@admin.register(Destruction)
class DestructionAdmin(FactAdmin):
    agency_path = "item__agency"
    list_display = ["item", "cause", "asked_by", "asked_at", "state_label"]
    list_filter = ["cause", "item__agency"]
    list_select_related = ["item", "asked_by"]
    search_fields = ["item__name", "item__performer__name", "reason"]
    ordering = ["-pk"]
    readonly_fields = ["state_label", "certificate_file"]
    fieldsets = [
        (None, {"fields": ["item", "cause", "reason", "state_label", "certificate_file"]}),
        (_("Who asked for it"), {"fields": ["asked_by", "asked_at"]}),
    ]
    inlines = [DestructionStepInline]
    actions_detail = ["approve_destruction", "reject_destruction"]
    when_empty = _("Nobody has asked to destroy anything. On an item's page is how to ask.")

    def get_queryset(self, request):
        rows = super().get_queryset(request).with_state()
        return rows.select_related("item__performer", "certificate")

    @display(
        description=_("how far"),
        label={
            DestructionState.WAITING.label: "warning",
            DestructionState.UNDER_WAY.label: "info",
            DestructionState.DONE.label: "success",
        },
    )
    def state_label(self, row):
        return row.state.label

    @admin.display(description=_("certificate"))
    def certificate_file(self, row):
        if not hasattr(row, "certificate"):
            return _now("Issued once key and file are gone")
        url = reverse("admin:custody_certificate", args=[row.pk])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, _now("Open (PDF)"))

    def get_urls(self):
        view = self.admin_site.admin_view(self.certificate)
        own = path("<int:destruction_id>/certificate/", view, name="custody_certificate")
        return [own, *super().get_urls()]

    def certificate(self, request: HttpRequest, destruction_id: int) -> HttpResponse:
        row = self.get_object(request, str(destruction_id))
        if not hasattr(row, "certificate"):
            raise Http404(_now("No certificate was issued yet."))
        return certificate_file(row)

    @step(
        label=_("Approve"),
        says=_(
            "The desk destroys the key, then the file, within minutes. Nothing brings it back, and"
            " nobody can stop it then."
        ),
        done=_("Approved: the desk destroys it now. The certificate stands on this page then."),
        permission=destruction.APPROVES,
        form=NoteForm,
        offered=lambda row: row.state == DestructionState.WAITING,
        facts=_destruction_facts,
        step_up=True,
        icon="check",
    )
    def approve_destruction(self, row, given):
        destruction.approve(destruction_id=row.pk, by=given.by, at=given.at, reason=given.reason)

    @step(
        label=_("Reject, or take back"),
        says=_("The item stays. Whoever asked takes it back; whoever may approve rejects it."),
        done=_("%(row)s: closed, the item stays."),
        permission=destruction.ASKS,
        form=ReasonForm,
        offered=lambda row: row.state == DestructionState.WAITING,
        facts=_destruction_facts,
        icon="block",
    )
    def reject_destruction(self, row, given):
        destruction.reject(destruction_id=row.pk, by=given.by, at=given.at, reason=given.reason)


def certificate_file(row: Destruction) -> HttpResponse:
    """Return the certificate of a destruction as a file."""
    response = HttpResponse(bytes(row.certificate.pdf), content_type="application/pdf")
    response["Content-Disposition"] = content_disposition_header(
        as_attachment=True, filename=f"destruction-{row.pk}.pdf"
    )
    return response


NEXT = {
    GrantState.WAITING: _("Two people approve it who did not ask for it."),
    GrantState.AHEAD: _("Wait for its window."),
    GrantState.OPEN: _("Whoever asked for it reads it, once."),
    GrantState.USED: _("Nothing: it was used. Ask again if you need more."),
    GrantState.OVER: _("Nothing: ask again."),
    GrantState.REJECTED: _("Nothing."),
    GrantState.TAKEN_BACK: _("Nothing."),
}


# What the two pages answer with

REFUSED = {
    uploads.NotThere: 409,
    uploads.OtherContent: 409,
    uploads.UploadIsBusy: 423,
    uploads.TooLarge: 413,
    keys.ItemClosed: 410,
    keys.KeyMissing: 503,
    places.PlaceAway: 503,
}
TUS = {"Tus-Resumable": "1.0.0", "Tus-Version": "1.0.0", "Tus-Extension": "creation,termination"}


def _tus(
    response: HttpResponse | None = None, *, status: int = 200, **headers: str
) -> HttpResponse:
    response = HttpResponse(status=status) if response is None else response
    for name, value in (TUS | headers).items():
        response[name] = value
    return response


def _refused(text: str, *, status: int) -> HttpResponse:
    return _tus(JsonResponse({"detail": text}, status=status))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 16


def _told(metadata: str) -> dict[str, object]:
    """Return the fields of an upload's metadata: names with values in Base64, by commas.

    Several purposes are one value, apart by commas. What cannot be read is left out: the form then
    asks for it.
    """
    told: dict[str, object] = {}
    for pair in metadata[:10_000].split(","):
        name, _space, value = pair.strip().partition(" ")
        try:
            told[name] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
    told["purposes"] = [code for code in str(told.get("purposes", "")).split(",") if code]
    return told


def _sent(read, item: CustodyItem) -> HttpResponse:
    """Send what a read yields as a file, or say why nothing is read."""
    try:
        content = read().content
        first = next(content, b"")
    except (Refused, AgeBroken) as refusal:
        return HttpResponse(str(refusal), status=409, content_type="text/plain; charset=utf-8")
    response = StreamingHttpResponse(
        _begun(first, content), content_type="application/octet-stream"
    )
    response["Content-Length"] = str(item.size)
    response["Cache-Control"] = "no-store"
    response["Content-Disposition"] = content_disposition_header(
        as_attachment=True, filename=item.name
    )
    return response


def _begun(first: bytes, content: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield first
        yield from content
    finally:
        content.close()


def _address(request: HttpRequest) -> str | None:
    return request.META.get("REMOTE_ADDR") or None
