//! Who can be mentioned in the repositories: accounts with their names, for a person who tells whose they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use super::GithubSource;
use super::app::Credential;
use super::client::Client;
use crate::collect::http::CollectError;
use crate::collect::{Meter, NamedAccount};
use crate::model::Pseudonyms;

pub(super) const PEOPLE: &str = include_str!("../../../queries/github/people.graphql");
pub(super) const VIEWER: &str = include_str!("../../../queries/github/viewer.graphql");
/// Pages of one repository, at most: ten thousand people.
const MOST_PAGES: usize = 100;

/// All accounts that can be mentioned in the source's repositories, each once.
///
/// # Errors
/// [`CollectError`] where the service cannot be reached or refuses the token.
pub async fn people(source: &GithubSource, names: &Pseudonyms) -> Result<Vec<NamedAccount>, CollectError> {
    let client = Client::new(&source.url, &source.credential, Arc::new(Meter::default())).await?;
    let mut found: BTreeMap<i64, NamedAccount> = BTreeMap::new();
    for full in &source.repositories {
        let (owner, name) = full.split_once('/').unwrap_or((full, ""));
        let mut after: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let variables = json!({ "owner": owner, "name": name, "after": after });
            let answer = client.graphql("people", PEOPLE, &variables).await?.value;
            let Some(list) = answer.pointer("/data/repository/mentionableUsers") else { break };
            for user in list.get("nodes").and_then(Value::as_array).into_iter().flatten() {
                let text = |key: &str| user.get(key).and_then(Value::as_str).map(str::to_owned);
                let Some((number, login)) = user.get("databaseId").and_then(Value::as_i64).zip(text("login")) else {
                    continue;
                };
                let account = names.account("github", &source.host, &number.to_string());
                let words = [text("name"), Some(login.clone())].into_iter().flatten().collect();
                found.insert(number, NamedAccount { account, id: login, words });
            }
            after = list.pointer("/pageInfo/endCursor").and_then(Value::as_str).map(str::to_owned);
            if list.pointer("/pageInfo/hasNextPage").and_then(Value::as_bool) != Some(true) || after.is_none() {
                break;
            }
        }
    }
    Ok(found.into_values().collect())
}

/// The number of the account to which a token belongs, as the service says it.
///
/// # Errors
/// [`CollectError`] where the service cannot be reached, refuses the token, or names no account.
pub async fn own_account(url: &Url, token: &SecretString) -> Result<i64, CollectError> {
    let client = Client::new(url, &Credential::Token(token.clone()), Arc::new(Meter::default())).await?;
    let answer = client.graphql("viewer", VIEWER, &json!({})).await?.value;
    let number = answer.pointer("/data/viewer/databaseId").and_then(Value::as_i64);
    number.ok_or_else(|| CollectError::Refused("it does not say whose the token is".to_owned()))
}
