//! One night of one team: what each signal's windows say, and what there is to show.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::joint::{Joint, Scored, is_known, joint};
use super::memory::{Memory, Remembered, START};
use super::people::{joint_strength, strength};
use super::series::{Form, Point, Settings, SignalSpec, TeamInput, Track};
use super::usual_range::Verdict;
use super::window::{FEW, Window};

/// How far calibration may move a threshold below and above its start value. Not below: there a calm year would fill the
/// budget of one card a quarter, and more than 0.6 cards a quarter on the page of a calm team are too many.
pub(super) const REACH: (f64, f64) = (0.0, 0.5);

/// A 10-day score below this is back in the usual range.
pub(super) const FALLEN_BACK: f64 = 1.645;

/// A count with its usual range, as a card says it.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    pub signal: String,
    /// `None`: fewer than three people stand behind it, or fewer than three events ("few").
    pub x: Option<i64>,
    pub n: i64,
    pub usual_low: i64,
    pub usual_high: i64,
    pub expected: f64,
    pub past_within: usize,
    pub past_total: usize,
}

impl Observation {
    /// Whether the count lies in the usual range. "Few" does wherever the range reaches down to it, whatever was
    /// counted: what one or two people did is not hinted at either.
    fn is_within(&self) -> bool {
        self.usual_low <= self.x.unwrap_or(FEW - 1) && self.x.is_none_or(|x| x <= self.usual_high)
    }
}

/// Something worth a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// Stable as long as the card is open.
    pub id: String,
    /// In catalogue order; three for a joint card.
    pub signals: Vec<String>,
    pub joint: bool,
    pub theme: Option<String>,
    /// The day of the night on which it opened.
    pub opened_on: i64,
    pub score: Option<f64>,
    /// The signal, or one of a joint card's three, would open alone tonight.
    pub alone: bool,
    /// One for each signal that can be counted today.
    pub observations: Vec<Observation>,
    /// Items behind the counts, for work-item signals.
    pub items: Vec<Arc<str>>,
}

/// What can be said of a signal tonight.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Part of an open card.
    Open,
    WithinUsual,
    /// Outside the usual range, without a card.
    OutsideQuietly,
    /// Too few periods of the past.
    Learning {
        weeks: usize,
        of: usize,
    },
    /// Too few opportunities to say anything.
    NotEnough,
    /// Fewer people than the floor, or switched off by the team: nobody is told which.
    NotShown,
    /// A source is missing.
    NotComputed {
        source: String,
    },
    Off,
}

/// A signal tonight.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalState {
    pub state: State,
    pub observation: Option<Observation>,
    pub points: Vec<Point>,
    pub verdict: Option<Verdict>,
    /// The same ten days a year before, where there were enough of them to be read.
    pub year_ago: Option<Point>,
}

/// What there is to say about a team.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Notices {
    /// First and last day of the last ten working days.
    pub window: Option<(i64, i64)>,
    pub cards: Vec<Card>,
    pub signals: BTreeMap<String, SignalState>,
    /// What is to be remembered until the next night.
    pub memory: Memory,
}

/// A signal on one night.
pub(super) struct Look<'a> {
    pub track: &'a Track<'a>,
    pub w10: Option<Window<'a>>,
    pub w5: Option<Window<'a>>,
    pub verdict: Verdict,
    /// The source was complete that night.
    pub complete: bool,
}

/// A signal's scores on one night, as far as cards depend on them.
#[derive(Clone, Debug, PartialEq)]
pub struct Single {
    pub slug: String,
    pub order: u32,
    /// The signal of which this one is a detail.
    pub detail_of: Option<String>,
    pub score: Option<f64>,
    /// The highest threshold at which it would open, all conditions looked at; `None` where none would do.
    pub strength: Option<f64>,
    /// The 10-day score, where it is known.
    pub z10: Option<f64>,
    /// The source was complete that night.
    pub complete: bool,
}

impl Single {
    /// There is enough to compare.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.z10.is_some()
    }
}

/// The joint value of one night.
#[derive(Clone, Debug, PartialEq)]
pub struct Together {
    pub three: Vec<String>,
    pub theme: Option<&'static str>,
    pub score: f64,
    pub strength: Option<f64>,
    pub complete: bool,
}

/// What one night says about a team, whatever the thresholds are.
#[derive(Clone, Debug, PartialEq)]
pub struct Night {
    /// The working day that the windows end on.
    pub day: i64,
    pub singles: Vec<Single>,
    pub joint: Option<Together>,
    /// Three signals of the core are known, so that a missing joint value means that nothing moved together.
    pub is_joint_known: bool,
}

impl Look<'_> {
    pub(super) fn scored(&self) -> Scored {
        let spec = self.track.spec;
        Scored {
            slug: spec.slug.clone(),
            order: spec.order,
            z10: self.verdict.z10,
            z5: self.verdict.z5,
            effect: self.effect(),
        }
    }

    /// The effect condition; a stock is judged on the window that gave the score.
    fn effect(&self) -> bool {
        let effect =
            if self.track.spec.form == Form::Stock { self.verdict.effect_scoring } else { self.verdict.effect };
        effect == Some(true)
    }

    fn single(&self, night: i64) -> Single {
        let score = self.verdict.score;
        let candidate =
            score.filter(|score| *score >= START.signal - REACH.0 && self.verdict.z10.is_some() && self.effect());
        let candidate = candidate.filter(|_| self.track.is_tested(night));
        Single {
            slug: self.track.spec.slug.clone(),
            order: self.track.spec.order,
            detail_of: self.track.spec.detail_of.clone(),
            score,
            strength: candidate.and_then(|score| strength(self, score, night)),
            z10: self.verdict.z10,
            complete: self.complete,
        }
    }

    fn observation(&self) -> Option<Observation> {
        let usual = self.verdict.usual?;
        let Point { x, n, .. } = self.w10.as_ref()?.point();
        Some(Observation {
            signal: self.track.spec.slug.clone(),
            x,
            n,
            usual_low: usual.low,
            usual_high: usual.high,
            expected: usual.expected,
            past_within: usual.past_within,
            past_total: usual.past_total,
        })
    }
}

/// The signals that are on for a team, counted by day and week.
pub(super) fn tracks<'a>(team: &'a TeamInput, specs: &'a [SignalSpec], settings: &Settings) -> Vec<Track<'a>> {
    let on = specs.iter().filter(|spec| !team.off.contains(&spec.slug) && !team.vetoed.contains(&spec.slug));
    on.map(|spec| Track::new(team, spec, settings)).collect()
}

/// What a night says.
pub(super) fn evaluate(team: &TeamInput, tracks: &[Track<'_>], night: i64) -> Night {
    let looks: Vec<Look<'_>> = tracks.iter().map(|track| look(team, track, night, false)).collect();
    let core: Vec<Scored> = core_of(&looks);
    Night {
        day: night,
        singles: looks.iter().map(|look| look.single(night)).collect(),
        joint: joint(&core).map(|found| together(&looks, found, night)),
        is_joint_known: is_known(&core),
    }
}

fn together(looks: &[Look<'_>], found: Joint, night: i64) -> Together {
    let is_candidate = found.score >= START.joint - REACH.0 && found.effect;
    let mut named = looks.iter().filter(|look| found.three.contains(&look.track.spec.slug));
    Together {
        strength: if is_candidate { joint_strength(looks, &found, night) } else { None },
        complete: named.all(|look| look.complete),
        score: found.score,
        theme: found.theme,
        three: found.three,
    }
}

fn look<'a>(team: &TeamInput, track: &'a Track<'a>, night: i64, with_range: bool) -> Look<'a> {
    let (w10, w5) = track.windows(night);
    let pair = |window: &Option<Window<'_>>| window.as_ref().map(Window::pair);
    let series = track.series(night, pair(&w10), pair(&w5));
    let verdict = if with_range { series.verdict() } else { series.scores() };
    let complete = team.coverage.get(&track.spec.slug).is_some_and(|coverage| night <= coverage.to);
    Look { track, w10, w5, verdict, complete }
}

fn core_of(looks: &[Look<'_>]) -> Vec<Scored> {
    looks.iter().filter(|look| look.track.spec.core).map(Look::scored).collect()
}

/// What is worth saying about a team on the day `today`; windows end the day before. Nights after the last one that
/// `memory` knows are evaluated in order; where it knows none, the last `settings.nights`.
#[must_use]
pub fn notice(team: &TeamInput, specs: &[SignalSpec], settings: &Settings, memory: &Memory, today: i64) -> Notices {
    let tracks = tracks(team, specs, settings);
    let nights: Vec<i64> = team.days.iter().map(|day| day.day).filter(|day| *day < today).collect();
    let mut memory = memory.clone();
    let first = match memory.evaluated_to {
        Some(known) => nights.partition_point(|night| *night <= known),
        None => nights.len().saturating_sub(settings.nights),
    };
    for night in &nights[first..] {
        memory.advance(&team.id, &evaluate(team, &tracks, *night), &nights, settings.thresholds);
    }
    let Some(night) = nights.last().copied() else {
        return Notices { signals: unsaid(specs, team), memory, ..Notices::default() };
    };
    let looks: Vec<Look<'_>> = tracks.iter().map(|track| look(team, track, night, true)).collect();
    let open: Vec<&Remembered> = memory.open_on(today).collect();
    Notices {
        window: Some((nights[nights.len().saturating_sub(10)], night)),
        cards: open.iter().map(|card| finish(card, &looks, settings, night)).collect(),
        signals: specs.iter().map(|spec| (spec.slug.clone(), state(spec, team, &looks, &open, night))).collect(),
        memory,
    }
}

fn silent(state: State) -> SignalState {
    SignalState { state, observation: None, points: vec![], verdict: None, year_ago: None }
}

fn unsaid(specs: &[SignalSpec], team: &TeamInput) -> BTreeMap<String, SignalState> {
    specs.iter().map(|spec| (spec.slug.clone(), silent(off_or_hidden(spec, team)))).collect()
}

/// What is said of a signal that is not looked at. What a team switched off reads as what is below the floor.
fn off_or_hidden(spec: &SignalSpec, team: &TeamInput) -> State {
    if team.off.contains(&spec.slug) { State::Off } else { State::NotShown }
}

fn finish(card: &Remembered, looks: &[Look<'_>], settings: &Settings, night: i64) -> Card {
    let own: Vec<&Look<'_>> = looks.iter().filter(|look| card.signals.contains(&look.track.spec.slug)).collect();
    let mut items: Vec<Arc<str>> = own
        .iter()
        .filter(|look| look.track.spec.lists_items)
        .flat_map(|look| look.w10.as_ref().map(Window::items).unwrap_or_default())
        .collect();
    items.sort();
    items.dedup();
    let score = if card.joint {
        joint(&core_of(looks)).map(|joint| joint.score)
    } else {
        own.first().and_then(|look| look.verdict.score)
    };
    let opens =
        |look: &Look<'_>| look.single(night).strength.is_some_and(|strength| strength >= settings.thresholds.signal);
    Card {
        id: card.id.clone(),
        signals: card.signals.clone(),
        joint: card.joint,
        theme: card.theme.clone(),
        opened_on: card.opened_on,
        score,
        alone: own.iter().any(|look| opens(look)),
        observations: own.iter().filter_map(|look| look.observation()).collect(),
        items,
    }
}

fn state(spec: &SignalSpec, team: &TeamInput, looks: &[Look<'_>], open: &[&Remembered], night: i64) -> SignalState {
    let Some(look) = looks.iter().find(|look| look.track.spec.slug == spec.slug) else {
        return silent(off_or_hidden(spec, team));
    };
    if look.track.is_unstaffed() {
        return silent(State::NotShown);
    }
    let observation = look.observation();
    let coverage = team.coverage.get(&spec.slug);
    let missing = match coverage {
        None => Some("no source".to_owned()),
        Some(coverage) => coverage.failed.clone().filter(|_| night > coverage.to),
    };
    let state = if let Some(source) = missing {
        State::NotComputed { source }
    } else if look.verdict.baseline.is_none() {
        State::Learning { weeks: look.verdict.usable_weeks, of: spec.periods.fewest() }
    } else if open.iter().any(|card| card.signals.contains(&spec.slug)) {
        State::Open
    } else {
        match &observation {
            None => State::NotEnough,
            Some(seen) if seen.is_within() => State::WithinUsual,
            Some(_) => State::OutsideQuietly,
        }
    };
    let enough = |point: &Point| point.n >= spec.kind.fewest() && super::usual_range::as_f64(point.n) >= spec.minimum;
    SignalState {
        state,
        observation,
        points: look.track.points(night),
        verdict: Some(look.verdict),
        year_ago: look.track.a_year_before(night).map(|window| window.point()).filter(enough),
    }
}
