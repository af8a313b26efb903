//! From issues to tickets: their states are derived from what happened, since GitHub itself knows open and closed only.

use super::answers::{Blocker, Happening, Item};
use crate::collect::github::rows::{Rows, instant};
use crate::model::records::{Issue, IssueChange, IssueLink, Status, Tracker};
use crate::model::time::Millis;
use crate::model::{Batch, Replaced};

/// The states of an issue and what category each stands for.
pub const STATES: [(&str, &str); 5] = [
    ("open", "to_do"),
    ("assigned", "in_progress"),
    ("started", "in_progress"),
    ("closed", "done"),
    ("not_planned", "done"),
];

/// The states as rows.
#[must_use]
pub fn statuses(host: &str) -> Vec<Status> {
    let row = |(id, category): (&str, &str)| Status {
        tracker: Tracker::Github,
        host: host.to_owned(),
        status_id: id.to_owned(),
        category: category.to_owned(),
    };
    STATES.into_iter().map(row).collect()
}

/// What an issue's rows need beside the repository's.
pub struct ItemRows<'a> {
    pub rows: &'a Rows<'a>,
    /// `owner/name`.
    pub project: &'a str,
    /// Labels and columns that say that an issue is being worked on, in lower case.
    pub in_progress: &'a [String],
}

/// An issue at one instant.
#[derive(Clone, Default)]
struct State {
    closed: bool,
    not_planned: bool,
    /// In the order of their assignment; deleted accounts have no number.
    assignees: Vec<Option<i64>>,
    /// Labels of those that say that it is being worked on.
    labels: Vec<String>,
    /// What the column of a board says; `None` where it never was moved on a board.
    board: Option<bool>,
    discussion: bool,
}

impl State {
    /// A board or a label says when work begins; without either it begins with the assignment.
    fn status(&self) -> &'static str {
        match (self.closed, self.not_planned) {
            (true, true) => "not_planned",
            (true, false) => "closed",
            _ if self.board == Some(true) || !self.labels.is_empty() => "started",
            _ if self.board.is_none() && !self.assignees.is_empty() => "assigned",
            _ => "open",
        }
    }

    fn holder(&self) -> Option<i64> {
        self.assignees.iter().flatten().next().copied()
    }
}

/// Adds what is not there yet, or takes it away.
fn toggle<T: PartialEq>(list: &mut Vec<T>, one: T, add: bool) {
    list.retain(|other| *other != one);
    if add {
        list.push(one);
    }
}

impl ItemRows<'_> {
    /// An issue with its changes and links; `None` where its times cannot be read.
    pub fn item(&self, item: &Item, batch: &mut Batch) -> Option<()> {
        let issue_id = item.database_id;
        let (created_at, updated_at) = (instant(Some(&item.created_at))?, instant(Some(&item.updated_at))?);
        let closed_at = instant(item.closed_at.as_deref()).filter(|_| item.state == "CLOSED");
        let due_on = item.milestone.as_ref().and_then(|milestone| milestone.due_on.as_deref()?.get(..10)?.parse().ok());
        let mut changes = Vec::new();
        let state = self.changes(item, due_on, &mut changes);
        let status = state.status();
        let category = STATES.into_iter().find(|(id, _)| *id == status).map_or("unknown", |(_, category)| category);
        batch.issues.push(Issue {
            tracker: Tracker::Github,
            host: self.rows.host.to_owned(),
            issue_id,
            key: format!("{}#{}", self.project, item.number),
            project: self.project.to_owned(),
            r#type: item.issue_type.as_ref().map_or("issue", |kind| kind.name.as_str()).to_owned(),
            status_id: status.to_owned(),
            status_category: category.to_owned(),
            priority: None,
            created_at,
            updated_at,
            resolved_at: closed_at,
            assignee: state.holder().map(|id| self.rows.account(id)),
            reporter: self.rows.who(item.author.as_ref()).0,
            parent_id: item.parent.as_ref().and_then(|parent| parent.database_id),
            due_on,
            fix_version_on: None,
            labels: self.kept_labels(item),
            sprints: String::new(),
            estimate: None,
            flagged: false,
            gone: state.discussion.then(|| "converted".to_owned()),
        });
        batch.issue_changes.extend(changes);
        let blockers = item.blocked_by.iter().flat_map(|list| &list.nodes);
        batch.issue_links.extend(blockers.map(|blocker| self.link(issue_id, blocker)));
        batch.replaced.push(Replaced::Issue { host: self.rows.host.to_owned(), issue_id });
        Some(())
    }

    fn kept_labels(&self, item: &Item) -> String {
        let names = item.labels.iter().flat_map(|labels| &labels.nodes).map(|label| label.name.as_str());
        let mut kept: Vec<&str> = names.filter(|name| self.rows.labels.iter().any(|label| label == name)).collect();
        kept.sort_unstable();
        kept.join(",")
    }

    fn link(&self, issue_id: i64, blocker: &Blocker) -> IssueLink {
        IssueLink {
            tracker: Tracker::Github,
            host: self.rows.host.to_owned(),
            issue_id,
            link_id: format!("blocked_by:{}", blocker.database_id),
            r#type: "Blocks".to_owned(),
            direction: "inward".to_owned(),
            other_key: blocker.place.key(),
        }
    }

    fn says_in_progress(&self, name: &str) -> bool {
        self.in_progress.contains(&name.to_lowercase())
    }

    /// Goes through what happened; gives the state in the end.
    fn changes(&self, item: &Item, due_on: Option<jiff::civil::Date>, changes: &mut Vec<IssueChange>) -> State {
        let mut happenings: Vec<(Millis, &Happening)> = item
            .timeline_items
            .nodes
            .iter()
            .filter_map(|happening| Some((instant(happening.created_at.as_deref())?, happening)))
            .collect();
        happenings.sort_by_key(|(at, _)| *at);
        let milestoned =
            |happening: &Happening| matches!(happening.kind.as_str(), "MilestonedEvent" | "DemilestonedEvent");
        let last_milestone = happenings.iter().rposition(|(_, happening)| milestoned(happening));
        let mut state = self.first(item, &happenings);
        for (position, (at, happening)) in happenings.iter().enumerate() {
            let before = state.clone();
            self.step(&mut state, happening);
            let Some(id) = happening.id.as_deref() else { continue };
            let actor = self.rows.who(happening.actor.as_ref()).0;
            let mut push = |field: &str, from: Option<String>, to: Option<String>| {
                changes.push(IssueChange {
                    tracker: Tracker::Github,
                    host: self.rows.host.to_owned(),
                    issue_id: item.database_id,
                    change_id: id.to_owned(),
                    field: field.to_owned(),
                    at: *at,
                    author: actor,
                    from,
                    to,
                });
            };
            if before.status() != state.status() {
                push("status", Some(before.status().to_owned()), Some(state.status().to_owned()));
            }
            let account = |id: Option<i64>| id.map(|id| self.rows.account(id).to_stored().to_string());
            if before.holder() != state.holder() {
                push("assignee", account(before.holder()), account(state.holder()));
            }
            // The event names its milestone by title alone, so only the one that stands now has a known date.
            if Some(position) == last_milestone
                && happening.kind == "MilestonedEvent"
                && let Some(due) = due_on
            {
                push("duedate", None, Some(due.to_string()));
            }
            let parent = happening.parent.as_ref().and_then(|parent| parent.database_id).map(|id| id.to_string());
            match happening.kind.as_str() {
                "ParentIssueAddedEvent" => push("parent", None, parent),
                "ParentIssueRemovedEvent" => push("parent", parent, None),
                _ => {}
            }
        }
        self.unseen_close(item, &mut state, changes);
        state
    }

    /// What stood at the beginning: what is there, or was taken away, without ever having been added.
    fn first(&self, item: &Item, happenings: &[(Millis, &Happening)]) -> State {
        let assigned = |happening: &Happening| happening.assignee.as_ref().and_then(|who| who.database_id);
        let happened = |kind: &str, same: &dyn Fn(&Happening) -> bool, until: usize| {
            happenings[..until].iter().any(|(_, happening)| happening.kind == kind && same(happening))
        };
        let mut state = State::default();
        for present in item.assignees.nodes.iter() {
            let same = |happening: &Happening| assigned(happening) == present.database_id;
            if !happened("AssignedEvent", &same, happenings.len()) {
                toggle(&mut state.assignees, present.database_id, true);
            }
        }
        for present in item.labels.iter().flat_map(|labels| &labels.nodes) {
            let same = |happening: &Happening| happening.label.as_ref().is_some_and(|label| label.name == present.name);
            if self.says_in_progress(&present.name) && !happened("LabeledEvent", &same, happenings.len()) {
                toggle(&mut state.labels, present.name.clone(), true);
            }
        }
        for (position, (_, happening)) in happenings.iter().enumerate() {
            let same = |other: &Happening| assigned(other) == assigned(happening);
            if happening.kind == "UnassignedEvent" && !happened("AssignedEvent", &same, position) {
                toggle(&mut state.assignees, assigned(happening), true);
            }
        }
        state
    }

    fn step(&self, state: &mut State, happening: &Happening) {
        let label = happening.label.as_ref().map(|label| label.name.clone()).filter(|name| self.says_in_progress(name));
        let assignee = happening.assignee.as_ref().and_then(|who| who.database_id);
        match happening.kind.as_str() {
            "AssignedEvent" => toggle(&mut state.assignees, assignee, true),
            "UnassignedEvent" => toggle(&mut state.assignees, assignee, false),
            "LabeledEvent" => label.into_iter().for_each(|name| toggle(&mut state.labels, name, true)),
            "UnlabeledEvent" => label.into_iter().for_each(|name| toggle(&mut state.labels, name, false)),
            "ClosedEvent" => {
                state.closed = true;
                state.not_planned = matches!(happening.state_reason.as_deref(), Some("NOT_PLANNED" | "DUPLICATE"));
            }
            "ReopenedEvent" => state.closed = false,
            "ConvertedToDiscussionEvent" => state.discussion = true,
            "ProjectV2ItemStatusChangedEvent" => {
                state.board = happening.status.as_deref().map(|status| self.says_in_progress(status));
            }
            _ => {}
        }
    }

    /// An imported issue may be closed without an event that says so.
    fn unseen_close(&self, item: &Item, state: &mut State, changes: &mut Vec<IssueChange>) {
        let closed_at = instant(item.closed_at.as_deref()).filter(|_| item.state == "CLOSED" && !state.closed);
        let Some(at) = closed_at else { return };
        let before = state.status();
        state.closed = true;
        state.not_planned = matches!(item.state_reason.as_deref(), Some("NOT_PLANNED" | "DUPLICATE"));
        changes.push(IssueChange {
            tracker: Tracker::Github,
            host: self.rows.host.to_owned(),
            issue_id: item.database_id,
            change_id: "closed".to_owned(),
            field: "status".to_owned(),
            at,
            author: None,
            from: Some(before.to_owned()),
            to: Some(state.status().to_owned()),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Pseudonyms;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    fn at(day: u8) -> String {
        format!("2026-03-{day:02}T10:00:00Z")
    }

    /// The rows of an issue, and its changes of one field as (day of March, from, to).
    fn read(fields: Value, events: Value, field: &str) -> (Batch, Vec<(i64, String, String)>) {
        let mut item = json!({"id": "I", "databaseId": 7, "number": 412, "state": "OPEN", "createdAt": at(1), "updatedAt": at(20)});
        item.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        item["timelineItems"] = json!({ "nodes": events });
        let item: Item = serde_json::from_value(item).unwrap();
        let (names, comments) = (Pseudonyms::new([1; 32]), BTreeMap::new());
        let labels = ["bug".to_owned()];
        let rows =
            Rows { host: "h", repository_id: 1, names: &names, labels: &labels, projects: &[], comments: &comments };
        let words = ["in progress".to_owned()];
        let mut batch = Batch::default();
        ItemRows { rows: &rows, project: "o/n", in_progress: &words }.item(&item, &mut batch).unwrap();
        let own = batch.issue_changes.iter().filter(|change| change.field == field);
        let day = |at: Millis| {
            (at.0 - "2026-03-01T00:00:00Z".parse::<jiff::Timestamp>().unwrap().as_millisecond()) / 86_400_000 + 1
        };
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let changes = own.map(|change| (day(change.at), text(&change.from), text(&change.to))).collect();
        (batch, changes)
    }

    fn event(kind: &str, day: u8, more: Value) -> Value {
        let mut event = json!({"__typename": kind, "id": format!("{kind}{day}"), "createdAt": at(day)});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    }

    fn row(day: i64, from: &str, to: &str) -> (i64, String, String) {
        (day, from.to_owned(), to.to_owned())
    }

    #[test]
    fn without_a_board_work_begins_with_the_assignment_and_ends_with_the_closing() {
        let events = json!([
            event("AssignedEvent", 3, json!({"assignee": {"databaseId": 5}})),
            event("ClosedEvent", 5, json!({"stateReason": "COMPLETED"})),
            event("ReopenedEvent", 6, json!({})),
            event("UnassignedEvent", 7, json!({"assignee": {"databaseId": 5}})),
            event("ClosedEvent", 9, json!({"stateReason": "NOT_PLANNED"})),
        ]);
        let (batch, changes) = read(json!({"state": "CLOSED", "closedAt": at(9)}), events, "status");
        let expected = [
            row(3, "open", "assigned"),
            row(5, "assigned", "closed"),
            row(6, "closed", "assigned"),
            row(7, "assigned", "open"),
            row(9, "open", "not_planned"),
        ];
        assert_eq!(changes, expected);
        let issue = &batch.issues[0];
        assert_eq!((issue.key.as_str(), issue.project.as_str(), issue.r#type.as_str()), ("o/n#412", "o/n", "issue"));
        assert_eq!((issue.status_id.as_str(), issue.status_category.as_str()), ("not_planned", "done"));
        assert_eq!((issue.assignee, issue.resolved_at), (None, instant(Some(&at(9)))));
    }

    #[test]
    fn a_board_decides_when_work_begins_and_an_assignment_no_longer_does() {
        let column = |day: u8, status: &str| event("ProjectV2ItemStatusChangedEvent", day, json!({ "status": status }));
        let events = json!([
            column(2, "Todo"),
            event("AssignedEvent", 3, json!({"assignee": {"databaseId": 5}})),
            column(4, "In Progress"),
            column(6, "secret column"),
        ]);
        let (batch, changes) = read(json!({"assignees": {"nodes": [{"databaseId": 5}]}}), events, "status");
        assert_eq!(changes, [row(4, "open", "started"), row(6, "started", "open")]);
        assert!(!format!("{batch:?}").contains("secret"));
    }

    #[test]
    fn labels_say_that_work_goes_on_and_only_allowed_ones_are_kept() {
        let labels = json!({"nodes": [{"name": "bug"}, {"name": "secret"}]});
        let events = json!([
            event("LabeledEvent", 3, json!({"label": {"name": "In progress"}})),
            event("LabeledEvent", 3, json!({"label": {"name": "secret"}})),
            event("UnlabeledEvent", 5, json!({"label": {"name": "In progress"}})),
        ]);
        let (batch, changes) = read(json!({ "labels": labels }), events, "status");
        assert_eq!(changes, [row(3, "open", "started"), row(5, "started", "open")]);
        assert_eq!(batch.issues[0].labels, "bug");
        assert!(!format!("{batch:?}").contains("secret"));
    }

    #[test]
    fn imported_issues_have_states_that_no_event_explains() {
        let fields = json!({"state": "CLOSED", "closedAt": at(8), "assignees": {"nodes": [{"databaseId": 5}]}});
        let (batch, changes) = read(fields, json!([]), "status");
        assert_eq!(changes, [row(8, "assigned", "closed")]);
        assert!(batch.issues[0].assignee.is_some());
        let events = json!([event("UnassignedEvent", 4, json!({"assignee": {"databaseId": 5}}))]);
        assert_eq!(read(json!({}), events, "status").1, [row(4, "assigned", "open")]);
    }

    #[test]
    fn the_date_of_the_present_milestone_counts_from_the_last_move_into_it() {
        let events = json!([
            event("MilestonedEvent", 2, json!({})),
            event("DemilestonedEvent", 4, json!({})),
            event("MilestonedEvent", 4, json!({})),
        ]);
        let (batch, changes) = read(json!({"milestone": {"dueOn": "2026-03-31T07:00:00Z"}}), events, "duedate");
        assert_eq!(changes, [row(4, "", "2026-03-31")]);
        assert_eq!(batch.issues[0].due_on, Some(jiff::civil::date(2026, 3, 31)));
        let events = json!([event("MilestonedEvent", 2, json!({})), event("DemilestonedEvent", 4, json!({}))]);
        assert_eq!(read(json!({}), events, "duedate").1, []);
    }

    #[test]
    fn parents_blockers_and_conversions_are_kept() {
        let blocker = json!({"databaseId": 9, "number": 3, "repository": {"nameWithOwner": "o/other"}});
        let fields =
            json!({"parent": {"databaseId": 6}, "issueType": {"name": "Bug"}, "blockedBy": {"nodes": [blocker]}});
        let events = json!([
            event("ParentIssueAddedEvent", 2, json!({"parent": {"databaseId": 6}})),
            event("ConvertedToDiscussionEvent", 9, json!({})),
        ]);
        let (batch, changes) = read(fields, events, "parent");
        assert_eq!(changes, [row(2, "", "6")]);
        let issue = &batch.issues[0];
        assert_eq!(
            (issue.parent_id, issue.r#type.as_str(), issue.gone.as_deref()),
            (Some(6), "Bug", Some("converted"))
        );
        let link = &batch.issue_links[0];
        assert_eq!((link.other_key.as_str(), link.direction.as_str()), ("o/other#3", "inward"));
    }
}
