//! Whether an expression cannot be NULL. What is not known here may be: nothing is taken for proven by mistake.

use super::{
    facts::Facts,
    functions::{
        aggregate_keeps, collects, counts, keeps, keeps_cast, looks_around, looks_at_an_end,
        never_null, operator_keeps, ranks, rows_are_not_null, tiles,
    },
};
use crate::inspect::{
    catalog::Catalog,
    kind::{EXPLICIT, IMPLICIT},
    node::Node,
    scope::Origin,
};

/// Where an expression stands.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub facts: &'a Facts<'a>,
    /// In an aggregate, which sees the rows before they are grouped.
    aggregated: bool,
    /// Columns of recursive queries that are not NULL in the rounds before.
    assumed: Option<&'a Assumed<'a>>,
    depth: usize,
}

struct Assumed<'a> {
    query: &'a Node,
    number: i64,
    next: Option<&'a Assumed<'a>>,
}

/// Deeper than any statement that a person writes.
const DEEPEST: usize = 100;

impl<'a> Place<'a> {
    pub fn new(facts: &'a Facts<'a>) -> Self {
        Self {
            facts,
            aggregated: false,
            assumed: None,
            depth: 0,
        }
    }

    fn within<'b>(self, facts: &'b Facts<'b>) -> Place<'b>
    where
        'a: 'b,
    {
        Place {
            facts,
            aggregated: false,
            assumed: self.assumed,
            depth: self.depth + 1,
        }
    }
}

pub struct Prover<'c> {
    pub catalog: &'c Catalog,
}

impl<'c> Prover<'c> {
    /// Whether an expression is not NULL in any row that its query returns.
    pub fn proves<'a>(&self, node: &'a Node, place: Place<'a>) -> bool
    where
        'c: 'a,
    {
        let facts = place.facts;
        if place.depth > DEEPEST {
            return false;
        }
        if facts.has_sets() && !place.aggregated {
            // NULL where the row is of another set than the one that groups by it.
            let alone = ["AGGREF", "GROUPINGFUNC", "WINDOWFUNC"].contains(&node.tag());
            if !alone && is_grouped(facts.scope.query, node) {
                return false;
            }
        } else if facts.knows(self.catalog, node) {
            return true;
        }
        let argument = || self.proves(node.get("arg"), place);
        match node.tag() {
            "VAR" => self.variable(node, place),
            "CONST" => !node.flag("constisnull"),
            "RELABELTYPE" | "COERCETODOMAIN" | "COLLATEEXPR" | "NAMEDARGEXPR" | "COERCEVIAIO"
            | "ARRAYCOERCEEXPR" => argument(),
            "TARGETENTRY" => self.proves(node.get("expr"), place),
            "DISTINCTEXPR" | "NULLTEST" | "BOOLEANTEST" | "GROUPINGFUNC" | "ARRAYEXPR"
            | "ROWEXPR" | "NEXTVALUEEXPR" => true,
            "BOOLEXPR" => self.all(node.list("args"), place),
            "COALESCEEXPR" | "MINMAXEXPR" => {
                node.list("args").iter().any(|arg| self.proves(arg, place))
            }
            "CASEEXPR" => {
                let mut results = node.list("args").iter().map(|when| when.get("result"));
                results.all(|result| self.proves(result, place))
                    && self.proves(node.get("defresult"), place)
            }
            "SQLVALUEFUNCTION" => node.number("op") < CURRENT_SCHEMA,
            "FUNCEXPR" => self.function(node, place),
            "OPEXPR" => {
                let operator = self.catalog.operator(node.oid("opno"));
                !node.flag("opretset")
                    && operator.is_some_and(|operator| operator_keeps(self.catalog, operator))
                    && self.all(node.list("args"), place)
            }
            "SCALARARRAYOPEXPR" => self.any_of(node, place),
            "AGGREF" => self.aggregate(node, place),
            "WINDOWFUNC" => self.window(node, place),
            "SUBLINK" => self.subquery(node, place),
            _ => false,
        }
    }

    fn all<'a>(&self, nodes: &'a [Node], place: Place<'a>) -> bool
    where
        'c: 'a,
    {
        nodes.iter().all(|node| self.proves(node, place))
    }

    /// Whether a column of what a query returns is not NULL.
    pub fn output<'a>(&self, number: i64, place: Place<'a>) -> bool
    where
        'c: 'a,
    {
        let operation = place.facts.scope.query.get("setOperations");
        match operation.is_nothing() {
            true => {
                let expression = place.facts.output(number);
                expression.is_some_and(|expression| self.proves(expression, place))
            }
            false => self.arm(operation, number, place),
        }
    }

    /// A column of UNION and its kin.
    fn arm<'a>(&self, operation: &'a Node, number: i64, place: Place<'a>) -> bool
    where
        'c: 'a,
    {
        const UNION: i64 = 1;
        const INTERSECT: i64 = 2;
        if operation.tag() != "SETOPERATIONSTMT" {
            let range = place.facts.scope.range(operation.number("rtindex"));
            return range.is_some_and(|range| {
                let facts = self.facts(range.get("subquery"), Some(place.facts), false);
                self.output(number, place.within(&facts))
            });
        }
        let side = |side| self.arm(operation.get(side), number, place);
        match operation.number("op") {
            UNION => side("larg") && side("rarg"),
            INTERSECT => side("larg") || side("rarg"),
            _ => side("larg"),
        }
    }

    fn facts<'a>(
        &self,
        query: &'a Node,
        outer: Option<&'a Facts<'a>>,
        aggregated: bool,
    ) -> Facts<'a> {
        Facts::new(self.catalog, query, outer, aggregated)
    }

    fn variable<'a>(&self, var: &'a Node, place: Place<'a>) -> bool
    where
        'c: 'a,
    {
        let levels = var.number("varlevelsup");
        let (mut facts, mut aggregated) = (place.facts, place.aggregated);
        for _ in 0..levels {
            let Some(outer) = facts.outer else {
                return false;
            };
            (facts, aggregated) = (outer, facts.aggregated);
        }
        let (range_number, number) = (var.number("varno"), var.number("varattno"));
        let Some(range) = facts.scope.range(range_number) else {
            return false;
        };
        // OLD and NEW of RETURNING, of which one may not be there.
        let other_row = var.number("varreturningtype") != 0;
        if other_row || (facts.has_sets() && !aggregated) || !facts.present(range_number) {
            return false;
        }
        let place = Place {
            facts,
            aggregated,
            depth: place.depth + 1,
            ..place
        };
        if number <= 0 {
            // The row itself, or a column of the system's.
            return range.number("rtekind") == RELATION && range.name("relkind") == "r";
        }
        let written = facts.scope.query.number("resultRelation") == range_number;
        match facts.scope.origin(self.catalog, range, number) {
            // What a trigger returns in the place of a view's row.
            Origin::Output { within: None, .. } if written => false,
            origin => self.origin(origin, place),
        }
    }

    fn origin<'a>(&self, origin: Origin<'a>, place: Place<'a>) -> bool
    where
        'c: 'a,
    {
        match origin {
            Origin::Column { table, number } => {
                let column = self.catalog.column(table, number);
                column.is_some_and(|column| column.not_null)
            }
            Origin::Output {
                materialized: true, ..
            } => false,
            Origin::Output {
                query,
                within,
                number,
                ..
            } => self.column(query, within, number, place),
            Origin::Earlier {
                query,
                within,
                number,
            } => {
                let mut assumed = place.assumed;
                while let Some(one) = assumed {
                    if std::ptr::eq(one.query, query) && one.number == number {
                        return true;
                    }
                    assumed = one.next;
                }
                self.column(query, Some(within), number, place)
            }
            Origin::Expression(expression) => self.proves(expression, place),
            Origin::Rows(rows) => rows.into_iter().all(|value| self.proves(value, place)),
            Origin::Function {
                call,
                whole: true,
                alone: true,
            } => match call.flag("funcretset") {
                true => {
                    let function = self.catalog.function(call.oid("funcid"));
                    function.is_some_and(rows_are_not_null)
                }
                false => self.proves(call, place),
            },
            Origin::Ordinal => true,
            Origin::Function { .. } | Origin::Unknown => false,
        }
    }

    /// A column of a query that stands in another one, by itself or under a name.
    fn column<'a>(
        &self,
        query: &'a Node,
        within: Option<i64>,
        number: i64,
        place: Place<'a>,
    ) -> bool
    where
        'c: 'a,
    {
        let outer = match within {
            None => None,
            Some(levels) => match place.facts.up(levels) {
                None => return false,
                outer => outer,
            },
        };
        let facts = self.facts(query, outer, false);
        // Of a recursive query: it holds in each round if it holds in the first, and in each after one in which it held.
        let assumed = Assumed {
            query,
            number,
            next: place.assumed,
        };
        let place = Place {
            assumed: Some(&assumed),
            ..place.within(&facts)
        };
        self.output(number, place)
    }

    fn function<'a>(&self, call: &'a Node, place: Place<'a>) -> bool
    where
        'c: 'a,
    {
        let args = call.list("args");
        let Some(function) = self.catalog.function(call.oid("funcid")) else {
            return false;
        };
        if call.flag("funcretset") {
            return false;
        }
        if never_null(function) && !call.flag("funcvariadic") {
            return true;
        }
        let cast = [EXPLICIT, IMPLICIT].contains(&call.number("funcformat"));
        let keeps = match cast {
            true => keeps_cast(function),
            false => keeps(function, args.len()) || never_null(function),
        };
        keeps && self.all(args, place)
    }

    /// `x IN (…)` with values that are written there.
    fn any_of<'a>(&self, node: &'a Node, place: Place<'a>) -> bool
    where
        'c: 'a,
    {
        let operator = self.catalog.operator(node.oid("opno"));
        let [value, array] = node.list("args") else {
            return false;
        };
        operator.is_some_and(|operator| operator_keeps(self.catalog, operator))
            && array.tag() == "ARRAYEXPR"
            && self.proves(value, place)
            && self.all(array.list("elements"), place)
    }

    fn aggregate<'a>(&self, call: &'a Node, place: Place<'a>) -> bool
    where
        'c: 'a,
    {
        let Some(function) = self.catalog.function(call.oid("aggfnoid")) else {
            return false;
        };
        if counts(function) {
            return true;
        }
        let query = place.facts.scope.query;
        // Without GROUP BY there is a row, also of none.
        let has_rows = !query.list("groupClause").is_empty()
            && !place.facts.has_sets()
            && call.get("aggfilter").is_nothing()
            && call.number("agglevelsup") == 0;
        let within = Place {
            aggregated: true,
            ..place
        };
        has_rows
            && (collects(function)
                || (aggregate_keeps(function) && self.all(call.list("args"), within)))
    }

    fn window<'a>(&self, call: &'a Node, place: Place<'a>) -> bool
    where
        'c: 'a,
    {
        /// From the first row to the current one.
        const USUAL_FRAME: i64 = 0x2 | 0x20 | 0x400;
        let Some(function) = self.catalog.function(call.oid("winfnoid")) else {
            return false;
        };
        if counts(function) || ranks(function) {
            return true;
        }
        let args = call.list("args");
        let given = || self.all(args, place);
        if tiles(function) || (looks_around(function) && args.len() == 3) {
            return given();
        }
        let mut windows = place.facts.scope.query.list("windowClause").iter();
        let window = windows.find(|window| window.number("winref") == call.number("winref"));
        let sees_itself = window.is_some_and(|window| window.number("frameOptions") == USUAL_FRAME);
        if !sees_itself || !call.get("aggfilter").is_nothing() {
            return false;
        }
        collects(function) || ((aggregate_keeps(function) || looks_at_an_end(function)) && given())
    }

    fn subquery<'a>(&self, link: &'a Node, place: Place<'a>) -> bool
    where
        'c: 'a,
    {
        const EXISTS: i64 = 0;
        const ANY: i64 = 2;
        const SCALAR: i64 = 4;
        const ARRAY: i64 = 6;
        let query = link.get("subselect");
        let facts = self.facts(query, Some(place.facts), place.aggregated);
        let returned = || self.output(1, place.within(&facts));
        match link.number("subLinkType") {
            EXISTS | ARRAY => true,
            SCALAR => facts.returns_one_row() && returned(),
            ANY => {
                let test = link.get("testexpr");
                let operator = self.catalog.operator(test.oid("opno"));
                let value = test.list("args").first();
                test.tag() == "OPEXPR"
                    && operator.is_some_and(|operator| operator_keeps(self.catalog, operator))
                    && value.is_some_and(|value| self.proves(value, place))
                    && returned()
            }
            _ => false,
        }
    }
}

const RELATION: i64 = 0;
/// The first keyword whose value may be missing.
const CURRENT_SCHEMA: i64 = 14;

/// Whether the query groups by an expression, wherever it stands.
fn is_grouped(query: &Node, node: &Node) -> bool {
    let groups = query.list("groupClause").iter();
    let mut targets = groups.filter_map(|group| {
        let reference = group.number("tleSortGroupRef");
        let mut entries = query.list("targetList").iter();
        entries.find(|entry| entry.number("ressortgroupref") == reference)
    });
    targets.any(|entry| entry.get("expr").same(node))
}
