"""A performer who changes agency, and the file that goes with them."""

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from talent.admin.base import FactAdmin
from talent.admin.forms import DeskForm
from talent.admin.parts import FactInline
from talent.admin.steps import step
from talent.admin.waiting import Waiting
from talent.errors import Refused
from talent.sign_in import proofs
from valuation.admin.written_once import WrittenOnce
from valuation.cash.released import agency_changes
from valuation.models import AgencyChange, HandOver, HandOverStep
from valuation.models.agency_changes import AgencyChangeQuerySet, HandOverQuerySet
from valuation.reports import hand_over


class AgencyChangeForm(DeskForm):
    """What cannot count is refused before it is written."""

    class Meta:
        model = AgencyChange
        fields = ["agency", "performer", "new_agency", "starts_on", "collector",
                  "no_commission_from", "source"]  # fmt: skip

    def clean(self):
        given = super().clean()
        if not self.errors:
            try:
                agency_changes.refuse_unfit(
                    AgencyChange(**{name: given[name] for name in self.Meta.fields})
                )
            except Refused as refusal:
                self.add_error(None, str(refusal))
        return given


class WaitingChanges(Waiting):
    label = _("Waits for approval")
    narrow = AgencyChangeQuerySet.waiting


@admin.register(AgencyChange)
class AgencyChangeAdmin(WrittenOnce):
    form = AgencyChangeForm
    list_display = ["performer", "agency", "new_agency", "starts_on", "collector",
                    "no_commission_from", "state_label"]  # fmt: skip
    list_filter = [WaitingChanges, "agency"]
    list_select_related = ["agency", "performer"]
    search_fields = ["performer__name", "new_agency"]
    ordering = ["-pk"]
    autocomplete_fields = ["agency", "performer"]
    fields = AgencyChangeForm.Meta.fields
    actions_detail = ["approve", "make_file"]
    when_empty = _(
        "Nobody has changed agency. Enter it with the day, who collects what is used from then on, "
        "and whether commission stays on what was negotiated here."
    )

    @display(description=_("state"), label={"Waits for approval": "warning", "Approved": "success"})
    def state_label(self, change):
        return _("Approved") if change.approved_at else _("Waits for approval")

    @step(
        label=_("Approve"),
        icon="check",
        permission=agency_changes.APPROVES,
        step_up=True,
        says=_(
            "You say, as the second person, that this is agreed. What was used before that day "
            "this agency collects in any case; of receipts from the day named on it takes no "
            "commission."
        ),
        done=_("%(row)s counts. Next, the hand-over file is made."),
        offered=lambda change: change.approved_at is None,
        facts=lambda change: about(change),
    )
    def approve(self, change, given):
        agency_changes.approve(change_id=change.pk, by=given.by, at=given.at)

    @step(
        label=_("Make the hand-over file"),
        icon="folder_zip",
        permission=hand_over.MAKES,
        step_up=True,
        says=_(
            "The file has the performer’s own consents in force, agreements, split, balances and "
            "statements, as they are now, and no account at a bank. Somebody else approves it "
            "before it is fetched."
        ),
        done=_("The file of %(row)s is made. Somebody else approves it, under hand-over files."),
        offered=lambda change: change.approved_at is not None,
        facts=lambda change: about(change),
    )
    def make_file(self, change, given):
        hand_over.make(change_id=change.pk, by=given.by, at=given.at)


def about(change):
    """Yield what whoever decides is bound to."""
    yield _("Performer"), change.performer
    yield _("Agency that is left"), change.agency
    yield _("New agency"), change.new_agency
    yield _("From"), change.starts_on
    yield _("Who collects what is used from then on"), change.get_collector_display()
    yield (
        _("No commission from receipts of"),
        change.no_commission_from or _("it stays on what was negotiated here"),
    )
    yield _("Reason"), change.source
    yield _("Entered by"), change.written_by


class WaitingFiles(Waiting):
    label = _("Waits for approval")
    narrow = HandOverQuerySet.waiting


class HandOverStepInline(FactInline):
    model = HandOverStep
    fields = readonly_fields = ["kind", "at", "by"]
    ordering = ["pk"]
    verbose_name_plural = _("what was done with it")

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("by")


@admin.register(HandOver)
class HandOverAdmin(FactAdmin):
    agency_path = "change__agency"
    list_display = ["change", "made_at", "made_by", "state_label"]
    list_filter = [WaitingFiles, "change__agency"]
    list_select_related = ["change__agency", "change__performer", "made_by"]
    search_fields = ["change__performer__name"]
    ordering = ["-pk"]
    inlines = [HandOverStepInline]
    actions_detail = ["approve", "fetch_file"]
    fieldsets = [
        (None, {"fields": ["change", "state_label", "made_at", "made_by"]}),
        (_("Technical details"), {"fields": ["sha256"]}),
    ]
    readonly_fields = ["state_label"]
    when_empty = _(
        "No hand-over file was made. It is made on the page of an approved change of agency."
    )

    def get_queryset(self, request):
        return super().get_queryset(request).with_state().defer("content")

    @display(description=_("state"), label={"Waits for approval": "warning", "Approved": "success"})
    def state_label(self, row):
        return _("Approved") if row.is_approved else _("Waits for approval")

    @step(
        label=_("Approve"),
        icon="check",
        permission=hand_over.APPROVES,
        step_up=True,
        says=_(
            "You say, as the second person, that this may go to the new agency. Whoever has made "
            "it, or another of your agency, fetches it then."
        ),
        done=_("%(row)s is approved. Next, it is fetched."),
        offered=lambda row: not row.is_approved,
        facts=lambda row: [*about(row.change), *what_it_has(row)],
    )
    def approve(self, row, given):
        hand_over.approve(hand_over_id=row.pk, by=given.by, at=given.at)

    def has_fetch_permission(self, request, object_id=None):
        row = object_id and self.get_object(request, object_id)
        if not row:
            return request.user.has_perm(hand_over.MAKES)
        return row.is_approved and self.has_seat(request, hand_over.MAKES, row)

    @action(description=_("Fetch the file"), permissions=["fetch"], icon="download")
    def fetch_file(self, request, object_id):
        """Say who fetched the file before; its POST sends the file."""
        row = self.get_object(request, object_id)
        if asked := proofs.step_up(request):
            return asked
        if request.method == "POST":
            try:
                content = hand_over.fetch(hand_over_id=row.pk, by=request.user, at=timezone.now())
            except Refused as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
                return redirect("admin:valuation_handover_change", row.pk)
            headers = {"Content-Disposition": f'attachment; filename="hand-over-{row.pk}.json"'}
            return HttpResponse(content, content_type="application/json", headers=headers)
        context = {
            **self.admin_site.each_context(request),
            "title": _now("Fetch the hand-over file of %s") % row.change,
            "opts": self.opts,
            "row": row,
            "facts": list(what_it_has(row)),
        }
        return TemplateResponse(request, "admin/fetch_hand_over.html", context)


def what_it_has(row):
    """Yield how much the file has of each, and its digest."""
    try:
        told = hand_over.told_by(row)
    except Refused as refusal:
        yield _("File"), str(refusal)
        return
    for name, label in (
        ("consents", _("Consents in force")), ("agreements", _("Agreements")),
        ("payees", _("Payees")), ("balances", _("Balances")), ("statements", _("Statements")),
    ):  # fmt: skip
        yield label, len(told[name])
    yield _("SHA-256"), row.sha256
