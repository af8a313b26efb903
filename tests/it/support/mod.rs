//! What several integration tests share: fixtures and doubles of the services.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use undercurrent::collect::{Context, Cursor, Cursors, ScopeId};
use undercurrent::model::time::Millis;
use undercurrent::model::{Batch, Pseudonyms};
use undercurrent::store::Store;

pub mod canary;
pub mod chance;
pub mod faulty;
pub mod github;
pub mod jira;
pub mod marked;
pub mod organisation;
pub mod smtp;

/// Opens a store of one test. Other tests start programs, and between fork and exec such a child holds every lock of
/// this process for a moment, so a lock is waited for.
pub fn opened(folder: &std::path::Path, key: [u8; 32]) -> Store {
    for _ in 0..200 {
        match Store::open(folder, || Ok(key)) {
            Err(undercurrent::store::StoreError::Locked { .. }) => {
                std::thread::sleep(std::time::Duration::from_millis(20))
            }
            other => return other.expect("the store opens"),
        }
    }
    panic!("{} stayed locked", folder.display())
}

/// A file of `tests/fixtures`.
pub fn fixture(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)
}

/// The text of a fixture, unpacked where it is gzipped.
pub fn fixture_text(path: &str) -> String {
    let bytes = std::fs::read(fixture(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut text = String::new();
    if path.ends_with(".gz") {
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).expect("a fixture is gzip");
    } else {
        text = String::from_utf8(bytes).expect("a fixture is UTF-8");
    }
    text
}

/// A fixture as JSON.
pub fn fixture_json(path: &str) -> Value {
    serde_json::from_str(&fixture_text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The secret of all stores that tests make.
pub const KEY: [u8; 32] = [7; 32];

/// What a collector brought.
pub struct Gathered<T> {
    pub batch: Batch,
    /// Rows of each table after the batch was merged into an empty store.
    pub stored: BTreeMap<String, u64>,
    pub result: T,
}

/// Runs a collector as a first night does, far back into the past, and keeps what it brings.
pub async fn gather<T>(collect: impl AsyncFnOnce(Context) -> T) -> Gathered<T> {
    let (sink, mut deliveries) = tokio::sync::mpsc::channel(64);
    let context = Context {
        now: Millis(1_795_500_000_000),
        since: Millis(0),
        cursors: Arc::new(Cursors::new()),
        pseudonyms: Pseudonyms::new(KEY),
        meter: Arc::default(),
        sink,
    };
    let keep = async {
        let (mut batch, mut cursors): (Batch, Vec<(ScopeId, Cursor)>) = Default::default();
        while let Some(delivery) = deliveries.recv().await {
            batch.append(delivery.batch);
            cursors.extend(delivery.cursor.map(|cursor| (delivery.scope, cursor)));
        }
        (batch, cursors)
    };
    let (result, (batch, cursors)) = tokio::join!(collect(context), keep);
    let folder = tempfile::tempdir().expect("a folder for the store");
    let mut store = Store::open(&folder.path().join("store"), || Ok(KEY)).expect("a new store opens");
    store.merge(&batch, cursors).expect("the batch fits the store");
    Gathered { batch, stored: store.rows(), result }
}
