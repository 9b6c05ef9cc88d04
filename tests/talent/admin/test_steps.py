"""Steps of the admin: a page says what will happen, its POST does it, and the next page says so."""

import pytest
from django.contrib import admin
from django.test import Client

from licensing.models import Agreement, ApiKey, LicenseeTerms
from licensing.words import AgreementStatus
from tests.factories import (
    admin_page,
    confirm,
    make_agreement,
    messages_of,
    record_consent,
    run_action,
    sign_in,
    take_step,
)

# What else a button of the admin leads to: pages that only show, export, or ask by themselves.
PAGES = {
    "add_delegate",
    "add_rates",
    "charts",
    "compare",
    "correct_letter",
    "declare",
    "delete_selected",
    "edit",
    "errors_csv",
    "export_for_beancount",
    "export_for_hledger",
    "export_list",
    "export_workbook",
    "import_rates",
    "import_sheet",
    "in_money",
    "open_file",
    "policy",
    "propose",
    "rate_anew",
    "start_night",
    "receipt",
    "redline",
    "revaluation",
    "training",
    "trial_balance",
    "upload_file",
}


def buttons():
    """Yield each button of the admin with its function."""
    for model_admin in admin.site._registry.values():
        lists = ("actions", "actions_list", "actions_detail", "actions_row", "actions_submit_line")
        for name in {one for attribute in lists for one in getattr(model_admin, attribute, ())}:
            yield model_admin, name, getattr(model_admin, name)


@pytest.fixture
def draft(agency, licensee, twin):
    record_consent(twin=twin)
    return make_draft(agency, licensee, twin, "NA-9")


def make_draft(agency, licensee, twin, reference):
    return make_agreement(
        agency, licensee, twin, reference=reference, status="draft", signed_at=None
    )


def test_every_button_is_a_step_or_a_page_that_changes_nothing():
    others = {name for _admin, name, method in buttons() if not hasattr(method, "step")}

    assert others <= PAGES


def test_every_step_says_what_will_happen_and_what_is_next():
    steps = [method.step for _admin, _name, method in buttons() if hasattr(method, "step")]

    assert len(steps) > 20
    for step in steps:
        assert str(step.says).endswith("."), step.name
        # Without it, a page of its own says what came of it.
        assert str(step.done or ".").endswith("."), step.name


def test_money_approvals_keys_and_overrides_ask_for_a_recent_sign_in():
    asking = {
        f"{model_admin.opts.model_name}.{name}"
        for model_admin, name, method in buttons()
        if hasattr(method, "step") and method.step.step_up
    }

    assert asking >= {
        "agreement.sign",
        "apikey.rotate",
        "hold.lift",
        "licenseeterms.issue_key",
        "permit.revoke",
        "statement.approve",
        "statement.issue",
        "statement.mark_paid",
        "usageevent.reveal_prompt",
        "usageevent.rule",
        "webhookendpoint.renew_secret",
    }


def test_a_link_to_a_step_changes_nothing(affairs, draft):
    page = sign_in(affairs).get(admin_page(Agreement, draft.pk, name="sign"))

    draft.refresh_from_db()
    assert draft.status == AgreementStatus.DRAFT
    assert "From now on it licenses and charges" in page.text
    assert "Voice × Dubbing" in page.text


def test_another_sites_form_takes_no_step(affairs, draft):
    """It has no token, and has not seen the page."""
    url = admin_page(Agreement, draft.pk, name="sign")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(affairs)

    assert strict.post(url, {"seen": "x"}).status_code == 403
    assert sign_in(affairs).post(url).status_code == 200
    draft.refresh_from_db()
    assert draft.status == AgreementStatus.DRAFT


def test_who_confirms_gets_what_they_saw_or_sees_it_again(affairs, draft):
    client, url = sign_in(affairs), admin_page(Agreement, draft.pk, name="sign")
    seen = client.get(url).context["seen"]
    Agreement.objects.filter(pk=draft.pk).update(currency="JPY")

    again = client.post(url, {"seen": seen})

    assert "has changed since you opened this page" in again.text
    draft.refresh_from_db()
    assert draft.status == AgreementStatus.DRAFT
    client.post(url, {"seen": again.context["seen"], "reason": "As agreed on the phone"})
    draft.refresh_from_db()
    assert draft.status == AgreementStatus.SIGNED
    assert draft.steps.get().reason == "As agreed on the phone"


def test_a_step_that_was_taken_meanwhile_is_not_taken_again(affairs, draft):
    client = sign_in(affairs)
    take_step(client, "sign", draft)
    late = take_step(client, "sign", draft)

    assert "is not its next step" in messages_of(late)
    assert draft.steps.count() == 1


def test_rows_of_a_list_take_a_step_after_one_page_for_all(affairs, agency, licensee, twin, draft):
    signed = make_agreement(agency, licensee, twin, reference="NA-8")
    client = sign_in(affairs)
    chosen = {"action": "sign", "_selected_action": [draft.pk, signed.pk]}

    page = client.post(admin_page(Agreement, name="changelist"), chosen)
    draft.refresh_from_db()
    assert draft.status == AgreementStatus.DRAFT
    assert "NA-8: “Sign” is not its next step" in messages_of(page)

    confirm(client, page)
    draft.refresh_from_db()
    assert draft.status == AgreementStatus.SIGNED


def test_many_that_are_left_out_are_told_in_one_message(affairs, agency, licensee, twin, draft):
    signed = [
        make_agreement(agency, licensee, twin, reference=f"NA-{number}") for number in range(20, 32)
    ]
    chosen = {"action": "sign", "_selected_action": [row.pk for row in signed]}

    page = sign_in(affairs).post(admin_page(Agreement, name="changelist"), chosen, follow=True)

    (told,) = page.context["messages"]
    assert "“Sign” is not the next step of 12 that were chosen" in str(told)
    assert "NA-2" in str(told)
    assert str(told).endswith(", 2 more.")


def test_a_whole_list_is_confirmed_as_it_was_seen(affairs, agency, licensee, twin, draft):
    client = sign_in(affairs)
    chosen = {"action": "sign", "_selected_action": [draft.pk], "select_across": "1"}
    page = client.post(admin_page(Agreement, name="changelist"), chosen)
    make_draft(agency, licensee, twin, "NA-10")

    again = confirm(client, page)
    assert again.context["changed"]
    confirm(client, again)

    assert set(Agreement.objects.values_list("status", flat=True)) == {AgreementStatus.SIGNED.value}


def test_a_seat_that_only_reads_is_offered_no_step(auditor, agency, licensee, terms, draft):
    client = sign_in(auditor)

    assert "sign" not in str(client.get(admin_page(Agreement, draft.pk)).context["actions_detail"])
    assert take_step(client, "sign", draft).status_code == 403
    assert take_step(client, "issue_key", terms).status_code == 403
    run_action(client, "sign", draft)
    draft.refresh_from_db()
    assert draft.status == AgreementStatus.DRAFT
    assert not ApiKey.objects.exists()


def test_a_secret_is_in_no_cookie_and_no_later_page(affairs, terms):
    client = sign_in(affairs)
    shown = take_step(client, "issue_key", terms)
    secret = shown.context["secrets"][0].secret

    assert secret in shown.text
    assert secret not in str(shown.cookies)
    assert secret not in client.get(admin_page(LicenseeTerms, terms.pk)).text
