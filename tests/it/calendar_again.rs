//! A calendar by its address, night after night: it is asked whether it changed only where "not modified" would do.

use std::sync::Arc;

use jiff::tz::TimeZone;
use tokio::sync::mpsc;
use undercurrent::collect::calendar::{CalendarSource, Location, collect};
use undercurrent::collect::{Context, Cursors, Outcome};
use undercurrent::model::time::Millis;
use undercurrent::model::{Batch, Pseudonyms};
use undercurrent::store::Store;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::support::opened;

const DAY: i64 = 86_400_000;
/// 2026-03-02, a Monday, at midnight in UTC.
const MONDAY: i64 = 1_772_409_600_000;

/// A meeting in the window, and one that comes into sight on the fourth night.
const TEXT: &str = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:20260303T090000Z\nDURATION:PT1H\nEND:VEVENT\n\
                    BEGIN:VEVENT\nUID:2\nDTSTART:20260318T090000Z\nDURATION:PT1H\nEND:VEVENT\nEND:VCALENDAR\n";

async fn server() -> MockServer {
    let server = MockServer::start().await;
    let answer = |request: &Request| {
        let same = request.headers.get("if-none-match").is_some_and(|tag| tag == "\"1\"");
        let whole = ResponseTemplate::new(200).insert_header("etag", "\"1\"").set_body_string(TEXT);
        if same { ResponseTemplate::new(304) } else { whole }
    };
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

/// The reading of a night with its window, merged into the store.
async fn night(server: &MockServer, store: &mut Store, number: i64, addresses: &[&str]) -> Outcome {
    let (sink, mut deliveries) = mpsc::channel(100);
    let context = Context {
        now: Millis(MONDAY + number * DAY),
        since: Millis(MONDAY),
        cursors: Arc::new(store.cursors().clone()),
        pseudonyms: Pseudonyms::new([1; 32]),
        meter: Arc::default(),
        sink,
    };
    let source = CalendarSource {
        account: context.pseudonyms.account("calendar", "calendar", "me"),
        owner_emails: addresses.iter().map(|address| (*address).to_owned()).collect(),
        place: "u.toml:1".to_owned(),
        location: Location::Web(format!("{}/a.ics", server.uri()).into()),
        zone: TimeZone::UTC,
    };
    let window = (Millis(MONDAY + number * DAY), Millis(MONDAY + (number + 14) * DAY));
    let reports = collect(&[source], false, window, &context).await;
    drop(context);
    let (mut batch, mut cursors) = (Batch::default(), Cursors::new());
    while let Some(delivery) = deliveries.recv().await {
        batch.append(delivery.batch);
        cursors.extend(delivery.cursor.map(|cursor| (delivery.scope, cursor)));
    }
    store.merge(&batch, cursors.into_iter().collect()).unwrap();
    reports[0].outcome
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_unchanged_calendar_is_read_again_when_something_of_it_comes_into_sight_or_its_owner_changes() {
    let server = server().await;
    let folder = tempfile::tempdir().unwrap();
    let mut store = opened(&folder.path().join("kept"), [1; 32]);
    let mut outcomes = Vec::new();
    for number in 0..5 {
        outcomes.push(night(&server, &mut store, number, &[]).await);
        // What is kept equals what a first night of this day would read, but for what is older than its window.
        let mut fresh = opened(&folder.path().join(number.to_string()), [1; 32]);
        night(&server, &mut fresh, number, &[]).await;
        let older = if number >= 2 { 1 } else { 0 };
        assert_eq!(store.rows()["busy"], fresh.rows()["busy"] + older, "night {number}");
    }
    use Outcome::{Complete, Unchanged};
    assert_eq!(outcomes, [Complete, Unchanged, Unchanged, Complete, Unchanged]);
    assert_eq!(night(&server, &mut store, 5, &["me@example.com"]).await, Complete);
    let asked = server.received_requests().await.unwrap();
    let marked = asked.iter().filter(|request| request.headers.contains_key("if-none-match")).count();
    assert_eq!((asked.len(), marked), (5 + 5 + 1, 3));
}
