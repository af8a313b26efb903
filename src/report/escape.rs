//! How text becomes part of a page: one rule for templates and drawings.

use std::fmt::{Result, Write};

use super::chart::svg::escape;

/// The escaper of all templates. Besides markup it replaces the equals sign, so that no text from outside can look like
/// an attribute, not even to a careless reader of the file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text;

impl askama::filters::Escaper for Text {
    fn write_escaped_str<W: Write>(&self, mut dest: W, string: &str) -> Result {
        dest.write_str(&escape(string))
    }
}
