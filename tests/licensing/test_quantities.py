"""How quantities are said."""

from decimal import Decimal as D

import pytest

from licensing.quantities import COUNTED, measured
from licensing.words import Meter


@pytest.mark.parametrize(
    ("quantity", "meter", "locale", "said"),
    [
        ("1", Meter.EQUIVALENT_DAYS, "en", "1 equivalent day"),
        ("1.000000", Meter.LINES, "en", "1 line"),
        ("2", Meter.LINES, "en", "2 lines"),
        ("0", Meter.COPIES, "en", "0 copies"),
        ("0.5", Meter.EQUIVALENT_DAYS, "en", "0.5 equivalent days"),
        ("1.5", Meter.GPU_SECONDS, "de-DE", "1,5 GPU seconds"),
        ("3400", Meter.WORDS, "en", "3,400 words"),
    ],
)
def test_a_quantity_is_said_as_one_or_as_several(quantity, meter, locale, said):
    assert measured(D(quantity), meter, locale) == said


def test_every_meter_can_be_said():
    assert set(COUNTED) == set(Meter)
