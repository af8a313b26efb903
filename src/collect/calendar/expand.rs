//! From events to occurrences in a window: rules, further dates, exceptions and replaced occurrences.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::DateTime;

use super::parse::{Calendar, Event, Length, Stamp};
use super::recur::{self, Budget, Cut};
use super::rule::{Rule, Until};
use super::zone::Zone;
use crate::model::time::{Millis, day_number};

/// One occurrence of an event.
#[derive(Clone, Debug)]
pub struct Occurrence<'a> {
    pub event: &'a Event,
    /// Which occurrence it is: the original start.
    pub original: Millis,
    pub start: Stamp,
    /// The end, in the kind and zone of the start.
    pub end: Stamp,
    pub from: Millis,
    pub to: Millis,
    pub recurring: bool,
    /// Replaced by an entry of its own.
    pub replaced: bool,
}

/// Hands every occurrence whose local start lies in `from ≤ t < to` to `sink` (days and floating times lie in `zone`),
/// and says of how many events something was left out because it would have cost too much.
pub fn expand<'a>(
    calendar: &'a Calendar,
    zone: &Zone,
    window: (DateTime, DateTime),
    budget: &mut Budget,
    sink: &mut dyn FnMut(Occurrence<'a>),
) -> usize {
    let zone = calendar.default_zone.as_ref().unwrap_or(zone);
    let mut series: BTreeMap<(&str, usize), Vec<&Event>> = BTreeMap::new();
    for (at, event) in calendar.events.iter().enumerate() {
        // Without a UID each event stands for itself.
        let own = if event.uid.is_empty() { at } else { 0 };
        series.entry((&event.uid, own)).or_default().push(event);
    }
    let mut cut = calendar.cut;
    for events in series.values() {
        if budget.is_spent() {
            cut += 1;
            continue;
        }
        let inside = |one: &Occurrence<'_>| window.0 <= one.start.naive() && one.start.naive() < window.1;
        let whole = expand_series(events, zone, window, budget, &mut |one| {
            if inside(&one) {
                sink(one);
            }
        });
        cut += usize::from(!whole);
    }
    cut
}

/// The occurrences of the events with one UID; false where something was left out.
fn expand_series<'a>(
    events: &[&'a Event],
    zone: &Zone,
    window: (DateTime, DateTime),
    budget: &mut Budget,
    sink: &mut dyn FnMut(Occurrence<'a>),
) -> bool {
    // Of several masters the newest counts, of equally new ones the first; of several replacements of one occurrence the
    // newest too.
    let masters = events.iter().rev().filter(|event| event.replaces.is_none());
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
    let mut whole = true;
    if let Some(master) = master {
        let (starts, complete) = starts(master, zone, window, budget);
        whole = complete;
        let recurring = !master.rules.is_empty() || !master.dates.is_empty();
        for (original, (start, length)) in starts {
            if replacements.contains_key(&original) {
                continue;
            }
            let shifted = onwards.partition_point(|(from, _)| *from <= original).checked_sub(1);
            let one = match shifted.and_then(|at| onwards.get(at)) {
                Some((from, event)) => moved(event, master, *from, &start, zone),
                None => match &length {
                    Some(own) => occurrence(master, &start, own, &start, zone),
                    None => occurrence(master, &start, &master.length, &master.start, zone),
                },
            };
            if let Some(one) = one {
                if !budget.start(days_inside(&one, window)) {
                    return false;
                }
                sink(Occurrence { original, recurring, ..one });
            }
        }
    }
    for (original, event) in replacements {
        if let Some(one) = occurrence(event, &event.start, &event.length, &event.start, zone) {
            if !budget.start(days_inside(&one, window)) {
                return false;
            }
            sink(Occurrence { original, recurring: master.is_some(), replaced: true, ..one });
        }
    }
    whole
}

/// How many days of the window an occurrence lasts: an absence is kept day by day.
fn days_inside(one: &Occurrence<'_>, window: (DateTime, DateTime)) -> usize {
    let (from, to) = (one.start.naive().max(window.0), one.end.naive().min(window.1));
    usize::try_from(day_number(to.date()) - day_number(from.date())).unwrap_or(0)
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
    let later = |span: jiff::Span| start.naive().checked_add(span).ok().map(|local| start.at(local));
    let end = match length {
        Length::Untold if matches!(start, Stamp::Day(_)) => later(jiff::Span::new().days(1))?,
        Length::Untold => start.clone(),
        Length::Lasting(days, seconds) => later(jiff::Span::new().try_days(*days).ok()?.try_seconds(*seconds).ok()?)?,
        Length::Until(end) => later(end.seen_from(first, zone).since(first.naive()).ok()?)?,
    };
    let to = end.instant(zone)?;
    // A time without a zone may run backwards only in the zone that it is read in.
    let backwards = if matches!(start, Stamp::Local(..)) { to < from } else { end.naive() < start.naive() };
    let (end, to) = if backwards { (start.clone(), from) } else { (end, to.max(from)) };
    Some(Occurrence { event, original: from, start: start.clone(), end, from, to, recurring: false, replaced: false })
}

/// A start and the length of its own that it may have.
type Start = (Stamp, Option<Length>);

/// All starts of a master in the order of time, before replacements; false where something was left out.
fn starts(
    event: &Event,
    zone: &Zone,
    window: (DateTime, DateTime),
    budget: &mut Budget,
) -> (BTreeMap<Millis, Start>, bool) {
    // A moved occurrence can enter the window from outside: look a little wider.
    let wide = jiff::Span::new().days(40);
    let span = (window.0.checked_sub(wide).unwrap_or(window.0), window.1.checked_add(wide).unwrap_or(window.1));
    let mut whole = true;
    let mut locals: BTreeSet<DateTime> = BTreeSet::from([event.start.naive()]);
    for rule in &event.rules {
        let until = rule.until.map(|until| local_until(until, &event.start, zone));
        let (starts, cut) = recur::expand(rule, event.start.naive(), until, span, budget);
        locals.extend(starts);
        whole &= matches!(cut, None | Some(Cut::Malformed));
        // As many as one rule may have: an event with many rules takes no more memory.
        if locals.len() > recur::MOST {
            whole = false;
            break;
        }
    }
    // An end before the start leaves nothing at all.
    let over =
        |rule: &Rule| rule.until.is_some_and(|until| local_until(until, &event.start, zone) < event.start.naive());
    if !event.rules.is_empty() && event.rules.iter().all(over) {
        locals.remove(&event.start.naive());
    }
    let plain = locals.into_iter().map(|local| (event.start.at(local), None));
    let all = plain.chain(event.dates.iter().cloned());
    let mut starts: BTreeMap<Millis, Start> =
        all.filter_map(|(start, length)| Some((start.instant(zone)?, (start, length)))).collect();
    let except: BTreeSet<Millis> = event.except.iter().filter_map(|stamp| stamp.instant(zone)).collect();
    let days = event.except.iter().filter_map(|stamp| if let Stamp::Day(date) = stamp { Some(*date) } else { None });
    let days: BTreeSet<_> = days.collect();
    // A time without a zone is at no instant: an exception in UTC can only mean its digits.
    let digits: BTreeSet<DateTime> = match event.start {
        Stamp::Floating(_) => event.except.iter().map(Stamp::naive).collect(),
        _ => BTreeSet::new(),
    };
    starts.retain(|at, (start, _)| {
        let naive = start.naive();
        !except.contains(at) && !days.contains(&naive.date()) && !digits.contains(&naive)
    });
    (starts, whole)
}

/// The end of a rule in the local time of its start. A day ends with its last second.
fn local_until(until: Until, start: &Stamp, zone: &Zone) -> DateTime {
    match (until, start) {
        (Until::Day(date), _) => date.at(23, 59, 59, 0),
        (Until::Local(local), _) => local,
        (Until::Utc(utc), start) => {
            let own = if let Stamp::Local(_, own) = start { own } else { zone };
            Zone::UTC.instant(utc).map_or(utc, |at| own.local(at))
        }
    }
}
