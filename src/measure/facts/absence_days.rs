//! `absence_days`: each working day on which a member was away, and what the member did on it all the same.

use polars::prelude::*;

use super::person_days::Events;
use super::{Columns, Ground, Kind};

/// One absent person on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbsenceDay {
    pub team: usize,
    /// The team working day on which it counts.
    pub day: i64,
    /// Stored pseudonym.
    pub person: i64,
    /// Events of the person on the day itself.
    pub events: i64,
}

/// All days of absence that would have been working days of the person.
#[must_use]
pub fn rows(ground: &Ground<'_>) -> Vec<AbsenceDay> {
    let events = Events::gather(ground);
    let mut rows = Vec::new();
    for (person, own) in ground.roster.people.iter().enumerate() {
        for own_day in ground.span.first..=ground.span.last {
            if !own.works_on(own_day) || !ground.availability.is_absent(person, own_day) {
                continue;
            }
            let Some(team) = ground.roster.team_of(person, own_day) else { continue };
            let Some(day) = ground.calendars[team].on_or_after(own_day) else { continue };
            rows.push(AbsenceDay { team, day, person: own.id, events: events.on(person, own_day) });
        }
    }
    rows.sort_by_key(|row| (row.team, row.day, row.person));
    rows
}

/// The fact table.
///
/// # Errors
/// A polars error is a bug in the columns.
pub fn frame(rows: &[AbsenceDay], ground: &Ground<'_>) -> PolarsResult<DataFrame> {
    let mut columns = Columns::default();
    for row in rows {
        columns.text("team", Some(&ground.roster.teams[row.team].id));
        columns.day("day", row.day);
        columns.int("day_no", Some(row.day));
        columns.int("person", Some(row.person));
        columns.int("events", Some(row.events));
    }
    columns.finish(&[
        ("team", Kind::Text),
        ("day", Kind::Day),
        ("day_no", Kind::Int),
        ("person", Kind::Int),
        ("events", Kind::Int),
    ])
}
