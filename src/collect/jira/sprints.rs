//! The sprints of the boards. Closed ones do not change: once a board was read whole, a night asks for its active and
//! future sprints, and for each one that was among them before and no longer is. Once a week a board is read whole.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::answers::{instant, number};
use super::client::Client;
use super::site::{Board, Problem, Site, board_label};
use super::{JiraSource, WEEK, failure, shape};
use crate::collect::http::CollectError;
use crate::collect::{Context, Cursor, Delivery, ScopeReport};
use crate::model::Batch;
use crate::model::records::Sprint;

const VERSION: &str = "1";

/// Reads the sprints of every board, with a report of each; a board that fails does not stop the others.
pub async fn sprints(source: &JiraSource, client: &Client, context: &Context, site: &Site) -> Vec<ScopeReport> {
    let problem =
        |one: &Problem| ScopeReport::failed(source.scope("sprints", &one.scope), &one.label, one.reason.clone());
    let mut reports: Vec<ScopeReport> = site.problems.iter().map(problem).collect();
    let mut seen = BTreeSet::new();
    for board in site.boards.iter().filter(|board| board.kind != "kanban") {
        let reading = Reading { source, client, context, site, board };
        let (id, label) = (reading.scope(), board_label(board.id, board.found_for.as_deref()));
        let mut pages = 0;
        match reading.read(&mut pages).await {
            Ok((mut sprints, cursor)) => {
                // A sprint appears under several boards.
                sprints.retain(|sprint| seen.insert(sprint.sprint_id));
                let rows = sprints.len() as u64;
                let batch = Batch { sprints, ..Batch::default() };
                let delivery = Delivery { scope: reading.scope(), batch, cursor };
                if let Err(gone) = context.deliver(delivery).await {
                    reports.push(failure(id, &label, &gone.into()));
                    return reports;
                }
                reports.push(ScopeReport::complete(id, label, rows, pages));
            }
            Err(error) => {
                reports.push(failure(id, &label, &error));
                // Refused credentials are not tried again.
                if error.is_refused() {
                    return reports;
                }
            }
        }
    }
    reports
}

struct Reading<'a> {
    source: &'a JiraSource,
    client: &'a Client,
    context: &'a Context,
    site: &'a Site,
    board: &'a Board,
}

impl Reading<'_> {
    fn scope(&self) -> crate::model::ScopeId {
        self.source.scope("sprints", &self.board.id.to_string())
    }

    async fn read(&self, pages: &mut u64) -> Result<(Vec<Sprint>, Option<Cursor>), CollectError> {
        let known = self.context.cursor(&self.scope(), VERSION);
        let whole_at = known.and_then(|cursor| cursor.updated_to);
        let now = self.site.server_time.0;
        let whole = whole_at.is_none_or(|at| now - at >= WEEK || at > now);
        let filter = if whole { "" } else { "&state=active,future" };
        let mut found = match self.list(filter, pages).await {
            // A kanban board that does not say so.
            Err(CollectError::BadQuestion(400)) => return Ok((Vec::new(), None)),
            other => other?,
        };
        if !whole {
            let before = known.and_then(|cursor| cursor.position.as_deref()).unwrap_or_default();
            for id in before.split(',').filter_map(|id| id.parse::<i64>().ok()) {
                if !found.contains_key(&id)
                    && let Some(sprint) = self.one(id, pages).await?
                {
                    found.insert(id, sprint);
                }
            }
        }
        let open = found.values().filter(|sprint| sprint.state != "closed").map(|sprint| sprint.sprint_id.to_string());
        let cursor = Cursor {
            updated_to: if whole { Some(now) } else { whole_at },
            position: Some(open.collect::<Vec<_>>().join(",")),
            scope_hash: VERSION.to_owned(),
            ..Cursor::default()
        };
        Ok((found.into_values().collect(), Some(cursor)))
    }

    async fn list(&self, filter: &str, pages: &mut u64) -> Result<BTreeMap<i64, Sprint>, CollectError> {
        let (mut found, mut start) = (BTreeMap::new(), 0);
        loop {
            let path = format!("/rest/agile/1.0/board/{}/sprint?startAt={start}&maxResults=50{filter}", self.board.id);
            let answer = self.client.get("GET /board/{id}/sprint", &path).await?;
            *pages += 1;
            let values = answer.get("values").and_then(Value::as_array).ok_or_else(|| shape("a list of sprints"))?;
            for sprint in values {
                let row = self.row(sprint).ok_or_else(|| shape("a sprint"))?;
                found.insert(row.sprint_id, row);
            }
            start += values.len();
            if values.is_empty() || answer.get("isLast").and_then(Value::as_bool).unwrap_or(true) {
                return Ok(found);
            }
        }
    }

    /// A sprint that is no longer active or future; `None` where it was deleted.
    async fn one(&self, id: i64, pages: &mut u64) -> Result<Option<Sprint>, CollectError> {
        *pages += 1;
        match self.client.get("GET /sprint/{id}", &format!("/rest/agile/1.0/sprint/{id}")).await {
            Ok(sprint) => self.row(&sprint).ok_or_else(|| shape("a sprint")).map(Some),
            Err(CollectError::NotVisible) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Future sprints have no dates.
    fn row(&self, sprint: &Value) -> Option<Sprint> {
        Some(Sprint {
            host: self.source.host.clone(),
            sprint_id: number(sprint.get("id"))?,
            board_id: number(sprint.get("originBoardId")),
            state: sprint.get("state").and_then(Value::as_str).unwrap_or_default().to_lowercase(),
            starts_at: instant(sprint.get("startDate")),
            ends_at: instant(sprint.get("endDate")),
            completed_at: instant(sprint.get("completeDate")),
        })
    }
}
