//! How new rows and stored rows become one table: by key, the newer version stands, and the order of delivery does
//! not matter where the rows say which is newer.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::*;

use super::schema::{Stored, Table};
use crate::model::records::{Commit, Issue};
use crate::model::{Batch, Gone, Replaced};

/// New rows of one table, by partition (`source=KIND/month=YYYYMM`).
pub(super) struct Incoming {
    pub table: &'static Table,
    pub partitions: BTreeMap<String, DataFrame>,
}

/// The rows of a batch as columns, table by table.
pub(super) fn incoming(batch: &Batch) -> PolarsResult<Vec<Incoming>> {
    Ok(vec![
        partitioned(&batch.repositories)?,
        partitioned(&batch.pull_requests)?,
        partitioned(&batch.pull_request_events)?,
        partitioned(&batch.reviews)?,
        partitioned(&batch.comments)?,
        partitioned(&batch.commits)?,
        partitioned(&batch.rewrites)?,
        partitioned(&batch.check_runs)?,
        partitioned(&batch.releases)?,
        partitioned(&batch.issues)?,
        partitioned(&batch.issue_changes)?,
        partitioned(&batch.issue_links)?,
        partitioned(&batch.sprints)?,
        partitioned(&batch.statuses)?,
        partitioned(&batch.busy)?,
        partitioned(&batch.absences)?,
        partitioned(&batch.people_accounts)?,
    ])
}

fn partitioned<R: Stored>(rows: &[R]) -> PolarsResult<Incoming> {
    let mut groups: BTreeMap<String, Vec<&R>> = BTreeMap::new();
    for row in rows {
        let month = row.time().map_or(0, crate::model::time::Millis::month);
        groups.entry(format!("source={}/month={month}", row.source())).or_default().push(row);
    }
    let partitions = groups
        .into_iter()
        .map(|(partition, rows)| Ok((partition, DataFrame::new(rows.len(), R::columns(&rows))?)))
        .collect::<PolarsResult<_>>()?;
    Ok(Incoming { table: R::TABLE, partitions })
}

/// One version of each row, in the table's total order (first time, then key).
pub(super) fn upsert(table: &Table, old: DataFrame, new: DataFrame) -> PolarsResult<DataFrame> {
    let order = |frame: DataFrame, order: i64| frame.lazy().with_column(lit(order).alias("_delivery"));
    let both = concat([order(old, 0), order(new, 1)], UnionArgs::default())?;
    // Rows of one batch keep their order, so that the last one delivered stands.
    let both = both.with_row_index("_row", None);
    let newest = if table.name == Commit::TABLE.name { newest_commits(both) } else { newest(table, both) };
    let columns: Vec<Expr> = table.columns.iter().map(|(name, _)| col(*name)).collect();
    newest.select(columns).sort(total_order(table), SortMultipleOptions::default()).collect()
}

fn newest(table: &Table, rows: LazyFrame) -> LazyFrame {
    let by: Vec<PlSmallStr> = table.version.into_iter().chain(["_delivery", "_row"]).map(PlSmallStr::from).collect();
    rows.sort(by, SortMultipleOptions::default().with_maintain_order(true))
        .unique_stable(Some(key_selector(table)), UniqueKeepStrategy::Last)
}

/// A commit has two faces: what its pull request tells and what the default branch tells. The default branch knows
/// its parents; the number is the smallest of the pull requests that list it.
fn newest_commits(rows: LazyFrame) -> LazyFrame {
    let table = Commit::TABLE;
    let key: Vec<Expr> = table.key.iter().map(|name| col(*name)).collect();
    let faces = rows
        .clone()
        .group_by(key.clone())
        .agg([col("number").min().alias("_number"), col("on_default").max().alias("_on_default")]);
    rows.sort(["on_default", "_delivery", "_row"], SortMultipleOptions::default().with_maintain_order(true))
        .unique_stable(Some(key_selector(table)), UniqueKeepStrategy::Last)
        .join(faces, key.clone(), key, JoinArgs::new(JoinType::Inner))
        .with_columns([col("_number").alias("number"), col("_on_default").alias("on_default")])
}

fn key_selector(table: &Table) -> Selector {
    by_name(table.key.iter().copied(), true, false)
}

/// First time, then key: unique, so that equal content has equal bytes.
fn total_order(table: &Table) -> Vec<PlSmallStr> {
    let mut names: Vec<&str> = table.time.into_iter().collect();
    names.extend(table.key.iter().filter(|name| Some(**name) != table.time));
    names.into_iter().map(PlSmallStr::from).collect()
}

/// Tickets of a batch that are no longer there.
///
/// A mark is a version of the ticket's row that changes one column. It is laid over what the batch itself brings, so
/// that a ticket which was read and then found missing in one night is gone; a later batch that brings the ticket
/// takes the mark away, since what can be read is there, even with the `updated_at` of old. Marks and rows delivered
/// again give the same table, in whatever order the last word of each is spoken. A fresh store never saw the tickets
/// that were gone before it began: it equals a kept one but for these rows.
#[derive(Default)]
pub(super) struct Marks(BTreeMap<(String, i64), &'static str>);

impl Marks {
    /// Sorts the marks of a batch.
    pub fn of(gone: &[Gone]) -> Self {
        Self(gone.iter().map(|mark| ((mark.host.clone(), mark.issue_id), mark.how)).collect())
    }

    /// Whether rows of a table may have to be marked.
    pub fn concern(&self, table: &Table) -> bool {
        table.name == Issue::TABLE.name && !self.0.is_empty()
    }

    /// The rows with their marks.
    pub fn over(&self, table: &Table, mut rows: DataFrame) -> PolarsResult<DataFrame> {
        if !self.concern(table) {
            return Ok(rows);
        }
        let (hosts, ids) = (rows.column("host")?.str()?, rows.column("issue_id")?.i64()?);
        let gone = rows.column("gone")?.str()?;
        let marked: StringChunked = hosts
            .iter()
            .zip(ids.iter())
            .zip(gone.iter())
            .map(|((host, id), before)| self.0.get(&(host?.to_owned(), id?)).copied().or(before))
            .collect();
        rows.with_column(marked.into_series().with_name("gone".into()).into_column())?;
        Ok(rows)
    }
}

/// The parents whose stored children go, table by table.
#[derive(Default)]
pub(super) struct Dropped {
    pull_requests: BTreeSet<(String, i64, i64)>,
    issues: BTreeSet<(String, i64)>,
    calendars: BTreeMap<i64, (i64, i64)>,
    clones: BTreeSet<i64>,
    rewrites: BTreeSet<i64>,
    accounts: BTreeSet<String>,
}

impl Dropped {
    /// Sorts the parents of a batch.
    pub fn of(replaced: &[Replaced]) -> Self {
        let mut dropped = Self::default();
        for parent in replaced {
            match parent {
                Replaced::PullRequest { host, repository_id, number } => {
                    dropped.pull_requests.insert((host.clone(), *repository_id, *number));
                }
                Replaced::Issue { host, issue_id } => {
                    dropped.issues.insert((host.clone(), *issue_id));
                }
                Replaced::Calendar { account, from, to } => {
                    dropped.calendars.insert(account.to_stored(), (from.0, to.0));
                }
                Replaced::Clone { repository_id } => {
                    dropped.clones.insert(*repository_id);
                }
                Replaced::Rewrites { repository_id } => {
                    dropped.rewrites.insert(*repository_id);
                }
                Replaced::Accounts { source } => {
                    dropped.accounts.insert(source.clone());
                }
            }
        }
        dropped
    }

    /// Whether stored rows of a partition may have to go.
    pub fn concerns(&self, table: &Table, partition: &str) -> bool {
        let source = partition.split('/').next().unwrap_or_default();
        match table.name {
            "pull_request_events" | "reviews" => !self.pull_requests.is_empty(),
            "commits" if source == "source=git" => !self.clones.is_empty(),
            "commits" => !self.pull_requests.is_empty(),
            "rewrites" => !self.rewrites.is_empty(),
            "comments" if source == "source=jira" => !self.issues.is_empty(),
            "comments" => !self.pull_requests.is_empty(),
            "issue_changes" | "issue_links" => !self.issues.is_empty(),
            "busy" | "absences" => !self.calendars.is_empty(),
            "people_accounts" => source.strip_prefix("source=").is_some_and(|name| self.accounts.contains(name)),
            _ => false,
        }
    }

    /// The stored rows of a partition without the children that their parents no longer list.
    pub fn without(&self, table: &Table, partition: &str, rows: DataFrame) -> PolarsResult<DataFrame> {
        if !self.concerns(table, partition) {
            return Ok(rows);
        }
        let git = partition.starts_with("source=git/");
        match table.name {
            "people_accounts" => self.without_links(rows),
            "busy" | "absences" => self.without_calendars(table, rows),
            "commits" if git => without_repositories(&self.clones, rows),
            "rewrites" => without_repositories(&self.rewrites, rows),
            "issue_changes" | "issue_links" => self.without_issue_children(rows),
            "comments" if partition.starts_with("source=jira/") => self.without_issue_children(rows),
            _ => self.without_pull_request_children(table, rows),
        }
    }

    /// Without the links of one source; a partition may hold those of another that is delivered otherwise.
    fn without_links(&self, rows: DataFrame) -> PolarsResult<DataFrame> {
        let sources: Vec<&str> = self.accounts.iter().map(String::as_str).collect();
        let sources = DataFrame::new(sources.len(), vec![Column::new("source".into(), sources)])?;
        rows.lazy().join(sources.lazy(), [col("source")], [col("source")], anti()).collect()
    }

    fn without_issue_children(&self, rows: DataFrame) -> PolarsResult<DataFrame> {
        let hosts: Vec<&str> = self.issues.iter().map(|(host, _)| host.as_str()).collect();
        let ids: Vec<i64> = self.issues.iter().map(|(_, id)| *id).collect();
        let parents =
            DataFrame::new(ids.len(), vec![Column::new("host".into(), hosts), Column::new("issue_id".into(), ids)])?;
        let on = [col("host"), col("issue_id")];
        rows.lazy().join(parents.lazy(), on.clone(), on, anti()).collect()
    }

    fn without_pull_request_children(&self, table: &Table, rows: DataFrame) -> PolarsResult<DataFrame> {
        let hosts: Vec<&str> = self.pull_requests.iter().map(|(host, _, _)| host.as_str()).collect();
        let repositories: Vec<i64> = self.pull_requests.iter().map(|(_, id, _)| *id).collect();
        let numbers: Vec<i64> = self.pull_requests.iter().map(|(_, _, number)| *number).collect();
        let parents = DataFrame::new(
            numbers.len(),
            vec![
                Column::new("host".into(), hosts),
                Column::new("repository_id".into(), repositories),
                Column::new("number".into(), numbers),
            ],
        )?;
        let parents = parents.lazy().with_column(lit(true).alias("_listed_anew"));
        let on = [col("host"), col("repository_id"), col("number")];
        let marked = rows.lazy().join(parents, on.clone(), on, JoinArgs::new(JoinType::Left));
        let listed = col("_listed_anew").is_not_null();
        let kept = match table.name {
            // A commit of the default branch stays, it only loses its number until the new list gives it back.
            "commits" => marked.filter(listed.clone().not().or(col("on_default"))).with_column(
                when(listed).then(lit(NULL).cast(DataType::Int64)).otherwise(col("number")).alias("number"),
            ),
            "comments" => marked.filter(listed.not().or(col("place").neq(lit("pull_request")))),
            _ => marked.filter(listed.not()),
        };
        kept.drop(by_name(["_listed_anew"], true, false)).collect()
    }

    fn without_calendars(&self, table: &Table, rows: DataFrame) -> PolarsResult<DataFrame> {
        let accounts: Vec<i64> = self.calendars.keys().copied().collect();
        let from: Vec<i64> = self.calendars.values().map(|(from, _)| *from).collect();
        let to: Vec<i64> = self.calendars.values().map(|(_, to)| *to).collect();
        let windows = DataFrame::new(
            accounts.len(),
            vec![
                Column::new("account".into(), accounts),
                Column::new("_from".into(), from),
                Column::new("_to".into(), to),
            ],
        )?;
        let time = if table.name == "busy" {
            col("starts_at").cast(DataType::Int64)
        } else {
            col("day").cast(DataType::Int64) * lit(86_400_000_i64) + lit(43_200_000_i64)
        };
        let inside = col("_from").is_not_null().and(time.clone().gt_eq(col("_from"))).and(time.lt(col("_to")));
        rows.lazy()
            .join(windows.lazy(), [col("account")], [col("account")], JoinArgs::new(JoinType::Left))
            .filter(inside.not())
            .drop(by_name(["_from", "_to"], true, false))
            .collect()
    }
}

fn without_repositories(ids: &BTreeSet<i64>, rows: DataFrame) -> PolarsResult<DataFrame> {
    let ids: Vec<i64> = ids.iter().copied().collect();
    let ids = DataFrame::new(ids.len(), vec![Column::new("repository_id".into(), ids)])?;
    rows.lazy().join(ids.lazy(), [col("repository_id")], [col("repository_id")], anti()).collect()
}

fn anti() -> JoinArgs {
    JoinArgs::new(JoinType::Anti)
}

#[cfg(test)]
mod tests {
    use crate::model::records::PersonAccount;
    use crate::model::{Account, Batch, Replaced};
    use crate::store::Store;

    #[test]
    fn links_of_a_source_that_is_told_anew_go_and_those_of_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("store"), || Ok([1; 32])).unwrap();
        let link = |account: i64, source: &str| PersonAccount {
            person: Account::from_stored(1),
            account: Account::from_stored(account),
            source: source.to_owned(),
        };
        let links = vec![link(1, "jira"), link(2, "jira-app"), link(3, "calendar"), link(4, "github")];
        store.merge(&Batch { people_accounts: links, ..Batch::default() }, Vec::new()).unwrap();
        let replaced = ["jira", "git", "calendar"].map(|source| Replaced::Accounts { source: source.to_owned() });
        store.merge(&Batch { replaced: replaced.to_vec(), ..Batch::default() }, Vec::new()).unwrap();
        assert_eq!(store.rows()["people_accounts"], 2);
    }
}
