//! The run record: what a night read, what it cost and what is missing. Counts and places only, never a person.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::collect::{Counts, Outcome, ScopeReport};
use crate::model::ScopeId;

/// How many run records are kept.
const KEPT: usize = 90;

/// A scope as the record holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    pub source: String,
    pub stream: String,
    pub scope: String,
    pub label: String,
    pub outcome: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
    pub rows: u64,
    pub requests: u64,
    /// GitHub GraphQL points.
    #[serde(default)]
    pub points: u64,
    /// Decoded bytes of all answers.
    #[serde(default)]
    pub bytes: u64,
    /// Seconds spent waiting for limits and back-off.
    #[serde(default)]
    pub waited_seconds: u64,
    /// The moment up to which this scope is complete, milliseconds UTC; kept from an earlier night where this one
    /// failed.
    pub complete_to: Option<i64>,
}

/// The record of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RunRecord {
    pub seq: u64,
    pub version: String,
    pub as_of: String,
    pub exit_code: u8,
    pub scopes: Vec<Scope>,
    /// What is missing, one line each.
    pub gaps: Vec<String>,
    pub requests: BTreeMap<String, u64>,
    pub points: u64,
    pub bytes: u64,
    pub retries: u64,
    pub waited_seconds: u64,
    pub seconds: BTreeMap<String, f64>,
    pub tables: BTreeMap<String, u64>,
    /// What was delivered of the newest night for which anything was, by this run or an earlier one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deliveries: Vec<Delivery>,
}

/// What became of one delivery. Names a team and a way, never an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The date of the report.
    pub night: String,
    pub team: String,
    /// `mail 1` is the first recipient of the team; or `webhook`.
    pub way: String,
    /// Why it did not arrive; `None`: it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

impl Scope {
    /// A scope's report with the moment up to which it is complete.
    #[must_use]
    pub fn of(report: ScopeReport, now: i64, before: &BTreeMap<ScopeId, i64>) -> Self {
        let complete = matches!(report.outcome, Outcome::Complete | Outcome::Unchanged);
        let complete_to = if complete || report.to_end { Some(now) } else { before.get(&report.id).copied() };
        Self {
            source: report.id.source,
            stream: report.id.stream,
            scope: report.id.scope,
            label: report.label,
            outcome: report.outcome,
            reason: report.reason,
            refused: report.refused,
            rows: report.rows,
            requests: report.cost.all_requests(),
            points: report.cost.points,
            bytes: report.cost.bytes,
            waited_seconds: report.cost.waited_seconds,
            complete_to,
        }
    }

    /// Everything that the source shows was read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        matches!(self.outcome, Outcome::Complete | Outcome::Unchanged)
    }
}

impl RunRecord {
    /// The last run's record; `None` where there is none, or none that can be read.
    #[must_use]
    pub fn last(store: &Path) -> Option<Self> {
        let text = fs::read_to_string(store.join("last-run.json")).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Up to when every scope was complete after this run.
    #[must_use]
    pub fn freshness(&self) -> BTreeMap<ScopeId, i64> {
        let known = |scope: &Scope| {
            let id = ScopeId { source: scope.source.clone(), stream: scope.stream.clone(), scope: scope.scope.clone() };
            Some((id, scope.complete_to?))
        };
        self.scopes.iter().filter_map(known).collect()
    }

    /// Takes over what the collectors counted.
    pub fn count(&mut self, counts: Counts) {
        self.requests = counts.requests;
        self.points = counts.points;
        self.bytes = counts.bytes;
        self.retries = counts.retries;
        self.waited_seconds = counts.waited_seconds;
    }

    /// Writes `runs/<seq>.json` and `last-run.json`, and forgets the oldest records.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, store: &Path) -> std::io::Result<()> {
        let folder = store.join("runs");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let text = serde_json::to_string_pretty(self)? + "\n";
        for path in [folder.join(format!("{:06}.json", self.seq)), store.join("last-run.json")] {
            let new = path.with_extension("json.tmp");
            let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
            file.write_all(text.as_bytes())?;
            // A record that is half there after a loss of power would hide how far the sources were read.
            file.sync_all()?;
            fs::rename(&new, &path)?;
        }
        let mut records: Vec<_> = fs::read_dir(&folder)?.collect::<Result<Vec<_>, _>>()?;
        records.sort_by_key(std::fs::DirEntry::file_name);
        let old = records.len().saturating_sub(KEPT);
        records.into_iter().take(old).try_for_each(|record| fs::remove_file(record.path()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_without_some_parts_is_no_complete_one_and_known_up_to_now() {
        let id = ScopeId { source: "github:h".to_owned(), stream: "commits".to_owned(), scope: "1".to_owned() };
        let before = BTreeMap::from([(id.clone(), 5)]);
        let incomplete = |to_end| ScopeReport {
            outcome: Outcome::Incomplete,
            to_end,
            ..ScopeReport::complete(id.clone(), "one", 1, 1)
        };
        let known = |report| {
            let scope = Scope::of(report, 9, &before);
            (scope.is_complete(), scope.complete_to)
        };
        assert_eq!(known(incomplete(true)), (false, Some(9)));
        assert_eq!(known(incomplete(false)), (false, Some(5)));
        assert_eq!(known(ScopeReport::complete(id.clone(), "one", 1, 1)), (true, Some(9)));
    }
}
