-- The views of the Python layer, over its tables.
CREATE OR REPLACE VIEW v_latest_research AS
SELECT week_id, provider, model, natural_language, structured_json, status, generated_at
FROM research_reports
WHERE (week_id::text, provider::text, generated_at) IN (
    SELECT week_id, provider, max(generated_at) FROM research_reports GROUP BY week_id, provider
);
CREATE OR REPLACE VIEW v_weekly_pitches AS
SELECT p.id, p.week_id, p.model, p.account, p.instrument, p.direction, p.conviction, count(r.id) AS review_count
FROM pm_pitches AS p
LEFT JOIN peer_reviews AS r ON r.pitch_id = p.id
GROUP BY p.id;
CREATE OR REPLACE VIEW v_leaderboard_all_time AS
SELECT row_number() OVER (ORDER BY total_return DESC) AS rank, account, total_return, sharpe_ratio, max_drawdown, volatility,
       win_rate, weeks_traded, profitable_weeks, calculated_at
FROM account_performance
WHERE weeks_lookback IS NULL
ORDER BY total_return DESC;
CREATE OR REPLACE VIEW v_leaderboard_4w AS
SELECT row_number() OVER (ORDER BY total_return DESC) AS rank, account, total_return, sharpe_ratio, max_drawdown, volatility,
       win_rate, weeks_traded, profitable_weeks, calculated_at
FROM account_performance
WHERE weeks_lookback = 4
ORDER BY total_return DESC;
CREATE OR REPLACE VIEW v_leaderboard_8w AS
SELECT row_number() OVER (ORDER BY total_return DESC) AS rank, account, total_return, sharpe_ratio, max_drawdown, volatility,
       win_rate, weeks_traded, profitable_weeks, calculated_at
FROM account_performance
WHERE weeks_lookback = 8
ORDER BY total_return DESC;
CREATE OR REPLACE VIEW v_council_vs_individuals AS
SELECT CASE WHEN account = 'COUNCIL' THEN 'Council' WHEN account = 'BASELINE' THEN 'Baseline' ELSE 'Individual PM' END
           AS strategy_type,
       account, total_return, sharpe_ratio, max_drawdown, win_rate, weeks_traded
FROM account_performance
WHERE weeks_lookback IS NULL
ORDER BY CASE WHEN account = 'COUNCIL' THEN 1 WHEN account = 'BASELINE' THEN 3 ELSE 2 END, total_return DESC;
