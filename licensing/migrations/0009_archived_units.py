import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from talent.migrations._together import together

# Whose the seconds were was not kept: they count for every licensee, in the year they came in.
COPIED = """
INSERT INTO licensing_archivedunits
    (archive_id, twin_id, "right", use, year, received_until, meter, quantity)
SELECT archive_id, twin_id, "right", use,
    extract(year FROM received_until AT TIME ZONE 'UTC')::int, received_until, 'seconds', seconds
FROM licensing_archivedseconds
"""


class Migration(migrations.Migration):

    dependencies = [
        ("licensing", "0008_money_whatever_comes_later"),
        ("talent", "0008_money_whatever_comes_later"),
    ]

    operations = together([
        migrations.CreateModel(
            name='ArchivedUnits',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('right', models.CharField(choices=[('face', 'Face'), ('body', 'Body'), ('voice', 'Voice'), ('motion', 'Motion'), ('performance_style', 'Performance style'), ('training_data', 'Training data'), ('composite', 'Composite')], max_length=32)),
                ('use', models.CharField(choices=[('feature', 'Feature'), ('series', 'Series'), ('animation', 'Animation'), ('dubbing', 'Dubbing'), ('adr', 'ADR'), ('stunt', 'Stunt'), ('background', 'Background'), ('game', 'Game'), ('interactive_promo', 'Interactive promo'), ('advertising', 'Advertising'), ('immersive', 'Immersive'), ('social', 'Social'), ('live', 'Live'), ('age_change', 'Age regression or progression'), ('reality', 'Reality'), ('posthumous_completion', 'Posthumous completion'), ('training', 'Training')], max_length=32)),
                ('year', models.SmallIntegerField(help_text='The calendar year of the uses, in UTC.')),
                ('meter', models.CharField(choices=[('lines', 'Lines'), ('words', 'Words'), ('characters', 'Characters'), ('seconds', 'Seconds'), ('frames', 'Frames'), ('shots', 'Shots'), ('tokens', 'Tokens'), ('prompts', 'Prompts'), ('sessions', 'Sessions'), ('gpu_seconds', 'GPU seconds'), ('equivalent_days', 'Equivalent days'), ('runs', 'Runs'), ('copies', 'Copies'), ('revenue', 'Revenue')], max_length=32)),
                ('received_until', models.DateTimeField(help_text="When the last of one day's events came.")),
                ('quantity', models.DecimalField(decimal_places=6, max_digits=30)),
                ('archive', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='units', to='licensing.eventarchive')),
                ('licensee', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.licensee')),
                ('twin', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.digitaltwin')),
            ],
            options={
                'verbose_name_plural': 'archived units',
            },
        ),
        migrations.RunSQL(COPIED, migrations.RunSQL.noop),
        migrations.DeleteModel(
            name='ArchivedSeconds',
        ),
        migrations.AddIndex(
            model_name='archivedunits',
            index=models.Index(fields=['twin', 'right', 'use'], name='archived_units_twin'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='archivedunits',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='9e11b575f1667547570908a9a188ba33ecaa0a3f', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_d6105', table='licensing_archivedunits', when='BEFORE')),
        ),
    ])
