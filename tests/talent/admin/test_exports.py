"""Exported lists: what a spreadsheet can reckon with, beside what people read."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.contrib import admin
from django.urls import reverse

from licensing.models import Agreement
from talent.admin.columns import percent
from talent.models import Agency, Representation
from tests.factories import make_agreement, sign_in
from valuation.models import ResidualLine

CALIFORNIA = "America/Los_Angeles"


def exported(client, model):
    """Return the rows of a list's CSV, each by its headings."""
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_export_list")
    return list(csv.DictReader(io.StringIO(b"".join(client.get(url)).decode())))


def test_an_instant_stands_beside_its_iso_form_both_in_the_agencys_zone(
    agency, licensee, twin, affairs
):
    """The lines are made while they are sent: the page itself is done by then."""
    Agency.objects.filter(pk=agency.pk).update(time_zone=CALIFORNIA)
    make_agreement(agency, licensee, twin, starts_at=datetime(2026, 7, 1, 2, tzinfo=UTC))

    (row,) = exported(sign_in(affairs), Agreement)

    assert row["starts at (ISO 8601)"] == "2026-06-30T19:00:00-07:00"
    assert "June 30, 2026" in row["starts at"]


def test_a_day_stands_beside_its_iso_form_and_one_that_is_open_stays_empty(performer, affairs):
    (row,) = exported(sign_in(affairs), Representation)

    assert row["starts on (ISO 8601)"] == Representation.objects.get().starts_on.isoformat()
    assert (row["ends on"], row["ends on (ISO 8601)"]) == ("", "")
    assert row["commission percent"] in {"10", "10.000"}


def test_a_percentage_is_shown_as_one(performer, affairs):
    url = reverse("admin:talent_representation_changelist")

    assert "10%" in sign_in(affairs).get(url).content.decode()


@pytest.mark.parametrize("model", [ResidualLine, Agreement])
def test_amounts_are_exported_with_their_currency(model, operator):
    """Whether a list shows the currency or not: it stands once in the export of one with money."""
    columns = admin.site.get_model_admin(model).list_display
    has_money = any(getattr(one, "is_money", False) for one in columns)
    response = sign_in(operator).get(
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_export_list")
    )
    header = b"".join(response).decode().splitlines()[0].split(",")

    assert has_money is (model is ResidualLine)
    assert header.count("currency") == 1


def test_a_row_of_an_export_is_numbers_where_it_can_be_reckoned_with(performer):
    row = Representation.objects.get()
    lines = admin.site.get_model_admin(Representation)._line(
        row, [percent("commission_percent"), "starts_on"], ZoneInfo(CALIFORNIA)
    )

    assert isinstance(lines[0], Decimal)
    assert lines == [Decimal(10), "Jan. 1, 2020", "2020-01-01"]
