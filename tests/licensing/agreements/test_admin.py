"""Agreements in the admin: what staff enter, the steps they take, and where their seat ends."""

from datetime import timedelta

import pytest
from django.forms.models import model_to_dict
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from licensing.models import (
    Agreement,
    AgreementStep,
    Production,
    RateCard,
    RateLine,
)
from licensing.usage.totals.sums import store_sums
from tests.factories import admin_page, make_uses, sign_in, take_step
from tests.pages import form_on

TODAY = timezone.localdate()
EIDR = "10.5240/7791-8534-2C23-9030-8610-"  # its check character is 5


@pytest.fixture
def draft(agreement):
    Agreement.objects.filter(pk=agreement.pk).update(status="draft", signed_at=None)
    agreement.refresh_from_db()
    return agreement


def written(agency, licensee, twin, **fields):
    parts = ("grants", "rate_cards", "caps", "steps")
    return {
        "reference": "NA-2",
        "agency": agency.pk,
        "licensee": licensee.pk,
        "twin": twin.pk,
        "starts_at_0": "2026-01-01",
        "starts_at_1": "00:00",
        "currency": "USD",
        "time_zone": "UTC",
        "rating_period": "quarter",
        "fiscal_year_start_month": "1",
        "engagement": "not_covered",
        "guild": "none",
        **{f"{part}-{count}_FORMS": "0" for part in parts for count in ("TOTAL", "INITIAL")},
        **fields,
    }


def test_steps_stand_in_groups_that_open_without_a_script(affairs, draft):
    """The next thing stands alone; a group is there if something in it is."""
    page = sign_in(affairs).get(admin_page(Agreement, draft.pk))

    groups = [group for group in page.context["actions_detail"] if "items" in group]
    assert [group["title"] for group in groups] == ["Document", "Sign", "Change", "More"]
    assert admin_page(Agreement, draft.pk, name="send") in [
        one["path"] for one in groups[1]["items"]
    ]
    menus = page.text.split('<details class="desk-menu"')[1:]
    assert all(group["items"][0]["path"] in menu.partition("</details>")[0]
               for group, menu in zip(groups, menus, strict=True))  # fmt: skip
    assert page.context["actions_detail"][0]["title"] == "Go on in the wizard"


def test_an_agreement_is_drafted_and_its_first_step_says_by_whom(affairs, terms, twin):
    given = written(terms.agency, terms.licensee, twin)
    sent = sign_in(affairs).post(admin_page(Agreement), given)

    assert sent.status_code == 302, sent.context["adminform"].form.errors
    step = AgreementStep.objects.get(agreement__reference="NA-2")
    assert (step.kind, step.by) == ("drafted", affairs)


def test_a_grant_whose_lists_are_left_empty_holds_anywhere(affairs, terms, twin):
    grant = {"grants-0-right": "face", "grants-0-use": "feature", "grants-TOTAL_FORMS": "1"}
    given = written(terms.agency, terms.licensee, twin, **grant)
    sign_in(affairs).post(admin_page(Agreement), given)

    made = Agreement.objects.get(reference="NA-2").grants.get()
    assert (made.territories, made.languages, made.channels) == (None, None, None)


def test_a_grant_is_saved_and_shown_with_all_that_it_leaves_out_and_keeps_it_untouched(
    affairs, draft
):
    client, url = sign_in(affairs), admin_page(Agreement, draft.pk)
    row = draft.grants.count()
    entered = {
        "right": "voice", "use": "advertising", "territories": "Canada, the European Union",
        "territories_excluded": "Germany", "languages": "English, French",
        "languages_in": "Canada: French", "channels": ["online"], "brands": "pop, fizz",
        "exclusions": ["hate", "alcohol"],
    }  # fmt: skip
    sent = form_on(client, url) | {"grants-TOTAL_FORMS": row + 1}
    saved = client.post(url, sent | {f"grants-{row}-{name}": v for name, v in entered.items()})
    assert saved.status_code == 302, saved.context["errors"]

    kept = model_to_dict(draft.grants.get(use="advertising"), exclude=["agreement"])
    assert {name: kept[name] for name in entered} == {
        "right": "voice", "use": "advertising", "territories": ["CA", "EU"],
        "territories_excluded": ["DE"], "languages": ["en", "fr"],
        "languages_in": [{"territory": "CA", "languages": ["fr"]}], "channels": ["online"],
        "brands": ["fizz", "pop"], "exclusions": ["hate", "alcohol"],
    }  # fmt: skip

    shown = form_on(client, url)
    (form,) = {name.split("-")[1] for name, value in shown.items() if value == ["fizz, pop"]}
    for name, text in {"territories_excluded": "Germany", "languages_in": "Canada: French"}.items():
        assert shown[f"grants-{form}-{name}"] == [text]
    assert set(shown[f"grants-{form}-exclusions"]) == {"hate", "alcohol"}
    assert client.post(url, shown).status_code == 302
    assert model_to_dict(draft.grants.get(pk=kept["id"]), exclude=["agreement"]) == kept


def test_nobody_drafts_at_an_agency_where_the_seat_only_reads(both, elsewhere, licensee, twin):
    sent = sign_in(both).post(admin_page(Agreement), written(elsewhere, licensee, twin))

    assert "agency" in sent.context["adminform"].form.errors
    assert not Agreement.objects.filter(agency=elsewhere).exists()


def test_a_seat_that_only_reads_sends_nothing(both, elsewhere, draft):
    Agreement.objects.filter(pk=draft.pk).update(agency=elsewhere)

    assert take_step(sign_in(both), "send", draft).status_code == 403


def test_no_door_signs_in_one_click(affairs, draft):
    with pytest.raises(NoReverseMatch):
        admin_page(Agreement, draft.pk, name="sign")


def test_a_signed_agreement_ends_but_is_not_rewritten(affairs, agreement, agency, licensee, twin):
    client = sign_in(affairs)
    client.post(
        admin_page(Agreement, agreement.pk), written(agency, licensee, twin, reference="ELSE")
    )
    take_step(client, "end", agreement)
    agreement.refresh_from_db()
    assert agreement.status == "signed", "It ends for no reason."
    take_step(client, "end", agreement, reason="By agreement of both.")

    agreement.refresh_from_db()
    assert (agreement.reference, agreement.status) == ("NA-1", "ended")
    step = agreement.steps.get()
    assert (step.by, step.reason) == (affairs, "By agreement of both.")


def test_agreements_are_listed_by_the_days_they_have_left(affairs, agreement):
    Agreement.objects.filter(pk=agreement.pk).update(ends_at=timezone.now() + timedelta(days=45))
    client, url = sign_in(affairs), reverse("admin:licensing_agreement_changelist")

    assert "NA-1" not in client.get(url, {"ends_within": "30"}).text
    assert "NA-1" in client.get(url, {"ends_within": "60"}).text


@pytest.mark.parametrize("changes", [False, True])
def test_prices_that_were_agreed_are_fixed_and_those_that_wait_are_not(affairs, agreement, changes):
    starts_on = (TODAY + timedelta(days=40)).replace(day=1)
    card = RateCard.objects.create(agreement=agreement, effective_from=starts_on, proposed=changes)
    line = RateLine.objects.create(
        card=card, code="l", label="L", meter="lines", pricing="per_unit"
    )
    client = sign_in(affairs)

    for url in (admin_page(RateCard, card.pk), admin_page(RateLine, line.pk)):
        assert client.get(url).context["has_change_permission"] is changes
    deleted = client.get(reverse("admin:licensing_ratecard_delete", args=[card.pk]))
    assert deleted.status_code == (200 if changes else 403)


def test_a_wrong_check_character_is_told_in_the_form(operator, licensee):
    given = {"licensee": licensee.pk, "title": "Paper Harbour", "kind": "feature"}
    client = sign_in(operator)

    wrong = client.post(
        admin_page(Production), {**given, "eidr": "10.5240/7791-8534-2C23-9030-8610-4"}
    )
    assert "eidr" in wrong.context["adminform"].form.errors
    client.post(admin_page(Production), {**given, "eidr": "10.5240/7791-8534-2C23-9030-8610-5"})
    assert Production.objects.get().eidr == "10.5240/7791-8534-2C23-9030-8610-5"


def test_filters_name_no_agency_that_one_may_not_see(affairs, terms, elsewhere):
    listed = sign_in(affairs).get(reverse("admin:licensing_licenseeterms_changelist")).text

    assert "Elsewhere Example" not in listed


def test_a_zone_by_whose_months_uses_were_added_up_stays(affairs, draft, terms):
    """A draft may be named by uses already; once it is signed, its page is text."""
    client, url = sign_in(affairs), admin_page(Agreement, draft.pk)
    other = {"time_zone": "Asia/Tokyo"}
    assert client.post(url, form_on(client, url) | other).status_code == 302
    (use,) = make_uses(terms, draft.twin, 3, at=timezone.now(), agreement=draft)
    store_sums(batch_id=use.batch_id, event_ids=[use.pk], has_other_leaves=False)

    refused = client.post(url, form_on(client, url) | {"time_zone": "Europe/Rome"})

    assert refused.context["adminform"].form.errors["time_zone"] == [
        "Uses are counted by the days of this zone already."
    ]
    assert client.post(url, form_on(client, url)).status_code == 302
    draft.refresh_from_db()
    assert draft.time_zone == "Asia/Tokyo"
