//! Finished text for the templates: what a page shows, in the order in which it shows it.

use super::chart;
use super::document::{Document, learning};
use super::figure::{band, share};
use super::input::{Health, Organisation, SignalState, Team};
use super::view::{CardView, Cell, Figure, QuestionView, Row, Section, SourceView, TeamPage};
use super::words::{Words, clean};
use crate::catalogue::{Card as CardWords, Catalogue};

/// What all pages are made with.
pub struct Maker<'a> {
    pub organisation: &'a Organisation,
    pub catalogue: &'a Catalogue,
    pub words: &'a Words,
    pub style: &'a str,
    pub style_hash: &'a str,
}

/// The signals of the sections that show what is usual, and where each stands.
const FLOW: [&str; 3] = ["stalled_work", "waiting_for_review", "moving_dates"];
const HOURS: [&str; 1] = ["outside_usual_hours"];
const MEETINGS: [&str; 2] = ["no_quiet_block", "meeting_load"];

impl Maker<'_> {
    /// The page of a team, from the same value as its file.
    #[must_use]
    pub fn team(&self, team: &Team, document: &Document) -> TeamPage {
        let words = self.words;
        let span = match team.window {
            Some((from, to)) => words.fill("window", &[("from", &words.day(from)), ("to", &words.long_day(to))]),
            None => words.get("no-window"),
        };
        TeamPage {
            w: words.clone(),
            style: self.style.to_owned(),
            style_hash: self.style_hash.to_owned(),
            organisation: clean(&self.organisation.name),
            title: document.team.name.clone(),
            corner: words.get("reading-time"),
            span,
            summary: document.summary.clone(),
            hidden: team.hidden,
            leader: None,
            quiet: self.quiet(team),
            sources: team.sources.iter().map(|source| self.source(source)).collect(),
            rows: self.rows(document),
            lines: self.lines(team),
            cards: self.cards(team, document),
            sections: self.sections(team, document),
            cannot: self.cannot(team),
            worked: self.worked(team, document),
            rule: self.rule(team, document),
            who: self.who(team),
            read_at: self.read_at(),
            data: format!("{}.json", team.id),
        }
    }

    /// Who is in here, how that changed, and what remains.
    fn who(&self, team: &Team) -> Vec<String> {
        let words = self.words;
        let dates: Vec<String> = team.roster_changes.iter().map(|monday| words.long_day(*monday)).collect();
        let changed = match dates.as_slice() {
            [] => words.get("roster-same"),
            dates => words.fill("roster-changed", &[("dates", &words.list(dates))]),
        };
        let again = team.counted_again.map(|day| words.fill("counted-again", &[("date", &words.long_day(day))]));
        let counted = words.fill("who-1", &[("people", &team.people.to_string())]);
        let lines = [Some(counted), Some(words.get("who-2")), Some(changed), again];
        let rest = ["remainder", "who-3"].map(|key| Some(words.get(key)));
        lines.into_iter().chain(rest).flatten().collect()
    }

    /// A measured rate of cards in words, with one digit.
    fn rate(&self, rate: f64) -> String {
        if rate < 0.05 {
            return self.words.get("rate-seldom");
        }
        self.words.fill("rate-about", &[("rate", &self.words.decimal(rate, 1))])
    }

    /// When a card opens, and how often that happens here.
    fn rule(&self, team: &Team, document: &Document) -> String {
        let thresholds = [self.organisation.signal_threshold, self.organisation.joint_threshold];
        let [signal, joint] = thresholds.map(|threshold| self.words.decimal(threshold, 2));
        let rule = self.words.fill("worked-rule", &[("signal", &signal), ("joint", &joint)]);
        let rule = format!("{rule} {}", self.words.fill("method", &[("version", document.method.version)]));
        match team.false_cards {
            Some(rate) => {
                format!("{rule} {}", self.words.fill("measured-rate", &[("rate", &self.rate(rate))]))
            }
            None => rule,
        }
    }

    /// What goes with a quiet night.
    pub(super) fn quiet(&self, team: &Team) -> String {
        match learning(team) {
            Some((_, of)) => self.words.fill("learning-quiet", &[("of", &self.words.count(of).to_lowercase())]),
            None => self.words.get("certificate"),
        }
    }

    /// When and by what the page was made.
    #[must_use]
    pub fn read_at(&self) -> String {
        let time = self.words.moment(self.organisation.as_of, &self.organisation.zone);
        let read = self.words.fill("read-at", &[("time", &time), ("version", &self.organisation.version)]);
        let cost = self.organisation.cost;
        if cost.requests == 0 {
            return read;
        }
        let megabytes = cost.bytes.div_ceil(1_000_000).to_string();
        let (requests, points) = (cost.requests.to_string(), cost.points.to_string());
        let waited = cost.waited_seconds.to_string();
        let values = [("requests", &requests), ("points", &points), ("megabytes", &megabytes), ("waited", &waited)]
            .map(|(name, value)| (name, value.as_str()));
        format!("{read} {}", self.words.fill("read-cost", &values))
    }

    /// A source's freshness in words.
    #[must_use]
    pub fn source(&self, source: &super::input::Source) -> SourceView {
        let time = source.complete_to.map_or_else(String::new, |at| self.words.reached(at, &self.organisation.zone));
        let (class, key) = match source.health {
            Health::Complete => ("", "source-complete"),
            Health::Stale => ("gap", "source-stale"),
            Health::Failed => ("gap", "source-failed"),
            Health::Off => ("off", "source-off"),
        };
        SourceView {
            class,
            line: self.words.fill(key, &[("name", &clean(&source.name)), ("time", &time)]),
            name: clean(&source.name),
            complete: time,
            covers: clean(&source.covers),
            requests: source.cost.requests.to_string(),
            gap: source.gap.as_deref().map_or_else(|| self.words.get("no-gap"), clean),
        }
    }

    fn rows(&self, document: &Document) -> Vec<Row> {
        let row = |card: &super::document::Conversation| {
            let slug = card.signals.first().map(String::as_str).unwrap_or_default();
            let detail = match (&card.observation, card.observations.is_empty()) {
                (Some(seen), _) => self.seen(seen, slug),
                (None, false) => card.sentence.clone(),
                (None, true) => String::new(),
            };
            Row {
                link: card.id.clone(),
                head: format!("{}.", card.headline),
                detail,
                begin: card
                    .questions
                    .first()
                    .map_or_else(String::new, |question| self.words.fill("row-begin", &[("question", &question.text)])),
                spark: self.spark(document, slug, true),
            }
        };
        document.conversations.iter().map(row).collect()
    }

    fn seen(&self, seen: &super::document::ObservationLine, slug: &str) -> String {
        let card = self.catalogue.card(slug);
        let now = card.map_or_else(String::new, |card| self.of_periods("now", card));
        let (x, n) = (self.words.told(seen.x, seen.or_more), seen.n.to_string());
        let (low, high) = (seen.usual_low.to_string(), seen.usual_high.to_string());
        let key = if card.is_some_and(CardWords::is_rate) { "row-rate" } else { "row" };
        let values = [("x", &x), ("n", &n), ("unit", &seen.unit), ("low", &low), ("high", &high), ("now", &now)];
        self.words.fill(key, &values.map(|(name, value)| (name, value.as_str())))
    }

    /// The word-sized drawing of a signal, from the rounded points.
    #[must_use]
    pub fn spark(&self, document: &Document, slug: &str, open: bool) -> String {
        let Some(points) = document.series.get(slug) else { return String::new() };
        let shares: Vec<Option<f64>> = points.iter().map(share).collect();
        // A drawing that fails is left out: the sentence beside it says the same.
        chart::spark(&shares, band(document.compared.get(slug)), open).unwrap_or_default()
    }

    fn lines(&self, team: &Team) -> Vec<String> {
        let named = |wanted: &dyn Fn(&SignalState) -> bool| -> Vec<String> {
            let signals = self.catalogue.signals().iter();
            signals
                .filter(|card| team.signals.get(&card.slug).is_some_and(|signal| wanted(&signal.state)))
                .map(|card| card.short.clone())
                .collect()
        };
        let lines = [
            ("within", named(&|state| *state == SignalState::WithinUsual)),
            ("quietly", named(&|state| *state == SignalState::OutsideQuietly)),
            ("not-enough", named(&|state| matches!(state, SignalState::NotEnough | SignalState::NotShown))),
            ("learning", named(&|state| matches!(state, SignalState::Learning { .. }))),
            ("not-computed", named(&|state| matches!(state, SignalState::NotComputed { .. }))),
        ];
        let filled = lines.iter().filter(|(_, list)| !list.is_empty());
        filled.map(|(key, list)| self.words.fill(key, &[("list", &self.words.list(list))])).collect()
    }

    /// What a card says above its headline where it quotes no unsaid sentence.
    pub(super) fn kicker(card: &super::document::Conversation) -> &'static str {
        let load = card.signals.iter().any(|slug| MEETINGS.contains(&slug.as_str())) && card.signals.len() == 1;
        if load { "unsaid-load" } else { "unsaid-joint" }
    }

    fn cards(&self, team: &Team, document: &Document) -> Vec<CardView> {
        document
            .conversations
            .iter()
            .map(|card| {
                let chance = match team.false_cards {
                    Some(rate) => self.words.fill("chance", &[("rate", &self.rate(rate))]),
                    None => self.words.get("chance-unmeasured"),
                };
                CardView {
                    id: card.id.clone(),
                    unsaid: card.unsaid.clone(),
                    kicker: self.words.get(Self::kicker(card)),
                    headline: card.headline.clone(),
                    sentence: card.sentence.clone(),
                    parts: card.observations.iter().map(|part| part.sentence.clone()).collect(),
                    season: card.season.clone(),
                    chance,
                    figures: card.signals.iter().filter_map(|slug| self.figure(team, document, slug)).collect(),
                    readings: card.may_also_be.clone(),
                    questions: card
                        .questions
                        .iter()
                        .map(|question| QuestionView {
                            text: question.text.clone(),
                            behaviour: self.words.of("behaviour", &question.behaviour),
                        })
                        .collect(),
                    could: card.could_do.clone(),
                    items: card
                        .items
                        .iter()
                        .map(|item| Cell { text: item.key.clone(), url: item.url.clone() })
                        .collect(),
                    since: card.since.clone(),
                    notes: Vec::new(),
                    record: None,
                    waits: false,
                }
            })
            .collect()
    }

    /// A chart is never shown twice: on its card, or in its section.
    fn sections(&self, team: &Team, document: &Document) -> Vec<Section> {
        let on_card = |slug: &str| document.conversations.iter().any(|card| card.signals.iter().any(|one| one == slug));
        let section = |name: &str, slugs: &[&str]| {
            let shown = slugs.iter().filter(|slug| !on_card(slug));
            let figures: Vec<Figure> = shown.filter_map(|slug| self.figure(team, document, slug)).collect();
            let empty = figures.is_empty() && !slugs.iter().all(|slug| on_card(slug));
            Section {
                title: self.words.get(&format!("{name}-title")),
                lead: self.words.get(&format!("{name}-lead")),
                figures,
                lines: if empty { vec![self.words.get("nothing-drawn")] } else { Vec::new() },
            }
        };
        let all = [section("flows", &FLOW), section("hours", &HOURS), section("meetings", &MEETINGS)];
        all.into_iter().filter(|section| !section.figures.is_empty() || !section.lines.is_empty()).collect()
    }

    fn cannot(&self, team: &Team) -> Vec<String> {
        let on =
            |card: &&CardWords| team.signals.get(&card.slug).is_some_and(|signal| signal.state != SignalState::Off);
        self.catalogue.signals().iter().filter(on).map(|card| format!("{}: {}.", card.title, card.cannot_see)).collect()
    }

    fn worked(&self, team: &Team, document: &Document) -> Vec<Vec<String>> {
        let row = |card: &CardWords| {
            let signal = team.signals.get(&card.slug)?;
            let state = self.state(&signal.state, card);
            let [present, usual, past] = match document.compared.get(&card.slug) {
                Some(seen) => {
                    let x = self.words.told(seen.x, seen.or_more);
                    let of = |part: &str, all: &str| self.words.fill("x-of-n", &[("x", part), ("n", all)]);
                    [
                        format!("{} {}", of(&x, &seen.n.to_string()), card.unit),
                        self.words.fill(
                            "low-to-high",
                            &[("low", &seen.usual_low.to_string()), ("high", &seen.usual_high.to_string())],
                        ),
                        of(&seen.past_within.to_string(), &seen.past_total.to_string()),
                    ]
                }
                None => Default::default(),
            };
            Some(vec![card.title.clone(), state, present, usual, past, format!("queries/signals/{}.sql", card.slug)])
        };
        self.catalogue.signals().iter().filter_map(row).collect()
    }

    fn state(&self, state: &SignalState, card: &CardWords) -> String {
        match state {
            SignalState::Open => self.words.get("state-open"),
            SignalState::WithinUsual => self.words.get("state-within"),
            SignalState::OutsideQuietly => self.words.get("state-quietly"),
            SignalState::Learning { weeks, of, .. } => {
                let periods = self.of_periods("periods", card);
                let values = [("weeks", weeks.to_string()), ("of", of.to_string()), ("periods", periods)];
                self.words.fill("state-learning", &values.each_ref().map(|(name, value)| (*name, value.as_str())))
            }
            SignalState::NotEnough | SignalState::NotShown => self.words.get("state-not-shown"),
            SignalState::NotComputed { .. } => self.words.get("state-not-computed"),
            SignalState::Off => self.words.get("state-off"),
        }
    }

    /// A headline inside a sentence: with a small first letter where the language does so.
    fn in_list(&self, headline: &str) -> String {
        if self.words.get("headline-in-list") == "lower" { lower(headline) } else { headline.to_owned() }
    }

    /// A team's line on the index.
    #[must_use]
    pub fn index_row(&self, team: &Team, document: &Document) -> Row {
        let short: Vec<String> = document.conversations.iter().map(|card| self.in_list(&card.headline)).collect();
        let detail = if team.hidden {
            self.words.get("team-small")
        } else if let Some((weeks, of)) = learning(team).filter(|_| short.is_empty()) {
            self.words.fill("team-learning", &[("weeks", &weeks.to_string()), ("of", &of.to_string())])
        } else if short.is_empty() {
            self.words.get("team-none")
        } else {
            self.words.fill("team-cards", &[("list", &self.words.list(&short))])
        };
        let first = document.conversations.first().and_then(|card| card.signals.first());
        let slug = first.map_or("waiting_for_review", String::as_str);
        let spark = if team.hidden || (learning(team).is_some() && first.is_none()) {
            String::new()
        } else {
            self.spark(document, slug, first.is_some())
        };
        Row { link: format!("{}.html", team.id), head: document.team.name.clone(), detail, begin: String::new(), spark }
    }
}

fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}
