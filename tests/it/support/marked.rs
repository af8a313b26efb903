//! An organisation in which every name, login, address, number and text is unique, so that a trace of any of them in
//! what the program writes is found: people of the configuration, and everything that services, calendars and clones say.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::canary::{Salt, Scanner, files_below, keyed_hashes, unpacked};
use super::github::{Github, Repository};
use super::jira::Jira;
use super::organisation::Ended;
use crate::git::git;

/// People of the configuration, all in one team.
pub const PEOPLE: usize = 5;
/// The moment of the night.
pub const NIGHT: &str = "2026-11-24T04:00:00Z";
/// What the program is given as tokens.
pub const TOKEN: &str = "zqtokenofthenightwatch";
/// What services and servers say where they refuse.
pub const HOSTILE: &str = "zqhostileanswer<b onload=x>of \"the\" server";

/// A text that stands nowhere else.
pub fn mark(kind: &str, at: usize) -> String {
    let tail = blake3::hash(format!("{kind} {at}").as_bytes()).to_hex();
    format!("Zq{kind}{at}x{}", &tail[..6])
}

/// The number of a person's account in GitHub.
pub fn number(at: usize) -> i64 {
    8_312_450_003 + 7_919 * i64::try_from(at).unwrap()
}

pub fn mail(at: usize) -> String {
    format!("{}@{}.example", mark("Mail", at), mark("Domain", 0))
}

/// A person's own token, which services know as theirs.
pub fn own_token(at: usize) -> String {
    format!("zqowntokenofperson{at}")
}

/// What stands in every object of every answer.
fn salt() -> Salt {
    const FIELDS: [&str; 38] = [
        "title",
        "body",
        "bodyText",
        "bodyHTML",
        "message",
        "messageHeadline",
        "messageBody",
        "headRefName",
        "baseRefName",
        "path",
        "filename",
        "patch",
        "diffHunk",
        "diff_hunk",
        "login",
        "name",
        "email",
        "avatarUrl",
        "avatar_url",
        "html_url",
        "displayName",
        "emailAddress",
        "self",
        "summary",
        "description",
        "comment",
        "environment",
        "bio",
        "company",
        "location",
        "subject",
        "goal",
        "fromString",
        "toString",
        "organizer",
        "attendees",
        "hangoutLink",
        "notes",
    ];
    FIELDS.iter().enumerate().map(|(at, field)| (*field, mark("Salt", at))).collect()
}

/// The folder of such an organisation, with what the program may know in `in`, and what it writes beside it.
pub struct Marked {
    folder: tempfile::TempDir,
    scanner: Scanner,
    keyed: Scanner,
    known_keyed: BTreeSet<i64>,
}

impl Marked {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        for name in ["in", "out", "tmp"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let mut texts: Vec<(String, String)> =
            salt().into_iter().map(|(field, text)| (format!("the field {field}"), text)).collect();
        for at in 0..PEOPLE {
            for kind in ["Id", "Login", "Tracker", "Mail", "Calendar", "Secret"] {
                texts.push((format!("{kind} of person {at}"), mark(kind, at)));
            }
            texts.push((format!("number of person {at}"), number(at).to_string()));
            texts.push((format!("address of person {at}"), mail(at)));
            texts.push((format!("token of person {at}"), own_token(at)));
        }
        for kind in WRITTEN {
            texts.push((kind.to_owned(), mark(kind, 0)));
        }
        texts.push(("the token".to_owned(), TOKEN.to_owned()));
        texts.push(("a hostile answer".to_owned(), "zqhostileanswer".to_owned()));
        let mut scanner = Scanner::default();
        texts.iter().for_each(|(told, text)| scanner.text(text, told));
        Self { folder, scanner, keyed: Scanner::default(), known_keyed: BTreeSet::new() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Writes the configuration: the people, `sources`, and lines of the one team.
    pub fn configure(&self, sources: &str, team: &str) {
        self.write("in/undercurrent.toml", &configuration(sources, team));
    }

    /// Runs the program; nothing is looked at yet.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(&[], arguments)
    }

    pub fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ended {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_undercurrent"));
        command.current_dir(self.folder.path()).env("TEST_TOKEN", TOKEN).env("TMPDIR", self.path("tmp"));
        command.envs(variables.iter().copied()).args(arguments).timeout(std::time::Duration::from_secs(200));
        let output = command.output().expect("the program starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ended {
            exit: output.status.code().unwrap_or(-1),
            printed: text(&output.stdout),
            complained: text(&output.stderr),
        }
    }

    /// The night.
    pub fn night(&self) -> Ended {
        self.run(&["--log-format", "json", "run", "--config", "in/undercurrent.toml", "--as-of", NIGHT])
    }

    /// Everything that the program wrote, by name: files, with Parquet unpacked as well.
    pub fn written(&self) -> Vec<(String, Vec<u8>)> {
        let mut blobs = Vec::new();
        let folder = self.folder.path();
        for path in files_below(folder).iter().filter(|path| !path.starts_with(folder.join("in"))) {
            let name = path.strip_prefix(folder).expect("it lies in the folder").display().to_string();
            blobs.push((format!("the name of {name}"), name.clone().into_bytes()));
            blobs.push((name.clone(), std::fs::read(path).unwrap_or_else(|error| panic!("{name}: {error}"))));
            if name.ends_with(".parquet") {
                blobs.push((format!("{name}, unpacked"), unpacked(path)));
            }
        }
        blobs
    }

    /// Looks through everything that was written so far, and through bytes that left the program. `allowed`: beginnings of
    /// what may stand in those bytes.
    #[track_caller]
    pub fn finds_nothing(&mut self, what: &str, sent: &[(String, Vec<u8>)], allowed: &[&str]) {
        let written = self.written();
        let fresh: BTreeSet<i64> = self.keyed_hashes().difference(&self.known_keyed).copied().collect();
        if !fresh.is_empty() {
            self.known_keyed.extend(&fresh);
            self.keyed = Scanner::default();
            self.known_keyed.iter().for_each(|hash| self.keyed.keyed(*hash));
        }
        // Git packs what it holds, so that a search for texts would not see them: there may be none of its objects.
        let held = written.iter().map(|(name, _)| name).filter(|name| name.contains("/objects/"));
        let mut leaks: BTreeSet<String> = held.map(|name| format!("{name}: a commit with its names")).collect();
        for (name, blob) in written.iter().chain(sent) {
            let own = self.scanner.leaks(blob).into_iter();
            let may = |leak: &String| {
                sent.iter().any(|(sent, _)| sent == name) && allowed.iter().any(|one| leak.starts_with(one))
            };
            leaks.extend(own.filter(|leak| !may(leak)).map(|leak| format!("{name}: {leak}")));
            if !name.contains("out/store/tables/") && !name.contains("out/store/history/") {
                leaks.extend(self.keyed.leaks(blob).into_iter().map(|leak| format!("{name}: {leak}")));
            }
        }
        assert!(leaks.is_empty(), "{what} leaks:\n{leaks:#?}");
    }

    /// Runs the program and looks through everything.
    #[track_caller]
    pub fn clean(&mut self, arguments: &[&str]) -> Ended {
        let ended = self.run(arguments);
        self.ended_clean(&arguments.join(" "), &ended);
        ended
    }

    #[track_caller]
    pub fn ended_clean(&mut self, what: &str, ended: &Ended) {
        let sent = [
            ("standard output".to_owned(), ended.printed.clone().into_bytes()),
            ("standard error".to_owned(), ended.complained.clone().into_bytes()),
        ];
        self.finds_nothing(&format!("`{what}` (exit {})", ended.exit), &sent, &[]);
    }

    /// The keyed hashes of the store.
    pub fn keyed_hashes(&self) -> BTreeSet<i64> {
        let files = files_below(&self.path("out/store/tables"));
        files.iter().flat_map(|path| keyed_hashes(path)).collect()
    }
}

/// Texts that people wrote, one each.
const WRITTEN: [&str; 22] = [
    "Title",
    "Branch",
    "Label",
    "Subject",
    "Body",
    "File",
    "Tag",
    "AuthorName",
    "Committer",
    "CommitterMail",
    "Stranger",
    "Event",
    "Place",
    "Guest",
    "GuestMail",
    "Uid",
    "Note",
    "Changed",
    "Recipient",
    "SmtpUser",
    "Password",
    "Hook",
];

fn configuration(sources: &str, team: &str) -> String {
    let mut text = format!(
        "[organisation]\nname = \"Harbor\"\ntime-zone = \"Europe/Berlin\"\n\n[store]\npath = \"../out/store\"\n\n\
         [report]\npath = \"../out/report\"\n\n{sources}\n"
    );
    for at in 0..PEOPLE {
        text.push_str(&format!(
            "[[people]]\nid = \"{}\"\ngithub = [\"{}\"]\njira = [\"{}\"]\nemails = [\"{}\"]\n{}\n",
            mark("Id", at),
            mark("Login", at),
            mark("Tracker", at),
            mail(at),
            if sources.contains(&format!("# calendar {at}:")) {
                sources
                    .split(&format!("# calendar {at}:"))
                    .nth(1)
                    .and_then(|rest| rest.lines().next())
                    .unwrap_or_default()
            } else {
                ""
            },
        ));
    }
    let members: Vec<String> = (0..PEOPLE).map(|at| format!("\"{}\"", mark("Id", at))).collect();
    text + &format!(
        "[[bots]]\ngithub = [\"{bot}\"]\njira = [\"{bot}\"]\nemails = [\"{bot}@example.com\"]\n\n\
         [[teams]]\nid = \"payments\"\nname = \"Payments\"\nmembers = [{}]\nleader = \"{}\"\n{team}\n",
        members.join(", "),
        mark("Id", 0),
        bot = mark("Stranger", 0),
    )
}

fn who(at: usize) -> Value {
    json!({ "__typename": "User", "login": mark("Login", at), "databaseId": number(at) })
}

fn label() -> Value {
    json!({ "name": mark("Label", 0) })
}

fn pull(number: i64, at: usize, day: u32) -> Value {
    let when = |hour: u32| format!("2026-11-{day:02}T{hour:02}:00:00Z");
    let other = (at + 1) % PEOPLE;
    json!({
        "id": format!("PR_{number}"), "databaseId": 1000 + number, "number": number, "state": "MERGED", "isDraft": false,
        "title": format!("PAY-1 {}", mark("Title", 0)), "headRefName": format!("{}/PAY-2", mark("Branch", 0)),
        "additions": 3, "deletions": 1, "changedFiles": 1,
        "createdAt": when(7), "updatedAt": when(15), "closedAt": when(15), "mergedAt": when(15),
        "author": who(at), "mergedBy": who(other), "labels": [label()],
        "commits": [{ "commit": {
            "oid": format!("{number:040x}"), "committedDate": when(7), "additions": 3, "deletions": 1,
            "author": { "date": format!("2026-11-{day:02}T08:00:00+01:00"), "email": mail(at), "user": who(at) },
        }}],
        "timelineItems": [
            { "__typename": "ReviewRequestedEvent", "id": format!("E{number}"), "createdAt": when(8), "actor": who(at),
              "requestedReviewer": who(other) },
            { "__typename": "LabeledEvent", "id": format!("L{number}"), "createdAt": when(8), "actor": who(at), "label": label() },
            { "__typename": "IssueComment", "databaseId": 6000 + number, "createdAt": when(9), "author": who(other) },
            { "__typename": "PullRequestReview", "databaseId": 5000 + number, "id": format!("R{number}"), "state": "APPROVED",
              "submittedAt": when(14), "author": who(other), "comments": { "totalCount": 1 } },
        ],
    })
}

/// A GitHub that says more than it is asked for.
pub fn github() -> Github {
    let pulls = (1..=30).map(|at| pull(at, usize::try_from(at).unwrap() % PEOPLE, 1 + u32::try_from(at).unwrap() % 22));
    let comment = |id: i64| {
        json!({
            "id": id, "pull_request_review_id": 5001, "created_at": "2026-11-03T09:00:00Z", "updated_at": "2026-11-03T09:00:00Z",
            "pull_request_url": "https://api.github.com/repos/harbor/payments/pulls/1", "in_reply_to_id": null,
            "user": { "login": mark("Login", 1), "id": number(1), "type": "User" }, "author_association": "MEMBER",
        })
    };
    let issue = json!({
        "id": "I_1", "databaseId": 70_001, "number": 71, "state": "OPEN", "createdAt": "2026-11-02T09:00:00Z",
        "updatedAt": "2026-11-05T09:00:00Z", "author": who(2), "milestone": { "dueOn": "2026-12-01T00:00:00Z" },
        "labels": { "nodes": [label()] }, "assignees": { "nodes": [{ "databaseId": number(3) }] },
        "timelineItems": { "nodes": [
            { "__typename": "AssignedEvent", "id": "A1", "createdAt": "2026-11-03T09:00:00Z", "actor": who(2), "assignee": who(3) },
            { "__typename": "LabeledEvent", "id": "A2", "createdAt": "2026-11-03T10:00:00Z", "actor": who(2), "label": label() },
        ]},
    });
    let stranger = json!({
        "oid": format!("{:040x}", 0xabcd), "committedDate": "2026-11-20T09:00:00Z", "parents": { "totalCount": 1 },
        "author": { "date": "2026-11-20T10:00:00+01:00", "email": format!("{}@example.com", mark("Stranger", 0)), "user": null },
    });
    let repository = Repository {
        id: 42,
        name: "harbor/payments".to_owned(),
        pulls: pulls.collect(),
        review_comments: vec![comment(900), comment(901)],
        commits: vec![stranger],
        issues: vec![issue],
    };
    let bot = [(mark("Stranger", 0), 999)];
    let accounts = (0..PEOPLE).map(|at| (mark("Login", at), number(at))).chain(bot).collect();
    let viewers = (0..PEOPLE).map(|at| (own_token(at), number(at))).collect();
    Github {
        repositories: vec![repository],
        accounts,
        viewers,
        inner: 50,
        page: 100,
        salt: salt(),
        ..Github::default()
    }
}

/// A Jira that says more than it is asked for.
pub fn jira() -> Jira {
    let user = |at: usize| json!({ "accountId": mark("Tracker", at), "key": mark("Tracker", at) });
    let issue = |number: usize| {
        let (at, other) = (number % PEOPLE, (number + 1) % PEOPLE);
        let changed = |field: &str, from: Value, to: Value| {
            json!({ "field": field, "fieldId": field, "from": from, "to": to,
                    "fromString": mark("Changed", 0), "toString": mark("Changed", 0) })
        };
        json!({
            "id": (10_000 + number).to_string(), "key": format!("PAY-{number}"),
            "fields": {
                "project": { "id": "1", "key": "PAY" }, "issuetype": { "name": "Story" }, "status": { "id": "3" },
                "created": "2026-11-02T09:00:00.000+0100", "updated": "2026-11-18T09:00:00.000+0100",
                "assignee": user(at), "reporter": user(other), "priority": { "name": "Major" },
                "labels": [mark("Label", 0)], "parent": { "id": "10001", "key": "PAY-1" },
                "issuelinks": [{ "id": "77", "type": { "name": "Blocks" }, "inwardIssue": { "id": "10002", "key": "PAY-2" } }],
                "fixVersions": [{ "id": "5", "releaseDate": "2026-12-01" }],
                "customfield_1": [{ "id": 31, "state": "active" }],
            },
            "changelog": { "total": 1, "histories": [{
                "id": (900 + number).to_string(), "created": "2026-11-03T09:00:00.000+0100", "author": user(other),
                "items": [
                    changed("status", json!("1"), json!("3")),
                    changed("assignee", json!(mark("Tracker", other)), json!(mark("Tracker", at))),
                    changed("summary", json!(mark("Changed", 0)), json!(mark("Changed", 0))),
                    changed("description", json!(mark("Changed", 0)), json!(mark("Changed", 0))),
                    changed("labels", Value::Null, Value::Null),
                    changed("Comment", json!(mark("Changed", 0)), json!(mark("Changed", 0))),
                ],
            }]},
        })
    };
    let status = |id: &str, key: &str| json!({ "id": id, "statusCategory": { "key": key, "name": "In Progress" } });
    let sprint = json!({ "id": 31, "state": "active", "originBoardId": 12, "startDate": "2026-11-16T09:00:00.000Z" });
    Jira {
        issues: (1..=12).map(issue).collect(),
        statuses: vec![status("1", "new"), status("3", "indeterminate"), status("5", "done")],
        sprints: vec![sprint],
        fields: vec![
            json!({ "id": "customfield_1", "name": "Sprint", "schema": { "custom": "com.pyxis.greenhopper.jira:gh-sprint" } }),
        ],
        page: 50,
        salt: salt(),
        accounts: (0..PEOPLE).map(|at| (own_token(at), mark("Tracker", at))).collect(),
        ..Jira::default()
    }
}

/// The free/busy services and a calendar's address, saying more than they are asked for.
pub fn calendars(path: &str, body: &[u8]) -> Option<Value> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    if path.ends_with("/freeBusy") {
        let asked = body["items"].as_array().cloned().unwrap_or_default();
        let one = |item: &Value| {
            let busy = json!({ "busy": [{ "start": "2026-11-18T09:00:00Z", "end": "2026-11-18T11:00:00Z" }] });
            (item["id"].as_str().unwrap_or_default().to_lowercase(), super::canary::salted(&busy, &salt()))
        };
        let all: serde_json::Map<String, Value> = asked.iter().map(one).collect();
        return Some(json!({ "calendars": all, "summary": mark("Calendar", 2) }));
    }
    if path.ends_with("/getSchedule") {
        let moment =
            |hour: u32| json!({ "dateTime": format!("2026-11-18T{hour:02}:00:00.0000000"), "timeZone": "UTC" });
        let one = |address: &Value| json!({ "scheduleId": address, "scheduleItems": [{ "status": "busy", "start": moment(9), "end": moment(10) }] });
        let all: Vec<Value> = body["schedules"].as_array().into_iter().flatten().map(one).collect();
        return Some(super::canary::salted(&json!({ "value": all }), &salt()));
    }
    None
}

/// A calendar's text with something of its own in every field that people fill in.
pub fn calendar(at: usize) -> String {
    let guest = format!("CN={}:mailto:{}@example.com", mark("Guest", 0), mark("GuestMail", 0));
    let mut text = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//{note}\r\nX-WR-CALNAME:{name}\r\n",
        note = mark("Note", 0),
        name = mark("Calendar", at)
    );
    for day in 2..21 {
        text.push_str(&format!(
            "BEGIN:VEVENT\r\nUID:{uid}-{day}\r\nDTSTART:202611{day:02}T090000Z\r\nDTEND:202611{day:02}T100000Z\r\nSUMMARY:{event}\r\n\
             DESCRIPTION:{note}\r\nLOCATION:{place}\r\nCOMMENT:{note}\r\nCONTACT:{note}\r\nCATEGORIES:{note}\r\n\
             URL:https://meet.example/{note}\r\nORGANIZER;CN={own}:mailto:{mail}\r\nATTENDEE;PARTSTAT=ACCEPTED;{guest}\r\n\
             ATTENDEE;PARTSTAT=ACCEPTED;CN={own}:mailto:{mail}\r\nX-ALT-DESC;FMTTYPE=text/html:{note}\r\n\
             ATTACH:https://files.example/{note}\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:{note}\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n\
             END:VEVENT\r\n",
            uid = mark("Uid", 0),
            event = mark("Event", 0),
            note = mark("Note", 0),
            place = mark("Place", 0),
            own = mark("Calendar", at),
            mail = mail(at),
        ));
    }
    text + "END:VCALENDAR\r\n"
}

/// A clone with something of its own in names, addresses, messages, branches, tags and files.
pub fn clone(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    git(folder, &["init", "-q", "-b", "main", name]);
    for at in 0..40 {
        let author = format!("{} <{}>", mark("AuthorName", 0), mail(at % PEOPLE));
        let file = format!("{}{at}", mark("File", 0));
        std::fs::write(path.join(&file), mark("Body", 0)).unwrap();
        git(&path, &["add", &file]);
        let message = format!("PAY-{at} {}\n\n{}", mark("Subject", 0), mark("Body", 0));
        let day = format!("--date=2026-11-{:02}T10:00:00+0100", 1 + at % 22);
        let user = format!("user.name={}", mark("Committer", 0));
        let address = format!("user.email={}@example.com", mark("CommitterMail", 0));
        git(&path, &["-c", &user, "-c", &address, "commit", "-q", "-m", &message, "--author", &author, &day]);
    }
    git(&path, &["branch", &mark("Branch", 0)]);
    git(&path, &["tag", "-a", &mark("Tag", 0), "-m", &mark("Note", 0)]);
    path
}
