//! The token of a run: who has it may take part.

use std::error::Error;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng;
use rand::rngs::SysRng;
use sha2::{Digest, Sha256};

/// How many bytes of chance are in one that is drawn.
const RANDOM_LEN: usize = 16;

/// How many characters one that is given has.
const ALLOWED_LEN: std::ops::RangeInclusive<usize> = 16..=128;

/// A token. Shown by nothing but [`Token::text`].
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(String);

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([redacted])")
    }
}

/// There is no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessTokenError {
    /// The system gives no random bytes, for this reason.
    NoRandomness(String),
    /// A text that was given cannot be a token.
    Malformed,
}

impl fmt::Display for AccessTokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AccessTokenError::NoRandomness(error) => write!(f, "no token can be drawn: {error}"),
            AccessTokenError::Malformed => {
                let (least, most) = (ALLOWED_LEN.start(), ALLOWED_LEN.end());
                write!(f, "a token has {least} to {most} characters, of A-Z, a-z, 0-9, - and _")
            }
        }
    }
}

impl Error for AccessTokenError {}

impl AccessToken {
    /// Draws a token that nobody can guess.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn random() -> Result<AccessToken, AccessTokenError> {
        let mut bytes = [0; RANDOM_LEN];
        SysRng
            .try_fill_bytes(&mut bytes)
            .map_err(|error| AccessTokenError::NoRandomness(error.to_string()))?;
        Ok(AccessToken(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Takes a token that was given.
    ///
    /// # Errors
    /// When the text cannot be a token; the error does not contain it.
    pub fn parse(text: &str) -> Result<AccessToken, AccessTokenError> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if is_plain && ALLOWED_LEN.contains(&text.len()) {
            Ok(AccessToken(text.to_owned()))
        } else {
            Err(AccessTokenError::Malformed)
        }
    }

    /// Itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether this is it. How long that takes tells nothing of it.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        Sha256::digest(&self.0) == Sha256::digest(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawn_token_could_have_been_given_and_is_another_each_time() {
        let token = AccessToken::random().unwrap();
        assert_eq!(AccessToken::parse(token.reveal()), Ok(token.clone()));
        assert!(token.matches(token.reveal()) && !token.matches("") && !token.matches(&token.reveal()[1..]));
        assert_ne!(AccessToken::random(), Ok(token.clone()));
        assert!(!format!("{token:?}").contains(token.reveal()));
    }

    #[test]
    fn what_cannot_be_a_token_is_not_repeated() {
        for text in ["", "short", &"x".repeat(129), "sixteen letters!", "with a space in it"] {
            let error = AccessToken::parse(text).unwrap_err().to_string();
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
    }
}
