//! Whether a team works in sprints of two weeks: then some counts swing with the halves of a sprint.

use std::collections::BTreeSet;

use super::facts::Ground;
use crate::model::time::Millis;

/// The days between the ends of sprints of two weeks; a holiday may move one.
const TWO_WEEKS: std::ops::RangeInclusive<i64> = 12..=16;
/// Fewer distances than this tell no rhythm.
const FEWEST: usize = 3;
const DAY: i64 = 86_400_000;

/// For every team, in the roster's order: whether the median distance between the ends of the sprints that held its
/// tickets is about two weeks.
#[must_use]
pub fn two_week_sprints(ground: &Ground<'_>) -> Vec<bool> {
    let mut ends: Vec<BTreeSet<i64>> = vec![BTreeSet::new(); ground.roster.teams.len()];
    for ticket in ground.tables.tickets.iter().filter(|ticket| !ticket.sprints.is_empty()) {
        let Some(team) = ground.team_of_ticket(ticket) else { continue };
        let known = ticket.sprints.split(',').filter_map(|id| id.trim().parse().ok());
        let sprints = known.filter_map(|id: i64| ground.tables.sprints.get(&(ticket.host.clone(), id)));
        ends[team].extend(sprints.filter_map(|sprint| sprint.completed_at.or(sprint.ends_at)).map(day));
    }
    ends.into_iter().map(|days| is_two_weeks(days.into_iter().filter(|day| *day <= ground.span.last))).collect()
}

fn day(at: Millis) -> i64 {
    at.0.div_euclid(DAY)
}

/// Whether ascending days lie about two weeks apart, by their median distance.
fn is_two_weeks(days: impl Iterator<Item = i64>) -> bool {
    let days: Vec<i64> = days.collect();
    let mut distances: Vec<i64> = days.windows(2).map(|pair| pair[1] - pair[0]).collect();
    distances.sort_unstable();
    distances.len() >= FEWEST
        && distances.get((distances.len() - 1) / 2).is_some_and(|median| TWO_WEEKS.contains(median))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_weeks_are_told_from_one_from_three_and_from_too_little() {
        let every = |step: i64, count: i64| is_two_weeks((0..count).map(|at| at * step));
        assert!(every(14, 5) && every(13, 4));
        assert!(!every(7, 20) && !every(21, 8) && !every(14, 3));
        assert!(is_two_weeks([0, 14, 28, 49, 63].into_iter()), "a pause over the holidays changes nothing");
    }
}
