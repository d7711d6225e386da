//! Who a fetch says that it is: user and password, or a token.

use super::table::{Rule, table};
use super::text::HeaderValue;
use super::{Cx, Shape};
use crate::scenario::model::Auth;
use crate::scenario::toml::{Node, Value};
use crate::scenario::write::json::Json;

table! {
    /// User and password, as RFC 7617 sends them.
    BasicTable is "`basic`" with [
        Rule::Required("user", "user = \"…\""),
        Rule::Required("password", "password = \"${env:PASSWORD}\""),
    ] {
        /// The user; without a colon.
        "user" user: HeaderValue,
        /// The password; never logged.
        "password" password: HeaderValue,
    }
}

table! {
    /// What the request's `Authorization` says: exactly one of the two.
    AuthTable is "`auth`" with [Rule::ExactlyOne(&["basic", "bearer"])] {
        /// User and password.
        "basic" basic: BasicTable,
        /// A token, as RFC 6750 sends it; never logged.
        "bearer" bearer: HeaderValue,
    }
}

const AUTHS: &str =
    "{ basic = { user = \"…\", password = \"${env:PASSWORD}\" } } or { bearer = \"${env:TOKEN}\" }";

impl Shape for Auth {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<Auth> {
        if !matches!(node.value, Value::Table(_)) {
            cx.wrong_type(&node, "a table", AUTHS);
            return None;
        }
        let table = AuthTable::decode(cx, node)?;
        if let Some(HeaderValue(token)) = table.bearer.value() {
            return Some(Auth::Bearer(token.redacted()));
        }
        let basic = table.basic.value()?;
        let (user, HeaderValue(password)) = (basic.user.given()?, basic.password.value()?);
        let HeaderValue(name) = user.value;
        if name.reveal().contains(':') {
            let at = crate::scenario::toml::Range { start: user.place.start, end: user.place.end };
            cx.error(at, "a user has no colon: it would end there");
            return None;
        }
        Some(Auth::Basic { user: name, password: password.redacted() })
    }

    fn schema() -> Json {
        AuthTable::schema()
    }
}
