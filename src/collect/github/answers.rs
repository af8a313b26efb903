//! GitHub's answers as lenient structs of our own: almost everything may be missing, and what people wrote is dropped.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

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

/// A list with a declared total and a way on.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection<T> {
    #[serde(default)]
    pub total_count: usize,
    #[serde(default)]
    pub page_info: PageInfo,
    #[serde(default = "Vec::new")]
    pub nodes: Vec<Option<T>>,
}

impl<T> Default for Connection<T> {
    fn default() -> Self {
        Self { total_count: 0, page_info: PageInfo::default(), nodes: Vec::new() }
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
