//! A statement or a migration, and exactly the mistakes of one kind that are made in it.

use super::{Kind, meaning::mistakes, migrations::weakened, shape::Shape, text::edited};

fn shape() -> Shape {
    let columns = [
        ("id", "log_id"),
        ("level", "log_level"),
        ("data", "log_document"),
        ("created_at", "timestamp with time zone"),
        ("read_at", "timestamp with time zone"),
    ];
    let columns = columns.map(|(name, of)| (name.to_owned(), of.to_owned()));
    Shape([("logs".to_owned(), columns.into())].into())
}

#[track_caller]
fn assert_made(kind: Kind, sql: &str, expected: &[&str]) {
    let made: Vec<String> = mistakes(sql, &shape())
        .into_iter()
        .filter(|mistake| mistake.kind == kind)
        .map(|mistake| edited(sql, &mistake.edits))
        .collect();
    assert_eq!(made, expected, "{sql}");
}

#[track_caller]
fn assert_weakened(kind: Kind, sql: &str, expected: &[&str]) {
    let made: Vec<String> = weakened(sql)
        .into_iter()
        .filter(|weaker| weaker.kind == kind)
        .map(|weaker| edited(sql, &[weaker.edit]))
        .collect();
    assert_eq!(made, expected, "{sql}");
}

#[test]
fn borders_and_equalities() {
    assert_made(
        Kind::Border,
        "SELECT id FROM logs WHERE id <= $1 AND level > $2 AND data -> 'a' <> $3",
        &[
            "SELECT id FROM logs WHERE id < $1 AND level > $2 AND data -> 'a' <> $3",
            "SELECT id FROM logs WHERE id <= $1 AND level >= $2 AND data -> 'a' <> $3",
        ],
    );
    assert_made(
        Kind::Equality,
        "UPDATE logs SET level = $1 WHERE id = $2",
        &["UPDATE logs SET level = $1 WHERE id <> $2"],
    );
}

#[test]
fn conditions_are_dropped_and_joined_otherwise() {
    let sql = "SELECT id FROM logs WHERE id BETWEEN $1 AND $2 AND (level = $3 OR data IS NULL) ORDER BY id";
    assert_made(
        Kind::Condition,
        sql,
        &[
            &sql.replace("id BETWEEN $1 AND $2", "true"),
            &sql.replace("(level = $3 OR data IS NULL)", "true"),
        ],
    );
    assert_made(
        Kind::Connective,
        sql,
        &[
            &sql.replace("AND (", "OR ("),
            &sql.replace("OR data", "AND data"),
        ],
    );
    assert_made(
        Kind::Existence,
        sql,
        &[&sql.replace("IS NULL", "IS NOT NULL")],
    );
}

#[test]
fn orders_lose_parts_and_turn() {
    let sql = "SELECT id FROM logs ORDER BY level DESC NULLS LAST, id LIMIT $1";
    assert_made(
        Kind::Order,
        sql,
        &[
            "SELECT id FROM logs ORDER BY id LIMIT $1",
            "SELECT id FROM logs ORDER BY level ASC NULLS LAST, id LIMIT $1",
            "SELECT id FROM logs ORDER BY level DESC NULLS LAST LIMIT $1",
            "SELECT id FROM logs ORDER BY level DESC NULLS LAST, id DESC LIMIT $1",
            "SELECT id FROM logs  LIMIT $1",
        ],
    );
    assert_made(Kind::Nulls, sql, &[&sql.replace("LAST", "FIRST")]);
    assert_made(Kind::Limit, sql, &[&sql.replace("$1", "$1 + 1")]);
    assert_made(
        Kind::DistinctOn,
        "SELECT DISTINCT ON (level, id) data FROM logs",
        &[
            "SELECT DISTINCT ON (id) data FROM logs",
            "SELECT DISTINCT ON (level) data FROM logs",
            "SELECT  data FROM logs",
        ],
    );
}

#[test]
fn columns_are_forgotten_swapped_and_taken_for_others() {
    let sql = "UPDATE logs SET level = $1, data = $2 WHERE (level, data) IS DISTINCT FROM ($1, $2)";
    assert_made(
        Kind::ForgottenColumn,
        sql,
        &[
            "UPDATE logs SET data = $2 WHERE (level, data) IS DISTINCT FROM ($1, $2)",
            "UPDATE logs SET level = $1 WHERE (level, data) IS DISTINCT FROM ($1, $2)",
            "UPDATE logs SET level = $1, data = $2 WHERE (data) IS DISTINCT FROM ($2)",
            "UPDATE logs SET level = $1, data = $2 WHERE (level) IS DISTINCT FROM ($1)",
        ],
    );
    assert_made(
        Kind::SwappedColumn,
        sql,
        &[&sql.replace("level = $1, data = $2", "level = $2, data = $1")],
    );
    // The last two get one value.
    let sql = "INSERT INTO logs AS new (level, created_at, read_at) SELECT a, $1, $1 FROM UNNEST($2::text[]) AS a";
    assert_made(
        Kind::SwappedColumn,
        sql,
        &[&sql.replace("level, created_at", "created_at, level")],
    );
    assert_made(
        Kind::OtherColumn,
        "INSERT INTO logs (created_at) SELECT created_at FROM logs WHERE id = $1",
        &["INSERT INTO logs (created_at) SELECT read_at FROM logs WHERE id = $1"],
    );
}

#[test]
fn locks_frames_and_aggregates() {
    let sql = "SELECT max(id) OVER (PARTITION BY level ORDER BY id ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) FROM logs FOR UPDATE";
    assert_made(
        Kind::Frame,
        sql,
        &[
            &sql.replace("PARTITION BY level", ""),
            &sql.replace("ROWS", "RANGE"),
            &sql.replace("PRECEDING", "FOLLOWING"),
        ],
    );
    assert_made(Kind::Aggregate, sql, &[&sql.replace("max", "min")]);
    assert_made(Kind::Arithmetic, sql, &[&sql.replace('3', "4")]);
    assert_made(Kind::Connective, sql, &[]);
    assert_made(
        Kind::Lock,
        sql,
        &[
            &sql.replace("FOR UPDATE", ""),
            &sql.replace("FOR UPDATE", "FOR SHARE"),
        ],
    );
}

#[test]
fn migrations_are_weakened() {
    let sql = "CREATE TABLE t (
        a integer NOT NULL CHECK (a BETWEEN 1 AND 9 AND a > 0),
        b text REFERENCES u (b) ON DELETE CASCADE,
        CONSTRAINT t_b_key UNIQUE NULLS NOT DISTINCT (b),
        CONSTRAINT t_a_fkey FOREIGN KEY (a) REFERENCES v (a)
    );
    CREATE INDEX t_idx ON t (a);
    CREATE UNIQUE INDEX t_key ON t (a);";
    let without = |part: &str, other: &str| sql.replacen(part, other, 1);
    assert_weakened(
        Kind::Check,
        sql,
        &[&without("a BETWEEN 1 AND 9 AND a > 0", "true")],
    );
    assert_weakened(
        Kind::CheckBorder,
        sql,
        &[
            &without("1", "2"),
            &without("9", "10"),
            &without("9 AND", "9 OR"),
            &without(">", ">="),
            &without("> 0", "> 1"),
        ],
    );
    assert_weakened(
        Kind::Unique,
        sql,
        &[
            &without("NULLS NOT DISTINCT ", " "),
            &without("UNIQUE NULLS NOT DISTINCT (b)", "CHECK (true)"),
            &without("CREATE UNIQUE INDEX", "CREATE  INDEX"),
        ],
    );
    assert_weakened(
        Kind::Index,
        sql,
        &[&without("CREATE INDEX t_idx ON t (a)", "")],
    );
    assert_weakened(
        Kind::NotNull,
        sql,
        &[&without("integer NOT NULL ", "integer  ")],
    );
    assert_weakened(Kind::OnDelete, sql, &[&without("CASCADE", "NO ACTION")]);
    assert_weakened(
        Kind::ForeignKey,
        sql,
        &[&without("FOREIGN KEY (a) REFERENCES v (a)", "CHECK (true)")],
    );
}

#[test]
fn a_border_is_a_number_of_any_size() {
    let sql = "ALTER DOMAIN d ADD CONSTRAINT d_form CHECK (VALUE <= 4294967295);";
    let other = |number: &str| sql.replace("4294967295", number);
    assert_weakened(
        Kind::CheckBorder,
        sql,
        &[&sql.replace("<=", "<"), &other("4294967296")],
    );
}
