//! The words of the pages that belong to no single signal, from `reports/page.toml`; and how numbers, dates and lists
//! are written.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use toml::Spanned;

use crate::catalogue::wording::{Fault, line, misfit, syntax};
use crate::language::{Rules, Slot, placeholders};

/// The languages that come with the program, each with its texts.
const SHIPPED: [(&str, &str); 2] =
    [("en", include_str!("../../reports/page.toml")), ("de", include_str!("../../reports/words/de/page.toml"))];
/// Texts that say what the pages do not do, or how a figure comes about: they may name what the rules keep out.
const PROMISES: [&str; 11] = [
    "before-1",
    "certificate",
    "few-note",
    "league",
    "league-title",
    "purpose",
    "small",
    "team-small",
    "teams-lead",
    "who-1",
    "worked-lead",
];
/// Lists of names, and how many there are.
const NAMES: [(&str, usize); 4] = [("months", 12), ("months-short", 12), ("weekdays", 7), ("numbers", 11)];

/// The texts of the pages in a language that comes with the program, as they stand in their file.
#[must_use]
pub fn source(language: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(name, _)| *name == language).map(|(_, text)| *text)
}

/// The language that texts of pages say they are in.
#[must_use]
pub fn language(text: &str) -> Option<String> {
    toml::from_str::<BTreeMap<String, String>>(text).ok()?.remove("language")
}

/// The page's words by key. A missing key shows itself as the key in angle brackets; a test asks for every key.
#[derive(Clone, Debug)]
pub struct Words(BTreeMap<String, String>);

impl Words {
    /// The words that come with the program.
    ///
    /// # Errors
    /// The parser's message; a test keeps the shipped file free of it.
    pub fn embedded() -> Result<Self, toml::de::Error> {
        toml::from_str(SHIPPED[0].1).map(Self)
    }

    /// The words of a language that comes with the program, over the English ones; `None` for another language.
    ///
    /// # Errors
    /// The parser's message; a test keeps the shipped files free of it.
    pub fn shipped(language: &str) -> Result<Option<Self>, toml::de::Error> {
        let mut words = Self::embedded()?;
        match source(language) {
            Some(text) => words.0.extend(toml::from_str::<BTreeMap<String, String>>(text)?),
            None => return Ok(None),
        }
        Ok(Some(words))
    }

    /// Reads words that take the place of these and says everything that is wrong with them, by line. What is wrong is
    /// left out.
    pub fn reword(&mut self, text: &str, rules: &Rules) -> Vec<Fault> {
        let texts: BTreeMap<String, Spanned<String>> = match toml::from_str(text) {
            Ok(texts) => texts,
            Err(error) => return vec![syntax(text, &error)],
        };
        let mut faults = Vec::new();
        for (key, own) in texts {
            let at = line(text, own.span().start);
            let wrong = self.faults(&key, own.get_ref(), rules);
            if wrong.is_empty() {
                self.0.insert(key, own.into_inner());
            }
            faults.extend(wrong.into_iter().map(|message| Fault { line: at, message }));
        }
        faults.sort_by_key(|fault| fault.line);
        faults
    }

    /// Names the language of texts that do not come with the program.
    pub fn speak(&mut self, language: &str) {
        self.0.insert("language".to_owned(), language.to_owned());
    }

    /// What is wrong with a text for a key.
    fn faults(&self, key: &str, own: &str, rules: &Rules) -> Vec<String> {
        let Some(known) = self.0.get(key) else {
            return vec![format!("there is no page text `{key}`; reports/page.toml has them all")];
        };
        let names = NAMES.iter().find(|(list, _)| *list == key);
        let counted = names.filter(|(_, count)| own.split_whitespace().count() != *count);
        let short = counted.map(|(_, count)| format!("`{key}` needs {count} words"));
        let misfit = misfit(&placeholders(own), &placeholders(known));
        let broken = rules.check(Slot::Page, own).into_iter().filter(|_| !PROMISES.contains(&key));
        let rules = broken.map(|broken| format!("`{key}`: {broken}"));
        short.into_iter().chain(misfit.map(|misfit| format!("`{key}`: {misfit}"))).chain(rules).collect()
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

impl Words {
    /// The text of something that has a name in English, such as a behaviour or a theme.
    #[must_use]
    pub fn of(&self, kind: &str, name: &str) -> String {
        self.get(&format!("{kind}-{}", name.replace(' ', "-")))
    }

    /// A name by its place in a list of names.
    fn named(&self, key: &str, at: i8) -> String {
        let place = usize::try_from(at).ok();
        place.and_then(|at| self.0.get(key)?.split_whitespace().nth(at)).unwrap_or_default().to_owned()
    }

    fn date(&self, form: &str, date: Date) -> String {
        let (day, year) = (date.day().to_string(), date.year().to_string());
        let weekday = self.named("weekdays", date.weekday().to_monday_zero_offset());
        let month = self.named("months", date.month() - 1);
        self.fill(form, &[("weekday", &weekday), ("day", &day), ("month", &month), ("year", &year)])
    }

    /// `Monday 9 November`.
    #[must_use]
    pub fn day(&self, date: Date) -> String {
        self.date("day", date)
    }

    /// `9 November`.
    #[must_use]
    pub fn short_day(&self, date: Date) -> String {
        self.date("day-short", date)
    }

    /// `Monday 9 November 2026`.
    #[must_use]
    pub fn long_day(&self, date: Date) -> String {
        self.date("day-long", date)
    }

    /// `Nov`, as an axis has room for it.
    #[must_use]
    pub fn short_month(&self, date: Date) -> String {
        self.named("months-short", date.month() - 1)
    }

    /// `Monday 9 November 2026, 05:10` in a zone.
    #[must_use]
    pub fn moment(&self, at: Timestamp, zone: &TimeZone) -> String {
        let local = at.to_zoned_datetime(zone.clone());
        let time = format!("{:02}:{:02}", local.hour(), local.minute());
        self.fill("moment", &[("day", &self.long_day(local.date())), ("time", &time)])
    }

    /// Up to when something is complete: `the end of Sunday 22 November` at midnight, else day and time; in a zone.
    #[must_use]
    pub fn reached(&self, at: Timestamp, zone: &TimeZone) -> String {
        let local = at.to_zoned_datetime(zone.clone());
        match local.date().yesterday() {
            Ok(last) if (local.hour(), local.minute()) == (0, 0) => {
                self.fill("reached-end", &[("day", &self.day(last))])
            }
            _ => {
                let time = format!("{:02}:{:02}", local.hour(), local.minute());
                self.fill("moment", &[("day", &self.day(local.date())), ("time", &time)])
            }
        }
    }

    /// `None`, `One`, `Two` … up to ten, then digits.
    #[must_use]
    pub fn count(&self, number: usize) -> String {
        let word = i8::try_from(number).map_or_else(|_| String::new(), |at| self.named("numbers", at));
        if word.is_empty() { number.to_string() } else { word }
    }

    /// A count, "few", or so many or more.
    #[must_use]
    pub fn told(&self, count: Option<i64>, or_more: bool) -> String {
        let told = self.counted(count);
        if or_more { self.fill("or-more", &[("x", &told)]) } else { told }
    }

    /// A count that may be "few".
    #[must_use]
    pub fn counted(&self, count: Option<i64>) -> String {
        count.map_or_else(|| self.get("few"), |count| count.to_string())
    }

    /// A number with so many digits after the decimal mark.
    #[must_use]
    pub fn decimal(&self, number: f64, digits: usize) -> String {
        format!("{number:.digits$}").replace('.', &self.get("decimal"))
    }

    /// `a, b and c`.
    #[must_use]
    pub fn list(&self, parts: &[String]) -> String {
        match parts {
            [] => String::new(),
            [only] => only.clone(),
            [first @ .., last] => self.fill("list-last", &[("list", &first.join(", ")), ("last", last)]),
        }
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
        let words = Words::embedded().unwrap();
        assert_eq!(words.long_day(date), "Monday 9 November 2026");
        assert_eq!((words.count(3), words.count(12)), ("Three".to_owned(), "12".to_owned()));
        assert_eq!(words.list(&["a".into(), "b".into(), "c".into()]), "a, b and c");
        assert_eq!((words.decimal(2.5, 2), words.short_month(date)), ("2.50".to_owned(), "Nov".to_owned()));
        assert_eq!(clean("PAY\u{202E}-1\u{7}"), "PAY-1");
    }
}
