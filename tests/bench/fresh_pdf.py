"""Draws one statement in a process of its own: the yardstick of a warm worker."""

import django

django.setup()

from tests.valuation.statements import cases  # noqa: E402 (after the set-up)
from valuation.statements import pdf  # noqa: E402

pdf.draw(cases.FIVE_LINES)
