//! Fetches calendars: files, and addresses with their redirects, never from a public to a private place.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::Location;
use crate::collect::Meter;
use crate::collect::http::{CollectError, Gate, Service, client, policy};

/// A calendar's size, at most.
const LARGEST: usize = 8 * 1024 * 1024;
const MOST_REDIRECTS: usize = 5;
/// The sum of all waits for one calendar.
const BUDGET: Duration = Duration::from_secs(120);

/// Reads a calendar's bytes; the reason of a failure names neither address nor path.
pub(super) async fn fetch(location: &Location, allow_private: bool, meter: Arc<Meter>) -> Result<Vec<u8>, String> {
    match location {
        Location::File(path) => {
            let size = std::fs::metadata(path).map_err(|error| file_error(&error))?.len();
            if size > LARGEST as u64 {
                return Err("the file is larger than 8 MiB".to_owned());
            }
            std::fs::read(path).map_err(|error| file_error(&error))
        }
        Location::Web(address) => web(address, allow_private, meter).await.map_err(|error| match error {
            CollectError::NotVisible => {
                "there is no calendar at its address any more; ask its owner for a new one".to_owned()
            }
            other => other.to_string(),
        }),
    }
}

fn file_error(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file; correct the path".to_owned(),
        std::io::ErrorKind::PermissionDenied => "the file must not be read; change its rights".to_owned(),
        _ => "the file cannot be read".to_owned(),
    }
}

async fn web(address: &SecretString, allow_private: bool, meter: Arc<Meter>) -> Result<Vec<u8>, CollectError> {
    let unusable = || CollectError::Scope("its address cannot be used".to_owned());
    let mut url = Url::parse(address.expose_secret()).map_err(|_| unusable())?;
    // A loopback address stands in the configuration on purpose.
    let private = allow_private || is_loopback(&url);
    let gate = Gate::new(Service::Calendar, meter, BUDGET);
    let builder = client::builder();
    let builder = if private { builder } else { builder.dns_resolver(Arc::new(PublicOnly)) };
    let http = builder.build().map_err(|_| unusable())?;
    for _ in 0..=MOST_REDIRECTS {
        let allowed = url.scheme() == "https" || (url.scheme() == "http" && private && is_loopback(&url));
        if !allowed || (!private && is_private_literal(&url)) {
            return Err(CollectError::Scope("it leads to an address that must not be asked".to_owned()));
        }
        let judge = |answer: &crate::collect::http::Answer| {
            policy::classify(Service::Calendar, answer.status, &answer.headers, &answer.body)
        };
        let attempt = || async { client::fetch(http.get(url.clone()), LARGEST).await };
        let answer = gate.send("GET calendar", judge, attempt).await?;
        if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
            return Ok(answer.body);
        }
        url = url.join(answer.header("location").unwrap_or_default()).map_err(|_| unusable())?;
    }
    Err(CollectError::Scope("it redirects in circles".to_owned()))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn is_private_literal(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => !is_public(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => !is_public(IpAddr::V6(address)),
        _ => false,
    }
}

/// Whether an address lies in the public internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || shared
                || a == 0)
        }
        IpAddr::V6(v6) => {
            let first = v6.segments()[0];
            let mapped = v6.to_ipv4_mapped().is_some_and(|v4| !is_public(IpAddr::V4(v4)));
            !(v6.is_loopback()
                || v6.is_unspecified()
                || (first & 0xfe00) == 0xfc00
                || (first & 0xffc0) == 0xfe80
                || mapped)
        }
    }
}

/// Resolves names to public addresses only, at the moment of connecting.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str().to_owned(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err("no public address".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_places_are_told_from_public_ones() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in ["93.184.216.34", "2606:2800:220:1::1"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        assert!(is_private_literal(&Url::parse("http://2130706433/").unwrap()));
    }
}
