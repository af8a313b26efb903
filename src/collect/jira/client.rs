//! A thin client for Jira over the shared policy; jira_query for the credential check and single issues.

use std::sync::Arc;
use std::time::Duration;

use jira_query::{Auth, JiraInstance};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::JiraSource;
use crate::collect::Meter;
use crate::collect::http::{
    Answer, CollectError, Gate, LARGEST_BODY, Patience, Service, TransportError, Verdict, client, policy,
};

/// The sum of all waits of one credential in a night.
const BUDGET: Duration = Duration::from_secs(4 * 3600);

/// A client of one Jira.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    user: Option<String>,
    token: SecretString,
    gate: Gate,
}

impl Client {
    /// A client for a source.
    ///
    /// # Errors
    /// [`CollectError::Scope`] where the TLS library cannot start.
    pub fn new(source: &JiraSource, meter: Arc<Meter>) -> Result<Self, CollectError> {
        Ok(Self {
            http: client::client(meter.patience())?,
            base: source.url.as_str().trim_end_matches('/').to_owned(),
            user: source.user.clone(),
            token: source.token.clone(),
            gate: Gate::new(Service::Jira, meter, BUDGET),
        })
    }

    /// Gets a path below the address, with its query. There is no smaller question to fall back to.
    ///
    /// # Errors
    /// [`CollectError`].
    pub async fn get(&self, endpoint: &str, path: &str) -> Result<Value, CollectError> {
        let whole = |answer: &Answer| match judge(answer) {
            Verdict::Retry { after, why, .. } => Verdict::Retry { after, smaller: false, why },
            other => other,
        };
        self.answer(endpoint, whole, || self.got(path)).await
    }

    /// Gets a page of a list.
    ///
    /// # Errors
    /// [`CollectError`]; [`CollectError::Shrink`] asks for a smaller page.
    pub async fn page(&self, endpoint: &str, path: &str) -> Result<Value, CollectError> {
        self.answer(endpoint, judge, || self.got(path)).await
    }

    async fn got(&self, path: &str) -> Result<Answer, TransportError> {
        let request = self.http.get(format!("{}{path}", self.base));
        client::fetch(self.signed(request), LARGEST_BODY).await
    }

    /// Posts a question about a page of a list to a path below the address.
    ///
    /// # Errors
    /// [`CollectError`]; [`CollectError::Shrink`] asks for a smaller page.
    pub async fn post(&self, endpoint: &str, path: &str, body: &Value) -> Result<Value, CollectError> {
        let attempt = || async {
            let request = self.http.post(format!("{}{path}", self.base)).json(body);
            client::fetch(self.signed(request), LARGEST_BODY).await
        };
        self.answer(endpoint, judge, attempt).await
    }

    fn signed(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        let request = request.header(reqwest::header::ACCEPT, "application/json");
        match &self.user {
            Some(user) => request.basic_auth(user, Some(self.token.expose_secret())),
            None => request.bearer_auth(self.token.expose_secret()),
        }
    }

    async fn answer<Send, Reply, Judge>(
        &self,
        endpoint: &str,
        judge: Judge,
        attempt: Send,
    ) -> Result<Value, CollectError>
    where
        Send: FnMut() -> Reply,
        Reply: Future<Output = Result<Answer, TransportError>>,
        Judge: Fn(&Answer) -> Verdict,
    {
        let answer = self.gate.send(endpoint, judge, attempt).await?;
        if matches!(answer.status, 300..=399) {
            return Err(CollectError::Scope("it redirects elsewhere; correct its address".to_owned()));
        }
        answer.json().map_err(|_| CollectError::Scope("an answer is not JSON".to_owned()))
    }
}

fn judge(answer: &Answer) -> Verdict {
    let verdict = policy::classify(Service::Jira, answer.status, &answer.headers, &answer.body);
    match verdict {
        Verdict::Ok if answer.header("x-ausername") == Some("anonymous") => {
            Verdict::Refused("Jira answers as if nobody had logged in; check user and token".to_owned())
        }
        Verdict::Ok if answer.json().is_err() => {
            Verdict::Retry { after: None, smaller: false, why: "its answer is cut off" }
        }
        other => other,
    }
}

/// Whether the credentials are taken, by jira_query's own check.
///
/// # Errors
/// [`CollectError::Refused`]; the library's text is left out, since it may quote an answer.
pub async fn verify(url: &Url, user: Option<&str>, token: &SecretString) -> Result<(), CollectError> {
    let secret = token.expose_secret().to_owned();
    let auth = match user {
        Some(user) => Auth::Basic { user: user.to_owned(), password: secret },
        None => Auth::ApiKey(secret),
    };
    let host = url.as_str().trim_end_matches('/').to_owned();
    let instance = JiraInstance::at(host).map_err(|_| CollectError::Scope("its address cannot be used".to_owned()))?;
    let instance = instance.authenticate(auth).with_client(client::client(&Patience::default())?);
    instance.verify_authentication().await.map_err(|_| {
        CollectError::Refused(
            "Jira does not take the credentials, or cannot be reached; check address, user and token".to_owned(),
        )
    })
}
