//! mistake: a document that breaks its form, written by someone else
//! covers: a document that breaks its form, written around the application
//! symptom: any JSON went into any column
//! stage: test
//! test: schema::tables_refuse_rows_that_contradict_themselves
//! expect: pitch_document_form
