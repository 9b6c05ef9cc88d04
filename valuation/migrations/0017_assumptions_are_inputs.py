"""What stood as an assumption becomes an item with its inputs, each of a fixed figure."""

from django.db import migrations

# A name that two scenarios of an agency share is told apart by their number.
NAMES = """
UPDATE valuation_scenario SET name = left(name, 180) || ' (' || id || ')' WHERE id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER (PARTITION BY agency_id, name ORDER BY id) AS place
        FROM valuation_scenario
    ) AS named WHERE place > 1
);
UPDATE valuation_scenario SET begins_on = date_trunc('month', now())::date;
INSERT INTO valuation_scenario_twins (scenario_id, digitaltwin_id)
    SELECT id, twin_id FROM valuation_scenario;
INSERT INTO valuation_scenario_agreements (scenario_id, agreement_id)
    SELECT id, agreement_id FROM valuation_scenario WHERE agreement_id IS NOT NULL;
"""

ITEMS = """
INSERT INTO valuation_scenarioitem
    (id, scenario_id, term, label, begins_in, months, currency)
    SELECT id, scenario_id, term, label, 1, 1, '' FROM valuation_assumption;
SELECT setval(
    pg_get_serial_sequence('valuation_scenarioitem', 'id'), max(id)
) FROM valuation_scenarioitem;
INSERT INTO valuation_scenarioinput
    (item_id, role, name, unit, spreading, middle, "values", source, standing)
    SELECT one.id, made.role, one.label, '', 'fixed', made.figure, '', one.source, 'assumption'
    FROM valuation_assumption AS one
    CROSS JOIN LATERAL (
        VALUES ('quantity', one.quantity), ('rate', one.unit_amount), ('share', one.probability)
    ) AS made (role, figure)
    WHERE made.role <> 'share' OR one.probability <> 1
    ORDER BY one.id, made.role;
"""

# Back, an item keeps what it was made of while that fits: a quantity, a rate, a share.
BACK = """
UPDATE valuation_scenario SET twin_id = (
    SELECT min(digitaltwin_id) FROM valuation_scenario_twins
    WHERE scenario_id = valuation_scenario.id
), agreement_id = (
    SELECT min(agreement_id) FROM valuation_scenario_agreements
    WHERE scenario_id = valuation_scenario.id
);
INSERT INTO valuation_assumption
    (id, scenario_id, term, label, quantity, unit_amount, probability, source)
    SELECT item.id, item.scenario_id, item.term, item.label,
        coalesce(max(one.middle) FILTER (WHERE one.role = 'quantity'), 1),
        coalesce(max(one.middle) FILTER (WHERE one.role = 'rate'), 0),
        coalesce(max(one.middle) FILTER (WHERE one.role = 'share'), 1),
        coalesce(max(one.source), '')
    FROM valuation_scenarioitem AS item
    LEFT JOIN valuation_scenarioinput AS one ON one.item_id = item.id
    GROUP BY item.id
    ON CONFLICT DO NOTHING;
DELETE FROM valuation_scenario_twins;
DELETE FROM valuation_scenario_agreements;
DELETE FROM valuation_scenarioitem;
"""


class Migration(migrations.Migration):
    dependencies = [("valuation", "0016_scenario_items")]

    operations = [
        migrations.RunSQL(NAMES, migrations.RunSQL.noop),
        migrations.RunSQL(ITEMS, BACK),
    ]
