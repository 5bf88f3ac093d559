//! Pages of a list that is read in the order of a key.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};

use crate::error::Invalid;

/// Where a page ended, as a text that is safe in a URL: the client hands it back to get the next page.
///
/// ```
/// use checked_pg::page::PageToken;
///
/// let token = PageToken((7_i64, "b".to_owned()));
/// let text = token.to_string();
/// assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
/// assert_eq!(text.parse(), Ok(token));
/// assert!("nonsense".parse::<PageToken<(i64, String)>>().is_err());
/// ```
///
/// It is opaque, not secret: whoever wants to can read the key in it, so a statement must not trust it more than any input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageToken<K>(pub K);

impl<K: Serialize> fmt::Display for PageToken<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_vec(&self.0).map_err(|_| fmt::Error)?;
        f.write_str(&URL_SAFE_NO_PAD.encode(json))
    }
}

impl<K: DeserializeOwned> FromStr for PageToken<K> {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let key = URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok());
        key.map(Self).ok_or_else(|| {
            Invalid::new(
                "page token",
                "is not one that a page of this list ended with",
            )
        })
    }
}

impl<K: Serialize> Serialize for PageToken<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: DeserializeOwned> Deserialize<'de> for PageToken<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
