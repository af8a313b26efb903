//! `reviews_given`: each review by a human of the work of another.

use std::collections::BTreeMap;

use polars::prelude::*;

use super::{Columns, Ground, Kind};
use crate::measure::tables::Pull;
use crate::model::time::{date_of, day_number, week_of};

/// A review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewGiven {
    pub team: usize,
    /// The team working day on which it counts.
    pub day: i64,
    /// Stored pseudonym of the author of the change.
    pub person: Option<i64>,
    /// Stored pseudonym of who gave it, or the account of somebody outside the roster.
    pub reviewer: i64,
}

/// All reviews of changes of people by others.
#[must_use]
pub fn rows(ground: &Ground<'_>) -> Vec<ReviewGiven> {
    let pulls: BTreeMap<(i64, i64), &Pull> =
        ground.tables.pulls.iter().map(|pull| ((pull.repository, pull.number), pull)).collect();
    let given = ground.tables.reviews.iter().filter_map(|review| {
        let pull = pulls.get(&(review.repository, review.number)).filter(|pull| ground.is_human_work(pull))?;
        let account = review.reviewer.filter(|_| ground.is_other_human(pull, review.reviewer, review.by_bot))?;
        let team = ground.team_of_pull(pull)?;
        Some(ReviewGiven {
            team,
            day: ground.working_day(team, review.at)?,
            person: ground.person_id(pull.author),
            reviewer: ground.person_id(Some(account)).unwrap_or(account),
        })
    });
    let mut rows: Vec<ReviewGiven> = given.collect();
    rows.sort_by_key(|row| (row.team, row.day, row.person, row.reviewer));
    rows
}

/// The fact table. `week_no` is the Monday of the ISO week.
///
/// # Errors
/// A polars error is a bug in the columns.
pub fn frame(rows: &[ReviewGiven], ground: &Ground<'_>) -> PolarsResult<DataFrame> {
    let mut columns = Columns::default();
    for row in rows {
        columns.text("team", Some(&ground.roster.teams[row.team].id));
        columns.day("day", row.day);
        columns.int("day_no", Some(row.day));
        columns.int("week_no", Some(day_number(week_of(date_of(row.day)))));
        columns.int("person", row.person);
        columns.int("reviewer", Some(row.reviewer));
    }
    columns.finish(&[
        ("team", Kind::Text),
        ("day", Kind::Day),
        ("day_no", Kind::Int),
        ("week_no", Kind::Int),
        ("person", Kind::Int),
        ("reviewer", Kind::Int),
    ])
}
