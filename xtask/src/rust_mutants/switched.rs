//! A source with its mistakes in it, each behind a question.

use std::{collections::BTreeMap, ops::Range};

use syn::{
    Expr, ExprIf,
    spanned::Spanned,
    visit::{self, Visit},
};

use super::sites::{Site, To};

/// What is asked before a mistake.
const ASK: &str = "crate::__mistaken";
/// Who answers; a first run records which test asks for which.
pub const ANSWER: &str = "
#[doc(hidden)]
pub fn __mistaken(number: usize) -> bool {
    use std::{collections::HashSet, io::Write as _, sync::{Mutex, OnceLock}};
    static ASKED: OnceLock<Option<usize>> = OnceLock::new();
    static RECORD: OnceLock<Option<Mutex<(HashSet<(usize, String)>, std::fs::File)>>> = OnceLock::new();
    let record = RECORD.get_or_init(|| {
        let path = std::env::var_os(\"RUST_MUTANT_RECORD\")?;
        let file = std::fs::File::options().append(true).create(true).open(path).ok()?;
        Some(Mutex::new((HashSet::new(), file)))
    });
    if let Some(record) = record {
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        let (seen, file) = &mut *record.lock().unwrap();
        if seen.insert((number, test.clone())) {
            writeln!(file, \"{number} {test}\").unwrap();
        }
        return false;
    }
    *ASKED.get_or_init(|| std::env::var(\"RUST_MUTANT\").ok()?.parse().ok()) == Some(number)
}
";

/// The source, with the sites by number. A mistake has the text of the original, since only one is made at a time.
pub fn switched(text: &str, sites: &BTreeMap<usize, &Site>) -> String {
    let mut by_place: BTreeMap<(usize, std::cmp::Reverse<usize>), Vec<usize>> = BTreeMap::new();
    for (number, site) in sites {
        let key = (site.at.start, std::cmp::Reverse(site.at.end));
        by_place.entry(key).or_default().push(*number);
    }
    let places = by_place
        .into_iter()
        .map(|((start, end), numbers)| (start..end.0, numbers))
        .collect();
    let writer = Writer {
        text,
        sites,
        places,
    };
    writer.text_of(0..text.len(), 0)
}

struct Writer<'a> {
    text: &'a str,
    sites: &'a BTreeMap<usize, &'a Site>,
    /// In order; an outer one before those in it.
    places: Vec<(Range<usize>, Vec<usize>)>,
}

impl Writer<'_> {
    /// The text of a range with the places in it that come after some of them.
    fn text_of(&self, range: Range<usize>, after: usize) -> String {
        let mut out = String::new();
        let mut at = range.start;
        let mut next = after;
        while let Some((place, numbers)) = self.places.get(next) {
            if place.start >= range.end {
                break;
            }
            if place.start < at || place.end > range.end {
                next += 1;
                continue;
            }
            out += &self.text[at..place.start];
            out += &self.place(place, numbers, next);
            at = place.end;
            next += 1;
        }
        out + &self.text[at..range.end]
    }

    fn place(&self, place: &Range<usize>, numbers: &[usize], index: usize) -> String {
        let mut out = String::new();
        for number in numbers {
            let other = match &self.sites[number].to {
                To::Return(value) => {
                    out += &format!(" if {ASK}({number}) {{ return {value}; }}");
                    continue;
                }
                To::With(part, other) => format!(
                    "{}{other}{}",
                    &self.text[place.start..part.start],
                    &self.text[part.end..place.end]
                ),
            };
            out += &format!("if {ASK}({number}) {{ {other} }} else ");
        }
        match place.is_empty() {
            true => out,
            false => format!("({out}{{ {} }})", self.text_of(place.clone(), index + 1)),
        }
    }
}

/// The mistake that an error at a byte of a switched source is about.
pub fn guilty(switched: &str, at: usize) -> Option<usize> {
    let file = syn::parse_file(switched).ok()?;
    let mut finder = Finder { at, found: None };
    finder.visit_file(&file);
    finder.found.map(|(_, number)| number)
}

struct Finder {
    at: usize,
    /// The length of the text that has it, and its number.
    found: Option<(usize, usize)>,
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_expr_if(&mut self, choice: &'ast ExprIf) {
        let range = choice.span().byte_range();
        if let Some(number) = asked(&choice.cond)
            && range.contains(&self.at)
        {
            let then = choice.then_branch.span().byte_range();
            // In the mistake itself: no other is nearer.
            let size = if then.contains(&self.at) {
                0
            } else {
                range.len()
            };
            if self.found.is_none_or(|(smallest, _)| size <= smallest) {
                self.found = Some((size, number));
            }
        }
        visit::visit_expr_if(self, choice);
    }
}

fn asked(condition: &Expr) -> Option<usize> {
    let Expr::Call(call) = condition else {
        return None;
    };
    let Expr::Path(path) = &*call.func else {
        return None;
    };
    (path.path.segments.last()?.ident == "__mistaken").then_some(())?;
    match call.args.first()? {
        Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Int(number),
            ..
        }) => number.base10_parse().ok(),
        _ => None,
    }
}
