//! The words of the pages that belong to no single signal, from `reports/page.toml`; and how numbers, dates and lists
//! are written.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

const SHIPPED: &str = include_str!("../../reports/page.toml");

/// The page's words by key. A missing key shows itself as the key in angle brackets; a test asks for every key.
#[derive(Clone, Debug)]
pub struct Words(BTreeMap<String, String>);

impl Words {
    /// The words that come with the program.
    ///
    /// # Errors
    /// The parser's message; a test keeps the shipped file free of it.
    pub fn embedded() -> Result<Self, toml::de::Error> {
        toml::from_str(SHIPPED).map(Self)
    }

    /// A text as it stands.
    #[must_use]
    pub fn get(&self, key: &str) -> String {
        self.0.get(key).cloned().unwrap_or_else(|| format!("<{key}>"))
    }

    /// A text with its placeholders filled in.
    #[must_use]
    pub fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        fill(&self.get(key), values)
    }
}

/// Replaces `{name}` by its value, once over the text, so that values are never looked into.
#[must_use]
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let value = after
            .split_once('}')
            .and_then(|(name, tail)| values.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value, tail)));
        match value {
            Some((value, tail)) => {
                filled.push_str(value);
                rest = tail;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `Monday 9 November`.
#[must_use]
pub fn day(date: Date) -> String {
    format!("{:?} {} {}", date.weekday(), date.day(), month(date))
}

/// `9 November`.
#[must_use]
pub fn short_day(date: Date) -> String {
    format!("{} {}", date.day(), month(date))
}

/// `Monday 9 November 2026`.
#[must_use]
pub fn long_day(date: Date) -> String {
    format!("{} {}", day(date), date.year())
}

/// The month's name.
#[must_use]
pub fn month(date: Date) -> &'static str {
    usize::try_from(date.month() - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or_default()
}

/// `Monday 9 November 2026, 05:10` in a zone.
#[must_use]
pub fn moment(at: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_zoned_datetime(zone.clone());
    format!("{}, {:02}:{:02}", long_day(local.date()), local.hour(), local.minute())
}

/// Up to when something is complete: `the end of Sunday 22 November` at midnight, else day and time; in a zone.
#[must_use]
pub fn reached(at: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_zoned_datetime(zone.clone());
    match local.date().yesterday() {
        Ok(last) if (local.hour(), local.minute()) == (0, 0) => format!("the end of {}", day(last)),
        _ => format!("{}, {:02}:{:02}", day(local.date()), local.hour(), local.minute()),
    }
}

/// `None`, `One`, `Two` … up to ten, then digits.
#[must_use]
pub fn count(number: usize) -> String {
    const WORDS: [&str; 11] = ["None", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten"];
    WORDS.get(number).map_or_else(|| number.to_string(), |word| (*word).to_owned())
}

/// `a, b and c`.
#[must_use]
pub fn list(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A text of a source without control characters and direction marks.
#[must_use]
pub fn clean(text: &str) -> String {
    let hidden = |character: &char| {
        !character.is_control()
            && !matches!(character, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
    };
    text.chars().filter(hidden).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_once_and_values_are_not_looked_into() {
        assert_eq!(fill("{a} of {b}, {c}", &[("a", "{b}"), ("b", "7")]), "{b} of 7, {c}");
    }

    #[test]
    fn days_counts_and_lists_read_as_people_write_them() {
        let date = jiff::civil::date(2026, 11, 9);
        assert_eq!(long_day(date), "Monday 9 November 2026");
        assert_eq!((count(3), count(12)), ("Three".to_owned(), "12".to_owned()));
        assert_eq!(list(&["a".into(), "b".into(), "c".into()]), "a, b and c");
        assert_eq!(clean("PAY\u{202E}-1\u{7}"), "PAY-1");
    }
}
