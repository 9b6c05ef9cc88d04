"""Deal terms as amendments keep them: as JSON, checked, and put in place by an approved one."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from licensing.models import Amendment, DealTerms
from licensing.words import AmendmentSubject
from talent.errors import Refused

DEAL = AmendmentSubject.DEAL
# What a signed agreement is, not what it says: another kind of deal is another agreement.
FIXED = frozenset(["id", "agreement_id", "kind"])


class DealTermsUnsound(Refused):
    """Deal terms that cannot stand."""

    code = "deal_terms_unsound"


def deal_terms(deal: DealTerms) -> dict[str, Any]:
    """Return the deal terms that an amendment shows and changes, numbers with fractions as text."""
    held_by = deal.held_by.name if deal.held_by else None
    return {name: _json(getattr(deal, name)) for name in names()} | {"held_by": held_by}


def names() -> list[str]:
    """Return the columns that an amendment may change, in the order of the model."""
    columns = (field.attname for field in DealTerms._meta.concrete_fields)
    return [name for name in columns if name not in FIXED]


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return sorted(value) if isinstance(value, list) else value


def check(amendment: Amendment, _at: datetime) -> None:
    """Raise DealTermsUnsound for deal terms that cannot stand."""
    try:
        _changed(amendment).full_clean()
    except ValidationError as error:
        raise DealTermsUnsound(" ".join(error.messages)) from error


def apply(amendment: Amendment, _at: datetime) -> None:
    """Let changed deal terms hold from now on."""
    _changed(amendment).save(update_fields=names())


def refuse_to_end() -> None:
    """Raise DealTermsUnsound: without deal terms nobody knows what was agreed."""
    raise DealTermsUnsound(_("Deal terms are changed, not ended."))


def _changed(amendment: Amendment) -> DealTerms:
    rows = DealTerms.objects.filter(agreement=amendment.agreement)
    deal: DealTerms | None = rows.filter(pk=amendment.row or 0).first()
    if deal is None:
        raise DealTermsUnsound(_("This agreement has no deal terms that could change."))
    for name, value in (amendment.after or {}).items():
        if name in names():
            setattr(deal, name, _value(name, value))
    return deal


def _value(name: str, value: Any) -> Any:
    field = DealTerms._meta.get_field(name.removesuffix("_id"))
    if isinstance(field, models.DecimalField) and value is not None:
        return Decimal(value)
    return value
