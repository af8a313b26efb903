//! Finds the calendars, zones and events of a file and hands on only the lines that are needed: no title, place or
//! description reaches the parser, and a file's size bounds what it costs.

use std::ops::Range;

use super::parse::{MOST_EVENTS, ParseError};

/// Components within components, at most.
const DEEPEST: usize = 64;
/// Bytes of one line and of one event's needed lines, at most: room for ten thousand dates.
const LONGEST: usize = 256 * 1024;
/// Zones of one file, at most.
const MOST_ZONES: usize = 1000;

/// The lines of an event that say when it takes place, and whether its owner is there. EXRULE is not among them: RFC 5545
/// has dropped it, and no program that is still in use heeds it.
const NEEDED: [&str; 18] = [
    "UID",
    "DTSTART",
    "DTEND",
    "DURATION",
    "RRULE",
    "RDATE",
    "EXDATE",
    "RECURRENCE-ID",
    "SEQUENCE",
    "DTSTAMP",
    "STATUS",
    "TRANSP",
    "CATEGORIES",
    "ORGANIZER",
    "ATTENDEE",
    "X-MICROSOFT-CDO-BUSYSTATUS",
    "X-MICROSOFT-CDO-ALLDAYEVENT",
    "X-GOOGLE-EVENT-TYPE",
];

/// One VCALENDAR: where its parts lie in the text.
#[derive(Debug, Default)]
pub(super) struct Section {
    /// What X-WR-TIMEZONE says.
    pub default_zone: Option<String>,
    pub zones: Vec<Range<usize>>,
    pub events: Vec<Range<usize>>,
}

/// The calendars of a file, and how many events were left out because there are too many.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub sections: Vec<Section>,
    pub left_out: usize,
}

impl Layout {
    /// Reads the structure of a text.
    ///
    /// # Errors
    /// [`ParseError`] where it holds no calendar, or where a component does not end.
    pub(super) fn of(text: &str) -> Result<Self, ParseError> {
        let mut layout = Self::default();
        let mut open: Vec<(&str, usize)> = Vec::new();
        let (mut at, mut events, mut zones) = (0, 0, 0);
        for line in text.split('\n') {
            let begin = at;
            at += line.len() + 1;
            if let Some(name) = bracket(line, "BEGIN") {
                if open.len() >= DEEPEST {
                    return Err(ParseError::Broken);
                }
                // Some programs write an event alone, without a calendar around it.
                let alone = open.is_empty() && layout.sections.is_empty() && !name.eq_ignore_ascii_case("VCARD");
                if alone || name.eq_ignore_ascii_case("VCALENDAR") {
                    layout.sections.push(Section::default());
                }
                open.push((name, at.min(text.len())));
            } else if bracket(line, "END").is_some() {
                let (Some((name, from)), Some(section)) = (open.pop(), layout.sections.last_mut()) else { continue };
                if name.eq_ignore_ascii_case("VEVENT") {
                    events += 1;
                    if events > MOST_EVENTS {
                        layout.left_out += 1;
                    } else {
                        section.events.push(from..begin);
                    }
                } else if name.eq_ignore_ascii_case("VTIMEZONE") && zones < MOST_ZONES {
                    zones += 1;
                    section.zones.push(from..begin);
                }
            } else if open.len() == 1
                && name_of(line).eq_ignore_ascii_case("X-WR-TIMEZONE")
                && let Some(section) = layout.sections.last_mut()
            {
                section.default_zone = Some(value_of(line).trim().to_owned()).filter(|zone| !zone.is_empty());
            }
        }
        match (layout.sections.is_empty(), open.is_empty()) {
            (true, _) => Err(ParseError::NotACalendar),
            (false, false) => Err(ParseError::Broken),
            (false, true) => Ok(layout),
        }
    }
}

/// The needed lines of one event.
#[derive(Debug, Default)]
pub(super) struct EventLines {
    /// A component for the parser, without its rules.
    pub component: String,
    pub rules: Vec<String>,
    /// Something was left out because it is too long.
    pub cut: bool,
}

impl EventLines {
    /// The needed lines of an event whose inside is `text`; components within it are left out.
    pub(super) fn of(text: &str) -> Self {
        let mut lines = Self { component: "BEGIN:VEVENT\n".to_owned(), ..Self::default() };
        let mut depth = 0_usize;
        for line in text.split('\n') {
            if bracket(line, "BEGIN").is_some() {
                depth += 1;
            } else if bracket(line, "END").is_some() {
                depth = depth.saturating_sub(1);
            } else if depth == 0 {
                lines.take(line);
            }
        }
        lines.component.push_str("END:VEVENT\n");
        lines
    }

    fn take(&mut self, line: &str) {
        let name = name_of(line);
        if !NEEDED.iter().any(|needed| name.eq_ignore_ascii_case(needed)) {
            return;
        }
        if line.len() + self.component.len() > LONGEST || self.rules.len() > 100 {
            self.cut = true;
        } else if name.eq_ignore_ascii_case("RRULE") {
            self.rules.push(value_of(line).to_owned());
        } else {
            self.component.push_str(line.trim_start());
            self.component.push('\n');
        }
    }
}

/// The lines of a component's inside, those of the components within it apart: their names and lines.
pub(super) fn parts(text: &str) -> (Vec<&str>, Vec<(&str, Vec<&str>)>) {
    let (mut own, mut parts): (Vec<&str>, Vec<(&str, Vec<&str>)>) = (Vec::new(), Vec::new());
    let mut depth = 0_usize;
    for line in text.split('\n') {
        if let Some(name) = bracket(line, "BEGIN") {
            depth += 1;
            parts.push((name, Vec::new()));
        } else if bracket(line, "END").is_some() {
            depth = depth.saturating_sub(1);
        } else if depth == 0 {
            own.push(line);
        } else if let Some((_, lines)) = parts.last_mut() {
            lines.push(line);
        }
    }
    (own, parts)
}

/// `VEVENT` of `BEGIN:VEVENT`.
fn bracket<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let (name, value) = line.split_once(':')?;
    name.trim().eq_ignore_ascii_case(word).then(|| value.trim())
}

/// The name of a content line.
pub(super) fn name_of(line: &str) -> &str {
    line.split([':', ';']).next().unwrap_or_default().trim()
}

/// The value of a content line: what follows the first colon outside quotes.
pub(super) fn value_of(line: &str) -> &str {
    let mut quoted = false;
    let colon = line.bytes().position(|byte| {
        quoted ^= byte == b'"';
        byte == b':' && !quoted
    });
    colon.map_or("", |at| line[at + 1..].trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_and_what_people_wrote_is_left_behind() {
        let text = "BEGIN:VCALENDAR\nX-WR-TIMEZONE:Europe/Berlin\nBEGIN:VTIMEZONE\nTZID:x\nEND:VTIMEZONE\n\
                    begin:vevent\nSUMMARY:secret\nUID:1\nRRULE;X=\":\":FREQ=DAILY\nBEGIN:VALARM\nDURATION:PT5M\n\
                    END:VALARM\nEND:VEVENT\nEND:VCALENDAR\nBEGIN:VCALENDAR\nEND:VCALENDAR\n";
        let layout = Layout::of(text).unwrap();
        assert_eq!(layout.sections.len(), 2);
        assert_eq!(layout.sections[0].default_zone.as_deref(), Some("Europe/Berlin"));
        assert_eq!(layout.sections[0].zones.len(), 1);
        let lines = EventLines::of(&text[layout.sections[0].events[0].clone()]);
        assert_eq!(lines.component, "BEGIN:VEVENT\nUID:1\nEND:VEVENT\n");
        assert_eq!(lines.rules, ["FREQ=DAILY"]);
    }

    #[test]
    fn a_file_that_is_cut_off_or_nested_without_end_is_broken() {
        let broken = |text: &str| Layout::of(text).unwrap_err();
        assert_eq!(broken("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\n"), ParseError::Broken);
        assert_eq!(broken("<html>"), ParseError::NotACalendar);
        assert_eq!(broken(&"BEGIN:VCALENDAR\n".repeat(100_000)), ParseError::Broken);
    }
}
