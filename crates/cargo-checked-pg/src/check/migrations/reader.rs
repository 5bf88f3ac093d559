//! Reads a statement token by token.

use checked_pg::db::script::{Kind, Token};

/// Tokens that were not read yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'t, 'a>(pub(super) &'t [Token<'a>]);

impl<'t, 'a> Reader<'t, 'a> {
    pub(super) fn peek(&self) -> Option<&'t Token<'a>> {
        self.0.first()
    }

    pub(super) fn next(&mut self) -> Option<&'t Token<'a>> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// Reads these words if they come next.
    pub(super) fn take(&mut self, words: &[&str]) -> bool {
        let come = words.len() <= self.0.len()
            && words.iter().zip(self.0).all(|(word, token)| token.is(word));
        if come {
            self.0 = &self.0[words.len()..];
        }
        come
    }

    /// Reads a name; of one with a schema, the last part.
    pub(super) fn name(&mut self) -> Option<String> {
        let mut name = self.next()?.name()?;
        while self.peek().is_some_and(|token| token.text == ".") {
            self.next();
            name = self.next()?.name()?;
        }
        Some(name)
    }

    /// Whether these words come anywhere outside of parentheses.
    pub(super) fn has(&self, words: &[&str]) -> bool {
        let top = self.top();
        top.windows(words.len())
            .any(|window| words.iter().zip(window).all(|(word, token)| token.is(word)))
    }

    /// The token behind a word outside of parentheses.
    pub(super) fn after(&self, word: &str) -> Option<&'t Token<'a>> {
        let top = self.top();
        let at = top.iter().position(|token| token.is(word))?;
        top.get(at + 1).copied()
    }

    fn top(&self) -> Vec<&'t Token<'a>> {
        let mut depth = 0_usize;
        let mut top = Vec::new();
        for token in self.0 {
            match token.text {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                _ if depth == 0 => top.push(token),
                _ => {}
            }
        }
        top
    }

    /// The rest, divided at the commas outside of parentheses.
    pub(super) fn parts(&self) -> Vec<Reader<'t, 'a>> {
        let mut parts = Vec::new();
        let (mut begin, mut depth) = (0, 0_usize);
        for (at, token) in self.0.iter().enumerate() {
            match token.text {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                "," if depth == 0 => {
                    parts.push(Reader(&self.0[begin..at]));
                    begin = at + 1;
                }
                _ => {}
            }
        }
        parts.push(Reader(&self.0[begin..]));
        parts
    }

    /// Names that stand before IS NOT NULL.
    pub(super) fn not_null(&self) -> impl Iterator<Item = String> + use<'t, 'a> {
        self.0.windows(4).filter_map(|window| {
            let is = ["IS", "NOT", "NULL"];
            let follows = is
                .iter()
                .zip(&window[1..])
                .all(|(word, token)| token.is(word));
            let named = matches!(window[0].kind, Kind::Word | Kind::Quoted);
            (follows && named).then(|| window[0].name())?
        })
    }
}
