from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("valuation", "0001_initial")]

    operations = [
        migrations.AddField(
            "usagetotal",
            "counts_from",
            models.DateField(
                null=True, help_text="The day after they happen, of uses that came before that."
            ),
        ),
        migrations.AddField(
            "usagetotal",
            "whole",
            models.JSONField(
                null=True, help_text="What one event says in all, where these are parts of events."
            ),
        ),
        AddIndexConcurrently(
            "usagetotal",
            models.Index(
                fields=["counts_from"],
                name="usage_total_counts_from",
                condition=models.Q(counts_from__isnull=False),
            ),
        ),
    ]
