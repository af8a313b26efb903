//! Parquet files, named by their content: written whole, synced, read back, and only then given their name.

use std::fs;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use polars::prelude::*;

use super::disk;
use super::error::{At, StoreError};
use super::manifest::LiveFile;

const ROWS_PER_GROUP: usize = 262_144;

/// Writes rows into `folder` under the hash of their bytes. A file of that name with equal size is left as it is.
///
/// # Errors
/// [`StoreError::Io`]; [`StoreError::Damaged`] where what was written does not read back.
pub(super) fn write(folder: &Path, mut rows: DataFrame) -> Result<LiveFile, StoreError> {
    rows.rechunk_mut_par();
    let mut bytes = Vec::new();
    // No level stated is zstd's own default, 3.
    ParquetWriter::new(&mut bytes)
        .with_compression(ParquetCompression::Zstd(None))
        .with_statistics(StatisticsOptions::full())
        .with_row_group_size(Some(ROWS_PER_GROUP))
        .finish(&mut rows)
        .map_err(|source| StoreError::Table { action: "encode", table: "parquet", source })?;
    let file = LiveFile {
        hash: blake3::hash(&bytes).to_hex().to_string(),
        bytes: bytes.len() as u64,
        rows: rows.height() as u64,
    };
    let path = folder.join(format!("{}.parquet", file.hash));
    if fs::metadata(&path).is_ok_and(|present| present.len() == file.bytes) {
        return Ok(file);
    }
    disk::create_folder(folder)?;
    let temporary = folder.join(format!(".tmp-{}", file.hash));
    disk::write_synced(&temporary, &bytes)?;
    let written = fs::read(&temporary).at("read back", &temporary)?;
    if blake3::hash(&written) != blake3::hash(&bytes) {
        return Err(StoreError::Damaged { path: temporary, reason: "it did not read back as written".to_owned() });
    }
    disk::rename(&temporary, &path)?;
    Ok(file)
}

/// Reads a data file; the hash in its name is checked first, and a panic of the decoder becomes an error.
///
/// # Errors
/// [`StoreError::Damaged`] for wrong content, [`StoreError::Io`].
pub(super) fn read(path: &Path, columns: Option<&[&str]>) -> Result<DataFrame, StoreError> {
    let damaged = |reason: String| StoreError::Damaged { path: path.to_path_buf(), reason };
    let bytes = fs::read(path).at("read", path)?;
    let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if blake3::hash(&bytes).to_hex().as_str() != name {
        return Err(damaged("its content does not match its name".to_owned()));
    }
    let columns = columns.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
    let decode = || ParquetReader::new(Cursor::new(bytes)).with_columns(columns).finish();
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(Ok(rows)) => Ok(rows),
        Ok(Err(error)) => Err(damaged(error.to_string())),
        Err(_) => Err(damaged("its pages cannot be decoded".to_owned())),
    }
}
