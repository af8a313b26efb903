//! The one mutable file: which data files are live, and every cursor. Replaced whole by rename.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::disk;
use super::error::{At, StoreError};
use crate::model::{Cursor, Cursors, ScopeId};

/// The format this version writes. Readers refuse newer ones.
pub const FORMAT: u64 = 1;
const WRITER: &str = concat!("undercurrent ", env!("CARGO_PKG_VERSION"), ", polars 0.55.2");
/// How many copies of older manifests are kept for `rollback`.
const KEPT: usize = 7;

/// A live data file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveFile {
    /// BLAKE3 of the file's bytes, and its name.
    pub hash: String,
    pub bytes: u64,
    pub rows: u64,
}

/// A stored cursor with what it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredCursor {
    #[serde(flatten)]
    id: ScopeId,
    #[serde(flatten)]
    cursor: Cursor,
}

/// What the store holds. Nothing volatile is in it: equal content gives equal bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    pub seq: u64,
    /// Live files by `table/source=KIND/month=YYYYMM`.
    pub files: BTreeMap<String, LiveFile>,
    /// Live files of what must not change from night to night, by name.
    pub history: BTreeMap<String, LiveFile>,
    pub cursors: Cursors,
    /// The fingerprint of the secret under which the rows were stored; empty where an older version wrote them.
    pub key: String,
    /// No version of the store before this number may come back: rows that had to go are in it.
    pub oldest: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    format: u64,
    writer: String,
    seq: u64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    key: String,
    #[serde(default, skip_serializing_if = "is_zero")]
    oldest: u64,
    files: BTreeMap<String, LiveFile>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    history: BTreeMap<String, LiveFile>,
    cursors: Vec<StoredCursor>,
}

impl Manifest {
    /// A store without rows.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            seq: 0,
            files: BTreeMap::new(),
            history: BTreeMap::new(),
            cursors: Cursors::new(),
            key: String::new(),
            oldest: 0,
        }
    }

    /// Reads the manifest; `None` where there is none yet.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] for a wrong checksum or shape, [`StoreError::Newer`] for a newer format.
    pub fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).at("read", path),
        };
        Self::parse(&text, path).map(Some)
    }

    /// Takes a manifest's text apart and checks it.
    ///
    /// # Errors
    /// As [`Manifest::read`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, StoreError> {
        let damaged = |reason: &str| StoreError::Damaged { path: path.to_path_buf(), reason: reason.to_owned() };
        let (body, checksum) =
            text.trim_end().rsplit_once('\n').ok_or_else(|| damaged("it has no line with a checksum"))?;
        if checksum != blake3::hash(body.as_bytes()).to_hex().as_str() {
            return Err(damaged("its checksum does not match its content"));
        }
        let value: serde_json::Value = serde_json::from_str(body).map_err(|_| damaged("it is not JSON"))?;
        let found = value.get("format").and_then(serde_json::Value::as_u64).unwrap_or(0);
        if found > FORMAT {
            return Err(StoreError::Newer { path: path.to_path_buf(), found, known: FORMAT });
        }
        let form: Form = serde_json::from_value(value).map_err(|error| {
            // The checksum holds, so that it was written on purpose, by a version that knows more.
            let is_newer = error.to_string().starts_with("unknown field");
            let newer = StoreError::Newer { path: path.to_path_buf(), found, known: FORMAT };
            if is_newer { newer } else { damaged(&error.to_string()) }
        })?;
        let cursors = form.cursors.into_iter().map(|stored| (stored.id, stored.cursor)).collect();
        Ok(Self {
            seq: form.seq,
            files: form.files,
            history: form.history,
            cursors,
            key: form.key,
            oldest: form.oldest,
        })
    }

    /// The manifest as text, its checksum on the last line.
    #[must_use]
    pub fn to_text(&self) -> String {
        let cursors =
            self.cursors.iter().map(|(id, cursor)| StoredCursor { id: id.clone(), cursor: cursor.clone() }).collect();
        let form = Form {
            format: FORMAT,
            writer: WRITER.to_owned(),
            seq: self.seq,
            key: self.key.clone(),
            oldest: self.oldest,
            files: self.files.clone(),
            history: self.history.clone(),
            cursors,
        };
        let body =
            serde_json::to_string_pretty(&form).expect("strings, numbers and maps with text keys always serialize");
        format!("{body}\n{}\n", blake3::hash(body.as_bytes()).to_hex())
    }

    /// Makes this manifest the store's: copy for `rollback`, then the rename that is the commit point, then the fsync
    /// that makes it last.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn commit(&self, folder: &Path) -> Result<(), StoreError> {
        let text = self.to_text();
        let copies = folder.join("manifests");
        disk::create_folder(&copies)?;
        disk::sync_folder(folder)?;
        disk::replace(&copies.join(format!("{:010}.json", self.seq)), text.as_bytes())?;
        disk::replace(&folder.join("MANIFEST"), text.as_bytes())
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The manifests that `rollback` could bring back, newest first; older copies are removed, and those before `oldest`.
///
/// # Errors
/// [`StoreError::Io`].
pub fn prune_copies(folder: &Path, oldest: u64) -> Result<Vec<Manifest>, StoreError> {
    let copies = folder.join("manifests");
    let mut paths = disk::list(&copies)?;
    paths.sort_unstable_by(|left, right| right.cmp(left));
    let mut kept = Vec::new();
    for path in paths.into_iter().filter(|path| path.extension().is_some_and(|end| end == "json")) {
        let number = path.file_stem().and_then(|name| name.to_str()?.parse::<u64>().ok());
        if kept.len() < KEPT && number.is_none_or(|number| number >= oldest) {
            // A damaged copy is of no use for a rollback, and must not stop the night.
            kept.extend(Manifest::read(&path).ok().flatten());
        } else {
            disk::remove(&path)?;
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Manifest {
        let mut manifest = Manifest { seq: 7, ..Manifest::empty() };
        manifest
            .files
            .insert("commits/source=git/month=202611".into(), LiveFile { hash: "ab".into(), bytes: 3, rows: 1 });
        let id = ScopeId { source: "git".into(), stream: "commits".into(), scope: "1".into() };
        manifest.cursors.insert(id, Cursor { updated_to: Some(0), scope_hash: "h".into(), ..Cursor::default() });
        manifest
    }

    #[test]
    fn a_manifest_reads_back_as_it_was_written_and_a_cursor_of_zero_is_a_value() {
        assert_eq!(Manifest::parse(&sample().to_text(), Path::new("MANIFEST")).unwrap(), sample());
    }

    #[test]
    fn a_changed_byte_and_a_newer_format_are_refused() {
        let text = sample().to_text();
        let damaged = Manifest::parse(&text.replace("\"seq\": 7", "\"seq\": 8"), Path::new("MANIFEST"));
        assert!(matches!(damaged, Err(StoreError::Damaged { .. })));
        let body = text.rsplit_once("\n}").unwrap().0.replace("\"format\": 1", "\"format\": 99") + "\n}";
        let newer = format!("{body}\n{}\n", blake3::hash(body.as_bytes()).to_hex());
        let more = body.replace("\"format\": 99", "\"format\": 1, \"more\": 1");
        let more = format!("{more}\n{}\n", blake3::hash(more.as_bytes()).to_hex());
        assert!(matches!(Manifest::parse(&more, Path::new("MANIFEST")), Err(StoreError::Newer { found: 1, .. })));
        assert!(matches!(Manifest::parse(&newer, Path::new("MANIFEST")), Err(StoreError::Newer { found: 99, .. })));
    }
}
