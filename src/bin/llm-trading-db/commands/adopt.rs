//! `adopt`: brings a database of the Python layer into this schema. `adoption`: what became of it.

mod render;

use std::{
    collections::BTreeMap,
    fs,
    io::IsTerminal,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use llm_trading_db::{
    adopt::{self, Adopted, Options, Report, Step},
    types::{Account, WeekId},
};
use serde::Serialize;

use super::{count, now};
use crate::{
    Incomplete,
    connect::Session,
    output::{self, Format},
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Each old row is adopted, or listed in adoption.refused with its reason; what was changed of it is listed in \
adoption.changed. The old tables stay as they are, in the schema legacy. Exit status: 0 all rows adopted, 3 some refused, 1 nothing changed."
)]
pub(crate) struct Args {
    /// Does all of it, tells what became of each table, and rolls it back
    #[arg(long)]
    dry_run: bool,

    /// Tries the rows again that were refused before, and that were mended in the old tables since
    #[arg(long)]
    again: bool,

    /// Drops the old tables and what is told of their adoption; without --yes, says what that would be
    #[arg(long, conflicts_with_all = ["dry_run", "again", "report", "json"])]
    forget: bool,

    /// Does drop them
    #[arg(long, requires = "forget")]
    yes: bool,

    /// File with a line LABEL,YYYY-MM-DD for each week label that means another Wednesday than the rules say
    #[arg(long, value_name = "FILE")]
    weeks: Option<PathBuf>,

    /// Time zone of instants that name none
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    naive_timezone: String,

    /// Sets back events that lie four or five hours behind the instant at which they were stored, by these hours
    #[arg(long)]
    repair_clock: bool,

    /// Account that a model trades for, where its pitches do not say
    #[arg(long, value_name = "MODEL=ACCOUNT", value_parser = account_of)]
    account_of: Vec<(String, Account)>,

    /// Schema that the old tables move to
    #[arg(long, value_name = "NAME", default_value = "legacy", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    legacy_schema: String,

    /// Goes on while others are connected to the database
    #[arg(long)]
    while_connected: bool,

    /// Grants on the new tables what other roles may do with the old ones
    #[arg(long)]
    grant_like_before: bool,

    /// Goes on where a publication sends one of the old tables elsewhere
    #[arg(long)]
    allow_published: bool,

    /// Shows the key of every row that was refused or changed, not of three of a kind
    #[arg(long)]
    all: bool,

    /// Writes the report as JSON to this file, too, with the key of every row
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(session: &Session, args: &Args) -> Result<()> {
    ensure!(
        !session.is_private(),
        "adopt works on a given database: name it with --database-url or DATABASE_URL"
    );
    if args.forget {
        return forget(session, args.yes).await;
    }
    let options = options(args)?;
    let mut pace = Pace::default();
    let tell = |step| {
        let is_part = matches!(step, Step::Within { .. });
        if !pace.is_due(is_part, Instant::now()) {
            return;
        }
        tracing::info!("{step}");
        if std::io::stderr().is_terminal() {
            crate::say(&format!("{}{step} …", if is_part { "  " } else { "" }));
        }
    };
    let adopted = adopt::run(&session.db, &options, now(), tell).await?;
    if let Some(path) = &args.report {
        let json = serde_json::to_string_pretty(&adopted.report)?;
        fs::write(path, json + "\n").with_context(|| format!("cannot write {}", path.display()))?;
    }
    let outcome = outcome(args, &adopted);
    match args.format.json {
        true => output::json(&Shown {
            outcome: &outcome,
            dry_run: args.dry_run,
            report: &adopted.report,
        })?,
        false => output::text(&format!(
            "{}\n\n{outcome}",
            render::render(&adopted.report, args.all)
        ))?,
    }
    let refused = adopted.report.rows_refused();
    match refused > 0 && adopted.now {
        true => Err(Incomplete(vec![match args.dry_run {
            true => format!("{} would be refused", count(refused, "row")),
            false => format!(
                "{} refused: `llm-trading-db adoption --refused` lists each with its reason",
                count(refused, "row")
            ),
        }])
        .into()),
        false => Ok(()),
    }
}

/// When the last line was told.
#[derive(Default)]
struct Pace(Option<Instant>);

impl Pace {
    /// Whether a line is to be told now: each step is, and how far one is once a second.
    fn is_due(&mut self, is_part: bool, now: Instant) -> bool {
        const PAUSE: Duration = Duration::from_secs(1);
        let is_due = !is_part || self.0.is_none_or(|last| now.duration_since(last) >= PAUSE);
        if is_due {
            self.0 = Some(now);
        }
        is_due
    }
}

async fn forget(session: &Session, yes: bool) -> Result<()> {
    let forgotten = adopt::forget(&session.db, !yes).await?;
    let tables = forgotten.tables.len() as u64;
    let rows: u64 = forgotten.tables.iter().map(|(_, rows)| rows).sum();
    let what = format!(
        "the schema {} with {} of {}, among them {} that were not adopted and are nowhere else",
        forgotten.schema,
        count(tables, "table"),
        count(rows, "row"),
        forgotten.refused
    );
    ensure!(
        yes,
        "--forget drops {what}: `llm-trading-db adoption --refused` lists these, and --yes drops it"
    );
    output::text(&format!("dropped {what}"))
}

/// `adoption`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A row that is mended in the old table is adopted by `llm-trading-db adopt --again`."
)]
pub(crate) struct Told {
    /// Lists the old rows that were not adopted, of one table or of all, as CSV
    #[arg(long, value_name = "TABLE", num_args = 0..=1)]
    refused: Option<Option<String>>,

    /// Lists what was changed of adopted rows, of one table or of all, as CSV
    #[arg(long, value_name = "TABLE", num_args = 0..=1, conflicts_with = "refused")]
    changed: Option<Option<String>>,

    #[command(flatten)]
    format: Format,
}

pub(crate) async fn tell(session: &Session, args: &Told) -> Result<()> {
    let db = &session.db;
    if let Some(table) = &args.refused {
        let refusals = adopt::refusals(db, table.as_deref()).await?;
        return match args.format.json {
            true => output::json(&refusals),
            false => {
                let lines = refusals.iter().map(|of| {
                    let field = of.field.as_deref().unwrap_or_default();
                    csv([
                        &of.table,
                        &of.key,
                        &of.code,
                        field,
                        &of.reason,
                        of.row.get(),
                    ])
                });
                output::text(&with_heading("table,key,code,field,reason,row", lines))
            }
        };
    }
    if let Some(table) = &args.changed {
        let edits = adopt::changes(db, table.as_deref()).await?;
        return match args.format.json {
            true => output::json(&edits),
            false => {
                let lines = edits.iter().map(|of| {
                    let [field, was, is_now] = [&of.field, &of.was, &of.is_now]
                        .map(|value| value.as_deref().unwrap_or_default());
                    csv([&of.table, &of.key, &of.code, field, was, is_now])
                });
                output::text(&with_heading("table,key,code,field,was,is_now", lines))
            }
        };
    }
    let runs = adopt::runs(db).await?;
    ensure!(!runs.is_empty(), "this database was not adopted");
    match args.format.json {
        true => output::json(&runs),
        false => output::text(&render::runs(&runs)),
    }
}

fn with_heading(heading: &str, lines: impl Iterator<Item = String>) -> String {
    let lines: Vec<String> = std::iter::once(heading.to_owned()).chain(lines).collect();
    lines.join("\n")
}

/// A line of CSV.
fn csv(fields: [&str; 6]) -> String {
    let quoted = fields.map(|field| match field.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.to_owned(),
    });
    quoted.join(",")
}

/// The report as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    outcome: &'a str,
    dry_run: bool,
    #[serde(flatten)]
    report: &'a Report,
}

fn options(args: &Args) -> Result<Options> {
    Ok(Options {
        dry_run: args.dry_run,
        again: args.again,
        legacy_schema: args.legacy_schema.clone(),
        naive_timezone: args.naive_timezone.clone(),
        repair_clock: args.repair_clock,
        weeks: match &args.weeks {
            Some(path) => weeks(path)?,
            None => BTreeMap::new(),
        },
        accounts: args.account_of.iter().cloned().collect(),
        while_connected: args.while_connected,
        grant_like_before: args.grant_like_before,
        published: args.allow_published,
        all_keys: args.all || args.report.is_some(),
    })
}

fn account_of(text: &str) -> Result<(String, Account), String> {
    let (model, account) = text
        .split_once('=')
        .ok_or_else(|| "must be MODEL=ACCOUNT".to_owned())?;
    let account = account.parse().map_err(|error| format!("{error}"))?;
    Ok((model.to_owned(), account))
}

/// Reads the file of week labels.
fn weeks(path: &std::path::Path) -> Result<BTreeMap<String, WeekId>> {
    let name = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    let mut weeks = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let Some((label, week)) = line.rsplit_once(',') else {
            bail!("{name}, line {number}: must be LABEL,YYYY-MM-DD");
        };
        let week: WeekId = week
            .trim()
            .parse()
            .with_context(|| format!("{name}, line {number}"))?;
        let again = weeks.insert(label.to_owned(), week);
        ensure!(
            again.is_none_or(|before| before == week),
            "{name}, line {number}: the label has another week in a line before"
        );
    }
    Ok(weeks)
}

fn outcome(args: &Args, adopted: &Adopted) -> String {
    match (args.dry_run, adopted.now) {
        (_, false) => {
            "the database was adopted before, and nothing was done now; this is the report of then"
                .to_owned()
        }
        (true, _) => {
            "nothing was changed: this was a dry run. Run it again without --dry-run".to_owned()
        }
        (false, _) => {
            "adopted. `llm-trading-db performance` calculates the statistics of the accounts anew"
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_a_step_is_is_told_once_a_second() {
        let (mut pace, begun) = (Pace::default(), Instant::now());
        let told = [
            (false, 0),
            (true, 10),
            (true, 999),
            (true, 1_000),
            (true, 1_500),
            (false, 1_600),
            (true, 2_100),
            (true, 2_600),
        ]
        .map(|(is_part, at)| pace.is_due(is_part, begun + Duration::from_millis(at)));
        assert_eq!(told, [true, false, false, true, false, true, false, true]);
    }
}
