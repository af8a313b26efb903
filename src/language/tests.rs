//! Every verdict of the reference's sentences holds, and of sentences of our own.

use super::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Sentence {
    text: String,
    slot: String,
    verdict: String,
    /// Exactly the rules that reject it, where they are told.
    rules: Option<Vec<String>>,
}

fn wrong(rules: &Rules, sentences: &str) -> (usize, Vec<String>) {
    let sentences: Vec<Sentence> = serde_json::from_str(sentences).unwrap();
    let mut wrong = Vec::new();
    for sentence in &sentences {
        let broken = rules.check(Slot::of(&sentence.slot).unwrap(), &sentence.text);
        let names: Vec<String> = broken.iter().map(|broken| broken.rule.clone()).collect();
        let same = sentence.rules.as_ref().is_none_or(|rules| *rules == names);
        if (sentence.verdict == "accept") != names.is_empty() || !same {
            wrong.push(format!("{} {}: {names:?} {:?}", sentence.verdict, sentence.text, broken.first()));
        }
    }
    (sentences.len(), wrong)
}

#[test]
fn every_sentence_of_the_reference_is_judged_by_exactly_its_rules() {
    let rules = shipped("en").unwrap().unwrap();
    let (all, wrong) = wrong(&rules, include_str!("../../tests/fixtures/language.json"));
    assert_eq!(all, 93);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn sentences_as_leaders_write_them_are_accepted_and_nineteen_in_twenty_of_those_to_be_rejected_are() {
    let own = [
        ("en", include_str!("../../tests/fixtures/language_own.json"), 443),
        ("de", include_str!("../../tests/fixtures/language_de.json"), 70),
    ];
    for (language, sentences, count) in own {
        let rules = shipped(language).unwrap().unwrap();
        let (all, wrong) = wrong(&rules, sentences);
        let refused: Vec<&String> = wrong.iter().filter(|one| one.starts_with("accept")).collect();
        assert!(refused.is_empty(), "{language}: {refused:#?}");
        assert!(all == count && wrong.len() * 20 <= count, "{language}: {} of {all}: {wrong:#?}", wrong.len());
    }
}

#[test]
fn a_finding_says_the_rule_and_the_words_that_break_it() {
    let rules = shipped("en").unwrap().unwrap();
    let told: Vec<String> =
        rules.check(Slot::Question, "What did Bo's team\u{A0}do, and WHY?").iter().map(Broken::to_string).collect();
    assert_eq!(told, ["L8 no why, no who: \"WHY\""]);
    assert!(rules.check(Slot::Title, "{a} at rest").is_empty());
    assert!(Rules::parse("language = \"x\"").is_err());
}
