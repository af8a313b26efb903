//! The secret of the pseudonyms: where it lies, who may read it, and that it is the one under which the rows were
//! stored.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::disk;
use super::error::{At, StoreError};
use super::manifest::Manifest;

/// What a fingerprint is derived for, so that it tells nothing about any pseudonym.
const FINGERPRINT: &str = "undercurrent 2026 fingerprint of the key of a store";
const FINGERPRINT_DIGITS: usize = 16;

/// Where a store lies, and where its secret does.
#[derive(Clone, Debug)]
pub struct Place {
    pub(super) folder: PathBuf,
    pub(super) key: PathBuf,
}

impl Place {
    /// A store whose secret lies elsewhere, or, without a path, in its own folder.
    #[must_use]
    pub fn new(folder: &Path, key: Option<&Path>) -> Self {
        Self { folder: folder.to_path_buf(), key: key.map_or_else(|| folder.join("key"), Path::to_path_buf) }
    }
}

impl From<&Path> for Place {
    fn from(folder: &Path) -> Self {
        Self::new(folder, None)
    }
}

impl From<&PathBuf> for Place {
    fn from(folder: &PathBuf) -> Self {
        Self::new(folder, None)
    }
}

/// What a manifest says about a key: one-way, and of no use for finding a pseudonym.
pub(super) fn fingerprint(key: &[u8; 32]) -> String {
    let derived = blake3::derive_key(FINGERPRINT, key);
    blake3::Hash::from_bytes(derived).to_hex()[..FINGERPRINT_DIGITS].to_owned()
}

/// The secret with which a store is written; made where the store has no rows yet.
///
/// # Errors
/// [`StoreError::KeyRights`] where others may read it, [`StoreError::KeyMissing`] and [`StoreError::KeyForeign`] where
/// rows were stored under another one, [`StoreError::Damaged`] where it is not 32 bytes long.
pub(super) fn for_writing(
    place: &Place,
    manifest: &Manifest,
    fresh: impl FnOnce() -> std::io::Result<[u8; 32]>,
) -> Result<[u8; 32], StoreError> {
    let holds_rows = !manifest.files.is_empty() || !manifest.history.is_empty() || !manifest.key.is_empty();
    match read(&place.key)? {
        None if holds_rows => Err(StoreError::KeyMissing { path: place.key.clone() }),
        None => make(&place.key, fresh),
        Some(key) => fitting(key, place, manifest),
    }
}

/// The secret with which a store is read.
///
/// # Errors
/// As [`for_writing`].
pub(super) fn for_reading(place: &Place, manifest: &Manifest) -> Result<[u8; 32], StoreError> {
    let key = read(&place.key)?.ok_or_else(|| StoreError::KeyMissing { path: place.key.clone() })?;
    fitting(key, place, manifest)
}

fn fitting(key: [u8; 32], place: &Place, manifest: &Manifest) -> Result<[u8; 32], StoreError> {
    // A store of an older version says nothing of its key; the next commit does.
    if !manifest.key.is_empty() && manifest.key != fingerprint(&key) {
        return Err(StoreError::KeyForeign { path: place.key.clone() });
    }
    Ok(key)
}

/// Puts a new secret in the place of the old one.
///
/// # Errors
/// [`StoreError::Io`].
pub(super) fn replace(place: &Place, key: &[u8; 32]) -> Result<(), StoreError> {
    disk::replace(&place.key, key)
}

fn make(path: &Path, fresh: impl FnOnce() -> std::io::Result<[u8; 32]>) -> Result<[u8; 32], StoreError> {
    let key = fresh().at("make a secret for", path)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        disk::create_folder(folder)?;
    }
    disk::replace(path, &key)?;
    Ok(key)
}

fn read(path: &Path) -> Result<Option<[u8; 32]>, StoreError> {
    let mode = match fs::metadata(path) {
        Ok(metadata) => metadata.permissions().mode() & 0o777,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).at("read", path),
    };
    if mode & 0o077 != 0 {
        return Err(StoreError::KeyRights { path: path.to_path_buf(), mode });
    }
    let bytes = fs::read(path).at("read", path)?;
    let whole = bytes.try_into().map_err(|_| StoreError::Damaged {
        path: path.to_path_buf(),
        reason: "the key is not 32 bytes long".to_owned(),
    })?;
    Ok(Some(whole))
}
