//! Mistakes in the order of rows.

use super::{Kind, Mistake, Text};

/// Another direction, another place of NULL, no tie-break, no order at all, fewer columns of DISTINCT ON.
pub fn mistakes(text: &Text<'_>) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for at in 0..text.tokens.len() {
        if text.are(at, &["ORDER", "BY"]) {
            mistakes.extend(of_order(text, at));
        } else if text.are(at, &["DISTINCT", "ON"]) {
            let items = text.list(at + 2);
            for (n, item) in items.iter().enumerate().filter(|_| items.len() > 1) {
                mistakes.push(Mistake {
                    kind: Kind::DistinctOn,
                    change: format!("DISTINCT ON without {}", text.shown(*item)),
                    edits: vec![text.without(&items, n)],
                });
            }
            if let Some(close) = text.close(at + 2) {
                let change = "without DISTINCT ON".to_owned();
                mistakes.push(text.mistake(Kind::DistinctOn, (at, close + 1), "", change));
            }
        } else if text.is(at, "DISTINCT")
            && !(at > 0 && (text.is(at - 1, "IS") || text.is(at - 1, "NOT")))
        {
            let change = "without DISTINCT".to_owned();
            mistakes.push(text.mistake(Kind::DistinctOn, (at, at + 1), "", change));
        }
    }
    mistakes
}

fn of_order(text: &Text<'_>, at: usize) -> Vec<Mistake> {
    const ENDS: [&str; 8] = [
        "LIMIT", "OFFSET", "FETCH", "FOR", "ROWS", "RANGE", "GROUPS", "UNION",
    ];
    let mut mistakes = Vec::new();
    let items = text.items(at + 2, |token| ENDS.iter().any(|word| token.is(word)));
    for (n, item) in items.iter().enumerate() {
        if items.len() > 1 {
            mistakes.push(Mistake {
                kind: Kind::Order,
                change: format!("no order by {}{}", text.shown(*item), text.of(item.0)),
                edits: vec![text.without(&items, n)],
            });
        }
        mistakes.extend(direction(text, *item));
        mistakes.extend(place_of_null(text, *item));
    }
    if let Some((_, end)) = items.last() {
        let change = format!("without {}", text.shown((at, *end)));
        mistakes.push(text.mistake(Kind::Order, (at, *end), "", change));
    }
    mistakes
}

fn direction(text: &Text<'_>, (from, to): (usize, usize)) -> Option<Mistake> {
    let shown = text.shown((from, to));
    let depth = text.tokens[from].depth;
    let word = (from..to).find(|at| {
        text.tokens[*at].depth == depth && (text.is(*at, "DESC") || text.is(*at, "ASC"))
    });
    let nulls = (from..to).find(|at| text.is(*at, "NULLS")).unwrap_or(to);
    Some(match word {
        Some(at) => {
            let other = if text.is(at, "DESC") { "ASC" } else { "DESC" };
            text.mistake(Kind::Order, (at, at + 1), other, format!("{shown} {other}"))
        }
        None => {
            let last = nulls.checked_sub(1)?;
            let other = format!("{} DESC", text.text(last));
            text.mistake(
                Kind::Order,
                (last, last + 1),
                &other,
                format!("{shown} DESC"),
            )
        }
    })
}

fn place_of_null(text: &Text<'_>, (from, to): (usize, usize)) -> Option<Mistake> {
    let at = (from..to).find(|at| text.is(*at, "NULLS"))? + 1;
    let other = if text.is(at, "LAST") { "FIRST" } else { "LAST" };
    let change = format!("NULLS {other}");
    Some(text.mistake(Kind::Nulls, (at, at + 1), other, change))
}
