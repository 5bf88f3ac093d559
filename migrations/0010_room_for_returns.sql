-- When prices are restated for a split or a dividend, all returns of a symbol change, if only in their last decimals. With some room
-- on each page for new versions of its rows, the primary key is left alone then, and the pages are used again by the next time.
-- It is for pages filled from now on.

ALTER TABLE daily_log_returns SET (fillfactor = 80);
ALTER TABLE rolling_7day_log_returns SET (fillfactor = 80);
