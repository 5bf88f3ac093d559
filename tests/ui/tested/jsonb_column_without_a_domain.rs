//! mistake: a new JSONB column without a document domain
//! covers: a JSONB column without a document domain
//! symptom: any JSON
//! stage: test
//! test: schema::the_rules_of_the_catalog_hold
//! expect: every JSON column is of a document domain
