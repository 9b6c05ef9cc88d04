from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("licensing", "0005_deliveries_let_be")]

    operations = [
        migrations.AddField(
            "usageimport",
            "left_out",
            models.PositiveIntegerField(
                default=0,
                db_default=0,
                help_text="Rows of totals, and the header again: no uses.",
            ),
        ),
        migrations.AddField(
            "usageimport",
            "known_rows",
            models.JSONField(
                default=list, db_default=[], help_text="The rows that were held for known."
            ),
        ),
        migrations.AddField(
            "usagesheet",
            "survey",
            models.JSONField(
                default=dict,
                db_default={},
                help_text="Samples of each column, and how it seems written.",
            ),
        ),
    ]
