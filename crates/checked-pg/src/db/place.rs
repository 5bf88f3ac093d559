//! Where in the user's code we are, for an error that is a mistake in that code.

use std::backtrace::Backtrace;

/// ` at src/file.rs:12`, or nothing if the program has no line numbers.
///
/// sqlx's traits do not pass the caller's place on, so it is looked up among the calls under way: the first one that belongs neither
/// to us nor to what we are built on.
pub(super) fn of_caller() -> String {
    let trace = Backtrace::force_capture().to_string();
    first_foreign(&trace).map_or(String::new(), |place| format!(" at {place}"))
}

/// Each call is two lines: `12: name` and `at file:line:column`. The names of inlined calls lack their path, so files are compared.
fn first_foreign(trace: &str) -> Option<&str> {
    let folder = env!("CARGO_MANIFEST_DIR");
    let folder = folder.rsplit('/').next().unwrap_or(folder);
    let ours = format!("{folder}/src/");
    let foreign = |place: &&str| {
        let below = ["/rustc/", "/registry/src/", "/toolchains/"];
        !place.contains(&ours) && !below.iter().any(|below| place.contains(below))
    };
    let places = trace
        .lines()
        .filter_map(|line| line.trim().strip_prefix("at "));
    places.filter(foreign).map(without_column).next()
}

fn without_column(place: &str) -> &str {
    match place.rsplit_once(':') {
        Some((place, column)) if column.bytes().all(|byte| byte.is_ascii_digit()) => place,
        _ => place,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_calls_are_passed_over() {
        let ours = format!("{}/src/db/executor.rs:164:71", env!("CARGO_MANIFEST_DIR"));
        let trace = format!(
            "   0: std::backtrace::Backtrace::force_capture
             at /rustc/1/library/std/src/backtrace.rs:312:9
   1: {{closure#0}}
             at {ours}
   2: <checked_pg::db::Db as sqlx_core::executor::Executor>::fetch_many
   3: poll
             at /home/me/.cargo/registry/src/index/sqlx-core-0.9.0/src/query.rs:20:5
   4: desk::orders::close::{{closure}}
             at ./src/orders.rs:77:14
   5: desk::main
             at ./src/main.rs:5:1"
        );
        assert_eq!(first_foreign(&trace), Some("./src/orders.rs:77"));
        assert_eq!(first_foreign("   0: <unknown>\n   1: std::x\n"), None);
    }
}
