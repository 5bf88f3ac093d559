-- Limits and settings that hold for this transaction alone, whatever the role or the database have.
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL lock_timeout = '5s';
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'UTC';
SET LOCAL standard_conforming_strings = on;
SET LOCAL quote_all_identifiers = off;
-- Every digit of a float.
SET LOCAL extra_float_digits = 1;
-- An error rather than rows that a policy hides.
SET LOCAL row_security = off;
