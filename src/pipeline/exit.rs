//! Exit codes, and failures that end a run with one of them.

use std::fmt;

use crate::config::Problems;
use crate::measure::MeasureError;
use crate::store::StoreError;

/// How a run ends. What the report says about a team never changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    Complete = 0,
    /// A bug.
    Internal = 1,
    /// Usage or configuration.
    Configuration = 2,
    /// The report is written; some scope is incomplete and named.
    Partial = 3,
    /// Credentials were refused for a whole source.
    Refused = 4,
    /// Another run holds the lock.
    Locked = 5,
    /// The disk is full, read-only or broken.
    Storage = 6,
    /// The store cannot be read, or a newer version wrote it.
    Unreadable = 7,
    /// SIGINT.
    Interrupted = 130,
    /// SIGTERM.
    Terminated = 143,
}

/// A failure with its exit code and a sentence that names the place and the way out.
#[derive(Debug)]
pub struct Failure {
    pub exit: ExitCode,
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl Failure {
    /// A bug.
    #[must_use]
    pub fn internal(error: &dyn fmt::Display) -> Self {
        Self { exit: ExitCode::Internal, message: format!("internal error: {error}") }
    }

    /// Something about usage or configuration.
    #[must_use]
    pub fn configuration(message: String) -> Self {
        Self { exit: ExitCode::Configuration, message }
    }

    /// Something about the disk.
    #[must_use]
    pub fn storage(message: String) -> Self {
        Self { exit: ExitCode::Storage, message }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::configuration(problems.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = match error {
            StoreError::Locked { .. } => ExitCode::Locked,
            StoreError::Io { .. } => ExitCode::Storage,
            StoreError::Damaged { .. } | StoreError::Newer { .. } => ExitCode::Unreadable,
            StoreError::KeyRights { .. } | StoreError::KeyMissing { .. } | StoreError::KeyForeign { .. } => {
                ExitCode::Configuration
            }
            StoreError::Table { .. } => ExitCode::Internal,
        };
        Self { exit, message: error.to_string() }
    }
}

impl From<MeasureError> for Failure {
    fn from(error: MeasureError) -> Self {
        match error {
            MeasureError::Store(error) => error.into(),
            MeasureError::Write { .. } => Self::storage(error.to_string()),
            other => Self::internal(&other),
        }
    }
}
