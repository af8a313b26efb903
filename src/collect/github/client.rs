//! octocrab as transport: base address, token and connection. Waiting, repeating and redirects are ours; its own
//! features for them are left out of the build.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::BodyExt;
use octocrab::Octocrab;
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use super::app::{App, Credential};
use super::transport::open;
use crate::collect::Meter;
use crate::collect::http::{
    Answer, CollectError, Gate, LARGEST_BODY, Patience, Service, TransportError, Verdict, client, policy,
};
use crate::model::time::Millis;

const FRAGMENTS: &str = include_str!("../../../queries/github/fragments.graphql");
/// The sum of all waits of one credential in a night.
const BUDGET: Duration = Duration::from_secs(4 * 3600);
const MOST_REDIRECTS: usize = 5;

/// The answer to a GraphQL question.
#[derive(Debug)]
pub struct Reply {
    pub value: Value,
    /// The server's own clock.
    pub server: Option<Millis>,
}

/// A client of one service with one credential.
#[derive(Clone)]
pub struct Client {
    session: Arc<Mutex<Session>>,
    /// Where the session can be renewed. Only one task renews at a time.
    app: Option<Arc<tokio::sync::Mutex<App>>>,
    /// Permissions of an App's installation that could write.
    writes: Vec<String>,
    gate: Gate,
    base: String,
    origin: url::Origin,
    prefix: String,
}

/// Both faces of a service with one token. Enterprise Server answers GraphQL beside /api/v3, not beneath it.
#[derive(Clone)]
struct Session {
    rest: Octocrab,
    graph: Octocrab,
    number: u32,
}

impl Session {
    fn open(base: &str, token: &SecretString, number: u32, patience: &Patience) -> Result<Self, CollectError> {
        let graph = base.strip_suffix("/v3").filter(|rest| rest.ends_with("/api")).unwrap_or(base);
        Ok(Self { rest: open(base, Some(token), patience)?, graph: open(graph, Some(token), patience)?, number })
    }
}

impl Client {
    /// A client for an address such as `https://api.github.com` or `https://ghe.example.com/api/v3`.
    ///
    /// # Errors
    /// [`CollectError::Scope`] where the address or the TLS library cannot be used; for an App what
    /// [`App::grant`] says.
    pub async fn new(url: &Url, credential: &Credential, meter: Arc<Meter>) -> Result<Self, CollectError> {
        let base = url.as_str().trim_end_matches('/').to_owned();
        let patience = meter.patience().clone();
        let gate = Gate::new(Service::Github, meter, BUDGET);
        let (token, app, writes) = match credential {
            Credential::Token(token) => (token.clone(), None, Vec::new()),
            Credential::App(app) => {
                let grant = app.grant(&base, &gate).await?;
                (grant.token, Some(Arc::new(tokio::sync::Mutex::new(app.clone()))), grant.writes)
            }
        };
        Ok(Self {
            session: Arc::new(Mutex::new(Session::open(&base, &token, 0, &patience)?)),
            app,
            writes,
            gate,
            base,
            origin: url.origin(),
            prefix: url.path().trim_end_matches('/').to_owned(),
        })
    }

    /// Permissions of an App's installation that could write, as `contents:write`.
    #[must_use]
    pub fn writes(&self) -> &[String] {
        &self.writes
    }

    fn session(&self) -> Session {
        // A poisoned lock still holds a whole session.
        self.session.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Whether a refused session could be replaced: an installation's token is over after an hour.
    async fn renew(&self, refused: &Session) -> Result<bool, CollectError> {
        let Some(app) = &self.app else { return Ok(false) };
        let app = app.lock().await;
        if self.session().number > refused.number {
            return Ok(true);
        }
        let grant = app.grant(&self.base, &self.gate).await?;
        let session = Session::open(&self.base, &grant.token, refused.number + 1, self.gate.meter().patience())?;
        *self.session.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = session;
        Ok(true)
    }

    /// Sends a request; where the session is refused, once more with a renewed one.
    async fn send<Ask, Sent>(
        &self,
        endpoint: &str,
        judge: fn(&Answer) -> Verdict,
        ask: Ask,
    ) -> Result<Answer, CollectError>
    where
        Ask: Fn(Session) -> Sent,
        Sent: Future<Output = Result<Answer, TransportError>>,
    {
        let session = self.session();
        match self.gate.send(endpoint, judge, || ask(session.clone())).await {
            Err(CollectError::Refused(reason)) => {
                if !self.renew(&session).await? {
                    return Err(CollectError::Refused(reason));
                }
                let session = self.session();
                self.gate.send(endpoint, judge, || ask(session.clone())).await
            }
            other => other,
        }
    }

    /// The same client, whose requests are counted by another meter.
    #[must_use]
    pub fn counted_by(&self, meter: Arc<Meter>) -> Self {
        Self { gate: self.gate.counted_by(meter), ..self.clone() }
    }

    /// Asks a GraphQL question; fragments that it uses are added. Gives the answer and the server's own clock.
    ///
    /// # Errors
    /// [`CollectError`]; [`CollectError::Shrink`] where the page was too large.
    pub async fn graphql(&self, name: &str, query: &str, variables: &Value) -> Result<Reply, CollectError> {
        let body = json!({ "query": with_fragments(query), "variables": variables });
        let endpoint = format!("POST /graphql {name}");
        let body = &body;
        let patience = self.gate.meter().patience();
        let ask = |session: Session| async move { whole(session.graph._post("/graphql", Some(body)), patience).await };
        let answer = self.send(&endpoint, judge, ask).await?;
        let value = answer.json().map_err(|_| CollectError::Scope("an answer is not JSON".to_owned()))?;
        let cost = value.pointer("/data/rateLimit/cost").and_then(Value::as_u64).unwrap_or(0);
        self.gate.meter().add(|counts| counts.points += cost);
        Ok(Reply { server: date(&answer), value })
    }

    /// Gets a REST address, `path` with its query; redirects within the same service are followed.
    ///
    /// # Errors
    /// [`CollectError`].
    pub async fn rest(&self, endpoint: &str, path: &str) -> Result<Answer, CollectError> {
        let (mut path, patience) = (path.to_owned(), self.gate.meter().patience());
        for _ in 0..=MOST_REDIRECTS {
            let place = path.as_str();
            let ask = |session: Session| async move { whole(session.rest._get(place), patience).await };
            let answer = self.send(endpoint, rest_judge, ask).await?;
            if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
                return Ok(answer);
            }
            path = self.local(answer.header("location").unwrap_or_default())?;
        }
        Err(CollectError::Scope("it redirects in circles".to_owned()))
    }

    /// The path and query of an address of this same service; the token is never sent to another.
    ///
    /// # Errors
    /// [`CollectError::Scope`] for another origin.
    pub fn local(&self, address: &str) -> Result<String, CollectError> {
        let elsewhere = || CollectError::Scope("it redirects to another host, where the token is not sent".to_owned());
        let path = if address.starts_with('/') {
            address.to_owned()
        } else {
            let url = Url::parse(address).ok().filter(|url| url.origin() == self.origin).ok_or_else(elsewhere)?;
            url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
        };
        Ok(path.strip_prefix(&self.prefix).map(str::to_owned).unwrap_or(path))
    }
}

type Body = http_body_util::combinators::BoxBody<bytes::Bytes, octocrab::Error>;

/// The server's own clock.
pub(super) fn date(answer: &Answer) -> Option<Millis> {
    answer.header("date").and_then(policy::http_date).map(Millis::from_timestamp)
}

/// Reads an answer whole, within the time that a request has.
pub(super) async fn whole(
    sent: impl Future<Output = octocrab::Result<http::Response<Body>>>,
    patience: &Patience,
) -> Result<Answer, TransportError> {
    // A body that trickles is never idle for long, so that the sum has a bound of its own.
    tokio::time::timeout(patience.whole, read(sent, patience.idle)).await.map_err(|_| TransportError::Timeout)?
}

async fn read(
    sent: impl Future<Output = octocrab::Result<http::Response<Body>>>,
    idle: Duration,
) -> Result<Answer, TransportError> {
    let response = sent.await.map_err(|error| transport(&error))?;
    let (parts, mut body) = response.into_parts();
    let mut bytes = Vec::new();
    while let Some(frame) = tokio::time::timeout(idle, body.frame()).await.map_err(|_| TransportError::Timeout)? {
        let frame = frame.map_err(|_| TransportError::Interrupted)?;
        if let Some(data) = frame.data_ref() {
            bytes.extend_from_slice(data);
        }
        if bytes.len() > LARGEST_BODY {
            return Err(TransportError::TooLarge);
        }
    }
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body: bytes })
}

/// What kept a request from being answered; octocrab's error holds that of the shared client.
fn transport(error: &octocrab::Error) -> TransportError {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(cause) = source {
        if let Some(cause) = cause.downcast_ref::<reqwest::Error>() {
            return client::transport(cause);
        }
        source = cause.source();
    }
    TransportError::Interrupted
}

/// Adds the fragments that a question uses, and those that they use.
#[must_use]
pub fn with_fragments(query: &str) -> String {
    let all: Vec<&str> = FRAGMENTS.split("\nfragment ").skip(1).collect();
    let mut text = query.to_owned();
    let mut added = vec![false; all.len()];
    while let Some(at) = (0..all.len()).find(|at| {
        let name = all[*at].split(' ').next().unwrap_or_default();
        !added[*at] && text.contains(&format!("...{name} ")) | text.contains(&format!("...{name}}}"))
    }) {
        added[at] = true;
        // A comment may stand between two fragments; it belongs to the next one.
        let body: Vec<&str> = all[at].lines().filter(|line| !line.starts_with('#')).collect();
        text.push_str("\nfragment ");
        text.push_str(&body.join("\n"));
    }
    text
}

fn rest_judge(answer: &Answer) -> Verdict {
    let verdict = policy::classify(Service::Github, answer.status, &answer.headers, &answer.body);
    match verdict {
        Verdict::Ok if answer.json().is_err() => broken(),
        other => other,
    }
}

fn broken() -> Verdict {
    Verdict::Retry { after: None, smaller: false, why: "its answer is cut off" }
}

/// GraphQL hides limits, timeouts and lost parts in answers with status 200.
fn judge(answer: &Answer) -> Verdict {
    let verdict = policy::classify(Service::Github, answer.status, &answer.headers, &answer.body);
    if verdict != Verdict::Ok {
        return verdict;
    }
    let Ok(value) = answer.json() else { return broken() };
    let errors = value.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for error in errors {
        let kind = error.get("type").and_then(Value::as_str).unwrap_or_default();
        let code = error.get("code").and_then(Value::as_str).unwrap_or_default();
        let message = error.get("message").and_then(Value::as_str).unwrap_or_default().to_lowercase();
        match kind {
            "RATE_LIMITED" | "RATE_LIMIT" => return limit(answer),
            _ if code == "graphql_rate_limit" => return limit(answer),
            "MAX_NODE_LIMIT_EXCEEDED" | "RESOURCE_LIMITS_EXCEEDED" => return Verdict::Shrink,
            "INSUFFICIENT_SCOPES" => {
                return Verdict::Scope("the token lacks a scope for this question; teams need read:org".to_owned());
            }
            // What lies at a path may be gone or hidden; the caller sees null there.
            "NOT_FOUND" | "FORBIDDEN" if error.get("path").is_some() => {}
            _ if message.contains("something went wrong") || message.contains("timeout") => {
                return Verdict::Retry { after: None, smaller: true, why: "the service gave up on the question" };
            }
            _ => return Verdict::Retry { after: None, smaller: false, why: "a part of its answer is missing" },
        }
    }
    match value.get("data") {
        Some(Value::Object(_)) => Verdict::Ok,
        _ => Verdict::Scope("its answer has an unexpected shape".to_owned()),
    }
}

fn limit(answer: &Answer) -> Verdict {
    let after = policy::until_reset(&answer.headers).or(Some(Duration::from_secs(60)));
    Verdict::Retry { after, smaller: false, why: "a limit is in force" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: &str) {
        let answer = Answer { status: 200, headers: http::HeaderMap::new(), body: body.as_bytes().to_vec() };
        let verdict = format!("{:?}", judge(&answer));
        assert!(verdict.starts_with(expected), "{verdict}, expected {expected}");
    }

    #[test]
    fn errors_inside_good_answers_are_told_apart() {
        check(r#"{"data":{"a":1}}"#, "Ok");
        check(r#"{"data":{"a":null},"errors":[{"type":"NOT_FOUND","path":["a"]}]}"#, "Ok");
        check(r#"{"errors":[{"type":"RATE_LIMITED"}]}"#, "Retry { after: Some(60s), smaller: false");
        check(r#"{"errors":[{"type":"MAX_NODE_LIMIT_EXCEEDED"}]}"#, "Shrink");
        check(
            r#"{"data":null,"errors":[{"message":"Something went wrong while executing"}]}"#,
            "Retry { after: None, smaller: true",
        );
        check(
            r#"{"data":{"a":1},"errors":[{"type":"SERVICE_UNAVAILABLE","path":["a"]}]}"#,
            "Retry { after: None, smaller: false",
        );
        check(r#"{"data":{"a":null},"errors":[{"type":"INSUFFICIENT_SCOPES"}]}"#, "Scope(\"the token lacks a scope");
        check(r#"{"data":null}"#, "Scope");
        check("{}", "Scope");
        check("[]", "Scope");
        check(r#"{"data":{"a""#, "Retry");
    }

    #[test]
    fn questions_carry_just_the_fragments_that_they_use() {
        let query = with_fragments("query { a { ...Commits } }");
        assert_eq!(query.matches("fragment ").count(), 2, "{query}");
        assert!(query.contains("fragment Work on Commit") && !query.contains('#'));
    }
}
