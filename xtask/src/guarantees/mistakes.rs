//! The mistakes of README's matrix, as edits of a crate that `cargo checked-pg new` made.

use crate::ui::case::Stage;

/// What rejects a mistake, in the words of README.
#[derive(Clone, Copy)]
pub enum By {
    /// `cargo check`, offline.
    Rustc,
    /// `cargo clippy`, offline.
    Clippy,
    /// `cargo checked-pg check`.
    Check,
    /// `cargo checked-pg prepare`.
    Prepare,
    /// `cargo test`.
    Test,
}

impl By {
    /// PostgreSQL's own refusals are seen by whoever writes the statement, when it is prepared.
    pub const fn of(stage: Stage) -> Self {
        match stage {
            Stage::Rustc => Self::Rustc,
            Stage::Clippy => Self::Clippy,
            Stage::SourceCheck => Self::Check,
            Stage::Database | Stage::Prepare => Self::Prepare,
            Stage::Test => Self::Test,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Rustc => "does not compile",
            Self::Clippy => "clippy",
            Self::Check => "`check`",
            Self::Prepare => "`prepare`",
            Self::Test => "a test",
        }
    }
}

/// A change of one file: `put` in the place of `find`, or at the end if that is empty.
pub struct Edit {
    pub file: &'static str,
    pub find: &'static str,
    pub put: &'static str,
}

/// A mistake: its name in README, the case of `tests/ui` for the desk, and how it is made in a crate of one's own.
pub struct Mistake {
    pub name: &'static str,
    pub case: &'static str,
    pub edits: &'static [Edit],
    /// The mistake is one that `prepare` records, and another command must see.
    pub recorded: bool,
    pub by: By,
    pub message: &'static str,
}

const NOTES: &str = "src/notes.rs";
const TESTS: &str = "tests/notes.rs";

const fn end(file: &'static str, put: &'static str) -> Edit {
    Edit {
        file,
        find: "",
        put,
    }
}

const fn change(file: &'static str, find: &'static str, put: &'static str) -> Edit {
    Edit { file, find, put }
}

/// What the crate has beside its example: a second key of the same base type, in a column that may be NULL.
pub const GROWTH: &[Edit] = &[
    end(
        "migrations/0001_notes.sql",
        r#"
CREATE DOMAIN topic AS text COLLATE "C" CONSTRAINT topic_form CHECK (VALUE ~ '^[a-z]{1,40}$');
COMMENT ON DOMAIN topic IS 'What a note is about.';
ALTER TABLE notes ADD COLUMN topic topic;
COMMENT ON COLUMN notes.topic IS 'What it is about.';
"#,
    ),
    change(
        "Cargo.toml",
        "author = \"crate::keys::Author\"\n",
        "author = \"crate::keys::Author\"\ntopic = \"crate::keys::Topic\"\n",
    ),
    end(
        "src/keys.rs",
        r#"
text_key! {
    /// What a note is about, such as `rates`.
    Topic(String) as "topic",
    |text| (1..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase()),
    "one to 40 lower-case letters"
}
"#,
    ),
    change(
        TESTS,
        "keys::{Author, NoteId}",
        "keys::{Author, NoteId, Topic}",
    ),
    change(TESTS, ".key::<Author>()", ".key::<Author>().key::<Topic>()"),
];

/// A function around a statement, at the end of `src/notes.rs`.
macro_rules! statement {
    ($sql:literal $(, $argument:literal)*) => {
        end(
            NOTES,
            concat!(
                "\n/// A mistake.\npub async fn mistake(db: impl PgExecutor<'_>, id: NoteId, author: &Author) -> Result<()> {\n    \
                 let _ = (&id, author);\n    sqlx::query!(r#\"",
                $sql,
                "\"#",
                $(", ", $argument,)*
                ").fetch_optional(db).await?;\n    Ok(())\n}\n"
            ),
        )
    };
}

pub const MISTAKES: &[Mistake] = &[
    Mistake {
        name: "two kinds of keys compared, joined or assigned inside of a statement",
        case: "joined_across_keys",
        edits: &[statement!("SELECT id FROM notes WHERE author = topic")],
        recorded: false,
        by: By::Prepare,
        message: "they are compared",
    },
    Mistake {
        name: "a key compared with just any text",
        case: "any_text_for_a_key_in_the_statement",
        edits: &[statement!(
            "SELECT id FROM notes WHERE author = $1",
            "author.as_str()"
        )],
        recorded: false,
        by: By::Prepare,
        message: "write `$1::author`",
    },
    Mistake {
        name: "one key where another is expected, as the argument of a statement",
        case: "names_swapped_in_the_statement",
        edits: &[change(
            NOTES,
            "        id,\n        author,\n",
            "        author,\n        id,\n",
        )],
        recorded: false,
        by: By::Rustc,
        message: "expected `NoteId`, found `&Author`",
    },
    Mistake {
        name: "a nonexistent column or table, a wrong placeholder, a syntax error",
        case: "column_misspelt",
        edits: &[statement!("SELECT idd FROM notes")],
        recorded: false,
        by: By::Prepare,
        message: "column \"idd\" does not exist",
    },
    Mistake {
        name: "a nullable value taken for NOT NULL",
        case: "null_of_no_rows",
        edits: &[statement!("SELECT max(written_at) AS \"last!\" FROM notes")],
        recorded: false,
        by: By::Prepare,
        message: "of no rows there is none",
    },
    Mistake {
        name: "UPDATE or DELETE without WHERE, LIMIT without ORDER BY, `= NULL`, `now()` where time is a parameter",
        case: "delete_without_where",
        edits: &[statement!("DELETE FROM notes")],
        recorded: false,
        by: By::Prepare,
        message: "DELETE without WHERE changes every row",
    },
    Mistake {
        name: "a forgotten NOT NULL column, or a column that an upsert forgets",
        case: "insert_without_a_column",
        edits: &[statement!(
            "INSERT INTO notes (id, author) VALUES ($1, $2)",
            "id",
            "author"
        )],
        recorded: false,
        by: By::Prepare,
        message: "gives no value for `note`",
    },
    Mistake {
        name: "anything but its document written to a JSONB column",
        case: "json_text_written",
        edits: &[change(
            NOTES,
            "        note,\n        at,\n",
            "        \"{}\",\n        at,\n",
        )],
        recorded: false,
        by: By::Rustc,
        message: "expected `Document<Note>`, found `&str`",
    },
    Mistake {
        name: "a check turned off: `as _`, `AS \"column: Type\"`, `SELECT *`, an unchecked macro",
        case: "argument_as_anything",
        edits: &[change(
            NOTES,
            "        id,\n        author,\n",
            "        id as _,\n        author,\n",
        )],
        recorded: false,
        by: By::Check,
        message: "turns the check of this argument off",
    },
    Mistake {
        name: "SQL built or passed at run time",
        case: "sql_unchecked",
        edits: &[end(
            NOTES,
            "\n/// A mistake.\npub async fn mistake(db: impl PgExecutor<'_>) -> Result<()> {\n    sqlx::query(\"SELECT 1\").execute(db).await?;\n    Ok(())\n}\n",
        )],
        recorded: false,
        by: By::Clippy,
        message: "use sqlx::query!",
    },
    Mistake {
        name: "a connection or a pool opened by hand",
        case: "pool_by_hand",
        edits: &[end(
            NOTES,
            "\n/// A mistake.\npub async fn mistake() -> Result<()> {\n    sqlx::PgPool::connect(\"postgres://db.example\").await?;\n    Ok(())\n}\n",
        )],
        recorded: false,
        by: By::Clippy,
        message: "use Db::connect",
    },
    Mistake {
        name: "BEGIN or COMMIT as a statement",
        case: "transaction_ended_by_a_statement",
        edits: &[statement!("COMMIT")],
        recorded: false,
        by: By::Check,
        message: "`COMMIT` controls the transaction",
    },
    Mistake {
        name: "a migration changed under the committed cache",
        case: "cache_of_other_migrations",
        edits: &[end("migrations/0001_notes.sql", "-- changed\n")],
        recorded: false,
        by: By::Check,
        message: "migrations.lock is of other migrations",
    },
    Mistake {
        name: "a domain and its Rust type with different rules",
        case: "domain_without_a_type",
        edits: &[change("src/keys.rs", "(1..=40)", "(1..=64)")],
        recorded: false,
        by: By::Test,
        message: "topic",
    },
    Mistake {
        name: "a statement that no test executes",
        case: "value_that_a_check_refuses",
        edits: &[statement!(
            "SELECT author FROM notes WHERE id = $1::note_id",
            "id"
        )],
        recorded: true,
        by: By::Test,
        message: "notes::mistake",
    },
    Mistake {
        name: "a live database that someone changed by hand",
        case: "live_database_changed_by_hand",
        edits: &[change(
            TESTS,
            "    let db = database().await;\n    assert_eq!(db.verify",
            "    let db = database().await;\n    db.transaction(async |tx| { sqlx::raw_sql(\"ALTER TABLE notes ALTER written_at TYPE text\").execute(&mut *tx).await?; Ok::<_, Error>(()) }).await.unwrap();\n    assert_eq!(db.verify",
        )],
        recorded: false,
        by: By::Test,
        message: "column written_at is text",
    },
    Mistake {
        name: "a malformed document written by another program",
        case: "document_written_around_the_application",
        edits: &[end(
            TESTS,
            "\n#[tokio::test]\nasync fn mistake() {\n    let db = database().await;\n    sqlx::raw_sql(\"INSERT INTO notes VALUES (gen_random_uuid(), 'ada', '{}', now())\").execute(&db).await.map_err(Error::from).unwrap();\n}\n",
        )],
        recorded: false,
        by: By::Test,
        message: "note_document_form",
    },
];
