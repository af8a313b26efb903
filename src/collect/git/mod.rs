//! Commits of local clones and bare repositories through gix: author-local time and merges; no paths, no messages.
//! Where it is asked for, files are read to count the lines that were changed again soon; only the counts are kept.
//!
//! What counts is what `git log` lists: every commit that is reachable from HEAD. Other branches are read of mirrors
//! alone, which hold nothing but what the service shows.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

mod mirror;
mod rewrites;

use super::{Context, Cursor, Delivery, NamedAccount, Outcome, ScopeId, ScopeReport};
pub use mirror::{MirrorError, Remote, tips, update};
pub use rewrites::{Span, rewrites};

use crate::model::records::Commit;
use crate::model::time::Millis;
use crate::model::{AccountKind, Batch, Pseudonyms, Replaced};

/// The host under which commits of clones stand.
const HOST: &str = "git";
/// What a mirror cannot tell, and the way out.
const NO_CONTENTS: &str =
    "its mirror holds no contents of files, so that early_rewriting stays silent here; name a local clone for it";
/// A fetch that takes longer is stopped.
const FETCH_LIMIT: Duration = Duration::from_secs(30 * 60);

/// A clone to be read.
#[derive(Clone, Debug)]
pub struct GitSource {
    pub path: PathBuf,
    /// Copies of this are made in the folder, and removed when they have been read.
    pub remote: Option<Remote>,
    /// How errors name it: a line of the configuration, or the argument of `try`.
    pub place: String,
}

/// What was read from a clone.
#[derive(Debug)]
pub struct Reading {
    pub repository_id: i64,
    /// All commits; none where the position is the known one.
    pub commits: Vec<Commit>,
    /// The hash of HEAD, or of all tips of a mirror; empty for a repository without commits.
    pub head: String,
    /// Nothing changed since the known position; else the commits are the whole history.
    pub continues: bool,
}

/// Why a clone could not be read; each names the way out.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("there is no readable git repository at this path; clone it there, or correct the path")]
    Open,
    #[error("the clone is shallow, so that its history is cut; run `git fetch --unshallow` in it")]
    Shallow,
    #[error("its objects have SHA-256 names, which are not read; name a clone with SHA-1 names")]
    ObjectFormat,
    #[error("its history cannot be read ({0}); run `git fsck` in it, or clone it anew")]
    History(String),
}

/// Reads every clone; one that fails does not stop the others. `with_rewrites`: what was changed again soon is counted
/// as well, which reads the contents of files.
pub async fn collect(sources: &[GitSource], with_rewrites: bool, context: &Context) -> Vec<ScopeReport> {
    let mut reports = Vec::new();
    for source in sources {
        reports.push(collect_one(source, context).await);
        if with_rewrites {
            reports.push(collect_rewrites(source, context).await);
        }
    }
    reports
}

/// All counts of a clone are made anew every night, so that a kept store and a fresh one hold the same.
async fn collect_rewrites(source: &GitSource, context: &Context) -> ScopeReport {
    let id = ScopeId { source: "git".to_owned(), stream: "rewrites".to_owned(), scope: source.place.clone() };
    if source.remote.is_some() {
        let report = ScopeReport::complete(id, source.place.clone(), 0, 0);
        return ScopeReport { reason: Some(NO_CONTENTS.to_owned()), ..report };
    }
    let span = Span { since: context.since.0.div_euclid(1000), now: context.now.0.div_euclid(1000) };
    let known = context.cursor(&id, "1").and_then(|cursor| cursor.position.clone());
    let (path, names, before) = (source.path.clone(), context.pseudonyms.clone(), known);
    let read = tokio::task::spawn_blocking(move || {
        let tip = head(&open(&path)?)?.map(|tip| tip.to_string()).unwrap_or_default();
        let position = format!("{tip} {} {}", span.since, span.now);
        let counted = (before.as_deref() != Some(position.as_str())).then(|| rewrites(&path, span, &names));
        Ok::<_, GitError>((position, counted.transpose()?))
    });
    let (position, counted) = match read.await {
        Ok(Ok(read)) => read,
        Ok(Err(error)) => return ScopeReport::failed(id, source.place.clone(), error.to_string()),
        Err(_) => return ScopeReport::failed(id, source.place.clone(), "counting was cut off by an internal error"),
    };
    let Some((repository_id, rows)) = counted else {
        let report = ScopeReport::complete(id, source.place.clone(), 0, 0);
        return ScopeReport { outcome: Outcome::Unchanged, ..report };
    };
    let report = ScopeReport::complete(id.clone(), source.place.clone(), rows.len() as u64, 0);
    let batch = Batch { rewrites: rows, replaced: vec![Replaced::Rewrites { repository_id }], ..Batch::default() };
    let cursor = Cursor { position: Some(position), scope_hash: "1".to_owned(), ..Cursor::default() };
    if context.deliver(Delivery { scope: id.clone(), batch, cursor: Some(cursor) }).await.is_err() {
        return ScopeReport::failed(id, source.place.clone(), "the store stopped taking rows");
    }
    report
}

async fn collect_one(source: &GitSource, context: &Context) -> ScopeReport {
    let id = ScopeId { source: "git".to_owned(), stream: "commits".to_owned(), scope: source.place.clone() };
    let known = context.cursor(&id, "1").and_then(|cursor| cursor.position.clone());
    let (own, names, before) = (source.clone(), context.pseudonyms.clone(), known.clone());
    let read = tokio::task::spawn_blocking(move || fetch_and_read(&own, before.as_deref(), &names)).await;
    let reading = match read {
        Ok(Ok(reading)) => reading,
        Ok(Err(reason)) => return ScopeReport::failed(id, source.place.clone(), reason),
        Err(_) => return ScopeReport::failed(id, source.place.clone(), "reading it was cut off by an internal error"),
    };
    let rows = reading.commits.len() as u64;
    let unchanged = known.as_deref() == Some(reading.head.as_str());
    let mut batch = Batch { commits: reading.commits, ..Batch::default() };
    if !reading.continues {
        batch.replaced.push(Replaced::Clone { repository_id: reading.repository_id });
    }
    let cursor = Cursor { position: Some(reading.head), scope_hash: "1".to_owned(), ..Cursor::default() };
    let mut report = ScopeReport::complete(id.clone(), source.place.clone(), rows, 0);
    if unchanged {
        report.outcome = Outcome::Unchanged;
    }
    if context.deliver(Delivery { scope: id.clone(), batch, cursor: Some(cursor) }).await.is_err() {
        return ScopeReport::failed(id, source.place.clone(), "the store stopped taking rows");
    }
    report
}

/// A remote whose tips have not moved is not fetched; one that cannot be fetched is not read, so that its scope stays
/// complete up to the night before.
fn fetch_and_read(source: &GitSource, known: Option<&str>, names: &Pseudonyms) -> Result<Reading, String> {
    let Some(remote) = &source.remote else {
        return read(&source.path, known, names).map_err(|error| error.to_string());
    };
    let seen = position(&tips(remote, FETCH_LIMIT).map_err(|error| error.to_string())?, names);
    if known == Some(seen.as_str()) {
        return Ok(Reading { repository_id: 0, commits: vec![], head: seen, continues: true });
    }
    copied(remote, &source.path, |copy| read_mirror(copy, known, names))
}

/// Reads a copy of a remote that is fetched into a folder and goes with the reading. What an earlier run left there when
/// it was killed goes first.
fn copied<T>(remote: &Remote, folder: &Path, read: impl FnOnce(&Path) -> Result<T, GitError>) -> Result<T, String> {
    let told = |error: std::io::Error| MirrorError::Folder(error).to_string();
    let clear = || match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(told(error)),
        _ => Ok(()),
    };
    clear()?;
    let fetched = update(remote, folder, FETCH_LIMIT).map_err(|error| error.to_string());
    let result = fetched.and_then(|()| read(folder).map_err(|error| error.to_string()));
    clear()?;
    result
}

/// The hash of all tips, which says whether any of them moved.
fn position(tips: &[String], names: &Pseudonyms) -> String {
    format!("{:016x}", names.number(&tips.join(",")))
}

/// Opens a clone that can be read whole. The machine's own git configuration is left alone.
fn open(path: &Path) -> Result<gix::Repository, GitError> {
    let mut repository = gix::open_opts(path, gix::open::Options::isolated()).map_err(|error| match error {
        _ if names_sha256(path) => GitError::ObjectFormat,
        _ => GitError::Open,
    })?;
    repository.object_cache_size_if_unset(32 * 1024 * 1024);
    if repository.is_shallow().unwrap_or(false) {
        return Err(GitError::Shallow);
    }
    Ok(repository)
}

/// The configuration of a repository names SHA-256 as its object format.
fn names_sha256(path: &Path) -> bool {
    let texts = ["config", ".git/config"].map(|file| std::fs::read_to_string(path.join(file)));
    texts.into_iter().flatten().any(|text| {
        let text = text.to_lowercase();
        text.contains("objectformat") && text.contains("sha256")
    })
}

/// When the newest commit of HEAD was made; `None` for a repository without commits. Reads that commit alone.
///
/// # Errors
/// [`GitError`] with the way out.
pub fn newest(path: &Path) -> Result<Option<Millis>, GitError> {
    let repository = open(path)?;
    let Some(tip) = head(&repository)? else { return Ok(None) };
    let object = repository.find_object(tip).map_err(|error| GitError::History(first_line(&error)))?;
    let committed = jiff::Timestamp::from_second(parse(tip, &object.data).committed).ok();
    Ok(committed.map(Millis::from_timestamp))
}

/// Reads a clone: what is reachable from HEAD. Where HEAD is the known one, nothing is read.
///
/// # Errors
/// [`GitError`] with the way out.
pub fn read(path: &Path, known: Option<&str>, names: &Pseudonyms) -> Result<Reading, GitError> {
    let repository = open(path)?;
    let tip = head(&repository)?;
    let position = tip.map(|tip| tip.to_string()).unwrap_or_default();
    reading(&repository, (tip, Vec::new()), position, known, names)
}

/// Reads a mirror: HEAD, all branches and the heads of pull requests. What HEAD does not reach is not on the default
/// branch.
///
/// # Errors
/// [`GitError`] with the way out.
pub fn read_mirror(path: &Path, known: Option<&str>, names: &Pseudonyms) -> Result<Reading, GitError> {
    let repository = open(path)?;
    let tip = head(&repository)?;
    let history = |error: &dyn std::fmt::Display| GitError::History(first_line(error));
    let mut others = Vec::new();
    let references = repository.references().map_err(|error| history(&error))?;
    for reference in references.all().map_err(|error| history(&error))? {
        let mut reference = reference.map_err(|error| history(&error))?;
        others.push(reference.peel_to_id().map_err(|error| history(&error))?.detach());
    }
    others.sort();
    others.dedup();
    let all: Vec<String> = tip.iter().chain(&others).map(ToString::to_string).collect();
    let position = position(&all, names);
    reading(&repository, (tip, others), position, known, names)
}

/// The commit of HEAD; `None` where it names no commit yet.
fn head(repository: &gix::Repository) -> Result<Option<gix::ObjectId>, GitError> {
    let history = |error: &dyn std::fmt::Display| GitError::History(first_line(error));
    let mut head = repository.head().map_err(|error| history(&error))?;
    Ok(head.try_peel_to_id().map_err(|error| history(&error))?.map(gix::Id::detach))
}

/// Everything that can be reached from HEAD and the other tips, unless the position is the known one.
fn reading(
    repository: &gix::Repository,
    (tip, others): (Option<gix::ObjectId>, Vec<gix::ObjectId>),
    position: String,
    known: Option<&str>,
    names: &Pseudonyms,
) -> Result<Reading, GitError> {
    let Some(tip) = tip else {
        let repository_id = repository_id(repository, &[], names);
        return Ok(Reading { repository_id, commits: vec![], head: String::new(), continues: false });
    };
    if known == Some(position.as_str()) {
        return Ok(Reading { repository_id: 0, commits: vec![], head: position, continues: true });
    }
    let mut seen = HashSet::new();
    let default = walk(repository, vec![tip], &mut seen)?;
    let side = walk(repository, others, &mut seen)?;
    let repository_id = repository_id(repository, &default, names);
    let both = default.iter().map(|raw| (raw, true)).chain(side.iter().map(|raw| (raw, false)));
    let records =
        both.map(|(raw, on_default)| raw.record(repository_id, on_default, names).ok_or(GitError::ObjectFormat));
    Ok(Reading { repository_id, commits: records.collect::<Result<_, _>>()?, head: position, continues: false })
}

/// The number of a clone: two clones of one history have the same. One without commits goes by its place.
fn repository_id(repository: &gix::Repository, commits: &[Raw], names: &Pseudonyms) -> i64 {
    let first = commits.iter().filter(|commit| commit.parents.is_empty());
    let mut roots: Vec<String> = first.map(|commit| commit.id.to_string()).collect();
    if roots.is_empty() {
        return names.number(&format!("clone:{}", repository.path().display()));
    }
    roots.sort();
    names.number(&format!("clone:{}", roots.join(",")))
}

/// The addresses under which somebody committed to a clone, for a person who tells whose they are.
///
/// # Errors
/// Why the clone cannot be read, or the remote not be fetched.
pub fn people(source: &GitSource, names: &Pseudonyms) -> Result<Vec<NamedAccount>, String> {
    match &source.remote {
        None => addresses(&source.path, names).map_err(|error| error.to_string()),
        Some(remote) => copied(remote, &source.path, |copy| addresses(copy, names)),
    }
}

fn addresses(path: &Path, names: &Pseudonyms) -> Result<Vec<NamedAccount>, GitError> {
    let repository = open(path)?;
    let Some(tip) = head(&repository)? else { return Ok(Vec::new()) };
    let commits = walk(&repository, vec![tip], &mut HashSet::new())?;
    let emails: BTreeSet<String> =
        commits.into_iter().map(|raw| raw.email).filter(|email| email.contains('@')).collect();
    let named = |email: String| NamedAccount {
        account: names.account("git", HOST, &email),
        words: vec![email.clone()],
        id: email,
    };
    Ok(emails.into_iter().map(named).collect())
}

/// The parts of a commit that are kept.
struct Raw {
    id: gix::ObjectId,
    parents: Vec<gix::ObjectId>,
    email: String,
    authored: i64,
    offset_seconds: i64,
    committed: i64,
}

impl Raw {
    /// The record; `None` for a name that is no SHA-1. A date that no calendar holds is that of 1970, as git shows one
    /// that overflows.
    fn record(&self, repository_id: i64, on_default: bool, names: &Pseudonyms) -> Option<Commit> {
        let millis = |seconds: i64| jiff::Timestamp::from_second(seconds).map_or(Millis(0), Millis::from_timestamp);
        Some(Commit {
            host: HOST.to_owned(),
            repository_id,
            sha: self.id.as_bytes().try_into().ok()?,
            author: (!self.email.is_empty()).then(|| names.account("git", HOST, &self.email)),
            author_kind: if self.email.contains("[bot]@") { AccountKind::Bot } else { AccountKind::Unknown },
            authored_at: millis(self.authored),
            utc_offset_minutes: self.offset_seconds.div_euclid(60),
            committed_at: millis(self.committed),
            additions: None,
            deletions: None,
            changed_files: None,
            parents: i64::try_from(self.parents.len()).ok()?,
            number: None,
            on_default,
        })
    }
}

/// Every commit that is reachable from the tips and was not seen before. Each is parsed here, since gix's own walk
/// stops at a commit that it cannot decode.
fn walk(
    repository: &gix::Repository,
    tips: Vec<gix::ObjectId>,
    seen: &mut HashSet<gix::ObjectId>,
) -> Result<Vec<Raw>, GitError> {
    let mut commits = Vec::new();
    let mut waiting: Vec<gix::ObjectId> = tips.into_iter().filter(|tip| seen.insert(*tip)).collect();
    while let Some(id) = waiting.pop() {
        let object = repository.find_object(id).map_err(|error| GitError::History(first_line(&error)))?;
        if object.kind != gix::object::Kind::Commit {
            continue;
        }
        let raw = parse(id, &object.data);
        waiting.extend(raw.parents.iter().filter(|parent| seen.insert(**parent)));
        commits.push(raw);
    }
    Ok(commits)
}

/// Takes the head of a commit apart, whatever its encoding; a part that cannot be read stays at its zero value, and
/// a date that cannot be read is that of 1970, as git shows it.
fn parse(id: gix::ObjectId, data: &[u8]) -> Raw {
    let mut raw = Raw { id, parents: Vec::new(), email: String::new(), authored: 0, offset_seconds: 0, committed: 0 };
    for line in data.split(|byte| *byte == b'\n') {
        if line.is_empty() {
            break;
        }
        if let Some(parent) = line.strip_prefix(b"parent ") {
            raw.parents.extend(gix::ObjectId::from_hex(parent.trim_ascii()).ok());
        } else if let Some(rest) = line.strip_prefix(b"author ") {
            let (email, seconds, offset) = signature(rest);
            (raw.email, raw.authored, raw.offset_seconds) = (email, seconds, offset);
        } else if let Some(rest) = line.strip_prefix(b"committer ") {
            raw.committed = signature(rest).1;
        }
    }
    raw
}

/// E-mail in lower case, seconds and offset in seconds of `NAME <EMAIL> SECONDS OFFSET`.
fn signature(line: &[u8]) -> (String, i64, i64) {
    let end = line.iter().rposition(|byte| *byte == b'>').unwrap_or(line.len());
    let start = line[..end].iter().rposition(|byte| *byte == b'<').map_or(end, |at| at + 1);
    let email = String::from_utf8_lossy(&line[start..end]).trim().to_lowercase();
    let tail = String::from_utf8_lossy(line.get(end + 1..).unwrap_or_default()).into_owned();
    let mut parts = tail.split_whitespace();
    let seconds = parts.next().and_then(|text| text.parse().ok()).unwrap_or(0);
    (email, seconds, parts.next().map_or(0, offset))
}

/// `+0530` in seconds; what no clock could show is 0.
fn offset(text: &str) -> i64 {
    let (sign, digits) = match text.split_at_checked(1) {
        Some(("-", digits)) => (-1, digits),
        Some(("+", digits)) => (1, digits),
        _ => (1, text),
    };
    // A second sign is no number here, as git has it.
    let number: i64 = if digits.starts_with(['+', '-']) { 0 } else { digits.parse().unwrap_or(0) };
    let (hours, minutes) = (number / 100, number % 100);
    if hours > 26 || minutes > 59 { 0 } else { sign * (hours * 3600 + minutes * 60) }
}

/// The first line of an error, which names no path and no person.
fn first_line(error: &dyn std::fmt::Display) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strange_signatures_are_survived() {
        let check = |line: &str, expected: (&str, i64, i64)| {
            let (email, seconds, offset) = signature(line.as_bytes());
            assert_eq!((email.as_str(), seconds, offset), expected, "{line}");
        };
        check("A B <A@Example.com> 1700000000 +0530", ("a@example.com", 1_700_000_000, 19_800));
        check("no mail <> -5 -0800", ("", -5, -28_800));
        check("odd < a > 12 +9999", ("a", 12, 0));
        check("broken", ("", 0, 0));
        check("x <y> z", ("y", 0, 0));
    }

    #[test]
    fn a_folder_that_is_no_repository_is_refused_with_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        let error = read(folder.path(), None, &Pseudonyms::new([1; 32])).unwrap_err();
        assert!(error.to_string().contains("no readable git repository"), "{error}");
    }
}
