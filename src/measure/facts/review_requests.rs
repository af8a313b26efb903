//! `review_requests`: each request for review that has been decided: answered, or waiting for a working day.

use std::collections::BTreeMap;

use polars::prelude::*;

use super::{Columns, Ground, Kind};
use crate::measure::tables::{Act, Pull};
use crate::model::time::Millis;

/// A decided request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewRequest {
    pub team: usize,
    /// The team working day on which it was decided.
    pub day: i64,
    /// Stored pseudonym of the author.
    pub person: Option<i64>,
    pub item: String,
    /// Working minutes from the request to the first human answer, or to the end of what has been read.
    pub waited_minutes: i64,
    /// A human other than the author answered.
    pub answered: bool,
    /// Working minutes of one working day of the team.
    pub day_minutes: i64,
}

/// All decided requests. The decision time of a request is its first answer, or the end of one working day, whichever
/// is earlier. One request per change is open at a time; after an answer a new request starts a new one.
#[must_use]
pub fn rows(ground: &Ground<'_>) -> Vec<ReviewRequest> {
    let mut acts: BTreeMap<(i64, i64), Vec<&Act>> = BTreeMap::new();
    for act in &ground.tables.acts {
        acts.entry((act.repository, act.number)).or_default().push(act);
    }
    let mut rows = Vec::new();
    for pull in ground.tables.pulls.iter().filter(|pull| pull.author_kind != "bot") {
        if pull.author.is_some_and(|author| ground.roster.bots.contains(&author)) {
            continue;
        }
        let mut own = acts.remove(&(pull.repository, pull.number)).unwrap_or_default();
        own.sort_by_key(|act| act.at);
        for (asked, end) in waits(ground, pull, &own) {
            rows.extend(decided(ground, pull, asked, end));
        }
    }
    rows.sort_by(|left, right| (left.team, left.day, &left.item).cmp(&(right.team, right.day, &right.item)));
    rows
}

/// The fact table.
///
/// # Errors
/// A polars error is a bug in the columns.
pub fn frame(rows: &[ReviewRequest], ground: &Ground<'_>) -> PolarsResult<DataFrame> {
    let mut columns = Columns::default();
    for row in rows {
        columns.text("team", Some(&ground.roster.teams[row.team].id));
        columns.day("day", row.day);
        columns.int("day_no", Some(row.day));
        columns.int("person", row.person);
        columns.text("item", Some(&row.item));
        columns.int("waited_minutes", Some(row.waited_minutes));
        columns.int("answered", Some(i64::from(row.answered)));
        columns.int("day_minutes", Some(row.day_minutes));
    }
    columns.finish(&[
        ("team", Kind::Text),
        ("day", Kind::Day),
        ("day_no", Kind::Int),
        ("person", Kind::Int),
        ("item", Kind::Text),
        ("waited_minutes", Kind::Int),
        ("answered", Kind::Int),
        ("day_minutes", Kind::Int),
    ])
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// A human other than the author answered.
    Answered(Millis),
    /// The change was closed, withdrawn or turned into a draft without an answer.
    Withdrawn(Millis),
    /// Still waiting.
    Open,
}

/// The requests of a change: when each was asked and how it ended.
fn waits(ground: &Ground<'_>, pull: &Pull, acts: &[&Act]) -> Vec<(Millis, End)> {
    let mut waits = Vec::new();
    let mut asked: Option<Millis> = None;
    // The first turn tells how it began: what became ready was a draft before.
    let first_turn = acts.iter().find(|act| act.kind == "ready" || act.kind == "draft");
    let mut draft = first_turn.map_or(pull.draft, |act| act.kind == "ready");
    let mut pending = false;
    for act in acts {
        let by_author = act.actor.is_some() && act.actor == pull.author;
        let human = !act.actor_is_bot && act.actor.is_none_or(|actor| !ground.roster.bots.contains(&actor));
        match act.kind.as_str() {
            "review_requested" if draft => pending = true,
            "review_requested" => asked = asked.or(Some(act.at)),
            "ready" => {
                draft = false;
                if pending {
                    asked = asked.or(Some(act.at));
                    pending = false;
                }
            }
            "draft" => {
                draft = true;
                if let Some(at) = asked.take() {
                    pending = true;
                    waits.push((at, End::Withdrawn(act.at)));
                }
            }
            "review" | "comment" if human && !by_author => {
                pending = false;
                waits.extend(asked.take().map(|at| (at, End::Answered(act.at))));
            }
            "merged" | "closed" => {
                let end = if human && !by_author { End::Answered(act.at) } else { End::Withdrawn(act.at) };
                waits.extend(asked.take().map(|at| (at, end)));
            }
            _ => {}
        }
    }
    waits.extend(asked.map(|at| (at, pull.closed_at.map_or(End::Open, End::Withdrawn))));
    waits
}

fn decided(ground: &Ground<'_>, pull: &Pull, asked: Millis, end: End) -> Option<ReviewRequest> {
    let asked_on = asked.0.div_euclid(86_400_000);
    let team = ground.team_of_repository(pull.repository, pull.author, asked_on)?;
    let calendar = &ground.calendars[team];
    let day_minutes = calendar.day_minutes();
    let limit = calendar.after(asked, day_minutes);
    let (at, answered) = match (end, limit) {
        (End::Answered(at), Some(limit)) => (at.min(limit), true),
        (End::Answered(at), None) => (at, true),
        (End::Withdrawn(at), Some(limit)) if at > limit => (limit, false),
        (End::Open, Some(limit)) => (limit, false),
        // Withdrawn before it could be decided, or not yet decided.
        _ => return None,
    };
    let zone = &ground.roster.teams[team].hours.zone;
    let date = crate::model::time::day_number(at.to_timestamp().to_zoned_datetime(zone.clone()).date());
    let until = match end {
        End::Answered(at) | End::Withdrawn(at) => at,
        End::Open => Millis(i64::MAX / 2),
    };
    Some(ReviewRequest {
        team,
        day: calendar.on_or_after(date)?,
        person: ground.person_id(pull.author),
        item: format!("{}#{}", ground.tables.repositories.get(&pull.repository)?, pull.number),
        waited_minutes: calendar.minutes_between(asked, until),
        answered,
        day_minutes,
    })
}
