//! Own limits: the 85th percentile of a team's own values in the baseline of an ISO week.

use std::collections::BTreeMap;

/// The fewest values from which a limit is taken.
pub const FEWEST: usize = 20;
/// The baseline of the week that begins on day `monday`: the 26 ISO weeks t−28 … t−3.
const OLDEST_WEEK: i64 = 28;
const NEWEST_WEEK: i64 = 3;

/// Values with the day on which each came to be.
#[derive(Debug, Default)]
pub struct Values {
    by_day: Vec<(i64, i64)>,
    cache: BTreeMap<i64, Option<i64>>,
}

impl Values {
    /// Takes values as (day number, value).
    #[must_use]
    pub fn new(mut by_day: Vec<(i64, i64)>) -> Self {
        by_day.sort_unstable();
        Self { by_day, cache: BTreeMap::new() }
    }

    /// The limit of the week that begins on `monday`: the ⌈0.85 N⌉-th smallest of the N values of its baseline
    /// (nearest rank); `None` below [`FEWEST`] values.
    pub fn limit(&mut self, monday: i64) -> Option<i64> {
        if let Some(known) = self.cache.get(&monday) {
            return *known;
        }
        let (from, to) = (monday - 7 * OLDEST_WEEK, monday - 7 * (NEWEST_WEEK - 1));
        let first = self.by_day.partition_point(|(day, _)| *day < from);
        let end = self.by_day.partition_point(|(day, _)| *day < to);
        let mut values: Vec<i64> = self.by_day[first..end].iter().map(|(_, value)| *value).collect();
        let limit = nearest_rank(&mut values);
        self.cache.insert(monday, limit);
        limit
    }
}

fn nearest_rank(values: &mut [i64]) -> Option<i64> {
    if values.len() < FEWEST {
        return None;
    }
    values.sort_unstable();
    let rank = (values.len() * 85).div_ceil(100);
    values.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_the_nearest_rank_and_needs_twenty_values() {
        let values: Vec<(i64, i64)> = (1..=20).map(|value| (0, value)).collect();
        assert_eq!(Values::new(values.clone()).limit(7 * 10), Some(17));
        assert_eq!(Values::new(values[1..].to_vec()).limit(7 * 10), None);
    }

    #[test]
    fn the_baseline_ends_three_weeks_before_and_holds_twenty_six_weeks() {
        let monday = 7 * 100;
        let on = |day: i64| Values::new((0..20).map(|value| (day, value)).collect()).limit(monday).is_some();
        assert!(on(monday - 7 * 28) && !on(monday - 7 * 28 - 1));
        assert!(on(monday - 7 * 2 - 1) && !on(monday - 7 * 2));
    }
}
