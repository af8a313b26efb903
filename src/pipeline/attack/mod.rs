//! G3, G4, G5: whether the published figures of sixty nights tell what one person did, or fewer people than the floor.
//! Each protection is left out once, to see that the attack would find it.

mod attacker;
mod world;

use std::collections::BTreeSet;

use attacker::{Attacker, Cell, WIDTH, differences};
use world::{HOLIDAY, Published, Without, World};

const FLOOR: usize = 5;

/// Figures and differences that concern fewer people than the floor.
fn isolated(published: &Published) -> BTreeSet<String> {
    published.sums.values().flat_map(|sums| differences(sums, FLOOR)).collect()
}

/// People, and people with their neighbour in the list, whose count of a window is known to within fewer than three.
/// Every seventh window is asked about; the figures of all nights are used each time.
fn known(published: &Published) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (signal, sums) in &published.sums {
        let attacker = Attacker::new(sums);
        let cells: BTreeSet<Cell> = attacker.sums().iter().flat_map(|sum| &sum.cells).copied().collect();
        for (_, from, to) in published.windows.iter().step_by(7) {
            let inside: BTreeSet<Cell> = cells.iter().filter(|(_, day)| (from..=to).contains(&day)).copied().collect();
            let people: Vec<usize> =
                inside.iter().map(|(person, _)| *person).collect::<BTreeSet<_>>().into_iter().collect();
            for group in people.chunks(1).chain(people.chunks(2)) {
                let own: BTreeSet<Cell> = inside.iter().filter(|(person, _)| group.contains(person)).copied().collect();
                let (low, high) = attacker.bounds(&own);
                let truth = published.truth(signal, &own);
                assert!((low..=high).contains(&truth), "the attacker is wrong: {truth} is not within {low} to {high}");
                if high - low < WIDTH.min(i64::try_from(own.len()).expect("few days")) {
                    found.insert(format!("{signal}: {group:?}, {from} to {to}: {low} to {high} of {}", own.len()));
                }
            }
        }
    }
    found
}

#[test]
fn g4_g5_sixty_nights_tell_of_no_group_below_the_floor() {
    for seed in [1, 2] {
        let published = World::play(Without::Nothing, seed);
        assert!(published.exact > 0, "a card with exact figures is part of what is attacked");
        assert_eq!(isolated(&published), BTreeSet::new(), "seed {seed}");
        assert_eq!(known(&published), BTreeSet::new(), "seed {seed}");
    }
}

#[test]
fn g4_without_rounding_the_attack_knows_what_people_did() {
    let published = World::play(Without::Rounding, 1);
    assert_ne!(known(&published), BTreeSet::new());
}

#[test]
fn g3_without_floors_the_attack_finds_the_small_team_and_the_holiday_with_one_at_work() {
    let found = isolated(&World::play(Without::Floor, 1));
    assert!(found.iter().any(|one| one.starts_with("tiny ") && one.ends_with(" alone")));
    let core: Vec<&String> = found.iter().filter(|one| one.starts_with("core ")).collect();
    assert!(core.iter().any(|one| one.ends_with(&format!(" on day {HOLIDAY}"))), "{core:?}");
}

#[test]
fn g3_without_the_floor_of_a_day_the_attack_finds_a_day_on_which_few_are_counted() {
    let found = isolated(&World::play(Without::FloorOfDays, 1));
    assert!(found.iter().any(|one| one.starts_with("core ") && one.contains(" on day ")));
}

#[test]
fn g4_where_people_count_in_several_teams_the_attack_subtracts_the_part_from_the_whole() {
    let found = isolated(&World::play(Without::OneTeam, 1));
    assert!(found.iter().any(|one| one.contains("core ") && one.contains("department ")));
}

#[test]
fn g5_where_past_weeks_are_counted_anew_every_night_the_attack_finds_the_leaver() {
    assert_ne!(isolated(&World::play(Without::FrozenRoster, 1)), BTreeSet::new());
}

#[test]
fn g5_where_a_team_stays_on_the_page_after_its_past_was_read_again_the_attack_finds_who_is_missing() {
    assert_ne!(isolated(&World::play(Without::Hiding, 1)), BTreeSet::new());
}

/// Absences that are told late change days that were published: here the steps in which figures are told protect alone.
#[test]
fn g5_an_absence_that_is_told_late_stays_hidden_in_the_steps() {
    assert_eq!(known(&World::play(Without::LateAbsence, 1)), BTreeSet::new());
}
