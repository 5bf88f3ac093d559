//! The operator's binary. Data goes to standard output, progress and logs to standard error; exit status 0 is done, 1 failed,
//! 2 wrong usage.

mod commands;
mod connect;
mod demo;
mod lines;
mod output;

use std::{io, path::PathBuf, process::ExitCode};

use anyhow::Result;
use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand};
use llm_trading_db::{
    service::metrics::Window,
    types::{Symbol, Weeks},
};

/// The data layer of an LLM trading desk.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    target: Target,
    /// Log more to standard error; -vv logs statements too. RUST_LOG overrides it.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

/// Where the data is.
#[derive(Args)]
struct Target {
    /// Database to use, postgres://user:password@host:port/name. Else DATABASE_HOST and so on; else a private server.
    #[arg(
        long,
        global = true,
        env = "DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    database_url: Option<String>,
    /// Data folder of the private server [default: the user's data folder].
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Show the desk's week on real market data, on a temporary server.
    Demo,
    /// Bring the schema of the database up to date.
    Migrate,
    /// Import daily bars: all rows of the file, or none.
    ImportBars {
        /// CSV with the header symbol,date,open,high,low,close,volume; an empty field is a missing value.
        file: PathBuf,
    },
    /// Import execution events: all lines of the file, or none. Events that are there already are left alone.
    ImportEvents {
        /// One JSON object a line, with account, week_id, event_type, event_data and occurred_at.
        file: PathBuf,
    },
    /// Bring returns and correlations up to date with the bars.
    Metrics {
        /// Length of the correlation window in dates.
        #[arg(long, default_value = "30")]
        window: Window,
        /// Compute all dates again, not only those that can have changed.
        #[arg(long)]
        backfill: bool,
    },
    /// Bring weekly results and account statistics up to date with the events [default: over 4, 8 and all weeks].
    Performance {
        /// Only over the newest N weeks.
        #[arg(long, value_name = "N", conflicts_with = "all")]
        weeks: Option<Weeks>,
        /// Only over all weeks.
        #[arg(long)]
        all: bool,
    },
    /// Show the newest price, change and indicators of symbols.
    Snapshot {
        /// Symbols, separated by commas [default: all that have bars].
        #[arg(long, value_delimiter = ',')]
        symbols: Vec<Symbol>,
        /// As known at the end of that day [default: that of the newest bar].
        #[arg(long, value_name = "DATE")]
        as_of: Option<NaiveDate>,
        #[command(flatten)]
        format: Format,
    },
    /// Show the accounts by return.
    Leaderboard {
        /// Over the newest N weeks [default: over all].
        #[arg(long, value_name = "N")]
        weeks: Option<Weeks>,
        #[command(flatten)]
        format: Format,
    },
    /// Show the correlations of a date.
    Matrix {
        /// The date [default: the newest].
        #[arg(long)]
        date: Option<NaiveDate>,
        #[command(flatten)]
        format: Format,
    },
    /// Show server, schema and pool.
    Status {
        #[command(flatten)]
        format: Format,
    },
}

/// How a read prints.
#[derive(Args, Clone, Copy)]
struct Format {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let statements = output::start_logging(cli.verbose, matches!(cli.command, Command::Demo));
    let done = tokio::select! {
        done = run(cli, statements) => done,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted; nothing of a running import is kept")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

async fn run(cli: Cli, statements: output::StatementCount) -> Result<()> {
    if matches!(cli.command, Command::Demo) {
        return demo::run(statements).await;
    }
    let session = connect::open(&cli.target).await?;
    if !matches!(cli.command, Command::Migrate | Command::Status { .. }) {
        session.require_schema().await?;
    }
    let db = &session.db;
    let done = match cli.command {
        Command::Demo => Ok(()),
        Command::Migrate => commands::migrate::run(db).await,
        Command::ImportBars { file } => commands::import_bars::run(db, &file).await,
        Command::ImportEvents { file } => commands::import_events::run(db, &file).await,
        Command::Metrics { window, backfill } => commands::metrics::run(db, window, backfill).await,
        Command::Performance { weeks, all } => commands::performance::run(db, weeks, all).await,
        Command::Snapshot {
            symbols,
            as_of,
            format,
        } => commands::snapshot::run(db, symbols, as_of, format.json).await,
        Command::Leaderboard { weeks, format } => {
            commands::leaderboard::run(db, weeks, format.json).await
        }
        Command::Matrix { date, format } => commands::matrix::run(db, date, format.json).await,
        Command::Status { format } => commands::status::run(db, format.json).await,
    };
    session.close().await?;
    done
}
