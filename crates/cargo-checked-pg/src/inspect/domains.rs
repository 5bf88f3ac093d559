//! Domains inside of a statement: where values of two of them meet, or a value that is of none goes where one belongs.

use super::{
    catalog::Catalog,
    describe::describe,
    kind::{IMPLICIT, Kind, Kinds, Place, Shape, polymorphic_arguments, type_of},
    node::Node,
    scope::{Scope, VALUES, arms, outputs},
    words,
};
use crate::project::Compatible;

/// What a statement, or a view, mixes up, a line each.
pub fn findings(catalog: &Catalog, pairs: &[Compatible], query: &Node) -> Vec<String> {
    let mut walk = Walk {
        kinds: Kinds { catalog },
        pairs,
        findings: Vec::new(),
    };
    let scope = Scope::top(query);
    walk.children(query, Place::new(&scope));
    walk.findings
}

const BOOLEAN: u32 = 16;
const TIMESTAMP: u32 = 1114;
const TIMESTAMPTZ: u32 = 1184;

struct Walk<'c> {
    kinds: Kinds<'c>,
    pairs: &'c [Compatible],
    findings: Vec<String>,
}

/// How two expressions meet.
#[derive(Clone, Copy, PartialEq)]
pub enum Meeting {
    /// One is compared with the other.
    Compared,
    /// One is added to the other, or taken from it.
    Summed,
    /// Another operator of the two.
    Related,
    /// The result is one or the other.
    Merged,
}

impl<'c> Walk<'c> {
    fn children<'a>(&mut self, node: &'a Node, place: Place<'a>)
    where
        'c: 'a,
    {
        for (_, field) in node.fields() {
            self.node(field, place);
        }
        for item in node.items() {
            self.node(item, place);
        }
    }

    fn node<'a>(&mut self, node: &'a Node, place: Place<'a>)
    where
        'c: 'a,
    {
        match node.tag() {
            "QUERY" => {
                let scope = Scope {
                    query: node,
                    parent: Some(place.scope),
                };
                return self.children(node, Place::new(&scope));
            }
            // Names of columns that are joined already.
            "RANGETBLENTRY" => return self.range(node, place),
            "SUBLINK" => {
                let within = Place {
                    subselect: Some(node.get("subselect")),
                    ..place
                };
                self.node(node.get("testexpr"), within);
                return self.node(node.get("subselect"), place);
            }
            "CASEEXPR" => return self.case(node, place),
            "ARRAYCOERCEEXPR" => {
                self.cast(node, node.number("coerceformat"), place);
                return self.node(node.get("arg"), place);
            }
            "COERCETODOMAIN" => self.cast(node, node.number("coercionformat"), place),
            "OPEXPR" | "DISTINCTEXPR" | "NULLIFEXPR" => self.operation(node, place),
            "SCALARARRAYOPEXPR" => self.any_of(node, place),
            "ROWCOMPAREEXPR" => {
                let pairs = node.list("largs").iter().zip(node.list("rargs"));
                pairs.for_each(|(left, right)| self.meet(left, right, Meeting::Compared, place));
            }
            "COALESCEEXPR" | "MINMAXEXPR" => {
                self.merge(node.list("args").iter().collect(), place);
            }
            "ARRAYEXPR" => self.merge(node.list("elements").iter().collect(), place),
            "FUNCEXPR" => self.call(node, node.oid("funcid"), place),
            "AGGREF" => self.call(node, node.oid("aggfnoid"), place),
            "WINDOWFUNC" => self.call(node, node.oid("winfnoid"), place),
            "SETOPERATIONSTMT" => self.set_operation(node, place),
            _ => {}
        }
        self.children(node, place);
    }

    fn range<'a>(&mut self, range: &'a Node, place: Place<'a>)
    where
        'c: 'a,
    {
        if range.number("rtekind") == VALUES {
            let rows = range.list("values_lists");
            let width = rows.first().map_or(0, |row| row.items().len());
            for column in 0..width {
                let nodes = rows.iter().filter_map(|row| row.items().get(column));
                self.merge(nodes.collect(), place);
            }
        }
        for (name, field) in range.fields() {
            if name != "joinaliasvars" && name != "groupexprs" {
                self.node(field, place);
            }
        }
    }

    fn case<'a>(&mut self, case: &'a Node, place: Place<'a>)
    where
        'c: 'a,
    {
        let tested = case.get("arg");
        self.node(tested, place);
        let whens = case.list("args");
        let results = whens.iter().map(|when| when.get("result"));
        let results: Vec<_> = results.chain([case.get("defresult")]).collect();
        let within = Place {
            case: (!tested.is_nothing()).then(|| self.kinds.of(tested, place)),
            ..place
        };
        for when in whens {
            self.node(when.get("expr"), within);
        }
        for result in &results {
            self.node(result, place);
        }
        self.merge(results, place);
    }

    fn operation<'a>(&mut self, node: &'a Node, place: Place<'a>)
    where
        'c: 'a,
    {
        let [left, right] = node.list("args") else {
            return;
        };
        let operator = self.kinds.catalog.operator(node.oid("opno"));
        let meeting = match operator {
            Some(operator) if operator.compares => Meeting::Compared,
            Some(operator) if ["+", "-"].contains(&operator.name.as_str()) => Meeting::Summed,
            _ if type_of(node) == BOOLEAN => Meeting::Related,
            // A product, or a text of two.
            _ => return,
        };
        self.meet(left, right, meeting, place);
    }

    /// `x = ANY (array)`, which `IN (…)` is, too.
    fn any_of<'a>(&mut self, node: &'a Node, place: Place<'a>)
    where
        'c: 'a,
    {
        let [left, right] = node.list("args") else {
            return;
        };
        let operator = self.kinds.catalog.operator(node.oid("opno"));
        let meeting = match operator {
            Some(operator) if operator.compares => Meeting::Compared,
            _ => Meeting::Related,
        };
        if right.tag() == "ARRAYEXPR" {
            for element in right.list("elements") {
                self.meet(left, element, meeting, place);
            }
            return;
        }
        let (one, many) = (self.kinds.of(left, place), self.kinds.of(right, place));
        let each = match many {
            Kind::ArrayOf(domain) => Kind::Of(domain),
            // A domain made of arrays.
            Kind::Of(_) => Kind::Plain,
            kind => kind,
        };
        self.judge((left, one), (right, each), meeting, place);
    }

    fn meet<'a>(&mut self, left: &'a Node, right: &'a Node, meeting: Meeting, place: Place<'a>)
    where
        'c: 'a,
    {
        let kinds = (self.kinds.of(left, place), self.kinds.of(right, place));
        self.judge((left, kinds.0), (right, kinds.1), meeting, place);
    }

    fn judge(
        &mut self,
        left: (&Node, Kind),
        right: (&Node, Kind),
        meeting: Meeting,
        place: Place<'_>,
    ) {
        use Kind::{ArrayOf, From, Of, Plain};
        let (catalog, scope) = (self.kinds.catalog, place.scope);
        let compared = meeting == Meeting::Compared;
        let finding = match (left.1, right.1) {
            (From(one), From(two)) if compared && !self.may_meet(one, two) => {
                words::two_kinds(catalog, left, right, meeting, scope)
            }
            (Of(one), Of(two)) | (ArrayOf(one), ArrayOf(two))
                if !self.may_meet(one, two) && self.matters(one, two, meeting) =>
            {
                words::two_kinds(catalog, left, right, meeting, scope)
            }
            (Of(domain) | ArrayOf(domain), Plain | From(_))
                if compared && self.is_name(domain, right.0) =>
            {
                words::one_kind(catalog, left, right, scope)
            }
            (Plain | From(_), Of(domain) | ArrayOf(domain))
                if compared && self.is_name(domain, left.0) =>
            {
                words::one_kind(catalog, right, left, scope)
            }
            _ => return,
        };
        self.findings.push(finding);
    }

    /// Whether a value of a domain is none that `other`, which is of no domain, may be compared with. An instant is before or
    /// after a day of any kind.
    fn is_name(&self, domain: u32, other: &Node) -> bool {
        let instant = [TIMESTAMP, TIMESTAMPTZ].contains(&type_of(other));
        !self.kinds.catalog.is_measure(domain) && !instant
    }

    /// Days between two dates are no sum. Other operators may well take types that have nothing in common, such as a document
    /// and the name of a key.
    fn matters(&self, one: u32, two: u32, meeting: Meeting) -> bool {
        let catalog = self.kinds.catalog;
        match meeting {
            Meeting::Compared | Meeting::Merged => true,
            Meeting::Summed => catalog.is_measure(one) && catalog.is_measure(two),
            Meeting::Related => catalog.lowest(one) == catalog.lowest(two),
        }
    }

    /// Where the result is one or the other, all have to be of one kind, or not of any.
    fn merge<'a>(&mut self, nodes: Vec<&'a Node>, place: Place<'a>)
    where
        'c: 'a,
    {
        let mut seen: Option<(&Node, Kind)> = None;
        for node in nodes {
            let kind = self.kinds.of(node, place);
            match seen {
                _ if !matches!(kind, Kind::Of(_) | Kind::ArrayOf(_)) => {}
                None => seen = Some((node, kind)),
                Some(first) => self.judge(first, (node, kind), Meeting::Merged, place),
            }
        }
    }

    fn call<'a>(&mut self, call: &'a Node, function: u32, place: Place<'a>)
    where
        'c: 'a,
    {
        let Some(function) = self.kinds.catalog.function(function) else {
            return;
        };
        let mut seen: Option<(&Node, Kind)> = None;
        for (shape, node) in polymorphic_arguments(call, function) {
            let kind = match (shape, self.kinds.of(node, place)) {
                (Shape::Array, Kind::ArrayOf(domain)) => Kind::Of(domain),
                (_, kind) => kind,
            };
            match (seen, kind) {
                (None, Kind::Of(_)) => seen = Some((node, kind)),
                (Some(first), Kind::Of(_)) => {
                    self.judge(first, (node, kind), Meeting::Merged, place);
                }
                _ => {}
            }
        }
    }

    fn set_operation<'a>(&mut self, operation: &'a Node, place: Place<'a>)
    where
        'c: 'a,
    {
        const UNION: i64 = 1;
        let meeting = match operation.number("op") {
            UNION => Meeting::Merged,
            _ => Meeting::Compared,
        };
        let query = place.scope.query;
        let left = self.arm_columns(arms(query, operation.get("larg")), place);
        let right = self.arm_columns(arms(query, operation.get("rarg")), place);
        for (one, two) in left
            .iter()
            .flat_map(|one| right.iter().map(move |two| (one, two)))
        {
            let columns = one.iter().zip(two);
            let found: Vec<_> = columns
                .filter_map(|(one, two)| self.mixed_columns(one, two, meeting))
                .collect();
            self.findings.extend(found);
        }
    }

    /// The columns of the queries that a UNION puts together, in words and by kind.
    fn arm_columns<'a>(&self, arms: Vec<&'a Node>, place: Place<'a>) -> Vec<Vec<(String, Kind)>>
    where
        'c: 'a,
    {
        let columns = |arm: &'a Node| {
            let scope = Scope {
                query: arm,
                parent: Some(place.scope),
            };
            let entries = (1..).zip(outputs(arm));
            entries
                .map(|(number, entry)| {
                    let words = describe(self.kinds.catalog, entry, &scope);
                    (words, self.kinds.of_output(number, Place::new(&scope)))
                })
                .collect()
        };
        arms.into_iter().map(columns).collect()
    }

    fn mixed_columns(
        &self,
        left: &(String, Kind),
        right: &(String, Kind),
        meeting: Meeting,
    ) -> Option<String> {
        let mixed = match (left.1, right.1) {
            (Kind::Of(one), Kind::Of(two)) | (Kind::ArrayOf(one), Kind::ArrayOf(two)) => {
                !self.may_meet(one, two)
            }
            (Kind::Of(domain), Kind::Plain | Kind::From(_))
            | (Kind::Plain | Kind::From(_), Kind::Of(domain)) => {
                meeting == Meeting::Compared && !self.kinds.catalog.is_measure(domain)
            }
            _ => false,
        };
        mixed.then(|| words::one_column(self.kinds.catalog, left, right))
    }

    /// A value goes where one of a domain belongs, by itself or by a cast that is written.
    fn cast<'a>(&mut self, node: &'a Node, format: i64, place: Place<'a>)
    where
        'c: 'a,
    {
        let catalog = self.kinds.catalog;
        let wanted = self.kinds.of_type(type_of(node));
        let (Kind::Of(to) | Kind::ArrayOf(to)) = wanted else {
            return;
        };
        let argument = node.get("arg");
        let kind = self.kinds.of(argument, place);
        let name = catalog.type_name(type_of(node));
        match kind {
            Kind::Of(from) | Kind::ArrayOf(from) => {
                let fits = match format {
                    IMPLICIT => from == to || self.above(from).any(|above| above == to),
                    _ => self.may_meet(from, to),
                };
                if !fits {
                    let finding = words::misplaced(catalog, (argument, kind), name, place.scope);
                    self.findings.push(finding);
                }
            }
            Kind::Plain | Kind::From(_) if format == IMPLICIT && !catalog.is_measure(to) => {
                let finding = words::bare(catalog, argument, name, place.scope);
                self.findings.push(finding);
            }
            _ => {}
        }
    }

    /// Whether values of two domains may meet: of one, of one made of the other, or of a pair that is allowed.
    fn may_meet(&self, one: u32, two: u32) -> bool {
        let name = |oid| self.kinds.catalog.type_name(oid);
        one == two
            || self.above(one).any(|above| above == two)
            || self.above(two).any(|above| above == one)
            || self.pairs.iter().any(
                |Compatible {
                     domains: [a, b], ..
                 }| {
                    (a == name(one) && b == name(two)) || (a == name(two) && b == name(one))
                },
            )
    }

    /// The domains that a domain is made of.
    fn above(&self, domain: u32) -> impl Iterator<Item = u32> {
        let catalog = self.kinds.catalog;
        std::iter::successors(catalog.base(domain), |oid| catalog.base(*oid))
    }
}
