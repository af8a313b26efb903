//! GitHub's collector against the double: a first reading that is cut off, and App installations.

use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use undercurrent::collect::github::{self, App, Credential, GithubSource, IssueSource};
use undercurrent::collect::{Context, Outcome, ScopeReport};
use undercurrent::model::time::Millis;
use undercurrent::store::Store;
use wiremock::MockServer;

use crate::support::github::{Github, Repository, start};
use crate::support::opened;

/// 24 November 2026, 03:00 UTC.
const NOW: i64 = 1_795_489_200_000;

struct Place {
    server: MockServer,
    github: Arc<Mutex<Github>>,
    folder: tempfile::TempDir,
    credential: Credential,
}

impl Place {
    async fn new(pulls: i64, credential: Credential) -> Self {
        let pulls = (1..=pulls).map(pull).collect();
        let repository = Repository { id: 7, name: "harbor/web".to_owned(), pulls, ..Repository::default() };
        let double = Github { repositories: vec![repository], inner: 50, page: 100, ..Github::default() };
        let (server, github) = start(double).await;
        Self { server, github, folder: tempfile::tempdir().unwrap(), credential }
    }

    fn double(&self) -> MutexGuard<'_, Github> {
        self.github.lock().unwrap()
    }

    fn store(&self) -> Store {
        opened(&self.folder.path().join("store"), [1; 32])
    }

    fn rows(&self) -> u64 {
        self.store().rows().get("pull_requests").copied().unwrap_or(0)
    }

    fn source(&self) -> GithubSource {
        GithubSource {
            url: self.server.uri().parse().unwrap(),
            host: "github.example".to_owned(),
            credential: self.credential.clone(),
            repositories: vec!["harbor/web".to_owned()],
            logins: Vec::new(),
            labels: Vec::new(),
            check_runs: false,
            projects: Vec::new(),
            issues: IssueSource::default(),
        }
    }

    /// A night; gives the report of the pull requests.
    async fn night(&self) -> ScopeReport {
        self.double().asked.clear();
        let mut store = self.store();
        let source = self.source();
        let (sink, mut deliveries) = tokio::sync::mpsc::channel(10_000);
        let context = Context {
            now: Millis(NOW),
            since: Millis(0),
            cursors: Arc::new(store.cursors().clone()),
            pseudonyms: store.pseudonyms().clone(),
            meter: Arc::default(),
            sink,
        };
        let collected = github::collect(&source, &context).await;
        drop(context);
        while let Some(delivery) = deliveries.recv().await {
            let cursor = delivery.cursor.map(|cursor| (delivery.scope, cursor));
            store.merge(&delivery.batch, cursor.into_iter().collect()).unwrap();
        }
        let own = |report: &ScopeReport| matches!(report.id.stream.as_str(), "pull_requests" | "repository");
        collected.reports.into_iter().find(own).unwrap()
    }

    fn asked(&self, what: &str) -> usize {
        self.double().asked.iter().filter(|asked| *asked == what).count()
    }
}

/// A pull request that changed `number` minutes after midnight.
fn pull(number: i64) -> Value {
    let at = format!("2026-11-23T{:02}:{:02}:00Z", number / 60, number % 60);
    json!({
        "id": format!("PR_{number}"), "databaseId": number, "number": number, "state": "OPEN", "createdAt": at,
        "updatedAt": at, "labels": [], "commits": [], "timelineItems": [],
    })
}

fn token() -> Credential {
    Credential::Token("t0".to_owned().into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_first_reading_that_is_cut_off_goes_on_where_its_rows_end() {
    let place = Place::new(100, token()).await;
    place.double().pages_left = Some(2);
    let report = place.night().await;
    assert!(report.outcome == Outcome::Failed && report.reason.unwrap().contains("for good"));
    assert_eq!(place.rows(), 50);
    // Meanwhile one of those that are not yet stored changes, and one that is.
    for (number, at) in [(10, "2026-11-24T01:00:00Z"), (90, "2026-11-24T01:01:00Z")] {
        place.double().repositories[0].pulls[number - 1]["updatedAt"] = json!(at);
    }
    place.double().pages_left = None;
    let report = place.night().await;
    assert_eq!((report.outcome, report.reason), (Outcome::Complete, None));
    assert_eq!(place.rows(), 100);
    // The rest of the walk, and a look at what changed since it began.
    assert_eq!(place.asked("pull_requests"), 3);
    let cursor = place.store().cursors().values().find(|cursor| cursor.page_size.is_none()).cloned().unwrap();
    assert!(cursor.resume.is_none());
}

fn app(owners: &[&str]) -> Credential {
    let key = openssl::rsa::Rsa::generate(2048).unwrap().private_key_to_pem().unwrap();
    let owners = owners.iter().map(|owner| (*owner).to_owned()).collect();
    Credential::App(App { id: 12, installation: None, owners, key: String::from_utf8(key).unwrap().into() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_app_reads_through_the_installation_of_its_owner() {
    let place = Place::new(3, app(&["harbor"])).await;
    let report = place.night().await;
    assert_eq!((report.outcome, report.reason), (Outcome::Complete, None));
    assert_eq!(
        (place.rows(), place.asked("installations"), place.asked("token"), place.asked("refused")),
        (3, 1, 1, 0)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_token_that_is_over_is_renewed_and_the_reading_goes_on() {
    let place = Place::new(100, app(&["harbor"])).await;
    place.double().token_lasts = Some(4);
    let report = place.night().await;
    assert_eq!((report.outcome, report.reason), (Outcome::Complete, None));
    assert_eq!(place.rows(), 100);
    assert_eq!((place.asked("token"), place.asked("refused")), (2, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_personal_token_that_is_refused_is_not_tried_again() {
    let place = Place::new(3, token()).await;
    place.double().token = "another".to_owned();
    let report = place.night().await;
    assert!(report.outcome == Outcome::Failed && report.refused);
    assert_eq!(place.asked("refused"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_app_that_is_not_installed_for_the_owners_says_so() {
    let place = Place::new(3, app(&["quay"])).await;
    let report = place.night().await;
    assert!(report.outcome == Outcome::Failed && report.reason.unwrap().contains("not installed for these owners"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_the_service_leaves_out_as_null_costs_no_page_and_is_named() {
    let place = Place::new(3, token()).await;
    place.double().repositories[0].pulls.push(Value::Null);
    place.double().repositories[0].pulls[1]["commits"] = Value::Null;
    place.double().repositories[0].pulls[2]["timelineItems"] = json!([null]);
    let report = place.night().await;
    assert_eq!((report.outcome, place.rows()), (Outcome::Incomplete, 3));
    assert!(report.reason.unwrap().starts_with("the service left out 3 parts of its answers (null)"));
    // What is shown is read; the same is not asked for again.
    assert_eq!(place.night().await.outcome, Outcome::Unchanged);
    place.double().repositories[0].pulls.truncate(1);
    place.double().repositories[0].pulls[0]["updatedAt"] = json!("2026-11-24T02:00:00Z");
    let report = place.night().await;
    assert_eq!((report.outcome, report.reason), (Outcome::Complete, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn teams_are_read_to_the_end_of_their_lists_and_a_token_without_the_right_says_so() {
    let place = Place::new(1, token()).await;
    let (teams, problems) = github::teams(&place.source(), Arc::default()).await;
    assert!(teams.is_empty() && problems.len() == 1 && problems[0].starts_with("harbor: the token may not see teams"));
    let members: Vec<Value> = (0..5).map(|at| json!({ "login": format!("login-{at}") })).collect();
    let repositories = json!([{ "nameWithOwner": "harbor/web" }, { "nameWithOwner": "harbor/api" }, null]);
    place.double().inner = 2;
    place.double().teams = vec![
        json!({ "slug": "web", "name": "Web", "members": members, "repositories": repositories }),
        json!({ "slug": "api", "name": "Api", "members": [], "repositories": [] }),
    ];
    let (teams, problems) = github::teams(&place.source(), Arc::default()).await;
    assert_eq!(problems, Vec::<String>::new());
    let seen: Vec<(&str, usize, usize, u64)> = teams
        .iter()
        .map(|team| (team.place.as_str(), team.logins.len(), team.repositories.len(), team.hidden))
        .collect();
    assert_eq!(seen, [("harbor/api", 0, 0, 0), ("harbor/web", 5, 2, 1)]);
    assert_eq!((place.asked("teams"), place.asked("rest of a team")), (3, 2));
    let elsewhere = GithubSource { repositories: vec!["somebody/x".to_owned()], ..place.source() };
    let (_, problems) = github::teams(&elsewhere, Arc::default()).await;
    assert!(problems[0].starts_with("somebody: it is a person's"), "{problems:?}");
}
