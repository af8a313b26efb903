//! What the people of the sample do, day by day: tickets, changes with reviews, meetings, evenings.

use super::chance::Chance;
use super::people::{PersonPlan, TEAMS, TeamPlan, Trouble};
use super::talk::{Fate, Talk};
use crate::model::records::*;
use crate::model::time::{Millis, date_of};
use crate::model::{Account, AccountKind, Batch, Pseudonyms};

pub const GITHUB: &str = "github.com";
pub const JIRA: &str = "harbor.atlassian.net";
/// Minutes of a working day.
const DAY: i64 = 480;
pub(super) const MORNING: i64 = 9 * 60;
/// Status ids of the tracker and their categories.
pub const STATUSES: [(&str, &str); 3] = [("1", "to_do"), ("3", "in_progress"), ("6", "done")];

/// The work of one team.
pub struct TeamWork<'a> {
    pub plan: &'a TeamPlan,
    pub position: i64,
    pub people: Vec<&'a PersonPlan>,
    pub names: &'a Pseudonyms,
    pub chance: Chance,
    pub first: i64,
    pub last: i64,
    /// The instant up to which things are visible.
    pub until: Millis,
    pub batch: Batch,
    next: i64,
    pulls: i64,
    /// The chance of what optional signals look at, apart from the rest.
    pub(super) aside: Chance,
    pub(super) next_aside: i64,
}

impl<'a> TeamWork<'a> {
    pub fn new(
        position: usize,
        people: &'a [PersonPlan],
        names: &'a Pseudonyms,
        days: (i64, i64),
        until: Millis,
    ) -> Self {
        let plan = &TEAMS[position];
        Self {
            plan,
            position: i64::try_from(position).unwrap_or(0),
            people: people.iter().filter(|person| person.team == position).collect(),
            names,
            chance: Chance::of(&format!("work/{}", plan.id)),
            first: days.0,
            last: days.1,
            until,
            batch: Batch::default(),
            next: 0,
            pulls: 0,
            aside: Chance::of(&format!("aside/{}", plan.id)),
            next_aside: 0,
        }
    }

    /// Plays every day.
    pub fn play(mut self) -> Batch {
        let repository = Repository {
            host: GITHUB.to_owned(),
            repository_id: self.repository(),
            name: format!("harbor/{}", self.plan.id),
            archived: false,
            empty: false,
            visible: true,
        };
        self.batch.repositories.push(repository);
        self.sprints();
        for day in self.first..=self.last {
            let at_work: Vec<&PersonPlan> = self.people.iter().copied().filter(|person| person.works(day)).collect();
            for person in &at_work {
                self.tickets(person, day);
                self.changes(person, &at_work, day);
                self.meetings(person, day);
                self.evening(person, day);
                self.one_to_one(person, day);
            }
            let away: Vec<&PersonPlan> = self.people.iter().copied().filter(|one| one.away.contains(&day)).collect();
            for person in away {
                self.day_off(person, day);
            }
        }
        self.batch
    }

    pub fn repository(&self) -> i64 {
        910_000 + self.position
    }

    pub fn id(&mut self) -> i64 {
        self.next += 1;
        (self.position + 1) * 1_000_000 + self.next
    }

    fn troubled(&self, trouble: Trouble, day: i64) -> bool {
        // The trouble lasts whole working days: five of seven calendar days.
        self.plan.trouble == trouble && day > self.last - self.plan.lasts * 7 / 5
    }

    pub fn github(&self, person: &PersonPlan) -> Account {
        self.names.account("github", GITHUB, &person.number.to_string())
    }

    pub(super) fn tracker(&self, person: &PersonPlan) -> Account {
        self.names.account("jira", JIRA, &person.tracker_account())
    }

    /// Working minutes after a minute of a day, on the days that this person works.
    pub(super) fn later(&self, person: &PersonPlan, day: i64, minute: i64, mut minutes: i64) -> (i64, i64) {
        let (mut day, mut minute) = (day, minute);
        loop {
            let left = MORNING + DAY - minute;
            if minutes <= left {
                return (day, minute + minutes);
            }
            minutes -= left.max(0);
            minute = MORNING;
            day += 1;
            while !person.works(day) && day < self.last + 60 {
                day += 1;
            }
        }
    }

    /// Some days this person starts a ticket; most are finished after a few days.
    fn tickets(&mut self, person: &PersonPlan, day: i64) {
        let stuck = self.troubled(Trouble::Stuck, day);
        if !self.chance.happens(if stuck { 0.16 } else { 0.36 }) {
            return;
        }
        let minute = MORNING + self.chance.between(10, 400);
        let mut needed = self.chance.minutes(4.0 * 480.0, 0.7);
        let (mut end_day, mut end_minute) = self.later(person, day, minute, needed);
        if self.troubled(Trouble::Stuck, end_day) && self.chance.happens(0.95) {
            needed += 40 * DAY;
            (end_day, end_minute) = self.later(person, day, minute, needed);
        }
        let created = person.at(day - self.chance.between(1, 12), minute);
        let (started, ended) = (person.at(day, minute), person.at(end_day, end_minute));
        let id = self.id();
        let fate = Fate::of(self.plan.id, id);
        let done = ended <= self.until;
        let dated = self.chance.happens(self.plan.dated);
        let due = dated.then(|| self.later(person, day, minute, self.plan_minutes(needed)).0);
        let due_on = due.and_then(|due| self.due_moves(person, id, due, end_day));
        let account = Some(self.tracker(person));
        self.status(id, started, account, "1", "3");
        self.goal_moves(person, id, (day, minute), ended);
        if done {
            self.status(id, ended, account, "3", "6");
        }
        self.befall(id, &fate, account, started, ended);
        let created = if fate.incident { Millis(started.0 - 1_800_000) } else { created };
        let sprints = self.planned(id, created, started, ended);
        self.batch.issues.push(Issue {
            tracker: Tracker::Jira,
            host: JIRA.to_owned(),
            issue_id: id,
            key: format!("{}-{}", self.plan.project, self.next % 10_000),
            project: self.plan.project.to_owned(),
            r#type: "Story".to_owned(),
            status_id: if done { "6" } else { "3" }.to_owned(),
            status_category: if done { "done" } else { "in_progress" }.to_owned(),
            priority: None,
            created_at: created,
            updated_at: if done { ended } else { started },
            resolved_at: done.then_some(ended),
            assignee: account,
            reporter: account,
            parent_id: None,
            due_on: due_on.map(date_of),
            fix_version_on: None,
            labels: if fate.incident { "incident" } else { "" }.to_owned(),
            sprints,
            estimate: None,
            flagged: false,
            gone: None,
        });
    }

    /// A date is set with some slack, and capped: nobody plans for forty days.
    fn plan_minutes(&self, needed: i64) -> i64 {
        (needed * 13 / 10).clamp(2 * DAY, 14 * DAY)
    }

    /// Shortly before a date it may move later by a week; returns the date that stands in the end.
    fn due_moves(&mut self, person: &PersonPlan, id: i64, due: i64, end_day: i64) -> Option<i64> {
        let mut due = due;
        for _ in 0..2 {
            let share = if self.troubled(Trouble::Dates, due) { 0.75 } else { 0.13 };
            let moved_on = (0..7).map(|back| due - 1 - back).find(|day| person.works(*day))?;
            let at = person.at(moved_on, MORNING + 90);
            if at > self.until || moved_on > end_day || !self.chance.happens(share) {
                break;
            }
            let later = due + 7;
            let change = self.change(id, "duedate", at, Some(self.tracker(person)));
            self.batch.issue_changes.push(IssueChange {
                from: Some(date_of(due).to_string()),
                to: Some(date_of(later).to_string()),
                ..change
            });
            due = later;
        }
        Some(due)
    }

    pub fn status(&mut self, id: i64, at: Millis, author: Option<Account>, from: &str, to: &str) {
        let change = self.change(id, "status", at, author);
        self.batch.issue_changes.push(IssueChange { from: Some(from.to_owned()), to: Some(to.to_owned()), ..change });
    }

    pub fn change(&mut self, issue_id: i64, field: &str, at: Millis, author: Option<Account>) -> IssueChange {
        let change_id = self.id().to_string();
        let field = field.to_owned();
        IssueChange {
            tracker: Tracker::Jira,
            host: JIRA.to_owned(),
            issue_id,
            change_id,
            field,
            at,
            author,
            from: None,
            to: None,
        }
    }

    /// Some days this person opens a change, asks a colleague, and gets an answer some working hours later.
    fn changes(&mut self, person: &PersonPlan, at_work: &[&PersonPlan], day: i64) {
        let others: Vec<&PersonPlan> = at_work.iter().copied().filter(|other| other.id != person.id).collect();
        if others.is_empty() || !self.chance.happens(0.45) {
            return;
        }
        let minute = MORNING + self.chance.between(20, 440);
        let reviewer = others[self.chance.pick(others.len())];
        let median = if self.troubled(Trouble::Stuck, day) { 900.0 } else { 170.0 };
        let waited = self.chance.minutes(median, 1.1);
        let (answer_day, answer_minute) = self.later(reviewer, day, minute, waited);
        let (merge_day, merge_minute) = {
            let more = self.chance.between(15, 300);
            self.later(person, answer_day, answer_minute, more)
        };
        self.pulls += 1;
        let number = self.pulls;
        let (created, answered, merged) =
            (person.at(day, minute), reviewer.at(answer_day, answer_minute), person.at(merge_day, merge_minute));
        let merged = (merged.max(answered) <= self.until).then_some(merged.max(answered));
        let talk = Talk::of(self.plan.id, number, self.troubled(Trouble::Stuck, day));
        self.batch.pull_requests.push(self.pull_request(person, number, created, merged, answered, &talk));
        for commit in 0..self.chance.between(1, 3) {
            self.commit(person, day, (minute - 15 * commit).max(MORNING), Some(number));
        }
        self.event(number, created, "review_requested", self.github(person), Some(self.github(reviewer)));
        self.reviews(reviewer, number, &talk, answered, merged.unwrap_or(answered));
        self.remarks(number, (person, created), (reviewer, (answer_day, answer_minute)), merged);
        self.checks(number, created);
        if let Some(merged) = merged {
            self.event(number, merged, "merged", self.github(person), None);
            self.rewritten(number, person, merged);
        }
    }

    fn pull_request(
        &self,
        person: &PersonPlan,
        number: i64,
        created: Millis,
        merged: Option<Millis>,
        answered: Millis,
        talk: &Talk,
    ) -> PullRequest {
        PullRequest {
            host: GITHUB.to_owned(),
            repository_id: self.repository(),
            number,
            pull_request_id: (self.position + 1) * 1_000_000 + number,
            author: Some(self.github(person)),
            author_kind: AccountKind::User,
            state: if merged.is_some() { "merged" } else { "open" }.to_owned(),
            draft: false,
            created_at: created,
            updated_at: merged.unwrap_or(if answered <= self.until { answered } else { created }),
            ready_at: Some(created),
            closed_at: merged,
            merged_at: merged,
            merged_by: merged.map(|_| self.github(person)),
            commits: 1,
            additions: talk.lines * 3 / 4,
            deletions: talk.lines - talk.lines * 3 / 4,
            changed_files: 3,
            issue_keys: if talk.linked { format!("{}-{number}", self.plan.project) } else { String::new() },
            labels: String::new(),
            reverts: talk.takes_back.then_some(number - 1),
        }
    }

    fn event(&mut self, number: i64, at: Millis, kind: &str, actor: Account, subject: Option<Account>) {
        let event_id = self.id().to_string();
        self.batch.pull_request_events.push(PullRequestEvent {
            host: GITHUB.to_owned(),
            repository_id: self.repository(),
            number,
            event_id,
            at,
            kind: kind.to_owned(),
            actor: Some(actor),
            subject,
            subject_is_team: false,
        });
    }

    fn commit(&mut self, person: &PersonPlan, day: i64, minute: i64, number: Option<i64>) {
        let id = self.id();
        self.push_commit(person, person.at(day, minute), id, (20, 6, 2), number);
    }

    /// A commit of so many lines added, lines deleted and files changed.
    pub(super) fn push_commit(
        &mut self,
        person: &PersonPlan,
        at: Millis,
        id: i64,
        (additions, deletions, files): (i64, i64, i64),
        number: Option<i64>,
    ) {
        let mut sha = [0u8; 20];
        sha[..8].copy_from_slice(&id.to_be_bytes());
        self.batch.commits.push(Commit {
            host: GITHUB.to_owned(),
            repository_id: self.repository(),
            sha,
            author: Some(self.github(person)),
            author_kind: AccountKind::User,
            authored_at: at,
            utc_offset_minutes: person.offset(at),
            committed_at: at,
            additions: Some(additions),
            deletions: Some(deletions),
            changed_files: Some(files),
            parents: 1,
            number,
            on_default: number.is_none(),
        });
    }

    /// A stand-up for everybody, and meetings of one's own.
    fn meetings(&mut self, person: &PersonPlan, day: i64) {
        let overload = self.troubled(Trouble::Overload, day);
        self.meeting(person, day, MORNING + 30, 15, 8, true);
        let mean = if overload { 5.2 } else { 1.7 };
        for _ in 0..self.chance.about(mean) {
            let start = MORNING + 15 * self.chance.between(0, 28);
            let length = 30 * self.chance.between(1, if overload { 3 } else { 2 });
            let people = self.chance.between(2, 7);
            let recurring = self.chance.happens(0.6);
            self.meeting(person, day, start, length, people, recurring);
        }
    }

    fn meeting(&mut self, person: &PersonPlan, day: i64, minute: i64, length: i64, people: i64, recurring: bool) {
        let occurrence = self.id();
        self.batch.busy.push(Busy {
            account: self.names.account("calendar", "calendar", &person.email()),
            occurrence,
            starts_at: person.at(day, minute),
            ends_at: person.at(day, minute + length),
            kind: "meeting".to_owned(),
            attendees: Some(people),
            recurring,
            own: false,
            cancelled: false,
            moved_from: None,
            response: "accepted".to_owned(),
        });
    }

    /// Now and then somebody works in the evening.
    fn evening(&mut self, person: &PersonPlan, day: i64) {
        let share = if self.troubled(Trouble::Overload, day) { 0.36 } else { 0.022 };
        if self.chance.happens(share) {
            let minute = 20 * 60 + self.chance.between(0, 100);
            self.commit(person, day, minute, None);
            self.commit(person, day, minute + 20, None);
        }
    }
}
