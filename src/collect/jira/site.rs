//! What holds for a whole site: who asks, the server's time, custom fields, statuses and boards.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::Value;

use super::answers::{Categories, category, instant, number, text};
use super::client::Client;
use super::fields::CustomFields;
use super::{Flavour, JiraSource, shape};
use crate::collect::http::CollectError;
use crate::collect::{Context, Delivery};
use crate::model::Batch;
use crate::model::records::{Status, Tracker};
use crate::model::time::Millis;

/// What was learned of a site before its projects are read.
pub struct Site {
    pub custom: CustomFields,
    pub categories: Categories,
    /// The server's clock when the reading began.
    pub server_time: Millis,
    /// The zone in which questions of this account with a date are read.
    pub zone: Option<TimeZone>,
    pub boards: Vec<Board>,
    /// Boards of which nothing could be learned.
    pub problems: Vec<Problem>,
}

/// Something about boards that could not be learned: scope, name and reason.
#[derive(Clone, Debug)]
pub struct Problem {
    pub scope: String,
    pub label: String,
    pub reason: String,
}

impl Problem {
    fn new(scope: &str, label: &str, error: &CollectError) -> Self {
        Self { scope: scope.to_owned(), label: label.to_owned(), reason: error.to_string() }
    }
}

/// How a board is called: `board 12`, or `board 12 of PAY` where it was looked for on behalf of a project.
#[must_use]
pub fn board_label(id: i64, project: Option<&str>) -> String {
    project.map_or_else(|| format!("board {id}"), |project| format!("board {id} of {project}"))
}

/// A board with what its configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Board {
    pub id: i64,
    /// `scrum`, `kanban` or `simple`; empty where it does not say.
    pub kind: String,
    /// Number or key of its project.
    pub project: Option<String>,
    /// The project of the configuration on whose behalf it was looked for; `None` where the configuration names it.
    pub found_for: Option<String>,
    /// The field in which it estimates.
    pub estimate: Option<String>,
}

impl Site {
    /// The fields in which issues of a project are estimated.
    #[must_use]
    pub fn estimates(&self, id: &str, key: &str) -> Vec<String> {
        let told = self.boards.iter().filter_map(|board| Some((board.project.clone(), board.estimate.clone()?)));
        self.custom.estimates(&told.collect::<Vec<_>>(), [id, key])
    }
}

/// Looks at a site.
///
/// # Errors
/// [`CollectError`]; then no project of it can be read.
pub async fn site(source: &JiraSource, client: &Client, context: &Context) -> Result<Site, CollectError> {
    let api = source.api();
    let myself = client.get("GET /myself", &format!("{api}/myself")).await?;
    if ["accountId", "key", "name"].iter().all(|name| myself.get(name).is_none()) {
        return Err(CollectError::Refused("Jira does not say who asks; check user and token".to_owned()));
    }
    let server_time = server_time(source, client).await?.unwrap_or(context.now);
    let fields = client.get("GET /field", &format!("{api}/field")).await?;
    let statuses = client.get("GET /status", &format!("{api}/status")).await?;
    let batch = Batch { statuses: listed_statuses(source, &statuses)?, ..Batch::default() };
    let categories = batch.statuses.iter().map(|status| (status.status_id.clone(), status.category.clone())).collect();
    context.deliver(Delivery { scope: source.scope("statuses", "all"), batch, cursor: None }).await?;
    let zone = myself.get("timeZone").and_then(Value::as_str).and_then(|name| TimeZone::get(name).ok());
    let mut site = Site {
        custom: CustomFields::of(&fields),
        categories,
        server_time,
        zone,
        boards: Vec::new(),
        problems: Vec::new(),
    };
    for (id, found_for) in board_ids(source, client, &mut site.problems).await? {
        match board(id, client).await {
            Ok(board) => site.boards.push(Board { found_for, ..board }),
            Err(error) if error.is_refused() => return Err(error),
            Err(error) => {
                let label = board_label(id, found_for.as_deref());
                site.problems.push(Problem::new(&id.to_string(), &label, &error));
            }
        }
    }
    Ok(site)
}

/// The server's clock; `None` where it does not say. Refuses the other kind of Jira, whose answers would be misread.
pub(super) async fn server_time(source: &JiraSource, client: &Client) -> Result<Option<Millis>, CollectError> {
    let info = match client.get("GET /serverInfo", &format!("{}/serverInfo", source.api())).await {
        Ok(info) => info,
        Err(CollectError::NotVisible | CollectError::BadQuestion(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let told = info.get("deploymentType").and_then(Value::as_str).map(|told| told == "Cloud");
    if told.is_some_and(|cloud| cloud != (source.flavour == Flavour::Cloud)) {
        let other = if source.flavour == Flavour::Cloud { "data-center" } else { "cloud" };
        return Err(CollectError::Scope(format!("this is the other kind of Jira; set flavour = \"{other}\"")));
    }
    Ok(instant(info.get("serverTime")))
}

fn listed_statuses(source: &JiraSource, statuses: &Value) -> Result<Vec<Status>, CollectError> {
    let listed = statuses.as_array().ok_or_else(|| shape("the list of statuses"))?;
    let row = |status: &Value| {
        let key = status.pointer("/statusCategory/key").and_then(Value::as_str);
        let status_id = text(status.get("id"))?;
        Some(Status {
            tracker: Tracker::Jira,
            host: source.host.clone(),
            status_id,
            category: category(key).to_owned(),
        })
    };
    Ok(listed.iter().filter_map(row).collect())
}

/// The boards that the configuration names, and those of projects for which it names none.
async fn board_ids(
    source: &JiraSource,
    client: &Client,
    problems: &mut Vec<Problem>,
) -> Result<BTreeMap<i64, Option<String>>, CollectError> {
    let mut ids: BTreeMap<i64, Option<String>> = source.boards.iter().map(|id| (*id, None)).collect();
    for project in &source.boardless {
        match boards_of(project, client).await {
            Ok(found) => {
                for id in found {
                    ids.entry(id).or_insert_with(|| Some(project.clone()));
                }
            }
            // No such project for it, or a Jira without boards: the project's own reading tells the first.
            Err(CollectError::NotVisible | CollectError::BadQuestion(_)) => {}
            Err(error) if error.is_refused() => return Err(error),
            Err(error) => problems.push(Problem::new(project, &format!("the boards of {project}"), &error)),
        }
    }
    Ok(ids)
}

async fn boards_of(project: &str, client: &Client) -> Result<Vec<i64>, CollectError> {
    let name: String = url::form_urlencoded::byte_serialize(project.as_bytes()).collect();
    let mut boards = Vec::new();
    loop {
        let start = boards.len();
        let path = format!("/rest/agile/1.0/board?projectKeyOrId={name}&startAt={start}&maxResults=50");
        let answer = client.get("GET /board", &path).await?;
        let values = answer.get("values").and_then(Value::as_array).ok_or_else(|| shape("a list of boards"))?;
        for board in values {
            boards.push(number(board.get("id")).ok_or_else(|| shape("a board"))?);
        }
        if values.is_empty() || answer.get("isLast").and_then(Value::as_bool).unwrap_or(true) {
            return Ok(boards);
        }
    }
}

async fn board(id: i64, client: &Client) -> Result<Board, CollectError> {
    let path = format!("/rest/agile/1.0/board/{id}/configuration");
    let told = client.get("GET /board/{id}/configuration", &path).await?;
    let place = told.get("location");
    Ok(Board {
        id,
        kind: text(told.get("type")).unwrap_or_default(),
        project: place.and_then(|place| text(place.get("id")).or_else(|| text(place.get("key")))),
        estimate: text(told.pointer("/estimation/field/fieldId")),
        found_for: None,
    })
}
