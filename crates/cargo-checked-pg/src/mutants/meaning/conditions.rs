//! Mistakes in conditions.

use super::{Kind, Mistake, Text};

pub fn mistakes(text: &Text<'_>) -> Vec<Mistake> {
    let mut mistakes = signs(text);
    mistakes.extend(connectives(text));
    mistakes.extend(dropped(text));
    mistakes.extend(negated(text));
    mistakes
}

/// `<` for `<=`, `<>` for `=`, and so on.
fn signs(text: &Text<'_>) -> Vec<Mistake> {
    let set = assignments(text);
    let mistake = |at: usize| {
        let (sign, tokens) = text.sign(at)?;
        let (kind, other) = match sign.as_str() {
            "<" => (Kind::Border, "<="),
            "<=" => (Kind::Border, "<"),
            ">" => (Kind::Border, ">="),
            ">=" => (Kind::Border, ">"),
            "<>" => (Kind::Equality, "="),
            "=" if !set.contains(&at) && !text.is(at + 1, "ANY") => (Kind::Equality, "<>"),
            _ => return None,
        };
        let change = format!("`{sign}` to `{other}`");
        Some(text.mistake(kind, (at, at + tokens), other, change))
    };
    (0..text.tokens.len()).filter_map(mistake).collect()
}

/// The `=` of `SET a = b`.
fn assignments(text: &Text<'_>) -> Vec<usize> {
    let mut found = Vec::new();
    for at in 0..text.tokens.len() {
        if text.is(at, "SET") {
            let items = text.items(at + 1, ends_set);
            let sign = |(from, to): (usize, usize)| (from..to).find(|at| text.is(*at, "="));
            found.extend(items.into_iter().filter_map(sign));
        }
    }
    found
}

pub fn ends_set(token: &crate::check::sql::Token) -> bool {
    ["WHERE", "FROM", "RETURNING"]
        .iter()
        .any(|word| token.is(word))
}

/// AND for OR, and OR for AND.
fn connectives(text: &Text<'_>) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut between = 0;
    for at in 0..text.tokens.len() {
        if text.is(at, "BETWEEN") && !is_frame(text, at) {
            between += 1;
        } else if text.is(at, "AND") && between > 0 {
            between -= 1;
        } else if text.is(at, "OR") || (text.is(at, "AND") && !is_frame_and(text, at)) {
            let other = if text.is(at, "AND") { "OR" } else { "AND" };
            mistakes.push(text.replaced(Kind::Connective, at, other));
        }
    }
    mistakes
}

/// `ROWS BETWEEN … AND …`
fn is_frame(text: &Text<'_>, between: usize) -> bool {
    between > 0
        && ["ROWS", "RANGE", "GROUPS"]
            .iter()
            .any(|word| text.is(between - 1, word))
}

fn is_frame_and(text: &Text<'_>, at: usize) -> bool {
    at > 0
        && ["PRECEDING", "ROW", "FOLLOWING"]
            .iter()
            .any(|word| text.is(at - 1, word))
}

/// The parts of WHERE, ON, HAVING and FILTER that AND joins.
fn dropped(text: &Text<'_>) -> Vec<Mistake> {
    const ENDS: [&str; 20] = [
        "GROUP",
        "ORDER",
        "LIMIT",
        "OFFSET",
        "FETCH",
        "FOR",
        "UNION",
        "EXCEPT",
        "INTERSECT",
        "JOIN",
        "LEFT",
        "RIGHT",
        "FULL",
        "INNER",
        "CROSS",
        "WHERE",
        "RETURNING",
        "HAVING",
        "WINDOW",
        "ON",
    ];
    let mut mistakes = Vec::new();
    for at in 0..text.tokens.len() {
        let begins = text.is(at, "WHERE")
            || text.is(at, "HAVING")
            || (text.is(at, "ON")
                && !text.is(at + 1, "CONFLICT")
                && !(at > 0 && text.is(at - 1, "DISTINCT")));
        if !begins {
            continue;
        }
        let ands = ands(text, at + 1);
        let terms = text.parts(
            at + 1,
            |token| ENDS.iter().any(|word| token.is(word)),
            |token| ands.contains(&token.at),
        );
        for (from, to) in terms {
            // An OR at this level binds weaker than AND; each of its sides is then no term of its own.
            let depth = text.tokens[from].depth;
            let or = (from..to).any(|n| text.is(n, "OR") && text.tokens[n].depth == depth);
            if text.is(from, "true") || or {
                continue;
            }
            let change = format!("without {}", text.shown((from, to)));
            mistakes.push(text.mistake(Kind::Condition, (from, to), "true", change));
        }
    }
    mistakes
}

/// Where the ANDs of a condition stand, without those of `BETWEEN` and of parentheses.
fn ands(text: &Text<'_>, begin: usize) -> Vec<usize> {
    let depth = text.tokens.get(begin).map_or(0, |token| token.depth);
    let mut between = false;
    let mut found = Vec::new();
    for (at, token) in text.tokens.iter().enumerate().skip(begin) {
        match token.depth {
            deeper if deeper > depth => {}
            outside if outside < depth => break,
            _ if text.is(at, "BETWEEN") => between = true,
            _ if text.is(at, "AND") && std::mem::take(&mut between) => {}
            _ if text.is(at, "AND") => found.push(token.at),
            _ => {}
        }
    }
    found
}

/// EXISTS for NOT EXISTS; IS NULL for IS NOT NULL; `=` for IS NOT DISTINCT FROM.
fn negated(text: &Text<'_>) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for at in 0..text.tokens.len() {
        let mut negate = |range: (usize, usize), other: &str| {
            let change = format!("{} to `{other}`", text.shown(range));
            mistakes.push(text.mistake(Kind::Existence, range, other, change));
        };
        if text.are(at, &["NOT", "EXISTS"]) {
            negate((at, at + 2), "EXISTS");
        } else if text.is(at, "EXISTS") && !(at > 0 && text.is(at - 1, "NOT")) {
            negate((at, at + 1), "NOT EXISTS");
        } else if text.are(at, &["IS", "NOT", "NULL"]) {
            negate((at, at + 3), "IS NULL");
        } else if text.are(at, &["IS", "NULL"]) {
            negate((at, at + 2), "IS NOT NULL");
        } else if text.are(at, &["IS", "NOT", "DISTINCT", "FROM"]) {
            let change = format!("{} to `=`", text.shown((at, at + 4)));
            mistakes.push(text.mistake(Kind::Nulls, (at, at + 4), "=", change));
        } else if text.are(at, &["IS", "DISTINCT", "FROM"]) {
            let change = format!("{} to `<>`", text.shown((at, at + 3)));
            mistakes.push(text.mistake(Kind::Nulls, (at, at + 3), "<>", change));
        } else if text.is(at, "COALESCE") && text.is(at + 1, "(") {
            let items = text.list(at + 1);
            if let (Some(first), Some(close)) = (items.first(), text.close(at + 1)) {
                let shown = text.shown(*first);
                let only = text.edit(first.0, first.1, "");
                let only = text.sql[only.at].to_owned();
                let change = format!("COALESCE to {shown}");
                mistakes.push(text.mistake(Kind::Nulls, (at, close + 1), &only, change));
            }
        }
    }
    mistakes
}
