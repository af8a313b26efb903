//! From the zone names in calendars to rules for local time.

use std::collections::BTreeMap;
use std::str::FromStr;

use calcard::common::timezone::Tz as Named;
use calcard::icalendar::{ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarProperty, ICalendarValue};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::recur;
use crate::model::time::Millis;

/// How local times become instants.
#[derive(Clone, Debug, PartialEq)]
pub enum Zone {
    Named(TimeZone),
    /// Rules of the file's own: from each local time on, this offset in seconds.
    Own(Vec<(DateTime, i64)>),
}

impl Zone {
    /// The instant of a local time. In a gap the time moves forward by the gap; in a fold the first instant counts.
    #[must_use]
    pub fn instant(&self, local: DateTime) -> Option<Millis> {
        match self {
            Self::Named(zone) => zone.to_ambiguous_timestamp(local).compatible().ok().map(Millis::from_timestamp),
            Self::Own(rules) => {
                let rule = rules.iter().rfind(|(from, _)| *from <= local).or_else(|| rules.first());
                let offset = rule.map_or(0, |(_, offset)| *offset);
                let utc = TimeZone::UTC.to_ambiguous_timestamp(local).compatible().ok()?;
                Some(Millis(utc.as_millisecond() - offset * 1000))
            }
        }
    }

    /// The local time of an instant.
    #[must_use]
    pub fn local(&self, at: Millis) -> DateTime {
        match self {
            Self::Named(zone) => zone.to_datetime(at.to_timestamp()),
            Self::Own(rules) => {
                let shifted = |offset: i64| TimeZone::UTC.to_datetime(Millis(at.0 + offset * 1000).to_timestamp());
                let rule = rules.iter().rfind(|(from, offset)| *from <= shifted(*offset)).or_else(|| rules.first());
                shifted(rule.map_or(0, |(_, offset)| *offset))
            }
        }
    }
}

/// The zones that a file names.
#[derive(Debug, Default)]
pub struct Zones {
    known: BTreeMap<String, Zone>,
}

impl Zones {
    /// Resolves every VTIMEZONE of a calendar; its own rules count only where its name says nothing.
    #[must_use]
    pub fn of(calendar: &ICalendar) -> Self {
        let mut known = BTreeMap::new();
        for zone in calendar.components.iter().filter(|one| one.component_type == ICalendarComponentType::VTimezone) {
            let Some(id) = first_text(zone, &ICalendarProperty::Tzid) else { continue };
            let place = first_text(zone, &ICalendarProperty::Other("X-LIC-LOCATION".to_owned()));
            let named = named(&id).or_else(|| place.and_then(|place| named(&place)));
            let resolved = named.map(Zone::Named).or_else(|| own_rules(calendar, zone).map(Zone::Own));
            known.extend(resolved.map(|zone| (id, zone)));
        }
        Self { known }
    }

    /// The zone of a name; `None` where neither the name nor the file tells.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Zone> {
        self.known.get(id).cloned().or_else(|| named(id).map(Zone::Named))
    }
}

/// A zone by IANA's or Windows' name, or by the last two parts of a path.
#[must_use]
pub fn named(id: &str) -> Option<TimeZone> {
    let id = id.trim().trim_matches('"');
    let tail = id.rsplit('/').take(2).collect::<Vec<_>>();
    let tail = (tail.len() == 2).then(|| format!("{}/{}", tail[1], tail[0]));
    let known = Named::from_str(id).ok().filter(|zone| !zone.is_floating()).and_then(|zone| zone.name());
    let candidates = [Some(id.to_owned()), known.map(|name| name.into_owned()), tail];
    candidates.into_iter().flatten().find_map(|name| TimeZone::get(&name).ok())
}

fn first_text(component: &ICalendarComponent, property: &ICalendarProperty) -> Option<String> {
    component.property(property)?.values.first()?.as_text().map(str::to_owned)
}

/// The changes of offset that a VTIMEZONE's parts describe.
fn own_rules(calendar: &ICalendar, zone: &ICalendarComponent) -> Option<Vec<(DateTime, i64)>> {
    let mut rules = Vec::new();
    let parts = zone.component_ids.iter().filter_map(|id| calendar.components.get(usize::try_from(*id).ok()?));
    for part in parts {
        let offset = part.property(&ICalendarProperty::Tzoffsetto)?.values.first().and_then(offset_seconds)?;
        let start = part.property(&ICalendarProperty::Dtstart)?.values.first()?.as_partial_date_time()?;
        let start = super::parse::civil(start)?;
        rules.push((start, offset));
        for entry in part.properties(&ICalendarProperty::Rrule) {
            if let Some(ICalendarValue::RecurrenceRule(rule)) = entry.values.first() {
                // A century of yearly changes: enough for any calendar that is still read.
                let until = start.checked_add(jiff::Span::new().years(100)).unwrap_or(DateTime::MAX);
                let budget = &mut recur::Budget::of_zone();
                let changes = recur::expand(rule, start, None, (start, until), budget).unwrap_or_default();
                rules.extend(changes.into_iter().map(|change| (change, offset)));
            }
        }
        for entry in part.properties(&ICalendarProperty::Rdate) {
            let dates = entry.values.iter().filter_map(ICalendarValue::as_partial_date_time);
            rules.extend(dates.filter_map(super::parse::civil).map(|change| (change, offset)));
        }
    }
    rules.sort();
    (!rules.is_empty()).then_some(rules)
}

/// `+0130` in seconds.
fn offset_seconds(value: &ICalendarValue) -> Option<i64> {
    let told = value.as_partial_date_time()?;
    let size = i64::from(told.tz_hour?) * 3600 + i64::from(told.tz_minute.unwrap_or(0)) * 60;
    Some(if told.tz_minus { -size } else { size })
}
