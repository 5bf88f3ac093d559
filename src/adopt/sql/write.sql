-- Writes what was judged, but for reviews.

SELECT pg_temp.apply_verdicts('research_reports', 'structured_json'), pg_temp.apply_verdicts('pm_pitches', 'pitch_data'),
       pg_temp.apply_verdicts('chairman_decisions', 'decision_data'), pg_temp.apply_verdicts('execution_events', 'event_data'),
       pg_temp.apply_verdicts('logs', 'data');

-- The only rule between two fields that the table has, too.
UPDATE pg_temp.new_pm_pitches
SET code = 'conviction_sign', field = 'pitch_data.conviction', reason = 'above zero for LONG, below zero for SHORT, zero for FLAT'
WHERE code IS NULL
  AND NOT CASE pitch_data ->> 'direction'
      WHEN 'LONG' THEN (pitch_data ->> 'conviction')::numeric > 0
      WHEN 'SHORT' THEN (pitch_data ->> 'conviction')::numeric < 0
      ELSE (pitch_data ->> 'conviction')::numeric = 0
  END;

SELECT pg_temp.supersede('research_reports', 'id', 'created_at DESC, n'), pg_temp.supersede('pm_pitches', 'id', 'created_at DESC, n'),
       pg_temp.supersede('chairman_decisions', 'id', 'created_at DESC, n');
ALTER TABLE pg_temp.new_pm_pitches ADD COLUMN is_reviewed boolean;
UPDATE pg_temp.new_pm_pitches AS new
SET is_reviewed = EXISTS (SELECT FROM pg_temp.old_peer_reviews AS review WHERE review.j ->> 'pitch_id' = old.j ->> 'id')
FROM pg_temp.old_pm_pitches AS old
WHERE old.n = new.n;
SELECT pg_temp.supersede('pm_pitches', 'week_id, model, research_date', 'is_reviewed DESC, created_at DESC, id DESC'),
       pg_temp.supersede('chairman_decisions', 'week_id, research_date', 'created_at DESC, id DESC');

SELECT pg_temp.put('research_reports', 'id, week_id, provider, model, natural_language, structured_json, status, error_message, generated_at, created_at') AS told, repeat(' ', 8192) AS flush;
SELECT pg_temp.put('pm_pitches', 'id, week_id, model, account, pitch_data, research_date, created_at, updated_at') AS told, repeat(' ', 8192) AS flush;
SELECT pg_temp.put('chairman_decisions', 'id, week_id, decision_data, research_date, created_at, updated_at') AS told, repeat(' ', 8192) AS flush;
SELECT pg_temp.put('execution_events', 'id, week_id, account, event_data, occurred_at, created_at') AS told, repeat(' ', 8192) AS flush;
SELECT pg_temp.put('fetch_log', 'id, fetch_type, symbol, status, error_message, timestamp') AS told, repeat(' ', 8192) AS flush;
SELECT pg_temp.put('users', 'id, name, email, active, age, created_at') AS told, repeat(' ', 8192) AS flush;
SELECT pg_temp.put('accounts', 'id, balance, created_at') AS told, repeat(' ', 8192) AS flush;
SELECT pg_temp.put('logs', 'id, level, message, data, created_at') AS told, repeat(' ', 8192) AS flush;
SELECT pg_temp.put('account_performance', 'id, account, weeks_lookback, total_return, sharpe_ratio, max_drawdown, volatility, weeks_traded,
           profitable_weeks, win_rate, avg_conviction, max_conviction, calculated_at, created_at, updated_at') AS told, repeat(' ', 8192) AS flush;
SELECT pg_temp.put('market_condition_performance', 'id, condition_type, condition_value, account, weeks_in_condition, avg_return, avg_sharpe,
           win_rate, weeks_lookback, calculated_at, created_at, updated_at') AS told, repeat(' ', 8192) AS flush;
SELECT pg_temp.settle('research_reports'), pg_temp.settle('pm_pitches'), pg_temp.settle('chairman_decisions'),
       pg_temp.settle('execution_events'), pg_temp.settle('fetch_log'), pg_temp.settle('users'), pg_temp.settle('accounts'),
       pg_temp.settle('logs'), pg_temp.settle('account_performance'), pg_temp.settle('market_condition_performance');
SELECT pg_temp.map_ids('research_reports'), pg_temp.map_ids('pm_pitches'), pg_temp.map_ids('chairman_decisions'),
       pg_temp.map_ids('execution_events'), pg_temp.map_ids('fetch_log'), pg_temp.map_ids('users'), pg_temp.map_ids('accounts'),
       pg_temp.map_ids('logs'), pg_temp.map_ids('account_performance'), pg_temp.map_ids('market_condition_performance');
