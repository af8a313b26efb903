//! A small GitHub for tests: the questions that the program asks, answered from pull requests in memory.
//!
//! Lists inside a pull request are cut at `inner`, so that continuing them is exercised.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::canary::{Salt, salted};

/// A repository. `pulls` are GraphQL nodes whose `commits` and `timelineItems` are plain lists.
#[derive(Clone, Default)]
pub struct Repository {
    pub id: i64,
    pub name: String,
    pub pulls: Vec<Value>,
    /// Rows of `/pulls/comments`, in the order in which they are served.
    pub review_comments: Vec<Value>,
    /// GraphQL nodes of the default branch, newest first.
    pub commits: Vec<Value>,
    /// GraphQL nodes with their lists as they are asked for.
    pub issues: Vec<Value>,
}

/// What the double knows and what it was asked.
#[derive(Default)]
pub struct Github {
    pub repositories: Vec<Repository>,
    /// Account numbers by login.
    pub accounts: BTreeMap<String, i64>,
    /// Items of an inner list that one answer holds.
    pub inner: usize,
    /// Review comments of one page.
    pub page: usize,
    /// A former name that is answered by a redirect, as GitHub does after a rename.
    pub renamed: Option<String>,
    /// The address under which it is reached.
    pub base: String,
    /// The server's clock, as its answers tell it; empty: the one of [`DATE`].
    pub clock: &'static str,
    /// The only token that is taken; empty: any.
    pub token: String,
    /// So many answers later an App's token is over; each token lasts as long.
    pub token_lasts: Option<usize>,
    pub answered: usize,
    /// After so many pages of pull requests every further one is refused for good.
    pub pages_left: Option<usize>,
    /// Teams of the organisation `harbor`: `slug`, `name`, and plain lists `members` and `repositories`. Without any the
    /// token may not see them.
    pub teams: Vec<Value>,
    /// Texts that stand in every object of every answer, asked for or not.
    pub salt: Salt,
    /// The rights that a token of a person names, as a header; `None`: it names none.
    pub scopes: Option<&'static str>,
    /// The number of the account to which a token belongs.
    pub viewers: BTreeMap<String, i64>,
    /// What was asked, one word each, in order.
    pub asked: Vec<String>,
}

/// The clock of the double.
pub const DATE: &str = "Tue, 24 Nov 2026 03:00:00 GMT";

/// Starts the double; it stops with the returned server.
pub async fn start(github: Github) -> (MockServer, Arc<Mutex<Github>>) {
    // A server of its own: pooled ones go on answering when they are dropped.
    let server = MockServer::builder().start().await;
    let shared = Arc::new(Mutex::new(github));
    shared.lock().expect("no test panics here").base = server.uri();
    let answering = Arc::clone(&shared);
    let answer = move |request: &Request| answering.lock().expect("no answer panics").answer(request);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    (server, shared)
}

fn list(nodes: &[Value], first: usize, after: Option<&str>) -> Value {
    let from: usize = after.and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
    let to = nodes.len().min(from + first);
    json!({
        "totalCount": nodes.len(),
        "pageInfo": { "hasNextPage": to < nodes.len(), "endCursor": to.to_string() },
        "nodes": &nodes[from.min(to)..to],
    })
}

/// Texts between `begin` and `end`, with the alias in front of each.
fn aliases<'a>(query: &'a str, begin: &str) -> Vec<(&'a str, &'a str)> {
    let places = query.match_indices(begin).filter_map(|(at, _)| {
        let alias = query[..at].trim_end().strip_suffix(':')?.rsplit([' ', '{']).next()?;
        Some((alias, &query[at + begin.len()..]))
    });
    places.collect()
}

/// The first quoted text.
fn quoted(text: &str) -> &str {
    text.split('"').nth(1).unwrap_or_default()
}

impl Github {
    fn ok(&self, value: &Value) -> ResponseTemplate {
        let clock = if self.clock.is_empty() { DATE } else { self.clock };
        let answer = ResponseTemplate::new(200).insert_header("date", clock);
        let answer = match self.scopes {
            Some(scopes) => answer.insert_header("x-oauth-scopes", scopes),
            None => answer,
        };
        answer.set_body_json(salted(value, &self.salt))
    }

    fn answer(&mut self, request: &Request) -> ResponseTemplate {
        let path = request.url.path().to_owned();
        if path == "/meta" {
            return self.ok(&json!({}));
        }
        if path.starts_with("/app/installations") {
            return self.installation(&path);
        }
        let bearer = request.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        self.answered += 1;
        let over = self.token_lasts.is_some_and(|lasts| self.answered > lasts);
        if over || (!self.token.is_empty() && bearer != format!("Bearer {}", self.token)) {
            self.asked.push("refused".to_owned());
            return ResponseTemplate::new(401).set_body_json(json!({ "message": "Bad credentials" }));
        }
        if path == "/graphql" {
            let body: Value = serde_json::from_slice(&request.body).expect("a question is JSON");
            if body["query"].as_str().unwrap_or_default().contains("query PullRequests")
                && let Some(left) = &mut self.pages_left
            {
                if *left == 0 {
                    return ResponseTemplate::new(410).set_body_json(json!({}));
                }
                *left -= 1;
            }
            if body["query"].as_str().unwrap_or_default().contains("query Viewer") {
                self.asked.push("viewer".to_owned());
                let own = bearer.strip_prefix("Bearer ").and_then(|token| self.viewers.get(token));
                return self.ok(&json!({ "data": { "viewer": { "databaseId": own } } }));
            }
            let data = self.data(&body);
            return self.ok(&json!({ "data": data }));
        }
        if path == "/rate_limit" {
            self.asked.push("rate_limit".to_owned());
            return self.ok(&json!({ "resources": {} }));
        }
        self.asked.push("review_comments".to_owned());
        if let Some(old) = &self.renamed
            && path.contains(&format!("/repos/{old}/"))
        {
            let id = self.repositories[0].id;
            let place = format!("{}/repositories/{id}/pulls/comments?{}", self.base, request.url.query().unwrap_or(""));
            return ResponseTemplate::new(301).insert_header("location", place).set_body_json(json!({}));
        }
        self.review_comments(request, &path)
    }

    /// The installations of an App, and a new token for one of them, which makes the older one worthless.
    fn installation(&mut self, path: &str) -> ResponseTemplate {
        if path.ends_with("/access_tokens") {
            self.asked.push("token".to_owned());
            self.answered = 0;
            self.token = format!("t{}", self.asked.iter().filter(|what| *what == "token").count());
            let permissions = json!({ "metadata": "read", "pull_requests": "read" });
            return self.ok(&json!({ "token": self.token, "permissions": permissions }));
        }
        self.asked.push("installations".to_owned());
        self.ok(&json!([{ "id": 6, "account": { "login": "pier" } }, { "id": 7, "account": { "login": "Harbor" } }]))
    }

    fn review_comments(&self, request: &Request, path: &str) -> ResponseTemplate {
        let known = self.repositories.iter().find(|one| {
            path == format!("/repos/{}/pulls/comments", one.name)
                || path == format!("/repositories/{}/pulls/comments", one.id)
        });
        let Some(repository) = known else { return ResponseTemplate::new(404).set_body_json(json!({})) };
        let asked: BTreeMap<String, String> = request.url.query_pairs().into_owned().collect();
        let since = asked.get("since").cloned().unwrap_or_default();
        let rows: Vec<&Value> = repository
            .review_comments
            .iter()
            .filter(|row| row["updated_at"].as_str().unwrap_or_default() >= since.as_str())
            .collect();
        let page: usize = asked.get("page").and_then(|page| page.parse().ok()).unwrap_or(1);
        let (from, to) = ((page - 1) * self.page, (page * self.page).min(rows.len()));
        // Pages shift while they are read: the last row of a page comes again at the head of the next.
        let from = from.saturating_sub(1).min(rows.len());
        let mut answer = self.ok(&json!(rows[from..to]));
        if to < rows.len() {
            // The form of octokit's recording: by repository number, with all four relations.
            let place = |to: usize, relation: &str| {
                let base = format!("{}/repositories/{}/pulls/comments", self.base, repository.id);
                format!("<{base}?sort=updated&direction=asc&since={since}&page={to}>; rel=\"{relation}\"")
            };
            let last = rows.len().div_ceil(self.page);
            let links =
                [place(page.max(2) - 1, "prev"), place(page + 1, "next"), place(last, "last"), place(1, "first")];
            answer = answer.insert_header("link", links.join(", "));
        }
        answer
    }

    fn data(&mut self, body: &Value) -> Value {
        let query = body["query"].as_str().unwrap_or_default().to_owned();
        let variables = &body["variables"];
        let mut data = Map::from_iter([("rateLimit".to_owned(), json!({ "cost": 1 }))]);
        let mut ask = |what: &str| self.asked.push(what.to_owned());
        if query.contains("query PullRequests") {
            ask("pull_requests");
            data.insert("repository".to_owned(), self.pulls(variables));
        } else if query.contains("query Commits") {
            ask("commits");
            data.insert("repository".to_owned(), self.history(variables));
        } else if query.contains("query More") {
            ask("continued");
            for (alias, rest) in aliases(&query, "node(id:") {
                data.insert(alias.to_owned(), self.more(quoted(rest), rest, variables));
            }
        } else if query.contains("__type(") {
            ask("what issues have");
            let none = json!({ "fields": [], "possibleTypes": [] });
            data.extend([("issue".to_owned(), none.clone()), ("happenings".to_owned(), none)]);
        } else if query.contains("query Issues") {
            ask("issues");
            let page = |one: &Repository| json!({ "pageInfo": { "hasNextPage": false }, "nodes": one.issues });
            let repository = self
                .of(variables)
                .map(|one| json!({ "databaseId": one.id, "nameWithOwner": one.name, "issues": page(one) }));
            data.insert("repository".to_owned(), repository.unwrap_or(Value::Null));
        } else if query.contains("...History") {
            ask("commits of several");
            for (alias, rest) in aliases(&query, "repository(owner:") {
                let name = format!("{}/{}", quoted(rest), rest.split('"').nth(3).unwrap_or_default());
                let (owner, name) = name.split_once('/').unwrap_or_default();
                data.insert(alias.to_owned(), self.history(&json!({ "owner": owner, "name": name, "first": 100 })));
            }
        } else if query.contains("query Teams") {
            ask("teams");
            let teams: Vec<Value> = self.teams.iter().map(|team| self.team(team, None)).collect();
            let shown = if teams.is_empty() { Value::Null } else { list(&teams, 1, variables["after"].as_str()) };
            let organisation = (variables["login"] == "harbor").then(|| json!({ "teams": shown }));
            data.insert("organization".to_owned(), organisation.unwrap_or(Value::Null));
        } else if query.contains("team(slug:") {
            ask("rest of a team");
            let slug = query.split("team(slug:").nth(1).map(quoted).unwrap_or_default();
            let team = self.teams.iter().find(|team| team["slug"] == slug);
            let team = team.map(|team| self.team(team, Some(&query)));
            data.insert("organization".to_owned(), json!({ "team": team }));
        } else if query.contains("nodes(ids:") {
            ask("review counts");
            let all = self.repositories.iter().flat_map(|one| &one.pulls);
            let reviews = all.flat_map(|pull| pull["timelineItems"].as_array().cloned().unwrap_or_default());
            let wanted = |one: &Value| one["id"].as_str().is_some_and(|id| query.contains(&format!("\"{id}\"")));
            let counted = reviews
                .filter(wanted)
                .map(|one| json!({ "databaseId": one["databaseId"], "comments": { "totalCount": 0 } }));
            data.insert("nodes".to_owned(), counted.collect());
        } else if query.contains("...Glance") {
            ask("glances");
            for (alias, rest) in aliases(&query, "repository(owner:") {
                let name = format!("{}/{}", quoted(rest), rest.split('"').nth(3).unwrap_or_default());
                data.insert(alias.to_owned(), self.glance(&name));
            }
        } else {
            ask("accounts");
            for (alias, rest) in aliases(&query, "user(login:") {
                let number = self.accounts.get(quoted(rest));
                data.insert(alias.to_owned(), number.map_or(Value::Null, |number| json!({ "databaseId": number })));
            }
        }
        Value::Object(data)
    }

    fn named(&self, name: &str) -> Option<&Repository> {
        self.repositories.iter().find(|one| one.name == name || self.renamed.as_deref() == Some(name))
    }

    fn of(&self, variables: &Value) -> Option<&Repository> {
        let part = |key: &str| variables[key].as_str().unwrap_or_default().to_owned();
        self.named(&format!("{}/{}", part("owner"), part("name")))
    }

    fn glance(&self, name: &str) -> Value {
        let Some(repository) = self.named(name) else { return Value::Null };
        let newest = Self::sorted(repository).into_iter().next();
        json!({
            "databaseId": repository.id, "nameWithOwner": repository.name, "isArchived": false, "isEmpty": false,
            "defaultBranchRef": repository.commits.first().map(|tip| json!({ "target": { "oid": tip["oid"] } })),
            "pullRequests": { "nodes": newest.map(|pull| json!({ "updatedAt": pull["updatedAt"] })).into_iter().collect::<Vec<_>>() },
        })
    }

    fn sorted(repository: &Repository) -> Vec<Value> {
        let mut pulls = repository.pulls.clone();
        pulls.sort_by_key(|pull| std::cmp::Reverse(pull["updatedAt"].as_str().map(str::to_owned)));
        pulls
    }

    fn pulls(&self, variables: &Value) -> Value {
        let Some(repository) = self.of(variables) else { return Value::Null };
        let first = variables["first"].as_u64().and_then(|first| usize::try_from(first).ok()).unwrap_or(1);
        let mut page = list(&Self::sorted(repository), first, variables["after"].as_str());
        for pull in page["nodes"].as_array_mut().into_iter().flatten().filter(|pull| !pull.is_null()) {
            for inner in ["commits", "timelineItems"] {
                if pull[inner].is_null() {
                    pull[inner] = json!({ "nodes": null });
                    continue;
                }
                let nodes = pull[inner].as_array().cloned().unwrap_or_default();
                pull[inner] = list(&nodes, self.inner, None);
            }
            let labels = pull["labels"].take();
            pull["labels"] = json!({ "nodes": labels });
        }
        json!({ "databaseId": repository.id, "pullRequests": page })
    }

    /// A team with its lists cut at `inner`; with a question only what it continues.
    fn team(&self, team: &Value, question: Option<&str>) -> Value {
        let mut answer = json!({ "slug": team["slug"], "name": team["name"] });
        for key in ["members", "repositories"] {
            let nodes = team[key].as_array().cloned().unwrap_or_default();
            let rest = question.and_then(|text| text.split(&format!("{key}(first")).nth(1));
            if question.is_none() || rest.is_some() {
                answer[key] = list(&nodes, self.inner, rest.map(quoted));
            }
        }
        answer
    }

    fn more(&self, id: &str, question: &str, _variables: &Value) -> Value {
        let all = self.repositories.iter().flat_map(|one| &one.pulls);
        let Some(pull) = all.into_iter().find(|pull| pull["id"] == id) else { return Value::Null };
        let own = question.split("node(id:").next().unwrap_or_default();
        let mut answer = Map::new();
        for inner in ["commits", "timelineItems"] {
            if let Some((_, rest)) = own.split_once(&format!("{inner}(first: 100, after:")) {
                let nodes = pull[inner].as_array().cloned().unwrap_or_default();
                answer.insert(inner.to_owned(), list(&nodes, self.inner, Some(quoted(rest))));
            }
        }
        Value::Object(answer)
    }

    fn history(&self, variables: &Value) -> Value {
        let Some(repository) = self.of(variables) else { return Value::Null };
        let since = variables["since"].as_str().unwrap_or_default();
        let wanted: Vec<Value> = repository
            .commits
            .iter()
            .filter(|commit| commit["committedDate"].as_str().unwrap_or_default() >= since)
            .cloned()
            .collect();
        let first = variables["first"].as_u64().and_then(|first| usize::try_from(first).ok()).unwrap_or(1);
        json!({ "defaultBranchRef": { "target": { "history": list(&wanted, first, variables["after"].as_str()) } } })
    }
}
