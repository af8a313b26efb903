//! Calendars that are made to cost much: they cost their owner's calendar alone, and little.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use undercurrent::collect::calendar::{ParseError, Reading, read};
use undercurrent::model::Pseudonyms;
use undercurrent::model::time::Millis;

use crate::calendars::source;

/// 2024-01-01 and 400 days more.
const WINDOW: (Millis, Millis) = (Millis(1_704_067_200_000), Millis(1_738_627_200_000));

fn calendar(events: &str) -> String {
    format!("BEGIN:VCALENDAR\r\n{events}END:VCALENDAR\r\n")
}

fn event(lines: &str) -> String {
    format!("BEGIN:VEVENT\r\nDTSTART:20240105T100000Z\r\nDTEND:20240105T110000Z\r\n{lines}\r\nEND:VEVENT\r\n")
}

fn timed(text: &str) -> Result<Reading, ParseError> {
    let begun = Instant::now();
    let reading = read(text.as_bytes(), &source(), WINDOW, &Pseudonyms::new([1; 32]));
    // Two seconds as it is shipped, ten times that in a build for tests; the rest is for a busy machine.
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    reading
}

/// A rule of one event beside an ordinary meeting: how many hours are busy, and how many events were cut.
#[track_caller]
fn check(rule: &str, busy: std::ops::RangeInclusive<usize>, cut: usize) {
    let text = calendar(&(event(&format!("UID:bomb\r\n{rule}")) + &event("UID:meeting")));
    let reading = timed(&text).unwrap();
    let shown = &rule[..rule.len().min(60)];
    assert_eq!(reading.cut, cut, "{shown}");
    assert!(busy.contains(&reading.busy.len()), "{shown}: {}", reading.busy.len());
}

#[test]
fn rules_without_measure_leave_the_rest_of_the_calendar_readable() {
    check("RRULE:FREQ=SECONDLY", 2..=2, 1);
    check("RRULE:FREQ=MINUTELY;COUNT=100000000", 2..=2, 1);
    check("RRULE:FREQ=DAILY;INTERVAL=0", 2..=2, 1);
    check("RRULE:FREQ=DAILY;COUNT=0", 2..=2, 0);
    check("RRULE:FREQ=DAILY;COUNT=4000000000", 390..=402, 0);
    check("RRULE:FREQ=DAILY;UNTIL=99991231T235959Z", 390..=402, 0);
    check("RRULE:FREQ=HOURLY;BYMINUTE=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20", 5_000..=12_001, 1);
    check("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", 2..=2, 0);
    check("EXRULE:FREQ=SECONDLY", 2..=2, 0);
}

#[test]
fn what_repeats_since_the_year_one_is_not_walked_through() {
    for rule in ["HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"] {
        let event = format!("BEGIN:VEVENT\nDTSTART:00010101T100000Z\nDURATION:PT1H\nRRULE:FREQ={rule}\nEND:VEVENT\n");
        let reading = timed(&calendar(&event)).unwrap();
        assert!(reading.cut == 0 && !reading.busy.is_empty(), "{rule}: {}", reading.busy.len());
    }
}

#[test]
fn many_events_are_read_up_to_a_bound_and_the_rest_is_counted() {
    let mut events = String::new();
    for number in 0..60_000 {
        write!(events, "BEGIN:VEVENT\nUID:{number}\nDTSTART:20240105T100000Z\nDURATION:PT1H\nEND:VEVENT\n").unwrap();
    }
    let reading = timed(&calendar(&events)).unwrap();
    assert_eq!((reading.busy.len(), reading.cut), (49_999, 10_001));
}

#[test]
fn long_lines_and_lists_of_exceptions_cut_one_event() {
    let dates = "20240105T100000Z,".repeat(40_000);
    check(&format!("RRULE:FREQ=DAILY\r\nEXDATE:{dates}20240106T100000Z"), 390..=402, 1);
    check(&format!("RDATE:{dates}20240106T100000Z"), 2..=2, 1);
    check(&format!("DESCRIPTION:{}", "x".repeat(1_000_000)), 2..=2, 0);
    check(&format!("ATTENDEE:mailto:{}", "x".repeat(1_000_000)), 2..=2, 1);
    check(&"RRULE:FREQ=DAILY\r\n".repeat(10_000), 300..=402, 1);
}

#[test]
fn components_in_components_do_not_exhaust_the_stack() {
    assert_eq!(timed(&"BEGIN:VEVENT\r\n".repeat(500_000)), Err(ParseError::Broken));
    assert_eq!(timed(&calendar(&"BEGIN:VALARM\r\n".repeat(100_000))), Err(ParseError::Broken));
}

#[test]
fn zones_with_endless_rules_are_followed_for_a_while_only() {
    let zone = "BEGIN:VTIMEZONE\nTZID:own\nBEGIN:STANDARD\nDTSTART:00010101T000000\nRRULE:FREQ=SECONDLY\n\
                TZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:00010101T000000\n\
                RRULE:FREQ=HOURLY\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:DAYLIGHT\nEND:VTIMEZONE\n";
    let text =
        calendar(&(zone.to_owned() + "BEGIN:VEVENT\nDTSTART;TZID=own:20240105T100000\nDURATION:PT1H\nEND:VEVENT\n"));
    assert_eq!(timed(&text).unwrap().busy.len(), 1);
    let many: String = (0..30).map(|number| zone.replace("TZID:own", &format!("TZID:own{number}"))).collect();
    assert!(timed(&calendar(&many)).is_ok());
}

/// Many events with one rule: their number that is cut, the same on every machine.
fn cut_of_many(count: usize, lines: &str) -> usize {
    let events: String = (0..count).map(|at| format!("BEGIN:VEVENT\nUID:{at}\n{lines}\nEND:VEVENT\n")).collect();
    timed(&calendar(&events)).unwrap().cut
}

#[test]
fn the_budget_is_counted_so_that_a_file_is_cut_at_the_same_place_everywhere() {
    let start = "DTSTART:20240105T100000Z\nDURATION:PT1H\nRRULE:";
    let hours = (0..24).map(|at| at.to_string()).collect::<Vec<_>>().join(",");
    let every_hour = format!("FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR={hours}");
    // Searches that find nothing, of every kind, and such as find very much.
    let all = [
        ("FREQ=YEARLY;BYDAY=1MO;BYMONTHDAY=15;BYMONTH=3", 91),
        ("FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=15", 95),
        ("FREQ=WEEKLY;BYDAY=MO;BYSETPOS=3", 90),
        ("FREQ=DAILY;BYDAY=MO;BYSETPOS=2", 87),
        ("FREQ=HOURLY;BYSETPOS=2", 87),
        ("FREQ=YEARLY;BYWEEKNO=20;BYMONTH=1", 91),
        ("FREQ=HOURLY", 96),
        (every_hour.as_str(), 96),
    ];
    for (rule, cut) in all {
        let found = cut_of_many(100, &format!("{start}{rule}"));
        assert_eq!(found, cut, "{rule}");
    }
}

#[test]
fn what_would_take_much_time_or_memory_at_once_is_refused_or_paid_for() {
    let list = |to: usize| (0..to).map(|at| at.to_string()).collect::<Vec<_>>().join(",");
    let (hours, minutes) = (list(24), list(60));
    // A year of seconds would be found in one step.
    check(&format!("RRULE:FREQ=YEARLY;BYHOUR={hours};BYMINUTE={minutes};BYSECOND={minutes};BYDAY=MO,TU,WE"), 2..=2, 1);
    check(&format!("RRULE:FREQ=DAILY;BYHOUR={}", "9,".repeat(50_000)), 390..=402, 0);
    // Absences of many years, every day anew.
    let long = "DTSTART;VALUE=DATE:20240105\nDURATION:P9000W\nRRULE:FREQ=DAILY";
    assert!(cut_of_many(20_000, long) > 10_000);
    // Zones that nobody knows.
    assert_eq!(cut_of_many(20_000, "DTSTART;TZID=Nowhere/At All:20240105T100000\nDURATION:PT1H"), 0);
}
