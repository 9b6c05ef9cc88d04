"""Items of the vault: stored by parts, asked for, held, and read without a grant."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import formats, timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from unfold.decorators import action, display

from talent.custody import captures, destruction, grants, keys, uploads
from talent.custody.retention import standing
from talent.errors import Refused
from talent.models import (
    CustodyItem,
    CustodyUpload,
    LegalHold,
)
from talent.sign_in import proofs
from talent.sign_in.adapters import client_address
from talent.words import (
    ClockStart,
    CustodyKind,
    CustodyPurpose,
    CustodyStepKind,
    DestructionCause,
)

from ..base import FactAdmin
from ..steps import ReasonForm, step
from ..tenancy import seats_with
from . import item_words
from .drills import page_of
from .item_forms import ADDS, AskForm, ClockForm, DestroyForm, StoreForm
from .item_parts import GrantInline, HoldInline, ReadInline, RetentionInline, StepInline
from .sending import send
from .tus import REFUSED, answer, is_number, refused, told_by

BREAKS = "talent.break_custodyglass"

STATE_COLOURS = {
    CustodyStepKind.BEGUN.label: "warning",
    CustodyStepKind.STORED.label: "info",
    CustodyStepKind.PROVEN.label: "success",
    CustodyStepKind.BROKEN.label: "danger",
    CustodyStepKind.QUARANTINED.label: "danger",
    CustodyStepKind.RELEASE_ASKED.label: "warning",
}


class StateFilter(admin.SimpleListFilter):
    title = _("what became of it")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return CustodyStepKind.choices()

    def queryset(self, request, queryset):
        known = self.value() in CustodyStepKind.codes()
        return queryset.filter(state=self.value()) if known else queryset


def is_there(item: CustodyItem) -> bool:
    return item.state not in (CustodyStepKind.BEGUN, *destruction.DESTROYED_STATES)


def facts_of(item: CustodyItem) -> list:
    return [
        (_("Item"), item),
        (_("Performer"), item.performer),
        (_("Size"), filesizeformat(item.size)),
    ]


def standing_now(item: CustodyItem) -> standing.Standing:
    return standing.standing_of(item, at=timezone.now())


def _said_of(running) -> str:
    """Say what a clock has the desk do, and why it is not applied where it is not."""
    clock = running.clock
    by = formats.date_format(running.destroy_by) if running.destroy_by else "–"
    told = f"{by}: {clock.title} ({clock.instrument}). {running.started.why}"
    if running.destroy_by is None:
        return f"{told} " + _now("Shown, never computed.")
    if running.is_applied:
        return told
    return f"{told} " + _now("%(how_sure)s: not applied.") % {"how_sure": clock.confidence.label}


def quarantine_facts(item: CustodyItem) -> list:
    """Tell what an item is, and each word on its quarantine."""
    words = item.steps.filter(kind__in=captures.QUARANTINE).order_by("pk")
    return [*facts_of(item), *((step.get_kind_display(), step.note) for step in words)]


def _once(item: CustodyItem, name: str, work):
    """Return what is reckoned once for an item's page, which asks for each column several times."""
    known = item.__dict__.setdefault("told_once", {})
    if name not in known:
        known[name] = work()
    return known[name]


def _is_among(name: str, may: dict[str, bool]) -> bool:
    return all(allowed for action, allowed in may.items() if action in name)


@admin.register(CustodyItem)
class CustodyItemAdmin(FactAdmin):
    agency_path = "agency"
    list_display = ["name", "performer", "kind", "state_label", "in_bytes", "begun_at"]
    list_filter = ["kind", StateFilter, "agency"]
    list_select_related = ["performer"]
    search_fields = ["name", "performer__name"]
    ordering = ["-pk"]
    readonly_fields = [
        "in_short", "state_label", "in_bytes", "go_on", "proven_sha256", "file_sha256", "clocks",
        "who_opens",
    ]  # fmt: skip
    for_programs = ("place",)
    fieldsets = [
        (None, {"fields": ["in_short", "name", "performer", "agency", "kind", "purposes"]}),
        (_("How long it may be kept, and who can open it"), {"fields": ["clocks", "who_opens"]}),
        (
            _("Where it came from"),
            {"fields": ["captured_on", "session", "begun_at", "begun_by", "in_bytes"]},
        ),
        (None, {"fields": ["proven_sha256", "file_sha256", "told_sha256", "place"]}),
    ]
    inlines = [ReadInline, GrantInline, RetentionInline, HoldInline, StepInline]
    actions_list = ["store_item", "export_list", "export_workbook"]
    actions_detail = [
        "ask_to_read",
        "ask_release",
        "release",
        {
            "title": _("More"),
            "items": [
                "tell_clock",
                "keep_quarantined",
                "ask_to_destroy",
                "place_hold",
                "lift_hold",
                "see_leak_drill",
                "read_without_grant",
            ],
        },
    ]
    when_empty = _(
        "Nothing is held yet. Store a scan or a recording: it is encrypted before it touches a"
        " disk, and nobody reads it without two others who agree."
    )

    def get_queryset(self, request):
        return super().get_queryset(request).with_state().select_related("agency", "performer")

    @display(description=_("state"), label=STATE_COLOURS)
    def state_label(self, item):
        return CustodyStepKind(item.state).label

    @admin.display(description=_("size"), ordering="size")
    def in_bytes(self, item):
        return filesizeformat(item.size)

    @admin.display(description=_("SHA-256 of its content, as it was read back"))
    def proven_sha256(self, item):
        return next((step.sha256 for step in self._steps(item) if step.sha256), "–")

    @admin.display(description=_("SHA-256 of its encrypted file"))
    def file_sha256(self, item):
        return next((step.file_sha256 for step in self._steps(item) if step.file_sha256), "–")

    @admin.display(description=_("now"))
    def in_short(self, item):
        return _once(item, "in_short", lambda: item_words.in_short(item, self._standing(item)))

    @admin.display(description=_("its clocks"))
    def clocks(self, item):
        lines = [(_said_of(one),) for one in self._standing(item).clocks]
        return format_html_join(mark_safe("<br>"), "{}", lines) or "–"

    @admin.display(description=_("keys"))
    def who_opens(self, item):
        if not is_there(item):
            return "–"
        try:
            holders = _once(item, "holders", lambda: keys.who_opens(item.pk))
        except Refused as refusal:
            return str(refusal)
        lines = [(f"{who}: {key}",) for who, key in holders]
        return format_html_join(mark_safe("<br>"), "{}", lines)

    def _standing(self, item):
        return _once(item, "standing", lambda: standing_now(item))

    def _steps(self, item):
        return _once(item, "all_steps", lambda: list(item.steps.all()))

    @admin.display(description=_("upload"))
    def go_on(self, item):
        url = reverse("admin:store_item")
        return format_html(
            '<a class="desk-link" href="{}?go_on={}">{}</a>', url, item.pk, _now("Go on with it")
        )

    def get_fieldsets(self, request, obj=None):
        """Offer to go on with an upload where one is under way."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or obj.state != CustodyStepKind.BEGUN:
            return fieldsets
        return [(None, {"fields": ["go_on"]}), *fieldsets]

    def get_urls(self):
        view = self.admin_site.admin_view
        own = [
            path("store/", view(self.store), name="store_item"),
            path("uploads/", view(self.begin_upload), name="custody_uploads"),
            path("uploads/<int:item_id>/", view(self.upload), name="custody_upload"),
            path("<int:item_id>/glass/", view(self.glass), name="custody_glass"),
            path("<int:item_id>/leak-drill/", view(self.leak_drill), name="custody_drill"),
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
            return answer(status=204, **{"Tus-Max-Size": str(uploads.LARGEST)})
        if request.method != "POST":
            return answer(status=405, Allow="OPTIONS, POST")
        length = request.headers.get("Upload-Length", "")
        if not is_number(length) or int(length) == 0:
            return refused(_now("An empty file is nothing to keep."), status=400)
        form = StoreForm(told_by(request.headers.get("Upload-Metadata", "")), user=request.user)
        if not form.is_valid():
            return answer(JsonResponse({"errors": form.errors}, status=422))
        told = form.cleaned_data
        try:
            item = uploads.begin(
                agency=told["agency"], performer=told["performer"],
                kind=CustodyKind(told["kind"]), name=told["name"],
                purposes=[CustodyPurpose(code) for code in told["purposes"]],
                captured_on=told["captured_on"], session=told["session"],
                told_sha256=told["sha256"], size=int(length), by=request.user, at=timezone.now(),
            )  # fmt: skip
        except uploads.TooLarge as refusal:
            return refused(str(refusal), status=413)
        except Refused as refusal:
            return refused(str(refusal), status=503)
        return answer(status=201, Location=reverse("admin:custody_upload", args=[item.pk]))

    @method_decorator(never_cache)
    def upload(self, request: HttpRequest, item_id: int) -> HttpResponse:
        """Tell how much of an upload has arrived, take a part of it, or abandon it (tus 1.0)."""
        mine = CustodyUpload.objects.visible_to(request.user).select_related("item")
        upload = mine.filter(item=item_id).first()
        if upload is None:
            return refused(_now("This upload has ended, or somebody else began it."), status=404)
        if not self.has_seat(request, ADDS, upload.item):
            raise PermissionDenied
        if request.method == "HEAD":
            told = {"Upload-Offset": str(upload.arrived), "Upload-Length": str(upload.item.size)}
            return answer(status=200, **told)
        if request.method == "DELETE":
            uploads.abandon(item_id=item_id, at=timezone.now(), by=request.user)
            return answer(status=204)
        if request.method != "PATCH":
            return answer(status=405, Allow="DELETE, HEAD, PATCH")
        return self._receive(request, item_id)

    def _receive(self, request: HttpRequest, item_id: int) -> HttpResponse:
        offset = request.headers.get("Upload-Offset", "")
        if request.content_type != "application/offset+octet-stream" or not is_number(offset):
            return refused(_now("A part of an upload says where it begins."), status=415)
        try:
            arrived = uploads.receive(
                item_id=item_id, offset=int(offset), source=request, by=request.user,
                at=timezone.now(),
            )  # fmt: skip
        except Refused as refusal:
            return refused(str(refusal), status=REFUSED.get(type(refusal), 503))
        return answer(status=204, **{"Upload-Offset": str(arrived)})

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
        facts=facts_of,
        icon="key",
    )
    def ask_to_read(self, item, given):
        grants.ask(
            item_id=item.pk, purpose=CustodyPurpose(given.values["purpose"]), reason=given.reason,
            starts_at=given.values["starts_at"], ends_at=given.values["ends_at"], by=given.by,
            at=given.at,
        )  # fmt: skip

    @step(
        label=_("Ask to release it"),
        says=_(
            "It is more than was agreed to be captured. Once somebody else agrees, grants may read"
            " it. The other way is to have it destroyed."
        ),
        done=_("Asked for: somebody else releases it, or not."),
        permission=grants.ASKS,
        form=ReasonForm,
        offered=lambda item: item.state == CustodyStepKind.QUARANTINED,
        facts=quarantine_facts,
        icon="lock_open",
    )
    def ask_release(self, item, given):
        captures.ask_release(item_id=item.pk, reason=given.reason, by=given.by, at=given.at)

    @step(
        label=_("Release it"),
        says=_("Grants may read it from then on. Who asked for its release cannot do this."),
        done=_("%(row)s is released."),
        permission=captures.RELEASES,
        form=ReasonForm,
        offered=lambda item: item.state == CustodyStepKind.RELEASE_ASKED,
        facts=quarantine_facts,
        step_up=True,
        icon="check",
    )
    def release(self, item, given):
        captures.release(item_id=item.pk, reason=given.reason, by=given.by, at=given.at)

    @step(
        label=_("Keep it quarantined"),
        says=_("Whoever asked for its release takes it back; whoever may release rejects it."),
        done=_("%(row)s stays quarantined."),
        permission=grants.ASKS,
        or_permission=captures.RELEASES,
        form=ReasonForm,
        offered=lambda item: item.state == CustodyStepKind.RELEASE_ASKED,
        facts=quarantine_facts,
        icon="block",
    )
    def keep_quarantined(self, item, given):
        captures.keep_quarantined(item_id=item.pk, reason=given.reason, by=given.by, at=given.at)

    @step(
        label=_("Say what its clock runs from"),
        says=_(
            "The earliest of its clocks says until when it may be kept. What you say here counts"
            " until somebody says otherwise; it stays on record."
        ),
        done=_("Noted. Its page says until when it may be kept."),
        permission=ADDS,
        form=ClockForm,
        offered=is_there,
        facts=lambda item: [*facts_of(item), (_("So far"), standing_now(item))],
        icon="timer",
    )
    def tell_clock(self, item, given):
        standing.tell(
            item_id=item.pk, starts=ClockStart(given.values["starts"]), on=given.values["on"],
            why=given.reason, at=given.at, by=given.by,
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
        offered=is_there,
        facts=facts_of,
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
        offered=lambda item: is_there(item) and not LegalHold.objects.holds(item),
        facts=facts_of,
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
        facts=lambda item: [*facts_of(item), (_("Held"), LegalHold.objects.holds(item))],
        icon="lock_open",
    )
    def lift_hold(self, item, given):
        destruction.lift(item_id=item.pk, reason=given.reason, by=given.by, at=given.at)

    @action(description=_("Leak drill"), icon="policy", url_path="see-leak-drill")
    def see_leak_drill(self, request, object_id):
        return redirect("admin:custody_drill", item_id=object_id)

    def leak_drill(self, request: HttpRequest, item_id: int) -> HttpResponse:
        """Show who could have read an item, and who did."""
        return page_of(self, request, item_id)

    @action(description=_("Read without a grant"), icon="emergency", url_path="read-without-grant")
    def read_without_grant(self, request, object_id):
        return redirect("admin:custody_glass", item_id=object_id)

    def get_actions_detail(self, request, object_id):
        actions = super().get_actions_detail(request, object_id)
        row = self.get_object(request, object_id)
        may = {
            "read_without_grant": row.state == CustodyStepKind.PROVEN
            and self.has_seat(request, BREAKS, row),
            "see_leak_drill": self.has_seat(request, destruction.HOLDS, row),
        }
        return [one for one in actions if _is_among(one.action_name, may)]

    def glass(self, request: HttpRequest, item_id: int) -> HttpResponse:
        """Ask why, and send an item without a grant; its performer and the agency are told."""
        item = self.get_object(request, str(item_id))
        if not self.has_seat(request, BREAKS, item):
            raise PermissionDenied
        if asked := proofs.step_up(request):
            return asked
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            return send(
                lambda: grants.break_glass(
                    item_id=item.pk, reason=form.cleaned_data["reason"], by=request.user,
                    clock=timezone.now, address=client_address(request),
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
