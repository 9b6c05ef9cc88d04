"""List columns in the admin's forms: an empty field says nothing, a dash says none."""

from decimal import Decimal
from zoneinfo import available_timezones

import pycountry
import pytest
from django.core.exceptions import ValidationError
from iso4217 import Currency

from licensing.models import Agreement, Grant
from talent import locales
from talent.admin.lists import OnePlace, PlainDecimal, by_name, field_for
from talent.models import Agency, Delegation


def field(model, name):
    return field_for(model._meta.get_field(name))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", None),
        ("  ", None),
        ("-", []),
        ("FR", ["FR"]),
        (" FR, DE ,,", ["FR", "DE"]),
    ],
)
def test_written_codes_tell_any_from_none(written, meant):
    territories = field(Grant, "territories")

    assert territories.clean(written) == meant
    assert territories.clean(territories.prepare_value(meant)) == meant


def test_chosen_words_are_any_when_none_is_chosen():
    channels = field(Grant, "channels")

    assert channels.clean([]) is None
    assert channels.clean(["cinema", "social"]) == ["cinema", "social"]


def test_a_word_that_is_none_is_refused():
    with pytest.raises(ValidationError, match="cinemascope"):
        field(Grant, "channels").clean(["cinemascope"])


def test_a_list_that_must_say_something_is_asked_for():
    with pytest.raises(ValidationError, match="required"):
        field(Delegation, "powers").clean([])


@pytest.mark.parametrize(
    ("before", "sent", "changed"),
    [(None, "", False), (["FR"], "FR", False), ([], "-", False), (["FR"], "", True)],
)
def test_what_was_left_as_it_was_has_not_changed(before, sent, changed):
    assert field(Grant, "territories").has_changed(before, sent) is changed


@pytest.mark.parametrize(("kept", "shown"), [("3400.000000", "3400"), ("0.50", "0.5"), ("0", "0")])
def test_a_figure_is_edited_without_idle_zeros(kept, shown):
    field = PlainDecimal()

    assert field.prepare_value(Decimal(kept)) == shown
    assert not field.has_changed(Decimal(kept), shown)
    assert field.prepare_value("3400.0") == "3400.0"


# Codes of outside tables


@pytest.mark.parametrize(
    ("column", "code", "name"),
    [
        (Agency._meta.get_field("country"), "FR", "France (FR)"),
        (Agreement._meta.get_field("currency"), "USD", "US Dollar (USD)"),
        (Agency._meta.get_field("time_zone"), "America/Los_Angeles", "America/Los Angeles"),
    ],
)
def test_a_code_is_chosen_by_its_name_and_every_known_code_is_offered(column, code, name):
    """Whatever a row may hold is offered: a list without it would change a row nobody touched."""
    choice = by_name(column, "en")
    offered = dict(choice.choices)
    offered.pop("", None)

    assert offered[code] == name
    assert all(type(column).known(one) for one in offered)
    assert choice.clean(code) == code
    with pytest.raises(ValidationError, match="No such"):
        choice.clean("Mars")


def test_forms_offer_all_that_their_tables_know():
    assert len(locales.countries("en")) == len(pycountry.countries)
    assert {code for code, _name in locales.zones("en")} == available_timezones()
    assert dict(locales.countries("de"))["FR"] == "Frankreich (FR)"
    known = {one.value for one in Currency if locales.known_currency(one.value)}
    assert {code for code, _name in locales.currencies("en")} == known > {"USD", "EUR", "JPY"}


@pytest.mark.parametrize(
    ("written", "kept", "shown"),
    [
        ("California, United States", "US-CA", "California, United States"),
        ("US-CA", "US-CA", "California, United States"),
        ("france", "FR", "France"),
        ("", "", ""),
    ],
)
def test_a_place_is_typed_and_shown_by_name(written, kept, shown):
    place = OnePlace(required=False)

    assert (place.clean(written), place.prepare_value(kept)) == (kept, shown)


def test_a_place_that_is_none_is_refused():
    with pytest.raises(ValidationError, match="Atlantis"):
        OnePlace().clean("Atlantis")


@pytest.mark.parametrize(
    ("column", "written", "kept"),
    [
        ("territories", "France, US-CA, EU", ["FR", "US-CA", "EU"]),
        ("languages", "French, fr-CA", ["fr", "fr-CA"]),
        ("territories", "-", []),
        ("territories", "", None),
    ],
)
def test_lists_of_places_and_languages_are_typed_by_name(column, written, kept):
    assert field(Grant, column).clean(written) == kept


def test_a_name_in_a_list_that_is_no_place_is_refused():
    with pytest.raises(ValidationError, match="Atlantis"):
        field(Grant, "territories").clean("France, Atlantis")
