//! A small Jira for tests, Cloud and Data Center: the questions that the program asks, answered from issues in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::canary::{Salt, salted};

/// What the double knows and what it was asked. `issues` carry their `changelog`, as Jira's own `expand` gives it.
#[derive(Default)]
pub struct Jira {
    pub issues: Vec<Value>,
    pub statuses: Vec<Value>,
    pub sprints: Vec<Value>,
    pub fields: Vec<Value>,
    /// Rows of one page, whatever is asked for.
    pub page: usize,
    /// Texts that stand in every object of every answer, asked for or not.
    pub salt: Salt,
    /// Who asks, by token; another token's account has the number 1.
    pub accounts: BTreeMap<String, String>,
    /// What the account may do, as `mypermissions` tells it; `None`: the site does not tell.
    pub permissions: Option<Value>,
    /// What was asked, one word each, in order.
    pub asked: Vec<String>,
}

/// Starts the double; it stops with the returned server.
pub async fn start(jira: Jira) -> (MockServer, Arc<Mutex<Jira>>) {
    // A server of its own: pooled ones go on answering when they are dropped.
    let server = MockServer::builder().start().await;
    let shared = Arc::new(Mutex::new(jira));
    let answering = Arc::clone(&shared);
    let answer = move |request: &Request| answering.lock().expect("no answer panics").answer(request);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    (server, shared)
}

/// The instant of a Jira time, in milliseconds.
fn millis(value: &Value) -> i64 {
    let text = value.as_str().unwrap_or_default();
    let parsed = jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", text).and_then(|time| time.to_timestamp());
    parsed.map_or(0, |at| at.as_millisecond())
}

impl Jira {
    fn answer(&mut self, request: &Request) -> ResponseTemplate {
        let path = request.url.path();
        let asked: BTreeMap<String, String> = request.url.query_pairs().into_owned().collect();
        let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        let last = path.rsplit('/').next().unwrap_or_default().to_owned();
        self.asked.push(last.clone());
        let start = asked.get("startAt").and_then(|at| at.parse().ok()).unwrap_or(0);
        let value = match (last.as_str(), path) {
            ("myself", _) => {
                let bearer = request.headers.get("authorization").and_then(|value| value.to_str().ok());
                let own = self.accounts.iter().find(|(token, _)| bearer == Some(&format!("Bearer {token}")));
                let id = own.map_or("1", |(_, id)| id);
                json!({ "accountId": id, "key": id })
            }
            ("mypermissions", _) if self.permissions.is_some() => json!({ "permissions": self.permissions }),
            ("field", _) => json!(self.fields),
            ("status", _) => json!(self.statuses),
            ("jql", _) => self.cloud_page(&body),
            ("bulkfetch", _) => self.changelogs(&body),
            ("search", _) => self.server_page(&asked, start),
            (key, path) if path.ends_with(&format!("/project/{key}")) => match self.project(key) {
                Some(project) => project,
                None => return ResponseTemplate::new(404).set_body_json(json!({})),
            },
            ("configuration", _) => json!({ "id": 1, "type": "scrum" }),
            ("board", _) => json!({ "values": [], "isLast": true }),
            ("sprint", _) => {
                let page = self.part(&self.sprints, start);
                json!({ "values": page, "startAt": start, "isLast": start + page.len() >= self.sprints.len() })
            }
            _ => return ResponseTemplate::new(404).set_body_json(json!({})),
        };
        ResponseTemplate::new(200).set_body_json(salted(&value, &self.salt))
    }

    fn part(&self, rows: &[Value], start: usize) -> Vec<Value> {
        rows.iter().skip(start).take(self.page.max(1)).cloned().collect()
    }

    /// A project by its key; a project without issues has the number 1.
    fn project(&self, key: &str) -> Option<Value> {
        let known = self.issues.iter().map(|issue| &issue["fields"]["project"]).find(|project| project["key"] == key);
        let id = known.map_or(json!("1"), |project| project["id"].clone());
        (known.is_some() || self.issues.is_empty()).then(|| json!({ "id": id, "key": key }))
    }

    /// The issues that a question means: those of a list, or one project's that changed since.
    fn matching(&self, jql: &str) -> Vec<Value> {
        let mut words = jql.split(' ');
        let field = words.next().unwrap_or_default();
        let inside = jql.split(['(', ')']).nth(1).unwrap_or_default();
        let listed: Vec<&str> = inside.split(',').map(|one| one.trim().trim_matches('"')).collect();
        let project = jql.split("project = ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        let since = jql.split("updated >= ").nth(1).and_then(|rest| rest.split(' ').next());
        let since: i64 = since.map_or(0, |since| since.parse().expect("the question names a time"));
        let own = |issue: &&Value| match field {
            "id" | "key" => listed.iter().any(|one| issue[field] == *one),
            _ => issue["fields"]["project"]["id"] == project && millis(&issue["fields"]["updated"]) >= since,
        };
        let mut found: Vec<Value> = self.issues.iter().filter(own).cloned().collect();
        found.sort_by_key(|issue| millis(&issue["fields"]["updated"]));
        found
    }

    fn cloud_page(&self, body: &Value) -> Value {
        let all = self.matching(body["jql"].as_str().unwrap_or_default());
        let start: usize = body["nextPageToken"].as_str().and_then(|token| token.parse().ok()).unwrap_or(0);
        let mut page = self.part(&all, start);
        let wanted = body["fields"].as_array().cloned().unwrap_or_default();
        for issue in &mut page {
            if let Some(issue) = issue.as_object_mut() {
                issue.remove("changelog");
            }
            if let Some(fields) = issue["fields"].as_object_mut() {
                fields.retain(|name, _| wanted.iter().any(|wanted| wanted == name));
            }
        }
        let next = start + page.len();
        let mut answer = json!({ "issues": page, "isLast": next >= all.len() });
        if next < all.len() {
            answer["nextPageToken"] = json!(next.to_string());
        }
        answer
    }

    fn server_page(&self, asked: &BTreeMap<String, String>, start: usize) -> Value {
        let all = self.matching(&asked["jql"]);
        json!({ "issues": self.part(&all, start), "startAt": start, "total": all.len(), "maxResults": self.page })
    }

    /// Histories of the asked issues with the items of the asked fields alone, oldest first; at most ten fields.
    fn changelogs(&self, body: &Value) -> Value {
        let asked = body["fieldIds"].as_array().cloned().unwrap_or_default();
        assert!(asked.len() <= 10, "Jira takes at most ten fields");
        let mut rows = Vec::new();
        for id in body["issueIdsOrKeys"].as_array().into_iter().flatten() {
            let Some(issue) = self.issues.iter().find(|issue| issue["id"] == *id) else { continue };
            let mut histories = issue["changelog"]["histories"].as_array().cloned().unwrap_or_default();
            histories.reverse();
            for mut history in histories {
                if let Some(items) = history["items"].as_array_mut() {
                    items.retain(|item| asked.iter().any(|wanted| item["fieldId"] == *wanted));
                }
                if history["items"].as_array().is_some_and(|items| !items.is_empty()) {
                    history["created"] = json!(millis(&history["created"]));
                    rows.push(json!({ "issueId": id, "changeHistories": [history] }));
                }
            }
        }
        let start: usize = body["nextPageToken"].as_str().and_then(|token| token.parse().ok()).unwrap_or(0);
        let size = 10 * self.page.max(1);
        let page: Vec<Value> = rows.iter().skip(start).take(size).cloned().collect();
        let mut answer = json!({ "issueChangeLogs": page });
        if start + size < rows.len() {
            answer["nextPageToken"] = json!((start + size).to_string());
        }
        answer
    }
}
