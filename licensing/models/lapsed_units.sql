-- The units that lapsed reservations still take up in the column `reserved` of a cap's year: their
-- time is over, but the sweep has not come by yet. They hold nothing any more, so whoever reads
-- `reserved` subtracts them. What events have drawn of them is counted as used, not here.
-- An expression, for a year's id and an instant. Read by cap_reservation_open (the open ones by
-- the end of their time) and reserved_units_once, or by the units' index on cap_year_id.
coalesce((
    SELECT sum(units.units - units.drawn)
    FROM licensing_capreservation reservation
    JOIN licensing_reservedunits units ON units.reservation_id = reservation.decision_id
    WHERE units.cap_year_id = {year} AND reservation.state = 'open'
        AND reservation.expires_at <= {at}
), 0)
