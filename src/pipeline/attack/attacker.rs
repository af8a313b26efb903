//! The attacker: has every published figure, knows the rosters, who was at work on which day and how figures are rounded,
//! and solves for one person or a few.
//!
//! Two attacks. *Differences*: does one figure, or the difference of two, concern fewer people than the floor? *Bounds*:
//! by linear programming, between which counts must a person's own count of some days lie, given all figures together?

use std::collections::{BTreeMap, BTreeSet};

use microlp::{ComparisonOp, LinearExpr, OptimizationDirection, Problem};

/// One person on one day (a day number).
pub type Cell = (usize, i64);

/// A published sum: the cells that it adds up, each of which counts at most once, and between which values it lies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sum {
    pub about: String,
    pub cells: BTreeSet<Cell>,
    pub low: i64,
    pub high: i64,
    /// The figure is told as a number, so that three people at least stand behind it.
    pub told: bool,
}

/// People behind a number that is told.
const BEHIND: i64 = 3;
/// What a person counts must stay undetermined at least so far.
pub const WIDTH: i64 = 3;

fn people<'a>(cells: impl Iterator<Item = &'a Cell>) -> usize {
    cells.map(|(person, _)| *person).collect::<BTreeSet<_>>().len()
}

/// The figures, days of a figure, and differences of two figures that concern somebody and fewer people than `floor`.
/// Days, since windows move by one of them.
pub fn differences(sums: &[Sum], floor: usize) -> BTreeSet<String> {
    let few = |cells: &BTreeSet<Cell>| (1..floor).contains(&people(cells.iter()));
    let mut found: BTreeSet<String> =
        sums.iter().filter(|sum| few(&sum.cells)).map(|sum| format!("{} alone", sum.about)).collect();
    for sum in sums {
        let mut days: BTreeMap<i64, usize> = BTreeMap::new();
        sum.cells.iter().for_each(|(_, day)| *days.entry(*day).or_default() += 1);
        let thin = days.iter().filter(|(_, people)| **people < floor);
        found.extend(thin.map(|(day, _)| format!("{} on day {day}", sum.about)));
    }
    let distinct: BTreeMap<&BTreeSet<Cell>, &str> = sums.iter().map(|sum| (&sum.cells, sum.about.as_str())).collect();
    let distinct: Vec<(&BTreeSet<Cell>, &str)> = distinct.into_iter().collect();
    for (at, (one, about)) in distinct.iter().enumerate() {
        for (other, beside) in &distinct[at + 1..] {
            // Figures without a common cell tell nothing by their difference.
            if !one.is_disjoint(other) && few(&one.symmetric_difference(other).copied().collect()) {
                found.insert(format!("{about} without {beside}"));
            }
        }
    }
    found
}

/// Everything that was published, ready to be solved.
pub struct Attacker {
    sums: Vec<Sum>,
    /// In which of the sums each cell stands.
    places: BTreeMap<Cell, Vec<usize>>,
}

impl Attacker {
    /// Puts figures of the same cells together.
    pub fn new(published: &[Sum]) -> Self {
        let mut merged: BTreeMap<&BTreeSet<Cell>, Sum> = BTreeMap::new();
        for sum in published {
            let known = merged.entry(&sum.cells).or_insert_with(|| sum.clone());
            known.low = known.low.max(sum.low);
            known.high = known.high.min(sum.high);
            known.told |= sum.told;
        }
        let sums: Vec<Sum> = merged.into_values().collect();
        let mut places: BTreeMap<Cell, Vec<usize>> = BTreeMap::new();
        for (at, sum) in sums.iter().enumerate() {
            sum.cells.iter().for_each(|cell| places.entry(*cell).or_default().push(at));
        }
        Self { sums, places }
    }

    /// All figures, each set of cells once.
    pub fn sums(&self) -> &[Sum] {
        &self.sums
    }

    /// Between which whole numbers the sum over some cells must lie.
    pub fn bounds(&self, target: &BTreeSet<Cell>) -> (i64, i64) {
        let (least, most) =
            (self.solve(target, OptimizationDirection::Minimize), self.solve(target, OptimizationDirection::Maximize));
        #[expect(clippy::cast_possible_truncation, reason = "counts of a team stay far below 2^53")]
        let whole = |value: f64| value as i64;
        (whole((least - 1e-6).ceil()), whole((most + 1e-6).floor()))
    }

    /// The sums that are linked with the target by common cells.
    fn linked(&self, target: &BTreeSet<Cell>) -> BTreeSet<usize> {
        let mut linked = BTreeSet::new();
        let mut open: Vec<usize> = target.iter().filter_map(|cell| self.places.get(cell)).flatten().copied().collect();
        while let Some(sum) = open.pop() {
            if linked.insert(sum) {
                open.extend(
                    self.sums[sum]
                        .cells
                        .iter()
                        .flat_map(|cell| &self.places[cell])
                        .filter(|other| !linked.contains(other)),
                );
            }
        }
        linked
    }

    fn solve(&self, target: &BTreeSet<Cell>, direction: OptimizationDirection) -> f64 {
        let linked = self.linked(target);
        // Cells that stand in the same sums, and in the target or not, cannot be told apart: one variable for all.
        let mut classes: BTreeMap<(bool, &[usize]), u32> = BTreeMap::new();
        for (cell, places) in &self.places {
            if places.iter().any(|place| linked.contains(place)) {
                *classes.entry((target.contains(cell), places)).or_default() += 1;
            }
        }
        let outside = target.iter().filter(|cell| !self.places.contains_key(cell)).count();
        let mut problem = Problem::new(direction);
        let mut rows: BTreeMap<usize, (LinearExpr, LinearExpr)> = BTreeMap::new();
        for ((own, places), size) in &classes {
            let weight = if *own { 1.0 } else { 0.0 };
            let variable = problem.add_var(weight, (0.0, f64::from(*size)));
            for place in *places {
                let (all, of_target) = rows.entry(*place).or_insert_with(|| (LinearExpr::empty(), LinearExpr::empty()));
                all.add(variable, 1.0);
                if *own {
                    of_target.add(variable, 1.0);
                }
            }
        }
        let others = BEHIND - i64::try_from(people(target.iter())).unwrap_or(BEHIND);
        for (place, (all, of_target)) in rows {
            let sum = &self.sums[place];
            problem.add_constraint(all.clone(), ComparisonOp::Ge, exact(sum.low));
            problem.add_constraint(all, ComparisonOp::Le, exact(sum.high));
            if sum.told && others > 0 {
                // Whoever else stands behind the number counts at least one.
                problem.add_constraint(of_target, ComparisonOp::Le, exact(sum.high - others));
            }
        }
        let solved = problem.solve().expect("the truth is a solution").into_solution().expect("no limit was set");
        let free = f64::from(u32::try_from(outside).expect("few cells"));
        solved.objective() + if matches!(direction, OptimizationDirection::Maximize) { free } else { 0.0 }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a team stay far below 2^53")]
fn exact(count: i64) -> f64 {
    count as f64
}
