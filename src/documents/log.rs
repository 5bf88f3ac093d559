//! Named values that belong to a log message.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Content, Document, Extra};
use crate::types::Invalid;

/// Named values that belong to a log message.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogData {
    /// The values by name.
    pub values: Extra,
}

impl LogData {
    /// Adds a value: anything that serde can write. A `Decimal` is written as text, with all its digits.
    ///
    /// # Errors
    /// [`Invalid`] if the value cannot be written as JSON.
    pub fn with(mut self, name: &str, value: impl Serialize) -> Result<Self, Invalid> {
        let value = serde_json::to_value(value)
            .map_err(|_| Invalid::new(name.to_owned(), "cannot be written as JSON"))?;
        self.values.insert(name.to_owned(), value);
        Ok(self)
    }

    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// As a document; log data has no rule to break.
    #[must_use]
    pub fn into_document(self) -> Document<Self> {
        Document(self)
    }
}

impl Content for LogData {
    const DOMAIN: &'static str = "log_document";

    fn validate(&self) -> Result<(), Invalid> {
        Ok(())
    }
}
