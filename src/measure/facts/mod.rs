//! Facts: the hard things done once – states as of a day, working time, usual hours, free blocks – one file a table.
//!
//! Signals are SQL over these tables, so they carry integer days and minutes and need no arithmetic of dates.

use std::collections::BTreeMap;

use polars::prelude::*;

use super::calendar::{Availability, Span, TeamCalendar};
use super::roster::Roster;
use super::tables::{Pull, Tables, Ticket};
use crate::model::time::{Millis, day_number};

pub mod absence_days;
pub mod checked_changes;
pub mod closed_changes;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod github_tests;
pub mod incidents;
pub mod item_blocked_days;
pub mod item_days;
pub mod item_returns;
pub mod item_starts;
pub mod limits;
pub mod one_to_ones;
#[cfg(test)]
mod optional_tests;
pub mod person_days;
pub mod planned_items;
pub mod review_requests;
pub mod reviews_given;
pub mod rewritten_changes;
pub mod sprint_work;
pub mod started_items;
pub mod threads;
pub mod tickets;
pub mod voices;
pub mod zones;

/// What every fact is computed from.
pub struct Ground<'a> {
    pub roster: &'a Roster,
    pub tables: &'a Tables,
    pub availability: &'a Availability,
    /// One calendar a team, in the roster's order.
    pub calendars: &'a [TeamCalendar],
    pub span: Span,
}

impl Ground<'_> {
    /// The person to whom an account belongs; `None` for accounts of nobody in the roster and of automation.
    #[must_use]
    pub fn person(&self, account: Option<i64>) -> Option<usize> {
        let account = account?;
        if self.roster.bots.contains(&account) {
            return None;
        }
        self.roster.accounts.get(&account).copied()
    }

    /// The stored pseudonym of an account's person.
    #[must_use]
    pub fn person_id(&self, account: Option<i64>) -> Option<i64> {
        self.person(account).map(|person| self.roster.people[person].id)
    }

    /// The team that a repository's work belongs to: the one that lists it; for a shared repository the author's.
    #[must_use]
    pub fn team_of_repository(&self, repository: i64, author: Option<i64>, day: i64) -> Option<usize> {
        let name = self.tables.repositories.get(&repository)?;
        self.owner(name, author, day)
    }

    /// The team that a change of code belongs to.
    #[must_use]
    pub fn team_of_pull(&self, pull: &Pull) -> Option<usize> {
        self.team_of_repository(pull.repository, pull.author, pull.created_at.0.div_euclid(86_400_000))
    }

    /// How a change of code is named: `owner/name#412`.
    #[must_use]
    pub fn pull_key(&self, pull: &Pull) -> Option<String> {
        Some(format!("{}#{}", self.tables.repositories.get(&pull.repository)?, pull.number))
    }

    /// A change of code that no automation made.
    #[must_use]
    pub fn is_human_work(&self, pull: &Pull) -> bool {
        let listed = pull.author.is_some_and(|author| self.roster.bots.contains(&author));
        !listed && pull.author_kind != "bot" && pull.author_kind != "app"
    }

    /// Whether an account is that of a human other than the author of a change, under whichever account.
    #[must_use]
    pub fn is_other_human(&self, pull: &Pull, account: Option<i64>, is_bot: bool) -> bool {
        let listed = account.is_some_and(|account| self.roster.bots.contains(&account));
        let same = account.is_some() && account == pull.author;
        let same_person = self.person(account).is_some_and(|person| self.person(pull.author) == Some(person));
        !is_bot && !listed && !same && !same_person
    }

    /// The working day of a team on which something at this instant counts; `None` outside the measured days.
    #[must_use]
    pub fn working_day(&self, team: usize, at: Millis) -> Option<i64> {
        let zone = &self.roster.teams[team].hours.zone;
        let day = day_number(at.to_timestamp().to_zoned_datetime(zone.clone()).date());
        self.calendars[team].on_or_after(day).filter(|_| day >= self.span.first)
    }

    /// The team that lists a repository, of several the one of the person whose work it is.
    fn owner(&self, name: &str, account: Option<i64>, day: i64) -> Option<usize> {
        let owners: Vec<usize> =
            positions(self.roster, |team| team.repositories.iter().any(|repository| repository == name));
        match owners.as_slice() {
            [] => None,
            [team] => Some(*team),
            _ => {
                let team = self.person(account).and_then(|person| self.roster.team_of(person, day))?;
                owners.contains(&team).then_some(team)
            }
        }
    }

    /// The team that a ticket belongs to. Issues of GitHub count for teams without a tracker project only; those of a
    /// shared repository follow the assignee, else the reporter.
    #[must_use]
    pub fn team_of_ticket(&self, ticket: &Ticket) -> Option<usize> {
        if !ticket.is_github() {
            return self.team_of_project(&ticket.project);
        }
        let whose = ticket.assignee.filter(|account| self.person(Some(*account)).is_some()).or(ticket.reporter);
        let day = ticket.created_at.0.div_euclid(86_400_000);
        let team = self.owner(&ticket.project.to_lowercase(), whose, day)?;
        self.roster.teams[team].projects.is_empty().then_some(team)
    }

    /// The team that a tracker project belongs to: the first that lists it.
    #[must_use]
    pub fn team_of_project(&self, project: &str) -> Option<usize> {
        self.roster.teams.iter().position(|team| team.projects.iter().any(|listed| listed == project))
    }
}

fn positions(roster: &Roster, wanted: impl Fn(&super::roster::Team) -> bool) -> Vec<usize> {
    roster.teams.iter().enumerate().filter(|(_, team)| wanted(team)).map(|(position, _)| position).collect()
}

/// All fact tables by name.
pub type Facts = BTreeMap<&'static str, DataFrame>;

/// The fact tables, and the rows that drawings need as well.
pub struct Computed {
    pub facts: Facts,
    pub items: Vec<item_days::ItemDay>,
    /// The newest limit of meeting time, by team id.
    pub meeting_limits: BTreeMap<String, i64>,
}

/// Computes every fact table.
///
/// # Errors
/// A polars error is a bug in a fact's columns.
pub fn compute(ground: &Ground<'_>) -> PolarsResult<Computed> {
    let items = item_days::rows(ground);
    let works = tickets::work(ground);
    let habits = tickets::Habits::learn(&works);
    let person_days = person_days::rows(ground);
    let facts = BTreeMap::from([
        ("closed_changes", closed_changes::frame(&closed_changes::rows(ground), ground)?),
        ("item_blocked_days", item_blocked_days::frame(&item_blocked_days::rows(ground, &works, &habits), ground)?),
        ("item_days", item_days::frame(&items, ground)?),
        ("item_returns", item_returns::frame(&item_returns::rows(ground, &works, &habits), ground)?),
        ("item_starts", item_starts::frame(&item_starts::rows(ground, &works), ground)?),
        ("review_requests", review_requests::frame(&review_requests::rows(ground), ground)?),
        ("reviews_given", reviews_given::frame(&reviews_given::rows(ground), ground)?),
        ("voices", voices::frame(&voices::rows(ground), ground)?),
        ("planned_items", planned_items::frame(&planned_items::rows(ground), ground)?),
        ("person_days", person_days::frame(&person_days, ground)?),
        ("threads", threads::frame(&threads::rows(ground), ground)?),
        ("started_items", started_items::frame(&started_items::rows(ground), ground)?),
        ("incidents", incidents::frame(&incidents::rows(ground), ground)?),
        ("checked_changes", checked_changes::frame(&checked_changes::rows(ground), ground)?),
        ("rewritten_changes", rewritten_changes::frame(&rewritten_changes::rows(ground), ground)?),
        ("sprint_work", sprint_work::frame(&sprint_work::rows(ground, &works), ground)?),
        ("absence_days", absence_days::frame(&absence_days::rows(ground), ground)?),
        (one_to_ones::NAME, one_to_ones::frame(&one_to_ones::rows(ground), ground)?),
        ("workdays", workdays(ground)?),
        ("params", params(ground)?),
    ]);
    Ok(Computed { facts, items, meeting_limits: person_days::meeting_limits(ground, &person_days) })
}

/// Every fact table without a row: names and types of the columns, against which a query can be checked.
///
/// # Errors
/// A polars error is a bug in a fact's columns.
pub fn empty() -> PolarsResult<Facts> {
    let (roster, tables) = (Roster::default(), Tables::default());
    let span = Span { first: 0, last: 0 };
    let availability = Availability::new(&roster, &tables.absences, span);
    let ground = Ground { roster: &roster, tables: &tables, availability: &availability, calendars: &[], span };
    Ok(compute(&ground)?.facts)
}

/// The working days of every team, with a running number.
fn workdays(ground: &Ground<'_>) -> PolarsResult<DataFrame> {
    let mut columns = Columns::default();
    for (team, calendar) in ground.roster.teams.iter().zip(ground.calendars) {
        for (number, (day, available)) in calendar.days.iter().enumerate() {
            columns.text("team", Some(&team.id));
            columns.day("day", *day);
            columns.int("workday_no", i64::try_from(number).ok());
            columns.int("available", Some(*available));
        }
    }
    columns.finish(&[("team", Kind::Text), ("day", Kind::Day), ("workday_no", Kind::Int), ("available", Kind::Int)])
}

/// The one row of parameters.
fn params(ground: &Ground<'_>) -> PolarsResult<DataFrame> {
    let mut columns = Columns::default();
    columns.int("first_day_no", Some(ground.span.first));
    columns.int("last_day_no", Some(ground.span.last));
    columns.finish(&[("first_day_no", Kind::Int), ("last_day_no", Kind::Int)])
}

/// The type of a fact's column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Int,
    Day,
}

/// Collects the columns of a fact row by row.
#[derive(Default)]
pub(super) struct Columns {
    texts: BTreeMap<&'static str, Vec<Option<String>>>,
    ints: BTreeMap<&'static str, Vec<Option<i64>>>,
    days: BTreeMap<&'static str, Vec<i32>>,
}

impl Columns {
    pub fn text(&mut self, name: &'static str, value: Option<&str>) {
        self.texts.entry(name).or_default().push(value.map(str::to_owned));
    }

    pub fn int(&mut self, name: &'static str, value: Option<i64>) {
        self.ints.entry(name).or_default().push(value);
    }

    pub fn day(&mut self, name: &'static str, value: i64) {
        self.days.entry(name).or_default().push(i32::try_from(value).unwrap_or_default());
    }

    /// The table, its columns in the order given.
    pub fn finish(mut self, order: &[(&'static str, Kind)]) -> PolarsResult<DataFrame> {
        let mut columns = Vec::with_capacity(order.len());
        for (name, kind) in order {
            columns.push(match kind {
                Kind::Text => Column::new((*name).into(), self.texts.remove(name).unwrap_or_default()),
                Kind::Int => Column::new((*name).into(), self.ints.remove(name).unwrap_or_default()),
                Kind::Day => {
                    Column::new((*name).into(), self.days.remove(name).unwrap_or_default()).cast(&DataType::Date)?
                }
            });
        }
        DataFrame::new_infer_height(columns)
    }
}
