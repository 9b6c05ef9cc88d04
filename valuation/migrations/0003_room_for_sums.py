from django.db import migrations, models

from talent.migrations._together import together

METERS = (
    "lines", "words", "characters", "seconds", "frames", "shots", "tokens", "prompts", "sessions",
    "gpu_seconds", "equivalent_days", "runs", "copies", "revenue",
)  # fmt: skip
SHARD_STATES = [
    ("waiting", "Waiting"),
    ("done", "Done"),
    ("partly", "Done, with use set aside"),
    ("failed", "Failed"),
]


class Migration(migrations.Migration):
    dependencies = [("valuation", "0002_uses_that_are_ahead")]

    operations = together([
        *(
            migrations.AlterField(
                "usagetotal",
                name,
                models.DecimalField(max_digits=30, decimal_places=6, null=True),
            )
            for name in METERS
        ),
        migrations.AddField(
            "nightshard",
            "set_aside",
            models.JSONField(
                default=list, db_default=[], help_text="Use that could not be rated, and why."
            ),
        ),
        migrations.AlterField(
            "nightshard",
            "status",
            models.CharField(max_length=32, choices=SHARD_STATES, default="waiting"),
        ),
        migrations.RemoveConstraint("nightshard", "night_shard_status_is_known"),
        migrations.AddConstraint(
            "nightshard",
            models.CheckConstraint(
                name="night_shard_status_is_known",
                condition=models.Q(status__in=["waiting", "done", "partly", "failed"]),
            ),
        ),
    ])
