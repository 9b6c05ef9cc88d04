import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('licensing', '0012_given_back_and_taken_away'),
        ('talent', '0009_language_of_texts'),
    ]

    operations = [
        migrations.CreateModel(
            name='UsageSum',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('bucket', models.UUIDField(help_text='A digest of the columns that make the bucket.')),
                ('month_on', models.DateField()),
                ('right', models.CharField(choices=[('face', 'Face'), ('body', 'Body'), ('voice', 'Voice'), ('motion', 'Motion'), ('performance_style', 'Performance style'), ('training_data', 'Training data'), ('composite', 'Composite')], max_length=32)),
                ('use', models.CharField(choices=[('feature', 'Feature'), ('series', 'Series'), ('animation', 'Animation'), ('dubbing', 'Dubbing'), ('adr', 'ADR'), ('stunt', 'Stunt'), ('background', 'Background'), ('game', 'Game'), ('interactive_promo', 'Interactive promo'), ('advertising', 'Advertising'), ('immersive', 'Immersive'), ('social', 'Social'), ('live', 'Live'), ('age_change', 'Age regression or progression'), ('reality', 'Reality'), ('posthumous_completion', 'Posthumous completion'), ('training', 'Training')], max_length=32)),
                ('territory', models.CharField(max_length=6)),
                ('language', models.CharField(blank=True, max_length=35)),
                ('channel', models.CharField(choices=[('cinema', 'Cinema'), ('streaming', 'Streaming'), ('broadcast', 'Broadcast'), ('game', 'Game'), ('online', 'Online'), ('social', 'Social'), ('immersive', 'Immersive'), ('live', 'Live'), ('other', 'Other')], max_length=32)),
                ('prompt_class', models.CharField(choices=[('scripted', 'Scripted line'), ('revision', 'Revision'), ('free', 'Free prompt'), ('conversation', 'Conversation'), ('none', 'No prompt')], max_length=32)),
                ('real_time', models.BooleanField()),
                ('standing', models.CharField(choices=[('cleared', 'Cleared'), ('uncleared', 'Uncleared'), ('out_of_scope', 'Out of scope'), ('over_cap', 'Over cap'), ('on_hold', 'On hold')], max_length=32)),
                ('treatment', models.CharField(blank=True, choices=[('licensed', 'As licensed use'), ('unlicensed', 'At the rate for unlicensed use'), ('held', 'Held'), ('zero', 'Nothing is owed')], db_default='', help_text='What a ruling made of it.', max_length=32)),
                ('counts_from', models.DateField(help_text='The day after they happen, of uses that came before that.', null=True)),
                ('whole', models.JSONField(help_text='What one event says in all, where these are parts of events.', null=True)),
                ('uniform', models.BooleanField(help_text='All events carry the same quantities, so each can be rounded.')),
                ('events', models.IntegerField(help_text='Below zero for what was taken back.')),
                ('leaves', models.IntegerField(help_text='Leaves of the log that it tells of.')),
                ('first_seat', models.IntegerField()),
                ('last_seat', models.IntegerField()),
                ('lines', models.DecimalField(decimal_places=6, max_digits=30, null=True)),
                ('words', models.DecimalField(decimal_places=6, max_digits=30, null=True)),
                ('characters', models.DecimalField(decimal_places=6, max_digits=30, null=True)),
                ('seconds', models.DecimalField(decimal_places=6, max_digits=30, null=True)),
                ('frames', models.DecimalField(decimal_places=6, max_digits=30, null=True)),
                ('shots', models.DecimalField(decimal_places=6, max_digits=30, null=True)),
                ('tokens', models.DecimalField(decimal_places=6, max_digits=30, null=True)),
                ('prompts', models.DecimalField(decimal_places=6, max_digits=30, null=True)),
                ('sessions', models.DecimalField(decimal_places=6, max_digits=30, null=True)),
                ('gpu_seconds', models.DecimalField(decimal_places=6, max_digits=30, null=True)),
                ('equivalent_days', models.DecimalField(decimal_places=6, max_digits=30, null=True)),
                ('runs', models.DecimalField(decimal_places=6, max_digits=30, null=True)),
                ('copies', models.DecimalField(decimal_places=6, max_digits=30, null=True)),
                ('revenue', models.DecimalField(decimal_places=6, max_digits=30, null=True)),
                ('agency', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.agency')),
                ('agreement', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.agreement')),
                ('batch', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.usagebatch')),
                ('production', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.production')),
            ],
            options={
                'indexes': [models.Index(fields=['agreement', 'batch'], name='usage_sum_agreement')],
                'constraints': [models.UniqueConstraint(fields=('batch', 'bucket'), name='usage_sum_once')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='usagesum',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='a563c941ef75baa218ab292cef991066359af0b4', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_ecc56', table='licensing_usagesum', when='BEFORE')),
        ),
    ]
