//! Accounts: people appear only as 64-bit hashes, keyed with the store's secret.
//!
//! The types here have no `Display`, and their `Debug` hides the value, so that an account cannot reach a log, an
//! error or a page by accident.

use std::fmt;

/// The pseudonym of an account or a person: the first eight bytes of a keyed BLAKE3, read as a big-endian `i64`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account(i64);

impl Account {
    /// Wraps a value that was read back from the store.
    #[must_use]
    pub fn from_stored(value: i64) -> Self {
        Self(value)
    }

    /// The value as the store keeps it. Only `store` and `measure` have a use for it.
    #[must_use]
    pub fn to_stored(self) -> i64 {
        self.0
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Account(…)")
    }
}

/// The person to whom accounts of automation are linked; no id of a configuration can be this one.
pub const BOT: &str = "\u{0}bot";

/// What a service says an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountKind {
    /// A person's account.
    User,
    /// An account that the service marks as automation, or whose login ends in `[bot]`.
    Bot,
    /// A deleted account: the service names nobody.
    Ghost,
    /// A placeholder made by an import.
    Mannequin,
    /// An application that acts in its own name.
    App,
    /// The service did not say.
    Unknown,
}

impl AccountKind {
    /// The word in the store's `*_kind` columns.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Bot => "bot",
            Self::Ghost => "ghost",
            Self::Mannequin => "mannequin",
            Self::App => "app",
            Self::Unknown => "unknown",
        }
    }
}

/// Makes pseudonyms with the store's 32-byte secret. Never printed.
#[derive(Clone)]
pub struct Pseudonyms {
    key: [u8; 32],
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Pseudonyms(…)")
    }
}

impl Pseudonyms {
    /// Takes the secret of the store.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// An account: `source` is `github`, `jira`, `git` or `calendar`; `host` is the service's host name (`git` for
    /// clones); `id` is the immutable id (numeric user id, accountId or user key, e-mail in lower case).
    #[must_use]
    pub fn account(&self, source: &str, host: &str, id: &str) -> Account {
        Account(self.number(&format!("{source}:{host}:{id}")))
    }

    /// The person with this id in the configuration.
    #[must_use]
    pub fn person(&self, id: &str) -> Account {
        Account(self.number(&format!("person:{id}")))
    }

    /// A keyed number for anything else that must not be stored in the clear, such as a meeting's UID.
    #[must_use]
    pub fn number(&self, text: &str) -> i64 {
        let hash = blake3::keyed_hash(&self.key, text.as_bytes());
        let mut first = [0u8; 8];
        first.copy_from_slice(&hash.as_bytes()[..8]);
        i64::from_be_bytes(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_keys_give_different_pseudonyms_and_nothing_is_printed() {
        let one = Pseudonyms::new([1; 32]);
        let two = Pseudonyms::new([2; 32]);
        assert_ne!(one.account("github", "github.com", "7"), two.account("github", "github.com", "7"));
        assert_ne!(one.person("ada"), one.account("person", "", "ada"));
        assert_eq!(format!("{:?}{:?}", one, one.person("ada")), "Pseudonyms(…)Account(…)");
    }
}
