-- Of what was read, only the rows that were refused are tried; pitches stay known, since reviews are about them.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY[
        'daily_bars', 'hourly_snapshots', 'fetch_log', 'research_reports', 'peer_reviews', 'chairman_decisions', 'execution_events',
        'account_performance', 'weekly_performance', 'market_condition_performance', 'users', 'accounts', 'logs', 'trade_orders', 'account_positions'
    ] LOOP
        EXECUTE format(
            'DELETE FROM pg_temp.old_%1$s AS old
             WHERE NOT EXISTS (SELECT FROM pg_temp.tried WHERE table_name = old.origin AND legacy_key = old.key)', wanted);
    END LOOP;
END
$$;
UPDATE pg_temp.moved SET tried = (SELECT count(*) FROM pg_temp.tried WHERE table_name = name);
