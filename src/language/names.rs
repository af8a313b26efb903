//! What may not stand in a record or a label: ids, logins and addresses of the people of the configuration, word by word.

use std::fmt;

use super::fold;

/// Parts of ids and addresses shorter than this are too common to be refused by themselves.
const SHORTEST_PART: usize = 3;

/// The words that name somebody. Nothing of it is printed.
#[derive(Clone, Default)]
pub struct Names(Vec<Vec<String>>);

impl fmt::Debug for Names {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Names(…)")
    }
}

impl Names {
    /// Adds a name that is refused as a whole, such as a login.
    pub fn add(&mut self, name: &str) {
        let words = words(name);
        // A single letter names nobody, and would refuse half of all sentences.
        if words.iter().map(|word| word.chars().count()).sum::<usize>() > 1 {
            self.0.push(words);
        }
    }

    /// Adds a name of which each part is refused as well, such as an id or what stands before the `@` of an address.
    pub fn add_with_parts(&mut self, name: &str) {
        self.add(name);
        let parts = words(name).into_iter();
        let telling =
            parts.filter(|part| part.chars().count() >= SHORTEST_PART && part.chars().any(char::is_alphabetic));
        self.0.extend(telling.map(|part| vec![part]));
    }

    /// Whether a text names somebody: any of the names as whole words, whatever their case and accents, or an `@`.
    #[must_use]
    pub fn appear_in(&self, text: &str) -> bool {
        let words = words(text);
        let named = |name: &Vec<String>| words.windows(name.len()).any(|part| part == name.as_slice());
        fold(text, true).contains('@') || self.0.iter().any(named)
    }
}

fn words(text: &str) -> Vec<String> {
    let folded = fold(text, true).to_lowercase();
    folded.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, refused: bool) {
        let mut names = Names::default();
        names.add_with_parts("zoe-miller");
        names.add_with_parts("bo");
        names.add("Ada-L");
        names.add_with_parts("grace.hopper.1906");
        names.add("x");
        assert_eq!(names.appear_in(text), refused, "{text}");
    }

    #[test]
    fn g10_names_are_refused_in_any_case_with_accents_and_look_alike_letters_and_only_as_whole_words() {
        for text in [
            "Zoe takes it",
            "ZOË takes it",
            "zoé's ticket",
            "talk to miller",
            "Bo, then",
            "ada-l",
            "Ada L",
            "ADA_L said",
            "hopper",
            "Grace will",
            "g\u{200B}race will",
            "gr\u{0430}ce will",
            "ask @somebody",
            "m@example.com",
            "(bo)",
        ] {
            check(text, true);
        }
        for text in ["The board", "ada sees", "millers", "1906 items", "x of n", "graceful exit", "PAY-398 first", ""] {
            check(text, false);
        }
    }
}
