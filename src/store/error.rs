//! What can go wrong with the store, named by what the caller does about it.

use std::path::{Path, PathBuf};

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another run holds the lock.
    #[error("another run holds the lock {}; wait for it to end", path.display())]
    Locked { path: PathBuf },
    /// The disk, its rights or its space: exit code 6.
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    /// Something in the store is not what was written: exit code 7.
    #[error("{} is damaged: {reason}; `undercurrent repair` lays damaged files aside, and the next night reads their sources again", path.display())]
    Damaged { path: PathBuf, reason: String },
    /// A newer version wrote this store: exit code 7.
    #[error("{} was written in format {found} by a newer version (this one knows up to {known}); update undercurrent", path.display())]
    Newer { path: PathBuf, found: u64, known: u64 },
    /// The secret can be read by others: exit code 2.
    #[error("{} can be read by others (mode {mode:o}); run `chmod 600` on it; if it may have been read, begin a new store: move this one away, the next night reads its sources again", path.display())]
    KeyRights { path: PathBuf, mode: u32 },
    /// Rows were stored under a secret that is not there: exit code 2.
    #[error("{} is missing, and the store has rows under it: put the key back (where `key-file` is new, move the file `key` of the store there), or begin a new store: move this one away, the next night reads its sources again", path.display())]
    KeyMissing { path: PathBuf },
    /// Rows were stored under another secret: exit code 2.
    #[error("{} is not the key under which the store's rows were stored: name that one in [store] key-file, or begin a new store: move this one away, the next night reads its sources again", path.display())]
    KeyForeign { path: PathBuf },
    /// polars refused an operation: a bug.
    #[error("cannot {action} table {table}: {source}")]
    Table { action: &'static str, table: &'static str, source: polars::error::PolarsError },
}

/// Adds what was being done, and where, to an input/output error.
pub(super) trait At<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, StoreError>;
}

impl<T> At<T> for std::io::Result<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Io { action, path: path.to_path_buf(), source })
    }
}
