"""The fields of a use as forms offer them, and the form that says what a sheet's columns mean."""

from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from licensing.facts.rows import known_twins
from licensing.models import Agreement, Production
from licensing.usage.sheets import uploads
from licensing.usage.sheets.rows import ColumnMapping
from licensing.wire.names import Prefix, name_of
from licensing.words import Channel, DateOrder, DecimalSign, Meter, PromptClass
from talent.words import Right, Use

MOST_CHOICES = 500
LONGEST_ROW_NUMBER = 7
UNSAID = "?"
NOT_USED = "-"

FIELD_LABELS = {
    "time": _("When it happened"),
    "twin": _("Digital twin"),
    "agreement": _("Agreement"),
    "production": _("Production"),
    "build": _("Build"),
    "right": _("Right"),
    "use": _("Use"),
    "territory": _("Territory"),
    "language": _("Language"),
    "channel": _("Channel"),
    "prompt_class": _("Kind of prompt"),
    "real_time": _("Real-time generation"),
    "currency": _("Currency"),
    "prompt": _("Wording of the prompt"),
    "output_sha256": _("SHA-256 of the output"),
    "c2pa_manifest_sha256": _("SHA-256 of the C2PA manifest"),
    "permit": _("Permit"),
    "approval": _("Approval"),
    "id": _("The studio's own id"),
    "source": _("Source"),
}
CONSTANTS = (
    "twin", "agreement", "production", "build", "right", "use", "territory", "language",
    "channel", "prompt_class", "real_time", "currency",
)  # fmt: skip


def choices_by_field(terms) -> dict[str, list[tuple[str, str]]]:
    """Return what a use under these terms may name in each field that has a list: value, label."""
    agreements = Agreement.objects.filter(agency=terms.agency_id, licensee=terms.licensee_id)
    productions = Production.objects.filter(licensee=terms.licensee_id).order_by("title")
    twins = known_twins(terms).distinct().order_by("name")
    return {
        "twin": [
            (name := name_of(Prefix.TWIN, twin.pk), f"{twin.name} ({name})")
            for twin in twins[:MOST_CHOICES]
        ],
        "agreement": [
            (one.reference, one.reference)
            for one in agreements.order_by("reference")[:MOST_CHOICES]
        ],
        "production": [
            (name_of(Prefix.PRODUCTION, production.pk), production.title)
            for production in productions[:MOST_CHOICES]
        ],
        "right": Right.choices(),
        "use": Use.choices(),
        "channel": Channel.choices(),
        "prompt_class": PromptClass.choices(),
        "real_time": [("true", _("Yes")), ("false", _("No"))],
    }


def choice_field(choices, *, label, said="", empty, help_text="", required=False):
    """Return a field to pick from a list, or to write in where the list would be endless."""
    if choices is None or len(choices) >= MOST_CHOICES:
        return forms.CharField(
            label=label, required=required, help_text=help_text, initial=said,
            widget=UnfoldAdminTextInputWidget,
        )  # fmt: skip
    known = {value for value, _label in choices}
    as_sent = [(said, _("%s (as sent)") % said)] if said and said not in known else []
    return forms.ChoiceField(
        choices=[("", empty), *as_sent, *choices], label=label, required=required,
        help_text=help_text, initial=said, widget=UnfoldAdminSelectWidget,
    )  # fmt: skip


class MappingForm(forms.Form):
    """For each column of a sheet what it means; what every row shares; the zone of its times."""

    def __init__(self, *args, sheet, **kwargs):
        super().__init__(*args, **kwargs)
        self._headers = uploads.headers_of(sheet)
        samples = sheet.survey.get("samples", {})
        blanks = sheet.survey.get("blanks", {})
        known = ColumnMapping(**sheet.mapping)
        for place, header in enumerate(self._headers):
            self.fields[f"column_{place}"] = forms.ChoiceField(
                label=header,
                help_text=_sample_text(samples.get(header, ()), blanks.get(header, 0), sheet.rows),
                choices=_targets(),
                initial=known.columns.get(header, UNSAID) or NOT_USED,
                widget=UnfoldAdminSelectWidget,
            )
        lists = choices_by_field(sheet.terms)
        for name in CONSTANTS:
            self.fields[f"constant_{name}"] = choice_field(
                lists.get(name),
                label=FIELD_LABELS[name],
                said=known.constants.get(name, ""),
                empty=_("– as in its column –"),
            )
        for name, label, word in (
            ("decimal_sign", _("How the sheet writes numbers"), DecimalSign),
            ("date_order", _("How the sheet writes dates"), DateOrder),
        ):
            self.fields[name] = forms.ChoiceField(
                label=label,
                required=False,
                help_text=_("What can be read in two ways is refused until you say."),
                choices=[("", _("– as it can only be read –")), *word.choices()],
                initial=getattr(known, name),
                widget=UnfoldAdminSelectWidget,
            )
        for name in ("other_uses", "no_totals"):
            self.fields[name] = _RowNumbers(initial=getattr(known, name), required=False)
        self.fields["time_zone"] = forms.ChoiceField(
            label=_("Time zone of times that name none"),
            choices=[(zone, zone) for zone in sorted(available_timezones())],
            initial=known.time_zone,
            widget=UnfoldAdminSelectWidget,
        )

    def columns(self):
        return [self[f"column_{place}"] for place in range(len(self._headers))]

    def constants(self):
        return [self[f"constant_{name}"] for name in CONSTANTS]

    def rows_said(self):
        return [self[name] for name in ("other_uses", "no_totals")]

    def ways_of_writing(self):
        return [self[name] for name in ("decimal_sign", "date_order", "time_zone")]

    def clean(self):
        targets: dict[str, str] = {}
        for place, header in enumerate(self._headers):
            target = self.cleaned_data.get(f"column_{place}", "")
            if target == UNSAID:
                text = _("Say what this column means, or that it is not used.")
                self.add_error(f"column_{place}", text)
            elif target != NOT_USED and target in targets:
                text = _("“%s” means this already.") % targets[target]
                self.add_error(f"column_{place}", text)
            targets[target] = header
        return self.cleaned_data

    def mapping(self) -> ColumnMapping:
        said = self.cleaned_data
        constants = {name: said[f"constant_{name}"].strip() for name in CONSTANTS}
        targets = {header: said[f"column_{i}"] for i, header in enumerate(self._headers)}
        return ColumnMapping(
            {name: "" if target == NOT_USED else target for name, target in targets.items()},
            {name: value for name, value in constants.items() if value},
            said["time_zone"],
            said["decimal_sign"],
            said["date_order"],
            said["other_uses"],
            said["no_totals"],
        )


class _RowNumbers(forms.TypedMultipleChoiceField):
    """Numbers of rows that boxes were ticked for; which rows there are, the preview says."""

    def __init__(self, **kwargs):
        super().__init__(coerce=int, widget=forms.MultipleHiddenInput, **kwargs)

    def to_python(self, value):
        return super().to_python([number for number in value or () if str(number).isdecimal()])

    def valid_value(self, value):
        return len(value) < LONGEST_ROW_NUMBER


def _sample_text(samples, blanks, rows):
    if not samples:
        return _("Blank in every row")
    text = _("For instance %s") % " · ".join(samples)
    if blanks:
        text = f"{text}. " + _("Blank in %(blanks)d of %(rows)d rows") % locals()
    return text


def _targets():
    return [
        (UNSAID, _("– choose –")),
        (NOT_USED, _("Not used")),
        (_("Field"), list(FIELD_LABELS.items())),
        (_("Quantity"), Meter.choices()),
    ]
