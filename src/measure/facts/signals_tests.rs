//! A small world for each signal: a few people, a few changes and tickets, and the evidence that can be counted by eye.

use std::collections::BTreeMap;

use jiff::civil::{Time, Weekday, date};
use jiff::tz::TimeZone;

use super::Ground;
use super::compute;
use crate::measure::calendar::{Availability, Span, TeamCalendar};
use crate::measure::roster::{Membership, Person, Roster, Team};
use crate::measure::signals::{run, shipped};
use crate::measure::tables::{Act, Change, Link, Pull, Review, Sprint, Tables, Ticket};
use crate::model::time::{Millis, WorkingHours, day_number};

const HOUR: i64 = 3_600_000;
const BOT: i64 = 900;
const ADA: Option<i64> = Some(100);
const BO: Option<i64> = Some(101);
const CY: Option<i64> = Some(102);
/// Of another team.
const DEE: Option<i64> = Some(103);

/// An hour of Monday 7 September 2026, and of the days that follow: day 0 is that Monday.
fn at(day: i64, hour: i64) -> Millis {
    Millis((day_number(date(2026, 9, 7)) + day) * 24 * HOUR + hour * HOUR)
}

fn hours() -> WorkingHours {
    use Weekday::{Friday, Monday, Thursday, Tuesday, Wednesday};
    WorkingHours {
        zone: TimeZone::UTC,
        from: Time::constant(9, 0, 0, 0),
        to: Time::constant(17, 0, 0, 0),
        days: vec![Monday, Tuesday, Wednesday, Thursday, Friday],
    }
}

fn roster() -> Roster {
    let person = |id| Person {
        id,
        hours: hours(),
        holidays: Default::default(),
        absences: Vec::new(),
        calendar: None,
        zone_stated: true,
    };
    let team = |id: &str, people: &[usize], project: &str| Team {
        id: id.to_owned(),
        members: people.iter().map(|person| Membership { person: *person, from: None, to: None }).collect(),
        repositories: vec![format!("o/{id}")],
        clones: Vec::new(),
        projects: vec![project.to_owned()],
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

fn tables() -> Tables {
    let statuses = [("todo", "to_do"), ("doing", "in_progress"), ("test", "in_progress"), ("park", "in_progress")];
    let statuses = statuses.into_iter().chain([("done", "done")]);
    Tables {
        repositories: BTreeMap::from([(1, "o/pay".to_owned())]),
        statuses: statuses.map(|(id, to)| (("h".to_owned(), id.to_owned()), to.to_owned())).collect(),
        ..Tables::default()
    }
}

/// The evidence of a signal for the team `pay`, whatever its order, without rows of mere exposure where the exposure
/// has rows of its own.
#[track_caller]
fn check(tables: &Tables, slug: &str, expected: &[&str]) {
    let roster = roster();
    let monday = day_number(date(2026, 9, 7));
    let span = Span { first: monday - 210, last: monday + 18 };
    let availability = Availability::new(&roster, &tables.absences, span);
    let calendars: Vec<TeamCalendar> =
        (0..roster.teams.len()).map(|team| TeamCalendar::new(&roster, &availability, team)).collect();
    let ground = Ground { roster: &roster, tables, availability: &availability, calendars: &calendars, span };
    let facts = compute(&ground).unwrap().facts;
    let query = shipped().into_iter().find(|query| query.slug == slug).unwrap();
    let rows = run(&query, &facts).unwrap();
    let days = rows.column("day").unwrap().cast(&polars::prelude::DataType::Int64).unwrap();
    let int = |name: &str, at: usize| rows.column(name).unwrap().i64().unwrap().get(at);
    let text = |name: &str, at: usize| rows.column(name).unwrap().str().unwrap().get(at).unwrap_or("-").to_owned();
    let rate = ["waiting_on_others", "fewer_voices"].contains(&slug);
    let mut seen: Vec<String> = (0..rows.height())
        .filter(|row| text("team", *row) == "pay" && !(rate && int("x", *row) == Some(0)))
        .map(|row| {
            let day = days.i64().unwrap().get(row).unwrap() - monday;
            let person = int("person", row).map_or("-".to_owned(), |person| person.to_string());
            let (n, x) = (int("n", row).unwrap(), int("x", row).unwrap());
            format!("day {day} person {person} {} {x} of {n}", text("item", row))
        })
        .collect();
    seen.sort_unstable();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(seen, expected, "{slug}");
}

fn pull(number: i64, author: Option<i64>, created: Millis, merged: Millis, lines: i64) -> Pull {
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

fn review(number: i64, reviewer: Option<i64>, at: Millis, state: &str, comments: i64) -> (Review, Act) {
    let by_bot = reviewer == Some(BOT);
    let review = Review { repository: 1, number, at, reviewer, by_bot, state: state.to_owned(), comments };
    (review, act(number, reviewer, at, "review"))
}

fn act(number: i64, actor: Option<i64>, at: Millis, kind: &str) -> Act {
    Act { repository: 1, number, at, kind: kind.to_owned(), actor, ..Act::default() }
}

fn with_reviews(mut tables: Tables, reviews: Vec<(Review, Act)>) -> Tables {
    for (review, act) in reviews {
        tables.reviews.push(review);
        tables.acts.push(act);
    }
    tables
}

fn ticket(id: i64, created: Millis, assignee: Option<i64>) -> Ticket {
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

fn edit(field: &str, at: Millis, from: Option<&str>, to: Option<&str>) -> Change {
    let (from, to) = (from.map(str::to_owned), to.map(str::to_owned));
    Change { field: field.to_owned(), at, author: None, from, to }
}

/// A ticket's way through its statuses, each with the moment of entering it.
fn way(tables: &mut Tables, id: i64, steps: &[(&str, Millis)]) {
    let moves = steps.windows(2).map(|pair| edit("status", pair[1].1, Some(pair[0].0), Some(pair[1].0)));
    tables.changes.entry(("h".to_owned(), id)).or_default().extend(moves);
}

#[test]
fn a_larger_change_is_quiet_where_no_other_human_wrote_before_the_merge() {
    let mut tables = tables();
    tables.pulls = (1..=7).map(|number| pull(number, ADA, at(0, 9), at(1, 12), 60)).collect();
    tables.pulls[5].lines = 50;
    tables.pulls[6].author = Some(BOT);
    let reviews = vec![
        review(1, BO, at(1, 10), "approved", 0),
        review(2, BO, at(1, 10), "approved", 2),
        review(3, CY, at(1, 10), "changes_requested", 0),
        review(3, CY, at(1, 11), "approved", 0),
        review(4, Some(BOT), at(1, 10), "commented", 3),
        review(4, CY, at(1, 11), "approved", 0),
        review(5, BO, at(1, 13), "commented", 0),
        review(6, BO, at(1, 11), "approved", 0),
    ];
    tables.acts.push(act(1, ADA, at(1, 9), "comment"));
    let expected = ["o/pay#1 1", "o/pay#2 0", "o/pay#3 0", "o/pay#4 1", "o/pay#5 1"];
    let expected = expected.map(|item| format!("day 1 person 1 {item} of 1"));
    check(&with_reviews(tables, reviews), "quiet_approvals", &expected.each_ref().map(String::as_str));
}

#[test]
fn a_repository_that_hardly_reviews_says_nothing_about_quiet_approvals() {
    let mut tables = tables();
    tables.pulls = (1..=3).map(|number| pull(number, ADA, at(0, 9), at(1, 12), 60)).collect();
    check(&with_reviews(tables, vec![review(1, BO, at(1, 10), "approved", 0)]), "quiet_approvals", &[]);
}

#[test]
fn a_large_change_is_approved_at_once_within_ten_minutes_after_it_became_ready() {
    let mut tables = tables();
    tables.pulls = (1..=4).map(|number| pull(number, ADA, at(0, 9), at(1, 12), 201)).collect();
    tables.pulls[3].lines = 200;
    let soon = Millis(at(0, 9).0 + 9 * 60_000);
    let late = Millis(at(1, 10).0 + 9 * 60_000);
    let reviews = vec![
        review(1, BO, soon, "approved", 0),
        review(2, BO, Millis(soon.0 + 60_000), "approved", 0),
        review(3, BO, late, "approved", 0),
        review(4, BO, soon, "approved", 0),
    ];
    tables.acts.push(act(3, ADA, at(1, 10), "ready"));
    let expected = ["day 1 person 1 o/pay#1 1 of 1", "day 1 person 1 o/pay#2 0 of 1", "day 1 person 1 o/pay#3 1 of 1"];
    check(&with_reviews(tables, reviews), "fast_approvals", &expected);
}

#[test]
fn disagreement_is_late_after_four_rounds_or_a_week_without_a_merge() {
    let mut tables = tables();
    tables.pulls = (1..=4).map(|number| pull(number, ADA, at(0, 9), at(3 + number, 12), 10)).collect();
    tables.pulls[2].merged_at = None;
    tables.pulls[3].merged_at = None;
    tables.pulls[3].closed_at = Some(at(7, 12));
    let asks = |number: i64, hour: i64, who| review(number, who, at(1, hour), "changes_requested", 0);
    // Four times by one reviewer are four rounds; two reviewers before the author answers are one.
    let mut reviews: Vec<_> = (9..13).map(|hour| asks(1, hour, BO)).collect();
    reviews.extend([asks(2, 9, BO), asks(2, 10, CY), asks(2, 11, BO), asks(2, 12, CY)]);
    let expected =
        ["day 4 person 1 - 1 of 1", "day 7 person 1 - 0 of 1", "day 7 person 1 - 0 of 1", "day 7 person 1 - 1 of 1"];
    check(&with_reviews(tables, reviews), "late_disagreement", &expected);
}

#[test]
fn a_merged_change_without_a_key_is_unlinked() {
    let mut tables = tables();
    tables.pulls = (1..=2).map(|number| pull(number, BO, at(0, 9), at(1, 12), 10)).collect();
    tables.pulls[1].issue_keys = "PAY-7".to_owned();
    check(&tables, "unlinked_work", &["day 1 person 2 o/pay#1 1 of 1", "day 1 person 2 o/pay#2 0 of 1"]);
}

#[test]
fn reviews_rest_on_the_three_who_gave_most_in_the_week_and_belong_to_the_author() {
    let mut tables = tables();
    tables.pulls = vec![pull(1, ADA, at(0, 9), at(4, 12), 10)];
    let given = [(BO, 3), (CY, 2), (DEE, 2), (Some(104), 1)];
    let mut reviews = vec![review(1, ADA, at(1, 9), "commented", 0), review(1, Some(BOT), at(1, 9), "commented", 0)];
    for (who, times) in given {
        reviews.extend((0..times).map(|hour| review(1, who, at(1, 9 + hour), "commented", 0)));
    }
    let mut expected = vec!["day 1 person 1 - 1 of 1"; 7];
    expected.push("day 1 person 1 - 0 of 1");
    check(&with_reviews(tables, reviews), "review_concentration", &expected);
}

#[test]
fn a_voice_is_a_review_or_a_comment_on_a_change_of_somebody_else() {
    let mut tables = tables();
    tables.pulls = vec![pull(1, ADA, at(0, 9), at(9, 12), 10), pull(2, Some(BOT), at(0, 9), at(9, 12), 10)];
    tables.acts = vec![
        act(1, BO, at(1, 9), "review"),
        act(1, BO, at(1, 10), "comment"),
        act(1, ADA, at(1, 11), "comment"),
        act(1, BO, at(1, 12), "merged"),
        act(2, BO, at(1, 13), "comment"),
        // On a Saturday: it counts on the Monday after.
        act(1, CY, at(5, 13), "comment"),
        Act { actor_is_bot: true, ..act(1, Some(BOT), at(1, 14), "comment") },
    ];
    check(&tables, "fewer_voices", &["day 1 person 2 - 2 of 0", "day 7 person 3 - 1 of 0"]);
}

#[test]
fn an_item_is_unplanned_where_it_came_late_into_its_sprint_or_is_an_incident() {
    let mut tables = tables();
    let sprint = |starts, ends| Sprint { starts_at: Some(starts), ends_at: Some(ends), completed_at: None };
    tables.sprints.insert(("h".to_owned(), 7), sprint(at(0, 9), at(14, 9)));
    // Made on day 3, with a start that lies before: its first item says when it began.
    tables.sprints.insert(("h".to_owned(), 8), sprint(at(0, 9), at(14, 9)));
    let added = [(1, "7", at(0, 8)), (2, "7", at(1, 9)), (3, "7", at(1, 10)), (4, "8", at(3, 9)), (5, "8", at(3, 12))];
    for (id, sprint, moment) in added {
        tables.tickets.push(ticket(id, at(-3, 9), ADA));
        way(&mut tables, id, &[("todo", at(-3, 9)), ("doing", at(4, 9))]);
        let changes = tables.changes.get_mut(&("h".to_owned(), id)).unwrap();
        changes.insert(0, edit("sprint", moment, None, Some(sprint)));
    }
    let expected = [(1, 0), (2, 0), (3, 1), (4, 0), (5, 0)].map(|(id, x)| format!("day 4 person 1 PAY-{id} {x} of 1"));
    check(&tables, "unplanned_work", &expected.each_ref().map(String::as_str));
}

#[test]
fn outside_sprints_what_is_begun_at_once_is_unplanned_and_an_incident_counts_once() {
    let mut tables = tables();
    tables.tickets = vec![
        ticket(1, at(0, 9), ADA),
        ticket(2, at(0, 9), ADA),
        Ticket { labels: "hotfix".to_owned(), ..ticket(3, at(0, 9), BO) },
        Ticket { kind: "Incident".to_owned(), ..ticket(4, at(0, 9), None) },
        Ticket { parent: Some(4), ..ticket(5, at(0, 9), CY) },
        Ticket { parent: Some(4), ..ticket(6, at(0, 9), CY) },
    ];
    let begun = [(1, at(1, 9)), (2, at(1, 10)), (3, at(4, 9)), (4, at(4, 9)), (5, at(4, 9)), (6, at(4, 10))];
    for (id, moment) in begun {
        way(&mut tables, id, &[("todo", at(0, 9)), ("doing", moment)]);
    }
    let expected = [
        "day 1 person 1 PAY-1 1 of 1",
        "day 1 person 1 PAY-2 0 of 1",
        "day 4 person 2 PAY-3 1 of 1",
        "day 4 person 3 PAY-4 1 of 1",
    ];
    check(&tables, "unplanned_work", &expected);
}

#[test]
fn work_returns_when_it_is_reopened_or_reverted_within_a_fortnight() {
    let mut tables = tables();
    tables.tickets = (1..=2).map(|id| ticket(id, at(-30, 9), ADA)).collect();
    way(&mut tables, 1, &[("todo", at(-30, 9)), ("doing", at(-2, 9)), ("done", at(0, 9)), ("doing", at(2, 9))]);
    way(&mut tables, 2, &[("todo", at(-30, 9)), ("doing", at(-29, 9)), ("done", at(-14, 9)), ("doing", at(2, 9))]);
    tables.pulls = vec![pull(1, BO, at(0, 9), at(1, 9), 10), pull(2, CY, at(2, 9), at(3, 9), 10)];
    tables.pulls[1].reverts = Some(1);
    let expected = [
        "day -14 person 1 PAY-2 0 of 1",
        "day 0 person 1 PAY-1 0 of 1",
        "day 2 person 1 PAY-1 1 of 1",
        "day 1 person 2 o/pay#1 0 of 1",
        "day 3 person 2 o/pay#1 1 of 1",
        "day 3 person 3 o/pay#2 0 of 1",
    ];
    check(&tables, "returning_work", &expected);
}

/// Ten tickets that went from work to test, so that the project's habits are known; then so many came back from there.
fn from_test(back: i64) -> Tables {
    let mut tables = tables();
    for id in 1..=10 {
        tables.tickets.push(ticket(id, at(-60, 9), ADA));
        let end = if id <= back { "todo" } else { "done" };
        way(&mut tables, id, &[("todo", at(-60, 9)), ("doing", at(-50, 9)), ("test", at(-49, 9)), (end, at(0, 9))]);
    }
    for id in 11..=30 {
        tables.tickets.push(ticket(id, at(-60, 9), ADA));
        way(&mut tables, id, &[("todo", at(-60, 9)), ("doing", at(-50, 9)), ("todo", at(0, 9))]);
    }
    tables
}

#[test]
fn a_step_back_counts_after_test_and_not_where_the_project_hands_over_by_it() {
    let finished = |from: i64, x: i64| (from..=10).map(move |id| format!("day 0 person 1 PAY-{id} {x} of 1"));
    let one: Vec<String> = ["day 0 person 1 PAY-1 1 of 1".to_owned()].into_iter().chain(finished(2, 0)).collect();
    check(&from_test(1), "returning_work", &one.iter().map(String::as_str).collect::<Vec<_>>());
    check(&from_test(10), "returning_work", &[]);
}

#[test]
fn an_item_waits_while_it_is_flagged_parked_or_blocked_by_another_team_s_open_ticket() {
    let mut tables = tables();
    tables.tickets = (1..=3).map(|id| ticket(id, at(0, 9), ADA)).collect();
    for id in 1..=3 {
        way(&mut tables, id, &[("todo", at(0, 9)), ("doing", at(0, 10)), ("done", at(4, 9))]);
    }
    let flag = [edit("flagged", at(1, 9), None, Some("true")), edit("flagged", at(2, 12), Some("true"), None)];
    tables.changes.get_mut(&("h".to_owned(), 1)).unwrap().extend(flag);
    let other = |id, key: &str, project: &str| Ticket {
        key: key.to_owned(),
        project: project.to_owned(),
        ..ticket(id, at(0, 9), None)
    };
    tables.tickets.extend([other(50, "WEB-1", "WEB"), other(51, "PAY-51", "PAY")]);
    way(&mut tables, 50, &[("todo", at(0, 9)), ("done", at(2, 9))]);
    let link = |id, kind: &str, inward, other: &str| Link {
        ticket: ("h".to_owned(), id),
        kind: kind.to_owned(),
        inward,
        other_key: other.to_owned(),
    };
    tables.links = vec![
        link(2, "Blocks", true, "WEB-1"),
        link(3, "Blocks", true, "PAY-51"),
        link(3, "Blocks", false, "WEB-1"),
        link(3, "Relates", true, "WEB-1"),
        link(3, "Blocks", true, "FAR-1"),
    ];
    let expected = ["day 1 person 1 PAY-1 1 of 0", "day 0 person 1 PAY-2 1 of 0", "day 1 person 1 PAY-2 1 of 0"];
    check(&tables, "waiting_on_others", &expected);
}

#[test]
fn a_status_from_which_work_goes_back_to_where_it_was_is_a_place_to_wait() {
    let mut tables = tables();
    for id in 1..=10 {
        tables.tickets.push(ticket(id, at(0, 9), ADA));
        let end = if id == 1 { at(2, 9) } else { at(0, 11) };
        let steps = [("todo", at(0, 9)), ("doing", at(0, 9)), ("park", at(0, 10)), ("doing", end), ("done", at(4, 9))];
        way(&mut tables, id, &steps);
    }
    check(&tables, "waiting_on_others", &["day 0 person 1 PAY-1 1 of 0", "day 1 person 1 PAY-1 1 of 0"]);
}

#[test]
fn a_change_waits_for_somebody_of_another_team_until_that_person_looks_at_it() {
    let mut tables = tables();
    tables.pulls = (1..=2).map(|number| pull(number, ADA, at(0, 9), at(4, 9), 10)).collect();
    let asked = |number, subject| Act { subject, ..act(number, ADA, at(0, 10), "review_requested") };
    tables.acts = vec![asked(1, DEE), asked(2, BO), act(1, BO, at(1, 9), "review"), act(1, DEE, at(2, 9), "review")];
    let expected = ["day 0 person 1 o/pay#1 1 of 0", "day 1 person 1 o/pay#1 1 of 0"];
    check(&tables, "waiting_on_others", &expected);
}
