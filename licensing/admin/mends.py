"""Where a finding is mended: a step of the wizard, an amendment, or a page beside the agreement."""

from urllib.parse import urlencode

from django.urls import reverse

from licensing.agreements.wizard import standing
from licensing.words import DealStep, StatedFact

from .drafts import is_draft

OF_THE_TWIN = (
    "captured_on", "legal_class", "tier", "sources", "union_notice_on", "union_notice_reference",
)  # fmt: skip
OF_THE_PERFORMER = ("domicile", "died_on", "of_age_on", "guardian", "estate", "commission_percent")
STATED = "#stated_facts-group"
# The step of a signed agreement's page that asks for the change, by where it was entered.
AMENDMENTS = {
    DealStep.GRANTS: "ask_for_grant",
    DealStep.PRICE: "add_rates",
    DealStep.MONEY: "ask_for_money",
    DealStep.KIND: "ask_for_deal_terms",
    DealStep.LIMITS: "ask_for_deal_terms",
    DealStep.CAPTURE: "ask_for_deal_terms",
    DealStep.PARTIES: "ask_for_deal_terms",
}
BY_FIELD = {
    "guarantees": "ask_for_guarantee", "advances": "ask_for_advance",
    "contribution_plan": "ask_for_money", "ends_at": "end",
}  # fmt: skip


def step_address(agreement, step):
    """Return where a step of an agreement's wizard is."""
    return reverse("admin:licensing_agreement_wizard_step", args=[agreement.pk, step.value])


def address_of(agreement, mend):
    """Return where the change is made that would mend a finding.

    Of a draft the step of the wizard and its field; of a signed agreement the amendment.
    """
    step = standing.step_of(mend.step, mend.field)
    if step is None or mend.step is DealStep.TWIN:
        return beside(agreement, mend.field)
    if is_draft(agreement):
        field = standing.FIELDS.get(mend.field, mend.field)
        return step_address(agreement, step) + (f"#id_{field}" if field else "")
    taken = BY_FIELD.get(mend.field) or AMENDMENTS.get(mend.step)
    return _page_of(agreement, taken)


def beside(agreement, field):
    """Return the page beside the wizard where a field is entered."""
    if field == "licensee_notices":  # Their contact at this agency.
        terms = reverse("admin:licensing_licenseeterms_changelist")
        return f"{terms}?{urlencode({'q': agreement.licensee.name})}"
    if field in OF_THE_TWIN:
        return reverse("admin:talent_digitaltwin_change", args=[agreement.twin_id])
    if field in OF_THE_PERFORMER and agreement.twin.performer_id:
        return reverse("admin:talent_performer_change", args=[agreement.twin.performer_id])
    if field == "agency_address":
        return reverse("admin:talent_agency_change", args=[agreement.agency_id])
    if not is_draft(agreement):
        return _page_of(agreement, BY_FIELD.get(field))
    return _page_of(agreement, None) + (STATED if field in StatedFact.codes() else "")


def _page_of(agreement, taken):
    """Return an agreement's page, or that of a step taken there."""
    return reverse(f"admin:licensing_agreement_{taken or 'change'}", args=[agreement.pk])
