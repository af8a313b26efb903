//! Recurrence in naive local time: the rule is expanded as if its zone were UTC, within a budget of work. The budget is
//! counted and not timed, so that a file comes to the same on every machine.

use chrono::{DateTime as ChronoTime, Month, NaiveDate, TimeZone as _, Weekday as ChronoDay};
use jiff::civil::{DateTime, Weekday};
use rrule::{Frequency, NWeekday, RRule, RRuleSet, Tz};

use super::rule::{Every, Rule};
use crate::model::time::day_number;

/// Occurrences of one rule, at most: one an hour in the longest window that is read, and in what is looked at around it.
pub const MOST: usize = 12_000;
/// The work that one calendar may cause. A unit is a day that a rule looks at, some twenty nanoseconds.
const MOST_WORK: usize = 30_000_000;
/// The units of a period in which a rule looks for days, besides those days: tables of the year are made anew.
const PERIOD: usize = 20;
/// The units of an occurrence: its own instant, and its place among the others.
const OCCURRENCE: usize = 40;
/// Periods after which the stepping crate ends a search that finds nothing.
const LONGEST_SEARCH: usize = 100_000;
/// The last year in which it looks.
const LAST_YEAR: i64 = 10_000;
/// Occurrences of one calendar, at most.
const MOST_STARTS: usize = 50_000;

/// Why a rule was not expanded to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It would occur every second or minute, too often in one period, or without any step, or cannot be stepped through.
    Refused,
    /// It contradicts itself: the start alone counts.
    Malformed,
    /// The budget of the calendar is used up.
    Budget,
}

/// What one calendar may cost.
#[derive(Debug)]
pub struct Budget {
    work: usize,
    starts: usize,
}

impl Budget {
    /// As much work and as many occurrences as take a second or two of a slow machine.
    #[must_use]
    pub fn of_calendar() -> Self {
        Self { work: MOST_WORK, starts: MOST_STARTS }
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.work == 0 || self.starts == 0
    }

    fn spend(&mut self, units: usize) -> bool {
        self.work = self.work.saturating_sub(units);
        !self.is_spent()
    }

    /// Takes one occurrence off, which lasts so many days of the window.
    pub fn start(&mut self, days: usize) -> bool {
        self.starts = self.starts.saturating_sub(1);
        self.spend(OCCURRENCE * (1 + days))
    }
}

/// All starts of a rule in `from ≤ t ≤ to`, in local time. `until` is the rule's own end, already local.
///
/// # Errors
/// [`Cut`] where the rule is refused, malformed, or larger than the budget; with what was found until then.
pub fn expand(
    rule: &Rule,
    start: DateTime,
    until: Option<DateTime>,
    (from, to): (DateTime, DateTime),
    budget: &mut Budget,
) -> (Vec<DateTime>, Option<Cut>) {
    let mut starts = Vec::new();
    if rule.every <= Every::Minute || rule.interval == 0 || in_a_period(rule) > MOST {
        return (starts, Some(Cut::Refused));
    }
    let Some(rule) = &fifth_last(rule) else { return (starts, Some(Cut::Refused)) };
    if is_never(rule) {
        return (starts, None);
    }
    let begin = if rule.count.is_none() { jump(rule, start, from) } else { start };
    let Some(set) = chrono(begin).and_then(|begin| set(rule, begin)) else { return (starts, Some(Cut::Malformed)) };
    let mut occurrences = set.into_iter();
    let (mut before, mut seen) = (begin, 0);
    loop {
        if budget.is_spent() || starts.len() >= MOST {
            return (starts, Some(Cut::Budget));
        }
        if rule.count == Some(seen) {
            break;
        }
        let found = occurrences.next().as_ref().and_then(civil);
        // Within one call the crate may look through thousands of periods, so what it looked through is paid afterwards.
        budget.spend(OCCURRENCE + looked_through(rule, before, found) * (PERIOD + days(rule) + rule.positions.len()));
        let Some(local) = found else { break };
        (before, seen) = (local, seen + 1);
        if local > to || until.is_some_and(|until| local > until) {
            break;
        }
        if local >= from {
            starts.push(local);
        }
    }
    (starts, None)
}

/// The days that a period of the rule holds.
fn days(rule: &Rule) -> usize {
    match rule.every {
        Every::Year => 366,
        Every::Month => 31,
        Every::Week => 7,
        _ => 1,
    }
}

/// Occurrences that one period may hold: the stepping crate finds all of them at once.
fn in_a_period(rule: &Rule) -> usize {
    let times = |list: &[u8]| list.len().max(1);
    let hours = if rule.every == Every::Hour { 1 } else { times(&rule.hours) };
    days(rule) * hours * times(&rule.minutes) * times(&rule.seconds)
}

/// Periods from one occurrence to the next, or to where a search that finds nothing ends.
fn looked_through(rule: &Rule, before: DateTime, found: Option<DateTime>) -> usize {
    let until = found.map_or((LAST_YEAR - 1970) * 366, |found| day_number(found.date()));
    let days = usize::try_from(until - day_number(before.date())).unwrap_or(0);
    let periods = match rule.every {
        Every::Year => days / 365,
        Every::Month => days / 28,
        Every::Week => days / 7,
        Every::Day => days,
        _ => days * 24,
    };
    (periods / usize::from(rule.interval.max(1)) + 1).min(LONGEST_SEARCH)
}

/// The rule for the stepping crate; `None` where its parts do not go together.
fn set(rule: &Rule, begin: ChronoTime<Tz>) -> Option<RRuleSet> {
    let months: Vec<Month> = rule.months.iter().filter_map(|month| Month::try_from(*month).ok()).collect();
    let days = rule.weekdays.iter().map(|(nth, day)| match nth {
        // Only months and years have a first and a last Monday.
        Some(nth) if rule.every >= Every::Month => NWeekday::Nth(*nth, weekday(*day)),
        _ => NWeekday::Every(weekday(*day)),
    });
    let frequency = match rule.every {
        Every::Second => Frequency::Secondly,
        Every::Minute => Frequency::Minutely,
        Every::Hour => Frequency::Hourly,
        Every::Day => Frequency::Daily,
        Every::Week => Frequency::Weekly,
        Every::Month => Frequency::Monthly,
        Every::Year => Frequency::Yearly,
    };
    let plain = RRule::new(frequency)
        .interval(rule.interval)
        .week_start(weekday(rule.week_start))
        .by_month(&months)
        .by_week_no(rule.week_numbers.clone())
        .by_year_day(rule.year_days.clone())
        .by_month_day(rule.month_days.clone())
        .by_weekday(days.collect())
        .by_hour(rule.hours.clone())
        .by_minute(rule.minutes.clone())
        .by_second(rule.seconds.clone())
        .by_set_pos(rule.positions.clone());
    let plain = match rule.count {
        Some(count) => plain.count(count),
        None => plain,
    };
    // The limit ends a search that finds nothing, such as for 30 February.
    plain.build(begin).ok().map(RRuleSet::limit)
}

/// The stepping crate does not know the fifth last weekday of a month; told by the days on which it can fall, it does.
/// `None` where a rule mixes it with others.
fn fifth_last(rule: &Rule) -> Option<Rule> {
    let is_one = |(nth, _): &(Option<i16>, Weekday)| nth.is_some_and(|nth| nth < -4);
    if rule.every == Every::Year && rule.weekdays.iter().any(|(nth, _)| *nth == Some(-53)) {
        return None;
    }
    if rule.every != Every::Month || !rule.weekdays.iter().any(is_one) {
        return Some(rule.clone());
    }
    if !rule.weekdays.iter().all(|day| day.0 == Some(-5)) || !rule.month_days.is_empty() {
        return None;
    }
    let weekdays = rule.weekdays.iter().map(|(_, day)| (None, *day)).collect();
    Some(Rule { weekdays, month_days: vec![-31, -30, -29], ..rule.clone() })
}

/// Whether a rule names only days that no year has, such as 30 February: a search would not find that out.
fn is_never(rule: &Rule) -> bool {
    let longest = |month: &u8| match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let longest = rule.months.iter().map(longest).max().unwrap_or(31);
    !rule.month_days.is_empty() && rule.month_days.iter().all(|day| day.unsigned_abs() > longest)
}

/// Moves the start of an endless rule near the window, by whole steps that keep its phase.
fn jump(rule: &Rule, start: DateTime, from: DateTime) -> DateTime {
    let interval = i64::from(rule.interval);
    let days = i64::from((from.date() - start.date()).get_days());
    let whole = |passed: i64, phase: i64| (passed / phase - 1).max(0) * phase;
    let span = match rule.every {
        Every::Hour => jiff::Span::new().try_days(whole(days, interval / common_divisor(interval, 24))),
        Every::Day => jiff::Span::new().try_days(whole(days, interval)),
        Every::Week => jiff::Span::new().try_days(whole(days, interval * 7)),
        // Short months lack the last days, and other years begin on other weekdays.
        Every::Month if start.day() <= 28 => jiff::Span::new().try_months(whole(days / 31, interval)),
        Every::Year if start.day() <= 28 && rule.week_numbers.is_empty() => {
            jiff::Span::new().try_years(whole(days / 366, interval))
        }
        _ => return start,
    };
    span.ok().and_then(|span| start.checked_add(span).ok()).unwrap_or(start)
}

fn common_divisor(left: i64, right: i64) -> i64 {
    if right == 0 { left } else { common_divisor(right, left % right) }
}

fn weekday(day: Weekday) -> ChronoDay {
    match day {
        Weekday::Monday => ChronoDay::Mon,
        Weekday::Tuesday => ChronoDay::Tue,
        Weekday::Wednesday => ChronoDay::Wed,
        Weekday::Thursday => ChronoDay::Thu,
        Weekday::Friday => ChronoDay::Fri,
        Weekday::Saturday => ChronoDay::Sat,
        Weekday::Sunday => ChronoDay::Sun,
    }
}

fn chrono(local: DateTime) -> Option<ChronoTime<Tz>> {
    let clock = |part: i8| u32::try_from(part).ok();
    let date = NaiveDate::from_ymd_opt(i32::from(local.year()), clock(local.month())?, clock(local.day())?)?;
    let naive = date.and_hms_opt(clock(local.hour())?, clock(local.minute())?, clock(local.second())?)?;
    Tz::UTC.from_local_datetime(&naive).single()
}

fn civil(occurrence: &ChronoTime<Tz>) -> Option<DateTime> {
    use chrono::{Datelike, Timelike};
    let part = |value: u32| i8::try_from(value).ok();
    DateTime::new(
        i16::try_from(occurrence.year()).ok()?,
        part(occurrence.month())?,
        part(occurrence.day())?,
        part(occurrence.hour())?,
        part(occurrence.minute())?,
        part(occurrence.second())?,
        0,
    )
    .ok()
}
