//! Shares of a whole: how many requests of a fetch may fail.

use super::encode::TomlEncode;
use super::numbers::BoundedInt;
use super::strings::pattern_schema;
use super::{DecodeContext, TomlSchema};
use crate::scenario::model::FailureBudget;
use crate::scenario::share::Share;
use crate::scenario::toml::{TomlNode, TomlValue};
use crate::scenario::write::json::{Json, object};

/// The most requests that may fail.
const MAX_FAILURES: i64 = 1_000_000_000;

/// The pattern of a share, without `^` and `$`.
pub(super) const SHARE_PATTERN: &str = "(100(\\.0{1,7})?|[0-9]{1,2}(\\.[0-9]{1,7})?) ?%";

/// The decimal number of a TOML float; none for those that are no number.
pub(super) fn fraction_of_float(cx: &DecodeContext<'_>, node: &TomlNode) -> Option<Share> {
    Share::from_fraction(cx.written(node.at).replace('_', "").parse().ok()?)
}

impl TomlSchema for FailureBudget {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<FailureBudget> {
        let at = node.at;
        let node = cx.resolve_in_text(node)?;
        match node.value {
            TomlValue::Integer(_) => {
                let BoundedInt(number) = BoundedInt::<0, MAX_FAILURES>::decode(cx, node)?;
                u64::try_from(number).ok().map(FailureBudget::Requests)
            }
            TomlValue::Float => {
                let share = fraction_of_float(cx, &node);
                let help = share.map_or_else(
                    || "for example 3 or \"1%\"".to_owned(),
                    |share| format!("write \"{share}\" for a share, or a whole number of requests"),
                );
                cx.report_wrong_type_with_help(&node, "a whole number or a share", help);
                None
            }
            _ => {
                let text = cx.decode_public_text(node, "a number of requests or a share", "3 or \"1%\"")?;
                match Share::parse(&text) {
                    Ok(share) => Some(FailureBudget::Share(share)),
                    Err(fault) => {
                        let number = text.trim().parse::<u32>().ok();
                        let help = number.map_or_else(
                            || "for example 3, a number of requests, or \"1%\", a share of them".to_owned(),
                            |number| {
                                format!("write {number} for requests, or \"{number}%\" for a share of them")
                            },
                        );
                        cx.error_with_help(at, fault, help);
                        None
                    }
                }
            }
        }
    }

    fn schema() -> Json {
        let share = pattern_schema(&format!("^{SHARE_PATTERN}$"));
        object([("anyOf", Json::List(vec![BoundedInt::<0, MAX_FAILURES>::schema(), share]))])
            .with("examples", Json::List(vec!["1%".into(), 3.into()]))
    }
}

impl TomlEncode for FailureBudget {
    fn encode(self) -> Option<Json> {
        Some(match self {
            FailureBudget::Requests(count) => count.into(),
            FailureBudget::Share(share) => share.to_string().into(),
        })
    }
}
