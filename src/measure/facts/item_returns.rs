//! `item_returns`: tickets and changes of code on the days on which they were finished, and on which they came back.

use std::collections::BTreeMap;

use polars::prelude::*;

use super::tickets::{Habits, Move, Work};
use super::{Columns, Ground, Kind};
use crate::model::time::Millis;

/// What comes back later than this after it was finished is new work: 14 calendar days.
const LATEST: i64 = 14 * 86_400_000;

/// An item on a day on which it was finished or came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemReturn {
    pub team: usize,
    pub day: i64,
    /// Who had the ticket then; the author of a change.
    pub person: Option<i64>,
    pub item: String,
    /// It came back; else it was finished.
    pub returned: bool,
}

/// All days on which something was finished or came back.
#[must_use]
pub fn rows(ground: &Ground<'_>, works: &[Work<'_>], habits: &Habits) -> Vec<ItemReturn> {
    let mut rows: Vec<ItemReturn> = works.iter().flat_map(|work| of_ticket(ground, work, habits)).collect();
    rows.extend(of_changes(ground));
    rows.sort_by(|left, right| {
        (left.team, left.day, &left.item, left.returned).cmp(&(right.team, right.day, &right.item, right.returned))
    });
    rows
}

/// The fact table.
///
/// # Errors
/// A polars error is a bug in the columns.
pub fn frame(rows: &[ItemReturn], ground: &Ground<'_>) -> PolarsResult<DataFrame> {
    let mut columns = Columns::default();
    for row in rows {
        columns.text("team", Some(&ground.roster.teams[row.team].id));
        columns.day("day", row.day);
        columns.int("day_no", Some(row.day));
        columns.int("person", row.person);
        columns.text("item", Some(&row.item));
        columns.int("returned", Some(i64::from(row.returned)));
    }
    columns.finish(&[
        ("team", Kind::Text),
        ("day", Kind::Day),
        ("day_no", Kind::Int),
        ("person", Kind::Int),
        ("item", Kind::Text),
        ("returned", Kind::Int),
    ])
}

/// What a step of a ticket was.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Finished,
    Returned,
    /// It only moved on, or back by a step that this project takes as a hand-over.
    Other,
}

fn of_ticket(ground: &Ground<'_>, work: &Work<'_>, habits: &Habits) -> Vec<ItemReturn> {
    let mut finished: Option<Millis> = None;
    let mut rows = Vec::new();
    for step in work.moves() {
        let kind = step_kind(work, habits, &step, finished);
        match (work.category(step.from), work.category(step.to)) {
            ("done", "done") => {}
            (_, "done") => finished = Some(step.at),
            ("done", _) => finished = None,
            _ => {}
        }
        if kind == Step::Other {
            continue;
        }
        rows.extend(ground.working_day(work.team, step.at).map(|day| ItemReturn {
            team: work.team,
            day,
            person: work.holder(step.at),
            item: work.ticket.key.clone(),
            returned: kind == Step::Returned,
        }));
    }
    rows
}

fn step_kind(work: &Work<'_>, habits: &Habits, step: &Move<'_>, finished: Option<Millis>) -> Step {
    match (work.category(step.from), work.category(step.to)) {
        ("done", "done" | "unknown") | ("unknown", _) => Step::Other,
        (_, "done") => Step::Finished,
        _ if habits.is_lawful(work, step) => Step::Other,
        ("done", _) if finished.is_some_and(|finished| step.at.0 - finished.0 <= LATEST) => Step::Returned,
        ("in_progress", "to_do") if habits.is_late(work, step.from) => Step::Returned,
        _ => Step::Other,
    }
}

/// Merged changes, and those of them that another merged change took back soon after.
fn of_changes(ground: &Ground<'_>) -> Vec<ItemReturn> {
    let pulls = &ground.tables.pulls;
    let mut taken_back: BTreeMap<(i64, i64), Millis> = BTreeMap::new();
    for pull in pulls {
        if let (Some(number), Some(at)) = (pull.reverts, pull.merged_at) {
            let first = taken_back.entry((pull.repository, number)).or_insert(at);
            *first = at.min(*first);
        }
    }
    let mut rows = Vec::new();
    for pull in pulls.iter().filter(|pull| ground.is_human_work(pull)) {
        let Some((team, merged)) = ground.team_of_pull(pull).zip(pull.merged_at) else { continue };
        let reverted = taken_back.get(&(pull.repository, pull.number)).copied();
        let reverted = reverted.filter(|at| (0..=LATEST).contains(&(at.0 - merged.0)));
        for (at, returned) in [(Some(merged), false), (reverted, true)] {
            let day = at.and_then(|at| ground.working_day(team, at));
            rows.extend(day.zip(ground.pull_key(pull)).map(|(day, item)| ItemReturn {
                team,
                day,
                person: ground.person_id(pull.author),
                item,
                returned,
            }));
        }
    }
    rows
}
