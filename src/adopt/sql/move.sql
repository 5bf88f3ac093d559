-- Moves the tables of the Python layer, with its views and functions, into a schema of their own. `relation` is a temporary table
-- with the rows of old_tables.sql; `moved` says what was moved.

CREATE TEMP TABLE moved (place integer, name text PRIMARY KEY, was oid NOT NULL, rows bigint, columns text[], tried bigint) ON COMMIT DROP;
CREATE TEMP TABLE part (name text, relation oid) ON COMMIT DROP;
CREATE TEMP TABLE stray (kind text, name text, why text) ON COMMIT DROP;
CREATE TEMP TABLE old_right (name text, grantee text, privilege text) ON COMMIT DROP;

DO $$
DECLARE
    home text := current_schema();
    legacy text := current_setting('adopt.legacy');
    found record;
BEGIN
    INSERT INTO pg_temp.moved (place, name, was)
    SELECT place, name, format('%I.%I', home, name)::regclass FROM pg_temp.relation WHERE whose = 'python';
    -- What only the SQLAlchemy models made, beside a table of theirs that has one of our names.
    INSERT INTO pg_temp.moved (place, name, was)
    SELECT 100 + row_number() OVER (ORDER BY known.name), known.name, class.oid
    FROM (VALUES
        ('events', 'payload'), ('research_packs', 'research_data'), ('checkpoint_updates', 'checkpoint_data'),
        ('orders', 'order_type'), ('positions', 'avg_entry_price'), ('weekly_postmortems', 'postmortem_data'),
        ('week_metadata', 'council_account_status')
    ) AS known (name, sign)
    JOIN pg_class AS class ON class.relname = known.name AND class.relnamespace = home::regnamespace AND class.relkind IN ('r', 'p')
    JOIN pg_attribute AS attribute ON attrelid = class.oid AND attname = known.sign AND NOT attisdropped
    WHERE EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = class.oid AND a.attname = 'week_id');

    -- Parts of the old tables go where these go.
    INSERT INTO pg_temp.part (name, relation)
    WITH RECURSIVE tree AS (
        SELECT name, was AS parent FROM pg_temp.moved
        UNION
        SELECT tree.name, inhrelid FROM tree JOIN pg_inherits ON inhparent = tree.parent
    )
    SELECT tree.name, class.oid
    FROM tree
    JOIN pg_class AS class ON class.oid = tree.parent
    WHERE class.relnamespace = home::regnamespace AND class.oid NOT IN (SELECT was FROM pg_temp.moved);

    -- In the order of their names, as everybody should who takes several.
    FOR found IN SELECT was::regclass AS relation FROM pg_temp.moved ORDER BY name LOOP
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', found.relation);
    END LOOP;

    INSERT INTO pg_temp.old_right
    SELECT moved.name, COALESCE(rolname, 'public'), privilege_type
    FROM pg_temp.moved
    JOIN pg_class ON pg_class.oid = was
    CROSS JOIN LATERAL aclexplode(relacl)
    LEFT JOIN pg_roles ON pg_roles.oid = grantee
    WHERE grantee <> relowner
    UNION
    SELECT moved.name, COALESCE(rolname, 'public'), privilege_type || ' (' || attname || ')'
    FROM pg_temp.moved
    JOIN pg_class ON pg_class.oid = was
    JOIN pg_attribute ON attrelid = was
    CROSS JOIN LATERAL aclexplode(attacl)
    LEFT JOIN pg_roles ON pg_roles.oid = grantee
    WHERE grantee <> relowner;

    -- Objects of others that hang on what is moved: they follow it, and their owners should know.
    INSERT INTO pg_temp.stray
    SELECT DISTINCT CASE relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END, format('%I.%I', nspname, relname),
           'reads ' || moved.name || ', which is in ' || legacy || ' now'
    FROM pg_temp.moved
    JOIN pg_depend ON refobjid = was AND refclassid = 'pg_class'::regclass AND pg_depend.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite ON pg_rewrite.oid = pg_depend.objid
    JOIN pg_class ON pg_class.oid = ev_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE ev_class <> was AND NOT (nspname = home AND starts_with(relname, 'v_'));
    INSERT INTO pg_temp.stray
    SELECT 'trigger', tgname, 'of ' || moved.name || ', which is in ' || legacy || ' now'
    FROM pg_temp.moved JOIN pg_trigger ON tgrelid = was WHERE NOT tgisinternal;
    INSERT INTO pg_temp.stray
    SELECT 'rule', rulename, 'of ' || moved.name || ', which is in ' || legacy || ' now'
    FROM pg_temp.moved JOIN pg_rewrite ON ev_class = was;
    INSERT INTO pg_temp.stray
    SELECT 'policy', polname, 'of ' || moved.name || ', which is in ' || legacy || ' now'
    FROM pg_temp.moved JOIN pg_policy ON polrelid = was;
    INSERT INTO pg_temp.stray
    SELECT 'publication', pubname, 'publishes ' || moved.name || ', which is in ' || legacy || ' now'
    FROM pg_temp.moved JOIN pg_publication_tables ON schemaname = home AND tablename = moved.name;
    INSERT INTO pg_temp.stray
    SELECT 'foreign key', conname, 'of ' || conrelid::regclass || ', refers to ' || moved.name || ', which is in ' || legacy || ' now'
    FROM pg_temp.moved JOIN pg_constraint ON confrelid = was AND contype = 'f'
    WHERE conrelid NOT IN (SELECT was FROM pg_temp.moved);
    INSERT INTO pg_temp.stray
    SELECT 'table', relname, COALESCE('is a part of ' || part.name || ', and goes to ' || legacy || ' with it', 'is of neither program, and stays')
    FROM pg_class
    LEFT JOIN pg_temp.part ON part.relation = pg_class.oid
    WHERE relnamespace = home::regnamespace AND relkind IN ('r', 'p')
      AND pg_class.oid NOT IN (SELECT was FROM pg_temp.moved)
      AND relname NOT IN (SELECT pg_temp.relation.name FROM pg_temp.relation WHERE whose = 'ours')
      AND relname NOT LIKE '\_sqlx\_%'
      AND NOT EXISTS (
          SELECT FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
          WHERE attrelid = pg_class.oid AND typtype = 'd' AND typnamespace = relnamespace
      );

    -- These name the tables by text, and so find the new ones from now on.
    INSERT INTO pg_temp.stray
    SELECT 'function', oid::regprocedure::text, 'names ' || named.tables || ' in its text, and finds the new tables from now on'
    FROM pg_proc
    CROSS JOIN LATERAL (
        SELECT string_agg(name, ', ' ORDER BY name) AS tables FROM pg_temp.moved WHERE prosrc ~ ('\m' || name || '\M')
    ) AS named
    WHERE named.tables IS NOT NULL
      AND pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, pg_my_temp_schema())
      AND NOT (pronamespace = home::regnamespace AND (proname = 'get_week_id' AND pronargs = 0 OR proname = 'upsert_daily_bar' AND pronargs = 7))
      AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e');

    EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I', legacy);
    FOR found IN SELECT name, was::regclass AS relation FROM pg_temp.moved ORDER BY place LOOP
        EXECUTE format('ALTER TABLE %s SET SCHEMA %I', found.relation, legacy);
        EXECUTE format('UPDATE pg_temp.moved SET rows = (SELECT count(*) FROM %I.%I) WHERE name = %L', legacy, found.name, found.name);
    END LOOP;
    FOR found IN SELECT part.relation::regclass AS relation FROM pg_temp.part LOOP
        EXECUTE format('ALTER TABLE %s SET SCHEMA %I', found.relation, legacy);
    END LOOP;
    UPDATE pg_temp.moved
    SET tried = rows, columns = ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = was AND attnum > 0 AND NOT attisdropped ORDER BY attnum);
    FOR found IN
        SELECT pg_class.oid::regclass AS relation
        FROM pg_class
        WHERE relnamespace = home::regnamespace AND relkind = 'v'
          AND relname IN (
              'v_latest_research', 'v_latest_daily', 'v_weekly_pitches', 'v_account_history', 'v_leaderboard_all_time',
              'v_leaderboard_4w', 'v_leaderboard_8w', 'v_council_vs_individuals'
          )
    LOOP
        EXECUTE format('ALTER VIEW %s SET SCHEMA %I', found.relation, legacy);
    END LOOP;
    FOR found IN
        SELECT oid::regprocedure AS routine
        FROM pg_proc
        WHERE pronamespace = home::regnamespace
          AND (proname = 'get_week_id' AND pronargs = 0 OR proname = 'upsert_daily_bar' AND pronargs = 7)
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET SCHEMA %I', found.routine, legacy);
    END LOOP;
END
$$;
