"""The form of admin and portal: what is withdrawn, for which twins, from whom."""

from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from licensing.models import Licensee
from talent.consent.withdrawal_rules import Withdrawal
from talent.words import Right, Use

EXTENTS = [
    ("cell", _("This right in this use")),
    ("right", _("Every use of this right")),
    ("use", _("This use, whatever the right")),
    ("everything", _("Everything")),
]


class LicenseeChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic in stubs only
    def label_from_instance(self, licensee: Licensee) -> str:
        return licensee.name


class WithdrawalForm(forms.Form):
    """What to take back. `whose` is offered where the reader speaks for all of the twins."""

    extent = forms.ChoiceField(label=_("What"), choices=EXTENTS, widget=forms.RadioSelect)
    right = forms.ChoiceField(label=_("Right"), choices=Right.choices())
    use = forms.ChoiceField(label=_("Use"), choices=Use.choices())
    whose = forms.ChoiceField(
        label=_("For"), choices=[("twin", _("this twin")), ("all", _("all twins of the performer"))]
    )
    licensee = LicenseeChoice(
        label=_("From"), queryset=Licensee.objects.none(), required=False,
        empty_label=_("every studio"),
    )  # fmt: skip
    reason = forms.CharField(
        label=_("Why"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Kept with the consent and told to your agency, never to a studio."),
    )

    def __init__(self, *args: Any, licensees: QuerySet[Licensee], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("LicenseeChoice", self.fields["licensee"]).queryset = licensees

    @property
    def withdrawal(self) -> Withdrawal:
        """What a valid form asks to withdraw."""
        values = self.cleaned_data
        licensee = values["licensee"]
        return Withdrawal(
            right=values["right"] if values["extent"] in ("cell", "right") else "",
            use=values["use"] if values["extent"] in ("cell", "use") else "",
            licensee=licensee.slug if licensee else "",
            licensee_name=licensee.name if licensee else "",
        )
