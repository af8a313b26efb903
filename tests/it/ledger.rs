//! The leader's record and edition as a leader meets them, and what everybody else never sees of them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::organisation::{Ended, Organisation};

const CONFIG: [&str; 4] = ["--config", "sample/undercurrent.toml", "--as-of", "2026-11-23T04:10:00Z"];
const RECORD: &str = "sample/ledger/cleo/follow-ups.toml";
/// What stands in the sample's record, or belongs to the leader's edition alone.
const OWN: [&str; 7] = [
    "gateway",
    "short list",
    "moved_one_to_ones",
    "due_follow_ups",
    "<!--leader-->",
    "undercurrent talked",
    "reminders",
];

fn run(place: &Organisation, arguments: &[&str]) -> Ended {
    place.run(&[arguments, &CONFIG].concat())
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}

fn common(page: &str) -> String {
    page.split("<!--leader-->")
        .enumerate()
        .map(|(at, part)| if at == 0 { part } else { part.split_once("<!--/leader-->").unwrap().1 })
        .collect()
}

/// The public folder and the store hold nothing of a record, and without its own parts an edition is everybody's page.
fn nothing_of_it_is_public(place: &Organisation) {
    for folder in ["sample/report", "sample/store"] {
        for path in files_below(&place.path(folder)) {
            let bytes = fs::read(&path).unwrap();
            for own in OWN {
                let found = bytes.windows(own.len()).any(|part| part == own.as_bytes());
                assert!(!found, "{}: {own}", path.display());
            }
        }
    }
    for team in ["payments", "platform"] {
        let public = place.read(&format!("sample/report/latest/{team}.html"));
        assert_eq!(common(&place.read(&format!("sample/ledger/cleo/{team}.html"))), public, "{team}");
        let public: Value = serde_json::from_str(&place.read(&format!("sample/report/latest/{team}.json"))).unwrap();
        assert_eq!(public["coming_back_to"], Value::Array(Vec::new()));
    }
    for path in files_below(&place.path("sample/ledger")) {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
    }
}

/// A text that names somebody is refused with a message that does not repeat it, and nothing is written.
fn names_are_refused(place: &Organisation) {
    let before = place.read(RECORD);
    let card = ["talked", "waiting_for_review", "--team", "payments"];
    let ended = run(place, &[&card[..], &["--agreed", "less at a time"]].concat());
    assert!(ended.exit == 2 && ended.complained.contains("--agreed needs --mine"), "{ended:?}");
    for text in
        ["Ask Hal about it", "ask hal", "GUS", "fay-harbor knows", "dan@harbor.example", "712020:00004000", "b\u{f6}"]
    {
        for flags in [["--mine", text, "--agreed", "less"], ["--mine", "I ask", "--agreed", text]] {
            let ended = run(place, &[&card[..], &flags].concat());
            assert!(ended.exit == 2 && ended.complained.contains("holds a name"), "{text}: {ended:?}");
            assert!(!ended.complained.contains(text) && !ended.printed.contains(text), "{ended:?}");
        }
    }
    let long = "x".repeat(201);
    let ended = run(place, &[&card[..], &["--mine", &long]].concat());
    assert!(ended.exit == 2 && ended.complained.contains("201 characters; at most 200"), "{ended:?}");
    let ended = run(place, &[&card[..], &["--mine", "I ask", "--again", "soon"]].concat());
    assert!(ended.exit == 2 && ended.complained.contains("give 2w, 10d or a date"), "{ended:?}");
    assert_eq!(place.read(RECORD), before);
    let ended = run(place, &["talked", "meeting_load", "--mine", "I ask"]);
    assert!(
        ended.exit == 2 && ended.complained.contains("there is no card meeting_load of a team whose leader"),
        "{ended:?}"
    );
    let ended = run(place, &["talked", "x", "--team", "search"]);
    assert!(ended.exit == 2 && ended.complained.contains("[[teams]] ledger ="), "{ended:?}");
}

/// From one follow-up to the next state, as the record and the edition tell it.
fn states_follow_the_commands(place: &Organisation) {
    let listed = |place: &Organisation| -> Value {
        serde_json::from_str(&run(place, &["followups", "--json"]).printed).unwrap()
    };
    let one = &listed(place)[0];
    assert_eq!((&one["team"], &one["follow_ups"][0]["due"]), (&Value::from("payments"), &Value::Bool(true)));
    assert_eq!(one["follow_ups"][0]["question"], "How is that situation now, compared with our last talk?");
    let text = run(place, &["followups", "--team", "payments"]).printed;
    assert!(
        text.contains("Payments\n    1  due since 2026-11-23  How is that") && !text.contains("Platform"),
        "{text}"
    );

    let ended = run(place, &["done", "1"]);
    assert!(ended.exit == 0 && ended.printed.contains("comes once more on 2027-01-04"), "{ended:?}");
    assert_eq!(listed(place)[0]["follow_ups"][0]["state"], "asked again");
    assert!(run(place, &["done", "1", "--team", "payments"]).printed.contains("Follow-up 1 is closed."));
    assert_eq!(listed(place)[0]["follow_ups"], Value::Array(Vec::new()));
    let ended = run(place, &["done", "1"]);
    assert!(ended.exit == 2 && ended.complained.contains("there is no open follow-up 1"), "{ended:?}");

    // Twice about the one, once about the other of the leader's two teams: asked once, then closed before the day came.
    let practice: Value = serde_json::from_str(&run(place, &["followups", "--practice", "--json"]).printed).unwrap();
    assert_eq!(practice[0]["follow_ups_asked_within_a_week"], serde_json::json!({"of": 3, "were": 3}));
    let cards = &practice[0]["cards_talked_about_within_two_weeks"];
    assert!(cards["were"].as_i64() >= Some(1) && cards["of"].as_i64() >= cards["were"].as_i64(), "{practice}");
    let text = run(place, &["followups", "--practice"]).printed;
    assert!(text.contains("follow-ups whose time is over: 3; 3 of them asked"), "{text}");

    let card = ["talked", "stalled_work", "--team", "payments"];
    let ended = run(place, &[&card[..], &["--mine", "I ask \"twice\"", "--agreed", "less", "--again", "10d"]].concat());
    assert!(ended.exit == 0 && ended.printed.contains("follow-up 3; you come back to it on 2026-12-03"), "{ended:?}");
    assert!(ended.printed.contains("The page is open to the whole team"), "{ended:?}");
    assert_eq!(listed(place)[0]["follow_ups"][0]["state"], "reopened");
    assert_eq!(run(place, &["report"]).exit, 0);
    let own: Value = serde_json::from_str(&place.read("sample/ledger/cleo/payments.json")).unwrap();
    assert_eq!(own["coming_back_to"][0]["mine"], "I ask \"twice\"");
    assert_eq!(own["conversations"][0]["state"], "reopened");

    assert_eq!(run(place, &["set-aside", "stalled_work", "--reason", "known-event"]).exit, 0);
    assert_eq!(listed(place)[0]["follow_ups"], Value::Array(Vec::new()));
    assert_eq!(run(place, &["set-aside", "stalled_work", "--reason", "tired"]).exit, 2);
    assert_eq!(run(place, &["seen", "stalled_work"]).exit, 0);
}

/// A hand edit that cannot be read is named by its line; the page of everybody is written all the same.
fn a_broken_record_costs_only_the_leaders_edition(place: &Organisation) {
    let good = place.read(RECORD);
    let lines = good.lines().count();
    fs::write(place.path(RECORD), good.clone() + "\n[[entry]]\ndid = \"slept\"\non = \"2026-11-23\"\n").unwrap();
    fs::remove_file(place.path("sample/ledger/cleo/payments.html")).unwrap();
    let ended = run(place, &["run", "--offline"]);
    let fault = format!("follow-ups.toml:{}: `did` is one of", lines + 3);
    assert!(ended.exit == 3 && ended.complained.contains(&fault), "{ended:?}");
    assert!(!place.path("sample/ledger/cleo/payments.html").exists());
    fs::write(place.path(RECORD), good).unwrap();
    assert_eq!(run(place, &["run", "--offline"]).exit, 0);
    assert!(place.path("sample/ledger/cleo/payments.html").exists());
    fs::set_permissions(place.path("sample/ledger/cleo"), fs::Permissions::from_mode(0o755)).unwrap();
    let ended = run(place, &["followups"]);
    assert!(ended.exit == 2 && ended.complained.contains("chmod 700"), "{ended:?}");
    fs::set_permissions(place.path("sample/ledger/cleo"), fs::Permissions::from_mode(0o700)).unwrap();
}

/// Two follow-ups that are due, noted by hand: the new card waits in the leader's edition, and stands on everybody's page.
fn new_cards_wait_while_two_are_due(place: &Organisation) {
    let entry = |id: i64, again: &str| {
        format!(
            "[[entry]]\ndid = \"talked\"\nid = {id}\non = \"2026-10-12\"\nteam = \"payments\"\ncard = \"{id}\"\n\
             signals = [\"moving_dates\"]\nmine = \"I move a date\"\nagain = \"{again}\"\n"
        )
    };
    let waits = |second: &str| -> bool {
        fs::write(place.path(RECORD), entry(7, "2026-11-02") + &entry(8, second)).unwrap();
        assert_eq!(run(place, &["report"]).exit, 0);
        let own: Value = serde_json::from_str(&place.read("sample/ledger/cleo/payments.json")).unwrap();
        assert_eq!(own["coming_back_to"][0]["since"][0]["outcome"], "back in the usual range", "{own}");
        own["conversations"][0]["waits"] == true
    };
    assert!(!waits("2026-11-24") && waits("2026-11-23"));
    assert!(place.read("sample/ledger/cleo/payments.html").contains("it can wait until the open follow-ups are done"));
}

#[test]
fn g10_g15_a_leader_notes_talks_and_comes_back_to_them_and_nobody_else_sees_any_of_it() {
    let place = Organisation::new("", "", "");
    let ended = place.run(&["demo", "--out", "sample"]);
    assert!(ended.printed.contains("sample/ledger/cleo/payments.html"), "{ended:?}");
    nothing_of_it_is_public(&place);
    names_are_refused(&place);
    states_follow_the_commands(&place);
    a_broken_record_costs_only_the_leaders_edition(&place);
    new_cards_wait_while_two_are_due(&place);
    nothing_of_it_is_public(&place);
}

#[test]
fn collecting_does_not_look_at_the_record() {
    let place = Organisation::new("", "leader = \"person-ada\"\nledger = \"own\"", "");
    fs::create_dir(place.path("own")).unwrap();
    fs::set_permissions(place.path("own"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(place.path("own/follow-ups.toml"), "broken [").unwrap();
    let ended = place.run(&["collect"]);
    assert!(ended.exit == 0 && !ended.complained.contains("follow-ups"), "{ended:?}");
    let ended = place.night();
    assert!(ended.exit == 3 && ended.complained.contains("follow-ups.toml:1: "), "{ended:?}");
    let ended = place.run(&["check"]);
    assert!(
        ended.printed.lines().any(|line| line.starts_with("WRONG") && line.contains("follow-ups.toml:1: ")),
        "{ended:?}"
    );
}

#[test]
fn a_folder_of_a_record_lies_apart_from_pages_and_store() {
    for (folder, told) in
        [("report/x", "everybody may read"), ("./a/../store", "the store"), (".", "everybody may read")]
    {
        let ended = Organisation::new("", &format!("ledger = \"{folder}\""), "").run(&["check"]);
        assert!(ended.exit == 2 && ended.complained.contains(told), "{folder}: {ended:?}");
    }
}

#[test]
fn the_reminders_are_explained_like_every_other_signal() {
    let place = Organisation::new("", "", "");
    let ended = place.run(&["signals", "due_follow_ups"]);
    assert!(
        ended.exit == 0 && ended.printed.contains("of the open follow-ups in the leader's own record"),
        "{ended:?}"
    );
    let ended = place.run(&["signals", "moved_one_to_ones"]);
    assert!(ended.exit == 0 && ended.printed.contains("FROM one_to_ones"), "{ended:?}");
    let ended = place.run(&["signals", "moved_one_to_ones", "--team", "payments"]);
    assert!(ended.exit == 2 && ended.complained.contains("a reminder of the leader's edition"), "{ended:?}");
}
