//! Language: the rules for the words of cards and pages, as data for each language, and what breaks them. Knows no
//! files, cards or pages: a text and its slot go in, the rules that it breaks come out.

mod fold;
mod names;
mod rules;

pub use fold::fold;
pub use names::Names;
pub use rules::{Broken, Rules, RulesError, Slot, placeholders};

/// The languages that come with the program, with their rules.
const SHIPPED: [(&str, &str); 2] =
    [("en", include_str!("../../reports/language/en.toml")), ("de", include_str!("../../reports/language/de.toml"))];

/// The rules of a language that comes with the program.
///
/// # Errors
/// [`RulesError`]; a test keeps the shipped ones free of it.
#[must_use]
pub fn shipped(language: &str) -> Option<Result<Rules, RulesError>> {
    SHIPPED.iter().find(|(name, _)| *name == language).map(|(_, text)| Rules::parse(text))
}

/// The tags of the languages that come with the program.
pub fn languages() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests;
