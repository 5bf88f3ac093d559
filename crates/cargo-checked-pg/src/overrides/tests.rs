//! The section, the marks around it, and what is told when `Cargo.toml` and the schema do not fit.

use super::{catalog::*, *};

fn declared(types: &[(&str, &str)]) -> Declared {
    let pair = |(name, rust): &(&str, &str)| ((*name).to_owned(), (*rust).to_owned());
    Declared {
        types: types.iter().map(pair).collect(),
        columns: BTreeMap::new(),
        own: types.iter().map(|(name, _)| (*name).to_owned()).collect(),
        library: Some("checked_pg".to_owned()),
    }
}

fn column(relation: &str, column: &str, of: &str) -> Column {
    Column {
        relation: relation.to_owned(),
        column: column.to_owned(),
        of: of.to_owned(),
        array: false,
        takes_null: false,
        key: false,
    }
}

fn catalog(types: &[&str], columns: Vec<Column>) -> Catalog {
    let one = |name: &&str| DefinedType {
        name: (*name).to_owned(),
        required: true,
    };
    Catalog {
        types: types.iter().map(one).collect(),
        columns,
    }
}

/// The lines of a section that begin so.
fn lines<'a>(section: &'a str, start: &str) -> Vec<&'a str> {
    let lines = section.lines();
    lines.filter(|line| line.starts_with(start)).collect()
}

#[test]
fn each_type_and_each_column_of_one_is_named() {
    let catalog = catalog(
        &["desk_name", "other"],
        vec![
            column("trades", "desk", "desk_name"),
            column("trades", "noted", "other"),
            column("desks", "name", "desk_name"),
        ],
    );
    let section = section(&declared(&[("desk_name", "crate::Desk")]), &catalog);
    let (_, own) = section.split_once("desk_name").unwrap();
    assert_eq!(
        format!("desk_name{own}"),
        "desk_name = \"crate::Desk\"\n'desk_name[]' = \"&[crate::Desk]\"\n\n\
         [macros.table-overrides.desks]\nname = \"crate::Desk\"\n\n\
         [macros.table-overrides.trades]\ndesk = \"crate::Desk\"\n"
    );
    for trap in [
        "JSON",
        "JSONB",
        "'JSON[]'",
        "'JSONB[]'",
        "'json[]'",
        "'jsonb[]'",
    ] {
        let line = format!("{trap} = \"::checked_pg::document::UntypedJsonb\"");
        assert!(
            section.lines().any(|one| one == line),
            "{line} in\n{section}"
        );
    }
}

#[test]
fn elements_are_options_if_a_column_takes_null_and_no_key_has_the_type() {
    let arrays = |columns: Vec<Column>, more: &[(&str, &str)]| {
        let mut types = vec![("price", "crate::Price")];
        types.extend(more);
        let section = section(&declared(&types), &catalog(&["price"], columns));
        lines(&section, "'price[]'").join("\n")
    };
    let nullable = Column {
        takes_null: true,
        ..column("bars", "close", "price")
    };
    let key = Column {
        key: true,
        ..column("ticks", "price", "price")
    };
    let one = "'price[]' = \"&[crate::Price]\"";
    let option = "'price[]' = \"&[::core::option::Option<crate::Price>]\"";
    assert_eq!(arrays(vec![], &[]), one);
    assert_eq!(arrays(vec![column("bars", "close", "price")], &[]), one);
    assert_eq!(arrays(vec![nullable.clone()], &[]), option);
    assert_eq!(arrays(vec![nullable.clone(), key], &[]), one);
    let by_hand = ("price[]", "&[crate::Price]");
    assert_eq!(arrays(vec![nullable], &[by_hand]), one);
}

#[test]
fn a_column_of_an_array_is_read_into_a_vec() {
    let column = Column {
        array: true,
        takes_null: true,
        ..column("desks", "tags", "tag")
    };
    let section = section(
        &declared(&[("tag", "crate::Tag")]),
        &catalog(&["tag"], vec![column]),
    );
    assert_eq!(
        lines(&section, "tags"),
        ["tags = \"::std::vec::Vec<::core::option::Option<crate::Tag>>\""]
    );
}

#[test]
fn single_columns_may_be_named_too() {
    let mut declared = declared(&[]);
    declared
        .columns
        .insert("old.\"Legs\".n".to_owned(), "crate::Legs".to_owned());
    let section = section(&declared, &catalog(&[], vec![]));
    assert!(
        section.ends_with("[macros.table-overrides.'old.\"Legs\"']\nn = \"crate::Legs\"\n"),
        "{section}"
    );
}

#[test]
fn names_that_are_no_bare_keys_are_quoted() {
    assert_eq!(key("symbol_1"), "symbol_1");
    assert_eq!(key("price[]"), "'price[]'");
    assert_eq!(key("\"Desk\""), "'\"Desk\"'");
    assert_eq!(key("\"Desk's\""), r#""\"Desk's\"""#);
    assert_eq!(key(""), "''");
}

#[test]
fn what_does_not_fit_the_schema_is_told() {
    let catalog = catalog(&["broker_name"], vec![]);
    let told = findings(&declared(&[]), &catalog);
    assert_eq!(
        told,
        [
            "Cargo.toml: `broker_name` has no Rust type; name it below [package.metadata.checked-pg.types], \
          such as `broker_name = \"crate::types::BrokerName\"`"
        ]
    );
    let types = [
        ("broker_name", "crate::Broker"),
        ("brokername", "crate::Broker"),
        ("UUID", "crate::Id"),
        ("JSONB", "crate::Any"),
    ];
    let told = findings(&declared(&types), &catalog);
    let no_such = |name| format!("names `{name}`, and the schema has no such type");
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].ends_with(&no_such("JSONB")), "{told:?}");
    assert!(told[1].ends_with(&no_such("brokername")), "{told:?}");
    let mut without = declared(&types[..1]);
    without.library = None;
    let told = findings(&without, &catalog);
    assert!(told[0].contains("add checked-pg"), "{told:?}");
}

#[test]
fn the_rest_of_the_file_stays() {
    let first = spliced("[common]\na = \"b\"\n", "one\n").unwrap();
    assert_eq!(first, format!("[common]\na = \"b\"\n\n{BEGIN}one\n{END}"));
    let second = spliced(&(first + "# more\n"), "two\n").unwrap();
    assert_eq!(
        second,
        format!("[common]\na = \"b\"\n\n{BEGIN}two\n{END}# more\n")
    );
    assert_eq!(spliced(&second, "two\n").unwrap(), second);
    assert_eq!(
        spliced(&second.replace('\n', "\r\n"), "two\n").unwrap(),
        second
    );
    assert_eq!(spliced("", "two\n").unwrap(), format!("{BEGIN}two\n{END}"));
}

#[test]
fn a_section_by_hand_is_refused() {
    for text in [
        "[macros.type-overrides]\n'a' = \"b\"\n".to_owned(),
        format!("{BEGIN}{END}[macros.table-overrides.'t']\n'a' = \"b\"\n"),
    ] {
        let told = spliced(&text, "").unwrap_err().to_string();
        assert!(told.contains("is written by prepare"), "{told}");
    }
    for text in [BEGIN.to_owned(), END.to_owned(), format!("{END}{BEGIN}")] {
        let told = spliced(&text, "").unwrap_err().to_string();
        assert!(told.contains("mark"), "{told}");
    }
}

#[test]
fn the_lock_holds_all_that_the_section_needs() {
    let folder = std::env::temp_dir().join(format!("checked-pg-types-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    let given = Catalog {
        types: vec![
            DefinedType {
                name: "\"Two\nlines\"".to_owned(),
                required: false,
            },
            DefinedType {
                name: "a".to_owned(),
                required: true,
            },
        ],
        columns: vec![Column {
            array: true,
            key: true,
            ..column("t", "c", "a")
        }],
    };
    fs::write(folder.join(TYPES), given.lock().unwrap()).unwrap();
    let read = Catalog::recorded(&folder).unwrap();
    fs::write(folder.join(TYPES), "nonsense").unwrap();
    let told = Catalog::recorded(&folder).unwrap_err().to_string();
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(read, given);
    assert!(told.contains("run `cargo checked-pg prepare`"), "{told}");
    assert_eq!(Catalog::recorded(&folder).unwrap(), Catalog::default());
}
