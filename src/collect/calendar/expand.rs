//! From events to occurrences in a window: rules, further dates, exceptions and replaced occurrences.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::DateTime;

use super::parse::{Calendar, Event, Length, Stamp};
use super::recur::{self, Budget, Cut};
use super::zone::Zone;
use crate::model::time::Millis;

/// One occurrence of an event.
#[derive(Clone, Debug)]
pub struct Occurrence<'a> {
    pub event: &'a Event,
    /// Which occurrence it is: the original start.
    pub original: Millis,
    pub start: Stamp,
    pub from: Millis,
    pub to: Millis,
    pub recurring: bool,
    /// Replaced by an entry of its own.
    pub replaced: bool,
}

/// The occurrences of a calendar.
#[derive(Debug, Default)]
pub struct Expanded<'a> {
    pub occurrences: Vec<Occurrence<'a>>,
    /// Events of which something was left out because it would have cost too much.
    pub cut: usize,
}

/// All occurrences whose local start lies in `from ≤ t < to` (days and floating times lie in `zone`).
#[must_use]
pub fn expand<'a>(
    calendar: &'a Calendar,
    zone: &Zone,
    window: (DateTime, DateTime),
    budget: &mut Budget,
) -> Expanded<'a> {
    let zone = calendar.default_zone.as_ref().unwrap_or(zone);
    let mut series: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    let mut expanded = Expanded::default();
    for event in &calendar.events {
        if event.uid.is_empty() {
            expand_series(&[event], zone, window, budget, &mut expanded);
        } else {
            series.entry(&event.uid).or_default().push(event);
        }
    }
    for events in series.values() {
        expand_series(events, zone, window, budget, &mut expanded);
    }
    expanded.occurrences.retain(|one| window.0 <= one.start.naive() && one.start.naive() < window.1);
    expanded
}

fn expand_series<'a>(
    events: &[&'a Event],
    zone: &Zone,
    window: (DateTime, DateTime),
    budget: &mut Budget,
    expanded: &mut Expanded<'a>,
) {
    // Of several masters the newest counts; of several replacements of one occurrence too.
    let masters = events.iter().filter(|event| event.replaces.is_none());
    let master = masters.max_by_key(|event| (event.sequence, event.stamped)).copied();
    let mut replacements: BTreeMap<Millis, &'a Event> = BTreeMap::new();
    let mut onwards: Vec<(Millis, &'a Event)> = Vec::new();
    for event in events {
        let Some((stamp, later)) = &event.replaces else { continue };
        let Some(original) = master.map_or_else(|| stamp.instant(zone), |master| same_kind(stamp, master, zone)) else {
            continue;
        };
        if *later {
            onwards.push((original, event));
        }
        let known = replacements.entry(original).or_insert(event);
        if (event.sequence, event.stamped) >= (known.sequence, known.stamped) {
            *known = event;
        }
    }
    onwards.sort_by_key(|(original, _)| *original);
    if let Some(master) = master {
        let starts = starts(master, zone, window, budget, &mut expanded.cut);
        let recurring = !master.rules.is_empty() || !master.dates.is_empty();
        for (start, length) in starts {
            let Some(original) = start.instant(zone) else { continue };
            if replacements.contains_key(&original) {
                continue;
            }
            let shifted = onwards.iter().rfind(|(from, _)| *from <= original);
            let one = match shifted {
                Some((from, event)) => moved(event, master, *from, &start, zone),
                None => {
                    occurrence(master, &start, &length.unwrap_or_else(|| master.length.clone()), &master.start, zone)
                }
            };
            expanded.occurrences.extend(one.map(|one| Occurrence { original, recurring, ..one }));
        }
    }
    for (original, event) in replacements {
        let one = occurrence(event, &event.start, &event.length, &event.start, zone);
        let one = one.map(|one| Occurrence { original, recurring: master.is_some(), replaced: true, ..one });
        expanded.occurrences.extend(one);
    }
}

/// The instant that a recurrence id means: a day means the occurrence that starts on it.
fn same_kind(stamp: &Stamp, master: &Event, zone: &Zone) -> Option<Millis> {
    match (stamp, &master.start) {
        (Stamp::Day(date), Stamp::Local(local, _) | Stamp::Floating(local)) => {
            master.start.at(date.to_datetime(local.time())).instant(zone)
        }
        _ => stamp.instant(zone),
    }
}

/// An occurrence that "this and all later ones" shifts: by the same distance in local time, with the new length.
fn moved<'a>(event: &'a Event, master: &Event, from: Millis, start: &Stamp, zone: &Zone) -> Option<Occurrence<'a>> {
    let original = match &master.start {
        Stamp::Local(_, own) => own.local(from),
        _ => zone.local(from),
    };
    let distance = event.start.seen_from(&master.start, zone).since(original).ok()?;
    let shifted = start.at(start.naive().checked_add(distance).ok()?);
    occurrence(event, &shifted, &event.length, &event.start, zone)
}

/// One occurrence at a start: its length is the wall-clock distance that the event has.
fn occurrence<'a>(
    event: &'a Event,
    start: &Stamp,
    length: &Length,
    first: &Stamp,
    zone: &Zone,
) -> Option<Occurrence<'a>> {
    let from = start.instant(zone)?;
    let to = match length {
        Length::Untold if matches!(start, Stamp::Day(_)) => {
            start.at(start.naive().checked_add(jiff::Span::new().days(1)).ok()?).instant(zone)?
        }
        Length::Untold => from,
        Length::Lasting(days, seconds) => {
            let whole = start.naive().checked_add(jiff::Span::new().try_days(*days).ok()?).ok()?;
            Millis(start.at(whole).instant(zone)?.0 + seconds * 1000)
        }
        Length::Until(end) => {
            let distance = end.seen_from(first, zone).since(first.naive()).ok()?;
            start.at(start.naive().checked_add(distance).ok()?).instant(zone)?
        }
    };
    Some(Occurrence {
        event,
        original: from,
        start: start.clone(),
        from,
        to: to.max(from),
        recurring: false,
        replaced: false,
    })
}

/// All starts of a master, before replacements.
fn starts(
    event: &Event,
    zone: &Zone,
    window: (DateTime, DateTime),
    budget: &mut Budget,
    cut: &mut usize,
) -> Vec<(Stamp, Option<Length>)> {
    // A moved occurrence can enter the window from outside: look a little wider.
    let wide = |span: i64| jiff::Span::new().days(span);
    let from = window.0.checked_sub(wide(40)).unwrap_or(window.0);
    let to = window.1.checked_add(wide(40)).unwrap_or(window.1);
    let mut locals: BTreeSet<DateTime> = BTreeSet::from([event.start.naive()]);
    let mut expand_rules = |rules: &[calcard::icalendar::ICalendarRecurrenceRule]| {
        let mut all = Vec::new();
        for rule in rules {
            let until = rule.until.as_ref().and_then(|until| local_until(until, &event.start, zone));
            match recur::expand(rule, event.start.naive(), until, (from, to), budget) {
                Ok(starts) => all.extend(starts),
                Err(Cut::Malformed) => {}
                Err(_) => *cut += 1,
            }
        }
        all
    };
    locals.extend(expand_rules(&event.rules));
    for local in expand_rules(&event.except_rules) {
        locals.remove(&local);
    }
    // An end before the start leaves nothing at all.
    let over = |rule: &calcard::icalendar::ICalendarRecurrenceRule| {
        let until = rule.until.as_ref().and_then(|until| local_until(until, &event.start, zone));
        until.is_some_and(|until| until < event.start.naive())
    };
    if !event.rules.is_empty() && event.rules.iter().all(over) {
        locals.remove(&event.start.naive());
    }
    let mut starts: Vec<(Stamp, Option<Length>)> =
        locals.into_iter().map(|local| (event.start.at(local), None)).collect();
    for (stamp, length) in &event.dates {
        let known = starts.iter().position(|(start, _)| start.instant(zone) == stamp.instant(zone));
        match known {
            Some(at) => starts[at].1 = length.clone(),
            None => starts.push((stamp.clone(), length.clone())),
        }
    }
    let except: BTreeSet<Option<Millis>> = event.except.iter().map(|stamp| stamp.instant(zone)).collect();
    let except_days: BTreeSet<_> =
        event.except.iter().filter_map(|stamp| if let Stamp::Day(date) = stamp { Some(*date) } else { None }).collect();
    starts.retain(|(start, _)| !except.contains(&start.instant(zone)) && !except_days.contains(&start.naive().date()));
    starts
}

/// The end of a rule in the local time of its start. A day ends with its last second.
fn local_until(until: &calcard::common::PartialDateTime, start: &Stamp, zone: &Zone) -> Option<DateTime> {
    let local = super::parse::civil(until)?;
    if until.hour.is_none() {
        return match start {
            Stamp::Day(_) => Some(local),
            _ => Some(local.date().to_datetime(jiff::civil::Time::constant(23, 59, 59, 0))),
        };
    }
    if until.tz_hour.is_none() {
        return Some(local);
    }
    let utc = Zone::Named(jiff::tz::TimeZone::UTC).instant(local)?;
    Some(match start {
        Stamp::Local(_, own) => own.local(utc),
        _ => zone.local(utc),
    })
}
