//! What is looked at seldom: the plan of a sprint on its first night, and twelve weeks on the first night of a quarter.

use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::civil::Date;

use super::series::{Day, EvidenceRow, SignalSpec, people_counted};
use super::window::{Week, Window};
use crate::model::time::{date_of, day_number, week_of};

/// What the evidence of sprints calls its two sides, before the sprint's name: the one case in which `item` names no
/// work item. A plan stands on the first day of its sprint, a result on the last.
const PLAN: &str = "plan ";
const RESULT: &str = "result ";
/// Days of a period of four weeks.
const FOUR_WEEKS: i64 = 28;
/// Such periods of the present, and of the past.
const PRESENT: i64 = 3;
const PAST: i64 = 20;

/// One look: its figures stand until the next.
pub(super) struct Round<'a> {
    /// The night on which it is tested.
    pub night: i64,
    pub window: Option<Window<'a>>,
    /// First and last day of each period of the past, oldest first, and what it counts where it is usable.
    pub past: Vec<((i64, i64), Option<Week>)>,
}

/// The rows of a signal on some days.
#[derive(Clone, Copy)]
pub(super) struct Days<'a, 'b> {
    pub spec: &'a SignalSpec,
    pub days: &'b [i64],
    /// By position in `days`.
    pub rows: &'b [Day<'a>],
    /// The fewest people of a stretch.
    pub floor: i64,
}

impl<'a> Days<'a, '_> {
    /// One round a quarter: the twelve whole weeks before it, and up to twenty periods of four weeks before these.
    pub fn quarters(self) -> Vec<Round<'a>> {
        let mut first_nights: BTreeMap<i64, i64> = BTreeMap::new();
        for day in self.days {
            first_nights.entry(quarter_of(*day)).or_insert(*day);
        }
        let round = |(quarter, night): (i64, i64)| {
            let monday = day_number(week_of(date_of(quarter)));
            let past = (PRESENT..PRESENT + PAST).rev().map(|back| {
                let from = monday - FOUR_WEEKS * (back + 1);
                ((from, from + FOUR_WEEKS - 1), self.stretch(from, from + FOUR_WEEKS).map(|window| window.week()))
            });
            Round { night, window: self.stretch(monday - FOUR_WEEKS * PRESENT, monday), past: past.collect() }
        };
        first_nights.into_iter().map(round).collect()
    }

    /// The days from one to before another; `None` where four in five of them were not read completely, or too few
    /// people stand in the count. Staffing is no condition here: absence itself is counted.
    fn stretch(self, from: i64, until: i64) -> Option<Window<'a>> {
        let (first, end) =
            (self.days.partition_point(|day| *day < from), self.days.partition_point(|day| *day < until));
        let read: Vec<Rc<[&EvidenceRow]>> = self.rows[first..end].iter().flatten().cloned().collect();
        let enough = end > first && read.len() * 5 >= (end - first) * 4;
        let enough = enough && people_counted(read.iter().flat_map(|day| day.iter())) >= self.floor;
        enough.then(|| Window::new(self.spec, (from, until - 1), read, None))
    }

    /// One round a sprint: its plan, and the results of the sprints that were over on its first day.
    pub fn sprints(self) -> Vec<Round<'a>> {
        let plans = self.named(PLAN);
        let results = self.named(RESULT);
        let began = |name: &str| plans.get(name).map(|(day, _)| *day);
        let mut rounds: Vec<Round<'a>> = plans
            .iter()
            .map(|(name, (night, rows))| {
                let over = results.iter().filter(|(other, (end, _))| *other != name && end <= night);
                let mut past: Vec<((i64, i64), Option<Week>)> = over
                    .map(|(other, (end, rows))| {
                        let span = (began(other).unwrap_or(*end), *end);
                        (span, Some(Window::new(self.spec, span, vec![rows.clone()], None).week()))
                    })
                    .collect();
                past.sort_by_key(|((from, to), _)| (*to, *from));
                let window = Window::new(self.spec, (*night, *night), vec![rows.clone()], None);
                Round { night: *night, window: Some(window), past }
            })
            .collect();
        rounds.sort_by_key(|round| round.night);
        rounds
    }

    /// The rows of one side by the sprint's name, with their day.
    fn named(self, side: &str) -> BTreeMap<&'a str, (i64, Rc<[&'a EvidenceRow]>)> {
        let mut named: BTreeMap<&str, (i64, Vec<&EvidenceRow>)> = BTreeMap::new();
        for (day, rows) in self.days.iter().zip(self.rows) {
            for row in rows.iter().flat_map(|rows| rows.iter().copied()) {
                if let Some(name) = row.item.as_deref().and_then(|item| item.strip_prefix(side)) {
                    named.entry(name).or_insert((*day, Vec::new())).1.push(row);
                }
            }
        }
        named.into_iter().map(|(name, (day, rows))| (name, (day, Rc::from(rows)))).collect()
    }
}

/// The first day of a day's quarter.
fn quarter_of(day: i64) -> i64 {
    let date = date_of(day);
    let month = date.month() - (date.month() - 1) % 3;
    Date::new(date.year(), month, 1).map_or(day, day_number)
}
