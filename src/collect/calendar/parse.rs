//! From a calendar's text to its events, with times still in their own zones. What people wrote is not looked at.

use calcard::common::PartialDateTime;
use calcard::icalendar::*;
use calcard::{Entry, Parser};
use jiff::civil::{Date, DateTime, Time};

use super::decode;
use super::layout::{EventLines, Layout, Section};
use super::recur::Budget;
use super::rule::Rule;
use super::zone::{Zone, Zones};
use crate::model::time::Millis;

/// Events of one calendar, at most.
pub const MOST_EVENTS: usize = 50_000;

/// A time as it stands in a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Stamp {
    /// A day without a time.
    Day(Date),
    /// A local time in a zone.
    Local(DateTime, Zone),
    /// A local time without a zone.
    Floating(DateTime),
}

impl Stamp {
    /// The local time, midnight for a day.
    #[must_use]
    pub fn naive(&self) -> DateTime {
        match self {
            Self::Day(date) => date.to_datetime(Time::midnight()),
            Self::Local(local, _) | Self::Floating(local) => *local,
        }
    }

    /// The instant; a floating time and a day lie in `zone`.
    #[must_use]
    pub fn instant(&self, zone: &Zone) -> Option<Millis> {
        match self {
            Self::Local(local, own) => own.instant(*local),
            other => zone.instant(other.naive()),
        }
    }

    /// The same kind of time at another local moment.
    #[must_use]
    pub fn at(&self, local: DateTime) -> Self {
        match self {
            Self::Day(_) => Self::Day(local.date()),
            Self::Local(_, zone) => Self::Local(local, zone.clone()),
            Self::Floating(_) => Self::Floating(local),
        }
    }

    /// This time as a local one of another's zone: for comparing in that zone.
    #[must_use]
    pub fn seen_from(&self, other: &Self, default: &Zone) -> DateTime {
        match (other, self) {
            (Self::Local(_, zone), Self::Local(..)) => self.instant(default).map_or(self.naive(), |at| zone.local(at)),
            (Self::Floating(_), Self::Local(..)) => self.instant(default).map_or(self.naive(), |at| default.local(at)),
            _ => self.naive(),
        }
    }
}

/// How long an event lasts.
#[derive(Clone, Debug, PartialEq)]
pub enum Length {
    /// It ends at this time.
    Until(Stamp),
    /// Whole days and seconds.
    Lasting(i64, i64),
    /// Not told: nothing for times, a day for days.
    Untold,
}

/// An event of a calendar.
#[derive(Clone, Debug)]
pub struct Event {
    /// Empty where the file gives none.
    pub uid: String,
    pub start: Stamp,
    pub length: Length,
    /// What cannot be read as a rule leaves the start alone.
    pub rules: Box<[Rule]>,
    /// Further starts, with a length of their own where they are periods.
    pub dates: Box<[(Stamp, Option<Length>)]>,
    pub except: Box<[Stamp]>,
    /// Which occurrence this replaces, and whether all later ones too.
    pub replaces: Option<(Stamp, bool)>,
    pub sequence: i64,
    pub stamped: DateTime,
    pub cancelled: bool,
    pub transparent: bool,
    pub out_of_office: bool,
    /// Organizer and attendees, the owner told apart later: addresses in lower case. Never leaves memory.
    pub organizer: Option<String>,
    pub attendees: Box<[(String, Part)]>,
}

/// An attendee's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Accepted,
    Tentative,
    Declined,
    Unanswered,
}

/// One VCALENDAR.
#[derive(Debug)]
pub struct Calendar {
    pub events: Vec<Event>,
    /// The zone of floating times, where the file names one.
    pub default_zone: Option<Zone>,
    /// Events that were left out, or of which something was, because they would cost too much.
    pub cut: usize,
}

/// Why a file cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    #[error("this is not a calendar; check that the address leads to an .ics file and not to a page")]
    NotACalendar,
    #[error("the calendar is cut off or broken; export it again")]
    Broken,
}

/// Takes a file apart: every VCALENDAR in it. Times in zones that nobody knows are times without one. What the budget does not cover is counted as cut.
///
/// # Errors
/// [`ParseError`].
pub fn calendars(bytes: &[u8], budget: &mut Budget) -> Result<Vec<Calendar>, ParseError> {
    let text = decode::text(bytes);
    let layout = Layout::of(&text)?;
    let mut calendars: Vec<Calendar> = layout.sections.iter().map(|section| one(&text, section, budget)).collect();
    if let Some(last) = calendars.last_mut() {
        last.cut += layout.left_out;
    }
    Ok(calendars)
}

fn one(text: &str, section: &Section, budget: &mut Budget) -> Calendar {
    let zones = Zones::of(section.zones.iter().map(|zone| &text[zone.clone()]), budget);
    let mut events = Vec::with_capacity(section.events.len());
    let mut cut = 0;
    for (at, place) in section.events.iter().enumerate() {
        if budget.is_spent() {
            cut += section.events.len() - at;
            break;
        }
        let lines = EventLines::of(&text[place.clone()]);
        cut += usize::from(lines.cut);
        if let Entry::ICalendar(calendar) = Parser::new(&lines.component).entry()
            && let Some(component) = calendar.components.first()
        {
            events.extend(event(component, &lines, &zones));
        }
    }
    Calendar { events, default_zone: section.default_zone.as_ref().and_then(|id| zones.get(id)), cut }
}

fn event(component: &ICalendarComponent, lines: &EventLines, zones: &Zones) -> Option<Event> {
    let start =
        component.property(&ICalendarProperty::Dtstart).and_then(|entry| stamps(entry, zones).into_iter().next())?;
    let replaces = component.property(&ICalendarProperty::RecurrenceId).and_then(|entry| {
        let later = entry.parameter(&ICalendarParameterName::Range).is_some();
        stamps(entry, zones).into_iter().next().map(|stamp| (stamp, later))
    });
    Some(Event {
        uid: component.uid().unwrap_or_default().to_owned(),
        length: length(component, zones),
        rules: lines.rules.iter().filter_map(|text| Rule::parse(text)).collect(),
        dates: component.properties(&ICalendarProperty::Rdate).flat_map(|entry| dates(entry, zones)).collect(),
        except: component.properties(&ICalendarProperty::Exdate).flat_map(|entry| stamps(entry, zones)).collect(),
        replaces,
        sequence: integer(component, &ICalendarProperty::Sequence),
        stamped: component
            .property(&ICalendarProperty::Dtstamp)
            .and_then(|entry| civil(entry.values.first()?.as_partial_date_time()?))
            .unwrap_or(DateTime::MIN),
        cancelled: component.status() == Some(&ICalendarStatus::Cancelled),
        transparent: component.transparency() == Some(&ICalendarTransparency::Transparent)
            || other(component, "X-MICROSOFT-CDO-BUSYSTATUS").as_deref() == Some("FREE"),
        out_of_office: is_out_of_office(component),
        organizer: address(component.property(&ICalendarProperty::Organizer)),
        attendees: component
            .properties(&ICalendarProperty::Attendee)
            .filter_map(|entry| Some((address(Some(entry))?, part(entry))))
            .collect(),
        start,
    })
}

/// Marks that programs set by themselves; no text that a person wrote is read.
fn is_out_of_office(component: &ICalendarComponent) -> bool {
    let category = component.properties(&ICalendarProperty::Categories).flat_map(|entry| &entry.values);
    let away = |text: &str| matches!(text.to_lowercase().as_str(), "out of office" | "outofoffice" | "oof");
    other(component, "X-MICROSOFT-CDO-BUSYSTATUS").as_deref() == Some("OOF")
        || other(component, "X-GOOGLE-EVENT-TYPE").is_some_and(|kind| away(&kind))
        || category.filter_map(ICalendarValue::as_text).any(away)
}

fn other(component: &ICalendarComponent, name: &str) -> Option<String> {
    let entry = component.property(&ICalendarProperty::Other(name.to_owned()))?;
    entry.values.first()?.as_text().map(|text| text.trim().to_owned())
}

fn integer(component: &ICalendarComponent, property: &ICalendarProperty) -> i64 {
    component.property(property).and_then(|entry| entry.values.first()?.as_integer()).unwrap_or(0)
}

/// An address in lower case without its scheme.
fn address(entry: Option<&ICalendarEntry>) -> Option<String> {
    let text = entry?.calendar_address()?.to_lowercase();
    Some(text.trim_start_matches("mailto:").to_owned())
}

fn part(entry: &ICalendarEntry) -> Part {
    match entry.parameter(&ICalendarParameterName::Partstat) {
        Some(ICalendarParameterValue::Partstat(ICalendarParticipationStatus::Accepted)) => Part::Accepted,
        Some(ICalendarParameterValue::Partstat(ICalendarParticipationStatus::Declined)) => Part::Declined,
        Some(ICalendarParameterValue::Partstat(ICalendarParticipationStatus::Tentative)) => Part::Tentative,
        _ => Part::Unanswered,
    }
}

fn length(component: &ICalendarComponent, zones: &Zones) -> Length {
    if let Some(end) =
        component.property(&ICalendarProperty::Dtend).and_then(|entry| stamps(entry, zones).into_iter().next())
    {
        return Length::Until(end);
    }
    match component.property(&ICalendarProperty::Duration).and_then(|entry| entry.values.first()) {
        Some(ICalendarValue::Duration(duration)) => lasting(duration),
        _ => Length::Untold,
    }
}

fn lasting(duration: &ICalendarDuration) -> Length {
    if duration.neg {
        return Length::Lasting(0, 0);
    }
    let days = i64::from(duration.weeks) * 7 + i64::from(duration.days);
    let seconds = i64::from(duration.hours) * 3600 + i64::from(duration.minutes) * 60 + i64::from(duration.seconds);
    Length::Lasting(days, seconds)
}

/// The times of a property, in the zone that it names.
fn stamps(entry: &ICalendarEntry, zones: &Zones) -> Vec<Stamp> {
    let zone = entry.tz_id().and_then(|id| zones.get(id));
    let days = matches!(
        entry.parameter(&ICalendarParameterName::Value),
        Some(ICalendarParameterValue::Value(ICalendarValueType::Date))
    );
    entry.values.iter().filter_map(|value| stamp(value.as_partial_date_time()?, zone.as_ref(), days)).collect()
}

fn dates(entry: &ICalendarEntry, zones: &Zones) -> Vec<(Stamp, Option<Length>)> {
    let zone = entry.tz_id().and_then(|id| zones.get(id));
    let one = |value: &ICalendarValue| match value {
        ICalendarValue::Period(ICalendarPeriod::Range { start, end }) => {
            let end = stamp(end, zone.as_ref(), false)?;
            Some((stamp(start, zone.as_ref(), false)?, Some(Length::Until(end))))
        }
        ICalendarValue::Period(ICalendarPeriod::Duration { start, duration }) => {
            Some((stamp(start, zone.as_ref(), false)?, Some(lasting(duration))))
        }
        other => Some((stamp(other.as_partial_date_time()?, zone.as_ref(), false)?, None)),
    };
    entry.values.iter().filter_map(one).collect()
}

fn stamp(told: &PartialDateTime, zone: Option<&Zone>, day: bool) -> Option<Stamp> {
    let local = civil(told)?;
    if day || told.hour.is_none() {
        return Some(Stamp::Day(local.date()));
    }
    if let Some(hours) = told.tz_hour {
        let size = i64::from(hours) * 3600 + i64::from(told.tz_minute.unwrap_or(0)) * 60;
        let offset = if told.tz_minus { -size } else { size };
        let utc = local.checked_sub(jiff::Span::new().try_seconds(offset).ok()?).ok()?;
        return Some(Stamp::Local(utc, Zone::UTC));
    }
    Some(match zone {
        Some(zone) => Stamp::Local(local, zone.clone()),
        None => Stamp::Floating(local),
    })
}

/// The local time of a parsed one; `None` where it is no time that a clock could show.
#[must_use]
pub fn civil(told: &PartialDateTime) -> Option<DateTime> {
    let part = |value: Option<u8>| value.map_or(Some(0), |value| i8::try_from(value).ok());
    let date = Date::new(i16::try_from(told.year?).ok()?, part(told.month)?, part(told.day)?).ok()?;
    // A leap second counts as the second before it.
    let time = Time::new(part(told.hour)?, part(told.minute)?, part(told.second)?.min(59), 0).ok()?;
    Some(date.to_datetime(time))
}
