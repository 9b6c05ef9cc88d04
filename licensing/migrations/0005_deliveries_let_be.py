from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("licensing", "0004_amendments")]

    operations = [
        migrations.AddField(
            "webhookdelivery",
            "let_be_at",
            models.DateTimeField(
                blank=True,
                null=True,
                help_text="When somebody decided that it need not be sent.",
            ),
        ),
        AddIndexConcurrently(
            "webhookdelivery",
            models.Index(
                name="webhook_delivery_failed",
                fields=["endpoint"],
                condition=models.Q(status="failed"),
            ),
        ),
    ]
