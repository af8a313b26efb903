//! Conditions about people: three behind a number, and nobody alone decisive.

use std::collections::BTreeSet;

use super::joint::{Joint, Scored, joint};
use super::nights::Look;
use super::series::FEWEST_PEOPLE;
use super::usual_range::Side;

/// Without any one person the score must keep this part of the threshold.
const KEPT: f64 = 0.75;

/// Whether a single signal's number rests on enough people and on no one alone.
pub(super) fn carried_by_several(look: &Look<'_>, night: i64, threshold: f64) -> bool {
    let Some(window) = &look.w10 else { return false };
    let behind = match look.track.spec.side {
        Side::High => window.people().len(),
        Side::Low => look.verdict.baseline.map_or(0, |baseline| window.people_below(baseline.p)),
    };
    behind >= FEWEST_PEOPLE
        && everybody(&[look]).into_iter().all(|person| {
            let score = without(look, night, person).2;
            score.is_some_and(|score| score >= KEPT * threshold)
        })
}

/// The same for a joint value: three people behind its three numbers together, and nobody alone decisive for it.
pub(super) fn joint_carried_by_several(looks: &[Look<'_>], found: &Joint, night: i64, threshold: f64) -> bool {
    let named: Vec<&Look<'_>> = looks.iter().filter(|look| found.three.contains(&look.track.spec.slug)).collect();
    let behind =
        named.iter().all(|look| look.w10.as_ref().is_some_and(|window| window.people().len() >= FEWEST_PEOPLE));
    behind
        && everybody(&named).into_iter().all(|person| {
            let scored: Vec<Scored> = looks
                .iter()
                .filter(|look| look.track.spec.core)
                .map(|look| {
                    let (z10, z5, _) = without(look, night, person);
                    Scored { z10, z5, ..look.scored() }
                })
                .collect();
            joint(&scored).is_some_and(|joint| joint.score >= KEPT * threshold)
        })
}

fn everybody(looks: &[&Look<'_>]) -> BTreeSet<Option<i64>> {
    looks.iter().flat_map(|look| look.w10.iter().chain(&look.w5)).flat_map(super::series::Window::everybody).collect()
}

/// z10, z5 and score with one person's rows taken out of the windows, the baseline unchanged.
fn without(look: &Look<'_>, night: i64, person: Option<i64>) -> (Option<f64>, Option<f64>, Option<f64>) {
    let pair = |window: &Option<super::series::Window<'_>>| window.as_ref().map(|window| window.without(person));
    let verdict = look.track.series(night, pair(&look.w10), pair(&look.w5)).verdict();
    (verdict.z10, verdict.z5, verdict.score)
}
