-- Each transfer rewrites two of few rows, and no index holds a balance: with room on its page for new versions of a row, the
-- primary key is left alone. It is for pages filled from now on.

ALTER TABLE accounts SET (fillfactor = 50);
