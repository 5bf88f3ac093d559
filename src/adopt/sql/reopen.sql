-- Another run over rows that were refused, and may have been mended in the old tables since.
CREATE TEMP TABLE moved (place integer, name text PRIMARY KEY, was oid NOT NULL, rows bigint, columns text[], tried bigint) ON COMMIT DROP;
CREATE TEMP TABLE stray (kind text, name text, why text) ON COMMIT DROP;
CREATE TEMP TABLE old_right (name text, grantee text, privilege text) ON COMMIT DROP;
CREATE TEMP TABLE tried ON COMMIT DROP AS
SELECT DISTINCT table_name, legacy_key FROM adoption.refused
WHERE code NOT IN ('recomputed', 'no_longer_derivable', 'no_counterpart');
DELETE FROM adoption.refused WHERE code NOT IN ('recomputed', 'no_longer_derivable', 'no_counterpart');
DO $$
DECLARE
    found record;
    legacy text := current_setting('adopt.legacy');
BEGIN
    FOR found IN
        SELECT ordinality AS place, name
        FROM jsonb_array_elements_text((SELECT legacy_tables FROM adoption.run ORDER BY at LIMIT 1)) WITH ORDINALITY AS old (name)
    LOOP
        EXECUTE format('LOCK TABLE %I.%I IN SHARE MODE', legacy, found.name);
        EXECUTE format('INSERT INTO pg_temp.moved SELECT %s, %L, %L::regclass, count(*) FROM %I.%I', found.place, found.name,
            format('%I.%I', legacy, found.name), legacy, found.name);
    END LOOP;
    UPDATE pg_temp.moved
    SET columns = ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = was AND attnum > 0 AND NOT attisdropped ORDER BY attnum);
END
$$;
