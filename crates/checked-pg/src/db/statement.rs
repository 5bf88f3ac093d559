//! What a statement's text tells about it: does it control the transaction, may it change the session, is it a read?
//!
//! The text cannot tell everything: a trigger runs functions that no statement names. So where a check costs no flight of its own,
//! at the end of a transaction, the text is not asked; nor where the database has functions that may change a session.

mod functions;
mod tokens;

use functions::{ACTING, KEYWORDS, READING, is_in};
use std::{cell::RefCell, collections::HashMap};
use tokens::{Token, tokens};

/// What is known about a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Traits {
    /// One of the text's statements begins, ends or divides a transaction.
    pub(super) controls_transaction: bool,
    /// A part of it may be committed before its end, so an error does not tell that nothing was done.
    pub(super) may_commit_inside: bool,
    /// It may leave something behind in the session: a setting, a lock, a temporary table, a cursor, a channel, a prepared statement.
    pub(super) may_change_session: bool,
    /// It makes something temporary, whose name may be that of something else.
    pub(super) makes_temporary: bool,
    /// It only reads, so running it twice is running it once.
    pub(super) only_reads: bool,
    /// The text holds several statements.
    pub(super) several: bool,
    /// It listens to a channel, which takes a session that stays.
    pub(super) listens: bool,
}

impl Traits {
    /// The traits of a text. Those of a text seen before are remembered, since they are asked for each time a statement runs.
    pub(super) fn of(sql: &str) -> Self {
        /// More different texts than a program has; those made at run time must not pile up.
        const MOST: usize = 2048;
        type Seen = HashMap<(usize, usize), (Box<str>, Traits)>;
        thread_local!(static SEEN: RefCell<Seen> = RefCell::default());
        // By its place, which is soon compared, and then by its text, since another one may take the place.
        let place = (sql.as_ptr() as usize, sql.len());
        SEEN.with_borrow_mut(|seen| {
            if let Some((text, traits)) = seen.get(&place)
                && **text == *sql
            {
                return *traits;
            }
            if seen.len() >= MOST {
                seen.clear();
            }
            let traits = look(sql);
            seen.insert(place, (sql.into(), traits));
            traits
        })
    }
}

/// The tables that a statement names: what follows FROM, JOIN, INTO or UPDATE, but for the names it makes itself.
pub(super) fn tables(sql: &str) -> Option<String> {
    const BEFORE: &[&str] = &["FROM", "JOIN", "INTO", "UPDATE"];
    let all = tokens(sql);
    let name = |token: Option<&Token<'_>>| match token {
        Some(Token::Word(name) | Token::Quoted(name)) => Some((*name).to_owned()),
        _ => None,
    };
    let is_made = |name: &String| {
        all.windows(3)
            .any(|next| next[0].is(name) && next[1].is("AS") && next[2] == Token::Mark(b'('))
    };
    let mut names: Vec<String> = all
        .windows(2)
        .filter(|next| {
            next[0].is_any(BEFORE) && !next[1].is_any(&["UNNEST", "SELECT", "LATERAL", "SET"])
        })
        .filter_map(|next| name(next.get(1)))
        .filter(|name| !is_made(name))
        .collect();
    names.sort_unstable();
    names.dedup();
    (!names.is_empty()).then(|| names.join(", "))
}

/// How a statement begins, for an error: names and keywords, but no value.
pub(super) fn outline(sql: &str) -> String {
    const MOST: usize = 12;
    let all = tokens(sql);
    let show = |token: &Token<'_>| match *token {
        Token::Word(word) => word.to_owned(),
        Token::Quoted(name) => format!("\"{name}\""),
        Token::Value => "?".to_owned(),
        Token::Mark(mark) => char::from(mark).to_string(),
    };
    let mut shown: Vec<String> = all.iter().take(MOST).map(show).collect();
    if all.len() > MOST {
        shown.push("…".to_owned());
    }
    shown.join(" ")
}

fn look(sql: &str) -> Traits {
    let tokens = tokens(sql);
    let statements = split(&tokens);
    let one = |statement: &&[Token<'_>]| look_at_one(statement);
    let all: Vec<Traits> = statements.iter().map(one).collect();
    Traits {
        controls_transaction: all.iter().any(|one| one.controls_transaction),
        may_commit_inside: all.iter().any(|one| one.may_commit_inside),
        may_change_session: all.iter().any(|one| one.may_change_session),
        makes_temporary: all.iter().any(|one| one.makes_temporary),
        only_reads: all.len() == 1 && all.iter().all(|one| one.only_reads),
        several: all.len() > 1,
        listens: all.iter().any(|one| one.listens),
    }
}

/// The statements of a text. A body between BEGIN ATOMIC and END holds semicolons of its own.
fn split<'t, 'a>(tokens: &'t [Token<'a>]) -> Vec<&'t [Token<'a>]> {
    let mut statements = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    for (at, token) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1);
        let begins_body = token.is("BEGIN") && next.is_some_and(|next| next.is("ATOMIC"));
        if begins_body || (depth > 0 && token.is("CASE")) {
            depth += 1;
        } else if depth > 0 && token.is("END") {
            depth -= 1;
        } else if depth == 0 && *token == Token::Mark(b';') {
            statements.push(&tokens[start..at]);
            start = at + 1;
        }
    }
    statements.push(&tokens[start..]);
    statements.retain(|statement| !statement.is_empty());
    statements
}

const READS: &[&str] = &["SELECT", "VALUES", "TABLE", "WITH", "SHOW"];
const WRITES: &[&str] = &["INSERT", "UPDATE", "DELETE", "MERGE"];
const CONTROL: &[&str] = &[
    "BEGIN",
    "START",
    "COMMIT",
    "END",
    "ROLLBACK",
    "ABORT",
    "SAVEPOINT",
    "RELEASE",
];
/// In a SELECT these write or lock.
const NO_READ: &[&str] = &["INSERT", "UPDATE", "DELETE", "MERGE", "INTO", "SHARE"];

fn look_at_one(statement: &[Token<'_>]) -> Traits {
    let opened = statement
        .iter()
        .take_while(|token| **token == Token::Mark(b'('));
    let statement = &statement[opened.count()..];
    let word = |at: usize| statement.get(at).copied().unwrap_or(Token::Value);
    let first = word(0);
    let controls_transaction =
        first.is_any(CONTROL) || (first.is("PREPARE") && word(1).is("TRANSACTION"));
    let of_the_transaction =
        first.is("SET") && word(1).is_any(&["LOCAL", "TRANSACTION", "CONSTRAINTS"]);
    let harmless = first.is_any(READS)
        || first.is_any(WRITES)
        || first.is_any(&["LOCK", "NOTIFY"])
        || of_the_transaction;
    let calls = calls(statement);
    let names_temporary = statement.iter().any(|token| names_temporary(*token));
    let may_change_session = !harmless || calls.contains(&Call::Unknown) || names_temporary;
    let makes = first.is("CREATE") || statement.iter().any(|token| token.is("INTO"));
    let only_reads = first.is_any(READS)
        && !may_change_session
        && calls.iter().all(|call| *call == Call::Reads)
        && !statement.iter().any(|token| token.is_any(NO_READ));
    Traits {
        controls_transaction,
        may_commit_inside: controls_transaction || first.is_any(&["CALL", "DO"]),
        may_change_session,
        makes_temporary: names_temporary && makes,
        only_reads,
        several: false,
        listens: first.is("LISTEN"),
    }
}

fn names_temporary(token: Token<'_>) -> bool {
    token.is_any(&["TEMP", "TEMPORARY", "pg_temp"]) || token == Token::Quoted("pg_temp")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Reads,
    Acts,
    Unknown,
}

/// What the functions do that the statement calls.
fn calls(statement: &[Token<'_>]) -> Vec<Call> {
    let mark = |at: Option<usize>, mark: u8| {
        at.and_then(|at| statement.get(at)) == Some(&Token::Mark(mark))
    };
    let mut calls = Vec::new();
    for (at, token) in statement.iter().enumerate() {
        if !mark(Some(at + 1), b'(') {
            continue;
        }
        let qualified = mark(at.checked_sub(1), b'.');
        let name = match *token {
            Token::Word(word) => word,
            Token::Quoted(name) => name,
            Token::Value | Token::Mark(_) => continue,
        };
        let schema = at.checked_sub(2).and_then(|at| statement.get(at));
        let in_catalog = schema.is_none_or(|schema| schema.is("pg_catalog"));
        if names_table(statement, at) || (!qualified && is_in(KEYWORDS, name)) {
            continue;
        }
        calls.push(match () {
            () if qualified && !in_catalog => Call::Unknown,
            () if is_in(READING, name) => Call::Reads,
            () if is_in(ACTING, name) => Call::Acts,
            () => Call::Unknown,
        });
    }
    calls
}

/// True for the name before a list of columns: `INSERT INTO t (…`, `AS t (…`, `WITH t (…) AS (SELECT`.
fn names_table(statement: &[Token<'_>], at: usize) -> bool {
    let mut first = at;
    while first >= 2 && statement[first - 1] == Token::Mark(b'.') {
        first -= 2;
    }
    let Some(before) = first.checked_sub(1).map(|before| statement[before]) else {
        return false;
    };
    if before.is_any(&["INTO", "AS"]) {
        return true;
    }
    if !(before.is_any(&["WITH", "RECURSIVE"]) || before == Token::Mark(b',')) {
        return false;
    }
    let mut depth = 0_usize;
    let closing = statement[at + 1..].iter().position(|token| {
        match token {
            Token::Mark(b'(') => depth += 1,
            Token::Mark(b')') => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    let Some(closing) = closing else { return false };
    let after = &statement[at + 2 + closing..];
    let starts_body = |token: &Token<'_>| {
        token.is_any(READS) || token.is_any(WRITES) || *token == Token::Mark(b'(')
    };
    let mut after = after
        .iter()
        .filter(|token| !token.is_any(&["NOT", "MATERIALIZED"]));
    after.next().is_some_and(|token| token.is("AS"))
        && after.next() == Some(&Token::Mark(b'('))
        && after.next().is_some_and(starts_body)
}

#[cfg(test)]
mod tests;
