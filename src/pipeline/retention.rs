//! What leaves again: rows, rosters, thresholds and pages that are old enough, and everything about one person.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::changes::monday;
use super::exit::Failure;
use super::history::History;
use super::roster::calendar_account;
use crate::collect::jira;
use crate::config::left_out::{self, LeftOut};
use crate::config::{Config, identities};
use crate::model::Pseudonyms;
use crate::model::time::{Millis, date_of, day_number};
use crate::report;
use crate::store::{Counts, Store};

/// Strict mode: who did something is known for so many days.
pub const STRICT_DAYS: i64 = 14;
/// Reports that the program wrote stay for so long.
const REPORT_WEEKS: i64 = 26;
const WEEK: i64 = 7;
const DAY: i64 = 86_400_000;

/// The first day whose rows may stay. It moves once a week, so that no row is older than `keep-days` on any day of it, and
/// older versions of the store have to go once a week only.
#[must_use]
pub fn first_day(config: &Config, as_of: Timestamp) -> i64 {
    monday(today(config, as_of)) + WEEK - 1 - config.store.keep_days
}

/// The moment from which on a first night reads: nothing that would have to go again the same night.
#[must_use]
pub fn first_read(config: &Config, as_of: Timestamp) -> Millis {
    let first_sync = Millis::from_timestamp(as_of).0 - config.first_sync_days * DAY;
    Millis(first_sync.max(cutoff(config, as_of).0))
}

/// The begin of the first day whose rows may stay, in the organisation's zone.
fn cutoff(config: &Config, as_of: Timestamp) -> Millis {
    begin_of(config, first_day(config, as_of))
}

fn begin_of(config: &Config, day: i64) -> Millis {
    let midnight = date_of(day).at(0, 0, 0, 0);
    let begin = config.organisation.zone.to_ambiguous_timestamp(midnight).compatible();
    // Only a day beyond the calendar has no begin in a zone.
    begin.map_or(Millis(day * DAY), Millis::from_timestamp)
}

/// The first day for which it may be known who was in which team.
#[must_use]
pub fn first_day_of_people(config: &Config, as_of: Timestamp) -> i64 {
    if config.store.strict { today(config, as_of) - STRICT_DAYS } else { first_day(config, as_of) }
}

/// Strict mode: the moment from which on it is known who did what.
#[must_use]
pub fn begin_of_people(config: &Config, as_of: Timestamp) -> Millis {
    begin_of(config, today(config, as_of) - STRICT_DAYS)
}

/// Strict mode: takes out of a store who did what more than fourteen days ago. Elsewhere nothing.
///
/// # Errors
/// [`Failure`] with its exit code.
pub fn fade(config: &Config, store: &mut Store, as_of: Timestamp) -> Result<Counts, Failure> {
    if !config.store.strict {
        return Ok(Counts::new());
    }
    Ok(store.fade(begin_of_people(config, as_of))?)
}

fn today(config: &Config, as_of: Timestamp) -> i64 {
    day_number(as_of.to_zoned_datetime(config.organisation.zone.clone()).date())
}

/// Takes out of a store what is older than `keep-days`: rows, and what is remembered of who was in which team.
///
/// # Errors
/// [`Failure`] with its exit code; the store stays as it was, or loses a part of what has to go.
pub fn purge(config: &Config, store: &mut Store, as_of: Timestamp) -> Result<Counts, Failure> {
    let first = first_day(config, as_of);
    let mut history = History::recall(store)?;
    let forgotten = history.prune(first, first_day_of_people(config, as_of));
    if forgotten {
        history.remember(store)?;
    }
    let counts = store.purge(cutoff(config, as_of))?;
    if forgotten && counts.is_empty() {
        store.drop_older()?;
    }
    Ok(counts)
}

/// Removes pages of nights that are long past. Returns how many nights went.
///
/// # Errors
/// [`Failure`] with its exit code.
pub fn prune_pages(config: &Config, as_of: Timestamp) -> Result<usize, Failure> {
    let before: Date = date_of(today(config, as_of)) - (REPORT_WEEKS * WEEK).days();
    let folders: BTreeSet<&Path> =
        config.teams.iter().map(|team| config.pages(team)).chain([config.report.path.as_path()]).collect();
    let prune = |folder: &Path| {
        report::prune(folder, before)
            .map_err(|error| Failure::storage(format!("cannot remove old pages in {}: {error}", folder.display())))
    };
    folders.into_iter().map(prune).sum()
}

/// What forgetting a person comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Rows that were changed or removed, by table.
    pub rows: Counts,
    /// In how many teams' weekly rosters the person stood.
    pub rosters: usize,
    /// Confirmed identities of the person, beside the configuration.
    pub identities: usize,
    /// The configuration still names the person.
    pub is_configured: bool,
}

/// What a person's leaving would take out; nothing is written.
///
/// # Errors
/// [`Failure`] with its exit code.
pub fn would_forget(config: &Config, store: &Store, person: &str) -> Result<Forgotten, Failure> {
    let accounts = accounts(config, store, person)?;
    let mut history = History::recall(store)?;
    Ok(Forgotten {
        rows: store.would_forget(&accounts)?,
        rosters: history.forget(&accounts, 0),
        identities: confirmed(config, person)?.1,
        is_configured: config.people.iter().any(|one| one.id == person),
    })
}

/// Takes everything about a person out of the store and puts the person on the list of those who are left out. That list
/// comes first: whatever ends the run, the person does not come back.
///
/// # Errors
/// [`Failure`] with its exit code; run again, it goes on where it ended.
pub fn forget(config: &Config, store: &mut Store, person: &str, as_of: Timestamp) -> Result<Forgotten, Failure> {
    let accounts = accounts(config, store, person)?;
    put_on_list(config, store, person, &accounts)?;
    let file = &config.organisation.identities;
    let (kept, identities) = confirmed(config, person)?;
    if identities > 0 {
        let failed = |error| Failure::storage(format!("cannot write {}: {error}", file.display()));
        identities::write(file, &kept).map_err(failed)?;
    }
    let mut history = History::recall(store)?;
    let rosters = history.forget(&accounts, today(config, as_of));
    if rosters > 0 {
        history.remember(store)?;
    }
    let rows = store.forget(&accounts)?;
    store.drop_older()?;
    let is_configured = config.people.iter().any(|one| one.id == person);
    Ok(Forgotten { rows, rosters, identities, is_configured })
}

fn put_on_list(config: &Config, store: &Store, person: &str, accounts: &BTreeSet<i64>) -> Result<(), Failure> {
    let mut all = config.left_out.clone();
    let marks = accounts.iter().map(|account| store.mark(*account));
    match all.iter_mut().find(|one| one.person == person) {
        Some(known) => known.marks.extend(marks),
        None => all.push(LeftOut { person: person.to_owned(), marks: marks.collect() }),
    }
    let file = &config.organisation.left_out;
    left_out::write(file, &all).map_err(|error| Failure::storage(format!("cannot write {}: {error}", file.display())))
}

/// The confirmed identities of everybody else, and how many there are of this person.
fn confirmed(config: &Config, person: &str) -> Result<(Vec<identities::Identity>, usize), Failure> {
    let all = identities::read(&config.organisation.identities)?;
    let before = all.len();
    let kept: Vec<_> = all.into_iter().filter(|one| one.person != person).collect();
    let own = before - kept.len();
    Ok((kept, own))
}

/// All pseudonyms of a person: those that the store links, and those that the configuration names.
fn accounts(config: &Config, store: &Store, person: &str) -> Result<BTreeSet<i64>, Failure> {
    let mut accounts = store.accounts_of(person)?;
    let Some(configured) = config.people.iter().find(|one| one.id == person) else { return Ok(accounts) };
    let names: &Pseudonyms = store.pseudonyms();
    for service in &config.jira {
        let host = jira::host_of(&service.url);
        accounts.extend(configured.jira.iter().map(|id| names.account("jira", &host, id).to_stored()));
    }
    let emails = configured.emails.iter().map(|email| names.account("git", "git", &email.to_lowercase()).to_stored());
    accounts.extend(emails);
    accounts.insert(calendar_account(configured, names).to_stored());
    Ok(accounts)
}

/// What stays under a new secret: it names nobody.
const NAMES_NOBODY: [&str; 4] =
    [super::history::CALIBRATIONS, super::history::FELL_BACK, super::history::WEEKS, super::history::LIMITS];

/// Begins a store anew under a new secret. Returns how many rows went.
///
/// # Errors
/// [`Failure`]: with people on the list of those who are left out, whom nobody would recognise under the new secret.
pub fn rotate_key(config: &Config, store: &mut Store, fresh: [u8; 32]) -> Result<BTreeMap<&'static str, u64>, Failure> {
    if !config.left_out.is_empty() {
        let file = config.organisation.left_out.display();
        let out = format!(
            "{file} names people who are left out, and under a new key nobody would recognise their accounts. Delete \
             their entries from the configuration, then that file, and choose what is read so that they are not in it"
        );
        return Err(Failure::configuration(out));
    }
    Ok(store.rotate_key(&NAMES_NOBODY, fresh)?)
}
