"""The first step: between whom, over which twin."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _

from licensing.agreements.wizard import drafting
from licensing.models import Agreement
from talent.models import Agency, DigitalTwin, Performer

from .base import StepForm, field_of

LONGEST_KEY = 9


class WhoForm(StepForm):
    """Between whom, over which twin, for which productions."""

    ASKED: ClassVar = ("agency", "licensee", "twin", "productions", "reference")

    def add_fields(self) -> None:
        row = self.agreement
        self.add_columns(row, self.ASKED, Agreement)
        self.fields["agency"].disabled = True
        self.fields["productions"].required = False

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        _refuse_strangers(self, self.agreement.agency, data, self.agreement)
        return data

    def save(self) -> None:
        data, row = self.cleaned_data, self.agreement
        drafting.set_parties(
            row,
            licensee=data["licensee"],
            twin=data["twin"],
            productions=self.kept("productions", row.productions.all()),
            reference=self.kept("reference", row.reference),
        )


class NewForm(forms.Form):
    """The same, of an agreement that is not there yet."""

    def __init__(self, data: Any, *, admin: Any, request: Any) -> None:
        super().__init__(data)
        for name in WhoForm.ASKED:
            column = Agreement._meta.get_field(name)
            self.fields[name] = field_of(admin, column, request)
        proposed = admin.get_changeform_initial_data(request)
        for name in self.fields.keys() & proposed.keys():
            if is_key(str(proposed[name])):
                self.fields[name].initial = proposed[name]
        self.fields["productions"].required = False
        reference = self.fields["reference"]
        reference.required = False
        reference.help_text = _("Left empty: the agency's next number.")

    def clean(self) -> dict[str, Any]:
        """Refuse parties that have nothing to do with each other."""
        data = super().clean()
        if data.get("agency"):
            _refuse_strangers(self, data["agency"], data, None)
        return data


def is_key(text: str) -> bool:
    """Tell whether an address names a row by what could be its key."""
    return text.isascii() and text.isdecimal() and len(text) <= LONGEST_KEY


def _refuse_strangers(form: Any, agency: Any, data: dict[str, Any], row: Agreement | None) -> None:
    """Refuse who has nothing to do with the agency, and a reference that is taken."""
    licensee, twin = data.get("licensee"), data.get("twin")
    if licensee and not licensee.terms.filter(agency=agency).exists():
        text = _("%(agency)s has no terms with it yet: add its licensee terms first.")
        form.add_error("licensee", text % {"agency": agency})
    if twin and not _works_for(agency, twin):
        text = _("%(agency)s does not represent this twin: choose one of its own.")
        form.add_error("twin", text % {"agency": agency})
    others = [
        one for one in data.get("productions") or () if licensee and one.licensee_id != licensee.pk
    ]
    if others:
        text = _("Not of this licensee: %(names)s. Take them out, or choose another licensee.")
        names = ", ".join(sorted(map(str, others)))
        form.add_error("productions", text % {"names": names})
    taken = Agreement.objects.filter(agency=agency, reference=data.get("reference") or "")
    if data.get("reference") and taken.exclude(pk=row and row.pk).exists():
        form.add_error("reference", _("The agency has an agreement of this name: choose another."))


def _works_for(agency: Agency, twin: DigitalTwin) -> bool:
    """Tell whether an agency represents a twin's performer today, or owns the persona."""
    if twin.agency_id == agency.pk:
        return True
    represented = Performer.objects.represented_by(Agency.objects.filter(pk=agency.pk))
    return represented.filter(pk=twin.performer_id).exists()
