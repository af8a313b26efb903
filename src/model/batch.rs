//! What a collector hands over in one piece: rows of any table, and the parents whose children it brings completely.

use super::account::Account;
use super::records::*;
use super::time::Millis;

/// Rows for the store. Rows with a key that the store knows replace the older version.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    pub repositories: Vec<Repository>,
    pub pull_requests: Vec<PullRequest>,
    pub pull_request_events: Vec<PullRequestEvent>,
    pub reviews: Vec<Review>,
    pub comments: Vec<Comment>,
    pub commits: Vec<Commit>,
    pub rewrites: Vec<Rewrite>,
    pub check_runs: Vec<CheckRun>,
    pub releases: Vec<Release>,
    pub issues: Vec<Issue>,
    pub issue_changes: Vec<IssueChange>,
    pub issue_links: Vec<IssueLink>,
    pub sprints: Vec<Sprint>,
    pub statuses: Vec<Status>,
    pub busy: Vec<Busy>,
    pub absences: Vec<Absence>,
    pub people_accounts: Vec<PersonAccount>,
    /// Tickets that are no longer there.
    pub gone: Vec<Gone>,
    /// Parents whose children this batch brings completely: stored children that are not in it are dropped.
    pub replaced: Vec<Replaced>,
}

/// That a ticket is gone: a version of its row, never its removal. It marks the stored row, and stands until the ticket
/// is delivered once more: whatever can be read is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    pub host: String,
    pub issue_id: i64,
    /// `deleted`, `hidden` or `transferred`.
    pub how: &'static str,
}

/// A parent whose list of children is complete in the batch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Replaced {
    /// Events, reviews, comments in place `pull_request`, and commits that carry this number.
    PullRequest { host: String, repository_id: i64, number: i64 },
    /// Changes, links, and comments in place `ticket`.
    Issue { host: String, issue_id: i64 },
    /// All busy stretches that start, and absences that lie, in `from ≤ t < to`.
    Calendar { account: Account, from: Millis, to: Millis },
    /// All commits of a local clone.
    Clone { repository_id: i64 },
    /// All counts of lines of a local clone that were changed again.
    Rewrites { repository_id: i64 },
    /// All links of people to accounts of one source.
    Accounts { source: String },
}

impl Batch {
    /// The number of rows of all tables.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.repositories.len()
            + self.pull_requests.len()
            + self.pull_request_events.len()
            + self.reviews.len()
            + self.comments.len()
            + self.commits.len()
            + self.rewrites.len()
            + self.check_runs.len()
            + self.releases.len()
            + self.issues.len()
            + self.issue_changes.len()
            + self.issue_links.len()
            + self.sprints.len()
            + self.statuses.len()
            + self.busy.len()
            + self.absences.len()
            + self.people_accounts.len()
            + self.gone.len()
    }

    /// Nothing to store at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows() == 0 && self.replaced.is_empty()
    }

    /// Takes over everything of a later batch.
    pub fn append(&mut self, mut later: Batch) {
        self.repositories.append(&mut later.repositories);
        self.pull_requests.append(&mut later.pull_requests);
        self.pull_request_events.append(&mut later.pull_request_events);
        self.reviews.append(&mut later.reviews);
        self.comments.append(&mut later.comments);
        self.commits.append(&mut later.commits);
        self.rewrites.append(&mut later.rewrites);
        self.check_runs.append(&mut later.check_runs);
        self.releases.append(&mut later.releases);
        self.issues.append(&mut later.issues);
        self.issue_changes.append(&mut later.issue_changes);
        self.issue_links.append(&mut later.issue_links);
        self.sprints.append(&mut later.sprints);
        self.statuses.append(&mut later.statuses);
        self.busy.append(&mut later.busy);
        self.absences.append(&mut later.absences);
        self.people_accounts.append(&mut later.people_accounts);
        self.gone.append(&mut later.gone);
        self.replaced.append(&mut later.replaced);
    }
}
