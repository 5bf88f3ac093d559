-- Objects of others that would keep the old tables from being dropped, a line each.
WITH RECURSIVE named AS (
    SELECT class.oid
    FROM pg_catalog.pg_class AS class
    WHERE class.relnamespace = to_regnamespace(quote_ident(current_setting('adopt.legacy')))
      AND (class.relname IN (SELECT jsonb_array_elements_text((SELECT legacy_tables FROM adoption.run ORDER BY at LIMIT 1)))
           OR class.relname IN ('v_latest_research', 'v_latest_daily', 'v_weekly_pitches', 'v_account_history', 'v_leaderboard_all_time',
                                'v_leaderboard_4w', 'v_leaderboard_8w', 'v_council_vs_individuals'))
), old AS (
    SELECT oid FROM named
    UNION
    -- Their parts are dropped with them.
    SELECT inhrelid
    FROM old
    JOIN pg_catalog.pg_inherits ON inhparent = old.oid
    JOIN pg_catalog.pg_class AS part ON part.oid = inhrelid
    WHERE part.relnamespace = to_regnamespace(quote_ident(current_setting('adopt.legacy')))
), hanging AS (
    SELECT depend.classid, depend.objid, depend.objsubid, COALESCE(ev_class, conrelid, adrelid) AS holder
    FROM pg_catalog.pg_depend AS depend
    LEFT JOIN pg_catalog.pg_rewrite AS rule ON depend.classid = 'pg_rewrite'::regclass AND rule.oid = depend.objid
    LEFT JOIN pg_catalog.pg_constraint AS rule_of ON depend.classid = 'pg_constraint'::regclass AND rule_of.oid = depend.objid
    LEFT JOIN pg_catalog.pg_attrdef AS made ON depend.classid = 'pg_attrdef'::regclass AND made.oid = depend.objid
    WHERE depend.refclassid = 'pg_class'::regclass AND depend.refobjid IN (SELECT oid FROM old) AND depend.deptype = 'n'
)
SELECT DISTINCT CASE classid
    WHEN 'pg_rewrite'::regclass THEN pg_describe_object('pg_class'::regclass, holder, 0)
    ELSE pg_describe_object(classid, objid, objsubid)
END
FROM hanging
WHERE (holder IS NULL OR holder NOT IN (SELECT oid FROM old))
  AND (classid <> 'pg_class'::regclass OR objid NOT IN (SELECT oid FROM old))
UNION
-- What others put beside them.
SELECT pg_describe_object('pg_class'::regclass, class.oid, 0)
FROM pg_catalog.pg_class AS class
WHERE class.relnamespace = to_regnamespace(quote_ident(current_setting('adopt.legacy')))
  AND class.relkind IN ('r', 'p', 'v', 'm', 'f') AND class.oid NOT IN (SELECT oid FROM old)
ORDER BY 1
