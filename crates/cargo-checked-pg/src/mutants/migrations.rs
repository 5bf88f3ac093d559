//! Weaker rules in the migrations: what the database would then take, or lose, or be slow at.

use std::ops::Range;

use anyhow::Result;

use super::{
    Fate, Kind, Mutant, migration_texts,
    text::{Edit, Text, edited},
};
use crate::Project;

/// The mistakes in all migrations of a crate.
pub fn mutants(project: &Project) -> Result<Vec<Mutant>> {
    let mut mutants = Vec::new();
    for (file, sql) in migration_texts(project)? {
        for weaker in weakened(&sql) {
            mutants.push(Mutant {
                place: file.clone(),
                kind: weaker.kind,
                change: weaker.change,
                from: sql.clone(),
                to: edited(&sql, &[weaker.edit]),
                about: weaker.about,
                fate: Fate::default(),
            });
        }
    }
    Ok(mutants)
}

pub struct Weaker {
    pub kind: Kind,
    pub change: String,
    pub edit: Edit,
    /// The table or the domain.
    pub about: Vec<String>,
}

/// Every weaker rule in a migration.
pub fn weakened(sql: &str) -> Vec<Weaker> {
    let text = Text::new(sql, 0);
    let mut found = Vec::new();
    for statement in statements(&text) {
        let about = about(&text, &statement);
        let named = about.first().cloned().unwrap_or_default();
        let mut made = |kind, (from, to): (usize, usize), other: &str| {
            let what = match other {
                "" => format!("{named}: without {}", text.shown((from, to))),
                other => format!("{named}: {} to `{other}`", text.shown((from, to))),
            };
            found.push(Weaker {
                kind,
                change: format!("{what}{}", text.of(from)),
                edit: text.edit(from, to, other),
                about: about.clone(),
            });
        };
        let is = |at: usize, words: &[&str]| text.are(at, words);
        let begin = statement.start;
        if is(begin, &["CREATE", "UNIQUE", "INDEX"]) {
            made(Kind::Unique, (begin + 1, begin + 2), "");
        } else if is(begin, &["CREATE", "INDEX"]) {
            made(Kind::Index, (begin, statement.end), "");
        } else if !["CREATE", "ALTER"].iter().any(|word| text.is(begin, word))
            || is(begin, &["CREATE", "FUNCTION"])
            || is(begin, &["CREATE", "OR", "REPLACE"])
        {
            continue;
        }
        for at in statement.clone() {
            if text.is(at, "CHECK") {
                let Some(close) = text.close(at + 1) else {
                    continue;
                };
                made(Kind::Check, (at + 2, close), "true");
                for n in at + 2..close {
                    if let Some((sign, tokens)) = text.sign(n) {
                        let other = match sign.as_str() {
                            "<" => "<=",
                            "<=" => "<",
                            ">" => ">=",
                            ">=" => ">",
                            _ => continue,
                        };
                        made(Kind::CheckBorder, (n, n + tokens), other);
                    }
                    if let Ok(number) = text.text(n).parse::<u64>() {
                        made(Kind::CheckBorder, (n, n + 1), &(number + 1).to_string());
                    }
                    let joined = text.is(n, "AND") && !between(&text, at + 2, n);
                    if joined {
                        made(Kind::CheckBorder, (n, n + 1), "OR");
                    }
                }
            } else if text.is(at, "UNIQUE") && at > begin + 1 {
                if is(at + 1, &["NULLS", "NOT", "DISTINCT"]) {
                    made(Kind::Unique, (at + 1, at + 4), "");
                }
                let open = (at..statement.end).find(|n| text.is(*n, "("));
                if let Some(close) = open.and_then(|open| text.close(open)) {
                    made(Kind::Unique, (at, close + 1), "CHECK (true)");
                }
            } else if is(at, &["ON", "DELETE"]) {
                let words = if is(at + 2, &["SET"]) || is(at + 2, &["NO"]) {
                    2
                } else {
                    1
                };
                let other = match text.is(at + 2, "CASCADE") {
                    true => "NO ACTION",
                    false => "CASCADE",
                };
                made(Kind::OnDelete, (at + 2, at + 2 + words), other);
            } else if is(at, &["FOREIGN", "KEY"]) {
                let depth = text.tokens[at].depth;
                let end = (at..statement.end)
                    .find(|n| {
                        text.tokens[*n].depth < depth
                            || (text.tokens[*n].depth == depth && text.is(*n, ","))
                    })
                    .unwrap_or(statement.end);
                made(Kind::ForeignKey, (at, end), "CHECK (true)");
            } else if is(at, &["NOT", "NULL"]) && at > 0 && !text.is(at - 1, "IS") {
                let set = text.is(at - 1, "SET");
                made(
                    Kind::NotNull,
                    (at, at + 2),
                    if set { "STATISTICS 100" } else { "" },
                );
            }
        }
    }
    found
}

/// Whether an AND is that of `BETWEEN`.
fn between(text: &Text<'_>, from: usize, and: usize) -> bool {
    let depth = text.tokens[and].depth;
    let mut open = false;
    for at in from..and {
        if text.tokens[at].depth == depth {
            if text.is(at, "BETWEEN") {
                open = true;
            } else if text.is(at, "AND") {
                open = false;
            }
        }
    }
    open
}

/// The statements, without what ends them.
fn statements(text: &Text<'_>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut begin = 0;
    for at in 0..text.tokens.len() {
        if text.is(at, ";") && text.tokens[at].depth == 0 {
            if at > begin {
                found.push(begin..at);
            }
            begin = at + 1;
        }
    }
    found
}

/// What a statement is about: the word after TABLE, DOMAIN or ON.
fn about(text: &Text<'_>, statement: &Range<usize>) -> Vec<String> {
    let index = text.are(statement.start, &["CREATE", "INDEX"])
        || text.are(statement.start, &["CREATE", "UNIQUE", "INDEX"]);
    let words: &[&str] = if index { &["ON"] } else { &["TABLE", "DOMAIN"] };
    let after = statement
        .clone()
        .find(|at| words.iter().any(|word| text.is(*at, word)));
    let name = after.map(|at| text.text(at + 1).to_owned());
    name.into_iter().collect()
}
