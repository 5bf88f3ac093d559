//! The mistakes in a struct that rows are read into or written from.

use syn::{Fields, ItemStruct, spanned::Spanned};

use super::{Edit, Mistake, Operator};

/// Each field as another type; of a `row` that a statement gives also as one that cannot be NULL.
///
/// A type that the value converts to without loss is no mistake, and not among them.
pub fn retyped(item: &ItemStruct, text: &str, row: bool) -> Vec<Mistake> {
    let Fields::Named(fields) = &item.fields else {
        return Vec::new();
    };
    let mut mistakes = Vec::new();
    for field in &fields.named {
        let at = field.ty.span().byte_range();
        let name = field
            .ident
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let ty = &text[at.clone()];
        let inner = ty
            .strip_prefix("Option<")
            .and_then(|ty| ty.strip_suffix('>'));
        let Some((operator, other)) = other(inner.unwrap_or(ty)) else {
            continue;
        };
        let mut change = |operator, other: String| {
            mistakes.push(Mistake {
                operator,
                typed: true,
                change: format!("`{name}: {ty}` to `{other}`"),
                edits: vec![Edit::new(at.clone(), other)],
            });
        };
        match inner {
            Some(inner) => {
                change(operator, format!("Option<{other}>"));
                if row {
                    change(Operator::FieldType, inner.to_owned());
                }
            }
            None => change(operator, other.to_owned()),
        }
    }
    mistakes
}

/// A type that a value of this type is not.
fn other(ty: &str) -> Option<(Operator, &'static str)> {
    let other = match ty {
        "Symbol" => "crate::types::Account",
        "String" => "crate::types::Symbol",
        "Decimal" => "crate::types::Price",
        "Conviction" => "crate::types::Price",
        "Price" | "Amount" | "Balance" => "crate::types::Conviction",
        "DateTime<Utc>" | "Timestamp" => "chrono::NaiveDate",
        "NaiveDate" => "chrono::DateTime<chrono::Utc>",
        "WeekId" => "chrono::NaiveDate",
        "bool" => "String",
        "i32" => "i16",
        "i64" => "i32",
        "Weeks" => "i16",
        "PitchId" => "crate::types::ReviewId",
        "ReviewDocument" => {
            return Some((Operator::DocumentType, "crate::documents::PitchDocument"));
        }
        _ if ty.ends_with("Document") => {
            return Some((Operator::DocumentType, "crate::documents::ReviewDocument"));
        }
        _ if ty.ends_with("Id") => "crate::types::PitchId",
        "Account" | "Model" | "PitchLabel" | "EventType" | "ConditionType" | "ConditionValue"
        | "Email" | "UserName" | "Instrument" | "Direction" | "Provider" | "ReportStatus"
        | "Level" | "FetchType" | "FetchStatus" => "crate::types::Symbol",
        _ => return None,
    };
    Some((Operator::FieldType, other))
}
