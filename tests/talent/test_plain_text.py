"""Names and texts without characters that nobody sees, at every door that people type at."""

from datetime import UTC, datetime

import pytest
from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.test import RequestFactory

from talent.models import User
from talent.plain_text import has_unseen, is_line, with_unseen_shown

UNSEEN = ["\x00", "\x0b", "\x1b", "\x85", "\u202e", "\u2066", "\ufeff", "\ufff9", "\ud800"]
# A name in Persian needs a joiner, one in Hebrew beside Latin a mark of direction.
NEEDED = ["Ada Sample", "نی‌لوفر", "Lea \u200fלאה", "Zoë O’Neil-Ürün", "山田 太郎", "👩‍🎤"]


@pytest.mark.parametrize("character", UNSEEN)
def test_what_nobody_sees_is_found_and_shown(character):
    name = f"Ada{character}Sample"
    assert has_unseen(name)
    assert not is_line(name)
    assert with_unseen_shown(name) == "Ada\N{REPLACEMENT CHARACTER}Sample"


@pytest.mark.parametrize("name", NEEDED)
def test_what_languages_need_is_left(name):
    assert is_line(name)
    assert with_unseen_shown(name) == name


def test_a_text_may_have_lines_and_a_name_may_not():
    assert not has_unseen("Ada\n\tSample")
    assert not is_line("Ada\nSample")


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
