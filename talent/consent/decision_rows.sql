-- One expression: the relations of decision_relations.sql as one JSON object, as DecisionRows
-- decodes it. Rows are lists of their columns; versions come with their cells for the wanted rights
-- and uses; builds with what contaminates them and whether they were proved clean. Parameters:
-- rights, uses, known_at. Cells are found by their index on version_id, marks and answers by those on
-- node_id and build_id.
json_build_object(
    'twins', {twins},
    'performers', {performers},
    'owners', {owners},
    'sources', {sources},
    'builds', {builds},
    'marks', (
        SELECT coalesce(json_agg(json_build_array(
            build.id, mark.id, fact.from_at, fact.known_at, (
                SELECT step.at FROM talent_contaminationclearing clearing
                JOIN talent_contaminationclearingstep step ON step.clearing_id = clearing.id
                WHERE clearing.contamination_id = fact.id AND step.kind = 'approved'
                ORDER BY step.id LIMIT 1
            ), fact.cause
        ) ORDER BY fact.from_at, mark.distance, mark.id), '[]')
        FROM build
        JOIN talent_lineagenode node ON node.build_id = build.id
        JOIN talent_contaminationmark mark ON mark.node_id = node.id
        JOIN talent_contamination fact ON fact.id = mark.contamination_id
        WHERE fact.known_at <= %(known_at)s::timestamptz
    ),
    'answers', (
        SELECT coalesce(json_agg(
            json_build_array(build.id, answer.answer, answer.at) ORDER BY answer.id
        ), '[]')
        FROM build JOIN talent_cleananswer answer ON answer.build_id = build.id
        WHERE answer.at <= %(known_at)s::timestamptz
    ),
    'versions', (
        SELECT coalesce(json_agg(json_build_object(
            'owner_id', coalesce(
                to_json(version.agency_id), to_json(version.performer_id),
                to_json(version.twin_id), to_json(version.guild)
            ),
            'version', json_build_object(
                'id', version.id::text,
                'number', version.number,
                'owner_kind', CASE
                    WHEN version.agency_id IS NOT NULL THEN 'agency'
                    WHEN version.performer_id IS NOT NULL THEN 'performer'
                    WHEN version.twin_id IS NOT NULL THEN 'twin'
                    ELSE 'guild'
                END,
                'owner', coalesce(agency.name, performer.name, twin.name, version.guild),
                'in_force_from', version.in_force_from,
                'recorded_at', version.recorded_at,
                'recorded_by', coalesce(trim(concat_ws(' ', recorder.first_name, recorder.last_name)), ''),
                'cells', (
                    SELECT coalesce(json_agg(json_build_object(
                        'right', cell."right",
                        'use', cell.use,
                        'stance', cell.stance,
                        'overrules_agency', cell.overrules_agency,
                        'scope', json_build_object(
                            'territories', cell.territories,
                            'territories_excluded', cell.territories_excluded,
                            'languages', cell.languages,
                            'languages_in', cell.languages_in,
                            'channels_allowed', cell.channels_allowed,
                            'channels_excluded', cell.channels_excluded,
                            'productions_allowed', cell.productions_allowed,
                            'productions_excluded', cell.productions_excluded,
                            'licensees_allowed', cell.licensees_allowed,
                            'licensees_excluded', cell.licensees_excluded,
                            'brands_allowed', cell.brands_allowed,
                            'brands_excluded', cell.brands_excluded,
                            'valid_from', cell.valid_from,
                            'valid_to', cell.valid_to,
                            'notice_hours', cell.notice_hours,
                            'withdrawal_notice_hours', cell.withdrawal_notice_hours,
                            'exclusions', cell.exclusions,
                            'real_time', cell.real_time,
                            'limits', cell.limits
                        )
                    ) ORDER BY cell."right", cell.use), '[]')
                    FROM talent_consentcell cell
                    WHERE cell.version_id = version.id
                        AND cell."right" = ANY(%(rights)s::text[])
                        AND cell.use = ANY(%(uses)s::text[])
                )
            )
        ) ORDER BY version.matrix_id, version.number), '[]')
        FROM version
        LEFT JOIN talent_agency agency ON agency.id = version.agency_id
        LEFT JOIN performer ON performer.id = version.performer_id
        LEFT JOIN twin ON twin.id = version.twin_id
        LEFT JOIN talent_user recorder ON recorder.id = version.recorded_by_id
    )
)
