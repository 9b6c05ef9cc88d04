"""The pages of self-billing: entered, approved by a colleague, withdrawn; what nobody else sees."""

from django.urls import reverse

from tests import factories
from tests.factories import admin_page, sign_in, take_step
from valuation.models import SelfBillingAgreement

TOLD = {
    "licensee": "", "starts_on": "2026-01-01", "ends_on": "2027-01-01", "tax_category": "S",
    "vat_number": "GB987654321", "tax_reason": "", "source": "Paper of 2 January 2026",
}  # fmt: skip


def test_it_is_entered_approved_by_a_colleague_and_withdrawn(world, accountant, colleague):
    told = TOLD | {"agency": world.agency.pk, "beneficiary": world.beneficiary.pk}
    assert sign_in(accountant).post(admin_page(SelfBillingAgreement), told).status_code == 302
    agreement = SelfBillingAgreement.objects.get()
    assert agreement.written_by == accountant

    refused = take_step(sign_in(accountant), "approve", agreement)
    assert "cannot approve it" in refused.content.decode()
    take_step(sign_in(colleague), "approve", agreement)
    assert SelfBillingAgreement.objects.in_force(agreement.starts_on).exists()
    changed = sign_in(colleague).post(admin_page(SelfBillingAgreement, agreement.pk), told)
    assert changed.status_code == 403

    take_step(sign_in(colleague), "withdraw", agreement, on="2026-03-01", reason="Ada’s letter")
    in_force = SelfBillingAgreement.objects.in_force
    assert in_force(agreement.starts_on).exists()
    assert not in_force(agreement.starts_on.replace(month=3)).exists()


def test_who_charges_tax_has_a_number_and_strangers_see_nothing(world, accountant, colleague):
    told = TOLD | {"agency": world.agency.pk, "beneficiary": world.beneficiary.pk}
    sent = sign_in(accountant).post(admin_page(SelfBillingAgreement), told | {"vat_number": ""})
    assert "Who charges tax has a VAT number." in sent.content.decode()
    assert not SelfBillingAgreement.objects.exists()

    sign_in(accountant).post(admin_page(SelfBillingAgreement), told)
    stranger = factories.make_member(factories.make_agency("elsewhere"), "accounting")
    page = admin_page(SelfBillingAgreement, SelfBillingAgreement.objects.get().pk)
    assert sign_in(stranger).get(page).status_code in (302, 404)
    listed = sign_in(stranger).get(reverse("admin:valuation_selfbillingagreement_changelist"))
    assert "GB987654321" not in listed.content.decode()
