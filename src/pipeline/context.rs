//! What the roster itself explains: holidays, on-call turns and many new members in the window of ten days.

use crate::measure::roster::Roster;
use crate::model::time::{date_of, day_number, week_of};
use crate::report::input::Context;

/// At least this many new members, or this part of the team, are many.
const MANY: usize = 2;
const MANY_IN: usize = 4;

/// What may explain a card about a window, from the roster alone; no person, and no number of people.
#[must_use]
pub fn context(roster: &Roster, team: usize, (from, to): (i64, i64)) -> Vec<Context> {
    let mut all = Vec::new();
    let holidays = (from..=to).filter(|day| is_holiday(roster, team, *day));
    all.extend(holidays.map(|day| Context::Holiday(date_of(day))));
    if roster.teams[team].on_call.iter().any(|(_, (first, last))| *first <= to && *last >= from) {
        all.push(Context::OnCall);
    }
    if has_many_joiners(roster, team, (from, to)) {
        all.push(Context::Joiners);
    }
    all
}

/// A holiday for at least half of the members who would have worked on that day of the week.
fn is_holiday(roster: &Roster, team: usize, day: i64) -> bool {
    let weekday = date_of(day).weekday();
    let members = roster.members(team, day).into_iter().map(|person| &roster.people[person]);
    let working: Vec<_> = members.filter(|person| person.hours.days.contains(&weekday)).collect();
    let free = working.iter().filter(|person| person.holidays.contains(&day)).count();
    free > 0 && 2 * free >= working.len()
}

/// Whether two people, or a quarter of the team, were not in it in the week before the window.
fn has_many_joiners(roster: &Roster, team: usize, (from, to): (i64, i64)) -> bool {
    let before = roster.members(team, day_number(week_of(date_of(from))) - 7);
    let now = roster.members(team, to);
    let new = now.iter().filter(|person| !before.contains(person)).count();
    !before.is_empty() && new > 0 && (new >= MANY || MANY_IN * new >= now.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::roster::{Membership, Person, Team};
    use crate::model::time::WorkingHours;
    use jiff::civil::{Weekday, time};
    use jiff::tz::TimeZone;

    const MONDAY: i64 = 20_780 - 20_780 % 7 + 4;

    /// A team of old members and of new ones, who came on the second Monday.
    fn roster(old: usize, new: usize) -> Roster {
        let hours = WorkingHours {
            zone: TimeZone::UTC,
            from: time(9, 0, 0, 0),
            to: time(17, 0, 0, 0),
            days: vec![Weekday::Monday, Weekday::Tuesday],
        };
        let person = |id: usize| Person {
            id: i64::try_from(id).unwrap(),
            hours: hours.clone(),
            zone_stated: true,
            holidays: Default::default(),
            absences: Vec::new(),
            left: Vec::new(),
            calendar: None,
        };
        let member = |person| Membership { person, from: (person >= old).then_some(MONDAY + 7), to: None };
        let team = Team {
            id: "t".to_owned(),
            members: (0..old + new).map(member).collect(),
            repositories: Vec::new(),
            clones: Vec::new(),
            projects: Vec::new(),
            leader: None,
            on_call: Vec::new(),
            events: Vec::new(),
            hours: hours.clone(),
        };
        Roster { people: (0..old + new).map(person).collect(), teams: vec![team], ..Roster::default() }
    }

    const WINDOW: (i64, i64) = (MONDAY, MONDAY + 11);

    #[test]
    fn two_new_members_or_a_quarter_of_the_team_are_many_and_a_new_team_has_none() {
        let found = |old, new| context(&roster(old, new), 0, WINDOW);
        assert_eq!(found(8, 2), [Context::Joiners]);
        assert_eq!(found(3, 1), [Context::Joiners]);
        assert_eq!(found(8, 1), []);
        assert_eq!(found(0, 6), []);
    }

    #[test]
    fn a_holiday_of_half_the_members_and_turns_on_call_are_told() {
        let mut roster = roster(4, 0);
        roster.people[0].holidays.insert(MONDAY + 1);
        assert_eq!(context(&roster, 0, WINDOW), []);
        roster.people[1].holidays.insert(MONDAY + 1);
        roster.teams[0].on_call.push((0, (MONDAY - 9, MONDAY)));
        assert_eq!(context(&roster, 0, WINDOW), [Context::Holiday(date_of(MONDAY + 1)), Context::OnCall]);
        assert_eq!(context(&roster, 0, (MONDAY + 2, MONDAY + 11)), []);
    }
}
