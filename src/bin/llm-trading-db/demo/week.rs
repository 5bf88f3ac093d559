//! What the models make in the demo's week. The texts are invented, the prices are not.

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use llm_trading_db::{
    db::Db,
    documents::{
        Decision, DecisionDocument, Entry, Event, EventDocument, Exit, MacroRegime, MonitoringPlan,
        Narrative, PitchDocument, PitchV2, Research, ResearchDocument, Review, ReviewDocument,
        RiskProfile, Scores, SelectedTrade,
    },
    repo::{
        bars,
        events::NewEvent,
        pitches::{self, NewPitch},
        research::Report,
        reviews::{NewReview, Round},
    },
    service::council::CouncilWeek,
    types::{
        Account, Conviction, Direction, EventId, Instrument, Model, PitchLabel, Provider, ReportId,
        ReportStatus, Symbol, WeekId,
    },
};

/// Model, account, what it trades, how strongly, and why.
const PITCHES: [(&str, &str, Option<&str>, &str, &str); 4] = [
    (
        "chatgpt",
        "CHATGPT",
        Some("GOOG"),
        "1.5",
        "Earnings: search revenue beats, the range breaks upwards",
    ),
    (
        "claude",
        "CLAUDE",
        Some("IBM"),
        "1",
        "Rates: a steady dollar helps services abroad",
    ),
    (
        "gemini",
        "GEMINI",
        Some("AAPL"),
        "-1.25",
        "Growth: handset demand slows, estimates have to fall",
    ),
    (
        "groq",
        "GROQ",
        None,
        "0",
        "Policy: the sequester decides the week, and nobody knows",
    ),
];

/// Marks that the model in the row gives the pitch in the column; seven each, around this one.
const MARKS: [[u8; 4]; 4] = [[0, 7, 6, 5], [8, 0, 7, 6], [8, 7, 0, 4], [9, 6, 7, 0]];

/// An hour of the week's Wednesday, UTC.
pub fn instant(week: WeekId, hour: i64) -> Result<DateTime<Utc>> {
    let midnight = week.start().and_time(NaiveTime::MIN).and_utc();
    midnight
        .checked_add_signed(TimeDelta::hours(hour))
        .context("a week out of range")
}

/// The week as the council makes it.
pub fn council(week: WeekId) -> Result<CouncilWeek> {
    let at = instant(week, 12)?;
    Ok(CouncilWeek {
        research: vec![
            report(week, Provider::Perplexity, at)?,
            report(week, Provider::Gemini, at)?,
        ],
        pitches: PITCHES
            .iter()
            .map(|pitch| new_pitch(week, pitch))
            .collect::<Result<_>>()?,
        round: round(week, at)?,
        decision: decision(week)?,
    })
}

fn report(week: WeekId, provider: Provider, at: DateTime<Utc>) -> Result<Report> {
    let structured = Research {
        macro_regime: Some(MacroRegime {
            risk_mode: Some("NEUTRAL".to_owned()),
            rates_impulse: Some("RANGE".to_owned()),
            ..MacroRegime::default()
        }),
        top_narratives: vec![
            Narrative::Name("Budget cuts".to_owned()),
            Narrative::Name("Earnings".to_owned()),
        ],
        ..Research::default()
    };
    Ok(Report {
        id: ReportId::generate(at),
        week_id: week,
        provider,
        model: Model::new("research-demo")?,
        natural_language: "A calm market waits for Washington.".to_owned(),
        structured_json: ResearchDocument::new(structured)?,
        status: ReportStatus::Complete,
        error_message: None,
        generated_at: Some(at),
        created_at: at,
    })
}

fn new_pitch(week: WeekId, pitch: &(&str, &str, Option<&str>, &str, &str)) -> Result<NewPitch> {
    let (model, account, symbol, conviction, thesis) = *pitch;
    let thesis = vec![thesis.to_owned()];
    let content = match symbol {
        Some(symbol) => PitchV2::trade(
            week,
            model,
            Symbol::new(symbol)?,
            conviction.parse()?,
            RiskProfile::Base,
            thesis,
        ),
        None => PitchV2::flat(week, model, thesis),
    };
    Ok(NewPitch {
        model: Model::new(model)?,
        account: Account::new(account)?,
        pitch_data: PitchDocument::new(content.into())?,
    })
}

/// Every model reviews the three pitches of the others.
fn round(week: WeekId, at: DateTime<Utc>) -> Result<Round> {
    let mut round = Round {
        week,
        research_date: Some(at),
        labels: Default::default(),
        reviews: Vec::new(),
    };
    for (subject, (model, ..)) in PITCHES.iter().enumerate() {
        let label = PitchLabel::nth(subject).context("more pitches than labels")?;
        round.labels.insert(label, Model::new(model)?);
        for (reviewer, (reviewer_model, ..)) in PITCHES.iter().enumerate() {
            if reviewer == subject {
                continue;
            }
            let mark = MARKS[reviewer][subject];
            let scores = Scores::new([mark, mark - 1, mark, mark + 1, mark, mark - 2, mark + 1])?;
            let review = Review::new(
                label,
                scores,
                "It may be priced in already",
                "A surprise in the data",
            );
            round.reviews.push(NewReview {
                reviewer_model: Model::new(reviewer_model)?,
                review_data: ReviewDocument::new(review)?,
            });
        }
    }
    Ok(round)
}

fn decision(week: WeekId) -> Result<DecisionDocument> {
    let decision = Decision {
        decision_id: "3f2504e0-4f89-41d3-9a0c-0305e82c3301".to_owned(),
        week_id: week,
        selected_trade: SelectedTrade {
            instrument: Symbol::new("GOOG")?.into(),
            direction: Direction::Long,
            horizon: "1w".to_owned(),
            extra: Default::default(),
        },
        conviction: "1.25".parse()?,
        rationale: "the best reviewed pitch, and the only one with a date".to_owned(),
        dissent_summary: Vec::new(),
        monitoring_plan: MonitoringPlan {
            checkpoints: vec!["09:00".to_owned(), "15:50".to_owned()],
            invalidation_triggers: vec!["a close below the twenty-day mean".to_owned()],
            ..MonitoringPlan::default()
        },
        model: Some("chairman".to_owned()),
        model_id: None,
        account: Some(Account::council()),
        alpaca_id: None,
        timestamp: None,
        fallback: false,
        extra: Default::default(),
    };
    Ok(DecisionDocument::new(decision)?)
}

/// Each account enters at the open of the week's first bar and leaves at the close of its last.
pub async fn trades(db: &Db, week: WeekId) -> Result<Vec<NewEvent>> {
    let mut trades = Vec::new();
    let mut plans: Vec<(Account, Instrument, Direction, Conviction)> = pitches::of_week(db, week)
        .await?
        .into_iter()
        .map(|pitch| {
            (
                pitch.account,
                pitch.instrument,
                pitch.direction,
                pitch.conviction,
            )
        })
        .collect();
    plans.push((
        Account::council(),
        Symbol::new("GOOG")?.into(),
        Direction::Long,
        "1.25".parse()?,
    ));
    for (account, instrument, direction, conviction) in plans {
        let Instrument::Symbol(symbol) = instrument else {
            continue;
        };
        let bars: Vec<_> = bars::last_n(db, &[symbol], 10, week.end())
            .await?
            .into_iter()
            .filter(|bar| bar.date >= week.start())
            .collect();
        let (Some(first), Some(last)) = (bars.first(), bars.last()) else {
            continue;
        };
        let (Some(entry), Some(exit)) = (first.open, last.close) else {
            continue;
        };
        let event = |content: Event, hour| -> Result<NewEvent> {
            Ok(NewEvent {
                id: EventId::from_key(&format!("{week}/{account}/{}", content.event_type())),
                week_id: week,
                account,
                event_data: EventDocument::new(content)?,
                occurred_at: instant(week, hour)?,
            })
        };
        let opened = Entry {
            price: entry.value(),
            direction,
            conviction,
            instrument: Some(instrument),
            extra: Default::default(),
        };
        trades.push(event(opened.into(), 15)?);
        trades.push(event(
            Exit {
                price: exit.value(),
                extra: Default::default(),
            }
            .into(),
            7 * 24 - 3,
        )?);
    }
    Ok(trades)
}
