//! Rows of an old database: good ones, and one of each kind that is not.

/// A few weeks of the desk. Texts between `§` are golden documents.
const ROWS: &str = r#"
INSERT INTO daily_bars (symbol, date, open, high, low, close, volume, created_at) VALUES
    ('SPY', '2026-01-05', 501.10, 505.25, 499.50, 503.75, 71000, '2026-01-05 22:00+00'),
    ('SPY', '2026-01-06', 'NaN', 507.00, 502.00, 506.50, 72000, '2026-01-06 22:00+00'),
    ('SPY', '2026-01-07', 506.00, 501.00, 509.00, -3.25, -5, NULL),
    ('spy', '2026-01-05', 1.00, 2.00, 0.50, 1.50, 10, '2026-01-05 23:00+00'),
    ('qqq', '2026-01-05', 401.00, 402.00, 400.00, 401.50, 5000, '2026-01-05 23:00+00'),
    ('^VIX', '2026-01-05', 17.00, 18.00, 16.00, 17.50, NULL, '2026-01-05 23:00+00'),
    ('IWM', 'infinity', 200.00, 201.00, 199.00, 200.50, 900, '2026-01-05 23:00+00');
INSERT INTO hourly_snapshots (symbol, timestamp, date, hour, price, volume) VALUES
    ('SPY', '2026-01-07 15:00+00', '2026-01-07', 10, 507.25, 100),
    ('SPY', '2026-01-07 16:00+00', '2026-01-07', 77, 508.25, 110),
    ('SPY', '2026-01-07 17:00+00', '2026-01-09', 99, 509.25, 120);
INSERT INTO fetch_log (fetch_type, symbol, status, error_message, timestamp) VALUES
    ('seed', 'SPY', 'success', NULL, '2026-01-05 22:01+00'),
    ('hourly_snapshot', NULL, 'error', NULL, '2026-01-05 22:02+00'),
    ('weekly', NULL, 'success', NULL, '2026-01-05 22:03+00'),
    ('daily', NULL, 'success', NULL, NULL);
INSERT INTO research_reports (id, week_id, provider, model, natural_language, structured_json, status, generated_at, created_at) VALUES
    ('00000000-0000-4000-8000-000000000001', '2026-02-11', 'gemini', 'gemini-2.5', 'Calm', §research§, 'done', '2026-02-11 12:00+00', '2026-02-11 12:01+00'),
    ('00000000-0000-4000-8000-000000000002', '2026-02-12', 'perplexity', 'sonar', 'Calmer', to_jsonb(§research§::text), NULL, NULL, NULL),
    ('00000000-0000-4000-8000-000000000003', 'soon', 'perplexity', 'sonar', 'Lost', '{}', 'complete', NULL, '2026-02-11 12:03+00'),
    ('00000000-0000-4000-8000-000000000004', '2026-02-11', 'gemini', 'sonar', 'Odd', '[1]', 'complete', NULL, '2026-02-11 12:04+00');
INSERT INTO pm_pitches (id, week_id, model, account, pitch_data, instrument, direction, conviction, research_date, created_at) VALUES
    ('10000000-0000-4000-8000-000000000001', '2026-02-11', 'chatgpt', 'CHATGPT', §pitch_v2§, 'TLT', 'LONG', 1.25, '2026-02-11 12:00+00', '2026-02-11 13:00+00'),
    ('10000000-0000-4000-8000-000000000002', '2026-02-11', 'chatgpt', 'CHATGPT', §pitch_v2§, 'TLT', 'LONG', 1.25, '2026-02-11 12:00+00', '2026-02-11 13:30+00'),
    ('10000000-0000-4000-8000-000000000003', '2026-02-09', 'groq', 'groq', §pitch_v2§ || '{"conviction": "1.50", "week_id": "2026-02-09"}', 'SPY', 'LONG', 1.5, '2026-02-11 12:00+00', '2026-02-11 13:10+00'),
    ('10000000-0000-4000-8000-000000000004', '2026-W07', 'gemini', 'GEMINI', §pitch_v2§ || '{"selected_instrument": "spy", "thesis_bullets": []}', 'SPY', 'LONG', 1.25, '2026-02-11 12:00+00', '2026-02-11 14:00+00'),
    ('10000000-0000-4000-8000-000000000005', '2026-02-11', 'claude', 'CLAUDE', §pitch_v2§ || '{"conviction": 9}', NULL, NULL, NULL, '2026-02-11 12:00+00', '2026-02-11 13:12+00'),
    ('10000000-0000-4000-8000-000000000006', '2026-02-11', 'deepseek', 'DEEPSEEK', §pitch_v2§ || '{"direction": "SHORT"}', NULL, NULL, NULL, NULL, '2026-02-11 13:13+00'),
    ('10000000-0000-4000-8000-000000000007', '2026-02-11', 'two words', 'GROQ', §pitch_v2§, NULL, NULL, NULL, NULL, '2026-02-11 13:14+00'),
    ('10000000-0000-4000-8000-000000000008', '2026-02-11', 'mistral', 'no account', §pitch_v2§, NULL, NULL, NULL, NULL, '2026-02-11 13:15+00');
INSERT INTO peer_reviews (id, week_id, pitch_id, reviewer_model, pitch_label, review_data, research_date, created_at) VALUES
    ('20000000-0000-4000-8000-000000000001', '2026-02-11', '10000000-0000-4000-8000-000000000001', 'groq', 'Pitch C', §review§, '2026-02-11 12:00+00', '2026-02-11 13:40+00'),
    ('20000000-0000-4000-8000-000000000002', '2026-02-11', '10000000-0000-4000-8000-000000000003', 'chatgpt', 'C', §review§ || '{"pitch_label": "C"}', '2026-02-11 12:00+00', '2026-02-11 13:41+00'),
    ('20000000-0000-4000-8000-000000000003', '2026-02-11', '10000000-0000-4000-8000-0000000000ff', 'chatgpt', 'Pitch D', §review§, '2026-02-11 12:00+00', '2026-02-11 13:42+00'),
    ('20000000-0000-4000-8000-000000000004', '2026-02-11', '10000000-0000-4000-8000-0000000000ff', 'groq', 'Pitch D', §review§, '2026-02-11 12:00+00', '2026-02-11 13:43+00'),
    ('20000000-0000-4000-8000-000000000005', '2026-02-11', '10000000-0000-4000-8000-000000000005', 'groq', 'Pitch E', §review§, '2026-02-11 12:00+00', '2026-02-11 13:44+00'),
    ('20000000-0000-4000-8000-000000000006', '2026-02-11', '10000000-0000-4000-8000-000000000001', 'gemini', 'Pitch C', jsonb_set(§review§, '{scores,clarity}', '8.5'), NULL, '2026-02-11 13:45+00'),
    ('20000000-0000-4000-8000-000000000007', '2026-02-18', '10000000-0000-4000-8000-0000000000fe', 'gemini', 'Pitch C', §review§, NULL, '2026-02-11 13:46+00');
INSERT INTO chairman_decisions (id, week_id, decision_data, research_date, created_at) VALUES
    ('30000000-0000-4000-8000-000000000001', '2026-02-11', §decision§ - 'decision_id', '2026-02-11 12:00+00', '2026-02-11 15:00+00'),
    ('30000000-0000-4000-8000-000000000002', '2026-02-18', §decision§ - 'monitoring_plan', '2026-02-18 12:00+00', '2026-02-18 15:00+00');
INSERT INTO execution_events (id, week_id, event_type, account, event_data, occurred_at, created_at) VALUES
    ('40000000-0000-4000-8000-000000000001', '2026-02-11', 'ENTRY', 'CHATGPT', §event_entry§ - 'event_type', '2026-02-11 14:31+00', '2026-02-11 14:31+00'),
    ('40000000-0000-4000-8000-000000000002', '2026-02-11', 'ENTRY', 'CHATGPT', §event_entry§ - 'event_type', '2026-02-11 14:31+00', '2026-02-11 14:32+00'),
    ('40000000-0000-4000-8000-000000000003', '2026-02-11', 'EXIT', 'GROQ', '{"price": "91.50"}', '2026-02-11 14:33+00', '2026-02-11 14:33+00'),
    ('40000000-0000-4000-8000-000000000004', '2026-02-11', 'order_placed', 'groq', '{"note": "no trade id"}', '2026-02-11 14:34+00', NULL),
    ('40000000-0000-4000-8000-000000000005', '2026-02-11', 'order.filled', 'GROQ', '{"event_type": "filled", "qty": 3}', '2026-02-11 14:35+00', '2026-02-11 14:35+00'),
    ('40000000-0000-4000-8000-000000000006', 'unknown', 'EXIT', 'GROQ', '{"price": 92.50}', '2026-02-11 14:36+00', '2026-02-11 14:36+00');
INSERT INTO account_performance (account, weeks_lookback, total_return, max_drawdown, volatility, weeks_traded, profitable_weeks, win_rate, calculated_at) VALUES
    ('CHATGPT', NULL, 0.010000, -0.020000, 0.1, 4, 2, 0.5, '2026-02-17 20:00+00'),
    ('CHATGPT', NULL, 0.020000, 0.030000, 'NaN', 5, 3, 0.6, '2026-02-18 20:00+00'),
    ('GROQ', 0, 0.030000, -0.01, 0.2, 6, 1, 0.2, '2026-02-18 21:00+00'),
    ('GROQ', 4, 0.040000, -0.01, 0.3, 2, 3, 0.1, '2026-02-18 22:00+00');
INSERT INTO weekly_performance (account, week_id, week_start, week_end, weekly_return, instrument, direction, entry_price, realized_pnl, fees, net_pnl, panic_exit, calculated_at) VALUES
    ('CHATGPT', '2026-02-12', '2026-02-09', '2026-02-15', 'NaN', 'TLT', 'LONG', 91.375, 120.50, 1.25, 119.25, NULL, '2026-02-18 20:00+00'),
    ('GROQ', '2026-02-11', '2026-02-11', '2026-02-17', 0.01, 'SPY', 'LONG', 501, 10.75, 'NaN', 9.75, false, '2026-02-18 20:00+00');
INSERT INTO market_condition_performance (condition_type, condition_value, account, weeks_in_condition, avg_return, calculated_at) VALUES
    (' volatility ', 'high', 'GROQ', 3, 0.02, '2026-02-18 20:00+00'), ('volatility', 'high', 'GROQ', 4, 0.03, '2026-02-19 20:00+00');
INSERT INTO users (name, email, active, age) VALUES
    ('Ada ', 'ada@desk.example', NULL, 36), ('Ada again', 'ADA@desk.example', true, 37), ('Bob', 'nowhere', true, 40), ('Cy', 'cy@desk.example', true, 999);
INSERT INTO logs (level, message, data) VALUES ('warn', 'Slow', '{"ms": 12.50}'), ('LOUD', 'Hm', NULL), ('INFO', NULL, NULL), ('info', 'List', '[1]');
INSERT INTO accounts (balance) VALUES (1500.25), (-400.00), ('NaN'), (0.10);
"#;

/// The statements that put them there.
pub fn rows() -> String {
    with_documents(ROWS)
}

/// The statements, with golden documents where their names stand between `§`.
pub fn with_documents(sql: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/golden");
    let mut parts = sql.split('§');
    let mut sql = parts.next().unwrap().to_owned();
    while let (Some(name), Some(rest)) = (parts.next(), parts.next()) {
        let document = std::fs::read_to_string(format!("{root}/{name}.json")).unwrap();
        sql += &format!("'{}'::jsonb{rest}", document.replace('\'', "''"));
    }
    sql
}
