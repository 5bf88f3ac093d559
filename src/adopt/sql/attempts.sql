-- Gives trades their ids, and orders their trades. Of a trade that is there from a run before, the next attempts are counted.
UPDATE pg_temp.new_trades AS new SET id = made.id FROM pg_temp.made_id AS made WHERE made.wanted = 'trades' AND made.n = new.n;
UPDATE pg_temp.new_trades AS new SET code = 'adopted_before' WHERE EXISTS (SELECT FROM trades WHERE trades.id = new.id);
UPDATE pg_temp.new_trade_orders AS new
SET trade_id = counted.trade_id, attempt = counted.attempt
FROM (
    SELECT o.n, trade.id AS trade_id,
           row_number() OVER (PARTITION BY trade.id ORDER BY o.created_at, o.key)
               + COALESCE((SELECT max(attempt) FROM trade_orders AS before WHERE before.trade_id = trade.id), 0) AS attempt
    FROM pg_temp.new_trade_orders AS o JOIN pg_temp.new_trades AS trade USING (week_id, account, symbol)
    WHERE o.code IS NULL
) AS counted
WHERE counted.n = new.n;
