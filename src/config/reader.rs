//! Takes tables of a TOML file apart, key by key, and notes everything that is not as it should be.

use std::ops::Range;

use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::Notes;

/// A value and its place in the file.
pub(super) type Value<'i> = Spanned<DeValue<'i>>;

/// A table of which keys are taken one after another; what is left over is unknown.
pub(super) struct Table<'i> {
    keys: DeTable<'i>,
    pub span: Range<usize>,
    /// How the table is called in messages, such as `[[people]]`.
    name: &'static str,
    known: Vec<&'static str>,
}

impl<'i> Table<'i> {
    pub fn new(keys: DeTable<'i>, span: Range<usize>, name: &'static str) -> Self {
        Self { keys, span, name, known: Vec::new() }
    }

    /// Takes a value out.
    pub fn take(&mut self, key: &'static str) -> Option<Value<'i>> {
        self.known.push(key);
        self.keys.remove(key)
    }

    pub fn contains(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }

    /// All remaining keys with their values: for tables whose keys are names.
    pub fn drain(&mut self) -> Vec<(String, Value<'i>)> {
        let all = std::mem::take(&mut self.keys);
        all.into_iter().map(|(key, value)| (key.into_inner().into_owned(), value)).collect()
    }

    pub fn missing(&self, key: &str, notes: &mut Notes<'_>) {
        notes.add_private(self.span.clone(), format!("{} needs the key `{key}`", self.name));
    }

    pub fn text(&mut self, key: &'static str, notes: &mut Notes<'_>) -> Option<Spanned<String>> {
        let value = self.take(key)?;
        let span = value.span();
        match value.into_inner() {
            DeValue::String(text) => Some(Spanned::new(span, text.into_owned())),
            other => {
                notes.add_private(span, format!("`{key}` must be a text in quotes, not {}", kind(&other)));
                None
            }
        }
    }

    pub fn required(&mut self, key: &'static str, notes: &mut Notes<'_>) -> Option<Spanned<String>> {
        if !self.keys.contains_key(key) {
            self.known.push(key);
            self.missing(key, notes);
            return None;
        }
        self.text(key, notes)
    }

    pub fn bool(&mut self, key: &'static str, notes: &mut Notes<'_>) -> Option<bool> {
        let value = self.take(key)?;
        let span = value.span();
        match value.into_inner() {
            DeValue::Boolean(value) => Some(value),
            other => {
                notes.add(span, format!("`{key}` must be true or false, not {}", kind(&other)));
                None
            }
        }
    }

    pub fn number(&mut self, key: &'static str, notes: &mut Notes<'_>) -> Option<Spanned<i64>> {
        let value = self.take(key)?;
        let span = value.span();
        match whole(value.get_ref()) {
            Some(number) => Some(Spanned::new(span, number)),
            None => {
                notes.add(span, format!("`{key}` must be a whole number, not {}", kind(value.get_ref())));
                None
            }
        }
    }

    pub fn list(&mut self, key: &'static str, notes: &mut Notes<'_>) -> Vec<Value<'i>> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let span = value.span();
        match value.into_inner() {
            DeValue::Array(values) => values.into_iter().collect(),
            other => {
                notes.add_private(span, format!("`{key}` must be a list in square brackets, not {}", kind(&other)));
                Vec::new()
            }
        }
    }

    pub fn texts(&mut self, key: &'static str, notes: &mut Notes<'_>) -> Vec<Spanned<String>> {
        let mut texts = Vec::new();
        for value in self.list(key, notes) {
            let span = value.span();
            match value.into_inner() {
                DeValue::String(text) => texts.push(Spanned::new(span, text.into_owned())),
                other => notes.add_private(span, format!("`{key}` must hold texts in quotes, not {}", kind(&other))),
            }
        }
        texts
    }

    pub fn numbers(&mut self, key: &'static str, notes: &mut Notes<'_>) -> Vec<i64> {
        let mut numbers = Vec::new();
        for value in self.list(key, notes) {
            match whole(value.get_ref()) {
                Some(number) => numbers.push(number),
                None => notes.add(value.span(), format!("`{key}` must hold whole numbers")),
            }
        }
        numbers
    }

    pub fn tables(&mut self, key: &'static str, name: &'static str, notes: &mut Notes<'_>) -> Vec<Table<'i>> {
        let values = self.list(key, notes);
        values.into_iter().filter_map(|value| table(value, name, notes)).collect()
    }

    pub fn table(&mut self, key: &'static str, name: &'static str, notes: &mut Notes<'_>) -> Option<Table<'i>> {
        let value = self.take(key)?;
        table(value, name, notes)
    }

    pub fn date(&mut self, key: &'static str, notes: &mut Notes<'_>) -> Option<Spanned<Date>> {
        let text = self.text(key, notes)?;
        parse_date(&text, key, notes).map(|date| Spanned::new(text.span(), date))
    }

    /// Notes what is left over.
    pub fn finish(self, notes: &mut Notes<'_>) {
        for (key, _) in self.keys {
            let hint = match nearest(key.get_ref(), &self.known) {
                Some(near) => format!("; did you mean `{near}`?"),
                None => format!("; known keys: {}", self.known.join(", ")),
            };
            // What is nothing like a key may be a name that stands in the wrong place.
            let named = !notes.about_people || hint.starts_with("; did");
            let told = if named { format!("no key `{}`", key.get_ref()) } else { "no such key".to_owned() };
            notes.add_private(key.span(), format!("{} has {told}{hint}", self.name));
        }
    }
}

pub(super) fn table<'i>(value: Value<'i>, name: &'static str, notes: &mut Notes<'_>) -> Option<Table<'i>> {
    let span = value.span();
    match value.into_inner() {
        DeValue::Table(keys) => Some(Table::new(keys, span, name)),
        other => {
            notes.add_private(span, format!("{name} must be a table, not {}", kind(&other)));
            None
        }
    }
}

pub(super) fn parse_date(text: &Spanned<String>, key: &str, notes: &mut Notes<'_>) -> Option<Date> {
    let date = text.get_ref().parse().ok();
    if date.is_none() {
        notes.add(text.span(), format!("`{key}` must be a date such as \"2026-12-24\""));
    }
    date
}

fn whole(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date without quotes",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The known key that differs least, by at most two edits.
pub(super) fn nearest<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let near = known.iter().map(|other| (edits(key, other), *other)).min()?;
    (near.0 <= 2).then_some(near.1)
}

/// Levenshtein's distance.
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, one) in left.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (position, other) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(one != *other);
            diagonal = row[position + 1];
            row[position + 1] = substituted.min(diagonal + 1).min(row[position] + 1);
        }
    }
    row[right.len()]
}
