//! Statements that are wrong as a whole: what PostgreSQL takes and nobody means.

use super::{
    catalog::Catalog,
    describe::describe,
    kind::type_of,
    node::Node,
    scope::{RELATION, Scope},
    writes,
};

pub const SELECT: i64 = 1;
pub const UPDATE: i64 = 2;
pub const INSERT: i64 = 3;
pub const DELETE: i64 = 4;

/// The kind of a subquery of which only is asked whether it has a row.
const EXISTS: i64 = 0;

/// What is wrong with a statement or a query in it, a line each.
pub fn findings(catalog: &Catalog, query: &Node) -> Vec<String> {
    let mut rules = Rules {
        catalog,
        findings: Vec::new(),
    };
    rules.missing_order(query);
    rules.query(query, None);
    rules.findings
}

struct Rules<'c> {
    catalog: &'c Catalog,
    findings: Vec<String>,
}

impl Rules<'_> {
    fn query<'a>(&mut self, query: &'a Node, parent: Option<&'a Scope<'a>>) {
        let scope = Scope { query, parent };
        self.missing_where(&scope);
        let set = match query.number("commandType") {
            UPDATE => query.list("targetList"),
            _ => query.get("onConflict").list("onConflictSet"),
        };
        for entry in set {
            self.volatile(entry.get("expr"), entry.name("resname"));
        }
        if query.number("commandType") == INSERT {
            self.findings.extend(writes::missing(self.catalog, &scope));
            self.findings.extend(writes::upsert(self.catalog, &scope));
        }
        self.findings
            .extend(writes::forgotten_change(self.catalog, &scope));
        self.findings.extend(writes::nulls(self.catalog, &scope));
        self.node(query, &scope);
    }

    /// The parts of a query; another query within it has a scope of its own.
    fn node<'a>(&mut self, node: &'a Node, scope: &'a Scope<'a>) {
        for part in node
            .fields()
            .iter()
            .map(|(_, field)| field)
            .chain(node.items())
        {
            match part.tag() {
                "QUERY" => {
                    // Which row EXISTS finds is all the same.
                    if !(node.tag() == "SUBLINK" && node.number("subLinkType") == EXISTS) {
                        self.missing_order(part);
                    }
                    self.query(part, Some(scope));
                    continue;
                }
                "FUNCEXPR" => self.server_time(part),
                "SQLVALUEFUNCTION" => self.server_time_keyword(part),
                "OPEXPR" | "SCALARARRAYOPEXPR" => self.null_compared(part, scope),
                // Constants of columns that are joined already.
                "RANGETBLENTRY" if !part.get("joinaliasvars").is_nothing() => continue,
                _ => {}
            }
            self.node(part, scope);
        }
    }

    fn missing_where(&mut self, scope: &Scope<'_>) {
        let query = scope.query;
        let verb = match query.number("commandType") {
            UPDATE => "UPDATE",
            DELETE => "DELETE",
            _ => return,
        };
        if query.get("jointree").get("quals").is_nothing() {
            let table = target(scope).map_or("", |(name, _)| name);
            self.findings.push(format!(
                "{verb} without WHERE changes every row of `{table}`; write WHERE, and WHERE true if that is meant"
            ));
        }
    }

    /// Which rows come first is anybody's guess.
    fn missing_order(&mut self, query: &Node) {
        if query.number("commandType") != SELECT {
            return;
        }
        let limits = !is_null(query.get("limitCount")) || !is_null(query.get("limitOffset"));
        let one_row = query.flag("hasAggs")
            && query.list("groupClause").is_empty()
            && query.list("groupingSets").is_empty();
        let sorted = query.list("sortClause").len();
        if limits && sorted == 0 && !one_row {
            self.findings.push(
                "LIMIT or OFFSET without ORDER BY returns any rows; order by something that no two rows share"
                    .to_owned(),
            );
        }
        if query.flag("hasDistinctOn") && sorted <= query.list("distinctClause").len() {
            self.findings.push(
                "DISTINCT ON returns any row of each group; order by what tells the wanted one, after the columns in parentheses"
                    .to_owned(),
            );
        }
    }

    fn server_time(&mut self, call: &Node) {
        const CLOCKS: [&str; 6] = [
            "now",
            "transaction_timestamp",
            "statement_timestamp",
            "clock_timestamp",
            "timeofday",
            // Of one argument: up to today.
            "age",
        ];
        let Some(function) = self.catalog.function(call.oid("funcid")) else {
            return;
        };
        let days = function.name != "age" || call.list("args").len() == 1;
        if function.builtin && CLOCKS.contains(&function.name.as_str()) && days {
            self.takes_time(&format!("{}()", function.name));
        }
    }

    fn server_time_keyword(&mut self, keyword: &Node) {
        const TIMES: [(u32, &str); 5] = [
            (1082, "current_date"),
            (1083, "localtime"),
            (1114, "localtimestamp"),
            (1184, "current_timestamp"),
            (1266, "current_time"),
        ];
        let found = TIMES.iter().find(|(oid, _)| *oid == type_of(keyword));
        if let Some((_, name)) = found {
            self.takes_time(name);
        }
    }

    fn takes_time(&mut self, name: &str) {
        self.findings.push(format!(
            "`{name}` takes the time from the server; take it as a parameter, or leave it to the column's default (`DEFAULT`)"
        ));
    }

    /// `SET c = …` of what is another value each time.
    fn volatile(&mut self, node: &Node, column: &str) {
        let function = match node.tag() {
            "FUNCEXPR" => node.oid("funcid"),
            "OPEXPR" => node.oid("opfuncid"),
            // What is selected is the same for each row unless it says otherwise.
            "QUERY" => return,
            _ => 0,
        };
        if let Some(function) = self.catalog.function(function)
            && function.volatile
            && !(function.builtin && function.name == "clock_timestamp")
        {
            self.findings.push(format!(
                "`{}()` gives `{column}` another value each time that the statement runs; pass the value, or declare the function STABLE if it is",
                function.name
            ));
        }
        for part in node
            .fields()
            .iter()
            .map(|(_, field)| field)
            .chain(node.items())
        {
            self.volatile(part, column);
        }
    }

    /// `= NULL`, `<> NULL`, `IN (…, NULL)`: true for no row.
    fn null_compared(&mut self, node: &Node, scope: &Scope<'_>) {
        let compares = self.catalog.operator(node.oid("opno"));
        let Some(operator) = compares.filter(|operator| operator.compares) else {
            return;
        };
        let is_null = |node: &Node| {
            is_null_constant(node) || stripped(node).list("elements").iter().any(is_null_constant)
        };
        let [left, right] = node.list("args") else {
            return;
        };
        let other = match (is_null(left), is_null(right)) {
            (_, true) => left,
            (true, _) => right,
            _ => return,
        };
        let words = describe(self.catalog, other, scope);
        let (sign, mend) = match operator.name.as_str() {
            "=" => ("=", "IS NULL"),
            "<>" => ("<>", "IS NOT NULL"),
            sign => (sign, "IS NULL"),
        };
        self.findings.push(format!(
            "`{words} {sign} NULL` is never true; write `{words} {mend}`"
        ));
    }
}

/// `'now'::timestamptz` and its kin: PostgreSQL reads them as it prepares the statement, and the tree has an instant only.
pub fn time_in_words(sql: &str, query: &Node) -> Option<String> {
    const WORDS: [&str; 4] = ["'now'", "'today'", "'tomorrow'", "'yesterday'"];
    let tokens = crate::check::sql::tokens(sql);
    let word = tokens
        .iter()
        .find(|token| WORDS.contains(&token.text.to_ascii_lowercase().as_str()))?;
    has_instant(query).then(|| {
        format!(
            "`{}` takes the time from the server, once and for all when it is prepared; take it as a parameter",
            word.text
        )
    })
}

fn has_instant(node: &Node) -> bool {
    const TYPES: [u32; 5] = [1082, 1083, 1114, 1184, 1266];
    (node.tag() == "CONST" && TYPES.contains(&type_of(node)))
        || node.fields().iter().any(|(_, field)| has_instant(field))
        || node.items().iter().any(has_instant)
}

/// The table that a statement writes, by the name it goes by there, and its oid.
pub fn target<'a>(scope: &Scope<'a>) -> Option<(&'a str, u32)> {
    let range = scope.range(scope.query.number("resultRelation"))?;
    (range.number("rtekind") == RELATION)
        .then(|| (range.get("eref").name("aliasname"), range.oid("relid")))
}

/// An expression without the casts that PostgreSQL adds, or any around a NULL.
pub fn stripped(node: &Node) -> &Node {
    match node.tag() {
        "RELABELTYPE" | "COERCETODOMAIN" | "COERCEVIAIO" | "ARRAYCOERCEEXPR" | "COLLATEEXPR" => {
            stripped(node.get("arg"))
        }
        "FUNCEXPR" if [1, 2].contains(&node.number("funcformat")) => {
            node.list("args").first().map_or(node, stripped)
        }
        _ => node,
    }
}

/// Nothing, or NULL.
fn is_null(node: &Node) -> bool {
    node.is_nothing() || is_null_constant(node)
}

pub fn is_null_constant(node: &Node) -> bool {
    stripped(node).flag("constisnull")
}
