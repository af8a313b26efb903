//! Drawings with their captions and tables, all made from the rounded figures of the document.

use jiff::civil::Date;

use super::chart::{self, AgeingWords, Drawing, SeriesChart};
use super::document::{Compared, Document, SeriesPoint, shown_ageing};
use super::input::{Ageing, Signal, SignalState, Team};
use super::link::safe_link;
use super::page::Maker;
use super::view::{Cell, Figure, TableView};
use super::words::clean;
use crate::catalogue::{Card as CardWords, Periods};

impl Maker<'_> {
    /// The drawing of a signal, with caption and table; `None` where nothing of it may be drawn.
    pub(super) fn figure(&self, team: &Team, document: &Document, slug: &str) -> Option<Figure> {
        let card = self.catalogue.card(slug)?;
        let signal = team.signals.get(slug)?;
        if slug == "stalled_work"
            && let Some(ageing) = shown_ageing(team)
        {
            return Some(self.ageing_figure(ageing, signal.state == SignalState::Open));
        }
        let points = document.series.get(slug).filter(|points| points.len() >= 2)?;
        let told = Told { card, signal, compared: document.compared.get(slug), points };
        Some(self.series_figure(format!("c-{slug}"), &told, events(team, signal)))
    }

    /// The series of a signal with the day of a talk as its one line; `None` where nothing of it may be drawn.
    pub(super) fn talk_figure(
        &self,
        team: &Team,
        document: &Document,
        slug: &str,
        (follow_up, talked_on): (i64, Date),
    ) -> Option<Figure> {
        let (card, signal) = (self.catalogue.card(slug)?, team.signals.get(slug)?);
        let points = document.series.get(slug).filter(|points| points.len() >= 2)?;
        let label = self.words.get("talk-label");
        let talk = super::input::Event { from: talked_on, to: talked_on, label };
        let line = event_at(&talk, signal).or_else(|| {
            // Between the past fortnights and the present window lie weeks that no point stands for.
            let next = signal.points.iter().position(|point| point.from > talked_on).filter(|next| *next > 0)?;
            Some((f64::from(u32::try_from(next).ok()?), talk.label.clone()))
        });
        let told = Told { card, signal, compared: document.compared.get(slug), points };
        let mut figure = self.series_figure(format!("t{follow_up}-{slug}"), &told, line.into_iter().collect());
        // The same signal may be drawn on its card as well: a title names one drawing only.
        figure.title = format!("{} ({}, {})", figure.title, talk.label, self.words.short_day(talked_on));
        Some(figure)
    }

    fn series_figure(&self, id: String, told: &Told<'_>, events: Vec<(f64, String)>) -> Figure {
        let Told { card, signal, compared, points } = *told;
        let points = &as_on_the_card(points, signal, compared);
        let rate = card.is_rate();
        let word = |key: &str| if rate { format!("{key}-rate") } else { key.to_owned() };
        let (values, band) =
            if rate { scaled(points, compared) } else { (points.iter().map(share).collect(), band(compared)) };
        let open = signal.state == SignalState::Open;
        let percent = |value: f64| format!("{:.0}", if rate { value } else { value * 100.0 });
        let band_label = band.map_or_else(String::new, |(low, high)| {
            self.words.fill(&word("band-label"), &[("low", &percent(low)), ("high", &percent(high))])
        });
        let window = compared.filter(|_| open).map(|seen| {
            let (x, n) = (self.words.told(seen.x, seen.or_more), seen.n.to_string());
            let now = self.of_periods("now", card);
            self.words.fill(&word("window-label"), &[("x", &x), ("n", &n), ("unit", &card.unit), ("now", &now)])
        });
        let chart = SeriesChart {
            shares: values.clone(),
            counts: rate,
            names: points.iter().map(|point| self.point_name(point, rate)).collect(),
            months: self.months(signal),
            band,
            band_label,
            window,
            unit: String::new(),
            events,
        };
        // A drawing that fails is left out: its sentence and its table remain.
        let drawing = chart::series(&id, &chart).unwrap_or_default();
        let key = if band.is_some() { "chart-sentence" } else { "chart-no-band" };
        // The past of a plan is what was finished, which no word of the signal's own says.
        let key = if card.periods() == Periods::Sprints { format!("{key}-sprints") } else { word(key) };
        let (now, past) = (self.of_periods("now", card), self.of_periods("past", card));
        Figure {
            title: card.title.clone(),
            sentence: self.words.fill(&key, &[("unit", &card.short), ("now", &now), ("past", &past)]),
            table: self.series_table(points, rate.then_some(values.as_slice())),
            few: points.iter().any(|point| point.x.is_none()),
            ..figure(id, drawing)
        }
    }

    /// A word that goes with the periods in which a signal is read.
    pub(super) fn of_periods(&self, key: &str, card: &CardWords) -> String {
        self.words.get(&format!("{key}-{}", card.periods().word()))
    }

    fn point_name(&self, point: &SeriesPoint, rate: bool) -> String {
        let date = |text: &str| text.parse().map(|date| self.words.short_day(date)).unwrap_or_default();
        let x = self.words.counted(point.x);
        let share = share(point).map_or_else(|| self.words.get("few"), |share| self.percent(share));
        let n = point.n.to_string();
        self.words.fill(
            if rate { "hover-rate" } else { "hover" },
            &[("from", &date(&point.from)), ("to", &date(&point.to)), ("x", &x), ("n", &n), ("share", &share)],
        )
    }

    /// A share in whole per cent.
    fn percent(&self, share: f64) -> String {
        self.words.fill("percent", &[("share", &format!("{:.0}", share * 100.0))])
    }

    /// The points at which a month is named: the first that begins in it.
    fn months(&self, signal: &Signal) -> Vec<(usize, String)> {
        let mut named = Vec::new();
        let mut last = None;
        for (at, point) in signal.points.iter().enumerate() {
            let month = (point.from.year(), point.from.month());
            if last != Some(month) {
                named.push((at, self.words.short_month(point.from)));
                last = Some(month);
            }
        }
        named
    }

    /// `scaled`: the values of a rate as for the present exposure.
    fn series_table(&self, points: &[SeriesPoint], scaled: Option<&[Option<f64>]>) -> TableView {
        let date = |text: &str| text.parse().map(|date| self.words.short_day(date)).unwrap_or_default();
        let cell = |text: String| Cell { text, url: None };
        let few = self.words.get("few");
        let last = |at: usize, point: &SeriesPoint| match scaled {
            Some(values) => values[at].map(|value| format!("{value:.0}")),
            None => share(point).map(|share| self.percent(share)),
        };
        let row = |(at, point): (usize, &SeriesPoint)| {
            vec![
                cell(format!("{} – {}", date(&point.from), date(&point.to))),
                cell(point.x.map_or_else(|| few.clone(), |x| x.to_string())),
                cell(point.n.to_string()),
                cell(last(at, point).unwrap_or_else(|| few.clone())),
            ]
        };
        TableView {
            caption: self.words.get("table-series"),
            head: match scaled {
                Some(_) => ["column-span", "column-x", "column-days-rate", "column-scaled"],
                None => ["column-span", "column-x", "column-n", "column-share"],
            }
            .map(|key| self.words.get(key))
            .to_vec(),
            rows: points.iter().enumerate().map(row).collect(),
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
        let values = [("beyond", words.count(beyond)), ("all", shown.items.len().to_string())];
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let key = match (shown.limit_days, beyond) {
            (None, _) => "ageing-sentence-no-limit",
            (Some(_), 0) => "ageing-sentence-none",
            (Some(_), 1) => "ageing-sentence-one",
            (Some(_), _) => "ageing-sentence",
        };
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

/// A signal as it is drawn: words and state, and figures that are rounded already.
#[derive(Clone, Copy)]
struct Told<'a> {
    card: &'a CardWords,
    signal: &'a Signal,
    compared: Option<&'a Compared>,
    points: &'a [SeriesPoint],
}

/// The points of a drawing. The last one is the present window; where the card tells its exact figures, the drawing beside
/// them agrees with them to the last digit.
fn as_on_the_card(points: &[SeriesPoint], signal: &Signal, compared: Option<&Compared>) -> Vec<SeriesPoint> {
    let mut points = points.to_vec();
    let seen = compared.filter(|_| signal.state == SignalState::Open);
    if let (Some(seen), Some(last)) = (seen, points.last_mut()) {
        (last.x, last.n) = (seen.x, seen.n);
    }
    points
}

/// The usual range as shares of the present number of opportunities, both as they are displayed.
pub(super) fn band(compared: Option<&Compared>) -> Option<(f64, f64)> {
    let seen = compared.filter(|seen| seen.n > 0)?;
    let share = |x: i64| float(x) / float(seen.n);
    Some((share(seen.usual_low), share(seen.usual_high)))
}

/// A value for each point that may be drawn, and the usual range.
type Drawn = (Vec<Option<f64>>, Option<(f64, f64)>);

/// The points of a rate as counts for the exposure of the last one, as the usual range is meant, and that range.
fn scaled(points: &[SeriesPoint], compared: Option<&Compared>) -> Drawn {
    let now = points.last().map_or(0, |point| point.n);
    let values = points.iter().map(|point| Some(share(point)? * float(now))).collect();
    let seen = compared.filter(|seen| seen.n > 0);
    (values, seen.map(|seen| (float(seen.usual_low), float(seen.usual_high))))
}

/// A point as a share; `None` where it reads "few".
pub(super) fn share(point: &SeriesPoint) -> Option<f64> {
    let x = point.x.filter(|_| point.n > 0)?;
    Some(float(x) / float(point.n))
}

#[expect(clippy::cast_precision_loss, reason = "counts of a team stay far below 2^53")]
fn float(count: i64) -> f64 {
    count as f64
}

fn events(team: &Team, signal: &Signal) -> Vec<(f64, String)> {
    team.events.iter().filter_map(|event| event_at(event, signal)).collect()
}

/// Where an event begins among the points of a signal, and its name.
fn event_at(event: &super::input::Event, signal: &Signal) -> Option<(f64, String)> {
    let position = signal.points.iter().position(|point| event.from <= point.to && event.to >= point.from)?;
    let span = signal.points.get(position)?;
    let length = f64::from((span.to - span.from).get_days() + 1);
    let gone = f64::from((event.from.max(span.from) - span.from).get_days());
    Some((f64::from(u32::try_from(position).ok()?) + gone / length, clean(&event.label)))
}
