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
}

impl DatabaseError {
    pub(crate) fn new(code: &str, message: &str) -> Self {
        Self(Box::new(Parts {
            code: code.to_owned(),
            message: Some(message.to_owned()),
            ..Parts::default()
        }))
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
        }))
    }
}

/// An allow list: of these classes PostgreSQL's own messages hold names and fixed text. Left out are 22 ("invalid input
/// syntax for type numeric: …"), P0 and whatever else a function raises, and XX, where extensions land.
fn repeats_no_values(error: &PgDatabaseError) -> bool {
    const CLASSES: [&str; 16] = [
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
    ];
    let class = error.code().get(..2).unwrap_or_default();
    CLASSES.contains(&class) && error.routine() != Some("exec_stmt_raise")
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
            .finish()
    }
}

impl error::Error for DatabaseError {}
