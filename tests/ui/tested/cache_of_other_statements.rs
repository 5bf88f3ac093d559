//! mistake: a statement changed under the committed cache
//! covers: a cache of other statements
//! symptom: a statement was checked only when it ran
//! stage: test
//! test: cargo-checked-pg check::cache::tests::an_edited_statement_is_noticed
//! expect: statements.lock is of other statements
