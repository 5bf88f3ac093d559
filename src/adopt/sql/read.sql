-- Reads all old tables, and decides once what each week label means.

INSERT INTO pg_temp.reading (name, known, documents)
VALUES
    ('daily_bars', '{symbol,date,open,high,low,close,volume,created_at}', '{}'),
    ('daily_log_returns', '{symbol,date,log_return,created_at}', '{}'),
    ('rolling_7day_log_returns', '{symbol,date,log_return_7d,created_at}', '{}'),
    ('correlation_matrix', '{date,symbol_1,symbol_2,correlation,created_at}', '{}'),
    ('hourly_snapshots', '{symbol,timestamp,date,hour,price,volume,created_at}', '{}'),
    ('fetch_log', '{fetch_type,symbol,status,success,error_message,timestamp}', '{}'),
    ('research_reports', '{week_id,provider,model,natural_language,structured_json,status,error_message,generated_at,created_at}', '{structured_json}'),
    ('pm_pitches', '{week_id,model,account,pitch_data,instrument,direction,conviction,research_date,created_at,research_pack_a_id}', '{pitch_data}'),
    ('peer_reviews', '{week_id,pitch_id,reviewer_model,pitch_label,anonymized_pitch_label,review_data,research_date,created_at}', '{review_data}'),
    ('chairman_decisions', '{week_id,decision_data,research_date,created_at,model}', '{decision_data}'),
    ('execution_events', '{week_id,event_type,account,event_data,occurred_at,created_at}', '{event_data}'),
    ('account_performance', '{account,weeks_lookback,total_return,sharpe_ratio,max_drawdown,volatility,weeks_traded,profitable_weeks,win_rate,avg_conviction,max_conviction,calculated_at,created_at,updated_at}', '{}'),
    ('weekly_performance', '{account,week_id,week_start,week_end,weekly_return,weekly_volatility,instrument,direction,entry_conviction,exit_conviction,entry_price,exit_price,position_size,realized_pnl,fees,net_pnl,entry_reason,exit_reason,panic_exit,market_regime,calculated_at,created_at,updated_at}', '{}'),
    ('market_condition_performance', '{condition_type,condition_value,account,weeks_in_condition,avg_return,avg_sharpe,win_rate,weeks_lookback,calculated_at,created_at,updated_at}', '{}'),
    ('users', '{name,email,active,age,created_at}', '{}'),
    ('accounts', '{balance,created_at}', '{}'),
    ('logs', '{level,message,data,created_at}', '{data}'),
    ('events', '{event_type,week_id,account_id,timestamp,payload}', '{payload}'),
    ('orders', '{week_id,account_id,order_id,symbol,side,qty,limit_price,status,decision_id,created_at,updated_at}', '{}'),
    ('positions', '{account_id,symbol,qty,avg_entry_price,current_price,created_at}', '{}'),
    ('trade_orders', '{}', '{}'),
    ('account_positions', '{}', '{}'),
    ('research_packs', '{week_id,provider,research_data,created_at,completed_at,success,error_message}', '{research_data}');
SELECT pg_temp.begin_to_load(name) FROM pg_temp.reading ORDER BY place;
-- With rows of 8 KiB the program hears of each part when it is read.
SELECT CASE WHEN NOT filler THEN pg_temp.load_between(name, low, high) END AS told, repeat(' ', 8192) AS flush
FROM (SELECT name FROM pg_temp.reading ORDER BY place) AS next
CROSS JOIN LATERAL pg_temp.blocks(name) AS part;
SELECT pg_temp.end_of_load(name) FROM pg_temp.reading ORDER BY place;

-- What SQLAlchemy's models kept elsewhere, in the shape of the table that holds it now.
INSERT INTO pg_temp.old_execution_events (key, j, twice, origin)
SELECT key, jsonb_build_object('id', j -> 'id', 'week_id', j -> 'week_id', 'event_type', j -> 'event_type', 'account', j -> 'account_id',
           'event_data', j -> 'payload', 'occurred_at', j -> 'timestamp'), twice, 'events'
FROM pg_temp.old_events;
INSERT INTO pg_temp.old_research_reports (key, j, twice, origin)
SELECT key, jsonb_build_object('id', j -> 'id', 'week_id', j -> 'week_id',
           'provider', CASE j ->> 'provider' WHEN 'gemini_deep' THEN 'gemini' WHEN 'perplexity_deep' THEN 'perplexity' ELSE j ->> 'provider' END,
           'model', COALESCE(pg_temp.document(j -> 'research_data') ->> 'model', 'unknown'), 'natural_language', '',
           'structured_json', j -> 'research_data',
           'status', CASE pg_temp.yes(j ->> 'success') WHEN true THEN 'complete' WHEN false THEN 'error' ELSE 'pending' END,
           'error_message', j -> 'error_message', 'generated_at', j -> 'completed_at', 'created_at', j -> 'created_at'), twice, 'research_packs'
FROM pg_temp.old_research_packs;
INSERT INTO pg_temp.old_trade_orders (key, j, twice, origin) SELECT key, j, false, 'orders' FROM pg_temp.old_orders;
INSERT INTO pg_temp.old_account_positions (key, j, twice, origin) SELECT key, j, false, 'positions' FROM pg_temp.old_positions;

-- What was state of a running program is not converted: one line a table.
INSERT INTO adoption.refused (table_name, legacy_key, code, reason, "row")
SELECT name, '*', 'no_counterpart', rows || ' rows are not converted; they stay in the old table', jsonb_build_object('rows', rows)
FROM pg_temp.moved
WHERE name IN ('checkpoint_updates', 'weekly_postmortems', 'week_metadata') AND rows > 0
  AND current_setting('adopt.again') = 'no'
ORDER BY name;

-- One answer per label, the same for all tables: what was grouped stays grouped.
CREATE TEMP TABLE label ON COMMIT DROP AS
SELECT label,
       COALESCE(given.value::date, found.week) AS week,
       CASE WHEN given.value IS NOT NULL THEN 'week_given' ELSE COALESCE(found.rule, 'week_unknown') END AS rule,
       sum(counted)::bigint AS rows
FROM (
    SELECT j ->> 'week_id' AS label, 1 AS counted FROM pg_temp.old_research_reports
    UNION ALL SELECT j ->> 'week_id', 1 FROM pg_temp.old_pm_pitches
    UNION ALL SELECT j ->> 'week_id', 1 FROM pg_temp.old_peer_reviews
    UNION ALL SELECT j ->> 'week_id', 1 FROM pg_temp.old_chairman_decisions
    UNION ALL SELECT j ->> 'week_id', 1 FROM pg_temp.old_execution_events
    UNION ALL SELECT j ->> 'week_id', 1 FROM pg_temp.old_weekly_performance
    UNION ALL SELECT j ->> 'week_id', 1 FROM pg_temp.old_trade_orders
    -- Documents name a week, too.
    UNION ALL SELECT pg_temp.document(j -> 'pitch_data') ->> 'week_id', 0 FROM pg_temp.old_pm_pitches
    UNION ALL SELECT pg_temp.document(j -> 'decision_data') ->> 'week_id', 0 FROM pg_temp.old_chairman_decisions
) AS used
LEFT JOIN jsonb_each_text(current_setting('adopt.weeks')::jsonb) AS given ON given.key = label
LEFT JOIN LATERAL pg_temp.week_of(label) AS found ON true
WHERE label IS NOT NULL
GROUP BY label, given.value, found.week, found.rule;
CREATE UNIQUE INDEX ON pg_temp.label (label);

INSERT INTO adoption.week (label, week_id, rule, rows)
SELECT label, week, rule, rows FROM pg_temp.label WHERE rows > 0
ON CONFLICT (label) DO UPDATE SET week_id = EXCLUDED.week_id, rule = EXCLUDED.rule, rows = GREATEST(week.rows, EXCLUDED.rows);
