-- All that a batch of requests of one licensee may be decided by, as one JSON object: the rows that
-- the requests name, and what lies on these. FactRows reads it. One statement brings it in one
-- round trip; prepared on its connection, it is planned once and not for every request.
-- Parameters: agency, licensee; known_at; count, of numbers for decisions; rights and uses; for
-- twin, agreement, build and production the _ids and _names by which the requests name them, for
-- brands the _names.
-- {talent_relations} and {talent_rows} are talent's (talent/consent/decision_rows.py).
-- What rows are looked up by is an array, for which an index serves: primary keys,
-- agreement_by_parties, and the foreign keys of the others. Relations that several others read are
-- materialized, so that they are read once.
WITH agreement AS MATERIALIZED (
    SELECT * FROM licensing_agreement
    WHERE agency_id = %(agency)s::bigint AND licensee_id = %(licensee)s::bigint AND (
        id = ANY(%(agreement_ids)s::bigint[])
        OR reference IN (SELECT unnest(%(agreement_names)s::text[]))
    )
), {talent_relations}, licensee AS (
    SELECT * FROM licensing_licensee WHERE id = %(licensee)s::bigint
), granted AS (
    SELECT * FROM licensing_grant WHERE agreement_id = ANY(ARRAY(SELECT id FROM agreement))
), agreement_production AS (
    SELECT agreement_id, production_id FROM licensing_agreement_productions
    WHERE agreement_id = ANY(ARRAY(SELECT id FROM agreement))
), production AS (
    SELECT * FROM licensing_production WHERE licensee_id = %(licensee)s::bigint AND (
        id = ANY(%(production_ids)s::bigint[])
        OR eidr IN (SELECT unnest(%(production_names)s::text[]))
        OR isan IN (SELECT unnest(%(production_names)s::text[]))
        OR title IN (SELECT unnest(%(production_names)s::text[]))
    )
), cap AS MATERIALIZED (
    SELECT * FROM licensing_cap
    WHERE agreement_id = ANY(ARRAY(SELECT id FROM agreement))
        OR twin_id = ANY(ARRAY(SELECT id FROM twin))
        OR performer_id = ANY(ARRAY(SELECT id FROM performer))
), year AS (
    SELECT * FROM licensing_capyear WHERE cap_id = ANY(ARRAY(SELECT id FROM cap))
), hold AS (
    SELECT * FROM licensing_hold
    WHERE guild = ANY(ARRAY(SELECT guild FROM guild))
        OR agreement_id = ANY(ARRAY(SELECT id FROM agreement))
        OR twin_id = ANY(ARRAY(SELECT id FROM twin))
        OR performer_id = ANY(ARRAY(SELECT id FROM performer))
), brand AS (
    SELECT * FROM licensing_brand WHERE id = ANY(ARRAY(
        SELECT id FROM licensing_brand WHERE slug = ANY(%(brand_names)s::text[])
        UNION SELECT id FROM licensing_brand WHERE name = ANY(%(brand_names)s::text[])
    ))
)
SELECT json_build_object(
    'signing', {signing},
    'talent', {talent_rows},
    'agreements', {agreements},
    'licensees', {licensees},
    'grants', {grants},
    'productions', {productions},
    'agreement_productions', (
        SELECT coalesce(
            json_agg(json_build_array(agreement_id, production_id) ORDER BY production_id), '[]'
        ) FROM agreement_production
    ),
    'caps', {caps},
    'years', {years},
    'holds', {holds},
    'brands', {brands}
)::text
