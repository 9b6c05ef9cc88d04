-- Take units of a cap's year, and settle what was taken: licensing/caps calls both.
--
-- Who moves a year waits in the queue of a named lock, not in that of the row: with many waiting
-- it costs a third, and what is read after it is what the one before has left. The row's own lock
-- still stands, for those who lock years to look at them first.

-- Reserves without looking, while the year stays below its next alert and its limit; raises
-- LD001 where it would not, for the caller to look closer.
CREATE FUNCTION licensing_reserve_units(
    moved bigint, taken numeric, first_alert integer, last_alert integer
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('licensing_capyear', moved));
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
END $$;

-- Frees a part of what is reserved, and counts a part as used.
CREATE FUNCTION licensing_settle_units(moved bigint, freed numeric, confirmed numeric)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('licensing_capyear', moved));
    UPDATE licensing_capyear SET reserved = reserved - freed, used = used + confirmed
    WHERE id = moved;
END $$;
