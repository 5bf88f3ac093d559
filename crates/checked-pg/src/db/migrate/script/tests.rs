use super::*;

fn texts(sql: &str) -> Vec<&str> {
    statements(sql).iter().map(|found| found.text).collect()
}

#[test]
fn statements_end_at_their_own_semicolons() {
    let body = "CREATE OR REPLACE FUNCTION f(a int DEFAULT (1)) RETURNS int LANGUAGE sql\n\
                    BEGIN ATOMIC SELECT CASE WHEN a = 1 THEN 2 END; SELECT 3; END";
    let cases = [
        ("", vec![]),
        (" ;; -- nothing;\n", vec![]),
        (
            "SELECT 1; /* a; /* b; */ c; */ SELECT 2",
            vec!["SELECT 1", "SELECT 2"],
        ),
        (
            "SELECT ';', \"a;\"\"b\"; SELECT 'it''s;'",
            vec!["SELECT ';', \"a;\"\"b\"", "SELECT 'it''s;'"],
        ),
        (
            "SELECT E'\\';', 'a\\'; SELECT 2",
            vec!["SELECT E'\\';', 'a\\'", "SELECT 2"],
        ),
        (
            "DO $$ BEGIN; END $$; DO $a$ $$;$b$ $a$",
            vec!["DO $$ BEGIN; END $$", "DO $a$ $$;$b$ $a$"],
        ),
        ("SELECT $1; SELECT a$b$c", vec!["SELECT $1", "SELECT a$b$c"]),
        (
            "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 'ü;'",
            vec![
                "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)",
                "SELECT 'ü;'",
            ],
        ),
        ("BEGIN; COMMIT", vec!["BEGIN", "COMMIT"]),
    ];
    for (sql, expected) in cases {
        assert_eq!(texts(sql), expected, "{sql}");
    }
    assert_eq!(texts(&format!("{body};SELECT 4")), [body, "SELECT 4"]);
}

#[test]
fn what_ends_a_transaction_is_seen() {
    let ends = |sql| statements(sql)[0].controls_transaction();
    for sql in [
        "begin",
        "COMMIT;",
        "rollback",
        "END",
        "START TRANSACTION",
        "PREPARE TRANSACTION 'x'",
    ] {
        assert!(ends(sql), "{sql}");
    }
    for sql in [
        "SAVEPOINT s",
        "ROLLBACK TO s",
        "ROLLBACK WORK TO SAVEPOINT s",
        "PREPARE p AS SELECT 1",
        "DO 'BEGIN END'",
    ] {
        assert!(!ends(sql), "{sql}");
    }
}

#[test]
fn marks_are_read_and_misspelt_ones_refused() {
    let since = |sql: &str| compatible_since(sql);
    assert_eq!(since("SELECT 1"), Ok(None));
    assert_eq!(
        since("-- Why.\n-- compatible: expand\n\nSELECT 1"),
        Ok(Some(0))
    );
    assert_eq!(since("-- compatible:   since 12\nSELECT 1"), Ok(Some(12)));
    assert_eq!(since("/* a */ -- compatible: expand\nSELECT 1"), Ok(None));
    for (sql, why) in [
        (
            "-- compatible: expnad\nSELECT 1",
            "`-- compatible: expnad` is neither",
        ),
        ("-- compatible: since twelve\n", "twelve is no number"),
        (
            "SELECT 1;\n-- compatible: expand",
            "must stand above the first statement",
        ),
        ("-- compatible: expand\n-- compatible: expand\n", "twice"),
    ] {
        let told = since(sql).unwrap_err();
        assert!(told.contains(why), "{told}");
    }
}

#[test]
fn places_count_lines_and_characters() {
    assert_eq!(place("SELECT x", 8), (1, 8));
    assert_eq!(place("SELECT 'ü',\n  x", 15), (2, 3));
    assert_eq!(place("", 1), (1, 1));
}

#[test]
fn line_ends_are_plain() {
    assert_eq!(plain("\u{feff}a\r\nb\rc"), "a\nb\nc");
    assert!(matches!(plain("a\nb"), Cow::Borrowed("a\nb")));
}
