"""Tags that write days, numbers and money as the reader of the page does (`reader` in context)."""

from datetime import date, datetime
from decimal import Decimal

from django import template
from django.utils import timezone

from talent import locales

register = template.Library()
FALLBACK = "en"


def reader_locale(context) -> str:
    reader = context.get("reader")
    return reader.locale if reader else FALLBACK


@register.simple_tag(takes_context=True)
def money(context, value: Decimal, currency: str) -> str:
    return locales.money(value, currency, reader_locale(context))


@register.simple_tag(takes_context=True)
def unit_price(context, value: Decimal, currency: str) -> str:
    return locales.unit_price(value, currency, reader_locale(context))


@register.simple_tag(takes_context=True)
def amount(context, value: Decimal, currency: str) -> str:
    return locales.amount(value, currency, reader_locale(context))


@register.simple_tag(takes_context=True)
def quantity(context, value: Decimal) -> str:
    return locales.quantity(Decimal(value), reader_locale(context))


@register.simple_tag(takes_context=True)
def day(context, value: date) -> str:
    return locales.short_day(value, reader_locale(context))


@register.simple_tag(takes_context=True)
def month(context, value: date) -> str:
    return locales.month(value, reader_locale(context))


@register.simple_tag(takes_context=True)
def period(context, starts_on: date, ends_on: date) -> str:
    return locales.period(starts_on, ends_on, reader_locale(context))


@register.simple_tag(takes_context=True)
def instant(context, value: datetime) -> str:
    reader = context.get("reader")
    zone = reader.time_zone if reader else timezone.get_current_timezone_name()
    return locales.instant(value, zone, reader_locale(context))


@register.simple_tag(takes_context=True)
def deadline(context, value: datetime) -> str:
    """Write until when something is open: to the minute, with the zone that it is told in."""
    reader = context.get("reader")
    zone = reader.time_zone if reader else timezone.get_current_timezone_name()
    return locales.minute(value, zone, reader_locale(context))


@register.simple_tag(takes_context=True)
def language_name(context, tag: str) -> str:
    """Name a BCP 47 language. Not called `language`, which is a tag of Django's i18n."""
    return locales.language(tag, reader_locale(context))


@register.simple_tag(takes_context=True)
def territory(context, code: str) -> str:
    return locales.territory(code, reader_locale(context))
