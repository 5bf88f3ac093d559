//! What every newtype over a database domain shares, one macro per family.
//!
//! On the wire each type is its domain's base type, and [`Decode`](sqlx::Decode) checks the value again: a row written
//! around the domain is an error that names the type, never a value that breaks its own rules.

use chrono::{DateTime, Utc};
use uuid::{NoContext, Timestamp, Uuid};

mod number;

#[doc(hidden)]
pub use number::integer;

/// A type over a database domain. The macros of this module implement it; a test compares the two, value by value
/// (`checked_pg::testing::Parity`).
pub trait Key {
    /// The domain.
    const DOMAIN: &'static str;
    /// Texts that the test tries besides those that it makes; all words of a closed set, for instance.
    const SAMPLES: &'static [&'static str] = &[];
}

/// A version 7 UUID of this time. Times before 1970 count as 1970: the format has no room for them.
#[doc(hidden)]
#[must_use]
pub fn uuid_v7(at: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(at.timestamp()).unwrap_or(0);
    Uuid::new_v7(Timestamp::from_unix(
        NoContext,
        seconds,
        at.timestamp_subsec_nanos(),
    ))
}

/// The traits of a type whose text form is its only form: `as_str` and `FromStr` are written by hand or by [`text_key!`].
#[macro_export]
macro_rules! text_traits {
    ($name:ident, $domain:literal $(, $sample:literal)*) => {
        impl $crate::key::Key for $name {
            const DOMAIN: &'static str = $domain;
            const SAMPLES: &'static [&'static str] = &[$($sample),*];
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl TryFrom<&str> for $name {
            type Error = $crate::error::Invalid;

            fn try_from(text: &str) -> Result<Self, $crate::error::Invalid> {
                text.parse()
            }
        }

        impl $crate::__private::serde::Serialize for $name {
            fn serialize<S: $crate::__private::serde::Serializer>(
                &self,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        $crate::key::deserialize_from_str!($name, $domain);

        impl $crate::sqlx::Type<$crate::sqlx::Postgres> for $name {
            fn type_info() -> $crate::sqlx::postgres::PgTypeInfo {
                <str as $crate::sqlx::Type<$crate::sqlx::Postgres>>::type_info()
            }

            fn compatible(ty: &$crate::sqlx::postgres::PgTypeInfo) -> bool {
                <str as $crate::sqlx::Type<$crate::sqlx::Postgres>>::compatible(ty)
            }
        }

        impl $crate::sqlx::postgres::PgHasArrayType for $name {
            fn array_type_info() -> $crate::sqlx::postgres::PgTypeInfo {
                <&str as $crate::sqlx::postgres::PgHasArrayType>::array_type_info()
            }

            fn array_compatible(ty: &$crate::sqlx::postgres::PgTypeInfo) -> bool {
                <&str as $crate::sqlx::postgres::PgHasArrayType>::array_compatible(ty)
            }
        }

        impl $crate::sqlx::Encode<'_, $crate::sqlx::Postgres> for $name {
            fn encode_by_ref(
                &self,
                buf: &mut $crate::sqlx::postgres::PgArgumentBuffer,
            ) -> Result<$crate::sqlx::encode::IsNull, $crate::sqlx::error::BoxDynError> {
                <&str as $crate::sqlx::Encode<'_, $crate::sqlx::Postgres>>::encode_by_ref(
                    &self.as_str(),
                    buf,
                )
            }
        }

        impl $crate::sqlx::Decode<'_, $crate::sqlx::Postgres> for $name {
            fn decode(
                value: $crate::sqlx::postgres::PgValueRef<'_>,
            ) -> Result<Self, $crate::sqlx::error::BoxDynError> {
                let text =
                    <&str as $crate::sqlx::Decode<'_, $crate::sqlx::Postgres>>::decode(value)?;
                Ok(text.parse::<Self>()?)
            }
        }
    };
}

/// Reads the type from its text form, in any serde format.
#[macro_export]
macro_rules! deserialize_from_str {
    ($name:ident, $domain:literal) => {
        impl<'de> $crate::__private::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::__private::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                struct Text;

                impl $crate::__private::serde::de::Visitor<'_> for Text {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("a string with a valid ", $domain))
                    }

                    fn visit_str<E: $crate::__private::serde::de::Error>(
                        self,
                        text: &str,
                    ) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }

                deserializer.deserialize_str(Text)
            }
        }
    };
}

/// A newtype over text: its storage, its domain, the rule as a predicate and the rule in words.
#[macro_export]
macro_rules! text_key {
    ($(#[$meta:meta])* $name:ident($repr:ty) as $domain:literal, $is_valid:expr, $rule:literal) => {
        $(#[$meta])*
        ///
        #[doc = concat!("Rule: ", $rule, ".")]
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($repr);

        impl $name {
            #[doc = concat!("Takes `text` if it is a valid ", $domain, ".")]
            ///
            /// # Errors
            #[doc = concat!("[`Invalid`](checked_pg::error::Invalid) unless the rule holds: ", $rule, ".")]
            pub fn new(text: &str) -> Result<Self, $crate::error::Invalid> {
                let invalid = || $crate::error::Invalid::new($domain, $rule);
                let is_valid: fn(&str) -> bool = $is_valid;
                if !is_valid(text) {
                    return Err(invalid());
                }
                <$repr>::try_from(text).map(Self).map_err(|_| invalid())
            }

            /// The text as it is stored.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::error::Invalid;

            fn from_str(text: &str) -> Result<Self, $crate::error::Invalid> {
                Self::new(text)
            }
        }

        $crate::key::text_traits!($name, $domain);
    };
}

/// A closed set of words over a text domain. Further spellings after the first are read, never written.
#[macro_export]
macro_rules! closed_set {
    (
        $(#[$meta:meta])*
        $name:ident as $domain:literal {
            $($(#[$variant_meta:meta])* $variant:ident = $text:literal $(| $also:literal)*,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as it is stored.
            #[must_use]
            pub const fn as_str(&self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::error::Invalid;

            fn from_str(text: &str) -> Result<Self, $crate::error::Invalid> {
                match text {
                    $($text $(| $also)* => Ok(Self::$variant),)+
                    _ => Err($crate::error::Invalid::new($domain, concat!("must be one of:" $(, " ", $text)+))),
                }
            }
        }

        $crate::key::text_traits!($name, $domain $(, $text $(, $also)*)+);
    };
}

/// The wire traits of a type over a base type that sqlx knows: how to get the base value, and how to check one.
#[macro_export]
macro_rules! pg_over {
    ($name:ident, $base:ty, $to_base:expr, $from_base:expr) => {
        $crate::key::pg_over!(
            $name,
            $base,
            $to_base,
            $from_base,
            $crate::sqlx::Decode::<$crate::sqlx::Postgres>::decode
        );
    };
    ($name:ident, $base:ty, $to_base:expr, $from_base:expr, $decode:expr) => {
        impl $crate::sqlx::Type<$crate::sqlx::Postgres> for $name {
            fn type_info() -> $crate::sqlx::postgres::PgTypeInfo {
                <$base as $crate::sqlx::Type<$crate::sqlx::Postgres>>::type_info()
            }

            fn compatible(ty: &$crate::sqlx::postgres::PgTypeInfo) -> bool {
                <$base as $crate::sqlx::Type<$crate::sqlx::Postgres>>::compatible(ty)
            }
        }

        impl $crate::sqlx::postgres::PgHasArrayType for $name {
            fn array_type_info() -> $crate::sqlx::postgres::PgTypeInfo {
                <$base as $crate::sqlx::postgres::PgHasArrayType>::array_type_info()
            }

            fn array_compatible(ty: &$crate::sqlx::postgres::PgTypeInfo) -> bool {
                <$base as $crate::sqlx::postgres::PgHasArrayType>::array_compatible(ty)
            }
        }

        impl $crate::sqlx::Encode<'_, $crate::sqlx::Postgres> for $name {
            fn encode_by_ref(
                &self,
                buf: &mut $crate::sqlx::postgres::PgArgumentBuffer,
            ) -> Result<$crate::sqlx::encode::IsNull, $crate::sqlx::error::BoxDynError> {
                let to_base: fn($name) -> $base = $to_base;
                <$base as $crate::sqlx::Encode<'_, $crate::sqlx::Postgres>>::encode_by_ref(
                    &to_base(*self),
                    buf,
                )
            }
        }

        impl $crate::sqlx::Decode<'_, $crate::sqlx::Postgres> for $name {
            fn decode(
                value: $crate::sqlx::postgres::PgValueRef<'_>,
            ) -> Result<Self, $crate::sqlx::error::BoxDynError> {
                let from_base: fn($base) -> Result<$name, $crate::error::Invalid> = $from_base;
                Ok(from_base($decode(value)?)?)
            }
        }
    };
}

/// An id over a uuid domain: its own type, so that two ids cannot be swapped.
#[macro_export]
macro_rules! uuid_key {
    ($(#[$meta:meta])* $name:ident as $domain:literal) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($crate::uuid::Uuid);

        impl $name {
            /// Makes a new id (UUID version 7) for a row created `at` this time: ids of later rows sort later.
            #[must_use]
            pub fn generate(
                at: impl ::core::convert::Into<$crate::chrono::DateTime<$crate::chrono::Utc>>,
            ) -> Self {
                let at = at.into();
                Self($crate::key::uuid_v7(at))
            }

            /// Wraps an id that already exists.
            #[must_use]
            pub const fn from_uuid(uuid: $crate::uuid::Uuid) -> Self {
                Self(uuid)
            }

            /// The bare UUID.
            #[must_use]
            pub const fn as_uuid(&self) -> $crate::uuid::Uuid {
                self.0
            }
        }

        impl $crate::key::Key for $name {
            const DOMAIN: &'static str = $domain;
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::error::Invalid;

            fn from_str(text: &str) -> Result<Self, $crate::error::Invalid> {
                $crate::uuid::Uuid::try_parse(text).map(Self).map_err(|_| {
                    $crate::error::Invalid::new($domain, "must be a UUID, such as 01890a5d-ac96-774b-bcce-b302099a8057")
                })
            }
        }

        impl $crate::__private::serde::Serialize for $name {
            fn serialize<S: $crate::__private::serde::Serializer>(
                &self,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                $crate::__private::serde::Serialize::serialize(&self.0, serializer)
            }
        }

        impl<'de> $crate::__private::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::__private::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                $crate::__private::serde::Deserialize::deserialize(deserializer).map(Self)
            }
        }

        $crate::key::pg_over!($name, $crate::uuid::Uuid, |id| id.0, |uuid| Ok($name(uuid)));
    };
}

pub use crate::{
    closed_set, deserialize_from_str, number_key, pg_over, text_key, text_traits, uuid_key,
};
