//! mistake: a stored document that no longer fits its type
//! covers: a stored document that no longer fits when it is read
//! symptom: a KeyError later, or a missing value
//! stage: test
//! test: documents::rules::a_row_that_does_not_fit_is_an_error_without_its_values
//! expect: Error::Decode
//! expect: pitch_document.week_id
