//! What is looked at seldom, on made-up teams: the plan of a sprint on its first night, twelve weeks once a quarter.

use std::collections::BTreeMap;

use jiff::civil::date;

use super::memory::START;
use super::usual_range::{Kind, Side};
use super::*;
use crate::model::time::{date_of, day_number};

const PEOPLE: i64 = 6;

fn first() -> i64 {
    // A Monday, about ninety weeks before the last night of these tests.
    day_number(date(2025, 1, 6))
}

fn spec(periods: Periods, kind: Kind, minimum: f64) -> SignalSpec {
    SignalSpec {
        slug: "a".to_owned(),
        order: 14,
        core: false,
        kind,
        side: Side::High,
        form: Form::Flow,
        lists_items: false,
        floor: 4,
        by_person_day: false,
        minimum,
        cap: None,
        once_per_item: false,
        baseline_minimum: 0,
        detail_of: None,
        periods,
        by_sprint: false,
    }
}

fn weekdays(until: i64) -> impl Iterator<Item = i64> {
    (first()..until).filter(|day| (day - first()) % 7 < 5)
}

fn team(rows: Vec<EvidenceRow>, until: i64) -> TeamInput {
    TeamInput {
        id: "t".to_owned(),
        members: PEOPLE,
        days: weekdays(until).map(|day| TeamDay { day, available: PEOPLE }).collect(),
        coverage: BTreeMap::from([("a".to_owned(), Coverage { from: first(), to: i64::MAX, failed: None })]),
        evidence: BTreeMap::from([("a".to_owned(), rows)]),
        ..TeamInput::default()
    }
}

fn night(team: &TeamInput, spec: &SignalSpec, memory: &Memory, today: i64) -> Notices {
    let settings = Settings { smallest_group: 4, thresholds: START, nights: 130 };
    notice(team, std::slice::from_ref(spec), &settings, memory, today)
}

/// Sprints of two weeks, one after another: six people with ten days each, of whom everybody plans three items and
/// finishes three; in the plan of the sprint `heavy` everybody has `items`.
fn sprints(count: i64, heavy: i64, items: i64) -> Vec<EvidenceRow> {
    let side = |word: &str, sprint: i64, day: i64, person: i64, x: i64| EvidenceRow {
        day,
        person: Some(person),
        item: Some(format!("{word} {}", date_of(first() + 14 * sprint)).into()),
        n: 10,
        x,
    };
    let sprint = |sprint: i64| {
        let begins = first() + 14 * sprint;
        (0..PEOPLE).flat_map(move |person| {
            let planned = if sprint == heavy { items } else { 3 };
            [side("plan", sprint, begins, person, planned), side("result", sprint, begins + 11, person, 3)]
        })
    };
    let running = first() + 14 * (count - 1);
    (0..count).flat_map(sprint).filter(|row| row.day <= running).collect()
}

#[test]
fn a_plan_far_above_what_sprints_finish_opens_a_card_on_its_first_night_and_on_no_later_one() {
    let spec = spec(Periods::Sprints, Kind::Rate, 8.0);
    let monday = first() + 14 * 12;
    let team = team(sprints(13, 12, 9), monday + 5);
    let open = night(&team, &spec, &Memory::default(), monday + 1);
    let card = open.cards.first().expect("three times the usual plan");
    let seen = &card.observations[0];
    assert_eq!((card.opened_on, seen.x, seen.n, seen.past_within, seen.past_total), (monday + 1, Some(54), 60, 12, 12));
    assert!(seen.usual_low < 18 && seen.usual_high > 18, "{seen:?}");
    // The first night was missed, and is evaluated in its turn; where it had been evaluated before, it is over.
    assert_eq!(night(&team, &spec, &Memory::default(), monday + 5).cards.len(), 1);
    let missed = Memory { evaluated_to: Some(monday), ..Memory::default() };
    assert!(night(&team, &spec, &missed, monday + 5).cards.is_empty());
    assert!(night(&self::team(sprints(13, 12, 4), monday + 5), &spec, &Memory::default(), monday + 1).cards.is_empty());
}

#[test]
fn a_plan_is_compared_with_at_most_twelve_sprints_that_are_over_and_needs_six_of_them() {
    let spec = spec(Periods::Sprints, Kind::Rate, 8.0);
    let state = |count: i64| {
        let monday = first() + 14 * (count - 1);
        night(&team(sprints(count, -1, 0), monday + 1), &spec, &Memory::default(), monday + 1).signals["a"].clone()
    };
    assert_eq!(state(6).state, State::Learning { weeks: 5, of: 6 });
    assert_eq!(state(7).state, State::WithinUsual);
    let long = state(20);
    assert_eq!((long.points.len(), long.verdict.unwrap().usable_weeks), (13, 12));
}

/// Every four weeks everybody is away for four days; of these `calm` or, from `since` on, `troubled` days in ten had
/// activity.
fn days_off(until: i64, since: i64, troubled: i64) -> Vec<EvidenceRow> {
    let mut rows = Vec::new();
    for (at, day) in weekdays(until).enumerate().filter(|(at, _)| at % 5 == 1) {
        for person in 0..PEOPLE {
            let tenth = (at as i64 / 5 * 7 + person * 3) % 10;
            let active = if day >= since { tenth < troubled } else { tenth == 0 };
            rows.push(EvidenceRow { day, person: Some(person), item: None, n: 1, x: i64::from(active) });
        }
    }
    rows
}

#[test]
fn days_off_are_looked_at_on_the_first_night_of_a_quarter_over_the_twelve_weeks_before_it() {
    let spec = spec(Periods::FourWeeks, Kind::Share, 20.0);
    let (july, october) = (day_number(date(2026, 7, 1)), day_number(date(2026, 10, 1)));
    let since = day_number(date(2026, 7, 6));
    let team = team(days_off(october + 30, since, 7), october + 30);
    let before = night(&team, &spec, &Memory::default(), october);
    assert!(before.cards.is_empty(), "the trouble has not been looked at yet: {:?}", before.cards);
    let open = night(&team, &spec, &before.memory, october + 1);
    let card = open.cards.first().expect("seven in ten instead of one");
    let seen = &card.observations[0];
    // Twelve weeks with one day off of six people each.
    assert_eq!((card.opened_on, seen.n), (october + 1, 72));
    assert!(seen.x > Some(40) && seen.usual_high < 20 && seen.past_total == 6, "{seen:?}");
    // Later in the quarter the same figures stand, and nothing new is tested.
    let later = night(&team, &spec, &before.memory, october + 20);
    assert_eq!(later.cards[0].observations, card.observations);
    let missed = Memory { evaluated_to: Some(october + 5), ..Memory::default() };
    assert!(night(&team, &spec, &missed, october + 20).cards.is_empty());
    assert_eq!(later.signals["a"].points.len(), 6 + 1);
    assert_eq!(night(&team, &spec, &Memory::default(), july + 1).signals["a"].state, State::WithinUsual);
}

#[test]
fn days_off_need_eight_periods_of_four_weeks_and_five_of_them_in_each() {
    let spec = spec(Periods::FourWeeks, Kind::Share, 20.0);
    let october = day_number(date(2026, 10, 1));
    let state = |from: i64| {
        let rows = days_off(october + 5, i64::MAX, 0).into_iter().filter(|row| row.day >= from).collect();
        night(&team(rows, october + 5), &spec, &Memory::default(), october + 1).signals["a"].state.clone()
    };
    // The window begins twelve weeks before the Monday of the quarter's first week.
    let window = day_number(date(2026, 9, 28)) - 84;
    assert_eq!(state(window - 28 * 8), State::WithinUsual);
    assert_eq!(state(window - 28 * 8 + 28), State::Learning { weeks: 7, of: 8 });
}

#[test]
fn the_order_of_rows_changes_nothing_for_what_is_looked_at_seldom() {
    let october = day_number(date(2026, 10, 1));
    let monday = first() + 14 * 12;
    let off = (spec(Periods::FourWeeks, Kind::Share, 20.0), days_off(october + 5, october - 60, 7), october + 5);
    let plans = (spec(Periods::Sprints, Kind::Rate, 8.0), sprints(13, 12, 9), monday + 5);
    for (spec, rows, until) in [off, plans] {
        let said = |rows: Vec<EvidenceRow>| night(&team(rows, until), &spec, &Memory::default(), until);
        assert_eq!(said(rows.iter().rev().cloned().collect()), said(rows));
    }
}
