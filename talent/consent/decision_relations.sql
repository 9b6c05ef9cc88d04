-- The twins that a batch of requests names, and the consents that apply to them: common table
-- expressions for the statement that loads a decision's facts. twin, source, performer, owner, build
-- and version have the columns of their tables, version also those that identify its owner; guild
-- has the guilds that count.
-- Parameters: agency; known_at; no_guild, the codes for no guild; twin_ids, twin_names, build_ids
-- and build_names as the requests name them.
-- The statement around it fills in {licensed}, which selects further twins that the agency knows;
-- {agreed}, further twins that are wanted; and {guilds}, further guilds that count.
-- What rows are looked up by is an array, for which an index serves: twins' names and HAND IDs,
-- primary keys, foreign keys, and consent matrices by their owners.
-- Relations that several others read are materialized, so that they are read once.
twin AS MATERIALIZED (
    SELECT twin.* FROM talent_digitaltwin twin
    WHERE twin.id = ANY(ARRAY(
        -- One index for each way of naming; in one condition they would be tried on every twin.
        SELECT unnest(%(twin_ids)s::bigint[])
        UNION {agreed}
        UNION SELECT id FROM talent_digitaltwin WHERE name = ANY(%(twin_names)s::text[])
        UNION SELECT id FROM talent_digitaltwin
            WHERE hand_id = ANY(%(twin_names)s::text[]) AND hand_id <> ''
    )) AND (
        -- The twins an agency has or had to do with; `DigitalTwin.objects.known_to` says the same.
        twin.agency_id = %(agency)s::bigint
        OR EXISTS (
            SELECT FROM talent_representation representation
            WHERE representation.performer_id = twin.performer_id
                AND representation.agency_id = %(agency)s::bigint
        )
        OR EXISTS (
            SELECT FROM talent_compositesource source
            JOIN talent_representation representation USING (performer_id)
            WHERE source.twin_id = twin.id AND representation.agency_id = %(agency)s::bigint
        )
        OR EXISTS (
            SELECT FROM ({licensed}) AS licensed (twin_id) WHERE licensed.twin_id = twin.id
        )
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
