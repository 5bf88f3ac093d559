-- Market data and what is computed from it.

CREATE TABLE daily_bars (
    symbol      symbol      NOT NULL,
    date        date        NOT NULL,
    open        price,
    high        price,
    low         price,
    close       price,
    volume      volume,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT daily_bars_pkey PRIMARY KEY (symbol, date),
    CONSTRAINT daily_bars_high_low CHECK (high >= low)
);
CREATE INDEX daily_bars_date_idx ON daily_bars (date);
COMMENT ON TABLE daily_bars IS 'One trading day of one symbol.';
COMMENT ON COLUMN daily_bars.symbol IS 'Ticker.';
COMMENT ON COLUMN daily_bars.date IS 'Trading day at the exchange.';
COMMENT ON COLUMN daily_bars.open IS 'First price of the day; NULL if the source had none.';
COMMENT ON COLUMN daily_bars.high IS 'Highest price of the day.';
COMMENT ON COLUMN daily_bars.low IS 'Lowest price of the day.';
COMMENT ON COLUMN daily_bars.close IS 'Last price of the day; a zero or NULL yields no return.';
COMMENT ON COLUMN daily_bars.volume IS 'Shares traded.';
COMMENT ON COLUMN daily_bars.created_at IS 'When the bar was first stored.';
COMMENT ON COLUMN daily_bars.updated_at IS 'When the bar was last changed.';

CREATE TABLE hourly_snapshots (
    symbol      symbol      NOT NULL,
    timestamp   timestamptz NOT NULL,
    date        date        NOT NULL,
    hour        integer     NOT NULL,
    price       price,
    volume      volume,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT hourly_snapshots_pkey PRIMARY KEY (symbol, timestamp),
    CONSTRAINT hourly_snapshots_hour_of_day CHECK (hour BETWEEN 0 AND 23)
);
COMMENT ON TABLE hourly_snapshots IS 'Price of a symbol during a trading day.';
COMMENT ON COLUMN hourly_snapshots.symbol IS 'Ticker.';
COMMENT ON COLUMN hourly_snapshots.timestamp IS 'Instant the price was taken.';
COMMENT ON COLUMN hourly_snapshots.date IS 'Trading day at the exchange.';
COMMENT ON COLUMN hourly_snapshots.hour IS 'Hour of that day at the exchange, 0 to 23.';
COMMENT ON COLUMN hourly_snapshots.price IS 'Last price; NULL if the source had none.';
COMMENT ON COLUMN hourly_snapshots.volume IS 'Shares traded in the hour.';
COMMENT ON COLUMN hourly_snapshots.created_at IS 'When the row was stored.';

CREATE TABLE fetch_log (
    id            fetch_id     NOT NULL,
    fetch_type    fetch_type   NOT NULL,
    symbol        symbol,
    status        fetch_status NOT NULL,
    error_message text,
    timestamp     timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT fetch_log_pkey PRIMARY KEY (id),
    CONSTRAINT fetch_log_error_has_message CHECK ((status = 'error') = (error_message IS NOT NULL))
);
CREATE INDEX fetch_log_timestamp_idx ON fetch_log (timestamp DESC, id DESC);
COMMENT ON TABLE fetch_log IS 'Attempts to fetch market data.';
COMMENT ON COLUMN fetch_log.id IS 'Made by the application.';
COMMENT ON COLUMN fetch_log.fetch_type IS 'What was fetched.';
COMMENT ON COLUMN fetch_log.symbol IS 'Ticker; NULL if the fetch was for all symbols.';
COMMENT ON COLUMN fetch_log.status IS 'How it ended.';
COMMENT ON COLUMN fetch_log.error_message IS 'Why it failed; NULL exactly if it succeeded.';
COMMENT ON COLUMN fetch_log.timestamp IS 'When it ended.';

CREATE TABLE daily_log_returns (
    symbol      symbol      NOT NULL,
    date        date        NOT NULL,
    log_return  log_return  NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT daily_log_returns_pkey PRIMARY KEY (symbol, date)
);
COMMENT ON TABLE daily_log_returns IS 'ln(close / close of the previous bar) of a symbol.';
COMMENT ON COLUMN daily_log_returns.symbol IS 'Ticker.';
COMMENT ON COLUMN daily_log_returns.date IS 'Day of the later bar.';
COMMENT ON COLUMN daily_log_returns.log_return IS 'Natural logarithm of the price ratio.';
COMMENT ON COLUMN daily_log_returns.created_at IS 'When the value was stored or last changed.';

CREATE TABLE rolling_7day_log_returns (
    symbol         symbol      NOT NULL,
    date           date        NOT NULL,
    log_return_7d  log_return  NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT rolling_7day_log_returns_pkey PRIMARY KEY (symbol, date)
);
CREATE INDEX rolling_7day_log_returns_date_idx ON rolling_7day_log_returns (date);
COMMENT ON TABLE rolling_7day_log_returns IS 'ln(close / close seven bars before) of a symbol.';
COMMENT ON COLUMN rolling_7day_log_returns.symbol IS 'Ticker.';
COMMENT ON COLUMN rolling_7day_log_returns.date IS 'Day of the later bar.';
COMMENT ON COLUMN rolling_7day_log_returns.log_return_7d IS 'Natural logarithm of the price ratio over seven bars, whatever days they fall on.';
COMMENT ON COLUMN rolling_7day_log_returns.created_at IS 'When the value was stored or last changed.';

CREATE TABLE correlation_matrix (
    symbol_1     symbol      NOT NULL,
    symbol_2     symbol      NOT NULL,
    date         date        NOT NULL,
    correlation  correlation,
    window_rows  integer     NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT correlation_matrix_pkey PRIMARY KEY (symbol_1, symbol_2, date),
    CONSTRAINT correlation_matrix_window CHECK (window_rows >= 2)
);
CREATE INDEX correlation_matrix_date_idx ON correlation_matrix (date);
COMMENT ON TABLE correlation_matrix IS 'Pearson correlation of seven-bar log returns of every ordered pair of symbols.';
COMMENT ON COLUMN correlation_matrix.symbol_1 IS 'First ticker of the pair.';
COMMENT ON COLUMN correlation_matrix.symbol_2 IS 'Second ticker of the pair; equal to the first on the diagonal.';
COMMENT ON COLUMN correlation_matrix.date IS 'Last day of the window.';
COMMENT ON COLUMN correlation_matrix.correlation IS 'Coefficient; NULL for a constant series or fewer than two common observations.';
COMMENT ON COLUMN correlation_matrix.window_rows IS 'Length of the window in dates on which any symbol has a return.';
COMMENT ON COLUMN correlation_matrix.created_at IS 'When the value was stored or last changed.';
