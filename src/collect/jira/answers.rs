//! Jira's answers as lenient structs of our own. Of changes only the allow-listed fields pass the deserialiser.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// An issue with its fields as they came; only named ones are ever looked at.
#[derive(Debug, Deserialize)]
pub struct Issue {
    pub id: String,
    #[serde(default)]
    pub key: String,
    #[serde(default)]
    pub fields: serde_json::Map<String, Value>,
    #[serde(default)]
    pub changelog: Option<Changelog>,
}

/// An embedded changelog (Data Center).
#[derive(Debug, Default, Deserialize)]
pub struct Changelog {
    #[serde(default)]
    pub total: Option<usize>,
    #[serde(default)]
    pub histories: Vec<History>,
}

/// Some changes made at once.
#[derive(Debug, Deserialize)]
pub struct History {
    #[serde(deserialize_with = "text_or_number")]
    pub id: String,
    #[serde(default)]
    pub author: Option<User>,
    /// A text with an offset, or epoch milliseconds.
    #[serde(default)]
    pub created: Value,
    #[serde(default)]
    pub items: Vec<Item>,
}

/// One changed field; values are dropped here where the field is not on the allow-list.
#[derive(Debug)]
pub struct Item {
    pub field: Option<&'static str>,
    pub from: Option<String>,
    pub to: Option<String>,
    /// The flag's words, which have no ids.
    pub flagged: (bool, bool),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawItem {
    #[serde(default)]
    field: String,
    #[serde(default)]
    field_id: Option<String>,
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    to: Option<String>,
    #[serde(default)]
    from_string: Option<String>,
    #[serde(default)]
    to_string: Option<String>,
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawItem::deserialize(deserializer)?;
        let field = allowed(&raw.field, raw.field_id.as_deref());
        let kept = |value: Option<String>| value.filter(|value| field.is_some() && !value.is_empty());
        let set = |words: &Option<String>| words.as_ref().is_some_and(|words| !words.is_empty());
        Ok(Self {
            field,
            flagged: (set(&raw.from_string), set(&raw.to_string)),
            // An estimate is a number that stands in the words alone.
            from: kept(if field == Some("estimate") { raw.from_string.clone() } else { raw.from }),
            to: kept(if field == Some("estimate") { raw.to_string.clone() } else { raw.to }),
        })
    }
}

/// The stable name of a field whose changes are kept.
fn allowed(field: &str, id: Option<&str>) -> Option<&'static str> {
    let name = match id {
        Some(id) if !id.starts_with("customfield_") => id.to_lowercase(),
        _ => field.to_lowercase(),
    };
    Some(match name.as_str() {
        "status" => "status",
        "assignee" => "assignee",
        "duedate" => "duedate",
        "sprint" => "sprint",
        "fixversions" | "fix version" => "fix_version",
        "flagged" => "flagged",
        "priority" => "priority",
        "issuetype" => "issue_type",
        "resolution" => "resolution",
        "story points" | "story point estimate" => "estimate",
        "parent" | "epic link" | "issueparentassociation" => "parent",
        "key" | "issuekey" => "key",
        "project" => "project",
        _ => return None,
    })
}

fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        other => other.to_string(),
    })
}

/// An account: of it only the id is kept.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    #[serde(default)]
    account_id: Option<String>,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

impl User {
    /// Cloud's account id, Data Center's user key; `None` where it is missing or empty.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        let ids = [&self.account_id, &self.key, &self.name];
        ids.into_iter().flatten().map(String::as_str).find(|id| !id.is_empty())
    }
}
