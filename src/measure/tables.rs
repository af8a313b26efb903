//! The stored tables as plain rows, as far as facts need them.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::*;

use crate::model::time::Millis;
use crate::store::{Store, StoreError, table};

use super::MeasureError;

/// A pull request.
#[derive(Clone, Debug, Default)]
pub struct Pull {
    pub repository: i64,
    pub number: i64,
    pub author: Option<i64>,
    pub author_kind: String,
    pub draft: bool,
    pub created_at: Millis,
    pub ready_at: Option<Millis>,
    pub closed_at: Option<Millis>,
    pub merged_at: Option<Millis>,
    pub merged_by: Option<i64>,
    /// Lines added and removed.
    pub lines: i64,
    /// Keys of linked tickets, comma-separated.
    pub issue_keys: String,
    /// The number of the change that this one takes back.
    pub reverts: Option<i64>,
}

/// A submitted review.
#[derive(Clone, Debug, Default)]
pub struct Review {
    pub repository: i64,
    pub number: i64,
    pub at: Millis,
    pub reviewer: Option<i64>,
    pub by_bot: bool,
    /// `approved`, `changes_requested`, `commented` or `dismissed`.
    pub state: String,
    /// How many comments came with it.
    pub comments: i64,
}

/// Something that somebody did about a pull request: an event, a review or a comment.
#[derive(Clone, Debug, Default)]
pub struct Act {
    pub repository: i64,
    pub number: i64,
    pub at: Millis,
    /// The event's kind, `review`, or `comment`.
    pub kind: String,
    pub actor: Option<i64>,
    pub actor_is_bot: bool,
    /// The account that was asked for a review, or no longer is.
    pub subject: Option<i64>,
}

/// A ticket.
#[derive(Clone, Debug, Default)]
pub struct Ticket {
    pub host: String,
    pub id: i64,
    pub key: String,
    pub project: String,
    pub kind: String,
    pub category: String,
    pub priority: Option<String>,
    pub created_at: Millis,
    pub resolved_at: Option<Millis>,
    pub assignee: Option<i64>,
    pub reporter: Option<i64>,
    pub parent: Option<i64>,
    pub due_on: Option<i64>,
    pub fix_version_on: Option<i64>,
    /// Labels of the allow-list, comma-separated.
    pub labels: String,
    /// It bears a flag now.
    pub flagged: bool,
    /// Ids of all its sprints, comma-separated.
    pub sprints: String,
}

impl Ticket {
    /// It is an issue of GitHub: its key is `owner/name#412`.
    #[must_use]
    pub fn is_github(&self) -> bool {
        self.key.contains('#')
    }
}

/// A changed field of a ticket.
#[derive(Clone, Debug)]
pub struct Change {
    pub field: String,
    pub at: Millis,
    pub author: Option<i64>,
    pub from: Option<String>,
    pub to: Option<String>,
}

/// A remark that somebody wrote about a change of code or a ticket: where and when, never what.
#[derive(Clone, Debug)]
pub struct Remark {
    pub host: String,
    /// `pull_request`, `review`, `issue` or `ticket`.
    pub place: String,
    pub repository: Option<i64>,
    pub number: Option<i64>,
    pub issue: Option<i64>,
    pub thread: Option<String>,
    pub author: Option<i64>,
    pub author_is_bot: bool,
    pub at: Millis,
    pub resolved: bool,
}

/// A check that machines ran on a commit of a change.
#[derive(Clone, Debug)]
pub struct CheckRun {
    pub repository: i64,
    pub number: Option<i64>,
    pub sha: Vec<u8>,
    pub started_at: Millis,
    pub completed_at: Option<Millis>,
    pub conclusion: Option<String>,
}

/// How much of what a commit of the default branch of a clone added was changed again within 21 days.
#[derive(Clone, Debug)]
pub struct Rewrite {
    /// The clone's own number.
    pub clone_id: i64,
    pub sha: Vec<u8>,
    pub author: Option<i64>,
    pub author_is_bot: bool,
    pub landed_at: Millis,
    pub lines_added: i64,
    pub lines_changed_again: i64,
}

/// A link between tickets, as one of them tells it.
#[derive(Clone, Debug)]
pub struct Link {
    /// Host and id of the ticket that tells it.
    pub ticket: (String, i64),
    /// The link type's name.
    pub kind: String,
    /// It leads to this ticket: "is blocked by", not "blocks".
    pub inward: bool,
    pub other_key: String,
}

/// A sprint.
#[derive(Clone, Debug, Default)]
pub struct Sprint {
    pub starts_at: Option<Millis>,
    pub ends_at: Option<Millis>,
    pub completed_at: Option<Millis>,
}

/// A commit's author-local moment.
#[derive(Clone, Debug)]
pub struct Commit {
    pub host: String,
    pub sha: Vec<u8>,
    pub author: Option<i64>,
    pub author_is_bot: bool,
    pub authored_at: Millis,
    pub utc_offset_minutes: i64,
}

/// A busy stretch.
#[derive(Clone, Debug)]
pub struct Busy {
    pub account: i64,
    pub starts_at: Millis,
    pub ends_at: Millis,
    pub kind: String,
    pub attendees: Option<i64>,
}

/// A recurring talk of two that the calendar's owner organises, cancelled or not.
#[derive(Clone, Debug)]
pub struct Talk {
    pub account: i64,
    /// When it was to begin before anybody moved it.
    pub planned_at: Millis,
    pub starts_at: Millis,
    pub cancelled: bool,
}

/// Everything that facts are made of.
#[derive(Debug, Default)]
pub struct Tables {
    /// Repository names in lower case, by id.
    pub repositories: BTreeMap<i64, String>,
    /// When each repository published releases.
    pub releases: Vec<(i64, Millis)>,
    pub pulls: Vec<Pull>,
    pub acts: Vec<Act>,
    pub reviews: Vec<Review>,
    pub tickets: Vec<Ticket>,
    pub links: Vec<Link>,
    /// Changes of each ticket (host, id), in order of time.
    pub changes: BTreeMap<(String, i64), Vec<Change>>,
    /// Sprints by (host, id).
    pub sprints: BTreeMap<(String, i64), Sprint>,
    /// Status categories by (host, status id).
    pub statuses: BTreeMap<(String, String), String>,
    pub commits: Vec<Commit>,
    pub busy: Vec<Busy>,
    pub talks: Vec<Talk>,
    /// Whole days of absence by calendar account, as day numbers.
    pub absences: BTreeMap<i64, BTreeSet<i64>>,
    /// Comments on tickets: author and time.
    pub ticket_comments: Vec<(i64, Millis)>,
    pub remarks: Vec<Remark>,
    pub check_runs: Vec<CheckRun>,
    pub rewrites: Vec<Rewrite>,
    /// The commits of services by hash: their repository, and the pull request that lists them. Empty without rewrites.
    pub listed: BTreeMap<Vec<u8>, (i64, Option<i64>)>,
}

/// Whether the word of a `*_kind` column stands for automation.
fn is_automation(kind: &str) -> bool {
    kind == "bot" || kind == "app"
}

/// The stored commits, of clones and of services.
///
/// # Errors
/// [`MeasureError::Store`] where a file cannot be read.
pub fn commits(store: &Store) -> Result<Vec<Commit>, MeasureError> {
    let columns = ["host", "sha", "author", "author_kind", "authored_at", "utc_offset_minutes"];
    let rows = Rows::read(store, "commits", &columns)?;
    let (hosts, shas, authors) = (rows.texts("host")?, rows.bytes("sha")?, rows.ints("author")?);
    let kinds = rows.texts("author_kind")?;
    let (times, offsets) = (rows.ints("authored_at")?, rows.ints("utc_offset_minutes")?);
    let mut commits = Vec::with_capacity(rows.height());
    for at in 0..rows.height() {
        commits.push(Commit {
            host: hosts[at].clone().unwrap_or_default(),
            sha: shas[at].clone(),
            author: authors[at],
            author_is_bot: kinds[at].as_deref().is_some_and(is_automation),
            authored_at: Millis(times[at].unwrap_or_default()),
            utc_offset_minutes: offsets[at].unwrap_or_default(),
        });
    }
    Ok(commits)
}

impl Tables {
    /// Reads the live rows of a store.
    ///
    /// # Errors
    /// [`MeasureError::Store`] where a file cannot be read.
    pub fn load(store: &Store) -> Result<Self, MeasureError> {
        let mut tables = Self { ..Self::default() };
        tables.load_repositories(store)?;
        tables.load_pulls(store)?;
        tables.load_acts(store)?;
        tables.load_tickets(store)?;
        tables.load_calendars(store)?;
        tables.load_remarks(store)?;
        tables.load_check_runs(store)?;
        tables.load_rewrites(store)?;
        Ok(tables)
    }

    fn load_repositories(&mut self, store: &Store) -> Result<(), MeasureError> {
        let rows = Rows::read(store, "repositories", &["repository_id", "name"])?;
        let (ids, names) = (rows.ints("repository_id")?, rows.texts("name")?);
        self.repositories =
            ids.iter().zip(names).filter_map(|(id, name)| Some(((*id)?, name?.to_lowercase()))).collect();
        let rows = Rows::read(store, "releases", &["repository_id", "published_at"])?;
        let releases = rows.ints("repository_id")?.into_iter().zip(rows.ints("published_at")?);
        self.releases = releases.filter_map(|(id, at)| Some((id?, Millis(at?)))).collect();
        self.commits = commits(store)?;
        Ok(())
    }

    fn load_pulls(&mut self, store: &Store) -> Result<(), MeasureError> {
        let columns = [
            "repository_id",
            "number",
            "author",
            "author_kind",
            "draft",
            "created_at",
            "ready_at",
            "closed_at",
            "merged_at",
            "merged_by",
            "additions",
            "deletions",
            "issue_keys",
            "reverts",
        ];
        let rows = Rows::read(store, "pull_requests", &columns)?;
        let (repositories, numbers) = (rows.ints("repository_id")?, rows.ints("number")?);
        let (authors, kinds, drafts) = (rows.ints("author")?, rows.texts("author_kind")?, rows.bools("draft")?);
        let (created, ready, closed) = (rows.ints("created_at")?, rows.ints("ready_at")?, rows.ints("closed_at")?);
        let (merged, merged_by) = (rows.ints("merged_at")?, rows.ints("merged_by")?);
        let (issue_keys, reverts) = (rows.texts("issue_keys")?, rows.ints("reverts")?);
        let (added, deleted) = (rows.ints("additions")?, rows.ints("deletions")?);
        for at in 0..rows.height() {
            self.pulls.push(Pull {
                repository: repositories[at].unwrap_or_default(),
                number: numbers[at].unwrap_or_default(),
                author: authors[at],
                author_kind: kinds[at].clone().unwrap_or_default(),
                draft: drafts[at].unwrap_or_default(),
                created_at: Millis(created[at].unwrap_or_default()),
                ready_at: ready[at].map(Millis),
                closed_at: closed[at].map(Millis),
                merged_at: merged[at].map(Millis),
                merged_by: merged_by[at],
                lines: added[at].unwrap_or_default() + deleted[at].unwrap_or_default(),
                issue_keys: issue_keys[at].clone().unwrap_or_default(),
                reverts: reverts[at],
            });
        }
        Ok(())
    }

    fn load_acts(&mut self, store: &Store) -> Result<(), MeasureError> {
        let columns = ["repository_id", "number", "at", "kind", "actor", "subject"];
        let rows = Rows::read(store, "pull_request_events", &columns)?;
        self.add_acts(&rows, "at", "actor", None, None)?;
        let columns = ["repository_id", "number", "submitted_at", "reviewer", "reviewer_kind", "state", "comments"];
        let rows = Rows::read(store, "reviews", &columns)?;
        self.add_reviews(&rows)?;
        self.add_acts(&rows, "submitted_at", "reviewer", Some("reviewer_kind"), Some("review"))?;
        let columns = ["place", "repository_id", "number", "author", "author_kind", "at"];
        let rows = Rows::read(store, "comments", &columns)?;
        let (places, authors, times) = (rows.texts("place")?, rows.ints("author")?, rows.ints("at")?);
        for at in 0..rows.height() {
            if let (Some("ticket"), Some(author), Some(time)) = (places[at].as_deref(), authors[at], times[at]) {
                self.ticket_comments.push((author, Millis(time)));
            }
        }
        self.add_acts(&rows, "at", "author", Some("author_kind"), Some("comment"))
    }

    fn add_reviews(&mut self, rows: &Rows) -> Result<(), MeasureError> {
        let (repositories, numbers) = (rows.ints("repository_id")?, rows.ints("number")?);
        let (times, reviewers) = (rows.ints("submitted_at")?, rows.ints("reviewer")?);
        let (kinds, states) = (rows.texts("reviewer_kind")?, rows.texts("state")?);
        let comments = rows.ints("comments")?;
        for at in 0..rows.height() {
            self.reviews.push(Review {
                repository: repositories[at].unwrap_or_default(),
                number: numbers[at].unwrap_or_default(),
                at: Millis(times[at].unwrap_or_default()),
                reviewer: reviewers[at],
                by_bot: kinds[at].as_deref().is_some_and(is_automation),
                state: states[at].clone().unwrap_or_default(),
                comments: comments[at].unwrap_or_default(),
            });
        }
        Ok(())
    }

    fn add_acts(
        &mut self,
        rows: &Rows,
        time: &str,
        actor: &str,
        actor_kind: Option<&str>,
        kind: Option<&str>,
    ) -> Result<(), MeasureError> {
        let (repositories, numbers) = (rows.ints("repository_id")?, rows.ints("number")?);
        let (times, actors) = (rows.ints(time)?, rows.ints(actor)?);
        let kinds = kind.is_none().then(|| rows.texts("kind")).transpose()?;
        let actor_kinds = actor_kind.map(|name| rows.texts(name)).transpose()?;
        let subjects = kind.is_none().then(|| rows.ints("subject")).transpose()?;
        for at in 0..rows.height() {
            let (Some(repository), Some(number)) = (repositories[at], numbers[at]) else { continue };
            let told = kinds.as_ref().and_then(|kinds| kinds[at].clone());
            let bot = actor_kinds.as_ref().and_then(|kinds| kinds[at].clone());
            self.acts.push(Act {
                repository,
                number,
                at: Millis(times[at].unwrap_or_default()),
                kind: told.unwrap_or_else(|| kind.unwrap_or_default().to_owned()),
                actor: actors[at],
                actor_is_bot: bot.as_deref().is_some_and(is_automation),
                subject: subjects.as_ref().and_then(|subjects| subjects[at]),
            });
        }
        Ok(())
    }

    fn load_tickets(&mut self, store: &Store) -> Result<(), MeasureError> {
        let columns = [
            "host",
            "issue_id",
            "key",
            "project",
            "type",
            "status_category",
            "created_at",
            "resolved_at",
            "assignee",
            "reporter",
            "parent_id",
            "due_on",
            "fix_version_on",
            "priority",
            "labels",
            "flagged",
            "sprints",
            "gone",
        ];
        let rows = Rows::read(store, "issues", &columns)?;
        let (hosts, ids, keys) = (rows.texts("host")?, rows.ints("issue_id")?, rows.texts("key")?);
        let (projects, kinds, categories) =
            (rows.texts("project")?, rows.texts("type")?, rows.texts("status_category")?);
        let (created, resolved) = (rows.ints("created_at")?, rows.ints("resolved_at")?);
        let (assignees, reporters) = (rows.ints("assignee")?, rows.ints("reporter")?);
        let parents = rows.ints("parent_id")?;
        let (due, versions, gone) = (rows.ints("due_on")?, rows.ints("fix_version_on")?, rows.texts("gone")?);
        let (sprints, labels) = (rows.texts("sprints")?, rows.texts("labels")?);
        let (priorities, flagged) = (rows.texts("priority")?, rows.bools("flagged")?);
        for at in (0..rows.height()).filter(|at| gone[*at].is_none()) {
            self.tickets.push(Ticket {
                host: hosts[at].clone().unwrap_or_default(),
                id: ids[at].unwrap_or_default(),
                key: keys[at].clone().unwrap_or_default(),
                project: projects[at].clone().unwrap_or_default(),
                kind: kinds[at].clone().unwrap_or_default(),
                category: categories[at].clone().unwrap_or_default(),
                priority: priorities[at].clone(),
                created_at: Millis(created[at].unwrap_or_default()),
                resolved_at: resolved[at].map(Millis),
                assignee: assignees[at],
                reporter: reporters[at],
                parent: parents[at],
                due_on: due[at],
                fix_version_on: versions[at],
                labels: labels[at].clone().unwrap_or_default(),
                flagged: flagged[at].unwrap_or_default(),
                sprints: sprints[at].clone().unwrap_or_default(),
            });
        }
        self.load_links(store)?;
        self.load_changes(store)
    }

    fn load_links(&mut self, store: &Store) -> Result<(), MeasureError> {
        let rows = Rows::read(store, "issue_links", &["host", "issue_id", "type", "direction", "other_key"])?;
        let (hosts, ids, kinds) = (rows.texts("host")?, rows.ints("issue_id")?, rows.texts("type")?);
        let (directions, others) = (rows.texts("direction")?, rows.texts("other_key")?);
        for at in 0..rows.height() {
            self.links.push(Link {
                ticket: (hosts[at].clone().unwrap_or_default(), ids[at].unwrap_or_default()),
                kind: kinds[at].clone().unwrap_or_default(),
                inward: directions[at].as_deref() == Some("inward"),
                other_key: others[at].clone().unwrap_or_default(),
            });
        }
        Ok(())
    }

    fn load_changes(&mut self, store: &Store) -> Result<(), MeasureError> {
        let columns = ["host", "issue_id", "change_id", "field", "at", "author", "from", "to"];
        let rows = Rows::read(store, "issue_changes", &columns)?;
        let (hosts, ids, fields) = (rows.texts("host")?, rows.ints("issue_id")?, rows.texts("field")?);
        let (times, authors) = (rows.ints("at")?, rows.ints("author")?);
        let (from, to) = (rows.texts("from")?, rows.texts("to")?);
        for at in 0..rows.height() {
            let ticket = (hosts[at].clone().unwrap_or_default(), ids[at].unwrap_or_default());
            self.changes.entry(ticket).or_default().push(Change {
                field: fields[at].clone().unwrap_or_default(),
                at: Millis(times[at].unwrap_or_default()),
                author: authors[at],
                from: from[at].clone(),
                to: to[at].clone(),
            });
        }
        // The store sorts by time, host, ticket and change; within a ticket that is the order of the changes.
        for changes in self.changes.values_mut() {
            changes.sort_by_key(|change| change.at);
        }
        let rows = Rows::read(store, "sprints", &["host", "sprint_id", "starts_at", "ends_at", "completed_at"])?;
        let (hosts, ids, starts) = (rows.texts("host")?, rows.ints("sprint_id")?, rows.ints("starts_at")?);
        let (ends, completed) = (rows.ints("ends_at")?, rows.ints("completed_at")?);
        for at in 0..rows.height() {
            let sprint = Sprint {
                starts_at: starts[at].map(Millis),
                ends_at: ends[at].map(Millis),
                completed_at: completed[at].map(Millis),
            };
            self.sprints.insert((hosts[at].clone().unwrap_or_default(), ids[at].unwrap_or_default()), sprint);
        }
        let rows = Rows::read(store, "statuses", &["host", "status_id", "category"])?;
        let (hosts, ids, categories) = (rows.texts("host")?, rows.texts("status_id")?, rows.texts("category")?);
        for at in 0..rows.height() {
            let status = (hosts[at].clone().unwrap_or_default(), ids[at].clone().unwrap_or_default());
            self.statuses.insert(status, categories[at].clone().unwrap_or_default());
        }
        Ok(())
    }

    fn load_calendars(&mut self, store: &Store) -> Result<(), MeasureError> {
        let columns =
            ["account", "starts_at", "ends_at", "kind", "attendees", "cancelled", "recurring", "own", "moved_from"];
        let rows = Rows::read(store, "busy", &columns)?;
        let (accounts, starts, ends) = (rows.ints("account")?, rows.ints("starts_at")?, rows.ints("ends_at")?);
        let (kinds, attendees, cancelled) = (rows.texts("kind")?, rows.ints("attendees")?, rows.bools("cancelled")?);
        let (recurring, own, moved) = (rows.bools("recurring")?, rows.bools("own")?, rows.ints("moved_from")?);
        for at in 0..rows.height() {
            let starts_at = Millis(starts[at].unwrap_or_default());
            if attendees[at] == Some(2) && recurring[at] == Some(true) && own[at] == Some(true) {
                self.talks.push(Talk {
                    account: accounts[at].unwrap_or_default(),
                    planned_at: moved[at].map_or(starts_at, Millis),
                    starts_at,
                    cancelled: cancelled[at] == Some(true),
                });
            }
            if cancelled[at] == Some(true) {
                continue;
            }
            self.busy.push(Busy {
                account: accounts[at].unwrap_or_default(),
                starts_at,
                ends_at: Millis(ends[at].unwrap_or_default()),
                kind: kinds[at].clone().unwrap_or_default(),
                attendees: attendees[at],
            });
        }
        let rows = Rows::read(store, "absences", &["account", "day", "half"])?;
        let (accounts, days, half) = (rows.ints("account")?, rows.ints("day")?, rows.bools("half")?);
        for at in (0..rows.height()).filter(|at| half[*at] != Some(true)) {
            if let (Some(account), Some(day)) = (accounts[at], days[at]) {
                self.absences.entry(account).or_default().insert(day);
            }
        }
        Ok(())
    }

    fn load_remarks(&mut self, store: &Store) -> Result<(), MeasureError> {
        let columns = [
            "host",
            "place",
            "repository_id",
            "number",
            "issue_id",
            "thread",
            "author",
            "author_kind",
            "at",
            "resolved",
        ];
        let rows = Rows::read(store, "comments", &columns)?;
        let (hosts, places, threads) = (rows.texts("host")?, rows.texts("place")?, rows.texts("thread")?);
        let (repositories, numbers) = (rows.ints("repository_id")?, rows.ints("number")?);
        let (issues, authors, kinds) = (rows.ints("issue_id")?, rows.ints("author")?, rows.texts("author_kind")?);
        let (times, resolved) = (rows.ints("at")?, rows.bools("resolved")?);
        for at in 0..rows.height() {
            self.remarks.push(Remark {
                host: hosts[at].clone().unwrap_or_default(),
                place: places[at].clone().unwrap_or_default(),
                repository: repositories[at],
                number: numbers[at],
                issue: issues[at],
                thread: threads[at].clone(),
                author: authors[at],
                author_is_bot: kinds[at].as_deref().is_some_and(is_automation),
                at: Millis(times[at].unwrap_or_default()),
                resolved: resolved[at] == Some(true),
            });
        }
        Ok(())
    }

    fn load_check_runs(&mut self, store: &Store) -> Result<(), MeasureError> {
        let columns = ["repository_id", "number", "sha", "started_at", "completed_at", "conclusion"];
        let rows = Rows::read(store, "check_runs", &columns)?;
        let (repositories, numbers, shas) = (rows.ints("repository_id")?, rows.ints("number")?, rows.bytes("sha")?);
        let (started, completed) = (rows.ints("started_at")?, rows.ints("completed_at")?);
        let conclusions = rows.texts("conclusion")?;
        for at in 0..rows.height() {
            self.check_runs.push(CheckRun {
                repository: repositories[at].unwrap_or_default(),
                number: numbers[at],
                sha: shas[at].clone(),
                started_at: Millis(started[at].unwrap_or_default()),
                completed_at: completed[at].map(Millis),
                conclusion: conclusions[at].clone(),
            });
        }
        Ok(())
    }
}

impl Tables {
    fn load_rewrites(&mut self, store: &Store) -> Result<(), MeasureError> {
        let columns =
            ["repository_id", "sha", "author", "author_kind", "committed_at", "lines_added", "lines_changed_again"];
        let rows = Rows::read(store, "rewrites", &columns)?;
        let (clones, shas, authors) = (rows.ints("repository_id")?, rows.bytes("sha")?, rows.ints("author")?);
        let (kinds, times) = (rows.texts("author_kind")?, rows.ints("committed_at")?);
        let (added, again) = (rows.ints("lines_added")?, rows.ints("lines_changed_again")?);
        for at in 0..rows.height() {
            self.rewrites.push(Rewrite {
                clone_id: clones[at].unwrap_or_default(),
                sha: shas[at].clone(),
                author: authors[at],
                author_is_bot: kinds[at].as_deref().is_some_and(is_automation),
                landed_at: Millis(times[at].unwrap_or_default()),
                lines_added: added[at].unwrap_or_default(),
                lines_changed_again: again[at].unwrap_or_default(),
            });
        }
        if self.rewrites.is_empty() {
            return Ok(());
        }
        let rows = Rows::read(store, "commits", &["host", "repository_id", "sha", "number"])?;
        let (hosts, shas) = (rows.texts("host")?, rows.bytes("sha")?);
        let (repositories, numbers) = (rows.ints("repository_id")?, rows.ints("number")?);
        for at in (0..rows.height()).filter(|at| hosts[*at].as_deref() != Some("git")) {
            let listed = (repositories[at].unwrap_or_default(), numbers[at]);
            self.listed.insert(shas[at].clone(), listed);
        }
        Ok(())
    }
}

/// The columns of a table, read by type; instants and dates come as their numbers.
struct Rows(DataFrame);

impl Rows {
    fn read(store: &Store, name: &'static str, columns: &[&str]) -> Result<Self, MeasureError> {
        let table = table(name).ok_or(MeasureError::UnknownTable(name))?;
        Ok(Self(store.read(table, columns).map_err(|error: StoreError| MeasureError::Store(error))?))
    }

    fn height(&self) -> usize {
        self.0.height()
    }

    fn ints(&self, name: &str) -> PolarsResult<Vec<Option<i64>>> {
        Ok(self.0.column(name)?.cast(&DataType::Int64)?.i64()?.iter().collect())
    }

    fn bools(&self, name: &str) -> PolarsResult<Vec<Option<bool>>> {
        Ok(self.0.column(name)?.bool()?.iter().collect())
    }

    fn texts(&self, name: &str) -> PolarsResult<Vec<Option<String>>> {
        Ok(self.0.column(name)?.str()?.iter().map(|text| text.map(str::to_owned)).collect())
    }

    fn bytes(&self, name: &str) -> PolarsResult<Vec<Vec<u8>>> {
        Ok(self.0.column(name)?.binary()?.iter().map(|bytes| bytes.unwrap_or_default().to_vec()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Batch, Gone};

    #[test]
    fn a_ticket_that_is_gone_is_no_open_work() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("store"), || Ok([1; 32])).unwrap();
        let issue = crate::model::records::Issue {
            tracker: crate::model::records::Tracker::Jira,
            host: "h".to_owned(),
            issue_id: 1,
            key: "PAY-1".to_owned(),
            project: "PAY".to_owned(),
            r#type: "Story".to_owned(),
            status_id: "3".to_owned(),
            status_category: "in_progress".to_owned(),
            priority: None,
            created_at: Millis(0),
            updated_at: Millis(5),
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
        };
        let second = crate::model::records::Issue { issue_id: 2, key: "PAY-2".to_owned(), ..issue.clone() };
        let gone = vec![Gone { host: "h".to_owned(), issue_id: 2, how: "hidden" }];
        store.merge(&Batch { issues: vec![issue, second], ..Batch::default() }, Vec::new()).unwrap();
        let open = |store: &Store| -> Vec<i64> {
            Tables::load(store).unwrap().tickets.iter().map(|ticket| ticket.id).collect()
        };
        assert_eq!(open(&store), [1, 2]);
        store.merge(&Batch { gone, ..Batch::default() }, Vec::new()).unwrap();
        assert_eq!(open(&store), [1]);
    }
}
