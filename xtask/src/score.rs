//! Scores of mutants, in the page that shows them.

use std::fs;

use anyhow::{Context, Result};

use crate::project;

const PAGE: &str = "docs/guarantees.md";

/// Puts `text` in place of the last score called `name`.
pub fn publish(name: &str, text: &str) -> Result<()> {
    let (begin, end) = (
        format!("<!-- {name} score: begin -->"),
        format!("<!-- {name} score: end -->"),
    );
    let page = fs::read_to_string(project(PAGE))?;
    let (before, rest) = page.split_once(&begin).context(begin.clone())?;
    let (_, after) = rest.split_once(&end).context(end.clone())?;
    Ok(fs::write(
        project(PAGE),
        format!("{before}{begin}\n{text}{end}{after}"),
    )?)
}
