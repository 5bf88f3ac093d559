-- What the role may not do that moving the old tables takes.
WITH RECURSIVE tree AS (
    SELECT class.oid, 0 AS depth
    FROM pg_catalog.pg_class AS class
    WHERE class.relnamespace = current_schema()::regnamespace
      AND class.relname IN (SELECT name FROM pg_temp.relation WHERE whose = 'python')
    UNION
    SELECT inhrelid, tree.depth + 1 FROM tree JOIN pg_catalog.pg_inherits ON inhparent = tree.oid
), parts AS (
    SELECT DISTINCT oid FROM tree WHERE depth > 0
), old AS (
    SELECT class.oid, class.relname::text AS name, class.relowner AS owner, class.relrowsecurity AND class.relforcerowsecurity AS forced
    FROM pg_catalog.pg_class AS class
    WHERE class.relnamespace = current_schema()::regnamespace
      AND (class.relname IN (SELECT name FROM pg_temp.relation WHERE whose = 'python')
           OR class.relkind = 'v' AND class.relname IN (
               'v_latest_research', 'v_latest_daily', 'v_weekly_pitches', 'v_account_history', 'v_leaderboard_all_time', 'v_leaderboard_4w',
               'v_leaderboard_8w', 'v_council_vs_individuals'
           ))
    UNION ALL
    -- Parts of the old tables go with them.
    SELECT part.oid, part.relname::text, part.relowner, part.relrowsecurity AND part.relforcerowsecurity
    FROM parts
    JOIN pg_catalog.pg_class AS part ON part.oid = parts.oid
    WHERE part.relnamespace = current_schema()::regnamespace
    UNION ALL
    SELECT routine.oid, routine.oid::regprocedure::text, routine.proowner, false
    FROM pg_catalog.pg_proc AS routine
    WHERE routine.pronamespace = current_schema()::regnamespace
      AND (routine.proname = 'get_week_id' AND routine.pronargs = 0 OR routine.proname = 'upsert_daily_bar' AND routine.pronargs = 7)
)
SELECT line
FROM (
    SELECT 1 AS place,
           'the role ' || current_user || ' does not own ' || string_agg(name, ', ' ORDER BY name) || ': run adopt as ' || pg_get_userbyid(owner)
           || ', or change it by ALTER … OWNER TO' AS line
    FROM old
    WHERE NOT pg_has_role(owner, 'USAGE')
    GROUP BY owner
    UNION ALL
    SELECT 2, 'the role ' || current_user || ' may not create schemas: GRANT CREATE ON DATABASE ' || quote_ident(current_database()) || ' TO '
           || quote_ident(current_user)
    WHERE NOT has_database_privilege(current_database(), 'CREATE')
    UNION ALL
    SELECT 3, 'the role ' || current_user || ' may not create tables: GRANT CREATE ON SCHEMA ' || quote_ident(current_schema()) || ' TO '
           || quote_ident(current_user)
    WHERE NOT has_schema_privilege(current_schema(), 'CREATE')
    UNION ALL
    SELECT 4, 'policies hide rows of ' || string_agg(name, ', ' ORDER BY name) || ' from its owner: ALTER TABLE … NO FORCE ROW LEVEL SECURITY, or run adopt as a role with BYPASSRLS'
    FROM old
    WHERE forced AND NOT (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)
    HAVING count(*) > 0
) AS missing
ORDER BY place, line
