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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::records;
    use crate::model::time::Millis;
    use crate::model::{Batch, Gone};

    fn issue(issue_id: i64, updated_at: i64) -> records::Issue {
        records::Issue {
            tracker: records::Tracker::Jira,
            host: "h".to_owned(),
            issue_id,
            key: format!("PAY-{issue_id}"),
            project: "PAY".to_owned(),
            r#type: "Story".to_owned(),
            status_id: "1".to_owned(),
            status_category: "to_do".to_owned(),
            priority: None,
            // Two months, so that a mark has to find its row's partition.
            created_at: Millis(issue_id * 40 * 86_400_000),
            updated_at: Millis(updated_at),
            resolved_at: None,
            assignee: None,
            reporter: None,
            parent_id: None,
            due_on: None,
            fix_version_on: None,
            labels: String::new(),
            sprints: String::new(),
            estimate: None,
            flagged: false,
            gone: None,
        }
    }

    fn issues(all: &[(i64, i64)]) -> Batch {
        Batch { issues: all.iter().map(|(id, updated)| issue(*id, *updated)).collect(), ..Batch::default() }
    }

    fn gone(ids: &[i64]) -> Batch {
        let mark = |id: &i64| Gone { host: "h".to_owned(), issue_id: *id, how: "deleted" };
        Batch { gone: ids.iter().map(mark).collect(), ..Batch::default() }
    }

    fn stored(batches: Vec<Batch>) -> (Vec<i64>, Vec<i64>, Vec<std::path::PathBuf>) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("store"), || Ok([1; 32])).unwrap();
        for batch in batches {
            store.merge(&batch, Vec::new()).unwrap();
        }
        let known = store.issues_by_project().unwrap().into_iter().next().unwrap_or_default();
        let names = store.files("issues").iter().map(|path| path.file_name().unwrap().into()).collect();
        (known.live.into_iter().collect(), known.gone.into_iter().collect(), names)
    }

    #[test]
    fn a_mark_stands_over_the_stored_row_and_over_the_row_of_its_own_night() {
        let (live, marked, _) = stored(vec![issues(&[(1, 10), (2, 10)]), gone(&[2])]);
        assert_eq!((live, marked), (vec![1], vec![2]));
        let night = Batch { gone: gone(&[2]).gone, ..issues(&[(2, 11)]) };
        assert_eq!(stored(vec![issues(&[(1, 10), (2, 10)]), night]).1, [2]);
    }

    #[test]
    fn what_is_delivered_once_more_is_there_even_unchanged() {
        let (live, marked, files) = stored(vec![issues(&[(1, 10), (2, 10)]), gone(&[2]), issues(&[(2, 10)])]);
        assert_eq!((live, marked), (vec![1, 2], vec![]));
        assert_eq!(files, stored(vec![issues(&[(1, 10), (2, 10)])]).2);
    }

    #[test]
    fn marks_delivered_twice_or_for_unknown_tickets_change_nothing() {
        let once = stored(vec![issues(&[(1, 10), (2, 10)]), gone(&[2])]);
        let twice = stored(vec![issues(&[(1, 10), (2, 10)]), gone(&[2]), gone(&[2, 9])]);
        assert_eq!(once, twice);
        assert_eq!(stored(vec![gone(&[2])]).0, [0_i64; 0]);
    }
}
