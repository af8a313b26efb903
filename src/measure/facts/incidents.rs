//! `incidents`: incidents, expedited tickets and hotfixes, on the day on which work on them began.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::*;

use super::item_days::categories;
use super::started_items::holder;
use super::{Columns, Ground, Kind};
use crate::measure::tables::Ticket;
use crate::model::time::{Millis, day_number};

/// Words in a ticket's type or label that make it an interruption, in lower case.
const WORDS: [&str; 4] = ["incident", "outage", "expedite", "hotfix"];

/// An interruption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    pub team: usize,
    /// The team working day on which it was started.
    pub day: i64,
    /// Stored pseudonym of who had it then.
    pub person: Option<i64>,
    pub item: String,
}

/// Whether a ticket's type or one of its stored labels says that it interrupts.
#[must_use]
pub fn is_incident(ticket: &Ticket) -> bool {
    let says = |text: &str| WORDS.iter().any(|word| text.to_lowercase().contains(word));
    says(&ticket.kind) || ticket.labels.split(',').any(says)
}

/// All interruptions that were started. Tickets under one incident are one interruption, at its first start.
#[must_use]
pub fn rows(ground: &Ground<'_>) -> Vec<Incident> {
    let own: Vec<&Ticket> = ground.tables.tickets.iter().filter(|ticket| is_incident(ticket)).collect();
    let known: BTreeSet<(&str, i64)> = own.iter().map(|ticket| (ticket.host.as_str(), ticket.id)).collect();
    let mut first: BTreeMap<(&str, i64), (Millis, Incident)> = BTreeMap::new();
    for ticket in own {
        let Some((at, incident)) = started(ground, ticket) else { continue };
        let parent = ticket.parent.map(|parent| (ticket.host.as_str(), parent)).filter(|key| known.contains(key));
        let entry = first.entry(parent.unwrap_or((ticket.host.as_str(), ticket.id)));
        let entry = entry.or_insert_with(|| (at, incident.clone()));
        if at < entry.0 {
            *entry = (at, incident);
        }
    }
    let mut rows: Vec<Incident> = first.into_values().map(|(_, incident)| incident).collect();
    rows.sort_by(|left, right| (left.team, left.day, &left.item).cmp(&(right.team, right.day, &right.item)));
    rows
}

/// The fact table.
///
/// # Errors
/// A polars error is a bug in the columns.
pub fn frame(rows: &[Incident], ground: &Ground<'_>) -> PolarsResult<DataFrame> {
    let mut columns = Columns::default();
    for row in rows {
        columns.text("team", Some(&ground.roster.teams[row.team].id));
        columns.day("day", row.day);
        columns.int("day_no", Some(row.day));
        columns.int("person", row.person);
        columns.text("item", Some(&row.item));
    }
    columns.finish(&[
        ("team", Kind::Text),
        ("day", Kind::Day),
        ("day_no", Kind::Int),
        ("person", Kind::Int),
        ("item", Kind::Text),
    ])
}

/// When work on a ticket began: its first move into progress, or to done where it was never in progress.
fn started(ground: &Ground<'_>, ticket: &Ticket) -> Option<(Millis, Incident)> {
    let team = ground.team_of_ticket(ticket)?;
    let changes = ground.tables.changes.get(&(ticket.host.clone(), ticket.id)).map(Vec::as_slice).unwrap_or_default();
    let states = categories(ground, ticket, changes);
    let at = states.iter().find(|(_, state)| state == "in_progress" || state == "done").map(|(at, _)| *at)?;
    let zone = &ground.roster.teams[team].hours.zone;
    let day = day_number(at.to_timestamp().to_zoned_datetime(zone.clone()).date());
    let day = ground.calendars[team].on_or_after(day)?;
    Some((at, Incident { team, day, person: holder(ground, ticket, changes, at), item: ticket.key.clone() }))
}
