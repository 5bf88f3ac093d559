//! Performance in its three tables, what is pending, hourly prices.

use futures_util::TryStreamExt;
use llm_trading_db::{
    repo::{
        bars, conditions, pending,
        performance::{self, Measure},
        returns, snapshots, weekly,
    },
    types::{Symbol, Weeks},
};
use serde_json::{Value, json};

use super::{Random, Row, Table, as_type, values, without_indexes};
use crate::fixtures::{account, at, database, day};

fn lookback(value: &Value) -> Option<Weeks> {
    let weeks = i32::try_from(value.as_i64()?).unwrap();
    Some(Weeks::new(weeks).unwrap())
}

/// Of a column: a number of its own range, or none.
fn some_number(random: &mut Random, from: i64) -> Value {
    let number = random.number(from);
    random.maybe(number)
}

#[tokio::test]
async fn weeks_are_read_as_they_are() {
    let db = database().await;
    let table = Table::fill(
        &db,
        "weekly_performance",
        &["account", "week_id"],
        |random| {
            let day = random.below(20) + 1;
            let later = chrono::Days::new(7 * random.below(20));
            json!({
                "account": random.account(),
                "week_id": self::day("2026-01-07") + later,
                "week_start": format!("2026-03-{day:02}"),
                "week_end": format!("2026-04-{day:02}"),
                "weekly_return": some_number(random, 1),
                "weekly_volatility": some_number(random, 3),
                "instrument": random.maybe("SPY"),
                "direction": random.maybe("LONG"),
                "entry_conviction": random.maybe(1.25),
                "exit_conviction": random.maybe(-0.5),
                "entry_price": some_number(random, 100),
                "exit_price": some_number(random, 200),
                "position_size": random.maybe(7),
                "realized_pnl": some_number(random, 300),
                "fees": some_number(random, 400),
                "net_pnl": some_number(random, 500),
                "entry_reason": random.maybe("thesis"),
                "exit_reason": random.maybe("stop"),
                "panic_exit": random.below(2) == 0,
                "market_regime": random.maybe("calm"),
                "calculated_at": random.instant(2024),
                "created_at": random.instant(2025),
            })
        },
    )
    .await;
    without_indexes(&db, async |tx| {
        for name in ["GROQ", "CHATGPT", "CLAUDE"] {
            let expected = table.rows(|row| row["account"] == name, &["week_id desc"]);
            for limit in [0, 1, 3, 100] {
                let found = weekly::of_account(&mut *tx, account(name), limit)
                    .await
                    .unwrap();
                table.assert_read(&found, &expected[..expected.len().min(limit as usize)]);
            }
        }
        for id in values(&table.rows, "week_id") {
            let found = weekly::of_week(&mut *tx, as_type(&id)).await.unwrap();
            table.assert_read(
                &found,
                &table.rows(|row| row["week_id"] == id, &["account"]),
            );
        }
    })
    .await;
}

#[tokio::test]
async fn conditions_are_read_as_they_are() {
    let db = database().await;
    let key = [
        "account",
        "condition_type",
        "condition_value",
        "weeks_lookback",
    ];
    let table = Table::fill(&db, "market_condition_performance", &key, |random| {
        json!({
            "id": random.id(),
            "condition_type": random.one_of(&["volatility", "trend"]),
            "condition_value": random.one_of(&["high", "low"]),
            "account": format!("A{}", random.below(9)),
            "weeks_in_condition": random.below(9),
            "avg_return": some_number(random, 1),
            "avg_sharpe": some_number(random, 3),
            "win_rate": random.maybe(0.25),
            "weeks_lookback": random.one_of(&[Some(4), None]),
            "calculated_at": random.instant(2024),
            "created_at": random.instant(2025),
            "updated_at": random.instant(2026),
        })
    })
    .await;
    without_indexes(&db, async |tx| {
        for kind in ["volatility", "trend", "none"] {
            for value in ["high", "low"] {
                for weeks in [Value::Null, 4.into()] {
                    let of = |row: &Row| {
                        row["condition_type"] == kind
                            && row["condition_value"] == value
                            && row["weeks_lookback"] == weeks
                    };
                    let expected = table.rows(of, &["avg_return desc nulls last", "account"]);
                    let (kind, value) = (kind.parse().unwrap(), value.parse().unwrap());
                    let found =
                        conditions::of_condition(&mut *tx, &kind, &value, lookback(&weeks)).await;
                    table.assert_read(&found.unwrap(), &expected);
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn figures_and_problems_are_read_as_they_are() {
    let db = database().await;
    let table = Table::fill(
        &db,
        "account_performance",
        &["account", "weeks_lookback"],
        |random| {
            let traded = random.below(9);
            json!({
                "id": random.id(),
                "account": format!("A{}", random.below(20)),
                "weeks_lookback": random.one_of(&[Some(4), Some(12), None]),
                "total_return": random.number(1),
                "sharpe_ratio": some_number(random, 3),
                "max_drawdown": some_number(random, -9),
                "volatility": some_number(random, 7),
                "weeks_traded": traded + 10,
                "profitable_weeks": traded,
                "win_rate": random.maybe(0.25),
                "avg_conviction": random.maybe(0.5),
                "max_conviction": random.maybe(2),
                "calculated_at": random.instant(2024),
                "created_at": random.instant(2025),
                "updated_at": random.instant(2026),
            })
        },
    )
    .await;
    let event = "01890a5d-ac96-774b-bcce-b302099a8057";
    let events = Table::fill(&db, "execution_events", &["id"], |_| {
        json!({
            "id": event, "week_id": "2026-01-07", "account": "GROQ", "event_data": { "event_type": "note" },
            "occurred_at": "2026-01-07T00:00:00Z",
        })
    })
    .await;
    assert_eq!(events.rows.len(), 1);
    let problems = Table::fill_with(&db, "performance_problems", &["id"], 25, |random| {
        json!({
            "id": random.id(),
            "account": format!("A{}", random.below(20)),
            "weeks_lookback": random.one_of(&[Some(4), Some(12), None]),
            "week_id": random.week(),
            "event_id": event,
            "problem": format!("problem {}", random.below(1000)),
            "found_at": random.instant(2024),
        })
    })
    .await;
    without_indexes(&db, async |tx| {
        for row in &table.rows {
            let of = account(row["account"].as_str().unwrap());
            let got = performance::get(&mut *tx, of, lookback(&row["weeks_lookback"])).await;
            table.assert_read(&[got.unwrap()], std::slice::from_ref(row));
        }
        for weeks in [Value::Null, 4.into(), 12.into(), 52.into()] {
            let of = |row: &Row| row["weeks_lookback"] == weeks;
            for (measure, best) in [
                (Measure::Return, "total_return desc"),
                (Measure::SharpeRatio, "sharpe_ratio desc nulls last"),
                (Measure::Drawdown, "max_drawdown desc nulls last"),
            ] {
                let found = performance::leaderboard_by(&mut *tx, measure, lookback(&weeks))
                    .await
                    .unwrap();
                let expected = table.rows(of, &[best, "account"]);
                table.assert_read(&found, &expected);
                let newest = expected
                    .iter()
                    .map(|row| row["calculated_at"].as_str())
                    .max()
                    .flatten();
                for (rank, (place, row)) in (1..).zip(found.iter().zip(&expected)) {
                    let doubted = problems.rows(
                        |problem| of(problem) && problem["account"] == row["account"],
                        &[],
                    );
                    let stale = row["calculated_at"].as_str() < newest || !doubted.is_empty();
                    assert_eq!((place.rank, place.stale), (rank, stale));
                }
            }
            let found = performance::problems(&mut *tx, lookback(&weeks))
                .await
                .unwrap();
            problems.assert_read(&found, &problems.rows(of, &["account", "week_id", "id"]));
        }
    })
    .await;

    // One span is replaced, and no other.
    let before: Vec<Value> = problems
        .rows
        .iter()
        .map(|row| row["weeks_lookback"].clone())
        .collect();
    for weeks in [Value::Null, 4.into()] {
        db.transaction(async |tx| {
            performance::replace_problems(tx, lookback(&weeks), &[], at("2026-02-01T00:00:00Z"))
                .await
        })
        .await
        .unwrap();
        assert_eq!(
            performance::problems(&db, lookback(&weeks)).await.unwrap(),
            []
        );
    }
    let left = performance::problems(&db, lookback(&12.into()))
        .await
        .unwrap();
    assert_eq!(
        left.len(),
        before.iter().filter(|weeks| **weeks == 12).count()
    );
}

#[tokio::test]
async fn what_is_pending_is_read_in_order() {
    let db = database().await;
    let dates = |random: &mut Random| {
        let (first, last) = (random.below(3) + 1, random.below(3) + 1);
        (format!("2026-01-0{first}"), format!("2026-02-0{last}"))
    };
    let returns = Table::fill(&db, "returns_pending", &["symbol", "first_date", "last_date"], |random| {
        let (first, last) = dates(random);
        json!({
            "id": random.id(), "symbol": random.one_of(&["SPY", "GLD", "TLT", "QQQ"]), "first_date": first, "last_date": last,
        })
    })
    .await;
    let correlations = Table::fill(&db, "correlations_pending", &["id"], |random| {
        let (first, last) = dates(random);
        json!({ "id": random.id(), "first_date": first, "last_date": last })
    })
    .await;
    without_indexes(&db, async |tx| {
        let expected = returns.rows(|_| true, &["symbol", "first_date", "last_date"]);
        for limit in [0, 1, 9, 100] {
            let found = pending::returns(&mut *tx, limit, &[]).await.unwrap();
            returns.assert_read(&found, &expected[..expected.len().min(limit as usize)]);
        }
        let found = pending::correlations(&mut *tx).await.unwrap();
        correlations.assert_read(
            &found,
            &correlations.rows(|_| true, &["first_date", "last_date", "id"]),
        );
    })
    .await;
}

#[tokio::test]
async fn hourly_prices_are_read_as_they_are() {
    let db = database().await;
    let table = Table::fill(
        &db,
        "hourly_snapshots",
        &["symbol", "timestamp"],
        |random| {
            let (day, hour) = (random.below(4) + 1, random.below(4) + 10);
            json!({
                "symbol": random.one_of(&["SPY", "GLD", "TLT"]),
                "timestamp": format!("2026-01-0{day}T{:02}:30:00Z", hour + 5),
                "date": format!("2026-01-0{day}"),
                "hour": hour,
                "price": some_number(random, 100),
                "volume": random.maybe(9),
                "created_at": random.instant(2024),
            })
        },
    )
    .await;
    let symbols = ["TLT", "SPY", "QQQ", "SPY"];
    let asked: Vec<Symbol> = symbols.iter().map(|name| name.parse().unwrap()).collect();
    without_indexes(&db, async |tx| {
        for date in ["2026-01-01", "2026-01-02", "2026-01-04"] {
            for hour in [9, 11, 13] {
                let known = |row: &Row| {
                    let at = (row["date"].as_str().unwrap(), row["hour"].as_i64().unwrap());
                    symbols.contains(&row["symbol"].as_str().unwrap())
                        && at <= (date, hour)
                        && !row["price"].is_null()
                };
                let mut expected = table.rows(known, &["symbol", "timestamp desc"]);
                expected.dedup_by_key(|row| row["symbol"].clone());
                let hour = i32::try_from(hour).unwrap();
                let found = snapshots::latest(&mut *tx, &asked, day(date), hour)
                    .await
                    .unwrap();
                table.assert_read(&found, &expected);
            }
        }
        let (from, to) = ("2026-01-02T15:30:00Z", "2026-01-03T17:30:00Z");
        let within = |row: &Row| {
            row["symbol"] == "SPY" && (from..=to).contains(&row["timestamp"].as_str().unwrap())
        };
        let range = snapshots::range(&mut *tx, asked[1], at(from), at(to));
        let found: Vec<_> = range.try_collect().await.unwrap();
        table.assert_read(&found, &table.rows(within, &["timestamp"]));
    })
    .await;
}

#[tokio::test]
async fn bars_are_read_as_they_are() {
    let db = database().await;
    let table = Table::fill(&db, "daily_bars", &["symbol", "date"], |random| {
        json!({
            "symbol": random.one_of(&["SPY", "GLD", "TLT"]),
            "date": format!("2026-01-{:02}", random.below(25) + 1),
            "open": some_number(random, 200),
            "high": some_number(random, 400),
            "low": some_number(random, 100),
            "close": some_number(random, 300),
            "volume": random.maybe(9),
            "created_at": random.instant(2024),
        })
    })
    .await;
    let until = "2026-01-20";
    let asked = ["TLT", "QQQ", "SPY", "TLT"];
    let symbols: Vec<Symbol> = asked.iter().map(|name| name.parse().unwrap()).collect();
    without_indexes(&db, async |tx| {
        // The bars of a symbol from the one on that is the n-th newest, and the closes-th newest with a close.
        let newest = |name: &str, n: usize, closes: usize| {
            let mut bars = table.rows(
                |row| row["symbol"] == name && row["date"].as_str().unwrap() <= until,
                &["date"],
            );
            let with_close: Vec<usize> = (0..bars.len())
                .filter(|n| !bars[*n]["close"].is_null())
                .collect();
            let of_closes = with_close
                .iter()
                .rev()
                .take(closes)
                .next_back()
                .copied()
                .unwrap_or(bars.len());
            bars.drain(..of_closes.min(bars.len().saturating_sub(n)));
            bars
        };
        for (n, closes) in [(0, 0), (1, 0), (3, 2), (2, 5), (100, 1), (1, 100)] {
            let expected = [newest("SPY", n, closes), newest("TLT", n, closes)].concat();
            let (n, closes) = (u32::try_from(n).unwrap(), u32::try_from(closes).unwrap());
            let found = bars::last_closes(&mut *tx, &symbols, n, closes, day(until))
                .await
                .unwrap();
            table.assert_read(&found, &expected);
            if closes == 0 {
                let found = bars::last_n(&mut *tx, &symbols, n, day(until))
                    .await
                    .unwrap();
                table.assert_read(&found, &expected);
            }
        }
        let (from, to) = ("2026-01-05", "2026-01-18");
        let within = |row: &Row| {
            row["symbol"] == "SPY" && (from..=to).contains(&row["date"].as_str().unwrap())
        };
        let found: Vec<_> = bars::range(&mut *tx, symbols[2], day(from), day(to))
            .try_collect()
            .await
            .unwrap();
        table.assert_read(&found, &table.rows(within, &["date"]));
    })
    .await;
}

#[tokio::test]
async fn returns_are_read_as_they_are() {
    let db = database().await;
    let row = |random: &mut Random, column: &str| {
        json!({
            "symbol": random.one_of(&["SPY", "GLD", "TLT"]),
            "date": format!("2026-01-{:02}", random.below(25) + 1),
            column: random.number(-1),
            "created_at": random.instant(2024),
        })
    };
    let key = ["symbol", "date"];
    let daily = Table::fill(&db, "daily_log_returns", &key, |random| {
        row(random, "log_return")
    })
    .await;
    let weekly = Table::fill(&db, "rolling_7day_log_returns", &key, |random| {
        row(random, "log_return_7d")
    })
    .await;
    let of = |name: &'static str, from: &'static str, to: &'static str| {
        move |row: &Row| {
            row["symbol"] == name && (from..=to).contains(&row["date"].as_str().unwrap())
        }
    };
    let spans = [
        ("TLT", "2026-01-05", "2026-01-18"),
        ("SPY", "2026-01-02", "2026-01-20"),
    ];
    let asked: Vec<_> = spans
        .iter()
        .map(|(name, from, to)| (name.parse::<Symbol>().unwrap(), day(from), day(to)))
        .collect();
    let within = |row: &Row| spans.iter().any(|(name, from, to)| of(name, from, to)(row));
    // The newest of each symbol.
    let mut newest = weekly.rows(|row| row["symbol"] != "GLD", &["symbol", "date desc"]);
    newest.dedup_by_key(|row| row["symbol"].clone());
    without_indexes(&db, async |tx| {
        let all = returns::all_daily(&mut *tx).await.unwrap();
        daily.assert_read(&all, &daily.rows(|_| true, &key));
        let all = returns::all_7day(&mut *tx).await.unwrap();
        assert_7day(&weekly, &all, &weekly.rows(|_| true, &key));
        let found = returns::daily_of(&mut *tx, &asked).await.unwrap();
        daily.assert_read(&found, &daily.rows(within, &key));
        let found = returns::seven_day_of(&mut *tx, &asked).await.unwrap();
        assert_7day(&weekly, &found, &weekly.rows(within, &key));
        let symbols = [asked[0].0, asked[1].0];
        let found = returns::latest_7day(&mut *tx, &symbols).await.unwrap();
        assert_7day(&weekly, &found, &newest);
        let (symbol, from, to) = asked[0];
        let found: Vec<_> = returns::daily(&mut *tx, symbol, from, to)
            .try_collect()
            .await
            .unwrap();
        let (name, from, to) = spans[0];
        daily.assert_read(&found, &daily.rows(of(name, from, to), &["date"]));
    })
    .await;
}

/// The column of the table is called otherwise.
fn assert_7day(table: &Table, found: &[returns::Return], expected: &[Row]) {
    table.assert_read(found, expected);
    let found = found
        .iter()
        .map(|row| row.log_return.to_string().parse::<f64>().unwrap());
    let expected = expected
        .iter()
        .map(|row| row["log_return_7d"].as_f64().unwrap());
    assert!(found.eq(expected));
}
