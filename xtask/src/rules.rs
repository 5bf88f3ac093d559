//! The rules that close what sqlx leaves open. Each names the place and the mend. `docs/guarantees.md` lists them.

use std::{collections::BTreeMap, path::Path};

use syn::{Expr, Type};

use super::{
    source::Call,
    sql::{nullable_tables, select_list, tokens},
};

/// Escapes that are right, by file and text, with the reason.
pub const ALLOWED: &[(&str, &str, &str)] = &[
    (
        "src/repo/bars.rs",
        "\"symbol!: Symbol\"",
        "a column of a recursive query has no table of its own, so no override can find it",
    ),
    (
        "src/repo/events.rs",
        "\"account!: Account\"",
        "a column of a recursive query has no table of its own, so no override can find it",
    ),
];

fn allowed(call: &Call, what: &str) -> bool {
    ALLOWED
        .iter()
        .any(|(file, text, _)| call.file == Path::new(file) && *text == what)
}

/// What the calls break, a line each.
pub fn findings(calls: &[Call]) -> Vec<String> {
    let mut findings = Vec::new();
    let rules: [fn(&Call) -> Vec<String>; 5] = [
        unchecked_macros,
        cast_arguments,
        annotated_columns,
        stars,
        outer_joins,
    ];
    for call in calls {
        let place = format!("{}:{}", call.file.display(), call.line);
        for rule in rules {
            findings.extend(
                rule(call)
                    .into_iter()
                    .map(|finding| format!("{place}: {finding}")),
            );
        }
    }
    findings.extend(twins(calls));
    findings
}

fn unchecked_macros(call: &Call) -> Vec<String> {
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

/// `arg as T` tells the macro to take T's word for it.
fn cast_arguments(call: &Call) -> Vec<String> {
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

/// `AS "column: Type"` overrides what the schema says.
fn annotated_columns(call: &Call) -> Vec<String> {
    let tokens = tokens(&call.sql);
    let annotated = tokens
        .iter()
        .filter(|t| t.text.starts_with('"') && t.text.contains(':'));
    let finding = |text| {
        format!("{text} overrides the type from the schema; add the column to sqlx.toml instead")
    };
    annotated
        .filter(|t| !allowed(call, &t.text))
        .map(|t| finding(&t.text))
        .collect()
}

/// `SELECT *` changes its meaning with the schema. Over `UNNEST` it is the list of the arrays just above it.
fn stars(call: &Call) -> Vec<String> {
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
fn outer_joins(call: &Call) -> Vec<String> {
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
