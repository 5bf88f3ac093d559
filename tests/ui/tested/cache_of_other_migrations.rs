//! mistake: a migration edited or added under the committed cache
//! covers: a cache of other migrations
//! symptom: the code and two schemas of the same tables drifted apart
//! stage: test
//! test: cargo-checked-pg check::cache::tests::an_edited_migration_is_noticed
//! expect: migrations.lock is of other migrations
