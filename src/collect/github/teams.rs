//! The teams of organisations with their members and repositories, for a person at a terminal who keeps rosters. Nothing
//! of it is stored.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use super::GithubSource;
use super::answers::{Connection, NamedRepository, part};
use super::client::Client;
use crate::collect::Meter;
use crate::collect::http::CollectError;

pub(super) const TEAMS: &str = include_str!("../../../queries/github/teams.graphql");
/// Pages of one list, at most.
const MOST_PAGES: usize = 500;
/// The way out where a token may not see teams; the night does without.
const NOT_ALLOWED: &str = "the token may not see teams: give it read:org (a fine-grained one or an App: Members, read); \
                           only this proposal needs it";

/// A team of an organisation. Logins are for a terminal alone, so it has no printed form.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct OrganisationTeam {
    /// `harbor/payments`: organisation and slug.
    pub place: String,
    pub name: String,
    /// Its own members, without those of the teams below it.
    pub logins: Vec<String>,
    /// `owner/name`; those that it has from the teams above it included.
    pub repositories: Vec<String>,
    /// Members and repositories that the service left out as null.
    pub hidden: u64,
}

impl std::fmt::Debug for OrganisationTeam {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("OrganisationTeam(…)")
    }
}

#[derive(Deserialize)]
struct Team {
    slug: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    members: Connection<Member>,
    #[serde(default)]
    repositories: Connection<NamedRepository>,
}

#[derive(Deserialize)]
struct Member {
    login: String,
}

/// The rest of a team's lists.
#[derive(Deserialize)]
struct Rest {
    #[serde(default)]
    members: Option<Connection<Member>>,
    #[serde(default)]
    repositories: Option<Connection<NamedRepository>>,
}

/// The teams of all organisations that own a repository of the source, by their places; and which organisations' teams
/// could not be read, with the way out.
pub async fn teams(source: &GithubSource, meter: Arc<Meter>) -> (Vec<OrganisationTeam>, Vec<String>) {
    let owners: BTreeSet<String> =
        source.repositories.iter().filter_map(|name| Some(name.split_once('/')?.0.to_lowercase())).collect();
    let (mut teams, mut problems) = (Vec::new(), Vec::new());
    let client = match Client::new(&source.url, &source.credential, meter).await {
        Ok(client) => client,
        Err(error) => return (teams, vec![format!("{}: {error}", source.host)]),
    };
    for owner in owners {
        match of_owner(&client, &owner).await {
            Ok(own) => teams.extend(own),
            Err(error) => problems.push(format!("{owner}: {error}")),
        }
    }
    teams.sort_by(|left, right| left.place.cmp(&right.place));
    (teams, problems)
}

async fn of_owner(client: &Client, owner: &str) -> Result<Vec<OrganisationTeam>, CollectError> {
    let mut teams = Vec::new();
    let mut after: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let answer = client.graphql("teams", TEAMS, &json!({ "login": owner, "after": after })).await?.value;
        if answer.pointer("/data/organization").is_none_or(serde_json::Value::is_null) {
            let why =
                "it is a person's and no organisation's, or the token may not see it; teams are an organisation's";
            return Err(CollectError::Scope(why.to_owned()));
        }
        let page: Connection<Team> = part(&answer, &["data", "organization", "teams"])
            .ok_or_else(|| CollectError::Scope("a page of teams has an unexpected shape".to_owned()))?;
        if page.lost > 0 {
            return Err(CollectError::Scope(NOT_ALLOWED.to_owned()));
        }
        for team in page.nodes {
            teams.push(whole(client, owner, team).await?);
        }
        let next = page.page_info.end_cursor.filter(|_| page.page_info.has_next_page);
        match next {
            None if page.page_info.has_next_page => return Err(super::walk::stuck()),
            None => return Ok(teams),
            next if next == after => return Err(super::walk::stuck()),
            next => after = next,
        }
    }
    Err(super::walk::stuck())
}

/// A team with its lists read to their ends.
async fn whole(client: &Client, owner: &str, mut team: Team) -> Result<OrganisationTeam, CollectError> {
    for _ in 0..MOST_PAGES {
        let (members, repositories) = (&team.members.page_info, &team.repositories.page_info);
        if !members.has_next_page && !repositories.has_next_page {
            return Ok(OrganisationTeam {
                place: format!("{owner}/{}", team.slug),
                name: team.name.unwrap_or_else(|| team.slug.clone()),
                logins: team.members.nodes.into_iter().map(|member| member.login).collect(),
                repositories: team.repositories.nodes.into_iter().map(|one| one.name_with_owner).collect(),
                hidden: team.members.lost + team.repositories.lost,
            });
        }
        let before = (members.end_cursor.clone(), repositories.end_cursor.clone());
        let open = |info: &super::answers::PageInfo| info.has_next_page.then(|| info.end_cursor.clone());
        let query = rest_question(owner, &team.slug, open(members), open(repositories));
        let answer = client.graphql("rest of a team", &query, &json!({})).await?.value;
        let rest: Rest = part(&answer, &["data", "organization", "team"])
            .ok_or_else(|| CollectError::Scope("the rest of a team has an unexpected shape".to_owned()))?;
        if let Some(more) = rest.members {
            team.members.extend(more);
        }
        if let Some(more) = rest.repositories {
            team.repositories.extend(more);
        }
        if before == (team.members.page_info.end_cursor.clone(), team.repositories.page_info.end_cursor.clone()) {
            return Err(super::walk::stuck());
        }
    }
    Err(super::walk::stuck())
}

/// The question for what a page has cut off; an outer `None` is a list that is whole.
fn rest_question(
    owner: &str,
    slug: &str,
    members: Option<Option<String>>,
    repositories: Option<Option<String>>,
) -> String {
    let members = members
        .map(|after| format!("members(first: 100, membership: IMMEDIATE, after: {}) {{ ...Members }}", json!(after)));
    let repositories =
        repositories.map(|after| format!("repositories(first: 100, after: {}) {{ ...Holdings }}", json!(after)));
    let lists: Vec<String> = members.into_iter().chain(repositories).collect();
    format!(
        "query {{ rateLimit {{ cost }} organization(login: {}) {{ team(slug: {}) {{ {} }} }} }}",
        json!(owner),
        json!(slug),
        lists.join(" ")
    )
}

/// Every question about teams.
pub(super) fn questions() -> Vec<(&'static str, String)> {
    let after = || Some(Some("c".to_owned()));
    vec![("teams", TEAMS.to_owned()), ("rest of a team", rest_question("some", "team", after(), after()))]
}
