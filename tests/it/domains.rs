//! A domain and its type have one rule: what the database accepts the program reads, and the other way round.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "casts to domains whose names come from the catalog"
)]

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

use llm_trading_db::types::{
    Account, AccountId, Amount, Balance, ConditionPerformanceId, ConditionType, ConditionValue,
    Conviction, Correlation, DecisionId, Direction, Email, EventId, EventType, FetchId,
    FetchStatus, FetchType, Instrument, Level, LogId, LogReturn, Model, PerformanceId, PitchId,
    PitchLabel, Price, ProblemId, Provider, Ratio, ReportId, ReportStatus, ReviewId, Share, Symbol,
    Usd, UserId, UserName, Volume, WeekId, Weeks,
};
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof},
    sample::select,
    strategy::ValueTree,
    test_runner::TestRunner,
};
use rust_decimal::Decimal;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::support;

/// What a type makes of a text: the text of its value.
type Read = fn(&str) -> Option<String>;

fn read<T: FromStr + Display>(text: &str) -> Option<String> {
    text.parse::<T>().ok().map(|value| value.to_string())
}

/// The type of each domain that is not of a document.
const TYPES: &[(&str, Read)] = &[
    ("account", read::<Account>),
    ("account_id", read::<AccountId>),
    ("amount", read::<Amount>),
    ("balance", read::<Balance>),
    ("condition_performance_id", read::<ConditionPerformanceId>),
    ("condition_type", read::<ConditionType>),
    ("condition_value", read::<ConditionValue>),
    ("conviction", read::<Conviction>),
    ("correlation", read::<Correlation>),
    ("decision_id", read::<DecisionId>),
    ("direction", read::<Direction>),
    ("email", read::<Email>),
    ("event_id", read::<EventId>),
    ("event_type", read::<EventType>),
    ("fetch_id", read::<FetchId>),
    ("fetch_status", read::<FetchStatus>),
    ("fetch_type", read::<FetchType>),
    ("instrument", read::<Instrument>),
    ("log_id", read::<LogId>),
    ("log_level", read::<Level>),
    ("log_return", read::<LogReturn>),
    ("model", read::<Model>),
    ("performance_id", read::<PerformanceId>),
    ("pitch_id", read::<PitchId>),
    ("pitch_label", read::<PitchLabel>),
    ("price", read::<Price>),
    ("provider", read::<Provider>),
    ("ratio", read::<Ratio>),
    ("report_id", read::<ReportId>),
    ("report_status", read::<ReportStatus>),
    ("problem_id", read::<ProblemId>),
    ("review_id", read::<ReviewId>),
    ("share", read::<Share>),
    ("symbol", read::<Symbol>),
    ("usd", read::<Usd>),
    ("user_id", read::<UserId>),
    ("user_name", read::<UserName>),
    ("volume", read::<Volume>),
    ("week_id", read::<WeekId>),
    ("weeks", read::<Weeks>),
];

/// Money that is entered is never rounded by its type; the digits of its domain round it.
const NEVER_ROUNDED: [&str; 4] = ["amount", "balance", "conviction", "price"];

/// A value as its base type has it, in the digits of the domain, and as the domain has it; NULL where one refuses it.
const CAST: &str = "
    CREATE FUNCTION pg_temp.cast_to(target text, value text) RETURNS text LANGUAGE plpgsql AS $$
    BEGIN
        EXECUTE format('SELECT %L::text::%s::text', value, target) INTO value;
        RETURN value;
    EXCEPTION WHEN OTHERS THEN
        RETURN NULL;
    END $$";

/// What the database makes of the values: in each pair the value of the base type and that of the domain.
async fn cast(
    connection: &mut PgConnection,
    domain: &str,
    values: &[String],
) -> Vec<(Option<String>, Option<String>)> {
    let sql = format!(
        "SELECT pg_temp.cast_to(format_type(typbasetype, typtypmod), given.value),
                pg_temp.cast_to(typname, given.value)
         FROM UNNEST($1::text[]) WITH ORDINALITY AS given (value, place)
         JOIN pg_type ON oid = '{domain}'::regtype
         ORDER BY given.place"
    );
    let pairs = sqlx::query_as(AssertSqlSafe(sql)).bind(values);
    pairs.fetch_all(connection).await.unwrap()
}

/// Texts that mean something to one domain or another.
fn words() -> Vec<&'static str> {
    let words = "SPY BRK.B FLAT NONE chatgpt openai/gpt-5.1 Pitch_A order_placed ann@example.org a@b a@b..c a@b@c.d @b.c
        a@b.c. LONG perplexity pending WARN WARNING Warning daily success 2026-01-07 2026-01-08 0001-01-03 0001-01-01
        9999-12-22 9999-12-29 10000-01-05 0001-01-05_BC infinity -infinity NaN Infinity 0 -0 1 2 -2 2.01 1.5 1.005
        0.00001 0.00005 1e3 1e400 1e-400 99999999.9999 99999999.99995 999999999999.99 999999999999.995 5200 5201
        9223372036854775807 9223372036854775808 1e28 123456789012345678901234567890
        01890a5d-ac96-774b-bcce-b302099a8057 01890a5d-ac96-774b-bcce-b302099a805";
    words.split_whitespace().collect()
}

/// Every character that is blank, and some that are not printed.
fn odd_characters() -> Vec<char> {
    let is_odd =
        |c: &char| c.is_whitespace() || c.is_control() || *c == '\u{200b}' || *c == '\u{feff}';
    ('\u{1}'..='\u{ffff}').filter(is_odd).collect()
}

fn text() -> impl Strategy<Value = String> {
    let word = select(words()).prop_map(|word| word.replace('_', " "));
    let character = prop_oneof![
        4 => select(" aZ09.-_:/@é".chars().collect::<Vec<_>>()),
        2 => select(odd_characters()),
        1 => any::<char>().prop_filter("no database holds U+0000", |c| *c != '\0'),
    ];
    let short = vec(character.clone(), 0..4).prop_map(String::from_iter);
    let around = (short.clone(), word.clone(), short.clone());
    let length = select(vec![
        1, 7, 8, 9, 10, 11, 19, 20, 21, 49, 50, 51, 63, 64, 65, 99, 100, 101, 249, 250, 251, 300,
    ]);
    let long = (length, character, select(vec!["", "@b.c", "@é.c"]));
    prop_oneof![
        3 => select(words()).prop_map(|word| word.replace('_', " ")),
        3 => around.prop_map(|(before, word, after)| before + &word + &after),
        2 => short,
        2 => long.prop_map(|(length, c, end)| c.to_string().repeat(length) + end),
    ]
}

fn number() -> impl Strategy<Value = String> {
    let digits = prop_oneof![-300..=300_i64, -1_000_000..=1_000_000_i64, any::<i64>()];
    let near = (
        select(vec![
            1_i64,
            2,
            5200,
            99_999_999,
            999_999,
            9_999,
            9_999_999_999,
            999_999_999_999,
        ]),
        -2..=2_i64,
    );
    let edge = near.prop_map(|(limit, off)| Decimal::from(limit) + Decimal::new(off, 5));
    let decimal = prop_oneof![
        (digits, 0..=12_u32).prop_map(|(digits, scale)| Decimal::new(digits, scale)),
        edge.prop_map(|n| n),
    ];
    let sign = prop_oneof![Just(Decimal::ONE), Just(-Decimal::ONE)];
    (decimal, sign).prop_map(|(number, sign)| (number * sign).to_string())
}

fn date() -> impl Strategy<Value = String> {
    let year = prop_oneof![1..=3_u32, 1900..2100_u32, 9998..=10_001_u32];
    (
        year,
        1..=12_u32,
        1..=31_u32,
        select(vec!["", "", "", " BC"]),
    )
        .prop_map(|(year, month, day, era)| format!("{year:04}-{month:02}-{day:02}{era}"))
}

fn uuid() -> impl Strategy<Value = String> {
    any::<u128>().prop_map(|bits| uuid::Uuid::from_u128(bits).to_string())
}

fn values() -> Vec<String> {
    let value = prop_oneof![4 => text(), 2 => number(), 2 => date(), 1 => uuid()];
    let mut runner = TestRunner::deterministic();
    let mut values: Vec<String> = (0..1_500)
        .map(|_| value.new_tree(&mut runner).unwrap().current())
        .chain(words().into_iter().map(|word| word.replace('_', " ")))
        .collect();
    values.sort();
    values.dedup();
    values
}

fn same(a: &str, b: &str) -> bool {
    match (a.parse::<Decimal>(), b.parse::<Decimal>()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

/// What is wrong with the verdicts on one value.
fn difference(
    domain: &str,
    read: Read,
    text: &str,
    base: Option<&str>,
    stored: Option<&str>,
) -> Option<&'static str> {
    let typed = read(text);
    match (base, stored) {
        (_, Some(stored)) if read(stored).is_none() => Some("is stored and cannot be read"),
        (Some(base), None) if read(base).is_some() => Some("is read and cannot be stored"),
        (_, Some(stored)) => match typed {
            Some(typed) if same(&typed, stored) => None,
            // NONE is an older word for FLAT.
            Some(typed) if domain == "instrument" && (text, &*typed) == ("NONE", "FLAT") => None,
            Some(_) => Some("is stored as another value"),
            None if NEVER_ROUNDED.contains(&domain) && !same(text, stored) => None,
            // The base type also knows other spellings of the same value.
            None if text == stored => Some("is stored and cannot be typed"),
            None => None,
        },
        (_, None) => typed.map(|_| "is typed and cannot be stored"),
    }
}

/// How many differences of a domain a failure shows.
const SHOWN: usize = 5;

#[tokio::test]
async fn a_domain_and_its_type_accept_the_same_values() {
    let options = support::database_options().await;
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    connection.execute(CAST).await.unwrap();
    let domains: Vec<String> = sqlx::query_scalar(
        "SELECT typname::text
         FROM pg_type
         WHERE typtype = 'd' AND typbasetype <> 'jsonb'::regtype AND typnamespace = 'public'::regnamespace
         ORDER BY typname",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let types: BTreeMap<&str, Read> = TYPES.iter().copied().collect();
    assert_eq!(
        domains,
        types.keys().copied().collect::<Vec<_>>(),
        "each domain has a type here"
    );
    let values = values();
    let mut differences = Vec::new();
    for (domain, read) in types {
        let verdicts = cast(&mut connection, domain, &values).await;
        let accepted = verdicts
            .iter()
            .filter(|(_, stored)| stored.is_some())
            .count();
        assert!(
            accepted > 0 && accepted < values.len(),
            "{domain} accepts {accepted}"
        );
        let found = values
            .iter()
            .zip(verdicts)
            .filter_map(|(text, (base, stored))| {
                let what = difference(domain, read, text, base.as_deref(), stored.as_deref())?;
                Some(format!("{domain}: {text:?} {what} ({base:?}, {stored:?})"))
            });
        differences.extend(found.take(SHOWN));
    }
    assert!(differences.is_empty(), "{differences:#?}");
}
