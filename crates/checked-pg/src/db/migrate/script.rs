//! The text of a migration: its statements, its marks, its places.

use std::borrow::Cow;

/// What a migration's first line says if its statements must not be in a transaction; sqlx's word for it.
const NO_TRANSACTION: &str = "-- no-transaction";
/// How a comment begins that says with which programs a migration goes.
const COMPATIBLE: &str = "-- compatible:";

/// The text as the server gets it: without a byte order mark, with plain line ends, whatever the checkout has made of them.
pub fn plain(sql: &str) -> Cow<'_, str> {
    let text = sql.strip_prefix('\u{feff}').unwrap_or(sql);
    match text.contains('\r') || text.len() < sql.len() {
        true => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")),
        false => Cow::Borrowed(sql),
    }
}

/// True if each statement is to be run by itself, as CREATE INDEX CONCURRENTLY wants it.
#[must_use]
pub fn is_without_transaction(sql: &str) -> bool {
    sql.starts_with(NO_TRANSACTION)
}

/// Which programs may go on with a schema that has a migration that they do not know.
///
/// The mark is a comment above the first statement: `-- compatible: expand` for all that could work with the schema before it, or
/// `-- compatible: since 12` for all that know migration 12. Returns the least number of the newest migration that such a program
/// knows; None without a mark, which means that no older program may.
///
/// # Errors
/// What is wrong with the mark.
pub fn compatible_since(sql: &str) -> Result<Option<i64>, String> {
    let begin = tokens(sql).first().map_or(sql.len(), |token| token.start);
    let mut since = None;
    let mut at = 0;
    for line in sql.split_inclusive('\n') {
        let here = at;
        at += line.len();
        let Some(mark) = line.trim().strip_prefix(COMPATIBLE) else {
            continue;
        };
        if here >= begin {
            return Err(format!(
                "`{COMPATIBLE}` must stand above the first statement"
            ));
        }
        let words: Vec<_> = mark.split_whitespace().collect();
        let value = match words[..] {
            ["expand"] => 0,
            ["since", version] => version
                .parse()
                .map_err(|_| format!("`{}`: {version} is no number of a migration", line.trim()))?,
            _ => {
                return Err(format!(
                    "`{}` is neither `{COMPATIBLE} expand` nor `{COMPATIBLE} since NUMBER`",
                    line.trim()
                ));
            }
        };
        if since.replace(value).is_some() {
            return Err(format!("`{COMPATIBLE}` is there twice"));
        }
    }
    Ok(since)
}

/// The line and the column of the server's position, which counts characters from 1.
#[must_use]
pub fn place(sql: &str, position: usize) -> (usize, usize) {
    let before = || sql.chars().take(position.saturating_sub(1));
    let line = 1 + before().filter(|c| *c == '\n').count();
    let column = before().fold(1, |column, c| if c == '\n' { 1 } else { column + 1 });
    (line, column)
}

/// What a piece of SQL is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A keyword, or a name without quotes.
    Word,
    /// A name in quotes.
    Quoted,
    /// A string, whatever its quotes.
    Text,
    /// A number, a parameter or any other character.
    Other,
}

/// A piece of SQL that is neither white space nor a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// As it is written.
    pub text: &'a str,
    /// Its first byte.
    pub start: usize,
}

impl Token<'_> {
    /// True for this keyword, however it is written.
    #[must_use]
    pub fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// A name as the catalogs have it.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        match self.kind {
            Kind::Word => Some(self.text.to_lowercase()),
            Kind::Quoted => Some(self.text[1..].trim_end_matches('"').replace("\"\"", "\"")),
            _ => None,
        }
    }
}

/// One statement of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement<'a> {
    /// From its first word to its last, without the semicolon.
    pub text: &'a str,
    /// Its first byte.
    pub start: usize,
    /// Its pieces.
    pub tokens: Vec<Token<'a>>,
}

impl Statement<'_> {
    /// True if the keyword is anywhere in it.
    #[must_use]
    pub fn has(&self, word: &str) -> bool {
        self.tokens.iter().any(|token| token.is(word))
    }

    /// True if it begins or ends a transaction.
    #[must_use]
    pub fn controls_transaction(&self) -> bool {
        const FIRST: [&str; 7] = [
            "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "PREPARE",
        ];
        let second = |word| self.tokens.get(1).is_some_and(|token| token.is(word));
        match self.tokens.first() {
            Some(first) if first.is("ROLLBACK") => !(second("TO") || self.has("SAVEPOINT")),
            Some(first) if first.is("PREPARE") => second("TRANSACTION"),
            Some(first) => first.is_any(&FIRST),
            None => false,
        }
    }
}

/// Takes a text apart at its semicolons, except for those in parentheses (rules) and in the bodies of functions.
#[must_use]
pub fn statements(sql: &str) -> Vec<Statement<'_>> {
    let mut found = Vec::new();
    let mut pieces: Vec<Token<'_>> = Vec::new();
    let (mut parentheses, mut blocks) = (0_usize, 0_usize);
    for token in tokens(sql) {
        match token.text {
            "(" => parentheses += 1,
            ")" => parentheses = parentheses.saturating_sub(1),
            ";" if parentheses == 0 && blocks == 0 => {
                found.extend(statement(sql, std::mem::take(&mut pieces)));
                continue;
            }
            _ if parentheses == 0 && makes_routine(&pieces) => {
                if token.is("BEGIN") || (blocks > 0 && token.is("CASE")) {
                    blocks += 1;
                } else if token.is("END") {
                    blocks = blocks.saturating_sub(1);
                }
            }
            _ => {}
        }
        pieces.push(token);
    }
    found.extend(statement(sql, pieces));
    found
}

fn statement<'a>(sql: &'a str, tokens: Vec<Token<'a>>) -> Option<Statement<'a>> {
    let (start, end) = (tokens.first()?.start, tokens.last()?.end());
    Some(Statement {
        text: &sql[start..end],
        start,
        tokens,
    })
}

/// `CREATE [OR REPLACE] FUNCTION` or `PROCEDURE`, whose body may be statements between BEGIN ATOMIC and END.
fn makes_routine(pieces: &[Token<'_>]) -> bool {
    let mut words = pieces.iter();
    let mut next = words.next();
    if !next.is_some_and(|token| token.is("CREATE")) {
        return false;
    }
    next = words.next();
    if next.is_some_and(|token| token.is("OR")) {
        next = words.nth(1);
    }
    next.is_some_and(|token| token.is_any(&["FUNCTION", "PROCEDURE"]))
}

/// The pieces of a text, by the lexical rules of PostgreSQL with standard_conforming_strings.
#[must_use]
pub fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = sql[at..].chars().next() {
        let rest = &sql[at..];
        if first.is_whitespace() {
            at += first.len_utf8();
        } else if rest.starts_with("--") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            at += comment(rest);
        } else {
            let (kind, len) = piece(rest, first);
            tokens.push(Token {
                kind,
                text: &rest[..len],
                start: at,
            });
            at += len;
        }
    }
    tokens
}

fn piece(rest: &str, first: char) -> (Kind, usize) {
    let continues = |c: char| c.is_alphanumeric() || c == '_' || c == '$' || !c.is_ascii();
    let word = |rest: &str| rest.find(|c| !continues(c)).unwrap_or(rest.len());
    match first {
        '\'' => (Kind::Text, quoted(rest, '\'', false)),
        '"' => (Kind::Quoted, quoted(rest, '"', false)),
        '$' => match dollar(rest) {
            Some(len) => (Kind::Text, len),
            None => (Kind::Other, 1 + word(&rest[1..])),
        },
        c if c.is_ascii_digit() => (Kind::Other, word(rest)),
        c if continues(c) => {
            let len = word(rest);
            match (&rest[..len], &rest[len..]) {
                (e, text) if e.eq_ignore_ascii_case("e") && text.starts_with('\'') => {
                    (Kind::Text, len + quoted(text, '\'', true))
                }
                (prefix, text) if prefix.len() == 1 && text.starts_with('\'') => {
                    (Kind::Text, len + quoted(text, '\'', false))
                }
                _ => (Kind::Word, len),
            }
        }
        c => (Kind::Other, c.len_utf8()),
    }
}

/// The length of a string or name in quotes, in which a doubled quote is one of its own.
fn quoted(rest: &str, quote: char, backslashes: bool) -> usize {
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && backslashes {
            chars.next();
        } else if c == quote {
            match chars.peek() {
                Some((_, next)) if *next == quote => _ = chars.next(),
                _ => return at + 1,
            }
        }
    }
    rest.len()
}

/// The length of a string between `$tag$` and `$tag$`; None for a parameter.
fn dollar(rest: &str) -> Option<usize> {
    let tag = rest[1..].find('$').map(|end| &rest[..end + 2])?;
    let name = &tag[1..tag.len() - 1];
    let good = name.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    let end = rest[tag.len()..].find(tag);
    good.then(|| end.map_or(rest.len(), |end| end + 2 * tag.len()))
}

/// The length of a comment, which may hold others.
fn comment(rest: &str) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        let rest = &rest[at..];
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
        } else {
            match rest.chars().next() {
                Some(c) => at += c.len_utf8(),
                None => return at,
            }
        }
        if depth == 0 {
            return at;
        }
    }
}

#[cfg(test)]
mod tests;
