//! Second half of the job: the correlations of the dates that changed returns touch.

use chrono::NaiveDate;
use uuid::Uuid;

use super::{
    SEVEN, Summary, Window,
    math::{self, Panel},
    misfits, off_the_runtime,
    plan::{self, Calendar, Part},
};
use crate::{
    db::{Db, Isolation, Tx, TxOptions},
    error::Result,
    repo::{
        bars::{self, Close},
        correlations::{self, Block},
        pending, returns,
        rows::{Misfit, Readable, Replay, readable},
    },
    types::Symbol,
};

/// Cells in one transaction, roughly: a few seconds of work for the server, which is what an interrupted run loses.
const CELLS: usize = 200_000;
/// Cells in one statement: less than a megabyte.
const STATEMENT: usize = 50_000;
/// Dates in one transaction.
const DATES: usize = 250;

/// What a part is calculated from, read at one instant.
struct Inputs {
    entries: Vec<pending::Correlations>,
    part: Part,
    calendar: Calendar,
    symbols: Vec<Symbol>,
    closes: Vec<(usize, Close)>,
    misfits: Vec<Misfit>,
}

/// Matrices of the same symbols on neighbouring dates.
#[derive(Debug, Default, PartialEq, Eq)]
struct Group {
    symbols: Vec<Symbol>,
    dates: Vec<NaiveDate>,
    cells: Vec<i64>,
}

/// Calculates the next dates, and adds to the summary what that did. False if there is nothing left to do.
pub(super) async fn next(db: &Db, window: Window, summary: &mut Summary) -> Result<bool> {
    let options = TxOptions::new()
        .isolation(Isolation::RepeatableRead)
        .read_only();
    let read = db
        .transaction_with(options, async |tx| read(tx, window).await)
        .await?;
    let Some(inputs) = read else { return Ok(false) };
    // No transaction is open meanwhile: it would be idle, and the server ends those.
    let (inputs, groups) = calculate(inputs, window).await?;
    let written = db
        .transaction(async |tx| write(tx, &inputs, &groups, window).await)
        .await?;
    if let Some(written) = written {
        *summary += written;
        summary.misfits.extend(inputs.misfits);
    }
    Ok(true)
}

/// As [`next`], in the caller's transaction.
pub(super) async fn next_in(tx: &mut Tx, window: Window, summary: &mut Summary) -> Result<bool> {
    let Some(inputs) = read(&mut *tx, window).await? else {
        return Ok(false);
    };
    let (inputs, groups) = calculate(inputs, window).await?;
    if let Some(written) = write(tx, &inputs, &groups, window).await? {
        *summary += written;
        summary.misfits.extend(inputs.misfits);
    }
    Ok(true)
}

async fn calculate(inputs: Inputs, window: Window) -> Result<(Inputs, Vec<Group>)> {
    off_the_runtime(move || {
        let groups = inputs.calculate(window);
        (inputs, groups)
    })
    .await
}

/// The symbols; one that cannot be read stops none of the others.
pub(super) async fn readable_symbols(tx: &mut Tx) -> Result<Readable<Symbol>> {
    readable(tx, |replay: Replay| bars::symbols(replay)).await
}

/// How many dates there are to calculate, and how many symbols a matrix has at most.
pub(super) async fn outlook(tx: &mut Tx, window: Window) -> Result<(usize, usize)> {
    let entries = pending::correlations(&mut *tx).await?;
    let Some(first) = entries.first() else {
        return Ok((0, 0));
    };
    let calendar = calendar(&mut *tx, first.first_date, window, u32::MAX as usize).await?;
    let symbols = readable_symbols(tx).await?.rows;
    Ok((
        plan::count(&entries, &calendar, window.rows()),
        symbols.len(),
    ))
}

async fn calendar(tx: &mut Tx, from: NaiveDate, window: Window, most: usize) -> Result<Calendar> {
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    let mut dates = returns::dates_before(&mut *tx, from, window.before()).await?;
    let before = dates.len();
    dates.extend(returns::dates_since(tx, from, most.saturating_add(1)).await?);
    Ok(Calendar {
        complete: dates.len() - before <= most as usize,
        dates,
        before,
    })
}

/// How many dates are calculated in one transaction: at least one, however many symbols there are.
fn dates_at_once(symbols: usize) -> usize {
    CELLS
        .checked_div(symbols * symbols)
        .map_or(DATES, |dates| dates.clamp(1, DATES))
}

async fn read(tx: &mut Tx, window: Window) -> Result<Option<Inputs>> {
    let entries = pending::correlations(&mut *tx).await?;
    let Some(first) = entries.first() else {
        return Ok(None);
    };
    let symbols = readable_symbols(&mut *tx).await?.rows;
    let most = dates_at_once(symbols.len());
    let calendar = calendar(&mut *tx, first.first_date, window, most).await?;
    let Some(part) = plan::next(&entries, &calendar, window.rows(), most) else {
        return Ok(None);
    };
    let closes = match part.rows.is_empty() {
        true => Vec::new(),
        false => {
            let first = calendar.dates[part.rows.start + 1 - window.rows()];
            let last = calendar.dates[part.rows.end - 1];
            let spans: Vec<_> = symbols
                .iter()
                .map(|symbol| (*symbol, first, last))
                .collect();
            bars::closes_around(tx, &spans, SEVEN as u32, 0).await?
        }
    };
    Ok(Some(Inputs {
        entries,
        part,
        calendar,
        symbols,
        misfits: misfits(&closes),
        closes,
    }))
}

impl Inputs {
    fn dates(&self) -> &[NaiveDate] {
        &self.calendar.dates[self.part.rows.clone()]
    }

    fn calculate(&self, window: Window) -> Vec<Group> {
        let panel = self.panel(window);
        let mut groups: Vec<Group> = Vec::new();
        for date in self.dates() {
            // Where a bar changed since its returns were calculated, a date may be gone; then it comes again.
            let Ok(row) = panel.dates().binary_search(date) else {
                continue;
            };
            let Some(matrix) = panel.correlations(row, window.rows()) else {
                continue;
            };
            let members = matrix.members().iter();
            let symbols: Vec<Symbol> = members.map(|member| self.symbols[*member]).collect();
            let cells = matrix.cells().iter();
            let cells = cells.map(|cell| cell.unwrap_or(Block::UNKNOWN));
            match groups.last_mut() {
                Some(group) if group.symbols == symbols => {
                    group.dates.push(*date);
                    group.cells.extend(cells);
                }
                _ => groups.push(Group {
                    symbols,
                    dates: vec![*date],
                    cells: cells.collect(),
                }),
            }
        }
        groups
    }

    /// The returns in the windows, unrounded, by symbol.
    fn panel(&self, window: Window) -> Panel {
        let first = self.part.rows.start.checked_sub(window.rows() - 1);
        let begin = first.and_then(|row| self.calendar.dates.get(row)).copied();
        let mut series: Vec<Vec<(NaiveDate, f64)>> = vec![Vec::new(); self.symbols.len()];
        for of_symbol in self.closes.chunk_by(|a, b| a.0 == b.0) {
            let prices: Vec<_> = of_symbol
                .iter()
                .map(|(_, close)| close.close.map(|close| close.value()))
                .collect();
            let returns = math::log_returns(&prices, SEVEN);
            let dated = of_symbol.iter().zip(returns);
            series[of_symbol[0].0] = dated
                .filter_map(|((_, close), r)| Some((close.date, r?)))
                .filter(|(date, _)| begin.is_some_and(|begin| *date >= begin))
                .collect();
        }
        Panel::new(&series)
    }
}

/// Writes a part, unless another run did more of it meanwhile.
async fn write(
    tx: &mut Tx,
    inputs: &Inputs,
    groups: &[Group],
    window: Window,
) -> Result<Option<Summary>> {
    correlations::lock(&mut *tx).await?;
    if overtaken(&pending::correlations(&mut *tx).await?, inputs) {
        return Ok(None);
    }
    let (from, to) = inputs.part.span;
    let known = correlations::dates_between(&mut *tx, from, to).await?;
    let calculated = |date: &NaiveDate| groups.iter().any(|group| group.dates.contains(date));
    let gone: Vec<NaiveDate> = known
        .iter()
        .copied()
        .filter(|date| !calculated(date))
        .collect();
    let mut summary = Summary {
        dates: groups.iter().map(|group| group.dates.len()).sum(),
        ..Summary::default()
    };
    if !gone.is_empty() {
        summary.removed += correlations::delete_dates(&mut *tx, &gone).await?;
    }
    for group in groups {
        store(&mut *tx, group, &known, window, &mut summary).await?;
    }
    pending::finish_correlations(&mut *tx, &inputs.part.done).await?;
    if let Some(behind) = to.succ_opt() {
        pending::finish_correlations_until(tx, &inputs.part.moved, behind).await?;
    }
    Ok(Some(summary))
}

/// Whether entries that this part is about were worked at since they were read.
fn overtaken(now: &[pending::Correlations], inputs: &Inputs) -> bool {
    let mine = |id: &Uuid| inputs.part.done.contains(id) || inputs.part.moved.contains(id);
    let mut read = inputs.entries.iter().filter(|entry| mine(&entry.id));
    !read.all(|entry| now.contains(entry))
}

async fn store(
    tx: &mut Tx,
    group: &Group,
    known: &[NaiveDate],
    window: Window,
    summary: &mut Summary,
) -> Result<()> {
    let size = group.symbols.len() * group.symbols.len();
    if size == 0 {
        return Ok(());
    }
    let (there, new): (Vec<usize>, Vec<usize>) =
        (0..group.dates.len()).partition(|at| known.binary_search(&group.dates[*at]).is_ok());
    for (rows, is_new) in [(new, true), (there, false)] {
        let dates: Vec<NaiveDate> = rows.iter().map(|at| group.dates[*at]).collect();
        let cells: Vec<i64> = rows
            .iter()
            .flat_map(|at| &group.cells[at * size..(at + 1) * size])
            .copied()
            .collect();
        for (number, cells) in (0..).zip(cells.chunks(STATEMENT)) {
            let block = Block {
                symbols: &group.symbols,
                dates: &dates,
                window_rows: window.stored(),
                first: number * STATEMENT as u64,
                cells,
            };
            if is_new {
                correlations::insert_block(&mut *tx, &block).await?;
                summary.correlations.inserted += cells.len() as u64;
            } else {
                summary.correlations += correlations::upsert_block(&mut *tx, &block).await?;
            }
        }
        if !is_new && !dates.is_empty() {
            summary.removed += correlations::keep_symbols(&mut *tx, &dates, &group.symbols).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_has_about_as_many_cells_however_many_symbols_there_are() {
        let most = [0, 1, 28, 29, 316, 317, 448, 1000].map(dates_at_once);
        assert_eq!(most, [250, 250, 250, 237, 2, 1, 1, 1]);
    }
}
