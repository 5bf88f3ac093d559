//! The calls of sqlx's query macros, as `just prepare` finds them.

use std::{fs, path::Path};

#[path = "../../../xtask/src/source.rs"]
#[allow(dead_code, reason = "the tasks read more of a call than the tests do")]
pub mod finder;

pub use finder::Call;
use finder::rust_files;

/// All calls below a folder of the crate.
pub fn calls_below(folder: &str) -> Vec<Call> {
    finder::calls_below(Path::new(env!("CARGO_MANIFEST_DIR")), folder).unwrap()
}

/// The calls in one source text.
pub fn calls_in(file: &Path, text: &str) -> Vec<Call> {
    finder::calls_in(file, text).unwrap()
}

#[test]
fn finds_every_form_of_a_call() {
    let source = r##"
        fn f() {
            let a = sqlx::query!("SELECT 1 AS one");
            let b = query_as!(Row, r#"SELECT $1"#, x as _,);
        }
        mod inner { async fn g() { sqlx::query_scalar!("SELECT 2", 1).fetch_one(db).await?; } }
        impl<T> Desk<T> { fn h() { query!("SELECT 3"); } }
    "##;
    let calls = calls_in(Path::new("src/repo/mod.rs"), source);
    let seen: Vec<_> = calls
        .iter()
        .map(|c| {
            let (name, place, sql) = (c.name.as_str(), c.place.as_str(), c.sql.as_str());
            (c.line, name, place, sql, c.args.len())
        })
        .collect();
    assert_eq!(
        seen,
        [
            (3, "query", "repo::f", "SELECT 1 AS one", 0),
            (4, "query_as", "repo::f", "SELECT $1", 1),
            (6, "query_scalar", "repo::inner::g", "SELECT 2", 1),
            (7, "query", "repo::Desk::h", "SELECT 3", 0)
        ]
    );
}

/// A call within another macro's input would not be seen; this makes sure that there is none.
#[test]
fn no_call_hides_in_another_macro() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in rust_files(&root.join("src")).unwrap() {
        let text = fs::read_to_string(&file).unwrap();
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let mentioned: usize = code.map(macro_calls).sum();
        let seen = calls_in(&file, &text).len();
        assert_eq!(
            mentioned,
            seen,
            "{}: calls mentioned and calls seen",
            file.display()
        );
    }
}

/// How many query macros a line of code calls, by their text.
fn macro_calls(line: &str) -> usize {
    let calls = |rest: &&str| {
        let name = rest.trim_start_matches(|c: char| c.is_ascii_lowercase() || c == '_');
        name.starts_with('!')
    };
    line.split("sqlx::query").skip(1).filter(calls).count()
}
