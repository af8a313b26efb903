//! Which tickets a store holds, for collectors that have to find out which of them are gone.

use std::collections::BTreeSet;

use polars::prelude::*;

use super::schema::Stored as _;
use super::{Store, StoreError, table_error};
use crate::model::records::Issue;

/// A project's stored tickets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectIssues {
    pub host: String,
    /// The key of the project in which they were last seen.
    pub project: String,
    pub live: BTreeSet<i64>,
    /// Marked as deleted or hidden.
    pub gone: BTreeSet<i64>,
}

impl Store {
    /// The numbers of all tickets, by host and project.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where a file cannot be read.
    pub fn issues_by_project(&self) -> Result<Vec<ProjectIssues>, StoreError> {
        let rows = self.read(Issue::TABLE, &["host", "issue_id", "project", "gone"])?;
        grouped(&rows).map_err(|source| table_error("read", Issue::TABLE.name, source))
    }
}

/// An issue of GitHub that is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenItem {
    pub host: String,
    /// `owner/name` under which it was last seen.
    pub repository: String,
    pub number: i64,
    pub issue_id: i64,
}

impl Store {
    /// The issues of GitHub that are not done and not known to be gone.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where a file cannot be read.
    pub fn open_items(&self) -> Result<Vec<OpenItem>, StoreError> {
        let rows = self.read(Issue::TABLE, &["host", "issue_id", "key", "status_category", "gone"])?;
        open(&rows).map_err(|source| table_error("read", Issue::TABLE.name, source))
    }
}

fn open(rows: &DataFrame) -> PolarsResult<Vec<OpenItem>> {
    let (hosts, keys, ids) = (rows.column("host")?.str()?, rows.column("key")?.str()?, rows.column("issue_id")?.i64()?);
    let (categories, gone) = (rows.column("status_category")?.str()?, rows.column("gone")?.str()?);
    let item = |at: usize| {
        let (repository, number) = keys.get(at)?.split_once('#')?;
        if gone.get(at).is_some() || categories.get(at) == Some("done") {
            return None;
        }
        Some(OpenItem {
            host: hosts.get(at)?.to_owned(),
            repository: repository.to_owned(),
            number: number.parse().ok()?,
            issue_id: ids.get(at)?,
        })
    };
    Ok((0..rows.height()).filter_map(item).collect())
}

fn grouped(rows: &DataFrame) -> PolarsResult<Vec<ProjectIssues>> {
    let (hosts, projects) = (rows.column("host")?.str()?, rows.column("project")?.str()?);
    let (ids, gone) = (rows.column("issue_id")?.i64()?, rows.column("gone")?.str()?);
    let mut groups = std::collections::BTreeMap::<(&str, &str), ProjectIssues>::new();
    for at in 0..rows.height() {
        let (Some(host), Some(project), Some(id)) = (hosts.get(at), projects.get(at), ids.get(at)) else { continue };
        let group = groups.entry((host, project)).or_insert_with(|| ProjectIssues {
            host: host.to_owned(),
            project: project.to_owned(),
            ..ProjectIssues::default()
        });
        if gone.get(at).is_some() {
            group.gone.insert(id)
        } else {
            group.live.insert(id)
        };
    }
    Ok(groups.into_values().collect())
}
