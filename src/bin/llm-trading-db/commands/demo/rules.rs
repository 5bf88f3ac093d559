//! The players of the demo. No model is asked: each player follows one simple rule on the real market, so that a run can be
//! repeated.

use anyhow::{Context, Result};
use llm_trading_db::{
    service::market::{InstrumentSnapshot, MarketSnapshot},
    types::{Conviction, Symbol},
};
use rust_decimal::Decimal;

/// A player: its model, its account, and its rule.
pub(super) struct Player {
    pub(super) model: &'static str,
    pub(super) account: &'static str,
    pub(super) rule: Rule,
}

pub(super) const PLAYERS: [Player; 4] = [
    Player {
        model: "openai/gpt-5.1",
        account: "CHATGPT",
        rule: Rule::Leader,
    },
    Player {
        model: "google/gemini-3-pro",
        account: "GEMINI",
        rule: Rule::Laggard,
    },
    Player {
        model: "x-ai/grok-4",
        account: "GROQ",
        rule: Rule::Overbought,
    },
    Player {
        model: "anthropic/claude-sonnet-4-5",
        account: "CLAUDE",
        rule: Rule::Oversold,
    },
];

/// How a player picks its trade.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    /// Buys what is furthest above its fifty-day mean.
    Leader,
    /// Sells short what is furthest below its fifty-day mean.
    Laggard,
    /// Sells short what rose most in fourteen days.
    Overbought,
    /// Buys what fell most in fourteen days.
    Oversold,
}

/// A trade and the reason for it.
pub(super) struct Idea {
    pub(super) symbol: Symbol,
    pub(super) conviction: Conviction,
    pub(super) because: String,
    /// Whether the trend is with the trade.
    pub(super) with_trend: bool,
}

impl Rule {
    /// The best trade by this rule.
    pub(super) fn pick(self, market: &MarketSnapshot) -> Result<Idea> {
        let signals = market
            .instruments
            .values()
            .filter_map(|known| Some((self.signal(known)?, known)));
        let best = signals.max_by_key(|(signal, known)| (*signal, known.symbol));
        let (signal, known) = best.context("no symbol has enough bars")?;
        let least = Decimal::new(25, 2);
        let strength = (signal / self.scale())
            .clamp(least, Decimal::TWO)
            .round_dp(2);
        let long = matches!(self, Self::Leader | Self::Oversold);
        let conviction = Conviction::new(if long { strength } else { -strength })?;
        let above = known.indicators.above_sma50.unwrap_or(false);
        Ok(Idea {
            symbol: known.symbol,
            conviction,
            because: self.reason(known),
            with_trend: above == long,
        })
    }

    /// How well a symbol fits; more is better.
    fn signal(self, known: &InstrumentSnapshot) -> Option<Decimal> {
        let trend = || {
            let mean = known.indicators.sma_50?;
            ((known.current?.price.value() - mean) * Decimal::ONE_HUNDRED).checked_div(mean)
        };
        let strength = || Some(known.indicators.rsi_14? - Decimal::from(50));
        match self {
            Self::Leader => trend(),
            Self::Laggard => trend().map(|percent| -percent),
            Self::Overbought => strength(),
            Self::Oversold => strength().map(|points| -points),
        }
    }

    /// The signal that is worth a conviction of one.
    fn scale(self) -> Decimal {
        match self {
            Self::Leader | Self::Laggard => Decimal::from(6),
            Self::Overbought | Self::Oversold => Decimal::from(20),
        }
    }

    fn reason(self, known: &InstrumentSnapshot) -> String {
        let symbol = known.symbol;
        let or_unknown =
            |value: Option<Decimal>| value.map_or("unknown".to_owned(), |value| value.to_string());
        match self {
            Self::Leader => format!(
                "{symbol} leads: fifty-day mean {}",
                or_unknown(known.indicators.sma_50)
            ),
            Self::Laggard => format!(
                "{symbol} lags: fifty-day mean {}",
                or_unknown(known.indicators.sma_50)
            ),
            Self::Overbought => format!(
                "{symbol} ran ahead: RSI {}",
                or_unknown(known.indicators.rsi_14)
            ),
            Self::Oversold => format!(
                "{symbol} fell too far: RSI {}",
                or_unknown(known.indicators.rsi_14)
            ),
        }
    }
}
