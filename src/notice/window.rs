//! What a window or a period of the past counts: x of n, the people behind it, and its items.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use super::series::{EvidenceRow, FEWEST_PEOPLE, Form, Point, SignalSpec, lower_median};
use super::usual_range::{Pair, as_f64};

/// Counts below this read "few", whoever stands behind them.
pub(super) const FEW: i64 = 3;

/// A usable period of the past: its count, and the people behind x.
#[derive(Clone, Debug)]
pub(super) struct Week {
    pub pair: Pair,
    pub people: BTreeSet<Option<i64>>,
}

/// The days of a signal that are looked at together.
#[derive(Clone)]
pub(super) struct Window<'a> {
    pub from: i64,
    pub to: i64,
    rows: Vec<Rc<[&'a EvidenceRow]>>,
    cap: Option<i64>,
    spec: &'a SignalSpec,
}

/// A point as it may be shown: "few" where fewer than three people, or fewer than three events, stand behind it.
pub(super) fn drawn((from, to): (i64, i64), pair: Pair, people: usize) -> Point {
    let few = people < FEWEST_PEOPLE || pair.x < FEW;
    Point { from, to, x: (!few).then_some(pair.x), n: pair.n }
}

impl<'a> Window<'a> {
    /// The rows of some days, from the first day to the last; `cap` bounds what one person adds to x.
    pub fn new(
        spec: &'a SignalSpec,
        (from, to): (i64, i64),
        rows: Vec<Rc<[&'a EvidenceRow]>>,
        cap: Option<i64>,
    ) -> Self {
        Self { from, to, rows, cap, spec }
    }

    /// The window as a period of the past.
    pub fn week(&self) -> Week {
        Week { pair: self.pair(), people: self.people() }
    }
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
        let below = |pair: &&Pair| as_f64(pair.x) < p * as_f64(pair.n);
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
