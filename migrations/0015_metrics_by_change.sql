-- The metrics job does what changed, not everything: which closes changed is noted where it happens, whoever writes the bars, and
-- which dates of correlations still have to follow is noted by the job. Both are work lists: what is done is deleted.

CREATE TABLE returns_pending (
    id          uuid    NOT NULL DEFAULT gen_random_uuid(),
    symbol      symbol  NOT NULL,
    first_date  date    NOT NULL,
    last_date   date    NOT NULL,
    CONSTRAINT returns_pending_pkey PRIMARY KEY (id),
    CONSTRAINT returns_pending_first_date_range CHECK (first_date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'),
    CONSTRAINT returns_pending_last_date_range CHECK (last_date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'),
    CONSTRAINT returns_pending_dates CHECK (last_date >= first_date)
);
COMMENT ON TABLE returns_pending IS 'Days of a symbol on which a close changed, came or went since its returns were calculated.';
COMMENT ON COLUMN returns_pending.id IS 'Made by the database.';
COMMENT ON COLUMN returns_pending.symbol IS 'Ticker.';
COMMENT ON COLUMN returns_pending.first_date IS 'First such day.';
COMMENT ON COLUMN returns_pending.last_date IS 'Last such day; not every day in between need have changed.';

CREATE TABLE correlations_pending (
    id          uuid    NOT NULL DEFAULT gen_random_uuid(),
    first_date  date    NOT NULL,
    last_date   date    NOT NULL,
    CONSTRAINT correlations_pending_pkey PRIMARY KEY (id),
    CONSTRAINT correlations_pending_first_date_range CHECK (first_date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'),
    CONSTRAINT correlations_pending_last_date_range CHECK (last_date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31')
);
COMMENT ON TABLE correlations_pending IS 'Days on which a seven-day return changed, came or went since the correlations were calculated.';
COMMENT ON COLUMN correlations_pending.id IS 'Made by the database.';
COMMENT ON COLUMN correlations_pending.first_date IS 'First day whose correlations are not calculated yet.';
COMMENT ON COLUMN correlations_pending.last_date IS 'Last such day; the windows that hold it reach further.';

CREATE TABLE correlation_window (
    only_row     boolean  NOT NULL DEFAULT true,
    window_rows  integer  NOT NULL,
    CONSTRAINT correlation_window_pkey PRIMARY KEY (only_row),
    CONSTRAINT correlation_window_one_row CHECK (only_row),
    CONSTRAINT correlation_window_length CHECK (window_rows BETWEEN 2 AND 65535)
);
COMMENT ON TABLE correlation_window IS 'Length of the window that the stored correlations have, or are about to have; one row at most.';
COMMENT ON COLUMN correlation_window.only_row IS 'Always true.';
COMMENT ON COLUMN correlation_window.window_rows IS 'Length in dates on which any symbol has a seven-day return.';

-- Which dates have a return at all, in order.
CREATE INDEX rolling_7day_log_returns_date_idx ON rolling_7day_log_returns (date);

-- For each statement and symbol one range, so that an import of a long history notes little.
CREATE FUNCTION daily_bars_note_change() RETURNS trigger
LANGUAGE plpgsql
-- Whoever may write bars need not be able to write the list, and finds it whatever their search path is.
SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO returns_pending (symbol, first_date, last_date)
        SELECT symbol, min(date), max(date) FROM new_bars GROUP BY symbol;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO returns_pending (symbol, first_date, last_date)
        SELECT symbol, min(date), max(date) FROM old_bars GROUP BY symbol;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO returns_pending (symbol, first_date, last_date)
        SELECT symbol, min(date), max(date)
        FROM (
            (SELECT symbol, date, close FROM new_bars EXCEPT SELECT symbol, date, close FROM old_bars)
            UNION ALL
            (SELECT symbol, date, close FROM old_bars EXCEPT SELECT symbol, date, close FROM new_bars)
        ) AS changed
        GROUP BY symbol;
    ELSE
        INSERT INTO returns_pending (symbol, first_date, last_date)
        SELECT symbol, min(date), max(date) FROM daily_log_returns GROUP BY symbol;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION daily_bars_note_change IS 'Notes in returns_pending which closes a statement changed.';

CREATE TRIGGER daily_bars_inserted AFTER INSERT ON daily_bars
    REFERENCING NEW TABLE AS new_bars FOR EACH STATEMENT EXECUTE FUNCTION daily_bars_note_change();
CREATE TRIGGER daily_bars_updated AFTER UPDATE ON daily_bars
    REFERENCING OLD TABLE AS old_bars NEW TABLE AS new_bars FOR EACH STATEMENT EXECUTE FUNCTION daily_bars_note_change();
CREATE TRIGGER daily_bars_deleted AFTER DELETE ON daily_bars
    REFERENCING OLD TABLE AS old_bars FOR EACH STATEMENT EXECUTE FUNCTION daily_bars_note_change();
CREATE TRIGGER daily_bars_truncated AFTER TRUNCATE ON daily_bars
    FOR EACH STATEMENT EXECUTE FUNCTION daily_bars_note_change();

-- What is there already: the returns are compared once, and only correlations of returns that differ follow.
INSERT INTO returns_pending (symbol, first_date, last_date)
SELECT symbol, GREATEST(min(date), DATE '0001-01-01'), LEAST(max(date), DATE '9999-12-31')
FROM (
    SELECT symbol, date FROM daily_bars
    UNION ALL
    SELECT symbol, date FROM daily_log_returns
) AS known
WHERE date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'
GROUP BY symbol;
INSERT INTO correlation_window (window_rows)
SELECT window_rows FROM correlation_matrix ORDER BY date DESC LIMIT 1;
