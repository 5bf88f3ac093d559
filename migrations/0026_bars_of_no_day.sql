-- A bar of an infinite date, from before the dates had bounds, could be neither changed nor removed: the change was to be noted with a
-- date that the work list refuses. Such a bar has no returns, so nothing is to be noted.

CREATE OR REPLACE FUNCTION daily_bars_note_change() RETURNS trigger
LANGUAGE plpgsql
-- Whoever may write bars need not be able to write the list, and finds it whatever their search path is.
SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO returns_pending (symbol, first_date, last_date)
        SELECT symbol, min(date), max(date)
        FROM new_bars
        WHERE date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'
        GROUP BY symbol;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO returns_pending (symbol, first_date, last_date)
        SELECT symbol, min(date), max(date)
        FROM old_bars
        WHERE date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'
        GROUP BY symbol;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO returns_pending (symbol, first_date, last_date)
        SELECT symbol, min(date), max(date)
        FROM (
            (SELECT symbol, date, close FROM new_bars EXCEPT SELECT symbol, date, close FROM old_bars)
            UNION ALL
            (SELECT symbol, date, close FROM old_bars EXCEPT SELECT symbol, date, close FROM new_bars)
        ) AS changed
        WHERE date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'
        GROUP BY symbol;
    ELSE
        INSERT INTO returns_pending (symbol, first_date, last_date)
        SELECT symbol, min(date), max(date)
        FROM daily_log_returns
        WHERE date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'
        GROUP BY symbol;
    END IF;
    RETURN NULL;
END
$$;
