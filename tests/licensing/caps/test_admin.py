"""Caps in the admin: whose they are to change, and what a lower limit tells."""

import pytest
from django.forms import MultiWidget
from django.urls import reverse
from django.utils import timezone

from licensing.models import (
    Cap,
    CapAlert,
    CapYear,
)
from tests.factories import admin_page, sign_in


def test_a_cap_over_a_performer_is_the_agencys_to_change(affairs, performer):
    cap = Cap.objects.create(performer=performer, meter="lines", limit=5, starts_on="2026-01-01")

    assert sign_in(affairs).get(admin_page(Cap, cap.pk)).context["has_change_permission"]


@pytest.mark.parametrize("edited", ["cap", "agreement"])
def test_lowering_a_caps_limit_below_its_use_tells_staff(affairs, agreement, edited):
    cap = Cap.objects.create(agreement=agreement, meter="lines", limit=9, starts_on="2026-01-01")
    today = timezone.now().date()
    CapYear.objects.create(cap=cap, starts_on=cap.year_of(today).starts_on, used=6)
    client = sign_in(affairs)
    row = cap if edited == "cap" else agreement
    url = reverse(f"admin:licensing_{edited}_change", args=[row.pk])
    limit = "limit" if edited == "cap" else "caps-0-limit"
    sent = filled_in(client.get(url))
    assert sent[limit] == "9"
    assert client.post(url, {**sent, limit: "5"}).status_code == 302
    assert sorted(CapAlert.objects.values_list("percent", flat=True)) == [80, 100]


def filled_in(page):
    """Return what a browser would send back of an admin's form."""
    formsets = [each.formset for each in page.context["inline_admin_formsets"]]
    forms = [page.context["adminform"].form]
    for formset in formsets:
        forms += [formset.management_form, *formset.initial_forms]
    sent = {}
    for field in (field for form in forms for field in form):
        widget = field.field.widget
        if isinstance(widget, MultiWidget):
            parts = widget.decompress(field.value())
            sent |= {f"{field.html_name}_{i}": part for i, part in enumerate(parts) if part}
        elif field.value() is not None and field.value() is not False:
            sent[field.html_name] = widget.format_value(field.value()) or "on"
    return sent
