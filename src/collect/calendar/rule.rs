//! Recurrence rules as text: what RFC 5545 allows, read leniently in form and strictly in meaning.

use std::collections::HashSet;
use std::hash::Hash;

use jiff::civil::{Date, DateTime, Weekday};

/// How often a rule repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Every {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

/// The end of a rule as it stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    Day(Date),
    Local(DateTime),
    Utc(DateTime),
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub every: Every,
    /// 1 where the rule says nothing.
    pub interval: u16,
    pub count: Option<u32>,
    pub until: Option<Until>,
    pub week_start: Weekday,
    pub months: Vec<u8>,
    pub week_numbers: Vec<i8>,
    pub year_days: Vec<i16>,
    pub month_days: Vec<i8>,
    /// Which of them in its month or year, where the rule says it.
    pub weekdays: Vec<(Option<i16>, Weekday)>,
    pub hours: Vec<u8>,
    pub minutes: Vec<u8>,
    pub seconds: Vec<u8>,
    pub positions: Vec<i32>,
}

impl Rule {
    /// Reads a rule; `None` where it is malformed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut rule = Self {
            every: Every::Day,
            interval: 1,
            count: None,
            until: None,
            week_start: Weekday::Monday,
            months: Vec::new(),
            week_numbers: Vec::new(),
            year_days: Vec::new(),
            month_days: Vec::new(),
            weekdays: Vec::new(),
            hours: Vec::new(),
            minutes: Vec::new(),
            seconds: Vec::new(),
            positions: Vec::new(),
        };
        let mut every = None;
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=')?;
            let value = value.trim().to_ascii_uppercase();
            match name.trim().to_ascii_uppercase().as_str() {
                "FREQ" => every = Some(frequency(&value)?),
                _ if value.is_empty() => {}
                "RSCALE" if value != "GREGORIAN" => return None,
                // No count at all, or a negative one: the start alone.
                "COUNT" => rule.count = Some(value.parse().ok().filter(|count| *count > 0)?),
                "INTERVAL" => rule.interval = value.parse().ok()?,
                "UNTIL" => rule.until = Some(until(&value)?),
                "WKST" => rule.week_start = weekday(&value)?,
                "BYMONTH" => rule.months = numbers(&value, 1, 12)?,
                "BYWEEKNO" => rule.week_numbers = numbers(&value, -53, 53)?,
                "BYYEARDAY" => rule.year_days = numbers(&value, -366, 366)?,
                "BYMONTHDAY" => rule.month_days = numbers(&value, -31, 31)?,
                "BYDAY" => rule.weekdays = list(&value, nth)?,
                "BYHOUR" => rule.hours = numbers(&value, 0, 23)?,
                "BYMINUTE" => rule.minutes = numbers(&value, 0, 59)?,
                // A leap second counts as the second before it.
                "BYSECOND" => {
                    rule.seconds = numbers(&value, 0, 60)?.into_iter().map(|second: u8| second.min(59)).collect();
                }
                "BYSETPOS" => rule.positions = numbers(&value, -366, 366)?,
                _ => {}
            }
        }
        rule.every = every?;
        Some(rule)
    }
}

fn frequency(text: &str) -> Option<Every> {
    Some(match text {
        "SECONDLY" => Every::Second,
        "MINUTELY" => Every::Minute,
        "HOURLY" => Every::Hour,
        "DAILY" => Every::Day,
        "WEEKLY" => Every::Week,
        "MONTHLY" => Every::Month,
        "YEARLY" => Every::Year,
        _ => return None,
    })
}

fn weekday(text: &str) -> Option<Weekday> {
    Some(match text {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    })
}

/// `-1SU` and `MO`.
fn nth(text: &str) -> Option<(Option<i16>, Weekday)> {
    let (number, day) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let number = match number {
        "" => None,
        number => Some(
            number.trim_start_matches('+').parse().ok().filter(|one: &i16| (-53..=53).contains(one) && *one != 0)?,
        ),
    };
    Some((number, weekday(day)?))
}

/// The parts of a list, each once: what a list can say is bounded, however long it is.
fn list<One: Copy + Eq + Hash>(text: &str, one: impl Fn(&str) -> Option<One>) -> Option<Vec<One>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let mut seen = HashSet::new();
    let mut all = parts.map(one).collect::<Option<Vec<One>>>()?;
    all.retain(|part| seen.insert(*part));
    Some(all)
}

fn numbers<One: TryFrom<i64> + Copy + Eq + Hash>(text: &str, least: i64, most: i64) -> Option<Vec<One>> {
    list(text, |part| {
        let number: i64 = part.trim_start_matches('+').parse().ok()?;
        // Where counting from the end is allowed there is no zeroth.
        let fine = (least..=most).contains(&number) && (number != 0 || least == 0);
        One::try_from(number).ok().filter(|_| fine)
    })
}

/// `20261224`, `20261224T120000` and `20261224T120000Z`.
fn until(text: &str) -> Option<Until> {
    let utc = text.ends_with('Z');
    let text = text.trim_end_matches('Z');
    if text.len() <= 8 {
        return text.parse().ok().map(Until::Day);
    }
    let local = text.parse().ok()?;
    Some(if utc { Until::Utc(local) } else { Until::Local(local) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_in_every_form_that_programs_write() {
        let rule =
            Rule::parse("FREQ=monthly;BYDAY=+1MO,-1SU;UNTIL=20261224T120000Z;WKST=SU;X-A=1;INTERVAL=2;").unwrap();
        assert_eq!(rule.weekdays, [(Some(1), Weekday::Monday), (Some(-1), Weekday::Sunday)]);
        assert_eq!(rule.until, Some(Until::Utc(jiff::civil::date(2026, 12, 24).at(12, 0, 0, 0))));
        assert_eq!((rule.every, rule.interval, rule.week_start), (Every::Month, 2, Weekday::Sunday));
        assert_eq!(
            Rule::parse("FREQ=DAILY;UNTIL=20261224").unwrap().until,
            Some(Until::Day(jiff::civil::date(2026, 12, 24)))
        );
    }

    #[test]
    fn what_has_no_meaning_is_no_rule() {
        for text in [
            "",
            "BYDAY=MO",
            "FREQ=FORTNIGHTLY",
            "FREQ=DAILY;COUNT=0",
            "FREQ=DAILY;COUNT=-2",
            "FREQ=DAILY;RSCALE=HEBREW",
            "FREQ=DAILY;BYHOUR=256",
            "FREQ=MONTHLY;BYMONTHDAY=0",
            "FREQ=DAILY;UNTIL=soon",
            "FREQ=WEEKLY;BYDAY=XX",
            "D1 #0",
        ] {
            assert_eq!(Rule::parse(text), None, "{text}");
        }
    }
}
