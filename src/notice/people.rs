//! Conditions about people: three behind a number, and nobody alone decisive.

use std::collections::BTreeSet;

use super::joint::{Joint, Scored, joint};
use super::nights::Look;
use super::series::FEWEST_PEOPLE;
use super::usual_range::{Side, Verdict};
use super::window::Window;

/// Without any one person the score must keep this part of the threshold.
const KEPT: f64 = 0.75;

/// The highest threshold at which a single signal would open: its score, or less where it rests on one person; `None`
/// where fewer than three people stand behind it. The score is known and its effect matters: the caller saw to it.
pub(super) fn strength(look: &Look<'_>, score: f64, night: i64) -> Option<f64> {
    if people_behind(look) < FEWEST_PEOPLE {
        return None;
    }
    everybody(&[look])
        .into_iter()
        .try_fold(score, |strength, person| without(look, night, person).score.map(|score| strength.min(score / KEPT)))
}

/// The same for a joint value: three people behind each of its three numbers, and nobody alone decisive for it.
pub(super) fn joint_strength(looks: &[Look<'_>], found: &Joint, night: i64) -> Option<f64> {
    let named: Vec<&Look<'_>> = looks.iter().filter(|look| found.three.contains(&look.track.spec.slug)).collect();
    if named.iter().any(|look| people_behind(look) < FEWEST_PEOPLE) {
        return None;
    }
    everybody(&named).into_iter().try_fold(found.score, |strength, person| {
        let scored: Vec<Scored> = looks
            .iter()
            .filter(|look| look.track.spec.core)
            .map(|look| {
                let verdict = without(look, night, person);
                Scored { z10: verdict.z10, z5: verdict.z5, ..look.scored() }
            })
            .collect();
        joint(&scored).map(|joint| strength.min(joint.score / KEPT))
    })
}

/// The people in the numerator of the 10-day window; on the low side those below their own part of the usual.
fn people_behind(look: &Look<'_>) -> usize {
    let Some(window) = &look.w10 else { return 0 };
    match look.track.spec.side {
        Side::High => window.people().len(),
        Side::Low => look.verdict.baseline.map_or(0, |baseline| window.people_below(baseline.p)),
    }
}

fn everybody(looks: &[&Look<'_>]) -> BTreeSet<Option<i64>> {
    looks.iter().flat_map(|look| look.w10.iter().chain(&look.w5)).flat_map(Window::everybody).collect()
}

/// The scores with one person's rows taken out of the windows, the baseline unchanged.
fn without(look: &Look<'_>, night: i64, person: Option<i64>) -> Verdict {
    let pair = |window: &Option<Window<'_>>| window.as_ref().map(|window| window.without(person));
    look.track.series(night, pair(&look.w10), pair(&look.w5)).scores()
}
