//! Databases of the Python layer, as its two scripts made them, from what is known of them.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::support;

/// The tables of its SQL script: market data, what is computed from it, research and the council, the accounts' events.
pub const TABLES: &str = r#"
CREATE TABLE daily_bars (
    id serial PRIMARY KEY, symbol varchar(10) NOT NULL, date date NOT NULL, open numeric(12,4), high numeric(12,4),
    low numeric(12,4), close numeric(12,4), volume bigint, created_at timestamptz DEFAULT now(), UNIQUE (symbol, date)
);
CREATE TABLE hourly_snapshots (
    id serial PRIMARY KEY, symbol varchar(10) NOT NULL, timestamp timestamptz NOT NULL, date date NOT NULL, hour integer NOT NULL,
    price numeric(12,4), volume bigint, created_at timestamptz DEFAULT now(), UNIQUE (symbol, timestamp)
);
CREATE TABLE fetch_log (
    id serial PRIMARY KEY, fetch_type varchar(50) NOT NULL, symbol varchar(10), status varchar(20) NOT NULL, error_message text,
    timestamp timestamptz DEFAULT now()
);
CREATE TABLE daily_log_returns (
    id serial PRIMARY KEY, symbol varchar(10) NOT NULL, date date NOT NULL, log_return numeric(12,8),
    created_at timestamptz DEFAULT now(), UNIQUE (symbol, date)
);
CREATE TABLE rolling_7day_log_returns (
    id serial PRIMARY KEY, symbol varchar(10) NOT NULL, date date NOT NULL, log_return_7d numeric(12,8),
    created_at timestamptz DEFAULT now(), UNIQUE (symbol, date)
);
CREATE TABLE correlation_matrix (
    id serial PRIMARY KEY, date date NOT NULL, symbol_1 varchar(10) NOT NULL, symbol_2 varchar(10) NOT NULL,
    correlation numeric(12,8), created_at timestamptz DEFAULT now(), UNIQUE (date, symbol_1, symbol_2)
);
CREATE TABLE research_reports (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), week_id varchar(10) NOT NULL, provider varchar(20) NOT NULL,
    model varchar(100) NOT NULL, natural_language text NOT NULL, structured_json jsonb NOT NULL,
    status varchar(20) DEFAULT 'pending', error_message text, generated_at timestamptz, created_at timestamptz DEFAULT now(),
    CONSTRAINT provider_valid CHECK (provider IN ('perplexity', 'gemini'))
);
CREATE TABLE pm_pitches (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), week_id varchar(10) NOT NULL, model varchar(100) NOT NULL,
    account varchar(20) NOT NULL, pitch_data jsonb NOT NULL, instrument varchar(10), direction varchar(10), conviction numeric(4,2),
    research_date timestamptz, created_at timestamptz DEFAULT now()
);
CREATE INDEX idx_pm_pitches_week ON pm_pitches (week_id);
CREATE TABLE peer_reviews (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), week_id varchar(10) NOT NULL, pitch_id uuid NOT NULL,
    reviewer_model varchar(100) NOT NULL, pitch_label varchar(10) NOT NULL, review_data jsonb NOT NULL, research_date timestamptz,
    created_at timestamptz DEFAULT now()
);
CREATE TABLE chairman_decisions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), week_id varchar(10) NOT NULL, decision_data jsonb NOT NULL,
    research_date timestamptz, created_at timestamptz DEFAULT now()
);
CREATE UNIQUE INDEX idx_chairman_decisions_week_research ON chairman_decisions (week_id, research_date);
CREATE TABLE execution_events (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), week_id varchar(10) NOT NULL, event_type varchar(50) NOT NULL,
    account varchar(20) NOT NULL, event_data jsonb NOT NULL, occurred_at timestamptz NOT NULL, created_at timestamptz DEFAULT now()
);
CREATE TABLE account_performance (
    id serial PRIMARY KEY, account varchar(20) NOT NULL, weeks_lookback integer, total_return numeric(12,6) NOT NULL DEFAULT 0,
    sharpe_ratio numeric(12,6), max_drawdown numeric(12,6), volatility numeric(12,6), weeks_traded integer NOT NULL DEFAULT 0,
    profitable_weeks integer NOT NULL DEFAULT 0, win_rate numeric(5,4), avg_conviction numeric(4,2), max_conviction numeric(4,2),
    calculated_at timestamptz NOT NULL, created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now(),
    UNIQUE (account, weeks_lookback)
);
CREATE TABLE weekly_performance (
    id serial PRIMARY KEY, account varchar(20) NOT NULL, week_id varchar(10) NOT NULL, week_start date NOT NULL,
    week_end date NOT NULL, weekly_return numeric(12,6), weekly_volatility numeric(12,6), instrument varchar(10),
    direction varchar(10), entry_conviction numeric(4,2), exit_conviction numeric(4,2), entry_price numeric(12,4),
    exit_price numeric(12,4), position_size integer, realized_pnl numeric(12,2), fees numeric(12,2), net_pnl numeric(12,2),
    entry_reason text, exit_reason text, panic_exit boolean DEFAULT false, market_regime varchar(50),
    calculated_at timestamptz NOT NULL, created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now(),
    UNIQUE (account, week_id)
);
CREATE TABLE market_condition_performance (
    id serial PRIMARY KEY, condition_type varchar(50) NOT NULL, condition_value varchar(50) NOT NULL, account varchar(20) NOT NULL,
    weeks_in_condition integer NOT NULL DEFAULT 0, avg_return numeric(12,6), avg_sharpe numeric(12,6), win_rate numeric(5,4),
    weeks_lookback integer, calculated_at timestamptz NOT NULL, created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(), UNIQUE (condition_type, condition_value, account, weeks_lookback)
);
CREATE TABLE users (id serial PRIMARY KEY, name text, email text, active boolean DEFAULT true, age integer, created_at timestamptz DEFAULT now());
CREATE TABLE logs (id serial PRIMARY KEY, level text, message text, data jsonb, created_at timestamptz DEFAULT now());
CREATE TABLE accounts (id serial PRIMARY KEY, balance numeric(12,2), created_at timestamptz DEFAULT now());
CREATE VIEW v_latest_daily AS
    SELECT symbol, date, open, high, low, close, volume FROM daily_bars
    WHERE (symbol::text, date) IN (SELECT symbol, max(date) FROM daily_bars GROUP BY symbol);
CREATE VIEW v_account_history AS
    SELECT week_id, account, event_type, event_data, occurred_at FROM execution_events ORDER BY occurred_at DESC;
CREATE FUNCTION get_week_id() RETURNS varchar(10) LANGUAGE sql AS
    $$ SELECT to_char(date_trunc('week', CURRENT_DATE) + interval '3 days', 'YYYY-MM-DD')::varchar(10) $$;
"#;

/// A database of its own.
pub struct Old {
    /// Where it is, for the binary.
    pub url: String,
    options: sqlx::postgres::PgConnectOptions,
}

impl Old {
    /// A database without any table.
    pub async fn bare() -> Self {
        let options = support::bare_database_options().await;
        let url = support::server().url_for(options.get_database().unwrap());
        Self { url, options }
    }

    /// One with all tables of the SQL script, empty.
    pub async fn new() -> Self {
        let old = Self::bare().await;
        old.run(TABLES).await;
        old
    }

    /// Whether a condition holds in it.
    pub async fn holds(&self, condition: &str) -> bool {
        self.text(&format!("SELECT ({condition})::text")).await == "true"
    }

    /// Runs statements, on a connection that is gone afterwards.
    pub async fn run(&self, statements: &str) {
        let mut connection = PgConnection::connect_with(&self.options).await.unwrap();
        connection
            .execute(AssertSqlSafe(statements.to_owned()))
            .await
            .unwrap();
        connection.close().await.unwrap();
    }

    /// The first column of all rows, as text.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        let mut connection = PgConnection::connect_with(&self.options).await.unwrap();
        let rows: Vec<Option<String>> = sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
        rows.into_iter()
            .map(|text| text.unwrap_or_else(|| "NULL".to_owned()))
            .collect()
    }

    /// The first column of the only row.
    pub async fn text(&self, query: &str) -> String {
        let [text] = &self.texts(query).await[..] else {
            panic!("not one row: {query}");
        };
        text.clone()
    }
}
