//! From the bytes of Jira's answers to rows, without a service: for tests of hostile input.

use std::collections::BTreeMap;

use serde_json::Value;

use super::answers::{Issue, number};
use super::changes::Log;
use super::fields::{ChangedFields, CustomFields};
use super::rows::Rows;
use crate::collect::http::Answer;
use crate::model::time::Millis;
use crate::model::{Batch, Pseudonyms};

fn whole(bytes: &[u8]) -> Option<Value> {
    Answer { status: 200, headers: http::HeaderMap::new(), body: bytes.to_vec() }.json().ok()
}

/// The fields of a site by its list of fields.
fn custom() -> CustomFields {
    CustomFields::of(&Value::Null)
}

/// The rows of a page of issues.
#[must_use]
pub fn issues(bytes: &[u8], names: &Pseudonyms) -> Batch {
    let (custom, none, categories) = (custom(), BTreeMap::new(), BTreeMap::new());
    let rows = rows(names, &custom, &none, &categories);
    let mut batch = Batch::default();
    let issues = whole(bytes).and_then(|mut value| Some(value.get_mut("issues")?.take()));
    for value in issues.iter().filter_map(Value::as_array).flatten() {
        let Some(issue) = Issue::read(value.clone()) else { continue };
        batch.issues.extend(rows.issue(&issue));
        batch.issue_links.extend(rows.links(&issue));
    }
    batch
}

/// The rows of a page of changes.
#[must_use]
pub fn changes(bytes: &[u8], names: &Pseudonyms) -> Batch {
    let (custom, none, categories) = (custom(), BTreeMap::new(), BTreeMap::new());
    let (rows, changed) = (rows(names, &custom, &none, &categories), ChangedFields::of(&custom, &[]));
    let mut log = Log::new(&rows, &changed);
    let value = whole(bytes).unwrap_or_default();
    for one in value.get("issueChangeLogs").and_then(Value::as_array).into_iter().flatten() {
        let Some(id) = number(one.get("issueId")) else { continue };
        for history in one.get("changeHistories").and_then(Value::as_array).into_iter().flatten() {
            log.add(id, history);
        }
    }
    Batch { issue_changes: log.changes.rows().collect(), ..Batch::default() }
}

fn rows<'a>(
    names: &'a Pseudonyms,
    custom: &'a CustomFields,
    epics: &'a BTreeMap<String, Option<i64>>,
    categories: &'a BTreeMap<String, String>,
) -> Rows<'a> {
    Rows { host: "j", clocks: Millis(i64::MAX), names, custom, estimates: &[], categories, labels: &[], epics }
}
