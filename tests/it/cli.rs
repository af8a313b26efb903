//! The program as a user meets it: what each command prints, and the exit code of everything that can go wrong.

use std::fs;

use serde_json::Value;
use undercurrent::store::Store;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::organisation::{self, Ended, Organisation, github_lines};
use crate::support::{KEY, fixture, github};

const TEAM: &str = "repositories = [\"harbor/payments\"]";

/// An organisation that reads from nowhere.
fn alone() -> Organisation {
    Organisation::new("", "", "")
}

#[track_caller]
fn says(ended: &Ended, exit: i32, parts: &[&str]) {
    assert_eq!(ended.exit, exit, "{ended:?}");
    for part in parts {
        assert!(ended.complained.contains(part), "{part} is missing: {ended:?}");
    }
}

#[test]
fn words_are_held_against_the_rules_and_a_rejected_text_ends_with_2() {
    let place = alone();
    let ended = place.run(&["words", "check"]);
    assert!(ended.exit == 0 && ended.printed.contains("files, 0 texts to change"), "{ended:?}");
    fs::create_dir(place.path("own")).unwrap();
    fs::write(place.path("own/stalled_work.toml"), "title = \"Work at rest\"\n").unwrap();
    assert_eq!(place.run(&["words", "check", "own"]).exit, 0);
    fs::write(place.path("own/page.toml"), "language = \"de\"\n\nfew = \"stets faul\"\n").unwrap();
    let ended = place.run(&["words", "check", "own"]);
    assert_eq!(ended.exit, 2);
    assert!(ended.printed.contains("own/page.toml:3: `few`: L1 keine wertenden Wörter: \"faul\""), "{ended:?}");
    assert_eq!(place.run(&["words", "check", "own", "--language", "en"]).exit, 0);
    says(&place.run(&["words", "check", "none"]), 2, &["none: the folder cannot be read"]);
    says(&place.run(&["words", "check", "own", "--language", "xx"]), 2, &["language.toml: cannot be read"]);
}

#[test]
fn own_words_that_the_rules_reject_are_called_wrong_by_check_and_warned_of_by_a_run_that_goes_on() {
    let place = Organisation::new("[report]\nlanguage = \"de\"\nwords = \"own\"\n", "", "");
    fs::create_dir(place.path("own")).unwrap();
    fs::write(place.path("own/stalled_work.toml"), "\ntitle = \"Faule Arbeit\"\n").unwrap();
    let told = "stalled_work.toml:2: L1 keine wertenden Wörter: \"Faule\"; the words that come with the program stand";
    let ended = place.run(&["check"]);
    assert!(ended.printed.lines().any(|line| line.starts_with("WRONG") && line.contains(told)), "{ended:?}");
    let ended = place.run(&["run"]);
    assert!(ended.exit == 0 && ended.complained.contains(told), "{ended:?}");
    assert!(place.read("report/latest/index.html").contains("<html lang=\"de\">"));
}

#[test]
fn single_texts_from_standard_input_are_answered_line_by_line() {
    let asked = "{\"slot\":\"question\",\"text\":\"Why is this late?\"}\n\n\
                 {\"slot\":\"could_do\",\"text\":\"You could wait.\"}\n";
    let answer = |text: &str| {
        let run = assert_cmd::Command::cargo_bin("undercurrent")
            .unwrap()
            .args(["words", "check", "-"])
            .write_stdin(text)
            .ok();
        let output = run.unwrap_or_else(|error| error.as_output().unwrap().clone());
        let printed = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        (output.status.code(), printed)
    };
    let (exit, printed) = answer(asked);
    assert_eq!(exit, Some(2));
    let lines = ["{\"verdict\":\"reject\",\"rules\":[\"L7\",\"L8\"]}", "{\"verdict\":\"accept\",\"rules\":[]}"];
    assert_eq!(printed.lines().collect::<Vec<_>>(), lines);
    let (exit, printed) = answer("{\"slot\":\"poem\",\"text\":\"Roses\"}\n");
    assert!(exit == Some(2) && printed.contains("line 1: there is no slot \"poem\"; known: title"), "{printed}");
    assert_eq!(answer("{\"slot\":\"title\",\"text\":\"Work at rest\"}\n").0, Some(0));
}

#[test]
fn the_sample_is_written_and_its_place_is_printed() {
    let place = alone();
    let ended = place.run(&["demo", "--out", "sample"]);
    assert_eq!(ended.exit, 0, "{ended:?}");
    assert!(ended.printed.contains("sample/report/latest/index.html"), "{ended:?}");
    for page in ["index.html", "index.json", "payments.html", "payments.json"] {
        assert!(place.read(&format!("sample/report/latest/{page}")).len() > 500, "{page}");
    }
    assert!(place.path("sample/undercurrent.toml").exists());
    a_card_of_the_page_is_computed_again(&place);
    own_and_optional_signals_stand_on_the_page(&place);
}

/// The exact series of a signal gives the figures of its card.
fn a_card_of_the_page_is_computed_again(place: &Organisation) {
    let config = ["--config", "sample/undercurrent.toml"];
    let asked = ["signals", "waiting_for_review", "--team", "payments", "--json"];
    let series = place.run(&[&asked[..], &config[..]].concat());
    fs::write(place.path("series.json"), &series.printed).unwrap();
    let computed: Value = serde_json::from_str(&place.run(&["usual-range", "series.json"]).printed).unwrap();
    let series: Value = serde_json::from_str(&series.printed).unwrap();
    let page: Value = serde_json::from_str(&place.read("sample/report/latest/payments.json")).unwrap();
    let card = &page["conversations"][0];
    let shown = card["observations"].as_array().unwrap().iter().find(|one| one["signal"] == "waiting_for_review");
    let (shown, computed, series) = (shown.unwrap(), &computed["series"][0], &series["series"][0]);
    assert_eq!((&shown["x"], &shown["n"]), (&series["w10"][0], &series["w10"][1]));
    for (on_page, again) in
        [("usual_low", "usual_low"), ("usual_high", "usual_high"), ("past_within", "k"), ("past_total", "K")]
    {
        assert_eq!(shown[on_page], computed[again], "{on_page}");
    }
    says(&place.run(&["signals", "stalled_work", "--team", "x", "--config", config[1]]), 2, &["no team x", "payments"]);
}

/// A signal of one's own and an optional one are computed like the others; a wrong one ends the command.
fn own_and_optional_signals_stand_on_the_page(place: &Organisation) {
    let page = |place: &Organisation| place.read("sample/report/latest/payments.json");
    assert!(!page(place).contains("too_much_at_once"), "optional signals are off");
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let card = fs::read_to_string(root.join("reports/cards/meeting_load.toml")).unwrap();
    let query = fs::read_to_string(root.join("queries/signals/meeting_load.sql")).unwrap();
    fs::create_dir(place.path("sample/own")).unwrap();
    fs::write(place.path("sample/own/full_days.toml"), card.replace("core = true", "core = false")).unwrap();
    fs::write(place.path("sample/own/full_days.sql"), &query).unwrap();
    let config = place.read("sample/undercurrent.toml");
    let signals = "\n[signals]\non = [\"too_much_at_once\"]\nextra = \"own\"\n";
    fs::write(place.path("sample/undercurrent.toml"), config + signals).unwrap();
    let report = ["report", "--config", "sample/undercurrent.toml"];
    assert_eq!(place.run(&report).exit, 0);
    for slug in ["full_days", "too_much_at_once"] {
        assert!(page(place).contains(slug), "{slug}");
    }
    fs::write(place.path("sample/own/full_days.sql"), query + "LIMIT 3\n").unwrap();
    says(&place.run(&report), 2, &["own/full_days.sql: LIMIT: leave it out"]);
}

#[test]
fn a_wrong_configuration_is_told_with_every_place_at_once() {
    let place = alone();
    let text =
        place.read("undercurrent.toml").replace("Europe/Berlin", "Europe/Nowhere").replace("members", "memmbers");
    fs::write(place.path("undercurrent.toml"), text).unwrap();
    let lines = [place.line("Europe/Nowhere"), place.line("memmbers")];
    let places = lines.map(|line| format!("undercurrent.toml:{line}:"));
    says(&place.night(), 2, &[&places[0], &places[1], "did you mean `members`?"]);
    assert!(!place.path("store").exists() && !place.path("report").exists());
}

#[test]
fn a_missing_token_is_told_with_the_line_that_names_it() {
    let sources = "[[github]]\nurl = \"https://api.github.com\"\ntoken-env = \"NO_SUCH_VARIABLE\"\n";
    let place = Organisation::new(sources, TEAM, "");
    let line = format!("undercurrent.toml:{}: ", place.line("[[github]]"));
    says(&place.night(), 2, &[&line, "NO_SUCH_VARIABLE is not set"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn g20_where_every_source_fails_the_pages_stay_with_a_dated_notice() {
    let (server, _) = github::start(organisation::github()).await;
    let place = Organisation::new(&github_lines(&server.uri()), TEAM, "");
    assert_eq!(place.night().exit, 0);
    let page = place.read("report/latest/payments.html");
    drop(server);
    says(&place.night(), 3, &["incomplete: github:127.0.0.1", "harbor/payments: the service cannot be reached"]);
    let after = place.read("report/latest/payments.html");
    let (before, rest) = after.split_once("<p class=\"notice\">").expect("the page has a notice");
    let (notice, rest) = rest.split_once("</p>").expect("the notice ends");
    assert!(notice.contains("24 November") && notice.contains("no source could be read"), "{notice}");
    assert_eq!(format!("{before}{rest}"), page, "nothing else has changed");
    assert_eq!(place.record()["gaps"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_has_an_exit_code_of_its_own() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(401).set_body_string("{}")).mount(&server).await;
    let place = Organisation::new(&github_lines(&server.uri()), TEAM, "");
    says(&place.night(), 4, &["GitHub refuses the token"]);
    assert!(server.received_requests().await.unwrap_or_default().len() <= 2, "refused credentials are not tried again");
}

#[test]
fn a_second_run_at_once_is_turned_away() {
    let place = alone();
    let _running = Store::open(&place.path("store"), || Ok(KEY)).unwrap();
    says(&place.night(), 5, &["another run holds the lock"]);
}

#[test]
fn a_store_that_cannot_be_written_has_an_exit_code_of_its_own() {
    let place = alone();
    fs::write(place.path("store"), "a file where a folder belongs").unwrap();
    says(&place.night(), 6, &["cannot open", "store"]);
    assert_eq!(place.read("store"), "a file where a folder belongs");
}

#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let place = alone();
    assert_eq!(place.night().exit, 0);
    let manifest = place.read("store/MANIFEST");
    let (body, _) = manifest.trim_end().rsplit_once('\n').expect("the last line is a checksum");
    let newer = body.replacen("\"format\": 1", "\"format\": 99", 1);
    assert_ne!(newer, body);
    let newer = format!("{newer}\n{}\n", blake3::hash(newer.as_bytes()).to_hex());
    fs::write(place.path("store/MANIFEST"), &newer).unwrap();
    says(&place.night(), 7, &["MANIFEST", "format 99", "newer version"]);
    assert_eq!(place.read("store/MANIFEST"), newer);
    fs::write(place.path("store/MANIFEST"), manifest.replacen("seq", "sequence", 1)).unwrap();
    says(&place.night(), 7, &["MANIFEST is damaged: its checksum"]);
}

#[test]
fn an_unreadable_clone_and_a_broken_calendar_are_named_by_their_lines() {
    let place = Organisation::new("", "git = [\"clones/none.git\"]", "calendar = \"broken.ics\"");
    fs::write(place.path("broken.ics"), "this is no calendar").unwrap();
    let (clone, calendar) = (place.line("clones/none.git"), place.line("broken.ics"));
    let ended = place.night();
    assert!(!ended.complained.contains('\u{1b}'), "colours are for terminals alone: {ended:?}");
    says(&ended, 3, &[&format!("undercurrent.toml:{clone}"), &format!("undercurrent.toml:{calendar}")]);
    assert!(!ended.complained.contains("none.git") && !ended.complained.contains("broken.ics"), "{ended:?}");
}

#[test]
fn signals_are_listed_and_explained_and_an_unknown_one_is_told() {
    let place = alone();
    let listed = place.run(&["signals"]);
    let cards = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/reports/cards")).unwrap().count();
    assert_eq!(
        (listed.exit, listed.printed.lines().count()),
        (0, cards - 1),
        "the joint card is no signal: {listed:?}"
    );
    let explained = place.run(&["signals", "stalled_work"]);
    assert_eq!(explained.exit, 0);
    for part in ["Cannot see: ", "It may also be:", "SELECT "] {
        assert!(explained.printed.contains(part), "{part} is missing: {explained:?}");
    }
    says(&place.run(&["signals", "laziness"]), 2, &["there is no signal laziness; known: ", "stalled_work"]);
    says(&place.run(&["store", "files", "people"]), 2, &["there is no table people; known: ", "people_accounts"]);
}

#[test]
fn a_figure_can_be_computed_again_from_its_series() {
    let place = alone();
    let file = fixture("usual_range.json");
    let ended = place.run(&["usual-range", &file.display().to_string()]);
    assert_eq!(ended.exit, 0, "{}", ended.complained);
    let answers: serde_json::Value = serde_json::from_str(&ended.printed).unwrap();
    let first = ended.printed.find("\"s001\"").map(|at| &ended.printed[at..]).unwrap_or_default();
    assert!(answers.is_array() || answers.is_object());
    assert!(first.contains("\"usual_low\": 0") && first.contains("\"usual_high\": 5"), "{}", &ended.printed[..400]);
    says(&place.run(&["usual-range", "undercurrent.toml"]), 2, &["undercurrent.toml"]);
}

#[test]
fn completions_and_the_manual_name_every_command() {
    let place = alone();
    let manual = place.run(&["man"]);
    assert_eq!(manual.exit, 0, "{manual:?}");
    for shell in ["bash", "zsh", "fish"] {
        let ended = place.run(&["completions", shell]);
        assert_eq!(ended.exit, 0, "{ended:?}");
        for command in ["run", "check", "forget", "verify", "repair", "rollback", "rotate-key", "mirror", "talked"] {
            assert!(ended.printed.contains(command), "{shell}: {command}");
            let named = manual.printed.contains(&format!("undercurrent {command}").replace('-', "\\-"));
            assert!(named, "the manual: {command}");
        }
    }
    assert_eq!(place.run(&["completions", "abacus"]).exit, 2);
}
