//! What is left of a store when the power fails: every step that the store takes on the disk is recorded, and every state
//! is made that a file system may leave after each of them. What was not synced may be there, be half there or be lost, and
//! names may become durable in any order.
//!
//! The same record with one step of the protocol left out or moved shows that the check would see it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Store;
use super::key;
use super::manifest::Manifest;
use crate::model::records::PersonAccount;
use crate::model::{Account, Batch, Cursor, ScopeId};

/// A step that changes the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Folder(PathBuf),
    Write(PathBuf, Vec<u8>),
    SyncFile(PathBuf),
    SyncFolder(PathBuf),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    /// The store said that this commit is durable.
    Acknowledged(u64),
}

/// A killed process, in the place of the steps that it did not take any more.
struct Killed;

#[derive(Default)]
struct Recorder {
    steps: Vec<Step>,
    /// Steps until the process is killed.
    left: Option<usize>,
}

thread_local! {
    static RECORDER: RefCell<Option<Recorder>> = const { RefCell::new(None) };
}

/// Takes note of a step, where a test records.
pub(super) fn note(step: Step) {
    let killed = RECORDER.with_borrow_mut(|recorder| {
        let Some(recorder) = recorder else { return false };
        recorder.steps.push(step);
        recorder.left = recorder.left.map(|left| left.saturating_sub(1));
        recorder.left == Some(0)
    });
    if killed {
        RECORDER.with_borrow_mut(|recorder| {
            if let Some(recorder) = recorder {
                recorder.left = None;
            }
        });
        std::panic::resume_unwind(Box::new(Killed));
    }
}

fn start() {
    RECORDER.with_borrow_mut(|recorder| *recorder = Some(Recorder::default()));
}

fn kill_after(steps: usize) {
    RECORDER.with_borrow_mut(|recorder| recorder.as_mut().expect("it records").left = Some(steps));
}

fn recorded() -> Vec<Step> {
    RECORDER.with_borrow_mut(|recorder| recorder.take().expect("it records").steps)
}

/// What a file system holds: contents by number, and names of folders and files.
#[derive(Clone, Debug, Default)]
struct Volume {
    contents: Vec<Content>,
    /// Names that are durable.
    names: BTreeMap<PathBuf, Entry>,
    /// Changes of names that are not, in order.
    pending: Vec<Change>,
    acknowledged: u64,
}

#[derive(Clone, Debug)]
struct Content {
    /// Whole, half and empty.
    states: [Arc<Piece>; 3],
    is_synced: bool,
}

/// Bytes with their hash.
#[derive(Debug)]
struct Piece {
    bytes: Vec<u8>,
    hash: blake3::Hash,
}

impl Content {
    fn new(bytes: &[u8]) -> Self {
        let piece = |bytes: &[u8]| Arc::new(Piece { bytes: bytes.to_vec(), hash: blake3::hash(bytes) });
        Self { states: [piece(bytes), piece(&bytes[..bytes.len() / 2]), piece(&[])], is_synced: false }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    Folder,
    File(usize),
}

#[derive(Clone, Debug)]
enum Change {
    Add(PathBuf, Entry),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf, usize),
}

impl Change {
    fn folder(&self) -> &Path {
        let (Self::Add(path, _) | Self::Remove(path) | Self::Rename(path, _, _)) = self;
        path.parent().unwrap_or(Path::new("/"))
    }

    fn make(&self, names: &mut BTreeMap<PathBuf, Entry>) {
        match self {
            Self::Add(path, entry) => {
                names.insert(path.clone(), *entry);
            }
            Self::Remove(path) => {
                names.remove(path);
            }
            Self::Rename(from, to, file) => {
                names.remove(from);
                names.insert(to.clone(), Entry::File(*file));
            }
        }
    }
}

impl Volume {
    /// The number of the content that a name stands for now, durable or not.
    fn present(&self, path: &Path) -> Option<usize> {
        let mut names = self.names.clone();
        self.pending.iter().for_each(|change| change.make(&mut names));
        match names.get(path) {
            Some(Entry::File(file)) => Some(*file),
            _ => None,
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Folder(path) => self.pending.push(Change::Add(path.clone(), Entry::Folder)),
            Step::Write(path, bytes) => {
                let content = Content::new(bytes);
                // A file that is there keeps its name; its bytes are cut off and written anew.
                match self.present(path) {
                    Some(file) => self.contents[file] = content,
                    None => {
                        self.contents.push(content);
                        self.pending.push(Change::Add(path.clone(), Entry::File(self.contents.len() - 1)));
                    }
                }
            }
            Step::SyncFile(path) => {
                if let Some(file) = self.present(path) {
                    self.contents[file].is_synced = true;
                }
            }
            Step::SyncFolder(folder) => {
                let (durable, rest): (Vec<Change>, Vec<Change>) =
                    std::mem::take(&mut self.pending).into_iter().partition(|change| change.folder() == folder);
                durable.iter().for_each(|change| change.make(&mut self.names));
                self.pending = rest;
            }
            Step::Rename(from, to) => {
                if let Some(file) = self.present(from) {
                    self.pending.push(Change::Rename(from.clone(), to.clone(), file));
                }
            }
            Step::Remove(path) => self.pending.push(Change::Remove(path.clone())),
            Step::Acknowledged(seq) => self.acknowledged = *seq,
        }
    }

    /// The files that may be there after a crash: any part of what is pending, and each unsynced file whole, half or empty.
    fn images(&self, chance: &mut Chance) -> Vec<Image> {
        let count = self.pending.len();
        let parts: Vec<u64> = if count <= 6 {
            (0..1 << count).collect()
        } else {
            let few = (0..48).map(|_| chance.next() % (1 << count.min(63)));
            few.chain([0, u64::MAX]).collect()
        };
        let dirty: Vec<usize> = (0..self.contents.len()).filter(|file| !self.contents[*file].is_synced).collect();
        let dirty = &dirty[dirty.len().saturating_sub(2)..];
        let mut images = Vec::new();
        for part in parts {
            let mut names = self.names.clone();
            let taken = self.pending.iter().enumerate().filter(|(at, _)| part >> (*at).min(63) & 1 == 1);
            taken.for_each(|(_, change)| change.make(&mut names));
            for state in 0..3_usize.pow(u32::try_from(dirty.len()).expect("a few")) {
                images.push(self.image(&names, dirty, state));
            }
        }
        images
    }

    fn image(&self, names: &BTreeMap<PathBuf, Entry>, dirty: &[usize], mut state: usize) -> Image {
        let mut shown = BTreeMap::new();
        for file in dirty {
            shown.insert(*file, state % 3);
            state /= 3;
        }
        let reachable = |path: &Path| {
            let own =
                path.ancestors().skip(1).take_while(|folder| folder.starts_with(ROOT) && *folder != Path::new(ROOT));
            own.into_iter().all(|folder| names.get(folder) == Some(&Entry::Folder))
        };
        let mut files = BTreeMap::new();
        for (path, entry) in names {
            let Entry::File(file) = entry else { continue };
            if !reachable(path) {
                continue;
            }
            let content = &self.contents[*file];
            // Of many unsynced files those of longer ago are lost.
            let state = shown.get(file).copied().unwrap_or(if content.is_synced { 0 } else { 2 });
            files.insert(path.clone(), Arc::clone(&content.states[state]));
        }
        Image { files, acknowledged: self.acknowledged }
    }
}

/// Where the recorded store stands in a volume.
const ROOT: &str = "/";

/// The files after a crash.
struct Image {
    files: BTreeMap<PathBuf, Arc<Piece>>,
    acknowledged: u64,
}

/// What is wrong with a store after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Harm {
    /// It cannot be read.
    Unreadable,
    /// A commit that was said to be durable is not there.
    Lost,
}

impl Image {
    fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for (path, piece) in &self.files {
            hasher.update(path.as_os_str().as_encoded_bytes()).update(&[0]).update(piece.hash.as_bytes());
        }
        hasher.update(&self.acknowledged.to_le_bytes());
        *hasher.finalize().as_bytes()
    }

    /// Holds the files against the manifest, as the next run would.
    fn harm(&self) -> Option<Harm> {
        let Some(text) = self.files.get(Path::new("/store/MANIFEST")) else {
            return (self.acknowledged > 0).then_some(Harm::Lost);
        };
        let path = Path::new("MANIFEST");
        let parsed = std::str::from_utf8(&text.bytes).ok().and_then(|text| Manifest::parse(text, path).ok());
        let Some(manifest) = parsed else { return Some(Harm::Unreadable) };
        let whole = |path: String, hash: &str| {
            self.files.get(Path::new(&path)).is_some_and(|piece| piece.hash.to_hex().as_str() == hash)
        };
        let tables =
            manifest.files.iter().map(|(part, file)| (format!("/store/tables/{part}/{}.parquet", file.hash), file));
        let history =
            manifest.history.iter().map(|(name, file)| (format!("/store/history/{name}/{}.json", file.hash), file));
        if !tables.chain(history).all(|(path, file)| whole(path, &file.hash)) {
            return Some(Harm::Unreadable);
        }
        let key =
            self.files.get(Path::new("/store/key")).and_then(|piece| <[u8; 32]>::try_from(piece.bytes.as_slice()).ok());
        if key.is_none_or(|key| key::fingerprint(&key) != manifest.key) {
            return Some(Harm::Unreadable);
        }
        (manifest.seq < self.acknowledged).then_some(Harm::Lost)
    }
}

/// Reproducible randomness (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

fn link(number: i64, source: &str) -> PersonAccount {
    PersonAccount {
        person: Account::from_stored(number),
        account: Account::from_stored(number),
        source: source.to_owned(),
    }
}

/// The commits of a history: rows of one to three partitions with a cursor, and now and then something to remember.
fn commit(store: &mut Store, number: i64) {
    let sources = ["jira", "git", "github"].into_iter().take(1 + usize::try_from(number % 3).expect("small"));
    let rows = sources.map(|source| link(number, source)).collect();
    let id = ScopeId { source: "jira".to_owned(), stream: "issues".to_owned(), scope: "1".to_owned() };
    let cursor = Cursor { updated_to: Some(number), ..Cursor::default() };
    store.merge(&Batch { people_accounts: rows, ..Batch::default() }, vec![(id, cursor)]).expect("it merges");
    note(Step::Acknowledged(store.seq()));
    if number % 4 == 0 {
        store.remember(&[("cards", vec![b'x'; usize::try_from(number).expect("small")])]).expect("it remembers");
        note(Step::Acknowledged(store.seq()));
    }
}

/// Records a history of commits; a process that is killed after some steps is started again, and does what was left.
fn history(numbers: std::ops::Range<i64>, kills: &[usize]) -> Vec<Step> {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("store");
    start();
    let mut kills = kills.iter();
    loop {
        if let Some(steps) = kills.next() {
            kill_after(*steps);
        }
        let run = || {
            let mut store = Store::open(&place, || Ok([1; 32])).expect("it opens");
            for number in numbers.clone() {
                commit(&mut store, number);
            }
        };
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
            Ok(()) => break,
            Err(reason) => assert!(reason.is::<Killed>(), "nothing else panics"),
        }
    }
    let own = |path: &Path| Path::new(ROOT).join(path.strip_prefix(folder.path()).unwrap_or(Path::new("")));
    let moved = |step: Step| match step {
        Step::Folder(path) => Step::Folder(own(&path)),
        Step::Write(path, bytes) => Step::Write(own(&path), bytes),
        Step::SyncFile(path) => Step::SyncFile(own(&path)),
        Step::SyncFolder(path) => Step::SyncFolder(own(&path)),
        Step::Rename(from, to) => Step::Rename(own(&from), own(&to)),
        Step::Remove(path) => Step::Remove(own(&path)),
        other @ Step::Acknowledged(_) => other,
    };
    recorded().into_iter().map(moved).collect()
}

/// What playing every crash of some records came to.
#[derive(Debug, Default)]
struct Played {
    points: usize,
    states: BTreeSet<[u8; 32]>,
    harms: BTreeMap<Harm, usize>,
}

impl Played {
    fn play(&mut self, steps: &[Step], seed: u64) {
        let (mut volume, mut chance) = (Volume::default(), Chance(seed));
        for step in steps {
            volume.take(step);
            self.points += 1;
            for image in volume.images(&mut chance) {
                let harm = if self.states.insert(image.digest()) { image.harm() } else { None };
                if let Some(harm) = harm {
                    *self.harms.entry(harm).or_default() += 1;
                }
            }
        }
    }
}

fn is_data(path: &Path) -> bool {
    path.starts_with("/store/tables") || path.starts_with("/store/history")
}

fn is_manifest(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "MANIFEST" || name == ".MANIFEST.tmp")
}

/// The record without the steps that a filter names.
fn without(steps: &[Step], drop: impl Fn(&Step) -> bool) -> Vec<Step> {
    steps.iter().filter(|step| !drop(step)).cloned().collect()
}

/// The record with those steps of each commit that a filter names put before the first step of it, where `first` is true.
fn moved_up(steps: &[Step], which: impl Fn(&Step) -> bool) -> Vec<Step> {
    let commits = steps.split_inclusive(|step| matches!(step, Step::Acknowledged(_)));
    let reordered = commits.flat_map(|commit| {
        let (early, late): (Vec<Step>, Vec<Step>) = commit.iter().cloned().partition(|step| which(step));
        [early, late].concat()
    });
    reordered.collect()
}

/// Protocols with a mistake, by name.
fn mutants(steps: &[Step]) -> Vec<(&'static str, Vec<Step>)> {
    let temporary = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    vec![
        ("no sync of data files", without(steps, |step| matches!(step, Step::SyncFile(path) if is_data(path)))),
        ("no sync of data folders", without(steps, |step| matches!(step, Step::SyncFolder(path) if is_data(path)))),
        ("no sync of the manifest", without(steps, |step| matches!(step, Step::SyncFile(path) if is_manifest(path)))),
        (
            "no sync of the store's folder",
            without(steps, |step| matches!(step, Step::SyncFolder(path) if path == Path::new("/store"))),
        ),
        (
            "no sync of the folder in which the store lies",
            without(steps, |step| matches!(step, Step::SyncFolder(path) if path == Path::new("/"))),
        ),
        (
            "no sync of the key",
            without(steps, |step| matches!(step, Step::SyncFile(path) if path.ends_with(".key.tmp"))),
        ),
        (
            "the manifest written in its place",
            without(steps, |step| matches!(step, Step::Rename(_, path) if is_manifest(path)))
                .into_iter()
                .map(|step| match step {
                    Step::Write(path, bytes) if is_manifest(&path) => Step::Write("/store/MANIFEST".into(), bytes),
                    Step::SyncFile(path) if is_manifest(&path) => Step::SyncFile("/store/MANIFEST".into()),
                    other => other,
                })
                .collect(),
        ),
        (
            "data files written under their last names",
            steps
                .iter()
                .filter(|step| !matches!(step, Step::Rename(_, path) if is_data(path)))
                .flat_map(|step| match step {
                    Step::Write(path, bytes) if is_data(path) && temporary(path) => {
                        let to = steps.iter().find_map(|step| match step {
                            Step::Rename(from, to) if from == path => Some(to.clone()),
                            _ => None,
                        });
                        vec![Step::Write(to.unwrap_or_else(|| path.clone()), bytes.clone())]
                    }
                    Step::SyncFile(path) if is_data(path) => Vec::new(),
                    other => vec![other.clone()],
                })
                .collect(),
        ),
        (
            "the manifest, and with it the cursors, before the rows",
            moved_up(steps, |step| match step {
                Step::Write(path, _) | Step::SyncFile(path) | Step::Rename(_, path) => is_manifest(path),
                Step::SyncFolder(path) => path == Path::new("/store"),
                _ => false,
            }),
        ),
        ("old files taken away before the commit", {
            let gone: Vec<&Step> =
                steps.iter().filter(|step| matches!(step, Step::Remove(path) if is_data(path))).collect();
            // A file goes as soon as its successor is written, which is just before the manifest is.
            let mut gone = gone.into_iter();
            let early = steps.iter().filter(|step| !matches!(step, Step::Remove(path) if is_data(path)));
            early
                .flat_map(|step| {
                    let first = matches!(step, Step::Write(path, _) if is_manifest(path));
                    let removed = first.then(|| still_named(steps, step).or_else(|| gone.next().cloned())).flatten();
                    removed.into_iter().chain([step.clone()])
                })
                .collect()
        }),
        ("said to be durable before the last sync", moved_before_sync(steps)),
    ]
}

/// The removal of a file that the manifest of before names and the one that is about to be written does not.
fn still_named(steps: &[Step], write: &Step) -> Option<Step> {
    let files = |step: &Step| match step {
        Step::Write(path, bytes) if is_manifest(path) => {
            let manifest = Manifest::parse(std::str::from_utf8(bytes).ok()?, path).ok()?;
            Some(manifest.files)
        }
        _ => None,
    };
    let at = steps.iter().position(|step| step == write)?;
    let before = steps[..at].iter().rev().find_map(files)?;
    let after = files(write)?;
    let gone = before.iter().find(|(part, file)| after.get(*part) != Some(file))?;
    Some(Step::Remove(format!("/store/tables/{}/{}.parquet", gone.0, gone.1.hash).into()))
}

fn moved_before_sync(steps: &[Step]) -> Vec<Step> {
    let mut moved = steps.to_vec();
    let mut at = 0;
    while at < moved.len() {
        if matches!(moved[at], Step::Acknowledged(_)) {
            let sync = moved[..at].iter().rposition(|step| *step == Step::SyncFolder("/store".into()));
            if let Some(sync) = sync {
                let said = moved.remove(at);
                moved.insert(sync, said);
            }
        }
        at += 1;
    }
    moved
}

/// Records of many histories: some without a kill, most with one or two.
fn histories(count: u64) -> Vec<Vec<Step>> {
    let mut chance = Chance(7);
    let mut all = vec![history(1..13, &[])];
    for number in 1..count {
        let kills: Vec<usize> =
            (0..1 + chance.next() % 2).map(|_| 1 + usize::try_from(chance.next() % 90).expect("small")).collect();
        // Other rows in each, so that no state of one is a state of another.
        let begin = 100 * i64::try_from(number).expect("small");
        all.push(history(begin..begin + 6, &kills));
    }
    all
}

#[test]
fn after_a_loss_of_power_the_store_is_whole_and_holds_what_was_said_to_be_durable() {
    let mut played = Played::default();
    for (seed, steps) in histories(60).iter().enumerate() {
        played.play(steps, seed as u64);
    }
    println!("{} crash points, {} distinct states, {:?}", played.points, played.states.len(), played.harms);
    assert!(played.harms.is_empty(), "{:?} of {} states", played.harms, played.states.len());
    assert!(played.states.len() >= 10_000, "{} states", played.states.len());
}

#[test]
fn every_mistake_in_the_protocol_is_found() {
    let steps = history(1..8, &[]);
    for (name, wrong) in mutants(&steps) {
        assert_ne!(wrong, steps, "{name} changes nothing");
        let mut played = Played::default();
        played.play(&wrong, 1);
        println!("{name}: {} states, {:?}", played.states.len(), played.harms);
        assert!(!played.harms.is_empty(), "{name} is not found among {} states", played.states.len());
    }
}

#[test]
fn a_store_that_lost_power_goes_on_to_what_an_undisturbed_one_holds() {
    let clean = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(&clean.path().join("store"), || Ok([1; 32])).expect("it opens");
    (1..=6).for_each(|number| commit(&mut store, number));
    let steps = history(1..7, &[]);
    let (mut volume, mut chance) = (Volume::default(), Chance(3));
    for (at, step) in steps.iter().enumerate() {
        volume.take(step);
        if at % 4 != 0 {
            continue;
        }
        let images = volume.images(&mut chance);
        let image = &images[usize::try_from(chance.next()).unwrap_or(0) % images.len()];
        let folder = tempfile::tempdir().expect("a folder");
        for (path, piece) in &image.files {
            let path = folder.path().join(path.strip_prefix("/").expect("absolute"));
            super::disk::create_folder(path.parent().expect("a folder")).expect("it is made");
            super::disk::write_synced(&path, &piece.bytes).expect("it is written");
        }
        let mut again =
            Store::open(&folder.path().join("store"), || Ok([1; 32])).unwrap_or_else(|error| panic!("{at}: {error}"));
        (1..=6).for_each(|number| commit(&mut again, number));
        assert_eq!(again.manifest.files, store.manifest.files, "after step {at}");
        assert_eq!(again.manifest.cursors, store.manifest.cursors, "after step {at}");
        assert_eq!(again.manifest.history, store.manifest.history, "after step {at}");
    }
}
