//! G1, the key: it lies apart where it is told to, nobody else may read it, and no store is filled under two of them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::organisation::Organisation;

const KEY_FILE: &str = "[store]\nkey-file = \"secret/undercurrent.key\"\n";
const NOW: &str = "2026-11-24T04:00:00Z";

fn night(place: &Organisation) -> (i32, String) {
    let ended = place.run(&["run", "--as-of", NOW]);
    (ended.exit, ended.complained)
}

fn mode(place: &Organisation, name: &str) -> u32 {
    fs::metadata(place.path(name)).expect("the file is there").permissions().mode() & 0o777
}

fn set_mode(place: &Organisation, name: &str, mode: u32) {
    fs::set_permissions(place.path(name), fs::Permissions::from_mode(mode)).expect("the mode can be set");
}

/// The first night of a store, and what the second says with a key file of this mode.
#[track_caller]
fn check_refused_when_others_may_read(lines: &str, key: &str) {
    let place = Organisation::new(lines, "", "");
    assert_eq!(night(&place).0, 0);
    assert_eq!(mode(&place, key), 0o600);
    for wider in [0o644, 0o640, 0o604, 0o610] {
        set_mode(&place, key, wider);
        let (exit, said) = night(&place);
        assert_eq!(exit, 2, "{wider:o}: {said}");
        assert!(said.contains("can be read by others") && said.contains("chmod 600"), "{said}");
        assert_eq!(place.run(&["report", "--as-of", NOW]).exit, 2, "{wider:o}");
    }
    set_mode(&place, key, 0o600);
    assert_eq!(night(&place).0, 0);
}

#[test]
fn g1_key_a_key_that_others_may_read_is_refused_in_both_places() {
    check_refused_when_others_may_read("", "store/key");
    check_refused_when_others_may_read(KEY_FILE, "secret/undercurrent.key");
}

#[test]
fn g1_key_a_key_file_lies_outside_the_store_and_no_copy_of_it_inside() {
    let place = Organisation::new(KEY_FILE, "", "");
    assert_eq!(night(&place).0, 0);
    assert!(!place.path("store/key").exists());
    assert_eq!(fs::read(place.path("secret/undercurrent.key")).expect("the key is there").len(), 32);
}

#[test]
fn g1_key_a_store_is_never_filled_under_two_keys() {
    let place = Organisation::new(KEY_FILE, "", "");
    assert_eq!(night(&place).0, 0);
    let manifest = place.read("store/MANIFEST");
    let key = place.path("secret/undercurrent.key");
    let own = fs::read(&key).expect("the key is there");

    fs::rename(&key, place.path("secret/away")).expect("it can be moved");
    let (exit, said) = night(&place);
    assert_eq!(exit, 2, "{said}");
    assert!(said.contains("is missing") && said.contains("begin a new store"), "{said}");
    assert!(!key.exists(), "no new key is made for a store that has rows");

    fs::write(&key, [9; 32]).expect("another key");
    set_mode(&place, "secret/undercurrent.key", 0o600);
    let (exit, said) = night(&place);
    assert_eq!(exit, 2, "{said}");
    assert!(said.contains("is not the key under which") && said.contains("[store] key-file"), "{said}");
    assert_eq!(place.run(&["report", "--as-of", NOW]).exit, 2);
    assert_eq!(place.read("store/MANIFEST"), manifest, "a refused run leaves the store as it is");

    fs::write(&key, own).expect("the own key again");
    assert_eq!(night(&place).0, 0);
}

#[test]
fn g1_key_the_manifest_tells_nothing_of_the_key_itself() {
    let place = Organisation::new("", "", "");
    assert_eq!(night(&place).0, 0);
    let key = fs::read(place.path("store/key")).expect("the key is there");
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let manifest = place.read("store/MANIFEST");
    let told = manifest.lines().find(|line| line.contains("\"key\"")).expect("a fingerprint");
    assert!(!hex.contains(told.split('"').nth(3).expect("a text")), "{told}");
}
