//! The change of clocks, in three zones and both directions: hours, working time, quiet blocks and days stay local.

use jiff::civil::{Date, DateTime};

use super::*;
use crate::measure::facts::person_days::{self, PersonDay};
use crate::measure::tables::{Busy, Commit};
use crate::model::time::date_of;

const CALENDAR: i64 = 500;
/// Each zone with the Sundays on which its clocks change, and by how many minutes that night is longer.
const CHANGES: [(&str, Date, i64); 6] = [
    ("Europe/Berlin", Date::constant(2026, 3, 29), -60),
    ("Europe/Berlin", Date::constant(2026, 10, 25), 60),
    ("America/New_York", Date::constant(2026, 3, 8), -60),
    ("America/New_York", Date::constant(2026, 11, 1), 60),
    ("Australia/Sydney", Date::constant(2026, 4, 5), 60),
    ("Australia/Sydney", Date::constant(2026, 10, 4), -60),
];

/// A zone around a Sunday on which its clocks change.
struct Around {
    zone: TimeZone,
    sunday: i64,
    longer: i64,
}

fn all() -> impl Iterator<Item = Around> {
    CHANGES.into_iter().map(|(zone, sunday, longer)| Around {
        zone: TimeZone::get(zone).unwrap(),
        sunday: day_number(sunday),
        longer,
    })
}

impl Around {
    /// A local moment, counted in days from the Sunday.
    fn local(&self, day: i64, hour: i8, minute: i8) -> Millis {
        let moment: DateTime = date_of(self.sunday + day).at(hour, minute, 0, 0);
        Millis::from_timestamp(self.zone.to_ambiguous_timestamp(moment).compatible().unwrap())
    }

    /// Five people of one team in this zone, of whom the first has a calendar.
    fn roster(&self, hours: &WorkingHours) -> Roster {
        let hours = WorkingHours { zone: self.zone.clone(), ..hours.clone() };
        let mut roster = roster();
        let person = |id| Person { id, hours: hours.clone(), ..roster.people[0].clone() };
        let people: Vec<Person> = (1..=5).map(person).collect();
        roster.people = people;
        roster.people[0].calendar = Some((CALENDAR, self.sunday + 90));
        roster.teams.truncate(1);
        roster.teams[0].members = (0..5).map(|person| Membership { person, from: None, to: None }).collect();
        roster.teams[0].hours = hours;
        roster
    }

    /// What is measured up to the Friday after.
    fn with<T>(&self, hours: &WorkingHours, tables: &Tables, look: impl FnOnce(&Ground<'_>) -> T) -> T {
        let roster = self.roster(hours);
        let span = Span { first: self.sunday - 210, last: self.sunday + 5 };
        let availability = Availability::new(&roster, &tables.absences, span);
        let calendars = vec![TeamCalendar::new(&roster, &availability, 0)];
        look(&Ground { roster: &roster, tables, availability: &availability, calendars: &calendars, span })
    }

    /// The first person's days, by day counted from the Sunday.
    fn days(&self, hours: &WorkingHours, tables: &Tables) -> BTreeMap<i64, PersonDay> {
        let rows = self.with(hours, tables, person_days::rows);
        rows.into_iter().filter(|row| row.person == 1).map(|row| (row.own_day - self.sunday, row)).collect()
    }

    fn commits(&self, moments: impl IntoIterator<Item = Millis>) -> Vec<Commit> {
        let commit = |(at, authored_at): (usize, Millis)| Commit {
            host: "h".to_owned(),
            sha: at.to_be_bytes().to_vec(),
            author: ADA,
            author_is_bot: false,
            authored_at,
            utc_offset_minutes: i64::from(self.zone.to_offset(authored_at.to_timestamp()).seconds()) / 60,
        };
        moments.into_iter().enumerate().map(commit).collect()
    }
}

/// From midnight to eight, on every day.
fn nights() -> WorkingHours {
    use Weekday::{Saturday, Sunday};
    let days = hours().days.into_iter().chain([Saturday, Sunday]).collect();
    WorkingHours { from: Time::constant(0, 0, 0, 0), to: Time::constant(8, 0, 0, 0), days, ..hours() }
}

#[test]
fn working_time_from_friday_to_monday_is_the_same_in_every_week_and_a_night_shift_is_as_long_as_it_was() {
    for around in all() {
        around.with(&hours(), &Tables::default(), |ground| {
            let minutes = |from, to| ground.calendars[0].minutes_between(from, to);
            for week in [-7, 0] {
                let (friday, monday) = (around.local(week - 2, 16, 0), around.local(week + 1, 10, 0));
                assert_eq!(minutes(friday, monday), 120, "{:?}", around.zone);
                assert_eq!(ground.calendars[0].after(friday, 120), Some(monday));
            }
        });
        around.with(&nights(), &Tables::default(), |ground| {
            let night = |day| ground.calendars[0].minutes_between(around.local(day, 0, 0), around.local(day, 8, 0));
            assert_eq!([night(-1), night(0), night(1)], [480, 480 + around.longer, 480], "{:?}", around.zone);
        });
    }
}

#[test]
fn usual_hours_are_those_of_the_clock_before_and_after_it_changes() {
    for around in all() {
        // Half a year of days from eight to six, learned before the change alone.
        let past = (-200..-21).flat_map(|day| [around.local(day, 8, 0), around.local(day, 18, 0)]);
        let present =
            [(-2, 8, 5), (-2, 17, 55), (-2, 18, 30), (1, 8, 5), (1, 17, 55), (1, 18, 30), (2, 7, 30), (3, 23, 45)];
        let present = present.map(|(day, hour, minute)| around.local(day, hour, minute));
        let tables = Tables { commits: around.commits(past.chain(present)), ..Tables::default() };
        let days = around.days(&hours(), &tables);
        let outside = [-2, 1, 2, 3, 4].map(|day| days[&day].events_outside);
        assert_eq!(outside, [1, 1, 1, 1, 0], "{:?}", around.zone);
        // The same without an own offset, where the zone of the configuration tells the time.
        let mut commits = tables.commits;
        commits.iter_mut().for_each(|commit| commit.utc_offset_minutes = 0);
        assert_eq!(around.days(&hours(), &Tables { commits, ..Tables::default() }), days, "{:?}", around.zone);
    }
}

#[test]
fn free_blocks_and_meetings_lie_where_the_clock_says_on_both_sides_of_the_change() {
    for around in all() {
        let meeting = |day| Busy {
            account: CALENDAR,
            starts_at: around.local(day, 11, 0),
            ends_at: around.local(day, 14, 30),
            kind: "meeting".to_owned(),
            attendees: Some(3),
        };
        let tables = Tables { busy: vec![meeting(-2), meeting(1)], ..Tables::default() };
        let days = around.days(&hours(), &tables);
        for day in [-2, 1] {
            assert_eq!((days[&day].longest_free_minutes, days[&day].meeting_minutes), (150, 210), "{:?}", around.zone);
        }
        let nights = around.days(&nights(), &Tables::default());
        assert_eq!(nights[&0].longest_free_minutes, 480 + around.longer, "{:?}", around.zone);
    }
}

#[test]
fn everybody_has_one_day_a_day_and_what_is_done_before_midnight_belongs_to_it() {
    for around in all() {
        let late = [(0, 23, 30), (0, 23, 40), (1, 0, 10), (1, 0, 20), (1, 0, 30)];
        let commits = around.commits(late.map(|(day, hour, minute)| around.local(day, hour, minute)));
        let tables = Tables { commits, ..Tables::default() };
        let days = around.days(&hours(), &tables);
        // The Sunday is no working day; it is there for what was done on it, and counts on the Monday.
        assert_eq!((days[&0].events_outside, days[&0].day), (2, around.sunday + 1), "{:?}", around.zone);
        assert_eq!(days[&1].events_outside, 3, "{:?}", around.zone);
        let rows = around.with(&hours(), &tables, person_days::rows);
        let week = |row: &&PersonDay| row.available && (-6..=5).contains(&(row.own_day - around.sunday));
        assert_eq!(rows.iter().filter(week).count(), 5 * 10, "{:?}", around.zone);
    }
}
