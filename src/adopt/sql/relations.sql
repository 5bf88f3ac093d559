-- What old_tables.sql finds, to be looked at again after the tables have moved.
CREATE TEMP TABLE relation ON COMMIT DROP AS
