//! The record as a file: plain TOML, one entry after the other. Entries are only ever added at the end, so that hand
//! edits and comments stay; what stands there is checked and named by its line, never repeated.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::Deserialize;
use toml::Spanned;

use super::{About, Did, Entry, Names, Opened, Practice, Reason, Standing, accepts};

/// The name of the file in the leader's folder.
const NAME: &str = "follow-ups.toml";
/// What stands at the head of a new file.
const HEAD: &str = "\
# A leader's own record: what was talked about, and what I said I would do. It is about work, never about people.
# undercurrent adds to it and reads it; it may be edited by hand. It is never collected and stands on no common page.
";

/// Why a record cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("{path} may be looked into by others (mode {mode:04o}): `chmod 700 {path}`", path = path.display())]
    Rights { path: PathBuf, mode: u32 },
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Disk { action: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{} is being written by another command; try again", .0.display())]
    Busy(PathBuf),
    /// One line each, with file and line.
    #[error("{}", .0.join("\n"))]
    Faults(Vec<String>),
}

/// A leader's record.
#[derive(Debug)]
pub struct Ledger {
    folder: PathBuf,
    text: String,
    entries: Vec<Entry>,
    /// Held while the record is changed; it vanishes with its holder.
    _lock: Option<File>,
}

/// The record's file in a leader's folder.
#[must_use]
pub fn file(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

impl Ledger {
    /// Reads the record of a folder; an empty one where there is none yet.
    ///
    /// # Errors
    /// [`LedgerError`], with every fault of the file.
    pub fn read(folder: &Path, names: &Names) -> Result<Self, LedgerError> {
        private(folder)?;
        let path = file(folder);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(LedgerError::Disk { action: "read", path, source }),
        };
        let entries = entries(&text, names).map_err(|faults| {
            let told = |(line, message): (usize, String)| format!("{}:{line}: {message}", path.display());
            LedgerError::Faults(faults.into_iter().map(told).collect())
        })?;
        Ok(Self { folder: folder.to_path_buf(), text, entries, _lock: None })
    }

    /// Reads the record to add to it. The folder is made where there is none; no other command can add meanwhile.
    ///
    /// # Errors
    /// As [`Ledger::read`], and [`LedgerError::Busy`].
    pub fn change(folder: &Path, names: &Names) -> Result<Self, LedgerError> {
        let failed = |action| move |source| LedgerError::Disk { action, path: folder.to_path_buf(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed("create"))?;
        let lock = File::open(folder).map_err(failed("open"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(LedgerError::Busy(folder.to_path_buf())),
            Err(fs::TryLockError::Error(source)) => return Err(failed("lock")(source)),
        }
        Ok(Self { _lock: Some(lock), ..Self::read(folder, names)? })
    }

    /// What the record says.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing::of(&self.entries)
    }

    /// How it was used on a day, given the cards that opened in its teams.
    #[must_use]
    pub fn practice(&self, cards: &[Opened], today: Date) -> Practice {
        Practice::of(&self.entries, cards, today)
    }

    /// The number that the next talk gets.
    #[must_use]
    pub fn next_id(&self) -> i64 {
        ids(&self.entries).last().copied().unwrap_or(0) + 1
    }

    /// Adds an entry at the end of the file: temporary file, sync, rename, sync of the folder.
    ///
    /// # Errors
    /// [`LedgerError::Disk`]; the file that was there before stays.
    pub fn add(&mut self, entry: Entry) -> Result<(), LedgerError> {
        let text = if self.text.is_empty() { HEAD.to_owned() } else { self.text.clone() };
        let gap = if text.ends_with('\n') { "\n" } else { "\n\n" };
        let text = format!("{text}{gap}{}", written(&entry));
        write(&self.folder, NAME, text.as_bytes())?;
        self.text = text;
        self.entries.push(entry);
        Ok(())
    }
}

/// Puts a file (mode 0600) into a leader's folder in one step that survives a crash. The folder is made where there is none.
///
/// # Errors
/// [`LedgerError::Rights`] and [`LedgerError::Disk`].
pub fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), LedgerError> {
    let failed = |action, path: &Path| {
        let path = path.to_path_buf();
        move |source| LedgerError::Disk { action, path, source }
    };
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed("create", folder))?;
    private(folder)?;
    let temporary = folder.join(format!(".{name}.new"));
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed("remove", &temporary)(error)),
        _ => {}
    }
    let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary);
    let mut file = created.map_err(failed("create", &temporary))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed("write", &temporary))?;
    fs::rename(&temporary, folder.join(name)).map_err(failed("rename", &temporary))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("sync", folder))
}

/// A folder that others may look into is refused.
fn private(folder: &Path) -> Result<(), LedgerError> {
    let mode = match fs::metadata(folder) {
        Ok(metadata) => metadata.permissions().mode() & 0o777,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(LedgerError::Disk { action: "look at", path: folder.to_path_buf(), source }),
    };
    if mode & 0o077 == 0 { Ok(()) } else { Err(LedgerError::Rights { path: folder.to_path_buf(), mode }) }
}

fn ids(entries: &[Entry]) -> BTreeSet<i64> {
    let id = |entry: &Entry| if let Did::Talked { id, .. } = entry.did { Some(id) } else { None };
    entries.iter().filter_map(id).collect()
}

/// An entry as it stands in the file.
fn written(entry: &Entry) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let mut lines = vec![format!("on = \"{}\"", entry.on)];
    let about = |about: &About, lines: &mut Vec<String>| {
        let signals: Vec<String> = about.signals.iter().map(|signal| quoted(signal)).collect();
        lines.push(format!("team = {}", quoted(&about.team)));
        lines.push(format!("card = {}", quoted(&about.card)));
        lines.push(format!("signals = [{}]", signals.join(", ")));
    };
    let did = match &entry.did {
        Did::Seen(of) => {
            about(of, &mut lines);
            "seen"
        }
        Did::SetAside(of, reason) => {
            about(of, &mut lines);
            lines.push(format!("reason = \"{}\"", reason.word()));
            "set-aside"
        }
        Did::Talked { about: of, id, agreed, mine, again } => {
            lines.insert(0, format!("id = {id}"));
            about(of, &mut lines);
            lines.extend(agreed.as_ref().map(|text| format!("agreed = {}", quoted(text))));
            lines.extend(mine.as_ref().map(|text| format!("mine = {}", quoted(text))));
            lines.extend(again.map(|date| format!("again = \"{date}\"")));
            "talked"
        }
        Did::Asked { of, again } => {
            lines.extend([format!("of = {of}"), format!("again = \"{again}\"")]);
            "asked"
        }
        Did::Closed { of } => {
            lines.push(format!("of = {of}"));
            "closed"
        }
    };
    format!("[[entry]]\ndid = \"{did}\"\n{}\n", lines.join("\n"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(default)]
    entry: Vec<Spanned<Raw>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    did: Spanned<String>,
    on: Spanned<String>,
    id: Option<Spanned<i64>>,
    of: Option<Spanned<i64>>,
    team: Option<String>,
    card: Option<String>,
    signals: Option<Vec<String>>,
    agreed: Option<Spanned<String>>,
    mine: Option<Spanned<String>>,
    again: Option<Spanned<String>>,
    reason: Option<Spanned<String>>,
}

const UNREADABLE: &str = "this is no TOML that a record holds: [[entry]] with did, on, id, of, team, card, signals, agreed, \
mine, again, reason; texts and dates in quotes";

/// A fault: its line, and what is wrong.
type Fault = (usize, String);

/// The entries of a text, or everything that is wrong with it.
fn entries(text: &str, names: &Names) -> Result<Vec<Entry>, Vec<Fault>> {
    let line = |at: usize| text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1;
    let form: Form = match toml::from_str(text) {
        Ok(form) => form,
        // The parser's own message may repeat a value.
        Err(error) => return Err(vec![(error.span().map_or(1, |span| line(span.start)), UNREADABLE.to_owned())]),
    };
    let mut reader = Reader { names, known: BTreeSet::new(), faults: Vec::new() };
    let mut entries = Vec::new();
    for raw in form.entry {
        let at = raw.span().start;
        match reader.entry(raw.into_inner(), at) {
            Some(entry) if reader.faults.is_empty() => entries.push(entry),
            _ => {}
        }
    }
    if reader.faults.is_empty() {
        return Ok(entries);
    }
    Err(reader.faults.into_iter().map(|(at, message)| (line(at), message)).collect())
}

struct Reader<'a> {
    names: &'a Names,
    /// Numbers of the talks so far.
    known: BTreeSet<i64>,
    /// Places in the text, and what is wrong there.
    faults: Vec<(usize, String)>,
}

impl Reader<'_> {
    fn fault(&mut self, at: usize, message: impl Into<String>) {
        self.faults.push((at, message.into()));
    }

    fn date(&mut self, key: &str, text: &Spanned<String>) -> Option<Date> {
        let date = text.get_ref().parse().ok();
        if date.is_none() {
            self.fault(text.span().start, format!("`{key}` is a date such as \"2026-12-07\""));
        }
        date
    }

    fn text(&mut self, key: &str, text: Option<Spanned<String>>) -> Option<String> {
        let text = text?;
        if let Err(message) = accepts(text.get_ref(), self.names) {
            self.fault(text.span().start, format!("`{key}` {message}"));
        }
        Some(text.into_inner())
    }

    fn needed<T>(&mut self, key: &str, value: Option<T>, at: usize) -> Option<T> {
        if value.is_none() {
            self.fault(at, format!("this entry needs `{key}`"));
        }
        value
    }

    /// The talk that an entry belongs to.
    fn of(&mut self, of: Option<Spanned<i64>>, at: usize) -> Option<i64> {
        let of = self.needed("of", of, at)?;
        if !self.known.contains(of.get_ref()) {
            self.fault(of.span().start, "`of` is the `id` of a talk further up");
        }
        Some(of.into_inner())
    }

    fn entry(&mut self, raw: Raw, at: usize) -> Option<Entry> {
        let on = self.date("on", &raw.on);
        let about = |reader: &mut Self, raw: (Option<String>, Option<String>, Option<Vec<String>>)| {
            let team = reader.needed("team", raw.0, at)?;
            let card = reader.needed("card", raw.1, at)?;
            let signals = reader.needed("signals", raw.2.filter(|all| !all.is_empty()), at)?;
            Some(About { team, card, signals })
        };
        let place = (raw.team, raw.card, raw.signals);
        let again = raw.again.and_then(|text| self.date("again", &text));
        let did = match raw.did.get_ref().as_str() {
            "seen" => Did::Seen(about(self, place)?),
            "set-aside" => {
                let reason = self.needed("reason", raw.reason, at)?;
                let known = Reason::of(reason.get_ref());
                if known.is_none() {
                    let words = Reason::ALL.map(|(_, word)| word).join(", ");
                    self.fault(reason.span().start, format!("`reason` is one of {words}"));
                }
                Did::SetAside(about(self, place)?, known?)
            }
            "talked" => {
                let id = self.needed("id", raw.id, at)?;
                if *id.get_ref() < 1 || !self.known.insert(*id.get_ref()) {
                    self.fault(id.span().start, "`id` is a number from 1 on that no other talk has");
                }
                let (agreed, mine) = (self.text("agreed", raw.agreed), self.text("mine", raw.mine));
                if agreed.is_some() && mine.is_none() {
                    self.fault(at, "`agreed` needs `mine`: what you will do yourself");
                }
                if mine.is_some() {
                    self.needed("again", again, at)?;
                }
                let again = again.filter(|_| mine.is_some());
                Did::Talked { about: about(self, place)?, id: id.into_inner(), agreed, mine, again }
            }
            "asked" => Did::Asked { of: self.of(raw.of, at)?, again: self.needed("again", again, at)? },
            "closed" => Did::Closed { of: self.of(raw.of, at)? },
            _ => {
                self.fault(raw.did.span().start, "`did` is one of seen, talked, asked, closed, set-aside");
                return None;
            }
        };
        Some(Entry { on: on?, did })
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn names() -> Names {
        let mut names = Names::default();
        names.add_with_parts("ada");
        names
    }

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("ledger/cleo");
        (place, folder)
    }

    fn about() -> About {
        About {
            team: "payments".to_owned(),
            card: "0123456789".to_owned(),
            signals: vec!["stalled_work".to_owned(), "moving_dates".to_owned()],
        }
    }

    fn all() -> Vec<Entry> {
        let on = Date::constant(2026, 11, 9);
        let again = Date::constant(2026, 11, 23);
        let agreed = Some("say \"no\" to a third \\ project ✓".to_owned());
        let talked = Did::Talked { about: about(), id: 1, agreed, mine: Some("I ask".to_owned()), again: Some(again) };
        [
            Did::Seen(about()),
            talked,
            Did::Asked { of: 1, again },
            Did::Closed { of: 1 },
            Did::SetAside(about(), Reason::MeasuredWrongly),
        ]
        .map(|did| Entry { on, did })
        .to_vec()
    }

    #[test]
    fn what_is_written_is_read_again_and_hand_edits_between_entries_stay() {
        let (_place, folder) = folder();
        for (at, entry) in all().into_iter().enumerate() {
            let mut ledger = Ledger::change(&folder, &names()).unwrap();
            ledger.add(entry).unwrap();
            drop(ledger);
            let text = fs::read_to_string(file(&folder)).unwrap() + &format!("\n# note {at}\n");
            fs::write(file(&folder), text).unwrap();
        }
        let ledger = Ledger::read(&folder, &names()).unwrap();
        assert_eq!(ledger.entries, all());
        assert!(ledger.text.starts_with(HEAD) && (0..5).all(|at| ledger.text.contains(&format!("# note {at}\n"))));
        assert_eq!(ledger.next_id(), 2);
        assert_eq!(ledger.standing().state("0123456789"), State::SetAside(Reason::MeasuredWrongly));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&file(&folder))), (0o700, 0o600));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing but the record stays");
    }

    #[test]
    fn a_folder_that_others_may_look_into_is_refused_and_a_record_is_changed_by_one_command_at_a_time() {
        let (_place, folder) = folder();
        assert!(Ledger::read(&folder, &names()).unwrap().entries.is_empty(), "no folder yet");
        let held = Ledger::change(&folder, &names()).unwrap();
        assert!(matches!(Ledger::change(&folder, &names()), Err(LedgerError::Busy(_))));
        assert!(Ledger::read(&folder, &names()).is_ok());
        drop(held);
        assert!(Ledger::change(&folder, &names()).is_ok());
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o750)).unwrap();
        let message = Ledger::read(&folder, &names()).unwrap_err().to_string();
        assert!(message.contains("mode 0750") && message.contains("chmod 700"), "{message}");
        assert!(matches!(write(&folder, "x.html", b""), Err(LedgerError::Rights { .. })));
    }

    #[track_caller]
    fn faults(text: &str, told: &[&str]) {
        let faults = entries(text, &names()).unwrap_err();
        let lines: Vec<String> = faults.iter().map(|(line, message)| format!("{line}: {message}")).collect();
        assert_eq!(lines.len(), told.len(), "{lines:?}");
        for (line, told) in lines.iter().zip(told) {
            assert!(line.starts_with(told) && !line.to_lowercase().contains("ada"), "{line}");
        }
    }

    #[test]
    fn faults_are_named_by_their_lines_and_repeat_nothing() {
        let about = "team = \"payments\"\ncard = \"0\"\nsignals = [\"stalled_work\"]\n";
        let entry = |lines: &str| format!("# head\n[[entry]]\non = \"2026-11-09\"\n{lines}{about}");
        faults("[[entry]\n", &["1: "]);
        faults(&entry("did = \"seen\"\nmood = 3\n"), &["5: this is no TOML"]);
        faults(&entry("did = \"talked\"\nid = \"Ada\"\n"), &["5: this is no TOML"]);
        faults(&entry("did = \"seen\"\nada = 3\n"), &["5: this is no TOML"]);
        faults(&entry("did = \"slept\"\n"), &["4: `did` is one of"]);
        faults(&entry("did = \"set-aside\"\nreason = \"Ada\"\n"), &["5: `reason` is one of"]);
        faults(&entry("did = \"closed\"\nof = 7\n"), &["5: `of` is the `id`"]);
        faults(&entry("did = \"talked\"\n"), &["2: this entry needs `id`"]);
        faults(&entry("did = \"talked\"\nid = 1\nagreed = \"less\"\n"), &["2: `agreed` needs `mine`"]);
        faults(&entry("did = \"talked\"\nid = 1\nmine = \"I ask\"\n"), &["2: this entry needs `again`"]);
        faults(
            &entry("did = \"talked\"\nid = 1\nmine = \"ask Ada\"\nagain = \"2026-12-01\"\n"),
            &["6: `mine` holds a name"],
        );
        faults(
            &entry("did = \"talked\"\nid = 1\nmine = \"I ask\"\nagain = \"soon\"\n"),
            &["7: `again` is a date", "2: this"],
        );
        let long = "x".repeat(201);
        faults(
            &entry(&format!("did = \"talked\"\nid = 1\nmine = \"{long}\"\nagain = \"2026-12-01\"\n")),
            &["6: `mine` has 201 characters"],
        );
    }
}
