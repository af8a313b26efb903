//! Faults of a calendar that is fetched from an address.

use super::{Case, Ends, When, case, on_calendar, status};
use crate::support::faulty::{Reply, Sent};

const GONE: &str = "there is no calendar at its address any more";
const REFUSED: &str = "the calendar's address is refused";

fn text(body: impl Into<Vec<u8>>) -> Sent {
    Sent::Whole(Reply::new(200, body).with("content-type", "text/calendar"))
}

fn to(location: &str) -> Sent {
    Sent::Whole(Reply::new(302, "").with("location", location))
}

fn with_events(lines: &str) -> String {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//x//EN\r\n{lines}END:VCALENDAR\r\n")
}

/// All of them.
pub fn cases() -> Vec<Case> {
    let on = on_calendar;
    vec![
        case("calendar 401", on, When::Always, |_, _, _| status(401), Ends::Refused(REFUSED, 1)),
        case("calendar 403", on, When::Always, |_, _, _| status(403), Ends::Refused(REFUSED, 1)),
        case("calendar 404", on, When::Always, |_, _, _| status(404), Ends::Named(GONE)),
        case("calendar 410", on, When::Always, |_, _, _| status(410), Ends::Named("taken this away for good")),
        case("calendar 500, once", on, When::First(1), |_, _, _| status(500), Ends::Healed),
        case(
            "calendar 500, for good",
            on,
            When::Always,
            |_, _, _| status(500),
            Ends::Named("the service is not ready"),
        ),
        case(
            "calendar 429 with Retry-After",
            on,
            When::Until(30),
            |_, _, _| Sent::Whole(Reply::new(429, "").with("retry-after", 30)),
            Ends::Healed,
        )
        .waiting(30),
        case(
            "calendar 429 for longer than a calendar is waited for",
            on,
            When::Always,
            |_, _, _| Sent::Whole(Reply::new(429, "").with("retry-after", 600)),
            Ends::Named("the service asks to wait 600 seconds"),
        ),
        case(
            "S7 redirect to a private address",
            on,
            When::Always,
            |_, _, _| to("http://10.1.2.3/a.ics"),
            Ends::Named("must not be asked"),
        ),
        case(
            "S7 redirect to the link-local address",
            on,
            When::Always,
            |_, _, _| to("https://169.254.169.254/latest"),
            Ends::Named("must not be asked"),
        ),
        case(
            "S7 redirect to a private address of version 6",
            on,
            When::Always,
            |_, _, _| to("https://[fd00::1]/"),
            Ends::Named("must not be asked"),
        ),
        case(
            "S7 redirect to a private address as one number",
            on,
            When::Always,
            |_, _, _| to("https://2130706433/x"),
            Ends::Named(""),
        ),
        case(
            "S7 redirect to a file",
            on,
            When::Always,
            |_, _, _| to("file:///etc/passwd"),
            Ends::Named("must not be asked"),
        ),
        case(
            "S6 redirect in circles",
            on,
            When::Always,
            |asked, _, _| to(&asked.path),
            Ends::Named("it redirects in circles"),
        ),
        case("S6 redirect once", on, When::First(1), |asked, _, _| to(&asked.path), Ends::Healed),
        case(
            "S6 redirect to nowhere",
            on,
            When::Always,
            |_, _, _| Sent::Whole(Reply::new(302, "")),
            Ends::Named("its address cannot be used"),
        ),
        case(
            "calendar 304 that was not asked for",
            on,
            When::Always,
            |_, _, _| status(304),
            Ends::Named("nothing changed"),
        )
        .later(),
        case(
            "calendar HTML",
            on,
            When::Always,
            |_, _, _| text("<!doctype html><title>Sign in</title>"),
            Ends::Named(""),
        ),
        case("calendar empty", on, When::Always, |_, _, _| text(""), Ends::Named("")),
        case(
            "calendar cut off in the middle of an event",
            on,
            When::Always,
            |_, good, _| text(good.body[..good.body.len() / 2].to_vec()),
            Ends::Named(""),
        ),
        case(
            "calendar P1 less than was announced, once",
            on,
            When::First(1),
            |_, good, _| Sent::Cut(good),
            Ends::Healed,
        ),
        case("calendar P1 closed, once", on, When::First(1), |_, _, _| Sent::Closed, Ends::Healed),
        case(
            "calendar P1 closed, for good",
            on,
            When::Always,
            |_, _, _| Sent::Closed,
            Ends::Named("the connection broke off"),
        ),
        case("calendar P3 silence, once", on, When::First(1), |_, _, _| Sent::Silence, Ends::Healed),
        case("calendar P3 a trickle, once", on, When::First(1), |_, good, _| Sent::Trickle(good), Ends::Healed),
        case(
            "calendar P3 a body without an end",
            on,
            When::Always,
            |_, _, _| Sent::Endless,
            Ends::Named("larger than"),
        ),
        case("S8 nine megabytes", on, When::Always, |_, _, _| text(vec![b'x'; 9 << 20]), Ends::Named("larger than")),
        case(
            "S8 every second for a thousand years",
            on,
            When::Always,
            |_, _, _| {
                text(with_events(
                    "BEGIN:VEVENT\r\nUID:a\r\nDTSTART:20000101T000000Z\r\nDTEND:20000101T000001Z\r\n\
                     RRULE:FREQ=SECONDLY;UNTIL=30000101T000000Z\r\nEND:VEVENT\r\n",
                ))
            },
            Ends::Named("too much to be read"),
        ),
        case(
            "S8 a million events",
            on,
            When::Always,
            |_, _, _| {
                let one = "BEGIN:VEVENT\nUID:a\nDTSTART:20261110T100000Z\nEND:VEVENT\n";
                text(with_events(&one.repeat(8_300_000 / one.len())))
            },
            Ends::Named(""),
        ),
        case(
            "P15 no UTF-8",
            on,
            When::Always,
            |_, good, _| {
                let mut body = good.body;
                let at = body.windows(9).position(|part| part == b"SUMMARY:x").expect("an event has a summary");
                body[at + 8] = 0xFF;
                text(body)
            },
            Ends::Healed,
        ),
    ]
}
