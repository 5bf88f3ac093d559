//! mistake: this case is wrong itself, and must be reported
//! covers: the suite
//! symptom: no message of stage clippy has
//! stage: clippy
//! expect: mismatched types

#[cfg(mistake)]
pub const ONE: u8 = "1";

#[cfg(not(mistake))]
pub const ONE: u8 = 1;
