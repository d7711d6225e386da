//! A line of a log as its keys and the texts of their values: what is compared and shown where two
//! lines differ. Understands none of them.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// One key with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawField<'a> {
    /// The key.
    pub key: Cow<'a, str>,
    /// The value's JSON text, as it stands in the line.
    pub value: &'a str,
}

/// Why a line is no JSON of the form that it should have, in words that follow the line's number.
pub(super) fn format_json_error(error: &serde_json::Error) -> String {
    // It counts lines within the line.
    format!("is not readable: {}", error.to_string().replace(" at line 1 column ", " at column "))
}

/// The keys of a line, in their order; `None` if it is no JSON object, or has a key twice.
#[must_use]
pub fn parse_fields(line: &[u8]) -> Option<Vec<RawField<'_>>> {
    let text = std::str::from_utf8(line).ok()?;
    serde_json::from_str::<RawFields<'_>>(text).ok().map(|fields| fields.0)
}

struct RawFields<'a>(Vec<RawField<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for RawFields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RawFields<'a>, D::Error> {
        struct RawFieldsVisitor;
        impl<'de> Visitor<'de> for RawFieldsVisitor {
            type Value = RawFields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawFields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some((key, value)) = map.next_entry::<CowStr<'de>, &'de RawValue>()? {
                    if fields.iter().any(|field: &RawField<'_>| field.key == key.0) {
                        return Err(A::Error::custom(format_args!("duplicate field `{}`", &*key)));
                    }
                    fields.push(RawField { key: key.0, value: value.get() });
                }
                Ok(RawFields(fields))
            }
        }
        deserializer.deserialize_map(RawFieldsVisitor)
    }
}

/// A string of a line, borrowed from it unless it has escapes. (serde itself borrows no optional one.)
#[derive(Debug, Default)]
pub(super) struct CowStr<'a>(pub(super) Cow<'a, str>);

impl Deref for CowStr<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for CowStr<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<CowStr<'a>, D::Error> {
        struct CowStrVisitor;
        impl<'de> Visitor<'de> for CowStrVisitor {
            type Value = CowStr<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<CowStr<'de>, E> {
                Ok(CowStr(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<CowStr<'de>, E> {
                Ok(CowStr(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(CowStrVisitor)
    }
}
