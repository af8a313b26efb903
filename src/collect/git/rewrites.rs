//! How much of what a change added was changed again soon: a walk along the default branch that remembers, in memory
//! alone, which change put which young line where.
//!
//! A line is known by a hash of its text without the blanks around it; lines with hardly a letter are passed over. A line
//! that one commit takes away in one place and puts in another is moved, and stays what it was. Where a file holds the
//! same line several times and one goes, the oldest goes. Paths and lines leave memory as counts only.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use gix::diff::tree::recorder::Change;
use gix::objs::TreeRefIter;

use super::{GitError, HOST, Raw, first_line, head, open, parse, repository_id};
use crate::model::Pseudonyms;
use crate::model::records::Rewrite;
use crate::model::time::Millis;

const DAY: i64 = 86_400;
/// A line that is changed later than this was there for good.
const SOON: i64 = 21 * DAY;
/// Commits of one rebase merge reach the branch together: what they change of each other is no rewriting.
const TOGETHER: i64 = 600;
/// The newest commits of a history that are looked at.
const MOST_COMMITS: usize = 20_000;
/// A commit beyond these sizes is no change that somebody wrote; what it touches is forgotten.
const MOST_FILES: usize = 1_000;
const MOST_BYTES: u64 = 32 * 1024 * 1024;
/// A larger file is passed over, as is one with a zero byte near its beginning.
const LARGEST_FILE: u64 = 1024 * 1024;
const BINARY_WITHIN: usize = 8_000;
/// A line with fewer letters or digits says nothing.
const FEWEST_LETTERS: usize = 3;
/// Files that programs write, by the end of their path.
const GENERATED: [&str; 15] = [
    ".lock",
    "-lock.json",
    "-lock.yaml",
    "-shrinkwrap.json",
    ".lockb",
    "go.sum",
    ".min.js",
    ".min.css",
    ".map",
    ".snap",
    ".pb.go",
    "_pb2.py",
    ".g.dart",
    ".designer.cs",
    ".svg",
];
/// Folders of foreign code.
const FOREIGN: [&str; 4] = ["vendor", "node_modules", "third_party", "dist"];

/// Which changes are counted, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// What landed before is left out.
    pub since: i64,
    /// The night: counts are final, and told, for what landed 21 days before.
    pub now: i64,
}

/// Reads the counts of a clone, oldest change first, and the clone's repository id.
///
/// # Errors
/// [`GitError`] with the way out.
pub fn rewrites(path: &Path, span: Span, names: &Pseudonyms) -> Result<(i64, Vec<Rewrite>), GitError> {
    let repository = open(path)?;
    let Some(tip) = head(&repository)? else { return Ok((repository_id(&repository, &[], names), Vec::new())) };
    let chain = first_parents(&repository, tip, span.since)?;
    let mut walk = Walk { repository: &repository, young: HashMap::new(), changes: Vec::new(), pruned: 0 };
    for commit in &chain {
        walk.step(commit)?;
    }
    let mut rows = Vec::new();
    for (commit, counted) in chain.iter().zip(&walk.changes) {
        let is_final = commit.raw.committed + SOON <= span.now;
        let Some(counts) = counted.counts.filter(|_| is_final) else {
            continue;
        };
        rows.push(row(&repository, commit, counts, names)?);
    }
    let id = repository_id(&repository, &super::walk(&repository, vec![tip], &mut Default::default())?, names);
    rows.iter_mut().for_each(|row| row.repository_id = id);
    Ok((id, rows))
}

/// A commit of the default branch.
struct Landed {
    raw: Raw,
    tree: gix::ObjectId,
    /// The tree of its first parent; `None` for the first commit.
    before: Option<gix::ObjectId>,
}

/// The commits that HEAD reaches by first parents, oldest first, back to the first one before a moment.
fn first_parents(repository: &gix::Repository, tip: gix::ObjectId, since: i64) -> Result<Vec<Landed>, GitError> {
    let mut chain: Vec<Landed> = Vec::new();
    let mut next = Some(tip);
    while let Some(id) = next {
        let object = repository.find_object(id).map_err(|error| GitError::History(first_line(&error)))?;
        let raw = parse(id, &object.data);
        let tree = tree_of(&object.data).ok_or_else(|| GitError::History("a commit names no tree".to_owned()))?;
        if let Some(later) = chain.last_mut() {
            later.before = Some(tree);
        }
        if raw.committed < since || chain.len() >= MOST_COMMITS {
            break;
        }
        next = raw.parents.first().copied();
        chain.push(Landed { raw, tree, before: None });
    }
    chain.reverse();
    Ok(chain)
}

fn tree_of(commit: &[u8]) -> Option<gix::ObjectId> {
    let line = commit.split(|byte| *byte == b'\n').next()?;
    gix::ObjectId::from_hex(line.strip_prefix(b"tree ")?).ok()
}

/// Whose change it is: of a merge, whoever made the commit that it brought in.
fn row(
    repository: &gix::Repository,
    commit: &Landed,
    (added, again): (i64, i64),
    names: &Pseudonyms,
) -> Result<Rewrite, GitError> {
    let brought = commit.raw.parents.get(1).map(|id| -> Result<Raw, GitError> {
        let object = repository.find_object(*id).map_err(|error| GitError::History(first_line(&error)))?;
        Ok(parse(*id, &object.data))
    });
    let told = commit.raw.record(0, true, names).ok_or(GitError::ObjectFormat)?;
    let author = match brought.transpose()? {
        Some(raw) => raw.record(0, true, names).ok_or(GitError::ObjectFormat)?,
        None => told.clone(),
    };
    Ok(Rewrite {
        host: HOST.to_owned(),
        repository_id: 0,
        sha: told.sha,
        author: author.author,
        author_kind: author.author_kind,
        committed_at: Millis(told.committed_at.0),
        lines_added: added,
        lines_changed_again: again,
    })
}

/// A file or a line, known by its hash.
type Known = u64;
/// How often each line stands in a file.
type Bag = HashMap<Known, usize>;

/// What one change came to.
struct Counted {
    committed: i64,
    /// Lines added, and those of them that were changed again; `None` for a commit that was passed over.
    counts: Option<(i64, i64)>,
}

struct Walk<'a> {
    repository: &'a gix::Repository,
    /// Young lines by file: the changes (positions in `changes`) that added each, oldest first.
    young: HashMap<Known, HashMap<Known, Vec<usize>>>,
    changes: Vec<Counted>,
    /// When old lines were forgotten last.
    pruned: i64,
}

/// A line that a commit takes out of a file, so many times, of so many; or puts in.
struct Edit {
    file: Known,
    times: usize,
    had: usize,
}

impl Walk<'_> {
    /// Takes one commit in.
    fn step(&mut self, commit: &Landed) -> Result<(), GitError> {
        let at = self.changes.len();
        self.changes.push(Counted { committed: commit.raw.committed, counts: None });
        self.forget(commit.raw.committed);
        let changed = self.changed(commit)?;
        if changed.len() > MOST_FILES || self.size(&changed)? > MOST_BYTES {
            for (file, _, _) in &changed {
                self.young.remove(file);
            }
            return Ok(());
        }
        let (mut taken, mut put): (BTreeMap<Known, Vec<Edit>>, BTreeMap<Known, Vec<Edit>>) = Default::default();
        for (file, before, after) in changed {
            let (Some(before), Some(after)) = (self.lines(before)?, self.lines(after)?) else {
                self.young.remove(&file);
                continue;
            };
            for (line, had) in &before {
                let times = had.saturating_sub(after.get(line).copied().unwrap_or(0));
                if times > 0 {
                    taken.entry(*line).or_default().push(Edit { file, times, had: *had });
                }
            }
            for (line, has) in &after {
                let times = has.saturating_sub(before.get(line).copied().unwrap_or(0));
                if times > 0 {
                    put.entry(*line).or_default().push(Edit { file, times, had: 0 });
                }
            }
        }
        let mut counts = (0, 0);
        for (line, edits) in taken {
            let origins = self.take(line, &edits);
            let mut arrivals = put.remove(&line).unwrap_or_default();
            self.settle(line, origins, &mut arrivals, commit.raw.committed);
            counts.0 += self.add(line, &arrivals, at);
        }
        for (line, edits) in put {
            counts.0 += self.add(line, &edits, at);
        }
        self.changes[at].counts = Some(counts);
        Ok(())
    }

    /// The files that a commit changes, with their contents before and after.
    #[expect(clippy::type_complexity, reason = "a file and its two sides, used here alone")]
    fn changed(&self, commit: &Landed) -> Result<Vec<(Known, Option<gix::ObjectId>, Option<gix::ObjectId>)>, GitError> {
        let history = |error: &dyn std::fmt::Display| GitError::History(first_line(error));
        let tree = |id: Option<gix::ObjectId>| -> Result<Vec<u8>, GitError> {
            let Some(id) = id else { return Ok(Vec::new()) };
            Ok(self.repository.find_object(id).map_err(|error| history(&error))?.data.clone())
        };
        let (before, after) = (tree(commit.before)?, tree(Some(commit.tree))?);
        let kind = self.repository.object_hash();
        let mut recorder = gix::diff::tree::Recorder::default();
        gix::diff::tree(
            TreeRefIter::from_bytes(&before, kind),
            TreeRefIter::from_bytes(&after, kind),
            gix::diff::tree::State::default(),
            &self.repository.objects,
            &mut recorder,
        )
        .map_err(|error| history(&error))?;
        let side = |mode: gix::objs::tree::EntryMode, id| mode.is_blob().then_some(id);
        let sides = recorder.records.into_iter().map(|change| match change {
            Change::Addition { entry_mode, oid, path, .. } => (path, None, side(entry_mode, oid)),
            Change::Deletion { entry_mode, oid, path, .. } => (path, side(entry_mode, oid), None),
            Change::Modification { previous_entry_mode, previous_oid, entry_mode, oid, path } => {
                (path, side(previous_entry_mode, previous_oid), side(entry_mode, oid))
            }
        });
        let written = sides.filter(|(path, before, after)| (before.is_some() || after.is_some()) && !is_foreign(path));
        let mut files: Vec<_> = written.map(|(path, before, after)| (known(&path), before, after)).collect();
        files.sort_unstable();
        Ok(files)
    }

    /// Bytes of the files on both sides.
    fn size(&self, files: &[(Known, Option<gix::ObjectId>, Option<gix::ObjectId>)]) -> Result<u64, GitError> {
        let ids = files.iter().flat_map(|(_, before, after)| [*before, *after]).flatten();
        ids.map(|id| {
            let header = self.repository.find_header(id).map_err(|error| GitError::History(first_line(&error)))?;
            // Larger files are not read.
            Ok(Some(header.size()).filter(|size| *size <= LARGEST_FILE).unwrap_or(0))
        })
        .sum()
    }

    /// The lines of a file; none of one that is not there, `None` for one that is passed over.
    fn lines(&self, id: Option<gix::ObjectId>) -> Result<Option<Bag>, GitError> {
        let Some(id) = id else { return Ok(Some(Bag::new())) };
        let failed = |error: &dyn std::fmt::Display| GitError::History(first_line(error));
        if self.repository.find_header(id).map_err(|error| failed(&error))?.size() > LARGEST_FILE {
            return Ok(None);
        }
        let object = self.repository.find_object(id).map_err(|error| failed(&error))?;
        if object.data.iter().take(BINARY_WITHIN).any(|byte| *byte == 0) {
            return Ok(None);
        }
        let mut bag = Bag::new();
        for line in object.data.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
            let letters = line.iter().filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
            if letters.take(FEWEST_LETTERS).count() == FEWEST_LETTERS {
                *bag.entry(known(line)).or_default() += 1;
            }
        }
        Ok(Some(bag))
    }

    /// Takes a line out of files: by which young change each copy had come, `None` for old ones. Of several copies in
    /// one file the oldest go.
    fn take(&mut self, line: Known, edits: &[Edit]) -> Vec<Option<usize>> {
        let mut origins = Vec::new();
        for edit in edits {
            let young = self.young.get_mut(&edit.file).and_then(|lines| lines.get_mut(&line));
            let there = young.as_ref().map_or(0, |young| young.len().min(edit.had));
            let old = edit.times.min(edit.had - there);
            origins.extend(std::iter::repeat_n(None, old));
            if let Some(young) = young {
                origins.extend(young.drain(..edit.times - old).map(Some));
            }
        }
        origins
    }

    /// Of the copies that are gone, those that arrive elsewhere in the same commit are moved, young ones first; the
    /// others are changed. What remains in `arrivals` is new.
    fn settle(&mut self, line: Known, origins: Vec<Option<usize>>, arrivals: &mut [Edit], committed: i64) {
        let mut gone: Vec<usize> = origins.iter().copied().flatten().collect();
        gone.sort_unstable();
        let mut old = origins.len() - gone.len();
        for arrival in arrivals {
            let moved = arrival.times.min(gone.len());
            let lines = self.young.entry(arrival.file).or_default();
            lines.entry(line).or_default().extend(gone.drain(..moved));
            let moved_old = (arrival.times - moved).min(old);
            old -= moved_old;
            arrival.times -= moved + moved_old;
        }
        for change in gone {
            let since = committed - self.changes[change].committed;
            if since > TOGETHER
                && since <= SOON
                && let Some(counts) = &mut self.changes[change].counts
            {
                counts.1 += 1;
            }
        }
    }

    /// Puts a new line into files; gives how many there are of it.
    fn add(&mut self, line: Known, edits: &[Edit], change: usize) -> i64 {
        let mut all = 0;
        for edit in edits.iter().filter(|edit| edit.times > 0) {
            let lines = self.young.entry(edit.file).or_default();
            lines.entry(line).or_default().extend(std::iter::repeat_n(change, edit.times));
            all += edit.times;
        }
        i64::try_from(all).unwrap_or(i64::MAX)
    }

    /// Once a day forgets lines that are no longer young.
    fn forget(&mut self, now: i64) {
        if now < self.pruned + DAY {
            return;
        }
        self.pruned = now;
        let is_young = |change: &usize| self.changes[*change].committed >= now - SOON;
        self.young.retain(|_, lines| {
            lines.retain(|_, changes| {
                changes.retain(is_young);
                !changes.is_empty()
            });
            !lines.is_empty()
        });
    }
}

/// The same hash in every run.
fn known(text: &[u8]) -> Known {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Code that programs or others wrote.
fn is_foreign(path: &[u8]) -> bool {
    let path = String::from_utf8_lossy(path).to_lowercase();
    let folder = path.split('/').rev().skip(1).any(|folder| FOREIGN.contains(&folder));
    folder || GENERATED.iter().any(|end| path.ends_with(end))
}
