//! mistake: this case is wrong itself, and must be reported
//! covers: the suite
//! symptom: the mistake does not compile, so that nothing else needs to find it
//! stage: test
//! test: schema::numbers_are_finite
//! expect: not allowed by check

#[cfg(mistake)]
pub const ONE: u8 = "1";

#[cfg(not(mistake))]
pub const ONE: u8 = 1;
