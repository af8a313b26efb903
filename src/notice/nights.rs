//! Night after night: which cards open, stay and close. The past nights are evaluated in order from the evidence, so
//! that a card which opened stays by its own rules however often the program ran.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::joint::{Joint, Scored, joint};
use super::people::{carried_by_several, joint_carried_by_several};
use super::series::{Form, Point, Settings, SignalSpec, TeamInput, Track, Window};
use super::usual_range::{FEWEST_WEEKS, Verdict};

/// A card closes after this many evaluated nights below the threshold.
const CLOSING_NIGHTS: usize = 15;
/// At most one new card in this many working days.
const BETWEEN_CARDS: usize = 10;
/// At most this many cards are open at a time.
const MOST_OPEN: usize = 3;

/// A count with its usual range, as a card says it.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    pub signal: String,
    pub x: i64,
    pub n: i64,
    pub usual_low: i64,
    pub usual_high: i64,
    pub expected: f64,
    pub past_within: usize,
    pub past_total: usize,
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
    /// One of a joint card's three would open alone.
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
    /// Too few weeks of the past.
    Learning {
        weeks: usize,
        of: usize,
    },
    /// Too few opportunities to say anything.
    NotEnough,
    /// Fewer people than the floor.
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
}

/// What there is to say about a team.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Notices {
    /// First and last day of the last ten working days.
    pub window: Option<(i64, i64)>,
    pub cards: Vec<Card>,
    pub signals: BTreeMap<String, SignalState>,
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

    fn stands_out(&self, threshold: f64) -> bool {
        self.verdict.z10.is_some() && self.verdict.score.is_some_and(|score| score >= threshold) && self.effect()
    }

    fn observation(&self) -> Option<Observation> {
        let usual = self.verdict.usual?;
        let pair = self.w10.as_ref()?.pair();
        Some(Observation {
            signal: self.track.spec.slug.clone(),
            x: pair.x,
            n: pair.n,
            usual_low: usual.low,
            usual_high: usual.high,
            expected: usual.expected,
            past_within: usual.past_within,
            past_total: usual.past_total,
        })
    }
}

struct OpenCard {
    signals: Vec<String>,
    joint: bool,
    theme: Option<String>,
    opened_on: i64,
    below: usize,
}

/// What is worth saying about a team on the day `today`; windows end the day before.
#[must_use]
pub fn notice(team: &TeamInput, specs: &[SignalSpec], settings: &Settings, today: i64) -> Notices {
    let on: Vec<&SignalSpec> = specs.iter().filter(|spec| !team.off.contains(&spec.slug)).collect();
    let tracks: Vec<Track<'_>> = on.iter().map(|spec| Track::new(team, spec, settings)).collect();
    let nights: Vec<i64> = team.days.iter().map(|day| day.day).filter(|day| *day < today).collect();
    let mut open: Vec<OpenCard> = Vec::new();
    let mut last_new: Option<usize> = None;
    let skipped = nights.len().saturating_sub(settings.nights);
    for (at, night) in nights.iter().enumerate().skip(skipped) {
        let looks = look(team, &tracks, *night);
        age(&mut open, &looks, settings);
        let rested = last_new.is_none_or(|last| at - last >= BETWEEN_CARDS);
        if let Some(card) = rested.then(|| candidate(&looks, &open, settings, *night)).flatten() {
            let details = |slug: &str| detail_of(specs, slug).is_some_and(|whole| card.signals.contains(whole));
            open.retain(|other| !other.signals.iter().all(|signal| card.signals.contains(signal) || details(signal)));
            open.push(card);
            last_new = Some(at);
        }
    }
    let Some(night) = nights.last() else { return Notices { signals: unsaid(specs, team), ..Notices::default() } };
    let looks = look(team, &tracks, *night);
    let first = nights.len().saturating_sub(10);
    Notices {
        window: Some((nights[first], *night)),
        cards: open.iter().map(|card| finish(card, &looks, team, settings)).collect(),
        signals: specs.iter().map(|spec| (spec.slug.clone(), state(spec, team, &looks, &open, *night))).collect(),
    }
}

fn unsaid(specs: &[SignalSpec], team: &TeamInput) -> BTreeMap<String, SignalState> {
    let state = |spec: &SignalSpec| if team.off.contains(&spec.slug) { State::Off } else { State::NotShown };
    specs
        .iter()
        .map(|spec| {
            (spec.slug.clone(), SignalState { state: state(spec), observation: None, points: vec![], verdict: None })
        })
        .collect()
}

fn look<'a>(team: &TeamInput, tracks: &'a [Track<'a>], night: i64) -> Vec<Look<'a>> {
    tracks
        .iter()
        .map(|track| {
            let (w10, w5) = (track.window(night, 10), track.window(night, 5));
            let pair = |window: &Option<Window<'_>>| window.as_ref().map(Window::pair);
            let verdict = track.series(night, pair(&w10), pair(&w5)).verdict();
            let complete = team.coverage.get(&track.spec.slug).is_some_and(|coverage| night <= coverage.to);
            Look { track, w10, w5, verdict, complete }
        })
        .collect()
}

fn joint_of(looks: &[Look<'_>]) -> Option<Joint> {
    let core: Vec<Scored> = looks.iter().filter(|look| look.track.spec.core).map(Look::scored).collect();
    joint(&core)
}

/// The signal of which another one is a detail.
fn detail_of<'a>(specs: &'a [SignalSpec], slug: &str) -> Option<&'a String> {
    specs.iter().find(|spec| spec.slug == slug)?.detail_of.as_ref()
}

/// Counts the nights that open cards spent below their threshold, and closes those that rested long enough.
fn age(open: &mut Vec<OpenCard>, looks: &[Look<'_>], settings: &Settings) {
    let joint = joint_of(looks).map(|joint| joint.score);
    for card in open.iter_mut() {
        let own: Vec<&Look<'_>> = looks.iter().filter(|look| card.signals.contains(&look.track.spec.slug)).collect();
        if own.iter().any(|look| !look.complete) {
            continue;
        }
        let (score, threshold) = if card.joint {
            (joint, settings.joint_threshold)
        } else {
            (own.first().and_then(|look| look.verdict.score), settings.signal_threshold)
        };
        match score {
            Some(score) if score >= threshold => card.below = 0,
            // A joint value is missing when the third largest fell back: that is below, not unknown.
            Some(_) => card.below += 1,
            None if card.joint => card.below += 1,
            None => {}
        }
    }
    open.retain(|card| card.below < CLOSING_NIGHTS);
}

/// The card that opens tonight, if any: joint before single, then the highest score.
fn candidate(looks: &[Look<'_>], open: &[OpenCard], settings: &Settings, night: i64) -> Option<OpenCard> {
    if open.len() >= MOST_OPEN {
        return None;
    }
    let taken = |slug: &str| open.iter().any(|card| card.signals.iter().any(|signal| signal == slug));
    let new = |signals: Vec<String>, joint: bool, theme: Option<String>| OpenCard {
        signals,
        joint,
        theme,
        opened_on: night + 1,
        below: 0,
    };
    if let Some(found) = joint_of(looks).filter(|_| !open.iter().any(|card| card.joint)) {
        let complete =
            looks.iter().filter(|look| found.three.contains(&look.track.spec.slug)).all(|look| look.complete);
        let fresh = found.three.iter().any(|slug| !taken(slug));
        if complete
            && fresh
            && found.effect
            && found.score >= settings.joint_threshold
            && joint_carried_by_several(looks, &found, night, settings.joint_threshold)
        {
            return Some(new(found.three.clone(), true, found.theme.map(str::to_owned)));
        }
    }
    let mut singles: Vec<&Look<'_>> = looks
        .iter()
        .filter(|look| look.complete && look.stands_out(settings.signal_threshold) && !taken(&look.track.spec.slug))
        .filter(|look| carried_by_several(look, night, settings.signal_threshold))
        .collect();
    let standing: Vec<&str> = singles.iter().map(|look| look.track.spec.slug.as_str()).collect();
    singles.retain(|look| {
        let whole = look.track.spec.detail_of.as_deref();
        whole.is_none_or(|whole| !taken(whole) && !standing.contains(&whole))
    });
    singles.sort_by(|left, right| {
        let by_score = right.verdict.score.partial_cmp(&left.verdict.score).unwrap_or(std::cmp::Ordering::Equal);
        by_score.then(left.track.spec.order.cmp(&right.track.spec.order))
    });
    singles.first().map(|look| new(vec![look.track.spec.slug.clone()], false, None))
}

fn finish(card: &OpenCard, looks: &[Look<'_>], team: &TeamInput, settings: &Settings) -> Card {
    let own: Vec<&Look<'_>> = looks.iter().filter(|look| card.signals.contains(&look.track.spec.slug)).collect();
    let mut items: Vec<Arc<str>> = own
        .iter()
        .filter(|look| look.track.spec.lists_items)
        .flat_map(|look| look.w10.as_ref().map(Window::items).unwrap_or_default())
        .collect();
    items.sort();
    items.dedup();
    let name = format!("{}/{}/{}", team.id, card.signals.join("+"), card.opened_on);
    let score = if card.joint {
        joint_of(looks).map(|joint| joint.score)
    } else {
        own.first().and_then(|look| look.verdict.score)
    };
    Card {
        id: blake3::hash(name.as_bytes()).to_hex()[..10].to_owned(),
        signals: card.signals.clone(),
        joint: card.joint,
        theme: card.theme.clone(),
        opened_on: card.opened_on,
        score,
        alone: own.iter().any(|look| look.stands_out(settings.signal_threshold)),
        observations: own.iter().filter_map(|look| look.observation()).collect(),
        items,
    }
}

fn state(spec: &SignalSpec, team: &TeamInput, looks: &[Look<'_>], open: &[OpenCard], night: i64) -> SignalState {
    let Some(look) = looks.iter().find(|look| look.track.spec.slug == spec.slug) else {
        return SignalState { state: State::Off, observation: None, points: vec![], verdict: None };
    };
    let observation = look.observation();
    let coverage = team.coverage.get(&spec.slug);
    let missing = match coverage {
        None => Some("no source".to_owned()),
        Some(coverage) => coverage.failed.clone().filter(|_| night > coverage.to),
    };
    let state = if look.track.is_unstaffed() {
        State::NotShown
    } else if let Some(source) = missing {
        State::NotComputed { source }
    } else if look.verdict.baseline.is_none() {
        State::Learning { weeks: look.verdict.usable_weeks, of: FEWEST_WEEKS }
    } else if open.iter().any(|card| card.signals.contains(&spec.slug)) {
        State::Open
    } else {
        match &observation {
            None => State::NotEnough,
            Some(seen) if (seen.usual_low..=seen.usual_high).contains(&seen.x) => State::WithinUsual,
            Some(_) => State::OutsideQuietly,
        }
    };
    SignalState { state, observation, points: look.track.points(night), verdict: Some(look.verdict) }
}
