//! Whose clock can be read: an author who writes `+0000` nearly always has an unknown zone, and no night work.

use std::collections::{BTreeMap, BTreeSet};

/// From this share of commits at offset zero on, in hundredths, the offset is that of a machine and not of a person.
const MACHINE_SHARE: usize = 95;

/// The authors whose commits state no zone: at least 95 in 100 of them stand at offset zero. Takes the author and the
/// offset in minutes of each commit.
#[must_use]
pub fn without_zone<K: Ord>(commits: impl IntoIterator<Item = (K, i64)>) -> BTreeSet<K> {
    let mut counts: BTreeMap<K, (usize, usize)> = BTreeMap::new();
    for (author, offset) in commits {
        let (zero, all) = counts.entry(author).or_default();
        *zero += usize::from(offset == 0);
        *all += 1;
    }
    let machine = counts.into_iter().filter(|(_, (zero, all))| zero * 100 >= all * MACHINE_SHARE);
    machine.map(|(author, _)| author).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ninety_five_in_hundred_commits_at_offset_zero_leave_the_zone_unknown() {
        let commits = |author: &'static str, zero: usize, other: usize| {
            let one = move |offset: i64| (author, offset);
            std::iter::repeat_n(one(0), zero).chain(std::iter::repeat_n(one(120), other))
        };
        let all = commits("container", 95, 5).chain(commits("london", 94, 6)).chain(commits("web", 1, 0));
        assert_eq!(without_zone(all), BTreeSet::from(["container", "web"]));
    }
}
