//! How to adopt.

use std::collections::BTreeMap;

use super::{End, statements};
use crate::{
    db::Tx,
    types::{Account, Timestamp, WeekId},
};

/// How to adopt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Does all of it, and rolls it back.
    pub dry_run: bool,
    /// Tries the rows that an earlier run refused, and that were mended in the old tables since.
    pub again: bool,
    /// Schema that the old tables move to.
    pub legacy_schema: String,
    /// Time zone of instants that name none, such as `UTC` or `America/New_York`.
    pub naive_timezone: String,
    /// Sets back the instants of events that lie four or five hours behind the one at which they were stored: that is New York's time
    /// taken for UTC.
    pub repair_clock: bool,
    /// What labels mean, where the rules would say something else or nothing.
    pub weeks: BTreeMap<String, WeekId>,
    /// Which account a model trades for, where an old pitch does not say.
    pub accounts: BTreeMap<String, Account>,
    /// Goes on while others are connected.
    pub while_connected: bool,
    /// Grants on the new tables what other roles may do with the old ones.
    pub grant_like_before: bool,
    /// Moves tables that a publication sends elsewhere.
    pub published: bool,
    /// Lists the keys of all rows in the report, not of the first three of a kind.
    pub all_keys: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dry_run: false,
            again: false,
            legacy_schema: "legacy".to_owned(),
            naive_timezone: "UTC".to_owned(),
            repair_clock: false,
            weeks: BTreeMap::new(),
            accounts: BTreeMap::new(),
            while_connected: false,
            grant_like_before: false,
            published: false,
            all_keys: false,
        }
    }
}

/// Sets the parameters of the scripts.
pub(super) async fn set(
    tx: &mut Tx,
    options: &Options,
    legacy_schema: &str,
    at: Timestamp,
) -> Result<(), End> {
    let json = |map: Vec<(&String, String)>| {
        serde_json::to_string(&map.into_iter().collect::<BTreeMap<_, _>>())
            .map_err(|_| crate::Error::Driver("texts can be written as JSON"))
    };
    let weeks = options.weeks.iter().map(|(k, v)| (k, v.to_string()));
    let accounts = options.accounts.iter().map(|(k, v)| (k, v.to_string()));
    statements::set(tx, "adopt.legacy", legacy_schema).await?;
    let said = |yes: bool| if yes { "yes" } else { "no" };
    statements::set(tx, "adopt.again", said(options.again)).await?;
    statements::set(tx, "adopt.repair_clock", said(options.repair_clock)).await?;
    statements::set(tx, "adopt.all_keys", said(options.all_keys)).await?;
    statements::set(tx, "adopt.zone", &options.naive_timezone).await?;
    statements::set(tx, "adopt.start", &at.to_rfc3339()).await?;
    statements::set(tx, "adopt.weeks", &json(weeks.collect())?).await?;
    statements::set(tx, "adopt.accounts", &json(accounts.collect())?).await?;
    Ok(())
}

/// The options, for the record.
pub(super) fn told(options: &Options) -> BTreeMap<&'static str, String> {
    let Options {
        naive_timezone,
        repair_clock,
        weeks,
        accounts,
        while_connected,
        grant_like_before,
        published,
        ..
    } = options;
    BTreeMap::from([
        ("naive_timezone", naive_timezone.clone()),
        ("repair_clock", repair_clock.to_string()),
        ("weeks", format!("{weeks:?}")),
        ("accounts", format!("{accounts:?}")),
        ("while_connected", while_connected.to_string()),
        ("grant_like_before", grant_like_before.to_string()),
        ("published", published.to_string()),
    ])
}
