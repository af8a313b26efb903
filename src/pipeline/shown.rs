//! What of a team may be shown: the one place for every reason not to, so that no reason reads differently.
//!
//! Floors of days and numerators belong to the method (`notice`), rounding to the document (`report`). Between them lies
//! this: a team is hidden as a whole or shown, and nothing that reaches back before its past was counted again is.

use std::collections::BTreeMap;

use super::history::History;
use crate::catalogue::{Catalogue, Periods};
use crate::config::{Organisation, Team};
use crate::model::time::date_of;
use crate::notice::{self, Notices};
use crate::report::input as page;

/// A team whose past was counted again is hidden for so many of its working days: until its window lies wholly after.
const WINDOW: usize = 10;
/// Changes of the roster are told for as long as they may touch a figure: the baseline and what lies after it.
const TOLD_DAYS: i64 = 28 * 7;

/// What may be shown of a team tonight.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Nothing at all.
    pub hidden: bool,
    /// Nothing that reaches back before this day: its past was counted again.
    pub since: Option<i64>,
    /// Mondays at which somebody joined or left, oldest first.
    pub changed: Vec<i64>,
}

impl Shown {
    /// Decides for a team of so many members, by its working days before `today`.
    #[must_use]
    pub fn of(
        team: &Team,
        members: i64,
        days: &[(i64, i64)],
        history: &History,
        organisation: &Organisation,
        today: i64,
    ) -> Self {
        let since = history.changes.counted_again(&team.id);
        let fresh = |since: i64| days.iter().filter(|(day, _)| (since..today).contains(day)).count() < WINDOW;
        let log = history.rosters.get(&team.id).map(|frozen| history.changes.log(frozen, today - TOLD_DAYS));
        Self {
            hidden: team.dark || members < organisation.smallest_group || since.is_some_and(fresh),
            since,
            changed: log.unwrap_or_default(),
        }
    }

    /// Whether something that begins on a day may be shown.
    #[must_use]
    pub fn reaches(&self, from: i64) -> bool {
        !self.hidden && self.since.is_none_or(|since| from >= since)
    }

    /// The signals of a team as its page shows them.
    #[must_use]
    pub fn signals(&self, notices: &Notices, catalogue: &Catalogue) -> BTreeMap<String, page::Signal> {
        let signal = |(slug, state): (&String, &notice::SignalState)| {
            let card = catalogue.card(slug);
            let periods = card.map(crate::catalogue::Card::periods).unwrap_or_default();
            let season = card.is_some_and(|card| card.season);
            (slug.clone(), self.signal(state, periods, season))
        };
        notices.signals.iter().map(signal).collect()
    }

    fn signal(&self, told: &notice::SignalState, periods: Periods, season: bool) -> page::Signal {
        let window = told.points.last();
        let is_off = told.state == notice::State::Off;
        let is_hidden = self.hidden
            || told.state == notice::State::NotShown
            || told.observation.is_some() && window.is_none_or(|window| !self.reaches(window.from));
        if is_off || is_hidden {
            // The same for every reason, and nothing beside it.
            let state = if is_off { page::SignalState::Off } else { page::SignalState::NotShown };
            return page::Signal { state, points: Vec::new(), observation: None, year_ago: None };
        }
        let reaches = |point: &&notice::Point| self.reaches(point.from);
        page::Signal {
            state: signal_state(&told.state, periods),
            points: told.points.iter().filter(reaches).map(point).collect(),
            observation: told.observation.as_ref().map(observation),
            year_ago: told.year_ago.as_ref().filter(|_| season).filter(reaches).map(point),
        }
    }

    /// Whether a card may be shown: that of a team that is shown, with a window that may be.
    #[must_use]
    pub fn card(&self, card: &notice::Card, notices: &Notices) -> bool {
        let window = |slug: &String| notices.signals.get(slug).and_then(|signal| signal.points.last());
        !self.hidden && card.signals.iter().all(|slug| window(slug).is_none_or(|window| self.reaches(window.from)))
    }
}

fn signal_state(state: &notice::State, periods: Periods) -> page::SignalState {
    match state {
        notice::State::Open => page::SignalState::Open,
        notice::State::WithinUsual => page::SignalState::WithinUsual,
        notice::State::OutsideQuietly => page::SignalState::OutsideQuietly,
        notice::State::Learning { weeks, of } => {
            page::SignalState::Learning { weeks: *weeks, of: *of, nightly: periods == Periods::Weeks }
        }
        notice::State::NotEnough => page::SignalState::NotEnough,
        notice::State::NotShown => page::SignalState::NotShown,
        notice::State::NotComputed { source } => page::SignalState::NotComputed { source: source.clone() },
        notice::State::Off => page::SignalState::Off,
    }
}

fn point(point: &notice::Point) -> page::Point {
    page::Point { from: date_of(point.from), to: date_of(point.to), x: point.x, n: point.n }
}

/// A count with its usual range, as the report takes it.
pub(super) fn observation(seen: &notice::Observation) -> page::Observation {
    page::Observation {
        signal: seen.signal.clone(),
        x: seen.x,
        n: seen.n,
        usual_low: seen.usual_low,
        usual_high: seen.usual_high,
        expected: seen.expected,
        past_within: seen.past_within,
        past_total: seen.past_total,
    }
}
