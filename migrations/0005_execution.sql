-- What happened in the accounts, and how they did.

CREATE TABLE execution_events (
    id           event_id       NOT NULL,
    week_id      week_id        NOT NULL,
    event_type   event_type     NOT NULL GENERATED ALWAYS AS (event_data ->> 'event_type') STORED,
    account      account        NOT NULL,
    event_data   event_document NOT NULL,
    occurred_at  timestamptz    NOT NULL,
    created_at   timestamptz    NOT NULL DEFAULT now(),
    CONSTRAINT execution_events_pkey PRIMARY KEY (id)
);
CREATE INDEX execution_events_account_idx ON execution_events (account, occurred_at DESC, id DESC);
CREATE INDEX execution_events_week_idx ON execution_events (week_id, occurred_at DESC, id DESC);
CREATE INDEX execution_events_type_idx ON execution_events (event_type, occurred_at DESC, id DESC);
CREATE INDEX execution_events_occurred_idx ON execution_events (occurred_at DESC, id DESC);
COMMENT ON TABLE execution_events IS 'Append-only journal of what happened in the accounts.';
COMMENT ON COLUMN execution_events.id IS 'Made from the caller''s key, so that a repeated append adds nothing.';
COMMENT ON COLUMN execution_events.week_id IS 'Week of the trade.';
COMMENT ON COLUMN execution_events.event_type IS 'Copy of the type in the document.';
COMMENT ON COLUMN execution_events.account IS 'Account it happened in.';
COMMENT ON COLUMN execution_events.event_data IS 'The event as a document.';
COMMENT ON COLUMN execution_events.occurred_at IS 'When it happened.';
COMMENT ON COLUMN execution_events.created_at IS 'When it was stored.';

CREATE TABLE account_performance (
    id                performance_id NOT NULL,
    account           account        NOT NULL,
    weeks_lookback    weeks,
    total_return      ratio          NOT NULL DEFAULT 0,
    sharpe_ratio      ratio,
    max_drawdown      ratio,
    volatility        ratio,
    weeks_traded      integer        NOT NULL DEFAULT 0,
    profitable_weeks  integer        NOT NULL DEFAULT 0,
    win_rate          share,
    avg_conviction    conviction,
    max_conviction    conviction,
    calculated_at     timestamptz    NOT NULL,
    created_at        timestamptz    NOT NULL DEFAULT now(),
    updated_at        timestamptz    NOT NULL DEFAULT now(),
    CONSTRAINT account_performance_pkey PRIMARY KEY (id),
    CONSTRAINT account_performance_account_lookback_key UNIQUE NULLS NOT DISTINCT (account, weeks_lookback),
    CONSTRAINT account_performance_drawdown CHECK (max_drawdown <= 0),
    CONSTRAINT account_performance_volatility CHECK (volatility >= 0),
    CONSTRAINT account_performance_weeks CHECK (profitable_weeks BETWEEN 0 AND weeks_traded)
);
CREATE INDEX account_performance_lookback_idx ON account_performance (weeks_lookback, total_return DESC, account);
COMMENT ON TABLE account_performance IS 'Statistics of an account over its latest weeks, or over all of them.';
COMMENT ON COLUMN account_performance.id IS 'Made by the application.';
COMMENT ON COLUMN account_performance.account IS 'Account measured.';
COMMENT ON COLUMN account_performance.weeks_lookback IS 'Number of weeks looked back; NULL for all time.';
COMMENT ON COLUMN account_performance.total_return IS 'Compounded return as a fraction: 0.01 is one per cent.';
COMMENT ON COLUMN account_performance.sharpe_ratio IS 'Annualised excess return over 4 % a year by volatility; NULL with fewer than two weeks.';
COMMENT ON COLUMN account_performance.max_drawdown IS 'Largest fall from a peak as a negative fraction; the first peak is the starting capital.';
COMMENT ON COLUMN account_performance.volatility IS 'Annualised standard deviation of weekly returns; NULL with fewer than two weeks.';
COMMENT ON COLUMN account_performance.weeks_traded IS 'Weeks with an entry.';
COMMENT ON COLUMN account_performance.profitable_weeks IS 'Weeks with a positive return.';
COMMENT ON COLUMN account_performance.win_rate IS 'profitable_weeks by weeks_traded; NULL without weeks.';
COMMENT ON COLUMN account_performance.avg_conviction IS 'Mean conviction of the entries.';
COMMENT ON COLUMN account_performance.max_conviction IS 'Conviction of the largest magnitude, with its sign.';
COMMENT ON COLUMN account_performance.calculated_at IS 'Instant the statistics are of.';
COMMENT ON COLUMN account_performance.created_at IS 'When the row was first stored.';
COMMENT ON COLUMN account_performance.updated_at IS 'When the row was last changed.';

CREATE TABLE weekly_performance (
    account            account        NOT NULL,
    week_id            week_id        NOT NULL,
    week_start         date           NOT NULL,
    week_end           date           NOT NULL,
    weekly_return      ratio,
    weekly_volatility  ratio,
    instrument         instrument,
    direction          direction,
    entry_conviction   conviction,
    exit_conviction    conviction,
    entry_price        price,
    exit_price         price,
    position_size      integer,
    realized_pnl       usd,
    fees               usd,
    net_pnl            usd,
    entry_reason       text,
    exit_reason        text,
    panic_exit         boolean        NOT NULL DEFAULT false,
    market_regime      text,
    calculated_at      timestamptz    NOT NULL,
    created_at         timestamptz    NOT NULL DEFAULT now(),
    updated_at         timestamptz    NOT NULL DEFAULT now(),
    CONSTRAINT weekly_performance_pkey PRIMARY KEY (account, week_id),
    CONSTRAINT weekly_performance_dates CHECK (week_end >= week_start)
);
CREATE INDEX weekly_performance_week_idx ON weekly_performance (week_id, account);
COMMENT ON TABLE weekly_performance IS 'The week of an account: its trade and the result.';
COMMENT ON COLUMN weekly_performance.account IS 'Account.';
COMMENT ON COLUMN weekly_performance.week_id IS 'Week.';
COMMENT ON COLUMN weekly_performance.week_start IS 'First day of the week, the Wednesday.';
COMMENT ON COLUMN weekly_performance.week_end IS 'Last day of the week, the Tuesday.';
COMMENT ON COLUMN weekly_performance.weekly_return IS 'Return as a fraction: 0.01 is one per cent.';
COMMENT ON COLUMN weekly_performance.weekly_volatility IS 'Annualised standard deviation of daily returns within the week, where known.';
COMMENT ON COLUMN weekly_performance.instrument IS 'What was traded.';
COMMENT ON COLUMN weekly_performance.direction IS 'Side of the trade.';
COMMENT ON COLUMN weekly_performance.entry_conviction IS 'Conviction at the entry.';
COMMENT ON COLUMN weekly_performance.exit_conviction IS 'Conviction at the exit, where known.';
COMMENT ON COLUMN weekly_performance.entry_price IS 'Price at the entry.';
COMMENT ON COLUMN weekly_performance.exit_price IS 'Price at the exit; NULL while the position is open.';
COMMENT ON COLUMN weekly_performance.position_size IS 'Shares; negative for a short position.';
COMMENT ON COLUMN weekly_performance.realized_pnl IS 'Profit or loss before fees, in US dollars.';
COMMENT ON COLUMN weekly_performance.fees IS 'Fees, in US dollars.';
COMMENT ON COLUMN weekly_performance.net_pnl IS 'Profit or loss after fees, in US dollars.';
COMMENT ON COLUMN weekly_performance.entry_reason IS 'Why the position was opened.';
COMMENT ON COLUMN weekly_performance.exit_reason IS 'Why the position was closed.';
COMMENT ON COLUMN weekly_performance.panic_exit IS 'True if the position was closed outside the plan.';
COMMENT ON COLUMN weekly_performance.market_regime IS 'Market condition of the week, where known.';
COMMENT ON COLUMN weekly_performance.calculated_at IS 'Instant the row is of.';
COMMENT ON COLUMN weekly_performance.created_at IS 'When the row was first stored.';
COMMENT ON COLUMN weekly_performance.updated_at IS 'When the row was last changed.';

CREATE TABLE market_condition_performance (
    id                  condition_performance_id NOT NULL,
    condition_type      condition_type  NOT NULL,
    condition_value     condition_value NOT NULL,
    account             account         NOT NULL,
    weeks_in_condition  integer         NOT NULL DEFAULT 0,
    avg_return          ratio,
    avg_sharpe          ratio,
    win_rate            share,
    weeks_lookback      weeks,
    calculated_at       timestamptz     NOT NULL,
    created_at          timestamptz     NOT NULL DEFAULT now(),
    updated_at          timestamptz     NOT NULL DEFAULT now(),
    CONSTRAINT market_condition_performance_pkey PRIMARY KEY (id),
    CONSTRAINT market_condition_performance_key
        UNIQUE NULLS NOT DISTINCT (account, condition_type, condition_value, weeks_lookback),
    CONSTRAINT market_condition_performance_weeks CHECK (weeks_in_condition >= 0)
);
CREATE INDEX market_condition_performance_condition_idx
    ON market_condition_performance (condition_type, condition_value, weeks_lookback, avg_return DESC);
COMMENT ON TABLE market_condition_performance IS 'How an account did in the weeks of a market condition.';
COMMENT ON COLUMN market_condition_performance.id IS 'Made by the application.';
COMMENT ON COLUMN market_condition_performance.condition_type IS 'Dimension, such as volatility.';
COMMENT ON COLUMN market_condition_performance.condition_value IS 'Value in that dimension, such as high.';
COMMENT ON COLUMN market_condition_performance.account IS 'Account measured.';
COMMENT ON COLUMN market_condition_performance.weeks_in_condition IS 'Weeks of the account in the condition.';
COMMENT ON COLUMN market_condition_performance.avg_return IS 'Mean weekly return as a fraction.';
COMMENT ON COLUMN market_condition_performance.avg_sharpe IS 'Sharpe ratio of those weeks.';
COMMENT ON COLUMN market_condition_performance.win_rate IS 'Share of those weeks with a positive return.';
COMMENT ON COLUMN market_condition_performance.weeks_lookback IS 'Number of weeks looked back; NULL for all time.';
COMMENT ON COLUMN market_condition_performance.calculated_at IS 'Instant the row is of.';
COMMENT ON COLUMN market_condition_performance.created_at IS 'When the row was first stored.';
COMMENT ON COLUMN market_condition_performance.updated_at IS 'When the row was last changed.';
