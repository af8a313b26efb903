//! Who has an account in a Jira, with names, for a person who tells whose they are.

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::answers::User;
use super::client::Client;
use super::{Flavour, JiraSource, KnownIssues, host_of, shape};
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

/// The id of the account to which credentials belong, as the site says it.
///
/// # Errors
/// [`CollectError`] where the site cannot be reached, refuses the credentials, or names no account.
pub async fn own_account(
    url: &Url,
    flavour: Flavour,
    user: Option<String>,
    token: &SecretString,
    meter: Arc<Meter>,
) -> Result<String, CollectError> {
    let source = JiraSource {
        url: url.clone(),
        host: host_of(url),
        flavour,
        user,
        token: token.clone(),
        projects: Vec::new(),
        boards: Vec::new(),
        boardless: Vec::new(),
        labels: Vec::new(),
        known: KnownIssues::new(),
        accept_gone: false,
        allow_write: false,
    };
    let answer = Client::new(&source, meter)?.get("GET /myself", &format!("{}/myself", source.api())).await?;
    let who: Option<User> = serde_json::from_value(answer).ok();
    let id = who.as_ref().and_then(User::id).map(str::to_owned);
    id.ok_or_else(|| CollectError::Refused("it does not say whose the credentials are".to_owned()))
}
