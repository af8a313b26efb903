//! The free/busy services against doubles that answer as Google and Microsoft describe.

use std::sync::Arc;

use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use undercurrent::collect::calendar::{FreeBusySource, Kind, Mailbox, freebusy};
use undercurrent::collect::{Context, Delivery, Outcome, ScopeReport};
use undercurrent::model::time::Millis;
use undercurrent::model::{Batch, Pseudonyms};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const DAY: i64 = 86_400_000;
/// 2026-03-02, a Monday, at midnight in UTC.
const MONDAY: i64 = 1_772_409_600_000;

fn mailbox(number: usize) -> Mailbox {
    let address = format!("Dev{number}@people.example");
    Mailbox {
        account: Pseudonyms::new([1; 32]).account("calendar", "calendar", &address),
        place: format!("u.toml:{number:03}"),
        address,
        zone: TimeZone::UTC,
    }
}

/// Reads `people` for `days` from Monday on.
async fn collected(server: &MockServer, kind: Kind, people: usize, days: i64) -> (Vec<ScopeReport>, Batch) {
    let (sink, mut deliveries) = mpsc::channel::<Delivery>(1000);
    let context = Context {
        now: Millis(MONDAY),
        since: Millis(MONDAY),
        cursors: Arc::default(),
        pseudonyms: Pseudonyms::new([1; 32]),
        meter: Arc::default(),
        sink,
    };
    let source = FreeBusySource {
        kind,
        url: server.uri().parse().unwrap(),
        token: "secret".to_owned().into(),
        mailboxes: (0..people).map(mailbox).collect(),
    };
    let window = (Millis(MONDAY), Millis(MONDAY + days * DAY));
    let reports = freebusy::collect(&[source], window, &context).await;
    drop(context);
    let mut batch = Batch::default();
    while let Some(delivery) = deliveries.recv().await {
        batch.append(delivery.batch);
    }
    (reports, batch)
}

fn asked(request: &Request, list: &str) -> Vec<String> {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let text = |one: &Value| one.as_str().or(one["id"].as_str()).unwrap().to_owned();
    body[list].as_array().unwrap().iter().map(text).collect()
}

#[tokio::test]
async fn google_is_asked_in_batches_and_one_error_takes_out_one_person() {
    let server = MockServer::start().await;
    let answer = |request: &Request| {
        let calendar = |address: String| {
            let told = if address == "Dev7@people.example" {
                json!({ "errors": [{ "domain": "global", "reason": "notFound" }], "busy": [] })
            } else {
                json!({ "busy": [
                    { "start": "2026-03-02T09:00:00Z", "end": "2026-03-02T10:00:00Z" },
                    { "start": "2026-03-04T00:00:00Z", "end": "2026-03-05T00:00:00Z" },
                ] })
            };
            (address, told)
        };
        let calendars: serde_json::Map<String, Value> = asked(request, "items").into_iter().map(calendar).collect();
        ResponseTemplate::new(200).set_body_json(json!({ "kind": "calendar#freeBusy", "calendars": calendars }))
    };
    let expected = Mock::given(method("POST")).and(path("/calendar/v3/freeBusy"));
    expected.and(header("authorization", "Bearer secret")).respond_with(answer).mount(&server).await;
    let (reports, batch) = collected(&server, Kind::Google, 60, 14).await;
    let sizes: Vec<usize> =
        server.received_requests().await.unwrap().iter().map(|one| asked(one, "items").len()).collect();
    assert_eq!(sizes, [50, 10]);
    let failed: Vec<&ScopeReport> = reports.iter().filter(|report| report.outcome == Outcome::Failed).collect();
    assert_eq!((reports.len(), failed.len()), (60, 1));
    assert_eq!(failed[0].id.scope, "u.toml:007");
    assert!(!failed[0].reason.as_ref().unwrap().contains("people.example"));
    assert_eq!((batch.busy.len(), batch.absences.len(), batch.replaced.len()), (59, 59, 59));
    assert_eq!((batch.busy[0].kind.as_str(), batch.busy[0].attendees), ("meeting", None));
}

#[tokio::test]
async fn microsoft_tells_of_absences_and_what_it_says_besides_is_dropped() {
    let server = MockServer::start().await;
    let at =
        |day: &str, hour: &str| json!({ "dateTime": format!("2026-03-{day}T{hour}:00:00.0000000"), "timeZone": "UTC" });
    let item = move |status: &str, day: &str, from: &str, to: &str| {
        let (start, end) = (at(day, from), at(day, to));
        json!({ "status": status, "subject": "S", "location": "L", "start": start, "end": end })
    };
    let answer = move |request: &Request| {
        let schedule = |address: String| {
            if address.starts_with("Dev1@") {
                return json!({ "scheduleId": address, "error": { "message": "no Dev1", "responseCode": "ErrorMailRecipientNotFound" } });
            }
            json!({ "scheduleId": address.to_lowercase(), "availabilityView": "0202", "scheduleItems": [
                item("busy", "02", "09", "10"), item("tentative", "02", "11", "12"), item("free", "02", "13", "14"),
                item("workingElsewhere", "02", "15", "16"), item("oof", "03", "08", "17"), item("oof", "04", "13", "17"),
            ] })
        };
        let value: Vec<Value> = asked(request, "schedules").into_iter().map(schedule).collect();
        ResponseTemplate::new(200).set_body_json(json!({ "value": value }))
    };
    // The first mailbox is gone, so the second one asks for all.
    Mock::given(path("/users/Dev0@people.example/calendar/getSchedule"))
        .respond_with(ResponseTemplate::new(404))
        .mount(&server)
        .await;
    Mock::given(path("/users/Dev1@people.example/calendar/getSchedule")).respond_with(answer).mount(&server).await;
    let (reports, batch) = collected(&server, Kind::Microsoft, 3, 14).await;
    let outcomes: Vec<Outcome> = reports.iter().map(|report| report.outcome).collect();
    assert_eq!(outcomes, [Outcome::Complete, Outcome::Failed, Outcome::Complete]);
    let responses: Vec<&str> = batch.busy.iter().map(|busy| busy.response.as_str()).collect();
    assert_eq!(responses, ["none", "tentative", "none", "tentative"]);
    let away: Vec<(String, bool)> = batch.absences[..2].iter().map(|one| (one.day.to_string(), one.half)).collect();
    assert_eq!(away, [("2026-03-03".to_owned(), false), ("2026-03-04".to_owned(), true)]);
}

#[tokio::test]
async fn long_windows_are_asked_for_in_stretches_and_an_entry_across_them_stays_one() {
    let server = MockServer::start().await;
    let answer = |request: &Request| {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let (from, to) = (body["timeMin"].as_str().unwrap(), body["timeMax"].as_str().unwrap());
        // One entry from the third hour before the end of the first stretch to the third hour after it.
        let busy = if from == "2026-03-02T00:00:00Z" {
            json!([{ "start": "2026-05-02T21:00:00Z", "end": to }])
        } else {
            json!([{ "start": from, "end": "2026-05-03T03:00:00Z" }])
        };
        ResponseTemplate::new(200).set_body_json(json!({ "calendars": { "dev0@people.example": { "busy": busy } } }))
    };
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    let (_, batch) = collected(&server, Kind::Google, 1, 100).await;
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
    assert_eq!(batch.busy.len(), 1);
    assert_eq!(batch.busy[0].ends_at.minutes_since(batch.busy[0].starts_at), 360);
}

#[tokio::test]
async fn a_refused_token_and_a_redirect_fail_everybody_and_the_token_stays_here() {
    let (server, elsewhere) = (MockServer::start().await, MockServer::start().await);
    let to = ResponseTemplate::new(302).insert_header("location", elsewhere.uri().as_str());
    Mock::given(method("POST")).respond_with(to).up_to_n_times(1).with_priority(1).mount(&server).await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(401)).mount(&server).await;
    let (reports, _) = collected(&server, Kind::Google, 2, 14).await;
    assert!(reports.iter().all(|report| report.outcome == Outcome::Failed && !report.refused));
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
    let (reports, batch) = collected(&server, Kind::Google, 2, 14).await;
    assert!(reports.iter().all(|report| report.refused));
    assert_eq!(batch.rows(), 0);
}
