//! What is said about the changes of the sample, and what happens to its tickets besides being done: each from a
//! stream of chance of its own, so that the teams' stories do not depend on it.

use super::chance::Chance;
use super::people::PersonPlan;
use super::work::{GITHUB, TeamWork};
use crate::model::records::{Comment, IssueChange, Review};
use crate::model::time::Millis;
use crate::model::{Account, AccountKind};

const HOUR: i64 = 3_600_000;

/// How a change of code goes.
pub struct Talk {
    pub lines: i64,
    /// Written remarks that come with the first answer.
    remarks: i64,
    /// Times that changes are asked for before the approval.
    rounds: i64,
    pub linked: bool,
    pub takes_back: bool,
}

impl Talk {
    /// The way of one change of a team; where work is stuck, less is said.
    pub fn of(team: &str, number: i64, stuck: bool) -> Self {
        let mut chance = Chance::of(&format!("talk/{team}/{number}"));
        let disputed = chance.happens(0.02);
        let asked = chance.happens(0.16);
        Self {
            lines: chance.minutes(90.0, 0.9),
            remarks: if chance.happens(if stuck { 0.45 } else { 0.25 }) { 0 } else { chance.between(1, 3) },
            rounds: if disputed { 4 } else { i64::from(asked) },
            linked: chance.happens(0.86),
            takes_back: number > 1 && chance.happens(0.015),
        }
    }
}

/// What befalls a ticket besides being done.
pub struct Fate {
    /// An incident: it was created shortly before it was begun.
    pub incident: bool,
    blocked: bool,
    reopened: bool,
}

impl Fate {
    /// The fate of one ticket of a team.
    pub fn of(team: &str, id: i64) -> Self {
        let mut chance = Chance::of(&format!("fate/{team}/{id}"));
        Self { incident: chance.happens(0.08), blocked: chance.happens(0.06), reopened: chance.happens(0.04) }
    }
}

impl TeamWork<'_> {
    /// The reviews of a change between the first answer and its merge, with their remarks.
    pub fn reviews(&mut self, reviewer: &PersonPlan, number: i64, talk: &Talk, answered: Millis, merged: Millis) {
        let step = ((merged.0 - answered.0) / (talk.rounds + 1)).max(1);
        for round in 0..=talk.rounds {
            let at = Millis(answered.0 + step * round);
            let state = if round == talk.rounds { "approved" } else { "changes_requested" };
            let remarks = if round == 0 { talk.remarks } else { 0 };
            if at <= self.until {
                self.review(reviewer, number, at, state, remarks);
            }
        }
    }

    fn review(&mut self, reviewer: &PersonPlan, number: i64, at: Millis, state: &str, comments: i64) {
        let (review_id, repository_id, account) = (self.id(), self.repository(), self.github(reviewer));
        self.batch.reviews.push(Review {
            host: GITHUB.to_owned(),
            repository_id,
            number,
            review_id,
            reviewer: Some(account),
            reviewer_kind: AccountKind::User,
            submitted_at: at,
            state: state.to_owned(),
            comments,
        });
        for _ in 0..comments {
            let comment_id = self.id();
            self.batch.comments.push(Comment {
                host: GITHUB.to_owned(),
                place: "review".to_owned(),
                repository_id: Some(repository_id),
                number: Some(number),
                issue_id: None,
                comment_id,
                thread: Some(comment_id.to_string()),
                in_reply_to: None,
                author: Some(account),
                author_kind: AccountKind::User,
                at,
                resolved: None,
            });
        }
    }

    /// A flag for a part of the time in progress, and a return a few hours after the end.
    pub fn befall(&mut self, id: i64, fate: &Fate, account: Option<Account>, started: Millis, ended: Millis) {
        let until = self.until.0;
        let flag = [(started.0 + (ended.0 - started.0) / 3, true), (started.0 + (ended.0 - started.0) * 2 / 3, false)];
        for (at, up) in flag.into_iter().filter(|(at, _)| fate.blocked && *at <= until) {
            let change = self.change(id, "flagged", Millis(at), account);
            let (here, gone) = (Some("true".to_owned()), None);
            let (from, to) = if up { (gone, here) } else { (here, gone) };
            self.batch.issue_changes.push(IssueChange { from, to, ..change });
        }
        if fate.reopened && ended.0 + 4 * HOUR <= self.until.0 {
            self.status(id, Millis(ended.0 + HOUR), account, "6", "3");
            self.status(id, Millis(ended.0 + 4 * HOUR), account, "3", "6");
        }
    }
}
