//! Jira Cloud and Data Center: issues, changes of allow-listed fields, links and sprints.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

mod answers;
mod client;
mod estimate;
mod rows;

use super::http::CollectError;
use super::{Context, Cursor, Delivery, Meter, ScopeId, ScopeReport};
use crate::model::Batch;
use crate::model::records::{Sprint, Status};
use crate::model::time::Millis;
use answers::{History, Issue};
use client::Client;
pub use estimate::{Cost, OF_A_SITE, estimate};
use rows::{CustomFields, Rows, category, instant};

const QUESTION: &str = include_str!("../../../queries/jira/issues.jql");
const FIELDS: &str = include_str!("../../../queries/jira/fields.txt");
/// What a cursor's question was; a change here means a full walk.
const VERSION: &str = "1";
/// Cloud's search lags behind by seconds to minutes, longer after bulk edits.
const CLOUD_OVERLAP: i64 = 3_600_000;
const SERVER_OVERLAP: i64 = 24 * 3_600_000;
const PAGE: usize = 100;
const MOST_PAGES: u64 = 100_000;

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
    /// Labels that may be stored.
    pub labels: Vec<String>,
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

/// What holds for a whole site.
struct Site {
    custom: CustomFields,
    categories: BTreeMap<String, String>,
}

/// Reads every project; one that fails does not stop the others.
pub async fn collect(source: &JiraSource, context: &Context) -> Vec<ScopeReport> {
    let client = match Client::new(source, Arc::clone(&context.meter)) {
        Ok(client) => client,
        Err(error) => return all_failed(source, &error),
    };
    let site = match site(source, &client, context).await {
        Ok(site) => site,
        Err(error) => return all_failed(source, &error),
    };
    let mut reports = Vec::new();
    for project in &source.projects {
        let walk = Walk { source, client: &client, context, site: &site, project };
        reports.push(walk.report().await);
    }
    if !source.boards.is_empty() {
        reports.push(sprints(source, &client, context).await);
    }
    // Somebody else's answers, or nobody's, must not pass for ours.
    if let Err(error) = client.get("GET /myself", &format!("{}/myself", source.api())).await {
        for report in &mut reports {
            *report = failure(report.id.clone(), &report.label, &error);
        }
    }
    reports
}

fn all_failed(source: &JiraSource, error: &CollectError) -> Vec<ScopeReport> {
    source.projects.iter().map(|project| failure(source.scope("issues", project), project, error)).collect()
}

fn failure(id: ScopeId, label: &str, error: &CollectError) -> ScopeReport {
    ScopeReport { refused: error.is_refused(), ..ScopeReport::failed(id, label, error.to_string()) }
}

fn shape(what: &str) -> CollectError {
    CollectError::Scope(format!("{what} has an unexpected shape"))
}

/// Who asks, custom fields by schema, statuses by id.
async fn site(source: &JiraSource, client: &Client, context: &Context) -> Result<Site, CollectError> {
    let api = source.api();
    let myself = client.get("GET /myself", &format!("{api}/myself")).await?;
    if myself.get("accountId").or_else(|| myself.get("key")).or_else(|| myself.get("name")).is_none() {
        return Err(CollectError::Refused("Jira does not say who asks; check user and token".to_owned()));
    }
    let fields = client.get("GET /field", &format!("{api}/field")).await?;
    let mut custom = custom_fields(&fields);
    if custom.estimate.is_none() {
        custom.estimate = board_estimate(source, client).await?;
    }
    let statuses = client.get("GET /status", &format!("{api}/status")).await?;
    let mut batch = Batch::default();
    for status in statuses.as_array().ok_or_else(|| shape("the list of statuses"))? {
        let Some(status_id) = status.get("id").and_then(Value::as_str) else { continue };
        let key = status.pointer("/statusCategory/key").and_then(Value::as_str);
        batch.statuses.push(Status {
            host: source.host.clone(),
            status_id: status_id.to_owned(),
            category: category(key).to_owned(),
        });
    }
    let categories = batch.statuses.iter().map(|status| (status.status_id.clone(), status.category.clone())).collect();
    context.deliver(Delivery { scope: source.scope("statuses", "all"), batch, cursor: None }).await?;
    Ok(Site { custom, categories })
}

/// Custom fields by what they are, never by name or number; the flag alone is known by its name.
fn custom_fields(fields: &Value) -> CustomFields {
    let mut custom = CustomFields::default();
    for field in fields.as_array().into_iter().flatten() {
        let kind = field.pointer("/schema/custom").and_then(Value::as_str).unwrap_or_default();
        let id = field.get("id").and_then(Value::as_str).map(str::to_owned);
        let name = field.get("name").and_then(Value::as_str).unwrap_or_default();
        match kind.rsplit(':').next().unwrap_or_default() {
            "gh-sprint" => custom.sprint = id,
            "gh-epic-link" => custom.epic = id,
            "jsw-story-points" => custom.estimate = id,
            "multicheckboxes" if name == "Flagged" => custom.flagged = id,
            _ => {}
        }
    }
    custom
}

/// The field in which a company-managed board estimates.
async fn board_estimate(source: &JiraSource, client: &Client) -> Result<Option<String>, CollectError> {
    for board in &source.boards {
        let path = format!("/rest/agile/1.0/board/{board}/configuration");
        match client.get("GET /board/{id}/configuration", &path).await {
            Ok(configuration) => {
                let field = configuration.pointer("/estimation/field/fieldId").and_then(Value::as_str);
                if let Some(field) = field.filter(|field| field.starts_with("customfield_")) {
                    return Ok(Some(field.to_owned()));
                }
            }
            Err(CollectError::NotVisible | CollectError::Scope(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// The sprints of the configured boards; a board without sprints is no error.
async fn sprints(source: &JiraSource, client: &Client, context: &Context) -> ScopeReport {
    let id = source.scope("sprints", "boards");
    let mut batch = Batch::default();
    let mut pages = 0;
    for board in &source.boards {
        let mut start = 0;
        loop {
            let path = format!("/rest/agile/1.0/board/{board}/sprint?startAt={start}&maxResults=50");
            let answer = match client.get("GET /board/{id}/sprint", &path).await {
                Ok(answer) => answer,
                // A kanban board answers 400.
                Err(CollectError::Scope(_)) if start == 0 => break,
                Err(error) => return failure(id, "sprints", &error),
            };
            pages += 1;
            let values = answer.get("values").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            batch.sprints.extend(values.iter().filter_map(|sprint| sprint_row(source, sprint)));
            start += values.len();
            let last = answer.get("isLast").and_then(Value::as_bool).unwrap_or(true);
            if last || values.is_empty() || pages > MOST_PAGES {
                break;
            }
        }
    }
    let rows = batch.sprints.len() as u64;
    match context.deliver(Delivery { scope: id.clone(), batch, cursor: None }).await {
        Ok(()) => ScopeReport::complete(id, "sprints", rows, pages),
        Err(gone) => failure(id, "sprints", &gone.into()),
    }
}

fn sprint_row(source: &JiraSource, sprint: &Value) -> Option<Sprint> {
    Some(Sprint {
        host: source.host.clone(),
        sprint_id: sprint.get("id")?.as_i64()?,
        board_id: sprint.get("originBoardId").and_then(Value::as_i64),
        state: sprint.get("state").and_then(Value::as_str).unwrap_or_default().to_lowercase(),
        starts_at: instant(sprint.get("startDate")),
        ends_at: instant(sprint.get("endDate")),
        completed_at: instant(sprint.get("completeDate")),
    })
}

/// The walk through one project, oldest issue first.
struct Walk<'a> {
    source: &'a JiraSource,
    client: &'a Client,
    context: &'a Context,
    site: &'a Site,
    project: &'a str,
}

impl Walk<'_> {
    async fn report(&self) -> ScopeReport {
        let id = self.source.scope("issues", self.project);
        match self.walk(&id).await {
            Ok((rows, pages)) => {
                let mut report = ScopeReport::complete(id, self.project, rows, pages);
                if rows == 0 && self.known().is_some_and(|cursor| cursor.updated_to > Some(0)) {
                    // The overlap always shows the newest issue again, unless it is no longer visible.
                    report.outcome = super::Outcome::Unchanged;
                }
                report
            }
            Err(error) => failure(id, self.project, &error),
        }
    }

    fn known(&self) -> Option<&Cursor> {
        self.context.cursor(&self.source.scope("issues", self.project), VERSION)
    }

    fn since(&self) -> i64 {
        let overlap = if self.source.flavour == Flavour::Cloud { CLOUD_OVERLAP } else { SERVER_OVERLAP };
        self.known().and_then(|cursor| cursor.updated_to).map_or(self.context.since.0, |seen| seen - overlap)
    }

    async fn walk(&self, id: &ScopeId) -> Result<(u64, u64), CollectError> {
        let rows = Rows {
            host: &self.source.host,
            names: &self.context.pseudonyms,
            custom: &self.site.custom,
            categories: &self.site.categories,
            labels: &self.source.labels,
        };
        let question = QUESTION.trim().replace("{project}", self.project).replace("{since}", &self.since().to_string());
        let mut newest: Option<Millis> = None;
        let (mut count, mut pages) = (0, 0);
        let mut place = Place::default();
        loop {
            let (issues, next) = match self.source.flavour {
                Flavour::Cloud => self.cloud_page(&question, &place).await?,
                Flavour::DataCenter => self.server_page(&question, &place).await?,
            };
            pages += 1;
            let mut batch = Batch::default();
            let mut ids = Vec::new();
            for issue in &issues {
                let issue_id = rows.issue(issue, &mut batch).ok_or_else(|| shape("an issue"))?;
                ids.push(issue_id);
                newest = newest.max(instant(issue.fields.get("updated")));
                for history in issue.changelog.iter().flat_map(|log| &log.histories) {
                    batch.issue_changes.extend(rows.changes(issue_id, history));
                }
            }
            if self.source.flavour == Flavour::Cloud && !ids.is_empty() {
                self.changes(&ids, &rows, &mut batch).await?;
            }
            count += batch.rows() as u64;
            self.context.deliver(Delivery { scope: id.clone(), batch, cursor: None }).await?;
            match next {
                None => break,
                Some(next) if next == place || pages > MOST_PAGES => {
                    return Err(CollectError::Scope("pagination did not advance".to_owned()));
                }
                Some(next) => place = next,
            }
        }
        let before = self.known().and_then(|cursor| cursor.updated_to);
        let cursor = Cursor {
            updated_to: newest.map(|at| at.0).max(before).or(Some(0)),
            scope_hash: VERSION.to_owned(),
            ..Cursor::default()
        };
        self.context.deliver(Delivery { scope: id.clone(), batch: Batch::default(), cursor: Some(cursor) }).await?;
        Ok((count, pages))
    }

    fn fields(&self) -> Vec<String> {
        let plain = FIELDS.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned);
        let custom = &self.site.custom;
        plain.chain([&custom.sprint, &custom.flagged, &custom.estimate].into_iter().flatten().cloned()).collect()
    }

    async fn cloud_page(&self, jql: &str, place: &Place) -> Result<(Vec<Issue>, Option<Place>), CollectError> {
        let mut body = json!({ "jql": jql, "fields": self.fields(), "maxResults": PAGE });
        if let (Some(token), Some(body)) = (&place.token, body.as_object_mut()) {
            body.insert("nextPageToken".to_owned(), json!(token));
        }
        let answer = self.client.post("POST /search/jql", "/rest/api/3/search/jql", &body).await?;
        let issues = issues(&answer)?;
        let token = answer.get("nextPageToken").and_then(Value::as_str).map(str::to_owned);
        let last = answer.get("isLast").and_then(Value::as_bool).unwrap_or(token.is_none());
        if !last && token.is_none() {
            return Err(CollectError::Scope("pagination did not advance".to_owned()));
        }
        Ok((issues, token.filter(|_| !last).map(|token| Place { token: Some(token), start: 0 })))
    }

    async fn server_page(&self, jql: &str, place: &Place) -> Result<(Vec<Issue>, Option<Place>), CollectError> {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("jql", jql)
            .append_pair("startAt", &place.start.to_string())
            .append_pair("maxResults", &PAGE.to_string())
            .append_pair("expand", "changelog")
            .append_pair("fields", &self.fields().join(","))
            .finish();
        let answer = self.client.get("GET /search", &format!("/rest/api/2/search?{query}")).await?;
        let issues = issues(&answer)?;
        for issue in &issues {
            let log = issue.changelog.as_ref();
            if log.and_then(|log| log.total).is_some_and(|total| log.map_or(0, |log| log.histories.len()) < total) {
                return Err(CollectError::Scope(
                    "a changelog is cut off; this server needs its own endpoint for it".to_owned(),
                ));
            }
        }
        let reached = place.start + issues.len();
        let total = answer.get("total").and_then(Value::as_u64).and_then(|total| usize::try_from(total).ok());
        let more = !issues.is_empty() && total.is_none_or(|total| reached < total);
        if issues.is_empty() && total.is_some_and(|total| reached < total) {
            return Err(CollectError::Scope("pagination did not advance".to_owned()));
        }
        Ok((issues, more.then_some(Place { token: None, start: reached })))
    }

    /// The complete changelogs of a page's issues, by allow-listed fields: the search itself would cut them. At most
    /// ten fields go into one question.
    async fn changes(&self, ids: &[i64], rows: &Rows<'_>, batch: &mut Batch) -> Result<(), CollectError> {
        let custom = &self.site.custom;
        let mut fields: Vec<&str> =
            vec!["status", "assignee", "priority", "issuetype", "duedate", "fixVersions", "issuekey"];
        fields.extend([&custom.sprint, &custom.flagged, &custom.estimate].into_iter().flatten().map(String::as_str));
        self.changes_of(&fields, ids, rows, batch).await?;
        let moved: Vec<i64> = {
            let keys = batch.issue_changes.iter().filter(|change| change.field == "key");
            keys.map(|change| change.issue_id).collect()
        };
        // Project and resolution change seldom: the first with the key, the second at the end, told by the issue.
        if moved.is_empty() { Ok(()) } else { self.changes_of(&["project"], &moved, rows, batch).await }
    }

    async fn changes_of(
        &self,
        fields: &[&str],
        ids: &[i64],
        rows: &Rows<'_>,
        batch: &mut Batch,
    ) -> Result<(), CollectError> {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let mut token: Option<String> = None;
        loop {
            let mut body = json!({ "issueIdsOrKeys": ids, "fieldIds": fields, "maxResults": 1000 });
            if let (Some(token), Some(body)) = (&token, body.as_object_mut()) {
                body.insert("nextPageToken".to_owned(), json!(token));
            }
            let answer =
                self.client.post("POST /changelog/bulkfetch", "/rest/api/3/changelog/bulkfetch", &body).await?;
            let logs = answer.get("issueChangeLogs").and_then(Value::as_array).ok_or_else(|| shape("a changelog"))?;
            for log in logs {
                let issue_id = log.get("issueId").and_then(Value::as_str).and_then(|id| id.parse::<i64>().ok());
                let issue_id = issue_id.ok_or_else(|| shape("a changelog"))?;
                for history in log.get("changeHistories").and_then(Value::as_array).into_iter().flatten() {
                    let history: History = serde_json::from_value(history.clone()).map_err(|_| shape("a change"))?;
                    batch.issue_changes.extend(rows.changes(issue_id, &history));
                }
            }
            let next = answer.get("nextPageToken").and_then(Value::as_str).map(str::to_owned);
            match next {
                None => return Ok(()),
                Some(next) if Some(&next) == token.as_ref() => {
                    return Err(CollectError::Scope("pagination did not advance".to_owned()));
                }
                next => token = next,
            }
        }
    }
}

/// Where a walk stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place {
    token: Option<String>,
    start: usize,
}

fn issues(answer: &Value) -> Result<Vec<Issue>, CollectError> {
    let list = answer.get("issues").and_then(Value::as_array).ok_or_else(|| shape("a page of issues"))?;
    list.iter().map(|issue| serde_json::from_value(issue.clone()).map_err(|_| shape("an issue"))).collect()
}

/// What `check` learns about a Jira.
#[derive(Debug, Default)]
pub struct Access {
    /// Whether each project can be seen.
    pub projects: Vec<(String, bool)>,
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
    Ok(access)
}
