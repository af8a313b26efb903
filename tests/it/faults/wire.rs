//! What goes wrong between a service and us, whatever it answers: connections, encodings, sizes. The same for each service,
//! once and for good.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Case, Ends, When, case, changed, on_github, on_jira, on_pulls, on_search, status};
use crate::support::faulty::{Asked, Reply, Sent};

/// A service's names of the faults, and the requests that they concern.
pub struct Service {
    names: [&'static str; 25],
    concerns: fn(&Asked) -> bool,
    /// All of its requests.
    all: fn(&Asked) -> bool,
}

macro_rules! service {
    ($name:ident, $word:literal, $concerns:expr, $all:expr) => {
        pub const $name: Service = Service {
            names: [
                concat!($word, " P1 cut off JSON, once"),
                concat!($word, " P1 cut off JSON, for good"),
                concat!($word, " P1 less than was announced, once"),
                concat!($word, " P1 less than was announced, for good"),
                concat!($word, " P1 closed without an answer, once"),
                concat!($word, " P1 closed without an answer, for good"),
                concat!($word, " P1 says gzip and is plain, once"),
                concat!($word, " P1 says gzip and is plain, for good"),
                concat!($word, " P1 gzip that breaks off"),
                concat!($word, " P1 gzip that is right"),
                concat!($word, " P1 a byte order mark"),
                concat!($word, " P1 a wrong charset"),
                concat!($word, " P2 JSON called HTML"),
                concat!($word, " P2 HTML called JSON, once"),
                concat!($word, " P2 HTML called JSON, for good"),
                concat!($word, " P3 silence, once"),
                concat!($word, " P3 a trickle, once"),
                concat!($word, " P3 a body without an end"),
                concat!($word, " P4 a bomb in gzip"),
                concat!($word, " P5 ten megabytes of text"),
                concat!($word, " P14 half a surrogate in a text"),
                concat!($word, " P16 a thousand lists in lists"),
                concat!($word, " G16 every third answer is 500"),
                concat!($word, " G16 503 with Retry-After"),
                concat!($word, " G16 500 for good"),
            ],
            concerns: $concerns,
            all: $all,
        };
    };
}

service!(GITHUB, "github", on_pulls, on_github);
service!(JIRA, "jira", on_search, on_jira);

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn body(good: Reply, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Sent {
    let body = change(good.body.clone());
    Sent::Whole(Reply { body, ..good })
}

fn half(_: &Asked, good: Reply, _: super::Moment) -> Sent {
    body(good, |bytes| bytes[..bytes.len() / 2].to_vec())
}

fn cut(_: &Asked, good: Reply, _: super::Moment) -> Sent {
    Sent::Cut(good)
}

fn closed(_: &Asked, _: Reply, _: super::Moment) -> Sent {
    Sent::Closed
}

fn no_gzip(_: &Asked, good: Reply, _: super::Moment) -> Sent {
    Sent::Whole(good.with("content-encoding", "gzip"))
}

fn page(_: &Asked, _: Reply, _: super::Moment) -> Sent {
    Sent::Whole(Reply::new(200, "<!doctype html><html><title>Sign in</title></html>"))
}

/// The faults of one service.
pub fn cases(service: &Service) -> Vec<Case> {
    let (names, on) = (service.names, service.concerns);
    vec![
        case(names[0], on, When::First(1), half, Ends::Healed),
        case(names[1], on, When::Always, half, Ends::Named("it kept failing after 7 tries: its answer is cut off")),
        case(names[2], on, When::First(1), cut, Ends::Healed),
        case(names[3], on, When::Always, cut, Ends::Named("it kept failing after 7 tries")),
        case(names[4], on, When::First(1), closed, Ends::Healed),
        case(names[5], on, When::Always, closed, Ends::Named("the connection broke off")),
        case(names[6], on, When::First(1), no_gzip, Ends::Healed),
        case(names[7], on, When::Always, no_gzip, Ends::Named("it kept failing after 7 tries")),
        case(
            names[8],
            on,
            When::First(1),
            |_, good, _| {
                let whole = zipped(&good.body);
                body(good.with("content-encoding", "gzip"), |_| whole[..whole.len() / 2].to_vec())
            },
            Ends::Healed,
        ),
        case(
            names[9],
            on,
            When::Always,
            |_, good, _| body(good.with("content-encoding", "gzip"), |bytes| zipped(&bytes)),
            Ends::Healed,
        ),
        case(
            names[10],
            on,
            When::First(1),
            |_, good, _| body(good, |bytes| [b"\xEF\xBB\xBF", &bytes[..]].concat()),
            Ends::Healed,
        ),
        case(
            names[11],
            on,
            When::Always,
            |_, good, _| Sent::Whole(good.with("content-type", "application/json; charset=utf-16")),
            Ends::Healed,
        ),
        case(
            names[12],
            on,
            When::Always,
            |_, good, _| Sent::Whole(good.with("content-type", "text/html")),
            Ends::Healed,
        ),
        case(names[13], on, When::First(1), page, Ends::Healed),
        case(names[14], on, When::Always, page, Ends::Named("it answered with a page instead of data")),
        case(names[15], on, When::First(1), |_, _, _| Sent::Silence, Ends::Healed),
        case(names[16], on, When::First(1), |_, good, _| Sent::Trickle(good), Ends::Healed),
        case(names[17], on, When::First(1), |_, _, _| Sent::Endless, Ends::Named("larger than 20 MiB")).large(),
        case(
            names[18],
            on,
            When::First(1),
            |_, good, _| {
                // 96 MiB of blanks are about a hundred kilobytes.
                let bomb = zipped(&vec![b' '; 96 * 1024 * 1024]);
                body(good.with("content-encoding", "gzip"), |_| bomb)
            },
            Ends::Named("larger than 20 MiB"),
        )
        .large(),
        case(
            names[19],
            on,
            When::Always,
            |_, good, _| changed(good, |value| value["much"] = "x".repeat(10 * 1024 * 1024).into()),
            Ends::Healed,
        ),
        case(
            names[20],
            on,
            When::Always,
            |_, good, _| {
                let change = |bytes: Vec<u8>| {
                    let text = String::from_utf8(bytes).expect("the double answers in UTF-8");
                    text.replacen('{', "{\"odd\":\"\\ud83d\",", 1).into_bytes()
                };
                body(good, change)
            },
            Ends::Healed,
        ),
        case(
            names[21],
            on,
            When::Always,
            |_, good, _| body(good, |_| [vec![b'['; 1000], vec![b']'; 1000]].concat()),
            Ends::Named("it kept failing after 7 tries"),
        ),
        case(names[22], service.all, When::EveryThird, |_, _, _| status(500), Ends::Healed),
        case(
            names[23],
            on,
            When::Until(200),
            |_, _, _| Sent::Whole(Reply::new(503, "{}").with("retry-after", 300)),
            Ends::Healed,
        )
        .waiting(300),
        case(names[24], on, When::Always, |_, _, _| status(500), Ends::Named("it kept failing after 7 tries")),
    ]
}
