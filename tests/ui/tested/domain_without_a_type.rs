//! mistake: a new domain, forgotten in `Cargo.toml`
//! covers: a domain without a type
//! symptom: every key was a `str`
//! stage: test
//! test: offline::a_domain_without_a_type_is_told
//! expect: has no Rust type
