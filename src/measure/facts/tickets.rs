//! What tickets went through: their states over time, who had them, and what a project's own habits say about its
//! statuses. No table of its own; the facts about tickets stand on it.

use std::collections::{BTreeMap, BTreeSet};

use super::Ground;
use crate::measure::tables::{Change, Ticket};
use crate::model::time::Millis;

/// A status says something about a project's habits once it was entered so often.
const FEWEST_VISITS: usize = 10;

/// A ticket that is work of a team: no epic, and no parent of other tickets.
#[derive(Clone, Copy)]
pub struct Work<'a> {
    ground: &'a Ground<'a>,
    pub ticket: &'a Ticket,
    pub changes: &'a [Change],
    pub team: usize,
}

/// A change of status.
#[derive(Clone, Copy, Debug)]
pub struct Move<'a> {
    pub at: Millis,
    pub from: &'a str,
    pub to: &'a str,
}

/// All work of all teams.
#[must_use]
pub fn work<'a>(ground: &'a Ground<'a>) -> Vec<Work<'a>> {
    let tables = ground.tables;
    let parents: BTreeSet<(&str, i64)> =
        tables.tickets.iter().filter_map(|ticket| Some((ticket.host.as_str(), ticket.parent?))).collect();
    let own = tables
        .tickets
        .iter()
        .filter(|ticket| ticket.kind != "Epic" && !parents.contains(&(ticket.host.as_str(), ticket.id)));
    own.filter_map(|ticket| Some(Work::new(ground, ticket, ground.team_of_ticket(ticket)?))).collect()
}

impl<'a> Work<'a> {
    fn new(ground: &'a Ground<'a>, ticket: &'a Ticket, team: usize) -> Self {
        let changes = ground.tables.changes.get(&(ticket.host.clone(), ticket.id));
        Self { ground, ticket, changes: changes.map(Vec::as_slice).unwrap_or_default(), team }
    }

    /// The changes of status, in order of time.
    pub fn moves(&self) -> impl Iterator<Item = Move<'a>> {
        self.changes.iter().filter(|change| change.field == "status").map(|change| Move {
            at: change.at,
            from: change.from.as_deref().unwrap_or_default(),
            to: change.to.as_deref().unwrap_or_default(),
        })
    }

    /// The category of a status.
    #[must_use]
    pub fn category(&self, status: &str) -> &'a str {
        category(self.ground, &self.ticket.host, status)
    }

    /// The categories over time, from its creation on.
    #[must_use]
    pub fn states(&self) -> Vec<(Millis, &'a str)> {
        states(self.ground, self.ticket, self.changes)
    }

    /// The person who has it at an instant.
    #[must_use]
    pub fn holder(&self, at: Millis) -> Option<i64> {
        let account = match self.value_at("assignee", at) {
            Some(value) => value.and_then(|account| account.parse().ok()),
            None => self.ticket.assignee,
        };
        self.ground.person_id(account)
    }

    /// The sprints that it is in at an instant.
    #[must_use]
    pub fn sprints_at(&self, at: Millis) -> Vec<i64> {
        let list = self.value_at("sprint", at).unwrap_or(Some(self.ticket.sprints.as_str())).unwrap_or_default();
        list.split(',').filter_map(|id| id.trim().parse().ok()).collect()
    }

    /// What a field held at an instant; before its first edit what that edit took away. `None` for a field that was
    /// never edited: it has always held what it holds now.
    fn value_at(&self, field: &str, at: Millis) -> Option<Option<&'a str>> {
        let mut edits = self.changes.iter().filter(|change| change.field == field);
        let first = edits.clone().next()?;
        Some(edits.rfind(|change| change.at <= at).map_or(first.from.as_deref(), |last| last.to.as_deref()))
    }

    /// The stretches during which a field held something; the last one is open where it still does.
    #[must_use]
    pub fn held(&self, field: &str, now: bool) -> Vec<(Millis, Option<Millis>)> {
        let edits: Vec<&Change> = self.changes.iter().filter(|change| change.field == field).collect();
        let mut since = edits.first().map_or(now, |edit| edit.from.is_some()).then_some(self.ticket.created_at);
        let mut stretches = Vec::new();
        for edit in edits {
            match (since, edit.to.is_some()) {
                (Some(from), false) => {
                    stretches.push((from, Some(edit.at)));
                    since = None;
                }
                (None, true) => since = Some(edit.at),
                _ => {}
            }
        }
        stretches.extend(since.map(|from| (from, None)));
        stretches
    }
}

/// The category of a status; `unknown` where the tracker does not tell it.
fn category<'a>(ground: &Ground<'a>, host: &str, status: &str) -> &'a str {
    let known = ground.tables.statuses.get(&(host.to_owned(), status.to_owned()));
    known.map_or("unknown", String::as_str)
}

/// The categories of a ticket over time, from its creation on.
#[must_use]
pub fn states<'a>(ground: &Ground<'a>, ticket: &'a Ticket, changes: &[Change]) -> Vec<(Millis, &'a str)> {
    let named = |status: &Option<String>| category(ground, &ticket.host, status.as_deref().unwrap_or_default());
    let moves: Vec<&Change> = changes.iter().filter(|change| change.field == "status").collect();
    let first = moves.first().map_or(ticket.category.as_str(), |change| named(&change.from));
    let mut states = vec![(ticket.created_at, first)];
    states.extend(moves.iter().map(|change| (change.at, named(&change.to))));
    states
}

/// The category at an instant; `None` before the first state.
#[must_use]
pub fn state_at<'a>(states: &[(Millis, &'a str)], at: Millis) -> Option<&'a str> {
    states.iter().rfind(|(since, _)| *since <= at).map(|(_, category)| *category)
}

/// What a project does with its statuses, learned from all that is stored about it. Names of statuses are not
/// kept, and would be in any language.
#[derive(Debug, Default)]
pub struct Habits {
    /// Reached out of work in progress, and no place to park: review and test.
    late: BTreeSet<(String, String)>,
    /// Four in five visits lead back to the status before: a place to wait.
    waiting: BTreeSet<(String, String)>,
    /// Steps that a third of all visits to a status take: a hand-over, not a return.
    lawful: BTreeSet<(String, String, String)>,
}

#[derive(Default)]
struct Visits {
    all: usize,
    from_progress: usize,
    ended: usize,
    back: usize,
}

impl Habits {
    /// Learns the habits of every project.
    #[must_use]
    pub fn learn(works: &[Work<'_>]) -> Self {
        let mut visits: BTreeMap<(String, String), Visits> = BTreeMap::new();
        let mut steps: BTreeMap<(String, String, String), usize> = BTreeMap::new();
        for work in works {
            let project = &work.ticket.project;
            let key = |status: &str| (project.clone(), status.to_owned());
            let mut before: Option<Move<'_>> = None;
            for step in work.moves() {
                let entered = visits.entry(key(step.to)).or_default();
                entered.all += 1;
                entered.from_progress += usize::from(work.category(step.from) == "in_progress");
                *steps.entry((project.clone(), step.from.to_owned(), step.to.to_owned())).or_default() += 1;
                if let Some(before) = before {
                    let left = visits.entry(key(step.from)).or_default();
                    left.ended += 1;
                    left.back += usize::from(before.from == step.to);
                }
                before = Some(step);
            }
        }
        let known = |visits: &Visits| visits.all >= FEWEST_VISITS;
        let parks = |visits: &Visits| visits.ended >= FEWEST_VISITS && visits.back * 5 >= visits.ended * 4;
        let mostly_later = |visits: &Visits| 2 * visits.from_progress > visits.all;
        let chosen = |wanted: &dyn Fn(&Visits) -> bool| -> BTreeSet<(String, String)> {
            visits.iter().filter(|(_, own)| known(own) && wanted(own)).map(|(key, _)| key.clone()).collect()
        };
        let lawful = steps.iter().filter(|((project, from, _), count)| {
            let visited = visits.get(&(project.clone(), from.clone())).map_or(0, |visits| visits.all);
            **count >= FEWEST_VISITS && **count * 3 >= visited
        });
        Self {
            late: chosen(&|own| mostly_later(own) && !parks(own)),
            waiting: chosen(&|own| mostly_later(own) && parks(own)),
            lawful: lawful.map(|(step, _)| step.clone()).collect(),
        }
    }

    /// Whether a status in progress comes after the work itself, as review and test do.
    #[must_use]
    pub fn is_late(&self, work: &Work<'_>, status: &str) -> bool {
        work.category(status) == "in_progress" && self.late.contains(&(work.ticket.project.clone(), status.to_owned()))
    }

    /// Whether work is parked in this status.
    #[must_use]
    pub fn is_waiting(&self, work: &Work<'_>, status: &str) -> bool {
        let parked = &(work.ticket.project.clone(), status.to_owned());
        work.category(status) == "in_progress" && self.waiting.contains(parked)
    }

    /// Whether the project hands work over by this step.
    #[must_use]
    pub fn is_lawful(&self, work: &Work<'_>, step: &Move<'_>) -> bool {
        self.lawful.contains(&(work.ticket.project.clone(), step.from.to_owned(), step.to.to_owned()))
    }
}
