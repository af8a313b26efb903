//! G17: a token that could write is refused where the service tells, and where it cannot be asked nothing is read with it.

use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::organisation::{self, Organisation, github_lines, jira_lines};
use crate::support::{github, jira};

const TEAM: &str = "repositories = [\"harbor/payments\"]";
const TRACKER: &str = "jira-projects = [\"PAY\"]";

/// What a night with a token of these scopes comes to: exit code, pull requests that were stored, what was asked.
async fn night(scopes: Option<&'static str>, lines: &str) -> (i32, Value, Vec<String>, String) {
    let (server, state) = github::start(github::Github { scopes, ..organisation::github() }).await;
    let place = Organisation::new(&(github_lines(&server.uri()) + lines), TEAM, "");
    let ended = place.night();
    let rows = place.record()["tables"]["pull_requests"].clone();
    let asked = state.lock().expect("the double stands").asked.clone();
    (ended.exit, rows, asked, ended.complained)
}

#[tokio::test(flavor = "multi_thread")]
async fn g17_a_token_with_any_scope_that_could_write_reads_nothing() {
    for scope in
        ["repo", "public_repo", "workflow", "write:packages", "admin:org", "read:org, delete_repo", "gist", "user"]
    {
        let (exit, rows, asked, said) = night(Some(scope), "").await;
        assert_eq!((exit, rows), (4, json!(0)), "{scope}: {said}");
        assert!(said.contains("could write") && said.contains("allow-write-scopes"), "{scope}: {said}");
        assert!(asked.iter().all(|one| one == "rate_limit"), "{scope}: {asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g17_a_token_that_may_only_read_is_taken_and_so_is_one_that_the_configuration_allows() {
    for (scopes, lines) in
        [(None, ""), (Some(""), ""), (Some("read:org, read:user"), ""), (Some("repo"), "allow-write-scopes = true\n")]
    {
        let (exit, rows, _, said) = night(scopes, lines).await;
        assert_eq!((exit, rows), (0, json!(3)), "{scopes:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g17_where_the_scopes_cannot_be_asked_nothing_else_is_asked_with_the_token() {
    let server = MockServer::builder().start().await;
    let broken = ResponseTemplate::new(500).insert_header("retry-after", "0").set_body_string("{}");
    Mock::given(any()).respond_with(broken).mount(&server).await;
    let place = Organisation::new(&github_lines(&server.uri()), TEAM, "");
    let ended = place.night();
    assert_eq!(ended.exit, 3, "{ended:?}");
    assert!(ended.complained.contains("what the token may do could not be asked"), "{ended:?}");
    let asked = server.received_requests().await.unwrap_or_default();
    assert!(!asked.is_empty() && asked.iter().all(|one| one.url.path() == "/rate_limit"), "{asked:?}");
}

/// What `check` says of a Jira whose account has these permissions.
async fn checked(permissions: Option<Value>, lines: &str) -> (i32, String) {
    let (server, _) = jira::start(jira::Jira { permissions, ..organisation::jira() }).await;
    let place = Organisation::new(&(jira_lines(&server.uri()) + lines), TRACKER, "");
    let ended = place.run(&["check"]);
    (ended.exit, ended.printed)
}

#[tokio::test(flavor = "multi_thread")]
async fn g17_check_tells_what_the_account_of_a_jira_may_do_beyond_reading() {
    let some = |names: &[&str]| {
        let one = |name: &&str| ((*name).to_owned(), json!({ "havePermission": true }));
        let mut all: serde_json::Map<String, Value> = names.iter().map(one).collect();
        all.insert("DELETE_ISSUES".to_owned(), json!({ "havePermission": false }));
        Some(Value::Object(all))
    };
    let (exit, said) = checked(some(&["EDIT_ISSUES", "ADD_COMMENTS"]), "").await;
    assert!(exit == 3 && said.contains("WRONG") && said.contains("(EDIT_ISSUES, ADD_COMMENTS)"), "{said}");
    let (exit, said) = checked(some(&["EDIT_ISSUES"]), "allow-write-scopes = true\n").await;
    assert!(exit == 0 && said.contains("may do more than read, as configured"), "{said}");
    let (exit, said) = checked(some(&[]), "").await;
    assert!(exit == 0 && said.contains("may read and nothing else"), "{said}");
    let (exit, said) = checked(None, "").await;
    assert!(exit == 0 && said.contains("does not tell what the account may do"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn g17_check_names_the_rights_that_a_token_needs_where_the_service_does_not_tell_them() {
    let (server, _) = github::start(github::Github { scopes: None, ..organisation::github() }).await;
    let place = Organisation::new(&github_lines(&server.uri()), TEAM, "");
    let said = place.run(&["check"]).printed;
    assert!(said.contains("Metadata, Contents, Pull requests and Issues, all read-only"), "{said}");
}
