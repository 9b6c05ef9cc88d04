"""Caps in the admin: whose they are to change, and what a lower limit tells."""

from django.utils import timezone

from licensing.models import (
    Cap,
    CapAlert,
    CapYear,
)
from tests.factories import admin_page, make_uses, sign_in
from tests.pages import form_on


def test_a_cap_over_a_performer_is_the_agencys_to_change(affairs, performer):
    cap = Cap.objects.create(performer=performer, meter="lines", limit=5, starts_on="2026-01-01")

    assert sign_in(affairs).get(admin_page(Cap, cap.pk)).context["has_change_permission"]


def test_lowering_a_caps_limit_below_its_use_tells_staff(affairs, performer):
    cap = Cap.objects.create(performer=performer, meter="lines", limit=9, starts_on="2026-01-01")
    today = timezone.now().date()
    CapYear.objects.create(cap=cap, starts_on=cap.year_of(today).starts_on, used=6)
    client, url = sign_in(affairs), admin_page(Cap, cap.pk)
    sent = form_on(client, url)
    assert sent["limit"] == ["9"]
    assert client.post(url, {**sent, "limit": "5"}).status_code == 302
    assert sorted(CapAlert.objects.values_list("percent", flat=True)) == [80, 100]


def test_the_cap_of_a_signed_agreement_is_text_and_takes_nothing(affairs, agreement):
    cap = Cap.objects.create(agreement=agreement, meter="lines", limit=9, starts_on="2026-01-01")
    client, url = sign_in(affairs), admin_page(Cap, cap.pk)

    assert not client.get(url).context["has_change_permission"]
    assert client.post(url, {"limit": "5"}).status_code == 403
    added = {"agreement": agreement.pk, "meter": "lines", "limit": "9", "starts_on": "2026-01-01"}
    refused = client.post(admin_page(Cap), added)
    assert "agreement" in refused.context["adminform"].form.errors
    assert Cap.objects.get().limit == 9


def test_what_a_cap_counts_is_text_once_it_counts(affairs, performer):
    cap = Cap.objects.create(performer=performer, meter="lines", limit=9, starts_on="2026-01-01")
    client, url = sign_in(affairs), admin_page(Cap, cap.pk)
    assert set(client.get(url).context["adminform"].form.fields) >= {"meter", "channels"}
    CapYear.objects.create(cap=cap, starts_on="2026-01-01", used=6)

    fields = set(client.get(url).context["adminform"].form.fields)
    assert fields == {"limit", "hard", "ends_on"}


def test_a_cap_that_has_ended_is_not_taken_up_again(affairs, performer):
    """It has counted no use since: another is added, which counts them all."""
    today = timezone.now().date()
    cap = Cap.objects.create(
        performer=performer, meter="lines", limit=9, starts_on="2026-01-01", ends_on=today
    )
    CapYear.objects.create(cap=cap, starts_on="2026-01-01", used=6)

    page = sign_in(affairs).get(admin_page(Cap, cap.pk))
    assert set(page.context["adminform"].form.fields) == {"limit", "hard"}


def test_a_performers_cap_counts_what_the_log_holds_when_it_is_added(
    affairs, performer, terms, twin
):
    make_uses(terms, twin, 7, at=timezone.now())
    sent = {"performer": performer.pk, "meter": "lines", "limit": "8", "hard": "on",
            "year_start_month": "1", "starts_on": f"{timezone.now().year}-01-01",
            "years-TOTAL_FORMS": 0, "years-INITIAL_FORMS": 0}  # fmt: skip
    assert sign_in(affairs).post(admin_page(Cap), sent).status_code == 302
    assert CapYear.objects.get().used == 7
    assert CapAlert.objects.get().percent == 80
