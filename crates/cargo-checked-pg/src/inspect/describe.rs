//! An expression of a parse tree in the words of its statement, for messages.

use super::{catalog::Catalog, kind::IMPLICIT, kind::type_of, node::Node, scope::Scope};

/// As it stands in the statement, or nearly so; casts that the statement does not write are left out.
pub fn describe(catalog: &Catalog, node: &Node, scope: &Scope<'_>) -> String {
    let inner = |node: &Node| describe(catalog, node, scope);
    let list = |nodes: &[Node]| nodes.iter().map(inner).collect::<Vec<_>>().join(", ");
    let cast = |format: &str| {
        let argument = inner(node.get("arg"));
        match node.number(format) {
            IMPLICIT => argument,
            _ => format!("{argument}::{}", catalog.type_name(type_of(node))),
        }
    };
    match node.tag() {
        "VAR" => variable(catalog, node, scope),
        "PARAM" if node.number("paramkind") == 0 => format!("${}", node.number("paramid")),
        "PARAM" => "the subquery".to_owned(),
        "CONST" if node.flag("constisnull") => "NULL".to_owned(),
        "CONST" => format!("a literal {}", catalog.type_name(node.oid("consttype"))),
        "RELABELTYPE" => cast("relabelformat"),
        "COERCEVIAIO" | "ARRAYCOERCEEXPR" => cast("coerceformat"),
        "COERCETODOMAIN" => cast("coercionformat"),
        "FUNCEXPR" if node.number("funcformat") == IMPLICIT => {
            node.list("args").first().map(inner).unwrap_or_default()
        }
        "FUNCEXPR" if node.number("funcformat") == 1 => {
            let argument = node.list("args").first().map(inner).unwrap_or_default();
            format!("{argument}::{}", catalog.type_name(type_of(node)))
        }
        "FUNCEXPR" => call(catalog, node.oid("funcid"), &list(node.list("args"))),
        "AGGREF" if node.flag("aggstar") => call(catalog, node.oid("aggfnoid"), "*"),
        "AGGREF" => call(catalog, node.oid("aggfnoid"), &list(node.list("args"))),
        "WINDOWFUNC" => call(catalog, node.oid("winfnoid"), &list(node.list("args"))) + " OVER (…)",
        "TARGETENTRY" => inner(node.get("expr")),
        "COALESCEEXPR" => format!("COALESCE({})", list(node.list("args"))),
        "MINMAXEXPR" => format!("GREATEST/LEAST({})", list(node.list("args"))),
        "NULLIFEXPR" => format!("NULLIF({})", list(node.list("args"))),
        "ARRAYEXPR" => format!("ARRAY[{}]", list(node.list("elements"))),
        "SUBSCRIPTINGREF" => inner(node.get("refexpr")) + "[…]",
        "OPEXPR" | "DISTINCTEXPR" => operation(catalog, node, scope),
        "CASETESTEXPR" => "the value of the CASE".to_owned(),
        "CASEEXPR" => "the CASE".to_owned(),
        "SUBLINK" => "the subquery".to_owned(),
        "SETTODEFAULT" => "DEFAULT".to_owned(),
        "COLLATEEXPR" | "NAMEDARGEXPR" => inner(node.get("arg")),
        _ => "an expression".to_owned(),
    }
}

fn operation(catalog: &Catalog, node: &Node, scope: &Scope<'_>) -> String {
    let sign = match (node.tag(), catalog.operator(node.oid("opno"))) {
        ("DISTINCTEXPR", _) => "IS DISTINCT FROM",
        (_, Some(operator)) => &operator.name,
        _ => "?",
    };
    match node.list("args") {
        [left, right] => format!(
            "{} {sign} {}",
            describe(catalog, left, scope),
            describe(catalog, right, scope)
        ),
        [operand] => format!("{sign} {}", describe(catalog, operand, scope)),
        _ => "an expression".to_owned(),
    }
}

fn call(catalog: &Catalog, function: u32, arguments: &str) -> String {
    let name = catalog.function(function).map_or("?", |f| &f.name);
    format!("{name}({arguments})")
}

fn variable(catalog: &Catalog, var: &Node, scope: &Scope<'_>) -> String {
    let number = var.number("varattno");
    let range = scope
        .up(var.number("varlevelsup"))
        .and_then(|scope| scope.range(var.number("varno")));
    let Some(range) = range else {
        return "a column".to_owned();
    };
    let names = range.get("eref");
    let column = usize::try_from(number - 1)
        .ok()
        .and_then(|at| names.list("colnames").get(at));
    let column = match column {
        Some(column) => column.text(),
        None => catalog
            .column(range.oid("relid"), number)
            .map_or("*", |column| &column.name),
    };
    let table = names.name("aliasname");
    // What an INSERT selects from is no name of the statement's.
    if let Some(entry) = range
        .get("subquery")
        .list("targetList")
        .get(usize::try_from(number - 1).unwrap_or(usize::MAX))
        && table.starts_with('*')
    {
        let inner = Scope {
            query: range.get("subquery"),
            parent: Some(scope),
        };
        return describe(catalog, entry, &inner);
    }
    if table.starts_with('*') || table.starts_with("unnamed_") {
        return column.to_owned();
    }
    format!("{table}.{column}")
}
