//! Named values that belong to a log message.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Content, Extra, json};
use crate::types::Invalid;

/// Named values that belong to a log message.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogData {
    values: Extra,
}

impl LogData {
    /// Adds a value: anything that serde can write. A number is held as `serde_json` holds it, in an integer or an `f64`: an
    /// `Amount` survives that, a decimal of more than 15 digits does not.
    ///
    /// # Errors
    /// [`Invalid`] if the value cannot be written as JSON, or JSONB cannot hold it since it has a U+0000.
    pub fn with(mut self, name: &str, value: impl Serialize) -> Result<Self, Invalid> {
        let not_json = |_| Invalid::new(name.to_owned(), "cannot be written as JSON");
        let value = serde_json::to_value(value).map_err(not_json)?;
        let json = serde_json::to_string(&(name, &value)).map_err(not_json)?;
        json::storable(&json).map_err(|e| e.within(name))?;
        self.values.insert(name.to_owned(), value);
        Ok(self)
    }

    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// The names and their values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values
            .iter()
            .map(|(name, value)| (name.as_str(), value))
    }
}

impl Content for LogData {
    const DOMAIN: &'static str = "log_document";

    fn validate(&self) -> Result<(), Invalid> {
        Ok(())
    }
}
