//! Finds a text in bytes, whatever it was written as: plain, in another case, encoded, or as a hash that needs no key.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use openssl::hash::{MessageDigest, hash};
use serde_json::Value;

/// What is searched for, and how it is called in a failure.
struct Pattern {
    bytes: Vec<u8>,
    told: String,
}

/// Patterns by their first four bytes.
#[derive(Default)]
struct Finder {
    patterns: Vec<Pattern>,
    by_head: HashMap<[u8; 4], Vec<usize>>,
    /// Which pairs of first bytes there are at all.
    pairs: Vec<bool>,
}

impl Finder {
    fn add(&mut self, bytes: Vec<u8>, told: String) {
        assert!(bytes.len() >= 7, "{told}: too short to be told from chance");
        let head: [u8; 4] = bytes[..4].try_into().unwrap();
        self.pairs.resize(1 << 16, false);
        self.pairs[usize::from(u16::from_be_bytes([head[0], head[1]]))] = true;
        self.by_head.entry(head).or_default().push(self.patterns.len());
        self.patterns.push(Pattern { bytes, told });
    }

    fn find(&self, blob: &[u8]) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        if self.patterns.is_empty() {
            return found;
        }
        for (at, head) in blob.windows(4).enumerate() {
            if !self.pairs[usize::from(u16::from_be_bytes([head[0], head[1]]))] {
                continue;
            }
            let Some(likely) = self.by_head.get(head) else { continue };
            let hits = likely.iter().map(|one| &self.patterns[*one]).filter(|one| blob[at..].starts_with(&one.bytes));
            found.extend(hits.map(|one| one.told.as_str()));
        }
        found
    }
}

/// Searches for texts and for keyed hashes.
#[derive(Default)]
pub struct Scanner {
    /// In lower case, for a blob in lower case.
    lower: Finder,
    exact: Finder,
    /// How many texts and hashes it knows.
    pub known: usize,
    seen: BTreeSet<[u8; 32]>,
}

/// Base64 of a text inside a longer one: what the bytes before and after leave alone, for each of the three positions.
fn base64s(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = BTreeSet::new();
    for shift in 0..3 {
        let padded = [&[0; 3][..shift], bytes].concat();
        for engine in [&STANDARD, &URL_SAFE] {
            let text = engine.encode(&padded);
            let (first, whole) = ((shift * 8).div_ceil(6), padded.len() * 8 / 6);
            all.insert(text.as_bytes()[first..whole].to_vec());
        }
    }
    all.into_iter().collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn reversed(bytes: [u8; 8]) -> [u8; 8] {
    let mut bytes = bytes;
    bytes.reverse();
    bytes
}

impl Scanner {
    /// Searches for a text in every form. `told` is how it is called; the text itself need not be secret.
    pub fn text(&mut self, text: &str, told: &str) {
        self.known += 1;
        let lower = text.to_lowercase();
        let percent: String = url::form_urlencoded::byte_serialize(lower.as_bytes()).collect();
        let mut forms = vec![
            (lower.clone(), "plain"),
            (percent.to_lowercase(), "URL-encoded"),
            (lower.bytes().map(|byte| format!("%{byte:02x}")).collect(), "URL-encoded throughout"),
            (html(&lower), "HTML-encoded"),
            (lower.chars().map(|letter| format!("&#{};", u32::from(letter))).collect(), "HTML numbers"),
            (serde_json::to_string(&lower).unwrap().trim_matches('"').to_owned(), "JSON"),
            (lower.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect(), "JSON throughout"),
            (hex(text.as_bytes()), "hex"),
            (hex(lower.as_bytes()), "hex"),
        ];
        let mut known = BTreeSet::new();
        forms.retain(|(form, _)| known.insert(form.clone()));
        for (form, name) in forms {
            self.lower.add(form.into_bytes(), format!("{told}, {name}"));
        }
        for form in [text, lower.as_str()] {
            for part in base64s(form.as_bytes()) {
                self.exact.add(part, format!("{told}, base64"));
            }
            let wide: Vec<u8> = form.encode_utf16().flat_map(u16::to_le_bytes).collect();
            self.exact.add(wide, format!("{told}, UTF-16"));
            self.hashes(form.as_bytes(), told);
        }
    }

    /// Hashes that need no key: whole or cut to 64 bits, since the first eight bytes of both are the same.
    fn hashes(&mut self, bytes: &[u8], told: &str) {
        let kinds =
            [("MD5", MessageDigest::md5()), ("SHA-1", MessageDigest::sha1()), ("SHA-256", MessageDigest::sha256())];
        let mut heads: Vec<(&str, [u8; 8])> = kinds
            .into_iter()
            .map(|(name, kind)| (name, hash(kind, bytes).expect("openssl can hash")[..8].try_into().unwrap()))
            .collect();
        heads.push(("BLAKE3", blake3::hash(bytes).as_bytes()[..8].try_into().unwrap()));
        heads.push((
            "BLAKE3 with an empty key",
            blake3::keyed_hash(&[0; 32], bytes).as_bytes()[..8].try_into().unwrap(),
        ));
        for (name, head) in heads {
            self.number(head, &format!("{told}, {name}"));
        }
    }

    /// Eight bytes in every way in which a number is written.
    fn number(&mut self, bytes: [u8; 8], told: &str) {
        for (order, way) in [(bytes, "big-endian"), (reversed(bytes), "little-endian")] {
            let number = u64::from_be_bytes(order);
            self.lower.add(hex(&order).into_bytes(), format!("{told}, hex, {way}"));
            for decimal in [number.to_string(), number.cast_signed().unsigned_abs().to_string()] {
                // One of a few short numbers would be found by chance.
                if decimal.len() > 9 {
                    self.lower.add(decimal.into_bytes(), format!("{told}, decimal, {way}"));
                }
            }
            for engine in [&STANDARD, &URL_SAFE] {
                self.exact.add(engine.encode(order).as_bytes()[..10].to_vec(), format!("{told}, base64, {way}"));
            }
            self.exact.add(order.to_vec(), format!("{told}, raw, {way}"));
        }
    }

    /// Searches for a keyed hash.
    pub fn keyed(&mut self, hash: i64) {
        self.known += 1;
        self.number(hash.to_be_bytes(), "a keyed hash");
    }

    /// Which of the patterns stand in these bytes. The same bytes are looked through once.
    pub fn leaks(&mut self, blob: &[u8]) -> Vec<String> {
        if !self.seen.insert(*blake3::hash(blob).as_bytes()) {
            return Vec::new();
        }
        let lower = blob.to_ascii_lowercase();
        let found = self.lower.find(&lower).into_iter().chain(self.exact.find(blob));
        found.map(str::to_owned).collect()
    }
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;").replace('=', "&#61;")
}

/// Names of fields in which services send what people wrote or who they are, each with a text of its own.
pub type Salt = Vec<(&'static str, String)>;

/// Puts a text into every field of these names, in every object that has none of its own.
pub fn salted(value: &Value, salt: &Salt) -> Value {
    match value {
        Value::Array(list) => list.iter().map(|one| salted(one, salt)).collect(),
        Value::Object(fields) => {
            let own = fields.iter().map(|(name, one)| (name.clone(), salted(one, salt)));
            let mut all: serde_json::Map<String, Value> = own.collect();
            for (name, text) in salt {
                all.entry(*name).or_insert_with(|| Value::from(text.as_str()));
            }
            Value::Object(all)
        }
        other => other.clone(),
    }
}

/// All files below a folder; none where there is no folder.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// The values of a Parquet file without compression: texts and bytes one after another, numbers as eight bytes each.
pub fn unpacked(path: &Path) -> Vec<u8> {
    use polars::prelude::*;
    let file = std::fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows = ParquetReader::new(file).finish().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    for column in rows.columns() {
        bytes.extend_from_slice(column.name().as_bytes());
        match column.dtype() {
            DataType::String => {
                for text in column.str().unwrap().iter().flatten() {
                    bytes.extend_from_slice(text.as_bytes());
                    bytes.push(b'\n');
                }
            }
            DataType::Binary => column.binary().unwrap().iter().flatten().for_each(|raw| bytes.extend_from_slice(raw)),
            DataType::Int64 => {
                for number in column.i64().unwrap().iter().flatten() {
                    bytes.extend_from_slice(&number.to_be_bytes());
                }
            }
            _ => {}
        }
    }
    bytes
}

/// The values of the columns of a Parquet file that hold keyed hashes.
pub fn keyed_hashes(path: &Path) -> BTreeSet<i64> {
    use polars::prelude::*;
    const COLUMNS: [&str; 10] = [
        "author",
        "merged_by",
        "actor",
        "subject",
        "reviewer",
        "assignee",
        "reporter",
        "account",
        "occurrence",
        "person",
    ];
    let file = std::fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows = ParquetReader::new(file).finish().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let own = rows.columns().iter().filter(|column| COLUMNS.contains(&column.name().as_str()));
    own.flat_map(|column| column.i64().unwrap().iter().flatten().collect::<Vec<_>>()).collect()
}

#[test]
fn g1_the_search_itself_finds_a_text_in_each_form() {
    let mut scanner = Scanner::default();
    let text = "Zq.Ada+L<x>@Example";
    scanner.text(text, "ada");
    scanner.keyed(-7_301_444_403_261_312_999);
    let sha = hash(MessageDigest::sha256(), text.as_bytes()).unwrap();
    let head = i64::from_be_bytes(sha[..8].try_into().unwrap());
    let written = [
        text.to_uppercase(),
        "a=zq.ada%2Bl%3Cx%3E%40example&b".to_owned(),
        "<p>zq.ada+l&lt;x&gt;@example</p>".to_owned(),
        format!("…{}…", hex(text.as_bytes()).to_uppercase()),
        STANDARD.encode(format!("login:{text}:x")),
        URL_SAFE.encode(format!("ab{text}")),
        hex(&sha[..20]),
        hex(&hash(MessageDigest::md5(), text.to_lowercase().as_bytes()).unwrap()),
        format!("[{head}]"),
        STANDARD.encode(sha),
        format!(
            "{:016x}",
            blake3::hash(text.as_bytes()).as_bytes()[..8].iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))
        ),
        "data-who=-7301444403261312999".to_owned(),
        hex(&(-7_301_444_403_261_312_999_i64).to_le_bytes()),
    ];
    for blob in written {
        assert!(!scanner.leaks(blob.as_bytes()).is_empty(), "not found: {blob}");
    }
    assert!(scanner.leaks(&[b"..", &(-7_301_444_403_261_312_999_i64).to_be_bytes()[..]].concat()).len() == 1);
    assert_eq!(scanner.leaks(b"nothing of the kind: zq.ada l example, 7301444403"), [""; 0]);
}
