//! Who has an account in a Jira, with names, for a person who tells whose they are.

use std::sync::Arc;

use serde_json::Value;

use super::answers::User;
use super::client::Client;
use super::{Flavour, JiraSource, shape};
use crate::collect::http::CollectError;
use crate::collect::{Meter, NamedAccount};
use crate::model::Pseudonyms;

const PAGE: usize = 200;
/// Accounts of a site that are looked through, at most.
const MOST: usize = 20_000;

/// All active human accounts that the credentials may see.
///
/// # Errors
/// [`CollectError`] where the site cannot be reached, refuses the credentials or does not show its people.
pub async fn people(source: &JiraSource, names: &Pseudonyms) -> Result<Vec<NamedAccount>, CollectError> {
    let client = Client::new(source, Arc::new(Meter::default()))?;
    let list = match source.flavour {
        Flavour::Cloud => "/rest/api/3/users/search?",
        Flavour::DataCenter => "/rest/api/2/user/search?username=.&",
    };
    let mut found = Vec::new();
    let mut start = 0;
    while start < MOST {
        let answer = client.get("GET /users", &format!("{list}startAt={start}&maxResults={PAGE}")).await?;
        let page = answer.as_array().ok_or_else(|| shape("a list of people"))?;
        found.extend(page.iter().filter_map(|user| named(user, source, names)));
        start += page.len();
        if page.len() < PAGE {
            break;
        }
    }
    Ok(found)
}

fn named(user: &Value, source: &JiraSource, names: &Pseudonyms) -> Option<NamedAccount> {
    let text = |key: &str| user.get(key).and_then(Value::as_str).map(str::to_owned);
    let active = user.get("active").and_then(Value::as_bool).unwrap_or(true);
    if !active || text("accountType").is_some_and(|kind| kind != "atlassian") {
        return None;
    }
    let who: User = serde_json::from_value(user.clone()).ok()?;
    let id = who.id()?.to_owned();
    let words = ["displayName", "emailAddress", "name"].into_iter().filter_map(text).collect();
    Some(NamedAccount { account: names.account("jira", &source.host, &id), id, words })
}
