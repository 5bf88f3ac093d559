-- The database and the types of the program have one rule: a value that is stored here can be read there. Each check below is
-- for values written from now on. Rows that break it stay as they are and stop nothing; a later migration validates what no row
-- breaks, and `llm-trading-db doctor --rows` lists the rows that do.

-- Texts of one line. Characters are named by their code, so that no locale has a say: first the control characters, then the
-- blanks of Unicode, which a text neither begins nor ends with.

ALTER DOMAIN condition_type DROP CONSTRAINT condition_type_form;
ALTER DOMAIN condition_type ADD CONSTRAINT condition_type_form CHECK (
    length(VALUE) <= 50
    AND VALUE COLLATE "C" ~ '^[^\u0001-\u001f\u007f-\u009f]+$'
    AND VALUE COLLATE "C" !~ '^[\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]'
    AND VALUE COLLATE "C" !~ '[\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$'
) NOT VALID;

ALTER DOMAIN condition_value DROP CONSTRAINT condition_value_form;
ALTER DOMAIN condition_value ADD CONSTRAINT condition_value_form CHECK (
    length(VALUE) <= 50
    AND VALUE COLLATE "C" ~ '^[^\u0001-\u001f\u007f-\u009f]+$'
    AND VALUE COLLATE "C" !~ '^[\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]'
    AND VALUE COLLATE "C" !~ '[\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$'
) NOT VALID;

ALTER DOMAIN user_name DROP CONSTRAINT user_name_form;
ALTER DOMAIN user_name ADD CONSTRAINT user_name_form CHECK (
    length(VALUE) <= 100
    AND VALUE COLLATE "C" ~ '^[^\u0001-\u001f\u007f-\u009f]+$'
    AND VALUE COLLATE "C" !~ '^[\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]'
    AND VALUE COLLATE "C" !~ '[\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$'
) NOT VALID;

ALTER DOMAIN email DROP CONSTRAINT email_form;
ALTER DOMAIN email ADD CONSTRAINT email_form CHECK (
    octet_length(VALUE) <= 254
    AND octet_length(split_part(VALUE, '@', 1)) <= 64
    AND VALUE COLLATE "C" ~ '^[^@]+@[^@.]+(\.[^@.]+)+$'
    AND VALUE COLLATE "C"
        !~ '[\u0001-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]'
) NOT VALID;

-- The check for a Wednesday passes on infinity, of which no weekday is known.
ALTER DOMAIN week_id ADD CONSTRAINT week_id_range
    CHECK (VALUE BETWEEN DATE '0001-01-03' AND DATE '9999-12-22') NOT VALID;

-- Every date and every instant lies in the years 1 to 9999: PostgreSQL also knows infinity and times that no calendar of a
-- program reaches.
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT relname, attname,
               CASE atttypid
                   WHEN 'date'::regtype THEN $check$BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'$check$
                   ELSE $check$BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'$check$
               END AS span
        FROM pg_attribute
        JOIN pg_class ON pg_class.oid = attrelid
        WHERE relname IN (
                'daily_bars', 'hourly_snapshots', 'fetch_log', 'daily_log_returns', 'rolling_7day_log_returns',
                'correlation_matrix', 'research_reports', 'pm_pitches', 'peer_reviews', 'chairman_decisions',
                'execution_events', 'account_performance', 'weekly_performance', 'market_condition_performance', 'users',
                'accounts', 'logs'
            )
          AND relnamespace = current_schema()::regnamespace
          AND atttypid IN ('date'::regtype, 'timestamptz'::regtype)
          AND attnum > 0
          AND NOT attisdropped
        ORDER BY relname, attnum
    LOOP
        EXECUTE format(
            'ALTER TABLE %I ADD CONSTRAINT %I CHECK (%I %s) NOT VALID',
            found.relname, found.relname || '_' || found.attname || '_range', found.attname, found.span
        );
    END LOOP;
END
$$;
