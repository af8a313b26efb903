//! The recorded calendars against what an established library says about them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Read;
use std::path::PathBuf;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use undercurrent::collect::calendar::{CalendarSource, Location, Moment, occurrences, read};
use undercurrent::model::Pseudonyms;
use undercurrent::model::time::Millis;

#[derive(Deserialize)]
struct Expected {
    #[serde(default)]
    skip: bool,
    #[serde(default)]
    agreed: bool,
    #[serde(default)]
    from: Date,
    #[serde(default)]
    to: Date,
    #[serde(default)]
    occurrences: usize,
    #[serde(default)]
    start_end_sha256: String,
    #[serde(default)]
    busy_intervals: usize,
    #[serde(default)]
    busy_minutes: f64,
}

/// Files about which two implementations differ: what we hold to be right, as number of occurrences, busy intervals and
/// busy minutes, and why. Files that differ and are not listed must match the expectation.
const DECIDED: [(&str, usize, usize, f64, &str); 13] = [
    (
        "icalendar/calendars_issue_526_calendar_with_different_events.ics",
        2,
        2,
        40.0,
        "a zone that nobody knows is the person's own: the same instants, told without a zone",
    ),
    (
        "icalendar/calendars_issue_526_calendar_with_event_subset.ics",
        1,
        1,
        30.0,
        "a zone that nobody knows is the person's own: the same instants, told without a zone",
    ),
    (
        "icalendar/calendars_issue_526_calendar_with_events.ics",
        2,
        2,
        40.0,
        "a zone that nobody knows is the person's own: the same instants, told without a zone",
    ),
    (
        "icalendar/calendars_issue_526_calendar_with_shuffeled_events.ics",
        2,
        2,
        40.0,
        "a zone that nobody knows is the person's own: the same instants, told without a zone",
    ),
    (
        "ical4j/google_aus_holidays.ics",
        198,
        0,
        0.0,
        "dates with TZID and without VALUE=DATE are dates: holidays last a day and are no meeting load",
    ),
    (
        "ical4j/japan_west.ics",
        49,
        2,
        90.0,
        "dates with TZID and VALUE=DATE are dates, whatever zone stands beside them",
    ),
    (
        "ical4j/personal_f674.ics",
        28,
        0,
        0.0,
        "an EXDATE takes the rule's occurrence away, not the entry that replaces it",
    ),
    (
        "icalendar/calendars_issue_1633_rdate_with_dates.ics",
        1,
        0,
        0.0,
        "a period of dates is none (RFC 5545, 3.3.9): what cannot be read adds nothing",
    ),
    (
        "icalendar/calendars_issue_1633_rdate_with_dates_and_tzid.ics",
        1,
        0,
        0.0,
        "a period of dates is none (RFC 5545, 3.3.9): what cannot be read adds nothing",
    ),
    (
        "icalendar/calendars_issue_165_missing_event.ics",
        14,
        14,
        420.0,
        "blanks in BYDAY are Exchange's folding; the rule is plain, and the expectation lost the event over it",
    ),
    (
        "icalendar/calendars_parsing_error.ics",
        42,
        0,
        0.0,
        "events without UID stand for themselves: both count, and the empty EXDATE excludes nothing",
    ),
    (
        "icalendar/calendars_rfc_7529.ics",
        5,
        0,
        0.0,
        "rules of other calendars than the Gregorian one leave the start alone; the expectation gave up the whole file",
    ),
    (
        "icalendar/events_event_with_recurrence.ics",
        97,
        97,
        5820.0,
        "exceptions in UTC to times without a zone mean the same digits; the times stay without a zone",
    ),
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/calendars")
}

fn bytes(name: &str) -> Vec<u8> {
    let plain = folder().join(name);
    if plain.exists() {
        return std::fs::read(plain).unwrap();
    }
    let mut bytes = Vec::new();
    let packed = std::fs::File::open(folder().join(format!("{name}.gz"))).unwrap();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    bytes
}

pub fn source() -> CalendarSource {
    CalendarSource {
        account: Pseudonyms::new([1; 32]).account("calendar", "calendar", "me@people.example"),
        owner_emails: vec!["me@people.example".to_owned()],
        place: "undercurrent.toml:57".to_owned(),
        location: Location::File(PathBuf::new()),
        zone: TimeZone::get("Europe/Berlin").unwrap(),
    }
}

fn text(moment: Moment) -> String {
    match moment {
        Moment::Day(date) => date.strftime("%Y%m%d").to_string(),
        Moment::Floating(local) => local.strftime("%Y%m%dT%H%M%S").to_string(),
        Moment::At(at) => at.to_timestamp().strftime("%Y%m%dT%H%M%SZ").to_string(),
    }
}

/// What a file comes to: occurrences, the hash over them, busy intervals and minutes.
#[derive(Debug, PartialEq)]
struct Found {
    occurrences: usize,
    sha256: String,
    busy_intervals: usize,
    busy_minutes: f64,
}

fn found(name: &str, from: Date, to: Date) -> Result<Found, String> {
    let bytes = bytes(name);
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let (all, cut) = occurrences(&bytes, &berlin, (from, to)).map_err(|error| error.to_string())?;
    assert_eq!(cut, 0, "{name}");
    let mut lines: Vec<String> = all.iter().map(|(start, end)| format!("{} {}", text(*start), text(*end))).collect();
    lines.sort();
    let mut sha256 = String::new();
    for byte in Sha256::digest(lines.join("\n")) {
        write!(sha256, "{byte:02x}").unwrap();
    }
    let midnight = |date: Date| Millis::from_timestamp(TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).unwrap());
    let window = (midnight(from), midnight(to));
    // The window of the expectation is one of local days: what starts outside of it does not count.
    let at = |moment: &Moment| match moment {
        Moment::Floating(local) => Millis::from_timestamp(berlin.to_timestamp(*local).unwrap()),
        Moment::At(at) => *at,
        Moment::Day(_) => Millis(i64::MIN),
    };
    let starts: BTreeSet<Millis> = all.iter().map(|(start, _)| at(start)).collect();
    let reading = read(&bytes, &source(), window, &Pseudonyms::new([1; 32])).map_err(|error| error.to_string())?;
    let kept = reading.busy.iter().filter(|busy| !busy.cancelled && starts.contains(&busy.starts_at));
    let mut united: Vec<(Millis, Millis)> = Vec::new();
    for busy in kept {
        let (from, to) = (busy.starts_at, busy.ends_at.min(window.1));
        match united.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => united.push((from, to)),
        }
    }
    let busy_minutes = united.iter().map(|(from, to)| to.minutes_since(*from)).sum::<i64>();
    Ok(Found { occurrences: all.len(), sha256, busy_intervals: united.len(), busy_minutes: busy_minutes as f64 })
}

fn expectations() -> std::collections::BTreeMap<String, Expected> {
    serde_json::from_slice(&std::fs::read(folder().join("expected.json")).unwrap()).unwrap()
}

#[test]
fn every_recorded_calendar_comes_to_what_is_expected_or_decided() {
    let mut wrong = Vec::new();
    let (mut equal, mut decided) = (0, 0);
    for (name, one) in expectations().into_iter().filter(|(_, one)| !one.skip) {
        let found = found(&name, one.from, one.to);
        if let Some((_, occurrences, intervals, minutes, reason)) = DECIDED.iter().find(|row| row.0 == name) {
            assert!(!one.agreed, "{name} is not for us to decide");
            let same = found.as_ref().is_ok_and(|found| {
                (found.occurrences, found.busy_intervals, found.busy_minutes) == (*occurrences, *intervals, *minutes)
            });
            decided += 1;
            if !same {
                wrong.push(format!("{name}: {found:?}, but {reason}"));
            }
            continue;
        }
        equal += 1;
        let expected = Found {
            occurrences: one.occurrences,
            sha256: one.start_end_sha256,
            busy_intervals: one.busy_intervals,
            busy_minutes: one.busy_minutes,
        };
        if found.as_ref() != Ok(&expected) {
            wrong.push(format!("{name}: {found:?}, expected {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!((equal, decided), (168 - DECIDED.len(), DECIDED.len()));
}

#[test]
fn calendars_without_an_expectation_end_in_a_reading_or_a_reason() {
    let days = (Date::constant(1990, 1, 1), Date::constant(2030, 1, 1));
    let mut events = 0;
    for (name, _) in expectations().into_iter().filter(|(_, one)| one.skip) {
        // Most of them are broken on purpose.
        if let Ok(found) = found(&name, days.0, days.1) {
            events += found.occurrences;
        }
    }
    assert!(events > 50, "{events}");
}
