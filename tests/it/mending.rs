//! Damage to a store is found before anything rests on it, and the way back gives the store that a clean run would have.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::canary::files_below;
use crate::support::organisation::{self, Organisation, github_lines, jira_lines};
use crate::support::{github, jira};

type Damage = fn(&Organisation);

const TEAM: &str = "repositories = [\"harbor/payments\"]\njira-projects = [\"PAY\"]\n";

/// The files of rows by name, with their bytes.
fn tables(place: &Organisation) -> BTreeMap<PathBuf, Vec<u8>> {
    let root = place.path("store/tables");
    files_below(&root)
        .into_iter()
        .map(|path| (path.strip_prefix(&root).unwrap().to_owned(), fs::read(&path).unwrap()))
        .collect()
}

fn file_of(place: &Organisation, table: &str) -> PathBuf {
    files_below(&place.path(&format!("store/tables/{table}"))).remove(0)
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    fs::write(path, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_files_are_found_laid_aside_and_read_again_until_the_store_is_what_it_was() {
    let (hub, _) = github::start(organisation::github()).await;
    let (tracker, _) = jira::start(organisation::jira()).await;
    let damages: [(&str, Damage); 5] = [
        ("a flipped byte", |place| flip(&file_of(place, "pull_requests"))),
        ("a file cut off", |place| {
            let path = file_of(place, "issues");
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("a missing file", |place| fs::remove_file(file_of(place, "reviews")).unwrap()),
        ("two files in each other's place", |place| {
            let (one, other) = (file_of(place, "commits"), file_of(place, "issues"));
            let (left, right) = (fs::read(&one).unwrap(), fs::read(&other).unwrap());
            fs::write(one, right).unwrap();
            fs::write(other, left).unwrap();
        }),
        ("bytes that are no rows", |place| fs::write(file_of(place, "issue_changes"), "PAR1 not rows PAR1").unwrap()),
    ];
    for (what, damage) in damages {
        let place = Organisation::new(&(github_lines(&hub.uri()) + &jira_lines(&tracker.uri())), TEAM, "");
        assert_eq!(place.night().exit, 0);
        let before = tables(&place);
        let ended = place.run(&["verify"]);
        assert!(ended.exit == 0 && ended.printed.contains(" 0 are damaged"), "{what}: {ended:?}");
        let ended = place.run(&["repair"]);
        assert!(ended.exit == 0 && ended.printed.contains("nothing was changed"), "{what}: {ended:?}");
        damage(&place);
        let ended = place.run(&["verify"]);
        assert!(ended.exit == 7 && ended.printed.contains("DAMAGED"), "{what}: {ended:?}");
        // A night stops where it meets damage, or rests on none of it.
        let ended = place.run(&["report", "--as-of", "2026-11-24T04:00:00Z"]);
        assert!(ended.exit == 7 && ended.complained.contains("repair"), "{what}: {ended:?}");
        let ended = place.run(&["repair"]);
        assert!(ended.exit == 0 && ended.printed.contains("laid aside"), "{what}: {ended:?}");
        assert_eq!(place.run(&["verify"]).exit, 0, "{what}");
        assert_eq!(place.night().exit, 0, "{what}");
        assert!(tables(&place) == before, "{what}: the store is not what it was");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_manifest_or_memory_comes_back_from_an_older_version() {
    let (hub, _) = github::start(organisation::github()).await;
    let place = Organisation::new(&github_lines(&hub.uri()), "repositories = [\"harbor/payments\"]\n", "");
    assert_eq!(place.night().exit, 0);
    let before = tables(&place);
    flip(&place.path("store/MANIFEST"));
    assert_eq!(place.run(&["verify"]).exit, 7);
    assert_eq!(place.night().exit, 7);
    let ended = place.run(&["repair"]);
    assert!(ended.exit == 0 && ended.printed.contains("took its place"), "{ended:?}");
    assert_eq!(place.night().exit, 0);
    assert!(tables(&place) == before);

    let rosters = files_below(&place.path("store/history/rosters")).remove(0);
    let whole = fs::read(&rosters).unwrap();
    flip(&rosters);
    let ended = place.run(&["verify"]);
    assert!(ended.exit == 7 && ended.printed.contains("history/rosters"), "{ended:?}");
    let ended = place.run(&["repair"]);
    assert!(ended.exit == 0 && ended.printed.contains("rosters"), "{ended:?}");
    assert!(place.path("store/quarantine").exists());
    assert_eq!(place.night().exit, 0);
    // The same content has the same name: it was read anew.
    assert_eq!(fs::read(&rosters).unwrap(), whole);
    assert!(!place.path("store/quarantine").exists(), "what was laid aside does not outlive a night");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_goes_back_to_an_older_version_and_the_next_night_reads_what_came_since() {
    let (hub, github) = github::start(organisation::github()).await;
    let place = Organisation::new(&github_lines(&hub.uri()), "repositories = [\"harbor/payments\"]\n", "");
    assert_eq!(place.night().exit, 0);
    let listed = place.run(&["rollback"]).printed;
    let first: u64 = listed.lines().rev().nth(1).unwrap().split(':').next().unwrap().parse().unwrap();
    {
        let mut github = github.lock().expect("the double stands");
        github.clock = "Wed, 25 Nov 2026 03:00:00 GMT";
        let pull = &mut github.repositories[0].pulls[0];
        pull["updatedAt"] = serde_json::json!("2026-11-25T01:00:00Z");
        pull["mergedAt"] = serde_json::json!("2026-11-25T01:00:00Z");
        pull["state"] = serde_json::json!("MERGED");
    }
    assert_eq!(place.night().exit, 0);
    let after = tables(&place);
    let ended = place.run(&["rollback", "--to", "999"]);
    assert!(ended.exit == 2 && ended.complained.contains("there is no version 999"), "{ended:?}");
    let ended = place.run(&["rollback", "--to", &first.to_string()]);
    assert_eq!(ended.exit, 0, "{ended:?}");
    assert_eq!(place.run(&["verify"]).exit, 0);
    assert_eq!(place.night().exit, 0);
    let live = |tables: &BTreeMap<PathBuf, Vec<u8>>| tables.keys().cloned().collect::<std::collections::BTreeSet<_>>();
    assert!(live(&after).is_subset(&live(&tables(&place))), "what came since is there again");
}
