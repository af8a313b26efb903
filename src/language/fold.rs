//! Folds a text to one plain form before rules look at it, so that a rule cannot be evaded by look-alike letters,
//! invisible characters or another kind of apostrophe, and need not list them.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The plain form of a text: compatibility letters made plain, invisible characters gone, one kind of apostrophe (’),
/// hyphen and space, no quotation marks around the whole. `accents`: marks above letters are dropped as well, which
/// suits English and would ruin German.
#[must_use]
pub fn fold(text: &str, accents: bool) -> String {
    let plain: String = text.nfkd().filter(|letter| !is_invisible(*letter)).map(plain).collect();
    let marked = |letter: &char| !(accents && is_combining_mark(*letter));
    let composed: String = plain.chars().filter(marked).nfc().collect();
    let words: Vec<String> = composed.split_whitespace().map(latin).collect();
    joined(&words).trim_matches(['"', '\u{201C}', '\u{201D}', '\u{201E}', '«', '»', ' ']).to_owned()
}

fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{180E}' | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{E0000}'..='\u{E007F}')
        || (letter.is_control() && !letter.is_whitespace())
}

fn plain(letter: char) -> char {
    match letter {
        '\'' | '`' | '\u{B4}' | '\u{2BC}' | '\u{2018}' | '\u{201B}' | '\u{2032}' | '\u{2B9}' | '\u{A78C}' => '\u{2019}',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2043}' => '-',
        '\u{66A}' | '\u{2052}' => '%',
        // Emphasis of plain text is no part of a word.
        '*' | '_' | '~' => ' ',
        other => other,
    }
}

/// A word of Latin letters and their doubles from other alphabets, all in Latin letters. Words of another alphabet stay.
fn latin(word: &str) -> String {
    if word.is_ascii() || !word.chars().any(|letter| letter.is_ascii_alphabetic()) {
        return word.to_owned();
    }
    word.chars()
        .map(|letter| DOUBLES.iter().find(|(double, _)| *double == letter).map_or(letter, |(_, own)| *own))
        .collect()
}

/// Letters of other alphabets that look like Latin ones.
const DOUBLES: [(char, char); 54] = [
    ('а', 'a'),
    ('е', 'e'),
    ('о', 'o'),
    ('р', 'p'),
    ('с', 'c'),
    ('у', 'y'),
    ('х', 'x'),
    ('і', 'i'),
    ('ј', 'j'),
    ('ѕ', 's'),
    ('ԁ', 'd'),
    ('һ', 'h'),
    ('ӏ', 'l'),
    ('ո', 'n'),
    ('ԛ', 'q'),
    ('ԝ', 'w'),
    ('в', 'b'),
    ('н', 'h'),
    ('к', 'k'),
    ('м', 'm'),
    ('т', 't'),
    ('А', 'A'),
    ('В', 'B'),
    ('Е', 'E'),
    ('К', 'K'),
    ('М', 'M'),
    ('Н', 'H'),
    ('О', 'O'),
    ('Р', 'P'),
    ('С', 'C'),
    ('Т', 'T'),
    ('У', 'Y'),
    ('Х', 'X'),
    ('І', 'I'),
    ('Ѕ', 'S'),
    ('Ј', 'J'),
    ('α', 'a'),
    ('ε', 'e'),
    ('ι', 'i'),
    ('κ', 'k'),
    ('ν', 'v'),
    ('ο', 'o'),
    ('ρ', 'p'),
    ('τ', 't'),
    ('υ', 'u'),
    ('Α', 'A'),
    ('Β', 'B'),
    ('Ε', 'E'),
    ('Η', 'H'),
    ('Ι', 'I'),
    ('Ο', 'O'),
    ('ɑ', 'a'),
    ('ı', 'i'),
    ('ɡ', 'g'),
];

/// Words with one space between them; letters that were spread out (`l a z y`) are one word again.
fn joined(words: &[String]) -> String {
    let single = |word: &String| word.chars().count() == 1 && word.chars().all(char::is_alphabetic);
    let mut text = String::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let spread = words[at..].iter().take_while(|word| single(word)).count();
        let taken = if spread >= 4 { spread } else { 1 };
        if !text.is_empty() {
            text.push(' ');
        }
        if taken == 1 {
            text.push_str(word);
        } else {
            words[at..at + taken].iter().for_each(|letter| text.push_str(letter));
        }
        at += taken;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tricks_with_letters_come_to_the_plain_word() {
        for trick in ["l\u{200B}azy", "lаzy", "ｌａｚｙ", "𝐥𝐚𝐳𝐲", "l\u{AD}azy", "l a z y", "*lazy*", "lázy", "“lazy”"]
        {
            assert_eq!(fold(trick, true), "lazy", "{trick:?}");
        }
        assert_eq!(fold("don't — don\u{2BC}t", true), "don’t - don’t");
        assert_eq!(fold(" What\u{A0} is\n\tit ", true), "What is it");
    }

    #[test]
    fn umlauts_stay_where_accents_count_and_other_alphabets_stay_as_they_are() {
        assert_eq!(fold("über u\u{308}ber", false), "über über");
        assert_eq!(fold("привет", true), "привет");
    }
}
