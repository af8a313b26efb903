//! `threads`: each remark of a member that somebody else answered, or that nobody answered for two working days.

use std::collections::BTreeMap;

use polars::prelude::*;

use super::{Columns, Ground, Kind};
use crate::measure::tables::{Pull, Remark, Ticket};
use crate::model::time::{Millis, day_number};

/// Working days after which a remark without an answer is decided.
const PATIENCE: i64 = 2;

/// A decided remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    pub team: usize,
    /// The team working day on which it was decided: of its first answer, or of the end of two working days.
    pub day: i64,
    /// Stored pseudonym of who wrote the first remark.
    pub person: i64,
    pub item: String,
    /// Nobody else answered in time, it was not resolved, and its item was still open then.
    pub left_open: bool,
}

/// All decided remarks. A thread of a review is one conversation. Comments without a thread are taken in turns: a
/// remark opens a conversation, the next one by somebody else answers it and opens none of its own.
#[must_use]
pub fn rows(ground: &Ground<'_>) -> Vec<Thread> {
    let mut conversations: BTreeMap<_, Vec<&Remark>> = BTreeMap::new();
    for remark in ground.tables.remarks.iter().filter(|remark| is_human(ground, remark)) {
        let place = (&remark.place, &remark.host, remark.repository, remark.number, remark.issue, &remark.thread);
        conversations.entry(place).or_default().push(remark);
    }
    let items = Items::gather(ground);
    let mut rows = Vec::new();
    for remarks in conversations.values_mut() {
        remarks.sort_by_key(|remark| remark.at);
        let Some(first) = remarks.first() else { continue };
        if first.thread.is_some() {
            let answer = remarks.iter().find(|other| other.author != first.author).map(|other| other.at);
            let resolved = remarks.iter().any(|remark| remark.resolved);
            rows.extend(decided(ground, &items, first, answer, resolved));
        } else {
            rows.extend(turns(remarks).filter_map(|(asked, answer)| decided(ground, &items, asked, answer, false)));
        }
    }
    rows.sort_by(|left, right| {
        (left.team, left.day, &left.item, left.person).cmp(&(right.team, right.day, &right.item, right.person))
    });
    rows
}

/// The fact table.
///
/// # Errors
/// A polars error is a bug in the columns.
pub fn frame(rows: &[Thread], ground: &Ground<'_>) -> PolarsResult<DataFrame> {
    let mut columns = Columns::default();
    for row in rows {
        columns.text("team", Some(&ground.roster.teams[row.team].id));
        columns.day("day", row.day);
        columns.int("day_no", Some(row.day));
        columns.int("person", Some(row.person));
        columns.text("item", Some(&row.item));
        columns.int("left_open", Some(i64::from(row.left_open)));
    }
    columns.finish(&[
        ("team", Kind::Text),
        ("day", Kind::Day),
        ("day_no", Kind::Int),
        ("person", Kind::Int),
        ("item", Kind::Text),
        ("left_open", Kind::Int),
    ])
}

fn is_human(ground: &Ground<'_>, remark: &Remark) -> bool {
    !remark.author_is_bot && remark.author.is_none_or(|author| !ground.roster.bots.contains(&author))
}

/// Remarks with their answers, where no thread tells which belongs to which.
fn turns<'a>(remarks: &[&'a Remark]) -> impl Iterator<Item = (&'a Remark, Option<Millis>)> + use<'a> {
    let mut turns: Vec<(&Remark, Option<Millis>)> = Vec::new();
    for remark in remarks {
        match turns.last_mut() {
            Some((asked, answer @ None)) if asked.author != remark.author => *answer = Some(remark.at),
            Some((_, None)) => {}
            _ => turns.push((remark, None)),
        }
    }
    turns.into_iter()
}

/// Where remarks stand: changes of code and tickets.
struct Items<'a> {
    pulls: BTreeMap<(i64, i64), &'a Pull>,
    tickets: BTreeMap<(&'a str, i64), &'a Ticket>,
}

impl<'a> Items<'a> {
    fn gather(ground: &Ground<'a>) -> Self {
        let tables = ground.tables;
        Self {
            pulls: tables.pulls.iter().map(|pull| ((pull.repository, pull.number), pull)).collect(),
            tickets: tables.tickets.iter().map(|ticket| ((ticket.host.as_str(), ticket.id), ticket)).collect(),
        }
    }

    /// Team, key and end of the item of a remark.
    fn of(&self, ground: &Ground<'_>, remark: &Remark) -> Option<(usize, String, Option<Millis>)> {
        if let Some(ticket) = remark.issue.and_then(|issue| self.tickets.get(&(remark.host.as_str(), issue))) {
            return Some((ground.team_of_ticket(ticket)?, ticket.key.clone(), ticket.resolved_at));
        }
        let pull = self.pulls.get(&(remark.repository?, remark.number?))?;
        let day = remark.at.0.div_euclid(86_400_000);
        let team = ground.team_of_repository(pull.repository, pull.author, day)?;
        let name = ground.tables.repositories.get(&pull.repository)?;
        Some((team, format!("{name}#{}", pull.number), pull.closed_at))
    }
}

fn decided(
    ground: &Ground<'_>,
    items: &Items<'_>,
    asked: &Remark,
    answer: Option<Millis>,
    resolved: bool,
) -> Option<Thread> {
    let (team, item, ended) = items.of(ground, asked)?;
    let person = ground.person(asked.author)?;
    // Only questions of members: what visitors ask is another team's matter.
    if ground.roster.team_of(person, asked.at.0.div_euclid(86_400_000)) != Some(team) {
        return None;
    }
    let calendar = &ground.calendars[team];
    let limit = calendar.after(asked.at, PATIENCE * calendar.day_minutes());
    let (at, in_time) = match (answer, limit) {
        (Some(answer), Some(limit)) if answer > limit => (limit, false),
        (Some(answer), _) => (answer, true),
        (None, Some(limit)) => (limit, false),
        (None, None) => return None,
    };
    let zone = &ground.roster.teams[team].hours.zone;
    Some(Thread {
        team,
        day: calendar.on_or_after(day_number(at.to_timestamp().to_zoned_datetime(zone.clone()).date()))?,
        person: ground.roster.people[person].id,
        item,
        left_open: !in_time && !resolved && ended.is_none_or(|ended| ended > at),
    })
}
