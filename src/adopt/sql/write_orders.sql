-- Writes trades and their orders.
UPDATE pg_temp.new_trade_orders AS new SET id = made.id FROM pg_temp.made_id AS made WHERE made.wanted = 'trade_orders' AND made.n = new.n;
SELECT pg_temp.put('trades', 'id, week_id, account, pitch_id, symbol, direction, quantity, conviction, status, created_at, updated_at') AS told, repeat(' ', 8192) AS flush;
UPDATE pg_temp.new_trade_orders AS new
SET code = 'no_trade', reason = 'the database refuses its trade'
WHERE code IS NULL AND NOT EXISTS (SELECT FROM trades WHERE trades.id = new.trade_id);
SELECT pg_temp.put('trade_orders', 'id, trade_id, attempt, side, quantity, limit_price, status, broker_order_id, created_at, updated_at') AS told, repeat(' ', 8192) AS flush;
SELECT pg_temp.settle('trade_orders');
SELECT pg_temp.map_ids('trade_orders');
