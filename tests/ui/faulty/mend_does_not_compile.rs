//! mistake: this case is wrong itself, and must be reported
//! covers: the suite
//! symptom: the mend does not compile
//! stage: rustc
//! expect: mismatched types

#[cfg(mistake)]
pub const ONE: u8 = "1";

#[cfg(not(mistake))]
pub const ONE: u8 = "1";
