from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("talent", "0005_twin_names_by_owner")]

    operations = [
        migrations.AddField(
            "outboxmessage",
            "let_be_at",
            models.DateTimeField(
                blank=True,
                null=True,
                help_text="When somebody decided that it need not be sent.",
            ),
        ),
    ]
