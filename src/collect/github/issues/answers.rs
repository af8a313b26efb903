//! Issues as GitHub answers, as lenient structs of our own. Names that people gave are compared and dropped by the rows.

use serde::Deserialize;

use crate::collect::github::answers::{Connection, ItemRef, Label, Who};

/// An issue.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    pub id: String,
    pub database_id: i64,
    pub number: i64,
    #[serde(default)]
    pub state: String,
    #[serde(default)]
    pub state_reason: Option<String>,
    pub created_at: String,
    pub updated_at: String,
    #[serde(default)]
    pub closed_at: Option<String>,
    #[serde(default)]
    pub author: Option<Who>,
    #[serde(default)]
    pub milestone: Option<Milestone>,
    #[serde(default)]
    pub parent: Option<Numbered>,
    #[serde(default)]
    pub issue_type: Option<Label>,
    #[serde(default)]
    pub labels: Option<Connection<Label>>,
    #[serde(default)]
    pub assignees: Connection<Numbered>,
    #[serde(default)]
    pub timeline_items: Connection<Happening>,
    #[serde(default)]
    pub blocked_by: Option<Connection<Blocker>>,
}

impl Item {
    /// How much of it the service left out as null.
    #[must_use]
    pub fn lost(&self) -> u64 {
        let labels = self.labels.as_ref().map_or(0, |list| list.lost);
        let blockers = self.blocked_by.as_ref().map_or(0, |list| list.lost);
        self.assignees.lost + self.timeline_items.lost + labels + blockers
    }
}

/// A milestone: when it is due.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Milestone {
    #[serde(default)]
    pub due_on: Option<String>,
}

/// An account or an issue of which only the number is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Numbered {
    #[serde(default)]
    pub database_id: Option<i64>,
}

/// An issue that blocks another.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Blocker {
    pub database_id: i64,
    #[serde(flatten)]
    pub place: ItemRef,
}

/// Something that happened to an issue.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Happening {
    #[serde(rename = "__typename", default)]
    pub kind: String,
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default)]
    pub created_at: Option<String>,
    #[serde(default)]
    pub actor: Option<Who>,
    #[serde(default)]
    pub assignee: Option<Numbered>,
    #[serde(default)]
    pub label: Option<Label>,
    #[serde(default)]
    pub state_reason: Option<String>,
    #[serde(default)]
    pub parent: Option<Numbered>,
    /// The column of a board into which it was moved.
    #[serde(default)]
    pub status: Option<String>,
}
