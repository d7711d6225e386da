//! A line of a log as its keys and the texts of their values, for comparing and showing two lines.
//! Interprets no key and no value.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// One key of a line with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawField<'a> {
    /// The key.
    pub key: Cow<'a, str>,
    /// The value's JSON text, unchanged from the line.
    pub value: &'a str,
}

/// The keys of a line, in their order; `None` if the line is not a JSON object, or has a key twice.
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

/// A string of a line, borrowed from the line unless it has escapes. (serde does not borrow an optional
/// `Cow`.)
#[derive(Debug, Default)]
pub(crate) struct CowStr<'a>(pub(crate) Cow<'a, str>);

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
