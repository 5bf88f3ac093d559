-- The results of the accounts, without the times at which they were calculated.
CREATE FUNCTION pg_temp.results() RETURNS TABLE (name text, key text, value jsonb)
LANGUAGE sql STABLE AS $$
    SELECT 'account_performance', a.account || ', ' || COALESCE(a.weeks_lookback || ' weeks', 'all weeks'),
           to_jsonb(a) - '{id,account,weeks_lookback,calculated_at,created_at,updated_at}'::text[]
    FROM account_performance AS a
    UNION ALL
    SELECT 'weekly_performance', w.account || ', ' || w.week_id,
           to_jsonb(w) - '{account,week_id,calculated_at,created_at,updated_at}'::text[]
    FROM weekly_performance AS w
$$;
CREATE TEMP TABLE result_before ON COMMIT DROP AS SELECT * FROM pg_temp.results();
