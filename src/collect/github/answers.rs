//! GitHub's answers as lenient structs of our own: almost everything may be missing, and what people wrote is dropped.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::collect::http::CollectError;

/// An actor; null for a deleted account.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Who {
    #[serde(rename = "__typename", default)]
    pub kind: String,
    #[serde(default, deserialize_with = "ends_like_a_bot", rename = "login")]
    pub named_bot: bool,
    #[serde(default)]
    pub database_id: Option<i64>,
}

/// Of a login only this is kept: whether it ends in `[bot]`.
fn ends_like_a_bot<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let login = Option::<String>::deserialize(deserializer)?;
    Ok(login.is_some_and(|login| login.ends_with("[bot]")))
}

/// A list with a declared total and a way on. What the service left out as null is counted, never taken for nothing.
#[derive(Debug)]
pub struct Connection<T> {
    pub total_count: usize,
    pub page_info: PageInfo,
    pub nodes: Vec<T>,
    /// Elements that came as null; a list that came as null counts as one.
    pub lost: u64,
    /// The list itself came as null.
    pub absent: bool,
}

impl<T> Default for Connection<T> {
    fn default() -> Self {
        Self { total_count: 0, page_info: PageInfo::default(), nodes: Vec::new(), lost: 0, absent: false }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Connection<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Raw<T> {
            total_count: Option<usize>,
            page_info: Option<PageInfo>,
            /// A question may ask for the total alone; a list that was asked for and is null is `None`.
            #[serde(default = "not_asked")]
            nodes: Option<Vec<Option<T>>>,
        }
        fn not_asked<T>() -> Option<Vec<Option<T>>> {
            Some(Vec::new())
        }
        let raw = Option::<Raw<T>>::deserialize(deserializer)?;
        let (total, info, nodes) = raw.map_or((None, None, None), |raw| (raw.total_count, raw.page_info, raw.nodes));
        let absent = nodes.is_none();
        let all = nodes.unwrap_or_default();
        let sent = all.len();
        let nodes: Vec<T> = all.into_iter().flatten().collect();
        let lost = (sent - nodes.len()) as u64 + u64::from(absent);
        Ok(Self { total_count: total.unwrap_or(0), page_info: info.unwrap_or_default(), nodes, lost, absent })
    }
}

impl<T> Connection<T> {
    /// Adds the page that follows.
    pub fn extend(&mut self, more: Self) {
        self.nodes.extend(more.nodes);
        self.lost += more.lost;
        self.page_info = more.page_info;
    }

    /// The list, unless it came as null where nothing can be told without it.
    ///
    /// # Errors
    /// [`CollectError::Scope`]: the cursor stays, and the next night asks again.
    pub fn there(self) -> Result<Self, CollectError> {
        if self.absent {
            return Err(CollectError::Scope("the service left out a whole page (null); it is asked again".to_owned()));
        }
        Ok(self)
    }
}

/// The way on.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageInfo {
    #[serde(default)]
    pub has_next_page: bool,
    #[serde(default)]
    pub end_cursor: Option<String>,
}

/// A count alone.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Total {
    #[serde(default)]
    pub total_count: i64,
}

/// A label.
#[derive(Debug, Deserialize)]
pub struct Label {
    #[serde(default)]
    pub name: String,
}

/// A repository at a glance.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Glance {
    pub database_id: i64,
    pub name_with_owner: String,
    #[serde(default)]
    pub is_archived: bool,
    #[serde(default)]
    pub is_empty: bool,
    #[serde(default)]
    pub default_branch_ref: Option<Branch>,
    #[serde(default)]
    pub pull_requests: Connection<Updated>,
    #[serde(default)]
    pub issues: Connection<Updated>,
    #[serde(default)]
    pub releases: Connection<Published>,
}

/// A release.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Published {
    #[serde(default)]
    pub database_id: Option<i64>,
    #[serde(default)]
    pub published_at: Option<String>,
    #[serde(default)]
    pub is_draft: bool,
    #[serde(default)]
    pub is_prerelease: bool,
}

/// The tip of a branch.
#[derive(Debug, Deserialize)]
pub struct Branch {
    #[serde(default)]
    pub target: Option<Target>,
}

/// A commit hash, or a page of history.
#[derive(Debug, Deserialize)]
pub struct Target {
    #[serde(default)]
    pub oid: Option<String>,
    #[serde(default)]
    pub history: Option<Connection<Work>>,
}

/// When something changed last.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Updated {
    #[serde(default)]
    pub updated_at: Option<String>,
}

/// A pull request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pull {
    pub id: String,
    #[serde(default)]
    pub database_id: Option<i64>,
    pub number: i64,
    #[serde(default)]
    pub state: String,
    #[serde(default)]
    pub is_draft: bool,
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    pub head_ref_name: Option<String>,
    pub created_at: String,
    pub updated_at: String,
    #[serde(default)]
    pub closed_at: Option<String>,
    #[serde(default)]
    pub merged_at: Option<String>,
    #[serde(default)]
    pub additions: i64,
    #[serde(default)]
    pub deletions: i64,
    #[serde(default)]
    pub changed_files: i64,
    #[serde(default)]
    pub author: Option<Who>,
    #[serde(default)]
    pub merged_by: Option<Who>,
    #[serde(default)]
    pub labels: Option<Connection<Label>>,
    #[serde(default)]
    pub closing_issues_references: Option<Connection<ItemRef>>,
    /// The comments of its last reviews, counted.
    #[serde(default)]
    pub reviews: Option<Connection<Counted>>,
    #[serde(default)]
    pub commits: Connection<ListedCommit>,
    #[serde(default)]
    pub timeline_items: Connection<Happening>,
}

/// An issue as others point at it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemRef {
    pub number: i64,
    pub repository: NamedRepository,
}

/// `owner/name`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamedRepository {
    pub name_with_owner: String,
}

impl Pull {
    /// How much of it the service left out as null.
    #[must_use]
    pub fn lost(&self) -> u64 {
        let labels = self.labels.as_ref().map_or(0, |list| list.lost);
        let closing = self.closing_issues_references.as_ref().map_or(0, |list| list.lost);
        self.commits.lost + self.timeline_items.lost + labels + closing
    }
}

impl ItemRef {
    /// `owner/name#412`.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}#{}", self.repository.name_with_owner, self.number)
    }
}

/// How many comments came with a review.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    #[serde(default)]
    pub database_id: Option<i64>,
    #[serde(default)]
    pub comments: Total,
}

/// A commit as a pull request lists it.
#[derive(Debug, Deserialize)]
pub struct ListedCommit {
    pub commit: Work,
}

/// A commit.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Work {
    pub oid: String,
    #[serde(default)]
    pub committed_date: Option<String>,
    #[serde(default)]
    pub author: Option<Author>,
    #[serde(default)]
    pub additions: Option<i64>,
    #[serde(default)]
    pub deletions: Option<i64>,
    #[serde(default)]
    pub changed_files_if_available: Option<i64>,
    #[serde(default)]
    pub parents: Option<Total>,
}

/// The author of a commit.
#[derive(Deserialize)]
pub struct Author {
    /// Keeps the author's own offset.
    #[serde(default)]
    pub date: Option<String>,
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default)]
    pub user: Option<Who>,
}

impl std::fmt::Debug for Author {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Author(…)")
    }
}

/// Something that happened to a pull request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Happening {
    #[serde(rename = "__typename", default)]
    pub kind: String,
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default)]
    pub database_id: Option<i64>,
    #[serde(default)]
    pub created_at: Option<String>,
    #[serde(default)]
    pub submitted_at: Option<String>,
    #[serde(default)]
    pub state: Option<String>,
    #[serde(default)]
    pub author: Option<Who>,
    #[serde(default)]
    pub actor: Option<Who>,
    #[serde(default)]
    pub requested_reviewer: Option<Who>,
    #[serde(default)]
    pub label: Option<Label>,
}

/// A review comment of the repository-wide REST list.
#[derive(Debug, Deserialize)]
pub struct ReviewComment {
    pub id: i64,
    #[serde(default)]
    pub pull_request_review_id: Option<i64>,
    #[serde(default)]
    pub in_reply_to_id: Option<i64>,
    #[serde(default)]
    pub user: Option<RestUser>,
    pub created_at: String,
    #[serde(default)]
    pub updated_at: Option<String>,
    #[serde(default)]
    pub pull_request_url: String,
}

/// An account in a REST answer.
#[derive(Debug, Deserialize)]
pub struct RestUser {
    #[serde(default)]
    pub id: Option<i64>,
    #[serde(rename = "type", default)]
    pub kind: String,
    #[serde(default, deserialize_with = "bot_or_ghost", rename = "login")]
    pub named: Named,
}

/// What a login says about its account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Named {
    #[default]
    Nothing,
    Bot,
    /// The account that stands for deleted ones.
    Ghost,
}

fn bot_or_ghost<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Named, D::Error> {
    let login = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
    Ok(match login.as_str() {
        "ghost" => Named::Ghost,
        login if login.ends_with("[bot]") => Named::Bot,
        _ => Named::Nothing,
    })
}

/// Takes a part of an answer as a struct; a shape that does not fit is `None`.
#[must_use]
pub fn part<T: serde::de::DeserializeOwned>(value: &Value, path: &[&str]) -> Option<T> {
    let mut place = value;
    for key in path {
        place = place.get(*key)?;
    }
    serde_json::from_value(place.clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(list: Value, expected: (usize, u64, bool)) {
        let list: Connection<Label> = serde_json::from_value(list).unwrap();
        assert_eq!((list.nodes.len(), list.lost, list.absent), expected);
        assert_eq!(list.there().is_err(), expected.2);
    }

    #[test]
    fn what_is_null_in_a_list_is_counted_and_costs_nothing_else() {
        check(json!({ "totalCount": 2 }), (0, 0, false));
        check(json!({ "nodes": [{ "name": "a" }] }), (1, 0, false));
        check(json!({ "totalCount": null, "pageInfo": null, "nodes": [null, { "name": "a" }, null] }), (1, 2, false));
        check(json!({ "totalCount": 3, "nodes": null }), (0, 1, true));
        check(Value::Null, (0, 1, true));
    }

    #[test]
    fn a_pull_request_tells_how_much_of_it_is_missing() {
        let pull = json!({
            "id": "PR_1", "number": 1, "createdAt": "", "updatedAt": "", "labels": null,
            "commits": { "nodes": null }, "timelineItems": { "nodes": [null] },
            "closingIssuesReferences": { "nodes": [null, null] },
        });
        assert_eq!(serde_json::from_value::<Pull>(pull).unwrap().lost(), 4);
    }
}
