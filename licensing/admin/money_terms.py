"""Guarantees, advances, reserves and contributions: on a draft's page, and as amendments of it."""

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from licensing.agreements import money_terms
from licensing.agreements.amendments import Change
from licensing.agreements.money_terms import ADVANCE, GUARANTEE, MONEY
from licensing.models import Advance, Guarantee
from licensing.words import (
    ContributionPlan,
    ContributionsPaidBy,
    CutPeriod,
    GuaranteePeriod,
    PaidBackFrom,
    PayClass,
)
from talent.admin.parts import PartsInline
from talent.admin.steps import step

from .amendments import ASKS, NEXT, Amends, ask, is_signed
from .drafts import WhileDraft

AS_IT_IS = _("as it is")


class GuaranteeInline(WhileDraft, PartsInline):
    """The least that each period earns; one counts at a time."""

    model = Guarantee
    fields = ["amount", "period", "cut_period", "starts_on", "ends_on"]
    readonly_fields = ["starts_on", "ends_on"]
    ordering = ["starts_on", "pk"]


class AdvanceInline(WhileDraft, PartsInline):
    """What is due ahead of use, and what pays it back."""

    model = Advance
    fields = ["label", "amount", "due_on", "paid_back_from"]
    ordering = ["due_on", "pk"]


def told(agreement):
    """Yield an agreement's money terms in words."""
    currency = agreement.currency
    guarantees = "; ".join(f"{row} {currency}" for row in agreement.guarantees.all())
    yield _("Guarantee"), guarantees or _("none")
    advances = "; ".join(
        f"{row.label}: {row.amount.normalize():f} {currency}, {row.due_on}"
        for row in agreement.advances.all()
    )
    yield _("Advances"), advances or _("none")
    if agreement.recoups_with:
        yield _("Recoups together with"), agreement.recoups_with
    if agreement.reserve_percent:
        yield (
            _("Reserve"),
            _("%(percent)s %% for %(periods)d statement periods")
            % {
                "percent": f"{agreement.reserve_percent.normalize():f}",
                "periods": agreement.reserve_periods,
            },
        )
    if agreement.contribution_plan != ContributionPlan.NONE:
        plan, pay_class = (
            agreement.get_contribution_plan_display(),
            agreement.get_contribution_class_display(),
        )
        payer = agreement.get_contributions_paid_by_display()
        yield _("Contributions on top"), f"{plan}, {pay_class}. {payer}"


# Amendments


def _amount(label, **more):
    return forms.DecimalField(
        label=label,
        min_value=0,
        max_digits=20,
        decimal_places=4,
        widget=UnfoldAdminDecimalFieldWidget,
        **more,
    )


def _choice(label, word, **more):
    return forms.ChoiceField(
        label=label, choices=word.choices(), widget=UnfoldAdminSelectWidget, **more
    )


def _other(label, word):
    """Return a choice among words that may be left as it is."""
    return forms.ChoiceField(
        label=label,
        choices=[("", AS_IT_IS), *word.choices()],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )


class GuaranteeForm(Amends):
    """Another guarantee, for the periods that begin from a day on; or none any more."""

    amount = _amount(_("The least that each period earns"), required=False)
    period = _choice(_("Counts for"), GuaranteePeriod)
    cut_period = _choice(_("In a period that the term cuts"), CutPeriod)
    ends = forms.BooleanField(
        label=_("Nothing is guaranteed for the periods that begin from that day on"),
        required=False,
        widget=UnfoldBooleanWidget,
    )

    def clean(self):
        data = super().clean()
        if not data.get("ends") and not data.get("amount"):
            self.add_error("amount", _("Say how much, above zero."))
        return data


class AdvanceForm(Amends):
    """A further advance; or one that is not due yet taken out."""

    label = forms.CharField(
        label=_("What it is for"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("As on signing, on delivery of the build."),
    )
    amount = _amount(_("Amount"), required=False)
    due_on = forms.DateField(label=_("Due on"), required=False, widget=UnfoldAdminSingleDateWidget)
    paid_back_from = _choice(_("Paid back"), PaidBackFrom)
    ends = forms.BooleanField(
        label=_("The advance of this name, which is not due yet, is taken out"),
        required=False,
        widget=UnfoldBooleanWidget,
    )

    def clean(self):
        data = super().clean()
        for name in () if data.get("ends") else ("amount", "due_on"):
            if not data.get(name):
                self.add_error(name, _("Say how much, and when it is due."))
        return data


class MoneyForm(Amends):
    """What may change of an agreement's reserve and contributions; left empty, it stays."""

    reserve_percent = _amount(_("Reserve, in percent"), required=False)
    reserve_periods = forms.IntegerField(
        label=_("Held for so many statement periods"),
        required=False,
        min_value=0,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    reserve_cap = _amount(
        _("The most that is held"), required=False, help_text=_("0: without a limit.")
    )
    contribution_plan = _other(_("Contribution plan"), ContributionPlan)
    contribution_class = _other(_("Its rate for"), PayClass)
    contributions_paid_by = _other(_("Contributions are paid by"), ContributionsPaidBy)


def _changed_guarantee(agreement, values):
    now = agreement.guarantees.filter(ends_on=None).first()
    if values["ends"]:
        return Change(GUARANTEE, None, now and now.pk)
    guarantee = Guarantee(
        amount=values["amount"],
        period=values["period"],
        cut_period=values["cut_period"],
        starts_on=values["counts_from"],
    )
    return Change(GUARANTEE, money_terms.guarantee_terms(guarantee), now and now.pk)


def _changed_advance(agreement, values):
    if values["ends"]:
        named = agreement.advances.filter(label=values["label"]).order_by("-due_on").first()
        return Change(ADVANCE, None, named and named.pk)
    names = ("label", "amount", "due_on", "paid_back_from")
    advance = Advance(**{name: values[name] for name in names})
    return Change(ADVANCE, money_terms.advance_terms(advance))


def _changed_money(agreement, values):
    after = money_terms.terms_of_agreement(agreement)
    for name in money_terms.OF_THE_AGREEMENT:
        if values[name] not in (None, ""):
            after[name] = money_terms.as_json(values[name])
    if values["reserve_cap"] == 0:
        after["reserve_cap"] = None
    return Change(MONEY, after, agreement.pk)


def _asks_for(change, name, **about):
    """Return the step that asks for what `change` makes of an agreement and the form's values."""

    def take(_admin, agreement, given):
        ask(agreement, change(agreement, given.values), given)

    take.__name__ = name
    shared = {"permission": ASKS, "done": NEXT, "offered": is_signed, "facts": told}
    return step(**shared, **about)(take)


class AsksForMoneyTerms:
    """Of an agreement's page: the steps that ask for another guarantee, advance or reserve."""

    ask_for_guarantee = _asks_for(
        _changed_guarantee,
        "ask_for_guarantee",
        label=_("Guarantee"),
        icon="shield",
        says=_(
            "Nothing changes yet: somebody else approves it. It then counts for the periods that "
            "begin from its day on, in place of the one there is. What is missing of it is owed "
            "when each of them ends."
        ),
        form=GuaranteeForm,
    )
    ask_for_advance = _asks_for(
        _changed_advance,
        "ask_for_advance",
        label=_("Advance"),
        icon="fast_forward",
        says=_(
            "Nothing changes yet: somebody else approves it. It is owed on its day, and paid back "
            "by what is earned in the periods that end after it."
        ),
        form=AdvanceForm,
    )
    ask_for_money = _asks_for(
        _changed_money,
        "ask_for_money",
        label=_("Reserve or plan"),
        icon="savings",
        says=_(
            "Nothing changes yet: somebody else approves it. Another reserve counts for money that "
            "is received later; another plan for all that was earned, so that it corrects what was "
            "reckoned before."
        ),
        form=MoneyForm,
    )
