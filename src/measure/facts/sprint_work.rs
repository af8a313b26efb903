//! `sprint_work`: what stands in the plan of each sprint on its first evening, what was finished at its end, and the
//! person-days that are available in it.

use std::collections::BTreeMap;

use polars::prelude::*;

use super::item_starts::additions;
use super::tickets::{Work, state_at};
use super::{Columns, Ground, Kind};
use crate::measure::calendar::{Availability, Span};
use crate::model::time::{Millis, date_of, day_number};

/// Moving open items on is part of closing a sprint, so membership is read shortly before its end.
const BEFORE_END: i64 = 5 * 60_000;
/// A day belongs to the sprint that it spends half of, so that a sprint which ends in the morning ended the day before.
const HALF_DAY: i64 = 12 * 3_600_000;
/// What lasts longer is no sprint.
const LONGEST: i64 = 60;

/// An item, or the days of a person, on one side of a sprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SprintWork {
    pub team: usize,
    /// The first working day of the sprint for its plan, the last for its result.
    pub day: i64,
    /// `plan` or `result`, and the first day of the sprint.
    pub side: String,
    /// Who has the item at that moment; whose days they are.
    pub person: Option<i64>,
    pub item: Option<String>,
    pub person_days: i64,
}

/// The sprints of a team that begin on the same day, as one.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    began: Millis,
    /// When it was to end, and when it did.
    planned_end: Millis,
    end: Millis,
}

/// Both sides of all sprints that lie in the measured days.
#[must_use]
pub fn rows(ground: &Ground<'_>, works: &[Work<'_>]) -> Vec<SprintWork> {
    let entries: Vec<BTreeMap<i64, Millis>> = works.iter().map(additions).collect();
    let owned = owners(works, &entries);
    let mut stretches: BTreeMap<(usize, i64), Stretch> = BTreeMap::new();
    let mut sprints: BTreeMap<(&str, i64), (usize, i64)> = BTreeMap::new();
    for (sprint, (team, filled)) in owned {
        let Some((day, stretch)) = stretch(ground, team, sprint, filled) else { continue };
        sprints.insert(sprint, (team, day));
        let all = stretches.entry((team, day)).or_insert(stretch);
        all.began = all.began.min(stretch.began);
        all.planned_end = all.planned_end.max(stretch.planned_end);
        all.end = all.end.max(stretch.end);
    }
    let mut rows = Vec::new();
    let ahead = Span { first: ground.span.last + 1, last: ground.span.last + LONGEST };
    let ahead = Availability::new(ground.roster, &ground.tables.absences, ahead);
    for ((team, day), stretch) in &stretches {
        let sides = Sides { ground, ahead: &ahead, team: *team, day: *day, stretch: *stretch };
        let own: Vec<(&Work<'_>, Vec<i64>)> = works
            .iter()
            .zip(&entries)
            .filter(|(work, _)| work.team == *team)
            .map(|(work, entries)| {
                let here = |id: &&i64| sprints.get(&(work.ticket.host.as_str(), **id)) == Some(&(*team, *day));
                (work, entries.keys().filter(here).copied().collect())
            })
            .filter(|(_, ids): &(_, Vec<i64>)| !ids.is_empty())
            .collect();
        rows.extend(sides.plan(&own));
        rows.extend(sides.result(&own));
    }
    rows.sort_by(|left, right| {
        let key = |row: &SprintWork| (row.team, row.day, row.side.clone(), row.item.clone(), row.person);
        key(left).cmp(&key(right))
    });
    rows
}

/// The fact table.
///
/// # Errors
/// A polars error is a bug in the columns.
pub fn frame(rows: &[SprintWork], ground: &Ground<'_>) -> PolarsResult<DataFrame> {
    let mut columns = Columns::default();
    for row in rows {
        columns.text("team", Some(&ground.roster.teams[row.team].id));
        columns.day("day", row.day);
        columns.int("day_no", Some(row.day));
        columns.text("side", Some(&row.side));
        columns.int("person", row.person);
        columns.text("item", row.item.as_deref());
        columns.int("items", Some(i64::from(row.item.is_some())));
        columns.int("person_days", Some(row.person_days));
    }
    columns.finish(&[
        ("team", Kind::Text),
        ("day", Kind::Day),
        ("day_no", Kind::Int),
        ("side", Kind::Text),
        ("person", Kind::Int),
        ("item", Kind::Text),
        ("items", Kind::Int),
        ("person_days", Kind::Int),
    ])
}

/// Each sprint with the team that has most of its items, and when the first item came in.
fn owners<'a>(works: &[Work<'a>], entries: &[BTreeMap<i64, Millis>]) -> BTreeMap<(&'a str, i64), (usize, Millis)> {
    type Counts = (BTreeMap<usize, usize>, Millis);
    let mut counts: BTreeMap<(&'a str, i64), Counts> = BTreeMap::new();
    for (work, entries) in works.iter().zip(entries) {
        for (sprint, at) in entries {
            let (teams, first) = counts.entry((work.ticket.host.as_str(), *sprint)).or_insert((BTreeMap::new(), *at));
            *teams.entry(work.team).or_default() += 1;
            *first = (*first).min(*at);
        }
    }
    let most = |(sprint, (teams, first)): (_, Counts)| {
        let team = teams.into_iter().max_by_key(|(team, count)| (*count, std::cmp::Reverse(*team)))?.0;
        Some((sprint, (team, first)))
    };
    counts.into_iter().filter_map(most).collect()
}

/// The first working day of a sprint and its span; `None` for one without dates, or that lies outside the measured
/// days. A sprint that was made after its own start begins with its first item.
fn stretch(ground: &Ground<'_>, team: usize, sprint: (&str, i64), filled: Millis) -> Option<(i64, Stretch)> {
    let told = ground.tables.sprints.get(&(sprint.0.to_owned(), sprint.1))?;
    let began = told.starts_at?.max(filled);
    let stretch =
        Stretch { began, planned_end: told.ends_at.or(told.completed_at)?, end: told.completed_at.or(told.ends_at)? };
    let day = ground.working_day(team, began)?;
    let is_sprint = |end: Millis| end > began && end.0 - began.0 <= LONGEST * 2 * HALF_DAY;
    (is_sprint(stretch.planned_end) && is_sprint(stretch.end)).then_some((day, stretch))
}

/// The two sides of one stretch.
struct Sides<'a> {
    ground: &'a Ground<'a>,
    /// Who is available after the measured days.
    ahead: &'a Availability,
    team: usize,
    day: i64,
    stretch: Stretch,
}

impl Sides<'_> {
    /// What is in the sprint on the evening of its first working day and was not done before it began.
    fn plan(&self, own: &[(&Work<'_>, Vec<i64>)]) -> Vec<SprintWork> {
        let calendar = &self.ground.calendars[self.team];
        let position = calendar.number(self.day).and_then(|number| usize::try_from(number).ok());
        let Some(evening) = position.map(|position| calendar.end_of(position)) else { return Vec::new() };
        let evening = evening.max(self.stretch.began);
        let planned = own.iter().filter(|(work, ids)| {
            work.ticket.created_at <= evening && is_in(work, ids, evening) && !self.is_done(work, self.stretch.began)
        });
        let items = planned.map(|(work, _)| self.row(self.day, "plan", work.holder(evening), Some(work)));
        items.chain(self.days(self.day, "plan", self.last_day(self.stretch.planned_end))).collect()
    }

    /// What was done at its end and not before it began; nothing while it runs.
    fn result(&self, own: &[(&Work<'_>, Vec<i64>)]) -> Vec<SprintWork> {
        let last = self.last_day(self.stretch.end);
        let days = &self.ground.calendars[self.team].days;
        let until = days.partition_point(|(day, _)| *day <= last);
        let Some((day, _)) = days[..until].last().filter(|_| last <= self.ground.span.last) else { return Vec::new() };
        let moment = Millis(self.stretch.end.0 - BEFORE_END);
        let finished = own.iter().filter(|(work, ids)| {
            is_in(work, ids, moment) && self.is_done(work, self.stretch.end) && !self.is_done(work, self.stretch.began)
        });
        let items = finished.map(|(work, _)| self.row(*day, "result", work.holder(moment), Some(work)));
        items.chain(self.days(*day, "result", last)).collect()
    }

    fn is_done(&self, work: &Work<'_>, at: Millis) -> bool {
        state_at(&work.states(), at) == Some("done")
    }

    /// The last local day of which half or more lies before an end.
    fn last_day(&self, end: Millis) -> i64 {
        let zone = &self.ground.roster.teams[self.team].hours.zone;
        day_number(Millis(end.0 - HALF_DAY).to_timestamp().to_zoned_datetime(zone.clone()).date())
    }

    /// The days on which each member is available, from the first day to the last.
    fn days(&self, day: i64, side: &str, last: i64) -> Vec<SprintWork> {
        let mut by_person: BTreeMap<usize, i64> = BTreeMap::new();
        for day in self.day..=last {
            let known = if day <= self.ground.span.last { self.ground.availability } else { self.ahead };
            for person in self.ground.roster.members(self.team, day) {
                if known.is_available(person, day) {
                    *by_person.entry(person).or_default() += 1;
                }
            }
        }
        let row = |(person, days): (usize, i64)| {
            let row = self.row(day, side, Some(self.ground.roster.people[person].id), None);
            SprintWork { person_days: days, ..row }
        };
        by_person.into_iter().map(row).collect()
    }

    fn row(&self, day: i64, side: &str, person: Option<i64>, work: Option<&&Work<'_>>) -> SprintWork {
        SprintWork {
            team: self.team,
            day,
            side: format!("{side} {}", date_of(self.day)),
            person,
            item: work.map(|work| work.ticket.key.clone()),
            person_days: 0,
        }
    }
}

/// Whether an item is in one of these sprints at an instant.
fn is_in(work: &Work<'_>, sprints: &[i64], at: Millis) -> bool {
    let now = work.sprints_at(at);
    sprints.iter().any(|sprint| now.contains(sprint))
}
