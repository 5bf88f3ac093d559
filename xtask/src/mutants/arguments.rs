//! The mistakes in a statement's arguments: swapped, or of another type.

use super::{Edit, Mistake, Operator};

/// Domains that only guard the range of a number: in Rust their values are of the base type, as `sqlx.toml` says.
const PLAIN: [&str; 6] = [
    "usd",
    "volume",
    "log_return",
    "correlation",
    "ratio",
    "share",
];

/// A parameter's type, as the query cache describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// The domain, if it has a type in Rust; else the base type.
    pub name: String,
    /// The type under a domain, in lower case; else the type itself.
    pub base: String,
    pub array: bool,
}

impl Param {
    pub fn of(description: &serde_json::Value) -> Option<Self> {
        if let Some(name) = description.as_str() {
            let name = name.to_lowercase();
            let element = name.strip_suffix("array");
            let base = element.unwrap_or(&name).to_owned();
            return Some(Self {
                array: element.is_some(),
                name: base.clone(),
                base,
            });
        }
        let custom = &description["Custom"];
        if let Some(element) = custom["kind"].get("Array") {
            return Some(Self {
                array: true,
                ..Self::of(element)?
            });
        }
        let name = custom["name"].as_str()?;
        let base = custom["kind"]["Domain"].as_str()?.to_lowercase();
        let plain = PLAIN.contains(&name);
        Some(Self {
            name: if plain { base.clone() } else { name.to_owned() },
            base,
            array: false,
        })
    }

    pub fn shown(&self) -> String {
        format!("{}{}", self.name, if self.array { "[]" } else { "" })
    }
}

/// Each two neighbours, and each two of one type.
pub fn swapped(texts: &[&str], args: &[std::ops::Range<usize>], params: &[Param]) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for i in 0..args.len() {
        for j in i + 1..args.len() {
            let alike = params[i] == params[j];
            if texts[i] == texts[j] || !(alike || j == i + 1) {
                continue;
            }
            mistakes.push(Mistake {
                operator: Operator::SwapArguments,
                typed: !alike,
                change: format!("`{}` with `{}`", texts[i], texts[j]),
                edits: vec![
                    Edit::new(args[i].clone(), texts[j]),
                    Edit::new(args[j].clone(), texts[i]),
                ],
            });
        }
    }
    mistakes
}

/// Each argument as a value of two other types: one that is close, and one that has lost its meaning.
pub fn retyped(texts: &[&str], args: &[std::ops::Range<usize>], params: &[Param]) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for ((text, at), param) in texts.iter().zip(args).zip(params) {
        for ty in others(param) {
            let value = match param.array {
                true => format!("&crate::wrong::<Vec<{ty}>>()[..]"),
                false => format!("crate::wrong::<{ty}>()"),
            };
            let document = param.name.ends_with("_document");
            mistakes.push(Mistake {
                operator: match document {
                    true => Operator::DocumentType,
                    false => Operator::ArgumentType,
                },
                typed: true,
                change: format!("`{text}` to a `{ty}`"),
                edits: vec![Edit::new(at.clone(), value)],
            });
        }
    }
    mistakes
}

/// Types that a value of this type is not.
fn others(param: &Param) -> [&'static str; 2] {
    const NEWTYPES: [&str; 4] = ["price", "amount", "balance", "conviction"];
    match (param.base.as_str(), param.name.as_str()) {
        ("text", "text") => ["i32", "crate::types::Symbol"],
        ("text", "symbol") => ["crate::types::Account", "String"],
        ("text", _) => ["crate::types::Symbol", "String"],
        ("uuid", "pitch_id") => ["crate::types::ReviewId", "uuid::Uuid"],
        ("uuid", _) => ["crate::types::PitchId", "uuid::Uuid"],
        ("date", "date") => ["crate::types::WeekId", "chrono::DateTime<chrono::Utc>"],
        ("date", _) => ["chrono::NaiveDate", "chrono::DateTime<chrono::Utc>"],
        ("timestamptz", _) => ["chrono::NaiveDateTime", "chrono::NaiveDate"],
        ("numeric", "conviction") => ["crate::types::Price", "rust_decimal::Decimal"],
        ("numeric", name) if NEWTYPES.contains(&name) => {
            ["crate::types::Conviction", "rust_decimal::Decimal"]
        }
        ("numeric", _) => ["crate::types::Price", "f64"],
        ("int4", "int4") => ["i64", "crate::types::Weeks"],
        ("int4", _) => ["i32", "i64"],
        ("jsonb", "review_document") => ["crate::documents::PitchDocument", "serde_json::Value"],
        ("jsonb", _) => ["crate::documents::ReviewDocument", "serde_json::Value"],
        _ => ["i32", "String"],
    }
}
