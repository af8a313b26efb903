//! Check runs of the heads of pull requests, where the configuration asks for them: when each began and how it ended.

use serde_json::{Value, json};

use super::answers::{Connection, Pull};
use super::rows::{Rows, instant};
use super::walk::{Walk, stuck};
use crate::collect::http::CollectError;
use crate::model::Batch;

/// Pull requests in one question: 10 × (1 head + 20 suites) makes 2 points.
pub(super) const IN_ONE: usize = 10;

impl Walk<'_> {
    /// All check runs of the head of each pull request, repeated ones too. Gives how much of them came as null.
    pub(super) async fn check_runs(
        &self,
        pulls: &[Pull],
        rows: &Rows<'_>,
        batch: &mut Batch,
    ) -> Result<u64, CollectError> {
        let mut lost = 0;
        for chunk in pulls.chunks(IN_ONE) {
            let ids: Vec<String> = chunk.iter().map(|pull| pull.id.clone()).collect();
            let query = question(&ids);
            let reply = self.client.graphql("check runs", &query, &json!({})).await?;
            for (at, pull) in chunk.iter().enumerate() {
                if reply.value.pointer(&format!("/data/p{at}")).is_none_or(Value::is_null) {
                    lost += 1;
                    continue;
                }
                // A pull request without commits has no head.
                let Some(head) = reply.value.pointer(&format!("/data/p{at}/commits/nodes/0/commit")) else { continue };
                let sha = head.get("oid").and_then(Value::as_str).unwrap_or_default();
                let suites: Connection<Value> = head
                    .get("checkSuites")
                    .and_then(|suites| serde_json::from_value(suites.clone()).ok())
                    .ok_or_else(not_allowed)?;
                let all: Vec<Connection<Value>> = suites
                    .nodes
                    .iter()
                    .map(|suite| serde_json::from_value(suite.get("checkRuns").cloned().unwrap_or_default()))
                    .collect::<Result<_, _>>()
                    .map_err(|_| not_allowed())?;
                let cut = suites.page_info.has_next_page || all.iter().any(|runs| runs.page_info.has_next_page);
                if cut {
                    self.listed_runs(sha, pull.number, rows, batch).await?;
                } else {
                    lost += suites.lost + all.iter().map(|runs| runs.lost).sum::<u64>();
                    let runs = all.iter().flat_map(|runs| runs.nodes.iter());
                    batch.check_runs.extend(runs.filter_map(|run| graph_run(run, sha, pull.number, rows)));
                }
            }
        }
        Ok(lost)
    }

    /// The list of a commit with more runs than one question holds.
    async fn listed_runs(
        &self,
        sha: &str,
        number: i64,
        rows: &Rows<'_>,
        batch: &mut Batch,
    ) -> Result<(), CollectError> {
        let mut before = 0;
        for page in 1.. {
            let path = format!("/repos/{}/commits/{sha}/check-runs?filter=all&per_page=100&page={page}", self.name);
            let answer = self.client.rest("GET /repos/{r}/commits/{sha}/check-runs", &path).await?;
            let value = answer.json().map_err(|_| CollectError::Scope("an answer is not JSON".to_owned()))?;
            let runs = value.get("check_runs").and_then(Value::as_array).ok_or_else(not_allowed)?;
            batch.check_runs.extend(runs.iter().filter_map(|run| rest_run(run, sha, number, rows)));
            before += runs.len();
            let total = value.get("total_count").and_then(Value::as_u64).unwrap_or(0);
            if u64::try_from(before).unwrap_or(u64::MAX) >= total {
                return Ok(());
            }
            if runs.is_empty() {
                return Err(stuck());
            }
        }
        Ok(())
    }
}

/// The question for the check runs of some pull requests.
pub(super) fn question(ids: &[String]) -> String {
    let asked = ids.iter().enumerate().map(|(at, id)| format!("p{at}: node(id: {}) {{ ...Checks }}", json!(id)));
    format!("query {{ rateLimit {{ cost }} {} }}", asked.collect::<Vec<_>>().join(" "))
}

fn not_allowed() -> CollectError {
    CollectError::Scope(
        "check runs cannot be read: give the token the right to read checks, or set check-runs = false".to_owned(),
    )
}

fn graph_run(run: &Value, sha: &str, number: i64, rows: &Rows<'_>) -> Option<crate::model::records::CheckRun> {
    let text = |name: &str| run.get(name).and_then(Value::as_str);
    let (id, started) = (run.get("databaseId")?.as_i64()?, instant(text("startedAt"))?);
    rows.check_run(id, sha, number, (started, instant(text("completedAt"))), text("conclusion"))
}

fn rest_run(run: &Value, sha: &str, number: i64, rows: &Rows<'_>) -> Option<crate::model::records::CheckRun> {
    let text = |name: &str| run.get(name).and_then(Value::as_str);
    let (id, started) = (run.get("id")?.as_i64()?, instant(text("started_at"))?);
    rows.check_run(id, sha, number, (started, instant(text("completed_at"))), text("conclusion"))
}
