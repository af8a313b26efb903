//! Finished text for the templates: what a page shows, in the order in which it shows it.

use askama::Template;

use super::chart::{self, AgeingWords, Drawing, SeriesChart};
use super::document::{Document, SeriesPoint, learning, shown_ageing};
use super::input::{Ageing, Health, Organisation, Signal, SignalState, Team};
use super::link::safe_link;
use super::words::{self, Words, clean};
use crate::catalogue::{Card as CardWords, Catalogue};

/// A line of a list with its word-sized drawing.
pub struct Row {
    pub link: String,
    pub head: String,
    pub detail: String,
    pub spark: String,
}

/// A source's freshness.
pub struct SourceView {
    pub class: &'static str,
    pub line: String,
    pub name: String,
    pub complete: String,
    pub covers: String,
    pub gap: String,
}

/// A text, perhaps linked.
pub struct Cell {
    pub text: String,
    pub url: Option<String>,
}

/// The table under a drawing.
pub struct TableView {
    pub caption: String,
    pub head: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
}

/// A drawing with its caption and table.
pub struct Figure {
    pub id: String,
    pub title: String,
    pub sentence: String,
    pub wide: String,
    pub phone: String,
    pub table: TableView,
    /// A point of it reads "few".
    pub few: bool,
}

/// A question.
pub struct QuestionView {
    pub text: String,
    pub behaviour: String,
}

/// A card.
pub struct CardView {
    pub id: String,
    pub unsaid: Option<String>,
    pub kicker: String,
    pub headline: String,
    pub sentence: String,
    pub parts: Vec<String>,
    pub chance: String,
    pub figures: Vec<Figure>,
    pub readings: Vec<String>,
    pub questions: Vec<QuestionView>,
    pub could: Vec<String>,
    pub items: Vec<Cell>,
    pub since: String,
}

/// A section of usual drawings.
pub struct Section {
    pub title: String,
    pub lead: String,
    pub figures: Vec<Figure>,
    pub lines: Vec<String>,
}

/// A team's page.
#[derive(Template)]
#[template(path = "team.html")]
pub struct TeamPage {
    w: Words,
    style: String,
    style_hash: String,
    organisation: String,
    title: String,
    corner: String,
    span: String,
    summary: String,
    too_small: bool,
    /// What the page says where it shows no card.
    quiet: String,
    sources: Vec<SourceView>,
    rows: Vec<Row>,
    lines: Vec<String>,
    cards: Vec<CardView>,
    sections: Vec<Section>,
    cannot: Vec<String>,
    worked: Vec<Vec<String>>,
    rule: String,
    who: String,
    read_at: String,
    data: String,
}

/// A card of the index: something that several teams share.
pub struct SharedView {
    pub kicker: String,
    pub headline: String,
}

/// The index.
#[derive(Template)]
#[template(path = "index.html")]
pub struct IndexPage {
    pub w: Words,
    pub style: String,
    pub style_hash: String,
    pub organisation: String,
    pub title: String,
    pub corner: String,
    pub summary: String,
    pub sources: Vec<SourceView>,
    pub shared_cards: Vec<SharedView>,
    pub rows: Vec<Row>,
    pub read_at: String,
    pub data: String,
}

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
            Some((from, to)) => words.fill("window", &[("from", &words::day(from)), ("to", &words::long_day(to))]),
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
            too_small: team.too_small,
            quiet: self.quiet(team),
            sources: team.sources.iter().map(|source| self.source(source)).collect(),
            rows: self.rows(team, document),
            lines: self.lines(team),
            cards: self.cards(team, document),
            sections: self.sections(team, document),
            cannot: self.cannot(team),
            worked: self.worked(team, document),
            rule: words.fill(
                "worked-rule",
                &[
                    ("signal", &format!("{:.2}", self.organisation.signal_threshold)),
                    ("joint", &format!("{:.2}", self.organisation.joint_threshold)),
                ],
            ),
            who: words.fill("who-1", &[("people", &team.people.to_string())]),
            read_at: self.read_at(),
            data: format!("{}.json", team.id),
        }
    }

    fn quiet(&self, team: &Team) -> String {
        match learning(team) {
            Some((_, of)) => self.words.fill("learning-quiet", &[("of", &words::count(of).to_lowercase())]),
            None => self.words.get("certificate"),
        }
    }

    /// When and by what the page was made.
    #[must_use]
    pub fn read_at(&self) -> String {
        let time = words::moment(self.organisation.as_of, &self.organisation.zone);
        self.words.fill("read-at", &[("time", &time), ("version", &self.organisation.version)])
    }

    /// A source's freshness in words.
    #[must_use]
    pub fn source(&self, source: &super::input::Source) -> SourceView {
        let time = source.complete_to.map_or_else(String::new, |at| words::reached(at, &self.organisation.zone));
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
            gap: source.gap.as_deref().map_or_else(|| self.words.get("no-gap"), clean),
        }
    }

    fn rows(&self, team: &Team, document: &Document) -> Vec<Row> {
        let row = |card: &super::document::Conversation| {
            let detail = match (&card.observation, card.observations.is_empty()) {
                (Some(seen), _) => self.seen(seen),
                (None, false) => card.sentence.clone(),
                (None, true) => String::new(),
            };
            let slug = card.signals.first().map(String::as_str).unwrap_or_default();
            Row {
                link: card.id.clone(),
                head: format!("{}.", card.headline),
                detail,
                spark: self.spark(document, team.signals.get(slug), slug, true),
            }
        };
        document.conversations.iter().map(row).collect()
    }

    fn seen(&self, seen: &super::document::ObservationLine) -> String {
        let (x, n) = (seen.x.to_string(), seen.n.to_string());
        let (low, high) = (seen.usual_low.to_string(), seen.usual_high.to_string());
        self.words.fill("row", &[("x", &x), ("n", &n), ("unit", &seen.unit), ("low", &low), ("high", &high)])
    }

    /// The word-sized drawing of a signal, from the rounded points.
    #[must_use]
    pub fn spark(&self, document: &Document, signal: Option<&Signal>, slug: &str, open: bool) -> String {
        let Some(points) = document.series.get(slug) else { return String::new() };
        let shares: Vec<Option<f64>> = points.iter().map(share).collect();
        // A drawing that fails is left out: the sentence beside it says the same.
        chart::spark(&shares, signal.and_then(band), open).unwrap_or_default()
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
        filled.map(|(key, list)| self.words.fill(key, &[("list", &words::list(list))])).collect()
    }

    fn cards(&self, team: &Team, document: &Document) -> Vec<CardView> {
        document
            .conversations
            .iter()
            .map(|card| {
                let rate = team.false_cards.map(|rate| format!("{rate:.1}"));
                let chance = match rate {
                    Some(rate) => self.words.fill("chance", &[("rate", &rate)]),
                    None => self.words.get("chance-unmeasured"),
                };
                let load = card.signals.iter().any(|slug| MEETINGS.contains(&slug.as_str())) && card.signals.len() == 1;
                CardView {
                    id: card.id.clone(),
                    unsaid: card.unsaid.clone(),
                    kicker: self.words.get(if load { "unsaid-load" } else { "unsaid-joint" }),
                    headline: card.headline.clone(),
                    sentence: card.sentence.clone(),
                    parts: card.observations.iter().map(|part| part.sentence.clone()).collect(),
                    chance,
                    figures: card.signals.iter().filter_map(|slug| self.figure(team, document, slug)).collect(),
                    readings: card.may_also_be.clone(),
                    questions: card
                        .questions
                        .iter()
                        .map(|question| QuestionView {
                            text: question.text.clone(),
                            behaviour: question.behaviour.clone(),
                        })
                        .collect(),
                    could: card.could_do.clone(),
                    items: card
                        .items
                        .iter()
                        .map(|item| Cell { text: item.key.clone(), url: item.url.clone() })
                        .collect(),
                    since: card.since.clone(),
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

    fn figure(&self, team: &Team, document: &Document, slug: &str) -> Option<Figure> {
        let card = self.catalogue.card(slug)?;
        let signal = team.signals.get(slug)?;
        if slug == "stalled_work"
            && let Some(ageing) = shown_ageing(team)
        {
            return Some(self.ageing_figure(ageing, signal.state == SignalState::Open));
        }
        let points = document.series.get(slug).filter(|points| points.len() >= 2)?;
        Some(self.series_figure(team, card, signal, points))
    }

    fn series_figure(&self, team: &Team, card: &CardWords, signal: &Signal, points: &[SeriesPoint]) -> Figure {
        let id = format!("c-{}", card.slug);
        let band = band(signal);
        let open = signal.state == SignalState::Open;
        let percent = |share: f64| format!("{:.0}", share * 100.0);
        let band_label = band.map_or_else(String::new, |(low, high)| {
            self.words.fill("band-label", &[("low", &percent(low)), ("high", &percent(high))])
        });
        let seen = signal.observation.as_ref().filter(|_| open);
        let window = seen.map(|seen| {
            let (x, n) = (seen.x.to_string(), seen.n.to_string());
            self.words.fill("window-label", &[("x", &x), ("n", &n), ("unit", &card.unit)])
        });
        let chart = SeriesChart {
            shares: points.iter().map(share).collect(),
            names: points.iter().map(|point| self.point_name(point)).collect(),
            months: months(signal),
            band,
            band_label,
            window,
            unit: String::new(),
            events: events(team, signal),
        };
        // A drawing that fails is left out: its sentence and its table remain.
        let drawing = chart::series(&id, &chart).unwrap_or_default();
        let key = if band.is_some() { "chart-sentence" } else { "chart-no-band" };
        Figure {
            title: card.title.clone(),
            sentence: self.words.fill(key, &[("unit", &card.short)]),
            table: self.series_table(points),
            few: points.iter().any(|point| point.x.is_none()),
            ..figure(id, drawing)
        }
    }

    fn point_name(&self, point: &SeriesPoint) -> String {
        let date = |text: &str| text.parse().map(words::short_day).unwrap_or_default();
        let x = point.x.map_or_else(|| self.words.get("few"), |x| x.to_string());
        let share = share(point).map_or_else(|| self.words.get("few"), |share| format!("{:.0} %", share * 100.0));
        let n = point.n.to_string();
        self.words.fill(
            "hover",
            &[("from", &date(&point.from)), ("to", &date(&point.to)), ("x", &x), ("n", &n), ("share", &share)],
        )
    }

    fn series_table(&self, points: &[SeriesPoint]) -> TableView {
        let date = |text: &str| text.parse().map(words::short_day).unwrap_or_default();
        let cell = |text: String| Cell { text, url: None };
        let few = self.words.get("few");
        let row = |point: &SeriesPoint| {
            vec![
                cell(format!("{} – {}", date(&point.from), date(&point.to))),
                cell(point.x.map_or_else(|| few.clone(), |x| x.to_string())),
                cell(point.n.to_string()),
                cell(share(point).map_or_else(|| few.clone(), |share| format!("{:.0} %", share * 100.0))),
            ]
        };
        TableView {
            caption: self.words.get("table-series"),
            head: ["column-span", "column-x", "column-n", "column-share"].map(|key| self.words.get(key)).to_vec(),
            rows: points.iter().map(row).collect(),
        }
    }

    fn ageing_figure(&self, ageing: &Ageing, on_card: bool) -> Figure {
        let words = self.words;
        let shown = self.shown(ageing);
        let texts = ["ageing-today", "ageing-week", "ageing-weeks", "ageing-axis", "ageing-limit", "ageing-days"]
            .map(|key| words.get(key));
        let [today, week, weeks, axis, limit, days] = &texts;
        let labels = AgeingWords { today, week, weeks, axis, limit, days };
        // A drawing that fails is left out: its sentence and its table remain.
        let drawing = chart::ageing("c-ageing", &shown, on_card, &labels).unwrap_or_default();
        let beyond = shown.items.iter().filter(|open| open.beyond).count();
        let values = [("beyond", words::count(beyond)), ("all", shown.items.len().to_string())];
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let key = if shown.limit_days.is_some() { "ageing-sentence" } else { "ageing-sentence-no-limit" };
        Figure {
            title: words.get("ageing-title"),
            sentence: words.fill(key, &values),
            table: self.ageing_table(&shown),
            few: false,
            ..figure("c-ageing".to_owned(), drawing)
        }
    }

    /// The items as they may be shown: without key and link where the configuration hides them.
    fn shown(&self, ageing: &Ageing) -> Ageing {
        let mut shown = ageing.clone();
        for open in &mut shown.items {
            open.item.key = if self.organisation.show_work_items { clean(&open.item.key) } else { String::new() };
            let url = open.item.url.take().filter(|_| self.organisation.show_work_items);
            open.item.url = url.as_deref().and_then(safe_link);
        }
        shown
    }

    fn ageing_table(&self, ageing: &Ageing) -> TableView {
        let mut open: Vec<_> = ageing.items.iter().collect();
        open.sort_by_key(|open| (std::cmp::Reverse(open.item.working_days), open.item.key.clone()));
        let with_keys = self.organisation.show_work_items;
        let cell = |text: String| Cell { text, url: None };
        let row = |open: &&super::input::OpenItem| {
            let key = with_keys.then(|| Cell { text: open.item.key.clone(), url: open.item.url.clone() });
            let days = cell(open.item.working_days.unwrap_or(0).to_string());
            key.into_iter().chain([days, cell(open.quiet_days.to_string())]).collect()
        };
        let heads = ["column-item", "column-days", "column-quiet"];
        TableView {
            caption: self.words.get("ageing-table"),
            head: heads[usize::from(!with_keys)..].iter().map(|key| self.words.get(key)).collect(),
            rows: open.iter().map(row).collect(),
        }
    }

    fn cannot(&self, team: &Team) -> Vec<String> {
        let on =
            |card: &&CardWords| team.signals.get(&card.slug).is_some_and(|signal| signal.state != SignalState::Off);
        self.catalogue.signals().iter().filter(on).map(|card| format!("{}: {}.", card.title, card.cannot_see)).collect()
    }

    fn worked(&self, team: &Team, document: &Document) -> Vec<Vec<String>> {
        let row = |card: &CardWords| {
            let signal = team.signals.get(&card.slug)?;
            let state = if team.too_small { self.words.get("state-not-shown") } else { self.state(&signal.state) };
            let [present, usual, past] = match document.compared.get(&card.slug) {
                Some(seen) => {
                    let x = seen.x.map_or_else(|| self.words.get("few"), |x| x.to_string());
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

    fn state(&self, state: &SignalState) -> String {
        match state {
            SignalState::Open => self.words.get("state-open"),
            SignalState::WithinUsual => self.words.get("state-within"),
            SignalState::OutsideQuietly => self.words.get("state-quietly"),
            SignalState::Learning { weeks, of } => {
                self.words.fill("state-learning", &[("weeks", &weeks.to_string()), ("of", &of.to_string())])
            }
            SignalState::NotEnough => self.words.get("state-not-enough"),
            SignalState::NotShown => self.words.get("state-not-shown"),
            SignalState::NotComputed { .. } => self.words.get("state-not-computed"),
            SignalState::Off => self.words.get("state-off"),
        }
    }

    /// A team's line on the index.
    #[must_use]
    pub fn index_row(&self, team: &Team, document: &Document) -> Row {
        let short: Vec<String> = document.conversations.iter().map(|card| lower(&card.headline)).collect();
        let detail = if team.too_small {
            self.words.get("team-small")
        } else if let Some((weeks, of)) = learning(team).filter(|_| short.is_empty()) {
            self.words.fill("team-learning", &[("weeks", &weeks.to_string()), ("of", &of.to_string())])
        } else if short.is_empty() {
            self.words.get("team-none")
        } else {
            self.words.fill("team-cards", &[("list", &words::list(&short))])
        };
        let first = document.conversations.first().and_then(|card| card.signals.first());
        let slug = first.map_or("waiting_for_review", String::as_str);
        let spark = if team.too_small || (learning(team).is_some() && first.is_none()) {
            String::new()
        } else {
            self.spark(document, team.signals.get(slug), slug, first.is_some())
        };
        Row { link: format!("{}.html", team.id), head: document.team.name.clone(), detail, spark }
    }
}

fn figure(id: String, drawing: Drawing) -> Figure {
    let table = TableView { caption: String::new(), head: Vec::new(), rows: Vec::new() };
    Figure {
        id,
        title: String::new(),
        sentence: String::new(),
        wide: drawing.wide,
        phone: drawing.phone,
        table,
        few: false,
    }
}

/// The usual range as shares of the present number of opportunities, as it is displayed.
fn band(signal: &Signal) -> Option<(f64, f64)> {
    let seen = signal.observation.as_ref().filter(|seen| seen.n > 0)?;
    let share = |x: i64| float(x) / float(seen.n);
    Some((share(seen.usual_low), share(seen.usual_high).min(1.0)))
}

fn share(point: &SeriesPoint) -> Option<f64> {
    let x = point.x.filter(|_| point.n > 0)?;
    Some(float(x) / float(point.n))
}

#[expect(clippy::cast_precision_loss, reason = "counts of a team stay far below 2^53")]
fn float(count: i64) -> f64 {
    count as f64
}

/// The points at which a month is named: the first that begins in it.
fn months(signal: &Signal) -> Vec<(usize, String)> {
    let mut named = Vec::new();
    let mut last = None;
    for (at, point) in signal.points.iter().enumerate() {
        let month = (point.from.year(), point.from.month());
        if last != Some(month) {
            named.push((at, words::month(point.from).get(..3).unwrap_or_default().to_owned()));
            last = Some(month);
        }
    }
    named
}

fn events(team: &Team, signal: &Signal) -> Vec<(f64, String)> {
    let at = |event: &super::input::Event| {
        let position = signal.points.iter().position(|point| event.from <= point.to && event.to >= point.from)?;
        let span = signal.points.get(position)?;
        let length = f64::from((span.to - span.from).get_days() + 1);
        let gone = f64::from((event.from.max(span.from) - span.from).get_days());
        Some((f64::from(u32::try_from(position).ok()?) + gone / length, clean(&event.label)))
    };
    team.events.iter().filter_map(at).collect()
}

fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}
