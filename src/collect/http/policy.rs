//! What an answer means: one pure function for every service, over status, headers and body.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;

/// Which service answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Github,
    Jira,
    Calendar,
    /// Something that is told the summary after the night.
    Webhook,
}

/// What to do with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Ok,
    /// The source says that nothing changed.
    NotModified,
    /// Ask again, after a wait where the service names one; with a smaller page where it was too much for it.
    Retry {
        after: Option<Duration>,
        smaller: bool,
        why: &'static str,
    },
    /// Ask for a smaller page.
    Shrink,
    /// It lies elsewhere.
    Redirect,
    /// An empty repository: zero rows.
    Empty,
    /// Not there, or not to be seen with these credentials.
    NotVisible,
    /// The service does not take this question (its HTTP status); other questions may fare better.
    BadQuestion(u16),
    /// This scope cannot be read.
    Scope(String),
    /// The credentials are refused: trying again would only make it worse.
    Refused(String),
}

/// The wait for a limit that names none.
const UNTOLD_WAIT: Duration = Duration::from_secs(60);

/// Judges an answer by its status and headers, and by its body where services hide the reason there.
#[must_use]
pub fn classify(service: Service, status: u16, headers: &HeaderMap, body: &[u8]) -> Verdict {
    match status {
        304 => Verdict::NotModified,
        301 | 302 | 303 | 307 | 308 => Verdict::Redirect,
        // A channel's service takes a message and shows it later.
        202 if service == Service::Webhook => Verdict::Ok,
        200..=299 if status != 202 => success(service, headers, body),
        401 => Verdict::Refused(refusal(service)),
        403 | 429 => limited(service, status, headers, body),
        404 => Verdict::NotVisible,
        409 if service == Service::Github => Verdict::Empty,
        // Of Jira's answers the one tells that a single issue is gone, the other that a search is.
        410 if service == Service::Jira => Verdict::BadQuestion(status),
        410 | 451 => Verdict::Scope(format!("the service has taken this away for good (HTTP {status})")),
        202 | 408 | 500..=599 => Verdict::Retry {
            after: wait(headers),
            smaller: status == 502 || status == 504,
            why: "the service is not ready",
        },
        _ => Verdict::BadQuestion(status),
    }
}

fn success(service: Service, headers: &HeaderMap, body: &[u8]) -> Verdict {
    let denied = text(headers, "x-seraph-loginreason").is_some_and(|reason| reason.contains("AUTHENTICAT"))
        && !text(headers, "x-seraph-loginreason").is_some_and(|reason| reason.contains("OK"));
    if service == Service::Jira && denied {
        return Verdict::Refused(refusal(service));
    }
    let sso = text(headers, "x-github-sso").unwrap_or_default();
    if service == Service::Github && sso.starts_with("partial-results") {
        return Verdict::Scope(
            "single sign-on hides a part of its answer; authorise the token for the organisation".to_owned(),
        );
    }
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace() && !matches!(byte, 0xEF | 0xBB | 0xBF));
    match (service, first) {
        (Service::Calendar | Service::Webhook, _) => Verdict::Ok,
        (_, Some(b'{' | b'[')) if super::is_too_much(body) => {
            Verdict::Scope("an answer has more parts than are read".to_owned())
        }
        (_, Some(b'{' | b'[')) => Verdict::Ok,
        // A login page, or an error page of something in between.
        _ => Verdict::Retry { after: None, smaller: false, why: "it answered with a page instead of data" },
    }
}

fn refusal(service: Service) -> String {
    let what = match service {
        Service::Github => {
            "GitHub refuses the token; make a new one with read access, and check that it has not expired"
        }
        Service::Jira => {
            "Jira refuses the credentials; log in once in a browser in case a captcha is due, check user and token, and \
             use https://api.atlassian.com/ex/jira/CLOUD-ID as address for a token with scopes"
        }
        Service::Calendar => "the calendar's address is refused; ask its owner for a new one",
        Service::Webhook => "the webhook's address is refused; make a new one for this channel",
    };
    what.to_owned()
}

fn limited(service: Service, status: u16, headers: &HeaderMap, body: &[u8]) -> Verdict {
    let denied = ["x-seraph-loginreason", "x-authentication-denied-reason"];
    let captcha = denied.iter().filter_map(|name| text(headers, name)).any(|reason| {
        reason.contains("AUTHENTICATED_FAILED")
            || reason.contains("AUTHENTICATION_DENIED")
            || reason.contains("CAPTCHA")
    });
    if captcha {
        return Verdict::Refused(refusal(service));
    }
    let retry = |after| Verdict::Retry { after: Some(after), smaller: false, why: "a limit is in force" };
    if headers.contains_key("retry-after") {
        return retry(wait(headers).unwrap_or(UNTOLD_WAIT));
    }
    if service == Service::Jira && text(headers, "ratelimit-reason").is_some_and(|reason| reason.contains("burst")) {
        // A burst slows this question alone; the other limits of Jira are for everything the credential asks.
        return Verdict::Retry { after: None, smaller: false, why: "too many requests at once" };
    }
    if text(headers, "x-ratelimit-remaining").as_deref() == Some("0") {
        return retry(until_reset(headers).unwrap_or(UNTOLD_WAIT));
    }
    let lower = String::from_utf8_lossy(&body[..body.len().min(4096)]).to_lowercase();
    let told =
        lower.contains("secondary rate limit") || lower.contains("abuse") || lower.contains("rate limit exceeded");
    if told || status == 429 || headers.contains_key("gh-limited-by") {
        return retry(UNTOLD_WAIT);
    }
    if headers.contains_key("x-github-sso") {
        return Verdict::Refused("the organisation asks for single sign-on; authorise the token for it".to_owned());
    }
    match service {
        Service::Github => Verdict::Scope("the token lacks the right to read this (HTTP 403)".to_owned()),
        Service::Jira => Verdict::Scope("the account lacks the right to browse this project (HTTP 403)".to_owned()),
        Service::Calendar | Service::Webhook => Verdict::Refused(refusal(service)),
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// The server's own clock.
fn server_time(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(&text(headers, "date")?)
}

/// `Tue, 24 Nov 2026 12:00:00 GMT`.
#[must_use]
pub fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(&text.replace("GMT", "+0000")).ok().map(|zoned| zoned.timestamp())
}

/// `Retry-After` in seconds or as a date; what is negative or garbage counts as a minute.
#[must_use]
pub fn wait(headers: &HeaderMap) -> Option<Duration> {
    let told = text(headers, "retry-after")?;
    let seconds = match told.trim().parse::<i64>() {
        Ok(seconds) => Some(seconds),
        Err(_) => http_date(&told).zip(server_time(headers)).map(|(until, now)| until.as_second() - now.as_second()),
    };
    Some(seconds.and_then(|seconds| u64::try_from(seconds).ok()).map_or(UNTOLD_WAIT, Duration::from_secs))
}

/// The wait to the reset of a primary limit, by the server's clock; a second more, since resets are whole seconds.
/// GitHub gives epoch seconds, Jira an ISO 8601 instant.
#[must_use]
pub fn until_reset(headers: &HeaderMap) -> Option<Duration> {
    let told = text(headers, "x-ratelimit-reset")?;
    let reset: i64 = match told.parse() {
        Ok(seconds) => seconds,
        Err(_) => told.parse::<Timestamp>().ok()?.as_second(),
    };
    let now = server_time(headers)?.as_second();
    u64::try_from(reset - now + 1).ok().map(Duration::from_secs).or(Some(Duration::from_secs(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[track_caller]
    fn check(service: Service, status: u16, pairs: &[(&'static str, &'static str)], body: &str, expected: &str) {
        let verdict = classify(service, status, &headers(pairs), body.as_bytes());
        assert!(format!("{verdict:?}").starts_with(expected), "{verdict:?}, expected {expected}");
    }

    #[test]
    fn every_kind_of_answer_has_its_meaning() {
        use Service::{Calendar, Github, Jira};
        let date = ("date", "Tue, 24 Nov 2026 12:00:00 GMT");
        check(Github, 200, &[], "{}", "Ok");
        check(Github, 304, &[], "", "NotModified");
        check(Github, 200, &[], "<html>", "Retry { after: None");
        check(Calendar, 200, &[], "BEGIN:VCALENDAR", "Ok");
        check(Service::Webhook, 200, &[], "", "Ok");
        check(Service::Webhook, 202, &[], "", "Ok");
        check(Github, 202, &[], "", "Retry");
        check(Service::Webhook, 403, &[], "", "Refused");
        check(Github, 401, &[], "{}", "Refused");
        check(Github, 403, &[], "{}", "Scope");
        check(Github, 403, &[], "You have exceeded a secondary rate limit", "Retry { after: Some(60s)");
        check(Github, 403, &[("retry-after", "7")], "", "Retry { after: Some(7s)");
        check(Github, 403, &[("retry-after", "Tue, 24 Nov 2026 12:00:09 GMT"), date], "", "Retry { after: Some(9s)");
        check(Github, 429, &[("retry-after", "-5")], "", "Retry { after: Some(60s)");
        check(Github, 429, &[("retry-after", "soon")], "", "Retry { after: Some(60s)");
        check(
            Github,
            403,
            &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795521610"), date],
            "",
            "Retry { after: Some(11s)",
        );
        check(Github, 429, &[], "", "Retry { after: Some(60s)");
        check(Github, 403, &[("x-github-sso", "required; url=https://x")], "", "Refused");
        check(Github, 200, &[("x-github-sso", "partial-results; organizations=1")], "[]", "Scope(\"single sign-on");
        check(Github, 404, &[], "{}", "NotVisible");
        check(Github, 409, &[], "{}", "Empty");
        check(Github, 410, &[], "{}", "Scope");
        check(Github, 301, &[], "", "Redirect");
        check(Github, 502, &[], "<html>", "Retry { after: None, smaller: true");
        check(Jira, 400, &[], "{}", "BadQuestion(400)");
        let used_up = ("x-ratelimit-remaining", "0");
        check(
            Jira,
            429,
            &[used_up, ("x-ratelimit-reset", "2026-11-24T12:00:20Z"), date],
            "",
            "Retry { after: Some(21s)",
        );
        check(Jira, 429, &[used_up, ("x-ratelimit-reset", "2026-11-24T12:01Z"), date], "", "Retry { after: Some(61s)");
        check(Jira, 429, &[("ratelimit-reason", "jira-burst-based")], "", "Retry { after: None");
        check(Jira, 429, &[("ratelimit-reason", "jira-quota-tenant-based")], "", "Retry { after: Some(60s)");
        check(
            Jira,
            429,
            &[("ratelimit-reason", "jira-burst-based"), ("retry-after", "2")],
            "",
            "Retry { after: Some(2s)",
        );
        check(Jira, 403, &[("x-authentication-denied-reason", "CAPTCHA_CHALLENGE")], "", "Refused");
        check(Jira, 401, &[("x-seraph-loginreason", "AUTHENTICATED_FAILED")], "", "Refused");
        check(Jira, 200, &[("x-seraph-loginreason", "OK")], "{}", "Ok");
        check(Jira, 503, &[("retry-after", "3")], "", "Retry { after: Some(3s)");
    }
}
