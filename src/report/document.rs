//! The value from which a page and its JSON are both made: with the same rounding and suppression, so that what the
//! page hides the file does not hold.

use std::collections::BTreeMap;

use serde::Serialize;

use super::input::{Ageing, Card, Context, Health, Observation, Organisation, Signal, SignalState, Team};
use super::link::safe_link;
use super::rounding::{is_hardly_any, is_nearly_all, rounded, told, told_point};
use super::words::{Words, clean, fill};
use crate::catalogue::{self, Catalogue};

/// The schema of a team's file.
pub const SCHEMA: &str = "undercurrent.report/1";
/// Fewer items than this are not drawn.
const FEWEST_ITEMS: usize = 4;
/// The method's version; changes when a figure would change.
const METHOD: &str = "usual-range/1";

/// A team's file.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    pub schema: &'static str,
    pub as_of: String,
    pub team: TeamName,
    pub sources: Vec<SourceLine>,
    pub summary: String,
    pub conversations: Vec<Conversation>,
    /// In the leader's edition alone.
    pub coming_back_to: Vec<serde_json::Value>,
    /// Reminders about the leader's own promises, in the leader's edition alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reminders: Vec<serde_json::Value>,
    pub within_usual: Vec<String>,
    pub not_shown: Vec<String>,
    pub not_computed: Vec<NotComputed>,
    pub series: BTreeMap<String, Vec<SeriesPoint>>,
    /// Every signal's window beside its usual range, rounded as the table of the page is.
    pub compared: BTreeMap<String, Compared>,
    /// What the drawing of open work and its table show.
    pub open_work: Vec<OpenWork>,
    pub method: Method,
}

/// Which team.
#[derive(Clone, Debug, Serialize)]
pub struct TeamName {
    pub id: String,
    pub name: String,
    pub people: i64,
    /// Mondays at which somebody joined or left.
    pub roster_changes: Vec<String>,
    /// The day on which the past was counted again with another roster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counted_again: Option<String>,
}

/// A source's freshness.
#[derive(Clone, Debug, Serialize)]
pub struct SourceLine {
    pub id: String,
    pub state: &'static str,
    pub complete_to: Option<String>,
    pub covers: String,
}

/// A card.
#[derive(Clone, Debug, Serialize)]
pub struct Conversation {
    pub id: String,
    pub signals: Vec<String>,
    pub theme: Option<String>,
    pub opened_on: String,
    pub unsaid: Option<String>,
    pub headline: String,
    pub observation: Option<ObservationLine>,
    /// The observation as a sentence.
    pub sentence: String,
    /// One for each signal of a joint card.
    pub observations: Vec<SignalObservation>,
    /// The same season of the last year in words, a line for each signal that could be read then.
    pub season: Vec<String>,
    pub items: Vec<ItemLine>,
    pub may_also_be: Vec<String>,
    pub questions: Vec<QuestionLine>,
    pub could_do: Vec<String>,
    pub since: String,
    /// How far the leader has come with it, in the leader's edition alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<&'static str>,
    /// It waits until due follow-ups are done, in the leader's edition alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
}

/// What was counted.
#[derive(Clone, Debug, Serialize)]
pub struct ObservationLine {
    /// Null where it reads "few".
    pub x: Option<i64>,
    /// It is x or more: how near to all is not told.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub or_more: bool,
    pub n: i64,
    pub unit: String,
    pub usual_low: i64,
    pub usual_high: i64,
    pub past_within: usize,
    pub past_total: usize,
    /// The same ten working days a year before, where they could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year_ago: Option<YearAgo>,
}

/// The same season of the last year; `x` is null where it reads "few".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct YearAgo {
    pub x: Option<i64>,
    pub n: i64,
}

/// What was counted of one of several signals.
#[derive(Clone, Debug, Serialize)]
pub struct SignalObservation {
    pub signal: String,
    #[serde(flatten)]
    pub observation: ObservationLine,
    pub sentence: String,
}

/// An item by key and link.
#[derive(Clone, Debug, Serialize)]
pub struct ItemLine {
    #[serde(rename = "ref")]
    pub key: String,
    pub url: Option<String>,
    pub working_days: Option<i64>,
}

/// A question with its behaviour.
#[derive(Clone, Debug, Serialize)]
pub struct QuestionLine {
    pub behaviour: String,
    pub text: String,
}

/// A signal that could not be computed.
#[derive(Clone, Debug, Serialize)]
pub struct NotComputed {
    pub signal: String,
    pub source: String,
}

/// A rounded point; `x` is null where it reads "few".
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeriesPoint {
    pub from: String,
    pub to: String,
    pub x: Option<i64>,
    pub n: i64,
}

/// A window beside its usual range; `x` is null where it reads "few".
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    pub x: Option<i64>,
    /// It is x or more: how near to all is not told.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub or_more: bool,
    pub n: i64,
    pub usual_low: i64,
    pub usual_high: i64,
    pub past_within: usize,
    pub past_total: usize,
}

/// An item in progress; without key and link where the configuration hides them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OpenWork {
    #[serde(rename = "ref")]
    pub key: Option<String>,
    pub url: Option<String>,
    pub working_days: i64,
    pub quiet_days: i64,
}

/// The method.
#[derive(Clone, Debug, Serialize)]
pub struct Method {
    pub version: &'static str,
    pub signal_threshold: f64,
    pub joint_threshold: f64,
    pub false_cards_per_team_quarter: Option<f64>,
}

/// Makes the document of a team.
#[must_use]
pub fn document(organisation: &Organisation, team: &Team, catalogue: &Catalogue, words: &Words) -> Document {
    // Of a hidden group nothing is told, whatever the caller brings.
    let cards = if team.hidden { &[] } else { team.cards.as_slice() };
    let conversations = cards.iter().map(|card| conversation(organisation, team, card, catalogue, words));
    Document {
        schema: SCHEMA,
        as_of: organisation.as_of.to_string(),
        team: TeamName {
            id: team.id.clone(),
            name: clean(&team.name),
            people: team.people,
            roster_changes: team.roster_changes.iter().map(ToString::to_string).collect(),
            counted_again: team.counted_again.map(|day| day.to_string()),
        },
        sources: team.sources.iter().map(source).collect(),
        summary: summary(team, words),
        conversations: conversations.collect(),
        coming_back_to: Vec::new(),
        reminders: Vec::new(),
        within_usual: slugs(team, |state| *state == SignalState::WithinUsual),
        not_shown: slugs(team, |state| *state == SignalState::NotShown),
        not_computed: not_computed(team),
        series: if team.hidden { BTreeMap::new() } else { series(team, catalogue) },
        compared: compared(team, catalogue),
        open_work: shown_ageing(team).map_or_else(Vec::new, |ageing| open_work(organisation, ageing)),
        method: Method {
            version: METHOD,
            signal_threshold: organisation.signal_threshold,
            joint_threshold: organisation.joint_threshold,
            // As the card says it: one digit.
            false_cards_per_team_quarter: team.false_cards.map(|rate| (rate * 10.0).round() / 10.0),
        },
    }
}

fn slugs(team: &Team, wanted: impl Fn(&SignalState) -> bool) -> Vec<String> {
    team.signals.iter().filter(|(_, signal)| wanted(&signal.state)).map(|(slug, _)| slug.clone()).collect()
}

fn not_computed(team: &Team) -> Vec<NotComputed> {
    let missing = |(slug, signal): (&String, &super::input::Signal)| match &signal.state {
        SignalState::NotComputed { source } => Some(NotComputed { signal: slug.clone(), source: source.clone() }),
        _ => None,
    };
    team.signals.iter().filter_map(missing).collect()
}

fn series(team: &Team, catalogue: &Catalogue) -> BTreeMap<String, Vec<SeriesPoint>> {
    let shown = |state: &SignalState| !matches!(state, SignalState::NotShown | SignalState::Off);
    let signals = team.signals.iter().filter(|(_, signal)| shown(&signal.state) && !signal.points.is_empty());
    let points = |slug: &str, signal: &Signal| {
        let card = catalogue.card(slug);
        signal.points.iter().map(|one| point(&told_point(card, *one))).collect()
    };
    signals.map(|(slug, signal)| (slug.clone(), points(slug, signal))).collect()
}

fn compared(team: &Team, catalogue: &Catalogue) -> BTreeMap<String, Compared> {
    let hidden = |signal: &Signal| team.hidden || matches!(signal.state, SignalState::NotShown | SignalState::Off);
    let shown = team.signals.iter().filter(|(_, signal)| !hidden(signal));
    shown.filter_map(|(slug, signal)| Some((slug.clone(), beside_usual(catalogue.card(slug), signal)?))).collect()
}

fn beside_usual(card: Option<&catalogue::Card>, signal: &Signal) -> Option<Compared> {
    let seen = signal.observation.as_ref()?;
    let (x, n, or_more) = if signal.state == SignalState::Open {
        on_card(card, seen)
    } else {
        (seen.x.map(|x| told(card, x, seen.n)), rounded(seen.n), false)
    };
    Some(Compared {
        x,
        or_more,
        n,
        usual_low: seen.usual_low,
        usual_high: seen.usual_high,
        past_within: seen.past_within,
        past_total: seen.past_total,
    })
}

/// What a card tells: the exact count. Of something about people it does not tell that it is nearly all, which would say
/// the same of everyone, nor a number so small that hardly anything is left open about each of them.
fn on_card(card: Option<&catalogue::Card>, seen: &Observation) -> (Option<i64>, i64, bool) {
    let or_more = seen.x.is_some_and(|x| is_nearly_all(card, x, seen.n));
    let x = seen.x.filter(|x| !is_hardly_any(card, *x));
    (x.map(|x| if or_more { told(card, x, seen.n) } else { x }), seen.n, or_more)
}

/// The open work of a team where it may be drawn: enough items, and a signal about them that is shown.
#[must_use]
pub fn shown_ageing(team: &Team) -> Option<&Ageing> {
    let signal = team.signals.get("stalled_work")?;
    let hidden = matches!(signal.state, SignalState::NotShown | SignalState::Off | SignalState::NotComputed { .. });
    team.ageing.as_ref().filter(|ageing| !team.hidden && !hidden && ageing.items.len() >= FEWEST_ITEMS)
}

fn open_work(organisation: &Organisation, ageing: &Ageing) -> Vec<OpenWork> {
    let keys = organisation.show_work_items;
    let line = |open: &super::input::OpenItem| OpenWork {
        key: keys.then(|| clean(&open.item.key)),
        url: open.item.url.as_deref().filter(|_| keys).and_then(safe_link),
        working_days: open.item.working_days.unwrap_or(0),
        quiet_days: open.quiet_days,
    };
    ageing.items.iter().map(line).collect()
}

/// A point that is rounded already.
fn point(point: &super::input::Point) -> SeriesPoint {
    SeriesPoint { from: point.from.to_string(), to: point.to.to_string(), x: point.x, n: point.n }
}

/// A source's line in the figures.
pub(super) fn source(source: &super::input::Source) -> SourceLine {
    SourceLine {
        id: source.id.clone(),
        state: match source.health {
            Health::Complete => "complete",
            Health::Stale => "stale",
            Health::Failed => "failed",
            Health::Off => "off",
        },
        complete_to: source.complete_to.map(|at| at.to_string()),
        covers: clean(&source.covers),
    }
}

fn summary(team: &Team, words: &Words) -> String {
    if team.hidden {
        return words.get("summary-small");
    }
    match team.cards.len() {
        0 => match learning(team) {
            Some((weeks, of)) => {
                words.fill("summary-learning", &[("weeks", &weeks.to_string()), ("of", &of.to_string())])
            }
            None if team.signals.values().any(|signal| is_compared(&signal.state)) => words.get("summary-none"),
            None => words.get("summary-nothing"),
        },
        1 => words.get("summary-one"),
        several => words.fill("summary-some", &[("count", &words.count(several))]),
    }
}

/// Whether a signal was compared with the team's usual at all.
fn is_compared(state: &SignalState) -> bool {
    matches!(state, SignalState::Open | SignalState::WithinUsual | SignalState::OutsideQuietly)
}

/// How far the slowest learning has come, where nothing at all can be compared yet.
#[must_use]
pub fn learning(team: &Team) -> Option<(usize, usize)> {
    let known = team.signals.values().any(|signal| signal.observation.is_some());
    let weeks = team.signals.values().filter_map(|signal| match signal.state {
        SignalState::Learning { weeks, of, nightly: true } => Some((weeks, of)),
        _ => None,
    });
    weeks.max().filter(|_| !known)
}

fn conversation(
    organisation: &Organisation,
    team: &Team,
    card: &Card,
    catalogue: &Catalogue,
    words: &Words,
) -> Conversation {
    let first = card.signals.first().and_then(|slug| catalogue.card(slug));
    let text = if card.joint { catalogue.joint() } else { first.unwrap_or_else(|| catalogue.joint()) };
    let lines = observations(team, card, catalogue, words);
    let today = organisation.as_of.to_zoned_datetime(organisation.zone.clone()).date();
    let since = if card.opened_on >= today {
        words.get("since-today")
    } else {
        words.fill("since", &[("date", &words.short_day(card.opened_on))])
    };
    let unsaid = (!card.joint && !text.unsaid.is_empty()).then(|| text.unsaid.clone());
    let leading = (!card.joint).then(|| lines.first().map(|line| line.observation.clone())).flatten();
    let sentence = if card.joint {
        joint_sentence(card, catalogue, words)
    } else {
        lines.first().map(|line| line.sentence.clone()).unwrap_or_default()
    };
    Conversation {
        id: card.id.clone(),
        signals: card.signals.clone(),
        theme: card.theme.clone(),
        opened_on: card.opened_on.to_string(),
        unsaid,
        headline: card
            .theme
            .as_deref()
            .map_or_else(|| text.headline.clone(), |theme| capital(&words.of("theme", theme))),
        season: lines.iter().filter_map(|line| season(line, catalogue, words)).collect(),
        observation: leading,
        sentence,
        observations: if card.joint { lines } else { Vec::new() },
        items: items(organisation, card),
        may_also_be: readings(team, text, words),
        questions: text
            .questions
            .iter()
            .map(|question| QuestionLine { behaviour: question.behaviour.clone(), text: question.text.clone() })
            .collect(),
        could_do: text.could_do.clone(),
        since,
        state: None,
        waits: false,
    }
}

fn items(organisation: &Organisation, card: &Card) -> Vec<ItemLine> {
    if !organisation.show_work_items {
        return Vec::new();
    }
    let line = |item: &super::input::Item| ItemLine {
        key: clean(&item.key),
        url: item.url.as_deref().and_then(safe_link),
        working_days: item.working_days,
    };
    card.items.iter().map(line).collect()
}

/// Declared events of the window come first among the innocent readings, then what the roster itself explains.
fn readings(team: &Team, card: &catalogue::Card, words: &Words) -> Vec<String> {
    let declared =
        team.events.iter().filter(|event| team.window.is_some_and(|(from, to)| event.from <= to && event.to >= from));
    let declared = declared.map(|event| {
        let values =
            [("label", clean(&event.label)), ("from", words.short_day(event.from)), ("to", words.short_day(event.to))];
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        words.fill("event-reading", &values)
    });
    let known = team.context.iter().map(|context| match context {
        Context::Holiday(day) => words.fill("holiday-reading", &[("date", &words.short_day(*day))]),
        Context::OnCall => words.get("on-call-reading"),
        Context::Joiners => words.get("joiners-reading"),
    });
    declared.chain(known).chain(card.may_also_be.iter().cloned()).collect()
}

fn observations(team: &Team, card: &Card, catalogue: &Catalogue, words: &Words) -> Vec<SignalObservation> {
    let line = |seen: &Observation| {
        let text = catalogue.card(&seen.signal)?;
        let (x, n, or_more) = on_card(Some(text), seen);
        Some(SignalObservation {
            signal: seen.signal.clone(),
            observation: ObservationLine {
                x,
                or_more,
                n,
                unit: text.unit.clone(),
                usual_low: seen.usual_low,
                usual_high: seen.usual_high,
                past_within: seen.past_within,
                past_total: seen.past_total,
                year_ago: year_ago(team, text),
            },
            sentence: sentence(text, seen, words),
        })
    };
    card.observations.iter().filter_map(line).collect()
}

fn year_ago(team: &Team, card: &catalogue::Card) -> Option<YearAgo> {
    let point = team.signals.get(&card.slug)?.year_ago?;
    let point = if card.is_about_people() { told_point(Some(card), point) } else { point };
    Some(YearAgo { x: point.x, n: point.n })
}

/// The same ten days a year before, as a sentence.
fn season(line: &SignalObservation, catalogue: &Catalogue, words: &Words) -> Option<String> {
    let YearAgo { x, n } = line.observation.year_ago?;
    let x = words.counted(x);
    let short = capital(catalogue.card(&line.signal).map_or(line.signal.as_str(), |card| &card.short));
    let values = [("short", short.as_str()), ("x", &x), ("n", &n.to_string()), ("unit", &line.observation.unit)];
    Some(words.fill("season", &values))
}

fn sentence(card: &catalogue::Card, seen: &Observation, words: &Words) -> String {
    let (x, n, or_more) = on_card(Some(card), seen);
    let values = [
        ("x", words.told(x, or_more)),
        ("n", n.to_string()),
        ("k", seen.past_within.to_string()),
        ("K", seen.past_total.to_string()),
        ("lo", seen.usual_low.to_string()),
        ("hi", seen.usual_high.to_string()),
        ("usual", format!("{:.0}", seen.expected)),
    ];
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    fill(&card.observation, &values)
}

fn joint_sentence(card: &Card, catalogue: &Catalogue, words: &Words) -> String {
    let short: Vec<String> = card
        .signals
        .iter()
        .map(|slug| catalogue.card(slug).map_or_else(String::new, |card| card.short.clone()))
        .collect();
    let part = |at: usize| short.get(at).map(String::as_str).unwrap_or_default();
    let first = fill(&catalogue.joint().observation, &[("a", part(0)), ("b", part(1)), ("c", part(2))]);
    let ending = words.get(if card.alone { "together" } else { "together-chance" });
    format!("{first} {ending}")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}
