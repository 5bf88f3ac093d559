//! Finds the calls of sqlx's query macros in Rust sources.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use syn::{
    Expr, ExprLit, ImplItemFn, ItemFn, ItemImpl, ItemMod, Lit, Macro, Token, Type, parse::Parser,
    punctuated::Punctuated, spanned::Spanned, visit::Visit,
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
    /// The statement; empty for the `_file` macros.
    pub sql: String,
    /// Its literal in the source, quotes included, in bytes.
    pub literal: Range<usize>,
    /// The arguments.
    pub args: Vec<Expr>,
}

/// All calls below a folder of the crate.
pub fn calls_below(root: &Path, folder: &str) -> Result<Vec<Call>> {
    let files = rust_files(&root.join(folder))?;
    ensure!(!files.is_empty(), "no sources below {folder}");
    let mut calls = Vec::new();
    for file in files {
        calls.extend(calls_in(
            file.strip_prefix(root)?,
            &fs::read_to_string(&file)?,
        )?);
    }
    Ok(calls)
}

/// The Rust files below a folder, in order.
pub fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
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
    fn call(&self, call: &Macro) -> Result<Option<Call>> {
        let name = call.path.segments.last().map(|last| last.ident.to_string());
        let Some(name) = name.filter(|name| name == "query" || name.starts_with("query_")) else {
            return Ok(None);
        };
        let line = call.path.span().start().line;
        let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
        let parts = parser.parse2(call.tokens.clone());
        let parts = parts.map_err(|e| anyhow!("{}:{line}: {e}", self.file.display()))?;
        let mut parts = parts.into_iter().skip(name.contains("_as").into());
        let Some(Expr::Lit(ExprLit {
            lit: Lit::Str(sql), ..
        })) = parts.next()
        else {
            bail!(
                "{}:{line}: the statement is not a string literal",
                self.file.display()
            );
        };
        Ok(Some(Call {
            file: self.file.to_owned(),
            line,
            place: self.place.join("::"),
            sql: match name.contains("_file") {
                true => String::new(),
                false => sql.value(),
            },
            literal: sql.span().byte_range(),
            name,
            args: parts.collect(),
        }))
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
        let found = self.call(call);
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
        let seen = calls_in(file, &text)?.len();
        if mentioned > seen {
            hidden.push(format!(
                "{}: {mentioned} calls of query macros, of which only {seen} stand outside of other macros; move them out",
                file.display()
            ));
        }
    }
    Ok(hidden)
}

/// How many query macros a line of code calls, by their text.
fn macro_calls(line: &str) -> usize {
    let calls = |rest: &&str| {
        let name = rest.trim_start_matches(|c: char| c.is_ascii_lowercase() || c == '_');
        name.starts_with('!')
    };
    line.split("sqlx::query").skip(1).filter(calls).count()
}

#[cfg(test)]
mod tests {
    use super::*;

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
