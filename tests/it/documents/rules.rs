//! What a document refuses: the message names the field and says why, and repeats no value.

use llm_trading_db::{
    documents::{
        Content, Decision, Document, Event, Exit, Lenient, LogData, OtherEvent, Pitch,
        PitchDocument, PitchReviews, Research, Review, RiskProfile,
    },
    error::Error,
    types::Symbol,
};
use serde_json::{Value, json};

use super::{Visit, connect, golden, visit_goldens};
use crate::fixtures::symbol;

/// A golden document with `value` at `pointer`.
fn with<C: Content>(name: &str, pointer: &str, value: Value) -> Result<Document<C>, Error> {
    let mut json: Value = serde_json::from_str(golden(name)).unwrap();
    match json.pointer_mut(pointer) {
        Some(place) => *place = value,
        None => {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            json.pointer_mut(parent).unwrap()[key] = value;
        }
    }
    Ok(Document::from_json(&json.to_string())?)
}

#[track_caller]
fn accepts<C: Content>(name: &str, pointer: &str, value: Value) {
    with::<C>(name, pointer, value).unwrap();
}

/// Why it is refused.
fn refusal<C: Content>(name: &str, pointer: &str, value: Value) -> String {
    match with::<C>(name, pointer, value) {
        Ok(_) => panic!("{name}{pointer} is accepted"),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn refuses<C: Content>(name: &str, pointer: &str, value: Value, expected: &str) {
    let message = refusal::<C>(name, pointer, value);
    assert!(message.starts_with(expected), "{message}\n{expected}");
}

/// Rows from before the desk asked for them lack the time and the arguments: they stay readable, and nobody writes such a one.
#[test]
fn a_pitch_of_an_old_row_is_read_without_its_time_and_arguments() {
    let mut json: Value = serde_json::from_str(golden("pitch_v2")).unwrap();
    let keys = json.as_object_mut().unwrap();
    keys.remove("asof_et").unwrap();
    keys.remove("thesis_bullets").unwrap();
    let read = Pitch::parse(&json.to_string()).unwrap();
    assert!(read.thesis_bullets().is_empty());
    assert_eq!(serde_json::to_value(&read).unwrap(), json);
    let refused = PitchDocument::from_json(&json.to_string()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "pitch_document.thesis_bullets: needs at least one argument"
    );
}

#[test]
fn pitches() {
    let sign = "pitch_document.conviction: must be above zero for LONG, below zero for SHORT and zero for FLAT";
    refuses::<Pitch>("pitch_v2", "/conviction", json!(-1), sign);
    refuses::<Pitch>("pitch_v2", "/conviction", json!(0), sign);
    refuses::<Pitch>("pitch_v1", "/direction", json!("LONG"), sign);
    let range =
        "pitch_document.conviction: conviction: must be from -2 to 2 with at most two decimals";
    refuses::<Pitch>("pitch_v2", "/conviction", json!(2.5), range);
    refuses::<Pitch>("pitch_v2", "/conviction", json!(1.125), range);
    let number = "pitch_document.conviction: expected a number";
    refuses::<Pitch>("pitch_v2", "/conviction", json!(true), number);
    refuses::<Pitch>("pitch_v2", "/conviction", json!("1.5"), number);
    refuses::<Pitch>(
        "pitch_v2",
        "/direction",
        json!("SIDEWAYS"),
        "pitch_document.direction: direction: must be one of: LONG SHORT FLAT",
    );
    let flat = "pitch_document.direction: FLAT goes with the instrument FLAT and with no other";
    refuses::<Pitch>("pitch_v2_flat", "/selected_instrument", json!("SPY"), flat);
    refuses::<Pitch>("pitch_v2", "/selected_instrument", json!("FLAT"), flat);
    refuses::<Pitch>(
        "pitch_v2_flat",
        "/risk_profile",
        json!("BASE"),
        "pitch_document.risk_profile: must be NONE or absent when flat",
    );
    refuses::<Pitch>(
        "pitch_v2_flat",
        "/entry_policy/mode",
        json!("limit"),
        "pitch_document.entry_policy.mode: must be NONE or null",
    );
    refuses::<Pitch>(
        "pitch_v2_flat",
        "/exit_policy",
        json!({ "stop_loss_pct": 0.01 }),
        "pitch_document.exit_policy: must be null or empty",
    );
    refuses::<Pitch>(
        "pitch_v2",
        "/entry_policy/mode",
        json!("MOO"),
        "pitch_document.entry_policy.mode: must be limit for a trade",
    );
    refuses::<Pitch>(
        "pitch_v2",
        "/entry_policy/limit_price",
        json!(0),
        "pitch_document.entry_policy.limit_price: must be above zero",
    );
    refuses::<Pitch>(
        "pitch_v2",
        "/risk_profile",
        json!(null),
        "pitch_document.risk_profile: must be TIGHT, BASE or WIDE",
    );
    refuses::<Pitch>(
        "pitch_v2",
        "/exit_policy",
        json!(null),
        "pitch_document.exit_policy: is required for a trade",
    );
    refuses::<Pitch>(
        "pitch_v2",
        "/exit_policy/stop_loss_pct",
        json!(0.0152),
        "pitch_document.exit_policy.stop_loss_pct: must be 0.015 for",
    );
    refuses::<Pitch>(
        "pitch_v2",
        "/exit_policy/take_profit_pct",
        json!(0.0248),
        "pitch_document.exit_policy.take_profit_pct: must be 0.025 for",
    );
    refuses::<Pitch>(
        "pitch_v2",
        "/exit_policy/time_stop_days",
        json!(-7),
        "pitch_document.exit_policy.time_stop_days: expected u32",
    );
    refuses::<Pitch>(
        "pitch_v2",
        "/thesis_bullets",
        json!([]),
        "pitch_document.thesis_bullets: needs at least one argument",
    );
    refuses::<Pitch>(
        "pitch_v2",
        "/thesis_bullets/1",
        json!(5),
        "pitch_document.thesis_bullets[1]: expected a string",
    );
    refuses::<Pitch>(
        "pitch_v2",
        "/week_id",
        json!("unknown"),
        "pitch_document.week_id: week_id: must be a date",
    );
    refuses::<Pitch>(
        "pitch_v1",
        "/entry_price",
        json!(-1),
        "pitch_document.entry_price: must be above zero",
    );
    for (json, why) in [
        ("{}", "pitch_document: missing field"),
        ("7", "pitch_document: expected struct"),
        ("{} {}", "pitch_document: trailing characters"),
        ("\"{}\"", "pitch_document: expected struct"),
    ] {
        let message = PitchDocument::from_json(json).unwrap_err().to_string();
        assert!(message.starts_with(why), "{message}");
    }
}

#[test]
fn a_risk_profile_says_how_much_room_a_trade_gets() {
    let of = |profile: RiskProfile| {
        let percentages = profile.percentages();
        percentages.map(|(stop, profit)| (stop.to_string(), profit.to_string()))
    };
    let room = |stop: &str, profit: &str| Some((stop.to_owned(), profit.to_owned()));
    assert_eq!(of(RiskProfile::Tight), room("0.010", "0.015"));
    assert_eq!(of(RiskProfile::Base), room("0.015", "0.025"));
    assert_eq!(of(RiskProfile::Wide), room("0.020", "0.035"));
    assert_eq!(of(RiskProfile::None), None);
}

#[test]
fn a_lenient_value_is_known_if_it_is_of_its_type() {
    let known = |text: &str| Lenient::<Symbol>::of(text).known().copied();
    assert_eq!(known("SPY"), Some(symbol("SPY")));
    assert_eq!(known("spy"), None);
}

#[test]
fn the_reviews_of_a_pitch() {
    let refused = |pointer: &str, value, why: &str| {
        refuses::<PitchReviews>(
            "reviews",
            pointer,
            value,
            &format!("pitch_reviews_document.{why}"),
        );
    };
    refused(
        "/1/id",
        json!("01890A5D-AC96-774B-BCCE-B302099A8058"),
        "[1].id: expected an id, in lower case",
    );
    refused(
        "/0/reviewer_model",
        json!(""),
        "[0].reviewer_model: model: ",
    );
    refused(
        "/1/pitch_label",
        json!("Pitch a"),
        "[1].pitch_label: pitch_label: 'Pitch A' to 'Pitch Z'",
    );
    refused(
        "/1/review_data/scores/clarity",
        json!(11),
        "[1].review_data.scores.clarity: ",
    );
    refused(
        "/0/review_data/average_score",
        json!(7.5),
        "[0].review_data.average_score: must be the mean of the scores, 7.43",
    );
}

#[test]
fn reviews() {
    let mark = "review_document.scores.clarity: ";
    refuses::<Review>(
        "review",
        "/scores/clarity",
        json!(11),
        &format!("{mark}score: must be a whole number from 1 to 10"),
    );
    refuses::<Review>("review", "/scores/clarity", json!(0), mark);
    refuses::<Review>(
        "review",
        "/scores/clarity",
        json!(7.5),
        &format!("{mark}expected u8"),
    );
    refuses::<Review>(
        "review",
        "/pitch_label",
        json!("Pitch Alpha"),
        "review_document.pitch_label: pitch_label: 'Pitch A' to 'Pitch Z'",
    );
    refuses::<Review>(
        "review",
        "/average_score",
        json!(7.42),
        "review_document.average_score: must be the mean of the scores, 7.43",
    );
}

#[test]
fn decisions() {
    refuses::<Decision>(
        "decision",
        "/conviction",
        json!(-1),
        "decision_document.conviction: must be above zero for LONG",
    );
    refuses::<Decision>(
        "decision",
        "/selected_trade/instrument",
        json!("FLAT"),
        "decision_document.selected_trade.instrument: must be a symbol",
    );
    refuses::<Decision>(
        "decision",
        "/selected_trade/horizon",
        json!("1y"),
        "decision_document.selected_trade.horizon: must be 1d, 3d or 1w",
    );
    refuses::<Decision>(
        "decision",
        "/rationale",
        json!("Too short"),
        "decision_document.rationale: needs at least ten characters",
    );
    // Ten characters, of more bytes.
    accepts::<Decision>("decision", "/rationale", json!("Währungen!"));
    refuses::<Decision>(
        "decision",
        "/monitoring_plan/checkpoints",
        json!([]),
        "decision_document.monitoring_plan.checkpoints: needs at least one",
    );
    refuses::<Decision>(
        "decision",
        "/monitoring_plan/invalidation_triggers",
        json!(null),
        "decision_document.monitoring_plan.invalidation_triggers: needs",
    );
    refuses::<Decision>(
        "decision_fallback",
        "/monitoring_plan/checkpoints",
        json!([]),
        "decision_document.monitoring_plan.checkpoints: needs",
    );
}

#[test]
fn events_and_reports() {
    refuses::<Event>(
        "event_entry",
        "/price",
        json!(0),
        "event_document.price: must be above zero",
    );
    refuses::<Event>(
        "event_exit",
        "/price",
        json!("92.1"),
        "event_document.price: expected a number",
    );
    refuses::<Event>(
        "event_entry",
        "/conviction",
        json!(-1.5),
        "event_document.conviction: must be above zero for LONG",
    );
    refuses::<Event>(
        "event_order_placed",
        "/stop_loss_price",
        json!("-1"),
        "event_document.stop_loss_price: must be above zero",
    );
    refuses::<Event>(
        "event_order_placed",
        "/stop_loss_price",
        json!("low"),
        "event_document.stop_loss_price: expected a price",
    );
    refuses::<Event>(
        "event_other",
        "/event_type",
        json!("order filled"),
        "event_document.event_type: event_type: one to fifty",
    );
    let exit = OtherEvent {
        event_type: "EXIT".parse().unwrap(),
        body: serde_json::Map::new(),
    };
    let message = Document::new(Event::Other(exit)).unwrap_err().to_string();
    assert!(
        message.starts_with("event_document: missing field `price`"),
        "{message}"
    );
    refuses::<Research>(
        "research",
        "/asset_setups/0/ticker",
        json!(""),
        "research_document.asset_setups[0].ticker: must not be empty",
    );
}

#[test]
fn what_could_not_be_read_back_is_refused() {
    let mut exit = Exit::new(1.into());
    exit.extra.insert("price".to_owned(), json!(-5));
    let message = Document::new(Event::from(exit)).unwrap_err().to_string();
    assert!(
        message.starts_with("event_document") && message.contains("duplicate field `price`"),
        "{message}"
    );

    let mut report = Research {
        error: Some("timeout".to_owned()),
        ..Research::default()
    };
    report.extra.insert("error".to_owned(), json!("none"));
    let message = Document::new(report).unwrap_err().to_string();
    assert!(
        message.starts_with("research_document: duplicate field"),
        "{message}"
    );

    let nul = "must not contain U+0000, which JSONB cannot hold";
    refuses::<Review>(
        "review",
        "/suggested_fix",
        json!("a\0b"),
        &format!("review_document: {nul}"),
    );
    let report = Research {
        error: Some("\0".to_owned()),
        ..Research::default()
    };
    assert_eq!(
        Document::new(report).unwrap_err().to_string(),
        format!("research_document: {nul}")
    );
    let error = LogData::default().with("name", ["\0"]).unwrap_err();
    assert_eq!(error.to_string(), format!("name: {nul}"));
}

/// What must not show up, whatever place of a document it stands at.
const SECRET: &str = "hunter2, expected hunter2";

/// Every document that a golden becomes with a wrong value at one place.
fn spoiled(json: &str) -> Vec<String> {
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
    let whole: Value = serde_json::from_str(json).unwrap();
    let mut found = Vec::new();
    pointers(&whole, "", &mut found);
    let wrong = [
        json!(SECRET),
        json!([SECRET]),
        json!({ "key": SECRET }),
        json!({ SECRET: 7 }),
    ];
    let spoil = |pointer: &String| {
        let whole = whole.clone();
        wrong.clone().map(|value| {
            let mut json = whole.clone();
            *json.pointer_mut(pointer).unwrap() = value;
            json.to_string()
        })
    };
    found.iter().flat_map(spoil).collect()
}

#[test]
fn no_value_shows_up_in_a_message() {
    struct Spoil(usize);
    impl Visit for Spoil {
        fn visit<C: Content + PartialEq + std::fmt::Debug>(&mut self, name: &str, json: &str) {
            for json in spoiled(json) {
                if let Err(error) = Document::<C>::from_json(&json) {
                    self.0 += 1;
                    assert!(
                        !format!("{error} {error:?}").contains("hunter2"),
                        "{name}: {error}"
                    );
                }
            }
        }
    }
    let mut spoil = Spoil(0);
    visit_goldens(&mut spoil);
    assert!(spoil.0 > 200, "only {} were refused", spoil.0);
}

#[tokio::test]
async fn a_row_that_does_not_fit_is_an_error_without_its_values() {
    let mut connection = connect().await;
    let json = golden("pitch_v2").replace("\"2026-02-11\"", &format!("\"{SECRET}\""));
    let read = sqlx::query_scalar::<_, PitchDocument>("SELECT $1::text::jsonb")
        .bind(&json)
        .fetch_one(&mut connection)
        .await;
    let error = Error::from(read.unwrap_err());
    assert!(matches!(error, Error::Decode(_)), "{error:?}");
    let message = format!("{error} {error:?}");
    assert!(message.contains("pitch_document.week_id"), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

#[tokio::test]
async fn a_row_that_breaks_a_later_rule_can_still_be_read() {
    let mut connection = connect().await;
    let json =
        golden("pitch_v2_flat").replace("\"FLAT\",\n  \"direction\"", "\"SPY\",\n  \"direction\"");
    assert!(PitchDocument::from_json(&json).is_err());
    let read = sqlx::query_scalar::<_, PitchDocument>("SELECT $1::text::jsonb::pitch_document")
        .bind(&json)
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(read.instrument().as_str(), "SPY");
}
