//! The rules of one language: read from data, and held against texts.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};
use serde::Deserialize;

use super::fold::fold;

/// Which part of a card or page a text stands in; each part has its own rules.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// Titles, headlines and names of what is counted.
    Title,
    Observation,
    /// The observation of the joint card, which names no amount.
    Joint,
    /// The observation of a reminder, which names no range.
    Reminder,
    MayBe,
    Question,
    CouldDo,
    /// Any other text of a page.
    Page,
}

impl Slot {
    /// The slot of a name; hyphens count as underscores, and a card's own keys are understood.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Some(match name.replace('-', "_").as_str() {
            "title" | "headline" | "short" | "unit" | "unsaid" => Self::Title,
            "observation" => Self::Observation,
            "joint" => Self::Joint,
            "reminder" => Self::Reminder,
            "may_be" | "may_also_be" => Self::MayBe,
            "question" | "questions" => Self::Question,
            "could_do" => Self::CouldDo,
            "page" | "cannot_see" => Self::Page,
            _ => return None,
        })
    }
}

/// Rules that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    #[error("rule {rule}: {error}")]
    Expression { rule: String, error: Box<regex::Error> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct FileForm {
    language: String,
    #[serde(default)]
    fold_accents: bool,
    /// What stands for a number and for a kind of work while a text with placeholders is checked.
    number: String,
    work: String,
    #[serde(default)]
    sets: BTreeMap<String, String>,
    rule: Vec<RuleForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RuleForm {
    name: String,
    says: String,
    slots: Vec<Slot>,
    #[serde(default)]
    words: Vec<String>,
    #[serde(default)]
    forbid: Vec<PatternForm>,
    /// Forbidden in each sentence by itself, so that `^` is the begin of any of them.
    #[serde(default)]
    each_sentence: Vec<PatternForm>,
    #[serde(default)]
    require: Vec<String>,
    at_most_words: Option<usize>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum PatternForm {
    Plain(String),
    But { r#match: String, unless: String },
}

struct Pattern {
    found: Regex,
    unless: Option<Regex>,
}

impl Pattern {
    /// The first place that counts.
    fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        let mut found = self.found.find_iter(text).map(|found| found.as_str());
        found.find(|found| self.unless.as_ref().is_none_or(|unless| !unless.is_match(found)))
    }
}

struct Rule {
    name: String,
    says: String,
    slots: Vec<Slot>,
    words: Option<Regex>,
    forbid: Vec<Pattern>,
    each_sentence: Vec<Pattern>,
    require: Vec<Regex>,
    at_most_words: Option<usize>,
}

/// A rule that a text breaks, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub rule: String,
    pub says: String,
    /// The words that break it; empty where something is missing.
    pub found: String,
}

/// The rules of a language.
pub struct Rules {
    language: String,
    accents: bool,
    number: String,
    work: String,
    rules: Vec<Rule>,
}

impl Rules {
    /// Reads rules from their data.
    ///
    /// # Errors
    /// [`RulesError`] names the key or the rule that cannot be used.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        let form: FileForm = toml::from_str(text)?;
        let rules = form.rule.iter().map(|rule| compiled(rule, &form.sets)).collect::<Result<_, _>>()?;
        let FileForm { language, fold_accents, number, work, .. } = form;
        Ok(Self { language, accents: fold_accents, number, work, rules })
    }

    /// The language's tag, such as `en`.
    #[must_use]
    pub fn language(&self) -> &str {
        &self.language
    }

    /// The rules that a text breaks in its slot, in order and without doubles; empty where the text is accepted.
    #[must_use]
    pub fn check(&self, slot: Slot, text: &str) -> Vec<Broken> {
        let plain = fold(&self.filled(text), self.accents);
        // A word that is torn by a hyphen is the same word.
        let whole = plain.replace('-', "");
        let mut broken: Vec<Broken> = Vec::new();
        for rule in self.rules.iter().filter(|rule| rule.slots.contains(&slot)) {
            if let Some(found) = rule.broken(&plain, &whole)
                && !broken.iter().any(|known| known.rule == rule.name)
            {
                broken.push(Broken { rule: rule.name.clone(), says: rule.says.clone(), found });
            }
        }
        broken.sort_by_key(|broken| broken.rule.trim_start_matches('L').parse().unwrap_or(u32::MAX));
        broken
    }

    /// Placeholders replaced: by a kind of work for `{a}` `{b}` `{c}`, else by a number.
    fn filled(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, name, after)) = placeholder(rest) {
            filled.push_str(before);
            filled.push_str(if matches!(name, "a" | "b" | "c") { &self.work } else { &self.number });
            rest = after;
        }
        filled + rest
    }
}

/// The first placeholder of a text, and what stands before and after it.
pub(super) fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

impl Rule {
    /// What breaks the rule: the place, or nothing where something is missing.
    fn broken(&self, plain: &str, whole: &str) -> Option<String> {
        let words = self.words.as_ref();
        if let Some(found) = words.and_then(|words| words.find(plain).or_else(|| words.find(whole))) {
            return Some(found.as_str().to_owned());
        }
        let forbidden = self.forbid.iter().find_map(|pattern| pattern.find(plain));
        let in_sentence = || {
            let sentences = sentences(plain);
            self.each_sentence.iter().find_map(|pattern| sentences.iter().find_map(|one| pattern.find(one)))
        };
        if let Some(found) = forbidden.or_else(in_sentence) {
            return Some(found.to_owned());
        }
        let missing = self.require.iter().any(|wanted| !wanted.is_match(plain));
        let long = self.at_most_words.is_some_and(|most| plain.split_whitespace().count() > most);
        (missing || long).then(String::new)
    }
}

/// The sentences of a text, each with the mark that ends it.
fn sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut begin = 0;
    for (at, mark) in text.match_indices(['.', '?', '!', ':']) {
        let end = at + mark.len();
        if text[end..].starts_with(' ') {
            sentences.push(text[begin..end].trim());
            begin = end;
        }
    }
    sentences.push(text[begin..].trim());
    sentences
}

fn compiled(form: &RuleForm, sets: &BTreeMap<String, String>) -> Result<Rule, RulesError> {
    let with_sets = |text: &str| {
        sets.iter().fold(text.to_owned(), |text, (name, set)| text.replace(&format!("<{name}>"), &format!("(?:{set})")))
    };
    let regex = |text: &str, any_case: bool| {
        let built = RegexBuilder::new(&with_sets(text)).case_insensitive(any_case).size_limit(1 << 25).build();
        built.map_err(|error| RulesError::Expression { rule: form.name.clone(), error: Box::new(error) })
    };
    let pattern = |pattern: &PatternForm| {
        let (found, unless) = match pattern {
            PatternForm::Plain(found) => (found, None),
            PatternForm::But { r#match, unless } => (r#match, Some(unless)),
        };
        Ok::<_, RulesError>(Pattern {
            found: regex(found, false)?,
            unless: unless.map(|unless| regex(unless, false)).transpose()?,
        })
    };
    let words = (!form.words.is_empty()).then(|| {
        // A phrase ends where no word goes on; it may itself end in a mark such as the per cent sign.
        regex(&format!(r"(?:^|\b)(?:{})(?:\b|$|\s)", form.words.join("|")), true)
    });
    Ok(Rule {
        name: form.name.clone(),
        says: form.says.clone(),
        slots: form.slots.clone(),
        words: words.transpose()?,
        forbid: form.forbid.iter().map(pattern).collect::<Result<_, _>>()?,
        each_sentence: form.each_sentence.iter().map(pattern).collect::<Result<_, _>>()?,
        require: form.require.iter().map(|text| regex(text, false)).collect::<Result<_, _>>()?,
        at_most_words: form.at_most_words,
    })
}
