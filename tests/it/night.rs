//! Three nights over a small GitHub and a small Jira: what the second one leaves alone, and what the third one fetches.

use serde_json::json;
use undercurrent::store::{Store, table};

use crate::support::organisation::{self, Organisation, github_lines, jira_lines};
use crate::support::{github, jira};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_night_changes_nothing_and_a_third_fetches_only_what_changed() {
    let (github_server, github) = github::start(organisation::github()).await;
    let (jira_server, jira) = jira::start(organisation::jira()).await;
    let sources = github_lines(&github_server.uri()) + &jira_lines(&jira_server.uri());
    let place = Organisation::new(&sources, "repositories = [\"harbor/payments\"]\njira-projects = [\"PAY\"]", "");
    let asked = || {
        let github = std::mem::take(&mut github.lock().expect("the double stands").asked);
        (github, std::mem::take(&mut jira.lock().expect("the double stands").asked))
    };

    let ended = place.night();
    assert_eq!(ended.exit, 0, "{ended:?}");
    let manifest = place.read("store/MANIFEST");
    let first = asked();
    assert!(place.read("report/latest/payments.html").contains("Payments"));
    let tables = &place.record()["tables"];
    let expected = [("pull_requests", 3), ("reviews", 3), ("commits", 4), ("issues", 2), ("issue_changes", 2)];
    for (name, rows) in expected {
        assert_eq!(tables[name], json!(rows), "{name}");
    }

    github.lock().expect("the double stands").clock = "Wed, 25 Nov 2026 03:00:00 GMT";
    assert_eq!(place.night().exit, 0);
    assert_eq!(place.read("store/MANIFEST"), manifest, "a night without news rewrites nothing");
    let second = asked();
    assert!(second.0.len() < first.0.len() && second.1.len() <= first.1.len(), "{first:?} then {second:?}");
    assert_eq!(second.0, ["rate_limit", "accounts", "glances"]);

    {
        let mut github = github.lock().expect("the double stands");
        let pull = &mut github.repositories[0].pulls[0];
        pull["updatedAt"] = json!("2026-11-25T01:00:00Z");
        pull["mergedAt"] = json!("2026-11-25T01:00:00Z");
        pull["state"] = json!("MERGED");
    }
    assert_eq!(place.night().exit, 0);
    let third = asked();
    assert_eq!(third.0, ["rate_limit", "accounts", "glances", "review_comments", "pull_requests"]);
    let record = place.record();
    let scopes = record["scopes"].as_array().expect("a list of scopes");
    let pulls = scopes.iter().find(|scope| scope["stream"] == "pull_requests").expect("the stream was read");
    // Each with its commit and its review; questions overlap, so that the newest one of the last night comes again.
    assert_eq!(pulls["rows"], json!(2 * 3), "the changed pull request, the newest of before, and no other");
    assert_eq!(record["tables"]["pull_requests"], json!(3));
    let store = Store::open_reader(&place.path("store")).expect("the store opens").expect("there is a store");
    let rows =
        store.read(table("pull_requests").expect("a known table"), &["number", "state"]).expect("it can be read");
    let states = rows.column("state").expect("a column").str().expect("texts").iter().flatten().collect::<Vec<_>>();
    assert_eq!(states.iter().filter(|state| **state == "merged").count(), 1);
}
