
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

from talent.migrations._together import together


class Migration(migrations.Migration):

    dependencies = [
        ('licensing', '0021_agreement_documents'),
        ('talent', '0012_shares_by_two_people'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = together([
        migrations.CreateModel(
            name='Signatory',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField()),
                ('role', models.CharField(choices=[('performer', 'Performer'), ('guardian', 'Guardian of the performer'), ('estate', 'For the estate of the performer'), ('counsel', 'Counsel of the performer'), ('agency', 'Agency'), ('licensee', 'Licensee')], max_length=32)),
                ('name', models.CharField(max_length=200)),
                ('email', models.EmailField(blank=True, max_length=254)),
                ('initials', models.BooleanField(default=False, help_text='Whether they initial the clause on the replica apart.')),
                ('performer', models.ForeignKey(blank=True, help_text='For whom they sign, or whom they advise.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.performer')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'signatories',
            },
        ),
        migrations.CreateModel(
            name='SignedScan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('pdf', models.BinaryField(verbose_name='PDF')),
                ('digest', models.CharField(max_length=64, verbose_name='SHA-256 of the scan')),
                ('signed_on', models.DateField()),
                ('vouched', models.CharField(help_text='Who signed it, before whom, and how it is known.', max_length=500)),
                ('handed_in_at', models.DateTimeField()),
                ('agreement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='scans', to='licensing.agreement')),
                ('document', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.agreementdocument')),
                ('handed_in_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='SignedScanStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('waiting', 'Waits for approval'), ('approved', 'Approved: signed on paper'), ('rejected', 'Rejected')], max_length=32)),
                ('at', models.DateTimeField()),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('scan', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='step', to='licensing.signedscan')),
            ],
        ),
        migrations.CreateModel(
            name='SigningLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('secret_sha256', models.CharField(max_length=64, unique=True)),
                ('sent_at', models.DateTimeField()),
                ('signatory', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='links', to='licensing.signatory')),
            ],
        ),
        migrations.CreateModel(
            name='SigningRound',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('open', 'Out for signature'), ('signed', 'Signed by all'), ('declined', 'Declined'), ('expired', 'Expired'), ('cancelled', 'Cancelled')], default='open', max_length=32)),
                ('sent_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField(verbose_name='to be signed by')),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('pdf', models.BinaryField(verbose_name='PDF')),
                ('digest', models.CharField(max_length=64, verbose_name='SHA-256 of the PDF')),
                ('record', models.BinaryField(null=True, verbose_name='signature record')),
                ('record_digest', models.CharField(blank=True, max_length=64, verbose_name='SHA-256 of the signature record')),
                ('agreement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='signing_rounds', to='licensing.agreement')),
                ('document', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='signing_rounds', to='licensing.agreementdocument')),
                ('findings', models.ForeignKey(help_text='What the rules said when it was sent.', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.findingset')),
                ('sent_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='SigningEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('sent', 'Sent'), ('read', 'Opened and read'), ('agreed', 'Agreed to sign electronically'), ('initialled', 'Initialled the replica clause'), ('signed', 'Signed'), ('declined', 'Declined'), ('reminded', 'Reminded'), ('expired', 'Expired'), ('cancelled', 'Cancelled')], max_length=32)),
                ('at', models.DateTimeField()),
                ('identified', models.CharField(blank=True, choices=[('second_factor', 'Signed in with a second factor or a passkey'), ('password', 'Signed in with a password'), ('mailed_code', 'By a link and a code, both sent to their mail address')], max_length=32)),
                ('address', models.GenericIPAddressField(blank=True, null=True, verbose_name='network address')),
                ('digest', models.CharField(blank=True, max_length=64, verbose_name='SHA-256 of what was shown')),
                ('size', models.PositiveIntegerField(blank=True, null=True, verbose_name='bytes shown')),
                ('words', models.CharField(blank=True, help_text='What they wrote: initials, a name, a reason.', max_length=500)),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('signatory', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='licensing.signatory')),
                ('round', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='licensing.signinground')),
            ],
        ),
        migrations.AddField(
            model_name='signatory',
            name='round',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='signatories', to='licensing.signinground'),
        ),
        migrations.AddConstraint(
            model_name='signedscan',
            constraint=models.CheckConstraint(condition=models.Q(('vouched', ''), _negated=True), name='signed_scan_is_vouched_for', violation_error_message='Say who signed it, and how that is known.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='signedscan',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='e4dfe28d0cc73a0d34938817e79fa28ddb3924cd', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_e6147', table='licensing_signedscan', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='signedscanstep',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['waiting', 'approved', 'rejected'])), name='signed_scan_step_kind_is_known'),
        ),
        migrations.AddConstraint(
            model_name='signedscanstep',
            constraint=models.CheckConstraint(condition=models.Q(('kind', 'waiting'), _negated=True), name='signed_scan_step_decides'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='signedscanstep',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='f4f62264605b3d6b40e3a32bf724729d2d0ad24a', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_c068a', table='licensing_signedscanstep', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='signinglink',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='bb140375c27634e6026526c3936606cff8668081', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_b7e3f', table='licensing_signinglink', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='signinground',
            index=models.Index(condition=models.Q(('state', 'open')), fields=['expires_at'], name='signing_round_out'),
        ),
        migrations.AddConstraint(
            model_name='signinground',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['open', 'signed', 'declined', 'expired', 'cancelled'])), name='signing_round_state_is_known'),
        ),
        migrations.AddConstraint(
            model_name='signinground',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('agreement',), name='signing_round_one_open', violation_error_message='This agreement is out for signature already.'),
        ),
        migrations.AddConstraint(
            model_name='signinground',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at', None), ('state', 'open')), models.Q(models.Q(('state', 'open'), _negated=True), ('ended_at__isnull', False)), _connector='OR'), name='signing_round_ends_once'),
        ),
        migrations.AddConstraint(
            model_name='signinground',
            constraint=models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('sent_at'))), name='signing_round_leaves_time'),
        ),
        migrations.AddConstraint(
            model_name='signinground',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'signed'), _negated=True), models.Q(('record__isnull', False), models.Q(('record_digest', ''), _negated=True)), _connector='OR'), name='signing_round_has_a_record_once_signed'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='signinground',
            trigger=pgtrigger.compiler.Trigger(name='over_for_good', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF TG_OP = 'DELETE' OR OLD.state <> 'open'\n                        OR substring(NEW.pdf for length(OLD.pdf)) <> OLD.pdf\n                        OR (NEW.agreement_id, NEW.document_id, NEW.findings_id, NEW.sent_at,\n                            NEW.expires_at)\n                           <> (OLD.agreement_id, OLD.document_id, OLD.findings_id, OLD.sent_at,\n                               OLD.expires_at)\n                    THEN\n                        RAISE EXCEPTION 'what was sent and signed stays as it was'\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ", hash='0ffb19a898ec7983daad530bd98f2e5176a90870', operation='UPDATE OR DELETE', pgid='pgtrigger_over_for_good_c0044', table='licensing_signinground', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='signingevent',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['sent', 'read', 'agreed', 'initialled', 'signed', 'declined', 'reminded', 'expired', 'cancelled'])), name='signing_event_kind_is_known'),
        ),
        migrations.AddConstraint(
            model_name='signingevent',
            constraint=models.CheckConstraint(condition=models.Q(('identified', ''), ('identified__in', ['second_factor', 'password', 'mailed_code']), _connector='OR'), name='signing_event_identified_is_known'),
        ),
        migrations.AddConstraint(
            model_name='signingevent',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'signed')), fields=('signatory',), name='signing_event_signs_once'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='signingevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='ffbdc62b3fe2d348aa9b7fe70e5f328344efc20f', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_5c668', table='licensing_signingevent', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='signatory',
            constraint=models.CheckConstraint(condition=models.Q(('role__in', ['performer', 'guardian', 'estate', 'counsel', 'agency', 'licensee'])), name='signatory_role_is_known'),
        ),
        migrations.AddConstraint(
            model_name='signatory',
            constraint=models.UniqueConstraint(fields=('round', 'position'), name='signatory_place_once'),
        ),
        migrations.AddConstraint(
            model_name='signatory',
            constraint=models.CheckConstraint(condition=models.Q(('role', 'agency'), ('user__isnull', False), models.Q(('email', ''), _negated=True), _connector='OR'), name='signatory_can_be_reached', violation_error_message='Somebody without an account signs by a mailed link.'),
        ),
        migrations.AddConstraint(
            model_name='signatory',
            constraint=models.CheckConstraint(condition=models.Q(('name__regex', '[\\u0001-\\u001f\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069\\ufff9-\\ufffb\\ufeff]'), _negated=True), name='signatory_name_is_a_line', violation_error_message='This is one line, without breaks or characters that nobody sees.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='signatory',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='972a1d89fc28181568cdce99042a5a453074288b', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_9f5be', table='licensing_signatory', when='BEFORE')),
        ),
    ])
