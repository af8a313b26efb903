//! What is about one person leaves the store and does not come back.
//!
//! Rows that are about the person alone (calendar, absences, links to accounts) go. Where a person stands in a row about
//! something shared, a ticket or a review that others waited for, the row stays and names nobody, as the service itself
//! tells of accounts that were deleted.

use std::collections::BTreeSet;

use polars::prelude::*;

use super::held::{CHANGED, PEOPLE, links};
use super::purge::{Counts, last_changed_before};
use super::{Store, StoreError, Table, key};
use crate::model::Pseudonyms;
use crate::model::time::Millis;

/// Tables whose rows are about one person alone.
const OWN: [&str; 3] = ["busy", "absences", "people_accounts"];
/// Cursors of calendars name a calendar each.
const CALENDARS: &str = "calendars";

/// What is derived for the list of those who are left out: it recognises an account that comes back, and finds nothing
/// that is stored.
const MARK: &str = "left out ";

impl Store {
    /// The pseudonyms that belong to a person of the configuration: the person's own and those of all linked accounts.
    ///
    /// # Errors
    /// [`StoreError`] where the links cannot be read.
    pub fn accounts_of(&self, person: &str) -> Result<BTreeSet<i64>, StoreError> {
        let person = self.pseudonyms.person(person).to_stored();
        let linked = links(self)?.into_iter().filter(|(who, _)| *who == person).map(|(_, account)| account);
        Ok(linked.chain([person]).collect())
    }

    /// How many rows [`Store::forget`] would change or remove, by table.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where a stored file cannot be read.
    pub fn would_forget(&self, accounts: &BTreeSet<i64>) -> Result<Counts, StoreError> {
        let own = |account: i64| accounts.contains(&account);
        self.changes(|table, _, rows| without(table, rows, &own)).map(|changes| changes.counts)
    }

    /// Takes these pseudonyms out of all rows, out of the cursors, and out of every older version of the store.
    ///
    /// # Errors
    /// [`StoreError::Io`] with the store as it was; [`StoreError::Damaged`] where a stored file cannot be read.
    pub fn forget(&mut self, accounts: &BTreeSet<i64>) -> Result<Counts, StoreError> {
        let own = |account: i64| accounts.contains(&account);
        let mut changes = self.changes(|table, _, rows| without(table, rows, &own))?;
        // Calendars are read again tonight, whosever they are: which of them was this person's is told nowhere else.
        changes.next.cursors.retain(|id, _| id.source != CALENDARS);
        self.carry_out(changes)
    }

    /// Takes every pseudonym out of rows that were last changed before a moment; rows that are about one person go.
    ///
    /// # Errors
    /// [`StoreError::Io`] with the store as it was; [`StoreError::Damaged`] where a stored file cannot be read.
    pub fn fade(&mut self, before: Millis) -> Result<Counts, StoreError> {
        let changes = self.changes(|table, _, rows| {
            let Some(old) = last_changed_before(table, before) else { return Ok(None) };
            let old = rows.clone().lazy().select([old.fill_null(false).alias("old")]).collect()?;
            let old: Vec<bool> = old.column("old")?.bool()?.iter().map(|old| old == Some(true)).collect();
            blanked(table, rows, &|at, _| old[at])
        })?;
        self.carry_out(changes)
    }

    /// The mark by which an account (a stored pseudonym) is recognised that is to be left out.
    #[must_use]
    pub fn mark(&self, account: i64) -> String {
        mark(&self.pseudonyms, account)
    }

    /// From now on rows that come in name none of the accounts with these marks.
    pub fn leave_out(&mut self, marks: &BTreeSet<String>) {
        self.left_out.clone_from(marks);
    }

    /// A batch's rows without those who are left out.
    pub(super) fn admitted(&self, table: &'static Table, rows: DataFrame) -> PolarsResult<DataFrame> {
        if self.left_out.is_empty() {
            return Ok(rows);
        }
        let own = |account: i64| self.left_out.contains(&mark(&self.pseudonyms, account));
        Ok(without(table, &rows, &own)?.unwrap_or(rows))
    }

    /// Throws away everything that was stored under the present secret, and begins a new one. What names nobody stays.
    ///
    /// # Errors
    /// [`StoreError::Io`]; the store is whole under the old or the new secret, whenever it is stopped.
    pub fn rotate_key(&mut self, kept: &[&str], fresh: [u8; 32]) -> Result<Counts, StoreError> {
        let counts = self.manifest.files.iter().fold(Counts::new(), |mut counts, (partition, file)| {
            let name = partition.split('/').next().unwrap_or_default();
            if let Some(table) = super::table(name) {
                *counts.entry(table.name).or_default() += file.rows;
            }
            counts
        });
        let mut next = self.manifest.clone();
        next.files.clear();
        next.cursors.clear();
        next.history.retain(|name, _| kept.contains(&name.as_str()));
        // Between these two steps the store holds nothing that a secret protects: either one fits.
        next.key = String::new();
        self.commit_alone(next)?;
        key::replace(&self.place, &fresh)?;
        let mut next = self.manifest.clone();
        next.key = key::fingerprint(&fresh);
        self.pseudonyms = Pseudonyms::new(fresh);
        self.commit_alone(next)?;
        Ok(counts)
    }
}

fn mark(names: &Pseudonyms, account: i64) -> String {
    format!("{:016x}", names.number(&format!("{MARK}{account}")))
}

/// The rows of a table without some people; `None` where they name none of them.
fn without(table: &Table, rows: &DataFrame, own: &dyn Fn(i64) -> bool) -> PolarsResult<Option<DataFrame>> {
    blanked(table, rows, &|_, account| own(account))
}

/// The rows of a table without the people that are meant, by the position of the row and the pseudonym.
fn blanked(table: &Table, rows: &DataFrame, meant: &dyn Fn(usize, i64) -> bool) -> PolarsResult<Option<DataFrame>> {
    let is_meant = |at: usize, value: Option<i64>| value.is_some_and(|value| meant(at, value));
    let mut new = rows.clone();
    let mut hit = vec![false; rows.height()];
    for name in table.columns.iter().map(|(name, _)| *name).filter(|name| PEOPLE.contains(name)) {
        let column = rows.column(name)?.i64()?;
        let hits: Vec<bool> = column.iter().enumerate().map(|(at, value)| is_meant(at, value)).collect();
        if !hits.contains(&true) {
            continue;
        }
        hit.iter_mut().zip(&hits).for_each(|(hit, own)| *hit |= *own);
        let blank: Int64Chunked = column.iter().zip(&hits).map(|(value, hit)| value.filter(|_| !hit)).collect();
        new.with_column(blank.into_series().with_name(name.into()).into_column())?;
    }
    if table.columns.iter().any(|(name, _)| *name == "field") {
        let assigned: Vec<bool> = rows.column("field")?.str()?.iter().map(|field| field == Some("assignee")).collect();
        for name in CHANGED {
            let column = rows.column(name)?.str()?;
            let named = |at: usize, text: Option<&str>| is_meant(at, text.and_then(|text| text.parse().ok()));
            let rows = column.iter().zip(&assigned).enumerate();
            let hits: Vec<bool> = rows.map(|(at, (text, assigned))| *assigned && named(at, text)).collect();
            if hits.contains(&true) {
                hit.iter_mut().zip(&hits).for_each(|(hit, own)| *hit |= *own);
                let blank: StringChunked = column.iter().zip(&hits).map(|(text, hit)| text.filter(|_| !hit)).collect();
                new.with_column(blank.into_series().with_name(name.into()).into_column())?;
            }
        }
    }
    if !hit.contains(&true) {
        return Ok(None);
    }
    if OWN.contains(&table.name) {
        let kept = BooleanChunked::from_iter(hit.into_iter().map(|hit| Some(!hit)));
        return rows.filter(&kept).map(Some);
    }
    Ok(Some(new))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::records::{IssueChange, PersonAccount, Tracker};
    use crate::model::time::Millis;
    use crate::model::{Account, Batch};
    use crate::store::disk;

    fn change(id: i64, author: i64, from: Option<i64>, to: Option<i64>) -> IssueChange {
        IssueChange {
            host: "j".to_owned(),
            tracker: Tracker::Jira,
            issue_id: 1,
            change_id: id.to_string(),
            field: if from.is_some() || to.is_some() { "assignee" } else { "status" }.to_owned(),
            at: Millis(1_700_000_000_000 + id),
            author: Some(Account::from_stored(author)),
            from: from.map(|one| one.to_string()),
            to: to.map(|one| one.to_string()),
        }
    }

    fn link(store: &Store, person: &str, account: i64) -> PersonAccount {
        let person = store.pseudonyms().person(person);
        PersonAccount { person, account: Account::from_stored(account), source: "jira".to_owned() }
    }

    fn filled(store: &mut Store) {
        let batch = Batch {
            issue_changes: vec![
                change(1, 5_000_001, None, None),
                change(2, 6_000_001, Some(5_000_001), Some(6_000_001)),
                change(3, 6_000_001, None, None),
            ],
            people_accounts: vec![link(store, "ada", 5_000_001), link(store, "bo", 6_000_001)],
            ..Batch::default()
        };
        store.merge(&batch, Vec::new()).unwrap();
    }

    fn holds(store: &Store, number: i64) -> bool {
        let table = super::super::table("issue_changes").unwrap();
        let rows = store.read(table, &["author", "from", "to"]).unwrap();
        let authors = rows.column("author").unwrap().i64().unwrap().iter();
        let texts = |name: &str| {
            rows.column(name).unwrap().str().unwrap().iter().flatten().any(|one| one == number.to_string())
        };
        authors.flatten().any(|one| one == number) || texts("from") || texts("to")
    }

    #[test]
    fn g13_a_person_goes_from_all_columns_and_does_not_come_back_with_the_same_rows() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("store"), || Ok([1; 32])).unwrap();
        filled(&mut store);
        let accounts = store.accounts_of("ada").unwrap();
        assert!(accounts.contains(&5_000_001) && accounts.len() == 2);
        let counts = Counts::from([("issue_changes", 2), ("people_accounts", 1)]);
        assert_eq!(store.would_forget(&accounts).unwrap(), counts);
        assert!(holds(&store, 5_000_001), "nothing was done yet");
        let marks: BTreeSet<String> = accounts.iter().map(|account| store.mark(*account)).collect();
        assert_eq!(store.forget(&accounts).unwrap(), counts);
        assert!(!holds(&store, 5_000_001) && holds(&store, 6_000_001));
        assert_eq!(store.rows()["issue_changes"], 3, "what others did stays as it is");
        assert_eq!(disk::list(&folder.path().join("store/manifests")).unwrap().len(), 1);
        assert_eq!(store.forget(&accounts).unwrap(), Counts::new(), "there is nothing left");

        store.leave_out(&marks);
        filled(&mut store);
        assert!(!holds(&store, 5_000_001) && holds(&store, 6_000_001));
        assert_eq!(store.rows()["people_accounts"], 1);
        store.leave_out(&BTreeSet::new());
        filled(&mut store);
        assert!(holds(&store, 5_000_001), "without the list the test would see them");
    }

    #[test]
    fn g1_a_rotated_key_leaves_no_row_behind_and_every_pseudonym_is_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("store");
        let mut store = Store::open(&place, || Ok([1; 32])).unwrap();
        filled(&mut store);
        store.remember(&[("calibrations", b"{}".to_vec()), ("rosters", b"{}".to_vec())]).unwrap();
        let before = store.pseudonyms().person("ada");
        let counts = store.rotate_key(&["calibrations"], [2; 32]).unwrap();
        assert_eq!(counts, Counts::from([("issue_changes", 3), ("people_accounts", 2)]));
        assert_ne!(store.pseudonyms().person("ada"), before);
        drop(store);
        let store = Store::open(&place, || panic!("there is a key")).unwrap();
        assert_eq!(store.pseudonyms().person("ada"), Pseudonyms::new([2; 32]).person("ada"));
        assert!(store.cursors().is_empty() && store.rows().values().all(|rows| *rows == 0));
        assert!(store.recall("calibrations").unwrap().is_some() && store.recall("rosters").unwrap().is_none());
        assert_eq!(disk::list(&place.join("manifests")).unwrap().len(), 1);
    }

    #[test]
    fn g1_a_rotation_that_ends_half_way_leaves_a_store_that_opens() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("store");
        let mut store = Store::open(&place, || Ok([1; 32])).unwrap();
        filled(&mut store);
        let mut next = store.manifest.clone();
        next.files.clear();
        next.key = String::new();
        store.commit_alone(next).unwrap();
        drop(store);
        // Before the new secret lies there, and after.
        drop(Store::open(&place, || panic!("there is a key")).unwrap());
        std::fs::write(place.join("key"), [2; 32]).unwrap();
        let text = std::fs::read_to_string(place.join("MANIFEST")).unwrap();
        assert!(!text.contains("\"key\""), "opening commits nothing");
        drop(Store::open(&place, || panic!("there is a key")).unwrap());
    }
}
