//! From the configuration to the roster that measuring works with: people become positions and pseudonyms.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use polars::prelude::*;

use super::freshness::place;
use crate::collect::calendar;
use crate::config::{Config, HolidaySet, Person as ConfigPerson};
use crate::measure::roster::{KnownEvent, Membership, Person, Roster, Team};
use crate::model::time::{WorkingHours, day_number};
use crate::model::{BOT, Pseudonyms};
use crate::store::{Store, StoreError, table};

/// Makes the roster. `read_to` says up to which day the calendar of a line in the configuration was read;
/// `clones` gives the repository id of a clone by its line.
///
/// # Errors
/// [`StoreError`] where the links between people and accounts cannot be read.
pub fn roster(
    config: &Config,
    store: &Store,
    read_to: &BTreeMap<usize, i64>,
    holidays: &BTreeMap<String, BTreeSet<i64>>,
) -> Result<Roster, StoreError> {
    let names = store.pseudonyms();
    let people: Vec<Person> = config.people.iter().map(|person| person_of(person, names, read_to, holidays)).collect();
    let positions: BTreeMap<&str, usize> =
        config.people.iter().enumerate().map(|(at, person)| (person.id.as_str(), at)).collect();
    let teams = config.teams.iter().map(|team| team_of(config, team, &positions)).collect();
    let (accounts, bots) = accounts(store, &people, names)?;
    Ok(Roster { people, teams, accounts, bots, strict: None, frozen: BTreeMap::new() })
}

fn person_of(
    person: &ConfigPerson,
    names: &Pseudonyms,
    read_to: &BTreeMap<usize, i64>,
    holidays: &BTreeMap<String, BTreeSet<i64>>,
) -> Person {
    let own = person.holidays.as_ref().and_then(|set| holidays.get(set)).cloned().unwrap_or_default();
    let calendar = person.calendar.as_ref().and_then(|calendar| {
        // That of somebody who left is not read any more; what was read of it before stays.
        let day = read_to.get(&calendar.line).copied().or(person.leave.then_some(i64::MAX))?;
        Some((calendar_account(person, names).to_stored(), day))
    });
    Person {
        id: names.person(&person.id).to_stored(),
        hours: WorkingHours {
            zone: person.zone.clone(),
            from: person.hours.0,
            to: person.hours.1,
            days: person.days.clone(),
        },
        zone_stated: person.zone_stated,
        holidays: own,
        left: Vec::new(),
        absences: person.absences.iter().map(|(from, to)| (day_number(*from), day_number(*to))).collect(),
        calendar,
    }
}

/// The account of a person's calendar: the owner's first e-mail address in lower case, else the person's id.
#[must_use]
pub fn calendar_account(person: &ConfigPerson, names: &Pseudonyms) -> crate::model::Account {
    let owner = person.emails.first().map_or_else(|| person.id.clone(), |email| email.to_lowercase());
    names.account("calendar", "calendar", &owner)
}

/// The holidays that are read: more than any night measures.
const HOLIDAYS: (Date, Date) = (Date::constant(2015, 1, 1), Date::constant(2060, 1, 1));

/// The dates of every named set of holidays, and what is wrong with the calendars among them, by their lines.
#[must_use]
pub fn holidays(config: &Config) -> (BTreeMap<String, BTreeSet<i64>>, Vec<String>) {
    let mut gaps = Vec::new();
    let one = |(name, set): (&String, &HolidaySet)| {
        let days = match set {
            HolidaySet::Dates(dates) => dates.iter().map(|date| day_number(*date)).collect(),
            HolidaySet::Calendar(path, line) => {
                let read = std::fs::read(path).map_err(|_| "the file cannot be read; correct its path".to_owned());
                let days = read.and_then(|bytes| {
                    calendar::holidays(&bytes, &config.organisation.zone, HOLIDAYS).map_err(|error| error.to_string())
                });
                match days {
                    Ok(days) => days.into_iter().map(day_number).collect(),
                    Err(reason) => {
                        gaps.push(format!("holidays at {}: {reason}", place(config, *line)));
                        BTreeSet::new()
                    }
                }
            }
        };
        (name.clone(), days)
    };
    (config.holidays.iter().map(one).collect(), gaps)
}

/// People who left the report are no members; their turns on call stay what they were.
fn team_of(config: &Config, team: &crate::config::Team, positions: &BTreeMap<&str, usize>) -> Team {
    let present = |id: &str| positions.get(id).copied().filter(|at| !config.people[*at].leave);
    let day = |date: Option<jiff::civil::Date>| date.map(day_number);
    let member = |member: &crate::config::Membership| {
        Some(Membership { person: present(&member.person)?, from: day(member.from), to: day(member.to) })
    };
    let turn = |turn: &crate::config::Membership| {
        let days = (day(turn.from).unwrap_or(i64::MIN), day(turn.to).unwrap_or(i64::MAX));
        Some((positions.get(turn.person.as_str()).copied()?, days))
    };
    Team {
        id: team.id.clone(),
        members: team.members.iter().filter_map(member).collect(),
        repositories: team.repositories.iter().map(|name| name.to_lowercase()).collect(),
        clones: Vec::new(),
        projects: team.jira_projects.clone(),
        leader: team.leader.as_deref().filter(|_| team.ledger.is_some()).and_then(present),
        on_call: team.on_call.iter().filter_map(turn).collect(),
        events: team
            .events
            .iter()
            .map(|event| KnownEvent { days: (day_number(event.from), day_number(event.to)), kind: event.kind.clone() })
            .collect(),
        hours: WorkingHours {
            zone: config.organisation.zone.clone(),
            from: jiff::civil::Time::constant(9, 0, 0, 0),
            to: jiff::civil::Time::constant(17, 0, 0, 0),
            days: Vec::new(),
        },
    }
}

type Links = (BTreeMap<i64, usize>, BTreeSet<i64>);

/// Which account belongs to which person, and which are automation.
fn accounts(store: &Store, people: &[Person], names: &Pseudonyms) -> Result<Links, StoreError> {
    let Some(links) = table("people_accounts") else { return Ok(Links::default()) };
    let rows = store.read(links, &["person", "account"])?;
    let failed = |source| StoreError::Table { action: "read", table: "people_accounts", source };
    let ints = |name: &str| -> PolarsResult<Vec<Option<i64>>> { Ok(rows.column(name)?.i64()?.iter().collect()) };
    let (persons, accounts) = (ints("person").map_err(failed)?, ints("account").map_err(failed)?);
    let positions: BTreeMap<i64, usize> = people.iter().enumerate().map(|(at, person)| (person.id, at)).collect();
    let bot = names.person(BOT).to_stored();
    let mut linked = BTreeMap::new();
    let mut bots = BTreeSet::new();
    for (person, account) in persons.into_iter().zip(accounts) {
        let (Some(person), Some(account)) = (person, account) else { continue };
        if person == bot {
            bots.insert(account);
        } else if let Some(at) = positions.get(&person) {
            linked.insert(account, *at);
        }
    }
    Ok((linked, bots))
}
