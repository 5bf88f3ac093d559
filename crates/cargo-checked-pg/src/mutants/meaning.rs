//! Mistakes of meaning: no type tells them, only rows on both sides of a border, in another order, or with NULL in the right place.

mod columns;
mod conditions;
mod orders;

use super::{Kind, shape::Shape, text::Edit, text::Text};

/// One mistake in a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub kind: Kind,
    pub change: String,
    /// In order.
    pub edits: Vec<Edit>,
}

/// Every mistake of meaning in a statement.
pub fn mistakes(sql: &str, shape: &Shape) -> Vec<Mistake> {
    let text = Text::new(sql, 0);
    let mut mistakes = conditions::mistakes(&text);
    mistakes.extend(orders::mistakes(&text));
    mistakes.extend(columns::mistakes(&text, shape));
    mistakes.extend(limits(&text));
    mistakes.extend(locks(&text));
    mistakes.extend(words(&text));
    mistakes.extend(arithmetic(&text));
    mistakes
}

impl Text<'_> {
    /// Another text for some tokens.
    fn mistake(
        &self,
        kind: Kind,
        (from, to): (usize, usize),
        text: &str,
        change: String,
    ) -> Mistake {
        Mistake {
            kind,
            change: format!("{change}{}", self.of(from)),
            edits: vec![self.edit(from, to, text)],
        }
    }

    /// One word for another.
    fn replaced(&self, kind: Kind, at: usize, other: &str) -> Mistake {
        let change = format!("`{}` to `{other}`", self.text(at));
        self.mistake(kind, (at, at + 1), other, change)
    }
}

/// One row more than asked for.
fn limits(text: &Text<'_>) -> Vec<Mistake> {
    let mistake = |at: usize| {
        let count = text.is(at, "LIMIT").then(|| text.text(at + 1))?;
        let more = match count.parse::<u64>() {
            Ok(count) => (count + 1).to_string(),
            Err(_) if count.starts_with('$') => format!("{count} + 1"),
            Err(_) => return None,
        };
        let change = format!("`LIMIT {more}`");
        Some(text.mistake(Kind::Limit, (at + 1, at + 2), &more, change))
    };
    (0..text.tokens.len()).filter_map(mistake).collect()
}

/// No lock, a weaker one, or one that makes readers wait.
fn locks(text: &Text<'_>) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut changed = |range: (usize, usize), other: &str| {
        let change = match other {
            "" => format!("without {}", text.shown(range)),
            other => format!("{} to `{other}`", text.shown(range)),
        };
        mistakes.push(text.mistake(Kind::Lock, range, other, change));
    };
    for at in 0..text.tokens.len() {
        if text.are(at, &["FOR", "UPDATE"]) {
            let skips = text.are(at + 2, &["SKIP", "LOCKED"]);
            changed((at, at + if skips { 4 } else { 2 }), "");
            changed((at, at + 2), "FOR SHARE");
            if skips {
                changed((at + 2, at + 4), "");
            }
        } else if text.are(at, &["FOR", "NO", "KEY", "UPDATE"]) {
            changed((at, at + 4), "");
            changed((at, at + 4), "FOR KEY SHARE");
            changed((at, at + 4), "FOR UPDATE");
        } else if text.are(at, &["FOR", "SHARE"]) {
            changed((at, at + 2), "");
        } else if text.are(at, &["FOR", "KEY", "SHARE"]) {
            changed((at, at + 3), "");
        } else if text.are(at, &["SHARE", "ROW", "EXCLUSIVE"]) {
            changed((at, at + 3), "ROW EXCLUSIVE");
            changed((at, at + 3), "ACCESS EXCLUSIVE");
        }
    }
    mistakes
}

/// Words that have a counterpart.
fn words(text: &Text<'_>) -> Vec<Mistake> {
    const AGGREGATES: [(&str, &str); 12] = [
        ("min", "max"),
        ("max", "min"),
        ("sum", "max"),
        ("count", "max"),
        ("bool_and", "bool_or"),
        ("bool_or", "bool_and"),
        ("first_value", "last_value"),
        ("last_value", "first_value"),
        ("lag", "lead"),
        ("lead", "lag"),
        ("greatest", "least"),
        ("least", "greatest"),
    ];
    const FRAMES: [(&str, &str); 4] = [
        ("PRECEDING", "FOLLOWING"),
        ("FOLLOWING", "PRECEDING"),
        ("ROWS", "RANGE"),
        ("RANGE", "ROWS"),
    ];
    let mut mistakes = Vec::new();
    for at in 0..text.tokens.len() {
        let word = text.text(at);
        let pair = |pairs: &'static [(&str, &'static str)]| {
            let found = pairs
                .iter()
                .find(|(from, _)| word.eq_ignore_ascii_case(from));
            found.map(|(_, to)| *to)
        };
        if let (Some(other), "(") = (pair(&AGGREGATES), text.text(at + 1)) {
            mistakes.push(text.replaced(Kind::Aggregate, at, other));
        } else if let Some(other) = pair(&FRAMES) {
            mistakes.push(text.replaced(Kind::Frame, at, other));
        } else if text.are(at, &["PARTITION", "BY"]) {
            let items = text.items(at + 2, |token| token.is("ORDER") || token.is("ROWS"));
            if let Some((_, end)) = items.last() {
                let change = format!("without {}", text.shown((at, *end)));
                mistakes.push(text.mistake(Kind::Frame, (at, *end), "", change));
            }
        } else if text.is(at, "UNION") {
            mistakes.push(match text.is(at + 1, "ALL") {
                true => text.mistake(Kind::Union, (at, at + 2), "UNION", "`UNION`".to_owned()),
                false => text.mistake(
                    Kind::Union,
                    (at, at + 1),
                    "UNION ALL",
                    "`UNION ALL`".to_owned(),
                ),
            });
        } else if text.is(at, "LEFT") && text.is(at + 1, "JOIN") {
            let change = "`LEFT JOIN` to `JOIN`".to_owned();
            mistakes.push(text.mistake(Kind::Join, (at, at + 2), "JOIN", change));
        }
    }
    mistakes
}

/// Another sign, or another number.
fn arithmetic(text: &Text<'_>) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for at in 0..text.tokens.len() {
        if let Some((sign, tokens)) = text.sign(at) {
            let other = match sign.as_str() {
                "+" => "-",
                "-" => "+",
                // `(*)` and `SELECT *` are no products.
                "*" if !text.is(at + 1, ")") && !text.is(at + 1, "FROM") => "/",
                "/" => "*",
                _ => continue,
            };
            let change = format!("`{sign}` to `{other}`");
            mistakes.push(text.mistake(Kind::Arithmetic, (at, at + tokens), other, change));
        }
        let number = text.text(at).parse::<u64>();
        if let (Ok(number), false) = (number, at > 0 && text.is(at - 1, "LIMIT")) {
            let other = (number + 1).to_string();
            mistakes.push(text.replaced(Kind::Arithmetic, at, &other));
        }
    }
    mistakes
}
