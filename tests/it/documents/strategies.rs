//! Valid documents of every shape, for property tests.

use std::{fmt::Display, str::FromStr};

use llm_trading_db::{
    documents::{
        AssetSetup, CalendarEvent, ConfidenceNotes, Decision, Dissent, Entry, Event, Exit, Extra,
        Lenient, LogData, MacroRegime, ModelInfo, MonitoringPlan, Narrative, NarrativeDetail,
        OneOrMany, OrderFailed, OrderPlaced, OrderRetried, OtherEvent, Pitch, PitchReview,
        PitchReviews, PitchV1, PitchV2, Research, Review, RiskProfile, Scores, SelectedTrade,
        TechnicalReading, TradableCandidate, WeeklyGraph,
    },
    types::{
        Account, Conviction, DecisionId, Direction, Instrument, PitchLabel, ReviewId, Symbol,
        WeekId,
    },
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use rust_decimal::Decimal;
use serde_json::Value;

/// A value of the type, or any text.
fn lenient<T: FromStr + Display + std::fmt::Debug>() -> impl Strategy<Value = Lenient<T>> {
    let words = select(vec![
        "SPY",
        "buy",
        "CHATGPT",
        "openai/gpt-5.1",
        "1W",
        "3d",
        "limit",
        "NONE",
    ]);
    prop_oneof![words.prop_map(str::to_owned), text()].prop_map(Lenient::of)
}

/// Any text that JSONB can hold.
fn text() -> impl Strategy<Value = String> {
    let odd = vec(
        any::<char>().prop_filter("JSONB has no U+0000", |c| *c != '\0'),
        0..12,
    );
    prop_oneof!["[A-Za-z ]{0,12}", odd.prop_map(String::from_iter)]
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    vec(text(), 0..4)
}

fn some_texts() -> impl Strategy<Value = Vec<String>> {
    vec(text(), 1..4)
}

/// Any JSON. Floats stay below where JSONB would write them as integers.
fn value() -> impl Strategy<Value = Value> {
    let float = (-1e15..1e15_f64).prop_filter("JSONB has no -0", |f| *f != 0.0);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        float.prop_map(Value::from),
        (1e-9..1e-3_f64).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec(("[a-z]{1,4}", inner), 0..3)
                .prop_map(|pairs| Value::Object(Extra::from_iter(pairs))),
        ]
    })
}

/// Keys that no type knows.
fn extra() -> impl Strategy<Value = Extra> {
    vec(("x_[a-z]{1,4}", value()), 0..3).prop_map(Extra::from_iter)
}

/// A number above zero, of up to 28 digits, trailing zeros included.
fn above_zero() -> impl Strategy<Value = Decimal> {
    let digits = prop_oneof![1..100_000_i128, 1..10_i128.pow(28)];
    (digits, 0..=28_u32).prop_map(|(digits, scale)| Decimal::from_i128_with_scale(digits, scale))
}

fn conviction() -> impl Strategy<Value = Conviction> {
    (-200..=200_i64).prop_map(|hundredths| Decimal::new(hundredths, 2).try_into().unwrap())
}

fn not_flat() -> impl Strategy<Value = Conviction> {
    conviction().prop_filter("a trade has a side", |c| *c != Conviction::ZERO)
}

fn symbol() -> impl Strategy<Value = Symbol> {
    "[A-Z][A-Z0-9.-]{0,9}".prop_filter_map("reserved", |text| text.parse().ok())
}

fn account() -> impl Strategy<Value = Account> {
    "[A-Z][A-Z0-9_]{0,19}".prop_map(|text| text.parse().unwrap())
}

fn week() -> impl Strategy<Value = WeekId> {
    (0..100_000_u64).prop_map(|days| {
        WeekId::containing(
            chrono::NaiveDate::MIN.max("1900-01-03".parse().unwrap()) + chrono::Days::new(days),
        )
    })
}

fn direction() -> impl Strategy<Value = Direction> {
    proptest::sample::select(Direction::ALL)
}

prop_compose! {
    fn model_info()(
        model_id in option::of(text()), account in option::of(account()), role in option::of(text()), extra in extra(),
    ) -> ModelInfo {
        ModelInfo { model_id, account, alpaca_id: None, role, extra }
    }
}

prop_compose! {
    fn trade()(
        week in week(), symbol in symbol(), conviction in not_flat(), bullets in some_texts(), events in texts(),
        limit in option::of(above_zero()), takes_profit in any::<bool>(), off in -1..=1_i64, extra in extra(),
        profile in proptest::sample::select(&[RiskProfile::Tight, RiskProfile::Base, RiskProfile::Wide][..]),
    ) -> PitchV2 {
        let mut pitch = PitchV2::trade(week, "model", symbol, conviction, profile, bullets);
        pitch.entry_policy.limit_price = limit;
        if let Some(exit) = &mut pitch.exit_policy {
            exit.exit_before_events = events;
            exit.stop_loss_pct = exit.stop_loss_pct.map(|pct| pct + Decimal::new(off, 4));
            exit.take_profit_pct = exit.take_profit_pct.filter(|_| takes_profit);
            exit.extra = extra;
        }
        pitch
    }
}

prop_compose! {
    fn v2()(
        pitch in prop_oneof![
            trade(),
            (week(), some_texts()).prop_map(|(week, bullets)| PitchV2::flat(week, "model", bullets)),
        ],
        idea_id in option::of(text()), asof_et in text(), risk_notes in text(), model_info in option::of(model_info()),
        consensus in option::of(vec((text(), text()), 0..3)), timestamp in option::of(text()), extra in extra(),
        horizon in lenient(), model in option::of(lenient()),
    ) -> Pitch {
        let consensus_map = consensus.map(FromIterator::from_iter);
        PitchV2 {
            idea_id, asof_et, risk_notes, model_info, consensus_map, timestamp, extra, horizon, model, ..pitch
        }
        .into()
    }
}

prop_compose! {
    fn reading()(name in text(), value in value(), interpretation in text(), extra in extra()) -> TechnicalReading {
        TechnicalReading { name, value, interpretation, extra }
    }
}

prop_compose! {
    fn v1()(
        week_id in week(), symbol in symbol(), conviction in conviction(), thesis_bullets in some_texts(),
        idea_id in option::of(text()), entry_price in option::of(above_zero()), exit_event in option::of(text()),
        indicators in vec(reading(), 0..3), invalidation in option::of(text()), extra in extra(),
        horizon in option::of(lenient()), model in option::of(lenient()), entry_mode in option::of(lenient()),
    ) -> Pitch {
        let direction = conviction.direction();
        let flat = direction == Direction::Flat;
        PitchV1 {
            idea_id, week_id, model, direction, horizon, thesis_bullets, conviction,
            instrument: if flat { Instrument::Flat } else { symbol.into() },
            entry_mode, entry_price, risk_profile: flat.then_some(RiskProfile::None),
            exit_event, indicators, invalidation, timestamp: None, extra,
        }
        .into()
    }
}

pub(super) fn pitch() -> impl Strategy<Value = Pitch> {
    prop_oneof![v2(), v1()]
}

prop_compose! {
    pub(super) fn review()(
        marks in proptest::array::uniform7(1..=10_u8), label in 0..26_usize, against in text(), flip in text(),
        fix in option::of(text()), averaged in any::<bool>(), extra in extra(),
    ) -> Review {
        let mut review = Review::new(PitchLabel::nth(label).unwrap(), Scores::new(marks).unwrap(), &against, &flip);
        review.average_score = review.average_score.filter(|_| averaged);
        review.suggested_fix = fix;
        review.extra = extra;
        review
    }
}

prop_compose! {
    fn pitch_review()(
        id in any::<u128>(), reviewer in "[A-Za-z0-9][A-Za-z0-9._:/-]{0,20}", label in 0..26_usize, review_data in review(), extra in extra(),
    ) -> PitchReview {
        PitchReview {
            id: ReviewId::from_uuid(uuid::Uuid::from_u128(id)),
            reviewer_model: reviewer.parse().unwrap(),
            pitch_label: PitchLabel::nth(label).unwrap(),
            review_data,
            extra,
        }
    }
}

pub(super) fn pitch_reviews() -> impl Strategy<Value = PitchReviews> {
    vec(pitch_review(), 0..4).prop_map(PitchReviews)
}

prop_compose! {
    fn dissent()(model in option::of(lenient()), key_concern in option::of(text()), extra in extra()) -> Dissent {
        Dissent { pitch_id: None, model, key_concern, extra }
    }
}

prop_compose! {
    pub(super) fn decision()(
        id in any::<u128>(), week in week(), symbol in symbol(), conviction in conviction(), rationale in text(),
        checkpoints in some_texts(), triggers in some_texts(), watch_conditions in texts(),
        dissent_summary in vec(dissent(), 0..3), account in option::of(account()), fallback in any::<bool>(), extra in extra(),
    ) -> Decision {
        let trade = SelectedTrade::new(symbol.into(), conviction);
        let plan = MonitoringPlan {
            checkpoints,
            invalidation_triggers: if fallback { Vec::new() } else { triggers },
            watch_conditions,
            ..MonitoringPlan::default()
        };
        let rationale = format!("{rationale} for good reason");
        let id = DecisionId::from_uuid(uuid::Uuid::from_u128(id));
        let decision = Decision::new(id, week, trade, conviction, &rationale, plan);
        Decision { dissent_summary, account, fallback, extra, ..decision }
    }
}

fn narrative() -> impl Strategy<Value = Narrative> {
    let detail = (text(), texts(), extra()).prop_map(|(name, why_this_week, extra)| {
        let falsifiers_this_week = Vec::new();
        Narrative::Detail(Box::new(NarrativeDetail {
            name,
            why_this_week,
            falsifiers_this_week,
            extra,
        }))
    });
    prop_oneof![text().prop_map(Narrative::Name), detail]
}

prop_compose! {
    fn setup()(ticker in "[A-Z]{1,4}|[a-z]{3,4}".prop_map(Lenient::of), this_week_drivers in texts(), extra in extra()) -> AssetSetup {
        AssetSetup { ticker, this_week_drivers, extra, ..AssetSetup::default() }
    }
}

prop_compose! {
    fn candidate()(ticker in option::of(lenient()), instrument in option::of(lenient()), extra in extra()) -> TradableCandidate {
        TradableCandidate { ticker, instrument, directional_bias: None, extra }
    }
}

prop_compose! {
    fn calendar_event()(
        event in text(), date in option::of(text()), impact in option::of(text()), affected_assets in vec(lenient(), 0..3),
        extra in extra(),
    ) -> CalendarEvent {
        CalendarEvent { event, date, impact, affected_assets, extra, ..CalendarEvent::default() }
    }
}

fn confidence_notes() -> impl Strategy<Value = ConfidenceNotes> {
    let unknowns = prop_oneof![
        text().prop_map(OneOrMany::One),
        texts().prop_map(OneOrMany::Many)
    ];
    (option::of(unknowns), texts(), extra()).prop_map(
        |(known_unknowns, data_quality_flags, extra)| ConfidenceNotes {
            known_unknowns,
            data_quality_flags,
            extra,
        },
    )
}

prop_compose! {
    pub(super) fn research()(
        risk_mode in option::of(option::of(text())), top_narratives in vec(narrative(), 0..3),
        asset_setups in vec(setup(), 0..3), tradable_candidates in vec(candidate(), 0..3),
        event_calendar in vec(calendar_event(), 0..3), event_calendar_next_7d in vec(calendar_event(), 0..2),
        entities in vec((text(), texts()), 0..3), confidence_notes in option::of(confidence_notes()),
        graph in option::of((vec(extra(), 0..3), vec(extra(), 0..3))), error in option::of(text()), extra in extra(),
    ) -> Research {
        Research {
            macro_regime: risk_mode.map(|risk_mode| MacroRegime { risk_mode, ..MacroRegime::default() }),
            top_narratives, consensus_map: None, asset_setups, tradable_candidates, event_calendar, event_calendar_next_7d,
            named_entities: entities.into_iter().collect(), confidence_notes,
            weekly_graph: graph.map(|(nodes, edges)| WeeklyGraph { nodes, edges, extra: Extra::new() }),
            error, extra,
        }
    }
}

prop_compose! {
    fn order_placed()(
        trade_id in text(), symbol in option::of(lenient()), side in lenient(), qty in above_zero(), order_id in option::of(text()),
        limit_price in option::of(above_zero()), take_profit_price in option::of(above_zero()),
        stop_loss_price in option::of(above_zero()), attempt in option::of(any::<u32>()), direction in option::of(direction()),
        conviction in option::of(conviction().prop_map(Conviction::value)), extra in extra(),
    ) -> Event {
        OrderPlaced {
            trade_id, symbol, side, qty, order_id, limit_price, take_profit_price, stop_loss_price, attempt, direction,
            conviction, extra,
        }
        .into()
    }
}

prop_compose! {
    fn order_trouble()(
        trade_id in text(), symbol in option::of(lenient()), direction in option::of(direction()), error in text(),
        error_type in option::of(text()), attempts in any::<u32>(), final_try in any::<bool>(),
        qty in option::of(above_zero()), extra in extra(),
    ) -> Event {
        if final_try {
            let attempts = Some(attempts);
            OrderFailed { trade_id, symbol, error, direction, attempts, error_type, qty, conviction: None, extra }.into()
        } else {
            OrderRetried { trade_id, symbol, direction, attempt: attempts, error, error_type, extra }.into()
        }
    }
}

pub(super) fn event() -> impl Strategy<Value = Event> {
    let entry = (above_zero(), conviction(), option::of(symbol()), extra()).prop_map(
        |(price, conviction, symbol, extra)| {
            let instrument = symbol.map(Instrument::from);
            Event::from(Entry {
                instrument,
                extra,
                ..Entry::new(price, conviction)
            })
        },
    );
    let exit =
        (above_zero(), extra()).prop_map(|(price, extra)| Event::from(Exit { price, extra }));
    let other = ("x_[a-z_]{0,40}", extra()).prop_map(|(name, body)| {
        Event::Other(OtherEvent {
            event_type: name.parse().unwrap(),
            body,
        })
    });
    prop_oneof![entry, exit, order_placed(), order_trouble(), other]
}

pub(super) fn log() -> impl Strategy<Value = LogData> {
    vec((text(), value()), 0..4).prop_map(|pairs| {
        pairs
            .iter()
            .fold(LogData::default(), |data, (name, value)| {
                data.with(name, value).unwrap()
            })
    })
}
