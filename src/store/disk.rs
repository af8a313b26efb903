//! The few ways in which the store touches the disk: everything synced before its name is usable. Tests record every step,
//! and play every crash from the record.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

#[cfg(test)]
use super::crash::{Step, note};
use super::error::{At, StoreError};

/// Makes a folder (mode 0700) and its parents, and makes each name durable.
pub(super) fn create_folder(path: &Path) -> Result<(), StoreError> {
    if !path.is_dir() {
        let parent = parent(path);
        create_folder(&parent)?;
        match fs::DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error).at("create", path),
            _ => {}
        }
        #[cfg(test)]
        note(Step::Folder(path.to_owned()));
        sync_folder(&parent)?;
    }
    Ok(())
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|folder| folder.sync_all()).at("sync", path)?;
    #[cfg(test)]
    note(Step::SyncFolder(path.to_owned()));
    Ok(())
}

/// The folder in which a path lies.
pub(super) fn parent(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Makes the names in these folders durable, and those of the folders themselves up to `root`. A folder that is there may
/// have been made by a run that was killed before it could make its name durable.
pub(super) fn sync_up_to(root: &Path, folders: &BTreeSet<PathBuf>) -> Result<(), StoreError> {
    let above = folders.iter().flat_map(|folder| folder.ancestors().take_while(|one| one.starts_with(root)));
    let all: BTreeSet<&Path> = above.collect();
    // The deepest first.
    all.into_iter().rev().try_for_each(sync_folder)
}

/// Writes a new file (mode 0600) and makes its content durable. The name is durable after [`sync_folder`].
pub(super) fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).at("create", path)?;
    file.write_all(bytes).at("write", path)?;
    #[cfg(test)]
    note(Step::Write(path.to_owned(), bytes.to_vec()));
    file.sync_all().at("sync", path)?;
    #[cfg(test)]
    note(Step::SyncFile(path.to_owned()));
    Ok(())
}

/// Gives a file another name, in the place of what had it.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).at("rename", to)?;
    #[cfg(test)]
    note(Step::Rename(from.to_owned(), to.to_owned()));
    Ok(())
}

/// Takes a file away.
pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    fs::remove_file(path).at("remove", path)?;
    #[cfg(test)]
    note(Step::Remove(path.to_owned()));
    Ok(())
}

/// Puts a file in place of another in one step that survives a crash: temporary file, sync, rename, sync of the folder.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let folder = parent(path);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{name}.tmp"));
    write_synced(&temporary, bytes)?;
    rename(&temporary, path)?;
    sync_folder(&folder)
}

/// The entries of a folder; empty where there is none.
pub(super) fn list(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).at("list", folder),
    };
    entries.map(|entry| entry.map(|entry| entry.path()).at("list", folder)).collect()
}

/// All files below a folder.
pub(super) fn walk(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut files = Vec::new();
    for path in list(folder)? {
        if path.is_dir() {
            files.extend(walk(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}
