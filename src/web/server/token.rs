//! The token of a run's pages: a client that has it may take part.

use std::error::Error;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng;
use rand::rngs::SysRng;
use sha2::{Digest, Sha256};

/// How many random bytes a drawn token has.
const RANDOM_LEN: usize = 16;

/// How many characters a given token may have.
const ALLOWED_LEN: std::ops::RangeInclusive<usize> = 16..=128;

/// A token. Only [`AccessToken::reveal`] shows it.
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

    /// The token's text.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether `text` is the token. The time that this takes does not depend on how much of it is
    /// right.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        Sha256::digest(&self.0) == Sha256::digest(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_drawn_token_is_valid_and_different() {
        let token = AccessToken::random().unwrap();
        assert_eq!(AccessToken::parse(token.reveal()), Ok(token.clone()));
        assert!(token.matches(token.reveal()) && !token.matches("") && !token.matches(&token.reveal()[1..]));
        assert_ne!(AccessToken::random(), Ok(token.clone()));
        assert!(!format!("{token:?}").contains(token.reveal()));
    }

    #[test]
    fn an_error_does_not_contain_the_text() {
        for text in ["", "short", &"x".repeat(129), "sixteen letters!", "with a space in it"] {
            let error = AccessToken::parse(text).unwrap_err().to_string();
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
    }
}
