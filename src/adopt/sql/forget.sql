-- Drops the old tables with their views and functions, and what is told of them. Nothing of others goes with them: where something
-- hangs on an old table, or lies beside it, this fails.
DO $$
DECLARE
    legacy text := current_setting('adopt.legacy');
    found record;
BEGIN
    FOR found IN
        SELECT relation::regclass AS relation
        FROM unnest('{v_latest_research,v_latest_daily,v_weekly_pitches,v_account_history,v_leaderboard_all_time,v_leaderboard_4w,v_leaderboard_8w,v_council_vs_individuals}'::text[]) AS name
        CROSS JOIN LATERAL to_regclass(format('%I.%I', legacy, name)) AS relation
        WHERE relation IS NOT NULL
    LOOP
        EXECUTE format('DROP VIEW %s RESTRICT', found.relation);
    END LOOP;
    EXECUTE (
        WITH RECURSIVE old AS (
            SELECT to_regclass(format('%I.%I', legacy, name))::oid AS oid
            FROM jsonb_array_elements_text((SELECT legacy_tables FROM adoption.run ORDER BY at LIMIT 1)) AS name
            UNION
            SELECT inhrelid
            FROM old
            JOIN pg_inherits ON inhparent = old.oid
            JOIN pg_class AS part ON part.oid = inhrelid
            WHERE part.relnamespace = to_regnamespace(quote_ident(legacy))
        )
        SELECT 'DROP TABLE ' || string_agg(old.oid::regclass::text, ', ') || ' RESTRICT' FROM old
    );
    FOR found IN
        SELECT oid::regprocedure AS routine FROM pg_proc
        WHERE pronamespace = to_regnamespace(quote_ident(legacy)) AND (proname = 'get_week_id' AND pronargs = 0 OR proname = 'upsert_daily_bar' AND pronargs = 7)
    LOOP
        EXECUTE format('DROP FUNCTION %s RESTRICT', found.routine);
    END LOOP;
    EXECUTE format('DROP SCHEMA %I RESTRICT', legacy);
END
$$;
DELETE FROM adoption.refused;
DELETE FROM adoption.changed;
DELETE FROM adoption.week;
DELETE FROM adoption.id_map;
DELETE FROM adoption.run;
