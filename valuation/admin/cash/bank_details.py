"""Bank details: entered on a form, read by their last signs, approved by somebody else."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from stdnum import iban as ibans
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from talent import locales
from talent.admin.as_read import locale_of_reader
from talent.admin.base import DeskAdmin
from talent.admin.forms import DeskForm
from talent.admin.steps import NoteForm, ReasonForm, step
from talent.admin.waiting import Waiting
from talent.beneficiaries import reader_of
from talent.errors import Refused
from valuation.bank_files.payments import Address, BankAccount, refuse_account
from valuation.cash.paid_out import bank_details
from valuation.models import BankDetails
from valuation.models.bank_details import BankDetailsQuerySet
from valuation.words import BankDetailsOutcome


def line(label, longest, help_text="", *, required=False):
    return forms.CharField(
        label=label, max_length=longest, required=required, help_text=help_text,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )  # fmt: skip


class BankDetailsForm(DeskForm):
    """An account as people have it on paper. What is typed is sealed, and shown to nobody again."""

    iban = line("IBAN", 42)
    bic = line("BIC", 11, _("May be left empty for accounts in the euro area."))
    routing_number = line(_("Routing number"), 9, _("Of a bank in the United States (ABA)."))
    number = line(_("Account number"), 34, _("Beside a routing number."))
    is_savings = forms.BooleanField(
        label=_("Savings account"), required=False, widget=UnfoldBooleanSwitchWidget
    )
    company_id = line(
        _("Company’s id at the bank"), 10,
        _("Of an agency’s own account in the United States, for NACHA files: ten characters."),
    )  # fmt: skip
    street = line(_("Street"), 70)
    house_number = line(_("House number"), 16)
    postcode = line(_("Postcode"), 16)
    town = line(_("Town"), 35, required=True)
    country = forms.ChoiceField(label=_("Country"), widget=UnfoldAdminSelectWidget)

    class Meta:
        model = BankDetails
        fields = ["agency", "beneficiary", "currency", "holder"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "country" in self.fields:
            countries = locales.countries(locale_of_reader())
            self.fields["country"].choices = [("", "–"), *countries]

    def clean(self):
        given = super().clean()
        if not self.errors:
            try:
                refuse_account(self.account)
            except Refused as refusal:
                raise ValidationError(str(refusal)) from refusal
        return given

    @property
    def account(self):
        """What was typed, as banks take it."""
        given = self.cleaned_data
        names = ("town", "country", "street", "house_number", "postcode")
        return BankAccount(
            holder=given["holder"],
            address=Address(**{name: given[name] for name in names}),
            iban=ibans.compact(given["iban"]),
            bic=given["bic"].replace(" ", "").upper(),
            routing_number=given["routing_number"].replace(" ", ""),
            number=given["number"].replace(" ", ""),
            is_savings=given["is_savings"],
        )


class AgainForm(NoteForm):
    """Asks a second person for the account, so that a slip or a forged number is found."""

    again = line(
        _("IBAN or account number"), 42, _("From the payee’s own paper, not from a mail."),
        required=True,
    )  # fmt: skip
    field_order = ("again", "reason")


class WaitingDetails(Waiting):
    label = _("Waits for approval")
    narrow = BankDetailsQuerySet.waiting


@admin.register(BankDetails)
class BankDetailsAdmin(DeskAdmin):
    asks_again = True
    agency_path = "agency"
    form = BankDetailsForm
    list_display = ["whose", "agency", "currency", "holder", "masked", "state_label", "paid_from",
                    "written_by"]  # fmt: skip
    list_filter = [WaitingDetails, "currency", "agency"]
    list_select_related = ["agency", "beneficiary", "written_by", "decision__by"]
    search_fields = ["holder", "beneficiary__name"]
    ordering = ["-pk"]
    autocomplete_fields = ["agency", "beneficiary"]
    actions_detail = ["approve", "reject"]
    to_add = [
        (None, {"fields": ["agency", "beneficiary", "currency", "holder"]}),
        (_("Account"), {"fields": ["iban", "bic", "routing_number", "number", "is_savings",
                                   "company_id"]}),
        (_("Address of the holder"), {"fields": ["street", "house_number", "postcode", "town",
                                                 "country"]}),
    ]  # fmt: skip
    to_read = [
        (None, {"fields": ["whose", "agency", "currency", "holder", "masked"]}),
        (_("Two people"), {"fields": ["state_label", "written_by", "written_at", "decided_by",
                                      "note", "paid_from", "told"]}),
    ]  # fmt: skip
    readonly_fields = ["whose", "state_label", "decided_by", "note", "paid_from", "told", "masked",
                       "written_by", "written_at"]  # fmt: skip
    when_empty = _(
        "No bank details yet. Add your own client account for each currency, leaving the "
        "beneficiary empty, then the account of each payee. Somebody else approves each."
    )

    def get_fieldsets(self, request, obj=None):
        return self.to_add if obj is None else self.to_read

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return redirect(request.get_full_path())

    def save_model(self, request, obj, form, change):
        given = form.cleaned_data
        kept = bank_details.write(
            agency=given["agency"],
            beneficiary=given["beneficiary"],
            currency=given["currency"],
            account=form.account,
            company_id=given["company_id"],
            by=request.user,
            at=timezone.now(),
        )
        obj.pk, obj.masked = kept.pk, kept.masked

    @admin.display(description=_("of"), ordering="beneficiary__name")
    def whose(self, details):
        return details.beneficiary or _("the agency’s client account")

    @display(
        description=_("state"),
        label={"Waits for approval": "warning", "Approved": "success", "Rejected": "danger"},
    )
    def state_label(self, details):
        decision = decision_of(details)
        return decision.get_outcome_display() if decision else _("Waits for approval")

    @admin.display(description=_("decided by"))
    def decided_by(self, details):
        return (decision := decision_of(details)) and decision.by

    @admin.display(description=_("note"))
    def note(self, details):
        return (decision := decision_of(details)) and decision.note

    @admin.display(description=_("paid to from"))
    def paid_from(self, details):
        decision = decision_of(details)
        if decision is None or decision.outcome != BankDetailsOutcome.APPROVED:
            return None
        return bank_details.payable_from(details)

    @admin.display(description=_("who is told"))
    def told(self, details):
        return told(details)

    @step(
        label=_("Approve"),
        icon="check",
        permission=bank_details.APPROVES,
        step_up=True,
        says=_(
            "You approve, as the second person, that this is where the money goes, and that you "
            "heard it from the payee by a way you know. Type the account once more, from the "
            "payee’s own paper. The payee is told, and some days pass before it is paid to."
        ),
        done=_("%(row)s is approved. Payouts go to it once the days have passed."),
        form=AgainForm,
        offered=lambda details: decision_of(details) is None,
        facts=lambda details: about(details),
    )
    def approve(self, details, given):
        bank_details.approve(
            details_id=details.pk,
            again=given.values["again"],
            by=given.by,
            at=given.at,
            note=given.reason,
        )

    @step(
        label=_("Reject"),
        icon="block",
        permission="valuation.add_bankdetails",
        step_up=True,
        says=_("What was approved before stays. Who entered this may take it back so, too."),
        done=_("%(row)s is rejected. Nothing has changed."),
        form=ReasonForm,
        offered=lambda details: decision_of(details) is None,
        facts=lambda details: about(details),
    )
    def reject(self, details, given):
        bank_details.reject(details_id=details.pk, by=given.by, at=given.at, note=given.reason)


def decision_of(details):
    return getattr(details, "decision", None)


def told(details):
    if details.beneficiary is None:
        return _("nobody: it is the agency’s own")
    reader = reader_of(details.beneficiary)
    return reader.email if reader else _("nobody has an address: call the payee yourself")


def about(details):
    """Yield what a second person is bound to; the account they know from the payee’s paper."""
    yield _("Of"), details.beneficiary or _("the agency’s client account")
    yield _("Agency"), details.agency
    yield _("Currency"), details.currency
    yield _("Holder"), details.holder
    yield _("Account"), details.masked
    try:
        account = bank_details.account_of(details)
    except Refused as refusal:
        yield _("Address"), refusal
    else:
        yield _("BIC"), account.bic or "–"
        yield _("Address"), address_of(account)
    before = bank_details.in_force(agency_id=details.agency_id, currency=details.currency)
    kept = before.get(details.beneficiary_id)
    yield _("Before"), kept.masked if kept else _("none")
    yield _("Entered by"), details.written_by
    yield _("Told by mail"), told(details)


def address_of(account):
    place = account.address
    street, town = f"{place.street} {place.house_number}", f"{place.postcode} {place.town}"
    return ", ".join(filter(None, [street.strip(), town.strip(), place.country]))
