//! What the server says about a definition reaches whoever migrates; what is in rows does not.

use super::*;

/// What is said when a migration fails, after one that made a table.
async fn said(sql: &'static str) -> String {
    let bank = Bank::open().await;
    let db = bank.db(1).await;
    let first = "CREATE TABLE notes (id int PRIMARY KEY, note text);
                 INSERT INTO notes VALUES (1, 's3cret'), (2, 's3cret');
                 CREATE VIEW all_notes AS SELECT * FROM notes;
                 CREATE VIEW long_notes AS SELECT * FROM notes WHERE length(note) > 9;
                 CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql
                 AS $$ BEGIN RAISE 'no more of %', NEW.note; END $$;
                 CREATE TRIGGER tell BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION tell()";
    let both = migrator(vec![migration(1, first), migration(2, sql)]);
    let error = db.migrate_with(&both).await.unwrap_err();
    assert_silent(&error, "s3cret");
    error.to_string()
}

#[tokio::test]
async fn the_place_is_a_line_and_a_column() {
    assert_eq!(
        said("-- Äh.\n\nALTER TABLE notes ADD more int;\nALTER TABLE notes\n    ADD COLUMN ü nosuchtype;").await,
        "migration 2 failed at line 5, column 18: type \"nosuchtype\" does not exist (SQLSTATE 42704)"
    );
    assert_eq!(
        said("SELECT 1;\nCREATE TABLE (id int)").await,
        "migration 2 failed at line 2, column 14: syntax error at or near \"(\" (SQLSTATE 42601)"
    );
}

#[tokio::test]
async fn details_and_hints_are_told() {
    assert_eq!(
        said("DROP TABLE notes").await,
        "migration 2 failed: cannot drop table notes because other objects depend on it (SQLSTATE 2BP01); \
         view all_notes depends on table notes; view long_notes depends on table notes; \
         Use DROP ... CASCADE to drop the dependent objects too."
    );
    let told = said("ALTER TABLE notes ALTER note TYPE varchar(9)").await;
    assert!(
        told.contains("cannot alter type of a column used by a view"),
        "{told}"
    );
    let told = said("CREATE TABLE more AS SELECT notee FROM notes").await;
    assert!(
        told.contains("Perhaps you meant to reference the column \"notes.note\"."),
        "{told}"
    );
}

#[tokio::test]
async fn classes_of_the_system_are_told() {
    let told = said("LOAD '/no/such/library'").await;
    assert!(
        told.contains("could not access file \"/no/such/library\""),
        "{told}"
    );
    for code in ["XX000", "F0000", "58030"] {
        let raise: String = format!(
            "DO $$ BEGIN RAISE SQLSTATE '{code}' USING MESSAGE = 'its own words', HINT = 'a hint'; END $$"
        );
        let told = said(raise.leak()).await;
        assert_eq!(
            told,
            format!("migration 2 failed: its own words (SQLSTATE {code}); a hint")
        );
    }
}

#[tokio::test]
async fn a_block_of_the_migration_says_what_it_raises() {
    let told =
        said("DO $$ BEGIN RAISE 'move the notes first' USING HINT = 'see the guide'; END $$").await;
    assert_eq!(
        told,
        "migration 2 failed: move the notes first (SQLSTATE P0001); see the guide"
    );
}

#[tokio::test]
async fn what_is_in_rows_is_not_told() {
    for (sql, told) in [
        (
            "CREATE UNIQUE INDEX notes_note_key ON notes (note)",
            "could not create unique index \"notes_note_key\" (SQLSTATE 23505)",
        ),
        (
            "ALTER TABLE notes ADD CHECK (note <> 's3cret')",
            "check constraint \"notes_note_check\" of relation \"notes\" is violated by some row (SQLSTATE 23514)",
        ),
        (
            "DROP VIEW long_notes, all_notes; ALTER TABLE notes ALTER note TYPE int USING note::int",
            "the server rejected a value (SQLSTATE 22P02)",
        ),
        (
            "INSERT INTO notes VALUES (3, NULL); ALTER TABLE notes ALTER note SET NOT NULL",
            "column \"note\" of relation \"notes\" contains null values (SQLSTATE 23502)",
        ),
        (
            "UPDATE notes SET note = 'x s3cret'",
            "a function or trigger of the database raised an error (SQLSTATE P0001)",
        ),
    ] {
        let said = said(sql).await;
        assert!(said.contains(told), "{said}");
    }
}
