//! How long a service is waited for, and how a wait passes: in a night asleep, in a test as a figure.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The bounds of a single request, and the clock by which waits between requests pass.
#[derive(Clone, Debug)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// Between two pieces of an answer.
    pub idle: Duration,
    /// For a whole answer.
    pub whole: Duration,
    passing: Passing,
}

#[derive(Clone, Debug)]
enum Passing {
    /// Since this instant.
    Slept(Instant),
    /// Milliseconds that have been waited so far.
    Counted(Arc<AtomicU64>),
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            whole: Duration::from_secs(120),
            passing: Passing::Slept(Instant::now()),
        }
    }
}

impl Patience {
    /// Waits pass at once and move `clock` (milliseconds) on; answers have to come within `whole`, half of it between two
    /// pieces. For tests whose services tell the time by the same clock.
    #[must_use]
    pub fn counted(clock: Arc<AtomicU64>, whole: Duration) -> Self {
        Self { connect: whole, idle: whole / 2, whole, passing: Passing::Counted(clock) }
    }

    /// How much time has passed by this clock.
    #[must_use]
    pub fn now(&self) -> Duration {
        match &self.passing {
            Passing::Slept(begin) => begin.elapsed(),
            Passing::Counted(clock) => Duration::from_millis(clock.load(Ordering::SeqCst)),
        }
    }

    /// Waits until a moment of this clock.
    pub async fn wait_until(&self, moment: Duration) {
        match &self.passing {
            Passing::Slept(begin) => sleep_until(*begin + moment).await,
            Passing::Counted(clock) => {
                let millis = u64::try_from(moment.as_millis()).unwrap_or(u64::MAX);
                clock.fetch_max(millis, Ordering::SeqCst);
                tokio::task::yield_now().await;
            }
        }
    }
}
