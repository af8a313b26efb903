//! The method on made-up teams: when cards open, stay and close, what is said meanwhile, and what may not matter.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::memory::START;
use super::replay::{self, calibrate};
use super::usual_range::{Kind, Side};
use super::*;

/// A Monday, far enough from the first day of the epoch.
const FIRST: i64 = 20_000 + 4 - 20_000 % 7;
const PEOPLE: i64 = 6;
const WEEKS: i64 = 60;

fn spec(slug: &str, order: u32) -> SignalSpec {
    SignalSpec {
        slug: slug.to_owned(),
        order,
        core: true,
        kind: Kind::Share,
        side: Side::High,
        form: Form::Flow,
        lists_items: false,
        floor: 4,
        by_person_day: false,
        minimum: 8.0,
        cap: None,
        once_per_item: false,
        periods: Periods::Weeks,
        by_sprint: false,
        baseline_minimum: 0,
        detail_of: None,
    }
}

const SETTINGS: Settings = Settings { smallest_group: 4, thresholds: START, nights: 130 };

fn workdays(weeks: i64) -> impl Iterator<Item = i64> {
    (0..weeks).flat_map(|week| (0..5).map(move |day| FIRST + 7 * week + day))
}

/// A repeatable number below `below`, scattered.
fn scattered(day: i64, person: i64, below: i64) -> i64 {
    let mixed = (day * 7919 + person * 104_729 + day * person * 31).wrapping_mul(2_654_435_761);
    (mixed >> 9).rem_euclid(below)
}

/// Every day each of six people has two opportunities, of which a part counts: 1 in `calm`, from `since` on all of
/// those of the people in `affected`.
fn rows(calm: i64, since: i64, affected: std::ops::Range<i64>) -> Vec<EvidenceRow> {
    let one = |day: i64, person: i64| EvidenceRow {
        day,
        person: Some(person),
        item: None,
        n: 2,
        x: if day >= since && affected.contains(&person) { 2 } else { i64::from(scattered(day, person, calm) == 0) },
    };
    workdays(WEEKS).flat_map(|day| (0..PEOPLE).map(move |person| one(day, person))).collect()
}

fn team(evidence: BTreeMap<String, Vec<EvidenceRow>>) -> TeamInput {
    let covered = Coverage { from: FIRST, to: i64::MAX, failed: None };
    TeamInput {
        id: "t".to_owned(),
        members: PEOPLE,
        days: workdays(WEEKS).map(|day| TeamDay { day, available: PEOPLE }).collect(),
        coverage: evidence.keys().map(|slug| (slug.clone(), covered.clone())).collect(),
        evidence,
        ..TeamInput::default()
    }
}

fn alone(rows: Vec<EvidenceRow>) -> TeamInput {
    team(BTreeMap::from([("a".to_owned(), rows)]))
}

/// The Monday after so many weeks.
fn monday(week: i64) -> i64 {
    FIRST + 7 * week
}

fn night(team: &TeamInput, specs: &[SignalSpec], memory: &Memory, today: i64) -> Notices {
    notice(team, specs, &SETTINGS, memory, today)
}

#[test]
fn a_card_opens_keeps_its_day_and_closes_after_fifteen_nights_below() {
    let mut all = rows(8, monday(50), 0..PEOPLE);
    all.retain(|row| row.day < monday(53));
    all.extend(rows(8, i64::MAX, 0..0).into_iter().filter(|row| row.day >= monday(53)));
    let (team, specs) = (alone(all), [spec("a", 1)]);
    let open = night(&team, &specs, &Memory::default(), monday(52));
    let card = open.cards.first().expect("the whole team moved");
    assert!((monday(50)..monday(51) + 5).contains(&card.opened_on), "{card:?}");
    let later = night(&team, &specs, &open.memory, monday(53));
    assert_eq!((&later.cards[0].id, later.cards[0].opened_on), (&card.id, card.opened_on));
    let closed = night(&team, &specs, &later.memory, monday(59));
    assert!(closed.cards.is_empty());
    let remembered = &closed.memory.cards[0];
    let below = workdays(WEEKS).filter(|day| *day >= monday(53)).take(10 + 15).last();
    let closed_on = remembered.closed_on.expect("it closed");
    assert!(closed_on > monday(56) - 3 && Some(closed_on) <= below.map(|day| day + 1), "{remembered:?}");
}

#[test]
fn g6_one_person_alone_opens_nothing_and_three_do() {
    let specs = [spec("a", 1)];
    let cards =
        |affected| night(&alone(rows(i64::MAX, monday(50), affected)), &specs, &Memory::default(), monday(54)).cards;
    assert!(cards(0..1).is_empty() && cards(0..2).is_empty());
    assert_eq!(cards(0..4).len(), 1);
}

#[test]
fn a_low_signal_needs_three_people_below_their_own_part() {
    let low = SignalSpec { side: Side::Low, kind: Kind::Rate, ..spec("a", 1) };
    let talk = |quiet: std::ops::Range<i64>| {
        let mut rows = rows(8, i64::MAX, 0..0);
        for row in &mut rows {
            let is_quiet = row.day >= monday(50) && row.person.is_some_and(|person| quiet.contains(&person));
            (row.n, row.x) = (1, if is_quiet { 0 } else { 1 + scattered(row.day, row.person.unwrap_or(0), 2) });
        }
        night(&alone(rows), std::slice::from_ref(&low), &Memory::default(), monday(54)).cards.len()
    };
    assert_eq!((talk(0..PEOPLE), talk(0..0)), (1, 0));
}

#[test]
fn a_joint_card_needs_the_core_and_comes_before_single_ones() {
    let slugs = ["stalled_work", "waiting_for_review", "fewer_voices"];
    let evidence = slugs.map(|slug| (slug.to_owned(), rows(8, monday(50), 0..PEOPLE)));
    let team = team(BTreeMap::from(evidence));
    let specs: Vec<SignalSpec> = (1..).zip(slugs).map(|(order, slug)| spec(slug, order)).collect();
    let cards = night(&team, &specs, &Memory::default(), monday(52)).cards;
    assert_eq!(cards.len(), 1);
    assert_eq!((cards[0].joint, cards[0].theme.as_deref()), (true, Some("stuck in silence")));
    let optional: Vec<SignalSpec> = specs.iter().map(|one| SignalSpec { core: one.order < 3, ..one.clone() }).collect();
    let cards = night(&team, &optional, &Memory::default(), monday(52)).cards;
    assert!(cards.iter().all(|card| !card.joint) && cards.len() == 1, "one conversation in ten working days");
    let cards = night(&team, &optional, &Memory::default(), monday(54)).cards;
    assert_eq!(cards.len(), 2);
    assert!(cards[1].opened_on - cards[0].opened_on >= 14, "{cards:?}");
}

#[test]
fn a_detail_opens_no_card_beside_the_signal_that_it_belongs_to_and_waits_for_enough_of_a_past() {
    let evidence = ["a", "b"].map(|slug| (slug.to_owned(), rows(8, monday(50), 0..PEOPLE)));
    let team = team(BTreeMap::from(evidence));
    let detail = SignalSpec { detail_of: Some("a".to_owned()), ..spec("b", 2) };
    let open = |specs: &[SignalSpec]| night(&team, specs, &Memory::default(), monday(55)).cards.len();
    assert_eq!(open(&[spec("a", 1), spec("b", 2)]), 2);
    assert_eq!(open(&[spec("a", 1), detail.clone()]), 1);
    assert_eq!(open(&[detail]), 1);
    let seldom = SignalSpec { baseline_minimum: 10_000, ..spec("a", 1) };
    let said = night(&team, std::slice::from_ref(&seldom), &Memory::default(), monday(55)).signals["a"].state.clone();
    assert_eq!(said, State::NotEnough);
}

#[test]
fn missed_nights_are_evaluated_in_order_and_a_second_look_changes_nothing() {
    let (team, specs) = (alone(rows(8, monday(50), 0..PEOPLE)), [spec("a", 1)]);
    let before = night(&team, &specs, &Memory::default(), monday(49));
    let mut nightly = before.memory.clone();
    for today in monday(49)..=monday(53) {
        nightly = night(&team, &specs, &nightly, today).memory;
    }
    let missed = night(&team, &specs, &before.memory, monday(53));
    assert_eq!(missed.memory, nightly);
    assert_eq!(night(&team, &specs, &missed.memory, monday(53)), missed);
    let earlier = night(&team, &specs, &missed.memory, monday(49));
    assert!(earlier.cards.is_empty() && earlier.memory == missed.memory, "an earlier night is not evaluated again");
}

#[test]
fn a_source_that_is_not_complete_opens_nothing_and_does_not_count_towards_closing() {
    let specs = [spec("a", 1)];
    let mut team = alone(rows(8, monday(50), 0..PEOPLE));
    team.coverage
        .insert("a".to_owned(), Coverage { from: FIRST, to: monday(50) - 3, failed: Some("GitHub".to_owned()) });
    let failed = night(&team, &specs, &Memory::default(), monday(52));
    assert!(failed.cards.is_empty());
    assert_eq!(failed.signals["a"].state, State::NotComputed { source: "GitHub".to_owned() });
    let open = night(&alone(rows(8, monday(50), 0..PEOPLE)), &specs, &Memory::default(), monday(52)).memory;
    let kept = night(&team, &specs, &open, monday(58));
    assert_eq!((kept.cards.len(), kept.memory.cards[0].below), (1, 0));
}

#[test]
fn a_signal_that_is_switched_off_takes_its_card_away() {
    let specs = [spec("a", 1)];
    let mut team = alone(rows(8, monday(50), 0..PEOPLE));
    let open = night(&team, &specs, &Memory::default(), monday(52)).memory;
    team.off.insert("a".to_owned());
    let off = night(&team, &specs, &open, monday(53));
    assert!(off.cards.is_empty() && off.signals["a"].state == State::Off);
}

#[test]
fn what_cannot_be_said_is_told_apart_from_what_is_usual() {
    let specs = [spec("a", 1)];
    let said = |team: &TeamInput, today| night(team, &specs, &Memory::default(), today).signals["a"].state.clone();
    let calm = alone(rows(8, i64::MAX, 0..0));
    assert_eq!(said(&calm, monday(40)), State::WithinUsual);
    assert_eq!(said(&calm, monday(7)), State::Learning { weeks: 4, of: 8 });
    let mut thin = calm.clone();
    thin.evidence.get_mut("a").expect("it is there").retain(|row| row.day < monday(38));
    assert_eq!(said(&thin, monday(40)), State::NotEnough);
    let mut small = calm.clone();
    small.days.iter_mut().for_each(|day| day.available = 3);
    assert_eq!(said(&small, monday(40)), State::NotShown);
    let mut without = calm.clone();
    without.coverage.clear();
    assert_eq!(said(&without, monday(40)), State::NotComputed { source: "no source".to_owned() });
}

#[test]
fn marked_days_and_understaffed_weeks_do_not_count() {
    let specs = [spec("a", 1)];
    let mut team = alone(rows(8, monday(50), 0..PEOPLE));
    team.marked.insert("a".to_owned(), (monday(50)..monday(51) + 5).collect());
    let marked = night(&team, &specs, &Memory::default(), monday(52)).signals["a"].clone();
    assert_eq!((marked.state, marked.observation), (State::NotEnough, None));
    let weeks = |team: &TeamInput| {
        let seen = night(team, &specs, &Memory::default(), monday(40)).signals["a"].clone();
        seen.verdict.expect("it was judged").usable_weeks
    };
    let mut thin = alone(rows(8, i64::MAX, 0..0));
    assert_eq!(weeks(&thin), 26);
    for day in thin.days.iter_mut().filter(|day| (monday(20)..monday(21)).contains(&day.day)) {
        day.available = if day.day < monday(20) + 3 { 2 } else { 4 };
    }
    assert_eq!(weeks(&thin), 25);
}

#[test]
fn where_a_team_sprints_a_signal_that_swings_with_the_sprint_is_compared_with_fortnights() {
    let swinging = SignalSpec { by_sprint: true, ..spec("a", 1) };
    // Every second week ends a sprint: much is counted then, and nearly nothing in between.
    let mut rows = rows(8, i64::MAX, 0..0);
    for row in &mut rows {
        let second = (row.day - FIRST) / 7 % 2 == 1;
        row.x = if second { 1 } else { i64::from(scattered(row.day, row.person.unwrap_or(0), 9) == 0) };
    }
    let mut team = alone(rows);
    let phi = |team: &TeamInput| {
        let seen = night(team, std::slice::from_ref(&swinging), &Memory::default(), monday(40)).signals["a"].clone();
        let verdict = seen.verdict.expect("it was judged");
        (verdict.usable_weeks, verdict.baseline.expect("there is a past").phi, seen)
    };
    let (weeks, inflated, _) = phi(&team);
    team.two_week_sprints = true;
    let (fortnights, plain, seen) = phi(&team);
    assert_eq!((weeks, fortnights), (26, 13));
    assert!(inflated > 3.0 && plain < 1.6, "{inflated} {plain}");
    assert_eq!(seen.points.len(), 13 + 1);
    assert_eq!(seen.observation.map(|seen| (seen.past_within, seen.past_total)), Some((13, 13)));
}

#[test]
fn the_same_days_of_last_year_are_told_and_few_stays_few() {
    let specs = [spec("a", 1)];
    let a_year_before = |team: &TeamInput, today| night(team, &specs, &Memory::default(), today).signals["a"].year_ago;
    let calm = alone(rows(8, i64::MAX, 0..0));
    let point = a_year_before(&calm, monday(56)).expect("there is a year");
    assert_eq!((point.from, point.to, point.n), (monday(2), monday(3) + 4, 10 * 2 * PEOPLE));
    assert!(point.x.is_some());
    assert_eq!(a_year_before(&calm, monday(52)), None, "no ten days so long ago");
    let two = alone(rows(i64::MAX, monday(0), 0..2));
    assert_eq!(a_year_before(&two, monday(56)).and_then(|point| point.x), None, "two people are few");
}

#[test]
fn calibration_raises_the_threshold_where_cards_come_too_often_and_needs_eight_quarters() {
    let specs = [spec("a", 1)];
    // Bursts of the whole team every twelve weeks: chance alone would not do this.
    let mut rows = rows(8, i64::MAX, 0..0);
    for row in rows.iter_mut().filter(|row| [18, 30, 42, 54].contains(&((row.day - FIRST) / 7))) {
        row.x = 2;
    }
    let team = alone(rows);
    let nights = replay::nights(&team, &specs, &SETTINGS, monday(60));
    assert_eq!(nights.len(), 52 * 5);
    let teams = |count: usize, nights: &[nights::Night]| -> Vec<(String, Vec<nights::Night>)> {
        (0..count).map(|at| (at.to_string(), nights.to_vec())).collect()
    };
    let few = calibrate(&teams(2, &nights));
    assert_eq!((few.thresholds, few.cards_per_team_quarter), (START, None));
    let many = calibrate(&teams(4, &nights));
    assert!(many.thresholds.signal > START.signal, "{many:?}");
    assert!((many.thresholds.joint - START.joint).abs() < 1e-12, "nothing moved together: {many:?}");
    let rate = many.cards_per_team_quarter.expect("it was measured");
    let shown = replay::cards("0", &nights, many.thresholds).len();
    assert!((rate - 4.0 * f64::from(u32::try_from(shown).unwrap()) / many.team_quarters).abs() < 1e-12);
    let calm = replay::nights(&alone(rows_of_calm()), &specs, &SETTINGS, monday(60));
    assert_eq!(calibrate(&teams(4, &calm)).thresholds, START);
}

#[test]
fn since_a_talk_the_window_wholly_after_it_is_held_against_the_range_from_before_it() {
    use super::since::{Outcome, since};
    let spec = spec("a", 1);
    // The trouble ends in week 53, three days after a talk.
    let mut all = rows(8, monday(50), 0..PEOPLE);
    all.retain(|row| row.day < monday(53));
    let lasting = alone(rows(8, monday(50), 0..PEOPLE));
    all.extend(rows_of_calm().into_iter().filter(|row| row.day >= monday(53)));
    let over = alone(all);
    let talk = monday(52) + 2;
    let told = |team: &TeamInput, today: i64| since(team, &spec, &SETTINGS, talk, today).expect("it can be told");
    let early = told(&over, monday(54) + 2);
    assert_eq!((early.outcome, early.working_days), (Outcome::TooEarly, 9));
    assert_eq!((early.after, early.usual), (None, None), "a window that is not wholly after the talk is not shown");
    // The talk was on a Wednesday; the tenth working day after it is a Wednesday.
    let first = told(&over, monday(54) + 3);
    assert_eq!((first.working_days, first.after.map(|point| point.from)), (10, Some(talk + 1)));
    assert_ne!(first.outcome, Outcome::TooEarly);
    assert_eq!(told(&over, monday(56)).outcome, Outcome::BackInRange);
    let still = told(&lasting, monday(56));
    assert_eq!(still.outcome, Outcome::StillOutside);
    let (low, high) = still.usual.expect("there is a range");
    assert!(low < high && still.after.and_then(|point| point.x) > Some(high));
    assert_eq!(still.before.map(|point| point.to), Some(talk - 1), "the window before ends before the day of the talk");
    // Long after, the trouble has become usual; the range from before the talk stays.
    let late = since(&lasting, &spec, &SETTINGS, talk, monday(59)).expect("it can be told");
    assert_eq!((late.outcome, late.usual), (Outcome::StillOutside, still.usual));
    let small = TeamInput { members: 3, ..lasting.clone() };
    assert_eq!(since(&small, &spec, &SETTINGS, talk, monday(56)), None);
    let off = TeamInput { off: ["a".to_owned()].into(), ..lasting };
    assert_eq!(since(&off, &spec, &SETTINGS, talk, monday(56)), None);
}

#[test]
fn what_becomes_of_cards_without_a_talk_is_read_ten_working_days_after_they_opened() {
    let specs = [spec("a", 1)];
    let found = |team: &TeamInput| {
        let nights = vec![("t".to_owned(), replay::nights(team, &specs, &SETTINGS, monday(60)))];
        let back: Vec<bool> = replay::fell_back(&nights, START).into_iter().map(|card| card.back).collect();
        back
    };
    assert_eq!(found(&alone(rows(8, monday(50), 0..PEOPLE))), [false], "a trouble that lasts");
    let mut burst = rows_of_calm();
    for row in burst.iter_mut().filter(|row| (monday(42)..monday(42) + 2).contains(&row.day)) {
        row.x = 2;
    }
    assert_eq!(found(&alone(burst)), [true], "a trouble of two days");
    assert_eq!(found(&alone(rows(8, monday(58), 0..PEOPLE))), [false; 0], "too late to be told");
}

fn rows_of_calm() -> Vec<EvidenceRow> {
    rows(8, i64::MAX, 0..0)
}

#[test]
fn a_calm_team_opens_nothing_in_a_year() {
    let nights = replay::nights(&alone(rows_of_calm()), &[spec("a", 1)], &SETTINGS, monday(60));
    assert_eq!(replay::cards("t", &nights, START), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn g11_neither_the_order_of_rows_nor_the_numbers_of_people_matter(
        order in Just((0..rows_of_calm().len()).collect::<Vec<usize>>()).prop_shuffle(),
        numbers in Just((0..PEOPLE).collect::<Vec<i64>>()).prop_shuffle(),
        since in 48_i64..52,
        scale in 1_i64..1_000_000,
    ) {
        let forms = [
            spec("a", 1),
            SignalSpec { form: Form::Stock, ..spec("a", 1) },
            SignalSpec { cap: Some((4, 2)), ..spec("a", 1) },
            SignalSpec { side: Side::Low, kind: Kind::Rate, ..spec("a", 1) },
        ];
        let plain = rows(8, monday(since), 0..4);
        let renumbered = |row: &EvidenceRow| EvidenceRow {
            person: row.person.and_then(|person| Some(numbers.get(usize::try_from(person).ok()?)? * scale + 17)),
            ..row.clone()
        };
        let shuffled: Vec<EvidenceRow> = order.iter().map(|at| renumbered(&plain[*at])).collect();
        for form in forms {
            let specs = [form];
            let said = |rows: &[EvidenceRow]| night(&alone(rows.to_vec()), &specs, &Memory::default(), monday(54));
            prop_assert_eq!(said(&plain), said(&shuffled));
        }
    }

    #[test]
    fn more_of_the_same_never_lowers_the_score(x in 0_i64..60, more in 0_i64..20, n in 80_i64..200) {
        let weeks = (0..26).map(|week| Some(usual_range::Pair::new(8 + week % 5, 40 + week % 7))).collect();
        let series = usual_range::Series {
            kind: Kind::Share,
            side: Side::High,
            stock: false,
            periods: Periods::Weeks,
            minimum: 8.0,
            weeks,
            w10: usual_range::Pair::new(x, n),
            w5: usual_range::Pair::new(0, 40),
        };
        let score = |x: i64| usual_range::Series { w10: usual_range::Pair::new(x, n), ..series.clone() }.verdict().z10;
        prop_assert!(score(x + more) >= score(x));
    }
}

#[test]
fn people_do_not_appear_in_what_is_noticed() {
    let slugs: BTreeSet<String> = ["a".to_owned()].into();
    let team = alone(
        rows(8, monday(50), 0..PEOPLE)
            .into_iter()
            .map(|row| EvidenceRow { person: row.person.map(|person| 987_654_321_000 + person), ..row })
            .collect(),
    );
    let said = night(&team, &[spec("a", 1)], &Memory::default(), monday(52));
    assert_eq!(said.signals.keys().cloned().collect::<BTreeSet<_>>(), slugs);
    assert!(!said.cards.is_empty() && !format!("{said:?}").contains("987654321"));
}
