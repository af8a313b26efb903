//! `one_to_ones`: the recurring talks of two that the leader of a team calls, and what became of each. A leader's own
//! matter: it is shown to that leader alone.

use polars::prelude::*;

use super::{Columns, Ground, Kind};
use crate::model::time::{Millis, day_number};

/// The name of the table, which signals of an installation's own may not read.
pub const NAME: &str = "one_to_ones";

/// One talk on the day for which it was planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneToOne {
    pub team: usize,
    /// The team working day on which it counts.
    pub day: i64,
    /// Stored pseudonym of the leader.
    pub person: i64,
    pub cancelled: bool,
    /// By how many of the leader's own working days it was moved, earlier or later.
    pub moved_workdays: i64,
}

/// The talks of every team's leader.
#[must_use]
pub fn rows(ground: &Ground<'_>) -> Vec<OneToOne> {
    let mut rows = Vec::new();
    for (at, team) in ground.roster.teams.iter().enumerate() {
        let Some(leader) = team.leader.map(|leader| &ground.roster.people[leader]) else { continue };
        let Some((account, read_to)) = leader.calendar else { continue };
        let own_day = |at: Millis| day_number(at.to_timestamp().to_zoned_datetime(leader.hours.zone.clone()).date());
        for talk in ground.tables.talks.iter().filter(|talk| talk.account == account) {
            let (planned, held) = (own_day(talk.planned_at), own_day(talk.starts_at));
            let inside = (ground.span.first..=ground.span.last.min(read_to)).contains(&planned);
            let Some(day) = ground.calendars[at].on_or_after(planned).filter(|_| inside) else { continue };
            let between = planned.min(held) + 1..=planned.max(held);
            let moved_workdays = i64::try_from(between.filter(|day| leader.works_on(*day)).count()).unwrap_or(i64::MAX);
            rows.push(OneToOne { team: at, day, person: leader.id, cancelled: talk.cancelled, moved_workdays });
        }
    }
    rows.sort_by_key(|row| (row.team, row.day, row.cancelled, row.moved_workdays));
    rows
}

/// The fact table.
///
/// # Errors
/// A polars error is a bug in the columns.
pub fn frame(rows: &[OneToOne], ground: &Ground<'_>) -> PolarsResult<DataFrame> {
    let mut columns = Columns::default();
    for row in rows {
        columns.text("team", Some(&ground.roster.teams[row.team].id));
        columns.day("day", row.day);
        columns.int("day_no", Some(row.day));
        columns.int("person", Some(row.person));
        columns.int("cancelled", Some(i64::from(row.cancelled)));
        columns.int("moved_workdays", Some(row.moved_workdays));
    }
    columns.finish(&[
        ("team", Kind::Text),
        ("day", Kind::Day),
        ("day_no", Kind::Int),
        ("person", Kind::Int),
        ("cancelled", Kind::Int),
        ("moved_workdays", Kind::Int),
    ])
}
