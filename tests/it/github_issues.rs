//! GitHub's issues against a scripted double, from its answers to the rows of the store.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use tokio::sync::mpsc;
use undercurrent::collect::github::{self, GithubSource, IssueSource, KnownItem};
use undercurrent::collect::{Context, Meter, Outcome, ScopeReport};
use undercurrent::model::time::Millis;
use undercurrent::store::Store;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// 2026-11-24 in the afternoon; each night is a day later.
const NOW: i64 = 1_795_500_000_000;
const DAY: i64 = 86_400_000;

#[derive(Default)]
struct State {
    /// Number and change time.
    issues: Vec<(i64, String)>,
    /// Issues that are asked for by number and are not there.
    missing: BTreeSet<i64>,
    /// A page beyond the first gives the same cursor again.
    stuck: bool,
    page: usize,
    questions: Vec<String>,
    nights: i64,
}

struct Answers(Arc<Mutex<State>>);

struct Service {
    server: MockServer,
    state: Arc<Mutex<State>>,
    folder: tempfile::TempDir,
}

fn time(hour: usize) -> String {
    Millis(NOW - 10 * DAY + i64::try_from(hour).unwrap() * 3_600_000)
        .to_timestamp()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

impl Service {
    /// Issues 1 to `count`, one changed each hour.
    async fn new(count: i64) -> Self {
        let issues = (1..=count).map(|number| (number, time(usize::try_from(number).unwrap()))).collect();
        let state = Arc::new(Mutex::new(State { issues, page: 50, ..State::default() }));
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(Answers(Arc::clone(&state))).mount(&server).await;
        Self { server, state, folder: tempfile::tempdir().unwrap() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn store(&self) -> Store {
        crate::support::opened(&self.folder.path().join("store"), [1; 32])
    }

    fn rows(&self, table: &str) -> u64 {
        self.store().rows()[table]
    }

    fn asked(&self, part: &str) -> usize {
        self.state().questions.iter().filter(|question| question.contains(part)).count()
    }

    /// A night; gives the report of the issues.
    async fn night(&self) -> ScopeReport {
        let now = {
            let mut state = self.state();
            state.questions.clear();
            state.nights += 1;
            NOW + (state.nights - 1) * DAY
        };
        let mut store = self.store();
        let url: url::Url = self.server.uri().parse().unwrap();
        let mut issues = IssueSource {
            repositories: ["o/n".to_owned()].into(),
            in_progress: vec!["doing".to_owned()],
            ..IssueSource::default()
        };
        for open in store.open_items().unwrap() {
            let item = KnownItem { number: open.number, issue_id: open.issue_id };
            issues.known.entry(open.repository).or_default().push(item);
        }
        let source = GithubSource {
            host: github::host_of(&url),
            url,
            credential: undercurrent::collect::github::Credential::Token("t".to_owned().into()),
            check_runs: false,
            repositories: vec!["o/n".to_owned()],
            logins: Vec::new(),
            labels: Vec::new(),
            projects: Vec::new(),
            issues,
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
        let collected = github::collect(&source, &context).await;
        drop(context);
        while let Some(delivery) = deliveries.recv().await {
            let cursor = delivery.cursor.map(|cursor| (delivery.scope, cursor));
            store.merge(&delivery.batch, cursor.into_iter().collect()).unwrap();
        }
        collected.reports.into_iter().find(|report| report.id.stream == "issues").unwrap()
    }
}

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.0.lock().unwrap();
        let answer = if request.url.path() == "/graphql" {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let question = body["query"].as_str().unwrap().to_owned();
            state.questions.push(question.clone());
            state.answer(&question, &body["variables"])
        } else {
            json!([])
        };
        ResponseTemplate::new(200).set_body_json(answer)
    }
}

impl State {
    fn answer(&self, question: &str, variables: &Value) -> Value {
        let none = json!({"pageInfo": {"hasNextPage": false}, "nodes": []});
        if question.contains("...Glance") {
            let newest = self.issues.iter().map(|(_, updated)| updated).max();
            let issues = json!({"nodes": newest.map(|at| json!({"updatedAt": at})).into_iter().collect::<Vec<_>>()});
            json!({"data": {"r0": {"databaseId": 1, "nameWithOwner": "o/n", "issues": issues}}})
        } else if question.contains("__type(") {
            let types = [json!({"name": "ProjectV2ItemStatusChangedEvent"})];
            let fields = ["parent", "issueType", "blockedBy"].map(|name| json!({ "name": name }));
            json!({"data": {"issue": {"fields": fields}, "happenings": {"possibleTypes": types}}})
        } else if question.contains("query Issues") {
            json!({"data": {"repository": {"databaseId": 1, "nameWithOwner": "o/n", "issues": self.page_of(variables)}}})
        } else if question.contains("issue(number") {
            self.by_number(question)
        } else if question.contains("node(id") {
            let column = json!({"__typename": "ProjectV2ItemStatusChangedEvent", "id": "c", "createdAt": time(2), "status": "Doing"});
            json!({"data": {"i0": {"timelineItems": {"pageInfo": {"hasNextPage": false}, "nodes": [column]}}}})
        } else {
            json!({"data": {"repository": {"databaseId": 1, "pullRequests": none}}})
        }
    }

    fn page_of(&self, variables: &Value) -> Value {
        let since = variables["since"].as_str().unwrap();
        let start: usize = variables["after"].as_str().map_or(0, |after| after.parse().unwrap());
        let mut sorted: Vec<&(i64, String)> =
            self.issues.iter().filter(|(_, updated)| updated.as_str() >= since).collect();
        sorted.sort_by_key(|(_, updated)| updated);
        let end = (start + self.page).min(sorted.len());
        let node = |(number, updated): &&(i64, String)| {
            let cut = json!({"pageInfo": {"hasNextPage": true, "endCursor": "x"}, "nodes": []});
            let timeline = if *number == 1 { cut } else { json!({"nodes": []}) };
            json!({"id": format!("I{number}"), "databaseId": 1000 + number, "number": number, "state": "OPEN",
                   "createdAt": time(0), "updatedAt": updated, "timelineItems": timeline})
        };
        let nodes: Vec<Value> = sorted[start..end].iter().map(node).collect();
        let next = if self.stuck && start > 0 { start } else { end };
        json!({"pageInfo": {"hasNextPage": end < sorted.len(), "endCursor": next.to_string()}, "nodes": nodes})
    }

    fn by_number(&self, question: &str) -> Value {
        let mut repository = json!({"databaseId": 1});
        let mut errors = Vec::new();
        for (number, _) in &self.issues {
            let place = format!("i{number}");
            if !question.contains(&format!("{place}: ")) {
                continue;
            }
            repository[&place] = json!({"databaseId": 1000 + number});
            if self.missing.contains(number) {
                repository[&place] = Value::Null;
                errors.push(json!({"type": "NOT_FOUND", "path": ["repository", place]}));
            }
        }
        let mut answer = json!({"data": {"repository": repository}});
        if !errors.is_empty() {
            answer["errors"] = json!(errors);
        }
        answer
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn pages_and_cut_off_timelines_are_followed_and_a_quiet_night_asks_for_no_issue() {
    let service = Service::new(120).await;
    let report = service.night().await;
    assert_eq!((report.outcome, report.pages), (Outcome::Complete, 3));
    assert_eq!((service.rows("issues"), service.rows("issue_changes")), (120, 1));
    let question =
        service.state().questions.iter().find(|question| question.contains("query Issues")).cloned().unwrap();
    for part in ["issueType { name }", "blockedBy(", "PROJECT_V2_ITEM_STATUS_CHANGED_EVENT"] {
        assert!(question.contains(part), "{part}");
    }
    let files = service.store().files("issues");
    assert_eq!(service.night().await.outcome, Outcome::Complete);
    assert_eq!(service.asked("query Issues"), 1);
    assert_eq!(service.night().await.outcome, Outcome::Unchanged);
    assert_eq!(service.asked("query Issues"), 0);
    assert_eq!(service.store().files("issues"), files);
    service.state().issues[4].1 = time(200);
    assert_eq!(service.night().await.outcome, Outcome::Complete);
    assert_eq!(service.rows("issues"), 120);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_walk_that_does_not_advance_fails_and_the_next_one_goes_on_from_its_last_page() {
    let service = Service::new(120).await;
    service.state().stuck = true;
    let report = service.night().await;
    assert_eq!(report.outcome, Outcome::Failed);
    let reason = report.reason.unwrap();
    assert!(reason.contains("pagination did not advance"), "{reason}");
    service.state().stuck = false;
    let report = service.night().await;
    assert_eq!((report.outcome, report.pages), (Outcome::Complete, 1));
    assert_eq!(service.rows("issues"), 120);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_change_time_from_the_far_future_hides_no_later_change() {
    let service = Service::new(3).await;
    service.state().issues[1].1 = "2099-01-01T00:00:00Z".to_owned();
    service.night().await;
    service.state().issues.push((4, time(100)));
    assert_eq!(service.night().await.outcome, Outcome::Complete);
    assert_eq!(service.rows("issues"), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_open_issue_that_the_service_denies_is_gone_within_a_week_and_back_once_it_is_read() {
    let service = Service::new(20).await;
    service.night().await;
    service.state().missing.insert(7);
    for _ in 0..7 {
        service.night().await;
    }
    let open: Vec<i64> = service.store().open_items().unwrap().into_iter().map(|item| item.number).collect();
    assert_eq!((open.len(), open.contains(&7)), (19, false));
    assert_eq!(service.rows("issues"), 20);
    service.state().missing.clear();
    service.state().issues[6].1 = time(220);
    service.night().await;
    assert_eq!(service.store().open_items().unwrap().len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn where_most_open_issues_vanish_at_once_none_is_taken_for_gone() {
    let service = Service::new(70).await;
    service.night().await;
    service.state().missing = (1..=70).collect();
    let report = service.night().await;
    assert_eq!(report.outcome, Outcome::Failed);
    assert!(report.reason.unwrap().contains("10 of 10 open issues"));
    assert_eq!(service.store().open_items().unwrap().len(), 70);
}
