-- Market data.

CREATE TEMP TABLE new_daily_bars ON COMMIT DROP AS
SELECT n, key, symbol, date, open, CASE WHEN high < low THEN NULL ELSE high END AS high, CASE WHEN high < low THEN NULL ELSE low END AS low,
       close, volume, created_at, created_at AS updated_at, pg_temp.number(j ->> 'id') AS id, j ->> 'symbol' = symbol AS as_it_was,
       CASE WHEN symbol IS NULL THEN 'symbol_form' WHEN date IS NULL THEN 'date_form' END AS code,
       CASE WHEN symbol IS NULL THEN 'symbol' WHEN date IS NULL THEN 'date' END AS field,
       CASE WHEN symbol IS NULL THEN 'no ticker of a listed instrument' WHEN date IS NULL THEN 'no day in the years 1 to 9999' END AS reason,
       NULL::bigint AS winner,
       CASE
           -- As most rows are, of which nothing has to be said.
           WHEN j ->> 'symbol' = symbol AND NOT COALESCE(high < low, false) AND j ->> 'created_at' IS NOT NULL
                AND (open, high, low, close, volume) IS NOT DISTINCT FROM (was_open, was_high, was_low, was_close, was_volume)
                AND num_nulls(open, high, low, close, volume)
                    = num_nulls(j ->> 'open', j ->> 'high', j ->> 'low', j ->> 'close', j ->> 'volume')
           THEN NULL
           ELSE ARRAY[
               pg_temp.change_of('case_changed', 'symbol', j ->> 'symbol', symbol),
               pg_temp.change_of('value_dropped', 'open', j ->> 'open', open),
               CASE WHEN high < low THEN ROW('high_below_low', 'high', j ->> 'high', NULL)::pg_temp.change
                    ELSE pg_temp.change_of('value_dropped', 'high', j ->> 'high', high) END,
               CASE WHEN high < low THEN ROW('high_below_low', 'low', j ->> 'low', NULL)::pg_temp.change
                    ELSE pg_temp.change_of('value_dropped', 'low', j ->> 'low', low) END,
               pg_temp.change_of('value_dropped', 'close', j ->> 'close', close),
               pg_temp.change_of('value_dropped', 'volume', j ->> 'volume', volume::numeric),
               pg_temp.time_change('created_at', j ->> 'created_at', created_at)
           ]
       END AS changes
FROM (
    SELECT n, key, j, symbol, date, created_at, was_open, was_high, was_low, was_close, was_volume,
           pg_temp.within(was_open, 0, 99999999.9999, 4) AS open, pg_temp.within(was_high, 0, 99999999.9999, 4) AS high,
           pg_temp.within(was_low, 0, 99999999.9999, 4) AS low, pg_temp.within(was_close, 0, 99999999.9999, 4) AS close,
           pg_temp.within(was_volume, 0, 9223372036854775807, 0)::bigint AS volume
    FROM (
        SELECT n, key, j, pg_temp.symbol(j ->> 'symbol') AS symbol, pg_temp.day(j ->> 'date') AS date,
               pg_temp.time_of(j ->> 'created_at') AS created_at, pg_temp.number(j ->> 'open') AS was_open,
               pg_temp.number(j ->> 'high') AS was_high, pg_temp.number(j ->> 'low') AS was_low,
               pg_temp.number(j ->> 'close') AS was_close, pg_temp.number(j ->> 'volume') AS was_volume
        FROM pg_temp.old_daily_bars
        OFFSET 0
    ) AS read
    OFFSET 0
) AS old;
SELECT pg_temp.supersede('daily_bars', 'symbol, date', 'as_it_was DESC, id DESC NULLS LAST, n');
SELECT pg_temp.put('daily_bars', 'symbol, date, open, high, low, close, volume, created_at, updated_at') AS told, repeat(' ', 8192) AS flush;
SELECT pg_temp.settle('daily_bars');

CREATE TEMP TABLE new_hourly_snapshots ON COMMIT DROP AS
SELECT n, key, symbol, timestamp, date, hour, price, volume, pg_temp.time_of(j ->> 'created_at', j ->> 'timestamp') AS created_at,
       pg_temp.number(j ->> 'id') AS id, j ->> 'symbol' = symbol AS as_it_was, at_exchange,
       CASE
           WHEN symbol IS NULL THEN 'symbol_form' WHEN timestamp IS NULL THEN 'time_unknown' WHEN date IS NULL THEN 'date_form'
           WHEN hour IS NULL THEN 'hour_range'
       END AS code,
       CASE
           WHEN symbol IS NULL THEN 'symbol' WHEN timestamp IS NULL THEN 'timestamp' WHEN date IS NULL THEN 'date'
           WHEN hour IS NULL THEN 'hour'
       END AS field,
       CASE
           WHEN symbol IS NULL THEN 'no ticker of a listed instrument' WHEN timestamp IS NULL THEN 'no instant in the years 1 to 9999'
           WHEN date IS NULL THEN 'no day in the years 1 to 9999'
           WHEN hour IS NULL THEN 'no hour of a day, and the instant is of another day at the exchange'
       END AS reason,
       NULL::bigint AS winner,
       ARRAY[
           pg_temp.change_of('case_changed', 'symbol', j ->> 'symbol', symbol),
           CASE WHEN j ->> 'date' IS NULL THEN pg_temp.change_of('date_made', 'date', NULL, date::text) END,
           pg_temp.change_of('hour_recomputed', 'hour', pg_temp.number(j ->> 'hour')::text, hour::text),
           pg_temp.change_of('value_dropped', 'price', j ->> 'price', price),
           pg_temp.change_of('value_dropped', 'volume', j ->> 'volume', volume::numeric),
           CASE WHEN pg_temp.is_naive(j ->> 'timestamp') THEN
               pg_temp.change_of('instant_taken_as_utc', 'timestamp', j ->> 'timestamp', timestamp::text) END,
           pg_temp.time_change('created_at', j ->> 'created_at', pg_temp.time_of(j ->> 'created_at', j ->> 'timestamp'))
       ] AS changes
FROM (
    SELECT n, key, j, symbol, timestamp, at_exchange, price, volume,
           COALESCE(day, CASE WHEN j ->> 'date' IS NULL THEN at_exchange::date END) AS date,
           COALESCE(
               pg_temp.whole(j ->> 'hour', 0, 23),
               CASE WHEN COALESCE(day, at_exchange::date) = at_exchange::date THEN extract(hour FROM at_exchange)::bigint END
           )::integer AS hour
    FROM (
        SELECT n, key, j, pg_temp.symbol(j ->> 'symbol') AS symbol, pg_temp.instant(j ->> 'timestamp') AS timestamp,
               pg_temp.instant(j ->> 'timestamp') AT TIME ZONE 'America/New_York' AS at_exchange, pg_temp.day(j ->> 'date') AS day,
               pg_temp.price(j ->> 'price') AS price,
               pg_temp.within(pg_temp.number(j ->> 'volume'), 0, 9223372036854775807, 0)::bigint AS volume
        FROM pg_temp.old_hourly_snapshots
        OFFSET 0
    ) AS read
    OFFSET 0
) AS old;
SELECT pg_temp.supersede('hourly_snapshots', 'symbol, "timestamp"', 'as_it_was DESC, id DESC NULLS LAST, n');
SELECT pg_temp.put('hourly_snapshots', 'symbol, timestamp, date, hour, price, volume, created_at') AS told, repeat(' ', 8192) AS flush;
SELECT pg_temp.settle('hourly_snapshots');
INSERT INTO pg_temp.note
SELECT 'hourly_snapshots', 'hour_of_other_zone', 'hour', count(*)
FROM pg_temp.new_hourly_snapshots
WHERE code IS NULL AND (date, hour) IS DISTINCT FROM (at_exchange::date, extract(hour FROM at_exchange)::integer)
HAVING count(*) > 0;

CREATE TEMP TABLE new_fetch_log ON COMMIT DROP AS
SELECT n, key, fetch_type, symbol, status, message AS error_message, timestamp,
       CASE
           WHEN fetch_type IS NULL THEN 'fetch_type_unknown' WHEN status IS NULL THEN 'status_unknown'
           WHEN timestamp IS NULL THEN 'time_unknown' WHEN symbol IS NULL AND j ->> 'symbol' <> '' THEN 'symbol_form'
       END AS code,
       CASE
           WHEN fetch_type IS NULL THEN 'fetch_type' WHEN status IS NULL THEN 'status'
           WHEN timestamp IS NULL THEN 'timestamp' WHEN symbol IS NULL AND j ->> 'symbol' <> '' THEN 'symbol'
       END AS field,
       CASE
           WHEN fetch_type IS NULL THEN 'neither a daily nor an hourly fetch' WHEN status IS NULL THEN 'neither success nor error'
           WHEN timestamp IS NULL THEN 'no instant in the years 1 to 9999'
           WHEN symbol IS NULL AND j ->> 'symbol' <> '' THEN 'no ticker of a listed instrument'
       END AS reason,
       NULL::bigint AS winner, NULL::uuid AS id,
       ARRAY[
           pg_temp.change_of('fetch_type_mapped', 'fetch_type', j ->> 'fetch_type', fetch_type),
           pg_temp.change_of('status_mapped', 'status', COALESCE(j ->> 'status', j ->> 'success'), status),
           pg_temp.change_of('case_changed', 'symbol', j ->> 'symbol', symbol),
           pg_temp.change_of(CASE WHEN message IS NULL THEN 'message_dropped' ELSE 'message_made' END, 'error_message', j ->> 'error_message', message)
       ] AS changes
FROM (
    SELECT n, key, j, fetch_type, symbol, status, timestamp,
           CASE status WHEN 'error' THEN COALESCE(NULLIF(btrim(j ->> 'error_message'), ''), 'no message was stored') END AS message
    FROM (
        SELECT n, key, j,
               CASE lower(btrim(j ->> 'fetch_type'))
                   WHEN 'daily' THEN 'daily' WHEN 'seed' THEN 'daily' WHEN 'daily_close' THEN 'daily'
                   WHEN 'hourly' THEN 'hourly' WHEN 'hourly_snapshot' THEN 'hourly'
               END AS fetch_type,
               pg_temp.symbol(j ->> 'symbol') AS symbol,
               CASE lower(btrim(j ->> 'status'))
                   WHEN 'success' THEN 'success' WHEN 'error' THEN 'error'
                   ELSE CASE WHEN NULLIF(btrim(j ->> 'status'), '') IS NULL THEN
                       CASE pg_temp.yes(j ->> 'success') WHEN true THEN 'success' WHEN false THEN 'error' END END
               END AS status,
               pg_temp.instant(j ->> 'timestamp') AS timestamp
        FROM pg_temp.old_fetch_log
        OFFSET 0
    ) AS read
    OFFSET 0
) AS old;
