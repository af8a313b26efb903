//! The walk through pull requests with their commits and what happened to them, newest change first.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answers::{Connection, Happening, ListedCommit, Pull, part};
use super::rows::instant;
use super::walk::{Brought, OVERLAP, QUESTION, Walk, stuck};
use crate::collect::Cursor;
use crate::collect::http::CollectError;
use crate::model::Batch;
use crate::model::time::Millis;

const PULLS: &str = include_str!("../../../queries/github/pull_requests.graphql");
/// Pull requests of a page on a first night, and on a later one, where most repositories then need one page; halved
/// where it is too much for the service.
const PAGE: u32 = 25;
const LATER_PAGE: u32 = 40;
/// Reviews whose comments are counted in one question.
const COUNTED: usize = 100;
/// Pull requests whose inner lists are continued in one question.
const CONTINUED: usize = 10;

/// One way down the list, and what it has shown.
struct Descent<'a> {
    /// Changes before this were read on an earlier night.
    floor: i64,
    after: Option<String>,
    /// The present page size.
    first: u32,
    /// Review comments by review, where their list was read from its beginning.
    counts: Option<&'a BTreeMap<i64, i64>>,
    brought: Brought,
    server: Option<Millis>,
}

impl Walk<'_> {
    /// Pull requests, newest change first, down to the cursor.
    pub(super) async fn pull_requests(&self, counts: Option<&BTreeMap<i64, i64>>) -> Result<Brought, CollectError> {
        let known = self.cursor("pull_requests");
        let resume = known.and_then(|cursor| cursor.resume.clone());
        let begun = resume.as_ref().map(|resume| Millis(resume.newest));
        let usual = if known.is_some_and(|cursor| cursor.resume.is_none()) { LATER_PAGE } else { PAGE };
        let mut descent = Descent {
            floor: known.and_then(|cursor| cursor.updated_to).map_or(self.context.since.0, |seen| seen - OVERLAP),
            after: resume.map(|resume| resume.after),
            first: known.and_then(|cursor| cursor.page_size).unwrap_or(usual).clamp(1, usual),
            counts,
            brought: Brought { newest: begun, ..Brought::default() },
            server: None,
        };
        match (self.descend(&mut descent).await, begun) {
            (Ok(()), None) => {}
            // What changed since the walk began lies above the place where it went on.
            (Ok(()), Some(begun)) => {
                descent.floor = begun.0 - OVERLAP;
                descent.after = None;
                self.descend(&mut descent).await?;
            }
            // The service may no longer know the place: once more from the top.
            (Err(CollectError::Scope(_)), Some(_)) if descent.brought.pages == 0 => {
                descent.after = None;
                descent.brought = Brought::default();
                self.descend(&mut descent).await?;
            }
            (Err(error), _) => return Err(error),
        }
        let page_size = (descent.first < usual).then_some((descent.first * 2).min(usual));
        let cursor = match descent.brought.odd {
            0 => self.ended("pull_requests", descent.brought.newest, None, page_size),
            // The next night looks at everything since the last whole walk again.
            _ => Cursor {
                updated_to: known.and_then(|cursor| cursor.updated_to),
                page_size,
                scope_hash: QUESTION.to_owned(),
                ..Cursor::default()
            },
        };
        self.deliver("pull_requests", Batch::default(), Some(cursor)).await?;
        Ok(descent.brought)
    }

    async fn descend(&self, descent: &mut Descent<'_>) -> Result<(), CollectError> {
        loop {
            let page = self.page_of_pulls(descent).await?;
            descent.brought.turned()?;
            descent.brought.lost += page.lost;
            let mut reached = false;
            let mut pulls = Vec::new();
            for pull in page.nodes {
                let Some(changed) = instant(Some(&pull.updated_at)) else {
                    descent.brought.odd += 1;
                    continue;
                };
                if changed.0 < descent.floor {
                    reached = true;
                } else {
                    descent.brought.saw(Some(changed), descent.server);
                    pulls.push(pull);
                }
            }
            self.complete(&mut pulls).await?;
            let counts = match descent.counts {
                Some(counts) => counts.clone(),
                None => self.review_counts(&pulls, &mut descent.brought.lost).await?,
            };
            let rows = self.rows(&counts);
            let mut batch = Batch::default();
            for pull in &pulls {
                descent.brought.lost += pull.lost();
                descent.brought.odd += u64::from(rows.pull(pull, &mut batch).is_none());
            }
            let clocks = descent.server.map_or(self.context.now, |server| server.max(self.context.now));
            for pull in &mut batch.pull_requests {
                pull.updated_at = pull.updated_at.as_version(pull.created_at, clocks);
            }
            if self.source.check_runs {
                descent.brought.lost += self.check_runs(&pulls, &rows, &mut batch).await?;
            }
            descent.brought.rows += batch.rows() as u64;
            let more = !reached && page.page_info.has_next_page;
            let next = page.page_info.end_cursor.filter(|_| more);
            if more && (next.is_none() || next == descent.after) {
                return Err(stuck());
            }
            let place = next.as_deref();
            let cursor = place.and_then(|after| self.under_way("pull_requests", descent.brought.newest, after, None));
            self.deliver("pull_requests", batch, cursor).await?;
            if !more {
                return Ok(());
            }
            descent.after = next;
        }
    }

    /// A page, smaller and smaller where it is too much for the service.
    async fn page_of_pulls(&self, descent: &mut Descent<'_>) -> Result<Connection<Pull>, CollectError> {
        let (owner, name) = self.name.split_once('/').unwrap_or((self.name, ""));
        loop {
            let variables = json!({ "owner": owner, "name": name, "first": descent.first, "after": descent.after, "counts": descent.counts.is_none() });
            match self.client.graphql("pull_requests", PULLS, &variables).await {
                Err(CollectError::Shrink) if descent.first > 1 => descent.first /= 2,
                Err(error) => return Err(error),
                Ok(reply) => {
                    descent.server = descent.server.or(reply.server);
                    return part(&reply.value, &["data", "repository", "pullRequests"])
                        .ok_or_else(|| {
                            CollectError::Scope("a page of pull requests has an unexpected shape".to_owned())
                        })
                        .and_then(Connection::there);
                }
            }
        }
    }

    /// How many comments came with each review. The page counts those of each pull request's last reviews; counted
    /// inside the timeline they would cost fifteen points a page. The others are asked for by themselves.
    async fn review_counts(&self, pulls: &[Pull], lost: &mut u64) -> Result<BTreeMap<i64, i64>, CollectError> {
        let happenings = pulls.iter().flat_map(|pull| pull.timeline_items.nodes.iter());
        let reviews = happenings.filter(|happening| happening.kind == "PullRequestReview");
        let counted = pulls.iter().flat_map(|pull| pull.reviews.iter().flat_map(|reviews| reviews.nodes.iter()));
        let mut counts: BTreeMap<i64, i64> =
            counted.filter_map(|review| Some((review.database_id?, review.comments.total_count))).collect();
        let open = reviews.filter(|review| review.database_id.is_none_or(|id| !counts.contains_key(&id)));
        let ids: Vec<String> = open.filter_map(|review| review.id.clone()).collect();
        for chunk in ids.chunks(COUNTED) {
            let answer = self.client.graphql("review counts", &counts_question(chunk), &json!({})).await?.value;
            let known = counts.len();
            for review in answer.pointer("/data/nodes").and_then(Value::as_array).into_iter().flatten() {
                let number = |path: &str| review.pointer(path).and_then(Value::as_i64);
                counts.extend(number("/databaseId").zip(number("/comments/totalCount")));
            }
            *lost += chunk.len().saturating_sub(counts.len() - known) as u64;
        }
        Ok(counts)
    }

    /// Continues the inner lists that a page cut off, some pull requests in one question, until nothing is missing.
    async fn complete(&self, pulls: &mut [Pull]) -> Result<(), CollectError> {
        for _ in 0..1000 {
            let short: Vec<usize> = (0..pulls.len()).filter(|at| is_short(&pulls[*at])).take(CONTINUED).collect();
            if short.is_empty() {
                return Ok(());
            }
            let query = rest_of(&short, pulls);
            let answer = self.client.graphql("continued lists", &query, &json!({})).await?.value;
            for at in short {
                let before = received(&pulls[at]);
                let place = |list: &str| -> Option<Value> { answer.pointer(&format!("/data/p{at}/{list}")).cloned() };
                if let Some(more) =
                    place("commits").and_then(|value| serde_json::from_value::<Connection<ListedCommit>>(value).ok())
                {
                    pulls[at].commits.extend(more);
                }
                if let Some(more) =
                    place("timelineItems").and_then(|value| serde_json::from_value::<Connection<Happening>>(value).ok())
                {
                    pulls[at].timeline_items.extend(more);
                }
                if received(&pulls[at]) == before {
                    return Err(CollectError::Scope("pagination did not advance inside a pull request".to_owned()));
                }
            }
        }
        Err(CollectError::Scope("a pull request's lists do not end".to_owned()))
    }
}

fn is_short(pull: &Pull) -> bool {
    pull.commits.page_info.has_next_page || pull.timeline_items.page_info.has_next_page
}

/// How much of its lists has come, what came as null included.
fn received(pull: &Pull) -> (u64, u64) {
    let (commits, timeline) = (&pull.commits, &pull.timeline_items);
    (commits.nodes.len() as u64 + commits.lost, timeline.nodes.len() as u64 + timeline.lost)
}

fn counts_question(ids: &[String]) -> String {
    format!(
        "query {{ rateLimit {{ cost }} nodes(ids: {}) {{ ... on PullRequestReview {{ databaseId comments(first: 1) {{ totalCount }} }} }} }}",
        json!(ids)
    )
}

/// The question for what is missing of some pull requests, named by their places in the page.
fn rest_of(short: &[usize], pulls: &[Pull]) -> String {
    let asked: Vec<String> = short.iter().map(|at| continuation(*at, &pulls[*at])).collect();
    format!("query More {{ rateLimit {{ cost }} {} }}", asked.join(" "))
}

/// Examples of every question of the walks, fragments still left out.
pub(super) fn questions() -> Vec<(&'static str, String)> {
    let page = |info: &str| format!(r#"{{"pageInfo":{{"hasNextPage":{info},"endCursor":"c"}}}}"#);
    let pull = |commits: &str, timeline: &str| {
        let text = format!(
            r#"{{"id":"PR_1","number":1,"createdAt":"","updatedAt":"","commits":{},"timelineItems":{}}}"#,
            page(commits),
            page(timeline)
        );
        serde_json::from_str::<Pull>(&text).ok()
    };
    let pulls: Vec<Pull> = (0..CONTINUED).filter_map(|_| pull("true", "true")).collect();
    let commits: Vec<Pull> = pull("true", "false").into_iter().collect();
    let all: Vec<usize> = (0..pulls.len()).collect();
    vec![
        ("pull requests", PULLS.to_owned()),
        ("continued lists", rest_of(&all, &pulls)),
        ("continued commits", rest_of(&[0], &commits)),
        ("review counts", counts_question(&vec!["some-id".to_owned(); COUNTED])),
    ]
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
