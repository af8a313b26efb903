//! Accounts that were active lately and belong to nobody in the configuration: hashes and counts, never a name.

use std::collections::{BTreeMap, BTreeSet};

use super::MeasureError;
use super::tables::Tables;
use crate::model::time::Millis;
use crate::store::Store;

/// Unmatched accounts (stored pseudonyms) with the kind of source in which they were active: `GitHub`, `Jira`, `git`.
pub type Unmatched = BTreeMap<i64, &'static str>;

/// Human accounts that did something at or after `since` and are neither in `linked` nor in `bots`.
///
/// # Errors
/// [`MeasureError::Store`] where a table cannot be read.
pub fn unmatched(
    store: &Store,
    linked: &BTreeSet<i64>,
    bots: &BTreeSet<i64>,
    since: Millis,
) -> Result<Unmatched, MeasureError> {
    let tables = Tables::load(store)?;
    let mut found = Unmatched::new();
    let mut saw = |account: Option<i64>, at: Millis, source: &'static str| {
        let new = account.filter(|account| at >= since && !linked.contains(account) && !bots.contains(account));
        if let Some(account) = new {
            found.entry(account).or_insert(source);
        }
    };
    for pull in tables.pulls.iter().filter(|pull| pull.author_kind == "user") {
        saw(pull.author, pull.created_at, "GitHub");
    }
    for act in tables.acts.iter().filter(|act| !act.actor_is_bot) {
        saw(act.actor, act.at, "GitHub");
    }
    for change in tables.changes.values().flatten() {
        saw(change.author, change.at, "Jira");
    }
    for ticket in &tables.tickets {
        saw(ticket.reporter, ticket.created_at, "Jira");
    }
    for commit in &tables.commits {
        saw(commit.author, commit.authored_at, if commit.host == "git" { "git" } else { "GitHub" });
    }
    Ok(found)
}
