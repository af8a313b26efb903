//! Complete changelogs of issues: in bulk on Cloud, embedded or by themselves on Data Center.
//!
//! Cloud notes a change of parent in team-managed projects in items without a field id, which no filter lets through.
//! To read them would bring descriptions over the wire as well, so the parent is known as it is, not as it was.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::answers::{Changelog, History, Issue, number};
use super::fields::{ChangedFields, asked};
use super::reader::{Project, Reader, stuck};
use super::rows::Rows;
use super::shape;
use crate::collect::http::CollectError;
use crate::model::Account;
use crate::model::records::IssueChange;

/// Issues whose changes are asked for at once, and fields that one question may name.
pub const BULK: usize = 1000;
const BULK_FIELDS: usize = 10;
/// Histories in a page of changes.
const BULK_PAGE: usize = 10_000;

impl Reader<'_> {
    /// Complete changes by allow-listed fields, for up to a thousand issues in a question.
    ///
    /// # Errors
    /// [`CollectError`].
    pub async fn cloud_changes(
        &self,
        project: &Project,
        ids: &BTreeSet<i64>,
        log: &mut Log<'_>,
    ) -> Result<(), CollectError> {
        let ids: Vec<i64> = ids.iter().copied().collect();
        let mut moved = BTreeSet::new();
        for fields in asked(&self.site.custom, &project.estimates).chunks(BULK_FIELDS) {
            moved.extend(self.bulk(&ids, fields, log).await?);
        }
        // A change of key can be had without a filter only; what else comes with it is dropped in reading.
        let moved: Vec<i64> = moved.into_iter().collect();
        self.bulk(&moved, &[], log).await.map(|_| ())
    }

    /// Reads changes into the log and says which issues moved between projects.
    async fn bulk(&self, ids: &[i64], fields: &[String], log: &mut Log<'_>) -> Result<BTreeSet<i64>, CollectError> {
        let mut moved = BTreeSet::new();
        let mut questions: Vec<&[i64]> = ids.chunks(BULK).rev().collect();
        while let Some(ids) = questions.pop() {
            match self.bulk_pages(ids, fields, log, &mut moved).await {
                Err(CollectError::Shrink) if ids.len() > 1 => {
                    let (first, second) = ids.split_at(ids.len() / 2);
                    questions.extend([second, first]);
                }
                other => other?,
            }
        }
        Ok(moved)
    }

    async fn bulk_pages(
        &self,
        ids: &[i64],
        fields: &[String],
        log: &mut Log<'_>,
        moved: &mut BTreeSet<i64>,
    ) -> Result<(), CollectError> {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let mut body = json!({ "issueIdsOrKeys": ids, "maxResults": BULK_PAGE });
        if !fields.is_empty() {
            body["fieldIds"] = json!(fields);
        }
        let mut token: Option<String> = None;
        loop {
            let answer =
                self.client.post("POST /changelog/bulkfetch", "/rest/api/3/changelog/bulkfetch", &body).await?;
            let logs = answer.get("issueChangeLogs").and_then(Value::as_array).ok_or_else(|| shape("a changelog"))?;
            for one in logs {
                let id = number(one.get("issueId")).ok_or_else(|| shape("a changelog"))?;
                for history in one.get("changeHistories").and_then(Value::as_array).into_iter().flatten() {
                    if log.add(id, history) {
                        moved.insert(id);
                    }
                }
            }
            let next = answer.get("nextPageToken").and_then(Value::as_str).map(str::to_owned);
            if next.is_none() {
                return Ok(());
            }
            if next == token {
                return Err(stuck());
            }
            body["nextPageToken"] = json!(next);
            token = next;
        }
    }

    /// The embedded changelog where it is whole; else the one that newer servers have by itself; else the issue's own.
    ///
    /// # Errors
    /// [`CollectError`].
    pub async fn server_changes(
        &self,
        id: i64,
        embedded: Option<Changelog>,
        log: &mut Log<'_>,
    ) -> Result<(), CollectError> {
        let whole = |log: &Changelog| log.total.is_none_or(|total| log.histories.len() >= total);
        let histories = match embedded {
            Some(embedded) if whole(&embedded) => Some(embedded.histories),
            _ => match self.own_changelog(id).await {
                Ok(histories) => Some(histories),
                Err(CollectError::NotVisible | CollectError::BadQuestion(_)) => {
                    let path = format!("/rest/api/2/issue/{id}?fields=updated&expand=changelog");
                    let answer = self.client.get("GET /issue/{id}", &path).await?;
                    Issue::read(answer).and_then(|issue| issue.changelog).filter(whole).map(|log| log.histories)
                }
                Err(error) => return Err(error),
            },
        };
        match histories {
            Some(histories) => {
                for history in &histories {
                    log.add(id, history);
                }
            }
            None => {
                log.changes.broken.insert(id);
            }
        }
        Ok(())
    }

    async fn own_changelog(&self, id: i64) -> Result<Vec<Value>, CollectError> {
        let mut histories: Vec<Value> = Vec::new();
        loop {
            let path = format!("/rest/api/2/issue/{id}/changelog?startAt={}&maxResults=100", histories.len());
            let mut answer = self.client.get("GET /issue/{id}/changelog", &path).await?;
            let total = answer.get("total").and_then(Value::as_u64).ok_or_else(|| shape("a changelog"))?;
            let page = ["values", "histories"].into_iter().find_map(|name| match answer.get_mut(name)?.take() {
                Value::Array(page) => Some(page),
                _ => None,
            });
            let page = page.ok_or_else(|| shape("a changelog"))?;
            let received = page.len();
            histories.extend(page);
            if histories.len() as u64 >= total {
                return Ok(histories);
            }
            if received == 0 {
                return Err(stuck());
            }
        }
    }
}

/// Changes of issues, each once.
#[derive(Debug, Default)]
pub struct Changes {
    all: BTreeMap<(i64, String, String), IssueChange>,
    /// Issues whose changes are not whole.
    pub broken: BTreeSet<i64>,
    /// Who changed something and is an app, by issue.
    apps: BTreeSet<(i64, Account)>,
}

impl Changes {
    /// What belongs to some issues. One that moves meanwhile belongs to two projects.
    #[must_use]
    pub fn of(&self, ids: &BTreeSet<i64>) -> Self {
        let own = |((id, ..), _): &(&(i64, String, String), &IssueChange)| ids.contains(id);
        Self {
            all: self.all.iter().filter(own).map(|(key, change)| (key.clone(), change.clone())).collect(),
            broken: self.broken.intersection(ids).copied().collect(),
            apps: self.apps.iter().filter(|(id, _)| ids.contains(id)).copied().collect(),
        }
    }

    /// The rows.
    pub fn rows(self) -> impl Iterator<Item = IssueChange> {
        self.all.into_values()
    }

    /// Accounts of apps.
    pub fn apps(&self) -> impl Iterator<Item = Account> {
        self.apps.iter().map(|(_, account)| *account)
    }
}

/// Changes as they come in.
pub struct Log<'a> {
    rows: &'a Rows<'a>,
    changed: &'a ChangedFields,
    pub changes: Changes,
}

impl<'a> Log<'a> {
    /// An empty log of a project's changes.
    #[must_use]
    pub fn new(rows: &'a Rows<'a>, changed: &'a ChangedFields) -> Self {
        Self { rows, changed, changes: Changes::default() }
    }

    /// Adds a history; whether the issue moved to another project with it.
    pub fn add(&mut self, id: i64, history: &Value) -> bool {
        let Some(history) = History::read(history, self.changed) else {
            self.changes.broken.insert(id);
            return false;
        };
        let changes = self.rows.changes(id, &history);
        if !changes.is_empty() {
            self.changes.apps.extend(self.rows.app(history.author.as_ref()).map(|app| (id, app)));
        }
        for change in changes {
            self.changes.all.insert((id, change.change_id.clone(), change.field.clone()), change);
        }
        history.moves()
    }
}
