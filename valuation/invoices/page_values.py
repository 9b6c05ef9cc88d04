"""What the templates of an invoice's documents show, written out for its reader."""

from typing import Any

from django.utils.translation import gettext as _

from talent import locales
from valuation.words import InvoiceKind, InvoiceLineKind

from .content import DAY, Content, LineTold, PartyTold, UseTold
from .exports import OF_COMMISSION, tax_in_words, terms_in_words

LETTER = {"US", "CA", "MX"}


def of(content: Content) -> dict[str, Any]:
    """Return the values of an invoice's pages: money, days and places as its locale writes them."""
    locale, currency = content.locale, content.currency
    # A credit note says what is credited, above zero.
    sign = -1 if content.is_credit else 1
    used = sum((use.amount for use in content.uses), start=content.net * 0)
    return {
        # An invoice of what a studio invoices itself would charge for it twice.
        "title": _("Request for payment")
        if content.wording and content.kind == InvoiceKind.INVOICE
        else InvoiceKind(content.kind).label,
        "wording": content.wording,
        "language": locales.known(locale).language,
        "is_credit": content.is_credit,
        "is_settled": content.kind in OF_COMMISSION,
        "number": content.number,
        "issued_on": content.issued_on and locales.day(content.issued_on, locale),
        "due_on": content.due_on and locales.day(content.due_on, locale),
        "through": locales.day(content.through, locale),
        "period": locales.period(content.starts_on, content.last_day + DAY, locale),
        "paper": "letter" if content.seller.country in LETTER else "A4",
        "seller": _party(content.seller, locale),
        "buyer": _party(content.buyer, locale),
        "reference": content.buyer_reference,
        "currency": currency,
        "currency_name": locales.currency_name(currency, locale),
        "lines": [_line(line, content, sign) for line in content.lines],
        "net": locales.money(sign * content.net, currency, locale),
        "tax": locales.money(sign * content.tax_amount, currency, locale),
        "tax_words": tax_in_words(content),
        "is_taxed": bool(content.tax.percent),
        "total": locales.money(sign * content.total, currency, locale),
        "terms": terms_in_words(content),
        "pay_to": content.pay_to,
        "corrects": ", ".join(content.corrects),
        "uses": [_use(use, content) for use in content.uses],
        "used": locales.money(used, currency, locale),
        "others": locales.money(content.net - used, currency, locale),
        "has_others": used != content.net,
    }


def _party(party: PartyTold, locale: str) -> dict[str, Any]:
    country = locales.territory(party.country, locale)
    numbers = [
        *([_("VAT number %s") % party.vat_number] if party.vat_number else []),
        *([_("Registration %s") % party.registration] if party.registration else []),
    ]
    return {"name": party.name, "address": [*party.address, country], "numbers": numbers}


def _line(line: LineTold, content: Content, sign: int) -> dict[str, Any]:
    return {
        "agreement": line.agreement,
        "label": line.label,
        "kind": InvoiceLineKind(line.kind).label,
        "period": locales.period(line.period_on, line.last_day + DAY, content.locale),
        "quantity": line.quantity_told,
        "rates": line.rates,
        "amount": locales.money(sign * line.amount, content.currency, content.locale),
        "corrects": line.corrects,
    }


def _use(use: UseTold, content: Content) -> dict[str, Any]:
    return {
        "agreement": use.agreement,
        "label": use.label,
        "month": locales.month(use.month_on, content.locale),
        "what": ", ".join(use.uses),
        "where": ", ".join(use.productions),
        "languages": ", ".join(locales.language(one, content.locale) for one in use.languages),
        "quantity": use.quantity_told,
        "amount": locales.money(use.amount, content.currency, content.locale),
    }
