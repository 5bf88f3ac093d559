//! Functions and operators of PostgreSQL's own that return no NULL. What is not here may.

use crate::inspect::catalog::{Catalog, Function, Operator};

/// No NULL whatever their arguments are.
const NEVER: &[&str] = &[
    "concat",
    "num_nulls",
    "num_nonnulls",
    "pg_typeof",
    "quote_nullable",
    "jsonb_build_object",
    "jsonb_build_array",
    "json_build_object",
    "json_build_array",
    "now",
    "transaction_timestamp",
    "statement_timestamp",
    "clock_timestamp",
    "timeofday",
    "random",
    "gen_random_uuid",
    "uuidv4",
    "uuidv7",
    "pi",
    "version",
    "current_database",
    "pg_backend_pid",
    "pg_is_in_recovery",
    "pg_postmaster_start_time",
    "txid_current",
    "pg_current_xact_id",
    "count",
];

/// No NULL if none of their arguments is.
const UNLESS_GIVEN_ONE: &[&str] = &[
    // Text
    "lower",
    "upper",
    "initcap",
    "length",
    "char_length",
    "character_length",
    "octet_length",
    "bit_length",
    "btrim",
    "ltrim",
    "rtrim",
    "lpad",
    "rpad",
    "left",
    "right",
    "substr",
    "replace",
    "translate",
    "repeat",
    "reverse",
    "split_part",
    "strpos",
    "position",
    "starts_with",
    "ascii",
    "chr",
    "md5",
    "encode",
    "decode",
    "quote_ident",
    "quote_literal",
    "format",
    "overlay",
    "textlen",
    "textcat",
    "to_hex",
    "regexp_replace",
    "convert_from",
    "convert_to",
    "normalize",
    "sha256",
    "concat_ws",
    "regexp_like",
    "regexp_count",
    "hashtext",
    // Numbers
    "abs",
    "ceil",
    "ceiling",
    "floor",
    "round",
    "trunc",
    "sign",
    "mod",
    "div",
    "power",
    "pow",
    "sqrt",
    "cbrt",
    "exp",
    "ln",
    "log",
    "log10",
    "degrees",
    "radians",
    "gcd",
    "lcm",
    "factorial",
    "trim_scale",
    "width_bucket",
    // Times
    "date_trunc",
    "make_date",
    "make_time",
    "make_timestamp",
    "make_timestamptz",
    "make_interval",
    "timezone",
    "to_timestamp",
    "justify_days",
    "justify_hours",
    "justify_interval",
    "isfinite",
    "age",
    // Arrays and documents
    "cardinality",
    "array_append",
    "array_prepend",
    "array_cat",
    "array_remove",
    "array_replace",
    "array_to_string",
    "jsonb_typeof",
    "json_typeof",
    "jsonb_array_length",
    "json_array_length",
    "to_json",
    "to_jsonb",
    "array_to_json",
    "row_to_json",
    "jsonb_strip_nulls",
    "json_strip_nulls",
    "jsonb_pretty",
    "jsonb_set",
    "string_to_array",
    "regexp_split_to_array",
    "array_positions",
    "array_fill",
    // Sequences, locks, settings
    "nextval",
    "currval",
    "setval",
    "pg_try_advisory_lock",
    "pg_try_advisory_lock_shared",
    "pg_try_advisory_xact_lock",
    "pg_try_advisory_xact_lock_shared",
    "pg_advisory_unlock",
    "pg_advisory_unlock_shared",
    "pg_get_userbyid",
    "pg_column_size",
    "current_setting",
    "set_config",
];

/// Functions of those names that do return NULL, by their number of arguments.
const BUT: &[(&str, usize)] = &[
    // A missing setting.
    ("current_setting", 2),
];

/// Elements of what they return are no NULL.
const ROWS: &[&str] = &[
    "generate_series",
    "generate_subscripts",
    "regexp_split_to_table",
    "jsonb_object_keys",
    "json_object_keys",
    "jsonb_array_elements",
    "json_array_elements",
];

/// No NULL over one row or more, if the argument is none in one of them.
const AGGREGATES: &[&str] = &[
    "min",
    "max",
    "sum",
    "avg",
    "bool_and",
    "bool_or",
    "every",
    "bit_and",
    "bit_or",
    "bit_xor",
    "string_agg",
    "any_value",
    "stddev_pop",
    "var_pop",
];

/// No NULL over one row or more.
const COLLECTIONS: &[&str] = &[
    "array_agg",
    "json_agg",
    "jsonb_agg",
    "json_object_agg",
    "jsonb_object_agg",
];

/// Numbers of a window's rows.
const RANKS: &[&str] = &[
    "row_number",
    "rank",
    "dense_rank",
    "percent_rank",
    "cume_dist",
];

/// Operators on numbers, times and texts.
const ARITHMETIC: &[&str] = &[
    "+", "-", "*", "/", "%", "^", "||", "|/", "||/", "@", "&", "|", "~", "<<", ">>",
];

/// Operators that say yes or no.
const TESTS: &[&str] = &[
    "~~", "!~~", "~~*", "!~~*", "~", "!~", "~*", "!~*", "^@", "@>", "<@", "&&", "?", "?|", "?&",
];

/// `anyrange` and its kin.
const RANGES: &[u32] = &[3831, 4537, 4538, 5080];
const JSON: u32 = 114;
const JSONB: u32 = 3802;
/// Documents, and shapes that need not meet.
const MAYBE: &[u32] = &[JSON, JSONB, 600, 601, 602, 603, 604, 628, 718];

fn is(function: &Function, list: &[&str]) -> bool {
    function.builtin && list.contains(&function.name.as_str())
}

pub fn never_null(function: &Function) -> bool {
    is(function, NEVER)
}

pub fn keeps(function: &Function, arguments: usize) -> bool {
    let but = BUT
        .iter()
        .any(|(name, count)| *name == function.name && *count == arguments);
    // An end of a range that has none is NULL.
    let of_ranges = function.arguments.iter().any(|oid| RANGES.contains(oid));
    is(function, UNLESS_GIVEN_ONE) && !but && !of_ranges
}

/// A cast between plain types; one from a document may find its `null`.
pub fn keeps_cast(function: &Function) -> bool {
    let from = function.arguments.first().copied().unwrap_or_default();
    function.builtin && ![JSON, JSONB].contains(&from)
}

pub fn rows_are_not_null(function: &Function) -> bool {
    is(function, ROWS)
}

pub fn counts(function: &Function) -> bool {
    is(function, &["count", "regr_count"])
}

pub fn aggregate_keeps(function: &Function) -> bool {
    is(function, AGGREGATES)
}

pub fn collects(function: &Function) -> bool {
    is(function, COLLECTIONS)
}

pub fn ranks(function: &Function) -> bool {
    is(function, RANKS)
}

/// Of a row of the window that may be missing, unless a default is given.
pub fn looks_around(function: &Function) -> bool {
    is(function, &["lag", "lead"])
}

pub fn looks_at_an_end(function: &Function) -> bool {
    is(function, &["first_value", "last_value"])
}

pub fn tiles(function: &Function) -> bool {
    is(function, &["ntile"])
}

pub fn operator_keeps(catalog: &Catalog, operator: &Operator) -> bool {
    let Some(function) = catalog.function(operator.function) else {
        return false;
    };
    let name = operator.name.as_str();
    let plain = |oid: &u32| !MAYBE.contains(oid);
    function.builtin
        && (operator.compares
            || TESTS.contains(&name)
            || (ARITHMETIC.contains(&name) && function.arguments.iter().all(plain)))
}
