//! Reliability: troubles of stated sizes are planted in simulated teams, and what the method finds of them, and how
//! often it speaks without reason, is counted.
//!
//! Evidence is simulated, facts and queries are not: the page says what the method can notice in numbers of this kind,
//! not how well a source shows what happens in a team.

mod habits;
mod page;
mod team;

use std::collections::BTreeMap;

use habits::{HABITS, Habit};
use team::{Planted, Team};

use crate::catalogue::{Catalogue, CatalogueError};
use crate::notice::joint::THEMES;
use crate::notice::usual_range::{Kind, Side};
use crate::notice::{Memory, START, Settings, SignalSpec, notice};

/// Weeks before anything is looked at: the method wants 28.
const BEFORE: i64 = 30;
/// Weeks that a calm team is watched: two quarters.
const CALM: i64 = 26;
/// Weeks that a team is watched before something is planted, and after.
const AROUND: (i64, i64) = (8, 6);
/// Monday, 6 January 2025.
const FIRST_MONDAY: i64 = 20_094;
/// Odds of a share are multiplied so: from one in five these lead to 43, 56 and 67 of a hundred.
const ODDS: [f64; 3] = [3.0, 5.1, 8.1];
/// Events of a rate are multiplied, or on the low side divided, so.
const EVENTS: [f64; 3] = [1.75, 2.5, 3.5];

/// What came of planting one size in many teams.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The usual share (or events for each unit of exposure), and what it became.
    pub from_to: (f64, f64),
    pub teams: usize,
    /// Noticed within 10 and within 20 working days.
    pub within: [usize; 2],
    /// The median of the working days that it took, of those within 20.
    pub median_days: Option<usize>,
}

/// One signal's line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub slug: String,
    pub kind: Kind,
    pub sizes: Vec<Found>,
    /// Cards of this signal in calm teams, all signals on, alone or as one of three.
    pub calm_cards: usize,
}

/// What the program measured about itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Reliability {
    pub teams: usize,
    pub lines: Vec<Line>,
    /// The three signals of a theme, each grown moderately and largely.
    pub themes: Vec<(String, Vec<String>, Vec<Found>)>,
    /// Quarters of calm teams, and the cards in them: all signals on, and the core alone.
    pub calm_quarters: usize,
    pub calm_cards: [usize; 2],
    /// Signals whose evidence is not simulated.
    pub left_out: Vec<String>,
}

/// Plants every size of every signal in `teams` teams each, and watches as many calm ones.
///
/// # Errors
/// [`CatalogueError`] where the shipped cards cannot be read; a test keeps them free of it.
pub fn measure(teams: usize) -> Result<Reliability, CatalogueError> {
    let catalogue = Catalogue::embedded()?;
    let habit = |slug: &str| HABITS.iter().find(|habit| habit.slug == slug).copied();
    let known = catalogue.signals().iter().map(|card| (card, habit(&card.slug)));
    let specs: Vec<(SignalSpec, Habit)> =
        known.clone().filter_map(|(card, habit)| Some((card.spec(), habit?))).collect();
    let left_out = known.filter(|(_, habit)| habit.is_none()).map(|(card, _)| card.slug.clone()).collect();
    let core: Vec<(SignalSpec, Habit)> = specs.iter().filter(|(spec, _)| spec.core).cloned().collect();
    let calm = [calm(&specs, teams), calm(&core, teams)];
    let lines = specs.iter().map(|(spec, habit)| Line {
        slug: spec.slug.clone(),
        kind: spec.kind,
        sizes: sizes(spec.kind)
            .iter()
            .map(|times| Found {
                from_to: (habit.usual, grown(spec, habit.usual, *times)),
                ..planted(&specs, &[(&spec.slug, *times)], teams)
            })
            .collect(),
        calm_cards: calm[0].iter().flatten().filter(|slug| **slug == spec.slug).count(),
    });
    Ok(Reliability {
        teams,
        lines: lines.collect(),
        themes: THEMES.iter().map(|(name, signals)| theme(&specs, name, signals, teams)).collect(),
        calm_quarters: 2 * teams,
        calm_cards: calm.map(|cards| cards.len()),
        left_out,
    })
}

fn sizes(kind: Kind) -> [f64; 3] {
    match kind {
        Kind::Share => ODDS,
        Kind::Rate => EVENTS,
    }
}

/// What a usual share or rate becomes.
fn grown(spec: &SignalSpec, usual: f64, times: f64) -> f64 {
    match (spec.kind, spec.side) {
        (Kind::Rate, Side::Low) => usual / times,
        (Kind::Rate, Side::High) => usual * times,
        (Kind::Share, _) => {
            let odds = usual / (1.0 - usual) * times;
            odds / (1.0 + odds)
        }
    }
}

fn theme(
    specs: &[(SignalSpec, Habit)],
    name: &str,
    signals: &[&str; 3],
    teams: usize,
) -> (String, Vec<String>, Vec<Found>) {
    let kind = |slug: &str| specs.iter().find(|(spec, _)| spec.slug == slug).map_or(Kind::Share, |(spec, _)| spec.kind);
    let sized = |size: usize| signals.map(|slug| (slug, sizes(kind(slug))[size]));
    let found = [0, 1].iter().map(|size| planted(specs, &sized(*size), teams)).collect();
    (name.to_owned(), signals.map(str::to_owned).to_vec(), found)
}

/// The cards of calm teams, each with its signals.
fn calm(specs: &[(SignalSpec, Habit)], teams: usize) -> Vec<Vec<String>> {
    let watched = side_by_side(teams, |number| {
        let team = Team::new(&format!("calm/{number}"), FIRST_MONDAY, BEFORE + CALM, None);
        let cards = watch(&team, specs, CALM);
        cards.into_iter().map(|(signals, _)| signals).collect::<Vec<_>>()
    });
    watched.into_iter().flatten().collect()
}

/// Plants signals, each with its factor, in many teams, and counts where one of them is named on a card.
fn planted(specs: &[(SignalSpec, Habit)], times: &[(&str, f64)], teams: usize) -> Found {
    let times: BTreeMap<String, f64> = times.iter().map(|(slug, times)| ((*slug).to_owned(), *times)).collect();
    let mut delays: Vec<usize> = side_by_side(teams, |number| {
        // The begin falls on every day of a fortnight alike.
        let from = usize::try_from(5 * (BEFORE + AROUND.0)).unwrap_or(0) + number % 10;
        let planted = Planted { times: times.clone(), from };
        let weeks = BEFORE + AROUND.0 + AROUND.1;
        let team = Team::new(&format!("planted/{number}"), FIRST_MONDAY, weeks, Some(&planted));
        let cards = watch(&team, specs, AROUND.0 + AROUND.1);
        let named = cards.iter().filter(|(names, _)| names.iter().any(|name| times.contains_key(name)));
        // A card stands on the morning after its night, so the first day after one working day is "1".
        named.filter_map(|(_, opened)| opened.checked_sub(from)).find(|days| (1..=20).contains(days))
    })
    .into_iter()
    .flatten()
    .collect();
    delays.sort_unstable();
    Found {
        from_to: (0.0, 0.0),
        teams,
        within: [10, 20].map(|limit| delays.iter().filter(|days| **days <= limit).count()),
        median_days: delays.get(delays.len().saturating_sub(1) / 2).copied(),
    }
}

/// The cards that opened in a team's last weeks: their signals, and the number of working days before they opened.
fn watch(team: &Team<'_>, specs: &[(SignalSpec, Habit)], weeks: i64) -> Vec<(Vec<String>, usize)> {
    let input = team.input(specs);
    let specs: Vec<SignalSpec> = specs.iter().map(|(spec, _)| spec.clone()).collect();
    let nights = usize::try_from(5 * weeks).unwrap_or(0);
    let settings = Settings { smallest_group: 4, thresholds: START, nights };
    let today = input.days.last().map_or(0, |day| day.day + 1);
    let noticed = notice(&input, &specs, &settings, &Memory::default(), today);
    let position = |day: i64| input.days.partition_point(|known| known.day < day);
    noticed.memory.cards.into_iter().map(|card| (card.signals, position(card.opened_on))).collect()
}

/// Does the work of every number on all processors, and keeps the order.
fn side_by_side<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let hands = std::thread::available_parallelism().map_or(1, usize::from);
    let part = |hand: usize| (hand..count).step_by(hands).map(|number| (number, work(number))).collect::<Vec<_>>();
    let part = &part;
    let mut done: Vec<(usize, T)> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..hands).map(|hand| scope.spawn(move || part(hand))).collect();
        let joined =
            running.into_iter().map(|hand| hand.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        joined.flatten().collect()
    });
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_very_large_change_is_found_where_it_was_planted_and_nowhere_else() {
        let catalogue = Catalogue::embedded().unwrap();
        let specs: Vec<(SignalSpec, Habit)> =
            HABITS[..4].iter().map(|habit| (catalogue.card(habit.slug).unwrap().spec(), *habit)).collect();
        let found = planted(&specs, &[("waiting_for_review", 20.0)], 12);
        assert!(found.within[1] >= 8 && found.median_days.unwrap() <= 15, "{found:?}");
        assert!(planted(&specs, &[("waiting_for_review", 1.0)], 12).within[1] <= 2);
    }

    #[test]
    fn every_habit_is_that_of_a_signal() {
        let catalogue = Catalogue::embedded().unwrap();
        assert!(HABITS.iter().all(|habit| catalogue.card(habit.slug).is_some()));
    }

    #[test]
    fn the_same_numbers_come_out_however_many_processors_there_are() {
        assert_eq!(side_by_side(7, |number| number * number), vec![0, 1, 4, 9, 16, 25, 36]);
    }
}
