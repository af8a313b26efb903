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
fn sentences_as_leaders_write_them_are_accepted_and_nine_in_ten_of_those_to_be_rejected_are() {
    let rules = shipped("en").unwrap().unwrap();
    let (all, wrong) = wrong(&rules, include_str!("../../tests/fixtures/language_own.json"));
    let refused: Vec<&String> = wrong.iter().filter(|one| one.starts_with("accept")).collect();
    assert!(refused.is_empty(), "{refused:#?}");
    assert!(all == 360 && wrong.len() < 20, "{} of {all}: {wrong:#?}", wrong.len());
}
