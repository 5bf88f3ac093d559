//! Mistakes of meaning: no type tells them, only rows on both sides of a border, in another order, or with NULL in the right place.

use super::{Mistake, Operator, Statement};

impl Statement<'_> {
    /// Every mistake of meaning in the text.
    pub(super) fn mistakes_of_meaning(&self) -> Vec<Mistake> {
        let mut mistakes = self.borders();
        mistakes.extend(self.orders());
        mistakes.extend(self.connectives());
        mistakes.extend(self.limits());
        mistakes.extend(self.locks());
        mistakes.extend(self.forgotten_columns());
        mistakes
    }

    fn of_meaning(
        &self,
        operator: Operator,
        (from, to): (usize, usize),
        text: &str,
        change: String,
    ) -> Mistake {
        Mistake {
            operator,
            typed: false,
            change: format!("{change}{}", self.of(from)),
            edits: vec![self.edit(from, to, text)],
        }
    }

    /// The operator that begins at a token, such as `<=`, and how many tokens it has.
    fn sign(&self, at: usize) -> Option<(String, usize)> {
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

    /// `<` for `<=`, and so on.
    fn borders(&self) -> Vec<Mistake> {
        let mistake = |at: usize| {
            let (sign, tokens) = self.sign(at)?;
            let other = match sign.as_str() {
                "<" => "<=",
                "<=" => "<",
                ">" => ">=",
                ">=" => ">",
                "<>" => "=",
                _ => return None,
            };
            let change = format!("`{sign}` to `{other}`");
            Some(self.of_meaning(Operator::Border, (at, at + tokens), other, change))
        };
        (0..self.tokens.len()).filter_map(mistake).collect()
    }

    /// Another direction, another place of NULL, no tie-break, no order at all.
    fn orders(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        for at in 0..self.tokens.len() {
            if !(self.is(at, "ORDER") && self.is(at + 1, "BY")) {
                continue;
            }
            let ends = ["LIMIT", "OFFSET", "FETCH", "FOR", "ROWS", "RANGE", "GROUPS"];
            let items = self.items(at + 2, |token| ends.iter().any(|word| token.is(word)));
            for (n, item) in items.iter().enumerate() {
                if items.len() > 1 {
                    mistakes.push(Mistake {
                        operator: Operator::Order,
                        typed: false,
                        change: format!("no order by {}{}", self.shown(*item), self.of(item.0)),
                        edits: vec![self.without(&items, n)],
                    });
                }
                mistakes.extend(self.direction(*item));
                mistakes.extend(self.place_of_null(*item));
            }
            if let ([item], 0) = (&items[..], self.tokens[at].depth) {
                let change = format!("no order by {}", self.shown(*item));
                mistakes.push(self.of_meaning(Operator::Order, (at, item.1), "", change));
            }
        }
        mistakes
    }

    fn direction(&self, (from, to): (usize, usize)) -> Option<Mistake> {
        let shown = self.shown((from, to));
        let word = (from..to).find(|at| {
            self.tokens[*at].depth == self.tokens[from].depth
                && (self.is(*at, "DESC") || self.is(*at, "ASC"))
        });
        let nulls = (from..to).find(|at| self.is(*at, "NULLS")).unwrap_or(to);
        Some(match word {
            Some(at) => {
                let other = if self.is(at, "DESC") { "ASC" } else { "DESC" };
                let change = format!("{shown} {other}");
                self.of_meaning(Operator::Order, (at, at + 1), other, change)
            }
            None => {
                let last = nulls.checked_sub(1)?;
                let text = format!("{} DESC", self.text(last));
                let change = format!("{shown} DESC");
                self.of_meaning(Operator::Order, (last, last + 1), &text, change)
            }
        })
    }

    fn place_of_null(&self, (from, to): (usize, usize)) -> Option<Mistake> {
        let at = (from..to).find(|at| self.is(*at, "NULLS"))? + 1;
        let other = if self.is(at, "LAST") { "FIRST" } else { "LAST" };
        let change = format!("NULLS {other}");
        Some(self.of_meaning(Operator::Nulls, (at, at + 1), other, change))
    }

    /// AND for OR, and OR for AND.
    fn connectives(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        let mut between = 0;
        for at in 0..self.tokens.len() {
            if self.is(at, "BETWEEN") {
                between += 1;
            } else if self.is(at, "AND") && between > 0 {
                between -= 1;
            } else if self.is(at, "AND") || self.is(at, "OR") {
                let other = if self.is(at, "AND") { "OR" } else { "AND" };
                let change = format!("`{}` to `{other}`", self.text(at));
                mistakes.push(self.of_meaning(Operator::Connective, (at, at + 1), other, change));
            }
        }
        mistakes
    }

    /// One row more than asked for.
    fn limits(&self) -> Vec<Mistake> {
        let mistake = |at: usize| {
            let count = self.is(at, "LIMIT").then(|| self.placeholder(at + 1))??;
            let text = format!("${count} + 1");
            let change = format!("`LIMIT {text}`");
            Some(self.of_meaning(Operator::Limit, (at + 1, at + 2), &text, change))
        };
        (0..self.tokens.len()).filter_map(mistake).collect()
    }

    /// No lock, a weaker one, or one that makes readers wait.
    fn locks(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        let mut changed = |range: (usize, usize), text: &str| {
            let change = match text {
                "" => format!("without {}", self.shown(range)),
                text => format!("{} to `{text}`", self.shown(range)),
            };
            mistakes.push(self.of_meaning(Operator::Lock, range, text, change));
        };
        for at in 0..self.tokens.len() {
            if self.is(at, "FOR") && self.is(at + 1, "UPDATE") {
                changed((at, at + 2), "");
                changed((at, at + 2), "FOR SHARE");
            } else if self.is(at, "FOR") && self.is(at + 1, "NO") && self.is(at + 2, "KEY") {
                changed((at, at + 4), "");
            } else if self.is(at, "SHARE") && self.is(at + 1, "ROW") && self.is(at + 2, "EXCLUSIVE")
            {
                changed((at, at + 3), "ROW EXCLUSIVE");
                changed((at, at + 3), "ACCESS EXCLUSIVE");
            }
        }
        mistakes
    }

    /// A column left out of `SET`, or out of both sides of `IS DISTINCT FROM`: a correction of that column alone is not stored.
    fn forgotten_columns(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        for at in 0..self.tokens.len() {
            if self.is(at, "SET") && !self.is(at + 1, "LOCAL") {
                let items = self.items(at + 1, |token| {
                    token.is("WHERE") || token.is("FROM") || token.is("RETURNING")
                });
                for n in 0..items.len() {
                    if items.len() > 1 {
                        mistakes.push(Mistake {
                            operator: Operator::ForgottenColumn,
                            typed: false,
                            change: format!("SET without {}", self.shown(items[n])),
                            edits: vec![self.without(&items, n)],
                        });
                    }
                }
            }
            let distinct =
                self.is(at, "IS") && self.is(at + 1, "DISTINCT") && self.is(at + 2, "FROM");
            if !(distinct && at > 0 && self.is(at - 1, ")")) {
                continue;
            }
            let depth = self.tokens[at].depth;
            let open = (0..at)
                .rev()
                .find(|n| self.is(*n, "(") && self.tokens[*n].depth == depth);
            let (left, right) = (
                open.map(|open| self.list(open)).unwrap_or_default(),
                self.list(at + 3),
            );
            if left.len() != right.len() || left.len() < 2 {
                continue;
            }
            for n in 0..left.len() {
                mistakes.push(Mistake {
                    operator: Operator::ForgottenColumn,
                    typed: false,
                    change: format!("IS DISTINCT FROM without {}", self.shown(left[n])),
                    edits: vec![self.without(&left, n), self.without(&right, n)],
                });
            }
        }
        mistakes
    }
}
