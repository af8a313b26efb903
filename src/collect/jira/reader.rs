//! Asks one Jira for pages of issues and for their changes, and makes a batch of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use serde_json::{Value, json};

use super::answers::{Issue, is_key, number, text};
use super::changes::{Changes, Log};
use super::client::Client;
use super::fields::ChangedFields;
use super::rows::{Rows, epic_key};
use super::site::Site;
use super::{Flavour, JiraSource, shape};
use crate::collect::Context;
use crate::collect::http::CollectError;
use crate::model::records::PersonAccount;
use crate::model::{BOT, Batch, Replaced};

const FIELDS: &str = include_str!("../../../queries/jira/fields.txt");
const BY_ID: &str = include_str!("../../../queries/jira/by_id.jql");
const BY_KEY: &str = include_str!("../../../queries/jira/by_key.jql");
/// Issues in a page of a search that brings fields.
pub const PAGE: usize = 100;
/// Issues in a page of a search that brings numbers only.
const IDS_CLOUD: usize = 5000;
const IDS_SERVER: usize = 1000;
pub const MOST_PAGES: u64 = 100_000;

/// The source under which accounts of apps are linked to automation: what the configuration names stands under another.
const APPS: &str = "jira-app";

/// A project that the credentials can see.
#[derive(Debug)]
pub struct Project {
    /// Its number, which outlives its key.
    pub id: String,
    pub key: String,
    pub estimates: Vec<String>,
    pub changed: ChangedFields,
}

/// Issues of one project made into rows.
#[derive(Debug, Default)]
pub struct Harvest {
    pub batch: Batch,
    /// Issues that could not be read whole.
    pub left_out: BTreeSet<i64>,
}

/// A page of a search.
#[derive(Debug)]
pub struct Page {
    pub issues: Vec<Value>,
    /// Cloud: where to go on.
    pub token: Option<String>,
    /// Data Center: how many there are.
    pub total: Option<usize>,
}

/// Everything that reading a site's issues needs.
pub struct Reader<'a> {
    pub source: &'a JiraSource,
    pub client: &'a Client,
    pub context: &'a Context,
    pub site: &'a Site,
    /// Numbers of epics by key; `None` where it cannot be seen.
    epics: Mutex<BTreeMap<String, Option<i64>>>,
}

impl<'a> Reader<'a> {
    /// A reader of a site.
    #[must_use]
    pub fn new(source: &'a JiraSource, client: &'a Client, context: &'a Context, site: &'a Site) -> Self {
        Self { source, client, context, site, epics: Mutex::default() }
    }

    /// The project behind a configured key: its number, under which everything else is kept.
    ///
    /// # Errors
    /// [`CollectError::NotVisible`] where it cannot be seen.
    pub async fn project(&self, label: &str) -> Result<Project, CollectError> {
        let name: String = url::form_urlencoded::byte_serialize(label.as_bytes()).collect();
        let answer = self.client.get("GET /project/{key}", &format!("{}/project/{name}", self.source.api())).await?;
        let id = number(answer.get("id")).ok_or_else(|| shape("a project"))?.to_string();
        let key = text(answer.get("key")).ok_or_else(|| shape("a project"))?;
        let estimates = self.site.estimates(&id, &key);
        let changed = ChangedFields::of(&self.site.custom, &estimates);
        Ok(Project { id, key, estimates, changed })
    }

    /// The fields that are asked of an issue. Comments are not among them: Jira gives them with their bodies only, and
    /// what the comment signals need is in GitHub's threads.
    fn fields(&self, project: &Project) -> Vec<String> {
        let plain = FIELDS.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned);
        let custom = &self.site.custom;
        let own = [&custom.sprint, &custom.flagged, &custom.boxes, &custom.epic, &project.estimates];
        plain.chain(own.into_iter().flatten().cloned()).collect()
    }

    /// A page of issues with their fields; with their changes on Data Center. Halves the page where it is too much.
    ///
    /// # Errors
    /// [`CollectError`].
    pub async fn page(
        &self,
        project: &Project,
        jql: &str,
        token: Option<&str>,
        start: usize,
        size: &mut usize,
    ) -> Result<Page, CollectError> {
        let fields = self.fields(project);
        loop {
            let answer = match self.source.flavour {
                Flavour::Cloud => self.cloud_page(jql, &fields, token, *size).await,
                Flavour::DataCenter => self.server_page(jql, &fields, start, *size, true).await,
            };
            match answer {
                Err(CollectError::Shrink) if *size > 1 => *size /= 2,
                other => return other,
            }
        }
    }

    async fn cloud_page(
        &self,
        jql: &str,
        fields: &[String],
        token: Option<&str>,
        size: usize,
    ) -> Result<Page, CollectError> {
        let mut body = json!({ "jql": jql, "fields": fields, "maxResults": size });
        if let (Some(token), Some(body)) = (token, body.as_object_mut()) {
            body.insert("nextPageToken".to_owned(), json!(token));
        }
        let answer = self.client.post("POST /search/jql", "/rest/api/3/search/jql", &body).await?;
        let next = answer.get("nextPageToken").and_then(Value::as_str).map(str::to_owned);
        let last = answer.get("isLast").and_then(Value::as_bool).unwrap_or(next.is_none());
        if !last && (next.is_none() || next.as_deref() == token) {
            return Err(stuck());
        }
        Ok(Page { issues: listed(answer)?, token: next.filter(|_| !last), total: None })
    }

    async fn server_page(
        &self,
        jql: &str,
        fields: &[String],
        start: usize,
        size: usize,
        changes: bool,
    ) -> Result<Page, CollectError> {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("jql", jql)
            .append_pair("startAt", &start.to_string())
            .append_pair("maxResults", &size.to_string())
            .append_pair("fields", &fields.join(","))
            .append_pair("expand", if changes { "changelog" } else { "" })
            .finish();
        let answer = self.client.page("GET /search", &format!("/rest/api/2/search?{query}")).await?;
        let total = answer.get("total").and_then(Value::as_u64).and_then(|total| usize::try_from(total).ok());
        Ok(Page { issues: listed(answer)?, token: None, total })
    }

    /// The keys and numbers of all issues that a question finds, without their fields.
    ///
    /// # Errors
    /// [`CollectError`]; a list that does not end is one.
    pub async fn ids(&self, jql: &str) -> Result<BTreeMap<i64, String>, CollectError> {
        let cloud = self.source.flavour == Flavour::Cloud;
        let mut size = if cloud { IDS_CLOUD } else { IDS_SERVER };
        let fields = ["key".to_owned()];
        let (mut found, mut token, mut start) = (BTreeMap::new(), None::<String>, 0);
        for _ in 0..MOST_PAGES {
            let answer = if cloud {
                self.cloud_page(jql, &fields, token.as_deref(), size).await
            } else {
                self.server_page(jql, &fields, start, size, false).await
            };
            let page = match answer {
                Err(CollectError::Shrink) if size > 1 => {
                    size /= 2;
                    continue;
                }
                other => other?,
            };
            let received = page.issues.len();
            for issue in &page.issues {
                let id = number(issue.get("id")).ok_or_else(|| shape("a list of issues"))?;
                found.insert(id, text(issue.get("key")).unwrap_or_default());
            }
            start += received;
            let more = if cloud { page.token.is_some() } else { start < page.total.unwrap_or(0) };
            if !more {
                return Ok(found);
            }
            if received == 0 && !cloud {
                return Err(stuck());
            }
            token = page.token;
        }
        Err(stuck())
    }

    /// Issues by their numbers, wherever they are now. All of them have to be visible.
    ///
    /// # Errors
    /// [`CollectError`].
    pub async fn by_id(&self, project: &Project, ids: &BTreeSet<i64>) -> Result<Vec<Value>, CollectError> {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let mut issues = Vec::new();
        for some in ids.chunks(PAGE) {
            let jql = BY_ID.trim().replace("{ids}", &some.join(","));
            let (mut token, mut start, mut size) = (None::<String>, 0, PAGE);
            loop {
                let page = self.page(project, &jql, token.as_deref(), start, &mut size).await?;
                start += page.issues.len();
                let done = page.token.is_none() && start >= page.total.unwrap_or(0) || page.issues.is_empty();
                issues.extend(page.issues);
                token = page.token;
                if done {
                    break;
                }
            }
        }
        Ok(issues)
    }

    /// One issue by its number. jira_query's own reading of single issues asks for every field and does not tell a
    /// refusal from a missing issue, which is the very question here.
    ///
    /// # Errors
    /// [`CollectError::NotVisible`] where it is deleted or hidden.
    pub async fn one(&self, project: &Project, id: i64) -> Result<Value, CollectError> {
        let fields = self.fields(project).join(",");
        let changes = if self.source.flavour == Flavour::DataCenter { "&expand=changelog" } else { "" };
        let path = format!("{}/issue/{id}?fields={fields}{changes}", self.source.api());
        self.client.get("GET /issue/{id}", &path).await
    }

    /// Rows of issues with all their changes and links.
    ///
    /// # Errors
    /// [`CollectError`]; then nothing of these issues is stored.
    pub async fn harvest(&self, project: &Project, issues: Vec<Issue>) -> Result<Harvest, CollectError> {
        self.harvest_with(project, issues, None).await
    }

    fn rows<'r>(&'r self, project: &'r Project, epics: &'r BTreeMap<String, Option<i64>>) -> Rows<'r> {
        Rows {
            host: &self.source.host,
            clocks: self.site.server_time.max(self.context.now),
            names: &self.context.pseudonyms,
            custom: &self.site.custom,
            estimates: &project.estimates,
            categories: &self.site.categories,
            labels: &self.source.labels,
            epics,
        }
    }

    /// Changes of issues of several projects of Cloud at once, which are read alike: `project` is one of them.
    ///
    /// # Errors
    /// [`CollectError`].
    pub async fn changes(&self, project: &Project, ids: &BTreeSet<i64>) -> Result<Changes, CollectError> {
        let none = BTreeMap::new();
        let rows = self.rows(project, &none);
        let mut log = Log::new(&rows, &project.changed);
        self.cloud_changes(project, ids, &mut log).await?;
        Ok(log.changes)
    }

    /// The same, where the changes of the issues were asked for already.
    ///
    /// # Errors
    /// [`CollectError`]; then nothing of these issues is stored.
    pub async fn harvest_with(
        &self,
        project: &Project,
        mut issues: Vec<Issue>,
        changes: Option<Changes>,
    ) -> Result<Harvest, CollectError> {
        let epics = self.epics(&issues).await?;
        let rows = self.rows(project, &epics);
        let mut apps = BTreeSet::new();
        let mut harvest = Harvest::default();
        let mut read = BTreeSet::new();
        for issue in &issues {
            match rows.issue(issue) {
                Some(row) => {
                    read.insert(issue.id);
                    apps.extend(rows.reporting_app(issue));
                    harvest.batch.issues.push(row);
                    harvest.batch.issue_links.extend(rows.links(issue));
                }
                None => {
                    harvest.left_out.insert(issue.id);
                }
            }
        }
        let mut log = Log::new(&rows, &project.changed);
        match (changes, self.source.flavour) {
            (Some(changes), _) => log.changes = changes.of(&read),
            (None, Flavour::Cloud) => self.cloud_changes(project, &read, &mut log).await?,
            (None, Flavour::DataCenter) => {
                for issue in issues.iter_mut().filter(|issue| read.contains(&issue.id)) {
                    let embedded = issue.changelog.take();
                    self.server_changes(issue.id, embedded, &mut log).await?;
                }
            }
        }
        // What is known to be cut off must not push out what an earlier night stored.
        let changes = log.changes;
        let whole = read.iter().filter(|id| !changes.broken.contains(id));
        let replaced = |id: &i64| Replaced::Issue { host: self.source.host.clone(), issue_id: *id };
        harvest.batch.replaced.extend(whole.map(replaced));
        harvest.left_out.extend(&changes.broken);
        apps.extend(changes.apps());
        let person = self.context.pseudonyms.person(BOT);
        let link = |account| PersonAccount { person, account, source: APPS.to_owned() };
        harvest.batch.people_accounts.extend(apps.into_iter().map(link));
        harvest.batch.issue_changes.extend(changes.rows());
        Ok(harvest)
    }

    /// The numbers of epics that issues name by key.
    async fn epics(&self, issues: &[Issue]) -> Result<BTreeMap<String, Option<i64>>, CollectError> {
        let named = issues.iter().filter_map(|issue| epic_key(issue, &self.site.custom)).filter(|key| is_key(key));
        let named: BTreeSet<&str> = named.collect();
        if named.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut known = self.known_epics();
        known.extend(issues.iter().map(|issue| (issue.key.clone(), Some(issue.id))));
        let unknown: Vec<&str> = named.iter().filter(|key| !known.contains_key(**key)).copied().collect();
        for keys in unknown.chunks(PAGE) {
            let jql = BY_KEY.trim().replace("{keys}", &keys.join(","));
            match self.ids(&jql).await {
                Ok(found) => known.extend(found.into_iter().map(|(id, key)| (key, Some(id)))),
                // One key that cannot be seen fails the whole question: ask for each.
                Err(CollectError::BadQuestion(_)) => {
                    for key in keys {
                        known.insert((*key).to_owned(), self.epic(key).await?);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        // A key that the answer spells otherwise belongs to an epic that moved: its own question tells.
        for key in named.iter().filter(|key| !known.contains_key(**key)).copied().collect::<Vec<_>>() {
            known.insert(key.to_owned(), self.epic(key).await?);
        }
        known.retain(|key, _| named.contains(key.as_str()));
        let mut kept = self.epics.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        kept.extend(known.iter().map(|(key, id)| (key.clone(), *id)));
        Ok(known)
    }

    fn known_epics(&self) -> BTreeMap<String, Option<i64>> {
        // A poisoned lock still holds true numbers.
        self.epics.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    async fn epic(&self, key: &str) -> Result<Option<i64>, CollectError> {
        let path = format!("{}/issue/{key}?fields=updated", self.source.api());
        match self.client.get("GET /issue/{id}", &path).await {
            Ok(issue) => Ok(number(issue.get("id"))),
            Err(CollectError::NotVisible) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn listed(mut answer: Value) -> Result<Vec<Value>, CollectError> {
    match answer.get_mut("issues").map(Value::take) {
        Some(Value::Array(issues)) => Ok(issues),
        _ => Err(shape("a page of issues")),
    }
}

/// A list that gives no way on.
pub fn stuck() -> CollectError {
    CollectError::Scope("pagination did not advance".to_owned())
}
