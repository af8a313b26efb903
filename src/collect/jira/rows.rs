//! From Jira's answers to records.

use std::collections::BTreeMap;

use serde_json::Value;

use super::answers::{
    Categories, History, Issue, User, category, date, first_release, instant, number, sprint_ids, text,
};
use super::fields::CustomFields;
use crate::model::records::{self, IssueChange, IssueLink, Tracker};
use crate::model::time::Millis;
use crate::model::{Account, Pseudonyms};

/// What all rows of a project share.
pub struct Rows<'a> {
    pub host: &'a str,
    /// The later of the service's clock and this machine's.
    pub clocks: Millis,
    pub names: &'a Pseudonyms,
    pub custom: &'a CustomFields,
    /// Fields of estimates; the first that is filled in counts.
    pub estimates: &'a [String],
    pub categories: &'a Categories,
    /// Labels that may be stored.
    pub labels: &'a [String],
    /// Numbers of epics by key, for issues that name their epic by key alone.
    pub epics: &'a BTreeMap<String, Option<i64>>,
}

impl Rows<'_> {
    fn account(&self, id: &str) -> Account {
        self.names.account("jira", self.host, id)
    }

    fn user(&self, value: Option<&Value>) -> Option<Account> {
        let user: User = serde_json::from_value(value?.clone()).ok()?;
        user.id().map(|id| self.account(id))
    }

    /// The number of an account that is an app's.
    #[must_use]
    pub fn app(&self, user: Option<&User>) -> Option<Account> {
        user.filter(|user| user.is_app()).and_then(User::id).map(|id| self.account(id))
    }

    /// The reporter of an issue, where it is an app. The assignee changes, and an issue's history does not say what an
    /// earlier one was, so that a store made anew would not know it.
    #[must_use]
    pub fn reporting_app(&self, issue: &Issue) -> Option<Account> {
        self.app(serde_json::from_value(issue.fields.get("reporter")?.clone()).ok().as_ref())
    }

    /// An issue; `None` where its times cannot be read.
    #[must_use]
    pub fn issue(&self, issue: &Issue) -> Option<records::Issue> {
        let fields = &issue.fields;
        let created_at = instant(fields.get("created"))?;
        let inner = |name: &str, key: &str| text(fields.get(name).and_then(|value| value.get(key)));
        let status_id = inner("status", "id").unwrap_or_default();
        let project = inner("project", "key").or_else(|| Some(issue.key.rsplit_once('-')?.0.to_owned()));
        Some(records::Issue {
            tracker: Tracker::Jira,
            host: self.host.to_owned(),
            issue_id: issue.id,
            key: issue.key.clone(),
            project: project.unwrap_or_default(),
            r#type: inner("issuetype", "name").unwrap_or_default(),
            status_category: self.category(&status_id, fields.get("status")).to_owned(),
            status_id,
            priority: inner("priority", "name"),
            created_at,
            updated_at: instant(fields.get("updated"))?.as_version(created_at, self.clocks),
            resolved_at: instant(fields.get("resolutiondate")),
            assignee: self.user(fields.get("assignee")),
            reporter: self.user(fields.get("reporter")),
            parent_id: self.parent(issue),
            due_on: date(fields.get("duedate")),
            fix_version_on: first_release(fields.get("fixVersions")),
            labels: self.kept_labels(fields.get("labels")),
            sprints: self.sprints(issue),
            estimate: self.estimates.iter().find_map(|name| fields.get(name)?.as_f64()),
            flagged: self.flagged(issue),
            gone: None,
        })
    }

    /// The category by the list of statuses; an id that is not on it is what the issue itself says, else unknown.
    fn category(&self, status_id: &str, status: Option<&Value>) -> &str {
        let own = status.and_then(|status| status.pointer("/statusCategory/key")).and_then(Value::as_str);
        self.categories.get(status_id).map_or_else(|| category(own), String::as_str)
    }

    fn parent(&self, issue: &Issue) -> Option<i64> {
        let told = issue.fields.get("parent").and_then(|parent| number(parent.get("id")));
        told.or_else(|| *self.epics.get(epic_key(issue, self.custom)?)?)
    }

    fn sprints(&self, issue: &Issue) -> String {
        let values = self.custom.sprint.iter().filter_map(|name| issue.fields.get(name));
        let mut ids: Vec<i64> = values.flat_map(sprint_ids).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }

    /// Any option of the field called "Flagged"; elsewhere the option "Impediment"; or the agile interface's own word.
    fn flagged(&self, issue: &Issue) -> bool {
        let options = |name: &String| issue.fields.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let impediment = |option: &Value| option.get("value").and_then(Value::as_str) == Some("Impediment");
        self.custom.flagged.iter().any(|name| !options(name).is_empty())
            || self.custom.boxes.iter().any(|name| options(name).iter().any(impediment))
            || issue.fields.get("flagged").and_then(Value::as_bool) == Some(true)
    }

    fn kept_labels(&self, value: Option<&Value>) -> String {
        let all = value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let mut kept: Vec<&str> = all.filter(|label| self.labels.iter().any(|kept| kept == label)).collect();
        kept.sort_unstable();
        kept.join(",")
    }

    /// An issue's links to others.
    #[must_use]
    pub fn links(&self, issue: &Issue) -> Vec<IssueLink> {
        let links = issue.fields.get("issuelinks").and_then(Value::as_array).into_iter().flatten();
        links.filter_map(|link| self.link(issue.id, link)).collect()
    }

    fn link(&self, issue_id: i64, link: &Value) -> Option<IssueLink> {
        let (direction, other) = match (link.get("inwardIssue"), link.get("outwardIssue")) {
            (Some(other), _) => ("inward", other),
            (None, Some(other)) => ("outward", other),
            (None, None) => return None,
        };
        Some(IssueLink {
            tracker: Tracker::Jira,
            host: self.host.to_owned(),
            issue_id,
            link_id: text(link.get("id"))?,
            r#type: text(link.pointer("/type/name")).unwrap_or_default(),
            direction: direction.to_owned(),
            other_key: text(other.get("key"))?,
        })
    }

    /// The changes of a history, one row a field: what several items say about one field is joined.
    #[must_use]
    pub fn changes(&self, issue_id: i64, history: &History) -> Vec<IssueChange> {
        let author = history.author.as_ref().and_then(User::id).map(|id| self.account(id));
        let mut fields: BTreeMap<&'static str, (Vec<String>, Vec<String>)> = BTreeMap::new();
        for item in &history.items {
            let (from, to) = fields.entry(item.field).or_default();
            from.extend(item.from.as_deref().map(|value| self.value(item.field, value)));
            to.extend(item.to.as_deref().map(|value| self.value(item.field, value)));
        }
        let joined = |values: Vec<String>| (!values.is_empty()).then(|| values.join(","));
        let row = |(field, (from, to)): (&str, (Vec<String>, Vec<String>))| IssueChange {
            tracker: Tracker::Jira,
            host: self.host.to_owned(),
            issue_id,
            change_id: history.id.clone(),
            field: field.to_owned(),
            at: history.at,
            author,
            from: joined(from),
            to: joined(to),
        };
        fields.into_iter().map(row).collect()
    }

    /// A changed value as it is stored: accounts as numbers.
    fn value(&self, field: &str, value: &str) -> String {
        match field {
            "assignee" => self.account(value).to_stored().to_string(),
            _ => value.to_owned(),
        }
    }
}

/// The key of an issue's epic, where it has no other parent.
#[must_use]
pub fn epic_key<'a>(issue: &'a Issue, custom: &CustomFields) -> Option<&'a str> {
    if issue.fields.get("parent").is_some_and(|parent| number(parent.get("id")).is_some()) {
        return None;
    }
    custom.epic.iter().find_map(|name| issue.fields.get(name)?.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::fields::ChangedFields;
    use super::*;
    use crate::model::time::Millis;
    use serde_json::json;

    fn custom() -> CustomFields {
        CustomFields {
            sprint: vec!["customfield_1".to_owned()],
            flagged: vec!["customfield_2".to_owned()],
            epic: vec!["customfield_3".to_owned()],
            ..CustomFields::default()
        }
    }

    fn rows<T>(test: impl FnOnce(&Rows<'_>) -> T) -> T {
        let names = Pseudonyms::new([1; 32]);
        let (custom, categories) = (custom(), BTreeMap::from([("3".to_owned(), "in_progress".to_owned())]));
        let (estimates, labels) = (["customfield_8".to_owned(), "customfield_9".to_owned()], ["ops".to_owned()]);
        let epics = BTreeMap::from([("PAY-1".to_owned(), Some(11)), ("PAY-2".to_owned(), None)]);
        let (custom, categories, epics) = (&custom, &categories, &epics);
        test(&Rows {
            host: "h",
            clocks: Millis(i64::MAX),
            names: &names,
            custom,
            estimates: &estimates,
            categories,
            labels: &labels,
            epics,
        })
    }

    fn issue(fields: Value) -> Issue {
        let mut whole =
            json!({"created": 1_795_500_001_000_i64, "updated": 1_795_500_002_000_i64, "status": {"id": "3"}});
        whole.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        Issue::read(json!({"id": "7", "key": "PAY-7", "fields": whole})).unwrap()
    }

    #[test]
    fn a_history_keeps_allowed_fields_and_drops_what_people_wrote() {
        let history = json!({
            "id": 5, "created": 1_795_500_001_000_i64, "author": {"accountId": ""},
            "items": [
                {"field": "description", "fieldId": "description", "fromString": "secret", "toString": "secret"},
                {"field": "Sprint", "fieldtype": "custom", "fieldId": "customfield_77", "from": "secret", "to": "secret"},
                {"field": "status", "fieldId": "status", "from": "1", "to": "3", "fromString": "secret"},
                {"field": "Flagged", "fieldId": "customfield_2", "fromString": "", "toString": "Impediment"},
                {"field": "Fix Version", "from": null, "to": "9"}, {"field": "Fix Version", "from": "8", "to": null},
                {"field": "Sprint", "fieldtype": "custom", "from": "4, 5", "to": "secret"}
            ]
        });
        let history = History::read(&history, &ChangedFields::of(&custom(), &[])).unwrap();
        let changes = rows(|rows| rows.changes(7, &history));
        let seen: Vec<(&str, Option<&str>, Option<&str>)> = changes
            .iter()
            .map(|change| (change.field.as_str(), change.from.as_deref(), change.to.as_deref()))
            .collect();
        let expected = [
            ("fix_version", Some("8"), Some("9")),
            ("flagged", None, Some("true")),
            ("sprint", Some("4,5"), None),
            ("status", Some("1"), Some("3")),
        ];
        assert_eq!(seen, expected);
        assert!(changes.iter().all(|change| change.author.is_none()));
        assert!(!format!("{history:?}{changes:?}").contains("secret"));
    }

    #[test]
    fn a_parent_is_the_parent_else_the_epic_and_an_epic_that_cannot_be_seen_is_none() {
        let parent = |fields| rows(|rows| rows.issue(&issue(fields)).unwrap().parent_id);
        assert_eq!(parent(json!({"parent": {"id": "5"}, "customfield_3": "PAY-1"})), Some(5));
        assert_eq!(parent(json!({"customfield_3": "PAY-1"})), Some(11));
        assert_eq!(parent(json!({"customfield_3": "PAY-2"})), None);
    }

    #[test]
    fn null_people_unknown_statuses_and_the_first_filled_estimate_are_taken_as_they_are() {
        let row = rows(|rows| {
            rows.issue(&issue(json!({
                "status": {"id": "99"}, "assignee": null, "reporter": {"accountId": ""}, "labels": ["x", "ops"],
                "customfield_8": null, "customfield_9": 3.0, "customfield_2": [{"value": "Hindernis"}],
                "customfield_1": [{"id": 9}, {"id": 4}, {"id": 9}]
            })))
        });
        let row = row.unwrap();
        assert_eq!((row.status_category.as_str(), row.assignee, row.reporter), ("unknown", None, None));
        assert_eq!((row.estimate, row.flagged, row.labels.as_str()), (Some(3.0), true, "ops"));
        assert_eq!((row.sprints.as_str(), row.project.as_str()), ("4,9", "PAY"));
        assert_eq!((row.created_at, row.updated_at), (Millis(1_795_500_001_000), Millis(1_795_500_002_000)));
    }

    #[test]
    fn an_app_is_told_from_a_person() {
        let app = |kind: &str| {
            let issue = issue(json!({"reporter": {"accountId": "5b10", "accountType": kind}}));
            rows(|rows| rows.reporting_app(&issue)).is_some()
        };
        assert_eq!([app("app"), app("atlassian"), app("customer")], [true, false, false]);
        assert!(rows(|rows| rows.reporting_app(&issue(json!({"reporter": null})))).is_none());
    }

    #[test]
    fn an_issue_without_readable_times_is_no_row() {
        assert!(rows(|rows| rows.issue(&issue(json!({"updated": "yesterday"})))).is_none());
    }
}
