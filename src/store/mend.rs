//! Whether a store is what its manifest says, and the way back where it is not: damaged files are laid aside and their
//! sources read again, or an older version of the whole store comes back.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::At;
use super::manifest::{LiveFile, Manifest};
use super::{Place, StoreError, TABLES, disk, lock, parquet};

/// Where damaged files are laid aside. The next night or purge takes them away.
pub(super) const ASIDE: &str = "quarantine";

/// Something that is not as the manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub path: PathBuf,
    pub reason: String,
    /// The partition, such as `commits/source=git/month=202611`, or the name of something that is remembered.
    pub part: String,
    is_history: bool,
}

/// What a look at every file came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    pub files: usize,
    pub rows: u64,
    pub faults: Vec<Fault>,
}

/// What a repair did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// The manifest itself could not be read, and this older one took its place.
    pub manifest_of: Option<u64>,
    pub faults: Vec<Fault>,
    /// Sources (`github`, `jira`, `git`, `calendar`) that the next night reads anew.
    pub read_again: BTreeSet<String>,
    /// What is remembered and came back from an older version.
    pub recalled: BTreeSet<String>,
    /// What was remembered and is lost.
    pub lost: BTreeSet<String>,
}

fn table_path(folder: &Path, part: &str, file: &LiveFile) -> PathBuf {
    folder.join("tables").join(part).join(format!("{}.parquet", file.hash))
}

fn history_path(folder: &Path, name: &str, file: &LiveFile) -> PathBuf {
    folder.join("history").join(name).join(format!("{}.json", file.hash))
}

/// Reads every live file and holds it against the manifest and the table it belongs to; `None` where there is no store.
///
/// # Errors
/// [`StoreError`] where the manifest itself cannot be read.
pub fn verify(place: &Place) -> Result<Option<Verified>, StoreError> {
    let Some(manifest) = Manifest::read(&place.folder.join("MANIFEST"))? else { return Ok(None) };
    verified(&place.folder, &manifest).map(Some)
}

fn verified(folder: &Path, manifest: &Manifest) -> Result<Verified, StoreError> {
    let mut verified = Verified::default();
    for (part, file) in &manifest.files {
        verified.files += 1;
        verified.rows += file.rows;
        let path = table_path(folder, part, file);
        if let Some(reason) = table_fault(&path, part, file)? {
            verified.faults.push(Fault { path, reason, part: part.clone(), is_history: false });
        }
    }
    for (name, file) in &manifest.history {
        verified.files += 1;
        let path = history_path(folder, name, file);
        if let Some(reason) = history_fault(&path, file)? {
            verified.faults.push(Fault { path, reason, part: name.clone(), is_history: true });
        }
    }
    Ok(verified)
}

/// What is wrong with a file of rows.
fn table_fault(path: &Path, part: &str, file: &LiveFile) -> Result<Option<String>, StoreError> {
    let rows = match parquet::read(path, None) {
        Ok(rows) => rows,
        Err(StoreError::Damaged { reason, .. }) => return Ok(Some(reason)),
        Err(StoreError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Some("it is missing".to_owned()));
        }
        Err(other) => return Err(other),
    };
    let name = part.split('/').next().unwrap_or_default();
    let Some(table) = TABLES.into_iter().find(|table| table.name == name) else {
        return Ok(Some("no table has this name".to_owned()));
    };
    if rows.height() as u64 != file.rows {
        return Ok(Some("it has another number of rows than the manifest says".to_owned()));
    }
    if **rows.schema() != table.schema() {
        return Ok(Some("its columns are not those of its table".to_owned()));
    }
    let key: Vec<String> = table.key.iter().map(|name| (*name).to_owned()).collect();
    let distinct = rows
        .unique_stable(Some(&key), polars::prelude::UniqueKeepStrategy::Any, None)
        .map_err(|source| StoreError::Table { action: "look at", table: table.name, source })?;
    Ok((distinct.height() != rows.height()).then(|| "two of its rows have one key".to_owned()))
}

fn history_fault(path: &Path, file: &LiveFile) -> Result<Option<String>, StoreError> {
    match fs::read(path) {
        Ok(bytes) if blake3::hash(&bytes).to_hex().as_str() == file.hash => Ok(None),
        Ok(_) => Ok(Some("its content does not match its name".to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Some("it is missing".to_owned())),
        Err(error) => Err(error).at("read", path),
    }
}

/// Lays damaged files aside and lets what was in them be read again. What is remembered comes back from the newest older
/// version in which it is whole. Where the manifest is damaged, the newest older one takes its place first.
///
/// # Errors
/// [`StoreError::Locked`] while another run works, [`StoreError::Io`].
pub fn repair(place: &Place) -> Result<Option<Repaired>, StoreError> {
    let folder = &place.folder;
    if !folder.join("MANIFEST").exists() {
        return Ok(None);
    }
    let _lock = lock(&folder.join("LOCK"))?;
    let older = copies(folder)?;
    let mut repaired = Repaired::default();
    let manifest = match Manifest::read(&folder.join("MANIFEST")) {
        Ok(manifest) => manifest.unwrap_or_else(Manifest::empty),
        Err(StoreError::Damaged { path, reason }) => {
            let Some(newest) = older.last() else { return Err(StoreError::Damaged { path, reason }) };
            repaired.manifest_of = Some(newest.seq);
            newest.clone()
        }
        Err(other) => return Err(other),
    };
    repaired.faults = verified(folder, &manifest)?.faults;
    if repaired.faults.is_empty() && repaired.manifest_of.is_none() {
        return Ok(Some(repaired));
    }
    let mut next = manifest.clone();
    for fault in repaired.faults.clone() {
        lay_aside(folder, &fault.path)?;
        if fault.is_history {
            bring_back(folder, &mut next, &older, &fault.part, &mut repaired)?;
        } else {
            next.files.remove(&fault.part);
            let source = fault.part.split("source=").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
            // Cursors of calendars are named by what they read.
            let prefix = if source == "calendar" { "calendars" } else { source };
            next.cursors.retain(|id, _| id.source != prefix && !id.source.starts_with(&format!("{prefix}:")));
            repaired.read_again.insert(source.to_owned());
        }
    }
    next.seq = older.last().map_or(next.seq, |newest| newest.seq.max(next.seq)) + 1;
    next.commit(folder)?;
    Ok(Some(repaired))
}

fn bring_back(
    folder: &Path,
    next: &mut Manifest,
    older: &[Manifest],
    name: &str,
    repaired: &mut Repaired,
) -> Result<(), StoreError> {
    for file in older.iter().rev().filter_map(|copy| copy.history.get(name)) {
        if history_fault(&history_path(folder, name, file), file)?.is_none() {
            next.history.insert(name.to_owned(), file.clone());
            repaired.recalled.insert(name.to_owned());
            return Ok(());
        }
    }
    next.history.remove(name);
    repaired.lost.insert(name.to_owned());
    Ok(())
}

/// The readable older manifests, oldest first.
fn copies(folder: &Path) -> Result<Vec<Manifest>, StoreError> {
    let mut paths = disk::list(&folder.join("manifests"))?;
    paths.sort_unstable();
    // A damaged copy is of no use for anything.
    Ok(paths.iter().filter_map(|path| Manifest::read(path).ok().flatten()).collect())
}

fn lay_aside(folder: &Path, path: &Path) -> Result<(), StoreError> {
    let place = folder.join(ASIDE);
    disk::create_folder(&place)?;
    let name = path.strip_prefix(folder).unwrap_or(path).display().to_string().replace('/', "+");
    match fs::rename(path, place.join(name)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).at("lay aside", path),
        _ => disk::sync_folder(&place),
    }
}

/// The versions to which a store can go back, oldest first: number and rows. The last one is the present.
///
/// # Errors
/// [`StoreError::Io`].
pub fn versions(place: &Place) -> Result<Vec<(u64, u64)>, StoreError> {
    let rows = |manifest: &Manifest| manifest.files.values().map(|file| file.rows).sum();
    Ok(copies(&place.folder)?.iter().map(|manifest| (manifest.seq, rows(manifest))).collect())
}

/// Makes the rows of an older version of a store the present ones, with their cursors: what came since is read again. What
/// is remembered stays as it is now, since it must not change from night to night (rosters, cards, when a past was counted
/// again). Returns whether there is such a version.
///
/// # Errors
/// [`StoreError::Locked`] while another run works; [`StoreError::Damaged`] where one of its files is not whole.
pub fn rollback(place: &Place, number: u64) -> Result<bool, StoreError> {
    let folder = &place.folder;
    let _lock = lock(&folder.join("LOCK"))?;
    let all = copies(folder)?;
    let Some(wanted) = all.iter().find(|manifest| manifest.seq == number) else { return Ok(false) };
    if let Some(Fault { path, reason, .. }) = verified(folder, wanted)?.faults.into_iter().next() {
        return Err(StoreError::Damaged { path, reason });
    }
    let newest = all.last().map_or(number, |manifest| manifest.seq);
    // A manifest that cannot be read has nothing that could stay.
    let present = match Manifest::read(&folder.join("MANIFEST")) {
        Err(error @ StoreError::Newer { .. }) => return Err(error),
        read => read.ok().flatten(),
    };
    let history = present.as_ref().map_or_else(|| wanted.history.clone(), |manifest| manifest.history.clone());
    let number = present.map_or(newest, |manifest| manifest.seq).max(newest) + 1;
    Manifest { seq: number, history, ..wanted.clone() }.commit(folder)?;
    Ok(true)
}

/// Takes away what was laid aside.
pub(super) fn drop_aside(folder: &Path) -> Result<(), StoreError> {
    let place = folder.join(ASIDE);
    match fs::remove_dir_all(&place) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).at("remove", &place),
        _ => Ok(()),
    }
}
