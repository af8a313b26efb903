//! `item_starts`: each ticket on the day on which it was first begun, with what says that it was not planned.

use std::collections::BTreeMap;

use polars::prelude::*;

use super::tickets::Work;
use super::{Columns, Ground, Kind};
use crate::measure::tables::{Sprint, Ticket};
use crate::model::time::Millis;

/// Words of types, labels and priorities that stand for work which nobody could plan.
const URGENT: [&str; 3] = ["incident", "hotfix", "expedite"];

/// A sprint's key: host and id.
type SprintKey<'a> = (&'a str, i64);

/// An item that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemStart {
    pub team: usize,
    pub day: i64,
    /// Who has it at that moment.
    pub person: Option<i64>,
    /// The incident that it belongs to, else the item itself.
    pub item: String,
    /// It came into its sprint more than one working day after the sprint began.
    pub added_late: bool,
    /// An incident, a hotfix or expedite work by its type, label or priority, or a part of one.
    pub urgent: bool,
    /// In no running sprint, and begun within one working day of its creation.
    pub begun_at_once: bool,
}

/// All starts.
#[must_use]
pub fn rows(ground: &Ground<'_>, works: &[Work<'_>]) -> Vec<ItemStart> {
    let sprints = Sprints::gather(ground, works);
    let tickets: BTreeMap<(&str, i64), &Ticket> =
        ground.tables.tickets.iter().map(|ticket| ((ticket.host.as_str(), ticket.id), ticket)).collect();
    let mut rows: Vec<ItemStart> = works
        .iter()
        .filter_map(|work| {
            let parent = work.ticket.parent.and_then(|parent| tickets.get(&(work.ticket.host.as_str(), parent)));
            start(ground, work, &sprints, parent.copied().filter(|parent| is_urgent(parent)))
        })
        .collect();
    rows.sort_by(|left, right| (left.team, left.day, &left.item).cmp(&(right.team, right.day, &right.item)));
    rows
}

/// The fact table.
///
/// # Errors
/// A polars error is a bug in the columns.
pub fn frame(rows: &[ItemStart], ground: &Ground<'_>) -> PolarsResult<DataFrame> {
    let mut columns = Columns::default();
    for row in rows {
        columns.text("team", Some(&ground.roster.teams[row.team].id));
        columns.day("day", row.day);
        columns.int("day_no", Some(row.day));
        columns.int("person", row.person);
        columns.text("item", Some(&row.item));
        columns.int("added_late", Some(i64::from(row.added_late)));
        columns.int("urgent", Some(i64::from(row.urgent)));
        columns.int("begun_at_once", Some(i64::from(row.begun_at_once)));
    }
    columns.finish(&[
        ("team", Kind::Text),
        ("day", Kind::Day),
        ("day_no", Kind::Int),
        ("person", Kind::Int),
        ("item", Kind::Text),
        ("added_late", Kind::Int),
        ("urgent", Kind::Int),
        ("begun_at_once", Kind::Int),
    ])
}

fn start(ground: &Ground<'_>, work: &Work<'_>, sprints: &Sprints<'_>, incident: Option<&Ticket>) -> Option<ItemStart> {
    let at = work.states().into_iter().find(|(_, category)| *category == "in_progress")?.0;
    let calendar = &ground.calendars[work.team];
    let running: Vec<(Millis, Millis)> = sprints.running(work, at);
    let late = |(began, added): &(Millis, Millis)| calendar.minutes_between(*began, *added) > calendar.day_minutes();
    let waited = calendar.minutes_between(work.ticket.created_at, at);
    Some(ItemStart {
        team: work.team,
        day: ground.working_day(work.team, at)?,
        person: work.holder(at),
        item: incident.unwrap_or(work.ticket).key.clone(),
        added_late: !running.is_empty() && running.iter().all(late),
        urgent: incident.is_some() || is_urgent(work.ticket),
        begun_at_once: running.is_empty() && waited <= calendar.day_minutes(),
    })
}

fn is_urgent(ticket: &Ticket) -> bool {
    let told = [Some(&ticket.kind), Some(&ticket.labels), ticket.priority.as_ref()];
    told.into_iter().flatten().any(|text| {
        let text = text.to_lowercase();
        URGENT.iter().any(|word| text.contains(word))
    })
}

/// When items came into which sprint.
struct Sprints<'a> {
    ground: &'a Ground<'a>,
    /// When the first item came in. A sprint that was made after its own start begins then.
    filled: BTreeMap<SprintKey<'a>, Millis>,
}

impl<'a> Sprints<'a> {
    fn gather(ground: &'a Ground<'a>, works: &[Work<'a>]) -> Self {
        let mut filled: BTreeMap<SprintKey<'a>, Millis> = BTreeMap::new();
        for work in works {
            for (sprint, at) in additions(work) {
                let first = filled.entry((work.ticket.host.as_str(), sprint)).or_insert(at);
                *first = at.min(*first);
            }
        }
        Self { ground, filled }
    }

    /// The sprints in which an item is and that run at an instant: their beginning, and when the item came in.
    fn running(&self, work: &Work<'_>, at: Millis) -> Vec<(Millis, Millis)> {
        let own = additions(work).into_iter().filter_map(|(id, added)| {
            let sprint: &Sprint = self.ground.tables.sprints.get(&(work.ticket.host.clone(), id))?;
            let starts = sprint.starts_at?;
            let ends = sprint.completed_at.or(sprint.ends_at);
            let runs = starts <= at && ends.is_none_or(|ends| at < ends && added < ends);
            let filled = self.filled.get(&(work.ticket.host.as_str(), id)).copied().unwrap_or(starts);
            runs.then_some((starts.max(filled), added))
        });
        own.collect()
    }
}

/// The sprints of an item, and when it first came into each. What it held before the first edit it held from its
/// creation on.
pub(super) fn additions(work: &Work<'_>) -> BTreeMap<i64, Millis> {
    let ids = |list: &str| list.split(',').filter_map(|id| id.trim().parse().ok()).collect::<Vec<i64>>();
    let edits: Vec<_> = work.changes.iter().filter(|change| change.field == "sprint").collect();
    let first = edits.first().map_or(Some(work.ticket.sprints.as_str()), |edit| edit.from.as_deref());
    let mut added: BTreeMap<i64, Millis> =
        ids(first.unwrap_or_default()).into_iter().map(|id| (id, work.ticket.created_at)).collect();
    for edit in edits {
        for id in ids(edit.to.as_deref().unwrap_or_default()) {
            added.entry(id).or_insert(edit.at);
        }
    }
    added
}
