//! The text of a statement, and changes of it.

use std::ops::Range;

use crate::check::sql::{Token, tokens};

/// Text to put in place of some bytes of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub at: Range<usize>,
    pub text: String,
}

impl Edit {
    pub fn new(at: Range<usize>, text: impl Into<String>) -> Self {
        Self {
            at,
            text: text.into(),
        }
    }
}

/// A text with edits made, which are in order.
pub fn edited(text: &str, edits: &[Edit]) -> String {
    let mut out = String::new();
    let mut at = 0;
    for edit in edits {
        out += &text[at..edit.at.start];
        out += &edit.text;
        at = edit.at.end;
    }
    out + &text[at..]
}

/// A statement in its tokens; in a source, it begins at `offset`.
pub struct Text<'a> {
    pub sql: &'a str,
    pub offset: usize,
    pub tokens: Vec<Token>,
}

impl<'a> Text<'a> {
    pub fn new(sql: &'a str, offset: usize) -> Self {
        Self {
            sql,
            offset,
            tokens: tokens(sql),
        }
    }

    pub fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| &token.text)
    }

    pub fn is(&self, at: usize, word: &str) -> bool {
        self.text(at).eq_ignore_ascii_case(word)
    }

    /// Whether these words begin at a token.
    pub fn are(&self, at: usize, words: &[&str]) -> bool {
        words
            .iter()
            .enumerate()
            .all(|(n, word)| self.is(at + n, word))
    }

    /// Which of several equal tokens it is.
    pub fn of(&self, at: usize) -> String {
        let same = |token: &&Token| token.text == self.tokens[at].text;
        let before = self.tokens[..at].iter().filter(same).count();
        let all = self.tokens.iter().filter(same).count();
        match all {
            1 => String::new(),
            _ => format!(", {} of {all}", before + 1),
        }
    }

    /// From one token to before another.
    pub fn edit(&self, from: usize, to: usize, text: impl Into<String>) -> Edit {
        let last = &self.tokens[to - 1];
        let range = self.offset + self.tokens[from].at..self.offset + last.at + last.text.len();
        Edit::new(range, text)
    }

    /// The items of a list from a token on: first token and the one after the last.
    pub fn items(&self, start: usize, ends: impl Fn(&Token) -> bool) -> Vec<(usize, usize)> {
        self.parts(start, ends, |token| token.text == ",")
    }

    /// What stands between separators from a token on: first token and the one after the last.
    pub fn parts(
        &self,
        start: usize,
        ends: impl Fn(&Token) -> bool,
        separates: impl Fn(&Token) -> bool,
    ) -> Vec<(usize, usize)> {
        let depth = self.tokens.get(start).map_or(0, |token| token.depth);
        let mut items = Vec::new();
        let mut first = start;
        for at in start..=self.tokens.len() {
            let end = self.tokens.get(at).is_none_or(|token| {
                token.depth < depth || (token.depth == depth && (ends(token) || token.text == ";"))
            });
            if end || (self.tokens[at].depth == depth && separates(&self.tokens[at])) {
                if at > first {
                    items.push((first, at));
                }
                first = at + 1;
            }
            if end {
                break;
            }
        }
        items
    }

    /// Takes one item and its comma out of a list.
    pub fn without(&self, items: &[(usize, usize)], n: usize) -> Edit {
        let (from, to) = match n {
            0 => (items[0].0, items[1].0),
            _ => (items[n - 1].1, items[n].1),
        };
        // From a token up to another one: blanks before the latter stay.
        let end = match n {
            0 => self.tokens[to].at,
            _ => self.tokens[to - 1].at + self.tokens[to - 1].text.len(),
        };
        Edit::new(self.offset + self.tokens[from].at..self.offset + end, "")
    }

    /// Some tokens as one line, for people.
    pub fn shown(&self, (from, to): (usize, usize)) -> String {
        let edit = self.edit(from, to, "");
        let text = &self.sql[edit.at.start - self.offset..edit.at.end - self.offset];
        let words: Vec<&str> = text.split_whitespace().collect();
        format!("`{}`", words.join(" "))
    }

    /// The number of a placeholder.
    pub fn placeholder(&self, at: usize) -> Option<usize> {
        self.text(at).strip_prefix('$')?.parse().ok()
    }

    pub fn placeholders(&self) -> Vec<(usize, usize)> {
        (0..self.tokens.len())
            .filter_map(|at| Some((at, self.placeholder(at)?)))
            .collect()
    }

    /// The list in the parentheses that open at a token.
    pub fn list(&self, open: usize) -> Vec<(usize, usize)> {
        match self.text(open) {
            "(" => self.items(open + 1, |_| false),
            _ => Vec::new(),
        }
    }

    /// The parenthesis that closes the one at a token.
    pub fn close(&self, open: usize) -> Option<usize> {
        let depth = self
            .tokens
            .get(open)
            .filter(|token| token.text == "(")?
            .depth;
        (open + 1..self.tokens.len())
            .find(|at| self.is(*at, ")") && self.tokens[*at].depth == depth)
    }

    /// The sign that begins at a token, such as `<=`, and how many tokens it has.
    pub fn sign(&self, at: usize) -> Option<(String, usize)> {
        let is_sign = |at: usize| {
            let text = self.text(at);
            text.len() == 1 && "+-*/<>=~!@#%^&|?".contains(text)
        };
        let follows = |at: usize| at > 0 && self.tokens[at].at == self.tokens[at - 1].at + 1;
        if !is_sign(at) || (at > 0 && is_sign(at - 1) && follows(at)) {
            return None;
        }
        let mut end = at + 1;
        while end < self.tokens.len() && is_sign(end) && follows(end) {
            end += 1;
        }
        Some(((at..end).map(|at| self.text(at)).collect(), end - at))
    }
}
