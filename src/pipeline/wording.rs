//! Which words stand on the pages: those of the language, and over them an organisation's own, where the language rules
//! accept them. A night never ends for want of words: a card whose own words cannot be used keeps those of the program.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::exit::Failure;
use crate::catalogue::wording::{self, Expected, Fault, Wording};
use crate::catalogue::{self, Card, Catalogue};
use crate::config::{Config, Report};
use crate::language::{self, Rules};
use crate::report::words::{self, Words};

/// The language in which the cards themselves are written.
const ENGLISH: &str = "en";
/// The file of a folder of words that holds the texts of the pages; every other one holds a card's.
const PAGE: &str = "page";
/// The file with the rules of a language that does not come with the program.
const RULES: &str = "language";

/// Puts the words of the configuration in place. Returns what is wrong with an organisation's own words.
///
/// # Errors
/// A shipped file that cannot be used is a bug of this build.
pub fn put(config: &Config, catalogue: &mut Catalogue, words: &mut Words) -> Result<Vec<String>, Failure> {
    let mut complaints = Vec::new();
    let Report { language, words: folder, .. } = &config.report;
    let mut english: BTreeSet<&str> =
        catalogue::shipped().map(|(slug, _)| slug).filter(|_| language != ENGLISH).collect();
    if let Some(shipped) = Words::shipped(language).map_err(|error| Failure::internal(&error))? {
        *words = shipped;
        english.retain(|slug| !translate(language, slug, catalogue));
    }
    if let Some(folder) = folder {
        let own = Folder { path: folder, language };
        complaints.extend(own.put(catalogue, words, &mut english)?);
    }
    for slug in english {
        if let Some(card) = catalogue.card_mut(slug) {
            card.mark(&words.get("untranslated"));
        }
    }
    complaints.extend(own_cards(config)?);
    Ok(complaints)
}

/// Puts a shipped translation in place, where there is one.
fn translate(language: &str, slug: &str, catalogue: &mut Catalogue) -> bool {
    let words = catalogue::translation(language, slug).and_then(Wording::parse);
    words.zip(catalogue.card_mut(slug)).map(|(words, card)| card.reword(words)).is_some()
}

/// The rules of a language: those that come with the program, else those of the folder.
fn rules(language: &str, folder: Option<&Path>) -> Result<Result<Rules, String>, Failure> {
    if let Some(rules) = language::shipped(language) {
        return rules.map(Ok).map_err(|error| Failure::internal(&error));
    }
    let Some(folder) = folder else { return Ok(Err(format!("there are no language rules for {language}"))) };
    let file = folder.join(format!("{RULES}.toml"));
    let text = fs::read_to_string(&file).map_err(|error| {
        let known: Vec<&str> = language::languages().collect();
        format!(
            "{}: cannot be read: {error}; rules for {} come with the program, every other language needs its own here",
            file.display(),
            known.join(" and ")
        )
    });
    Ok(text.and_then(|text| Rules::parse(&text).map_err(|error| format!("{}: {error}", file.display()))))
}

/// A folder of words in a language.
struct Folder<'a> {
    path: &'a Path,
    language: &'a str,
}

impl Folder<'_> {
    /// Whether the language's words come with the program, so that a file may change some of them.
    fn is_shipped(&self) -> bool {
        language::languages().any(|shipped| shipped == self.language)
    }

    /// The name and the path of every file of words.
    fn files(&self) -> Result<Vec<(String, PathBuf)>, String> {
        let failed = |error: std::io::Error| format!("{}: the folder cannot be read: {error}", self.path.display());
        let mut files = Vec::new();
        for entry in fs::read_dir(self.path).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            if path.extension().is_some_and(|ending| ending == "toml") && name != RULES {
                files.push((name, path));
            }
        }
        files.sort();
        Ok(files)
    }

    /// Puts the folder's words in place; a card that gets words of its own is no longer `english`.
    fn put(
        &self,
        catalogue: &mut Catalogue,
        words: &mut Words,
        english: &mut BTreeSet<&str>,
    ) -> Result<Vec<String>, Failure> {
        const INSTEAD: &str = "the words that come with the program stand in its place";
        let (rules, files) = match (rules(self.language, Some(self.path))?, self.files()) {
            (Ok(rules), Ok(files)) => (rules, files),
            (Err(message), _) | (_, Err(message)) => return Ok(vec![format!("{message}; {INSTEAD}")]),
        };
        let mut complaints = Vec::new();
        for (name, path) in files {
            let faults = match fs::read_to_string(&path) {
                Ok(text) if name == PAGE => words.reword(&text, &rules),
                Ok(text) => self.card(&name, &text, catalogue, &rules, english),
                Err(error) => vec![Fault { line: 1, message: format!("cannot be read: {error}") }],
            };
            complaints.extend(faults.iter().map(|fault| format!("{}; {INSTEAD}", told(&path, fault))));
        }
        if !self.is_shipped() {
            words.speak(self.language);
        }
        Ok(complaints)
    }

    fn card(
        &self,
        slug: &str,
        text: &str,
        catalogue: &mut Catalogue,
        rules: &Rules,
        english: &mut BTreeSet<&str>,
    ) -> Vec<Fault> {
        let Some(card) = catalogue.card_mut(slug) else { return unknown(slug) };
        let expected = if self.is_shipped() { Expected::SomeWords } else { Expected::AllWords };
        let (words, faults) = wording::read(slug, text, expected, Some(card), rules);
        if faults.is_empty() {
            card.reword(words);
            english.remove(slug);
        }
        faults
    }
}

/// Words of a card that this installation may have switched off rest; a name that no version knows is an error.
fn unknown(slug: &str) -> Vec<Fault> {
    if catalogue::shipped().any(|(known, _)| known == slug) {
        return Vec::new();
    }
    let known: Vec<&str> = catalogue::shipped().map(|(slug, _)| slug).collect();
    let message = format!("there is no card of this name; known: {PAGE}, {}", known.join(", "));
    vec![Fault { line: 1, message }]
}

fn told(path: &Path, fault: &Fault) -> String {
    format!("{}:{}: {}", path.display(), fault.line, fault.message)
}

/// What the rules say against the cards of an installation's own signals. Nothing can stand in their place, so they
/// are shown as they are; either the configured language or English may accept them.
fn own_cards(config: &Config) -> Result<Vec<String>, Failure> {
    let Some(folder) = &config.signals.extra else { return Ok(Vec::new()) };
    let mut sets = Vec::new();
    for language in [config.report.language.as_str(), ENGLISH] {
        sets.extend(rules(language, config.report.words.as_deref())?.ok());
    }
    let mut complaints = Vec::new();
    for name in &config.signals.own {
        let path = folder.join(format!("{name}.toml"));
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let read = sets.iter().map(|rules| wording::read(name, &text, Expected::Card, None, rules).1);
        let fewest = read.min_by_key(Vec::len).unwrap_or_default();
        complaints.extend(fewest.iter().map(|fault| format!("{}; it is shown as it stands", told(&path, fault))));
    }
    Ok(complaints)
}

/// What the rules say against a folder of cards or of words, and how many texts were looked at. Without a language its
/// `page.toml` names it, else it is English.
///
/// # Errors
/// [`Failure`] with exit 2 where folder or rules cannot be read.
pub fn check_folder(path: &Path, language: Option<&str>) -> Result<(usize, Vec<String>), Failure> {
    let told_language =
        fs::read_to_string(path.join(format!("{PAGE}.toml"))).ok().and_then(|text| words::language(&text));
    let language = language.map(str::to_owned).or(told_language).unwrap_or_else(|| ENGLISH.to_owned());
    let folder = Folder { path, language: &language };
    let rules = rules(&language, Some(path))?.map_err(Failure::configuration)?;
    let files = folder.files().map_err(Failure::configuration)?;
    let catalogue = Catalogue::embedded().map_err(|error| Failure::internal(&error))?;
    let mut page = Words::embedded().map_err(|error| Failure::internal(&error))?;
    let mut complaints = Vec::new();
    for (name, path) in &files {
        let failed = |error| Failure::configuration(format!("{}: cannot be read: {error}", path.display()));
        let text = fs::read_to_string(path).map_err(failed)?;
        let faults = if name == PAGE { page.reword(&text, &rules) } else { faults(name, &text, &catalogue, &rules) };
        complaints.extend(faults.iter().map(|fault| told(path, fault)));
    }
    Ok((files.len(), complaints))
}

/// A file is a whole card, or words for one that comes with the program.
fn faults(name: &str, text: &str, catalogue: &Catalogue, rules: &Rules) -> Vec<Fault> {
    let base: Option<&Card> = catalogue.any(name);
    let card = text.lines().any(|line| line.starts_with("core ") || line.starts_with("order "));
    match (base, card) {
        (base, true) => wording::read(name, text, Expected::Card, base, rules).1,
        (Some(base), false) => wording::read(name, text, Expected::SomeWords, Some(base), rules).1,
        (None, false) if catalogue::translation("de", name).is_some() => Vec::new(),
        (None, false) => unknown(name),
    }
}

/// What the rules say against the words that come with the program, in every language, and how many texts there are.
///
/// # Errors
/// A shipped file that cannot be used is a bug of this build.
pub fn check_shipped() -> Result<(usize, Vec<String>), Failure> {
    let catalogue = Catalogue::embedded().map_err(|error| Failure::internal(&error))?;
    let (mut files, mut complaints) = (0, Vec::new());
    for language in language::languages() {
        let rules = rules(language, None)?.map_err(Failure::configuration)?;
        let mut note = |name: &str, faults: Vec<Fault>| {
            files += 1;
            complaints
                .extend(faults.iter().map(|fault| format!("{language} {name}:{}: {}", fault.line, fault.message)));
        };
        let mut page = Words::embedded().map_err(|error| Failure::internal(&error))?;
        note(PAGE, page.reword(words::source(language).unwrap_or_default(), &rules));
        for (slug, text) in catalogue::shipped() {
            let (text, expected) = match catalogue::translation(language, slug) {
                Some(text) => (text, Expected::AllWords),
                None if language == ENGLISH => (text, Expected::Card),
                None => continue,
            };
            note(slug, wording::read(slug, text, expected, catalogue.any(slug), &rules).1);
        }
    }
    Ok((files, complaints))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cards whose German words are still to be written: they stand on a German page in English, with a mark.
    const UNTRANSLATED: [&str; 0] = [];

    #[test]
    fn no_text_that_comes_with_the_program_breaks_a_rule_of_its_language() {
        let (files, complaints) = check_shipped().unwrap();
        assert!(complaints.is_empty(), "{complaints:#?}");
        assert!(files >= 44, "{files}");
    }

    #[test]
    fn every_card_and_every_page_text_is_translated() {
        let missing: Vec<&str> = catalogue::shipped()
            .map(|(slug, _)| slug)
            .filter(|slug| catalogue::translation("de", slug).is_none_or(|text| Wording::parse(text).is_none()))
            .collect();
        assert_eq!(missing, UNTRANSLATED, "reports/words/de lacks these cards; write them, or list them here");
        let keys = |language: &str| -> BTreeSet<String> {
            toml::from_str::<toml::Table>(words::source(language).unwrap()).unwrap().keys().cloned().collect()
        };
        let (english, german) = (keys("en"), keys("de"));
        let missing: Vec<&String> = english.difference(&german).collect();
        assert!(missing.is_empty(), "reports/words/de/page.toml lacks {missing:?}");
    }

    /// What stands on the pages with these own words, and what is said about them.
    fn with(report: &str, files: &[(&str, &str)]) -> (Catalogue, Words, Vec<String>) {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join("w")).unwrap();
        for (name, text) in files {
            std::fs::write(place.path().join("w").join(name), text).unwrap();
        }
        let text = format!("[organisation]\nname = \"o\"\ntime-zone = \"UTC\"\n[report]\n{report}\n");
        let config = Config::parse(&text, &place.path().join("u.toml")).unwrap();
        let (mut catalogue, mut words) = (Catalogue::embedded().unwrap(), Words::embedded().unwrap());
        let complaints = put(&config, &mut catalogue, &mut words).unwrap();
        (catalogue, words, complaints)
    }

    #[track_caller]
    fn complains(files: &[(&str, &str)], told: &str) {
        let (catalogue, words, complaints) = with("words = \"w\"", files);
        assert!(complaints.len() == 1 && complaints[0].contains(told), "{complaints:#?} lack {told}");
        assert!(complaints[0].contains("the words that come with the program stand in its place"));
        let shipped = Catalogue::embedded().unwrap();
        assert_eq!(catalogue.card("stalled_work").unwrap().title, shipped.card("stalled_work").unwrap().title);
        assert_eq!(words.get("may-title"), "It may also be");
    }

    #[test]
    fn own_words_stand_in_place_of_those_of_the_program_and_all_others_stay() {
        let card = "title = \"Work at rest\"\n[[questions]]\nbehaviour = \"validation\"\ntext = \"What is it like?\"\n";
        let files = [("stalled_work.toml", "title = \"Work at rest\"\n"), ("page.toml", "few = \"hardly any\"\n")];
        let (catalogue, words, complaints) = with("words = \"w\"", &files);
        assert_eq!(complaints, Vec::<String>::new());
        let own = catalogue.card("stalled_work").unwrap();
        assert_eq!((own.title.as_str(), own.questions.len()), ("Work at rest", 5));
        assert_eq!((words.get("few"), words.get("may-title")), ("hardly any".to_owned(), "It may also be".to_owned()));
        complains(&[("stalled_work.toml", card)], "stalled_work.toml:2: L12 a card asks four to six questions");
    }

    #[test]
    fn own_words_that_cannot_be_used_are_told_with_file_and_line_and_the_programs_stay() {
        let card = |text: &'static str| [("stalled_work.toml", text)];
        complains(&card("title = \"A\"\ntitel = \"B\"\n"), "stalled_work.toml:2: unknown field `titel`");
        complains(&card("# why\ntitle = \"Lazy weeks\"\n"), "stalled_work.toml:2: L1 no judging words: \"Lazy\"");
        complains(&card("minimum = 3\n"), "stalled_work.toml:1: `minimum` is a fact of the signal");
        complains(&card("title = \"\"\n"), "stalled_work.toml:1: `title` is empty");
        complains(&card("title = \"{x} at rest\"\n"), "stalled_work.toml:1: nothing is filled in for {x}");
        complains(&card("title = A\n"), "stalled_work.toml:1: ");
        let observation = "observation = \"In the last 10 working days, {x} of {n} items rested; in {k} of the last 9 \
                           fortnights it was between {lo} and {hi}.\"\n";
        complains(&[("stalled_work.toml", observation)], "stalled_work.toml:1: lacks {K}");
        complains(&[("stalled.toml", "title = \"A\"\n")], "stalled.toml:1: there is no card of this name; known: page");
        complains(&[("page.toml", "may-titel = \"A\"\n")], "page.toml:1: there is no page text `may-titel`");
        complains(&[("page.toml", "\nmay-title = \"Obviously\"\n")], "page.toml:2: `may-title`: L4 no absolutes");
        complains(&[("page.toml", "since = \"A while ago.\"\n")], "page.toml:1: `since`: lacks {date}");
        complains(&[("page.toml", "weekdays = \"Mo Tu\"\n")], "page.toml:1: `weekdays` needs 7 words");
    }

    #[test]
    fn the_card_of_an_own_signal_that_breaks_a_rule_is_told_and_shown_as_it_stands() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join("s")).unwrap();
        let said = |card: &str, language: &str| {
            std::fs::write(place.path().join("s/mine.toml"), card).unwrap();
            std::fs::write(place.path().join("s/mine.sql"), "").unwrap();
            let text = format!(
                "[organisation]\nname = \"o\"\ntime-zone = \"UTC\"\n[signals]\nextra = \"s\"\n\
                 [report]\nlanguage = \"{language}\"\n"
            );
            own_cards(&Config::parse(&text, &place.path().join("u.toml")).unwrap()).unwrap()
        };
        let card = include_str!("../../reports/cards/meeting_load.toml");
        assert_eq!((said(card, "en"), said(card, "de")), (vec![], vec![]));
        let judging = card.replace("title = \"Days full", "title = \"Bad days full");
        for language in ["en", "de"] {
            let told = said(&judging, language);
            assert!(told.len() == 1 && told[0].ends_with("it is shown as it stands"), "{told:?}");
            assert!(told[0].contains("mine.toml:4: L1 no judging words: \"Bad\""), "{told:?}");
        }
    }

    #[test]
    fn german_words_stand_on_cards_and_pages_and_own_words_may_change_some_of_them() {
        let (catalogue, words, complaints) = with("language = \"de\"", &[]);
        assert_eq!(complaints, Vec::<String>::new());
        assert_eq!(catalogue.card("fewer_voices").unwrap().title, "Weniger Stimmen");
        assert_eq!(words.long_day(jiff::civil::date(2026, 3, 9)), "Montag, 9. März 2026");
        assert_eq!(words.decimal(2.5, 2), "2,50");
        let own = [("fewer_voices.toml", "title = \"Leiser geworden\"\n")];
        let (catalogue, _, complaints) = with("language = \"de\"\nwords = \"w\"", &own);
        assert_eq!(complaints, Vec::<String>::new());
        assert_eq!(catalogue.card("fewer_voices").unwrap().title, "Leiser geworden");
        let faul = [("fewer_voices.toml", "title = \"Faule Wochen\"\n")];
        let (_, _, complaints) = with("language = \"de\"\nwords = \"w\"", &faul);
        assert!(complaints[0].contains("fewer_voices.toml:1: L1 keine wertenden Wörter: \"Faule\""), "{complaints:?}");
    }

    #[test]
    fn another_language_brings_its_rules_along_and_what_it_lacks_stands_in_english_with_a_mark() {
        let report = "language = \"nl\"\nwords = \"w\"";
        let (catalogue, _, complaints) = with(report, &[]);
        assert!(complaints.len() == 1 && complaints[0].contains("language.toml: cannot be read"), "{complaints:?}");
        assert_eq!(catalogue.card("fewer_voices").unwrap().title, "Fewer voices (in English)");
        let rules = "language = \"nl\"\nnumber = \"7\"\nwork = \"werk\"\n[[rule]]\nname = \"L1\"\nsays = \"geen oordeel\"\n\
                     slots = [\"title\"]\nwords = [\"lui\"]\n";
        let files = [
            ("language.toml", rules),
            ("page.toml", "few = \"weinig\"\n"),
            ("fewer_voices.toml", "title = \"Minder stemmen\"\n"),
        ];
        let (catalogue, words, complaints) = with(report, &files);
        assert!(
            complaints.len() == 1 && complaints[0].contains("fewer_voices.toml:1: lacks short, unit"),
            "{complaints:?}"
        );
        assert_eq!((words.get("language"), words.get("few")), ("nl".to_owned(), "weinig".to_owned()));
        assert_eq!(catalogue.card("fewer_voices").unwrap().headline.split('(').count(), 2);
    }
}
