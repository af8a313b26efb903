//! Weeks and windows out of evidence: what is counted on which days, for one team and one signal.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use super::memory::Thresholds;
use super::usual_range::{FEWEST_WEEKS, Kind, Pair, Series, Side};
pub use crate::model::EvidenceRow;
use crate::model::time::{date_of, day_number, week_of};

/// Whether events are summed over a window, or what exists is looked at day by day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Events are summed.
    Flow,
    /// The lower median of daily snapshots.
    Stock,
}

/// The facts of a signal that the method needs; they stand in its card's file.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalSpec {
    pub slug: String,
    /// Position in the catalogue.
    pub order: u32,
    /// Takes part in the joint card.
    pub core: bool,
    pub kind: Kind,
    pub side: Side,
    pub form: Form,
    /// Work-item signals list their items.
    pub lists_items: bool,
    /// The population floor: 5 for clock and calendar data, 4 for others.
    pub floor: i64,
    /// The fewest opportunities of a 10-day window.
    pub minimum: f64,
    /// A person adds at most this much to x: in ten days, and in five days or a week.
    pub cap: Option<(i64, i64)>,
    /// An item counts at most once in a window.
    pub once_per_item: bool,
    /// The fewest events in the baseline below which nothing is said.
    pub baseline_minimum: i64,
    /// The signal of which this one is a detail: no second card stands beside it.
    pub detail_of: Option<String>,
    /// Swings with the halves of a sprint: where a team works in sprints of two weeks, its past is read in fortnights.
    pub by_sprint: bool,
}

/// A day on which members of the team work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamDay {
    pub day: i64,
    pub available: i64,
}

/// Up to when a signal's sources have been read, for this team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    pub from: i64,
    pub to: i64,
    /// A source that could not be read this night, by name.
    pub failed: Option<String>,
}

/// Everything that the method looks at for one team.
#[derive(Clone, Debug, Default)]
pub struct TeamInput {
    pub id: String,
    /// Members today.
    pub members: i64,
    pub days: Vec<TeamDay>,
    pub evidence: BTreeMap<String, Vec<EvidenceRow>>,
    pub coverage: BTreeMap<String, Coverage>,
    /// Signals that are switched off for this team.
    pub off: BTreeSet<String>,
    /// Days of known events that a signal leaves out, by signal.
    pub marked: BTreeMap<String, BTreeSet<i64>>,
    /// The team works in sprints of two weeks.
    pub two_week_sprints: bool,
}

/// What can be set about the method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Raises every floor to at least this.
    pub smallest_group: i64,
    pub thresholds: Thresholds,
    /// How many past working days are evaluated in order where nothing is remembered yet.
    pub nights: usize,
}

/// A point of a drawn series: a past fortnight or the present window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    pub from: i64,
    pub to: i64,
    /// `None`: fewer than three people stand behind it ("few").
    pub x: Option<i64>,
    pub n: i64,
}

/// The people behind a number without whom it says nothing.
pub const FEWEST_PEOPLE: usize = 3;

/// Counts below this read "few", whoever stands behind them.
const FEW: i64 = 3;

/// A usable week or fortnight: its count, and the people behind x.
struct Week {
    pair: Pair,
    people: BTreeSet<Option<i64>>,
}

/// What counts on one day; `None` for days that give neither x nor n.
type Day<'a> = Option<Rc<[&'a EvidenceRow]>>;

/// Days between the first days of two weeks.
const WEEK: i64 = 7;
/// A year in whole weeks, so that the same days of the week are compared.
const YEAR: i64 = 52 * WEEK;
/// The baseline of a week begins this many weeks before it, and ends this many before it.
const OLDEST_WEEK: i64 = 28;
const NEWEST_WEEK: i64 = 3;
const PAST_WEEKS: i64 = OLDEST_WEEK - NEWEST_WEEK + 1;

/// One signal of one team: its rows by working day, and its weeks.
pub(super) struct Track<'a> {
    pub spec: &'a SignalSpec,
    /// The team's working days that hold the floor.
    days: Vec<i64>,
    /// Rows by position in `days`.
    rows: Vec<Day<'a>>,
    /// `None` where a week is not usable.
    weeks: BTreeMap<i64, Option<Week>>,
    /// Two usable weeks in a row by the Monday of the newer one; empty where the past is read in weeks.
    fortnights: BTreeMap<i64, Week>,
}

/// The 10-day or 5-day window of a track that ends on a night.
pub(super) struct Window<'a> {
    pub from: i64,
    pub to: i64,
    rows: Vec<Rc<[&'a EvidenceRow]>>,
    cap: Option<i64>,
    spec: &'a SignalSpec,
}

impl<'a> Track<'a> {
    pub fn new(team: &'a TeamInput, spec: &'a SignalSpec, settings: &Settings) -> Self {
        let floor = spec.floor.max(settings.smallest_group);
        let staffed: Vec<&TeamDay> = team.days.iter().filter(|day| day.available >= floor).collect();
        let days: Vec<i64> = staffed.iter().map(|day| day.day).collect();
        let coverage = team.coverage.get(&spec.slug);
        let marked = team.marked.get(&spec.slug);
        let counted = |day: i64| {
            coverage.is_some_and(|coverage| (coverage.from..=coverage.to).contains(&day))
                && !marked.is_some_and(|days| days.contains(&day))
        };
        let mut rows: Vec<Option<Vec<&EvidenceRow>>> = days.iter().map(|day| counted(*day).then(Vec::new)).collect();
        for row in team.evidence.get(&spec.slug).into_iter().flatten() {
            let slot = days.binary_search(&row.day).ok().and_then(|at| rows.get_mut(at));
            if let Some(Some(slot)) = slot {
                slot.push(row);
            }
        }
        let rows = rows.into_iter().map(|rows| rows.map(Rc::from)).collect();
        let mut track = Self { spec, days, rows, weeks: BTreeMap::new(), fortnights: BTreeMap::new() };
        track.weeks = track.count_weeks(&staffed);
        if spec.by_sprint && team.two_week_sprints {
            track.fortnights = track.count_fortnights();
        }
        track
    }

    /// Whether the team never has enough people for this signal.
    pub fn is_unstaffed(&self) -> bool {
        self.days.is_empty()
    }

    /// The window of `length` working days that ends on or before `night`; `None` where there are too few days, or
    /// too few of them were read completely (8 of 10, 4 of 5).
    pub fn window(&self, night: i64, length: usize) -> Option<Window<'a>> {
        let end = self.days.partition_point(|day| *day <= night);
        let start = end.checked_sub(length)?;
        let rows: Vec<Rc<[&EvidenceRow]>> = self.rows[start..end].iter().flatten().cloned().collect();
        if rows.len() * 5 < length * 4 {
            return None;
        }
        let cap = self.spec.cap.map(|(long, short)| if length == 10 { long } else { short });
        Some(Window { from: self.days[start], to: self.days[end - 1], rows, cap, spec: self.spec })
    }

    /// The window of the same days of the week a year before; `None` where there are no such days.
    pub fn a_year_before(&self, night: i64) -> Option<Window<'a>> {
        self.window(night - YEAR, 10).filter(|window| window.to > night - YEAR - WEEK)
    }

    /// The weeks of the baseline of a night, oldest first: Monday and, where it is usable, the week.
    fn weeks(&self, night: i64) -> Vec<(i64, Option<&Week>)> {
        let monday = day_number(week_of(date_of(night)));
        let weeks = (NEWEST_WEEK..=OLDEST_WEEK).rev().map(|back| monday - WEEK * back);
        weeks.map(|week| (week, self.weeks.get(&week).and_then(Option::as_ref))).collect()
    }

    /// The fortnights of the baseline of a night, oldest first, by the Monday of the newer week; `None` where the
    /// past is read in weeks, or too short for fortnights.
    fn fortnights(&self, night: i64) -> Option<Vec<(i64, Option<&Week>)>> {
        let monday = day_number(week_of(date_of(night)));
        let newer = (0..PAST_WEEKS / 2).rev().map(|back| monday - WEEK * (NEWEST_WEEK + 2 * back));
        let periods: Vec<(i64, Option<&Week>)> = newer.map(|week| (week, self.fortnights.get(&week))).collect();
        let usable = periods.iter().filter(|(_, period)| period.is_some_and(|period| self.is_enough(period)));
        (usable.count() >= FEWEST_WEEKS).then_some(periods)
    }

    fn is_enough(&self, period: &Week) -> bool {
        period.pair.n >= self.spec.kind.fewest()
    }

    /// The series of a night; counts without a window are zero of zero, which is never enough to say anything.
    pub fn series(&self, night: i64, w10: Option<Pair>, w5: Option<Pair>) -> Series {
        let fortnights = self.fortnights(night);
        let by_fortnight = fortnights.is_some();
        let periods = fortnights.unwrap_or_else(|| self.weeks(night));
        let weeks: Vec<Option<Pair>> = periods.into_iter().map(|(_, week)| week.map(|week| week.pair)).collect();
        let seen: i64 = weeks.iter().flatten().map(|pair| pair.x).sum();
        Series {
            kind: self.spec.kind,
            side: self.spec.side,
            stock: self.spec.form == Form::Stock,
            by_fortnight,
            // No window is large enough beside a baseline in which next to nothing happened.
            minimum: if seen < self.spec.baseline_minimum { f64::INFINITY } else { self.spec.minimum },
            weeks,
            w10: w10.unwrap_or_default(),
            w5: w5.unwrap_or_default(),
        }
    }

    /// The periods with enough in them.
    fn usable<'b>(&self, periods: Vec<(i64, Option<&'b Week>)>) -> Vec<(i64, &'b Week)> {
        let known = periods.into_iter().filter_map(|(monday, week)| Some((monday, week?)));
        known.filter(|(_, week)| self.is_enough(week)).collect()
    }

    /// The points that are drawn: past fortnights as the method takes them, oldest first, then the present window.
    pub fn points(&self, night: i64) -> Vec<Point> {
        let mut points: Vec<Point> = match self.fortnights(night) {
            Some(periods) => self
                .usable(periods)
                .iter()
                .map(|(newer, period)| drawn((newer - WEEK, newer + 6), period.pair, period.people.len()))
                .collect(),
            None => {
                self.usable(self.weeks(night)).rchunks_exact(2).rev().map(|pair| paired(pair[0], pair[1])).collect()
            }
        };
        points.extend(self.window(night, 10).map(|window| window.point()));
        points
    }

    fn count_fortnights(&self) -> BTreeMap<i64, Week> {
        let usable = |monday: i64| self.weeks.get(&monday).is_some_and(Option::is_some);
        let both = self.weeks.keys().filter(|newer| usable(**newer) && usable(**newer - WEEK));
        let count = |newer: &i64| {
            let first = self.days.partition_point(|day| *day < newer - WEEK);
            let end = self.days.partition_point(|day| *day < newer + WEEK);
            let cap = self.spec.cap.map(|(long, _)| long);
            (*newer, self.count_days(self.rows[first..end].iter(), cap))
        };
        both.map(count).collect()
    }

    fn count_weeks(&self, staffed: &[&TeamDay]) -> BTreeMap<i64, Option<Week>> {
        let mut weeks: BTreeMap<i64, (Vec<usize>, i64)> = BTreeMap::new();
        for (at, day) in staffed.iter().enumerate() {
            let week = weeks.entry(day_number(week_of(date_of(day.day)))).or_default();
            week.0.push(at);
            week.1 += day.available;
        }
        let staffing: Vec<(i64, i64)> = weeks.iter().map(|(monday, (_, available))| (*monday, *available)).collect();
        weeks
            .iter()
            .map(|(monday, (positions, available))| {
                let read = positions.iter().filter(|at| self.rows[**at].is_some()).count();
                let usable = read * 5 >= positions.len() * 4 && 2 * available >= median_staffing(&staffing, *monday);
                (*monday, usable.then(|| self.count_week(positions)))
            })
            .collect()
    }

    fn count_week(&self, positions: &[usize]) -> Week {
        self.count_days(positions.iter().map(|at| &self.rows[*at]), self.spec.cap.map(|(_, week)| week))
    }

    fn count_days<'b>(&self, days: impl Iterator<Item = &'b Day<'a>>, cap: Option<i64>) -> Week
    where
        'a: 'b,
    {
        let window = Window { from: 0, to: 0, rows: days.flatten().cloned().collect(), cap, spec: self.spec };
        Week { pair: window.pair(), people: window.people() }
    }
}

/// The exact series of a signal on the last night before the day `today`: what range and score are computed from.
/// `None` before the first night.
#[must_use]
pub fn exact(team: &TeamInput, spec: &SignalSpec, settings: &Settings, today: i64) -> Option<Series> {
    let night = team.days.iter().map(|day| day.day).rfind(|day| *day < today)?;
    let track = Track::new(team, spec, settings);
    let pair = |length| track.window(night, length).map(|window| window.pair());
    Some(track.series(night, pair(10), pair(5)))
}

/// The median staffing of the 26 weeks up to a week.
fn median_staffing(staffing: &[(i64, i64)], monday: i64) -> i64 {
    let recent = staffing.iter().filter(|(week, _)| *week <= monday && *week > monday - 7 * 26);
    let mut values: Vec<i64> = recent.map(|(_, available)| *available).collect();
    lower_median(&mut values)
}

fn lower_median(values: &mut [i64]) -> i64 {
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

fn paired((monday, older): (i64, &Week), (last, newer): (i64, &Week)) -> Point {
    let pair = Pair::new(older.pair.x + newer.pair.x, older.pair.n + newer.pair.n);
    drawn((monday, last + 6), pair, older.people.union(&newer.people).count())
}

/// A point as it may be shown: "few" where fewer than three people, or fewer than three events, stand behind it.
fn drawn((from, to): (i64, i64), pair: Pair, people: usize) -> Point {
    let few = people < FEWEST_PEOPLE || pair.x < FEW;
    Point { from, to, x: (!few).then_some(pair.x), n: pair.n }
}

impl Window<'_> {
    /// The window as it may be shown.
    pub fn point(&self) -> Point {
        drawn((self.from, self.to), self.pair(), self.people().len())
    }

    /// x of n of the whole window.
    pub fn pair(&self) -> Pair {
        self.count(|_| true)
    }

    /// x of n without one person's rows.
    pub fn without(&self, person: Option<i64>) -> Pair {
        self.count(|row| row.person != person)
    }

    /// The people behind x.
    pub fn people(&self) -> BTreeSet<Option<i64>> {
        self.all().filter(|row| row.x > 0).map(|row| row.person).collect()
    }

    fn all(&self) -> impl Iterator<Item = &EvidenceRow> {
        self.rows.iter().flat_map(|day| day.iter().copied())
    }

    /// Everybody with a row: whose removal is tried out.
    pub fn everybody(&self) -> BTreeSet<Option<i64>> {
        self.all().map(|row| row.person).collect()
    }

    /// People whose x lies below what p would give for their own exposure: the numerator of a low-side signal.
    pub fn people_below(&self, p: f64) -> usize {
        let mut own: BTreeMap<Option<i64>, Pair> = BTreeMap::new();
        for row in self.all() {
            let pair = own.entry(row.person).or_default();
            pair.x += row.x;
            pair.n += row.n;
        }
        let below = |pair: &&Pair| super::usual_range::as_f64(pair.x) < p * super::usual_range::as_f64(pair.n);
        own.values().filter(below).count()
    }

    /// The items behind x, each once.
    pub fn items(&self) -> Vec<Arc<str>> {
        let days = match self.spec.form {
            Form::Flow => self.rows.as_slice(),
            // Of a stock, only what still exists can be talked about.
            Form::Stock => &self.rows[self.rows.len().saturating_sub(1)..],
        };
        let rows = days.iter().flat_map(|day| day.iter()).filter(|row| row.x > 0);
        let items: BTreeSet<Arc<str>> = rows.filter_map(|row| row.item.clone()).collect();
        items.into_iter().collect()
    }

    fn count(&self, wanted: impl Fn(&EvidenceRow) -> bool) -> Pair {
        let days = self.rows.iter().map(|day| day.iter().copied().filter(|row| wanted(row)));
        match self.spec.form {
            Form::Stock => {
                let sums = days.map(|day| day.fold((0, 0), |(x, n), row| (x + row.x, n + row.n)));
                let (mut x, mut n): (Vec<i64>, Vec<i64>) = sums.unzip();
                Pair::new(lower_median(&mut x), lower_median(&mut n))
            }
            Form::Flow if self.spec.once_per_item => once_per_item(days.flatten()),
            Form::Flow => summed(days.flatten(), self.cap),
        }
    }
}

fn once_per_item<'a>(rows: impl Iterator<Item = &'a EvidenceRow>) -> Pair {
    let mut items: BTreeMap<Option<&Arc<str>>, (i64, i64)> = BTreeMap::new();
    for row in rows {
        let item = items.entry(row.item.as_ref()).or_default();
        item.0 = item.0.max(row.x);
        item.1 = item.1.max(row.n);
    }
    items.values().fold(Pair::default(), |sum, (x, n)| Pair::new(sum.x + x, sum.n + n))
}

fn summed<'a>(rows: impl Iterator<Item = &'a EvidenceRow>, cap: Option<i64>) -> Pair {
    let Some(cap) = cap else { return rows.fold(Pair::default(), |sum, row| Pair::new(sum.x + row.x, sum.n + row.n)) };
    let mut by_person: BTreeMap<Option<i64>, i64> = BTreeMap::new();
    let mut n = 0;
    for row in rows {
        *by_person.entry(row.person).or_default() += row.x;
        n += row.n;
    }
    Pair::new(by_person.values().map(|x| (*x).min(cap)).sum(), n)
}
