//! A signal that is a detail of another one has no card beside it.

use std::collections::{BTreeMap, BTreeSet};

use super::usual_range::{Kind, Side};
use super::{Coverage, EvidenceRow, Form, Settings, SignalSpec, TeamDay, TeamInput, notice};

fn spec(slug: &str, order: u32, detail_of: Option<&str>) -> SignalSpec {
    SignalSpec {
        slug: slug.to_owned(),
        order,
        core: false,
        kind: Kind::Share,
        side: Side::High,
        form: Form::Flow,
        lists_items: false,
        floor: 4,
        minimum: 8.0,
        cap: None,
        once_per_item: false,
        baseline_minimum: 0,
        detail_of: detail_of.map(str::to_owned),
    }
}

/// Forty weeks of six people, each with one opportunity a day. One in ten goes the way that is looked for, in the last
/// ten working days every one.
fn team(off: &[&str]) -> TeamInput {
    let days: Vec<i64> = (4..4 + 40 * 7).filter(|day| (day - 4) % 7 < 5).collect();
    let changed = days[days.len() - 10];
    let row = |day: i64, person: i64| EvidenceRow {
        day,
        person: Some(person),
        item: None,
        n: 1,
        x: i64::from(day >= changed || (day * 7 + person) % 10 == 0),
    };
    let rows: Vec<EvidenceRow> = days.iter().flat_map(|day| (0..6).map(|person| row(*day, person))).collect();
    let coverage = || Coverage { from: 0, to: 1000, failed: None };
    let slugs = ["detail", "whole"];
    TeamInput {
        id: "t".to_owned(),
        members: 6,
        days: days.iter().map(|day| TeamDay { day: *day, available: 6 }).collect(),
        evidence: slugs.iter().map(|slug| ((*slug).to_owned(), rows.clone())).collect(),
        coverage: slugs.iter().map(|slug| ((*slug).to_owned(), coverage())).collect(),
        off: off.iter().map(|slug| (*slug).to_owned()).collect::<BTreeSet<String>>(),
        marked: BTreeMap::new(),
    }
}

#[track_caller]
fn check(off: &[&str], detail_of: Option<&str>, expected: &[&str]) {
    let settings = Settings { smallest_group: 4, signal_threshold: 3.15, joint_threshold: 3.5, nights: 60 };
    // The detail stands first in the catalogue, so that nothing but the rule decides between equal scores.
    let specs = [spec("detail", 1, detail_of), spec("whole", 2, None)];
    let input = team(off);
    let today = input.days.last().unwrap().day + 1;
    let cards = notice(&input, &specs, &settings, today).cards;
    let seen: Vec<&str> = cards.iter().map(|card| card.signals[0].as_str()).collect();
    assert_eq!(seen, expected);
}

#[test]
fn of_a_signal_and_its_detail_the_signal_has_the_card() {
    check(&[], None, &["detail"]);
    check(&[], Some("whole"), &["whole"]);
    check(&["whole"], Some("whole"), &["detail"]);
}
