//! A scripted Jira: it keeps issues, answers as Cloud or Data Center would, and fails where a test tells it to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use tokio::sync::mpsc;
use undercurrent::collect::jira::{self, Flavour, JiraSource, KnownIssues, Stored};
use undercurrent::collect::{Context, Meter, ScopeReport};
use undercurrent::model::time::Millis;
use undercurrent::store::Store;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

pub const HOUR: i64 = 3_600_000;
pub const DAY: i64 = 24 * HOUR;
/// When the first night is.
pub const NOW: i64 = 1_795_500_000_000;

/// An issue of the double.
#[derive(Clone, Debug)]
pub struct Issue {
    pub id: i64,
    pub project: i64,
    pub updated: i64,
    /// Each history says that the status changed.
    pub histories: usize,
    /// Its fields are a list, which no Jira sends.
    pub odd: bool,
}

/// What the double holds and how it fails.
#[derive(Debug, Default)]
pub struct State {
    pub issues: Vec<Issue>,
    pub now: i64,
    pub cloud: bool,
    /// Data Center: histories that a search embeds at most.
    pub embedded: Option<usize>,
    /// Changes are made by an app, and it reports every issue.
    pub app: bool,
    /// Data Center: whether an issue's changelog can be asked for.
    pub own_changelog: bool,
    /// Histories in a page of changes.
    pub bulk_page: usize,
    /// Issues in a page at most.
    pub clamp: usize,
    /// Answers to come instead of the true ones, by the number of the search.
    pub searches: BTreeMap<usize, Fault>,
    /// An issue that changes after the first search.
    pub touched_after_first: Option<i64>,
    /// Issues that answer 403 when they are asked for.
    pub locked: BTreeSet<i64>,
    /// Issues that searches do not show.
    pub unlisted: BTreeSet<i64>,
    pub sprints: Vec<(i64, &'static str)>,
    /// The account of every answer.
    pub anonymous: bool,
    pub asked: Vec<String>,
    pub bodies: Vec<Value>,
    searched: usize,
}

/// An answer that is not the true one.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    Login,
    Forbidden,
    BadToken,
    Captcha,
}

/// A running double with a store that is filled from it.
pub struct Jira {
    server: MockServer,
    state: Arc<Mutex<State>>,
    folder: tempfile::TempDir,
    /// The operator says that what vanished is meant to be gone.
    pub accept_gone: std::sync::atomic::AtomicBool,
}

struct Answers(Arc<Mutex<State>>);

impl Jira {
    /// A double with 40 issues of project 100 (`PAY`), one an hour, the newest a day old.
    pub async fn new(cloud: bool, issues: usize) -> Self {
        let count = i64::try_from(issues).unwrap();
        let issue = |at: i64| Issue {
            id: 1000 + at,
            project: 100,
            updated: NOW - DAY - (count - at) * HOUR,
            histories: 2,
            odd: false,
        };
        let state = State {
            issues: (0..count).map(issue).collect(),
            now: NOW,
            cloud,
            own_changelog: true,
            bulk_page: 10_000,
            clamp: 1000,
            ..State::default()
        };
        let state = Arc::new(Mutex::new(state));
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(Answers(Arc::clone(&state))).mount(&server).await;
        Self { server, state, folder: tempfile::tempdir().unwrap(), accept_gone: false.into() }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// How often a path was asked for since the last night began.
    pub fn asked(&self, part: &str) -> usize {
        self.state().asked.iter().filter(|path| path.contains(part)).count()
    }

    pub fn store(&self) -> Store {
        crate::support::opened(&self.folder.path().join("store"), [1; 32])
    }

    /// Live and gone issues of a project in the store.
    pub fn stored(&self, project: &str) -> (BTreeSet<i64>, BTreeSet<i64>) {
        let all = self.store().issues_by_project().unwrap();
        let own = all.into_iter().find(|stored| stored.project == project).unwrap_or_default();
        (own.live, own.gone)
    }

    pub fn rows(&self, table: &str) -> u64 {
        self.store().rows()[table]
    }

    /// The live files: equal files are equal rows.
    pub fn files(&self, table: &str) -> Vec<std::path::PathBuf> {
        self.store().files(table)
    }

    /// A night: reads into the store.
    pub async fn night(&self) -> Vec<ScopeReport> {
        self.night_of(&["PAY"], &[]).await
    }

    /// A night with these projects and boards.
    pub async fn night_of(&self, projects: &[&str], boards: &[i64]) -> Vec<ScopeReport> {
        let (cloud, now) = {
            let mut state = self.state();
            state.asked.clear();
            state.bodies.clear();
            state.searched = 0;
            (state.cloud, state.now)
        };
        let mut store = self.store();
        let url: url::Url = self.server.uri().parse().unwrap();
        let host = jira::host_of(&url);
        let stored = store.issues_by_project().unwrap();
        let known: KnownIssues =
            stored.into_iter().map(|one| (one.project, Stored { live: one.live, gone: one.gone })).collect();
        let source = JiraSource {
            url,
            host,
            flavour: if cloud { Flavour::Cloud } else { Flavour::DataCenter },
            user: None,
            token: "t".to_owned().into(),
            projects: projects.iter().map(|key| (*key).to_owned()).collect(),
            boards: boards.to_vec(),
            boardless: if boards.is_empty() { vec!["PAY".to_owned()] } else { Vec::new() },
            labels: Vec::new(),
            known,
            accept_gone: self.accept_gone.load(std::sync::atomic::Ordering::Relaxed),
            allow_write: false,
        };
        let (sink, mut deliveries) = mpsc::channel(10_000);
        let context = Context {
            now: Millis(now),
            since: Millis(NOW - 400 * DAY),
            cursors: Arc::new(store.cursors().clone()),
            pseudonyms: store.pseudonyms().clone(),
            meter: Arc::new(Meter::default()),
            sink,
        };
        let reports = jira::collect(&source, &context).await;
        drop(context);
        while let Some(delivery) = deliveries.recv().await {
            let cursor = delivery.cursor.map(|cursor| (delivery.scope, cursor));
            store.merge(&delivery.batch, cursor.into_iter().collect()).unwrap();
        }
        reports
    }
}

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.0.lock().unwrap();
        state.asked.push(request.url.path().to_owned());
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        state.bodies.push(body.clone());
        let query: BTreeMap<String, String> = request.url.query_pairs().into_owned().collect();
        let answer = state.answer(request.url.path(), &body, &query);
        if state.anonymous { answer.insert_header("X-AUSERNAME", "anonymous") } else { answer }
    }
}

fn fine(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

impl State {
    fn answer(&mut self, path: &str, body: &Value, query: &BTreeMap<String, String>) -> ResponseTemplate {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match parts[..] {
            ["rest", "api", _, "myself"] => fine(json!({"accountId": "me", "key": "me", "timeZone": "Europe/Berlin"})),
            ["rest", "api", _, "serverInfo"] => {
                let kind = if self.cloud { "Cloud" } else { "Server" };
                fine(json!({"deploymentType": kind, "serverTime": Millis(self.now).to_timestamp().to_string()}))
            }
            ["rest", "api", _, "field"] => fine(json!([
                {"id": "customfield_1", "name": "Sprint", "schema": {"custom": "com.pyxis.greenhopper.jira:gh-sprint"}},
                {"id": "customfield_2", "name": "Flagged", "schema": {"custom": "x:multicheckboxes"}},
                {"id": "customfield_3", "name": "Points", "schema": {"custom": "y:jsw-story-points"}}
            ])),
            ["rest", "api", _, "status"] => fine(json!([{"id": "1", "statusCategory": {"key": "new"}}])),
            ["rest", "api", _, "project", "PAY"] => fine(json!({"id": "100", "key": "PAY"})),
            ["rest", "api", _, "project", "OPS"] => fine(json!({"id": "200", "key": "OPS"})),
            ["rest", "api", "3", "search", "jql"] | ["rest", "api", "2", "search"] => self.search(body, query),
            ["rest", "api", "3", "changelog", "bulkfetch"] => self.bulk(body),
            ["rest", "api", _, "issue", id] => self.one(id.parse().unwrap(), query),
            ["rest", "api", "2", "issue", id, "changelog"] if self.own_changelog => {
                self.changelog(id.parse().unwrap(), query)
            }
            ["rest", "agile", "1.0", "board"] => fine(json!({"values": [{"id": 7}, {"id": 8}], "isLast": true})),
            ["rest", "agile", "1.0", "board", _, "configuration"] => fine(json!({"location": {"id": "100"}})),
            ["rest", "agile", "1.0", "board", "8", "sprint"] => ResponseTemplate::new(400).set_body_json(json!({})),
            ["rest", "agile", "1.0", "board", _, "sprint"] => self.sprints(query),
            ["rest", "agile", "1.0", "sprint", id] => {
                let found = self.sprints.iter().find(|(sprint, _)| sprint.to_string() == id);
                found.map_or(ResponseTemplate::new(404).set_body_json(json!({})), |sprint| fine(sprint_of(*sprint)))
            }
            _ => ResponseTemplate::new(404).set_body_json(json!({})),
        }
    }

    /// Issues that a question finds, in its order.
    fn found(&self, jql: &str) -> Vec<Issue> {
        let number = |after: &str| -> Option<i64> {
            let tail = jql.split_once(after)?.1;
            tail.split(|digit: char| !digit.is_ascii_digit()).next()?.parse().ok()
        };
        let ids = jql.split_once("id in (").map(|(_, tail)| tail.split(')').next().unwrap());
        let ids = ids.map(|ids| ids.split(',').map(|id| id.parse().unwrap()).collect::<Vec<i64>>());
        let mut found: Vec<Issue> =
            self.issues.iter().filter(|issue| !self.unlisted.contains(&issue.id)).cloned().collect();
        found.retain(|issue| ids.as_ref().is_none_or(|ids| ids.contains(&issue.id)));
        found.retain(|issue| number("project = ").is_none_or(|project| project == issue.project));
        found.retain(|issue| number("updated >= ").is_none_or(|since| issue.updated >= since));
        if jql.contains("updated ASC") {
            found.sort_by_key(|issue| (issue.updated, issue.id));
        }
        found
    }

    fn search(&mut self, body: &Value, query: &BTreeMap<String, String>) -> ResponseTemplate {
        self.searched += 1;
        match self.searches.get(&self.searched) {
            Some(Fault::Login) => {
                return ResponseTemplate::new(200).set_body_string("<!DOCTYPE html><title>Log in</title>");
            }
            Some(Fault::Forbidden) => return ResponseTemplate::new(403).set_body_json(json!({})),
            Some(Fault::BadToken) => return ResponseTemplate::new(400).set_body_json(json!({})),
            Some(Fault::Captcha) => {
                let denied = "CAPTCHA_CHALLENGE; login-url=https://jira.test/login";
                return ResponseTemplate::new(403).insert_header("X-Authentication-Denied-Reason", denied);
            }
            None => {}
        }
        let told = |name: &str| body.get(name).and_then(Value::as_str).or(query.get(name).map(String::as_str));
        let jql = told("jql").unwrap().to_owned();
        let size =
            body["maxResults"].as_u64().map_or_else(|| query["maxResults"].parse().unwrap(), |size| size as usize);
        let found = self.found(&jql);
        let start = told("nextPageToken").or(told("startAt")).map_or(0, |start| start.parse().unwrap());
        let size = size.min(self.clamp);
        let page: Vec<Value> = found.iter().skip(start).take(size).map(|issue| self.issue(issue)).collect();
        let more = start + page.len() < found.len();
        let mut answer = json!({"issues": page});
        if self.cloud {
            answer["isLast"] = json!(!more);
            if more {
                answer["nextPageToken"] = json!((start + size).to_string());
            }
        } else {
            answer["total"] = json!(found.len());
        }
        if let Some(id) = self.touched_after_first.take() {
            let now = self.now;
            self.issues.iter_mut().find(|issue| issue.id == id).unwrap().updated = now + HOUR;
        }
        fine(answer)
    }

    fn issue(&self, issue: &Issue) -> Value {
        let key = format!("{}-{}", if issue.project == 100 { "PAY" } else { "OPS" }, issue.id);
        if issue.odd {
            return json!({"id": issue.id.to_string(), "key": key, "fields": {"created": "never"}});
        }
        let histories: Vec<Value> = (0..issue.histories).map(|at| history(issue.id, at)).collect();
        let embedded = &histories[..self.embedded.unwrap_or(histories.len()).min(histories.len())];
        let mut answer = json!({
            "id": issue.id.to_string(), "key": key,
            "fields": {
                "created": NOW - 300 * DAY, "updated": issue.updated, "status": {"id": "1"},
                "project": {"id": issue.project.to_string(), "key": key.split('-').next()},
                "issuetype": {"name": "Story"}, "reporter": null
            }
        });
        if !self.cloud {
            answer["changelog"] = json!({"total": histories.len(), "histories": embedded});
        }
        answer
    }

    fn one(&self, id: i64, _: &BTreeMap<String, String>) -> ResponseTemplate {
        if self.locked.contains(&id) {
            return ResponseTemplate::new(403).set_body_json(json!({}));
        }
        let found = self.issues.iter().find(|issue| issue.id == id);
        found.map_or(ResponseTemplate::new(404).set_body_json(json!({})), |issue| fine(self.issue(issue)))
    }

    fn changelog(&self, id: i64, query: &BTreeMap<String, String>) -> ResponseTemplate {
        let issue = self.issues.iter().find(|issue| issue.id == id).unwrap();
        let start: usize = query["startAt"].parse().unwrap();
        let values: Vec<Value> = (start..issue.histories).take(100).map(|at| history(id, at)).collect();
        fine(json!({"total": issue.histories, "values": values}))
    }

    fn bulk(&self, body: &Value) -> ResponseTemplate {
        let ids = body["issueIdsOrKeys"].as_array().unwrap();
        if ids.is_empty() || ids.len() > 1000 || body["fieldIds"].as_array().is_some_and(|fields| fields.len() > 10) {
            return ResponseTemplate::new(400).set_body_json(json!({}));
        }
        let wanted = body["fieldIds"].as_array().is_none_or(|fields| fields.contains(&json!("status")));
        let mut rows: Vec<(i64, Value)> = Vec::new();
        for issue in self.issues.iter().filter(|issue| wanted && ids.contains(&json!(issue.id.to_string()))) {
            let own = |at: usize| {
                let mut history = history(issue.id, at);
                if self.app {
                    history["author"] = json!({"accountId": "app-1", "accountType": "app"});
                }
                (issue.id, history)
            };
            rows.extend((0..issue.histories).map(own));
        }
        let start: usize = body["nextPageToken"].as_str().map_or(0, |token| token.parse().unwrap());
        let page = rows.iter().skip(start).take(self.bulk_page);
        let logs: Vec<Value> =
            page.map(|(id, one)| json!({"issueId": id.to_string(), "changeHistories": [one]})).collect();
        let mut answer = json!({"issueChangeLogs": logs});
        if start + self.bulk_page < rows.len() {
            answer["nextPageToken"] = json!((start + self.bulk_page).to_string());
        }
        fine(answer)
    }

    fn sprints(&self, query: &BTreeMap<String, String>) -> ResponseTemplate {
        let wanted = |state: &str| query.get("state").is_none_or(|states| states.contains(state));
        let found: Vec<Value> =
            self.sprints.iter().filter(|(_, state)| wanted(state)).map(|sprint| sprint_of(*sprint)).collect();
        fine(json!({"values": found, "isLast": true}))
    }
}

fn sprint_of((id, state): (i64, &'static str)) -> Value {
    let mut sprint = json!({"id": id, "state": state, "originBoardId": 7});
    if state != "future" {
        sprint["startDate"] = json!("2026-11-01T09:00:00.000Z");
    }
    if state == "closed" {
        sprint["completeDate"] = json!("2026-11-15T09:00:00.000Z");
    }
    sprint
}

fn history(id: i64, at: usize) -> Value {
    let created = NOW - 200 * DAY + i64::try_from(at).unwrap() * HOUR;
    json!({
        "id": format!("{id}{at:04}"), "created": created, "author": null,
        "items": [{"field": "status", "fieldId": "status", "fieldtype": "jira", "from": "1", "to": "2"}]
    })
}
