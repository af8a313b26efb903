//! Since a talk: the window wholly after it against the range that was usual before it. Three answers only; none of
//! them says that a talk worked.

use super::nights::FALLEN_BACK;
use super::series::{Point, Settings, SignalSpec, TeamInput, Track};
use super::window::Window;

/// Fewer working days than this after a talk: too early.
const FEWEST_DAYS: usize = 10;

/// What can be said after a talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    BackInRange,
    StillOutside,
    TooEarly,
}

/// A signal since a talk.
#[derive(Clone, Debug, PartialEq)]
pub struct Since {
    pub signal: String,
    /// Working days of the team after the day of the talk, up to yesterday.
    pub working_days: usize,
    /// The window that ended before the day of the talk.
    pub before: Option<Point>,
    /// The window wholly after it; `None` where there is none yet.
    pub after: Option<Point>,
    /// The usual range before the talk, at the number of opportunities after it.
    pub usual: Option<(i64, i64)>,
    pub outcome: Outcome,
}

/// How a signal stands on the day `today` since a talk on the day `talked_on`. `None` where the signal is off, or the
/// team has too few people for it, or nothing had been read before the talk.
#[must_use]
pub fn since(team: &TeamInput, spec: &SignalSpec, settings: &Settings, talked_on: i64, today: i64) -> Option<Since> {
    let off = team.off.contains(&spec.slug) || team.vetoed.contains(&spec.slug);
    if off || team.members < settings.smallest_group {
        return None;
    }
    let track = Track::new(team, spec, settings);
    if track.is_unstaffed() {
        return None;
    }
    let nights: Vec<i64> = team.days.iter().map(|day| day.day).filter(|day| *day < today).collect();
    let before = *nights.iter().rfind(|night| **night < talked_on)?;
    let working_days = nights.iter().filter(|night| **night > talked_on).count();
    let after = nights.last().and_then(|night| track.windows(*night).0);
    let after = after.filter(|window| working_days >= FEWEST_DAYS && window.from > talked_on);
    let verdict = track.series(before, after.as_ref().map(Window::pair), None).verdict();
    let outcome = match verdict.z10.filter(|_| after.is_some()) {
        None => Outcome::TooEarly,
        Some(z) if z < FALLEN_BACK => Outcome::BackInRange,
        Some(_) => Outcome::StillOutside,
    };
    Some(Since {
        signal: spec.slug.clone(),
        working_days,
        before: track.windows(before).0.map(|window| window.point()),
        usual: verdict.usual.filter(|_| after.is_some()).map(|usual| (usual.low, usual.high)),
        after: after.map(|window| window.point()),
        outcome,
    })
}
