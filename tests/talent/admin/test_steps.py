"""Steps of the admin: a page says what will happen, its POST does it, and the next page says so."""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.test import Client
from django.utils import timezone

from licensing import api_keys
from licensing.models import Agreement, ApiKey, LicenseeTerms
from licensing.words import AgreementStatus
from talent.admin.steps import names_of
from tests.factories import (
    NEXT_JANUARY,
    admin_page,
    confirm,
    messages_of,
    run_action,
    sign_in,
    take_step,
)

# What else a button of the admin leads to: pages that only show, export, or ask by themselves.
PAGES = {
    "add_delegate",
    "add_rates",
    "allocate",
    "ask_payout",
    "ask_write_off",
    "report_to_a_plan",
    "board",
    "charts",
    "close_a_period",
    "compare",
    "correct_letter",
    "declare",
    "draw_up_for_studios",
    "delete_selected",
    "draw_up",
    "draw_up_commission",
    "duplicate",
    "edit",
    "enter",
    "errors_csv",
    "exchange",
    "export_for_beancount",
    "export_for_hledger",
    "export_for_quickbooks",
    "export_for_xero",
    "export_list",
    "export_scores",
    "export_workbook",
    "fetch_file",
    "go_on",
    "import_rates",
    "import_scores",
    "import_sheet",
    "import_signed",
    "in_money",
    "injunction_drill",
    "interim_statement",
    "law_change",
    "open_file",
    "papers",
    "parallel_run",
    "policy",
    "propose",
    "rate_anew",
    "read_credentials",
    "read_now",
    "read_without_grant",
    "record_version",
    "receipt",
    "redline",
    "revaluation",
    "revise",
    "see_ageing",
    "see_invoices",
    "see_leak_drill",
    "see_graph",
    "signed_elsewhere",
    "signed_on_paper",
    "start_night",
    "store_item",
    "training",
    "take_in",
    "trial_balance",
    "upload_file",
    "write_letter",
}


def buttons():
    """Yield each button of the admin with its function."""
    for model_admin in admin.site._registry.values():
        lists = ("actions", "actions_list", "actions_detail", "actions_row", "actions_submit_line")
        for name in {one for each in lists for one in names_of(getattr(model_admin, each, ()))}:
            yield model_admin, name, getattr(model_admin, name)


@pytest.fixture
def key(terms):
    return make_key(terms, "Pipeline")


def make_key(terms, label):
    issued = api_keys.issue(terms=terms, label=label, at=timezone.now(), by=None)
    return ApiKey.objects.get(prefix=issued.secret.partition(api_keys.SEPARATOR)[0])


def works(key):
    return ApiKey.objects.get(pk=key.pk).revoked_at is None


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
        "agreement.send",
        "apikey.rotate",
        "hold.lift",
        "licenseeterms.issue_key",
        "payoutrun.approve",
        "payoutrun.cancel",
        "permit.revoke",
        "signedscan.approve",
        "signedscan.confirm",
        "signinground.sign_for_agency",
        "statement.approve",
        "statement.issue",
        "usageevent.reveal_prompt",
        "usageevent.rule",
        "webhookendpoint.renew_secret",
    }


def test_a_link_to_a_step_changes_nothing(affairs, key):
    page = sign_in(affairs).get(admin_page(ApiKey, key.pk, name="revoke"))

    assert works(key)
    assert "The key ends at this moment" in page.text
    assert "Pipeline" in page.text


def test_another_sites_form_takes_no_step(affairs, key):
    """It has no token, and has not seen the page."""
    url = admin_page(ApiKey, key.pk, name="revoke")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(affairs)

    assert strict.post(url, {"seen": "x"}).status_code == 403
    assert sign_in(affairs).post(url).status_code == 200
    assert works(key)


def test_who_confirms_gets_what_they_saw_or_sees_it_again(affairs, agreement):
    client, url = sign_in(affairs), admin_page(Agreement, agreement.pk, name="end")
    seen = client.get(url).context["seen"]
    Agreement.objects.filter(pk=agreement.pk).update(ends_at=NEXT_JANUARY + timedelta(days=9))

    again = client.post(url, {"seen": seen, "reason": "As agreed on the phone"})

    assert "has changed since you opened this page" in again.text
    agreement.refresh_from_db()
    assert agreement.status == AgreementStatus.SIGNED
    client.post(url, {"seen": again.context["seen"], "reason": "As agreed on the phone"})
    agreement.refresh_from_db()
    assert agreement.status == AgreementStatus.ENDED
    assert agreement.steps.get().reason == "As agreed on the phone"


def test_a_step_that_was_taken_meanwhile_is_not_taken_again(affairs, agreement):
    client = sign_in(affairs)
    take_step(client, "end", agreement, reason="Both agreed")
    late = take_step(client, "end", agreement, reason="Both agreed")

    assert "is not its next step" in messages_of(late)
    assert agreement.steps.count() == 1


def test_rows_of_a_list_take_a_step_after_one_page_for_all(affairs, terms, key):
    ended = make_key(terms, "Ended")
    api_keys.revoke(key_id=ended.pk, at=timezone.now())
    client = sign_in(affairs)
    chosen = {"action": "revoke", "_selected_action": [key.pk, ended.pk]}

    page = client.post(admin_page(ApiKey, name="changelist"), chosen)
    assert works(key)
    assert f"{ended}: “Revoke at once” is not its next step" in messages_of(page)

    confirm(client, page)
    assert not works(key)


def test_many_that_are_left_out_are_told_in_one_message(affairs, terms):
    ended = [make_key(terms, f"Key {number}") for number in range(12)]
    ApiKey.objects.update(revoked_at=timezone.now())
    chosen = {"action": "revoke", "_selected_action": [row.pk for row in ended]}

    page = sign_in(affairs).post(admin_page(ApiKey, name="changelist"), chosen, follow=True)

    (told,) = page.context["messages"]
    assert "“Revoke at once” is not the next step of 12 that were chosen" in str(told)
    assert str(ended[-1]) in str(told)
    assert str(told).endswith(", 2 more.")


def test_a_whole_list_is_confirmed_as_it_was_seen(affairs, terms, key):
    client = sign_in(affairs)
    chosen = {"action": "revoke", "_selected_action": [key.pk], "select_across": "1"}
    page = client.post(admin_page(ApiKey, name="changelist"), chosen)
    other = make_key(terms, "Made meanwhile")

    again = confirm(client, page)
    assert again.context["changed"]
    confirm(client, again)

    assert not works(key)
    assert not works(other)


def test_a_seat_that_only_reads_is_offered_no_step(auditor, terms, key):
    client = sign_in(auditor)

    assert "revoke" not in str(client.get(admin_page(ApiKey, key.pk)).context["actions_detail"])
    assert take_step(client, "revoke", key).status_code == 403
    assert take_step(client, "issue_key", terms).status_code == 403
    run_action(client, "revoke", key)
    assert works(key)
    assert ApiKey.objects.count() == 1


def test_a_secret_is_in_no_cookie_and_no_later_page(affairs, terms):
    client = sign_in(affairs)
    shown = take_step(client, "issue_key", terms)
    secret = shown.context["secrets"][0].secret

    assert secret in shown.text
    assert secret not in str(shown.cookies)
    assert secret not in client.get(admin_page(LicenseeTerms, terms.pk)).text
