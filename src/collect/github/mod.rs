//! GitHub: pull requests with commits and timeline, review comments, commits of the default branch.
//!
//! A night begins with one question about all repositories at a glance; those in which nothing changed cost no more.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use url::Url;

mod answers;
mod app;
mod checks;
mod client;
pub mod entrances;
mod estimate;
mod issues;
mod people;
mod pulls;
mod rows;
mod streams;
mod teams;
mod transport;
mod walk;

use super::http::CollectError;
use super::{Context, Delivery, Meter, Outcome, ScopeId, ScopeReport};
use crate::model::Batch;
use crate::model::records::{Release, Repository};
use crate::model::time::Millis;
use answers::{Glance, Published, part};
pub use app::{App, Credential};
use client::Client;
pub use estimate::{Cost, estimate};
pub use issues::{IssueSource, KnownItem};
pub use people::{own_account, people};
use streams::FirstPage;
pub use teams::{OrganisationTeam, teams};

/// Repositories read at the same time.
const AT_ONCE: usize = 3;
/// Repositories or logins in one question.
const IN_ONE: usize = 50;

/// A GitHub service and what to read from it.
#[derive(Clone, Debug)]
pub struct GithubSource {
    pub url: Url,
    /// `github.com`, or host and port of the address.
    pub host: String,
    pub credential: Credential,
    /// `owner/name`.
    pub repositories: Vec<String>,
    /// Logins of people and automation, to be resolved to numbers.
    pub logins: Vec<String>,
    /// Labels that may be stored.
    pub labels: Vec<String>,
    /// Check runs are read as well.
    pub check_runs: bool,
    /// Keys of tracker projects that may be linked.
    pub projects: Vec<String>,
    pub issues: IssueSource,
}

/// What a night read from GitHub.
#[derive(Debug, Default)]
pub struct Collected {
    pub reports: Vec<ScopeReport>,
    /// Account numbers by login in lower case.
    pub accounts: BTreeMap<String, i64>,
    /// Configured logins that the service does not know.
    pub unresolved: usize,
}

/// The host under which a service's rows stand.
#[must_use]
pub fn host_of(url: &Url) -> String {
    match url.host_str() {
        Some("api.github.com") => "github.com".to_owned(),
        Some(host) => url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
        None => String::new(),
    }
}

/// Reads every repository; one that fails does not stop the others.
pub async fn collect(source: &GithubSource, context: &Context) -> Collected {
    let mut collected = Collected::default();
    let client = match Client::new(&source.url, &source.credential, Arc::clone(&context.meter)).await {
        Ok(client) => client,
        Err(error) => return Collected { reports: all_failed(source, &error), ..collected },
    };
    match accounts(&client, &source.logins).await {
        Ok(accounts) => {
            collected.unresolved = source.logins.len() - accounts.len();
            collected.accounts = accounts;
        }
        Err(error) => return Collected { reports: all_failed(source, &error), ..collected },
    }
    let glances = match glances(&client, &source.repositories).await {
        Ok(glances) => glances,
        Err(error) => return Collected { reports: all_failed(source, &error), ..collected },
    };
    let boards = issues::places(source, &glances);
    let mut early = streams::first_pages(&client, source, context, &glances).await;
    let mut waiting = glances;
    waiting.reverse();
    let mut running = JoinSet::new();
    loop {
        while running.len() < AT_ONCE
            && let Some((name, glance)) = waiting.pop()
        {
            let (client, source, context) = (client.clone(), source.clone(), context.clone());
            let seen = glance.map(|glance| (early.remove(&glance.database_id), glance));
            running.spawn(async move { repository(&client, &source, &context, &name, seen).await });
        }
        match running.join_next().await {
            None => break,
            Some(Ok(reports)) => collected.reports.extend(reports),
            Some(Err(_)) => collected.reports.push(ScopeReport::failed(
                scope(source, "repository", "?"),
                "a repository",
                "reading it was cut off by an internal error",
            )),
        }
    }
    collected.reports.extend(issues::collect(&client, source, context, boards).await);
    collected.reports.sort_by(|left, right| left.id.cmp(&right.id));
    collected
}

fn scope(source: &GithubSource, stream: &str, scope: &str) -> ScopeId {
    ScopeId { source: format!("github:{}", source.host), stream: stream.to_owned(), scope: scope.to_owned() }
}

fn all_failed(source: &GithubSource, error: &CollectError) -> Vec<ScopeReport> {
    let failed = |name: &String| failure(scope(source, "repository", name), name, error);
    source.repositories.iter().map(failed).collect()
}

/// A failed scope, with the reason and whether the credentials were refused.
fn failure(id: ScopeId, label: &str, error: &CollectError) -> ScopeReport {
    ScopeReport { refused: error.is_refused(), ..ScopeReport::failed(id, label, error.to_string()) }
}

/// The report of a scope in whose answers the service left out so much as null. It was read to its end and is not asked
/// for that again, since the service shows it to nobody with these credentials.
fn without(report: ScopeReport, lost: u64) -> ScopeReport {
    if lost == 0 {
        return report;
    }
    let parts = if lost == 1 { "one part".to_owned() } else { format!("{lost} parts") };
    let reason = format!("the service left out {parts} of its answers (null); check that the token may read all of it");
    ScopeReport { outcome: Outcome::Incomplete, reason: Some(reason), to_end: true, ..report }
}

/// Resolves logins to account numbers, many in one question.
async fn accounts(client: &Client, logins: &[String]) -> Result<BTreeMap<String, i64>, CollectError> {
    let mut accounts = BTreeMap::new();
    for chunk in logins.chunks(2 * IN_ONE) {
        let query = accounts_question(chunk);
        let answer = client.graphql("accounts", &query, &json!({})).await?.value;
        for (at, login) in chunk.iter().enumerate() {
            let number = answer.pointer(&format!("/data/u{at}/databaseId")).and_then(Value::as_i64);
            accounts.extend(number.map(|number| (login.to_lowercase(), number)));
        }
    }
    Ok(accounts)
}

fn accounts_question(logins: &[String]) -> String {
    let asked = logins.iter().enumerate();
    let asked = asked.map(|(at, login)| format!("u{at}: user(login: {}) {{ databaseId }}", json!(login)));
    format!("query {{ rateLimit {{ cost }} {} }}", asked.collect::<Vec<_>>().join(" "))
}

fn glances_question(names: &[String]) -> String {
    let asked = names.iter().enumerate().map(|(at, full)| {
        let (owner, name) = full.split_once('/').unwrap_or((full, ""));
        format!("r{at}: repository(owner: {}, name: {}) {{ ...Glance }}", json!(owner), json!(name))
    });
    format!("query {{ rateLimit {{ cost }} {} }}", asked.collect::<Vec<_>>().join(" "))
}

/// Every GraphQL question that the program can ask, by name, as it is sent: what is asked for can be read and checked
/// against GitHub's published schema. Lists that a question is built from are filled to their largest size.
#[must_use]
pub fn questions() -> Vec<(&'static str, String)> {
    let many = |count: usize, text: &str| vec![text.to_owned(); count];
    let mut questions = pulls::questions();
    questions.extend(issues::questions());
    questions.push(("people", people::PEOPLE.to_owned()));
    questions.push(("viewer", people::VIEWER.to_owned()));
    questions.extend(streams::questions());
    questions.extend(teams::questions());
    questions.push(("check runs", checks::question(&many(checks::IN_ONE, "some-id"))));
    questions.push(("accounts", accounts_question(&many(2 * IN_ONE, "some-\"login\""))));
    questions.push(("repositories", glances_question(&many(IN_ONE, "some/name"))));
    questions.into_iter().map(|(name, question)| (name, client::with_fragments(&question))).collect()
}

/// Looks at every repository; `None` for one that cannot be seen.
async fn glances(client: &Client, names: &[String]) -> Result<Vec<(String, Option<Glance>)>, CollectError> {
    let mut glances = Vec::new();
    for chunk in names.chunks(IN_ONE) {
        let query = glances_question(chunk);
        let answer = client.graphql("repositories", &query, &json!({})).await?.value;
        for (at, name) in chunk.iter().enumerate() {
            glances.push((name.clone(), part(&answer, &["data", &format!("r{at}")])));
        }
    }
    Ok(glances)
}

/// Reads one repository: review comments, pull requests, then commits of the default branch.
async fn repository(
    client: &Client,
    source: &GithubSource,
    context: &Context,
    name: &str,
    seen: Option<(Option<FirstPage>, Glance)>,
) -> Vec<ScopeReport> {
    let Some((early, glance)) = seen else {
        return vec![failure(scope(source, "repository", name), name, &CollectError::NotVisible)];
    };
    let id = scope(source, "repository", &glance.database_id.to_string());
    let batch = Batch {
        repositories: vec![Repository {
            host: source.host.clone(),
            repository_id: glance.database_id,
            name: glance.name_with_owner.clone(),
            archived: glance.is_archived,
            empty: glance.is_empty,
            visible: true,
        }],
        releases: glance.releases.nodes.iter().filter_map(|one| release(one, &source.host, &glance)).collect(),
        ..Batch::default()
    };
    if context.deliver(Delivery { scope: id.clone(), batch, cursor: None }).await.is_err() {
        return vec![failure(id, name, &CollectError::StoreGone)];
    }
    if glance.is_empty {
        return vec![ScopeReport::complete(id, name, 0, 0)];
    }
    let walk = walk::Walk::new(client, source, context, name, &glance);
    let mut reports = walk.everything(early).await;
    if glance.releases.lost > 0 {
        reports.push(without(ScopeReport::complete(id, name, 0, 0), glance.releases.lost));
    }
    for report in &mut reports {
        if report.outcome == Outcome::Complete && report.rows == 0 {
            report.outcome = Outcome::Unchanged;
        }
    }
    reports
}

/// A release that is out for everybody.
fn release(one: &Published, host: &str, glance: &Glance) -> Option<Release> {
    if one.is_draft || one.is_prerelease {
        return None;
    }
    Some(Release {
        host: host.to_owned(),
        repository_id: glance.database_id,
        release_id: one.database_id?,
        published_at: rows::instant(one.published_at.as_deref())?,
    })
}

/// What `check` learns about a service.
#[derive(Debug, Default)]
pub struct Access {
    /// The scopes that the token names; empty for fine-grained tokens.
    pub scopes: Vec<String>,
    pub expires: Option<String>,
    /// Requests left in this hour.
    pub remaining: Option<u64>,
    /// Whether each repository can be seen.
    pub repositories: Vec<(String, bool)>,
    /// Configured logins that the service does not know.
    pub unresolved: usize,
    /// The service's own clock.
    pub server: Option<Millis>,
}

impl Access {
    /// Scopes that could write.
    #[must_use]
    pub fn write_scopes(&self) -> Vec<&str> {
        let writes = |scope: &&str| {
            matches!(*scope, "repo" | "public_repo" | "workflow" | "delete_repo" | "gist" | "user" | "codespace")
                || scope.starts_with("write:")
                || scope.ends_with(":write")
                || scope.starts_with("admin:")
        };
        self.scopes.iter().map(String::as_str).filter(writes).collect()
    }
}

/// Looks at credentials and visibility without reading anything else.
///
/// # Errors
/// [`CollectError`] where the service cannot be reached or refuses the token.
pub async fn check(source: &GithubSource, meter: Arc<Meter>) -> Result<Access, CollectError> {
    let client = Client::new(&source.url, &source.credential, meter).await?;
    let answer = client.rest("GET /rate_limit", "/rate_limit").await?;
    let scopes = answer.header("x-oauth-scopes").unwrap_or_default();
    let accounts = accounts(&client, &source.logins).await?;
    let glances = glances(&client, &source.repositories).await?;
    let scopes = scopes.split(',').map(|scope| scope.trim().to_owned()).filter(|scope| !scope.is_empty());
    Ok(Access {
        scopes: scopes.chain(client.writes().iter().cloned()).collect(),
        expires: answer.header("github-authentication-token-expiration").map(str::to_owned),
        remaining: answer.header("x-ratelimit-remaining").and_then(|left| left.parse().ok()),
        repositories: glances.into_iter().map(|(name, glance)| (name, glance.is_some())).collect(),
        unresolved: source.logins.len() - accounts.len(),
        server: client::date(&answer),
    })
}
