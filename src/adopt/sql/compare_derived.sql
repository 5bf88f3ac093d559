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
        -- Joined as texts, since the old columns may be of any type.
        EXECUTE format(
            'CREATE TEMP TABLE beside ON COMMIT DROP AS
             SELECT old.legacy_key, old.was, ours.%2$I::numeric AS is_now, old.legacy_key IS NOT NULL AS is_old, ours.there IS NOT NULL AS is_new, old.row
             FROM (
                 SELECT COALESCE(to_jsonb(o) ->> ''id'', %3$s) AS legacy_key, %3$s AS key, to_jsonb(o) ->> %2$L AS was, to_jsonb(o) AS row
                 FROM %5$I.%1$I AS o
             ) AS old
             FULL JOIN (SELECT %4$s AS key, %2$I, true AS there FROM %6$I.%1$I) AS ours ON ours.key = old.key',
            known.name, known.value,
            (SELECT string_agg(format('upper(btrim(o.%I::text))', part), ' || ''/'' || ') FROM unnest(known.keys) AS part),
            (SELECT string_agg(format('%I::text', part), ' || ''/'' || ') FROM unnest(known.keys) AS part),
            legacy, current_schema());
        ALTER TABLE pg_temp.beside ADD COLUMN verdict text;
        EXECUTE format(
            'UPDATE pg_temp.beside SET verdict = CASE
                 WHEN NOT is_old THEN ''new_only'' WHEN NOT is_new THEN ''legacy_only''
                 WHEN was IS NULL AND is_now IS NULL THEN ''equal''
                 WHEN was ~ ''^-?[0-9.]+([eE][-+]?[0-9]+)?$'' AND abs(was::numeric - is_now) <= %s THEN ''equal'' ELSE ''different'' END',
            known.tolerance);
        INSERT INTO pg_temp.derived
        SELECT known.name, count(*) FILTER (WHERE is_old), count(*) FILTER (WHERE verdict = 'equal'), count(*) FILTER (WHERE verdict = 'different'),
               count(*) FILTER (WHERE verdict = 'legacy_only'), count(*) FILTER (WHERE verdict = 'new_only')
        FROM pg_temp.beside;
        INSERT INTO adoption.refused (table_name, legacy_key, code, field, reason, "row")
        SELECT known.name, legacy_key, CASE verdict WHEN 'different' THEN 'recomputed' ELSE 'no_longer_derivable' END, known.value,
               CASE verdict WHEN 'different' THEN 'the bars give another value, which is stored now' ELSE 'the bars give no value for it' END, row
        FROM (
            SELECT *, row_number() OVER (PARTITION BY verdict ORDER BY legacy_key) AS nth
            FROM pg_temp.beside WHERE verdict IN ('different', 'legacy_only')
        ) AS listed
        WHERE nth <= 1000;
    END LOOP;
    IF to_regclass(format('%I.correlation_matrix', legacy)) IS NOT NULL THEN
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
