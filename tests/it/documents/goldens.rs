//! Documents as they are stored, one file each: reading one and writing it again changes nothing.

use llm_trading_db::{
    documents::{
        Content, Decision, DecisionDocument, DecisionForm, Document, Entry, EntryMode, Event,
        EventDocument, Exit, ExitPolicy, Extra, Horizon, Lenient, MonitoringPlan, Narrative,
        OneOrMany, OtherEvent, Pitch, PitchDocument, PitchV2, Research, ResearchDocument, Review,
        ReviewDocument, RiskProfile, Scores, SelectedTrade,
    },
    types::{
        Account, Conviction, Direction, Instrument, Model, OrderSide, PitchLabel, Symbol, WeekId,
    },
};
use rust_decimal::Decimal;
use serde_json::{Value, json, value::RawValue};

use super::{Visit, connect, golden, through_server, visit_goldens};

fn read<C: Content>(name: &str) -> Document<C> {
    Document::from_json(golden(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn conviction(text: &str) -> Conviction {
    text.parse().unwrap()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn extra(value: Value) -> Extra {
    serde_json::from_value(value).unwrap()
}

#[test]
fn every_golden_is_written_as_it_was_read() {
    struct Rewrite;
    impl Visit for Rewrite {
        fn visit<C: Content + PartialEq + std::fmt::Debug>(&mut self, name: &str, json: &str) {
            let document = read::<C>(name);
            let written = serde_json::to_string(&document).unwrap();
            let (left, right): (Value, Value) = (
                serde_json::from_str(&written).unwrap(),
                serde_json::from_str(json).unwrap(),
            );
            assert_eq!(left, right, "{name}");
            // The other ways in read the same.
            assert_eq!(serde_json::from_str::<Document<C>>(json).unwrap(), document);
            let content = serde_json::from_str::<C>(json).unwrap();
            assert_eq!(Document::new(content).unwrap(), document);
        }
    }
    visit_goldens(&mut Rewrite);
}

#[tokio::test]
async fn the_server_keeps_every_digit() {
    let mut connection = connect().await;
    let events = ["event_entry", "event_exit", "event_order_placed_stage"].map(read::<Event>);
    let back = through_server(&mut connection, &events).await;
    let text = |document| serde_json::to_string(document).unwrap();
    assert_eq!(
        back.iter().map(text).collect::<Vec<_>>(),
        events.each_ref().map(text)
    );
    assert!(text(&back[0]).contains(r#""price":91.3750,"#));
    assert!(text(&back[1]).contains(r#""price":92.10"#));

    let pitches = ["pitch_v2", "pitch_v1"].map(read::<Pitch>);
    let back = through_server(&mut connection, &pitches).await;
    assert_eq!(back, pitches);
    let json = serde_json::to_string(&back[0]).unwrap();
    assert!(json.contains(r#""limit_price":91.3750"#), "{json}");
    assert!(
        json.contains(r#""self_assessment":0.30000000000000004"#),
        "{json}"
    );
}

#[test]
fn a_pitch_is_built_in_a_few_lines() {
    let golden: PitchDocument = read("pitch_v2");
    let week: WeekId = "2026-02-11".parse().unwrap();
    let symbol = Symbol::new("TLT").unwrap();
    let bullets = golden.thesis_bullets().to_vec();
    let mut pitch = PitchV2::trade(
        week,
        "gpt-5.1",
        symbol,
        conviction("1.25"),
        RiskProfile::Base,
        bullets,
    );
    let Pitch::V2(stored) = golden.clone().into_inner() else {
        panic!("is no v2")
    };
    let exit = ExitPolicy {
        take_profit_pct: Some(decimal("0.0251")),
        exit_before_events: vec!["CPI".to_owned()],
        ..pitch.exit_policy.unwrap()
    };
    pitch.exit_policy = Some(exit);
    pitch.entry_policy.limit_price = Some(decimal("91.375"));
    pitch.idea_id = Some("rates-07".to_owned());
    pitch.asof_et = "2026-02-11T09:05:00-05:00".to_owned();
    pitch.risk_notes = "A hot print ends it".to_owned();
    pitch.consensus_map = stored.consensus_map.clone();
    pitch.model = Some(Lenient::of("chatgpt"));
    pitch.model_info = stored.model_info.clone();
    pitch.timestamp = stored.timestamp.clone();
    pitch.extra = extra(json!({
        "compliance_check": { "macro_only": true, "no_ta_language": true },
        "self_assessment": 0.1 + 0.2,
    }));
    assert_eq!(PitchDocument::new(pitch.into()).unwrap(), golden);
    assert_eq!(
        stored.model_info.unwrap().account,
        Account::new("CHATGPT").ok()
    );
}

#[test]
fn both_forms_of_a_pitch_read_alike() {
    for (name, instrument, direction, strength) in [
        ("pitch_v2", "TLT", Direction::Long, "1.25"),
        ("pitch_v2_flat", "FLAT", Direction::Flat, "0"),
        ("pitch_v1", "GLD", Direction::Short, "-0.5"),
        ("pitch_v1_flat", "NONE", Direction::Flat, "0"),
    ] {
        let pitch: PitchDocument = read(name);
        assert_eq!(
            pitch.instrument(),
            instrument.parse::<Instrument>().unwrap(),
            "{name}"
        );
        assert_eq!(pitch.direction(), direction, "{name}");
        assert_eq!(pitch.conviction(), conviction(strength), "{name}");
        assert_eq!(
            matches!(*pitch, Pitch::V1(_)),
            name.starts_with("pitch_v1"),
            "{name}"
        );
    }
}

#[test]
fn a_review_computes_its_average() {
    let golden: ReviewDocument = read("review");
    let mut scores = Scores::new([9, 6, 7, 8, 8, 4, 10]).unwrap();
    scores.extra = extra(json!({ "humility": 3 }));
    let mut review = Review::new(
        PitchLabel::nth(2).unwrap(),
        scores,
        "The auction may fail",
        "A second hot print",
    );
    review.review_id = Some("review-12".to_owned());
    review.reviewer_model = Some(Model::new("claude").unwrap().into());
    review.suggested_fix = Some("N/A".to_owned());
    review.timestamp = Some("2026-02-11T14:20:00".to_owned());
    assert_eq!(review.average_score, Some(decimal("7.43")));
    assert_eq!(ReviewDocument::new(review).unwrap(), golden);
}

#[test]
fn a_decision_has_two_forms() {
    let golden: DecisionDocument = read("decision");
    let strength = conviction("1.1");
    let trade = SelectedTrade::new(Symbol::new("TLT").unwrap().into(), strength);
    let plan = MonitoringPlan {
        checkpoints: vec!["09:00".to_owned(), "15:50".to_owned()],
        invalidation_triggers: vec!["Yield above 4.6 %".to_owned()],
        key_indicators: vec!["MOVE".to_owned()],
        ..MonitoringPlan::default()
    };
    let id = *golden.decision_id.known().unwrap();
    let rationale = "Four of five agree on duration";
    let mut decision = Decision::new(id, golden.week_id, trade, strength, rationale, plan);
    decision.dissent_summary = golden.dissent_summary.clone();
    decision.model = Some(Lenient::of("chairman"));
    decision.model_id = Some("anthropic/claude-opus-4-5".to_owned());
    decision.account = Some(Account::council());
    decision.alpaca_id = Some("PA0000000006".to_owned());
    decision.timestamp = Some("2026-02-11T14:30:00.5".to_owned());
    assert_eq!(DecisionDocument::new(decision).unwrap(), golden);
    assert_eq!(golden.form(), DecisionForm::Schema);

    let fallback: DecisionDocument = read("decision_fallback");
    assert_eq!(fallback.form(), DecisionForm::Fallback);
    assert_eq!(fallback.monitoring_plan.watch_conditions, ["Volatility"]);
}

/// Those that are tickers.
fn tickers(report: &Research) -> Vec<&str> {
    let known = report.tickers().filter_map(Lenient::known);
    known.map(Symbol::as_str).collect()
}

/// What is a closed set, a name or an id is of its type, in every form of a document.
#[test]
fn words_names_and_ids_inside_of_documents_are_typed() {
    let pitch: PitchDocument = read("pitch_v2");
    let Pitch::V2(pitch) = &*pitch else {
        panic!("the current form")
    };
    assert_eq!(pitch.horizon.known().map(|horizon| horizon.days()), Some(7));
    assert_eq!(pitch.entry_policy.mode, Some(EntryMode::Limit.into()));
    let model = pitch.model.as_ref().and_then(Lenient::known).unwrap();
    assert_eq!(model.as_str(), "chatgpt");
    let decision: DecisionDocument = read("decision");
    assert_eq!(decision.selected_trade.horizon, Horizon::ONE_WEEK.into());
    let model = decision.model.as_ref().and_then(Lenient::known).unwrap();
    assert_eq!(model.as_str(), "chairman");
    assert!(decision.decision_id.known().is_some());
    // A word of an old row is kept, and is none of the set.
    let mode: Lenient<EntryMode> = Lenient::of("MOO");
    assert_eq!((mode.known(), mode.to_string()), (None, "MOO".to_owned()));
    for text in ["1d", "3d", "1w", "1D", "3D", "1W"] {
        let horizon: Lenient<Horizon> = Lenient::of(text);
        assert!(horizon.known().is_some());
        assert_eq!(serde_json::to_value(&horizon).unwrap(), json!(text));
    }
}

#[test]
fn a_report_reads_alike_in_every_shape() {
    let report: ResearchDocument = read("research");
    assert_eq!(
        report
            .top_narratives
            .iter()
            .map(Narrative::name)
            .collect::<Vec<_>>(),
        ["Cuts are coming", "Supply"]
    );
    assert_eq!(tickers(&report), ["TLT"]);
    let notes = report.confidence_notes.clone().unwrap();
    assert_eq!(notes.known_unknowns.unwrap().as_slice(), ["Fiscal path"]);
    assert_eq!(report.weekly_graph.as_ref().unwrap().nodes.len(), 1);

    let old: ResearchDocument = read("research_old");
    assert_eq!(tickers(&old), ["SPY", "GLD"]);
    assert_eq!(
        old.events()
            .map(|event| event.event.as_str())
            .collect::<Vec<_>>(),
        ["NFP"]
    );
    assert!(matches!(
        old.confidence_notes.as_ref().unwrap().known_unknowns,
        Some(OneOrMany::Many(_))
    ));
    // Models write null where they have nothing,
    let nulls = r#"{"top_narratives":null,"asset_setups":null,"named_entities":null,"weekly_graph":{"nodes":null}}"#;
    assert!(ResearchDocument::from_json(nulls).unwrap().extra.is_empty());
    // and other shapes than they were asked for: what fits is read, and nothing is lost.
    let json =
        r#"{"error":"odd","event_calendar":{"monday":"CPI"},"top_narratives":["Cuts"],"x":1.5}"#;
    let odd = ResearchDocument::from_json(json).unwrap();
    assert_eq!(odd.top_narratives.len(), 1);
    assert_eq!(odd.extra["event_calendar"], json!({ "monday": "CPI" }));
    let written = serde_json::to_value(&odd).unwrap();
    assert_eq!(written, serde_json::from_str::<Value>(json).unwrap());
    assert_eq!(
        ResearchDocument::new(odd.clone().into_inner()).unwrap(),
        odd
    );
}

#[test]
fn events_are_told_apart_by_their_type() {
    for (name, event_type) in [
        ("event_entry", "ENTRY"),
        ("event_exit", "EXIT"),
        ("event_order_placed", "order_placed"),
        ("event_order_retried", "order_retried"),
        ("event_order_failed", "order_failed"),
        ("event_baseline_account_skipped", "baseline_account_skipped"),
        ("event_account_validation_error", "account_validation_error"),
        ("event_other", "order_filled"),
    ] {
        let event: EventDocument = read(name);
        assert_eq!(event.event_type().as_str(), event_type);
        assert_eq!(
            matches!(*event, Event::Other(_)),
            name == "event_other",
            "{name}"
        );
    }
    let mut entry = Entry::new(decimal("91.375"), conviction("1.5"));
    entry.instrument = Symbol::new("TLT").ok().map(Instrument::from);
    entry.extra = extra(json!({ "broker": "paper" }));
    assert_eq!(
        EventDocument::new(entry.into()).unwrap(),
        read("event_entry")
    );
    assert_eq!(
        EventDocument::new(Exit::new(decimal("92.1")).into()).unwrap(),
        read("event_exit")
    );
    let Event::OrderPlaced(order) = read::<Event>("event_order_placed").into_inner() else {
        panic!("is no order")
    };
    assert_eq!(
        (order.symbol, order.side),
        (
            Some(Symbol::new("SPY").unwrap().into()),
            OrderSide::Buy.into()
        )
    );
    assert_eq!(
        (order.take_profit_price, order.stop_loss_price),
        (Some(decimal("103")), Some(decimal("98.5")))
    );
}

#[test]
fn an_old_row_gets_its_type_from_the_column() {
    let raw = |json: &str| RawValue::from_string(json.to_owned()).unwrap();
    let import = |name: &str, json: &str| Event::from_parts(name.parse().unwrap(), &raw(json));
    let entry = import(
        "ENTRY",
        r#"{"price":91.3750,"direction":"LONG","conviction":1.5}"#,
    )
    .unwrap();
    assert_eq!(
        *entry,
        Event::from(Entry::new(decimal("91.375"), conviction("1.5")))
    );
    assert!(serde_json::to_string(&entry).unwrap().contains("91.3750"));

    let other = import("order_filled", r#"{"qty":1}"#).unwrap();
    let expected = OtherEvent {
        event_type: "order_filled".parse().unwrap(),
        body: extra(json!({ "qty": 1 })),
    };
    assert_eq!(*other, Event::Other(expected));

    assert!(import("EXIT", r#"{"event_type":"EXIT","price":1}"#).is_ok());
    let error = import("EXIT", r#"{"event_type":"ENTRY","price":1}"#).unwrap_err();
    assert_eq!(
        error.to_string(),
        "event_type: is another one inside the body"
    );
    assert!(import("EXIT", "[1]").is_err());
}
