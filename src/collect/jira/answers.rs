//! Jira's answers as lenient structs of our own. Of changes only the allow-listed fields are taken over.
//!
//! An answer of an unknown shape is `None` here: it costs a row, which is counted, and not the page.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::Value;

use super::fields::ChangedFields;
use crate::model::time::Millis;

/// An issue with its fields as they came; only named ones are ever looked at.
#[derive(Debug)]
pub struct Issue {
    pub id: i64,
    pub key: String,
    pub fields: serde_json::Map<String, Value>,
    pub changelog: Option<Changelog>,
}

/// An embedded changelog (Data Center).
#[derive(Debug)]
pub struct Changelog {
    /// How many histories there are, which may be more than came.
    pub total: Option<usize>,
    pub histories: Vec<Value>,
}

impl Issue {
    /// Takes an issue of a page apart; `None` where it has no number or no fields.
    #[must_use]
    pub fn read(mut value: Value) -> Option<Self> {
        let id = number(value.get("id"))?;
        let key = text(value.get("key")).unwrap_or_default();
        let changelog = value.get_mut("changelog").map(Value::take).and_then(|mut log| {
            let total = log.get("total").and_then(Value::as_u64).and_then(|total| usize::try_from(total).ok());
            let Value::Array(histories) = log.get_mut("histories")?.take() else { return None };
            Some(Changelog { total, histories })
        });
        let Value::Object(fields) = value.get_mut("fields")?.take() else { return None };
        Some(Self { id, key, fields, changelog })
    }

    /// When it last changed.
    #[must_use]
    pub fn updated(&self) -> Option<Millis> {
        instant(self.fields.get("updated"))
    }
}

/// Some changes made at once, reduced to the allow-listed fields.
#[derive(Debug)]
pub struct History {
    pub id: String,
    pub author: Option<User>,
    pub at: Millis,
    pub items: Vec<Item>,
}

/// One changed field.
#[derive(Debug, PartialEq, Eq)]
pub struct Item {
    pub field: &'static str,
    pub from: Option<String>,
    pub to: Option<String>,
}

impl History {
    /// Takes a history apart; what its items say of other fields is dropped here. `None` where it has no id or time.
    #[must_use]
    pub fn read(value: &Value, fields: &ChangedFields) -> Option<Self> {
        let id = text(value.get("id"))?;
        let at = instant(value.get("created"))?;
        let author = value.get("author").and_then(|author| serde_json::from_value(author.clone()).ok());
        let items = value.get("items").and_then(Value::as_array).into_iter().flatten();
        Some(Self { id, author, at, items: items.filter_map(|item| Item::read(item, fields)).collect() })
    }

    /// Whether the issue moved to another project with it.
    #[must_use]
    pub fn moves(&self) -> bool {
        self.items.iter().any(|item| item.field == "project")
    }
}

impl Item {
    fn read(item: &Value, fields: &ChangedFields) -> Option<Self> {
        let word = |name: &str| item.get(name).and_then(Value::as_str).filter(|word| !word.is_empty());
        let field = fields.name(word("fieldId"), word("field").unwrap_or_default(), word("fieldtype"))?;
        let side = |id: &str, words: &str| match field {
            // The flag has words only, and which words depends on the language.
            "flagged" => word(words).map(|_| "true".to_owned()),
            // Estimates and keys stand in the words alone.
            "estimate" => word(words).filter(|words| words.parse::<f64>().is_ok()).map(str::to_owned),
            "key" => word(words).filter(|words| is_key(words)).map(str::to_owned),
            "sprint" => text(item.get(id)).map(|list| list.replace(' ', "")).filter(|list| is_list(list)),
            "duedate" => word(id).map(|day| day.get(..10).unwrap_or(day).to_owned()),
            _ => text(item.get(id)).filter(|id| !id.is_empty()),
        };
        Some(Self { field, from: side("from", "fromString"), to: side("to", "toString") })
    }
}

/// A list of numbers, as Jira writes several sprints.
fn is_list(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b',')
}

/// Whether a text can be the key of an issue, such as `PAY-12`.
#[must_use]
pub fn is_key(text: &str) -> bool {
    text.rsplit_once('-').is_some_and(|(project, number)| {
        project.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && project.starts_with(|first: char| first.is_ascii_alphabetic())
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// An account: of it only the id is kept, and whether it is an app's, which counts as automation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    #[serde(default)]
    account_id: Option<String>,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    account_type: Option<String>,
}

impl User {
    /// Whether it is an app's account; only Cloud says so.
    #[must_use]
    pub fn is_app(&self) -> bool {
        self.account_type.as_deref() == Some("app")
    }

    /// Cloud's account id, Data Center's user key; `None` where it is missing or empty.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        let ids = [&self.account_id, &self.key, &self.name];
        ids.into_iter().flatten().map(String::as_str).find(|id| !id.is_empty())
    }
}

/// An instant: epoch milliseconds, or a text such as `2020-06-15T16:41:19.512+0800`. The offset is the caller's. None
/// where no service could mean it.
#[must_use]
pub fn instant(value: Option<&Value>) -> Option<Millis> {
    match value? {
        Value::Number(number) => number.as_i64().map(Millis),
        Value::String(text) => moment(text),
        _ => None,
    }
    .and_then(Millis::plausible)
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

/// A text, or a number written as one.
#[must_use]
pub fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A number, or a text that is one.
#[must_use]
pub fn number(value: Option<&Value>) -> Option<i64> {
    text(value)?.parse().ok()
}

/// The date at the beginning of a text.
#[must_use]
pub fn date(value: Option<&Value>) -> Option<Date> {
    value?.as_str()?.get(..10)?.parse().ok()
}

/// The earliest release date of a list of versions.
#[must_use]
pub fn first_release(versions: Option<&Value>) -> Option<Date> {
    versions?.as_array()?.iter().filter_map(|version| date(version.get("releaseDate"))).min()
}

/// Sprint ids of a field's value: objects, numbers, or texts of Java's `toString` with `[id=7,state=…]`.
#[must_use]
pub fn sprint_ids(value: &Value) -> Vec<i64> {
    let one = |sprint: &Value| match sprint {
        Value::Object(_) => number(sprint.get("id")),
        Value::Number(id) => id.as_i64(),
        Value::String(printed) => {
            // Names may hold brackets and commas, but the id stands before them.
            let (_, tail) = printed.split_once("[id=").or_else(|| printed.split_once(",id="))?;
            let digits = tail.find(|digit: char| !digit.is_ascii_digit()).map_or(tail, |end| &tail[..end]);
            digits.parse().ok()
        }
        _ => None,
    };
    match value {
        Value::Array(sprints) => sprints.iter().filter_map(one).collect(),
        Value::Null => Vec::new(),
        single => one(single).into_iter().collect(),
    }
}

/// Categories by status id.
pub type Categories = BTreeMap<String, String>;

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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_come_in_several_forms() {
        let expected = Some(Millis(1_592_210_479_512));
        assert_eq!(moment("2020-06-15T16:41:19.512+0800"), expected);
        assert_eq!(moment("2020-06-15T08:41:19.512Z"), expected);
        assert_eq!(instant(Some(&json!(1_592_210_479_512_i64))), expected);
        assert_eq!(moment("yesterday"), None);
        assert_eq!(moment("9999-12-31T23:59:59.999+0000"), None);
    }

    #[test]
    fn sprints_come_as_objects_numbers_and_printed_java() {
        let printed = "com.atlassian.greenhopper.service.sprint.Sprint@1f[id=12,rapidViewId=3,name=a, [id=9], x]";
        assert_eq!(sprint_ids(&json!([printed, {"id": 7}, 5])), [12, 7, 5]);
        assert_eq!(sprint_ids(&json!(["Sprint@1[rapidViewId=3,id=44,name=b]"])), [44]);
        assert_eq!(sprint_ids(&Value::Null), [0_i64; 0]);
    }

    #[test]
    fn a_key_is_told_from_other_words() {
        for (text, expected) in [("PAY-12", true), ("A_1-7", true), ("12", false), ("pay me - 5", false), ("-5", false)]
        {
            assert_eq!(is_key(text), expected, "{text}");
        }
    }

    #[test]
    fn an_issue_without_number_or_fields_is_of_an_unknown_shape() {
        assert!(Issue::read(json!({"id": "7", "fields": {}})).is_some());
        assert!(Issue::read(json!({"id": 7, "fields": {}})).is_some());
        assert!(Issue::read(json!({"id": "x", "fields": {}})).is_none());
        assert!(Issue::read(json!({"id": "7", "fields": []})).is_none());
        assert!(Issue::read(json!("7")).is_none());
    }
}
