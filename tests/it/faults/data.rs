//! What is odd in the data while the service itself is well: times, numbers, names, missing people. The night takes what it can,
//! names what it cannot, and a full reading of the mended source brings everything back.

use serde_json::{Value, json};

use super::{Case, Ends, When, case, changed, on_pulls, on_search};
use crate::support::faulty::{Moment, Reply, Sent};

/// Changes every pull request of a page.
fn pulls(good: Reply, change: fn(&mut Value)) -> Sent {
    changed(good, |value| {
        let nodes = value["data"]["repository"]["pullRequests"]["nodes"].as_array_mut();
        nodes.into_iter().flatten().for_each(change);
    })
}

fn issues(good: Reply, change: fn(&mut Value)) -> Sent {
    changed(good, |value| value["issues"].as_array_mut().into_iter().flatten().for_each(change))
}

fn raw(good: Reply, from: &str, to: &str) -> Sent {
    let text = String::from_utf8_lossy(&good.body).replace(from, to);
    Sent::Whole(Reply { body: text.into_bytes(), ..good })
}

/// A case in the pull requests.
fn pull(name: &'static str, act: fn(&crate::support::faulty::Asked, Reply, Moment) -> Sent) -> Case {
    case(name, on_pulls, When::Always, act, Ends::Different)
}

/// A case in the issues.
fn issue(name: &'static str, act: fn(&crate::support::faulty::Asked, Reply, Moment) -> Sent) -> Case {
    case(name, on_search, When::Always, act, Ends::Different)
}

/// All of them.
pub fn cases() -> Vec<Case> {
    vec![
        pull("octocrab#197 nobody wrote it", |_, good, _| pulls(good, |pull| pull["author"] = json!(null))),
        pull("octocrab#205 a mannequin and a bot", |_, good, _| {
            pulls(good, |pull| {
                pull["author"] = json!({ "__typename": "Mannequin", "login": "ghost" });
                pull["mergedBy"] = json!({ "__typename": "Bot", "login": "app", "databaseId": 9 });
            })
        }),
        pull("airbyte#10669 a review that was not submitted", |_, good, _| {
            pulls(good, |pull| pull["timelineItems"]["nodes"][0]["submittedAt"] = json!(null))
        }),
        pull("crowd.dev#4656 a forbidden commit", |_, good, _| {
            pulls(good, |pull| pull["commits"]["nodes"][0] = json!(null))
        }),
        pull("P9 changed in 2099", |_, good, _| pulls(good, |pull| pull["updatedAt"] = json!("2099-01-01T00:00:00Z"))),
        pull("P11 created in the year one", |_, good, _| {
            pulls(good, |pull| pull["createdAt"] = json!("0001-01-01T00:00:00Z"))
        }),
        pull("P11 the last second of 9999", |_, good, _| {
            pulls(good, |pull| pull["mergedAt"] = json!("9999-12-31T23:59:59Z"))
        }),
        pull("P11 a leap second", |_, good, _| pulls(good, |pull| pull["createdAt"] = json!("2026-11-02T23:59:60Z"))),
        pull("P11 twelve digits of a second", |_, good, _| {
            pulls(good, |pull| pull["createdAt"] = json!("2026-11-02T09:00:00.123456789012Z"))
        }),
        pull("P11 no time", |_, good, _| pulls(good, |pull| pull["createdAt"] = json!("yesterday"))),
        pull("P11 no time of the last change", |_, good, _| pulls(good, |pull| pull["updatedAt"] = json!("yesterday"))),
        pull("P12 merged before it was created", |_, good, _| {
            pulls(good, |pull| pull["mergedAt"] = json!("2020-01-01T00:00:00Z"))
        }),
        pull("P13 more lines than there are", |_, good, _| pulls(good, |pull| pull["additions"] = json!(u64::MAX))),
        pull("P13 a number beyond all", |_, good, _| raw(good, "\"additions\":3", "\"additions\":1e400")),
        pull("P13 numbers as texts", |_, good, _| {
            pulls(good, |pull| pull["number"] = json!(pull["number"].to_string()))
        }),
        pull("P13 negative lines", |_, good, _| pulls(good, |pull| pull["deletions"] = json!(-7))),
        pull("P15 odd characters in a branch", |_, good, _| {
            pulls(good, |pull| pull["headRefName"] = json!("a\u{0}b\u{202e}\u{200b}e\u{301}"))
        }),
        pull("P15 a title of a megabyte", |_, good, _| {
            pulls(good, |pull| pull["title"] = json!("PAY-1 ".repeat(170_000)))
        }),
        pull("S1 markup in a label", |_, good, _| {
            pulls(good, |pull| pull["labels"]["nodes"] = json!([{ "name": "<script>alert(1)</script>" }]))
        }),
        pull("P17 an unknown state", |_, good, _| pulls(good, |pull| pull["state"] = json!("QUEUED"))),
        pull("P17 an unknown happening", |_, good, _| {
            pulls(good, |pull| pull["timelineItems"]["nodes"][0]["__typename"] = json!("Enchanted"))
        }),
        pull("P17 no list of commits", |_, good, _| {
            pulls(good, |pull| {
                pull.as_object_mut().expect("a pull request").remove("commits");
            })
        }),
        pull("P17 a list where an object belongs", |_, good, _| pulls(good, |pull| pull["author"] = json!([]))),
        issue("J12 no reporter and no assignee", |_, good, _| {
            issues(good, |issue| {
                issue["fields"]["reporter"] = json!(null);
                issue["fields"]["assignee"] = json!(null);
            })
        }),
        issue("J12 Zulu time", |_, good, _| {
            issues(good, |issue| issue["fields"]["created"] = json!("2026-11-02T08:00:00.000Z"))
        }),
        issue("P9 an issue changed in 2099", |_, good, _| {
            issues(good, |issue| issue["fields"]["updated"] = json!("2099-01-01T00:00:00.000+0000"))
        }),
        issue("P11 an issue without a time of creation", |_, good, _| {
            issues(good, |issue| issue["fields"]["created"] = json!(null))
        }),
        issue("P11 an issue of the year one", |_, good, _| {
            issues(good, |issue| issue["fields"]["created"] = json!("0001-01-01T00:00:00.000+0000"))
        }),
        issue("P13 an issue number beyond 64 bits", |_, good, _| {
            issues(good, |issue| issue["id"] = json!("99999999999999999999"))
        }),
        issue("P17 an unknown status", |_, good, _| {
            issues(good, |issue| issue["fields"]["status"] = json!({ "id": "77" }))
        }),
        issue("P17 a status as a text", |_, good, _| issues(good, |issue| issue["fields"]["status"] = json!("open"))),
        issue("P17 no fields", |_, good, _| {
            issues(good, |issue| {
                issue.as_object_mut().expect("an issue").remove("fields");
            })
        }),
        issue("P15 a key of other characters", |_, good, _| issues(good, |issue| issue["key"] = json!("../../x"))),
        issue("J11 a key of another project", |_, good, _| issues(good, |issue| issue["key"] = json!("NEW-7"))),
    ]
}
