-- 100 000 rows in every table, as a desk of many years would have them: few symbols, accounts and models, many weeks and days.

INSERT INTO daily_bars (symbol, date, open, high, low, close, volume)
SELECT 'S' || n % 40, DATE '2000-01-01' + n / 40, 10, 12, 9, 11, n
FROM generate_series(0, 99999) AS n;

INSERT INTO hourly_snapshots (symbol, timestamp, date, hour, price, volume)
SELECT 'S' || n % 40, at, at::date, extract(hour FROM at), 10, n
FROM generate_series(0, 99999) AS n, LATERAL (SELECT TIMESTAMPTZ '2020-01-01Z' + n / 40 * INTERVAL '1 hour') AS t (at);

INSERT INTO fetch_log (id, fetch_type, symbol, status, timestamp)
SELECT gen_random_uuid(), 'daily', 'S' || n % 40, 'success', TIMESTAMPTZ '2020-01-01Z' + n * INTERVAL '1 minute'
FROM generate_series(0, 99999) AS n;

INSERT INTO daily_log_returns (symbol, date, log_return)
SELECT 'S' || n % 40, DATE '2000-01-01' + n / 40, n / 1e7
FROM generate_series(0, 99999) AS n;

INSERT INTO rolling_7day_log_returns (symbol, date, log_return_7d)
SELECT 'S' || n % 40, DATE '2000-01-01' + n / 40, n / 1e7
FROM generate_series(0, 99999) AS n;

INSERT INTO correlation_matrix (symbol_1, symbol_2, date, correlation, window_rows)
SELECT 'S' || n % 10, 'S' || n / 10 % 10, DATE '2000-01-01' + n / 100, 0.5, 60
FROM generate_series(0, 99999) AS n;

INSERT INTO research_reports (id, week_id, provider, model, natural_language, structured_json, status, created_at)
SELECT gen_random_uuid(), DATE '1800-01-01' + n / 5 * 7, CASE n % 2 WHEN 0 THEN 'perplexity' ELSE 'gemini' END, 'sonar', 'up',
       '{}', CASE n % 10 WHEN 0 THEN 'error' ELSE 'complete' END, TIMESTAMPTZ '1800-01-01Z' + n * INTERVAL '1 day'
FROM generate_series(0, 99999) AS n;

INSERT INTO pm_pitches (id, week_id, model, account, pitch_data, research_date)
SELECT gen_random_uuid(), DATE '1800-01-01' + n / 5 * 7, 'model' || n % 5, 'ACCOUNT' || n % 5,
       jsonb_build_object('week_id', DATE '1800-01-01' + n / 5 * 7)
           || '{"selected_instrument": "SPY", "direction": "LONG", "conviction": 1, "pm_model": "m", "horizon": "1W",
                "entry_policy": {}, "risk_notes": ""}',
       TIMESTAMPTZ '1800-01-01Z' + n / 5 * INTERVAL '7 days'
FROM generate_series(0, 99999) AS n;

INSERT INTO peer_reviews (id, week_id, pitch_id, reviewer_model, pitch_label, review_data, research_date)
SELECT gen_random_uuid(), week_id, id, 'reviewer', 'Pitch A',
       '{"pitch_label": "Pitch A", "scores": {"clarity": 7, "edge_plausibility": 7, "timing_catalyst": 7, "risk_definition": 7,
         "risk_management": 7, "originality": 7, "tradeability": 7}, "best_argument_against": "a", "one_flip_condition": "b"}',
       research_date
FROM pm_pitches;

INSERT INTO chairman_decisions (id, week_id, decision_data, research_date)
SELECT gen_random_uuid(), week, jsonb_build_object('week_id', week)
           || '{"decision_id": "d", "selected_trade": {"instrument": "SPY", "direction": "LONG", "horizon": "1w"}, "conviction": 1,
                "rationale": "because", "monitoring_plan": {"checkpoints": []}}',
       TIMESTAMPTZ '1800-01-01Z' + n * INTERVAL '1 day'
FROM generate_series(0, 99999) AS n, LATERAL (SELECT DATE '1800-01-01' + n / 5 * 7) AS w (week);

INSERT INTO execution_events (id, week_id, account, event_data, occurred_at)
SELECT gen_random_uuid(), DATE '1800-01-01' + n / 40 * 7, 'ACCOUNT' || n % 8,
       CASE n / 8 % 5
           WHEN 0 THEN '{"event_type": "ENTRY", "price": 10, "direction": "LONG", "conviction": 1}'
           WHEN 4 THEN '{"event_type": "EXIT", "price": 11}'
           ELSE '{"event_type": "note"}'
       END::jsonb,
       TIMESTAMPTZ '1800-01-01Z' + n * INTERVAL '4 hours'
FROM generate_series(0, 99999) AS n;

INSERT INTO account_performance (id, account, weeks_lookback, calculated_at)
SELECT gen_random_uuid(), 'ACCOUNT' || n % 1000, NULLIF(n / 1000, 0), '2026-01-07Z'
FROM generate_series(0, 99999) AS n;

INSERT INTO weekly_performance (account, week_id, week_start, week_end, weekly_return, calculated_at)
SELECT 'ACCOUNT' || n % 8, week, week, week + 6, 0.01, '2026-01-07Z'
FROM generate_series(0, 99999) AS n, LATERAL (SELECT DATE '1800-01-01' + n / 8 * 7) AS w (week);

INSERT INTO market_condition_performance (
    id, condition_type, condition_value, account, weeks_in_condition, avg_return, weeks_lookback, calculated_at
)
SELECT gen_random_uuid(), 'type' || n % 5, 'value' || n / 5 % 5, 'ACCOUNT' || n / 25 % 100, 4, 0.01, NULLIF(n / 2500, 0), '2026-01-07Z'
FROM generate_series(0, 99999) AS n;

INSERT INTO users (id, name, email, active)
SELECT gen_random_uuid(), 'name ' || n, 'user' || n || '@example.com', n % 2 = 0
FROM generate_series(0, 99999) AS n;

INSERT INTO accounts (id, balance)
SELECT gen_random_uuid(), 100
FROM generate_series(0, 99999) AS n;

INSERT INTO logs (id, level, message, created_at)
SELECT gen_random_uuid(), CASE n % 5 WHEN 0 THEN 'WARNING' ELSE 'INFO' END, 'done', TIMESTAMPTZ '2020-01-01Z' + n * INTERVAL '1 minute'
FROM generate_series(0, 99999) AS n;

INSERT INTO pipeline_runs (id, week_id, started_at)
SELECT gen_random_uuid(), DATE '1800-01-01' + n / 5 * 7, TIMESTAMPTZ '1800-01-01Z' + n * INTERVAL '1 day'
FROM generate_series(0, 99999) AS n;

INSERT INTO pipeline_jobs (id, run_id, stage, status, queued_at)
SELECT gen_random_uuid(), id, 'research', 'queued', started_at
FROM pipeline_runs;

INSERT INTO pitch_approvals (pitch_id, verdict, decided_by, decided_at, pitch_updated_at)
SELECT id, 'approved', 'Ada', updated_at, updated_at
FROM pm_pitches;

INSERT INTO report_approvals (report_id, verdict, decided_by, decided_at)
SELECT id, 'approved', 'Ada', created_at
FROM research_reports;

INSERT INTO trades (id, week_id, account, pitch_id, symbol, direction, quantity, conviction, status, created_at, updated_at)
SELECT id, week_id, account, id, 'SPY', 'LONG', 10, 1, CASE WHEN model = 'model0' AND week_id > '2150-01-01' THEN 'pending' ELSE 'executed' END, created_at, created_at
FROM pm_pitches;

INSERT INTO trade_orders (id, trade_id, attempt, side, quantity, status, broker_order_id, created_at, updated_at)
SELECT gen_random_uuid(), id, 1, 'buy', 10, 'filled', id::text, created_at, created_at
FROM trades;

INSERT INTO account_positions (account, symbol, direction, quantity, avg_entry_price, as_of)
SELECT 'ACCOUNT' || n / 100, 'S' || n % 100, 'LONG', 10, 100, '2026-01-07Z'
FROM generate_series(0, 99999) AS n;
