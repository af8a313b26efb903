//! `item_days`: each item in progress at the end of each working day of its team, with its age and the team's own limit.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::*;

use super::limits::Values;
use super::{Columns, Ground, Kind};
use crate::measure::calendar::TeamCalendar;
use crate::measure::tables::{Change, Pull, Ticket};
use crate::model::time::{Millis, date_of, day_number, week_of};

/// The kind under which changes of code stand where a team has no tracker.
const CHANGE: &str = "pull_request";
/// A team that started fewer issues of GitHub in the baseline than this does not work by them.
const FEWEST_ISSUES: usize = 20;

/// From when to when a change of code was open.
type Open = (Millis, Option<Millis>);

/// One item on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemDay {
    pub team: usize,
    pub day: i64,
    /// Stored pseudonym of the person who has it.
    pub person: Option<i64>,
    pub item: String,
    /// Working minutes since it entered progress.
    pub age_minutes: i64,
    /// The own limit of cycle time of its type in this week; `None` where too few items were finished.
    pub limit_minutes: Option<i64>,
    /// Working minutes since anything was changed about it.
    pub quiet_minutes: i64,
}

/// A stretch in progress: from the first start since it was last done, to the end.
struct Stretch {
    team: usize,
    kind: String,
    item: String,
    from: Millis,
    to: Option<Millis>,
    /// It ended by being finished, so that its length is a cycle time.
    finished: bool,
    /// Parts of the stretch in which it was set back to waiting and is not in progress.
    pauses: Vec<(Millis, Millis)>,
    /// Who had it, from which instant on.
    holders: Vec<(Millis, Option<i64>)>,
    /// Instants at which anything changed.
    touched: Vec<Millis>,
}

/// All items in progress on all days.
#[must_use]
pub fn rows(ground: &Ground<'_>) -> Vec<ItemDay> {
    let parents: BTreeSet<i64> = ground.tables.tickets.iter().filter_map(|ticket| ticket.parent).collect();
    let mut stretches = Vec::new();
    let linked = linked_changes(ground);
    let none = Vec::new();
    for ticket in ground.tables.tickets.iter().filter(|ticket| !parents.contains(&ticket.id) && ticket.kind != "Epic") {
        if let Some(team) = ground.team_of_ticket(ticket) {
            let linked = linked.get(&ticket.key.to_lowercase()).unwrap_or(&none);
            stretches.extend(ticket_stretches(ground, ticket, team, linked));
        }
    }
    let tracked = tracked_teams(ground, &stretches);
    stretches.retain(|stretch| tracked.contains(&stretch.team));
    for pull in &ground.tables.pulls {
        stretches.extend(change_stretch(ground, pull).filter(|stretch| !tracked.contains(&stretch.team)));
    }
    let mut limits = Limits::new(ground, &stretches);
    let mut rows = Vec::new();
    for stretch in &stretches {
        days_of(&ground.calendars[stretch.team], stretch, &mut limits, &mut rows);
    }
    rows.sort_by(|left, right| (left.team, left.day, &left.item).cmp(&(right.team, right.day, &right.item)));
    rows
}

/// The fact table.
///
/// # Errors
/// A polars error is a bug in the columns.
pub fn frame(rows: &[ItemDay], ground: &Ground<'_>) -> PolarsResult<DataFrame> {
    let mut columns = Columns::default();
    for row in rows {
        columns.text("team", Some(&ground.roster.teams[row.team].id));
        columns.day("day", row.day);
        columns.int("day_no", Some(row.day));
        columns.int("person", row.person);
        columns.text("item", Some(&row.item));
        columns.int("age_minutes", Some(row.age_minutes));
        columns.int("limit_minutes", row.limit_minutes);
        columns.int("quiet_minutes", Some(row.quiet_minutes));
    }
    columns.finish(&[
        ("team", Kind::Text),
        ("day", Kind::Day),
        ("day_no", Kind::Int),
        ("person", Kind::Int),
        ("item", Kind::Text),
        ("age_minutes", Kind::Int),
        ("limit_minutes", Kind::Int),
        ("quiet_minutes", Kind::Int),
    ])
}

/// Teams whose items are tickets: those with a tracker project, and those that start enough issues of GitHub for them
/// to say something. For all others open changes of code stand in, over the whole span, so that past and present are
/// counted alike.
fn tracked_teams(ground: &Ground<'_>, stretches: &[Stretch]) -> BTreeSet<usize> {
    let monday = day_number(week_of(date_of(ground.span.last)));
    let baseline = monday - 28 * 7..monday - 2 * 7;
    let started = |team: usize| {
        let own = stretches.iter().filter(|stretch| stretch.team == team);
        own.filter(|stretch| baseline.contains(&stretch.from.0.div_euclid(86_400_000))).count()
    };
    let teams = ground.roster.teams.iter().enumerate();
    teams.filter(|(at, team)| !team.projects.is_empty() || started(*at) >= FEWEST_ISSUES).map(|(at, _)| at).collect()
}

/// When changes of code that close an issue of GitHub were open, by the issue's key in lower case.
fn linked_changes(ground: &Ground<'_>) -> BTreeMap<String, Vec<Open>> {
    let mut linked: BTreeMap<String, Vec<Open>> = BTreeMap::new();
    for pull in &ground.tables.pulls {
        for key in pull.issue_keys.split(',').filter(|key| key.contains('#')) {
            linked.entry(key.to_lowercase()).or_default().push((pull.created_at, pull.closed_at));
        }
    }
    linked
}

/// An issue that waits is in progress while a change of code that closes it is open.
fn with_linked(states: Vec<(Millis, String)>, linked: &[Open]) -> Vec<(Millis, String)> {
    let Some(created) = states.first().map(|(at, _)| *at).filter(|_| !linked.is_empty()) else { return states };
    let ends = linked.iter().flat_map(|(from, to)| [Some(*from), *to]).flatten().filter(|at| *at > created);
    let mut instants: Vec<Millis> = states.iter().map(|(at, _)| *at).chain(ends).collect();
    instants.sort_unstable();
    instants.dedup();
    let state = |at: Millis| {
        let own = states.iter().rfind(|(since, _)| *since <= at).map_or("unknown", |(_, category)| category.as_str());
        let open = linked.iter().any(|(from, to)| *from <= at && to.is_none_or(|to| at < to));
        (at, if own == "to_do" && open { "in_progress" } else { own }.to_owned())
    };
    instants.into_iter().map(state).collect()
}

/// The state of a ticket over time, as (instant, category).
pub(super) fn categories(ground: &Ground<'_>, ticket: &Ticket, changes: &[Change]) -> Vec<(Millis, String)> {
    let category = |status: Option<&String>| {
        let known = status.and_then(|status| ground.tables.statuses.get(&(ticket.host.clone(), status.clone())));
        known.cloned().unwrap_or_else(|| "unknown".to_owned())
    };
    let moves: Vec<&Change> = changes.iter().filter(|change| change.field == "status").collect();
    let first = moves.first().map_or_else(|| ticket.category.clone(), |change| category(change.from.as_ref()));
    let mut states = vec![(ticket.created_at, first)];
    states.extend(moves.iter().map(|change| (change.at, category(change.to.as_ref()))));
    states
}

fn ticket_stretches(ground: &Ground<'_>, ticket: &Ticket, team: usize, linked: &[Open]) -> Vec<Stretch> {
    let changes = ground.tables.changes.get(&(ticket.host.clone(), ticket.id)).map(Vec::as_slice).unwrap_or_default();
    let mut holders = vec![(ticket.created_at, first_holder(ground, ticket, changes))];
    for change in changes.iter().filter(|change| change.field == "assignee") {
        let account = change.to.as_deref().and_then(|account| account.parse().ok());
        holders.push((change.at, ground.person_id(account)));
    }
    let touched: Vec<Millis> = changes.iter().map(|change| change.at).collect();
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut open: Option<Stretch> = None;
    for (at, category) in with_linked(categories(ground, ticket, changes), linked) {
        match (category.as_str(), open.as_mut()) {
            ("in_progress", None) => {
                open = Some(Stretch {
                    team,
                    kind: ticket.kind.clone(),
                    item: ticket.key.clone(),
                    from: at,
                    to: None,
                    finished: false,
                    pauses: Vec::new(),
                    holders: holders.clone(),
                    touched: touched.clone(),
                });
            }
            ("in_progress", Some(stretch)) => end_pause(stretch, at),
            ("done", Some(stretch)) => {
                end_pause(stretch, at);
                stretch.to = Some(at);
                stretch.finished = true;
                stretches.extend(open.take());
            }
            (_, Some(stretch)) if stretch.pauses.last().is_none_or(|(_, to)| *to != Millis(i64::MAX)) => {
                stretch.pauses.push((at, Millis(i64::MAX)));
            }
            _ => {}
        }
    }
    stretches.extend(open);
    stretches
}

fn end_pause(stretch: &mut Stretch, at: Millis) {
    if let Some(pause) = stretch.pauses.last_mut().filter(|(_, to)| *to == Millis(i64::MAX)) {
        pause.1 = at;
    }
}

pub(super) fn first_holder(ground: &Ground<'_>, ticket: &Ticket, changes: &[Change]) -> Option<i64> {
    let first = changes.iter().find(|change| change.field == "assignee");
    let account = first.map_or(ticket.assignee, |change| change.from.as_deref().and_then(|from| from.parse().ok()));
    ground.person_id(account)
}

/// A change of code as an item.
fn change_stretch(ground: &Ground<'_>, pull: &Pull) -> Option<Stretch> {
    let ready = pull.ready_at.filter(|_| !pull.draft)?;
    let day = ready.0.div_euclid(86_400_000);
    let team = ground.team_of_repository(pull.repository, pull.author, day)?;
    if pull.author_kind == "bot" {
        return None;
    }
    Some(Stretch {
        team,
        kind: CHANGE.to_owned(),
        item: format!("{}#{}", ground.tables.repositories.get(&pull.repository)?, pull.number),
        from: ready,
        to: pull.closed_at,
        finished: pull.closed_at.is_some(),
        pauses: Vec::new(),
        holders: vec![(pull.created_at, ground.person_id(pull.author))],
        touched: vec![ready],
    })
}

/// Cycle times of finished items, by team and type.
struct Limits {
    by_kind: BTreeMap<(usize, String), Values>,
    by_team: BTreeMap<usize, Values>,
}

impl Limits {
    fn new(ground: &Ground<'_>, stretches: &[Stretch]) -> Self {
        let mut by_kind: BTreeMap<(usize, String), Vec<(i64, i64)>> = BTreeMap::new();
        let mut by_team: BTreeMap<usize, Vec<(i64, i64)>> = BTreeMap::new();
        for stretch in stretches.iter().filter(|stretch| stretch.finished) {
            let Some(end) = stretch.to else { continue };
            let value = ground.calendars[stretch.team].minutes_between(stretch.from, end);
            let day = end.0.div_euclid(86_400_000);
            by_kind.entry((stretch.team, stretch.kind.clone())).or_default().push((day, value));
            by_team.entry(stretch.team).or_default().push((day, value));
        }
        Self {
            by_kind: by_kind.into_iter().map(|(key, values)| (key, Values::new(values))).collect(),
            by_team: by_team.into_iter().map(|(key, values)| (key, Values::new(values))).collect(),
        }
    }

    /// The limit of a type, or of all types together where the type has too few finished items.
    fn of(&mut self, team: usize, kind: &str, monday: i64) -> Option<i64> {
        let own = self.by_kind.get_mut(&(team, kind.to_owned())).and_then(|values| values.limit(monday));
        own.or_else(|| self.by_team.get_mut(&team).and_then(|values| values.limit(monday)))
    }
}

fn days_of(calendar: &TeamCalendar, stretch: &Stretch, limits: &mut Limits, rows: &mut Vec<ItemDay>) {
    let first = calendar.days.partition_point(|(day, _)| *day < stretch.from.0.div_euclid(86_400_000) - 1);
    for (position, (day, _)) in calendar.days.iter().enumerate().skip(first) {
        let end = calendar.end_of(position);
        if stretch.to.is_some_and(|to| to <= end) {
            break;
        }
        let paused = stretch.pauses.iter().any(|(from, to)| *from <= end && end < *to);
        if stretch.from > end || paused {
            continue;
        }
        let monday = day_number(week_of(date_of(*day)));
        let touched = stretch.touched.iter().rfind(|at| **at <= end).copied().unwrap_or(stretch.from);
        rows.push(ItemDay {
            team: stretch.team,
            day: *day,
            person: stretch.holders.iter().rfind(|(at, _)| *at <= end).and_then(|(_, person)| *person),
            item: stretch.item.clone(),
            age_minutes: calendar.minutes_between(stretch.from, end),
            limit_minutes: limits.of(stretch.team, &stretch.kind, monday),
            quiet_minutes: calendar.minutes_between(touched.max(stretch.from), end),
        });
    }
}
