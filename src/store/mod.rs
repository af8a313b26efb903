//! The data folder: lock, manifest, cursors, writing and reading tables. Knows nothing of networks and signals.
//!
//! Data files are immutable and named by their content. One file, MANIFEST, names the live ones and holds every
//! cursor; it is replaced by one rename, so that rows and cursors become durable together. *At-least-once fetch,
//! exactly-once store.*

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use polars::prelude::*;

#[cfg(test)]
mod crash;
mod disk;
mod error;
mod forget;
mod held;
mod history;
mod key;
mod known;
mod manifest;
mod mend;
mod merge;
mod parquet;
mod purge;
pub mod schema;
mod volume;

pub use error::StoreError;
pub use held::{Held, held};
pub use key::Place;
pub use known::{OpenItem, ProjectIssues};
pub use manifest::{LiveFile, Manifest};
pub use mend::{Fault, Repaired, Verified, repair, rollback, verify, versions};
pub use purge::Counts;
pub use schema::{TABLES, Table, table};
pub use volume::{Volume, volume};

use crate::model::{Batch, Cursor, Cursors, Pseudonyms, ScopeId};
use error::At;
use merge::{Dropped, Marks};

/// What a commit did to the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Partitions that were written anew; 0 where nothing changed.
    pub partitions: usize,
}

/// An open store: one writer at a time.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    place: Place,
    manifest: Manifest,
    pseudonyms: Pseudonyms,
    /// Marks of accounts that no row may name.
    left_out: BTreeSet<String>,
    /// Held until the store is dropped; `None` for readers.
    _lock: Option<Lock>,
}

impl Store {
    /// Opens a store for writing, and makes it at the first run. `fresh_key` gives 32 random bytes for a new secret.
    ///
    /// # Errors
    /// [`StoreError::Locked`] while another run works; [`StoreError::Damaged`] where a live file is missing or has
    /// another size than the manifest says; the errors about the secret, where it can be read by others or is not the
    /// one under which the rows were stored; [`StoreError::Io`].
    pub fn open(
        place: impl Into<Place>,
        fresh_key: impl FnOnce() -> std::io::Result<[u8; 32]>,
    ) -> Result<Self, StoreError> {
        let place = place.into();
        let folder = &place.folder;
        disk::create_folder(folder)?;
        let lock = lock(&folder.join("LOCK"))?;
        // A run that was killed may have left names that only the memory of the system knows.
        disk::sync_folder(&disk::parent(folder))?;
        disk::sync_folder(folder)?;
        let mut manifest = Manifest::read(&folder.join("MANIFEST"))?.unwrap_or_else(Manifest::empty);
        let key = key::for_writing(&place, &manifest, fresh_key)?;
        manifest.key = key::fingerprint(&key);
        let pseudonyms = Pseudonyms::new(key);
        let store = Self {
            folder: place.folder.clone(),
            place,
            manifest,
            pseudonyms,
            left_out: BTreeSet::new(),
            _lock: Some(lock),
        };
        store.check_files()?;
        store.collect_garbage()?;
        Ok(store)
    }

    /// Opens a store for reading only; no lock is needed, since live files never change. `None` where there is none.
    ///
    /// # Errors
    /// As [`Store::open`], without the lock.
    pub fn open_reader(place: impl Into<Place>) -> Result<Option<Self>, StoreError> {
        let place = place.into();
        let Some(manifest) = Manifest::read(&place.folder.join("MANIFEST"))? else { return Ok(None) };
        let pseudonyms = Pseudonyms::new(key::for_reading(&place, &manifest)?);
        let store =
            Self { folder: place.folder.clone(), place, manifest, pseudonyms, left_out: BTreeSet::new(), _lock: None };
        store.check_files()?;
        Ok(Some(store))
    }

    /// The folder of the store.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The maker of pseudonyms with this store's secret.
    #[must_use]
    pub fn pseudonyms(&self) -> &Pseudonyms {
        &self.pseudonyms
    }

    /// Every cursor.
    #[must_use]
    pub fn cursors(&self) -> &Cursors {
        &self.manifest.cursors
    }

    /// How many commits there have been.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.manifest.seq
    }

    /// The number of stored rows, table by table.
    #[must_use]
    pub fn rows(&self) -> BTreeMap<String, u64> {
        let mut rows: BTreeMap<String, u64> = TABLES.iter().map(|table| (table.name.to_owned(), 0)).collect();
        for (partition, file) in &self.manifest.files {
            let name = partition.split('/').next().unwrap_or_default();
            *rows.entry(name.to_owned()).or_default() += file.rows;
        }
        rows
    }

    /// Bytes of all live files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.manifest.files.values().chain(self.manifest.history.values()).map(|file| file.bytes).sum()
    }

    /// The live files of a table, sorted.
    #[must_use]
    pub fn files(&self, table: &str) -> Vec<PathBuf> {
        let prefix = format!("{table}/");
        let live = self.manifest.files.iter().filter(|(partition, _)| partition.starts_with(&prefix));
        live.map(|(partition, file)| self.path_of(partition, file)).collect()
    }

    /// Merges rows and cursors in one commit: after it, both are durable; before it, neither is.
    ///
    /// # Errors
    /// [`StoreError::Io`] with the store as it was; [`StoreError::Damaged`] where a stored file cannot be read.
    pub fn merge(&mut self, batch: &Batch, cursors: Vec<(ScopeId, Cursor)>) -> Result<Merged, StoreError> {
        let mut next = self.manifest.clone();
        next.cursors.extend(cursors);
        let (dropped, marks) = (Dropped::of(&batch.replaced), Marks::of(&batch.gone));
        let incoming = merge::incoming(batch).map_err(|source| table_error("arrange rows of", "a batch", source))?;
        let mut folders = BTreeSet::new();
        for rows in incoming {
            self.merge_table(&mut next, rows, &dropped, &marks, &mut folders)?;
        }
        if next == self.manifest {
            return Ok(Merged::default());
        }
        disk::sync_up_to(&self.folder, &folders)?;
        next.seq += 1;
        next.commit(&self.folder)?;
        self.manifest = next;
        self.collect_garbage()?;
        Ok(Merged { partitions: folders.len() })
    }

    fn merge_table(
        &self,
        next: &mut Manifest,
        mut incoming: merge::Incoming,
        dropped: &Dropped,
        marks: &Marks,
        folders: &mut BTreeSet<PathBuf>,
    ) -> Result<(), StoreError> {
        let table = incoming.table;
        let stored = next.files.keys().filter_map(|path| path.strip_prefix(table.name)?.strip_prefix('/'));
        let changing = stored.filter(|partition| dropped.concerns(table, partition) || marks.concern(table));
        let touched: BTreeSet<String> =
            changing.map(str::to_owned).chain(incoming.partitions.keys().cloned()).collect();
        for partition in touched {
            let path = format!("{}/{partition}", table.name);
            let old = match next.files.get(&path) {
                Some(file) => parquet::read(&self.path_of(&path, file), None)?,
                None => table.empty(),
            };
            let new = incoming.partitions.remove(&partition).unwrap_or_else(|| table.empty());
            let new = self.admitted(table, new);
            let rows = dropped
                .without(table, &partition, old)
                .and_then(|kept| merge::upsert(table, kept, new?))
                .and_then(|rows| marks.over(table, rows))
                .map_err(|source| StoreError::Table { action: "merge", table: table.name, source })?;
            if rows.height() == 0 {
                next.files.remove(&path);
                continue;
            }
            let folder = self.folder.join("tables").join(&path);
            let file = parquet::write(&folder, rows)?;
            if next.files.get(&path) != Some(&file) {
                folders.insert(folder);
                next.files.insert(path, file);
            }
        }
        Ok(())
    }

    /// Reads the named columns of all live rows of a table.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where a file cannot be read.
    pub fn read(&self, table: &'static Table, columns: &[&str]) -> Result<DataFrame, StoreError> {
        let wanted: Vec<Column> = table
            .columns
            .iter()
            .filter(|(name, _)| columns.contains(name))
            .map(|(name, kind)| Column::new_empty((*name).into(), &kind.dtype()))
            .collect();
        let mut rows = DataFrame::new(0, wanted).map_err(|source| table_error("read", table.name, source))?;
        for path in self.files(table.name) {
            let part = parquet::read(&path, Some(columns))?;
            let part =
                part.select(rows.get_column_names_owned()).map_err(|source| table_error("read", table.name, source))?;
            rows.vstack_mut(&part).map_err(|source| table_error("read", table.name, source))?;
        }
        rows.rechunk_mut_par();
        Ok(rows)
    }

    fn path_of(&self, partition: &str, file: &LiveFile) -> PathBuf {
        self.folder.join("tables").join(partition).join(format!("{}.parquet", file.hash))
    }

    fn check_files(&self) -> Result<(), StoreError> {
        let data = self.manifest.files.iter().map(|(partition, file)| (self.path_of(partition, file), file));
        for (path, file) in data.chain(self.remembered(&self.manifest)) {
            let reason = match std::fs::metadata(&path) {
                Ok(metadata) if metadata.len() == file.bytes => continue,
                Ok(_) => "it has another size than the manifest says",
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => "it is missing",
                Err(error) => return Err(error).at("look at", &path),
            };
            return Err(StoreError::Damaged { path, reason: reason.to_owned() });
        }
        Ok(())
    }

    /// Removes data files that no manifest refers to which could still come back. Runs after a commit, and at start.
    fn collect_garbage(&self) -> Result<(), StoreError> {
        let mut named: BTreeSet<PathBuf> = BTreeSet::new();
        let kept = manifest::prune_copies(&self.folder, self.manifest.oldest)?;
        for manifest in kept.iter().chain([&self.manifest]) {
            named.extend(manifest.files.iter().map(|(partition, file)| self.path_of(partition, file)));
            named.extend(self.remembered(manifest).map(|(path, _)| path));
        }
        for path in
            disk::walk(&self.folder.join("tables"))?.into_iter().chain(disk::walk(&self.folder.join("history"))?)
        {
            if !named.contains(&path) {
                disk::remove(&path)?;
            }
        }
        Ok(())
    }
}

fn table_error(action: &'static str, table: &'static str, source: PolarsError) -> StoreError {
    StoreError::Table { action, table, source }
}

/// The kernel lock of a store; it vanishes with its holder.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    /// Given up outright: a process that another thread is about to start holds a copy of the file until it begins.
    fn drop(&mut self) {
        // Closing the file, which follows, gives it up as well.
        let _ = self.0.unlock();
    }
}

/// Takes the kernel lock of the store. It is never unlinked.
fn lock(path: &Path) -> Result<Lock, StoreError> {
    let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(path).at("open", path)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::Locked { path: path.to_path_buf() }),
        Err(std::fs::TryLockError::Error(error)) => Err(error).at("lock", path),
    }
}

/// A shared, unchanging view of a table for several readers.
pub type Frame = Arc<DataFrame>;
