import django.db.models.deletion
from django.db import migrations, models

# Who moves a year waits in the queue of a named lock, not in that of the row: with many waiting
# it costs a third, and what is read after it is what the one before has left. The row's own lock
# still stands, for those who lock years to look at them first.
QUEUE = "PERFORM pg_advisory_xact_lock(hashtextextended('licensing_capyear', moved))"

TAKE = f"""
CREATE FUNCTION licensing_reserve_units(
    moved bigint, taken numeric, first_alert integer, last_alert integer
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    {QUEUE};
    UPDATE licensing_capyear year SET reserved = year.reserved + taken
    FROM licensing_cap cap
    WHERE year.id = moved AND cap.id = year.cap_id
        AND (year.used + year.reserved + taken) * 100 < cap."limit" * CASE
            WHEN EXISTS (
                SELECT FROM licensing_capalert alert
                WHERE alert.year_id = year.id AND alert.percent = first_alert
            ) THEN last_alert ELSE first_alert
        END;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Cap year % comes near a limit or an alert.', moved
            USING ERRCODE = 'LD001';
    END IF;
END $$
"""

SETTLE = f"""
CREATE FUNCTION licensing_settle_units(moved bigint, freed numeric, confirmed numeric)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    {QUEUE};
    UPDATE licensing_capyear SET reserved = reserved - freed, used = used + confirmed
    WHERE id = moved;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("licensing", "0010_leaves")]

    operations = [
        migrations.RunSQL(
            TAKE, "DROP FUNCTION licensing_reserve_units(bigint, numeric, integer, integer)"
        ),
        migrations.RunSQL(
            SETTLE, "DROP FUNCTION licensing_settle_units(bigint, numeric, numeric)"
        ),
        migrations.AlterField(
            model_name="capyear",
            name="cap",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="years",
                to="licensing.cap",
            ),
        ),
        migrations.AlterField(
            model_name="clearancedecision",
            name="terms",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="decisions",
                to="licensing.licenseeterms",
            ),
        ),
        migrations.AlterField(
            model_name="clearancedecision",
            name="twin",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="talent.digitaltwin",
            ),
        ),
        migrations.AlterField(
            model_name="reservedunits",
            name="reservation",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="units",
                to="licensing.capreservation",
            ),
        ),
    ]
