//! octocrab over the client that all sources share: proxies, certificates, compression and time limits are the same
//! everywhere.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderValue, Request, Response, Uri};
use octocrab::service::middleware::auth_header::AuthHeaderLayer;
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::{AuthState, Octocrab, OctocrabBuilder};
use secrecy::{ExposeSecret, SecretString};
use tower_service::Service;

use crate::collect::http::{CollectError, Patience, client};

/// Sends octocrab's requests.
#[derive(Clone, Debug)]
struct Shared(reqwest::Client);

impl Service<Request<octocrab::OctoBody>> for Shared {
    type Response = Response<reqwest::Body>;
    type Error = reqwest::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<octocrab::OctoBody>) -> Self::Future {
        let client = self.0.clone();
        Box::pin(async move {
            let request = reqwest::Request::try_from(request.map(reqwest::Body::wrap))?;
            Ok(client.execute(request).await?.into())
        })
    }
}

/// octocrab for an address, with a token or without.
///
/// # Errors
/// [`CollectError::Scope`] where the address, the token or the TLS library cannot be used.
pub(super) fn open(base: &str, token: Option<&SecretString>, patience: &Patience) -> Result<Octocrab, CollectError> {
    let unusable = || CollectError::Scope("its address cannot be used".to_owned());
    let base: Uri = base.parse().map_err(|_| unusable())?;
    let header = token.map(|token| {
        let header = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()));
        header.map(|mut header| {
            header.set_sensitive(true);
            header
        })
    });
    let odd = |_| CollectError::Refused("the token holds characters that no token has; make a new one".to_owned());
    let header = header.transpose().map_err(odd)?;
    let Ok(octocrab) = OctocrabBuilder::new_empty()
        .with_service(Shared(client::client(patience)?))
        .with_layer(&BaseUriLayer::new(base.clone()))
        .with_layer(&AuthHeaderLayer::new(header, base.clone(), base))
        .with_auth(AuthState::None)
        .build();
    Ok(octocrab)
}
