//! Instants as the store keeps them, and the working time of people and teams.

use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;

/// An instant in UTC: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub i64);

/// Before and from these on (1990 and 2100, UTC) no service tells a time in earnest.
const EARLIEST: i64 = 631_152_000_000;
const LATEST: i64 = 4_102_444_800_000;
const DAY: i64 = 86_400_000;

impl Millis {
    /// The instant, unless no service could mean it: before 1990 or from 2100 on.
    #[must_use]
    pub fn plausible(self) -> Option<Self> {
        (EARLIEST..LATEST).contains(&self.0).then_some(self)
    }

    /// The change time by which versions of a record are compared. One that lies more than a day after `clocks`, the later
    /// of the service's clock and this machine's, would push out every true version for years: it counts as the time of
    /// creation. One wrong clock alone changes nothing.
    #[must_use]
    pub fn as_version(self, created: Self, clocks: Self) -> Self {
        if self.0 > clocks.0.saturating_add(DAY) { created } else { self }
    }

    /// The instant of a timestamp, cut to milliseconds.
    #[must_use]
    pub fn from_timestamp(timestamp: Timestamp) -> Self {
        Self(timestamp.as_millisecond())
    }

    /// The timestamp; clamped to jiff's range (years −9999 to 9999).
    #[must_use]
    pub fn to_timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 { Timestamp::MIN } else { Timestamp::MAX })
    }

    /// Whole minutes from `earlier` to `self`; negative where `self` is before.
    #[must_use]
    pub fn minutes_since(self, earlier: Millis) -> i64 {
        (self.0 - earlier.0).div_euclid(60_000)
    }

    /// The `YYYYMM` of the instant in UTC, the store's partition.
    #[must_use]
    pub fn month(self) -> i64 {
        let date = self.to_timestamp().to_zoned_datetime(TimeZone::UTC).date();
        i64::from(date.year()) * 100 + i64::from(date.month())
    }
}

/// Days since 1970-01-01, the integer form of a date in stored tables.
#[must_use]
pub fn day_number(date: Date) -> i64 {
    let epoch = Date::constant(1970, 1, 1);
    (date - epoch).get_days().into()
}

/// The date of a day number; clamped to jiff's range.
#[must_use]
pub fn date_of(day_number: i64) -> Date {
    let epoch = Date::constant(1970, 1, 1);
    let span = jiff::Span::new().try_days(day_number).unwrap_or_default();
    epoch.checked_add(span).unwrap_or(if day_number < 0 { Date::MIN } else { Date::MAX })
}

/// The Monday of the ISO week of a date, the name of a week everywhere in this program.
#[must_use]
pub fn week_of(date: Date) -> Date {
    date_of(day_number(date) - i64::from(date.weekday().to_monday_zero_offset()))
}

/// The hours of one person's working day and the zone in which they lie.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkingHours {
    pub zone: TimeZone,
    pub from: Time,
    pub to: Time,
    /// Working days of the week.
    pub days: Vec<Weekday>,
}

impl WorkingHours {
    /// The instants between which this day is worked, or `None` on a day of the week that is not worked. A start in
    /// a DST gap is moved forward by the gap; in a fold the first instant counts.
    #[must_use]
    pub fn on(&self, date: Date) -> Option<(Millis, Millis)> {
        if !self.days.contains(&date.weekday()) {
            return None;
        }
        let from = self.zone.to_ambiguous_timestamp(date.to_datetime(self.from)).compatible().ok()?;
        let to = self.zone.to_ambiguous_timestamp(date.to_datetime(self.to)).compatible().ok()?;
        Some((Millis::from_timestamp(from), Millis::from_timestamp(to)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_time_counts_unless_both_clocks_forbid_it() {
        let (created, clocks) = (Millis(1_795_000_000_000), Millis(1_795_500_000_000));
        for later in [-DAY, 0, DAY] {
            let updated = Millis(clocks.0 + later);
            assert_eq!(updated.as_version(created, clocks), updated);
        }
        assert_eq!(Millis(clocks.0 + DAY + 1).as_version(created, clocks), created);
        assert_eq!(Millis(EARLIEST).plausible(), Some(Millis(EARLIEST)));
        assert_eq!((Millis(EARLIEST - 1).plausible(), Millis(LATEST).plausible()), (None, None));
    }

    use jiff::civil::date;

    #[test]
    fn days_and_weeks_are_counted_from_the_epoch_and_from_monday() {
        assert_eq!(day_number(date(1970, 1, 1)), 0);
        assert_eq!(date_of(day_number(date(2026, 11, 24))), date(2026, 11, 24));
        assert_eq!(week_of(date(2026, 11, 24)), date(2026, 11, 23));
        assert_eq!(week_of(date(2026, 11, 22)), date(2026, 11, 16));
        assert_eq!(Millis(1_795_500_000_000).month(), 202_611);
    }

    #[test]
    fn a_working_day_keeps_its_local_hours_across_the_change_of_clocks() {
        let hours = WorkingHours {
            zone: TimeZone::get("Europe/Berlin").unwrap(),
            from: jiff::civil::time(9, 0, 0, 0),
            to: jiff::civil::time(17, 0, 0, 0),
            days: vec![Weekday::Friday, Weekday::Monday],
        };
        let (from, to) = hours.on(date(2026, 10, 23)).unwrap();
        assert_eq!(to.minutes_since(from), 480);
        let (winter, _) = hours.on(date(2026, 10, 26)).unwrap();
        assert_eq!(winter.minutes_since(from), 3 * 24 * 60 + 60);
        assert_eq!(hours.on(date(2026, 10, 25)), None);
    }
}
