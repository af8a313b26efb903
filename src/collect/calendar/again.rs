//! Whether a calendar that has not changed must be read again. Its text is not kept, and each night's window reaches a day
//! further ahead, so "not modified" helps only where the last reading knew that nothing of the calendar lies there.

use serde::{Deserialize, Serialize};

use super::CalendarSource;
use super::busy::{Reading, read};
use super::fetch::Validators;
use crate::collect::Cursor;
use crate::model::time::{Millis, day_number};
use crate::model::{Account, Pseudonyms};

/// What a cursor's reading was; a change here means that every calendar is read anew.
const VERSION: &str = "2";
const DAY: i64 = 86_400_000;
/// How far beyond its window a calendar is looked through.
const LOOKED_AHEAD: i64 = 100 * DAY;
/// A series with an occurrence in the last weeks of the window goes on behind it.
const SERIES: i64 = 28 * DAY;

/// What is remembered of a reading besides the service's own marks.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// The reading's window began here.
    from: i64,
    /// A reading of a window that ends here or before would give the same rows.
    same_to: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    modified: Option<String>,
}

/// The hash of all that a calendar's rows depend on besides its text.
pub(super) fn question(source: &CalendarSource, names: &Pseudonyms) -> String {
    let zone = source.zone.iana_name().unwrap_or_default();
    let asked = format!("{VERSION} {:?} {zone} {:?}", Account::to_stored(source.account), source.owner_emails);
    let address = source.location.mark();
    format!("{:016x}", names.number(&format!("calendar:{asked}:{address}")))
}

/// The marks to ask with, where the answer "not modified" would do for this window.
pub(super) fn marks(known: Option<&Cursor>, window: (Millis, Millis)) -> Option<Validators> {
    let cursor = known?;
    let kept: Kept = serde_json::from_str(cursor.position.as_deref()?).ok()?;
    let same = kept.from <= window.0.0 && window.1.0 <= kept.same_to;
    same.then(|| Validators { etag: cursor.etag.clone(), modified: kept.modified })
}

/// The cursor of a whole reading. Without marks of the service, or where something was left out, the next night reads
/// the calendar again whatever happens.
pub(super) fn cursor(
    bytes: &[u8],
    source: &CalendarSource,
    window: (Millis, Millis),
    names: &Pseudonyms,
    reading: &Reading,
    marks: Validators,
) -> Cursor {
    let plain = Cursor { scope_hash: question(source, names), ..Cursor::default() };
    if marks.is_empty() || reading.cut > 0 {
        return plain;
    }
    let Some(same_to) = same_to(bytes, source, window, names, reading) else { return plain };
    let kept = Kept { from: window.0.0, same_to: same_to.0, modified: marks.modified };
    Cursor { position: serde_json::to_string(&kept).ok(), etag: marks.etag, ..plain }
}

/// Up to where a window could end without another row; `None` where it is not worth looking, or cannot be told.
fn same_to(
    bytes: &[u8],
    source: &CalendarSource,
    window: (Millis, Millis),
    names: &Pseudonyms,
    reading: &Reading,
) -> Option<Millis> {
    if reading.busy.iter().any(|busy| busy.recurring && busy.starts_at.0 >= window.1.0 - SERIES) {
        return None;
    }
    let end = Millis(window.1.0 + LOOKED_AHEAD);
    let beyond = read(bytes, source, (window.0, end), names).ok().filter(|beyond| beyond.cut == 0)?;
    let busy = beyond.busy.iter().map(|busy| busy.starts_at).filter(|at| *at >= window.1);
    // A day's absence counts from its noon on, in the calendar's own zone: a day earlier is early enough anywhere.
    let days = beyond.absences.iter().filter(|absence| !reading.absences.contains(absence));
    let days = days.map(|absence| Millis((day_number(absence.day) - 1) * DAY));
    let next = busy.chain(days).min().unwrap_or(end);
    (next > window.1).then_some(next.min(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::calendar::Location;
    use jiff::tz::TimeZone;

    /// 2026-03-02, a Monday, at midnight in UTC.
    const MONDAY: i64 = 1_772_409_600_000;
    const WINDOW: (Millis, Millis) = (Millis(MONDAY), Millis(MONDAY + 14 * DAY));

    /// How many days behind the window the same rows would do, for a calendar of these events.
    #[track_caller]
    fn check(events: &str, expected: Option<i64>) {
        let names = Pseudonyms::new([1; 32]);
        let source = CalendarSource {
            account: names.account("calendar", "calendar", "me"),
            owner_emails: Vec::new(),
            place: "u.toml:1".to_owned(),
            location: Location::Web("https://calendar.example.com/a.ics".to_owned().into()),
            zone: TimeZone::UTC,
        };
        let bytes = format!("BEGIN:VCALENDAR\n{events}END:VCALENDAR\n");
        let reading = read(bytes.as_bytes(), &source, WINDOW, &names).unwrap();
        let marks = Validators { etag: Some("\"1\"".to_owned()), modified: None };
        let cursor = cursor(bytes.as_bytes(), &source, WINDOW, &names, &reading, marks);
        let usable = |days: i64| {
            let window = (Millis(WINDOW.0.0 + days * DAY), Millis(WINDOW.1.0 + days * DAY));
            super::marks(Some(&cursor), window).is_some()
        };
        let days = (1..=200).take_while(|days| usable(*days)).count();
        assert_eq!((days > 0).then_some(i64::try_from(days).unwrap()), expected, "{events}");
        let earlier = (Millis(WINDOW.0.0 - 1), WINDOW.1);
        assert!(super::marks(Some(&cursor), earlier).is_none(), "a window that begins earlier is another one");
    }

    fn event(lines: &str) -> String {
        format!("BEGIN:VEVENT\nUID:1\n{lines}\nEND:VEVENT\n")
    }

    #[test]
    fn a_calendar_need_not_be_read_again_until_something_of_it_comes_into_sight() {
        check("", Some(100));
        check(&event("DTSTART:20260303T090000Z\nDURATION:PT1H"), Some(100));
        // Ten days behind the window's end.
        check(&event("DTSTART:20260326T000000Z\nDURATION:PT1H"), Some(10));
        check(&event("DTSTART;VALUE=DATE:20260326\nDTEND;VALUE=DATE:20260328"), Some(9));
        // An absence that is under way at the end.
        check(&event("DTSTART;VALUE=DATE:20260312\nDTEND;VALUE=DATE:20260401"), None);
        // A series, and one whose next occurrence is far.
        check(&event("DTSTART:20260303T090000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY"), None);
        check(&event("DTSTART:20260101T090000Z\nDURATION:PT1H\nRRULE:FREQ=MONTHLY;INTERVAL=3"), Some(16));
        // What is too much to be read is looked at every night.
        check(&event("DTSTART:20260303T090000Z\nDURATION:PT1H\nRRULE:FREQ=SECONDLY"), None);
    }
}
