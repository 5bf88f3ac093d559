//! What a migration does to those who work meanwhile: rewrites and scans under a lock, and marks that promise too much.
//!
//! A lock for a moment harms nobody, since `migrate` waits for it briefly and again. The rules are about locks that are kept for as long
//! as the work on a table's rows takes. They read the text: what a DO block puts together for EXECUTE is not seen, and
//! neither is what a function does.

mod actions;
mod reader;

use std::{collections::HashSet, fs, path::Path};

use anyhow::{Context, Result};
use checked_pg::db::script::{self, Kind, Statement, Token};

use crate::{migrations, project::Allowed};

use reader::Reader;

/// What is wrong, and how to do it instead.
#[derive(Debug)]
struct Finding {
    /// Byte of the file.
    at: usize,
    what: String,
}

/// What is known where a statement stands.
#[derive(Debug, Default)]
struct Known {
    /// Tables, views and domains that this migration makes: nobody uses them yet.
    new: HashSet<String>,
    /// Constraints that this migration adds without looking at the rows.
    unvalidated: HashSet<String>,
    /// Columns that a check of this or an earlier migration keeps from being NULL, with their tables.
    checked: HashSet<(String, String)>,
    /// Domains of this and earlier migrations.
    domains: HashSet<String>,
    /// Each statement is run by itself.
    one_by_one: bool,
    /// Every older program is said to go with it.
    expand: bool,
}

/// What the migrations of a crate break, a line each.
pub fn findings(root: &Path, allowed: &[Allowed]) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    let mut known = Known::default();
    for path in migrations::list(root)? {
        let file = path.strip_prefix(root)?;
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let sql = script::plain(&text);
        let escapes: Vec<&str> = allowed
            .iter()
            .filter(|escape| escape.file == file)
            .map(|escape| escape.text.as_str())
            .collect();
        for Finding { at, what } in migration(&sql, &escapes, &mut known) {
            let (line, _) = script::place(&sql, 1 + sql[..at].chars().count());
            lines.push(format!("{}:{line}: {what}", file.display()));
        }
    }
    Ok(lines)
}

/// What one migration breaks, unless the text of its statement holds an escape.
fn migration(sql: &str, escapes: &[&str], known: &mut Known) -> Vec<Finding> {
    known.new.clear();
    known.unvalidated.clear();
    known.one_by_one = script::is_without_transaction(sql);
    known.expand = script::compatible_since(sql) == Ok(Some(0));
    let mut found = Vec::new();
    for statement in script::statements(sql) {
        let mut of_statement = Vec::new();
        for (tokens, base) in commands(&statement) {
            actions::judge(&tokens, base, known, &mut of_statement);
        }
        // An escape stands for the action that it names, or for the whole of a statement that is one action.
        of_statement.retain(|finding| {
            !escapes
                .iter()
                .any(|text| covers(sql, &statement, finding, text))
        });
        found.extend(of_statement);
    }
    found
}

/// True if the text of an escape stands around or behind the place of a finding, within the statement.
fn covers(sql: &str, statement: &Statement<'_>, finding: &Finding, text: &str) -> bool {
    let end = statement.start + statement.text.len();
    let places = sql[statement.start..end].match_indices(text);
    places
        .map(|(at, _)| statement.start + at)
        .any(|at| at <= finding.at && finding.at < at + text.len())
}

/// The statement itself, or those in a DO block, each with the byte where its text begins.
fn commands<'a>(statement: &Statement<'a>) -> Vec<(Vec<Token<'a>>, usize)> {
    let tokens = &statement.tokens;
    if !tokens.first().is_some_and(|first| first.is("DO")) {
        return vec![(tokens.clone(), 0)];
    }
    let Some(body) = tokens.iter().find(|token| token.kind == Kind::Text) else {
        return Vec::new();
    };
    let mark = match body.text.starts_with('$') {
        true => body.text[1..].find('$').map_or(0, |end| end + 2),
        false => 1,
    };
    let inner = &body.text[mark..body.text.len().saturating_sub(mark).max(mark)];
    let words = [
        "ALTER", "CREATE", "CLUSTER", "DROP", "LOCK", "REFRESH", "REINDEX", "TRUNCATE", "VACUUM",
    ];
    let mut found = Vec::new();
    for statement in script::statements(inner) {
        // BEGIN, THEN and LOOP stand before it without a semicolon.
        let begin = statement
            .tokens
            .iter()
            .position(|token| words.iter().any(|word| token.is(word)));
        if let Some(begin) = begin {
            found.push((statement.tokens[begin..].to_vec(), body.start + mark));
        }
    }
    found
}

#[cfg(test)]
mod tests;
