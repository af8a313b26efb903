//! `started_items`: each ticket after its first week in progress, and whether its goal moved in that week.

use std::collections::BTreeSet;

use polars::prelude::*;

use super::item_days::{categories, first_holder};
use super::{Columns, Ground, Kind};
use crate::measure::tables::{Change, Ticket};
use crate::model::time::{Millis, day_number};

/// Fields that say what is wanted, how much it is, where it belongs and how urgent it is.
const GOALS: [&str; 4] = ["acceptance", "estimate", "parent", "priority"];
/// Edits up to this long after the start belong to the start.
const SETTLING: i64 = 60 * 60_000;
/// Working days that are looked at.
const FIRST_WEEK: i64 = 5;

/// A ticket that was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartedItem {
    pub team: usize,
    /// The team working day on which it is decided: the fifth since the start, or that of its end if earlier.
    pub day: i64,
    /// Stored pseudonym of who had it then.
    pub person: Option<i64>,
    pub item: String,
    /// Fields of the goal that changed more than an hour after the start and before the decision.
    pub goal_changes: i64,
}

/// All started tickets whose first week is over. Issues of GitHub have no such fields and are left out, and so are
/// parents of other tickets, whose goals move with their parts.
#[must_use]
pub fn rows(ground: &Ground<'_>) -> Vec<StartedItem> {
    let parents: BTreeSet<i64> = ground.tables.tickets.iter().filter_map(|ticket| ticket.parent).collect();
    let own = ground.tables.tickets.iter();
    let own = own.filter(|ticket| !parents.contains(&ticket.id) && ticket.kind != "Epic" && !ticket.is_github());
    let mut rows: Vec<StartedItem> = own.filter_map(|ticket| started(ground, ticket)).collect();
    rows.sort_by(|left, right| (left.team, left.day, &left.item).cmp(&(right.team, right.day, &right.item)));
    rows
}

/// The fact table.
///
/// # Errors
/// A polars error is a bug in the columns.
pub fn frame(rows: &[StartedItem], ground: &Ground<'_>) -> PolarsResult<DataFrame> {
    let mut columns = Columns::default();
    for row in rows {
        columns.text("team", Some(&ground.roster.teams[row.team].id));
        columns.day("day", row.day);
        columns.int("day_no", Some(row.day));
        columns.int("person", row.person);
        columns.text("item", Some(&row.item));
        columns.int("goal_changes", Some(row.goal_changes));
    }
    columns.finish(&[
        ("team", Kind::Text),
        ("day", Kind::Day),
        ("day_no", Kind::Int),
        ("person", Kind::Int),
        ("item", Kind::Text),
        ("goal_changes", Kind::Int),
    ])
}

fn started(ground: &Ground<'_>, ticket: &Ticket) -> Option<StartedItem> {
    let team = ground.team_of_ticket(ticket)?;
    let changes = ground.tables.changes.get(&(ticket.host.clone(), ticket.id)).map(Vec::as_slice).unwrap_or_default();
    let states = categories(ground, ticket, changes);
    let start = states.iter().find(|(_, category)| category == "in_progress").map(|(at, _)| *at)?;
    let end = states.iter().find(|(at, category)| *at > start && category == "done").map(|(at, _)| *at);
    let calendar = &ground.calendars[team];
    let week = calendar.after(start, FIRST_WEEK * calendar.day_minutes());
    let at = match (week, end) {
        (Some(week), Some(end)) => week.min(end),
        (Some(at), None) | (None, Some(at)) => at,
        (None, None) => return None,
    };
    let moved = |change: &&Change| {
        GOALS.contains(&change.field.as_str()) && change.at.0 > start.0 + SETTLING && change.at <= at
    };
    let zone = &ground.roster.teams[team].hours.zone;
    Some(StartedItem {
        team,
        day: calendar.on_or_after(day_number(at.to_timestamp().to_zoned_datetime(zone.clone()).date()))?,
        person: holder(ground, ticket, changes, at),
        item: ticket.key.clone(),
        goal_changes: i64::try_from(changes.iter().filter(moved).count()).unwrap_or(i64::MAX),
    })
}

/// Who had a ticket at an instant.
pub(super) fn holder(ground: &Ground<'_>, ticket: &Ticket, changes: &[Change], at: Millis) -> Option<i64> {
    let last = changes.iter().rfind(|change| change.field == "assignee" && change.at <= at);
    match last {
        Some(change) => ground.person_id(change.to.as_deref().and_then(|account| account.parse().ok())),
        None => first_holder(ground, ticket, changes),
    }
}
