//! The kind of an expression: which domain's values it has, also where PostgreSQL itself has forgotten the domain.
//!
//! PostgreSQL takes a value of a domain for one of the type below as soon as an operator or a function wants that. Here it keeps
//! its kind until it is computed with, or cast to the type below by the statement's own words.

use super::{
    catalog::Catalog,
    node::Node,
    scope::{Origin, Scope, arms, outputs},
};

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Fits anything: a literal, a NULL, what the statement casts to a plain type by its own words.
    Any,
    /// A value of a plain type.
    Plain,
    /// A value of a domain.
    Of(u32),
    /// An array of values of a domain.
    ArrayOf(u32),
    /// A plain value that a function has made of one of a domain, such as `lower(email)`.
    From(u32),
}

/// Where an expression stands.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub scope: &'a Scope<'a>,
    /// What the WHENs of a CASE are compared with.
    pub case: Option<Kind>,
    /// The subquery whose columns a comparison like `IN` refers to.
    pub subselect: Option<&'a Node>,
    /// How deep we are; recursion ends somewhere.
    pub depth: usize,
}

/// Deeper than any statement that a person writes.
const DEEPEST: usize = 200;

impl<'a> Place<'a> {
    pub fn new(scope: &'a Scope<'a>) -> Self {
        Self {
            scope,
            case: None,
            subselect: None,
            depth: 0,
        }
    }

    fn in_scope<'b>(self, scope: &'b Scope<'b>) -> Place<'b> {
        Place {
            scope,
            case: None,
            subselect: None,
            depth: self.depth + 1,
        }
    }
}

/// A cast that the statement writes.
pub const EXPLICIT: i64 = 1;
/// A cast that PostgreSQL adds.
pub const IMPLICIT: i64 = 2;

pub struct Kinds<'c> {
    pub catalog: &'c Catalog,
}

impl<'c> Kinds<'c> {
    pub fn of<'a>(&self, node: &'a Node, place: Place<'a>) -> Kind
    where
        'c: 'a,
    {
        if place.depth > DEEPEST {
            return Kind::Any;
        }
        let typed = self.of_type(type_of(node));
        if typed != Kind::Plain {
            return typed;
        }
        let argument = || node.get("arg");
        match node.tag() {
            "VAR" => self.of_var(node, place),
            "CONST" | "SETTODEFAULT" => Kind::Any,
            "PARAM" => self.of_param(node, place),
            "CASETESTEXPR" => place.case.unwrap_or(Kind::Any),
            "RELABELTYPE" => self.of_cast(argument(), node.number("relabelformat"), place),
            "COERCEVIAIO" | "ARRAYCOERCEEXPR" => {
                self.of_cast(argument(), node.number("coerceformat"), place)
            }
            "COLLATEEXPR" | "NAMEDARGEXPR" => self.of(argument(), place),
            "COALESCEEXPR" | "MINMAXEXPR" => self.of_all(node.list("args").iter(), place),
            "CASEEXPR" => {
                let results = node.list("args").iter().map(|when| when.get("result"));
                self.of_all(results.chain([node.get("defresult")]), place)
            }
            "NULLIFEXPR" => self.of_nth(node.list("args"), 0, place),
            "ARRAYEXPR" => self.of_array(node, place),
            "SUBLINK" => self.of_sublink(node, place),
            "SUBSCRIPTINGREF" => match self.of(node.get("refexpr"), place) {
                Kind::ArrayOf(domain) if type_of(node) == node.oid("refelemtype") => {
                    Kind::Of(domain)
                }
                kind => kind,
            },
            "FUNCEXPR" => self.of_function(node, node.oid("funcid"), place),
            "AGGREF" => self.of_function(node, node.oid("aggfnoid"), place),
            "WINDOWFUNC" => self.of_function(node, node.oid("winfnoid"), place),
            "TARGETENTRY" => self.of(node.get("expr"), place),
            _ => Kind::Plain,
        }
    }

    pub fn of_type(&self, oid: u32) -> Kind {
        match self.catalog.element(oid) {
            Some(element) if self.catalog.is_domain(element) => Kind::ArrayOf(element),
            _ if self.catalog.is_domain(oid) => Kind::Of(oid),
            _ => Kind::Plain,
        }
    }

    /// The kind of what is one or the other of several: theirs, if they are all of one.
    pub fn of_all<'a>(&self, nodes: impl Iterator<Item = &'a Node>, place: Place<'a>) -> Kind
    where
        'c: 'a,
    {
        nodes.fold(Kind::Any, |all, node| both(all, self.of(node, place)))
    }

    fn of_nth<'a>(&self, nodes: &'a [Node], at: usize, place: Place<'a>) -> Kind
    where
        'c: 'a,
    {
        nodes
            .get(at)
            .map_or(Kind::Plain, |node| self.of(node, place))
    }

    fn of_array<'a>(&self, node: &'a Node, place: Place<'a>) -> Kind
    where
        'c: 'a,
    {
        match self.of_all(node.list("elements").iter(), place) {
            Kind::Of(domain) => Kind::ArrayOf(domain),
            kind => kind,
        }
    }

    /// The statement's own cast to a plain type says that the kind no longer matters.
    fn of_cast<'a>(&self, argument: &'a Node, format: i64, place: Place<'a>) -> Kind
    where
        'c: 'a,
    {
        match self.of(argument, place) {
            Kind::Of(_) | Kind::ArrayOf(_) if format != IMPLICIT => Kind::Any,
            kind => kind,
        }
    }

    fn of_var<'a>(&self, var: &'a Node, place: Place<'a>) -> Kind
    where
        'c: 'a,
    {
        let scope = place.scope.up(var.number("varlevelsup"));
        let range = scope.and_then(|scope| Some((scope, scope.range(var.number("varno"))?)));
        let Some((scope, range)) = range else {
            return Kind::Plain;
        };
        self.of_origin(
            scope.origin(self.catalog, range, var.number("varattno")),
            place.in_scope(scope),
        )
    }

    pub fn of_origin<'a>(&self, origin: Origin<'a>, place: Place<'a>) -> Kind
    where
        'c: 'a,
    {
        match origin {
            Origin::Column { table, number } => {
                let column = self.catalog.column(table, number);
                column.map_or(Kind::Plain, |column| self.of_type(column.type_))
            }
            Origin::Output {
                query,
                within,
                number,
                ..
            } => {
                let parent = within.and_then(|levels| place.scope.up(levels));
                let scope = Scope { query, parent };
                self.of_output(number, place.in_scope(&scope))
            }
            Origin::Earlier { .. } => Kind::Any,
            Origin::Expression(expression) => self.of(expression, place),
            Origin::Rows(rows) => self.of_all(rows.into_iter(), place),
            Origin::Function { call, whole, .. } if whole => self.of(call, place),
            Origin::Function { .. } | Origin::Ordinal | Origin::Unknown => Kind::Plain,
        }
    }

    /// The kind of a column of what the place's query returns.
    pub fn of_output<'a>(&self, number: i64, place: Place<'a>) -> Kind
    where
        'c: 'a,
    {
        if place.depth > DEEPEST {
            return Kind::Any;
        }
        let query = place.scope.query;
        let operation = query.get("setOperations");
        if !operation.is_nothing() {
            let kinds = arms(query, operation).into_iter().map(|arm| {
                let scope = Scope {
                    query: arm,
                    parent: Some(place.scope),
                };
                self.of_output(number, place.in_scope(&scope))
            });
            return kinds.fold(Kind::Any, both);
        }
        let at = usize::try_from(number - 1).unwrap_or(usize::MAX);
        outputs(query)
            .get(at)
            .map_or(Kind::Plain, |entry| self.of(entry.get("expr"), place))
    }

    fn of_param<'a>(&self, param: &'a Node, place: Place<'a>) -> Kind
    where
        'c: 'a,
    {
        const SUBLINK: i64 = 2;
        const MULTIPLE: i64 = 3;
        let id = param.number("paramid");
        let (subselect, number) = match param.number("paramkind") {
            SUBLINK => (place.subselect, id),
            // SET (a, b) = (SELECT …)
            MULTIPLE => {
                let entries = place.scope.query.list("targetList").iter();
                let links = entries.map(|entry| entry.get("expr"));
                let link = links
                    .filter(|link| link.tag() == "SUBLINK")
                    .find(|link| link.number("subLinkId") == id >> 16);
                (link.map(|link| link.get("subselect")), id & 0xFFFF)
            }
            _ => return Kind::Plain,
        };
        let Some(query) = subselect else {
            return Kind::Plain;
        };
        let scope = Scope {
            query,
            parent: Some(place.scope),
        };
        self.of_output(number, place.in_scope(&scope))
    }

    fn of_sublink<'a>(&self, link: &'a Node, place: Place<'a>) -> Kind
    where
        'c: 'a,
    {
        const SCALAR: i64 = 4;
        const ARRAY: i64 = 6;
        let scope = Scope {
            query: link.get("subselect"),
            parent: Some(place.scope),
        };
        let kind = || self.of_output(1, place.in_scope(&scope));
        match link.number("subLinkType") {
            SCALAR => kind(),
            ARRAY => match kind() {
                Kind::Of(domain) => Kind::ArrayOf(domain),
                kind => kind,
            },
            _ => Kind::Plain,
        }
    }

    fn of_function<'a>(&self, call: &'a Node, function: u32, place: Place<'a>) -> Kind
    where
        'c: 'a,
    {
        let arguments = call.list("args");
        let Some(function) = self.catalog.function(function) else {
            return Kind::Plain;
        };
        // A conversion to another plain type.
        if let ("FUNCEXPR", format @ (EXPLICIT | IMPLICIT), [argument, ..]) =
            (call.tag(), call.number("funcformat"), arguments)
        {
            return self.of_cast(argument, format, place);
        }
        if function.builtin && ["min", "max"].contains(&function.name.as_str()) {
            return self.of_nth(arguments, 0, place);
        }
        // A new value of its own making, such as a random UUID or the next of a sequence.
        let given = self.of_all(arguments.iter(), place);
        if function.volatile && given == Kind::Any {
            return Kind::Any;
        }
        let element = self.of_polymorphic(call, function, place);
        match (element, polymorphic(function.result)) {
            (Kind::Of(domain), Some(Shape::Array)) => Kind::ArrayOf(domain),
            (element, Some(_)) => element,
            _ => match given {
                Kind::Of(domain) | Kind::From(domain)
                    if function.result == self.catalog.lowest(domain)
                        && !self.catalog.is_measure(domain) =>
                {
                    Kind::From(domain)
                }
                _ => Kind::Plain,
            },
        }
    }

    /// The kind that the arguments of any type have in common.
    pub fn of_polymorphic<'a>(
        &self,
        call: &'a Node,
        function: &super::catalog::Function,
        place: Place<'a>,
    ) -> Kind
    where
        'c: 'a,
    {
        let kinds = polymorphic_arguments(call, function).map(|(shape, node)| {
            let kind = self.of(node, place);
            match (shape, kind) {
                (Shape::Array, Kind::ArrayOf(domain)) => Kind::Of(domain),
                (_, kind) => kind,
            }
        });
        kinds.fold(Kind::Any, both)
    }
}

/// The arguments whose types have to agree, and whether they are arrays.
pub fn polymorphic_arguments<'a>(
    call: &'a Node,
    function: &super::catalog::Function,
) -> impl Iterator<Item = (Shape, &'a Node)> {
    let shapes: Vec<_> = function
        .arguments
        .iter()
        .map(|oid| polymorphic(*oid))
        .collect();
    let arguments = call.list("args").iter().zip(shapes);
    arguments.filter_map(|(node, shape)| Some((shape?, node)))
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    Element,
    Array,
}

/// Whether a type is `anyelement` or `anyarray`, or of their kin.
fn polymorphic(oid: u32) -> Option<Shape> {
    match oid {
        2283 | 2776 | 5077 | 5079 => Some(Shape::Element),
        2277 | 5078 => Some(Shape::Array),
        _ => None,
    }
}

fn both(one: Kind, two: Kind) -> Kind {
    match (one, two) {
        (Kind::Any, kind) | (kind, Kind::Any) => kind,
        (one, two) if one == two => one,
        _ => Kind::Plain,
    }
}

/// The type that PostgreSQL gives an expression, where the node says it.
pub fn type_of(node: &Node) -> u32 {
    let field = match node.tag() {
        "VAR" => "vartype",
        "CONST" => "consttype",
        "PARAM" => "paramtype",
        "AGGREF" => "aggtype",
        "WINDOWFUNC" => "wintype",
        "FUNCEXPR" => "funcresulttype",
        "OPEXPR" | "DISTINCTEXPR" | "NULLIFEXPR" => "opresulttype",
        "SUBSCRIPTINGREF" => "refrestype",
        "COALESCEEXPR" => "coalescetype",
        "MINMAXEXPR" => "minmaxtype",
        "CASEEXPR" => "casetype",
        "ARRAYEXPR" => "array_typeid",
        "CASETESTEXPR" | "SETTODEFAULT" => "typeId",
        "SQLVALUEFUNCTION" => "type",
        "FIELDSELECT" | "RELABELTYPE" | "COERCEVIAIO" | "ARRAYCOERCEEXPR" | "COERCETODOMAIN"
        | "CONVERTROWTYPEEXPR" => "resulttype",
        "TARGETENTRY" | "COLLATEEXPR" | "NAMEDARGEXPR" => {
            let inner = if node.tag() == "TARGETENTRY" {
                "expr"
            } else {
                "arg"
            };
            return type_of(node.get(inner));
        }
        _ => return 0,
    };
    node.oid(field)
}
