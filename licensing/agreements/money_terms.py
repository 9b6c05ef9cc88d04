"""Money terms: guarantees, advances, reserves and who recoups together, as signed and amended."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from licensing.models import Advance, Agreement, Amendment, Guarantee
from licensing.money import rounded
from licensing.words import AmendmentSubject, CutPeriod, GuaranteePeriod
from talent.beneficiaries import splits_of
from talent.errors import Refused
from talent.periods import local_day

GUARANTEE, ADVANCE, MONEY = (
    AmendmentSubject.GUARANTEE,
    AmendmentSubject.ADVANCE,
    AmendmentSubject.MONEY,
)

# What an amendment may change of the agreement itself. With whom it recoups is fixed at signing,
# because another group would pay back what earlier use has paid back already.
OF_THE_AGREEMENT = (
    "reserve_percent",
    "reserve_periods",
    "reserve_cap",
    "contribution_plan",
    "contribution_class",
    "contributions_paid_by",
)


class MoneyTermsUnsound(Refused):
    """A guarantee, an advance or a reserve that cannot be computed."""

    code = "money_terms_unsound"


class GroupDoesNotFit(Refused):
    """Agreements that recoup together have one currency and pay the same people."""

    code = "group_does_not_fit"


def refuse_unsound(agreement: Agreement) -> None:
    """Raise MoneyTermsUnsound or GroupDoesNotFit for terms that cannot be computed."""
    guarantees = list(agreement.guarantees.all())
    if len(guarantees) > 1:
        raise MoneyTermsUnsound(_("One guarantee counts at a time; take the others out."))
    for guarantee in guarantees:
        refuse_guarantee(guarantee, agreement)
    for advance in agreement.advances.all():
        refuse_advance(advance, agreement)
    refuse_group(agreement)


def refuse_guarantee(guarantee: Guarantee, agreement: Agreement) -> None:
    """Raise MoneyTermsUnsound for parts of a cent, and for what a term does not tell.

    A whole term is not cut by days: an early end would leave open of how many days it has been.
    """
    _refuse_fractions(guarantee.amount, agreement.currency)
    if guarantee.period != GuaranteePeriod.TERM:
        return
    if guarantee.cut_period == CutPeriod.BY_DAYS:
        raise MoneyTermsUnsound(_("A guarantee for the whole term counts whole, not by days."))
    if agreement.ends_at is None:
        raise MoneyTermsUnsound(
            _("A guarantee for the whole term needs a term that ends; give the agreement an end.")
        )


def refuse_advance(advance: Advance, agreement: Agreement) -> None:
    """Raise MoneyTermsUnsound for an advance of parts of a cent."""
    _refuse_fractions(advance.amount, agreement.currency)


def _refuse_fractions(amount: Decimal, currency: str) -> None:
    if amount != rounded(amount, currency):
        raise MoneyTermsUnsound(
            _("%(amount)s %(currency)s cannot be paid; check the amount.")
            % {"amount": f"{amount.normalize():f}", "currency": currency}
        )


def refuse_group(agreement: Agreement) -> None:
    """Raise GroupDoesNotFit unless all that recoup with an agreement are of a kind with it."""
    if not agreement.recoups_with:
        return
    people = _who_is_paid(agreement)
    others = Agreement.objects.filter(
        agency=agreement.agency_id, recoups_with=agreement.recoups_with
    ).exclude(pk=agreement.pk)
    for other in others.select_related("twin__performer").order_by("pk"):
        if other.currency != agreement.currency:
            raise GroupDoesNotFit(
                _(
                    "%(other)s is in %(currency)s: agreements in two currencies do not recoup "
                    "together. Name another group, or none."
                )
                % {"other": other, "currency": other.currency}
            )
        if _who_is_paid(other) != people:
            raise GroupDoesNotFit(
                _(
                    "%(other)s pays other people: what one is advanced is not paid back by what "
                    "another earns. Name another group, or none."
                )
                % {"other": other}
            )


def _who_is_paid(agreement: Agreement) -> set[int]:
    return {share.beneficiary_id for split in splits_of(agreement.twin) for share in split.shares}


# As JSON, for amendments


def guarantee_terms(guarantee: Guarantee) -> dict[str, Any]:
    """Return the terms of a guarantee that an amendment shows and changes."""
    return {
        "amount": _plain(guarantee.amount),
        "period": guarantee.period,
        "cut_period": guarantee.cut_period,
        "starts_on": _day(guarantee.starts_on),
        "ends_on": _day(guarantee.ends_on),
    }


def advance_terms(advance: Advance) -> dict[str, Any]:
    """Return the terms of an advance that an amendment shows and adds."""
    return {
        "label": advance.label,
        "amount": _plain(advance.amount),
        "due_on": _day(advance.due_on),
        "paid_back_from": advance.paid_back_from,
    }


def terms_of_agreement(agreement: Agreement) -> dict[str, Any]:
    """Return the terms of an agreement itself that an amendment shows and changes."""
    return {name: as_json(getattr(agreement, name)) for name in OF_THE_AGREEMENT}


def as_json(value: Any) -> Any:
    """Return a term as an amendment keeps it: amounts as text."""
    return _plain(value) if isinstance(value, Decimal) else value


def _plain(amount: Decimal) -> str:
    return f"{Decimal(amount).normalize():f}"


def _day(day: date | str | None) -> str | None:
    return None if day is None else str(day)


# Checked, and applied


def check(amendment: Amendment, at: datetime) -> None:
    """Refuse an amendment of money terms that cannot stand."""
    _CHECKS[amendment.about](amendment, at)


def _check_guarantee(amendment: Amendment, _at: datetime) -> None:
    others = Guarantee.objects.filter(agreement=amendment.agreement, ends_on=None)
    if others.exclude(pk=amendment.row or 0).exists():
        raise MoneyTermsUnsound(_("One guarantee counts at a time; ask to change it."))
    guarantee = _guarantee_of(amendment)
    _refuse_invalid(guarantee)
    refuse_guarantee(guarantee, amendment.agreement)


def _check_advance(amendment: Amendment, _at: datetime) -> None:
    if amendment.row is not None:
        raise MoneyTermsUnsound(
            _("An advance is not changed: take it out before it is due, and ask for another.")
        )
    advance = _advance_of(amendment)
    _refuse_invalid(advance)
    refuse_advance(advance, amendment.agreement)
    if advance.due_on < amendment.counts_from:
        raise MoneyTermsUnsound(_("An advance is due on the day it counts from, or later."))


def _check_money(amendment: Amendment, _at: datetime) -> None:
    _refuse_invalid(_changed_agreement(amendment))


def refuse_to_end(amendment: Amendment, at: datetime) -> None:
    """Raise MoneyTermsUnsound for taking out an advance that is due already."""
    if amendment.about != ADVANCE:
        return
    due_on = date.fromisoformat((amendment.before or {})["due_on"])
    if due_on <= local_day(at, amendment.agreement.time_zone):
        raise MoneyTermsUnsound(_("It is due already, and is not taken out any more."))


def apply(amendment: Amendment, _at: datetime) -> None:
    """Let an amendment of money terms hold from its day on."""
    _APPLY[amendment.about](amendment)


def _apply_guarantee(amendment: Amendment) -> None:
    if amendment.row is not None:
        Guarantee.objects.filter(pk=amendment.row).update(ends_on=amendment.counts_from)
    if amendment.after is not None:
        _guarantee_of(amendment).save()


def _apply_advance(amendment: Amendment) -> None:
    if amendment.after is None:
        Advance.objects.filter(pk=amendment.row or 0).delete()
    else:
        _advance_of(amendment).save()


def _apply_money(amendment: Amendment) -> None:
    _changed_agreement(amendment).save(update_fields=list(OF_THE_AGREEMENT))


_CHECKS: Mapping[str, Callable[[Amendment, datetime], None]] = {
    GUARANTEE: _check_guarantee,
    ADVANCE: _check_advance,
    MONEY: _check_money,
}
_APPLY: Mapping[str, Callable[[Amendment], None]] = {
    GUARANTEE: _apply_guarantee,
    ADVANCE: _apply_advance,
    MONEY: _apply_money,
}


def _guarantee_of(amendment: Amendment) -> Guarantee:
    """Return the guarantee that counts for the periods that begin from the amendment's day on."""
    after = amendment.after or {}
    return Guarantee(
        agreement=amendment.agreement,
        amount=Decimal(after["amount"]),
        period=after["period"],
        cut_period=after["cut_period"],
        starts_on=amendment.counts_from,
    )


def _advance_of(amendment: Amendment) -> Advance:
    after = amendment.after or {}
    return Advance(
        agreement=amendment.agreement,
        label=after["label"],
        amount=Decimal(after["amount"]),
        due_on=date.fromisoformat(after["due_on"]),
        paid_back_from=after["paid_back_from"],
    )


def _changed_agreement(amendment: Amendment) -> Agreement:
    agreement = amendment.agreement
    for name, value in (amendment.after or {}).items():
        if name in OF_THE_AGREEMENT:
            setattr(agreement, name, _value(name, value))
    return agreement


def _value(name: str, value: Any) -> Any:
    if name in {"reserve_percent", "reserve_cap"} and value is not None:
        return Decimal(value)
    return value


def _refuse_invalid(row: Agreement | Guarantee | Advance) -> None:
    try:
        row.full_clean(exclude=["tag_key"])
    except ValidationError as error:
        raise MoneyTermsUnsound(" ".join(error.messages)) from error
