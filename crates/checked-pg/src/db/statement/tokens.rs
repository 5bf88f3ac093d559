//! PostgreSQL's lexical rules, as far as they decide where a statement, a string or a comment ends.

/// A piece of SQL that is neither white space nor a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A keyword or an identifier without quotes.
    Word(&'a str),
    /// The inside of a quoted identifier.
    Quoted(&'a str),
    /// A string, whatever its quotes; a number; a parameter.
    Value,
    /// Any other character.
    Mark(u8),
}

impl Token<'_> {
    pub(super) fn is(self, keyword: &str) -> bool {
        matches!(self, Token::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    pub(super) fn is_any(self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is(keyword))
    }
}

pub(super) fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut rest = Rest { sql, at: 0 };
    std::iter::from_fn(|| rest.next()).collect()
}

struct Rest<'a> {
    sql: &'a str,
    at: usize,
}

impl<'a> Rest<'a> {
    fn peek(&self, ahead: usize) -> u8 {
        let byte = self.sql.as_bytes().get(self.at + ahead);
        byte.copied().unwrap_or(0)
    }

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_blanks();
        if self.at >= self.sql.len() {
            return None;
        }
        Some(match self.peek(0) {
            b'\'' => self.string(false),
            b'"' => self.quoted(),
            b'$' => self.dollar(),
            b'0'..=b'9' => self.number(),
            b'e' | b'E' if self.peek(1) == b'\'' => {
                self.at += 1;
                self.string(true)
            }
            b'b' | b'B' | b'x' | b'X' | b'n' | b'N' if self.peek(1) == b'\'' => {
                self.at += 1;
                self.string(false)
            }
            b'u' | b'U' if self.peek(1) == b'&' && matches!(self.peek(2), b'\'' | b'"') => {
                self.at += 2;
                match self.peek(0) {
                    b'"' => self.quoted(),
                    _ => self.string(false),
                }
            }
            byte if starts_word(byte) => self.word(),
            mark => {
                self.at += 1;
                Token::Mark(mark)
            }
        })
    }

    fn skip_blanks(&mut self) {
        loop {
            match (self.peek(0), self.peek(1)) {
                (b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c, _) => self.at += 1,
                (b'-', b'-') => self.skip_line(),
                (b'/', b'*') => self.skip_comment(),
                _ => return,
            }
        }
    }

    /// To the end of the line, which for PostgreSQL a carriage return is, too.
    fn skip_line(&mut self) {
        while self.at < self.sql.len() && !matches!(self.peek(0), b'\n' | b'\r') {
            self.at += 1;
        }
    }

    fn skip_comment(&mut self) {
        let mut depth = 0_usize;
        while self.at < self.sql.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.at += 1,
            }
        }
    }

    /// To the end of the first `what` from here, or of all.
    fn skip_past(&mut self, what: &str) {
        let rest = self.sql.as_bytes().get(self.at..).unwrap_or_default();
        let found = rest
            .windows(what.len())
            .position(|window| window == what.as_bytes());
        self.at = found.map_or(self.sql.len(), |found| self.at + found + what.len());
    }

    /// From the opening quote to the closing one, which a doubled one is not.
    fn skip_to_closing(&mut self, quote: u8, backslashes: bool) {
        self.at += 1;
        while self.at < self.sql.len() {
            match self.peek(0) {
                b'\\' if backslashes => self.at += 2,
                byte if byte == quote && self.peek(1) == quote => self.at += 2,
                byte if byte == quote => {
                    self.at += 1;
                    return;
                }
                _ => self.at += 1,
            }
        }
        self.at = self.sql.len();
    }

    fn string(&mut self, backslashes: bool) -> Token<'a> {
        self.skip_to_closing(b'\'', backslashes);
        Token::Value
    }

    fn quoted(&mut self) -> Token<'a> {
        let start = self.at + 1;
        self.skip_to_closing(b'"', false);
        Token::Quoted(self.sql.get(start..self.at - 1).unwrap_or_default())
    }

    /// A parameter, or a string between `$tag$` and `$tag$`.
    fn dollar(&mut self) -> Token<'a> {
        let start = self.at;
        self.at += 1;
        if self.peek(0).is_ascii_digit() {
            return self.number();
        }
        while self.peek(0) != b'$' && continues_word(self.peek(0)) {
            self.at += 1;
        }
        if self.peek(0) != b'$' {
            return Token::Mark(b'$');
        }
        self.at += 1;
        let tag = self.sql.get(start..self.at).unwrap_or_default();
        self.skip_past(tag);
        Token::Value
    }

    /// Only its end matters, and what it is made of.
    fn number(&mut self) -> Token<'a> {
        while self.peek(0) == b'.' || self.peek(0).is_ascii_alphanumeric() || self.peek(0) == b'_' {
            self.at += 1;
        }
        Token::Value
    }

    fn word(&mut self) -> Token<'a> {
        let start = self.at;
        while continues_word(self.peek(0)) {
            self.at += 1;
        }
        Token::Word(self.sql.get(start..self.at).unwrap_or_default())
    }
}

fn starts_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn continues_word(byte: u8) -> bool {
    starts_word(byte) || byte.is_ascii_digit() || byte == b'$'
}
