from datetime import date

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations
from django.db.models import CheckConstraint, F, Q

DAYS = (date(1800, 1, 1), date(2199, 12, 31))
# What breaks a line, and what nobody sees.
UNSEEN = r"[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb\ufeff]"


def _line(model: str, field: str, name: str) -> AddConstraintNotValid:
    """Ask it of what is written from now on: what was written before is shown with signs."""
    return AddConstraintNotValid(
        model,
        CheckConstraint(
            name=name,
            condition=~Q(**{f"{field}__regex": UNSEEN}),
            violation_error_message=(
                "This is one line, without breaks or characters that nobody sees."
            ),
        ),
    )


class Migration(migrations.Migration):
    dependencies = [("talent", "0009_language_of_texts")]

    operations = [
        _line("agency", "name", "agency_name_is_a_line"),
        _line("beneficiary", "name", "beneficiary_name_is_a_line"),
        _line("digitaltwin", "name", "digital_twin_name_is_a_line"),
        _line("performer", "name", "performer_name_is_a_line"),
        _line("performer", "legal_name", "performer_legal_name_is_a_line"),
        _line("user", "first_name", "user_first_name_is_a_line"),
        _line("user", "last_name", "user_last_name_is_a_line"),
        AddConstraintNotValid(
            "performer",
            CheckConstraint(
                name="performer_days_are_of_a_life",
                condition=(Q(born_on=None) | Q(born_on__range=DAYS))
                & (Q(died_on=None) | Q(died_on__range=DAYS))
                & (Q(born_on=None) | Q(died_on=None) | Q(died_on__gte=F("born_on"))),
                violation_error_message="Nobody dies before they are born, nor in such a year.",
            ),
        ),
    ]
