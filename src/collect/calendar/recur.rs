//! Recurrence in naive local time: the rule is expanded as if its zone were UTC, within a budget of work and time.

use std::str::FromStr;
use std::time::{Duration, Instant};

use calcard::icalendar::{ICalendarFrequency, ICalendarRecurrenceRule};
use chrono::{DateTime as ChronoTime, NaiveDate, TimeZone as _};
use jiff::civil::DateTime;
use rrule::{RRule, RRuleSet, Tz, Unvalidated};

/// Occurrences of one event, at most.
const MOST: usize = 10_000;
/// Steps of one calendar, at most.
const MOST_STEPS: usize = 400_000;

/// Why a rule was not expanded to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It would occur every second or minute, or without any step.
    Refused,
    /// It cannot be understood: the start alone counts.
    Malformed,
    /// The budget of the calendar is used up.
    Budget,
}

/// What one calendar may cost.
#[derive(Debug)]
pub struct Budget {
    steps: usize,
    until: Instant,
}

impl Budget {
    /// Two seconds and as many steps as they hold.
    #[must_use]
    pub fn of_calendar() -> Self {
        Self { steps: MOST_STEPS, until: Instant::now() + Duration::from_secs(2) }
    }

    /// A small part of that, for the rules of a zone.
    #[must_use]
    pub fn of_zone() -> Self {
        Self { steps: 2000, until: Instant::now() + Duration::from_millis(200) }
    }

    fn step(&mut self) -> bool {
        self.steps = self.steps.saturating_sub(1);
        self.steps > 0 && (!self.steps.is_multiple_of(64) || Instant::now() < self.until)
    }
}

/// All starts of a rule in `from ≤ t ≤ to`, in local time. `until` is the rule's own end, already local.
///
/// # Errors
/// [`Cut`] where the rule is refused, malformed, or larger than the budget.
pub fn expand(
    rule: &ICalendarRecurrenceRule,
    start: DateTime,
    until: Option<DateTime>,
    (from, to): (DateTime, DateTime),
    budget: &mut Budget,
) -> Result<Vec<DateTime>, Cut> {
    let fast = matches!(rule.freq, ICalendarFrequency::Secondly | ICalendarFrequency::Minutely);
    if fast || rule.interval == Some(0) {
        return Err(Cut::Refused);
    }
    if rule.count == Some(0) || rule.rscale.is_some() {
        return Err(Cut::Malformed);
    }
    let mut plain = rule.clone();
    plain.until = None;
    let parsed = RRule::<Unvalidated>::from_str(&plain.to_string()).map_err(|_| Cut::Malformed)?;
    let begin = if rule.count.is_none() { jump(rule, start, from) } else { start };
    let begin = chrono(begin).ok_or(Cut::Malformed)?;
    let set: RRuleSet = parsed.build(begin).map_err(|_| Cut::Malformed)?;
    let mut starts = Vec::new();
    for occurrence in &set {
        if !budget.step() || starts.len() >= MOST {
            return Err(Cut::Budget);
        }
        let Some(local) = civil(&occurrence) else { break };
        if local > to || until.is_some_and(|until| local > until) {
            break;
        }
        if local >= from {
            starts.push(local);
        }
    }
    Ok(starts)
}

/// Moves the start of an endless rule near the window, by whole steps that keep its phase.
fn jump(rule: &ICalendarRecurrenceRule, start: DateTime, from: DateTime) -> DateTime {
    let interval = i64::from(rule.interval.unwrap_or(1));
    let days = i64::from((from.date() - start.date()).get_days());
    let span = match rule.freq {
        ICalendarFrequency::Daily => jiff::Span::new().try_days((days / interval - 1).max(0) * interval),
        ICalendarFrequency::Weekly => jiff::Span::new().try_weeks((days / 7 / interval - 1).max(0) * interval),
        ICalendarFrequency::Hourly if interval <= 24 && 24 % interval == 0 => {
            jiff::Span::new().try_days((days - 1).max(0))
        }
        // Months and years have unequal lengths; they take few steps anyway.
        _ => return start,
    };
    span.ok().and_then(|span| start.checked_add(span).ok()).unwrap_or(start)
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
