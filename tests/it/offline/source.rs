//! Finds the calls of sqlx's query macros in Rust sources.

use std::{
    fs,
    path::{Path, PathBuf},
};

use syn::{
    Expr, ExprLit, Lit, Macro, Token, parse::Parser, punctuated::Punctuated, spanned::Spanned,
    visit::Visit,
};

/// One call of a query macro.
pub struct Call {
    /// File, relative to the crate.
    pub file: PathBuf,
    /// Line of the macro's name.
    pub line: usize,
    /// Name of the macro, such as `query_as`.
    pub name: String,
    /// The statement; empty for the `_file` macros.
    pub sql: String,
    /// The arguments.
    pub args: Vec<Expr>,
}

/// All calls below a folder of the crate.
pub fn calls_below(folder: &str) -> Vec<Call> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    rust_files(&root.join(folder), &mut files);
    assert!(!files.is_empty(), "no sources below {folder}");
    files
        .iter()
        .flat_map(|file| {
            let text = fs::read_to_string(file).unwrap();
            calls_in(file.strip_prefix(root).unwrap(), &text)
        })
        .collect()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push(path);
        }
    }
    found.sort();
}

/// The calls in one source text.
pub fn calls_in(file: &Path, text: &str) -> Vec<Call> {
    let parsed = syn::parse_file(text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let mut finder = Finder {
        file,
        calls: Vec::new(),
    };
    finder.visit_file(&parsed);
    finder.calls
}

struct Finder<'a> {
    file: &'a Path,
    calls: Vec<Call>,
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_macro(&mut self, call: &'ast Macro) {
        let name = call.path.segments.last().unwrap().ident.to_string();
        let is_query = name == "query" || name.starts_with("query_");
        if !is_query {
            return;
        }
        let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
        let line = call.path.span().start().line;
        let parts = parser
            .parse2(call.tokens.clone())
            .unwrap_or_else(|e| panic!("{}:{line}: {e}", self.file.display()));
        let mut parts = parts.into_iter();
        if name.contains("_as") {
            parts.next();
        }
        let sql = match parts.next() {
            Some(Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            })) => text.value(),
            _ => panic!(
                "{}:{line}: the statement is not a string literal",
                self.file.display()
            ),
        };
        self.calls.push(Call {
            file: self.file.to_owned(),
            line,
            sql: if name.contains("_file") {
                String::new()
            } else {
                sql
            },
            name,
            args: parts.collect(),
        });
    }
}

#[test]
fn finds_every_form_of_a_call() {
    let source = r##"
        fn f() {
            let a = sqlx::query!("SELECT 1 AS one");
            let b = query_as!(Row, r#"SELECT $1"#, x as _,);
        }
        mod inner { async fn g() { sqlx::query_scalar!("SELECT 2", 1).fetch_one(db).await?; } }
    "##;
    let calls = calls_in(Path::new("f.rs"), source);
    let seen: Vec<_> = calls
        .iter()
        .map(|c| (c.line, c.name.as_str(), c.sql.as_str(), c.args.len()))
        .collect();
    assert_eq!(
        seen,
        [
            (3, "query", "SELECT 1 AS one", 0),
            (4, "query_as", "SELECT $1", 1),
            (6, "query_scalar", "SELECT 2", 1)
        ]
    );
}

/// A call within another macro's input would not be seen; this makes sure that there is none.
#[test]
fn no_call_hides_in_another_macro() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    rust_files(&root.join("src"), &mut files);
    for file in files {
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
