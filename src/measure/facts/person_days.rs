//! `person_days`: each person on each day: available, active outside the own usual hours, meetings, longest free block.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::*;

use super::limits::Values;
use super::zones::without_zone;
use super::{Columns, Ground, Kind};
use crate::measure::roster::Person;
use crate::model::time::{Millis, date_of, day_number, week_of};

/// Usual hours are at least this wide, in minutes.
const NARROWEST: i64 = 9 * 60;
/// Fewer events than this in the baseline: the working hours of the roster stand in for the usual hours.
const FEWEST_EVENTS: usize = 100;
/// Longer entries are not meetings.
const LONGEST_MEETING: i64 = 12 * 60;
/// Fewer people than this whose clock can be read: nobody's hours are looked at.
const FEWEST_CLOCKS: usize = 5;
const DAY: i64 = 86_400_000;

/// One person on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonDay {
    pub team: usize,
    /// The team working day on which it counts: the day itself, or the next for a non-working day.
    pub day: i64,
    /// The day itself.
    pub own_day: i64,
    /// Stored pseudonym.
    pub person: i64,
    pub available: bool,
    pub on_call: bool,
    /// Events outside the own usual hours; all events of a non-working day.
    pub events_outside: i64,
    /// The person's zone is known, so that day and night can be told apart.
    pub clock_known: bool,
    /// A calendar of this person has been read for this day.
    pub calendar_read: bool,
    pub meeting_minutes: i64,
    pub meeting_limit_minutes: Option<i64>,
    /// The longest free stretch inside the own working hours, in minutes.
    pub longest_free_minutes: i64,
}

/// All days of all people in their teams. Days of absence are left out: work on them is another matter.
#[must_use]
pub fn rows(ground: &Ground<'_>) -> Vec<PersonDay> {
    let events = Events::gather(ground);
    let calendars = Calendars::gather(ground);
    let mut rows = Vec::new();
    for (person, own) in ground.roster.people.iter().enumerate() {
        let mut clock = events.of(person, own);
        for day in ground.span.first..=ground.span.last {
            if let Some(team) =
                ground.roster.team_of(person, day).filter(|_| !ground.availability.is_absent(person, day))
            {
                rows.extend(row(ground, team, person, day, &mut clock, &calendars));
            }
        }
    }
    limit_meetings(ground, &mut rows);
    forget_clocks(ground, &mut rows);
    rows.sort_by_key(|row| (row.team, row.day, row.person, row.own_day));
    rows
}

/// The fact table.
///
/// # Errors
/// A polars error is a bug in the columns.
pub fn frame(rows: &[PersonDay], ground: &Ground<'_>) -> PolarsResult<DataFrame> {
    let mut columns = Columns::default();
    for row in rows {
        columns.text("team", Some(&ground.roster.teams[row.team].id));
        columns.day("day", row.day);
        columns.int("day_no", Some(row.day));
        columns.int("own_day_no", Some(row.own_day));
        columns.int("person", Some(row.person));
        columns.int("available", Some(i64::from(row.available)));
        columns.int("on_call", Some(i64::from(row.on_call)));
        columns.int("events_outside", Some(row.events_outside));
        columns.int("clock_known", Some(i64::from(row.clock_known)));
        columns.int("calendar_read", Some(i64::from(row.calendar_read)));
        columns.int("meeting_minutes", Some(row.meeting_minutes));
        columns.int("meeting_limit_minutes", row.meeting_limit_minutes);
        columns.int("longest_free_minutes", Some(row.longest_free_minutes));
    }
    columns.finish(&[
        ("team", Kind::Text),
        ("day", Kind::Day),
        ("day_no", Kind::Int),
        ("own_day_no", Kind::Int),
        ("person", Kind::Int),
        ("available", Kind::Int),
        ("on_call", Kind::Int),
        ("events_outside", Kind::Int),
        ("clock_known", Kind::Int),
        ("calendar_read", Kind::Int),
        ("meeting_minutes", Kind::Int),
        ("meeting_limit_minutes", Kind::Int),
        ("longest_free_minutes", Kind::Int),
    ])
}

fn row(
    ground: &Ground<'_>,
    team: usize,
    person: usize,
    own_day: i64,
    clock: &mut Clock<'_>,
    calendars: &Calendars,
) -> Option<PersonDay> {
    let own = &ground.roster.people[person];
    let available = ground.availability.is_available(person, own_day);
    let events_outside = clock.outside(own_day, available);
    if !available && events_outside == 0 {
        return None;
    }
    let (meeting_minutes, longest_free_minutes) = calendars.day(own, own_day);
    let on_call = ground.roster.teams[team]
        .on_call
        .iter()
        .any(|(on_duty, (from, to))| *on_duty == person && (*from..=*to).contains(&own_day));
    Some(PersonDay {
        team,
        day: ground.calendars[team].on_or_after(own_day)?,
        own_day,
        person: own.id,
        available,
        on_call,
        events_outside,
        clock_known: true,
        calendar_read: available && own.calendar.is_some_and(|(_, read_to)| own_day <= read_to),
        meeting_minutes,
        meeting_limit_minutes: None,
        longest_free_minutes,
    })
}

/// Marks the days of people whose zone is unknown. Where that leaves fewer than five of a team, it marks all days of
/// the team, so that the figures never rest on fewer people than the page says.
fn forget_clocks(ground: &Ground<'_>, rows: &mut [PersonDay]) {
    let commits = ground.tables.commits.iter();
    let authors = commits.filter_map(|commit| Some((ground.person(commit.author)?, commit.utc_offset_minutes)));
    let unknown: BTreeSet<i64> = without_zone(authors)
        .into_iter()
        .map(|person| &ground.roster.people[person])
        .filter(|person| !person.zone_stated)
        .map(|person| person.id)
        .collect();
    if unknown.is_empty() {
        return;
    }
    let mut known: BTreeMap<usize, BTreeSet<i64>> = BTreeMap::new();
    for row in rows.iter().filter(|row| !unknown.contains(&row.person)) {
        known.entry(row.team).or_default().insert(row.person);
    }
    for row in rows {
        let enough = known.get(&row.team).is_some_and(|people| people.len() >= FEWEST_CLOCKS);
        row.clock_known = enough && !unknown.contains(&row.person);
    }
}

/// The newest limit of meeting time of each team, by its id.
#[must_use]
pub fn meeting_limits(ground: &Ground<'_>, rows: &[PersonDay]) -> BTreeMap<String, i64> {
    let mut newest: BTreeMap<usize, (i64, i64)> = BTreeMap::new();
    for row in rows {
        let Some(limit) = row.meeting_limit_minutes else { continue };
        let known = newest.entry(row.team).or_insert((row.day, limit));
        if row.day >= known.0 {
            *known = (row.day, limit);
        }
    }
    newest.into_iter().map(|(team, (_, limit))| (ground.roster.teams[team].id.clone(), limit)).collect()
}

/// Sets the team's own limit of meeting time, once per ISO week.
fn limit_meetings(ground: &Ground<'_>, rows: &mut [PersonDay]) {
    for team in 0..ground.roster.teams.len() {
        let own = rows.iter().filter(|row| row.team == team && row.calendar_read);
        let mut limits = Values::new(own.map(|row| (row.own_day, row.meeting_minutes)).collect());
        for row in rows.iter_mut().filter(|row| row.team == team) {
            row.meeting_limit_minutes = match &ground.roster.strict {
                Some(kept) if kept.contains_key(&ground.roster.teams[team].id) => {
                    kept.get(&ground.roster.teams[team].id).copied()
                }
                _ => limits.limit(day_number(week_of(date_of(row.day)))),
            };
        }
    }
}

/// The moments at which people did something, in their own local time.
pub(super) struct Events {
    /// By person: (day, minute of the day), sorted.
    by_person: BTreeMap<usize, Vec<(i64, i64)>>,
    /// Usual hours are those of the roster, since what they could be learned from is not kept.
    from_roster: bool,
}

impl Events {
    pub(super) fn gather(ground: &Ground<'_>) -> Self {
        let tables = ground.tables;
        let mut moments: BTreeSet<(usize, i64, i64)> = BTreeSet::new();
        let mut by_person: BTreeMap<usize, Vec<(i64, i64)>> = BTreeMap::new();
        let mut add = |account: Option<i64>, at: Millis| {
            if let Some(person) = ground.person(account) {
                by_person.entry(person).or_default().push(local(&ground.roster.people[person], at));
            }
        };
        for pull in &tables.pulls {
            add(pull.author, pull.created_at);
        }
        for act in tables.acts.iter().filter(|act| !act.actor_is_bot) {
            add(act.actor, act.at);
        }
        for ticket in &tables.tickets {
            add(ticket.reporter, ticket.created_at);
        }
        for change in tables.changes.values().flatten() {
            add(change.author, change.at);
        }
        for (author, at) in &tables.ticket_comments {
            add(Some(*author), *at);
        }
        let mut seen: BTreeSet<&[u8]> = BTreeSet::new();
        for commit in tables.commits.iter().filter(|commit| !commit.author_is_bot) {
            // The same commit may stand in a clone and in the service's answer, a rebased one under several hashes
            // with one author time: each moment counts once.
            let Some(person) = ground.person(commit.author).filter(|_| seen.insert(&commit.sha)) else { continue };
            let (day, minute) =
                commit_local(&ground.roster.people[person], commit.authored_at, commit.utc_offset_minutes);
            if moments.insert((person, day, commit.authored_at.0)) {
                by_person.entry(person).or_default().push((day, minute));
            }
        }
        for own in by_person.values_mut() {
            own.sort_unstable();
        }
        Self { by_person, from_roster: ground.roster.strict.is_some() }
    }

    /// How many events a person had on a day.
    pub(super) fn on(&self, person: usize, day: i64) -> i64 {
        let events = self.by_person.get(&person).map(Vec::as_slice).unwrap_or_default();
        let count = events.partition_point(|(at, _)| *at <= day) - events.partition_point(|(at, _)| *at < day);
        i64::try_from(count).unwrap_or(i64::MAX)
    }

    fn of<'a>(&'a self, person: usize, own: &'a Person) -> Clock<'a> {
        let events = self.by_person.get(&person).map(Vec::as_slice).unwrap_or_default();
        Clock { events, person: own, from_roster: self.from_roster, usual: BTreeMap::new() }
    }
}

/// Day and minute of an instant in a person's own zone.
fn local(person: &Person, at: Millis) -> (i64, i64) {
    let zoned = at.to_timestamp().to_zoned_datetime(person.hours.zone.clone());
    (day_number(zoned.date()), i64::from(zoned.hour()) * 60 + i64::from(zoned.minute()))
}

/// A commit tells its author's own offset. An offset of zero is what containers and hosted editors write, so there
/// the zone of the configuration decides.
fn commit_local(person: &Person, at: Millis, offset: i64) -> (i64, i64) {
    if offset == 0 {
        return local(person, at);
    }
    let shifted = at.0 + offset * 60_000;
    (shifted.div_euclid(DAY), shifted.rem_euclid(DAY) / 60_000)
}

/// One person's events and usual hours.
struct Clock<'a> {
    events: &'a [(i64, i64)],
    person: &'a Person,
    /// Usual hours are those of the roster.
    from_roster: bool,
    /// Usual hours by Monday of the week.
    usual: BTreeMap<i64, (i64, i64)>,
}

impl Clock<'_> {
    /// Events of a day outside the usual hours; on a non-working day all events.
    fn outside(&mut self, day: i64, available: bool) -> i64 {
        let from = self.events.partition_point(|(at, _)| *at < day);
        let to = self.events.partition_point(|(at, _)| *at <= day);
        if from == to {
            return 0;
        }
        let today = &self.events[from..to];
        let (start, end) = self.usual_hours(day_number(week_of(date_of(day))));
        let outside = today.iter().filter(|(_, minute)| !available || *minute < start || *minute > end).count();
        i64::try_from(outside).unwrap_or(i64::MAX)
    }

    /// The 2.5th to 97.5th percentile of the own clock times in the weeks t−28 … t−3, widened symmetrically to nine
    /// hours; with few events the working hours of the roster.
    fn usual_hours(&mut self, monday: i64) -> (i64, i64) {
        if let Some(known) = self.usual.get(&monday) {
            return *known;
        }
        let from = self.events.partition_point(|(day, _)| *day < monday - 7 * 28);
        let to = self.events.partition_point(|(day, _)| *day < monday - 7 * 2);
        let mut minutes: Vec<i64> = self.events[from..to].iter().map(|(_, minute)| *minute).collect();
        let hours = &self.person.hours;
        let clock = |time: jiff::civil::Time| i64::from(time.hour()) * 60 + i64::from(time.minute());
        let usual = if self.from_roster || minutes.len() < FEWEST_EVENTS {
            (clock(hours.from), clock(hours.to))
        } else {
            minutes.sort_unstable();
            let low = minutes[(minutes.len() * 25).div_ceil(1000).max(1) - 1];
            let high = minutes[(minutes.len() * 975).div_ceil(1000) - 1];
            let missing = (NARROWEST - (high - low)).max(0);
            (low - missing / 2, high + missing - missing / 2)
        };
        self.usual.insert(monday, usual);
        usual
    }
}

/// Busy stretches by calendar account, sorted by start.
struct Calendars {
    by_account: BTreeMap<i64, Vec<(Millis, Millis, bool)>>,
}

impl Calendars {
    fn gather(ground: &Ground<'_>) -> Self {
        let mut by_account: BTreeMap<i64, Vec<(Millis, Millis, bool)>> = BTreeMap::new();
        for busy in ground.tables.busy.iter().filter(|busy| busy.kind != "focus") {
            let short = busy.ends_at.minutes_since(busy.starts_at) <= LONGEST_MEETING;
            let meeting = busy.kind == "meeting" && short && busy.attendees.is_none_or(|people| people >= 2);
            by_account.entry(busy.account).or_default().push((busy.starts_at, busy.ends_at, meeting));
        }
        for own in by_account.values_mut() {
            own.sort_unstable();
        }
        Self { by_account }
    }

    /// Meeting minutes and the longest free stretch of a person inside the own working hours of a day.
    fn day(&self, person: &Person, day: i64) -> (i64, i64) {
        let Some((from, to)) = person.hours.on(date_of(day)) else { return (0, 0) };
        let Some(entries) = person.calendar.and_then(|(account, _)| self.by_account.get(&account)) else {
            return (0, to.minutes_since(from));
        };
        // Entries of up to a week before may still reach into this day.
        let first = entries.partition_point(|entry| entry.0 < Millis(from.0 - 7 * DAY));
        let near = entries[first..].iter().take_while(|entry| entry.0 < to).filter(|entry| entry.1 > from);
        let inside = near.map(|(start, end, meeting)| ((*start).max(from), (*end).min(to), *meeting));
        let (mut reached, mut met, mut meetings, mut longest) = (from, from, 0, 0);
        for (start, end, meeting) in inside {
            longest = longest.max(start.minutes_since(reached));
            reached = reached.max(end);
            if meeting {
                meetings += end.minutes_since(start.max(met)).max(0);
                met = met.max(end);
            }
        }
        (meetings, longest.max(to.minutes_since(reached)))
    }
}
