//! How far the streams of a source have been read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a cursor belongs to: one stream of one scope of one source. `scope` is an immutable id of the service or a
/// line of the configuration, never a name that can change, and never points at a person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ScopeId {
    /// `github:api.github.com`, `jira:example.atlassian.net`, `git`, `calendars`.
    pub source: String,
    /// `pull_requests`, `review_comments`, `commits`, `issues`, `sprints`, `calendar`, …
    pub stream: String,
    /// A repository id, a project key, a place in the configuration.
    pub scope: String,
}

/// How far a stream has been read. Values come from server data only, never from the local clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The largest change time that the server has shown, in milliseconds UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_to: Option<i64>,
    /// Anything else that tells where to go on, such as commit hashes of branch heads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// For conditional requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The page size that worked last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u32>,
    /// Where a walk that was cut off goes on; the values above are still those of the last walk that ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume: Option<Resume>,
    /// Hash of what was asked for; another hash means a full walk.
    pub scope_hash: String,
}

/// The place in a walk from the newest change to the oldest, whose rows up to here are stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// The service's own mark of the last page that was stored.
    pub after: String,
    /// The largest change time that the walk has shown, in milliseconds UTC.
    pub newest: i64,
    /// The state in which the walk began, such as the hash of a branch's head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begun_at: Option<String>,
}

/// All cursors, by scope.
pub type Cursors = BTreeMap<ScopeId, Cursor>;
