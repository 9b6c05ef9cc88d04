"""Deal terms of a signed agreement: changed as an amendment that somebody else approves."""

from copy import copy

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from licensing.agreements import deals
from licensing.agreements.amendments import Change
from licensing.agreements.deals import DEAL
from licensing.models import DealTerms
from talent.admin.steps import step

from .amendments import ASKS, NEXT, Amends, ask, is_signed
from .terms_in_words import told

DAYS = (
    "usage_report_days", "payment_days", "statement_days", "withdrawal_notice_days",
    "audit_notice_days", "audit_years_back", "confidential_years", "renewal_notice_days",
    "transfer_answer_days", "cure_days", "retention_days",
)  # fmt: skip
PERCENTAGES = ("late_interest_percent", "audit_shortfall_percent")
# What may be agreed no longer. The other days are needed by every agreement.
ENDABLE = (
    "audit_notice_days", "confidential_years", "renewal_notice_days", "late_interest_percent",
    "audit_shortfall_percent",
)  # fmt: skip
YES_OR_NO = [("", _("as it is")), ("yes", _("yes")), ("no", _("no"))]


def _label(name):
    return DealTerms._meta.get_field(name).verbose_name.capitalize()


class DealTermsForm(Amends):
    """What may change of the deal terms; left empty, it stays."""

    credit = forms.CharField(
        label=_("Credit"), required=False, max_length=200, widget=UnfoldAdminTextInputWidget,
        help_text=_("Empty: as it is."),
    )  # fmt: skip
    ai_label = forms.ChoiceField(
        label=_("Labelled as synthetic"), required=False, choices=YES_OR_NO,
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip
    removal_right = forms.ChoiceField(
        label=_("Right to removal"), required=False, choices=YES_OR_NO,
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip
    ends = forms.MultipleChoiceField(
        label=_("No longer agreed"), required=False, widget=UnfoldAdminSelectMultipleWidget,
        choices=[(name, _label(name)) for name in ENDABLE],
    )  # fmt: skip

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in DAYS:
            self.fields[name] = forms.IntegerField(
                label=_label(name), required=False, min_value=0, max_value=36_500,
                widget=UnfoldAdminIntegerFieldWidget,
            )  # fmt: skip
        for name in PERCENTAGES:
            self.fields[name] = forms.DecimalField(
                label=_label(name), required=False, min_value=0, max_value=100, max_digits=6,
                decimal_places=3, widget=UnfoldAdminDecimalFieldWidget,
            )  # fmt: skip


def _changed(agreement, values):
    deal = copy(agreement.deal)
    for name in (*DAYS, *PERCENTAGES):
        if values[name] is not None:
            setattr(deal, name, values[name])
    for name in ("ai_label", "removal_right"):
        if values[name]:
            setattr(deal, name, values[name] == "yes")
    if values["credit"]:
        deal.credit = values["credit"]
    for name in values["ends"]:
        setattr(deal, name, None)
    return Change(DEAL, deals.deal_terms(deal), deal.pk)


class AsksForDealTerms:
    """Of an agreement's page: the step that asks for other deal terms."""

    @step(
        label=_("Ask for other deal terms"),
        icon="edit_document",
        permission=ASKS,
        says=_(
            "Nothing changes yet: somebody else approves it. Then the new version of the document "
            "is drawn, with what changed, and the old one stays as it is."
        ),
        done=NEXT,
        form=DealTermsForm,
        offered=lambda agreement: is_signed(agreement) and _has_deal_terms(agreement),
        facts=lambda agreement: told(deals.deal_terms(agreement.deal)),
    )
    def ask_for_deal_terms(self, agreement, given):
        ask(agreement, _changed(agreement, given.values), given)


def _has_deal_terms(agreement):
    return DealTerms.objects.filter(agreement=agreement).exists()
