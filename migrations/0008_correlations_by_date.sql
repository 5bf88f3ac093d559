-- Correlations are read and replaced by date, a matrix at a time: with the date first, one index serves the key and the reads,
-- and a new date is appended at its end. Returns are looked for by symbol only.

ALTER TABLE correlation_matrix
    DROP CONSTRAINT correlation_matrix_pkey,
    ADD CONSTRAINT correlation_matrix_pkey PRIMARY KEY (date, symbol_1, symbol_2);
DROP INDEX correlation_matrix_date_idx;
DROP INDEX rolling_7day_log_returns_date_idx;
