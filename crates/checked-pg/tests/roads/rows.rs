//! The table of parameters in docs/operations.md: each row has a test, and each test its rows.

use crate::{
    parameters::{REFUSED, invalid},
    support::from_vars,
};
use checked_pg::config::Config;
use std::collections::BTreeSet;

/// The tests that say which rows they hold up, by `/// Rows: ...` above them.
const SOURCES: [&str; 6] = [
    include_str!("failover.rs"),
    include_str!("honoured.rs"),
    include_str!("hosts.rs"),
    include_str!("parameters.rs"),
    include_str!("rotation.rs"),
    include_str!("tls.rs"),
];

/// One line of the table.
struct Row {
    parameter: &'static str,
    variable: Option<&'static str>,
    says: &'static str,
}

fn table() -> Vec<Row> {
    let guide = include_str!("../../../../docs/operations.md");
    let (_, after) = guide
        .split_once("\n| parameter | variable | what happens |\n|---|---|---|\n")
        .unwrap();
    let lines = after.lines().take_while(|line| line.starts_with('|'));
    let row = |line: &'static str| {
        let mut cells = line.trim_matches('|').splitn(3, '|').map(str::trim);
        let mut cell = || cells.next().unwrap();
        let parameter = cell().trim_matches('`');
        let variable = Some(cell().trim_matches('`')).filter(|name| !name.is_empty());
        Row {
            parameter,
            variable,
            says: cell(),
        }
    };
    lines.map(row).collect()
}

/// Between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The names above a test; a remark that is above none counts for nothing.
fn rows_of_tests() -> BTreeSet<&'static str> {
    let mut held = BTreeSet::new();
    for source in SOURCES {
        let mut above = Vec::new();
        let mut is_test = false;
        for line in source.lines() {
            if let Some(rows) = line.strip_prefix("/// Rows: ") {
                // A sentence may follow.
                above.extend(quoted(rows.split(". ").next().unwrap_or(rows)));
            } else if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                is_test = true;
            } else if line.starts_with("fn ") || line.starts_with("async fn ") {
                if is_test {
                    held.append(&mut above.drain(..).collect());
                }
                above.clear();
                is_test = false;
            }
        }
    }
    held
}

#[test]
fn each_row_has_a_test_and_each_test_its_rows() {
    let table = table();
    assert!(table.len() > 50, "{}", table.len());
    let mut held = rows_of_tests();
    for (parameter, variable, _) in REFUSED {
        held.extend(
            [parameter, variable]
                .into_iter()
                .filter(|name| !name.is_empty()),
        );
    }
    let named = table
        .iter()
        .flat_map(|row| [Some(row.parameter), row.variable]);
    let named: BTreeSet<&str> = named.flatten().collect();
    let without: Vec<_> = named.difference(&held).collect();
    assert!(
        without.is_empty(),
        "no test for {without:?}: write `/// Rows: ...` above the one that holds it up"
    );
    // Those have no row of their own; the text around the table has them.
    let around = [
        "PGREQUIRESSL",
        "PGGEQO",
        "PGTZ",
        "PGDATESTYLE",
        "PGSYSCONFDIR",
        "ssl-mode",
        "options[name]",
    ];
    let guide = include_str!("../../../../docs/operations.md");
    for name in held.difference(&named) {
        assert!(around.contains(name), "no row for {name}");
        assert!(guide.contains(name), "{name} is not mentioned");
    }
}

/// What the table says that it takes is taken, and nothing else is.
#[test]
fn the_exceptions_of_the_table_are_the_only_ones() {
    for Row {
        parameter,
        variable,
        says,
    } in table()
    {
        let Some(rest) = says.strip_prefix("refused") else {
            continue;
        };
        let at = |value: &str| {
            Config::from_url(&format!("postgres://u@localhost/d?{parameter}={value}"))
        };
        assert!(
            invalid(at("anything"))
                .1
                .starts_with(&format!("{parameter}: not supported"))
        );
        if let Some(variable) = variable {
            assert_eq!(invalid(from_vars(&[(variable, "anything")])).0, variable);
        }
        let (fine, refused): (Vec<&str>, Vec<&str>) = match rest.split_once(" as ") {
            Some((" except", values)) => (quoted(values).collect(), vec![]),
            Some(("", values)) => (vec![], quoted(values).collect()),
            _ => (vec![], vec![]),
        };
        for value in fine {
            at(value).unwrap_or_else(|error| panic!("{parameter}={value}: {error}"));
        }
        for value in refused {
            invalid(at(value));
        }
    }
}
