//! A small world for each signal: a few people, a few changes and tickets, and the evidence that can be counted by eye.
//! One file a group of signals; every signal has an example that goes through facts and SQL.

use std::collections::BTreeMap;

use jiff::civil::{Time, Weekday, date};
use jiff::tz::TimeZone;

use super::{Facts, Ground, compute};
use crate::measure::calendar::{Availability, Span, TeamCalendar};
use crate::measure::roster::{Membership, Person, Roster, Team};
use crate::measure::signals::{Query, run, shipped};
use crate::measure::tables::{Act, Change, Link, Pull, Review, Sprint, Tables, Ticket};
use crate::model::time::{Millis, WorkingHours, day_number};

mod changes;
mod hours;
mod items;
mod plans;
mod properties;
mod zones;

pub(super) const HOUR: i64 = 3_600_000;
pub(super) const BOT: i64 = 900;
pub(super) const ADA: Option<i64> = Some(100);
pub(super) const BO: Option<i64> = Some(101);
pub(super) const CY: Option<i64> = Some(102);
/// Of another team.
pub(super) const DEE: Option<i64> = Some(103);

/// An hour of Monday 7 September 2026, and of the days that follow: day 0 is that Monday.
pub(super) fn at(day: i64, hour: i64) -> Millis {
    Millis((day_number(date(2026, 9, 7)) + day) * 24 * HOUR + hour * HOUR)
}

pub(super) fn hours() -> WorkingHours {
    use Weekday::{Friday, Monday, Thursday, Tuesday, Wednesday};
    WorkingHours {
        zone: TimeZone::UTC,
        from: Time::constant(9, 0, 0, 0),
        to: Time::constant(17, 0, 0, 0),
        days: vec![Monday, Tuesday, Wednesday, Thursday, Friday],
    }
}

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
    let team = |id: &str, people: &[usize], project: &str| Team {
        id: id.to_owned(),
        members: people.iter().map(|person| Membership { person: *person, from: None, to: None }).collect(),
        repositories: vec![format!("o/{id}")],
        clones: Vec::new(),
        projects: vec![project.to_owned()],
        leader: None,
        on_call: Vec::new(),
        events: Vec::new(),
        hours: hours(),
    };
    Roster {
        people: (1..=4).map(person).collect(),
        teams: vec![team("pay", &[0, 1, 2], "PAY"), team("web", &[3], "WEB")],
        accounts: (0..4).map(|person| (100 + person as i64, person)).collect(),
        bots: [BOT].into(),
        ..Roster::default()
    }
}

pub(super) fn tables() -> Tables {
    let statuses = [("todo", "to_do"), ("doing", "in_progress"), ("test", "in_progress"), ("park", "in_progress")];
    let statuses = statuses.into_iter().chain([("done", "done")]);
    Tables {
        repositories: BTreeMap::from([(1, "o/pay".to_owned())]),
        statuses: statuses.map(|(id, to)| (("h".to_owned(), id.to_owned()), to.to_owned())).collect(),
        ..Tables::default()
    }
}

/// The days that are measured: half a year before day 0, and the nineteen days from it on.
pub(super) fn span() -> Span {
    let monday = day_number(date(2026, 9, 7));
    Span { first: monday - 210, last: monday + 18 }
}

/// The facts of a world.
pub(super) fn facts(roster: &Roster, tables: &Tables) -> Facts {
    let availability = Availability::new(roster, &tables.absences, span());
    let calendars: Vec<TeamCalendar> =
        (0..roster.teams.len()).map(|team| TeamCalendar::new(roster, &availability, team)).collect();
    let ground = Ground { roster, tables, availability: &availability, calendars: &calendars, span: span() };
    compute(&ground).unwrap().facts
}

/// The evidence of a signal for the team `pay`, in no order.
pub(super) fn evidence(roster: &Roster, tables: &Tables, slug: &str) -> Vec<String> {
    let query = shipped().into_iter().find(|query| query.slug == slug).unwrap();
    lines(&facts(roster, tables), &query)
}

fn lines(facts: &Facts, query: &Query) -> Vec<String> {
    let rows = run(query, facts).unwrap();
    let days = rows.column("day").unwrap().cast(&polars::prelude::DataType::Int64).unwrap();
    let int = |name: &str, at: usize| rows.column(name).unwrap().i64().unwrap().get(at);
    let text = |name: &str, at: usize| rows.column(name).unwrap().str().unwrap().get(at).unwrap_or("-").to_owned();
    (0..rows.height())
        .filter(|row| text("team", *row) == "pay")
        .map(|row| {
            let day = days.i64().unwrap().get(row).unwrap() - day_number(date(2026, 9, 7));
            let person = int("person", row).map_or("-".to_owned(), |person| person.to_string());
            let (n, x) = (int("n", row).unwrap(), int("x", row).unwrap());
            format!("day {day} person {person} {} {x} of {n}", text("item", row))
        })
        .collect()
}

/// Compares rows, whatever their order.
#[track_caller]
pub(super) fn compare(mut seen: Vec<String>, expected: &[&str]) {
    seen.sort_unstable();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(seen, expected);
}

/// Checks a signal's evidence, without rows of mere exposure where the exposure has rows of its own.
#[track_caller]
pub(super) fn check(tables: &Tables, slug: &str, expected: &[&str]) {
    let mut seen = evidence(&roster(), tables, slug);
    if ["waiting_on_others", "fewer_voices"].contains(&slug) {
        seen.retain(|row| !row.contains(" 0 of "));
    }
    compare(seen, expected);
}

pub(super) fn pull(number: i64, author: Option<i64>, created: Millis, merged: Millis, lines: i64) -> Pull {
    Pull {
        repository: 1,
        number,
        author,
        author_kind: "user".to_owned(),
        created_at: created,
        ready_at: Some(created),
        closed_at: Some(merged),
        merged_at: Some(merged),
        lines,
        ..Pull::default()
    }
}

pub(super) fn review(number: i64, reviewer: Option<i64>, at: Millis, state: &str, comments: i64) -> (Review, Act) {
    let by_bot = reviewer == Some(BOT);
    let review = Review { repository: 1, number, at, reviewer, by_bot, state: state.to_owned(), comments };
    (review, act(number, reviewer, at, "review"))
}

pub(super) fn act(number: i64, actor: Option<i64>, at: Millis, kind: &str) -> Act {
    Act { repository: 1, number, at, kind: kind.to_owned(), actor, ..Act::default() }
}

pub(super) fn with_reviews(mut tables: Tables, reviews: Vec<(Review, Act)>) -> Tables {
    for (review, act) in reviews {
        tables.reviews.push(review);
        tables.acts.push(act);
    }
    tables
}

pub(super) fn ticket(id: i64, created: Millis, assignee: Option<i64>) -> Ticket {
    Ticket {
        host: "h".to_owned(),
        id,
        key: format!("PAY-{id}"),
        project: "PAY".to_owned(),
        kind: "Story".to_owned(),
        category: "to_do".to_owned(),
        created_at: created,
        assignee,
        ..Ticket::default()
    }
}

pub(super) fn edit(field: &str, at: Millis, from: Option<&str>, to: Option<&str>) -> Change {
    let (from, to) = (from.map(str::to_owned), to.map(str::to_owned));
    Change { field: field.to_owned(), at, author: None, from, to }
}

/// A ticket's way through its statuses, each with the moment of entering it.
pub(super) fn way(tables: &mut Tables, id: i64, steps: &[(&str, Millis)]) {
    let moves = steps.windows(2).map(|pair| edit("status", pair[1].1, Some(pair[0].0), Some(pair[1].0)));
    tables.changes.entry(("h".to_owned(), id)).or_default().extend(moves);
}

#[test]
fn every_signal_has_an_example() {
    let examples = [
        include_str!("changes.rs"),
        include_str!("hours.rs"),
        include_str!("items.rs"),
        include_str!("plans.rs"),
        include_str!("../optional_tests.rs"),
    ];
    let shown = |slug: &str| examples.iter().any(|text| text.contains(&format!("\"{slug}\"")));
    let without: Vec<String> = shipped().into_iter().map(|query| query.slug).filter(|slug| !shown(slug)).collect();
    assert!(without.is_empty(), "{without:?}");
}
