//! The walks through one repository. A cursor moves only when its walk has ended, to what the server showed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answers::{Connection, Glance, Happening, ListedCommit, Pull, ReviewComment, Target, part};
use super::client::Client;
use super::rows::{Rows, instant};
use super::{GithubSource, failure, scope};
use crate::collect::http::CollectError;
use crate::collect::{Context, Cursor, Delivery, ScopeId, ScopeReport};
use crate::model::Batch;
use crate::model::time::Millis;

const PULLS: &str = include_str!("../../../queries/github/pull_requests.graphql");
const COMMITS: &str = include_str!("../../../queries/github/commits.graphql");
/// Pull requests of a page; halved where it is too much for the service.
const PAGE: u32 = 25;
/// Every question reaches back this much further than the cursor.
const OVERLAP: i64 = 10 * 60_000;
const DAY: i64 = 86_400_000;
/// Pull requests whose inner lists are continued in one question.
const CONTINUED: usize = 10;
/// Pages of a walk, at most.
const MOST_PAGES: u64 = 100_000;
/// What a cursor's question was; a change here means a full walk.
const QUESTION: &str = "3";

/// One repository's walks.
pub struct Walk<'a> {
    client: &'a Client,
    source: &'a GithubSource,
    context: &'a Context,
    name: &'a str,
    glance: &'a Glance,
}

/// What a walk brought.
#[derive(Default)]
struct Brought {
    rows: u64,
    pages: u64,
    newest: Option<Millis>,
}

impl<'a> Walk<'a> {
    pub fn new(
        client: &'a Client,
        source: &'a GithubSource,
        context: &'a Context,
        name: &'a str,
        glance: &'a Glance,
    ) -> Self {
        Self { client, source, context, name, glance }
    }

    /// All streams of the repository; where one fails the others are still read.
    pub async fn everything(&self) -> Vec<ScopeReport> {
        let mut reports = Vec::new();
        if !self.anything_new() {
            for stream in ["review_comments", "pull_requests"] {
                reports.push(ScopeReport::complete(self.id(stream), self.name, 0, 0));
            }
        } else {
            let mut counts = BTreeMap::new();
            let comments = self.review_comments(&mut counts).await;
            // The comments of a review are counted from the list only where the list was read from its beginning.
            let counted = comments.is_ok() && self.cursor("review_comments").is_none();
            let comments_failed = comments.is_err();
            reports.push(self.report("review_comments", comments));
            let pulls = self.pull_requests(&counts, !counted).await;
            let failed = comments_failed || pulls.is_err();
            reports.push(self.report("pull_requests", pulls));
            if failed {
                // The branch is read on the next good night: merged commits are found by their pull requests.
                reports.push(ScopeReport::failed(self.id("commits"), self.name, "left for the next night"));
                return reports;
            }
        }
        let commits = self.commits().await;
        reports.push(self.report("commits", commits));
        reports
    }

    fn id(&self, stream: &str) -> ScopeId {
        scope(self.source, stream, &self.glance.database_id.to_string())
    }

    fn cursor(&self, stream: &str) -> Option<&Cursor> {
        self.context.cursor(&self.id(stream), QUESTION)
    }

    fn report(&self, stream: &str, result: Result<Brought, CollectError>) -> ScopeReport {
        match result {
            Ok(brought) => ScopeReport::complete(self.id(stream), self.name, brought.rows, brought.pages),
            Err(error) => failure(self.id(stream), self.name, &error),
        }
    }

    /// Whether any pull request changed since both its streams were read. A change within the overlap of the last
    /// reading may have been missed by it, so that is looked at again.
    fn anything_new(&self) -> bool {
        let newest = self.glance.pull_requests.nodes.iter().flatten().next();
        let newest = newest.and_then(|pull| instant(pull.updated_at.as_deref()));
        let seen = |stream: &str| {
            let cursor = self.cursor(stream)?;
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

    fn rows<'b>(&'b self, comments: &'b BTreeMap<i64, i64>) -> Rows<'b> {
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
    fn ended(&self, stream: &str, newest: Option<Millis>, server: Option<Millis>, page: Option<u32>) -> Cursor {
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

    async fn deliver(&self, stream: &str, batch: Batch, cursor: Option<Cursor>) -> Result<(), CollectError> {
        let scope = self.id(stream);
        Ok(self.context.deliver(Delivery { scope, batch, cursor }).await?)
    }

    /// The repository-wide list of review comments, oldest change first.
    async fn review_comments(&self, counts: &mut BTreeMap<i64, i64>) -> Result<Brought, CollectError> {
        let mut path = format!("/repos/{}/pulls/comments?sort=updated&direction=asc&per_page=100", self.name);
        if let Some(seen) = self.cursor("review_comments").and_then(|cursor| cursor.updated_to).filter(|seen| *seen > 0)
        {
            path.push_str(&format!("&since={}", Millis(seen - OVERLAP).to_timestamp().strftime("%Y-%m-%dT%H:%M:%SZ")));
        }
        let none = BTreeMap::new();
        let rows = self.rows(&none);
        let mut brought = Brought::default();
        let mut server = None;
        let mut visited = std::collections::BTreeSet::new();
        let mut counted = std::collections::BTreeSet::new();
        loop {
            if !visited.insert(path.clone()) || brought.pages > MOST_PAGES {
                return Err(CollectError::Scope("pagination did not advance".to_owned()));
            }
            let answer = self.client.rest("GET /repos/{r}/pulls/comments", &path).await?;
            server = server.or_else(|| date(&answer));
            brought.pages += 1;
            let value = answer.json().map_err(|_| CollectError::Scope("an answer is not JSON".to_owned()))?;
            let list =
                value.as_array().ok_or_else(|| CollectError::Scope("its answer has an unexpected shape".to_owned()))?;
            let mut batch = Batch::default();
            for item in list {
                let Ok(comment) = serde_json::from_value::<ReviewComment>(item.clone()) else {
                    return Err(CollectError::Scope("a review comment has an unexpected shape".to_owned()));
                };
                let changed = instant(comment.updated_at.as_deref().or(Some(&comment.created_at)));
                brought.newest = brought.newest.max(changed.filter(|at| within(*at, server)));
                if let Some(row) = rows.review_comment(&comment) {
                    brought.rows += 1;
                    batch.comments.push(row);
                }
                // A page that shifts brings a comment twice, and it is still one.
                if let Some(review) = comment.pull_request_review_id.filter(|_| counted.insert(comment.id)) {
                    *counts.entry(review).or_default() += 1;
                }
            }
            self.deliver("review_comments", batch, None).await?;
            match next_link(answer.header("link")) {
                Some(next) => path = self.client.local(&next)?,
                None => break,
            }
        }
        let cursor = self.ended("review_comments", brought.newest, server, None);
        self.deliver("review_comments", Batch::default(), Some(cursor)).await?;
        Ok(brought)
    }

    /// Pull requests, newest change first, down to the cursor.
    async fn pull_requests(&self, counts: &BTreeMap<i64, i64>, nested: bool) -> Result<Brought, CollectError> {
        let known = self.cursor("pull_requests");
        let floor = known.and_then(|cursor| cursor.updated_to).map_or(self.context.since.0, |seen| seen - OVERLAP);
        let rows = self.rows(counts);
        let mut first = known.and_then(|cursor| cursor.page_size).unwrap_or(PAGE).clamp(1, PAGE);
        let mut brought = Brought::default();
        let mut after: Option<String> = None;
        loop {
            let page = self.page_of_pulls(&mut first, after.as_deref(), nested).await?;
            brought.pages += 1;
            let mut reached = false;
            let mut pulls = Vec::new();
            for pull in page.nodes.into_iter().flatten() {
                let changed = instant(Some(&pull.updated_at)).unwrap_or_default();
                if changed.0 < floor {
                    reached = true;
                } else {
                    brought.newest = brought.newest.max(Some(changed));
                    pulls.push(pull);
                }
            }
            self.complete(&mut pulls, nested).await?;
            let mut batch = Batch::default();
            for pull in &pulls {
                if rows.pull(pull, &mut batch).is_none() {
                    return Err(CollectError::Scope("a pull request has times that cannot be read".to_owned()));
                }
            }
            brought.rows += batch.rows() as u64;
            self.deliver("pull_requests", batch, None).await?;
            if reached || !page.page_info.has_next_page {
                break;
            }
            let next = page.page_info.end_cursor;
            if next.is_none() || next == after || brought.pages > MOST_PAGES {
                return Err(CollectError::Scope("pagination did not advance".to_owned()));
            }
            after = next;
        }
        let page_size = (first < PAGE).then_some((first * 2).min(PAGE));
        let cursor = self.ended("pull_requests", brought.newest, None, page_size);
        self.deliver("pull_requests", Batch::default(), Some(cursor)).await?;
        Ok(brought)
    }

    /// A page, smaller and smaller where it is too much for the service.
    async fn page_of_pulls(
        &self,
        first: &mut u32,
        after: Option<&str>,
        nested: bool,
    ) -> Result<Connection<Pull>, CollectError> {
        let (owner, name) = self.name.split_once('/').unwrap_or((self.name, ""));
        loop {
            let variables = json!({ "owner": owner, "name": name, "first": *first, "after": after, "counts": nested });
            match self.client.graphql("pull_requests", PULLS, &variables).await {
                Err(CollectError::Shrink) if *first > 1 => *first /= 2,
                Err(error) => return Err(error),
                Ok(answer) => {
                    return part(&answer, &["data", "repository", "pullRequests"]).ok_or_else(|| {
                        CollectError::Scope("a page of pull requests has an unexpected shape".to_owned())
                    });
                }
            }
        }
    }

    /// Continues the inner lists that a page cut off, some pull requests in one question, until nothing is missing.
    async fn complete(&self, pulls: &mut [Pull], nested: bool) -> Result<(), CollectError> {
        for _ in 0..1000 {
            let short: Vec<usize> = (0..pulls.len()).filter(|at| is_short(&pulls[*at])).take(CONTINUED).collect();
            if short.is_empty() {
                return Ok(());
            }
            let asked: Vec<String> = short.iter().map(|at| continuation(*at, &pulls[*at])).collect();
            let query = format!("query More($counts: Boolean!) {{ rateLimit {{ cost }} {} }}", asked.join(" "));
            // The variable must be used even where no timeline is continued.
            let query = if query.contains("timelineItems") {
                query
            } else {
                query.replace("query More($counts: Boolean!)", "query More")
            };
            let variables = if query.contains("$counts") { json!({ "counts": nested }) } else { json!({}) };
            let answer = self.client.graphql("continued lists", &query, &variables).await?;
            for at in short {
                let before = received(&pulls[at]);
                let place = |list: &str| -> Option<Value> { answer.pointer(&format!("/data/p{at}/{list}")).cloned() };
                if let Some(more) =
                    place("commits").and_then(|value| serde_json::from_value::<Connection<ListedCommit>>(value).ok())
                {
                    extend(&mut pulls[at].commits, more);
                }
                if let Some(more) =
                    place("timelineItems").and_then(|value| serde_json::from_value::<Connection<Happening>>(value).ok())
                {
                    extend(&mut pulls[at].timeline_items, more);
                }
                if received(&pulls[at]) == before {
                    return Err(CollectError::Scope("pagination did not advance inside a pull request".to_owned()));
                }
            }
        }
        Err(CollectError::Scope("a pull request's lists do not end".to_owned()))
    }

    /// Commits of the default branch. A merge may bring commits that are older than the last night, so the question
    /// reaches back two months; nothing is asked where the branch has not moved.
    async fn commits(&self) -> Result<Brought, CollectError> {
        let tip = self.glance.default_branch_ref.as_ref().and_then(|branch| branch.target.as_ref()?.oid.clone());
        let known = self.cursor("commits");
        let mut brought = Brought::default();
        if tip.is_none() || known.is_some_and(|cursor| cursor.position == tip) {
            return Ok(brought);
        }
        let since = known.and_then(|cursor| cursor.updated_to).map_or(self.context.since.0, |seen| seen - 60 * DAY);
        let since = Millis(since).to_timestamp().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let (owner, name) = self.name.split_once('/').unwrap_or((self.name, ""));
        let none = BTreeMap::new();
        let rows = self.rows(&none);
        let mut after: Option<String> = None;
        let mut first = 100_u32;
        loop {
            let variables = json!({ "owner": owner, "name": name, "first": first, "after": after, "since": since });
            let answer = match self.client.graphql("commits", COMMITS, &variables).await {
                Err(CollectError::Shrink) if first > 1 => {
                    first /= 2;
                    continue;
                }
                other => other?,
            };
            brought.pages += 1;
            let target: Target = part(&answer, &["data", "repository", "defaultBranchRef", "target"])
                .ok_or_else(|| CollectError::Scope("a page of commits has an unexpected shape".to_owned()))?;
            let history = target.history.unwrap_or_default();
            let mut batch = Batch::default();
            for work in history.nodes.iter().flatten() {
                if let Some(commit) = rows.commit(work, None) {
                    brought.newest = brought.newest.max(Some(commit.committed_at));
                    batch.commits.push(commit);
                }
            }
            brought.rows += batch.rows() as u64;
            self.deliver("commits", batch, None).await?;
            if !history.page_info.has_next_page {
                break;
            }
            let next = history.page_info.end_cursor;
            if next.is_none() || next == after || brought.pages > MOST_PAGES {
                return Err(CollectError::Scope("pagination did not advance".to_owned()));
            }
            after = next;
        }
        let before = known.and_then(|cursor| cursor.updated_to);
        let cursor = Cursor {
            updated_to: brought.newest.map(|at| at.0).max(before).or(Some(0)),
            position: tip,
            scope_hash: QUESTION.to_owned(),
            ..Cursor::default()
        };
        self.deliver("commits", Batch::default(), Some(cursor)).await?;
        Ok(brought)
    }
}

/// The server's own clock.
fn date(answer: &crate::collect::http::Answer) -> Option<Millis> {
    answer.header("date").and_then(crate::collect::http::policy::http_date).map(Millis::from_timestamp)
}

/// A change time that the server's clock allows; a record from the far future never moves a cursor.
fn within(at: Millis, server: Option<Millis>) -> bool {
    server.is_none_or(|server| at.0 <= server.0 + 5 * 60_000)
}

fn is_short(pull: &Pull) -> bool {
    pull.commits.page_info.has_next_page || pull.timeline_items.page_info.has_next_page
}

fn received(pull: &Pull) -> (usize, usize) {
    (pull.commits.nodes.len(), pull.timeline_items.nodes.len())
}

fn extend<T>(list: &mut Connection<T>, more: Connection<T>) {
    list.nodes.extend(more.nodes);
    list.page_info = more.page_info;
}

/// The question for the rest of one pull request's lists.
fn continuation(at: usize, pull: &Pull) -> String {
    const TYPES: &str = "[ISSUE_COMMENT, PULL_REQUEST_REVIEW, REVIEW_REQUESTED_EVENT, REVIEW_REQUEST_REMOVED_EVENT, \
                         READY_FOR_REVIEW_EVENT, CONVERT_TO_DRAFT_EVENT, HEAD_REF_FORCE_PUSHED_EVENT, CLOSED_EVENT, \
                         REOPENED_EVENT, MERGED_EVENT, LABELED_EVENT, UNLABELED_EVENT, AUTO_MERGE_ENABLED_EVENT, \
                         AUTO_MERGE_DISABLED_EVENT]";
    let mut lists = String::new();
    let after = |info: &super::answers::PageInfo| json!(info.end_cursor).to_string();
    if pull.commits.page_info.has_next_page {
        lists.push_str(&format!("commits(first: 100, after: {}) {{ ...Commits }} ", after(&pull.commits.page_info)));
    }
    if pull.timeline_items.page_info.has_next_page {
        let after = after(&pull.timeline_items.page_info);
        lists.push_str(&format!("timelineItems(first: 100, after: {after}, itemTypes: {TYPES}) {{ ...Timeline }} "));
    }
    format!("p{at}: node(id: {}) {{ ... on PullRequest {{ {lists}}} }}", json!(pull.id))
}

/// The address of the next page in a `Link` header.
fn next_link(header: Option<&str>) -> Option<String> {
    header?.split(',').find_map(|link| {
        let (address, relation) = link.split_once(';')?;
        relation
            .contains("rel=\"next\"")
            .then(|| address.trim().trim_start_matches('<').trim_end_matches('>').to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_in_a_link_header() {
        let header = "<https://a/x?page=1>; rel=\"prev\", <https://a/x?page=3>; rel=\"next\"";
        assert_eq!(next_link(Some(header)).as_deref(), Some("https://a/x?page=3"));
        assert_eq!(next_link(Some("<https://a/x>; rel=\"last\"")), None);
    }
}
