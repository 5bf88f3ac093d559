//! Tests that cannot run here, told in a line that nobody overlooks.

use std::{
    env,
    io::{self, Write},
};

/// Says that a test is skipped because something is not installed. With `NO_SKIPS` in the environment, as in the gate, that is a failure.
pub fn skipped(why: &str) {
    assert!(env::var_os("NO_SKIPS").is_none(), "{why}");
    impossible(why);
}

/// Says that a test is skipped because this machine does not have or allow what it needs, which nobody can install.
pub fn impossible(why: &str) {
    // Not by the macro, whose lines a test that passes does not show.
    let line = format!("SKIPPED: {why}\n");
    io::stderr().write_all(line.as_bytes()).unwrap();
}
