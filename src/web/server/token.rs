//! The token of a run: who has it may take part.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng;
use rand::rngs::SysRng;
use sha2::{Digest, Sha256};

/// The variable of the environment that has the token, where it is not to be drawn. No program of a
/// scenario inherits it.
pub const VARIABLE: &str = "SCENARIO_TOKEN";

/// How many bytes of chance are in one that is drawn.
const DRAWN: usize = 16;

/// How many characters one that is given has.
const LENGTH: std::ops::RangeInclusive<usize> = 16..=128;

/// A token. Shown by nothing but [`Token::text`].
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([redacted])")
    }
}

impl Token {
    /// Draws one that nobody can guess.
    ///
    /// # Errors
    /// When the system gives no chance, in words.
    pub fn drawn() -> Result<Token, String> {
        let mut bytes = [0; DRAWN];
        SysRng.try_fill_bytes(&mut bytes).map_err(|error| format!("no token can be drawn: {error}"))?;
        Ok(Token(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The one that was given.
    ///
    /// # Errors
    /// In words, if it cannot be one; it is not named there.
    pub fn given(text: &str) -> Result<Token, String> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if is_plain && LENGTH.contains(&text.len()) {
            Ok(Token(text.to_owned()))
        } else {
            let (least, most) = (LENGTH.start(), LENGTH.end());
            Err(format!("a token has {least} to {most} characters, of A-Z, a-z, 0-9, - and _"))
        }
    }

    /// Itself.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether this is it. How long that takes tells nothing of it.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        Sha256::digest(&self.0) == Sha256::digest(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawn_token_could_have_been_given_and_is_another_each_time() {
        let token = Token::drawn().unwrap();
        assert_eq!(Token::given(token.text()), Ok(token.clone()));
        assert!(token.is(token.text()) && !token.is("") && !token.is(&token.text()[1..]));
        assert_ne!(Token::drawn(), Ok(token.clone()));
        assert!(!format!("{token:?}").contains(token.text()));
    }

    #[test]
    fn what_cannot_be_a_token_is_not_repeated() {
        for text in ["", "short", &"x".repeat(129), "sixteen letters!", "with a space in it"] {
            let error = Token::given(text).unwrap_err();
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
    }
}
