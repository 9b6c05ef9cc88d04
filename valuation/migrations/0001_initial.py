import django.db.models.deletion
import django.db.models.expressions
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('licensing', '0002_relations'),
        ('pghistory', '0007_auto_20250421_0444'),
        ('talent', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Assumption',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('term', models.CharField(choices=[('c_savings', 'Savings'), ('m_expansion', 'Expansion'), ('l_licensing', 'Licensing'), ('t_compute', 'Compute'), ('r_depreciation', 'Depreciation')], max_length=32)),
                ('label', models.CharField(max_length=200)),
                ('quantity', models.DecimalField(decimal_places=6, default=1, max_digits=20)),
                ('unit_amount', models.DecimalField(decimal_places=4, max_digits=20)),
                ('probability', models.DecimalField(decimal_places=5, default=1, max_digits=6)),
                ('source', models.CharField(max_length=300)),
            ],
        ),
        migrations.CreateModel(
            name='Account',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('receivable', 'Receivable from a licensee'), ('accrued', 'Earned, not yet received'), ('payable', 'Payable to a beneficiary'), ('trust_cash', 'Trust cash'), ('unmatched', 'Unmatched cash'), ('commission', 'Commission'), ('minor_trust', "Minor's blocked trust"), ('withholding', 'Tax withheld')], max_length=32)),
                ('currency', models.CharField(max_length=3)),
                ('agency', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.agency')),
                ('beneficiary', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.beneficiary')),
                ('licensee', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.licensee')),
            ],
        ),
        migrations.CreateModel(
            name='NightRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('as_of', models.DateField()),
                ('started_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('status', models.CharField(choices=[('running', 'Running'), ('finished', 'Finished'), ('incomplete', 'Finished with failures')], default='running', max_length=32)),
                ('from_index', models.BigIntegerField()),
                ('to_index', models.BigIntegerField()),
                ('events_read', models.BigIntegerField(default=0)),
                ('events_rated', models.BigIntegerField(default=0)),
                ('events_held', models.BigIntegerField(default=0)),
                ('events_zero', models.BigIntegerField(default=0, help_text='Read, and no rate line applies.')),
                ('rejected', models.BigIntegerField(default=0, help_text='Dead letters since the last run.')),
                ('amounts', models.JSONField(default=dict, help_text='Posted by currency.')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('status__in', ['running', 'finished', 'incomplete'])), name='night_run_status_is_known'), models.CheckConstraint(condition=models.Q(('to_index__gte', models.F('from_index'))), name='night_run_reads_forward'), models.UniqueConstraint(condition=models.Q(('status', 'running')), fields=('status',), name='night_run_one_at_a_time', violation_error_message='Another night is running.')],
            },
        ),
        migrations.CreateModel(
            name='JournalEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('accrual', 'Accrual'), ('receipt', 'Receipt'), ('release', 'Release of received money'), ('payout', 'Payout'), ('reversal', 'Reversal')], max_length=32)),
                ('effective_on', models.DateField()),
                ('recorded_at', models.DateTimeField()),
                ('description', models.CharField(max_length=300)),
                ('agency', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.agency')),
                ('agreement', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.agreement')),
                ('recorded_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('reverses', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reversed_by', to='valuation.journalentry')),
                ('run', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='valuation.nightrun')),
            ],
            options={
                'verbose_name_plural': 'journal entries',
            },
        ),
        migrations.CreateModel(
            name='NightShard',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('done', 'Done'), ('failed', 'Failed')], default='waiting', max_length=32)),
                ('error', models.CharField(blank=True, max_length=500)),
                ('events_rated', models.BigIntegerField(default=0)),
                ('events_held', models.BigIntegerField(default=0)),
                ('events_zero', models.BigIntegerField(default=0)),
                ('posted', models.DecimalField(decimal_places=4, default=0, max_digits=20)),
                ('agreement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.agreement')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='shards', to='valuation.nightrun')),
            ],
        ),
        migrations.CreateModel(
            name='Reading',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('factor', models.DecimalField(decimal_places=8, max_digits=20)),
                ('period_on', models.DateField()),
                ('period_ends_on', models.DateField(help_text='The first day after the period.')),
                ('quantity', models.DecimalField(decimal_places=6, max_digits=20)),
                ('events', models.BigIntegerField()),
                ('gross', models.DecimalField(decimal_places=4, max_digits=20)),
                ('currency', models.CharField(max_length=3)),
                ('summary', models.JSONField(help_text='Uses, rights, languages and productions it covers.')),
                ('explanation', models.JSONField(help_text='The priced lines that make the gross.')),
                ('first_index', models.BigIntegerField()),
                ('last_index', models.BigIntegerField()),
                ('agreement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.agreement')),
                ('rate_line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.rateline')),
            ],
        ),
        migrations.CreateModel(
            name='Posting',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('amount', models.DecimalField(decimal_places=4, max_digits=20)),
                ('currency', models.CharField(max_length=3)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='postings', to='valuation.account')),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='postings', to='valuation.journalentry')),
                ('reading', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='valuation.reading')),
            ],
        ),
        migrations.CreateModel(
            name='Remittance',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('amount', models.DecimalField(decimal_places=4, max_digits=20)),
                ('currency', models.CharField(max_length=3)),
                ('received_on', models.DateField()),
                ('reference', models.CharField(help_text="The bank's or the licensee's.", max_length=100)),
                ('recorded_at', models.DateTimeField()),
                ('agency', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.agency')),
                ('licensee', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.licensee')),
                ('recorded_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddField(
            model_name='journalentry',
            name='remittance',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='valuation.remittance'),
        ),
        migrations.CreateModel(
            name='RemittanceMatch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('amount', models.DecimalField(decimal_places=4, max_digits=20)),
                ('matched_at', models.DateTimeField()),
                ('reading', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='matches', to='valuation.reading')),
                ('remittance', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='matches', to='valuation.remittance')),
            ],
            options={
                'verbose_name_plural': 'remittance matches',
            },
        ),
        migrations.CreateModel(
            name='ResidualLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('period_on', models.DateField(help_text='The open period in which it counts.')),
                ('quantity', models.DecimalField(decimal_places=6, help_text="How much the reading's quantity moved.", max_digits=20)),
                ('amount', models.DecimalField(decimal_places=4, max_digits=20)),
                ('currency', models.CharField(max_length=3)),
                ('explanation', models.JSONField()),
                ('adjusts', models.ForeignKey(help_text='The line of a closed period that this one corrects.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='adjustments', to='valuation.residualline')),
                ('agency', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.agency')),
                ('agreement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.agreement')),
                ('beneficiary', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.beneficiary')),
                ('reading', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='valuation.reading')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='valuation.nightrun')),
                ('twin', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.digitaltwin')),
            ],
        ),
        migrations.CreateModel(
            name='Scenario',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200)),
                ('currency', models.CharField(max_length=3)),
                ('agency', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.agency')),
                ('agreement', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.agreement')),
                ('production', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.production')),
                ('twin', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.digitaltwin')),
            ],
        ),
        migrations.CreateModel(
            name='AssumptionEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('term', models.CharField(choices=[('c_savings', 'Savings'), ('m_expansion', 'Expansion'), ('l_licensing', 'Licensing'), ('t_compute', 'Compute'), ('r_depreciation', 'Depreciation')], max_length=32)),
                ('label', models.CharField(max_length=200)),
                ('quantity', models.DecimalField(decimal_places=6, default=1, max_digits=20)),
                ('unit_amount', models.DecimalField(decimal_places=4, max_digits=20)),
                ('probability', models.DecimalField(decimal_places=5, default=1, max_digits=6)),
                ('source', models.CharField(max_length=300)),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='valuation.assumption')),
                ('scenario', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='valuation.scenario')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.AddField(
            model_name='assumption',
            name='scenario',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='assumptions', to='valuation.scenario'),
        ),
        migrations.CreateModel(
            name='ScenarioEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('name', models.CharField(max_length=200)),
                ('currency', models.CharField(max_length=3)),
                ('agency', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.agency')),
                ('agreement', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='licensing.agreement')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='valuation.scenario')),
                ('production', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='licensing.production')),
                ('twin', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.digitaltwin')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Statement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('beneficiary', 'Beneficiary'), ('roll_up', 'Agency roll-up')], max_length=32)),
                ('currency', models.CharField(max_length=3)),
                ('period_on', models.DateField()),
                ('period_ends_on', models.DateField(help_text='The first day after the period.')),
                ('number', models.CharField(max_length=40, null=True, unique=True)),
                ('from_index', models.BigIntegerField(help_text="The log's leaves it covers start here.")),
                ('to_index', models.BigIntegerField(help_text='… and end before this one.')),
                ('opening', models.DecimalField(decimal_places=4, help_text='Payable brought forward.', max_digits=20)),
                ('earned', models.DecimalField(decimal_places=4, max_digits=20)),
                ('received', models.DecimalField(decimal_places=4, max_digits=20)),
                ('deductions', models.DecimalField(decimal_places=4, max_digits=20)),
                ('net', models.DecimalField(decimal_places=4, max_digits=20)),
                ('closing', models.DecimalField(decimal_places=4, help_text='Payable carried forward.', max_digits=20)),
                ('outstanding', models.DecimalField(decimal_places=4, help_text='Earned and not yet received.', max_digits=20)),
                ('due_on', models.DateField()),
                ('content', models.JSONField(help_text='Everything the document shows, as it was.')),
                ('pdf', models.FileField(blank=True, upload_to='statements/%Y/')),
                ('pdf_sha256', models.CharField(blank=True, max_length=64, verbose_name='SHA-256 of the PDF')),
                ('agency', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.agency')),
                ('beneficiary', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.beneficiary')),
                ('previous', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='following', to='valuation.statement')),
            ],
        ),
        migrations.CreateModel(
            name='StatementLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveIntegerField()),
                ('section', models.CharField(choices=[('usage', 'Usage'), ('adjustment', 'Prior-period adjustment'), ('held', 'Held'), ('receipt', 'Received'), ('deduction', 'Deduction'), ('payout', 'Paid out')], max_length=32)),
                ('label', models.CharField(max_length=300)),
                ('quantity', models.DecimalField(decimal_places=6, max_digits=20, null=True)),
                ('amount', models.DecimalField(decimal_places=4, max_digits=20)),
                ('currency', models.CharField(max_length=3)),
                ('entry', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='valuation.journalentry')),
                ('residual_line', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='statement_lines', to='valuation.residualline')),
                ('statement', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='valuation.statement')),
            ],
        ),
        migrations.CreateModel(
            name='StatementStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('draft', 'Draft'), ('reviewed', 'Reviewed'), ('approved', 'Approved'), ('issued', 'Issued'), ('paid', 'Paid')], max_length=32)),
                ('at', models.DateTimeField()),
                ('note', models.CharField(blank=True, max_length=300)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('statement', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='valuation.statement')),
            ],
        ),
        migrations.CreateModel(
            name='UsageTotal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('month_on', models.DateField()),
                ('right', models.CharField(choices=[('face', 'Face'), ('body', 'Body'), ('voice', 'Voice'), ('motion', 'Motion'), ('performance_style', 'Performance style'), ('training_data', 'Training data'), ('composite', 'Composite')], max_length=32)),
                ('use', models.CharField(choices=[('feature', 'Feature'), ('series', 'Series'), ('animation', 'Animation'), ('dubbing', 'Dubbing'), ('adr', 'ADR'), ('stunt', 'Stunt'), ('background', 'Background'), ('game', 'Game'), ('interactive_promo', 'Interactive promo'), ('advertising', 'Advertising'), ('immersive', 'Immersive'), ('social', 'Social'), ('live', 'Live'), ('age_change', 'Age regression or progression'), ('reality', 'Reality'), ('posthumous_completion', 'Posthumous completion'), ('training', 'Training')], max_length=32)),
                ('territory', models.CharField(max_length=6)),
                ('language', models.CharField(blank=True, max_length=35)),
                ('channel', models.CharField(choices=[('cinema', 'Cinema'), ('streaming', 'Streaming'), ('broadcast', 'Broadcast'), ('game', 'Game'), ('online', 'Online'), ('social', 'Social'), ('immersive', 'Immersive'), ('live', 'Live'), ('other', 'Other')], max_length=32)),
                ('prompt_class', models.CharField(choices=[('scripted', 'Scripted line'), ('revision', 'Revision'), ('free', 'Free prompt'), ('conversation', 'Conversation'), ('none', 'No prompt')], max_length=32)),
                ('real_time', models.BooleanField()),
                ('standing', models.CharField(choices=[('cleared', 'Cleared'), ('uncleared', 'Uncleared'), ('out_of_scope', 'Out of scope'), ('over_cap', 'Over cap'), ('on_hold', 'On hold')], max_length=32)),
                ('uniform', models.BooleanField(default=False, help_text='All events carry the same quantities, so each can be rounded.')),
                ('events', models.BigIntegerField()),
                ('first_index', models.BigIntegerField()),
                ('last_index', models.BigIntegerField()),
                ('lines', models.DecimalField(decimal_places=6, max_digits=20, null=True)),
                ('words', models.DecimalField(decimal_places=6, max_digits=20, null=True)),
                ('characters', models.DecimalField(decimal_places=6, max_digits=20, null=True)),
                ('seconds', models.DecimalField(decimal_places=6, max_digits=20, null=True)),
                ('frames', models.DecimalField(decimal_places=6, max_digits=20, null=True)),
                ('shots', models.DecimalField(decimal_places=6, max_digits=20, null=True)),
                ('tokens', models.DecimalField(decimal_places=6, max_digits=20, null=True)),
                ('prompts', models.DecimalField(decimal_places=6, max_digits=20, null=True)),
                ('sessions', models.DecimalField(decimal_places=6, max_digits=20, null=True)),
                ('gpu_seconds', models.DecimalField(decimal_places=6, max_digits=20, null=True)),
                ('equivalent_days', models.DecimalField(decimal_places=6, max_digits=20, null=True)),
                ('runs', models.DecimalField(decimal_places=6, max_digits=20, null=True)),
                ('copies', models.DecimalField(decimal_places=6, max_digits=20, null=True)),
                ('revenue', models.DecimalField(decimal_places=6, max_digits=20, null=True)),
                ('agency', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.agency')),
                ('agreement', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.agreement')),
                ('production', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.production')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='totals', to='valuation.nightrun')),
            ],
        ),
        migrations.CreateModel(
            name='Valuation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('as_of', models.DateField()),
                ('computed_at', models.DateTimeField()),
                ('code_version', models.CharField(max_length=40)),
                ('inputs', models.JSONField()),
                ('total', models.DecimalField(decimal_places=4, max_digits=20)),
                ('currency', models.CharField(max_length=3)),
                ('scenario', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='valuations', to='valuation.scenario')),
            ],
        ),
        migrations.CreateModel(
            name='ValuationTerm',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('term', models.CharField(choices=[('c_savings', 'Savings'), ('m_expansion', 'Expansion'), ('l_licensing', 'Licensing'), ('t_compute', 'Compute'), ('r_depreciation', 'Depreciation')], max_length=32)),
                ('label', models.CharField(max_length=200)),
                ('amount', models.DecimalField(decimal_places=4, max_digits=20)),
                ('source', models.CharField(max_length=300)),
                ('valuation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='terms', to='valuation.valuation')),
            ],
        ),
        migrations.AddConstraint(
            model_name='account',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['receivable', 'accrued', 'payable', 'trust_cash', 'unmatched', 'commission', 'minor_trust', 'withholding'])), name='account_kind_is_known'),
        ),
        migrations.AddConstraint(
            model_name='account',
            constraint=models.UniqueConstraint(fields=('agency', 'kind', 'licensee', 'beneficiary', 'currency'), name='account_once', nulls_distinct=False),
        ),
        migrations.AddIndex(
            model_name='nightshard',
            index=models.Index(condition=models.Q(('status', 'waiting')), fields=['run', 'id'], name='night_shard_waiting'),
        ),
        migrations.AddConstraint(
            model_name='nightshard',
            constraint=models.UniqueConstraint(fields=('run', 'agreement'), name='night_shard_once'),
        ),
        migrations.AddConstraint(
            model_name='nightshard',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['waiting', 'done', 'failed'])), name='night_shard_status_is_known'),
        ),
        migrations.AddConstraint(
            model_name='reading',
            constraint=models.UniqueConstraint(fields=('agreement', 'rate_line', 'factor', 'period_on'), name='reading_once'),
        ),
        migrations.AddConstraint(
            model_name='posting',
            constraint=models.CheckConstraint(condition=models.Q(('amount', 0), _negated=True), name='posting_moves_something', violation_error_message='A posting of nothing says nothing.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='posting',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='5380186dd6944603fd2162f657153d115655a09b', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_580dc', table='valuation_posting', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='posting',
            trigger=pgtrigger.compiler.Trigger(name='entry_balances', sql=pgtrigger.compiler.UpsertTriggerSql(constraint='CONSTRAINT', func="\n                    IF EXISTS (\n                        SELECT 1 FROM valuation_posting\n                        WHERE entry_id = NEW.entry_id\n                        GROUP BY currency HAVING sum(amount) <> 0\n                    ) THEN\n                        RAISE EXCEPTION 'journal entry % does not balance', NEW.entry_id\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NULL;\n                ", hash='dca6a64fa5514881bd3179ae0ef9c838330c1aaf', operation='INSERT', pgid='pgtrigger_entry_balances_a9035', table='valuation_posting', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='posting',
            trigger=pgtrigger.compiler.Trigger(name='currency_of_its_account', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF NEW.currency <> (\n                        SELECT currency FROM valuation_account WHERE id = NEW.account_id\n                    ) THEN\n                        RAISE EXCEPTION 'posting in % on an account in another currency',\n                            NEW.currency USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ", hash='11459ed9eeaeb795c2ff46eda93f893c846598bc', operation='INSERT', pgid='pgtrigger_currency_of_its_account_2757b', table='valuation_posting', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='remittance',
            constraint=models.UniqueConstraint(fields=('agency', 'licensee', 'reference'), name='remittance_once', violation_error_message='This remittance was recorded before.'),
        ),
        migrations.AddConstraint(
            model_name='remittance',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='remittance_is_positive', violation_error_message='A remittance is above zero.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='remittance',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='61e736b50d2a6d7bd9c9f4afd5ed8a1d90abd167', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_79a90', table='valuation_remittance', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='journalentry',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['accrual', 'receipt', 'release', 'payout', 'reversal'])), name='journal_entry_kind_is_known'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='journalentry',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='0d79393a112a90ff022f1b58a8afc770976e5d0b', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_195f1', table='valuation_journalentry', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='remittancematch',
            constraint=models.CheckConstraint(condition=models.Q(('amount', 0), _negated=True), name='remittance_match_moves_something'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='remittancematch',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='a96f5f778754c670c8393da80cc1d16026988837', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_c56c6', table='valuation_remittancematch', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='residualline',
            index=models.Index(fields=['agency', 'beneficiary', 'period_on'], name='residual_line_beneficiary'),
        ),
        migrations.AddConstraint(
            model_name='residualline',
            constraint=models.UniqueConstraint(fields=('run', 'reading', 'beneficiary'), name='residual_line_once'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='residualline',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='e5b84901c61847089236fecf3c4b3b425afc9c85', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_5e8dc', table='valuation_residualline', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='scenario',
            constraint=models.UniqueConstraint(fields=('agency', 'twin', 'name'), name='scenario_name_once'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='scenario',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "valuation_scenarioevent" ("agency_id", "agreement_id", "currency", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "production_id", "twin_id") VALUES (NEW."agency_id", NEW."agreement_id", NEW."currency", NEW."id", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."production_id", NEW."twin_id"); RETURN NULL;', hash='7fd0dee00025459286bad43f52429ce3ba78adb5', operation='INSERT', pgid='pgtrigger_insert_insert_812c2', table='valuation_scenario', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='scenario',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "valuation_scenarioevent" ("agency_id", "agreement_id", "currency", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "production_id", "twin_id") VALUES (NEW."agency_id", NEW."agreement_id", NEW."currency", NEW."id", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."production_id", NEW."twin_id"); RETURN NULL;', hash='ceb153391f383bac8dc56cb526e29ef921f15092', operation='UPDATE', pgid='pgtrigger_update_update_fd302', table='valuation_scenario', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='scenario',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "valuation_scenarioevent" ("agency_id", "agreement_id", "currency", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "production_id", "twin_id") VALUES (OLD."agency_id", OLD."agreement_id", OLD."currency", OLD."id", OLD."name", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."production_id", OLD."twin_id"); RETURN NULL;', hash='6644bb614e6305e2886726df993798b9c196c97e', operation='DELETE', pgid='pgtrigger_delete_delete_ec4a0', table='valuation_scenario', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='assumptionevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='70ed48b0b0f4d72e2a69e9292f0254b62e438d27', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_86646', table='valuation_assumptionevent', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='assumption',
            constraint=models.UniqueConstraint(fields=('scenario', 'term', 'label'), name='assumption_label_once'),
        ),
        migrations.AddConstraint(
            model_name='assumption',
            constraint=models.CheckConstraint(condition=models.Q(('term__in', ['c_savings', 'm_expansion', 'l_licensing', 't_compute', 'r_depreciation'])), name='assumption_term_is_known'),
        ),
        migrations.AddConstraint(
            model_name='assumption',
            constraint=models.CheckConstraint(condition=models.Q(('probability__gte', 0), ('probability__lte', 1)), name='assumption_probability_is_a_part', violation_error_message='A probability is between 0 and 1.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='assumption',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "valuation_assumptionevent" ("id", "label", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "probability", "quantity", "scenario_id", "source", "term", "unit_amount") VALUES (NEW."id", NEW."label", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."probability", NEW."quantity", NEW."scenario_id", NEW."source", NEW."term", NEW."unit_amount"); RETURN NULL;', hash='57a0dcaa6ee1e34e3f0599a45698d631cb2da2c1', operation='INSERT', pgid='pgtrigger_insert_insert_15710', table='valuation_assumption', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='assumption',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "valuation_assumptionevent" ("id", "label", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "probability", "quantity", "scenario_id", "source", "term", "unit_amount") VALUES (NEW."id", NEW."label", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."probability", NEW."quantity", NEW."scenario_id", NEW."source", NEW."term", NEW."unit_amount"); RETURN NULL;', hash='42f3c958ca79cf7c97996fc8f08268f64a0f34d3', operation='UPDATE', pgid='pgtrigger_update_update_797f3', table='valuation_assumption', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='assumption',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "valuation_assumptionevent" ("id", "label", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "probability", "quantity", "scenario_id", "source", "term", "unit_amount") VALUES (OLD."id", OLD."label", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."probability", OLD."quantity", OLD."scenario_id", OLD."source", OLD."term", OLD."unit_amount"); RETURN NULL;', hash='39d9cd4d465c4daa81e2ada0b2793823e4f8970a', operation='DELETE', pgid='pgtrigger_delete_delete_bf6d2', table='valuation_assumption', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='scenarioevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='bc7ecdb035b1523c18b8669eea06e5c761a8e69f', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_8ef56', table='valuation_scenarioevent', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='statement',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['beneficiary', 'roll_up'])), name='statement_kind_is_known'),
        ),
        migrations.AddConstraint(
            model_name='statement',
            constraint=models.UniqueConstraint(fields=('kind', 'agency', 'beneficiary', 'currency', 'period_on'), name='statement_once_per_period', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='statement',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('beneficiary', None), ('kind', 'roll_up')), models.Q(('beneficiary__isnull', False), ('kind', 'beneficiary')), _connector='OR'), name='statement_of_a_beneficiary_unless_roll_up'),
        ),
        migrations.AddConstraint(
            model_name='statement',
            constraint=models.CheckConstraint(condition=models.Q(('closing', django.db.models.expressions.CombinedExpression(models.F('opening'), '+', models.F('net')))), name='statement_adds_up', violation_error_message='Opening balance and net make the closing balance.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='statement',
            trigger=pgtrigger.compiler.Trigger(name='frozen_at_issue', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."number" IS NOT NULL)', func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='b1cafaeb3a94a9401e003b976f128daa780ddd1e', operation='UPDATE OR DELETE', pgid='pgtrigger_frozen_at_issue_2e754', table='valuation_statement', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='statementline',
            constraint=models.UniqueConstraint(fields=('statement', 'position'), name='statement_line_positions_count_up'),
        ),
        migrations.AddConstraint(
            model_name='statementline',
            constraint=models.CheckConstraint(condition=models.Q(('section__in', ['usage', 'adjustment', 'held', 'receipt', 'deduction', 'payout'])), name='statement_line_section_is_known'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='statementline',
            trigger=pgtrigger.compiler.Trigger(name='frozen_at_issue', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF EXISTS (\n                        SELECT 1 FROM valuation_statement\n                        WHERE id = CASE WHEN TG_OP = 'INSERT' THEN NEW.statement_id\n                                        ELSE OLD.statement_id END\n                          AND number IS NOT NULL\n                    ) THEN\n                        RAISE EXCEPTION 'an issued statement does not change'\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                    RETURN NEW;\n                ", hash='f8875266389500640336d180f30c7788d255c6d1', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_frozen_at_issue_79075', table='valuation_statementline', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='statementstep',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['draft', 'reviewed', 'approved', 'issued', 'paid'])), name='statement_step_kind_is_known'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='statementstep',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='9469d8209e0a8fbbb3dc19e819685d965bcbb7b0', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_2d9c0', table='valuation_statementstep', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='usagetotal',
            index=models.Index(fields=['agreement', 'month_on'], name='usage_total_agreement_month'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='usagetotal',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='1618e171097f41643cd9c396c595bb5bb4bf60a1', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_a69af', table='valuation_usagetotal', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='valuation',
            index=models.Index(fields=['scenario', '-as_of'], name='valuation_newest'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='valuation',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='317d8e7fe5b3f120fea85c9a229dfaa48d80c60d', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_34a94', table='valuation_valuation', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='valuationterm',
            constraint=models.CheckConstraint(condition=models.Q(('term__in', ['c_savings', 'm_expansion', 'l_licensing', 't_compute', 'r_depreciation'])), name='valuation_term_is_known'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='valuationterm',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='e2511560fa30bb33acde0e4b7a6ee42097cb3a86', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_55d72', table='valuation_valuationterm', when='BEFORE')),
        ),
    ]
