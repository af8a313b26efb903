//! From occurrences to what is kept: when somebody is busy or away. No title, place or guest.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::CalendarSource;
use super::expand::{Occurrence, expand};
use super::parse::{self, ParseError, Part, Stamp};
use super::recur::Budget;
use super::zone::Zone;
use crate::model::records::{Absence, Busy};
use crate::model::time::{Millis, date_of, day_number};
use crate::model::{Account, Pseudonyms};

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

/// Reads a calendar's bytes. Pure; bounded in events and work, the same on every machine.
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
    let mut away = BTreeMap::new();
    for calendar in &parse::calendars(bytes, &mut budget)? {
        let default = calendar.default_zone.as_ref().unwrap_or(&zone);
        let mut sink = |one: Occurrence<'_>| rows(&one, owner, default, window, names, (&mut reading.busy, &mut away));
        let cut = expand(calendar, &zone, wide, &mut budget, &mut sink);
        reading.cut += cut;
    }
    reading.busy.sort_by_key(|busy| (busy.starts_at, busy.ends_at, busy.occurrence));
    reading.busy.dedup_by_key(|busy| (busy.starts_at, busy.ends_at, busy.occurrence));
    reading.absences = away.into_values().collect();
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

impl Moment {
    /// `default` is the zone that the calendar itself gives to times without one.
    fn of(stamp: &Stamp, default: Option<&Zone>) -> Self {
        let at = |zone: &Zone, local| zone.instant(local).map_or(Self::Floating(local), Self::At);
        match (stamp, default) {
            (Stamp::Day(date), _) => Self::Day(*date),
            (Stamp::Local(local, zone), _) | (Stamp::Floating(local), Some(zone)) => at(zone, *local),
            (Stamp::Floating(local), None) => Self::Floating(*local),
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
        let default = calendar.default_zone.as_ref();
        cut += expand(calendar, &zone, window, &mut budget, &mut |one| {
            all.push((Moment::of(&one.start, default), Moment::of(&one.end, default)));
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
    (busy, away): (&mut Vec<Busy>, &mut Away),
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
            let span = (one.from, one.to);
            add_days_away(away, days_away(owner.account, span, all_day, zone, window));
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
    busy.push(Busy {
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

/// Absences by day: as many as the window has days, however many entries there are.
type Away = BTreeMap<Date, Absence>;

/// Adds absences; of two on one day a whole one counts.
pub(super) fn add_days_away(away: &mut Away, days: impl Iterator<Item = Absence>) {
    for one in days {
        let known = away.entry(one.day).or_insert_with(|| one.clone());
        known.half &= one.half;
    }
}

/// The days of `zone` that an absence takes: whole ones for entries of whole days, else by how long it lasts that day.
pub(super) fn days_away(
    account: Account,
    (from, to): (Millis, Millis),
    whole: bool,
    zone: &Zone,
    window: (Millis, Millis),
) -> impl Iterator<Item = Absence> {
    let noon = 43_200_000;
    // What lies outside of the window is not walked through, however long it lasts.
    let first = day_number(zone.local(from.max(Millis(window.0.0 - 2 * noon))).date());
    let last = day_number(zone.local(Millis((to.0 - 1).max(from.0)).min(window.1)).date());
    let one = move |day: i64| {
        let date = date_of(day);
        let morning = zone.instant(date.at(0, 0, 0, 0))?;
        let inside = morning.0 + noon >= window.0.0 && morning.0 + noon < window.1.0;
        let minutes = Millis(to.0.min(morning.0 + 2 * noon)).minutes_since(Millis(from.0.max(morning.0)));
        let half = !whole && minutes < WHOLE_DAY;
        (inside && (whole || minutes >= HALF_DAY)).then(|| Absence {
            account,
            day: date,
            half,
            kind: "out_of_office".to_owned(),
        })
    };
    (first..=last).filter_map(one)
}

/// The days in `from ≤ day < to` on which a calendar of holidays has an entry of whole days.
///
/// # Errors
/// [`ParseError`] where it is no calendar or is cut off.
pub fn holidays(bytes: &[u8], zone: &TimeZone, window: (Date, Date)) -> Result<BTreeSet<Date>, ParseError> {
    let mut days = BTreeSet::new();
    for (start, end) in occurrences(bytes, zone, window)?.0 {
        if let (Moment::Day(first), Moment::Day(end)) = (start, end) {
            let end = end.min(window.1).max(date_of(day_number(first) + 1));
            days.extend((day_number(first)..day_number(end)).map(date_of));
        }
    }
    Ok(days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::calendar::Location;

    const DAY: i64 = 86_400_000;
    /// 2026-03-02, a Monday, at midnight in UTC.
    const MONDAY: Millis = Millis(1_772_409_600_000);

    fn read_events(events: &str) -> Reading {
        let names = Pseudonyms::new([1; 32]);
        let owner = CalendarSource {
            account: names.account("calendar", "calendar", "me"),
            owner_emails: vec!["me@people.example".to_owned()],
            place: "u.toml:1".to_owned(),
            location: Location::File(std::path::PathBuf::new()),
            zone: TimeZone::UTC,
        };
        let text = format!("BEGIN:VCALENDAR\n{events}END:VCALENDAR\n");
        read(text.as_bytes(), &owner, (MONDAY, Millis(MONDAY.0 + 14 * DAY)), &names).unwrap()
    }

    /// Absences as `day`, with `½` where it is half of one.
    #[track_caller]
    fn check(lines: &str, away: &[&str], busy: usize) {
        let reading = read_events(&format!("BEGIN:VEVENT\nUID:1\n{lines}\nEND:VEVENT\n"));
        let found: Vec<String> =
            reading.absences.iter().map(|one| format!("{}{}", one.day, if one.half { "½" } else { "" })).collect();
        assert_eq!(found, away, "{lines}");
        assert_eq!(reading.busy.len(), busy, "{lines}");
    }

    #[test]
    fn whole_days_and_out_of_office_are_absences_and_no_meetings() {
        check("DTSTART;VALUE=DATE:20260303\nDTEND;VALUE=DATE:20260305", &["2026-03-03", "2026-03-04"], 0);
        check("DTSTART;VALUE=DATE:20260303\nTRANSP:TRANSPARENT", &[], 0);
        check("DTSTART;VALUE=DATE:20260303\nX-MICROSOFT-CDO-BUSYSTATUS:FREE", &[], 0);
        let out = "X-MICROSOFT-CDO-BUSYSTATUS:OOF";
        check(&format!("DTSTART:20260303T090000Z\nDTEND:20260303T170000Z\n{out}"), &["2026-03-03"], 0);
        check(&format!("DTSTART:20260303T130000Z\nDTEND:20260303T170000Z\n{out}"), &["2026-03-03½"], 0);
        check(&format!("DTSTART:20260303T130000Z\nDTEND:20260303T140000Z\n{out}"), &[], 0);
        check(&format!("DTSTART:20260303T200000Z\nDTEND:20260304T120000Z\n{out}"), &["2026-03-03½", "2026-03-04"], 0);
        check("DTSTART:20260303T130000Z\nDTEND:20260303T140000Z", &[], 1);
        // Nine thousand years are walked through inside of the window alone.
        check("DTSTART;VALUE=DATE:20260314\nDTEND;VALUE=DATE:99990101", &["2026-03-14", "2026-03-15"], 0);
    }

    #[test]
    fn holidays_are_the_whole_days_of_a_calendar() {
        let text = b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART;VALUE=DATE:20251225\nDTEND;VALUE=DATE:20251227\n\
                     RRULE:FREQ=YEARLY\nTRANSP:TRANSPARENT\nEND:VEVENT\nBEGIN:VEVENT\nUID:2\nDTSTART:20260101T100000Z\n\
                     END:VEVENT\nEND:VCALENDAR\n";
        let window = (Date::constant(2026, 1, 1), Date::constant(2027, 1, 1));
        let days = holidays(text, &TimeZone::UTC, window).unwrap();
        assert_eq!(days, BTreeSet::from([Date::constant(2026, 12, 25), Date::constant(2026, 12, 26)]));
        assert!(holidays(b"<html>", &TimeZone::UTC, window).is_err());
    }
}
