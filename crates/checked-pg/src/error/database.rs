use sqlx::postgres::PgDatabaseError;
use std::{error, fmt};

/// What the server said, without anything that may hold a value of a row or a parameter.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseError(Box<Parts>);

#[derive(Clone, PartialEq, Eq, Default)]
struct Parts {
    code: String,
    message: Option<String>,
    table: Option<String>,
    column: Option<String>,
    constraint: Option<String>,
    detail: Option<String>,
    hint: Option<String>,
}

impl DatabaseError {
    pub(crate) fn new(code: &str, message: &str) -> Self {
        Self(Box::new(Parts {
            code: code.to_owned(),
            message: Some(message.to_owned()),
            ..Parts::default()
        }))
    }

    /// What the server says about a migration: all of it, except where it repeats what is in rows.
    pub(crate) fn of_definition(error: &PgDatabaseError) -> Self {
        let owned = |said: Option<&str>| said.map(str::to_owned);
        let class = error.code().get(..2).unwrap_or_default();
        // 22 repeats a value. P0 is said by a function, of which only a DO block is the migration's own.
        let own_block = || {
            let place = error.r#where().unwrap_or_default();
            place.starts_with("PL/pgSQL function inline_code_block")
        };
        let speaks = match class {
            "22" => false,
            "P0" => own_block(),
            _ => true,
        };
        // The detail of 23 is a row or its key.
        let says_more = speaks && class != "23";
        let mut parts = Self::from(error);
        parts.0.message = owned(speaks.then(|| error.message()));
        parts.0.detail = owned(error.detail().filter(|_| says_more));
        parts.0.hint = owned(error.hint().filter(|_| says_more));
        parts
    }

    /// The five-character SQLSTATE code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// The server's message, if errors of this code never repeat values.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// More about it. Only of a migration, and only if it repeats no row.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// What the server advises. Only of a migration, and only if it repeats no row.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// True if the role of this program lacks a right on a table.
    pub(crate) fn lacks_right(&self) -> bool {
        let said = self.0.message.as_deref().unwrap_or_default();
        self.0.code == "42501" && said.starts_with("permission denied for table")
    }

    /// The table that the error is about.
    #[must_use]
    pub fn table(&self) -> Option<&str> {
        self.0.table.as_deref()
    }

    /// The column that the error is about.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        self.0.column.as_deref()
    }

    /// The constraint that the error is about.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        self.0.constraint.as_deref()
    }
}

impl From<&PgDatabaseError> for DatabaseError {
    fn from(error: &PgDatabaseError) -> Self {
        let owned = |name: Option<&str>| name.map(str::to_owned);
        Self(Box::new(Parts {
            code: error.code().to_owned(),
            message: owned(repeats_no_values(error).then(|| error.message())),
            table: owned(error.table()),
            column: owned(error.column()),
            constraint: owned(error.constraint()),
            detail: None,
            hint: None,
        }))
    }
}

/// An allow list: of these classes PostgreSQL's own messages hold names and fixed text. Left out are 22 ("invalid input
/// syntax for type numeric: …"), P0 and whatever else a function raises, and XX000, where extensions land.
fn repeats_no_values(error: &PgDatabaseError) -> bool {
    const CLASSES: [&str; 18] = [
        "08", // connection exception
        "0A", // feature not supported
        "21", // cardinality violation
        "25", // invalid transaction state
        "26", // invalid statement name
        "28", // invalid authorization
        "2B", // dependent objects
        "34", // invalid cursor name
        "3D", // invalid catalog name
        "3F", // invalid schema name
        "40", // transaction rollback
        "42", // syntax error or access rule violation
        "53", // insufficient resources
        "54", // program limit exceeded
        "55", // object not in prerequisite state
        "57", // operator intervention
        "58", // system error: files and libraries of the server
        "F0", // configuration file error
    ];
    const DAMAGE: [&str; 2] = ["XX001", "XX002"]; // a page of a table, an index
    let class = error.code().get(..2).unwrap_or_default();
    (CLASSES.contains(&class) || DAMAGE.contains(&error.code()))
        && error.routine() != Some("exec_stmt_raise")
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = &*self.0;
        match &parts.message {
            Some(message) => write!(f, "{message} (SQLSTATE {})", parts.code)?,
            None => write!(f, "{} (SQLSTATE {})", describe(&parts.code), parts.code)?,
        }
        let places = [
            ("table", &parts.table),
            ("column", &parts.column),
            ("constraint", &parts.constraint),
        ];
        for (what, name) in places {
            if let Some(name) = name {
                write!(f, ", {what} `{name}`")?;
            }
        }
        for more in [&parts.detail, &parts.hint].into_iter().flatten() {
            write!(f, "; {}", more.lines().collect::<Vec<_>>().join("; "))?;
        }
        Ok(())
    }
}

/// Stands in for a message that may repeat values.
fn describe(code: &str) -> &'static str {
    match code.get(..2).unwrap_or_default() {
        "22" => "the server rejected a value",
        "23" => "a constraint refused the write",
        "P0" => "a function or trigger of the database raised an error",
        _ => "the server reported an error",
    }
}

impl fmt::Debug for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseError")
            .field("code", &self.0.code)
            .field("message", &self.0.message)
            .field("table", &self.0.table)
            .field("column", &self.0.column)
            .field("constraint", &self.0.constraint)
            .field("detail", &self.0.detail)
            .field("hint", &self.0.hint)
            .finish()
    }
}

impl error::Error for DatabaseError {}
