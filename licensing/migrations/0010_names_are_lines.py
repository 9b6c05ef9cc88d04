from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations
from django.db.models import CheckConstraint, Q

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
    dependencies = [("licensing", "0009_archived_units")]

    operations = [
        _line("brand", "name", "brand_name_is_a_line"),
        _line("licensee", "name", "licensee_name_is_a_line"),
        _line("production", "title", "production_title_is_a_line"),
    ]
