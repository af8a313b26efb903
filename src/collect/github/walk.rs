//! The walks through one repository. A cursor moves only when its walk has ended, to what the server showed; a first
//! walk that is cut off goes on where its stored rows end.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::answers::Glance;
use super::client::Client;
use super::rows::{Rows, instant};
use super::streams::FirstPage;
use super::{GithubSource, failure, scope, without};
use crate::collect::http::CollectError;
use crate::collect::{Context, Cursor, Delivery, Meter, Outcome, Resume, ScopeId, ScopeReport};
use crate::model::Batch;
use crate::model::time::Millis;

/// Every question reaches back this much further than the cursor.
pub(super) const OVERLAP: i64 = 10 * 60_000;
/// Pages of a walk, at most.
pub(super) const MOST_PAGES: u64 = 100_000;
/// What a cursor's question was; a change here means a full walk.
pub(super) const QUESTION: &str = "3";

/// One repository's walks.
pub struct Walk<'a> {
    pub(super) client: Client,
    pub(super) source: &'a GithubSource,
    pub(super) context: &'a Context,
    pub(super) name: &'a str,
    pub(super) glance: &'a Glance,
}

/// What a walk brought.
#[derive(Default)]
pub(super) struct Brought {
    pub rows: u64,
    pub pages: u64,
    /// What the service left out as null.
    pub lost: u64,
    /// Pull requests whose times cannot be read: asked for again.
    pub odd: u64,
    pub newest: Option<Millis>,
}

impl Brought {
    /// Takes note of a change time, unless the server's clock forbids it: a record from the far future never moves a
    /// cursor.
    pub fn saw(&mut self, at: Option<Millis>, server: Option<Millis>) {
        let possible = |at: &Millis| server.is_none_or(|server| at.0 <= server.0 + 5 * 60_000);
        self.newest = self.newest.max(at.filter(possible));
    }

    /// Counts another page; a walk that does not advance is given up.
    pub fn turned(&mut self) -> Result<(), CollectError> {
        self.pages += 1;
        if self.pages > MOST_PAGES { Err(stuck()) } else { Ok(()) }
    }
}

/// The report of a scope with so many pull requests whose times cannot be read.
fn unreadable(report: ScopeReport, odd: u64) -> ScopeReport {
    if odd == 0 {
        return report;
    }
    let told = report
        .reason
        .into_iter()
        .chain([format!("{odd} pull requests have times that cannot be read; they are asked for again")]);
    let reason = Some(told.collect::<Vec<_>>().join("; "));
    ScopeReport { outcome: Outcome::Incomplete, reason, to_end: true, ..report }
}

/// The reason of a walk that stays where it is.
pub(super) fn stuck() -> CollectError {
    CollectError::Scope("pagination did not advance".to_owned())
}

impl<'a> Walk<'a> {
    pub fn new(
        client: &Client,
        source: &'a GithubSource,
        context: &'a Context,
        name: &'a str,
        glance: &'a Glance,
    ) -> Self {
        Self { client: client.clone(), source, context, name, glance }
    }

    /// The same walk with a meter of its own, for one stream.
    fn metered(&self) -> (Self, Arc<Meter>) {
        let meter = Meter::part_of(&self.context.meter);
        (Self { client: self.client.counted_by(Arc::clone(&meter)), ..*self }, meter)
    }

    /// All streams of the repository; where one fails the others are still read.
    pub async fn everything(&self, early: Option<FirstPage>) -> Vec<ScopeReport> {
        let mut reports = Vec::new();
        if self.anything_new() {
            let (walk, meter) = self.metered();
            let mut counts = BTreeMap::new();
            let comments = walk.review_comments(&mut counts).await;
            // The comments of a review are counted from the list only where the list was read from its beginning.
            let counted = comments.is_ok() && self.cursor("review_comments").is_none();
            let comments_failed = comments.is_err();
            if comments_failed {
                self.unsettle("review_comments").await;
            }
            reports.push(self.report("review_comments", comments, &meter));
            let (walk, meter) = self.metered();
            let pulls = walk.pull_requests(counted.then_some(&counts)).await;
            let failed = comments_failed || pulls.is_err();
            reports.push(self.report("pull_requests", pulls, &meter));
            if failed {
                // The branch is read on the next good night: merged commits are found by their pull requests.
                reports.push(ScopeReport::failed(self.id("commits"), self.name, "left for the next night"));
                return reports;
            }
        } else {
            for stream in ["review_comments", "pull_requests"] {
                reports.push(ScopeReport::complete(self.id(stream), self.name, 0, 0));
            }
        }
        let (walk, meter) = self.metered();
        let commits = walk.commits(early).await;
        reports.push(self.report("commits", commits, &meter));
        reports
    }

    pub(super) fn id(&self, stream: &str) -> ScopeId {
        scope(self.source, stream, &self.glance.database_id.to_string())
    }

    pub(super) fn cursor(&self, stream: &str) -> Option<&Cursor> {
        self.context.cursor(&self.id(stream), QUESTION)
    }

    fn report(&self, stream: &str, result: Result<Brought, CollectError>, meter: &Meter) -> ScopeReport {
        let report = match result {
            Ok(brought) => {
                let report = ScopeReport::complete(self.id(stream), self.name, brought.rows, brought.pages);
                unreadable(without(report, brought.lost), brought.odd)
            }
            Err(error) => failure(self.id(stream), self.name, &error),
        };
        report.paid(meter)
    }

    /// Whether any pull request changed since both its streams were read. A change within the overlap of the last
    /// reading may have been missed by it, so that is looked at again.
    fn anything_new(&self) -> bool {
        if self.glance.pull_requests.lost > 0 {
            return true;
        }
        let newest = self.glance.pull_requests.nodes.first();
        let newest = newest.and_then(|pull| instant(pull.updated_at.as_deref()));
        let seen = |stream: &str| {
            let cursor = self.cursor(stream).filter(|cursor| cursor.resume.is_none())?;
            let settled =
                cursor.position.as_deref().and_then(|at| at.parse::<i64>().ok())? - cursor.updated_to? > OVERLAP;
            settled.then_some(cursor.updated_to?)
        };
        let read = seen("pull_requests").zip(seen("review_comments"));
        match (newest, read) {
            (Some(newest), Some((pulls, _))) => newest.0 > pulls,
            (None, Some(_)) => false,
            _ => true,
        }
    }

    pub(super) fn rows<'b>(&'b self, comments: &'b BTreeMap<i64, i64>) -> Rows<'b> {
        Rows {
            host: &self.source.host,
            repository_id: self.glance.database_id,
            names: &self.context.pseudonyms,
            labels: &self.source.labels,
            projects: &self.source.projects,
            comments,
        }
    }

    /// Where a walk has ended: the largest change time that the server showed, and its clock.
    pub(super) fn ended(
        &self,
        stream: &str,
        newest: Option<Millis>,
        server: Option<Millis>,
        page: Option<u32>,
    ) -> Cursor {
        let before = self.cursor(stream).and_then(|cursor| cursor.updated_to);
        let newest = newest.map(|at| at.0).max(before).or(Some(0));
        Cursor {
            updated_to: newest,
            position: server.map(|at| at.0.to_string()).or_else(|| Some(i64::MAX.to_string())),
            page_size: page,
            scope_hash: QUESTION.to_owned(),
            ..Cursor::default()
        }
    }

    /// The cursor of a first walk that is still under way: what was known before, and the place to go on from.
    pub(super) fn under_way(
        &self,
        stream: &str,
        newest: Option<Millis>,
        after: &str,
        begun_at: Option<String>,
    ) -> Option<Cursor> {
        let known = self.cursor(stream).cloned();
        // A walk with a cursor of its own is short: it begins anew.
        if known.as_ref().is_some_and(|cursor| cursor.resume.is_none()) {
            return None;
        }
        let resume = Some(Resume { after: after.to_owned(), newest: newest.map_or(0, |at| at.0), begun_at });
        Some(Cursor { resume, scope_hash: QUESTION.to_owned(), ..known.unwrap_or_default() })
    }

    /// Forgets that a stream had been read to its end: the list of pull requests, which is read whole beside it, would
    /// else let the next night take it for settled.
    async fn unsettle(&self, stream: &str) {
        let Some(known) = self.cursor(stream) else { return };
        let cursor = Cursor { position: None, ..known.clone() };
        // A closed channel is the store's failure, which it reports itself.
        let _ = self.deliver(stream, Batch::default(), Some(cursor)).await;
    }

    pub(super) async fn deliver(&self, stream: &str, batch: Batch, cursor: Option<Cursor>) -> Result<(), CollectError> {
        let scope = self.id(stream);
        Ok(self.context.deliver(Delivery { scope, batch, cursor }).await?)
    }
}
