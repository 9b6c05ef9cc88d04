"""Letters of direction and levies: entered by one person, approved and ended by another."""

from django import forms
from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminDateWidget

from talent import locales
from talent.admin.columns import amount
from talent.admin.forms import DeskForm
from talent.admin.parts import FactInline
from talent.admin.steps import NoteForm, ReasonForm, step
from talent.admin.waiting import Waiting
from talent.periods import local_day
from valuation.admin.written_once import WrittenOnce
from valuation.cash.beside_use.plan_payees import is_for_a_plan
from valuation.cash.paid_out.bank_details import payees_of
from valuation.cash.released import directions
from valuation.models import PaymentDirection, PaymentDirectionMove, PaymentDirectionStep
from valuation.models.directions import PaymentDirectionQuerySet
from valuation.words import DirectionStepKind

STANDS = (DirectionStepKind.APPROVED, DirectionStepKind.STAYS)


class DirectionForm(DeskForm):
    """Whose money is paid to whom: both are payees of the agency."""

    def clean(self):
        given = super().clean()
        agency, agreement = given.get("agency"), given.get("agreement")
        for name in ("beneficiary", "payee"):
            payee = given.get(name)
            if agency and payee and not payees_of(agency).filter(pk=payee.pk).exists():
                self.add_error(name, _now("Nobody that this agency pays."))
        if (payee := given.get("payee")) and is_for_a_plan(payee):
            self.add_error("payee", _now("They are paid for a plan, and nothing else."))
        if agreement and agreement.agency != agency:
            self.add_error("agreement", _now("It is of another agency."))
        if agreement and agreement.currency != given.get("currency"):
            self.add_error("currency", _now("The agreement is in another currency."))
        return given


class EndForm(ReasonForm):
    """From which day of receipt on nothing is split any more."""

    on = forms.DateField(
        label=_("From receipts of"), widget=UnfoldAdminDateWidget,
        help_text=_("Today at the earliest: what came in before was split."),
    )  # fmt: skip
    field_order = ("on", "reason")


class WaitingDirections(Waiting):
    label = _("Waits for a second person")
    narrow = PaymentDirectionQuerySet.waiting


class MoveInline(FactInline):
    model = PaymentDirectionMove
    fields = readonly_fields = ["received_on", "agreement", amount("amount"), "entry"]
    ordering = ["pk"]
    per_page = 50
    verbose_name_plural = _("what it moved")

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("agreement", "entry")


class DirectionStepInline(FactInline):
    model = PaymentDirectionStep
    fields = readonly_fields = ["kind", "on", "at", "by", "note"]
    ordering = ["pk"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("by")


@admin.register(PaymentDirection)
class PaymentDirectionAdmin(WrittenOnce):
    form = DirectionForm
    list_display = ["beneficiary", "payee", "kind", "percent", "base", "place", "starts_on",
                    "state_label"]  # fmt: skip
    list_filter = [WaitingDirections, "kind", "currency", "agency"]
    list_select_related = ["agency", "beneficiary", "payee"]
    search_fields = ["beneficiary__name", "payee__name", "source"]
    ordering = ["-pk"]
    autocomplete_fields = ["agency", "beneficiary", "payee", "agreement"]
    inlines = [MoveInline, DirectionStepInline]
    actions_detail = ["approve", "reject", "ask_end", "end"]
    fields = ["agency", "kind", "beneficiary", "payee", "agreement", "currency", "base", "percent",
              "most", "place", "starts_on", "ends_on", "is_revocable", "source"]  # fmt: skip
    when_empty = _(
        "No letter of direction. Enter one where somebody has a part of their money paid to a "
        "manager or a lawyer, or where a court or an office orders it."
    )

    def get_queryset(self, request):
        return super().get_queryset(request).with_state()

    def save_model(self, request, obj, form, change):
        obj.written_on = local_day(timezone.now(), obj.agency.time_zone)
        super().save_model(request, obj, form, change)

    @display(
        description=_("state"),
        label={"Waits for approval": "warning", "End asked for": "warning", "Approved": "success",
               "Stays": "success", "Rejected": "danger", "Ended": "info"},
    )  # fmt: skip
    def state_label(self, direction):
        last = state_of(direction)
        return last.label if last else _("Waits for approval")

    @step(
        label=_("Approve"),
        icon="check",
        permission=directions.APPROVES,
        step_up=True,
        says=_(
            "You say, as the second person, that the letter says this. What came in since it was "
            "entered, and what comes, is split, and both statements say so."
        ),
        done=_("%(row)s counts."),
        form=NoteForm,
        offered=lambda direction: state_of(direction) is None,
        facts=lambda direction: about(direction),
    )
    def approve(self, direction, given):
        directions.approve(direction_id=direction.pk, by=given.by, at=given.at, note=given.reason)

    @step(
        label=_("Reject"),
        icon="block",
        permission=directions.APPROVES,
        step_up=True,
        says=_("It does not count, or does not end. Who asked reads why, or takes it back so."),
        done=_("%(row)s is rejected, or stays."),
        form=ReasonForm,
        offered=lambda direction: state_of(direction) in (None, DirectionStepKind.END_ASKED),
        facts=lambda direction: about(direction),
    )
    def reject(self, direction, given):
        directions.reject(direction_id=direction.pk, by=given.by, at=given.at, note=given.reason)

    @step(
        label=_("Ask for its end"),
        icon="event_busy",
        permission="valuation.add_paymentdirection",
        step_up=True,
        says=_(
            "Somebody else approves it. One that cannot be revoked ends with the consent of who "
            "is paid: name that."
        ),
        done=_("The end of %(row)s waits for somebody else."),
        form=EndForm,
        offered=lambda direction: state_of(direction) in STANDS,
        facts=lambda direction: about(direction),
    )
    def ask_end(self, direction, given):
        directions.ask_end(
            direction_id=direction.pk, on=given.values["on"], by=given.by, at=given.at,
            note=given.reason,
        )  # fmt: skip

    @step(
        label=_("Approve its end"),
        icon="check",
        permission=directions.APPROVES,
        step_up=True,
        says=_(
            "You say, as the second person, that it ends. What came in before that day stays "
            "split; what came in since is taken back, also where it was paid out."
        ),
        done=_("%(row)s ends."),
        form=NoteForm,
        offered=lambda direction: state_of(direction) is DirectionStepKind.END_ASKED,
        facts=lambda direction: about(direction),
    )
    def end(self, direction, given):
        directions.end(direction_id=direction.pk, by=given.by, at=given.at, note=given.reason)


def state_of(direction):
    return DirectionStepKind(direction.last_step) if direction.last_step else None


def about(direction):
    """Yield what a second person is bound to."""
    yield _("Agency"), direction.agency
    yield _("Kind"), direction.get_kind_display()
    yield _("Whose money"), direction.beneficiary
    yield _("Paid to"), direction.payee
    yield _("Agreement"), direction.agreement or _("all")
    yield (
        _("How much"),
        f"{locales.percent(direction.percent, 'en')}, {direction.get_base_display()}",
    )
    if direction.most is not None:
        yield _("No more in all than"), locales.money(direction.most, direction.currency, "en")
    yield _("Currency"), direction.currency
    yield _("Place"), direction.place
    yield _("From"), direction.starts_on
    yield _("To before"), direction.ends_on or "–"
    yield _("Revocable"), _("yes") if direction.is_revocable else _("no")
    yield _("Source"), direction.source
    asked = direction.steps.order_by("-pk").first()
    if asked and asked.on:
        yield _("Ends with receipts of"), f"{asked.on}: {asked.note}"
        split = directions.split_since(direction, asked.on)
        yield _("Split since, and taken back"), locales.money(split, direction.currency, "en")
