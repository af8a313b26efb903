//! Who is available when, the working days of a team, and working time between two instants.

use std::collections::{BTreeMap, BTreeSet};

use super::roster::Roster;
use crate::model::time::{Millis, date_of};

/// The smallest group for which anything is counted; signals of clock and calendar data ask for more.
const LOWEST_FLOOR: i64 = 4;
/// Minutes of a working day where a team's calendar has no day to look at.
const DAY_MINUTES: i64 = 480;

/// The days that are measured: from `first` to `last` (yesterday), as day numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub first: i64,
    pub last: i64,
}

/// Availability of everybody on every measured day.
#[derive(Debug)]
pub struct Availability {
    pub span: Span,
    /// By person: the days on which they are available.
    available: Vec<BTreeSet<i64>>,
    /// By person: whole days of absence.
    absent: Vec<BTreeSet<i64>>,
}

impl Availability {
    /// Working days of each person minus absences: those of the configuration, and those of the calendars
    /// (`absences`: calendar account → whole days).
    #[must_use]
    pub fn new(roster: &Roster, absences: &BTreeMap<i64, BTreeSet<i64>>, span: Span) -> Self {
        let mut available = Vec::with_capacity(roster.people.len());
        let mut absent = Vec::with_capacity(roster.people.len());
        for person in &roster.people {
            let calendar = person.calendar.and_then(|(account, _)| absences.get(&account));
            let away = |day: i64| {
                person.has_left(day)
                    || person.absences.iter().any(|(from, to)| (*from..=*to).contains(&day))
                    || calendar.is_some_and(|days| days.contains(&day))
            };
            let days = span.first..=span.last;
            absent.push(days.clone().filter(|day| away(*day)).collect());
            available.push(days.filter(|day| person.works_on(*day) && !away(*day)).collect());
        }
        Self { span, available, absent }
    }

    /// Whether a person works on this day.
    #[must_use]
    pub fn is_available(&self, person: usize, day: i64) -> bool {
        self.available[person].contains(&day)
    }

    /// Whether a person is away on this day.
    #[must_use]
    pub fn is_absent(&self, person: usize, day: i64) -> bool {
        self.absent[person].contains(&day)
    }
}

/// The working days of one team, with a running number, and its working time.
#[derive(Debug)]
pub struct TeamCalendar {
    /// Team working days, ascending, with the number of people available.
    pub days: Vec<(i64, i64)>,
    /// Start and end of each team working day.
    hours: Vec<(Millis, Millis)>,
    /// Working minutes before each team working day.
    before: Vec<i64>,
}

impl TeamCalendar {
    /// The days on which at least the lowest floor of members is available; for a team below it, the days on which
    /// anybody is.
    #[must_use]
    pub fn new(roster: &Roster, availability: &Availability, team: usize) -> Self {
        let span = availability.span;
        let small = roster.teams[team].members.len() < usize::try_from(LOWEST_FLOOR).unwrap_or(4);
        let floor = if small { 1 } else { LOWEST_FLOOR };
        let mut calendar = Self { days: Vec::new(), hours: Vec::new(), before: Vec::new() };
        let mut minutes = 0;
        for day in span.first..=span.last {
            let members = roster.members(team, day);
            let available = members.iter().filter(|person| availability.is_available(**person, day)).count();
            let available = i64::try_from(available).unwrap_or(i64::MAX);
            let mut every_day = roster.teams[team].hours.clone();
            every_day.days = vec![date_of(day).weekday()];
            if let Some((from, to)) = every_day.on(date_of(day)).filter(|_| available >= floor) {
                calendar.days.push((day, available));
                calendar.hours.push((from, to));
                calendar.before.push(minutes);
                minutes += to.minutes_since(from);
            }
        }
        calendar
    }

    /// The team working day on which something at this day counts: the day itself or the next working day.
    #[must_use]
    pub fn on_or_after(&self, day: i64) -> Option<i64> {
        let position = self.days.partition_point(|(known, _)| *known < day);
        self.days.get(position).map(|(day, _)| *day)
    }

    /// The running number of a team working day.
    #[must_use]
    pub fn number(&self, day: i64) -> Option<i64> {
        let position = self.days.binary_search_by_key(&day, |(known, _)| *known).ok()?;
        i64::try_from(position).ok()
    }

    /// Working minutes from the first measured day to an instant.
    #[must_use]
    pub fn minutes_until(&self, at: Millis) -> i64 {
        let position = self.hours.partition_point(|(from, _)| *from <= at);
        let Some(last) = position.checked_sub(1) else { return 0 };
        let (from, to) = self.hours[last];
        self.before[last] + at.min(to).minutes_since(from)
    }

    /// Working minutes between two instants; 0 where `to` is not after `from`.
    #[must_use]
    pub fn minutes_between(&self, from: Millis, to: Millis) -> i64 {
        (self.minutes_until(to) - self.minutes_until(from)).max(0)
    }

    /// The instant at which this many working minutes have passed since `from`; `None` while it lies ahead.
    #[must_use]
    pub fn after(&self, from: Millis, minutes: i64) -> Option<Millis> {
        let target = self.minutes_until(from) + minutes;
        let position = self.before.partition_point(|before| *before < target).checked_sub(1)?;
        let (start, end) = self.hours[position];
        let rest = target - self.before[position];
        (rest <= end.minutes_since(start)).then(|| Millis(start.0 + rest * 60_000).max(from))
    }

    /// The end of a team working day.
    #[must_use]
    pub fn end_of(&self, position: usize) -> Millis {
        self.hours[position].1
    }

    /// Minutes of a working day.
    #[must_use]
    pub fn day_minutes(&self) -> i64 {
        self.hours.first().map_or(DAY_MINUTES, |(from, to)| to.minutes_since(*from))
    }
}

#[cfg(test)]
mod tests {
    use super::super::roster::{Membership, Person, Team};
    use super::*;
    use crate::model::time::{WorkingHours, day_number};
    use jiff::civil::{Weekday, date, time};
    use jiff::tz::TimeZone;

    fn hours() -> WorkingHours {
        use Weekday::{Friday, Monday, Thursday, Tuesday, Wednesday};
        WorkingHours {
            zone: TimeZone::get("Europe/Berlin").unwrap(),
            from: time(9, 0, 0, 0),
            to: time(17, 0, 0, 0),
            days: vec![Monday, Tuesday, Wednesday, Thursday, Friday],
        }
    }

    fn team_of(size: usize) -> (Roster, Availability) {
        let people = (0..size)
            .map(|id| Person {
                zone_stated: true,
                id: id as i64,
                hours: hours(),
                holidays: BTreeSet::from([day_number(date(2026, 10, 21))]),
                absences: vec![],
                left: vec![],
                calendar: None,
            })
            .collect();
        let members = (0..size).map(|person| Membership { person, from: None, to: None }).collect();
        let team = Team {
            id: "t".into(),
            members,
            repositories: vec![],
            clones: vec![],
            projects: vec![],
            leader: None,
            on_call: vec![],
            events: vec![],
            hours: hours(),
        };
        let roster = Roster { people, teams: vec![team], ..Roster::default() };
        let span = Span { first: day_number(date(2026, 10, 19)), last: day_number(date(2026, 11, 6)) };
        let availability = Availability::new(&roster, &BTreeMap::new(), span);
        (roster, availability)
    }

    fn at(text: &str) -> Millis {
        Millis::from_timestamp(text.parse().unwrap())
    }

    #[test]
    fn working_time_skips_nights_weekends_holidays_and_the_change_of_clocks() {
        let (roster, availability) = team_of(5);
        let calendar = TeamCalendar::new(&roster, &availability, 0);
        assert_eq!(calendar.on_or_after(day_number(date(2026, 10, 21))), Some(day_number(date(2026, 10, 22))));
        // Friday 16:00 summer time to Monday 10:00 winter time: one hour and one hour.
        assert_eq!(calendar.minutes_between(at("2026-10-23T14:00:00Z"), at("2026-10-26T09:00:00Z")), 120);
        assert_eq!(calendar.after(at("2026-10-23T14:00:00Z"), 120), Some(at("2026-10-26T09:00:00Z")));
        assert_eq!(calendar.after(at("2026-11-06T15:59:00Z"), 480), None);
    }

    #[test]
    fn working_time_adds_up() {
        let (roster, availability) = team_of(4);
        let calendar = TeamCalendar::new(&roster, &availability, 0);
        let (a, b, c) = (at("2026-10-19T10:30:00Z"), at("2026-10-22T20:00:00Z"), at("2026-11-02T08:15:00Z"));
        assert_eq!(calendar.minutes_between(a, b) + calendar.minutes_between(b, c), calendar.minutes_between(a, c));
        assert_eq!(calendar.minutes_between(c, a), 0);
    }
}
