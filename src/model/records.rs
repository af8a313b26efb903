//! The records that collectors hand over and the store keeps: one struct a table, one field a column.
//!
//! Field names are the column names of the tables. Nothing that people wrote is in here: no title, body, branch name,
//! path or message. Instants are UTC with millisecond precision ([`Millis`]), dates are calendar dates.

use super::account::{Account, AccountKind};
use super::time::Millis;
use jiff::civil::Date;

/// A repository that the token can see.
#[derive(Clone, Debug, PartialEq)]
pub struct Repository {
    pub host: String,
    pub repository_id: i64,
    /// `owner/name`, as the service spells it today.
    pub name: String,
    pub archived: bool,
    pub empty: bool,
    pub visible: bool,
}

/// A pull request in its newest version.
#[derive(Clone, Debug, PartialEq)]
pub struct PullRequest {
    pub host: String,
    pub repository_id: i64,
    pub number: i64,
    pub pull_request_id: i64,
    pub author: Option<Account>,
    pub author_kind: AccountKind,
    /// `open`, `closed` or `merged`.
    pub state: String,
    pub draft: bool,
    pub created_at: Millis,
    pub updated_at: Millis,
    /// The last time it became ready for review; its creation where it never was a draft; null while a draft.
    pub ready_at: Option<Millis>,
    pub closed_at: Option<Millis>,
    pub merged_at: Option<Millis>,
    pub merged_by: Option<Account>,
    pub commits: i64,
    pub additions: i64,
    pub deletions: i64,
    pub changed_files: i64,
    /// Ticket keys found in title, branch and closing references; sorted, comma-separated.
    pub issue_keys: String,
    /// Labels of the allow-list; sorted, comma-separated.
    pub labels: String,
    /// The number of the pull request that this one reverts.
    pub reverts: Option<i64>,
}

/// Something that happened to a pull request.
#[derive(Clone, Debug, PartialEq)]
pub struct PullRequestEvent {
    pub host: String,
    pub repository_id: i64,
    pub number: i64,
    pub event_id: String,
    pub at: Millis,
    /// `ready`, `draft`, `review_requested`, `review_request_removed`, `force_pushed`, `closed`, `reopened`, `merged`,
    /// `labeled`, `unlabeled`, `auto_merge_on`, `auto_merge_off`.
    pub kind: String,
    pub actor: Option<Account>,
    pub subject: Option<Account>,
    pub subject_is_team: bool,
}

/// A submitted review.
#[derive(Clone, Debug, PartialEq)]
pub struct Review {
    pub host: String,
    pub repository_id: i64,
    pub number: i64,
    pub review_id: i64,
    pub reviewer: Option<Account>,
    pub reviewer_kind: AccountKind,
    pub submitted_at: Millis,
    /// `approved`, `changes_requested`, `commented` or `dismissed`.
    pub state: String,
    /// How many review comments came with it.
    pub comments: i64,
}

/// A comment: place, thread, author and time, never the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Comment {
    pub host: String,
    /// `pull_request`, `review`, `issue` or `ticket`.
    pub place: String,
    pub repository_id: Option<i64>,
    pub number: Option<i64>,
    pub issue_id: Option<i64>,
    pub comment_id: i64,
    pub thread: Option<String>,
    pub in_reply_to: Option<i64>,
    pub author: Option<Account>,
    pub author_kind: AccountKind,
    pub at: Millis,
    pub resolved: Option<bool>,
}

/// A commit, once per repository and hash.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    pub host: String,
    pub repository_id: i64,
    pub sha: [u8; 20],
    pub author: Option<Account>,
    pub author_kind: AccountKind,
    pub authored_at: Millis,
    /// The author's own offset from UTC at that time, in minutes.
    pub utc_offset_minutes: i64,
    pub committed_at: Millis,
    pub additions: Option<i64>,
    pub deletions: Option<i64>,
    pub changed_files: Option<i64>,
    pub parents: i64,
    /// The pull request that lists it; where several do, the smallest number.
    pub number: Option<i64>,
    /// It is part of the default branch (or, in a clone, reachable from a branch).
    pub on_default: bool,
}

/// How much of what a commit of the default branch added was changed again within 21 days; known once these are over.
#[derive(Clone, Debug, PartialEq)]
pub struct Rewrite {
    pub host: String,
    pub repository_id: i64,
    pub sha: [u8; 20],
    /// Whose work it is: of a merge, the author of what it brought in.
    pub author: Option<Account>,
    pub author_kind: AccountKind,
    pub committed_at: Millis,
    /// Lines with something in them; moved ones are not counted.
    pub lines_added: i64,
    /// Those of them that were changed or taken away again.
    pub lines_changed_again: i64,
}

/// A check run of the head of a pull request.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckRun {
    pub host: String,
    pub repository_id: i64,
    pub check_run_id: i64,
    pub sha: [u8; 20],
    pub number: Option<i64>,
    pub started_at: Millis,
    pub completed_at: Option<Millis>,
    /// `success`, `failure`, `cancelled`, …; null while it runs.
    pub conclusion: Option<String>,
}

/// A published release, without its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    pub host: String,
    pub repository_id: i64,
    pub release_id: i64,
    pub published_at: Millis,
}

/// Which kind of service a ticket comes from. It chooses the partition and is no column of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracker {
    Jira,
    Github,
}

impl Tracker {
    /// The partition's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jira => "jira",
            Self::Github => "github",
        }
    }
}

/// A ticket in its newest version.
#[derive(Clone, Debug, PartialEq)]
pub struct Issue {
    pub tracker: Tracker,
    pub host: String,
    pub issue_id: i64,
    /// `PAY-398`, or `owner/name#412` for an issue of GitHub.
    pub key: String,
    /// The project's key, or `owner/name`.
    pub project: String,
    pub r#type: String,
    pub status_id: String,
    /// `to_do`, `in_progress`, `done` or `unknown`.
    pub status_category: String,
    pub priority: Option<String>,
    pub created_at: Millis,
    pub updated_at: Millis,
    pub resolved_at: Option<Millis>,
    pub assignee: Option<Account>,
    pub reporter: Option<Account>,
    pub parent_id: Option<i64>,
    pub due_on: Option<Date>,
    /// The earliest release date of its fix versions.
    pub fix_version_on: Option<Date>,
    pub labels: String,
    /// Ids of all its sprints; ascending, comma-separated.
    pub sprints: String,
    pub estimate: Option<f64>,
    pub flagged: bool,
    /// `deleted`, `hidden`, `transferred` or `converted` (to a discussion); null while visible.
    pub gone: Option<String>,
}

/// One changed field of one ticket. Values only where the field is on the allow-list; accounts as numbers in text.
#[derive(Clone, Debug, PartialEq)]
pub struct IssueChange {
    pub tracker: Tracker,
    pub host: String,
    pub issue_id: i64,
    pub change_id: String,
    /// The field's stable name: `status`, `assignee`, `duedate`, `sprint`, `fix_version`, `flagged`, `priority`,
    /// `issue_type`, `resolution`, `estimate`, `parent`, `key`, `project`, `description` (that it changed, not what).
    pub field: String,
    pub at: Millis,
    pub author: Option<Account>,
    /// `status`: status id. `duedate`: ISO date. `sprint`: comma-separated sprint ids. `fix_version`: comma-separated
    /// version ids. `flagged`: `true` or null. `assignee`: an account in decimal. Others as the service's id.
    pub from: Option<String>,
    pub to: Option<String>,
}

/// A link between tickets.
#[derive(Clone, Debug, PartialEq)]
pub struct IssueLink {
    pub tracker: Tracker,
    pub host: String,
    pub issue_id: i64,
    pub link_id: String,
    pub r#type: String,
    /// `inward` or `outward`.
    pub direction: String,
    pub other_key: String,
}

/// A sprint of a board.
#[derive(Clone, Debug, PartialEq)]
pub struct Sprint {
    pub host: String,
    pub sprint_id: i64,
    pub board_id: Option<i64>,
    /// `future`, `active` or `closed`.
    pub state: String,
    pub starts_at: Option<Millis>,
    pub ends_at: Option<Millis>,
    pub completed_at: Option<Millis>,
}

/// A status of the tracker: what category its id stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    pub tracker: Tracker,
    pub host: String,
    pub status_id: String,
    pub category: String,
}

/// A busy stretch of a calendar.
#[derive(Clone, Debug, PartialEq)]
pub struct Busy {
    pub account: Account,
    /// Keyed hash of UID and recurrence id.
    pub occurrence: i64,
    pub starts_at: Millis,
    pub ends_at: Millis,
    /// `meeting`, `focus` or `hold`.
    pub kind: String,
    /// How many people take part, the owner included; null where the calendar does not say.
    pub attendees: Option<i64>,
    pub recurring: bool,
    /// The calendar's owner organises it.
    pub own: bool,
    pub cancelled: bool,
    /// The original start of a moved occurrence.
    pub moved_from: Option<Millis>,
    /// `accepted`, `tentative` or `none`.
    pub response: String,
}

/// A day (or half of one) on which the calendar says that its owner is away.
#[derive(Clone, Debug, PartialEq)]
pub struct Absence {
    pub account: Account,
    pub day: Date,
    pub half: bool,
    /// `out_of_office` or `holiday`.
    pub kind: String,
}

/// That an account belongs to a person of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PersonAccount {
    pub person: Account,
    pub account: Account,
    /// `github`, `jira`, `git` or `calendar`.
    pub source: String,
}
