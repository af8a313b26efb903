//! `rewritten_changes`: each human change that landed on the default branch, 21 days later, with how many of the lines
//! that it added were changed again by then.

use std::collections::BTreeMap;

use polars::prelude::*;

use super::{Columns, Ground, Kind};
use crate::measure::tables::{Pull, Rewrite};
use crate::model::time::Millis;

const DAY: i64 = 86_400_000;
/// What is changed again later than this stayed.
const SOON: i64 = 21 * DAY;
/// A commit that landed this close to a merge is what the merge made: squashed, merged or rebased.
const ONE_MERGE: i64 = 10_000;

/// A change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RewrittenChange {
    pub team: usize,
    /// The team working day 21 calendar days after it landed.
    pub day: i64,
    pub person: Option<i64>,
    /// The pull request; `None` for a commit of which none is known.
    pub item: Option<String>,
    pub lines_added: i64,
    pub lines_changed_again: i64,
}

/// All changes.
#[must_use]
pub fn rows(ground: &Ground<'_>) -> Vec<RewrittenChange> {
    let merges = Merges::gather(ground);
    let mut rows = Vec::new();
    let mut of_pulls: BTreeMap<(i64, i64), RewrittenChange> = BTreeMap::new();
    for rewrite in &ground.tables.rewrites {
        match merges.pull_of(ground, rewrite) {
            Some(pull) => {
                let Some(row) = of_pull(ground, pull) else { continue };
                // A rebase merge puts several commits on the branch.
                let whole = of_pulls.entry((pull.repository, pull.number)).or_insert(row);
                whole.lines_added += rewrite.lines_added;
                whole.lines_changed_again += rewrite.lines_changed_again;
            }
            None => rows.extend(of_commit(ground, rewrite, merges.repositories.get(&rewrite.clone_id).copied())),
        }
    }
    rows.extend(of_pulls.into_values());
    rows.sort_by(|left, right| {
        let key = |row: &RewrittenChange| {
            (row.team, row.day, row.item.clone(), row.person, row.lines_added, row.lines_changed_again)
        };
        key(left).cmp(&key(right))
    });
    rows
}

/// The fact table.
///
/// # Errors
/// A polars error is a bug in the columns.
pub fn frame(rows: &[RewrittenChange], ground: &Ground<'_>) -> PolarsResult<DataFrame> {
    let mut columns = Columns::default();
    for row in rows {
        columns.text("team", Some(&ground.roster.teams[row.team].id));
        columns.day("day", row.day);
        columns.int("day_no", Some(row.day));
        columns.int("person", row.person);
        columns.text("item", row.item.as_deref());
        columns.int("lines_added", Some(row.lines_added));
        columns.int("lines_changed_again", Some(row.lines_changed_again));
    }
    columns.finish(&[
        ("team", Kind::Text),
        ("day", Kind::Day),
        ("day_no", Kind::Int),
        ("person", Kind::Int),
        ("item", Kind::Text),
        ("lines_added", Kind::Int),
        ("lines_changed_again", Kind::Int),
    ])
}

fn of_pull(ground: &Ground<'_>, pull: &Pull) -> Option<RewrittenChange> {
    if !ground.is_human_work(pull) {
        return None;
    }
    let team = ground.team_of_pull(pull)?;
    Some(RewrittenChange {
        team,
        day: ground.working_day(team, Millis(pull.merged_at?.0 + SOON))?,
        person: ground.person_id(pull.author),
        item: ground.pull_key(pull),
        lines_added: 0,
        lines_changed_again: 0,
    })
}

/// A commit belongs to the team that lists its repository; where the services do not know the clone, to its author's.
fn of_commit(ground: &Ground<'_>, rewrite: &Rewrite, repository: Option<i64>) -> Option<RewrittenChange> {
    if rewrite.author_is_bot || rewrite.author.is_some_and(|author| ground.roster.bots.contains(&author)) {
        return None;
    }
    let day = rewrite.landed_at.0.div_euclid(DAY);
    let team = match repository {
        Some(repository) => ground.team_of_repository(repository, rewrite.author, day)?,
        None => ground.roster.team_of(ground.person(rewrite.author)?, day)?,
    };
    Some(RewrittenChange {
        team,
        day: ground.working_day(team, Millis(rewrite.landed_at.0 + SOON))?,
        person: ground.person_id(rewrite.author),
        item: None,
        lines_added: rewrite.lines_added,
        lines_changed_again: rewrite.lines_changed_again,
    })
}

/// Which repository of a service each clone is, and what was merged there when.
struct Merges<'a> {
    repositories: BTreeMap<i64, i64>,
    by_repository: BTreeMap<i64, Vec<(Millis, &'a Pull)>>,
    by_number: BTreeMap<(i64, i64), &'a Pull>,
}

impl<'a> Merges<'a> {
    fn gather(ground: &Ground<'a>) -> Self {
        let tables = ground.tables;
        let mut shared: BTreeMap<i64, BTreeMap<i64, usize>> = BTreeMap::new();
        for rewrite in &tables.rewrites {
            if let Some((repository, _)) = tables.listed.get(&rewrite.sha) {
                *shared.entry(rewrite.clone_id).or_default().entry(*repository).or_default() += 1;
            }
        }
        let most = |(clone, counts): (i64, BTreeMap<i64, usize>)| {
            Some((clone, counts.into_iter().max_by_key(|(id, count)| (*count, -*id))?.0))
        };
        let mut merges = Self {
            repositories: shared.into_iter().filter_map(most).collect(),
            by_repository: BTreeMap::new(),
            by_number: BTreeMap::new(),
        };
        for pull in &tables.pulls {
            if let Some(at) = pull.merged_at {
                merges.by_repository.entry(pull.repository).or_default().push((at, pull));
                merges.by_number.insert((pull.repository, pull.number), pull);
            }
        }
        for own in merges.by_repository.values_mut() {
            own.sort_unstable_by_key(|(at, pull)| (*at, pull.number));
        }
        merges
    }

    /// The pull request that lists a commit, else the one whose merge was nearest to its landing.
    fn pull_of(&self, ground: &Ground<'a>, rewrite: &Rewrite) -> Option<&'a Pull> {
        let listed =
            ground.tables.listed.get(&rewrite.sha).and_then(|(repository, number)| Some((*repository, (*number)?)));
        if let Some(pull) = listed.and_then(|key| self.by_number.get(&key)) {
            return Some(pull);
        }
        let merged = self.by_repository.get(self.repositories.get(&rewrite.clone_id)?)?;
        let first = merged.partition_point(|(at, _)| at.0 < rewrite.landed_at.0 - ONE_MERGE);
        let near = merged[first..].iter().take_while(|(at, _)| at.0 <= rewrite.landed_at.0 + ONE_MERGE);
        near.min_by_key(|(at, _)| (at.0 - rewrite.landed_at.0).abs()).map(|(_, pull)| *pull)
    }
}
