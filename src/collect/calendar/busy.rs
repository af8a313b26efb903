//! From occurrences to what is kept: when somebody is busy or away. No title, place or guest.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::CalendarSource;
use super::expand::{Occurrence, expand};
use super::parse::{self, ParseError, Part, Stamp};
use super::recur::Budget;
use super::zone::Zone;
use crate::model::Pseudonyms;
use crate::model::records::{Absence, Busy};
use crate::model::time::{Millis, date_of, day_number};

/// A timed absence of at least this many minutes takes the whole day, a shorter one half of it.
const WHOLE_DAY: i64 = 6 * 60;
const HALF_DAY: i64 = 3 * 60;

/// What was read from a calendar.
#[derive(Debug, Default, PartialEq)]
pub struct Reading {
    pub busy: Vec<Busy>,
    pub absences: Vec<Absence>,
    /// Events of which something was left out because it would have cost too much.
    pub cut: usize,
}

/// Reads a calendar's bytes. Pure; bounded in events, steps and time.
///
/// # Errors
/// [`ParseError`] where it is no calendar or is cut off.
pub fn read(
    bytes: &[u8],
    owner: &CalendarSource,
    window: (Millis, Millis),
    names: &Pseudonyms,
) -> Result<Reading, ParseError> {
    let zone = Zone::Named(owner.zone.clone());
    let span: (DateTime, DateTime) = (zone.local(window.0), zone.local(window.1));
    // A day more on both sides: the window is one of instants.
    let day = jiff::Span::new().days(1);
    let wide = (span.0.checked_sub(day).unwrap_or(span.0), span.1.checked_add(day).unwrap_or(span.1));
    let mut budget = Budget::of_calendar();
    let mut reading = Reading::default();
    for calendar in &parse::calendars(bytes, &mut budget)? {
        let default = calendar.default_zone.as_ref().unwrap_or(&zone);
        let mut sink = |one: Occurrence<'_>| rows(&one, owner, default, window, names, &mut reading);
        let cut = expand(calendar, &zone, wide, &mut budget, &mut sink);
        reading.cut += cut;
    }
    reading.busy.sort_by_key(|busy| (busy.starts_at, busy.ends_at, busy.occurrence));
    reading.busy.dedup_by_key(|busy| (busy.starts_at, busy.ends_at, busy.occurrence));
    reading.absences.sort_by_key(|absence| (absence.day, absence.half));
    reading.absences.dedup_by_key(|absence| absence.day);
    Ok(reading)
}

/// A moment as a calendar tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    Day(Date),
    /// A local time of no zone.
    Floating(DateTime),
    At(Millis),
}

impl From<&Stamp> for Moment {
    fn from(stamp: &Stamp) -> Self {
        match stamp {
            Stamp::Day(date) => Self::Day(*date),
            Stamp::Floating(local) => Self::Floating(*local),
            Stamp::Local(local, zone) => zone.instant(*local).map_or(Self::Floating(*local), Self::At),
        }
    }
}

/// Start and end of every occurrence whose local start lies in `from ≤ t < to`, whether somebody is busy then or not;
/// and how many events were cut. `zone` is where floating times lie.
///
/// # Errors
/// [`ParseError`] where it is no calendar or is cut off.
pub fn occurrences(
    bytes: &[u8],
    zone: &TimeZone,
    window: (Date, Date),
) -> Result<(Vec<(Moment, Moment)>, usize), ParseError> {
    let zone = Zone::Named(zone.clone());
    let window = (window.0.at(0, 0, 0, 0), window.1.at(0, 0, 0, 0));
    let mut budget = Budget::of_calendar();
    let (mut all, mut cut) = (Vec::new(), 0);
    for calendar in &parse::calendars(bytes, &mut budget)? {
        cut += expand(calendar, &zone, window, &mut budget, &mut |one| {
            all.push((Moment::from(&one.start), Moment::from(&one.end)));
        });
    }
    Ok((all, cut))
}

fn rows(
    one: &Occurrence<'_>,
    owner: &CalendarSource,
    zone: &Zone,
    window: (Millis, Millis),
    names: &Pseudonyms,
    reading: &mut Reading,
) {
    let event = one.event;
    let is_owner = |address: &String| owner.owner_emails.iter().any(|email| email.eq_ignore_ascii_case(address));
    let answer = event.attendees.iter().find(|(address, _)| is_owner(address)).map(|(_, part)| *part);
    if answer == Some(Part::Declined) || (event.transparent && !event.cancelled) {
        return;
    }
    let all_day = matches!(one.start, Stamp::Day(_));
    if all_day || event.out_of_office {
        if !event.cancelled {
            absences(one, owner, zone, window, reading);
        }
        return;
    }
    if one.from < window.0 || one.from >= window.1 || one.to <= one.from {
        return;
    }
    let organised = event.organizer.as_ref().is_some_and(is_owner);
    let known = event.organizer.is_some() || !event.attendees.is_empty();
    let listed =
        event.organizer.as_ref().is_none_or(|organizer| event.attendees.iter().any(|(one, _)| one == organizer));
    let people = i64::try_from(event.attendees.len()).unwrap_or(i64::MAX) + i64::from(!listed);
    reading.busy.push(Busy {
        account: owner.account,
        occurrence: names.number(&format!("occurrence:{}:{}", event.uid, one.original.0)),
        starts_at: one.from,
        ends_at: one.to,
        kind: if known { "meeting" } else { "hold" }.to_owned(),
        attendees: known.then_some(people),
        recurring: one.recurring,
        own: organised,
        cancelled: event.cancelled,
        moved_from: (one.replaced && one.original != one.from).then_some(one.original),
        response: match answer {
            Some(Part::Accepted) => "accepted",
            Some(Part::Tentative | Part::Unanswered) => "tentative",
            _ => "none",
        }
        .to_owned(),
    });
}

/// The days on which an entry says that its owner is away.
fn absences(
    one: &Occurrence<'_>,
    owner: &CalendarSource,
    zone: &Zone,
    window: (Millis, Millis),
    reading: &mut Reading,
) {
    let (first, last) = (zone.local(one.from), zone.local(Millis((one.to.0 - 1).max(one.from.0))));
    for day in day_number(first.date())..=day_number(last.date()) {
        let date = date_of(day);
        let Some(morning) = zone.instant(date.to_datetime(jiff::civil::Time::midnight())) else { continue };
        let inside = morning.0 + 43_200_000 >= window.0.0 && morning.0 + 43_200_000 < window.1.0;
        let minutes = Millis(one.to.0.min(morning.0 + 86_400_000)).minutes_since(Millis(one.from.0.max(morning.0)));
        let whole = matches!(one.start, Stamp::Day(_)) || minutes >= WHOLE_DAY;
        if inside && (whole || minutes >= HALF_DAY) {
            reading.absences.push(Absence {
                account: owner.account,
                day: date,
                half: !whole,
                kind: "out_of_office".to_owned(),
            });
        }
    }
}
