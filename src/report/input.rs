//! What the report is made of: plain values, filled in by the pipeline.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// What holds for all pages.
#[derive(Clone, Debug)]
pub struct Organisation {
    pub name: String,
    /// The moment that the night took for now.
    pub as_of: Timestamp,
    pub zone: TimeZone,
    pub show_work_items: bool,
    /// Whether a page shows teams together.
    pub index: bool,
    pub version: String,
    pub signal_threshold: f64,
    pub joint_threshold: f64,
    /// What reading all sources cost.
    pub cost: Cost,
}

/// What reading cost the services.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    pub requests: u64,
    /// GitHub GraphQL points.
    pub points: u64,
    pub bytes: u64,
    /// Seconds spent waiting for limits.
    pub waited_seconds: u64,
}

/// How well a source was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Complete,
    /// Complete up to an earlier night.
    Stale,
    Failed,
    Off,
}

/// A source of a team.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// `github`, `jira`, `git`, `calendars`.
    pub id: String,
    pub name: String,
    pub health: Health,
    pub complete_to: Option<Timestamp>,
    /// What it covers, in a few words.
    pub covers: String,
    /// What is missing and the way out.
    pub gap: Option<String>,
    /// What reading it cost.
    pub cost: Cost,
}

/// A count with its usual range.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    pub signal: String,
    /// `None`: few.
    pub x: Option<i64>,
    pub n: i64,
    pub usual_low: i64,
    pub usual_high: i64,
    pub expected: f64,
    pub past_within: usize,
    pub past_total: usize,
}

/// A past fortnight or the present window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    pub from: Date,
    pub to: Date,
    /// `None`: few.
    pub x: Option<i64>,
    pub n: i64,
}

/// What can be said of a signal.
#[derive(Clone, Debug, PartialEq)]
pub enum SignalState {
    Open,
    WithinUsual,
    OutsideQuietly,
    Learning {
        weeks: usize,
        of: usize,
        /// It is looked at every night, so that its periods are weeks.
        nightly: bool,
    },
    NotEnough,
    NotShown,
    NotComputed {
        source: String,
    },
    Off,
}

/// A signal of a team.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    pub state: SignalState,
    /// Past fortnights, oldest first, then the present window.
    pub points: Vec<Point>,
    pub observation: Option<Observation>,
    /// The same ten working days a year before.
    pub year_ago: Option<Point>,
}

/// A work item that a card may name.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub key: String,
    pub url: Option<String>,
    pub working_days: Option<i64>,
}

/// A card.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    pub id: String,
    pub signals: Vec<String>,
    pub joint: bool,
    pub theme: Option<String>,
    pub opened_on: Date,
    /// One of a joint card's three would open alone.
    pub alone: bool,
    pub observations: Vec<Observation>,
    pub items: Vec<Item>,
}

/// An item in progress.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenItem {
    pub item: Item,
    pub quiet_days: i64,
    pub beyond: bool,
}

/// What is in progress today.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ageing {
    pub items: Vec<OpenItem>,
    /// By this working day 85 in 100 are done.
    pub limit_days: Option<i64>,
}

/// What the roster itself says about the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// A public holiday of at least half of the team.
    Holiday(Date),
    /// Turns on call stand in the configuration.
    OnCall,
    /// Many members are new.
    Joiners,
}

/// A known event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub from: Date,
    pub to: Date,
    pub label: String,
}

/// A team's page.
#[derive(Clone, Debug)]
pub struct Team {
    pub id: String,
    pub name: String,
    pub people: i64,
    /// Nothing of it may be shown, for whatever reason: too few people, its own decision, a past that was counted again.
    pub hidden: bool,
    /// Mondays at which somebody joined or left, oldest first; not who, and not who left the report.
    pub roster_changes: Vec<Date>,
    /// The day on which its past was counted again with another roster.
    pub counted_again: Option<Date>,
    pub window: Option<(Date, Date)>,
    pub sources: Vec<Source>,
    pub cards: Vec<Card>,
    pub signals: BTreeMap<String, Signal>,
    pub ageing: Option<Ageing>,
    pub events: Vec<Event>,
    /// What the roster says about the window.
    pub context: Vec<Context>,
    /// The measured rate of cards in an ordinary period; `None` until it has been measured.
    pub false_cards: Option<f64>,
}
