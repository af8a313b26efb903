//! Faults that Jira puts into its answers.

use serde_json::json;

use super::{Case, Ends, When, case, changed, on_jira, on_search, status};
use crate::support::faulty::{Asked, Moment, Reply, Sent};

fn on_changes(asked: &Asked) -> bool {
    asked.path.contains("bulkfetch")
}

fn on_any_search(asked: &Asked) -> bool {
    asked.path.contains("/search/jql")
}

fn nothing(good: Reply) -> Sent {
    changed(good, |value| *value = json!({ "issues": [], "isLast": true }))
}

/// Nothing for a search, the good answer for the census.
fn nothing_of(asked: &Asked, good: Reply) -> Sent {
    if on_search(asked) { nothing(good) } else { Sent::Whole(good) }
}

/// The search through one of the two projects; a later night names it by its number.
fn on_pay(asked: &Asked) -> bool {
    on_search(asked) && asked.body.contains("project = 1 ")
}

fn on_project(asked: &Asked) -> bool {
    asked.path.ends_with("/project/PAY")
}

fn limited(name: &'static str, value: &str, _: Moment) -> Sent {
    Sent::Whole(Reply::new(429, "{}").with(name, value))
}

fn denied(code: u16, name: &'static str, value: &str) -> Sent {
    Sent::Whole(Reply::new(code, "{}").with(name, value))
}

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut all = refusals();
    all.extend(searches());
    all
}

fn refusals() -> Vec<Case> {
    const REFUSED: &str = "Jira refuses the credentials";
    vec![
        case(
            "J1 429 with Retry-After",
            on_search,
            When::Until(40),
            |_, _, at| limited("retry-after", "40", at),
            Ends::Healed,
        )
        .waiting(40),
        case(
            "J1 a burst",
            on_search,
            When::First(2),
            |_, _, at| limited("ratelimit-reason", "jira-burst-based", at),
            Ends::Healed,
        )
        .waiting(1),
        case(
            "J1 a quota",
            on_search,
            When::Until(60),
            |_, _, at| limited("ratelimit-reason", "jira-quota-tenant-based", at),
            Ends::Healed,
        )
        .waiting(60),
        case(
            "J1 used up until a moment",
            on_jira,
            When::Until(100),
            |_, _, at| {
                let reset = jiff::Timestamp::from_second(at.now + 100).expect("a time");
                Sent::Whole(Reply::new(429, "{}").with("x-ratelimit-remaining", 0).with("x-ratelimit-reset", reset))
            },
            Ends::Healed,
        )
        .waiting(100),
        case("J1 429 for good", on_search, When::Always, |_, _, _| status(429), Ends::Named("a limit is in force"))
            .waiting(300),
        case("J2 401", on_jira, When::Always, |_, _, _| status(401), Ends::Refused(REFUSED, 1)),
        case(
            "J2 login failed",
            on_jira,
            When::Always,
            |_, _, _| denied(401, "x-seraph-loginreason", "AUTHENTICATED_FAILED"),
            Ends::Refused(REFUSED, 1),
        ),
        case(
            "J2 login denied",
            on_jira,
            When::Always,
            |_, _, _| denied(403, "x-seraph-loginreason", "AUTHENTICATION_DENIED"),
            Ends::Refused(REFUSED, 1),
        ),
        case(
            "J2 a captcha",
            on_jira,
            When::Always,
            |_, _, _| denied(403, "x-authentication-denied-reason", "CAPTCHA_CHALLENGE; login-url=https://x"),
            Ends::Refused(REFUSED, 1),
        ),
        case("J2 401 in the middle", on_jira, When::From(5), |_, _, _| status(401), Ends::Refused(REFUSED, 1)),
        case(
            "J3 login denied with status 200",
            on_jira,
            When::Always,
            |_, good, _| Sent::Whole(good.with("x-seraph-loginreason", "AUTHENTICATION_DENIED")),
            Ends::Refused(REFUSED, 1),
        ),
        case(
            "J3 nobody with status 200",
            on_jira,
            When::Always,
            |_, good, _| Sent::Whole(good.with("x-ausername", "anonymous")),
            Ends::Refused("nobody had logged in", 1),
        ),
        case(
            "J3 a login page for everything",
            on_jira,
            When::Always,
            |_, _, _| Sent::Whole(Reply::new(200, "<!doctype html>Log in").with("content-type", "text/html")),
            Ends::Named("a page instead of data"),
        ),
        case(
            "J3 redirected to a login page",
            on_jira,
            When::Always,
            |_, _, _| Sent::Whole(Reply::new(302, "").with("location", "/login.jsp")),
            Ends::Named("it redirects elsewhere"),
        ),
        case(
            "J4 the search shows nothing of what changed",
            on_search,
            When::Always,
            |_, good, _| nothing(good),
            Ends::Named("although it is there"),
        )
        .later(),
        case(
            "J4 nothing where something was",
            on_any_search,
            When::Always,
            |_, good, _| nothing(good),
            Ends::Named(""),
        )
        .later(),
        case(
            "J4 nothing, and the census is 500 once",
            on_any_search,
            When::Always,
            |asked, good, at| {
                if on_search(asked) || at.number % 2 == 1 { nothing_of(asked, good) } else { status(500) }
            },
            Ends::Named("although it is there"),
        )
        .later(),
        case(
            "J4 nothing, and the census is 500 for good",
            on_any_search,
            When::Always,
            |asked, good, _| if on_search(asked) { nothing(good) } else { status(500) },
            Ends::Named(""),
        )
        .later(),
        case("J6 410 for the search", on_search, When::Always, |_, _, _| status(410), Ends::Named("HTTP 410")),
        case("J7 400 for one project", on_pay, When::Always, |_, _, _| status(400), Ends::Named("HTTP 400")),
        case(
            "a project that is not there",
            on_project,
            When::Always,
            |_, _, _| status(404),
            Ends::Named("not visible"),
        ),
        case(
            "a project that must not be browsed",
            on_project,
            When::Always,
            |_, _, _| status(403),
            Ends::Named("lacks the right"),
        ),
        case("a project without a number", on_project, When::Always, |_, _, _| status(200), Ends::Named("PAY")),
        case(
            "the own account, once 500",
            |asked| asked.path.ends_with("/myself"),
            When::First(1),
            |_, _, _| status(500),
            Ends::Healed,
        ),
        case(
            "the own account is refused in the end",
            |asked| asked.path.ends_with("/myself"),
            When::From(1),
            |_, _, _| status(401),
            Ends::Refused(REFUSED, 1),
        ),
        case(
            "no statuses",
            |asked| asked.path.ends_with("/status"),
            When::Always,
            |_, _, _| status(200),
            Ends::Named(""),
        ),
        case(
            "no fields",
            |asked| asked.path.ends_with("/field"),
            When::Always,
            |_, _, _| status(500),
            Ends::Named("it kept failing"),
        ),
    ]
}

fn searches() -> Vec<Case> {
    const STUCK: &str = "pagination did not advance";
    vec![
        case(
            "J9 the way on is no longer taken, once",
            |asked| on_search(asked) && asked.body.contains("nextPageToken"),
            When::First(1),
            |_, _, _| status(400),
            Ends::Healed,
        ),
        case(
            "J9 the same way on for ever",
            on_pay,
            When::Always,
            |_, good, _| {
                changed(good, |value| {
                    value["isLast"] = json!(false);
                    value["nextPageToken"] = json!("0");
                })
            },
            Ends::Named(STUCK),
        ),
        case(
            "J9 more, and no way on",
            on_pay,
            When::Always,
            |_, good, _| {
                changed(good, |value| {
                    value["isLast"] = json!(false);
                    value.as_object_mut().expect("a page").remove("nextPageToken");
                })
            },
            Ends::Named(STUCK),
        ),
        case(
            "n8n#16493 an empty page in the middle",
            on_pay,
            When::First(1),
            |_, good, _| {
                changed(good, |value| {
                    value["issues"] = json!([]);
                    value["isLast"] = json!(false);
                    value["nextPageToken"] = json!("0");
                })
            },
            Ends::Healed,
        ),
        case("no list of issues", on_pay, When::Always, |_, _, _| status(200), Ends::Named("PAY")),
        case(
            "an issue without a number",
            on_pay,
            When::Always,
            |_, good, _| {
                changed(good, |value| {
                    if let Some(issue) = value["issues"].as_array_mut().and_then(|list| list.first_mut()) {
                        issue.as_object_mut().expect("an issue").remove("id");
                    }
                })
            },
            Ends::Named("PAY"),
        ),
        case(
            "issues come twice",
            on_pay,
            When::Always,
            |_, good, _| {
                changed(good, |value| {
                    let list = value["issues"].as_array_mut().expect("a page");
                    list.extend(list.clone());
                })
            },
            Ends::Healed,
        ),
        case(
            "an issue of another project among them",
            on_pay,
            When::Always,
            |_, good, _| {
                changed(good, |value| {
                    let list = value["issues"].as_array_mut().expect("a page");
                    list.reverse();
                })
            },
            Ends::Healed,
        ),
        case("changes, once 500", on_changes, When::First(1), |_, _, _| status(500), Ends::Healed),
        case("changes, 500 for good", on_changes, When::Always, |_, _, _| status(500), Ends::Named("it kept failing")),
        case("changes are refused", on_changes, When::Always, |_, _, _| status(403), Ends::Named("")),
        case("changes are not known there", on_changes, When::Always, |_, _, _| status(404), Ends::Named("")),
        case("no list of changes", on_changes, When::Always, |_, _, _| status(200), Ends::Named("")),
        case(
            "changes whose way on repeats",
            on_changes,
            When::Always,
            |_, good, _| changed(good, |value| value["nextPageToken"] = json!("0")),
            Ends::Named(""),
        ),
        case(
            "P8 Jira's clock is an hour behind",
            on_jira,
            When::Always,
            |_, good, at| dated(good, at.now - 3600),
            Ends::Healed,
        ),
        case(
            "P8 Jira has no clock",
            on_jira,
            When::Always,
            |_, good, _| Sent::Whole(good.with("date", "")),
            Ends::Healed,
        ),
    ]
}

fn dated(good: Reply, now: i64) -> Sent {
    let at = jiff::Timestamp::from_second(now).expect("a time");
    Sent::Whole(good.with("date", at.strftime("%a, %d %b %Y %H:%M:%S GMT")))
}
