//! Numeric keys and amounts.

/// What the numeric types share: text, conversion, serde and the wire, always through the type's own `new`.
///
/// `number_key!(Price, Decimal as "price")` wants a `struct Price(Decimal)` with a
/// `fn new(Decimal) -> Result<Price, Invalid>`; `number_key!(Weeks, i32 as "weeks")` the same over a machine integer, `i32` or `i64`.
#[macro_export]
macro_rules! number_key {
    ($name:ident, Decimal as $domain:literal) => {
        $crate::key::number_key!(
            $name,
            $crate::rust_decimal::Decimal,
            $domain,
            |text| $crate::exact::parse(text),
            "must be a number of at most 28 digits, such as 12.5",
            $crate::exact,
            $crate::numeric::decode
        );
    };
    ($name:ident, i32 as $domain:literal) => {
        $crate::key::number_key!(
            $name,
            i32,
            $domain,
            |text| text.parse().ok(),
            "must be a whole number",
            $crate::key::integer,
            $crate::sqlx::Decode::<$crate::sqlx::Postgres>::decode
        );
    };
    ($name:ident, i64 as $domain:literal) => {
        $crate::key::number_key!(
            $name,
            i64,
            $domain,
            |text| text.parse().ok(),
            "must be a whole number",
            $crate::key::integer,
            $crate::sqlx::Decode::<$crate::sqlx::Postgres>::decode
        );
    };
    ($name:ident, $base:ty, $domain:literal, $parse:expr, $expected:literal, $json:path, $decode:expr) => {
        impl $crate::key::Key for $name {
            const DOMAIN: &'static str = $domain;
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::error::Invalid;

            fn from_str(text: &str) -> Result<Self, $crate::error::Invalid> {
                let parse: fn(&str) -> Option<$base> = $parse;
                Self::new(
                    parse(text).ok_or_else(|| $crate::error::Invalid::new($domain, $expected))?,
                )
            }
        }

        impl TryFrom<$base> for $name {
            type Error = $crate::error::Invalid;

            fn try_from(value: $base) -> Result<Self, $crate::error::Invalid> {
                Self::new(value)
            }
        }

        impl $crate::__private::serde::Serialize for $name {
            fn serialize<S: $crate::__private::serde::Serializer>(
                &self,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                use $json as json;
                json::serialize(&self.0, serializer)
            }
        }

        impl<'de> $crate::__private::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::__private::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                use $json as json;
                Self::new(json::deserialize(deserializer)?)
                    .map_err($crate::__private::serde::de::Error::custom)
            }
        }

        $crate::key::pg_over!($name, $base, |number| number.0, $name::new, $decode);
    };
}

/// A machine integer needs nothing special in JSON.
pub mod integer {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(missing_docs, clippy::missing_errors_doc, reason = "serde's pair")]
    pub fn serialize<T: Serialize, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.serialize(serializer)
    }

    #[expect(missing_docs, clippy::missing_errors_doc, reason = "serde's pair")]
    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        T::deserialize(deserializer)
    }
}
