//! People who are to be left out, whatever the configuration still says of them: a file beside it, written by `forget`.

use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Config;
use super::identities::form;
use super::problem::Problems;

/// The head of the file.
const HEAD: &str = "# Whom `undercurrent forget` took out. Nothing of them is read into the store again, and the entries that the\n\
                    # configuration still has of them count for nothing: delete those. A mark recognises an account that comes\n\
                    # back; it is made with the store's key and tells nothing without it. Delete an entry to undo it.\n";

/// Somebody who is left out. Never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LeftOut {
    /// The id that the configuration has, or had.
    pub person: String,
    /// Marks of the accounts.
    pub marks: BTreeSet<String>,
}

impl std::fmt::Debug for LeftOut {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("LeftOut(…)")
    }
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(default)]
    left_out: Vec<LeftOut>,
}

/// The entries of a file; none where there is no file yet.
///
/// # Errors
/// [`Problems`] naming the file; the parser's text is left out, since it may quote an id.
pub fn read(file: &Path) -> Result<Vec<LeftOut>, Problems> {
    Ok(form::<Form>(file, "an entry has person and marks")?.left_out)
}

/// Writes the file anew, whole (mode 0600).
///
/// # Errors
/// What the file system says; the file that was there before stays.
pub fn write(file: &Path, left_out: &[LeftOut]) -> std::io::Result<()> {
    let form = Form { left_out: left_out.to_vec() };
    let text = format!("{HEAD}\n{}", toml::to_string(&form).map_err(std::io::Error::other)?);
    let new = file.with_extension("toml.tmp");
    let mut opened = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    opened.write_all(text.as_bytes())?;
    opened.sync_all()?;
    std::fs::rename(&new, file)
}

impl Config {
    /// Takes people out as if the configuration did not name them.
    pub fn leave_out(&mut self, left_out: Vec<LeftOut>) {
        let out = |id: &str| left_out.iter().any(|one| one.person == id);
        self.people.retain(|person| !out(&person.id));
        for team in &mut self.teams {
            team.members.retain(|member| !out(&member.person));
            team.on_call.retain(|turn| !out(&turn.person));
            if team.leader.as_deref().is_some_and(out) {
                team.leader = None;
            }
        }
        self.left_out = left_out;
    }

    /// The marks of all accounts that are left out.
    #[must_use]
    pub fn marks(&self) -> BTreeSet<String> {
        self.left_out.iter().flat_map(|one| one.marks.iter().cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g13_who_is_left_out_stands_nowhere_in_the_configuration_whatever_its_text_says() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("left-out.toml");
        assert!(read(&file).unwrap().is_empty());
        let ada = LeftOut { person: "ada".to_owned(), marks: BTreeSet::from(["00ff".to_owned()]) };
        write(&file, std::slice::from_ref(&ada)).unwrap();
        assert!(read(&file).unwrap() == [ada.clone()]);
        let text = "[organisation]\nname = \"H\"\ntime-zone = \"UTC\"\n[[people]]\nid = \"ada\"\n[[people]]\nid = \"bo\"\n\
                    [[teams]]\nid = \"t\"\nname = \"T\"\nleader = \"ada\"\nmembers = [\"ada\", \"bo\"]\n\
                    on-call = [{ person = \"ada\", from = \"2026-10-05\", to = \"2026-10-11\" }]\n";
        let mut config = Config::parse(text, Path::new("u.toml")).unwrap();
        config.leave_out(vec![ada]);
        let team = &config.teams[0];
        assert_eq!((config.people.len(), team.members.len(), team.on_call.len()), (1, 1, 0));
        assert_eq!(team.leader, None);
        assert_eq!(config.marks().len(), 1);
        std::fs::write(&file, "[[left_out]]\nperson = \"ada\"\nsecret = 1\n").unwrap();
        let error = read(&file).unwrap_err().to_string();
        assert!(error.contains("left-out.toml") && !error.contains("secret") && !error.contains("ada"), "{error}");
    }
}
