//! How much a reading would cost: one question per project about how many issues changed.

use std::sync::Arc;

use serde_json::{Value, json};

use super::answers::number;
use super::client::Client;
use super::reader::PAGE;
use super::walk::{CLOUD_OVERLAP, QUESTION, SERVER_OVERLAP};
use super::{Flavour, JiraSource, shape};
use crate::collect::Meter;
use crate::collect::http::CollectError;
use crate::model::Cursors;
use crate::model::time::Millis;

/// Requests that hold for a whole site: who asks (twice), fields, statuses.
pub const OF_A_SITE: u64 = 4;

/// What a project's reading would cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    pub project: String,
    pub issues: u64,
    pub requests: u64,
}

/// Counts each project's issues that changed since its cursor, or since `since` where it was never read.
///
/// # Errors
/// [`CollectError`] where the site cannot be reached, refuses the credentials or does not show a project.
pub async fn estimate(
    source: &JiraSource,
    cursors: &Cursors,
    since: Millis,
    meter: Arc<Meter>,
) -> Result<Vec<Cost>, CollectError> {
    let client = Client::new(source, meter)?;
    let mut costs = Vec::new();
    for project in &source.projects {
        let overlap = if source.flavour == Flavour::Cloud { CLOUD_OVERLAP } else { SERVER_OVERLAP };
        let id = project_id(source, &client, project).await?;
        let known = cursors.get(&source.scope("issues", &id)).and_then(|cursor| cursor.updated_to);
        let from = known.map_or(since.0, |seen| seen - overlap);
        let jql = QUESTION.trim().replace("{project}", &id).replace("{since}", &from.to_string());
        let issues = count(source, &client, &jql).await?;
        costs.push(Cost { project: project.clone(), issues, requests: requests(issues, source.flavour) });
    }
    Ok(costs)
}

/// The number under which a project's cursors stand.
async fn project_id(source: &JiraSource, client: &Client, project: &str) -> Result<String, CollectError> {
    let name: String = url::form_urlencoded::byte_serialize(project.as_bytes()).collect();
    let answer = client.get("GET /project/{key}", &format!("{}/project/{name}", source.api())).await?;
    Ok(number(answer.get("id")).ok_or_else(|| shape("a project"))?.to_string())
}

/// The project itself, its pages of issues, and on Cloud their changes, a thousand issues at a time. A page is asked
/// for even where none changed.
fn requests(issues: u64, flavour: Flavour) -> u64 {
    let pages = 1 + issues.div_ceil(PAGE as u64).max(1);
    match flavour {
        Flavour::Cloud => pages + issues.div_ceil(1000),
        Flavour::DataCenter => pages,
    }
}

async fn count(source: &JiraSource, client: &Client, jql: &str) -> Result<u64, CollectError> {
    let (answer, field) = match source.flavour {
        Flavour::Cloud => {
            let (endpoint, path) = ("POST /search/approximate-count", "/rest/api/3/search/approximate-count");
            (client.post(endpoint, path, &json!({ "jql": jql })).await?, "count")
        }
        Flavour::DataCenter => {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("jql", jql)
                .append_pair("maxResults", "0")
                .finish();
            (client.get("GET /search", &format!("/rest/api/2/search?{query}")).await?, "total")
        }
    };
    answer.get(field).and_then(Value::as_u64).ok_or_else(|| shape("a count of issues"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_issues_make_a_page_and_a_thousand_a_question_about_their_changes_on_cloud() {
        let both = |issues| (requests(issues, Flavour::Cloud), requests(issues, Flavour::DataCenter));
        assert_eq!([both(0), both(100), both(1001)], [(2, 2), (3, 2), (14, 12)]);
    }
}
