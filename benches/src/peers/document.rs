//! The pitch document as a user of a peer writes it: a derived struct, numbers as they come.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Document {
    pub idea_id: Option<String>,
    pub week_id: String,
    pub asof_et: String,
    pub pm_model: String,
    pub selected_instrument: String,
    pub direction: String,
    pub horizon: String,
    pub conviction: f64,
    pub risk_profile: String,
    pub thesis_bullets: Vec<String>,
    pub entry_policy: EntryPolicy,
    pub exit_policy: ExitPolicy,
    pub consensus_map: BTreeMap<String, String>,
    pub risk_notes: String,
    pub model: Option<String>,
    pub timestamp: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EntryPolicy {
    pub mode: String,
    pub limit_price: Option<f64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExitPolicy {
    pub time_stop_days: u32,
    pub stop_loss_pct: f64,
    pub take_profit_pct: f64,
    #[serde(default)]
    pub exit_before_events: Vec<String>,
}
