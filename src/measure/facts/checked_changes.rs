//! `checked_changes`: each merged change of a person that was checked by machines, with repeated checks and waiting.

use std::collections::BTreeMap;

use polars::prelude::*;

use super::{Columns, Ground, Kind};
use crate::measure::tables::{CheckRun, Pull};
use crate::model::time::{Millis, day_number};

/// A merged change with checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedChange {
    pub team: usize,
    /// The team working day on which it was merged.
    pub day: i64,
    /// Stored pseudonym of the author.
    pub person: Option<i64>,
    pub item: String,
    /// Checks that failed and then passed on the same commit, of the commit with the most of them.
    pub repeated: i64,
    /// Working minutes from the first start of a check to the last end, of the commit that waited longest.
    pub waited_minutes: i64,
    /// Working minutes of one working day of the team.
    pub day_minutes: i64,
}

/// The check runs of a change, by the commit on which they ran.
type ByCommit<'a> = BTreeMap<&'a [u8], Vec<&'a CheckRun>>;

/// All merged changes of people with at least one check run before the merge.
#[must_use]
pub fn rows(ground: &Ground<'_>) -> Vec<CheckedChange> {
    let mut runs: BTreeMap<(i64, i64), ByCommit<'_>> = BTreeMap::new();
    for run in &ground.tables.check_runs {
        let Some(number) = run.number else { continue };
        runs.entry((run.repository, number)).or_default().entry(&run.sha).or_default().push(run);
    }
    let merged = ground.tables.acts.iter().filter(|act| act.kind == "merged");
    let merged: BTreeMap<(i64, i64), Millis> = merged.map(|act| ((act.repository, act.number), act.at)).collect();
    let human = |pull: &&Pull| {
        pull.author_kind != "bot" && pull.author.is_none_or(|author| !ground.roster.bots.contains(&author))
    };
    let change = |pull: &Pull| {
        let key = (pull.repository, pull.number);
        checked(ground, pull, *merged.get(&key)?, runs.get(&key)?)
    };
    let mut rows: Vec<CheckedChange> = ground.tables.pulls.iter().filter(human).filter_map(change).collect();
    rows.sort_by(|left, right| (left.team, left.day, &left.item).cmp(&(right.team, right.day, &right.item)));
    rows
}

/// The fact table.
///
/// # Errors
/// A polars error is a bug in the columns.
pub fn frame(rows: &[CheckedChange], ground: &Ground<'_>) -> PolarsResult<DataFrame> {
    let mut columns = Columns::default();
    for row in rows {
        columns.text("team", Some(&ground.roster.teams[row.team].id));
        columns.day("day", row.day);
        columns.int("day_no", Some(row.day));
        columns.int("person", row.person);
        columns.text("item", Some(&row.item));
        columns.int("repeated", Some(row.repeated));
        columns.int("waited_minutes", Some(row.waited_minutes));
        columns.int("day_minutes", Some(row.day_minutes));
    }
    columns.finish(&[
        ("team", Kind::Text),
        ("day", Kind::Day),
        ("day_no", Kind::Int),
        ("person", Kind::Int),
        ("item", Kind::Text),
        ("repeated", Kind::Int),
        ("waited_minutes", Kind::Int),
        ("day_minutes", Kind::Int),
    ])
}

fn checked(ground: &Ground<'_>, pull: &Pull, merged: Millis, commits: &ByCommit<'_>) -> Option<CheckedChange> {
    let team = ground.team_of_repository(pull.repository, pull.author, merged.0.div_euclid(86_400_000))?;
    let calendar = &ground.calendars[team];
    let before = commits.values().map(|runs| {
        let runs = runs.iter().copied().filter(|run| run.started_at <= merged);
        runs.collect::<Vec<&CheckRun>>()
    });
    let before: Vec<Vec<&CheckRun>> = before.filter(|runs| !runs.is_empty()).collect();
    let waited = |runs: &Vec<&CheckRun>| {
        let from = runs.iter().map(|run| run.started_at).min()?;
        let to = runs.iter().map(|run| run.completed_at.unwrap_or(merged).min(merged)).max()?;
        Some(calendar.minutes_between(from, to))
    };
    let zone = &ground.roster.teams[team].hours.zone;
    Some(CheckedChange {
        team,
        day: calendar.on_or_after(day_number(merged.to_timestamp().to_zoned_datetime(zone.clone()).date()))?,
        person: ground.person_id(pull.author),
        item: format!("{}#{}", ground.tables.repositories.get(&pull.repository)?, pull.number),
        repeated: before.iter().map(|runs| repeated(runs)).max()?,
        waited_minutes: before.iter().filter_map(waited).max()?,
        day_minutes: calendar.day_minutes(),
    })
}

/// Failures on one commit that a later success made up for. Runs have no names in the store, so a run that began after
/// a failure had ended is taken for its repetition: checks of one push begin together. Each success counts once.
fn repeated(runs: &[&CheckRun]) -> i64 {
    let ended = |run: &&&CheckRun| matches!(run.conclusion.as_deref(), Some("failure" | "timed_out"));
    let mut failures: Vec<Millis> = runs.iter().filter(ended).filter_map(|run| run.completed_at).collect();
    let passed = runs.iter().filter(|run| run.conclusion.as_deref() == Some("success"));
    let mut successes: Vec<Millis> = passed.map(|run| run.started_at).collect();
    failures.sort_unstable();
    successes.sort_unstable();
    let mut successes = successes.into_iter().peekable();
    let mut count = 0;
    for failed in failures {
        while successes.next_if(|started| *started < failed).is_some() {}
        count += i64::from(successes.next().is_some());
    }
    count
}
