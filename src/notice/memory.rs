//! What must not change from night to night: which cards opened when, and the rules by which they open and close.

use serde::{Deserialize, Serialize};

use super::nights::{Night, Single};

/// A card closes after this many evaluated nights below the threshold.
pub(super) const CLOSING_NIGHTS: usize = 15;
/// At most one new card in this many working days.
const BETWEEN_CARDS: usize = 10;
/// At most this many cards are open at a time.
const MOST_OPEN: usize = 3;
/// Closed cards are forgotten after this many days.
const KEPT_DAYS: i64 = 400;

/// The scores at which cards open.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// Of one signal.
    pub signal: f64,
    /// Of three signals together.
    pub joint: f64,
}

/// The thresholds before an installation has measured its own. The joint one is 0.3 above that of the method's first
/// description, for quieter pages at a price: of three signals that change together moderately, 72 in 100 are noticed
/// within 20 working days instead of 77, of large changes 94 instead of 96 (simulated, `docs/noticing.md`), while the
/// core's cards in calm simulated teams fall from 53 to 45.
pub const START: Thresholds = Thresholds { signal: 3.15, joint: 3.8 };

/// A card as it is remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    /// Made when the card opens, from team, signals and day; it stays.
    pub id: String,
    pub signals: Vec<String>,
    pub joint: bool,
    pub theme: Option<String>,
    /// The day (day number) of the night on which it opened.
    pub opened_on: i64,
    /// The day of the night on which it closed, or was taken into a joint card.
    pub closed_on: Option<i64>,
    /// Evaluated nights in a row below the threshold.
    pub below: usize,
}

/// What is remembered of a team.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// The last working day (day number) whose night has been evaluated.
    pub evaluated_to: Option<i64>,
    /// In the order in which they opened.
    pub cards: Vec<Remembered>,
}

impl Memory {
    /// The cards that are open on a day: also on one before the last that was evaluated.
    pub fn open_on(&self, today: i64) -> impl Iterator<Item = &Remembered> {
        let open = move |card: &&Remembered| card.closed_on.is_none_or(|day| day > today);
        self.cards.iter().filter(move |card| card.opened_on <= today).filter(open)
    }

    /// Evaluates one night: cards age and close, and at most one opens. `nights` are the team's working days in order.
    pub(super) fn advance(&mut self, team: &str, night: &Night, nights: &[i64], thresholds: Thresholds) {
        self.evaluated_to = Some(night.day);
        let today = night.day + 1;
        self.cards.retain(|card| card.closed_on.is_none_or(|day| day > today - KEPT_DAYS));
        for card in self.cards.iter_mut().filter(|card| card.closed_on.is_none()) {
            card.age(night, thresholds);
        }
        if !self.has_rested(night.day, nights) {
            return;
        }
        let Some(mut card) = self.candidate(night, thresholds) else { return };
        let detail_of = |slug: &String| night.singles.iter().find(|one| one.slug == *slug)?.detail_of.as_ref();
        let covered = |slug: &String| {
            card.signals.contains(slug) || detail_of(slug).is_some_and(|whole| card.signals.contains(whole))
        };
        for other in self.cards.iter_mut().filter(|other| other.closed_on.is_none()) {
            if other.signals.iter().all(covered) {
                other.closed_on = Some(today);
            }
        }
        let name = format!("{team}/{}/{}", card.signals.join("+"), card.opened_on);
        blake3::hash(name.as_bytes()).to_hex()[..10].clone_into(&mut card.id);
        self.cards.push(card);
    }

    /// Whether ten working days lie between the newest card and a night.
    fn has_rested(&self, night: i64, nights: &[i64]) -> bool {
        let Some(newest) = self.cards.iter().map(|card| card.opened_on).max() else { return true };
        let position = |day: i64| nights.partition_point(|known| *known < day);
        position(night + 1) >= position(newest) + BETWEEN_CARDS
    }

    /// The card that opens tonight, if any: joint before single, then the highest score.
    fn candidate(&self, night: &Night, thresholds: Thresholds) -> Option<Remembered> {
        let open: Vec<&Remembered> = self.cards.iter().filter(|card| card.closed_on.is_none()).collect();
        let new = |signals: Vec<String>, joint: bool, theme: Option<String>| Remembered {
            id: String::new(),
            signals,
            joint,
            theme,
            opened_on: night.day + 1,
            closed_on: None,
            below: 0,
        };
        let taken = |slug: &String| open.iter().any(|card| card.signals.contains(slug));
        let reaches = |strength: Option<f64>, threshold: f64| strength.is_some_and(|strength| strength >= threshold);
        if let Some(joint) = night.joint.as_ref().filter(|_| !open.iter().any(|card| card.joint)) {
            let beside = open.iter().filter(|card| !card.signals.iter().all(|slug| joint.three.contains(slug))).count();
            let fresh = joint.three.iter().any(|slug| !taken(slug));
            if fresh && beside < MOST_OPEN && joint.complete && reaches(joint.strength, thresholds.joint) {
                return Some(new(joint.three.clone(), true, joint.theme.map(str::to_owned)));
            }
        }
        if open.len() >= MOST_OPEN {
            return None;
        }
        let standing: Vec<&Single> =
            night.singles.iter().filter(|one| one.complete && reaches(one.strength, thresholds.signal)).collect();
        let is_detail = |one: &Single| {
            let whole = one.detail_of.as_ref();
            whole.is_some_and(|whole| taken(whole) || standing.iter().any(|other| other.slug == *whole))
        };
        let fresh = standing.iter().copied().filter(|one| !taken(&one.slug) && !is_detail(one));
        let order = |left: &&Single, right: &&Single| {
            let by_score = left.score.partial_cmp(&right.score).unwrap_or(std::cmp::Ordering::Equal);
            by_score.then(right.order.cmp(&left.order))
        };
        fresh.max_by(order).map(|one| new(vec![one.slug.clone()], false, None))
    }
}

impl Remembered {
    /// Counts the nights below the threshold, and closes the card when it rested long enough or one of its signals
    /// was switched off. A night on which its source was not complete, or its score is unknown, does not count.
    fn age(&mut self, night: &Night, thresholds: Thresholds) {
        let own: Vec<&Single> = night.singles.iter().filter(|one| self.signals.contains(&one.slug)).collect();
        if own.len() < self.signals.len() {
            self.closed_on = Some(night.day + 1);
            return;
        }
        if own.iter().any(|one| !one.complete) {
            return;
        }
        let above = if self.joint {
            // Where enough is known but the third largest fell back there is no joint value: that is below.
            night.is_joint_known.then(|| night.joint.as_ref().is_some_and(|joint| joint.score >= thresholds.joint))
        } else {
            own.first().and_then(|one| one.score).map(|score| score >= thresholds.signal)
        };
        match above {
            Some(true) => self.below = 0,
            Some(false) => self.below += 1,
            None => {}
        }
        if self.below >= CLOSING_NIGHTS {
            self.closed_on = Some(night.day + 1);
        }
    }
}
