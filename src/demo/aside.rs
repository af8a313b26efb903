//! What optional signals look at: remarks, checks, goals that move, work on days off. Its chance and its numbers are
//! apart from the rest, so that the sample stays as it is when something is added here.

use super::chance::Chance;
use super::people::{LEADER, PersonPlan};
use super::work::{GITHUB, MORNING, TeamWork};
use crate::model::AccountKind;
use crate::model::records::{Busy, CheckRun, Comment, IssueChange, Rewrite, Sprint};
use crate::model::time::{Millis, date_of};

const MINUTE: i64 = 60_000;
const THREE_WEEKS: i64 = 21 * 24 * 60 * MINUTE;
/// The one team of the sample that works in sprints of two weeks, and the number before its first.
const SPRINTING: &str = "platform";
const FIRST_SPRINT: i64 = 7_000;
const SPRINT_DAYS: i64 = 14;
/// Days between two talks of the leader with the same member.
const FORTNIGHT: i64 = 14;
/// Their numbers begin here.
const ONE_TO_ONES: i64 = 500_000_000;
/// Sprints begin on a Monday at this minute, and end shortly before the next.
const SPRINT_BEGINS: i64 = MORNING + 30;

impl TeamWork<'_> {
    fn id_aside(&mut self) -> i64 {
        self.next_aside += 1;
        (self.position + 1) * 1_000_000 + 500_000 + self.next_aside
    }

    /// The reviewer writes a few remarks; the author answers most of them some working hours later.
    pub(super) fn remarks(
        &mut self,
        number: i64,
        (author, created): (&PersonPlan, Millis),
        (reviewer, answered): (&PersonPlan, (i64, i64)),
        merged: Option<Millis>,
    ) {
        for remark in 0..self.aside.between(0, 2) {
            let at = Millis(reviewer.at(answered.0, answered.1).0 + remark * MINUTE).max(created);
            let thread = self.id_aside();
            self.remark(number, thread, thread, reviewer, at);
            if self.aside.happens(0.85) {
                let waited = self.aside.minutes(150.0, 1.0);
                let (day, minute) = self.later(author, answered.0, answered.1, waited);
                let at = author.at(day, minute).min(merged.unwrap_or(self.until));
                let id = self.id_aside();
                self.remark(number, thread, id, author, at);
            }
        }
    }

    fn remark(&mut self, number: i64, thread: i64, comment_id: i64, person: &PersonPlan, at: Millis) {
        if at > self.until {
            return;
        }
        let comment = Comment {
            host: GITHUB.to_owned(),
            place: "review".to_owned(),
            repository_id: Some(self.repository()),
            number: Some(number),
            issue_id: None,
            comment_id,
            thread: Some(thread.to_string()),
            in_reply_to: (thread != comment_id).then_some(thread),
            author: Some(self.github(person)),
            author_kind: AccountKind::User,
            at,
            resolved: None,
        };
        self.batch.comments.push(comment);
    }

    /// Two checks of a change run when it is opened; now and then both fail and pass when they are repeated.
    pub(super) fn checks(&mut self, number: i64, created: Millis) {
        let flaky = self.aside.happens(0.09);
        for check in 0..2 {
            let started = Millis(created.0 + check * MINUTE);
            self.check(number, started, if flaky { "failure" } else { "success" });
            if flaky {
                self.check(number, Millis(started.0 + 30 * MINUTE), "success");
            }
        }
    }

    fn check(&mut self, number: i64, started: Millis, conclusion: &str) {
        let completed = Millis(started.0 + 8 * MINUTE);
        if completed > self.until {
            return;
        }
        let check_run_id = self.id_aside();
        let mut sha = [0u8; 20];
        sha[..8].copy_from_slice(&number.to_be_bytes());
        self.batch.check_runs.push(CheckRun {
            host: GITHUB.to_owned(),
            repository_id: self.repository(),
            check_run_id,
            sha,
            number: Some(number),
            started_at: started,
            completed_at: Some(completed),
            conclusion: Some(conclusion.to_owned()),
        });
    }

    /// Every second week the leader talks with each member of the own team alone; lately one of three gives way.
    pub(super) fn one_to_one(&mut self, person: &PersonPlan, day: i64) {
        let place =
            self.people.iter().position(|one| one.id == person.id).map_or(0, |at| i64::try_from(at).unwrap_or(0));
        let leader = self.people.iter().find(|one| one.id == LEADER).copied();
        let Some(leader) = leader.filter(|leader| leader.id != person.id) else { return };
        if (day + place).rem_euclid(FORTNIGHT) != 0 || !leader.works(day) {
            return;
        }
        let mut chance = Chance::of(&format!("one-to-one/{}/{day}", person.id));
        let gives_way = chance.happens(if day > self.last - 28 { 0.4 } else { 0.05 });
        let planned = leader.at(day, MORNING + 240);
        let moved = gives_way && chance.happens(0.5);
        let starts_at = if moved { leader.at(day + 7, MORNING + 240) } else { planned };
        self.batch.busy.push(Busy {
            account: self.names.account("calendar", "calendar", &leader.email()),
            // Numbers of its own, so that those of everything else stay as they are.
            occurrence: ONE_TO_ONES + day * 100 + place,
            starts_at,
            ends_at: Millis(starts_at.0 + 30 * MINUTE),
            kind: "meeting".to_owned(),
            attendees: Some(2),
            recurring: true,
            own: true,
            cancelled: gives_way && !moved,
            moved_from: moved.then_some(planned),
            response: "accepted".to_owned(),
        });
    }

    /// What a clone would tell of a merged change once three weeks are over: how many of its lines did not stay.
    pub(super) fn rewritten(&mut self, number: i64, person: &PersonPlan, merged: Millis) {
        let mut chance = Chance::of(&format!("rewritten/{}/{number}", self.plan.id));
        let (lines_added, soon) = (chance.between(5, 200), chance.happens(0.12));
        let changed = chance.between(0, if soon { 90 } else { 25 });
        let sha = self.batch.commits.iter().rev().find(|commit| commit.number == Some(number)).map(|commit| commit.sha);
        let Some(sha) = sha.filter(|_| merged.0 + THREE_WEEKS <= self.until.0) else { return };
        self.batch.rewrites.push(Rewrite {
            host: "git".to_owned(),
            repository_id: self.repository() + 1_000,
            sha,
            author: Some(self.github(person)),
            author_kind: AccountKind::User,
            committed_at: merged,
            lines_added,
            lines_changed_again: lines_added * changed / 100,
        });
    }

    /// Some tickets are estimated again, or become more urgent, some days after their start.
    pub(super) fn goal_moves(&mut self, person: &PersonPlan, ticket: i64, started: (i64, i64), ended: Millis) {
        if !self.aside.happens(0.18) {
            return;
        }
        let waited = self.aside.between(90, 4 * 480);
        let (day, minute) = self.later(person, started.0, started.1, waited);
        let at = person.at(day, minute);
        if at > self.until || at > ended {
            return;
        }
        let field = if self.aside.happens(0.5) { "estimate" } else { "priority" };
        let change_id = self.id_aside().to_string();
        let change = IssueChange {
            tracker: crate::model::records::Tracker::Jira,
            host: super::work::JIRA.to_owned(),
            issue_id: ticket,
            change_id,
            field: field.to_owned(),
            at,
            author: Some(self.tracker(person)),
            from: None,
            to: None,
        };
        self.batch.issue_changes.push(change);
    }

    /// When a sprint of the sprinting team begins.
    fn sprint_begins(&self, sprint: i64) -> Millis {
        let monday = self.first - i64::from(date_of(self.first).weekday().to_monday_zero_offset());
        self.people.first().map_or(self.until, |one| one.at(monday + SPRINT_DAYS * sprint, SPRINT_BEGINS))
    }

    /// The sprints up to now.
    pub(super) fn sprints(&mut self) {
        let all = (self.last - self.first) / SPRINT_DAYS + 1;
        for sprint in (0..=all).filter(|_| self.plan.id == SPRINTING) {
            let (begins, ends) = (self.sprint_begins(sprint), self.sprint_begins(sprint + 1).0 - 30 * MINUTE);
            if begins > self.until {
                break;
            }
            let over = ends <= self.until.0;
            self.batch.sprints.push(Sprint {
                host: super::work::JIRA.to_owned(),
                sprint_id: FIRST_SPRINT + sprint,
                board_id: Some(1),
                state: if over { "closed" } else { "active" }.to_owned(),
                starts_at: Some(begins),
                ends_at: Some(Millis(ends)),
                completed_at: over.then_some(Millis(ends)),
            });
        }
    }

    /// The sprints of a ticket, comma-separated: it is planned into the one in which it is begun, and carried over
    /// from each that ends before it is done.
    pub(super) fn planned(&mut self, ticket: i64, created: Millis, started: Millis, ended: Millis) -> String {
        if self.plan.id != SPRINTING {
            return String::new();
        }
        let all = (self.last - self.first) / SPRINT_DAYS + 1;
        let own: Vec<i64> = (0..=all)
            .filter(|sprint| {
                self.sprint_begins(sprint + 1) > started && self.sprint_begins(*sprint) <= ended.min(self.until)
            })
            .collect();
        let mut list = String::new();
        for sprint in own {
            let before = list.clone();
            let comma = if list.is_empty() { "" } else { "," };
            list.push_str(&format!("{comma}{}", FIRST_SPRINT + sprint));
            let at = created.max(Millis(self.sprint_begins(sprint).0 - 20 * MINUTE));
            let change_id = self.id_aside().to_string();
            self.batch.issue_changes.push(IssueChange {
                tracker: crate::model::records::Tracker::Jira,
                host: super::work::JIRA.to_owned(),
                issue_id: ticket,
                change_id,
                field: "sprint".to_owned(),
                at,
                author: None,
                from: (!before.is_empty()).then_some(before),
                to: Some(list.clone()),
            });
        }
        list
    }

    /// On a few days off somebody pushes two commits all the same.
    pub(super) fn day_off(&mut self, person: &PersonPlan, day: i64) {
        if !self.aside.happens(0.04) {
            return;
        }
        for minute in [MORNING + 60, MORNING + 85] {
            let at = person.at(day, minute);
            if at > self.until {
                continue;
            }
            let id = self.id_aside();
            self.push_commit(person, at, id, (4, 1, 1), None);
        }
    }
}
