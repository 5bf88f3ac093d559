//! The borders of the rules of the tables: a row may be changed to what is just within, and not to what is just outside.

use crate::fixtures::{database, execute, refused_by};

struct Borders {
    table: &'static str,
    /// A row that breaks no rule.
    row: &'static str,
    within: &'static [&'static str],
    outside: &'static [(&'static str, &'static str)],
}

const BORDERS: &[Borders] = &[
    Borders {
        table: "daily_bars",
        row: "(symbol, date, high, low) VALUES ('SPY', '2026-01-07', 12, 11)",
        within: &["low = 12"],
        outside: &[("low = 12.0001", "daily_bars_high_low")],
    },
    Borders {
        table: "hourly_snapshots",
        row: "(symbol, timestamp, date, hour) VALUES ('SPY', '2026-01-07T15:00:00Z', '2026-01-07', 10)",
        within: &["hour = 0", "hour = 23"],
        outside: &[
            ("hour = -1", "hourly_snapshots_hour_of_day"),
            ("hour = 24", "hourly_snapshots_hour_of_day"),
        ],
    },
    Borders {
        table: "correlation_matrix",
        row: "(symbol_1, symbol_2, date, window_rows) VALUES ('SPY', 'GLD', '2026-01-07', 30)",
        within: &["window_rows = 2"],
        outside: &[("window_rows = 1", "correlation_matrix_window")],
    },
    Borders {
        table: "correlation_window",
        row: "(window_rows) VALUES (30)",
        within: &["window_rows = 2", "window_rows = 65535"],
        outside: &[
            ("window_rows = 1", "correlation_window_length"),
            ("window_rows = 65536", "correlation_window_length"),
            ("only_row = false", "correlation_window_one_row"),
        ],
    },
    Borders {
        table: "returns_pending",
        row: "(symbol, first_date, last_date) VALUES ('SPY', '2026-01-07', '2026-01-09')",
        within: &["last_date = '2026-01-07'"],
        outside: &[("last_date = '2026-01-06'", "returns_pending_dates")],
    },
    Borders {
        table: "weekly_performance",
        row: "(account, week_id, week_start, week_end, calculated_at)
              VALUES ('GROQ', '2026-01-07', '2026-01-07', '2026-01-13', '2026-01-14T00:00:00Z')",
        within: &["week_end = '2026-01-07'"],
        outside: &[("week_end = '2026-01-06'", "weekly_performance_dates")],
    },
    Borders {
        table: "account_performance",
        row: "(id, account, max_drawdown, volatility, weeks_traded, profitable_weeks, calculated_at)
              VALUES (gen_random_uuid(), 'GROQ', -0.25, 0.5, 5, 4, '2026-01-14T00:00:00Z')",
        within: &[
            "max_drawdown = 0",
            "volatility = 0",
            "profitable_weeks = 5",
            "profitable_weeks = 0, weeks_traded = 0",
            "max_drawdown = NULL, volatility = NULL",
        ],
        outside: &[
            ("max_drawdown = 0.000001", "account_performance_drawdown"),
            ("volatility = -0.000001", "account_performance_volatility"),
            ("profitable_weeks = 6, weeks_traded = 5", "account_performance_weeks"),
            ("profitable_weeks = -1", "account_performance_weeks"),
        ],
    },
    Borders {
        table: "market_condition_performance",
        row: "(id, condition_type, condition_value, account, weeks_in_condition, calculated_at)
              VALUES (gen_random_uuid(), 'volatility', 'high', 'GROQ', 3, '2026-01-14T00:00:00Z')",
        within: &["weeks_in_condition = 0"],
        outside: &[("weeks_in_condition = -1", "market_condition_performance_weeks")],
    },
    Borders {
        table: "users",
        row: "(id, name, email, age) VALUES (gen_random_uuid(), 'Ada', 'ada@example.org', 36)",
        within: &["age = 0", "age = 150", "age = NULL"],
        outside: &[
            ("age = -1", "users_age_plausible"),
            ("age = 151", "users_age_plausible"),
        ],
    },
    Borders {
        table: "trades",
        row: "(id, week_id, account, symbol, direction, quantity, conviction, status, created_at, updated_at)
              VALUES ('018f0000-0000-7000-8000-000000000001', '2026-01-07', 'GROQ', 'SPY', 'SHORT', 7, -1,
                      'pending', '2026-01-07T14:00:00Z', '2026-01-07T15:00:00Z')",
        within: &[
            "direction = 'LONG', conviction = 0.01",
            "direction = 'SHORT', conviction = -0.01",
        ],
        outside: &[
            ("direction = 'LONG', conviction = 0", "trades_direction"),
            ("direction = 'SHORT', conviction = 0", "trades_direction"),
            ("direction = 'FLAT', conviction = 0", "trades_direction"),
        ],
    },
    Borders {
        table: "trade_orders",
        row: "(id, trade_id, attempt, side, quantity, status, created_at, updated_at)
              VALUES (gen_random_uuid(), '018f0000-0000-7000-8000-000000000001', 2, 'sell', 7, 'sending',
                      '2026-01-07T14:00:00Z', '2026-01-07T15:00:00Z')",
        within: &["attempt = 1", "status = 'cancelled'"],
        outside: &[
            ("attempt = 0", "trade_orders_attempt_counted"),
            ("status = 'placed'", "trade_orders_known_to_broker"),
            ("status = 'filled'", "trade_orders_known_to_broker"),
        ],
    },
    Borders {
        table: "account_positions",
        row: "(account, symbol, direction, quantity, avg_entry_price, as_of)
              VALUES ('GROQ', 'SPY', 'LONG', 7, 11, '2026-01-07T14:00:00Z')",
        within: &["direction = 'SHORT'"],
        outside: &[("direction = 'FLAT'", "account_positions_direction")],
    },
    Borders {
        table: "pipeline_runs",
        row: "(id, week_id, started_at)
              VALUES ('018f0000-0000-7000-8000-000000000002', '2026-01-07', '2026-01-07T14:00:00Z')",
        within: &[],
        outside: &[],
    },
    Borders {
        table: "pipeline_jobs",
        row: "(id, run_id, stage, status, queued_at)
              VALUES (gen_random_uuid(), '018f0000-0000-7000-8000-000000000002', 'pitches', 'queued', '2026-01-07T14:01:00Z')",
        within: &[
            "status = 'running', started_at = queued_at",
            "status = 'complete', finished_at = queued_at",
            "status = 'error', error_message = ''",
        ],
        outside: &[
            ("started_at = NULL", "pipeline_jobs_started"),
            ("finished_at = NULL", "pipeline_jobs_finished"),
            ("error_message = NULL", "pipeline_jobs_error_has_message"),
            ("status = 'complete'", "pipeline_jobs_error_has_message"),
        ],
    },
];

#[tokio::test]
async fn a_row_may_be_on_a_border_and_not_beyond() {
    let db = database().await;
    for Borders {
        table,
        row,
        within,
        outside,
    } in BORDERS
    {
        execute(&db, &format!("INSERT INTO {table} {row}"))
            .await
            .unwrap();
        let update =
            async |change: &str| execute(&db, &format!("UPDATE {table} SET {change}")).await;
        for change in *within {
            assert_ne!(update(change).await.unwrap(), 0, "{table}: {change}");
        }
        for (change, constraint) in *outside {
            assert_eq!(refused_by(update(change).await), *constraint, "{change}");
        }
    }
}
