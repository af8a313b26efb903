//! The catalogue: the facts and the words of every signal's card, as they stand in `reports/cards/*.toml`.

use serde::Deserialize;

pub mod wording;

pub use crate::notice::Periods;
use crate::notice::usual_range::{Kind, Side};
use crate::notice::{Form, SignalSpec};

/// A question to open with, and the listening behaviour it carries.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Question {
    pub behaviour: String,
    pub text: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum KindWord {
    Share,
    Rate,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum SideWord {
    High,
    Low,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum FormWord {
    Flow,
    Stock,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum PeriodsWord {
    #[default]
    Weeks,
    Sprints,
    FourWeeks,
}

/// Known events of a team whose days a signal may leave out.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    Planning,
    Release,
}

impl Mark {
    /// The word that an event in the configuration has for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Planning => "planning",
            Self::Release => "release",
        }
    }
}

/// What a signal is made of, which decides the population floor and whether items may be listed.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Data {
    /// Work items, listed by key and link.
    WorkItem,
    /// Counts of a team, without a list.
    Team,
    /// Times of activity.
    Clock,
    /// Calendars.
    Calendar,
    /// The reader's own promises.
    Leader,
}

/// A card: facts beside words.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Card {
    #[serde(skip)]
    pub slug: String,
    /// Position in the catalogue.
    pub order: u32,
    /// On by default, and part of the joint card.
    pub core: bool,
    pub title: String,
    /// The signal in a few words, for lists.
    pub short: String,
    kind: KindWord,
    side: SideWord,
    form: FormWord,
    pub data: Data,
    /// The fewest opportunities of a 10-day window.
    minimum: f64,
    #[serde(default)]
    cap: Option<(i64, i64)>,
    #[serde(default)]
    once_per_item: bool,
    /// The fewest events in the baseline of a rate.
    #[serde(default)]
    baseline_minimum: i64,
    /// The population floor, where it is higher than that of the data.
    #[serde(default)]
    people: i64,
    /// The signal of which this one is a detail: no second card stands beside it.
    #[serde(default)]
    detail_of: Option<String>,
    /// What it counted a year ago meant the same; not so where an own limit or usual hours rest on the time before.
    #[serde(default = "yes")]
    pub season: bool,
    /// In which periods its past is read, where not in weeks.
    #[serde(default)]
    periods: PeriodsWord,
    /// Counts swing with the halves of a sprint.
    #[serde(default)]
    by_sprint: bool,
    /// Days of these known events give neither x nor n.
    #[serde(default)]
    pub mark: Vec<Mark>,
    /// `github`, `jira`, `git`, `calendars`.
    pub sources: Vec<String>,
    pub unit: String,
    /// The sentence that may go unsaid; empty where none is quoted.
    pub unsaid: String,
    pub headline: String,
    pub observation: String,
    pub may_also_be: Vec<String>,
    pub questions: Vec<Question>,
    pub could_do: Vec<String>,
    pub cannot_see: String,
}

/// The population floor, and that of figures about people's time.
const FLOOR: i64 = 4;
const FLOOR_OF_TIME: i64 = 5;

fn yes() -> bool {
    true
}

impl Card {
    /// Whether it counts what people do with their time or say, rather than what becomes of work items.
    #[must_use]
    pub fn is_about_people(&self) -> bool {
        matches!(self.data, Data::Clock | Data::Calendar) || self.people >= FLOOR_OF_TIME
    }

    /// Events beside an exposure, of which there may be more: not a share of it.
    #[must_use]
    pub fn is_rate(&self) -> bool {
        self.kind == KindWord::Rate
    }

    /// In which periods its past is read.
    #[must_use]
    pub fn periods(&self) -> Periods {
        match self.periods {
            PeriodsWord::Weeks => Periods::Weeks,
            PeriodsWord::Sprints => Periods::Sprints,
            PeriodsWord::FourWeeks => Periods::FourWeeks,
        }
    }

    /// The facts that the method needs.
    #[must_use]
    pub fn spec(&self) -> SignalSpec {
        SignalSpec {
            slug: self.slug.clone(),
            order: self.order,
            core: self.core,
            kind: match self.kind {
                KindWord::Share => Kind::Share,
                KindWord::Rate => Kind::Rate,
            },
            side: match self.side {
                SideWord::High => Side::High,
                SideWord::Low => Side::Low,
            },
            form: match self.form {
                FormWord::Flow => Form::Flow,
                FormWord::Stock => Form::Stock,
            },
            lists_items: self.data == Data::WorkItem,
            floor: self.people.max(if self.is_about_people() { FLOOR_OF_TIME } else { FLOOR }),
            by_person_day: matches!(self.data, Data::Clock | Data::Calendar) && self.periods == PeriodsWord::Weeks,
            minimum: self.minimum,
            cap: self.cap,
            once_per_item: self.once_per_item,
            baseline_minimum: self.baseline_minimum,
            detail_of: self.detail_of.clone(),
            periods: self.periods(),
            by_sprint: self.by_sprint,
        }
    }
}

/// The sources that a card may need.
const SOURCES: [&str; 4] = ["github", "jira", "git", "calendars"];
/// Signals of an installation's own stand after those that come with the program.
const OWN_ORDER: u32 = 1000;

impl Card {
    /// The card of a signal of the installation's own.
    ///
    /// # Errors
    /// What is wrong with the text, in a sentence; the caller knows the file.
    pub fn own(slug: &str, text: &str) -> Result<Self, String> {
        let mut card = parse(slug, text).map_err(|error| error.reason)?;
        if card.core {
            return Err("`core` must be false: a signal of your own never takes part in the joint card".to_owned());
        }
        if card.data == Data::Leader {
            return Err("`data` must be \"work-item\", \"team\", \"clock\" or \"calendar\"".to_owned());
        }
        if card.periods == PeriodsWord::Sprints {
            return Err("`periods` must be \"weeks\" or \"four-weeks\"".to_owned());
        }
        if let Some(other) = card.sources.iter().find(|source| !SOURCES.contains(&source.as_str())) {
            return Err(format!("`sources` knows no {other:?}; known: {}", SOURCES.join(", ")));
        }
        if card.sources.is_empty() {
            return Err("`sources` must name at least one source".to_owned());
        }
        card.order += OWN_ORDER;
        Ok(card)
    }
}

/// A card file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the card {slug}.toml cannot be used: {reason}")]
pub struct CatalogueError {
    slug: String,
    reason: String,
}

macro_rules! shipped {
    ($($slug:literal),+ $(,)?) => {
        [$(($slug, include_str!(concat!("../../reports/cards/", $slug, ".toml")))),+]
    };
}

macro_rules! translated {
    ($language:literal: $($slug:literal),+ $(,)?) => {
        [$((
            $language,
            $slug,
            include_str!(concat!("../../reports/words/", $language, "/", $slug, ".toml")),
        )),+]
    };
}

const SHIPPED: &[(&str, &str)] = &shipped![
    "stalled_work",
    "waiting_for_review",
    "quiet_approvals",
    "moving_dates",
    "outside_usual_hours",
    "no_quiet_block",
    "meeting_load",
    "unplanned_work",
    "returning_work",
    "waiting_on_others",
    "fewer_voices",
    "late_disagreement",
    "fast_approvals",
    "unlinked_work",
    "review_concentration",
    "hanging_threads",
    "too_much_at_once",
    "moving_goals",
    "incident_interruptions",
    "retry_friction",
    "overfull_plan",
    "early_rewriting",
    "work_on_days_off",
    "moved_one_to_ones",
    "due_follow_ups",
    "joint",
];
/// The card that is no signal.
const JOINT: &str = "joint";
/// Signals about the leader's own promises: the only ones that are not computed like all others, and never stand on a
/// page that everybody reads. `moved_one_to_ones` has a query; `due_follow_ups` is counted from the leader's record.
pub const REMINDERS: [&str; 2] = ["moved_one_to_ones", "due_follow_ups"];

/// The translations that come with the program: language, card, words. Words of a card that does not come with this
/// version rest.
const TRANSLATED: &[(&str, &str, &str)] = &translated!["de":
    "stalled_work",
    "waiting_for_review",
    "quiet_approvals",
    "moving_dates",
    "outside_usual_hours",
    "no_quiet_block",
    "meeting_load",
    "unplanned_work",
    "returning_work",
    "waiting_on_others",
    "fewer_voices",
    "hanging_threads",
    "too_much_at_once",
    "overfull_plan",
    "moving_goals",
    "late_disagreement",
    "fast_approvals",
    "incident_interruptions",
    "retry_friction",
    "early_rewriting",
    "unlinked_work",
    "review_concentration",
    "work_on_days_off",
    "moved_one_to_ones",
    "due_follow_ups",
    "joint",
];

/// The words of a card in a language that comes with the program.
#[must_use]
pub fn translation(language: &str, slug: &str) -> Option<&'static str> {
    TRANSLATED.iter().find(|(of, card, _)| *of == language && *card == slug).map(|(_, _, text)| *text)
}

/// The cards that come with the program: name and text.
pub fn shipped() -> impl Iterator<Item = (&'static str, &'static str)> {
    SHIPPED.iter().copied()
}

/// The names of the signals that come with the program.
pub fn slugs() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(slug, _)| *slug).filter(|slug| *slug != JOINT)
}

/// All cards, in catalogue order.
#[derive(Clone, Debug)]
pub struct Catalogue {
    signals: Vec<Card>,
    /// Reminders about the leader's own promises.
    reminders: Vec<Card>,
    joint: Card,
}

impl Catalogue {
    /// The cards that come with the program.
    ///
    /// # Errors
    /// [`CatalogueError`] names the file and the key; a test keeps the shipped ones free of it.
    pub fn embedded() -> Result<Self, CatalogueError> {
        let mut signals = Vec::new();
        let mut joint = None;
        for (slug, text) in SHIPPED.iter().copied() {
            let card = parse(slug, text)?;
            if slug == JOINT { joint = Some(card) } else { signals.push(card) }
        }
        signals.sort_by_key(|card| card.order);
        let (reminders, signals) = signals.into_iter().partition(|card: &Card| card.data == Data::Leader);
        let missing = || CatalogueError { slug: JOINT.to_owned(), reason: "it is missing".to_owned() };
        Ok(Self { signals, reminders, joint: joint.ok_or_else(missing)? })
    }

    /// The cards of reminders about the leader's own promises, in order: for the leader's edition alone.
    #[must_use]
    pub fn reminders(&self) -> &[Card] {
        &self.reminders
    }

    /// The signals' cards in order, reminders left out.
    #[must_use]
    pub fn signals(&self) -> &[Card] {
        &self.signals
    }

    /// The card of a signal that is no reminder.
    #[must_use]
    pub fn card(&self, slug: &str) -> Option<&Card> {
        self.signals.iter().find(|card| card.slug == slug)
    }

    /// The card of a name, reminders and the joint card included.
    #[must_use]
    pub fn any(&self, slug: &str) -> Option<&Card> {
        let mut all = self.signals.iter().chain(&self.reminders).chain([&self.joint]);
        all.find(|card| card.slug == slug)
    }

    /// The same, to put words in place of its own.
    pub fn card_mut(&mut self, slug: &str) -> Option<&mut Card> {
        let mut all = self.signals.iter_mut().chain(&mut self.reminders).chain([&mut self.joint]);
        all.find(|card| card.slug == slug)
    }

    /// Adds the card of a signal of the installation's own.
    pub fn add(&mut self, card: Card) {
        self.signals.push(card);
        self.signals.sort_by_key(|card| card.order);
    }

    /// Keeps the signals for which something holds.
    pub fn retain(&mut self, wanted: impl Fn(&Card) -> bool) {
        self.signals.retain(wanted);
    }

    /// Whether a name belongs to a card already.
    #[must_use]
    pub fn is_taken(&self, slug: &str) -> bool {
        self.any(slug).is_some()
    }

    /// The card of three signals together.
    #[must_use]
    pub fn joint(&self) -> &Card {
        &self.joint
    }
}

fn parse(slug: &str, text: &str) -> Result<Card, CatalogueError> {
    let failed = |reason: String| CatalogueError { slug: slug.to_owned(), reason };
    let mut card: Card = toml::from_str(text).map_err(|error| failed(error.to_string()))?;
    slug.clone_into(&mut card.slug);
    if card.may_also_be.len() < 2 {
        return Err(failed("`may-also-be` needs at least two readings".to_owned()));
    }
    if card.questions.len() < 4 {
        return Err(failed("`questions` needs at least four".to_owned()));
    }
    Ok(card)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_card_can_be_used_and_asks_openly() {
        let catalogue = Catalogue::embedded().unwrap();
        for card in catalogue.signals().iter().chain(catalogue.reminders()).chain([catalogue.joint()]) {
            assert!(card.questions.iter().all(|question| question.text.ends_with('?')), "{}", card.slug);
            assert!(!card.questions.iter().any(|question| question.text.to_lowercase().starts_with("why")));
            let behaviours = |wanted: &str| card.questions.iter().filter(|one| one.behaviour == wanted).count();
            assert_eq!(behaviours("follow-up"), 1, "{}", card.slug);
            assert_eq!(behaviours("problem-solving support"), 1, "{}", card.slug);
        }
    }

    #[test]
    fn the_first_eleven_are_the_core_and_all_others_are_optional() {
        let catalogue = Catalogue::embedded().unwrap();
        let core: Vec<u32> = catalogue.signals().iter().filter(|card| card.core).map(|card| card.order).collect();
        assert_eq!(core, (1..=11).collect::<Vec<u32>>());
        assert!(catalogue.signals().iter().all(|card| card.core == (card.order <= 11)));
    }

    #[test]
    fn reminders_are_the_two_named_ones_and_no_signals_of_a_page() {
        let catalogue = Catalogue::embedded().unwrap();
        let slugs: Vec<&str> = catalogue.reminders().iter().map(|card| card.slug.as_str()).collect();
        assert_eq!(slugs, REMINDERS);
        assert!(REMINDERS.iter().all(|slug| catalogue.card(slug).is_none() && catalogue.any(slug).is_some()));
    }

    #[test]
    fn a_wrong_key_is_named_with_its_file() {
        let text = SHIPPED[0].1.replace("title =", "titel =");
        let error = parse("stalled_work", &text).unwrap_err().to_string();
        assert!(error.contains("stalled_work.toml") && error.contains("titel"), "{error}");
    }
}
