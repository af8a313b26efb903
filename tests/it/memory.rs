//! What is remembered from night to night, on the sample organisation as a user would run it without network.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::support::organisation::Organisation;

const NOW: &str = "2026-11-23T04:10:00Z";
const CONFIG: &str = "sample/undercurrent.toml";

/// Every page and figure of the latest report.
fn pages(place: &Organisation) -> BTreeMap<String, Vec<u8>> {
    let folder = fs::read_dir(place.path("sample/report/latest")).expect("the report is there");
    let files = folder.map(|entry| entry.expect("the report can be read"));
    files
        .map(|file| {
            (file.file_name().to_string_lossy().into_owned(), fs::read(file.path()).expect("a file can be read"))
        })
        .collect()
}

#[track_caller]
fn run(place: &Organisation, arguments: &[&str]) -> String {
    let ended = place.run(&[arguments, &["--config", CONFIG]].concat());
    assert_eq!(ended.exit, 0, "{ended:?}");
    ended.printed
}

fn payments(place: &Organisation) -> Value {
    serde_json::from_str(&place.read("sample/report/latest/payments.json")).expect("figures are JSON")
}

#[test]
fn cards_rosters_and_thresholds_are_kept_and_a_second_look_changes_nothing() {
    let place = Organisation::new("", "", "");
    assert_eq!(place.run(&["demo", "--out", "sample"]).exit, 0);
    let offline = ["run", "--offline", "--as-of", NOW];
    run(&place, &offline);
    let (first, manifest) = (pages(&place), place.read("sample/store/MANIFEST"));
    for name in ["rosters", "cards", "calibrations"] {
        assert!(place.path(&format!("sample/store/history/{name}")).is_dir(), "{name}");
    }
    run(&place, &["report", "--as-of", NOW]);
    assert!(pages(&place) == first, "the report made again is the same");
    let before = payments(&place);
    assert!(!before["conversations"].as_array().expect("a list").is_empty());

    // One person leaves the configuration: past weeks stay as they were read, and the cards with them.
    let config = place.read(CONFIG);
    let line = config.lines().find(|line| line.starts_with("members = ")).expect("a team has members").to_owned();
    let without = line.replacen(&line[line.find('"').expect("a member")..=line.find(',').expect("two members")], "", 1);
    assert_ne!(line, without);
    fs::write(place.path(CONFIG), config.replacen(&line, &without, 1)).expect("the configuration is written");
    run(&place, &offline);
    let after = payments(&place);
    for key in ["conversations", "series", "compared"] {
        assert_eq!(after[key], before[key], "{key}");
    }
    assert_eq!(place.read("sample/store/MANIFEST"), manifest, "nothing else is remembered");
    run(&place, &[&offline[..], &["--reread-roster"]].concat());
    assert_ne!(payments(&place)["series"], before["series"]);

    let replayed: Value = serde_json::from_str(&run(&place, &["replay", "--json", "--as-of", NOW])).expect("JSON");
    let teams = replayed["teams"].as_array().expect("a list");
    assert_eq!(teams.len(), 6);
    assert!(teams.iter().any(|team| !team["cards"].as_array().expect("a list").is_empty()));
}
