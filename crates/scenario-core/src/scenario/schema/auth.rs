//! The credentials of a fetch: a user and a password, or a token.

use super::encode::TomlEncode;
use super::strings::HeaderValueText;
use super::table::{TableRule, table};
use super::{DecodeContext, TomlSchema};
use crate::scenario::model::{FetchAuth, ScenarioText};
use crate::scenario::toml::{TomlNode, TomlValue};
use crate::scenario::write::json::Json;

table! {
    /// A user and a password, which are sent as RFC 7617 has it.
    BasicAuthTable is "`basic`" from ((&ScenarioText, &ScenarioText)) like "{ user = \"ann\", password = \"${env:PASSWORD}\" }" with [
        TableRule::Required("user", "user = \"…\""),
        TableRule::Required("password", "password = \"${env:PASSWORD}\""),
    ] {
        /// The name of the user; it has no colon.
        "user" user: HeaderValueText => |(user, _)| *user,
        /// The password of the user; it is never logged.
        "password" password: HeaderValueText => |(_, password)| *password,
    }
}

table! {
    /// The credentials of a request, for its header `Authorization`. It has exactly one of `basic` and
    /// `bearer`.
    AuthTable is "`auth`" from (FetchAuth) like "{ bearer = \"${env:TOKEN}\" }" with [TableRule::ExactlyOne(&["basic", "bearer"])] {
        /// A user and a password.
        "basic" basic: BasicAuthTable => |auth| match auth {
            FetchAuth::Basic { user, password } => Some(BasicAuthTable::write(&(user, password))),
            FetchAuth::Bearer(_) => None,
        },
        /// A token, which is sent as RFC 6750 has it; it is never logged.
        "bearer" bearer: HeaderValueText => |auth| match auth {
            FetchAuth::Bearer(token) => Some(token),
            FetchAuth::Basic { .. } => None,
        },
    }
}

impl TomlEncode for &FetchAuth {
    fn encode(self) -> Option<Json> {
        Some(AuthTable::write(self))
    }
}

const AUTH_FORMS: &str =
    "{ basic = { user = \"…\", password = \"${env:PASSWORD}\" } } or { bearer = \"${env:TOKEN}\" }";

impl TomlSchema for FetchAuth {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<FetchAuth> {
        if !matches!(node.value, TomlValue::Table(_)) {
            cx.report_wrong_type(&node, "a table", AUTH_FORMS);
            return None;
        }
        let table = AuthTable::decode(cx, node)?;
        if let Some(HeaderValueText(token)) = table.bearer.into_value() {
            return Some(FetchAuth::Bearer(token.redacted()));
        }
        let basic = table.basic.into_value()?;
        let (user, HeaderValueText(password)) = (basic.user.into_given()?, basic.password.into_value()?);
        let HeaderValueText(name) = user.value;
        if name.reveal().contains(':') {
            let at = crate::scenario::toml::ByteRange { start: user.place.start, end: user.place.end };
            cx.error(at, "a user must not have a colon: the name would end there");
            return None;
        }
        Some(FetchAuth::Basic { user: name, password: password.redacted() })
    }

    fn schema() -> Json {
        AuthTable::schema()
    }
}
