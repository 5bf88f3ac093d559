use super::*;

/// What is told of one migration, by the first words.
fn told(sql: &str) -> Vec<String> {
    let mut known = Known::default();
    let found = migration(sql, &[], &mut known);
    found.into_iter().map(|finding| finding.what).collect()
}

#[test]
fn each_rule_finds_its_mistake_and_accepts_its_mend() {
    const SCANS: &str = "looks at every row of notes";
    const INDEX: &str = "builds an index while everybody is kept out of notes";
    const WRITTEN: &str = "note is written into every row of notes";
    for (mistake, line, mend) in [
        (
            "CREATE UNIQUE INDEX notes_note_key ON notes (note)",
            "CREATE UNIQUE INDEX keeps all writes out of notes",
            "-- no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY notes_note_key ON notes (note)",
        ),
        (
            "CREATE INDEX CONCURRENTLY ON notes (note)",
            "CREATE INDEX CONCURRENTLY does not run in a transaction",
            "-- no-transaction\nCREATE INDEX CONCURRENTLY ON notes (note)",
        ),
        (
            "ALTER TABLE desk.notes ADD COLUMN note text NOT NULL",
            "NOT NULL without DEFAULT fails if notes has rows",
            "ALTER TABLE desk.notes ADD COLUMN note text NOT NULL DEFAULT ''",
        ),
        (
            "ALTER TABLE notes ADD note uuid NOT NULL DEFAULT gen_random_uuid()",
            WRITTEN,
            "ALTER TABLE notes ADD note uuid; ALTER TABLE notes ALTER note SET DEFAULT gen_random_uuid()",
        ),
        (
            "ALTER TABLE notes ADD note bigserial",
            WRITTEN,
            "ALTER TABLE notes ADD note bigint",
        ),
        (
            "ALTER TABLE notes ADD note int GENERATED ALWAYS AS (length(body)) STORED",
            WRITTEN,
            "ALTER TABLE notes ADD note int DEFAULT (7)",
        ),
        (
            "ALTER TABLE notes ADD note text UNIQUE",
            INDEX,
            "ALTER TABLE notes ADD note text",
        ),
        (
            "ALTER TABLE notes ADD note text CHECK (note <> '')",
            SCANS,
            "ALTER TABLE notes ADD note text, ADD CONSTRAINT filled CHECK (note <> '') NOT VALID",
        ),
        (
            "ALTER TABLE notes ADD CONSTRAINT of_user FOREIGN KEY (author) REFERENCES users (id)",
            SCANS,
            "ALTER TABLE notes ADD CONSTRAINT of_user FOREIGN KEY (author) REFERENCES users (id) NOT VALID",
        ),
        (
            "ALTER TABLE notes ADD CONSTRAINT filled CHECK (note <> '') NOT VALID; ALTER TABLE notes VALIDATE CONSTRAINT filled",
            "filled is validated in the transaction that adds it",
            "ALTER TABLE notes VALIDATE CONSTRAINT filled",
        ),
        (
            "ALTER TABLE notes ADD CONSTRAINT notes_key UNIQUE (note)",
            INDEX,
            "ALTER TABLE notes ADD CONSTRAINT notes_key UNIQUE USING INDEX notes_key",
        ),
        (
            "ALTER TABLE notes ADD PRIMARY KEY (id)",
            INDEX,
            "ALTER TABLE notes ADD PRIMARY KEY USING INDEX notes_id",
        ),
        (
            "ALTER TABLE notes ALTER COLUMN note SET NOT NULL",
            "SET NOT NULL looks at every row of notes",
            "ALTER TABLE notes ADD CHECK (note IS NOT NULL) NOT VALID; ALTER TABLE notes ALTER note SET NOT NULL",
        ),
        (
            "ALTER TABLE notes RENAME TO x; ALTER TABLE notes ALTER note TYPE text",
            "note is written anew in every row of notes",
            "ALTER TABLE notes ALTER note SET DEFAULT 'x', ALTER note DROP NOT NULL, ALTER note SET STATISTICS 7",
        ),
        (
            "ALTER TABLE notes SET LOGGED",
            "writes all of notes anew",
            "ALTER TABLE notes SET (fillfactor = 50)",
        ),
        (
            "ALTER DOMAIN title ADD CHECK (VALUE <> '')",
            "looks at every row of every table with a column of title",
            "ALTER DOMAIN title ADD CHECK (VALUE <> '') NOT VALID",
        ),
        (
            "VACUUM (FULL) notes",
            "VACUUM FULL writes the table anew",
            "VACUUM notes",
        ),
        (
            "CLUSTER notes USING notes_key",
            "CLUSTER writes the table anew",
            "SELECT 1",
        ),
        (
            "REINDEX TABLE notes",
            "REINDEX keeps writes out",
            "-- no-transaction\nREINDEX TABLE CONCURRENTLY notes",
        ),
        (
            "REFRESH MATERIALIZED VIEW seen",
            "REFRESH keeps readers out of seen",
            "REFRESH MATERIALIZED VIEW CONCURRENTLY seen",
        ),
        (
            "TRUNCATE notes",
            "TRUNCATE removes all rows of notes",
            "DELETE FROM notes WHERE done",
        ),
    ] {
        let found = told(mistake);
        assert!(
            found.len() == 1 && found[0].starts_with(line),
            "{mistake}: {found:?}"
        );
        assert!(found[0].contains(": "), "no mend: {found:?}");
        assert_eq!(told(mend), [""; 0], "{mend}");
    }
}

#[test]
fn a_column_of_a_domain_is_written_into_every_row() {
    let mut known = Known::default();
    let domain = "CREATE DOMAIN title AS text CHECK (VALUE <> '')";
    assert!(migration(domain, &[], &mut known).is_empty());
    let found = migration(
        "ALTER TABLE notes ADD head desk.title, ADD body text",
        &[],
        &mut known,
    );
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0]
            .what
            .starts_with("a column of the domain title is written into every row of notes")
    );
}

#[test]
fn what_a_migration_makes_itself_is_in_nobodys_way() {
    let sql = "CREATE DOMAIN title AS text; ALTER DOMAIN title ADD CHECK (VALUE <> '');
               CREATE TABLE IF NOT EXISTS desk.\"Notes\" (id int, note title);
               CREATE INDEX ON desk.\"Notes\" (note);
               ALTER TABLE desk.\"Notes\" ADD PRIMARY KEY (id), ALTER note SET NOT NULL;
               CREATE MATERIALIZED VIEW seen AS SELECT 1; REFRESH MATERIALIZED VIEW seen";
    assert_eq!(told(sql), [""; 0]);
}

#[test]
fn a_mark_must_not_promise_too_much() {
    for statement in [
        "ALTER TABLE notes DROP COLUMN note",
        "ALTER TABLE notes RENAME note TO body",
        "ALTER TABLE notes ALTER note SET NOT NULL",
        "DROP TABLE notes",
        "DROP FUNCTION f",
    ] {
        let found = told(&format!("-- compatible: expand\n{statement}"));
        assert!(
            found.len() == 1 && found[0].contains("marked `-- compatible: expand`"),
            "{statement}: {found:?}"
        );
        for mark in ["", "-- compatible: since 7\n"] {
            let found = told(&format!("{mark}{statement}"));
            assert!(
                !found.iter().any(|line| line.contains("marked")),
                "{found:?}"
            );
        }
    }
    assert_eq!(
        told(
            "-- compatible: expand\nALTER TABLE notes DROP CONSTRAINT filled; DROP INDEX notes_key"
        ),
        [""; 0]
    );
}

#[test]
fn a_block_is_looked_into() {
    let sql = "DO $$\nBEGIN\n    IF true THEN\n        ALTER TABLE notes ADD note text NOT NULL;\n    END IF;\nEND\n$$";
    let found = migration(sql, &[], &mut Known::default());
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(script::place(sql, 1 + found[0].at).0, 4);
}

#[test]
fn an_escape_stands_for_what_it_names_alone() {
    let sql = "ALTER TABLE notes\n    ADD CONSTRAINT a UNIQUE (note),\n    ADD CONSTRAINT b UNIQUE (body)";
    let left = |escape| -> Vec<usize> {
        let found = migration(sql, &[escape], &mut Known::default());
        found
            .iter()
            .map(|finding| script::place(sql, 1 + finding.at).0)
            .collect()
    };
    assert_eq!(left("ADD CONSTRAINT a UNIQUE"), [3]);
    assert_eq!(left("ADD CONSTRAINT b UNIQUE"), [2]);
    assert_eq!(left("ADD CONSTRAINT c UNIQUE"), [2, 3]);
}
