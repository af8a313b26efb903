//! How much a reading would cost: one question about up to fifty repositories, and nothing else.

use std::sync::Arc;

use serde_json::{Value, json};

use super::client::Client;
use super::{GithubSource, IN_ONE, scope};
use crate::collect::Meter;
use crate::collect::http::CollectError;
use crate::model::Cursors;
use crate::model::time::Millis;

/// Pull requests, review comments or commits on one page.
const PULLS: u64 = 25;
const HUNDRED: u64 = 100;
/// Review comments of a pull request, generously.
const COMMENTS: u64 = 4;
/// Points of a page of pull requests on a first reading.
const POINTS: u64 = 2;
/// What a later night needs of a repository in which something changed: a larger page of pull requests, the counts of
/// its reviews, a page of review comments, one of commits.
const LATER: (u64, u64) = (4, 3 + 1 + 1);

/// What a repository's reading would cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    pub repository: String,
    /// `None` for a repository that the token cannot see.
    pub requests: Option<u64>,
    pub points: u64,
    /// The repository has been read before, so that a page of each stream is what a night usually needs.
    pub continues: bool,
}

/// Asks how many pull requests and commits there are, and computes what reading them would cost. `since` is how far
/// back a first reading goes.
///
/// # Errors
/// [`CollectError`] where the service cannot be reached or refuses the token.
pub async fn estimate(
    source: &GithubSource,
    cursors: &Cursors,
    since: Millis,
    meter: Arc<Meter>,
) -> Result<Vec<Cost>, CollectError> {
    let client = Client::new(&source.url, &source.credential, meter).await?;
    let mut costs = Vec::new();
    for chunk in source.repositories.chunks(IN_ONE) {
        let answer = client.graphql("estimate", &question(chunk, since), &json!({})).await?.value;
        for (at, name) in chunk.iter().enumerate() {
            let repository = answer.pointer(&format!("/data/r{at}")).filter(|found| !found.is_null());
            costs.push(cost(name, repository, source, cursors));
        }
    }
    Ok(costs)
}

fn question(names: &[String], since: Millis) -> String {
    let since = json!(since.to_timestamp().to_string());
    let asked = names.iter().enumerate().map(|(at, full)| {
        let (owner, name) = full.split_once('/').unwrap_or((full, ""));
        format!(
            "r{at}: repository(owner: {}, name: {}) {{ databaseId \
             pulls: pullRequests(first: 1, orderBy: {{field: UPDATED_AT, direction: DESC}}) \
             {{ totalCount nodes {{ updatedAt }} }} \
             defaultBranchRef {{ target {{ ... on Commit {{ history(first: 1, since: {since}) {{ totalCount }} }} }} }} }}",
            json!(owner),
            json!(name),
        )
    });
    format!("query {{ rateLimit {{ cost }} {} }}", asked.collect::<Vec<_>>().join(" "))
}

fn cost(name: &str, repository: Option<&Value>, source: &GithubSource, cursors: &Cursors) -> Cost {
    let unseen = Cost { repository: name.to_owned(), requests: None, points: 0, continues: false };
    let Some(repository) = repository else { return unseen };
    let number = |path: &str| repository.pointer(path).and_then(Value::as_u64).unwrap_or(0);
    let id = scope(source, "pull_requests", &number("/databaseId").to_string());
    if let Some(read_to) = cursors.get(&id).and_then(|cursor| cursor.updated_to) {
        let newest = repository.pointer("/pulls/nodes/0/updatedAt").and_then(Value::as_str);
        let newest = newest.and_then(|text| text.parse().ok()).map(Millis::from_timestamp);
        let changed = newest.is_some_and(|newest| newest.0 > read_to);
        let (requests, points) = if changed { LATER } else { (0, 0) };
        return Cost { requests: Some(requests), points, continues: true, ..unseen };
    }
    let (pulls, commits) = (number("/pulls/totalCount"), number("/defaultBranchRef/target/history/totalCount"));
    let (pull_pages, commit_pages) = (pulls.div_ceil(PULLS), commits.div_ceil(HUNDRED));
    let requests = pull_pages + (pulls * COMMENTS).div_ceil(HUNDRED) + commit_pages;
    Cost { requests: Some(requests), points: pull_pages * POINTS + commit_pages, ..unseen }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Cursor;

    fn source() -> GithubSource {
        GithubSource {
            url: "https://api.github.com".parse().unwrap(),
            host: "github.com".to_owned(),
            credential: super::super::Credential::Token(String::new().into()),
            check_runs: false,
            repositories: vec!["harbor/web".to_owned()],
            logins: vec![],
            labels: vec![],
            projects: vec![],
            issues: super::super::IssueSource::default(),
        }
    }

    fn answer() -> Value {
        json!({
            "databaseId": 7,
            "pulls": { "totalCount": 1000, "nodes": [{ "updatedAt": "2026-03-01T10:00:00Z" }] },
            "defaultBranchRef": { "target": { "history": { "totalCount": 450 } } },
        })
    }

    #[test]
    fn a_first_reading_costs_pages_of_pull_requests_comments_and_commits() {
        let cost = cost("harbor/web", Some(&answer()), &source(), &Cursors::new());
        assert_eq!((cost.requests, cost.points, cost.continues), (Some(40 + 40 + 5), 80 + 5, false));
    }

    #[test]
    fn a_repository_that_was_read_costs_nothing_until_something_changes() {
        let read_to = |text: &str| {
            let at = Millis::from_timestamp(text.parse().unwrap()).0;
            let cursor = Cursor { updated_to: Some(at), ..Cursor::default() };
            let cursors = Cursors::from([(scope(&source(), "pull_requests", "7"), cursor)]);
            cost("harbor/web", Some(&answer()), &source(), &cursors).requests
        };
        assert_eq!(read_to("2026-03-01T10:00:00Z"), Some(0));
        assert_eq!(read_to("2026-03-01T09:59:59Z"), Some(4));
    }

    #[test]
    fn a_repository_that_the_token_cannot_see_has_no_estimate() {
        assert_eq!(cost("harbor/web", None, &source(), &Cursors::new()).requests, None);
    }
}
