"""Checks of payees against lists and papers, and which of them an agency asks for."""

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from talent.admin.forms import DeskForm
from talent.errors import Refused
from valuation.admin.written_once import WrittenOnce
from valuation.cash.paid_out import checks
from valuation.cash.paid_out.bank_details import payees_of
from valuation.models import PayeeCheck, PayeeCheckRule


class PayeeCheckForm(DeskForm):
    """Who was looked up, where, and what was found."""

    def clean(self):
        given = super().clean()
        agency, payee, day = (given.get(name) for name in ("agency", "beneficiary", "checked_on"))
        if agency and payee and not payees_of(agency).filter(pk=payee.pk).exists():
            raise ValidationError({"beneficiary": _now("Nobody that this agency pays.")})
        if day and day > timezone.localdate():
            raise ValidationError({"checked_on": _now("That day is still to come.")})
        if agency and payee and given.get("kind") and given.get("outcome"):
            check = PayeeCheck(
                agency=agency, beneficiary=payee, kind=given["kind"], outcome=given["outcome"],
                written_by=self.request.user,
            )  # fmt: skip
            try:
                checks.refuse_own_clearance(check)
            except Refused as refusal:
                raise ValidationError({"outcome": str(refusal)}) from refusal
        return given


@admin.register(PayeeCheck)
class PayeeCheckAdmin(WrittenOnce):
    form = PayeeCheckForm
    list_display = ["beneficiary", "agency", "kind", "outcome_label", "looked_at", "checked_on",
                    "expires_on", "written_by"]  # fmt: skip
    list_filter = ["kind", "outcome", "agency"]
    list_select_related = ["agency", "beneficiary", "written_by"]
    search_fields = ["beneficiary__name", "looked_at", "note"]
    ordering = ["-pk"]
    autocomplete_fields = ["agency", "beneficiary"]
    fields = ["agency", "beneficiary", "kind", "outcome", "looked_at", "checked_on", "expires_on",
              "note"]  # fmt: skip
    when_empty = _(
        "Nobody was checked. Record who was looked up in which version of which list, or by which "
        "paper, and what was found. Who was found waits in payout runs."
    )

    def get_form(self, request, obj=None, **kwargs):
        form = super().get_form(request, obj, **kwargs)
        form.request = request
        return form

    @display(
        description=_("found"),
        label={"Nothing found": "success", "Found": "danger", "Not clear": "warning"},
    )
    def outcome_label(self, check):
        return check.get_outcome_display()


@admin.register(PayeeCheckRule)
class PayeeCheckRuleAdmin(WrittenOnce):
    list_display = ["agency", "kind", "starts_on", "is_needed", "source", "written_by"]
    list_filter = ["kind", "agency"]
    list_select_related = ["agency", "written_by"]
    search_fields = ["source"]
    ordering = ["-pk"]
    autocomplete_fields = ["agency"]
    fields = ["agency", "kind", "starts_on", "is_needed", "source"]
    when_empty = _(
        "No check is asked for before somebody is paid. Say from which day on your agency needs "
        "which, and what asks for it."
    )
