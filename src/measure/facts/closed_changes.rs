//! `closed_changes`: each change of a human on the day on which it was merged or closed, with how it was looked at.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::*;

use super::{Columns, Ground, Kind};
use crate::measure::tables::{Act, Pull, Review};
use crate::model::time::{Millis, date_of, day_number, week_of};

/// A repository's habit is judged on at least this many merged changes.
const FEWEST_MERGED: usize = 20;

/// A change that is no longer open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedChange {
    pub team: usize,
    pub day: i64,
    /// Stored pseudonym of the author.
    pub person: Option<i64>,
    pub item: String,
    pub merged: bool,
    /// Lines added and removed.
    pub lines: i64,
    /// A human other than the author submitted a review before the end.
    pub reviewed: bool,
    /// A human other than the author wrote a comment or a question before the end.
    pub spoken: bool,
    /// At least half of the changes merged in this repository's baseline were reviewed.
    pub review_habit: bool,
    /// Minutes by the clock from ready for review to the first approval; `None` without one.
    pub approved_minutes: Option<i64>,
    /// How often changes were asked for; several reviewers before the author's next act are one round.
    pub change_rounds: i64,
    /// Working minutes from its creation to its end.
    pub open_minutes: i64,
    /// Working minutes of one working day of the team.
    pub day_minutes: i64,
    /// It leads to a ticket.
    pub linked: bool,
}

/// All closed changes of humans.
#[must_use]
pub fn rows(ground: &Ground<'_>) -> Vec<ClosedChange> {
    let mut acts: BTreeMap<(i64, i64), Vec<&Act>> = BTreeMap::new();
    for act in &ground.tables.acts {
        acts.entry((act.repository, act.number)).or_default().push(act);
    }
    let mut reviews: BTreeMap<(i64, i64), Vec<&Review>> = BTreeMap::new();
    for review in &ground.tables.reviews {
        reviews.entry((review.repository, review.number)).or_default().push(review);
    }
    let mut habits: BTreeMap<i64, Vec<(i64, bool)>> = BTreeMap::new();
    let mut rows = Vec::new();
    for pull in ground.tables.pulls.iter().filter(|pull| ground.is_human_work(pull)) {
        let key = (pull.repository, pull.number);
        let mut talk = Talk { ground, pull, acts: acts.remove(&key).unwrap_or_default(), reviews: Vec::new() };
        talk.reviews = reviews.remove(&key).unwrap_or_default();
        talk.reviews.retain(|review| ground.is_other_human(pull, review.reviewer, review.by_bot));
        talk.acts.sort_by_key(|act| act.at);
        talk.reviews.sort_by_key(|review| review.at);
        if let Some(row) = talk.row() {
            if row.merged {
                habits.entry(pull.repository).or_default().push((row.day, row.reviewed));
            }
            rows.push((pull.repository, row));
        }
    }
    for own in habits.values_mut() {
        own.sort_unstable();
    }
    for (repository, row) in &mut rows {
        row.review_habit = habits.get(repository).is_none_or(|own| has_habit(own, row.day));
    }
    let mut rows: Vec<ClosedChange> = rows.into_iter().map(|(_, row)| row).collect();
    rows.sort_by(|left, right| (left.team, left.day, &left.item).cmp(&(right.team, right.day, &right.item)));
    rows
}

/// Whether at least half of the changes merged in the baseline of a day's week were reviewed; where these are few, of
/// the first ones that are known.
fn has_habit(merged: &[(i64, bool)], day: i64) -> bool {
    let monday = day_number(week_of(date_of(day)));
    let first = merged.partition_point(|(day, _)| *day < monday - 7 * 28);
    let end = merged.partition_point(|(day, _)| *day < monday - 7 * 2);
    let sample =
        if end - first >= FEWEST_MERGED { &merged[first..end] } else { &merged[..merged.len().min(FEWEST_MERGED)] };
    2 * sample.iter().filter(|(_, reviewed)| *reviewed).count() >= sample.len()
}

/// The fact table.
///
/// # Errors
/// A polars error is a bug in the columns.
pub fn frame(rows: &[ClosedChange], ground: &Ground<'_>) -> PolarsResult<DataFrame> {
    let mut columns = Columns::default();
    for row in rows {
        columns.text("team", Some(&ground.roster.teams[row.team].id));
        columns.day("day", row.day);
        columns.int("day_no", Some(row.day));
        columns.int("person", row.person);
        columns.text("item", Some(&row.item));
        columns.int("merged", Some(i64::from(row.merged)));
        columns.int("lines", Some(row.lines));
        columns.int("reviewed", Some(i64::from(row.reviewed)));
        columns.int("spoken", Some(i64::from(row.spoken)));
        columns.int("review_habit", Some(i64::from(row.review_habit)));
        columns.int("approved_minutes", row.approved_minutes);
        columns.int("change_rounds", Some(row.change_rounds));
        columns.int("open_minutes", Some(row.open_minutes));
        columns.int("day_minutes", Some(row.day_minutes));
        columns.int("linked", Some(i64::from(row.linked)));
    }
    columns.finish(&[
        ("team", Kind::Text),
        ("day", Kind::Day),
        ("day_no", Kind::Int),
        ("person", Kind::Int),
        ("item", Kind::Text),
        ("merged", Kind::Int),
        ("lines", Kind::Int),
        ("reviewed", Kind::Int),
        ("spoken", Kind::Int),
        ("review_habit", Kind::Int),
        ("approved_minutes", Kind::Int),
        ("change_rounds", Kind::Int),
        ("open_minutes", Kind::Int),
        ("day_minutes", Kind::Int),
        ("linked", Kind::Int),
    ])
}

/// A change, what happened to it, and the reviews of other humans, each in order of time.
struct Talk<'a> {
    ground: &'a Ground<'a>,
    pull: &'a Pull,
    acts: Vec<&'a Act>,
    reviews: Vec<&'a Review>,
}

impl Talk<'_> {
    fn row(&self) -> Option<ClosedChange> {
        let (ground, pull) = (self.ground, self.pull);
        let end = pull.merged_at.or(pull.closed_at)?;
        let team = ground.team_of_pull(pull)?;
        let calendar = &ground.calendars[team];
        Some(ClosedChange {
            team,
            day: ground.working_day(team, end)?,
            person: ground.person_id(pull.author),
            item: ground.pull_key(pull)?,
            merged: pull.merged_at.is_some(),
            lines: pull.lines,
            reviewed: self.reviews.iter().any(|review| review.at <= end),
            spoken: self.spoken(end),
            review_habit: true,
            approved_minutes: self.approved_minutes(),
            change_rounds: self.change_rounds(),
            open_minutes: calendar.minutes_between(pull.created_at, end),
            day_minutes: calendar.day_minutes(),
            linked: !pull.issue_keys.is_empty(),
        })
    }

    /// A review that asks or comments always has a text; an approval has one that counts where comments came with it.
    fn spoken(&self, end: Millis) -> bool {
        let asks = |review: &&&Review| matches!(review.state.as_str(), "commented" | "changes_requested");
        let reviews = self.reviews.iter().filter(|review| review.at <= end);
        let comments = self.acts.iter().filter(|act| act.kind == "comment" && act.at <= end);
        reviews.clone().any(|review| asks(&review) || review.comments > 0)
            || comments.into_iter().any(|act| self.ground.is_other_human(self.pull, act.actor, act.actor_is_bot))
    }

    /// From the last time that it became ready before its first approval.
    fn approved_minutes(&self) -> Option<i64> {
        let approved = self.reviews.iter().find(|review| review.state == "approved")?.at;
        let ready = self.acts.iter().rfind(|act| act.kind == "ready" && act.at <= approved);
        Some(approved.minutes_since(ready.map_or(self.pull.created_at, |act| act.at)))
    }

    fn change_rounds(&self) -> i64 {
        let by_author = |act: &&&Act| act.actor.is_some() && act.actor == self.pull.author;
        let answers: Vec<Millis> = self.acts.iter().filter(by_author).map(|act| act.at).collect();
        let mut asked: BTreeSet<Option<i64>> = BTreeSet::new();
        let (mut rounds, mut last) = (0, Millis(i64::MIN));
        for review in self.reviews.iter().filter(|review| review.state == "changes_requested") {
            let answered = answers.iter().any(|at| *at > last && *at <= review.at);
            if asked.is_empty() || answered || asked.contains(&review.reviewer) {
                asked.clear();
                rounds += 1;
            }
            asked.insert(review.reviewer);
            last = review.at;
        }
        rounds
    }
}
