"""Names and texts without characters that nobody sees, at every door that people type at."""

from datetime import UTC, date, datetime

import pytest
from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models
from django.test import RequestFactory

from licensing.models import Brand, Licensee, Production
from talent.models import Agency, Beneficiary, DigitalTwin, Performer, User
from talent.plain_text import (
    MORE_THAN_A_LINE,
    MORE_THAN_A_LINE_IN_SQL,
    as_line,
    has_unseen,
    is_line,
    with_unseen_shown,
)
from valuation.models import Remittance

UNSEEN = ["\x00", "\x0b", "\x1b", "\x85", "\u202e", "\u2066", "\ufeff", "\ufff9", "\ud800"]
# A name in Persian needs a joiner, one in Hebrew beside Latin a mark of direction.
NEEDED = ["Ada Sample", "نی‌لوفر", "Lea \u200fלאה", "Zoë O’Neil-Ürün", "山田 太郎", "👩‍🎤"]


@pytest.mark.parametrize("character", UNSEEN)
def test_what_nobody_sees_is_found_and_shown(character):
    name = f"Ada{character}Sample"
    assert has_unseen(name)
    assert not is_line(name)
    assert with_unseen_shown(name) == "Ada\N{REPLACEMENT CHARACTER}Sample"
    assert as_line(name) == "Ada\N{REPLACEMENT CHARACTER}Sample"


@pytest.mark.parametrize("name", NEEDED)
def test_what_languages_need_is_left(name):
    assert is_line(name)
    assert with_unseen_shown(name) == name
    assert as_line(name) == name


def test_a_text_may_have_lines_and_a_name_may_not():
    assert not has_unseen("Ada\n\tSample")
    assert not is_line("Ada\nSample")
    assert as_line("Ada\nSample") == "Ada\N{REPLACEMENT CHARACTER}Sample"


def test_every_field_that_people_type_into_refuses_them():
    for refused in ("Ada\u202eSample", "Ada\x1bSample"):
        with pytest.raises(ValidationError, match="nobody sees"):
            forms.CharField().clean(refused)
    assert forms.CharField().clean("two\nlines") == "two\nlines"


@pytest.mark.django_db
def test_no_line_of_an_admin_form_takes_a_break():
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_active=True)
    tried = []
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label not in {"talent", "licensing", "valuation"}:
            continue
        for name, field in model_admin.get_form(request)().fields.items():
            column = next((f for f in model._meta.fields if f.name == name), None)
            if type(column) is models.CharField and type(field) is forms.CharField:
                with pytest.raises(ValidationError, match="one line"):
                    field.run_validators("a\nb"[: column.max_length])
                tried.append(name)
    assert len(tried) > 30


@pytest.mark.django_db
@pytest.mark.parametrize("year", [1, 1799, 2200, 9999])
def test_no_day_of_an_admin_form_takes_a_year_that_nobody_means(year):
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_active=True)
    tried = 0
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label not in {"talent", "licensing", "valuation"}:
            continue
        for name, field in model_admin.get_form(request)().fields.items():
            column = next((f for f in model._meta.fields if f.name == name), None)
            if isinstance(column, models.DateField):
                with pytest.raises(ValidationError, match="slip"):
                    field.run_validators(datetime(year, 1, 1, tzinfo=UTC))
                tried += 1
    assert tried > 5


NAMES = [
    (Agency, "name"),
    (Beneficiary, "name"),
    (DigitalTwin, "name"),
    (Performer, "name"),
    (Performer, "legal_name"),
    (User, "first_name"),
    (User, "last_name"),
    (Brand, "name"),
    (Licensee, "name"),
    (Production, "title"),
    (Remittance, "reference"),
]


def refusing(model, field):
    """Return the constraint of a model that judges a text field, and it alone."""
    return next(
        one
        for one in model._meta.constraints
        if one.violation_error_message == MORE_THAN_A_LINE
        and one.condition.children == [(f"{field}__regex", MORE_THAN_A_LINE_IN_SQL)]
    )


@pytest.mark.django_db
@pytest.mark.parametrize(("model", "field"), NAMES, ids=lambda one: getattr(one, "__name__", one))
def test_the_database_takes_no_name_that_is_more_than_a_line(model, field):
    """Below all doors: commands, imports, identity providers and code to come."""
    constraint = refusing(model, field)

    for character in [*UNSEEN[1:-1], "\n", "\t", "\u2028"]:
        with pytest.raises(ValidationError, match="one line"):
            constraint.validate(model, model(**{field: f"Ada{character}Sample"}))
    for name in NEEDED:
        constraint.validate(model, model(**{field: name}))


@pytest.mark.django_db
def test_a_row_with_such_a_name_is_written_by_no_door():
    with pytest.raises(IntegrityError, match="agency_name_is_a_line"):
        Agency.objects.create(name="Meri\u202eidian", slug="meridian")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "days",
    [
        {"born_on": date(1, 1, 1)},
        {"born_on": date(1799, 12, 31)},
        {"born_on": date(9999, 12, 31)},
        {"life": "deceased", "died_on": date(2200, 1, 1)},
        {"life": "deceased", "born_on": date(1950, 1, 2), "died_on": date(1950, 1, 1)},
    ],
)
def test_the_database_takes_no_days_that_are_of_no_life(days):
    with pytest.raises(IntegrityError, match="performer_days_are_of_a_life"):
        Performer.objects.create(name="Ada Sample", **days)


@pytest.mark.django_db
def test_the_days_of_a_life_may_be_its_first_and_last():
    Performer.objects.create(name="Old", born_on=date(1800, 1, 1))
    day = date(1950, 1, 1)
    Performer.objects.create(name="Short", life="deceased", born_on=day, died_on=day)
