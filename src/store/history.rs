//! What must not change from night to night, as small files named by their content and committed with the manifest.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::{At, StoreError};
use super::manifest::{LiveFile, Manifest};
use super::{Store, disk};

impl Store {
    /// What was remembered under a name; `None` where nothing was yet.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where the file is not what was written, [`StoreError::Io`].
    pub fn recall(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(file) = self.manifest.history.get(name) else { return Ok(None) };
        let path = self.history_path(name, file);
        let bytes = fs::read(&path).at("read", &path)?;
        if blake3::hash(&bytes).to_hex().as_str() != file.hash {
            return Err(StoreError::Damaged { path, reason: "its content does not match its name".to_owned() });
        }
        Ok(Some(bytes))
    }

    /// Remembers contents under their names, all in one commit. Equal contents change nothing. `rows` of the manifest
    /// counts lines.
    ///
    /// # Errors
    /// [`StoreError::Io`] with the store as it was.
    pub fn remember(&mut self, contents: &[(&str, Vec<u8>)]) -> Result<(), StoreError> {
        let mut next = self.manifest.clone();
        let mut folders = BTreeSet::new();
        for (name, bytes) in contents {
            let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
            let file = LiveFile {
                hash: blake3::hash(bytes).to_hex().to_string(),
                bytes: bytes.len() as u64,
                rows: lines as u64,
            };
            if next.history.get(*name) == Some(&file) {
                continue;
            }
            let path = self.history_path(name, &file);
            if let Some(folder) = path.parent() {
                disk::create_folder(folder)?;
            }
            disk::replace(&path, bytes)?;
            folders.extend(path.parent().map(Path::to_path_buf));
            next.history.insert((*name).to_owned(), file);
        }
        if next == self.manifest {
            return Ok(());
        }
        disk::sync_up_to(&self.folder, &folders)?;
        next.seq += 1;
        next.commit(&self.folder)?;
        self.manifest = next;
        self.collect_garbage()
    }

    /// The live files of a manifest's history.
    pub(super) fn remembered<'a>(&'a self, manifest: &'a Manifest) -> impl Iterator<Item = (PathBuf, &'a LiveFile)> {
        manifest.history.iter().map(|(name, file)| (self.history_path(name, file), file))
    }

    fn history_path(&self, name: &str, file: &LiveFile) -> PathBuf {
        self.folder.join("history").join(name).join(format!("{}.json", file.hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Batch;

    fn opened(folder: &tempfile::TempDir) -> Store {
        Store::open(&folder.path().join("store"), || Ok([1; 32])).unwrap()
    }

    #[test]
    fn what_is_remembered_outlives_the_run_and_equal_contents_commit_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = opened(&folder);
        assert_eq!(store.recall("cards").unwrap(), None);
        store.remember(&[("cards", b"one".to_vec())]).unwrap();
        let seq = store.seq();
        store.remember(&[("cards", b"one".to_vec())]).unwrap();
        store.merge(&Batch::default(), Vec::new()).unwrap();
        assert_eq!(store.seq(), seq);
        store.remember(&[("cards", b"two".to_vec())]).unwrap();
        drop(store);
        assert_eq!(opened(&folder).recall("cards").unwrap().as_deref(), Some(b"two".as_slice()));
    }

    #[test]
    fn a_damaged_memory_is_told_and_an_unnamed_file_is_cleared_away() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = opened(&folder);
        store.remember(&[("cards", b"one".to_vec())]).unwrap();
        let path = store.history_path("cards", &store.manifest.history["cards"].clone());
        fs::write(path.with_file_name("stray.json"), "x").unwrap();
        fs::write(&path, "eno").unwrap();
        drop(store);
        let store = opened(&folder);
        assert!(matches!(store.recall("cards"), Err(StoreError::Damaged { .. })));
        assert!(!path.with_file_name("stray.json").exists());
    }
}
