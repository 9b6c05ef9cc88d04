from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("licensing", "0002_approvals_bound")]

    operations = [
        migrations.AlterField(
            "capyear", name, models.DecimalField(max_digits=30, decimal_places=6, default=0)
        )
        for name in ("reserved", "used")
    ]
