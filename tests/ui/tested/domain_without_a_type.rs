//! mistake: a new domain, forgotten in `sqlx.toml`
//! covers: a domain without a type
//! symptom: every key was a `str`
//! stage: test
//! test: schema::every_domain_and_its_array_has_a_rust_type
//! expect: sqlx.toml must name the domains
