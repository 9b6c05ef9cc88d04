-- The twins that a batch of requests names, and the consents that apply to them: common table
-- expressions for the statement that loads a decision's facts. twin, source, performer, owner, build
-- and version have the columns of their tables, version also those that identify its owner; guild
-- has the guilds that count.
-- Parameters: agency; known_at; no_guild, the codes for no guild; twin_ids, twin_names, build_ids
-- and build_names as the requests name them.
-- The statement around it fills in {licensed}, which selects further twins that the agency knows;
-- {agreed}, further twins that are wanted; and {guilds}, further guilds that count.
-- Twins are looked up among those that the agency knows. All other look-ups are by an array that an
-- index serves: primary keys, foreign keys, and consent matrices by their owners.
-- Relations that several others read are materialized, so that they are read once.
twin AS MATERIALIZED (
    SELECT twin.* FROM talent_digitaltwin twin
    WHERE (
        twin.id = ANY(%(twin_ids)s::bigint[])
        OR twin.id = ANY(ARRAY({agreed}))
        OR twin.name IN (SELECT unnest(%(twin_names)s::text[]))
        OR twin.hand_id IN (SELECT unnest(%(twin_names)s::text[]))
    ) AND twin.id IN (
        -- The same twins as `DigitalTwin.objects.known_to` returns.
        SELECT known.id FROM talent_digitaltwin known
        WHERE known.agency_id = %(agency)s::bigint
            OR known.performer_id IN (
                SELECT performer_id FROM talent_representation
                WHERE agency_id = %(agency)s::bigint
            )
            OR known.id IN (
                SELECT source.twin_id FROM talent_compositesource source
                JOIN talent_representation representation USING (performer_id)
                WHERE representation.agency_id = %(agency)s::bigint
            )
            OR known.id IN ({licensed})
    )
), source AS MATERIALIZED (
    SELECT * FROM talent_compositesource WHERE twin_id = ANY(ARRAY(SELECT id FROM twin))
), performer AS MATERIALIZED (
    SELECT * FROM talent_performer WHERE id = ANY(ARRAY(
        SELECT performer_id FROM twin UNION SELECT performer_id FROM source
    ))
), guild AS MATERIALIZED (
    SELECT guild FROM performer UNION {guilds}
    EXCEPT SELECT unnest(%(no_guild)s::text[])
), version AS MATERIALIZED (
    SELECT version.*, matrix.guild, matrix.agency_id, matrix.performer_id, matrix.twin_id
    FROM talent_consentmatrix matrix
    JOIN talent_consentversion version ON version.matrix_id = matrix.id
    WHERE version.recorded_at <= %(known_at)s::timestamptz AND (
        matrix.guild = ANY(ARRAY(SELECT guild FROM guild))
        OR matrix.agency_id = %(agency)s::bigint
        OR matrix.performer_id = ANY(ARRAY(SELECT id FROM performer))
        OR matrix.twin_id = ANY(ARRAY(SELECT id FROM twin))
    )
), owner AS (
    SELECT * FROM talent_beneficiary WHERE id = ANY(ARRAY(SELECT owner_id FROM twin))
), build AS (
    SELECT * FROM talent_build WHERE twin_id = ANY(ARRAY(SELECT id FROM twin)) AND (
        id = ANY(%(build_ids)s::bigint[])
        OR version IN (SELECT unnest(%(build_names)s::text[]))
    )
)
