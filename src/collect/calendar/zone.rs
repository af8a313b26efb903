//! From the zone names in calendars to rules for local time.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use calcard::common::timezone::Tz as Named;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::layout::{name_of, parts, value_of};
use super::recur::{self, Budget};
use super::rule::{Rule, Until};
use crate::model::time::Millis;

/// Own rules of zones are followed up to here; the last one stays in force.
const LAST_CHANGE: DateTime = DateTime::constant(2200, 1, 1, 0, 0, 0, 0);

/// How local times become instants.
#[derive(Clone, Debug, PartialEq)]
pub enum Zone {
    Named(TimeZone),
    /// Rules of the file's own, in the order of time.
    Own(Arc<[Change]>),
}

/// A change of offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    at: Millis,
    /// Seconds to add to UTC, before and afterwards.
    before: i64,
    after: i64,
}

impl Change {
    /// The first local time that has the new offset for certain: in a gap the old one still counts.
    fn local(&self) -> Millis {
        Millis(self.at.0 + self.before.max(self.after) * 1000)
    }
}

impl Zone {
    /// The zone of a name as RFC 5545 has it for times that end with `Z`.
    pub const UTC: Self = Self::Named(TimeZone::UTC);

    /// The instant of a local time. In a gap the time moves forward by the gap; in a fold the first instant counts.
    #[must_use]
    pub fn instant(&self, local: DateTime) -> Option<Millis> {
        match self {
            Self::Named(zone) => zone.to_ambiguous_timestamp(local).compatible().ok().map(Millis::from_timestamp),
            Self::Own(changes) => {
                let plain = Self::UTC.instant(local)?;
                let next = changes.partition_point(|change| change.local() <= plain);
                Some(Millis(plain.0 - offset(changes, next) * 1000))
            }
        }
    }

    /// The local time of an instant.
    #[must_use]
    pub fn local(&self, at: Millis) -> DateTime {
        match self {
            Self::Named(zone) => zone.to_datetime(at.to_timestamp()),
            Self::Own(changes) => {
                let next = changes.partition_point(|change| change.at <= at);
                Self::UTC.local(Millis(at.0 + offset(changes, next) * 1000))
            }
        }
    }
}

/// The offset before the change at `next`.
fn offset(changes: &[Change], next: usize) -> i64 {
    match next.checked_sub(1) {
        Some(last) => changes.get(last).map_or(0, |change| change.after),
        None => changes.first().map_or(0, |change| change.before),
    }
}

/// The zones that a calendar names.
#[derive(Debug, Default)]
pub struct Zones {
    known: BTreeMap<String, Zone>,
}

impl Zones {
    /// Resolves the insides of a calendar's VTIMEZONEs; their own rules count only where their names say nothing.
    #[must_use]
    pub fn of<'a>(zones: impl Iterator<Item = &'a str>, budget: &mut Budget) -> Self {
        let mut known = BTreeMap::new();
        for text in zones {
            let (own, inner) = parts(text);
            let told = |name: &str| {
                own.iter().find(|line| name_of(line).eq_ignore_ascii_case(name)).map(|line| value_of(line))
            };
            let Some(id) = told("TZID") else { continue };
            let named = named(id).or_else(|| told("X-LIC-LOCATION").and_then(named));
            let zone = named.map(Zone::Named).or_else(|| own_rules(&inner, budget).map(Zone::Own));
            known.extend(zone.map(|zone| (plain(id), zone)));
        }
        Self { known }
    }

    /// The zone of a name; `None` where neither the name nor the file tells.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Zone> {
        self.known.get(&plain(id)).cloned().or_else(|| named(id).map(Zone::Named))
    }
}

fn plain(id: &str) -> String {
    id.trim().trim_matches('"').to_owned()
}

/// A zone by IANA's or Windows' name, or by the last two or three parts of a path.
#[must_use]
pub fn named(id: &str) -> Option<TimeZone> {
    let id = id.trim().trim_matches('"');
    let known = Named::from_str(id).ok().filter(|zone| !zone.is_floating()).and_then(|zone| zone.name());
    let tail = |parts: usize| {
        let from = id.rmatch_indices('/').nth(parts - 1)?.0 + 1;
        Some(id[from..].to_owned())
    };
    let candidates = [Some(id.to_owned()), known.map(|name| name.into_owned()), tail(3), tail(2)];
    candidates.into_iter().flatten().filter(|name| !name.is_empty()).find_map(|name| TimeZone::get(&name).ok())
}

/// The changes of offset that a VTIMEZONE's parts describe.
fn own_rules(parts: &[(&str, Vec<&str>)], budget: &mut Budget) -> Option<Arc<[Change]>> {
    let mut changes = Vec::new();
    for (_, lines) in parts {
        let values = |name: &'static str| {
            lines.iter().filter(move |line| name_of(line).eq_ignore_ascii_case(name)).map(|line| value_of(line))
        };
        let Some(after) = values("TZOFFSETTO").next().and_then(offset_seconds) else { continue };
        let before = values("TZOFFSETFROM").next().and_then(offset_seconds).unwrap_or(after);
        let Some(start) = values("DTSTART").next().and_then(local) else { continue };
        let mut locals = vec![start];
        for rule in values("RRULE").filter_map(Rule::parse) {
            let until = rule.until.map(|until| match until {
                Until::Day(date) => date.at(23, 59, 59, 0),
                Until::Local(local) => local,
                Until::Utc(utc) => shifted(utc, before),
            });
            locals.extend(recur::expand(&rule, start, until, (start, LAST_CHANGE), budget).0);
        }
        locals.extend(values("RDATE").flat_map(|dates| dates.split(',')).filter_map(local));
        let one = |local| Some(Change { at: Zone::UTC.instant(shifted(local, -before))?, before, after });
        changes.extend(locals.into_iter().filter_map(one));
    }
    changes.sort_unstable();
    changes.dedup();
    (!changes.is_empty()).then(|| changes.into())
}

fn local(text: &str) -> Option<DateTime> {
    text.trim().trim_end_matches(['Z', 'z']).parse().ok()
}

fn shifted(local: DateTime, seconds: i64) -> DateTime {
    jiff::Span::new().try_seconds(seconds).ok().and_then(|span| local.checked_add(span).ok()).unwrap_or(local)
}

/// `+0130` and `-053000` in seconds.
fn offset_seconds(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let part = |at: usize| digits.get(at..at + 2).and_then(|two| two.parse::<i64>().ok());
    let size = part(0)? * 3600 + part(2)? * 60 + part(4).unwrap_or(0);
    (size < 86_400).then_some(sign * size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const OWN: &str = "TZID:Company time\nBEGIN:STANDARD\nDTSTART:16011028T030000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\n\
                       TZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:16010325T020000\n\
                       RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3;UNTIL=20270328T010000Z\nTZOFFSETFROM:+0100\n\
                       TZOFFSETTO:+0200\nEND:DAYLIGHT\n";

    #[test]
    fn a_zone_of_the_files_own_is_the_same_as_the_named_one() {
        let zones = Zones::of(std::iter::once(OWN), &mut Budget::of_calendar());
        let own = zones.get("\"Company time\"").unwrap();
        let berlin = Zone::Named(TimeZone::get("Europe/Berlin").unwrap());
        for local in [
            date(2026, 1, 15).at(12, 0, 0, 0),
            date(2026, 7, 15).at(12, 0, 0, 0),
            // In the gap, in the fold, and at their edges.
            date(2026, 3, 29).at(2, 30, 0, 0),
            date(2026, 3, 29).at(3, 0, 0, 0),
            date(2026, 10, 25).at(2, 30, 0, 0),
            date(2026, 10, 25).at(3, 0, 0, 0),
            // The last summer that its rule knows.
            date(2027, 7, 1).at(0, 0, 0, 0),
        ] {
            assert_eq!(own.instant(local), berlin.instant(local), "{local}");
            let at = own.instant(local).unwrap();
            assert_eq!(own.local(at), berlin.local(at), "{local}");
        }
        assert_eq!(zones.get("nowhere"), None);
        let after = date(2028, 7, 1).at(12, 0, 0, 0);
        assert_eq!(own.instant(after).unwrap().0 - berlin.instant(after).unwrap().0, 3_600_000);
    }

    #[test]
    fn names_are_found_in_every_form_that_programs_write() {
        for name in [
            "Europe/Berlin",
            "\"Europe/Berlin\"",
            "W. Europe Standard Time",
            "/freeassociation.sourceforge.net/Tzfile/Europe/Berlin",
            "/citadel.org/20210210_1/Europe/Berlin",
        ] {
            assert_eq!(
                named(name).and_then(|zone| zone.iana_name().map(str::to_owned)).as_deref(),
                Some("Europe/Berlin"),
                "{name}"
            );
        }
        let three = "/mozilla.org/20050126_1/America/Argentina/Buenos_Aires";
        assert_eq!(named(three).unwrap().iana_name(), Some("America/Argentina/Buenos_Aires"));
        assert!(named("Nowhere/At_All").is_none());
        assert!(named("").is_none());
    }
}
