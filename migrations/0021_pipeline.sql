-- What used to be known only to a running program: how far the pipeline of a week is, what a person approved, which trades and
-- orders there are, and what the accounts hold.

CREATE DOMAIN run_id AS uuid;
COMMENT ON DOMAIN run_id IS 'Identifies a row of pipeline_runs.';
CREATE DOMAIN job_id AS uuid;
COMMENT ON DOMAIN job_id IS 'Identifies a row of pipeline_jobs.';
CREATE DOMAIN trade_id AS uuid;
COMMENT ON DOMAIN trade_id IS 'Identifies a row of trades; made from the caller''s key, so that a repeated proposal adds nothing.';
CREATE DOMAIN order_id AS uuid;
COMMENT ON DOMAIN order_id IS 'Identifies a row of trade_orders; made from the trade and the attempt, so that an order sent again is the same.';

CREATE DOMAIN stage AS text COLLATE "C"
    CONSTRAINT stage_known CHECK (VALUE IN ('research', 'pitches', 'council', 'execution'));
COMMENT ON DOMAIN stage IS 'Stage of the pipeline of a week.';

CREATE DOMAIN job_status AS text COLLATE "C"
    CONSTRAINT job_status_known CHECK (VALUE IN ('queued', 'running', 'complete', 'error'));
COMMENT ON DOMAIN job_status IS 'How far a job has come.';

CREATE DOMAIN verdict AS text COLLATE "C"
    CONSTRAINT verdict_known CHECK (VALUE IN ('approved', 'rejected'));
COMMENT ON DOMAIN verdict IS 'What a person says about a pitch or a report.';

CREATE DOMAIN trade_status AS text COLLATE "C"
    CONSTRAINT trade_status_known CHECK (VALUE IN ('pending', 'executing', 'executed', 'cancelled', 'failed'));
COMMENT ON DOMAIN trade_status IS 'How far a trade has come.';

CREATE DOMAIN order_status AS text COLLATE "C"
    CONSTRAINT order_status_known CHECK (VALUE IN ('sending', 'placed', 'filled', 'cancelled', 'rejected'));
COMMENT ON DOMAIN order_status IS 'How far an order has come.';

CREATE DOMAIN order_side AS text COLLATE "C"
    CONSTRAINT order_side_known CHECK (VALUE IN ('buy', 'sell'));
COMMENT ON DOMAIN order_side IS 'Whether an order buys or sells.';

CREATE DOMAIN quantity AS numeric(18, 6)
    CONSTRAINT quantity_positive CHECK (VALUE > 0 AND VALUE < 'Infinity');
COMMENT ON DOMAIN quantity IS 'A positive number of shares, six decimals.';

-- Runs and jobs ------------------------------------------------------------------------------------------------------

CREATE TABLE pipeline_runs (
    id          run_id      NOT NULL,
    week_id     week_id     NOT NULL,
    started_at  timestamptz NOT NULL,
    CONSTRAINT pipeline_runs_pkey PRIMARY KEY (id),
    CONSTRAINT pipeline_runs_started_at_range
        CHECK (started_at BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00')
);
CREATE INDEX pipeline_runs_week_idx ON pipeline_runs (week_id, started_at DESC, id DESC);
COMMENT ON TABLE pipeline_runs IS 'Runs of the pipeline of a week.';
COMMENT ON COLUMN pipeline_runs.id IS 'Made by the application.';
COMMENT ON COLUMN pipeline_runs.week_id IS 'Week the run is for.';
COMMENT ON COLUMN pipeline_runs.started_at IS 'When it was started.';

CREATE TABLE pipeline_jobs (
    id             job_id      NOT NULL,
    run_id         run_id      NOT NULL,
    stage          stage       NOT NULL,
    model          model,
    status         job_status  NOT NULL,
    error_message  text,
    queued_at      timestamptz NOT NULL,
    started_at     timestamptz,
    finished_at    timestamptz,
    CONSTRAINT pipeline_jobs_pkey PRIMARY KEY (id),
    CONSTRAINT pipeline_jobs_run_fkey FOREIGN KEY (run_id) REFERENCES pipeline_runs (id) ON DELETE CASCADE,
    CONSTRAINT pipeline_jobs_started CHECK ((started_at IS NULL) = (status = 'queued')),
    CONSTRAINT pipeline_jobs_finished CHECK ((finished_at IS NOT NULL) = (status IN ('complete', 'error'))),
    CONSTRAINT pipeline_jobs_error_has_message CHECK ((error_message IS NOT NULL) = (status = 'error')),
    CONSTRAINT pipeline_jobs_queued_at_range
        CHECK (queued_at BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'),
    CONSTRAINT pipeline_jobs_started_at_range
        CHECK (started_at BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'),
    CONSTRAINT pipeline_jobs_finished_at_range
        CHECK (finished_at BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00')
);
CREATE INDEX pipeline_jobs_run_idx ON pipeline_jobs (run_id, queued_at, id);
COMMENT ON TABLE pipeline_jobs IS 'Jobs of a run: a stage, for all models or for one.';
COMMENT ON COLUMN pipeline_jobs.id IS 'Made by the application.';
COMMENT ON COLUMN pipeline_jobs.run_id IS 'Run it belongs to.';
COMMENT ON COLUMN pipeline_jobs.stage IS 'Stage it works on.';
COMMENT ON COLUMN pipeline_jobs.model IS 'Model it is for; NULL for a job of all models.';
COMMENT ON COLUMN pipeline_jobs.status IS 'How far it is.';
COMMENT ON COLUMN pipeline_jobs.error_message IS 'Why it failed; NULL exactly if it did not.';
COMMENT ON COLUMN pipeline_jobs.queued_at IS 'When it was asked for.';
COMMENT ON COLUMN pipeline_jobs.started_at IS 'When it was begun; NULL exactly while it is queued.';
COMMENT ON COLUMN pipeline_jobs.finished_at IS 'When it ended; NULL exactly before that.';

-- Approvals ----------------------------------------------------------------------------------------------------------

CREATE TABLE pitch_approvals (
    pitch_id          pitch_id    NOT NULL,
    verdict           verdict     NOT NULL,
    decided_by        user_name   NOT NULL,
    note              text,
    decided_at        timestamptz NOT NULL,
    pitch_updated_at  timestamptz NOT NULL,
    CONSTRAINT pitch_approvals_pkey PRIMARY KEY (pitch_id),
    CONSTRAINT pitch_approvals_pitch_fkey FOREIGN KEY (pitch_id) REFERENCES pm_pitches (id) ON DELETE CASCADE,
    CONSTRAINT pitch_approvals_decided_at_range
        CHECK (decided_at BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'),
    CONSTRAINT pitch_approvals_pitch_updated_at_range
        CHECK (pitch_updated_at BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00')
);
COMMENT ON TABLE pitch_approvals IS 'What a person said about a pitch; the latest verdict.';
COMMENT ON COLUMN pitch_approvals.pitch_id IS 'The pitch.';
COMMENT ON COLUMN pitch_approvals.verdict IS 'approved or rejected.';
COMMENT ON COLUMN pitch_approvals.decided_by IS 'Who said it.';
COMMENT ON COLUMN pitch_approvals.note IS 'Why.';
COMMENT ON COLUMN pitch_approvals.decided_at IS 'When it was said.';
COMMENT ON COLUMN pitch_approvals.pitch_updated_at IS 'updated_at of the pitch it was said about: of a pitch that was changed since, nothing was said.';

CREATE TABLE report_approvals (
    report_id   report_id   NOT NULL,
    verdict     verdict     NOT NULL,
    decided_by  user_name   NOT NULL,
    note        text,
    decided_at  timestamptz NOT NULL,
    CONSTRAINT report_approvals_pkey PRIMARY KEY (report_id),
    CONSTRAINT report_approvals_report_fkey FOREIGN KEY (report_id) REFERENCES research_reports (id) ON DELETE CASCADE,
    CONSTRAINT report_approvals_decided_at_range
        CHECK (decided_at BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00')
);
COMMENT ON TABLE report_approvals IS 'What a person said about a research report; the latest verdict.';
COMMENT ON COLUMN report_approvals.report_id IS 'The report.';
COMMENT ON COLUMN report_approvals.verdict IS 'approved (verified) or rejected.';
COMMENT ON COLUMN report_approvals.decided_by IS 'Who said it.';
COMMENT ON COLUMN report_approvals.note IS 'Why.';
COMMENT ON COLUMN report_approvals.decided_at IS 'When it was said.';

-- Trades, orders, positions ------------------------------------------------------------------------------------------

CREATE TABLE trades (
    id           trade_id     NOT NULL,
    week_id      week_id      NOT NULL,
    account      account      NOT NULL,
    pitch_id     pitch_id,
    symbol       symbol       NOT NULL,
    direction    direction    NOT NULL,
    quantity     quantity     NOT NULL,
    conviction   conviction   NOT NULL,
    status       trade_status NOT NULL,
    created_at   timestamptz  NOT NULL,
    updated_at   timestamptz  NOT NULL,
    CONSTRAINT trades_pkey PRIMARY KEY (id),
    CONSTRAINT trades_pitch_fkey FOREIGN KEY (pitch_id) REFERENCES pm_pitches (id),
    CONSTRAINT trades_direction CHECK (CASE direction WHEN 'LONG' THEN conviction > 0 WHEN 'SHORT' THEN conviction < 0 ELSE false END),
    CONSTRAINT trades_created_at_range
        CHECK (created_at BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'),
    CONSTRAINT trades_updated_at_range
        CHECK (updated_at BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00')
);
CREATE INDEX trades_week_idx ON trades (week_id, account, id);
CREATE INDEX trades_open_idx ON trades (created_at, id) WHERE status IN ('pending', 'executing');
CREATE INDEX trades_pitch_idx ON trades (pitch_id);
COMMENT ON TABLE trades IS 'Trades that the desk means to make.';
COMMENT ON COLUMN trades.id IS 'Made from the caller''s key, so that a repeated proposal adds nothing.';
COMMENT ON COLUMN trades.week_id IS 'Week of the trade.';
COMMENT ON COLUMN trades.account IS 'Account that trades.';
COMMENT ON COLUMN trades.pitch_id IS 'Pitch it rests on; NULL if it rests on none, as those of the council''s decision.';
COMMENT ON COLUMN trades.symbol IS 'Ticker.';
COMMENT ON COLUMN trades.direction IS 'LONG or SHORT.';
COMMENT ON COLUMN trades.quantity IS 'Shares, whatever the direction.';
COMMENT ON COLUMN trades.conviction IS 'Strength of the view; its sign is the direction''s.';
COMMENT ON COLUMN trades.status IS 'How far it is.';
COMMENT ON COLUMN trades.created_at IS 'When it was proposed.';
COMMENT ON COLUMN trades.updated_at IS 'When its status last changed.';

CREATE TABLE trade_orders (
    id               order_id     NOT NULL,
    trade_id         trade_id     NOT NULL,
    attempt          integer      NOT NULL,
    side             order_side   NOT NULL,
    quantity         quantity     NOT NULL,
    limit_price      price,
    status           order_status NOT NULL,
    broker_order_id  text,
    message          text,
    created_at       timestamptz  NOT NULL,
    updated_at       timestamptz  NOT NULL,
    CONSTRAINT trade_orders_pkey PRIMARY KEY (id),
    CONSTRAINT trade_orders_attempt_key UNIQUE (trade_id, attempt),
    CONSTRAINT trade_orders_broker_key UNIQUE (broker_order_id),
    CONSTRAINT trade_orders_trade_fkey FOREIGN KEY (trade_id) REFERENCES trades (id),
    CONSTRAINT trade_orders_attempt_counted CHECK (attempt >= 1),
    CONSTRAINT trade_orders_known_to_broker CHECK (status NOT IN ('placed', 'filled') OR broker_order_id IS NOT NULL),
    CONSTRAINT trade_orders_created_at_range
        CHECK (created_at BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'),
    CONSTRAINT trade_orders_updated_at_range
        CHECK (updated_at BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00')
);
COMMENT ON TABLE trade_orders IS 'Orders for trades, written down before they go to the broker.';
COMMENT ON COLUMN trade_orders.id IS 'Made from the trade and the attempt; the client''s id of the order at the broker.';
COMMENT ON COLUMN trade_orders.trade_id IS 'Trade it is for.';
COMMENT ON COLUMN trade_orders.attempt IS 'The how many-th order of the trade, from 1.';
COMMENT ON COLUMN trade_orders.side IS 'buy or sell.';
COMMENT ON COLUMN trade_orders.quantity IS 'Shares.';
COMMENT ON COLUMN trade_orders.limit_price IS 'Limit in US dollars; NULL at the market''s price.';
COMMENT ON COLUMN trade_orders.status IS 'How far it is.';
COMMENT ON COLUMN trade_orders.broker_order_id IS 'The broker''s id of the order; NULL before it has one.';
COMMENT ON COLUMN trade_orders.message IS 'What the broker said about it last.';
COMMENT ON COLUMN trade_orders.created_at IS 'When it was written down.';
COMMENT ON COLUMN trade_orders.updated_at IS 'When its status last changed.';

CREATE TABLE account_positions (
    account          account     NOT NULL,
    symbol           symbol      NOT NULL,
    direction        direction   NOT NULL,
    quantity         quantity    NOT NULL,
    avg_entry_price  price       NOT NULL,
    current_price    price,
    as_of            timestamptz NOT NULL,
    CONSTRAINT account_positions_pkey PRIMARY KEY (account, symbol),
    CONSTRAINT account_positions_direction CHECK (direction IN ('LONG', 'SHORT')),
    CONSTRAINT account_positions_as_of_range
        CHECK (as_of BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00')
);
COMMENT ON TABLE account_positions IS 'What the accounts hold, as the broker last said.';
COMMENT ON COLUMN account_positions.account IS 'Account.';
COMMENT ON COLUMN account_positions.symbol IS 'Ticker.';
COMMENT ON COLUMN account_positions.direction IS 'LONG or SHORT.';
COMMENT ON COLUMN account_positions.quantity IS 'Shares, whatever the direction.';
COMMENT ON COLUMN account_positions.avg_entry_price IS 'Mean price paid or received for a share, in US dollars.';
COMMENT ON COLUMN account_positions.current_price IS 'Price of a share at as_of; NULL if it was not known.';
COMMENT ON COLUMN account_positions.as_of IS 'Instant of the broker''s answer.';
