//! Where a source can be mistaken: operators, numbers, calls and results of functions, and what each becomes.

use std::{collections::BTreeMap, ops::Range};

use anyhow::Result;
use proc_macro2::Span;
use syn::{
    BinOp, Expr, ImplItemFn, ItemFn, ReturnType, Signature, Type, UnOp,
    spanned::Spanned,
    visit::{self, Visit},
};

/// A kind of mistake, which a report counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Border,
    Equality,
    Connective,
    Sign,
    Rounding,
    Number,
    Counterpart,
    Default,
    Result,
}

impl Kind {
    pub const ALL: [Self; 9] = [
        Self::Border,
        Self::Equality,
        Self::Connective,
        Self::Sign,
        Self::Rounding,
        Self::Number,
        Self::Counterpart,
        Self::Default,
        Self::Result,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Border => "move a border",
            Self::Equality => "`!=` for `==`, or drop a `!`",
            Self::Connective => "`||` for `&&`",
            Self::Sign => "change a sign, `*` for `/`",
            Self::Rounding => "round to one place more",
            Self::Number => "another number",
            Self::Counterpart => "`max` for `min`, `checked_add` for `checked_sub`, and so on",
            Self::Default => "the default for a value",
            Self::Result => "a rule that takes all, a constant result",
        }
    }
}

/// One mistake: other text for some bytes, which may hold other sites.
#[derive(Debug, Clone)]
pub struct Site {
    pub kind: Kind,
    pub line: usize,
    pub change: String,
    pub at: Range<usize>,
    pub to: To,
}

#[derive(Debug, Clone)]
pub enum To {
    /// The text of `at`, with other text for some bytes of it.
    With(Range<usize>, String),
    /// A statement before the first of a block that begins here.
    Return(String),
}

/// The sites of a source.
pub fn sites(text: &str) -> Result<Vec<Site>> {
    let file = syn::parse_file(text)?;
    let mut finder = Finder {
        text,
        sites: Vec::new(),
    };
    finder.visit_file(&file);
    number_those_alike(&mut finder.sites);
    Ok(finder.sites)
}

/// Two places of one file may be mistaken alike: a list names one of them.
fn number_those_alike(sites: &mut [Site]) {
    let mut alike: BTreeMap<(Kind, String), Vec<usize>> = BTreeMap::new();
    for (at, site) in sites.iter().enumerate() {
        let key = (site.kind, site.change.clone());
        alike.entry(key).or_default().push(at);
    }
    for places in alike.values().filter(|places| places.len() > 1) {
        for (n, at) in (1..).zip(places) {
            sites[*at].change += &format!(", {n} of {}", places.len());
        }
    }
}

struct Finder<'t> {
    text: &'t str,
    sites: Vec<Site>,
}

fn bytes(span: Span) -> Range<usize> {
    span.byte_range()
}

impl Finder<'_> {
    fn push(&mut self, kind: Kind, whole: Span, part: Range<usize>, other: &str) {
        let shown = &self.text[part.clone()];
        let change = match (shown.len() < 40, other) {
            (_, "") => format!("without `{shown}`"),
            (true, _) => format!("`{shown}` to `{other}`"),
            (false, _) => format!("to `{other}`"),
        };
        self.sites.push(Site {
            kind,
            line: whole.start().line,
            change,
            at: bytes(whole),
            to: To::With(part, other.to_owned()),
        });
    }

    fn function(&mut self, signature: &Signature, block: &syn::Block) {
        let ReturnType::Type(_, of) = &signature.output else {
            return;
        };
        let Type::Path(path) = &**of else { return };
        let Some(last) = path.path.segments.last() else {
            return;
        };
        let shown = self.text[bytes(last.span())].to_owned();
        let results: &[&str] = match (last.ident.to_string().as_str(), shown.as_str()) {
            ("Result", of) if of.starts_with("Result<()") => &["Ok(())"],
            ("Option", _) => &["None"],
            ("bool", _) => &["true", "false"],
            _ => return,
        };
        let body = bytes(block.brace_token.span.join());
        let body = self.text[body].trim_matches(['{', '}']).trim();
        for result in results.iter().filter(|result| **result != body) {
            let begin = bytes(block.brace_token.span.open()).end;
            self.sites.push(Site {
                kind: Kind::Result,
                line: signature.span().start().line,
                change: format!("`{}` returns `{result}`", signature.ident),
                at: begin..begin,
                to: To::Return((*result).to_owned()),
            });
        }
    }

    fn method(&mut self, call: &syn::ExprMethodCall) {
        const COUNTERPARTS: [(&str, &str); 16] = [
            ("checked_add", "checked_sub"),
            ("checked_sub", "checked_add"),
            ("checked_mul", "checked_div"),
            ("checked_div", "checked_mul"),
            ("min", "max"),
            ("max", "min"),
            ("min_by_key", "max_by_key"),
            ("max_by_key", "min_by_key"),
            ("first", "last"),
            ("last", "first"),
            ("next", "next_back"),
            ("next_back", "next"),
            ("any", "all"),
            ("all", "any"),
            ("is_some", "is_none"),
            ("is_none", "is_some"),
        ];
        let name = call.method.to_string();
        let whole = call.span();
        if let Some((_, other)) = COUNTERPARTS.iter().find(|(from, _)| *from == name) {
            self.push(Kind::Counterpart, whole, bytes(call.method.span()), other);
        }
        let after = bytes(call.receiver.span()).end..bytes(whole).end;
        match name.as_str() {
            "abs" | "trim" | "rev" | "normalize" => self.push(Kind::Counterpart, whole, after, ""),
            "filter" if call.args.len() == 1 => self.push(Kind::Counterpart, whole, after, ""),
            "round_dp" => {
                let places = bytes(call.args.span());
                let more = format!("({}) + 1", &self.text[places.clone()]);
                self.push(Kind::Rounding, whole, places, &more);
                self.push(Kind::Rounding, whole, after, "");
            }
            "unwrap_or" | "unwrap_or_else" | "map_or" | "is_some_and" | "is_none_or" => {
                let other = match name.as_str() {
                    "is_some_and" => "is_none_or",
                    "is_none_or" => "is_some_and",
                    _ => return,
                };
                self.push(Kind::Default, whole, bytes(call.method.span()), other);
            }
            "unwrap_or_default" => self.push(
                Kind::Default,
                whole,
                after,
                ".map(|_| Default::default()).unwrap_or_default()",
            ),
            _ => {}
        }
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.ident != "tests" {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        if item.sig.constness.is_none() {
            self.function(&item.sig, &item.block);
            visit::visit_block(self, &item.block);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        if item.sig.constness.is_none() {
            self.function(&item.sig, &item.block);
            visit::visit_block(self, &item.block);
        }
    }

    // What is computed by the compiler cannot be chosen by the environment.
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_pat(&mut self, _: &'ast syn::Pat) {}
    fn visit_type(&mut self, _: &'ast Type) {}
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
    fn visit_expr_repeat(&mut self, _: &'ast syn::ExprRepeat) {}

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.method(call);
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        let sign = bytes(unary.op.span());
        match unary.op {
            UnOp::Not(_) => self.push(Kind::Equality, unary.span(), sign, ""),
            UnOp::Neg(_) if !matches!(*unary.expr, Expr::Lit(_)) => {
                self.push(Kind::Sign, unary.span(), sign, "");
            }
            _ => {}
        }
        visit::visit_expr_unary(self, unary);
    }

    fn visit_expr_lit(&mut self, literal: &'ast syn::ExprLit) {
        if let syn::Lit::Int(number) = &literal.lit
            && let Ok(value) = number.base10_parse::<u64>()
        {
            let other = format!("{}{}", value + 1, number.suffix());
            self.push(Kind::Number, literal.span(), bytes(literal.span()), &other);
        }
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        let has_let = |expr: &Expr| {
            let mut found = HasLet(false);
            found.visit_expr(expr);
            found.0
        };
        let (kind, other) = match binary.op {
            BinOp::Lt(_) => (Kind::Border, "<="),
            BinOp::Le(_) => (Kind::Border, "<"),
            BinOp::Gt(_) => (Kind::Border, ">="),
            BinOp::Ge(_) => (Kind::Border, ">"),
            BinOp::Eq(_) => (Kind::Equality, "!="),
            BinOp::Ne(_) => (Kind::Equality, "=="),
            BinOp::And(_) => (Kind::Connective, "||"),
            BinOp::Or(_) => (Kind::Connective, "&&"),
            BinOp::Add(_) => (Kind::Sign, "-"),
            BinOp::Sub(_) => (Kind::Sign, "+"),
            BinOp::Mul(_) => (Kind::Sign, "/"),
            BinOp::Div(_) => (Kind::Sign, "*"),
            BinOp::AddAssign(_) => (Kind::Sign, "-="),
            BinOp::SubAssign(_) => (Kind::Sign, "+="),
            _ => return visit::visit_expr_binary(self, binary),
        };
        if !(has_let(&binary.left) || has_let(&binary.right)) {
            self.push(kind, binary.span(), bytes(binary.op.span()), other);
        }
        visit::visit_expr_binary(self, binary);
    }
}

struct HasLet(bool);

impl<'ast> Visit<'ast> for HasLet {
    fn visit_expr_let(&mut self, _: &'ast syn::ExprLet) {
        self.0 = true;
    }
}
