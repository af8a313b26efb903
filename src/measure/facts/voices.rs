//! `voices`: how often each person wrote about the work of a colleague, by day.

use std::collections::BTreeMap;

use polars::prelude::*;

use super::{Columns, Ground, Kind};
use crate::measure::tables::Pull;

/// What a person wrote on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voice {
    /// The team in which the person counts that week.
    pub team: usize,
    /// The team working day on which it counts.
    pub day: i64,
    /// Stored pseudonym.
    pub person: i64,
    /// Reviews, and comments and replies each, on changes of other people.
    pub said: i64,
}

/// All days on which somebody wrote about a colleague's work.
#[must_use]
pub fn rows(ground: &Ground<'_>) -> Vec<Voice> {
    let pulls: BTreeMap<(i64, i64), &Pull> =
        ground.tables.pulls.iter().map(|pull| ((pull.repository, pull.number), pull)).collect();
    let mut said: BTreeMap<(usize, i64, i64), i64> = BTreeMap::new();
    let spoken = |kind: &str| kind == "review" || kind == "comment";
    for act in ground.tables.acts.iter().filter(|act| !act.actor_is_bot && spoken(&act.kind)) {
        let pull = pulls.get(&(act.repository, act.number)).filter(|pull| ground.is_human_work(pull));
        let (Some(person), Some(pull)) = (ground.person(act.actor), pull) else { continue };
        if ground.person(pull.author) == Some(person) {
            continue;
        }
        let utc_day = act.at.0.div_euclid(86_400_000);
        let Some(team) = ground.roster.team_of(person, utc_day) else { continue };
        if let Some(day) = ground.working_day(team, act.at) {
            *said.entry((team, day, ground.roster.people[person].id)).or_default() += 1;
        }
    }
    said.into_iter().map(|((team, day, person), said)| Voice { team, day, person, said }).collect()
}

/// The fact table.
///
/// # Errors
/// A polars error is a bug in the columns.
pub fn frame(rows: &[Voice], ground: &Ground<'_>) -> PolarsResult<DataFrame> {
    let mut columns = Columns::default();
    for row in rows {
        columns.text("team", Some(&ground.roster.teams[row.team].id));
        columns.day("day", row.day);
        columns.int("day_no", Some(row.day));
        columns.int("person", Some(row.person));
        columns.int("said", Some(row.said));
    }
    columns.finish(&[
        ("team", Kind::Text),
        ("day", Kind::Day),
        ("day_no", Kind::Int),
        ("person", Kind::Int),
        ("said", Kind::Int),
    ])
}
