//! Self-calibration and replay: what past nights would have said, and which thresholds keep cards as rare as promised.

use serde::{Deserialize, Serialize};

use super::memory::{CLOSING_NIGHTS, Memory, Remembered, START, Thresholds};
use super::nights::{FALLEN_BACK, Night, REACH, Single, evaluate, tracks};
use super::series::{Settings, SignalSpec, TeamInput};

/// Days of the past that are played again: 52 weeks.
pub const REPLAYED_DAYS: i64 = 52 * 7;
/// Cards in a team's quarter: half of the budget for single signals, half for the joint card.
const HALF_BUDGET: f64 = 0.5;
/// Working days of a quarter.
const QUARTER_NIGHTS: f64 = 65.0;
/// Fewer team-quarters than this: the start values stay.
const FEWEST_QUARTERS: f64 = 8.0;
/// Halvings of the search: thresholds to a thousandth.
const HALVINGS: usize = 10;

/// Thresholds, and how often cards would have opened with them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    pub thresholds: Thresholds,
    /// Nights on which anything could be compared, in team-quarters of 65.
    pub team_quarters: f64,
    /// Cards that pages would have shown, per team-quarter; `None` where too little could be played again.
    pub cards_per_team_quarter: Option<f64>,
}

impl Default for Calibration {
    fn default() -> Self {
        Self { thresholds: START, team_quarters: 0.0, cards_per_team_quarter: None }
    }
}

/// The nights of a team's 52 weeks before `today`, in order.
#[must_use]
pub fn nights(team: &TeamInput, specs: &[SignalSpec], settings: &Settings, today: i64) -> Vec<Night> {
    let tracks = tracks(team, specs, settings);
    let days = team.days.iter().map(|day| day.day).filter(|day| (today - REPLAYED_DAYS..today).contains(day));
    days.map(|day| evaluate(team, &tracks, day)).collect()
}

/// What a team's nights would have said, with every rule: cards with the days on which they opened and closed.
#[must_use]
pub fn cards(team: &str, nights: &[Night], thresholds: Thresholds) -> Vec<Remembered> {
    let days: Vec<i64> = nights.iter().map(|night| night.day).collect();
    let mut memory = Memory::default();
    for night in nights {
        memory.advance(team, night, &days, thresholds);
    }
    memory.cards
}

/// Whether a signal of a card that opened in the replay was back in its usual range in the first ten working days wholly
/// after that: what happens to cards that nobody talks about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FellBack {
    pub team: String,
    pub signal: String,
    /// The day (day number) of the night on which the card opened.
    pub opened_on: i64,
    pub back: bool,
}

/// What became of the signals of every card in a replay; those that cannot be told are left out.
#[must_use]
pub fn fell_back(teams: &[(String, Vec<Night>)], thresholds: Thresholds) -> Vec<FellBack> {
    let mut all = Vec::new();
    for (team, nights) in teams {
        for card in cards(team, nights, thresholds) {
            let first = nights.partition_point(|night| night.day < card.opened_on);
            let Some(night) = nights.get(first + 9) else { continue };
            let z10 = |slug: &String| night.singles.iter().find(|one| one.slug == *slug)?.z10;
            all.extend(card.signals.iter().filter_map(|slug| {
                let back = z10(slug)? < FALLEN_BACK;
                Some(FellBack { team: team.clone(), signal: slug.clone(), opened_on: card.opened_on, back })
            }));
        }
    }
    all
}

/// Finds, by bisection, the thresholds that open half a single and half a joint card per team-quarter in the replay
/// of all teams; never below the start values, and at most 0.5 above them. Below eight team-quarters the start values stay.
#[must_use]
pub fn calibrate(teams: &[(String, Vec<Night>)]) -> Calibration {
    let known = |night: &&Night| night.singles.iter().any(Single::is_known);
    let compared: usize = teams.iter().map(|(_, nights)| nights.iter().filter(known).count()).sum();
    let team_quarters = as_f64(compared) / QUARTER_NIGHTS;
    if team_quarters < FEWEST_QUARTERS {
        return Calibration { team_quarters, ..Calibration::default() };
    }
    let rate =
        |count: &dyn Fn(&[Night]) -> usize| as_f64(teams.iter().map(|(_, nights)| count(nights)).sum()) / team_quarters;
    let thresholds = Thresholds {
        signal: threshold(START.signal, |at| rate(&|nights| single_openings(nights, at))),
        joint: threshold(START.joint, |at| rate(&|nights| joint_openings(nights, at))),
    };
    let shown: usize = teams.iter().map(|(team, nights)| cards(team, nights, thresholds).len()).sum();
    Calibration { thresholds, team_quarters, cards_per_team_quarter: Some(as_f64(shown) / team_quarters) }
}

/// The lowest threshold within reach of the start value at which the rate is within half the budget.
fn threshold(start: f64, rate: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (start - REACH.0, start + REACH.1);
    if rate(low) <= HALF_BUDGET {
        return low;
    }
    if rate(high) > HALF_BUDGET {
        return high;
    }
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if rate(middle) <= HALF_BUDGET { high = middle } else { low = middle }
    }
    high
}

/// Openings of every signal by itself: a signal that is open does not open again.
fn single_openings(nights: &[Night], threshold: f64) -> usize {
    let signals = nights.first().map_or(0, |night| night.singles.len());
    let of = |at: usize| {
        openings(nights.iter().filter_map(|night| night.singles.get(at)).filter(|one| one.complete).map(|one| {
            let opens = one.strength.is_some_and(|strength| strength >= threshold);
            (opens, one.score.map(|score| score >= threshold))
        }))
    };
    (0..signals).map(of).sum()
}

fn joint_openings(nights: &[Night], threshold: f64) -> usize {
    openings(nights.iter().filter(|night| night.joint.as_ref().is_none_or(|joint| joint.complete)).map(|night| {
        let joint = night.joint.as_ref();
        let opens = joint.and_then(|joint| joint.strength).is_some_and(|strength| strength >= threshold);
        (opens, night.is_joint_known.then(|| joint.is_some_and(|joint| joint.score >= threshold)))
    }))
}

/// How often something opens, given for each night whether it would open and, where known, whether it is above.
fn openings(nights: impl Iterator<Item = (bool, Option<bool>)>) -> usize {
    let (mut count, mut open, mut below) = (0, false, 0);
    for (opens, above) in nights {
        match (open, above) {
            (true, Some(true)) => below = 0,
            (true, Some(false)) => below += 1,
            _ => {}
        }
        open = open && below < CLOSING_NIGHTS;
        if opens && !open {
            (count, open, below) = (count + 1, true, 0);
        }
    }
    count
}

#[expect(clippy::cast_precision_loss, reason = "counts of nights stay far below 2^53")]
fn as_f64(count: usize) -> f64 {
    count as f64
}
