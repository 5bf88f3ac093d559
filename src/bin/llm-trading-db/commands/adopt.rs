//! `adopt`: brings a database of the Python layer into this schema.

use std::{collections::BTreeMap, fs, io::IsTerminal, path::PathBuf};

use anyhow::{Context, Result, bail, ensure};
use llm_trading_db::{
    adopt::{self, Adopted, Options, Report},
    types::{Account, WeekId},
};
use serde::Serialize;

use super::{count, now};
use crate::{
    Incomplete,
    connect::Session,
    output::{self, Format},
};

/// Lines of a kind that are shown; the report as JSON has all.
const SHOWN: usize = 40;

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

    /// File with a line LABEL,YYYY-MM-DD for each week label that means another Wednesday than the rules say
    #[arg(long, value_name = "FILE")]
    weeks: Option<PathBuf>,

    /// Time zone of instants that name none
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    naive_timezone: String,

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

    /// Writes the report as JSON to this file, too
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
    let options = options(args)?;
    let tell = |step| {
        tracing::info!("{step}");
        if std::io::stderr().is_terminal() {
            crate::say(&format!("{step} …"));
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
        false => output::text(&format!("{}\n\n{outcome}", render(&adopted.report)))?,
    }
    let refused = adopted.report.rows_refused();
    match refused > 0 && adopted.now {
        true => Err(Incomplete(vec![format!(
            "{} refused: each is listed with its reason in adoption.refused",
            count(refused, "row")
        )])
        .into()),
        false => Ok(()),
    }
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
        weeks: match &args.weeks {
            Some(path) => weeks(path)?,
            None => BTreeMap::new(),
        },
        accounts: args.account_of.iter().cloned().collect(),
        while_connected: args.while_connected,
        grant_like_before: args.grant_like_before,
        published: args.allow_published,
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

/// The report, for people.
fn render(report: &Report) -> String {
    let mut parts = vec![tables(report)];
    let mut part = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            let more = lines.len().saturating_sub(SHOWN);
            let mut text = vec![title.to_owned()];
            text.extend(
                lines
                    .into_iter()
                    .take(SHOWN)
                    .map(|line| format!("  {line}")),
            );
            if more > 0 {
                text.push(format!("  and {more} more, see --json"));
            }
            parts.push(text.join("\n"));
        }
    };
    part("weeks", weeks_that_changed(report));
    part("refused", refused(report));
    part("changed", changed(report));
    part("notes", notes(report));
    part("objects of others", others(report));
    part("roles without rights on the new tables", rights(report));
    part("connected meanwhile", report.sessions.clone());
    part("money", money(report));
    part("computed from the bars", derived(report));
    part("proofs", proofs(report));
    parts.join("\n\n")
}

fn tables(report: &Report) -> String {
    let headings = ["table", "old rows", "adopted", "refused", "changed"];
    let mut table = output::table(&headings, 1);
    for line in &report.tables {
        let adopted = match line.recomputed {
            true => "recomputed".to_owned(),
            false => line.adopted.to_string(),
        };
        let numbers = [line.legacy, line.refused, line.changed].map(|number| number.to_string());
        let [legacy, refused, changed] = numbers;
        table.add_row([&line.name, &legacy, &adopted, &refused, &changed]);
    }
    table.to_string()
}

fn weeks_that_changed(report: &Report) -> Vec<String> {
    let odd = report
        .weeks
        .iter()
        .filter(|week| week.week.as_deref() != Some(&week.label));
    odd.map(|week| {
        let means = week.week.as_deref().unwrap_or("no week");
        format!(
            "{} means {means} ({}), {}",
            week.label,
            week.rule,
            count(week.rows, "row")
        )
    })
    .collect()
}

fn place(table: &str, field: Option<&String>) -> String {
    match field {
        Some(field) => format!("{table}.{field}"),
        None => table.to_owned(),
    }
}

fn refused(report: &Report) -> Vec<String> {
    let line = |of: &adopt::Refused| {
        format!(
            "{} {} {}: {} ({})",
            count(of.rows, "row"),
            place(&of.table, of.field.as_ref()),
            of.code,
            of.reason,
            of.keys.join(", ")
        )
    };
    report.refused.iter().map(line).collect()
}

fn changed(report: &Report) -> Vec<String> {
    let line = |of: &adopt::Changed| {
        let place = place(&of.table, of.field.as_ref());
        format!("{} {place} {}", count(of.rows, "row"), of.code)
    };
    report.changed.iter().map(line).collect()
}

fn notes(report: &Report) -> Vec<String> {
    let line = |of: &adopt::Note| {
        let place = place(&of.table, of.field.as_ref());
        format!("{} {place} {}", count(of.rows, "row"), of.code)
    };
    report.notes.iter().map(line).collect()
}

fn others(report: &Report) -> Vec<String> {
    let line = |of: &adopt::Other| format!("{} {}: {}", of.kind, of.name, of.what);
    report.others.iter().map(line).collect()
}

fn rights(report: &Report) -> Vec<String> {
    let line = |of: &adopt::Right| {
        format!(
            "{} had {} on {}",
            of.role,
            of.privileges.join(", "),
            of.table
        )
    };
    report.rights.iter().map(line).collect()
}

fn money(report: &Report) -> Vec<String> {
    let line = |of: &adopt::Money| {
        format!(
            "{}: {} = {} adopted + {} refused",
            of.what, of.legacy, of.adopted, of.refused
        )
    };
    report.money.iter().map(line).collect()
}

fn proofs(report: &Report) -> Vec<String> {
    let line = |of: &adopt::Proof| {
        let holds = if of.holds { "holds" } else { "FAILS" };
        let detail = match of.detail.as_str() {
            "" => String::new(),
            detail => format!(" ({detail})"),
        };
        format!("{} {holds}: {}{detail}", of.number, of.name)
    };
    report.proofs.iter().map(line).collect()
}

fn derived(report: &Report) -> Vec<String> {
    let line = |of: &adopt::Derived| {
        format!(
            "{}: of {}, {} are equal, {} different, {} no longer supported by a bar; {} new",
            of.name,
            count(of.legacy, "old row"),
            of.equal,
            of.different,
            of.legacy_only,
            of.new_only
        )
    };
    report.derived.iter().map(line).collect()
}
