use std::{borrow::Cow, fmt};

/// A value that breaks a rule of its type: which field, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The type or the path of the field, such as `week_id` or `entry_policy.mode`.
    pub field: Cow<'static, str>,
    /// What is wrong and what would be right, in one line.
    pub why: Cow<'static, str>,
}

impl Invalid {
    /// Says that `field` breaks a rule.
    pub fn new(field: impl Into<Cow<'static, str>>, why: impl Into<Cow<'static, str>>) -> Self {
        Self {
            field: field.into(),
            why: why.into(),
        }
    }

    /// The same finding, seen from the value that holds the field: `outer.field`, or `outer` if the value as a whole is
    /// wrong and `field` is empty.
    #[must_use]
    pub fn within(mut self, outer: &str) -> Self {
        self.field = match &*self.field {
            "" => outer.to_owned(),
            field => format!("{outer}.{field}"),
        }
        .into();
        self
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.why)
    }
}

impl std::error::Error for Invalid {}
