//! Weeks and windows out of evidence: what is counted on which days, for one team and one signal.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::memory::Thresholds;
use super::periods::Periods;
use super::rounds::{Days, Round};
use super::usual_range::{Kind, Pair, Series, Side};
use super::window::{Week, Window, drawn};
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
    /// It has a row for each person and day. Not everybody need be in it (a calendar that could not be read, a turn on
    /// call, an unknown zone): a day counts where as many people as the floor asks for are.
    pub by_person_day: bool,
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
    /// In which periods its past is read.
    pub periods: Periods,
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

/// A week of a signal as it was counted once and for all: what is left of it when who did something is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub x: i64,
    pub n: i64,
    /// How many people stand behind x.
    pub people: i64,
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
    /// Signals that are switched off, or not on.
    pub off: BTreeSet<String>,
    /// Signals that the team itself switched off: nobody is told whether it was that, or a floor.
    pub vetoed: BTreeSet<String>,
    /// Days of known events that a signal leaves out, by signal.
    pub marked: BTreeMap<String, BTreeSet<i64>>,
    /// The team works in sprints of two weeks.
    pub two_week_sprints: bool,
    /// Weeks that were counted in their own time, by signal and Monday; they stand instead of what their rows come to.
    pub kept: BTreeMap<String, BTreeMap<i64, Kept>>,
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

/// A period of the past by its first and last day; `None` where it is not usable.
type Past<'b> = ((i64, i64), Option<&'b Week>);

/// What counts on one day; `None` for days that give neither x nor n.
pub(super) type Day<'a> = Option<Rc<[&'a EvidenceRow]>>;

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
    /// The looks of a signal that is looked at seldom, in order of their nights; empty for one of every night.
    rounds: Vec<Round<'a>>,
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
        if spec.by_person_day {
            for day in &mut rows {
                *day = day.take().filter(|rows| people_counted(rows) >= floor);
            }
        }
        let rows: Vec<Day<'a>> = rows.into_iter().map(|rows| rows.map(Rc::from)).collect();
        let all = Days { spec, days: &days, rows: &rows, floor };
        let rounds = match spec.periods {
            Periods::Weeks | Periods::Fortnights => Vec::new(),
            Periods::Sprints => all.sprints(),
            Periods::FourWeeks => all.quarters(),
        };
        let mut track = Self { spec, days, rows, weeks: BTreeMap::new(), fortnights: BTreeMap::new(), rounds };
        if track.is_nightly() {
            track.weeks = track.count_weeks(&staffed);
            let kept = team.kept.get(&spec.slug).into_iter().flatten();
            track.weeks.extend(kept.map(|(monday, week)| (*monday, Some(week.as_week()))));
        }
        if spec.by_sprint && team.two_week_sprints && team.kept.is_empty() {
            track.fortnights = track.count_fortnights();
        }
        track
    }

    /// Whether it is looked at every night.
    fn is_nightly(&self) -> bool {
        matches!(self.spec.periods, Periods::Weeks | Periods::Fortnights)
    }

    /// The look whose figures stand on a night.
    fn round(&self, night: i64) -> Option<&Round<'a>> {
        self.rounds[..self.rounds.partition_point(|round| round.night <= night)].last()
    }

    /// Whether a card may open on this night: a signal that is looked at seldom is tested once a look.
    pub fn is_tested(&self, night: i64) -> bool {
        self.is_nightly() || self.round(night).is_some_and(|round| round.night == night)
    }

    /// The long and the short window of a night; a signal that is looked at seldom has the long one alone.
    pub fn windows(&self, night: i64) -> (Option<Window<'a>>, Option<Window<'a>>) {
        if self.is_nightly() {
            return (self.window(night, 10), self.window(night, 5));
        }
        (self.round(night).and_then(|round| round.window.clone()), None)
    }

    /// Whether the team never has enough people for this signal.
    pub fn is_unstaffed(&self) -> bool {
        self.days.is_empty() || self.spec.by_person_day && self.rows.iter().all(Option::is_none)
    }

    /// The window of `length` working days that ends on or before `night`; `None` where there are too few days, or
    /// too few of them were read completely (8 of 10, 4 of 5).
    fn window(&self, night: i64, length: usize) -> Option<Window<'a>> {
        let end = self.days.partition_point(|day| *day <= night);
        let start = end.checked_sub(length)?;
        let rows: Vec<Rc<[&EvidenceRow]>> = self.rows[start..end].iter().flatten().cloned().collect();
        if rows.len() * 5 < length * 4 {
            return None;
        }
        let cap = self.spec.cap.map(|(long, short)| if length == 10 { long } else { short });
        Some(Window::new(self.spec, (self.days[start], self.days[end - 1]), rows, cap))
    }

    /// The window of the same days of the week a year before; `None` where there are no such days.
    pub fn a_year_before(&self, night: i64) -> Option<Window<'a>> {
        self.window(night - YEAR, 10).filter(|_| self.is_nightly()).filter(|window| window.to > night - YEAR - WEEK)
    }

    /// The periods of the baseline of a night, oldest first.
    fn past(&self, night: i64) -> (Periods, Vec<Past<'_>>) {
        if !self.is_nightly() {
            let past = self.round(night).map_or(&[][..], |round| &round.past);
            let past = &past[past.len().saturating_sub(self.spec.periods.most())..];
            return (self.spec.periods, past.iter().map(|(span, week)| (*span, week.as_ref())).collect());
        }
        match self.past_fortnights(night) {
            Some(periods) => (Periods::Fortnights, periods),
            None => (Periods::Weeks, self.past_weeks(night)),
        }
    }

    fn past_weeks(&self, night: i64) -> Vec<Past<'_>> {
        let monday = day_number(week_of(date_of(night)));
        let weeks = (NEWEST_WEEK..=OLDEST_WEEK).rev().map(|back| monday - WEEK * back);
        weeks.map(|week| ((week, week + 6), self.weeks.get(&week).and_then(Option::as_ref))).collect()
    }

    /// The past in fortnights; `None` where it is read in weeks, or too short for fortnights.
    fn past_fortnights(&self, night: i64) -> Option<Vec<Past<'_>>> {
        let monday = day_number(week_of(date_of(night)));
        let newer = (0..PAST_WEEKS / 2).rev().map(|back| monday - WEEK * (NEWEST_WEEK + 2 * back));
        let periods: Vec<Past<'_>> = newer.map(|week| ((week - WEEK, week + 6), self.fortnights.get(&week))).collect();
        (self.usable(&periods).len() >= Periods::Fortnights.fewest()).then_some(periods)
    }

    /// The series of a night; counts without a window are zero of zero, which is never enough to say anything.
    pub fn series(&self, night: i64, w10: Option<Pair>, w5: Option<Pair>) -> Series {
        let (periods, past) = self.past(night);
        let weeks: Vec<Option<Pair>> = past.into_iter().map(|(_, week)| week.map(|week| week.pair)).collect();
        let seen: i64 = weeks.iter().flatten().map(|pair| pair.x).sum();
        Series {
            kind: self.spec.kind,
            side: self.spec.side,
            stock: self.spec.form == Form::Stock,
            periods,
            // No window is large enough beside a baseline in which next to nothing happened.
            minimum: if seen < self.spec.baseline_minimum { f64::INFINITY } else { self.spec.minimum },
            weeks,
            w10: w10.unwrap_or_default(),
            w5: w5.unwrap_or_default(),
        }
    }

    /// The periods with enough in them.
    fn usable<'b>(&self, periods: &[Past<'b>]) -> Vec<((i64, i64), &'b Week)> {
        let known = periods.iter().filter_map(|(span, week)| Some((*span, (*week)?)));
        known.filter(|(_, week)| week.pair.n >= self.spec.kind.fewest()).collect()
    }

    /// The points that are drawn: past stretches as the method takes them, oldest first, then the present window.
    pub fn points(&self, night: i64) -> Vec<Point> {
        let (periods, past) = self.past(night);
        let usable = self.usable(&past);
        let mut points: Vec<Point> = usable.rchunks_exact(periods.together()).rev().filter_map(together).collect();
        points.extend(self.windows(night).0.map(|window| window.point()));
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
        Window::new(self.spec, (0, 0), days.flatten().cloned().collect(), cap).week()
    }
}

/// The usable weeks of a team's signals that are over by the day `today`, to be kept.
#[must_use]
pub fn weeks(
    team: &TeamInput,
    specs: &[SignalSpec],
    settings: &Settings,
    today: i64,
) -> BTreeMap<String, BTreeMap<i64, Kept>> {
    let count = |people: usize| i64::try_from(people).unwrap_or(i64::MAX);
    let of = |spec: &SignalSpec| {
        let track = Track::new(team, spec, settings);
        let over = track.weeks.iter().filter(|(monday, _)| **monday + WEEK <= today);
        let usable = over.filter_map(|(monday, week)| Some((*monday, week.as_ref()?)));
        let kept = |week: &Week| Kept { x: week.pair.x, n: week.pair.n, people: count(week.people.len()) };
        (spec.slug.clone(), usable.map(|(monday, week)| (monday, kept(week))).collect())
    };
    specs.iter().map(of).collect()
}

impl Kept {
    /// The week as a period of the past. Who stood behind it is not kept: of two weeks side by side the larger number
    /// of people counts, which is never too many.
    fn as_week(self) -> Week {
        let people = (0..self.people).map(Some).collect();
        Week { pair: Pair::new(self.x, self.n), people }
    }
}

/// The exact series of a signal on the last night before the day `today`: what range and score are computed from.
/// `None` before the first night.
#[must_use]
pub fn exact(team: &TeamInput, spec: &SignalSpec, settings: &Settings, today: i64) -> Option<Series> {
    let night = team.days.iter().map(|day| day.day).rfind(|day| *day < today)?;
    let track = Track::new(team, spec, settings);
    let (long, short) = track.windows(night);
    Some(track.series(night, long.map(|window| window.pair()), short.map(|window| window.pair())))
}

/// How many people have opportunities among some rows.
pub(super) fn people_counted<'a>(rows: impl IntoIterator<Item = &'a &'a EvidenceRow>) -> i64 {
    let people: BTreeSet<Option<i64>> = rows.into_iter().filter(|row| row.n > 0).map(|row| row.person).collect();
    i64::try_from(people.len()).unwrap_or(i64::MAX)
}

/// The median staffing of the 26 weeks up to a week.
fn median_staffing(staffing: &[(i64, i64)], monday: i64) -> i64 {
    let recent = staffing.iter().filter(|(week, _)| *week <= monday && *week > monday - 7 * 26);
    let mut values: Vec<i64> = recent.map(|(_, available)| *available).collect();
    lower_median(&mut values)
}

pub(super) fn lower_median(values: &mut [i64]) -> i64 {
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

/// Periods side by side as one point.
fn together(periods: &[((i64, i64), &Week)]) -> Option<Point> {
    let (((from, _), _), ((_, to), _)) = (periods.first()?, periods.last()?);
    let sum = |sum: Pair, (_, week): &(_, &Week)| Pair::new(sum.x + week.pair.x, sum.n + week.pair.n);
    let people: BTreeSet<Option<i64>> = periods.iter().flat_map(|(_, week)| week.people.iter().copied()).collect();
    Some(drawn((*from, *to), periods.iter().fold(Pair::default(), sum), people.len()))
}
