//! What is found in a source, what is left alone, and what the switched source does.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use super::{sites::sites, switched};

/// The sites of a source, as a report names them: line, kind, change.
fn found(text: &str) -> Vec<String> {
    let sites = sites(text).unwrap();
    sites
        .iter()
        .map(|site| format!("{}: {} | {}", site.line, site.kind.name(), site.change))
        .collect()
}

/// What the one statement of a function can be mistaken for.
fn changes(statement: &str) -> Vec<String> {
    changes_of(&format!("fn f() {{\n{statement}\n}}"))
}

fn changes_of(text: &str) -> Vec<String> {
    let sites = sites(text).unwrap();
    sites.into_iter().map(|site| site.change).collect()
}

#[test]
fn a_site_says_its_line_its_kind_and_what_it_becomes() {
    let text = "
impl Band {
    fn holds(&self, price: Decimal) -> bool {
        self.low <= price
            && price != self.high
    }
}";
    assert_eq!(
        found(text),
        [
            "3: a rule that takes all, a constant result | `holds` returns `true`",
            "3: a rule that takes all, a constant result | `holds` returns `false`",
            "4: `||` for `&&` | `&&` to `||`",
            "4: move a border | `<=` to `<`",
            "5: `!=` for `==`, or drop a `!` | `!=` to `==`",
        ]
    );
}

#[test]
fn every_kind_of_mistake_is_found() {
    for (statement, expected) in [
        ("a < b;", &["`<` to `<=`"][..]),
        ("a > b;", &["`>` to `>=`"]),
        ("a >= b;", &["`>=` to `>`"]),
        ("a == b;", &["`==` to `!=`"]),
        ("!a;", &["without `!`"]),
        ("a || b;", &["`||` to `&&`"]),
        ("a + b;", &["`+` to `-`"]),
        ("a - b;", &["`-` to `+`"]),
        ("a * b;", &["`*` to `/`"]),
        ("a / b;", &["`/` to `*`"]),
        ("a += b;", &["`+=` to `-=`"]),
        ("a -= b;", &["`-=` to `+=`"]),
        ("-a;", &["without `-`"]),
        ("7_u8;", &["`7_u8` to `8u8`"]),
        (
            "a.round_dp(b);",
            &["`b` to `(b) + 1`", "without `.round_dp(b)`"],
        ),
        ("a.min(b);", &["`min` to `max`"]),
        ("a.checked_add(b);", &["`checked_add` to `checked_sub`"]),
        ("a.abs();", &["without `.abs()`"]),
        ("a.filter(b);", &["without `.filter(b)`"]),
        ("a.is_some_and(b);", &["`is_some_and` to `is_none_or`"]),
        (
            "a.unwrap_or_default();",
            &["`.unwrap_or_default()` to `.map(|_| Default::default()).unwrap_or_default()`"],
        ),
    ] {
        assert_eq!(changes(statement), expected, "{statement}");
    }
    for (of, results) in [
        ("Result<()>", &["Ok(())"][..]),
        ("Result<(), Invalid>", &["Ok(())"]),
        ("Option<Price>", &["None"]),
        ("bool", &["true", "false"]),
        ("Result<Price>", &[]),
        ("Price", &[]),
    ] {
        let found = changes_of(&format!("fn f() -> {of} {{ g() }}"));
        let results: Vec<String> = results
            .iter()
            .map(|r| format!("`f` returns `{r}`"))
            .collect();
        assert_eq!(found, results, "{of}");
    }
}

#[test]
fn tests_comments_texts_and_what_the_compiler_computes_are_left_alone() {
    let text = r#"
//! a < b, and 1 + 1
#![allow(dead_code)]
use a::{b, c};

/// True if `a < b && c == 1`.
#[serde(default = "a == b", rename = "1 + 1")]
const LIMIT: usize = 10 + 1;
static OTHER: i64 = -1 * 2;

struct Row {
    /// 1 + 1
    cells: [u8; 4],
}

impl Row {
    const WIDTH: usize = 2 * 2;
    const fn twice(n: usize) -> usize {
        n * 2
    }
    fn text(&self) -> &str {
        // a <= b || !c
        /* 1 - 1 */
        let [_, 3] = [self.a, self.b] else { return "c > d" };
        match self.cells.len() {
            0 | 1..=2 => "a == b",
            _ => "1 + 1 != 2",
        }
    }
    fn told(&self) -> String {
        format!("{} < {}", self.a + 1, !self.b)
    }
}

mod tests {
    #[test]
    fn t() -> bool {
        1 + 1 == 2
    }
}
"#;
    assert_eq!(found(text), Vec::<String>::new());
    // The same beside them is found.
    let beside = format!("{text}\nfn beside() {{ a < b; }}");
    assert_eq!(found(&beside).len(), 1);
}

#[test]
fn a_function_that_is_its_result_already_is_left_alone() {
    assert_eq!(
        found("fn f() -> Result<()> { Ok(()) }"),
        Vec::<String>::new()
    );
    assert_eq!(
        changes_of("fn f() -> bool { true }"),
        ["`f` returns `false`"]
    );
    assert_eq!(changes_of("fn f() -> bool { !true }").len(), 3);
}

#[test]
fn mistakes_that_are_alike_have_numbers() {
    let text = "fn f() { a < b; c > d; e < g }";
    let alike = ["`<` to `<=`, 1 of 2", "`>` to `>=`", "`<` to `<=`, 2 of 2"];
    assert_eq!(changes_of(text), alike);
}

#[test]
fn a_condition_that_binds_a_name_keeps_its_and() {
    let text = "fn f() { if let Some(a) = b && a < c { g() } }";
    assert_eq!(found(text), ["1: move a border | `<` to `<=`"]);
}

/// A function in which mistakes lie inside of one another, and a program that says what it computes.
const FUNCTION: &str = "
fn fee(shares: i64, limit: Option<i64>) -> Option<i64> {
    let most = limit.unwrap_or(100).min(shares);
    if most > 10 && shares != 50 {
        Some(2 * (most + 1))
    } else {
        limit
    }
}
";
const MAIN: &str = r#"
fn main() {
    for (shares, limit) in [(10, None), (20, Some(15)), (50, None), (60, Some(9)), (200, None)] {
        print!("{:?} ", fee(shares, limit));
    }
}
"#;

/// Compiles a program, and gives what starts it.
fn program(folder: &Path, name: &str, text: &str) -> Command {
    let source = folder.join(format!("{name}.rs"));
    fs::write(&source, text).unwrap();
    let compiler = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let compiled = Command::new(compiler)
        .args(["--edition=2024", "--cap-lints=allow", "-o"])
        .args([&folder.join(name), &source])
        .output()
        .unwrap();
    assert!(compiled.status.success(), "{}", said(&compiled).1);
    Command::new(folder.join(name))
}

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// A folder that ends with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("rust-mutants-{name}-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// Each mistake is what the source would do if it had been written that way.
#[test]
fn the_environment_says_which_mistake_is_made() {
    let folder = Scratch::new("switched");
    let sites = sites(FUNCTION).unwrap();
    let numbered: BTreeMap<usize, _> = sites.iter().enumerate().collect();
    let text = switched::switched(FUNCTION, &numbered) + MAIN + switched::ANSWER;
    let mut switched = program(&folder.0, "switched", &text);
    let right = "None Some(32) None Some(9) Some(202) ";
    assert_eq!(said(&switched.output().unwrap()).0, right);

    let expected = [
        ("`fee` returns `None`", "None None None None None "),
        (
            "`min` to `max`",
            "Some(202) Some(42) None Some(122) Some(402) ",
        ),
        ("`100` to `101`", "None Some(32) None Some(9) Some(204) "),
        (
            "`&&` to `||`",
            "Some(22) Some(32) Some(102) Some(20) Some(202) ",
        ),
        ("`>` to `>=`", "Some(22) Some(32) None Some(9) Some(202) "),
        ("`10` to `11`", "None Some(32) None Some(9) Some(202) "),
        ("`!=` to `==`", "None Some(15) Some(102) Some(9) None "),
        ("`50` to `51`", "None Some(32) Some(102) Some(9) Some(202) "),
        ("`*` to `/`", "None Some(0) None Some(9) Some(0) "),
        ("`2` to `3`", "None Some(48) None Some(9) Some(303) "),
        ("`+` to `-`", "None Some(28) None Some(9) Some(198) "),
        ("`1` to `2`", "None Some(34) None Some(9) Some(204) "),
    ];
    let mut seen = Vec::new();
    for (number, site) in sites.iter().enumerate() {
        let mistaken = switched.env("RUST_MUTANT", number.to_string());
        seen.push((site.change.as_str(), said(&mistaken.output().unwrap()).0));
    }
    let expected = expected.map(|(change, told)| (change, told.to_owned()));
    assert_eq!(seen, expected);
}

#[test]
fn a_first_run_notes_who_came_by_which_mistake() {
    let folder = Scratch::new("recorded");
    let sites = sites(FUNCTION).unwrap();
    let numbered: BTreeMap<usize, _> = sites.iter().enumerate().collect();
    let text = switched::switched(FUNCTION, &numbered)
        + "fn main() {
               let run = |name: &str, shares| {
                   let thread = std::thread::Builder::new().name(name.to_owned());
                   thread.spawn(move || fee(shares, None)).unwrap().join().unwrap();
               };
               run(\"a::few\", 10);
               run(\"a::many\", 200);
           }"
        + switched::ANSWER;
    let record = folder.0.join("record");
    let recorded = program(&folder.0, "recorded", &text)
        .env("RUST_MUTANT_RECORD", &record)
        .output()
        .unwrap();
    assert!(recorded.status.success(), "{}", said(&recorded).1);
    let record = fs::read_to_string(record).unwrap();
    let by = |test: &str| -> Vec<&str> {
        let lines = record.lines().filter_map(|line| line.split_once(' '));
        let numbers = lines.filter(|(_, of)| *of == test).map(|(n, _)| n);
        numbers
            .map(|n| sites[n.parse::<usize>().unwrap()].change.as_str())
            .collect()
    };
    assert!(by("a::few").contains(&"`>` to `>=`"), "{record}");
    assert!(!by("a::few").contains(&"`*` to `/`"), "{record}");
    assert!(by("a::many").contains(&"`*` to `/`"), "{record}");
}

#[test]
fn an_error_is_laid_at_the_door_of_the_mistake_that_makes_it() {
    let text = "fn f() -> bool { a + b < c }";
    let sites = sites(text).unwrap();
    let numbered: BTreeMap<usize, _> = sites.iter().enumerate().collect();
    let switched = switched::switched(text, &numbered);
    for (mistake, change) in [("a - b", "`+` to `-`"), ("a + b <= c", "`<` to `<=`")] {
        let at = switched.find(mistake).unwrap();
        let guilty = switched::guilty(&switched, at).unwrap();
        assert_eq!(sites[guilty].change, change, "{switched}");
    }
}
