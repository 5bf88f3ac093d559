//! What is said of domains that meet: the two, where they are, and the mend.

use super::{
    catalog::Catalog,
    describe::describe,
    domains::Meeting,
    kind::{Kind, type_of},
    node::Node,
    scope::Scope,
};

/// A side of what meets.
pub type Side<'a> = (&'a Node, Kind);

pub fn two_kinds(
    catalog: &Catalog,
    left: Side<'_>,
    right: Side<'_>,
    meeting: Meeting,
    scope: &Scope<'_>,
) -> String {
    let words = |node| describe(catalog, node, scope);
    let (one, two) = (words(left.0), words(right.0));
    let verb = match meeting {
        Meeting::Compared => "are compared",
        Meeting::Summed => "are added up",
        Meeting::Related => "are put together",
        Meeting::Merged => "become one value",
    };
    // The mend goes to the parameter, if there is one.
    let (mend, kind) = match two.starts_with('$') {
        true => (&two, right.1),
        false => (&one, left.1),
    };
    let plain = plain_name(catalog, kind);
    let through = match kind {
        Kind::From(_) => format!("cast what the function takes to `{plain}` first"),
        _ if mend.starts_with('$') && !mend.contains("::") => {
            format!("`{mend}::{}::{plain}`", kind_name(catalog, kind))
        }
        _ => format!("`{mend}::{plain}`"),
    };
    format!(
        "`{one}` is of `{}` and `{two}` of `{}`, and they {verb}; if that is meant: {through}",
        kind_name(catalog, left.1),
        kind_name(catalog, right.1),
    )
}

/// `known` is of a domain, `other` is not.
pub fn one_kind(catalog: &Catalog, known: Side<'_>, other: Side<'_>, scope: &Scope<'_>) -> String {
    let value = describe(catalog, known.0, scope);
    let against = describe(catalog, other.0, scope);
    let domain = kind_name(catalog, known.1);
    let array = catalog.element(type_of(other.0)).is_some() && !matches!(known.1, Kind::ArrayOf(_));
    let wanted = format!("{domain}{}", if array { "[]" } else { "" });
    let cast = cast_of(other.0, &against, &wanted);
    let mut finding = format!(
        "`{value}` is of `{domain}` and is compared with `{against}`, which is of no domain; write `{cast}`"
    );
    if !against.starts_with('$') {
        let plain = plain_name(catalog, known.1);
        finding += &format!(", or `{value}::{plain}` if any value may be compared with it");
    }
    finding
}

/// `two` is of another domain than the one that is wanted.
pub fn misplaced(catalog: &Catalog, value: Side<'_>, wanted: &str, scope: &Scope<'_>) -> String {
    let words = describe(catalog, value.0, scope);
    let is = kind_name(catalog, value.1);
    let plain = plain_name(catalog, value.1);
    format!(
        "`{words}` is of `{is}` and goes where `{wanted}` is wanted; if that is meant: `{words}::{plain}::{wanted}`"
    )
}

/// `value` is of no domain.
pub fn bare(catalog: &Catalog, value: &Node, wanted: &str, scope: &Scope<'_>) -> String {
    let words = describe(catalog, value, scope);
    let cast = cast_of(value, &words, wanted);
    format!("`{words}` is of no domain and goes where `{wanted}` is wanted; write `{cast}`")
}

/// Two columns of a UNION and its kin, in words and by kind.
pub fn one_column(catalog: &Catalog, left: &(String, Kind), right: &(String, Kind)) -> String {
    let is = |kind| match kind_name(catalog, kind) {
        name if name.is_empty() => " is of no domain".to_owned(),
        name => format!(" is of `{name}`"),
    };
    format!(
        "`{}`{} and `{}`{}, and they become one column; cast both to one type if that is meant",
        left.0,
        is(left.1),
        right.0,
        is(right.1)
    )
}

fn kind_name(catalog: &Catalog, kind: Kind) -> String {
    match kind {
        Kind::Of(domain) | Kind::From(domain) => catalog.type_name(domain).to_owned(),
        Kind::ArrayOf(domain) => format!("{}[]", catalog.type_name(domain)),
        Kind::Any | Kind::Plain => String::new(),
    }
}

fn plain_name(catalog: &Catalog, kind: Kind) -> String {
    match kind {
        Kind::Of(domain) | Kind::From(domain) => {
            catalog.type_name(catalog.lowest(domain)).to_owned()
        }
        Kind::ArrayOf(domain) => format!("{}[]", catalog.type_name(catalog.lowest(domain))),
        Kind::Any | Kind::Plain => String::new(),
    }
}

/// `$1::author`, but `(a + b)::author`.
fn cast_of(node: &Node, value: &str, name: &str) -> String {
    match node.tag() {
        "OPEXPR" => format!("({value})::{name}"),
        "RELABELTYPE" | "COERCEVIAIO" => cast_of(node.get("arg"), value, name),
        _ => format!("{value}::{name}"),
    }
}
