import django.contrib.postgres.indexes
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


ROWS_IN_A_PARTITION = 10_000_000
FIRST_PARTITIONS = 4


def partitioned(table, key):
    """SQL that makes an empty table anew, RANGE-partitioned by its bigint key.

    PostgreSQL 15 and 16 have no identity columns on partitions, hence the sequence. The
    default partition takes what no other holds, so that a late job loses nothing.
    """
    ranges = "".join(
        f"""
        CREATE TABLE {table}_p{number} PARTITION OF {table}
            FOR VALUES FROM ({number * ROWS_IN_A_PARTITION}) TO ({(number + 1) * ROWS_IN_A_PARTITION});
        """
        for number in range(FIRST_PARTITIONS)
    )
    sequence = (
        f"""
        CREATE SEQUENCE {table}_id_seq;
        ALTER TABLE {table} ALTER COLUMN {key} SET DEFAULT nextval('{table}_id_seq');
        ALTER SEQUENCE {table}_id_seq OWNED BY {table}.{key};
        """
        if key == "id"
        else ""
    )
    return f"""
        ALTER TABLE {table} RENAME TO {table}_plain;
        CREATE TABLE {table} (
            LIKE {table}_plain INCLUDING CONSTRAINTS INCLUDING DEFAULTS,
            CONSTRAINT {table}_by_{key} PRIMARY KEY ({key})
        ) PARTITION BY RANGE ({key});
        DROP TABLE {table}_plain;
        {ranges}
        CREATE TABLE {table}_default PARTITION OF {table} DEFAULT;
        {sequence}
    """


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('licensing', '0001_initial'),
        ('pghistory', '0007_auto_20250421_0444'),
        ('talent', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='agreement',
            name='agency',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.agency'),
        ),
        migrations.AddField(
            model_name='agreement',
            name='twin',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.digitaltwin'),
        ),
        migrations.AddField(
            model_name='agreementevent',
            name='agency',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.agency'),
        ),
        migrations.AddField(
            model_name='agreementevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='agreementevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='licensing.agreement'),
        ),
        migrations.AddField(
            model_name='agreementevent',
            name='twin',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.digitaltwin'),
        ),
        migrations.AddField(
            model_name='agreementstep',
            name='agreement',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='steps', to='licensing.agreement'),
        ),
        migrations.AddField(
            model_name='agreementstep',
            name='by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='apikey',
            name='created_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='apikey',
            name='replaced_by',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='replaces', to='licensing.apikey'),
        ),
        migrations.AddField(
            model_name='bracketevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='bracketevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='licensing.bracket'),
        ),
        migrations.AddField(
            model_name='cap',
            name='agreement',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='caps', to='licensing.agreement'),
        ),
        migrations.AddField(
            model_name='cap',
            name='performer',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.performer'),
        ),
        migrations.AddField(
            model_name='cap',
            name='twin',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.digitaltwin'),
        ),
        migrations.AddField(
            model_name='capevent',
            name='agreement',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='licensing.agreement'),
        ),
        migrations.AddField(
            model_name='capevent',
            name='performer',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.performer'),
        ),
        migrations.AddField(
            model_name='capevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='capevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='licensing.cap'),
        ),
        migrations.AddField(
            model_name='capevent',
            name='twin',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.digitaltwin'),
        ),
        migrations.AddField(
            model_name='capyear',
            name='cap',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='years', to='licensing.cap'),
        ),
        migrations.AddField(
            model_name='clearancedecision',
            name='agreement',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='licensing.agreement'),
        ),
        migrations.AddField(
            model_name='clearancedecision',
            name='api_key',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.apikey'),
        ),
        migrations.AddField(
            model_name='clearancedecision',
            name='twin',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.digitaltwin'),
        ),
        migrations.AddField(
            model_name='grant',
            name='agreement',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='grants', to='licensing.agreement'),
        ),
        migrations.AddField(
            model_name='grantevent',
            name='agreement',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='licensing.agreement'),
        ),
        migrations.AddField(
            model_name='grantevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='grantevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='licensing.grant'),
        ),
        migrations.AddField(
            model_name='hold',
            name='agreement',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='holds', to='licensing.agreement'),
        ),
        migrations.AddField(
            model_name='hold',
            name='performer',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.performer'),
        ),
        migrations.AddField(
            model_name='hold',
            name='twin',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.digitaltwin'),
        ),
        migrations.AddField(
            model_name='holdevent',
            name='agreement',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='licensing.agreement'),
        ),
        migrations.AddField(
            model_name='holdevent',
            name='performer',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.performer'),
        ),
        migrations.AddField(
            model_name='holdevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='holdevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='licensing.hold'),
        ),
        migrations.AddField(
            model_name='holdevent',
            name='twin',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.digitaltwin'),
        ),
        migrations.AddConstraint(
            model_name='licensee',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['studio', 'independent', 'games', 'advertiser', 'post'])), name='licensee_kind_is_known'),
        ),
        migrations.AddField(
            model_name='eventkey',
            name='licensee',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.licensee'),
        ),
        migrations.AddField(
            model_name='agreementevent',
            name='licensee',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='licensing.licensee'),
        ),
        migrations.AddField(
            model_name='agreement',
            name='licensee',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='agreements', to='licensing.licensee'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='licensee',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "licensing_licenseeevent" ("billing_email", "country", "id", "isni", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug") VALUES (NEW."billing_email", NEW."country", NEW."id", NEW."isni", NEW."kind", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."slug"); RETURN NULL;', hash='13565d0ac82f279b9224746baeaeda082187efdf', operation='INSERT', pgid='pgtrigger_insert_insert_86923', table='licensing_licensee', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='licensee',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "licensing_licenseeevent" ("billing_email", "country", "id", "isni", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug") VALUES (NEW."billing_email", NEW."country", NEW."id", NEW."isni", NEW."kind", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."slug"); RETURN NULL;', hash='d8737bd1905b176b291abd068cf20382c2f2e50f', operation='UPDATE', pgid='pgtrigger_update_update_40873', table='licensing_licensee', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='licensee',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "licensing_licenseeevent" ("billing_email", "country", "id", "isni", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug") VALUES (OLD."billing_email", OLD."country", OLD."id", OLD."isni", OLD."kind", OLD."name", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."slug"); RETURN NULL;', hash='3d6570d97218e33b2398775b383cc7bafb6225c7', operation='DELETE', pgid='pgtrigger_delete_delete_6b602', table='licensing_licensee', when='AFTER')),
        ),
        migrations.AddField(
            model_name='licenseeevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='licenseeevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='licensing.licensee'),
        ),
        migrations.AddField(
            model_name='licenseeterms',
            name='agency',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.agency'),
        ),
        migrations.AddField(
            model_name='licenseeterms',
            name='licensee',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='terms', to='licensing.licensee'),
        ),
        migrations.AddField(
            model_name='deadletter',
            name='terms',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='dead_letters', to='licensing.licenseeterms'),
        ),
        migrations.AddField(
            model_name='clearancedecision',
            name='terms',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='licensing.licenseeterms'),
        ),
        migrations.AddField(
            model_name='apikey',
            name='terms',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='keys', to='licensing.licenseeterms'),
        ),
        migrations.AddConstraint(
            model_name='loghead',
            constraint=models.CheckConstraint(condition=models.Q(('id', 1)), name='log_head_is_one_row'),
        ),
        migrations.AddField(
            model_name='multiplierevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='multiplierevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='licensing.multiplier'),
        ),
        migrations.AddField(
            model_name='production',
            name='licensee',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='productions', to='licensing.licensee'),
        ),
        migrations.AddField(
            model_name='agreement',
            name='productions',
            field=models.ManyToManyField(blank=True, help_text="None: all of the licensee's.", related_name='agreements', to='licensing.production'),
        ),
        migrations.AddField(
            model_name='productionevent',
            name='licensee',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='licensing.licensee'),
        ),
        migrations.AddField(
            model_name='productionevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='productionevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='licensing.production'),
        ),
        migrations.CreateModel(
            name='PromptCommitment',
            fields=[
                ('event', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='prompt', serialize=False, to='licensing.usageevent')),
                ('salt', models.BinaryField(max_length=32)),
                ('commitment', models.BinaryField(max_length=32)),
            ],
        ),
        migrations.CreateModel(
            name='UsageRecord',
            fields=[
                ('event', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='record', serialize=False, to='licensing.usageevent')),
                ('salt', models.BinaryField(max_length=32)),
                ('canonical', models.BinaryField()),
            ],
        ),
        migrations.AddField(
            model_name='usageevent',
            name='agency',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.agency'),
        ),
        migrations.AddField(
            model_name='usageevent',
            name='agreement',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.agreement'),
        ),
        migrations.AddField(
            model_name='usageevent',
            name='build',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.build'),
        ),
        migrations.AddField(
            model_name='usageevent',
            name='licensee',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.licensee'),
        ),
        migrations.AddField(
            model_name='usageevent',
            name='permit',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.clearancedecision'),
        ),
        migrations.AddField(
            model_name='usageevent',
            name='production',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.production'),
        ),
        migrations.AddField(
            model_name='usageevent',
            name='twin',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='talent.digitaltwin'),
        ),
        migrations.AddField(
            model_name='ratecard',
            name='agreement',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rate_cards', to='licensing.agreement'),
        ),
        migrations.AddField(
            model_name='multiplierevent',
            name='card',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='licensing.ratecard'),
        ),
        migrations.AddField(
            model_name='multiplier',
            name='card',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='multipliers', to='licensing.ratecard'),
        ),
        migrations.AddField(
            model_name='ratecardevent',
            name='agreement',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='licensing.agreement'),
        ),
        migrations.AddField(
            model_name='ratecardevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='ratecardevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='licensing.ratecard'),
        ),
        migrations.AddField(
            model_name='rateline',
            name='card',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='licensing.ratecard'),
        ),
        migrations.AddField(
            model_name='rateline',
            name='production',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.production'),
        ),
        migrations.AddField(
            model_name='bracketevent',
            name='line',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='licensing.rateline'),
        ),
        migrations.AddField(
            model_name='bracket',
            name='line',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='brackets', to='licensing.rateline'),
        ),
        migrations.AddField(
            model_name='ratelineevent',
            name='card',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='licensing.ratecard'),
        ),
        migrations.AddField(
            model_name='ratelineevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='ratelineevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='licensing.rateline'),
        ),
        migrations.AddField(
            model_name='ratelineevent',
            name='production',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='licensing.production'),
        ),
        migrations.AddConstraint(
            model_name='ruleset',
            constraint=models.UniqueConstraint(fields=('code', 'effective_from'), name='rule_set_one_per_start'),
        ),
        migrations.AddConstraint(
            model_name='ruleset',
            constraint=models.CheckConstraint(condition=models.Q(('trigger__in', ['agreement_date', 'photography_start', 'fixation', 'payment', 'distribution', 'capture', 'death'])), name='rule_set_trigger_is_known'),
        ),
        migrations.AddConstraint(
            model_name='ruleset',
            constraint=models.CheckConstraint(condition=models.Q(('confidence__in', ['primary', 'secondary', 'derived', 'unverified', 'conflicting'])), name='rule_set_confidence_is_known'),
        ),
        migrations.AddConstraint(
            model_name='ruleset',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['in_force', 'proposed', 'expired'])), name='rule_set_status_is_known'),
        ),
        migrations.AddConstraint(
            model_name='ruleset',
            constraint=models.CheckConstraint(condition=models.Q(('effective_to', None), ('effective_to__gte', models.F('effective_from')), _connector='OR'), name='rule_set_ends_after_it_starts', violation_error_message='A rule must end after it starts.'),
        ),
        migrations.AddField(
            model_name='usageevent',
            name='batch',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.usagebatch'),
        ),
        migrations.AddField(
            model_name='usagebatch',
            name='api_key',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='licensing.apikey'),
        ),
        migrations.AddField(
            model_name='usagebatch',
            name='terms',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='batches', to='licensing.licenseeterms'),
        ),
        migrations.AddField(
            model_name='usageimport',
            name='imported_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='usageimport',
            name='terms',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='imports', to='licensing.licenseeterms'),
        ),
        migrations.AddField(
            model_name='usagebatch',
            name='usage_import',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='batches', to='licensing.usageimport'),
        ),
        migrations.AddField(
            model_name='deadletter',
            name='usage_import',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='dead_letters', to='licensing.usageimport'),
        ),
        migrations.AddConstraint(
            model_name='agreementstep',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['drafted', 'signed', 'amended', 'ended'])), name='agreement_step_kind_is_known'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='agreementstep',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='45cccfcfbdb3d593b9439cfb81af489347726eb9', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_63372', table='licensing_agreementstep', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='cap',
            constraint=models.CheckConstraint(condition=models.Q(('meter__in', ['lines', 'words', 'characters', 'seconds', 'frames', 'shots', 'tokens', 'prompts', 'sessions', 'gpu_seconds', 'equivalent_days', 'runs', 'copies', 'revenue'])), name='cap_meter_is_known'),
        ),
        migrations.AddConstraint(
            model_name='cap',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('agreement__isnull', False), ('performer', None), ('twin', None)), models.Q(('agreement', None), ('performer', None), ('twin__isnull', False)), models.Q(('agreement', None), ('performer__isnull', False), ('twin', None)), _connector='OR'), name='cap_one_subject', violation_error_message='A cap limits an agreement, a twin or a performer.'),
        ),
        migrations.AddConstraint(
            model_name='cap',
            constraint=models.CheckConstraint(condition=models.Q(('limit__gt', 0)), name='cap_limit_is_positive', violation_error_message="A cap's limit is above zero."),
        ),
        migrations.AddConstraint(
            model_name='cap',
            constraint=models.CheckConstraint(condition=models.Q(('year_start_month__range', (1, 12))), name='cap_year_starts_in_a_month', violation_error_message='A fiscal year starts in month 1 to 12.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='cap',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "licensing_capevent" ("agreement_id", "channels", "ends_on", "hard", "id", "limit", "meter", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "starts_on", "twin_id", "year_start_month") VALUES (NEW."agreement_id", NEW."channels", NEW."ends_on", NEW."hard", NEW."id", NEW."limit", NEW."meter", NEW."performer_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."starts_on", NEW."twin_id", NEW."year_start_month"); RETURN NULL;', hash='f6b49534a288179be9cf9004776544fe8a7d6e51', operation='INSERT', pgid='pgtrigger_insert_insert_5eb0f', table='licensing_cap', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='cap',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "licensing_capevent" ("agreement_id", "channels", "ends_on", "hard", "id", "limit", "meter", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "starts_on", "twin_id", "year_start_month") VALUES (NEW."agreement_id", NEW."channels", NEW."ends_on", NEW."hard", NEW."id", NEW."limit", NEW."meter", NEW."performer_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."starts_on", NEW."twin_id", NEW."year_start_month"); RETURN NULL;', hash='7b6fed07d5db245b568abc2c5bfba1a5a6f2c97d', operation='UPDATE', pgid='pgtrigger_update_update_4c20f', table='licensing_cap', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='cap',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "licensing_capevent" ("agreement_id", "channels", "ends_on", "hard", "id", "limit", "meter", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "starts_on", "twin_id", "year_start_month") VALUES (OLD."agreement_id", OLD."channels", OLD."ends_on", OLD."hard", OLD."id", OLD."limit", OLD."meter", OLD."performer_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."starts_on", OLD."twin_id", OLD."year_start_month"); RETURN NULL;', hash='af9095f9b577e63d408e9dad552bffb586902796', operation='DELETE', pgid='pgtrigger_delete_delete_27eef', table='licensing_cap', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='capevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='5ac753add2e4c8a7dee19e70d6bfeb7334b75366', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_00896', table='licensing_capevent', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='capyear',
            constraint=models.UniqueConstraint(fields=('cap', 'starts_on'), name='cap_year_once'),
        ),
        migrations.AddConstraint(
            model_name='capyear',
            constraint=models.CheckConstraint(condition=models.Q(('reserved__gte', 0), ('used__gte', 0)), name='cap_year_never_negative'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.UniqueConstraint(fields=('agreement', 'right', 'use'), name='grant_once_each'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.CheckConstraint(condition=models.Q(('right__in', ['face', 'body', 'voice', 'motion', 'performance_style', 'training_data', 'composite'])), name='grant_right_is_known'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.CheckConstraint(condition=models.Q(('use__in', ['feature', 'series', 'animation', 'dubbing', 'adr', 'stunt', 'background', 'game', 'interactive_promo', 'advertising', 'immersive', 'social', 'live', 'age_change', 'reality', 'posthumous_completion', 'training'])), name='grant_use_is_known'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='grant',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "licensing_grantevent" ("agreement_id", "channels", "id", "languages", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "real_time", "right", "territories", "use") VALUES (NEW."agreement_id", NEW."channels", NEW."id", NEW."languages", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."real_time", NEW."right", NEW."territories", NEW."use"); RETURN NULL;', hash='f709da264f9ef90ad56bc8323f1f142e12f1be38', operation='INSERT', pgid='pgtrigger_insert_insert_f1b8c', table='licensing_grant', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='grant',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "licensing_grantevent" ("agreement_id", "channels", "id", "languages", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "real_time", "right", "territories", "use") VALUES (NEW."agreement_id", NEW."channels", NEW."id", NEW."languages", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."real_time", NEW."right", NEW."territories", NEW."use"); RETURN NULL;', hash='5aae87c3d0784d3feef9251f127cad974768af52', operation='UPDATE', pgid='pgtrigger_update_update_ba20a', table='licensing_grant', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='grant',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "licensing_grantevent" ("agreement_id", "channels", "id", "languages", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "real_time", "right", "territories", "use") VALUES (OLD."agreement_id", OLD."channels", OLD."id", OLD."languages", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."real_time", OLD."right", OLD."territories", OLD."use"); RETURN NULL;', hash='014bce7217da3da1cc5f9f615f7aed8205eed98e', operation='DELETE', pgid='pgtrigger_delete_delete_a6c17', table='licensing_grant', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='grantevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='88c208ff13aeb8e33225b433fc37936a4d7b2ce4', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_19f43', table='licensing_grantevent', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='hold',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['strike', 'dispute', 'legal'])), name='hold_kind_is_known'),
        ),
        migrations.AddConstraint(
            model_name='hold',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at', None), ('ends_at__gt', models.F('starts_at')), _connector='OR'), name='hold_ends_after_it_starts', violation_error_message='A hold must end after it starts.'),
        ),
        migrations.AddConstraint(
            model_name='hold',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('guild', ''), _negated=True), ('agreement', None), ('performer', None), ('twin', None)), models.Q(('agreement', None), ('guild', ''), ('performer__isnull', False), ('twin', None)), models.Q(('agreement', None), ('guild', ''), ('performer', None), ('twin__isnull', False)), models.Q(('agreement__isnull', False), ('guild', ''), ('performer', None), ('twin', None)), _connector='OR'), name='hold_one_scope', violation_error_message='A hold lies on one guild, performer, twin or agreement.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='hold',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "licensing_holdevent" ("agreement_id", "ends_at", "guild", "id", "kind", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "starts_at", "twin_id") VALUES (NEW."agreement_id", NEW."ends_at", NEW."guild", NEW."id", NEW."kind", NEW."performer_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."reason", NEW."starts_at", NEW."twin_id"); RETURN NULL;', hash='1ef47ed408ee4faf8304ab0bec7a4f45f9c0a1e4', operation='INSERT', pgid='pgtrigger_insert_insert_33e9f', table='licensing_hold', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='hold',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "licensing_holdevent" ("agreement_id", "ends_at", "guild", "id", "kind", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "starts_at", "twin_id") VALUES (NEW."agreement_id", NEW."ends_at", NEW."guild", NEW."id", NEW."kind", NEW."performer_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."reason", NEW."starts_at", NEW."twin_id"); RETURN NULL;', hash='bb0254f8538bd2713223987df4e591b0788ccf73', operation='UPDATE', pgid='pgtrigger_update_update_c7309', table='licensing_hold', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='hold',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "licensing_holdevent" ("agreement_id", "ends_at", "guild", "id", "kind", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "starts_at", "twin_id") VALUES (OLD."agreement_id", OLD."ends_at", OLD."guild", OLD."id", OLD."kind", OLD."performer_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."reason", OLD."starts_at", OLD."twin_id"); RETURN NULL;', hash='16d3c6f423ab8896107558bc76152a4abff90164', operation='DELETE', pgid='pgtrigger_delete_delete_eabff', table='licensing_hold', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='holdevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='0aba7b591551dff4f2759d74297cbe0106fd7505', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_5692b', table='licensing_holdevent', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='eventkey',
            index=models.Index(fields=['event_id'], name='event_key_event'),
        ),
        migrations.AddConstraint(
            model_name='eventkey',
            constraint=models.UniqueConstraint(fields=('licensee', 'source', 'key'), name='event_key_once'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='eventkey',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='a9bca9cafde95f933f9c74edb71042f8f6e5a175', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_957a3', table='licensing_eventkey', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='agreementevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='65016fe56706fba3a28e3c2bfe4b00a59422905b', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_0e266', table='licensing_agreementevent', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='licenseeevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='c066c4d3868ff18ff0203fc476eacdee8e61a670', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_50ce6', table='licensing_licenseeevent', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='licenseeterms',
            constraint=models.UniqueConstraint(fields=('agency', 'licensee'), name='licensee_terms_once'),
        ),
        migrations.AddIndex(
            model_name='clearancedecision',
            index=models.Index(fields=['twin', '-known_at'], name='decision_by_twin'),
        ),
        migrations.AddConstraint(
            model_name='clearancedecision',
            constraint=models.UniqueConstraint(fields=('terms', 'idempotency_key'), name='clearance_decision_key_once'),
        ),
        migrations.AddConstraint(
            model_name='clearancedecision',
            constraint=models.CheckConstraint(condition=models.Q(('outcome__in', ['cleared', 'needs_approval', 'refused'])), name='clearance_decision_outcome_is_known'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='clearancedecision',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='8e2203c32d0ba0dfb5d796f05db6557e62a59521', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_7e584', table='licensing_clearancedecision', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='production',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['feature', 'series', 'game', 'commercial', 'other'])), name='production_kind_is_known'),
        ),
        migrations.AddConstraint(
            model_name='production',
            constraint=models.UniqueConstraint(condition=models.Q(('eidr', ''), _negated=True), fields=('eidr',), name='production_eidr_unique'),
        ),
        migrations.AddConstraint(
            model_name='production',
            constraint=models.UniqueConstraint(fields=('licensee', 'title'), name='production_title_once'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='production',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "licensing_productionevent" ("eidr", "id", "isan", "kind", "licensee_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "photography_starts_on", "released_on", "title") VALUES (NEW."eidr", NEW."id", NEW."isan", NEW."kind", NEW."licensee_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."photography_starts_on", NEW."released_on", NEW."title"); RETURN NULL;', hash='98aca139dc3a919779d658d969fd5f95dd5c3999', operation='INSERT', pgid='pgtrigger_insert_insert_b48a5', table='licensing_production', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='production',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "licensing_productionevent" ("eidr", "id", "isan", "kind", "licensee_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "photography_starts_on", "released_on", "title") VALUES (NEW."eidr", NEW."id", NEW."isan", NEW."kind", NEW."licensee_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."photography_starts_on", NEW."released_on", NEW."title"); RETURN NULL;', hash='8febba4149f979c1631482aef47ba4f03a59158d', operation='UPDATE', pgid='pgtrigger_update_update_36552', table='licensing_production', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='production',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "licensing_productionevent" ("eidr", "id", "isan", "kind", "licensee_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "photography_starts_on", "released_on", "title") VALUES (OLD."eidr", OLD."id", OLD."isan", OLD."kind", OLD."licensee_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."photography_starts_on", OLD."released_on", OLD."title"); RETURN NULL;', hash='78cce69b0c0fc73857e4327f346d64d499bc79d0', operation='DELETE', pgid='pgtrigger_delete_delete_4eb82', table='licensing_production', when='AFTER')),
        ),
        migrations.AddIndex(
            model_name='agreement',
            index=models.Index(fields=['agency', 'licensee', 'twin'], name='agreement_by_parties'),
        ),
        migrations.AddConstraint(
            model_name='agreement',
            constraint=models.UniqueConstraint(fields=('agency', 'reference'), name='agreement_reference_once'),
        ),
        migrations.AddConstraint(
            model_name='agreement',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['draft', 'signed', 'ended'])), name='agreement_status_is_known'),
        ),
        migrations.AddConstraint(
            model_name='agreement',
            constraint=models.CheckConstraint(condition=models.Q(('rating_period__in', ['month', 'quarter', 'year'])), name='agreement_period_is_known'),
        ),
        migrations.AddConstraint(
            model_name='agreement',
            constraint=models.CheckConstraint(condition=models.Q(('engagement__in', ['principal', 'background', 'voice', 'not_covered'])), name='agreement_engagement_is_known'),
        ),
        migrations.AddConstraint(
            model_name='agreement',
            constraint=models.CheckConstraint(condition=models.Q(('guild__in', ['sag_aftra', 'equity_uk', 'none'])), name='agreement_guild_is_known'),
        ),
        migrations.AddConstraint(
            model_name='agreement',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at', None), ('ends_at__gt', models.F('starts_at')), _connector='OR'), name='agreement_ends_after_it_starts', violation_error_message='An agreement must end after it starts.'),
        ),
        migrations.AddConstraint(
            model_name='agreement',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('signed_at', None), ('status', 'draft')), models.Q(models.Q(('status', 'draft'), _negated=True), ('signed_at__isnull', False)), _connector='OR'), name='agreement_signed_unless_draft', violation_error_message='A draft is not signed; everything else is.'),
        ),
        migrations.AddConstraint(
            model_name='agreement',
            constraint=models.CheckConstraint(condition=models.Q(('fiscal_year_start_month__range', (1, 12))), name='agreement_fiscal_year_starts_in_a_month', violation_error_message='A fiscal year starts in month 1 to 12.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='agreement',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "licensing_agreementevent" ("agency_id", "currency", "description", "ends_at", "engagement", "fiscal_year_start_month", "guild", "id", "licensee_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rating_period", "reference", "signed_at", "starts_at", "status", "time_zone", "twin_id") VALUES (NEW."agency_id", NEW."currency", NEW."description", NEW."ends_at", NEW."engagement", NEW."fiscal_year_start_month", NEW."guild", NEW."id", NEW."licensee_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."rating_period", NEW."reference", NEW."signed_at", NEW."starts_at", NEW."status", NEW."time_zone", NEW."twin_id"); RETURN NULL;', hash='36985f5802b9cc353d096efa4826c3ae2e81c064', operation='INSERT', pgid='pgtrigger_insert_insert_c1ad3', table='licensing_agreement', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='agreement',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."agency_id" IS DISTINCT FROM (NEW."agency_id") OR OLD."currency" IS DISTINCT FROM (NEW."currency") OR OLD."description" IS DISTINCT FROM (NEW."description") OR OLD."ends_at" IS DISTINCT FROM (NEW."ends_at") OR OLD."engagement" IS DISTINCT FROM (NEW."engagement") OR OLD."fiscal_year_start_month" IS DISTINCT FROM (NEW."fiscal_year_start_month") OR OLD."guild" IS DISTINCT FROM (NEW."guild") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."licensee_id" IS DISTINCT FROM (NEW."licensee_id") OR OLD."rating_period" IS DISTINCT FROM (NEW."rating_period") OR OLD."reference" IS DISTINCT FROM (NEW."reference") OR OLD."signed_at" IS DISTINCT FROM (NEW."signed_at") OR OLD."starts_at" IS DISTINCT FROM (NEW."starts_at") OR OLD."status" IS DISTINCT FROM (NEW."status") OR OLD."time_zone" IS DISTINCT FROM (NEW."time_zone") OR OLD."twin_id" IS DISTINCT FROM (NEW."twin_id"))', func='INSERT INTO "licensing_agreementevent" ("agency_id", "currency", "description", "ends_at", "engagement", "fiscal_year_start_month", "guild", "id", "licensee_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rating_period", "reference", "signed_at", "starts_at", "status", "time_zone", "twin_id") VALUES (NEW."agency_id", NEW."currency", NEW."description", NEW."ends_at", NEW."engagement", NEW."fiscal_year_start_month", NEW."guild", NEW."id", NEW."licensee_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."rating_period", NEW."reference", NEW."signed_at", NEW."starts_at", NEW."status", NEW."time_zone", NEW."twin_id"); RETURN NULL;', hash='6df6dcdadaa4de137abfc4feb740217f7c3c0185', operation='UPDATE', pgid='pgtrigger_update_update_e7b6d', table='licensing_agreement', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='agreement',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "licensing_agreementevent" ("agency_id", "currency", "description", "ends_at", "engagement", "fiscal_year_start_month", "guild", "id", "licensee_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rating_period", "reference", "signed_at", "starts_at", "status", "time_zone", "twin_id") VALUES (OLD."agency_id", OLD."currency", OLD."description", OLD."ends_at", OLD."engagement", OLD."fiscal_year_start_month", OLD."guild", OLD."id", OLD."licensee_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."rating_period", OLD."reference", OLD."signed_at", OLD."starts_at", OLD."status", OLD."time_zone", OLD."twin_id"); RETURN NULL;', hash='a7b67cf58b1699d20226c6167b09f5558bdf3fae', operation='DELETE', pgid='pgtrigger_delete_delete_d53cf', table='licensing_agreement', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='productionevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='e7bc38ffd9e6012d57b2b3f61d4797ca6179110b', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_b5010', table='licensing_productionevent', when='BEFORE')),
        ),
        # Events and their records are partitioned by id before they have rows: a single
        # bigint key suits Django's admin and foreign keys, and ids grow with time.
        migrations.RunSQL(partitioned("licensing_usageevent", "id"), migrations.RunSQL.noop),
        migrations.RunSQL(partitioned("licensing_usagerecord", "event_id"), migrations.RunSQL.noop),
        pgtrigger.migrations.AddTrigger(
            model_name='usagerecord',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='2cc1ac92cb38e12f5bc38d7432a7379a4b68a1b3', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_af637', table='licensing_usagerecord', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='ratecard',
            constraint=models.UniqueConstraint(fields=('agreement', 'effective_from'), name='rate_card_one_per_day'),
        ),
        migrations.AddConstraint(
            model_name='ratecard',
            constraint=models.CheckConstraint(condition=models.Q(('effective_from__day', 1)), name='rate_card_starts_with_a_month', violation_error_message='Rates change on the first day of a month.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='ratecard',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "licensing_ratecardevent" ("agreement_id", "effective_from", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source") VALUES (NEW."agreement_id", NEW."effective_from", NEW."id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."source"); RETURN NULL;', hash='6043f5540a5a48b343f796a19ff718ac958b2a9c', operation='INSERT', pgid='pgtrigger_insert_insert_0ff6c', table='licensing_ratecard', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='ratecard',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "licensing_ratecardevent" ("agreement_id", "effective_from", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source") VALUES (NEW."agreement_id", NEW."effective_from", NEW."id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."source"); RETURN NULL;', hash='ff2f04a2d16a09b40a40e239d4cfd37658a0dc13', operation='UPDATE', pgid='pgtrigger_update_update_17b7c', table='licensing_ratecard', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='ratecard',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "licensing_ratecardevent" ("agreement_id", "effective_from", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source") VALUES (OLD."agreement_id", OLD."effective_from", OLD."id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."source"); RETURN NULL;', hash='65cbf4dd2044df6f50260ba9e0a49ade8be392cf', operation='DELETE', pgid='pgtrigger_delete_delete_82c13', table='licensing_ratecard', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='multiplierevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='2c9751bc560efe5e004b4f156b3fda9cf4f667e8', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_85ea3', table='licensing_multiplierevent', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='multiplier',
            constraint=models.UniqueConstraint(fields=('card', 'dimension', 'value'), name='multiplier_once_each'),
        ),
        migrations.AddConstraint(
            model_name='multiplier',
            constraint=models.CheckConstraint(condition=models.Q(('dimension__in', ['territory', 'language', 'real_time', 'exclusivity'])), name='multiplier_dimension_is_known'),
        ),
        migrations.AddConstraint(
            model_name='multiplier',
            constraint=models.CheckConstraint(condition=models.Q(('factor__gt', 0)), name='multiplier_is_positive', violation_error_message='A multiplier is above zero.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='multiplier',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "licensing_multiplierevent" ("card_id", "dimension", "factor", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "value") VALUES (NEW."card_id", NEW."dimension", NEW."factor", NEW."id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."value"); RETURN NULL;', hash='90fa8a31a69b3ab425fa129c9216ff07a9c04407', operation='INSERT', pgid='pgtrigger_insert_insert_2f5f9', table='licensing_multiplier', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='multiplier',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "licensing_multiplierevent" ("card_id", "dimension", "factor", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "value") VALUES (NEW."card_id", NEW."dimension", NEW."factor", NEW."id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."value"); RETURN NULL;', hash='3fda80bca839c814ed20455b9053d910fd72bdab', operation='UPDATE', pgid='pgtrigger_update_update_0155e', table='licensing_multiplier', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='multiplier',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "licensing_multiplierevent" ("card_id", "dimension", "factor", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "value") VALUES (OLD."card_id", OLD."dimension", OLD."factor", OLD."id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."value"); RETURN NULL;', hash='5dd9501a12589655f5fd5cd02f033732871a5c90', operation='DELETE', pgid='pgtrigger_delete_delete_855c9', table='licensing_multiplier', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='ratecardevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='a9b48011bd7fb152e057c8640258eea39514a6de', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_5f3bc', table='licensing_ratecardevent', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='rateline',
            constraint=models.UniqueConstraint(fields=('card', 'code'), name='rate_line_code_once'),
        ),
        migrations.AddConstraint(
            model_name='rateline',
            constraint=models.CheckConstraint(condition=models.Q(('meter__in', ['lines', 'words', 'characters', 'seconds', 'frames', 'shots', 'tokens', 'prompts', 'sessions', 'gpu_seconds', 'equivalent_days', 'runs', 'copies', 'revenue'])), name='rate_line_meter_is_known'),
        ),
        migrations.AddConstraint(
            model_name='rateline',
            constraint=models.CheckConstraint(condition=models.Q(('pricing__in', ['per_unit', 'graduated', 'volume', 'package', 'flat', 'percentage'])), name='rate_line_pricing_is_known'),
        ),
        migrations.AddConstraint(
            model_name='rateline',
            constraint=models.CheckConstraint(condition=models.Q(('round_quantity__in', ['never', 'per_event_up', 'per_event_nearest', 'per_period_up', 'per_period_nearest'])), name='rate_line_rounding_is_known'),
        ),
        migrations.AddConstraint(
            model_name='rateline',
            constraint=models.CheckConstraint(condition=models.Q(('scale_portion__gte', 0), ('scale_portion__lte', 1)), name='rate_line_scale_portion_is_a_part', violation_error_message='The scale portion is a part between 0 and 1.'),
        ),
        migrations.AddConstraint(
            model_name='rateline',
            constraint=models.CheckConstraint(condition=models.Q(('round_to__gt', 0)), name='rate_line_rounds_to_something', violation_error_message='A quantity is rounded to a step above zero.'),
        ),
        migrations.AddConstraint(
            model_name='rateline',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('pricing', 'package'), _negated=True), ('package_size__gt', 0), _connector='OR'), name='rate_line_package_has_a_size', violation_error_message='A package price needs a package size above zero.'),
        ),
        migrations.AddConstraint(
            model_name='rateline',
            constraint=models.CheckConstraint(condition=models.Q(('minimum__gte', 0), ('unit_price__gte', 0)), name='rate_line_costs_nothing_below_zero', violation_error_message='Prices are not negative.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='rateline',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "licensing_ratelineevent" ("card_id", "channels", "charge_group", "code", "id", "label", "languages", "meter", "minimum", "package_size", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pricing", "production_id", "prompt_classes", "rights", "round_quantity", "round_to", "scale_portion", "territories", "unit_price", "unlicensed", "uses") VALUES (NEW."card_id", NEW."channels", NEW."charge_group", NEW."code", NEW."id", NEW."label", NEW."languages", NEW."meter", NEW."minimum", NEW."package_size", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."pricing", NEW."production_id", NEW."prompt_classes", NEW."rights", NEW."round_quantity", NEW."round_to", NEW."scale_portion", NEW."territories", NEW."unit_price", NEW."unlicensed", NEW."uses"); RETURN NULL;', hash='fe0541e5bc27ccdc242c1cf3b47a91bbc5fadaa9', operation='INSERT', pgid='pgtrigger_insert_insert_fe9d4', table='licensing_rateline', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='rateline',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "licensing_ratelineevent" ("card_id", "channels", "charge_group", "code", "id", "label", "languages", "meter", "minimum", "package_size", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pricing", "production_id", "prompt_classes", "rights", "round_quantity", "round_to", "scale_portion", "territories", "unit_price", "unlicensed", "uses") VALUES (NEW."card_id", NEW."channels", NEW."charge_group", NEW."code", NEW."id", NEW."label", NEW."languages", NEW."meter", NEW."minimum", NEW."package_size", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."pricing", NEW."production_id", NEW."prompt_classes", NEW."rights", NEW."round_quantity", NEW."round_to", NEW."scale_portion", NEW."territories", NEW."unit_price", NEW."unlicensed", NEW."uses"); RETURN NULL;', hash='22146325fccab801a04c6b019b082c26ae6d58be', operation='UPDATE', pgid='pgtrigger_update_update_8f802', table='licensing_rateline', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='rateline',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "licensing_ratelineevent" ("card_id", "channels", "charge_group", "code", "id", "label", "languages", "meter", "minimum", "package_size", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pricing", "production_id", "prompt_classes", "rights", "round_quantity", "round_to", "scale_portion", "territories", "unit_price", "unlicensed", "uses") VALUES (OLD."card_id", OLD."channels", OLD."charge_group", OLD."code", OLD."id", OLD."label", OLD."languages", OLD."meter", OLD."minimum", OLD."package_size", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."pricing", OLD."production_id", OLD."prompt_classes", OLD."rights", OLD."round_quantity", OLD."round_to", OLD."scale_portion", OLD."territories", OLD."unit_price", OLD."unlicensed", OLD."uses"); RETURN NULL;', hash='94731fc1c626cbd9eec4bffd6272135eb6f13c77', operation='DELETE', pgid='pgtrigger_delete_delete_80e8f', table='licensing_rateline', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='bracketevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='abae5893f650213d24f25c09db8e04c5e2bf272d', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_bc6b3', table='licensing_bracketevent', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='bracket',
            constraint=models.UniqueConstraint(fields=('line', 'up_to'), name='bracket_once_each', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='bracket',
            constraint=models.CheckConstraint(condition=models.Q(('up_to', None), ('up_to__gt', 0), _connector='OR'), name='bracket_ends_above_zero', violation_error_message='A bracket ends above zero.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='bracket',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "licensing_bracketevent" ("flat", "id", "line_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "unit_price", "up_to") VALUES (NEW."flat", NEW."id", NEW."line_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."unit_price", NEW."up_to"); RETURN NULL;', hash='cd52e928d034a2389ecd97b9bdf9e2c79cf36f85', operation='INSERT', pgid='pgtrigger_insert_insert_3742b', table='licensing_bracket', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='bracket',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "licensing_bracketevent" ("flat", "id", "line_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "unit_price", "up_to") VALUES (NEW."flat", NEW."id", NEW."line_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."unit_price", NEW."up_to"); RETURN NULL;', hash='7187ddb94de3d78c298362de522a6c12340428fe', operation='UPDATE', pgid='pgtrigger_update_update_ee591', table='licensing_bracket', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='bracket',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "licensing_bracketevent" ("flat", "id", "line_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "unit_price", "up_to") VALUES (OLD."flat", OLD."id", OLD."line_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."unit_price", OLD."up_to"); RETURN NULL;', hash='89702abed94236c944017cb3a57ad3d6fc3decd1', operation='DELETE', pgid='pgtrigger_delete_delete_972cf', table='licensing_bracket', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='ratelineevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='c16965faeb562740da03a568a8d6c4053f188365', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_bf71f', table='licensing_ratelineevent', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='usageevent',
            index=django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['batch'], name='usage_event_batch'),
        ),
        migrations.AddIndex(
            model_name='usageevent',
            index=models.Index(fields=['agreement', '-id'], name='usage_event_agreement'),
        ),
        migrations.AddIndex(
            model_name='usageevent',
            index=models.Index(fields=['twin', '-id'], name='usage_event_twin'),
        ),
        migrations.AddConstraint(
            model_name='usageevent',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['use', 'amendment', 'ruling', 'revenue_report', 'day_report'])), name='usage_event_kind_is_known'),
        ),
        migrations.AddConstraint(
            model_name='usageevent',
            constraint=models.CheckConstraint(condition=models.Q(('standing__in', ['cleared', 'uncleared', 'out_of_scope', 'over_cap', 'on_hold'])), name='usage_event_standing_is_known'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='usageevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='12923345548018badb4237681581efd77ea68296', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_a9e21', table='licensing_usageevent', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='usageimport',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='04835a09477f86cdb809d155ed80b3d18bb18232', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_65b83', table='licensing_usageimport', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='usagebatch',
            index=models.Index(condition=models.Q(('first_index', None)), fields=['id'], name='usage_batch_unsealed'),
        ),
        migrations.AddConstraint(
            model_name='usagebatch',
            constraint=models.CheckConstraint(condition=models.Q(('door__in', ['api', 'import'])), name='usage_batch_door_is_known'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='usagebatch',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='10a3249f7850818722021e0ec892d7396e8df54f', operation='DELETE', pgid='pgtrigger_append_only_6ef64', table='licensing_usagebatch', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='usagebatch',
            trigger=pgtrigger.compiler.Trigger(name='sealed_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."first_index" IS NOT NULL)', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='e31bbfae074a15db1a65bcc3abde87b5d801ca3a', operation='UPDATE', pgid='pgtrigger_sealed_once_f01f7', table='licensing_usagebatch', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='deadletter',
            constraint=models.CheckConstraint(condition=models.Q(('door__in', ['api', 'import'])), name='dead_letter_door_is_known'),
        ),
        migrations.AddConstraint(
            model_name='deadletter',
            constraint=models.UniqueConstraint(fields=('terms', 'source', 'key', 'digest'), name='dead_letter_once'),
        ),
    ]
