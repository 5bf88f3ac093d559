-- Events of the accounts and how they did.

-- By how much an instant is off that is New York's time taken for UTC; nothing if it is not.
CREATE FUNCTION pg_temp.clock_skew(later interval) RETURNS interval
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN later BETWEEN interval '3 h 59 min' AND interval '4 h 1 min' THEN interval '4 h'
        WHEN later BETWEEN interval '4 h 59 min' AND interval '5 h 1 min' THEN interval '5 h'
        ELSE interval '0'
    END
$$;

CREATE TEMP TABLE new_execution_events ON COMMIT DROP AS
SELECT n, key, week AS week_id, account, d2 AS event_data, occurred_at, created_at, event_type, pg_temp.uuid(j ->> 'id') AS old_id,
       NULL::uuid AS id,
       CASE
           WHEN week IS NULL THEN 'week_unknown' WHEN account IS NULL AND j ->> 'account' IS NULL THEN 'no_account'
           WHEN account IS NULL THEN 'account_form' WHEN problem IS NOT NULL THEN 'document_form'
           WHEN event_type IS NULL THEN 'event_type_form' WHEN occurred_at IS NULL THEN 'time_unknown'
       END AS code,
       CASE
           WHEN week IS NULL THEN 'week_id' WHEN account IS NULL THEN 'account' WHEN problem IS NOT NULL THEN 'event_data'
           WHEN event_type IS NULL THEN 'event_type' WHEN occurred_at IS NULL THEN 'occurred_at'
       END AS field,
       CASE
           WHEN week IS NULL THEN 'the label names no week' WHEN account IS NULL AND j ->> 'account' IS NULL THEN 'it is of no account'
           WHEN account IS NULL THEN 'no name of an account' WHEN problem IS NOT NULL THEN problem
           WHEN event_type IS NULL THEN 'there is no type' WHEN occurred_at IS NULL THEN 'no instant in the years 1 to 9999'
       END AS reason,
       NULL::bigint AS winner,
       ARRAY[
           pg_temp.change_of(rule, 'week_id', j ->> 'week_id', week::text),
           pg_temp.change_of('case_changed', 'account', j ->> 'account', account),
           pg_temp.encoding_change('event_data', j -> 'event_data'),
           pg_temp.change_of('event_renamed', 'event_type', j ->> 'event_type', event_type),
           CASE WHEN d1 IS DISTINCT FROM document THEN
               ROW('event_type_differs', 'event_data.event_type', document ->> 'event_type', event_type)::pg_temp.change END,
           CASE WHEN occurred_at <> read_as THEN ROW('clock_repaired', 'occurred_at', j ->> 'occurred_at', occurred_at::text)::pg_temp.change
                WHEN pg_temp.is_naive(j ->> 'occurred_at') THEN
               pg_temp.change_of('instant_taken_as_utc', 'occurred_at', j ->> 'occurred_at', occurred_at::text) END,
           CASE WHEN j ? 'created_at' THEN pg_temp.time_change('created_at', j ->> 'created_at', created_at) END
       ] AS changes
FROM (
    SELECT n, key, j, label.week, label.rule, pg_temp.account(j ->> 'account') AS account, document, pg_temp.no_document(document) AS problem,
           read_as, CASE WHEN current_setting('adopt.repair_clock') = 'yes' THEN read_as - pg_temp.clock_skew(read_as - created_at) ELSE read_as END AS occurred_at,
           created_at, event_type, d1, pg_temp.with_text(d1, 'event_type', event_type) AS d2
    FROM (
        SELECT *, pg_temp.document(j -> 'event_data') AS document, pg_temp.instant(j ->> 'occurred_at') AS read_as,
               pg_temp.time_of(j ->> 'created_at', j ->> 'occurred_at') AS created_at,
               CASE
                   -- Only this program has events about events.
                   WHEN btrim(j ->> 'event_type') IN ('VOID', 'CORRECTION') THEN 'legacy_' || btrim(j ->> 'event_type')
                   WHEN btrim(j ->> 'event_type') COLLATE "C" ~ '^[A-Za-z][A-Za-z0-9_]{0,49}$' THEN btrim(j ->> 'event_type')
                   WHEN btrim(j ->> 'event_type') <> '' THEN left('legacy_' || regexp_replace(btrim(j ->> 'event_type'), '[^A-Za-z0-9_]', '_', 'g'), 50)
               END AS event_type
        FROM pg_temp.old_execution_events
        OFFSET 0
    ) AS old
    LEFT JOIN pg_temp.label ON label.label = j ->> 'week_id'
    CROSS JOIN LATERAL (
        -- Another type inside is kept beside the one that counts.
        SELECT CASE
            WHEN jsonb_typeof(document) = 'object' AND document ? 'event_type' AND document -> 'event_type' IS DISTINCT FROM to_jsonb(j ->> 'event_type')
            THEN document || jsonb_build_object('legacy_event_type', document -> 'event_type') ELSE document
        END AS d1
    ) AS one
    OFFSET 0
) AS read;
INSERT INTO pg_temp.note
SELECT 'execution_events', note, 'occurred_at', count(*)
FROM (
    SELECT CASE
               WHEN pg_temp.clock_skew(occurred_at - created_at) <> interval '0' THEN 'clock_skew'
               WHEN occurred_at > created_at + interval '1 min' THEN 'occurred_after_stored'
           END AS note
    FROM pg_temp.new_execution_events
    WHERE code IS NULL
) AS noted
WHERE note IS NOT NULL
GROUP BY note;

CREATE TEMP TABLE new_weekly_performance ON COMMIT DROP AS
SELECT n, key, account, week AS week_id, week AS week_start, week + 6 AS week_end, weekly_return, weekly_volatility, instrument, direction,
       entry_conviction, exit_conviction, entry_price, exit_price, position_size, realized_pnl, fees, net_pnl,
       j ->> 'entry_reason' AS entry_reason, j ->> 'exit_reason' AS exit_reason, COALESCE(pg_temp.yes(j ->> 'panic_exit'), false) AS panic_exit,
       j ->> 'market_regime' AS market_regime, calculated_at, created_at, updated_at, pg_temp.number(j ->> 'id') AS old_id,
       CASE
           WHEN account IS NULL THEN 'account_form' WHEN week IS NULL THEN 'week_unknown' WHEN money IS NOT NULL THEN 'money_form'
           WHEN instrument IS NULL AND j ->> 'instrument' <> '' THEN 'symbol_form' WHEN direction IS NULL AND j ->> 'direction' <> '' THEN 'direction_unknown'
       END AS code,
       CASE
           WHEN account IS NULL THEN 'account' WHEN week IS NULL THEN 'week_id' WHEN money IS NOT NULL THEN money
           WHEN instrument IS NULL AND j ->> 'instrument' <> '' THEN 'instrument' WHEN direction IS NULL AND j ->> 'direction' <> '' THEN 'direction'
       END AS field,
       CASE
           WHEN account IS NULL THEN 'no name of an account' WHEN week IS NULL THEN 'the label names no week'
           WHEN money IS NOT NULL THEN 'no amount in whole cents'
           WHEN instrument IS NULL AND j ->> 'instrument' <> '' THEN 'neither a ticker nor FLAT' ELSE 'neither LONG, SHORT nor FLAT'
       END AS reason,
       NULL::bigint AS winner,
       ARRAY[
           pg_temp.change_of('case_changed', 'account', j ->> 'account', account),
           pg_temp.change_of(rule, 'week_id', j ->> 'week_id', week::text),
           CASE WHEN (pg_temp.day(j ->> 'week_start'), pg_temp.day(j ->> 'week_end')) IS DISTINCT FROM (week, week + 6) THEN
               ROW('week_span', 'week_start,week_end', concat_ws(',', j ->> 'week_start', j ->> 'week_end'), week || ',' || week + 6)::pg_temp.change END,
           pg_temp.change_of('value_dropped', 'weekly_return', j ->> 'weekly_return', weekly_return),
           pg_temp.change_of('value_dropped', 'weekly_volatility', j ->> 'weekly_volatility', weekly_volatility),
           pg_temp.change_of('case_changed', 'instrument', j ->> 'instrument', instrument),
           pg_temp.change_of('case_changed', 'direction', j ->> 'direction', direction),
           pg_temp.change_of('value_dropped', 'entry_conviction', j ->> 'entry_conviction', entry_conviction),
           pg_temp.change_of('value_dropped', 'exit_conviction', j ->> 'exit_conviction', exit_conviction),
           pg_temp.change_of('value_dropped', 'entry_price', j ->> 'entry_price', entry_price),
           pg_temp.change_of('value_dropped', 'exit_price', j ->> 'exit_price', exit_price),
           pg_temp.change_of('value_dropped', 'position_size', j ->> 'position_size', position_size::numeric),
           pg_temp.change_of('value_made', 'panic_exit', pg_temp.yes(j ->> 'panic_exit')::text, COALESCE(pg_temp.yes(j ->> 'panic_exit'), false)::text),
           pg_temp.time_change('calculated_at', j ->> 'calculated_at', calculated_at),
           pg_temp.time_change('created_at', j ->> 'created_at', created_at),
           pg_temp.time_change('updated_at', j ->> 'updated_at', updated_at)
       ] AS changes
FROM (
    SELECT n, key, j, label.week, label.rule, pg_temp.account(j ->> 'account') AS account, pg_temp.ratio(j ->> 'weekly_return') AS weekly_return,
           pg_temp.ratio(j ->> 'weekly_volatility') AS weekly_volatility, pg_temp.instrument(j ->> 'instrument') AS instrument,
           CASE WHEN upper(btrim(j ->> 'direction')) IN ('LONG', 'SHORT', 'FLAT') THEN upper(btrim(j ->> 'direction')) END AS direction,
           pg_temp.conviction(j ->> 'entry_conviction') AS entry_conviction, pg_temp.conviction(j ->> 'exit_conviction') AS exit_conviction,
           pg_temp.price(j ->> 'entry_price') AS entry_price, pg_temp.price(j ->> 'exit_price') AS exit_price,
           pg_temp.whole(j ->> 'position_size', -2147483648, 2147483647)::integer AS position_size,
           pg_temp.cents(j ->> 'realized_pnl', 9999999999.99) AS realized_pnl, pg_temp.cents(j ->> 'fees', 9999999999.99) AS fees,
           pg_temp.cents(j ->> 'net_pnl', 9999999999.99) AS net_pnl,
           (SELECT min(name) FROM unnest('{realized_pnl,fees,net_pnl}'::text[]) AS name
            WHERE j ->> name IS NOT NULL AND pg_temp.cents(j ->> name, 9999999999.99) IS NULL) AS money,
           pg_temp.time_of(j ->> 'calculated_at', j ->> 'updated_at', j ->> 'created_at') AS calculated_at,
           pg_temp.time_of(j ->> 'created_at', j ->> 'calculated_at') AS created_at,
           pg_temp.time_of(j ->> 'updated_at', j ->> 'created_at', j ->> 'calculated_at') AS updated_at
    FROM pg_temp.old_weekly_performance
    LEFT JOIN pg_temp.label ON label.label = j ->> 'week_id'
    OFFSET 0
) AS old;
SELECT pg_temp.supersede('weekly_performance', 'account, week_id', 'calculated_at DESC, old_id DESC NULLS LAST, n');
SELECT pg_temp.put('weekly_performance', 'account, week_id, week_start, week_end, weekly_return, weekly_volatility, instrument, direction,
    entry_conviction, exit_conviction, entry_price, exit_price, position_size, realized_pnl, fees, net_pnl, entry_reason, exit_reason,
    panic_exit, market_regime, calculated_at, created_at, updated_at') AS told, repeat(' ', 8192) AS flush;
SELECT pg_temp.settle('weekly_performance');

CREATE TEMP TABLE new_account_performance ON COMMIT DROP AS
SELECT n, key, account, weeks_lookback, total_return, sharpe_ratio, max_drawdown, volatility, weeks_traded, profitable_weeks, win_rate,
       avg_conviction, max_conviction, calculated_at, created_at, updated_at, pg_temp.number(j ->> 'id') AS old_id, NULL::uuid AS id,
       CASE
           WHEN account IS NULL THEN 'account_form' WHEN lookback_is_odd THEN 'lookback_range' WHEN total_return IS NULL THEN 'return_form'
           WHEN (profitable_weeks BETWEEN 0 AND weeks_traded) IS NOT TRUE THEN 'weeks_range'
       END AS code,
       CASE
           WHEN account IS NULL THEN 'account' WHEN lookback_is_odd THEN 'weeks_lookback' WHEN total_return IS NULL THEN 'total_return'
           WHEN (profitable_weeks BETWEEN 0 AND weeks_traded) IS NOT TRUE THEN 'profitable_weeks'
       END AS field,
       CASE
           WHEN account IS NULL THEN 'no name of an account' WHEN lookback_is_odd THEN 'no number of weeks from 1 to 5200'
           WHEN total_return IS NULL THEN 'no finite number' ELSE 'more weeks with a profit than weeks traded, or no number of weeks'
       END AS reason,
       NULL::bigint AS winner,
       ARRAY[
           pg_temp.change_of('case_changed', 'account', j ->> 'account', account),
           pg_temp.change_of('value_dropped', 'total_return', j ->> 'total_return', total_return),
           pg_temp.change_of('value_dropped', 'sharpe_ratio', j ->> 'sharpe_ratio', sharpe_ratio),
           pg_temp.change_of('value_dropped', 'max_drawdown', j ->> 'max_drawdown', max_drawdown),
           pg_temp.change_of('value_dropped', 'volatility', j ->> 'volatility', volatility),
           pg_temp.change_of('value_dropped', 'win_rate', j ->> 'win_rate', win_rate),
           pg_temp.change_of('value_dropped', 'avg_conviction', j ->> 'avg_conviction', avg_conviction),
           pg_temp.change_of('value_dropped', 'max_conviction', j ->> 'max_conviction', max_conviction),
           pg_temp.time_change('calculated_at', j ->> 'calculated_at', calculated_at),
           pg_temp.time_change('created_at', j ->> 'created_at', created_at),
           pg_temp.time_change('updated_at', j ->> 'updated_at', updated_at)
       ] AS changes
FROM (
    SELECT n, key, j, pg_temp.account(j ->> 'account') AS account, pg_temp.whole(j ->> 'weeks_lookback', 1, 5200)::integer AS weeks_lookback,
           j ->> 'weeks_lookback' IS NOT NULL AND pg_temp.whole(j ->> 'weeks_lookback', 1, 5200) IS NULL AS lookback_is_odd,
           pg_temp.ratio(j ->> 'total_return') AS total_return, pg_temp.ratio(j ->> 'sharpe_ratio') AS sharpe_ratio,
           pg_temp.within(pg_temp.number(j ->> 'max_drawdown'), -999999.999999, 0, 6) AS max_drawdown,
           pg_temp.within(pg_temp.number(j ->> 'volatility'), 0, 999999.999999, 6) AS volatility,
           pg_temp.whole(COALESCE(j ->> 'weeks_traded', '0'), 0, 2147483647)::integer AS weeks_traded,
           pg_temp.whole(COALESCE(j ->> 'profitable_weeks', '0'), 0, 2147483647)::integer AS profitable_weeks,
           pg_temp.within(pg_temp.number(j ->> 'win_rate'), 0, 1, 4) AS win_rate,
           pg_temp.conviction(j ->> 'avg_conviction') AS avg_conviction, pg_temp.conviction(j ->> 'max_conviction') AS max_conviction,
           pg_temp.time_of(j ->> 'calculated_at', j ->> 'updated_at', j ->> 'created_at') AS calculated_at,
           pg_temp.time_of(j ->> 'created_at', j ->> 'calculated_at') AS created_at,
           pg_temp.time_of(j ->> 'updated_at', j ->> 'created_at', j ->> 'calculated_at') AS updated_at
    FROM pg_temp.old_account_performance
    OFFSET 0
) AS old;
SELECT pg_temp.supersede('account_performance', 'account, weeks_lookback', 'calculated_at DESC, old_id DESC NULLS LAST, n');

CREATE TEMP TABLE new_market_condition_performance ON COMMIT DROP AS
SELECT n, key, condition_type, condition_value, account, weeks_in_condition, avg_return, avg_sharpe, win_rate, weeks_lookback,
       calculated_at, created_at, updated_at, pg_temp.number(j ->> 'id') AS old_id, NULL::uuid AS id,
       CASE
           WHEN account IS NULL THEN 'account_form' WHEN condition_type IS NULL OR condition_value IS NULL THEN 'condition_form'
           WHEN lookback_is_odd THEN 'lookback_range' WHEN weeks_in_condition IS NULL THEN 'weeks_range'
       END AS code,
       CASE
           WHEN account IS NULL THEN 'account' WHEN condition_type IS NULL THEN 'condition_type' WHEN condition_value IS NULL THEN 'condition_value'
           WHEN lookback_is_odd THEN 'weeks_lookback' WHEN weeks_in_condition IS NULL THEN 'weeks_in_condition'
       END AS field,
       CASE
           WHEN account IS NULL THEN 'no name of an account'
           WHEN condition_type IS NULL OR condition_value IS NULL THEN 'no text of one line with at most fifty characters'
           WHEN lookback_is_odd THEN 'no number of weeks from 1 to 5200' ELSE 'no number of weeks'
       END AS reason,
       NULL::bigint AS winner,
       ARRAY[
           pg_temp.change_of('blanks_cut', 'condition_type', j ->> 'condition_type', condition_type),
           pg_temp.change_of('blanks_cut', 'condition_value', j ->> 'condition_value', condition_value),
           pg_temp.change_of('case_changed', 'account', j ->> 'account', account),
           pg_temp.change_of('value_dropped', 'avg_return', j ->> 'avg_return', avg_return),
           pg_temp.change_of('value_dropped', 'avg_sharpe', j ->> 'avg_sharpe', avg_sharpe),
           pg_temp.change_of('value_dropped', 'win_rate', j ->> 'win_rate', win_rate),
           pg_temp.time_change('calculated_at', j ->> 'calculated_at', calculated_at),
           pg_temp.time_change('created_at', j ->> 'created_at', created_at),
           pg_temp.time_change('updated_at', j ->> 'updated_at', updated_at)
       ] AS changes
FROM (
    SELECT n, key, j, pg_temp.account(j ->> 'account') AS account, pg_temp.one_line(j ->> 'condition_type', 50) AS condition_type,
           pg_temp.one_line(j ->> 'condition_value', 50) AS condition_value,
           pg_temp.whole(j ->> 'weeks_lookback', 1, 5200)::integer AS weeks_lookback,
           j ->> 'weeks_lookback' IS NOT NULL AND pg_temp.whole(j ->> 'weeks_lookback', 1, 5200) IS NULL AS lookback_is_odd,
           pg_temp.whole(COALESCE(j ->> 'weeks_in_condition', '0'), 0, 2147483647)::integer AS weeks_in_condition,
           pg_temp.ratio(j ->> 'avg_return') AS avg_return, pg_temp.ratio(j ->> 'avg_sharpe') AS avg_sharpe,
           pg_temp.within(pg_temp.number(j ->> 'win_rate'), 0, 1, 4) AS win_rate,
           pg_temp.time_of(j ->> 'calculated_at', j ->> 'updated_at', j ->> 'created_at') AS calculated_at,
           pg_temp.time_of(j ->> 'created_at', j ->> 'calculated_at') AS created_at,
           pg_temp.time_of(j ->> 'updated_at', j ->> 'created_at', j ->> 'calculated_at') AS updated_at
    FROM pg_temp.old_market_condition_performance
    OFFSET 0
) AS old;
SELECT pg_temp.supersede('market_condition_performance', 'account, condition_type, condition_value, weeks_lookback',
    'calculated_at DESC, old_id DESC NULLS LAST, n');
