//! mistake: a new column of a domain, forgotten in `sqlx.toml`
//! covers: a column of a domain that `sqlx.toml` does not name
//! symptom: every key was a `str`
//! stage: test
//! test: offline::a_column_of_a_domain_that_sqlx_toml_does_not_name_is_told
//! expect: sqlx.toml is of other types and columns
