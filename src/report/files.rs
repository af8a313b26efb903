//! The files of a report on disk: swapped in whole, so that readers never see half of one.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::html::File;

/// Where a dated notice goes.
const NOTICE_PLACE: &str = "<!--notice-->";

/// The rights of a folder, and of a file in it.
pub type Modes = (u32, u32);

/// Writes `<folder>/<date>/` and `<folder>/latest/`, each swapped in whole. Returns the folder of the latest.
///
/// # Errors
/// What the file system says; the pages that were there before stay.
pub fn write(folder: &Path, date: Date, files: &[File], modes: Modes) -> std::io::Result<PathBuf> {
    fs::DirBuilder::new().recursive(true).mode(modes.0).create(folder)?;
    swap(folder, &date.to_string(), files, modes)?;
    swap(folder, "latest", files, modes)
}

fn swap(folder: &Path, name: &str, files: &[File], modes: Modes) -> std::io::Result<PathBuf> {
    let place = folder.join(name);
    let (new, old) = (folder.join(format!(".{name}.new")), folder.join(format!(".{name}.old")));
    if old.exists() && !place.exists() {
        // An earlier run ended between its two renames: its last good pages come back first.
        fs::rename(&old, &place)?;
    }
    remove(&new)?;
    remove(&old)?;
    fs::create_dir(&new)?;
    for (name, bytes) in files {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(new.join(name))?;
        file.write_all(bytes)?;
        // Said outright, so that no mask of the caller's takes away what the configuration grants.
        file.set_permissions(fs::Permissions::from_mode(modes.1))?;
        file.sync_all()?;
    }
    rights(&new, modes.0)?;
    if place.exists() {
        fs::rename(&place, &old)?;
    }
    if let Err(error) = fs::rename(&new, &place) {
        if old.exists() {
            fs::rename(&old, &place)?;
        }
        return Err(error);
    }
    fs::File::open(folder)?.sync_all()?;
    remove(&old)?;
    Ok(place)
}

/// Removes the pages of nights before a day that [`write()`] put into a folder. Files that it did not write stay, and so does
/// a folder that has any. Returns how many nights went.
///
/// # Errors
/// What the file system says.
pub fn prune(folder: &Path, before: Date) -> std::io::Result<usize> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        entries => entries?.collect::<Result<Vec<_>, _>>()?,
    };
    let mut gone = 0;
    for entry in entries {
        let name = entry.file_name();
        // A name that only looks like a date is none.
        let date = name.to_str().and_then(|text| text.parse::<Date>().ok().filter(|date| date.to_string() == text));
        if !entry.file_type()?.is_dir() || date.is_none_or(|date| date >= before) {
            continue;
        }
        for file in fs::read_dir(entry.path())?.collect::<Result<Vec<_>, _>>()? {
            let path = file.path();
            if path.extension().is_some_and(|end| end == "html" || end == "json") && file.file_type()?.is_file() {
                remove_file(&path)?;
            }
        }
        match fs::remove_dir(entry.path()) {
            Err(error) if error.kind() != std::io::ErrorKind::DirectoryNotEmpty => return Err(error),
            ended => gone += usize::from(ended.is_ok()),
        }
    }
    Ok(gone)
}

/// Sets the rights of a folder; its set-group-id bit, by which files get its group, stays.
fn rights(folder: &Path, mode: u32) -> std::io::Result<()> {
    let inherited = fs::metadata(folder)?.permissions().mode() & 0o2000;
    fs::set_permissions(folder, fs::Permissions::from_mode(mode | inherited))
}

fn remove_file(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn remove(folder: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Puts a dated notice on top of the last good pages, in place of an older one. Returns how many pages carry it.
///
/// # Errors
/// What the file system says.
pub fn put_notice(latest: &Path, text: &str) -> std::io::Result<usize> {
    let mut pages = 0;
    let entries = match fs::read_dir(latest) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_none_or(|end| end != "html") {
            continue;
        }
        let page = fs::read_to_string(&path)?;
        let mode = fs::metadata(&path)?.permissions();
        let Some((before, after)) = page.split_once(NOTICE_PLACE) else { continue };
        let after = match after.strip_prefix("<p class=\"notice\">").and_then(|rest| rest.split_once("</p>")) {
            Some((_, rest)) => rest,
            None => after,
        };
        let notice =
            format!("{before}{NOTICE_PLACE}<p class=\"notice\">{}</p>{after}", super::chart::svg::escape(text));
        let new = path.with_extension("html.new");
        remove_file(&new)?;
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(notice.as_bytes())?;
        file.set_permissions(mode)?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        pages += 1;
    }
    Ok(pages)
}
