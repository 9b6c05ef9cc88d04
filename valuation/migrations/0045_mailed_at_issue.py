from django.db import migrations, models

from talent.migrations._together import together


class Migration(migrations.Migration):
    dependencies = [
        ("valuation", "0044_part_scores"),
    ]

    operations = together(
        [
            migrations.AddField(
                model_name="invoicestep",
                name="mail_to",
                field=models.EmailField(
                    blank=True,
                    db_default="",
                    default="",
                    help_text="Of the issue: where a link to the document goes once it is drawn.",
                    max_length=254,
                ),
            ),
            migrations.AddField(
                model_name="paymentterms",
                name="mails_invoices",
                field=models.BooleanField(
                    db_default=False,
                    default=False,
                    help_text="A link goes to the licensee’s billing address, unless who issues it says no.",
                    verbose_name="mail invoices as they are issued",
                ),
            ),
        ]
    )
