import django.db.models.deletion
from django.db import migrations, models

from talent.migrations._together import together


class Migration(migrations.Migration):

    dependencies = [
        ('licensing', '0013_usage_added_up_as_it_comes'),
        ('talent', '0010_names_are_lines'),
        ('valuation', '0008_names_are_lines'),
    ]

    operations = together([
        migrations.AlterField(
            model_name='residualline',
            name='agency',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.agency'),
        ),
        migrations.AlterField(
            model_name='residualline',
            name='agreement',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.agreement'),
        ),
        migrations.AlterField(
            model_name='residualline',
            name='twin',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.digitaltwin'),
        ),
        migrations.AlterField(
            model_name='usagetotal',
            name='agency',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.agency'),
        ),
        migrations.AlterField(
            model_name='usagetotal',
            name='agreement',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.agreement'),
        ),
        migrations.AlterField(
            model_name='usagetotal',
            name='production',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.production'),
        ),
        migrations.AddIndex(
            model_name='usagetotal',
            index=models.Index(fields=['agreement', 'run'], name='usage_total_agreement_run'),
        ),
    ])
