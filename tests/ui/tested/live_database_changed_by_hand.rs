//! mistake: a live database that someone changed by hand
//! covers: a live database that someone changed by hand
//! symptom: a missing table or column was read as an empty answer
//! stage: test
//! test: verify::drift::each_change_of_the_schema_is_told
//! test: cli::doctor::findings_are_told_with_what_to_do_and_fail_the_deploy
//! expect: column open is text, was numeric
