//! A document passes its domain if and only if it can be decoded: every place of every golden is spoiled in many ways, and both
//! the database and the reader are asked.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{FutureExt, future::BoxFuture};
use llm_trading_db::documents::{Content, Document};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use super::{Visit, connect, visit_goldens};

/// Stands where the spoiled value goes, since a `Value` cannot hold all of them.
const HERE: &str = "@@here@@";

/// Values as JSON text that a place may get: of other types, in other forms, and just beside what fits.
fn spoilers() -> Vec<String> {
    const NUMBERS: &[&str] = &[
        "0",
        "-0",
        "1",
        "-1",
        "2",
        "2.01",
        "-2.00",
        "1.125",
        "1.50",
        "7",
        "7.0",
        "7e0",
        "10",
        "11",
        "1e2",
        "1E-2",
        "0.0001",
        "4294967295",
        "4294967296",
        "-4294967296",
        "18446744073709551616",
        "1e28",
        "1e29",
        "1e30",
        "1e-28",
        "1e-29",
        "79228162514264337593543950335",
        "79228162514264337593543950336",
        "7.9228162514264337593543950335",
        "7.92281625142643375935439503350",
        "-79228162514264337593543950335",
        "1e308",
        "-1e308",
        "1e309",
        "1e400",
        "-1e400",
        "1e-400",
        "1e5000",
        "1e200000",
        "1e-200000",
        "1e99999999999999999999",
    ];
    const TEXTS: &[&str] = &[
        "",
        " ",
        "a",
        "LONG",
        "LONG\n",
        "long",
        "FLAT",
        "NONE",
        "TIGHT",
        "SPY",
        "SPY\n",
        "spy",
        "ABCDEFGHIJK",
        "CHATGPT",
        "limit",
        "chatgpt",
        "Pitch B",
        "Pitch B\n",
        "Pitch BB",
        "2026-02-11",
        "2026-02-11\n",
        "2026-02-12",
        "2026-02-31",
        "2024-02-28",
        "0001-01-03",
        "0000-12-27",
        "0000-01-05",
        "9999-12-22",
        "9999-12-29",
        "10000-01-05",
        "2026-2-11",
        "infinity",
        "ENTRY",
        "EXIT",
        "VOID",
        "CORRECTION",
        "order_placed",
        "order_retried",
        "order_failed",
        "baseline_account_skipped",
        "account_validation_error",
        "entry",
        "order filled",
        "1.5",
        "-1.5",
        "1.",
        ".5",
        "+1",
        "01",
        "1_000",
        "1e2",
        "NaN",
        "Infinity",
        "0.00000000000000000000000000001",
        "79228162514264337593543950336",
        "true",
        "null",
        "{}",
        "01890a5d-ac96-774b-bcce-b302099a8057",
        "01890A5D-AC96-774B-BCCE-B302099A8057",
        "01890a5dac96774bbcceb302099a8057",
    ];
    const OTHERS: &[&str] = &[
        "null",
        "true",
        "false",
        "[]",
        "{}",
        "[null]",
        "[7]",
        "[\"a\"]",
        "[\"a\",7]",
        "[[]]",
        "[{}]",
        "{\"a\":\"b\"}",
        "{\"a\":7}",
        "{\"a\":null}",
        "[{\"name\":\"a\",\"value\":null,\"interpretation\":\"b\"}]",
        "[{\"name\":\"a\",\"interpretation\":\"b\"}]",
        "[{\"model\":7}]",
        "{\"TIGHT\":null}",
        "{\"ENTRY\":null}",
        "[\"ENTRY\"]",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "[1e400]",
        "{\"a\":{\"b\":-1e309}}",
        "{\"event_type\":\"EXIT\",\"price\":1}",
        "{\"event_type\":\"EXIT\",\"price\":0}",
        "{\"event_type\":\"VOID\",\"price\":1}",
        "{\"event_type\":\"ENTRY\",\"price\":1,\"direction\":\"LONG\",\"conviction\":2.5}",
        "{\"mode\":7}",
        "{\"account\":\"chatgpt\"}",
        "{\"account\":null}",
        "{\"time_stop_days\":-1}",
        "{\"checkpoints\":[7]}",
        "{\"checkpoints\":[],\"key_indicators\":{}}",
    ];
    let mut all: Vec<String> = [NUMBERS, OTHERS]
        .concat()
        .iter()
        .map(|text| (*text).to_owned())
        .collect();
    all.extend(
        TEXTS
            .iter()
            .map(|text| serde_json::to_string(text).unwrap()),
    );
    // A number with more zeros than a decimal can hold.
    all.extend((26..=30).map(|zeros| format!("1.5{}", "0".repeat(zeros))));
    // Around the depth at which the parser gives up, wherever the place is.
    for depth in [124, 125, 126, 127, 128, 200] {
        all.push(format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
        all.push(format!("{}7{}", "[".repeat(depth), "]".repeat(depth)));
        all.push(format!(
            "{}{{}}{}",
            "{\"a\":".repeat(depth - 1),
            "}".repeat(depth - 1)
        ));
    }
    all
}

/// Every place in a document.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(key, value)| pointers(value, &format!("{at}/{key}"), found)),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .for_each(|(n, value)| pointers(value, &format!("{at}/{n}"), found)),
        _ => {}
    }
}

/// The golden with a place set to the mark, as text.
fn marked(whole: &Value, pointer: &str) -> String {
    let mut json = whole.clone();
    *json.pointer_mut(pointer).unwrap() = Value::from(HERE);
    json.to_string()
}

/// What a golden becomes by one change, at each place that no golden of the same form had before.
fn spoiled(json: &str, seen: &mut BTreeSet<String>) -> BTreeSet<String> {
    let whole: Value = serde_json::from_str(json).unwrap();
    let mut places = Vec::new();
    pointers(&whole, "", &mut places);
    places.retain(|place| seen.insert(place.clone()));
    let spoilers = spoilers();
    let mark = format!("\"{HERE}\"");
    let mut all = BTreeSet::from([json.to_owned()]);
    for place in &places {
        let text = marked(&whole, place);
        all.extend(spoilers.iter().map(|spoiler| text.replace(&mark, spoiler)));
        let Some((parent, key)) = place.rsplit_once('/') else {
            continue;
        };
        let mut without = whole.clone();
        match without.pointer_mut(parent).unwrap() {
            Value::Object(map) => {
                map.remove(key).unwrap();
            }
            Value::Array(list) => {
                list.remove(key.parse().unwrap());
            }
            _ => unreachable!("only a list or an object has parts"),
        }
        all.insert(without.to_string());
        if parent.is_empty() {
            // The same key twice: the database keeps the last.
            for spoiler in ["null", "7", "\"a\""] {
                all.insert(json.replacen('{', &format!("{{\"{key}\":{spoiler},"), 1));
                all.insert(format!(
                    "{},\"{key}\":{spoiler}}}",
                    json.trim_end().trim_end_matches('}')
                ));
            }
        }
    }
    // A key that nobody knows.
    for spoiler in &spoilers {
        all.insert(json.replacen('{', &format!("{{\"nobody_knows\":{spoiler},"), 1));
    }
    all
}

/// What the database says of a text: nothing if it is no JSONB, else the JSONB and whether it passes the domain.
async fn functions(connection: &mut PgConnection, domain: &str) {
    // No other error than that of the check: one would stop a migration that validates it.
    let sql = format!(
        "DROP FUNCTION IF EXISTS pg_temp.held, pg_temp.passes;
         CREATE FUNCTION pg_temp.held(given text) RETURNS jsonb LANGUAGE plpgsql AS $$
         BEGIN
             RETURN given::jsonb;
         EXCEPTION WHEN OTHERS THEN
             RETURN NULL;
         END $$;
         CREATE FUNCTION pg_temp.passes(given jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
         BEGIN
             PERFORM given::{domain};
             RETURN true;
         EXCEPTION WHEN check_violation THEN
             RETURN false;
         END $$;"
    );
    connection.execute(AssertSqlSafe(sql)).await.unwrap();
}

/// Where the domain and the reader differ.
async fn differences<C: Content>(
    connection: &mut PgConnection,
    name: &str,
    texts: &[String],
) -> Vec<String> {
    functions(connection, C::DOMAIN).await;
    let sql = "SELECT given, held, pg_temp.passes(held)
               FROM UNNEST($1::text[]) AS given, pg_temp.held(given) AS held";
    let rows = sqlx::query(sql)
        .persistent(false)
        .bind(texts)
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    let mut found = Vec::new();
    let mut outcomes = BTreeSet::new();
    let mut written = Vec::new();
    for row in rows {
        let given: String = row.get(0);
        if row
            .try_get::<Option<String>, _>(1)
            .is_ok_and(|held| held.is_none())
        {
            continue;
        }
        let passes: bool = row.get(2);
        outcomes.insert(passes);
        match (passes, row.try_get::<Document<C>, _>(1)) {
            (true, Err(error)) => found.push(format!(
                "{name}: passes, and cannot be decoded: {error}: {given}"
            )),
            (false, Ok(_)) => found.push(format!(
                "{name}: can be decoded, and does not pass: {given}"
            )),
            _ => {}
        }
        // What the program would store.
        if let Ok(document) = Document::<C>::from_json(&given) {
            written.push(serde_json::to_string(&document).unwrap());
        }
    }
    assert_eq!(outcomes.len(), 2, "{name}: all pass, or none does");
    let refused: Vec<String> = sqlx::query_scalar(
        "SELECT given FROM UNNEST($1::text[]) AS given WHERE pg_temp.passes(pg_temp.held(given)) IS NOT TRUE",
    )
    .persistent(false)
    .bind(&written)
    .fetch_all(connection)
    .await
    .unwrap();
    found.extend(
        refused
            .iter()
            .map(|given| format!("{name}: is valid, and does not pass: {given}")),
    );
    found
}

/// Compares one golden, whatever its content is.
type Compare =
    for<'c> fn(&'c mut PgConnection, &'c str, &'c [String]) -> BoxFuture<'c, Vec<String>>;

struct Collect(Vec<(String, String, Compare)>);

impl Visit for Collect {
    fn visit<C: Content + PartialEq + std::fmt::Debug + 'static>(
        &mut self,
        name: &str,
        json: &str,
    ) {
        self.0.push((
            name.to_owned(),
            json.to_owned(),
            |connection, name, texts| differences::<C>(connection, name, texts).boxed(),
        ));
    }
}

#[tokio::test]
async fn a_document_passes_its_domain_if_and_only_if_it_can_be_decoded() {
    let mut collect = Collect(Vec::new());
    visit_goldens(&mut collect);
    let mut connection = connect().await;
    let mut found = Vec::new();
    let mut seen: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (name, json, compare) in &collect.0 {
        let form = ["_flat", "_stage", "_fallback", "_old"]
            .iter()
            .find_map(|other| name.strip_suffix(other));
        let seen = seen.entry(form.unwrap_or(name)).or_default();
        let texts: Vec<String> = spoiled(json, seen).into_iter().collect();
        assert!(texts.len() > 100, "{name}: only {}", texts.len());
        found.extend(compare(&mut connection, name, &texts).await);
    }
    connection.close().await.unwrap();
    // The shortest say best what it is about.
    found.sort_by_key(String::len);
    found.truncate(25);
    assert!(found.is_empty(), "{}", found.join("\n"));
}
