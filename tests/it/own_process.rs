//! Tests that measure a process: each runs in one of its own.

use std::{env, fs, process::Command};

/// Runs an ignored test of this binary in a process of its own, with a variable for it, and prints what it says of its memory.
pub fn run(test: &str, variable: &str, value: &str) {
    let run = Command::new(env::current_exe().unwrap())
        .args([test, "--exact", "--ignored", "--nocapture"])
        .env(variable, value)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
    said.lines()
        .filter(|line| line.contains("KiB"))
        .for_each(|line| println!("{line}"));
}

/// The most memory that a process had, in KiB; `None` once it has ended.
pub fn peak(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
