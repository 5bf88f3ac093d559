//! mistake: this case is wrong itself, and must be reported
//! covers: the suite
//! symptom: no test of it has
//! stage: test
//! test: schema::numbers_are_finite
//! expect: every table has a comment, but not so
