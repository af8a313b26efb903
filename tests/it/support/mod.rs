//! What several integration tests share: fixtures and doubles of the services.

use std::io::Read;
use std::path::PathBuf;

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
