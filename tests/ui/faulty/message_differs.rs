//! mistake: this case is wrong itself, and must be reported
//! covers: the suite
//! symptom: no message of stage rustc has
//! stage: rustc
//! expect: cannot find

#[cfg(mistake)]
pub const ONE: u8 = "1";

#[cfg(not(mistake))]
pub const ONE: u8 = 1;
