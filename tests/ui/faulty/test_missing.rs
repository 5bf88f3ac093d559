//! mistake: this case is wrong itself, and must be reported
//! covers: the suite
//! symptom: there is no test schema::nobody_wrote_this
//! stage: test
//! test: schema::nobody_wrote_this
//! expect: any message
