//! A statement, and exactly the mistakes that are made in it.

use std::collections::BTreeMap;

use super::{Mistake, Operator, Schema, Statement};

fn schema() -> Schema {
    let columns = [
        ("id", true),
        ("level", true),
        ("data", false),
        ("created_at", true),
    ];
    let columns: BTreeMap<String, bool> = columns
        .iter()
        .map(|(name, needed)| ((*name).to_owned(), *needed))
        .collect();
    Schema(BTreeMap::from([("logs".to_owned(), columns)]))
}

/// The mistakes of one operator: what they make of the source, and whether the types tell.
fn made(operator: Operator, source: &str, params: &[&str]) -> Vec<(String, bool)> {
    let (sql, args) = source.split_once(';').unwrap_or((source, ""));
    let mut at = sql.len() + 1;
    let args = args.split_inclusive(',').map(|arg| {
        let range = at..at + arg.len();
        at = range.end;
        range
    });
    let params = params.iter().map(ToString::to_string).collect();
    let statement = Statement::new(sql, 0, params, args.collect());
    let mistakes = statement.mistakes(&schema());
    let of_operator = mistakes
        .iter()
        .filter(|mistake| mistake.operator == operator);
    of_operator
        .map(|mistake| (applied(source, mistake), mistake.typed))
        .collect()
}

fn applied(source: &str, mistake: &Mistake) -> String {
    let mut text = source.to_owned();
    for edit in mistake.edits.iter().rev() {
        text.replace_range(edit.at.clone(), &edit.text);
    }
    text
}

fn assert_made(operator: Operator, source: &str, params: &[&str], expected: &[(&str, bool)]) {
    let made = made(operator, source, params);
    let made: Vec<(&str, bool)> = made
        .iter()
        .map(|(text, typed)| (text.as_str(), *typed))
        .collect();
    assert_eq!(made, expected, "{source}");
}

#[test]
fn columns_and_tables_are_renamed_where_they_stand() {
    let sql = r#"SELECT id, count(*) AS "n!" FROM logs WHERE level = $1::level AND f(DATE 'id')"#;
    assert_made(
        Operator::RenameColumn,
        sql,
        &["level"],
        &[
            (&sql.replacen("id", "id_x", 1), true),
            (&sql.replace("n!", "n_x!"), true),
            (&sql.replace("level =", "level_x ="), true),
        ],
    );
    assert_made(
        Operator::RenameTable,
        sql,
        &["level"],
        &[(&sql.replace("logs", "logs_x"), true)],
    );
}

#[test]
fn columns_are_dropped_from_lists() {
    assert_made(
        Operator::DropColumn,
        "SELECT DISTINCT ON (id) id, max(a, b) FROM (SELECT level FROM logs) AS l",
        &[],
        &[
            (
                "SELECT DISTINCT ON (id) max(a, b) FROM (SELECT level FROM logs) AS l",
                true,
            ),
            (
                "SELECT DISTINCT ON (id) id FROM (SELECT level FROM logs) AS l",
                true,
            ),
        ],
    );
    assert_made(
        Operator::DropColumn,
        "DELETE FROM logs RETURNING id, level",
        &[],
        &[
            ("DELETE FROM logs RETURNING level", true),
            ("DELETE FROM logs RETURNING id", true),
        ],
    );
}

#[test]
fn placeholders_are_raised_and_swapped() {
    let sql = "SELECT f($1, $2), $1";
    assert_made(
        Operator::RaisePlaceholder,
        sql,
        &["date", "date"],
        &[
            ("SELECT f($2, $2), $1", false),
            ("SELECT f($1, $3), $1", true),
            ("SELECT f($1, $2), $2", false),
        ],
    );
    assert_made(
        Operator::SwapPlaceholders,
        sql,
        &["date", "text"],
        &[
            ("SELECT f($2, $1), $1", true),
            ("SELECT f($1, $1), $2", true),
        ],
    );
    let alike = [
        ("SELECT f($2, $1), $1", false),
        ("SELECT f($1, $1), $2", false),
    ];
    assert_made(Operator::SwapPlaceholders, sql, &["date", "date"], &alike);
}

#[test]
fn marks_of_nullability_are_dropped() {
    assert_made(
        Operator::DropNullability,
        r#"SELECT a AS "a?", b AS "b!: T", c AS "c" FROM logs"#,
        &[],
        &[
            (r#"SELECT a AS "a", b AS "b!: T", c AS "c" FROM logs"#, true),
            (r#"SELECT a AS "a?", b AS "b: T", c AS "c" FROM logs"#, true),
        ],
    );
}

#[test]
fn a_column_of_an_insert_goes_with_its_value_and_argument() {
    assert_made(
        Operator::DropInsertColumn,
        "INSERT INTO logs (id, level, created_at) VALUES ($1, $2, $1);a,b",
        &["log_id", "level"],
        &[
            (
                "INSERT INTO logs (level, created_at) VALUES ($2, $1);a,b",
                false,
            ),
            (
                "INSERT INTO logs (id, created_at) VALUES ($1, $1);a,",
                false,
            ),
            ("INSERT INTO logs (id, level) VALUES ($1, $2);a,b", false),
        ],
    );
    assert_made(
        Operator::DropInsertColumn,
        "INSERT INTO logs AS l (id, level) SELECT * FROM UNNEST($1::id[], $2::level[]) RETURNING f($2);a,b",
        &["log_id[]", "level[]"],
        &[
            (
                "INSERT INTO logs AS l (level) SELECT * FROM UNNEST($1::level[]) RETURNING f($1);b",
                false,
            ),
            (
                "INSERT INTO logs AS l (id) SELECT * FROM UNNEST($1::id[]) RETURNING f($2);a,b",
                false,
            ),
        ],
    );
    assert_made(
        Operator::DropInsertColumn,
        "INSERT INTO logs (id, level) SELECT n.id, $1 FROM UNNEST($2::id[]) AS n (id);a,b",
        &["level", "log_id[]"],
        &[
            (
                "INSERT INTO logs (level) SELECT $1 FROM UNNEST($2::id[]) AS n (id);a,b",
                false,
            ),
            (
                "INSERT INTO logs (id) SELECT n.id FROM UNNEST($1::id[]) AS n (id);b",
                false,
            ),
        ],
    );
}

#[test]
fn conflict_targets_are_changed() {
    assert_made(
        Operator::ConflictTarget,
        "INSERT INTO logs (id) VALUES ($1) ON CONFLICT (id, level) DO UPDATE SET id = 1 RETURNING id",
        &["log_id"],
        &[
            (
                "INSERT INTO logs (id) VALUES ($1) ON CONFLICT (level) DO UPDATE SET id = 1 RETURNING id",
                false,
            ),
            (
                "INSERT INTO logs (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET id = 1 RETURNING id",
                false,
            ),
            (
                "INSERT INTO logs (id) VALUES ($1) ON CONFLICT (id, level) DO NOTHING RETURNING id",
                false,
            ),
        ],
    );
    assert_made(
        Operator::ConflictTarget,
        "INSERT INTO logs (id) VALUES ($1) ON CONFLICT (id) DO NOTHING",
        &["log_id"],
        &[(
            "INSERT INTO logs (id) VALUES ($1) ON CONFLICT (created_at) DO NOTHING",
            false,
        )],
    );
}

#[test]
fn literals_are_changed() {
    assert_made(
        Operator::Literal,
        "SELECT id FROM logs WHERE level = 'INFO' LIMIT 1",
        &[],
        &[
            ("SELECT id FROM logs WHERE level = 'INFOx' LIMIT 1", false),
            ("SELECT id FROM logs WHERE level = 'INFO' LIMIT 2", false),
        ],
    );
}
