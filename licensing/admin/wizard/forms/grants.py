"""The third step: what may be done, within the consent."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from licensing.agreements.wizard import drafting, offered
from licensing.words import Channel
from talent.admin.scopes import Languages, Listed, Territories
from talent.consent.matrix import CellKey
from talent.consent.scope import Scope, is_known_language
from talent.territories import is_known_place
from talent.words import Exclusion

from .base import StepForm


class GrantsForm(StepForm):
    """Which rights for which uses, and within what."""

    def add_fields(self) -> None:
        draft, bounds = self.draft, offered.bounds_of(self.draft.grants)
        self.granted = {
            (grant.right, grant.use): offered.scope_granted(grant) for grant in draft.grants
        }
        self.fields["cells"] = forms.MultipleChoiceField(
            label=_("What may be done"),
            choices=[(".".join(key), draft.offers[key].name) for key in offered.KEYS],
            widget=forms.CheckboxSelectMultiple,
            initial=[".".join(key) for key in self._begin_with()],
            error_messages={
                "required": _("Tick at least one: what is not ticked is not licensed.")
            },
        )
        self.fields["territories"] = Territories(
            label=_("Where"),
            required=False,
            initial=bounds.territories,
            help_text=_(
                "Countries and groups by name: France, the European Union. Left empty: wherever "
                "the consent allows."
            ),
        )
        self.fields["territories_excluded"] = Territories(
            label=_("Except in"), required=False, initial=bounds.territories_excluded
        )
        self.fields["languages"] = Languages(
            label=_("In which languages"),
            required=False,
            initial=bounds.languages,
            help_text=_("By name: English, French. Left empty: each that the consent allows."),
        )
        self.fields["real_time"] = forms.BooleanField(
            label=_("Also generated in real time"),
            required=False,
            initial=bounds.real_time if draft.grants else self._proposes_real_time(),
            disabled=not self._may_be_live(),
        )
        self.fields["channels"] = forms.MultipleChoiceField(
            label=_("On which channels"),
            choices=Channel.choices(),
            widget=forms.CheckboxSelectMultiple,
            required=False,
            initial=sorted(bounds.channels or ()),
            help_text=_("None ticked: each that the consent allows."),
        )
        self.fields["brands"] = Listed(
            label=_("For which brands"),
            required=False,
            initial=bounds.brands,
            help_text=_(
                "By their names in the desk, with commas. Left empty: any that the consent does "
                "not leave out."
            ),
        )
        self.fields["exclusions"] = forms.MultipleChoiceField(
            label=_("Content left out, beside what the consent leaves out"),
            choices=Exclusion.choices(),
            widget=forms.CheckboxSelectMultiple,
            required=False,
            initial=sorted(bounds.exclusions),
        )

    def _begin_with(self) -> list[CellKey]:
        """Return what is granted; of a draft that grants nothing yet, what its kind is about."""
        if self.granted or self.draft.kind is None:
            return list(self.granted)
        offers = self.draft.offers
        return [key for key in self.draft.kind.cells if offers[key].may_be_granted]

    def _proposes_real_time(self) -> bool:
        kind = self.draft.kind
        return bool(kind and kind.real_time) and self._may_be_live()

    def _may_be_live(self) -> bool:
        return any(
            one.may_be_granted and one.cell.scope.real_time for one in self.draft.offers.values()
        )

    def clean_territories(self) -> frozenset[str]:
        return self._places("territories")

    def clean_territories_excluded(self) -> frozenset[str]:
        return self._places("territories_excluded")

    def clean_languages(self) -> frozenset[str]:
        tags: frozenset[str] = self.cleaned_data["languages"]
        return _known(tags, is_known_language)

    def _places(self, name: str) -> frozenset[str]:
        return _known(self.cleaned_data[name], is_known_place)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        self.scopes: dict[CellKey, Scope] = {}
        if self.errors:
            return data
        keys = [key_of(text) for text in data["cells"]]
        if self.writes_anew:
            within, refused = drafting.grants_within(
                self.agreement, self.draft.offers, keys, self.bounds()
            )
        else:
            new = [key for key in keys if key not in self.granted]
            within, refused = drafting.grants_within(
                self.agreement, self.draft.offers, new, self.bounds()
            )
            within |= {key: self.granted[key] for key in keys if key in self.granted}
        for reasons in refused.values():
            for reason in reasons:
                self.add_error("cells", reason)
        self.scopes = within
        return data

    @property
    def writes_anew(self) -> bool:
        """Whether the bounds were touched, so that they count for every grant."""
        return any(self.is_touched(name) for name in self.fields if name != "cells")

    def bounds(self) -> offered.Bounds:
        data = self.cleaned_data
        return offered.Bounds(
            territories=data["territories"] or None,
            territories_excluded=data["territories_excluded"],
            languages=data["languages"] or None,
            channels=frozenset(data["channels"]) or None,
            brands=data["brands"] or None,
            exclusions=frozenset(data["exclusions"]),
            real_time=data["real_time"],
        )

    def shown_scopes(self) -> dict[CellKey, Scope]:
        """Return the scope of each cell that is ticked on the page, as far as it can be read."""
        if self.is_bound and self.is_valid():
            return self.scopes
        if self.is_bound:
            data = getattr(self, "cleaned_data", {})
            keys = [key_of(text) for text in data.get("cells", ())]
        else:
            keys = self._begin_with()
        bounds = offered.bounds_of(self.draft.grants)
        if not self.draft.grants:
            bounds = offered.Bounds(real_time=self._proposes_real_time())
        return {
            key: self.granted.get(key) or offered.bounded(bounds, self.draft.offers[key].cell.scope)
            for key in keys
        }

    def save(self) -> None:
        drafting.set_grants(self.agreement, self.scopes, anew=self.writes_anew)


def key_of(text: str) -> CellKey:
    right, _dot, use = text.partition(".")
    return right, use


def _known(codes: frozenset[str], is_known: Any) -> frozenset[str]:
    unknown = sorted(code for code in codes if not is_known(code))
    if unknown:
        text = _("Not known here: %(names)s. Choose from the names of the desk.")
        raise forms.ValidationError(text % {"names": ", ".join(unknown)})
    return codes
