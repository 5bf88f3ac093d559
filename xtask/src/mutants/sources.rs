//! The sources with statements: their mistakes, and their text with a mistake in it.

use std::{
    collections::BTreeMap,
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, ensure};
use sha2::{Digest, Sha256};
use syn::{FnArg, Item, ItemFn, Pat, ReturnType, Visibility, spanned::Spanned};

use super::{
    Edit, Fate, Mistake, Mutant, Operator, Scope,
    arguments::{self, Param},
    catalog::Schema,
    operators::Statement,
    structs,
};
use crate::{
    project,
    source::{Call, calls_in, rust_files},
};

/// The number that stands for all controls at once.
pub const CONTROLS: usize = usize::MAX - 1;

/// The sources that hold statements.
pub struct Sources {
    pub files: BTreeMap<PathBuf, File>,
}

/// A source with its mistakes.
pub struct File {
    pub text: String,
    functions: Vec<Function>,
    /// In a copy of the module, makes its child modules those of the original.
    children: Vec<Edit>,
    mistakes: Vec<(String, Scope, Mistake)>,
}

/// A function with statements.
struct Function {
    place: String,
    name: String,
    /// Documentation and spans: no mutant needs them, and they are slow to compile.
    attributes: Range<usize>,
    at: Range<usize>,
    private: bool,
    block: Range<usize>,
    arguments: String,
    is_async: bool,
    /// What it returns if that is `impl Trait`, without `impl`.
    returns_impl: Option<String>,
}

impl Sources {
    pub fn read(schema: &Schema) -> Result<Self> {
        let root = project("").canonicalize()?;
        let mut files = BTreeMap::new();
        for path in rust_files(&root.join("src"))? {
            let file = path.strip_prefix(&root)?.to_owned();
            let text = fs::read_to_string(&path)?;
            let mut calls = calls_in(&file, &text)?;
            // A variant stands nowhere in the source as it is.
            calls.retain(|call| !call.variant);
            if !calls.is_empty() {
                files.insert(file, File::new(text, &calls, schema)?);
            }
        }
        Ok(Self { files })
    }

    /// All mutants, and a control per function and per file.
    pub fn mutants(&self) -> Result<Vec<Mutant>> {
        let mut mutants = Vec::new();
        for (path, file) in &self.files {
            for (place, scope, mistake) in &file.mistakes {
                mutants.push(Mutant {
                    file: path.clone(),
                    place: place.clone(),
                    scope: *scope,
                    mistake: mistake.clone(),
                    fate: Fate::default(),
                });
            }
        }
        Ok(mutants)
    }

    /// The text of a mutant: its function or its module.
    pub fn mutated(&self, mutant: &Mutant) -> Result<String> {
        let file = self.file(&mutant.file)?;
        match mutant.scope {
            Scope::Module => {
                let mut edits = mutant.mistake.edits.clone();
                let attributes = file.functions.iter().map(|f| f.attributes.clone());
                edits.extend(attributes.map(|at| Edit::new(at, "")));
                edits.extend(file.children.iter().cloned());
                edits.sort_by_key(|edit| edit.at.start);
                Ok(edited(&file.text, 0..file.text.len(), &edits))
            }
            Scope::Function => {
                let function = file.function(&mutant.place)?;
                let visible = if function.private { "pub(super) " } else { "" };
                let mutated = edited(&file.text, function.at.clone(), &mutant.mistake.edits);
                Ok(format!("{visible}{mutated}"))
            }
        }
    }

    fn file(&self, path: &Path) -> Result<&File> {
        self.files
            .get(path)
            .with_context(|| format!("{} has no statements", path.display()))
    }
}

impl File {
    fn new(text: String, calls: &[Call], schema: &Schema) -> Result<Self> {
        let parsed = syn::parse_file(&text)?;
        let mut file = Self {
            functions: Vec::new(),
            children: Vec::new(),
            mistakes: Vec::new(),
            text,
        };
        let module = calls[0].place.rsplit_once("::").map_or("", |place| place.0);
        for item in &parsed.items {
            match item {
                Item::Fn(item) => file.add_function(item, calls, schema)?,
                Item::Mod(item) if item.content.is_none() => {
                    let original = format!("use crate::{module}::{}::{{self}};", item.ident);
                    let at = item.span().byte_range();
                    file.children.push(Edit::new(at, original));
                }
                _ => {}
            }
        }
        let found = |call: &&Call| file.function(&call.place).is_ok();
        ensure!(
            calls.iter().all(|call| found(&call)),
            "a statement outside a free function of a module: teach the tool about it"
        );
        file.add_structs(&parsed.items, module);
        file.add(module.to_owned(), Scope::Module, control());
        Ok(file)
    }

    fn add(&mut self, place: String, scope: Scope, mistake: Mistake) {
        self.mistakes.push((place, scope, mistake));
    }

    fn add_function(&mut self, item: &ItemFn, calls: &[Call], schema: &Schema) -> Result<()> {
        let at = item.span().byte_range();
        let within = |call: &&Call| at.contains(&call.literal.start);
        let calls: Vec<&Call> = calls.iter().filter(within).collect();
        let Some(first) = calls.first() else {
            return Ok(());
        };
        let place = first.place.clone();
        self.functions
            .push(Function::new(item, place.clone(), &self.text));
        for call in &calls {
            for mistake in self.mistakes_of(call, schema)? {
                self.add(place.clone(), Scope::Function, mistake);
            }
        }
        self.add(place, Scope::Function, control());
        Ok(())
    }

    fn mistakes_of(&self, call: &Call, schema: &Schema) -> Result<Vec<Mistake>> {
        let literal = &self.text[call.literal.clone()];
        let start = literal.find('"').unwrap_or_default() + 1;
        ensure!(
            literal[start..].starts_with(&call.sql),
            "{}:{}: an escape in the statement; write it as a raw string",
            call.file.display(),
            call.line
        );
        let params = params(&call.sql)?;
        let args: Vec<Range<usize>> = call
            .args
            .iter()
            .map(|arg| arg.span().byte_range())
            .collect();
        ensure!(params.len() == args.len(), "the query cache is stale");
        let texts: Vec<&str> = args.iter().map(|at| &self.text[at.clone()]).collect();
        let begins = std::iter::once(call.literal.end).chain(args.iter().map(|at| at.end));
        let with_commas = begins.zip(&args).map(|(from, at)| from..at.end).collect();

        let shown = params.iter().map(Param::shown).collect();
        let offset = call.literal.start + start;
        let statement = Statement::new(&call.sql, offset, shown, with_commas);
        let mut mistakes = statement.mistakes(schema);
        if call.name == "query_scalar" {
            // A single value is not read by its column's alias.
            mistakes.retain(|mistake| {
                mistake.operator != Operator::RenameColumn || !mistake.change.starts_with("`\"")
            });
        }
        mistakes.extend(arguments::swapped(&texts, &args, &params));
        mistakes.extend(arguments::retyped(&texts, &args, &params));
        Ok(mistakes)
    }

    /// The structs that the functions with statements name.
    fn add_structs(&mut self, items: &[Item], module: &str) {
        let used: String = self
            .functions
            .iter()
            .map(|f| &self.text[f.at.clone()])
            .collect();
        for item in items {
            let Item::Struct(item) = item else { continue };
            let name = item.ident.to_string();
            let words = |text: &str| -> bool {
                text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
                    .any(|word| word == name)
            };
            if !words(&used) {
                continue;
            }
            let row = used.split("query_as!(").skip(1).any(|call| {
                call.trim_start()
                    .strip_prefix(name.as_str())
                    .is_some_and(|rest| rest.starts_with(','))
            });
            for mistake in structs::retyped(item, &self.text.clone(), row) {
                self.add(format!("{module}::{name}"), Scope::Module, mistake);
            }
        }
    }

    /// The text, with calls passed on to the mutant that is asked for.
    pub fn dispatching(&self, mutants: &[(usize, &Mutant)]) -> String {
        let mut edits = Vec::new();
        for function in &self.functions {
            let mut of_function = mutants.to_vec();
            of_function.retain(|(_, mutant)| {
                mutant.scope == Scope::Function && mutant.place == function.place
            });
            edits.extend(function.dispatch(&self.text, &of_function));
        }
        edits.sort_by_key(|edit| edit.at.start);
        edited(&self.text, 0..self.text.len(), &edits)
    }

    fn function(&self, place: &str) -> Result<&Function> {
        let found = self
            .functions
            .iter()
            .find(|function| function.place == place);
        found.with_context(|| format!("{place} is not a function with a statement"))
    }
}

impl Function {
    fn new(item: &ItemFn, place: String, text: &str) -> Self {
        let Range { start, end } = item.span().byte_range();
        let private = matches!(item.vis, Visibility::Inherited);
        let begin = match private {
            true => item.sig.span().byte_range().start,
            false => item.vis.span().byte_range().start,
        };
        let arguments = item.sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => match &*typed.pat {
                Pat::Ident(name) => Some(name.ident.to_string()),
                _ => None,
            },
            FnArg::Receiver(_) => None,
        });
        let arguments: Vec<String> = arguments.collect();
        let returned = match &item.sig.output {
            ReturnType::Type(_, ty) => text[ty.span().byte_range()].strip_prefix("impl "),
            ReturnType::Default => None,
        };
        Self {
            place,
            name: item.sig.ident.to_string(),
            attributes: start..begin,
            at: begin..end,
            private,
            block: item.block.span().byte_range(),
            arguments: arguments.join(", "),
            is_async: item.sig.asyncness.is_some(),
            returns_impl: returned.map(ToOwned::to_owned),
        }
    }

    /// Passes a call on to the mutant that is asked for.
    fn dispatch(&self, text: &str, mutants: &[(usize, &Mutant)]) -> Vec<Edit> {
        let Range { start, end } = self.block;
        let mut arms = String::new();
        for (n, mutant) in mutants {
            let asked = if mutant.is_control() { CONTROLS } else { *n };
            let call = format!("m{n}::{}({})", self.name, self.arguments);
            let call = match (&self.returns_impl, self.is_async) {
                (Some(_), _) => format!("Box::pin({call})"),
                (None, true) => format!("return {call}.await"),
                (None, false) => format!("return {call}"),
            };
            arms += &format!("{asked}usize => {call}, ");
        }
        let (before, after) = match &self.returns_impl {
            Some(returned) => (
                format!(
                    "{{ let chosen: std::pin::Pin<Box<dyn {returned}>> = match crate::mutant() {{ {arms} _ => Box::pin("
                ),
                ") }; chosen }",
            ),
            None => (
                format!("{{ match crate::mutant() {{ {arms} _ => {{}} }} "),
                "}",
            ),
        };
        let body = &text[start..end];
        match self.returns_impl {
            Some(_) => vec![Edit::new(start..end, format!("{before}{body}{after}"))],
            None => vec![Edit::new(start..start + 1, before)],
        }
    }
}

fn control() -> Mistake {
    Mistake {
        operator: Operator::Control,
        typed: false,
        change: String::new(),
        edits: Vec::new(),
    }
}

/// The types of the parameters, from the query cache.
fn params(sql: &str) -> Result<Vec<Param>> {
    let entry = fs::read(project(".sqlx").join(format!("query-{}.json", hash(sql))))
        .context("a statement is not in the query cache; run `just prepare`")?;
    let entry: serde_json::Value = serde_json::from_slice(&entry)?;
    let params = entry["describe"]["parameters"]["Left"]
        .as_array()
        .context("no parameters in the query cache")?;
    let param = |description| {
        Param::of(description).ok_or_else(|| anyhow!("unknown parameter type: {description}"))
    };
    params.iter().map(param).collect()
}

fn hash(sql: &str) -> String {
    let digest = Sha256::digest(sql.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A part of a text with edits made.
fn edited(text: &str, part: Range<usize>, edits: &[Edit]) -> String {
    let mut out = String::new();
    let mut at = part.start;
    for edit in edits {
        out += &text[at..edit.at.start];
        out += &edit.text;
        at = edit.at.end;
    }
    out + &text[at..part.end]
}
