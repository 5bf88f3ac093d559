//! JSONB documents, typed when written and when read.
//!
//! A [`Document`] holds its content read-only and is valid when it is made: [`Document::new`] and reading JSON check every
//! rule and name the field that breaks one. What comes out of the database must have the shape, but old rows that break a
//! rule that was made later can still be read.
//!
//! A document of your own is a type with [`Content`] over a domain of your own over `jsonb`.

mod json;

use std::{fmt, ops::Deref};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, DeserializeOwned},
};
use serde_json::value::RawValue;
use sqlx::{
    Decode, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef},
    types::Json,
};

pub use json::{Extra, no_number, or_empty, parse, storable};

use crate::error::Invalid;

/// What a JSONB column of a document domain may hold.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the content of a document",
    note = "implement `Content` for it and make a domain over jsonb for it, such as `CREATE DOMAIN note_document AS jsonb`"
)]
pub trait Content: Serialize + DeserializeOwned {
    /// The database domain of the document.
    const DOMAIN: &'static str;

    /// Checks the rules that the field types cannot express.
    ///
    /// # Errors
    /// [`Invalid`] with the path of the field.
    fn validate(&self) -> Result<(), Invalid>;

    /// Reads the content from JSON. A content with several shapes has its own, which first looks which one it is.
    ///
    /// # Errors
    /// [`Invalid`] with the path of the field, or without a field if the JSON as a whole does not fit.
    fn parse(json: &str) -> Result<Self, Invalid> {
        json::parse(json)
    }
}

/// A valid JSONB document.
///
/// Reads like its content; to change it take it out ([`into_inner`](Self::into_inner)) and make a new one.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Document<C>(C);

impl<C: Content> Document<C> {
    /// Takes `content` if it is valid.
    ///
    /// # Errors
    /// [`Invalid`] says which field breaks a rule, and why.
    pub fn new(content: C) -> Result<Self, Invalid> {
        json::writable(&content).map_err(|e| e.within(C::DOMAIN))?;
        Self::checked(content)
    }

    /// Reads a document from JSON.
    ///
    /// # Errors
    /// [`Invalid`] says which field does not fit, and why; it repeats no value but the date of a wrong week.
    pub fn from_json(json: &str) -> Result<Self, Invalid> {
        json::storable(json).map_err(|e| e.within(C::DOMAIN))?;
        Self::checked(Self::parse(json)?)
    }

    fn checked(content: C) -> Result<Self, Invalid> {
        content.validate().map_err(|e| e.within(C::DOMAIN))?;
        Ok(Self(content))
    }

    fn parse(json: &str) -> Result<C, Invalid> {
        C::parse(json).map_err(|e| e.within(C::DOMAIN))
    }

    /// The content, to change it or to keep it.
    #[must_use]
    pub fn into_inner(self) -> C {
        self.0
    }
}

impl<C> Deref for Document<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.0
    }
}

impl<C: fmt::Debug> fmt::Debug for Document<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de, C: Content> Deserialize<'de> for Document<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::from_json(raw.get()).map_err(de::Error::custom)
    }
}

impl<C> Type<Postgres> for Document<C> {
    fn type_info() -> PgTypeInfo {
        <Json<C> as Type<Postgres>>::type_info()
    }

    fn compatible(ty: &PgTypeInfo) -> bool {
        <Json<C> as Type<Postgres>>::compatible(ty)
    }
}

impl<C> PgHasArrayType for Document<C> {
    fn array_type_info() -> PgTypeInfo {
        <Json<C> as PgHasArrayType>::array_type_info()
    }

    fn array_compatible(ty: &PgTypeInfo) -> bool {
        <Json<C> as PgHasArrayType>::array_compatible(ty)
    }
}

impl<C: Content> Encode<'_, Postgres> for Document<C> {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Json(&self.0).encode_by_ref(buf)
    }
}

impl<C: Content> Decode<'_, Postgres> for Document<C> {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        /// First byte of binary JSONB; no JSON text begins with it.
        const JSONB_VERSION: u8 = 1;
        let bytes = value.as_bytes()?;
        let json = bytes.strip_prefix(&[JSONB_VERSION]).unwrap_or(bytes);
        // Once for all of it: from bytes, serde would check each text of the document by itself.
        Ok(Self(Self::parse(str::from_utf8(json)?)?))
    }
}

/// Where a statement has a bare JSONB parameter or column, this type stands, which has no value: cast a parameter to the
/// domain of the document that it is (`$1::note_document`), and name a column in `sqlx.toml`.
#[derive(Debug, Clone, Copy)]
pub enum UntypedJsonb {}

/// No type has it: a column of an [`UntypedJsonb`] asks for it, so that the compiler says what to write instead.
#[diagnostic::on_unimplemented(
    message = "a JSONB column of this statement has no document type",
    note = "a column of a table gets its type from `[macros.table-overrides]` in sqlx.toml: name it there",
    note = "through COALESCE, another function or UNION a column loses its name: select the column itself"
)]
pub trait HasDocumentType<'r> {}

impl<'r> Decode<'r, Postgres> for UntypedJsonb
where
    Self: HasDocumentType<'r>,
{
    fn decode(_: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        Err("bare JSONB is not decoded".into())
    }
}

impl Type<Postgres> for UntypedJsonb {
    fn type_info() -> PgTypeInfo {
        <Json<()> as Type<Postgres>>::type_info()
    }
}
