//! mistake: this case is wrong itself, and must be reported
//! covers: the suite
//! symptom: soak_a_million_bars_take_less_than_200_mib is ignored
//! stage: test
//! test: import::soak_a_million_bars_take_less_than_200_mib
//! expect: any message
