//! Rows that are older than they may be leave the store, and older versions of the store go with them.
//!
//! *When a row goes.* What stands for itself goes by its own time: commits, releases, check runs, busy times, absences. A
//! pull request or a ticket goes when it has been closed for so long; while it is there, what belongs to it stays, however
//! old, since it was open in between. What belongs to something that is gone goes by its own time.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::*;

use super::{Manifest, Store, StoreError, TABLES, Table, disk, mend, parquet, table_error};
use crate::model::time::Millis;

/// Days as polars holds dates.
const DAY: i64 = 86_400_000;

/// What belongs to a pull request, and the columns that name it.
const OF_PULL_REQUESTS: [&str; 3] = ["pull_request_events", "reviews", "commits"];
const PULL_REQUEST: [&str; 3] = ["host", "repository_id", "number"];
const ISSUE: [&str; 2] = ["host", "issue_id"];

/// How many rows of each table were changed or removed.
pub type Counts = BTreeMap<&'static str, u64>;

/// New rows of some partitions, and the manifest in which they are to stand.
pub(super) struct Changes {
    pub next: Manifest,
    pub counts: Counts,
    partitions: BTreeMap<String, DataFrame>,
}

/// Pull requests and tickets that stay, as far as something old may belong to them.
struct Staying {
    pull_requests: DataFrame,
    issues: DataFrame,
}

impl Store {
    /// Takes out every row that ended before a moment. Older versions of the store go as well, so that no rollback
    /// brings the rows back. Where there is nothing to take out, no byte changes.
    ///
    /// # Errors
    /// [`StoreError::Io`] with the store as it was; [`StoreError::Damaged`] where a stored file cannot be read.
    pub fn purge(&mut self, before: Millis) -> Result<Counts, StoreError> {
        mend::drop_aside(&self.folder)?;
        let old = |partition: &str| (1..=before.month()).contains(&month_of(partition));
        if !self.manifest.files.keys().any(|partition| old(partition)) {
            return Ok(Counts::new());
        }
        let staying = self.staying(before)?;
        let changes = self.changes(|table, partition, rows| {
            if !old(partition) {
                return Ok(None);
            }
            let gone = gone(table, before);
            let Some(gone) = gone else { return Ok(None) };
            let kept = rows.clone().lazy().filter(gone.fill_null(false).not()).collect()?;
            let kept = with_parents(table, rows, kept, &staying)?;
            Ok((kept.height() < rows.height()).then_some(kept))
        })?;
        self.carry_out(changes)
    }

    /// Parents that stay, out of the months in which old rows may have one.
    fn staying(&self, before: Millis) -> Result<Staying, StoreError> {
        let read = |table: &'static Table, columns: &[&str]| -> Result<DataFrame, StoreError> {
            let rows = self.read(table, &table.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>())?;
            let gone = gone(table, before).unwrap_or_else(|| lit(false)).fill_null(false);
            let columns: Vec<Expr> = columns.iter().map(|name| col(*name)).collect();
            let kept = rows.lazy().filter(gone.not()).select(columns).collect();
            kept.map_err(|source| table_error("read", table.name, source))
        };
        let table = |name| super::table(name).expect("the schema has this table");
        Ok(Staying {
            pull_requests: read(table("pull_requests"), &PULL_REQUEST)?,
            issues: read(table("issues"), &ISSUE)?,
        })
    }

    /// What becomes of all partitions, nothing of it done yet. `change` gives the new rows of a partition, or `None` where
    /// it stays as it is.
    pub(super) fn changes(
        &self,
        change: impl Fn(&'static Table, &str, &DataFrame) -> PolarsResult<Option<DataFrame>>,
    ) -> Result<Changes, StoreError> {
        let mut changes = Changes { next: self.manifest.clone(), counts: Counts::new(), partitions: BTreeMap::new() };
        for (partition, file) in &self.manifest.files {
            let name = partition.split('/').next().unwrap_or_default();
            let Some(table) = TABLES.into_iter().find(|table| table.name == name) else { continue };
            let rows = parquet::read(&self.path_of(partition, file), None)?;
            let changed =
                change(table, partition, &rows).map_err(|source| table_error("change", table.name, source))?;
            let Some(new) = changed else { continue };
            let touched = touched(&rows, &new).map_err(|source| table_error("compare", table.name, source))?;
            *changes.counts.entry(table.name).or_default() += touched;
            changes.partitions.insert(partition.clone(), new);
        }
        Ok(changes)
    }

    /// Carries changes out in one commit, after which no older version of the store is left.
    pub(super) fn carry_out(&mut self, changes: Changes) -> Result<Counts, StoreError> {
        let Changes { mut next, counts, partitions } = changes;
        let mut folders = BTreeSet::new();
        for (partition, new) in partitions {
            if new.height() == 0 {
                next.files.remove(&partition);
                continue;
            }
            let folder = self.folder.join("tables").join(&partition);
            next.files.insert(partition, parquet::write(&folder, new)?);
            folders.insert(folder);
        }
        folders.iter().try_for_each(|folder| disk::sync_folder(folder))?;
        self.commit_alone(next)?;
        Ok(counts)
    }

    /// Takes older versions of the store away, so that nothing that is in them can come back.
    ///
    /// # Errors
    /// [`StoreError::Io`] with the store as it was.
    pub fn drop_older(&mut self) -> Result<(), StoreError> {
        let mut next = self.manifest.clone();
        next.oldest = next.seq;
        self.commit_alone(next)
    }

    /// Commits a manifest beside which no older one is left; nothing happens where nothing changed.
    pub(super) fn commit_alone(&mut self, mut next: Manifest) -> Result<(), StoreError> {
        if next == self.manifest {
            return Ok(());
        }
        next.seq += 1;
        // Remembered in the manifest, so that a run that ends here is made up for by the next one.
        next.oldest = next.seq;
        next.commit(&self.folder)?;
        self.manifest = next;
        mend::drop_aside(&self.folder)?;
        self.collect_garbage()
    }
}

/// Rows that were removed, or that differ in any column.
fn touched(old: &DataFrame, new: &DataFrame) -> PolarsResult<u64> {
    let removed = old.height().saturating_sub(new.height());
    if removed > 0 || old.height() != new.height() {
        return Ok(removed as u64);
    }
    let mut differs = vec![false; old.height()];
    for (left, right) in old.columns().iter().zip(new.columns()) {
        let same = left.as_materialized_series().equal_missing(right.as_materialized_series())?;
        differs.iter_mut().zip(same.iter()).for_each(|(differs, same)| *differs |= same != Some(true));
    }
    Ok(differs.into_iter().filter(|differs| *differs).count() as u64)
}

/// The month of a partition, such as 202611; 0 where its rows have no time.
fn month_of(partition: &str) -> i64 {
    partition.rsplit_once("month=").and_then(|(_, month)| month.parse().ok()).unwrap_or(0)
}

/// Which rows of a table ended before a moment; `None` for a table whose rows have no end.
fn gone(table: &Table, before: Millis) -> Option<Expr> {
    let earlier = |name: &str| col(name).cast(DataType::Int64).lt(lit(before.0));
    Some(match table.name {
        "pull_requests" => earlier("closed_at"),
        "issues" => {
            let done = col("status_category").eq(lit("done")).or(col("gone").is_not_null());
            earlier("resolved_at").or(col("resolved_at").is_null().and(done).and(earlier("updated_at")))
        }
        "pull_request_events" | "comments" | "issue_changes" => earlier("at"),
        "reviews" => earlier("submitted_at"),
        "commits" | "rewrites" => earlier("committed_at").and(earlier(table.time.unwrap_or("committed_at"))),
        "check_runs" => earlier("started_at"),
        "releases" => earlier("published_at"),
        "busy" => earlier("ends_at"),
        "absences" => (col("day").cast(DataType::Int64) * lit(DAY)).lt(lit(before.0 - DAY)),
        _ => return None,
    })
}

/// Which rows of a table were last changed before a moment; `None` for a table whose rows have no time.
pub(super) fn last_changed_before(table: &Table, before: Millis) -> Option<Expr> {
    let earlier = |name: &str| col(name).cast(DataType::Int64).lt(lit(before.0));
    match table.name {
        "pull_requests" | "issues" => Some(earlier("updated_at")),
        _ => gone(table, before),
    }
}

/// The kept rows, and of the others those whose pull request or ticket stays.
fn with_parents(table: &Table, rows: &DataFrame, kept: DataFrame, staying: &Staying) -> PolarsResult<DataFrame> {
    let (parents, keys): (&DataFrame, &[&str]) = match table.name {
        name if OF_PULL_REQUESTS.contains(&name) => (&staying.pull_requests, &PULL_REQUEST),
        "issue_changes" => (&staying.issues, &ISSUE),
        "comments" if rows.column("issue_id")?.null_count() == 0 => (&staying.issues, &ISSUE),
        "comments" => (&staying.pull_requests, &PULL_REQUEST),
        _ => return Ok(kept),
    };
    let on: Vec<Expr> = keys.iter().map(|name| col(*name)).collect();
    let own: Vec<Expr> = table.key.iter().map(|name| col(*name)).collect();
    let of_parents = rows.clone().lazy().join(parents.clone().lazy(), on.clone(), on, JoinArgs::new(JoinType::Semi));
    let stays = concat([kept.lazy().select(&own), of_parents.select(&own)], UnionArgs::default())?
        .unique(None, UniqueKeepStrategy::Any);
    // The order of the rows is the table's own: a semi join keeps that of its left side.
    rows.clone().lazy().join(stays, own.clone(), own, JoinArgs::new(JoinType::Semi)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::records::{Absence, Busy, Issue, IssueChange, PullRequest, Review};
    use crate::model::{Account, AccountKind, Batch};

    fn at(day: i64) -> Millis {
        Millis(day * DAY)
    }

    fn pull_request(number: i64, created: i64, closed: Option<i64>) -> PullRequest {
        PullRequest {
            host: "h".to_owned(),
            repository_id: 1,
            number,
            pull_request_id: number,
            author: Some(Account::from_stored(7)),
            author_kind: AccountKind::User,
            state: "closed".to_owned(),
            draft: false,
            created_at: at(created),
            updated_at: at(created),
            ready_at: None,
            closed_at: closed.map(at),
            merged_at: None,
            merged_by: None,
            commits: 1,
            additions: 1,
            deletions: 1,
            changed_files: 1,
            issue_keys: String::new(),
            labels: String::new(),
            reverts: None,
        }
    }

    fn review(number: i64, day: i64) -> Review {
        Review {
            host: "h".to_owned(),
            repository_id: 1,
            number,
            review_id: number * 1000 + day,
            reviewer: Some(Account::from_stored(8)),
            reviewer_kind: AccountKind::User,
            submitted_at: at(day),
            state: "approved".to_owned(),
            comments: 0,
        }
    }

    fn busy(from: i64) -> Busy {
        Busy {
            account: Account::from_stored(9),
            occurrence: from,
            starts_at: at(from),
            ends_at: Millis(from * DAY + 1),
            kind: "busy".to_owned(),
            attendees: None,
            recurring: false,
            own: true,
            cancelled: false,
            moved_from: None,
            response: "accepted".to_owned(),
        }
    }

    fn filled(folder: &tempfile::TempDir) -> Store {
        let mut store = Store::open(&folder.path().join("store"), || Ok([1; 32])).unwrap();
        let absence = |day: i64| Absence {
            account: Account::from_stored(9),
            day: crate::model::time::date_of(day),
            half: false,
            kind: "away".to_owned(),
        };
        let batch = Batch {
            // Long closed; open ever since; closed late.
            pull_requests: vec![
                pull_request(1, 20_000, Some(20_010)),
                pull_request(2, 20_000, None),
                pull_request(3, 20_001, Some(20_350)),
            ],
            reviews: vec![
                review(1, 20_005),
                review(2, 20_005),
                review(3, 20_005),
                review(4, 20_005),
                review(4, 20_400),
            ],
            busy: vec![busy(20_050), busy(20_400)],
            absences: vec![absence(20_050), absence(20_400)],
            ..Batch::default()
        };
        store.merge(&batch, Vec::new()).unwrap();
        store
    }

    #[test]
    fn g12_what_ended_long_ago_goes_and_what_is_open_keeps_all_that_belongs_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = filled(&folder);
        let counts = store.purge(at(20_300)).unwrap();
        let expected = [("absences", 1), ("busy", 1), ("pull_requests", 1), ("reviews", 2)];
        assert_eq!(counts, BTreeMap::from(expected));
        let rows = store.rows();
        assert_eq!(["pull_requests", "reviews", "busy", "absences"].map(|name| rows[name]), [2, 3, 1, 1]);
        let seq = store.seq();
        assert_eq!(store.purge(at(20_300)).unwrap(), Counts::new());
        assert_eq!(store.seq(), seq, "a second purge changes no byte");
    }

    #[test]
    fn g12_after_a_purge_no_older_version_and_no_file_of_one_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = filled(&folder);
        let live = |store: &Store| -> BTreeSet<_> { TABLES.iter().flat_map(|table| store.files(table.name)).collect() };
        store.purge(at(20_300)).unwrap();
        let place = folder.path().join("store");
        let files: BTreeSet<_> = disk::walk(&place.join("tables")).unwrap().into_iter().collect();
        assert_eq!(files, live(&store));
        let copies = disk::list(&place.join("manifests")).unwrap();
        assert_eq!(copies.len(), 1, "{copies:?}");
    }

    #[test]
    fn g12_a_run_that_ended_before_the_older_versions_went_is_made_up_for() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = filled(&folder);
        let copies = folder.path().join("store/manifests");
        let saved: Vec<_> =
            disk::list(&copies).unwrap().into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
        store.purge(at(20_300)).unwrap();
        for (path, bytes) in saved {
            std::fs::write(path, bytes).unwrap();
        }
        drop(store);
        let store = Store::open(&folder.path().join("store"), || Ok([1; 32])).unwrap();
        assert_eq!(disk::list(&copies).unwrap().len(), 1);
        drop(store);
    }

    #[test]
    fn g12_a_ticket_stays_with_its_changes_until_it_has_been_resolved_for_so_long() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("store"), || Ok([1; 32])).unwrap();
        let issue = |id: i64, resolved: Option<i64>, category: &str| Issue {
            host: "j".to_owned(),
            tracker: crate::model::records::Tracker::Jira,
            issue_id: id,
            key: format!("P-{id}"),
            project: "P".to_owned(),
            r#type: "Task".to_owned(),
            status_id: "1".to_owned(),
            status_category: category.to_owned(),
            priority: None,
            created_at: at(20_000),
            updated_at: at(20_020),
            resolved_at: resolved.map(at),
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
        };
        let change = |id: i64| IssueChange {
            host: "j".to_owned(),
            tracker: crate::model::records::Tracker::Jira,
            issue_id: id,
            change_id: format!("{id}"),
            field: "status".to_owned(),
            at: at(20_010),
            author: None,
            from: None,
            to: None,
        };
        let batch = Batch {
            // Resolved long ago, resolved lately, open, done without a date of it.
            issues: vec![
                issue(1, Some(20_020), "done"),
                issue(2, Some(20_350), "done"),
                issue(3, None, "new"),
                issue(4, None, "done"),
            ],
            issue_changes: (1..=5).map(change).collect(),
            ..Batch::default()
        };
        store.merge(&batch, Vec::new()).unwrap();
        assert_eq!(store.purge(at(20_300)).unwrap(), BTreeMap::from([("issues", 2), ("issue_changes", 3)]));
    }
}
