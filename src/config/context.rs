//! What a team itself says about its days, such as a release or a planning week: `events` in the configuration, and a
//! plain file beside it that any member may write. An entry that cannot be used is left out and told; it stops no night.

use std::cell::OnceCell;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use toml::Spanned;
use toml::de::DeTable;

use super::identities::quoted;
use super::problem::Notes;
use super::reader::Table;
use super::{Config, Event, Report, Team};
use crate::language::{self, Names, Rules, Slot};

/// The head of a new file.
const HEAD: &str = "# What this team itself says about its days: releases, planning, moves. Any member may add an entry by hand, or with\n\
                    # `undercurrent context TEAM --from DATE --to DATE --label TEXT`. Everybody in the team reads it on the page.\n\
                    # kind: release, planning (these days are left out of what they would distort), or any other word.\n";
/// The kind of an entry that names none.
pub const OTHER: &str = "other";
/// The longest label, in characters.
const LONGEST: usize = 80;

/// An entry of a context file by its number, which counts from 1 in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub line: usize,
    /// What it says, or what is wrong with it.
    pub event: Result<Event, String>,
}

/// A context file: its entries, and what is wrong with the file itself, by line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    pub entries: Vec<Entry>,
    pub faults: Vec<(usize, String)>,
}

/// Why a context file stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{}:{line}: {message}; correct the file first", path.display())]
    Broken { path: PathBuf, line: usize, message: String },
    #[error("{} has no entry {number}; `undercurrent context TEAM` lists them", path.display())]
    NoEntry { path: PathBuf, number: usize },
    #[error("entry {number} of {} cannot be told from what stands around it; remove it by hand", path.display())]
    Entangled { path: PathBuf, number: usize },
}

/// Reads a context file as it stands; a file that is not there is an empty one. Labels are not held against anything.
///
/// # Errors
/// [`ContextError::Io`] where it is there and cannot be read.
pub fn read(path: &Path) -> Result<File, ContextError> {
    Ok(parse(&text(path)?))
}

fn text(path: &Path) -> Result<String, ContextError> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(ContextError::Io { path: path.to_path_buf(), source }),
        Ok(text) => Ok(text),
    }
}

fn parse(text: &str) -> File {
    let mut notes = Notes { text, all: Vec::new(), about_people: true };
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        notes.add_private(error.span().unwrap_or(0..0), error.message().to_owned());
    }
    let span = root.span();
    let mut root = Table::new(root.into_inner(), span, "the file");
    let tables = root.tables("context", "[[context]]", &mut notes);
    root.finish(&mut notes);
    let told = |notes: &mut Notes<'_>| std::mem::take(&mut notes.all).into_iter().map(|one| (one.line, one.message));
    let faults: Vec<_> = told(&mut notes).collect();
    let mut entries = Vec::new();
    for table in tables {
        let line = notes.line(table.span.start);
        let event = event(table, line, &mut notes);
        let wrong: Vec<String> = told(&mut notes).map(|(_, message)| message).collect();
        entries.push(Entry { line, event: event.filter(|_| wrong.is_empty()).ok_or_else(|| wrong.join("; ")) });
    }
    File { entries, faults }
}

fn event(mut table: Table<'_>, line: usize, notes: &mut Notes<'_>) -> Option<Event> {
    for key in ["from", "to", "label"] {
        if !table.contains(key) {
            table.missing(key, notes);
        }
    }
    let from = table.date("from", notes);
    let to = table.date("to", notes);
    let kind = table.text("kind", notes);
    let label = table.text("label", notes);
    table.finish(notes);
    let kind = kind.map_or_else(|| OTHER.to_owned(), Spanned::into_inner);
    Some(Event { from: from?.into_inner(), to: to?.into_inner(), kind, label: label?.into_inner(), line })
}

/// Adds an entry at the end of a file, which is made where there is none. What stands in it already stays as it is.
///
/// # Errors
/// [`ContextError`]: the file as it stands cannot be read as TOML, or the disk refuses.
pub fn add(path: &Path, event: &Event) -> Result<(), ContextError> {
    let failed = |source| ContextError::Io { path: path.to_path_buf(), source };
    let before = text(path)?;
    if let Some((line, message)) = parse(&before).faults.into_iter().next() {
        return Err(ContextError::Broken { path: path.to_path_buf(), line, message });
    }
    let mut addition = String::new();
    if before.is_empty() {
        addition.push_str(HEAD);
    } else if !before.ends_with('\n') {
        addition.push('\n');
    }
    // Writing to a string cannot fail.
    let _ = write!(addition, "\n[[context]]\nfrom = \"{}\"\nto = \"{}\"\n", event.from, event.to);
    let _ = write!(addition, "kind = {}\nlabel = {}\n", quoted(&event.kind), quoted(&event.label));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| std::io::Write::write_all(&mut file, addition.as_bytes())).map_err(failed)
}

/// Removes an entry by its number. Everything else in the file stays as it is, comments too.
///
/// # Errors
/// [`ContextError`]: there is no such entry, it does not stand by itself below a `[[context]]`, or the disk refuses.
pub fn remove(path: &Path, number: usize) -> Result<(), ContextError> {
    let before = text(path)?;
    let file = parse(&before);
    let Some(entry) = number.checked_sub(1).and_then(|at| file.entries.get(at)) else {
        return Err(ContextError::NoEntry { path: path.to_path_buf(), number });
    };
    let after = without(&before, entry.line);
    let said = |file: &File| -> Vec<Option<(Date, Date, String, String)>> {
        let told = |event: &Event| (event.from, event.to, event.kind.clone(), event.label.clone());
        file.entries.iter().map(|entry| entry.event.as_ref().ok().map(told)).collect()
    };
    let mut expected = said(&file);
    expected.remove(number - 1);
    let rest = parse(&after);
    if said(&rest) != expected || rest.faults.len() != file.faults.len() {
        return Err(ContextError::Entangled { path: path.to_path_buf(), number });
    }
    let new = path.with_extension("toml.tmp");
    let rights = std::fs::metadata(path).map(|metadata| metadata.permissions());
    let written = std::fs::write(&new, after)
        .and_then(|()| std::fs::set_permissions(&new, rights?))
        .and_then(|()| std::fs::rename(&new, path));
    written.map_err(|source| ContextError::Io { path: path.to_path_buf(), source })
}

/// A text without the entry whose head is on a line: up to the next head, but comments above that one stay.
fn without(text: &str, line: usize) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let head = line - 1;
    let next = lines.iter().skip(line).position(|line| line.trim_start().starts_with('[')).map(|at| line + at);
    let mut end = next.unwrap_or(lines.len());
    let is_aside = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    while end > head + 1 && is_aside(lines[end - 1]) {
        end -= 1;
    }
    let begin = if head > 0 && lines[head - 1].trim().is_empty() { head - 1 } else { head };
    lines[..begin].iter().chain(&lines[end..]).copied().collect()
}

/// What events are held against. The language rules are read once, when the first label needs them.
pub struct Judge<'a> {
    config: &'a Config,
    names: Names,
    rules: OnceCell<Rules>,
}

impl<'a> Judge<'a> {
    #[must_use]
    pub fn new(config: &'a Config) -> Self {
        Self { config, names: config.names(), rules: OnceCell::new() }
    }

    /// Whether a word may stand as an event's kind; one that may not is never shown, since it may be anything.
    #[must_use]
    pub fn can_be_kind(&self, kind: &str) -> bool {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !kind.is_empty() && kind.bytes().all(plain) && !self.names.appear_in(kind)
    }

    /// What is wrong with an event of a team: its days, the form of its kind, and above all its label, which stands on
    /// a page. Never quotes what may be a name.
    #[must_use]
    pub fn faults(&self, event: &Event) -> Vec<String> {
        let mut faults = Vec::new();
        if event.from > event.to {
            faults.push("`to` lies before `from`".to_owned());
        }
        if !self.can_be_kind(&event.kind) {
            faults.push("`kind` is a word in lower-case letters, such as release, planning or other".to_owned());
        }
        let label = event.label.trim();
        if label.is_empty() || label.chars().count() > LONGEST || label.chars().any(char::is_control) {
            faults.push(format!("`label` is one line of 1 to {LONGEST} characters"));
        }
        if self.names.appear_in(label) {
            faults.push("`label` names a person or an account; say what it is about, never whom".to_owned());
            return faults;
        }
        let rules = self.rules.get_or_init(|| rules(&self.config.report));
        faults.extend(rules.check(Slot::Page, label).into_iter().map(|broken| format!("`label`: {broken}")));
        faults
    }
}

impl Config {
    /// What may not stand in a label or a leader's record: everybody of the roster, under every name that it has for
    /// them.
    #[must_use]
    pub fn names(&self) -> Names {
        let mut names = Names::default();
        for person in &self.people {
            names.add_with_parts(&person.id);
            person.github.iter().chain(&person.jira).for_each(|login| names.add(login));
            for email in &person.emails {
                // The part after the @ names an organisation, not a person.
                names.add_with_parts(email.split('@').next().unwrap_or_default());
            }
        }
        names
    }

    /// Adds what the teams' own files say to the events of the configuration. What cannot be used of either is left out
    /// and told in `complaints`.
    pub(super) fn declare(&mut self) {
        let judge = Judge::new(self);
        let mut complaints = Vec::new();
        let declared = self.teams.iter().map(|team| self.declared(team, &judge, &mut complaints)).collect::<Vec<_>>();
        // Teams may share a file.
        complaints.dedup();
        self.complaints = complaints;
        for (team, events) in self.teams.iter_mut().zip(declared) {
            team.events = events;
        }
    }

    /// The events of a team that can be used, from the configuration and from its own file.
    fn declared(&self, team: &Team, judge: &Judge<'_>, complaints: &mut Vec<String>) -> Vec<Event> {
        let path = &team.context;
        let file = read(path).unwrap_or_else(|error| {
            complaints.push(error.to_string());
            File::default()
        });
        let place = path.display();
        complaints.extend(file.faults.iter().map(|(line, message)| format!("{place}:{line}: {message}")));
        let own = team.events.iter().map(|event| (&self.file, event.line, Ok(event.clone())));
        let told = own.chain(file.entries.into_iter().map(|entry| (path, entry.line, entry.event)));
        let mut events = Vec::new();
        for (path, line, event) in told {
            let faults = match &event {
                Ok(event) => judge.faults(event),
                Err(message) => vec![message.clone()],
            };
            match event {
                Ok(event) if faults.is_empty() => events.push(event),
                _ => complaints.push(left_out(path, line, &faults.join("; "))),
            }
        }
        events
    }
}

fn left_out(path: &Path, line: usize, message: &str) -> String {
    format!("{}:{line}: {message}; this entry is left out", path.display())
}

/// The rules of the report's language: those that come with the program, else those of the folder of words, else the
/// English ones. That a language has no rules is told where its words are read.
fn rules(report: &Report) -> Rules {
    let folder = || {
        let text = std::fs::read_to_string(report.words.as_ref()?.join("language.toml")).ok()?;
        Rules::parse(&text).ok()
    };
    let own = language::shipped(&report.language).and_then(Result::ok).or_else(folder);
    own.or_else(|| language::shipped("en")?.ok()).expect("the English rules that come with the program can be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "[organisation]\nname = \"H\"\ntime-zone = \"UTC\"\n\
        [[people]]\nid = \"zoe\"\ngithub = [\"night-owl\"]\nemails = [\"zoe.muller@example.com\"]\njira = [\"5b10ac8d\"]\n\
        [[teams]]\nid = \"t\"\nname = \"T\"\nmembers = [\"zoe\"]\n";

    fn config(folder: &Path) -> Config {
        Config::parse(CONFIG, &folder.join("u.toml")).unwrap()
    }

    fn event(label: &str) -> Event {
        let date = |day| jiff::civil::date(2026, 10, day);
        Event { from: date(26), to: date(28), kind: "release".to_owned(), label: label.to_owned(), line: 0 }
    }

    #[track_caller]
    fn refused(judge: &Judge<'_>, label: &str, part: &str) {
        let faults = judge.faults(&event(label));
        assert!(faults.iter().any(|fault| fault.contains(part)), "{label}: {faults:?}");
    }

    #[test]
    fn labels_that_name_somebody_in_any_form_are_refused_without_naming_them_again() {
        let config = config(Path::new(""));
        let judge = Judge::new(&config);
        let forms =
            ["Zoe is away", "ZOE", "zoé's move", "z\u{200B}oe", "ｚｏｅ", "Night-Owl", "night owl moves", "5B10AC8D"];
        for label in forms.into_iter().chain(["Müller on leave", "ask zoe.muller", "move of a@example.com"]) {
            refused(&judge, label, "names a person or an account");
        }
        let told = judge.faults(&event("Zoe is away")).join(" ");
        assert!(!told.to_lowercase().contains("zoe"), "{told}");
        assert_eq!(judge.faults(&event("release 4.2, zoetrope, example.com")), [""; 0]);
    }

    #[test]
    fn labels_are_one_short_line_that_the_language_rules_accept() {
        let config = config(Path::new(""));
        let judge = Judge::new(&config);
        refused(&judge, &"x".repeat(81), "1 to 80 characters");
        refused(&judge, " ", "1 to 80 characters");
        refused(&judge, "a\nb", "1 to 80 characters");
        refused(&judge, "the worst week", "L1");
        assert!(judge.faults(&event(&"x".repeat(80))).is_empty());
        let backwards = Event { from: jiff::civil::date(2026, 10, 29), ..event("x") };
        assert_eq!(judge.faults(&backwards), ["`to` lies before `from`"]);
        let shouted = Event { kind: "Release".to_owned(), ..event("x") };
        assert_eq!(judge.faults(&shouted).len(), 1);
    }

    #[test]
    fn entries_are_added_and_removed_and_everything_written_by_hand_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("context/t.toml");
        add(&path, &event("first \"quoted\"")).unwrap();
        let by_hand = "\n# Above the second.\n[[context]]\nfrom = \"2026-11-02\"\nto = \"2026-11-03\"\nlabel = \"second\" # why not";
        let before = std::fs::read_to_string(&path).unwrap() + by_hand;
        std::fs::write(&path, &before).unwrap();
        add(&path, &event("third")).unwrap();
        let labels = || -> Vec<String> {
            read(&path).unwrap().entries.into_iter().map(|entry| entry.event.unwrap().label).collect()
        };
        assert_eq!(labels(), ["first \"quoted\"", "second", "third"]);
        assert_eq!(read(&path).unwrap().entries[1].event.as_ref().unwrap().kind, OTHER);
        remove(&path, 3).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{before}\n"));
        remove(&path, 1).unwrap();
        assert_eq!(labels(), ["second"]);
        let left = std::fs::read_to_string(&path).unwrap();
        assert!(left.starts_with(HEAD) && left.contains("# Above the second.\n"), "{left}");
        for number in [0, 2] {
            assert!(matches!(remove(&path, number), Err(ContextError::NoEntry { .. })));
        }
        let inline = |label: &str| format!("{{ from = \"2026-11-02\", to = \"2026-11-03\", label = \"{label}\" }}");
        std::fs::write(&path, format!("context = [{}, {}]\n", inline("x"), inline("y"))).unwrap();
        assert!(matches!(remove(&path, 1), Err(ContextError::Entangled { .. })));
        assert_eq!(labels(), ["x", "y"]);
    }

    #[test]
    fn a_broken_file_is_told_with_its_line_and_is_not_added_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("context/t.toml");
        std::fs::create_dir(folder.path().join("context")).unwrap();
        let good = "[[context]]\nfrom = \"2026-11-02\"\nto = \"2026-11-03\"\nlabel = \"good\"\n";
        let entry = |label: &str| good.replace("good", label);
        let text = [good, "[[context]]\nfrom = \"2.11.\"\n", &entry("Zoe"), &entry("worst"), "[contekst]\n"].concat();
        std::fs::write(&path, text).unwrap();
        let mut config = config(folder.path());
        let label = "the zoe of events".to_owned();
        config.teams[0].events = vec![Event { label, line: 7, ..event("") }];
        config.declare();
        assert_eq!(config.teams[0].events.len(), 1, "{:?}", config.teams[0].events);
        let told = config.complaints.join("\n");
        for part in ["t.toml:5: ", "t.toml:7: ", "t.toml:11: ", "t.toml:15: ", "u.toml:7: ", "did you mean `context`?"]
        {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert!(!told.to_lowercase().contains("zoe"), "{told}");
        assert!(matches!(add(&path, &event("x")), Err(ContextError::Broken { line: 15, .. })));
    }
}
