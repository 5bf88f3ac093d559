//! mistake: a document that breaks its form, written by someone else
//! covers: a malformed document written by another program
//! symptom: any JSON went into any column
//! stage: test
//! test: schema::tables_refuse_rows_that_contradict_themselves
//! expect: pitch_document_form
