-- The relations of the current schema that have the name of a table of ours which the Python layer had, too: one a row, and
-- whose it is. A table of ours has a domain of ours; one of the Python layer is known by a column that we would never make.
WITH known (place, name, sign, family, columns) AS (
    VALUES
        (1, 'daily_bars', 'id', 'integer', '{symbol,date,open,high,low,close,volume,created_at}'::text[]),
        (2, 'hourly_snapshots', 'id', 'integer', '{symbol,timestamp,date,hour,price,volume,created_at}'),
        (3, 'fetch_log', 'id', 'integer', '{fetch_type,symbol,status,success,error_message,timestamp}'),
        (4, 'daily_log_returns', 'id', 'integer', '{symbol,date,log_return,created_at}'),
        (5, 'rolling_7day_log_returns', 'id', 'integer', '{symbol,date,log_return_7d,created_at}'),
        (6, 'correlation_matrix', 'id', 'integer', '{date,symbol_1,symbol_2,correlation,created_at}'),
        (7, 'account_performance', 'id', 'integer', '{account,weeks_lookback,total_return,sharpe_ratio,max_drawdown,volatility,weeks_traded,profitable_weeks,win_rate,avg_conviction,max_conviction,calculated_at,created_at,updated_at}'),
        (8, 'weekly_performance', 'id', 'integer', '{account,week_id,week_start,week_end,weekly_return,weekly_volatility,instrument,direction,entry_conviction,exit_conviction,entry_price,exit_price,position_size,realized_pnl,fees,net_pnl,entry_reason,exit_reason,panic_exit,market_regime,calculated_at,created_at,updated_at}'),
        (9, 'market_condition_performance', 'id', 'integer', '{condition_type,condition_value,account,weeks_in_condition,avg_return,avg_sharpe,win_rate,weeks_lookback,calculated_at,created_at,updated_at}'),
        (10, 'users', 'id', 'integer', '{name,email,active,age,created_at}'),
        (11, 'accounts', 'id', 'integer', '{balance,created_at}'),
        (12, 'logs', 'id', 'integer', '{level,message,data,created_at}'),
        (13, 'research_reports', 'week_id', 'text', '{id,provider,model,natural_language,structured_json,status,error_message,generated_at,created_at}'),
        (14, 'pm_pitches', 'week_id', 'text', '{id,model,account,pitch_data,instrument,direction,conviction,research_date,created_at}'),
        (15, 'peer_reviews', 'week_id', 'text', '{id,pitch_id,reviewer_model,pitch_label,review_data,research_date,created_at}'),
        (16, 'chairman_decisions', 'week_id', 'text', '{id,decision_data,research_date,created_at}'),
        (17, 'execution_events', 'week_id', 'text', '{id,event_type,account,event_data,occurred_at,created_at}')
), found AS (
    SELECT known.*, class.oid, class.relkind
    FROM known
    JOIN pg_catalog.pg_class AS class ON class.relname = known.name AND class.relnamespace = current_schema()::regnamespace
    WHERE class.relkind IN ('r', 'p', 'v', 'm', 'f')
), attribute AS (
    SELECT attribute.attrelid, attribute.attnum, attribute.attname::text,
           CASE
               WHEN type.typtype = 'd' AND type.typnamespace = current_schema()::regnamespace THEN 'ours'
               WHEN attribute.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) THEN 'integer'
               WHEN attribute.atttypid IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype) THEN 'text'
               ELSE 'other'
           END AS family
    FROM found
    JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = found.oid AND attribute.attnum > 0 AND NOT attribute.attisdropped
    JOIN pg_catalog.pg_type AS type ON type.oid = attribute.atttypid
)
SELECT place,
       name,
       CASE
           WHEN relkind NOT IN ('r', 'p') THEN 'neither'
           -- First, since an old table may have domains of its own.
           WHEN EXISTS (SELECT FROM attribute AS a WHERE attrelid = oid AND attname = sign AND a.family = found.family) THEN 'python'
           WHEN EXISTS (SELECT FROM attribute AS a WHERE attrelid = oid AND a.family = 'ours') THEN 'ours'
           -- What SQLAlchemy made has texts for keys.
           WHEN name IN ('pm_pitches', 'peer_reviews', 'chairman_decisions')
               AND EXISTS (SELECT FROM attribute AS a WHERE attrelid = oid AND attname = 'id' AND a.family = 'text') THEN 'python'
           ELSE 'neither'
       END AS whose,
       CASE family WHEN 'integer' THEN 'an integer ' || sign ELSE 'a ' || sign || ' of text' END AS sign,
       COALESCE(
           (SELECT attname FROM attribute WHERE attrelid = oid AND attname <> sign AND attname <> ALL (columns) ORDER BY attnum LIMIT 1),
           (SELECT attname FROM attribute WHERE attrelid = oid AND attname = sign),
           (SELECT attname FROM attribute WHERE attrelid = oid ORDER BY attnum LIMIT 1),
           'none'
       ) AS unexpected
FROM found
ORDER BY place
