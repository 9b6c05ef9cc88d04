"""The matrix editor: one grid of stances with a scope behind each cell, read and written as a form.

Without JavaScript every cell is a select and a button opens its scope; scripts only speed this up.
A scope whose panel is closed is sent along as text: the query string of its own form fields.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from talent.consent import inheritance, overview
from talent.consent.changes import CellKey, Evidence, MatrixToEdit
from talent.consent.matrix import (
    Cell,
    Version,
    cell_name,
    combined_cell,
    combined_limit,
    strictness,
)
from talent.consent.scope import Scope
from talent.models import ConsentMatrix, ConsentVersion
from talent.words import Channel, Exclusion, Owner, Right, Stance, Word

from .scopes import (
    Brands,
    LanguageOfText,
    Languages,
    LanguagesByTerritory,
    Listed,
    Territories,
    limit_data,
    limit_fields,
    limits_in,
)

NOT_SAID, ONLY, NONE = "", "only", "none"
LISTS = (
    "territories", "languages", "channels_allowed", "productions_allowed", "licensees_allowed",
    "brands_allowed",
)  # fmt: skip
EXCLUDED = (
    "territories_excluded", "productions_excluded", "licensees_excluded", "brands_excluded",
)  # fmt: skip
CHECKED = ("channels_allowed", "channels_excluded", "exclusions")
LEAST_LIMITS = 2  # rows for limits that a panel offers
PREFIX = "scope"
MOST_HOURS = 24 * 366 * 10
CELLS: tuple[CellKey, ...] = tuple((r.value, u.value) for r in Right for u in overview.USES)


def _choice_of_meaning(label: Any) -> forms.ChoiceField:
    """Return the select beside a list: not said, only these, or none at all.

    Without it an empty list could be read as “all” as well as “none”.
    """
    choices = [
        (NOT_SAID, gettext_lazy("not said here: inherits")),
        (ONLY, gettext_lazy("only these")),
        (NONE, gettext_lazy("none at all: an empty list allows nothing")),
    ]
    return forms.ChoiceField(
        label=label, choices=choices, required=False, widget=UnfoldAdminSelectWidget
    )


def _several(label: Any, words: type[Word]) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label,
        choices=words.choices(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )


def _hours(label: Any, help_text: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        help_text=help_text,
        required=False,
        min_value=0,
        max_value=MOST_HOURS,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "number", "min": "0"}),
    )


def _instant(label: Any, **options: Any) -> forms.DateTimeField:
    widget = UnfoldAdminTextInputWidget(attrs={"type": "datetime-local", "step": "1"})
    widget.format_value = _local_text
    return forms.DateTimeField(label=label, required=False, widget=widget, **options)


def _local_text(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    local = timezone.localtime(value) if timezone.is_aware(value) else value
    return f"{local:%Y-%m-%dT%H:%M:%S}"


class ScopeForm(forms.Form):
    """The side panel: where, when and for whom one cell holds."""

    territories_say = _choice_of_meaning(gettext_lazy("Territories"))
    territories = Territories(
        label=gettext_lazy("Territories named"),
        required=False,
        help_text=gettext_lazy(
            "By name or code, with commas: France, US-CA; groups too: European Union, Benelux."
        ),
    )
    territories_excluded = Territories(
        label=gettext_lazy("Territories left out"),
        required=False,
        help_text=gettext_lazy("Taken out of those named, or of the world."),
    )
    languages_say = _choice_of_meaning(gettext_lazy("Languages"))
    languages = Languages(
        label=gettext_lazy("Languages named"),
        required=False,
        help_text=gettext_lazy("By name or tag: French, de-AT."),
    )
    languages_in = LanguagesByTerritory(
        label=gettext_lazy("Languages of single territories"),
        required=False,
        help_text=gettext_lazy("As “Canada: French; Switzerland: German, French”."),
    )
    channels_allowed_say = _choice_of_meaning(gettext_lazy("Channels allowed"))
    channels_allowed = _several(gettext_lazy("Channels named"), Channel)
    channels_excluded = _several(gettext_lazy("Channels left out"), Channel)
    productions_allowed_say = _choice_of_meaning(gettext_lazy("Productions allowed"))
    productions_allowed = Listed(
        label=gettext_lazy("Productions named"),
        required=False,
        help_text=gettext_lazy("By number, as P5."),
    )
    productions_excluded = Listed(label=gettext_lazy("Productions excluded"), required=False)
    licensees_allowed_say = _choice_of_meaning(gettext_lazy("Licensees allowed"))
    licensees_allowed = Listed(label=gettext_lazy("Licensees named"), required=False)
    licensees_excluded = Listed(label=gettext_lazy("Licensees excluded"), required=False)
    brands_allowed_say = _choice_of_meaning(gettext_lazy("Brands allowed"))
    brands_allowed = Listed(label=gettext_lazy("Brands named"), required=False)
    brands_excluded = Brands(
        label=gettext_lazy("Brands excluded"),
        required=False,
        help_text=gettext_lazy("Brands, or whole categories: Soft drinks, Gambling."),
    )
    valid_from = _instant(gettext_lazy("Valid from"))
    valid_to = _instant(
        gettext_lazy("Valid to"), help_text=gettext_lazy("The first moment that no longer counts.")
    )
    notice_hours = _hours(
        gettext_lazy("Hours of notice before a use"),
        gettext_lazy("Between the studio’s request for that use and the use."),
    )
    withdrawal_notice_hours = _hours(
        gettext_lazy("Hours of notice of a withdrawal"),
        gettext_lazy("Between a withdrawal and its effect."),
    )
    real_time = forms.TypedChoiceField(
        label=gettext_lazy("Real-time generation"),
        choices=[
            ("", gettext_lazy("not said here: inherits")),
            ("yes", gettext_lazy("allowed")),
            ("no", gettext_lazy("not allowed")),
        ],
        coerce=lambda code: {"yes": True, "no": False}[code],
        empty_value=None,
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    exclusions = _several(gettext_lazy("Content excluded"), Exclusion)
    overrules_agency = forms.BooleanField(
        label=gettext_lazy("Overrules the agency’s default, on the record"), required=False
    )

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, **options)
        sent = data or {}
        named = (row for row in range(100) if f"{self.prefix}-limit_{row}_most" in sent)
        self.limit_rows = max(LEAST_LIMITS, *(row + 2 for row in named), LEAST_LIMITS)
        overrules = self.fields.pop("overrules_agency")
        self.fields |= limit_fields(self.limit_rows)
        self.fields["overrules_agency"] = overrules

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        for name in LISTS:
            meaning, codes = data.get(f"{name}_say"), data.get(name) or frozenset()
            if meaning == ONLY and not codes:
                self.add_error(name, _("Name at least one, or choose “none at all”."))
            if meaning == NONE and codes:
                self.add_error(name, _("Codes are named, yet “none at all” is chosen."))
        return data

    def cell(self, right: str, use: str, stance: str) -> Cell:
        """Return the cell that the panel describes. Call it on a valid form."""
        data = self.cleaned_data
        scope = {field.name: data.get(field.name) for field in fields(Scope)}
        scope |= {name: frozenset(data[name]) for name in CHECKED}
        for name in LISTS:
            # Codes given without a choice beside the list count as “only these”.
            inherits = data[f"{name}_say"] == NOT_SAID and not data[name]
            scope[name] = None if inherits else frozenset(data[name])
        scope["limits"] = limits_in(data, self.limit_rows)
        return Cell(right, use, stance, Scope(**scope), data["overrules_agency"])


def form_data(cell: Cell) -> str:
    """Return a cell's scope as the data its ScopeForm would submit."""
    scope, sent = cell.scope, QueryDict(mutable=True)
    for name in LISTS:
        codes = getattr(scope, name)
        sent[f"{PREFIX}-{name}_say"] = NOT_SAID if codes is None else ONLY if codes else NONE
    for name in (*LISTS, *EXCLUDED, *CHECKED):
        codes, shown = getattr(scope, name) or (), ScopeForm.base_fields[name]
        if isinstance(shown, Listed):
            sent[f"{PREFIX}-{name}"] = shown.shown(codes)
        else:
            sent.setlist(f"{PREFIX}-{name}", sorted(codes))
    sent[f"{PREFIX}-languages_in"] = LanguagesByTerritory().shown(scope.languages_in)
    for name in ("valid_from", "valid_to"):
        value = getattr(scope, name)
        sent[f"{PREFIX}-{name}"] = _local_text(value) if value else ""
    for name in ("notice_hours", "withdrawal_notice_hours"):
        value = getattr(scope, name)
        sent[f"{PREFIX}-{name}"] = "" if value is None else str(value)
    sent[f"{PREFIX}-real_time"] = {None: "", True: "yes", False: "no"}[scope.real_time]
    for name, value in limit_data(scope.limits).items():
        sent[f"{PREFIX}-{name}"] = value
    if cell.overrules_agency:
        sent[f"{PREFIX}-overrules_agency"] = "on"
    return "&".join(part for part in sent.urlencode().split("&") if not part.endswith("="))


class EvidenceForm(forms.ModelForm):
    """How the consent was given."""

    in_force_from = _instant(
        gettext_lazy("In force from"),
        help_text=gettext_lazy(
            "Empty: from now on. A paper consent entered late counts from the day on it, and is "
            "known to the desk from now."
        ),
    )

    text_language = LanguageOfText(
        label=gettext_lazy("Its language"),
        required=False,
        help_text=gettext_lazy("By name or tag, as in French. Empty: not stated."),
    )

    class Meta:
        model = ConsentVersion
        fields = [
            "text_shown", "text_language", "method", "represented_by", "representative",
            "signed_on",
            "in_force_from", "reason",
        ]  # fmt: skip
        widgets = {
            "text_shown": UnfoldAdminTextareaWidget(attrs={"rows": 5}),
            "method": UnfoldAdminSelectWidget,
            "represented_by": UnfoldAdminSelectWidget,
            "representative": UnfoldAdminTextInputWidget,
            "signed_on": UnfoldAdminTextInputWidget(attrs={"type": "date"}),
            "reason": UnfoldAdminTextInputWidget,
        }
        labels = {"text_shown": gettext_lazy("The text that was shown")}
        help_texts = {
            "text_shown": gettext_lazy("Word for word. Its SHA-256 is kept beside it."),
            "reason": gettext_lazy("Why the consent changes."),
        }

    def evidence(self) -> Evidence:
        """Return how the consent was given. Call it on a valid form."""
        return Evidence(**{field.name: self.cleaned_data[field.name] for field in fields(Evidence)})


def initial_evidence(version: ConsentVersion | None) -> dict[str, Any]:
    """Return what the form of a new version starts with: how the last consent was given."""
    if version is None:
        return {}
    return vars(Evidence.of(version))


@dataclass
class MatrixSheet:
    """The grid on the page: for each cell a stance, and its scope as a query string."""

    stances: dict[CellKey, str] = field(default_factory=dict)
    scopes: dict[CellKey, str] = field(default_factory=dict)
    errors: dict[CellKey, tuple[str, ...]] = field(default_factory=dict)
    panel: CellKey | None = None

    @classmethod
    def of(cls, cells: tuple[Cell, ...], panel: CellKey | None) -> "MatrixSheet":
        named = {(cell.right, cell.use): cell for cell in cells}
        return cls(
            {key: cell.stance for key, cell in named.items()},
            {key: form_data(cell) for key, cell in named.items()},
            panel=panel or next(iter(named), CELLS[0]),
        )

    @classmethod
    def from_form(cls, data: QueryDict) -> "MatrixSheet":
        """Read a submitted grid; the scope of the open cell comes from the panel's fields."""
        sheet = cls(panel=key_of(data.get("open", "")) or key_of(data.get("panel", "")))
        for right, use in CELLS:
            if stance := data.get(f"stance.{right}.{use}", ""):
                sheet.stances[right, use] = stance
            if scope := data.get(f"held.{right}.{use}", ""):
                sheet.scopes[right, use] = scope
        if open_before := key_of(data.get("panel", "")):
            own = QueryDict(mutable=True)
            for name in data:
                if name.startswith(f"{PREFIX}-"):
                    own.setlist(name, data.getlist(name))
            sheet.scopes[open_before] = own.urlencode()
        return sheet

    def cells(self) -> list[Cell]:
        """Return the cells of the grid; problems of unreadable ones go to `errors`."""
        cells = []
        for key, stance in self.stances.items():
            form = self.scope_form(key)
            if stance not in Stance.codes():
                self.errors[key] = (_("%s: this stance is not known.") % cell_name(*key),)
            elif form.is_valid():
                cells.append(form.cell(*key, stance))
            else:
                reasons = (text for texts in form.errors.values() for text in texts)
                self.errors[key] = (f"{cell_name(*key)}: {' '.join(reasons)}",)
        return cells

    def scope_form(self, key: CellKey) -> ScopeForm:
        return ScopeForm(QueryDict(self.scopes.get(key, "")), prefix=PREFIX)


def key_of(text: str) -> CellKey | None:
    """Parse "voice.dubbing" as a right and a use; None if there is no such cell."""
    right, _dot, use = text.partition(".")
    return (right, use) if (right, use) in CELLS else None


# Rows for the page.


def rows(sheet: MatrixSheet, matrix: MatrixToEdit) -> list[dict[str, Any]]:
    """Return the grid for the template: a row for each right, a column for each use."""
    return [
        {
            "label": right.label,
            "cells": [_cell((right.value, use.value), sheet, matrix) for use in overview.USES],
        }
        for right in Right
    ]


def _cell(key: CellKey, sheet: MatrixSheet, matrix: MatrixToEdit) -> dict[str, Any]:
    limit = combined_limit(matrix.above, *key)
    fixed = combined_limit(_without_agency(matrix.above), *key)
    # What a matrix leaves unset is allowed by a performer's own only; rules allow nothing.
    unset = combined_cell(matrix.above, *key) if matrix.is_personal else limit
    stance = sheet.stances.get(key, "")
    errors = sheet.errors.get(key, ())
    return {
        "key": ".".join(key),
        "id": "-".join(key),
        "name": cell_name(*key),
        "stance": stance,
        "options": list(_options(stance, unset, fixed)),
        "floor": limit.stance.value if limit.decided_by else "",
        "fixed": fixed.stance.value if fixed.decided_by else "",
        "above": inheritance.layers_in_words(matrix.above, *key),
        "held": sheet.scopes.get(key, ""),
        "hint": hint(sheet.scopes.get(key, "")),
        "errors": errors,
        "current": key == sheet.panel,
    }


def _without_agency(layers: tuple[Version, ...]) -> list[Version]:
    return [version for version in layers if version.owner_kind != Owner.AGENCY]


def _options(stance, unset, fixed) -> Iterator[dict[str, Any]]:
    """Yield the stances to choose from.

    One looser than `fixed` (the layers that nobody here can overrule) is disabled, unless it is
    the current one.
    """
    inherits = WORDS[unset.stance] if unset.decided_by else _("no")
    yield {"value": "", "label": f"↑ {inherits}", "selected": not stance, "disabled": False}
    strict = strictness(fixed.stance) if fixed.decided_by else 0
    for word in Stance:
        yield {
            "value": word.value,
            "label": WORDS[word],
            "selected": word == stance,
            "disabled": word != stance and strictness(word) < strict,
        }


WORDS: Mapping[Stance, Any] = {
    Stance.ALLOW: gettext_lazy("allow"),
    Stance.ASK: gettext_lazy("ask"),
    Stance.DENY: gettext_lazy("deny"),
}


def hint(held: str) -> str:
    """Return a few letters that hint at a cell's scope, from its query string; empty: no scope."""
    sent = QueryDict(held)
    languages = Languages().to_python(sent.get(f"{PREFIX}-languages", ""))
    territories = Territories().to_python(sent.get(f"{PREFIX}-territories", ""))
    codes = [code.upper() for named in (languages, territories) for code in sorted(named)]
    if any(sent.get(f"{PREFIX}-{name}_say") == NONE for name in LISTS):
        return _("none")
    if codes:
        return " ".join(codes) if len(codes) <= 2 else _("%d codes") % len(codes)
    return _("scope") if any(value for value in sent.values()) else ""


def panel(sheet: MatrixSheet, matrix: MatrixToEdit, consent: ConsentMatrix) -> dict[str, Any]:
    """Return the side panel of the open cell."""
    key = sheet.panel or CELLS[0]
    form = sheet.scope_form(key)
    if consent.guild or consent.agency_id:
        del form.fields["overrules_agency"]
    return {
        "key": ".".join(key),
        "name": cell_name(*key),
        "above": inheritance.layers_in_words(matrix.above, *key),
        "errors": sheet.errors.get(key, ()),
        "form": form,
    }
