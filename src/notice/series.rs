//! Weeks and windows out of evidence: what is counted on which days, for one team and one signal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::usual_range::{Kind, Pair, Series, Side};
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
}

/// What can be set about the method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Raises every floor to at least this.
    pub smallest_group: i64,
    pub signal_threshold: f64,
    pub joint_threshold: f64,
    /// How many past working days are evaluated in order.
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

/// A usable week: its count, and the people behind x.
struct Week {
    pair: Pair,
    people: BTreeSet<Option<i64>>,
}

/// One signal of one team: its rows by working day, and its weeks.
pub(super) struct Track<'a> {
    pub spec: &'a SignalSpec,
    /// The team's working days that hold the floor.
    days: Vec<i64>,
    /// Rows by position in `days`; `None` for days that give neither x nor n.
    rows: Vec<Option<Vec<&'a EvidenceRow>>>,
    /// `None` where a week is not usable.
    weeks: BTreeMap<i64, Option<Week>>,
}

/// The 10-day or 5-day window of a track that ends on a night.
pub(super) struct Window<'a> {
    pub from: i64,
    pub to: i64,
    rows: Vec<Vec<&'a EvidenceRow>>,
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
        let mut track = Self { spec, days, rows, weeks: BTreeMap::new() };
        track.weeks = track.count_weeks(&staffed);
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
        let rows: Vec<Vec<&EvidenceRow>> = self.rows[start..end].iter().flatten().cloned().collect();
        if rows.len() * 5 < length * 4 {
            return None;
        }
        let cap = self.spec.cap.map(|(long, short)| if length == 10 { long } else { short });
        Some(Window { from: self.days[start], to: self.days[end - 1], rows, cap, spec: self.spec })
    }

    /// The usable weeks of the baseline of a night: Monday, count, and the people behind x.
    fn baseline(&self, night: i64) -> Vec<(i64, Option<&Week>)> {
        let monday = day_number(week_of(date_of(night)));
        let weeks = (3..=28).rev().map(|back| monday - 7 * back);
        weeks.map(|week| (week, self.weeks.get(&week).and_then(Option::as_ref))).collect()
    }

    /// The series of a night; counts without a window are zero of zero, which is never enough to say anything.
    pub fn series(&self, night: i64, w10: Option<Pair>, w5: Option<Pair>) -> Series {
        Series {
            kind: self.spec.kind,
            side: self.spec.side,
            stock: self.spec.form == Form::Stock,
            minimum: self.spec.minimum,
            weeks: self.baseline(night).into_iter().map(|(_, week)| week.map(|week| week.pair)).collect(),
            w10: w10.unwrap_or_default(),
            w5: w5.unwrap_or_default(),
        }
    }

    /// The points that are drawn: past fortnights as the method pairs them, oldest first, then the present window.
    pub fn points(&self, night: i64) -> Vec<Point> {
        let fewest = if self.spec.kind == Kind::Share { 5 } else { 8 };
        let usable: Vec<(i64, &Week)> = self
            .baseline(night)
            .into_iter()
            .filter_map(|(monday, week)| Some((monday, week?)))
            .filter(|(_, week)| week.pair.n >= fewest)
            .collect();
        let mut points: Vec<Point> = usable.rchunks_exact(2).rev().map(|pair| fortnight(pair[0], pair[1])).collect();
        if let Some(window) = self.window(night, 10) {
            let pair = window.pair();
            let few = window.people().len() < FEWEST_PEOPLE || pair.x < FEW;
            points.push(Point { from: window.from, to: window.to, x: (!few).then_some(pair.x), n: pair.n });
        }
        points
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
        let rows: Vec<Vec<&EvidenceRow>> = positions.iter().filter_map(|at| self.rows[*at].clone()).collect();
        let cap = self.spec.cap.map(|(_, week)| week);
        let window = Window { from: 0, to: 0, rows, cap, spec: self.spec };
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

fn fortnight((monday, older): (i64, &Week), (last, newer): (i64, &Week)) -> Point {
    let people = older.people.union(&newer.people).count();
    let x = older.pair.x + newer.pair.x;
    let few = people < FEWEST_PEOPLE || x < FEW;
    Point { from: monday, to: last + 6, x: (!few).then_some(x), n: older.pair.n + newer.pair.n }
}

impl Window<'_> {
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
        self.rows.iter().flatten().filter(|row| row.x > 0).map(|row| row.person).collect()
    }

    /// Everybody with a row: whose removal is tried out.
    pub fn everybody(&self) -> BTreeSet<Option<i64>> {
        self.rows.iter().flatten().map(|row| row.person).collect()
    }

    /// People whose x lies below what p would give for their own exposure: the numerator of a low-side signal.
    pub fn people_below(&self, p: f64) -> usize {
        let mut own: BTreeMap<Option<i64>, Pair> = BTreeMap::new();
        for row in self.rows.iter().flatten() {
            let pair = own.entry(row.person).or_default();
            pair.x += row.x;
            pair.n += row.n;
        }
        own.values().filter(|pair| super::usual_range::as_f64(pair.x) < p * super::usual_range::as_f64(pair.n)).count()
    }

    /// The items behind x, each once.
    pub fn items(&self) -> Vec<Arc<str>> {
        let rows: Vec<&&EvidenceRow> = match self.spec.form {
            Form::Flow => self.rows.iter().flatten().collect(),
            // Of a stock, only what still exists can be talked about.
            Form::Stock => self.rows.last().into_iter().flatten().collect(),
        };
        let items: BTreeSet<Arc<str>> =
            rows.iter().filter(|row| row.x > 0).filter_map(|row| row.item.clone()).collect();
        items.into_iter().collect()
    }

    fn count(&self, wanted: impl Fn(&EvidenceRow) -> bool) -> Pair {
        let days: Vec<Vec<&EvidenceRow>> =
            self.rows.iter().map(|day| day.iter().copied().filter(|row| wanted(row)).collect()).collect();
        match self.spec.form {
            Form::Stock => {
                let mut x: Vec<i64> = days.iter().map(|day| day.iter().map(|row| row.x).sum()).collect();
                let mut n: Vec<i64> = days.iter().map(|day| day.iter().map(|row| row.n).sum()).collect();
                Pair::new(lower_median(&mut x), lower_median(&mut n))
            }
            Form::Flow if self.spec.once_per_item => once_per_item(&days),
            Form::Flow => summed(&days, self.cap),
        }
    }
}

fn once_per_item(days: &[Vec<&EvidenceRow>]) -> Pair {
    let mut items: BTreeMap<Option<&Arc<str>>, (i64, i64)> = BTreeMap::new();
    for row in days.iter().flatten() {
        let item = items.entry(row.item.as_ref()).or_default();
        item.0 = item.0.max(row.x);
        item.1 = item.1.max(row.n);
    }
    items.values().fold(Pair::default(), |sum, (x, n)| Pair::new(sum.x + x, sum.n + n))
}

fn summed(days: &[Vec<&EvidenceRow>], cap: Option<i64>) -> Pair {
    let mut by_person: BTreeMap<Option<i64>, i64> = BTreeMap::new();
    let mut n = 0;
    for row in days.iter().flatten() {
        *by_person.entry(row.person).or_default() += row.x;
        n += row.n;
    }
    Pair::new(by_person.values().map(|x| cap.map_or(*x, |cap| (*x).min(cap))).sum(), n)
}
