//! The shared client: timeouts, no redirects of its own, a cap on decoded bytes.

use reqwest::redirect::Policy;

use super::{Answer, CollectError, LARGEST_BODY, Patience, TransportError};

/// How the program introduces itself.
pub const AGENT: &str = concat!("undercurrent/", env!("CARGO_PKG_VERSION"));

/// A client for Jira and calendars. It follows no redirect and never repeats a request.
///
/// # Errors
/// [`CollectError::Scope`] where the TLS library cannot start.
pub fn client(patience: &Patience) -> Result<reqwest::Client, CollectError> {
    builder(patience).build().map_err(|_| CollectError::Scope("the TLS library cannot start".to_owned()))
}

/// What every client of ours has.
pub fn builder(patience: &Patience) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(AGENT)
        .redirect(Policy::none())
        .connect_timeout(patience.connect)
        .read_timeout(patience.idle)
        .timeout(patience.whole)
}

/// Sends a request and reads its answer whole.
///
/// # Errors
/// [`TransportError`] without any address.
pub async fn fetch(request: reqwest::RequestBuilder, largest: usize) -> Result<Answer, TransportError> {
    let mut response = request.send().await.map_err(|error| transport(&error))?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| transport(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() > largest.min(LARGEST_BODY) {
            return Err(TransportError::TooLarge);
        }
    }
    Ok(Answer { status, headers, body })
}

/// Sends a request and reads nothing of the answer but status and headers.
///
/// # Errors
/// [`TransportError`] without any address.
pub async fn tell(request: reqwest::RequestBuilder) -> Result<Answer, TransportError> {
    let response = request.send().await.map_err(|error| transport(&error))?;
    Ok(Answer { status: response.status().as_u16(), headers: response.headers().clone(), body: Vec::new() })
}

/// What kept a request from being answered, without any address.
#[must_use]
pub fn transport(error: &reqwest::Error) -> TransportError {
    if is_distrust(error) {
        TransportError::Distrust
    } else if error.is_timeout() {
        TransportError::Timeout
    } else if error.is_connect() {
        TransportError::Connect
    } else {
        TransportError::Interrupted
    }
}

/// Whether a certificate was not accepted: the TLS library tells it in words alone.
fn is_distrust(error: &reqwest::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.to_string().to_lowercase().contains("certificate") {
            return true;
        }
        source = cause.source();
    }
    false
}
