//! What the store holds on one person: the rows that name an account of theirs, told without a pseudonym.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;
use polars::prelude::*;

use super::{Store, StoreError, TABLES, Table, table, table_error};
use crate::model::BOT;
use crate::model::time::date_of;

/// Columns that hold pseudonyms of people or of their accounts.
pub(super) const PEOPLE: [&str; 9] =
    ["author", "merged_by", "actor", "subject", "reviewer", "assignee", "reporter", "account", "person"];
/// Columns in which a change of an assignee holds pseudonyms as text.
pub(super) const CHANGED: [&str; 2] = ["from", "to"];
/// Pseudonyms of things, such as a meeting; they never leave the store either.
const THINGS: [&str; 1] = ["occurrence"];
const DAY: i64 = 86_400_000;

/// The rows of one table that name the person in any column.
pub struct Held {
    pub table: &'static Table,
    rows: DataFrame,
    own: Arc<BTreeSet<i64>>,
    /// The days of the first and the last of them, where the table has days.
    pub days: Option<(Date, Date)>,
}

/// The person to whom an account (a stored pseudonym) belongs, where the roster knows one, and the rows that name any
/// account of theirs, by table.
///
/// # Errors
/// [`StoreError`] where a table cannot be read.
pub fn held(store: &Store, account: i64) -> Result<(Option<i64>, Vec<Held>), StoreError> {
    let (person, own) = linked(store, account)?;
    let own = Arc::new(own);
    let mut all = Vec::new();
    for table in TABLES {
        all.extend(held_in(store, table, &own)?);
    }
    Ok((person, all))
}

fn failed(table: &'static Table) -> impl Fn(PolarsError) -> StoreError {
    move |source| table_error("read", table.name, source)
}

/// The person to whom an account belongs, and all pseudonyms of theirs; an account of nobody stands alone.
fn linked(store: &Store, account: i64) -> Result<(Option<i64>, BTreeSet<i64>), StoreError> {
    let links = links(store)?;
    // Automation is one person for all its accounts, and nobody who may ask.
    let bot = store.pseudonyms().person(BOT).to_stored();
    let person = links.iter().find(|(person, own)| *own == account && *person != bot).map(|(person, _)| *person);
    let mut own = BTreeSet::from([account]);
    own.extend(person);
    own.extend(links.iter().filter(|(who, _)| Some(*who) == person).map(|(_, account)| *account));
    Ok((person, own))
}

/// Which accounts are linked to which people (stored pseudonyms).
pub(super) fn links(store: &Store) -> Result<Vec<(i64, i64)>, StoreError> {
    let table = table("people_accounts").expect("the schema has this table");
    let rows = store.read(table, &["person", "account"])?;
    let ints = |name: &str| -> PolarsResult<Vec<Option<i64>>> { Ok(rows.column(name)?.i64()?.iter().collect()) };
    let (people, accounts) = (ints("person").map_err(failed(table))?, ints("account").map_err(failed(table))?);
    Ok(people.into_iter().flatten().zip(accounts.into_iter().flatten()).collect())
}

/// The rows of a table that name one of these pseudonyms.
fn held_in(store: &Store, table: &'static Table, own: &Arc<BTreeSet<i64>>) -> Result<Option<Held>, StoreError> {
    let columns: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
    if !columns.iter().any(|name| PEOPLE.contains(name)) {
        return Ok(None);
    }
    let rows = store.read(table, &columns)?;
    let selected = |rows: &DataFrame| -> PolarsResult<(DataFrame, Option<(Date, Date)>)> {
        let mut keep = vec![false; rows.height()];
        for name in columns.iter().filter(|name| PEOPLE.contains(name)) {
            let hits = rows.column(name)?.i64()?.iter().map(|value| value.is_some_and(|value| own.contains(&value)));
            keep.iter_mut().zip(hits).for_each(|(keep, hit)| *keep |= hit);
        }
        for name in columns.iter().filter(|name| CHANGED.contains(name)) {
            let own =
                |text: Option<&str>| text.and_then(|text| text.parse().ok()).is_some_and(|hash| own.contains(&hash));
            keep.iter_mut().zip(rows.column(name)?.str()?.iter().map(own)).for_each(|(keep, hit)| *keep |= hit);
        }
        let rows = rows.filter(&BooleanChunked::from_iter(keep.into_iter().map(Some)))?;
        let days = table.time.map(|time| days(&rows, time)).transpose()?.flatten();
        Ok((rows, days))
    };
    let (rows, days) = selected(&rows).map_err(failed(table))?;
    Ok((rows.height() > 0).then_some(Held { table, rows, own: Arc::clone(own), days }))
}

/// The first and the last day in a column of times or dates.
fn days(rows: &DataFrame, time: &str) -> PolarsResult<Option<(Date, Date)>> {
    let column = rows.column(time)?;
    let unit = if column.dtype() == &DataType::Date { 1 } else { DAY };
    let numbers = column.cast(&DataType::Int64)?;
    let range = numbers.i64()?.min().zip(numbers.i64()?.max());
    Ok(range.map(|(first, last)| (date_of(first.div_euclid(unit)), date_of(last.div_euclid(unit)))))
}

impl Held {
    /// How many rows there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.rows.height()
    }

    /// The rows: every column by name with its value; what was never told is left out. Pseudonyms stay in the store: the
    /// person's own read "you", those of others "somebody else".
    ///
    /// # Errors
    /// [`StoreError::Table`] where the table has lost a column, which is a bug.
    pub fn rows(&self) -> Result<Vec<BTreeMap<&'static str, String>>, StoreError> {
        (0..self.count()).map(|at| self.row(at).map_err(failed(self.table))).collect()
    }

    fn row(&self, at: usize) -> PolarsResult<BTreeMap<&'static str, String>> {
        let mut row = BTreeMap::new();
        for (name, _) in self.table.columns {
            let value = self.rows.column(name)?.get(at)?;
            row.extend(self.shown(name, &value).map(|text| (*name, text)));
        }
        let assigned = row.get("field").is_some_and(|field| field == "assignee");
        for name in CHANGED.iter().filter(|_| assigned) {
            if let Some(text) = row.get_mut(name) {
                *text = self.who(text.parse().unwrap_or_default());
            }
        }
        Ok(row)
    }

    fn who(&self, pseudonym: i64) -> String {
        if self.own.contains(&pseudonym) { "you".to_owned() } else { "somebody else".to_owned() }
    }

    fn shown(&self, column: &str, value: &AnyValue<'_>) -> Option<String> {
        Some(match value {
            AnyValue::Null => return None,
            AnyValue::Int64(pseudonym) if PEOPLE.contains(&column) => self.who(*pseudonym),
            AnyValue::Int64(_) if THINGS.contains(&column) => "a keyed number".to_owned(),
            AnyValue::Binary(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            other => other.get_str().map_or_else(|| other.to_string(), str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema::Type;
    use super::*;

    #[test]
    fn g14_every_whole_number_of_the_store_is_either_a_number_or_told_as_a_person() {
        const NUMBERS: [&str; 24] = [
            "repository_id",
            "number",
            "pull_request_id",
            "commits",
            "additions",
            "deletions",
            "changed_files",
            "reverts",
            "review_id",
            "comments",
            "issue_id",
            "comment_id",
            "in_reply_to",
            "utc_offset_minutes",
            "parents",
            "lines_added",
            "lines_changed_again",
            "check_run_id",
            "release_id",
            "parent_id",
            "sprint_id",
            "board_id",
            "attendees",
            "occurrence",
        ];
        for table in TABLES {
            for (name, kind) in table.columns.iter().filter(|(_, kind)| *kind == Type::Int) {
                assert_ne!(NUMBERS.contains(name), PEOPLE.contains(name), "{}.{name} ({kind:?})", table.name);
            }
        }
        assert!(THINGS.iter().all(|name| NUMBERS.contains(name)));
    }
}
