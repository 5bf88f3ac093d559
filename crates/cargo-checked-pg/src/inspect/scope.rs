//! Where a name in a parse tree leads: from a variable to the expression that it stands for.

use super::{catalog::Catalog, node::Node};

/// A query and those around it.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub query: &'a Node,
    pub parent: Option<&'a Scope<'a>>,
}

/// What a column of a table expression is.
pub enum Origin<'a> {
    /// A column of a table, or of a view of the server's own.
    Column { table: u32, number: i64 },
    /// A column of what a query returns;
    Output {
        query: &'a Node,
        /// How many queries around the variable's own this one stands in; none for a view.
        within: Option<i64>,
        number: i64,
        /// Rows that are kept, and may be older than what the schema says now.
        materialized: bool,
    },
    /// The same, of an earlier round of a recursive query.
    Earlier {
        query: &'a Node,
        within: i64,
        number: i64,
    },
    /// An expression of the query itself.
    Expression(&'a Node),
    /// One expression per row.
    Rows(Vec<&'a Node>),
    /// A function's result; whole if it is all that the function returns.
    Function {
        call: &'a Node,
        whole: bool,
        /// No other function's rows stand beside its own.
        alone: bool,
    },
    /// The number of a row, WITH ORDINALITY.
    Ordinal,
    /// Anything else.
    Unknown,
}

const SELECT: i64 = 1;

impl<'a> Scope<'a> {
    pub fn top(query: &'a Node) -> Self {
        Self {
            query,
            parent: None,
        }
    }

    pub fn up(&self, levels: i64) -> Option<&Scope<'a>> {
        let mut scope = self;
        for _ in 0..levels {
            scope = scope.parent?;
        }
        Some(scope)
    }

    /// The table expression that variables number `number` are of.
    pub fn range(&self, number: i64) -> Option<&'a Node> {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        self.query.list("rtable").get(at)
    }

    /// What a column of a table expression of this query is.
    pub fn origin(&self, catalog: &'a Catalog, range: &'a Node, number: i64) -> Origin<'a> {
        let nth = |list: &'a [Node]| {
            let at = usize::try_from(number).ok()?.checked_sub(1)?;
            list.get(at)
        };
        match range.number("rtekind") {
            RELATION => {
                let table = range.oid("relid");
                match catalog.view(table) {
                    Some(view) => Origin::Output {
                        query: &view.query,
                        within: None,
                        number,
                        materialized: view.materialized,
                    },
                    None => Origin::Column { table, number },
                }
            }
            SUBQUERY => Origin::Output {
                query: range.get("subquery"),
                within: Some(0),
                number,
                materialized: false,
            },
            JOIN => nth(range.list("joinaliasvars")).map_or(Origin::Unknown, Origin::Expression),
            FUNCTION => function_column(range, number),
            VALUES => {
                let rows = range.list("values_lists").iter();
                Origin::Rows(rows.filter_map(|row| nth(row.items())).collect())
            }
            CTE => match self.cte(range) {
                None => Origin::Unknown,
                Some((query, within)) if range.flag("self_reference") => Origin::Earlier {
                    query,
                    within,
                    number,
                },
                Some((query, within)) => Origin::Output {
                    query,
                    within: Some(within),
                    number,
                    materialized: false,
                },
            },
            GROUP => nth(range.list("groupexprs")).map_or(Origin::Unknown, Origin::Expression),
            _ => Origin::Unknown,
        }
    }

    /// The query of a common table expression, and how many queries around this one its WITH is.
    fn cte(&self, range: &Node) -> Option<(&'a Node, i64)> {
        let levels = range.number("ctelevelsup");
        let scope = self.up(levels)?;
        let mut ctes = scope.query.list("cteList").iter();
        let found = ctes.find(|cte| cte.name("ctename") == range.name("ctename"))?;
        Some((found.get("ctequery"), levels))
    }
}

/// What a query returns: its select list, or what is after RETURNING.
pub fn outputs(query: &Node) -> Vec<&Node> {
    let list = match query.number("commandType") {
        SELECT => query.list("targetList"),
        _ => query.list("returningList"),
    };
    list.iter().filter(|entry| !entry.flag("resjunk")).collect()
}

/// The queries that UNION and its kin put together, from left to right.
pub fn arms<'a>(query: &'a Node, operation: &'a Node) -> Vec<&'a Node> {
    match operation.tag() {
        "SETOPERATIONSTMT" => {
            let mut found = arms(query, operation.get("larg"));
            found.extend(arms(query, operation.get("rarg")));
            found
        }
        "RANGETBLREF" => {
            let range = Scope::top(query).range(operation.number("rtindex"));
            range
                .map(|range| range.get("subquery"))
                .into_iter()
                .collect()
        }
        _ => Vec::new(),
    }
}

fn function_column(range: &Node, number: i64) -> Origin<'_> {
    let functions = range.list("functions");
    let mut before = 0;
    for function in functions {
        let columns = function.number("funccolcount");
        if number <= before + columns {
            return Origin::Function {
                call: function.get("funcexpr"),
                whole: columns == 1,
                alone: functions.len() == 1,
            };
        }
        before += columns;
    }
    match range.flag("funcordinality") {
        true => Origin::Ordinal,
        false => Origin::Unknown,
    }
}

pub const RELATION: i64 = 0;
pub const SUBQUERY: i64 = 1;
pub const JOIN: i64 = 2;
pub const FUNCTION: i64 = 3;
pub const VALUES: i64 = 5;
pub const CTE: i64 = 6;
pub const GROUP: i64 = 9;
