//! Deliver: the summary of a page to those who asked for it, after the report is written. Knows a text and a page's
//! bytes; nothing of store, signals and people. What goes wrong is told by codes: never an address, a secret, or what a
//! server wrote.

pub mod mail;
pub mod ping;
pub mod webhook;

use std::future::Future;
use std::time::Duration;

use crate::collect::http::{Answer, CollectError};

/// Why something was not delivered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NotDelivered {
    pub reason: String,
    /// It is about the server as a whole, so that trying to deliver something else there would fail alike.
    pub whole: bool,
}

impl NotDelivered {
    /// A reason that holds for one delivery.
    #[must_use]
    pub fn of(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), whole: false }
    }
}

/// Awaits a delivery no longer than `patience`, and tells its failure as one of a delivery.
async fn bounded(
    patience: Duration,
    sending: impl Future<Output = Result<Answer, CollectError>>,
) -> Result<Answer, NotDelivered> {
    let longest = patience.as_secs();
    match tokio::time::timeout(patience, sending).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(told(error, longest)),
        Err(_) => {
            let reason = format!("it took longer than the {longest} seconds of patience-seconds");
            Err(NotDelivered { reason, whole: true })
        }
    }
}

fn told(error: CollectError, longest: u64) -> NotDelivered {
    match error {
        CollectError::Refused(reason) => NotDelivered { reason, whole: true },
        CollectError::Unreachable => NotDelivered { reason: CollectError::Unreachable.to_string(), whole: true },
        CollectError::Budget(_) => NotDelivered {
            reason: format!(
                "it is not ready, and waiting would take longer than the {longest} seconds of patience-seconds"
            ),
            whole: true,
        },
        CollectError::NotVisible => NotDelivered::of("the address is not known there (HTTP 404); make a new one"),
        CollectError::Shrink => NotDelivered::of("it is not ready (HTTP 502 or 504)"),
        CollectError::BadQuestion(status) => NotDelivered::of(format!("it is refused (HTTP {status})")),
        other => NotDelivered::of(other.to_string()),
    }
}
