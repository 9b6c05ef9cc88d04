from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("valuation", "0003_room_for_sums")]

    operations = [
        migrations.AddField(
            "nightshard",
            "events_unpriced",
            models.BigIntegerField(
                default=0,
                db_default=0,
                help_text="Of those worth zero: where nothing says that they are.",
            ),
        ),
        AddIndexConcurrently(
            "nightshard",
            models.Index(
                name="night_shard_unpriced",
                fields=["agreement"],
                condition=models.Q(events_unpriced__gt=0),
            ),
        ),
    ]
