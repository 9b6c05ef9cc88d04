"""A tag that says a quantity with what its meter counts (`reader` in context)."""

from decimal import Decimal

from django import template

from licensing.quantities import measured as said
from talent.templatetags.desk import reader_locale

register = template.Library()


@register.simple_tag(takes_context=True)
def measured(context, quantity: Decimal, meter: str) -> str:
    return said(quantity, meter, reader_locale(context))
