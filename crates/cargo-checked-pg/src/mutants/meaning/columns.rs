//! Mistakes in columns: forgotten, swapped, or another one of the same type.

use std::ops::Range;

use super::{Kind, Mistake, Text, conditions::ends_set};
use crate::mutants::shape::Shape;

pub fn mistakes(text: &Text<'_>, shape: &Shape) -> Vec<Mistake> {
    let mut mistakes = forgotten(text);
    mistakes.extend(swapped(text));
    mistakes.extend(others(text, shape));
    mistakes
}

/// A column left out of `SET`, or out of both sides of `IS DISTINCT FROM`: a correction of that column alone is not stored.
fn forgotten(text: &Text<'_>) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for at in 0..text.tokens.len() {
        if text.is(at, "SET") && !text.is(at + 1, "LOCAL") {
            let items = text.items(at + 1, ends_set);
            for n in (0..items.len()).filter(|_| items.len() > 1) {
                mistakes.push(Mistake {
                    kind: Kind::ForgottenColumn,
                    change: format!("SET without {}", text.shown(items[n])),
                    edits: vec![text.without(&items, n)],
                });
            }
        }
        if !(text.are(at, &["IS", "DISTINCT", "FROM"]) && at > 0 && text.is(at - 1, ")")) {
            continue;
        }
        let (left, right) = both_sides(text, at);
        if left.len() != right.len() || left.len() < 2 {
            continue;
        }
        for n in 0..left.len() {
            mistakes.push(Mistake {
                kind: Kind::ForgottenColumn,
                change: format!("IS DISTINCT FROM without {}", text.shown(left[n])),
                edits: vec![text.without(&left, n), text.without(&right, n)],
            });
        }
    }
    mistakes
}

type Items = Vec<(usize, usize)>;

/// The lists on both sides of `IS DISTINCT FROM`.
fn both_sides(text: &Text<'_>, at: usize) -> (Items, Items) {
    let depth = text.tokens[at].depth;
    let open = (0..at)
        .rev()
        .find(|n| text.is(*n, "(") && text.tokens[*n].depth == depth);
    let left = open.map(|open| text.list(open)).unwrap_or_default();
    (left, text.list(at + 3))
}

/// `SET a = EXCLUDED.b`; two columns of an INSERT or of a select list in each other's place.
fn swapped(text: &Text<'_>) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for at in 0..text.tokens.len() {
        let items = if text.is(at, "SET") && !text.is(at + 1, "LOCAL") {
            let items = text.items(at + 1, ends_set);
            let values = items.into_iter().filter_map(|(from, to)| {
                let sign = (from..to).find(|n| text.is(*n, "="))?;
                (sign + 1 < to).then_some((sign + 1, to))
            });
            values.collect()
        } else if text.is(at, "INTO") && text.is(at + 2, "(") {
            text.list(at + 2)
        } else if text.is(at, "INTO") && text.is(at + 2, "AS") && text.is(at + 4, "(") {
            text.list(at + 4)
        } else {
            continue;
        };
        let values = inserted_values(text, at);
        for (n, pair) in items.windows(2).enumerate() {
            // Two that get one value are the same in each other's place.
            if let (Some(one), Some(two)) = (values.get(n), values.get(n + 1))
                && text.shown(*one) == text.shown(*two)
            {
                continue;
            }
            let of = |item: (usize, usize)| {
                let edit = text.edit(item.0, item.1, "");
                (edit.at.clone(), &text.sql[edit.at])
            };
            let ((a, first), (b, second)): ((Range<usize>, _), (Range<usize>, _)) =
                (of(pair[0]), of(pair[1]));
            mistakes.push(Mistake {
                kind: Kind::SwappedColumn,
                change: format!("{} with {}", text.shown(pair[0]), text.shown(pair[1])),
                edits: vec![super::Edit::new(a, second), super::Edit::new(b, first)],
            });
        }
    }
    mistakes
}

/// What an `INTO` puts into its columns.
fn inserted_values(text: &Text<'_>, into: usize) -> Items {
    let open = (into..text.tokens.len()).find(|at| text.is(*at, "("));
    match open.and_then(|open| text.close(open)) {
        Some(close) if text.is(close + 1, "VALUES") => text.list(close + 2),
        Some(close) if text.is(close + 1, "SELECT") => {
            text.items(close + 2, |token| token.is("FROM"))
        }
        _ => Items::new(),
    }
}

/// A column, another of whose type stands in the same tables: the key of another join, the time of another thing.
fn others(text: &Text<'_>, shape: &Shape) -> Vec<Mistake> {
    let tables: Vec<&str> = text
        .tokens
        .iter()
        .map(|token| token.text.as_str())
        .filter(|word| shape.0.contains_key(*word))
        .collect();
    let inserted = inserted_columns(text);
    let mut mistakes = Vec::new();
    for at in 0..text.tokens.len() {
        let before = if at > 0 { text.text(at - 1) } else { "" };
        let is_target = text.text(at + 1) == "=" && is_in_set(text, at);
        let no_column = ["::", "AS"]
            .iter()
            .any(|word| before.eq_ignore_ascii_case(word))
            || ["(", "."].contains(&text.text(at + 1))
            || inserted.iter().any(|range| range.contains(&at))
            || is_target;
        if no_column {
            continue;
        }
        // One of them is enough: the next by name.
        let column = text.text(at);
        let others = shape.others(&tables, column);
        let next = others
            .iter()
            .find(|other| **other > column)
            .or(others.first());
        if let Some(other) = next {
            mistakes.push(text.replaced(Kind::OtherColumn, at, other));
        }
    }
    mistakes
}

/// Whether a token is the column that SET assigns to.
fn is_in_set(text: &Text<'_>, at: usize) -> bool {
    (0..at).any(|set| {
        text.is(set, "SET")
            && text
                .items(set + 1, ends_set)
                .iter()
                .any(|(from, _)| *from == at)
    })
}

/// The tokens of lists that only name columns.
fn inserted_columns(text: &Text<'_>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for at in 0..text.tokens.len() {
        let open = if text.is(at, "INTO") {
            (at..text.tokens.len()).find(|n| text.is(*n, "("))
        } else if text.are(at, &["ON", "CONFLICT"]) || text.is(at, "AS") {
            Some(at + 2).filter(|open| text.is(*open, "("))
        } else {
            None
        };
        if let Some(close) = open.and_then(|open| text.close(open)) {
            found.push(at..close);
        }
    }
    found
}
