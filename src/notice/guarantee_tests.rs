//! G3 and G6 on rosters and evidence of all kinds: nothing is said of too few people, and nobody alone makes a card.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::memory::START;
use super::usual_range::{Kind, Side};
use super::*;

/// A Monday.
const FIRST: i64 = 20_003;
const WEEKS: i64 = 40;
const TODAY: i64 = FIRST + 7 * WEEKS;

fn spec(floor: i64, by_person_day: bool, side: Side, kind: Kind) -> SignalSpec {
    SignalSpec {
        slug: "a".to_owned(),
        order: 1,
        core: true,
        kind,
        side,
        form: Form::Flow,
        lists_items: false,
        floor,
        by_person_day,
        minimum: 8.0,
        cap: None,
        once_per_item: false,
        baseline_minimum: 0,
        detail_of: None,
        periods: Periods::Weeks,
        by_sprint: false,
    }
}

/// Who works on which day, and what they count.
#[derive(Clone, Debug)]
struct Played {
    days: Vec<TeamDay>,
    rows: Vec<EvidenceRow>,
    /// People with a row, by day.
    looked_at: BTreeMap<i64, BTreeSet<i64>>,
}

/// A team of up to `people`, of whom each is away, or cannot be looked at, on some days. Late days count more often.
fn played(people: i64, seed: u64, away: u64, unseen: u64, calm: u64, late: u64) -> Played {
    let mut played = Played { days: Vec::new(), rows: Vec::new(), looked_at: BTreeMap::new() };
    let chance = |day: i64, person: i64, salt: u64| {
        let mut state = seed ^ salt.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        for part in [day.unsigned_abs(), person.unsigned_abs() + 1] {
            state = (state ^ part).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            state ^= state >> 29;
        }
        state % 100
    };
    for day in (FIRST..TODAY).filter(|day| (day - FIRST) % 7 < 5) {
        let there: Vec<i64> = (0..people).filter(|person| chance(day, *person, 1) >= away).collect();
        if there.is_empty() {
            continue;
        }
        played.days.push(TeamDay { day, available: i64::try_from(there.len()).unwrap() });
        for person in there.into_iter().filter(|person| chance(day, *person, 2) >= unseen) {
            let bound = if day >= TODAY - 14 { late } else { calm };
            let x = i64::from(chance(day, person, 3) < bound);
            played.rows.push(EvidenceRow { day, person: Some(person), item: None, n: 1, x });
            played.looked_at.entry(day).or_default().insert(person);
        }
    }
    played
}

fn team(played: &Played) -> TeamInput {
    TeamInput {
        id: "t".to_owned(),
        members: 9,
        days: played.days.clone(),
        coverage: BTreeMap::from([("a".to_owned(), Coverage { from: FIRST, to: i64::MAX, failed: None })]),
        evidence: BTreeMap::from([("a".to_owned(), played.rows.clone())]),
        ..TeamInput::default()
    }
}

fn settings(smallest_group: i64) -> Settings {
    Settings { smallest_group, thresholds: START, nights: 130 }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn g3_nothing_is_counted_on_a_day_with_fewer_people_than_the_floor(
        people in 1_i64..9,
        seed in any::<u64>(),
        away in 0_u64..60,
        unseen in 0_u64..40,
        about_people in any::<bool>(),
        raised in 0_i64..8,
    ) {
        let floor = if about_people { 5 } else { 4 };
        let played = played(people, seed, away, unseen, 15, 50);
        let said = notice(&team(&played), &[spec(floor, about_people, Side::High, Kind::Share)], &settings(raised), &Memory::default(), TODAY);
        let needed = floor.max(raised);
        let counts = |day: &&TeamDay| {
            let looked_at = played.looked_at.get(&day.day).map_or(0, BTreeSet::len);
            day.available >= needed && (!about_people || i64::try_from(looked_at).unwrap() >= needed)
        };
        let counted: BTreeSet<i64> = played.days.iter().filter(counts).map(|day| day.day).collect();
        let signal = &said.signals["a"];
        if counted.is_empty() {
            prop_assert_eq!(&signal.state, &State::NotShown);
            prop_assert!(signal.points.is_empty() && said.cards.is_empty());
        }
        for point in &signal.points {
            let inside = |row: &&EvidenceRow| (point.from..=point.to).contains(&row.day) && counted.contains(&row.day);
            let rows: Vec<&EvidenceRow> = played.rows.iter().filter(inside).collect();
            prop_assert!(point.n <= rows.iter().map(|row| row.n).sum::<i64>(), "{point:?}");
            let behind: BTreeSet<_> = rows.iter().filter(|row| row.x > 0).map(|row| row.person).collect();
            if behind.len() < 3 {
                prop_assert_eq!(point.x, None);
            }
        }
    }

    #[test]
    fn g6_without_any_one_person_an_opening_card_keeps_three_quarters_of_its_threshold(
        people in 5_i64..9,
        seed in any::<u64>(),
        calm in 5_u64..25,
        late in 30_u64..90,
        loud in 0_i64..5,
        low in any::<bool>(),
    ) {
        let mut played = played(people, seed, 5, 0, calm, late);
        // One of them may be far louder than everybody else.
        let loudest = |row: &mut EvidenceRow| {
            if row.person == Some(0) && row.day >= TODAY - 14 {
                row.x *= 1 + loud;
                row.n *= 1 + loud;
            }
        };
        played.rows.iter_mut().for_each(loudest);
        let spec = if low { spec(4, false, Side::Low, Kind::Rate) } else { spec(4, false, Side::High, Kind::Share) };
        let said = notice(&team(&played), std::slice::from_ref(&spec), &settings(4), &Memory::default(), TODAY);
        for card in &said.memory.cards {
            let windows_begin = |length: usize| {
                let staffed = played.days.iter().filter(|day| day.available >= 4).map(|day| day.day);
                let before: Vec<i64> = staffed.filter(|day| *day < card.opened_on).collect();
                before[before.len() - length]
            };
            for person in 0..people {
                let mut without = played.clone();
                // The window alone loses the person: what a usual range is made of stays.
                without.rows.retain(|row| row.person != Some(person) || row.day < windows_begin(10));
                let series = exact(&team(&without), &spec, &settings(4), card.opened_on).unwrap();
                let score = series.verdict().score;
                prop_assert!(score.is_some_and(|score| score >= 0.75 * START.signal - 1e-9), "{person}: {score:?}");
            }
        }
    }
}

/// The property above has cards to look at.
#[test]
fn g6_cards_do_open_in_such_teams() {
    let opened = (0..20).filter(|seed| {
        let said = notice(
            &team(&played(7, *seed, 5, 0, 12, 70)),
            &[spec(4, false, Side::High, Kind::Share)],
            &settings(4),
            &Memory::default(),
            TODAY,
        );
        !said.memory.cards.is_empty()
    });
    assert!(opened.count() > 10);
}
