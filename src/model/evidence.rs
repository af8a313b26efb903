//! Evidence: one shape for every signal, one row per opportunity.

use std::sync::Arc;

/// One row per opportunity. The person is a stored pseudonym that never leaves memory and the store's own folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceRow {
    /// The team's working day on which it counts, in days since 1970-01-01.
    pub day: i64,
    pub person: Option<i64>,
    pub item: Option<Arc<str>>,
    /// Opportunities.
    pub n: i64,
    /// How many of them went the way the signal looks for.
    pub x: i64,
}
