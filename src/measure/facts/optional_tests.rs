//! Evidence of the optional signals, small enough to be checked by eye. Days are those of September 2026; the 21st is
//! a Monday, work runs from nine to five.

use jiff::civil::date;

use super::github_tests::{DAY, moved, pull, roster, tables, ticket, with_ground_of};
use super::{compute, incidents};
use crate::measure::roster::Roster;
use crate::measure::signals::{run, shipped};
use crate::measure::tables::{Act, Change, CheckRun, Commit, Remark, Tables, Ticket};
use crate::model::time::{Millis, date_of, day_number};

/// A moment of September 2026.
fn at(day: i8, hour: i64, minute: i64) -> Millis {
    Millis(day_number(date(2026, 9, day)) * DAY + (hour * 60 + minute) * 60_000)
}

/// The rows of a signal that count something, as `team day person item x/n`.
fn evidence_of(roster: &Roster, slug: &str, tables: &Tables) -> Vec<String> {
    let query = shipped().into_iter().find(|query| query.slug == slug).unwrap();
    let facts = with_ground_of(roster, tables, |ground| compute(ground).unwrap().facts);
    let rows = run(&query, &facts).unwrap();
    let ints = |name: &str| -> Vec<Option<i64>> {
        rows.column(name).unwrap().cast(&polars::prelude::DataType::Int64).unwrap().i64().unwrap().iter().collect()
    };
    let texts = |name: &str| -> Vec<Option<String>> {
        rows.column(name).unwrap().str().unwrap().iter().map(|text| text.map(str::to_owned)).collect()
    };
    let (days, people, n, x) = (ints("day"), ints("person"), ints("n"), ints("x"));
    let (teams, items) = (texts("team"), texts("item"));
    let line = |row: usize| {
        let day = date_of(days[row].unwrap());
        let (team, item) = (teams[row].clone().unwrap(), items[row].clone().unwrap_or("-".to_owned()));
        let person = people[row].map_or("-".to_owned(), |person| person.to_string());
        format!("{team} {day} {person} {item} {}/{}", x[row].unwrap(), n[row].unwrap())
    };
    (0..rows.height()).map(line).collect()
}

fn evidence(slug: &str, tables: &Tables) -> Vec<String> {
    evidence_of(&roster(), slug, tables)
}

fn remark(number: i64, thread: Option<&str>, author: i64, at: Millis) -> Remark {
    Remark {
        host: "github.com".to_owned(),
        place: if thread.is_some() { "review" } else { "pull_request" }.to_owned(),
        repository: Some(1),
        number: Some(number),
        issue: None,
        thread: thread.map(str::to_owned),
        author: Some(author),
        author_is_bot: false,
        at,
        resolved: false,
    }
}

#[test]
fn a_remark_hangs_when_nobody_else_answers_for_two_working_days_while_its_change_is_open() {
    let opened = day_number(date(2026, 9, 14));
    let pulls = vec![
        pull(1, opened, None, ""),
        pull(2, opened, None, ""),
        pull(3, opened, Some(opened + 8), ""),
        pull(4, opened, None, ""),
    ];
    let mut resolved = remark(4, Some("e"), 100, at(21, 10, 0));
    resolved.resolved = true;
    let remarks = vec![
        // Nobody answers: decided two working days later.
        remark(1, Some("a"), 100, at(21, 10, 0)),
        remark(1, Some("a"), 100, at(21, 15, 0)),
        // A colleague answers on the next day.
        remark(2, Some("b"), 100, at(21, 10, 0)),
        remark(2, Some("b"), 101, at(22, 9, 30)),
        // The change is closed on the 22nd, before the two days are over.
        remark(3, Some("c"), 100, at(21, 10, 0)),
        resolved,
        // A guest of the team asks: no question of a member.
        remark(1, Some("f"), 101, at(21, 10, 0)),
    ];
    let tables = Tables { remarks, ..tables(Vec::new(), Vec::new(), pulls) };
    assert_eq!(
        evidence("hanging_threads", &tables),
        [
            "one 2026-09-22 1 o/own#2 0/1",
            "one 2026-09-23 1 o/own#1 1/1",
            "one 2026-09-23 1 o/own#3 0/1",
            "one 2026-09-23 1 o/own#4 0/1",
        ]
    );
}

#[test]
fn comments_without_threads_are_taken_in_turns() {
    let pulls = vec![pull(1, day_number(date(2026, 9, 14)), None, "")];
    let remarks = vec![
        remark(1, None, 100, at(21, 10, 0)),
        remark(1, None, 101, at(22, 10, 0)),
        remark(1, None, 100, at(23, 10, 0)),
        remark(1, None, 100, at(24, 10, 0)),
    ];
    let tables = Tables { remarks, ..tables(Vec::new(), Vec::new(), pulls) };
    let expected = ["one 2026-09-22 1 o/own#1 0/1", "one 2026-09-25 1 o/own#1 1/1"];
    assert_eq!(evidence("hanging_threads", &tables), expected);
}

#[test]
fn items_in_progress_stand_against_five_person_days_a_person() {
    let begun = day_number(date(2026, 9, 28));
    let tickets = vec![tracked(1), tracked(2), tracked(3)];
    let changes = (1..=3).map(|id| (id, vec![moved(begun, "open", "assigned")])).collect();
    let rows = evidence("too_much_at_once", &tables(tickets, changes, Vec::new()));
    let mut last: Vec<&String> = rows.iter().filter(|row| row.starts_with("three 2026-09-30")).collect();
    last.sort();
    assert_eq!(last, ["three 2026-09-30 - - 3/0", "three 2026-09-30 3 - 0/5"]);
}

/// A ticket of the team with a tracker.
fn tracked(id: i64) -> Ticket {
    Ticket { key: format!("PAY-{id}"), ..ticket(id, "PAY", day_number(date(2026, 9, 1)), None) }
}

fn edited(field: &str, at: Millis) -> Change {
    Change { field: field.to_owned(), at, author: None, from: None, to: None }
}

#[test]
fn a_goal_moves_when_its_fields_change_in_the_first_five_working_days() {
    let monday = day_number(date(2026, 9, 14));
    let start = moved(monday, "open", "assigned");
    let tickets = (1..=5).map(tracked).collect();
    let changes = vec![
        (1, vec![start.clone(), edited("estimate", at(16, 11, 0))]),
        // Settled while it was started.
        (2, vec![start.clone(), edited("estimate", at(14, 0, 40))]),
        // After the first week.
        (3, vec![start.clone(), edited("priority", at(21, 11, 0))]),
        // Another field.
        (4, vec![start.clone(), edited("sprint", at(15, 11, 0))]),
        // Done on Wednesday, before the change.
        (5, vec![start, moved(monday + 2, "assigned", "closed"), edited("parent", at(17, 11, 0))]),
    ];
    assert_eq!(
        evidence("moving_goals", &tables(tickets, changes, Vec::new())),
        [
            "three 2026-09-16 - PAY-5 0/1",
            "three 2026-09-18 - PAY-1 1/1",
            "three 2026-09-18 - PAY-2 0/1",
            "three 2026-09-18 - PAY-3 0/1",
            "three 2026-09-18 - PAY-4 0/1",
        ]
    );
}

#[test]
fn incidents_count_when_they_are_started_and_those_under_one_incident_once() {
    let day = day_number(date(2026, 9, 15));
    let outage = Ticket { kind: "Incident".to_owned(), ..tracked(1) };
    let part = Ticket { kind: "Incident".to_owned(), parent: Some(1), ..tracked(2) };
    let hotfix = Ticket { labels: "checkout,hotfix".to_owned(), ..tracked(3) };
    let waiting = Ticket { labels: "hotfix".to_owned(), ..tracked(5) };
    let tickets = vec![outage, part, hotfix, tracked(4), waiting];
    let begun = |id: i64, day| (id, vec![moved(day, "open", "assigned")]);
    let changes = vec![begun(1, day + 1), begun(2, day), begun(3, day + 2), begun(4, day)];
    let tables = tables(tickets, changes, Vec::new());
    let rows = evidence("incident_interruptions", &tables);
    let counted: Vec<&String> = rows.iter().filter(|row| row.ends_with("1/0")).collect();
    assert_eq!(counted, ["three 2026-09-15 - PAY-2 1/0", "three 2026-09-17 - PAY-3 1/0"]);
    let exposure = rows.iter().filter(|row| row.starts_with("three 2026-09-15") && row.ends_with("0/1")).count();
    assert_eq!(exposure, 1, "one person is there");
    assert!(!incidents::is_incident(&tracked(9)));
}

fn check(number: i64, started: Millis, minutes: i64, conclusion: &str) -> CheckRun {
    let completed_at = Some(Millis(started.0 + minutes * 60_000));
    let conclusion = Some(conclusion.to_owned());
    CheckRun { repository: 1, number: Some(number), sha: vec![1], started_at: started, completed_at, conclusion }
}

#[test]
fn checks_that_are_repeated_on_the_same_code_or_waited_for_are_friction() {
    let opened = day_number(date(2026, 9, 14));
    let pulls = (1..=5).map(|number| pull(number, opened, Some(opened + 4), "")).collect();
    let acts = (1..=5).map(|number| Act {
        repository: 1,
        number,
        at: at(18, 12, 0),
        kind: "merged".to_owned(),
        actor: Some(100),
        actor_is_bot: false,
        subject: None,
    });
    let check_runs = vec![
        // Two checks fail, and pass when they are repeated.
        check(1, at(15, 9, 0), 10, "failure"),
        check(1, at(15, 9, 0), 12, "failure"),
        check(1, at(15, 10, 0), 10, "success"),
        check(1, at(15, 10, 0), 10, "success"),
        // One check fails while the other passes: no repetition.
        check(2, at(15, 9, 0), 10, "failure"),
        check(2, at(15, 9, 0), 12, "success"),
        // One repetition is not yet friction.
        check(3, at(15, 9, 0), 10, "failure"),
        check(3, at(15, 10, 0), 10, "success"),
        // More than a working day of waiting.
        check(4, at(15, 9, 0), 30 * 60, "success"),
    ];
    let tables = Tables { acts: acts.collect(), check_runs, ..tables(Vec::new(), Vec::new(), pulls) };
    assert_eq!(
        evidence("retry_friction", &tables),
        [
            "one 2026-09-18 1 o/own#1 1/1",
            "one 2026-09-18 1 o/own#2 0/1",
            "one 2026-09-18 1 o/own#3 0/1",
            "one 2026-09-18 1 o/own#4 1/1",
        ]
    );
}

#[test]
fn a_day_off_counts_when_the_absent_person_did_two_things_on_it() {
    let mut roster = roster();
    // Monday to Sunday; the weekend is no day off.
    roster.people[0].absences = vec![(day_number(date(2026, 9, 14)), day_number(date(2026, 9, 20)))];
    let commit = |sha: u8, at: Millis| Commit {
        host: "github.com".to_owned(),
        sha: vec![sha],
        author: Some(100),
        author_is_bot: false,
        authored_at: at,
        utc_offset_minutes: 120,
    };
    let commits = vec![commit(1, at(15, 9, 0)), commit(2, at(15, 9, 30)), commit(3, at(16, 9, 0))];
    let tables = Tables { commits, ..tables(Vec::new(), Vec::new(), Vec::new()) };
    let rows = evidence_of(&roster, "work_on_days_off", &tables);
    // Alone in the team, so that the days count on the next day of work.
    assert_eq!(rows.len(), 5);
    assert_eq!(rows.iter().filter(|row| *row == "one 2026-09-21 1 - 1/1").count(), 1, "{rows:?}");
    assert_eq!(rows.iter().filter(|row| *row == "one 2026-09-21 1 - 0/1").count(), 4, "{rows:?}");
}
