//! Issues as work items, for teams that have no tracker but GitHub: a walk from the oldest change to the newest, with
//! a checkpoint after every page, and by turns a look at open issues that the store holds, whether they are still there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

mod answers;
mod rows;

use self::answers::{Happening, Item};
use self::rows::{ItemRows, statuses};
use super::answers::{Connection, Glance, part};
use super::client::Client;
use super::rows::{Rows, instant};
use super::{GithubSource, failure, scope, without};
use crate::collect::http::CollectError;
use crate::collect::{Context, Cursor, Delivery, Meter, Outcome, ScopeId, ScopeReport};
use crate::model::time::Millis;
use crate::model::{Batch, Gone};

const QUESTION: &str = include_str!("../../../queries/github/issues.graphql");
/// What a cursor's question was; a change here means a full walk.
const VERSION: &str = "1";
const STREAM: &str = "issues";
/// Issues of a page; halved where it is too much for the service.
const PAGE: u32 = 50;
/// Issues whose timelines are continued in one question.
const CONTINUED: usize = 10;
/// Every question reaches back this much further than the cursor.
const OVERLAP: i64 = 10 * 60_000;
const DAY: i64 = 86_400_000;
const MOST_PAGES: u64 = 100_000;
/// Each open issue is looked at once in so many nights.
const TURNS: i64 = 7;
/// Open issues that are looked at in one question.
const LOOKED_AT: usize = 50;
/// The mark of a cursor after which a second reading found nothing new.
const SETTLED: &str = "settled";

/// Which issues are read, and what the store holds of them.
#[derive(Clone, Debug, Default)]
pub struct IssueSource {
    /// `owner/name`, in lower case.
    pub repositories: BTreeSet<String>,
    /// Labels and board columns that say that an issue is being worked on, in lower case.
    pub in_progress: Vec<String>,
    /// Stored open issues of each repository, by its name in lower case.
    pub known: BTreeMap<String, Vec<KnownItem>>,
    /// Any number of vanished issues is taken for deleted.
    pub accept_gone: bool,
}

/// A stored issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownItem {
    pub number: i64,
    pub issue_id: i64,
}

/// A repository whose issues are read.
pub struct Place {
    repository_id: i64,
    /// `owner/name` as the service spells it.
    name: String,
    /// As the configuration calls it.
    label: String,
    newest: Option<Millis>,
    /// The service left out which issue changed last.
    unknown: bool,
}

/// The rows of a page of issues, as many as can be read.
pub(super) fn of_page(answer: &Value, rows: &Rows<'_>) -> Batch {
    let rows = ItemRows { rows, project: "owner/name", in_progress: &[] };
    let mut batch = Batch::default();
    let page: Option<Connection<Item>> = part(answer, &["data", "repository", "issues"]);
    for item in page.into_iter().flat_map(|page| page.nodes) {
        // One whose times cannot be read is none.
        let _ = rows.item(&item, &mut batch);
    }
    batch
}

/// The visible repositories whose issues are wanted.
pub fn places(source: &GithubSource, glances: &[(String, Option<Glance>)]) -> Vec<Place> {
    let place = |(label, glance): &(String, Option<Glance>)| {
        let glance = glance.as_ref()?;
        let newest = glance.issues.nodes.first();
        source.issues.repositories.contains(&label.to_lowercase()).then(|| Place {
            repository_id: glance.database_id,
            name: glance.name_with_owner.clone(),
            label: label.clone(),
            newest: newest.and_then(|issue| instant(issue.updated_at.as_deref())),
            unknown: glance.issues.lost > 0,
        })
    };
    glances.iter().filter_map(place).collect()
}

/// What a walk brought, and how much of it the service left out as null.
#[derive(Default)]
struct Brought {
    rows: u64,
    pages: u64,
    lost: u64,
}

/// Reads the issues of every place; one that fails does not stop the others.
pub async fn collect(
    client: &Client,
    source: &GithubSource,
    context: &Context,
    places: Vec<Place>,
) -> Vec<ScopeReport> {
    let mut reports = Vec::new();
    if places.is_empty() {
        return reports;
    }
    let question = question(client).await;
    for place in &places {
        let id = scope(source, STREAM, &place.repository_id.to_string());
        let meter = Meter::part_of(&context.meter);
        let client = client.counted_by(Arc::clone(&meter));
        let result = match &question {
            Ok(question) => {
                Walk { client: &client, source, context, place, question, id: id.clone() }.everything().await
            }
            Err(error) => Err(CollectError::Scope(error.to_string())),
        };
        let report = match result {
            Ok(Brought { rows, pages, lost }) => {
                let outcome = if rows == 0 { Outcome::Unchanged } else { Outcome::Complete };
                let report = ScopeReport { outcome, ..ScopeReport::complete(id, &place.label, rows, pages) };
                without(report, lost)
            }
            Err(error) => failure(id, &place.label, &error),
        };
        reports.push(report.paid(&meter));
    }
    reports
}

/// What a service is asked about itself.
const KNOWN: &str = "query { rateLimit { cost } issue: __type(name: \"Issue\") { fields { name } } \
                     happenings: __type(name: \"IssueTimelineItems\") { possibleTypes { name } } }";

/// The question, with what not every service knows: types and blockers of issues, and the columns of boards.
async fn question(client: &Client) -> Result<String, CollectError> {
    let answer = client.graphql("what issues have", KNOWN, &json!({})).await?.value;
    let knows = |place: &str, name: &str| {
        let all = answer.pointer(place).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        all.iter().any(|one| one.get("name").and_then(Value::as_str) == Some(name))
    };
    Ok(worded(knows))
}

/// Every question about issues, as a service is asked that knows parents; types, blockers and columns of boards are
/// newer than the published schema of the tests.
pub(super) fn questions() -> Vec<(&'static str, String)> {
    vec![("issues", worded(|_, name| name == "parent")), ("what issues have", KNOWN.to_owned())]
}

fn worded(knows: impl Fn(&str, &str) -> bool) -> String {
    let mut question = QUESTION.to_owned();
    let mut add = |place: &str, more: &str| question = question.replace(place, &format!("{place}{more}"));
    if knows("/data/issue/fields", "issueType") {
        add("parent { databaseId }\n", "        issueType { name }\n");
    }
    if knows("/data/issue/fields", "blockedBy") {
        add(
            "parent { databaseId }\n",
            "        blockedBy(first: 10) { nodes { databaseId number repository { nameWithOwner } } }\n",
        );
    }
    if knows("/data/happenings/possibleTypes", "ProjectV2ItemStatusChangedEvent") {
        add("CONVERTED_TO_DISCUSSION_EVENT", ", PROJECT_V2_ITEM_STATUS_CHANGED_EVENT");
        let column = "\n  ... on ProjectV2ItemStatusChangedEvent { id createdAt actor { ...Who } status }";
        add("fragment ItemEvent on IssueTimelineItems {\n  __typename", column);
    }
    if !knows("/data/issue/fields", "parent") {
        question = question.replace(" parent { databaseId }\n", "\n");
        question = question.replace("PARENT_ISSUE_ADDED_EVENT, PARENT_ISSUE_REMOVED_EVENT, ", "");
        let of_parents = |line: &&str| !line.contains("on ParentIssue");
        question = question.lines().filter(of_parents).collect::<Vec<_>>().join("\n");
    }
    question
}

/// One repository's issues.
struct Walk<'a> {
    client: &'a Client,
    source: &'a GithubSource,
    context: &'a Context,
    place: &'a Place,
    question: &'a str,
    id: ScopeId,
}

impl Walk<'_> {
    async fn everything(&self) -> Result<Brought, CollectError> {
        let mut brought = Brought::default();
        if self.anything_new() {
            brought = self.walk().await?;
        }
        brought.rows += self.census().await?;
        Ok(brought)
    }

    /// Another name of the repository, other labels and other abilities of the service are another question.
    fn hash(&self) -> String {
        let lists = [&self.source.labels, &self.source.issues.in_progress].map(|list| list.join(","));
        let asked = format!("{}\n{}\n{}\n{}", self.place.name, lists[0], lists[1], self.question);
        // The cursor keeps a mark of the question and not its words.
        format!("{VERSION}:{}", self.context.pseudonyms.account("question", STREAM, &asked).to_stored())
    }

    fn cursor(&self) -> Option<&Cursor> {
        self.context.cursor(&self.id, &self.hash())
    }

    fn anything_new(&self) -> bool {
        if self.place.unknown {
            return true;
        }
        let settled = self.cursor().filter(|cursor| cursor.position.as_deref() == Some(SETTLED));
        settled.is_none_or(|cursor| self.place.newest.is_some_and(|newest| Some(newest.0) > cursor.updated_to))
    }

    async fn deliver(&self, batch: Batch, cursor: Option<Cursor>) -> Result<(), CollectError> {
        Ok(self.context.deliver(Delivery { scope: self.id.clone(), batch, cursor }).await?)
    }

    async fn walk(&self) -> Result<Brought, CollectError> {
        let known = self.cursor();
        let before = known.and_then(|cursor| cursor.updated_to);
        let since = before.filter(|seen| *seen > 0).map_or(self.context.since.0, |seen| seen - OVERLAP);
        let mut first = known.and_then(|cursor| cursor.page_size).unwrap_or(PAGE).clamp(1, PAGE);
        let (mut brought, mut seen) = (Brought::default(), before.unwrap_or(0));
        let mut after: Option<String> = None;
        let mut visited = BTreeSet::new();
        loop {
            let mut page = self.page(&mut first, after.as_deref(), since).await?;
            brought.pages += 1;
            let mut items: Vec<Item> = std::mem::take(&mut page.nodes);
            self.complete(&mut items).await?;
            brought.lost += page.lost + items.iter().map(Item::lost).sum::<u64>();
            let mut batch = self.rows(&items)?;
            for issue in &mut batch.issues {
                issue.updated_at = issue.updated_at.as_version(issue.created_at, self.context.now);
            }
            brought.rows += batch.rows() as u64;
            // A change time from the far future is stored but never moves the cursor.
            let changed = batch.issues.iter().map(|issue| issue.updated_at.0);
            seen = changed.filter(|at| *at <= self.context.now.0 + DAY).fold(seen, i64::max);
            let last = !page.page_info.has_next_page;
            let settled = last && before == Some(seen);
            let cursor = Cursor {
                updated_to: Some(seen),
                position: settled.then(|| SETTLED.to_owned()),
                page_size: (first < PAGE).then(|| if last { (first * 2).min(PAGE) } else { first }),
                scope_hash: self.hash(),
                ..Cursor::default()
            };
            self.deliver(batch, Some(cursor)).await?;
            if last {
                return Ok(brought);
            }
            after = page.page_info.end_cursor;
            if after.as_ref().is_none_or(|next| !visited.insert(next.clone())) || brought.pages > MOST_PAGES {
                return Err(CollectError::Scope("pagination did not advance".to_owned()));
            }
        }
    }

    /// A page, smaller and smaller where it is too much for the service.
    async fn page(&self, first: &mut u32, after: Option<&str>, since: i64) -> Result<Connection<Item>, CollectError> {
        let (owner, name) = self.place.name.split_once('/').unwrap_or((&self.place.name, ""));
        let since = Millis(since).to_timestamp().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        loop {
            let variables = json!({ "owner": owner, "name": name, "first": *first, "after": after, "since": since });
            match self.client.graphql("issues", self.question, &variables).await {
                Err(CollectError::Shrink) if *first > 1 => *first /= 2,
                Err(error) => return Err(error),
                Ok(reply) => {
                    let answer = reply.value;
                    if answer.pointer("/data/repository").is_none_or(Value::is_null) {
                        return Err(CollectError::NotVisible);
                    }
                    return part(&answer, &["data", "repository", "issues"])
                        .ok_or_else(|| CollectError::Scope("a page of issues has an unexpected shape".to_owned()))
                        .and_then(Connection::there);
                }
            }
        }
    }

    /// Continues the timelines that a page cut off, until nothing is missing.
    async fn complete(&self, items: &mut [Item]) -> Result<(), CollectError> {
        let begin = self.question.find("\nfragment ").unwrap_or(self.question.len());
        let types = self.question.split("itemTypes: ").nth(1).and_then(|tail| tail.split(')').next()).unwrap_or("[]");
        for _ in 0..1000 {
            let short = |item: &Item| item.timeline_items.page_info.has_next_page;
            let short: Vec<usize> = (0..items.len()).filter(|at| short(&items[*at])).take(CONTINUED).collect();
            if short.is_empty() {
                return Ok(());
            }
            let asked = short.iter().map(|at| {
                let (id, after) = (json!(items[*at].id), json!(items[*at].timeline_items.page_info.end_cursor));
                let list =
                    format!("timelineItems(first: 100, after: {after}, itemTypes: {types}) {{ ...ItemTimeline }}");
                format!("i{at}: node(id: {id}) {{ ... on Issue {{ {list} }} }}")
            });
            let asked: Vec<String> = asked.collect();
            let query = format!("query {{ rateLimit {{ cost }} {} }}{}", asked.join(" "), &self.question[begin..]);
            let answer = self.client.graphql("continued timelines", &query, &json!({})).await?.value;
            for at in short {
                let own = &mut items[at].timeline_items;
                let before = own.page_info.end_cursor.clone();
                let more: Option<Connection<Happening>> = part(&answer, &["data", &format!("i{at}"), "timelineItems"]);
                let more = more.filter(|more| !more.page_info.has_next_page || more.page_info.end_cursor != before);
                let Some(more) = more else {
                    return Err(CollectError::Scope("pagination did not advance inside an issue".to_owned()));
                };
                own.extend(more);
            }
        }
        Err(CollectError::Scope("an issue's timeline does not end".to_owned()))
    }

    fn rows(&self, items: &[Item]) -> Result<Batch, CollectError> {
        let none = BTreeMap::new();
        let rows = Rows {
            host: &self.source.host,
            repository_id: self.place.repository_id,
            names: &self.context.pseudonyms,
            labels: &self.source.labels,
            projects: &[],
            comments: &none,
        };
        let rows = ItemRows { rows: &rows, project: &self.place.name, in_progress: &self.source.issues.in_progress };
        let mut batch = Batch::default();
        for item in items {
            if rows.item(item, &mut batch).is_none() {
                return Err(CollectError::Scope("an issue has times that cannot be read".to_owned()));
            }
        }
        if !items.is_empty() {
            batch.statuses = statuses(&self.source.host);
        }
        Ok(batch)
    }

    /// Issues that are deleted, moved away or turned into discussions only vanish from lists, so those that the store
    /// takes for open are asked for by number. Gone is what the service says so of, twice.
    async fn census(&self) -> Result<u64, CollectError> {
        let known = self.source.issues.known.get(&self.place.name.to_lowercase());
        let turn = self.context.now.0.div_euclid(DAY).rem_euclid(TURNS);
        let due: Vec<KnownItem> =
            known.into_iter().flatten().filter(|item| item.issue_id.rem_euclid(TURNS) == turn).copied().collect();
        let missing = self.missing(&due).await?;
        if missing.is_empty() {
            return Ok(0);
        }
        if !self.source.issues.accept_gone && missing.len() > 3 && missing.len() * 2 > due.len() {
            let why = format!(
                "{} of {} open issues are no longer shown; they are kept as they were; where they were deleted on purpose, \
                 `run --accept-gone` marks them",
                missing.len(),
                due.len()
            );
            return Err(CollectError::Scope(why));
        }
        let asked: Vec<KnownItem> = missing.iter().map(|(item, _)| *item).collect();
        let again = self.missing(&asked).await?;
        let mark = |(item, how): &(KnownItem, &'static str)| Gone {
            host: self.source.host.clone(),
            issue_id: item.issue_id,
            how,
        };
        let gone = again.iter().filter(|found| missing.contains(found)).map(mark).collect();
        let batch = Batch { gone, ..Batch::default() };
        let rows = batch.rows() as u64;
        self.deliver(batch, None).await?;
        Ok(rows)
    }

    /// Which of some issues the service says are not there, or are another issue by now.
    async fn missing(&self, items: &[KnownItem]) -> Result<Vec<(KnownItem, &'static str)>, CollectError> {
        let (owner, name) = self.place.name.split_once('/').unwrap_or((&self.place.name, ""));
        let mut missing = Vec::new();
        for chunk in items.chunks(LOOKED_AT) {
            let asked: Vec<String> =
                chunk.iter().map(|item| format!("i{0}: issue(number: {0}) {{ databaseId }}", item.number)).collect();
            let query = format!(
                "query {{ rateLimit {{ cost }} repository(owner: {}, name: {}) {{ databaseId {} }} }}",
                json!(owner),
                json!(name),
                asked.join(" ")
            );
            let answer = self.client.graphql("open issues", &query, &json!({})).await?.value;
            if answer.pointer("/data/repository/databaseId").is_none_or(Value::is_null) {
                return Err(CollectError::NotVisible);
            }
            missing.extend(chunk.iter().filter_map(|item| Some((*item, verdict(&answer, item)?))));
        }
        Ok(missing)
    }
}

/// How an issue is gone; `None` where it is there, or where the answer does not say that it is not.
fn verdict(answer: &Value, item: &KnownItem) -> Option<&'static str> {
    let place = format!("i{}", item.number);
    if let Some(id) = answer.pointer(&format!("/data/repository/{place}/databaseId")).and_then(Value::as_i64) {
        return (id != item.issue_id).then_some("transferred");
    }
    let errors = answer.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let denied = errors.iter().any(|error| {
        let path = error.get("path").and_then(Value::as_array).and_then(|path| path.last()).and_then(Value::as_str);
        path == Some(place.as_str()) && error.get("type").and_then(Value::as_str) == Some("NOT_FOUND")
    });
    denied.then_some("deleted")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_is_gone_only_where_the_service_says_so() {
        let item = KnownItem { number: 12, issue_id: 7 };
        let there = json!({"data": {"repository": {"i12": {"databaseId": 7}}}});
        let other = json!({"data": {"repository": {"i12": {"databaseId": 8}}}});
        let empty = json!({"data": {"repository": {"i12": null}}});
        let error = |kind: &str| json!({"data": {"repository": {"i12": null}}, "errors": [{"type": kind, "path": ["repository", "i12"]}]});
        assert_eq!(verdict(&there, &item), None);
        assert_eq!(verdict(&other, &item), Some("transferred"));
        assert_eq!(verdict(&empty, &item), None);
        assert_eq!(verdict(&error("NOT_FOUND"), &item), Some("deleted"));
        assert_eq!(verdict(&error("FORBIDDEN"), &item), None);
    }

    #[test]
    fn what_is_added_to_the_question_has_its_place_there() {
        for place in ["parent { databaseId }\n", "CONVERTED_TO_DISCUSSION_EVENT", "IssueTimelineItems {\n  __typename"]
        {
            assert_eq!(QUESTION.matches(place).count(), 1, "{place}");
        }
        let asked = |line: &&str| !line.starts_with('#');
        let asked = QUESTION.lines().filter(asked).collect::<String>().to_lowercase();
        assert!(!asked.contains("title") && !asked.contains("body"));
    }
}
