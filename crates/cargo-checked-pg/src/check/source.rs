//! Finds the calls of sqlx's query macros in Rust sources.

use std::{
    collections::BTreeSet,
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use syn::{
    BinOp, Expr, ExprLit, ImplItemFn, ItemFn, ItemImpl, ItemMod, Lit, LitStr, Macro, Token, Type,
    parse::Parser, punctuated::Punctuated, spanned::Spanned, visit::Visit,
};

/// One call of a query macro.
pub struct Call {
    /// File, relative to the crate.
    pub file: PathBuf,
    /// Line of the macro's name.
    pub line: usize,
    /// Module and function it is in, such as `repo::bars::latest`.
    pub place: String,
    /// Name of the macro, such as `query_as`.
    pub name: String,
    /// The statement; for the `_file` macros the content of the file, or nothing where it was not looked for.
    pub sql: String,
    /// The file that a `_file` macro names, relative to the crate.
    pub sql_file: Option<String>,
    /// Its literal in the source, quotes included, in bytes.
    pub literal: Range<usize>,
    /// The arguments.
    pub args: Vec<Expr>,
    /// One of the statements that a `conditional_query_as!` chooses from. Its parameters are numbered already, and `literal` is
    /// where the fixed part of the statement stands.
    pub variant: bool,
}

/// All calls below a folder of the crate.
pub fn calls_below(root: &Path, folder: &str) -> Result<Vec<Call>> {
    let files = rust_files(&root.join(folder))?;
    ensure!(!files.is_empty(), "no sources below {folder}");
    let mut calls = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file)?;
        for mut call in calls_in(file.strip_prefix(root)?, &text)? {
            if let Some(named) = &call.sql_file {
                let place = || format!("{}:{}: {named}", call.file.display(), call.line);
                call.sql = fs::read_to_string(root.join(named)).with_context(place)?;
            }
            calls.push(call);
        }
    }
    Ok(calls)
}

/// What marks a folder that a build made, such as `target`.
const MADE_BY_A_BUILD: &str = "CACHEDIR.TAG";

/// The Rust files below a folder, in order, without those that a build made.
pub fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if folder.join(MADE_BY_A_BUILD).exists() {
        return Ok(found);
    }
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The calls in one source text.
pub fn calls_in(file: &Path, text: &str) -> Result<Vec<Call>> {
    let parsed = syn::parse_file(text).map_err(|e| anyhow!("{}: {e}", file.display()))?;
    let mut finder = Finder {
        file,
        place: modules(file),
        calls: Ok(Vec::new()),
    };
    finder.visit_file(&parsed);
    finder.calls
}

/// The modules a file stands for: `src/repo/bars.rs` is `repo::bars`.
fn modules(file: &Path) -> Vec<String> {
    let parts = file.with_extension("");
    let names = parts.iter().map(|part| part.to_string_lossy().into_owned());
    names
        .filter(|name| !["src", "lib", "main", "mod"].contains(&name.as_str()))
        .collect()
}

struct Finder<'a> {
    file: &'a Path,
    place: Vec<String>,
    calls: Result<Vec<Call>>,
}

impl Finder<'_> {
    fn within(&mut self, name: String, visit: impl FnOnce(&mut Self)) {
        self.place.push(name);
        visit(self);
        self.place.pop();
    }

    /// None for a macro that is no query.
    fn calls(&self, call: &Macro) -> Result<Vec<Call>> {
        let name = call.path.segments.last().map(|last| last.ident.to_string());
        match name {
            Some(name) if name.starts_with("conditional_query_as") => self.variants(call, &name),
            Some(name) if name == "query" || name.starts_with("query_") => {
                Ok(vec![self.call(call, name)?])
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The statements that a `conditional_query_as!` chooses from, expanded as the compiler expands them.
    fn variants(&self, call: &Macro, name: &str) -> Result<Vec<Call>> {
        let line = call.path.span().start().line;
        let place =
            |error: &dyn std::fmt::Display| anyhow!("{}:{line}: {error}", self.file.display());
        let checked = !name.ends_with("_unchecked");
        let database = sqlx_conditional_queries_core::DatabaseType::PostgreSql;
        let expanded = sqlx_conditional_queries_core::conditional_query_as(
            database,
            call.tokens.clone(),
            checked,
        )
        .map_err(|error| place(&error))?;
        let expanded: Expr = syn::parse2(expanded).map_err(|error| place(&error))?;
        let mut finder = Finder {
            file: self.file,
            place: self.place.clone(),
            calls: Ok(Vec::new()),
        };
        finder.visit_expr(&expanded);
        let mut calls = finder.calls?;
        for call in &mut calls {
            (call.line, call.variant) = (line, true);
        }
        Ok(calls)
    }

    fn call(&self, call: &Macro, name: String) -> Result<Call> {
        let line = call.path.span().start().line;
        let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
        let parts = parser.parse2(call.tokens.clone());
        let parts = parts.map_err(|e| anyhow!("{}:{line}: {e}", self.file.display()))?;
        let mut parts = parts.into_iter().skip(name.contains("_as").into());
        let mut literals = Vec::new();
        if !parts.next().is_some_and(|sql| joined(&sql, &mut literals)) {
            bail!(
                "{}:{line}: the statement is not a string literal",
                self.file.display()
            );
        }
        let in_file = name.contains("_file");
        Ok(Call {
            file: self.file.to_owned(),
            line,
            place: self.place.join("::"),
            sql: match in_file {
                true => String::new(),
                false => literals.iter().map(LitStr::value).collect(),
            },
            sql_file: in_file.then(|| literals.iter().map(LitStr::value).collect()),
            literal: literals[0].span().byte_range(),
            name,
            args: parts.collect(),
            variant: false,
        })
    }
}

/// Collects the literals of `"…" + "…"`; whether there is nothing else.
fn joined(sql: &Expr, literals: &mut Vec<LitStr>) -> bool {
    match sql {
        Expr::Lit(ExprLit {
            lit: Lit::Str(literal),
            ..
        }) => {
            literals.push(literal.clone());
            true
        }
        Expr::Binary(sum) if matches!(sum.op, BinOp::Add(_)) => {
            joined(&sum.left, literals) && joined(&sum.right, literals)
        }
        _ => false,
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.within(item.ident.to_string(), |finder| {
            syn::visit::visit_item_mod(finder, item);
        });
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.within(item.sig.ident.to_string(), |finder| {
            syn::visit::visit_item_fn(finder, item);
        });
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let of = match &*item.self_ty {
            Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        self.within(of.unwrap_or_else(|| "impl".to_owned()), |finder| {
            syn::visit::visit_item_impl(finder, item);
        });
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.within(item.sig.ident.to_string(), |finder| {
            syn::visit::visit_impl_item_fn(finder, item);
        });
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        let found = self.calls(call);
        if let Ok(calls) = &mut self.calls {
            match found {
                Ok(call) => calls.extend(call),
                Err(error) => self.calls = Err(error),
            }
        }
    }
}

/// Files in which a call stands inside of another macro's input, where nothing here would see it, a line each.
pub fn hidden_calls(root: &Path, folder: &str) -> Result<Vec<String>> {
    let mut hidden = Vec::new();
    for file in rust_files(&root.join(folder))? {
        let text = fs::read_to_string(&file)?;
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let mentioned: usize = code.map(macro_calls).sum();
        let file = file.strip_prefix(root)?;
        // The variants of one macro begin at its line.
        let seen = calls_in(file, &text)?;
        let varied: BTreeSet<usize> = seen.iter().filter(|c| c.variant).map(|c| c.line).collect();
        let seen = varied.len() + seen.iter().filter(|call| !call.variant).count();
        if mentioned > seen {
            hidden.push(format!(
                "{}: {mentioned} calls of query macros, of which only {seen} stand outside of other macros; move them out",
                file.display()
            ));
        }
    }
    Ok(hidden)
}

/// Places where the code uses what sqlx's macros alone may, and clippy cannot ban since the macros do, a line each.
pub fn backstage(root: &Path, folder: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for file in rust_files(&root.join(folder))? {
        let text = fs::read_to_string(&file)?;
        let parsed = syn::parse_file(&text).map_err(|e| anyhow!("{}: {e}", file.display()))?;
        let mut finder = Backstage(Vec::new());
        finder.visit_file(&parsed);
        let file = file.strip_prefix(root)?;
        found.extend(finder.0.into_iter().map(|(line, name)| {
            format!(
                "{}:{line}: `{name}` is for sqlx's macros alone, and checks nothing; use `sqlx::query!`",
                file.display()
            )
        }));
    }
    Ok(found)
}

/// The lines and names of what begins with two underscores, in paths and imports of sqlx.
struct Backstage(Vec<(usize, String)>);

impl Backstage {
    fn note(&mut self, ident: &syn::Ident) {
        let name = ident.to_string();
        if ["__query", "__rt"]
            .iter()
            .any(|hidden| name.starts_with(hidden))
        {
            self.0.push((ident.span().start().line, name));
        }
    }
}

impl<'ast> Visit<'ast> for Backstage {
    fn visit_ident(&mut self, ident: &'ast syn::Ident) {
        self.note(ident);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        syn::visit::visit_macro(self, call);
        // Whatever the macro makes of it.
        let mut inside = vec![call.tokens.clone()];
        while let Some(tokens) = inside.pop() {
            for token in tokens {
                match token {
                    proc_macro2::TokenTree::Ident(ident) => self.note(&ident),
                    proc_macro2::TokenTree::Group(group) => inside.push(group.stream()),
                    _ => {}
                }
            }
        }
    }
}

/// How many query macros a line of code calls, by their text.
fn macro_calls(line: &str) -> usize {
    let calls = |rest: &&str| {
        let name = rest.trim_start_matches(|c: char| c.is_ascii_lowercase() || c == '_');
        name.starts_with('!')
    };
    ["sqlx::query", "conditional_query_as"]
        .iter()
        .map(|name| line.split(name).skip(1).filter(calls).count())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A crate of one file.
    fn tree(name: &str, files: &[(&str, &str)]) -> PathBuf {
        let root =
            std::env::temp_dir().join(format!("checked-pg-source-{name}-{}", std::process::id()));
        for (file, text) in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn what_a_build_made_is_no_source() {
        let files = [
            (
                "examples/one/src/lib.rs",
                "fn f() { sqlx::query!(\"SELECT 1\"); }",
            ),
            ("examples/one/target/CACHEDIR.TAG", ""),
            ("examples/one/target/debug/out.rs", "[\"no item\"]"),
        ];
        let root = tree("made", &files);
        let calls = calls_below(&root, "examples").unwrap();
        fs::remove_dir_all(root).unwrap();
        assert_eq!(calls.len(), 1);
    }

    #[test]
    fn a_statement_in_a_file_is_looked_into() {
        let source = "fn f() { sqlx::query_file!(\"sql/end.sql\"); }";
        let root = tree(
            "file",
            &[
                ("src/lib.rs", source),
                ("sql/end.sql", "-- the end\nCOMMIT\n"),
            ],
        );
        let calls = calls_below(&root, "src").unwrap();
        let known = crate::check::rules::Known {
            allowed: &[],
            types: &std::collections::BTreeMap::new(),
        };
        let findings = crate::check::rules::findings(&calls, known);
        fs::remove_file(root.join("sql/end.sql")).unwrap();
        let missing = calls_below(&root, "src")
            .map(|calls| calls.len())
            .unwrap_err();
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(
            findings[0].starts_with("src/lib.rs:1: `COMMIT` controls the transaction"),
            "{findings:?}"
        );
        assert!(
            missing.to_string().contains("src/lib.rs:1: sql/end.sql"),
            "{missing}"
        );
    }

    #[test]
    fn what_is_for_sqlx_alone_is_told() {
        let source = "// __query_with_result is not for us\nuse sqlx::__query_with_result as q;\n\
                      fn f() { debug(sqlx::__query_scalar_with_result); wrap!({ sqlx::__rt::sleep }) }\n\
                      fn g() { sqlx::query!(\"SELECT 1\"); }";
        let root = tree("backstage", &[("src/lib.rs", source)]);
        let found = backstage(&root, "src").unwrap();
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(
            found[0].starts_with("src/lib.rs:2: `__query_with_result` is for sqlx's macros alone"),
            "{found:?}"
        );
    }

    #[test]
    fn finds_every_variant_of_a_varying_statement() {
        let source = r##"
        fn f() {
            conditional_query_as!(Row, r#"SELECT a FROM t WHERE true {#of} ORDER BY a {#order} LIMIT {limit}"#,
                #of = match b { Some(_) => "AND b = {b}::b", None => "" },
                #order = match order { Order::Up => "", Order::Down => "DESC" },
            );
        }
    "##;
        let calls = calls_in(Path::new("src/a.rs"), source).unwrap();
        let seen: Vec<_> = calls
            .iter()
            .map(|c| {
                (
                    c.line,
                    c.place.as_str(),
                    c.sql.as_str(),
                    c.args.len(),
                    c.variant,
                )
            })
            .collect();
        let (of, order) = ("AND b = $1::b", "DESC");
        assert_eq!(
            seen,
            [
                (
                    3,
                    "a::f",
                    &*format!("SELECT a FROM t WHERE true {of} ORDER BY a  LIMIT $2"),
                    2,
                    true
                ),
                (
                    3,
                    "a::f",
                    &*format!("SELECT a FROM t WHERE true {of} ORDER BY a {order} LIMIT $2"),
                    2,
                    true
                ),
                (
                    3,
                    "a::f",
                    "SELECT a FROM t WHERE true  ORDER BY a  LIMIT $1",
                    1,
                    true
                ),
                (
                    3,
                    "a::f",
                    &*format!("SELECT a FROM t WHERE true  ORDER BY a {order} LIMIT $1"),
                    1,
                    true
                ),
            ]
        );
        let wrong = r#"fn f() { conditional_query_as!(Row, "SELECT {#a}", ); }"#;
        assert!(calls_in(Path::new("src/a.rs"), wrong).is_err());
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
        let calls = calls_in(Path::new("src/repo/mod.rs"), source).unwrap();
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
}
