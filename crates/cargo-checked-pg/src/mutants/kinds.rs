//! The kinds of mistakes.

/// A kind of mistake, which a report counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Border,
    Equality,
    Order,
    Nulls,
    Connective,
    Condition,
    Existence,
    Limit,
    Lock,
    ForgottenColumn,
    SwappedColumn,
    OtherColumn,
    DistinctOn,
    Frame,
    Aggregate,
    Arithmetic,
    Join,
    Union,
    Check,
    CheckBorder,
    Unique,
    Index,
    ForeignKey,
    OnDelete,
    NotNull,
}

impl Kind {
    pub const ALL: [Self; 25] = [
        Self::Border,
        Self::Equality,
        Self::Order,
        Self::Nulls,
        Self::Connective,
        Self::Condition,
        Self::Existence,
        Self::Limit,
        Self::Lock,
        Self::ForgottenColumn,
        Self::SwappedColumn,
        Self::OtherColumn,
        Self::DistinctOn,
        Self::Frame,
        Self::Aggregate,
        Self::Arithmetic,
        Self::Join,
        Self::Union,
        Self::Check,
        Self::CheckBorder,
        Self::Unique,
        Self::Index,
        Self::ForeignKey,
        Self::OnDelete,
        Self::NotNull,
    ];

    /// Whether it is made in a migration, not in a statement.
    pub fn is_of_schema(self) -> bool {
        self >= Self::Check
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Border => "move a border",
            Self::Equality => "`<>` for `=`",
            Self::Order => "change the order",
            Self::Nulls => "move NULL, or compare without it",
            Self::Connective => "AND for OR",
            Self::Condition => "drop a condition",
            Self::Existence => "negate a condition",
            Self::Limit => "raise a limit",
            Self::Lock => "drop a lock, or change its strength",
            Self::ForgottenColumn => "forget a column of an update",
            Self::SwappedColumn => "swap two columns of a list",
            Self::OtherColumn => "take another column of the type",
            Self::DistinctOn => "drop a column of DISTINCT ON, or DISTINCT",
            Self::Frame => "change a frame or a partition",
            Self::Aggregate => "take another aggregate",
            Self::Arithmetic => "change a sign or a number",
            Self::Join => "join differently",
            Self::Union => "UNION for UNION ALL",
            Self::Check => "drop a CHECK",
            Self::CheckBorder => "weaken a CHECK",
            Self::Unique => "drop a UNIQUE, or a column of it",
            Self::Index => "drop an index",
            Self::ForeignKey => "drop a foreign key",
            Self::OnDelete => "another ON DELETE",
            Self::NotNull => "drop a NOT NULL",
        }
    }
}
