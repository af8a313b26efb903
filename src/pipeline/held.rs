//! `mirror`: what the store holds on one person, for this person alone. Who it is, the service says whose token is used.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use polars::prelude::*;
use secrecy::SecretString;

use super::chosen::Chosen;
use super::exit::{ExitCode, Failure};
use super::history::History;
use super::night;
use super::record::RunRecord;
use crate::collect::http::CollectError;
use crate::collect::{Meter, github, jira};
use crate::config::{Config, Flavour};
use crate::measure::Measured;
use crate::model::time::date_of;
use crate::model::{Account, BOT};
use crate::store::{Store, StoreError, TABLES, Table};

/// Columns that hold pseudonyms of people or of their accounts.
const PEOPLE: [&str; 9] =
    ["author", "merged_by", "actor", "subject", "reviewer", "assignee", "reporter", "account", "person"];
/// Columns in which a change of an assignee holds pseudonyms as text.
const CHANGED: [&str; 2] = ["from", "to"];
/// Pseudonyms of things, such as a meeting; they never leave the store either.
const THINGS: [&str; 1] = ["occurrence"];
/// Working days of the window that a nightly card looks at.
const WINDOW: usize = 10;
const DAY: i64 = 86_400_000;

/// The person who asks: a token of their own, and what belongs to it.
pub struct Asker {
    pub token: SecretString,
    /// The host of the service that knows the token; `None`: the first of the configuration.
    pub host: Option<String>,
    /// The name that Jira wants beside a token; it proves nothing by itself.
    pub user: Option<String>,
}

/// The rows of one table that name the person in any column.
pub struct Held {
    pub table: &'static Table,
    rows: DataFrame,
    /// The days of the first and the last of them, where the table has days.
    pub days: Option<(Date, Date)>,
}

/// What a person counts in one signal of one team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    pub team: String,
    pub signal: String,
    /// The first and the last day of the window.
    pub window: (Date, Date),
    /// Opportunities of theirs in the window, and how many of them went the way the signal looks for.
    pub in_window: (i64, i64),
    /// The same over all days that are measured.
    pub in_all: (i64, i64),
}

/// Everything about one person.
pub struct Everything {
    pub held: Vec<Held>,
    /// Teams (by id) in which the person was counted, with the first and the last day.
    pub teams: Vec<(String, Date, Date)>,
    pub counted: Vec<Counted>,
    own: BTreeSet<i64>,
}

/// What is held on the owner of a token as of a moment.
///
/// # Errors
/// [`Failure`] where no service of the configuration fits, the service refuses the token, or the store cannot be read.
pub fn everything(config: &Config, store: &Store, asker: &Asker, as_of: Timestamp) -> Result<Everything, Failure> {
    let account = account_of(config, store, asker)?;
    let (person, own) = linked(store, account.to_stored())?;
    let mut held = Vec::new();
    for table in TABLES {
        held.extend(held_in(store, table, &own)?);
    }
    let mut everything = Everything { held, teams: Vec::new(), counted: Vec::new(), own };
    if let Some(person) = person {
        let mut history = History::recall(store)?;
        let scopes = RunRecord::last(store.folder()).map(|record| record.scopes).unwrap_or_default();
        let chosen = Chosen::all(config)?;
        let (measured, _) = night::measured(config, store, &scopes, as_of, &chosen.queries, &mut history)?;
        everything.teams = history.teams_of(person);
        everything.counted = counted(config, &measured, person);
    }
    Ok(everything)
}

/// The account that the service names as the owner of the token. Nothing else says who asks.
fn account_of(config: &Config, store: &Store, asker: &Asker) -> Result<Account, Failure> {
    let fits = |host: &str| asker.host.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(host));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::internal(&error))?;
    let names = store.pseudonyms();
    if let Some(service) = config.github.iter().find(|service| fits(&github::host_of(&service.url))) {
        let host = github::host_of(&service.url);
        let number = runtime.block_on(github::own_account(&service.url, &asker.token));
        return Ok(names.account("github", &host, &number.map_err(|error| refused(&host, &error))?.to_string()));
    }
    if let Some(service) = config.jira.iter().find(|service| fits(&jira::host_of(&service.url))) {
        let host = jira::host_of(&service.url);
        let flavour = match service.flavour {
            Flavour::Cloud => jira::Flavour::Cloud,
            Flavour::DataCenter => jira::Flavour::DataCenter,
        };
        let own =
            jira::own_account(&service.url, flavour, asker.user.clone(), &asker.token, Arc::new(Meter::default()));
        let id = runtime.block_on(own);
        return Ok(names.account("jira", &host, &id.map_err(|error| refused(&host, &error))?));
    }
    let hosts = config.github.iter().map(|service| github::host_of(&service.url));
    let all: Vec<String> = hosts.chain(config.jira.iter().map(|service| jira::host_of(&service.url))).collect();
    let message = format!("--at must name a service that can say whose the token is; there are: {}", all.join(", "));
    Err(Failure::configuration(message))
}

fn refused(host: &str, error: &CollectError) -> Failure {
    let exit = if matches!(error, CollectError::Refused(_)) { ExitCode::Refused } else { ExitCode::Partial };
    Failure { exit, message: format!("{host}: {error}") }
}

fn failed(table: &'static Table) -> impl Fn(PolarsError) -> StoreError {
    move |source| StoreError::Table { action: "read", table: table.name, source }
}

/// The person to whom an account belongs, and all pseudonyms of theirs; an account of nobody stands alone.
fn linked(store: &Store, account: i64) -> Result<(Option<i64>, BTreeSet<i64>), Failure> {
    let table = crate::store::table("people_accounts").ok_or_else(|| Failure::internal(&"a table is missing"))?;
    let rows = store.read(table, &["person", "account"])?;
    let ints = |name: &str| -> PolarsResult<Vec<Option<i64>>> { Ok(rows.column(name)?.i64()?.iter().collect()) };
    let (people, accounts) = (ints("person").map_err(failed(table))?, ints("account").map_err(failed(table))?);
    let links: Vec<(i64, i64)> = people.into_iter().flatten().zip(accounts.into_iter().flatten()).collect();
    // Automation is one person for all its accounts, and nobody who may ask.
    let bot = store.pseudonyms().person(BOT).to_stored();
    let person = links.iter().find(|(person, own)| *own == account && *person != bot).map(|(person, _)| *person);
    let mut own = BTreeSet::from([account]);
    own.extend(person);
    own.extend(links.iter().filter(|(who, _)| Some(*who) == person).map(|(_, account)| *account));
    Ok((person, own))
}

/// The rows of a table that name one of these pseudonyms.
fn held_in(store: &Store, table: &'static Table, own: &BTreeSet<i64>) -> Result<Option<Held>, StoreError> {
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
    Ok((rows.height() > 0).then_some(Held { table, rows, days }))
}

/// The first and the last day in a column of times or dates.
fn days(rows: &DataFrame, time: &str) -> PolarsResult<Option<(Date, Date)>> {
    let column = rows.column(time)?;
    let unit = if column.dtype() == &DataType::Date { 1 } else { DAY };
    let numbers = column.cast(&DataType::Int64)?;
    let range = numbers.i64()?.min().zip(numbers.i64()?.max());
    Ok(range.map(|(first, last)| (date_of(first.div_euclid(unit)), date_of(last.div_euclid(unit)))))
}

/// What a person's own evidence comes to, by team and signal.
fn counted(config: &Config, measured: &Measured, person: i64) -> Vec<Counted> {
    let mut all = Vec::new();
    for (team, days) in config.teams.iter().zip(&measured.days) {
        let window = &days[days.len().saturating_sub(WINDOW)..];
        let (Some((from, _)), Some((to, _))) = (window.first(), window.last()) else { continue };
        for (signal, rows) in measured.evidence.get(&team.id).into_iter().flatten() {
            let own: Vec<_> = rows.iter().filter(|row| row.person == Some(person)).collect();
            if own.is_empty() {
                continue;
            }
            let sum = |since: i64| {
                let rows = own.iter().filter(|row| row.day >= since);
                rows.fold((0, 0), |(n, x), row| (n + row.n, x + row.x))
            };
            all.push(Counted {
                team: team.name.clone(),
                signal: signal.clone(),
                window: (date_of(*from), date_of(*to)),
                in_window: sum(*from),
                in_all: sum(i64::MIN),
            });
        }
    }
    all
}

impl Held {
    /// How many rows there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.rows.height()
    }
}

impl Everything {
    /// The rows of a table: every column by name with its value; what was never told is left out. Pseudonyms stay in the
    /// store: the person's own read "you", those of others "somebody else".
    ///
    /// # Errors
    /// [`Failure`] where a table has lost a column, which is a bug.
    pub fn rows(&self, held: &Held) -> Result<Vec<BTreeMap<&'static str, String>>, Failure> {
        let row = |at: usize| -> PolarsResult<BTreeMap<&'static str, String>> {
            let mut row = BTreeMap::new();
            for (name, _) in held.table.columns {
                let value = held.rows.column(name)?.get(at)?;
                row.extend(self.shown(name, &value).map(|text| (*name, text)));
            }
            let assigned = row.get("field").is_some_and(|field| field == "assignee");
            for name in CHANGED.iter().filter(|_| assigned) {
                if let Some(text) = row.get_mut(name) {
                    *text = self.who(text.parse().unwrap_or_default());
                }
            }
            Ok(row)
        };
        (0..held.count()).map(|at| row(at).map_err(|error| Failure::internal(&error))).collect()
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
    use super::*;
    use crate::store::schema::Type;

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
