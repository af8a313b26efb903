//! How exactly figures are told. A card tells what was counted; everything else is told in steps, so that the difference
//! of two figures, of two nights or of a team and a part of it, does not tell what one person did.
//!
//! What people count themselves by (work items) stands in their tracker anyway and is told exactly below twenty. Figures
//! about people's time and voices stand nowhere else: of these, where there are twenty opportunities, it is told in fives, and never so near to
//! all that it says the same of everyone. `pipeline/attack` solves sixty nights of published figures for one person.

use super::input::Point;
use crate::catalogue::Card;

/// From here on figures are told in fives.
const EXACT_BELOW: i64 = 20;
const STEP: i64 = 5;
/// So many are always left open to the top.
const OPEN_TO_ALL: i64 = 3;

/// Rounds a displayed count: to fives from twenty on.
#[must_use]
pub fn rounded(n: i64) -> i64 {
    if n < EXACT_BELOW { n } else { in_fives(n) }
}

fn in_fives(count: i64) -> i64 {
    (count + STEP / 2) / STEP * STEP
}

/// Whether so many of n are nearly all, so that the figure would say the same of everyone.
#[must_use]
pub fn is_nearly_all(card: Option<&Card>, x: i64, n: i64) -> bool {
    card.is_some_and(|card| card.is_about_people() && !card.is_rate()) && n >= EXACT_BELOW && n - x < OPEN_TO_ALL
}

/// Whether a count about people is so small that with three people behind it each of them counts next to nothing.
#[must_use]
pub fn is_hardly_any(card: Option<&Card>, x: i64) -> bool {
    card.is_some_and(Card::is_about_people) && x < STEP
}

/// A count of n as it is told outside of a card.
#[must_use]
pub fn told(card: Option<&Card>, x: i64, n: i64) -> i64 {
    let x = if is_nearly_all(card, x, n) { n - OPEN_TO_ALL } else { x };
    let about_people = card.is_some_and(Card::is_about_people) && n >= EXACT_BELOW;
    if about_people { in_fives(x) } else { rounded(x) }
}

/// A point as it is told.
#[must_use]
pub fn told_point(card: Option<&Card>, point: Point) -> Point {
    Point { x: point.x.map(|x| told(card, x, point.n)), n: rounded(point.n), ..point }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;

    #[test]
    fn g4_figures_are_told_in_steps_and_those_about_people_never_as_nearly_all() {
        let catalogue = Catalogue::embedded().unwrap();
        let check = |slug: &str, pairs: &[(i64, i64, i64)]| {
            for (x, n, expected) in pairs {
                assert_eq!(told(catalogue.card(slug), *x, *n), *expected, "{slug}: {x} of {n}");
            }
        };
        assert_eq!([19, 20, 22, 23, 27, 28].map(rounded), [19, 20, 20, 25, 25, 30]);
        check("waiting_for_review", &[(7, 40, 7), (19, 40, 19), (21, 40, 20), (40, 40, 40), (12, 12, 12)]);
        check("no_quiet_block", &[(7, 40, 5), (8, 40, 10), (19, 40, 20), (36, 50, 35), (9, 19, 9)]);
        check("no_quiet_block", &[(47, 50, 45), (48, 50, 45), (50, 50, 45), (38, 40, 35), (20, 20, 15)]);
        // A rate may count more than there are days.
        check("fewer_voices", &[(120, 50, 120), (7, 50, 5)]);
    }
}
