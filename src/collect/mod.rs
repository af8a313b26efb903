//! What a source is: given cursors it returns plain records and new cursors. Knows nothing of store, polars or teams.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

pub mod calendar;
pub mod git;
pub mod github;
pub mod http;
pub mod jira;

pub use crate::model::cursor::{Cursor, Cursors, ScopeId};
use crate::model::time::Millis;
use crate::model::{Batch, Pseudonyms};

/// Rows and the cursor that becomes durable with them, in one commit.
#[derive(Debug)]
pub struct Delivery {
    pub scope: ScopeId,
    pub batch: Batch,
    /// `None` leaves the stored cursor as it is.
    pub cursor: Option<Cursor>,
}

/// How the reading of a scope ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything that the source shows has been read.
    Complete,
    /// The source said that nothing changed.
    Unchanged,
    /// Some rows are missing; `reason` names them.
    Incomplete,
    /// Nothing usable was read; rows and cursor are as before.
    Failed,
}

/// What a scope's reading came to, for the run record, the exit code and the page.
#[derive(Clone, Debug, Serialize)]
pub struct ScopeReport {
    #[serde(flatten)]
    pub id: ScopeId,
    /// How people call this scope: `acme/api`, `PAY`, `calendar at undercurrent.toml:57`. Never a person.
    pub label: String,
    pub outcome: Outcome,
    /// What is missing and the way out, in one sentence. Holds no person, no response body and no secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The source refused the credentials (exit code 4 where a whole source did).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
    pub rows: u64,
    pub pages: u64,
}

impl ScopeReport {
    /// A scope that was read to its end.
    #[must_use]
    pub fn complete(id: ScopeId, label: impl Into<String>, rows: u64, pages: u64) -> Self {
        Self { id, label: label.into(), outcome: Outcome::Complete, reason: None, refused: false, rows, pages }
    }

    /// A scope of which nothing usable could be read.
    #[must_use]
    pub fn failed(id: ScopeId, label: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            id,
            label: label.into(),
            outcome: Outcome::Failed,
            reason: Some(reason.into()),
            refused: false,
            rows: 0,
            pages: 0,
        }
    }
}

/// What every collector is given.
#[derive(Clone)]
pub struct Context {
    /// The moment that this night takes for now.
    pub now: Millis,
    /// How far back a first reading goes; records last changed before it may be left out.
    pub since: Millis,
    pub cursors: Arc<Cursors>,
    pub pseudonyms: Pseudonyms,
    pub meter: Arc<Meter>,
    /// Where rows go. A closed channel means that the store failed: stop at once.
    pub sink: mpsc::Sender<Delivery>,
}

impl Context {
    /// The stored cursor of a scope if it was made by the same question.
    #[must_use]
    pub fn cursor(&self, id: &ScopeId, scope_hash: &str) -> Option<&Cursor> {
        self.cursors.get(id).filter(|cursor| cursor.scope_hash == scope_hash)
    }

    /// Hands rows over. Errors only when the store is gone.
    ///
    /// # Errors
    /// [`StoreGone`] when the receiving end was dropped.
    pub async fn deliver(&self, delivery: Delivery) -> Result<(), StoreGone> {
        self.sink.send(delivery).await.map_err(|_| StoreGone)
    }
}

/// The receiving end of the rows is gone: the store reported an error of its own.
#[derive(Debug, thiserror::Error)]
#[error("the store stopped taking rows")]
pub struct StoreGone;

/// Counts what a night costs. Keys are endpoint templates, never addresses with ids.
#[derive(Debug, Default)]
pub struct Meter {
    counts: Mutex<Counts>,
}

/// The figures of a [`Meter`].
#[derive(Clone, Debug, Default, Serialize)]
pub struct Counts {
    /// Requests by endpoint template, such as `POST /graphql pull_requests`.
    pub requests: BTreeMap<String, u64>,
    /// GitHub GraphQL points.
    pub points: u64,
    /// Decoded bytes of all answers.
    pub bytes: u64,
    pub retries: u64,
    /// Seconds spent waiting for limits and back-off.
    pub waited_seconds: u64,
}

impl Meter {
    /// Changes the figures under the lock.
    pub fn add(&self, change: impl FnOnce(&mut Counts)) {
        // A poisoned lock still holds valid counters.
        let mut counts = self.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        change(&mut counts);
    }

    /// The figures so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}
