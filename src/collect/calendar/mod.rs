//! Calendars: start, end and kind of entries from `.ics` files and addresses. No title, place or guest is kept.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use secrecy::SecretString;
use tokio::task::JoinSet;

mod expand;
mod fetch;
mod parse;
mod recur;
mod zone;

use super::{Context, Cursor, Delivery, ScopeId, ScopeReport};
use crate::model::records::{Absence, Busy};
use crate::model::time::{Millis, date_of, day_number};
use crate::model::{Account, Batch, Pseudonyms, Replaced};
use expand::{Occurrence, expand};
pub use parse::ParseError;
use parse::{Part, Stamp};
use recur::Budget;
use zone::Zone;

/// Calendars read at the same time.
const AT_ONCE: usize = 8;
/// A timed absence of at least this many minutes takes the whole day, a shorter one half of it.
const WHOLE_DAY: i64 = 6 * 60;
const HALF_DAY: i64 = 3 * 60;

/// Where a calendar lies.
#[derive(Clone, Debug)]
pub enum Location {
    File(PathBuf),
    /// An address; it is a secret.
    Web(SecretString),
}

/// A person's calendar.
#[derive(Clone)]
pub struct CalendarSource {
    pub account: Account,
    /// The owner's addresses, for the own answer to an invitation.
    pub owner_emails: Vec<String>,
    /// How errors name it: `undercurrent.toml:57`.
    pub place: String,
    pub location: Location,
    /// The person's zone, for floating times and days.
    pub zone: TimeZone,
}

/// What was read from a calendar.
#[derive(Debug, Default, PartialEq)]
pub struct Reading {
    pub busy: Vec<Busy>,
    pub absences: Vec<Absence>,
    /// Events of which something was left out because it would have cost too much.
    pub cut: usize,
}

/// Reads every calendar; one that fails does not stop the others. `window` is what is kept.
pub async fn collect(
    sources: &[CalendarSource],
    allow_private: bool,
    window: (Millis, Millis),
    context: &Context,
) -> Vec<ScopeReport> {
    let mut waiting: Vec<CalendarSource> = sources.iter().rev().cloned().collect();
    let mut running = JoinSet::new();
    let mut reports = Vec::new();
    loop {
        while running.len() < AT_ONCE
            && let Some(source) = waiting.pop()
        {
            let context = context.clone();
            running.spawn(async move { collect_one(&source, allow_private, window, &context).await });
        }
        match running.join_next().await {
            None => break,
            Some(Ok(report)) => reports.push(report),
            Some(Err(_)) => {
                let id =
                    ScopeId { source: "calendars".to_owned(), stream: "calendar".to_owned(), scope: "?".to_owned() };
                reports.push(ScopeReport::failed(id, "a calendar", "reading it was cut off by an internal error"));
            }
        }
    }
    reports.sort_by(|left, right| left.id.cmp(&right.id));
    reports
}

async fn collect_one(
    source: &CalendarSource,
    allow_private: bool,
    window: (Millis, Millis),
    context: &Context,
) -> ScopeReport {
    let id = ScopeId { source: "calendars".to_owned(), stream: "calendar".to_owned(), scope: source.place.clone() };
    let label = format!("calendar at {}", source.place);
    let bytes = match fetch::fetch(&source.location, allow_private, Arc::clone(&context.meter)).await {
        Ok(bytes) => bytes,
        Err(reason) => return ScopeReport::failed(id, label, reason),
    };
    let (owner, names) = (source.clone(), context.pseudonyms.clone());
    let read = tokio::task::spawn_blocking(move || read(&bytes, &owner, window, &names)).await;
    let reading = match read {
        Ok(Ok(reading)) => reading,
        Ok(Err(error)) => return ScopeReport::failed(id, label, error.to_string()),
        Err(_) => return ScopeReport::failed(id, label, "reading it was cut off by an internal error"),
    };
    let rows = (reading.busy.len() + reading.absences.len()) as u64;
    let batch = Batch {
        busy: reading.busy,
        absences: reading.absences,
        replaced: vec![Replaced::Calendar { account: source.account, from: window.0, to: window.1 }],
        ..Batch::default()
    };
    let cursor = Cursor { scope_hash: "1".to_owned(), ..Cursor::default() };
    if context.deliver(Delivery { scope: id.clone(), batch, cursor: Some(cursor) }).await.is_err() {
        return ScopeReport::failed(id, label, "the store stopped taking rows");
    }
    let mut report = ScopeReport::complete(id, label, rows, 1);
    if reading.cut > 0 {
        report.outcome = super::Outcome::Incomplete;
        let events = reading.cut;
        report.reason =
            Some(format!("{events} of its events recur too often to be read; correct them in the calendar"));
    }
    report
}

/// Reads a calendar's bytes. Pure; bounded in events, steps and time.
///
/// # Errors
/// [`ParseError`] where it is no calendar, is cut off, or has too many events.
pub fn read(
    bytes: &[u8],
    owner: &CalendarSource,
    window: (Millis, Millis),
    names: &Pseudonyms,
) -> Result<Reading, ParseError> {
    let text = String::from_utf8_lossy(bytes);
    let zone = Zone::Named(owner.zone.clone());
    let span: (DateTime, DateTime) = (zone.local(window.0), zone.local(window.1));
    // A day more on both sides: the window is one of instants.
    let day = jiff::Span::new().days(1);
    let wide = (span.0.checked_sub(day).unwrap_or(span.0), span.1.checked_add(day).unwrap_or(span.1));
    let mut budget = Budget::of_calendar();
    let mut reading = Reading::default();
    for calendar in &parse::calendars(&text)? {
        let expanded = expand(calendar, &zone, wide, &mut budget);
        reading.cut += expanded.cut;
        let zone = calendar.default_zone.as_ref().unwrap_or(&zone);
        for one in &expanded.occurrences {
            rows(one, owner, zone, window, names, &mut reading);
        }
    }
    reading.busy.sort_by_key(|busy| (busy.starts_at, busy.ends_at, busy.occurrence));
    reading.busy.dedup_by_key(|busy| (busy.starts_at, busy.ends_at, busy.occurrence));
    reading.absences.sort_by_key(|absence| (absence.day, absence.half));
    reading.absences.dedup_by_key(|absence| absence.day);
    Ok(reading)
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

/// Looks at every calendar without keeping anything: how many events it has, or why it cannot be read.
pub async fn check(sources: &[CalendarSource], allow_private: bool) -> Vec<(String, Result<usize, String>)> {
    let mut answers = Vec::new();
    for source in sources {
        let bytes = fetch::fetch(&source.location, allow_private, Arc::default()).await;
        let read = bytes.and_then(|bytes| {
            let calendars = parse::calendars(&String::from_utf8_lossy(&bytes)).map_err(|error| error.to_string())?;
            Ok(calendars.iter().map(|calendar| calendar.events.len()).sum())
        });
        answers.push((source.place.clone(), read));
    }
    answers
}
