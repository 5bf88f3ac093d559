-- Returns and correlations are computed anew from the bars. Where there are no bars, the old values are all there is.
CREATE TEMP TABLE new_daily_log_returns ON COMMIT DROP AS
SELECT n, key, symbol, date, value AS log_return, created_at, pg_temp.number(j ->> 'id') AS id, code, field, reason, NULL::bigint AS winner, changes
FROM pg_temp.old_daily_log_returns AS old CROSS JOIN LATERAL pg_temp.old_return(j, 'log_return') AS found;
CREATE TEMP TABLE new_rolling_7day_log_returns ON COMMIT DROP AS
SELECT n, key, symbol, date, value AS log_return_7d, created_at, pg_temp.number(j ->> 'id') AS id, code, field, reason, NULL::bigint AS winner, changes
FROM pg_temp.old_rolling_7day_log_returns AS old CROSS JOIN LATERAL pg_temp.old_return(j, 'log_return_7d') AS found;
CREATE TEMP TABLE new_correlation_matrix ON COMMIT DROP AS
SELECT n, key, symbol_1, symbol_2, date, correlation, 30 AS window_rows, pg_temp.time_of(j ->> 'created_at') AS created_at,
       pg_temp.number(j ->> 'id') AS id, NULL::bigint AS winner,
       CASE WHEN symbol_1 IS NULL OR symbol_2 IS NULL THEN 'symbol_form' WHEN date IS NULL THEN 'date_form'
            WHEN correlation IS NULL AND j ->> 'correlation' IS NOT NULL THEN 'correlation_range' END AS code,
       CASE WHEN symbol_1 IS NULL THEN 'symbol_1' WHEN symbol_2 IS NULL THEN 'symbol_2' WHEN date IS NULL THEN 'date' ELSE 'correlation' END AS field,
       CASE WHEN symbol_1 IS NULL OR symbol_2 IS NULL THEN 'no ticker of a listed instrument' WHEN date IS NULL THEN 'no day in the years 1 to 9999'
            ELSE 'not between -1 and 1' END AS reason,
       ARRAY[
           pg_temp.change_of('case_changed', 'symbol_1', j ->> 'symbol_1', symbol_1),
           pg_temp.change_of('case_changed', 'symbol_2', j ->> 'symbol_2', symbol_2),
           pg_temp.change_of('rounded', 'correlation', j ->> 'correlation', correlation)
       ] AS changes
FROM (
    SELECT n, key, j, pg_temp.symbol(j ->> 'symbol_1') AS symbol_1, pg_temp.symbol(j ->> 'symbol_2') AS symbol_2, pg_temp.day(j ->> 'date') AS date,
           CASE WHEN abs(pg_temp.number(j ->> 'correlation')) <= 1.0000001
                THEN round(GREATEST(-1, LEAST(1, pg_temp.number(j ->> 'correlation'))), 8) END AS correlation
    FROM pg_temp.old_correlation_matrix
    OFFSET 0
) AS old;
SELECT pg_temp.supersede('daily_log_returns', 'symbol, date', 'id DESC NULLS LAST, n'),
       pg_temp.supersede('rolling_7day_log_returns', 'symbol, date', 'id DESC NULLS LAST, n'),
       pg_temp.supersede('correlation_matrix', 'date, symbol_1, symbol_2', 'id DESC NULLS LAST, n');
SELECT pg_temp.put('daily_log_returns', 'symbol, date, log_return, created_at') AS told, repeat(' ', 8192) AS flush;
SELECT pg_temp.put('rolling_7day_log_returns', 'symbol, date, log_return_7d, created_at') AS told, repeat(' ', 8192) AS flush;
SELECT pg_temp.put('correlation_matrix', 'symbol_1, symbol_2, date, correlation, window_rows, created_at') AS told, repeat(' ', 8192) AS flush;
SELECT pg_temp.settle('daily_log_returns'), pg_temp.settle('rolling_7day_log_returns'), pg_temp.settle('correlation_matrix');
INSERT INTO correlation_window (window_rows) SELECT 30 FROM correlation_matrix LIMIT 1 ON CONFLICT DO NOTHING;
