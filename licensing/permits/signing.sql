-- Numbers for `count` decisions that are not written yet, and the key that signs their permits, as
-- JSON: {"numbers", "key": {"pk", "kid", "sealed"}}. The key is null where none was made yet. It is
-- read each time, so that a key that was retired or has leaked signs nothing more. A newer one waits until the
-- older is retired, when nobody can hold a list of keys without it any more (keys.rotate).
-- An expression. A handful of keys; the numbers come from the table's sequence.
-- Parameters: count; known_at, the instant of signing.
(
    SELECT json_build_object(
        'numbers', ARRAY(
            SELECT nextval(pg_get_serial_sequence('licensing_clearancedecision', 'id'))
            FROM generate_series(1, %(count)s::int)
        ),
        'key', (
            SELECT json_build_object('pk', id, 'kid', kid, 'sealed', encode(sealed, 'hex'))
            FROM licensing_signingkey
            WHERE (retired_at IS NULL OR retired_at > %(known_at)s::timestamptz)
                AND NOT EXISTS (
                    SELECT FROM licensing_leakedkey WHERE key_id = licensing_signingkey.id
                )
            ORDER BY made_at, id LIMIT 1
        )
    )
)
