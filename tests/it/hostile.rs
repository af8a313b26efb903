//! Every parser of what comes from outside, fed with changed copies of real input: none may panic, none may take long, and the
//! same input gives the same twice. A thousand inputs each; `UNDERCURRENT_HOSTILE` sets another number.

use std::fmt::Debug;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use undercurrent::catalogue::Card;
use undercurrent::collect::http::policy::{Service, classify};
use undercurrent::collect::{calendar, github, jira};
use undercurrent::config::Config;
use undercurrent::model::Pseudonyms;
use undercurrent::model::time::Millis;
use undercurrent::store::Manifest;

use crate::calendars::source;
use crate::support::canary::files_below;
use crate::support::chance::Chance;
use crate::support::{fixture, fixture_text, organisation};

/// What parsers have stumbled over.
const ODD: [&str; 40] = [
    "",
    "0",
    "-1",
    "1e400",
    "9223372036854775808",
    "18446744073709551616",
    "0.1",
    "null",
    "true",
    "[]",
    "{}",
    "\"\"",
    "\\ud83d",
    "\\u0000",
    "\u{0}",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "e\u{301}\u{301}\u{301}",
    "😀",
    "ß",
    "İ",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "2016-12-31T23:59:60Z",
    "2026-10-25T02:30:00",
    "2026-11-24T10:00:00.123456789012345+14:00",
    "19700101T000000Z",
    "99991231T235959",
    "RRULE:FREQ=SECONDLY",
    "RRULE:FREQ=YEARLY;INTERVAL=0",
    "COUNT=1000000000",
    "TZID=Nowhere/Nothing",
    "P-1D",
    "PT999999999999H",
    "\r\n ",
    "\n\n",
    "'",
    "\\",
    "=====",
];

/// A changed copy of one of the seeds.
fn changed(seeds: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = chance.one(seeds).clone();
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len() + 1);
        let to = (at + chance.below(40)).min(bytes.len());
        match chance.below(9) {
            0 if !bytes.is_empty() => {
                let at = chance.below(bytes.len());
                bytes[at] ^= 1 << chance.below(8);
            }
            1 => bytes.truncate(at),
            2 => drop(bytes.drain(at..to)),
            3 => drop(bytes.splice(at..at, chance.one(&ODD).bytes())),
            4 => drop(bytes.splice(at..to, chance.one(&ODD).bytes())),
            // A piece of another seed.
            5 => {
                let other = chance.one(seeds);
                let from = chance.below(other.len() + 1);
                let piece = other[from..(from + chance.below(400)).min(other.len())].to_vec();
                drop(bytes.splice(at..at, piece));
            }
            // A piece many times over.
            6 => {
                let piece = bytes[at..to].to_vec();
                drop(bytes.splice(at..at, piece.repeat(chance.below(200))));
            }
            7 => {
                let open = *chance.one(&["[", "{\"a\":", "(", "BEGIN:VEVENT\n", "\"\"\"", "- "]);
                drop(bytes.splice(at..at, open.repeat(chance.below(300)).into_bytes()));
            }
            // A value in the place of another.
            _ => {
                let quote = bytes[at..].iter().position(|byte| matches!(byte, b':' | b'=')).map(|found| at + found + 1);
                let end = quote.and_then(|from| {
                    bytes[from..].iter().position(|byte| matches!(byte, b',' | b'}' | b'\n')).map(|found| from + found)
                });
                if let Some((from, to)) = quote.zip(end) {
                    drop(bytes.splice(from..to, chance.one(&ODD).bytes()));
                }
            }
        }
    }
    bytes
}

fn how_many() -> usize {
    std::env::var("UNDERCURRENT_HOSTILE").ok().and_then(|count| count.parse().ok()).unwrap_or(1000)
}

/// Feeds a parser.
fn feed<Out: PartialEq + Debug>(name: &str, seeds: &[Vec<u8>], parse: impl Fn(&[u8]) -> Out) {
    assert!(!seeds.is_empty(), "{name} has no seeds");
    let mut chance = Chance(name.bytes().map(u64::from).sum());
    let (mut slowest, count) = (Duration::ZERO, how_many());
    for number in 0..count + seeds.len() {
        // The seeds themselves come first.
        let bytes = seeds.get(number).cloned().unwrap_or_else(|| changed(seeds, &mut chance));
        let told = || format!("{name}, input {number}: {}", bytes[..bytes.len().min(2000)].escape_ascii());
        let timed = || {
            let begun = Instant::now();
            let out = catch_unwind(AssertUnwindSafe(|| parse(&bytes)));
            (out.unwrap_or_else(|_| panic!("a panic at {}", told())), begun.elapsed())
        };
        let (out, mut took) = timed();
        // Once more where the machine was busy, and now and then to see that nothing depends on anything else.
        if took > Duration::from_secs(2) || number % 50 == 0 {
            let (again, repeated) = timed();
            assert_eq!(again, out, "not the same twice: {}", told());
            took = took.min(repeated);
        }
        assert!(took < Duration::from_secs(2), "{took:?} for {}", told());
        slowest = slowest.max(took);
    }
    println!("{name}: {count} inputs, the slowest took {slowest:?}");
}

fn names() -> Pseudonyms {
    Pseudonyms::new([1; 32])
}

fn bytes(value: &serde_json::Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

#[test]
fn hostile_calendars() {
    let mut seeds: Vec<Vec<u8>> = files_below(&fixture("calendars"))
        .iter()
        .filter(|path| path.to_string_lossy().contains(".ics"))
        .map(|path| {
            let bytes = std::fs::read(path).expect("a fixture can be read");
            let mut plain = Vec::new();
            match flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain) {
                Ok(_) => plain,
                Err(_) => bytes,
            }
        })
        .filter(|bytes| bytes.len() < 20_000)
        .collect();
    seeds.sort();
    let window = (Millis(1_764_000_000_000), Millis(1_797_000_000_000));
    feed("calendar", &seeds, |bytes| {
        calendar::read(bytes, &source(), window, &names())
            .map(|reading| (reading.busy.len(), reading.cut))
            .map_err(|error| error.to_string())
    });
}

#[test]
fn hostile_answers_of_github() {
    let mut pull = organisation::pull(1, 10);
    for list in ["commits", "timelineItems"] {
        let nodes = pull[list].take();
        pull[list] = json!({ "totalCount": 1, "pageInfo": { "hasNextPage": false, "endCursor": "1" }, "nodes": nodes });
    }
    pull["labels"] = json!({ "nodes": [{ "name": "bug" }] });
    let page = json!({ "data": { "repository": { "pullRequests": {
        "totalCount": 1, "pageInfo": { "hasNextPage": false, "endCursor": null }, "nodes": [pull] } } } });
    assert_eq!(github::entrances::pull_requests(&bytes(&page), &names()).pull_requests.len(), 1, "the seed is a page");
    feed("pull requests", &[bytes(&page)], |bytes| github::entrances::pull_requests(bytes, &names()).rows());
    let comments = json!([{
        "id": 1, "pull_request_url": "https://x/repos/a/b/pulls/1", "in_reply_to_id": null, "pull_request_review_id": 7,
        "user": { "id": 101, "type": "User", "login": "a" },
        "created_at": "2026-11-02T10:00:00Z", "updated_at": "2026-11-02T10:00:00Z",
    }]);
    assert_eq!(github::entrances::review_comments(&bytes(&comments), &names()).comments.len(), 1, "the seed is a page");
    feed("review comments", &[bytes(&comments)], |bytes| github::entrances::review_comments(bytes, &names()).rows());
    let list = |nodes: serde_json::Value| json!({ "totalCount": 1, "pageInfo": { "hasNextPage": false, "endCursor": null }, "nodes": nodes });
    let who = json!({ "__typename": "User", "login": "a", "databaseId": 1 });
    let issue = json!({
        "databaseId": 5, "id": "I_5", "number": 5, "state": "OPEN", "createdAt": "2026-11-02T10:00:00Z",
        "updatedAt": "2026-11-03T10:00:00Z", "closedAt": null, "author": who, "labels": list(json!([{ "name": "doing" }])),
        "assignees": list(json!([who])), "milestone": { "dueOn": "2026-12-01T00:00:00Z" },
        "timelineItems": list(json!([{ "__typename": "ClosedEvent", "id": "E1", "createdAt": "2026-11-03T10:00:00Z", "actor": who }])),
    });
    let page = json!({ "data": { "repository": { "issues": list(json!([issue])) } } });
    feed("issues", &[bytes(&page)], |bytes| github::entrances::issues(bytes, &names()).rows());
}

#[test]
fn hostile_answers_of_jira() {
    let issue = &organisation::jira().issues[0];
    let page = json!({ "issues": [issue], "isLast": true, "nextPageToken": "1" });
    assert_eq!(jira::entrances::issues(&bytes(&page), &names()).issues.len(), 1, "the seed is a page");
    feed("issues of Jira", &[bytes(&page)], |bytes| jira::entrances::issues(bytes, &names()).rows());
    let mut history = issue["changelog"]["histories"][0].clone();
    history["created"] = json!(1_795_500_000_000_i64);
    let page = json!({ "issueChangeLogs": [{ "issueId": "10001", "changeHistories": [history] }] });
    assert_eq!(jira::entrances::changes(&bytes(&page), &names()).issue_changes.len(), 1, "the seed is a page");
    feed("changes of Jira", &[bytes(&page)], |bytes| jira::entrances::changes(bytes, &names()).rows());
}

#[test]
fn hostile_answers_of_any_service() {
    let heads = [
        "200\nretry-after: 7\n\n{}",
        "403\nx-ratelimit-remaining: 0\nx-ratelimit-reset: 1795521610\ndate: Tue, 24 Nov 2026 12:00:00 GMT\n\n{\"a\":[1,2]}",
        "429\nratelimit-reason: jira-burst-based\n\n<html>",
    ];
    let seeds: Vec<Vec<u8>> = heads.map(|head| head.as_bytes().to_vec()).to_vec();
    feed("answers", &seeds, |bytes| {
        let at = bytes.windows(2).position(|two| two == b"\n\n").unwrap_or(bytes.len());
        let head = String::from_utf8_lossy(&bytes[..at]).into_owned();
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.parse().ok()).unwrap_or(200);
        let pairs = lines.filter_map(|line| line.split_once(": ")).filter_map(|(name, value)| {
            Some((http::HeaderName::try_from(name).ok()?, http::HeaderValue::try_from(value).ok()?))
        });
        let headers: http::HeaderMap = pairs.collect();
        [Service::Github, Service::Jira, Service::Calendar, Service::Webhook]
            .map(|service| classify(service, status, &headers, &bytes[at..]))
    });
}

#[test]
fn hostile_files_of_one_s_own() {
    let example =
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("config.example.toml")).expect("it is there");
    let open: Vec<u8> = String::from_utf8_lossy(&example).replace("# ", "").into_bytes();
    feed("configuration", &[example, open], |bytes| {
        let text = String::from_utf8_lossy(bytes);
        Config::parse(&text, Path::new("undercurrent.toml"))
            .map(|config| config.people.len())
            .map_err(|problems| problems.to_string())
    });
    let cards: Vec<Vec<u8>> = undercurrent::catalogue::shipped().map(|(_, text)| text.as_bytes().to_vec()).collect();
    feed("cards", &cards, |bytes| Card::own("own_card", &String::from_utf8_lossy(bytes)).map(|card| card.is_rate()));
    let manifest = Manifest::empty().to_text().into_bytes();
    feed("manifest", &[manifest, fixture_text("usual_range.json").into_bytes()], |bytes| {
        // The checksum would keep nearly every change out.
        let text = String::from_utf8_lossy(bytes);
        let body = text.trim_end().rsplit_once('\n').map_or(text.as_ref(), |(body, _)| body);
        let sealed = format!("{body}\n{}\n", blake3::hash(body.as_bytes()).to_hex());
        Manifest::parse(&sealed, Path::new("MANIFEST")).map(|manifest| manifest.seq).map_err(|error| error.to_string())
    });
}
