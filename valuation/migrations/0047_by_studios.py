import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models

from talent.migrations._together import together


class Migration(migrations.Migration):

    dependencies = [
        ('licensing', '0028_documents_of_takings'),
        ('talent', '0021_storage_away'),
        ('valuation', '0046_plan_payees'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = together([
        migrations.RemoveConstraint(
            model_name='account',
            name='account_kind_is_known',
        ),
        migrations.RemoveConstraint(
            model_name='invoiceline',
            name='invoice_line_kind_is_known',
        ),
        migrations.RemoveConstraint(
            model_name='journalentry',
            name='journal_entry_kind_is_known',
        ),
        migrations.RemoveConstraint(
            model_name='reading',
            name='reading_kind_is_known',
        ),
        migrations.RemoveConstraint(
            model_name='reading',
            name='reading_rests_on_a_term',
        ),
        migrations.AddField(
            model_name='invoiceline',
            name='payees_reading',
            field=models.ForeignKey(help_text='Of an invoice that a studio writes: the reading whose part of the payee it is.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='valuation.reading'),
        ),
        migrations.AddField(
            model_name='invoicestep',
            name='by_key',
            field=models.ForeignKey(help_text='Where a studio’s program told its number.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.apikey', verbose_name='by the studio’s key'),
        ),
        migrations.AlterField(
            model_name='account',
            name='kind',
            field=models.CharField(choices=[('receivable', 'Receivable from a licensee'), ('accrued', 'Earned, not yet received'), ('disputed', 'Earned and in dispute, not yet received'), ('payable', 'Payable to a beneficiary'), ('held', 'Received, held by a dispute'), ('in_transit', 'With the bank, not paid yet'), ('trust_cash', 'Trust cash'), ('unmatched', "Licensee's credit"), ('commission', 'Commission'), ('minor_trust', "Minor's blocked trust"), ('withholding', 'Tax withheld'), ('advances', 'Advances to be paid back by use'), ('reserve', 'Held in reserve'), ('contributions', 'Contributions owed to a plan'), ('agency_money', "Agency's own money in trust"), ('tax', 'Tax owed on invoices'), ('self_billed_tax', 'Tax on self-billed invoices'), ('passed_tax', 'Tax of payees, still to come from studios'), ('exchange', 'Money in exchange'), ('exchange_difference', 'Exchange gains and losses'), ('opening', 'Counterpart of opening balances'), ('source_tax', 'Tax withheld abroad'), ('written_off', 'Written off')], max_length=32),
        ),
        migrations.AlterField(
            model_name='invoice',
            name='number',
            field=models.CharField(max_length=40, null=True),
        ),
        migrations.AlterField(
            model_name='invoiceline',
            name='kind',
            field=models.CharField(choices=[('use', 'Use'), ('true_up', 'True-up to the guarantee'), ('advance', 'Advance'), ('recoupment', 'Advance paid back by use'), ('contribution', 'Contribution to a plan'), ('commission', 'Commission'), ('receipt', 'Received for it'), ('tax', 'Tax'), ('passed_tax', "Tax on a payee's self-billed invoice")], max_length=32),
        ),
        migrations.AlterField(
            model_name='invoicestep',
            name='by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='journalentry',
            name='kind',
            field=models.CharField(choices=[('accrual', 'Accrual'), ('receipt', 'Receipt'), ('release', 'Release of received money'), ('give_back', 'Receipt given back to the licensee'), ('advance', 'Advance'), ('recoupment', 'Advance paid back by use'), ('reserve', 'Reserve held or released'), ('contribution', 'Contribution to a plan'), ('plan_payable', 'Contribution received, payable to a plan'), ('dispute', 'Held or freed by a dispute'), ('payout', 'Payout'), ('payout_booked', 'Payout booked by the bank'), ('payout_returned', 'Payout sent back by the bank'), ('commission_drawn', 'Commission drawn'), ('invoiced_tax', 'Tax on an invoice'), ('self_billed_tax', 'Tax on a self-billed invoice'), ('claimed_tax', 'Tax on an invoice that a studio wrote'), ('passed_tax', 'Tax passed on to a payee'), ('late_interest', 'Interest on what is paid late'), ('revaluation', 'Revaluation of foreign money'), ('opening', 'Opening balance'), ('source_tax', 'Tax withheld abroad'), ('write_off', 'Written off'), ('refund', 'Refund to a licensee'), ('refund_booked', 'Refund booked by the bank'), ('direction', 'Paid to somebody else by a letter of direction'), ('reversal', 'Reversal')], max_length=32),
        ),
        migrations.AlterField(
            model_name='reading',
            name='kind',
            field=models.CharField(choices=[('use', 'Use, by a rate line'), ('true_up', 'True-up to the guarantee'), ('advance', 'Advance'), ('contribution', 'Contribution to a plan'), ('tax', 'Tax on an invoice'), ('interest', 'Interest on what is paid late'), ('passed_tax', "Tax on a payee's self-billed invoice"), ('opening', 'Taken over from an old system')], db_default='use', default='use', max_length=32),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.UniqueConstraint(condition=models.Q(('licensee', None), ('beneficiary', None), _connector='OR'), fields=('number',), name='invoice_numbers_are_given_once'),
        ),
    ]) + [
        AddConstraintNotValid(
            model_name='account',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['receivable', 'accrued', 'disputed', 'payable', 'held', 'in_transit', 'trust_cash', 'unmatched', 'commission', 'minor_trust', 'withholding', 'advances', 'reserve', 'contributions', 'agency_money', 'tax', 'self_billed_tax', 'passed_tax', 'exchange', 'exchange_difference', 'opening', 'source_tax', 'written_off'])), name='account_kind_is_known'),
        ),
        AddConstraintNotValid(
            model_name='invoiceline',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['use', 'true_up', 'advance', 'recoupment', 'contribution', 'commission', 'receipt', 'tax', 'passed_tax'])), name='invoice_line_kind_is_known'),
        ),
        AddConstraintNotValid(
            model_name='invoicestep',
            constraint=models.CheckConstraint(condition=models.Q(('by', None), ('by_key', None), _connector='XOR'), name='invoice_step_by_person_or_key'),
        ),
        AddConstraintNotValid(
            model_name='journalentry',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['accrual', 'receipt', 'release', 'give_back', 'advance', 'recoupment', 'reserve', 'contribution', 'plan_payable', 'dispute', 'payout', 'payout_booked', 'payout_returned', 'commission_drawn', 'invoiced_tax', 'self_billed_tax', 'claimed_tax', 'passed_tax', 'late_interest', 'revaluation', 'opening', 'source_tax', 'write_off', 'refund', 'refund_booked', 'direction', 'reversal'])), name='journal_entry_kind_is_known'),
        ),
        AddConstraintNotValid(
            model_name='reading',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['use', 'true_up', 'advance', 'contribution', 'tax', 'interest', 'passed_tax', 'opening'])), name='reading_kind_is_known'),
        ),
        AddConstraintNotValid(
            model_name='reading',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'use'), ('rate_line__isnull', False)), models.Q(('guarantee__isnull', False), ('kind', 'true_up'), ('rate_line', None)), models.Q(('advance__isnull', False), ('kind', 'advance'), ('rate_line', None)), models.Q(('kind__in', ['contribution', 'tax', 'interest', 'opening', 'passed_tax']), ('rate_line', None)), _connector='OR'), name='reading_rests_on_a_term'),
        ),
        ValidateConstraint(model_name='account', name='account_kind_is_known'),
        ValidateConstraint(model_name='invoiceline', name='invoice_line_kind_is_known'),
        ValidateConstraint(model_name='invoicestep', name='invoice_step_by_person_or_key'),
        ValidateConstraint(model_name='journalentry', name='journal_entry_kind_is_known'),
        ValidateConstraint(model_name='reading', name='reading_kind_is_known'),
        ValidateConstraint(model_name='reading', name='reading_rests_on_a_term'),
    ]
