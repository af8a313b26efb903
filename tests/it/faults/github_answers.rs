//! Faults that GitHub puts into its answers: limits, refusals, lost parts, pages that do not advance.

use serde_json::json;

use super::{Case, Ends, When, case, changed, on_github, on_graph, on_pulls, status};
use crate::support::faulty::{Asked, Moment, Reply, Sent};

fn on_comments(asked: &Asked) -> bool {
    asked.path.contains("/pulls/comments")
}

/// The walk through one of the two repositories.
fn on_payments(asked: &Asked) -> bool {
    on_pulls(asked) && asked.body.contains("payments")
}

fn on_glances(asked: &Asked) -> bool {
    on_graph(asked) && asked.body.contains("Glance")
}

fn used_up(code: u16, after: i64, moment: Moment) -> Sent {
    let reply = Reply::new(code, "{\"message\":\"API rate limit exceeded\"}").with("x-ratelimit-remaining", 0);
    Sent::Whole(reply.with("x-ratelimit-reset", moment.now + after))
}

fn retry_after(code: u16, told: &str) -> Sent {
    Sent::Whole(Reply::new(code, "{}").with("retry-after", told))
}

fn secondary(_: &Asked, _: Reply, _: Moment) -> Sent {
    Sent::Whole(Reply::new(403, "{\"message\":\"You have exceeded a secondary rate limit\"}"))
}

fn error(kind: &str, message: &str) -> Sent {
    Sent::Whole(Reply::new(200, json!({ "errors": [{ "type": kind, "message": message }] }).to_string()))
}

/// More than ten pull requests at once are too much.
fn many(asked: &Asked) -> bool {
    let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap_or_default();
    on_pulls(asked) && body["variables"]["first"].as_u64().is_some_and(|first| first > 10)
}

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut all = limits();
    all.extend(refusals());
    all.extend(lost_parts());
    all.extend(pages());
    all
}

fn limits() -> Vec<Case> {
    vec![
        case(
            "G1 403 with nothing remaining",
            on_github,
            When::Until(600),
            |_, _, at| used_up(403, 600, at),
            Ends::Healed,
        )
        .waiting(600),
        case(
            "G1 429 with nothing remaining, in the middle",
            on_pulls,
            When::Until(90),
            |_, _, at| used_up(429, 90, at),
            Ends::Healed,
        )
        .waiting(90),
        case(
            "G1 nothing remaining and no reset",
            on_pulls,
            When::Until(60),
            |_, _, _| Sent::Whole(Reply::new(403, "{}").with("x-ratelimit-remaining", 0)),
            Ends::Healed,
        )
        .waiting(60),
        case("G2 Retry-After in seconds", on_comments, When::Until(90), |_, _, _| retry_after(403, "90"), Ends::Healed)
            .waiting(90),
        case(
            "G2 Retry-After as a date",
            on_graph,
            When::Until(120),
            |_, _, at| {
                let until = jiff::Timestamp::from_second(at.now + 120).expect("a time");
                retry_after(429, &until.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
            },
            Ends::Healed,
        )
        .waiting(119),
        case("G2 negative Retry-After", on_graph, When::Until(60), |_, _, _| retry_after(429, "-5"), Ends::Healed)
            .waiting(60),
        case(
            "G2 Retry-After that is no number",
            on_graph,
            When::Until(60),
            |_, _, _| retry_after(429, "soon"),
            Ends::Healed,
        )
        .waiting(60),
        case(
            "G2 Retry-After of thirty years",
            on_payments,
            When::Always,
            |_, _, _| retry_after(403, "999999999"),
            Ends::Named("asks to wait 999999999 seconds"),
        ),
        case(
            "G2 an hour again and again",
            on_payments,
            When::Always,
            |_, _, _| retry_after(429, "3600"),
            Ends::Named("asks to wait 3600 seconds"),
        )
        .waiting(4 * 3600),
        case("G3 secondary limit without headers", on_github, When::Until(60), secondary, Ends::Healed).waiting(60),
        case(
            "G3 abuse detection",
            on_comments,
            When::Until(60),
            |_, _, _| Sent::Whole(Reply::new(403, "{\"message\":\"You have triggered an abuse detection mechanism\"}")),
            Ends::Healed,
        )
        .waiting(60),
        case("G3 secondary limit for good", on_payments, When::Always, secondary, Ends::Named("a limit is in force"))
            .waiting(300),
        case(
            "airbyte#13955 a secondary limit in one repository",
            on_payments,
            When::From(1),
            secondary,
            Ends::Named("harbor/payments"),
        )
        .first(),
        case(
            "G4 RATE_LIMITED with status 200",
            on_pulls,
            When::Until(200),
            |_, _, at| match error("RATE_LIMITED", "API rate limit exceeded") {
                Sent::Whole(reply) => {
                    Sent::Whole(reply.with("x-ratelimit-reset", at.now + 200).with("x-ratelimit-remaining", 0))
                }
                other => other,
            },
            Ends::Healed,
        )
        .waiting(200),
        case(
            "G4 RATE_LIMIT with status 200",
            on_graph,
            When::Until(60),
            |_, _, _| error("RATE_LIMIT", "x"),
            Ends::Healed,
        )
        .waiting(60),
        case(
            "renovate#21861 graphql_rate_limit as a code",
            on_graph,
            When::Until(60),
            |_, _, _| {
                Sent::Whole(Reply::new(200, "{\"errors\":[{\"code\":\"graphql_rate_limit\",\"message\":\"x\"}]}"))
            },
            Ends::Healed,
        )
        .waiting(60),
        case(
            "G4 RESOURCE_LIMITS_EXCEEDED, once",
            on_pulls,
            When::First(1),
            |_, _, _| error("RESOURCE_LIMITS_EXCEEDED", "x"),
            Ends::Healed,
        ),
        case(
            "sf-in-lean#265 node limit over ten",
            many,
            When::Always,
            |_, _, _| error("MAX_NODE_LIMIT_EXCEEDED", "x"),
            Ends::Healed,
        ),
        case(
            "G5 node limit for good",
            on_payments,
            When::Always,
            |_, _, _| error("MAX_NODE_LIMIT_EXCEEDED", "x"),
            Ends::Named("even the smallest page"),
        ),
        case("G6 502 over ten", many, When::Always, |_, _, _| Sent::Whole(Reply::new(502, "<html>")), Ends::Healed),
        case("G6 504, once", on_pulls, When::First(1), |_, _, _| Sent::Whole(Reply::new(504, "<html>")), Ends::Healed),
        case(
            "G6 something went wrong over ten",
            many,
            When::Always,
            |_, _, _| error("", "Something went wrong while executing your query. This may be the result of a timeout"),
            Ends::Healed,
        ),
        case(
            "airbyte#83804 502 for good in one repository",
            on_payments,
            When::Always,
            |_, _, _| Sent::Whole(Reply::new(502, "<html>")),
            Ends::Named("harbor/payments"),
        ),
        case(
            "devlake#8020 a service without limits",
            on_github,
            When::Always,
            |_, good, _| {
                Sent::Whole(
                    good.with("x-ratelimit-limit", 0)
                        .with("x-ratelimit-remaining", 0)
                        .with("x-ratelimit-reset", "0001-01-01T00:00:00Z"),
                )
            },
            Ends::Healed,
        ),
    ]
}

fn refusals() -> Vec<Case> {
    const TOKEN: &str = "GitHub refuses the token";
    vec![
        case("G9 401 at once", on_github, When::Always, |_, _, _| status(401), Ends::Refused(TOKEN, 1)),
        case(
            "G9 401 from the fifth answer on",
            on_github,
            When::From(4),
            |_, _, _| status(401),
            Ends::Refused(TOKEN, 12),
        ),
        case(
            "G10 single sign-on is required",
            on_payments,
            When::Always,
            |_, _, _| {
                Sent::Whole(Reply::new(403, "{}").with("x-github-sso", "required; url=https://github.com/orgs/x/sso"))
            },
            Ends::Named("single sign-on"),
        ),
        case(
            "G10 single sign-on hides a part",
            on_comments,
            When::Always,
            |_, good, _| Sent::Whole(good.with("x-github-sso", "partial-results; organizations=21955855")),
            Ends::Named("single sign-on"),
        ),
        case(
            "G11 a repository that is not there",
            on_glances,
            When::Always,
            |_, good, _| {
                changed(good, |value| {
                    let hidden = value["data"].as_object_mut().expect("an answer").iter_mut();
                    hidden
                        .filter(|(_, one)| one["nameWithOwner"] == "harbor/payments")
                        .for_each(|(_, one)| *one = json!(null));
                    value["errors"] = json!([{ "type": "NOT_FOUND", "path": ["r0"], "message": "x" }]);
                })
            },
            Ends::Named("not visible"),
        ),
        case(
            "tap-github#149 moved within the service",
            |asked| asked.path.starts_with("/repos/harbor/payments/pulls/comments"),
            When::Always,
            |asked, _, _| {
                let place = asked.path.replace("/repos/harbor/payments/", "/repositories/42/");
                Sent::Whole(Reply::new(301, "{}").with("location", place))
            },
            Ends::Healed,
        ),
        case(
            "S6 moved to another host",
            on_comments,
            When::Always,
            |_, _, _| Sent::Whole(Reply::new(301, "{}").with("location", "https://example.com/x")),
            Ends::Named("another host"),
        ),
        case(
            "S6 moved to another port",
            on_comments,
            When::Always,
            |_, _, _| Sent::Whole(Reply::new(302, "{}").with("location", "http://127.0.0.1:1/x")),
            Ends::Named("another host"),
        ),
        case(
            "S6 moved in circles",
            on_comments,
            When::Always,
            |asked, _, _| Sent::Whole(Reply::new(307, "{}").with("location", &asked.path)),
            Ends::Named("in circles"),
        ),
        case(
            "G13 451",
            on_comments,
            When::Always,
            |_, _, _| status(451),
            Ends::Named("taken this away for good (HTTP 451)"),
        ),
        case(
            "G13 410",
            on_comments,
            When::Always,
            |_, _, _| status(410),
            Ends::Named("taken this away for good (HTTP 410)"),
        ),
        case(
            "airbyte#61742 409 for a repository that is not empty",
            on_comments,
            When::Always,
            |_, _, _| status(409),
            Ends::Named(""),
        ),
        case("G13 202, once", on_comments, When::First(1), |_, _, _| status(202), Ends::Healed),
        case("G13 304 that was not asked for", on_comments, When::Always, |_, _, _| status(304), Ends::Named("")),
        case(
            "G13 422",
            on_comments,
            When::Always,
            |_, _, _| status(422),
            Ends::Named("refuses the question (HTTP 422)"),
        ),
        case(
            "G17 the rights cannot be asked",
            |asked| asked.path.starts_with("/rate_limit"),
            When::Always,
            |_, _, _| status(404),
            Ends::Healed,
        ),
        case(
            "G17 an older service knows a field not",
            on_payments,
            When::Always,
            |_, _, _| {
                Sent::Whole(Reply::new(
                    200,
                    "{\"errors\":[{\"message\":\"Field 'x' doesn't exist on type 'PullRequest'\",\"extensions\":{\"code\":\"undefinedField\"}}]}",
                ))
            },
            Ends::Named("harbor/payments"),
        ),
    ]
}

fn lost_parts() -> Vec<Case> {
    vec![
        case("G7 a repository forbidden in the middle", on_payments, When::Always, |_, good, _| {
            changed(good, |value| {
                value["data"]["repository"] = json!(null);
                value["errors"] = json!([{ "type": "FORBIDDEN", "path": ["repository"], "message": "x" }]);
            })
        }, Ends::Named("harbor/payments")),
        case("G7 an unknown error, once", on_pulls, When::First(1), |_, good, _| changed(good, |value| value["errors"] = json!([{ "type": "ODD", "message": "x" }])), Ends::Healed),
        case("G7 an unknown error, for good", on_payments, When::Always, |_, good, _| changed(good, |value| value["errors"] = json!([{ "type": "ODD", "message": "x" }])), Ends::Named("a part of its answer is missing")),
        case("G7 a service unavailable below, once", on_pulls, When::First(1), |_, good, _| changed(good, |value| value["errors"] = json!([{ "type": "SERVICE_UNAVAILABLE", "path": ["repository"], "message": "x" }])), Ends::Healed),
        case("devlake#3491 one pull request is null", on_payments, When::Always, |_, good, _| {
            changed(good, |value| {
                value["data"]["repository"]["pullRequests"]["nodes"][0] = json!(null);
                value["errors"] = json!([{ "type": "NOT_FOUND", "path": ["repository", "pullRequests", "nodes", 0], "message": "x" }]);
            })
        }, Ends::Named("left out")).later(),
        case("G8 data is null", on_pulls, When::Always, |_, _, _| Sent::Whole(Reply::new(200, "{\"data\":null}")), Ends::Named("unexpected shape")),
        case("G8 an empty object", on_pulls, When::Always, |_, _, _| status(200), Ends::Named("unexpected shape")),
        case("G8 a list", on_pulls, When::Always, |_, _, _| Sent::Whole(Reply::new(200, "[]")), Ends::Named("unexpected shape")),
        case("G8 nothing at all", on_pulls, When::Always, |_, _, _| Sent::Whole(Reply::new(200, "")), Ends::Named("a page instead of data")),
        case("G8 null", on_pulls, When::Always, |_, _, _| Sent::Whole(Reply::new(200, "null")), Ends::Named("a page instead of data")),
        case("G8 no list of pull requests", on_payments, When::Always, |_, good, _| changed(good, |value| value["data"]["repository"]["pullRequests"] = json!(null)), Ends::Named("harbor/payments")),
        case("G8 an object where comments are listed", on_comments, When::Always, |_, _, _| status(200), Ends::Named("unexpected shape")),
        case("G8 no commits", |asked| on_graph(asked) && asked.body.contains("query Commits"), When::Always, |_, good, _| changed(good, |value| value["data"]["repository"] = json!(null)), Ends::Named("unexpected shape")).first(),
        case("G8 no accounts", |asked| on_graph(asked) && asked.body.contains("user(login:"), When::Always, |_, _, _| Sent::Whole(Reply::new(200, "{\"data\":null}")), Ends::Named("unexpected shape")),
        case("gh-pr-review#29 an inner list that cannot be continued", |asked| on_graph(asked) && asked.body.contains("query More"), When::Always, |_, _, _| status(500), Ends::Named("harbor/payments")).first(),
        case("an inner list whose rest is null", |asked| on_graph(asked) && asked.body.contains("query More"), When::Always, |_, good, _| {
            changed(good, |value| value["data"].as_object_mut().expect("an answer").values_mut().for_each(|one| if one.is_object() { *one = json!(null) }))
        }, Ends::Named("harbor/payments")).first(),
    ]
}

fn pages() -> Vec<Case> {
    const STUCK: &str = "pagination did not advance";
    vec![
        case(
            "tap-github#165 more, and no way on",
            on_payments,
            When::Always,
            |_, good, _| {
                changed(good, |value| {
                    value["data"]["repository"]["pullRequests"]["pageInfo"] =
                        json!({ "hasNextPage": true, "endCursor": null })
                })
            },
            Ends::Named(STUCK),
        )
        .first(),
        case(
            "judges-action#2142 the same place again and again",
            on_payments,
            When::Always,
            |_, good, _| {
                changed(good, |value| {
                    value["data"]["repository"]["pullRequests"]["pageInfo"] =
                        json!({ "hasNextPage": true, "endCursor": "0" })
                })
            },
            Ends::Named(STUCK),
        )
        .first(),
        case(
            "G15 the next page lies on another host",
            on_comments,
            When::Always,
            |_, good, _| Sent::Whole(good.with("link", "<https://example.com/x?page=2>; rel=\"next\"")),
            Ends::Named("another host"),
        ),
        case(
            "G15 pages in circles",
            on_comments,
            When::Always,
            |asked, good, _| Sent::Whole(good.with("link", format!("<{}>; rel=\"next\"", asked.path))),
            Ends::Named(STUCK),
        ),
        case(
            "devlake#3602 rows come twice in a page",
            on_pulls,
            When::Always,
            |_, good, _| {
                changed(good, |value| {
                    let list = value["data"]["repository"]["pullRequests"]["nodes"].as_array_mut().expect("a page");
                    list.extend(list.clone());
                })
            },
            Ends::Healed,
        ),
        case(
            "P7 comments are listed in another order",
            on_comments,
            When::Always,
            |_, good, _| changed(good, |value| value.as_array_mut().expect("a page").reverse()),
            Ends::Healed,
        ),
        case(
            "tap-github#216 the service ignores since",
            on_comments,
            When::Always,
            |_, good, _| Sent::Whole(good),
            Ends::Healed,
        )
        .hearing(|head| {
            let Some(from) = head.find("&since=") else { return head.to_owned() };
            let rest = &head[from + 1..];
            let to = rest.find(['&', ' ']).unwrap_or(rest.len());
            format!("{}{}", &head[..from], &rest[to..])
        }),
        case(
            "P8 a clock an hour behind",
            on_github,
            When::Always,
            |_, good, at| dated(good, at.now - 3600),
            Ends::Healed,
        ),
        case(
            "P8 a clock a day ahead",
            on_github,
            When::Always,
            |_, good, at| dated(good, at.now + 86_400),
            Ends::Healed,
        ),
        case("P8 no clock", on_github, When::Always, |_, good, _| Sent::Whole(good.with("date", "")), Ends::Healed),
        case(
            "P8 a clock that is no time",
            on_github,
            When::Always,
            |_, good, _| Sent::Whole(good.with("date", "yesterday")),
            Ends::Healed,
        ),
    ]
}

fn dated(good: Reply, now: i64) -> Sent {
    let at = jiff::Timestamp::from_second(now).expect("a time");
    Sent::Whole(good.with("date", at.strftime("%a, %d %b %Y %H:%M:%S GMT")))
}
