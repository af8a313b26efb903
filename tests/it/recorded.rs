//! Recorded answers of real services: the collectors must get out of them what an independent script got.
//!
//! `tests/fixtures/recorded/README.md` tells where the rows come from. The GraphQL answers of GitHub are *made from
//! recorded REST rows*, since no recording of them exists.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::civil::{Time, Weekday};
use jiff::tz::{Offset, TimeZone};
use serde_json::{Value, json};
use undercurrent::collect::github::{self, GithubSource};
use undercurrent::collect::http::{Service, Verdict, policy};
use undercurrent::collect::jira::{self, Flavour, JiraSource};
use undercurrent::collect::{Outcome, ScopeReport};
use undercurrent::model::AccountKind;
use undercurrent::model::records::{Commit, IssueChange};
use undercurrent::model::time::Millis;

use crate::support::github::{Github, Repository};
use crate::support::jira::Jira;
use crate::support::{Gathered, fixture_json, gather, github as github_double, jira as jira_double};

fn expected() -> Value {
    fixture_json("recorded/expected.json.gz")
}

/// How often each value occurs, as JSON, so that it can be compared with a figure of the expectation.
fn counted<T: Ord + Into<Value>>(values: impl Iterator<Item = T>) -> Value {
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for value in values {
        let value: Value = value.into();
        let name = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        *counts.entry(name).or_default() += 1;
    }
    json!(counts)
}

fn rows<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map(Vec::as_slice).expect("the fixture has this list")
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// A REST account as GraphQL tells it: an application's login has no suffix there.
fn actor(user: &Value) -> Value {
    if user.is_null() {
        return Value::Null;
    }
    let login = text(user, "login");
    json!({ "__typename": user["type"], "login": login.trim_end_matches("[bot]"), "databaseId": user["id"] })
}

fn commit_node(row: &Value) -> Value {
    let author = &row["author"];
    let user = if text(author, "login").is_empty() { Value::Null } else { actor(author) };
    json!({ "commit": {
        "oid": row["sha"], "committedDate": row["committed"], "additions": 1, "deletions": 0,
        "author": { "date": row["log_date"], "email": row["email"], "user": user },
    }})
}

/// The nodes of pull requests, made from recorded rows.
fn pull_nodes(ants: &Value) -> Vec<Value> {
    let of = |list: &str, number: &Value, node: fn(&Value) -> Value| -> Vec<Value> {
        rows(ants, list).iter().filter(|row| row["number"] == *number).map(node).collect()
    };
    let review = |row: &Value| {
        json!({ "__typename": "PullRequestReview", "databaseId": row["id"], "state": row["state"],
                "submittedAt": row["submitted_at"], "author": actor(&row["user"]) })
    };
    let comment = |row: &Value| {
        json!({ "__typename": "IssueComment", "databaseId": row["id"], "createdAt": row["created_at"],
                "author": actor(&row["user"]) })
    };
    let node = |pull: &Value| {
        let number = &pull["number"];
        let state = if pull["merged_at"].is_null() { text(pull, "state").to_uppercase() } else { "MERGED".to_owned() };
        let mut happened = of("issue_comments", number, comment);
        happened.extend(of("pull_reviews", number, review));
        json!({
            "id": pull["node_id"], "databaseId": pull["id"], "number": number, "state": state,
            "isDraft": pull["draft"], "title": pull["title"], "headRefName": pull["head"]["ref"],
            "createdAt": pull["created_at"], "updatedAt": pull["updated_at"], "closedAt": pull["closed_at"],
            "mergedAt": pull["merged_at"], "author": actor(&pull["user"]), "labels": pull["labels"],
            "commits": of("pull_commits", number, commit_node), "timelineItems": happened,
        })
    };
    rows(ants, "pulls").iter().map(node).collect()
}

async fn ants() -> (Value, Gathered<Vec<ScopeReport>>) {
    let ants = fixture_json("recorded/ants.json.gz");
    let repository = Repository {
        id: 134_018_330,
        name: "dev196/ants".to_owned(),
        pulls: pull_nodes(&ants),
        review_comments: rows(&ants, "pull_review_comments").to_vec(),
        ..Repository::default()
    };
    let renamed = Some("before/ants".to_owned());
    let double = Github { repositories: vec![repository], inner: 3, page: 5, renamed, ..Github::default() };
    let (server, _) = github_double::start(double).await;
    let source = GithubSource {
        url: server.uri().parse().expect("the double has an address"),
        host: "github.com".to_owned(),
        credential: github::Credential::Token("token".to_owned().into()),
        check_runs: false,
        issues: github::IssueSource::default(),
        repositories: vec!["before/ants".to_owned()],
        logins: Vec::new(),
        labels: vec!["bug".to_owned()],
        projects: Vec::new(),
    };
    let gathered = gather(async move |context| github::collect(&source, &context).await.reports).await;
    (ants, gathered)
}

fn all_complete(reports: &[ScopeReport]) {
    for report in reports {
        let fine = matches!(report.outcome, Outcome::Complete | Outcome::Unchanged);
        assert!(fine, "{} {}: {:?}", report.label, report.id.stream, report.reason);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn github_pull_requests_come_out_as_recorded() {
    let (_, gathered) = ants().await;
    all_complete(&gathered.result);
    let wanted = &expected()["ants"]["pulls"];
    let pulls: BTreeMap<i64, _> = gathered.batch.pull_requests.iter().map(|pull| (pull.number, pull)).collect();
    assert!(gathered.batch.pull_requests.len() > pulls.len(), "one row is there twice");
    assert_eq!(json!(pulls.len()), wanted["distinct"]);
    assert_eq!(json!(gathered.stored["pull_requests"]), wanted["distinct"]);
    let state = |name: &str| json!(pulls.values().filter(|pull| pull.state == name).count());
    assert_eq!((state("open"), state("merged")), (wanted["state"]["open"].clone(), wanted["merged"].clone()));
    assert_eq!(state("closed"), wanted["closed_unmerged"]);
    let authors: BTreeSet<_> = pulls.values().filter_map(|pull| pull.author).collect();
    assert_eq!(json!(authors.len()), wanted["distinct_authors"]);
    assert!(pulls.values().all(|pull| pull.author_kind == AccountKind::User && pull.ready_at == Some(pull.created_at)));
    let merged: BTreeMap<String, i64> = pulls
        .values()
        .filter_map(|pull| Some((pull.number.to_string(), (pull.merged_at?.0 - pull.created_at.0) / 1000)))
        .collect();
    assert_eq!(json!(merged), wanted["open_to_merge_seconds"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn github_commits_keep_their_authors_own_time() {
    let (_, gathered) = ants().await;
    let wanted = &expected()["ants"]["pull_commits"];
    let commits: BTreeMap<[u8; 20], &Commit> =
        gathered.batch.commits.iter().map(|commit| (commit.sha, commit)).collect();
    assert!(gathered.batch.commits.len() > commits.len(), "one row is there twice");
    assert_eq!(json!(gathered.stored["commits"]), wanted["distinct_sha"]);
    let numbers: BTreeSet<_> = commits.values().filter_map(|commit| commit.number).collect();
    assert_eq!(json!(numbers.len()), wanted["pull_requests_with_commits"]);
    let without = commits.values().filter(|commit| commit.author_kind == AccountKind::Unknown).count();
    assert_eq!(json!(without), wanted["account_null"]);
    let offset = |commit: &&Commit| {
        let minutes = commit.utc_offset_minutes;
        format!("{}{:02}:{:02}", if minutes < 0 { '-' } else { '+' }, minutes.abs() / 60, minutes.abs() % 60)
    };
    assert_eq!(counted(commits.values().map(offset)), wanted["git_author_offsets"]);
    let local = |commit: &Commit| in_working_hours(commit.authored_at, commit.utc_offset_minutes);
    let utc = |commit: &Commit| in_working_hours(commit.authored_at, 0);
    let count = |rule: &dyn Fn(&Commit) -> bool| json!(commits.values().filter(|commit| rule(commit)).count());
    assert_eq!(count(&local), wanted["in_working_hours_by_author_local_time"]);
    assert_eq!(count(&utc), wanted["in_working_hours_by_utc"]);
    assert_eq!(count(&|commit| local(commit) != utc(commit)), wanted["classified_differently"]);
}

/// Monday to Friday, 08:00 to 19:00, at this offset.
fn in_working_hours(at: Millis, offset_minutes: i64) -> bool {
    let seconds = i32::try_from(offset_minutes * 60).expect("an offset is small");
    let zone = TimeZone::fixed(Offset::from_seconds(seconds).expect("an offset is small"));
    let local = at.to_timestamp().to_zoned_datetime(zone);
    let hours = Time::constant(8, 0, 0, 0)..Time::constant(19, 0, 0, 0);
    !matches!(local.weekday(), Weekday::Saturday | Weekday::Sunday) && hours.contains(&local.time())
}

#[tokio::test(flavor = "multi_thread")]
async fn github_reviews_and_comments_come_out_as_recorded() {
    let (ants, gathered) = ants().await;
    let wanted = &expected()["ants"]["pull_reviews"];
    let reviews: BTreeMap<i64, _> = gathered.batch.reviews.iter().map(|review| (review.review_id, review)).collect();
    assert!(gathered.batch.reviews.len() > reviews.len(), "one row is there twice");
    assert_eq!(json!(gathered.stored["reviews"]), wanted["distinct"]);
    assert_eq!(counted(reviews.values().map(|review| review.state.to_uppercase())), wanted["state"]);
    let pulls: BTreeMap<i64, _> = gathered.batch.pull_requests.iter().map(|pull| (pull.number, pull)).collect();
    let own = reviews.values().filter(|review| review.reviewer == pulls[&review.number].author).count();
    assert_eq!(json!(own), wanted["by_the_pull_request_author"]);
    let mut first: BTreeMap<String, i64> = BTreeMap::new();
    for review in reviews.values().filter(|review| review.reviewer != pulls[&review.number].author) {
        let seconds = (review.submitted_at.0 - pulls[&review.number].created_at.0) / 1000;
        first.entry(review.number.to_string()).and_modify(|least| *least = (*least).min(seconds)).or_insert(seconds);
    }
    assert_eq!(json!(first), wanted["seconds_to_first_review_by_another_person"]);

    let wanted = &expected()["ants"]["pull_review_comments"];
    let place = |place: &'static str| gathered.batch.comments.iter().filter(move |comment| comment.place == place);
    let threads: BTreeMap<i64, _> = place("review").map(|comment| (comment.comment_id, comment)).collect();
    assert_eq!(json!(threads.len()), wanted["distinct"]);
    assert_eq!(json!(threads.values().filter(|one| one.in_reply_to.is_some()).count()), wanted["replies"]);
    let numbers: BTreeSet<_> = threads.values().filter_map(|one| one.number).collect();
    let authors: BTreeSet<_> = threads.values().filter_map(|one| one.author).collect();
    assert_eq!(json!(numbers.len()), wanted["pull_requests"]);
    assert_eq!(json!(authors.len()), wanted["distinct_authors"]);
    let told: i64 = reviews.values().map(|review| review.comments).sum();
    let listed = rows(&ants, "pull_review_comments").iter();
    let listed =
        listed.filter(|row| row["pull_request_review_id"].as_i64().is_some_and(|id| reviews.contains_key(&id)));
    assert_eq!(told, i64::try_from(listed.count()).expect("few"), "comments are counted with their review");

    let on_pulls: BTreeMap<i64, _> = place("pull_request").map(|comment| (comment.comment_id, comment)).collect();
    assert_eq!(on_pulls.len(), 46, "46 of 94 comments stand on pull requests");
    let wanted: BTreeSet<i64> = rows(&ants, "issue_comments")
        .iter()
        .filter(|row| row["on_pull"] == true && text(&row["user"], "type") == "Bot")
        .filter_map(|row| row["id"].as_i64())
        .collect();
    let bots = on_pulls.values().filter(|comment| comment.author_kind == AccountKind::Bot);
    assert_eq!(bots.map(|comment| comment.comment_id).collect::<BTreeSet<_>>(), wanted);
    assert!(!wanted.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_people_wrote_and_no_login_comes_out_of_github() {
    let (ants, gathered) = ants().await;
    let printed = format!("{:?}{:?}", gathered.batch, gathered.result);
    let mut secret: Vec<&str> = Vec::new();
    for (list, names) in [("pulls", ["title", "none"]), ("pull_review_comments", ["body", "diff_hunk"])] {
        secret.extend(rows(&ants, list).iter().flat_map(|row| names.map(|name| text(row, name))));
    }
    secret.extend(rows(&ants, "pulls").iter().map(|row| text(&row["user"], "login")));
    secret.extend(rows(&ants, "pull_commits").iter().map(|row| text(row, "email")));
    // The repository's own name is allowed to hold its owner's.
    secret.retain(|secret| secret.len() > 5 && !"dev196/ants".contains(secret));
    assert!(secret.len() > 150);
    for secret in secret {
        assert!(!printed.contains(secret), "a text of the recording comes out");
    }
}

async fn jira(fixture: &str, flavour: Flavour, projects: &[&str]) -> (Value, Gathered<Vec<ScopeReport>>) {
    let recorded = fixture_json(fixture);
    let list = |name: &str| recorded[name].as_array().cloned().unwrap_or_default();
    let custom = |id: &str, kind: &str| json!({ "id": id, "name": id, "schema": { "custom": kind } });
    let double = Jira {
        issues: list("issues"),
        statuses: list("statuses"),
        sprints: list("sprints"),
        fields: vec![
            custom("status", ""),
            custom("customfield_10020", "com.pyxis.greenhopper.jira:gh-sprint"),
            custom("customfield_10014", "com.pyxis.greenhopper.jira:gh-epic-link"),
        ],
        page: 7,
        ..Jira::default()
    };
    let (server, _) = jira_double::start(double).await;
    let source = JiraSource {
        url: server.uri().parse().expect("the double has an address"),
        host: "jira.example".to_owned(),
        flavour,
        user: None,
        token: "token".to_owned().into(),
        projects: projects.iter().map(|project| (*project).to_owned()).collect(),
        boards: vec![8, 13],
        boardless: Vec::new(),
        known: jira::KnownIssues::default(),
        accept_gone: false,
        allow_write: false,
        labels: Vec::new(),
    };
    let gathered = gather(async move |context| jira::collect(&source, &context).await).await;
    all_complete(&gathered.result);
    (recorded, gathered)
}

/// What happened to the status of one issue, by the rules of the expectation.
fn journey(created: Millis, moves: &mut [&IssueChange], categories: &BTreeMap<&str, &str>) -> Value {
    moves.sort_by_key(|one| (one.at, one.change_id.parse::<i64>().unwrap_or_default()));
    let category = |id: &Option<String>| id.as_deref().and_then(|id| categories.get(id).copied());
    let done = |id: &Option<String>| category(id) == Some("done");
    let entries: Vec<&&IssueChange> = moves.iter().filter(|one| done(&one.to) && !done(&one.from)).collect();
    let reopened = moves.iter().filter(|one| done(&one.from) && !done(&one.to) && category(&one.to).is_some());
    let ids = moves.iter().flat_map(|one| [one.from.as_deref(), one.to.as_deref()]).flatten();
    let unknown: BTreeSet<&str> = ids.filter(|id| !categories.contains_key(id)).collect();
    let started = moves.iter().find(|one| category(&one.to) == Some("in_progress"));
    let started = started.map(|one| one.at.to_timestamp().strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let mut journey = json!({ "transitions": moves.len(), "unknown_status_ids": unknown });
    if let Some(journey) = journey.as_object_mut() {
        journey.insert("entered_done".to_owned(), json!(entries.len()));
        journey.insert("reopened".to_owned(), json!(reopened.count()));
        let last = entries.last().map(|one| (one.at.0 - created.0).div_euclid(1000));
        journey.insert("created_to_last_done_seconds".to_owned(), json!(last));
        journey.insert("first_in_progress".to_owned(), json!(started));
    }
    journey
}

#[tokio::test(flavor = "multi_thread")]
async fn jira_cloud_comes_out_as_recorded() {
    let (recorded, gathered) = jira("recorded/jira_cloud.json.gz", Flavour::Cloud, &["EE", "K5"]).await;
    let (expected, batch) = (expected(), &gathered.batch);
    let wanted = &expected["cloud"]["board_issues_changelog"];
    assert_eq!(json!(gathered.stored["issues"]), wanted["distinct_ids"]);
    assert_eq!(counted(batch.issues.iter().map(|issue| issue.project.clone())), wanted["projects"]);
    assert_eq!(counted(batch.issues.iter().map(|issue| issue.r#type.clone())), wanted["issue_types"]);
    let assigned = batch.issues.iter().filter(|issue| issue.assignee.is_none()).count();
    assert_eq!(json!(assigned), wanted["assignee_null"]);
    let due = batch.issues.iter().filter(|issue| issue.due_on.is_some()).count();
    assert_eq!(json!(due), wanted["duedate_set"]);
    let resolved = batch.issues.iter().filter(|issue| issue.resolved_at.is_some()).count();
    assert_eq!(json!(resolved), wanted["resolution_set"]);
    // The list of statuses decides; the category nested in an issue was recorded at another time and says 25 and 8.
    let now = |category: &str| batch.issues.iter().filter(|issue| issue.status_category == category).count();
    assert_eq!((now("done"), now("to_do")), (30, 3));

    let changes: BTreeMap<(i64, &str, &str), &IssueChange> = batch
        .issue_changes
        .iter()
        .map(|change| ((change.issue_id, change.change_id.as_str(), change.field.as_str()), change))
        .collect();
    assert_eq!(gathered.stored["issue_changes"], changes.len() as u64);
    let of = |field: &str| changes.values().filter(|change| change.field == field).count();
    let items = &wanted["changelog_items_by_field"];
    assert_eq!(json!(of("status")), wanted["status_transitions"]);
    assert_eq!(json!(of("sprint")), items["Sprint"]);
    assert_eq!(json!(of("assignee")), items["assignee"]);
    assert_eq!(json!(of("issue_type")), items["issuetype"]);
    // One row a history: what several items say about the versions is joined.
    let versions = changes.values().filter(|change| change.field == "fix_version");
    let versions = versions.flat_map(|change| [&change.from, &change.to]).flatten().map(|ids| ids.split(',').count());
    assert_eq!(versions.sum::<usize>(), version_sides(&recorded));
    assert!(changes.values().all(|change| change.author.is_some()), "{}", wanted["history_author_missing"]);

    let categories: BTreeMap<&str, &str> =
        batch.statuses.iter().map(|status| (status.status_id.as_str(), status.category.as_str())).collect();
    for issue in &batch.issues {
        let own = changes.values().filter(|change| change.issue_id == issue.issue_id && change.field == "status");
        let mut own: Vec<&IssueChange> = own.copied().collect();
        let journey = journey(issue.created_at, &mut own, &categories);
        assert_eq!(journey, wanted["per_issue"][&issue.key], "{}", issue.key);
    }
    let statuses = &expected["cloud"]["statuses"];
    assert_eq!(json!(gathered.stored["statuses"]), statuses["rows"]);
    let category = |name: &str| json!(categories.values().filter(|category| **category == name).count());
    assert_eq!(category("to_do"), statuses["category"]["new"]);
    assert_eq!(category("in_progress"), statuses["category"]["indeterminate"]);
    assert_eq!(category("done"), statuses["category"]["done"]);
}

/// How many versions the recorded changelogs name on either side.
fn version_sides(recorded: &Value) -> usize {
    let histories = rows(recorded, "issues").iter().flat_map(|issue| rows(&issue["changelog"], "histories"));
    let items = histories.flat_map(|history| rows(history, "items")).filter(|item| item["fieldId"] == "fixVersions");
    let sides = items.flat_map(|item| [text(item, "from"), text(item, "to")]);
    sides.filter(|id| !id.is_empty()).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn jira_sprints_come_out_once_though_two_boards_show_them() {
    let (recorded, gathered) = jira("recorded/jira_cloud.json.gz", Flavour::Cloud, &["EE"]).await;
    let expected = expected();
    let wanted = &expected["cloud"]["sprints"];
    let sprints: BTreeMap<i64, _> = gathered.batch.sprints.iter().map(|sprint| (sprint.sprint_id, sprint)).collect();
    assert_eq!(gathered.batch.sprints.len(), sprints.len());
    assert_eq!(json!(gathered.stored["sprints"]), wanted["distinct_ids"]);
    assert_eq!(counted(sprints.values().map(|sprint| sprint.state.clone())), wanted["state"]);
    assert_eq!(counted(sprints.values().filter_map(|sprint| sprint.board_id)), wanted["origin_board"]);
    let late = sprints.values().filter(|sprint| sprint.completed_at > sprint.ends_at).count();
    assert_eq!(json!(late), wanted["completed_late"]);
    let planned: BTreeMap<String, i64> = sprints
        .values()
        .filter_map(|sprint| Some((sprint.sprint_id.to_string(), (sprint.ends_at?.0 - sprint.starts_at?.0) / 1000)))
        .collect();
    assert_eq!(json!(planned), wanted["planned_seconds"]);
    let raw = rows(&recorded, "issues").iter().filter(|issue| issue["fields"]["project"]["key"] == "EE");
    let raw = raw.filter_map(|issue| issue["fields"]["customfield_10020"].as_array()).map(Vec::len).sum::<usize>();
    let listed = gathered.batch.issues.iter().flat_map(|issue| issue.sprints.split(','));
    assert_eq!(listed.filter(|id| sprints.contains_key(&id.parse().unwrap_or_default())).count(), raw);
    assert!(raw >= 28);
}

#[tokio::test(flavor = "multi_thread")]
async fn jira_server_comes_out_as_recorded() {
    let (_, gathered) = jira("recorded/jira_server.json.gz", Flavour::DataCenter, &["DZFNK0168"]).await;
    let (expected, batch) = (expected(), &gathered.batch);
    let wanted = &expected["server"];
    assert_eq!(json!(gathered.stored["issues"]), wanted["distinct_ids"]);
    assert_eq!(counted(batch.issues.iter().map(|issue| issue.project.clone())), wanted["projects"]);
    assert_eq!(counted(batch.issues.iter().map(|issue| issue.r#type.clone())), wanted["issue_types"]);
    assert!(batch.issues.iter().all(|issue| issue.status_category == "to_do" && issue.assignee.is_some()));
    assert_eq!(json!(gathered.stored["issue_links"]), wanted["links"]);
    assert_eq!(counted(batch.issue_links.iter().map(|link| link.r#type.clone())), wanted["link_types"]);
    assert_eq!(json!(batch.issue_changes.len()), wanted["status_transitions"], "only links changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_people_wrote_comes_out_of_jira() {
    let (recorded, gathered) = jira("recorded/jira_cloud.json.gz", Flavour::Cloud, &["EE", "K5"]).await;
    let printed = format!("{:?}{:?}", gathered.batch, gathered.result);
    for issue in rows(&recorded, "issues") {
        assert!(text(&issue["fields"], "summary").len() > 3);
        assert!(!printed.contains(text(&issue["fields"], "summary")));
        let id = text(&issue["fields"]["assignee"], "accountId");
        assert!(id.is_empty() || !printed.contains(id));
    }
}

/// The moment at which the recorded answers are taken to arrive.
const NOW: i64 = 1_795_500_000;

/// Fills in the recording's placeholders: `{{now offset='8 seconds' format='unix'}}`.
fn filled(value: &str) -> String {
    let Some(inner) = value.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")) else {
        return value.to_owned();
    };
    let offset = inner.split("offset='").nth(1).and_then(|rest| rest.split(' ').next());
    let minutes = if inner.contains("minutes'") { 60 } else { 1 };
    let at = NOW + minutes * offset.and_then(|offset| offset.parse::<i64>().ok()).unwrap_or(0);
    if inner.contains("unix") {
        return at.to_string();
    }
    let at = jiff::Timestamp::from_second(at).expect("the moment is fixed");
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// What an answer of a class must lead to.
fn right(class: &str, told: Option<u64>, verdict: &Verdict) -> bool {
    let waits = |least: u64, most: u64| match verdict {
        Verdict::Retry { after: Some(after), .. } => {
            (Duration::from_secs(least)..=Duration::from_secs(most)).contains(after)
        }
        _ => false,
    };
    match class {
        "not modified" => *verdict == Verdict::NotModified,
        "not found" => *verdict == Verdict::NotVisible,
        "redirect" => *verdict == Verdict::Redirect,
        "primary limit, wait for reset" => waits(1, 3601),
        "Retry-After in seconds" | "secondary limit, Retry-After in seconds" => {
            let told = told.expect("this class tells the seconds");
            waits(told, told)
        }
        "secondary limit, Retry-After as date" => waits(8, 60),
        "secondary limit without Retry-After, at least 60 s" => waits(60, 120),
        "invalid request" => matches!(verdict, Verdict::BadQuestion(422)),
        "refused (permission)" => matches!(verdict, Verdict::Scope(_)),
        "service down, retry" => matches!(verdict, Verdict::Retry { .. }),
        "credentials refused" => matches!(verdict, Verdict::Refused(_)),
        other => panic!("the recording has a class that this test does not know: {other}"),
    }
}

#[test]
fn every_recorded_refusal_of_github_is_understood() {
    let recorded = fixture_json("recorded/http.json.gz");
    let exchanges = recorded.as_array().expect("a list of exchanges");
    assert_eq!(exchanges.len(), 51);
    for exchange in exchanges {
        let mut headers = http::HeaderMap::new();
        for pair in rows(exchange, "headers") {
            let name = pair[0].as_str().and_then(|name| name.parse::<http::HeaderName>().ok());
            let value = pair[1].as_str().and_then(|value| filled(value).parse::<http::HeaderValue>().ok());
            headers.extend(name.zip(value));
        }
        let status = u16::try_from(exchange["status"].as_u64().unwrap_or_default()).expect("a status");
        let verdict = policy::classify(Service::Github, status, &headers, text(exchange, "body").as_bytes());
        let told = headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let class = text(exchange, "class");
        assert!(right(class, told, &verdict), "{} {}: {class}: {verdict:?}", exchange["from"], exchange["order"]);
    }
}
