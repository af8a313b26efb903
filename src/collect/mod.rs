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

pub use crate::model::cursor::{Cursor, Cursors, Resume, ScopeId};
use crate::model::time::Millis;
use crate::model::{Account, Batch, Pseudonyms};
use http::Patience;

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
    /// It was read to its end although parts were left out: what it shows up to now is known.
    #[serde(skip)]
    pub to_end: bool,
    /// What reading it cost; all zero where its source does not count by scope.
    #[serde(skip)]
    pub cost: Counts,
}

impl ScopeReport {
    /// A scope that was read to its end.
    #[must_use]
    pub fn complete(id: ScopeId, label: impl Into<String>, rows: u64, pages: u64) -> Self {
        Self {
            id,
            label: label.into(),
            outcome: Outcome::Complete,
            reason: None,
            refused: false,
            rows,
            pages,
            to_end: false,
            cost: Counts::default(),
        }
    }

    /// The same report with what its meter counted.
    #[must_use]
    pub fn paid(self, meter: &Meter) -> Self {
        Self { cost: meter.counts(), ..self }
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
            to_end: false,
            cost: Counts::default(),
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

/// An account with what its service says of its owner. For a person at a terminal alone: it is never stored or logged,
/// and has no printed form.
#[derive(Clone, PartialEq, Eq)]
pub struct NamedAccount {
    pub account: Account,
    /// What stands in the configuration for it: a login, an account id, an e-mail address.
    pub id: String,
    /// The shown name and other words that tell whose it is; may be empty.
    pub words: Vec<String>,
}

impl std::fmt::Debug for NamedAccount {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("NamedAccount(…)")
    }
}

/// The receiving end of the rows is gone: the store reported an error of its own.
#[derive(Debug, thiserror::Error)]
#[error("the store stopped taking rows")]
pub struct StoreGone;

/// Counts what a night costs, and says how long it may wait. Keys are endpoint templates, never addresses with ids.
#[derive(Debug, Default)]
pub struct Meter {
    counts: Mutex<Counts>,
    patience: Patience,
    /// The meter of which this one is a part: it counts the same once more.
    whole: Option<Arc<Meter>>,
}

/// The figures of a [`Meter`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
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

impl Counts {
    /// Requests of all endpoints.
    #[must_use]
    pub fn all_requests(&self) -> u64 {
        self.requests.values().sum()
    }
}

impl Meter {
    /// A meter for requests that wait as told.
    #[must_use]
    pub fn with(patience: Patience) -> Self {
        Self { patience, ..Self::default() }
    }

    /// How long services are waited for.
    #[must_use]
    pub fn patience(&self) -> &Patience {
        &self.patience
    }

    /// A meter for one scope; what it counts is counted in `whole` too.
    #[must_use]
    pub fn part_of(whole: &Arc<Self>) -> Arc<Self> {
        Arc::new(Self { counts: Mutex::default(), patience: whole.patience.clone(), whole: Some(Arc::clone(whole)) })
    }

    /// Changes the figures, here and in the meter of which this one is a part.
    pub fn add(&self, change: impl Fn(&mut Counts)) {
        let mut meter = Some(self);
        while let Some(one) = meter {
            change(&mut one.lock());
            meter = one.whole.as_deref();
        }
    }

    /// The figures so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Counts> {
        // A poisoned lock still holds valid counters.
        self.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_counts_for_itself_and_for_the_whole() {
        let whole = Arc::new(Meter::default());
        let (one, two) = (Meter::part_of(&whole), Meter::part_of(&whole));
        one.add(|counts| counts.points += 2);
        two.add(|counts| *counts.requests.entry("GET /x".to_owned()).or_default() += 1);
        assert_eq!((one.counts().points, two.counts().points, whole.counts().points), (2, 0, 2));
        assert_eq!((one.counts().all_requests(), whole.counts().all_requests()), (0, 1));
    }
}
