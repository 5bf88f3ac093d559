//! The names of the functions in `src/repo` keep to the table in its documentation.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use cargo_checked_pg::check::source::rust_files;

/// The words of the table, with the shapes that a function of that name may return; a noun has no word.
fn table(page: &str) -> BTreeMap<String, BTreeSet<String>> {
    let quoted = |cell: &str| -> Vec<String> {
        let quoted = cell.split('`').skip(1).step_by(2);
        quoted.map(str::to_owned).collect()
    };
    let (_, rows) = page.split_once("//! |---|---|---|\n").unwrap();
    let rows = rows.lines().map_while(|line| line.strip_prefix("//! | "));
    let mut table = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_end_matches(" |").split(" | ").collect();
        let [words, _, shapes] = cells[..] else {
            panic!("{row}: not three cells");
        };
        let shapes: BTreeSet<String> = quoted(shapes).into_iter().collect();
        let words = match words {
            "a noun" => vec![String::new()],
            words => quoted(words),
        };
        table.extend(words.into_iter().map(|word| (word, shapes.clone())));
    }
    table
}

/// The free functions of a source that others can call, with what they return.
fn functions(text: &str) -> Vec<(String, String)> {
    let starts = ["pub async fn ", "pub fn "];
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(rest) = starts.iter().find_map(|start| line.strip_prefix(start)) else {
            continue;
        };
        let mut signature = rest.to_owned();
        while !signature.trim_end().ends_with(['{', ';']) && !signature.contains("\nwhere") {
            signature = format!("{signature}\n{}", lines.next().unwrap());
        }
        let name = signature.split(['(', '<']).next().unwrap().to_owned();
        let returned = signature.rsplit_once(") -> ").unwrap().1;
        found.push((name, returned.trim_end_matches(['{', ' ']).to_owned()));
    }
    found
}

/// `Vec` for `Result<Vec<Bar>>`, `row` for `Result<Bar>`.
fn shape(returned: &str) -> String {
    let inner = match returned.strip_prefix("Result<") {
        Some(inner) => inner.strip_suffix('>').unwrap(),
        None => returned.trim_start_matches("impl "),
    };
    let inner = inner.split(['<', ',']).next().unwrap();
    let known = [
        "Vec", "Option", "BTreeMap", "Stream", "Upserted", "u64", "bool", "()",
    ];
    match known.contains(&inner) {
        true => inner.to_owned(),
        false => "row".to_owned(),
    }
}

fn findings(page: &str, sources: &[(String, String)]) -> Vec<String> {
    let table = table(page);
    let mut findings = Vec::new();
    let mut used = BTreeSet::new();
    for (file, text) in sources {
        for (name, returned) in functions(text) {
            let first = name.split('_').next().unwrap();
            let word = if table.contains_key(first) { first } else { "" };
            used.insert(word.to_owned());
            let shape = shape(&returned);
            if !table[word].contains(&shape) {
                findings.push(format!(
                    "{file}: {name} returns {shape}, which {word:?} does not"
                ));
            }
        }
    }
    let unused = table.keys().filter(|word| !used.contains(*word));
    findings.extend(unused.map(|word| format!("no function begins with {word:?}")));
    findings
}

#[test]
fn functions_are_named_by_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/repo");
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let page = read(&root.join("mod.rs"));
    let sources: Vec<(String, String)> = rust_files(&root)
        .unwrap()
        .iter()
        .filter(|path| !path.ends_with("repo/batch.rs"))
        .map(|path| (path.display().to_string(), read(path)))
        .collect();
    let found = findings(&page, &sources);
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));

    let odd = "pub async fn get_all(db: &Db) -> Result<Option<Bar>> {\n}\n\
               pub async fn bars_done(\n    db: &Db,\n) -> Result<()> {\n}\n";
    let odd = findings(&page, &[("x".to_owned(), odd.to_owned())]);
    assert_eq!(
        &odd[..2],
        [
            "x: get_all returns Option, which \"get\" does not",
            "x: bars_done returns (), which \"\" does not"
        ]
    );
}
