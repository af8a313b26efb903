//! Jira Cloud and Data Center: issues, changes of allow-listed fields, links and sprints.
//!
//! `site` learns what holds for all of it, `walk` reads what changed in a project, `reader` makes rows of pages,
//! `census` finds what disappeared, `sprints` reads the boards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use secrecy::SecretString;
use url::Url;

mod answers;
mod census;
mod changes;
mod client;
pub mod entrances;
mod estimate;
mod fields;
mod people;
mod reader;
mod rows;
mod site;
mod sprints;
mod walk;

pub use census::{KnownIssues, Stored};

use super::http::CollectError;
use super::{Context, Meter, Outcome, ScopeId, ScopeReport};
use crate::model::time::Millis;
use census::Census;
use changes::{BULK, Changes};
use client::Client;
pub use estimate::{Cost, OF_A_SITE, estimate};
pub use people::{own_account, people};
use reader::{Project, Reader};
use walk::{Mark, Walk, Walked};

const HOUR: i64 = 3_600_000;
const WEEK: i64 = 7 * 24 * HOUR;

/// Which kind of Jira.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    Cloud,
    DataCenter,
}

/// A Jira and what to read from it.
#[derive(Clone, Debug)]
pub struct JiraSource {
    pub url: Url,
    /// Host and port of the address.
    pub host: String,
    pub flavour: Flavour,
    pub user: Option<String>,
    pub token: SecretString,
    pub projects: Vec<String>,
    pub boards: Vec<i64>,
    /// Projects of teams that name no board: theirs are looked for.
    pub boardless: Vec<String>,
    /// Labels that may be stored.
    pub labels: Vec<String>,
    /// What the store holds of this host.
    pub known: KnownIssues,
    /// Any number of vanished issues is taken for deleted.
    pub accept_gone: bool,
    /// The configuration says that the account may do more than read.
    pub allow_write: bool,
}

/// The host under which a service's rows stand.
#[must_use]
pub fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

impl JiraSource {
    fn scope(&self, stream: &str, scope: &str) -> ScopeId {
        ScopeId { source: format!("jira:{}", self.host), stream: stream.to_owned(), scope: scope.to_owned() }
    }

    /// The root of the interface that gives plain text, or the newest.
    fn api(&self) -> &'static str {
        match self.flavour {
            Flavour::Cloud => "/rest/api/3",
            Flavour::DataCenter => "/rest/api/2",
        }
    }
}

/// A project's report, with what a census of it needs where its walk came to an end.
struct Reading {
    report: ScopeReport,
    walked: Option<(Project, Walked, String)>,
}

/// Reads every project; one that fails does not stop the others, but refused credentials do: trying again would only
/// lock the account deeper.
pub async fn collect(source: &JiraSource, context: &Context) -> Vec<ScopeReport> {
    let client = match Client::new(source, Arc::clone(&context.meter)) {
        Ok(client) => client,
        Err(error) => return all_failed(source, context, &error),
    };
    let site = match site::site(source, &client, context).await {
        Ok(site) => site,
        Err(error) => return all_failed(source, context, &error),
    };
    let reader = Reader::new(source, &client, context, &site);
    let mut readings: Vec<Reading> = Vec::new();
    let mut refused: Option<CollectError> = None;
    let mut open: Vec<Open<'_>> = Vec::new();
    for label in &source.projects {
        match read_project(&reader, label, &mut refused).await {
            Ok(walk) => open.push(walk),
            Err(reading) => readings.push(reading),
        }
        if open.iter().map(|one| one.walk.pending().len()).sum::<usize>() >= BULK {
            finish(&reader, std::mem::take(&mut open), &mut readings, &mut refused).await;
        }
    }
    finish(&reader, open, &mut readings, &mut refused).await;
    count(&reader, &mut readings, &mut refused).await;
    let mut reports: Vec<ScopeReport> = readings.into_iter().map(|reading| reading.report).collect();
    if refused.is_none() && !(source.boards.is_empty() && source.boardless.is_empty()) {
        reports.extend(sprints::sprints(source, &client, context, &site).await);
    }
    // Somebody else's answers, or nobody's, must not pass for ours.
    if refused.is_none()
        && let Err(error) = client.get("GET /myself", &format!("{}/myself", source.api())).await
    {
        for report in &mut reports {
            *report = failure(report.id.clone(), &report.label, &error);
        }
    }
    reports
}

/// A walk that has come to its end but for the changes of its last issues.
struct Open<'a> {
    label: &'a str,
    walk: Walk<'a>,
    /// The key under which the project's issues were stored before.
    old_key: String,
}

/// Walks through a project; `Err` is the report of one that failed.
async fn read_project<'a>(
    reader: &'a Reader<'a>,
    label: &'a str,
    refused: &mut Option<CollectError>,
) -> Result<Open<'a>, Reading> {
    if let Some(error) = refused {
        return Err(failed_reading(reader, label, error));
    }
    let result = async {
        let project = reader.project(label).await?;
        let old_key = Mark::of(reader.context.cursors.get(&reader.source.scope("issues", &project.id))).key;
        let mut walk = Walk::new(reader, project);
        walk.read().await?;
        Ok(Open { label, walk, old_key })
    };
    result.await.map_err(|error| given_up(reader, label, error, refused))
}

fn failed_reading(reader: &Reader<'_>, label: &str, error: &CollectError) -> Reading {
    Reading { report: failed_project(reader.source, reader.context, label, error), walked: None }
}

/// The report of a project that failed; refused credentials are taken note of.
fn given_up(reader: &Reader<'_>, label: &str, error: CollectError, refused: &mut Option<CollectError>) -> Reading {
    let error = explained(error);
    let reading = failed_reading(reader, label, &error);
    if error.is_refused() {
        *refused = Some(error);
    }
    reading
}

/// Ends some walks: those of projects that are read alike share the questions about changes.
async fn finish(
    reader: &Reader<'_>,
    open: Vec<Open<'_>>,
    readings: &mut Vec<Reading>,
    refused: &mut Option<CollectError>,
) {
    let mut alike: BTreeMap<Vec<String>, Vec<Open<'_>>> = BTreeMap::new();
    for one in open {
        alike.entry(one.walk.project.estimates.clone()).or_default().push(one);
    }
    for group in alike.into_values() {
        let changes = shared_changes(reader, &group, refused).await;
        for one in group {
            if let Some(error) = refused {
                readings.push(failed_reading(reader, one.label, error));
                continue;
            }
            let own = changes.as_ref().map(|changes| changes.of(&one.walk.pending()));
            let (label, old_key) = (one.label, one.old_key);
            let reading = match one.walk.finish(own).await {
                Ok((project, walked)) => finished(reader, label, project, walked, old_key),
                Err(error) => given_up(reader, label, error, refused),
            };
            readings.push(reading);
        }
    }
}

/// The changes of all pending issues of some projects. `None` where each has to ask for its own: a single one, a server,
/// or projects of which one spoils the question for all.
async fn shared_changes(
    reader: &Reader<'_>,
    group: &[Open<'_>],
    refused: &mut Option<CollectError>,
) -> Option<Changes> {
    let ids: BTreeSet<i64> = group.iter().flat_map(|one| one.walk.pending()).collect();
    let [first, _, ..] = group else { return None };
    if ids.is_empty() || refused.is_some() {
        return None;
    }
    match reader.changes(&first.walk.project, &ids).await {
        Ok(changes) => Some(changes),
        Err(error) => {
            *refused = Some(error).filter(CollectError::is_refused);
            None
        }
    }
}

fn finished(reader: &Reader<'_>, label: &str, project: Project, walked: Walked, old_key: String) -> Reading {
    let id = reader.source.scope("issues", &project.id);
    let mut report = ScopeReport::complete(id, label, walked.rows, walked.pages);
    let left_out = walked.unreadable + walked.left_out.len() as u64;
    if left_out > 0 {
        incomplete(&mut report, format!("{left_out} issues could not be read whole; they are asked for again"));
    }
    Reading { report, walked: Some((project, walked, old_key)) }
}

/// The censuses, after all walks: what moved from one project to another has been seen by then.
async fn count(reader: &Reader<'_>, readings: &mut [Reading], refused: &mut Option<CollectError>) {
    let walked = readings.iter().filter_map(|reading| reading.walked.as_ref());
    let delivered: BTreeSet<i64> = walked.flat_map(|(_, walked, _)| walked.delivered.iter().copied()).collect();
    for reading in readings {
        let Some((project, walked, old_key)) = &reading.walked else { continue };
        if refused.is_some() {
            continue;
        }
        match Census::new(reader, project, old_key, &delivered).take(walked.behind, &walked.expected).await {
            Ok(counted) => {
                reading.report.rows += counted.rows;
                reading.report.pages += counted.pages;
                if let Some(reason) = counted.reason {
                    incomplete(&mut reading.report, reason);
                }
            }
            Err(error) => {
                incomplete(&mut reading.report, format!("whether issues were deleted could not be found out: {error}"));
                *refused = Some(error).filter(CollectError::is_refused);
            }
        }
    }
}

fn incomplete(report: &mut ScopeReport, reason: String) {
    report.outcome = Outcome::Incomplete;
    report.reason = Some(match report.reason.take() {
        Some(other) => format!("{other}; {reason}"),
        None => reason,
    });
}

/// An error with its way out, where it is the wrong kind of Jira that was asked.
fn explained(error: CollectError) -> CollectError {
    match error {
        CollectError::BadQuestion(410) => CollectError::Scope(
            "this Jira has taken away the search of flavour = \"data-center\" (HTTP 410); set flavour = \"cloud\""
                .to_owned(),
        ),
        other => other,
    }
}

fn all_failed(source: &JiraSource, context: &Context, error: &CollectError) -> Vec<ScopeReport> {
    source.projects.iter().map(|label| failed_project(source, context, label, error)).collect()
}

/// A failed project under the number that an earlier night knew it by, so that what is known of it stays known.
fn failed_project(source: &JiraSource, context: &Context, label: &str, error: &CollectError) -> ScopeReport {
    let named = source.scope("issues", label);
    let own = context.cursors.iter().find(|(id, cursor)| {
        id.source == named.source && id.stream == named.stream && Mark::of(Some(cursor)).key.eq_ignore_ascii_case(label)
    });
    failure(own.map_or(named, |(id, _)| id.clone()), label, error)
}

fn failure(id: ScopeId, label: &str, error: &CollectError) -> ScopeReport {
    ScopeReport { refused: error.is_refused(), ..ScopeReport::failed(id, label, error.to_string()) }
}

fn shape(what: &str) -> CollectError {
    CollectError::Scope(format!("{what} has an unexpected shape"))
}

/// What `check` learns about a Jira.
#[derive(Debug, Default)]
pub struct Access {
    /// Whether each project can be seen.
    pub projects: Vec<(String, bool)>,
    /// What the account may do beyond reading; `None` where the service does not tell.
    pub writes: Option<Vec<String>>,
    /// The service's own clock, where it tells it.
    pub server: Option<Millis>,
}

/// Permissions beyond reading that are asked about: one question, whatever the account may do.
const WRITES: [&str; 7] = [
    "ADMINISTER",
    "CREATE_ISSUES",
    "EDIT_ISSUES",
    "TRANSITION_ISSUES",
    "DELETE_ISSUES",
    "ADD_COMMENTS",
    "MANAGE_SPRINTS_PERMISSION",
];

/// What the account may do beyond reading, in any project; `None` where the service does not tell.
async fn writes(source: &JiraSource, client: &Client) -> Result<Option<Vec<String>>, CollectError> {
    let path = format!("{}/mypermissions?permissions={}", source.api(), WRITES.join(","));
    let answer = match client.get("GET /mypermissions", &path).await {
        Err(CollectError::NotVisible | CollectError::BadQuestion(_)) => return Ok(None),
        answer => answer?,
    };
    let Some(all) = answer.get("permissions").and_then(serde_json::Value::as_object) else { return Ok(None) };
    let has = |name: &&str| all.get(*name).and_then(|one| one.get("havePermission")?.as_bool()) == Some(true);
    Ok(Some(WRITES.iter().filter(|name| has(name)).map(|name| (*name).to_owned()).collect()))
}

/// Looks at credentials and visibility without reading anything else.
///
/// # Errors
/// [`CollectError`] where the service cannot be reached or refuses the credentials.
pub async fn check(source: &JiraSource, meter: Arc<Meter>) -> Result<Access, CollectError> {
    client::verify(&source.url, source.user.as_deref(), &source.token).await?;
    let client = Client::new(source, meter)?;
    let mut access = Access::default();
    for project in &source.projects {
        let path = format!("{}/project/{project}", source.api());
        let seen = match client.get("GET /project/{key}", &path).await {
            Ok(_) => true,
            Err(CollectError::NotVisible) => false,
            Err(error) => return Err(error),
        };
        access.projects.push((project.clone(), seen));
    }
    access.writes = writes(source, &client).await?;
    access.server = site::server_time(source, &client).await?;
    Ok(access)
}
