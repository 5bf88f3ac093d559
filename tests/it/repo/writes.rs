//! Every function that replaces rows: a change of one field changes that column of that row, and nothing else.

use std::collections::BTreeSet;

use llm_trading_db::{
    db::Db,
    repo::{
        bars::{self, Bar},
        conditions::{self, ConditionPerformance},
        decisions,
        performance::{self, Performance},
        pitches::{self, NewPitch},
        positions::{self, NewPosition},
        research::{self, Report},
        returns::{self, Return},
        snapshots::{self, Snapshot},
        users::{self, Change, User},
        weekly::{self, WeeklyResult},
    },
    types::{Direction, Provider, ReportId, ReportStatus, UserId, Weeks},
};
use serde_json::Value;

use crate::fixtures::{
    account, at, column, database, day, dec, decision, model, now, pitch, price,
    research as document, symbol, week,
};

/// The rows of a table by key.
async fn rows(db: &Db, table: &str) -> Vec<Value> {
    let sql = format!("SELECT to_jsonb(held)::text FROM {table} AS held ORDER BY 1");
    let rows: Vec<String> = column(db, &sql).await.unwrap();
    rows.iter()
        .map(|row| serde_json::from_str(row).unwrap())
        .collect()
}

/// The columns that differ; all rows but one are the same.
fn changed(before: &[Value], after: &[Value]) -> BTreeSet<String> {
    assert_eq!(before.len(), after.len());
    let only = |rows: &[Value], others: &[Value]| -> Vec<Value> {
        rows.iter()
            .filter(|row| !others.contains(row))
            .cloned()
            .collect()
    };
    let (old, new) = (only(before, after), only(after, before));
    assert_eq!((old.len(), new.len()), (1, 1), "{old:?} {new:?}");
    let fields = old[0].as_object().unwrap();
    fields
        .iter()
        .filter(|(key, value)| new[0][key.as_str()] != **value)
        .map(|(key, _)| key.clone())
        .collect()
}

/// Saves a row with each of its fields changed, one at a time, beside a row that stays as it is.
macro_rules! each_field {
    ($db:expr, $table:expr, $base:expr, $save:expr, also $also:expr, {$($field:ident: $value:expr),* $(,)?}) => {{
        let base = $base;
        $(
            ($save)(Clone::clone(&base)).await;
            let before = rows($db, $table).await;
            let mut one = Clone::clone(&base);
            one.$field = $value;
            ($save)(one).await;
            let after = rows($db, $table).await;
            let mut found = changed(&before, &after);
            for column in $also {
                found.remove(column);
            }
            assert_eq!(Vec::from_iter(found), [stringify!($field)], "{}", $table);
        )*
    }};
}

mod council;
mod execution;

#[tokio::test]
async fn prices() {
    let db = &database().await;
    let base = Bar {
        symbol: symbol("SPY"),
        date: day("2026-01-07"),
        open: Some(price("10")),
        high: Some(price("20")),
        low: Some(price("5")),
        close: Some(price("15")),
        volume: Some(7),
    };
    let other = Bar {
        symbol: symbol("GLD"),
        ..base
    };
    let save = async |bar| {
        bars::upsert_many(db, &[bar, other]).await.unwrap();
    };
    each_field!(db, "daily_bars", base, save, also ["updated_at"], {
        open: Some(price("11")),
        high: None,
        low: Some(price("6")),
        close: Some(price("16")),
        volume: None,
    });
    let base = Snapshot {
        symbol: symbol("SPY"),
        timestamp: now(),
        date: day("2026-01-07"),
        hour: 9,
        price: Some(price("10")),
        volume: Some(7),
    };
    let other = Snapshot {
        symbol: symbol("GLD"),
        ..base
    };
    let save = async |snapshot| {
        snapshots::upsert_many(db, &[snapshot, other])
            .await
            .unwrap();
    };
    each_field!(db, "hourly_snapshots", base, save, also [""], {
        date: day("2026-01-08"),
        hour: 10,
        price: None,
        volume: Some(8),
    });
    let base = Return {
        symbol: symbol("SPY"),
        date: day("2026-01-07"),
        log_return: dec("0.25"),
    };
    let other = Return {
        symbol: symbol("GLD"),
        ..base
    };
    let save = async |one| {
        returns::upsert_daily(db, &[one, other]).await.unwrap();
    };
    each_field!(db, "daily_log_returns", base, save, also ["created_at"], { log_return: dec("-0.5") });
    let save = async |one: Return| {
        returns::upsert_7day(db, &[one, other]).await.unwrap();
    };
    save(base).await;
    let before = rows(db, "rolling_7day_log_returns").await;
    save(Return {
        log_return: dec("1"),
        ..base
    })
    .await;
    let after = rows(db, "rolling_7day_log_returns").await;
    assert_eq!(
        Vec::from_iter(changed(&before, &after)),
        ["created_at", "log_return_7d"]
    );
}

#[tokio::test]
async fn results() {
    let db = &database().await;
    let base = WeeklyResult {
        account: account("GROQ"),
        week_id: week("2026-01-07"),
        weekly_return: Some(dec("0.5")),
        instrument: Some(symbol("SPY").into()),
        direction: Some(Direction::Short),
        entry_conviction: Some("-1.25".parse().unwrap()),
        entry_price: Some(price("689")),
        exit_price: Some(price("700")),
        calculated_at: now(),
    };
    let other = WeeklyResult {
        account: account("CHATGPT"),
        ..base.clone()
    };
    let save = async |one| {
        weekly::upsert_many(db, &[one, other.clone()])
            .await
            .unwrap();
    };
    let later = at("2026-02-01T00:00:00Z");
    each_field!(db, "weekly_performance", base, save, also ["updated_at"], {
        weekly_return: None,
        instrument: Some(symbol("GLD").into()),
        direction: Some(Direction::Long),
        entry_conviction: None,
        entry_price: Some(price("690")),
        exit_price: None,
        calculated_at: later,
    });

    let base = Performance {
        account: account("GROQ"),
        weeks_lookback: Some(Weeks::new(4).unwrap()),
        total_return: dec("0.5"),
        sharpe_ratio: Some(dec("1.5")),
        max_drawdown: Some(dec("-0.25")),
        volatility: Some(dec("0.75")),
        weeks_traded: 9,
        profitable_weeks: 4,
        win_rate: Some(dec("0.4")),
        avg_conviction: Some("0.5".parse().unwrap()),
        max_conviction: Some("2".parse().unwrap()),
        calculated_at: now(),
    };
    let other = Performance {
        account: account("CHATGPT"),
        ..base.clone()
    };
    let save = async |one| {
        performance::upsert_many(db, &[one, other.clone()])
            .await
            .unwrap();
    };
    each_field!(db, "account_performance", base, save, also ["updated_at"], {
        total_return: dec("-0.5"),
        sharpe_ratio: None,
        max_drawdown: Some(dec("-0.5")),
        volatility: None,
        weeks_traded: 10,
        profitable_weeks: 5,
        win_rate: None,
        avg_conviction: Some("1.5".parse().unwrap()),
        max_conviction: None,
        calculated_at: later,
    });

    let base = ConditionPerformance {
        condition_type: "volatility".parse().unwrap(),
        condition_value: "high".parse().unwrap(),
        account: account("GROQ"),
        weeks_in_condition: 3,
        avg_return: Some(dec("0.5")),
        avg_sharpe: Some(dec("1.5")),
        win_rate: Some(dec("0.25")),
        weeks_lookback: None,
        calculated_at: now(),
    };
    let other = ConditionPerformance {
        account: account("CHATGPT"),
        ..base.clone()
    };
    let save = async |one| {
        conditions::upsert_many(db, &[one, other.clone()])
            .await
            .unwrap();
    };
    each_field!(db, "market_condition_performance", base, save, also ["updated_at"], {
        weeks_in_condition: 4,
        avg_return: None,
        avg_sharpe: Some(dec("-1.5")),
        win_rate: None,
        calculated_at: later,
    });
}

#[tokio::test]
async fn what_the_council_made() {
    let db = &database().await;
    let base = Report {
        id: ReportId::generate(now()),
        week_id: week("2026-01-07"),
        provider: Provider::Perplexity,
        model: model("sonar"),
        natural_language: "calm".to_owned(),
        structured_json: document("RISK_ON"),
        status: ReportStatus::Error,
        error_message: Some("timed out".to_owned()),
        generated_at: Some(now()),
        created_at: now(),
    };
    let other = Report {
        id: ReportId::generate(now()),
        ..base.clone()
    };
    research::save(db, &other).await.unwrap();
    let save = async |report| research::save(db, &report).await.unwrap();
    each_field!(db, "research_reports", base, save, also [""], {
        week_id: week("2026-01-14"),
        provider: Provider::Gemini,
        model: model("flash"),
        natural_language: "wild".to_owned(),
        structured_json: document("RISK_OFF"),
        status: ReportStatus::Pending,
        error_message: None,
        generated_at: None,
    });

    let week = week("2026-01-07");
    let base = NewPitch {
        model: model("groq"),
        account: account("GROQ"),
        pitch_data: pitch(week, "groq", "SPY", "1"),
    };
    let other = NewPitch {
        model: model("gemini"),
        ..base.clone()
    };
    let later = at("2026-02-01T00:00:00Z");
    let save = async |one| {
        pitches::save(db, week, None, &[one, other.clone()], later)
            .await
            .unwrap();
    };
    pitches::save(db, week, None, &[base.clone(), other.clone()], now())
        .await
        .unwrap();
    let derived = ["updated_at", "conviction"];
    each_field!(db, "pm_pitches", base, save, also derived, {
        account: account("CHATGPT"),
        pitch_data: pitch(week, "groq", "SPY", "2"),
    });
    // The same again is no change, and no later one.
    let saved = async |time: &str| {
        let of_week = decision(week, "SPY", "1");
        db.transaction(async |tx| decisions::save(tx, week, None, &of_week, at(time)).await)
            .await
            .unwrap();
        rows(db, "chairman_decisions").await
    };
    let first = saved("2026-01-07T00:00:00Z").await;
    assert_eq!(saved("2026-01-08T00:00:00Z").await, first);
    let other = decision(week, "SPY", "2");
    db.transaction(async |tx| decisions::save(tx, week, None, &other, later).await)
        .await
        .unwrap();
    let found = changed(&first, &rows(db, "chairman_decisions").await);
    assert_eq!(Vec::from_iter(found), ["decision_data", "updated_at"]);
}

#[tokio::test]
async fn holdings_and_people() {
    let db = &database().await;
    let base = NewPosition {
        symbol: symbol("SPY"),
        direction: Direction::Long,
        quantity: "7".parse().unwrap(),
        avg_entry_price: price("10"),
        current_price: Some(price("11")),
    };
    let other = NewPosition {
        symbol: symbol("GLD"),
        ..base
    };
    let save = async |one| {
        positions::save(db, account("GROQ"), &[one, other], now())
            .await
            .unwrap();
    };
    each_field!(db, "account_positions", base, save, also [""], {
        direction: Direction::Short,
        quantity: "8".parse().unwrap(),
        avg_entry_price: price("12"),
        current_price: None,
    });

    let user = |name: &str| User {
        id: UserId::generate(now()),
        name: name.parse().unwrap(),
        email: format!("{name}@example.org").parse().unwrap(),
        active: true,
        age: Some(36),
        created_at: now(),
    };
    let (ada, bob) = (user("Ada"), user("Bob"));
    users::add_many(db, &[ada.clone(), bob]).await.unwrap();
    let changes = [
        (
            "name",
            Change {
                name: Some("Eve".parse().unwrap()),
                ..Change::default()
            },
        ),
        (
            "email",
            Change {
                email: Some("eve@example.org".parse().unwrap()),
                ..Change::default()
            },
        ),
        (
            "age",
            Change {
                age: Some(None),
                ..Change::default()
            },
        ),
    ];
    for (field, change) in changes {
        let before = rows(db, "users").await;
        users::change(db, ada.id, &change).await.unwrap();
        let found = changed(&before, &rows(db, "users").await);
        assert_eq!(Vec::from_iter(found), [field]);
    }
    let before = rows(db, "users").await;
    users::set_active(db, ada.id, false).await.unwrap();
    let found = changed(&before, &rows(db, "users").await);
    assert_eq!(Vec::from_iter(found), ["active"]);
}
