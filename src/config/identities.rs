//! Accounts that a person has confirmed at a terminal as belonging to somebody: a file beside the configuration.

use std::fmt::Write as _;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::problem::Problems;
use super::{Config, Person};

/// The head of a new file.
const HEAD: &str = "# Accounts confirmed with `undercurrent identities`. Delete an entry, or run `undercurrent identities --undo`,\n\
                    # and the account belongs to nobody again from the next run on.\n";

/// An account that belongs to a person of the configuration. Never printed but at a terminal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Identity {
    pub person: String,
    pub kind: Kind,
    /// A login, an account id or user key, an e-mail address.
    pub account: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Identity(…)")
    }
}

/// What an account is an account of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Github,
    Jira,
    Email,
}

impl Kind {
    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Github => "GitHub account",
            Self::Jira => "Jira account",
            Self::Email => "e-mail address",
        }
    }
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(default)]
    identity: Vec<Identity>,
}

/// A text as it stands in a configuration, quotes and escapes included.
#[must_use]
pub fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The confirmed identities of a file; none where there is no file yet.
///
/// # Errors
/// [`Problems`] naming the file; the parser's text is left out, since it may quote an account.
pub fn read(file: &Path) -> Result<Vec<Identity>, Problems> {
    Ok(form::<Form>(file, "an entry has person, kind and account")?.identity)
}

/// A file beside the configuration that names people; nothing where there is none. `out` says what an entry has.
///
/// # Errors
/// [`Problems`] naming file and line; the parser's text is left out, since it may quote somebody.
pub(super) fn form<T: DeserializeOwned + Default>(file: &Path, out: &str) -> Result<T, Problems> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(T::default()),
        Err(error) => return Err(Problems::of_file(file, format!("cannot be read: {error}"))),
    };
    toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        Problems::of_file(file, format!("line {line} cannot be read; {out}"))
    })
}

/// Writes the file anew, whole.
///
/// # Errors
/// What the file system says.
pub fn write(file: &Path, identities: &[Identity]) -> std::io::Result<()> {
    let mut text = HEAD.to_owned();
    for identity in identities {
        let form = Form { identity: vec![identity.clone()] };
        let entry = toml::to_string(&form).map_err(std::io::Error::other)?;
        // Writing to a string cannot fail.
        let _ = write!(text, "\n{entry}");
    }
    let new = file.with_extension("toml.tmp");
    std::fs::write(&new, text)?;
    std::fs::rename(&new, file)
}

impl Config {
    /// Adds confirmed accounts to the people that have them; an entry of somebody unknown, or of an account that
    /// stands at another person, is a problem.
    ///
    /// # Errors
    /// [`Problems`] naming the entry by its number.
    pub fn confirm(&mut self, file: &Path, identities: Vec<Identity>) -> Result<(), Problems> {
        for (at, identity) in identities.into_iter().enumerate() {
            let problem =
                |what: &str| Problems::of_file(file, format!("entry {}: {what}; correct or delete it", at + 1));
            let holder = self.people.iter().position(|person| own(person, identity.kind).contains(&identity.account));
            let position = self.people.iter().position(|person| person.id == identity.person);
            let Some(position) = position else { return Err(problem("no [[people]] has this id")) };
            match holder {
                Some(holder) if holder != position => return Err(problem("the account stands at another person")),
                Some(_) => {}
                None => {
                    let person = &mut self.people[position];
                    let list = match identity.kind {
                        Kind::Github => &mut person.github,
                        Kind::Jira => &mut person.jira,
                        Kind::Email => &mut person.emails,
                    };
                    list.push(identity.account);
                }
            }
        }
        Ok(())
    }
}

fn own(person: &Person, kind: Kind) -> &[String] {
    match kind {
        Kind::Github => &person.github,
        Kind::Jira => &person.jira,
        Kind::Email => &person.emails,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_confirmed_reads_back_and_an_unknown_person_is_told_without_naming_anybody() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("identities.toml");
        assert!(read(&file).unwrap().is_empty());
        let identity = Identity { person: "ada".into(), kind: Kind::Email, account: "a\"da@example.com".into() };
        write(&file, std::slice::from_ref(&identity)).unwrap();
        assert!(read(&file).unwrap() == [identity.clone()]);
        let text = "[organisation]\nname = \"H\"\ntime-zone = \"UTC\"\n[[people]]\nid = \"ada\"\n";
        let mut config = Config::parse(text, Path::new("u.toml")).unwrap();
        config.confirm(&file, vec![identity.clone()]).unwrap();
        assert_eq!(config.people[0].emails.len(), 1);
        let other = Identity { person: "bo".into(), ..identity };
        let error = config.confirm(&file, vec![other]).unwrap_err().to_string();
        assert!(error.contains("entry 1") && !error.contains("example.com"), "{error}");
        std::fs::write(&file, "[[identity]]\nperson = \"ada\"\nsecret = 1\n").unwrap();
        let error = read(&file).unwrap_err().to_string();
        assert!(error.contains("identities.toml") && !error.contains("secret"), "{error}");
    }
}
