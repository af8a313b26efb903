//! What a team says of its own days, from the command to the page.

use std::fs;

use serde_json::Value;

use crate::support::organisation::{Ended, Organisation};

const CONFIG: [&str; 2] = ["--config", "sample/undercurrent.toml"];

fn run(place: &Organisation, arguments: &[&str]) -> Ended {
    place.run(&[arguments, &CONFIG].concat())
}

/// The other readings of the first card, after the report was made again.
fn readings(place: &Organisation) -> Vec<String> {
    let ended = run(place, &["report"]);
    assert_eq!(ended.exit, 0, "{ended:?}");
    let page: Value = serde_json::from_str(&place.read("sample/report/latest/payments.json")).unwrap();
    let all = page["conversations"][0]["may_also_be"].as_array().expect("the sample has a card");
    all.iter().map(|reading| reading.as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_a_team_says_of_its_days_is_the_first_other_reading_and_a_mark_on_the_drawings_until_it_is_removed() {
    let place = Organisation::new("", "", "");
    assert_eq!(place.run(&["demo", "--out", "sample"]).exit, 0);
    let before = readings(&place);
    let days = ["--from", "2026-11-16", "--to", "2026-11-18", "--kind", "move"];
    let label = ["--label", "the move of billing"];
    let added = run(&place, &[&["context", "payments"], &days[..], &label[..]].concat());
    assert!(added.exit == 0 && added.printed.contains("1  2026-11-16 to 2026-11-18  move  the move"), "{added:?}");
    let after = readings(&place);
    assert_eq!(after[0], "the move of billing was declared for 16 November to 18 November, and may explain it");
    assert_eq!(after[1..], before);
    let page = place.read("sample/report/latest/payments.html");
    let drawings = page.split("<svg").skip(1).filter_map(|rest| rest.split("</svg>").next());
    assert!(drawings.filter(|drawing| drawing.contains("the move of billing")).count() > 0);
    assert!(!place.read("sample/report/latest/data.html").contains("the move of billing"), "it is of one team alone");
    assert_eq!(run(&place, &["context", "payments", "--remove", "1"]).exit, 0);
    assert_eq!(readings(&place), before);
}

#[test]
fn an_entry_that_cannot_be_used_is_warned_of_and_called_wrong_and_stops_nothing() {
    let place = Organisation::new("", "", "");
    let refused = |label: &str, told: &str| {
        let days = ["context", "payments", "--from", "2026-11-16", "--to", "2026-11-18", "--label", label];
        let ended = place.run(&days);
        assert!(ended.exit == 2 && ended.complained.contains(told), "{label}: {ended:?}");
    };
    refused("PERSON-ADA moves", "names a person or an account");
    refused("Login-Bo", "names a person or an account");
    refused("a lazy week", "L1");
    assert!(!place.path("context").exists(), "nothing was written");
    fs::create_dir(place.path("context")).unwrap();
    let entry = "[[context]]\nfrom = \"2026-11-16\"\nto = \"2026-11-18\"\nlabel = \"person-ada is away\"\n";
    fs::write(place.path("context/payments.toml"), entry).unwrap();
    let told = "context/payments.toml:1: `label` names a person or an account";
    let ended = place.night();
    assert!(ended.exit == 0 && ended.complained.contains(told), "{ended:?}");
    let ended = place.run(&["check"]);
    assert!(ended.printed.lines().any(|line| line.starts_with("WRONG") && line.contains(told)), "{ended:?}");
    let listed = place.run(&["context", "payments"]);
    assert!(listed.exit == 0 && listed.printed.contains("1  2026-11-16 to 2026-11-18  other  WRONG line 1"));
    let ended = place.run(&["context", "billing"]);
    assert!(ended.exit == 2 && ended.complained.contains("there is no team billing; known: payments"), "{ended:?}");
}
