//! Who a fetch says that it is: user and password, or a token.

use super::strings::HeaderValueText;
use super::table::{TableRule, table};
use super::{DecodeContext, TomlSchema};
use crate::scenario::model::FetchAuth;
use crate::scenario::toml::{TomlNode, TomlValue};
use crate::scenario::write::json::Json;

table! {
    /// User and password, as RFC 7617 sends them.
    BasicAuthTable is "`basic`" with [
        TableRule::Required("user", "user = \"…\""),
        TableRule::Required("password", "password = \"${env:PASSWORD}\""),
    ] {
        /// The user; without a colon.
        "user" user: HeaderValueText,
        /// The password; never logged.
        "password" password: HeaderValueText,
    }
}

table! {
    /// What the request's `Authorization` says: exactly one of the two.
    AuthTable is "`auth`" with [TableRule::ExactlyOne(&["basic", "bearer"])] {
        /// User and password.
        "basic" basic: BasicAuthTable,
        /// A token, as RFC 6750 sends it; never logged.
        "bearer" bearer: HeaderValueText,
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
            cx.error(at, "a user has no colon: it would end there");
            return None;
        }
        Some(FetchAuth::Basic { user: name, password: password.redacted() })
    }

    fn schema() -> Json {
        AuthTable::schema()
    }
}
