import datetime
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models

from talent.migrations._together import together


class Migration(migrations.Migration):

    dependencies = [
        ('licensing', '0010_names_are_lines'),
        ('talent', '0010_names_are_lines'),
        ('valuation', '0010_money_terms'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = together([
        migrations.CreateModel(
            name='ExchangeRate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('base', models.CharField(max_length=3)),
                ('currency', models.CharField(max_length=3)),
                ('on', models.DateField()),
                ('rate', models.DecimalField(decimal_places=10, max_digits=20)),
                ('source', models.CharField(max_length=200)),
                ('recorded_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='ReversalRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(max_length=300)),
                ('asked_at', models.DateTimeField()),
            ],
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='posting',
            name='entry_balances',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='posting',
            name='currency_of_its_account',
        ),
        migrations.RemoveConstraint(
            model_name='account',
            name='account_kind_is_known',
        ),
        migrations.RemoveConstraint(
            model_name='journalentry',
            name='journal_entry_kind_is_known',
        ),
        migrations.AddField(
            model_name='journalentry',
            name='adjusts',
            field=models.ForeignKey(help_text='The entry of a closed period that it corrects.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='adjusted_by', to='valuation.journalentry'),
        ),
        migrations.AddField(
            model_name='journalentry',
            name='happened_on',
            field=models.DateField(help_text='The day that it is about, where that day’s period was closed.', null=True),
        ),
        migrations.AlterField(
            model_name='account',
            name='kind',
            field=models.CharField(choices=[('receivable', 'Receivable from a licensee'), ('accrued', 'Earned, not yet received'), ('payable', 'Payable to a beneficiary'), ('trust_cash', 'Trust cash'), ('unmatched', "Licensee's credit"), ('commission', 'Commission'), ('minor_trust', "Minor's blocked trust"), ('withholding', 'Tax withheld'), ('advances', 'Advances to be paid back by use'), ('reserve', 'Held in reserve'), ('contributions', 'Contributions owed to a plan'), ('agency_money', "Agency's own money in trust"), ('exchange', 'Money in exchange'), ('exchange_difference', 'Exchange gains and losses')], max_length=32),
        ),
        migrations.AlterField(
            model_name='journalentry',
            name='kind',
            field=models.CharField(choices=[('accrual', 'Accrual'), ('receipt', 'Receipt'), ('release', 'Release of received money'), ('give_back', 'Receipt given back to the licensee'), ('advance', 'Advance'), ('recoupment', 'Advance paid back by use'), ('reserve', 'Reserve held or released'), ('contribution', 'Contribution to a plan'), ('payout', 'Payout'), ('revaluation', 'Revaluation of foreign money'), ('reversal', 'Reversal')], max_length=32),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='journalentry',
            trigger=pgtrigger.compiler.Trigger(name='entry_has_postings', sql=pgtrigger.compiler.UpsertTriggerSql(constraint='CONSTRAINT', func="\n    PERFORM FROM valuation_posting WHERE entry_id = NEW.id;\n    IF NOT FOUND THEN\n        RAISE EXCEPTION 'journal entry % has no postings', NEW.id\n            USING ERRCODE = 'check_violation';\n    END IF;\n    RETURN NULL;\n", hash='423b1692185de143b812edafbcfb6b623d8acd88', operation='INSERT', pgid='pgtrigger_entry_has_postings_07240', table='valuation_journalentry', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='posting',
            trigger=pgtrigger.compiler.Trigger(name='entry_is_whole', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE faulty bigint; fault text;', func="\n    SELECT entry_id INTO faulty FROM written\n    GROUP BY entry_id, currency HAVING sum(amount) <> 0 LIMIT 1;\n    IF FOUND THEN\n        RAISE EXCEPTION 'journal entry % does not balance', faulty\n            USING ERRCODE = 'check_violation';\n    END IF;\n    EXECUTE $sql$\n        SELECT id, CASE WHEN is_mislaid\n            THEN 'posts to an account of another currency or agency'\n            ELSE 'was written before'\n        END FROM (\n            SELECT entry.id, count(*) AS postings, bool_or(\n                account.currency <> written.currency OR account.agency_id <> entry.agency_id\n            ) AS is_mislaid\n            FROM written\n            JOIN valuation_account account ON account.id = written.account_id\n            JOIN valuation_journalentry entry ON entry.id = written.entry_id\n            GROUP BY entry.id\n        ) entry\n        WHERE is_mislaid OR postings <> (\n            SELECT count(*) FROM valuation_posting posting WHERE posting.entry_id = entry.id\n        )\n    $sql$ INTO faulty, fault;\n    IF faulty IS NOT NULL THEN\n        RAISE EXCEPTION 'journal entry % %', faulty, fault USING ERRCODE = 'check_violation';\n    END IF;\n    RETURN NULL;\n", hash='d1e7a0433375febf5f3da59a0f2ac5f42a8327c5', level='STATEMENT', operation='INSERT', pgid='pgtrigger_entry_is_whole_f6470', referencing='REFERENCING NEW TABLE AS written ', table='valuation_posting', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='account',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['receivable', 'accrued', 'payable', 'trust_cash', 'unmatched', 'commission', 'minor_trust', 'withholding', 'advances', 'reserve', 'contributions', 'agency_money', 'exchange', 'exchange_difference'])), name='account_kind_is_known'),
        ),
        AddConstraintNotValid(
            model_name='journalentry',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['accrual', 'receipt', 'release', 'give_back', 'advance', 'recoupment', 'reserve', 'contribution', 'payout', 'revaluation', 'reversal'])), name='journal_entry_kind_is_known'),
        ),
        AddConstraintNotValid(
            model_name='journalentry',
            constraint=models.CheckConstraint(condition=models.Q(('effective_on__gte', datetime.date(1990, 1, 1)), ('effective_on__lte', datetime.date(2199, 12, 31))), name='journal_entry_in_this_age', violation_error_message='No books are kept of that year.'),
        ),
        migrations.AddField(
            model_name='exchangerate',
            name='recorded_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.CreateModel(
            name='ReversalDecision',
            fields=[
                ('request', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='decision', serialize=False, to='valuation.reversalrequest')),
                ('outcome', models.CharField(choices=[('reversed', 'Reversed'), ('rejected', 'Rejected'), ('taken_back', 'Taken back')], max_length=32)),
                ('at', models.DateTimeField()),
                ('note', models.CharField(blank=True, max_length=300)),
            ],
        ),
        migrations.AddField(
            model_name='reversalrequest',
            name='asked_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='reversalrequest',
            name='entry',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reversal_requests', to='valuation.journalentry'),
        ),
        migrations.AddIndex(
            model_name='exchangerate',
            index=models.Index(fields=['on', 'base', 'currency'], name='exchange_rate_by_day'),
        ),
        migrations.AddConstraint(
            model_name='exchangerate',
            constraint=models.CheckConstraint(condition=models.Q(('rate__gt', 0)), name='exchange_rate_above_zero', violation_error_message='A rate is above zero.'),
        ),
        migrations.AddConstraint(
            model_name='exchangerate',
            constraint=models.CheckConstraint(condition=models.Q(('base', models.F('currency')), _negated=True), name='exchange_rate_between_two', violation_error_message='A rate is between two currencies.'),
        ),
        migrations.AddConstraint(
            model_name='exchangerate',
            constraint=models.CheckConstraint(condition=models.Q(('on__gte', datetime.date(1990, 1, 1)), ('on__lte', datetime.date(2199, 12, 31))), name='exchange_rate_in_this_age', violation_error_message='No rate is known of that year.'),
        ),
        migrations.AddConstraint(
            model_name='exchangerate',
            constraint=models.UniqueConstraint(fields=('base', 'currency', 'on', 'recorded_at'), name='exchange_rate_once'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='exchangerate',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='0fc9bf26c6c9d9ad39ab66e4ffd4a613a0197881', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_f1e72', table='valuation_exchangerate', when='BEFORE')),
        ),
        migrations.AddField(
            model_name='reversaldecision',
            name='by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='reversalrequest',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='39d24c7628f5bdfa5ffd67163ad7eea97eb2720c', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_18a6f', table='valuation_reversalrequest', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='reversaldecision',
            constraint=models.CheckConstraint(condition=models.Q(('outcome__in', ['reversed', 'rejected', 'taken_back'])), name='reversal_decision_outcome_is_known'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='reversaldecision',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='b563791ad6816bbdfa45337859ee037ff0d445b9', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_05fdd', table='valuation_reversaldecision', when='BEFORE')),
        ),
        ValidateConstraint(model_name='journalentry', name='journal_entry_kind_is_known'),
        ValidateConstraint(model_name='journalentry', name='journal_entry_in_this_age'),
    ])
