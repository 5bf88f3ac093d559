//! Columns that an INSERT or an UPDATE forgets.

use super::{
    catalog::{Catalog, Column},
    describe::describe,
    node::Node,
    scope::Scope,
    statements::{INSERT, UPDATE, is_null_constant, stripped, target},
};

/// When a row was first stored: an upsert leaves it alone.
const FIRST: &str = "created_at";
/// When a row was last changed: each change sets it.
const LAST: &str = "updated_at";

const UPSERT: i64 = 2;

/// Columns that hold no NULL, have no default, and that an INSERT does not name.
pub fn missing(catalog: &Catalog, scope: &Scope<'_>) -> Vec<String> {
    let Some((_, table)) = target(scope) else {
        return Vec::new();
    };
    if catalog.insert_is_changed(table) {
        return Vec::new();
    }
    let named = numbers(scope.query.list("targetList"));
    let missing = catalog
        .columns(table)
        .into_iter()
        .filter(|(number, column)| {
            column.not_null && !column.has_default && !named.contains(number)
        });
    missing
        .map(|(_, column)| {
            format!(
                "the INSERT gives no value for `{}`, which is NOT NULL and has no default; name it",
                column.name
            )
        })
        .collect()
}

/// A NULL that is written where none may be.
pub fn nulls(catalog: &Catalog, scope: &Scope<'_>) -> Vec<String> {
    let query = scope.query;
    if ![INSERT, UPDATE].contains(&query.number("commandType")) {
        return Vec::new();
    }
    let Some((_, table)) = target(scope) else {
        return Vec::new();
    };
    let set = query.get("onConflict").list("onConflictSet").iter();
    let entries = query.list("targetList").iter().chain(set);
    let nulls = entries.filter(|entry| is_null_constant(entry.get("expr")));
    nulls
        .filter_map(|entry| catalog.column(table, entry.number("resno")))
        .filter(|column| column.not_null)
        .map(|column| {
            format!(
                "`{}` is NOT NULL and is given NULL; give a value",
                column.name
            )
        })
        .collect()
}

/// An UPDATE that does not say when the row was changed, though the table has a column for that.
pub fn forgotten_change(catalog: &Catalog, scope: &Scope<'_>) -> Option<String> {
    let query = scope.query;
    let set = match query.number("commandType") {
        UPDATE => query.list("targetList"),
        INSERT if query.get("onConflict").number("action") == UPSERT => {
            query.get("onConflict").list("onConflictSet")
        }
        _ => return None,
    };
    let (_, table) = target(scope)?;
    let (number, _) = catalog
        .columns(table)
        .into_iter()
        .find(|(_, column)| column.name == LAST)?;
    let told = numbers(set).contains(&number) || catalog.update_is_changed(table);
    (!told).then(|| {
        format!("`{LAST}` keeps its old value; set it as well, to a parameter or to DEFAULT")
    })
}

/// What an upsert inserts and does not correct, corrects and does not compare, or compares and does not correct.
pub fn upsert(catalog: &Catalog, scope: &Scope<'_>) -> Vec<String> {
    let conflict = scope.query.get("onConflict");
    let Some((_, table)) = target(scope) else {
        return Vec::new();
    };
    if conflict.number("action") != UPSERT {
        return Vec::new();
    }
    let upsert = Upsert {
        catalog,
        scope,
        table,
        conflict,
        compared: compared(conflict.get("onConflictWhere")),
    };
    let mut findings = upsert.not_corrected();
    findings.extend(upsert.swapped());
    if !upsert.compared.is_empty() {
        findings.extend(upsert.not_compared());
        findings.extend(upsert.compared_in_vain());
    }
    findings
}

struct Upsert<'a> {
    catalog: &'a Catalog,
    scope: &'a Scope<'a>,
    table: u32,
    conflict: &'a Node,
    /// The two sides of each `IS DISTINCT FROM`.
    compared: Vec<(&'a Node, &'a Node)>,
}

impl<'a> Upsert<'a> {
    fn set(&self) -> &'a [Node] {
        self.conflict.list("onConflictSet")
    }

    fn column(&self, number: i64) -> Option<&'a Column> {
        self.catalog.column(self.table, number)
    }

    fn name(&self, number: i64) -> &'a str {
        self.column(number).map_or("?", |column| &column.name)
    }

    /// Columns that tell which row it is.
    fn keys(&self) -> Vec<i64> {
        let inferred = self.conflict.list("arbiterElems").iter();
        let inferred = inferred.filter_map(|element| variable(element.get("expr")));
        let named = self.catalog.constraint(self.conflict.oid("constraint"));
        inferred
            .map(|(_, number)| number)
            .chain(named.iter().copied())
            .collect()
    }

    fn not_corrected(&self) -> Vec<String> {
        let (keys, set) = (self.keys(), numbers(self.set()));
        let inserted = numbers(self.scope.query.list("targetList")).into_iter();
        let forgotten = inserted.filter(|number| {
            let kept = self.column(*number).is_none_or(|column| {
                column.is_key || [FIRST, LAST].contains(&column.name.as_str())
            });
            !keys.contains(number) && !set.contains(number) && !kept
        });
        forgotten
            .map(|number| {
                let name = self.name(number);
                format!(
                    "the upsert inserts `{name}` and never corrects it; SET {name} = EXCLUDED.{name}, or {name} = the old row's if the first is to stay"
                )
            })
            .collect()
    }

    /// `SET high = EXCLUDED.low`, and `old.high IS DISTINCT FROM EXCLUDED.low`.
    fn swapped(&self) -> Vec<String> {
        let set = self.set().iter().filter_map(|entry| {
            let (from, number) = self.excluded(entry.get("expr"))?;
            (number != entry.number("resno")).then(|| (entry.number("resno"), from, number))
        });
        let compared = self.compared.iter().filter_map(|(one, two)| {
            let (old, new) = match (self.old(one), self.old(two)) {
                (Some(old), None) => (old, self.excluded(two)?.1),
                (None, Some(old)) => (old, self.excluded(one)?.1),
                _ => return None,
            };
            (old != new).then_some((old, "EXCLUDED", new))
        });
        let mixed = set.chain(compared).filter(|(to, _, from)| {
            // An instant of one kind may well be that of another.
            !(self.name(*to).ends_with("_at") && self.name(*from).ends_with("_at"))
        });
        mixed
            .map(|(to, from, other)| {
                let (name, other) = (self.name(to), self.name(other));
                format!(
                    "the upsert puts `{other}` beside `{name}`; write {from}.{name}, or compute with it if that is meant"
                )
            })
            .collect()
    }

    fn not_compared(&self) -> Vec<String> {
        let forgotten = self.set().iter().filter(|entry| {
            let number = entry.number("resno");
            let name = self.name(number);
            let kept = self.old(entry.get("expr")).is_some_and(|old| old == number);
            let alike = |(one, two): &(&Node, &Node)| {
                let new = stripped(entry.get("expr"));
                (self.old(one) == Some(number) && stripped(two).same(new))
                    || (self.old(two) == Some(number) && stripped(one).same(new))
            };
            ![FIRST, LAST].contains(&name) && !kept && !self.compared.iter().any(alike)
        });
        forgotten
            .map(|entry| {
                let name = entry.name("resname");
                let value = describe(self.catalog, entry.get("expr"), self.scope);
                format!(
                    "the upsert sets `{name}` and does not compare it: a correction of it alone is never stored; add it to IS DISTINCT FROM, against {value}"
                )
            })
            .collect()
    }

    fn compared_in_vain(&self) -> Vec<String> {
        let (keys, set) = (self.keys(), numbers(self.set()));
        let columns = self
            .compared
            .iter()
            .filter_map(|(one, two)| self.old(one).or_else(|| self.old(two)));
        columns
            .filter(|number| !set.contains(number) && !keys.contains(number))
            .map(|number| {
                let name = self.name(number);
                format!(
                    "the upsert compares `{name}` and does not set it: where it differs, the row is written each time; add it to SET, or leave it out of IS DISTINCT FROM"
                )
            })
            .collect()
    }

    /// The column of the row that is there already.
    fn old(&self, node: &Node) -> Option<i64> {
        let (range, number) = variable(node)?;
        (range == self.scope.query.number("resultRelation")).then_some(number)
    }

    /// The column of the row that was to be inserted, and what the statement calls that row.
    fn excluded(&self, node: &Node) -> Option<(&'static str, i64)> {
        let (range, number) = variable(node)?;
        (range == self.conflict.number("exclRelIndex")).then_some(("EXCLUDED", number))
    }
}

/// The two sides of each `IS DISTINCT FROM`; of rows, of each pair of their columns.
fn compared(node: &Node) -> Vec<(&Node, &Node)> {
    match (node.tag(), node.list("args")) {
        ("DISTINCTEXPR", [one, two]) => vec![(one, two)],
        ("BOOLEXPR", args) => args.iter().flat_map(compared).collect(),
        _ => Vec::new(),
    }
}

/// The table expression and the column of a variable.
fn variable(node: &Node) -> Option<(i64, i64)> {
    let node = stripped(node);
    (node.tag() == "VAR").then(|| (node.number("varno"), node.number("varattno")))
}

/// The columns that a list of targets is for.
fn numbers(entries: &[Node]) -> Vec<i64> {
    let entries = entries.iter().filter(|entry| !entry.flag("resjunk"));
    entries.map(|entry| entry.number("resno")).collect()
}
