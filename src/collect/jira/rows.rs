//! From Jira's answers to records.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::Value;

use super::answers::{History, Issue, User};
use crate::model::records::{self, IssueChange, IssueLink};
use crate::model::time::Millis;
use crate::model::{Account, Batch, Pseudonyms, Replaced};

/// The numbers of custom fields on this site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomFields {
    pub sprint: Option<String>,
    pub flagged: Option<String>,
    pub estimate: Option<String>,
    pub epic: Option<String>,
}

/// What all rows of a site share.
pub struct Rows<'a> {
    pub host: &'a str,
    pub names: &'a Pseudonyms,
    pub custom: &'a CustomFields,
    /// Categories by status id.
    pub categories: &'a BTreeMap<String, String>,
    /// Labels that may be stored.
    pub labels: &'a [String],
}

/// An instant: epoch milliseconds, or a text such as `2020-06-15T16:41:19.512+0800`. The offset is the caller's.
#[must_use]
pub fn instant(value: Option<&Value>) -> Option<Millis> {
    match value? {
        Value::Number(number) => number.as_i64().map(Millis),
        Value::String(text) => moment(text),
        _ => None,
    }
}

fn moment(text: &str) -> Option<Millis> {
    let parsed = text.parse::<jiff::Timestamp>().ok();
    let parsed = parsed.or_else(|| {
        // `+0800` without a colon.
        let (head, tail) = text.split_at_checked(text.len().checked_sub(2)?)?;
        format!("{head}:{tail}").parse().ok()
    });
    parsed.map(Millis::from_timestamp)
}

fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn date(value: Option<&Value>) -> Option<Date> {
    value?.as_str()?.get(..10)?.parse().ok()
}

/// The category of a status by its key.
#[must_use]
pub fn category(key: Option<&str>) -> &'static str {
    match key {
        Some("new") => "to_do",
        Some("indeterminate") => "in_progress",
        Some("done") => "done",
        _ => "unknown",
    }
}

impl Rows<'_> {
    fn account(&self, id: &str) -> Account {
        self.names.account("jira", self.host, id)
    }

    fn user(&self, value: Option<&Value>) -> Option<Account> {
        let user: User = serde_json::from_value(value?.clone()).ok()?;
        user.id().map(|id| self.account(id))
    }

    /// An issue with its links; `None` where its id or times cannot be read.
    pub fn issue(&self, issue: &Issue, batch: &mut Batch) -> Option<i64> {
        let fields = &issue.fields;
        let inner = |name: &str, key: &str| text(fields.get(name).and_then(|value| value.get(key)));
        let issue_id: i64 = issue.id.parse().ok()?;
        let status_id = inner("status", "id").unwrap_or_default();
        let own = fields.get("status").and_then(|status| status.pointer("/statusCategory/key")).and_then(Value::as_str);
        let listed = self.categories.get(&status_id).map(String::as_str);
        let custom = |name: &Option<String>| name.as_ref().and_then(|name| fields.get(name));
        batch.issues.push(records::Issue {
            host: self.host.to_owned(),
            issue_id,
            key: issue.key.clone(),
            project: inner("project", "key").unwrap_or_default(),
            r#type: inner("issuetype", "name").unwrap_or_default(),
            status_category: listed.unwrap_or_else(|| category(own)).to_owned(),
            status_id,
            priority: inner("priority", "name"),
            created_at: instant(fields.get("created"))?,
            updated_at: instant(fields.get("updated"))?,
            resolved_at: instant(fields.get("resolutiondate")),
            assignee: self.user(fields.get("assignee")),
            reporter: self.user(fields.get("reporter")),
            parent_id: inner("parent", "id").and_then(|id| id.parse().ok()),
            due_on: date(fields.get("duedate")),
            fix_version_on: first_release(fields.get("fixVersions")),
            labels: self.kept_labels(fields.get("labels")),
            sprints: custom(&self.custom.sprint).map(sprint_ids).unwrap_or_default(),
            estimate: custom(&self.custom.estimate).and_then(Value::as_f64),
            flagged: custom(&self.custom.flagged).and_then(Value::as_array).is_some_and(|flags| !flags.is_empty()),
            gone: None,
        });
        for link in fields.get("issuelinks").and_then(Value::as_array).into_iter().flatten() {
            batch.issue_links.extend(self.link(issue_id, link));
        }
        batch.replaced.push(Replaced::Issue { host: self.host.to_owned(), issue_id });
        Some(issue_id)
    }

    fn kept_labels(&self, value: Option<&Value>) -> String {
        let all = value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let mut kept: Vec<&str> = all.filter(|label| self.labels.iter().any(|kept| kept == label)).collect();
        kept.sort_unstable();
        kept.join(",")
    }

    fn link(&self, issue_id: i64, link: &Value) -> Option<IssueLink> {
        let (direction, other) = match (link.get("inwardIssue"), link.get("outwardIssue")) {
            (Some(other), _) => ("inward", other),
            (None, Some(other)) => ("outward", other),
            (None, None) => return None,
        };
        Some(IssueLink {
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
        let Some(at) = instant(Some(&history.created)) else { return Vec::new() };
        let author = history.author.as_ref().and_then(User::id).map(|id| self.account(id));
        let mut fields: BTreeMap<&'static str, (Vec<String>, Vec<String>)> = BTreeMap::new();
        for item in &history.items {
            let Some(field) = item.field else { continue };
            let (from, to) = fields.entry(field).or_default();
            if field == "flagged" {
                from.extend(item.flagged.0.then(|| "true".to_owned()));
                to.extend(item.flagged.1.then(|| "true".to_owned()));
            } else {
                from.extend(item.from.as_deref().map(|value| self.value(field, value)));
                to.extend(item.to.as_deref().map(|value| self.value(field, value)));
            }
        }
        let joined = |values: Vec<String>| (!values.is_empty()).then(|| values.join(","));
        fields
            .into_iter()
            .map(|(field, (from, to))| IssueChange {
                host: self.host.to_owned(),
                issue_id,
                change_id: history.id.clone(),
                field: field.to_owned(),
                at,
                author,
                from: joined(from),
                to: joined(to),
            })
            .collect()
    }

    /// A changed value as it is stored: accounts as numbers, dates without time, lists without blanks.
    fn value(&self, field: &str, value: &str) -> String {
        match field {
            "assignee" => self.account(value).to_stored().to_string(),
            "duedate" => value.get(..10).unwrap_or(value).to_owned(),
            "sprint" => value.replace(' ', ""),
            _ => value.to_owned(),
        }
    }
}

fn first_release(versions: Option<&Value>) -> Option<Date> {
    versions?.as_array()?.iter().filter_map(|version| date(version.get("releaseDate"))).min()
}

/// Sprint ids of a field's value: objects, or texts of Java's `toString` with `[id=7,state=…]`.
fn sprint_ids(value: &Value) -> String {
    let one = |sprint: &Value| match sprint {
        Value::Object(_) => text(sprint.get("id")),
        Value::String(printed) => {
            let (_, tail) = printed.split_once("id=")?;
            Some(tail.chars().take_while(char::is_ascii_digit).collect())
        }
        _ => None,
    };
    let mut ids: Vec<i64> =
        value.as_array().into_iter().flatten().filter_map(one).filter_map(|id: String| id.parse().ok()).collect();
    ids.sort_unstable();
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_and_sprints_come_in_several_forms() {
        let expected = Some(Millis(1_592_210_479_512));
        assert_eq!(moment("2020-06-15T16:41:19.512+0800"), expected);
        assert_eq!(moment("2020-06-15T08:41:19.512Z"), expected);
        assert_eq!(instant(Some(&json!(1_592_210_479_512_i64))), expected);
        assert_eq!(moment("yesterday"), None);
        let printed = "com.atlassian.greenhopper.service.sprint.Sprint@1f[id=12,rapidViewId=3,name=a, id=9]";
        assert_eq!(sprint_ids(&json!([printed, {"id": 7}])), "7,12");
    }

    #[test]
    fn a_history_keeps_allowed_fields_and_drops_what_people_wrote() {
        let history: History = serde_json::from_value(json!({
            "id": 5, "created": 1000, "author": {"accountId": ""},
            "items": [
                {"field": "description", "fieldId": "description", "fromString": "secret", "toString": "secret"},
                {"field": "status", "fieldId": "status", "from": "1", "to": "3", "fromString": "secret"},
                {"field": "Flagged", "fieldId": "customfield_1", "fromString": "", "toString": "Impediment"},
                {"field": "Fix Version", "from": null, "to": "9"}, {"field": "Fix Version", "from": "8", "to": null}
            ]
        }))
        .unwrap();
        let names = Pseudonyms::new([1; 32]);
        let (custom, categories) = (CustomFields::default(), BTreeMap::new());
        let rows = Rows { host: "h", names: &names, custom: &custom, categories: &categories, labels: &[] };
        let changes = rows.changes(7, &history);
        let seen: Vec<(&str, Option<&str>, Option<&str>)> = changes
            .iter()
            .map(|change| (change.field.as_str(), change.from.as_deref(), change.to.as_deref()))
            .collect();
        assert_eq!(
            seen,
            [("fix_version", Some("8"), Some("9")), ("flagged", None, Some("true")), ("status", Some("1"), Some("3"))]
        );
        assert!(!format!("{history:?}{changes:?}").contains("secret"));
    }
}
