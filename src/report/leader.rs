//! The leader's edition: the page that everybody reads, with one block on top that is the leader's alone. What is added
//! stands between two marks, so that without them the page is everybody's, byte for byte.

use std::collections::BTreeMap;

use askama::Template;
use jiff::civil::Date;
use serde::Serialize;

use super::document::{Document, document};
use super::html::{File, ReportError, json, style};
use super::input::{Organisation, Point, Team};
use super::page::Maker;
use super::rounding::told_point;
use super::view::{Figure, QuestionView, TeamPage};
use super::words::{Words, clean};
use crate::catalogue::{Card, Catalogue};
use crate::follow_ups::{FIRST_AGAIN, State};
use crate::notice::since::Outcome;

/// Fewer cards than this say nothing about how often one falls back by itself.
const FEWEST_CARDS: usize = 5;

/// What the leader's edition adds.
#[derive(Clone, Debug, Default)]
pub struct Leader {
    /// The open follow-ups, the longest due first.
    pub follow_ups: Vec<FollowUp>,
    /// x of n of the leader's own one-to-ones gave way, where that is worth a reminder.
    pub one_to_ones: Option<(i64, i64)>,
    /// What the leader noted of cards, by their ids.
    pub cards: BTreeMap<String, (State, Option<Date>)>,
    /// So many follow-ups are due that new cards wait.
    pub holds_back: bool,
}

/// An open follow-up.
#[derive(Clone, Debug)]
pub struct FollowUp {
    pub id: i64,
    pub card: String,
    pub signals: Vec<String>,
    pub state: State,
    pub talked_on: Date,
    pub again: Date,
    pub due: bool,
    pub agreed: Option<String>,
    pub mine: Option<String>,
    /// One for each signal that can be told.
    pub since: Vec<Since>,
}

/// A signal since the talk.
#[derive(Clone, Debug)]
pub struct Since {
    pub signal: String,
    pub working_days: usize,
    pub before: Option<Point>,
    pub after: Option<Point>,
    pub usual: Option<(i64, i64)>,
    pub outcome: Outcome,
    /// How many cards without a talk fell back, of how many: those about this signal, and all.
    pub alike: (usize, usize),
    pub all: (usize, usize),
}

/// A follow-up in the leader's file.
#[derive(Clone, Debug, Serialize)]
struct FollowUpLine {
    id: i64,
    card: String,
    signals: Vec<String>,
    state: &'static str,
    due: bool,
    talked_on: String,
    again_on: String,
    headline: String,
    question: String,
    agreed: Option<String>,
    mine: Option<String>,
    since: Vec<SinceLine>,
}

/// A signal since the talk, rounded as series are; `x` is null where it reads "few".
#[derive(Clone, Debug, Serialize)]
struct SinceLine {
    signal: String,
    working_days: usize,
    before: Option<Pair>,
    after: Option<Pair>,
    usual_low: Option<i64>,
    usual_high: Option<i64>,
    outcome: &'static str,
    sentence: String,
    /// What became of cards without a talk, in words.
    by_themselves: String,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Pair {
    x: Option<i64>,
    n: i64,
}

/// A reminder about the leader's own promises, in the leader's file.
#[derive(Clone, Debug, Serialize)]
struct ReminderLine {
    signal: String,
    x: i64,
    n: i64,
    sentence: String,
}

/// The block on the leader's page.
pub struct LeaderView {
    pub lead: String,
    pub none: Option<String>,
    pub follow_ups: Vec<FollowUpView>,
    pub reminders: Vec<ReminderView>,
}

/// A follow-up on the leader's page.
pub struct FollowUpView {
    pub id: i64,
    pub kicker: String,
    pub question: String,
    pub lines: Vec<String>,
    pub since: Vec<String>,
    pub figures: Vec<Figure>,
    pub command: String,
}

/// A reminder on the leader's page.
pub struct ReminderView {
    pub headline: String,
    pub sentence: String,
    pub readings: Vec<String>,
    pub questions: Vec<QuestionView>,
    pub could: Vec<String>,
}

/// Renders a team's page and file for its leader.
///
/// # Errors
/// [`ReportError`]; a drawing that fails does not stop a page.
pub fn render_leader(
    organisation: &Organisation,
    team: &Team,
    leader: &Leader,
    catalogue: &Catalogue,
    words: &Words,
) -> Result<[File; 2], ReportError> {
    let (style, style_hash) = style();
    let maker = Maker { organisation, catalogue, words, style: &style, style_hash: &style_hash };
    let common = document(organisation, team, catalogue, words);
    let page = maker.leader_page(team, &common, leader);
    let own = maker.leader_document(common, leader)?;
    Ok([(format!("{}.html", team.id), page.render()?.into_bytes()), (format!("{}.json", team.id), json(&own)?)])
}

impl Maker<'_> {
    fn leader_page(&self, team: &Team, document: &Document, leader: &Leader) -> TeamPage {
        let mut page = self.team(team, document);
        for card in &mut page.cards {
            card.notes = self.notes(&card.id, leader);
            card.waits = waits(&card.id, leader);
            card.record =
                Some(format!("undercurrent talked {} --mine \"…\" --agreed \"…\" --again {FIRST_AGAIN}", card.id));
        }
        let nothing = leader.follow_ups.is_empty().then(|| self.words.get("leader-none"));
        page.leader = Some(LeaderView {
            lead: self.words.get("leader-lead"),
            none: nothing,
            follow_ups: leader.follow_ups.iter().map(|one| self.follow_up(team, document, one)).collect(),
            reminders: self.reminders(leader).map(|(card, (x, n))| self.reminder(card, x, n)).collect(),
        });
        page
    }

    fn leader_document(&self, mut document: Document, leader: &Leader) -> Result<Document, serde_json::Error> {
        for card in &mut document.conversations {
            let own = leader.follow_ups.iter().filter(|one| one.card == card.id).flat_map(|one| &one.since);
            let notes = self.notes(&card.id, leader).into_iter();
            let notes: Vec<String> = notes.chain(own.map(|since| self.since_sentence(since))).collect();
            card.since = [vec![card.since.clone()], notes].concat().join(" ");
            card.state = leader.cards.get(&card.id).map(|(state, _)| state.word());
            card.waits = waits(&card.id, leader);
        }
        let lines = leader.follow_ups.iter().map(|one| serde_json::to_value(self.line(one)));
        document.coming_back_to = lines.collect::<Result<_, _>>()?;
        let reminder = |(card, (x, n)): (&Card, (i64, i64))| {
            let sentence = self.observed(card, x, n);
            serde_json::to_value(ReminderLine { signal: card.slug.clone(), x, n, sentence })
        };
        document.reminders = self.reminders(leader).map(reminder).collect::<Result<_, _>>()?;
        Ok(document)
    }

    /// The reminders that there is reason for, those about follow-ups first.
    fn reminders<'b>(&'b self, leader: &Leader) -> impl Iterator<Item = (&'b Card, (i64, i64))> {
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let due = leader.follow_ups.iter().filter(|one| one.due).count();
        let due = (due > 0).then(|| (count(due), count(leader.follow_ups.len())));
        let found = [(crate::follow_ups::DUE, due), ("moved_one_to_ones", leader.one_to_ones)];
        found.into_iter().filter_map(|(slug, figures)| Some((self.catalogue.any(slug)?, figures?)))
    }

    fn observed(&self, card: &Card, x: i64, n: i64) -> String {
        super::words::fill(&card.observation, &[("x", &x.to_string()), ("n", &n.to_string())])
    }

    fn reminder(&self, card: &Card, x: i64, n: i64) -> ReminderView {
        let question = |one: &crate::catalogue::Question| QuestionView {
            text: one.text.clone(),
            behaviour: self.words.of("behaviour", &one.behaviour),
        };
        ReminderView {
            headline: card.headline.clone(),
            sentence: self.observed(card, x, n),
            readings: card.may_also_be.clone(),
            questions: card.questions.iter().map(question).collect(),
            could: card.could_do.clone(),
        }
    }

    /// The words of the card that a follow-up is about.
    fn card_of(&self, one: &FollowUp) -> &Card {
        let single = one.signals.first().filter(|_| one.signals.len() == 1);
        single.and_then(|slug| self.catalogue.card(slug)).unwrap_or_else(|| self.catalogue.joint())
    }

    fn question(&self, one: &FollowUp) -> String {
        let questions = &self.card_of(one).questions;
        let own = questions.iter().find(|question| question.behaviour == "follow-up");
        own.map_or_else(String::new, |question| question.text.clone())
    }

    fn line(&self, one: &FollowUp) -> FollowUpLine {
        FollowUpLine {
            id: one.id,
            card: one.card.clone(),
            signals: one.signals.clone(),
            state: one.state.word(),
            due: one.due,
            talked_on: one.talked_on.to_string(),
            again_on: one.again.to_string(),
            headline: self.card_of(one).headline.clone(),
            question: self.question(one),
            agreed: one.agreed.as_deref().map(clean),
            mine: one.mine.as_deref().map(clean),
            since: one.since.iter().map(|since| self.since_line(since)).collect(),
        }
    }

    fn since_line(&self, since: &Since) -> SinceLine {
        let card = self.catalogue.card(&since.signal);
        let pair = |point: &Point| {
            let Point { x, n, .. } = told_point(card, *point);
            Pair { x, n }
        };
        SinceLine {
            signal: since.signal.clone(),
            working_days: since.working_days,
            before: since.before.as_ref().map(pair),
            after: since.after.as_ref().map(pair),
            usual_low: since.usual.map(|(low, _)| low),
            usual_high: since.usual.map(|(_, high)| high),
            outcome: match since.outcome {
                Outcome::BackInRange => "back in the usual range",
                Outcome::StillOutside => "still outside",
                Outcome::TooEarly => "too early to tell",
            },
            sentence: self.since_sentence(since),
            by_themselves: self.by_themselves(since),
        }
    }

    /// One of three wordings, with the reservation that holds for all of them.
    fn since_sentence(&self, since: &Since) -> String {
        let [told, outcome] = self.since_told(since);
        format!("{told} {} {outcome}", self.words.get("since-talk-chance"))
    }

    /// What a follow-up says of its signals: the reservation once for all of them.
    fn since_lines(&self, one: &FollowUp) -> Vec<String> {
        let mut lines: Vec<String> = one.since.iter().map(|since| self.since_told(since).join(" ")).collect();
        let mut closing: Vec<String> = one.since.iter().map(|since| self.by_themselves(since)).collect();
        closing.dedup();
        if !lines.is_empty() {
            lines.push(format!("{} {}", self.words.get("since-talk-chance"), closing.join(" ")));
        }
        lines
    }

    /// The figures since a talk, and what they come to.
    fn since_told(&self, since: &Since) -> [String; 2] {
        let words = self.words;
        let card = self.catalogue.card(&since.signal);
        let signal = card.map_or(since.signal.as_str(), |card| card.title.as_str());
        let days = since.working_days.to_string();
        let counted = |point: &Point| {
            let Point { x, n, .. } = told_point(card, *point);
            (words.counted(x), n.to_string())
        };
        let outcome = match since.outcome {
            Outcome::BackInRange => "since-talk-back",
            Outcome::StillOutside => "since-talk-outside",
            Outcome::TooEarly => "since-talk-early",
        };
        let told = match (&since.after, &since.before, since.usual) {
            (Some(after), Some(before), Some((low, high))) => {
                let ((x1, n1), (x0, n0)) = (counted(after), counted(before));
                let (low, high) = (low.to_string(), high.to_string());
                let values = [("signal", signal), ("days", &days), ("x1", &x1), ("n1", &n1)];
                let more = [("x0", x0.as_str()), ("n0", &n0), ("low", &low), ("high", &high)];
                words.fill("since-talk", &[&values[..], &more].concat())
            }
            _ => words.fill("since-talk-none", &[("signal", signal), ("days", &days)]),
        };
        [told, words.get(outcome)]
    }

    /// How often cards without a talk fell back: those about the same signal, else all, else too few to say.
    fn by_themselves(&self, since: &Since) -> String {
        let fill = |key: &str, (back, all): (usize, usize)| {
            self.words.fill(key, &[("back", &back.to_string()), ("all", &all.to_string())])
        };
        match (since.alike, since.all) {
            (alike, _) if alike.1 >= FEWEST_CARDS => fill("fell-back", alike),
            (_, all) if all.1 >= FEWEST_CARDS => fill("fell-back-any", all),
            _ => self.words.get("fell-back-few"),
        }
    }

    fn follow_up(&self, team: &Team, document: &Document, one: &FollowUp) -> FollowUpView {
        let words = self.words;
        let dated = |key: &str, date: Date| words.fill(key, &[("date", &words.short_day(date))]);
        let kicker = dated(if one.due { "leader-due" } else { "leader-later" }, one.again);
        let headline = &self.card_of(one).headline;
        let talked = [("date", words.short_day(one.talked_on)), ("headline", headline.clone())];
        let talked = talked.each_ref().map(|(name, value)| (*name, value.as_str()));
        let own =
            |key: &str, text: &Option<String>| text.as_deref().map(|text| words.fill(key, &[("text", &clean(text))]));
        let lines = [Some(words.fill("leader-talked", &talked)), own("leader-agreed", &one.agreed)];
        FollowUpView {
            id: one.id,
            kicker,
            question: self.question(one),
            lines: lines.into_iter().chain([own("leader-mine", &one.mine)]).flatten().collect(),
            since: self.since_lines(one),
            figures: one
                .signals
                .iter()
                .filter_map(|slug| self.talk_figure(team, document, slug, (one.id, one.talked_on)))
                .collect(),
            command: format!("undercurrent done {} --team {}", one.id, team.id),
        }
    }

    /// What the leader's edition says on a card beside "since last time".
    fn notes(&self, id: &str, leader: &Leader) -> Vec<String> {
        let Some((state, talked_on)) = leader.cards.get(id) else { return Vec::new() };
        let words = self.words;
        let mut notes = Vec::new();
        if let State::SetAside(reason) = state {
            let reason = words.of("reason", reason.word());
            notes.push(words.fill("card-set-aside", &[("reason", &reason)]));
        } else if let Some(date) = talked_on {
            notes.push(words.fill("card-talked", &[("date", &words.short_day(*date))]));
        }
        notes
    }
}

/// A card of which nothing but perhaps a look is noted waits while too many follow-ups are due.
fn waits(id: &str, leader: &Leader) -> bool {
    let state = leader.cards.get(id).map_or(State::New, |(state, _)| *state);
    leader.holds_back && matches!(state, State::New | State::Seen)
}
