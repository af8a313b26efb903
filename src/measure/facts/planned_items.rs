//! `planned_items`: items whose date came due, moved later, or was carried over a sprint's end, by day.

use polars::prelude::*;

use super::{Columns, Ground, Kind};
use crate::measure::tables::{Change, Ticket};
use crate::model::time::{Millis, day_number};

/// Edits of a field within this span are one edit.
const ONE_EDIT: i64 = 10 * 60_000;
/// Moving open items on is part of closing a sprint, so membership is read shortly before its end.
const BEFORE_END: i64 = 5 * 60_000;

/// A dated item on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedItem {
    pub team: usize,
    pub day: i64,
    pub person: Option<i64>,
    pub item: String,
    pub came_due: bool,
    pub moved_later: bool,
    pub carried_over: bool,
}

/// All days on which a date came due or moved.
#[must_use]
pub fn rows(ground: &Ground<'_>) -> Vec<PlannedItem> {
    let mut rows = Vec::new();
    for ticket in &ground.tables.tickets {
        let Some(team) = ground.team_of_ticket(ticket) else { continue };
        let changes =
            ground.tables.changes.get(&(ticket.host.clone(), ticket.id)).map(Vec::as_slice).unwrap_or_default();
        let item = Dated { ground, ticket, changes, team };
        rows.extend(item.due_dates());
        rows.extend(item.sprint_ends());
        rows.extend(item.fix_version());
    }
    rows.sort_by(|left, right| (left.team, left.day, &left.item).cmp(&(right.team, right.day, &right.item)));
    rows
}

/// The fact table.
///
/// # Errors
/// A polars error is a bug in the columns.
pub fn frame(rows: &[PlannedItem], ground: &Ground<'_>) -> PolarsResult<DataFrame> {
    let mut columns = Columns::default();
    for row in rows {
        columns.text("team", Some(&ground.roster.teams[row.team].id));
        columns.day("day", row.day);
        columns.int("day_no", Some(row.day));
        columns.int("person", row.person);
        columns.text("item", Some(&row.item));
        columns.int("came_due", Some(i64::from(row.came_due)));
        columns.int("moved_later", Some(i64::from(row.moved_later)));
        columns.int("carried_over", Some(i64::from(row.carried_over)));
    }
    columns.finish(&[
        ("team", Kind::Text),
        ("day", Kind::Day),
        ("day_no", Kind::Int),
        ("person", Kind::Int),
        ("item", Kind::Text),
        ("came_due", Kind::Int),
        ("moved_later", Kind::Int),
        ("carried_over", Kind::Int),
    ])
}

struct Dated<'a> {
    ground: &'a Ground<'a>,
    ticket: &'a Ticket,
    changes: &'a [Change],
    team: usize,
}

impl Dated<'_> {
    /// Due dates that moved later, and due dates in force that came.
    fn due_dates(&self) -> Vec<PlannedItem> {
        let edits = self.edits("duedate");
        let parse =
            |text: &Option<String>| text.as_deref().and_then(|text| text.get(..10)?.parse().ok()).map(day_number);
        let mut rows = Vec::new();
        let mut since = self.ticket.created_at;
        let mut force = edits.first().map_or(self.ticket.due_on, |(_, from, _)| parse(from));
        for (at, from, to) in &edits {
            rows.extend(force.and_then(|due| self.came_due(due, since, Some(*at))));
            let (earlier, later) = (parse(from), parse(to));
            if let (Some(earlier), Some(later)) = (earlier, later)
                && later > earlier
            {
                rows.extend(self.row(self.local_day(*at), *at, |row| row.moved_later = true));
            }
            since = *at;
            force = later;
        }
        rows.extend(force.and_then(|due| self.came_due(due, since, None)));
        rows
    }

    /// A date came due if it was in force at the end of its day.
    fn came_due(&self, due: i64, since: Millis, until: Option<Millis>) -> Option<PlannedItem> {
        let set_in_time = self.local_day(since) <= due;
        let still = until.is_none_or(|until| self.local_day(until) > due);
        if !set_in_time || !still || due > self.ground.span.last {
            return None;
        }
        let end = Millis((due + 1) * 86_400_000);
        // A milestone is to GitHub what a sprint is to a tracker: what is open on its day is carried over.
        let carried = self.ticket.is_github() && self.open_at(end);
        self.row(due, end, |row| {
            row.came_due = true;
            row.carried_over = carried;
        })
    }

    /// The sprint's end is a date of each item in it; an item still open then is carried over.
    fn sprint_ends(&self) -> Vec<PlannedItem> {
        let edits = self.edits_exact("sprint");
        let mut rows = Vec::new();
        for ((host, sprint_id), sprint) in &self.ground.tables.sprints {
            let Some(end) = sprint.completed_at.or(sprint.ends_at).filter(|_| *host == self.ticket.host) else {
                continue;
            };
            let day = self.local_day(end);
            let moment = Millis(end.0 - BEFORE_END);
            if day > self.ground.span.last
                || moment < self.ticket.created_at
                || !member(&edits, &self.ticket.sprints, *sprint_id, moment)
            {
                continue;
            }
            let open = self.open_at(end);
            rows.extend(self.row(day, moment, |row| {
                row.came_due = true;
                row.carried_over = open;
            }));
        }
        rows
    }

    /// The earliest release of its versions is a date too. What it was before is not told, so it never moves.
    fn fix_version(&self) -> Option<PlannedItem> {
        let due = self.ticket.fix_version_on.filter(|due| *due <= self.ground.span.last)?;
        self.row(due, Millis((due + 1) * 86_400_000), |row| row.came_due = true)
    }

    fn row(&self, day: i64, at: Millis, mark: impl FnOnce(&mut PlannedItem)) -> Option<PlannedItem> {
        let day = self.ground.calendars[self.team].on_or_after(day)?;
        let holder = self.changes.iter().rfind(|change| change.field == "assignee" && change.at <= at);
        let first = self.changes.iter().find(|change| change.field == "assignee");
        let account = match (holder, first) {
            (Some(change), _) => change.to.as_deref().and_then(|account| account.parse().ok()),
            (None, Some(change)) => change.from.as_deref().and_then(|account| account.parse().ok()),
            (None, None) => self.ticket.assignee,
        };
        let mut row = PlannedItem {
            team: self.team,
            day,
            person: self.ground.person_id(account),
            item: self.ticket.key.clone(),
            came_due: false,
            moved_later: false,
            carried_over: false,
        };
        mark(&mut row);
        Some(row)
    }

    /// Whether the item was not done at an instant.
    fn open_at(&self, at: Millis) -> bool {
        let category = |status: &Option<String>| {
            let status = status.clone().unwrap_or_default();
            self.ground.tables.statuses.get(&(self.ticket.host.clone(), status)).cloned().unwrap_or_default()
        };
        let mut moves = self.changes.iter().filter(|change| change.field == "status");
        let first = moves.clone().next().map_or_else(|| self.ticket.category.clone(), |change| category(&change.from));
        let last = moves.rfind(|change| change.at <= at).map(|change| category(&change.to));
        last.unwrap_or(first) != "done"
    }

    fn local_day(&self, at: Millis) -> i64 {
        let zone = &self.ground.roster.teams[self.team].hours.zone;
        day_number(at.to_timestamp().to_zoned_datetime(zone.clone()).date())
    }

    /// The edits of a field; edits within ten minutes are one, from the first value to the last.
    fn edits(&self, field: &str) -> Vec<(Millis, Option<String>, Option<String>)> {
        let mut edits: Vec<(Millis, Option<String>, Option<String>)> = Vec::new();
        for (at, from, to) in self.edits_exact(field) {
            match edits.last_mut() {
                Some(last) if at.0 - last.0.0 <= ONE_EDIT => last.2 = to,
                _ => edits.push((at, from, to)),
            }
        }
        edits
    }

    fn edits_exact(&self, field: &str) -> Vec<(Millis, Option<String>, Option<String>)> {
        let own = self.changes.iter().filter(|change| change.field == field);
        own.map(|change| (change.at, change.from.clone(), change.to.clone())).collect()
    }
}

/// Whether a list of sprint ids, rebuilt from its edits (or as it stands, where there is none), held a sprint at an instant.
fn member(edits: &[(Millis, Option<String>, Option<String>)], now: &str, sprint: i64, at: Millis) -> bool {
    let last = edits.iter().rfind(|(changed, _, _)| *changed <= at).map(|(_, _, to)| to);
    // Without any edit the present list has always stood.
    let first = edits.first().map(|(_, from, _)| from);
    let list = last.or(first).map_or(Some(now), |list| list.as_deref());
    list.is_some_and(|list| list.split(',').any(|id| id.trim().parse() == Ok(sprint)))
}
