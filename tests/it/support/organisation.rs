//! A small organisation in a folder of its own, and the program run on it as a user runs it.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::github::{Github, Repository};
use super::jira::Jira;

/// What must never be printed: accounts, mails, ids of people, and the token.
const PRIVATE: [&str; 5] = ["login-", "mail-", "person-", "tracker-", "token-of-a-test"];

/// A folder with a configuration.
pub struct Organisation {
    folder: tempfile::TempDir,
}

/// How a run of the program ended.
#[derive(Debug)]
pub struct Ended {
    pub exit: i32,
    pub printed: String,
    pub complained: String,
}

/// The people of the configuration, all in one team.
const NAMES: [&str; 5] = ["ada", "bo", "cy", "dee", "eli"];

impl Organisation {
    /// An organisation with one team. `sources` and `team` are lines of the configuration, `person` lines of the first
    /// person.
    pub fn new(sources: &str, team: &str, person: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let mut text = format!("[organisation]\nname = \"Harbor\"\ntime-zone = \"Europe/Berlin\"\n\n{sources}\n");
        for (at, name) in NAMES.iter().enumerate() {
            let own = if at == 0 { person } else { "" };
            text.push_str(&format!(
                "[[people]]\nid = \"person-{name}\"\ngithub = [\"login-{name}\"]\njira = [\"tracker-{name}\"]\n\
                 emails = [\"mail-{name}@example.com\"]\n{own}\n"
            ));
        }
        let members = NAMES.map(|name| format!("\"person-{name}\"")).join(", ");
        text.push_str(&format!("[[teams]]\nid = \"payments\"\nname = \"Payments\"\nmembers = [{members}]\n{team}\n"));
        std::fs::write(folder.path().join("undercurrent.toml"), text).expect("the configuration is written");
        Self { folder }
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The number of the first line of the configuration that holds a text.
    pub fn line(&self, part: &str) -> usize {
        let text = self.read("undercurrent.toml");
        1 + text.lines().position(|line| line.contains(part)).expect("the configuration has this line")
    }

    /// A file of the folder.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The record of the last run.
    pub fn record(&self) -> Value {
        serde_json::from_str(&self.read("store/last-run.json")).expect("a run record is JSON")
    }

    /// The night, at the double's moment.
    pub fn night(&self) -> Ended {
        self.run(&["run", "--as-of", "2026-11-24T04:00:00Z"])
    }

    /// Runs the program in the folder, and sees to it that it prints nothing private.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(&[], arguments)
    }

    /// The same with more variables of the environment.
    pub fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ended {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_undercurrent"));
        command.current_dir(self.folder.path()).env("TEST_TOKEN", "token-of-a-test");
        command.envs(variables.iter().copied()).args(arguments);
        let output = command.output().expect("the program starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let ended = Ended {
            exit: output.status.code().unwrap_or(-1),
            printed: text(&output.stdout),
            complained: text(&output.stderr),
        };
        for private in PRIVATE {
            let shown = ended.printed.contains(private) || ended.complained.contains(private);
            assert!(!shown, "something private is printed: {ended:?}");
        }
        ended
    }
}

/// The lines of a GitHub in the configuration.
pub fn github_lines(url: &str) -> String {
    format!("[[github]]\nurl = \"{url}\"\ntoken-env = \"TEST_TOKEN\"\n")
}

/// The lines of a Jira in the configuration.
pub fn jira_lines(url: &str) -> String {
    format!("[[jira]]\nurl = \"{url}\"\nflavour = \"cloud\"\ntoken-env = \"TEST_TOKEN\"\n")
}

/// A pull request that changed last on a day of November 2026.
pub fn pull(number: i64, day: u32) -> Value {
    let who = |at: i64| json!({ "__typename": "User", "login": format!("login-{}", NAMES[0]), "databaseId": 100 + at });
    json!({
        "id": format!("PR_{number}"), "databaseId": 1000 + number, "number": number, "state": "OPEN", "isDraft": false,
        "title": "PAY-1 something", "headRefName": "topic", "additions": 3, "deletions": 1, "changedFiles": 1,
        "createdAt": "2026-11-02T09:00:00Z", "updatedAt": format!("2026-11-{day:02}T10:00:00Z"),
        "closedAt": null, "mergedAt": null, "author": who(0), "mergedBy": null, "labels": [],
        "commits": [{ "commit": {
            "oid": format!("{number:040x}"), "committedDate": "2026-11-02T09:00:00Z", "additions": 3, "deletions": 1,
            "author": { "date": "2026-11-02T10:00:00+01:00", "email": "mail-ada@example.com", "user": who(0) },
        }}],
        "timelineItems": [{
            "__typename": "PullRequestReview", "databaseId": 5000 + number, "state": "APPROVED",
            "submittedAt": "2026-11-03T09:00:00Z", "author": who(1), "comments": { "totalCount": 0 },
        }],
    })
}

/// A GitHub with one repository of three pull requests.
pub fn github() -> Github {
    let commits = vec![json!({
        "oid": format!("{:040x}", 77), "committedDate": "2026-11-20T09:00:00Z", "parents": { "totalCount": 1 },
        "author": { "date": "2026-11-20T10:00:00+01:00", "email": "mail-bo@example.com", "user": null },
    })];
    let repository = Repository {
        id: 42,
        name: "harbor/payments".to_owned(),
        pulls: vec![pull(1, 10), pull(2, 12), pull(3, 20)],
        review_comments: Vec::new(),
        commits,
        ..Repository::default()
    };
    let accounts = NAMES.iter().zip(100..).map(|(name, number)| (format!("login-{name}"), number)).collect();
    Github { repositories: vec![repository], accounts, inner: 50, page: 100, ..Github::default() }
}

/// A Jira with two issues of one project.
pub fn jira() -> Jira {
    let issue = |number: i64, status: &str| {
        json!({
            "id": (10_000 + number).to_string(), "key": format!("PAY-{number}"),
            "fields": {
                "project": { "id": "1", "key": "PAY" }, "issuetype": { "name": "Story" }, "status": { "id": status },
                "created": "2026-11-02T09:00:00.000+0100", "updated": "2026-11-18T09:00:00.000+0100",
                "assignee": { "accountId": "tracker-ada" },
            },
            "changelog": { "histories": [{
                "id": (900 + number).to_string(), "created": "2026-11-18T09:00:00.000+0100",
                "items": [{ "field": "status", "fieldId": "status", "from": "1", "to": "3" }],
            }]},
        })
    };
    let status = |id: &str, key: &str| json!({ "id": id, "statusCategory": { "key": key } });
    Jira {
        issues: vec![issue(1, "3"), issue(2, "3")],
        statuses: vec![status("1", "new"), status("3", "indeterminate"), status("5", "done")],
        page: 50,
        ..Jira::default()
    }
}
