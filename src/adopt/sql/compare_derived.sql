-- What was computed from the bars beside what the old tables had.
DELETE FROM adoption.refused WHERE code IN ('recomputed', 'no_longer_derivable');
DO $$
DECLARE
    known record;
    legacy text := current_setting('adopt.legacy');
BEGIN
    FOR known IN
        SELECT * FROM (VALUES
            ('daily_log_returns', 'log_return', '{symbol,date}'::text[], '0.00000001'),
            ('rolling_7day_log_returns', 'log_return_7d', '{symbol,date}', '0.00000001'),
            ('correlation_matrix', 'correlation', '{symbol_1,symbol_2,date}', '0.000001')
        ) AS known (name, value, keys, tolerance)
        WHERE to_regclass(format('%I.%I', legacy, name)) IS NOT NULL
    LOOP
        EXECUTE format('DROP TABLE IF EXISTS pg_temp.beside');
        IF EXISTS (
            SELECT FROM unnest(known.keys || known.value) AS part
            WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass(format('%I.%I', legacy, known.name)) AND attname = part AND NOT attisdropped)
        ) THEN
            -- A table without one of these columns holds nothing to compare.
            EXECUTE format('INSERT INTO pg_temp.derived SELECT %L, old.rows, 0, 0, old.rows, ours.rows
                FROM (SELECT count(*) AS rows FROM %I.%I) AS old, (SELECT count(*) AS rows FROM %I.%I) AS ours',
                known.name, legacy, known.name, current_schema(), known.name);
            CONTINUE;
        END IF;
        -- Joined as texts, since the old columns may be of any type.
        EXECUTE format(
            'CREATE TEMP TABLE beside ON COMMIT DROP AS
             SELECT old.part, old.at, old.key, CASE
                 WHEN old.at IS NULL THEN ''new_only'' WHEN ours.there IS NULL THEN ''legacy_only''
                 WHEN old.was IS NULL AND ours.is_now IS NULL THEN ''equal''
                 WHEN abs(pg_temp.number(old.was) - ours.is_now) <= %7$s THEN ''equal'' ELSE ''different''
             END AS verdict
             FROM (SELECT o.tableoid AS part, o.ctid AS at, %3$s AS key, o.%2$I::text AS was FROM %5$I.%1$I AS o) AS old
             FULL JOIN (SELECT %4$s AS key, %2$I::numeric AS is_now, true AS there FROM %6$I.%1$I) AS ours ON ours.key = old.key',
            known.name, known.value,
            (SELECT string_agg(format('upper(btrim(o.%I::text))', part), ' || ''/'' || ') FROM unnest(known.keys) AS part),
            (SELECT string_agg(format('%I::text', part), ' || ''/'' || ') FROM unnest(known.keys) AS part),
            legacy, current_schema(), known.tolerance);
        INSERT INTO pg_temp.derived
        SELECT known.name, count(at), count(*) FILTER (WHERE verdict = 'equal'), count(*) FILTER (WHERE verdict = 'different'),
               count(*) FILTER (WHERE verdict = 'legacy_only'), count(*) FILTER (WHERE verdict = 'new_only')
        FROM pg_temp.beside;
        EXECUTE format(
            'INSERT INTO adoption.refused (table_name, legacy_key, code, field, reason, "row")
             SELECT %1$L, COALESCE(to_jsonb(o) ->> ''id'', key), CASE verdict WHEN ''different'' THEN ''recomputed'' ELSE ''no_longer_derivable'' END, %2$L,
                    CASE verdict WHEN ''different'' THEN ''the bars give another value, which is stored now'' ELSE ''the bars give no value for it'' END, to_jsonb(o)
             FROM (
                 SELECT *, row_number() OVER (PARTITION BY verdict ORDER BY key) AS nth
                 FROM pg_temp.beside WHERE verdict IN (''different'', ''legacy_only'')
             ) AS listed
             JOIN %3$I.%1$I AS o ON o.ctid = at AND o.tableoid = part
             WHERE nth <= 1000
             ORDER BY verdict, nth', known.name, known.value, legacy);
    END LOOP;
    IF EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = to_regclass(format('%I.correlation_matrix', legacy)) AND NOT attisdropped
          AND attname IN ('date', 'symbol_1', 'symbol_2', 'correlation')
        HAVING count(*) = 4
    ) THEN
        -- A correlation is the same from both sides. One that is not was never calculated from the returns.
        EXECUTE format(
            'INSERT INTO pg_temp.note
             SELECT ''correlation_matrix'', ''not_symmetric'', ''correlation'', count(*)
             FROM %1$I.correlation_matrix AS one JOIN %1$I.correlation_matrix AS other
                 ON other.date = one.date AND other.symbol_1 = one.symbol_2 AND other.symbol_2 = one.symbol_1
             WHERE other.correlation IS DISTINCT FROM one.correlation HAVING count(*) > 0', legacy);
    END IF;
END
$$;
