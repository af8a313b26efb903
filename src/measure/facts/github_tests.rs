//! Issues of GitHub as items of teams without a tracker project.

use std::collections::BTreeMap;

use jiff::civil::{Time, Weekday, date};
use jiff::tz::TimeZone;

use super::{Ground, item_days, planned_items};
use crate::measure::calendar::{Availability, Span, TeamCalendar};
use crate::measure::roster::{Membership, Person, Roster, Team};
use crate::measure::tables::{Change, Pull, Tables, Ticket};
use crate::model::time::{Millis, WorkingHours, day_number};

pub(super) const DAY: i64 = 86_400_000;

fn hours() -> WorkingHours {
    WorkingHours {
        zone: TimeZone::UTC,
        from: Time::constant(9, 0, 0, 0),
        to: Time::constant(17, 0, 0, 0),
        days: vec![Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday],
    }
}

fn team(id: &str, person: usize, repositories: &[&str], projects: &[&str]) -> Team {
    Team {
        id: id.to_owned(),
        members: vec![Membership { person, from: None, to: None }],
        repositories: repositories.iter().map(|name| (*name).to_owned()).collect(),
        clones: Vec::new(),
        projects: projects.iter().map(|key| (*key).to_owned()).collect(),
        leader: None,
        on_call: Vec::new(),
        events: Vec::new(),
        hours: hours(),
    }
}

/// Two people in two teams that share a repository; a third team has a tracker project. Accounts are 100 and 101.
pub(super) fn roster() -> Roster {
    let person = |id| Person {
        id,
        hours: hours(),
        holidays: Default::default(),
        absences: Vec::new(),
        left: Vec::new(),
        calendar: None,
        zone_stated: true,
    };
    Roster {
        people: vec![person(1), person(2), person(3)],
        teams: vec![
            team("one", 0, &["o/own", "o/shared"], &[]),
            team("two", 1, &["o/shared"], &[]),
            team("three", 2, &["o/tracked"], &["PAY"]),
        ],
        accounts: BTreeMap::from([(100, 0), (101, 1)]),
        ..Roster::default()
    }
}

fn span() -> Span {
    Span { first: day_number(date(2026, 1, 1)), last: day_number(date(2026, 9, 30)) }
}

pub(super) fn ticket(id: i64, project: &str, created: i64, assignee: Option<i64>) -> Ticket {
    Ticket {
        host: "h".to_owned(),
        id,
        key: format!("{project}#{id}"),
        project: project.to_owned(),
        kind: "issue".to_owned(),
        category: "to_do".to_owned(),
        created_at: Millis(created * DAY),
        resolved_at: None,
        assignee,
        reporter: Some(101),
        ..Ticket::default()
    }
}

pub(super) fn moved(day: i64, from: &str, to: &str) -> Change {
    let (from, to) = (Some(from.to_owned()), Some(to.to_owned()));
    Change { field: "status".to_owned(), at: Millis(day * DAY), author: None, from, to }
}

pub(super) fn tables(tickets: Vec<Ticket>, changes: Vec<(i64, Vec<Change>)>, pulls: Vec<Pull>) -> Tables {
    let states = [("open", "to_do"), ("assigned", "in_progress"), ("closed", "done")];
    Tables {
        repositories: BTreeMap::from([(1, "o/own".to_owned())]),
        statuses: states.into_iter().map(|(id, to)| (("h".to_owned(), id.to_owned()), to.to_owned())).collect(),
        changes: changes.into_iter().map(|(id, changes)| (("h".to_owned(), id), changes)).collect(),
        tickets,
        pulls,
        ..Tables::default()
    }
}

pub(super) fn pull(number: i64, from: i64, to: Option<i64>, issue_keys: &str) -> Pull {
    Pull {
        repository: 1,
        number,
        author: Some(100),
        author_kind: "user".to_owned(),
        draft: false,
        created_at: Millis(from * DAY),
        ready_at: Some(Millis(from * DAY)),
        closed_at: to.map(|day| Millis(day * DAY)),
        issue_keys: issue_keys.to_owned(),
        ..Pull::default()
    }
}

pub(super) fn with_ground<T>(tables: &Tables, test: impl FnOnce(&Ground<'_>) -> T) -> T {
    with_ground_of(&roster(), tables, test)
}

pub(super) fn with_ground_of<T>(roster: &Roster, tables: &Tables, test: impl FnOnce(&Ground<'_>) -> T) -> T {
    let availability = Availability::new(roster, &tables.absences, span());
    let calendars: Vec<TeamCalendar> =
        (0..roster.teams.len()).map(|team| TeamCalendar::new(roster, &availability, team)).collect();
    test(&Ground { roster, tables, availability: &availability, calendars: &calendars, span: span() })
}

/// So many issues that were begun and finished in the baseline, one a day.
fn finished(count: i64) -> (Vec<Ticket>, Vec<(i64, Vec<Change>)>) {
    let begin = day_number(date(2026, 5, 4));
    let tickets = (1..=count).map(|id| ticket(id, "o/own", begin, Some(100))).collect();
    let moves = |id: i64| vec![moved(begin + id, "open", "assigned"), moved(begin + id + 2, "assigned", "closed")];
    (tickets, (1..=count).map(|id| (id, moves(id))).collect())
}

fn items_of_last_day(tables: &Tables) -> Vec<String> {
    let last = span().last;
    with_ground(tables, |ground| {
        item_days::rows(ground).into_iter().filter(|row| row.day == last).map(|row| row.item).collect()
    })
}

#[test]
fn issues_are_the_items_of_a_team_that_starts_enough_of_them_and_changes_of_code_elsewhere() {
    let late = day_number(date(2026, 9, 21));
    for (count, expected) in [(20, "o/own#500"), (19, "o/own#900")] {
        let (mut tickets, mut changes) = finished(count);
        tickets.push(ticket(500, "o/own", late, Some(100)));
        changes.push((500, vec![moved(late, "open", "assigned")]));
        let tables = tables(tickets, changes, vec![pull(900, late, None, "")]);
        assert_eq!(items_of_last_day(&tables), [expected], "{count} issues");
    }
}

#[test]
fn an_issue_that_nobody_has_is_in_progress_while_a_linked_change_is_open() {
    let late = day_number(date(2026, 9, 1));
    let (mut tickets, changes) = finished(20);
    tickets.push(ticket(500, "o/own", late, None));
    tickets.push(ticket(501, "o/own", late, None));
    let pulls = vec![pull(900, late + 1, None, "O/Own#500"), pull(901, late + 1, Some(late + 3), "o/own#501")];
    let tables = tables(tickets, changes, pulls);
    assert_eq!(items_of_last_day(&tables), ["o/own#500"]);
}

#[test]
fn issues_of_a_shared_repository_follow_the_assignee_and_tracked_teams_count_their_tickets_only() {
    let whose = [
        ticket(1, "o/shared", 20_500, Some(100)),
        ticket(2, "o/shared", 20_500, None),
        ticket(3, "O/Own", 20_500, Some(101)),
        ticket(4, "o/tracked", 20_500, Some(100)),
        ticket(5, "o/elsewhere", 20_500, Some(100)),
    ];
    let expected = [Some(0), Some(1), Some(0), None, None];
    let none = tables(Vec::new(), Vec::new(), Vec::new());
    with_ground(&none, |ground| assert_eq!(whose.map(|ticket| ground.team_of_ticket(&ticket)), expected));
}

#[test]
fn an_issue_that_is_open_on_its_milestones_day_is_carried_over() {
    let due = day_number(date(2026, 9, 16));
    let mut tickets = vec![ticket(1, "o/own", due - 20, None), ticket(2, "o/own", due - 20, None)];
    tickets.iter_mut().for_each(|ticket| ticket.due_on = Some(due));
    let tables = tables(tickets, vec![(2, vec![moved(due - 1, "open", "closed")])], Vec::new());
    let rows = with_ground(&tables, planned_items::rows);
    let seen: Vec<(&str, i64, bool)> = rows.iter().map(|row| (row.item.as_str(), row.day, row.carried_over)).collect();
    assert_eq!(seen, [("o/own#1", due, true), ("o/own#2", due, false)]);
}
