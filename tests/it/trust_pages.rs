//! What every page keeps to, whatever is on it: G7 (no time of day), G8 (links to work items alone), G15 (one page for
//! all), G18 (no score), on the sample organisation as `demo` writes it.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::support::canary::files_below;
use crate::support::organisation::Organisation;

/// The sample's pages in English and every other language, the leader's editions among them, by name.
fn pages() -> Vec<(String, String)> {
    let place = Organisation::new("", "", "");
    assert_eq!(place.run(&["demo", "--out", "sample"]).exit, 0);
    let root = place.path("sample");
    let written = |folder: &str, end: &str| -> Vec<(String, String)> {
        let files = files_below(&root.join(folder)).into_iter();
        let named = files.filter(|path| path.extension().is_some_and(|own| own == end));
        named.map(|path| (name(&root, &path), std::fs::read_to_string(&path).unwrap())).collect()
    };
    let all: Vec<_> = ["html", "json"]
        .iter()
        .flat_map(|end| [written("report/latest", end), written("ledger", end)])
        .flatten()
        .collect();
    assert!(all.iter().filter(|(name, _)| name.ends_with("html")).count() >= 8, "{all:?}");
    all
}

fn name(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap().display().to_string()
}

fn is_page(name: &str) -> bool {
    name.ends_with(".html")
}

/// The parts of a page between two marks.
fn between<'a>(page: &'a str, begin: &str, end: &str) -> Vec<&'a str> {
    page.split(begin).skip(1).filter_map(|part| part.split_once(end).map(|(inside, _)| inside)).collect()
}

fn text(markup: &str) -> String {
    let outside = markup.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    outside.collect::<Vec<_>>().join(" ")
}

/// Whether a text tells a time of day, such as 9:30.
fn tells_a_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let colon = |(at, byte): (usize, &u8)| {
        *byte == b':' && at > 0 && digit(at - 1) && digit(at + 1) && digit(at + 2) && !digit(at + 3)
    };
    bytes.iter().enumerate().any(colon)
}

const WEEKDAYS: [&str; 14] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "Montag",
    "Dienstag",
    "Mittwoch",
    "Donnerstag",
    "Freitag",
    "Samstag",
    "Sonntag",
];

#[test]
fn g7_no_drawing_no_table_and_no_card_tells_a_time_of_day_or_a_weekday() {
    assert!(tells_a_time("at 9:30,") && tells_a_time("21:05") && !tells_a_time("x: 12, 1:234"));
    let mut looked_at = 0;
    for (name, page) in pages().iter().filter(|(name, _)| is_page(name)) {
        let drawings = between(page, "<svg", "</svg>").into_iter().map(str::to_owned);
        let tables = between(page, "<table", "</table>").into_iter().map(str::to_owned);
        // The leader's own block says on which day the leader talked.
        let common =
            page.split("<!--leader-->").map(|part| part.split_once("<!--/leader-->").map_or(part, |(_, after)| after));
        let common: String = common.collect();
        let cards = between(&common, "<article", "</article>").into_iter().map(str::to_owned).collect::<Vec<_>>();
        for part in drawings.chain(tables).chain(cards) {
            let said = text(&part);
            // Up to which moment a source was read says nothing of anybody's day.
            if said.contains("Complete to") || said.contains("Vollständig bis") {
                continue;
            }
            looked_at += 1;
            assert!(!tells_a_time(&said), "{name}: {said}");
            for weekday in WEEKDAYS {
                assert!(!said.contains(weekday), "{name}: {weekday} in {said}");
            }
        }
    }
    assert!(looked_at > 50, "{looked_at}");
}

#[test]
fn g8_links_lead_to_work_items_of_the_configured_sources_alone_and_pages_need_nothing_else() {
    let mut items = 0;
    for (name, page) in pages().iter().filter(|(name, _)| is_page(name)) {
        assert!(page.contains("default-src 'none'"), "{name}");
        for forbidden in
            ["<script", "<iframe", "<link", "<img", "<object", "<embed", "<form", "@import", "url(http", " src="]
        {
            assert!(!page.contains(forbidden), "{name}: {forbidden}");
        }
        for link in between(page, "href=\"", "\"") {
            let own =
                link.starts_with('#') || !link.contains("//") && (link.ends_with(".html") || link.ends_with(".json"));
            let ticket = link.strip_prefix("https://harbor.atlassian.net/browse/").is_some_and(|key| {
                let (project, number) = key.split_once('-').unwrap_or_default();
                project.bytes().all(|byte| byte.is_ascii_uppercase()) && number.parse::<u64>().is_ok()
            });
            let change = link.strip_prefix("https://github.com/harbor/").is_some_and(|rest| {
                let (repository, number) = rest.split_once("/pull/").unwrap_or_default();
                !repository.is_empty() && !repository.contains('/') && number.parse::<u64>().is_ok()
            });
            items += usize::from(ticket || change);
            assert!(own || ticket || change, "{name}: {link}");
        }
    }
    assert!(items > 50, "{items}");
}

/// Every link to an item stands in the card of a signal about work items, or beside the drawing of open work.
#[test]
fn g8_what_is_about_peoples_time_lists_no_item() {
    const TIME: [&str; 5] =
        ["outside_usual_hours", "work_on_days_off", "meeting_load", "no_quiet_block", "fewer_voices"];
    let mut seen = 0;
    for (name, text) in pages().iter().filter(|(name, _)| name.ends_with(".json")) {
        let page: Value = serde_json::from_str(text).unwrap();
        for card in page["conversations"].as_array().into_iter().flatten() {
            let signals: Vec<&str> = card["signals"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            seen += 1;
            if signals.iter().all(|signal| TIME.contains(signal)) {
                assert_eq!(card["items"], serde_json::json!([]), "{name}: {signals:?}");
            }
        }
    }
    assert!(seen >= 4, "{seen}");
}

#[test]
fn g15_everybody_reads_the_leaders_page_but_for_the_leaders_own_block() {
    let all = pages();
    let page = |name: &str| &all.iter().find(|(known, _)| known == name).unwrap().1;
    for team in ["payments", "platform"] {
        let edition = page(&format!("ledger/cleo/{team}.html"));
        let parts = edition.split("<!--leader-->");
        let common: String = parts
            .enumerate()
            .map(|(at, part)| if at == 0 { part } else { part.split_once("<!--/leader-->").unwrap().1 })
            .collect();
        assert_eq!(&common, page(&format!("report/latest/{team}.html")), "{team}");
        assert_ne!(edition, page(&format!("report/latest/{team}.html")), "{team}: the leader's block is there");
    }
}

/// The names of all keys of a value.
fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                found.insert(name.clone());
                keys(inner, found);
            }
        }
        Value::Array(list) => list.iter().for_each(|inner| keys(inner, found)),
        _ => {}
    }
}

#[test]
fn g18_no_field_scores_or_ranks_anybody_and_teams_stand_by_their_names() {
    let mut found = BTreeSet::new();
    let all = pages();
    for (name, text) in all.iter().filter(|(name, _)| name.ends_with(".json")) {
        keys(&serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}")), &mut found);
    }
    assert!(found.contains("conversations") && found.contains("usual_low"));
    for key in &found {
        // How many people a team has is the one thing that is told of people.
        let words: Vec<&str> = key.split('_').collect();
        for forbidden in [
            "score",
            "rank",
            "ranking",
            "rating",
            "grade",
            "percentile",
            "person",
            "author",
            "assignee",
            "velocity",
            "best",
            "worst",
        ] {
            assert!(!words.contains(&forbidden), "{key}");
        }
    }
    let index: Value =
        serde_json::from_str(&all.iter().find(|(name, _)| name.ends_with("index.json")).unwrap().1).unwrap();
    let names: Vec<&str> = index["teams"].as_array().unwrap().iter().filter_map(|team| team["name"].as_str()).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert!(names.len() >= 5 && names == sorted, "{names:?}");
    // No page but the index names two teams, and the index draws nothing but each team's own line.
    for (name, page) in all.iter().filter(|(name, _)| is_page(name) && !name.ends_with("index.html")) {
        let shown = names.iter().filter(|team| text(page).contains(&format!(" {team} "))).count();
        assert!(shown <= 1, "{name} names {shown} teams");
    }
}

#[test]
fn g19_the_same_data_give_the_same_bytes_whatever_the_key() {
    let (one, other) = (pages(), pages());
    assert_eq!(one.len(), other.len());
    for (left, right) in one.iter().zip(&other) {
        assert!(left == right, "{} differs", left.0);
    }
    let (_, figures) = one.iter().find(|(name, _)| name.ends_with("latest/payments.json")).unwrap();
    let figures: Value = serde_json::from_str(figures).unwrap();
    assert!(figures["method"]["version"].is_string(), "{}", figures["method"]);
    assert!(figures["method"]["false_cards_per_team_quarter"].is_number(), "{}", figures["method"]);
}
