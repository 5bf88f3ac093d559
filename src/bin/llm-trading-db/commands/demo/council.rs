//! A week of the council in the demo: its documents, and its trades.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use chrono::Datelike;
use llm_trading_db::{
    documents::{
        AssetSetup, BaselineAccountSkipped, Decision, DecisionDocument, Entry, Event,
        EventDocument, Exit, Extra, Horizon, Lenient, MacroRegime, MonitoringPlan, Narrative,
        PitchDocument, PitchV2, Research, ResearchDocument, Review, ReviewDocument, RiskProfile,
        Scores, SelectedTrade,
    },
    repo::{
        events::NewEvent,
        pitches::NewPitch,
        research::Report,
        reviews::{NewReview, Round},
    },
    service::{council::CouncilWeek, market::MarketSnapshot},
    types::{
        Account, DecisionId, EventId, Model, PitchLabel, Price, Provider, ReportId, ReportStatus,
        Symbol, Timestamp, WeekId,
    },
};
use rust_decimal::Decimal;

use super::rules::{Idea, PLAYERS};

/// What the council made of a week.
pub(super) struct Meeting {
    /// As it is saved.
    pub(super) week: CouncilWeek,
    /// The decision in words.
    pub(super) decision: String,
    ideas: Vec<Idea>,
    /// Index of the pitch that the council follows.
    best: usize,
}

/// How a symbol went through a week: when and at what price it opened and closed.
#[derive(Clone, Copy)]
pub(super) struct Move {
    pub(super) opened: (Timestamp, Price),
    pub(super) closed: (Timestamp, Price),
}

/// The council meets on what is known of the market.
pub(super) fn meet(market: &MarketSnapshot, week: WeekId, at: Timestamp) -> Result<Meeting> {
    let ideas: Vec<Idea> = PLAYERS
        .iter()
        .map(|player| player.rule.pick(market))
        .collect::<Result<_>>()?;
    let mut labels = BTreeMap::new();
    let (mut pitches, mut reviews) = (Vec::new(), Vec::new());
    let mut totals = Vec::new();
    for (index, (player, idea)) in PLAYERS.iter().zip(&ideas).enumerate() {
        let model: Model = player.model.parse()?;
        let label = PitchLabel::nth(index).context("there are more pitches than letters")?;
        labels.insert(label, model.clone());
        pitches.push(pitch(week, model, player.account.parse()?, idea)?);
        let mut total = Decimal::ZERO;
        for (reviewer, other) in PLAYERS
            .iter()
            .enumerate()
            .filter(|(reviewer, _)| *reviewer != index)
        {
            let scores = scores(week, idea, reviewer, index)?;
            total += scores.average();
            let against = "The crowd may be there already";
            let review = Review::new(
                label,
                scores,
                against,
                "A close on the other side of the mean",
            );
            let review_data = ReviewDocument::new(review)?;
            reviews.push(NewReview {
                reviewer_model: other.model.parse()?,
                review_data,
            });
        }
        totals.push(total);
    }
    let best = (0..totals.len())
        .max_by_key(|index| totals[*index])
        .context("there are no pitches")?;
    let idea = &ideas[best];
    let conviction = idea.conviction;
    let decision = format!(
        "{} {} with conviction {}, after {}",
        conviction.direction(),
        idea.symbol,
        conviction,
        PLAYERS[best].model
    );
    let council = CouncilWeek {
        research: vec![report(market, week, at)?],
        pitches,
        round: Round {
            week,
            research_date: Some(at),
            labels,
            reviews,
        },
        decision: decide(week, idea, at)?,
    };
    Ok(Meeting {
        week: council,
        decision,
        ideas,
        best,
    })
}

fn report(market: &MarketSnapshot, week: WeekId, at: Timestamp) -> Result<Report> {
    let rising = market
        .instruments
        .values()
        .filter(|known| known.indicators.above_sma50 == Some(true))
        .count();
    let all = market.instruments.len();
    let summary = format!("{rising} of {all} symbols are above their fifty-day mean");
    let risk_mode = if rising * 2 > all {
        "RISK_ON"
    } else {
        "RISK_OFF"
    };
    let setup = |symbol: &Symbol| AssetSetup {
        ticker: (*symbol).into(),
        ..AssetSetup::default()
    };
    let research = Research {
        macro_regime: Some(MacroRegime {
            risk_mode: Some(risk_mode.to_owned()),
            description: Some(summary.clone()),
            ..MacroRegime::default()
        }),
        top_narratives: vec![Narrative::Name(summary.clone())],
        asset_setups: market.instruments.keys().map(setup).collect(),
        ..Research::default()
    };
    Ok(Report {
        id: ReportId::generate(at),
        week_id: week,
        provider: Provider::Perplexity,
        model: "perplexity/sonar-deep-research".parse()?,
        natural_language: summary,
        structured_json: ResearchDocument::new(research)?,
        status: ReportStatus::Complete,
        error_message: None,
        generated_at: Some(at),
        created_at: at,
    })
}

fn pitch(week: WeekId, model: Model, account: Account, idea: &Idea) -> Result<NewPitch> {
    let thesis = vec![idea.because.clone()];
    let pitch = PitchV2::trade(
        week,
        model.as_str(),
        idea.symbol,
        idea.conviction,
        RiskProfile::Base,
        thesis,
    );
    Ok(NewPitch {
        pitch_data: PitchDocument::new(pitch.into())?,
        model,
        account,
    })
}

/// Marks made by arithmetic: better with the trend and with conviction, and no two reviewers are quite of one mind.
fn scores(week: WeekId, idea: &Idea, reviewer: usize, pitch: usize) -> Result<Scores> {
    let trend = if idea.with_trend { 2 } else { 0 };
    let strong = u8::from(idea.conviction.value().abs() > Decimal::ONE);
    let base = 4 + trend + strong;
    let day = week.start().ordinal() as usize;
    let mut marks = [base; 7];
    for (number, mark) in marks.iter_mut().enumerate() {
        *mark += [0, 1, 3, 1, 2, 0][(day * (pitch + 2) + reviewer * 5 + number * number) % 6];
    }
    Ok(Scores::new(marks)?)
}

fn decide(week: WeekId, idea: &Idea, at: Timestamp) -> Result<DecisionDocument> {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let decision = Decision {
        decision_id: DecisionId::generate(at).into(),
        week_id: week,
        selected_trade: SelectedTrade {
            instrument: idea.symbol.into(),
            direction: idea.conviction.direction(),
            horizon: Horizon::ONE_WEEK.into(),
            extra: Extra::new(),
        },
        conviction: idea.conviction,
        rationale: format!("The best reviewed pitch of the week. {}", idea.because),
        dissent_summary: Vec::new(),
        monitoring_plan: MonitoringPlan {
            checkpoints: texts(&["09:00", "12:00", "14:00", "15:50"]),
            invalidation_triggers: texts(&["A close on the other side of the fifty-day mean"]),
            ..MonitoringPlan::default()
        },
        model: Some(Lenient::of("chairman")),
        model_id: Some("anthropic/claude-opus-4-5".to_owned()),
        account: Some(Account::council()),
        alpaca_id: None,
        timestamp: None,
        fallback: false,
        extra: Extra::new(),
    };
    Ok(DecisionDocument::new(decision)?)
}

impl Meeting {
    /// What happened in the accounts: each player trades its own pitch, the council the best one, and the baseline none.
    pub(super) fn journal(
        &self,
        week: WeekId,
        moves: &BTreeMap<Symbol, Move>,
    ) -> Result<Vec<NewEvent>> {
        let mut journal = Vec::new();
        let mut note = |account: Account, occurred_at, name: &str, event: Event| -> Result<()> {
            journal.push(NewEvent {
                id: EventId::from_key(&format!("demo {week} {account} {name}")),
                week_id: week,
                account,
                event_data: EventDocument::new(event)?,
                occurred_at,
            });
            Ok(())
        };
        let mut trades = vec![(Account::council(), &self.ideas[self.best])];
        for (player, idea) in PLAYERS.iter().zip(&self.ideas) {
            trades.push((player.account.parse()?, idea));
        }
        for (account, idea) in trades {
            let Move { opened, closed } = *moves
                .get(&idea.symbol)
                .with_context(|| format!("no bars of {} in week {week}", idea.symbol))?;
            note(account, opened.0, "entry", entry(idea, opened.1).into())?;
            note(
                account,
                closed.0,
                "exit",
                Exit {
                    price: closed.1.value(),
                    extra: Extra::new(),
                }
                .into(),
            )?;
        }
        let opened = moves
            .values()
            .map(|week| week.opened.0)
            .min()
            .context("no bars in this week")?;
        note(Account::baseline(), opened, "skipped", skipped(week).into())?;
        Ok(journal)
    }
}

fn entry(idea: &Idea, price: Price) -> Entry {
    Entry {
        price: price.value(),
        direction: idea.conviction.direction(),
        conviction: idea.conviction,
        instrument: Some(idea.symbol.into()),
        extra: Extra::new(),
    }
}

fn skipped(week: WeekId) -> BaselineAccountSkipped {
    BaselineAccountSkipped {
        trade_id: format!("baseline-{week}"),
        symbol: None,
        direction: None,
        reason: "the baseline stays flat".to_owned(),
        extra: Extra::new(),
    }
}
