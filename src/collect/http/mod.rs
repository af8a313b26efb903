//! The one policy for waiting, retrying, redirects and limits of all sources.

pub mod client;
pub mod gate;
pub mod patience;
pub mod policy;

use serde_json::Value;

pub use gate::Gate;
pub use patience::Patience;
pub use policy::{Service, Verdict};

/// Decoded bytes of an answer, at most. Together with the bound on its values it bounds what an answer costs to some 60 MiB.
pub const LARGEST_BODY: usize = 20 * 1024 * 1024;
/// Values of an answer in JSON, at most: each takes some thirty bytes of memory, and two of the answer's text.
const MOST_VALUES: usize = 500_000;

/// A whole answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    /// Decoded.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; lone surrogates, which would fail the whole document, are replaced.
    ///
    /// # Errors
    /// The parser's error, which quotes nothing of the body; one for an answer of more than 500,000 values.
    pub fn json(&self) -> Result<Value, serde_json::Error> {
        if is_too_much(&self.body) {
            return Err(<serde_json::Error as serde::de::Error>::custom("it has too many parts"));
        }
        serde_json::from_slice(&self.body).or_else(|error| {
            let text = String::from_utf8_lossy(&self.body);
            let mended = without_lone_surrogates(&text);
            if mended == text { Err(error) } else { serde_json::from_str(&mended) }
        })
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Whether a text in JSON has more values than are read.
fn is_too_much(body: &[u8]) -> bool {
    // Fewer bytes cannot hold as many.
    body.len() > MOST_VALUES && values(body) > MOST_VALUES
}

/// How many values a text in JSON has at most, by its separators outside of strings.
fn values(body: &[u8]) -> usize {
    let (mut count, mut quoted, mut escaped) = (1, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' | b'[' | b'{' if !quoted => count += 1,
            _ => {}
        }
    }
    count
}

/// Replaces `\udXXX` escapes that stand alone by the replacement character.
fn without_lone_surrogates(text: &str) -> String {
    let mut mended = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\u") {
        let (before, escape) = rest.split_at(at);
        mended.push_str(before);
        // An escaped backslash before `u` is no escape of a character.
        let backslashes = before.bytes().rev().take_while(|byte| *byte == b'\\').count();
        let unit = escape.get(2..6).and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let next = escape.get(6..8).filter(|mark| *mark == "\\u").and_then(|_| escape.get(8..12));
        let next = next.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let (taken, replaced) = match unit {
            Some(0xD800..=0xDBFF) if matches!(next, Some(0xDC00..=0xDFFF)) => (12, false),
            Some(0xD800..=0xDFFF) if backslashes % 2 == 0 => (6, true),
            _ => (2, false),
        };
        mended.push_str(if replaced { "\\ufffd" } else { &escape[..taken] });
        rest = &escape[taken..];
    }
    mended.push_str(rest);
    mended
}

/// Why there is no whole answer. Holds no address.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    #[error("nobody answers there")]
    Connect,
    #[error("its certificate is not accepted")]
    Distrust,
    #[error("it took too long")]
    Timeout,
    #[error("the answer is too large")]
    TooLarge,
    #[error("the connection broke off")]
    Interrupted,
}

/// Why a scope could not be read, named by what can be done about it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CollectError {
    /// The credentials: exit code 4 where it is a whole source.
    #[error("{0}")]
    Refused(String),
    #[error("it is not visible with these credentials, or no longer there; history is kept")]
    NotVisible,
    /// Ask for a smaller page.
    #[error("even the smallest page was too much for the service")]
    Shrink,
    /// The service does not take the question; another one may do.
    #[error("the service refuses the question (HTTP {0})")]
    BadQuestion(u16),
    #[error("{0}")]
    Scope(String),
    #[error("the service cannot be reached; check its address, the network and the proxy")]
    Unreachable,
    #[error("the service asks to wait {0} seconds, more than a night has; the next night goes on from here")]
    Budget(u64),
    #[error("the store stopped taking rows")]
    StoreGone,
}

impl From<super::StoreGone> for CollectError {
    fn from(_: super::StoreGone) -> Self {
        Self::StoreGone
    }
}

impl CollectError {
    /// Whether the credentials were refused.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_outside_of_strings_and_too_many_are_refused() {
        assert_eq!(values(br#"{"a":[1,2,{}],"b":"x,[\",{"}"#), 7);
        let answer = |body: Vec<u8>| Answer { status: 200, headers: http::HeaderMap::new(), body };
        let list = |count: usize| [b"[".to_vec(), b"0,".repeat(count - 1), b"0]".to_vec()].concat();
        assert!(answer(list(400_000)).json().is_ok());
        assert!(answer(list(600_000)).json().is_err());
    }

    #[test]
    fn a_lone_surrogate_costs_a_character_and_not_a_page() {
        let answer =
            |body: &str| Answer { status: 200, headers: http::HeaderMap::new(), body: body.as_bytes().to_vec() };
        assert_eq!(answer(r#"{"a":"x\ud83d"}"#).json().unwrap()["a"], "x\u{fffd}");
        assert_eq!(answer(r#"{"a":"\ud83d\ude00"}"#).json().unwrap()["a"], "😀");
        assert_eq!(answer(r#"{"a":"\\ud83d"}"#).json().unwrap()["a"], "\\ud83d");
        assert!(answer(r#"{"a":"#).json().is_err());
    }
}
