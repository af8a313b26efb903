//! The fault matrix: every fault strikes a first night and an incremental one, in virtual time.
//!
//! One oracle for all of them. *While a fault lasts*: a night that ends with 0 has stored what an undisturbed one stores;
//! any other night names what is missing in its exit code, its record and the page. *Once it is over*: the next reading ends
//! with 0, and the store holds the same files and cursors as after an undisturbed night. Nothing waits beyond its bounds,
//! nobody is asked while a limit is in force, no token reaches another host or a file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::{Value, json};
use undercurrent::cli::{Cli, Outside};
use undercurrent::collect::http::Patience;
use undercurrent::pipeline::surroundings::Interrupt;
use wiremock::MockServer;

use crate::support::canary::files_below;
use crate::support::faulty::{Asked, Fault, Faulty, Moment, Reply, Sent, When, World};
use crate::support::organisation::{self, Organisation, github_lines, jira_lines, pull};
use crate::support::{KEY, github, jira};

mod calendar;
mod data;
mod ends;
mod github_answers;
mod jira_answers;
mod month;
mod wire;

const TOKEN: &str = "token-of-a-test";

/// How a night with a fault is to end.
#[derive(Clone, Copy, Debug)]
pub enum Ends {
    /// As if nothing had been.
    Healed,
    /// With a gap that says this.
    Named(&'static str),
    /// With refused credentials (exit code 4, or 3 where others were taken), asked so often at most.
    Refused(&'static str, usize),
    /// The source tells something else for as long as it lasts, without any error; read again in full, it is as before.
    Different,
}

/// A fault and what is expected of it.
pub struct Case {
    pub name: &'static str,
    pub fault: Fault,
    pub ends: Ends,
    /// Virtual seconds that have to pass at least.
    pub waits: u64,
    /// A first night has nothing to compare with, and cannot see it.
    pub only_later: bool,
    /// A later night never asks for it.
    pub only_first: bool,
    /// Much has to be read before it shows.
    pub is_large: bool,
}

/// A case that heals after some waits, or is named.
pub fn case(
    name: &'static str,
    concerns: fn(&Asked) -> bool,
    when: When,
    act: fn(&Asked, Reply, Moment) -> Sent,
    ends: Ends,
) -> Case {
    Case {
        name,
        fault: Fault { concerns, when, act, heard: str::to_owned },
        ends,
        waits: 0,
        only_later: false,
        only_first: false,
        is_large: false,
    }
}

impl Case {
    pub fn waiting(self, seconds: u64) -> Self {
        Self { waits: seconds, ..self }
    }

    pub fn hearing(self, heard: fn(&str) -> String) -> Self {
        Self { fault: Fault { heard, ..self.fault }, ..self }
    }

    pub fn large(self) -> Self {
        Self { is_large: true, ..self }
    }

    pub fn first(self) -> Self {
        Self { only_first: true, ..self }
    }

    pub fn later(self) -> Self {
        Self { only_later: true, ..self }
    }
}

pub fn on_github(asked: &Asked) -> bool {
    !on_jira(asked) && !on_calendar(asked)
}

pub fn on_jira(asked: &Asked) -> bool {
    asked.path.starts_with("/rest/")
}

pub fn on_calendar(asked: &Asked) -> bool {
    asked.path.starts_with("/calendars/")
}

pub fn on_graph(asked: &Asked) -> bool {
    asked.path == "/graphql"
}

pub fn on_pulls(asked: &Asked) -> bool {
    on_graph(asked) && asked.body.contains("query PullRequests")
}

pub fn on_search(asked: &Asked) -> bool {
    asked.path.contains("/search/jql")
        && !asked.body.contains("\"id in")
        && !asked.body.contains("\"fields\":[\"key\"]")
}

/// An answer with a status and nothing else.
pub fn status(code: u16) -> Sent {
    Sent::Whole(Reply::new(code, "{}"))
}

/// The good answer, changed as JSON.
pub fn changed(good: Reply, change: impl FnOnce(&mut Value)) -> Sent {
    let mut value: Value = serde_json::from_slice(&good.body).unwrap_or(Value::Null);
    change(&mut value);
    Sent::Whole(Reply { body: value.to_string().into_bytes(), ..good })
}

/// The doubles of one state of the organisation.
struct Doubles {
    world: World,
    _servers: [MockServer; 2],
}

fn review(number: i64, day: u32) -> Value {
    json!({
        "__typename": "PullRequestReview", "databaseId": number, "state": "APPROVED",
        "submittedAt": format!("2026-11-{day:02}T09:00:00Z"),
        "author": { "__typename": "User", "login": "login-bo", "databaseId": 101 }, "comments": { "totalCount": 0 },
    })
}

/// The services before (`later` = false) and after a day on which something happened.
async fn doubles(later: bool) -> Doubles {
    grown(later, 0).await
}

/// The services so many nights after the day on which something happened.
async fn doubles_on(night: u64) -> Doubles {
    grown(true, i64::try_from(night).expect("small")).await
}

async fn grown(later: bool, nights: i64) -> Doubles {
    let mut code = organisation::github();
    let comment = |id: i64, day: u32| {
        json!({
            "id": id, "pull_request_url": "https://x/repos/harbor/payments/pulls/1", "in_reply_to_id": null,
            "user": { "id": 101, "type": "User", "login": "login-bo" },
            "created_at": format!("2026-11-{day:02}T10:00:00Z"), "updated_at": format!("2026-11-{day:02}T10:00:00Z"),
        })
    };
    let payments = &mut code.repositories[0];
    payments.pulls = (1..=30).map(|number| pull(number, 3 + u32::try_from(number).unwrap_or(0) % 17)).collect();
    payments.pulls[0]["timelineItems"] = json!([review(6001, 3), review(6002, 4), review(6003, 5)]);
    payments.review_comments = (1..=5).map(|id| comment(id, 5 + u32::try_from(id).unwrap_or(0))).collect();
    let mut ledger = github::Repository { id: 43, name: "harbor/ledger".to_owned(), ..github::Repository::default() };
    ledger.pulls = vec![pull(101, 9), pull(102, 18)];
    ledger.commits = vec![payments.commits[0].clone()];
    ledger.commits[0]["oid"] = json!(format!("{:040x}", 78));
    let mut tickets = organisation::jira();
    let issue = |key: &str, id: i64, project: (&str, &str), day: u32| {
        let mut issue = tickets.issues[0].clone();
        issue["id"] = json!(id.to_string());
        issue["key"] = json!(format!("{}-{id}", key));
        issue["fields"]["project"] = json!({ "id": project.0, "key": project.1 });
        issue["fields"]["updated"] = json!(format!("2026-11-{day:02}T09:00:00.000+0100"));
        issue["changelog"]["histories"][0]["id"] = json!((90_000 + id).to_string());
        issue
    };
    let mut issues: Vec<Value> =
        (1..=5).map(|id| issue("PAY", 10_000 + id, ("1", "PAY"), 10 + u32::try_from(id).unwrap_or(0))).collect();
    issues.extend((1..=3).map(|id| issue("OPS", 20_000 + id, ("2", "OPS"), 12)));
    if later {
        payments.pulls[4]["updatedAt"] = json!("2026-11-24T16:00:00Z");
        payments.pulls[4]["mergedAt"] = json!("2026-11-24T16:00:00Z");
        payments.pulls[4]["state"] = json!("MERGED");
        payments.pulls.push(pull(31, 24));
        payments.review_comments.push(comment(6, 24));
        let mut commit = payments.commits[0].clone();
        commit["oid"] = json!(format!("{:040x}", 79));
        commit["committedDate"] = json!("2026-11-24T09:00:00Z");
        payments.commits.insert(0, commit);
        ledger.pulls.push(pull(103, 24));
        issues[2]["fields"]["status"]["id"] = json!("5");
        issues[2]["fields"]["updated"] = json!("2026-11-24T11:00:00.000+0100");
        issues.push(issue("PAY", 10_006, ("1", "PAY"), 24));
        issues.push(issue("OPS", 20_004, ("2", "OPS"), 24));
    }
    for night in 1..=nights {
        let at = |hour: i64| {
            let begin: jiff::Timestamp = LATER.parse().expect("a time");
            begin + jiff::SignedDuration::from_hours(24 * (night - 1) + hour)
        };
        let told = |hour: i64| at(hour).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let mut fresh = pull(31 + night, 24);
        fresh["createdAt"] = json!(told(6));
        fresh["updatedAt"] = json!(told(7));
        payments.pulls.push(fresh);
        let number = usize::try_from(night).expect("small") % 30;
        payments.pulls[number]["updatedAt"] = json!(told(8));
        payments.pulls[number]["additions"] = json!(100 + night);
        let mut said = comment(6 + night, 24);
        (said["created_at"], said["updated_at"]) = (json!(told(9)), json!(told(9)));
        payments.review_comments.push(said);
        let number = usize::try_from(night).expect("small") % issues.len();
        issues[number]["fields"]["updated"] = json!(at(10).strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string());
        issues[number]["fields"]["status"]["id"] = json!(if night % 2 == 0 { "3" } else { "5" });
        let mut added = issue("OPS", 20_004 + night, ("2", "OPS"), 24);
        added["fields"]["updated"] = json!(at(11).strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string());
        issues.push(added);
    }
    tickets.issues = issues;
    tickets.page = 2;
    code.repositories.push(ledger);
    (code.inner, code.page) = (2, 2);
    let (code, _) = github::start(code).await;
    let (tickets, _) = jira::start(tickets).await;
    let world = World { github: code.uri(), jira: tickets.uri(), calendar: events(if later { 4 } else { 3 }) };
    Doubles { world, _servers: [code, tickets] }
}

fn events(count: usize) -> String {
    let mut text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//x//EN\r\n".to_owned();
    for day in 1..=count {
        text.push_str(&format!(
            "BEGIN:VEVENT\r\nUID:{day}@x\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:202611{day:02}T100000Z\r\n\
             DTEND:202611{day:02}T110000Z\r\nSUMMARY:x\r\nEND:VEVENT\r\n"
        ));
    }
    text + "END:VCALENDAR\r\n"
}

/// An organisation in a folder, the server in front of its services, and what undisturbed nights come to.
struct Stage {
    place: Organisation,
    server: Faulty,
    before: Doubles,
    after: Doubles,
    /// The store after the undisturbed night before.
    kept: tempfile::TempDir,
    /// What an undisturbed first night and an undisturbed second one come to.
    first: Value,
    second: Value,
    /// In which the doubles live.
    runtime: tokio::runtime::Runtime,
}

/// The live files and cursors of a store. `seq` counts commits, the size of a page is learned, and
/// moments of asking are later after a wait.
fn content(store: &Path) -> Value {
    let text = std::fs::read_to_string(store.join("MANIFEST")).expect("there is a manifest");
    let mut value: Value =
        serde_json::from_str(text.trim_end().rsplit_once('\n').expect("a checksum").0).expect("it is JSON");
    for cursor in value["cursors"].as_array_mut().into_iter().flatten() {
        let cursor = cursor.as_object_mut().expect("a cursor");
        cursor.remove("page_size");
        if cursor["stream"] == "census" {
            cursor.remove("updated_to");
        }
        if cursor.get("position").and_then(Value::as_str).is_some_and(|at| at.parse::<i64>().is_ok()) {
            cursor.remove("position");
        }
    }
    json!({ "files": value["files"], "cursors": value["cursors"] })
}

fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder is made");
    for entry in std::fs::read_dir(from).expect("it can be read").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copied(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("it can be copied");
        }
    }
}

/// How a run in this process ended.
struct Ended {
    exit: i32,
    said: String,
}

impl Stage {
    fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let (before, after) = runtime.block_on(async { (doubles(false).await, doubles(true).await) });
        let server = Faulty::start();
        let sources = github_lines(&server.url) + &jira_lines(&server.url);
        let person = format!("calendar = \"{}/calendars/ada.ics\"", server.url);
        let team = "repositories = [\"harbor/payments\", \"harbor/ledger\"]\njira-projects = [\"PAY\", \"OPS\"]";
        let mut stage = Self {
            place: Organisation::new(&sources, team, &person),
            server,
            before,
            after,
            kept: tempfile::tempdir().expect("a folder"),
            first: Value::Null,
            second: Value::Null,
            runtime,
        };
        stage.undisturbed(false);
        copied(&stage.place.path("store"), &stage.kept.path().join("store"));
        stage.undisturbed(true);
        stage.second = content(&stage.place.path("store"));
        stage.empty();
        stage.undisturbed(true);
        stage.first = content(&stage.place.path("store"));
        stage
    }

    fn undisturbed(&self, later: bool) {
        self.server.set(if later { &self.after.world } else { &self.before.world }, None);
        let ended = self.run(&["run"], if later { LATER } else { EARLIER });
        assert_eq!(ended.exit, 0, "an undisturbed night: {} {:#}", ended.said, self.place.record()["gaps"]);
    }

    fn empty(&self) {
        for folder in ["store", "report"] {
            let _ = std::fs::remove_dir_all(self.place.path(folder));
        }
    }

    /// The folder as it is before a first night, or before one after an undisturbed night.
    fn prepare(&self, first: bool) {
        self.empty();
        if !first {
            copied(&self.kept.path().join("store"), &self.place.path("store"));
        }
    }

    /// The program in this process, so that waits pass by the server's clock.
    fn run(&self, arguments: &[&str], now: &str) -> Ended {
        self.run_within(arguments, now, PATIENCE)
    }

    fn run_within(&self, arguments: &[&str], now: &str, patience: Duration) -> Ended {
        let config = self.place.path("undercurrent.toml");
        let config = config.to_str().expect("a path of a test");
        let (command, rest) = arguments.split_first().expect("a command");
        let all = ["undercurrent", "--quiet", command, "--config", config, "--as-of", now]
            .into_iter()
            .chain(rest.iter().copied());
        let outside = Outside {
            now: now.parse().expect("a time"),
            environment: &|name| (name == "TEST_TOKEN").then(|| TOKEN.to_owned()),
            random: &|| Ok(KEY),
            terminal: false,
            watched: false,
            complain: &|_| {},
            patience: Patience::counted(self.server.clock.clone(), patience),
            interrupt: Interrupt::new().1,
        };
        match Cli::parse_from(all).run(&outside) {
            Ok(exit) => Ended { exit: exit as i32, said: String::new() },
            Err(failure) => Ended { exit: failure.exit as i32, said: failure.message },
        }
    }

    /// One fault on one kind of night.
    fn play(&self, case: &Case, first: bool) -> Result<(), String> {
        self.prepare(first);
        self.server.set(&self.after.world, Some(case.fault));
        let begun = Instant::now();
        let ended = self.run_within(&["run"], LATER, if case.is_large { LONG_PATIENCE } else { PATIENCE });
        let (took, (struck, asked)) = (begun.elapsed(), self.server.seen());
        let expected = if first { &self.first } else { &self.second };
        if struck == 0 {
            return Err("it never struck".to_owned());
        }
        if took > Duration::from_secs(90) {
            return Err(format!("it took {took:?}"));
        }
        self.while_it_lasts(case, &ended, expected, struck)?;
        // Where the source itself tells something else, what it no longer lists may go.
        if !first && !matches!(case.ends, Ends::Different) && !case.name.starts_with("S8") {
            self.nothing_went()?;
        }
        self.no_token(&asked)?;
        self.server.set(&self.after.world, None);
        let again: &[&str] = if matches!(case.ends, Ends::Different) { &["collect", "--full"] } else { &["collect"] };
        let ended = self.run(again, LATER);
        if ended.exit != 0 {
            return Err(format!("afterwards exit {} {}: {}", ended.exit, ended.said, self.place.record()["gaps"]));
        }
        let now = content(&self.place.path("store"));
        if now == *expected { Ok(()) } else { Err(format!("afterwards {}", difference(expected, &now))) }
    }

    fn while_it_lasts(&self, case: &Case, ended: &Ended, expected: &Value, struck: usize) -> Result<(), String> {
        let record = self.place.record();
        let gaps: Vec<&str> = record["gaps"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let told = format!("exit {} {} {gaps:?}", ended.exit, ended.said);
        if record["exit_code"] != json!(ended.exit) {
            return Err(format!("the record says {}, {told}", record["exit_code"]));
        }
        let waited = record["waited_seconds"].as_u64().unwrap_or(0);
        if waited < case.waits {
            return Err(format!("it waited {waited} s instead of {}: {told}", case.waits));
        }
        if let When::Until(_) = case.fault.when
            && struck > 8
        {
            return Err(format!("{struck} requests while a limit was in force"));
        }
        match (case.ends, ended.exit) {
            (Ends::Different, 0) => {}
            (Ends::Healed, 0) => {
                let now = content(&self.place.path("store"));
                if now != *expected {
                    return Err(format!("exit 0, and {}", difference(expected, &now)));
                }
            }
            (ends, 3 | 4) if !gaps.is_empty() && !matches!(ends, Ends::Healed) => {
                let part = match ends {
                    Ends::Named(part) | Ends::Refused(part, _) => part,
                    _ => "",
                };
                if !gaps.iter().any(|gap| gap.contains(part)) {
                    return Err(format!("no gap says {part:?}: {told}"));
                }
                self.on_the_page(&gaps)?;
            }
            _ => return Err(format!("expected {:?}: {told}", case.ends)),
        }
        match case.ends {
            Ends::Refused(_, most) if struck > most => Err(format!("asked {struck} times with refused credentials")),
            _ => Ok(()),
        }
    }

    /// What was stored before is there while a fault lasts.
    fn nothing_went(&self) -> Result<(), String> {
        let rows = |store: &Path| -> BTreeMap<String, u64> {
            let mut rows = BTreeMap::new();
            for (part, file) in content(store)["files"].as_object().into_iter().flatten() {
                let table = part.split('/').next().unwrap_or_default().to_owned();
                *rows.entry(table).or_default() += file["rows"].as_u64().unwrap_or(0);
            }
            rows
        };
        let now = rows(&self.place.path("store"));
        let fewer = rows(&self.kept.path().join("store")).into_iter().find(|(table, rows)| now.get(table) < Some(rows));
        fewer.map_or(Ok(()), |(table, rows)| Err(format!("{table} had {rows} rows and has {:?}", now.get(&table))))
    }

    /// Every gap of the record stands on the team's page, where there is one.
    fn on_the_page(&self, gaps: &[&str]) -> Result<(), String> {
        let Ok(page) = std::fs::read_to_string(self.place.path("report/latest/payments.html")) else { return Ok(()) };
        let plain = page
            .replace("&#39;", "'")
            .replace("&#x27;", "'")
            .replace("&quot;", "\"")
            .replace("&#34;", "\"")
            .replace("&#61;", "=")
            .replace("&amp;", "&");
        let missing = gaps.iter().find(|gap| {
            let text = gap.split_once(' ').map_or(**gap, |(_, text)| text);
            !plain.contains(text)
        });
        missing.map_or(Ok(()), |gap| {
            let near =
                plain.find("taken away").map(|at| plain[at.saturating_sub(60)..].chars().take(200).collect::<String>());
            Err(format!("the page does not say: {gap} {near:?}"))
        })
    }

    /// No token in a path or a file.
    fn no_token(&self, asked: &[Asked]) -> Result<(), String> {
        let in_path = asked.iter().any(|asked| asked.path.contains(TOKEN));
        let to_calendar = asked.iter().any(|asked| on_calendar(asked) && !asked.authorization.is_empty());
        let folders = ["store", "report"].map(|name| files_below(&self.place.path(name)));
        let in_file = folders.iter().flatten().find(|path| {
            std::fs::read(path).is_ok_and(|bytes| bytes.windows(TOKEN.len()).any(|part| part == TOKEN.as_bytes()))
        });
        match (in_path || to_calendar, in_file) {
            (false, None) => Ok(()),
            (_, Some(path)) => Err(format!("the token stands in {}", path.display())),
            _ => Err("the token went where it must not".to_owned()),
        }
    }
}

const EARLIER: &str = "2026-11-24T04:00:00Z";
const LATER: &str = "2026-11-25T04:00:00Z";
/// Bound of a single answer in these tests.
const PATIENCE: Duration = Duration::from_millis(1500);
const LONG_PATIENCE: Duration = Duration::from_secs(60);

fn difference(expected: &Value, now: &Value) -> String {
    let files = |value: &Value| -> BTreeMap<String, Value> {
        value["files"].as_object().map(|all| all.clone().into_iter().collect()).unwrap_or_default()
    };
    let (wanted, found) = (files(expected), files(now));
    let names: BTreeSet<&String> = wanted.keys().chain(found.keys()).collect();
    let rows =
        |all: &BTreeMap<String, Value>, name: &String| all.get(name).map_or(Value::Null, |file| file["rows"].clone());
    let differing = names.into_iter().filter(|name| wanted.get(*name) != found.get(*name));
    let told: Vec<String> =
        differing.map(|name| format!("{name}: {} rows, {} wanted", rows(&found, name), rows(&wanted, name))).collect();
    if told.is_empty() {
        let own = |value: &Value| value["cursors"].as_array().cloned().unwrap_or_default();
        let (wanted, found) = (own(expected), own(now));
        let odd: Vec<String> = found.iter().filter(|one| !wanted.contains(one)).map(ToString::to_string).collect();
        let lost: Vec<String> = wanted.iter().filter(|one| !found.contains(one)).map(ToString::to_string).collect();
        return format!("cursors differ: {odd:?} instead of {lost:?}");
    }
    format!("tables differ: {told:?}")
}

/// Plays all cases on both kinds of night and says which did not hold.
fn play(cases: &[Case]) {
    let stage = Stage::new();
    let only = std::env::var("UNDERCURRENT_FAULT").ok();
    let chosen = cases.iter().filter(|case| only.as_ref().is_none_or(|only| case.name.contains(only)));
    let mut wrong = Vec::new();
    for case in chosen {
        for first in [true, false] {
            if first && case.only_later || !first && case.only_first {
                continue;
            }
            if let Err(why) = stage.play(case, first) {
                wrong.push(format!("{} ({}): {why}", case.name, if first { "first" } else { "later" }));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} faults:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn faults_in_github_s_answers() {
    play(&github_answers::cases());
}

#[test]
fn faults_in_jira_s_answers() {
    play(&jira_answers::cases());
}

#[test]
fn faults_of_calendars() {
    play(&calendar::cases());
}

#[test]
fn faults_on_the_wire_of_github() {
    play(&wire::cases(&wire::GITHUB));
}

#[test]
fn faults_on_the_wire_of_jira() {
    play(&wire::cases(&wire::JIRA));
}

#[test]
fn odd_data() {
    play(&data::cases());
}

#[test]
fn the_matrix_has_at_least_120_faults_and_no_name_twice() {
    let all = [
        github_answers::cases(),
        jira_answers::cases(),
        calendar::cases(),
        wire::cases(&wire::GITHUB),
        wire::cases(&wire::JIRA),
        data::cases(),
    ];
    let count: usize = all.iter().map(Vec::len).sum();
    let mut seen = BTreeSet::new();
    let twice: Vec<&str> = all.iter().flatten().map(|case| case.name).filter(|name| !seen.insert(*name)).collect();
    assert!(twice.is_empty(), "{twice:?}");
    println!("{count} faults");
    assert!(count >= 120, "{count}");
}
