-- Orders and positions of SQLAlchemy's models. An order belongs to a trade, and a trade has a direction and a conviction: those of the
-- pitch, or of the decision, that it carries out. Nothing of that is guessed.

CREATE TEMP TABLE new_account_positions ON COMMIT DROP AS
SELECT n, key, account, symbol, CASE WHEN held > 0 THEN 'LONG' ELSE 'SHORT' END AS direction, round(abs(held), 6) AS quantity, avg_entry_price,
       current_price, as_of,
       CASE
           WHEN account IS NULL THEN 'account_form' WHEN symbol IS NULL THEN 'symbol_form'
           WHEN round(abs(held), 6) BETWEEN 0.000001 AND 999999999999.999999 THEN CASE WHEN avg_entry_price IS NULL THEN 'price_form' END
           ELSE 'quantity_form'
       END AS code,
       CASE
           WHEN account IS NULL THEN 'account_id' WHEN symbol IS NULL THEN 'symbol'
           WHEN round(abs(held), 6) BETWEEN 0.000001 AND 999999999999.999999 THEN CASE WHEN avg_entry_price IS NULL THEN 'avg_entry_price' END
           ELSE 'qty'
       END AS field,
       CASE
           WHEN account IS NULL THEN 'no name of an account' WHEN symbol IS NULL THEN 'no ticker of a listed instrument'
           WHEN round(abs(held), 6) BETWEEN 0.000001 AND 999999999999.999999 THEN CASE WHEN avg_entry_price IS NULL THEN 'no price' END
           ELSE 'no number of shares but zero'
       END AS reason,
       NULL::bigint AS winner,
       ARRAY[
           pg_temp.change_of('case_changed', 'account_id', j ->> 'account_id', account),
           pg_temp.change_of('case_changed', 'symbol', j ->> 'symbol', symbol),
           pg_temp.change_of('rounded', 'qty', j ->> 'qty', round(held, 6)),
           pg_temp.change_of('value_dropped', 'avg_entry_price', j ->> 'avg_entry_price', avg_entry_price),
           pg_temp.change_of('value_dropped', 'current_price', j ->> 'current_price', current_price),
           pg_temp.time_change('created_at', j ->> 'created_at', as_of)
       ] AS changes
FROM (
    SELECT n, key, j, pg_temp.account(j ->> 'account_id') AS account, pg_temp.symbol(j ->> 'symbol') AS symbol,
           pg_temp.finite(j ->> 'qty') AS held, pg_temp.price(j ->> 'avg_entry_price') AS avg_entry_price,
           pg_temp.price(j ->> 'current_price') AS current_price, pg_temp.time_of(j ->> 'created_at') AS as_of
    FROM pg_temp.old_account_positions
    OFFSET 0
) AS old;
-- A position was written anew each week; what counts is the newest.
SELECT pg_temp.supersede('account_positions', 'account, symbol', 'as_of DESC, key DESC, n');
SELECT pg_temp.put('account_positions', 'account, symbol, direction, quantity, avg_entry_price, current_price, as_of') AS told, repeat(' ', 8192) AS flush;
SELECT pg_temp.settle('account_positions');

CREATE TEMP TABLE new_trade_orders ON COMMIT DROP AS
SELECT n, key, week AS week_id, account, symbol, side, quantity, limit_price, status, NULLIF(btrim(j ->> 'order_id'), '') AS broker_order_id,
       created_at, updated_at, view.pitch_id, view.direction, view.conviction, NULL::uuid AS trade_id, NULL::integer AS attempt, NULL::uuid AS id,
       code, CASE code
           WHEN 'week_unknown' THEN 'week_id' WHEN 'account_form' THEN 'account_id' WHEN 'symbol_form' THEN 'symbol' WHEN 'side_unknown' THEN 'side'
           WHEN 'quantity_form' THEN 'qty' WHEN 'price_form' THEN 'limit_price' WHEN 'status_unknown' THEN 'status' WHEN 'not_at_broker' THEN 'order_id'
           WHEN 'side_differs' THEN 'side'
       END AS field,
       CASE code
           WHEN 'week_unknown' THEN 'the label names no week' WHEN 'account_form' THEN 'no name of an account'
           WHEN 'symbol_form' THEN 'no ticker of a listed instrument' WHEN 'side_unknown' THEN 'neither buy nor sell'
           WHEN 'quantity_form' THEN 'no number of shares above zero' WHEN 'price_form' THEN 'no price of up to four decimals'
           WHEN 'status_unknown' THEN 'neither pending, filled, cancelled nor rejected' WHEN 'not_at_broker' THEN 'filled, and without the id that the broker gave it'
           WHEN 'no_trade' THEN 'neither a pitch nor a decision of that week and account is about that instrument'
           WHEN 'side_differs' THEN 'against the direction of its pitch or decision: the end of a trade is an EXIT event'
       END AS reason,
       NULL::bigint AS winner,
       ARRAY[
           pg_temp.change_of(rule, 'week_id', j ->> 'week_id', week::text),
           pg_temp.change_of('case_changed', 'account_id', j ->> 'account_id', account),
           pg_temp.change_of('case_changed', 'symbol', j ->> 'symbol', symbol),
           pg_temp.change_of('case_changed', 'side', j ->> 'side', side),
           pg_temp.change_of('status_mapped', 'status', j ->> 'status', status),
           pg_temp.change_of('rounded', 'qty', j ->> 'qty', quantity),
           pg_temp.time_change('created_at', j ->> 'created_at', created_at),
           pg_temp.time_change('updated_at', j ->> 'updated_at', updated_at)
       ] AS changes
FROM (
    SELECT n, key, j, label.week, label.rule, pg_temp.account(j ->> 'account_id') AS account, pg_temp.symbol(j ->> 'symbol') AS symbol,
           CASE WHEN lower(btrim(j ->> 'side')) IN ('buy', 'sell') THEN lower(btrim(j ->> 'side')) END AS side,
           pg_temp.within(pg_temp.number(j ->> 'qty'), 0.000001, 999999999999, 6) AS quantity,
           CASE WHEN scale(trim_scale(pg_temp.finite(j ->> 'limit_price'))) <= 4 THEN pg_temp.price(j ->> 'limit_price') END AS limit_price,
           CASE lower(btrim(j ->> 'status'))
               WHEN 'pending' THEN CASE WHEN btrim(j ->> 'order_id') <> '' THEN 'placed' ELSE 'sending' END
               WHEN 'filled' THEN 'filled' WHEN 'cancelled' THEN 'cancelled' WHEN 'canceled' THEN 'cancelled' WHEN 'rejected' THEN 'rejected'
           END AS status,
           pg_temp.time_of(j ->> 'created_at', j ->> 'updated_at') AS created_at,
           pg_temp.time_of(j ->> 'updated_at', j ->> 'created_at') AS updated_at
    FROM pg_temp.old_trade_orders
    LEFT JOIN pg_temp.label ON label.label = j ->> 'week_id'
    OFFSET 0
) AS old
LEFT JOIN LATERAL (
    SELECT pitch_id, direction, conviction
    FROM (
        SELECT 1 AS place, pitch.id AS pitch_id, pitch.direction::text, pitch.conviction::numeric, pitch.created_at
        FROM pm_pitches AS pitch
        WHERE pitch.week_id = old.week AND pitch.account = old.account AND pitch.instrument = old.symbol
        UNION ALL
        SELECT 2, NULL, decision_data #>> '{selected_trade,direction}', (decision_data ->> 'conviction')::numeric, decision.created_at
        FROM chairman_decisions AS decision
        WHERE decision.week_id = old.week AND decision_data ->> 'account' = old.account
          AND decision_data #>> '{selected_trade,instrument}' = old.symbol
    ) AS found
    WHERE direction = 'LONG' AND conviction > 0 OR direction = 'SHORT' AND conviction < 0
    ORDER BY place, created_at DESC, pitch_id
    LIMIT 1
) AS view ON true
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN week IS NULL THEN 'week_unknown' WHEN account IS NULL THEN 'account_form' WHEN symbol IS NULL THEN 'symbol_form'
        WHEN side IS NULL THEN 'side_unknown' WHEN quantity IS NULL THEN 'quantity_form'
        WHEN limit_price IS NULL AND j ->> 'limit_price' IS NOT NULL THEN 'price_form' WHEN status IS NULL THEN 'status_unknown'
        WHEN status = 'filled' AND COALESCE(btrim(j ->> 'order_id'), '') = '' THEN 'not_at_broker'
        WHEN view.direction IS NULL THEN 'no_trade'
        WHEN (view.direction = 'LONG') <> (side = 'buy') THEN 'side_differs'
    END AS code
) AS judged;
SELECT pg_temp.supersede('trade_orders', 'COALESCE(broker_order_id, key)', 'updated_at DESC, n');

-- One trade for all orders of an account for an instrument in a week; its id is made of these.
CREATE TEMP TABLE old_trades ON COMMIT DROP AS
SELECT row_number() OVER (ORDER BY week_id, account, symbol) AS n, week_id || '/' || account || '/' || symbol AS key, NULL::jsonb AS j, 'trades' AS origin,
       week_id, account, symbol
FROM pg_temp.new_trade_orders WHERE code IS NULL
GROUP BY week_id, account, symbol;
CREATE TEMP TABLE new_trades ON COMMIT DROP AS
SELECT DISTINCT ON (trade.n) trade.n, trade.key, NULL::uuid AS id, trade.week_id, trade.account, trade.symbol, pitch_id, direction, quantity, conviction,
       CASE
           WHEN bool_or(status = 'filled') OVER trade THEN 'executed' WHEN bool_or(status IN ('sending', 'placed')) OVER trade THEN 'executing'
           WHEN bool_or(status = 'cancelled') OVER trade THEN 'cancelled' ELSE 'failed'
       END AS status,
       created_at, max(updated_at) OVER trade AS updated_at, NULL::text AS code, NULL::text AS reason
FROM pg_temp.new_trade_orders AS new
JOIN pg_temp.old_trades AS trade USING (week_id, account, symbol)
WHERE new.code IS NULL
WINDOW trade AS (PARTITION BY trade.n)
ORDER BY trade.n, created_at, new.key;
