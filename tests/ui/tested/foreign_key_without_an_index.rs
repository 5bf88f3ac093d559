//! mistake: a foreign key without an index
//! covers: a foreign key without an index
//! symptom: no foreign keys: reviews of pitches that were gone
//! stage: test
//! test: schema::the_rules_of_the_catalog_hold
//! expect: every foreign key has an index that begins with its columns
