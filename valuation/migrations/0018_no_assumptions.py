import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from talent.migrations._together import together


class Migration(migrations.Migration):

    dependencies = [
        ('licensing', '0015_proposals'),
        ('talent', '0012_shares_by_two_people'),
        ('valuation', '0017_assumptions_are_inputs'),
    ]

    operations = together([
        migrations.RemoveField(
            model_name='assumption',
            name='scenario',
        ),
        migrations.RemoveField(
            model_name='assumptionevent',
            name='pgh_obj',
        ),
        migrations.RemoveField(
            model_name='assumptionevent',
            name='pgh_context',
        ),
        migrations.RemoveField(
            model_name='assumptionevent',
            name='scenario',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='scenario',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='scenario',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='scenario',
            name='delete_delete',
        ),
        migrations.RemoveConstraint(
            model_name='scenario',
            name='scenario_name_once',
        ),
        migrations.RemoveField(
            model_name='scenario',
            name='agreement',
        ),
        migrations.RemoveField(
            model_name='scenario',
            name='twin',
        ),
        migrations.RemoveField(
            model_name='scenarioevent',
            name='agreement',
        ),
        migrations.RemoveField(
            model_name='scenarioevent',
            name='twin',
        ),
        migrations.AlterField(
            model_name='scenario',
            name='begins_on',
            field=models.DateField(help_text='The first day of its first month.'),
        ),
        migrations.AlterField(
            model_name='scenarioevent',
            name='begins_on',
            field=models.DateField(help_text='The first day of its first month.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='scenario',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "valuation_scenarioevent" ("agency_id", "begins_on", "currency", "discount_percent", "discount_source", "draws", "id", "in_use", "months", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "production_id", "seed", "view") VALUES (NEW."agency_id", NEW."begins_on", NEW."currency", NEW."discount_percent", NEW."discount_source", NEW."draws", NEW."id", NEW."in_use", NEW."months", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."production_id", NEW."seed", NEW."view"); RETURN NULL;', hash='6aa37eada83ac07ffbe2d27a176d455c35e0a10e', operation='INSERT', pgid='pgtrigger_insert_insert_812c2', table='valuation_scenario', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='scenario',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "valuation_scenarioevent" ("agency_id", "begins_on", "currency", "discount_percent", "discount_source", "draws", "id", "in_use", "months", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "production_id", "seed", "view") VALUES (NEW."agency_id", NEW."begins_on", NEW."currency", NEW."discount_percent", NEW."discount_source", NEW."draws", NEW."id", NEW."in_use", NEW."months", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."production_id", NEW."seed", NEW."view"); RETURN NULL;', hash='3d7f3372c6e8ee1a26605de49c11510335461ad6', operation='UPDATE', pgid='pgtrigger_update_update_fd302', table='valuation_scenario', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='scenario',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "valuation_scenarioevent" ("agency_id", "begins_on", "currency", "discount_percent", "discount_source", "draws", "id", "in_use", "months", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "production_id", "seed", "view") VALUES (OLD."agency_id", OLD."begins_on", OLD."currency", OLD."discount_percent", OLD."discount_source", OLD."draws", OLD."id", OLD."in_use", OLD."months", OLD."name", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."production_id", OLD."seed", OLD."view"); RETURN NULL;', hash='480d75322d6ace3a440ca43ebd345d3524888954', operation='DELETE', pgid='pgtrigger_delete_delete_ec4a0', table='valuation_scenario', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='scenario',
            constraint=models.UniqueConstraint(fields=('agency', 'name'), name='scenario_name_once', violation_error_message='The agency has a scenario of this name.'),
        ),
        migrations.DeleteModel(
            name='Assumption',
        ),
        migrations.DeleteModel(
            name='AssumptionEvent',
        ),
    ])
