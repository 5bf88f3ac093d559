//! As much of SQL's grammar as the rules need: words, nesting, the final select list, outer joins.

/// A word, a quoted name, a literal or a sign, where it begins, and how many parentheses it is in.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    pub text: String,
    /// Byte of the statement.
    pub at: usize,
    pub depth: usize,
}

impl Token {
    pub fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }
}

/// Takes a statement apart; comments and white space are left out.
pub fn tokens(sql: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut depth = 0;
    let mut rest = sql.trim_start();
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("--") {
            rest = rest.find('\n').map_or("", |end| &rest[end..]).trim_start();
            continue;
        }
        let len = match first {
            '\'' | '"' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
            c if c.is_alphanumeric() || c == '_' || c == '$' => rest
                .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
                .unwrap_or(rest.len()),
            _ if rest.starts_with("::") => 2,
            c => c.len_utf8(),
        };
        if first == ')' {
            depth -= 1;
        }
        tokens.push(Token {
            text: rest[..len].to_owned(),
            at: sql.len() - rest.len(),
            depth,
        });
        if first == '(' {
            depth += 1;
        }
        rest = rest[len..].trim_start();
    }
    tokens
}

/// The tables of the outermost query whose columns an outer join may fill with NULL, by the name they go by there.
pub fn nullable_tables(tokens: &[Token]) -> Vec<String> {
    let top: Vec<&Token> = tokens.iter().filter(|t| t.depth == 0).collect();
    let from = final_select(tokens).and_then(|select| {
        let start = top.iter().position(|t| std::ptr::eq(*t, select))?;
        top[start..]
            .iter()
            .position(|t| t.is("FROM"))
            .map(|at| start + at)
    });
    let Some(from) = from else { return Vec::new() };
    let mut seen = vec![table_name(&top[from + 1..])];
    let mut nullable = Vec::new();
    for at in from..top.len() {
        if !top[at].is("JOIN") {
            continue;
        }
        let joined = table_name(&top[at + 1..]);
        let before = if top[at - 1].is("OUTER") {
            at - 2
        } else {
            at - 1
        };
        let kind = top[before];
        if kind.is("LEFT") || kind.is("FULL") {
            nullable.push(joined.clone());
        }
        if kind.is("RIGHT") || kind.is("FULL") {
            nullable.extend(seen.iter().cloned());
        }
        seen.push(joined);
    }
    nullable
}

/// `a` of `table AS a`, `table a` or `LATERAL (…) AS a`; else the table.
fn table_name(tokens: &[&Token]) -> String {
    const ENDS: [&str; 14] = [
        "ON", "USING", "JOIN", "LEFT", "RIGHT", "FULL", "INNER", "CROSS", "WHERE", "GROUP",
        "ORDER", "LIMIT", "FOR", ",",
    ];
    let mut name = String::new();
    for token in tokens {
        if ENDS.iter().any(|end| token.is(end)) {
            break;
        }
        if !(token.is("AS") || token.is("LATERAL") || token.text == "(" || token.text == ")") {
            name.clone_from(&token.text);
        }
    }
    name
}

/// The `SELECT` whose list the statement returns.
fn final_select(tokens: &[Token]) -> Option<&Token> {
    let start = tokens.first()?;
    if start.is("SELECT") {
        return Some(start);
    }
    // After the common table expressions; an INSERT … SELECT returns nothing by its SELECT.
    let mut top = tokens.iter().filter(|t| t.depth == 0);
    start
        .is("WITH")
        .then(|| top.find(|t| t.is("SELECT") || t.is("INSERT") || t.is("UPDATE")))?
        .filter(|t| t.is("SELECT"))
}

/// The expressions of the final select list, each in its tokens.
pub fn select_list(tokens: &[Token]) -> Vec<Vec<&Token>> {
    let Some(select) = final_select(tokens) else {
        return Vec::new();
    };
    let start = tokens
        .iter()
        .position(|t| std::ptr::eq(t, select))
        .unwrap_or_default();
    let mut items = vec![Vec::new()];
    for token in &tokens[start + 1..] {
        match token.text.as_str() {
            text if token.depth == 0 && text.eq_ignore_ascii_case("FROM") => break,
            "," if token.depth == 0 => items.push(Vec::new()),
            _ => items
                .last_mut()
                .into_iter()
                .for_each(|item| item.push(token)),
        }
    }
    items
}

#[test]
fn takes_a_statement_apart() {
    let tokens = tokens("SELECT a.b, 'it (is)' AS \"c?\" -- no, (this\n FROM f($1::text[]) AS a");
    let texts: Vec<_> = tokens.iter().map(|t| t.text.as_str()).collect();
    let expected = [
        "SELECT",
        "a",
        ".",
        "b",
        ",",
        "'it (is)'",
        "AS",
        "\"c?\"",
        "FROM",
        "f",
        "(",
        "$1",
        "::",
        "text",
        "[",
        "]",
        ")",
        "AS",
        "a",
    ];
    assert_eq!(texts, expected);
    assert_eq!((tokens[11].depth, tokens[11].at), (1, 51));
}

#[test]
fn knows_what_an_outer_join_makes_nullable() {
    for (sql, expected) in [
        ("SELECT 1 FROM a JOIN b ON true", vec![]),
        ("SELECT 1 FROM a LEFT JOIN b AS x ON true", vec!["x"]),
        ("SELECT 1 FROM a LEFT OUTER JOIN b ON true", vec!["b"]),
        ("SELECT 1 FROM a x RIGHT JOIN b ON true", vec!["x"]),
        ("SELECT 1 FROM a FULL JOIN b USING (id)", vec!["b", "a"]),
        (
            "SELECT 1 FROM a LEFT JOIN LATERAL (SELECT 2 FROM c) AS l ON true",
            vec!["l"],
        ),
        (
            "WITH w AS (SELECT 1 FROM a LEFT JOIN b ON true) SELECT 1 FROM w",
            vec![],
        ),
    ] {
        assert_eq!(nullable_tables(&tokens(sql)), expected, "{sql}");
    }
}
