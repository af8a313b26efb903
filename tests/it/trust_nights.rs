//! What nights keep to: G9 (what a log line and a run record may hold), G10 (collecting opens no leader's record), G16
//! (what a team switched off is asked of nobody), G20 (a source that fails leaves a gap and no old page).

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::organisation::{self, Organisation, github_lines, jira_lines};
use crate::support::{github, jira};

const SOURCES: &str = "repositories = [\"harbor/payments\"]\njira-projects = [\"PAY\"]\n";
const CALENDAR: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261118T090000Z\r\n\
                        DTEND:20261118T100000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

/// The names of all leaves of a value; what names a place in a list or a map of places reads `*`.
fn leaves(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    const MAPS: [&str; 3] = ["requests", "seconds", "tables"];
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                let name = if MAPS.contains(&at) { "*" } else { name.as_str() };
                leaves(inner, &if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }, found);
            }
        }
        Value::Array(list) => list.iter().for_each(|inner| leaves(inner, &format!("{at}.*"), found)),
        _ => {
            found.insert(at.to_owned());
        }
    }
}

/// A place as logs and records name it: a repository, a project, a line of the configuration, an address's path.
fn is_place(text: &str) -> bool {
    text.len() < 80 && text.chars().all(|letter| letter.is_ascii_alphanumeric() || " -_./:#*{}".contains(letter))
}

#[tokio::test(flavor = "multi_thread")]
async fn g9_log_lines_and_run_records_hold_counts_places_and_durations_alone() {
    let (hub, _) = github::start(organisation::github()).await;
    let (tracker, _) = jira::start(organisation::jira()).await;
    let broken = MockServer::builder().start().await;
    let answer = ResponseTemplate::new(500).insert_header("retry-after", "0").set_body_string("login-ada says no");
    Mock::given(any()).respond_with(answer).mount(&broken).await;
    for (hub, exit) in [(hub.uri(), 0), (broken.uri(), 3)] {
        let lines = github_lines(&hub) + &jira_lines(&tracker.uri());
        let place = Organisation::new(&lines, SOURCES, "");
        let ended = place.run(&["--log-format", "json", "run", "--as-of", "2026-11-24T04:00:00Z"]);
        assert_eq!(ended.exit, exit, "{ended:?}");
        let mut lines = 0;
        for line in ended.complained.lines().filter(|line| line.starts_with('{')) {
            lines += 1;
            let log: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            let keys: Vec<&str> = log.as_object().unwrap().keys().map(String::as_str).collect();
            assert!(keys.iter().all(|key| ["timestamp", "level", "fields"].contains(key)), "{line}");
            for (key, value) in log["fields"].as_object().unwrap() {
                match key.as_str() {
                    "message" => assert!(value.as_str().unwrap().len() < 300, "{line}"),
                    "rows" | "count" | "seconds" | "requests" | "attempt" | "status" => {
                        assert!(value.is_number(), "{line}")
                    }
                    "scope" | "stream" | "outcome" | "host" | "team" | "endpoint" | "option" => {
                        assert!(value.as_str().is_some_and(is_place), "{line}");
                    }
                    other => panic!("a field that nobody decided about: {other} in {line}"),
                }
            }
        }
        assert!(lines > 0, "{ended:?}");
        let mut found = BTreeSet::new();
        leaves(&place.record(), "", &mut found);
        let scope = [
            "source",
            "stream",
            "scope",
            "label",
            "outcome",
            "reason",
            "refused",
            "rows",
            "requests",
            "points",
            "bytes",
            "waited_seconds",
            "complete_to",
        ];
        let whole = [
            "seq",
            "version",
            "as_of",
            "exit_code",
            "gaps.*",
            "requests.*",
            "points",
            "bytes",
            "retries",
            "waited_seconds",
            "seconds.*",
            "tables.*",
        ];
        let known: BTreeSet<String> = scope
            .iter()
            .map(|name| format!("scopes.*.{name}"))
            .chain(whole.iter().map(|name| (*name).to_owned()))
            .collect();
        assert!(found.is_subset(&known), "{:?}", found.difference(&known).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g10_collecting_opens_no_record_of_a_leader() {
    let (hub, _) = github::start(organisation::github()).await;
    let team = "repositories = [\"harbor/payments\"]\nleader = \"person-ada\"\nledger = \"ledger/ada\"\n";
    let place = Organisation::new(&github_lines(&hub.uri()), team, "");
    std::fs::create_dir_all(place.path("ledger/ada")).unwrap();
    for name in ["ledger", "ledger/ada"] {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(place.path(name), mode).unwrap();
    }
    // Whoever opens this for reading waits for a writer that never comes.
    let pipe = place.path("ledger/ada/follow-ups.toml");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let run = |command: &str, seconds: u64| {
        let mut program = assert_cmd::Command::new(env!("CARGO_BIN_EXE_undercurrent"));
        program.current_dir(place.path(".")).env("TEST_TOKEN", "token-of-a-test");
        program.args([command, "--as-of", "2026-11-24T04:00:00Z"]).timeout(Duration::from_secs(seconds));
        program.output().unwrap().status.code()
    };
    assert_eq!(run("collect", 100), Some(0), "collecting waits for the record");
    // The night reads it last of all, for the leader's edition: the pipe would hold it up.
    assert_eq!(run("run", 8), None, "the pipe holds nobody up");
}

async fn calendar_server() -> MockServer {
    let server = MockServer::builder().start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_string(CALENDAR)).mount(&server).await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn g16_what_a_team_switched_off_is_asked_of_nobody() {
    let asked = async |off: &str| {
        let (hub, github) = github::start(organisation::github()).await;
        let (tracker, jira) = jira::start(organisation::jira()).await;
        let calendars = calendar_server().await;
        let person = format!("calendar = \"{}/own.ics\"\n", calendars.uri());
        let place = Organisation::new(
            &(github_lines(&hub.uri()) + &jira_lines(&tracker.uri())),
            &format!("{SOURCES}{off}"),
            &person,
        );
        let ended = place.night();
        assert_eq!(ended.exit, 0, "{off}: {ended:?}");
        let code = github.lock().expect("the double stands").asked.iter().filter(|one| *one == "pull_requests").count();
        let tickets = jira.lock().expect("the double stands").asked.iter().filter(|one| *one == "jql").count();
        let page: Value = serde_json::from_str(&place.read("report/latest/payments.json")).unwrap();
        (code, tickets, calendars.received_requests().await.unwrap_or_default().len(), page)
    };
    let (code, tickets, calendars, _) = asked("").await;
    assert!(code > 0 && tickets > 0 && calendars > 0, "{code} {tickets} {calendars}");
    let (code, tickets, calendars, page) = asked("signals-off = [\"meeting_load\", \"no_quiet_block\"]").await;
    assert!(code > 0 && tickets > 0, "{code} {tickets}");
    assert_eq!(calendars, 0, "nobody's calendar is read");
    for signal in ["meeting_load", "no_quiet_block"] {
        assert!(page["not_shown"].as_array().unwrap().iter().any(|one| one == signal), "{page}");
    }
    let (code, tickets, calendars, page) = asked("signals-off = \"all\"").await;
    assert_eq!((code, tickets, calendars), (0, 0, 0));
    assert_eq!(page["series"], serde_json::json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn g20_a_source_that_fails_in_whatever_way_leaves_a_named_gap_and_no_old_page() {
    let (hub, _) = github::start(organisation::github()).await;
    let (tracker, _) = jira::start(organisation::jira()).await;
    let calendars = calendar_server().await;
    let ways = [
        ResponseTemplate::new(200).insert_header("retry-after", "0").set_body_json(serde_json::json!([1])),
        ResponseTemplate::new(403).insert_header("retry-after", "0").set_body_string("{}"),
        ResponseTemplate::new(404).insert_header("retry-after", "0").set_body_string("{}"),
    ];
    for (way, answer) in ways.into_iter().enumerate() {
        let broken = MockServer::builder().start().await;
        Mock::given(any()).respond_with(answer).mount(&broken).await;
        for source in ["github", "jira", "calendars"] {
            let written = |failing: &str| {
                let at = |name: &str, own: &MockServer| if name == failing { broken.uri() } else { own.uri() };
                let person = format!("calendar = \"{}/own.ics\"\n", at("calendars", &calendars));
                let lines = github_lines(&at("github", &hub)) + &jira_lines(&at("jira", &tracker));
                (lines, person)
            };
            let (lines, person) = written("nobody");
            let place = Organisation::new(&lines, SOURCES, &person);
            assert_eq!(place.night().exit, 0);
            let (lines, person) = written(source);
            let other = Organisation::new(&lines, SOURCES, &person);
            std::fs::copy(other.path("undercurrent.toml"), place.path("undercurrent.toml")).unwrap();
            let ended = place.run(&["run", "--as-of", "2026-11-25T04:00:00Z"]);
            assert!([3, 4].contains(&ended.exit), "{source} {way}: {ended:?}");
            let page: Value = serde_json::from_str(&place.read("report/latest/payments.json")).unwrap();
            assert_eq!(page["as_of"], "2026-11-25T04:00:00Z", "{source} {way}: the page is tonight's");
            let state = |id: &str| {
                let sources = page["sources"].as_array().unwrap().iter();
                sources.clone().find(|one| one["id"] == id).unwrap_or_else(|| panic!("{id}: {page}"))["state"].clone()
            };
            assert!(["failed", "stale"].iter().any(|word| state(source) == *word), "{source} {way}: {page}");
            for other in ["github", "jira", "calendars"].iter().filter(|other| **other != source) {
                assert_eq!(state(other), "complete", "{source} {way}: {other}");
            }
            let record = place.record();
            assert!(!record["gaps"].as_array().unwrap().is_empty(), "{source} {way}: {record}");
        }
    }
}
