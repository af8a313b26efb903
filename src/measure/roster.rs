//! Who belongs to which team and when they work, as numbers only: people are positions in a list, never names.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::time::{WorkingHours, date_of, day_number, week_of};

/// A span of days, both ends included, as day numbers.
pub type Days = (i64, i64);

/// A person of the configuration.
#[derive(Clone, Debug)]
pub struct Person {
    /// The stored pseudonym.
    pub id: i64,
    pub hours: WorkingHours,
    /// The configuration says where this person lives: an own zone, or one of the organisation other than UTC.
    pub zone_stated: bool,
    /// Public holidays of the person's region.
    pub holidays: BTreeSet<i64>,
    /// Absences that the configuration states.
    pub absences: Vec<Days>,
    /// The calendar account, and the last day (day number) up to which it has been read completely.
    pub calendar: Option<(i64, i64)>,
    /// Days on which this person has left the report: nothing of theirs is counted then, what was counted before stays.
    pub left: Vec<Days>,
}

impl Person {
    /// A day on which this person works by the working calendar, absences not yet looked at.
    #[must_use]
    pub fn works_on(&self, day: i64) -> bool {
        self.hours.days.contains(&date_of(day).weekday()) && !self.holidays.contains(&day)
    }

    /// Whether this person has left the report on a day.
    #[must_use]
    pub fn has_left(&self, day: i64) -> bool {
        self.left.iter().any(|(from, to)| (*from..=*to).contains(&day))
    }
}

/// That a person belongs to a team from one day to another.
#[derive(Clone, Debug)]
pub struct Membership {
    /// Position in [`Roster::people`].
    pub person: usize,
    pub from: Option<i64>,
    pub to: Option<i64>,
}

/// A known event of a team.
#[derive(Clone, Debug)]
pub struct KnownEvent {
    pub days: Days,
    pub kind: String,
}

/// A team and what belongs to it.
#[derive(Clone, Debug)]
pub struct Team {
    pub id: String,
    pub members: Vec<Membership>,
    /// `owner/name`, in lower case.
    pub repositories: Vec<String>,
    /// Repository ids of local clones.
    pub clones: Vec<i64>,
    pub projects: Vec<String>,
    /// The person who leads it, where the leader keeps a record; position in [`Roster::people`].
    pub leader: Option<usize>,
    pub on_call: Vec<(usize, Days)>,
    pub events: Vec<KnownEvent>,
    /// The hours in which the team's working time runs.
    pub hours: WorkingHours,
}

/// Everybody and every team of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    pub people: Vec<Person>,
    pub teams: Vec<Team>,
    /// Accounts of people, by stored pseudonym.
    pub accounts: BTreeMap<i64, usize>,
    /// Accounts that the configuration calls automation.
    pub bots: BTreeSet<i64>,
    /// Who did something is known for a few days only: usual hours are those of the configuration, and the limit of
    /// meeting time, by team, is the one that was found first.
    pub strict: Option<BTreeMap<String, i64>>,
    /// Weeks (by their Monday) whose members were read in their own time: the members of each team that had been
    /// there, by its position.
    pub frozen: BTreeMap<i64, BTreeMap<usize, Vec<usize>>>,
}

impl Roster {
    /// The members of a team in the week of a day: the roster is read once an ISO week, joiners count from the next
    /// full week, and who is in two teams counts in the first that lists them. A week that was read in its own time
    /// stays as it was read.
    #[must_use]
    pub fn members(&self, team: usize, day: i64) -> Vec<usize> {
        let monday = day_number(week_of(date_of(day)));
        if let Some(members) = self.frozen.get(&monday).and_then(|teams| teams.get(&team)) {
            return members.clone();
        }
        self.teams[team]
            .members
            .iter()
            .filter(|membership| in_week(membership, monday))
            .map(|membership| membership.person)
            .filter(|person| self.team_of(*person, day) == Some(team))
            .collect()
    }

    /// The team in which a person counts in the week of a day.
    #[must_use]
    pub fn team_of(&self, person: usize, day: i64) -> Option<usize> {
        let monday = day_number(week_of(date_of(day)));
        let frozen = self.frozen.get(&monday);
        let known = frozen.and_then(|teams| teams.iter().find(|(_, members)| members.contains(&person)));
        known.map(|(team, _)| *team).or_else(|| {
            let mut teams = self.teams.iter().enumerate();
            teams
                .find(|(at, team)| {
                    !frozen.is_some_and(|teams| teams.contains_key(at))
                        && team.members.iter().any(|one| one.person == person && in_week(one, monday))
                })
                .map(|(at, _)| at)
        })
    }
}

fn in_week(membership: &Membership, monday: i64) -> bool {
    membership.from.is_none_or(|from| from <= monday) && membership.to.is_none_or(|to| to >= monday)
}
