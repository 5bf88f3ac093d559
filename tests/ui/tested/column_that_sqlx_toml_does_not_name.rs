//! mistake: a new column of a domain, forgotten in `sqlx.toml`
//! covers: a column of a domain that `sqlx.toml` does not name
//! symptom: every key was a `str`
//! stage: test
//! test: schema::every_column_of_a_domain_has_the_rust_type_of_the_domain
//! expect: sqlx.toml must name the columns of domains
