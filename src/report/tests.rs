//! What a reader may rely on: budgets, equal bytes, nothing that executes, nothing that the figures do not hold.

use std::collections::BTreeSet;

use super::input::{Organisation, SignalState, Team};
use super::words::Words;
use super::{File, put_notice, render, sample, write};
use crate::catalogue::Catalogue;

fn rendered(organisation: &Organisation, teams: &[Team]) -> Vec<File> {
    render(organisation, teams, &Catalogue::embedded().unwrap(), &Words::embedded().unwrap()).unwrap()
}

fn text<'a>(files: &'a [File], name: &str) -> &'a str {
    let (_, bytes) = files.iter().find(|(known, _)| known == name).unwrap();
    std::str::from_utf8(bytes).unwrap()
}

fn pages(files: &[File]) -> Vec<(&str, &str)> {
    let pages = files.iter().filter(|(name, _)| name.ends_with(".html"));
    pages.map(|(name, bytes)| (name.as_str(), std::str::from_utf8(bytes).unwrap())).collect()
}

fn all() -> Vec<File> {
    rendered(&sample::organisation(), &sample::teams())
}

/// The names of elements with the names of their attributes, one entry a tag.
fn structure(page: &str) -> Vec<String> {
    let tags = page.split('<').skip(1).filter_map(|part| part.split_once('>').map(|(tag, _)| tag));
    let shape = |tag: &str| {
        let outside: String = tag.split('"').step_by(2).collect::<Vec<_>>().join("\"\"");
        outside.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    tags.map(shape).collect()
}

#[test]
fn g19_ten_runs_give_equal_bytes_whatever_the_order_of_the_teams() {
    let first = all();
    let mut teams = sample::teams();
    for _ in 0..10 {
        teams.rotate_left(1);
        assert!(rendered(&sample::organisation(), &teams) == first);
    }
}

#[test]
fn every_page_keeps_its_budget() {
    for (name, page) in pages(&all()) {
        let budget = if name == "index.html" { 40_000 } else { 150_000 };
        assert!(page.len() < budget, "{name}: {}", page.len());
        for drawing in page.split("<svg").skip(1).filter_map(|part| part.split_once("</svg>")) {
            assert!(drawing.0.len() < 20_000, "{name}");
        }
    }
    let style = include_str!("../../reports/style.css");
    assert!(style.len() < 12_000);
}

#[test]
fn an_index_of_two_hundred_teams_keeps_its_budget() {
    let named = |(at, team): (usize, Team)| Team { id: format!("{}-{at}", team.id), ..team };
    let teams: Vec<Team> = sample::teams().into_iter().cycle().take(200).enumerate().map(named).collect();
    let files = rendered(&sample::organisation(), &teams);
    let (_, index) = files.iter().find(|(name, _)| name == "index.html").unwrap();
    assert!((100_000..400_000).contains(&index.len()), "{}", index.len());
}

#[test]
fn a_page_runs_nothing_and_asks_nothing_of_the_network() {
    for (name, page) in pages(&all()) {
        for banned in ["<script", " style=", "@import", "url(", "src=", "onload", "<!--notice--><", "javascript:"] {
            assert!(!page.contains(banned), "{name}: {banned}");
        }
        for link in page.split("href=\"").skip(1).filter_map(|part| part.split_once('"')) {
            let own = link.0.starts_with('#') || link.0.ends_with(".html") || link.0.ends_with(".json");
            assert!(own || link.0.starts_with("https://jira.example.com/browse/PAY-"), "{name}: {}", link.0);
        }
        assert_eq!(page.matches("<h1").count(), 1, "{name}");
        assert!(page.contains("default-src 'none'") && page.contains("style-src 'sha256-") || page.contains("&#39;"));
    }
}

#[test]
fn no_placeholder_and_no_missing_word_reaches_a_page() {
    for (name, page) in pages(&all()) {
        let body = page.split_once("</style>").unwrap().1;
        assert!(!body.contains('{') && !body.contains("&lt;") && !body.contains("&#60;"), "{name}");
    }
}

#[test]
fn g18_teams_stand_in_alphabetical_order_on_the_index() {
    let files = all();
    let index = text(&files, "index.html");
    let place = |name: &str| index.find(&format!("{name}.html")).unwrap();
    let places = ["checkout", "data", "ledger", "onboarding", "payments", "search"].map(place);
    assert!(places.is_sorted());
    let figures: serde_json::Value = serde_json::from_str(text(&files, "index.json")).unwrap();
    assert_eq!(figures["teams"][4]["conversations"], serde_json::json!(["stalled_work", "moving_dates"]));
}

#[test]
fn without_the_index_no_page_shows_teams_together() {
    let organisation = Organisation { index: false, ..sample::organisation() };
    let files = rendered(&organisation, &sample::teams());
    assert!(!files.iter().any(|(name, _)| name == "index.html"));
    assert!(files.iter().any(|(name, _)| name == "index.json"));
}

#[test]
fn g8_hidden_work_items_leave_no_key_and_no_link_anywhere() {
    let organisation = Organisation { show_work_items: false, ..sample::organisation() };
    for (name, bytes) in rendered(&organisation, &sample::teams()) {
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains("PAY-") && !text.contains("jira.example.com"), "{name}");
    }
}

#[test]
fn ochre_is_drawn_on_open_cards_only() {
    let files = all();
    let drawn = |name: &str| {
        let page = text(&files, name).split_once("</style>").unwrap().1;
        page.matches("notice\"").count() + page.matches("fwash").count()
    };
    for calm in ["checkout.html", "data.html", "onboarding.html", "search.html"] {
        assert_eq!(drawn(calm), 0, "{calm}");
    }
    assert!(drawn("payments.html") > 0 && drawn("ledger.html") > 0);
    // Items beyond the limit without a card about them stay teal.
    let mut calm = sample::team("calm", "Calm");
    calm.ageing = Some(sample::ageing(&[1, 2, 3, 40]));
    let files = rendered(&sample::organisation(), &[calm]);
    let page = text(&files, "calm.html");
    assert!(page.contains(">PAY-427<") && !page.split_once("</style>").unwrap().1.contains("fnotice"));
}

#[test]
fn every_number_of_a_card_occurs_in_the_figures_beside_it() {
    let files = all();
    for team in ["payments", "ledger"] {
        let page = text(&files, &format!("{team}.html"));
        let figures = text(&files, &format!("{team}.json"));
        let known: BTreeSet<&str> = numbers(figures).collect();
        for card in page.split("<article").skip(1).filter_map(|part| part.split_once("<figure>")) {
            let words: String = card.0.split('>').filter_map(|part| part.split('<').next()).collect();
            let words = words.replace("&#39;", "’");
            for number in numbers(&words) {
                assert!(known.contains(number), "{team}: {number}");
            }
        }
    }
}

#[test]
fn every_open_item_of_the_table_occurs_in_the_figures() {
    let files = all();
    let figures: serde_json::Value = serde_json::from_str(text(&files, "payments.json")).unwrap();
    let work = figures["open_work"].as_array().unwrap();
    assert_eq!((work.len(), work[11]["working_days"].as_i64()), (12, Some(31)));
    let page = text(&files, "payments.html");
    for item in work {
        let (key, days) = (item["ref"].as_str().unwrap(), &item["working_days"]);
        assert!(page.contains(&format!("<bdi>{key}</bdi></a></td><td><bdi>{days}</bdi>")), "{key}");
    }
}

#[test]
fn every_text_of_a_drawing_lies_inside_it_by_the_width_table() {
    let mut teams = sample::teams();
    for team in &mut teams {
        let (from, to) = (jiff::civil::date(2026, 8, 3), jiff::civil::date(2026, 8, 5));
        team.events.push(super::input::Event { from, to, label: "release of everything, ".repeat(4) });
    }
    let files: Vec<File> = rendered(&sample::organisation(), &teams).into_iter().chain(german(&teams)).collect();
    let mut seen = 0;
    for (name, page) in pages(&files) {
        for drawing in page.split("<svg class=\"chart").skip(1) {
            let width = if drawing.starts_with(" wide") { 720.0 } else { 344.0 };
            for part in drawing.split("<text ").skip(1) {
                let (tag, rest) = part.split_once('>').unwrap();
                let words = rest.split_once('<').unwrap().0;
                let value = |key: &str| -> f64 {
                    tag.split_once(&format!("{key}=\"")).unwrap().1.split_once('"').unwrap().0.parse().unwrap()
                };
                let (x, wide) = (value(" x"), super::chart::svg::text_width(words, value("font-size")));
                let from = x - if tag.contains("\"end\"") {
                    wide
                } else if tag.contains("middle") {
                    wide / 2.0
                } else {
                    0.0
                };
                assert!(from >= -0.5 && from + wide <= width + 0.5, "{name}: {words} from {from} to {}", from + wide);
                seen += 1;
            }
        }
    }
    assert!(seen > 600);
}

#[test]
fn templates_trust_only_drawings_and_the_style_sheet() {
    let templates = [
        include_str!("../../reports/head.html"),
        include_str!("../../reports/figure.html"),
        include_str!("../../reports/team.html"),
        include_str!("../../reports/index.html"),
    ];
    let trusted: Vec<&str> = templates
        .iter()
        .flat_map(|text| {
            text.split("{{").skip(1).filter_map(|part| part.split_once("|safe").map(|(name, _)| name.trim()))
        })
        .filter(|name| !name.contains("}}"))
        .collect();
    assert_eq!(trusted, ["style", "figure.wide", "figure.phone", "row.spark", "row.spark"]);
}

/// What of a template stands outside tags and expressions, a piece a line.
fn template_text(template: &str) -> String {
    let mut text = template.to_owned();
    for (open, close) in [("{{", "}}"), ("{%", "%}"), ("<", ">")] {
        while let Some((before, rest)) = text.split_once(open) {
            let after = rest.split_once(close).map_or("", |(_, after)| after);
            text = format!("{before}{}{after}", if open == "<" { "\n" } else { "" });
        }
    }
    text
}

#[test]
fn no_sentence_of_a_page_stands_in_a_template_or_in_code() {
    let templates = [
        include_str!("../../reports/head.html"),
        include_str!("../../reports/figure.html"),
        include_str!("../../reports/team.html"),
        include_str!("../../reports/index.html"),
    ];
    for template in templates {
        let bare = template_text(template);
        let words: Vec<&str> = bare.lines().filter(|text| text.chars().any(char::is_alphabetic)).collect();
        assert!(words.iter().all(|text| text.trim() == "·  · undercurrent"), "{words:?}");
    }
    let code = [
        ("document.rs", include_str!("document.rs")),
        ("figure.rs", include_str!("figure.rs")),
        ("page.rs", include_str!("page.rs")),
        ("edition.rs", include_str!("../pipeline/edition.rs")),
        ("freshness.rs", include_str!("../pipeline/freshness.rs")),
        ("context.rs", include_str!("../pipeline/context.rs")),
    ];
    for (file, text) in code {
        let own = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = own.lines().filter(|line| !line.trim_start().starts_with("//") && !line.contains("reason = \""));
        for literal in lines.flat_map(|line| line.split('"').skip(1).step_by(2)) {
            let words = literal.split(' ').filter(|word| word.len() > 1 && word.chars().all(char::is_alphabetic));
            assert!(words.count() < 2, "{file}: {literal}");
        }
    }
}

fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_digit()).filter(|number| !number.is_empty())
}

#[test]
fn the_drawing_of_a_card_agrees_with_the_cards_own_figures() {
    let mut team = sample::team("payments", "Payments");
    sample::open(&mut team, "waiting_for_review", jiff::civil::date(2026, 11, 23));
    let signal = team.signals.get_mut("waiting_for_review").unwrap();
    let seen = super::input::Observation { x: Some(22), n: 31, ..sample::seen("waiting_for_review", 22, 31) };
    (signal.observation, team.cards[0].observations[0]) = (Some(seen.clone()), seen);
    let signal = team.signals.get_mut("waiting_for_review").unwrap();
    let last = signal.points.last_mut().unwrap();
    (last.x, last.n) = (Some(22), 31);
    let files = rendered(&sample::organisation(), &[team]);
    let page = text(&files, "payments.html");
    // Rounded as series are, it would be 20 of 30: 67 %.
    assert!(page.contains("22 of 31") && page.contains(">71 %<") && !page.contains("67 %"), "{page}");
    let figures: serde_json::Value = serde_json::from_str(text(&files, "payments.json")).unwrap();
    assert_eq!(figures["series"]["waiting_for_review"][13]["x"], 20, "the series stay rounded");
}

#[test]
fn g4_series_are_rounded_and_few_stays_few() {
    let files = all();
    let figures: serde_json::Value = serde_json::from_str(text(&files, "payments.json")).unwrap();
    let points = figures["series"]["moving_dates"].as_array().unwrap();
    assert_eq!(points.len(), 14);
    assert!(points.iter().all(|point| point["n"] == 70));
    assert_eq!(points[3]["x"], serde_json::Value::Null);
    let card = &figures["conversations"][1]["observation"];
    assert_eq!((&card["x"], &card["n"]), (&16.into(), &68.into()));
    assert!(text(&files, "payments.html").contains("<td><bdi>few</bdi></td>"));
}

#[test]
fn g3_a_group_that_is_hidden_is_told_so_and_nothing_else() {
    let files = all();
    let page = text(&files, "search.html");
    assert!(page.contains("Nothing is drawn for this group") && !page.contains("class=\"chart"));
    let figures: serde_json::Value = serde_json::from_str(text(&files, "search.json")).unwrap();
    assert_eq!(figures["series"], serde_json::json!({}));
    assert_eq!(figures["not_shown"].as_array().unwrap().len(), 6);
    assert_eq!(figures["within_usual"], serde_json::json!([]));
}

/// Whatever is the reason, and whatever lies behind it, a hidden group has one page.
#[test]
fn g3_nothing_behind_a_hidden_group_changes_a_byte() {
    let hidden = |team: Team| {
        let team = Team { id: "one".to_owned(), name: "One".to_owned(), people: 3, hidden: true, ..team };
        let state = |signal: super::input::Signal| super::input::Signal { state: SignalState::NotShown, ..signal };
        let signals = team.signals.into_iter().map(|(slug, signal)| (slug, state(signal))).collect();
        rendered(&sample::organisation(), &[Team { signals, ..team }])
    };
    let teams = sample::teams();
    let full = teams.iter().find(|team| team.cards.len() > 1).unwrap();
    let bare = Team { cards: Vec::new(), ageing: None, ..full.clone() };
    let strip = |team: &Team| {
        let empty = |signal: &super::input::Signal| super::input::Signal {
            points: Vec::new(),
            observation: None,
            year_ago: None,
            ..signal.clone()
        };
        Team {
            signals: team.signals.iter().map(|(slug, signal)| (slug.clone(), empty(signal))).collect(),
            ..team.clone()
        }
    };
    for ((name, one), (_, other)) in hidden(full.clone()).iter().zip(&hidden(strip(&bare))) {
        let (one, other) = (String::from_utf8_lossy(one), String::from_utf8_lossy(other));
        let differs = one.lines().zip(other.lines()).find(|(one, other)| one != other);
        assert_eq!(differs, None, "{name}");
    }
    assert!(hidden(full.clone()) != rendered(&sample::organisation(), std::slice::from_ref(full)));
}

#[test]
fn g20_a_failed_source_is_named_and_its_signals_are_not_called_usual() {
    let files = all();
    let page = text(&files, "onboarding.html");
    assert!(page.contains("Calendars could not be read"));
    let figures: serde_json::Value = serde_json::from_str(text(&files, "onboarding.json")).unwrap();
    assert_eq!(figures["not_computed"].as_array().unwrap().len(), 2);
    assert!(!figures["within_usual"].as_array().unwrap().iter().any(|slug| slug == "meeting_load"));
}

#[test]
fn markup_in_every_text_of_the_outside_changes_no_element_and_no_attribute() {
    let hostile = "\"><script>alert(1)</script><img src=x onerror='y'>{{7*7}}&\u{202E}\u{0}";
    let make = |text: &str| {
        let mut team = sample::team("payments", &format!("P{text}"));
        sample::open(&mut team, "stalled_work", jiff::civil::date(2026, 11, 23));
        team.cards[0].items = vec![sample::item(&format!("K{text}"), Some(3))];
        team.cards[0].items[0].url = Some("https://jira.example.com/browse/K-1".to_owned());
        let mut open = sample::ageing(&[1, 2, 3, 20]);
        open.items[3].item.key = format!("K{text}");
        open.items[3].item.url = None;
        team.ageing = Some(open);
        team.sources[0].name = format!("S{text}");
        team.sources[0].covers = format!("C{text}");
        team.sources[0].gap = Some(format!("G{text}"));
        let (from, to) = (jiff::civil::date(2026, 11, 11), jiff::civil::date(2026, 11, 12));
        team.events = vec![super::input::Event { from, to, label: format!("E{text}") }];
        let organisation = Organisation { name: format!("O{text}"), ..sample::organisation() };
        rendered(&organisation, &[team])
    };
    // A harmless text of the same length leaves the same room in the drawings.
    let (plain, marked) = (make(&"x".repeat(hostile.chars().count())), make(hostile));
    for name in ["payments.html", "index.html"] {
        let (plain, marked) = (structure(text(&plain, name)), structure(text(&marked, name)));
        let other = plain.iter().zip(&marked).find(|(left, right)| left != right);
        assert!(other.is_none() && plain.len() == marked.len(), "{name}: {other:?}");
    }
    for (name, page) in pages(&marked) {
        assert!(!page.contains(['\u{202E}', '\u{0}']), "{name}");
    }
}

#[test]
fn an_address_of_another_scheme_is_shown_without_a_link() {
    let mut team = sample::team("payments", "Payments");
    sample::open(&mut team, "stalled_work", jiff::civil::date(2026, 11, 23));
    team.cards[0].items = vec![sample::item("PAY-1", None)];
    team.cards[0].items[0].url = Some("javascript:alert(1)".to_owned());
    let files = rendered(&sample::organisation(), &[team]);
    assert!(text(&files, "payments.html").contains("<bdi>PAY-1</bdi>"));
    assert!(!files.iter().any(|(_, bytes)| String::from_utf8_lossy(bytes).contains("javascript:")));
}

#[test]
fn what_three_teams_share_stands_first_on_the_index() {
    let mut teams = ["a", "b", "c"].map(|id| sample::team(id, &id.to_uppercase())).to_vec();
    for team in &mut teams {
        sample::open(team, "moving_dates", jiff::civil::date(2026, 11, 23));
    }
    let files = rendered(&sample::organisation(), &teams);
    assert!(text(&files, "index.html").contains("Shared by three teams, so probably not about any one of them"));
    let figures: serde_json::Value = serde_json::from_str(text(&files, "index.json")).unwrap();
    assert_eq!(figures["shared"][0]["teams"], serde_json::json!(["a", "b", "c"]));
}

#[test]
fn a_signal_without_enough_or_switched_off_is_not_called_usual() {
    let mut team = sample::team("payments", "Payments");
    team.signals.get_mut("meeting_load").unwrap().state = SignalState::Off;
    team.signals.get_mut("moving_dates").unwrap().state = SignalState::NotEnough;
    let files = rendered(&sample::organisation(), &[team]);
    let figures: serde_json::Value = serde_json::from_str(text(&files, "payments.json")).unwrap();
    assert_eq!(figures["within_usual"].as_array().unwrap().len(), 4);
    assert!(figures["series"].get("meeting_load").is_none());
}

#[test]
fn reports_are_swapped_in_whole_and_a_notice_replaces_the_older_one() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let date = jiff::civil::date(2026, 11, 23);
    let latest = write(folder.path(), date, &all(), (0o750, 0o640)).unwrap();
    let again = write(folder.path(), date, &all(), (0o750, 0o640)).unwrap();
    assert_eq!(latest, again);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    assert_eq!(put_notice(&latest, "Nothing could be read on 24 November <b>").unwrap(), 7);
    assert_eq!(put_notice(&latest, "Nothing could be read on 25 November").unwrap(), 7);
    let page = std::fs::read_to_string(latest.join("payments.html")).unwrap();
    assert!(!page.contains("24 November <b>") && page.matches("class=\"notice\"").count() == 1);
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&latest), mode(&latest.join("payments.html"))), (0o750, 0o640), "also under the notice");
    let dated = folder.path().join("2026-11-23/payments.html");
    assert!(!std::fs::read_to_string(dated).unwrap().contains("25 November"));
}

#[test]
fn last_year_and_what_the_roster_explains_stand_on_the_card_and_the_measured_rate_beside_it() {
    let mut team = sample::team("payments", "Payments");
    sample::open(&mut team, "waiting_for_review", jiff::civil::date(2026, 11, 23));
    let (from, to) = (jiff::civil::date(2025, 11, 10), jiff::civil::date(2025, 11, 21));
    let signal = team.signals.get_mut("waiting_for_review").unwrap();
    signal.year_ago = Some(super::input::Point { from, to, x: None, n: 41 });
    team.context =
        vec![super::input::Context::Holiday(jiff::civil::date(2026, 11, 18)), super::input::Context::Joiners];
    team.false_cards = Some(0.02);
    let files = rendered(&sample::organisation(), &[team]);
    let figures: serde_json::Value = serde_json::from_str(text(&files, "payments.json")).unwrap();
    let card = &figures["conversations"][0];
    assert_eq!(card["observation"]["year_ago"], serde_json::json!({ "x": null, "n": 41 }));
    let readings = card["may_also_be"].as_array().unwrap();
    assert!(readings[0].as_str().unwrap().contains("public holiday fell on"), "{readings:?}");
    assert!(readings[1].as_str().unwrap().starts_with("many members are new"), "{readings:?}");
    let page = text(&files, "payments.html");
    assert!(page.contains("the same ten working days a year before: few of 41"), "the season is told");
    assert!(page.contains("by chance: fewer than 0.1 such cards per team and quarter"));
}

/// The sample in German.
fn german(teams: &[Team]) -> Vec<File> {
    let mut catalogue = Catalogue::embedded().unwrap();
    for (slug, _) in crate::catalogue::shipped() {
        let words = crate::catalogue::translation("de", slug).and_then(crate::catalogue::wording::Wording::parse);
        words.zip(catalogue.card_mut(slug)).map(|(words, card)| card.reword(words)).unwrap();
    }
    let words = Words::shipped("de").unwrap().unwrap();
    render(&sample::organisation(), teams, &catalogue, &words).unwrap()
}

#[test]
fn a_german_page_says_so_and_holds_no_english_sentence_of_the_program() {
    let files = german(&sample::teams());
    let english: toml::Table = toml::from_str(super::words::source("en").unwrap()).unwrap();
    for (name, page) in pages(&files) {
        assert!(page.contains("<html lang=\"de\">") && page.contains("Oktober") | page.contains("November"), "{name}");
        let body = page.split_once("</style>").unwrap().1;
        assert!(!body.contains("&lt;") && !body.contains("&#60;") && !body.contains('{'), "{name}");
        for (key, text) in english.iter().filter(|(key, _)| *key != "product") {
            let longest = text.as_str().unwrap().split(['{', '}', '"', '\'']).max_by_key(|part| part.len()).unwrap();
            assert!(longest.len() < 12 || !body.contains(longest), "{name}: {key}: {longest}");
        }
    }
    assert!(text(&files, "payments.html").contains("Seit dem letzten Mal"));
    assert!(text(&files, "ledger.html").contains("Überlast"));
}

#[test]
fn g18_no_page_shows_arrows_faces_or_marks_and_none_of_its_elements_is_called_a_score() {
    for files in [all(), german(&sample::teams())] {
        for (name, page) in pages(&files) {
            let glyph = |letter: char| matches!(letter, '\u{2190}'..='\u{21FF}' | '\u{1F300}'..='\u{1FAFF}' | '\u{2600}'..='\u{27BF}');
            assert!(!page.contains(glyph), "{name}");
            for tag in structure(page) {
                assert!(!tag.to_lowercase().contains("score"), "{name}: {tag}");
            }
            let named = page.split(['"', '>']).filter(|part| part.len() < 60);
            let banned = ["score", "rating", "grade", "ranking"];
            let bad: Vec<&str> = named.filter(|part| banned.iter().any(|word| part.to_lowercase() == *word)).collect();
            assert!(bad.is_empty(), "{name}: {bad:?}");
        }
    }
}
