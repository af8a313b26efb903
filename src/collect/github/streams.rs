//! The walks through review comments and through the commits of the default branch.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::answers::{Connection, Glance, ReviewComment, Target, Work, part};
use super::client::{Client, date};
use super::rows::instant;
use super::walk::{Brought, OVERLAP, QUESTION, Walk, stuck};
use super::{GithubSource, scope};
use crate::collect::http::CollectError;
use crate::collect::{Context, Cursor};
use crate::model::Batch;
use crate::model::time::Millis;

const COMMITS: &str = include_str!("../../../queries/github/commits.graphql");
const DAY: i64 = 86_400_000;
/// Commits of a page; halved where it is too much for the service.
const PAGE: u32 = 100;
/// Repositories whose first pages of commits are asked for in one question.
const TOGETHER: usize = 8;
/// A merge may bring commits that are older than the last night.
const BACK: i64 = 60 * DAY;

/// A first page of commits, and the server's clock.
pub(super) type FirstPage = (Connection<Work>, Option<Millis>);

/// The first pages of commits of all branches that moved since they were read, by repository. What cannot be had
/// together is left to the repository's own walk.
pub(super) async fn first_pages(
    client: &Client,
    source: &GithubSource,
    context: &Context,
    glances: &[(String, Option<Glance>)],
) -> BTreeMap<i64, FirstPage> {
    let mut moved: Vec<(&Glance, i64)> = Vec::new();
    for glance in glances.iter().filter_map(|(_, glance)| glance.as_ref()) {
        let id = scope(source, "commits", &glance.database_id.to_string());
        let known = context.cursor(&id, QUESTION).filter(|cursor| cursor.resume.is_none());
        let read_to = known.filter(|cursor| cursor.position != tip(glance)).and_then(|cursor| cursor.updated_to);
        moved.extend(read_to.map(|seen| (glance, seen - BACK)));
    }
    let mut pages = BTreeMap::new();
    for chunk in moved.chunks(TOGETHER) {
        let asked: Vec<(&str, i64)> =
            chunk.iter().map(|(glance, since)| (glance.name_with_owner.as_str(), *since)).collect();
        let Ok(reply) = client.graphql("commits of several", &first_pages_question(&asked), &json!({})).await else {
            continue;
        };
        for (at, (glance, _)) in chunk.iter().enumerate() {
            let path = ["data", &format!("r{at}"), "defaultBranchRef", "target"];
            let history = part::<Target>(&reply.value, &path).and_then(|target| target.history);
            let history = history.filter(|history| !history.absent);
            pages.extend(history.map(|history| (glance.database_id, (history, reply.server))));
        }
    }
    pages
}

fn first_pages_question(repositories: &[(&str, i64)]) -> String {
    let asked = repositories.iter().enumerate().map(|(at, (full, since))| {
        let (owner, name) = full.split_once('/').unwrap_or((full, ""));
        format!(
            "r{at}: repository(owner: {}, name: {}) {{ defaultBranchRef {{ target {{ ... on Commit {{ \
             history(first: {PAGE}, since: {}) {{ ...History }} }} }} }} }}",
            json!(owner),
            json!(name),
            json!(moment(*since))
        )
    });
    format!("query {{ rateLimit {{ cost }} {} }}", asked.collect::<Vec<_>>().join(" "))
}

/// Examples of every question about commits.
pub(super) fn questions() -> Vec<(&'static str, String)> {
    vec![("commits", COMMITS.to_owned()), ("commits of several", first_pages_question(&[("some/name", 0); TOGETHER]))]
}

fn tip(glance: &Glance) -> Option<String> {
    glance.default_branch_ref.as_ref().and_then(|branch| branch.target.as_ref()?.oid.clone())
}

impl Walk<'_> {
    /// The repository-wide list of review comments, oldest change first: every stored page moves the cursor.
    pub(super) async fn review_comments(&self, counts: &mut BTreeMap<i64, i64>) -> Result<Brought, CollectError> {
        let mut path = format!("/repos/{}/pulls/comments?sort=updated&direction=asc&per_page=100", self.name);
        if let Some(seen) = self.cursor("review_comments").and_then(|cursor| cursor.updated_to).filter(|seen| *seen > 0)
        {
            path.push_str(&format!("&since={}", moment(seen - OVERLAP)));
        }
        let none = BTreeMap::new();
        let rows = self.rows(&none);
        let mut brought = Brought::default();
        let mut server = None;
        let mut visited = BTreeSet::new();
        let mut counted = BTreeSet::new();
        loop {
            if !visited.insert(path.clone()) {
                return Err(stuck());
            }
            let answer = self.client.rest("GET /repos/{r}/pulls/comments", &path).await?;
            server = server.or_else(|| date(&answer));
            brought.turned()?;
            let value = answer.json().map_err(|_| CollectError::Scope("an answer is not JSON".to_owned()))?;
            let list =
                value.as_array().ok_or_else(|| CollectError::Scope("its answer has an unexpected shape".to_owned()))?;
            let mut batch = Batch::default();
            for item in list {
                let Ok(comment) = serde_json::from_value::<ReviewComment>(item.clone()) else {
                    return Err(CollectError::Scope("a review comment has an unexpected shape".to_owned()));
                };
                brought.saw(instant(comment.updated_at.as_deref().or(Some(&comment.created_at))), server);
                match rows.review_comment(&comment) {
                    Some(row) => {
                        brought.rows += 1;
                        batch.comments.push(row);
                    }
                    None => brought.lost += 1,
                }
                // A page that shifts brings a comment twice, and it is still one.
                if let Some(review) = comment.pull_request_review_id.filter(|_| counted.insert(comment.id)) {
                    *counts.entry(review).or_default() += 1;
                }
            }
            let next = next_link(answer.header("link"));
            let mut cursor = self.ended("review_comments", brought.newest, server, None);
            if next.is_some() {
                // Not to its end yet: the glance of the next night must not take it for settled.
                cursor.position = None;
            }
            self.deliver("review_comments", batch, Some(cursor)).await?;
            match next {
                Some(next) => path = self.client.local(&next)?,
                None => return Ok(brought),
            }
        }
    }

    /// Commits of the default branch, from two months before the last reading on; nothing is asked where the branch has
    /// not moved. `early` is the first page, where it was asked for together with others.
    pub(super) async fn commits(&self, mut early: Option<FirstPage>) -> Result<Brought, CollectError> {
        let tip = tip(self.glance);
        let known = self.cursor("commits");
        let resume = known.and_then(|cursor| cursor.resume.clone()).filter(|resume| resume.begun_at == tip);
        let unmoved = known.is_some_and(|cursor| cursor.resume.is_none() && cursor.position == tip);
        if tip.is_none() || unmoved {
            return Ok(Brought::default());
        }
        let before = known.and_then(|cursor| cursor.updated_to);
        let since = before.map_or(self.context.since.0, |seen| seen - BACK);
        let none = BTreeMap::new();
        let rows = self.rows(&none);
        let mut brought = Brought { newest: resume.as_ref().map(|resume| Millis(resume.newest)), ..Brought::default() };
        let mut after = resume.map(|resume| resume.after);
        let mut first = PAGE;
        loop {
            let (history, server) = match early.take().filter(|_| after.is_none()) {
                Some(page) => page,
                None => self.page_of_commits(&mut first, after.as_deref(), since).await?,
            };
            brought.turned()?;
            brought.lost += history.lost;
            let mut batch = Batch::default();
            for work in &history.nodes {
                match rows.commit(work, None) {
                    Some(commit) => {
                        brought.saw(Some(commit.committed_at), server);
                        batch.commits.push(commit);
                    }
                    None => brought.lost += 1,
                }
            }
            brought.rows += batch.rows() as u64;
            let more = history.page_info.has_next_page;
            let next = history.page_info.end_cursor.filter(|_| more);
            if more && (next.is_none() || next == after) {
                return Err(stuck());
            }
            let cursor = match &next {
                Some(next) => self.under_way("commits", brought.newest, next, tip.clone()),
                None => Some(Cursor {
                    updated_to: brought.newest.map(|at| at.0).max(before).or(Some(0)),
                    position: tip.clone(),
                    scope_hash: QUESTION.to_owned(),
                    ..Cursor::default()
                }),
            };
            self.deliver("commits", batch, cursor).await?;
            if !more {
                return Ok(brought);
            }
            after = next;
        }
    }

    /// A page, smaller and smaller where it is too much for the service, and the server's clock.
    async fn page_of_commits(
        &self,
        first: &mut u32,
        after: Option<&str>,
        since: i64,
    ) -> Result<(Connection<Work>, Option<Millis>), CollectError> {
        let (owner, name) = self.name.split_once('/').unwrap_or((self.name, ""));
        loop {
            let variables =
                json!({ "owner": owner, "name": name, "first": *first, "after": after, "since": moment(since) });
            match self.client.graphql("commits", COMMITS, &variables).await {
                Err(CollectError::Shrink) if *first > 1 => *first /= 2,
                Err(error) => return Err(error),
                Ok(reply) => {
                    let target: Option<Target> =
                        part(&reply.value, &["data", "repository", "defaultBranchRef", "target"]);
                    let history = target
                        .and_then(|target| target.history)
                        .ok_or_else(|| CollectError::Scope("a page of commits has an unexpected shape".to_owned()))?;
                    return Ok((history.there()?, reply.server));
                }
            }
        }
    }
}

/// An instant as the services take it.
fn moment(at: i64) -> String {
    Millis(at).to_timestamp().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
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
