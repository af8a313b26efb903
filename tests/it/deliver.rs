//! Deliveries after the night: to whom, how often, and that none of their failures loses a report or tells a secret.

use std::fs;

use serde_json::Value;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::support::organisation::{Ended, Organisation};
use crate::support::smtp::{HOSTILE, Manner, Server};

const PLAIN: &str = "security = \"none\"";
const RECIPIENTS: &str = "recipients = [\"mail-ada@example.com\", \"mail-lead@example.com\"]";
const WEBHOOK: &str = "webhook = { url-file = \"hook.secret\" }";
const PAGE: &str = "report/latest/payments.html";

/// An organisation whose webhook and healthcheck lie at an address.
fn organisation(sources: &str, team: &str, hook: &str) -> Organisation {
    let place = Organisation::new(sources, team, "");
    fs::write(place.path("hook.secret"), hook).unwrap();
    fs::write(place.path("password.secret"), "token-of-a-test\n").unwrap();
    place
}

/// Every run of these tests: nothing that a server said, and no address of a hook, may be printed or recorded.
#[track_caller]
fn kept_quiet(place: &Organisation, ended: &Ended) {
    let record = fs::read_to_string(place.path("store/last-run.json")).unwrap_or_default();
    for text in [&ended.printed, &ended.complained, &record] {
        for private in ["canary", "\u{1b}", "/secret-of-the-hook", "@example.com"] {
            assert!(!text.contains(private), "{private}: {text}");
        }
    }
}

async fn http(answer: ResponseTemplate) -> (MockServer, String) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let url = format!("{}/secret-of-the-hook", server.uri());
    (server, url)
}

async fn received(server: &MockServer) -> Vec<Request> {
    server.received_requests().await.unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_is_delivered_once_to_everybody_who_asked_for_it() {
    let mail = Server::start(Manner::default()).await;
    let (channel, hook) = http(ResponseTemplate::new(200).set_body_string(HOSTILE)).await;
    let place = organisation(&mail.lines(PLAIN), &format!("{RECIPIENTS}\n{WEBHOOK}"), &hook);
    let night = |day: u8, more: &[&str]| {
        let moment = format!("2026-11-{day}T04:00:00Z");
        let ended = place.run(&[&["run", "--as-of", &moment], more].concat());
        assert_eq!(ended.exit, 0, "{ended:?}");
        kept_quiet(&place, &ended);
    };
    night(24, &[]);
    let letters = mail.seen().letters;
    let to: Vec<&str> = letters.iter().map(|letter| letter.to[0].as_str()).collect();
    assert_eq!(to, ["mail-ada@example.com", "mail-lead@example.com"]);
    for part in ["Subject: undercurrent: Payments, Tuesday 24 November 2026", "payments.html", "Auto-Submitted"] {
        assert!(letters[0].data.contains(part), "{part}: {}", letters[0].data);
    }
    let told: Value = received(&channel).await[0].body_json().unwrap();
    let text = told["text"].as_str().unwrap();
    let page = place.read(PAGE);
    let summary = text.split("\n\n").nth(1).unwrap();
    assert!(page.contains(&summary.replace('\'', "&#39;")) || page.contains(summary), "the page says it too: {text}");
    assert!(!text.contains("<html") && !text.contains("all is well"), "{text}");
    night(24, &[]);
    assert!(mail.seen().letters.is_empty() && received(&channel).await.len() == 1, "a second run sends nothing");
    night(24, &["--deliver-again"]);
    assert!(mail.seen().letters.len() == 2 && received(&channel).await.len() == 2);
    night(23, &[]);
    assert!(mail.seen().letters.is_empty(), "an earlier night is not delivered after a later one");
    night(25, &[]);
    assert!(mail.seen().letters.len() == 2 && received(&channel).await.len() == 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_without_network_and_runs_that_are_no_night_deliver_nothing() {
    let mail = Server::start(Manner::default()).await;
    let (channel, hook) = http(ResponseTemplate::new(200)).await;
    let sources = mail.lines(PLAIN) + "[delivery.ping]\nurl-file = \"hook.secret\"\n";
    let place = organisation(&sources, &format!("{RECIPIENTS}\n{WEBHOOK}"), &hook);
    let commands: [&[&str]; 4] = [&["run", "--offline"], &["report"], &["collect"], &["run", "--dry-run"]];
    for command in commands {
        assert_eq!(place.run(command).exit, 0, "{command:?}");
    }
    assert!(mail.seen().connections == 0 && received(&channel).await.is_empty());
    let ended = place.run(&["check"]);
    assert!(ended.printed.contains("fine  mail by 127.0.0.1: the server takes the connection"), "{ended:?}");
    assert!(ended.printed.contains("nothing was sent to it") && !ended.printed.contains("WRONG"), "{ended:?}");
    kept_quiet(&place, &ended);
    let seen = mail.seen();
    assert!(seen.connections == 1 && seen.letters.is_empty() && received(&channel).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_arrive_is_named_by_exit_code_and_record_and_tried_again_alone() {
    let mail = Server::start(Manner { refuses: Some("mail-lead"), ..Manner::default() }).await;
    let place = organisation(&mail.lines(PLAIN), RECIPIENTS, "");
    let ended = place.night();
    assert_eq!(ended.exit, 3, "{ended:?}");
    let told = "incomplete: delivery payments: mail 2: the mail server refuses the message (SMTP 550)";
    assert!(ended.complained.contains(told), "{ended:?}");
    kept_quiet(&place, &ended);
    assert!(place.path(PAGE).exists(), "the report is there");
    let record = place.record();
    assert_eq!((&record["exit_code"], record["gaps"].as_array().map(Vec::len)), (&Value::from(3), Some(1)));
    assert!(record["seconds"]["deliver"].is_number());
    assert_eq!(mail.seen().letters.len(), 1);
    assert_eq!(place.night().exit, 3);
    let seen = mail.seen();
    assert!(seen.letters.is_empty() && seen.lines.iter().all(|line| !line.contains("mail-ada")), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_is_put_off_is_sent_again() {
    let mail = Server::start(Manner { puts_off: 1, ..Manner::default() }).await;
    let place = organisation(&mail.lines(PLAIN), "recipients = [\"mail-ada@example.com\"]", "");
    let ended = place.night();
    assert_eq!((ended.exit, mail.seen().letters.len()), (0, 1), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_given_to_the_server_that_wants_it_and_a_refused_one_is_tried_once() {
    let login = format!("{PLAIN}\nuser = \"reports\"\npassword-file = \"password.secret\"");
    let taking = Server::start(Manner { password: Some("token-of-a-test"), ..Manner::default() }).await;
    let place = organisation(&taking.lines(&login), RECIPIENTS, "");
    assert_eq!((place.night().exit, taking.seen().letters.len()), (0, 2));
    let refusing = Server::start(Manner { password: Some("another"), ..Manner::default() }).await;
    let place = organisation(&refusing.lines(&login), RECIPIENTS, "");
    let ended = place.night();
    assert!(ended.exit == 3 && ended.complained.contains("mail 2: the mail server refuses user and password"));
    kept_quiet(&place, &ended);
    assert_eq!(refusing.seen().connections, 1);
    let ended = place.run(&["check"]);
    assert!(ended.exit == 3 && ended.printed.contains("WRONG mail by 127.0.0.1: the mail server refuses user"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_gets_neither_password_nor_letter() {
    let mail = Server::start(Manner { password: Some("token-of-a-test"), ..Manner::default() }).await;
    let login = "user = \"reports\"\npassword-file = \"password.secret\"";
    let place = organisation(&mail.lines(login), RECIPIENTS, "");
    let ended = place.night();
    assert!(ended.exit == 3 && ended.complained.contains("offers no TLS that can be trusted"), "{ended:?}");
    let said = mail.seen().lines;
    assert!(said.iter().all(|line| line.starts_with("EHLO") || line == "QUIT"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_costs_no_more_than_the_stated_patience() {
    let mail = Server::start(Manner { silent: true, ..Manner::default() }).await;
    let lines = mail.lines(PLAIN).replace("patience-seconds = 5", "patience-seconds = 1");
    let place = organisation(&lines, RECIPIENTS, "");
    let begun = std::time::Instant::now();
    let ended = place.night();
    assert!(ended.exit == 3 && ended.complained.contains("longer than the 1 seconds of patience"), "{ended:?}");
    assert!(place.path(PAGE).exists());
    let spent = place.record()["seconds"]["deliver"].as_f64().unwrap();
    assert!(spent < 5.0, "{spent} s of {:?}: the second letter is not tried on a server that is down", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_asked_again_when_it_is_not_ready_and_never_followed_elsewhere() {
    let (channel, hook) = http(ResponseTemplate::new(200)).await;
    let busy = ResponseTemplate::new(503).set_body_string(HOSTILE).insert_header("x-canary", "canary");
    Mock::given(any()).respond_with(busy).up_to_n_times(1).with_priority(1).mount(&channel).await;
    let place = organisation("[delivery]\npatience-seconds = 5", WEBHOOK, &hook);
    let ended = place.night();
    assert_eq!((ended.exit, received(&channel).await.len()), (0, 2), "{ended:?}");
    kept_quiet(&place, &ended);
    let elsewhere = ResponseTemplate::new(302).insert_header("location", &*format!("{hook}/elsewhere"));
    for (answer, told) in [
        (elsewhere, "redirects are not followed"),
        (ResponseTemplate::new(403).set_body_string(HOSTILE), "the webhook's address is refused"),
        (ResponseTemplate::new(404), "the address is not known there"),
    ] {
        let (channel, hook) = http(answer).await;
        let place = organisation("", WEBHOOK, &hook);
        let ended = place.night();
        assert!(ended.exit == 3 && ended.complained.contains(told), "{told}: {ended:?}");
        kept_quiet(&place, &ended);
        assert_eq!(received(&channel).await.len(), 1, "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_unsafe_address_never_costs_the_report() {
    let place = organisation("", WEBHOOK, "http://hooks.example.com/secret-of-the-hook");
    for told in ["addresses must begin with https://", "hook.secret cannot be read"] {
        let ended = place.night();
        assert!(ended.exit == 3 && ended.complained.contains(told) && place.path(PAGE).exists(), "{ended:?}");
        let ended = place.run(&["check"]);
        assert!(ended.printed.contains("WRONG webhook at undercurrent.toml:"), "{ended:?}");
        kept_quiet(&place, &ended);
        let _ = fs::remove_file(place.path("hook.secret"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthcheck_is_told_begin_and_exit_code_under_one_number_and_its_death_changes_nothing() {
    let (channel, hook) = http(ResponseTemplate::new(200)).await;
    let ping = "[delivery.ping]\nurl-file = \"hook.secret\"";
    let place = organisation(ping, "git = [\"clones/none.git\"]", &hook);
    assert_eq!(place.night().exit, 3);
    let told: Vec<(String, String)> = received(&channel)
        .await
        .iter()
        .map(|request| (request.url.path().to_owned(), request.url.query().unwrap_or_default().to_owned()))
        .collect();
    assert_eq!(told[0].0, "/secret-of-the-hook/start");
    assert_eq!(told[1].0, "/secret-of-the-hook/3");
    assert!(told.len() == 2 && told[0].1 == told[1].1 && told[0].1.starts_with("rid="), "{told:?}");
    let body = String::from_utf8(received(&channel).await[1].body.clone()).unwrap();
    assert_eq!(body, "undercurrent: exit 3 run=000001 scopes=0/1 gaps=1");
    fs::write(place.path("store/MANIFEST"), "damaged").unwrap();
    assert_eq!(place.night().exit, 7);
    assert!(received(&channel).await.last().unwrap().url.path().ends_with("/7"), "failures are told too");
    let dead = organisation(ping, "", "http://127.0.0.1:1/secret-of-the-hook");
    let ended = dead.night();
    assert!(ended.exit == 0 && ended.complained.contains("the healthcheck was not told start"), "{ended:?}");
    kept_quiet(&dead, &ended);
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_speak_the_language_of_the_report_and_link_to_it_where_it_is_served() {
    let (channel, hook) = http(ResponseTemplate::new(202)).await;
    let sources = "[report]\nlanguage = \"de\"\n[delivery]\nbase-url = \"https://reports.example.com/latest\"";
    let team = "webhook = { url-file = \"hook.secret\", form = \"teams\" }";
    let place = organisation(sources, team, &hook);
    let ended = place.night();
    assert_eq!(ended.exit, 0, "{ended:?}");
    let told: Value = received(&channel).await[0].body_json().unwrap();
    let text = told["attachments"][0]["content"]["body"].to_string();
    assert!(text.contains("Die Seite: https://reports.example.com/latest/payments.html"), "{text}");
    assert!(text.contains("24. November 2026"), "{text}");
}
