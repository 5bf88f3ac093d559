//! The rules that close what sqlx leaves open. Each names the place and the mend.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Result;
use syn::{Expr, Type};

use crate::{Project, project::Allowed};

use super::{
    source::Call,
    sql::{Token, nullable_tables, select_list, tokens},
};

fn allowed(call: &Call, what: &str, allowed: &[Allowed]) -> bool {
    allowed
        .iter()
        .any(|escape| call.file == escape.file && escape.text == what)
}

/// Escapes whose text is no longer in the sources.
pub fn unused_escapes(root: &Path, allowed: &[Allowed]) -> Result<Vec<String>> {
    let mut unused = Vec::new();
    for Allowed { file, text, reason } in allowed {
        let source = fs::read_to_string(root.join(file)).unwrap_or_default();
        if !source.contains(text) {
            unused.push(format!(
                "{}: {text} ({reason}) is allowed in Cargo.toml and no longer there; remove it there",
                file.display()
            ));
        }
    }
    Ok(unused)
}

/// What the rules know of a crate from its `Cargo.toml`.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The escapes.
    pub allowed: &'a [Allowed],
    /// The Rust type of each type of the schema.
    pub types: &'a BTreeMap<String, String>,
}

impl<'a> Known<'a> {
    pub fn of(project: &'a Project) -> Self {
        Self {
            allowed: &project.allowed,
            types: &project.declared.types,
        }
    }
}

/// What a call breaks.
type Rule = fn(&Call, Known<'_>) -> Vec<String>;

/// What the calls break, a line each.
pub fn findings(calls: &[Call], known: Known<'_>) -> Vec<String> {
    let mut findings = Vec::new();
    let rules: [Rule; 6] = [
        unchecked_macros,
        transaction_control,
        cast_arguments,
        annotated_columns,
        stars,
        outer_joins,
    ];
    for call in calls {
        let place = format!("{}:{}", call.file.display(), call.line);
        for rule in rules {
            findings.extend(
                rule(call, known)
                    .into_iter()
                    .map(|finding| format!("{place}: {finding}")),
            );
        }
    }
    findings.extend(twins(calls));
    findings
}

fn unchecked_macros(call: &Call, _: Known<'_>) -> Vec<String> {
    let unchecked = call.name.ends_with("_unchecked");
    let finding = || {
        format!(
            "`{}!` checks no types; use `{}!`",
            call.name,
            call.name.replace("_unchecked", "")
        )
    };
    unchecked.then(finding).into_iter().collect()
}

/// A transaction begins and ends with the closure of `Db::transaction`, which a statement must not do behind its back.
fn transaction_control(call: &Call, _: Known<'_>) -> Vec<String> {
    const ALONE: [&str; 8] = [
        "BEGIN",
        "COMMIT",
        "END",
        "ROLLBACK",
        "ABORT",
        "SAVEPOINT",
        "RELEASE",
        "START",
    ];
    let tokens = tokens(&call.sql);
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is(word));
    let controls = ALONE.iter().any(|word| is(0, word))
        || (is(0, "PREPARE") && is(1, "TRANSACTION"))
        || (is(0, "SET") && (is(1, "TRANSACTION") || is(2, "TRANSACTION") || is(1, "SESSION")));
    let finding = || {
        format!(
            "`{}` controls the transaction; use `Db::transaction`, and its options and savepoints",
            tokens[0].text.to_ascii_uppercase()
        )
    };
    controls.then(finding).into_iter().collect()
}

/// `arg as T` tells the macro to take T's word for it.
fn cast_arguments(call: &Call, _: Known<'_>) -> Vec<String> {
    let cast = |arg: &Expr| match arg {
        Expr::Cast(cast) => Some(type_name(&cast.ty)),
        _ => None,
    };
    let casts = call.args.iter().filter_map(cast);
    let finding = |ty| {
        format!("`as {ty}` turns the check of this argument off; pass a value of the domain's type")
    };
    casts.map(finding).collect()
}

fn type_name(ty: &Type) -> String {
    match ty {
        Type::Infer(_) => "_".to_owned(),
        Type::Path(path) => path
            .path
            .segments
            .last()
            .map(|s| s.ident.to_string())
            .unwrap_or_default(),
        _ => "…".to_owned(),
    }
}

fn annotated_columns(call: &Call, known: Known<'_>) -> Vec<String> {
    annotations(&call.sql, known.types)
        .into_iter()
        .filter(|(column, _)| !allowed(call, column, known.allowed))
        .map(|(_, finding)| finding)
        .collect()
}

/// `AS "column: Type"` overrides what the schema says, unless the column is cast to a domain of that very type: each such column, and
/// what is wrong with it.
pub fn annotations(sql: &str, types: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let tokens = tokens(sql);
    let finding = |at: usize| {
        let text = &tokens[at].text;
        let (_, given) = text.strip_prefix('"')?.strip_suffix('"')?.split_once(':')?;
        let domain = cast_to(&tokens, at);
        let finding = match domain.and_then(|domain| Some((domain, types.get(domain)?))) {
            None => format!(
                "{text} overrides the type from the schema; add the column to sqlx.toml instead, \
                 or cast all of an expression to its domain, `(…)::domain AS {text}`"
            ),
            Some((_, rust)) if given.trim() == rust => return None,
            Some((domain, rust)) => {
                format!("{text} is no `{domain}`, which is a `{rust}`: write that")
            }
        };
        Some((text.clone(), finding))
    };
    (0..tokens.len()).filter_map(finding).collect()
}

/// The domain of `(…)::domain AS "column"` and `function(…)::domain AS "column"`: of the column as a whole, not of its last operand.
fn cast_to(tokens: &[Token], name: usize) -> Option<&str> {
    let close = name.checked_sub(4)?;
    let [bracket, cast, domain, word] = tokens.get(close..name)? else {
        return None;
    };
    if !(bracket.text == ")" && cast.text == "::" && word.is("AS")) {
        return None;
    }
    let open =
        (0..close).rfind(|at| tokens[*at].text == "(" && tokens[*at].depth == bracket.depth)?;
    let begins = |at: usize| {
        at.checked_sub(1)
            .is_some_and(|before| tokens[before].is("SELECT") || tokens[before].text == ",")
    };
    let is_function = |at: usize| tokens[at].text.starts_with(char::is_alphabetic) && begins(at);
    (begins(open) || open.checked_sub(1).is_some_and(is_function)).then_some(&domain.text)
}

/// `SELECT *` changes its meaning with the schema. Over `UNNEST` it is the list of the arrays just above it.
fn stars(call: &Call, _: Known<'_>) -> Vec<String> {
    let tokens = tokens(&call.sql);
    let is = |at: usize, word: &str| {
        tokens
            .get(at)
            .is_some_and(|t| t.text.eq_ignore_ascii_case(word))
    };
    let star = |at: &usize| {
        let at = *at;
        tokens[at].text == "*"
            && at > 0
            && (is(at - 1, "SELECT")
                || is(at - 1, ".")
                || is(at - 1, ",")
                || is(at - 1, "RETURNING"))
            && !(is(at + 1, "FROM") && is(at + 2, "UNNEST"))
    };
    let finding = |_| "`*` reads whatever columns there are; name them".to_owned();
    (0..tokens.len()).filter(star).map(finding).collect()
}

/// sqlx may take a column of an outer join for not NULL.
fn outer_joins(call: &Call, _: Known<'_>) -> Vec<String> {
    let tokens = tokens(&call.sql);
    let nullable = nullable_tables(&tokens);
    let mut findings = Vec::new();
    if nullable.is_empty() {
        return findings;
    }
    for item in select_list(&tokens) {
        let text = |at: usize| item.get(at).map_or("", |t| t.text.as_str());
        let touched =
            (0..item.len()).any(|at| text(at + 1) == "." && nullable.contains(&item[at].text));
        let alias = item.last().map_or("", |t| t.text.as_str());
        let computed = item.iter().any(|t| t.text == "(");
        let marked = alias.ends_with("?\"") || (computed && alias.ends_with("!\""));
        let column: String = item.iter().map(|t| t.text.as_str()).collect();
        if touched && !marked {
            findings.push(format!(
                "`{column}` comes from an outer join; write AS \"name?\""
            ));
        } else if !touched && item.len() == 1 && column.starts_with(|c: char| c.is_alphabetic()) {
            findings.push(format!(
                "`{column}` does not say of which table; with an outer join each column must"
            ));
        }
    }
    findings
}

/// Statements that differ in white space only are two entries of the cache and two prepared statements.
fn twins(calls: &[Call]) -> Vec<String> {
    let mut seen: BTreeMap<String, &Call> = BTreeMap::new();
    let mut findings = Vec::new();
    for call in calls {
        let normal = call.sql.split_whitespace().collect::<Vec<_>>().join(" ");
        match seen.get(&normal) {
            Some(first) if first.sql != call.sql => findings.push(format!(
                "{}:{}: differs from {}:{} in white space only; write both alike, or share the function",
                call.file.display(),
                call.line,
                first.file.display(),
                first.line
            )),
            Some(_) => {}
            None => {
                seen.insert(normal, call);
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::source::calls_in;

    /// Each case: a call, and a part of the finding it must give, or none.
    #[test]
    fn rules_fire_and_only_when_they_should() {
        let cases = [
            (r#"query_unchecked!("SELECT 1")"#, Some("checks no types")),
            (
                r#"query_as_unchecked!(Row, "SELECT 1 AS a")"#,
                Some("use `query_as!`"),
            ),
            (r#"query!("SELECT 1")"#, None),
            (
                r#"conditional_query_as_unchecked!(Row, "SELECT 1 AS a")"#,
                Some("checks no types"),
            ),
            (
                r#"conditional_query_as!(Row, "SELECT {a:_} AS a")"#,
                Some("`as _`"),
            ),
            (
                r##"conditional_query_as!(Row, "SELECT a.id {#more} FROM a LEFT JOIN b ON true", #more = match x { true => "", false => ", b.id" })"##,
                Some("`b.id`"),
            ),
            (
                r#"conditional_query_as!(Row, "SELECT {a}::text AS a")"#,
                None,
            ),
            (r#"query!("COMMIT")"#, Some("use `Db::transaction`")),
            (r#"query!("-- now\n begin;")"#, Some("`BEGIN` controls")),
            (r#"query!("SAVEPOINT a")"#, Some("`SAVEPOINT` controls")),
            (r#"query!("START TRANSACTION")"#, Some("`START` controls")),
            (r#"query!("PREPARE TRANSACTION 'a'")"#, Some("`PREPARE`")),
            (
                r#"query!("SET LOCAL TRANSACTION READ ONLY")"#,
                Some("`SET` controls"),
            ),
            (r#"query!("SET LOCAL work_mem = '4MB'")"#, None),
            (r#"query!("LOCK TABLE logs IN SHARE MODE")"#, None),
            (r#"query!("SELECT $1", x as _)"#, Some("`as _`")),
            (
                r#"query!("SELECT $1", x as serde_json::Value)"#,
                Some("`as Value`"),
            ),
            (r#"query!("SELECT $1", i64::from(x))"#, None),
            (
                r##"query!(r#"SELECT data AS "data: Json<Other>" FROM logs"#)"##,
                Some("sqlx.toml"),
            ),
            (r##"query!(r#"SELECT data AS "data!" FROM logs"#)"##, None),
            (
                r##"query!(r#"SELECT id, f(data)::note AS "note!: crate::Note" FROM logs"#)"##,
                None,
            ),
            (
                r##"query!(r#"SELECT (a || data)::note AS "note: crate::Note" FROM logs"#)"##,
                None,
            ),
            (
                r##"query!(r#"SELECT f(data)::note AS "note: Note" FROM logs"#)"##,
                Some("is a `crate::Note`: write that"),
            ),
            (
                r##"query!(r#"SELECT a || f(data)::note AS "note: crate::Note" FROM logs"#)"##,
                Some("overrides the type"),
            ),
            (
                r##"query!(r#"SELECT f(data)::jsonb AS "note: crate::Note" FROM logs"#)"##,
                Some("overrides the type"),
            ),
            (r#"query!("SELECT * FROM logs")"#, Some("name them")),
            (
                r#"query!("SELECT id, logs.* FROM logs")"#,
                Some("name them"),
            ),
            (
                r#"query!("DELETE FROM logs RETURNING *")"#,
                Some("name them"),
            ),
            (r#"query!("SELECT count(*), 2 * 3 FROM logs")"#, None),
            (
                r#"query!("INSERT INTO t (a) SELECT * FROM UNNEST($1::text[])", x)"#,
                None,
            ),
            (
                r#"query!("SELECT a.id, b.id FROM a LEFT JOIN b ON true")"#,
                Some("`b.id`"),
            ),
            (
                r##"query!(r#"SELECT a.id, b.id AS "b_id!" FROM a LEFT JOIN b ON true"#)"##,
                Some("outer join"),
            ),
            (
                r#"query!("SELECT id FROM a LEFT JOIN b ON true")"#,
                Some("of which table"),
            ),
            (
                r##"query!(r#"SELECT a.id, b.id AS "b_id?" FROM a LEFT JOIN b ON true"#)"##,
                None,
            ),
            (
                r##"query!(r#"SELECT a.id, count(b.id) AS "n!" FROM a LEFT JOIN b ON true"#)"##,
                None,
            ),
            (r#"query!("SELECT a.id, b.id FROM a JOIN b ON true")"#, None),
            (
                r#"query!("SELECT 1"); query!("SELECT  1")"#,
                Some("white space only"),
            ),
            (r#"query!("SELECT 1"); query!("SELECT 1")"#, None),
        ];
        for (code, expected) in cases {
            let source = format!("fn f() {{ {code}; }}");
            let types = BTreeMap::from([("note".to_owned(), "crate::Note".to_owned())]);
            let known = Known {
                allowed: &[],
                types: &types,
            };
            let findings = findings(&calls_in(Path::new("f.rs"), &source).unwrap(), known);
            match expected {
                Some(part) => {
                    assert_eq!(findings.len(), 1, "{code}: {findings:?}");
                    assert!(
                        findings[0].starts_with("f.rs:1: ") && findings[0].contains(part),
                        "{code}: {findings:?}"
                    );
                }
                None => assert!(findings.is_empty(), "{code}: {findings:?}"),
            }
        }
    }
}
