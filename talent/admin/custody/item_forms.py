"""Forms of items of the vault: what is stored, read, destroyed, and how long it is kept."""

from datetime import timedelta
from typing import ClassVar

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDateWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
)

from talent.custody.retention import standing
from talent.models import Agency, CaptureSession, Performer
from talent.plain_text import is_line
from talent.words import CustodyKind, CustodyPurpose, DestructionCause

from ..steps import ReasonForm
from ..tenancy import seats_with

ADDS = "talent.add_custodyitem"
WINDOW = timedelta(hours=24)


class StoreForm(forms.Form):
    """What is about to be uploaded, and what it may be read for."""

    agency = forms.ModelChoiceField(
        Agency.objects.none(), label=_("Agency"), widget=UnfoldAdminSelectWidget
    )
    performer = forms.ModelChoiceField(
        Performer.objects.none(), label=_("Whose it is"), widget=UnfoldAdminSelectWidget
    )
    kind = forms.ChoiceField(
        label=_("What it is"), choices=CustodyKind.choices(), widget=UnfoldAdminSelectWidget
    )
    name = forms.CharField(label=_("Name"), max_length=200, widget=UnfoldAdminTextInputWidget)
    purposes = forms.MultipleChoiceField(
        label=_("It may be read"),
        choices=CustodyPurpose.choices(),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("Fixed from now on: nothing else can be asked for."),
    )
    captured_on = forms.DateField(
        label=_("Captured on"), required=False, widget=UnfoldAdminDateWidget
    )
    session = forms.ModelChoiceField(
        CaptureSession.objects.none(),
        label=_("Capture session"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=_("What is more than was agreed there is quarantined."),
    )
    sha256 = forms.RegexField(
        r"\A[0-9a-fA-F]{64}\Z",
        label=_("SHA-256"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("If whoever made the file told one: what arrives is held against it."),
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        agencies = seats_with(user, ADDS).order_by("name")
        self.fields["agency"].queryset = agencies
        self.fields["agency"].initial = agencies.first()
        self.fields["session"].queryset = CaptureSession.objects.filter(
            agency__in=agencies
        ).order_by("-pk")
        self.fields["performer"].queryset = Performer.objects.represented_by(agencies).order_by(
            "name"
        )

    def clean_name(self):
        if not is_line(self.cleaned_data["name"]):
            raise forms.ValidationError(_now("A name is one line."))
        return self.cleaned_data["name"]

    def clean(self):
        given = super().clean()
        agency, performer = given.get("agency"), given.get("performer")
        if agency and performer:
            represented = Performer.objects.represented_by(Agency.objects.filter(pk=agency.pk))
            if not represented.filter(pk=performer.pk).exists():
                self.add_error("performer", _now("This agency does not represent them."))
        session = given.get("session")
        if session and (session.agency_id, session.performer_id) != (
            getattr(agency, "pk", None),
            getattr(performer, "pk", None),
        ):
            self.add_error("session", _now("That session was of another performer or agency."))
        if agency and performer and not session:
            self._refuse_unnamed_session(agency, performer, given.get("captured_on"))
        return given

    def _refuse_unnamed_session(self, agency, performer, captured_on):
        """Have a session named that took place: what is outside it is quarantined."""
        sessions = CaptureSession.objects.filter(agency=agency, performer=performer)
        if captured_on:
            sessions = sessions.filter(starts_on__lte=captured_on, ends_on__gte=captured_on)
        if sessions.exists():
            self.add_error(
                "session",
                _now("There was a capture session: choose it.")
                if captured_on
                else _now("There was one: choose it, or say when this was captured."),
            )


class AskForm(forms.Form):
    """For what somebody asks to read an item, and when."""

    purpose = forms.ChoiceField(label=_("For what"), widget=UnfoldAdminSelectWidget)
    reason = forms.CharField(
        label=_("Why"),
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Whoever approves reads it, and so does the performer."),
    )
    starts_at = forms.SplitDateTimeField(label=_("From"), widget=UnfoldAdminSplitDateTimeWidget)
    ends_at = forms.SplitDateTimeField(label=_("Until"), widget=UnfoldAdminSplitDateTimeWidget)

    def about(self, rows):
        """Offer what the item may be read for, and a day from now on."""
        (item,) = rows
        self.fields["purpose"].choices = [
            (code, label) for code, label in CustodyPurpose.choices() if code in item.purposes
        ]
        now = timezone.localtime().replace(second=0, microsecond=0)
        self.fields["starts_at"].initial = now
        self.fields["ends_at"].initial = now + WINDOW


class DestroyForm(ReasonForm):
    """Why an item is to be destroyed."""

    cause = forms.ChoiceField(
        label=_("Cause"), choices=DestructionCause.choices(), widget=UnfoldAdminSelectWidget
    )
    field_order: ClassVar = ["cause", "reason"]


class ClockForm(forms.Form):
    """From what a retention clock of an item runs."""

    starts = forms.ChoiceField(
        label=_("What happened"),
        choices=[(one.value, one.label) for one in standing.TOLD_BY_STAFF],
        widget=UnfoldAdminSelectWidget,
    )
    on = forms.DateField(
        label=_("On"),
        required=False,
        widget=UnfoldAdminDateWidget,
        help_text=_("Left empty: it did not, or no longer holds."),
    )
    reason = ReasonForm.base_fields["reason"]
