//! From a file's bytes to content lines: character sets, line ends and folding undone.

/// The text of a calendar, one content line a line. UTF-16 is known by its mark; what is not UTF-8 is taken as Latin-1.
#[must_use]
pub(super) fn text(bytes: &[u8]) -> String {
    match bytes {
        [0xFF, 0xFE, rest @ ..] => String::from_utf8(unfolded(wide(rest, u16::from_le_bytes).as_bytes())),
        [0xFE, 0xFF, rest @ ..] => String::from_utf8(unfolded(wide(rest, u16::from_be_bytes).as_bytes())),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8(unfolded(rest)),
        _ => String::from_utf8(unfolded(bytes)),
    }
    // Names and numbers are ASCII; of other letters only addresses matter, and those must not end the reading.
    .unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect())
}

fn wide(bytes: &[u8], unit: impl Fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).map(|one| one.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Ends every line with a line feed alone, and joins lines that were folded, even inside a character.
fn unfolded(bytes: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            0 => {}
            b'\r' | b'\n' => {
                // A carriage return alone is an old line end, before a line feed it belongs to it.
                while byte == b'\r' && rest.next_if_eq(&b'\r').is_some() {}
                if byte == b'\r' {
                    rest.next_if_eq(&b'\n');
                }
                if rest.next_if(|next| matches!(next, b' ' | b'\t')).is_none() {
                    lines.push(b'\n');
                }
            }
            other => lines.push(other),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_folding_and_character_sets_are_undone() {
        assert_eq!(text(b"A:1\r\nB:2\nC:3\rD:4"), "A:1\nB:2\nC:3\nD:4");
        assert_eq!(text(b"DTST\r\n ART:2026\n\t0101"), "DTSTART:20260101");
        assert_eq!(text("UID:a\u{e4}".as_bytes()), "UID:a\u{e4}");
        assert_eq!(text(b"UID:a\xc3\r\n \xa4"), "UID:a\u{e4}");
        assert_eq!(text(b"UID:a\xe4"), "UID:a\u{e4}");
        assert_eq!(text(b"\xef\xbb\xbfA:1"), "A:1");
        assert_eq!(text(b"\xff\xfeA\0:\0\r\0\n\0 \0B\0"), "A:B");
        assert_eq!(text(b"\xfe\xff\0A\0:"), "A:");
    }
}
