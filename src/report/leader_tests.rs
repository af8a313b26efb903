//! The leader's edition is everybody's page with the leader's own parts between marks, and nothing else.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};

use super::input::{Point, Team};
use super::leader::{FollowUp, Leader, Since};
use super::words::Words;
use super::{render, render_leader, sample};
use crate::catalogue::Catalogue;
use crate::follow_ups::{Reason, State};
use crate::notice::since::Outcome;

fn words_of(language: &str) -> (Catalogue, Words) {
    let mut catalogue = Catalogue::embedded().unwrap();
    for (slug, _) in crate::catalogue::shipped() {
        let words = crate::catalogue::translation(language, slug).and_then(crate::catalogue::wording::Wording::parse);
        if let Some((words, card)) = words.zip(catalogue.card_mut(slug)) {
            card.reword(words);
        }
    }
    (catalogue, Words::shipped(language).unwrap().unwrap())
}

fn payments() -> Team {
    sample::teams().into_iter().find(|team| team.id == "payments").unwrap()
}

/// Page and file of the leader.
fn edition(leader: &Leader) -> (String, serde_json::Value) {
    let (catalogue, words) = words_of("en");
    let [page, file] = render_leader(&sample::organisation(), &payments(), leader, &catalogue, &words).unwrap();
    assert_eq!((page.0.as_str(), file.0.as_str()), ("payments.html", "payments.json"));
    (String::from_utf8(page.1).unwrap(), serde_json::from_slice(&file.1).unwrap())
}

/// A page without what stands between the marks.
fn common(page: &str) -> String {
    page.split("<!--leader-->")
        .enumerate()
        .map(|(at, part)| if at == 0 { part } else { part.split_once("<!--/leader-->").unwrap().1 })
        .collect()
}

fn since(outcome: Outcome, all: (usize, usize)) -> Since {
    let point = |x| Point { from: date(2026, 11, 9), to: date(2026, 11, 20), x, n: 33 };
    let after = (outcome != Outcome::TooEarly).then(|| point(Some(7)));
    Since {
        signal: "stalled_work".to_owned(),
        working_days: 12,
        before: Some(point(None)),
        usual: after.map(|_| (3, 9)),
        after,
        outcome,
        alike: (2, 3),
        all,
    }
}

fn follow_up(id: i64, due: bool, since: Vec<Since>) -> FollowUp {
    FollowUp {
        id,
        card: "payments-stalled_work-2026-11-23".to_owned(),
        signals: vec!["stalled_work".to_owned()],
        state: State::Agreed,
        talked_on: date(2026, 10, 28),
        again: date(2026, 11, 20),
        due,
        agreed: Some("less <at> a time".to_owned()),
        mine: Some("I ask for access".to_owned()),
        since,
    }
}

fn talked() -> Leader {
    let noted = (State::Agreed, Some(date(2026, 10, 28)));
    Leader {
        follow_ups: vec![
            follow_up(1, true, vec![since(Outcome::StillOutside, (5, 6))]),
            follow_up(2, false, vec![since(Outcome::TooEarly, (3, 4))]),
        ],
        one_to_ones: Some((3, 8)),
        cards: BTreeMap::from([("payments-stalled_work-2026-11-23".to_owned(), noted)]),
        holds_back: false,
    }
}

#[test]
fn g15_without_the_leaders_own_parts_the_page_is_everybodys_byte_for_byte() {
    let (catalogue, words) = words_of("en");
    let files = render(&sample::organisation(), &sample::teams(), &catalogue, &words).unwrap();
    let everybody = files.iter().find(|(name, _)| name == "payments.html").unwrap();
    for leader in [Leader::default(), talked(), Leader { holds_back: true, ..talked() }] {
        let (page, _) = edition(&leader);
        assert!(page.as_bytes() != everybody.1 && common(&page).as_bytes() == everybody.1);
    }
    for (name, bytes) in files {
        let text = String::from_utf8(bytes).unwrap();
        for own in [
            "<!--leader",
            "leader-",
            "one-to-one",
            "moved_one",
            "due_follow",
            "undercurrent talked",
            "reminders",
            "\"waits\"",
        ] {
            let body = text.split_once("</style>").map_or(text.as_str(), |(_, body)| body);
            assert!(!body.contains(own), "{name}: {own}");
        }
    }
}

#[test]
fn what_is_due_stands_above_all_cards_with_the_question_of_its_card() {
    let (page, file) = edition(&talked());
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text}"));
    let question = place("How is that situation now, compared with when we last spoke?");
    assert!(place("Due since 20 November") < question && question < place("1 of 2 agreed follow-ups"));
    assert!(place("1 of 2 agreed follow-ups") < place("3 of 8 recurring one-to-one"));
    assert!(place("3 of 8 recurring one-to-one") < place("class=\"rows\""));
    assert!(
        page.contains("Agreed: less &")
            && !page.contains("<at>")
            && page.contains("undercurrent done 1 --team payments")
    );
    assert_eq!(file["coming_back_to"][0]["due"], true);
    assert_eq!(file["coming_back_to"][1]["due"], false);
    assert_eq!(file["reminders"][0]["signal"], "due_follow_ups");
    assert_eq!(file["conversations"][0]["state"], "agreed");
    assert!(file["conversations"][1].get("state").is_none());
}

#[test]
fn since_a_talk_there_are_three_wordings_and_the_same_reservation_with_each() {
    let told = |outcome, all| {
        let leader = Leader { follow_ups: vec![follow_up(1, true, vec![since(outcome, all)])], ..Leader::default() };
        let (page, file) = edition(&leader);
        let line = &file["coming_back_to"][0]["since"][0];
        assert!(page.contains("This is compatible with a change, and with chance."));
        let text = |key: &str| line[key].as_str().unwrap().to_owned();
        assert!(page.contains(&text("by_themselves")), "{line}");
        (text("sentence"), text("by_themselves"), text("outcome"))
    };
    let (sentence, by_themselves, outcome) = told(Outcome::StillOutside, (5, 6));
    assert_eq!(
        sentence,
        "Work that has stopped moving, since you talked (12 working days): 7 of 35; before: few of 35; usual: 3 to 9. \
         This is compatible with a change, and with chance. Still outside the usual range."
    );
    assert!(by_themselves.contains("5 of 6 signals on cards of any kind"), "too few of this signal: {by_themselves}");
    assert_eq!(outcome, "still outside");
    let (sentence, by_themselves, outcome) = told(Outcome::BackInRange, (3, 4));
    assert!(
        sentence.ends_with("with chance. Back in the usual range.") && by_themselves.ends_with("too few here to say.")
    );
    assert_eq!(outcome, "back in the usual range");
    let (sentence, _, outcome) = told(Outcome::TooEarly, (3, 4));
    assert!(sentence.contains("since you talked: 12 working days.") && sentence.ends_with("Too early to tell."));
    assert_eq!(outcome, "too early to tell");
}

#[test]
fn the_day_of_a_talk_is_one_line_in_the_drawing_also_between_the_past_and_the_present_window() {
    let team = payments();
    let spans = &team.signals["stalled_work"].points;
    let gap = spans[spans.len() - 2].to.tomorrow().unwrap();
    for talked_on in [spans[2].from, gap] {
        let one = FollowUp { talked_on, ..follow_up(1, true, Vec::new()) };
        let (page, _) = edition(&Leader { follow_ups: vec![one], ..Leader::default() });
        let block = page.split_once("<!--/leader-->").unwrap().0;
        assert_eq!(block.matches(">you talked<").count(), 2, "once in each width: {talked_on}");
    }
}

#[test]
fn new_cards_wait_folded_away_and_those_of_which_something_is_noted_do_not() {
    let folded = |cards: &[(&str, State, Option<Date>)], holds_back| {
        let cards = cards.iter().map(|(slug, state, date)| (format!("payments-{slug}-2026-11-23"), (*state, *date)));
        let (page, file) = edition(&Leader { cards: cards.collect(), holds_back, ..Leader::default() });
        let waits = file["conversations"].as_array().unwrap().iter().filter(|card| card["waits"] == true).count();
        assert_eq!(page.matches("There is more to ask, and it can wait").count(), waits);
        assert_eq!(page.matches("<details").count(), page.matches("</details>").count());
        waits
    };
    let day = Some(date(2026, 11, 9));
    assert_eq!(folded(&[], false), 0);
    assert_eq!(folded(&[], true), 2);
    assert_eq!(folded(&[("moving_dates", State::Seen, None)], true), 2);
    assert_eq!(folded(&[("moving_dates", State::Agreed, day)], true), 1);
    let aside = State::SetAside(Reason::KnownEvent);
    assert_eq!(folded(&[("moving_dates", aside, None), ("stalled_work", State::Closed, day)], true), 0);
}

#[test]
fn the_leaders_edition_keeps_the_rules_of_the_page_in_both_languages() {
    for language in ["en", "de"] {
        let (catalogue, words) = words_of(language);
        let leader = Leader { holds_back: true, ..talked() };
        let [page, _] = render_leader(&sample::organisation(), &payments(), &leader, &catalogue, &words).unwrap();
        let page = String::from_utf8(page.1).unwrap();
        let body = page.split_once("</style>").unwrap().1;
        assert!(page.len() < 150_000 && !page.contains(" style=") && !page.contains("<script"));
        assert!(!body.contains('{') && !body.contains("&#60;leader") && !body.contains("&#60;since"), "{language}");
        let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|part| part.split('"').next()).collect();
        let unique: std::collections::BTreeSet<&&str> = ids.iter().collect();
        assert_eq!(ids.len(), unique.len(), "every id is there once: {ids:?}");
    }
    let (catalogue, words) = words_of("de");
    let [page, _] = render_leader(&sample::organisation(), &payments(), &talked(), &catalogue, &words).unwrap();
    let page = String::from_utf8(page.1).unwrap();
    assert!(page.contains("Darauf wolltest du zurückkommen") && page.contains("Noch außerhalb des üblichen Bereichs."));
    assert!(!page.contains("You said") && !page.contains("you talked"));
}
