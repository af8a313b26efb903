//! `item_blocked_days`: each item on each working day at whose end it was marked as blocked, or waited for others.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::*;

use super::tickets::{Habits, Work, state_at, states};
use super::{Columns, Ground, Kind};
use crate::measure::tables::{Act, Pull, Ticket};
use crate::model::time::Millis;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// An item on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockedDay {
    pub team: usize,
    pub day: i64,
    /// Who has the ticket; the author of a change.
    pub person: Option<i64>,
    pub item: String,
    pub flagged: bool,
    /// In a status in which this project parks work.
    pub parked: bool,
    /// In progress, and blocked by an open ticket of another team.
    pub blocked: bool,
    /// A change that waits for somebody of another team to look at it.
    pub asked_others: bool,
}

/// All item-days.
#[must_use]
pub fn rows(ground: &Ground<'_>, works: &[Work<'_>], habits: &Habits) -> Vec<BlockedDay> {
    let blockers = Blockers::gather(ground);
    let mut rows: Vec<BlockedDay> = works.iter().flat_map(|work| of_ticket(ground, work, habits, &blockers)).collect();
    rows.extend(of_changes(ground));
    rows.sort_by(|left, right| (left.team, left.day, &left.item).cmp(&(right.team, right.day, &right.item)));
    rows
}

/// The fact table.
///
/// # Errors
/// A polars error is a bug in the columns.
pub fn frame(rows: &[BlockedDay], ground: &Ground<'_>) -> PolarsResult<DataFrame> {
    let mut columns = Columns::default();
    for row in rows {
        columns.text("team", Some(&ground.roster.teams[row.team].id));
        columns.day("day", row.day);
        columns.int("day_no", Some(row.day));
        columns.int("person", row.person);
        columns.text("item", Some(&row.item));
        columns.int("flagged", Some(i64::from(row.flagged)));
        columns.int("parked", Some(i64::from(row.parked)));
        columns.int("blocked", Some(i64::from(row.blocked)));
        columns.int("asked_others", Some(i64::from(row.asked_others)));
    }
    columns.finish(&[
        ("team", Kind::Text),
        ("day", Kind::Day),
        ("day_no", Kind::Int),
        ("person", Kind::Int),
        ("item", Kind::Text),
        ("flagged", Kind::Int),
        ("parked", Kind::Int),
        ("blocked", Kind::Int),
        ("asked_others", Kind::Int),
    ])
}

/// Which ticket is blocked by which.
struct Blockers<'a> {
    by_ticket: BTreeMap<(&'a str, i64), BTreeSet<&'a str>>,
    tickets: BTreeMap<(&'a str, &'a str), &'a Ticket>,
}

impl<'a> Blockers<'a> {
    /// Only links whose type means blocking count, as the blocked ticket tells them.
    fn gather(ground: &Ground<'a>) -> Self {
        let mut by_ticket: BTreeMap<(&str, i64), BTreeSet<&str>> = BTreeMap::new();
        let blocking =
            ground.tables.links.iter().filter(|link| link.inward && link.kind.to_lowercase().contains("block"));
        for link in blocking {
            by_ticket.entry((link.ticket.0.as_str(), link.ticket.1)).or_default().insert(link.other_key.as_str());
        }
        let tickets = ground.tables.tickets.iter();
        Self {
            by_ticket,
            tickets: tickets.map(|ticket| ((ticket.host.as_str(), ticket.key.as_str()), ticket)).collect(),
        }
    }

    /// The states of the other teams' tickets that block an item. A ticket that is not read is left out: whether it
    /// is done cannot be known.
    fn of(&self, ground: &Ground<'a>, work: &Work<'_>) -> Vec<Vec<(Millis, &'a str)>> {
        let keys = self.by_ticket.get(&(work.ticket.host.as_str(), work.ticket.id));
        let others = keys.into_iter().flatten().filter_map(|key| self.tickets.get(&(work.ticket.host.as_str(), *key)));
        let foreign = others.filter(|other| ground.team_of_ticket(other) != Some(work.team));
        let history = |other: &&'a Ticket| {
            let changes = ground.tables.changes.get(&(other.host.clone(), other.id));
            states(ground, other, changes.map(Vec::as_slice).unwrap_or_default())
        };
        foreign.map(history).collect()
    }
}

fn of_ticket(ground: &Ground<'_>, work: &Work<'_>, habits: &Habits, blockers: &Blockers<'_>) -> Vec<BlockedDay> {
    let flags = work.held("flagged", work.ticket.flagged);
    let parked: Vec<(Millis, &str)> = work.moves().map(|step| (step.at, step.to)).collect();
    let parks = parked.iter().any(|(_, status)| habits.is_waiting(work, status));
    let blockers = blockers.of(ground, work);
    if flags.is_empty() && !parks && blockers.is_empty() {
        return Vec::new();
    }
    let own = work.states();
    let open = |states: &[(Millis, &str)], at: Millis| state_at(states, at).is_some_and(|state| state != "done");
    let day = |(day, end): (i64, Millis)| {
        let row = BlockedDay {
            team: work.team,
            day,
            person: work.holder(end),
            item: work.ticket.key.clone(),
            flagged: flags.iter().any(|(from, to)| *from <= end && to.is_none_or(|to| end < to)),
            parked: parked.iter().rfind(|(at, _)| *at <= end).is_some_and(|(_, to)| habits.is_waiting(work, to)),
            blocked: state_at(&own, end) == Some("in_progress") && blockers.iter().any(|other| open(other, end)),
            asked_others: false,
        };
        (open(&own, end) && (row.flagged || row.parked || row.blocked)).then_some(row)
    };
    days(ground, work.team, work.ticket.created_at).filter_map(day).collect()
}

/// The working days of a team from an instant on, with their ends.
fn days<'a>(ground: &'a Ground<'_>, team: usize, from: Millis) -> impl Iterator<Item = (i64, Millis)> + 'a {
    let calendar = &ground.calendars[team];
    let all = calendar.days.iter().enumerate().map(|(position, (day, _))| (*day, calendar.end_of(position)));
    all.skip_while(move |(_, end)| *end < from)
}

/// Changes of code for which somebody outside the team was asked, until that person answers or is asked no more.
fn of_changes(ground: &Ground<'_>) -> Vec<BlockedDay> {
    let mut acts: BTreeMap<(i64, i64), Vec<&Act>> = BTreeMap::new();
    for act in &ground.tables.acts {
        acts.entry((act.repository, act.number)).or_default().push(act);
    }
    let mut rows = Vec::new();
    for pull in ground.tables.pulls.iter().filter(|pull| ground.is_human_work(pull)) {
        let (Some(team), Some(own)) = (ground.team_of_pull(pull), acts.get_mut(&(pull.repository, pull.number))) else {
            continue;
        };
        own.sort_by_key(|act| act.at);
        let waits = foreign_waits(ground, pull, team, own);
        let Some(first) = waits.iter().map(|(from, _)| *from).min() else { continue };
        let waiting = |end: Millis| waits.iter().any(|(from, to)| *from <= end && to.is_none_or(|to| end < to));
        let last = pull.closed_at.unwrap_or(Millis(i64::MAX));
        for (day, _) in days(ground, team, first).take_while(|(_, end)| *end < last).filter(|(_, end)| waiting(*end)) {
            rows.extend(ground.pull_key(pull).map(|item| BlockedDay {
                team,
                day,
                person: ground.person_id(pull.author),
                item,
                flagged: false,
                parked: false,
                blocked: false,
                asked_others: true,
            }));
        }
    }
    rows
}

fn foreign_waits(ground: &Ground<'_>, pull: &Pull, team: usize, acts: &[&Act]) -> Vec<(Millis, Option<Millis>)> {
    // Whoever was a member in that week is none of the others, also when they have left since.
    let foreign = |act: &Act| {
        let person = ground.person(act.subject)?;
        let member = ground.roster.members(team, act.at.0.div_euclid(DAY)).contains(&person);
        (!member).then_some(person)
    };
    let asked = acts.iter().enumerate().filter(|(_, act)| act.kind == "review_requested");
    let waits = asked.filter_map(|(position, act)| {
        let person = foreign(act)?;
        let ends = acts[position + 1..].iter().find(|later| match later.kind.as_str() {
            "review_request_removed" => later.subject == act.subject,
            "review" | "comment" => ground.person(later.actor) == Some(person),
            _ => false,
        });
        Some((act.at, ends.map(|later| later.at).or(pull.closed_at)))
    });
    waits.collect()
}
