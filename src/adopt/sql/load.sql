-- Copies every old table, one temporary table each, with its rows as JSON: so a column of any type reads as text, and one that
-- is not there as NULL. A table that is not there is empty.

-- Temporary objects are looked for last, or one of them would hide a domain of its name from every statement of this program. Here
-- each is named with its schema.
SELECT set_config('search_path', concat_ws(', ', NULLIF(current_setting('search_path'), ''), 'pg_temp'), true);

-- The first three, unless all were asked for.
CREATE FUNCTION pg_temp.some(keys text[]) RETURNS text[]
LANGUAGE sql STABLE AS $$
    SELECT CASE current_setting('adopt.all_keys') WHEN 'yes' THEN keys ELSE keys[:3] END
$$;

-- For people who look through the report.
CREATE TEMP TABLE note (name text, code text, field text, rows bigint) ON COMMIT DROP;
CREATE TEMP TABLE derived (name text, legacy bigint, equal bigint, different bigint, legacy_only bigint, new_only bigint) ON COMMIT DROP;

CREATE FUNCTION pg_temp.expression(name text, type regtype, is_document boolean) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE
        -- jsonb takes less than json and text do.
        WHEN type = 'json'::regtype OR is_document AND type IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype)
            THEN format('pg_temp.json_value(old.%I::text)', name)
        WHEN type = 'bpchar'::regtype THEN format('to_jsonb(old.%I::text)', name)
        WHEN type = 'money'::regtype THEN format('to_jsonb(old.%I::numeric)', name)
        ELSE format('to_jsonb(old.%I)', name)
    END
$$;

-- Which tables are read, in their order, and how.
CREATE TEMP TABLE reading (place integer GENERATED ALWAYS AS IDENTITY, name text, known text[], documents text[], pieces text, twice text) ON COMMIT DROP;

CREATE FUNCTION pg_temp.begin_to_load(wanted text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    relation oid := (SELECT was FROM pg_temp.moved WHERE name = wanted);
BEGIN
    EXECUTE format(
        'CREATE TEMP TABLE old_%s (n bigint GENERATED ALWAYS AS IDENTITY, key text, j jsonb, twice boolean, origin text) ON COMMIT DROP', wanted);
    UPDATE pg_temp.reading
    SET pieces = (
            SELECT string_agg(piece, ' || ' ORDER BY part)
            FROM (
                -- A function takes a hundred arguments.
                SELECT part, 'jsonb_build_object(' || string_agg(format('%L, %s', attname, expression), ', ') || ')' AS piece
                FROM (
                    SELECT attname, (row_number() OVER (ORDER BY attnum) - 1) / 40 AS part,
                           pg_temp.expression(attname, atttypid, attname = ANY (documents)) AS expression
                    FROM pg_attribute
                    WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped
                ) AS attribute
                GROUP BY part
            ) AS parts
        ),
        -- Only the types json and text keep a key that is there twice.
        twice = (
            SELECT string_agg(format('pg_temp.has_twice(old.%I::text)', attname), ' OR ')
            FROM pg_attribute
            WHERE attrelid = relation AND attname = ANY (documents) AND NOT attisdropped
              AND atttypid IN ('json'::regtype, 'text'::regtype, 'varchar'::regtype, 'bpchar'::regtype)
        )
    WHERE name = wanted;
END
$$;

-- What is read of a table at once, some megabytes, so that the program can tell how far it is; the last part has no end. Asked when what
-- comes before is read: what follows from bars is computed anew from them, if there are any.
-- Behind each part comes a filler. The server sends what fills its buffer of 8 KiB: the end of a row of that size goes out with the next.
CREATE FUNCTION pg_temp.blocks(wanted text) RETURNS TABLE (low bigint, high bigint, filler boolean)
LANGUAGE plpgsql AS $$
DECLARE
    at_once bigint := 256;
    relation oid := (SELECT was FROM pg_temp.moved WHERE name = wanted);
    blocks bigint;
BEGIN
    IF relation IS NULL
       OR wanted IN ('daily_log_returns', 'rolling_7day_log_returns', 'correlation_matrix')
       AND (current_setting('adopt.again') = 'yes' OR EXISTS (SELECT FROM pg_temp.old_daily_bars)) THEN
        RETURN;
    END IF;
    -- A block of that number of each of its parts.
    WITH RECURSIVE tree AS (
        SELECT relation AS oid
        UNION
        SELECT inhrelid FROM tree JOIN pg_inherits ON inhparent = tree.oid
    )
    SELECT max(pg_relation_size(tree.oid)) / current_setting('block_size')::bigint INTO blocks FROM tree;
    RETURN QUERY
    SELECT first, CASE WHEN first + at_once < blocks THEN first + at_once END, behind
    FROM generate_series(0, GREATEST(blocks - 1, 0), at_once) AS first
    CROSS JOIN (VALUES (false), (true)) AS row_of (behind)
    ORDER BY first, behind;
END
$$;

CREATE FUNCTION pg_temp.load_between(wanted text, low bigint, high bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    how record;
    loaded bigint;
BEGIN
    SELECT * INTO how FROM pg_temp.reading WHERE name = wanted;
    EXECUTE format(
        'INSERT INTO pg_temp.old_%s (key, j, twice, origin) SELECT COALESCE(j ->> ''id'', ''row '' || at), j, twice, %L
         FROM (SELECT old.ctid::text AS at, %s AS j, COALESCE(%s, false) AS twice FROM %I.%I AS old WHERE old.ctid >= %L::tid%s) AS found',
        wanted, wanted, how.pieces, COALESCE(how.twice, 'false'), current_setting('adopt.legacy'), wanted, format('(%s,0)', low),
        CASE WHEN high IS NULL THEN '' ELSE format(' AND old.ctid < %L::tid', format('(%s,0)', high)) END);
    GET DIAGNOSTICS loaded = ROW_COUNT;
    RETURN loaded;
END
$$;

CREATE FUNCTION pg_temp.end_of_load(wanted text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    how record;
    found record;
BEGIN
    SELECT * INTO how FROM pg_temp.reading WHERE name = wanted;
    -- Without a primary key an id may be there twice.
    EXECUTE format(
        'UPDATE pg_temp.old_%1$s AS old SET key = old.key || ''#'' || place
         FROM (SELECT n, row_number() OVER (PARTITION BY key ORDER BY n) AS place FROM pg_temp.old_%1$s) AS numbered
         WHERE numbered.n = old.n AND place > 1', wanted);
    FOR found IN
        SELECT attname FROM pg_attribute
        WHERE attrelid = (SELECT was FROM pg_temp.moved WHERE name = wanted) AND attnum > 0 AND NOT attisdropped AND attname <> 'id'
          AND attname <> ALL (how.known)
          AND EXISTS (SELECT FROM pg_temp.blocks(wanted))
    LOOP
        EXECUTE format(
            'INSERT INTO pg_temp.note SELECT %L, ''column_left'', %L, count(*) FROM pg_temp.old_%s WHERE j -> %L <> ''null''',
            wanted, found.attname, wanted, found.attname);
    END LOOP;
    EXECUTE format('ANALYZE pg_temp.old_%s', wanted);
END
$$;

CREATE FUNCTION pg_temp.has_twice(value text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF json_typeof(value::json) <> 'object' THEN
        RETURN false;
    END IF;
    RETURN (SELECT count(*) > count(DISTINCT key) FROM json_object_keys(value::json) AS key);
EXCEPTION
    WHEN data_exception OR program_limit_exceeded OR statement_too_complex THEN RETURN false;
END
$$;

-- What is written of a table at once, each part with a filler behind it.
CREATE FUNCTION pg_temp.parts(wanted text) RETURNS TABLE (low bigint, high bigint, filler boolean)
LANGUAGE plpgsql AS $$
DECLARE
    at_once bigint := 20000;
    lowest bigint;
    highest bigint;
BEGIN
    EXECUTE format('SELECT min(n), max(n) FROM pg_temp.new_%s WHERE code IS NULL', wanted) INTO lowest, highest;
    RETURN QUERY
    SELECT first, LEAST(first + at_once - 1, highest), behind
    FROM generate_series(lowest, highest, at_once) AS first
    CROSS JOIN (VALUES (false), (true)) AS row_of (behind)
    ORDER BY first, behind;
END
$$;

-- Writes a part; where the database refuses that, half by half, so that a rule that nobody thought of costs the rows that break it and
-- no others.
CREATE FUNCTION pg_temp.put_between(wanted text, columns text, lowest bigint, highest bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    rule text;
    is_taken boolean;
BEGIN
    BEGIN
        EXECUTE format(
            'INSERT INTO %I.%I (%s) SELECT %s FROM pg_temp.new_%s WHERE code IS NULL AND n BETWEEN $1 AND $2',
            current_schema(), wanted, columns, columns, wanted) USING lowest, highest;
        RETURN highest - lowest + 1;
    EXCEPTION
        -- Bad data, a broken rule, or a limit; anything else is not the fault of a row.
        WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded THEN
            GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
            rule := COALESCE(NULLIF(rule, ''), SQLSTATE);
            -- Of a row that an earlier run adopted.
            is_taken := SQLSTATE = '23505';
    END;
    IF lowest < highest THEN
        PERFORM pg_temp.put_between(wanted, columns, lowest, (lowest + highest) / 2);
        PERFORM pg_temp.put_between(wanted, columns, (lowest + highest) / 2 + 1, highest);
    ELSE
        EXECUTE format('UPDATE pg_temp.new_%s SET code = $1, reason = $2 WHERE n = $3', wanted)
        USING CASE WHEN is_taken THEN 'superseded' ELSE 'database:' || rule END,
              CASE WHEN is_taken THEN 'a row of the same key is there already, by the rule ' ELSE 'the database refuses it by the rule ' END || rule, lowest;
    END IF;
    RETURN highest - lowest + 1;
END
$$;

-- Writes what was made of an old table, and returns the rows of each part, NULL for a filler. In a list of columns the parts come one by
-- one, as they are done; in FROM they would come together.
CREATE FUNCTION pg_temp.put(wanted text, columns text) RETURNS SETOF bigint
LANGUAGE sql AS $$
    SELECT CASE WHEN NOT filler THEN pg_temp.put_between(wanted, columns, low, high) END FROM pg_temp.parts(wanted)
$$;

-- Of rows with one key the first by `first` stays; the others say which.
CREATE FUNCTION pg_temp.supersede(wanted text, columns text, first text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'UPDATE pg_temp.new_%1$s AS new
         SET code = ''superseded'', field = %2$L, reason = CASE WHEN starts_with(ranked.winner, ''row '') THEN '''' ELSE ''row '' END || ranked.winner || '' has the same '' || %2$L || '' and is kept'',
             winner = ranked.winner_n
         FROM (
             SELECT n, row_number() OVER keys AS place, first_value(key) OVER keys AS winner, first_value(n) OVER keys AS winner_n
             FROM pg_temp.new_%1$s WHERE code IS NULL
             WINDOW keys AS (PARTITION BY %2$s ORDER BY %3$s)
         ) AS ranked
         WHERE ranked.n = new.n AND ranked.place > 1', wanted, columns, first);
END
$$;

-- Lists what was refused, and what was changed of the rest.
CREATE FUNCTION pg_temp.settle(wanted text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO adoption.refused (table_name, legacy_key, code, field, reason, "row")
         SELECT origin, old.key, code, field, reason, j FROM pg_temp.new_%1$s AS new JOIN pg_temp.old_%1$s AS old USING (n)
         WHERE code <> ''adopted_before'' ORDER BY n', wanted);
    EXECUTE format(
        'INSERT INTO adoption.changed (table_name, legacy_key, code, field, was, is_now)
         SELECT origin, old.key, change.code, change.field, left(change.was, 1000), left(change.is_now, 1000)
         FROM pg_temp.new_%1$s AS new JOIN pg_temp.old_%1$s AS old USING (n)
         CROSS JOIN LATERAL (
             SELECT * FROM unnest(changes) AS change WHERE change.code IS NOT NULL
             UNION ALL SELECT ''duplicate_key'', NULL, NULL, NULL WHERE old.twice
             UNION ALL SELECT ''converted'', NULL, origin, %1$L WHERE origin <> %1$L
         ) AS change
         WHERE new.code IS NULL ORDER BY n', wanted);
END
$$;

-- What was found wrong with documents: what cannot be read is refused, what breaks a rule is kept as it is.
CREATE TEMP TABLE judged (wanted text, n bigint, readable boolean, field text, why text) ON COMMIT DROP;

CREATE FUNCTION pg_temp.judge_form(wanted text, document text, domain text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO pg_temp.judged SELECT %1$L, n, false, NULL, ''breaks the rule '' || broken
         FROM (SELECT n, pg_temp.broken_%3$s(%2$I) AS broken FROM pg_temp.new_%1$s WHERE code IS NULL AND %2$I IS NOT NULL) AS judged
         WHERE broken IS NOT NULL', wanted, document, domain);
END
$$;

CREATE FUNCTION pg_temp.apply_verdicts(wanted text, document text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'UPDATE pg_temp.new_%1$s AS new
         SET code = CASE WHEN readable THEN code ELSE ''document_form'' END,
             field = CASE WHEN readable THEN new.field ELSE concat_ws(''.'', %2$L, NULLIF(judged.field, '''')) END,
             reason = CASE WHEN readable THEN reason ELSE why END,
             changes = CASE WHEN readable THEN
                 changes || ROW(''breaks_a_rule'', concat_ws(''.'', %2$L, NULLIF(judged.field, '''')), NULL, NULL)::pg_temp.change
                 ELSE changes END
         FROM pg_temp.judged WHERE judged.wanted = %1$L AND judged.n = new.n AND new.code IS NULL', wanted, document);
    EXECUTE format('DELETE FROM pg_temp.judged WHERE wanted = %L', wanted);
END
$$;

-- The documents that are still to be judged.
CREATE FUNCTION pg_temp.documents(wanted text, field text) RETURNS TABLE (n bigint, document text)
LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT new.n, new.%2$I::text FROM pg_temp.new_%1$s AS new
         WHERE new.code IS NULL AND new.%2$I IS NOT NULL
           AND NOT EXISTS (SELECT FROM pg_temp.judged WHERE judged.wanted = %1$L AND judged.n = new.n)', wanted, field);
END
$$;

CREATE TEMP TABLE made_id (wanted text, n bigint, id uuid, PRIMARY KEY (wanted, n)) ON COMMIT DROP;

-- Rows whose new id has to be made.
CREATE FUNCTION pg_temp.without_id(wanted text) RETURNS TABLE (n bigint, key text)
LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT new.n, old.origin || ''/'' || old.key FROM pg_temp.new_%1$s AS new JOIN pg_temp.old_%1$s AS old USING (n)
         WHERE new.code IS NULL AND new.id IS NULL', wanted);
END
$$;

-- Remembers the ids that could not stay.
CREATE FUNCTION pg_temp.map_ids(wanted text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO adoption.id_map (table_name, legacy_id, id)
         SELECT old.origin, old.key, new.id FROM pg_temp.new_%1$s AS new JOIN pg_temp.old_%1$s AS old USING (n)
         WHERE new.code IS NULL AND new.id::text IS DISTINCT FROM old.key', wanted);
END
$$;
