-- The vocabulary of the desk: one domain per kind of key, so that a parameter of a statement knows which kind it wants.
-- No domain says NOT NULL: statements are described with NULL parameters, and a column says it better.

-- Keys and names -----------------------------------------------------------------------------------------------------

CREATE DOMAIN symbol AS text COLLATE "C"
    CONSTRAINT symbol_form CHECK (VALUE ~ '^[A-Z][A-Z0-9.-]{0,9}$' AND VALUE NOT IN ('FLAT', 'NONE'));
COMMENT ON DOMAIN symbol IS 'Ticker of a listed instrument, such as SPY or BRK.B.';

CREATE DOMAIN instrument AS text COLLATE "C"
    CONSTRAINT instrument_form CHECK (VALUE ~ '^[A-Z][A-Z0-9.-]{0,9}$');
COMMENT ON DOMAIN instrument IS 'What a pitch or a decision is about: a symbol, or FLAT for no position.';

CREATE DOMAIN account AS text COLLATE "C"
    CONSTRAINT account_form CHECK (VALUE ~ '^[A-Z][A-Z0-9_]{0,19}$');
COMMENT ON DOMAIN account IS 'Paper trading account, such as CHATGPT or COUNCIL.';

CREATE DOMAIN model AS text COLLATE "C"
    CONSTRAINT model_form CHECK (VALUE ~ '^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$');
COMMENT ON DOMAIN model IS 'Language model, by the key or the full name the desk uses, such as chatgpt or openai/gpt-5.1.';

CREATE DOMAIN pitch_label AS text COLLATE "C"
    CONSTRAINT pitch_label_form CHECK (VALUE ~ '^Pitch [A-Z]$');
COMMENT ON DOMAIN pitch_label IS 'Name of a pitch in an anonymous review round: Pitch A to Pitch Z.';

CREATE DOMAIN event_type AS text COLLATE "C"
    CONSTRAINT event_type_form CHECK (VALUE ~ '^[A-Za-z][A-Za-z0-9_]{0,49}$');
COMMENT ON DOMAIN event_type IS 'Kind of an execution event, such as ENTRY, EXIT or order_placed.';

CREATE DOMAIN condition_type AS text
    CONSTRAINT condition_type_form CHECK (length(VALUE) BETWEEN 1 AND 50 AND VALUE = btrim(VALUE));
COMMENT ON DOMAIN condition_type IS 'Dimension by which market conditions are told apart, such as volatility.';

CREATE DOMAIN condition_value AS text
    CONSTRAINT condition_value_form CHECK (length(VALUE) BETWEEN 1 AND 50 AND VALUE = btrim(VALUE));
COMMENT ON DOMAIN condition_value IS 'One value of a market condition, such as high.';

CREATE DOMAIN email AS text
    CONSTRAINT email_form CHECK (length(VALUE) <= 254 AND VALUE ~ '^[^@\s]+@[^@\s]+$');
COMMENT ON DOMAIN email IS 'E-mail address.';

CREATE DOMAIN user_name AS text
    CONSTRAINT user_name_form CHECK (length(VALUE) BETWEEN 1 AND 100 AND VALUE = btrim(VALUE));
COMMENT ON DOMAIN user_name IS 'Display name of a user.';

CREATE DOMAIN week_id AS date
    CONSTRAINT week_id_is_wednesday CHECK (extract(isodow FROM VALUE) = 3);
COMMENT ON DOMAIN week_id IS 'A trading week, named by the Wednesday it starts on.';

-- Identifiers: UUIDv7, made by the application -----------------------------------------------------------------------

CREATE DOMAIN pitch_id AS uuid;
COMMENT ON DOMAIN pitch_id IS 'Identifies a row of pm_pitches.';
CREATE DOMAIN review_id AS uuid;
COMMENT ON DOMAIN review_id IS 'Identifies a row of peer_reviews.';
CREATE DOMAIN decision_id AS uuid;
COMMENT ON DOMAIN decision_id IS 'Identifies a row of chairman_decisions.';
CREATE DOMAIN report_id AS uuid;
COMMENT ON DOMAIN report_id IS 'Identifies a row of research_reports.';
CREATE DOMAIN event_id AS uuid;
COMMENT ON DOMAIN event_id IS 'Identifies a row of execution_events; made from the caller''s key, so that a repeated append adds nothing.';
CREATE DOMAIN user_id AS uuid;
COMMENT ON DOMAIN user_id IS 'Identifies a row of users.';
CREATE DOMAIN account_id AS uuid;
COMMENT ON DOMAIN account_id IS 'Identifies a row of accounts.';
CREATE DOMAIN log_id AS uuid;
COMMENT ON DOMAIN log_id IS 'Identifies a row of logs.';
CREATE DOMAIN fetch_id AS uuid;
COMMENT ON DOMAIN fetch_id IS 'Identifies a row of fetch_log.';
CREATE DOMAIN performance_id AS uuid;
COMMENT ON DOMAIN performance_id IS 'Identifies a row of account_performance.';
CREATE DOMAIN condition_performance_id AS uuid;
COMMENT ON DOMAIN condition_performance_id IS 'Identifies a row of market_condition_performance.';

-- Closed sets --------------------------------------------------------------------------------------------------------
-- Checked text, not enums: a value can be added in one migration without a rewrite, and a generated column may have it.

CREATE DOMAIN direction AS text COLLATE "C"
    CONSTRAINT direction_known CHECK (VALUE IN ('LONG', 'SHORT', 'FLAT'));
COMMENT ON DOMAIN direction IS 'Side of a trade.';

CREATE DOMAIN provider AS text COLLATE "C"
    CONSTRAINT provider_known CHECK (VALUE IN ('perplexity', 'gemini'));
COMMENT ON DOMAIN provider IS 'Source of a research report.';

CREATE DOMAIN report_status AS text COLLATE "C"
    CONSTRAINT report_status_known CHECK (VALUE IN ('pending', 'complete', 'error'));
COMMENT ON DOMAIN report_status IS 'State of a research report.';

CREATE DOMAIN log_level AS text COLLATE "C"
    CONSTRAINT log_level_known CHECK (VALUE IN ('DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'));
COMMENT ON DOMAIN log_level IS 'Severity of a log entry.';

CREATE DOMAIN fetch_type AS text COLLATE "C"
    CONSTRAINT fetch_type_known CHECK (VALUE IN ('daily', 'hourly'));
COMMENT ON DOMAIN fetch_type IS 'What a fetch was after: daily bars or hourly snapshots.';

CREATE DOMAIN fetch_status AS text COLLATE "C"
    CONSTRAINT fetch_status_known CHECK (VALUE IN ('success', 'error'));
COMMENT ON DOMAIN fetch_status IS 'How a fetch ended.';

-- Numbers ------------------------------------------------------------------------------------------------------------
-- NaN is greater than infinity for PostgreSQL, so an upper bound keeps both out.

CREATE DOMAIN price AS numeric(12, 4)
    CONSTRAINT price_not_negative CHECK (VALUE >= 0 AND VALUE < 'Infinity');
COMMENT ON DOMAIN price IS 'Price of one share in US dollars, four decimals, zero or more.';

CREATE DOMAIN amount AS numeric(14, 2)
    CONSTRAINT amount_positive CHECK (VALUE > 0 AND VALUE < 'Infinity');
COMMENT ON DOMAIN amount IS 'A positive amount of money in US dollars and cents.';

CREATE DOMAIN conviction AS numeric(4, 2)
    CONSTRAINT conviction_range CHECK (VALUE BETWEEN -2 AND 2);
COMMENT ON DOMAIN conviction IS 'Strength of a view from -2 (short) to 2 (long); 0 is flat.';

CREATE DOMAIN weeks AS integer
    CONSTRAINT weeks_positive CHECK (VALUE BETWEEN 1 AND 5200);
COMMENT ON DOMAIN weeks IS 'A number of weeks.';

CREATE DOMAIN balance AS numeric(14, 2)
    CONSTRAINT balance_not_negative CHECK (VALUE >= 0 AND VALUE < 'Infinity');
COMMENT ON DOMAIN balance IS 'Cash in US dollars and cents; never negative.';

CREATE DOMAIN usd AS numeric(12, 2)
    CONSTRAINT usd_finite CHECK (VALUE < 'Infinity');
COMMENT ON DOMAIN usd IS 'An amount of money in US dollars and cents, of any sign.';

CREATE DOMAIN volume AS bigint
    CONSTRAINT volume_not_negative CHECK (VALUE >= 0);
COMMENT ON DOMAIN volume IS 'Number of shares traded.';

CREATE DOMAIN log_return AS numeric(12, 8)
    CONSTRAINT log_return_finite CHECK (VALUE < 'Infinity');
COMMENT ON DOMAIN log_return IS 'Natural logarithm of a price ratio.';

CREATE DOMAIN correlation AS numeric(12, 8)
    CONSTRAINT correlation_range CHECK (VALUE BETWEEN -1 AND 1);
COMMENT ON DOMAIN correlation IS 'Correlation coefficient.';

CREATE DOMAIN ratio AS numeric(12, 6)
    CONSTRAINT ratio_finite CHECK (VALUE < 'Infinity');
COMMENT ON DOMAIN ratio IS 'A return or a statistic of returns as a fraction: 0.01 is one per cent.';

CREATE DOMAIN share AS numeric(5, 4)
    CONSTRAINT share_range CHECK (VALUE BETWEEN 0 AND 1);
COMMENT ON DOMAIN share IS 'A part of a whole, 0 to 1.';
