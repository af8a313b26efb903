//! The joint card: three kinds of work that moved the same way, each perhaps within what chance can do.

use super::usual_range::SHORT_WINDOW_HANDICAP;

/// A known z beyond these bounds counts as the bound.
const CLIP: (f64, f64) = (-1.0, 4.0);
/// The third largest must reach this.
const THIRD: f64 = 1.0;
/// The two calendar signals share one place.
const SHARED_PLACE: (&str, &str) = ("no_quiet_block", "meeting_load");

/// Themes: names for exactly these three (`meeting_load` counts as `no_quiet_block`).
pub(crate) const THEMES: [(&str, [&str; 3]); 5] = [
    ("stuck in silence", ["stalled_work", "waiting_for_review", "fewer_voices"]),
    ("date under strain", ["moving_dates", "outside_usual_hours", "quiet_approvals"]),
    ("overload", ["no_quiet_block", "unplanned_work", "outside_usual_hours"]),
    ("disagreement gone quiet", ["quiet_approvals", "fewer_voices", "returning_work"]),
    ("waiting on others", ["waiting_on_others", "stalled_work", "moving_dates"]),
];

/// One signal's scores on one night.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    pub slug: String,
    /// Position in the catalogue: breaks ties.
    pub order: u32,
    pub z10: Option<f64>,
    pub z5: Option<f64>,
    pub effect: bool,
}

/// The joint value of a night.
#[derive(Clone, Debug, PartialEq)]
pub struct Joint {
    pub j10: Option<f64>,
    pub j5: Option<f64>,
    /// max(J10, J5 − 0.4).
    pub score: f64,
    /// The three named, in catalogue order.
    pub three: Vec<String>,
    pub theme: Option<&'static str>,
    /// At least two of the three pass the effect condition.
    pub effect: bool,
    /// The 5-day window gave the score.
    pub short: bool,
}

/// The joint value over the core signals; `None` where neither window has three known with the third large enough.
#[must_use]
pub fn joint(signals: &[Scored]) -> Option<Joint> {
    let long = largest(signals, |signal| signal.z10);
    let short = largest(signals, |signal| signal.z5);
    let (j10, j5) = (long.as_ref().map(|(value, _)| *value), short.as_ref().map(|(value, _)| *value));
    let short_score = j5.map(|value| value - SHORT_WINDOW_HANDICAP);
    let score = j10.into_iter().chain(short_score).reduce(f64::max)?;
    let from_short = short_score > j10;
    let (_, mut named) = if from_short { short? } else { long? };
    named.sort_by_key(|signal| signal.order);
    let three: Vec<String> = named.iter().map(|signal| signal.slug.clone()).collect();
    let effect = named.iter().filter(|signal| signal.effect).count() >= 2;
    Some(Joint { j10, j5, score, theme: theme(&three), three, effect, short: from_short })
}

/// Whether three places are known in the 10-day window, so that a joint value could come about.
#[must_use]
pub fn is_known(signals: &[Scored]) -> bool {
    places(signals, |signal| signal.z10).len() >= 3
}

/// The known places of a window with the larger z of the two signals that share one.
fn places(signals: &[Scored], z: impl Fn(&Scored) -> Option<f64>) -> Vec<(&Scored, f64)> {
    let mut places: Vec<(&Scored, f64)> = Vec::new();
    for signal in signals {
        let Some(value) = z(signal) else { continue };
        let partner = if signal.slug == SHARED_PLACE.0 { SHARED_PLACE.1 } else { SHARED_PLACE.0 };
        let shares = signal.slug == SHARED_PLACE.0 || signal.slug == SHARED_PLACE.1;
        match places.iter_mut().find(|(other, _)| shares && other.slug == partner) {
            Some(place) if value > place.1 => *place = (signal, value),
            Some(_) => {}
            None => places.push((signal, value)),
        }
    }
    places
}

/// The three largest places of a window and their joint value.
fn largest(signals: &[Scored], z: impl Fn(&Scored) -> Option<f64>) -> Option<(f64, Vec<&Scored>)> {
    let mut places = places(signals, z);
    for place in &mut places {
        place.1 = place.1.clamp(CLIP.0, CLIP.1);
    }
    places.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.order.cmp(&right.0.order)));
    places.truncate(3);
    if places.len() < 3 || places[2].1 < THIRD {
        return None;
    }
    let sum: f64 = places.iter().map(|(_, value)| value).sum();
    Some((sum / 3.0_f64.sqrt(), places.into_iter().map(|(signal, _)| signal).collect()))
}

fn theme(three: &[String]) -> Option<&'static str> {
    let named =
        |wanted: &str| three.iter().any(|slug| slug == wanted || (wanted == SHARED_PLACE.0 && slug == SHARED_PLACE.1));
    THEMES.iter().find(|(_, signals)| signals.iter().all(|slug| named(slug))).map(|(name, _)| *name)
}
