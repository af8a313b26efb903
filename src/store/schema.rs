//! The tables of the store: names, keys, columns and types, and how records become columns.
//!
//! `docs/privacy.md` decides for every column whether it may reach a page; names and types are those that cluster
//! jobs and checks rely on.

use polars::prelude::*;

use crate::model::Account;
use crate::model::records::*;
use crate::model::time::{Millis, day_number};

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// 64-bit integer.
    Int,
    /// 64-bit float.
    Float,
    Bool,
    /// UTF-8 text.
    Text,
    /// Calendar date.
    Date,
    /// Instant in UTC, milliseconds.
    Time,
    /// Raw bytes.
    Bytes,
}

impl Type {
    /// The polars type that carries it.
    #[must_use]
    pub fn dtype(self) -> DataType {
        match self {
            Self::Int => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Bool => DataType::Boolean,
            Self::Text => DataType::String,
            Self::Date => DataType::Date,
            Self::Time => DataType::Datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC)),
            Self::Bytes => DataType::Binary,
        }
    }
}

/// A table of the store.
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    /// The primary key.
    pub key: &'static [&'static str],
    /// The first time of a row, which names its month; `None`: month 0.
    pub time: Option<&'static str>,
    /// Of two versions of a row the one with the later value here stands; `None`: the one delivered later.
    pub version: Option<&'static str>,
    pub columns: &'static [(&'static str, Type)],
}

impl Table {
    /// The columns as polars types.
    #[must_use]
    pub fn schema(&self) -> Schema {
        self.columns.iter().map(|(name, kind)| Field::new((*name).into(), kind.dtype())).collect()
    }

    /// A table without rows.
    #[must_use]
    pub fn empty(&self) -> DataFrame {
        DataFrame::empty_with_schema(&self.schema())
    }
}

/// A record type that has a table.
pub trait Stored {
    /// Its table.
    const TABLE: &'static Table;
    /// `github`, `jira`, `git` or `calendar`: the partition.
    fn source(&self) -> &'static str;
    /// The first time of the row.
    fn time(&self) -> Option<Millis>;
    /// The rows as columns, in the table's order.
    fn columns(rows: &[&Self]) -> Vec<Column>;
}

/// A field's value as the store holds it.
trait Cell {
    const TYPE: Type;
    fn column<'a>(name: &str, values: impl Iterator<Item = &'a Self>) -> Column
    where
        Self: 'a;
}

macro_rules! cell {
    ($field:ty, $kind:expr, $stored:ty, |$value:ident| $convert:expr) => {
        impl Cell for $field {
            const TYPE: Type = $kind;
            fn column<'a>(name: &str, values: impl Iterator<Item = &'a Self>) -> Column {
                let stored: Vec<$stored> = values.map(|$value| $convert).collect();
                Column::new(name.into(), stored)
            }
        }
    };
}

cell!(i64, Type::Int, i64, |value| *value);
cell!(Option<i64>, Type::Int, Option<i64>, |value| *value);
cell!(Option<f64>, Type::Float, Option<f64>, |value| *value);
cell!(bool, Type::Bool, bool, |value| *value);
cell!(Option<bool>, Type::Bool, Option<bool>, |value| *value);
cell!(String, Type::Text, &str, |value| value.as_str());
cell!(Option<String>, Type::Text, Option<&str>, |value| value.as_deref());
cell!(crate::model::AccountKind, Type::Text, &str, |value| value.as_str());
cell!(Account, Type::Int, i64, |value| value.to_stored());
cell!(Option<Account>, Type::Int, Option<i64>, |value| value.map(Account::to_stored));
cell!(Millis, Type::Time, i64, |value| value.0);
cell!(Option<Millis>, Type::Time, Option<i64>, |value| value.map(|at| at.0));
cell!(jiff::civil::Date, Type::Date, i32, |value| days(*value));
cell!(Option<jiff::civil::Date>, Type::Date, Option<i32>, |value| value.map(days));

impl Cell for [u8; 20] {
    const TYPE: Type = Type::Bytes;
    fn column<'a>(name: &str, values: impl Iterator<Item = &'a Self>) -> Column {
        let stored: Vec<&[u8]> = values.map(<[u8; 20]>::as_slice).collect();
        Column::new(name.into(), stored)
    }
}

fn days(date: jiff::civil::Date) -> i32 {
    // Civil dates span ±4.4 million days, well within 32 bits.
    i32::try_from(day_number(date)).unwrap_or(i32::MAX)
}

fn cast(column: Column, kind: Type) -> Column {
    match kind {
        // Reinterpreting an integer as date or time of the same width cannot fail.
        Type::Date | Type::Time => column.cast(&kind.dtype()).unwrap_or(column),
        _ => column,
    }
}

macro_rules! table {
    ($record:ident, $name:literal, key $key:expr, time $time:expr, version $version:expr,
     source |$row:ident| $source:expr, at |$at_row:ident| $at:expr, { $($field:ident : $type:ty),+ $(,)? }) => {
        impl Stored for $record {
            const TABLE: &'static Table = &Table {
                name: $name,
                key: &$key,
                time: $time,
                version: $version,
                columns: &[$((column_name(stringify!($field)), <$type as Cell>::TYPE)),+],
            };
            fn source(&self) -> &'static str {
                let $row = self;
                $source
            }
            fn time(&self) -> Option<Millis> {
                let $at_row = self;
                $at
            }
            fn columns(rows: &[&Self]) -> Vec<Column> {
                vec![$(cast(
                    <$type as Cell>::column(column_name(stringify!($field)), rows.iter().map(|row| &row.$field)),
                    <$type as Cell>::TYPE,
                )),+]
            }
        }
    };
}

/// A raw identifier's name without its prefix.
const fn column_name(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [b'r', b'#', ..] => match field.split_at_checked(2) {
            Some((_, name)) => name,
            None => field,
        },
        _ => field,
    }
}

fn noon(date: jiff::civil::Date) -> Millis {
    Millis(day_number(date) * 86_400_000 + 43_200_000)
}

table!(Repository, "repositories", key ["host", "repository_id"], time None, version None,
source |_r| "github", at |_r| None,
{ host: String, repository_id: i64, name: String, archived: bool, empty: bool, visible: bool });

table!(PullRequest, "pull_requests", key ["host", "repository_id", "number"], time Some("created_at"), version Some("updated_at"),
source |_r| "github", at |r| Some(r.created_at),
{ host: String, repository_id: i64, number: i64, pull_request_id: i64, author: Option<Account>,
  author_kind: crate::model::AccountKind, state: String, draft: bool, created_at: Millis, updated_at: Millis,
  ready_at: Option<Millis>, closed_at: Option<Millis>, merged_at: Option<Millis>, merged_by: Option<Account>,
  commits: i64, additions: i64, deletions: i64, changed_files: i64, issue_keys: String, labels: String,
  reverts: Option<i64> });

table!(PullRequestEvent, "pull_request_events", key ["host", "repository_id", "event_id"], time Some("at"), version None,
source |_r| "github", at |r| Some(r.at),
{ host: String, repository_id: i64, number: i64, event_id: String, at: Millis, kind: String,
  actor: Option<Account>, subject: Option<Account>, subject_is_team: bool });

table!(Review, "reviews", key ["host", "repository_id", "review_id"], time Some("submitted_at"), version None,
source |_r| "github", at |r| Some(r.submitted_at),
{ host: String, repository_id: i64, number: i64, review_id: i64, reviewer: Option<Account>,
  reviewer_kind: crate::model::AccountKind, submitted_at: Millis, state: String, comments: i64 });

table!(Comment, "comments", key ["host", "place", "comment_id"], time Some("at"), version None,
source |r| if r.place == "ticket" { "jira" } else { "github" }, at |r| Some(r.at),
{ host: String, place: String, repository_id: Option<i64>, number: Option<i64>, issue_id: Option<i64>,
  comment_id: i64, thread: Option<String>, in_reply_to: Option<i64>, author: Option<Account>,
  author_kind: crate::model::AccountKind, at: Millis, resolved: Option<bool> });

table!(Commit, "commits", key ["host", "repository_id", "sha"], time Some("authored_at"), version None,
source |r| if r.host == "git" { "git" } else { "github" }, at |r| Some(r.authored_at),
{ host: String, repository_id: i64, sha: [u8; 20], author: Option<Account>, author_kind: crate::model::AccountKind,
  authored_at: Millis, utc_offset_minutes: i64, committed_at: Millis, additions: Option<i64>,
  deletions: Option<i64>, changed_files: Option<i64>, parents: i64, number: Option<i64>, on_default: bool });

table!(Rewrite, "rewrites", key ["host", "repository_id", "sha"], time Some("committed_at"), version None,
source |_r| "git", at |r| Some(r.committed_at),
{ host: String, repository_id: i64, sha: [u8; 20], author: Option<Account>, author_kind: crate::model::AccountKind,
  committed_at: Millis, lines_added: i64, lines_changed_again: i64 });

table!(CheckRun, "check_runs", key ["host", "repository_id", "check_run_id"], time Some("started_at"), version None,
source |_r| "github", at |r| Some(r.started_at),
{ host: String, repository_id: i64, check_run_id: i64, sha: [u8; 20], number: Option<i64>, started_at: Millis,
  completed_at: Option<Millis>, conclusion: Option<String> });

table!(Release, "releases", key ["host", "repository_id", "release_id"], time Some("published_at"), version None,
source |_r| "github", at |r| Some(r.published_at),
{ host: String, repository_id: i64, release_id: i64, published_at: Millis });

table!(Issue, "issues", key ["host", "issue_id"], time Some("created_at"), version Some("updated_at"),
source |r| r.tracker.as_str(), at |r| Some(r.created_at),
{ host: String, issue_id: i64, key: String, project: String, r#type: String, status_id: String,
  status_category: String, priority: Option<String>, created_at: Millis, updated_at: Millis,
  resolved_at: Option<Millis>, assignee: Option<Account>, reporter: Option<Account>, parent_id: Option<i64>,
  due_on: Option<jiff::civil::Date>, fix_version_on: Option<jiff::civil::Date>, labels: String, sprints: String,
  estimate: Option<f64>, flagged: bool, gone: Option<String> });

table!(IssueChange, "issue_changes", key ["host", "issue_id", "change_id", "field"], time Some("at"), version None,
source |r| r.tracker.as_str(), at |r| Some(r.at),
{ host: String, issue_id: i64, change_id: String, field: String, at: Millis, author: Option<Account>,
  from: Option<String>, to: Option<String> });

table!(IssueLink, "issue_links", key ["host", "issue_id", "link_id"], time None, version None,
source |r| r.tracker.as_str(), at |_r| None,
{ host: String, issue_id: i64, link_id: String, r#type: String, direction: String, other_key: String });

table!(Sprint, "sprints", key ["host", "sprint_id"], time None, version None,
source |_r| "jira", at |_r| None,
{ host: String, sprint_id: i64, board_id: Option<i64>, state: String, starts_at: Option<Millis>,
  ends_at: Option<Millis>, completed_at: Option<Millis> });

table!(Status, "statuses", key ["host", "status_id"], time None, version None,
source |r| r.tracker.as_str(), at |_r| None,
{ host: String, status_id: String, category: String });

table!(Busy, "busy", key ["account", "starts_at", "ends_at", "occurrence"], time Some("starts_at"), version None,
source |_r| "calendar", at |r| Some(r.starts_at),
{ account: Account, occurrence: i64, starts_at: Millis, ends_at: Millis, kind: String, attendees: Option<i64>,
  recurring: bool, own: bool, cancelled: bool, moved_from: Option<Millis>, response: String });

table!(Absence, "absences", key ["account", "day", "kind"], time Some("day"), version None,
source |_r| "calendar", at |r| Some(noon(r.day)),
{ account: Account, day: jiff::civil::Date, half: bool, kind: String });

table!(PersonAccount, "people_accounts", key ["person", "account"], time None, version None,
source |r| match r.source.as_str() { "github" => "github", "jira" | "jira-app" => "jira", "git" => "git", _ => "calendar" }, at |_r| None,
{ person: Account, account: Account, source: String });

/// All tables, in the order in which they are listed.
pub const TABLES: [&Table; 17] = [
    Repository::TABLE,
    PullRequest::TABLE,
    PullRequestEvent::TABLE,
    Review::TABLE,
    Comment::TABLE,
    Commit::TABLE,
    Rewrite::TABLE,
    CheckRun::TABLE,
    Release::TABLE,
    Issue::TABLE,
    IssueChange::TABLE,
    IssueLink::TABLE,
    Sprint::TABLE,
    Status::TABLE,
    Busy::TABLE,
    Absence::TABLE,
    PersonAccount::TABLE,
];

/// The table of a name.
#[must_use]
pub fn table(name: &str) -> Option<&'static Table> {
    TABLES.into_iter().find(|table| table.name == name)
}
