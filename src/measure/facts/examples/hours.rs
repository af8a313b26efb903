//! Hours and calendars of people.

use super::*;
use crate::measure::tables::{Busy, Commit, Talk};

const CALENDAR: i64 = 500;

/// The rows of a signal from day 0 to day 8.
fn week(roster: &Roster, tables: &Tables, slug: &str) -> Vec<String> {
    let days: Vec<String> = (0..=8).map(|day| format!("day {day} ")).collect();
    let rows = evidence(roster, tables, slug).into_iter();
    rows.filter(|row| days.iter().any(|day| row.starts_with(day))).collect()
}

/// Ada's calendar has been read up to Friday.
fn with_calendar() -> Roster {
    let mut roster = roster();
    roster.people[0].calendar = Some((CALENDAR, day_number(date(2026, 9, 7)) + 4));
    roster
}

fn busy(from: Millis, minutes: i64, kind: &str, attendees: i64) -> Busy {
    let ends_at = Millis(from.0 + minutes * 60_000);
    Busy { account: CALENDAR, starts_at: from, ends_at, kind: kind.to_owned(), attendees: Some(attendees) }
}

#[test]
fn a_day_lies_outside_usual_hours_when_two_things_were_done_outside_the_own_hours_or_on_a_free_day() {
    let mut tables = tables();
    let done = [
        (ADA, at(1, 20)),
        (ADA, at(1, 21)),
        // Once is not enough.
        (BO, at(1, 22)),
        (BO, at(1, 12)),
        // A Saturday counts on the Monday after, beside that day itself.
        (CY, at(5, 11)),
        (CY, at(5, 12)),
        // On call.
        (BO, at(2, 20)),
        (BO, at(2, 21)),
    ];
    tables.commits = (1..)
        .zip(done)
        .map(|(sha, (author, authored_at))| Commit {
            host: "h".to_owned(),
            sha: vec![sha],
            author,
            author_is_bot: false,
            authored_at,
            utc_offset_minutes: 0,
        })
        .collect();
    let mut roster = roster();
    let wednesday = day_number(date(2026, 9, 9));
    roster.teams[0].on_call = vec![(1, (wednesday, wednesday))];
    let rows = week(&roster, &tables, "outside_usual_hours");
    // Seven working days of three people, without the day on call.
    assert_eq!(rows.len(), 7 * 3 - 1);
    compare(
        rows.into_iter().filter(|row| !row.contains(" 0 of 1")).collect(),
        &["day 1 person 1 - 1 of 1", "day 7 person 3 - 1 of 2"],
    );
}

#[test]
fn a_day_has_no_quiet_block_when_no_two_free_hours_lie_between_its_entries() {
    let mut tables = tables();
    let hourly = [10, 12, 14, 16].map(|hour| busy(at(0, hour), 60, "meeting", 3));
    tables.busy = hourly.to_vec();
    tables.busy.extend([
        busy(at(1, 10), 60, "meeting", 3),
        // Time that is kept free does not block.
        busy(at(1, 11), 360, "focus", 1),
        busy(at(2, 9), 361, "meeting", 3),
        busy(at(3, 9), 360, "meeting", 3),
    ]);
    let expected = [
        "day 0 person 1 - 1 of 1",
        "day 1 person 1 - 0 of 1",
        "day 2 person 1 - 1 of 1",
        // Exactly two hours remain.
        "day 3 person 1 - 0 of 1",
        "day 4 person 1 - 0 of 1",
    ];
    compare(week(&with_calendar(), &tables, "no_quiet_block"), &expected);
}

#[test]
fn a_day_is_full_of_meetings_beyond_what_85_in_100_days_of_the_team_had() {
    let mut tables = tables();
    tables.busy = (-200..0).map(|day| busy(at(day, 10), 60, "meeting", 3)).collect();
    tables.busy.extend([
        // As usual; overlapping, so that ninety minutes are taken; an entry of one's own.
        busy(at(0, 9), 60, "meeting", 3),
        busy(at(1, 9), 60, "meeting", 3),
        busy(Millis(at(1, 9).0 + 30 * 60_000), 60, "meeting", 2),
        busy(at(2, 9), 180, "meeting", 1),
        // Outside the working hours.
        busy(at(3, 17), 180, "meeting", 3),
    ]);
    let expected = (0..=4).map(|day| format!("day {day} person 1 - {} of 1", i64::from(day == 1)));
    let expected: Vec<String> = expected.collect();
    compare(week(&with_calendar(), &tables, "meeting_load"), &expected.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_one_to_one_of_the_leader_counts_on_the_day_it_was_planned_for_and_gave_way_when_cancelled_or_moved_far() {
    let mut tables = tables();
    let talk = |account: i64, planned: i64, held: i64, cancelled: bool| Talk {
        account,
        planned_at: at(planned, 10),
        starts_at: at(held, 15),
        cancelled,
    };
    tables.talks = vec![
        talk(CALENDAR, 0, 0, false),
        talk(CALENDAR, 1, 1, true),
        // From Wednesday to Friday are two working days, from Wednesday to Monday three; from Friday back to Tuesday three.
        talk(CALENDAR, 2, 4, false),
        talk(CALENDAR, 2, 7, false),
        talk(CALENDAR, 4, 1, false),
        // After what was read, and of somebody else.
        talk(CALENDAR, 7, 7, true),
        talk(CALENDAR + 1, 1, 1, true),
    ];
    let mut roster = with_calendar();
    assert_eq!(week(&roster, &tables, "moved_one_to_ones"), [""; 0], "nobody leads the team");
    roster.teams[0].leader = Some(0);
    compare(
        week(&roster, &tables, "moved_one_to_ones"),
        &[
            "day 0 person 1 - 0 of 1",
            "day 1 person 1 - 1 of 1",
            "day 2 person 1 - 0 of 1",
            "day 2 person 1 - 1 of 1",
            "day 4 person 1 - 1 of 1",
        ],
    );
}
