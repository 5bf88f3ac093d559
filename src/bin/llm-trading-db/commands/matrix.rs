//! `matrix`: the correlations of a date as a heat map.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use chrono::NaiveDate;
use llm_trading_db::{
    db::Db,
    repo::{
        correlations::{self, Matrix},
        rows::{Replay, readable},
    },
    types::Symbol,
};
use serde::Serialize;

use super::{all_read, date};
use crate::{
    chart,
    output::{self, Format, Number},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Last day of the correlations; without it the newest there are
    #[arg(long, value_name = "DATE", value_parser = date)]
    date: Option<NaiveDate>,

    #[command(flatten)]
    format: Format,
}

/// A matrix as JSON: `correlations.AAPL.IBM`.
#[derive(Serialize)]
struct Document<'a> {
    date: NaiveDate,
    window_rows: Option<i32>,
    symbols: &'a [Symbol],
    correlations: BTreeMap<Symbol, BTreeMap<Symbol, Option<Number>>>,
}

pub(crate) async fn run(db: &Db, args: &Args) -> Result<()> {
    let cells = |replay: Replay| async move {
        let matrix = match args.date {
            Some(date) => correlations::matrix(replay, date).await?,
            None => correlations::latest_matrix(replay).await?,
        };
        Ok(matrix.map_or_else(Vec::new, |matrix| matrix.cells))
    };
    let cells = readable(db, cells).await?;
    let complete = all_read(&cells.misfits);
    let Some(matrix) = Matrix::from_cells(cells.rows) else {
        complete?;
        match args.date {
            Some(date) => bail!(
                "there are no correlations of {date}: `llm-trading-db matrix` shows the newest, `metrics` calculates them"
            ),
            None => bail!("there are no correlations yet: run `llm-trading-db metrics`"),
        }
    };
    match args.format.json {
        true => output::json(&Document::from(&matrix))?,
        false => output::text(&render(&matrix))?,
    }
    complete
}

/// The matrix under a line that says of when it is.
pub(crate) fn render(matrix: &Matrix) -> String {
    let dates = matrix.cells.first().map_or(0, |cell| cell.window_rows);
    let map = chart::heat_map(matrix, chart::in_colour());
    format!(
        "Correlations of 7-day returns over {dates} dates up to {}\n\n{map}",
        matrix.date
    )
}

impl<'a> From<&'a Matrix> for Document<'a> {
    fn from(matrix: &'a Matrix) -> Self {
        let mut correlations: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for cell in &matrix.cells {
            let row = correlations.entry(cell.symbol_1).or_default();
            row.insert(cell.symbol_2, cell.correlation.map(Number));
        }
        Self {
            date: matrix.date,
            window_rows: matrix.cells.first().map(|cell| cell.window_rows),
            symbols: &matrix.symbols,
            correlations,
        }
    }
}
