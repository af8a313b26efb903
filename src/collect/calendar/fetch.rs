//! Fetches calendars: files, and addresses with their redirects, never from a public to a private place.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::Location;
use crate::collect::Meter;
use crate::collect::http::{Answer, CollectError, Gate, Service, client, policy};

/// A calendar's size, at most.
const LARGEST: usize = 8 * 1024 * 1024;
const MOST_REDIRECTS: usize = 5;
/// The sum of all waits for one calendar.
const BUDGET: Duration = Duration::from_secs(120);

/// Why an answer without a text is none.
pub(super) const UNASKED: &str = "it says that nothing changed, which was not asked; ask its owner for a new address";
/// The longest mark that is kept.
const LONGEST_MARK: usize = 200;

/// The service's own marks of a text, for asking whether it changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Validators {
    pub etag: Option<String>,
    pub modified: Option<String>,
}

impl Validators {
    pub(super) fn is_empty(&self) -> bool {
        self.etag.is_none() && self.modified.is_none()
    }

    /// The marks of an answer. One that may name somebody is not kept.
    fn of(answer: &Answer) -> Self {
        let mark = |name: &str| {
            let told = answer.header(name).filter(|mark| mark.len() <= LONGEST_MARK && !mark.contains('@'));
            told.map(str::to_owned)
        };
        Self { etag: mark("etag"), modified: mark("last-modified") }
    }

    fn asked_with(&self, mut request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        if let Some(etag) = &self.etag {
            request = request.header(reqwest::header::IF_NONE_MATCH, etag);
        }
        if let Some(modified) = &self.modified {
            request = request.header(reqwest::header::IF_MODIFIED_SINCE, modified);
        }
        request
    }
}

/// What came of a fetch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fetched {
    Whole(Vec<u8>, Validators),
    /// The text is still the one that the marks belong to.
    Unchanged,
}

/// Reads a calendar's bytes, where it is not still the one of `marks`; the reason of a failure names neither address nor
/// path.
pub(super) async fn fetch(
    location: &Location,
    allow_private: bool,
    meter: Arc<Meter>,
    marks: Option<&Validators>,
) -> Result<Fetched, String> {
    match location {
        Location::File(path) => {
            let size = std::fs::metadata(path).map_err(|error| file_error(&error))?.len();
            if size > LARGEST as u64 {
                return Err("the file is larger than 8 MiB".to_owned());
            }
            let bytes = std::fs::read(path).map_err(|error| file_error(&error))?;
            Ok(Fetched::Whole(bytes, Validators::default()))
        }
        Location::Web(address) => web(address, allow_private, meter, marks).await.map_err(|error| match error {
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

async fn web(
    address: &SecretString,
    allow_private: bool,
    meter: Arc<Meter>,
    marks: Option<&Validators>,
) -> Result<Fetched, CollectError> {
    let unusable = || CollectError::Scope("its address cannot be used".to_owned());
    let mut url = Url::parse(address.expose_secret()).map_err(|_| unusable())?;
    // A loopback address stands in the configuration on purpose.
    let reach = Reach { private: allow_private, loopback: allow_private || is_loopback(&url) };
    let builder = client::builder(meter.patience()).dns_resolver(Arc::new(Checked(reach)));
    let http = builder.build().map_err(|_| unusable())?;
    let gate = Gate::new(Service::Calendar, meter, BUDGET);
    for _ in 0..=MOST_REDIRECTS {
        if !reach.allows(&url) {
            return Err(CollectError::Scope("it leads to an address that must not be asked".to_owned()));
        }
        let judge = |answer: &Answer| policy::classify(Service::Calendar, answer.status, &answer.headers, &answer.body);
        let asked = || marks.map_or_else(|| http.get(url.clone()), |marks| marks.asked_with(http.get(url.clone())));
        let attempt = || async { client::fetch(asked(), LARGEST).await };
        let answer = gate.send("GET calendar", judge, attempt).await?;
        match answer.status {
            301 | 302 | 303 | 307 | 308 => {}
            304 if marks.is_some() => return Ok(Fetched::Unchanged),
            304 => return Err(CollectError::Scope(UNASKED.to_owned())),
            _ => {
                let marks = Validators::of(&answer);
                return Ok(Fetched::Whole(answer.body, marks));
            }
        }
        url = next(&url, answer.header("location").unwrap_or_default()).ok_or_else(unusable)?;
    }
    Err(CollectError::Scope("it redirects in circles".to_owned()))
}

/// Where a redirect leads. Whatever credentials it names are left out.
fn next(from: &Url, location: &str) -> Option<Url> {
    let mut url = from.join(location).ok().filter(|_| !location.is_empty())?;
    if url.scheme() == "webcal" {
        url = Url::parse(&url.as_str().replacen("webcal", "https", 1)).ok()?;
    }
    // Only addresses without a host refuse this, and those hold no credentials.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    Some(url)
}

/// Which addresses may be asked besides public ones.
#[derive(Clone, Copy, Debug)]
struct Reach {
    private: bool,
    /// This machine, because the configuration's own address lies on it.
    loopback: bool,
}

impl Reach {
    /// Whether a hop may be asked, by its scheme and where its host is an address.
    fn allows(self, url: &Url) -> bool {
        let secure = url.scheme() == "https" || (url.scheme() == "http" && self.loopback && is_loopback(url));
        secure
            && match url.host() {
                Some(Host::Ipv4(address)) => self.admits(IpAddr::V4(address)),
                Some(Host::Ipv6(address)) => self.admits(IpAddr::V6(address)),
                // What a name stands for is checked when it is looked up.
                Some(Host::Domain(_)) => true,
                None => false,
            }
    }

    fn admits(self, address: IpAddr) -> bool {
        self.private || is_public(address) || (self.loopback && address.is_loopback())
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Whether an address lies in the public internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let reserved = a == 0 || a >= 224 || (a == 198 && (b & 0xFE) == 18) || (a == 192 && b == 0 && c == 0);
            !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_documentation() || shared || reserved)
        }
        IpAddr::V6(v6) => {
            let parts = v6.segments();
            // Addresses that carry one of version 4: mapped, translated (64:ff9b::/96) and 6to4 (2002::/16).
            let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
            let inner = match parts {
                [0, 0, 0, 0, 0, 0xFFFF, high, low] | [0x64, 0xFF9B, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
                [0x2002, high, low, ..] => Some(v4(high, low)),
                _ => None,
            };
            match inner {
                Some(v4) => is_public(IpAddr::V4(v4)),
                // Of all others only 2000::/3 is public.
                None => (parts[0] & 0xE000) == 0x2000 && !(parts[0] == 0x2001 && parts[1] == 0x0DB8),
            }
        }
    }
}

/// Resolves names to addresses that may be asked, at the moment of connecting.
struct Checked(Reach);

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str().to_owned(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| reach.admits(address.ip())).collect();
            if allowed.is_empty() {
                return Err("no address that may be asked".into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wiremock::matchers::{header_exists, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    const FAR: Reach = Reach { private: false, loopback: false };
    const NEAR: Reach = Reach { private: false, loopback: true };

    #[test]
    fn private_places_are_told_from_public_ones() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fd00::1",
            "fe80::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn every_hop_must_be_secure_and_public_unless_the_configuration_itself_is_near() {
        let allows = |reach: Reach, url: &str| reach.allows(&Url::parse(url).unwrap());
        assert!(allows(FAR, "https://calendar.example.com/a.ics"));
        for url in [
            "http://calendar.example.com/a.ics",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://[::1]/",
            "https://10.0.0.1/",
            "http://localhost/",
            "file:///etc/passwd",
            "ftp://calendar.example.com/",
        ] {
            assert!(!allows(FAR, url), "{url}");
        }
        assert!(allows(NEAR, "http://127.0.0.1:8080/") && allows(NEAR, "http://localhost/"));
        assert!(!allows(NEAR, "https://10.0.0.1/") && !allows(NEAR, "http://calendar.example.com/"));
        assert!(allows(Reach { private: true, loopback: true }, "https://10.0.0.1/"));
    }

    #[tokio::test]
    async fn names_are_checked_when_they_are_looked_up() {
        let name = || "localhost".parse::<Name>().unwrap();
        assert!(Checked(FAR).resolve(name()).await.is_err());
        assert!(Checked(NEAR).resolve(name()).await.is_ok());
    }

    #[test]
    fn a_redirect_loses_the_credentials_that_it_names() {
        let from = Url::parse("https://a.example.com/x/y").unwrap();
        assert_eq!(next(&from, "https://me:secret@b.example.com/z").unwrap().as_str(), "https://b.example.com/z");
        assert_eq!(next(&from, "../z").unwrap().as_str(), "https://a.example.com/z");
        assert!(next(&from, "").is_none());
    }

    async fn fetched(server: &MockServer, from: &str) -> Result<Vec<u8>, String> {
        match asked(server, from, None).await? {
            Fetched::Whole(bytes, _) => Ok(bytes),
            Fetched::Unchanged => Err("unchanged".to_owned()),
        }
    }

    async fn asked(server: &MockServer, from: &str, marks: Option<&Validators>) -> Result<Fetched, String> {
        let address = SecretString::from(format!("{}{from}", server.uri()));
        fetch(&Location::Web(address), false, Arc::default(), marks).await
    }

    #[tokio::test]
    async fn marks_are_sent_and_not_modified_counts_only_where_they_were() {
        let server = MockServer::start().await;
        let marked = header_exists("if-none-match");
        Mock::given(path("/a")).and(marked).respond_with(ResponseTemplate::new(304)).mount(&server).await;
        let whole = ResponseTemplate::new(200).insert_header("etag", "\"7\"").set_body_string("BEGIN");
        Mock::given(path("/a")).respond_with(whole).mount(&server).await;
        let Fetched::Whole(_, marks) = asked(&server, "/a", None).await.unwrap() else { panic!("the first is whole") };
        assert_eq!(marks, Validators { etag: Some("\"7\"".to_owned()), modified: None });
        assert_eq!(asked(&server, "/a", Some(&marks)).await, Ok(Fetched::Unchanged));
        let stubborn = ResponseTemplate::new(304).insert_header("etag", "\"7\"");
        Mock::given(path("/b")).respond_with(stubborn).mount(&server).await;
        assert_eq!(asked(&server, "/b", None).await.unwrap_err(), UNASKED);
        let personal = ResponseTemplate::new(200).insert_header("etag", "\"ada@example.com\"");
        Mock::given(path("/c")).respond_with(personal).mount(&server).await;
        assert_eq!(asked(&server, "/c", None).await, Ok(Fetched::Whole(Vec::new(), Validators::default())));
    }

    async fn redirect(server: &MockServer, from: &str, to: &str) {
        let answer = ResponseTemplate::new(302).insert_header("location", to).insert_header("set-cookie", "a=b");
        Mock::given(path(from)).respond_with(answer).mount(server).await;
    }

    #[tokio::test]
    async fn redirects_are_followed_five_times_and_never_to_a_private_place() {
        let (server, other) = (MockServer::start().await, MockServer::start().await);
        Mock::given(path("/end")).respond_with(ResponseTemplate::new(200).set_body_string("BEGIN")).mount(&other).await;
        redirect(&server, "/away", &format!("{}/end", other.uri())).await;
        assert_eq!(fetched(&server, "/away").await.unwrap(), b"BEGIN");
        let asked = &other.received_requests().await.unwrap()[0];
        for header in ["authorization", "cookie", "referer"] {
            assert!(!asked.headers.contains_key(header), "{header}");
        }
        for hop in 0..6 {
            redirect(&server, &format!("/{hop}"), &format!("/{}", hop + 1)).await;
        }
        Mock::given(path("/6")).respond_with(ResponseTemplate::new(200)).mount(&server).await;
        assert!(fetched(&server, "/1").await.is_ok());
        assert_eq!(fetched(&server, "/0").await.unwrap_err(), "it redirects in circles");
        for (from, to) in [("/p", "https://10.0.0.1/"), ("/q", "http://example.com/"), ("/r", "file:///etc/passwd")] {
            redirect(&server, from, to).await;
            assert_eq!(fetched(&server, from).await.unwrap_err(), "it leads to an address that must not be asked");
        }
    }
}
