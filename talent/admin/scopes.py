"""Form fields for what scopes are made of: territories, languages, lists of names, limits."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec
from babel import Locale
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from talent.consent.scope import (
    CATEGORY,
    LanguagesIn,
    Limit,
    is_known_language,
    language_name,
)
from talent.territories import GROUPS, is_known_place, place_name
from talent.words import BrandCategory, Meter

ENGLISH = Locale("en")
HOURS = "hours"  # offered beside the meters; kept as seconds
SECONDS_OF_AN_HOUR = 3600


class Listed(forms.CharField):
    """Names or codes with commas between them, as a set of codes."""

    widget = UnfoldAdminTextInputWidget

    def to_python(self, value: Any) -> frozenset[str]:
        parts = (part.strip() for part in (value or "").split(","))
        return frozenset(self.code_of(part) for part in parts if part)

    def code_of(self, text: str) -> str:
        """Return the code that somebody means, or what they wrote."""
        return text

    def name_of(self, code: str) -> str:
        """Return how a code is shown for editing; what is shown is understood again."""
        return code

    def shown(self, codes: Iterable[str]) -> str:
        return ", ".join(sorted(self.name_of(code) for code in codes))

    def prepare_value(self, value: Any) -> Any:
        return value if value is None or isinstance(value, str) else self.shown(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return frozenset(initial or ()) != self.to_python(data)


class Territories(Listed):
    """Countries, parts and groups of them, by name or code."""

    def code_of(self, text: str) -> str:
        return place_code(text)

    def name_of(self, code: str) -> str:
        name = place_name(code)
        return name if place_code(name) == code and "," not in name else code


class Languages(Listed):
    """Languages by name or tag."""

    def code_of(self, text: str) -> str:
        return language_tag(text)

    def name_of(self, code: str) -> str:
        name = language_name(code)
        return name if language_tag(name) == code and "," not in name else code


class LanguageOfText(forms.CharField):
    """One language by name or tag."""

    widget = UnfoldAdminTextInputWidget

    def to_python(self, value: Any) -> str:
        tag = language_tag((value or "").strip())
        if tag and not is_known_language(tag):
            raise forms.ValidationError(_("No such language."))
        return tag

    def prepare_value(self, value: Any) -> Any:
        return Languages().name_of(value) if value and is_known_language(value) else value


class Brands(Listed):
    """Brands by their names in scopes, and whole categories by their labels."""

    def code_of(self, text: str) -> str:
        code = _categories().get(text.casefold())
        return CATEGORY + code if code else text

    def name_of(self, code: str) -> str:
        labels = dict(BrandCategory.choices())
        return labels.get(code.removeprefix(CATEGORY), code) if code.startswith(CATEGORY) else code


class LanguagesByTerritory(forms.CharField):
    """Languages of some territories: “Canada: French; Switzerland: German, French”."""

    widget = UnfoldAdminTextInputWidget

    def to_python(self, value: Any) -> tuple[LanguagesIn, ...]:
        rules = []
        for part in filter(None, (part.strip() for part in (value or "").split(";"))):
            place, colon, languages = part.partition(":")
            if not colon:
                raise forms.ValidationError(
                    _("Write it as “Canada: French; Switzerland: German, French”.")
                )
            rules.append(LanguagesIn(place_code(place.strip()), Languages().to_python(languages)))
        return tuple(sorted(rules, key=lambda rule: rule.territory))

    def prepare_value(self, value: Any) -> Any:
        if value is None or isinstance(value, str):
            return value
        return self.shown(rules_in(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.prepare_value(initial or ()) != self.shown(self.to_python(data))

    def shown(self, rules: Iterable[LanguagesIn]) -> str:
        return "; ".join(
            f"{Territories().name_of(rule.territory)}: {Languages().shown(rule.languages)}"
            for rule in rules
        )


def rules_in(value: Iterable[Any]) -> tuple[LanguagesIn, ...]:
    """Return languages by territory as rules, whether they are read from a column or a form."""
    return tuple(
        rule if isinstance(rule, LanguagesIn) else msgspec.convert(rule, LanguagesIn)
        for rule in value
    )


def place_code(text: str) -> str:
    """Return the code of a territory or group that goes by a name; else what was written."""
    if is_known_place(text.upper()):
        return text.upper()
    return _places().get(text.casefold(), text)


def language_tag(text: str) -> str:
    """Return the tag of a language that goes by a name; else what was written."""
    if is_known_language(text):
        return text
    name, _bracket, region = text.partition(" (")
    tag = _languages().get(name.casefold())
    if tag is None:
        return text
    return f"{tag}-{place_code(region.rstrip(')'))}" if region else tag


@cache
def _places() -> dict[str, str]:
    names = {ENGLISH.territories[code].casefold(): code for code in _countries()}
    return (
        names
        | {place_name(code).casefold(): code for code in GROUPS}
        | {place_name(code).removeprefix("the ").casefold(): code for code in GROUPS}
    )


def _countries() -> list[str]:
    return [code for code in ENGLISH.territories if len(code) == 2 and is_known_place(code)]


@cache
def _languages() -> dict[str, str]:
    tags = ((tag.replace("_", "-"), name) for tag, name in ENGLISH.languages.items())
    # Of two tags with one name the shorter counts.
    by_length = sorted(tags, key=lambda pair: -len(pair[0]))
    return {str(name).casefold(): tag for tag, name in by_length if is_known_language(tag)}


@cache
def _categories() -> dict[str, str]:
    return {label.casefold(): code for code, label in BrandCategory.choices()}


# Limits: some rows of fields


def limit_fields(rows: int) -> dict[str, forms.Field]:
    """Return the fields of some limits, one row each: how much, of what, per what, of whom."""
    fields: dict[str, forms.Field] = {}
    for row in range(rows):
        fields |= {
            f"limit_{row}_most": forms.DecimalField(
                label=gettext_lazy("At most"), required=False, min_value=0, max_digits=20,
                decimal_places=6,
                widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
            ),
            f"limit_{row}_of": forms.ChoiceField(
                label=gettext_lazy("of"), required=False, widget=UnfoldAdminSelectWidget,
                choices=[(HOURS, gettext_lazy("Hours")), *Meter.choices()],
            ),
            f"limit_{row}_per": forms.ChoiceField(
                label=gettext_lazy("counted"), required=False, widget=UnfoldAdminSelectWidget,
                choices=[
                    ("", gettext_lazy("in all, of all studios")),
                    ("year", gettext_lazy("a year, of all studios")),
                    ("each", gettext_lazy("in all, of each studio")),
                    ("year_each", gettext_lazy("a year, of each studio")),
                ],
            ),
        }  # fmt: skip
    return fields


def limits_in(data: Mapping[str, Any], rows: int) -> tuple[Limit, ...]:
    """Return the limits that cleaned fields hold; rows without a figure hold none."""
    limits = []
    for row in range(rows):
        most = data.get(f"limit_{row}_most")
        if most is None:
            continue
        meter, per = data[f"limit_{row}_of"] or HOURS, data[f"limit_{row}_per"]
        if meter == HOURS:
            meter, most = Meter.SECONDS.value, most * SECONDS_OF_AN_HOUR
        limits.append(Limit(meter, most, per.startswith("year"), per.endswith("each")))
    return tuple(sorted(limits))


def limit_data(limits: Iterable[Limit]) -> dict[str, str]:
    """Return limits as what their fields would submit."""
    sent = {}
    for row, limit in enumerate(limits):
        in_hours = limit.meter == Meter.SECONDS and limit.maximum % 36 == 0
        most = limit.maximum / SECONDS_OF_AN_HOUR if in_hours else limit.maximum
        sent |= {
            f"limit_{row}_most": f"{Decimal(most).normalize():f}",
            f"limit_{row}_of": HOURS if in_hours else limit.meter,
            f"limit_{row}_per": "_".join(
                word
                for word, counts in (("year", limit.per_year), ("each", limit.per_licensee))
                if counts
            ),
        }
    return sent
