//! The words of one card apart from its facts, as a translation or an organisation's own version gives them: read with
//! their lines, held against the language rules, and put in place of a card's words.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use super::{Card, JOINT, Question, REMINDERS};
use crate::language::{Rules, Slot, placeholders};

/// The listening behaviours that a question may carry.
pub const BEHAVIOURS: [&str; 6] = [
    "active listening",
    "validation",
    "reflective responding",
    "perspective-taking",
    "problem-solving support",
    "follow-up",
];

/// Something in a file of words that cannot be used: its line, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub line: usize,
    pub message: String,
}

/// What a file of words is expected to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A card: facts and all words.
    Card,
    /// All words and no facts.
    AllWords,
    /// Some words and no facts.
    SomeWords,
}

type Text = Option<Spanned<String>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Form {
    title: Text,
    short: Text,
    unit: Text,
    unsaid: Text,
    headline: Text,
    observation: Text,
    may_also_be: Option<Spanned<Vec<Spanned<String>>>>,
    questions: Option<Spanned<Vec<QuestionForm>>>,
    could_do: Option<Spanned<Vec<Spanned<String>>>>,
    cannot_see: Text,
    order: Option<Spanned<IgnoredAny>>,
    core: Option<Spanned<IgnoredAny>>,
    kind: Option<Spanned<IgnoredAny>>,
    side: Option<Spanned<IgnoredAny>>,
    form: Option<Spanned<IgnoredAny>>,
    data: Option<Spanned<IgnoredAny>>,
    minimum: Option<Spanned<IgnoredAny>>,
    cap: Option<Spanned<IgnoredAny>>,
    once_per_item: Option<Spanned<IgnoredAny>>,
    baseline_minimum: Option<Spanned<IgnoredAny>>,
    people: Option<Spanned<IgnoredAny>>,
    detail_of: Option<Spanned<IgnoredAny>>,
    season: Option<Spanned<IgnoredAny>>,
    by_sprint: Option<Spanned<IgnoredAny>>,
    sources: Option<Spanned<IgnoredAny>>,
    periods: Option<Spanned<IgnoredAny>>,
    mark: Option<Spanned<IgnoredAny>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuestionForm {
    behaviour: Spanned<String>,
    text: Spanned<String>,
}

/// The words of a card; what is absent stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Wording {
    title: Option<String>,
    short: Option<String>,
    unit: Option<String>,
    unsaid: Option<String>,
    headline: Option<String>,
    observation: Option<String>,
    may_also_be: Option<Vec<String>>,
    questions: Option<Vec<Question>>,
    could_do: Option<Vec<String>>,
    cannot_see: Option<String>,
}

/// Reads the words of the card `slug` and says everything that is wrong with them; `base` is the card whose words they
/// replace.
#[must_use]
pub fn read(slug: &str, text: &str, expected: Expected, base: Option<&Card>, rules: &Rules) -> (Wording, Vec<Fault>) {
    let form: Form = match toml::from_str(text) {
        Ok(form) => form,
        Err(error) => return (Wording::default(), vec![syntax(text, &error)]),
    };
    let mut reader = Reader { slug, text, rules, faults: Vec::new() };
    reader.presence(&form, expected);
    reader.texts(&form, base);
    reader.lists(&form);
    let mut faults = reader.faults;
    faults.sort_by_key(|fault| fault.line);
    (form.into(), faults)
}

/// What the parser says, with its line.
#[must_use]
pub fn syntax(text: &str, error: &toml::de::Error) -> Fault {
    Fault { line: error.span().map_or(1, |span| line(text, span.start)), message: error.message().to_owned() }
}

/// The line of a place in a text, from one on.
#[must_use]
pub fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

struct Reader<'a> {
    slug: &'a str,
    text: &'a str,
    rules: &'a Rules,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn fault(&mut self, at: usize, message: String) {
        self.faults.push(Fault { line: line(self.text, at), message });
    }

    /// Facts where only words may stand, and words that are missing.
    fn presence(&mut self, form: &Form, expected: Expected) {
        let facts = [
            ("order", &form.order),
            ("core", &form.core),
            ("kind", &form.kind),
            ("side", &form.side),
            ("form", &form.form),
            ("data", &form.data),
            ("minimum", &form.minimum),
            ("cap", &form.cap),
            ("once-per-item", &form.once_per_item),
            ("baseline-minimum", &form.baseline_minimum),
            ("people", &form.people),
            ("detail-of", &form.detail_of),
            ("season", &form.season),
            ("by-sprint", &form.by_sprint),
            ("sources", &form.sources),
            ("periods", &form.periods),
            ("mark", &form.mark),
        ];
        for (key, fact) in facts.iter().filter(|_| expected != Expected::Card) {
            if let Some(fact) = fact {
                self.fault(
                    fact.span().start,
                    format!("`{key}` is a fact of the signal; a file of words changes words alone"),
                );
            }
        }
        if expected == Expected::SomeWords {
            return;
        }
        let missing: Vec<&str> = [
            ("title", form.title.is_none()),
            ("short", form.short.is_none()),
            ("unit", form.unit.is_none()),
            ("unsaid", form.unsaid.is_none()),
            ("headline", form.headline.is_none()),
            ("observation", form.observation.is_none()),
            ("may-also-be", form.may_also_be.is_none()),
            ("questions", form.questions.is_none()),
            ("could-do", form.could_do.is_none()),
            ("cannot-see", form.cannot_see.is_none()),
        ]
        .into_iter()
        .filter_map(|(key, missing)| missing.then_some(key))
        .collect();
        if !missing.is_empty() {
            self.fault(0, format!("lacks {}", missing.join(", ")));
        }
    }

    fn texts(&mut self, form: &Form, base: Option<&Card>) {
        let single = [
            ("title", &form.title),
            ("short", &form.short),
            ("unit", &form.unit),
            ("unsaid", &form.unsaid),
            ("headline", &form.headline),
            ("cannot-see", &form.cannot_see),
        ];
        for (key, text) in single {
            let Some(text) = text else { continue };
            if text.get_ref().trim().is_empty() && !matches!(key, "unit" | "unsaid") {
                self.fault(text.span().start, format!("`{key}` is empty"));
            }
            self.lint(text, Slot::of(key).unwrap_or(Slot::Page));
            self.holders(text, &BTreeSet::new());
        }
        let Some(text) = &form.observation else { return };
        let slot = match self.slug {
            JOINT => Slot::Joint,
            slug if REMINDERS.contains(&slug) => Slot::Reminder,
            _ => Slot::Observation,
        };
        self.lint(text, slot);
        if let Some(base) = base {
            self.holders(text, &placeholders(&base.observation));
        }
    }

    fn lists(&mut self, form: &Form) {
        if let Some(readings) = &form.may_also_be {
            readings.get_ref().iter().for_each(|text| self.lint(text, Slot::MayBe));
            if readings.get_ref().len() < 2 {
                self.fault(readings.span().start, "L11 a card has at least two other readings".to_owned());
            }
        }
        if let Some(could) = &form.could_do {
            could.get_ref().iter().for_each(|text| self.lint(text, Slot::CouldDo));
            if could.get_ref().is_empty() {
                self.fault(could.span().start, "`could-do` is empty".to_owned());
            }
        }
        let Some(questions) = &form.questions else { return };
        for question in questions.get_ref() {
            self.lint(&question.text, Slot::Question);
            if !BEHAVIOURS.contains(&question.behaviour.get_ref().as_str()) {
                let known = BEHAVIOURS.join(", ");
                self.fault(question.behaviour.span().start, format!("L12 there is no such behaviour; known: {known}"));
            }
        }
        let carried: Vec<&str> = questions.get_ref().iter().map(|one| one.behaviour.get_ref().as_str()).collect();
        let once = |wanted: &str| carried.iter().filter(|one| **one == wanted).count() == 1;
        let different = carried.iter().collect::<BTreeSet<_>>().len();
        if !(4..=6).contains(&carried.len()) || different < 4 || !once("problem-solving support") || !once("follow-up")
        {
            let wanted = "L12 a card asks four to six questions of at least four behaviours, exactly one of \
                          problem-solving support and one of follow-up among them";
            self.fault(questions.span().start, wanted.to_owned());
        }
    }

    fn lint(&mut self, text: &Spanned<String>, slot: Slot) {
        for broken in self.rules.check(slot, text.get_ref()) {
            self.fault(text.span().start, broken.to_string());
        }
    }

    /// A text has exactly the placeholders that its place fills in.
    fn holders(&mut self, text: &Spanned<String>, wanted: &BTreeSet<String>) {
        if let Some(message) = misfit(&placeholders(text.get_ref()), wanted) {
            self.fault(text.span().start, message);
        }
    }
}

/// What is wrong with the placeholders of a text, beside those that are wanted.
#[must_use]
pub fn misfit(own: &BTreeSet<String>, wanted: &BTreeSet<String>) -> Option<String> {
    let braced = |names: Vec<&String>| names.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(", ");
    let (unknown, missing): (Vec<_>, Vec<_>) = (own.difference(wanted).collect(), wanted.difference(own).collect());
    match (unknown.is_empty(), missing.is_empty()) {
        (true, true) => None,
        (false, _) => Some(format!("nothing is filled in for {}", braced(unknown))),
        (true, false) => Some(format!("lacks {}", braced(missing))),
    }
}

impl From<Form> for Wording {
    fn from(form: Form) -> Self {
        let text = |text: Text| text.map(Spanned::into_inner);
        let list =
            |list: Spanned<Vec<Spanned<String>>>| list.into_inner().into_iter().map(Spanned::into_inner).collect();
        let question =
            |one: QuestionForm| Question { behaviour: one.behaviour.into_inner(), text: one.text.into_inner() };
        Self {
            title: text(form.title),
            short: text(form.short),
            unit: text(form.unit),
            unsaid: text(form.unsaid),
            headline: text(form.headline),
            observation: text(form.observation),
            may_also_be: form.may_also_be.map(list),
            questions: form.questions.map(|all| all.into_inner().into_iter().map(question).collect()),
            could_do: form.could_do.map(list),
            cannot_see: text(form.cannot_see),
        }
    }
}

impl Wording {
    /// The words of a shipped translation, which a test keeps free of faults.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        toml::from_str::<Form>(text).ok().map(Self::from)
    }
}

impl Card {
    /// Says behind title and headline that the card's words are in another language than the page.
    pub fn mark(&mut self, mark: &str) {
        self.title = format!("{} {mark}", self.title);
        self.headline = format!("{} {mark}", self.headline);
    }

    /// Puts words in place of the card's own.
    pub fn reword(&mut self, words: Wording) {
        fn put<T>(place: &mut T, words: Option<T>) {
            if let Some(words) = words {
                *place = words;
            }
        }
        put(&mut self.title, words.title);
        put(&mut self.short, words.short);
        put(&mut self.unit, words.unit);
        put(&mut self.unsaid, words.unsaid);
        put(&mut self.headline, words.headline);
        put(&mut self.observation, words.observation);
        put(&mut self.may_also_be, words.may_also_be);
        put(&mut self.questions, words.questions);
        put(&mut self.could_do, words.could_do);
        put(&mut self.cannot_see, words.cannot_see);
    }
}
