//! A healthcheck that is told when a run begins and how it ended, in the manner of healthchecks.io: `/start`, then the
//! exit code. One try of a few seconds each: a dead healthcheck costs a run little and changes nothing about it.

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::{NotDelivered, webhook};
use crate::collect::http::Patience;
use crate::collect::http::client::{client, tell};

/// How long one ping may take; a run has two.
const LONGEST: Duration = Duration::from_secs(5);

/// Says `what` (`start`, or an exit code) to a healthcheck, with a line of counts. `run` is the same for both pings.
///
/// # Errors
/// [`NotDelivered`]; the address is not quoted.
pub async fn ping(url: &SecretString, what: &str, run: [u8; 16], line: String) -> Result<(), NotDelivered> {
    let url = place(webhook::check(url)?, what, run);
    let client = client(&Patience::default()).map_err(|error| NotDelivered::of(error.to_string()))?;
    let answer = tell(client.post(url).timeout(LONGEST).body(line)).await;
    let answer = answer.map_err(|error| NotDelivered::of(error.to_string()))?;
    match answer.status {
        200..=299 => Ok(()),
        status => Err(NotDelivered::of(format!("it is refused (HTTP {status})"))),
    }
}

/// The address of a ping: a part of the path, and the run's number as a UUID.
fn place(mut url: Url, what: &str, mut run: [u8; 16]) -> Url {
    run[6] = run[6] & 0x0f | 0x40;
    run[8] = run[8] & 0x3f | 0x80;
    let hex: String = run.iter().map(|byte| format!("{byte:02x}")).collect();
    let id = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push(what);
    }
    url.query_pairs_mut().append_pair("rid", &id);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ping_goes_below_the_address_and_names_its_run() {
        let url = |text: &str| place(Url::parse(text).unwrap(), "3", [0xff; 16]).to_string();
        let id = "rid=ffffffff-ffff-4fff-bfff-ffffffffffff";
        assert_eq!(url("https://hc.example.com/abc"), format!("https://hc.example.com/abc/3?{id}"));
        assert_eq!(url("https://hc.example.com/abc/?create=1"), format!("https://hc.example.com/abc/3?create=1&{id}"));
    }
}
