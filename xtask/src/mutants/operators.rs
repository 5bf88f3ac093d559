//! The mistakes in the text of a statement.

use std::{collections::BTreeSet, ops::Deref};

use cargo_checked_pg::mutants::text::Text;

use super::{Edit, Mistake, Operator, catalog::Schema};
use crate::sql::Token;

/// A statement with its parameters: the text in the source begins at `offset`.
pub struct Statement<'a> {
    text: Text<'a>,
    /// The type of each parameter.
    pub params: Vec<String>,
    /// Where each argument is in the source, with what separates it from the one before.
    pub args: Vec<std::ops::Range<usize>>,
}

impl<'a> Deref for Statement<'a> {
    type Target = Text<'a>;

    fn deref(&self) -> &Self::Target {
        &self.text
    }
}

impl<'a> Statement<'a> {
    pub fn new(
        sql: &'a str,
        offset: usize,
        params: Vec<String>,
        args: Vec<std::ops::Range<usize>>,
    ) -> Self {
        Self {
            text: Text::new(sql, offset),
            params,
            args,
        }
    }

    /// Every mistake in the text.
    pub fn mistakes(&self, schema: &Schema) -> Vec<Mistake> {
        let mut mistakes = self.renamed(schema);
        mistakes.extend(self.dropped_columns());
        mistakes.extend(self.raised_placeholders());
        mistakes.extend(self.swapped_placeholders());
        mistakes.extend(self.dropped_nullability());
        mistakes.extend(self.dropped_insert_columns(schema));
        mistakes.extend(self.conflict_targets());
        mistakes.extend(self.literals());
        mistakes
    }

    /// Replaces a token; `typed` mistakes are the rule.
    fn replaced(&self, operator: Operator, at: usize, text: String) -> Mistake {
        Mistake {
            operator,
            typed: true,
            change: format!("`{}` to `{text}`{}", self.text(at), self.of(at)),
            edits: vec![self.edit(at, at + 1, text)],
        }
    }

    fn renamed(&self, schema: &Schema) -> Vec<Mistake> {
        let columns: BTreeSet<&String> = schema
            .0
            .iter()
            .filter(|(table, _)| self.tokens.iter().any(|token| token.text == **table))
            .flat_map(|(_, columns)| columns.keys())
            .collect();
        let mut mistakes = Vec::new();
        for (at, token) in self.tokens.iter().enumerate() {
            // Not a type, a function or the type of a literal.
            let next = self.text(at + 1);
            let is_type = at > 0 && self.is(at - 1, "::") || next.starts_with('\'');
            if is_type || (next == "(" && at > 0 && !self.is(at - 1, "INTO")) {
                continue;
            }
            let alias = token
                .text
                .strip_prefix('"')
                .and_then(|text| text.find(['!', '?', '"']));
            if let Some(end) = alias {
                let (name, rest) = token.text.split_at(end + 1);
                let renamed = format!("{name}_x{rest}");
                mistakes.push(self.replaced(Operator::RenameColumn, at, renamed));
            } else if schema.0.contains_key(&token.text) {
                let renamed = format!("{}_x", token.text);
                mistakes.push(Mistake {
                    // The server does not look at a utility statement before it runs.
                    typed: !self.is(0, "LOCK"),
                    ..self.replaced(Operator::RenameTable, at, renamed)
                });
            } else if columns.contains(&token.text) {
                let renamed = format!("{}_x", token.text);
                mistakes.push(self.replaced(Operator::RenameColumn, at, renamed));
            }
        }
        mistakes
    }

    fn dropped_columns(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        for at in 0..self.tokens.len() {
            let start = match self.text(at) {
                text if text.eq_ignore_ascii_case("RETURNING") => at + 1,
                text if !text.eq_ignore_ascii_case("SELECT") => continue,
                _ if self.is(at + 1, "DISTINCT") && self.is(at + 2, "ON") => {
                    let close = |n: &usize| self.tokens[*n].text == ")";
                    (at + 3..self.tokens.len()).find(close).unwrap_or(at) + 1
                }
                _ => at + 1,
            };
            let items = self.items(start, |token| token.is("FROM"));
            if items.len() < 2 {
                continue;
            }
            for n in 0..items.len() {
                mistakes.push(Mistake {
                    operator: Operator::DropColumn,
                    typed: true,
                    change: format!("without {}{}", self.shown(items[n]), self.of(items[n].0)),
                    edits: vec![self.without(&items, n)],
                });
            }
        }
        mistakes
    }

    fn same_type(&self, i: usize, j: usize) -> bool {
        self.params.get(i - 1).is_some() && self.params.get(i - 1) == self.params.get(j - 1)
    }

    fn raised_placeholders(&self) -> Vec<Mistake> {
        let all = self.placeholders();
        let raised = |&(at, n): &(usize, usize)| {
            // The types cannot tell if the parameter is still in use and the next one is of its type.
            let used = all.iter().filter(|(_, other)| *other == n).count() > 1;
            Mistake {
                typed: !(used && self.same_type(n, n + 1)),
                ..self.replaced(Operator::RaisePlaceholder, at, format!("${}", n + 1))
            }
        };
        all.iter().map(raised).collect()
    }

    /// Each two neighbouring placeholders.
    fn swapped_placeholders(&self) -> Vec<Mistake> {
        let all = self.placeholders();
        let pairs = all.windows(2).filter(|pair| pair[0].1 != pair[1].1);
        let swapped = |pair: &[(usize, usize)]| {
            let ((a, i), (b, j)) = (pair[0], pair[1]);
            Mistake {
                operator: Operator::SwapPlaceholders,
                typed: !self.same_type(i, j),
                change: format!("`${i}`{} with `${j}`{}", self.of(a), self.of(b)),
                edits: vec![
                    self.edit(a, a + 1, format!("${j}")),
                    self.edit(b, b + 1, format!("${i}")),
                ],
            }
        };
        pairs.map(swapped).collect()
    }

    fn dropped_nullability(&self) -> Vec<Mistake> {
        let mark = |(at, token): (usize, &Token)| {
            let text = token.text.strip_prefix('"')?;
            let end = 1 + text.find(['!', '?'])?;
            let without = format!("{}{}", &token.text[..end], &token.text[end + 1..]);
            Some(self.replaced(Operator::DropNullability, at, without))
        };
        self.tokens.iter().enumerate().filter_map(mark).collect()
    }

    /// The values that an INSERT gives its columns, from the token after the columns on.
    fn values(&self, at: usize) -> Vec<(usize, usize)> {
        if self.is(at, "VALUES") {
            return self.list(at + 1);
        }
        match self.is(at, "SELECT") && self.is(at + 1, "*") && self.is(at + 3, "UNNEST") {
            true => self.list(at + 4),
            false => self.items(at + 1, |token| token.is("FROM")),
        }
    }

    fn dropped_insert_columns(&self, schema: &Schema) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        for at in 0..self.tokens.len() {
            if !self.is(at, "INTO") {
                continue;
            }
            let Some(open) = (at..self.tokens.len()).find(|n| self.is(*n, "(")) else {
                continue;
            };
            let columns = self.list(open);
            let after = columns.last().map_or(open, |last| last.1) + 1;
            let values = self.values(after);
            if columns.len() != values.len() || columns.len() < 2 {
                continue;
            }
            let table = schema.0.get(self.text(at + 1));
            for n in 0..columns.len() {
                let column = self.text(columns[n].0);
                let needed = table.and_then(|table| table.get(column)) == Some(&true);
                let mut edits = vec![self.without(&columns, n), self.without(&values, n)];
                edits.extend(self.without_arguments(values[n]));
                edits.sort_by_key(|edit| edit.at.start);
                mistakes.push(Mistake {
                    operator: Operator::DropInsertColumn,
                    typed: false,
                    change: format!(
                        "without `{column}`{}",
                        if needed { ", NOT NULL" } else { "" }
                    ),
                    edits,
                });
            }
        }
        mistakes
    }

    /// Takes out the arguments that only these tokens use, and renumbers the placeholders.
    fn without_arguments(&self, (from, to): (usize, usize)) -> Vec<Edit> {
        let all = self.placeholders();
        let inside = |at: usize| (from..to).contains(&at);
        let used_outside = |n: usize| all.iter().any(|&(at, other)| other == n && !inside(at));
        let gone: BTreeSet<usize> = all
            .iter()
            .filter(|(at, n)| inside(*at) && !used_outside(*n))
            .map(|(_, n)| *n)
            .collect();
        let mut edits: Vec<Edit> = gone
            .iter()
            .filter_map(|n| Some(Edit::new(self.args.get(n - 1)?.clone(), "")))
            .collect();
        for (at, n) in all.into_iter().filter(|(at, _)| !inside(*at)) {
            let lower = gone.range(..n).count();
            if lower > 0 {
                edits.push(self.edit(at, at + 1, format!("${}", n - lower)));
            }
        }
        edits
    }

    fn conflict_targets(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        for at in 0..self.tokens.len() {
            if !(self.is(at, "ON") && self.is(at + 1, "CONFLICT")) {
                continue;
            }
            let columns = self.list(at + 2);
            for n in 0..columns.len() {
                let column = self.text(columns[n].0).to_owned();
                let edit = match columns.len() {
                    1 => self.edit(columns[n].0, columns[n].1, "created_at"),
                    _ => self.without(&columns, n),
                };
                mistakes.push(Mistake {
                    operator: Operator::ConflictTarget,
                    typed: false,
                    change: format!("without `{column}`"),
                    edits: vec![edit],
                });
            }
            let update = columns.last().map_or(at, |last| last.1) + 2;
            if self.is(update, "UPDATE") {
                let end = (update..self.tokens.len())
                    .find(|n| {
                        self.is(*n, "RETURNING") || self.tokens[*n].depth < self.tokens[at].depth
                    })
                    .unwrap_or(self.tokens.len());
                mistakes.push(Mistake {
                    operator: Operator::ConflictTarget,
                    typed: false,
                    change: "DO NOTHING".to_owned(),
                    edits: vec![self.edit(update, end, "NOTHING")],
                });
            }
        }
        mistakes
    }

    fn literals(&self) -> Vec<Mistake> {
        let changed = |(at, token): (usize, &Token)| {
            let text = if let Some(text) = token.text.strip_suffix('\'') {
                format!("{text}x'")
            } else {
                (token.text.parse::<u32>().ok()? + 1).to_string()
            };
            Some(Mistake {
                typed: false,
                ..self.replaced(Operator::Literal, at, text)
            })
        };
        self.tokens.iter().enumerate().filter_map(changed).collect()
    }
}

#[cfg(test)]
mod fixtures;
