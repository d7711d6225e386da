//! Puts values of the environment into a URL, each one encoded for the part of the URL in which it stands,
//! so that it cannot begin another part: a `/` in a password does not end the host.
//!
//! | part | what is encoded |
//! | --- | --- |
//! | the beginning of the URL, or all of it from the host on | nothing |
//! | user, password, path of a socket | all but letters, digits and `-._~` |
//! | all of `user:password` | the same in both, but for the first `:` |
//! | host and port | nothing; `/`, `?`, `#`, `@` and `\` are refused |
//! | path | all but letters, digits and `-._~!$&'()*+,;=:@/` |
//! | query | all but letters, digits and `-._~`; in the whole query also `&` and `=` stay |
//!
//! Other variables are used as they are: a file may well put several parts into one of them.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, utf8_percent_encode};

use super::fill::URL_RESERVED;
use super::{VarErrorKind, VarPart};
use crate::scenario::model::ScenarioText;
use crate::scenario::unix_socket;
use scenario_log::secrets::authority_range;

/// The characters that are encoded in a path.
const PATH_RESERVED: &AsciiSet = &URL_RESERVED
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'/');

/// The characters that are encoded in a value that is the whole query.
const QUERY_RESERVED: &AsciiSet = &URL_RESERVED.remove(b'&').remove(b'=');

/// A part of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UrlPart {
    Beginning,
    /// The user and the password together, or one of them.
    UserInfo {
        is_whole: bool,
    },
    Socket,
    /// The host and the port.
    Host,
    /// All of the URL from the host on.
    FromHost,
    Path,
    Query {
        is_whole: bool,
    },
}

/// Joins the parts of a URL's text.
pub(super) fn join_url(parts: &[VarPart]) -> Result<ScenarioText, VarErrorKind> {
    let mut url = ScenarioText::default();
    for (index, part) in parts.iter().enumerate() {
        let Some(variable) = part.env_name.as_deref() else {
            url.push(&part.text);
            continue;
        };
        let rest: String = parts[index + 1..]
            .iter()
            .map(|part| match part.env_name {
                // Whatever it is, it is encoded, or refused.
                Some(_) => "x",
                None => part.text.reveal(),
            })
            .collect();
        let place = part_of_url(url.reveal(), &rest);
        let encoded = encode(part.text.reveal(), place)
            .map_err(|c| VarErrorKind::InvalidInHost(variable.to_owned(), c))?;
        match encoded {
            Cow::Borrowed(_) => url.push(&part.text),
            Cow::Owned(encoded) => url.push(&ScenarioText::secret(encoded, part.text.display_text())),
        }
    }
    Ok(url)
}

/// The part of a URL in which a value stands after and before these texts.
fn part_of_url(before: &str, rest: &str) -> UrlPart {
    let Some(authority) = authority_range(before) else { return UrlPart::Beginning };
    let begun = &before[authority.clone()];
    if authority.end < before.len() {
        let after = &before[authority.end..];
        return match after.rfind(['?', '#']) {
            None => UrlPart::Path,
            Some(at) => UrlPart::Query {
                is_whole: at + 1 == after.len() && (rest.is_empty() || rest.starts_with('#')),
            },
        };
    }
    let rest_of_authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    if rest_of_authority.contains('@') {
        return UrlPart::UserInfo { is_whole: begun.is_empty() && rest.starts_with('@') };
    }
    if before.trim_start().starts_with(unix_socket::SCHEME) {
        return UrlPart::Socket;
    }
    // Without a slash `before` may still be an unfinished scheme, such as the `http` of `https://h/`.
    match begun.is_empty() && rest.is_empty() {
        true => UrlPart::FromHost,
        false => UrlPart::Host,
    }
}

/// A value for this part; the error is a character that cannot stand there.
fn encode(value: &str, part: UrlPart) -> Result<Cow<'_, str>, char> {
    let all = |value| Cow::from(utf8_percent_encode(value, URL_RESERVED));
    let refuse = |refused: &[char]| match value.chars().find(|c| refused.contains(c)) {
        Some(c) => Err(c),
        None => Ok(Cow::Borrowed(value)),
    };
    Ok(match part {
        UrlPart::Beginning => Cow::Borrowed(value),
        UrlPart::UserInfo { is_whole: true } => match value.split_once(':') {
            Some((user, password)) => Cow::Owned(format!("{}:{}", all(user), all(password))),
            None => all(value),
        },
        // The encoded path of a socket has no slash.
        UrlPart::Socket if !value.contains('/') => Cow::Borrowed(value),
        UrlPart::UserInfo { is_whole: false } | UrlPart::Socket | UrlPart::Query { is_whole: false } => {
            all(value)
        }
        UrlPart::Host => return refuse(&['/', '?', '#', '@', '\\']),
        UrlPart::FromHost => return refuse(&['@', '\\']),
        UrlPart::Path => Cow::from(utf8_percent_encode(value, PATH_RESERVED)),
        UrlPart::Query { is_whole: true } => Cow::from(utf8_percent_encode(value, QUERY_RESERVED)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(parts: &[&str]) -> Result<String, char> {
        let part = |text: &&str| match text.strip_prefix('$') {
            Some(value) => {
                VarPart { text: ScenarioText::secret(value, "[redacted]"), env_name: Some("X".to_owned()) }
            }
            None => VarPart { text: ScenarioText::plain(*text), env_name: None },
        };
        let parts: Vec<VarPart> = parts.iter().map(part).collect();
        match join_url(&parts) {
            Ok(url) => Ok(url.reveal().to_owned()),
            Err(VarErrorKind::InvalidInHost(_, c)) => Err(c),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_value_is_encoded_for_its_part() {
        for (parts, url) in [
            (&["http://bob:", "$p/#?@:%41\\é", "@h/x"][..], "http://bob:p%2F%23%3F%40%3A%2541%5C%C3%A9@h/x"),
            (&["http:", "$u/", ":", "$p/", "@h/"], "http:u%2F:p%2F@h/"),
            (&["http://", "$u/:p:/", "@h/"], "http://u%2F:p%3A%2F@h/"),
            (
                &["http://", "$h:80", "/", "$a/b?c#d%", "/e?f=", "$g&h=/"],
                "http://h:80/a/b%3Fc%23d%25/e?f=g%26h%3D%2F",
            ),
            (&["http://h/?", "$a=b&c=d#", ""], "http://h/?a=b&c=d%23"),
            (&["$http://h/a?b", "/c"], "http://h/a?b/c"),
            (&["http://", "$h/a?b"], "http://h/a?b"),
            (&["http+unix://", "$/run/a b.sock", "/x"], "http+unix://%2Frun%2Fa%20b.sock/x"),
            (&["http+unix://", "$%2Frun%2Fa.sock", "/x"], "http+unix://%2Frun%2Fa.sock/x"),
            (&["http://h:", "$80", "/"], "http://h:80/"),
        ] {
            assert_eq!(joined(parts).as_deref(), Ok(url), "{parts:?}");
        }
        for (parts, refused) in [
            (&["http://", "$h/a", "/b"][..], '/'),
            (&["http://h:", "$80#", "/b"], '#'),
            (&["http://u:", "$p", "@", "$h@i", "/"], '@'),
            (&["http://", "$good@evil"], '@'),
            (&["http://good.", "$com/"], '/'),
        ] {
            assert_eq!(joined(parts), Err(refused), "{parts:?}");
        }
    }
}
