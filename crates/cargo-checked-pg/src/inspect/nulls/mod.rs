//! NOT NULL, soundly: which columns of a statement cannot be NULL, and where sqlx or the statement itself says so and nothing
//! proves it.

mod facts;
mod functions;
mod proof;

use self::{
    facts::Facts,
    proof::{Place, Prover},
};
use super::{
    catalog::Catalog, describe::describe, node::Node, scope::outputs, statements::stripped,
};

/// A column that the macros return.
#[derive(Debug, Clone)]
pub struct Output {
    /// Its name with sqlx's marks, such as `n!` or `note_id?`.
    pub name: String,
    /// What sqlx makes of the schema; none where it does not know.
    pub nullable: Option<bool>,
}

/// Whether each column that a statement returns cannot be NULL.
pub fn not_null(catalog: &Catalog, query: &Node) -> Vec<bool> {
    let facts = Facts::new(catalog, query, None, false);
    let prover = Prover { catalog };
    let columns = (1..).zip(outputs(query));
    columns
        .map(|(number, _)| prover.output(number, Place::new(&facts)))
        .collect()
}

/// Columns that the macros take for not NULL and that may be, a line each.
pub fn findings(catalog: &Catalog, query: &Node, columns: &[Output]) -> Vec<String> {
    let facts = Facts::new(catalog, query, None, false);
    let mut findings = Vec::new();
    let proven = not_null(catalog, query);
    for ((column, proven), entry) in columns.iter().zip(proven).zip(outputs(query)) {
        let (name, mark) = marked(&column.name);
        let taken = match mark {
            Some('!') => true,
            Some(_) => false,
            None => column.nullable == Some(false),
        };
        if !taken || proven {
            continue;
        }
        let value = describe(catalog, entry, &facts.scope);
        let why = why(entry.get("expr"), &facts);
        findings.push(match mark {
            Some(_) => format!(
                "`{value}` may be NULL: {why}; write AS \"{name}?\" or COALESCE, or allow \"{}\" in Cargo.toml with the reason",
                column.name
            ),
            None => format!(
                "`{value}` may be NULL: {why}; sqlx takes it for NOT NULL; write AS \"{name}?\""
            ),
        });
    }
    findings
}

/// A column's name without its mark, and the mark.
fn marked(name: &str) -> (&str, Option<char>) {
    let end = name.find([':', '!', '?']).unwrap_or(name.len());
    let mark = name[end..].chars().next().filter(|mark| *mark != ':');
    (&name[..end], mark)
}

/// The nearest reason for a NULL.
fn why(expression: &Node, facts: &Facts<'_>) -> &'static str {
    let node = stripped(expression);
    let query = facts.scope.query;
    let grouped = !query.list("groupClause").is_empty();
    match node.tag() {
        _ if facts.has_sets() => "a grouping set leaves it out",
        "VAR" if !facts.present(node.number("varno")) => {
            "an outer join fills it where nothing fits"
        }
        "AGGREF" if !grouped => "of no rows there is none",
        "AGGREF" => "it is NULL where all that it is made of are",
        "SUBLINK" => "a subquery that finds no row is NULL",
        "CASEEXPR" if node.get("defresult").is_nothing() => "a CASE without ELSE",
        "PARAM" => "an argument may be NULL",
        "CONST" => "it is NULL",
        "FUNCEXPR"
            if node
                .list("args")
                .iter()
                .any(|arg| stripped(arg).tag() == "PARAM") =>
        {
            "an argument may be NULL, or the function may return it"
        }
        "FUNCEXPR" => "the function may return NULL",
        _ => "nothing says that it is not",
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn marks_are_read_as_sqlx_does() {
        for (name, expected) in [
            ("n", ("n", None)),
            ("n!", ("n", Some('!'))),
            ("n?", ("n", Some('?'))),
            ("n!: i64", ("n", Some('!'))),
            ("n: Option<i64>", ("n", None)),
        ] {
            assert_eq!(super::marked(name), expected, "{name}");
        }
    }
}
