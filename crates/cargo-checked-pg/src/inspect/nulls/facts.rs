//! What the clauses of a query say of its rows: which tables an outer join may leave out, and which expressions are not NULL.

use std::collections::HashSet;

use crate::inspect::{
    catalog::Catalog,
    node::Node,
    scope::{Scope, outputs},
    statements::{INSERT, SELECT, UPDATE},
};

/// A query with what holds for each row that it returns.
pub struct Facts<'a> {
    pub scope: Scope<'a>,
    pub outer: Option<&'a Facts<'a>>,
    /// Whether the query stands in an aggregate of the one around it, and sees its rows before they are grouped.
    pub aggregated: bool,
    /// Table expressions whose columns an outer join may fill with NULL.
    nulled: HashSet<i64>,
    /// Expressions that are not NULL in any row that is left.
    known: Vec<&'a Node>,
}

/// Kinds of joins, as the tree numbers them.
const INNER: i64 = 0;
const LEFT: i64 = 1;
const RIGHT: i64 = 3;
const MERGE: i64 = 5;

impl<'a> Facts<'a> {
    pub fn new(
        catalog: &Catalog,
        query: &'a Node,
        outer: Option<&'a Facts<'a>>,
        aggregated: bool,
    ) -> Self {
        let scope = Scope {
            query,
            parent: outer.map(|facts| &facts.scope),
        };
        let mut reader = Reader {
            catalog,
            nulled: HashSet::new(),
        };
        let (ranges, mut known) = reader.join(query.get("jointree"));
        let written = query.number("resultRelation");
        match query.number("commandType") {
            // RETURNING sees the row as it is afterwards.
            UPDATE | INSERT => known.retain(|node| !mentions(node, written)),
            MERGE => {
                known.clear();
                reader
                    .nulled
                    .extend(ranges.iter().filter(|range| **range != written));
            }
            _ => {}
        }
        Self {
            scope,
            outer,
            aggregated,
            nulled: reader.nulled,
            known,
        }
    }

    pub fn up(&'a self, levels: i64) -> Option<&'a Facts<'a>> {
        let mut facts = self;
        for _ in 0..levels {
            facts = facts.outer?;
        }
        Some(facts)
    }

    /// Whether a row of a table expression is there.
    pub fn present(&self, range: i64) -> bool {
        !self.nulled.contains(&range)
            || self.known.iter().any(|node| {
                node.tag() == "VAR"
                    && node.number("varno") == range
                    && node.number("varlevelsup") == 0
            })
    }

    /// Whether the clauses of the query say that an expression is not NULL.
    pub fn knows(&self, catalog: &Catalog, node: &Node) -> bool {
        self.known.iter().any(|known| known.same(node)) && !is_volatile(catalog, node)
    }

    /// GROUPING SETS and its kin put NULL in the place of what they do not group by.
    pub fn has_sets(&self) -> bool {
        !self.scope.query.list("groupingSets").is_empty()
    }

    /// Whether the query returns one row, whatever there is in its tables.
    pub fn returns_one_row(&self) -> bool {
        let query = self.scope.query;
        let cut = ["limitCount", "limitOffset", "havingQual", "setOperations"]
            .iter()
            .any(|clause| !query.get(clause).is_nothing());
        if cut || query.number("commandType") != SELECT || query.flag("hasTargetSRFs") {
            return false;
        }
        let tree = query.get("jointree");
        let grouped = !query.list("groupClause").is_empty() || self.has_sets();
        let alone = tree.list("fromlist").is_empty() && tree.get("quals").is_nothing();
        !grouped && (query.flag("hasAggs") || alone)
    }

    /// An expression that the query returns.
    pub fn output(&self, number: i64) -> Option<&'a Node> {
        let at = usize::try_from(number - 1).ok()?;
        Some(outputs(self.scope.query).get(at)?.get("expr"))
    }
}

struct Reader<'c> {
    catalog: &'c Catalog,
    nulled: HashSet<i64>,
}

impl Reader<'_> {
    /// The table expressions of a part of FROM, and what is not NULL in its rows.
    fn join<'a>(&mut self, node: &'a Node) -> (Vec<i64>, Vec<&'a Node>) {
        match node.tag() {
            "RANGETBLREF" => (vec![node.number("rtindex")], Vec::new()),
            "FROMEXPR" => {
                let (mut ranges, mut known) = (Vec::new(), Vec::new());
                for part in node.list("fromlist") {
                    let (more, facts) = self.join(part);
                    ranges.extend(more);
                    known.extend(facts);
                }
                known.extend(self.implied(node.get("quals")));
                (ranges, known)
            }
            "JOINEXPR" => {
                let (mut left, left_known) = self.join(node.get("larg"));
                let (right, right_known) = self.join(node.get("rarg"));
                let kind = node.number("jointype");
                let known = match kind {
                    INNER => {
                        let both = left_known.into_iter().chain(right_known);
                        both.chain(self.implied(node.get("quals"))).collect()
                    }
                    LEFT => left_known,
                    RIGHT => right_known,
                    _ => Vec::new(),
                };
                if kind != INNER && kind != LEFT {
                    self.nulled.extend(&left);
                }
                if kind != INNER && kind != RIGHT {
                    self.nulled.extend(&right);
                }
                left.extend(right);
                left.push(node.number("rtindex"));
                (left, known)
            }
            _ => (Vec::new(), Vec::new()),
        }
    }

    /// What cannot be NULL where a condition is true.
    fn implied<'a>(&self, condition: &'a Node) -> Vec<&'a Node> {
        const IS_NOT_NULL: i64 = 1;
        let argument = condition.get("arg");
        let args = condition.list("args");
        match condition.tag() {
            "BOOLEXPR" => match (condition.name("boolop"), args) {
                ("and", args) => args.iter().flat_map(|arg| self.implied(arg)).collect(),
                ("or", [first, rest @ ..]) => {
                    let mut common = self.implied(first);
                    for other in rest {
                        let other = self.implied(other);
                        common.retain(|node| other.iter().any(|also| also.same(node)));
                    }
                    common
                }
                ("not", [negated]) => self.within(negated),
                _ => Vec::new(),
            },
            "NULLTEST" if condition.number("nulltesttype") == IS_NOT_NULL => {
                match condition.flag("argisrow") {
                    true => Vec::new(),
                    false => self.within(argument),
                }
            }
            // IS TRUE, IS FALSE, IS NOT UNKNOWN
            "BOOLEANTEST" if [0, 2, 5].contains(&condition.number("booltesttype")) => {
                self.within(argument)
            }
            // True for one element at least, so the operator has seen both.
            "SCALARARRAYOPEXPR" if condition.flag("useOr") && self.strict_operator(condition) => {
                args.first().map_or_else(Vec::new, |arg| self.within(arg))
            }
            "OPEXPR" | "FUNCEXPR" | "VAR" => self.within(condition),
            _ => Vec::new(),
        }
    }

    /// An expression that is not NULL, and all in it that cannot be NULL then.
    fn within<'a>(&self, node: &'a Node) -> Vec<&'a Node> {
        let mut found = vec![node];
        let strict = match node.tag() {
            "OPEXPR" => self.strict_operator(node),
            "FUNCEXPR" => self.strict(node.oid("funcid")) && !node.flag("funcretset"),
            _ => false,
        };
        if strict {
            found.extend(node.list("args").iter().flat_map(|arg| self.within(arg)));
        }
        match node.tag() {
            "RELABELTYPE" | "COERCETODOMAIN" | "COERCEVIAIO" | "ARRAYCOERCEEXPR"
            | "COLLATEEXPR" => found.extend(self.within(node.get("arg"))),
            "BOOLEXPR" if node.name("boolop") == "not" => {
                found.extend(node.list("args").iter().flat_map(|arg| self.within(arg)));
            }
            _ => {}
        }
        found
    }

    fn strict_operator(&self, node: &Node) -> bool {
        let operator = self.catalog.operator(node.oid("opno"));
        operator.is_some_and(|operator| self.strict(operator.function))
    }

    fn strict(&self, function: u32) -> bool {
        let function = self.catalog.function(function);
        function.is_some_and(|function| function.strict)
    }
}

/// Whether an expression reads a table expression of its query.
fn mentions(node: &Node, range: i64) -> bool {
    (node.tag() == "VAR" && node.number("varno") == range)
        || node
            .fields()
            .iter()
            .any(|(_, field)| mentions(field, range))
        || node.items().iter().any(|item| mentions(item, range))
}

/// Whether an expression may have another value where it stands a second time.
fn is_volatile(catalog: &Catalog, node: &Node) -> bool {
    let function = match node.tag() {
        "FUNCEXPR" => node.oid("funcid"),
        "OPEXPR" => node.oid("opfuncid"),
        _ => 0,
    };
    let own = || {
        let function = catalog.function(function);
        function.is_some_and(|function| function.volatile)
    };
    own()
        || node
            .fields()
            .iter()
            .any(|(_, field)| is_volatile(catalog, field))
        || node.items().iter().any(|item| is_volatile(catalog, item))
}
