//! `host=db.example port=5432 password='it''s'`-like connection strings, as libpq reads them.

use crate::error::{Error, Result};
use std::{iter::Peekable, str::Chars};

/// The parameters in the order in which they stand.
pub(super) fn parse(field: &'static str, text: &str) -> Result<Vec<(String, String)>> {
    let mut chars = text.chars().peekable();
    let mut pairs = Vec::new();
    loop {
        skip_blanks(&mut chars);
        if chars.peek().is_none() {
            return Ok(pairs);
        }
        let pair = one(&mut chars).ok_or_else(|| {
            Error::invalid(
                field,
                "expected name=value, with values that hold blanks in single quotes, and \\ before ' and \\",
            )
        })?;
        pairs.push(pair);
    }
}

fn skip_blanks(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|c| c.is_whitespace()).is_some() {}
}

fn one(chars: &mut Peekable<Chars<'_>>) -> Option<(String, String)> {
    let mut keyword = String::new();
    while let Some(c) = chars.next_if(|c| *c != '=' && !c.is_whitespace()) {
        keyword.push(c);
    }
    skip_blanks(chars);
    chars.next_if_eq(&'=')?;
    skip_blanks(chars);
    let quoted = chars.next_if_eq(&'\'').is_some();
    let mut value = String::new();
    loop {
        match chars.next_if(|c| quoted || !c.is_whitespace()) {
            Some('\\') => value.push(chars.next()?),
            Some('\'') if quoted => return Some((keyword, value)),
            Some(c) => value.push(c),
            None if quoted => return None,
            None => return Some((keyword, value)),
        }
    }
}
